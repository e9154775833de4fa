//! From files to an attestation: what `surety prove` does, without a disk. The attestation is the file that
//! `surety prove` writes.
//!
//! A holder proves several times in a session: the bases, the table over them and the key are made once. All three are
//! public. What is secret is read for one proof and dropped with it.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value, json};
use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure, LocatedProblem},
    ident::{Bytes32, EvmAddress, Name},
    spelling,
    text::{Document, WriteError},
    units::Timestamp,
};
use surety_kzg::{Origin, Params, Srs, SrsId, Table, progress::Silent};
use surety_margin::{level::Claimed, market::Snapshot, universe::Universe};
use surety_prover::{
    epoch::{TooMany, admit},
    opening::Opening,
    prove::{ProofRequest, ProveError, Prover},
};
use surety_verifier::{
    Attestation, CompiledPolicy, KeyError, Trust,
    attestation::{
        compiled::CompiledError, identifiers::SnapshotId, report::snapshot_id, statement::Statement,
        vault::VaultBalances,
    },
};

use crate::{
    envelope,
    inputs::{InputError, SetUp, optional, read, read_policy, required},
    message::{File, Message, Role},
};

/// The largest capacity class that is proven in here: with one thread, the bases of the next take minutes.
const MAX_K: u32 = 13;

/// What a holder asks for beyond the files. As the options of `surety prove`; what people write is text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofTerms {
    /// The time.
    pub now: Timestamp,
    /// The level of the policy.
    pub level: String,
    /// Address of the contract that will verify; empty if there is none.
    pub verifier: String,
    /// The last second at which the attestation counts; by default, the last that the policy allows.
    pub valid_until: Option<Timestamp>,
    /// A verifier's challenge, or its contract's address; empty if the attestation is for anybody.
    pub presentation: String,
    /// Whether a contract has taken the snapshot from feeds, so that nobody has signed it.
    pub on_chain: bool,
    /// Whether to prove over a snapshot that the holder does not know to be published.
    pub unpublished_snapshot: bool,
}

/// Why there is no attestation.
#[derive(Debug, thiserror::Error)]
pub enum ProvingError {
    /// A file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The powers of the set-up are not there.
    #[error(
        "set-up: expected the file of {name}, found none; add the file that surety srs get {name} leaves in the store \
         (surety srs list), or one of the ceremony's own files"
    )]
    NoSetUp {
        /// The set-up.
        name: String,
    },
    /// The capacity class is too large for a browser.
    #[error("universe: expected a capacity class of at most k = {MAX_K} in a browser, found {0}; use surety prove")]
    TooLarge(u32),
    /// The page asks for a proof before the key is made.
    #[error("expected the proving key to be made before a proof, found none; please report this")]
    NotReady,
    /// The policy does not compile, or is for another set-up.
    #[error(transparent)]
    Policy(#[from] CompiledError),
    /// The holder does not know the snapshot to be published.
    #[error(
        "market: expected a published snapshot, found {0}, which no trust file of yours pins: whoever chose its prices \
         may learn something of your holdings; pin it under snapshots in your trust file, or accept an unpublished \
         snapshot"
    )]
    Unpublished(Bytes32),
    /// One snapshot too many.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The attestation has no form as a file.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Failure for ProvingError {
    fn class(&self) -> Class {
        match self {
            Self::Input(error) => error.class(),
            Self::Policy(error) => error.class(),
            Self::TooMany(error) => error.class(),
            Self::Prove(error) => error.class(),
            Self::NoSetUp { .. } | Self::Unpublished(_) => Class::Mismatch,
            Self::TooLarge(_) => Class::Resources,
            Self::NotReady | Self::Write(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Input(error) => error.code(),
            Self::Policy(error) => error.code(),
            Self::TooMany(error) => error.code(),
            Self::Prove(error) => error.code(),
            Self::NoSetUp { .. } => "set-up".into(),
            Self::TooLarge(_) => "capacity".into(),
            Self::Unpublished(_) => "unpublished-snapshot".into(),
            Self::NotReady | Self::Write(_) => "internal".into(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Input(error) => error.problems(),
            Self::Prove(error) => error.problems(),
            _ => Vec::new(),
        }
    }
}

/// What a holder's session shares among its proofs: a page asks for the bases, for the table, and then for proofs.
#[derive(Debug, Default)]
pub struct Session {
    made: Made,
    /// The snapshots that were proven against. Whoever closes the page forgets them.
    proven: BTreeMap<(Bytes32, u64), Vec<Bytes32>>,
}

/// How far the key is made.
#[derive(Debug, Default)]
enum Made {
    #[default]
    Nothing,
    Bases(Box<Params>),
    Key(Box<Prover>),
}

impl Made {
    fn params(&self) -> Option<&Params> {
        match self {
            Self::Nothing => None,
            Self::Bases(params) => Some(params),
            Self::Key(prover) => Some(prover.params()),
        }
    }
}

impl Session {
    /// The answer to a message with a universe and, unless the set-up is the one for development, its file: makes the
    /// bases of the universe's capacity class if they are not made yet.
    #[must_use]
    pub fn answer_bases(&mut self, message: &Message<'_>) -> Value {
        envelope::answer("prove", self.make_bases(message).map(|()| Value::Null))
    }

    /// The answer to a request for the table and the key: makes them if they are not made yet.
    #[must_use]
    pub fn answer_table(&mut self) -> Value {
        envelope::answer("prove", self.make_key().map(|()| Value::Null))
    }

    /// The answer to a message with the files of a proof.
    #[must_use]
    pub fn answer_proof(&mut self, message: &Message<'_>) -> Value {
        match message.terms() {
            Ok(terms) => envelope::answer("prove", self.prove(message, &terms)),
            Err(error) => envelope::internal("prove", &error),
        }
    }

    fn make_bases(&mut self, message: &Message<'_>) -> Result<(), ProvingError> {
        let universe: Universe = read(required(message, Role::Universe, "universe")?)?;
        let (id, capacity) = (SrsId::from(universe.srs), universe.capacity);
        if self.made.params().is_some_and(|params| (params.id(), params.capacity()) == (id, capacity)) {
            return Ok(());
        }
        if capacity.k() > MAX_K {
            return Err(ProvingError::TooLarge(capacity.k()));
        }
        let params = SetUp::of(message, &universe).params()?.map_or_else(|| development(id, capacity), Ok)?;
        self.made = Made::Bases(Box::new(params));
        Ok(())
    }

    fn make_key(&mut self) -> Result<(), ProvingError> {
        self.made = match std::mem::take(&mut self.made) {
            Made::Bases(params) => {
                let table = Table::new(params.lagrange(), &Silent);
                Made::Key(Box::new(Prover::with_table(*params, table)?))
            }
            made => made,
        };
        Ok(())
    }

    fn prove(&mut self, message: &Message<'_>, terms: &ProofTerms) -> Result<Value, ProvingError> {
        let Made::Key(prover) = &self.made else { return Err(ProvingError::NotReady) };
        let universe: Universe = read(required(message, Role::Universe, "universe")?)?;
        let policy = read_policy(message, &universe)?;
        let snapshot: Snapshot = read(required(message, Role::Market, "market snapshot")?)?;
        let trust: Option<Trust> = message.file(Role::Trust).map(read).transpose()?;
        let vault: Option<VaultBalances> = message.file(Role::VaultBalances).map(read).transpose()?;
        let statements: Vec<Statement> = all(message, Role::Statement)?;
        let level = Name::new(&terms.level).map_err(|problem| InputError::Term { field: "level", problem })?;
        let verifier = optional("verifying contract", &terms.verifier, spelling::address)?;
        let presentation = optional("made for", &terms.presentation, spelling::presentation)?;

        let policy = CompiledPolicy::compile(policy, universe, prover.params())?;
        let id = snapshot_id(policy.committed(), &snapshot);
        check_published(terms, trust.as_ref(), id)?;
        let key = (policy.committed().id().0, snapshot.epoch);
        let mut proven = self.proven.get(&key).cloned().unwrap_or_default();
        admit(&mut proven, snapshot.epoch, id)?;
        let request = ProofRequest {
            policy: &policy,
            snapshot: &snapshot,
            on_chain: terms.on_chain,
            vault: vault.as_ref(),
            statements: &statements,
            level: &level,
            verifier: verifier.unwrap_or(EvmAddress::ZERO),
            valid_until: terms.valid_until,
            presentation: presentation.unwrap_or(Bytes32::ZERO),
            now: terms.now,
        };
        let openings: Vec<Opening> = all(message, Role::Opening)?;
        let attestation = prover.prove(&request, &openings)?;
        let claim = policy.committed().policy().level(&level).map(|level| level.claim).unwrap_or_default();
        let data = data(&attestation, claim, prover.params().verifier_key().origin())?;
        self.proven.insert(key, proven);
        Ok(data)
    }
}

/// The documents with a role.
fn all<T: Document>(message: &Message<'_>, role: Role) -> Result<Vec<T>, InputError> {
    message.files_with(role).map(|file: File<'_>| read(file)).collect()
}

/// The bases of the development set-up, if it is the one that is asked for: its powers are in no file.
fn development(id: SrsId, capacity: Capacity) -> Result<Params, ProvingError> {
    let name = |(name, srs): (&'static str, Bytes32)| (SrsId::from(srs) == id).then_some(name);
    let name = spelling::SET_UPS.into_iter().find_map(name);
    if name != Some(DEVELOPMENT) {
        return Err(ProvingError::NoSetUp { name: name.map_or_else(|| id.to_string(), str::to_owned) });
    }
    let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent);
    Ok(params.map_err(|error| InputError::Key(KeyError::from(error)))?)
}

/// What the development set-up is called.
const DEVELOPMENT: &str = "development";

/// An attestation says something about the holdings at prices that somebody has chosen. Prices that everybody can see
/// were not chosen for this holder.
fn check_published(terms: &ProofTerms, trust: Option<&Trust>, id: SnapshotId) -> Result<(), ProvingError> {
    let is_known = terms.on_chain || terms.unpublished_snapshot || trust.is_some_and(|trust| trust.pins_snapshot(id));
    if is_known { Ok(()) } else { Err(ProvingError::Unpublished(id.0)) }
}

/// As `surety prove --json` says it, with the attestation's file in the place of its name.
fn data(attestation: &Attestation, claimed: Claimed, origin: Origin) -> Result<Value, ProvingError> {
    let claim = &attestation.claim;
    Ok(json!({
        "attestation": attestation.to_json()?,
        "policy": claim.policy,
        "level": claim.level,
        "claim": claimed,
        "subject": claim.subject,
        "epoch": claim.epoch,
        "valid_until": claim.valid_until,
        "presentation": claim.presentation,
        "srs": { "id": claim.srs, "insecure": origin == Origin::InsecureDevelopment },
    }))
}
