//! `surety prove`

use std::{panic::resume_unwind, path::PathBuf, thread};

use serde_json::json;
use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    spelling,
    units::{Ppm, Timestamp},
};
use surety_host::{directories::Directories, documents, files, memory::available_memory, setup::Setups};
use surety_kzg::{Observer, Origin, Params, SrsId};
use surety_margin::{
    compile::compile,
    level::{Claimed, Level},
    market::Snapshot,
    policy::Policy,
    universe::Universe,
};
use surety_prover::{
    prove::{ProofRequest, ProveError, Prover},
    resources::Estimate,
    snapshots::ProvenSnapshots,
};
use surety_verifier::attestation::{
    compiled::{CompiledError, CompiledPolicy},
    identifiers::SnapshotId,
    report::snapshot_id,
    trust::Trust,
    vault::VaultBalances,
};

use crate::{
    Session,
    error::{Error, Unpublished, Usage},
    inputs::{Force, PolicyFiles, origin_name, warn_of_set_up},
    output::Answer,
    progress::Progress,
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
    /// Prove that the account does not satisfy the level: its margin is negative
    #[arg(long, conflicts_with_all = ["at_least", "below"])]
    shortfall: bool,
    /// Prove that the account covers this multiple of the requirement, and not the one of --below
    #[arg(long, value_name = "MULTIPLE", value_parser = spelling::multiple, requires = "below")]
    at_least: Option<Ppm>,
    /// Prove that the account does not cover this multiple of the requirement
    #[arg(long, value_name = "MULTIPLE", value_parser = spelling::multiple)]
    below: Option<Ppm>,
    /// Address of the contract that will verify the proof, if any
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address)]
    verifier: Option<EvmAddress>,
    /// Last second at which the attestation counts [default: the latest that the policy allows]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    valid_until: Option<Timestamp>,
    /// Make the attestation for one verifier: its challenge, or its contract's address [default: for anybody]
    #[arg(long, value_name = "HEX32|ADDRESS", value_parser = spelling::presentation)]
    presentation: Option<Bytes32>,
    /// Your own trust file, which pins the published snapshots
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Prove over a snapshot that you do not know to be published: whoever chose its prices may learn something of the
    /// holdings
    #[arg(long)]
    unpublished_snapshot: bool,
    /// File for the attestation [default: attestation.json in DIR]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Report the resources that a proof needs, without reading the account
    #[arg(long)]
    dry_run: bool,
    /// The prover, whose proofs nobody can tell apart: for comparison
    #[arg(long, value_enum, default_value = "own", hide = true)]
    prover: Engine,
    #[command(flatten)]
    force: Force,
}

/// Which prover makes the proof.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    Own,
    Halo2,
}

impl Engine {
    /// The prover of a capacity class.
    fn load(self, params: Params, setups: &Setups, observer: &dyn Observer) -> Result<Prover, ProveError> {
        match self {
            Self::Own => {
                let table = setups.table(&params, observer);
                Prover::with_table(params, table)
            }
            Self::Halo2 => Prover::with_halo2(params),
        }
    }
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let level = &args.claimed(&policy)?;
    if args.dry_run {
        return dry_run(level, &policy, &universe);
    }
    let layout = args.files.layout();
    let out = args.out.clone().unwrap_or_else(|| layout.attestation());
    files::check_target(&out, args.force.existing())?;
    let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&layout.market()))?;
    let vault: Option<VaultBalances> = args.vault.as_deref().map(documents::read).transpose()?;
    let (statements, openings) = (layout.read_statements()?, layout.read_openings()?);

    let directories = Directories::of_user()?;
    let srs = SrsId::from(universe.srs);
    let setups = Setups::new(&directories);
    let params = setups.params(srs, universe.capacity, &session.progress)?;
    let origin = params.verifier_key().origin();
    warn_of_set_up(origin, srs, &session.progress);
    // The prover's key does not depend on the policy.
    let (policy, prover) = thread::scope(|scope| {
        let prover = scope.spawn(|| args.prover.load(params.clone(), &setups, &session.progress));
        let policy = CompiledPolicy::compile_for(level, policy, universe, &params);
        (policy, prover.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    drop(params);
    let policy = policy?;
    let id = snapshot_id(policy.committed(), &snapshot);
    check_published(args, id, &session.progress)?;
    let proven = ProvenSnapshots::open(&directories.state)?;
    proven.check(policy.committed().id(), snapshot.epoch, id)?;
    let request = ProofRequest {
        policy: &policy,
        snapshot: &snapshot,
        on_chain: args.on_chain,
        vault: vault.as_ref(),
        statements: &statements,
        level,
        verifier: args.verifier.unwrap_or(EvmAddress::ZERO),
        valid_until: args.valid_until,
        presentation: args.presentation.unwrap_or(Bytes32::ZERO),
        now: session.now,
    };
    let prover = prover?;
    let attestation = prover.prove(&request, &openings)?;
    proven.count(attestation.claim.policy, snapshot.epoch, id)?;
    documents::write(&out, &attestation, args.force.existing())?;
    let claim = &attestation.claim;
    let claimed = policy.committed().policy().level(level).map(|level| level.claim).unwrap_or_default();
    let data = json!({
        "attestation": out,
        "policy": claim.policy,
        "level": claim.level,
        "claim": claimed,
        "subject": claim.subject,
        "epoch": claim.epoch,
        "valid_until": claim.valid_until,
        "presentation": args.presentation,
        "srs": { "id": claim.srs, "origin": origin_name(origin), "insecure": origin == Origin::InsecureDevelopment },
    });
    let until = spelling::iso_time(claim.valid_until);
    let proven = match claimed {
        Claimed::Sufficient => "proven",
        Claimed::Shortfall => "proven that the account does not satisfy it",
    };
    Answer::new(data, format!("{}: {proven}, valid until {until}: {}", claim.level, out.display()))
}

impl Args {
    /// The level of the policy that claims what is to be proven.
    fn claimed(&self, policy: &Policy) -> Result<Name, Error> {
        let Some(level) = policy.level(&self.level) else {
            return Err(ProveError::no_level(policy, &self.level).into());
        };
        let multiple = self.at_least.unwrap_or(level.multiple);
        let (wanted, entry) = match (self.shortfall, self.below) {
            (true, _) if level.claim == Claimed::Shortfall => return Ok(level.name.clone()),
            (true, _) => ("the shortfall of".to_owned(), "claim = \"shortfall\"".to_owned()),
            (false, Some(below)) => {
                let (least, end) = (multiple.0, below.0);
                (format!("{multiple} to {below} of"), format!("multiple = {least} and below = {end}"))
            }
            (false, None) => return Ok(level.name.clone()),
        };
        let band = Level { multiple, below: self.below, ..level.clone() };
        let claims = |other: &&Level| match self.shortfall {
            true => other.is_shortfall_of(level),
            false => **other == Level { name: other.name.clone(), ..band.clone() },
        };
        policy.levels.iter().find(claims).map(|level| level.name.clone()).ok_or_else(|| {
            let levels: Vec<_> = policy.levels.iter().map(|level| level.name.as_str()).collect();
            Usage(format!(
                "level: expected one that claims {wanted} {}, found none among {}; give the policy a level like it \
                 with {entry}, which makes a new policy",
                level.name,
                levels.join(", ")
            ))
            .into()
        })
    }
}

/// An attestation says something about the holdings at prices that somebody has chosen. Prices that everybody can see
/// were not chosen for this holder.
fn check_published(args: &Args, id: SnapshotId, progress: &Progress) -> Result<(), Error> {
    let trust: Option<Trust> = args.trust.as_deref().map(documents::read).transpose()?;
    if args.on_chain || trust.is_some_and(|trust| trust.pins_snapshot(id)) {
        return Ok(());
    }
    if !args.unpublished_snapshot {
        return Err(Unpublished(id.0).into());
    }
    progress.warn("the snapshot may not be published: whoever chose its prices may learn something of the holdings");
    Ok(())
}

/// Resources, which follow from the policy and the universe alone.
fn dry_run(level: &Name, policy: &Policy, universe: &Universe) -> Result<Answer, Error> {
    let index = policy.level_index(level);
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
