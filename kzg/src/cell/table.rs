//! The fixed points that a layout's cells are opened with, and their multiples.
//!
//! For each cell, one after the other: `[L_t]/(2M)` for each row of its coset, then `[E_t]` for those that are used.
//! The factor `1/(2M)` makes the numbers that transforms are multiplied with whole.
//!
//! `E_t` comes from powers of τ with two transforms. The Lagrange polynomial of a row is `L_t = ℓ_t·G_u` with
//! `ℓ_t = 1/ℓ · Σ_i ω^(-ti)·X^i` and `G_u = 1/M · Σ_j a_u^(-j)·X^(ℓj)`. Term by term, `(G_u - 1)/(X^ℓ - a_u)` is
//! `1/(M·a_u) · Σ_j a_u^(-j)·(M-1-j)·X^(ℓj)`, hence
//!
//! `D_{u,i} = Σ_j ζ^(-uj)·(M-1-j)·[τ^(ℓj+i)]` and `E_t = 1/(n·a_u) · Σ_i ω^(-ti)·D_{u,i}`.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::{Fr, G1Affine};
use rayon::prelude::*;
use surety_wide::{Lanes, Lines, Wiped};

use crate::{
    cell::{layout::CellLayout, steps::multiply_all, transform::PointTransform},
    fft::{powers_of, root_of_unity},
    glv::{Multiplier, Splitter},
    params::Params,
    progress::{Event, Observer, Stage},
    table::Table,
};

/// The fixed points of a layout over a set-up, with their multiples.
#[derive(Clone, PartialEq, Eq)]
pub struct CellTable(Table);

impl core::fmt::Debug for CellTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("CellTable").field(&self.0).finish()
    }
}

impl CellTable {
    /// Computes the table of a layout: a dozen seconds of processor time at k = 16, where it has up to some 200 MiB.
    ///
    /// # Panics
    /// If the parameters are for another capacity class than the layout.
    #[must_use]
    pub fn new(params: &Params, layout: &CellLayout, lanes: Lanes, observer: &dyn Observer) -> Self {
        assert_eq!(params.capacity(), layout.capacity(), "parameters for the layout's capacity class");
        let lagrange = scaled_lagrange(params, layout, lanes);
        let (of_rows, own) = own_points(params, layout, lanes, observer);
        let (rows, cells) = (layout.rows_of_a_coset(), layout.cells().len());
        let mut bases = Vec::with_capacity(bases_of(layout));
        for (index, cell) in layout.cells().iter().enumerate() {
            bases.extend_from_slice(&lagrange[index * rows..(index + 1) * rows]);
            let place = |row: usize| of_rows.place(row / layout.cosets()) * cells + index;
            bases.extend(cell.rows().iter().map(|row| own[place(row.index())]));
        }
        Self(Table::for_sums_of(terms_of(layout), &bases, observer))
    }

    /// The table that [`CellTable::new`] has computed before; none if the number of points is not that of a table of
    /// this layout. Nothing else is checked: with other points, openings do not verify.
    #[must_use]
    pub fn from_points(layout: &CellLayout, points: Lines) -> Option<Self> {
        Table::from_points_for_sums_of(terms_of(layout), bases_of(layout), points).map(Self)
    }

    /// How many points the table of a layout has.
    #[must_use]
    pub fn points_of(layout: &CellLayout) -> usize {
        Table::points_for_sums_of(terms_of(layout), bases_of(layout))
    }

    /// The points of the table.
    #[must_use]
    pub fn points(&self) -> &[G1Affine] {
        self.0.points()
    }

    pub(super) fn table(&self) -> &Table {
        &self.0
    }
}

/// Full scalars in the sum of a cell: one for each row, and the identity.
fn terms_of(layout: &CellLayout) -> usize {
    layout.rows_of_a_coset() + 1
}

fn bases_of(layout: &CellLayout) -> usize {
    layout.cells().iter().map(|cell| layout.rows_of_a_coset() + cell.rows().len()).sum()
}

/// `[L_t]/(2M)` for each row of each cell's coset.
fn scaled_lagrange(params: &Params, layout: &CellLayout, lanes: Lanes) -> Vec<G1Affine> {
    let rows = layout.cells().iter().flat_map(|cell| layout.rows_of(cell.coset()));
    let mut points: Vec<G1Affine> = rows.map(|row| params.lagrange()[row]).collect();
    let factor = Splitter::new().multiplier(&Fr::TWO_INV.pow([u64::from(layout.cosets().ilog2()) + 1]));
    multiply_all(lanes, &mut points, |_| &factor);
    points
}

/// `[E_t]` for each row of each cell's coset, by the rows in the order of the transform, then by cell. Reports as many
/// layers as a transform of all rows has.
fn own_points(
    params: &Params,
    layout: &CellLayout,
    lanes: Lanes,
    observer: &dyn Observer,
) -> (PointTransform, Wiped<G1Affine>) {
    let (k, cosets, rows) = (layout.capacity().k(), layout.cosets(), layout.rows_of_a_coset());
    let report = |done: u32| {
        observer.event(Event::Progress { stage: Stage::CellPoints, done: done.into(), total: k.into() });
    };
    report(0);
    let inverse = |log_size: u32| root_of_unity(log_size).invert().unwrap_or(Fr::ZERO);
    let splitter = Splitter::new();

    let mut points = Wiped::new(params.powers().len());
    points.copy_from_slice(params.powers());
    let factors: Vec<Multiplier> = (0..cosets as u64).rev().map(|j| splitter.multiplier(&Fr::from(j))).collect();
    multiply_all(lanes, &mut points, |index| &factors[index / rows]);
    let log_cosets = cosets.ilog2();
    let of_cosets = PointTransform::new(inverse(log_cosets), log_cosets);
    of_cosets.run(lanes, &mut points, rows, report);

    // 1/(n·a_u)·ω^(-ui) for each i and u: the rest of ω^(-ti) is up to the second transform.
    let inverses = powers_of(inverse(k), 1 << k);
    let scale = Fr::TWO_INV.pow([u64::from(k)]);
    let cells = layout.cells().len();
    let twist = |index: usize| {
        let (i, coset) = (index / cells, layout.cells()[index % cells].coset().0);
        splitter.multiplier(&(scale * inverses[coset * rows] * inverses[coset * i]))
    };
    let twists: Vec<Multiplier> = (0..rows * cells).into_par_iter().map(twist).collect();
    let mut own = Wiped::new(rows * cells);
    for (index, point) in own.iter_mut().enumerate() {
        let coset = layout.cells()[index % cells].coset().0;
        *point = points[of_cosets.place(coset) * rows + index / cells];
    }
    multiply_all(lanes, &mut own, |index| &twists[index]);
    let log_rows = rows.ilog2();
    let of_rows = PointTransform::new(inverse(log_rows), log_rows);
    of_rows.run(lanes, &mut own, cells, |layer| report(log_cosets + layer));
    (of_rows, own)
}
