//! The best value of every variable, for given holdings and prices.

use core::{fmt, ops::Range};
use std::sync::Arc;

use alloy_primitives::{I256, U256};
use surety_core::units::Price;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    Overflow, Program, Purpose,
    linear::{Address, Linear},
};
use crate::holdings::Position;

/// A nonnegative quantity: how its best value is computed, and the variables that hold its digits.
#[derive(Clone, Debug)]
pub(super) struct Quantity {
    pub(super) best: Best,
    /// Least significant digit first, in base `radix`.
    pub(super) variables: Range<usize>,
    /// At most `b^w`.
    pub(super) radix: I256,
}

/// The best value of a quantity: the one that leaves the most margin.
#[derive(Clone, Debug)]
pub(super) enum Best {
    /// `max(0, x)`
    PositivePart(Linear),
    /// `max(0, x_(rank))`, where `x_(0)` is the smallest of the values.
    PositivePartOfRanked { values: Vec<Linear>, rank: usize },
    /// `max(0, -x_(rank))`
    NegativePartOfRanked { values: Vec<Linear>, rank: usize },
    /// 1 if `x > 0`, else 0
    IsPositive(Linear),
    /// 1 if the value of this index is at one of these places in ascending order, else 0. Equal values are in the order
    /// of the list.
    IsAmong { values: Arc<[Linear]>, index: usize, places: Range<usize> },
}

/// Values of a program's variables that satisfy all of its equations. Secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Assignment {
    variables: Vec<u128>,
}

impl Assignment {
    /// The value of each variable, below the bound of its limb group, in the order of the program.
    #[must_use]
    pub fn variables(&self) -> &[u128] {
        &self.variables
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Assignment(hidden, {} variables)", self.variables.len())
    }
}

/// The holdings do not satisfy the program. Says which rule fails, which only the holder may learn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsatisfied {
    /// A requirement of the model fails.
    #[error("the account is not sufficient: {rule}")]
    Insufficient {
        /// The requirement.
        rule: String,
    },
    /// A holding is negative where the policy admits no debt or short position, held where the policy does not admit
    /// it, or larger than the universe's `max_lots`.
    #[error("a holding lies outside of what the universe and the policy admit: {name}")]
    OutOfRange {
        /// The instrument, or the rule that adds up several.
        name: String,
    },
}

impl Program {
    /// Finds values for the variables.
    ///
    /// # Errors
    /// If there are none, with the rule that fails.
    pub fn solve(&self, position: &Position, prices: &[Price]) -> Result<Assignment, Unsatisfied> {
        let out_of_range = |name: &str| Unsatisfied::OutOfRange { name: name.to_owned() };
        let mut assignment = Assignment { variables: vec![0; self.variables] };
        for quantity in &self.quantities {
            let value = |linear: &Linear| evaluate(linear, position, &assignment, prices);
            let best = best_value(&quantity.best, value).map_err(|Overflow| out_of_range("a sum beyond 256 bits"))?;
            let mut rest = best;
            for variable in quantity.variables.clone() {
                assignment.variables[variable] = (rest % quantity.radix).into_raw().saturating_to();
                rest /= quantity.radix;
            }
            // A rest that found no room leaves an equation open, which the check below reports.
        }
        for constraint in &self.constraints {
            let sum = evaluate(&constraint.linear, position, &assignment, prices);
            match (sum, &constraint.purpose) {
                (Ok(I256::ZERO), _) => {}
                (Ok(sum), Purpose::Requirement(rule)) if sum.is_negative() => {
                    return Err(Unsatisfied::Insufficient { rule: rule.clone() });
                }
                (_, purpose) => return Err(out_of_range(&purpose.to_string())),
            }
        }
        Ok(assignment)
    }
}

fn best_value(best: &Best, value: impl Fn(&Linear) -> Result<I256, Overflow>) -> Result<I256, Overflow> {
    let ranked = |values: &[Linear], rank: usize| -> Result<I256, Overflow> {
        let mut values = values.iter().map(&value).collect::<Result<Vec<_>, _>>()?;
        values.sort_unstable();
        Ok(values.get(rank).copied().unwrap_or(I256::ZERO))
    };
    let best = match best {
        Best::PositivePart(linear) => value(linear)?,
        Best::PositivePartOfRanked { values, rank } => ranked(values, *rank)?,
        Best::NegativePartOfRanked { values, rank } => ranked(values, *rank)?.checked_neg().ok_or(Overflow)?,
        Best::IsPositive(linear) => I256::unchecked_from(u8::from(value(linear)?.is_positive())),
        Best::IsAmong { values, index, places } => {
            let values = values.iter().map(&value).collect::<Result<Vec<_>, _>>()?;
            let own = values.get(*index).copied().unwrap_or(I256::ZERO);
            let before = values.iter().enumerate().filter(|(at, other)| (**other, *at) < (own, *index)).count();
            I256::unchecked_from(u8::from(places.contains(&before)))
        }
    };
    Ok(best.max(I256::ZERO))
}

fn evaluate(linear: &Linear, position: &Position, assignment: &Assignment, prices: &[Price]) -> Result<I256, Overflow> {
    linear.terms().iter().try_fold(I256::ZERO, |sum, (address, coefficient)| {
        let value = match address {
            Address::One => I256::ONE,
            Address::Holding(instrument) => position.lots().get(*instrument).ok_or(Overflow)?.wide(),
            Address::Variable(variable) => I256::from_raw(U256::from(assignment.variables[*variable])),
        };
        let term = coefficient.at(prices)?.checked_mul(value).ok_or(Overflow)?;
        sum.checked_add(term).ok_or(Overflow)
    })
}
