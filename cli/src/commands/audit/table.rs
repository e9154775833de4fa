//! An audit as text for a terminal or a file.

use std::{collections::BTreeMap, fmt::Write as _};

use surety_audit::audit::{
    Audit,
    finding::{Finding, Severity},
    history::{History, Series},
};

use super::{anchors, archive, books, duration, headline, headline_of_books, refused_books, rows, word};
use crate::{screen::Screen, table::table, time};

/// Maximum number of notices of one kind that are written out.
const MOST_NOTICES: usize = 5;

/// Maximum number of snapshots that are written out.
const MOST_SNAPSHOTS: usize = 12;

/// Maximum number of subjects that are written out.
const MOST_SUBJECTS: usize = 60;

/// Maximum number of months of subjects that are written out.
const MOST_MONTHS: usize = 60;

pub(super) fn text(audit: &Audit, screen: Screen) -> String {
    let mut text = format!("{} as of {}\n", headline(audit, screen), time::format(audit.at));
    if audit.insecure_srs {
        text += "insecure set-up: its secret is published, so these proofs prove nothing; for tests only\n";
    }
    levels(&mut text, screen, &audit.timeline);
    of_books(&mut text, screen, audit);
    refused(&mut text, screen, audit);
    findings(&mut text, &audit.findings);
    months(&mut text, screen, audit);
    subjects(&mut text, screen, audit);
    months_of_subjects(&mut text, screen, audit);
    grounds(&mut text, audit);
    if !audit.attestations.is_empty() {
        text += &format!("\nestablished by each accepted attestation: {}\n", audit.established);
        text += "not established by any:\n";
        audit.not_established.iter().for_each(|limit| line(&mut text, limit));
    }
    if let Some(established) = audit.books_establish {
        text += &format!("\nestablished by each accepted book: {established}\nnot established by any:\n");
        surety_books::book::NOT_ESTABLISHED.iter().for_each(|limit| line(&mut text, limit));
    }
    let timing = audit.timing;
    let single = timing.single_ms.map_or_else(String::new, |single| format!(", {single:.3} ms alone"));
    let _ = writeln!(
        text,
        "\n{:.3} ms for each attestation{single}; {:.0} ms in all; surety {}",
        timing.batch_ms_per_attestation,
        timing.total_ms,
        env!("CARGO_PKG_VERSION")
    );
    text
}

fn line(text: &mut String, item: &str) {
    let _ = writeln!(text, "  - {item}");
}

/// Attestations that count at the time of the audit.
fn levels(text: &mut String, screen: Screen, history: &History) {
    let row = |([policy, level], series): ([String; 2], Vec<&Series>)| {
        let attestations: usize = series.iter().map(|series| series.attestations).sum();
        let rejected: usize = series.iter().map(|series| series.rejected).sum();
        let current = series.iter().filter(|series| series.current).count();
        [
            policy,
            level,
            screen.count(attestations),
            screen.count(rejected),
            screen.count(series.len()),
            screen.count(current),
        ]
    };
    let rows: Vec<_> = rows::levels(history).into_iter().map(row).collect();
    if !rows.is_empty() {
        table(text, screen, ["policy", "level", "attestations", "rejected", "subjects", "attested now"], rows);
    }
}

/// The books, and those that are not accepted.
fn of_books(text: &mut String, screen: Screen, audit: &Audit) {
    let Some(headline) = headline_of_books(audit, screen) else {
        return;
    };
    let _ = writeln!(text, "\n{headline}");
    let books = books(audit);
    let row = |[file, venue, pages, _, root, known]: [String; 6]| [file, venue, pages, root, known];
    let rows: Vec<_> = books.iter().cloned().map(row).collect();
    if !rows.is_empty() {
        table(text, screen, ["book", "venue and level", "pages", "root", "the root is"], rows);
        *text += "\ncaps of books, for what is owed and for what stands behind debts:\n";
    }
    books.iter().for_each(|[file, _, _, caps, ..]| line(text, &format!("{file}: {caps}")));
    let rows = refused_books(audit);
    if !rows.is_empty() {
        *text += "\nbooks that are not accepted:";
        table(text, screen, ["file", "rule", "why"], rows);
    }
}

fn refused(text: &mut String, screen: Screen, audit: &Audit) {
    let refused = audit.attestations.iter().filter(|entry| !(entry.is_good() && audit.history));
    let rows: Vec<_> = refused
        .filter_map(|entry| {
            let reason = entry.reason.as_ref()?;
            Some([entry.file.clone(), reason.code.clone(), reason.message.replace('\n', "; ")])
        })
        .collect();
    if !rows.is_empty() {
        *text += "\nnot accepted:";
        table(text, screen, ["file", "rule", "why"], rows);
    }
}

fn findings(text: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    *text += "\nfindings, none of which makes an attestation less valid:\n";
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for finding in findings {
        let count = counts.entry(finding.kind).or_default();
        *count += 1;
        if finding.severity == Severity::Notice && *count > MOST_NOTICES {
            continue;
        }
        let subject = finding.subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
        let files = if finding.files.is_empty() { String::new() } else { format!(" ({})", finding.files.join(", ")) };
        let (severity, kind) = (word(finding.severity), word(finding.kind));
        line(text, &format!("{severity}, {kind}: {subject}{}{files}", finding.message));
    }
    for (kind, count) in counts {
        if count > MOST_NOTICES {
            line(text, &format!("{}: {count} in all", word(kind)));
        }
    }
}

fn months(text: &mut String, screen: Screen, audit: &Audit) {
    let rows = rows::months(&audit.timeline);
    if !rows.is_empty() {
        table(text, screen, ["month", "policy", "level", "attestations", "subjects attested", "of the time"], rows);
    }
}

fn subjects(text: &mut String, screen: Screen, audit: &Audit) {
    let mut rows = rows::subjects(&audit.timeline);
    let more = rows.len().saturating_sub(MOST_SUBJECTS);
    rows.truncate(MOST_SUBJECTS);
    if !rows.is_empty() {
        let header = ["subject", "policy", "level", "attestations", "rejected", "attested", "gaps", "of the time"];
        table(text, screen, header, rows);
    }
    if more > 0 {
        let _ = writeln!(text, "and {more} more: see --html or --json");
    }
}

fn months_of_subjects(text: &mut String, screen: Screen, audit: &Audit) {
    let mut rows = rows::months_of_subjects(&audit.timeline);
    let more = rows.len().saturating_sub(MOST_MONTHS);
    rows.truncate(MOST_MONTHS);
    if !rows.is_empty() {
        table(text, screen, ["subject", "policy", "level", "month", "attestations", "of the time"], rows);
    }
    if more > 0 {
        let _ = writeln!(text, "and {more} more: see --html or --json");
    }
}

/// Identifiers of everything that attestations were checked against.
fn grounds(text: &mut String, audit: &Audit) {
    if let Some(archive) = archive(audit) {
        let _ = writeln!(text, "\narchive        {archive}");
    }
    for [file, sha256, policy] in anchors(audit) {
        let _ = writeln!(text, "\ntrust file     {file}\n  SHA-256      {sha256}\n  pins         {policy}");
    }
    if audit.trust.is_empty() {
        *text += "\ntrust file     none: anchors are taken on faith\n";
    }
    for policy in &audit.policies {
        let commitments = if policy.commitments_at_first_hand { "computed here" } else { "read from a file" };
        let _ = write!(
            text,
            "\npolicy         {} {} ({})\n  commitments  {commitments}\n  universe     {}, k = {}\n  set-up       {} \
             ({})\n  \
             key          {}\n",
            policy.id.0,
            policy.name,
            policy.file,
            policy.universe,
            policy.capacity.k(),
            policy.srs,
            policy.srs_origin,
            policy.verifying_key,
        );
    }
    for snapshot in audit.snapshots.iter().take(MOST_SNAPSHOTS) {
        let age = duration(audit.at.0.saturating_sub(snapshot.prices_at.0));
        let _ = writeln!(text, "snapshot       {} epoch {}, {age} old", snapshot.id, snapshot.epoch);
    }
    if let Some(more) = audit.snapshots.len().checked_sub(MOST_SNAPSHOTS).filter(|more| *more > 0) {
        let _ = writeln!(text, "               and {more} more");
    }
    if !audit.faith.is_empty() {
        *text += "\ntaken on faith, for want of --trust or an entry in it:\n";
        audit.faith.iter().for_each(|faith| line(text, faith));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_policies_of_one_name_are_rows_of_their_own() {
        let mut text = String::new();
        levels(&mut text, Screen::Full, &rows::namesakes());
        assert_eq!(text.lines().skip(2).count(), 3, "{text}");
        assert!(
            text.contains("house (0x01010101…)  initial  1 ") && text.contains("house (0x02020202…)  initial  1 "),
            "{text}"
        );
    }
}
