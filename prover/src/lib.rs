//! Prove that hidden positions satisfy a public margin rule.
//!
//! A source states balances with [`source::attest`]. The holder proves with [`prove::Prover::prove`] what a verifier
//! checks with [`surety_verifier::check::verify`]. The rest prepares or records: [`setup`] finds the set-up and its
//! bases, [`ledger`] bounds the proofs that a statement bears, [`explain`] shows the holder where the account stands.
//!
//! | module | idea |
//! |---|---|
//! | [`source`], [`opening`] | what sources sign, and what they tell the holder alone |
//! | [`account`] | the hidden account that statements and openings add up to |
//! | [`prove`] | from all of that to an attestation |
//! | [`vault`] | collateral in a contract, which counts beside what sources state |
//! | [`chain`] | contracts: publishing policies, taking prices, bringing attestations |
//! | [`explain`] | the margin at every level |
//! | [`setup`] | set-ups and their bases |
//! | [`obtain`], [`carried`] | set-ups from ceremonies' addresses, from files, and with the program itself |
//! | [`ledger`] | the durable bound on proofs per statement |
//! | [`imported`] | what imports from files of others write |
//! | [`audit`], [`commitments`] | many attestations at once, and what strikes an auditor about them |
//! | [`reproduce`] | everything that is claimed, recomputed and compared |
//! | [`oracle`] | what oracle nodes sign, and the snapshot of their reports |
//! | [`archive`] | what an auditor was shown, kept so that nothing can vanish from it |
//! | [`demo`], [`example`] | the whole way, on the example |
//! | [`keys`], [`keystore`] | signing keys |
//! | [`documents`], [`layout`], [`files`], [`directories`] | files, and where they are |
//! | [`resources`] | what a proof costs |
//! | [`self_test`] | whether this machine can prove |
//! | [`error`] | every failure, and its class |
//!
//! ```
//! use surety_core::text::Document as _;
//! use surety_margin::{policy::Policy, universe::Universe};
//! use surety_prover::example;
//!
//! let universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
//! let policy = Policy::read("policy.toml", example::POLICY.text, &universe).unwrap();
//! assert_eq!(policy.sources.len(), 3);
//! ```

pub mod account;
pub mod archive;
pub mod audit;
pub mod carried;
pub mod chain;
pub mod commitments;
pub mod demo;
pub mod directories;
pub mod documents;
pub mod error;
pub mod example;
pub mod explain;
pub mod files;
pub mod imported;
pub mod keys;
pub mod keystore;
pub mod layout;
pub mod ledger;
pub mod obtain;
pub mod opening;
pub mod oracle;
pub mod prove;
pub mod reproduce;
pub mod resources;
mod scrypt;
pub mod self_test;
pub mod setup;
pub mod source;
pub mod vault;
pub mod visible;
pub mod words;

pub use crate::error::{Class, Error};
