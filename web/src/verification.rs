//! From files to findings: reads them, finds the keys and commitments that go with them, and has the verifier check the
//! attestation. The answer is the one that `surety verify --json` gives on the same files.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    units::Timestamp,
};
use surety_margin::{level::Claimed, market::Snapshot, universe::Universe};
use surety_verifier::{
    Attestation, CommittedPolicy, CompiledPolicy, Rejection, Trust,
    attestation::{
        check::{self, Accepted, Asked, Files},
        compiled::{CompiledError, CompiledPolicyFile},
    },
};

use crate::{
    envelope,
    inputs::{InputError, SetUp, read, read_policy, required},
    message::{Message, Role},
};

/// The largest capacity class whose bases verifying computes: with one thread, the next takes minutes.
pub(crate) const MAX_K: u32 = 12;

/// What a verifier asks for beyond its files. As in [`surety_verifier::attestation::check::VerifierTerms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageTerms {
    /// The time.
    pub now: Timestamp,
    /// Whether to refuse what would otherwise be taken on faith.
    pub strict: bool,
    /// Whether to accept a set-up whose secret everybody knows.
    pub allow_insecure_srs: bool,
    /// Whether to accept the proof of a shortfall too, for those who look at the finding `claim`.
    #[serde(default)]
    pub shortfalls: bool,
}

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The policy's commitments.
    #[error(transparent)]
    Policy(#[from] CompiledError),
    /// The attestation is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl VerifyError {
    fn inner(&self) -> &dyn Failure {
        match self {
            Self::Input(error) => error,
            Self::Policy(error) => error,
            Self::Rejected(rejection) => rejection,
        }
    }
}

impl Failure for VerifyError {
    fn class(&self) -> Class {
        self.inner().class()
    }

    fn code(&self) -> Cow<'static, str> {
        self.inner().code()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        self.inner().problems()
    }
}

/// The answer to a message with the files of an attestation.
#[must_use]
pub fn answer(message: &Message<'_>) -> Value {
    match message.terms() {
        Ok(terms) => envelope::answer("verify", verify(message, terms).map(|accepted| accepted.findings())),
        Err(error) => envelope::internal("verify", &error),
    }
}

/// Verifies the attestation in a message.
///
/// # Errors
/// If a file is missing or has mistakes, or the first rule that is broken.
pub fn verify(message: &Message<'_>, terms: PageTerms) -> Result<Accepted, VerifyError> {
    let attestation: Attestation = read(required(message, Role::Attestation, "attestation")?)?;
    let universe: Universe = read(required(message, Role::Universe, "universe")?)?;
    let policy = read_policy(message, &universe)?;
    let snapshot: Snapshot = read(required(message, Role::Market, "market snapshot")?)?;
    let trust: Option<Trust> = message.file(Role::Trust).map(read).transpose()?;

    let set_up = SetUp::of(message, &universe);
    let verifying_key = set_up.verifying_key()?;
    let params = if universe.capacity.k() > MAX_K { None } else { set_up.params()? };
    let policy = match params {
        Some(params) => CompiledPolicy::compile(policy, universe, &params)?.committed().clone(),
        None => {
            let published: CompiledPolicyFile = read(required(message, Role::CompiledPolicy, "compiled policy")?)?;
            CommittedPolicy::published(policy, universe, &published)?
        }
    };
    let terms = check::VerifierTerms {
        trust: trust.as_ref(),
        strict: terms.strict,
        allow_insecure_srs: terms.allow_insecure_srs,
        // Only a verifier who has read a vault can check what draws on it: see surety verify --vault.
        vault: None,
        // As above: challenges are for surety verify --challenge.
        presentation: check::Presentation::Anybody,
        asked: if terms.shortfalls { Asked::Either } else { Asked::Only(Claimed::Sufficient) },
        contract_sources: false,
        now: terms.now,
    };
    let files = Files { policy: &policy, snapshot: &snapshot, verifying_key: &verifying_key };
    Ok(check::verify(&attestation, &files, &terms)?)
}
