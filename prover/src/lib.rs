//! Proving that hidden positions satisfy a public margin rule.
//!
//! A source states balances with [`source::attest`]. The holder proves with [`prove::Prover::prove`]; a verifier checks
//! with [`surety_verifier::attestation::check::verify`].
//!
//! | module | idea |
//! |---|---|
//! | [`source`], [`opening`] | the statements that sources sign, and the openings for the holder alone |
//! | [`bundle`] | a statement and its opening, encrypted to the holder, in one file |
//! | [`sequences`] | the sequence numbers of a source's statements |
//! | [`account`] | the hidden account that statements and openings add up to |
//! | [`scope`] | the proof that sources stated nothing outside of their scopes |
//! | [`prove`], [`many`] | from all of that to an attestation, or to many |
//! | [`epoch`], [`snapshots`] | the snapshots that a holder has proven against |
//! | [`journal`] | the durable records of both |
//! | [`explain`] | the margin at every level, for the holder |
//! | [`oracle`] | the reports that oracle nodes sign, and their snapshot |
//! | [`layout`] | the files of an attestation's directory |
//! | [`resources`], [`self_test`] | the cost of a proof, and a trial of this machine |
//!
//! What touches files is there with the feature `host`, and Halo2's prover with `halo2`; both are on by default.
//! Encryption to holders is there with `bundle`.
//!
//! ```
//! use surety_core::capacity::Capacity;
//! use surety_prover::resources::Estimate;
//!
//! let [small, large] = [10, 16].map(|k| Estimate::of(Capacity::new(k).unwrap()));
//! assert!(small.memory_bytes < large.memory_bytes && small.milliseconds < large.milliseconds);
//! ```

pub mod account;
#[cfg(feature = "bundle")]
pub mod bundle;
pub mod epoch;
pub mod explain;
#[cfg(feature = "host")]
pub mod journal;
#[cfg(feature = "host")]
pub mod layout;
#[cfg(feature = "host")]
pub mod many;
pub mod opening;
pub mod oracle;
pub mod prove;
pub mod resources;
pub mod scope;
pub mod self_test;
#[cfg(feature = "host")]
pub mod sequences;
#[cfg(feature = "host")]
pub mod snapshots;
pub mod source;
