//! Delta, gamma and vega: what an option gains when its risk factors move.
//!
//! If the underlying's price `S` moves by the fraction `r` and the volatility by `dv`, one unit gains
//! `Δ·S·r + ½·Γ·S²·r² + ν·dv`: its Taylor series to the second order in the price and to the first in the volatility.
//! The three sensitivities are market entries in quote units, so that they age with the snapshot and not with the
//! policy. The gain is linear in the holding whatever they are, so margins over such scenarios stay concave.
//!
//! Source: the delta-gamma approximation of J.P. Morgan/Reuters, RiskMetrics Technical Document (1996), with a term for
//! the volatility.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::ident::Name;

use super::{Frame, Measure, fraction::Fraction};
use crate::{market::boxes::Role, program::Affine, universe::InstrumentClass};

/// The sensitivities of one unit that is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Greeks {
    /// The market entry of the cash delta without its sign, `|Δ|·S`: the gain if the price doubled at this slope.
    pub delta: Name,
    /// The sign of the delta.
    #[serde(default)]
    pub delta_sign: DeltaSign,
    /// The market entry of the cash gamma, `Γ·S²`.
    pub gamma: Name,
    /// The market entry of the vega, `ν`: the gain if the volatility rose by one, which is 100 percent points.
    pub vega: Name,
    /// The risk factor of the volatility. Its shocks are absolute: `50_000` is a rise by 5 percent points.
    pub volatility: Name,
}

/// Which way the price of an option moves with that of its underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeltaSign {
    /// With it: a call.
    #[default]
    Positive,
    /// Against it: a put.
    Negative,
}

impl DeltaSign {
    pub(super) fn number(self) -> i128 {
        match self {
            Self::Positive => 1,
            Self::Negative => -1,
        }
    }
}

/// Places of the measures in a rule.
pub(super) const DELTA: usize = 0;
pub(super) const GAMMA: usize = 1;
pub(super) const VEGA: usize = 2;

/// The measures of a rule with greeks, of which the gamma is multiplied with a number of so many places.
pub(super) fn measures<'a>(delta: &'a Name, gamma: &'a Name, vega: &'a Name, places_of_gamma: u32) -> Vec<Measure<'a>> {
    let measure = |key, entry, role, places| Measure {
        key,
        entry: Some(entry),
        role,
        is_sensitivity: true,
        places,
        tighter: None,
    };
    vec![
        measure("greeks.delta", delta, Role::Price, 0),
        // What moves in proportion has no gamma and no vega.
        measure("greeks.gamma", gamma, Role::Added, places_of_gamma),
        measure("greeks.vega", vega, Role::Added, 0),
    ]
}

impl Greeks {
    /// The classes of instruments that have greeks.
    pub(super) const CLASSES: &[InstrumentClass] =
        &[InstrumentClass::Perpetual, InstrumentClass::Future, InstrumentClass::Option];

    pub(super) fn measures(&self) -> Vec<Measure<'_>> {
        // One place for the half.
        measures(&self.delta, &self.gamma, &self.vega, 1)
    }

    /// Whether what is held loses by its delta if the price moves by `shock`.
    pub(super) fn is_against(&self, shock: i64) -> bool {
        match self.delta_sign {
            DeltaSign::Positive => shock < 0,
            DeltaSign::Negative => shock > 0,
        }
    }

    /// What one lot gains if the price moves by the fraction `shock`, times `multiple`.
    pub(super) fn of_price(&self, frame: &Frame<'_>, rule: usize, shock: Fraction, multiple: Fraction) -> [Affine; 2] {
        let slope = frame.measure(rule, DELTA, self.delta_sign.number(), &[shock, multiple]);
        let curvature = frame.measure(rule, GAMMA, 5, &[shock, shock, multiple]);
        [slope, curvature]
    }

    /// What one lot gains if the volatility moves by `shock`, times `multiple`.
    pub(super) fn of_volatility(&self, frame: &Frame<'_>, rule: usize, shock: Fraction, multiple: Fraction) -> Affine {
        frame.measure(rule, VEGA, 1, &[shock, multiple])
    }
}
