//! What is claimed: instruments, holdings, margin policies, prices, and the linear program that a policy compiles to.
//!
//! This crate knows no cryptography and does no I/O beyond parsing text. Start with [`policy`]: a [`policy::Policy`]
//! over a [`universe::Universe`] compiles ([`compile::compile`]) to one [`program::Program`] for each of its levels. Its table
//! follows from the policy and the prices alone; hidden [`holdings::Holdings`] satisfy the level exactly when the
//! program has a solution. [`evaluate`] computes the same margin directly, without the program, and is what
//! `surety explain` shows.
//!
//! | module | idea |
//! |---|---|
//! | [`universe`], [`holdings`], [`policy`], [`market`] | the files that people write |
//! | [`boxes`] | which prices a policy may admit |
//! | [`oracle`] | from reports to one snapshot of prices |
//! | [`vector`], [`derived`] | from a snapshot to the market vector that coefficients are affine in |
//! | [`schemas`] | JSON Schemas of the files |
//! | [`program`] | linear programs: the builder that models are written with, and the table they become |
//! | [`models`] | margin models |
//! | [`portfolio`] | portfolio margin for options, perpetuals and collateral |
//! | [`pricing`] | option values, the same on every machine |
//! | [`import`] | from files that others publish |
//! | [`evaluate`] | plain integer evaluation of a policy |

pub mod boxes;
pub mod compile;
pub mod derived;
pub mod evaluate;
pub mod holdings;
pub mod import;
pub mod market;
pub mod models;
pub mod oracle;
pub mod policy;
pub mod portfolio;
pub mod pricing;
pub mod program;
#[cfg(feature = "sample")]
pub mod sample;
pub mod schemas;
pub mod universe;
pub mod vector;
