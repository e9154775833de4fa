//! The Halo2 circuit that checks a public linear program over hidden vectors, and its prover.
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
//! | [`transcript`], `blinding` | the data that Halo2 absorbs, and the source of its randomness |
//! | [`prove`] | proving |
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

pub mod check;
pub mod circuit;
pub mod columns;
pub mod export;
pub mod key;
pub mod prove;
pub mod transcript;
pub mod witness;

pub use crate::{
    columns::AdviceColumn,
    key::{ProvingKey, ProvingKeyError},
    prove::ProveError,
    witness::{Witness, WitnessError},
};
