//! Multiplication of many points, each by a scalar of its own, in step.
//!
//! Affine coordinates with shared inversions are cheaper than projective ones, and eight points are computed with at a
//! time. A scalar is split along the endomorphism, see [`crate::glv`]. Digit by digit from the top, all sums are
//! doubled, and each adds the odd multiples that its scalar has digits for.
//!
//! Whatever depends on the points is wiped. The running time depends on the scalars, and on which points are the
//! identity.

use ff::WithSmallOrderMulGroup as _;
use group::prime::PrimeCurveAffine as _;
use halo2curves::bn256::{Fq, G1Affine};
use rayon::prelude::*;
use surety_wide::{Lanes, Pair, Wiped};

use crate::{
    glv::{Multiplier, ODD_MULTIPLES},
    sums::Adder,
};

/// So many points are multiplied at a time.
pub(super) const STEP: usize = 1024;

/// For each point, its sum, then the odd multiples, then their images under the endomorphism.
const KINDS: usize = 1 + 2 * ODD_MULTIPLES;

/// What points are multiplied in.
pub(super) struct Steps {
    adder: Adder,
    /// Kind by kind, [`STEP`] points each.
    points: Wiped<G1Affine>,
    sums: Wiped<G1Affine>,
    doubles: Wiped<G1Affine>,
}

impl Steps {
    pub(super) fn new(lanes: Lanes) -> Self {
        let adder = Adder::new(lanes, false);
        Self { adder, points: Wiped::new(KINDS * STEP), sums: Wiped::new(STEP), doubles: Wiped::new(STEP) }
    }

    pub(super) fn adder(&mut self) -> &mut Adder {
        &mut self.adder
    }

    /// Multiplies each point by its scalar.
    pub(super) fn multiply<'a>(&mut self, points: &mut [G1Affine], scalar: impl Fn(usize) -> &'a Multiplier) {
        // Identities stay what they are, and would be in the way.
        let moving: Vec<usize> = (0..points.len()).filter(|index| !is_identity(&points[*index])).collect();
        for moving in moving.chunks(STEP) {
            moving.iter().zip(self.points[STEP..].iter_mut()).for_each(|(index, point)| *point = points[*index]);
            let scalars: Vec<&Multiplier> = moving.iter().map(|index| scalar(*index)).collect();
            self.multiply_step(&scalars);
            moving.iter().zip(self.points.iter()).for_each(|(index, product)| points[*index] = *product);
        }
    }

    /// Multiplies the points of the second kind, none of them the identity, into the first.
    fn multiply_step(&mut self, scalars: &[&Multiplier]) {
        let count = scalars.len();
        self.prepare_multiples(count);
        self.points[..count].fill(G1Affine::identity());
        let length = scalars.iter().flat_map(|scalar| scalar.digits()).map(<[i8]>::len).max().unwrap_or(0);
        for digit in (0..length).rev() {
            self.adder.double(&mut self.points[..count]);
            for part in 0..2 {
                self.add_digits(scalars, part, digit);
            }
        }
    }

    /// Adds to each sum the multiple that the scalar's part has this digit for.
    fn add_digits(&mut self, scalars: &[&Multiplier], part: usize, index: usize) {
        let Self { adder, points, sums, .. } = self;
        let digits = || {
            let digit = |scalar: &&Multiplier| scalar.digits()[part].get(index).copied().filter(|digit| *digit != 0);
            scalars.iter().enumerate().filter_map(move |(place, scalar)| Some((place, digit(scalar)?)))
        };
        for (place, digit) in digits() {
            let kind = 1 + part * ODD_MULTIPLES + usize::from(digit.unsigned_abs()) / 2;
            let multiple = kind * STEP + place;
            match is_identity(&points[place]) {
                true => sums[place] = if digit < 0 { -points[multiple] } else { points[multiple] },
                false => {
                    let right = (multiple as u32) << 1 | u32::from(digit < 0);
                    adder.push(Pair { left: (place as u32) << 1, right, place: place as u32 }, points, sums);
                }
            }
        }
        adder.flush(points, sums);
        digits().for_each(|(place, _)| points[place] = sums[place]);
    }

    /// The odd multiples of the points of the second kind, and their images.
    fn prepare_multiples(&mut self, count: usize) {
        let Self { adder, points, sums, doubles } = self;
        let double = ODD_MULTIPLES + 1;
        doubles[..count].copy_from_slice(&points[STEP..STEP + count]);
        adder.double(&mut doubles[..count]);
        // In the place of the first image, which is computed when doubles are not needed any more.
        points[double * STEP..double * STEP + count].copy_from_slice(&doubles[..count]);
        for kind in 2..=ODD_MULTIPLES {
            for place in 0..count {
                let [left, right] = [(kind - 1) * STEP + place, double * STEP + place].map(|place| (place as u32) << 1);
                adder.push(Pair { left, right, place: place as u32 }, points, sums);
            }
            adder.flush(points, sums);
            points[kind * STEP..kind * STEP + count].copy_from_slice(&sums[..count]);
        }
        for kind in 1..=ODD_MULTIPLES {
            for place in kind * STEP..kind * STEP + count {
                let G1Affine { x, y } = points[place];
                points[place + ODD_MULTIPLES * STEP] = G1Affine { x: x * Fq::ZETA, y };
            }
        }
    }
}

/// Multiplies each point by its scalar, in parallel.
pub(super) fn multiply_all<'a>(lanes: Lanes, points: &mut [G1Affine], scalar: impl Fn(usize) -> &'a Multiplier + Sync) {
    points.par_chunks_mut(STEP).enumerate().for_each(|(task, points)| {
        Steps::new(lanes).multiply(points, |index| scalar(task * STEP + index));
    });
}

pub(super) fn is_identity(point: &G1Affine) -> bool {
    bool::from(point.is_identity())
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use group::Curve as _;
    use halo2curves::bn256::{Fr, G1};
    use proptest::prelude::*;

    use super::*;
    use crate::{glv::Splitter, scalar};

    fn check(points: &[G1Affine], scalars: &[Fr]) {
        let splitter = Splitter::new();
        let multipliers: Vec<Multiplier> = scalars.iter().map(|scalar| splitter.multiplier(scalar)).collect();
        let expected: Vec<G1Affine> = points.iter().zip(scalars).map(|(p, s)| (p * s).to_affine()).collect();
        for lanes in [Lanes::One, Lanes::widest()] {
            let mut products = points.to_vec();
            Steps::new(lanes).multiply(&mut products, |index| &multipliers[index]);
            assert_eq!(products, expected, "{lanes:?}");
        }
    }

    fn point(seed: i64) -> G1Affine {
        (G1::generator() * scalar::from_i128(seed.into())).to_affine()
    }

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            (-40i128..40).prop_map(scalar::from_i128),
            (-9i128..9).prop_map(|small| scalar::from_i128(small) * Fr::ZETA),
            any::<[u64; 4]>().prop_map(Fr::from_raw),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        // Identities, equal points and opposite ones among the points; zero among the scalars.
        #[test]
        fn agrees_with_double_and_add(terms in prop::collection::vec((-3i64..40, any_scalar()), 0..60)) {
            let (points, scalars): (Vec<_>, Vec<_>) = terms.into_iter().map(|(seed, s)| (point(seed), s)).unzip();
            check(&points, &scalars);
        }
    }

    #[test]
    fn sums_that_cancel_or_double_are_right() {
        // Of 1 + λ + λ² = 0, and multiples of it: the short formula meets equal and opposite points.
        let lambda = Fr::ZETA;
        let scalars = [lambda, -lambda, Fr::ONE + lambda, Fr::ONE - lambda, lambda.square(), lambda.double(), -Fr::ONE];
        check(&[point(5); 7], &scalars);
        check(&[point(-5); 7], &scalars);
    }

    #[test]
    fn more_points_than_a_step_are_multiplied() {
        let count = STEP as i64 + 5;
        let scalars: Vec<Fr> = (0..count).map(|index| scalar::from_i128((index % 30 - 10).into())).collect();
        check(&(0..count).map(point).collect::<Vec<_>>(), &scalars);
    }
}
