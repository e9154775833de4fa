//! `surety policy propose`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_chain::{
    Contracts, Deployment, Node,
    proposal::{self, PolicyChange, Proposal},
    rules::ChainRules,
};
use surety_core::{spelling, text::Document as _, units::Seconds};
use surety_host::{
    documents::{self, DocumentError},
    files::{self, DOCUMENT_LIMIT, Existing},
};
use surety_kzg::SrsId;
use surety_verifier::attestation::compiled::CompiledPolicy;

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{PolicyFiles, setups},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy in force
    #[command(flatten)]
    files: PolicyFiles,
    /// The proposed policy, such as that of surety policy calibrate
    #[arg(long, value_name = "FILE")]
    proposed: PathBuf,
    /// Report that the proposal rests on, such as calibration.md; may be repeated
    #[arg(long = "report", value_name = "FILE")]
    reports: Vec<PathBuf>,
    /// Chain rules of the proposed policy: line, version, grace, feeds
    #[arg(long, value_name = "FILE")]
    rules: PathBuf,
    /// Deployment file, written by surety chain deploy
    #[arg(long, value_name = "FILE")]
    deployment: PathBuf,
    #[command(flatten)]
    registry: Registry,
    /// New directory for the proposal
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What the policy registry says, asked or stated.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Registry {
    /// URL of a JSON-RPC node, which is asked for the delay and the version in force
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// Delay of the policy registry, if no node is asked: 24h, 7d, or seconds
    #[arg(long, value_name = "DURATION", value_parser = spelling::duration)]
    delay: Option<Seconds>,
}

/// Names of files in a proposal's directory.
const POLICY: &str = "policy.toml";
const PROPOSAL: &str = "proposal.json";

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, Existing::Keep)?;
    let universe = args.files.read_universe()?;
    let in_force = args.files.read_policy(&universe)?;
    let proposed = documents::read_policy(&args.proposed, &universe)?;
    let rules: ChainRules = documents::read(&args.rules)?;
    let deployment: Deployment = documents::read(&args.deployment)?;
    let reports = args.reports.iter().map(|path| read_report(path)).collect::<Result<Vec<_>, _>>()?;
    refuse_repeated(&reports)?;
    let text = proposed.to_toml().map_err(DocumentError::from)?;
    let params = setups()?.params(SrsId::from(universe.srs), universe.capacity, &session.progress)?;
    let in_force = CompiledPolicy::compile(in_force, universe.clone(), &params)?;
    let proposed = CompiledPolicy::compile(proposed, universe, &params)?;
    let delay = match (&args.registry.rpc, args.registry.delay) {
        (Some(url), _) => {
            let contracts = Contracts::check(Node::connect(url)?, deployment.clone())?;
            let line = contracts.line(&rules.line)?;
            line.check(in_force.committed(), &rules)?;
            line.delay
        }
        (None, delay) => delay.unwrap_or_default(),
    };
    let proposal = proposal::propose(in_force.committed(), proposed.committed(), &rules, &deployment, delay, &reports)?;
    let json = proposal.to_json().map_err(DocumentError::from)?;
    let mut contents = vec![(POLICY.to_owned(), text.into_bytes()), (PROPOSAL.to_owned(), json.into_bytes())];
    contents.extend(reports);
    files::write_directory(&args.out, &contents)?;
    let mut data = json!(proposal);
    data["directory"] = json!(args.out);
    Answer::new(data, words(&proposal, &args.out))
}

/// The name and the content of a report.
fn read_report(path: &Path) -> Result<(String, Vec<u8>), Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, files::read(path, DOCUMENT_LIMIT)?.to_vec()))
}

fn refuse_repeated(reports: &[(String, Vec<u8>)]) -> Result<(), Error> {
    let names: Vec<_> = [POLICY, PROPOSAL].into_iter().chain(reports.iter().map(|(name, _)| name.as_str())).collect();
    let repeated = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
    match repeated {
        Some((_, name)) => {
            let usage =
                format!("--report: expected files whose names are no other file's of the proposal, found {name}");
            Err(Usage(usage).into())
        }
        None => Ok(()),
    }
}

fn words(proposal: &Proposal, out: &Path) -> String {
    let Proposal { in_force, proposed, line, policy_version, delay, .. } = proposal;
    let mut text = format!(
        "in force    {}\nproposed    {}\nline        {line}, version {policy_version}\n",
        in_force.0, proposed.0
    );
    for report in &proposal.reports {
        text += &format!("report      {}, keccak256 {}\n", report.file, report.keccak256);
    }
    for PolicyChange { parameter, old, new, direction } in &proposal.changes {
        let [old, new] = [old, new].map(|value| value.as_deref().unwrap_or("none"));
        text += &format!("{:<11} {parameter}: {old} -> {new}\n", direction.word());
    }
    if proposal.fast_path.suffices {
        let entries = proposal.fast_path.entries.iter();
        let entries: Vec<_> =
            entries.map(|it| format!("{} at {} or tighter, snapshots {}", it.entry, it.number, it.snapshots)).collect();
        text += &format!("fast path   suffices: oracle nodes sign {}\n", entries.join("; "));
    } else {
        text += "fast path   does not suffice: this takes a new version\n";
    }
    for (i, call) in proposal.calls.iter().enumerate() {
        text += &format!("call {:<6} {} at {}: {}\n", i + 1, call.contract, call.to, call.function);
        for argument in &call.arguments {
            text += &format!("            {} = {}\n", argument.name, argument.value);
        }
        text += &format!("            data {}\n", call.data);
    }
    text += &format!("delay       {} seconds from the call until the version counts\n", delay.0);
    text + &format!("written     {}", out.display())
}
