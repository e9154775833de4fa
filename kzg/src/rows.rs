//! Computations row by row, for as many rows at a time as the processor can.

use ff::BatchInverter;
use halo2curves::bn256::Fr;
use surety_wide::{Kernel, Lanes, Number, Wiped};

/// `Σ left·right`, over the rows that both have.
#[must_use]
pub fn inner_product(lanes: Lanes, left: &[Fr], right: &[Fr]) -> Fr {
    let rows = left.len().min(right.len());
    lanes.run(InnerProduct { left: &left[..rows], right: &right[..rows] })
}

/// `values += factor·column`, over the rows that both have.
pub fn add_scaled(lanes: Lanes, values: &mut [Fr], factor: Fr, column: &[Fr]) {
    let rows = values.len().min(column.len());
    lanes.run(AddScaled { values: &mut values[..rows], factor, column: &column[..rows] });
}

/// The inverse of each value, zero for zero, with one inversion for all.
pub fn invert(lanes: Lanes, values: &mut [Fr]) {
    let (whole, rest) = values.split_at_mut(values.len() / LARGEST * LARGEST);
    let mut products = Wiped::new(whole.len());
    if !lanes.run(Invert { values: whole, products: &mut products }) {
        BatchInverter::invert_with_external_scratch(whole, &mut products);
    }
    invert_few(rest);
}

/// The inverse of each of a few values, zero for zero.
fn invert_few(values: &mut [Fr]) {
    BatchInverter::invert_with_external_scratch(values, &mut Wiped::new(values.len()));
}

/// The largest number of rows at a time.
const LARGEST: usize = 8;

struct InnerProduct<'a> {
    left: &'a [Fr],
    right: &'a [Fr],
}

impl Kernel for InnerProduct<'_> {
    type Output = Fr;

    #[inline(always)]
    fn run<N: Number>(self) -> Fr {
        let Self { left, right } = self;
        let whole = left.len() / N::COUNT * N::COUNT;
        let mut sum = N::splat(Fr::zero());
        for at in (0..whole).step_by(N::COUNT) {
            sum = sum.plus(N::load(left, at).times(N::load(right, at)));
        }
        let rest: Fr = left[whole..].iter().zip(&right[whole..]).map(|(left, right)| left * right).sum();
        sum.sum() + rest
    }
}

struct AddScaled<'a> {
    values: &'a mut [Fr],
    factor: Fr,
    column: &'a [Fr],
}

impl Kernel for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let Self { values, factor, column } = self;
        let whole = values.len() / N::COUNT * N::COUNT;
        let prepared = N::factor(factor);
        for at in (0..whole).step_by(N::COUNT) {
            N::load(values, at).plus(N::load(column, at).scaled(&prepared)).store(values, at);
        }
        values[whole..].iter_mut().zip(&column[whole..]).for_each(|(value, cell)| *value += factor * cell);
    }
}

/// Gives false, and changes nothing, if a value is zero.
struct Invert<'a> {
    values: &'a mut [Fr],
    products: &'a mut [Fr],
}

impl Kernel for Invert<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<N: Number>(self) -> bool {
        let Self { values, products } = self;
        let mut running = N::splat(Fr::one());
        for at in (0..values.len()).step_by(N::COUNT) {
            running.store(products, at);
            running = running.times(N::load(values, at));
        }
        let mut lanes = Wiped::<Fr>::new(N::COUNT);
        running.store(&mut lanes, 0);
        if lanes.contains(&Fr::zero()) {
            return false;
        }
        invert_few(&mut lanes);
        let mut running = N::load(&lanes, 0);
        for at in (0..values.len()).step_by(N::COUNT).rev() {
            let value = N::load(values, at);
            running.times(N::load(products, at)).store(values, at);
            running = running.times(value);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;

    proptest! {
        #[test]
        fn rows_at_a_time_give_what_rows_one_by_one_give(
            count in 0usize..40,
            zero in any::<Option<prop::sample::Index>>(),
            seed in any::<u64>(),
        ) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut random = || (0..count).map(|_| Fr::random(&mut rng)).collect::<Vec<_>>();
            let (mut left, right) = (random(), random());
            if let Some(zero) = zero.filter(|_| count > 0) {
                left[zero.index(count)] = Fr::ZERO;
            }
            let factor = Fr::from(seed);
            for lanes in [Lanes::One, Lanes::widest()] {
                let expected: Fr = left.iter().zip(&right).map(|(left, right)| left * right).sum();
                prop_assert_eq!(inner_product(lanes, &left, &right), expected);

                let mut sums = left.clone();
                add_scaled(lanes, &mut sums, factor, &right);
                for ((sum, left), right) in sums.iter().zip(&left).zip(&right) {
                    prop_assert_eq!(*sum, left + factor * right);
                }

                let mut inverses = left.clone();
                invert(lanes, &mut inverses);
                for (inverse, value) in inverses.iter().zip(&left) {
                    prop_assert_eq!(*inverse, value.invert().unwrap_or(Fr::ZERO));
                }
            }
        }
    }
}
