//! Eight numbers modulo a prime, one in each lane of five vectors: limbs of 52 bits, least significant first.
//!
//! A number is kept below a multiple of the modulus p that its type states, and is reduced no sooner than a formula
//! needs it: bounds that do not fit do not compile. What limits them is that limbs of 52 bits hold numbers below
//! `2^260`, which is above `84·p` for the moduli here, and that a product by Montgomery's method with `R = 2^260`,
//!
//! `(a·b + m·p)/2^260` with `m < 2^260`, is below `p·(1 + a·b/(2^260·p))`, that is, below `2p` for `a·b < 84·p²`.
//!
//! Field elements in memory are in Montgomery's form with `R = 2^256`. They are computed with as they are: a sum of two
//! numbers in that form is in that form, and a product gets back to it where one of the factors is sixteen times as
//! large.
//!
//! Between operations each limb is below `2^52`, so that the multiplication sees all of it. Within an operation limbs
//! are signed, and [`carried`] brings them back.

#![allow(unsafe_code, reason = "vectors of zeros are made without the instructions for them")]

use core::{arch::x86_64::*, marker::PhantomData};

use ff::PrimeField;
use halo2curves::bn256::{Fq, Fr};

/// Bits of a limb; in hexadecimal, 13 digits.
const LIMB_BITS: u32 = 52;

/// Limbs of a number.
const LIMBS: usize = 5;

const MASK: u64 = (1 << LIMB_BITS) - 1;

/// How many times the modulus fits into `2^260`. [`Prime::LIMBS`] is checked against it.
const ROOM: u64 = 84;

/// A prime field whose elements are four words of 64 bits, least significant first, in Montgomery's form with
/// `R = 2^256`, reduced.
pub(crate) trait Prime: PrimeField {
    /// The modulus.
    const P: [u64; LIMBS] = parse(Self::MODULUS);

    /// `-1/p` modulo `2^52`.
    const NEGATIVE_INVERSE: u64 = negative_inverse(Self::P[0]);
}

impl Prime for Fq {}
impl Prime for Fr {}

/// The limbs of a number that is written in hexadecimal.
const fn parse(number: &str) -> [u64; LIMBS] {
    let digits = number.as_bytes();
    let mut limbs = [0; LIMBS];
    let mut index = 0;
    while index < digits.len() - 2 {
        let digit = match digits[digits.len() - 1 - index] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit => digit - b'a' + 10,
        };
        limbs[index / 13] |= (digit as u64) << (4 * (index % 13));
        index += 1;
    }
    limbs
}

/// By Newton's iteration: each step doubles the number of bits that are right, from the three of `p·p = 1` modulo 8.
const fn negative_inverse(p: u64) -> u64 {
    let mut inverse = p;
    let mut bits = 3;
    while bits < LIMB_BITS {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(p.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse.wrapping_neg() & MASK
}

/// `count·p`, which must have room in the limbs.
const fn multiple(p: [u64; LIMBS], count: u64) -> [u64; LIMBS] {
    let mut limbs = [0; LIMBS];
    let (mut carry, mut index) = (0, 0);
    while index < LIMBS {
        let limb = p[index] as u128 * count as u128 + carry;
        limbs[index] = limb as u64 & MASK;
        carry = limb >> LIMB_BITS;
        index += 1;
    }
    assert!(carry == 0, "more than limbs hold");
    limbs
}

/// Eight numbers modulo the prime of `F`, each below `B` times the modulus.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Eight<F, const B: u64>([__m512i; LIMBS], PhantomData<F>);

impl<F, const B: u64> Default for Eight<F, B> {
    /// Zeros.
    fn default() -> Self {
        // SAFETY: vectors of integers may have any bits.
        unsafe { core::mem::zeroed() }
    }
}

impl<F: Prime, const B: u64> Eight<F, B> {
    /// Numbers by their limbs, below `2^52`; the caller knows the bound.
    #[inline(always)]
    pub(crate) fn from_limbs(limbs: [__m512i; LIMBS]) -> Self {
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    pub(crate) fn limbs(&self) -> &[__m512i; LIMBS] {
        &self.0
    }

    /// The numbers with a bound that is not lower.
    #[inline(always)]
    pub(crate) fn loosened<const C: u64>(self) -> Eight<F, C> {
        const { assert!(B <= C && C <= ROOM, "a bound that does not hold") };
        Eight(self.0, PhantomData)
    }

    /// `self + other`
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn plus<const C: u64, const D: u64>(self, other: Eight<F, C>) -> Eight<F, D> {
        const { assert!(B + C <= D && D <= ROOM, "a bound that does not hold") };
        self.plus_counted(other)
    }

    /// `self + other`, where the caller knows the bound of the sum.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn plus_counted<const C: u64, const D: u64>(self, other: Eight<F, C>) -> Eight<F, D> {
        let mut sums = self.0;
        for (sum, limb) in sums.iter_mut().zip(other.0) {
            *sum = _mm512_add_epi64(*sum, limb);
        }
        Eight(carried(sums), PhantomData)
    }

    /// `self - other + C·p`
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn minus<const C: u64, const D: u64>(self, other: Eight<F, C>) -> Eight<F, D> {
        const { assert!(B + C <= D && D <= ROOM, "a bound that does not hold") };
        self.minus_counted(other)
    }

    /// `self - other + C·p`, where the caller knows the bound of the difference.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn minus_counted<const C: u64, const D: u64>(self, other: Eight<F, C>) -> Eight<F, D> {
        let multiple = const { multiple(F::P, C) };
        let mut differences = self.0;
        for ((difference, limb), of_multiple) in differences.iter_mut().zip(other.0).zip(multiple) {
            *difference = _mm512_sub_epi64(_mm512_add_epi64(*difference, splat(of_multiple)), limb);
        }
        Eight(carried(differences), PhantomData)
    }

    /// `2^BITS · self`
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn shifted<const BITS: u32, const D: u64>(self) -> Eight<F, D> {
        // Twelve bits of a word are free; the sign takes one.
        const { assert!(BITS < 12 && B << BITS <= D && D <= ROOM, "a bound that does not hold") };
        let mut limbs = self.0;
        for limb in &mut limbs {
            *limb = _mm512_slli_epi64::<BITS>(*limb);
        }
        Eight(carried(limbs), PhantomData)
    }

    /// The same numbers modulo p, below `D·p`: `D·p` is subtracted where something is left.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn reduced<const D: u64>(self) -> Eight<F, D> {
        const { assert!(B <= 2 * D, "a bound that does not hold") };
        let multiple = const { multiple(F::P, D) };
        let mut differences = self.0;
        for (difference, of_multiple) in differences.iter_mut().zip(multiple) {
            *difference = _mm512_sub_epi64(*difference, splat(of_multiple));
        }
        let mut differences = carried(differences);
        let negative = _mm512_movepi64_mask(differences[LIMBS - 1]);
        for (difference, limb) in differences.iter_mut().zip(self.0) {
            *difference = _mm512_mask_mov_epi64(*difference, negative, limb);
        }
        Eight(differences, PhantomData)
    }

    /// `self·factor/2^260`, Montgomery's product.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn scaled<const C: u64>(self, factor: Eight<F, C>) -> Eight<F, 2> {
        const { assert!(B * C <= ROOM, "a bound that does not hold") };
        Eight(product(&self.0, &factor.0, const { &F::P }, F::NEGATIVE_INVERSE), PhantomData)
    }
}

impl<F: Prime> Eight<F, 1> {
    /// `p - self` in these lanes, in which no number is zero; the numbers themselves in the others.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn negated_where(self, lanes: u8) -> Self {
        let negatives: Eight<F, 2> = Self::default().minus(self);
        let mut limbs = self.0;
        for (limb, negative) in limbs.iter_mut().zip(negatives.0) {
            *limb = _mm512_mask_mov_epi64(*limb, lanes, negative);
        }
        Self(limbs, PhantomData)
    }

    /// The numbers, but where they are zero some other number that is not.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn nonzero(self) -> Self {
        let mut limbs = self.0;
        let bits = limbs.iter().fold(_mm512_setzero_si512(), |bits, limb| _mm512_or_si512(bits, *limb));
        limbs[0] = _mm512_mask_mov_epi64(limbs[0], _mm512_testn_epi64_mask(bits, bits), splat(1));
        Self(limbs, PhantomData)
    }
}

impl<F: Prime> Eight<F, 2> {
    /// `self + other`
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn sum(self, other: Self) -> Self {
        self.plus::<2, 4>(other).reduced()
    }

    /// `self - other`
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn difference(self, other: Self) -> Self {
        self.minus::<2, 4>(other).reduced()
    }

    /// `self·other/2^256`: the product of numbers in the form that they have in memory.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    #[inline]
    pub(crate) fn times(self, other: Self) -> Self {
        self.shifted::<4, 32>().scaled(other)
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn splat(limb: u64) -> __m512i {
    _mm512_set1_epi64(limb as i64)
}

/// Signed limbs to limbs below `2^52`. A number that is negative has a negative last limb.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn carried(mut limbs: [__m512i; LIMBS]) -> [__m512i; LIMBS] {
    for index in 0..LIMBS - 1 {
        let carry = _mm512_srai_epi64::<LIMB_BITS>(limbs[index]);
        limbs[index] = _mm512_and_si512(limbs[index], splat(MASK));
        limbs[index + 1] = _mm512_add_epi64(limbs[index + 1], carry);
    }
    limbs
}

/// `(a·b + m·p)/2^260` with the m that makes it whole, limb of b by limb.
///
/// A sum gets at most four products of 52 bits a round, and a carry below `2^12`; after five rounds it is below `2^57`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn product(a: &[__m512i; LIMBS], b: &[__m512i; LIMBS], p: &[u64; LIMBS], negative_inverse: u64) -> [__m512i; LIMBS] {
    let zero = _mm512_setzero_si512();
    let mut sums = [zero; LIMBS];
    for factor in b {
        let mut next = [zero; LIMBS];
        for index in 0..LIMBS {
            sums[index] = _mm512_madd52lo_epu64(sums[index], a[index], *factor);
        }
        next[..LIMBS - 1].copy_from_slice(&sums[1..]);
        let m = _mm512_madd52lo_epu64(zero, sums[0], splat(negative_inverse));
        let lowest = _mm512_madd52lo_epu64(sums[0], m, splat(p[0]));
        for index in 1..LIMBS {
            next[index - 1] = _mm512_madd52lo_epu64(next[index - 1], m, splat(p[index]));
        }
        for index in 0..LIMBS {
            next[index] = _mm512_madd52hi_epu64(next[index], a[index], *factor);
        }
        for index in 0..LIMBS {
            next[index] = _mm512_madd52hi_epu64(next[index], m, splat(p[index]));
        }
        next[0] = _mm512_add_epi64(next[0], _mm512_srli_epi64::<LIMB_BITS>(lowest));
        sums = next;
    }
    carried(sums)
}

const _: () = {
    // Does not compile where so many times a modulus have no room.
    let _ = (multiple(Fq::P, ROOM), multiple(Fr::P, ROOM));
};
