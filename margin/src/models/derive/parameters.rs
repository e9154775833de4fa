//! The parameters of the rules.

use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    decimal::{Decimal, Magnitude},
    problem::{Problem, require},
};

/// The parameters of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// What may happen to the market.
    pub scenarios: Vec<Scenario>,
    /// How far volatilities move up and down.
    pub vol_shock: VolShock,
    /// How far volatilities move along the skew.
    pub skew_shock: SkewShock,
    /// How losses and gains count.
    pub losses: Losses,
    /// The charge for forwards that move away from the spot.
    pub basis_contingency: BasisContingency,
    /// The other charges.
    pub contingency: Contingency,
}

/// Something that may happen to the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The spot price is multiplied by this; options stay where they are in a move along the skew.
    pub spot: Magnitude,
    /// What volatilities do.
    pub volatility: VolMove,
    /// How much of the result counts.
    pub dampening: Magnitude,
}

/// What volatilities do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VolMove {
    /// Nothing.
    Unchanged,
    /// `σ·(1 + up·m)`, and at least the floor, with `m = (30 days / max(T, floor))^power`.
    Up,
    /// `σ·max(0, 1 - down·m)`
    Down,
    /// `σ·max(0, 1 + c)`, where `c = k·cap/k*` is cut off at the cap, and `k = ln(K/F)`.
    SkewLinear,
    /// The same with `k = |ln(K/F)|`.
    SkewAbs,
}

/// Whether a scenario's results add up with their signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScenarioShape {
    /// The results of the expiries add up.
    Signed,
    /// Each expiry's result counts against the account.
    Absolute,
}

impl VolMove {
    /// Whether the results of a scenario add up with their signs.
    #[must_use]
    pub fn shape(self) -> ScenarioShape {
        match self {
            Self::Unchanged | Self::Up | Self::Down => ScenarioShape::Signed,
            Self::SkewLinear | Self::SkewAbs => ScenarioShape::Absolute,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let volatility = match self.volatility {
            VolMove::Unchanged => "unchanged",
            VolMove::Up => "up",
            VolMove::Down => "down",
            VolMove::SkewLinear => "along the skew",
            VolMove::SkewAbs => "along both wings",
        };
        write!(f, "spot times {}, volatility {volatility}", self.spot)
    }
}

/// How far volatilities move up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolShock {
    /// The relative rise of the volatility of 30 days.
    pub up: Magnitude,
    /// The relative fall of the volatility of 30 days.
    pub down: Magnitude,
    /// The smallest volatility after a rise.
    pub floor_up: Magnitude,
    /// The power for at most 30 days to expiry.
    pub short_term_power: Magnitude,
    /// The power for more.
    pub long_term_power: Magnitude,
    /// Fewer days to expiry than this count as this.
    pub floor_days: Magnitude,
}

/// How far volatilities move along the skew: `cap = base·√τ + scale`, and
/// `k* = max(least_width, √τ·width_scale·(vol_static + √τ·vol_scale))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkewShock {
    /// The slope of the cap of the linear move.
    pub linear_base: Decimal,
    /// The cap of the linear move at expiry.
    pub linear_scale: Magnitude,
    /// The slope of the cap of the move of both wings.
    pub abs_base: Decimal,
    /// The cap of the move of both wings at expiry.
    pub abs_scale: Magnitude,
    /// The smallest `k*`.
    pub least_width: Magnitude,
    /// How wide the skew is.
    pub width_scale: Magnitude,
    /// The volatility that the width is in terms of.
    pub vol_static: Magnitude,
    /// How it changes with `√τ`.
    pub vol_scale: Decimal,
}

/// How losses and gains count: the discounts of an expiry's value are
/// `gains·exp(-τ·(r·gains_rate_factor + gains_rate_added))` and
/// `min(exp(rτ), losses·exp(τ·(r·losses_rate_factor + losses_rate_added)))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// The span is multiplied by this at the maintenance level.
    pub maintenance_factor: Magnitude,
    /// The span is multiplied by this at the initial level.
    pub initial_factor: Magnitude,
    /// Whether gains may count more than losses, as they do where the rate is high and the discounts are near one. It
    /// takes more variables, because the margin is not concave then.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub gains_may_exceed: bool,
    /// The discount of positive values.
    pub gains: Magnitude,
    /// Multiplies the rate.
    pub gains_rate_factor: Magnitude,
    /// Is added to the rate.
    pub gains_rate_added: Magnitude,
    /// The discount of negative values.
    pub losses: Magnitude,
    /// Multiplies the rate.
    pub losses_rate_factor: Magnitude,
    /// Is added to the rate.
    pub losses_rate_added: Magnitude,
}

/// The charge for forwards that move away from the spot: the worse of two moves, times `added + factor·τ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasisContingency {
    /// The factor of the move up.
    pub up: Magnitude,
    /// The factor of the move down.
    pub down: Magnitude,
    /// The part that does not depend on time.
    pub added: Magnitude,
    /// The part for each year to expiry.
    pub factor: Magnitude,
}

/// The other charges. Those of the initial level come on top of those of maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contingency {
    /// Below this stable price the initial loss factor grows.
    pub peg_threshold: Magnitude,
    /// By how much for each unit that the price is below.
    pub peg_factor: Magnitude,
    /// Prices with a confidence below this are charged for.
    pub confidence_threshold: Magnitude,
    /// The charge for no confidence at all, as a fraction of the notional.
    pub confidence_charge: Magnitude,
    /// The charge on perpetuals at the maintenance level, as a fraction of the notional.
    pub maintenance_perpetual: Magnitude,
    /// What the initial level adds.
    pub initial_perpetual: Magnitude,
    /// The charge on naked short options at the maintenance level, as a fraction of the notional.
    pub maintenance_option: Magnitude,
    /// What the initial level adds.
    pub initial_option: Magnitude,
}

impl Parameters {
    /// What makes them no parameters of this model. `path` is where they are.
    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(require(!self.scenarios.is_empty(), format!("{path}.scenarios"), "scenarios", "none"));
        let threshold = self.contingency.confidence_threshold;
        let place = format!("{path}.contingency.confidence_threshold");
        problems.extend(require(threshold <= Magnitude::ONE, place, "at most 1", threshold));
        problems
    }
}
