//! The language that margin models are written in.
//!
//! An [`Expression`] is built from holdings by sums, multiples, [`abs`], [`positive_part`], [`lack`], [`exceeds`],
//! [`worst_of`] and [`tail_sum`]: every piecewise linear function of integers is one, with or without jumps. Where it
//! is concave, which follows from its shape and from the signs of its multipliers over the policy's price box, it takes
//! few variables. (The rules are those of disciplined convex programming: Grant, Boyd and Ye, 2006.) Where it is not,
//! it takes bits as well; the compiler decides that, not the author.

use core::{
    iter::Sum,
    ops::{Add, Neg, Sub},
};
use std::collections::BTreeSet;

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use surety_core::units::Ppm;

use super::affine::Affine;

/// A piecewise linear function of the holdings.
#[derive(Clone, Debug)]
pub struct Expression(pub(super) Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    One,
    Holding(usize),
    Sum(Vec<Expression>),
    Times(Affine, Box<Expression>),
    PositivePart(Box<Expression>),
    Abs(Box<Expression>),
    WorstOf(Vec<Scenario>),
    Once(Box<Expression>),
    TailSum { values: Vec<Expression>, share: TailShare },
    Lack(Box<Expression>),
    Exceeds(Box<Expression>),
}

/// The share of a list of losses that an expected shortfall is the mean of, in parts per million: `1 - α`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct TailShare(#[schemars(range(min = 1, max = 1_000_000))] Ppm);

impl<'de> Deserialize<'de> for TailShare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Ppm::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl TailShare {
    /// A share.
    ///
    /// # Errors
    /// If it is not between zero and one.
    pub fn new(share: Ppm) -> Result<Self, String> {
        if share.0 == 0 || share > Ppm::ONE {
            return Err(format!("expected a share from 0.0001 % to 100 %, found {share}"));
        }
        Ok(Self(share))
    }

    /// The share.
    #[must_use]
    pub fn ppm(self) -> Ppm {
        self.0
    }

    /// What [`tail_sum`] is to be divided by to give the expected shortfall: `share · count` losses, times a million.
    #[must_use]
    pub fn divisor(self, count: usize) -> I256 {
        self.weights(count).0
    }

    /// Which loss the threshold is, from the smallest: of `n` losses, `⌈share·n⌉` are at or above it.
    pub(super) fn rank(self, count: usize) -> usize {
        let at_or_above = (u64::from(self.0.0) * count as u64).div_ceil(u64::from(Ppm::ONE.0)) as usize;
        count.saturating_sub(at_or_above)
    }

    /// The weights of the threshold and of each excess, times a million.
    pub(super) fn weights(self, count: usize) -> (I256, I256) {
        let weight = i128::from(self.0.0) * count as i128;
        (I256::unchecked_from(weight), I256::unchecked_from(Ppm::ONE.0))
    }
}

/// One of the values that [`worst_of`] takes the smallest of.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the value is called when it is the smallest.
    pub label: String,
    /// The value.
    pub value: Expression,
}

/// The holding of an instrument, by its position in the universe, in lots.
#[must_use]
pub fn holding(instrument: usize) -> Expression {
    Expression(Node::Holding(instrument))
}

/// One where `x` is positive, and zero elsewhere: what a charge is multiplied with that does not grow with `x`. It is
/// neither convex nor concave, and exact nonetheless, because variables are integers.
#[must_use]
pub fn exceeds(x: Expression) -> Expression {
    Expression(Node::Exceeds(Box::new(x)))
}

/// One if anything is held or owed of an instrument, by its position in the universe, and zero if nothing is.
#[must_use]
pub fn held(instrument: usize) -> Expression {
    exceeds(abs(holding(instrument)))
}

/// `x` where a condition is one, and zero where it is zero, for an `x` from zero to `most`.
#[must_use]
pub fn where_one(condition: Expression, x: Expression, most: Affine) -> Expression {
    let beyond = number(most.clone()) - condition.times(most);
    positive_part(x - beyond)
}

/// A public number.
#[must_use]
pub fn number(value: Affine) -> Expression {
    Expression(Node::One).times(value)
}

/// `max(0, -x)`: what `x` lacks to be a requirement that holds. The same as the positive part of `-x`, with fewer
/// variables where `x` is the worst of several scenarios.
#[must_use]
pub fn lack(x: Expression) -> Expression {
    Expression(Node::Lack(Box::new(x)))
}

/// `|x|`
#[must_use]
pub fn abs(x: Expression) -> Expression {
    Expression(Node::Abs(Box::new(x)))
}

/// `max(0, x)`
#[must_use]
pub fn positive_part(x: Expression) -> Expression {
    Expression(Node::PositivePart(Box::new(x)))
}

/// The smaller of two values.
#[must_use]
pub fn min_of(a: Expression, b: Expression) -> Expression {
    b.clone() - positive_part(b - a)
}

/// `x` as two variables of its own, its positive and its negative part, however often it occurs: its terms are summed
/// once, and it may be multiplied by a market entry although `x` has market entries for coefficients.
#[must_use]
pub fn once(x: Expression) -> Expression {
    Expression(Node::Once(Box::new(x)))
}

/// The smallest of values.
#[must_use]
pub fn worst_of(scenarios: Vec<Scenario>) -> Expression {
    Expression(Node::WorstOf(scenarios))
}

/// The sum of the worst losses: `min_t ( share·n·t + Σ max(0, x - t) )`, times a million, for convex losses. Divided by
/// [`TailShare::divisor`] it is their expected shortfall (Rockafellar and Uryasev, 2000); where `share·n` is whole, the
/// mean of the `share·n` largest.
#[must_use]
pub fn tail_sum(values: Vec<Expression>, share: TailShare) -> Expression {
    Expression(Node::TailSum { values, share })
}

impl Expression {
    /// Zero.
    #[must_use]
    pub fn zero() -> Self {
        Self(Node::Sum(Vec::new()))
    }

    /// The product with a public number.
    #[must_use]
    pub fn times(self, factor: Affine) -> Self {
        Self(Node::Times(factor, Box::new(self)))
    }

    /// The same function of other holdings: `place` says what takes the place of each. So one rule is stated for each
    /// of many accounts, or for an account after a trade.
    #[must_use]
    pub fn over(&self, place: &impl Fn(usize) -> Self) -> Self {
        let inside = |inner: &Self| Box::new(inner.over(place));
        Self(match &self.0 {
            Node::One => Node::One,
            Node::Holding(holding) => return place(*holding),
            Node::Sum(terms) => Node::Sum(terms.iter().map(|term| term.over(place)).collect()),
            Node::Times(factor, inner) => Node::Times(factor.clone(), inside(inner)),
            Node::PositivePart(inner) => Node::PositivePart(inside(inner)),
            Node::Abs(inner) => Node::Abs(inside(inner)),
            Node::Lack(inner) => Node::Lack(inside(inner)),
            Node::Exceeds(inner) => Node::Exceeds(inside(inner)),
            Node::Once(inner) => Node::Once(inside(inner)),
            Node::WorstOf(scenarios) => {
                let moved = |it: &Scenario| Scenario { label: it.label.clone(), value: it.value.over(place) };
                Node::WorstOf(scenarios.iter().map(moved).collect())
            }
            Node::TailSum { values, share } => {
                Node::TailSum { values: values.iter().map(|value| value.over(place)).collect(), share: *share }
            }
        })
    }

    /// The holdings that it is a function of.
    pub(super) fn holdings(&self) -> BTreeSet<usize> {
        match &self.0 {
            Node::One => BTreeSet::new(),
            Node::Holding(holding) => BTreeSet::from([*holding]),
            Node::Sum(terms) | Node::TailSum { values: terms, .. } => terms.iter().flat_map(Self::holdings).collect(),
            Node::Times(_, inner)
            | Node::PositivePart(inner)
            | Node::Abs(inner)
            | Node::Lack(inner)
            | Node::Exceeds(inner)
            | Node::Once(inner) => inner.holdings(),
            Node::WorstOf(scenarios) => scenarios.iter().flat_map(|scenario| scenario.value.holdings()).collect(),
        }
    }

    fn terms(self) -> Vec<Self> {
        match self.0 {
            Node::Sum(terms) => terms,
            _ => vec![self],
        }
    }
}

impl Add for Expression {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let mut terms = self.terms();
        terms.extend(other.terms());
        Self(Node::Sum(terms))
    }
}

impl Neg for Expression {
    type Output = Self;

    fn neg(self) -> Self {
        self.times(Affine::constant(I256::MINUS_ONE))
    }
}

impl Sub for Expression {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Sum for Expression {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        Self(Node::Sum(iter.flat_map(Self::terms).collect()))
    }
}
