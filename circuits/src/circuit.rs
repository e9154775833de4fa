//! The circuit: rules that make the columns a satisfied linear program.
//!
//! A program's table (`IDX`, `FLAG`, `COEF`) is run through row by row: each row reads a value from memory, multiplies
//! and adds. Memory is two columns over the same addresses: `HOLD`, which the sources' signatures fix, and `VAR`, which
//! the prover chooses within a range. Where a holding is and where a variable is, `BASE` fixes:
//!
//! | row `t` | `BASE[t-1]` | memory at address `t` |
//! |---|---|---|
//! | the constant one | 0 | `VAR[t] = 1` |
//! | head of a limb group | 0 | `VAR[t]`, a variable; `HOLD[t] = 0` |
//! | behind it in the group | `b` | `HOLD[t]`, a holding; `VAR[t]` is a limb |
//! | others | 0 or 1 | nothing that a program reads |
//!
//! Both are one expression, `HOLD + S·VAR` with `S = 1 - BASE[t-1]/b`. There are no copy constraints and no permutation
//! argument; everything lies in one region that starts at row 0. See [`surety_core::capacity`] for the layout.
//!
//! Opening `HOLD` would use up the randomness that the sources' commitments are made with. The column `BLINDED_HOLD =
//! HOLD + BLIND` is opened in its place. `BLIND` is zero wherever a program reads and random in the blinding rows, anew
//! in each proof. The prover commits to `BLINDED_HOLD`; verifiers compute the commitment to `BLIND` by subtracting the
//! sources' commitments, so that the sum needs no rule. `BLIND` is opened at ωx and `BLINDED_HOLD` at x: two values at
//! one point would give away the value of `HOLD`.
//!
//! Cells that no rule constrains, and that nothing reads: `ACC[0]`; `BLINDED_HOLD` in row 0 and the last usable row,
//! which only address 0 shows, where `IDX` is 0 and `COEF` too; `BLIND` in rows 0 and 1, of which the second is held to
//! zero as a part of `BLINDED_HOLD` unless a source wrote there; `VAR` outside of groups (range-checked like a limb).

use ff::Field as _;
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{Advice, Circuit, Column, ConstraintSystem, Error, Expression, Fixed, VirtualCells},
    poly::Rotation,
};
use halo2curves::bn256::Fr;
use surety_core::capacity::{Capacity, Groups};

use crate::{
    columns::AdviceColumn,
    rules::{self, DEGREE},
    witness::Witness,
};

/// The columns as Halo2 knows them.
#[derive(Clone, Debug)]
pub struct Columns {
    pub(crate) row: Column<Fixed>,
    pub(crate) base: Column<Fixed>,
    advice: [Column<Advice>; AdviceColumn::COUNT],
}

impl Columns {
    /// Allocates the columns, and one for the context, which only the transcript reads.
    pub(crate) fn allocate(meta: &mut ConstraintSystem<Fr>) -> Self {
        meta.instance_column();
        Self {
            row: meta.fixed_column(),
            base: meta.fixed_column(),
            advice: core::array::from_fn(|_| meta.advice_column()),
        }
    }

    pub(crate) fn advice(&self, column: AdviceColumn) -> Column<Advice> {
        self.advice[column as usize]
    }
}

/// The circuit of a capacity class, its rows divided in some way, with or without a witness.
#[derive(Clone)]
pub struct LinearProgramCircuit {
    groups: Groups,
    witness: Option<Witness>,
}

impl LinearProgramCircuit {
    /// Without a witness, to generate keys.
    #[must_use]
    pub fn new(groups: impl Into<Groups>) -> Self {
        Self { groups: groups.into(), witness: None }
    }

    /// With a witness, for a mock prover.
    #[must_use]
    pub fn with_witness(witness: Witness) -> Self {
        Self { groups: witness.groups(), witness: Some(witness) }
    }
}

/// The range base of a capacity class, as Halo2 wants parameters: with a default, which is never used.
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeBase(u64);

impl From<Capacity> for RangeBase {
    fn from(capacity: Capacity) -> Self {
        Self(capacity.base())
    }
}

impl Circuit<Fr> for LinearProgramCircuit {
    type Config = Columns;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = RangeBase;

    fn without_witnesses(&self) -> Self {
        Self::new(self.groups)
    }

    fn params(&self) -> RangeBase {
        self.groups.capacity().into()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Columns {
        unreachable!("Halo2 configures circuits that have parameters with them")
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, base: RangeBase) -> Columns {
        meta.set_minimum_degree(DEGREE);
        let columns = Columns::allocate(meta);
        // The first: its power of y is the highest, as the argument in docs/src/zero-knowledge.md has it.
        quotient(meta, &columns, base);
        running_sum(meta, &columns);
        blind(meta, &columns);
        sources(meta, &columns, base);
        one(meta, &columns, base);
        memory(meta, &columns, base);
        range(meta, &columns);
        columns
    }

    fn synthesize(&self, columns: Columns, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let capacity = self.groups.capacity();
        let usable = capacity.usable();
        let fixed = [(columns.row, capacity.row_column()), (columns.base, self.groups.base_column())];
        layouter.assign_region(
            || "memory and program",
            |mut region| {
                for (column, values) in &fixed {
                    for (row, value) in values.iter().take(usable).enumerate() {
                        region.assign_fixed(*column, row, Fr::from(*value));
                    }
                }
                for column in AdviceColumn::ALL {
                    let values = self.witness.iter().flat_map(|witness| &witness[column][..usable]);
                    for (row, value) in values.enumerate() {
                        region.assign_advice(columns.advice(column), row, Value::known(*value));
                    }
                }
                Ok(())
            },
        )
    }
}

/// No row: `BASE` is 0, 1 or `b` in every row, so the product is zero whatever `VAL` is.
///
/// As a polynomial the product is not zero, because the factors are multiplied and not reduced modulo `X^n - 1`. It is
/// linear in the blinding rows of `VAL` and reaches all pieces of the quotient, which have no randomness of their own.
/// With `BASE` squared instead of `BASE - b`, or without a square, one piece would follow from the others.
fn quotient(meta: &mut ConstraintSystem<Fr>, columns: &Columns, base: RangeBase) {
    meta.create_gate("quotient", |meta| {
        let cell_base = meta.query_fixed(columns.base, Rotation::cur());
        let val = meta.query_advice(columns.advice(AdviceColumn::Val), Rotation::cur());
        let not_one = cell_base.clone() - Expression::Constant(Fr::ONE);
        let not_base = cell_base.clone() - Expression::Constant(Fr::from(base.0));
        [(rules::QUOTIENT, cell_base * not_one * not_base.clone() * not_base * val)]
    });
}

/// Rows `2 ..= usable - 1`, behind those where `ROW` is not zero:
///
/// | cell | is constrained |
/// |---|---|
/// | `BLIND[+1]` | here, to zero |
///
/// Programs read addresses from 1 to `usable - 2`. The one, at address 1, is held by [`sources`] and [`one`]. The rule
/// looks ahead and not behind: with `BLIND[-1]` it would leave row `usable - 2` free, which at k = 16 is a slot.
fn blind(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    meta.create_gate("blind", |meta| {
        let row = meta.query_fixed(columns.row, Rotation::cur());
        let next_blind = meta.query_advice(columns.advice(AdviceColumn::Blind), Rotation::next());
        [(rules::BLIND, row * next_blind)]
    });
}

/// Rows `1 ..= usable - 2`, where `ROW` is not zero:
///
/// | cell | is constrained |
/// |---|---|
/// | `FLAG`, `COEF` | by their commitments, which the verifier knows |
/// | `VAL` | by [`memory`] |
/// | `ACC`, `ACC[+1]` | here. A program's first row has `FLAG = 1` and `COEF = 0`, which makes `ACC[1]` zero |
///
/// A program's last row has `FLAG = 1`, so that no sum is left open.
fn running_sum(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    meta.create_gate("running sum", |meta| {
        let row = meta.query_fixed(columns.row, Rotation::cur());
        let [flag, coef, val, acc] = [AdviceColumn::Flag, AdviceColumn::Coef, AdviceColumn::Val, AdviceColumn::Acc]
            .map(|column| meta.query_advice(columns.advice(column), Rotation::cur()));
        let next_acc = meta.query_advice(columns.advice(AdviceColumn::Acc), Rotation::next());
        let one = Expression::Constant(Fr::ONE);
        let sum = acc + coef * val;
        [
            (rules::RUNNING_SUM, row.clone() * (next_acc - (one - flag.clone()) * sum.clone())),
            (rules::EQUATION, row * flag * sum),
        ]
    });
}

/// Rows `1 ..= usable - 2`:
///
/// | cell | is constrained |
/// |---|---|
/// | `BASE[-1]` | fixed |
/// | `BLINDED_HOLD` | by [`blind`], to what the sources signed; here, to zero at variables and at the one |
///
/// Without this rule a source could add to a variable, past its range check.
fn sources(meta: &mut ConstraintSystem<Fr>, columns: &Columns, base: RangeBase) {
    meta.create_gate("sources", |meta| {
        let row = meta.query_fixed(columns.row, Rotation::cur());
        let previous_base = meta.query_fixed(columns.base, Rotation::prev());
        let hold = meta.query_advice(columns.advice(AdviceColumn::BlindedHold), Rotation::cur());
        [(rules::SOURCES, row * (Expression::Constant(Fr::from(base.0)) - previous_base) * hold)]
    });
}

/// Every row, though `BASE` is neither 0 nor `b` at the constant one only:
///
/// | cell | is constrained |
/// |---|---|
/// | `BASE` | fixed |
/// | `VAR` | here, to one |
fn one(meta: &mut ConstraintSystem<Fr>, columns: &Columns, base: RangeBase) {
    meta.create_gate("one", |meta| {
        let cell_base = meta.query_fixed(columns.base, Rotation::cur());
        let var = meta.query_advice(columns.advice(AdviceColumn::Var), Rotation::cur());
        let not_base = cell_base.clone() - Expression::Constant(Fr::from(base.0));
        [(rules::ONE, cell_base * not_base * (var - Expression::Constant(Fr::ONE)))]
    });
}

/// Every usable row, among all usable rows:
///
/// | cell | is constrained |
/// |---|---|
/// | `IDX` | by its commitment, which the verifier knows |
/// | `VAL` | here |
/// | `ROW`, `BASE[-1]` | fixed; addresses are distinct but for 0 |
/// | `BLINDED_HOLD` | by the commitment to `BLIND`, by [`blind`] and by [`sources`] |
/// | `VAR` | by [`one`] and [`range`] |
fn memory(meta: &mut ConstraintSystem<Fr>, columns: &Columns, base: RangeBase) {
    meta.lookup_any(rules::MEMORY, |meta| {
        let idx = meta.query_advice(columns.advice(AdviceColumn::Idx), Rotation::cur());
        let val = meta.query_advice(columns.advice(AdviceColumn::Val), Rotation::cur());
        let row = meta.query_fixed(columns.row, Rotation::cur());
        let hold = meta.query_advice(columns.advice(AdviceColumn::BlindedHold), Rotation::cur());
        let var = meta.query_advice(columns.advice(AdviceColumn::Var), Rotation::cur());
        vec![(idx, row), (val, hold + is_variable(meta, columns, base) * var)]
    });
}

/// `S = 1 - BASE[-1]/b`: one where a limb group begins and at the constant one, zero inside a group.
fn is_variable(meta: &mut VirtualCells<'_, Fr>, columns: &Columns, base: RangeBase) -> Expression<Fr> {
    let previous_base = meta.query_fixed(columns.base, Rotation::prev());
    // The base is a small number other than zero, hence invertible.
    let inverse = Fr::from(base.0).invert().unwrap_or(Fr::ZERO);
    Expression::Constant(Fr::ONE) - previous_base * inverse
}

/// Every usable row:
///
/// | cell | is constrained |
/// |---|---|
/// | `BASE` | fixed: `b` in a limb group but for its last row, 1 at the constant one, else 0 |
/// | `VAR`, `VAR[+1]` | here: each is its successor times `b` and a limb below `b`, and the last in a group a limb |
/// | `ROW` | fixed: takes the values `0 .. b` and no others |
///
/// So a variable lies in `[0, b^w)`. In the last usable row `BASE` is 0, so that the blinding row behind it has no
/// part.
fn range(meta: &mut ConstraintSystem<Fr>, columns: &Columns) {
    meta.lookup_any(rules::RANGE, |meta| {
        let base = meta.query_fixed(columns.base, Rotation::cur());
        let row = meta.query_fixed(columns.row, Rotation::cur());
        let var = meta.query_advice(columns.advice(AdviceColumn::Var), Rotation::cur());
        let next_var = meta.query_advice(columns.advice(AdviceColumn::Var), Rotation::next());
        vec![(var - base * next_var, row)]
    });
}
