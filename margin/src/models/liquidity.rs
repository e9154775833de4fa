//! Liquidity-adjusted haircuts: a ladder by size that follows from how deep a market is and how much it moves.
//!
//! What is liquidated is sold down the market's depth within a horizon. With `h` the haircut that holds for any size,
//! `s_t` the slippage at which the depth's step `t` sells, `σ` the standard deviation of a day's return, `T` the
//! horizon in days and `k` the number of standard deviations that the price may fall meanwhile, the part of a value
//! within step `t` counts for
//!
//! `w_t = max(0, 1 - h - s_t - k·σ·√T)`,
//!
//! with the last term rounded up to a part per million. Beyond the last step nothing can be sold in time, so nothing
//! counts. The whole of a step counts at the slippage of its end, which is against the account.
//!
//! Source: the price concession as a function of size is the temporary impact of Almgren and Chriss (*Optimal execution
//! of portfolio transactions*, 2000), given here by its values at a few sizes instead of a formula; the growth of the
//! risk with the square root of time is the usual rule for independent returns (RiskMetrics, 1996).

use alloy_primitives::U256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    problem::{Problem, not_empty, require},
    units::{Notional, Ppm, Seconds},
};

use super::{Tier, fraction::charge_problems};
use crate::level::{Basis, ByBasis};

/// Seconds of the day that volatility is stated for.
const DAY: u32 = 86_400;

/// How well an asset sells: what its ladder follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Liquidity {
    /// What does not count whatever the size.
    #[serde(default = "ByBasis::zero")]
    pub haircut: ByBasis,
    /// The standard deviation of a day's return.
    pub volatility: Ppm,
    /// How many standard deviations the price may fall while the asset is sold, in millionths.
    pub deviations: ByBasis,
    /// How long selling may take.
    pub horizon: Seconds,
    /// What can be sold within that time.
    pub depth: Vec<Depth>,
}

/// A step of a market's depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Depth {
    /// Where the step ends, in quote units from the first unit sold.
    pub up_to: Notional,
    /// How far below the price the last unit of the step sells.
    pub slippage: Ppm,
}

impl Liquidity {
    /// The ladder. Correct if the checks of the policy find no problem with it.
    #[must_use]
    pub fn tiers(&self) -> Vec<Tier> {
        let weight = |basis, slippage| self.weight(basis, slippage);
        let tier = |Depth { up_to, slippage }: &Depth| {
            let (maintenance, initial) = (weight(Basis::Maintenance, *slippage), weight(Basis::Initial, *slippage));
            Tier::new(Some(*up_to), ByBasis { maintenance, initial })
        };
        self.depth.iter().map(tier).collect()
    }

    fn weight(&self, basis: Basis, slippage: Ppm) -> Ppm {
        let lost = [self.haircut.at(basis), slippage, self.risk(basis)];
        Ppm(lost.into_iter().fold(Ppm::ONE.0, |weight, lost| weight.saturating_sub(lost.0)))
    }

    /// `k·σ·√T`, rounded up; one if it is more, because then nothing is left.
    fn risk(&self, basis: Basis) -> Ppm {
        let wide = |number: u32| U256::from(number);
        let deviation = wide(self.deviations.at(basis).0) * wide(self.volatility.0);
        let variance = deviation * deviation * U256::from(self.horizon.0);
        let unit = wide(Ppm::ONE.0) * wide(Ppm::ONE.0) * wide(DAY);
        // The least number whose square, in the unit of the variance, is not below it.
        let (mut low, mut high) = (0, Ppm::ONE.0);
        while low < high {
            let middle = low + (high - low) / 2;
            if wide(middle) * wide(middle) * unit >= variance { high = middle } else { low = middle + 1 }
        }
        Ppm(low)
    }

    /// What makes it no description of a market. `path` is where it is.
    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let place = |key: &str| format!("{path}.{key}");
        let mut problems = Vec::from_iter(charge_problems(&place("haircut"), self.haircut));
        problems.extend(charge_problems(&place("deviations"), self.deviations));
        let horizon = self.horizon.0;
        problems.extend(require(horizon > 0, place("horizon"), "at least one second", horizon));
        problems.extend(not_empty(&place("depth"), &self.depth));
        for (t, pair) in self.depth.windows(2).enumerate() {
            let [before, step] = pair else { continue };
            let place = |key: &str| format!("{path}.depth[{}].{key}", t + 1);
            let expected = format!("more than the step before, which ends at {}", before.up_to);
            problems.extend(require(step.up_to > before.up_to, place("up_to"), expected, step.up_to));
            let expected = format!("at least the slippage of the step before, which is {}", before.slippage.0);
            let found = step.slippage.0;
            problems.extend(require(step.slippage >= before.slippage, place("slippage"), expected, found));
        }
        problems
    }
}
