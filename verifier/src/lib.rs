//! Native verification of Surety proofs and attestations.
//!
//! Start with [`VerifyingKey`]: [`VerifyingKey::pinned`] finds the key of a known set-up, and [`VerifyingKey::verify`]
//! verifies a proof for commitments that the verifier knows by itself ([`KnownCommitments`]). [`VerifyingKey::reduce`]
//! and [`PairingCheck::combine`] verify many proofs with one pairing. An attestation is a proof together with all that
//! the proof rests on: [`attestation::check::verify`] verifies one, [`attestation::check::Groundwork`] and
//! [`proof::batch::failures`] verify many.
//!
//! | half | idea |
//! |---|---|
//! | [`proof`] | from bytes and commitments to one equation of pairings |
//! | [`attestation`] | the documents around a proof, and the rules that they are held to |
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

pub mod attestation;
pub mod proof;

pub use crate::{
    attestation::{
        claim::{Attestation, Claim},
        compiled::{CommittedPolicy, CompiledPolicy},
        rejection::{Rejection, Rule},
        statement::Statement,
        trust::Trust,
    },
    proof::{
        encoding::ProofError,
        key::{KeyError, VerifyingKey, VerifyingKeyDigest},
        known::KnownCommitments,
        pairing::{BatchError, PairingCheck},
        protocol::Protocol,
    },
};
