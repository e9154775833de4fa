//! Collateral against debt, as lending markets count it.
//!
//! With `v_i` the value of holding `i`, negative where owed, the margin at a level of multiple `m` is
//! `Σ_i w_i·max(0, v_i) - m·Σ_i max(0, -v_i)`: the collateral after its haircut, where `w_i` is the loan to value
//! (initial) or the liquidation threshold (maintenance), less the debt at full weight. What is owed is valued with the
//! asset's debt spread, and a liquidation that costs the fraction `c` of the debt makes `m` into `m + c`. An asset may
//! have a ladder of weights that fall with its value instead of one weight: see [`Tier`] and [`Liquidity`]; and an
//! allowance, which is required of it whatever its size.
//!
//! Some markets count all collateral `V = Σ v_i` at the average of the weights, cut to whole steps of `s`. A quotient
//! of holdings is no linear program, but `⌊a/s⌋·s > a - s` for every average `a = Σ w_i·v_i / V`, so that
//! `V·⌊a/s⌋·s > Σ (w_i - s)·v_i`: each weight less a step never counts more than the market counts, and less by no more
//! than `s·V`. Nothing concave counts more: just beside an account of the asset with the largest weight alone, the
//! average is just below a whole step, and the market cuts nearly all of one. Where all weights are the same so is the
//! average, and nothing is taken off.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, require},
    units::{Allowance, Ppm, Price},
};

use super::{
    Breakdown, Frame, InstrumentRule,
    fraction::Fraction,
    ladder::{self, Ladder, Tier},
    liquidity::Liquidity,
    required::{PriceUnits, Required},
    rule::units_of,
    size::{self, Tiering},
};
use crate::{
    holdings::Position,
    level::{Basis, ByBasis, Level},
    program::Expression,
};

/// Collateral with haircuts, and debt at full weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collateral {
    /// What counts as collateral or may be borrowed.
    pub assets: Vec<Asset>,
    /// The step to which the market cuts the average of the weights, which it counts all collateral at: each weight
    /// counts for that much less, unless all are the same at the level's basis. Weights of zero are no collateral's.
    #[serde(default, skip_serializing_if = "Ppm::is_zero")]
    pub average_step: Ppm,
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
    /// How much of the holding each tier applies to.
    #[serde(default, skip_serializing_if = "Tiering::is_marginal")]
    pub tiering: Tiering,
    /// What the tiers follow from, instead of the tiers themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidity: Option<Liquidity>,
    /// What is required at every level if anything is held or owed, whatever its value: what a venue's rounding can
    /// make it count less, or a debt more. No multiple multiplies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

impl Asset {
    pub(super) fn rule(&self, path: String) -> InstrumentRule<'_> {
        let (debt_spread, allowance) = (self.debt_spread.as_ref(), self.allowance);
        let units = units_of("tiers", self.tiers.iter().map(|tier| tier.up_to_units));
        InstrumentRule {
            debt_spread,
            allowance,
            units,
            grows: true,
            jumps: !self.tiering.is_marginal(),
            ..InstrumentRule::new(path, &self.instrument, self.price.as_ref(), self.short)
        }
    }

    pub(super) fn ladder(&self, basis: Basis) -> Ladder {
        match &self.liquidity {
            Some(liquidity) => Ladder::new(basis, None, &liquidity.tiers(), self.tiering),
            None => Ladder::new(basis, self.weight, &self.tiers, self.tiering),
        }
    }

    pub(super) fn problems(&self, path: &str) -> Vec<Problem> {
        let Some(liquidity) = &self.liquidity else {
            let tiering = size::tiering_problem(path, self.tiering, !self.tiers.is_empty());
            return ladder::problems(path, self.weight, &self.tiers).into_iter().chain(tiering).collect();
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
            .chain(self.step_problems())
            .collect()
    }

    /// The average is over all collateral, also what has a weight at one basis only; a weight below the step would have
    /// to be lowered to less than nothing. It is one of single weights: beyond the end of a ladder nothing counts, and
    /// cannot be lowered.
    fn step_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.average_step == Ppm(0) {
            return problems;
        }
        for (i, asset) in self.assets.iter().enumerate() {
            let expected = "the key `weight` beside an average_step, and neither `tiers` nor `liquidity`";
            problems.extend(require(asset.weight.is_some(), format!("model.assets[{i}]"), expected, "another"));
            let weights = [Basis::Maintenance, Basis::Initial].map(|basis| asset.ladder(basis).weights().min());
            let least = weights.map(|least| least.unwrap_or(Ppm(0)));
            let fits = least == [Ppm(0); 2] || least.iter().all(|least| *least >= self.average_step);
            let expected =
                format!("weights of at least the average_step, {}, or of zero at both bases", self.average_step);
            let found = format!("initial {}, maintenance {}", least[1], least[0]);
            problems.extend(require(fits, format!("model.assets[{i}].weight"), expected, found));
        }
        problems
    }

    /// What is taken off each weight at a basis: nothing if the average is a whole number of steps whatever is held.
    fn step(&self, basis: Basis) -> Ppm {
        let weights = self.assets.iter().flat_map(|asset| asset.ladder(basis).weights().collect::<Vec<_>>());
        let different: BTreeSet<Ppm> = weights.filter(|weight| *weight > Ppm(0)).collect();
        let is_whole = |weight: &Ppm| weight.0.is_multiple_of(self.average_step.0);
        if different.len() > 1 || !different.iter().all(is_whole) { self.average_step } else { Ppm(0) }
    }

    /// A debt requires nothing by itself, at no multiple: what covers it is the haircut of the collateral. Where other
    /// models support this one, nobody knows what covers it.
    pub(super) fn required(&self, price_units: &PriceUnits<'_>, level: &Level, supported: bool) -> Vec<Required> {
        let strict = level.multiple > Ppm::ONE || level.liquidation_cost() > Ppm(0);
        let has_haircut = |asset: &Asset| asset.ladder(level.basis).has_haircut();
        let unit = |asset: &'_ Asset| price_units.unit(asset.price.as_ref()).cloned();
        let units = |of: &dyn Fn(&Asset) -> bool| {
            self.assets.iter().filter(|asset| of(asset)).map(unit).collect::<BTreeSet<_>>()
        };
        let (in_full, owed) = (units(&|asset| !has_haircut(asset)), units(&|asset| asset.short));
        let only = |units: &BTreeSet<Option<Name>>, asset: &Asset| units.iter().all(|other| *other == unit(asset));
        let required = |asset: &Asset| Required {
            held: strict || has_haircut(asset) || only(&owed, asset),
            owed: strict || !supported && only(&in_full, asset),
            lendable: false,
        };
        self.assets.iter().map(required).collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let owed = Fraction::from(level.multiple).plus(level.liquidation_cost().into());
        let step = self.step(level.basis);
        let term = |(rule, asset): (usize, &Asset)| {
            asset.ladder(level.basis).lowered(step).margin(frame, rule, owed) - frame.allowance(rule)
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
        let (mut breakdown, step) = (Breakdown::default(), self.step(level.basis));
        for (rule, asset) in self.assets.iter().enumerate() {
            let worth = |fraction: Ppm| frame.worth_of(rule, &[fraction.into()], position, prices);
            let owed = worth(level.multiple)?;
            if owed.is_negative() {
                breakdown.charge(format!("debt in {}", asset.instrument), -owed)?;
                breakdown.charge(format!("liquidation for {}", asset.instrument), -worth(level.liquidation_cost())?)?;
            } else {
                let ladder = asset.ladder(level.basis).lowered(step);
                breakdown.credit(ladder.counted(frame, rule, position, prices)?)?;
            }
            breakdown.charge(format!("allowance for {}", asset.instrument), frame.allowance_of(rule, position)?)?;
        }
        Some(breakdown)
    }
}
