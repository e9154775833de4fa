//! The rules of the circuit in plain arithmetic, so that a witness that breaks one is refused by name, before the
//! prover.
//!
//! This is the circuit's twin, written from the specification and not from its expressions; tests demand that the two
//! agree on every witness. A failure names a rule and a row, never a value.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;

use crate::{columns::AdviceColumn, rules, witness::Witness};

/// A rule that a witness breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} breaks the rule \"{rule}\"")]
pub struct Violation {
    /// The rule, one of [`rules`].
    pub rule: &'static str,
    /// The first row where it is broken.
    pub row: usize,
}

/// Checks all rules on all rows.
///
/// # Errors
/// A rule that is broken.
pub fn check(witness: &Witness) -> Result<(), Violation> {
    let memory = Memory::of(witness);
    for row in 0..witness.capacity().usable() {
        memory.check_row(witness, row)?;
    }
    for row in 1..witness.capacity().usable() - 1 {
        check_step(witness, row)?;
        require(bool::from(witness[AdviceColumn::Blind][row + 1].is_zero()), rules::BLIND, row)?;
    }
    Ok(())
}

/// One step of the running sum.
fn check_step(witness: &Witness, row: usize) -> Result<(), Violation> {
    let cell = |column: AdviceColumn| witness[column][row];
    let sum = cell(AdviceColumn::Acc) + cell(AdviceColumn::Coef) * cell(AdviceColumn::Val);
    let flag = cell(AdviceColumn::Flag);
    let carried = sum - flag * sum;
    require(witness[AdviceColumn::Acc][row + 1] == carried, rules::RUNNING_SUM, row)?;
    require(bool::from(flag.is_zero()) || bool::from(sum.is_zero()), rules::EQUATION, row)
}

/// What lies at an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The constant one.
    One,
    /// The head of a limb group.
    Variable,
    /// A row of a limb group behind its head: a holding, and a limb.
    Slot,
    /// The row behind the constant one, which shows a fraction of `VAR`.
    AfterOne,
    /// A row that no program reads.
    Unused,
}

/// The layout of the memory.
struct Memory {
    cells: Vec<Cell>,
    range_base: Fr,
    /// Number of addresses.
    addresses: usize,
}

impl Memory {
    fn of(witness: &Witness) -> Self {
        let (capacity, groups) = (witness.capacity(), witness.groups());
        let mut cells = vec![Cell::Unused; capacity.usable()];
        cells[capacity.one().index()] = Cell::One;
        cells[capacity.one().index() + 1] = Cell::AfterOne;
        for (group, head) in (0..).map_while(|group| groups.head(group)).enumerate() {
            let cells = &mut cells[head.index()..head.index() + groups.limbs(group)];
            cells.fill(Cell::Slot);
            cells[0] = Cell::Variable;
        }
        Self { cells, range_base: Fr::from(capacity.base()), addresses: capacity.usable() - 1 }
    }

    fn check_row(&self, witness: &Witness, row: usize) -> Result<(), Violation> {
        let hold_is_zero = bool::from(witness[AdviceColumn::BlindedHold][row].is_zero());
        let may_hold = self.cells[row] == Cell::Slot || self.address(row) == 0;
        require(may_hold || hold_is_zero, rules::SOURCES, row)?;
        require(self.cells[row] != Cell::One || witness[AdviceColumn::Var][row] == Fr::ONE, rules::ONE, row)?;
        require(self.is_limb(self.limb(witness, row)), rules::RANGE, row)?;
        require(self.reads_right(witness, row), rules::MEMORY, row)
    }

    /// The address of a row: its number, but for the last usable row, which has the address 0 too.
    fn address(&self, row: usize) -> usize {
        if row < self.addresses { row } else { 0 }
    }

    /// What a row contributes to the decomposition of its variable.
    fn limb(&self, witness: &Witness, row: usize) -> Fr {
        let var = &witness[AdviceColumn::Var];
        let goes_on = self.cells.get(row + 1) == Some(&Cell::Slot);
        match self.cells[row] {
            Cell::One => var[row] - var[row + 1],
            _ if goes_on => var[row] - self.range_base * var[row + 1],
            _ => var[row],
        }
    }

    fn is_limb(&self, value: Fr) -> bool {
        small(value).is_some_and(|value| value < self.addresses)
    }

    /// Whether the row's value is the memory's at the row's address. The address 0 is shared by two rows.
    fn reads_right(&self, witness: &Witness, row: usize) -> bool {
        let value = witness[AdviceColumn::Val][row];
        match small(witness[AdviceColumn::Idx][row]) {
            Some(0) => value == self.value(witness, 0) || value == self.value(witness, self.addresses),
            Some(address) if address < self.addresses => value == self.value(witness, address),
            _ => false,
        }
    }

    fn value(&self, witness: &Witness, row: usize) -> Fr {
        let (hold, var) = (witness[AdviceColumn::BlindedHold][row], witness[AdviceColumn::Var][row]);
        match self.cells[row] {
            Cell::Slot => hold,
            Cell::AfterOne => hold + var - var * self.range_base.invert().unwrap_or(Fr::ZERO),
            Cell::One | Cell::Variable | Cell::Unused => hold + var,
        }
    }
}

/// The number, if it is below `2^32`.
fn small(value: Fr) -> Option<usize> {
    let bytes = zeroize::Zeroizing::new(value.to_repr());
    let (low, high) = bytes.split_at(4);
    high.iter().all(|byte| *byte == 0).then(|| low.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

fn require(holds: bool, rule: &'static str, row: usize) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule, row }) }
}
