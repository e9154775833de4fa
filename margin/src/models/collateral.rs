//! Collateral against debt, as lending markets count it.
//!
//! With `v_i` the value of holding `i`, negative where owed, the margin at a level of multiple `m` is
//! `Σ_i w_i·max(0, v_i) - m·Σ_i max(0, -v_i)`: the collateral after its haircut, where `w_i` is the loan to value
//! (initial) or the liquidation threshold (maintenance), less the debt at full weight. An asset may have a ladder of
//! weights that fall with its value instead of one weight: see [`Tier`].

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
    problem::{Problem, require},
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
    /// How much of its value counts: the liquidation threshold (maintenance) and the loan to value (initial). Left out
    /// if it has tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<ByBasis>,
    /// How much of its value counts, part by part: the more there is, the less of the next part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

impl Asset {
    pub(super) fn rule(&self, path: String) -> Rule<'_> {
        Rule { path, instrument: &self.instrument, price: self.price.as_ref(), short: self.short }
    }

    /// One weight is a ladder of one tier without end.
    fn ladder(&self, level: &Level) -> Ladder {
        let single = self.weight.map(|weight| Tier { up_to: None, weight });
        Ladder::new(level.basis, single.into_iter().chain(self.tiers.iter().copied()).collect())
    }

    fn problems(&self, path: &str) -> Vec<Problem> {
        let found = if self.weight.is_some() { "both" } else { "neither" };
        let one = self.weight.is_some() == self.tiers.is_empty();
        let mut problems = Vec::from_iter(require(one, path, "either the key `weight` or the key `tiers`", found));
        problems.extend(self.weight.and_then(|weight| super::weight_problems(&format!("{path}.weight"), weight)));
        problems.extend(ladder::problems(&format!("{path}.tiers"), &self.tiers));
        problems
    }
}

impl Collateral {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let assets = self.assets.iter().enumerate();
        assets
            .flat_map(|(i, asset)| asset.problems(&format!("model.assets[{i}]")))
            .chain(not_empty("model.assets", &self.assets))
            .collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let term = |(rule, asset): (usize, &Asset)| {
            let ladder = asset.ladder(level);
            let value = min_of(frame.value(rule, &[ladder.first()]), frame.value(rule, &[level.multiple.into()]));
            value - ladder.reduction(frame, rule)
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
            let owed = frame.value_of(rule, &[Fraction::from(level.multiple)], position, prices)?;
            if owed.is_negative() {
                breakdown.charge(format!("debt in {}", asset.instrument), -owed)?;
            } else {
                breakdown.credit(asset.ladder(level).counted(frame, rule, position, prices)?)?;
            }
        }
        Some(breakdown)
    }
}
