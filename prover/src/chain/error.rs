//! Why something on a chain did not work.

use surety_core::{
    ident::{Bytes32, EvmAddress},
    problem::{Problem, listed},
};

use super::refusal::Refusal;
use crate::error::Class;

/// Why something on a chain did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Something that was given breaks a rule.
    #[error("{input}: expected {expected}, found {found}")]
    Input {
        /// What was given.
        input: String,
        /// The rule.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file, or what was read from a contract, breaks rules.
    #[error("{}", listed(input, problems))]
    Problems {
        /// What the input is called.
        input: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
    /// Things that do not belong together.
    #[error("{input}: expected {expected}, found {found}; {advice}")]
    Mismatch {
        /// What is compared.
        input: String,
        /// As it should be.
        expected: String,
        /// As it is.
        found: String,
        /// What to do.
        advice: &'static str,
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
    #[error("transaction {0}: expected it in a block within {seconds} seconds, found it in none; it may still \
             come", seconds = super::node::PATIENCE.as_secs())]
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
    /// The program is at fault.
    #[error("{0}: please report this")]
    Internal(String),
}

impl ChainError {
    pub(super) fn input(input: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Input { input: input.into(), expected: expected.into(), found: found.to_string() }
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Input { .. } | Self::Problems { .. } | Self::Node { .. } | Self::Pending(_) | Self::Failed(_) => {
                Class::Input
            }
            Self::Mismatch { .. } | Self::Answer { .. } => Class::Mismatch,
            Self::Refused { action, .. } => action.refusal,
            Self::Internal(_) => Class::Internal,
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
