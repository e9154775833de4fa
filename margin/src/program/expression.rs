//! The language that margin models are written in.
//!
//! An [`Expression`] is built from holdings by sums, multiples, [`abs`], [`positive_part`] and [`worst_of`]. Whether
//! it is concave, as a requirement must be, follows from its shape and from the signs of its multipliers over the
//! policy's price box; the compiler decides that, not the author. (The rules are those of disciplined convex
//! programming: Grant, Boyd and Ye, 2006.)

use core::{
    iter::Sum,
    ops::{Add, Neg, Sub},
};

use alloy_primitives::I256;

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

/// A public number.
#[must_use]
pub fn number(value: Affine) -> Expression {
    Expression(Node::One).times(value)
}

/// `|x|`, for a linear `x`.
#[must_use]
pub fn abs(x: Expression) -> Expression {
    Expression(Node::Abs(Box::new(x)))
}

/// `max(0, x)`, for a convex `x`.
#[must_use]
pub fn positive_part(x: Expression) -> Expression {
    Expression(Node::PositivePart(Box::new(x)))
}

/// The smaller of two values, of which the second is linear: `a` if it is smaller, else `b`.
#[must_use]
pub fn min_of(a: Expression, b: Expression) -> Expression {
    b.clone() - positive_part(b - a)
}

/// The smallest of concave values.
#[must_use]
pub fn worst_of(scenarios: Vec<Scenario>) -> Expression {
    Expression(Node::WorstOf(scenarios))
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
