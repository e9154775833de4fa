//! Predictive parameters: price history in, parameters of a margin policy out, and a test of how such parameters would
//! have done.
//!
//! Start with [`parameters::calibrate`]: a [`calibration::Calibration`] says which column of a [`history::History`]
//! drives which parameters of a policy; the [`estimator`] turns the last moves of a column into expected shortfalls;
//! [`update`] limits how far one update may move a parameter. [`backtest::backtest`] walks through the history with
//! parameters that were known the day before.
//!
//! The same input gives the same bytes on every machine: integers decide, the few transcendental functions are
//! software, nothing depends on the time of day or the order of a hash table. This crate does no I/O.
//!
//! | module | idea |
//! |---|---|
//! | [`day`], [`moves`] | days and relative moves as types |
//! | [`history`], [`calibration`] | the files that people write |
//! | [`estimator`] | volatility and expected shortfall |
//! | [`joint`] | how several prices move together |
//! | [`update`] | limits, floors and caps |
//! | [`parameters`], [`scenarios`], [`record`] | the new policy, and what became of each parameter |
//! | [`report`], [`plot`], [`svg`] | what people read |
//! | [`backtest`] | whether it would have done |
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
pub mod estimator;
pub mod history;
pub mod joint;
pub mod moves;
mod normal;
pub mod parameters;
pub mod plot;
pub mod record;
pub mod report;
pub mod scenarios;
pub mod svg;
mod target;
pub mod update;
mod window;
