//! `surety prove`

use std::path::PathBuf;

use serde_json::json;
use surety_core::{
    ident::{EvmAddress, Name},
    spelling,
    units::Timestamp,
};
use surety_host::{directories::Directories, documents, files, memory::available_memory, setup::Setups};
use surety_kzg::{Origin, SrsId};
use surety_margin::{compile::compile, market::Snapshot, policy::Policy, universe::Universe};
use surety_prover::{
    prove::{ProofRequest, ProveError, Prover},
    resources::Estimate,
};
use surety_verifier::attestation::{
    compiled::{CompiledError, CompiledPolicy},
    vault::VaultBalances,
};

use crate::{
    Session,
    error::Error,
    inputs::{Force, PolicyFiles, origin_name, warn_of_set_up},
    output::Answer,
    time,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// The market snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Accept an unsigned snapshot that a contract took from feeds, read with surety chain market
    #[arg(long)]
    on_chain: bool,
    /// Vault balances that the policy draws on, read with surety chain vault
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
    /// The level of the policy
    #[arg(long, default_value = "maintenance", value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    level: Name,
    /// Address of the contract that will verify the proof, if any
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    verifier: Option<EvmAddress>,
    /// Last second at which the attestation counts [default: the latest that the policy allows]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    valid_until: Option<Timestamp>,
    /// File for the attestation [default: attestation.json in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Report the resources that a proof needs, without reading the account
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    force: Force,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    if args.dry_run {
        return dry_run(&args.level, &policy, &universe);
    }
    let layout = args.files.layout();
    let out = args.out.clone().unwrap_or_else(|| layout.attestation());
    files::check_target(&out, args.force.existing())?;
    let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&layout.market()))?;
    let vault: Option<VaultBalances> = args.vault.as_deref().map(documents::read).transpose()?;
    let (statements, openings) = (layout.read_statements()?, layout.read_openings()?);

    let directories = Directories::of_user()?;
    let srs = SrsId::from(universe.srs);
    let params = Setups::new(&directories).params(srs, universe.capacity, &session.progress)?;
    let origin = params.verifier_key().origin();
    warn_of_set_up(origin, srs, &session.progress);
    let policy = CompiledPolicy::compile(policy, universe, &params)?;
    let request = ProofRequest {
        policy: &policy,
        snapshot: &snapshot,
        on_chain: args.on_chain,
        vault: vault.as_ref(),
        statements: &statements,
        level: &args.level,
        verifier: args.verifier.unwrap_or(EvmAddress::ZERO),
        valid_until: args.valid_until,
        now: session.now,
    };
    let attestation = Prover::new(params)?.prove(&request, &openings)?;
    documents::write(&out, &attestation, args.force.existing())?;
    let claim = &attestation.claim;
    let data = json!({
        "attestation": out,
        "policy": claim.policy,
        "level": claim.level,
        "subject": claim.subject,
        "epoch": claim.epoch,
        "valid_until": claim.valid_until,
        "srs": { "id": claim.srs, "origin": origin_name(origin), "insecure": origin == Origin::InsecureDevelopment },
    });
    let until = time::format(claim.valid_until);
    Answer::new(data, format!("{}: proven, valid until {until}: {}", claim.level, out.display()))
}

/// Resources, which follow from the policy and the universe alone.
fn dry_run(level: &Name, policy: &Policy, universe: &Universe) -> Result<Answer, Error> {
    let index = policy.levels.iter().position(|candidate| candidate.name == *level);
    let programs = compile(policy, universe).map_err(CompiledError::from)?;
    let program = index.and_then(|index| programs.get(index)).ok_or_else(|| ProveError::no_level(policy, level))?;
    let (capacity, estimate) = (universe.capacity, Estimate::of(universe.capacity));
    let (rows, variables) = (program.table().len(), program.variables());
    let (max_rows, max_variables) = (capacity.program_rows(), capacity.variables());
    let data = json!({
        "level": level,
        "k": capacity.k(),
        "rows": { "used": rows, "available": max_rows },
        "variables": { "used": variables, "available": max_variables },
        "memory_bytes": estimate.memory_bytes,
        "memory_available_bytes": available_memory(),
        "milliseconds": estimate.milliseconds,
    });
    let text = format!(
        "k          {}\nrows       {rows} of {max_rows}\nvariables  {variables} of {max_variables}\n\
         memory     {} MiB\ntime       {} ms on two cores, with the bases cached\n",
        capacity.k(),
        estimate.memory_bytes >> 20,
        estimate.milliseconds,
    );
    Answer::new(data, text)
}
