//! `surety market`

use std::path::PathBuf;

use serde_json::json;
use surety::{Error, documents, files, oracle};
use surety_margin::{market::Report, units::Timestamp};
use surety_verifier::ids::{FeedsId, SnapshotId};

use crate::cli::{
    Session,
    inputs::{Force, KeyOptions, PolicyFiles},
    output::Answer,
    time,
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
    /// CSV of entry,price,confidence with a line for each market entry
    #[arg(long, value_name = "FILE")]
    observations: PathBuf,
    /// When the prices were observed [default: now]
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    at: Option<Timestamp>,
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
    let policy = args.files.read_policy(&args.files.read_universe()?)?;
    let text = files::read_text(&args.observations)?;
    let observations = oracle::read_observations(&args.observations.display().to_string(), &text, &policy)?;
    files::check_target(&args.out, args.force.existing())?;
    let key = args.key.load(&session.progress)?;
    let report = oracle::sign(&policy, observations, args.at.unwrap_or(session.now), &key)?;
    documents::write(&args.out, &report, args.force.existing())?;
    let data = json!({ "report": args.out, "oracle": report.oracle, "epoch": report.epoch });
    Answer::new(data, format!("epoch {}, signed by {}: {}", report.epoch, report.oracle, args.out.display()))
}

fn aggregate(args: &AggregateArgs) -> Result<Answer, Error> {
    let policy = args.files.read_policy(&args.files.read_universe()?)?;
    let reports: Vec<Report> = args.reports.iter().map(|path| documents::read(path)).collect::<Result<_, _>>()?;
    let snapshot = oracle::aggregate(&policy, &reports)?;
    let out = args.out.clone().unwrap_or_else(|| args.files.layout().market());
    documents::write(&out, &snapshot, args.force.existing())?;
    let id = SnapshotId::of(FeedsId::of(&policy.market)?, &snapshot);
    let mut text = format!("snapshot {}, epoch {}: {}\n", id.0, snapshot.epoch, out.display());
    for price in &snapshot.prices {
        text += &format!("  {:<24} {}\n", price.entry.as_str(), price.price);
    }
    Answer::new(json!({ "snapshot": id, "epoch": snapshot.epoch, "prices": snapshot.prices, "file": out }), text)
}
