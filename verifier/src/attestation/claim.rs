//! The attestation: a claim, and the proof of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::Timestamp,
};

use crate::{
    attestation::{
        eip712::Audience,
        identifiers::{PolicyId, SnapshotId, UniverseId},
        signature::SignatureBytes,
        statement::Statement,
    },
    proof::{encoding::ProofBytes, scope::ScopeProof},
};

/// That a subject's hidden holdings satisfy a level of a policy, with the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The format.
    pub kind: KindOf<Attestation>,
    /// Version of the format.
    pub version: FormatVersion<2>,
    /// What is proven.
    pub claim: Claim,
    /// The public input that the proof was made for. Verifiers compute it themselves and compare.
    pub context: Bytes32,
    /// The proof.
    pub proof: ProofBytes,
    /// That sources stated nothing outside of their scopes, for each source that has one in ascending order of address;
    /// none where the policy gives no scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeProof>,
    /// The subject's signature of the context: see [`crate::attestation::consent`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<SignatureBytes>,
}

impl Kinded for Attestation {
    const KIND: Kind = Kind::Attestation;
}

/// What is proven, by reference to public files. Verifiers recompute every identifier from the files they have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The level of the policy that they satisfy.
    pub level: Name,
    /// The registry that it counts for.
    pub audience: Audience,
    /// The contract that verifies it there; zero if there is none.
    pub verifier: EvmAddress,
    /// The digest of the verifying key.
    pub verifying_key: Bytes32,
    /// The set-up.
    pub srs: Bytes32,
    /// What holdings are over.
    pub universe: UniverseId,
    /// The policy.
    pub policy: PolicyId,
    /// The market's epoch.
    pub epoch: u64,
    /// The market's prices.
    pub snapshot: SnapshotId,
    /// The state of the vault that it draws on; zero if there is none.
    pub vault_checkpoint: Bytes32,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// Whom it is made for: a verifier's challenge, or a contract's address as a word; zero if it is for anybody.
    pub presentation: Bytes32,
    /// What the sources state about the holdings, in ascending order of source and account identifier.
    pub statements: Vec<Statement>,
}

/// What an attestation must satisfy depends on other files: see [`crate::attestation::check`].
impl Document for Attestation {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}
