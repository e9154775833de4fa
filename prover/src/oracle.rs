//! What an oracle node does: signs what it observed; and what anybody can do: put reports together.

use serde::Deserialize;
use surety_margin::{
    FormatVersion,
    canonical::NotCanonical,
    ident::{HexBytes, Name},
    market::{Observation, Report, ReportKind, Snapshot},
    oracle,
    policy::Policy,
    problem::Problem,
    units::{Price, Timestamp},
};
use surety_verifier::{
    ids::FeedsId,
    report,
    signature::{SignatureError, SigningKey, signer},
};

/// Why there is no report or no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// What was observed is not what the policy asks for.
    #[error("{input}: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Problems {
        /// What the input is called.
        input: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
    /// The list of market entries has no identifier.
    #[error("policy: {0}")]
    Feeds(#[from] NotCanonical),
    /// The key makes no signature.
    #[error("the key makes no signature: {0}")]
    Signature(#[from] SignatureError),
}

/// A line of a file of observations.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    entry: Name,
    price: Price,
    confidence: Price,
}

/// Reads observations from CSV with the header `entry,price,confidence`: one line for each market entry of the policy, in
/// any order. Returns them in the policy's.
///
/// # Errors
/// If a line is malformed, or an entry is missing, unknown or listed twice.
pub fn read_observations(input: &str, text: &str, policy: &Policy) -> Result<Vec<Observation>, OracleError> {
    let failed = |problems| OracleError::Problems { input: input.to_owned(), problems };
    let lines: Result<Vec<Line>, csv::Error> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect();
    let lines = lines.map_err(|error| {
        failed(vec![Problem::new("", "lines of entry,price,confidence, whole numbers", error.to_string())])
    })?;
    let mut problems = Vec::new();
    let mut observations = Vec::with_capacity(policy.market.len());
    for entry in &policy.market {
        let mut of_entry = lines.iter().filter(|line| line.entry == entry.name);
        match (of_entry.next(), of_entry.next()) {
            (Some(&Line { price, confidence, .. }), None) => observations.push(Observation { price, confidence }),
            (first, _) => {
                let found = if first.is_none() { "none" } else { "several" };
                problems.push(Problem::new(entry.name.as_str(), "one line for each market entry", found));
            }
        }
    }
    let known = |line: &&Line| policy.market.iter().any(|entry| entry.name == line.entry);
    let unknown = lines.iter().filter(|line| !known(line));
    problems
        .extend(unknown.map(|line| Problem::new(line.entry.as_str(), "a market entry of the policy", "another name")));
    if problems.is_empty() { Ok(observations) } else { Err(failed(problems)) }
}

/// Signs a report of what a node observed.
///
/// # Errors
/// If the key is not that of an oracle node of the policy.
pub fn sign(
    policy: &Policy,
    observations: Vec<Observation>,
    observed_at: Timestamp,
    key: &SigningKey,
) -> Result<Report, OracleError> {
    if !policy.oracle.nodes.iter().any(|node| node.signer == key.address()) {
        let expected = "the key of an oracle node of the policy";
        let problems = vec![Problem::new("", expected, format!("the key of {}", key.address()))];
        return Err(OracleError::Problems { input: "key".into(), problems });
    }
    let report = Report {
        kind: ReportKind::Report,
        version: FormatVersion,
        oracle: key.address(),
        feeds: FeedsId::of(&policy.market)?.0,
        epoch: observed_at.0 / policy.oracle.epoch.0.max(1),
        observed_at,
        observations,
        signature: HexBytes::ZERO,
    };
    Ok(report::sign(report, key)?)
}

/// Makes a snapshot of signed reports.
///
/// # Errors
/// With every rule of the policy that the reports break, or if one is not signed by its node.
pub fn aggregate(policy: &Policy, reports: &[Report]) -> Result<Snapshot, OracleError> {
    let failed = |problems| OracleError::Problems { input: "reports".into(), problems };
    let feeds = FeedsId::of(&policy.market)?.0;
    let mut problems = Vec::new();
    for (index, report) in reports.iter().enumerate() {
        if report.feeds != feeds {
            let expected = format!("the policy's feeds {feeds}");
            problems.push(Problem::new(format!("reports[{index}].feeds"), expected, report.feeds.to_string()));
        }
        let found = match signer(&report::hash(report), &report.signature) {
            Ok(signer) if signer == report.oracle => continue,
            Ok(signer) => format!("one by {signer} for this content"),
            Err(error) => error.to_string(),
        };
        let expected = format!("a signature by {}", report.oracle);
        problems.push(Problem::new(format!("reports[{index}].signature"), expected, found));
    }
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    oracle::aggregate(policy, reports).map_err(failed)
}
