//! Native verification of Surety proofs and attestations.
//!
//! Start with [`VerifyingKey`]: [`VerifyingKey::pinned`] finds the key of a known set-up, and [`VerifyingKey::verify`]
//! verifies a proof for commitments that the verifier knows by itself ([`KnownCommitments`]). [`VerifyingKey::reduce`]
//! and [`PairingCheck::combine`] verify many proofs with one pairing. Attestations, which are proofs together with all
//! that they rest on, are verified by [`check::verify`], and many of them by [`check::Groundwork`] and
//! [`batch::failures`].
//!
//! | module | idea |
//! |---|---|
//! | [`protocol`], [`expression`] | the circuit as data: columns, queries, constraints, lookups |
//! | [`key`] | verifying keys, their digests, and those of known set-ups |
//! | [`transcript`] | Fiat–Shamir challenges as the EVM computes them |
//! | [`proof`] | proofs as bytes, read strictly |
//! | [`plonk`], `shplonk` | from a proof to one equation of pairings |
//! | [`pairing`], [`batch`] | checking that equation, for one proof or many, and finding the false ones among many |
//! | [`attestation`], [`trust`], [`compiled`] | claim and proof, a verifier's anchors, a policy's commitments |
//! | [`statement`], [`report`] | the signed files of sources and oracle nodes |
//! | [`ids`], [`context`] | identifiers, and the public input that binds a proof to its claim |
//! | [`eip712`], [`signature`] | hashes and signatures as the EVM computes and recovers them |
//! | [`check`], [`rejection`] | verifying an attestation, and the rules that it is held to |
//! | [`findings`] | what the outcome tells people and programs |
//!
//! Nothing here panics on hostile input, reads the environment, or depends on the crate that holds the circuit.
//!
//! ```
//! use surety_core::capacity::Capacity;
//! use surety_kzg::Srs;
//! use surety_verifier::VerifyingKey;
//!
//! let capacity = Capacity::new(10).unwrap();
//! let key = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
//! assert_eq!(key.protocol().capacity, capacity);
//! ```

mod hex_scalar;
mod shplonk;

pub mod attestation;
pub mod batch;
pub mod check;
pub mod compiled;
pub mod context;
pub mod eip712;
pub mod expression;
pub mod findings;
pub mod ids;
pub mod key;
pub mod pairing;
pub mod plonk;
pub mod proof;
pub mod protocol;
pub mod rejection;
pub mod report;
pub mod signature;
pub mod statement;
pub mod transcript;
pub mod trust;

pub use crate::{
    attestation::{Attestation, Claim},
    compiled::{CommittedPolicy, CompiledPolicy},
    key::{KeyError, VerifyingKey, VerifyingKeyDigest},
    pairing::{BatchError, PairingCheck},
    plonk::KnownCommitments,
    proof::ProofError,
    protocol::Protocol,
    rejection::{Class, Rejection, Rule},
    statement::Statement,
    trust::Trust,
};
