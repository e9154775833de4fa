//! The predictive estimator: each day's volatility and tails of every column of a market, from the days before.
//!
//! A day's moves change a state of fixed size, so a day costs the same however long the history is. Five experts
//! weigh six variances of a column; the column's own past decides whom it believes. The tail of a side counts past days
//! in terms of the volatility of their eve.
//!
//! | module | idea |
//! |---|---|
//! | `mean` | exponentially weighted means |
//! | `features` | the variances of a column over days, months and years, and of its falls |
//! | `common` | the surprise that all columns share |
//! | `experts` | weighted variances, and what a column learns of them |
//! | `tails` | value at risk and expected shortfall in volatilities |
//! | [`joint`] | days of the past in terms of today's volatilities and correlations |
//! | [`market`] | a day of all columns |
//! | [`state`] | the state as a document |
//! | [`forecast`] | forecasts of the days of a history |
//! | [`history`] | what a whole history says of its last days, for parameters |
//!
//! Every number is a 64-bit float that `+ − × ÷ √` and comparisons make in a fixed order. IEEE 754 rounds each of
//! these in one way, so the same history gives the same bits on every machine.
//!
//! The constants were chosen on the public half of a set of price histories and judged on the other half.
//!
//! Sources: Vovk, *A game of prediction with expert advice*, Journal of Computer and System Sciences 56, 1998, and
//! Herbster and Warmuth, *Tracking the best expert*, Machine Learning 32, 1998 (weights that follow the score, with a
//! fixed share); Corsi, *A simple approximate long-memory model of realized volatility*, Journal of Financial
//! Econometrics 7, 2009 (variances over several spans); Barone-Adesi, Giannopoulos and Vosper, *VaR without
//! correlations for portfolios of derivative securities*, Journal of Futures Markets 19, 1999 (tails of filtered days).

mod common;
mod experts;
mod features;
pub mod forecast;
pub mod history;
pub mod joint;
pub mod market;
mod mean;
pub mod state;
mod tails;

/// Days of a column before surprises are clipped, experts learn, and tails count: there is no forecast before.
pub const WARM: u32 = 250;

/// No variance is below the square of 0.01 percent.
const FLOOR: f64 = 1e-8;

/// A square counts for at most so many variances.
const CLIP: f64 = 20.0;
