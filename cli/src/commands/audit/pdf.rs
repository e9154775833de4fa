//! An audit as a paginated document, to be filed and signed.

use surety_audit::{
    audit::{
        Audit,
        cause::Weight,
        history::{History, coverage, share_of},
    },
    report::{
        facts::{
            anchors, archive, books, causes, headline, headline_of_books, ignored, inputs, manifest_line, percent,
            refused_books, sample, terms, word,
        },
        rows,
    },
};
use surety_core::{shown::Screen, spelling::iso_time};

use crate::pdf::{Block, Document, Paper, Plot, PlotLine, Table};

/// Maximum number of rows of tables that grow with the number of files.
const MOST_ROWS: usize = 2_000;

/// The report, on pages of this size.
pub(super) fn bytes(audit: &Audit, paper: Paper) -> Vec<u8> {
    let mut blocks = Vec::new();
    verdict(&mut blocks, audit);
    blocks.push(heading("Established, and not established"));
    limits(&mut blocks, audit);
    blocks.push(heading("Coverage"));
    coverage_of(&mut blocks, audit);
    blocks.push(heading("Rejections and findings"));
    not_in_order(&mut blocks, audit);
    if let Some(headline) = headline_of_books(audit, Screen::Full) {
        blocks.push(heading("Books"));
        of_books(&mut blocks, audit, headline);
    }
    blocks.push(heading("Months"));
    let header = ["Month", "Policy", "Level", "Attestations", "Subjects attested", "Of the time"];
    table(&mut blocks, "In UTC.", header, [2, 4, 3, 2, 2, 2], rows::months(&audit.timeline));
    blocks.push(heading("Subjects"));
    subjects(&mut blocks, audit);
    blocks.push(heading("Anchors and policies"));
    grounds(&mut blocks, audit);
    if let Some((sentence, drawn)) = sample(audit) {
        blocks.push(heading("Sample for follow-up"));
        table(&mut blocks, &sentence, ["File", "SHA-256"], [2, 3], drawn);
    }
    blocks.push(heading("Inputs"));
    let caption = format!("{}.", manifest_line(audit));
    table(&mut blocks, &caption, ["File", "What it is", "SHA-256"], [5, 2, 7], inputs(audit, MOST_ROWS));
    more(&mut blocks, audit.inputs.len(), "the manifest");
    blocks.push(heading("Ignored files"));
    table(&mut blocks, "", ["File", "Why"], [1, 1], ignored(audit, MOST_ROWS));
    more(&mut blocks, audit.ignored, "the JSON report");
    blocks.push(heading("Sign-off"));
    let of = |role: &str, name: Option<&str>| name.map_or_else(|| role.to_owned(), |name| format!("{role}: {name}"));
    let terms = audit.engagement.as_ref().map(|file| &file.terms);
    let preparer = of("Prepared by", terms.map(|terms| terms.preparer.as_str()));
    let reviewer = of("Reviewed by", terms.and_then(|terms| terms.reviewer.as_deref()));
    blocks.push(Block::SignOff(vec![preparer, reviewer]));
    let client = terms.map_or_else(String::new, |terms| format!(": {}", terms.client));
    let document = Document {
        title: format!("Audit of attestations{client}"),
        subtitle: format!("{}, as of {}", headline(audit, Screen::Full), iso_time(audit.at)),
        producer: format!("surety {}", env!("CARGO_PKG_VERSION")),
        blocks,
    };
    document.bytes(paper)
}

fn heading(title: &str) -> Block {
    Block::Heading(title.to_owned())
}

fn paragraph(text: impl Into<String>) -> Block {
    Block::Paragraph(text.into())
}

/// A table, or a word where it has no rows.
fn table<const N: usize>(
    blocks: &mut Vec<Block>,
    caption: &str,
    header: [&'static str; N],
    weights: [u16; N],
    mut rows: Vec<[String; N]>,
) {
    if rows.is_empty() {
        blocks.push(paragraph("None."));
        return;
    }
    let left = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    blocks.push(Block::Table(Table {
        caption: caption.to_owned(),
        header: header.into(),
        weights: weights.into(),
        rows: rows.into_iter().map(Vec::from).collect(),
    }));
    if left > 0 {
        blocks.push(paragraph(format!("And {left} more, which the JSON report has.")));
    }
}

/// That there are more rows than fit, and where.
fn more(blocks: &mut Vec<Block>, all: usize, place: &str) {
    if let Some(more) = all.checked_sub(MOST_ROWS).filter(|more| *more > 0) {
        blocks.push(paragraph(format!("And {more} more, which {place} has.")));
    }
}

fn verdict(blocks: &mut Vec<Block>, audit: &Audit) {
    blocks.push(heading("Result"));
    blocks.push(paragraph(format!("{}.", headline(audit, Screen::Full))));
    if audit.insecure_srs {
        let warning = "Insecure set-up: its secret is published, so these proofs prove nothing. For tests only.";
        blocks.push(paragraph(warning));
    }
    if audit.history {
        let history = "Attestations that have lapsed since are accepted if they were in order before.";
        blocks.push(paragraph(history));
    }
    let terms = terms(audit);
    if !terms.is_empty() {
        blocks.push(heading("Engagement"));
        table(blocks, "The terms of the audit.", ["Term", "Value"], [1, 4], terms);
    }
}

fn limits(blocks: &mut Vec<Block>, audit: &Audit) {
    blocks.push(paragraph(format!("Established by each accepted attestation: {}.", audit.established)));
    blocks.push(paragraph("Not established by any:"));
    blocks.push(Block::Bullets(audit.not_established.iter().map(ToString::to_string).collect()));
    if !audit.faith.is_empty() {
        blocks.push(paragraph("Taken on faith, for want of a trust file or an entry in it:"));
        blocks.push(Block::Bullets(audit.faith.iter().map(ToString::to_string).collect()));
    }
}

fn coverage_of(blocks: &mut Vec<Block>, audit: &Audit) {
    let basis = audit.timeline.basis.sentence(audit.at);
    blocks.push(paragraph(format!("{basis} Shares are rounded down. A rejected or missing attestation is a gap.")));
    let header = ["Policy", "Level", "Attestations", "Rejected", "Subjects", "Attested as of the audit", "Of the time"];
    let levels = rows::coverage_of_levels(&audit.timeline, Screen::Full);
    table(blocks, "Each level, as the plot shows it.", header, [4, 3, 2, 2, 2, 2, 2], levels);
    blocks.push(Block::Plot(plot(&audit.timeline)));
}

fn plot(history: &History) -> Plot {
    let from = history.subjects.iter().map(|series| series.observed.from).min().unwrap_or_default();
    let until = history.subjects.iter().map(|series| series.observed.until).max().unwrap_or_default();
    let lines = rows::levels(history).into_iter().map(|([policy, level], series)| PlotLine {
        name: format!("{policy}, {level}: {} of the time", percent(share_of(&series))),
        steps: coverage(&series).into_iter().map(|(time, share)| (time.0, share)).collect(),
    });
    let labels = [from, until].map(iso_time);
    Plot { from: from.0, until: until.0, labels, lines: lines.collect() }
}

fn not_in_order(blocks: &mut Vec<Block>, audit: &Audit) {
    let words = Weight::ALL.map(|weight| format!("{}: {}", word(weight), weight.words()));
    blocks.push(Block::Bullets(words.into()));
    let header = ["Severity", "Cause", "Count", "Meaning", "Example"];
    table(blocks, "Each cause, how often, and the first examples.", header, [2, 3, 1, 4, 7], causes(audit));
    let refused = audit.attestations.iter().filter(|entry| !(entry.is_good() && audit.history)).filter_map(|entry| {
        let reason = entry.reason.as_ref()?;
        Some([entry.file.clone(), reason.code.clone(), reason.message.replace('\n', "; ")])
    });
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        table(blocks, "Each attestation that is not accepted.", ["File", "Rule", "Why"], [3, 2, 6], refused);
    }
}

fn of_books(blocks: &mut Vec<Block>, audit: &Audit, headline: String) {
    blocks.push(paragraph(format!("{headline}.")));
    let header = ["File", "Venue and level", "Pages", "Caps", "Root", "The root is"];
    table(blocks, "Each book.", header, [3, 3, 3, 4, 4, 2], books(audit));
    let refused = refused_books(audit);
    if !refused.is_empty() {
        table(blocks, "Books that are not accepted.", ["File", "Rule", "Why"], [3, 2, 6], refused);
    }
    if let Some(established) = audit.books_establish {
        blocks.push(paragraph(format!("Established by each accepted book: {established}. Not established by any:")));
        let limits = surety_books::book::NOT_ESTABLISHED.iter().map(ToString::to_string);
        blocks.push(Block::Bullets(limits.collect()));
    }
}

fn subjects(blocks: &mut Vec<Block>, audit: &Audit) {
    let header = ["Subject", "Policy", "Level", "Attestations", "Rejected", "Attested", "Gaps", "Of the time"];
    let caption = "A gap is a measured time in which no attestation counted.";
    table(blocks, caption, header, [6, 3, 2, 2, 2, 4, 1, 2], rows::subjects(&audit.timeline));
    blocks.push(heading("Gaps"));
    let header = ["Subject", "Policy", "Level", "From", "To", "Length", "Cause"];
    table(blocks, "Both ends included.", header, [6, 3, 2, 3, 3, 2, 3], rows::gaps(&audit.timeline));
    blocks.push(heading("Months of each subject"));
    let header = ["Subject", "Policy", "Level", "Month", "Attestations", "Of the time"];
    table(blocks, "In UTC.", header, [6, 3, 2, 2, 2, 2], rows::months_of_subjects(&audit.timeline));
}

fn grounds(blocks: &mut Vec<Block>, audit: &Audit) {
    if let Some(archive) = archive(audit) {
        blocks.push(paragraph(format!("Archive: {archive}.")));
    }
    if audit.trust.is_empty() {
        blocks.push(paragraph("Trust file: none. Anchors are taken on faith."));
    } else {
        let caption = "Trust files of the auditor, and each anchor in them.";
        table(blocks, caption, ["File", "Anchor", "Value"], [3, 2, 7], anchors(audit));
    }
    for policy in &audit.policies {
        let commitments = if policy.commitments_at_first_hand { "computed here" } else { "read from a file" };
        let mut facts: Vec<[String; 2]> = [
            ("Policy", policy.id.0.to_string()),
            ("File", policy.file.clone()),
            ("Commitments", commitments.to_owned()),
            ("Universe", policy.universe.to_string()),
            ("Set-up", policy.srs.to_string()),
            ("Origin of the set-up", policy.srs_origin.clone()),
            ("Verifying key", policy.verifying_key.to_string()),
        ]
        .map(|(fact, value)| [fact.to_owned(), value])
        .into();
        facts.extend(policy.sources.iter().map(|(name, signer)| [format!("Source {name}"), signer.to_string()]));
        table(blocks, &format!("Policy {}.", policy.name), ["Fact", "Value"], [1, 4], facts);
    }
    let snapshots = audit
        .snapshots
        .iter()
        .map(|snapshot| [snapshot.epoch.to_string(), iso_time(snapshot.prices_at), snapshot.id.to_string()]);
    table(blocks, "Market snapshots.", ["Epoch", "Prices of", "Snapshot"], [1, 2, 5], snapshots.collect());
}
