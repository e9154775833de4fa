//! Pages of many accounts, opened at all of them.

use std::collections::BTreeSet;

use rand_core::{OsRng, RngCore as _};
use surety_kzg::{
    Capacity, Fr, HoldingCommitment, Lanes, Params, Row, SecretScalars, Srs,
    cell::{Cell, CellKey, CellLayout, CellProver, CellRows, CellTable, CellVerifier, Opening},
    progress::Silent,
    scalar,
};

/// A kind of page: capacity class, rows of a cell, assets, and accounts.
#[derive(Clone, Copy, Debug)]
pub struct Pages {
    /// Binary logarithm of the number of rows.
    pub k: u32,
    /// Rows of a coset.
    pub rows: usize,
    /// Holdings of an account.
    pub assets: usize,
    /// Accounts of a page.
    pub accounts: usize,
}

/// Pages that are measured: as many accounts as programs have room for, of eight assets without debts, of fifty without
/// debts and of fifty with debts; and a small one.
pub const PAGES: [Pages; 4] = [
    Pages { k: 12, rows: 16, assets: 8, accounts: 160 },
    Pages { k: 16, rows: 16, assets: 8, accounts: 2721 },
    Pages { k: 16, rows: 128, assets: 50, accounts: 430 },
    Pages { k: 16, rows: 128, assets: 50, accounts: 184 },
];

impl Pages {
    /// A name for reports.
    #[must_use]
    pub fn name(self) -> String {
        format!("k = {}, {} accounts of {} assets", self.k, self.accounts, self.assets)
    }

    fn capacity(self) -> Capacity {
        Capacity::new(self.k).unwrap()
    }

    /// The insecure development set-up.
    #[must_use]
    pub fn set_up(self) -> Srs {
        Srs::development_with_g2_powers(self.capacity())
    }

    /// The accounts at the first cosets that have enough slots and may be opened.
    #[must_use]
    pub fn layout(self) -> CellLayout {
        let capacity = self.capacity();
        let cosets = capacity.rows() / self.rows;
        let slots: BTreeSet<Row> = (0..capacity.slots()).map(|index| capacity.slot(index).unwrap()).collect();
        let mut cells = vec![Vec::new(); cosets];
        slots.into_iter().for_each(|row| cells[row.index() % cosets].push(row));
        let closed = cosets.min(256);
        let cells = cells.into_iter().enumerate();
        let cells = cells.filter(|(coset, rows)| coset % closed < closed - 6 && rows.len() > self.assets);
        let cells = cells.map(|(_, rows)| rows[..=self.assets].to_vec()).take(self.accounts);
        CellLayout::new(capacity, cosets, cells.collect()).unwrap()
    }
}

/// A page that is filled at random, and all that opens it and checks it.
#[allow(missing_debug_implementations, reason = "it holds secrets")]
pub struct OpenedPage {
    prover: CellProver,
    verifier: CellVerifier,
    column: SecretScalars,
    commitment: HoldingCommitment,
    values: Vec<Vec<Fr>>,
}

impl OpenedPage {
    /// Random identities and masks; two holdings in three are zero.
    #[must_use]
    pub fn new(pages: Pages, srs: &Srs, params: &Params, table: CellTable, lanes: Lanes) -> Self {
        let layout = pages.layout();
        let mut column = SecretScalars::zeros(layout.capacity().rows());
        let random = || {
            let mut words = [0; 4];
            words.fill_with(|| OsRng.next_u64());
            Fr::from_raw(words)
        };
        for cell in layout.cells() {
            for (index, row) in cell.rows().iter().enumerate() {
                column[row.index()] = match index {
                    0 => random(),
                    _ if OsRng.next_u32().is_multiple_of(3) => scalar::from_i128((OsRng.next_u64() >> 20).into()),
                    _ => Fr::zero(),
                };
            }
        }
        column[layout.capacity().tail()].fill_with(random);
        let values = |cell: &CellRows| cell.rows().iter().map(|row| column[row.index()]).collect();
        Self {
            values: layout.cells().iter().map(values).collect(),
            commitment: HoldingCommitment::of_column(params, &column).unwrap(),
            verifier: CellVerifier::new(CellKey::from_srs(srs, pages.rows).unwrap(), layout.clone()).unwrap(),
            prover: CellProver::new(params, layout, table, lanes),
            column,
        }
    }

    /// Opens the page at all its cells.
    #[must_use]
    pub fn open(&self) -> Vec<Opening> {
        self.prover.open(&self.column).unwrap()
    }

    /// Checks one cell.
    pub fn verify(&self, index: usize, openings: &[Opening]) {
        self.verifier.verify(self.cell(index, openings)).unwrap();
    }

    /// Checks all cells together.
    pub fn verify_all(&self, openings: &[Opening]) {
        let cells: Vec<Cell<'_>> = (0..openings.len()).map(|index| self.cell(index, openings)).collect();
        assert_eq!(self.verifier.failures(&cells, &mut OsRng), []);
    }

    fn cell<'a>(&'a self, index: usize, openings: &'a [Opening]) -> Cell<'a> {
        Cell {
            commitment: &self.commitment,
            coset: self.prover.layout().cells()[index].coset(),
            values: &self.values[index],
            opening: &openings[index],
        }
    }
}

/// The table of some pages' layout.
#[must_use]
pub fn table(pages: Pages, params: &Params, lanes: Lanes) -> CellTable {
    CellTable::new(params, &pages.layout(), lanes, &Silent)
}
