//! The circuit as the description that verifiers work from.

use halo2_proofs::plonk::{Circuit as _, ConstraintSystem, Expression as Halo2Expression};
use halo2curves::bn256::Fr;
use surety_core::{FormatVersion, capacity::Capacity, kind::KindOf};
use surety_verifier::proof::{
    expression::Expression,
    protocol::{self, Constraint, Lookup, Protocol, Query, Rotation},
};

use crate::{
    circuit::LinearProgramCircuit,
    columns::{AdviceColumn, FIXED_COLUMNS},
    rules::DEGREE,
};

/// The circuit uses something that the description has no words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected constraints over fixed and advice columns only, found {0}")]
pub struct Undescribable(&'static str);

/// Describes the circuit of a capacity class.
///
/// # Errors
/// If the circuit uses selectors, challenges, copy constraints, or reads its public input.
pub fn protocol(capacity: Capacity) -> Result<Protocol, Undescribable> {
    let mut system = ConstraintSystem::default();
    LinearProgramCircuit::configure_with_params(&mut system, capacity.into());
    if !system.permutation().get_columns().is_empty() {
        return Err(Undescribable("copy constraints"));
    }
    if system.num_selectors() + system.num_challenges() + system.instance_queries().len() > 0 {
        return Err(Undescribable("selectors, challenges or instance queries"));
    }
    let advice =
        |column: AdviceColumn| protocol::AdviceColumn { name: column.name().into(), commitment: column.commitment() };
    Ok(Protocol {
        kind: KindOf::new(),
        version: FormatVersion,
        capacity,
        blinding_factors: system.blinding_factors(),
        public_inputs: system.num_instance_columns(),
        fixed: FIXED_COLUMNS.map(String::from).to_vec(),
        advice: AdviceColumn::ALL.map(advice).to_vec(),
        fixed_queries: queries(system.fixed_queries(), |column| column.index()),
        advice_queries: queries(system.advice_queries(), |column| column.index()),
        constraints: constraints(&system)?,
        lookups: lookups(&system)?,
        quotient_pieces: DEGREE - 1,
    })
}

fn queries<C>(queries: &[(C, halo2_proofs::poly::Rotation)], index: impl Fn(&C) -> usize) -> Vec<Query> {
    queries.iter().map(|(column, rotation)| Query { column: index(column), rotation: Rotation(rotation.0) }).collect()
}

fn constraints(system: &ConstraintSystem<Fr>) -> Result<Vec<Constraint>, Undescribable> {
    let named = system.gates().iter().flat_map(|gate| {
        gate.polynomials().iter().enumerate().map(|(index, polynomial)| (gate.constraint_name(index), polynomial))
    });
    named
        .map(|(name, polynomial)| Ok(Constraint { name: name.into(), expression: expression(system, polynomial)? }))
        .collect()
}

fn lookups(system: &ConstraintSystem<Fr>) -> Result<Vec<Lookup>, Undescribable> {
    let tuple = |expressions: &[Halo2Expression<Fr>]| {
        expressions.iter().map(|inner| expression(system, inner)).collect::<Result<Vec<_>, _>>()
    };
    let lookups = system.lookups().iter().map(|lookup| {
        Ok(Lookup {
            name: lookup.name().into(),
            input: tuple(lookup.input_expressions())?,
            table: tuple(lookup.table_expressions())?,
        })
    });
    lookups.collect()
}

fn expression(system: &ConstraintSystem<Fr>, halo2: &Halo2Expression<Fr>) -> Result<Expression, Undescribable> {
    let boxed = |inner: &Halo2Expression<Fr>| expression(system, inner).map(Box::new);
    let unknown = Undescribable("a query that the constraint system does not list");
    match halo2 {
        Halo2Expression::Constant(number) => Ok(Expression::Constant(*number)),
        Halo2Expression::Fixed(query) => {
            let listed = |(column, rotation): &(halo2_proofs::plonk::Column<_>, _)| {
                column.index() == query.column_index() && *rotation == query.rotation()
            };
            system.fixed_queries().iter().position(listed).map(Expression::Fixed).ok_or(unknown)
        }
        Halo2Expression::Advice(query) => {
            let listed = |(column, rotation): &(halo2_proofs::plonk::Column<_>, _)| {
                column.index() == query.column_index() && *rotation == query.rotation()
            };
            system.advice_queries().iter().position(listed).map(Expression::Advice).ok_or(unknown)
        }
        Halo2Expression::Negated(inner) => Ok(Expression::Negated(boxed(inner)?)),
        Halo2Expression::Sum(left, right) => Ok(Expression::Sum(boxed(left)?, boxed(right)?)),
        Halo2Expression::Product(left, right) => Ok(Expression::Product(boxed(left)?, boxed(right)?)),
        Halo2Expression::Scaled(inner, factor) => Ok(Expression::Scaled(boxed(inner)?, *factor)),
        Halo2Expression::Selector(_) | Halo2Expression::Challenge(_) | Halo2Expression::Instance(_) => {
            Err(Undescribable("a selector, a challenge or an instance query"))
        }
    }
}
