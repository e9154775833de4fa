//! `surety audit`

mod charts;
mod csv;
mod html;
mod rows;
mod table;

pub(crate) use html::page;

use std::path::PathBuf;

use surety_audit::audit::{
    self, AnchorFile, Audit, AuditRequest, ReadVault,
    books::{BookAnchors, BookEntry, EstablishedBook},
    kept::Kept,
};
use surety_chain::Node;
use surety_core::{
    ident::{Bytes32, EvmAddress},
    spelling,
    units::Timestamp,
    words::counted,
};
use surety_host::files::{self, Access, Existing};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::setups,
    output::Answer,
    screen::Screen,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory with attestations and the universes, policies and market snapshots that they refer to; or an archive,
    /// whose chain is checked first
    #[arg(value_name = "DIR|ARCHIVE")]
    place: PathBuf,
    /// Head of the archive noted earlier: the archive must still begin with the entries up to this head
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    head: Option<Bytes32>,
    /// Your trust anchors: written by you, never taken from a prover; one file for each policy
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// Balances that you have read with surety chain vault, of a vault that attestations draw on; once for each
    #[arg(long, value_name = "FILE")]
    vault: Vec<PathBuf>,
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
    /// Refuse whatever would have to be taken on faith
    #[arg(long)]
    strict: bool,
    /// Accept a set-up whose secret is public, for tests only: such a proof proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
    /// Audit as of this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
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
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let trust = args.trust.iter().map(|path| AnchorFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let vaults = args.vault.iter().map(|path| ReadVault::read(path)).collect::<Result<Vec<_>, _>>()?;
    if let Some(path) = &args.html {
        files::check_target(path, Existing::Replace)?;
    }
    if args.books_since.is_some() && args.place.is_file() {
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
        directory: &args.place,
        trust: &trust,
        vaults: &vaults,
        books,
        strict: args.strict,
        allow_insecure_srs: args.allow_insecure_srs,
        at: args.at.unwrap_or(session.now),
        history: args.history,
        one_by_one: args.one_by_one,
    };
    let audit = if args.place.is_file() {
        audit::kept::run(&request, args.head, &setups()?, &session.progress)?
    } else if args.head.is_some() {
        return Err(Error::from(Usage(format!(
            "--head: expected an archive, found {}, which is none",
            args.place.display()
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

/// The files of the auditor's anchors, each with its hash and the policy that it pins.
fn anchors(audit: &Audit) -> Vec<[String; 3]> {
    let pinned =
        |anchors: &AnchorFile| anchors.policy.map_or("no policy in particular".to_owned(), |id| id.0.to_string());
    let row = |anchors: &AnchorFile| [anchors.file.clone(), anchors.sha256.to_string(), pinned(anchors)];
    audit.trust.iter().map(row).collect()
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
