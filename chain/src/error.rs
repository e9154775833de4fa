//! Why something on a chain did not work.

use std::{borrow::Cow, time::Duration};

use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    ident::{Bytes32, EvmAddress},
    problem::{Problem, listed},
};
use surety_host::files::FileError;
use surety_verifier::{
    Rejection,
    attestation::{signer::SignerError, vault::VaultError},
};

use crate::refusal::Refusal;

/// How long a transaction is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Why something on a chain did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Something that was given breaks a rule.
    #[error("{0}")]
    Input(Problem),
    /// A file, or what was read from a contract, breaks rules.
    #[error("{}", listed(input, problems))]
    Problems {
        /// What the input is called.
        input: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
    /// Things that do not belong together.
    #[error("{0}")]
    Mismatch(Problem),
    /// Several things that do not belong together.
    #[error("{}", listed(input, problems))]
    Mismatches {
        /// The name of the input.
        input: String,
        /// Everything that differs.
        problems: Vec<Problem>,
    },
    /// The node cannot be reached, or does not speak the protocol.
    #[error("{url}: {method}: {problem}; check the address of the node and that it is running")]
    Node {
        /// The node.
        url: String,
        /// What was asked.
        method: &'static str,
        /// What went wrong.
        problem: String,
    },
    /// A contract refuses.
    #[error("{}: the contract refuses with {reason}: {}; {}", action.name, reason.cause(), reason.advice())]
    Refused {
        /// What it was asked for.
        action: Action,
        /// What it says.
        reason: Refusal,
    },
    /// A transaction was sent, and nothing is known of it yet.
    #[error(
        "transaction {0}: expected it in a block within {seconds} seconds, found it in none; it may still come",
        seconds = PATIENCE.as_secs()
    )]
    Pending(Bytes32),
    /// A transaction failed although its simulation did not: something changed in between.
    #[error(
        "transaction {0}: expected success as in its simulation, found a failure: the chain has moved on; try again"
    )]
    Failed(Bytes32),
    /// An answer that the interface does not allow.
    #[error("{contract}: {action}: expected an answer as its interface says, found {found}: another contract is there")]
    Answer {
        /// The contract.
        contract: EvmAddress,
        /// What it was asked.
        action: &'static str,
        /// What it said.
        found: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The balances of a vault do not belong together.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A snapshot breaks a policy's rules.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Nobody has signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The program is at fault.
    #[error("{0}: please report this")]
    Internal(String),
}

impl ChainError {
    pub(crate) fn input(input: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        let (path, expected, found) = (input.into(), expected.into(), found.to_string());
        Self::Input(Problem { path, expected, found, advice: None })
    }

    /// Things that do not belong together, and what to do about it.
    pub fn mismatch(
        input: impl Into<String>,
        expected: impl Into<String>,
        found: impl ToString,
        advice: &'static str,
    ) -> Self {
        let (path, expected, found) = (input.into(), expected.into(), found.to_string());
        Self::Mismatch(Problem { path, expected, found, advice: Some(advice.into()) })
    }
}

impl Failure for ChainError {
    fn class(&self) -> Class {
        match self {
            Self::Input(_) | Self::Problems { .. } | Self::Node { .. } | Self::Pending(_) | Self::Failed(_) => {
                Class::Input
            }
            Self::Mismatch(_) | Self::Mismatches { .. } | Self::Answer { .. } => Class::Mismatch,
            Self::Refused { action, .. } => action.refusal,
            Self::File(error) => error.class(),
            Self::Vault(error) => error.class(),
            Self::Signer(error) => error.class(),
            Self::Rejected(rejection) => rejection.class(),
            Self::Internal(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => error.code(),
            Self::Vault(error) => error.code(),
            Self::Signer(error) => error.code(),
            Self::Rejected(rejection) => rejection.code(),
            _ => "chain".into(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Problems { input, problems } | Self::Mismatches { input, problems } => {
                LocatedProblem::of_input(input, problems)
            }
            Self::Rejected(rejection) => rejection.problems(),
            _ => Vec::new(),
        }
    }
}

/// What a contract is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// The contract and the function.
    pub name: &'static str,
    /// What kind of failure it is if the contract refuses.
    pub refusal: Class,
}

impl Action {
    /// An action whose refusal is the fault of what it was asked with.
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, refusal: Class::Input }
    }
}
