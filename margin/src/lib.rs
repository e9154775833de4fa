//! The claim of a proof: instruments, holdings, margin policies, prices, and the linear program that a policy compiles
//! to.
//!
//! This crate contains no cryptography and does no I/O beyond parsing text. Start with [`policy`]: a [`policy::Policy`]
//! over a [`universe::Universe`] compiles ([`compile::compile`]) to one [`program::Program`] for each of the policy's
//! levels. The table of a program follows from the policy and the prices alone, and hidden [`holdings::Holdings`]
//! satisfy the level exactly when the program has a solution. [`evaluate`] computes the same margin directly, without a
//! program, for `surety explain`.
//!
//! | module | idea |
//! |---|---|
//! | [`universe`], [`holdings`], [`policy`], [`level`] | the files that people write |
//! | [`market`] | entries of the market, the rules of their oracle, reports and snapshots |
//! | [`vault`] | the vault whose balances count, and the rules for that |
//! | [`program`] | linear programs: the builder that models are written with, and the table they become |
//! | [`models`] | margin models, and the market vector that their coefficients are affine in |
//! | [`models::derive`] | portfolio margin for options, perpetuals and collateral |
//! | [`pricing`] | option values, the same on every machine |
//! | [`oracle`] | from reports to one snapshot of prices |
//! | [`compile`], [`evaluate`] | the programs of a policy, and its margin in plain integers |
//!
//! Modules depend on those above them only.
//!
//! ```
//! use surety_core::units::Lots;
//! use surety_margin::{compile::compile, evaluate::evaluate, holdings::Position};
//! use surety_testing::sample;
//!
//! // Four instruments, the first of them cash, under the worst of three scenarios.
//! let sample::Sample { universe, policy } = sample::scenario_margin(10, 4, 3);
//! let lots = [1_000_000, 500, 0, 0].map(|lots| Lots::new(lots).unwrap());
//! let position = Position::from_lots(lots.to_vec());
//! let level = &policy.levels[0];
//! let evaluation = evaluate(&policy, &universe, level, &position, &sample::prices(&policy)).unwrap();
//! assert!(evaluation.is_sufficient());
//! assert_eq!(compile(&policy, &universe).unwrap().len(), policy.levels.len());
//! ```

pub mod compile;
pub mod evaluate;
pub mod holdings;
pub mod integers;
pub mod level;
pub mod market;
pub mod models;
pub mod oracle;
pub mod policy;
pub mod pricing;
pub mod program;
pub mod universe;
pub mod vault;
