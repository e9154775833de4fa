//! Predictive parameters: derives the parameters of a margin policy from price history, and backtests such parameters.
//!
//! Start with [`parameters::calibrate`]: a [`calibration::Calibration`] names the column of a [`history::History`] that
//! drives each parameter of a policy, the [`estimator`] turns the last moves of a column into expected shortfalls, and
//! [`update`] limits how far one update may move a parameter. [`backtest::walk::walk`] walks through the history with
//! parameters that were known on the previous day.
//!
//! The same input gives the same bytes on every machine: integers decide, the few transcendental functions are
//! implemented in software, and nothing depends on the time of day or the order of a hash table. This crate does no
//! I/O.
//!
//! | module | idea |
//! |---|---|
//! | [`moves`] | relative moves as types |
//! | [`history`], [`calibration`] | files that people write |
//! | [`estimator`] | volatility and expected shortfall |
//! | [`liquidity`] | how long positions take to sell, and at which spread |
//! | [`predictive`] | the estimator that learns: volatility, tails and joint scenarios from the whole history |
//! | [`joint`] | joint moves of several prices |
//! | [`update`] | limits, floors and caps |
//! | [`parameters`], [`scenarios`], [`record`] | the new policy, and the outcome for each parameter |
//! | [`entries`] | the next numbers of parameters that are market entries |
//! | [`report`], [`plot`], [`svg`] | output for people |
//! | [`backtest`] | performance over a history |
//!
//! ```
//! use surety_core::day::Day;
//!
//! let (saturday, sunday) = (Day::parse("2026-11-28").unwrap(), Day::parse("2026-11-29").unwrap());
//! assert_eq!(saturday.number() + 1, sunday.number());
//! ```

mod agreement;
pub mod backtest;
pub mod calibration;
pub mod entries;
pub mod estimator;
pub mod history;
pub mod joint;
pub mod liquidity;
pub mod moves;
mod normal;
pub mod parameters;
pub mod plot;
pub mod predictive;
pub mod record;
pub mod report;
pub mod scenarios;
pub mod svg;
mod target;
pub mod update;
mod window;
