//! The Fourier transform over powers of a root of unity, eight numbers at a time.
//!
//! Coefficients are in bit-reversed order. While a transform runs, 64 neighbouring numbers are eight vectors of eight
//! rows. Layers that join rows eight and more apart work on whole vectors; the other three are done when vectors and
//! lanes have been exchanged.

#![allow(unsafe_code, reason = "the instructions are there where there is an `Ifma`")]

use core::arch::x86_64::*;

use ff::Field as _;
use halo2curves::bn256::Fr;

use crate::{Ifma, MIN_ROWS, eight::Eight, memory, wiped::Wiped};

/// The bound of numbers that layers add up: behind the first three layers numbers are below `16p`, and each of the
/// others adds less than `2p`.
const LOOSE: u64 = 84;

/// So many vectors stay in the second cache, with as many twiddles: 160 KiB each.
const CACHED: usize = 512;

/// Powers of a root of unity, for transforms of one length in one direction.
#[derive(Clone)]
pub struct Twiddles {
    /// For each half-length `8·m`, at `m..2m`: the powers of the root of order `16·m`, below the half-length.
    layers: Vec<Eight<Fr, 1>>,
    /// The first four powers of the root of order eight.
    innermost: [Eight<Fr, 1>; 4],
}

/// Numbers that coefficients are multiplied with, one for each.
#[derive(Clone)]
pub struct Factors(Vec<Eight<Fr, 1>>);

impl core::fmt::Debug for Twiddles {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Twiddles").field("vectors", &self.layers.len()).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Factors {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Factors").field("vectors", &self.0.len()).finish_non_exhaustive()
    }
}

impl Ifma {
    /// `layers` has, for each half-length m, a power of two, at `m..2m`: the first m powers of the root of order `2m`.
    ///
    /// # Panics
    /// If the length of `layers` is below [`MIN_ROWS`] or no power of two.
    #[must_use]
    pub fn twiddles(self, layers: &[Fr]) -> Twiddles {
        assert!(layers.len() >= MIN_ROWS && layers.len().is_power_of_two(), "{} rows", layers.len());
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { twiddles(layers) }
    }

    /// `numbers` are those for the coefficients in bit-reversed order.
    ///
    /// # Panics
    /// If the number of numbers is no multiple of 64.
    #[must_use]
    pub fn factors(self, numbers: &[Fr]) -> Factors {
        assert!(numbers.len().is_multiple_of(64), "{} numbers", numbers.len());
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { factors(numbers) }
    }

    /// Values in the rows to coefficients in bit-reversed order, each times its factor.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn split(self, values: &mut [Fr], twiddles: &Twiddles, factors: Option<&Factors>) {
        assert_eq!(values.len(), 8 * twiddles.layers.len(), "the twiddles' length");
        assert!(
            factors.is_none_or(|factors| factors.0.len() == twiddles.layers.len()),
            "a factor for each coefficient"
        );
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { split_rows(values, twiddles, factors) };
    }

    /// Coefficients in bit-reversed order, each times its factor, to values in the rows.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn join(self, coefficients: &mut [Fr], factors: Option<&Factors>, twiddles: &Twiddles) {
        assert_eq!(coefficients.len(), 8 * twiddles.layers.len(), "the twiddles' length");
        assert!(
            factors.is_none_or(|factors| factors.0.len() == twiddles.layers.len()),
            "a factor for each coefficient"
        );
        // SAFETY: the processor has the instructions, as `self` proves.
        unsafe { join_rows(coefficients, factors, twiddles) };
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn twiddles(layers: &[Fr]) -> Twiddles {
    let mut vectors = vec![Eight::default(); layers.len() / 8];
    for (vector, rows) in vectors.iter_mut().zip(layers.as_chunks().0).skip(1) {
        *vector = memory::factors(rows);
    }
    let mut innermost = [Eight::default(); 4];
    for (vector, root) in innermost.iter_mut().zip(&layers[4..8]) {
        *vector = memory::factor(root);
    }
    Twiddles { layers: vectors, innermost }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn factors(numbers: &[Fr]) -> Factors {
    let mut vectors = Vec::with_capacity(numbers.len() / 8);
    let sixteen = Fr::from(16);
    for numbers in numbers.as_chunks::<64>().0 {
        vectors.extend(gathered(&numbers.map(|number| number * sixteen)));
    }
    Factors(vectors)
}

/// 64 numbers: vector r has those of row r in eight.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn gathered(numbers: &[Fr; 64]) -> [Eight<Fr, 1>; 8] {
    let mut vectors = [Eight::default(); 8];
    for (pair, vectors) in vectors.chunks_exact_mut(2).enumerate() {
        let mut rows = [_mm512_setzero_si512(); 8];
        for (lane, row) in rows.iter_mut().enumerate() {
            *row = memory::load_pair(numbers, 8 * lane + 2 * pair);
        }
        let [first @ .., w4, w5, w6, w7] = memory::transposed(rows);
        vectors[0] = Eight::from_limbs(memory::limbs(first));
        vectors[1] = Eight::from_limbs(memory::limbs([w4, w5, w6, w7]));
    }
    vectors
}

/// The reverse of [`gathered`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn scattered(vectors: &[Eight<Fr, 1>; 8], numbers: &mut [Fr; 64]) {
    for (pair, vectors) in vectors.as_chunks::<2>().0.iter().enumerate() {
        let [[w0, w1, w2, w3], [w4, w5, w6, w7]] = [memory::joined(&vectors[0]), memory::joined(&vectors[1])];
        let rows = memory::transposed([w0, w1, w2, w3, w4, w5, w6, w7]);
        for (lane, row) in rows.into_iter().enumerate() {
            memory::store_pair(row, numbers, 8 * lane + 2 * pair);
        }
    }
}

/// Exchanges rows and vectors: vector q has row r of its eight in the lane of r, vector r gets it in lane q.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn by_rows<const B: u64>(vectors: &[Eight<Fr, B>; 8]) -> [Eight<Fr, B>; 8] {
    let mut limbs = [[_mm512_setzero_si512(); 5]; 8];
    for limb in 0..5 {
        let lanes = memory::transposed(vectors.each_ref().map(|vector| vector.limbs()[limb]));
        for (row, lane) in memory::ORDER.into_iter().zip(lanes) {
            let of_row: &mut [_; 5] = &mut limbs[row];
            of_row[limb] = lane;
        }
    }
    limbs.map(Eight::from_limbs)
}

/// The reverse of [`by_rows`].
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn by_vectors<const B: u64>(rows: &[Eight<Fr, B>; 8]) -> [Eight<Fr, B>; 8] {
    let mut limbs = [[_mm512_setzero_si512(); 5]; 8];
    for limb in 0..5 {
        let vectors = memory::transposed(memory::ORDER.map(|row| rows[row].limbs()[limb]));
        for (limbs, vector) in limbs.iter_mut().zip(vectors) {
            limbs[limb] = vector;
        }
    }
    limbs.map(Eight::from_limbs)
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn split_rows(values: &mut [Fr], twiddles: &Twiddles, factors: Option<&Factors>) {
    let mut vectors = Wiped::<Eight<Fr, 2>>::new(values.len() / 8);
    for (vector, rows) in vectors.iter_mut().zip(values.as_chunks().0) {
        *vector = memory::load(rows).loosened();
    }
    split(&mut vectors, &twiddles.layers);
    let groups = vectors.as_chunks::<8>().0.iter().zip(values.as_chunks_mut::<64>().0).enumerate();
    for (group, (vectors, values)) in groups {
        let rows = split_innermost(by_rows(vectors), &twiddles.innermost);
        let mut results = [Eight::default(); 8];
        for (index, (result, row)) in results.iter_mut().zip(rows).enumerate() {
            *result = match factors {
                Some(Factors(factors)) => row.scaled(factors[8 * group + index]).reduced(),
                None => row.reduced(),
            };
        }
        scattered(&results, values);
    }
}

/// Natural order to bit-reversed order, down to vectors.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn split(vectors: &mut [Eight<Fr, 2>], twiddles: &[Eight<Fr, 1>]) {
    if vectors.len() > CACHED {
        split_layer(vectors, twiddles);
        let (low, high) = vectors.split_at_mut(vectors.len() / 2);
        split(low, twiddles);
        return split(high, twiddles);
    }
    let mut length = vectors.len();
    while length > 1 {
        for block in vectors.chunks_exact_mut(length) {
            split_layer(block, twiddles);
        }
        length /= 2;
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn split_layer(vectors: &mut [Eight<Fr, 2>], twiddles: &[Eight<Fr, 1>]) {
    let half = vectors.len() / 2;
    let (low, high) = vectors.split_at_mut(half);
    for ((low, high), twiddle) in low.iter_mut().zip(high).zip(&twiddles[half..2 * half]) {
        (*low, *high) = (low.sum(*high), low.minus::<2, 4>(*high).scaled(*twiddle));
    }
}

/// The last three layers, of half-lengths four, two and one.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn split_innermost(mut rows: [Eight<Fr, 2>; 8], roots: &[Eight<Fr, 1>; 4]) -> [Eight<Fr, 2>; 8] {
    for half in [4, 2, 1] {
        for block in rows.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            // The first root is one.
            (low[0], high[0]) = (low[0].sum(high[0]), low[0].difference(high[0]));
            for index in 1..half {
                let turned = low[index].minus::<2, 4>(high[index]).scaled(roots[index * 4 / half]);
                (low[index], high[index]) = (low[index].sum(high[index]), turned);
            }
        }
    }
    rows
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn join_rows(rows: &mut [Fr], factors: Option<&Factors>, twiddles: &Twiddles) {
    let mut vectors = Wiped::<Eight<Fr, LOOSE>>::new(rows.len() / 8);
    let groups = rows.as_chunks::<64>().0.iter().zip(vectors.as_chunks_mut::<8>().0).enumerate();
    for (group, (coefficients, vectors)) in groups {
        let rows = gathered(coefficients);
        let mut scaled = [Eight::default(); 8];
        for (index, (scaled, row)) in scaled.iter_mut().zip(rows).enumerate() {
            *scaled = match factors {
                Some(Factors(factors)) => row.scaled(factors[8 * group + index]),
                None => row.loosened(),
            };
        }
        *vectors = by_vectors(&join_innermost(scaled, &twiddles.innermost)).map(Eight::loosened);
    }
    join(&mut vectors, &twiddles.layers);
    let one = memory::factor(&Fr::ONE);
    for (vector, rows) in vectors.iter().zip(rows.as_chunks_mut().0) {
        memory::store(vector.scaled(one).reduced(), rows);
    }
}

/// The first three layers, of half-lengths one, two and four.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn join_innermost(rows: [Eight<Fr, 2>; 8], roots: &[Eight<Fr, 1>; 4]) -> [Eight<Fr, 16>; 8] {
    let mut pairs = [Eight::<Fr, 4>::default(); 8];
    for (pair, rows) in pairs.as_chunks_mut::<2>().0.iter_mut().zip(rows.as_chunks::<2>().0) {
        let [low, high] = *rows;
        *pair = both(low, high);
    }
    let mut fours = [Eight::<Fr, 8>::default(); 8];
    for (four, pairs) in fours.as_chunks_mut::<4>().0.iter_mut().zip(pairs.as_chunks::<4>().0) {
        let [a, b, c, d] = *pairs;
        [four[0], four[2]] = both(a, c);
        [four[1], four[3]] = both(b, d.scaled(roots[2]));
    }
    let mut eights = [Eight::<Fr, 16>::default(); 8];
    let [a, b, c, d, e, f, g, h] = fours;
    [eights[0], eights[4]] = both(a, e);
    [eights[1], eights[5]] = both(b, f.scaled(roots[1]));
    [eights[2], eights[6]] = both(c, g.scaled(roots[2]));
    [eights[3], eights[7]] = both(d, h.scaled(roots[3]));
    eights
}

/// Sum and difference.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
#[inline]
fn both<const B: u64, const C: u64, const D: u64>(low: Eight<Fr, B>, high: Eight<Fr, C>) -> [Eight<Fr, D>; 2] {
    [low.plus(high), low.minus(high)]
}

/// Bit-reversed order to natural order, from vectors on.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn join(vectors: &mut [Eight<Fr, LOOSE>], twiddles: &[Eight<Fr, 1>]) {
    if vectors.len() > CACHED {
        let (low, high) = vectors.split_at_mut(vectors.len() / 2);
        join(low, twiddles);
        join(high, twiddles);
        return join_layer(vectors, twiddles);
    }
    let mut length = 2;
    while length <= vectors.len() {
        for block in vectors.chunks_exact_mut(length) {
            join_layer(block, twiddles);
        }
        length *= 2;
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn join_layer(vectors: &mut [Eight<Fr, LOOSE>], twiddles: &[Eight<Fr, 1>]) {
    let half = vectors.len() / 2;
    let (low, high) = vectors.split_at_mut(half);
    for ((low, high), twiddle) in low.iter_mut().zip(high).zip(&twiddles[half..2 * half]) {
        let turned = high.scaled(*twiddle);
        (*low, *high) = (low.plus_counted(turned), low.minus_counted(turned));
    }
}

#[cfg(test)]
mod tests {
    use ff::PrimeField as _;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;
    use crate::tests::detected;

    fn root(k: u32) -> Fr {
        (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
    }

    /// The twiddles in rows, see [`Ifma::twiddles`].
    fn layers(k: u32, root: Fr) -> Vec<Fr> {
        let mut layers = vec![Fr::ONE; 1 << k];
        for log in 0..k {
            let step = (log + 1..k).fold(root, |root, _| root.square());
            let mut power = Fr::ONE;
            for twiddle in &mut layers[1 << log..2 << log] {
                *twiddle = power;
                power *= step;
            }
        }
        layers
    }

    fn reversed(index: usize, k: u32) -> usize {
        index.reverse_bits() >> (usize::BITS - k)
    }

    /// Both ways, with factors, against Halo2's transform.
    fn agree(ifma: Ifma, k: u32, values: &[Fr]) {
        let factor = |index: usize| Fr::from(index as u64 + 3);
        let mut coefficients = values.to_vec();
        halo2curves::fft::best_fft(&mut coefficients, root(k).invert().unwrap(), k);
        let expected: Vec<Fr> =
            (0..values.len()).map(|place| coefficients[reversed(place, k)] * factor(place)).collect();

        let factors = ifma.factors(&(0..values.len()).map(factor).collect::<Vec<_>>());
        let back = ifma.factors(&(0..values.len()).map(|place| factor(place).invert().unwrap()).collect::<Vec<_>>());
        let inverse = ifma.twiddles(&layers(k, root(k).invert().unwrap()));
        let mut split = values.to_vec();
        ifma.split(&mut split, &inverse, Some(&factors));
        assert_eq!(split, expected, "k = {k}");

        let forth = ifma.twiddles(&layers(k, root(k)));
        let mut joined = split.clone();
        ifma.join(&mut joined, Some(&back), &forth);
        let times = Fr::from(values.len() as u64);
        let expected: Vec<Fr> = values.iter().map(|value| value * times).collect();
        assert_eq!(joined, expected, "k = {k}");

        let mut plain = values.to_vec();
        ifma.split(&mut plain, &inverse, None);
        for (place, (plain, scaled)) in plain.iter().zip(&split).enumerate() {
            assert_eq!(*plain * factor(place), *scaled, "k = {k}");
        }
        ifma.join(&mut plain, None, &forth);
        assert_eq!(plain, expected, "k = {k}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn transforms_agree_with_halo2(k in 6u32..15, seed in any::<u64>()) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let values: Vec<Fr> = (0..1 << k).map(|_| Fr::random(&mut rng)).collect();
            if let Some(ifma) = detected() {
                agree(ifma, k, &values);
            }
        }
    }

    /// Numbers that make sums grow most: all as large as they can be, in every layer at which signs can be chosen.
    #[test]
    fn transforms_of_the_largest_numbers_agree() {
        let Some(ifma) = detected() else { return };
        for k in [6, 7, 10, 16] {
            for negated in 0..=k {
                let sign = |index: usize| if negated < k && index >> negated & 1 == 1 { Fr::ONE } else { -Fr::ONE };
                agree(ifma, k, &(0..1 << k).map(sign).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    #[should_panic(expected = "32 rows")]
    fn rejects_twiddles_for_few_rows() {
        let Some(ifma) = detected() else { panic!("32 rows, if there were the instructions") };
        let _ = ifma.twiddles(&layers(5, root(5)));
    }

    #[test]
    #[should_panic(expected = "65 numbers")]
    fn rejects_numbers_of_factors_that_are_no_multiple_of_64() {
        let Some(ifma) = detected() else { panic!("65 numbers, if there were the instructions") };
        let _ = ifma.factors(&[Fr::ONE; 65]);
    }

    #[test]
    #[should_panic(expected = "the twiddles' length")]
    fn rejects_values_of_another_length_than_the_twiddles() {
        let Some(ifma) = detected() else { panic!("the twiddles' length, if there were the instructions") };
        ifma.split(&mut [Fr::ONE; 128], &ifma.twiddles(&layers(6, root(6))), None);
    }

    #[test]
    #[should_panic(expected = "a factor for each coefficient")]
    fn rejects_coefficients_without_a_factor_each() {
        let Some(ifma) = detected() else { panic!("a factor for each coefficient, if there were the instructions") };
        let factors = ifma.factors(&[Fr::ONE; 64]);
        ifma.join(&mut [Fr::ONE; 128], Some(&factors), &ifma.twiddles(&layers(7, root(7))));
    }

    #[test]
    fn loose_sums_have_room_for_the_layers_of_every_domain() {
        const { assert!(16 + 2 * (Fr::S as u64 - 3) <= LOOSE) };
    }
}
