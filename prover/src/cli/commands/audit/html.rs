//! An audit as one page that contains everything it shows, without scripts, and can be printed. All texts are escaped by the
//! template; drawings escape theirs.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use surety::{
    Error,
    audit::{
        Audit,
        entry::Entry,
        finding::Severity,
        history::{History, Series},
    },
};
use surety_calibration::svg::Colour;
use surety_margin::{ident::EvmAddress, units::Timestamp};

use super::{
    archive,
    charts::{self, Line},
    duration, headline, percent, rows, word,
};
use crate::cli::time;

/// Bars of the plot of ages.
const AGE_BINS: u64 = 12;

#[derive(Template)]
#[template(path = "audit.html")]
struct Page<'a> {
    headline: String,
    at: String,
    version: &'static str,
    good: bool,
    audit: &'a Audit,
    coverage: String,
    ages: String,
    sources: String,
    findings: String,
    refused: Vec<[String; 3]>,
    warnings: Vec<[String; 4]>,
    months: Vec<[String; 6]>,
    subjects: Vec<[String; 7]>,
    subject_months: Vec<[String; 6]>,
    archive: Option<String>,
    snapshots: Vec<[String; 3]>,
    timing: String,
}

pub(super) fn page(audit: &Audit) -> Result<String, Error> {
    let page = Page {
        headline: headline(audit),
        at: time::format(audit.at),
        version: env!("CARGO_PKG_VERSION"),
        good: audit.rejected == 0,
        audit,
        coverage: coverage(&audit.timeline, audit.at),
        ages: ages(audit),
        sources: sources(audit),
        findings: findings(audit),
        refused: refused(audit),
        warnings: warnings(audit),
        months: rows::months(&audit.timeline),
        subjects: subjects(&audit.timeline, audit.at),
        subject_months: rows::months_of_subjects(&audit.timeline),
        archive: archive(audit),
        snapshots: snapshots(audit),
        timing: timing(audit),
    };
    page.render().map_err(|error| Error::Internal(error.to_string()))
}

/// The share of the subjects of each level that are attested.
fn coverage(history: &History, at: Timestamp) -> String {
    let from = history.subjects.iter().filter_map(|series| series.attested.first()).map(|span| span.from.0).min();
    let lines: Vec<Line> = rows::levels(history)
        .into_iter()
        .map(|([policy, level], series)| {
            let subjects = series.len() as i64;
            // One more from the first second of a span, one fewer after its last.
            let mut changes: BTreeMap<u64, i64> = BTreeMap::new();
            for span in series.iter().flat_map(|series| &series.attested) {
                *changes.entry(span.from.0).or_default() += 1;
                *changes.entry(span.until.0.saturating_add(1)).or_default() -= 1;
            }
            let mut attested = 0;
            let steps = changes.into_iter().filter(|(time, _)| *time <= at.0).map(|(time, change)| {
                attested += change;
                (time, attested * 1_000_000 / subjects.max(1))
            });
            Line { name: format!("{policy}, {level}: {subjects} subjects"), steps: steps.collect() }
        })
        .collect();
    let from = from.unwrap_or(at.0).min(at.0);
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    let description = format!(
        "The share of the subjects that were attested from {} to {}, by level. {}.",
        time::format(Timestamp(from)),
        time::format(at),
        names.join("; ")
    );
    charts::shares_over_time("Coverage by level over time", &description, &lines, from, at.0)
}

/// How old prices and balances are behind the attestations that still count.
fn ages(audit: &Audit) -> String {
    let current = |entry: &Entry| {
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

/// How many good attestations rest on each source.
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
    for reason in audit.attestations.iter().filter_map(|entry| entry.reason.as_ref()) {
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

fn refused(audit: &Audit) -> Vec<[String; 3]> {
    let refused = audit.attestations.iter().filter(|entry| !(entry.is_good() && audit.history));
    let row = |entry: &Entry| {
        let reason = entry.reason.as_ref()?;
        Some([entry.file.clone(), reason.code.clone(), reason.message.clone()])
    };
    refused.filter_map(row).collect()
}

fn warnings(audit: &Audit) -> Vec<[String; 4]> {
    let row = |finding: &surety::audit::finding::Finding| {
        let subject = finding.subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
        let severity = if finding.severity == Severity::Warning { "warning" } else { "notice" };
        [severity.to_owned(), word(finding.kind), format!("{subject}{}", finding.message), finding.files.join(", ")]
    };
    audit.findings.iter().map(row).collect()
}

fn subjects(history: &History, at: Timestamp) -> Vec<[String; 7]> {
    let policies = rows::policies(history);
    let row = |series: &Series| {
        let until = series.attested.last().map(|span| time::format(span.until)).unwrap_or_default();
        let from = series.attested.first().map_or(at, |span| span.from);
        let observed = at.0.saturating_sub(from.0).saturating_add(1);
        let share = u128::from(series.attested_seconds) * 1_000_000 / u128::from(observed);
        [
            series.subject.to_string(),
            rows::called(&policies, &series.policy),
            series.level.to_string(),
            series.attestations.to_string(),
            if series.current { format!("until {until}") } else { format!("lapsed {until}") },
            series.attested.len().saturating_sub(1).to_string(),
            percent(u64::try_from(share).unwrap_or(u64::MAX).min(1_000_000)),
        ]
    };
    history.subjects.iter().map(row).collect()
}

fn snapshots(audit: &Audit) -> Vec<[String; 3]> {
    let row = |snapshot: &surety::audit::SnapshotFacts| {
        [snapshot.epoch.to_string(), time::format(snapshot.prices_at), snapshot.id.to_string()]
    };
    audit.snapshots.iter().map(row).collect()
}

fn timing(audit: &Audit) -> String {
    let timing = audit.timing;
    let single = timing.single_ms.map_or_else(String::new, |single| format!("; alone, {single:.3} ms (median)"));
    format!(
        "{:.3} ms for each attestation in the batch{single}; {:.0} ms in all",
        timing.batch_ms_per_attestation, timing.total_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_policies_of_one_name_are_lines_of_their_own() {
        let history = rows::namesakes();
        let svg = coverage(&history, Timestamp(30));
        for line in ["house (0x01010101…), initial: 1 subjects", "house (0x02020202…), initial: 1 subjects"] {
            assert!(svg.contains(line), "{line}: {svg}");
        }
        let called: Vec<_> = subjects(&history, Timestamp(30)).into_iter().map(|[_, policy, ..]| policy).collect();
        assert_eq!(called, ["house (0x01010101…)", "house (0x02020202…)", "other"]);
    }
}
