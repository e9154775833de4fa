//! Cross margin: one account whose positions share all collateral.
//!
//! With `v_i` the marked value of holding `i`, the margin at a level of multiple `m` is
//! `Σ_i min(w_i·v_i, v_i) - m·Σ_i f_i·|v_i|`; a position may have a ladder of weights instead of one: see [`Tier`]. A derivative counts with its full marked value because the quote balance
//! carries its entry price: buying one contract at `P` adds one contract and takes `P` from the quote balance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Frame, Rule,
    frame::Fraction,
    ladder::{self, Ladder, Tier},
};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{ByBasis, Level, not_empty},
    problem::Problem,
    program::{Expression, abs},
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
    /// Whether it may be short or owed.
    #[serde(default)]
    pub short: bool,
    /// How much of a positive value counts. Negative values always count in full. Left out if it has tiers.
    #[serde(default = "ByBasis::one")]
    pub weight: ByBasis,
    /// How much of a positive value counts, part by part, instead of one weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The margin fraction: how much of the absolute value is required.
    #[serde(default = "ByBasis::zero")]
    pub fraction: ByBasis,
}

impl CrossPosition {
    pub(super) fn rule(&self, path: String) -> Rule<'_> {
        Rule { path, instrument: &self.instrument, price: self.price.as_ref(), short: self.short, measures: Vec::new() }
    }

    fn weight(&self) -> Option<ByBasis> {
        ladder::weight_beside(&self.tiers, self.weight)
    }

    fn required(&self, level: &Level) -> Fraction {
        Fraction::product_up(self.fraction.at(level.basis), level.multiple)
    }
}

impl Cross {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(not_empty("model.positions", &self.positions));
        for (i, position) in self.positions.iter().enumerate() {
            let path = format!("model.positions[{i}]");
            problems.extend(ladder::problems(&path, position.weight(), &position.tiers));
            problems.extend(super::charge_problems(&format!("{path}.fraction"), position.fraction));
        }
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let term = |(rule, position): (usize, &CrossPosition)| {
            let ladder = Ladder::new(level.basis, position.weight(), &position.tiers);
            let required = abs(frame.value(rule, &[position.required(level)]));
            ladder.margin(frame, rule, Ppm::ONE.into()) - required
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
            let ladder = Ladder::new(level.basis, cross.weight(), &cross.tiers);
            breakdown.credit(ladder.margin_of(frame, rule, Ppm::ONE.into(), position, prices)?)?;
            let required = frame.value_of(rule, &[cross.required(level)], position, prices)?.abs();
            breakdown.charge(format!("margin of {}", cross.instrument), required)?;
        }
        Some(breakdown)
    }
}
