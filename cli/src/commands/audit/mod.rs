//! `surety audit`

mod follow;
mod pdf;
mod sealing;

use std::path::PathBuf;

use surety_audit::{
    audit::{
        self, AnchorFile, AuditRequest, EngagementFile, ReadVault, books::BookAnchors, input, sample::SampleTerms,
    },
    report,
};
use surety_chain::Node;
use surety_core::{
    ident::{Bytes32, EvmAddress},
    spelling,
    units::Timestamp,
};
use surety_host::files::{self, Access, Existing};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::setups,
    output::Answer,
    pdf::Paper,
};

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
    Sign(sealing::SignArgs),
    /// Write the request for a time stamp of a report, for an authority (RFC 3161)
    Stamp(sealing::StampArgs),
    /// Check the signature and the time stamp of a report
    Check(sealing::CheckArgs),
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
        Some(Command::Sign(args)) => sealing::sign(args, session),
        Some(Command::Stamp(args)) => sealing::stamp(args),
        Some(Command::Check(args)) => sealing::check(args),
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
        files::write(path, report::html(&audit)?.as_bytes(), Access::Public, Existing::Replace)?;
    }
    if let Some(path) = &args.pdf {
        files::write(path, &pdf::bytes(&audit, args.paper), Access::Public, Existing::Replace)?;
    }
    if let Some(path) = &args.manifest {
        files::write(path, &input::manifest(&audit.inputs), Access::Public, Existing::Replace)?;
    }
    let text = if args.csv { report::csv(&audit)? } else { report::text(&audit, session.screen) };
    let answer = Answer::new(&audit, text)?;
    Ok(match audit.verdict(args.fail_on_findings) {
        Ok(()) => answer,
        Err(error) => answer.failing(&error),
    })
}
