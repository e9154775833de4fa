//! Haircut ladders by size: the next part of a larger holding counts for less, as a rule.
//!
//! With tiers `t = 1, 2, …` that end at the values `T_1 < T_2 < …` and count for the fractions `w_1, w_2, …`, a
//! holding of value `v ≥ 0` counts for `Σ_t w_t·max(0, min(v, T_t) - T_{t-1})`, where `T_0 = 0`. These are marginal
//! ratios: each part of the value counts at the ratio of the tier that it lies in. The sum equals
//! `w_1·v - Σ_t (w_t - w_{t+1})·max(0, v - T_t)`, where a tier after the last counts for nothing. Where the ratios
//! fall it is concave; where one rises, the positive part is exact and takes four variables more.
//!
//! With [`Tiering::WholePosition`] all of the holding counts at the weight of the tier that its value ends in, so that
//! it counts for `(w_t - w_{t+1})·T_t` less as soon as it leaves tier t; a value of exactly `T_t` is still within it.
//!
//! Source: the tiered collateral ratios that exchanges publish for concentrated collateral.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    decimal::Magnitude,
    problem::{Problem, require},
    units::{Notional, Ppm, Price},
};

use super::{
    Frame,
    fraction::{Fraction, weight_problems},
    size::{self, Side, Size, Tiering, UNIT},
};
use crate::{
    holdings::Position,
    level::{Basis, ByBasis},
    program::{Affine, Expression, min_of, positive_part},
};

/// A tier of a ladder: how much of the part of a value counts that lies above the tier before and below its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Where the tier ends, in quote units. Left out for a last tier without end; otherwise nothing counts beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Notional>,
    /// Where the tier ends, in units of the instrument: for all tiers of a list, instead of quote units.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Magnitude::some_number")]
    pub up_to_units: Option<Magnitude>,
    /// How much of the part counts.
    pub weight: ByBasis,
}

impl Tier {
    /// A tier that ends at a value, or does not end.
    #[must_use]
    pub fn new(up_to: Option<Notional>, weight: ByBasis) -> Self {
        Self { up_to, up_to_units: None, weight }
    }

    fn end(&self) -> Option<Size> {
        Size::of(self.up_to, self.up_to_units)
    }
}

/// How much of a holding counts at one basis, tier by tier, lowest first. Correct if [`problems`] finds none.
pub(super) struct Ladder {
    basis: Basis,
    tiers: Vec<Tier>,
    tiering: Tiering,
}

impl Ladder {
    /// One weight is a ladder of one tier without end.
    pub(super) fn new(basis: Basis, weight: Option<ByBasis>, tiers: &[Tier], tiering: Tiering) -> Self {
        let single = weight.map(|weight| Tier::new(None, weight));
        Self { basis, tiers: single.into_iter().chain(tiers.iter().copied()).collect(), tiering }
    }

    /// The same ladder with each weight lower by so much.
    pub(super) fn lowered(self, by: Ppm) -> Self {
        let lower = |weight: Ppm| Ppm(weight.0.saturating_sub(by.0));
        let lowered = |tier: Tier| {
            let ByBasis { maintenance, initial } = tier.weight;
            Tier { weight: ByBasis { maintenance: lower(maintenance), initial: lower(initial) }, ..tier }
        };
        Self { tiers: self.tiers.into_iter().map(lowered).collect(), ..self }
    }

    /// The weight of each tier.
    pub(super) fn weights(&self) -> impl Iterator<Item = Ppm> {
        self.tiers.iter().map(|tier| tier.weight.at(self.basis))
    }

    /// What a holding counts for, where a negative one counts with its debt spread and times `owed`.
    pub(super) fn margin(&self, frame: &Frame<'_>, rule: usize, owed: Fraction) -> Expression {
        let held = frame.value(rule, &[self.weight(0).into()]);
        let debt = frame.debt_value(rule, &[owed]);
        // The smaller of the two, unless a shortfall is claimed at a multiple below one.
        let counted = match owed >= Ppm::ONE.into() {
            true => min_of(held, debt),
            false => positive_part(held) - positive_part(-debt),
        };
        counted - self.reduction(frame, rule, &frame.value(rule, &[UNIT]))
    }

    /// The same for a position. None if it exceeds 256 bits.
    pub(super) fn margin_of(
        &self,
        frame: &Frame<'_>,
        rule: usize,
        owed: Fraction,
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        let debt = frame.worth_of(rule, &[owed], position, prices)?;
        if debt.is_negative() { Some(debt) } else { self.counted(frame, rule, position, prices) }
    }

    /// How much less than all of it counts of a sum of values where it is positive. Its tiers end at values, which are
    /// the same under every rule.
    pub(super) fn discount(&self, frame: &Frame<'_>, rules: &[usize]) -> Expression {
        let Some(&rule) = rules.first() else { return Expression::zero() };
        let sum = |fraction| rules.iter().map(|rule| frame.value(*rule, &[fraction])).sum::<Expression>();
        let first = i64::from(Ppm::ONE.0) - i64::from(self.weight(0).0);
        positive_part(sum(Fraction(first))) + self.reduction(frame, rule, &sum(UNIT))
    }

    /// The same for a position. None if it exceeds 256 bits.
    pub(super) fn discount_of(
        &self,
        frame: &Frame<'_>,
        rules: &[usize],
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        let Some(&first) = rules.first() else { return Some(I256::ZERO) };
        let mut sum = I256::ZERO;
        for rule in rules {
            sum = sum.checked_add(frame.value_of(*rule, &[UNIT], position, prices)?)?;
        }
        let value = sum.max(I256::ZERO);
        value.checked_mul(I256::unchecked_from(Ppm::ONE.0))?.checked_sub(self.counted_of(frame, first, value, prices)?)
    }

    /// How much less a value, at one part per million, counts than at the first weight throughout, where tiers that end
    /// at numbers of units end at those of a rule's instrument.
    fn reduction(&self, frame: &Frame<'_>, rule: usize, value: &Expression) -> Expression {
        let fall = |(t, tier): (usize, &Tier)| {
            let end = tier.end()?.value(frame, rule, Side::Held);
            let fall = i64::from(self.weight(t).0) - i64::from(self.weight(t + 1).0);
            let above = self.tiering.beyond(value.clone(), &end);
            (fall != 0).then(|| above.times(Affine::constant(I256::unchecked_from(fall))))
        };
        self.tiers.iter().enumerate().filter_map(fall).sum()
    }

    /// What a holding that is not negative counts for: tier by tier. None if it exceeds 256 bits.
    pub(super) fn counted(
        &self,
        frame: &Frame<'_>,
        rule: usize,
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        self.counted_of(frame, rule, frame.value_of(rule, &[UNIT], position, prices)?, prices)
    }

    /// What a value counts for that is not negative, at one part per million.
    fn counted_of(&self, frame: &Frame<'_>, rule: usize, value: I256, prices: &[Price]) -> Option<I256> {
        let ends = size::ends_at(self.tiers.iter().map(Tier::end), (frame, rule, Side::Held), prices)?;
        let weights = self.weights().map(|weight| I256::unchecked_from(weight.0));
        self.tiering.total(value, ends.into_iter().zip(weights))
    }

    /// Whether each unit of a holding counts for less than it is worth.
    pub(super) fn has_haircut(&self) -> bool {
        self.weights().all(|weight| weight < Ppm::ONE)
    }

    fn weight(&self, tier: usize) -> Ppm {
        self.tiers.get(tier).map_or(Ppm(0), |tier| tier.weight.at(self.basis))
    }
}

/// The weight of a holding whose weight is one unless it is stated: beside tiers a weight of one is none.
pub(super) fn weight_beside(tiers: &[Tier], weight: ByBasis) -> Option<ByBasis> {
    (tiers.is_empty() || weight != ByBasis::one()).then_some(weight)
}

/// What is wrong with the keys `weight` and `tiers` of the table at `path`, of which there must be one.
pub(super) fn problems(path: &str, weight: Option<ByBasis>, tiers: &[Tier]) -> Vec<Problem> {
    let found = if weight.is_some() { "both" } else { "neither" };
    let one = weight.is_some() == tiers.is_empty();
    let mut problems = Vec::from_iter(require(one, path, "either the key `weight` or the key `tiers`", found));
    problems.extend(weight.and_then(|weight| weight_problems(&format!("{path}.weight"), weight)));
    problems.extend(tier_problems(&format!("{path}.tiers"), tiers));
    problems
}

/// What makes a list of tiers no ladder.
fn tier_problems(path: &str, tiers: &[Tier]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (t, tier) in tiers.iter().enumerate() {
        problems.extend(weight_problems(&format!("{path}[{t}].weight"), tier.weight));
    }
    problems.extend(size::problems(path, tiers.iter().map(|tier| (tier.up_to, tier.up_to_units))));
    problems
}
