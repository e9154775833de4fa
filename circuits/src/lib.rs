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
//! | [`rules`] | the names of the rules |
//! | [`witness`] | the filled columns |
//! | [`check`] | the rules in plain arithmetic |
//! | [`key`] | proving keys, checked against the verifiers' keys |
//! | `blinding`, `replay` | where randomness comes from |
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
#[cfg(feature = "halo2")]
mod replay;
#[cfg(test)]
mod small;

pub mod check;
#[cfg(feature = "halo2")]
pub mod circuit;
pub mod columns;
#[cfg(feature = "halo2")]
pub mod export;
#[cfg(feature = "halo2")]
pub mod halo2;
pub mod key;
pub mod prove;
pub mod rules;
#[cfg(feature = "halo2")]
pub mod transcript;
pub mod witness;

#[cfg(feature = "halo2")]
pub use crate::halo2::Halo2Key;
pub use crate::{
    columns::AdviceColumn,
    key::{ProvingKey, ProvingKeyError},
    prove::ProveError,
    witness::{Witness, WitnessError},
};
