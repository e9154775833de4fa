//! Bringing attestations to a registry, and asking it about them.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolCall as _;
use serde::Serialize;
use surety_core::{
    failure::Class,
    ident::{Bytes32, EvmAddress, Name},
    units::{Seconds, Timestamp},
};
use surety_margin::{level::Claimed, policy::Policy};
use surety_verifier::{
    Attestation, CommittedPolicy, Statement,
    attestation::{identifiers::PolicyId, signer::Signer},
};

use crate::{
    abi::{
        self,
        IAttestationRegistry::{
            acceptsAttestationsCall, attestBatchCall, attestCall, isShortNoOlderThanCall, levelOfCall, recordOfCall,
            streakOfCall,
        },
        address, coordinates, isSufficientNoOlderThanCall, word,
    },
    deployment::Contracts,
    error::{Action, ChainError},
    node::Receipt,
    rules::level_place,
};

const ATTEST: Action = Action { name: "AttestationRegistry.attest", refusal: Class::Invalid };
const ATTEST_BATCH: Action = Action { name: "AttestationRegistry.attestBatch", refusal: Class::Invalid };

/// The data of the call that brings an attestation to its registry. Anybody may send it.
///
/// # Errors
/// If the policy does not have the attestation's level.
pub fn call_data(attestation: &Attestation, policy: &Policy) -> Result<Vec<u8>, ChainError> {
    Ok(attestCall { attestation: encode(attestation, policy)? }.abi_encode())
}

/// The data of the call that asks the registry which level of the policy holds for the subject.
#[must_use]
pub fn query_data(attestation: &Attestation) -> Vec<u8> {
    let claim = &attestation.claim;
    levelOfCall { subject: address(&claim.subject), policy: word(&claim.policy.0) }.abi_encode()
}

fn encode(attestation: &Attestation, policy: &Policy) -> Result<abi::Attestation, ChainError> {
    let claim = &attestation.claim;
    Ok(abi::Attestation {
        subject: address(&claim.subject),
        policy: word(&claim.policy.0),
        level: U256::from(level_place(policy, &claim.level)?),
        epoch: claim.epoch,
        validUntil: claim.valid_until.0,
        presentation: word(&claim.presentation),
        statements: claim.statements.iter().map(encode_statement).collect(),
        proof: Bytes::from(attestation.proof.0.to_vec()),
        scopes: attestation.scopes.as_ref().map_or_else(Bytes::new, |scopes| Bytes::from(scopes.to_bytes())),
        consent: attestation.consent.map_or_else(Bytes::new, |consent| Bytes::from(consent.0.to_vec())),
    })
}

/// A statement as registries take it.
pub(crate) fn encode_statement(statement: &Statement) -> abi::Statement {
    let [x, y] = coordinates(&statement.commitment);
    abi::Statement {
        commitmentX: x,
        commitmentY: y,
        asOf: statement.as_of.0,
        validUntil: statement.valid_until.0,
        sequence: statement.sequence,
        encumbrance: word(&statement.encumbrance),
        signature: Bytes::from(statement.signature.0.to_vec()),
    }
}

/// What a registry says about a subject.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The policy.
    pub policy: PolicyId,
    /// Whether the registry takes attestations under the policy now.
    pub accepts_attestations: bool,
    /// The strictest level that holds now.
    pub holds: Option<Name>,
    /// Whether the level that was asked about holds, by prices that are not too old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sufficient: Option<bool>,
    /// The same of a level that claims a shortfall: whether the subject is short of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<bool>,
    /// The newest attestation of each level that has ever been attested, in the policy's order.
    pub levels: Vec<LevelRecord>,
}

/// The newest attestation of a level.
#[derive(Clone, Debug, Serialize)]
pub struct LevelRecord {
    /// The level.
    pub level: Name,
    /// What it claims.
    #[serde(skip_serializing_if = "Claimed::is_sufficient")]
    pub claim: Claimed,
    /// The epoch of its prices.
    pub epoch: u64,
    /// When they were reported.
    pub prices_at: Timestamp,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// In how many snapshots in a row the level has been attested; zero if it does not hold now, or claims a shortfall.
    pub streak: u32,
    /// The number of the vault's checkpoint that it drew on.
    pub vault_number: u32,
}

/// Which level is asked about, and how old its prices may be.
#[derive(Clone, Debug)]
pub struct Question {
    /// The level.
    pub level: Name,
    /// The age of the prices.
    pub max_age: Seconds,
}

impl Contracts {
    /// Brings attestations under one policy to their registry: one by itself, several in a batch, all or none.
    ///
    /// # Errors
    /// If one is meant for another registry or verifier, or under another policy, or the registry refuses.
    pub fn attest(
        &self,
        attestations: &[Attestation],
        policy: &CommittedPolicy,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        for attestation in attestations {
            self.check_references(attestation, policy)?;
        }
        let encode = |attestation| encode(attestation, policy.policy());
        match attestations {
            [attestation] => {
                let call = attestCall { attestation: encode(attestation)? };
                self.node.call(signer, &self.at.registry, &call, ATTEST)
            }
            attestations => {
                let attestations = attestations.iter().map(encode).collect::<Result<_, _>>()?;
                self.node.call(signer, &self.at.registry, &attestBatchCall { attestations }, ATTEST_BATCH)
            }
        }
    }

    /// What an attestation says of where it counts must be this deployment: the registry would only call the proof
    /// wrong.
    fn check_references(&self, attestation: &Attestation, policy: &CommittedPolicy) -> Result<(), ChainError> {
        let claim = &attestation.claim;
        let mismatch = |input: &str, expected: String, found: String, advice| {
            Err(ChainError::mismatch(format!("attestation: {input}"), expected, found, advice))
        };
        if claim.audience != self.at.audience() {
            let place = |chain: u64, registry: EvmAddress| format!("{registry} on chain {chain}");
            let expected = place(self.at.chain_id, self.at.registry);
            let found = place(claim.audience.chain_id, claim.audience.registry);
            let advice = "have the sources state for this registry, and prove anew";
            return mismatch("registry", expected, found, advice);
        }
        if claim.verifier != self.at.verifier {
            let advice = "prove anew with --verifier and the deployment's verifier";
            return mismatch("verifier", self.at.verifier.to_string(), claim.verifier.to_string(), advice);
        }
        let differs =
            |expected: Bytes32, found: Bytes32| (expected != found).then(|| (expected.to_string(), found.to_string()));
        if let Some((expected, found)) = differs(policy.id().0, claim.policy.0) {
            return mismatch("policy", expected, found, "give the policy of the attestation");
        }
        if let Some((expected, found)) = differs(self.at.verifying_key, claim.verifying_key) {
            return mismatch("verifying key", expected, found, "give the deployment of the policy's capacity class");
        }
        Ok(())
    }

    /// What the registry says about a subject.
    ///
    /// # Errors
    /// If the policy does not have the level that is asked about, or is not published.
    pub fn query(
        &self,
        subject: &EvmAddress,
        policy: &CommittedPolicy,
        question: Option<&Question>,
    ) -> Result<Standing, ChainError> {
        let (document, id) = (policy.policy(), policy.id());
        let (account, word) = (address(subject), word(&id.0));
        let (node, registry) = (&self.node, &self.at.registry);
        let held = node.view(registry, &levelOfCall { subject: account, policy: word })?;
        let (mut sufficient, mut short) = (None, None);
        if let Some(Question { level, max_age }) = question {
            let (place, max_age) = (level_place(document, level)?, U256::from(max_age.0));
            let (subject, policy, level) = (account, word, U256::from(place));
            match document.levels[place].claim {
                Claimed::Sufficient => {
                    let call = isSufficientNoOlderThanCall { subject, policy, level, maxAge: max_age };
                    sufficient = Some(node.view(registry, &call)?);
                }
                Claimed::Shortfall => {
                    short =
                        Some(node.view(registry, &isShortNoOlderThanCall { subject, policy, level, maxAge: max_age })?);
                }
            }
        }
        let mut levels = Vec::new();
        for (place, level) in document.levels.iter().enumerate() {
            let place = U256::from(place);
            let record = node.view(registry, &recordOfCall { subject: account, policy: word, level: place })?;
            if !record.epoch.is_zero() {
                let streak = node.view(registry, &streakOfCall { subject: account, policy: word, level: place })?;
                levels.push(LevelRecord {
                    level: level.name.clone(),
                    claim: level.claim,
                    epoch: record.epoch.to(),
                    prices_at: Timestamp(record.pricesAt.to()),
                    valid_until: Timestamp(record.validUntil.to()),
                    streak,
                    vault_number: record.vaultNumber,
                });
            }
        }
        let strictest = document.levels.iter().enumerate().find(|(place, _)| U256::from(*place) == held.level);
        Ok(Standing {
            subject: *subject,
            policy: id,
            accepts_attestations: node.view(registry, &acceptsAttestationsCall { policy: word })?,
            holds: strictest.filter(|_| held.holds).map(|(_, level)| level.name.clone()),
            sufficient,
            short,
            levels,
        })
    }
}
