//! `surety verify`

use std::path::{Path, PathBuf};

use surety_core::{ident::Bytes32, spelling, units::Timestamp};
use surety_host::{
    commitments,
    documents::{self, DocumentError},
    files::FileError,
    setup::Setups,
};
use surety_kzg::SrsId;
use surety_margin::{level::Claimed, market::Snapshot, policy::Policy, universe::Universe};
use surety_prover::layout::Layout;
use surety_verifier::{
    VerifyingKey,
    attestation::{
        check::{self, Accepted, Asked, Files, Presentation, VerifierTerms},
        claim::Attestation,
        compiled::{CommittedPolicy, CompiledPolicyFile},
        trust::Trust,
        vault::{VaultBalances, VaultState},
    },
};

use crate::{
    Session,
    error::{Error, NotSatisfied},
    inputs::{PolicyFiles, directory_of, setups},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: FileOptions,
    /// Your challenge, or your contract's address, that the attestation must be made for [default: made for anybody]
    #[arg(long, value_name = "HEX32|ADDRESS", value_parser = spelling::presentation)]
    challenge: Option<Bytes32>,
    /// Ask whether the account is short: without it, a valid shortfall is told as one, and ends with code 4
    #[arg(long)]
    shortfall: bool,
    /// Your trust anchors: written by you, never taken from a prover
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Refuse anything that would have to be taken on faith
    #[arg(long)]
    strict: bool,
    /// Accept a set-up whose secret is public, for tests only: such a proof proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
    /// Verify as of this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
}

/// An attestation, and the files that it refers to.
#[derive(clap::Args)]
pub(crate) struct FileOptions {
    /// The attestation
    #[arg(value_name = "FILE")]
    attestation: PathBuf,
    /// The universe [default: universe.toml beside the attestation]
    #[arg(long, value_name = "FILE")]
    universe: Option<PathBuf>,
    /// The policy [default: policy.toml beside the attestation]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The market snapshot [default: market.json beside the attestation]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Balances of the policy's vault, which you have read with surety chain vault
    #[arg(long, value_name = "FILE")]
    vault: Option<PathBuf>,
}

/// All that an attestation is checked against.
pub(crate) struct Ground {
    pub(crate) attestation: Attestation,
    pub(crate) policy: CommittedPolicy,
    pub(crate) snapshot: Snapshot,
    pub(crate) verifying_key: VerifyingKey,
    pub(crate) vault: Option<VaultState>,
}

impl FileOptions {
    pub(crate) fn attestation(&self) -> &Path {
        &self.attestation
    }

    pub(crate) fn read(&self, session: &Session) -> Result<Ground, Error> {
        let layout = Layout::new(directory_of(&self.attestation));
        let attestation: Attestation = documents::read(&self.attestation)?;
        let universe: Universe = documents::read(self.universe.as_ref().unwrap_or(&layout.universe()))?;
        let policy = documents::read_policy(self.policy.as_ref().unwrap_or(&layout.policy()), &universe)?;
        let snapshot: Snapshot = documents::read(self.market.as_ref().unwrap_or(&layout.market()))?;
        let vault: Option<VaultBalances> = self.vault.as_deref().map(documents::read).transpose()?;
        let setups = setups()?;
        let (srs, capacity) = (SrsId::from(universe.srs), universe.capacity);
        let verifying_key = setups.verifying_key(srs, capacity, &session.progress)?;
        let policy = commitments(policy, universe, &layout, &setups, session)?;
        let vault = vault.as_ref().map(VaultBalances::state).transpose()?;
        Ok(Ground { attestation, policy, snapshot, verifying_key, vault })
    }
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let trust: Option<Trust> = args.trust.as_deref().map(documents::read).transpose()?;
    let Ground { attestation, policy, snapshot, verifying_key, vault } = args.files.read(session)?;
    let files = Files { policy: &policy, snapshot: &snapshot, verifying_key: &verifying_key };
    let terms = VerifierTerms {
        trust: trust.as_ref(),
        strict: args.strict,
        allow_insecure_srs: args.allow_insecure_srs,
        vault,
        presentation: args.challenge.map_or(Presentation::Anybody, Presentation::Exactly),
        // What was not asked for is told nevertheless, and fails.
        asked: if args.shortfall { Asked::Only(Claimed::Shortfall) } else { Asked::Either },
        contract_sources: false,
        now: args.at.unwrap_or(session.now),
    };
    let accepted = check::verify(&attestation, &files, &terms)?;
    if accepted.insecure_srs {
        session.progress.warn("INSECURE set-up: the proof proves nothing; it was accepted because you allowed it");
    }
    let answer = answer(&accepted)?;
    let asked = args.shortfall || accepted.claim.is_sufficient();
    Ok(if asked { answer } else { answer.failing(&NotSatisfied(vec![accepted.level.to_string()])) })
}

/// The policy's commitments: recomputed, or taken from the published file beside the policy if the set-up is missing.
fn commitments(
    policy: Policy,
    universe: Universe,
    layout: &Layout,
    setups: &Setups,
    session: &Session,
) -> Result<CommittedPolicy, Error> {
    let published = |_: &Policy, _: &Universe| -> Result<Option<CompiledPolicyFile>, Error> {
        match documents::read(&layout.compiled()) {
            Err(DocumentError::File(FileError::Missing(_))) => Ok(None),
            published => Ok(Some(published?)),
        }
    };
    commitments::of(policy, universe, published, setups, &session.progress)
}

/// A policy with its commitments.
pub(crate) fn committed(files: &PolicyFiles, session: &Session) -> Result<CommittedPolicy, Error> {
    let universe = files.read_universe()?;
    let policy = files.read_policy(&universe)?;
    commitments(policy, universe, &files.layout(), &setups()?, session)
}

fn answer(accepted: &Accepted) -> Result<Answer, Error> {
    let faith: Vec<String> = accepted.faith.iter().map(ToString::to_string).collect();
    let mut text = format!(
        "valid: {} {} {}{} of {}\npolicy         {}\nuniverse       {}\nsnapshot       {}\nverifying key  {}\n\
         set-up         {}\nregistry       {} on chain {}\nprices         {}, epoch {}\nbalances       {}\n\
         valid until    {}\nmade for       {}\nconsent        {}\n",
        accepted.subject,
        if accepted.claim.is_sufficient() { "satisfies" } else { "does not satisfy" },
        accepted.level,
        accepted.below.map(|below| format!(", and less than {below} of the requirement,")).unwrap_or_default(),
        accepted.policy,
        accepted.policy_id.0,
        accepted.universe.0,
        accepted.snapshot.0,
        accepted.verifying_key,
        accepted.srs,
        accepted.audience.registry,
        accepted.audience.chain_id,
        spelling::iso_time(accepted.prices_at),
        accepted.epoch,
        spelling::iso_time(accepted.balances_at),
        spelling::iso_time(accepted.valid_until),
        accepted.presentation.map_or_else(|| "anybody".to_owned(), |presentation| presentation.to_string()),
        if accepted.consented { "signed by the subject" } else { "none" },
    );
    if let Some(vault) = &accepted.vault {
        text += &format!(
            "vault          {} on chain {}\ncheckpoint     {}\n",
            vault.address, vault.chain_id, vault.checkpoint
        );
    }
    text += &format!("established: {}\n", accepted.established());
    let mut list = |title: &str, items: &[String]| {
        if !items.is_empty() {
            text += title;
            items.iter().for_each(|item| text += &format!("\n  - {item}"));
            text += "\n";
        }
    };
    let marked: Vec<_> = accepted.marked.iter().map(ToString::to_string).collect();
    list("marked: these prices have moved too far since the snapshot before, which the policy accepts:", &marked);
    list("taken on faith, for want of --trust or an entry in it:", &faith);
    list("not established:", &accepted.not_established().into_iter().map(str::to_owned).collect::<Vec<_>>());
    text += &format!("surety {}\n", env!("CARGO_PKG_VERSION"));
    Answer::new(accepted.findings(), text)
}
