//! Requirements by size: more is required of the next part of a larger position, as a rule, long and short alike.
//!
//! With tiers `t = 1, 2, …` that begin at `T_0 = 0 < T_1 < …` and require the rates `f_1, f_2, …`, a position of
//! value `v` requires `Σ_t f_t·(the part of |v| within tier t)`. These are marginal rates: each part of the value is
//! charged at the rate of the tier that it lies in, so nothing jumps where a tier ends. The sum equals
//! `Σ_t (f_t - f_{t-1})·max(0, |v| - T_{t-1})` with `f_0 = 0`. Where the rates rise it is convex; where one falls, the
//! positive part is exact and takes four variables more. The last tier has no end.
//!
//! With [`Tiering::WholePosition`] the rate of the tier that `|v|` ends in is charged on all of it, `f_t·|v|`: the
//! requirement jumps by `(f_{t+1} - f_t)·T_t` where tier t is left, and a value of exactly `T_t` is still within it.
//!
//! It is the dual of a haircut ladder (see [`super::Tier`]), which is for the positive value of a holding.
//!
//! Venues publish such brackets as the rate `f_t` on the whole position less a "maintenance amount"
//! `Σ_{s<t} (f_{s+1} - f_s)·T_s`: that deduction makes the requirement continuous, and the two forms are the same.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    decimal::Magnitude,
    problem::{Problem, require},
    units::{Notional, Price},
};

use super::{
    Frame,
    fraction::Fraction,
    size::{self, Side, Size, Tiering, UNIT},
};
use crate::{
    holdings::Position,
    level::ByBasis,
    program::{Affine, Expression},
};

/// A tier of a requirement: the rate for the part of a value above the tier before and below its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateTier {
    /// Where the tier ends, in quote units. Left out for the last tier, which has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Notional>,
    /// Where the tier ends, in units of the instrument: for all tiers of a list, instead of quote units.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Magnitude::some_number")]
    pub up_to_units: Option<Magnitude>,
    /// The rate for the part.
    pub rate: ByBasis,
}

impl RateTier {
    fn end(&self) -> Option<Size> {
        Size::of(self.up_to, self.up_to_units)
    }
}

/// What is required of a position at a level, tier by tier, smallest first. Correct if [`problems`] finds none.
pub(super) struct Rates {
    tiers: Vec<(Option<Size>, Fraction)>,
    tiering: Tiering,
}

impl Rates {
    /// One rate, or that of tiers if there are any; `at` is what a rate comes to at the level.
    pub(super) fn new(single: ByBasis, tiers: &[RateTier], tiering: Tiering, at: impl Fn(ByBasis) -> Fraction) -> Self {
        let tiers: Vec<_> = tiers.iter().map(|tier| (tier.end(), at(tier.rate))).collect();
        Self { tiers: if tiers.is_empty() { vec![(None, at(single))] } else { tiers }, tiering }
    }

    /// The rate of the first tier.
    pub(super) fn first(&self) -> Fraction {
        self.tiers.first().map_or(Fraction(0), |(_, rate)| *rate)
    }

    /// The least rate of any tier.
    pub(super) fn least(&self) -> Fraction {
        self.tiers.iter().map(|(_, rate)| *rate).min().unwrap_or(Fraction(0))
    }

    /// How much more is required of a position on a side than at the first rate throughout.
    pub(super) fn rise(&self, frame: &Frame<'_>, rule: usize, side: Side) -> Expression {
        let rise = |pair: &[(Option<Size>, Fraction)]| {
            let [(end, before), (_, rate)] = pair else { return None };
            let end = end.as_ref()?.value(frame, rule, side);
            let above = self.tiering.beyond(side.value(frame, rule), &end);
            let rise = rate.0 - before.0;
            (rise != 0).then(|| above.times(Affine::constant(I256::unchecked_from(rise))))
        };
        self.tiers.windows(2).filter_map(rise).sum()
    }

    /// What is required of a position, tier by tier. None if it exceeds 256 bits.
    pub(super) fn required(
        &self,
        frame: &Frame<'_>,
        rule: usize,
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        let worth = frame.worth_of(rule, &[UNIT], position, prices)?;
        let side = if worth.is_negative() { Side::Owed } else { Side::Held };
        let ends = size::ends_at(self.tiers.iter().map(|(end, _)| *end), (frame, rule, side), prices)?;
        let rates = self.tiers.iter().map(|(_, Fraction(rate))| I256::unchecked_from(*rate));
        self.tiering.total(worth.abs(), ends.into_iter().zip(rates))
    }
}

/// What is wrong with the keys `key` and `key_tiers` of the table at `path`: a rate with this default, or tiers of it.
/// `of_rate` finds what is wrong with a rate by itself.
pub(super) fn problems(
    (path, key): (&str, &str),
    (rate, default): (ByBasis, ByBasis),
    tiers: &[RateTier],
    of_rate: fn(&str, ByBasis) -> Option<Problem>,
) -> Vec<Problem> {
    let mut problems = Vec::from_iter(of_rate(&format!("{path}.{key}"), rate));
    let one = tiers.is_empty() || rate == default;
    let expected = format!("either the key `{key}` or the key `{key}_tiers`");
    problems.extend(require(one, path, expected, "both"));
    let path = format!("{path}.{key}_tiers");
    for (t, tier) in tiers.iter().enumerate() {
        problems.extend(of_rate(&format!("{path}[{t}].rate"), tier.rate));
    }
    problems.extend(size::problems(&path, tiers.iter().map(|tier| (tier.up_to, tier.up_to_units))));
    if let Some(end) = tiers.last().and_then(RateTier::end) {
        let (key, end) = match end {
            Size::Value(end) => ("up_to", end.to_string()),
            Size::Units(end) => ("up_to_units", end.to_string()),
        };
        let expected = "no end of the last tier, or nothing would be required of what lies beyond it";
        problems.push(Problem::new(format!("{path}[{}].{key}", tiers.len() - 1), expected, end));
    }
    problems
}
