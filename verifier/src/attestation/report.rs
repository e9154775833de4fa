//! What oracle nodes sign, and the checks of a snapshot that take signatures.
//!
//! Prices are the same for everybody: a report's EIP-712 domain names no chain and no contract, so that one report
//! serves every registry that follows the same feeds. It cannot pass for a statement, whose domain has other fields.

use surety_core::{
    ident::{Bytes32, Name},
    problem::Problem,
    units::{Price, Timestamp},
};
use surety_margin::{
    market::{Observation, Observed, Report, Snapshot},
    oracle,
    policy::Policy,
    universe::Universe,
};

use crate::attestation::{
    compiled::CommittedPolicy,
    eip712::{HashedText, number},
    identifiers::{FeedsId, PricesId, SnapshotId},
    rejection::{Rejection, Rule, require, same},
    signature::{KnownKeys, check_signature},
    signer::{Signable as _, Signer, SignerError},
    typed_data::{Typed, TypedData},
};

/// The struct that is signed. Of an entry that the node does not follow, `observed` is false and the rest zero.
static TYPE: HashedText = HashedText::new(
    "MarketReport(bytes32 feeds,uint64 epoch,uint64 observedAt,bytes32 previous,bool[] observed,\
uint256[] prices,uint256[] confidences,uint64[] ages)",
);

/// The EIP-712 hash of a report: what its oracle node signs.
#[must_use]
pub fn hash(report: &Report) -> Bytes32 {
    typed_data(report).digest()
}

/// What an oracle node signs.
#[must_use]
pub fn typed_data(report: &Report) -> TypedData {
    let column = |value: fn(&Observation) -> u128| {
        let value = |observed: &Observed| number(observed.observation().map_or(0, value));
        Typed::Words(report.observations.iter().map(value).collect())
    };
    let values = vec![
        Typed::Word(report.feeds.0),
        Typed::Word(number(report.epoch.into())),
        Typed::Word(number(report.observed_at.0.into())),
        Typed::Word(report.previous.0),
        column(|_| 1),
        column(|observation| observation.price.get()),
        column(|observation| observation.confidence.get()),
        column(|observation| observation.age.0.into()),
    ];
    TypedData::of(None, &TYPE, values)
}

/// The report with its node's address and signature.
///
/// # Errors
/// If the node's signer gives none, or another one.
pub fn sign(mut report: Report, signer: &dyn Signer) -> Result<Report, SignerError> {
    report.oracle = signer.address();
    report.signature = signer.sign(&typed_data(&report))?;
    Ok(report)
}

/// The references of a report that are wrong: to other feeds than the policy's, or to other prices before than those,
/// if there are any. `path` is the report's place.
#[must_use]
pub fn wrong_references(report: &Report, path: &str, feeds: FeedsId, previous: Option<PricesId>) -> Vec<Rejection> {
    let feeds = same(Rule::Reference, format!("{path}.feeds"), "the policy's feeds", feeds.0, report.feeds);
    let previous = previous.map_or(Ok(()), |previous| {
        let what = "the previous prices of the snapshot,";
        same(Rule::Market, format!("{path}.previous"), what, previous.0, report.previous)
    });
    [feeds, previous].into_iter().filter_map(Result::err).collect()
}

/// Checks that a report is signed by its node. `path` is the report's place.
///
/// # Errors
/// [`Rule::Signature`].
pub fn check_report_signature(report: &Report, path: &str, keys: &KnownKeys) -> Result<(), Rejection> {
    let content = || format!("a report of epoch {}", report.epoch);
    check_signature(format!("{path}.signature"), content, &hash(report), &report.signature, &report.oracle, keys)
}

/// A snapshot that follows a policy's rules and that oracle nodes stand behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedSnapshot {
    /// The market vector.
    pub prices: Vec<Price>,
    /// When the oldest report was observed.
    pub oldest: Timestamp,
    /// When the newest report was observed.
    pub newest: Timestamp,
    /// The market entries that have moved too far since the snapshot before.
    pub marked: Vec<Name>,
}

/// Checks feeds, the policy's oracle rules, and every signature.
///
/// # Errors
/// The first rule that is broken.
pub fn check_snapshot(policy: &CommittedPolicy, snapshot: &Snapshot) -> Result<CheckedSnapshot, Rejection> {
    check_signed(policy.policy(), policy.universe(), policy.feeds_id(), snapshot)
}

/// As [`check_snapshot`], for oracle nodes, who need no commitments. `feeds` identifies the policy's market entries.
///
/// # Errors
/// The first rule that is broken.
pub fn check_signed(
    policy: &Policy,
    universe: &Universe,
    feeds: FeedsId,
    snapshot: &Snapshot,
) -> Result<CheckedSnapshot, Rejection> {
    check_sizes(policy, snapshot)?;
    let previous = snapshot.previous.as_ref().filter(|previous| previous.prices.len() <= policy.market.len());
    let previous = previous.map(|previous| PricesId::of(feeds, previous));
    for (index, report) in snapshot.reports.iter().enumerate() {
        let wrong = wrong_references(report, &format!("market: reports[{index}]"), feeds, previous);
        wrong.into_iter().next().map_or(Ok(()), Err)?;
    }
    let prices = oracle::check(policy, universe, snapshot).map_err(|problems| market_rejection(&problems))?;
    let keys = KnownKeys::default();
    for (index, report) in snapshot.reports.iter().enumerate() {
        check_report_signature(report, &format!("market: reports[{index}]"), &keys)?;
    }
    let newest = snapshot.reports.iter().map(|report| report.observed_at).max().unwrap_or_default();
    Ok(CheckedSnapshot { prices, oldest: snapshot.time, newest, marked: snapshot.marked.clone() })
}

/// Checks a snapshot that a contract has taken from feeds: nobody has reported and signed, so the caller has to know
/// from the chain that a contract has.
///
/// # Errors
/// The first rule that is broken.
pub fn check_taken(policy: &CommittedPolicy, snapshot: &Snapshot) -> Result<CheckedSnapshot, Rejection> {
    check_sizes(policy.policy(), snapshot)?;
    let prices = oracle::check_taken(policy.policy(), policy.universe(), snapshot);
    let prices = prices.map_err(|problems| market_rejection(&problems))?;
    let time = snapshot.time;
    Ok(CheckedSnapshot { prices, oldest: time, newest: time, marked: snapshot.marked.clone() })
}

/// Refuses what is too long before anything is hashed, which takes time in proportion.
fn check_sizes(policy: &Policy, snapshot: &Snapshot) -> Result<(), Rejection> {
    let most = policy.oracle.nodes.len();
    let sizes = [("reports", snapshot.reports.len(), most), ("prices", snapshot.prices.len(), policy.market.len())];
    for (list, found, most) in sizes {
        require(found <= most, Rule::Market, format!("market: {list}"), || {
            (format!("at most {most}, as many as the policy has of them"), found.to_string())
        })?;
    }
    Ok(())
}

/// The identifier of a policy's snapshot.
#[must_use]
pub fn snapshot_id(policy: &CommittedPolicy, snapshot: &Snapshot) -> SnapshotId {
    SnapshotId::of(policy.feeds_id(), snapshot)
}

fn market_rejection(problems: &[Problem]) -> Rejection {
    match problems {
        [] => Rejection::new(Rule::Market, "market", "a snapshot that follows the policy's rules", "another one"),
        [first, ..] => Rejection::new(Rule::Market, format!("market: {}", first.path), &*first.expected, &*first.found),
    }
}
