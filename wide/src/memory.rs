//! Between field elements in memory and eight numbers in limbs.
//!
//! Lane i of eight numbers is row [`ORDER`]`[i]`, which takes the fewest permutations.

#![allow(unsafe_code, reason = "field elements are read and written as words")]

use core::arch::x86_64::*;

use halo2curves::bn256::{Fq, Fr, G1Affine};

use crate::eight::{Eight, Prime};

/// The row that is in each lane.
pub(crate) const ORDER: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];

// A field element is a struct of one field, four words, and nothing else; a point is two of them, x first.
const _: () = {
    assert!(size_of::<Fr>() == 32 && size_of::<Fq>() == 32 && size_of::<G1Affine>() == 64);
    assert!(core::mem::offset_of!(G1Affine, x) == 0 && core::mem::offset_of!(G1Affine, y) == 32);
};

/// The first eight.
///
/// # Panics
/// If there are fewer.
#[inline(always)]
pub(crate) fn eight<T>(rows: &[T]) -> &[T; 8] {
    let (first, _) = rows.split_first_chunk().unwrap_or_else(|| too_few(rows.len()));
    first
}

/// The first eight.
///
/// # Panics
/// If there are fewer.
#[inline(always)]
pub(crate) fn eight_mut<T>(rows: &mut [T]) -> &mut [T; 8] {
    let count = rows.len();
    let (first, _) = rows.split_first_chunk_mut().unwrap_or_else(|| too_few(count));
    first
}

#[cold]
#[allow(clippy::panic, reason = "as a slice does behind its end")]
fn too_few(count: usize) -> ! {
    panic!("eight rows at a time: {count} are left")
}

/// Eight field elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn load<F: Prime>(rows: &[F; 8]) -> Eight<F, 1> {
    let [a, b, c, d] = [load_pair(rows, 0), load_pair(rows, 2), load_pair(rows, 4), load_pair(rows, 6)];
    Eight::from_limbs(limbs(words(a, b, c, d)))
}

/// Writes eight field elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn store<F: Prime>(numbers: Eight<F, 1>, rows: &mut [F; 8]) {
    let [w0, w1, w2, w3] = joined(&numbers);
    let (low, high) = halves();
    let (t0, u0) = (_mm512_permutex2var_epi64(w0, low, w2), _mm512_permutex2var_epi64(w0, high, w2));
    let (t1, u1) = (_mm512_permutex2var_epi64(w1, low, w3), _mm512_permutex2var_epi64(w1, high, w3));
    store_pair(_mm512_unpacklo_epi64(t0, t1), rows, 0);
    store_pair(_mm512_unpackhi_epi64(t0, t1), rows, 2);
    store_pair(_mm512_unpacklo_epi64(u0, u1), rows, 4);
    store_pair(_mm512_unpackhi_epi64(u0, u1), rows, 6);
}

/// Sixteen times a field element, reduced, in all lanes: what numbers in the form of memory are multiplied with.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn factor(value: &Fr) -> Eight<Fr, 1> {
    factors(&[*value; 8])
}

/// The same for eight field elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn factors(values: &[Fr; 8]) -> Eight<Fr, 1> {
    let multiples: Eight<Fr, 16> = load(values).shifted::<4, 16>();
    multiples.reduced::<8>().reduced::<4>().reduced::<2>().reduced()
}

/// Writes eight field elements, reduced.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn store_reduced<F: Prime>(numbers: Eight<F, 2>, rows: &mut [F; 8]) {
    store(numbers.reduced(), rows);
}

/// The words of two field elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn load_pair<F: Prime>(rows: &[F], at: usize) -> __m512i {
    let pair = &rows[at..at + 2];
    // SAFETY: these are two field elements of 32 bytes each; a vector may have any bits.
    unsafe { _mm512_loadu_si512(pair.as_ptr().cast()) }
}

/// Writes the words of two field elements, which are below the modulus.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn store_pair<F: Prime>(words: __m512i, rows: &mut [F], at: usize) {
    let pair = &mut rows[at..at + 2];
    // SAFETY: these are two field elements of 32 bytes each, for which any words are sound.
    unsafe { _mm512_storeu_si512(pair.as_mut_ptr().cast(), words) };
}

/// Indices of the low and the high halves of two vectors' halves.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn halves() -> (__m512i, __m512i) {
    (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15))
}

/// Each word of eight numbers that lie in pairs, in the order of [`ORDER`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn words(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    let (low, high) = halves();
    let (t0, t1) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    let (u0, u1) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
    [
        _mm512_permutex2var_epi64(t0, low, u0),
        _mm512_permutex2var_epi64(t1, low, u1),
        _mm512_permutex2var_epi64(t0, high, u0),
        _mm512_permutex2var_epi64(t1, high, u1),
    ]
}

/// Four words of 64 bits to five limbs of 52.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn limbs([w0, w1, w2, w3]: [__m512i; 4]) -> [__m512i; 5] {
    let mask = _mm512_set1_epi64((1 << 52) - 1);
    let joined = |low, high| _mm512_and_si512(_mm512_or_si512(low, high), mask);
    [
        _mm512_and_si512(w0, mask),
        joined(_mm512_srli_epi64::<52>(w0), _mm512_slli_epi64::<12>(w1)),
        joined(_mm512_srli_epi64::<40>(w1), _mm512_slli_epi64::<24>(w2)),
        joined(_mm512_srli_epi64::<28>(w2), _mm512_slli_epi64::<36>(w3)),
        _mm512_srli_epi64::<16>(w3),
    ]
}

/// Five limbs of 52 bits to four words of 64; the numbers are below `2^256`.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn joined<F: Prime>(numbers: &Eight<F, 1>) -> [__m512i; 4] {
    let [l0, l1, l2, l3, l4] = *numbers.limbs();
    [
        _mm512_or_si512(l0, _mm512_slli_epi64::<52>(l1)),
        _mm512_or_si512(_mm512_srli_epi64::<12>(l1), _mm512_slli_epi64::<40>(l2)),
        _mm512_or_si512(_mm512_srli_epi64::<24>(l2), _mm512_slli_epi64::<28>(l3)),
        _mm512_or_si512(_mm512_srli_epi64::<36>(l3), _mm512_slli_epi64::<16>(l4)),
    ]
}

/// Rows of eight words to columns.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn transposed(rows: [__m512i; 8]) -> [__m512i; 8] {
    let (low, high) = halves();
    let [a, b, c, d, e, f, g, h] = rows;
    let quarter = |a, b, c, d| {
        let (t0, t1) = (_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
        let (t2, t3) = (_mm512_unpacklo_epi64(c, d), _mm512_unpackhi_epi64(c, d));
        [
            _mm512_permutex2var_epi64(t0, low, t2),
            _mm512_permutex2var_epi64(t1, low, t3),
            _mm512_permutex2var_epi64(t0, high, t2),
            _mm512_permutex2var_epi64(t1, high, t3),
        ]
    };
    let (upper, lower) = (quarter(a, b, c, d), quarter(e, f, g, h));
    let mut columns = [_mm512_setzero_si512(); 8];
    for index in 0..4 {
        columns[index] = _mm512_shuffle_i64x2::<0b01_00_01_00>(upper[index], lower[index]);
        columns[index + 4] = _mm512_shuffle_i64x2::<0b11_10_11_10>(upper[index], lower[index]);
    }
    columns
}

/// Eight points from anywhere, coordinate by coordinate, the lanes in their order.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn load_points(points: [&G1Affine; 8]) -> (Eight<Fq, 1>, Eight<Fq, 1>) {
    let mut rows = [_mm512_setzero_si512(); 8];
    for (row, point) in rows.iter_mut().zip(points) {
        // SAFETY: a point is 64 bytes; a vector may have any bits.
        *row = unsafe { _mm512_loadu_si512(core::ptr::from_ref(point).cast()) };
    }
    let [x @ .., y0, y1, y2, y3] = transposed(rows);
    (Eight::from_limbs(limbs(x)), Eight::from_limbs(limbs([y0, y1, y2, y3])))
}

/// Eight points by their coordinates, the lanes in their order.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
pub(crate) fn points(x: Eight<Fq, 1>, y: Eight<Fq, 1>) -> [G1Affine; 8] {
    let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (joined(&x), joined(&y));
    let rows = transposed([x0, x1, x2, x3, y0, y1, y2, y3]);
    // SAFETY: a point is 64 bytes, whose words are below the modulus, as the bounds of the numbers say.
    rows.map(|row| unsafe { core::mem::transmute::<__m512i, G1Affine>(row) })
}

/// Asks for a value to be brought into the cache.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    // SAFETY: every x86-64 processor has the instruction, which reads nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) };
}
