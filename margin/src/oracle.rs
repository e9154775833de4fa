//! From reports of oracle nodes to one snapshot of prices, and back: in integers, reproducible by anyone.
//!
//! The price of a market entry is the median of the reported prices. For an even number of reports that is the mean of
//! the two in the middle, rounded down. With a quorum of q, `(q - 1) / 2` nodes that lie, rounded down, cannot move the
//! median beyond what honest nodes report, whichever reports are left out: a policy that is to withstand one needs a
//! quorum of three. The time of a snapshot is that of its oldest report.
//!
//! No report is passed over: one that breaks a rule makes the set invalid, and whoever puts the set together leaves it
//! out. Signatures, and whether `feeds` identifies the entries of the policy, are for the caller to check.

use crate::{
    FormatVersion,
    market::{EntryPrice, Observation, Report, Snapshot, SnapshotKind},
    policy::{OracleRules, Policy},
    problem::{Problem, repeated, require},
    units::{Ppm, Price, Timestamp},
    universe::Universe,
    vector::Layout,
};

/// Makes a snapshot of reports in any order.
///
/// # Errors
/// With every rule that the reports break; paths like `reports[0].epoch` count them as given.
pub fn aggregate(policy: &Policy, reports: &[Report]) -> Result<Snapshot, Vec<Problem>> {
    let problems = report_problems(policy, reports);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| report.oracle);
    let snapshot = Snapshot {
        kind: SnapshotKind::Market,
        version: FormatVersion,
        epoch: reports.first().map_or(0, |report| report.epoch),
        time: oldest(&reports),
        prices: medians(policy, &reports),
        reports,
    };
    match box_problems(policy, &snapshot) {
        problems if problems.is_empty() => Ok(snapshot),
        problems => Err(problems),
    }
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
    for (i, (median, stated)) in medians(policy, &snapshot.reports).iter().zip(&snapshot.prices).enumerate() {
        let expected = format!("the median of the reports, {}", median.price);
        problems.extend(require(median.price == stated.price, format!("prices[{i}].price"), expected, stated.price));
    }
    match market_without_reports(policy, universe, snapshot) {
        Ok(prices) if problems.is_empty() => Ok(prices),
        result => Err(problems.into_iter().chain(result.err().into_iter().flatten()).collect()),
    }
}

/// The market vector of a snapshot, whoever stands behind its prices: what `explain` takes and no proof may rest on.
///
/// # Errors
/// If the prices are not those of the policy's market entries, or one lies outside of its range.
pub fn market_without_reports(
    policy: &Policy,
    universe: &Universe,
    snapshot: &Snapshot,
) -> Result<Vec<Price>, Vec<Problem>> {
    let mut problems = Vec::new();
    let (expected, found) = (policy.market.len(), snapshot.prices.len());
    problems.extend(require(expected == found, "prices", format!("{expected} prices"), found));
    for (i, (entry, stated)) in policy.market.iter().zip(&snapshot.prices).enumerate() {
        let path = format!("prices[{i}].entry");
        problems.extend(require(
            entry.name == stated.entry,
            path,
            &*format!("the entry {}", entry.name),
            &stated.entry,
        ));
    }
    problems.extend(box_problems(policy, snapshot));
    if !problems.is_empty() {
        return Err(problems);
    }
    let reported: Vec<_> = snapshot.prices.iter().map(|stated| stated.price).collect();
    Layout::new(policy, universe)?.derive(&reported, snapshot.time)
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
    problems.extend(epoch_problem(rules, report, path("observed_at")));
    let (expected, found) = (policy.market.len(), report.observations.len());
    let expected_text = format!("{expected} observations");
    problems.extend(require(found == expected, path("observations"), expected_text, found));
    for (j, observation) in report.observations.iter().enumerate() {
        let path = format!("reports[{index}].observations[{j}].confidence");
        problems.extend(confidence_problem(rules.max_confidence, *observation, path));
    }
    problems
}

/// A report of time `t` belongs to epoch `t / epoch`, rounded down.
fn epoch_problem(rules: &OracleRules, report: &Report, path: String) -> Option<Problem> {
    let Timestamp(time) = report.observed_at;
    let expected = format!("a time in epoch {} of {} seconds", report.epoch, rules.epoch.0);
    require(time.checked_div(rules.epoch.0) == Some(report.epoch), path, expected, time)
}

/// `confidence / price <= max / 10^6`, cross-multiplied. Prices have 96 bits and parts per million 32.
fn confidence_problem(max: Ppm, observation: Observation, path: String) -> Option<Problem> {
    let Observation { price, confidence } = observation;
    let narrow = confidence.get() * u128::from(Ppm::ONE.0) <= price.get() * u128::from(max.0);
    let expected = format!("at most {} ppm of the price {price}", max.0);
    require(narrow, path, expected, confidence)
}

fn box_problems(policy: &Policy, snapshot: &Snapshot) -> Vec<Problem> {
    let prices = policy.market.iter().zip(&snapshot.prices).enumerate();
    prices
        .filter_map(|(i, (entry, stated))| {
            let inside = (entry.min..=entry.max).contains(&stated.price);
            let expected = format!("a price of {} from {} to {}", entry.name, entry.min, entry.max);
            require(inside, format!("prices[{i}].price"), expected, stated.price)
        })
        .collect()
}

fn oldest(reports: &[Report]) -> Timestamp {
    reports.iter().map(|report| report.observed_at).min().unwrap_or_default()
}

/// The median price of each market entry, for reports with one observation for each.
fn medians(policy: &Policy, reports: &[Report]) -> Vec<EntryPrice> {
    let median_of = |index: usize| {
        let prices = reports.iter().filter_map(|report| report.observations.get(index));
        median(prices.map(|observation| observation.price).collect())
    };
    let entries = policy.market.iter().enumerate();
    entries
        .filter_map(|(i, entry)| {
            let price = median_of(i)?;
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
