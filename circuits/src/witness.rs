//! The advice columns filled in: what the public program and the hidden values put into each cell.

use core::ops::{Index, IndexMut};

use ff::Field as _;
use halo2curves::bn256::Fr;
use surety_core::{
    capacity::{Capacity, Groups, Row},
    units::Price,
};
use surety_kzg::{SecretScalars, scalar};
use surety_margin::program::{Assignment, Overflow, Program};
use zeroize::ZeroizeOnDrop;

use crate::columns::AdviceColumn;

/// Values for every cell of the advice columns, blinding rows included. Wiped when dropped; prints nothing.
///
/// `BLIND` is zero and `BLINDED_HOLD` is `HOLD`: [`crate::ProvingKey::prove`] adds randomness to both for each proof.
/// Nothing here is checked against the rules of the circuit: [`crate::check::check`] does that.
#[derive(Clone, ZeroizeOnDrop)]
pub struct Witness {
    #[zeroize(skip)]
    groups: Groups,
    columns: [SecretScalars; AdviceColumn::COUNT],
}

/// Why columns cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The column of holdings has another capacity class's length.
    #[error("expected {expected} rows of holdings for this program's capacity class, found {found}")]
    HoldingRows {
        /// Rows of the capacity class.
        expected: usize,
        /// Rows given.
        found: usize,
    },
    /// Values for more variables than there are addresses.
    #[error("expected values for at most {limit} variables, found {found}: the assignment is another program's")]
    Variables {
        /// Variables of the capacity class.
        limit: usize,
        /// Values given.
        found: usize,
    },
    /// Coefficients that cannot be computed.
    #[error(
        "expected prices inside the policy's price box, found some with which a coefficient leaves 256 bits or is \
         missing"
    )]
    Coefficients(Overflow),
}

impl Witness {
    /// Runs a program at given prices over holdings and variables.
    ///
    /// `hold` is the whole column, masks included, as [`surety_kzg::holding::holding_column`] makes it.
    ///
    /// # Errors
    /// If holdings, variables or prices do not belong to the program.
    pub fn new(
        program: &Program,
        prices: &[Price],
        hold: &SecretScalars,
        assignment: &Assignment,
    ) -> Result<Self, WitnessError> {
        let capacity = program.capacity();
        if hold.len() != capacity.rows() {
            return Err(WitnessError::HoldingRows { expected: capacity.rows(), found: hold.len() });
        }
        let columns = core::array::from_fn(|_| SecretScalars::zeros(capacity.rows()));
        let mut witness = Self { groups: program.groups(), columns };
        witness[AdviceColumn::BlindedHold].copy_from_slice(hold);
        witness.place_variables(program, assignment)?;
        witness.run(program, prices).map_err(WitnessError::Coefficients)?;
        Ok(witness)
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.groups.capacity()
    }

    /// How the rows are divided.
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.groups
    }

    /// A column's values in the blinding rows.
    pub(crate) fn tail(&self, column: AdviceColumn) -> &[Fr] {
        &self[column][self.capacity().tail()]
    }

    /// Each variable at its address, behind it its quotients by `b`, `b²`, …; the constant one at its own.
    fn place_variables(&mut self, program: &Program, assignment: &Assignment) -> Result<(), WitnessError> {
        let capacity = self.capacity();
        let base = u128::from(capacity.base());
        let values = assignment.variables();
        let too_many = WitnessError::Variables { limit: program.variables(), found: values.len() };
        let var = &mut self[AdviceColumn::Var];
        var[capacity.one().index()] = Fr::ONE;
        for (index, value) in values.iter().enumerate() {
            let rows = program.rows_of(index).ok_or_else(|| too_many.clone())?;
            let mut quotient = *value;
            for cell in &mut var[rows] {
                *cell = scalar::from_u128(quotient);
                quotient /= base;
            }
        }
        Ok(())
    }

    /// Fills the program's columns and, reading and summing row by row, `VAL` and `ACC`.
    fn run(&mut self, program: &Program, prices: &[Price]) -> Result<(), Overflow> {
        let base = self.groups.base_column();
        let coefficients = program.coefficients(prices)?;
        let entries = program.table().iter().zip(coefficients);
        for (row, (entry, coefficient)) in self.capacity().table_rows().map(Row::index).zip(entries) {
            let value = self.read(&base, entry.address);
            let coefficient = scalar::from_i256(coefficient);
            let sum = self[AdviceColumn::Acc][row] + coefficient * value;
            self[AdviceColumn::Idx][row] = Fr::from(entry.address.index() as u64);
            self[AdviceColumn::Flag][row] = Fr::from(u64::from(entry.last));
            self[AdviceColumn::Coef][row] = coefficient;
            self[AdviceColumn::Val][row] = value;
            self[AdviceColumn::Acc][row + 1] = if entry.last { Fr::ZERO } else { sum };
        }
        Ok(())
    }

    /// The memory at an address: a variable where a limb group or the one begins, else a holding.
    fn read(&self, base: &[u64], address: Row) -> Fr {
        match address.index() {
            0 => Fr::ZERO,
            row if base[row - 1] == 0 => self[AdviceColumn::Var][row],
            row => self[AdviceColumn::BlindedHold][row],
        }
    }
}

impl Index<AdviceColumn> for Witness {
    type Output = [Fr];

    fn index(&self, column: AdviceColumn) -> &[Fr] {
        &self.columns[column as usize]
    }
}

impl IndexMut<AdviceColumn> for Witness {
    fn index_mut(&mut self, column: AdviceColumn) -> &mut [Fr] {
        &mut self.columns[column as usize]
    }
}
