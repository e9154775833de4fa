//! The columns that are the same in all proofs of a capacity class.

use ff::Field as _;
use halo2curves::bn256::Fr;
use surety_core::capacity::Groups;

/// The fixed columns in the rows, and what follows from them.
#[derive(Debug)]
pub(crate) struct Fixed {
    /// `ROW`
    pub(crate) row: Vec<Fr>,
    /// `BASE`
    pub(crate) base: Vec<Fr>,
    /// `S = 1 - BASE[-1]/b`, one where a limb group begins.
    pub(crate) variable: Vec<Fr>,
    /// One on the first row.
    pub(crate) first: Vec<Fr>,
    /// One on the usable rows.
    pub(crate) active: Vec<Fr>,
}

impl Fixed {
    pub(crate) fn new(groups: Groups) -> Self {
        let capacity = groups.capacity();
        let (rows, usable) = (capacity.rows(), capacity.usable());
        let scalars = |column: Vec<u64>| -> Vec<Fr> { column.into_iter().map(Fr::from).collect() };
        let base = scalars(groups.base_column());
        // The base is a small number other than zero, hence invertible.
        let inverse = Fr::from(capacity.base()).invert().unwrap_or(Fr::ZERO);
        let ones = |has: &dyn Fn(usize) -> bool| (0..rows).map(|row| Fr::from(u64::from(has(row)))).collect();
        Self {
            row: scalars(capacity.row_column()),
            variable: (0..rows).map(|row| Fr::ONE - base[(row + rows - 1) % rows] * inverse).collect(),
            base,
            first: ones(&|row| row == 0),
            active: ones(&|row| row < usable),
        }
    }
}
