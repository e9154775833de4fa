//! `surety policy`

mod describe;
mod inspect;
mod words;

use std::path::PathBuf;

use serde_json::json;
use surety_core::problem::Problem;
use surety_host::{documents, files};
use surety_kzg::SrsId;
use surety_verifier::attestation::compiled::{CompiledError, CompiledPolicy, CompiledPolicyFile};

use crate::{
    Session,
    commands::{calibrate, entries, forecast, propose},
    error::Error,
    inputs::{Force, PolicyFiles, setups},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Compile a policy, commit to its programs, and show the identifier, which covers both
    Compile(CompileArgs),
    /// Show every parameter of a policy in words, its price boxes beside the last observed prices, and the resources of
    /// its programs; needs no set-up
    Inspect(inspect::Args),
    /// Derive new parameters of a policy from price history
    Calibrate(calibrate::CalibrateArgs),
    /// Forecast the volatility, the value at risk and the expected shortfall of every day of a price history, each from
    /// the days before, and of the next day
    Forecast(forecast::Args),
    /// Write the next numbers of parameters that are market entries, for oracle nodes to sign
    Entries(entries::Args),
    /// Write a proposal of a new version of a published policy, with the calls that publish it
    Propose(propose::Args),
    /// Backtest: count the losses in price history that margins would not have covered
    Backtest(calibrate::BacktestArgs),
}

#[derive(clap::Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    files: PolicyFiles,
    /// File for the commitments [default: policy.compiled.json in DIR]
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    out: Option<PathBuf>,
    /// Compare with published commitments instead of writing them
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Compile(_) => "compile",
            Self::Inspect(_) => "inspect",
            Self::Calibrate(_) => "calibrate",
            Self::Forecast(_) => "forecast",
            Self::Entries(_) => "entries",
            Self::Propose(_) => "propose",
            Self::Backtest(_) => "backtest",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Compile(args) => compile_policy(&args, session),
        Command::Inspect(args) => inspect::run(&args),
        Command::Calibrate(args) => calibrate::calibrate(&args, session),
        Command::Forecast(args) => forecast::run(&args, session),
        Command::Entries(args) => entries::run(&args, session),
        Command::Propose(args) => propose::run(&args, session),
        Command::Backtest(args) => calibrate::backtest(&args, session),
    }
}

fn compile_policy(args: &CompileArgs, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let out = args.out.clone().unwrap_or_else(|| args.files.layout().compiled());
    let published: Option<CompiledPolicyFile> = args.check.as_deref().map(documents::read).transpose()?;
    if published.is_none() {
        files::check_target(&out, args.force.existing())?;
    }
    let params = setups()?.params(SrsId::from(universe.srs), universe.capacity, &session.progress)?;
    let warnings: Vec<_> = policy.warnings(&universe).iter().map(ToString::to_string).collect();
    warnings.iter().for_each(|warning| session.progress.warn(warning));
    let compiled = CompiledPolicy::compile(policy, universe, &params)?;
    let (id, file) = (compiled.committed().id(), compiled.committed().file());
    let data = json!({
        "policy": compiled.committed().policy().name,
        "id": id,
        "universe": compiled.committed().universe_id(),
        "warnings": warnings,
    });
    match published {
        Some(published) if published == file => Answer::new(data, format!("the same: {}", id.0)),
        Some(published) => Err(CompiledError::Mismatch(Problem {
            path: "published commitments".to_owned(),
            expected: format!("those of policy {}", id.0),
            found: if published.policy == id {
                "other points".into()
            } else {
                format!("policy {}", published.policy.0)
            },
            advice: None,
        })
        .into()),
        None => {
            documents::write(&out, &file, args.force.existing())?;
            Answer::new(data, format!("policy  {}\nwritten {}", id.0, out.display()))
        }
    }
}
