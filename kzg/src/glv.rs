//! Multiplication of many points by the same scalar, and of few points by a scalar each, at half the usual number of
//! doublings.
//!
//! BN254 has an efficient endomorphism `(x, y) ↦ (ζx, y)` that multiplies by λ, a cube root of one modulo r. A scalar
//! is split as `s = s₁ + s₂·λ` with both parts of at most about 128 bits (Gallant, Lambert and Vanstone, 2001), and
//! both products run through the same doublings. The scalars here are public, twiddle factors and those of verifiers;
//! the running time depends on them.

use std::sync::LazyLock;

use alloy_primitives::{I256, U256, U512};
use ff::WithSmallOrderMulGroup;
use group::{Curve as _, Group, prime::PrimeCurveAffine as _};
use halo2curves::{
    CurveExt,
    bn256::{Fq, Fr, G1, G1Affine},
};
use surety_wide::Lanes;

use crate::{scalar, sums::Bench};

/// Non-adjacent forms of this width use the odd multiples 1, 3, …, `2^(width-1) - 1`.
const NAF_WIDTH: u32 = 5;
/// How many odd multiples of a point digits choose from.
pub(crate) const ODD_MULTIPLES: usize = 1 << (NAF_WIDTH - 2);

/// `Σ scalar·point` for a few points, as in the verification of one proof: all run through the same doublings (Straus,
/// *Addition chains of vectors*, 1964). What is added at the same place is added in pairs, with inversions that all
/// places share.
pub(crate) fn sum(terms: &[(Fr, G1Affine)], lanes: Lanes) -> G1 {
    static SPLITTER: LazyLock<Splitter> = LazyLock::new(Splitter::new);
    // No multiple of another point is the identity.
    let terms = terms.iter().filter(|(_, point)| !bool::from(point.is_identity()));
    let (multipliers, multiples): (Vec<Multiplier>, Vec<_>) =
        terms.map(|(scalar, point)| (SPLITTER.multiplier(scalar), odd_multiples(&point.to_curve()))).unzip();
    let multiples = multiples.as_flattened();
    let mut table = vec![G1Affine::identity(); multiples.len()];
    G1::batch_normalize(multiples, &mut table);
    let images = table.iter().map(|point| G1Affine { x: point.x * Fq::ZETA, y: point.y });
    let table = [&table[..], &images.collect::<Vec<_>>()].concat();
    // The digits of s₁ choose from the multiples of a point, those of s₂ from their images.
    let first = multipliers.iter().map(|multiplier| &multiplier.first);
    let digits: Vec<&Vec<i8>> = first.chain(multipliers.iter().map(|multiplier| &multiplier.second)).collect();
    let belongs = || {
        digits.iter().enumerate().flat_map(|(index, digits)| {
            let digits = digits.iter().enumerate().filter(|(_, digit)| **digit != 0);
            digits.map(move |(place, digit)| {
                let multiple = ODD_MULTIPLES * index + usize::from(digit.unsigned_abs() / 2);
                ((multiple as u32) << 1 | u32::from(*digit < 0), place)
            })
        })
    };
    let places = multipliers.iter().map(Multiplier::length).max().unwrap_or(0);
    let mut bench = Bench::new(lanes, false);
    let occupied = bench.sum_terms(&table, places, belongs);
    bench.by_powers_of_two(&occupied, 1)[0]
}

/// The odd multiples of a point: once, three times, …
fn odd_multiples(point: &G1) -> [G1; ODD_MULTIPLES] {
    let double = point.double();
    let mut multiples = [*point; ODD_MULTIPLES];
    for index in 1..ODD_MULTIPLES {
        multiples[index] = multiples[index - 1] + double;
    }
    multiples
}

/// Splits scalars along λ.
pub(crate) struct Splitter {
    order: U256,
    /// Two short independent vectors `(a, b)` with `a + b·λ ≡ 0 (mod r)`.
    short: [(I256, I256); 2],
}

impl Splitter {
    /// Runs Euclid's algorithm on r and λ: around √r, neighbouring remainders and their cofactors are short.
    pub(crate) fn new() -> Self {
        let order = U256::from_be_bytes(scalar::to_bytes(&-Fr::from(1))) + U256::ONE;
        let lambda = U256::from_be_bytes(scalar::to_bytes(&Fr::ZETA));
        // Every pair (remainder, cofactor) here has remainder ≡ cofactor·λ (mod r).
        let (mut before, mut last) = ((order, I256::ZERO), (lambda, I256::ONE));
        while last.0 >= order.root(2) {
            (before, last) = (last, euclid(before, last));
        }
        let next = euclid(before, last);
        let length = |(remainder, cofactor): (U256, I256)| remainder.max(cofactor.unsigned_abs());
        let pair = if length(before) < length(next) { [before, last] } else { [last, next] };
        Self { order, short: pair.map(|(remainder, cofactor)| (I256::from_raw(remainder), -cofactor)) }
    }

    /// A scalar, ready to multiply points with.
    pub(crate) fn multiplier(&self, scalar: &Fr) -> Multiplier {
        let (first, second) = self.split(scalar);
        Multiplier { first: non_adjacent_form(first), second: non_adjacent_form(second) }
    }

    /// `(s₁, s₂)` with `s ≡ s₁ + s₂·λ`: the scalar minus a lattice point next to it.
    ///
    /// In the basis of the short vectors, `(s, 0)` has the coordinates `s·b₁/D` and `-s·b₀/D` with the determinant
    /// `D = a₀·b₁ - a₁·b₀ = ±r`. Euclid's cofactors alternate in sign, so both are positive.
    fn split(&self, scalar: &Fr) -> (I256, I256) {
        let scalar = U256::from_be_bytes(scalar::to_bytes(scalar));
        let [(a0, b0), (a1, b1)] = self.short;
        let (c0, c1) = (self.nearest(scalar, b1), self.nearest(scalar, b0));
        (I256::from_raw(scalar) - c0 * a0 - c1 * a1, -c0 * b0 - c1 * b1)
    }

    /// `round(scalar·|factor| / r)`.
    fn nearest(&self, scalar: U256, factor: I256) -> I256 {
        let product: U512 = scalar.widening_mul(factor.unsigned_abs());
        let quotient = (product + U512::from(self.order >> 1)) / U512::from(self.order);
        I256::from_raw(quotient.wrapping_to())
    }
}

/// One step of Euclid's extended algorithm.
fn euclid(before: (U256, I256), last: (U256, I256)) -> (U256, I256) {
    let quotient = before.0 / last.0;
    (before.0 - quotient * last.0, before.1 - I256::from_raw(quotient) * last.1)
}

/// A scalar in the form in which it multiplies points.
pub(crate) struct Multiplier {
    first: Vec<i8>,
    second: Vec<i8>,
}

impl Multiplier {
    fn length(&self) -> usize {
        self.first.len().max(self.second.len())
    }

    /// The signed digits of s₁ and of s₂, least significant first: odd, or zero.
    pub(crate) fn digits(&self) -> [&[i8]; 2] {
        [&self.first, &self.second]
    }

    /// `scalar·point`.
    pub(crate) fn times(&self, point: &G1) -> G1 {
        let multiples = odd_multiples(point);
        let images = multiples.map(|multiple| multiple.endo());
        let mut sum = G1::identity();
        for index in (0..self.length()).rev() {
            sum = sum.double();
            for (digits, table) in [(&self.first, &multiples), (&self.second, &images)] {
                match digits.get(index) {
                    Some(&digit) if digit > 0 => sum += table[digit as usize / 2],
                    Some(&digit) if digit < 0 => sum -= table[digit.unsigned_abs() as usize / 2],
                    _ => {}
                }
            }
        }
        sum
    }
}

/// Signed odd digits, least significant first, at most one in [`NAF_WIDTH`] of them not zero.
fn non_adjacent_form(value: I256) -> Vec<i8> {
    const MODULUS: i64 = 1 << NAF_WIDTH;
    let mut rest = value;
    let mut digits = Vec::new();
    while !rest.is_zero() {
        let low = (rest.as_limbs()[0] & (MODULUS as u64 - 1)) as i64;
        let digit = match low {
            even if even % 2 == 0 => 0,
            odd if odd >= MODULUS / 2 => odd - MODULUS,
            odd => odd,
        };
        digits.push(digit as i8);
        rest = (rest - I256::unchecked_from(digit)).asr(1);
    }
    digits
}

#[cfg(test)]
mod tests {
    use ff::Field;
    use proptest::prelude::*;

    use super::*;

    fn check(scalar: Fr) {
        let splitter = Splitter::new();
        let (first, second) = splitter.split(&scalar);
        assert_eq!(scalar::from_i256(first) + scalar::from_i256(second) * Fr::ZETA, scalar);
        assert!(first.unsigned_abs().bit_len() <= 128 && second.unsigned_abs().bit_len() <= 128);
        let point = G1::generator() * Fr::from(5);
        assert_eq!(splitter.multiplier(&scalar).times(&point), point * scalar);
    }

    fn any_scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![Just(Fr::ZERO), Just(Fr::ONE), Just(-Fr::ONE), any::<[u64; 4]>().prop_map(Fr::from_raw)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn combinations_agree_with_double_and_add(terms in prop::collection::vec((any_scalar(), 0u64..6), 0..9)) {
            let point = |seed: &u64| (G1::generator() * Fr::from(*seed)).to_affine();
            let terms: Vec<_> = terms.iter().map(|(scalar, seed)| (*scalar, point(seed))).collect();
            let expected = terms.iter().map(|(scalar, point)| point * scalar).sum::<G1>();
            for lanes in [Lanes::One, Lanes::widest()] {
                prop_assert_eq!(super::sum(&terms, lanes), expected);
            }
        }

        #[test]
        fn agrees_with_double_and_add(limbs in any::<[u64; 4]>()) {
            check(Fr::from_raw(limbs));
        }
    }

    #[test]
    fn extremes_agree_with_double_and_add() {
        for scalar in
            [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::ZETA, -Fr::ZETA, Fr::ZETA.square(), Fr::from(2).invert().unwrap()]
        {
            check(scalar);
        }
    }

    #[test]
    fn the_endomorphism_multiplies_by_lambda() {
        let point = G1::generator() * Fr::from(11);
        assert_eq!(point.endo(), point * Fr::ZETA);
    }
}
