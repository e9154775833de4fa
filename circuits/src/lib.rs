//! The Halo2 circuit that checks a public linear program over hidden vectors, and its provers.
//!
//! Start with [`circuit`], which states the rules; [`check`] restates the rules in plain arithmetic.
//! [`ProvingKey::generate`] makes the key of a capacity class, [`Witness::new`] fills the columns,
//! and [`ProvingKey::prove`] proves. Proofs are verified by `surety-verifier`, which does not depend on this crate:
//! [`export`] writes the description of the circuit that verifiers read.
//!
//! | module | idea |
//! |---|---|
//! | [`columns`] | the columns, by name |
//! | [`circuit`] | the rules as constraints and lookups |
//! | [`witness`] | the filled columns |
//! | [`check`] | the rules in plain arithmetic |
//! | [`key`] | proving keys, checked against the verifiers' keys |
//! | `blinding` | where randomness comes from |
//! | [`prove`], `prover` | proving |
//! | [`halo2`], [`transcript`] | proving with Halo2, and what it absorbs |
//! | [`export`] | the circuit as data |
//!
//! ```
//! use surety_circuits::ProvingKey;
//! use surety_core::capacity::Capacity;
//! use surety_kzg::{Params, Srs, progress::Silent};
//!
//! let capacity = Capacity::new(9).unwrap();
//! let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap();
//! let key = ProvingKey::generate(&params).unwrap();
//! assert_eq!(key.capacity(), capacity);
//! ```

mod blinding;
mod prover;
#[cfg(test)]
mod small;

pub mod check;
pub mod circuit;
pub mod columns;
pub mod export;
pub mod halo2;
pub mod key;
pub mod prove;
pub mod transcript;
pub mod witness;

pub use crate::{
    columns::AdviceColumn,
    halo2::Halo2Key,
    key::{ProvingKey, ProvingKeyError},
    prove::ProveError,
    witness::{Witness, WitnessError},
};
