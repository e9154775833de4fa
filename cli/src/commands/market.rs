//! `surety market`

use core::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;
use surety_core::{
    ident::Name,
    spelling,
    units::{Ppm, Price, Timestamp},
};
use surety_host::{documents, files};
use surety_import::observations::read_observations;
use surety_margin::{
    market::{Report, Snapshot},
    oracle::{Moved, late_problem},
    policy::Policy,
    universe::Universe,
};
use surety_prover::oracle::{self, Clock, Comparison, Previous};
use surety_verifier::attestation::identifiers::{FeedsId, SnapshotId};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, KeyOptions, PolicyFiles, TableOptions},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Sign an oracle node's observed prices
    Sign(SignArgs),
    /// Aggregate signed reports into a snapshot
    Aggregate(AggregateArgs),
}

#[derive(clap::Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// Table of entry, price, confidence and optionally age in seconds, with a row for each market entry; fields of an
    /// entry that the node does not follow are empty. Numbers with a decimal mark are in quote units
    #[arg(long, value_name = "FILE")]
    observations: PathBuf,
    #[command(flatten)]
    table: TableOptions,
    /// Time of the observation [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
    /// The previous snapshot, for the circuit breaker
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Declare that there is no previous snapshot
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
pub(crate) struct AggregateArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// Signed reports
    #[arg(long = "report", value_name = "FILE", required = true)]
    reports: Vec<PathBuf>,
    /// The previous snapshot that the reports name, for the circuit breaker
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// File for the snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sign(_) => "sign",
            Self::Aggregate(_) => "aggregate",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Sign(args) => sign(&args, session),
        Command::Aggregate(args) => aggregate(&args, session),
    }
}

fn sign(args: &SignArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let text = files::read_text(&args.observations)?;
    let (file, mut notes) = (args.observations.display().to_string(), Vec::new());
    let observations = read_observations(&file, &text, &policy, &args.table.dialect(), &mut notes)?;
    session.progress.notes(&notes);
    files::check_target(&args.out, args.force.existing())?;
    if policy.oracle.breaker.is_some() && args.previous.is_none() && !args.first {
        let message = "expected --previous with the snapshot before this one, or --first if there is none, as the \
             policy \
                       has a circuit breaker; found neither";
        return Err(Error::from(Usage(message.to_owned())));
    }
    let previous = read_previous(args.previous.as_deref(), &policy, &universe)?;
    let key = args.key.load(&session.progress)?;
    let at = args.at.unwrap_or(session.now);
    let comparison = match &previous {
        Some(previous) => Comparison::With(previous),
        None if args.first => Comparison::First,
        None => Comparison::None,
    };
    let moved = comparison.moved(&policy, &observations).into_iter().map(Jump::from).collect::<Vec<_>>();
    let clock = Clock { observed_at: at, now: session.now };
    let report = oracle::sign(&policy, &universe, observations, clock, comparison, &*key)
        .map_err(|error| error.of_input(oracle::OBSERVATIONS, &file))?;
    let late = late_problem(&policy, at, session.now).map(|problem| problem.to_string());
    late.iter().for_each(|late| session.progress.warn(late));
    moved.iter().for_each(|jump| session.progress.warn(&jump.to_string()));
    documents::write(&args.out, &report, args.force.existing())?;
    let data = json!({
        "report": args.out,
        "oracle": report.oracle,
        "epoch": report.epoch,
        "previous": report.previous,
        "moved": moved,
        "notes": notes,
    });
    Answer::new(data, format!("epoch {}, signed by {}: {}", report.epoch, report.oracle, args.out.display()))
}

/// A price that has moved further from the previous one than the policy's circuit breaker allows.
#[derive(Serialize)]
struct Jump {
    entry: Name,
    previous: Price,
    price: Price,
    max_deviation: Ppm,
}

impl From<Moved<'_>> for Jump {
    fn from(Moved { entry, before, now, allowed }: Moved<'_>) -> Self {
        Self { entry: entry.name.clone(), previous: before, price: now, max_deviation: allowed }
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entry, previous, price, max_deviation } = self;
        write!(
            f,
            "{entry}: {price} is more than {max_deviation} away from {previous}, the price of the previous snapshot; "
        )?;
        f.write_str("signed all the same: look twice")
    }
}

fn aggregate(args: &AggregateArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let reports: Vec<Report> = args.reports.iter().map(|path| documents::read(path)).collect::<Result<_, _>>()?;
    let previous = read_previous(args.previous.as_deref(), &policy, &universe)?;
    let snapshot = oracle::aggregate(&policy, &universe, &reports, previous.as_ref(), session.now)?;
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
