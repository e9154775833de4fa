//! Columns of a proof. A column with hidden values can only be committed to with its blinding rows drawn.

use core::ops::{Deref, DerefMut};

use halo2curves::bn256::Fr;
use surety_core::capacity::{Capacity, TAIL_ROWS};
use surety_kzg::{Lanes, SecretScalars, rows};

use crate::blinding::Fresh;

/// Random rows of the polynomial that blinds the multi-opening, which shows two values of it. The polynomial covers
/// nothing (see `docs/src/zero-knowledge.md`); sixteen rows keep its values uniform also if openings are added.
pub(crate) const RANDOM_ROWS: usize = 16;

/// The rows of a column that are not for blinding, with room for those behind them. Only the former can be read and
/// written.
pub(crate) struct UsableRows {
    cells: SecretScalars,
    blinding: usize,
}

impl UsableRows {
    /// Zeros, with room for blinding rows.
    pub(crate) fn zeros(capacity: Capacity) -> Self {
        Self { cells: SecretScalars::zeros(capacity.rows()), blinding: TAIL_ROWS }
    }

    /// The usable rows of a whole column.
    pub(crate) fn of(capacity: Capacity, column: &[Fr]) -> Self {
        let mut rows = Self::zeros(capacity);
        rows.iter_mut().zip(column).for_each(|(cell, value)| *cell = *value);
        rows
    }

    /// Zeros for a running product, which ends in the first of the blinding rows.
    pub(crate) fn for_product(capacity: Capacity) -> Self {
        Self { blinding: TAIL_ROWS - 1, ..Self::zeros(capacity) }
    }

    /// Draws the blinding rows.
    pub(crate) fn blind(mut self, fresh: &mut Fresh) -> BlindedColumn {
        let usable = self.cells.len() - self.blinding;
        fresh.fill(&mut self.cells[usable..]);
        BlindedColumn(self.cells)
    }

    /// Leaves the blinding rows zero: for values that everybody knows, and for a summand whose other has them.
    pub(crate) fn unblinded(self) -> UnblindedColumn {
        UnblindedColumn(self.cells)
    }
}

impl Deref for UsableRows {
    type Target = [Fr];

    fn deref(&self) -> &[Fr] {
        &self.cells[..self.cells.len() - self.blinding]
    }
}

impl DerefMut for UsableRows {
    fn deref_mut(&mut self) -> &mut [Fr] {
        let usable = self.cells.len() - self.blinding;
        &mut self.cells[..usable]
    }
}

/// All rows of a column, the blinding rows zero. Its commitment is never sent.
pub(crate) struct UnblindedColumn(SecretScalars);

impl Deref for UnblindedColumn {
    type Target = [Fr];

    fn deref(&self) -> &[Fr] {
        &self.0
    }
}

/// All rows of a column, the blinding rows drawn for this proof.
pub(crate) struct BlindedColumn(SecretScalars);

impl BlindedColumn {
    /// A polynomial that is random and nothing else.
    pub(crate) fn random(capacity: Capacity, fresh: &mut Fresh) -> Self {
        UsableRows { blinding: RANDOM_ROWS, ..UsableRows::zeros(capacity) }.blind(fresh)
    }

    /// The cells, for provers that change them when they should not.
    #[cfg(test)]
    pub(crate) fn cells_mut(&mut self) -> &mut [Fr] {
        &mut self.0
    }

    /// `BLINDED_HOLD`, if this is `BLIND`: the holdings in the usable rows, and the masks added to the blinding rows.
    pub(crate) fn of_holdings(&self, capacity: Capacity, holdings: &[Fr]) -> Self {
        let mut cells = self.0.clone();
        let (usable, tail) = cells.split_at_mut(capacity.usable());
        let (held, masks) = holdings.split_at(capacity.usable());
        usable.copy_from_slice(held);
        tail.iter_mut().zip(masks).for_each(|(cell, mask)| *cell += mask);
        Self(cells)
    }

    /// `factor·first + self`, blinded as `self` is.
    pub(crate) fn compressed(&self, lanes: Lanes, factor: Fr, first: &UnblindedColumn) -> Self {
        let mut cells = self.0.clone();
        rows::add_scaled(lanes, &mut cells, factor, first);
        Self(cells)
    }
}

impl Deref for BlindedColumn {
    type Target = [Fr];

    fn deref(&self) -> &[Fr] {
        &self.0
    }
}
