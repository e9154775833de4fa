//! The circuit's equations at x, as text over named places in memory.

use surety_verifier::proof::{
    expression::Expression,
    protocol::{Constraint, Lookup, Opening, Polynomial, Protocol, Rotation},
};

use crate::{layout::evaluation, yul::Yul};

/// How far the template sets in the terms of an equation.
const TERM: usize = 16;

/// What depends on the number of rows.
pub(super) struct Rows {
    /// How often x is squared to make `x^n`.
    pub(super) squarings: u32,
    /// The row where running products end, the blinding rows, and row 0.
    pub(super) nodes: Vec<Node>,
}

/// A row, and the place of the inverse of x minus its point.
pub(super) struct Node {
    pub(super) rotation: Rotation,
    pub(super) inverse: String,
}

/// What a power of the root of unity is called.
pub(super) fn root(rotation: Rotation) -> String {
    match rotation.0 {
        0 => "1".to_owned(),
        rows if rows < 0 => format!("OMEGA_MINUS_{}", rows.unsigned_abs()),
        rows => format!("OMEGA_{rows}"),
    }
}

/// A polynomial that vanishes on every row, at x.
pub(super) struct Equation {
    pub(super) name: String,
    pub(super) value: String,
}

/// What the equations of a lookup argument are made of.
pub(super) struct LookupEquations {
    pub(super) name: String,
    /// What is looked up; the first has the highest power of the challenge that compresses tuples.
    pub(super) input: Vec<String>,
    /// Where; in the same order.
    pub(super) table: Vec<String>,
    pub(super) product: String,
    pub(super) next_product: String,
    pub(super) permuted_input: String,
    pub(super) previous_input: String,
    pub(super) permuted_table: String,
}

impl Rows {
    pub(super) fn of(protocol: &Protocol) -> Self {
        let node = |back: usize| Node { rotation: Rotation(-(back as i32)), inverse: format!("INVERSE_ROW_{back}") };
        Self { squarings: protocol.capacity.k(), nodes: (0..=protocol.blinding_factors + 1).rev().map(node).collect() }
    }
}

impl Node {
    /// The row's point.
    pub(super) fn point(&self) -> String {
        root(self.rotation)
    }
}

/// The names of evaluations, as expressions number them.
struct Queries {
    fixed: Vec<String>,
    advice: Vec<String>,
}

impl Queries {
    fn of(protocol: &Protocol) -> Self {
        let name = |polynomial, rotation| evaluation(protocol, Opening { polynomial, rotation });
        let fixed = protocol.fixed_queries.iter().map(|query| name(Polynomial::Fixed(query.column), query.rotation));
        let advice = protocol.advice_queries.iter().map(|query| name(Polynomial::Advice(query.column), query.rotation));
        Self { fixed: fixed.collect(), advice: advice.collect() }
    }
}

/// The constraints, in their order.
pub(super) fn constraints(protocol: &Protocol) -> Vec<Equation> {
    let Queries { fixed, advice } = Queries::of(protocol);
    let equation = |constraint: &Constraint| Equation {
        name: constraint.name.clone(),
        value: Yul::expression(&constraint.expression, &fixed, &advice).render(TERM),
    };
    protocol.constraints.iter().map(equation).collect()
}

/// The lookups, in their order.
pub(super) fn lookups(protocol: &Protocol) -> Vec<LookupEquations> {
    let Queries { fixed, advice } = Queries::of(protocol);
    let tuple = |expressions: &[Expression]| {
        expressions.iter().map(|expression| Yul::expression(expression, &fixed, &advice).render(TERM)).collect()
    };
    let name = |polynomial, rotation| evaluation(protocol, Opening { polynomial, rotation });
    let equations = |(index, lookup): (usize, &Lookup)| LookupEquations {
        name: lookup.name.clone(),
        input: tuple(&lookup.input),
        table: tuple(&lookup.table),
        product: name(Polynomial::LookupProduct(index), Rotation::CURRENT),
        next_product: name(Polynomial::LookupProduct(index), Rotation::NEXT),
        permuted_input: name(Polynomial::LookupInput(index), Rotation::CURRENT),
        previous_input: name(Polynomial::LookupInput(index), Rotation::PREVIOUS),
        permuted_table: name(Polynomial::LookupTable(index), Rotation::CURRENT),
    };
    protocol.lookups.iter().enumerate().map(equations).collect()
}
