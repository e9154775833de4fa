//! Cross margin: one account whose positions share all collateral.
//!
//! With `v_i` the marked value of holding `i`, at the price if it is held, and at the price and the debt spread together if
//! it is short or owed, the margin at a level of multiple `m` is
//! `Σ_i min(w_i·v_i, v_i) - m·Σ_i ((l_i - 1)·max(0, -v_i) + f_i·|v_i| + u_i·|q_i|) - c·L`: the weights `w_i ≤ 1` of what is
//! held and `l_i ≥ 1` of what is owed, the margin fractions `f_i`, the surcharges `u_i` on each of the `q_i` units (at
//! initial levels), and the cost `c` of a liquidation of `L`: the positions that margin is required for, and what is owed
//! at a weight above one. A derivative counts with its full marked value because the quote balance
//! carries its entry price: buying one contract at `P` adds one contract and takes `P` from the quote balance.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Frame, Rule, frame::Fraction};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{Basis, ByBasis, Level, not_empty},
    problem::Problem,
    program::{Expression, abs, min_of, positive_part},
    units::{Ppm, Price},
};

/// Cross margin for cash, spot, perpetuals and futures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// What the account may hold.
    pub positions: Vec<CrossPosition>,
}

/// An instrument under cross margin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossPosition {
    /// The instrument.
    pub instrument: Name,
    /// The market entry that prices it; left out for the quote currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Name>,
    /// The market entry that is added to the price where it is short or owed: what it may cost more than it sells for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt_spread: Option<Name>,
    /// Whether it may be short or owed.
    #[serde(default)]
    pub short: bool,
    /// How much of a positive value counts. Negative values always count in full.
    #[serde(default = "ByBasis::one")]
    pub weight: ByBasis,
    /// The margin fraction: how much of the absolute value is required.
    #[serde(default = "ByBasis::zero")]
    pub fraction: ByBasis,
    /// How much of a negative value is covered: what exceeds one is required.
    #[serde(default = "ByBasis::one", skip_serializing_if = "ByBasis::is_one")]
    pub liability: ByBasis,
    /// The market entry with what initial levels require of a unit, long or short, on top of the fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surcharge: Option<Name>,
}

impl CrossPosition {
    pub(super) fn rule(&self, path: String) -> Rule<'_> {
        Rule {
            debt_spread: self.debt_spread.as_ref(),
            surcharge: self.surcharge.as_ref(),
            ..Rule::new(path, &self.instrument, self.price.as_ref(), self.short)
        }
    }

    fn required(&self, level: &Level) -> Fraction {
        Fraction::product_up(self.fraction.at(level.basis), level.multiple)
    }

    /// What is required of a negative value on top of its covering itself.
    fn liability(&self, level: &Level) -> Fraction {
        let Ppm(liability) = self.liability.at(level.basis);
        Fraction::product_up(Ppm(liability.saturating_sub(Ppm::ONE.0)), level.multiple)
    }

    fn surcharged(level: &Level) -> Fraction {
        match level.basis {
            Basis::Maintenance => Fraction::from(Ppm(0)),
            Basis::Initial => level.multiple.into(),
        }
    }

    /// What a liquidation costs of a value of either sign: of that for which margin is required at any level.
    fn liquidation(&self, level: &Level) -> Fraction {
        let required = self.fraction.initial > Ppm(0) || self.surcharge.is_some();
        if required { level.liquidation_cost().into() } else { Ppm(0).into() }
    }

    /// What it costs of a negative value besides.
    fn debt_liquidation(&self, level: &Level) -> Fraction {
        let owed = self.liability.initial > Ppm::ONE && self.liquidation(level) == Ppm(0).into();
        if owed { level.liquidation_cost().into() } else { Ppm(0).into() }
    }
}

impl Cross {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(not_empty("model.positions", &self.positions));
        for (i, position) in self.positions.iter().enumerate() {
            let path = |key: &str| format!("model.positions[{i}].{key}");
            problems.extend(super::weight_problems(&path("weight"), position.weight));
            problems.extend(super::charge_problems(&path("fraction"), position.fraction));
            problems.extend(super::liability_problems(&path("liability"), position.liability));
        }
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let term = |(rule, position): (usize, &CrossPosition)| {
            let weighted = frame.value(rule, &[position.weight.at(level.basis).into()]);
            let value = frame.debt_value(rule, &[Ppm::ONE.into()]);
            let held = |fraction| positive_part(frame.value(rule, &[fraction]));
            let owed = |fraction| positive_part(-frame.debt_value(rule, &[fraction]));
            let of_either_sign = position.required(level).plus(position.liquidation(level));
            let of_debt = position.liability(level).plus(position.debt_liquidation(level));
            let surcharge = abs(frame.surcharge(rule, &[CrossPosition::surcharged(level)]));
            min_of(weighted, value) - held(of_either_sign) - owed(of_either_sign.plus(of_debt)) - surcharge
        };
        self.positions.iter().enumerate().map(term).sum()
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for (rule, cross) in self.positions.iter().enumerate() {
            let worth = |fraction: Fraction| frame.worth_of(rule, &[fraction], position, prices);
            let owed = |fraction| Some((-worth(fraction)?).max(I256::ZERO));
            let counted = worth(cross.weight.at(level.basis).into())?.min(worth(Ppm::ONE.into())?);
            breakdown.credit(counted)?;
            let surcharge = frame.surcharge_of(rule, &[CrossPosition::surcharged(level)], position, prices)?.abs();
            let margin = worth(cross.required(level))?.abs().checked_add(surcharge)?;
            breakdown.charge(format!("margin of {}", cross.instrument), margin)?;
            breakdown.charge(format!("liability weight of {}", cross.instrument), owed(cross.liability(level))?)?;
            let liquidation =
                worth(cross.liquidation(level))?.abs().checked_add(owed(cross.debt_liquidation(level))?)?;
            breakdown.charge(format!("liquidation of {}", cross.instrument), liquidation)?;
        }
        Some(breakdown)
    }
}
