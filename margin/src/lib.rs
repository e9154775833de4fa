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
//! | [`universe`], [`holdings`], [`policy`], [`market`] | files that people write |
//! | [`boxes`] | the prices that a policy may admit |
//! | [`oracle`] | aggregation of reports into a snapshot of prices |
//! | [`vector`], [`derived`] | from a snapshot to the market vector, in which coefficients are affine |
//! | [`schemas`] | JSON Schemas of the files |
//! | [`program`] | linear programs: the builder for models, and the resulting table |
//! | [`models`] | margin models |
//! | [`portfolio`] | portfolio margin for options, perpetuals and collateral |
//! | [`pricing`] | option values, the same on every machine |
//! | [`import`] | import of published files |
//! | [`evaluate`] | plain integer evaluation of a policy |
//!
//! ```
//! use surety_core::units::Lots;
//! use surety_margin::{compile::compile, evaluate::evaluate, holdings::Position, sample};
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
