//! Derived market entries: public numbers that follow from reported ones.
//!
//! Coefficients of programs are affine in the market vector, so a product or a quotient of two reported numbers cannot
//! be one of them. A policy that needs such a number states how it follows from others: it is computed in integers,
//! rounded the way that the policy says, and takes its place in the market vector behind the reported entries. Whoever
//! has the reported numbers computes the same.
//!
//! An entry is derived from entries before it, so nothing can depend on itself.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, require},
    rational::Rational,
    units::{Decimals, Notional, Ppm, Price},
};

/// A number of the market vector that follows from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DerivedEntry {
    /// Unique among all market entries of its policy.
    pub name: Name,
    /// The number is an integer times `10^-decimals`.
    pub decimals: Decimals,
    /// Smallest number for which the program is sound; a snapshot that gives a smaller one is refused.
    pub min: Price,
    /// Largest number for which the program is sound; a snapshot that gives a larger one is refused.
    pub max: Price,
    /// Where the formula's result is not a whole number.
    pub rounding: Rounding,
    /// What it is.
    pub formula: Formula,
}

/// Which way a derived number is rounded: what counts for the account down, what counts against it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the integer below.
    Down,
    /// To the integer above.
    Up,
}

/// How a number follows from entries before it, which are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// The product: an index times a price.
    Product(Vec<Name>),
    /// The first divided by the second.
    Quotient([Name; 2]),
    /// The sum: a price and its confidence.
    Sum(Vec<Name>),
    /// The first less the second: a price less its confidence. Zero if that is negative.
    Difference([Name; 2]),
    /// The smallest: of a price and its mean over time, where an asset is valued.
    Least(Vec<Name>),
    /// The largest: of a price and its mean over time, where a debt is valued.
    Greatest(Vec<Name>),
    /// A claim on something else, looked through.
    Claim(TokenClaim),
    /// A fraction that rises with a number.
    Ramp(Ramp),
}

/// What a token is worth that is a claim on something else: `underlying · rate · quality`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "Claim", deny_unknown_fields)]
pub struct TokenClaim {
    /// The token: an instrument of the universe.
    pub token: Name,
    /// The price of what it is a claim on. That of another claim, if it is one itself.
    pub underlying: Name,
    /// How many units of the underlying one unit of the token stands for: a public number that holders of the token
    /// cannot move.
    pub rate: Name,
    /// How much of it counts, at most one: what redemption costs and how sure it is.
    pub quality: Ppm,
    /// Who issued the token and owes the underlying.
    pub issuer: Name,
}

/// `start` up to `from`, `end` beyond `to`, and a straight line between the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// The number that it rises with.
    pub of: Name,
    /// Where it begins to rise.
    pub from: Notional,
    /// Where it ends to rise.
    pub to: Notional,
    /// Its least value.
    pub start: Ppm,
    /// Its largest value.
    pub end: Ppm,
}

impl Formula {
    /// Most parts of a formula that takes a list.
    const MAX_PARTS: usize = 8;

    /// The entries that it reads.
    pub(crate) fn reads(&self) -> Vec<&Name> {
        match self {
            Self::Product(names) | Self::Sum(names) | Self::Least(names) | Self::Greatest(names) => {
                names.iter().collect()
            }
            Self::Quotient(names) | Self::Difference(names) => names.iter().collect(),
            Self::Claim(claim) => vec![&claim.underlying, &claim.rate],
            Self::Ramp(ramp) => vec![&ramp.of],
        }
    }

    /// What makes it no formula. `path` is where it is.
    fn problems(&self, path: &str) -> Vec<Problem> {
        match self {
            Self::Product(names) | Self::Sum(names) | Self::Least(names) | Self::Greatest(names) => {
                let expected = format!("from 2 to {} market entries", Self::MAX_PARTS);
                let count = (2..=Self::MAX_PARTS).contains(&names.len());
                require(count, path, expected, names.len()).into_iter().collect()
            }
            Self::Quotient(_) | Self::Difference(_) => Vec::new(),
            Self::Claim(claim) => {
                let expected = "at most 100 %: a claim is worth no more than what it is on";
                let sound = claim.quality <= Ppm::ONE;
                require(sound, format!("{path}.claim.quality"), expected, claim.quality).into_iter().collect()
            }
            Self::Ramp(Ramp { from, to, start, end, .. }) => {
                let mut problems = Vec::new();
                let expected = format!("less than to, which is {to}");
                problems.extend(require(from < to, format!("{path}.ramp.from"), expected, from));
                let expected = format!("at most end, which is {}", end.0);
                problems.extend(require(start <= end, format!("{path}.ramp.start"), expected, start.0));
                problems
            }
        }
    }
}

impl DerivedEntry {
    /// The claim that it is the price of, if it is one.
    pub(crate) fn claim(&self) -> Option<&TokenClaim> {
        match &self.formula {
            Formula::Claim(claim) => Some(claim),
            _ => None,
        }
    }

    /// What makes it no entry, given the names of the entries before it. `path` is where it is.
    pub(crate) fn problems(&self, path: &str, before: &BTreeMap<&Name, Decimals>) -> Vec<Problem> {
        let mut problems = self.formula.problems(&format!("{path}.formula"));
        let expected = format!("at most max, which is {}", self.max);
        problems.extend(require(self.min <= self.max, format!("{path}.min"), expected, self.min));
        for name in self.formula.reads() {
            let expected = "market entries that come before it, so that nothing depends on itself";
            problems.extend(require(before.contains_key(name), format!("{path}.formula"), expected, name));
        }
        problems
    }

    /// The number, given those before it. None if a divisor is zero or the number exceeds every price.
    pub(crate) fn value(&self, before: &BTreeMap<&Name, (Price, Decimals)>) -> Option<Price> {
        let exact = match &self.formula {
            Formula::Product(names) => product(names.iter().map(|name| number(before, name)))?,
            Formula::Quotient([dividend, divisor]) => number(before, dividend)?.over(number(before, divisor)?)?,
            Formula::Sum(names) => sum(names.iter().map(|name| number(before, name)))?,
            Formula::Difference([first, second]) => number(before, first)?.less(number(before, second)?)?,
            Formula::Least(names) => extreme(before, names, Ordering::Less)?,
            Formula::Greatest(names) => extreme(before, names, Ordering::Greater)?,
            Formula::Claim(claim) => {
                let factors = [number(before, &claim.underlying)?, number(before, &claim.rate)?, claim.quality.into()];
                product(factors.into_iter().map(Some))?
            }
            Formula::Ramp(ramp) => ramp.value(number(before, &ramp.of)?)?,
        };
        let (floor, is_whole) = exact.floor(self.decimals)?;
        let rounded = if self.rounding == Rounding::Up && !is_whole { floor.checked_add(1)? } else { floor };
        Price::new(rounded).ok()
    }
}

impl Ramp {
    fn value(&self, number: Rational) -> Option<Rational> {
        let beyond = number.less(u128::from(self.from.get()).into())?;
        let share = beyond.over(u128::from(self.to.get().checked_sub(self.from.get())?).into())?;
        let whole = Rational::from(1);
        let share = if share.compared(whole)?.is_gt() { whole } else { share };
        Rational::from(self.start).plus(share.times(Ppm(self.end.0.checked_sub(self.start.0)?).into())?)
    }
}

fn number(before: &BTreeMap<&Name, (Price, Decimals)>, name: &Name) -> Option<Rational> {
    before.get(name).map(|(price, decimals)| Rational::of(*price, *decimals))
}

fn product(mut factors: impl Iterator<Item = Option<Rational>>) -> Option<Rational> {
    factors.try_fold(Rational::from(1), |product, factor| product.times(factor?))
}

fn sum(mut terms: impl Iterator<Item = Option<Rational>>) -> Option<Rational> {
    terms.try_fold(Rational::from(0), |sum, term| sum.plus(term?))
}

/// The number that none is beyond.
fn extreme(before: &BTreeMap<&Name, (Price, Decimals)>, names: &[Name], beyond: Ordering) -> Option<Rational> {
    let (first, others) = names.split_first()?;
    others.iter().try_fold(number(before, first)?, |extreme, name| {
        let number = number(before, name)?;
        Some(if number.compared(extreme)? == beyond { number } else { extreme })
    })
}
