//! Which rows of a column belong to which coset, and which of them a page opens.

use surety_core::capacity::{Capacity, Row};

/// Rows are opened or not by their numbers modulo this, in every layout alike.
const PERIOD: usize = 256;

/// Rows with this number modulo [`PERIOD`] or a larger one are never opened.
const NEVER_OPENED: usize = 250;

/// Whether a row is never opened, in any layout: the blinding rows are among these, and there is room for masks and
/// totals.
#[must_use]
pub fn is_never_opened(row: usize) -> bool {
    row % PERIOD >= NEVER_OPENED
}

/// Why rows are no layout of cells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The rows do not split into so many cosets.
    #[error("expected a power of two from {} to {most} as the number of cosets, found {found}", CellLayout::MIN_COSETS)]
    Cosets {
        /// The largest number of cosets: those of two rows.
        most: usize,
        /// The number given.
        found: usize,
    },
    /// Nothing is opened.
    #[error("expected at least one cell, found none: a page without accounts has no layout")]
    NoCells,
    /// A cell without rows.
    #[error("cell {cell}: expected the row of its identity and those of its holdings, found no rows")]
    NoRows {
        /// The cell's position.
        cell: usize,
    },
    /// A blinding row, or one of another capacity class.
    #[error("cell {cell}: expected rows below {usable}, the number of usable ones, found row {row}")]
    Unusable {
        /// The cell's position.
        cell: usize,
        /// The row.
        row: usize,
        /// How many rows of the capacity class are usable.
        usable: usize,
    },
    /// A row of another coset than the first of its cell.
    #[error("cell {cell}: expected rows of the coset {coset} of its first one, found row {row} of the coset {found}")]
    OtherCoset {
        /// The cell's position.
        cell: usize,
        /// The row.
        row: usize,
        /// The coset of the cell's first row.
        coset: usize,
        /// The coset of the row.
        found: usize,
    },
    /// Rows out of order, or one of them twice.
    #[error("cell {cell}: expected distinct rows in ascending order, found row {row} behind row {before}")]
    RowOrder {
        /// The cell's position.
        cell: usize,
        /// The row.
        row: usize,
        /// The row before it.
        before: usize,
    },
    /// A coset with rows that stay closed.
    #[error(
        "cell {cell}: expected a coset without rows of {NEVER_OPENED} or more modulo {PERIOD}, where masks and totals \
         are, found the coset {coset}"
    )]
    NeverOpened {
        /// The cell's position.
        cell: usize,
        /// The coset.
        coset: usize,
    },
    /// Cosets out of order, or one of them twice.
    #[error("cell {cell}: expected distinct cosets in ascending order, found the coset {coset} behind {before}")]
    CosetOrder {
        /// The cell's position.
        cell: usize,
        /// The coset.
        coset: usize,
        /// The coset before it.
        before: usize,
    },
}

/// A coset of rows: those with this number modulo the number of cosets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coset(pub usize);

/// A coset that is opened, and those of its rows that may have other values than zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRows {
    coset: Coset,
    rows: Vec<Row>,
}

impl CellRows {
    /// The coset.
    #[must_use]
    pub fn coset(&self) -> Coset {
        self.coset
    }

    /// The row of the identity, then those of the holdings, ascending.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// How the `n = 2^k` rows of a column split into `M` cosets of `ℓ = n/M` rows, the rows `t ≡ u (mod M)` in coset u, and
/// which cosets are opened.
///
/// In a cell, all rows but those listed are zero. Public, and the same for all pages of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellLayout {
    capacity: Capacity,
    cosets: usize,
    cells: Vec<CellRows>,
}

impl CellLayout {
    /// The smallest number of cosets: if there were fewer, each had a row that is never opened.
    pub const MIN_COSETS: usize = 8;

    /// The layout with so many cosets and these rows of each cell, first that of the identity. Which rows a program can
    /// read holdings from is for the caller to know.
    ///
    /// # Errors
    /// If the number of cosets is no power of two, or leaves less than two rows to each; if there is no cell, or one
    /// has no rows, rows that are not usable, of several cosets or not ascending; if a coset has rows that are never
    /// opened, or the cosets are not ascending.
    pub fn new(capacity: Capacity, cosets: usize, cells: Vec<Vec<Row>>) -> Result<Self, LayoutError> {
        let most = capacity.rows() / 2;
        if !cosets.is_power_of_two() || !(Self::MIN_COSETS..=most).contains(&cosets) {
            return Err(LayoutError::Cosets { most, found: cosets });
        }
        if cells.is_empty() {
            return Err(LayoutError::NoCells);
        }
        let cells = cells.into_iter().enumerate().map(|(cell, rows)| cell_rows(capacity, cosets, cell, rows));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        for (index, pair) in cells.windows(2).enumerate() {
            let [Coset(before), Coset(coset)] = [pair[0].coset, pair[1].coset];
            if coset <= before {
                return Err(LayoutError::CosetOrder { cell: index + 1, coset, before });
            }
        }
        Ok(Self { capacity, cosets, cells })
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// `M`, the number of cosets.
    #[must_use]
    pub fn cosets(&self) -> usize {
        self.cosets
    }

    /// `ℓ`, the number of rows of a coset.
    #[must_use]
    pub fn rows_of_a_coset(&self) -> usize {
        self.capacity.rows() / self.cosets
    }

    /// The cells, by ascending coset.
    #[must_use]
    pub fn cells(&self) -> &[CellRows] {
        &self.cells
    }

    /// The rows of a coset, ascending.
    pub(super) fn rows_of(&self, coset: Coset) -> impl ExactSizeIterator<Item = usize> + use<> {
        (coset.0..self.capacity.rows()).step_by(self.cosets)
    }

    /// The cell that opens a coset, if one does.
    #[must_use]
    pub fn cell(&self, coset: Coset) -> Option<&CellRows> {
        self.cells.binary_search_by_key(&coset, CellRows::coset).ok().map(|index| &self.cells[index])
    }
}

/// The rows of a cell, if they are those of one.
fn cell_rows(capacity: Capacity, cosets: usize, cell: usize, rows: Vec<Row>) -> Result<CellRows, LayoutError> {
    let coset = rows.first().ok_or(LayoutError::NoRows { cell })?.index() % cosets;
    for (row, before) in rows.iter().zip(core::iter::once(None).chain(rows.iter().map(Some))) {
        let row = row.index();
        let (usable, found) = (capacity.usable(), row % cosets);
        if row >= usable {
            return Err(LayoutError::Unusable { cell, row, usable });
        }
        if found != coset {
            return Err(LayoutError::OtherCoset { cell, row, coset, found });
        }
        if let Some(before) = before.map(|before| before.index()).filter(|before| row <= *before) {
            return Err(LayoutError::RowOrder { cell, row, before });
        }
    }
    if (coset..capacity.rows()).step_by(cosets).any(is_never_opened) {
        return Err(LayoutError::NeverOpened { cell, coset });
    }
    Ok(CellRows { coset: Coset(coset), rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity() -> Capacity {
        Capacity::new(9).unwrap()
    }

    /// A row of the largest class, which may lie outside of the smallest.
    fn row(index: usize) -> Row {
        Capacity::new(16).unwrap().table_rows().nth(index - 1).unwrap()
    }

    fn layout(cosets: usize, cells: &[&[usize]]) -> Result<CellLayout, LayoutError> {
        let cells = cells.iter().map(|rows| rows.iter().map(|index| row(*index)).collect()).collect();
        CellLayout::new(capacity(), cosets, cells)
    }

    #[test]
    fn cells_are_found_by_their_cosets() {
        let layout = layout(64, &[&[68, 132, 196], &[5, 133, 389], &[57, 121]]).unwrap();
        assert_eq!((layout.cosets(), layout.rows_of_a_coset(), layout.cells().len()), (64, 8, 3));
        assert_eq!(layout.cell(Coset(5)), Some(&layout.cells()[1]));
        assert_eq!(layout.cell(Coset(57)).unwrap().rows(), [row(57), row(121)]);
        for coset in [0, 6, 58, 64 + 5, usize::MAX] {
            assert_eq!(layout.cell(Coset(coset)), None);
        }
    }

    #[test]
    fn rejects_numbers_of_cosets_that_do_not_split_the_rows() {
        for found in [0, 1, 4, 12, 512, 1024] {
            assert_eq!(layout(found, &[&[5]]), Err(LayoutError::Cosets { most: 256, found }));
        }
        for cosets in [8, 16, 128, 256] {
            assert!(layout(cosets, &[&[257]]).is_ok(), "{cosets}");
        }
    }

    #[test]
    fn rejects_pages_without_cells_and_cells_without_rows() {
        assert_eq!(layout(64, &[]), Err(LayoutError::NoCells));
        assert_eq!(layout(64, &[&[5], &[]]), Err(LayoutError::NoRows { cell: 1 }));
    }

    #[test]
    fn rejects_rows_that_are_not_usable() {
        let unusable = |row| Err(LayoutError::Unusable { cell: 0, row, usable: 506 });
        assert_eq!(layout(64, &[&[506]]), unusable(506));
        assert_eq!(layout(64, &[&[5, 5 + 64 * 8]]), unusable(517));
    }

    #[test]
    fn rejects_rows_of_another_coset() {
        let error = LayoutError::OtherCoset { cell: 1, row: 134, coset: 5, found: 6 };
        assert_eq!(layout(64, &[&[4], &[5, 134]]), Err(error));
    }

    #[test]
    fn rejects_rows_out_of_order_and_rows_twice() {
        let error = |row, before| Err(LayoutError::RowOrder { cell: 0, row, before });
        assert_eq!(layout(64, &[&[133, 5]]), error(5, 133));
        assert_eq!(layout(64, &[&[5, 133, 133]]), error(133, 133));
    }

    #[test]
    fn rejects_cosets_that_are_never_opened() {
        for (cosets, coset, row) in [(64, 58, 58), (64, 63, 191), (256, 250, 250), (256, 255, 255), (16, 10, 10)] {
            assert_eq!(layout(cosets, &[&[row]]), Err(LayoutError::NeverOpened { cell: 0, coset }));
        }
        assert!(layout(64, &[&[57]]).is_ok() && layout(256, &[&[249]]).is_ok() && layout(16, &[&[9]]).is_ok());
    }

    #[test]
    fn rejects_cosets_out_of_order_and_cosets_twice() {
        let error = |coset, before| Err(LayoutError::CosetOrder { cell: 1, coset, before });
        assert_eq!(layout(64, &[&[6], &[5]]), error(5, 6));
        assert_eq!(layout(64, &[&[5], &[69]]), error(5, 5));
    }
}
