//! Collateral against debt, as lending markets count it.
//!
//! With `v_i` the value of holding `i`, negative where owed, the margin at a level of multiple `m` is
//! `Σ_i w_i·max(0, v_i) - m·Σ_i max(0, -v_i)`: the collateral after its haircut, where `w_i` is the loan to value
//! (initial) or the liquidation threshold (maintenance), less the debt at full weight.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Frame, Rule, frame::Fraction};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{ByBasis, Level, not_empty},
    problem::Problem,
    program::{Expression, min_of},
    units::Price,
};

/// Collateral with haircuts, and debt at full weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collateral {
    /// What counts as collateral or may be borrowed.
    pub assets: Vec<Asset>,
}

/// An asset that counts as collateral or may be borrowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// The instrument.
    pub instrument: Name,
    /// The market entry that prices it; left out for the quote currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Name>,
    /// Whether it may be owed.
    #[serde(default)]
    pub short: bool,
    /// How much of its value counts: the liquidation threshold (maintenance) and the loan to value (initial).
    pub weight: ByBasis,
}

impl Asset {
    pub(super) fn rule(&self) -> Rule<'_> {
        Rule { instrument: &self.instrument, price: self.price.as_ref(), short: self.short }
    }
}

impl Collateral {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let weights = self.assets.iter().enumerate();
        weights
            .flat_map(|(i, asset)| super::weight_problems(&format!("model.assets[{i}].weight"), asset.weight))
            .chain(not_empty("model.assets", &self.assets))
            .collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let term = |(rule, asset): (usize, &Asset)| {
            min_of(
                frame.value(rule, &[asset.weight.at(level.basis).into()]),
                frame.value(rule, &[level.multiple.into()]),
            )
        };
        self.assets.iter().enumerate().map(term).sum()
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for (rule, asset) in self.assets.iter().enumerate() {
            let value = |fraction: Fraction| frame.value_of(rule, &[fraction], position, prices);
            let owed = value(level.multiple.into())?;
            if owed.is_negative() {
                breakdown.charge(format!("debt in {}", asset.instrument), -owed)?;
            } else {
                breakdown.credit(value(asset.weight.at(level.basis).into())?)?;
            }
        }
        Some(breakdown)
    }
}
