//! Portfolio margin for options, perpetuals and collateral: the rules of Derive's risk manager PMRM_2.
//!
//! What is hidden (amounts of options, perpetuals, collateral and cash) enters every figure linearly, apart from the
//! signs and minima that programs express. What is public (forwards, rates, volatilities, prices, confidences) enters
//! in ways that no linear program knows: exponentials, logarithms, quotients. So the public side comes first:
//! [`Schema::derive`] turns [`Feeds`] into nonnegative integers, one for each [`Quantity`], and these *derived values*
//! are the market vector that [`Schema::margin`] has coefficients over. [`Schema::evaluate`] computes the same margin
//! without a program.
//!
//! | | |
//! |---|---|
//! | [`Parameters`] | the rules' parameters |
//! | [`PortfolioMargin`] | which instruments the rules are about |
//! | [`Feeds`] | what is observed |
//! | [`Schema`] | which values are derived, and their scales |
//! | [`Derived`] | the derived values |
//! | [`Schema::margin`] | the margin as an expression |
//! | [`PortfolioBreakdown`] | the margin as a number |
//!
//! # The rules
//!
//! With spot `S`, stable price `s`, `N` perpetuals at price `P`, and for each expiry `e` the marked value `M_e` of its
//! options, a year of 365 days, `τ` the time to expiry in years, `r` its rate (negative counts as zero) and
//! `D = exp(-rτ)`:
//! - An option is worth `D` times [Black's formula](crate::pricing::black76) of the forward, the strike and `σ√τ`. In
//!   the last 30 minutes the settlement average fixes the forward bit by bit: the share `1 - T/1800` of it does not
//!   move with the spot any more.
//! - A *revaluation* moves the spot by a factor and the volatilities up, down, or along the skew: see [`VolMove`].
//!   `G_e(x)` is the value `x` of an expiry after a revaluation, times the discount for gains if `x ≥ 0`, else times
//!   the discount for losses.
//! - A scenario with spot factor `z` and dampening `d` has the result
//!   `d·( N·P·(z - 1) + Σ_e (G_e - M_e) + (z - 1)·Σ value of risk-cancelling collateral )`.
//!   A skew scenario counts against the account whatever its direction: `-d·Σ_e |G_e - M_e|`.
//! - The basis contingency is `Σ_e (a + b·τ)·min(0, U_e - M_e, L_e - M_e)`, with `U_e` and `L_e` the undiscounted
//!   values after the spot moves up and down.
//! - The span is the smallest of all these. It is multiplied by the loss factor of the level, which for initial margin
//!   grows as the stable price falls below its threshold.
//! - Equity is the marked value of options and collateral and all cash. The margin is equity plus span less
//!   contingencies: on the notional of perpetuals, on naked shorts (at each strike of an expiry `max(0, -Σ amounts)` if
//!   there are both calls and puts, otherwise each short option), on collateral, and, at the initial level, on
//!   everything whose price has a confidence below the threshold.
//!
//! # What makes them a linear program
//!
//! `G_e` is concave only if the discount for gains does not exceed the one for losses; other markets are refused unless
//! the model says that they may be, and then the positive part of the value is exact. Collateral is asserted not to be
//! negative. The confidence of the perpetual's price counts for options only beside perpetuals: what it adds is charged
//! on the options where any perpetual is held, and on nothing where none is. `|G_e - M_e|` is not concave even so,
//! because `G_e` bends where the value changes its sign: its positive part is exact, too.
//!
//! Sources: the contracts `PMRM_2.sol` and `PMRMLib_2.sol` of derivexyz/v2-core.

mod evaluate;
mod feeds;
mod instruments;
mod margin;
mod parameters;
mod schema;
pub mod values;

pub use evaluate::{Charges, PortfolioBreakdown, ScenarioResult};
pub use feeds::{ExpiryFeeds, Feed, Feeds};
pub use instruments::{CollateralRule, ExpiryRule, FeedNames, Haircut, OptionRule, PerpetualRule, PortfolioMargin};
pub use parameters::{
    BasisContingency, Contingency, Losses, Parameters, Scenario, ScenarioShape, SkewShock, VolMove, VolShock,
};
pub use schema::{Quantity, QuantityEntry, Schema};
pub use values::{DeriveError, Derived};
