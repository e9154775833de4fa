//! Collateral against debt, as lending markets count it.
//!
//! With `v_i` the value of holding `i`, negative where owed, the margin at a level of multiple `m` is
//! `Σ_i w_i·max(0, v_i) - m·Σ_i max(0, -v_i)`: the collateral after its haircut, where `w_i` is the loan to value
//! (initial) or the liquidation threshold (maintenance), less the debt at full weight. What is owed is valued with the
//! asset's debt spread, and a liquidation that costs the fraction `c` of the debt makes `m` into `m + c`. An asset may have
//! a ladder of weights that fall with its value instead of one weight: see [`Tier`] and [`Liquidity`].

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Frame, Rule,
    frame::Fraction,
    ladder::{self, Ladder, Tier},
    liquidity::Liquidity,
    unmargined::{Entries, Required},
};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{ByBasis, Level, not_empty},
    problem::{Problem, require},
    program::Expression,
    units::{Ppm, Price},
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
    /// The market entry that is added to the price where it is owed: what the asset may cost more than it sells for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt_spread: Option<Name>,
    /// Whether it may be owed.
    #[serde(default)]
    pub short: bool,
    /// How much of its value counts: the liquidation threshold (maintenance) and the loan to value (initial). Left out
    /// if it has tiers or a liquidity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<ByBasis>,
    /// How much of its value counts, part by part: the more there is, the less of the next part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// What the tiers follow from, instead of the tiers themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidity: Option<Liquidity>,
}

impl Asset {
    pub(super) fn rule(&self, path: String) -> Rule<'_> {
        let debt_spread = self.debt_spread.as_ref();
        let units = super::units_of("tiers", self.tiers.iter().map(|tier| tier.up_to_units));
        Rule { debt_spread, units, ..Rule::new(path, &self.instrument, self.price.as_ref(), self.short) }
    }

    pub(super) fn ladder(&self, level: &Level) -> Ladder {
        match &self.liquidity {
            Some(liquidity) => Ladder::new(level.basis, None, &liquidity.tiers()),
            None => Ladder::new(level.basis, self.weight, &self.tiers),
        }
    }

    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let Some(liquidity) = &self.liquidity else {
            return ladder::problems(path, self.weight, &self.tiers);
        };
        let alone = self.weight.is_none() && self.tiers.is_empty();
        let expected = "neither the key `weight` nor the key `tiers` beside the key `liquidity`";
        let mut problems = Vec::from_iter(require(alone, path, expected, "one of them"));
        problems.extend(liquidity.problems(&format!("{path}.liquidity")));
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

    /// A debt requires nothing by itself, at no multiple: what covers it is the haircut of the collateral.
    pub(super) fn required(&self, entries: &Entries<'_>, level: &Level) -> Vec<Required> {
        let strict = level.multiple > Ppm::ONE || level.liquidation_cost() > Ppm(0);
        let has_haircut = |asset: &Asset| asset.ladder(level).has_haircut();
        let unit = |asset: &'_ Asset| entries.unit(asset.price.as_ref()).cloned();
        let units = |of: &dyn Fn(&Asset) -> bool| {
            self.assets.iter().filter(|asset| of(asset)).map(unit).collect::<BTreeSet<_>>()
        };
        let (in_full, owed) = (units(&|asset| !has_haircut(asset)), units(&|asset| asset.short));
        let only = |units: &BTreeSet<Option<Name>>, asset: &Asset| units.iter().all(|other| *other == unit(asset));
        let required = |asset: &Asset| Required {
            held: strict || has_haircut(asset) || only(&owed, asset),
            owed: strict || only(&in_full, asset),
            lendable: false,
        };
        self.assets.iter().map(required).collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let owed = Fraction::from(level.multiple).plus(level.liquidation_cost().into());
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
            let worth = |fraction: Ppm| frame.worth_of(rule, &[fraction.into()], position, prices);
            let owed = worth(level.multiple)?;
            if owed.is_negative() {
                breakdown.charge(format!("debt in {}", asset.instrument), -owed)?;
                breakdown.charge(format!("liquidation for {}", asset.instrument), -worth(level.liquidation_cost())?)?;
            } else {
                breakdown.credit(asset.ladder(level).counted(frame, rule, position, prices)?)?;
            }
        }
        Some(breakdown)
    }
}
