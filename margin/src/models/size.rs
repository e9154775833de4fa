//! Sizes at which tiers end: values in quote units, or numbers of units.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    decimal::Magnitude,
    problem::{Problem, require},
    units::{Notional, Price},
};

use super::{Frame, fraction::Fraction};
use crate::program::{Affine, Expression, exceeds, number, positive_part};

/// One part per million: what the values of tiers are multiplied with before their rates.
pub(super) const UNIT: Fraction = Fraction(1);

/// How much of a position a tier applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tiering {
    /// The part of the position within the tier.
    #[default]
    Marginal,
    /// The whole position, if it ends within the tier.
    WholePosition,
}

impl Tiering {
    /// Whether each tier applies to a part.
    #[must_use]
    pub fn is_marginal(&self) -> bool {
        *self == Self::Marginal
    }

    /// How much of a value the tiers after an end apply to: what exceeds the end, or all of it if anything does.
    pub(super) fn beyond(self, value: Expression, end: &Affine) -> Expression {
        let excess = value - number(end.clone());
        match self {
            Self::Marginal => positive_part(excess),
            Self::WholePosition => positive_part(excess.clone()) + exceeds(excess).times(end.clone()),
        }
    }

    /// What a value that is not negative comes to, tier by tier: each with its end, if it has one, and its rate. None
    /// if it exceeds 256 bits.
    pub(super) fn total(self, value: I256, tiers: impl Iterator<Item = (Option<I256>, I256)>) -> Option<I256> {
        let (mut rest, mut start, mut total) = (value, I256::ZERO, I256::ZERO);
        for (end, rate) in tiers {
            let part = match (end, self) {
                (Some(end), Self::Marginal) => {
                    let room = end.checked_sub(start)?;
                    start = end;
                    rest.min(room)
                }
                (Some(end), Self::WholePosition) if rest > end => I256::ZERO,
                _ => rest,
            };
            rest = rest.checked_sub(part)?;
            total = total.checked_add(part.checked_mul(rate)?)?;
        }
        Some(total)
    }
}

/// Whether a position is held or owed: long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Held,
    Owed,
}

impl Side {
    /// The value of a holding where it is on this side, in parts per million; negative where it is on the other.
    pub(super) fn value(self, frame: &Frame<'_>, rule: usize) -> Expression {
        match self {
            Self::Held => frame.value(rule, &[UNIT]),
            Self::Owed => -frame.debt_value(rule, &[UNIT]),
        }
    }
}

/// Where a tier ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    Value(Notional),
    Units(Magnitude),
}

impl Size {
    /// The end that a tier states; none if it has no end.
    pub(super) fn of(value: Option<Notional>, units: Option<Magnitude>) -> Option<Self> {
        value.map(Self::Value).or(units.map(Self::Units))
    }

    /// The value of a position of this size, in parts per million: that of a number of units follows the price.
    pub(super) fn value(self, frame: &Frame<'_>, rule: usize, side: Side) -> Affine {
        match self {
            Self::Value(value) => Affine::constant(frame.amount(value, &[UNIT])),
            Self::Units(units) => frame.value_of_units(rule, units, side == Side::Owed, &[UNIT]),
        }
    }
}

/// The values at which tiers end, in parts per million; of a tier without end none. None if one exceeds 256 bits.
pub(super) fn ends_at(
    ends: impl Iterator<Item = Option<Size>>,
    (frame, rule, side): (&Frame<'_>, usize, Side),
    prices: &[Price],
) -> Option<Vec<Option<I256>>> {
    let at = |end: Size| end.value(frame, rule, side).at(prices).ok();
    ends.map(|end| end.map_or(Some(None), |end| at(end).map(Some))).collect()
}

/// What is wrong with the key `tiering` of the table at `path`, which has tiers or none.
pub(super) fn tiering_problem(path: &str, tiering: Tiering, has_tiers: bool) -> Option<Problem> {
    let expected = "tiers, because the key says what they apply to";
    require(tiering.is_marginal() || has_tiers, format!("{path}.tiering"), expected, "none")
}

/// What makes the ends of tiers no sequence: each tier but the last ends, further out than the one before, and all of
/// them in the same terms. `path` is where the list is.
pub(super) fn problems(
    path: &str,
    ends: impl Iterator<Item = (Option<Notional>, Option<Magnitude>)> + Clone,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (t, (value, units)) in ends.clone().enumerate() {
        let place = |key: &str| format!("{path}[{t}].{key}");
        let one = value.is_none() || units.is_none();
        let expected = "either the key `up_to` or the key `up_to_units`";
        problems.extend(require(one, format!("{path}[{t}]"), expected, "both"));
        if let Some(units) = units {
            let expected = "a positive number of units";
            problems.extend(require(units > Magnitude::default(), place("up_to_units"), expected, units));
        }
    }
    for (t, (before, end)) in ends.clone().zip(ends.skip(1)).enumerate() {
        let place = |key: &str| format!("{path}[{}].{key}", t + 1);
        let further = |start: String| format!("more than the tier before, which ends at {start}");
        match (Size::of(before.0, before.1), Size::of(end.0, end.1)) {
            (None, _) => {
                let expected = "an end, because only the last tier may be without";
                let found = "none in a tier that others follow";
                problems.push(Problem::new(format!("{path}[{t}].up_to"), expected, found));
            }
            (Some(Size::Value(start)), Some(Size::Value(end))) => {
                problems.extend(require(end > start, place("up_to"), further(start.to_string()), end));
            }
            (Some(Size::Units(start)), Some(Size::Units(end))) => {
                problems.extend(require(end > start, place("up_to_units"), further(format!("{start} units")), end));
            }
            (Some(_), Some(_)) => {
                let expected = "ends that are all values (`up_to`) or all numbers of units (`up_to_units`)";
                problems.push(Problem::new(format!("{path}[{}]", t + 1), expected, "both kinds"));
            }
            (Some(_), None) => {}
        }
    }
    problems
}
