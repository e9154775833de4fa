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
    problem::Problem,
    program::Expression,
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
        Rule { path, instrument: &self.instrument, price: self.price.as_ref(), short: self.short, measures: Vec::new() }
    }

    pub(super) fn ladder(&self, level: &Level) -> Ladder {
        Ladder::new(level.basis, self.weight, &self.tiers)
    }

    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        ladder::problems(path, self.weight, &self.tiers)
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
        let owed = Fraction::from(level.multiple);
        let term = |(rule, asset): (usize, &Asset)| asset.ladder(level).margin(frame, rule, owed);
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
