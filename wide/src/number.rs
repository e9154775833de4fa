//! What computations are written with: one number, or eight at a time.

use halo2curves::bn256::Fr;

/// A computation over rows of field elements, written once for any number of them at a time.
pub trait Kernel {
    /// What it gives.
    type Output;

    /// Computes. Implementations are `#[inline(always)]`, or they are not compiled for the instructions that make them
    /// fast.
    fn run<N: Number>(self) -> Self::Output;
}

/// One field element, or several that the same is done with.
pub trait Number: Copy {
    /// How many there are, a power of two.
    const COUNT: usize;

    /// A field element that numbers are multiplied with often.
    type Factor: Copy;

    /// The field elements `rows[at..at + COUNT]`.
    ///
    /// # Panics
    /// If there are not so many.
    fn load(rows: &[Fr], at: usize) -> Self;

    /// Writes them into `rows[at..at + COUNT]`.
    ///
    /// # Panics
    /// If there are not so many.
    fn store(self, rows: &mut [Fr], at: usize);

    /// The same field element for all.
    fn splat(value: Fr) -> Self;

    /// The sum of all.
    fn sum(self) -> Fr;

    /// `self + other`
    fn plus(self, other: Self) -> Self;

    /// `self - other`
    fn minus(self, other: Self) -> Self;

    /// `self · other`
    fn times(self, other: Self) -> Self;

    /// The factor that is this field element.
    fn factor(value: Fr) -> Self::Factor;

    /// `self · factor`
    fn scaled(self, factor: &Self::Factor) -> Self;

    /// As [`Number::load`], with the first row behind the last; `at` is less than twice the number of rows.
    ///
    /// # Panics
    /// If there are no rows.
    #[inline(always)]
    fn load_around(rows: &[Fr], at: usize) -> Self {
        let at = if at < rows.len() { at } else { at - rows.len() };
        if at + Self::COUNT <= rows.len() {
            return Self::load(rows, at);
        }
        let mut rows = wrapped::<8>(rows, at);
        let numbers = Self::load(&rows, 0);
        crate::wiped::wipe(&mut rows);
        numbers
    }
}

/// So many rows from `at` on, around the end.
#[cold]
fn wrapped<const COUNT: usize>(rows: &[Fr], at: usize) -> [Fr; COUNT] {
    core::array::from_fn(|index| rows[(at + index) % rows.len()])
}

impl Number for Fr {
    const COUNT: usize = 1;

    type Factor = Fr;

    #[inline(always)]
    fn load(rows: &[Fr], at: usize) -> Self {
        rows[at]
    }

    #[inline(always)]
    fn store(self, rows: &mut [Fr], at: usize) {
        rows[at] = self;
    }

    #[inline(always)]
    fn splat(value: Fr) -> Self {
        value
    }

    #[inline(always)]
    fn sum(self) -> Fr {
        self
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn factor(value: Fr) -> Fr {
        value
    }

    #[inline(always)]
    fn scaled(self, factor: &Fr) -> Self {
        self * factor
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use wide::run_eight;

#[cfg(target_arch = "x86_64")]
mod wide {
    #![allow(unsafe_code, reason = "the instructions are there where there is an `Ifma`")]

    use halo2curves::bn256::Fr;

    use super::{Kernel, Number};
    use crate::{Ifma, eight::Eight, memory};

    /// Eight field elements below twice the modulus.
    ///
    /// Only [`run_eight`] names this type, so that its functions are called where the instructions are there.
    #[derive(Clone, Copy)]
    struct Wide(Eight<Fr, 2>);

    /// Runs a computation with eight numbers at a time.
    pub(crate) fn run_eight<K: Kernel>(_: Ifma, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
        fn run<K: Kernel>(kernel: K) -> K::Output {
            kernel.run::<Wide>()
        }
        // SAFETY: the processor has the instructions, as `Ifma` proves.
        unsafe { run(kernel) }
    }

    impl Number for Wide {
        const COUNT: usize = 8;

        type Factor = Eight<Fr, 1>;

        #[inline(always)]
        fn load(rows: &[Fr], at: usize) -> Self {
            let rows = memory::eight(&rows[at..]);
            // SAFETY: only `run_eight` leads here.
            Self(unsafe { memory::load(rows).loosened() })
        }

        #[inline(always)]
        fn store(self, rows: &mut [Fr], at: usize) {
            let rows = memory::eight_mut(&mut rows[at..]);
            // SAFETY: only `run_eight` leads here.
            unsafe { memory::store_reduced(self.0, rows) };
        }

        #[inline(always)]
        fn splat(value: Fr) -> Self {
            Self::load(&[value; 8], 0)
        }

        #[inline(always)]
        fn sum(self) -> Fr {
            let mut rows = [Fr::zero(); 8];
            self.store(&mut rows, 0);
            let sum = rows.iter().sum();
            crate::wiped::wipe(&mut rows);
            sum
        }

        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            // SAFETY: only `run_eight` leads here.
            Self(unsafe { self.0.sum(other.0) })
        }

        #[inline(always)]
        fn minus(self, other: Self) -> Self {
            // SAFETY: only `run_eight` leads here.
            Self(unsafe { self.0.difference(other.0) })
        }

        #[inline(always)]
        fn times(self, other: Self) -> Self {
            // SAFETY: only `run_eight` leads here.
            Self(unsafe { self.0.times(other.0) })
        }

        #[inline(always)]
        fn factor(value: Fr) -> Self::Factor {
            // SAFETY: only `run_eight` leads here.
            unsafe { memory::factor(&value) }
        }

        #[inline(always)]
        fn scaled(self, factor: &Self::Factor) -> Self {
            // SAFETY: only `run_eight` leads here.
            Self(unsafe { self.0.scaled(*factor) })
        }
    }
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};

    use super::*;
    use crate::Lanes;

    /// A formula with every operation, on rows before and behind, too.
    struct Formula<'a> {
        left: &'a [Fr],
        right: &'a [Fr],
        factor: Fr,
        results: &'a mut [Fr],
    }

    impl Kernel for Formula<'_> {
        type Output = Fr;

        #[inline(always)]
        fn run<N: Number>(self) -> Fr {
            let factor = N::factor(self.factor);
            let rows = self.left.len();
            let mut sum = N::splat(Fr::zero());
            for at in (0..rows).step_by(N::COUNT) {
                let (left, right) = (N::load(self.left, at), N::load_around(self.right, at + 1));
                let product = left.times(right).minus(right.scaled(&factor));
                let result = product.plus(left).times(left.minus(right)).plus(N::splat(self.factor));
                result.store(self.results, at);
                sum = sum.plus(N::load_around(self.left, at + rows - 1).times(result));
            }
            sum.sum()
        }
    }

    fn agree(left: &[Fr], right: &[Fr], factor: Fr) {
        let compute = |lanes: Lanes| {
            let mut results = vec![Fr::zero(); left.len()];
            let sum = lanes.run(Formula { left, right, factor, results: &mut results });
            (sum, results)
        };
        assert_eq!(compute(Lanes::One), compute(Lanes::widest()));
    }

    fn any_number() -> impl Strategy<Value = Fr> {
        prop_oneof![
            Just(Fr::zero()),
            Just(Fr::one()),
            Just(-Fr::one()),
            Just(-Fr::from(1 << 52)),
            any::<u64>().prop_map(Fr::from),
            any::<u64>().prop_map(|seed| Fr::random(ChaCha20Rng::seed_from_u64(seed))),
        ]
    }

    proptest! {
        #[test]
        fn eight_at_a_time_give_what_one_gives(
            left in proptest::collection::vec(any_number(), 16),
            right in proptest::collection::vec(any_number(), 16),
            factor in any_number(),
        ) {
            agree(&left, &right, factor);
        }
    }

    /// Field elements whose words are as large as words can be.
    #[test]
    fn the_largest_words_agree() {
        for value in [-Fr::one(), -Fr::from(2), Fr::from(u64::MAX), -Fr::from(u64::MAX)] {
            agree(&[value; 8], &[value; 8], value);
            agree(&[value; 8], &[Fr::zero(); 8], -value);
        }
    }
}
