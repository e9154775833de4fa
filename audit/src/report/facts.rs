//! What every form of a report says, in the same words.

use std::collections::BTreeMap;

use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    kind::Kind,
    shown::Screen,
    spelling::iso_time,
    visible::one_line,
    words::counted,
};
use surety_verifier::attestation::identifiers::SnapshotId;

use crate::audit::{
    AnchorFile, Audit, EngagementFile,
    books::{BookEntry, EstablishedBook},
    input::{Input, Role},
    kept::Kept,
    sample::{Drawn, Sample},
};

/// Maximum number of pinned hashes of one kind that reports write out.
const MOST_HASHES: usize = 12;

/// The answer of an audit in every format.
#[must_use]
pub fn headline(audit: &Audit, screen: Screen) -> String {
    let Audit { accepted, rejected, lapsed, .. } = audit;
    let [total, accepted, rejected, lapses] =
        [accepted + rejected, *accepted, *rejected, *lapsed].map(|count| screen.count(count));
    let lapsed = if *lapsed > 0 { format!(" ({lapses} lapsed)") } else { String::new() };
    let total = counted(total, "attestation");
    if audit.history {
        format!("{total}: {accepted} accepted{lapsed}, {rejected} rejected")
    } else {
        format!("{total}: {accepted} accepted, {rejected} rejected{lapsed}")
    }
}

/// The books, if any.
#[must_use]
pub fn headline_of_books(audit: &Audit, screen: Screen) -> Option<String> {
    let (accepted, rejected) = (audit.accepted_books, audit.rejected_books);
    let [total, good, bad] = [accepted + rejected, accepted, rejected].map(|count| screen.count(count));
    (accepted + rejected > 0).then(|| format!("{}: {good} accepted, {bad} rejected", counted(total, "book")))
}

/// Each book that is not rejected: file, venue and level, pages and slots, caps, root, and what is known of the root.
#[must_use]
pub fn books(audit: &Audit) -> Vec<[String; 6]> {
    audit.books.iter().filter_map(row_of_book).collect()
}

fn row_of_book(entry: &BookEntry) -> Option<[String; 6]> {
    let (claim, stated) = (entry.claim.as_ref()?, entry.stated.as_ref()?);
    let EstablishedBook { venue, level, slots, quote, max_shortfall, caps, on_chain, .. } = claim;
    let pages = claim.kinds.iter().map(|kind| format!("{} of {}", counted(kind.pages, "page"), kind.name));
    let pages: Vec<_> = pages.collect();
    let cap = |cap: &surety_books::rules::Cap| format!("{} {}/{}", cap.instrument, cap.debts, cap.balances);
    let caps: Vec<_> = caps.iter().map(cap).collect();
    let root = match on_chain {
        Some(known) if known.counts => "the newest on chain",
        Some(_) => "on chain, superseded or lapsed",
        None if claim.root_known => "known",
        None => "taken on faith",
    };
    Some([
        entry.file.clone(),
        format!("{venue}, {level}"),
        format!("{}; {slots} slots", pages.join(", ")),
        format!("shortfalls {max_shortfall} {quote}; {}", caps.join(", ")),
        stated.root.to_string(),
        root.to_owned(),
    ])
}

/// Books that are not accepted: the file, the rule, and why.
#[must_use]
pub fn refused_books(audit: &Audit) -> Vec<[String; 3]> {
    let refused = audit.books.iter().filter(|entry| !(entry.is_good() && audit.history));
    refused
        .filter_map(|entry| {
            let reason = entry.reason.as_ref()?;
            Some([entry.file.clone(), reason.code.clone(), reason.message.replace('\n', "; ")])
        })
        .collect()
}

/// The archive that the report is about, if any.
#[must_use]
pub fn archive(audit: &Audit) -> Option<String> {
    let Kept { summary, noted } = audit.archive?;
    let begins = noted.map(|noted| format!("; begins with what it had at the noted head {noted}")).unwrap_or_default();
    let entries = if summary.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", summary.entries) };
    Some(format!("{entries} up to head {}, chain checked{begins}", summary.head))
}

/// The terms of the audit, each with its name; none without an engagement.
#[must_use]
pub fn terms(audit: &Audit) -> Vec<[String; 2]> {
    let Some(EngagementFile { file, sha256, terms, .. }) = &audit.engagement else { return Vec::new() };
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("client", one_line(&terms.client)), row("prepared by", one_line(&terms.preparer))];
    rows.extend(terms.reviewer.iter().map(|reviewer| row("reviewed by", one_line(reviewer))));
    let (from, to) = (iso_time(terms.period.from), iso_time(terms.period.to));
    rows.push(row("period", format!("{from} to {to}, both included")));
    rows.push(row("tolerated gap", counted(terms.tolerance.0, "second")));
    rows.extend(
        terms.subjects.iter().map(|subject| row("subject", format!("{} {}", one_line(&subject.name), subject.address))),
    );
    for policy in &terms.policies {
        let levels: Vec<_> = policy.levels.iter().map(ToString::to_string).collect();
        rows.push(row("policy", format!("{}: {}", policy.policy.0, levels.join(", "))));
    }
    rows.push(row("engagement file", format!("{file}, SHA-256 {sha256}")));
    rows
}

/// Every anchor of the auditor: the file, the name of the anchor, and its value. What a file does not pin is told.
#[must_use]
pub fn anchors(audit: &Audit) -> Vec<[String; 3]> {
    audit.trust.iter().flat_map(anchors_of).collect()
}

fn anchors_of(file: &AnchorFile) -> Vec<[String; 3]> {
    let trust = &file.anchors;
    let mut rows: Vec<(&str, String)> = vec![("SHA-256 of the file", file.sha256.to_string())];
    let mut open = Vec::new();
    let mut pin = |name: &'static str, values: Option<Vec<String>>| match values {
        Some(values) => rows.extend(values.into_iter().map(|value| (name, value))),
        None => open.push(name),
    };
    let one = |value: Option<String>| value.map(|value| vec![value]);
    let named = |signers: &Option<BTreeMap<Name, EvmAddress>>| {
        let row = |(name, address): (&Name, &EvmAddress)| format!("{name}: {address}");
        signers.as_ref().map(|signers| signers.iter().map(row).collect())
    };
    let few = |hashes: &[Bytes32]| {
        let shown = hashes.iter().take(MOST_HASHES).map(ToString::to_string);
        let more = hashes.len().checked_sub(MOST_HASHES).filter(|more| *more > 0);
        shown.chain(more.map(|more| format!("and {more} more, see the file"))).collect::<Vec<_>>()
    };
    pin("policy", one(trust.policy.map(|policy| policy.0.to_string())));
    pin("set-up", one(trust.srs.map(|srs| srs.to_string())));
    pin(
        "registry",
        one(trust.audience.map(|audience| format!("{} on chain {}", audience.registry, audience.chain_id))),
    );
    pin("source", named(&trust.sources));
    pin("oracle node", named(&trust.oracles));
    pin("newest epoch", one(trust.epoch.map(|epoch| epoch.to_string())));
    let ids = |ids: &[SnapshotId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
    pin("snapshot", trust.snapshots.as_deref().map(|snapshots| few(&ids(snapshots))));
    let taken = (!trust.chain_snapshots.is_empty()).then(|| few(&ids(&trust.chain_snapshots)));
    pin("snapshot taken on a chain", taken);
    pin("state of a vault", trust.vaults.as_deref().map(few));
    pin("subject", one(trust.subject.map(|subject| subject.to_string())));
    pin("level", one(trust.level.as_ref().map(ToString::to_string)));
    pin("verifying contract", one(trust.verifier.map(|verifier| verifier.to_string())));
    let newest = trust.sequences.iter().flat_map(|(source, accounts)| {
        accounts.iter().map(move |(account, newest)| format!("{account} at {source}: {}", newest.sequence))
    });
    let newest: Vec<String> = newest.collect();
    pin("newest statement", (!newest.is_empty()).then_some(newest));
    if !open.is_empty() {
        rows.push(("not pinned", open.join(", ")));
    }
    rows.into_iter().map(|(name, value)| [file.file.clone(), name.to_owned(), value]).collect()
}

/// Inputs other than attestations first, at most so many: the file, its role and its SHA-256.
#[must_use]
pub fn inputs(audit: &Audit, most: usize) -> Vec<[String; 3]> {
    let is_attestation = |input: &&Input| input.role == Role::Document(Kind::Attestation);
    let others = audit.inputs.iter().filter(|input| !is_attestation(input));
    let all = others.chain(audit.inputs.iter().filter(is_attestation)).take(most);
    let digits = |input: &Input| input.sha256.to_string().trim_start_matches("0x").to_owned();
    all.map(|input| [input.file.clone(), input.role.name().to_owned(), digits(input)]).collect()
}

/// What stands for all inputs.
#[must_use]
pub fn manifest_line(audit: &Audit) -> String {
    let digits = audit.manifest_sha256.to_string();
    let digits = digits.trim_start_matches("0x");
    format!("{}; the manifest that --manifest writes has the SHA-256 {digits}", counted(audit.inputs.len(), "input"))
}

/// Files that took no part, at most so many: the file, and why.
#[must_use]
pub fn ignored(audit: &Audit, most: usize) -> Vec<[String; 2]> {
    let rows = audit.ignored_files.iter().take(most);
    rows.map(|ignored| [ignored.file.clone(), ignored.reason.words().to_owned()]).collect()
}

/// The sample: each file that was drawn, with its SHA-256; and a sentence on how.
#[must_use]
pub fn sample(audit: &Audit) -> Option<(String, Vec<[String; 2]>)> {
    let Sample { seed, population, drawn } = audit.sample.as_ref()?;
    let sentence = format!(
        "{} of {population} accepted, drawn with the seed {:?}: those with the lowest SHA-256 of the seed, a space and \
         the SHA-256 of the file",
        counted(drawn.len(), "attestation"),
        one_line(seed)
    );
    let digits = |drawn: &Drawn| drawn.sha256.to_string().trim_start_matches("0x").to_owned();
    Some((sentence, drawn.iter().map(|drawn| [drawn.file.clone(), digits(drawn)]).collect()))
}

/// Each example of each cause, the gravest first: severity, cause, how often, and the example.
#[must_use]
pub fn causes(audit: &Audit) -> Vec<[String; 5]> {
    let rows = audit.causes.iter().flat_map(|cause| {
        cause.examples.iter().enumerate().map(move |(number, example)| {
            // The cause once, before its first example.
            let first = |text: String| if number == 0 { text } else { String::new() };
            let subject = example.subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
            let files =
                if example.files.is_empty() { String::new() } else { format!(" ({})", example.files.join(", ")) };
            [
                first(word(cause.severity)),
                first(cause.cause.clone()),
                first(cause.count.to_string()),
                first(cause.meaning.to_owned()),
                format!("{subject}{}{files}", example.message.replace('\n', "; ")),
            ]
        })
    });
    rows.collect()
}

/// A share in percent with one decimal, rounded down.
#[must_use]
pub fn percent(ppm: u64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

/// A duration for people, rounded down.
#[must_use]
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The serialised name of a value.
#[must_use]
pub fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
