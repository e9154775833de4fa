//! Proposals: a new version of a published policy, for those who decide on it.
//!
//! A proposal states the identifiers of the policy in force and of the proposed one, every parameter that changes, the
//! hashes of what it rests on, and the calls that would publish it, so that a vote or a multisignature can be about the
//! calls' data.

mod arguments;
mod changes;
mod identifier;

use alloy_primitives::{hex, keccak256};
use alloy_sol_types::SolCall as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, not_empty, require},
    text::Document,
    units::{Ppm, Price, Seconds, Timestamp},
};
use surety_margin::{
    market::{MarketEntry, Tighter},
    policy::Policy,
    universe::Universe,
};
use surety_verifier::{CommittedPolicy, attestation::identifiers::PolicyId};

pub use self::{
    arguments::Argument,
    changes::{Direction, PolicyChange, changes},
};
use crate::{
    abi::{
        IPolicyRegistry::{delayCall, latestVersionCall, policyOfCall, publishCall},
        Publication, bytes32,
    },
    deployment::{Contracts, Deployment},
    error::ChainError,
    publish::publication,
    rules::ChainRules,
};

/// A new version of a published policy, with the calls that publish it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The format.
    pub kind: KindOf<Proposal>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// What versions of the policy have in common.
    pub line: Name,
    /// The version that is proposed.
    pub policy_version: u32,
    /// The policy in force.
    pub in_force: PolicyId,
    /// The policy that is proposed.
    pub proposed: PolicyId,
    /// What the proposal rests on, such as the report of a calibration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportHash>,
    /// Every parameter that changes.
    pub changes: Vec<PolicyChange>,
    /// Whether oracle nodes can do the same without a new version.
    pub fast_path: FastPath,
    /// How long after the call the version begins to count: the policy registry's delay.
    pub delay: Seconds,
    /// The calls, in their order. The owner of the policy registry makes them.
    pub calls: Vec<Call>,
}

/// A file, by the Keccak-256 of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportHash {
    /// The name of the file.
    pub file: String,
    /// The hash.
    pub keccak256: Bytes32,
}

/// Whether numbers that oracle nodes sign under the policy in force tighten as much as the proposed version would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FastPath {
    /// Whether they do.
    pub suffices: bool,
    /// The parameter entries, each with the laxest number that does; none if they do not suffice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<FastEntry>,
}

/// A parameter entry, with the laxest number that tightens as much as the proposed version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FastEntry {
    /// The entry.
    pub entry: Name,
    /// The number.
    pub number: Price,
    /// How many snapshots it takes to go there from what is approved without one that the circuit breaker marks.
    pub snapshots: u32,
}

/// A call of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The contract.
    pub contract: String,
    /// Where it is.
    pub to: EvmAddress,
    /// The function, with the types of its arguments.
    pub function: String,
    /// The call's data.
    pub data: String,
    /// What the data says.
    pub arguments: Vec<Argument>,
}

impl Kinded for Proposal {
    const KIND: Kind = Kind::Proposal;
}

/// The call says what its data says, and publishes the version that is stated (invariant 151). That the policy is the
/// one that is meant, and the registry's address, follow from the policies and the deployment alone: make the proposal
/// anew, and compare.
impl Document for Proposal {
    fn problems(&self) -> Vec<Problem> {
        let mut problems = not_empty("changes", &self.changes).into_iter().collect::<Vec<_>>();
        let expected = "another policy than the one in force";
        problems.extend(require(self.proposed != self.in_force, "proposed", expected, self.proposed.0));
        let [call] = &self.calls[..] else {
            problems.push(Problem::new("calls", "one call, which publishes the version", self.calls.len().to_string()));
            return problems;
        };
        for (key, found, expected) in
            [("contract", &*call.contract, CONTRACT), ("function", &*call.function, publishCall::SIGNATURE)]
        {
            problems.extend(require(found == expected, format!("calls[0].{key}"), expected, found));
        }
        match decoded(&call.data) {
            Some(publication) => problems.extend(self.publication_problems(call, &publication)),
            None => {
                let expected = "the data of a call of PolicyRegistry.publish";
                problems.push(Problem::new("calls[0].data", expected, "other data"));
            }
        }
        problems
    }
}

const CONTRACT: &str = "PolicyRegistry";

impl Proposal {
    /// What the proposal says otherwise than the publication.
    fn publication_problems(&self, call: &Call, publication: &Publication) -> Vec<Problem> {
        let same = arguments::of(publication) == call.arguments;
        let arguments = require(same, "calls[0].arguments", "what the call's data says", "something else");
        let line = keccak256(self.line.as_str());
        let expected = format!("a line whose Keccak-256 is that of the call's data, {}", publication.line);
        let line = require(line == publication.line, "line", expected, format!("{}, with {line}", self.line));
        let expected = format!("the version of the call's data, {}", publication.version);
        let version = self.policy_version;
        let version = require(version == publication.version, "policy_version", expected, version);
        let identifier = identifier::of(publication).and_then(|id| {
            let expected = format!("the policy of the call's data, {}", id.0);
            require(id == self.proposed, "proposed", expected, self.proposed.0)
        });
        [arguments, line, version, identifier].into_iter().flatten().collect()
    }
}

/// The publication of a call's data, which has nothing else.
fn decoded(data: &str) -> Option<Publication> {
    let bytes = hex::decode(data).ok()?;
    let call = publishCall::abi_decode_validate(&bytes).ok()?;
    (call.abi_encode() == bytes).then_some(call.publication)
}

/// What a policy registry says of a line of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// How long after its publication a version begins to count.
    pub delay: Seconds,
    /// The latest version; zero if there is none.
    pub latest: u32,
    /// The policy of that version.
    pub policy: PolicyId,
}

impl Contracts {
    /// What the policy registry says of a line.
    ///
    /// # Errors
    /// If the node or the contract does not answer.
    pub fn line(&self, line: &Name) -> Result<Line, ChainError> {
        let (at, line) = (&self.at.policies, keccak256(line.as_str()));
        let latest = self.node.view(at, &latestVersionCall { line })?;
        let policy = self.node.view(at, &policyOfCall { line, version: latest })?;
        let delay = Seconds(self.node.view(at, &delayCall {})?.to());
        Ok(Line { delay, latest, policy: PolicyId(bytes32(policy)) })
    }
}

impl Line {
    /// Demands that the policy in force is the line's latest version, and the proposed version the next one.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self, in_force: &CommittedPolicy, rules: &ChainRules) -> Result<(), ChainError> {
        if self.policy != in_force.id() {
            let advice = "give the policy and the universe that were published last";
            let found = format!("policy {} in version {} of {}", self.policy.0, self.latest, rules.line);
            return Err(ChainError::mismatch("policy registry", format!("policy {}", in_force.id().0), found, advice));
        }
        if self.latest.checked_add(1) == Some(rules.policy_version) {
            return Ok(());
        }
        let expected = format!("one more than the latest version, {}", self.latest);
        Err(ChainError::input("chain rules: policy_version", expected, rules.policy_version))
    }
}

/// Proposes a policy instead of the one in force. `reports` are the names and the contents of files that it rests on.
///
/// # Errors
/// If the policies are the same or are over different universes, or the rules do not fit the proposed one.
pub fn propose(
    in_force: &CommittedPolicy,
    proposed: &CommittedPolicy,
    rules: &ChainRules,
    at: &Deployment,
    delay: Seconds,
    reports: &[(String, Vec<u8>)],
) -> Result<Proposal, ChainError> {
    if in_force.id() == proposed.id() {
        let expected = format!("another policy than the one in force, {}", in_force.id().0);
        return Err(ChainError::input("proposed policy", expected, "the same: there is nothing to publish"));
    }
    if in_force.universe_id() != proposed.universe_id() {
        let expected = format!("the universe of the policy in force, {}", in_force.universe_id().0);
        return Err(ChainError::input("proposed policy", expected, proposed.universe_id().0));
    }
    let problems = rules.check(proposed.policy(), proposed.universe());
    if !problems.is_empty() {
        return Err(ChainError::Problems { input: "chain rules".to_owned(), problems });
    }
    let call = publishCall { publication: publication(at, proposed, rules)? };
    let hash =
        |(file, bytes): &(String, Vec<u8>)| ReportHash { file: file.clone(), keccak256: bytes32(keccak256(bytes)) };
    Ok(Proposal {
        kind: KindOf::new(),
        version: FormatVersion,
        chain_id: at.chain_id,
        line: rules.line.clone(),
        policy_version: rules.policy_version,
        in_force: in_force.id(),
        proposed: proposed.id(),
        reports: reports.iter().map(hash).collect(),
        changes: changes(in_force.policy(), proposed.policy()),
        fast_path: fast_path(in_force.policy(), proposed.policy(), proposed.universe(), rules),
        delay,
        calls: vec![Call {
            contract: CONTRACT.to_owned(),
            to: at.policies,
            function: publishCall::SIGNATURE.to_owned(),
            data: hex::encode_prefixed(call.abi_encode()),
            arguments: arguments::of(&call.publication),
        }],
    })
}

/// The fast path suffices if nothing differs but what is approved for parameter entries, each to a number that is
/// tighter and that the policy in force admits, together with whatever follows from it; if oracle nodes sign; and if
/// the circuit breaker lets the numbers go there.
#[must_use]
pub fn fast_path(in_force: &Policy, proposed: &Policy, universe: &Universe, rules: &ChainRules) -> FastPath {
    let (mut reached, mut entries) = (in_force.clone(), Vec::new());
    for (entry, new) in reached.market.iter_mut().zip(&proposed.market) {
        let (Some(tighter), Some(approved), Some(number)) = (entry.tighter, entry.approved(), new.approved()) else {
            continue;
        };
        let admitted = new.name == entry.name && (entry.min..=entry.max).contains(&number);
        if !admitted || approved == number {
            continue;
        }
        let Some(snapshots) = snapshots(in_force, entry, approved, number) else { continue };
        match tighter {
            Tighter::Lower => entry.max = number,
            Tighter::Higher => entry.min = number,
        }
        entries.push(FastEntry { entry: entry.name.clone(), number, snapshots });
    }
    let others = !entries.is_empty() && reached == *proposed && rules.feeds.is_empty();
    let suffices = others && is_derivable(in_force, &entries, universe);
    FastPath { suffices, entries: if suffices { entries } else { Vec::new() } }
}

/// How many snapshots lead from one number to another, none of which the circuit breaker marks; none if the largest
/// step is too small to count them.
fn snapshots(policy: &Policy, entry: &MarketEntry, from: Price, to: Price) -> Option<u32> {
    const MOST: u32 = 1_000;
    let Some(breaker) = policy.oracle.breaker else { return Some(1) };
    let (mut number, to) = (from.get(), to.get());
    let largest = |number: u128| number * u128::from(breaker.max_deviation_of(entry).0) / u128::from(Ppm::ONE.0);
    for count in 1..=MOST {
        let step = largest(number);
        if number.abs_diff(to) <= step {
            return Some(count);
        }
        number = if to < number { number - step } else { number + step };
    }
    None
}

/// Whether all that is derived stays in its box with these numbers, in every corner of the boxes of what else is
/// reported. Formulas are monotone in each of few entries; of many nothing is said.
fn is_derivable(policy: &Policy, entries: &[FastEntry], universe: &Universe) -> bool {
    const MOST: usize = 12;
    let Ok(vector) = policy.market_vector(universe) else { return false };
    let fixed = |entry: &MarketEntry| entries.iter().find(|it| it.entry == entry.name).map(|it| it.number);
    let free: Vec<usize> = (0..policy.market.len()).filter(|i| fixed(&policy.market[*i]).is_none()).collect();
    let mut reported: Vec<Price> = policy.market.iter().map(|entry| fixed(entry).unwrap_or(entry.min)).collect();
    let mut is_derivable_in = |corner: usize| {
        for (bit, i) in free.iter().enumerate() {
            let MarketEntry { min, max, .. } = policy.market[*i];
            reported[*i] = if corner >> bit & 1 == 0 { min } else { max };
        }
        vector.derive(&reported, Timestamp(0)).is_ok()
    };
    free.len() <= MOST && (0..1 << free.len()).all(&mut is_derivable_in)
}

#[cfg(test)]
mod tests;
