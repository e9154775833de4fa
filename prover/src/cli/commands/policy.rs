//! `surety policy`

use std::path::PathBuf;

use serde_json::{Value, json};
use surety::{Error, documents, files, resources::Estimate};
use surety_kzg::SrsId;
use surety_margin::compile::{CompileError, compile};
use surety_verifier::compiled::{CompiledError, CompiledPolicy, CompiledPolicyFile};

use crate::cli::{
    Session,
    commands::calibrate,
    inputs::{Force, PolicyFiles, setups},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Compile a policy and commit to its programs; its identifier covers both
    Compile(CompileArgs),
    /// Show what a policy's programs need, without a set-up
    Inspect(InspectArgs),
    /// Make new parameters of a policy from price history
    Calibrate(calibrate::CalibrateArgs),
    /// Walk through price history and count the losses that margins would not have covered
    Backtest(calibrate::BacktestArgs),
}

#[derive(clap::Args)]
pub(in crate::cli) struct CompileArgs {
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

#[derive(clap::Args)]
pub(in crate::cli) struct InspectArgs {
    #[command(flatten)]
    files: PolicyFiles,
}

impl Command {
    pub(in crate::cli) fn name(&self) -> &'static str {
        match self {
            Self::Compile(_) => "compile",
            Self::Inspect(_) => "inspect",
            Self::Calibrate(_) => "calibrate",
            Self::Backtest(_) => "backtest",
        }
    }
}

pub(in crate::cli) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Compile(args) => compile_policy(&args, session),
        Command::Inspect(args) => inspect(&args),
        Command::Calibrate(args) => calibrate::calibrate(&args, session),
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
    let compiled = CompiledPolicy::compile(policy, universe, &params)?;
    let (id, file) = (compiled.committed().id(), compiled.committed().file());
    let data = json!({ "policy": compiled.committed().policy().name, "id": id, "universe": compiled.committed().universe_id() });
    match published {
        Some(published) if published == file => Answer::new(data, format!("the same: {}", id.0)),
        Some(published) => Err(CompiledError::Mismatch {
            input: "published commitments",
            expected: format!("those of policy {}", id.0),
            found: if published.policy == id {
                "other points".into()
            } else {
                format!("policy {}", published.policy.0)
            },
        }
        .into()),
        None => {
            documents::write(&out, &file, args.force.existing())?;
            Answer::new(data, format!("policy  {}\nwritten {}", id.0, out.display()))
        }
    }
}

fn inspect(args: &InspectArgs) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let programs = compile(&policy, &universe).map_err(|error: CompileError| CompiledError::from(error))?;
    let (capacity, estimate) = (universe.capacity, Estimate::of(universe.capacity));
    let mut text = format!("policy    {}\nuniverse  {}, k = {}\n", policy.name, universe.name, capacity.k());
    let mut levels: Vec<Value> = Vec::new();
    for (level, program) in policy.levels.iter().zip(&programs) {
        let (rows, variables) = (program.table().len(), program.variables());
        text += &format!(
            "level     {}: {rows} of {} rows, {variables} of {} variables\n",
            level.name,
            capacity.program_rows(),
            capacity.variables(),
        );
        levels.push(
            json!({ "name": level.name, "rows": rows, "variables": variables, "equations": program.equations() }),
        );
    }
    for source in &policy.sources {
        let accounts: Vec<_> = source.accounts.iter().map(ToString::to_string).collect();
        text += &format!("source    {} {}: {}\n", source.name, source.signer, accounts.join(", "));
    }
    for node in &policy.oracle.nodes {
        text += &format!("oracle    {} {}\n", node.name, node.signer);
    }
    for entry in &policy.market {
        text += &format!(
            "price     {} from {} to {}, {} decimals\n",
            entry.name,
            entry.min,
            entry.max,
            entry.decimals.get()
        );
    }
    let warnings: Vec<_> = policy.warnings().iter().map(ToString::to_string).collect();
    text.extend(warnings.iter().map(|warning| format!("warning   {warning}\n")));
    let data = json!({
        "policy": policy.name,
        "warnings": warnings,
        "k": capacity.k(),
        "rows": capacity.program_rows(),
        "variables": capacity.variables(),
        "levels": levels,
        "sources": policy.sources,
        "oracle": policy.oracle,
        "market": policy.market,
        "estimate": estimate,
    });
    Answer::new(data, text)
}
