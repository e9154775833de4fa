//! From statements, openings and prices to an attestation.

use std::borrow::Cow;

#[cfg(feature = "halo2")]
use surety_circuits::Halo2Key;
use surety_circuits::{ProvingKey, ProvingKeyError, Witness, WitnessError};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure, LocatedProblem},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::KindOf,
    units::{Price, Timestamp},
};
use surety_kzg::{Fr, Params, Table, holding::HoldingError, progress::Silent, scalar};
use surety_margin::{
    evaluate::{Evaluation, evaluate},
    level::Level,
    market::Snapshot,
    policy::Policy,
    program::{Assignment, Program, Unsatisfied},
};
use surety_verifier::{
    KnownCommitments, VerifyingKey,
    attestation::{
        check::{Asked, Examined, Files, Groundwork, Presentation, VerifierTerms},
        claim::{Attestation, Claim},
        compiled::CompiledPolicy,
        rejection::Rejection,
        report::snapshot_id,
        signature::KnownKeys,
        statement::Statement,
        trust::Trust,
        vault::{VaultBalances, VaultError},
    },
    proof::encoding::ProofBytes,
};

use crate::{
    account::{Account, AccountError},
    opening::Opening,
    resources::{NotEnoughMemory, check_memory, lanes},
    scope::{ScopeProofError, prove_scopes},
};

/// Why there is no attestation.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The policy has no such level.
    #[error("level: expected one of the policy's ({known}), found {found}")]
    NoLevel {
        /// Its levels.
        known: String,
        /// The level asked for.
        found: Name,
    },
    /// There are no statements.
    #[error("statements: expected one for each account that the policy requires, found none")]
    NoStatements,
    /// No verifier would accept the claim, however good the account is.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// What is said of a vault cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Statements and openings make no account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A source states something outside of its scope.
    #[error(transparent)]
    Scope(#[from] ScopeProofError),
    /// The account does not satisfy the level. Only the holder may learn this.
    #[error(transparent)]
    Insufficient(#[from] Unsatisfied),
    /// The account has what the level, or the end of the band, requires. Only the holder may learn this.
    #[error(
        "level {level}: expected an account whose margin is negative, for a band where the band ends, found one whose \
         margin is not"
    )]
    NotShort {
        /// The level.
        level: Name,
    },
    /// The two evaluations differ.
    #[error("the plain evaluation and the program disagree about the account: please report this")]
    Disagreement,
    /// The machine is too small.
    #[error(transparent)]
    Memory(#[from] NotEnoughMemory),
    /// The column of holdings.
    #[error(transparent)]
    Holding(#[from] HoldingError),
    /// The witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The proving key.
    #[error(transparent)]
    Key(#[from] ProvingKeyError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] surety_circuits::ProveError),
}

impl ProveError {
    /// The policy has no level of this name.
    #[must_use]
    pub fn no_level(policy: &Policy, name: &Name) -> Self {
        let known: Vec<_> = policy.levels.iter().map(|level| level.name.as_str()).collect();
        Self::NoLevel { known: known.join(", "), found: name.clone() }
    }
}

/// What is to be attested.
#[derive(Clone, Debug)]
pub struct ProofRequest<'a> {
    /// The policy.
    pub policy: &'a CompiledPolicy,
    /// The market.
    pub snapshot: &'a Snapshot,
    /// Whether a contract has taken the snapshot from feeds, so that nobody has signed it.
    pub on_chain: bool,
    /// What counts in the vault that the policy draws on; nothing if it draws on none.
    pub vault: Option<&'a VaultBalances>,
    /// What the sources state, in any order. They say whose account it is and which registry the attestation is for.
    pub statements: &'a [Statement],
    /// The level of the policy.
    pub level: &'a Name,
    /// The contract that will verify the proof; zero if there is none.
    pub verifier: EvmAddress,
    /// The last second at which the attestation is to count; by default, as long as it can.
    pub valid_until: Option<Timestamp>,
    /// Whom the attestation is made for: a verifier's challenge, or a contract's address as a word; zero if it is for
    /// anybody.
    pub presentation: Bytes32,
    /// The time.
    pub now: Timestamp,
}

/// A proving key and the bases that it was made with: what several attestations can share.
#[derive(Debug)]
pub struct Prover {
    params: Params,
    key: Key,
    /// Those of sources and oracle nodes, as far as statements and reports have revealed them.
    signers: KnownKeys,
}

/// A proving key, of one of the two provers: their proofs verify under one verifying key.
#[derive(Debug)]
enum Key {
    Own(Box<ProvingKey>),
    #[cfg(feature = "halo2")]
    Halo2(Box<Halo2Key>),
}

impl Key {
    fn verifying_key(&self) -> &VerifyingKey {
        match self {
            Self::Own(key) => key.verifying_key(),
            #[cfg(feature = "halo2")]
            Self::Halo2(key) => key.verifying_key(),
        }
    }

    fn prove(
        &self,
        context: Fr,
        known: &KnownCommitments,
        witness: &Witness,
    ) -> Result<ProofBytes, surety_circuits::ProveError> {
        match self {
            Self::Own(key) => key.prove(context, known, witness),
            #[cfg(feature = "halo2")]
            Self::Halo2(key) => key.prove(context, known, witness),
        }
    }
}

impl Prover {
    /// Makes the proving key for a capacity class, and the table for it.
    ///
    /// # Errors
    /// If the machine has too little memory, or the key is not the one that verifiers expect.
    pub fn new(params: Params) -> Result<Self, ProveError> {
        check_memory(params.capacity())?;
        let table = Table::new(params.lagrange(), &Silent);
        Self::with_table(params, table)
    }

    /// Makes the proving key for a capacity class, with the table over its bases.
    ///
    /// # Errors
    /// If the machine has too little memory, or the key is not the one that verifiers expect.
    pub fn with_table(params: Params, table: Table) -> Result<Self, ProveError> {
        check_memory(params.capacity())?;
        let key = Key::Own(Box::new(ProvingKey::with_table(&params, table, lanes())?));
        Ok(Self { params, key, signers: KnownKeys::default() })
    }

    /// Makes Halo2's proving key for a capacity class: to compare with.
    ///
    /// # Errors
    /// If the machine has too little memory, or the key is not the one that verifiers expect.
    #[cfg(feature = "halo2")]
    pub fn with_halo2(params: Params) -> Result<Self, ProveError> {
        check_memory(params.capacity())?;
        let key = Key::Halo2(Box::new(Halo2Key::generate(&params)?));
        Ok(Self { params, key, signers: KnownKeys::default() })
    }

    /// The bases.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Proves that the account behind the statements satisfies the level.
    ///
    /// Whatever a verifier would refuse is refused first. The account is evaluated before anything is proven. The proof
    /// is verified before it is returned. Each proof is blinded anew, so nothing has to be counted or remembered.
    ///
    /// # Errors
    /// If there is no such attestation. Nothing but the error says so.
    pub fn prove(&self, request: &ProofRequest<'_>, openings: &[Opening]) -> Result<Attestation, ProveError> {
        let (level, program) = level(request.policy, request.level)?;
        let claim = self.claim(request)?;
        let files = Files {
            policy: request.policy.committed(),
            snapshot: request.snapshot,
            verifying_key: self.key.verifying_key(),
        };
        let chain_snapshots = if request.on_chain { vec![claim.snapshot] } else { Vec::new() };
        let trust = Trust { chain_snapshots, ..Trust::nothing() };
        let vault = request.vault.map(VaultBalances::state).transpose()?;
        // Whether a set-up is good enough is for verifiers to say.
        let terms = VerifierTerms {
            trust: Some(&trust),
            strict: false,
            allow_insecure_srs: true,
            vault,
            presentation: Presentation::Exactly(request.presentation),
            asked: Asked::Either,
            contract_sources: true,
            now: request.now,
        };
        let Examined { context, known, prices, .. } = Groundwork::new(files, &self.signers).examine(&claim, &terms)?;
        let universe = request.policy.committed().universe();
        let mut account = Account::open(universe, &self.params, &claim.statements, openings)?;
        if let Some(vault) = request.vault {
            account = account.with_public(&vault.position(universe, &self.params)?)?;
        }
        let context = context.hash();
        let stated = (claim.statements.as_slice(), openings);
        let scopes = prove_scopes(request.policy.committed(), &self.params, stated, &context)?;
        let assignment = decide(request.policy, level, program, &account, &prices)?;
        let witness = Witness::new(program, &prices, &account.column(&self.params)?, &assignment)?;
        let proof = self.key.prove(context, &known, &witness)?;
        Ok(Attestation {
            kind: KindOf::new(),
            version: FormatVersion,
            claim,
            context: HexBytes(scalar::to_bytes(&context)),
            proof,
            scopes,
            consent: None,
        })
    }

    fn claim(&self, request: &ProofRequest<'_>) -> Result<Claim, ProveError> {
        let mut statements = request.statements.to_vec();
        statements.sort_by_key(Statement::position);
        let first = statements.first().ok_or(ProveError::NoStatements)?;
        let (subject, audience) = (first.subject, first.audience);
        let committed = request.policy.committed();
        let longest = Timestamp(request.snapshot.time.0.saturating_add(committed.policy().validity.0));
        let longest = statements.iter().map(|statement| statement.valid_until).fold(longest, Timestamp::min);
        Ok(Claim {
            subject,
            level: request.level.clone(),
            audience,
            verifier: request.verifier,
            verifying_key: self.key.verifying_key().digest().bytes(),
            srs: committed.universe().srs,
            universe: committed.universe_id(),
            policy: committed.id(),
            epoch: request.snapshot.epoch,
            snapshot: snapshot_id(committed, request.snapshot),
            vault_checkpoint: request.vault.map_or(Bytes32::ZERO, |vault| vault.checkpoint),
            valid_until: request.valid_until.unwrap_or(longest),
            presentation: request.presentation,
            statements,
        })
    }
}

/// A level of a policy and its program.
fn level<'a>(policy: &'a CompiledPolicy, name: &Name) -> Result<(&'a Level, &'a Program), ProveError> {
    let document = policy.committed().policy();
    let found = document.level(name).zip(policy.program(name));
    found.ok_or_else(|| ProveError::no_level(document, name))
}

/// Evaluates the account twice, plainly and by its program, and demands that they agree.
fn decide(
    policy: &CompiledPolicy,
    level: &Level,
    program: &Program,
    account: &Account,
    prices: &[Price],
) -> Result<Assignment, ProveError> {
    let (policy, universe) = (policy.committed().policy(), policy.committed().universe());
    // None where an amount exceeds 256 bits, of which the program says what it is.
    let evaluation = evaluate(policy, universe, level, account.position(), prices).ok();
    let is = |verdict: fn(&Evaluation) -> bool| evaluation.as_ref().is_some_and(verdict);
    match program.solve(account.position(), prices) {
        Ok(assignment) if is(Evaluation::is_provable) => Ok(assignment),
        Ok(_) => Err(ProveError::Disagreement),
        Err(Unsatisfied::Insufficient { .. }) if is(Evaluation::is_sufficient) && !is(Evaluation::is_provable) => {
            Err(ProveError::NotShort { level: level.name.clone() })
        }
        Err(unsatisfied) => Err(unsatisfied.into()),
    }
}

/// The class of a rejection of inputs: there is no proof yet that could be invalid.
pub(crate) fn class_before_proof(rejection: &Rejection) -> Class {
    match rejection.class() {
        Class::Mismatch => Class::Mismatch,
        _ => Class::Input,
    }
}

impl Failure for ProveError {
    fn class(&self) -> Class {
        match self {
            Self::NoLevel { .. } | Self::NoStatements => Class::Input,
            Self::Refused(rejection) => class_before_proof(rejection),
            Self::Account(error) => error.class(),
            Self::Scope(error) => error.class(),
            Self::Vault(error) => error.class(),
            Self::Insufficient(_) | Self::NotShort { .. } => Class::Insufficient,
            Self::Memory(_) => Class::Resources,
            Self::Key(ProvingKeyError::MaxDegree(_)) => Class::Input,
            Self::Disagreement | Self::Holding(_) | Self::Witness(_) | Self::Key(_) | Self::Proof(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Account(error) => error.code(),
            Self::Scope(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Refused(rejection) => rejection.code(),
            Self::Insufficient(_) => "insufficient".into(),
            Self::Memory(_) => "memory".into(),
            _ => "prove".into(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Refused(rejection) => rejection.problems(),
            _ => Vec::new(),
        }
    }
}
