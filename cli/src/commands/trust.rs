//! `surety trust`

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::json;
use surety_core::{
    ident::{EvmAddress, Name},
    kind::{self, Kind},
    spelling,
    text::{Document as _, Format},
    words::counted,
};
use surety_host::{
    documents::{self, DocumentError},
    files::{self, Access, Existing},
};
use surety_margin::market::Report;
use surety_prover::oracle::{self, Previous};
use surety_verifier::{
    CommittedPolicy,
    attestation::{
        eip712::Audience,
        identifiers::{FeedsId, SnapshotId},
        statement::Statement,
        trust::{Newest, Superseded, Trust},
    },
};

use crate::{
    Session,
    commands::verify::committed,
    error::{Error, Usage},
    inputs::{Force, PolicyFiles},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Write a trust file from a policy that you have reviewed, and from reports that you have got from oracle nodes
    New(Box<NewArgs>),
    /// Take in newer statements: attestations over older ones about the same accounts are refused from then on
    Supersede(SupersedeArgs),
}

#[derive(clap::Args)]
pub(crate) struct SupersedeArgs {
    /// Your trust file, which pins the audience, the subject and the sources
    #[arg(value_name = "TRUST")]
    trust: PathBuf,
    /// Signed statements of the sources
    #[arg(required = true, value_name = "STATEMENT")]
    statements: Vec<PathBuf>,
    /// File for the new anchors [default: the trust file is replaced, without its comments]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

/// What a new trust file pins beside the policy.
#[derive(clap::Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// Directory with the reports of oracle nodes, as you have got them from the nodes: pins the snapshot of every
    /// epoch that they tell of, and the first of these epochs
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// Chain of the attestation registry
    #[arg(long, value_name = "ID", requires = "registry")]
    chain_id: Option<u64>,
    /// The attestation registry
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "chain_id")]
    registry: Option<EvmAddress>,
    /// The only subject that counts
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    subject: Option<EvmAddress>,
    /// The only level that counts
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    level: Option<Name>,
    /// Account of which you know no statement yet, so that every one counts; may be repeated
    #[arg(long = "account", value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    accounts: Vec<Name>,
    /// File for the anchors
    #[arg(long, value_name = "FILE", default_value = "trust.toml")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Supersede(_) => "supersede",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::New(args) => new(&args, session),
        Command::Supersede(args) => supersede(&args, session),
    }
}

fn new(args: &NewArgs, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let policy = committed(&args.files, session)?;
    let terms = policy.policy();
    let sources = signers(terms.sources.iter().map(|source| (&source.name, source.signer)));
    let oracles = signers(terms.oracle.nodes.iter().map(|node| (&node.name, node.signer)));
    let mut rests_on = vec![
        "policy, set-up, sources and oracle nodes: the policy and the universe, which you must have reviewed; that the \
         addresses are those of the named parties, ask the parties"
            .to_owned(),
    ];
    let audience = args.chain_id.zip(args.registry).map(|(chain_id, registry)| Audience { chain_id, registry });
    if audience.is_some() || args.subject.is_some() || args.level.is_some() {
        rests_on.push("registry, subject and level: your command line".to_owned());
    }
    let snapshots = args.reports.as_deref().map(|directory| snapshots(directory, &policy, session)).transpose()?;
    if let Some(snapshots) = &snapshots {
        rests_on.push(format!(
            "snapshots and epoch: {} aggregated here from the signed reports that you have got, {} in all; a node that \
             has reported twice in an epoch, or has kept a report from you, leads to another snapshot",
            counted(snapshots.epochs.len(), "snapshot"),
            counted(snapshots.reports, "report")
        ));
    }
    if !args.accounts.is_empty() {
        rests_on.push(
            "sequences: nothing; every statement counts, and an audit tells which numbers were not shown".to_owned(),
        );
    }
    let seen: BTreeMap<Name, Newest> =
        args.accounts.iter().map(|account| (account.clone(), Newest::numbered(0))).collect();
    let sequences = sources.keys().filter(|_| !seen.is_empty()).map(|source| (source.clone(), seen.clone()));
    let trust = Trust {
        policy: Some(policy.id()),
        srs: Some(policy.universe().srs),
        subject: args.subject,
        level: args.level.clone(),
        epoch: snapshots.as_ref().and_then(|snapshots| snapshots.epochs.keys().next().copied()),
        snapshots: snapshots.as_ref().map(|snapshots| snapshots.epochs.values().copied().collect()),
        audience,
        sequences: sequences.collect(),
        sources: Some(sources),
        oracles: Some(oracles),
        ..Trust::nothing()
    };
    let comments: String = rests_on.iter().map(|line| format!("# {line}.\n")).collect();
    write(&args.out, &trust, &comments, args.force.existing())?;
    let mut text = format!("{}: pins policy {}\n", args.out.display(), policy.id().0);
    rests_on.iter().for_each(|line| text += &format!("rests on       {line}\n"));
    let count = snapshots.as_ref().map_or(0, |snapshots| snapshots.epochs.len());
    Answer::new(json!({ "trust": args.out, "policy": policy.id(), "snapshots": count, "rests_on": rests_on }), text)
}

/// Parties by name.
fn signers<'a>(parties: impl Iterator<Item = (&'a Name, EvmAddress)>) -> BTreeMap<Name, EvmAddress> {
    parties.map(|(name, signer)| (name.clone(), signer)).collect()
}

/// The snapshot of every epoch that reports tell of.
struct Snapshots {
    epochs: BTreeMap<u64, SnapshotId>,
    reports: usize,
}

/// Aggregates the reports of a directory, epoch after epoch, as the policy says.
fn snapshots(directory: &Path, policy: &CommittedPolicy, session: &Session) -> Result<Snapshots, Error> {
    let mut epochs: BTreeMap<u64, Vec<Report>> = BTreeMap::new();
    let mut reports = 0;
    for path in files::under(directory, |_, _| true)? {
        let Some(format) = Format::of_name(&path.to_string_lossy()) else { continue };
        let is_report = kind::recognise(&files::read_text(&path)?, format).ok().and_then(|header| header.known_kind());
        if is_report == Some(Kind::Report) {
            let report: Report = documents::read(&path)?;
            let of_epoch = epochs.entry(report.epoch).or_default();
            // The same report from two mirrors.
            if !of_epoch.contains(&report) {
                of_epoch.push(report);
                reports += 1;
            }
        }
    }
    if reports == 0 {
        let expected = format!("--reports: expected reports of oracle nodes in {}, found none", directory.display());
        return Err(Usage(expected).into());
    }
    let (terms, universe) = (policy.policy(), policy.universe());
    let feeds = FeedsId::of(&terms.market)?;
    let mut known: Vec<Previous> = Vec::new();
    let mut ids = BTreeMap::new();
    for (epoch, reports) in epochs {
        let named = reports.first().map(|report| report.previous);
        let previous = known.iter().rev().find(|previous| Some(previous.id().0) == named);
        let snapshot = oracle::aggregate(terms, universe, &reports, previous, session.now)?;
        ids.insert(epoch, SnapshotId::of(feeds, &snapshot));
        if terms.oracle.breaker.is_some() {
            known.push(Previous::check(terms, universe, &snapshot)?);
        }
    }
    Ok(Snapshots { epochs: ids, reports })
}

fn supersede(args: &SupersedeArgs, session: &Session) -> Result<Answer, Error> {
    let _lock = files::lock(&args.trust)?;
    let mut trust: Trust = documents::read(&args.trust)?;
    let mut taken = Vec::new();
    for path in &args.statements {
        let statement: Statement = documents::read(path)?;
        taken.push(trust.supersede(&statement, session.now)?);
    }
    let (out, existing) = args.force.target(args.out.as_deref(), &args.trust);
    write(out, &trust, "", existing)?;
    let text: Vec<_> = taken.iter().map(line).collect();
    Answer::new(json!({ "trust": out, "superseded": taken }), text.join("\n"))
}

fn line(Superseded { source, account, before, newest }: &Superseded) -> String {
    let before = before.map_or_else(|| "none".to_owned(), |Newest { sequence, .. }| sequence.to_string());
    format!("{account} of {source}: statement {}, before {before}", newest.sequence)
}

/// Writes anchors in the format of the file's name. Only TOML has comments.
fn write(path: &Path, trust: &Trust, comments: &str, existing: Existing) -> Result<(), Error> {
    if Format::of_name(&path.display().to_string()) != Some(Format::Toml) {
        return Ok(documents::write(path, trust, existing)?);
    }
    let text = format!("{comments}{}", trust.to_toml().map_err(DocumentError::from)?);
    Ok(files::write(path, text.as_bytes(), Access::Public, existing)?)
}
