//! `Σ scalar·point` for thousands of points, as in the verification of many proofs at once. For public scalars.
//!
//! Pippenger's buckets with signed digits. The points of a bucket are added in pairs, with affine coordinates and one
//! inversion for a thousand pairs; then few are left, and the buckets are weighed by running sums.

use ff::{BatchInvert as _, Field as _};
use group::{Curve as _, Group as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fq, Fr, G1, G1Affine};
use rayon::prelude::*;

use crate::msm::Magnitude;

/// Bits of the largest magnitude: `(r - 1)/2` is below `2^253`.
const MAGNITUDE_BITS: u32 = 253;

/// Widest digits considered.
const MAX_WIDTH: u32 = 14;

/// Pairs that share an inversion.
const SHARING: usize = 1024;

/// How many additions of a pair take as long as weighing a bucket.
const WEIGHING: usize = 5;

/// `Σ scalar·point`
pub(crate) fn sum(terms: &[(Fr, G1Affine)]) -> G1 {
    let magnitudes: Vec<Magnitude> = terms.par_iter().map(|(scalar, _)| Magnitude::of(scalar)).collect();
    let windows = |width: u32| MAGNITUDE_BITS / width + 1;
    let cost = |width: &u32| windows(*width) as usize * (terms.len() + (WEIGHING << (width - 1)));
    let width = (1..=MAX_WIDTH).min_by_key(cost).unwrap_or(1);
    let sums: Vec<G1> = (0..windows(width))
        .into_par_iter()
        .map(|window| {
            let digits: Vec<i64> = magnitudes.iter().map(|magnitude| magnitude.digit(window, width)).collect();
            sum_by_digits(terms, &digits, 1 << (width - 1))
        })
        .collect();
    sums.iter().rev().fold(G1::identity(), |sum, window| (0..width).fold(sum, |sum, _| sum.double()) + window)
}

/// `Σ digit·point` for digits from `-buckets` to `buckets`.
fn sum_by_digits(terms: &[(Fr, G1Affine)], digits: &[i64], buckets: usize) -> G1 {
    let mut lengths = vec![0; buckets];
    let bucket = |digit: i64| (digit.unsigned_abs() as usize).checked_sub(1);
    digits.iter().filter_map(|digit| bucket(*digit)).for_each(|bucket| lengths[bucket] += 1);
    let mut next: Vec<usize> = lengths
        .iter()
        .scan(0, |start, length| {
            *start += length;
            Some(*start - length)
        })
        .collect();
    let mut points = vec![G1Affine::identity(); lengths.iter().sum()];
    for ((_, point), digit) in terms.iter().zip(digits) {
        if let Some(bucket) = bucket(*digit) {
            points[next[bucket]] = if *digit < 0 { -*point } else { *point };
            next[bucket] += 1;
        }
    }
    weigh(&reduce(points, &mut lengths), &lengths)
}

/// Sums each group of neighbours; `lengths` are those of the groups, and become one or zero.
pub(crate) fn reduce(mut points: Vec<G1Affine>, lengths: &mut [usize]) -> Vec<G1Affine> {
    while lengths.iter().any(|length| *length > 1) {
        points = halve(&points, lengths);
    }
    points
}

/// Sums the neighbours of each group pairwise; `lengths` are those of the groups, before and after.
fn halve(points: &[G1Affine], lengths: &mut [usize]) -> Vec<G1Affine> {
    let mut sums = Vec::with_capacity(points.len().div_ceil(2) + lengths.len());
    let (mut pairs, mut read) = (Vec::with_capacity(points.len() / 2), 0);
    for length in lengths {
        for _ in 0..*length / 2 {
            pairs.push((read, sums.len()));
            sums.push(G1Affine::identity());
            read += 2;
        }
        if !length.is_multiple_of(2) {
            sums.push(points[read]);
            read += 1;
        }
        *length = length.div_ceil(2);
    }
    for pairs in pairs.chunks(SHARING) {
        let operands = pairs.iter().map(|(read, _)| (points[*read], points[*read + 1]));
        let mut inverses: Vec<Fq> = operands.map(|(p, q)| if is_plain(&p, &q) { q.x - p.x } else { Fq::ONE }).collect();
        inverses.iter_mut().batch_invert();
        for ((read, write), inverse) in pairs.iter().zip(inverses) {
            let (p, q) = (points[*read], points[*read + 1]);
            sums[*write] = if is_plain(&p, &q) { third(&p, &q, inverse) } else { (p + q).to_affine() };
        }
    }
    sums
}

/// Whether the short formula holds: the points are neither equal nor opposite, and none is the identity, which has the
/// coordinates zero.
fn is_plain(p: &G1Affine, q: &G1Affine) -> bool {
    p.x != q.x && p.x != Fq::ZERO && q.x != Fq::ZERO
}

/// The sum, given the inverse of the difference of the x-coordinates.
fn third(p: &G1Affine, q: &G1Affine, inverse: Fq) -> G1Affine {
    let slope = (q.y - p.y) * inverse;
    let x = slope.square() - p.x - q.x;
    G1Affine { x, y: slope * (p.x - x) - p.y }
}

/// `Σ (i + 1)·B_i` over buckets, of which only those of length one are in `points`.
fn weigh(points: &[G1Affine], lengths: &[usize]) -> G1 {
    let (mut running, mut sum) = (G1::identity(), G1::identity());
    let mut points = points.iter().rev();
    for length in lengths.iter().rev() {
        if *length > 0 {
            running = points.next().map_or(running, |point| running + point);
        }
        sum += running;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::ZERO),
            Just(Fr::ONE),
            Just(-Fr::ONE),
            // (r - 1)/2 and (r + 1)/2, the largest magnitudes.
            Just(-Fr::from(2).invert().unwrap()),
            Just(Fr::from(2).invert().unwrap()),
            any::<[u64; 4]>().prop_map(Fr::from_raw)
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        // Few points, so that some are equal, opposite or the identity.
        #[test]
        fn agrees_with_double_and_add(terms in prop::collection::vec((any_scalar(), -4i64..5), 0..300)) {
            let generator = G1::generator();
            let point = |seed: &i64| (generator * crate::scalar::from_i128(i128::from(*seed))).to_affine();
            let terms: Vec<_> = terms.iter().map(|(scalar, seed)| (*scalar, point(seed))).collect();
            prop_assert_eq!(sum(&terms), terms.iter().map(|(scalar, point)| point * scalar).sum::<G1>());
        }
    }

    #[test]
    fn agrees_with_double_and_add_on_many_terms() {
        let point = |seed: u64| (G1::generator() * Fr::from(seed * seed + 1)).to_affine();
        let scalar = |seed: u64| Fr::from(seed + 7).pow_vartime([40]);
        let terms: Vec<_> = (0..3_000).map(|seed| (scalar(seed), point(seed))).collect();
        assert_eq!(sum(&terms), terms.iter().map(|(scalar, point)| point * scalar).sum::<G1>());
    }
}
