//! Multi-opening: many claims "this polynomial takes this value at this point" as one pairing equation.
//!
//! This is SHPLONK (Boneh, Drake, Fisch, Gabizon, 2020, <https://eprint.iacr.org/2020/081>, section 4) as Halo2
//! arranges it. Polynomials opened at the same set of points `S_i` are combined with powers of `y`, sets with powers of
//! `v`. Let `T` be the union of all sets, `Z_S(X) = Π_{s ∈ S} (X - s)`, and `R(X)` the interpolation of a polynomial's
//! claimed values. The prover commits to `W = Σ_i v^i·Σ_j y^j·(P_ij - R_ij)/Z_{S_i}`; at the challenge `u`,
//!
//! ```text
//! L = Σ_i v^i·z_i·Σ_j y^j·(P_ij - R_ij(u)) - Z_{S_0}(u)·W,   z_i = Z_{T∖S_i}(u) / Z_{T∖S_0}(u)
//! ```
//!
//! vanishes at `u`; `W′` commits to `L/(X - u)`, hence `e(W′, [τ]₂) = e(L + u·W′, [1]₂)`. All is divided by
//! `Z_{T∖S_0}(u)` so that the first set, which holds most polynomials, needs no factor.

use ff::{BatchInvert as _, Field as _};
use halo2curves::bn256::{Fr, G1Affine};
use surety_kzg::SrsId;

use crate::proof::pairing::{Msm, PairingCheck};

/// Polynomials that are opened at the same points.
pub(crate) struct OpeningSet {
    /// The points.
    pub(crate) points: Vec<Fr>,
    /// The polynomials.
    pub(crate) claims: Vec<OpeningClaim>,
}

/// A committed polynomial and its claimed values.
pub(crate) struct OpeningClaim {
    /// The commitment, as a linear combination of points.
    pub(crate) commitment: Msm,
    /// The values, in the order of the set's points.
    pub(crate) evaluations: Vec<Fr>,
}

/// The prover's two points and the challenges around them.
pub(crate) struct MultiOpening {
    /// Combines the polynomials of a set.
    pub(crate) y: Fr,
    /// Combines the sets.
    pub(crate) v: Fr,
    /// `W`
    pub(crate) quotient: G1Affine,
    /// Where the combination is opened.
    pub(crate) u: Fr,
    /// `W′`
    pub(crate) witness: G1Affine,
}

impl MultiOpening {
    /// The pairing equation that the claims come down to; none if a challenge coincides with an opened point.
    pub(crate) fn reduce(&self, srs: SrsId, sets: &[OpeningSet]) -> Option<PairingCheck> {
        let all_points = union(sets);
        let first = sets.first()?;
        let mut inverses = vec![vanishing(&complement(&all_points, first), self.u)];
        inverses.extend(sets.iter().flat_map(|set| denominators(&set.points)));
        let mut inverses = invert_all(inverses)?.into_iter();
        let normaliser = inverses.next()?;

        let mut right = Msm::default();
        let mut generator_factor = Fr::ZERO;
        for (set, power_of_v) in sets.iter().zip(powers(self.v)) {
            let weight = power_of_v * normaliser * vanishing(&complement(&all_points, set), self.u);
            let lagrange = lagrange_at(&set.points, self.u, &mut inverses);
            for (claim, power_of_y) in set.claims.iter().zip(powers(self.y)) {
                let interpolated: Fr =
                    claim.evaluations.iter().zip(&lagrange).map(|(value, basis)| value * basis).sum();
                right.add(weight * power_of_y, &claim.commitment);
                generator_factor -= weight * power_of_y * interpolated;
            }
        }
        right.push(generator_factor, G1Affine::generator());
        right.push(-vanishing(&first.points, self.u), self.quotient);
        right.push(self.u, self.witness);
        Some(PairingCheck { srs, left: Msm::from(self.witness), right })
    }
}

/// `1, x, x², …`
pub(crate) fn powers(x: Fr) -> impl Iterator<Item = Fr> {
    core::iter::successors(Some(Fr::ONE), move |power| Some(*power * x))
}

/// Every point of every set, once.
fn union(sets: &[OpeningSet]) -> Vec<Fr> {
    let mut points: Vec<Fr> = sets.iter().flat_map(|set| set.points.iter().copied()).collect();
    points.sort_unstable();
    points.dedup();
    points
}

/// The points at which a set is not opened.
fn complement(all_points: &[Fr], set: &OpeningSet) -> Vec<Fr> {
    all_points.iter().copied().filter(|point| !set.points.contains(point)).collect()
}

/// `Π (x - s)`
fn vanishing(points: &[Fr], x: Fr) -> Fr {
    points.iter().map(|point| x - point).product()
}

/// All points but one.
fn others(points: &[Fr], index: usize) -> impl Iterator<Item = Fr> {
    points.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, point)| *point)
}

/// For each point, the product of its differences to the others.
fn denominators(points: &[Fr]) -> impl Iterator<Item = Fr> {
    points.iter().enumerate().map(|(index, point)| others(points, index).map(|other| point - other).product())
}

/// The Lagrange polynomials over `points` at `x`. `inverses` gives those of the [`denominators`].
fn lagrange_at(points: &[Fr], x: Fr, inverses: &mut impl Iterator<Item = Fr>) -> Vec<Fr> {
    let numerators = (0..points.len()).map(|index| others(points, index).map(|other| x - other).product::<Fr>());
    numerators.zip(inverses).map(|(numerator, inverse)| numerator * inverse).collect()
}

/// The inverses, with one inversion; none if a number is zero.
fn invert_all(mut numbers: Vec<Fr>) -> Option<Vec<Fr>> {
    if numbers.iter().any(|number| bool::from(number.is_zero())) {
        return None;
    }
    numbers.batch_invert();
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lagrange_polynomials_interpolate() {
        // 3 + 2x - x² through three points.
        let polynomial = |x: Fr| Fr::from(3) + Fr::from(2) * x - x.square();
        let points = [1, 5, 9].map(Fr::from);
        let x = Fr::from(1234);
        let mut inverses = invert_all(denominators(&points).collect()).unwrap().into_iter();
        let lagrange = lagrange_at(&points, x, &mut inverses);
        let value: Fr = lagrange.iter().zip(points).map(|(basis, s)| basis * polynomial(s)).sum();
        assert_eq!(value, polynomial(x));
    }

    #[test]
    fn rejects_coinciding_points() {
        assert_eq!(invert_all(denominators(&[Fr::ONE, Fr::ONE]).collect()), None);
    }
}
