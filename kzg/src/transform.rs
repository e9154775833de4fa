//! Polynomials by rows and by coefficients: the Fourier transform over the rows, with twiddles that are kept.
//!
//! A [`Domain`] takes values in the rows to coefficients in bit-reversed order, and coefficients in that order back to
//! values. Between the two everything is done coefficient by coefficient, so that nobody sorts.
//!
//! Decimation in frequency one way, in time the other (Cormen et al., *Introduction to Algorithms*, section 30.3). Two
//! layers are done in one pass over the memory, and parts that fit into the cache are finished before the next begins.
//! A domain for [`Lanes`] of eight leaves the work to `surety-wide`.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use surety_wide::{Ifma, Lanes, MIN_ROWS};

use crate::{
    fft::{powers_of, root_of_unity},
    rows,
};

/// Transforms of this length stay in the first cache: 16 KiB of values and as much of twiddles.
const CACHED: usize = 512;

/// Numbers that share an inversion.
const SHARING: usize = 1 << 13;

/// The rows of one capacity class as the powers of a root of unity ω.
#[derive(Clone, Debug)]
pub struct Domain {
    k: u32,
    lanes: Lanes,
    twiddles: Twiddles,
    nodes: Vec<Fr>,
    rows_inverse: Fr,
}

/// Powers of roots of unity: those of ω, then those of `ω^-1`, see [`layers`].
#[derive(Clone, Debug)]
enum Twiddles {
    One([Vec<Fr>; 2]),
    Eight(Ifma, Box<[surety_wide::Twiddles; 2]>),
}

/// A number for each coefficient, to be multiplied with it while it is transformed.
#[derive(Clone, Debug)]
pub struct Factors(OneOrEight);

#[derive(Clone, Debug)]
enum OneOrEight {
    One(Vec<Fr>),
    Eight(surety_wide::Factors),
}

impl Domain {
    /// The domain of `2^k` rows, computed with one number at a time.
    #[must_use]
    pub fn new(k: u32) -> Self {
        Self::with_lanes(k, Lanes::One)
    }

    /// The domain of `2^k` rows. Few rows are computed with one number at a time in any case.
    #[must_use]
    pub fn with_lanes(k: u32, lanes: Lanes) -> Self {
        let rows = 1 << k;
        let root = root_of_unity(k);
        let both = [root, root.invert().unwrap_or(Fr::ZERO)].map(|root| layers(root, rows));
        let twiddles = match lanes {
            Lanes::Eight(ifma) if rows >= MIN_ROWS => {
                Twiddles::Eight(ifma, Box::new(both.map(|layers| ifma.twiddles(&layers))))
            }
            _ => Twiddles::One(both),
        };
        Self { k, lanes, twiddles, nodes: powers_of(root, rows), rows_inverse: Fr::TWO_INV.pow([u64::from(k)]) }
    }

    /// How many rows are computed at a time.
    #[must_use]
    pub fn lanes(&self) -> Lanes {
        self.lanes
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.nodes.len()
    }

    /// `ω^t` for each row t.
    #[must_use]
    pub fn nodes(&self) -> &[Fr] {
        &self.nodes
    }

    /// One over the number of rows.
    #[must_use]
    pub fn rows_inverse(&self) -> Fr {
        self.rows_inverse
    }

    /// Turns values in the rows into coefficients, in bit-reversed order and times the number of rows: whoever scales
    /// the coefficients anyway divides at no cost.
    ///
    /// # Panics
    /// If there are not as many values as rows.
    pub fn coefficients(&self, values: &mut [Fr]) {
        self.split(values, None);
    }

    /// The same, each coefficient times its factor.
    ///
    /// # Panics
    /// If there are not as many values as rows, or the factors are another domain's.
    pub fn scaled_coefficients(&self, values: &mut [Fr], factors: &Factors) {
        self.split(values, Some(factors));
    }

    /// Turns coefficients in bit-reversed order into values in the rows.
    ///
    /// # Panics
    /// If there are not as many coefficients as rows.
    pub fn values(&self, coefficients: &mut [Fr]) {
        assert_eq!(coefficients.len(), self.rows(), "a coefficient for each row");
        match &self.twiddles {
            Twiddles::One([forth, _]) => join(coefficients, forth),
            Twiddles::Eight(ifma, twiddles) => ifma.join(coefficients, None, &twiddles[0]),
        }
    }

    /// The values in the rows of the polynomial whose coefficients are these, in bit-reversed order, each times its
    /// factor.
    ///
    /// # Panics
    /// If there are not as many coefficients or values as rows, or the factors are another domain's.
    pub fn scaled_values(&self, coefficients: &[Fr], factors: &Factors, values: &mut [Fr]) {
        assert_eq!(coefficients.len(), values.len(), "a coefficient for each value");
        match &self.twiddles {
            Twiddles::One([forth, _]) => {
                assert_eq!(values.len(), self.rows(), "a coefficient for each row");
                let scaled = coefficients.iter().zip(factors.one()).map(|(coefficient, factor)| coefficient * factor);
                values.iter_mut().zip(scaled).for_each(|(value, scaled)| *value = scaled);
                join(values, forth);
            }
            Twiddles::Eight(ifma, twiddles) => {
                values.copy_from_slice(coefficients);
                ifma.join(values, Some(factors.eight()), &twiddles[0]);
            }
        }
    }

    fn split(&self, values: &mut [Fr], factors: Option<&Factors>) {
        assert_eq!(values.len(), self.rows(), "a value for each row");
        match &self.twiddles {
            Twiddles::One([_, back]) => {
                split(values, back);
                if let Some(factors) = factors {
                    scale(values, factors.one());
                }
            }
            Twiddles::Eight(ifma, twiddles) => ifma.split(values, &twiddles[1], factors.map(Factors::eight)),
        }
    }

    /// A number for each coefficient in bit-reversed order, prepared for [`Domain::scaled_values`] and
    /// [`Domain::scaled_coefficients`].
    ///
    /// # Panics
    /// If there are not as many numbers as rows.
    #[must_use]
    pub fn factors(&self, numbers: Vec<Fr>) -> Factors {
        assert_eq!(numbers.len(), self.rows(), "a factor for each coefficient");
        Factors(match &self.twiddles {
            Twiddles::One(_) => OneOrEight::One(numbers),
            Twiddles::Eight(ifma, _) => OneOrEight::Eight(ifma.factors(&numbers)),
        })
    }

    /// Coefficients from the constant on, in the order of [`Domain::values`], or the other way: the order is its own
    /// inverse. Coefficients that are left out are zero.
    ///
    /// # Panics
    /// If there are more coefficients than rows.
    #[must_use]
    pub fn reordered(&self, coefficients: &[Fr]) -> Vec<Fr> {
        let mut reordered = vec![Fr::ZERO; self.rows()];
        coefficients.iter().enumerate().for_each(|(index, value)| reordered[self.reversed(index)] = *value);
        reordered
    }

    /// `1/(ω^t - point)` for each row t; zero where the point is that of the row.
    #[must_use]
    pub fn inverse_distances(&self, point: Fr) -> Vec<Fr> {
        let mut distances: Vec<Fr> = self.nodes.iter().map(|node| node - point).collect();
        distances.par_chunks_mut(SHARING).for_each(|chunk| rows::invert(self.lanes, chunk));
        distances
    }

    /// `scale·base^i` for each coefficient i, in bit-reversed order.
    #[must_use]
    pub fn powers(&self, base: Fr, scale: Fr) -> Vec<Fr> {
        let mut powers = vec![Fr::ZERO; self.rows()];
        let mut power = scale;
        for index in 0..powers.len() {
            powers[self.reversed(index)] = power;
            power *= base;
        }
        powers
    }

    /// Where the coefficient of `X^index` is.
    pub(crate) fn reversed(&self, index: usize) -> usize {
        index.checked_shl(usize::BITS - self.k).unwrap_or(0).reverse_bits()
    }
}

impl Factors {
    fn one(&self) -> &[Fr] {
        let OneOrEight::One(factors) = &self.0 else { other_factors() };
        factors
    }

    fn eight(&self) -> &surety_wide::Factors {
        let OneOrEight::Eight(factors) = &self.0 else { other_factors() };
        factors
    }
}

#[allow(clippy::panic, reason = "a mistake of the caller, as a wrong length is")]
fn other_factors() -> ! {
    panic!("factors of a domain with other lanes")
}

/// Multiplies each value by its factor.
pub(crate) fn scale(values: &mut [Fr], factors: &[Fr]) {
    assert_eq!(factors.len(), values.len(), "a factor for each coefficient");
    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
}

/// The twiddles of every layer. For each half-length m, a power of two below the number of rows, at `m..2m`: the first
/// m powers of the root of order `2m`.
fn layers(root: Fr, rows: usize) -> Vec<Fr> {
    let mut all = vec![Fr::ONE; rows.max(2)];
    let (mut half, mut root) = (rows / 2, root);
    while half > 0 {
        all[half..2 * half].copy_from_slice(&powers_of(root, half));
        root = root.square();
        half /= 2;
    }
    all
}

/// The four quarters of a slice.
fn quarters(values: &mut [Fr]) -> [&mut [Fr]; 4] {
    let (low, high) = values.split_at_mut(values.len() / 2);
    let (first, second) = low.split_at_mut(low.len() / 2);
    let (third, fourth) = high.split_at_mut(high.len() / 2);
    [first, second, third, fourth]
}

/// Natural order to bit-reversed order.
fn split(values: &mut [Fr], twiddles: &[Fr]) {
    let length = values.len();
    if length <= CACHED {
        return split_in_cache(values, twiddles);
    }
    let quarter = length / 4;
    let (outer, inner) = (&twiddles[length / 2..length], &twiddles[quarter..2 * quarter]);
    let (outer, outer_second) = outer.split_at(quarter);
    let [first, second, third, fourth] = quarters(values);
    for index in 0..quarter {
        let (sum, difference) = (first[index] + third[index], (first[index] - third[index]) * outer[index]);
        let (other_sum, other_difference) =
            (second[index] + fourth[index], (second[index] - fourth[index]) * outer_second[index]);
        first[index] = sum + other_sum;
        second[index] = (sum - other_sum) * inner[index];
        third[index] = difference + other_difference;
        fourth[index] = (difference - other_difference) * inner[index];
    }
    for part in [first, second, third, fourth] {
        split(part, twiddles);
    }
}

fn split_in_cache(values: &mut [Fr], twiddles: &[Fr]) {
    let mut half = values.len() / 2;
    while half > 0 {
        let layer = &twiddles[half..2 * half];
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            // The first twiddle is one.
            (low[0], high[0]) = (low[0] + high[0], low[0] - high[0]);
            for index in 1..half {
                let (sum, difference) = (low[index] + high[index], low[index] - high[index]);
                (low[index], high[index]) = (sum, difference * layer[index]);
            }
        }
        half /= 2;
    }
}

/// Bit-reversed order to natural order.
fn join(values: &mut [Fr], twiddles: &[Fr]) {
    let length = values.len();
    if length <= CACHED {
        return join_in_cache(values, twiddles);
    }
    let quarter = length / 4;
    let (outer, inner) = (&twiddles[length / 2..length], &twiddles[quarter..2 * quarter]);
    let (outer, outer_second) = outer.split_at(quarter);
    let [first, second, third, fourth] = quarters(values);
    for part in [&mut *first, &mut *second, &mut *third, &mut *fourth] {
        join(part, twiddles);
    }
    for index in 0..quarter {
        let (turned, other_turned) = (second[index] * inner[index], fourth[index] * inner[index]);
        let (even, odd) = (first[index] + turned, first[index] - turned);
        let other_even = (third[index] + other_turned) * outer[index];
        let other_odd = (third[index] - other_turned) * outer_second[index];
        (first[index], third[index]) = (even + other_even, even - other_even);
        (second[index], fourth[index]) = (odd + other_odd, odd - other_odd);
    }
}

fn join_in_cache(values: &mut [Fr], twiddles: &[Fr]) {
    let mut half = 1;
    while half < values.len() {
        let layer = &twiddles[half..2 * half];
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            (low[0], high[0]) = (low[0] + high[0], low[0] - high[0]);
            for index in 1..half {
                let turned = high[index] * layer[index];
                (low[index], high[index]) = (low[index] + turned, low[index] - turned);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use halo2curves::fft::best_fft;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    fn random(k: u32, seed: u64) -> Vec<Fr> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        (0..1 << k).map(|_| Fr::random(&mut rng)).collect()
    }

    /// All that this processor can.
    fn any_lanes() -> impl Strategy<Value = Lanes> {
        prop_oneof![Just(Lanes::One), Just(Lanes::widest())]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        // Odd and even numbers of layers, in the cache and beyond.
        #[test]
        fn agrees_with_halo2(k in 0u32..13, lanes in any_lanes(), seed in any::<u64>()) {
            let (domain, values) = (Domain::with_lanes(k, lanes), random(k, seed));
            let mut expected = values.clone();
            best_fft(&mut expected, root_of_unity(k).invert().unwrap(), k);
            let mut coefficients = values.clone();
            domain.coefficients(&mut coefficients);
            for (index, expected) in expected.iter().enumerate() {
                prop_assert_eq!(coefficients[domain.reversed(index)], *expected);
            }
            domain.values(&mut coefficients);
            let back: Vec<Fr> = coefficients.iter().map(|value| value * domain.rows_inverse()).collect();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn scaled_coefficients_are_values_on_a_coset(
            k in 1u32..11,
            lanes in any_lanes(),
            seed in any::<u64>(),
            shift in 2u64..,
        ) {
            let (domain, values) = (Domain::with_lanes(k, lanes), random(k, seed));
            let shift = Fr::from(shift);
            let factors = domain.factors(domain.powers(shift, domain.rows_inverse()));
            let (mut coefficients, mut shifted) = (values.clone(), values.clone());
            domain.coefficients(&mut coefficients);
            domain.scaled_values(&coefficients, &factors, &mut shifted);
            let mut scaled = values.clone();
            domain.scaled_coefficients(&mut scaled, &factors);
            domain.values(&mut scaled);
            prop_assert_eq!(&scaled, &shifted);

            let mut coefficients = values;
            best_fft(&mut coefficients, root_of_unity(k).invert().unwrap(), k);
            let at = shift * domain.nodes()[1];
            let value = coefficients.iter().rev().fold(Fr::ZERO, |sum, coefficient| sum * at + coefficient);
            prop_assert_eq!(shifted[1], value * domain.rows_inverse());
        }
    }

    #[test]
    fn coefficients_are_reordered_forth_and_back() {
        let (domain, coefficients) = (Domain::new(6), random(6, 1));
        assert_eq!(domain.reordered(&domain.reordered(&coefficients)), coefficients);
        let mut values = domain.reordered(&coefficients[..3]);
        domain.values(&mut values);
        let at = domain.nodes()[5];
        assert_eq!(values[5], coefficients[0] + at * (coefficients[1] + at * coefficients[2]));
    }

    #[test]
    fn distances_are_inverted_but_for_that_to_the_row_itself() {
        let domain = Domain::new(3);
        let point = domain.nodes()[2];
        for (row, inverse) in domain.inverse_distances(point).iter().enumerate() {
            let expected = if row == 2 { Fr::ZERO } else { Fr::ONE };
            assert_eq!(*inverse * (domain.nodes()[row] - point), expected, "row {row}");
        }
    }

    #[test]
    #[should_panic(expected = "factors of a domain with other lanes")]
    fn rejects_factors_that_were_prepared_for_other_lanes() {
        let Lanes::Eight(_) = Lanes::widest() else { other_factors() };
        let factors = Domain::new(6).factors(vec![Fr::ONE; 64]);
        Domain::with_lanes(6, Lanes::widest()).scaled_coefficients(&mut [Fr::ONE; 64], &factors);
    }

    #[test]
    #[should_panic(expected = "a factor for each coefficient")]
    fn rejects_factors_of_a_smaller_domain() {
        let factors = Domain::new(5).factors(vec![Fr::ONE; 32]);
        Domain::new(6).scaled_coefficients(&mut [Fr::ONE; 64], &factors);
    }

    #[test]
    #[should_panic(expected = "a factor for each coefficient")]
    fn rejects_another_number_of_factors() {
        let _ = Domain::new(6).factors(vec![Fr::ONE; 63]);
    }

    #[test]
    #[should_panic(expected = "a value for each row")]
    fn rejects_another_number_of_values() {
        Domain::new(3).coefficients(&mut [Fr::ONE; 4]);
    }

    #[test]
    #[should_panic(expected = "a coefficient for each row")]
    fn rejects_another_number_of_coefficients() {
        Domain::new(3).values(&mut [Fr::ONE; 16]);
    }
}
