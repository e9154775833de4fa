//! All openings of a page.
//!
//! Whatever depends on the column is wiped. As with [`crate::table`], the running time does depend on the values.

use ff::{Field as _, PrimeField as _};
use group::Curve as _;
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use surety_wide::{Lanes, Wiped};

use crate::{
    cell::{
        layout::{CellLayout, CellRows, Coset},
        opening::Opening,
        steps::multiply_all,
        table::CellTable,
        transform::PointTransform,
    },
    fft::root_of_unity,
    glv::{Multiplier, Splitter},
    msm::{Magnitude, msm},
    params::Params,
    scalar,
    secret::SecretScalars,
    transform::{Domain, Factors},
};

/// The additions of cells with so many rows together share inversions.
const SHARING: usize = 256;

/// Points that share an inversion when they become affine.
const NORMALIZING: usize = 1024;

/// Why a column cannot be opened. Never says a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A row of an opened coset that is to be zero is not.
    #[error(
        "row {row} of the opened coset {coset}: expected zero in a row that the layout does not list, found another \
         value: fill the rows of the page's layout, and no others"
    )]
    UnusedRow {
        /// The coset.
        coset: usize,
        /// The row.
        row: usize,
    },
    /// The opening is the identity.
    #[error("coset {coset}: expected a column with masks, found one of a degree below the rows of a coset: draw masks")]
    Identity {
        /// The coset.
        coset: usize,
    },
}

/// Opens pages of one layout at all its cells.
pub struct CellProver {
    layout: CellLayout,
    table: CellTable,
    lanes: Lanes,
    rows: Domain,
    rows_of_a_coset: Domain,
    /// `i/n` and `i/ℓ` for each coefficient, in bit-reversed order: with them, a transform gives `X·f′`.
    exponents: Factors,
    exponents_of_a_coset: Vec<Fr>,
    /// The first base of each cell.
    bases: Vec<usize>,
    unopened: Vec<Unopened>,
    forth: PointTransform,
    back: PointTransform,
    /// Twice the transform of `1/(1 - ζ^d)`.
    spectrum: Vec<Multiplier>,
}

/// The Lagrange points of a coset that is not opened.
struct Unopened {
    coset: Coset,
    points: Vec<G1Affine>,
}

impl core::fmt::Debug for CellProver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CellProver").field("table", &self.table).finish_non_exhaustive()
    }
}

impl CellProver {
    /// The prover for a layout, with the table of that layout over the same set-up.
    ///
    /// # Panics
    /// If the parameters are for another capacity class than the layout, or the table is that of another layout.
    #[must_use]
    pub fn new(params: &Params, layout: CellLayout, table: CellTable, lanes: Lanes) -> Self {
        assert_eq!(params.capacity(), layout.capacity(), "parameters for the layout's capacity class");
        assert_eq!(table.points().len(), CellTable::points_of(&layout), "the layout's table");
        let (k, cosets) = (layout.capacity().k(), layout.cosets());
        let (log_cosets, log_rows) = (cosets.ilog2(), layout.rows_of_a_coset().ilog2());
        let (rows, rows_of_a_coset) = (Domain::with_lanes(k, lanes), Domain::with_lanes(log_rows, lanes));
        let exponents = |domain: &Domain| {
            let exponents: Vec<Fr> = (0..domain.rows() as u64).map(|i| Fr::from(i) * domain.rows_inverse()).collect();
            domain.reordered(&exponents)
        };
        let bases = layout
            .cells()
            .iter()
            .scan(0, |next, cell| Some(core::mem::replace(next, *next + layout.rows_of_a_coset() + cell.rows().len())));
        let unopened = (0..cosets)
            .map(Coset)
            .filter(|coset| layout.cell(*coset).is_none())
            .map(|coset| Unopened { coset, points: layout.rows_of(coset).map(|row| params.lagrange()[row]).collect() });
        let root = root_of_unity(log_cosets);
        let splitter = Splitter::new();
        // From κ = 0, which stands for M, to M - 1.
        let spectrum = (0..cosets as i128).map(|kappa| match kappa {
            0 => cosets as i128 - 1,
            _ => 2 * kappa - 1 - cosets as i128,
        });
        Self {
            exponents: rows.factors(exponents(&rows)),
            exponents_of_a_coset: exponents(&rows_of_a_coset),
            bases: bases.collect(),
            unopened: unopened.collect(),
            forth: PointTransform::new(root, log_cosets),
            back: PointTransform::new(root.invert().unwrap_or(Fr::ZERO), log_cosets),
            spectrum: spectrum.map(|factor| splitter.multiplier(&scalar::from_i128(factor))).collect(),
            layout,
            table,
            lanes,
            rows,
            rows_of_a_coset,
        }
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &CellLayout {
        &self.layout
    }

    /// The openings of a page at its cells, in their order. A thousand cells of sixteen rows take about a second of
    /// processor time, a third of that with eight points at a time.
    ///
    /// # Errors
    /// If a row of an opened coset that is not listed is not zero, or the column has no masks.
    ///
    /// # Panics
    /// If the column is of another capacity class.
    pub fn open(&self, column: &SecretScalars) -> Result<Vec<Opening>, OpenError> {
        assert_eq!(column.len(), self.rows.rows(), "a column has a value for each row");
        self.layout.cells().iter().try_for_each(|cell| self.refuse_unused(cell, column))?;
        let sums = self.sums_of_cells(column);
        let others = self.sums_of_others(column, &sums);
        let mut openings = Wiped::<G1>::new(self.layout.cells().len());
        for ((opening, [own, _]), cell) in openings.iter_mut().zip(sums.iter()).zip(self.layout.cells()) {
            *opening = own + others[self.back.place(cell.coset().0)];
        }
        let openings = normalized(&openings);
        let openings = openings
            .iter()
            .zip(self.layout.cells())
            .map(|(opening, cell)| Opening::new(*opening).ok_or(OpenError::Identity { coset: cell.coset().0 }));
        openings.collect()
    }

    fn refuse_unused(&self, cell: &CellRows, column: &[Fr]) -> Result<(), OpenError> {
        let mut used = cell.rows().iter().map(|row| row.index()).peekable();
        let mut unused = self.layout.rows_of(cell.coset()).filter(|row| used.next_if_eq(row).is_none());
        match unused.find(|row| !bool::from(column[*row].is_zero())) {
            Some(row) => Err(OpenError::UnusedRow { coset: cell.coset().0, row }),
            None => Ok(()),
        }
    }

    /// For each cell the part of its opening that its own rows decide, and `A_u/(2M)`.
    fn sums_of_cells(&self, column: &[Fr]) -> Wiped<[G1; 2]> {
        let scalars = self.own_scalars(column);
        let (rows, cells) = (self.layout.rows_of_a_coset(), self.layout.cells());
        let together = (SHARING / rows).max(1);
        let benches = self.table.table().benches(self.lanes);
        let mut sums = Wiped::new(cells.len());
        let tasks = sums.par_chunks_mut(together).zip(cells.par_chunks(together)).enumerate();
        tasks.zip(scalars.par_chunks(together * rows)).for_each(|((task, (sums, cells)), scalars)| {
            let magnitudes: Vec<[Vec<Magnitude>; 2]> = cells
                .iter()
                .zip(scalars.chunks_exact(rows))
                .map(|(cell, own)| self.magnitudes(cell, own, column))
                .collect();
            let bases = self.bases[task * together..].iter();
            let terms: Vec<(usize, &[Magnitude])> = bases
                .zip(&magnitudes)
                .flat_map(|(base, both)| both.iter().map(|scalars| (*base, &scalars[..])))
                .collect();
            let found = benches.at(|bench| self.table.table().sums_in_step(bench, &terms));
            sums.iter_mut().zip(found.as_chunks::<2>().0).for_each(|(sums, found)| *sums = *found);
        });
        sums
    }

    /// The scalars of a cell's two sums: for its part, all own ones and the values in used rows; for its share in the
    /// commitment, the values in all rows.
    fn magnitudes(&self, cell: &CellRows, own: &[Fr], column: &[Fr]) -> [Vec<Magnitude>; 2] {
        let used = cell.rows().iter().map(|row| &column[row.index()]);
        let all = self.layout.rows_of(cell.coset()).map(|row| Magnitude::of(&column[row]));
        [own.iter().chain(used).map(Magnitude::of).collect(), all.collect()]
    }

    /// `2M·d_t` for each row of each cell.
    fn own_scalars(&self, column: &[Fr]) -> SecretScalars {
        let (cosets, rows) = (self.layout.cosets(), self.layout.rows_of_a_coset());
        // X·f′, and below X·r_u′: in the variable X/ω^u, it has the same values.
        let mut derivative = SecretScalars::zeros(column.len());
        derivative.copy_from_slice(column);
        self.rows.scaled_coefficients(&mut derivative, &self.exponents);
        self.rows.values(&mut derivative);

        let [steep, flat] = [2 * cosets as u64, (cosets * (cosets - 1)) as u64].map(Fr::from);
        let steep = steep * self.rows_of_a_coset.rows_inverse();
        let mut scalars = SecretScalars::zeros(rows * self.layout.cells().len());
        scalars.par_chunks_mut(rows).zip(self.layout.cells()).for_each(|(scalars, cell)| {
            let rows = || self.layout.rows_of(cell.coset());
            scalars.iter_mut().zip(rows()).for_each(|(scalar, row)| *scalar = column[row]);
            self.rows_of_a_coset.coefficients(scalars);
            scalars.iter_mut().zip(&self.exponents_of_a_coset).for_each(|(scalar, exponent)| *scalar *= exponent);
            self.rows_of_a_coset.values(scalars);
            let nodes = self.rows.nodes();
            let inverse = nodes[(cosets - cell.coset().0) * self.layout.rows_of_a_coset() % nodes.len()];
            for (scalar, row) in scalars.iter_mut().zip(rows()) {
                *scalar = inverse * (steep * (derivative[row] - *scalar) - flat * column[row]);
            }
        });
        scalars
    }

    /// `Σ_{v≠u} A_v/(a_v - a_u)` for each coset, in the order of the transform.
    fn sums_of_others(&self, column: &[Fr], sums: &[[G1; 2]]) -> Wiped<G1Affine> {
        let mut shares = Wiped::<G1>::new(self.layout.cosets());
        for (cell, [_, share]) in self.layout.cells().iter().zip(sums) {
            shares[cell.coset().0] = *share;
        }
        self.unopened.iter().for_each(|other| shares[other.coset.0] = self.share_of(other, column));
        let mut shares = normalized(&shares);
        self.forth.run(self.lanes, &mut shares, 1, |_| {});
        // To divide A_v by a_v is to look at the next number of the transform.
        let mut products = Wiped::new(shares.len());
        for (kappa, product) in products.iter_mut().enumerate() {
            let before = kappa.checked_sub(1).unwrap_or(self.layout.cosets() - 1);
            *product = shares[self.forth.place(before)];
        }
        multiply_all(self.lanes, &mut products, |kappa| &self.spectrum[kappa]);
        self.back.run(self.lanes, &mut products, 1, |_| {});
        products
    }

    /// `A_v/(2M)` of a coset that is not opened. Few of its rows have values.
    fn share_of(&self, other: &Unopened, column: &[Fr]) -> G1 {
        let scale = Fr::TWO_INV.pow([u64::from(self.layout.cosets().ilog2()) + 1]);
        let mut scalars = SecretScalars::zeros(other.points.len());
        let rows = self.layout.rows_of(other.coset);
        scalars.iter_mut().zip(rows).for_each(|(scalar, row)| *scalar = column[row] * scale);
        msm(other.points.iter().zip(scalars.iter()))
    }
}

/// The same points in affine coordinates.
fn normalized(points: &Wiped<G1>) -> Wiped<G1Affine> {
    let mut affine = Wiped::new(points.len());
    affine.par_chunks_mut(NORMALIZING).zip(points.par_chunks(NORMALIZING)).for_each(|(affine, points)| {
        G1::batch_normalize(points, affine);
    });
    affine
}
