//! From reports of oracle nodes to one snapshot of prices, and back: in integers, reproducible by anyone.
//!
//! The price of a market entry is the median of the prices that nodes observed. For an even number of them that is the
//! mean of the two in the middle, rounded down. With a quorum of q, `(q - 1) / 2` nodes that lie, rounded down, cannot
//! move the median beyond what honest nodes report, whichever reports are left out: a policy that is to withstand one
//! needs a quorum of three. The time of a snapshot is that of its oldest report.
//!
//! Where a policy has a circuit breaker, the medians are compared with the prices of the snapshot before, which every
//! report names by their identifier: an entry that has moved further than allowed marks the snapshot. As the mark
//! follows from medians, who cannot move those cannot set or clear it. Only reported entries are compared; what is
//! derived from them moves with them.
//!
//! No report is passed over: one that breaks a rule makes the set invalid, and whoever puts the set together leaves it
//! out. The price of every observation lies in the policy's box, not only their median: of two reports the median is
//! the mean, which one price of zero would halve. The same function holds a node to these rules before it signs:
//! [`observation_problems`].
//!
//! Signatures, and whether `feeds` and `previous` identify the entries of the policy and the prices before, are for the
//! caller to check.

use surety_core::{
    FormatVersion,
    ident::Name,
    kind::KindOf,
    problem::{Problem, repeated, require},
    units::{Ppm, Price, Seconds, Timestamp},
};

use crate::{
    market::{
        EntryPrice, MarketEntry, Observation, Observed, OracleRules, Predecessor, Report, Snapshot,
        price_box::{box_problem, box_problems},
    },
    policy::Policy,
    universe::Universe,
};

/// How far ahead of this computer's clock a time may be that has just been observed: two clocks that both follow a time
/// server are closer.
pub const CLOCK_TOLERANCE: Seconds = Seconds(30);

/// Every rule that keeps a node from signing what it observed at a time: those that a verifier holds each report to,
/// what follows from the observations if there is one of every entry, and that the time is not ahead of `now`, up to
/// [`CLOCK_TOLERANCE`]. Paths begin with the name of the market entry.
#[must_use]
pub fn observation_problems(
    policy: &Policy,
    universe: &Universe,
    observations: &[Observed],
    observed_at: Timestamp,
    now: Timestamp,
) -> Vec<Problem> {
    let path = |index: usize| policy.market.get(index).map_or_else(String::new, |entry| entry.name.to_string());
    let mut problems = Vec::from_iter(future_problem(observed_at, now, "observed_at"));
    problems.extend(observed_problems(policy, observations, observed_at, "", path));
    if problems.is_empty() {
        problems.extend(derived_problems(policy, universe, observations, observed_at));
    }
    problems.into_iter().map(|problem| problem.advise(NOTHING_SIGNED)).collect()
}

const NOTHING_SIGNED: &str = "nothing was signed: check the source and the clock; a whole number counts quote units or \
     an \
                              entry's smallest steps, whichever its box admits, one with a decimal mark quote units; \
                              if the \
                              market is there, the policy needs another box";

/// What would follow from the observations alone, if it is out of its box or has no value.
fn derived_problems(
    policy: &Policy,
    universe: &Universe,
    observations: &[Observed],
    observed_at: Timestamp,
) -> Vec<Problem> {
    let prices = observations.iter().map(|observed| Some(observed.observation()?.price)).collect::<Option<Vec<_>>>();
    let derive = |prices: Vec<Price>| policy.market_vector(universe)?.derive(&prices, observed_at);
    prices.map(derive).and_then(Result::err).unwrap_or_default()
}

/// Whether a time that has been observed is ahead of the clock. `path` is where it is.
#[must_use]
pub fn future_problem(observed_at: Timestamp, now: Timestamp, path: &str) -> Option<Problem> {
    let latest = now.0.saturating_add(CLOCK_TOLERANCE.0);
    let expected = format!("at most {latest}, {} seconds ahead of the clock", CLOCK_TOLERANCE.0);
    let found = format!("{}, {} seconds ahead", observed_at.0, observed_at.0.saturating_sub(now.0));
    require(observed_at.0 <= latest, path, expected, found)
}

/// Whether prices were observed so long ago that no verifier takes them now. A node may sign them all the same, for
/// what was provable then; it hardly means to.
#[must_use]
pub fn late_problem(policy: &Policy, Timestamp(observed_at): Timestamp, Timestamp(now): Timestamp) -> Option<Problem> {
    let max_age = policy.oracle.max_age.0;
    let earliest = now.saturating_sub(max_age);
    let expected =
        format!("at least {earliest}, {max_age} seconds (oracle.max_age) before the clock, which says {now}");
    let found = format!("{observed_at}, {} seconds before", now.saturating_sub(observed_at));
    require(observed_at >= earliest, "observed_at", expected, found)
}

/// A market entry that has moved further since the snapshot before than the policy's circuit breaker allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The entry.
    pub entry: &'a MarketEntry,
    /// Its price in the snapshot before.
    pub before: Price,
    /// Its price now.
    pub now: Price,
    /// How far it may move, relative to the price before.
    pub allowed: Ppm,
}

/// Which observations would mark a snapshot, if every node had made the same. None where the policy has no breaker.
#[must_use]
pub fn moved<'a>(policy: &'a Policy, previous: &Predecessor, observations: &[Observed]) -> Vec<Moved<'a>> {
    let prices = observations.iter().map(|observed| observed.observation().map(|observation| observation.price));
    moves(policy, previous, prices).collect()
}

/// Makes a snapshot of reports in any order. `previous` are the prices that they name as the ones before, where the
/// policy has a circuit breaker and they name any.
///
/// # Errors
/// With every rule that the reports break; paths like `reports[0].epoch` count them as given.
pub fn aggregate(
    policy: &Policy,
    reports: &[Report],
    previous: Option<&Predecessor>,
) -> Result<Snapshot, Vec<Problem>> {
    let problems = report_problems(policy, reports);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| report.oracle);
    let prices = medians(policy, &reports);
    let snapshot = Snapshot {
        kind: KindOf::new(),
        version: FormatVersion,
        epoch: reports.first().map_or(0, |report| report.epoch),
        time: oldest(&reports),
        previous: previous.cloned(),
        marked: marked(policy, previous, &prices),
        prices,
        reports,
    };
    let mut problems = box_problems(&policy.market, &snapshot);
    problems.extend(predecessor_problem(policy, &snapshot));
    problems.extend(comparison_problems(policy, &snapshot));
    if problems.is_empty() { Ok(snapshot) } else { Err(problems) }
}

/// Recomputes a snapshot from its reports, and returns the market vector that follows from it.
///
/// # Errors
/// With every rule that the snapshot breaks.
pub fn check(policy: &Policy, universe: &Universe, snapshot: &Snapshot) -> Result<Vec<Price>, Vec<Problem>> {
    let mut problems = report_problems(policy, &snapshot.reports);
    let ascending = snapshot.reports.is_sorted_by_key(|report| report.oracle);
    problems.extend(require(ascending, "reports", "ascending order of the signers", "another order"));
    if !problems.is_empty() {
        return Err(problems);
    }
    let Timestamp(time) = oldest(&snapshot.reports);
    let epoch = snapshot.reports.first().map_or(0, |report| report.epoch);
    let expected = format!("the time of the oldest report, {time}");
    problems.extend(require(snapshot.time.0 == time, "time", expected, snapshot.time.0));
    let expected = format!("the epoch of the reports, {epoch}");
    problems.extend(require(snapshot.epoch == epoch, "epoch", expected, snapshot.epoch));
    problems.extend(predecessor_problem(policy, snapshot));
    for (i, (median, stated)) in medians(policy, &snapshot.reports).iter().zip(&snapshot.prices).enumerate() {
        let expected = format!("the median of the reports, {}", median.price);
        problems.extend(require(median.price == stated.price, format!("prices[{i}].price"), expected, stated.price));
    }
    match market_without_reports(policy, universe, snapshot) {
        Ok(prices) if problems.is_empty() => Ok(prices),
        result => Err(problems.into_iter().chain(result.err().into_iter().flatten()).collect()),
    }
}

/// The snapshot that a contract has taken from feeds. `previous` are the prices of the one before, where the policy has
/// a circuit breaker and there is one.
///
/// # Errors
/// With every rule that it breaks: see [`check_taken`].
pub fn taken(
    policy: &Policy,
    universe: &Universe,
    epoch: u64,
    time: Timestamp,
    prices: Vec<EntryPrice>,
    previous: Option<Predecessor>,
) -> Result<Snapshot, Vec<Problem>> {
    let snapshot = Snapshot {
        kind: KindOf::new(),
        version: FormatVersion,
        epoch,
        time,
        marked: marked(policy, previous.as_ref(), &prices),
        previous,
        prices,
        reports: Vec::new(),
    };
    check_taken(policy, universe, &snapshot)?;
    Ok(snapshot)
}

/// Checks a snapshot that a contract has taken from feeds, so that nobody has reported, and returns the market vector
/// that follows from it. Whether a contract has is for the caller to know, from the chain.
///
/// # Errors
/// With every rule that the snapshot breaks.
pub fn check_taken(policy: &Policy, universe: &Universe, snapshot: &Snapshot) -> Result<Vec<Price>, Vec<Problem>> {
    let mut problems = Vec::new();
    let reports = snapshot.reports.len();
    problems.extend(require(reports == 0, "reports", "none, because a contract has taken the snapshot", reports));
    problems.extend(epoch_problem(&policy.oracle, snapshot.epoch, snapshot.time, "time".to_owned()));
    problems.extend(predecessor_problem(policy, snapshot));
    match market_without_reports(policy, universe, snapshot) {
        Ok(prices) if problems.is_empty() => Ok(prices),
        result => Err(problems.into_iter().chain(result.err().into_iter().flatten()).collect()),
    }
}

/// The market vector of a snapshot, whoever stands behind its prices: what `explain` takes and no proof may rest on.
///
/// # Errors
/// If the prices are not those of the policy's market entries, one lies outside of its range, or the mark is not the
/// one that follows from them.
pub fn market_without_reports(
    policy: &Policy,
    universe: &Universe,
    snapshot: &Snapshot,
) -> Result<Vec<Price>, Vec<Problem>> {
    let mut problems = entry_problems(policy, "prices", &snapshot.prices);
    problems.extend(box_problems(&policy.market, snapshot));
    problems.extend(comparison_problems(policy, snapshot));
    if !problems.is_empty() {
        return Err(problems);
    }
    let reported: Vec<_> = snapshot.prices.iter().map(|stated| stated.price).collect();
    policy.market_vector(universe)?.derive(&reported, snapshot.time)
}

/// When the oldest of the observations of a market entry was made, by its position in the policy. Where nobody has
/// reported, that is the time of the snapshot.
#[must_use]
pub fn oldest_observation(snapshot: &Snapshot, index: usize) -> Option<Timestamp> {
    if snapshot.reports.is_empty() {
        return snapshot.prices.get(index).map(|_| snapshot.time);
    }
    let observed_at = |report: &Report| {
        let observation = report.observations.get(index)?.observation()?;
        Some(Timestamp(report.observed_at.0.saturating_sub(observation.age.0)))
    };
    snapshot.reports.iter().filter_map(observed_at).min()
}

/// Every rule that the reports break one by one, and together.
fn report_problems(policy: &Policy, reports: &[Report]) -> Vec<Problem> {
    let rules = &policy.oracle;
    let nodes = reports.iter().map(|report| report.oracle);
    let mut problems = repeated(nodes, |i| format!("reports[{i}].oracle"), "one report of each node");
    let enough = reports.len() >= rules.quorum.max(1) as usize;
    let expected = format!("at least {} reports", rules.quorum.max(1));
    problems.extend(require(enough, "reports", expected, reports.len()));
    for (i, report) in reports.iter().enumerate() {
        problems.extend(one_report_problems(policy, report, &reports[0], i));
    }
    if enough {
        problems.extend(feed_quorum_problems(policy, reports));
    }
    let times = || reports.iter().map(|report| report.observed_at.0);
    let skew = times().max().unwrap_or(0) - times().min().unwrap_or(0);
    let expected = format!("times at most {} seconds apart", rules.max_skew.0);
    problems.extend(require(skew <= rules.max_skew.0, "reports", expected, format!("{skew} seconds")));
    problems
}

fn one_report_problems(policy: &Policy, report: &Report, first: &Report, index: usize) -> Vec<Problem> {
    let rules = &policy.oracle;
    let path = |key: &str| format!("reports[{index}].{key}");
    let mut problems = Vec::new();
    let known = rules.nodes.iter().any(|node| node.signer == report.oracle);
    problems.extend(require(known, path("oracle"), "the signer of an oracle node of the policy", report.oracle));
    let expected = format!("the feeds of the first report, {}", first.feeds);
    problems.extend(require(report.feeds == first.feeds, path("feeds"), expected, report.feeds));
    let expected = format!("the epoch of the first report, {}", first.epoch);
    problems.extend(require(report.epoch == first.epoch, path("epoch"), expected, report.epoch));
    problems.extend(epoch_problem(rules, report.epoch, report.observed_at, path("observed_at")));
    let expected = format!("the previous prices of the first report, {}", first.previous);
    problems.extend(require(report.previous == first.previous, path("previous"), expected, report.previous));
    let place = |j: usize| path(&format!("observations[{j}]"));
    let observations = path("observations");
    problems.extend(observed_problems(policy, &report.observations, report.observed_at, &observations, place));
    problems
}

/// Every rule of the policy that observations break, each by itself. One price out of its box would move the mean of
/// two. `list` is where they are, `place` where the one of a number is.
fn observed_problems(
    policy: &Policy,
    observations: &[Observed],
    Timestamp(time): Timestamp,
    list: &str,
    place: impl Fn(usize) -> String,
) -> Vec<Problem> {
    let rules = &policy.oracle;
    let (expected, found) = (policy.market.len(), observations.len());
    let expected_text = format!("{expected} observations");
    let mut problems = Vec::from_iter(require(found == expected, list, expected_text, found));
    for (j, (entry, observed)) in policy.market.iter().zip(observations).enumerate() {
        let Observed::Price(observation) = observed else {
            continue;
        };
        let path = |key: &str| format!("{}.{key}", place(j));
        problems.extend(box_problem(entry, observation.price, path("price")));
        problems.extend(confidence_problem(rules.max_confidence_of(entry), observation, path("confidence")));
        let longest = rules.max_age_of(entry).0.min(time);
        let expected = format!("at most {longest} seconds before the report");
        problems.extend(require(observation.age.0 <= longest, path("age"), expected, observation.age.0));
    }
    problems
}

/// Which market entries too few nodes have observed.
fn feed_quorum_problems(policy: &Policy, reports: &[Report]) -> Vec<Problem> {
    let entries = policy.market.iter().enumerate();
    entries
        .filter_map(|(i, entry)| {
            let (quorum, found) = (policy.oracle.quorum_of(entry), observations(reports, i).count());
            let expected = format!("at least {quorum} observations of {}", entry.name);
            require(found >= quorum as usize, "reports", expected, found)
        })
        .collect()
}

/// Time `t` belongs to epoch `t / epoch`, rounded down.
fn epoch_problem(rules: &OracleRules, epoch: u64, Timestamp(time): Timestamp, path: String) -> Option<Problem> {
    let expected = format!("a time in epoch {epoch} of {} seconds", rules.epoch.0);
    require(time.checked_div(rules.epoch.0) == Some(epoch), path, expected, time)
}

/// `confidence / price <= max / 10^6`, cross-multiplied. Prices have 96 bits and parts per million 32.
fn confidence_problem(max: Ppm, observation: &Observation, path: String) -> Option<Problem> {
    let Observation { price, confidence, .. } = *observation;
    let narrow = confidence.get() * u128::from(Ppm::ONE.0) <= price.get() * u128::from(max.0);
    let expected = format!("at most {max} of the price {price}");
    require(narrow, path, expected, confidence)
}

/// Which prices are not those of the policy's market entries. `path` is where they are.
fn entry_problems(policy: &Policy, path: &str, prices: &[EntryPrice]) -> Vec<Problem> {
    let (expected, found) = (policy.market.len(), prices.len());
    let count = require(expected == found, path, format!("{expected} prices"), found);
    let entries = policy.market.iter().zip(prices).enumerate();
    let names = entries.filter_map(|(i, (entry, stated))| {
        let expected = format!("the entry {}", entry.name);
        require(entry.name == stated.entry, format!("{path}[{i}].entry"), expected, &stated.entry)
    });
    count.into_iter().chain(names).collect()
}

/// Whether there are previous prices exactly if the policy has a circuit breaker and the reports name some. With a
/// breaker they must, or say that there are none: otherwise reports for a policy without one would silence it.
fn predecessor_problem(policy: &Policy, snapshot: &Snapshot) -> Option<Problem> {
    let named = snapshot.reports.first().map_or(Report::NOT_COMPARED, |report| report.previous);
    if policy.oracle.breaker.is_none() {
        let expected = "none, because the policy has no circuit breaker";
        return require(snapshot.previous.is_none(), "previous", expected, "some");
    }
    match (&snapshot.previous, named) {
        // Nobody stands behind prices without reports anyway.
        _ if snapshot.reports.is_empty() => None,
        (_, Report::NOT_COMPARED) => {
            let expected = "reports that name the prices before, or say that there are none";
            Some(Problem::new("reports[0].previous", expected, "a report that compared with nothing"))
        }
        (Some(_), Report::FIRST) => Some(Problem::new("previous", "none, because the reports say so", "some")),
        (None, named) if named != Report::FIRST => {
            Some(Problem::new("previous", format!("the prices that the reports name, {named}"), "none"))
        }
        _ => None,
    }
}

/// Whether the previous prices are earlier ones of the same entries, and the mark is the one that follows from them.
fn comparison_problems(policy: &Policy, snapshot: &Snapshot) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(previous) = &snapshot.previous {
        problems.extend(entry_problems(policy, "previous.prices", &previous.prices));
        let expected = format!("an epoch before {}", snapshot.epoch);
        problems.extend(require(previous.epoch < snapshot.epoch, "previous.epoch", expected, previous.epoch));
    }
    let marked = marked(policy, snapshot.previous.as_ref(), &snapshot.prices);
    let expected = format!("the entries that have moved too far: {}", list(&marked));
    problems.extend(require(marked == snapshot.marked, "marked", expected, list(&snapshot.marked)));
    problems
}

fn list(names: &[Name]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(Name::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// The market entries that have moved further than the policy allows.
fn marked(policy: &Policy, previous: Option<&Predecessor>, prices: &[EntryPrice]) -> Vec<Name> {
    let prices = || prices.iter().map(|stated| Some(stated.price));
    previous
        .into_iter()
        .flat_map(|previous| moves(policy, previous, prices()))
        .map(|it| it.entry.name.clone())
        .collect()
}

fn moves<'a>(
    policy: &'a Policy,
    previous: &Predecessor,
    prices: impl Iterator<Item = Option<Price>>,
) -> impl Iterator<Item = Moved<'a>> {
    let entries = policy.market.iter().zip(previous.prices.iter().zip(prices));
    entries.filter_map(|(entry, (stated, now))| {
        let (before, now, allowed) = (stated.price, now?, policy.oracle.breaker?.max_deviation_of(entry));
        deviates(allowed, before, now).then_some(Moved { entry, before, now, allowed })
    })
}

/// `|now - before| / before > max / 10^6`, cross-multiplied. Prices have 96 bits and parts per million 32.
#[must_use]
pub fn deviates(max: Ppm, before: Price, now: Price) -> bool {
    now.get().abs_diff(before.get()) * u128::from(Ppm::ONE.0) > before.get() * u128::from(max.0)
}

fn oldest(reports: &[Report]) -> Timestamp {
    reports.iter().map(|report| report.observed_at).min().unwrap_or_default()
}

/// What the nodes that follow a market entry observed of it.
fn observations(reports: &[Report], index: usize) -> impl Iterator<Item = &Observation> {
    reports.iter().filter_map(move |report| report.observations.get(index)?.observation())
}

/// The median price of each market entry that any node observed.
fn medians(policy: &Policy, reports: &[Report]) -> Vec<EntryPrice> {
    let entries = policy.market.iter().enumerate();
    entries
        .filter_map(|(i, entry)| {
            let price = median(observations(reports, i).map(|observation| observation.price).collect())?;
            Some(EntryPrice { entry: entry.name.clone(), price })
        })
        .collect()
}

/// The value in the middle, or the mean of the two in the middle, rounded down; none of no values.
fn median(mut prices: Vec<Price>) -> Option<Price> {
    prices.sort_unstable();
    let upper = *prices.get(prices.len() / 2)?;
    let lower = *prices.get((prices.len() - 1) / 2)?;
    Price::new((lower.get() + upper.get()) / 2).ok()
}
