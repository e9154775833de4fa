//! `surety market`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety::{
    Error, documents, files,
    oracle::{self, Comparison, Previous},
};
use surety_margin::{
    market::{Report, Snapshot, read_observations},
    policy::Policy,
    spelling,
    units::Timestamp,
    universe::Universe,
};
use surety_verifier::ids::{FeedsId, SnapshotId};

use crate::cli::{
    Session,
    inputs::{Force, KeyOptions, PolicyFiles},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Sign what an oracle node observed
    Sign(SignArgs),
    /// Make a snapshot of signed reports
    Aggregate(AggregateArgs),
}

#[derive(clap::Args)]
pub(in crate::cli) struct SignArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// CSV of entry,price,confidence, and perhaps age in seconds, with a line for each market entry; its fields are empty
    /// if the node does not follow it
    #[arg(long, value_name = "FILE")]
    observations: PathBuf,
    /// When the prices were observed [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
    /// The snapshot before this one, for the circuit breaker
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Say that there is no snapshot before this one
    #[arg(long, conflicts_with = "previous")]
    first: bool,
    #[command(flatten)]
    key: KeyOptions,
    /// File for the report
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(clap::Args)]
pub(in crate::cli) struct AggregateArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// A signed report; once for each
    #[arg(long = "report", value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// The snapshot that the reports name as the one before, for the circuit breaker
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// File for the snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

impl Command {
    pub(in crate::cli) fn name(&self) -> &'static str {
        match self {
            Self::Sign(_) => "sign",
            Self::Aggregate(_) => "aggregate",
        }
    }
}

pub(in crate::cli) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Sign(args) => sign(&args, session),
        Command::Aggregate(args) => aggregate(&args),
    }
}

fn sign(args: &SignArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let text = files::read_text(&args.observations)?;
    let observations = read_observations(&args.observations.display().to_string(), &text, &policy)?;
    files::check_target(&args.out, args.force.existing())?;
    if policy.oracle.breaker.is_some() && args.previous.is_none() && !args.first {
        let message = "expected --previous with the snapshot before this one, or --first if there is none, as the policy \
                       has a circuit breaker; found neither";
        return Err(Error::Usage(message.to_owned()));
    }
    let previous = read_previous(args.previous.as_deref(), &policy, &universe)?;
    let key = args.key.load(&session.progress)?;
    let at = args.at.unwrap_or(session.now);
    let comparison = match &previous {
        Some(previous) => Comparison::With(previous),
        None if args.first => Comparison::First,
        None => Comparison::None,
    };
    let report = oracle::sign(&policy, observations, at, comparison, &key)?;
    documents::write(&args.out, &report, args.force.existing())?;
    let data = json!({
        "report": args.out,
        "oracle": report.oracle,
        "epoch": report.epoch,
        "previous": report.previous,
    });
    Answer::new(data, format!("epoch {}, signed by {}: {}", report.epoch, report.oracle, args.out.display()))
}

fn aggregate(args: &AggregateArgs) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let reports: Vec<Report> = args.reports.iter().map(|path| documents::read(path)).collect::<Result<_, _>>()?;
    let previous = read_previous(args.previous.as_deref(), &policy, &universe)?;
    let snapshot = oracle::aggregate(&policy, &reports, previous.as_ref())?;
    let out = args.out.clone().unwrap_or_else(|| args.files.layout().market());
    documents::write(&out, &snapshot, args.force.existing())?;
    let id = SnapshotId::of(FeedsId::of(&policy.market)?, &snapshot);
    let mut text = format!("snapshot {}, epoch {}: {}\n", id.0, snapshot.epoch, out.display());
    for price in &snapshot.prices {
        let mark = if snapshot.marked.contains(&price.entry) { "  marked: moved too far" } else { "" };
        text += &format!("  {:<24} {}{mark}\n", price.entry.as_str(), price.price);
    }
    let data = json!({
        "snapshot": id,
        "epoch": snapshot.epoch,
        "prices": snapshot.prices,
        "marked": snapshot.marked,
        "file": out,
    });
    Answer::new(data, text)
}

fn read_previous(path: Option<&Path>, policy: &Policy, universe: &Universe) -> Result<Option<Previous>, Error> {
    let Some(path) = path else {
        return Ok(None);
    };
    let snapshot: Snapshot = documents::read(path)?;
    Ok(Some(Previous::check(policy, universe, &snapshot)?))
}
