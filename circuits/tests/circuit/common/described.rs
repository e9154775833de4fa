//! A circuit made from data: what its description and its fixed columns say, whatever that is.
//!
//! Tests weaken the data and see what gets through. Unchanged, it is the circuit.

use std::sync::Arc;

use ff::Field as _;
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{
        Advice, Circuit, Column, ConstraintSystem, Error, Expression as Halo2Expression, Fixed, Instance, VirtualCells,
    },
    poly::Rotation,
};
use halo2curves::bn256::Fr;
use surety_circuits::{AdviceColumn, Witness, export};
use surety_core::capacity::{Capacity, Groups};
use surety_verifier::proof::{
    expression::Expression,
    protocol::{Lookup, Protocol, Query},
};

/// A description of a circuit, and what is in its fixed columns.
#[derive(Clone)]
pub(crate) struct Design {
    pub(crate) protocol: Protocol,
    pub(crate) fixed: Vec<Vec<Fr>>,
}

impl Design {
    /// The circuit of a capacity class as it is, with long groups.
    pub(crate) fn of(capacity: Capacity) -> Self {
        let fixed = [capacity.row_column(), Groups::long(capacity).base_column()];
        let fixed = fixed.map(|column| column.into_iter().map(Fr::from).collect()).to_vec();
        Self { protocol: export::protocol(capacity).unwrap(), fixed }
    }

    /// Without the rules that a witness breaks, yet with proofs of the same shape: in the place of such a constraint
    /// stands zero, and such a lookup looks for addresses among addresses.
    pub(crate) fn without_broken_rules(mut self, witness: &Witness) -> Self {
        let (rows, usable) = (self.protocol.rows(), rows_with_rules(&self.protocol));
        let mut protocol = self.protocol.clone();
        for constraint in &mut protocol.constraints {
            if (0..rows).any(|row| self.value(&constraint.expression, witness, row) != Fr::ZERO) {
                constraint.expression = Expression::Constant(Fr::ZERO);
            }
        }
        for lookup in &mut protocol.lookups {
            if !self.finds(lookup, witness, usable) {
                let address = lookup.table[0].clone();
                lookup.table.fill(address);
                lookup.input = lookup.table.clone();
            }
        }
        self.protocol = protocol;
        self
    }

    /// Whether every constraint vanishes on every row, and every lookup finds its inputs.
    pub(crate) fn accepts(&self, witness: &Witness) -> bool {
        let (rows, usable) = (self.protocol.rows(), rows_with_rules(&self.protocol));
        let constraints = || self.protocol.constraints.iter().map(|constraint| &constraint.expression);
        (0..rows).all(|row| constraints().all(|expression| self.value(expression, witness, row) == Fr::ZERO))
            && self.protocol.lookups.iter().all(|lookup| self.finds(lookup, witness, usable))
    }

    fn finds(&self, lookup: &Lookup, witness: &Witness, usable: usize) -> bool {
        let tuple = |expressions: &[Expression], row: usize| -> Vec<Fr> {
            expressions.iter().map(|expression| self.value(expression, witness, row)).collect()
        };
        let mut table: Vec<_> = (0..usable).map(|row| tuple(&lookup.table, row)).collect();
        table.sort_unstable();
        (0..usable).all(|row| table.binary_search(&tuple(&lookup.input, row)).is_ok())
    }

    /// The value of an expression in a row.
    pub(crate) fn value(&self, expression: &Expression, witness: &Witness, row: usize) -> Fr {
        let rows = self.protocol.rows();
        let at = |query: &Query| (row as i32 + query.rotation.0).rem_euclid(rows as i32) as usize;
        let fixed = |query: usize| {
            let query = &self.protocol.fixed_queries[query];
            self.fixed[query.column][at(query)]
        };
        let advice = |query: usize| {
            let query = &self.protocol.advice_queries[query];
            witness[AdviceColumn::ALL[query.column]][at(query)]
        };
        expression.evaluate(&|number| number, &fixed, &advice)
    }
}

/// How many rows are not blinding rows.
fn rows_with_rules(protocol: &Protocol) -> usize {
    protocol.rows() - protocol.blinding_factors - 1
}

/// The circuit of a design, with or without a witness.
#[derive(Clone)]
pub(crate) struct DescribedCircuit {
    design: Arc<Design>,
    witness: Option<Witness>,
}

impl DescribedCircuit {
    pub(crate) fn new(design: &Design) -> Self {
        Self { design: Arc::new(design.clone()), witness: None }
    }

    pub(crate) fn with_witness(design: &Design, witness: Witness) -> Self {
        Self { witness: Some(witness), ..Self::new(design) }
    }
}

/// A design, as Halo2 wants parameters: with a default, which is never used.
#[derive(Clone, Default)]
pub(crate) struct Description(Option<Arc<Design>>);

/// The columns of a design.
#[derive(Clone)]
pub(crate) struct DescribedColumns {
    fixed: Vec<Column<Fixed>>,
    advice: Vec<Column<Advice>>,
}

impl Circuit<Fr> for DescribedCircuit {
    type Config = DescribedColumns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = Description;

    fn without_witnesses(&self) -> Self {
        Self { design: Arc::clone(&self.design), witness: None }
    }

    fn params(&self) -> Description {
        Description(Some(Arc::clone(&self.design)))
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> DescribedColumns {
        unreachable!("Halo2 configures circuits that have parameters with them")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, Description(design): Description) -> DescribedColumns {
        let design = design.unwrap();
        let protocol = &design.protocol;
        meta.set_minimum_degree(protocol.quotient_pieces + 1);
        let _: Vec<Column<Instance>> = (0..protocol.public_inputs).map(|_| meta.instance_column()).collect();
        let columns = DescribedColumns {
            fixed: protocol.fixed.iter().map(|_| meta.fixed_column()).collect(),
            advice: protocol.advice.iter().map(|_| meta.advice_column()).collect(),
        };
        for constraint in &protocol.constraints {
            meta.create_gate(&constraint.name, |meta| {
                let cells = Cells::query(meta, protocol, &columns);
                [(constraint.name.as_str(), cells.expression(&constraint.expression))]
            });
        }
        for lookup in &protocol.lookups {
            meta.lookup_any(&lookup.name, |meta| {
                let cells = Cells::query(meta, protocol, &columns);
                let pairs = lookup.input.iter().zip(&lookup.table);
                pairs.map(|(input, table)| (cells.expression(input), cells.expression(table))).collect()
            });
        }
        columns
    }

    fn synthesize(&self, columns: DescribedColumns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let usable = rows_with_rules(&self.design.protocol);
        layouter.assign_region(
            || "everything",
            |mut region| {
                for (column, values) in columns.fixed.iter().zip(&self.design.fixed) {
                    for (row, value) in values[..usable].iter().enumerate() {
                        region.assign_fixed(*column, row, *value);
                    }
                }
                for (column, name) in columns.advice.iter().zip(AdviceColumn::ALL) {
                    let values = self.witness.iter().flat_map(|witness| &witness[name][..usable]);
                    for (row, value) in values.enumerate() {
                        region.assign_advice(*column, row, Value::known(*value));
                    }
                }
                Ok(())
            },
        )
    }
}

/// All cells that a protocol queries, in its order, which is then the order in proofs.
struct Cells {
    fixed: Vec<Halo2Expression<Fr>>,
    advice: Vec<Halo2Expression<Fr>>,
}

impl Cells {
    fn query(meta: &mut VirtualCells<'_, Fr>, protocol: &Protocol, columns: &DescribedColumns) -> Self {
        let rotation = |query: &Query| Rotation(query.rotation.0);
        Self {
            fixed: (protocol.fixed_queries.iter())
                .map(|query| meta.query_fixed(columns.fixed[query.column], rotation(query)))
                .collect(),
            advice: (protocol.advice_queries.iter())
                .map(|query| meta.query_advice(columns.advice[query.column], rotation(query)))
                .collect(),
        }
    }

    fn expression(&self, expression: &Expression) -> Halo2Expression<Fr> {
        let boxed = |inner: &Expression| Box::new(self.expression(inner));
        match expression {
            Expression::Constant(number) => Halo2Expression::Constant(*number),
            Expression::Fixed(query) => self.fixed[*query].clone(),
            Expression::Advice(query) => self.advice[*query].clone(),
            Expression::Negated(inner) => Halo2Expression::Negated(boxed(inner)),
            Expression::Sum(left, right) => Halo2Expression::Sum(boxed(left), boxed(right)),
            Expression::Product(left, right) => Halo2Expression::Product(boxed(left), boxed(right)),
            Expression::Scaled(inner, factor) => Halo2Expression::Scaled(boxed(inner), *factor),
        }
    }
}
