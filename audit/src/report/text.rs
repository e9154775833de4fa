//! An audit as text for a terminal or a file.

use std::fmt::Write as _;

use surety_core::{
    shown::{Screen, table},
    spelling::iso_time,
    words::counted,
};

use super::{
    facts::{
        anchors, archive, books, duration, headline, headline_of_books, ignored, inputs, manifest_line, refused_books,
        sample, terms, word,
    },
    rows,
};
use crate::audit::{
    Audit,
    cause::{Cause, Example, Weight},
    history::History,
};

/// Maximum number of attestations that are not accepted and are written out.
const MOST_REFUSED: usize = 500;

/// Maximum number of gaps that are written out.
const MOST_GAPS: usize = 60;

/// Maximum number of inputs, and of ignored files, that are written out.
const MOST_FILES: usize = 40;

/// Maximum number of snapshots that are written out.
const MOST_SNAPSHOTS: usize = 12;

/// Maximum number of subjects that are written out.
const MOST_SUBJECTS: usize = 60;

/// Maximum number of months of subjects that are written out.
const MOST_MONTHS: usize = 60;

/// The report.
#[must_use]
pub fn text(audit: &Audit, screen: Screen) -> String {
    let mut text = format!("{} as of {}\n", headline(audit, screen), iso_time(audit.at));
    if audit.insecure_srs {
        text += "insecure set-up: its secret is published, so these proofs prove nothing; for tests only\n";
    }
    let terms = terms(audit);
    terms.iter().for_each(|[name, value]| text += &format!("{name:<16} {value}\n"));
    levels(&mut text, screen, &audit.timeline);
    if !audit.attestations.is_empty() {
        text += &format!("\n{} Shares are rounded down.\n", audit.timeline.basis.sentence(audit.at));
    }
    of_books(&mut text, screen, audit);
    refused(&mut text, screen, audit);
    causes(&mut text, audit);
    months(&mut text, screen, audit);
    subjects(&mut text, screen, audit);
    gaps(&mut text, screen, audit);
    months_of_subjects(&mut text, screen, audit);
    sampled(&mut text, screen, audit);
    grounds(&mut text, audit);
    files(&mut text, audit);
    if !audit.attestations.is_empty() {
        text += &format!("\nestablished by each accepted attestation: {}\n", audit.established);
        text += "not established by any:\n";
        audit.not_established.iter().for_each(|limit| line(&mut text, limit));
    }
    if let Some(established) = audit.books_establish {
        text += &format!("\nestablished by each accepted book: {established}\nnot established by any:\n");
        surety_books::book::NOT_ESTABLISHED.iter().for_each(|limit| line(&mut text, limit));
    }
    text += "\n";
    if let Some(timing) = audit.timing {
        let single = timing.single_ms.map_or_else(String::new, |single| format!(", {single:.3} ms alone"));
        let _ = write!(
            text,
            "{:.3} ms for each attestation{single}; {:.0} ms in all; ",
            timing.batch_ms_per_attestation, timing.total_ms
        );
    }
    let _ = writeln!(text, "surety {}", env!("CARGO_PKG_VERSION"));
    text
}

fn line(text: &mut String, item: &str) {
    let _ = writeln!(text, "  - {item}");
}

/// The coverage of each level, as plots show it.
fn levels(text: &mut String, screen: Screen, history: &History) {
    let rows = rows::coverage_of_levels(history, screen);
    if !rows.is_empty() {
        let header = ["policy", "level", "attestations", "rejected", "subjects", "attested now", "of the time"];
        table(text, screen, header, rows);
    }
    let overlapping: usize = history.subjects.iter().map(|series| series.overlapping).sum();
    if overlapping > 0 {
        let begin = if overlapping == 1 { "begins" } else { "begin" };
        let overlapping = counted(screen.count(overlapping), "attestation");
        let _ = writeln!(text, "\n{overlapping} {begin} to count while an earlier one still does, which is ordinary.");
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
    let more = rows.len().saturating_sub(MOST_REFUSED);
    if !rows.is_empty() {
        *text += "\nnot accepted:";
        table(text, screen, ["file", "rule", "why"], rows.into_iter().take(MOST_REFUSED).collect());
    }
    if more > 0 {
        let _ = writeln!(text, "and {more} more: see --csv or --json");
    }
}

/// What is not in order, by cause, the gravest first.
fn causes(text: &mut String, audit: &Audit) {
    for weight in Weight::ALL {
        let mut causes = audit.causes.iter().filter(|cause| cause.severity == weight).peekable();
        if causes.peek().is_some() {
            let _ = writeln!(text, "\n{}s: {}", word(weight), weight.words());
        }
        for Cause { cause, meaning, count, examples, .. } in causes {
            let _ = writeln!(text, "  {cause}, {}: {meaning}", counted(count, "time"));
            for Example { subject, message, files } in examples {
                let subject = subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
                let files = if files.is_empty() { String::new() } else { format!(" ({})", files.join(", ")) };
                let _ = writeln!(text, "    - {subject}{}{files}", message.replace('\n', "; "));
            }
            if let Some(more) = count.checked_sub(examples.len()).filter(|more| *more > 0) {
                let _ = writeln!(text, "    and {more} more: see --json");
            }
        }
    }
}

/// Gaps, the first of them.
fn gaps(text: &mut String, screen: Screen, audit: &Audit) {
    let mut rows = rows::gaps(&audit.timeline);
    let more = rows.len().saturating_sub(MOST_GAPS);
    rows.truncate(MOST_GAPS);
    if !rows.is_empty() {
        table(text, screen, ["gap of subject", "policy", "level", "from", "to", "length", "cause"], rows);
    }
    if more > 0 {
        let _ = writeln!(text, "and {more} more: see --html or --json");
    }
}

/// The sample for manual follow-up.
fn sampled(text: &mut String, screen: Screen, audit: &Audit) {
    if let Some((sentence, rows)) = sample(audit) {
        let _ = writeln!(text, "\nsample: {sentence}");
        table(text, screen, ["drawn", "SHA-256"], rows);
    }
}

/// What was read, and what was passed over.
fn files(text: &mut String, audit: &Audit) {
    let _ = writeln!(text, "\ninputs         {}", manifest_line(audit));
    for [file, role, sha256] in inputs(audit, MOST_FILES) {
        let _ = writeln!(text, "  {sha256}  {role}  {file}");
    }
    if let Some(more) = audit.inputs.len().checked_sub(MOST_FILES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more: see --manifest or --json");
    }
    if audit.ignored > 0 {
        let _ = writeln!(text, "\nignored        {}", counted(audit.ignored, "file"));
    }
    for [file, why] in ignored(audit, MOST_FILES) {
        let _ = writeln!(text, "  {file}: {why}");
    }
    if let Some(more) = audit.ignored.checked_sub(MOST_FILES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more: see --json");
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
    let mut last = String::new();
    for [file, anchor, value] in anchors(audit) {
        if file != last {
            let _ = writeln!(text, "\ntrust file     {file}");
            last = file;
        }
        let _ = writeln!(text, "  {anchor}: {value}");
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
        audit.faith.iter().for_each(|faith| line(text, &faith.to_string()));
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
