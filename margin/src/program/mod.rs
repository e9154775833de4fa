//! Linear programs: a level of a policy as the public program that its circuit checks.
//!
//! The claim `f(q) ≥ 0`, for a piecewise linear `f`, holds exactly when nonnegative integers `x` exist, the variables,
//! with `A·(q, x) = 0`. A model states `f` as an [`Expression`]; [`Builder`] turns it into rows of `A` and a recipe
//! for the best value of every variable; [`Program`] holds the rows as the table of (address, end of row, coefficient)
//! that the circuit runs through, and finds the values of the variables for given holdings.
//!
//! What the builder guarantees for every market in the policy's price box:
//! - **Soundness.** Where `f` is concave, a variable that is larger than need be makes the claim weaker. Elsewhere the
//!   value of a part is enforced: variables are integers, so that two of them with the sum one are bits, and bounds
//!   that bits switch leave one value alone.
//! - **No wrap-around.** In each row the sum of the largest absolute terms is below half the field's modulus, so that
//!   the row, which the circuit checks modulo `r`, holds over the integers.
//! - **Nothing is forgotten.** Each holding of the universe is range-checked, or asserted to be zero.
//! - **Completeness.** Each variable has room for its best value, for all holdings within the universe's limits.

mod affine;
mod builder;
mod expression;
mod linear;
mod range;
mod solve;

pub use affine::{Affine, Overflow};
pub use builder::{Builder, HoldingRange, ProgramError, Size};
pub use expression::{
    Expression, Scenario, TailShare, abs, exceeds, held, holding, lack, min_of, number, once, positive_part, tail_sum,
    where_one, worst_of,
};
pub use solve::{Assignment, Unsatisfied};

use core::{fmt, ops::Range};
use std::collections::BTreeMap;

use alloy_primitives::I256;
use surety_core::{
    capacity::{Capacity, Groups, Row},
    units::Price,
};

use self::{linear::Linear, solve::Quantity};

/// A row of a program's table: one step of the running sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The value that is read.
    pub address: Row,
    /// Whether the running sum must be zero after this step, and starts anew.
    pub last: bool,
    /// What the value is multiplied with.
    pub coefficient: Affine,
}

/// A level of a policy, compiled: see the [module](self).
#[derive(Clone, Debug)]
pub struct Program {
    groups: Groups,
    /// The limb group of each variable.
    places: Vec<usize>,
    table: Vec<TableRow>,
    constraints: Vec<Constraint>,
    quantities: Vec<Quantity>,
    variables: usize,
    bits: BTreeMap<String, usize>,
}

/// A row of `A`, and what it is for.
#[derive(Clone, Debug)]
struct Constraint {
    purpose: Purpose,
    linear: Linear,
}

/// What an equation is for.
#[derive(Clone, Debug)]
enum Purpose {
    /// A requirement of the model less its surplus.
    Requirement(String),
    /// Defines variables, or asserts the range of a holding.
    Definition(String),
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Requirement(text) | Self::Definition(text)) = self;
        f.write_str(text)
    }
}

impl Program {
    /// The capacity class that it is laid out for.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.groups.capacity()
    }

    /// How the rows of the capacity class are divided.
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.groups
    }

    /// The rows of a variable and of its limbs.
    #[must_use]
    pub fn rows_of(&self, variable: usize) -> Option<Range<usize>> {
        let group = *self.places.get(variable)?;
        let head = self.groups.head(group)?.index();
        Some(head..head + self.groups.limbs(group))
    }

    /// The table. Entry `j` lies in row `j + 1` of the circuit; the first entry is neutral and starts the running sum.
    #[must_use]
    pub fn table(&self) -> &[TableRow] {
        &self.table
    }

    /// How many variables it uses.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// How many of them are bits, by what is exact because of them: nothing where the requirement is concave.
    #[must_use]
    pub fn bits(&self) -> &BTreeMap<String, usize> {
        &self.bits
    }

    /// How many equations it has.
    #[must_use]
    pub fn equations(&self) -> usize {
        self.constraints.len()
    }

    /// The coefficients of the table at given prices.
    ///
    /// # Errors
    /// If a price is missing, or so large that 256 bits do not suffice; neither happens inside the policy's box.
    pub fn coefficients(&self, prices: &[Price]) -> Result<Vec<I256>, Overflow> {
        self.table.iter().map(|row| row.coefficient.at(prices)).collect()
    }
}
