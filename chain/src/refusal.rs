//! What contracts say when they refuse, what it means, and what to do.

use std::fmt;

use alloy_primitives::hex;
use alloy_sol_types::{Revert, SolError, SolInterface};

use crate::abi::{
    IAccessControl::IAccessControlErrors, IAttestationRegistry::IAttestationRegistryErrors,
    IBookRegistry::IBookRegistryErrors, ICollateralVault::ICollateralVaultErrors,
    IPolicyRegistry::IPolicyRegistryErrors, ISnapshotOracle::ISnapshotOracleErrors,
    ISuretyVerifier::ISuretyVerifierErrors, MarginGatedVenue::MarginGatedVenueErrors,
};

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
            .or_else(|| error::<IBookRegistryErrors>(data))
            .or_else(|| error::<MarginGatedVenueErrors>(data))
            .or_else(|| error::<IAccessControlErrors>(data));
        Self(found.unwrap_or_else(|| match Revert::abi_decode(data) {
            Ok(revert) => format!("the message {:?}", revert.reason),
            Err(_) if data.is_empty() => "no reason".to_owned(),
            Err(_) => format!("the unknown error {}", hex::encode_prefixed(data)),
        }))
    }

    /// What has happened.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        self.explained().0
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        self.explained().1
    }

    fn explained(&self) -> (&'static str, &'static str) {
        const CONTRACTS: &str = "check that the deployment names the contracts of this version, on this chain";
        let name = self.0.split(' ').next().unwrap_or_default();
        explained(name, &self.0).unwrap_or(match name {
            "the" if self.0.starts_with("the message") => {
                ("a contract that is none of the deployment's, such as a token, says why", "act on what it says")
            }
            "no" => ("the call ran out of gas, or another contract is there", CONTRACTS),
            _ => ("the deployment's contracts declare no such error", CONTRACTS),
        })
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

/// What an error means and what to do about it. `text` has its arguments.
fn explained(name: &str, text: &str) -> Option<(&'static str, &'static str)> {
    of_policies(name, text)
        .or_else(|| of_snapshots(name, text))
        .or_else(|| of_attestations(name))
        .or_else(|| of_proofs(name))
        .or_else(|| of_vaults(name))
        .or_else(|| of_venues(name, text))
        .or_else(|| of_books(name))
}

fn of_policies(name: &str, text: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "PolicyNotInForce" => (
            "the policy does not count yet, is frozen, or has ended",
            "wait until the policy registry's delay is over, or ask its owner why the policy is frozen or ended",
        ),
        "UnknownPolicy" => ("no policy of this identifier has been published", "publish the policy first"),
        "PolicyExists" => ("the policy has been published already", "nothing is left to do"),
        "WrongVersion" => (
            "versions of a line count up one by one",
            "set policy_version in the rules to the version that the error expects",
        ),
        "WrongVault" => (
            "the policy's vault is no contract, or counts by the rows of another universe",
            "deploy a vault for the policy's universe, and state its address in the policy",
        ),
        "WrongVerifier" => (
            "the verifying contract is for another set-up or capacity class than the policy's universe, or is no \
             contract",
            "deploy with the universe's set-up and capacity, or name the deployment that has them",
        ),
        "InvalidPublication" => of_publication(text),
        "NotFrozen" => ("the policy is not frozen", "nothing is left to do"),
        "WrongEnd" => (
            "the end is sooner than after the policy registry's delay, or not before the present end",
            "give a later time, before the present end: an end is never put off",
        ),
        "DelayIsFixed" => ("the policy registry's delay is fixed for good", "leave the delay as it is"),
        "AccessControlUnauthorizedAccount" => {
            ("the key that signs has not the role that this takes", "use the key of the policy registry's owner")
        }
        "AccessControlBadConfirmation" => {
            ("an account can renounce its own role only", "renounce the role with the key of the account that has it")
        }
        _ => return None,
    })
}

fn of_publication(text: &str) -> (&'static str, &'static str) {
    let is = |part: &str| text.contains(&format!("\"{part}\""));
    if is("aggregator") || is("aggregatorDecimals") {
        ("a feed's address is no contract, or its decimals are others", "correct the feed in the rules")
    } else if is("grace") {
        ("the grace is longer than half an epoch", "set grace in the rules to half of the policy's epoch at most")
    } else if is("sources") || is("nodes") {
        (
            "a source has no signer, is named twice, or is an oracle node too",
            "give each source and each oracle node a signer of its own, and publish the policy anew",
        )
    } else if is("sufficient") {
        ("no level claims sufficiency, or more than there are", "publish a policy with such a level, all of them first")
    } else if is("levels") {
        ("the policy has no level, or more than the registry takes", "publish a policy with 1 to 16 levels")
    } else if is("feeds") || is("quorum") {
        (
            "a policy has either feeds or a quorum of oracle nodes, and at most 64 feeds",
            "name feeds in the rules if no nodes sign, and none if they do",
        )
    } else {
        (
            "this part of the publication breaks a rule of the policy registry",
            "correct it in the policy or in the rules, and compile the policy anew",
        )
    }
}

fn of_snapshots(name: &str, text: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "InvalidSnapshot" => of_snapshot(text),
        "EpochTaken" => (
            "a snapshot of this epoch, or of a later one, is there",
            "use the snapshot that is there, or wait for the next epoch",
        ),
        "TooSoon" => (
            "snapshots lie at least half an epoch apart",
            "wait until half an epoch has passed since the snapshot before",
        ),
        "UnknownEpoch" => (
            "the snapshot is neither the newest nor the one before",
            "read the newest prices with surety chain market and prove anew",
        ),
        "UnknownLevel" => (
            "the policy on the chain has no such level",
            "compare the policy with the one that was published: surety reproduce DIR --deployment FILE",
        ),
        "DegenerateCoefficients" => (
            "at these prices a level's coefficients commit to nothing, which happens to no honest policy",
            "wait for other prices; if it stays so, check the policy with surety reproduce",
        ),
        "WrongKind" => (
            "the policy's prices come from feeds where a signed snapshot was submitted, or the other way round",
            "take a snapshot where there are feeds, submit a signed one where there are nodes",
        ),
        "BadAnswer" => (
            "a feed's answer is no price: not positive, of no round, of the future, or with other decimals",
            "wait for the feed, and check its address in the rules; feeds count from 0 in the policy's order",
        ),
        "StaleAnswer" => (
            "a feed's answer is older than the policy allows",
            "wait for the feed's next answer; feeds count from 0 in the policy's order",
        ),
        "PriceOutOfRange" => (
            "a feed's price is outside the range for which the policy's programs are sound",
            "wait for the feed, or publish a policy with a wider range; feeds count from 0 in the policy's order",
        ),
        "InvalidSignatures" => (
            "fewer good signatures than the policy's quorum, or not in ascending order of their signers",
            "collect the signatures of as many nodes as the policy's quorum, all over this snapshot",
        ),
        _ => return None,
    })
}

fn of_snapshot(text: &str) -> (&'static str, &'static str) {
    let is = |part: &str| text.contains(&format!("\"{part}\""));
    if is("newest") {
        (
            "the newest price is ahead of the chain's clock, or too long after the oldest one, or in another epoch; \
             the clock \
             is the time of the last block, and a quiet test chain stands still between transactions",
            "have the chain make a block, on a test chain with `cast rpc evm_mine`, and submit again; otherwise sign \
             reports \
             of one epoch anew",
        )
    } else if is("time") {
        (
            "the oldest price is older than the policy's max_age by the chain's clock, which is the time of the last \
             block",
            "sign new reports, aggregate and submit them at once",
        )
    } else if is("epoch") {
        (
            "the epoch does not follow from the time of the oldest price",
            "aggregate the reports anew over this policy, and have the nodes sign that snapshot",
        )
    } else if is("slack") {
        (
            "the slack is not between the snapshot's skew and the policy's max_age",
            "have the nodes sign the snapshot anew with surety chain sign-snapshot",
        )
    } else {
        (
            "the commitments to the coefficients are not those of the published policy's levels",
            "compile the policy that was published, and have the nodes sign the snapshot anew",
        )
    }
}

fn of_attestations(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "NoSubject" => ("the attestation is about the zero address", "prove for the subject's address"),
        "SubjectVouchesForItself" => (
            "the subject is a source or an oracle node of the policy, and nobody vouches for himself",
            "give the subject an address of its own",
        ),
        "PresentedToAnother" => (
            "the attestation is made for another caller",
            "have that caller bring it, or prove anew with --presentation and the caller's address",
        ),
        "NoConsent" => (
            "the subject must bring the attestation or sign it, and has not",
            "have the subject sign it with surety consent, or bring it with the subject's key",
        ),
        "SnapshotSuperseded" => (
            "the snapshot is not the newest, and its grace is over",
            "read the newest prices with surety chain market and prove anew",
        ),
        "SnapshotMarked" => (
            "the policy's circuit breaker has marked the snapshot, or the one after it",
            "wait for a snapshot whose prices have settled, and prove anew",
        ),
        "WrongStatementCount" => (
            "there is not one statement for each account of the policy's sources",
            "give one statement for each account, of the policy's sources, for this attestation registry",
        ),
        "WrongSignature" => (
            "a statement is not signed by its source, or is for another chain or attestation registry",
            "use the statements of the policy's sources, for this attestation registry",
        ),
        "Encumbered" => ("an account is pledged to another policy", "ask the source to release the account"),
        "VaultPledged" => (
            "the vault serves an attestation under another policy",
            "wait until the attestation under the other policy has lapsed",
        ),
        "StatementSuperseded" => {
            ("a newer statement about the account has been seen", "ask the source for a new statement, and prove anew")
        }
        "SequenceRepeated" => (
            "another statement about the account with the same sequence number has been seen",
            "ask the source for a new statement, which must have a number of its own",
        ),
        "UnknownAccount" => {
            ("the policy has no account at this place", "give the place of one of the policy's accounts")
        }
        "InvalidCommitment" => (
            "a statement's commitment is no point or hides nothing; behind the last statement, the vault's or the sum",
            "ask the sources for new statements; if the vault is meant, read it anew with surety chain vault",
        ),
        "NotYet" => (
            "a price or a statement is ahead of the chain's clock, which is the time of the last block",
            "compare your clock with the chain's; have a quiet test chain make a block with `cast rpc evm_mine`",
        ),
        "StatementsTooFarApart" => (
            "the statements' times lie further apart than the policy allows",
            "ask the sources for new statements as of one time",
        ),
        "VaultGrownSince" => (
            "the vault has grown after the statements, which may be about the same collateral",
            "ask the sources for new statements",
        ),
        "VaultShrunkSince" => (
            "collateral has left the vault after the oldest statement, which may be back at a source",
            "ask the sources for new statements",
        ),
        "VaultTooYoung" => (
            "collateral in the vault has not stood for long enough before the snapshot",
            "wait, take a later snapshot, and prove anew",
        ),
        "StatementsTooOld" => {
            ("the oldest statement is older than the policy allows", "ask the sources for new statements")
        }
        "PricesTooOld" => (
            "the prices are older than the snapshot allows",
            "take a snapshot, read it with surety chain market and prove anew",
        ),
        "ValidTooLong" => (
            "the attestation would count for longer than its prices or its statements do",
            "prove anew, with --valid-until if statements end soon",
        ),
        "Lapsed" => ("the attestation no longer counts", "prove anew over the newest prices"),
        "Superseded" => ("a newer attestation of the subject is there", "nothing is left to do"),
        "MixedVerifiers" => (
            "the attestations of a batch are under more than one verifying contract",
            "bring attestations of policies of one set-up and capacity class together",
        ),
        "EmptyBatch" => ("the batch has no attestation", "give at least one attestation"),
        "NoScopes" => (
            "the attestation has a proof of scopes, and the policy gives no source a scope",
            "prove anew under the policy as it is published",
        ),
        _ => return None,
    })
}

fn of_proofs(name: &str) -> Option<(&'static str, &'static str)> {
    const PROVE: &str = "prove for this attestation registry, verifier, snapshot and vault";
    Some(match name {
        "PairingFailed" => ("the proof is not one of this claim", PROVE),
        "ScalarOutOfField" | "PointNotOnCurve" => ("the proof is damaged, or is no proof", PROVE),
        "ProofLength" => ("the proof has another length than proofs of this version", PROVE),
        "NoParts" => ("the proof of scopes is about no source", PROVE),
        "NotBlinded" => ("the proof shows the holdings themselves, and not the blinded ones", PROVE),
        "DegenerateChallenge" => {
            ("a challenge fell on a point where nothing can be checked, which is chance", "prove anew")
        }
        "WrongPointCount" | "WrongContextCount" => (
            "the batch has not one context and four points for each proof",
            "bring the attestations with surety chain attest, which counts them",
        ),
        _ => return None,
    })
}

fn of_vaults(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "UnknownAsset" => ("the token is none of the vault's", "use a token that the vault lists"),
        "InvalidAsset" => (
            "an asset has no unit, is listed twice, or its point is none or another asset's",
            "list each token once, with its unit and its instrument's point",
        ),
        "InvalidAmount" => (
            "the amount is zero, or takes the vault beyond 2^63 - 1 lots of the asset",
            "give a positive amount within that limit",
        ),
        "NotEnough" => ("there is not so much in the vault", "give a smaller amount"),
        "NotAttested" => (
            "no fresh attestation of the level that is needed holds without the amount",
            "prove without the amount for each consumer with exposure, bring the attestations, and withdraw then",
        ),
        "WrongPolicy" => (
            "the policy draws on another vault, or on none",
            "register the consumer with a policy that names this vault",
        ),
        "ConsumerExists" => ("the consumer has been registered already", "nothing is left to do"),
        "NotConsumer" => ("the caller is no consumer of the vault", "nothing is left to do"),
        "TooManyConsumers" => ("the vault has as many consumers as it takes", "use another vault"),
        "OnlyVenue" => ("only the vault's venue may do this", "have the venue do it"),
        "OnlyDeployer" => ("only the vault's creator may do this", "use the key that created the vault"),
        "VenueAlreadySet" => ("the vault's venue has been set before", "nothing is left to do"),
        "VenueNotSet" => ("the vault's venue has not been set yet", "set the vault's venue first"),
        _ => return None,
    })
}

fn of_venues(name: &str, text: &str) -> Option<(&'static str, &'static str)> {
    const OUTAGE: &str = "wait for the next snapshot, or settle once the outage is long enough";
    Some(match name {
        "InvalidRules" if text.contains("part") => (
            "a rule does not fit the other rules, the policy or the vault",
            "correct the rule that the error names, and create the venue anew",
        ),
        "InvalidSize" => {
            ("the position is of no size, or too large", "give a size within the venue's largest notional")
        }
        "PositionExists" => ("the account has a position already", "close it first"),
        "NoPosition" => ("the account has no position", "nothing is left to do"),
        "NotSufficient" => ("no fresh attestation of the level that is needed holds", "prove, and attest first"),
        "StillSufficient" => ("the account attests to the maintenance level", "nothing is left to do"),
        "NotShort" => ("no shortfall of the account counts", "have the account's shortfall proven, or flag it"),
        "ShortfallSuperseded" => (
            "the shortfall is attested over prices that are not the newest",
            "have it proven over the newest snapshot, or flag the account",
        ),
        "PriceBeforeFreeze" => ("the newest prices are from before the policy was frozen", OUTAGE),
        "AttestingNotPossible" => ("nobody can attest now", OUTAGE),
        "PriceTooOld" => ("the newest price is too old", "take a snapshot"),
        "PriceMarked" => ("the circuit breaker has marked the newest price", OUTAGE),
        "PriceBeforeFlag" => ("the newest price is older than the flag", "take a snapshot"),
        "NoOutage" => ("the newest price is too young for a settlement", "close the position instead"),
        "AlreadyFlagged" => ("the account has a flag that stands", "wait until its grace is over"),
        "NotFlagged" => ("the account has no flag that stands", "flag it first"),
        "InGrace" => ("the account still has time to attest", "wait until the time that the error names"),
        "PoolTooSmall" => ("the free part of the pool is too small", "give a smaller amount, or fund the pool"),
        "LossUncovered" => ("losses of the venue are uncovered", "pay them first"),
        "LossUnpaid" => ("the account's collateral does not pay its loss", "deposit into the vault first"),
        "OwnableUnauthorizedAccount" => ("only the venue's owner may do this", "use the owner's key"),
        "OwnableInvalidOwner" => ("the venue's owner would be nobody", "name an owner"),
        "ReentrancyGuardReentrantCall" => ("a token calls back into the venue", "use a token that does not"),
        "SafeERC20FailedOperation" => ("the token refuses the transfer", "check balance and allowance"),
        _ => return None,
    })
}

fn of_books(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "InvalidRules" => (
            "the rules have no kinds of pages, commitments that are no points, or a policy whose sources are contracts \
             or have scopes",
            "compile the rules anew, over a policy whose sources sign with keys and have no scopes",
        ),
        "RulesExist" => ("the rules have been registered already", "nothing is left to do"),
        "UnknownRules" => ("the rules have not been registered", "publish with surety book publish, which registers"),
        "WrongPageCount" => ("a book has from one to 2^24 pages", "build the book anew"),
        "SnapshotNotSigned" => (
            "the policy's prices come from feeds, and a book refers to a snapshot that nodes have signed",
            "publish a policy whose nodes sign, without feeds in its chain rules",
        ),
        "BalancesTooFarApart" => (
            "the accounts' balances and the statements are further apart than the policy's skew allows",
            "ask the custodians for statements of the book's moment, and build the book anew",
        ),
        "InvalidSum" => ("the sum of the pages is no point", "build the book anew"),
        "NothingLeft" => ("the statements hide nothing beside the pages", "ask the custodians for new statements"),
        "NotNewer" => (
            "the venue has published a book of this moment or of a later one",
            "build the next book over newer balances",
        ),
        "EpochHasBook" => (
            "the venue has published a book over the policy's prices of this epoch, or of a later one",
            "take a snapshot of a later epoch, and build the next book over it",
        ),
        "OtherRulesCount" => (
            "a book of the venue under other rules has not lapsed, and the same reserves would cover both",
            "wait until it has lapsed: the newest book is not always the last",
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use alloy_sol_types::SolError as _;

    use super::*;
    use crate::abi::{
        IAttestationRegistry::WrongStatementCount,
        ISnapshotOracle::{EpochTaken, InvalidSnapshot},
    };

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

    #[test]
    fn every_error_of_every_interface_is_explained() {
        let signatures = [
            IPolicyRegistryErrors::SIGNATURES,
            ISnapshotOracleErrors::SIGNATURES,
            IAttestationRegistryErrors::SIGNATURES,
            ISuretyVerifierErrors::SIGNATURES,
            ICollateralVaultErrors::SIGNATURES,
            IBookRegistryErrors::SIGNATURES,
            MarginGatedVenueErrors::SIGNATURES,
            IAccessControlErrors::SIGNATURES,
        ]
        .concat();
        assert!(signatures.len() > 50);
        for signature in signatures {
            let name = signature.split('(').next().unwrap();
            assert!(explained(name, name).is_some(), "{name}");
        }
    }

    /// A test chain on which nothing happens shows an old time.
    #[test]
    fn a_price_ahead_of_the_chains_clock_is_told_to_be_one() {
        let refusal = |part: &str| Refusal::decode(&InvalidSnapshot { part: part.into() }.abi_encode());
        let newest = refusal("newest");
        assert_eq!(newest.to_string(), "InvalidSnapshot { part: \"newest\" }");
        assert!(newest.cause().starts_with("the newest price is ahead of the chain's clock"), "{}", newest.cause());
        assert!(newest.advice().contains("have the chain make a block"), "{}", newest.advice());
        let causes: std::collections::BTreeSet<_> =
            ["newest", "time", "epoch", "slack", "coefficients"].map(|part| refusal(part).cause()).into();
        assert_eq!(causes.len(), 5, "each part has its own");
    }
}
