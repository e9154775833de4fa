//! Multi-scalar multiplication `Σ s_i·P_i` whose cost follows the lengths of the scalars.
//!
//! Pippenger's bucket method with signed digits. Few terms are added to the buckets one by one; of many, those of a
//! bucket are added in pairs, with inversions that all share. A scalar above r/2 is taken as minus a short one, and
//! short scalars (holdings, coefficients, prices) are summed apart from long ones (masks, field elements), so that each
//! part runs over its own number of bits only. All copies of scalars are wiped. The running time does depend on the
//! scalars, as it does in every implementation of this method: do not offer it as a service to those who must not learn
//! them.

use ff::PrimeField;
use group::{Group, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;
use surety_wide::Lanes;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    secret::Wiped,
    sums::{Bench, Benches},
};

/// Scalars of at most this many bits are summed apart from longer ones.
const SHORT_BITS: u32 = 128;

/// Widest digits considered; wider ones need more buckets than pay off at `2^16` points.
const MAX_DIGIT_BITS: u32 = 15;

/// From so many terms on, points are added in pairs.
const MANY: usize = 200;

/// `Σ scalar·point`, on every processor in the same way.
pub(crate) fn msm<'a>(terms: impl ExactSizeIterator<Item = (&'a G1Affine, &'a Fr)>) -> G1 {
    msm_with(Lanes::One, terms)
}

/// `Σ scalar·point`; the points of many terms are added so many at a time.
pub(crate) fn msm_with<'a>(lanes: Lanes, terms: impl ExactSizeIterator<Item = (&'a G1Affine, &'a Fr)>) -> G1 {
    let (mut short, mut long) = (Terms::with_capacity(terms.len()), Terms::with_capacity(terms.len()));
    for (point, scalar) in terms {
        let magnitude = Magnitude::of(scalar);
        match magnitude.bits() {
            0 => {}
            1..=SHORT_BITS => short.push(point, magnitude),
            _ => long.push(point, magnitude),
        }
    }
    short.sum(lanes) + long.sum(lanes)
}

/// A scalar as sign and magnitude, whichever of `s` and `s - r` is shorter; little-endian limbs.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Magnitude {
    limbs: [u64; 4],
    negative: bool,
}

impl Magnitude {
    pub(crate) fn of(scalar: &Fr) -> Self {
        let positive = Self { limbs: limbs(scalar), negative: false };
        let negative = Self { limbs: below_modulus(&positive.limbs), negative: true };
        if negative.bits() < positive.bits() { negative } else { positive }
    }

    pub(crate) fn bits(&self) -> u32 {
        let top = self.limbs.iter().rposition(|&limb| limb != 0);
        top.map_or(0, |index| 64 * (index as u32 + 1) - self.limbs[index].leading_zeros())
    }

    /// The signed digit of weight `2^(width·index)`, from `-2^(width-1)` to `2^(width-1)` (Booth's recoding: each digit
    /// looks one bit below its own).
    #[inline(always)]
    pub(crate) fn digit(&self, index: u32, width: u32) -> i64 {
        let low = index * width;
        let window = if low == 0 { self.field(0, width) << 1 } else { self.field(low - 1, width + 1) };
        let rounded = ((window + 1) >> 1) as i64;
        let digit = if window >> width == 0 { rounded } else { rounded - (1 << width) };
        if self.negative { -digit } else { digit }
    }

    /// `count` bits from bit `from` on.
    #[inline(always)]
    fn field(&self, from: u32, count: u32) -> u64 {
        let (index, shift) = ((from / 64) as usize, from % 64);
        let limb = |index: usize| self.limbs.get(index).copied().unwrap_or(0);
        // By one bit and the rest, since no shift is by 64.
        let bits = limb(index) >> shift | limb(index + 1) << 1 << (63 - shift);
        bits & ((1 << count) - 1)
    }
}

fn limbs(scalar: &Fr) -> [u64; 4] {
    let bytes = Zeroizing::new(scalar.to_repr());
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().rev().fold(0, |limb, &byte| limb << 8 | u64::from(byte));
    }
    limbs
}

/// The modulus r.
const MODULUS: [u64; 4] = [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];

/// `r - value`, for a value up to r.
fn below_modulus(value: &[u64; 4]) -> [u64; 4] {
    let (mut difference, mut borrow) = ([0; 4], false);
    for (index, limb) in difference.iter_mut().enumerate() {
        (*limb, borrow) = MODULUS[index].borrowing_sub(value[index], borrow);
    }
    difference
}

struct Terms {
    /// None is the identity.
    points: Vec<G1Affine>,
    magnitudes: Vec<Magnitude>,
    bits: u32,
}

impl Terms {
    /// Room for `count` terms: growing would leave copies of scalars behind.
    fn with_capacity(count: usize) -> Self {
        Self { points: Vec::with_capacity(count), magnitudes: Vec::with_capacity(count), bits: 0 }
    }

    fn push(&mut self, point: &G1Affine, magnitude: Magnitude) {
        if bool::from(point.is_identity()) {
            return;
        }
        self.bits = self.bits.max(magnitude.bits());
        self.points.push(*point);
        self.magnitudes.push(magnitude);
    }

    fn sum(&self, lanes: Lanes) -> G1 {
        if self.points.is_empty() {
            return G1::identity();
        }
        let width = self.digit_bits();
        let mut windows = Wiped::<G1>::new((self.bits / width + 1) as usize);
        let benches = Benches::new(lanes, false);
        windows.par_iter_mut().enumerate().for_each(|(index, window)| {
            *window = match self.points.len() < MANY {
                true => self.window(index as u32, width),
                false => benches.at(|bench| self.window_in_pairs(bench, index as u32, width)),
            };
        });
        windows.iter().rev().fold(G1::identity(), |sum, window| (0..width).fold(sum, |sum, _| sum.double()) + window)
    }

    /// The width of digits with the fewest additions: one a term and two a bucket, for each window.
    fn digit_bits(&self) -> u32 {
        let cost = |&width: &u32| u64::from(self.bits / width + 1) * (self.points.len() as u64 + (1 << width));
        (1..=MAX_DIGIT_BITS).min_by_key(cost).unwrap_or(1)
    }

    /// `Σ digit·P` for one window: points of equal digits share a bucket, and bucket d counts d times.
    fn window(&self, index: u32, width: u32) -> G1 {
        let mut buckets = Wiped::<G1>::new(1 << (width - 1));
        for (point, magnitude) in self.points.iter().zip(&self.magnitudes) {
            let digit = magnitude.digit(index, width);
            if digit > 0 {
                buckets[digit as usize - 1] += point;
            } else if digit < 0 {
                buckets[digit.unsigned_abs() as usize - 1] -= point;
            }
        }
        let (_, sum) = buckets.iter().rev().fold((G1::identity(), G1::identity()), |(running, sum), bucket| {
            let running = running + bucket;
            (running, sum + running)
        });
        sum
    }

    /// The same, with the points of a bucket added in pairs.
    fn window_in_pairs(&self, bench: &mut Bench, index: u32, width: u32) -> G1 {
        let belongs = || {
            self.magnitudes.iter().zip(0_u32..).filter_map(|(magnitude, place)| {
                let digit = magnitude.digit(index, width);
                let bucket = (digit.unsigned_abs() as usize).checked_sub(1)?;
                Some((place << 1 | u32::from(digit < 0), bucket))
            })
        };
        let lengths = bench.sum_terms(&self.points, 1 << (width - 1), belongs);
        bench.weigh(&lengths, 1)[0]
    }
}

#[cfg(test)]
mod tests {
    use ff::Field;
    use group::Curve;
    use proptest::prelude::*;

    use super::*;
    use crate::scalar;

    fn naive(points: &[G1Affine], scalars: &[Fr]) -> G1 {
        points.iter().zip(scalars).map(|(point, scalar)| point * scalar).sum()
    }

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::ZERO),
            Just(Fr::ONE),
            Just(-Fr::ONE),
            any::<i64>().prop_map(|value| scalar::from_i128(value.into())),
            any::<i128>().prop_map(scalar::from_i128),
            any::<[u64; 4]>().prop_map(Fr::from_raw),
            (0u32..254).prop_map(|bit| Fr::from(2).pow([u64::from(bit)])),
            (0u32..254).prop_map(|bit| -Fr::from(2).pow([u64::from(bit)])),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn agrees_with_double_and_add(terms in prop::collection::vec((any_scalar(), any::<u64>()), 0..80)) {
            let point = |seed: &u64| (G1::generator() * Fr::from(*seed)).to_affine();
            let points: Vec<_> = terms.iter().map(|(_, seed)| point(seed)).collect();
            let scalars: Vec<_> = terms.iter().map(|(scalar, _)| *scalar).collect();
            prop_assert_eq!(msm(points.iter().zip(&scalars)), naive(&points, &scalars));
        }

        #[test]
        fn digits_make_up_the_scalar(scalar in any_scalar(), width in 1..=MAX_DIGIT_BITS) {
            let magnitude = Magnitude::of(&scalar);
            let base = Fr::from(1 << width);
            let sum = (0..magnitude.bits() / width + 1).rev().fold(Fr::ZERO, |sum, index| {
                sum * base + scalar::from_i128(magnitude.digit(index, width).into())
            });
            prop_assert_eq!(sum, scalar);
        }
    }

    #[test]
    fn minus_one_is_one_bit_long() {
        assert_eq!(Magnitude::of(&-Fr::ONE).bits(), 1);
        assert_eq!(Magnitude::of(&Fr::ZERO).bits(), 0);
    }
}
