//! An audit as one self-contained, printable page without scripts. All texts are escaped by the
//! template; drawings escape theirs.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use surety_calibration::svg::Colour;
use surety_core::{
    failure::Internal, ident::EvmAddress, shown::Screen, spelling::iso_time, units::Timestamp, words::counted,
};

use super::{
    charts::{self, Line},
    facts::{
        anchors, archive, books, causes, duration, headline, headline_of_books, ignored, inputs, manifest_line,
        percent, refused_books, sample, terms, word,
    },
    rows,
};
use crate::audit::{
    Audit, SnapshotFacts,
    cause::Weight,
    entry::AuditEntry,
    history::{History, coverage as coverage_of, share_of},
};

/// Number of bars in the plot of ages.
const AGE_BINS: u64 = 12;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page<'a> {
    headline: String,
    at: String,
    version: &'static str,
    verdict: &'static str,
    audit: &'a Audit,
    coverage: String,
    ages: String,
    sources: String,
    findings: String,
    refused: Vec<[String; 3]>,
    books_headline: Option<String>,
    books: Vec<[String; 6]>,
    refused_books: Vec<[String; 3]>,
    limits_of_books: [&'static str; 5],
    causes: Vec<[String; 5]>,
    severities: [[String; 2]; 3],
    terms: Vec<[String; 2]>,
    basis: String,
    levels: Vec<[String; 7]>,
    months: Vec<[String; 6]>,
    subjects: Vec<[String; 8]>,
    gaps: Vec<[String; 7]>,
    more_gaps: usize,
    anchors: Vec<[String; 3]>,
    inputs: Vec<[String; 3]>,
    more_inputs: usize,
    manifest: String,
    ignored: Vec<[String; 2]>,
    more_ignored: usize,
    sample: Option<(String, Vec<[String; 2]>)>,
    subject_months: Vec<[String; 6]>,
    archive: Option<String>,
    snapshots: Vec<[String; 3]>,
}

/// Maximum number of rows of tables that grow with the number of files.
const MOST_ROWS: usize = 1_000;

/// The first rows, and how many more there are.
fn first<T>(mut rows: Vec<T>) -> (Vec<T>, usize) {
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    (rows, more)
}

/// The report with plots. The same audit gives the same bytes: the time that it took is not in it.
///
/// # Errors
/// If it cannot be written, which is this crate's fault.
pub fn html(audit: &Audit) -> Result<String, Internal> {
    let (gaps, more_gaps) = first(rows::gaps(&audit.timeline));
    let page = Page {
        headline: headline(audit, Screen::Full),
        at: iso_time(audit.at),
        version: env!("CARGO_PKG_VERSION"),
        verdict: verdict(audit),
        audit,
        coverage: coverage(&audit.timeline, audit.at),
        terms: terms(audit),
        basis: audit.timeline.basis.sentence(audit.at),
        levels: rows::coverage_of_levels(&audit.timeline, Screen::Full),
        gaps,
        more_gaps,
        causes: causes(audit),
        severities: Weight::ALL.map(|weight| [word(weight), weight.words().to_owned()]),
        inputs: inputs(audit, MOST_ROWS),
        more_inputs: audit.inputs.len().saturating_sub(MOST_ROWS),
        manifest: manifest_line(audit),
        ignored: ignored(audit, MOST_ROWS),
        more_ignored: audit.ignored.saturating_sub(MOST_ROWS),
        sample: sample(audit),
        ages: ages(audit),
        sources: sources(audit),
        findings: findings(audit),
        refused: refused(audit),
        books_headline: headline_of_books(audit, Screen::Full),
        books: books(audit),
        refused_books: refused_books(audit),
        limits_of_books: surety_books::book::NOT_ESTABLISHED,
        months: rows::months(&audit.timeline),
        subjects: rows::subjects(&audit.timeline),
        anchors: anchors(audit),
        subject_months: rows::months_of_subjects(&audit.timeline),
        archive: archive(audit),
        snapshots: snapshots(audit),
    };
    page.render().map_err(|error| Internal(error.to_string()))
}

/// The name of a file in pieces, between which a line may end.
fn pieces(file: &str) -> impl Iterator<Item = &str> {
    file.split_inclusive(['/', '-', '_'])
}

/// The style of the headline: good only if the audit would also pass with `--fail-on-findings`.
fn verdict(audit: &Audit) -> &'static str {
    match (audit.verdict(false), audit.verdict(true)) {
        (Err(_), _) => "bad",
        (_, Err(_)) => "warned",
        _ => "good",
    }
}

/// The share of attested subjects at each level.
fn coverage(history: &History, at: Timestamp) -> String {
    let from = history.subjects.iter().map(|series| series.observed.from.0).min();
    let until = history.subjects.iter().map(|series| series.observed.until).max().unwrap_or(at);
    let lines: Vec<Line> = rows::levels(history)
        .into_iter()
        .map(|([policy, level], series)| {
            // A share is at most a million.
            let steps = coverage_of(&series).into_iter().map(|(time, share)| (time.0, share as i64));
            let (subjects, share) = (counted(series.len(), "subject"), percent(share_of(&series)));
            Line { name: format!("{policy}, {level}: {subjects}, {share} of the time"), steps: steps.collect() }
        })
        .collect();
    let from = from.unwrap_or(until.0).min(until.0);
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    let description = format!(
        "The share of the subjects that were attested from {} to {}, by level. {}.",
        iso_time(Timestamp(from)),
        iso_time(until),
        names.join("; ")
    );
    charts::shares_over_time("Coverage by level over time", &description, &lines, from, until.0)
}

/// Ages of prices and balances behind the attestations that still count.
fn ages(audit: &Audit) -> String {
    let current = |entry: &AuditEntry| {
        let claim = entry.claim.as_ref()?;
        let oldest = claim.prices_at.min(claim.balances_at).0;
        (claim.valid_until >= audit.at).then(|| audit.at.0.saturating_sub(oldest))
    };
    let ages: Vec<u64> = audit.attestations.iter().filter_map(current).collect();
    let width = (ages.iter().max().unwrap_or(&0) / AGE_BINS).max(59) + 1;
    let bins = ages.iter().max().map_or(0, |oldest| oldest / width + 1);
    let rows: Vec<_> = (0..bins)
        .map(|bin| {
            let range = bin * width..(bin + 1).saturating_mul(width);
            let count = ages.iter().filter(|age| range.contains(age)).count();
            (format!("{} to {}", duration(range.start), duration(range.end)), count)
        })
        .collect();
    let description =
        described("Attestations that count, by the age of the oldest price or balance behind them", &rows);
    charts::bars("Ages", &description, &rows, Colour::Blue)
}

/// Number of accepted attestations that rest on each source.
fn sources(audit: &Audit) -> String {
    let names: BTreeMap<EvmAddress, &str> = audit
        .policies
        .iter()
        .flat_map(|policy| policy.sources.iter().map(|(name, address)| (*address, name.as_str())))
        .collect();
    let mut counts: BTreeMap<EvmAddress, usize> = BTreeMap::new();
    for claim in audit.attestations.iter().filter_map(|entry| entry.claim.as_ref()) {
        for source in claim.sources.iter().collect::<BTreeSet<_>>() {
            *counts.entry(*source).or_default() += 1;
        }
    }
    let name = |address: EvmAddress| {
        names.get(&address).map_or_else(|| address.to_string(), |name| format!("{name}, {:.10}…", address.to_string()))
    };
    let rows: Vec<_> = counts.into_iter().map(|(address, count)| (name(address), count)).collect();
    let description = described("Attestations that rest on statements of each source", &rows);
    charts::bars("Sources", &description, &rows, Colour::Green)
}

/// Findings by kind, and rejections by rule.
fn findings(audit: &Audit) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for finding in &audit.findings {
        *counts.entry(format!("{}: {}", word(finding.severity), word(finding.kind))).or_default() += 1;
    }
    for reason in not_accepted(audit).filter_map(|entry| entry.reason.as_ref()) {
        *counts.entry(format!("not accepted: {}", reason.code)).or_default() += 1;
    }
    let rows: Vec<_> = counts.into_iter().collect();
    let description = described("Findings by kind, and attestations that are not accepted by rule", &rows);
    charts::bars("Findings", &description, &rows, Colour::Vermilion)
}

fn described(what: &str, rows: &[(String, usize)]) -> String {
    let rows: Vec<_> = rows.iter().map(|(name, count)| format!("{name}: {count}")).collect();
    format!("{what}. {}.", rows.join("; "))
}

/// Attestations that are not accepted, including lapsed ones unless history is audited.
fn not_accepted(audit: &Audit) -> impl Iterator<Item = &AuditEntry> {
    audit.attestations.iter().filter(|entry| !(entry.is_good() && audit.history))
}

fn refused(audit: &Audit) -> Vec<[String; 3]> {
    let row = |entry: &AuditEntry| {
        let reason = entry.reason.as_ref()?;
        Some([entry.file.clone(), reason.code.clone(), reason.message.clone()])
    };
    not_accepted(audit).filter_map(row).collect()
}

fn snapshots(audit: &Audit) -> Vec<[String; 3]> {
    let row =
        |snapshot: &SnapshotFacts| [snapshot.epoch.to_string(), iso_time(snapshot.prices_at), snapshot.id.to_string()];
    audit.snapshots.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_policies_of_one_name_are_lines_of_their_own() {
        let history = rows::namesakes();
        let svg = coverage(&history, Timestamp(30));
        for line in
            ["house (0x01010101…), initial: 1 subject, 47.6 %", "house (0x02020202…), initial: 1 subject, 47.6 %"]
        {
            assert!(svg.contains(line), "{line}: {svg}");
        }
        let called: Vec<_> = rows::subjects(&history).into_iter().map(|[_, policy, ..]| policy).collect();
        assert_eq!(called, ["house (0x01010101…)", "house (0x02020202…)", "other"]);
    }
}
