//! The public input of a proof: one hash over everything that the proof is about.
//!
//! A contract computes the same, and never takes it from its caller:
//!
//! ```solidity
//! uint256 context = uint256(keccak256(abi.encode(
//!     keccak256("surety/context/v2"),  // bytes32
//!     block.chainid,                   // uint256
//!     address(this),                   // address   the registry
//!     verifier,                        // address   the contract that verifies proofs of this capacity class
//!     verifyingKey,                    // bytes32   the digest of its key
//!     srs,                             // bytes32
//!     universe,                        // bytes32
//!     k,                               // uint32
//!     policy,                          // bytes32
//!     level,                           // bytes32
//!     subject,                         // address
//!     epoch,                           // uint64
//!     time,                            // uint40    of the epoch's oldest price
//!     marked,                          // bool      whether the circuit breaker has marked the prices
//!     coefX, coefY,                    // uint256, uint256
//!     keccak256(abi.encodePacked(statements)),  // bytes32[]: the hashes of the statements, in their order
//!     vaultCheckpoint,                 // bytes32   zero where no vault is drawn on
//!     validUntil,                      // uint64
//!     presentation                     // bytes32   zero, or whom the attestation is made for
//! ))) % r;
//! ```
//!
//! Holdings are bound twice: by the commitment that the verifier puts in place, and by the statements' hashes here. So
//! a proof cannot be moved to other statements that happen to have the same sum of commitments.

use alloy_primitives::keccak256;
use halo2curves::bn256::{Fr, G1Affine};
use surety_core::{
    capacity::Capacity,
    ident::{Bytes32, EvmAddress},
    units::Timestamp,
};
use surety_kzg::{SrsId, point};

use crate::{
    attestation::{
        eip712::{Audience, Word, address, coordinates, hash_words, number},
        identifiers::{LevelId, PolicyId, UniverseId},
    },
    proof::{key::VerifyingKeyDigest, transcript::reduce},
};

/// Says which list of fields follows.
const FORMAT: &str = "surety/context/v2";

/// Everything that a proof is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The chain and the registry that it counts for.
    pub audience: Audience,
    /// The contract that verifies it there; zero if there is none.
    pub verifier: EvmAddress,
    /// The verifying key.
    pub verifying_key: VerifyingKeyDigest,
    /// The set-up.
    pub srs: SrsId,
    /// What holdings are over.
    pub universe: UniverseId,
    /// The size of the circuit.
    pub capacity: Capacity,
    /// The policy.
    pub policy: PolicyId,
    /// The level of the policy.
    pub level: LevelId,
    /// Whose holdings.
    pub subject: EvmAddress,
    /// The market's epoch.
    pub epoch: u64,
    /// When the epoch's oldest price was observed.
    pub prices_at: Timestamp,
    /// Whether the policy's circuit breaker has marked the prices.
    pub marked: bool,
    /// The commitment to the program's coefficients at the epoch's prices.
    pub coef: G1Affine,
    /// The hashes of the sources' statements, in the order of the set.
    pub statements: Vec<Bytes32>,
    /// The state of the vault that it draws on; zero if there is none.
    pub vault_checkpoint: Bytes32,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// Whom it is made for; zero if it is for anybody.
    pub presentation: Bytes32,
}

impl Context {
    /// The public input: the hash of all fields, modulo r.
    #[must_use]
    pub fn hash(&self) -> Fr {
        reduce(&hash_words(&self.words()))
    }

    /// The fields as `abi.encode` lays them out.
    fn words(&self) -> [Word; 20] {
        let [x, y] = coordinates(&point::g1_to_bytes(&self.coef));
        let statements: Vec<Word> = self.statements.iter().map(|hash| hash.0).collect();
        [
            keccak256(FORMAT).0,
            number(self.audience.chain_id.into()),
            address(&self.audience.registry),
            address(&self.verifier),
            self.verifying_key.bytes().0,
            self.srs.bytes().0,
            self.universe.0.0,
            number(self.capacity.k().into()),
            self.policy.0.0,
            self.level.0.0,
            address(&self.subject),
            number(self.epoch.into()),
            number(self.prices_at.0.into()),
            number(self.marked.into()),
            x,
            y,
            hash_words(&statements),
            self.vault_checkpoint.0,
            number(self.valid_until.0.into()),
            self.presentation.0,
        ]
    }
}
