//! Arithmetic modulo r as expressions of Yul, the language of Solidity's assembly.
//!
//! Every expression stands for a number modulo r and may have the value r itself where it is a negation; `addmod` and
//! `mulmod` take such operands and reduce their results, and whatever is stored is a result of theirs.

use core::ops::{Add, Mul, Neg};

use alloy_primitives::U256;
use halo2curves::bn256::Fr;
use surety_kzg::scalar;
use surety_verifier::proof::expression::Expression;

/// Lines are broken so as not to be longer than this.
const WIDTH: usize = 120;

/// What may follow on the last line.
const TAIL: usize = 5;

/// Spaces that deeper lines are set in by.
const STEP: usize = 4;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yul {
    /// A variable or a number.
    Atom(String),
    /// A built-in function, applied.
    Call(&'static str, Vec<Yul>),
}

impl Yul {
    /// A variable of the assembly block.
    pub(super) fn variable(name: &str) -> Self {
        Self::Atom(name.to_owned())
    }

    /// The word at a named place in memory.
    pub(super) fn load(slot: impl Into<String>) -> Self {
        Self::Call("mload", vec![Self::Atom(slot.into())])
    }

    /// A number.
    pub(super) fn constant(number: Fr) -> Self {
        Self::Atom(literal(number))
    }

    /// A polynomial expression of the circuit, over evaluations at named places in memory.
    pub(super) fn expression(expression: &Expression, fixed: &[String], advice: &[String]) -> Self {
        expression.evaluate(&Self::constant, &|query| Self::load(fixed[query].clone()), &|query| {
            Self::load(advice[query].clone())
        })
    }

    /// A product of equal factors, at least one.
    pub(super) fn power(self, exponent: usize) -> Self {
        (1..exponent).fold(self.clone(), |power, _| power * self.clone())
    }

    /// The text; long ones in several lines, those after the first set in by `indent`.
    pub(super) fn render(&self, indent: usize) -> String {
        let line = self.line();
        match self {
            Self::Call(function, operands) if indent + line.len() + TAIL > WIDTH => {
                let inner = indent + STEP;
                let spaces = " ".repeat(inner);
                let operands: Vec<_> = groups(operands).iter().map(|group| Self::render_group(group, inner)).collect();
                format!("{function}(\n{spaces}{}\n{})", operands.join(&format!(",\n{spaces}")), " ".repeat(indent))
            }
            _ => line,
        }
    }

    fn render_group(group: &[Self], indent: usize) -> String {
        group.iter().map(|operand| operand.render(indent)).collect::<Vec<_>>().join(", ")
    }

    fn line(&self) -> String {
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(function, operands) => {
                format!("{function}({})", operands.iter().map(Self::line).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// Operands, one a line, but for the modulus, which stays with the operand before it.
fn groups(operands: &[Yul]) -> Vec<&[Yul]> {
    match operands {
        [left, _, _] => vec![core::slice::from_ref(left), &operands[1..]],
        _ => operands.iter().map(core::slice::from_ref).collect(),
    }
}

/// The modulus, as assembly blocks call it.
fn modulus() -> Yul {
    Yul::variable("r")
}

impl Add for Yul {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::Call("addmod", vec![self, other, modulus()])
    }
}

impl Mul for Yul {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::Call("mulmod", vec![self, other, modulus()])
    }
}

impl Neg for Yul {
    type Output = Self;

    fn neg(self) -> Self {
        Self::Call("sub", vec![modulus(), self])
    }
}

/// A number as Solidity writes it: small ones in decimal.
pub(super) fn literal(number: Fr) -> String {
    let value = U256::from_be_bytes(scalar::to_bytes(&number));
    if value < U256::from(1 << 20) { value.to_string() } else { format!("{value:#066x}") }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;

    use super::*;

    #[test]
    fn expressions_read_as_they_are_computed() {
        let (a, b) = (Yul::variable("a"), Yul::load("B"));
        assert_eq!((a.clone() * b.clone() + -a.clone()).render(0), "addmod(mulmod(a, mload(B), r), sub(r, a), r)");
        assert_eq!(a.clone().power(3).render(0), "mulmod(mulmod(a, a, r), a, r)");
    }

    #[test]
    fn long_expressions_are_broken_into_lines() {
        let long = Yul::variable(&"x".repeat(100)) + Yul::variable("a") * Yul::variable("b");
        let expected = format!("addmod(\n        {},\n        mulmod(a, b, r), r\n    )", "x".repeat(100));
        assert_eq!(long.render(4), expected);
    }

    #[test]
    fn numbers_are_decimal_if_small() {
        assert_eq!(literal(Fr::from(2041)), "2041");
        assert_eq!(literal(-Fr::ONE), "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000");
    }
}
