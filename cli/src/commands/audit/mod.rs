//! `surety audit`

mod charts;
mod csv;
mod follow;
mod html;
mod pdf;
mod report;
mod rows;
mod table;

pub(crate) use html::page;

use std::{collections::BTreeMap, path::PathBuf};

use surety_audit::audit::{
    self, AnchorFile, Audit, AuditRequest, EngagementFile, ReadVault,
    books::{BookAnchors, BookEntry, EstablishedBook},
    input::{self, Input, Role},
    kept::Kept,
    sample::{Drawn, Sample, SampleTerms},
};
use surety_chain::Node;
use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    kind::Kind,
    spelling,
    units::Timestamp,
    visible::one_line,
    words::counted,
};
use surety_host::files::{self, Access, Existing};
use surety_verifier::attestation::identifiers::SnapshotId;

use crate::{
    Session,
    error::{Error, Usage},
    inputs::setups,
    output::Answer,
    pdf::Paper,
    screen::Screen,
};

/// Maximum number of pinned hashes of one kind that reports write out.
const MOST_HASHES: usize = 12;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    audit: AuditArgs,
}

/// What is done with a report, or with one attestation.
#[derive(clap::Subcommand)]
enum Command {
    /// Write the whole chain of reasoning about one attestation
    Explain(Box<follow::ExplainArgs>),
    /// Sign a report, of whatever form, beside it
    Sign(report::SignArgs),
    /// Write the request for a time stamp of a report, for an authority (RFC 3161)
    Stamp(report::StampArgs),
    /// Check the signature and the time stamp of a report
    Check(report::CheckArgs),
}

impl Args {
    pub(crate) fn name(&self) -> Option<&'static str> {
        self.command.as_ref().map(|command| match command {
            Command::Explain(_) => "explain",
            Command::Sign(_) => "sign",
            Command::Stamp(_) => "stamp",
            Command::Check(_) => "check",
        })
    }
}

/// What attestations are judged by.
#[derive(clap::Args)]
struct Judging {
    /// Your trust anchors: written by you, never taken from a prover; one file for each policy
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Balances that you have read with surety chain vault, of a vault that attestations draw on; once for each
    #[arg(long, value_name = "FILE")]
    vault: Vec<PathBuf>,
    /// Refuse whatever would have to be taken on faith
    #[arg(long)]
    strict: bool,
    /// Accept a set-up whose secret is public, for tests only: such a proof proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
    /// Audit as of this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
}

#[derive(clap::Args)]
struct AuditArgs {
    /// Directory with attestations and the universes, policies and market snapshots that they refer to; or an archive,
    /// whose chain is checked first
    #[arg(value_name = "DIR|ARCHIVE", required = true)]
    place: Option<PathBuf>,
    /// Head of the archive noted earlier: the archive must still begin with the entries up to this head
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    head: Option<Bytes32>,
    /// The terms of the audit: client, period, expected subjects and levels, tolerance, trust files; implies --history
    #[arg(long, value_name = "FILE")]
    engagement: Option<PathBuf>,
    #[command(flatten)]
    judging: Judging,
    /// Registry of books that you rely on: a book must be the one that the registry knows
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "rpc")]
    book_registry: Option<EvmAddress>,
    /// URL of a JSON-RPC node of the chain of that registry; may be repeated: where one fails, the next is asked
    #[arg(long, value_name = "URL", requires = "book_registry")]
    rpc: Vec<String>,
    /// Block of the registry's deployment, or a later one: books of the audited venues that the registry has taken
    /// since must be there
    #[arg(long, value_name = "BLOCK", requires = "book_registry")]
    books_since: Option<u64>,
    /// Root of a book that you know from elsewhere; may be repeated
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    book_root: Vec<Bytes32>,
    /// Identifier of rules of books that you have reviewed; may be repeated
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    book_rules: Vec<Bytes32>,
    /// Accept attestations that were valid until they lapsed: for archives
    #[arg(long)]
    history: bool,
    /// Fail on findings that are warnings as well
    #[arg(long)]
    fail_on_findings: bool,
    /// Check the pairing of each proof separately, as a cross-check of the batch: slower
    #[arg(long)]
    one_by_one: bool,
    /// Answer in CSV, one line for each attestation, unless --json is set
    #[arg(long)]
    csv: bool,
    /// Write a report with plots to this file, overwriting it
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report in PDF to this file, to be filed and signed, overwriting it
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Size of the pages of --pdf
    #[arg(long, value_name = "SIZE", default_value = "a4", requires = "pdf")]
    paper: Paper,
    /// Write the SHA-256 of every input to this file, for sha256sum --check in this directory, overwriting it
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Draw so many accepted attestations for manual follow-up, reproducibly
    #[arg(long, value_name = "N", requires = "seed")]
    sample: Option<usize>,
    /// Text that decides which attestations are drawn: choose it before you are shown any
    #[arg(long, value_name = "TEXT", requires = "sample")]
    seed: Option<String>,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    match &args.command {
        None => audit(&args.audit, session),
        Some(Command::Explain(args)) => follow::explain(args, session),
        Some(Command::Sign(args)) => report::sign(args, session),
        Some(Command::Stamp(args)) => report::stamp(args),
        Some(Command::Check(args)) => report::check(args),
    }
}

fn audit(args: &AuditArgs, session: &Session) -> Result<Answer, Error> {
    let place = args.place.as_deref().ok_or_else(|| Usage("expected a directory or an archive".to_owned()))?;
    let judging = &args.judging;
    let engagement = args.engagement.as_deref().map(EngagementFile::read).transpose()?;
    let named = engagement.iter().flat_map(EngagementFile::trust);
    let trust = named.chain(judging.trust.iter().cloned()).map(|path| AnchorFile::read(&path));
    let trust = trust.collect::<Result<Vec<_>, _>>()?;
    let vaults = judging.vault.iter().map(|path| ReadVault::read(path)).collect::<Result<Vec<_>, _>>()?;
    for path in [&args.html, &args.pdf, &args.manifest].into_iter().flatten() {
        files::check_target(path, Existing::Replace)?;
    }
    let sample = args.sample.zip(args.seed.clone()).map(|(size, seed)| SampleTerms { size, seed });
    if args.books_since.is_some() && place.is_file() {
        let expected = "--books-since: expected a directory, found an archive, which keeps no pages of books";
        return Err(Usage(expected.to_owned()).into());
    }
    let node = args.book_registry.map(|_| Node::connect_any(&args.rpc)).transpose()?;
    let books = BookAnchors {
        registry: node.as_ref().zip(args.book_registry),
        since: args.books_since,
        roots: &args.book_root,
        rules: &args.book_rules,
    };
    let request = AuditRequest {
        directory: place,
        trust: &trust,
        vaults: &vaults,
        books,
        strict: judging.strict,
        allow_insecure_srs: judging.allow_insecure_srs,
        at: judging.at.unwrap_or(session.now),
        // The period of an engagement is over by the time of its audit, and so is what attested it.
        history: args.history || engagement.is_some(),
        one_by_one: args.one_by_one,
        engagement: engagement.as_ref(),
        sample: sample.as_ref(),
    };
    let audit = if place.is_file() {
        audit::kept::run(&request, args.head, &setups()?, &session.progress)?
    } else if args.head.is_some() {
        return Err(Error::from(Usage(format!(
            "--head: expected an archive, found {}, which is none",
            place.display()
        ))));
    } else {
        audit::run(&request, &setups()?, &session.progress)?
    };
    if audit.insecure_srs {
        session.progress.warn("INSECURE set-up: such proofs prove nothing; they were accepted because you allowed it");
    }
    if let Some(path) = &args.html {
        files::write(path, page(&audit)?.as_bytes(), Access::Public, Existing::Replace)?;
    }
    if let Some(path) = &args.pdf {
        files::write(path, &pdf::bytes(&audit, args.paper), Access::Public, Existing::Replace)?;
    }
    if let Some(path) = &args.manifest {
        files::write(path, &input::manifest(&audit.inputs), Access::Public, Existing::Replace)?;
    }
    let text = if args.csv { csv::lines(&audit)? } else { table::text(&audit, session.screen) };
    let answer = Answer::new(&audit, text)?;
    Ok(match audit.verdict(args.fail_on_findings) {
        Ok(()) => answer,
        Err(error) => answer.failing(&error),
    })
}

/// The answer of an audit in every format.
fn headline(audit: &Audit, screen: Screen) -> String {
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
fn headline_of_books(audit: &Audit, screen: Screen) -> Option<String> {
    let (accepted, rejected) = (audit.accepted_books, audit.rejected_books);
    let [total, good, bad] = [accepted + rejected, accepted, rejected].map(|count| screen.count(count));
    (accepted + rejected > 0).then(|| format!("{}: {good} accepted, {bad} rejected", counted(total, "book")))
}

/// Each book that is not rejected: file, venue and level, pages and slots, caps, root, and what is known of the root.
fn books(audit: &Audit) -> Vec<[String; 6]> {
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
fn refused_books(audit: &Audit) -> Vec<[String; 3]> {
    let refused = audit.books.iter().filter(|entry| !(entry.is_good() && audit.history));
    refused
        .filter_map(|entry| {
            let reason = entry.reason.as_ref()?;
            Some([entry.file.clone(), reason.code.clone(), reason.message.replace('\n', "; ")])
        })
        .collect()
}

/// The archive that the report is about, if any.
fn archive(audit: &Audit) -> Option<String> {
    let Kept { summary, noted } = audit.archive?;
    let begins = noted.map(|noted| format!("; begins with what it had at the noted head {noted}")).unwrap_or_default();
    let entries = if summary.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", summary.entries) };
    Some(format!("{entries} up to head {}, chain checked{begins}", summary.head))
}

/// The terms of the audit, each with its name; none without an engagement.
fn terms(audit: &Audit) -> Vec<[String; 2]> {
    let Some(EngagementFile { file, sha256, terms, .. }) = &audit.engagement else { return Vec::new() };
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("client", one_line(&terms.client)), row("prepared by", one_line(&terms.preparer))];
    rows.extend(terms.reviewer.iter().map(|reviewer| row("reviewed by", one_line(reviewer))));
    let (from, to) = (spelling::iso_time(terms.period.from), spelling::iso_time(terms.period.to));
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
fn anchors(audit: &Audit) -> Vec<[String; 3]> {
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
fn inputs(audit: &Audit, most: usize) -> Vec<[String; 3]> {
    let is_attestation = |input: &&Input| input.role == Role::Document(Kind::Attestation);
    let others = audit.inputs.iter().filter(|input| !is_attestation(input));
    let all = others.chain(audit.inputs.iter().filter(is_attestation)).take(most);
    let digits = |input: &Input| input.sha256.to_string().trim_start_matches("0x").to_owned();
    all.map(|input| [input.file.clone(), input.role.name().to_owned(), digits(input)]).collect()
}

/// What stands for all inputs.
fn manifest_line(audit: &Audit) -> String {
    let digits = audit.manifest_sha256.to_string();
    let digits = digits.trim_start_matches("0x");
    format!("{}; the manifest that --manifest writes has the SHA-256 {digits}", counted(audit.inputs.len(), "input"))
}

/// Files that took no part, at most so many: the file, and why.
fn ignored(audit: &Audit, most: usize) -> Vec<[String; 2]> {
    let rows = audit.ignored_files.iter().take(most);
    rows.map(|ignored| [ignored.file.clone(), ignored.reason.words().to_owned()]).collect()
}

/// The sample: each file that was drawn, with its SHA-256; and a sentence on how.
fn sample(audit: &Audit) -> Option<(String, Vec<[String; 2]>)> {
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
fn causes(audit: &Audit) -> Vec<[String; 5]> {
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
fn percent(ppm: u64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

/// A duration for people, rounded down.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The serialised name of a value.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
