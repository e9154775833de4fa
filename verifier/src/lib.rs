//! Native verification of Surety proofs and attestations.
//!
//! Start with [`VerifyingKey`]: [`VerifyingKey::pinned`] finds the key of a known set-up, and [`VerifyingKey::verify`]
//! verifies a proof against the verifier's own commitments ([`KnownCommitments`]). [`VerifyingKey::reduce`] and
//! [`PairingCheck::combine`] verify many proofs with one pairing. [`check::verify`] verifies an attestation, which is a
//! proof together with everything that the proof rests on; [`check::Groundwork`] and [`batch::failures`] verify many.
//!
//! | module | idea |
//! |---|---|
//! | [`protocol`], [`expression`] | the circuit as data: columns, queries, constraints, lookups |
//! | [`key`] | verifying keys, their digests, and the keys of known set-ups |
//! | [`transcript`] | Fiat–Shamir challenges as the EVM computes them |
//! | [`proof`] | proofs as bytes, with a strict reader |
//! | [`plonk`], `shplonk` | reduction of a proof to one equation of pairings |
//! | [`pairing`], [`batch`] | checking that equation for one or many proofs, and finding the invalid ones |
//! | [`attestation`], [`trust`], [`compiled`] | claim and proof, a verifier's anchors, a policy's commitments |
//! | [`statement`], [`report`] | the signed files of sources and oracle nodes |
//! | [`ids`], [`context`] | identifiers, and the public input that binds a proof to its claim |
//! | [`eip712`], [`signature`] | hashes and signatures as the EVM computes and recovers them |
//! | [`check`], [`rejection`] | verification of an attestation, and its rules |
//! | [`findings`] | the outcome for people and programs |
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
