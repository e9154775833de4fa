//! Why something on a chain did not work.

use std::fmt;

use alloy_primitives::hex;
use alloy_sol_types::{Revert, SolError, SolInterface};
use surety_margin::{
    ident::{Bytes32, EvmAddress},
    problem::Problem,
};

use super::abi::{
    IAccessControl::IAccessControlErrors, IAttestationRegistry::IAttestationRegistryErrors,
    ICollateralVault::ICollateralVaultErrors, IPolicyRegistry::IPolicyRegistryErrors,
    ISnapshotOracle::ISnapshotOracleErrors, ISuretyVerifier::ISuretyVerifierErrors,
};
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
    #[error("{input}: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
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
    #[error("{}: the contract refuses with {reason}; {}", action.name, reason.advice())]
    Refused {
        /// What it was asked for.
        action: Action,
        /// What it says.
        reason: Refusal,
    },
    /// A transaction was sent, and nothing is known of it yet.
    #[error("transaction {0}: expected it in a block within {seconds} seconds, found it in none; it may still come", seconds = super::node::PATIENCE.as_secs())]
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

/// What a contract says when it refuses: the name of an error, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// Decodes what a reverted call returns. Contracts pass on the errors of those that they call, so all of them are
    /// looked through; an error that two share means the same in both.
    #[must_use]
    pub fn decode(data: &[u8]) -> Self {
        let found = error::<IAttestationRegistryErrors>(data)
            .or_else(|| error::<ISuretyVerifierErrors>(data))
            .or_else(|| error::<ISnapshotOracleErrors>(data))
            .or_else(|| error::<IPolicyRegistryErrors>(data))
            .or_else(|| error::<ICollateralVaultErrors>(data))
            .or_else(|| error::<IAccessControlErrors>(data));
        Self(found.unwrap_or_else(|| match Revert::abi_decode(data) {
            Ok(revert) => format!("the message {:?}", revert.reason),
            Err(_) if data.is_empty() => "no reason".to_owned(),
            Err(_) => format!("the unknown error {}", hex::encode_prefixed(data)),
        }))
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        let name = self.0.split(' ').next().unwrap_or_default();
        match name {
            "PolicyNotInForce" => "wait until the registry's delay is over, or ask its owner why the policy is frozen",
            "UnknownPolicy" => "publish the policy first",
            "PolicyExists" => "it is published already; nothing is left to do",
            "WrongVersion" => "correct policy_version in the rules",
            "AccessControlUnauthorizedAccount" => "use the key of the registry's owner",
            "SnapshotSuperseded" | "UnknownEpoch" => "read the newest prices with surety chain market and prove anew",
            "SnapshotMarked" => "wait for a snapshot whose prices have settled",
            "StatementSuperseded" | "StatementsTooFarApart" | "StatementsTooOld" | "VaultGrownSince" => {
                "ask the sources for new statements"
            }
            "PricesTooOld" => "take a snapshot, read it and prove anew",
            "ValidTooLong" => "prove anew, with --valid-until if statements end soon",
            "Lapsed" => "prove anew over the newest prices",
            "Superseded" => "nothing: a newer attestation is there",
            "NotYet" => "compare your clock with the chain's",
            "WrongSignature" | "WrongStatementCount" => "use the statements of the policy's sources, for this registry",
            "Encumbered" => "ask the source to release the account",
            "VaultPledged" => "wait until the attestation under the other policy has lapsed",
            "PairingFailed" | "ScalarOutOfField" | "PointNotOnCurve" | "ProofLength" => {
                "the proof is not one of this claim: prove for this registry, verifier, snapshot and vault"
            }
            "TooSoon" => "wait until half an epoch has passed since the snapshot before",
            "EpochTaken" => "use the snapshot that is there, or wait for the next epoch",
            "StaleAnswer" | "BadAnswer" | "PriceOutOfRange" => {
                "wait for the feed; feeds count from 0 in the policy's order"
            }
            "WrongKind" => "take a snapshot where there are feeds, submit a signed one where there are nodes",
            "InvalidSignatures" => "collect the signatures of as many nodes as the policy's quorum",
            _ => "see docs/src/chain.md",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error of an interface, with the names and values of its arguments.
fn error<E: SolInterface + fmt::Debug>(data: &[u8]) -> Option<String> {
    let text = format!("{:?}", E::abi_decode(data).ok()?);
    // The variant and, in brackets, the error of the same name.
    text.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolError as _;

    use super::*;
    use crate::chain::abi::{IAttestationRegistry::WrongStatementCount, ISnapshotOracle::EpochTaken};

    #[test]
    fn refusals_name_the_error_and_its_arguments() {
        let count =
            WrongStatementCount { expected: alloy_primitives::U256::from(3), found: alloy_primitives::U256::from(2) };
        assert_eq!(Refusal::decode(&count.abi_encode()).to_string(), "WrongStatementCount { expected: 3, found: 2 }");
        let taken = Refusal::decode(&EpochTaken { epoch: 7 }.abi_encode());
        assert_eq!(taken.to_string(), "EpochTaken { epoch: 7 }");
        assert!(taken.advice().contains("next epoch"));
        let message = Revert { reason: "no".into() };
        assert_eq!(Refusal::decode(&message.abi_encode()).to_string(), "the message \"no\"");
        assert_eq!(Refusal::decode(&[]).to_string(), "no reason");
        assert_eq!(Refusal::decode(&[1, 2, 3, 4]).to_string(), "the unknown error 0x01020304");
        // Arguments are missing.
        assert!(Refusal::decode(&EpochTaken::SELECTOR).to_string().starts_with("the unknown error"));
    }
}
