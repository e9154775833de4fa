//! Polynomial expressions over the evaluations of columns.

use core::ops::{Add, Mul, Neg};

use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use surety_kzg::scalar;

use crate::proof::hex_scalar;

/// A polynomial expression in the columns of the circuit, as a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// A number.
    Constant(#[serde(with = "hex_scalar")] Fr),
    /// A fixed column, by its place among the protocol's fixed queries.
    Fixed(usize),
    /// An advice column, by its place among the protocol's advice queries.
    Advice(usize),
    /// Minus an expression.
    Negated(Box<Expression>),
    /// Two expressions added.
    Sum(Box<Expression>, Box<Expression>),
    /// Two expressions multiplied.
    Product(Box<Expression>, Box<Expression>),
    /// An expression times a number.
    Scaled(Box<Expression>, #[serde(with = "hex_scalar")] Fr),
}

impl Expression {
    /// The value of the expression, given the values of what it is made of.
    pub fn evaluate<T>(
        &self,
        constant: &impl Fn(Fr) -> T,
        fixed: &impl Fn(usize) -> T,
        advice: &impl Fn(usize) -> T,
    ) -> T
    where
        T: Neg<Output = T> + Add<Output = T> + Mul<Output = T>,
    {
        let value = |expression: &Self| expression.evaluate(constant, fixed, advice);
        match self {
            Self::Constant(number) => constant(*number),
            Self::Fixed(query) => fixed(*query),
            Self::Advice(query) => advice(*query),
            Self::Negated(inner) => -value(inner),
            Self::Sum(left, right) => value(left) + value(right),
            Self::Product(left, right) => value(left) * value(right),
            Self::Scaled(inner, factor) => value(inner) * constant(*factor),
        }
    }

    /// Whether every query is among the first `fixed` fixed and the first `advice` advice queries.
    pub(crate) fn queries_are_below(&self, fixed: usize, advice: usize) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Fixed(query) => *query < fixed,
            Self::Advice(query) => *query < advice,
            Self::Negated(inner) | Self::Scaled(inner, _) => inner.queries_are_below(fixed, advice),
            Self::Sum(left, right) | Self::Product(left, right) => {
                left.queries_are_below(fixed, advice) && right.queries_are_below(fixed, advice)
            }
        }
    }

    /// Appends the canonical encoding: a byte that says which case it is, 0 to 6 in their order, then what it consists
    /// of. Numbers are 32 bytes and queries 4 bytes, big-endian.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Constant(number) => {
                bytes.push(0);
                bytes.extend(scalar::to_bytes(number));
            }
            Self::Fixed(query) => {
                bytes.push(1);
                encode_number(bytes, *query);
            }
            Self::Advice(query) => {
                bytes.push(2);
                encode_number(bytes, *query);
            }
            Self::Negated(inner) => {
                bytes.push(3);
                inner.encode(bytes);
            }
            Self::Sum(left, right) => {
                bytes.push(4);
                left.encode(bytes);
                right.encode(bytes);
            }
            Self::Product(left, right) => {
                bytes.push(5);
                left.encode(bytes);
                right.encode(bytes);
            }
            Self::Scaled(inner, factor) => {
                bytes.push(6);
                inner.encode(bytes);
                bytes.extend(scalar::to_bytes(factor));
            }
        }
    }

    /// Degree in the columns.
    #[must_use]
    pub fn degree(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Fixed(_) | Self::Advice(_) => 1,
            Self::Negated(inner) | Self::Scaled(inner, _) => inner.degree(),
            Self::Sum(left, right) => left.degree().max(right.degree()),
            Self::Product(left, right) => left.degree() + right.degree(),
        }
    }
}

/// All numbers of a protocol are far below `2^32`.
pub(crate) fn encode_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u32).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: the description of a circuit that reads what a proof does not state, in one of two places.
    #[test]
    fn rejects_queries_that_there_are_not_wherever_they_are() {
        let pair = |left: &Expression, right: &Expression| (Box::new(left.clone()), Box::new(right.clone()));
        let (good, fixed, advice) = (Expression::Advice(1), Expression::Fixed(1), Expression::Advice(2));
        assert!(good.queries_are_below(1, 2));
        for bad in [fixed, advice] {
            assert!(!bad.queries_are_below(1, 2));
            for (left, right) in [pair(&good, &bad), pair(&bad, &good)] {
                assert!(!Expression::Sum(left.clone(), right.clone()).queries_are_below(1, 2));
                assert!(!Expression::Product(left, right).queries_are_below(1, 2));
            }
            assert!(!Expression::Negated(Box::new(bad.clone())).queries_are_below(1, 2));
            assert!(!Expression::Scaled(Box::new(bad), Fr::one()).queries_are_below(1, 2));
        }
    }
}
