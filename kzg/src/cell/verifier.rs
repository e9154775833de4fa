//! Checking cells: one, or many with one pairing.

use core::ops::Range;

use ff::Field as _;
use group::{Curve as _, Group as _};
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine, G2Affine};
use pairing::{MillerLoopResult as _, MultiMillerLoop};
use rand_core::{CryptoRng, RngCore};
use rayon::prelude::*;
use surety_wide::Lanes;

use crate::{
    cell::{
        key::CellKey,
        layout::{CellLayout, CellRows, Coset},
        opening::Opening,
    },
    fft::root_of_unity,
    holding::HoldingCommitment,
    msm::msm,
    rows, scalar,
    secret::SecretScalars,
    srs::SrsId,
    transform::Domain,
};

type Prepared = <Bn256 as MultiMillerLoop>::G2Prepared;

/// A claim: the column that a commitment is to has these values in a coset.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    /// The commitment to the page's column.
    pub commitment: &'a HoldingCommitment,
    /// The coset.
    pub coset: Coset,
    /// The values in the rows that the layout lists for this coset, in their order. In all others the column is claimed
    /// to be zero.
    pub values: &'a [Fr],
    /// The opening of the column at the coset.
    pub opening: &'a Opening,
}

/// Why a cell is refused. Never says a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellError {
    /// The layout does not open the coset.
    #[error(
        "coset {coset}: expected one of the {cells} cosets that the layout opens, found another, about which a page \
         proves nothing, even if the opening is right: take the coset from the book's cell"
    )]
    NotOpened {
        /// The coset.
        coset: usize,
        /// How many cosets are opened.
        cells: usize,
    },
    /// Not as many values as rows.
    #[error(
        "coset {coset}: expected {expected} values, one for each row of the layout, found {found}: the cell is \
         damaged, or of another kind of page"
    )]
    Values {
        /// The coset.
        coset: usize,
        /// Rows that the layout lists.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// The equation does not hold.
    #[error(
        "coset {coset}: expected an opening of the page's commitment to these values and zeros in all other rows, \
         found one of other values, of another commitment or of another coset"
    )]
    Opening {
        /// The coset.
        coset: usize,
    },
}

/// A key for cells of another number of rows than the layout's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a key for cells of {expected} rows, as the layout has them, found one for {found}")]
pub struct OtherKey {
    /// Rows of a coset.
    pub expected: usize,
    /// Rows that the key is for.
    pub found: usize,
}

/// Checks cells of the pages of one layout.
pub struct CellVerifier {
    srs: SrsId,
    layout: CellLayout,
    rows: Domain,
    /// `[τ^i]₁` for i below ℓ, in bit-reversed order.
    powers: Vec<G1Affine>,
    /// `ω^-1`.
    inverse: Fr,
    /// `ζ`, of which `a_u` are the powers.
    root: Fr,
    /// `[1]₂` and `[τ^ℓ]₂`.
    prepared: [Prepared; 2],
}

impl core::fmt::Debug for CellVerifier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CellVerifier").field("srs", &self.srs).finish_non_exhaustive()
    }
}

impl CellVerifier {
    /// The verifier for a layout.
    ///
    /// # Errors
    /// If the key is for cells of another number of rows.
    pub fn new(key: CellKey, layout: CellLayout) -> Result<Self, OtherKey> {
        let (expected, found) = (layout.rows_of_a_coset(), key.powers().len());
        if expected != found {
            return Err(OtherKey { expected, found });
        }
        let rows = Domain::new(expected.ilog2());
        let mut powers = key.powers().to_vec();
        key.powers().iter().enumerate().for_each(|(index, power)| powers[rows.reversed(index)] = *power);
        Ok(Self {
            inverse: root_of_unity(layout.capacity().k()).invert().unwrap_or(Fr::ZERO),
            root: root_of_unity(layout.cosets().ilog2()),
            prepared: [G2Affine::generator().into(), key.power_g2().into()],
            srs: key.srs(),
            powers,
            layout,
            rows,
        })
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &CellLayout {
        &self.layout
    }

    /// Checks a cell: a few milliseconds.
    ///
    /// # Errors
    /// If the layout does not open the coset, there are not as many values as rows listed, or the opening is another.
    pub fn verify(&self, cell: Cell<'_>) -> Result<(), CellError> {
        let claims = Claims::new(self, vec![(0, cell, self.rows_of(&cell)?)], vec![Fr::ONE]);
        if claims.fold(0..1).hold(self) { Ok(()) } else { Err(CellError::Opening { coset: cell.coset.0 }) }
    }

    /// The positions of those cells that are refused, ascending, and the reasons. Cells may be of many pages; all that
    /// are right take one pairing together.
    ///
    /// Pass the operating system's generator: whoever foresees the random weights can make wrong cells that pass.
    #[must_use]
    pub fn failures(&self, cells: &[Cell<'_>], rng: &mut (impl RngCore + CryptoRng)) -> Vec<(usize, CellError)> {
        let (mut failing, mut sound) = (Vec::new(), Vec::new());
        for (position, cell) in cells.iter().enumerate() {
            match self.rows_of(cell) {
                Ok(rows) => sound.push((position, *cell, rows)),
                Err(error) => failing.push((position, error)),
            }
        }
        let weights = sound.iter().map(|_| {
            let mut bytes = [0; 16];
            rng.fill_bytes(&mut bytes);
            scalar::from_u128(u128::from_le_bytes(bytes))
        });
        let weights = weights.collect();
        let claims = Claims::new(self, sound, weights);
        let all = 0..claims.cells.len();
        let sides = claims.fold(all.clone());
        if !sides.hold(self) {
            claims.search(all, sides, &mut failing);
        }
        failing.sort_unstable_by_key(|(position, _)| *position);
        failing
    }

    /// What the layout lists for a claim's coset.
    fn rows_of(&self, cell: &Cell<'_>) -> Result<&CellRows, CellError> {
        let coset = cell.coset.0;
        let cells = self.layout.cells().len();
        let rows = self.layout.cell(cell.coset).ok_or(CellError::NotOpened { coset, cells })?;
        match (rows.rows().len(), cell.values.len()) {
            (expected, found) if expected == found => Ok(rows),
            (expected, found) => Err(CellError::Values { coset, expected, found }),
        }
    }

    /// Writes the coefficients of `r_u`, in the order of the powers.
    fn interpolate(&self, cell: &Cell<'_>, rows: &CellRows, coefficients: &mut [Fr]) {
        for (row, value) in rows.rows().iter().zip(cell.values) {
            coefficients[row.index() / self.layout.cosets()] = *value;
        }
        self.rows.coefficients(coefficients);
        // The transform is that of r_u in X/ω^u, times ℓ.
        let step = self.inverse.pow_vartime([cell.coset.0 as u64]);
        let factors = self.rows.powers(step, self.rows.rows_inverse());
        coefficients.iter_mut().zip(factors).for_each(|(coefficient, factor)| *coefficient *= factor);
    }
}

/// Claims that are well formed, with their positions and weights.
struct Claims<'a> {
    verifier: &'a CellVerifier,
    cells: Vec<(usize, Cell<'a>)>,
    /// Of `r_u` for each claim.
    coefficients: SecretScalars,
    weights: Vec<Fr>,
}

/// The points of `e(left, [1]₂) = e(right, [τ^ℓ]₂)`.
#[derive(Clone, Copy)]
struct Sides {
    left: G1,
    right: G1,
}

impl Sides {
    fn hold(&self, verifier: &CellVerifier) -> bool {
        let [one, power] = &verifier.prepared;
        let (left, right) = (self.left.to_affine(), (-self.right).to_affine());
        Bn256::multi_miller_loop(&[(&left, one), (&right, power)]).final_exponentiation().is_identity().into()
    }

    fn without(&self, part: &Self) -> Self {
        Self { left: self.left - part.left, right: self.right - part.right }
    }
}

impl<'a> Claims<'a> {
    fn new(verifier: &'a CellVerifier, claims: Vec<(usize, Cell<'a>, &CellRows)>, weights: Vec<Fr>) -> Self {
        let rows = verifier.rows.rows();
        let mut coefficients = SecretScalars::zeros(rows * claims.len());
        coefficients.par_chunks_exact_mut(rows).zip(&claims).for_each(|(coefficients, (_, cell, rows))| {
            verifier.interpolate(cell, rows, coefficients);
        });
        let cells = claims.into_iter().map(|(position, cell, _)| (position, cell)).collect();
        Self { verifier, cells, coefficients, weights }
    }

    /// The claims of a range, each times its weight: `Σ ρ·(C - [r_u(τ)]₁ + a_u·W_u)` and `Σ ρ·W_u`.
    fn fold(&self, range: Range<usize>) -> Sides {
        let (powers, rows) = (&self.verifier.powers, self.verifier.rows.rows());
        let claims = &self.cells[range.clone()];
        let weights = &self.weights[range.clone()];
        let mut scalars = SecretScalars::zeros(rows + 2 * claims.len());
        let (of_powers, of_claims) = scalars.split_at_mut(rows);
        for (coefficients, weight) in self.coefficients[range.start * rows..].chunks_exact(rows).zip(weights) {
            rows::add_scaled(Lanes::One, of_powers, -weight, coefficients);
        }
        let of_claims = of_claims.as_chunks_mut::<2>().0.iter_mut();
        for (scalars, ((_, cell), weight)) in of_claims.zip(claims.iter().zip(weights)) {
            *scalars = [*weight, weight * self.verifier.root.pow_vartime([cell.coset.0 as u64])];
        }
        let openings: Vec<&G1Affine> = claims.iter().map(|(_, cell)| cell.opening.point()).collect();
        let of_claims =
            claims.iter().zip(&openings).flat_map(|((_, cell), opening)| [cell.commitment.point(), opening]);
        let points: Vec<&G1Affine> = powers.iter().chain(of_claims).collect();
        Sides { left: msm(points.into_iter().zip(scalars.iter())), right: msm(openings.into_iter().zip(weights)) }
    }

    /// Finds the failing claims among those of a range whose combination is known to fail.
    fn search(&self, range: Range<usize>, sides: Sides, failing: &mut Vec<(usize, CellError)>) {
        if let [(position, cell)] = self.cells[range.clone()] {
            failing.push((position, CellError::Opening { coset: cell.coset.0 }));
            return;
        }
        let middle = range.start + range.len() / 2;
        let first = self.fold(range.start..middle);
        let second = sides.without(&first);
        let first_holds = first.hold(self.verifier);
        if !first_holds {
            self.search(range.start..middle, first, failing);
        }
        // The whole fails: where its first half holds, its second cannot.
        if first_holds || !second.hold(self.verifier) {
            self.search(middle..range.end, second, failing);
        }
    }
}
