//! Field arithmetic on several numbers at a time, where the processor has instructions for it.
//!
//! | module | idea |
//! |---|---|
//! | `number` | what computations are written with: one number, or eight at a time |
//! | `wiped` | memory that is overwritten after use |
//! | `lines` | points that each begin where a line of the cache does |
//! | `eight` | eight numbers in limbs of 52 bits, with bounds in their types |
//! | `memory` | between field elements in memory and limbs |
//! | `transform` | the Fourier transform |
//! | `points` | sums of many pairs of points, doubles of many |
//!
//! [`Lanes::widest`] asks the processor for AVX-512 with IFMA, its multiplications of 52 bits. Every computation gives
//! the same bytes with and without: results are reduced to the one representation that field elements have.
//!
//! This crate alone has `unsafe`, for three reasons: to call functions that are compiled for instructions which not
//! every processor has, to read and write field elements as the words that they consist of, and to keep points in
//! lines of the cache. A value of [`Ifma`]
//! is the proof that the instructions are there.
//!
//! ```
//! use halo2curves::bn256::Fr;
//! use surety_wide::{Kernel, Lanes, Number};
//!
//! /// Squares numbers, whose count is a multiple of eight.
//! struct Squares<'a>(&'a mut [Fr]);
//!
//! impl Kernel for Squares<'_> {
//!     type Output = ();
//!
//!     #[inline(always)]
//!     fn run<N: Number>(self) {
//!         for at in (0..self.0.len()).step_by(N::COUNT) {
//!             let number = N::load(self.0, at);
//!             number.times(number).store(self.0, at);
//!         }
//!     }
//! }
//!
//! let mut numbers = [7; 16].map(Fr::from);
//! Lanes::widest().run(Squares(&mut numbers));
//! assert_eq!(numbers, [49; 16].map(Fr::from));
//! ```

#[cfg(target_arch = "x86_64")]
mod eight;
#[cfg(not(target_arch = "x86_64"))]
mod elsewhere;
mod lines;
#[cfg(target_arch = "x86_64")]
mod memory;
mod number;
#[cfg(target_arch = "x86_64")]
mod points;
#[cfg(target_arch = "x86_64")]
mod transform;
mod wiped;

#[cfg(not(target_arch = "x86_64"))]
pub use elsewhere::{Factors, Twiddles, Workspace};
pub use lines::Lines;
pub use number::{Kernel, Number};
pub use wiped::Wiped;
#[cfg(target_arch = "x86_64")]
pub use {
    points::Workspace,
    transform::{Factors, Twiddles},
};

/// The fewest rows that are transformed eight at a time.
pub const MIN_ROWS: usize = 64;

/// Two points to add, by their places, and the place of their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Twice the place of a point, plus one if it is subtracted.
    pub left: u32,
    /// The other, likewise.
    pub right: u32,
    /// Where the sum goes.
    pub place: u32,
}

/// The proof that the processor has AVX-512 with IFMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ifma(());

/// The proof that the processor has AVX-512 with IFMA, which no processor of this kind has.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ifma {}

#[cfg(target_arch = "x86_64")]
impl Ifma {
    /// Asks the processor.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512ifma");
        has.then_some(Self(()))
    }
}

/// How many numbers are computed at a time. The results are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// One: what every processor can.
    #[default]
    One,
    /// Eight.
    Eight(Ifma),
}

impl Lanes {
    /// As many as the processor can.
    #[must_use]
    pub fn widest() -> Self {
        Ifma::detect().map_or(Self::One, Self::Eight)
    }

    /// Runs a computation.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Eight(ifma) => number::run_eight(ifma, kernel),
            _ => kernel.run::<halo2curves::bn256::Fr>(),
        }
    }
}

/// Asks for a value to be brought into the cache.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    memory::prefetch(value);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::print_stdout, reason = "a skipped test says so")]

    use super::*;

    /// The proof that the instructions are there, or a word that they are not.
    pub(crate) fn detected() -> Option<Ifma> {
        let ifma = Ifma::detect();
        if ifma.is_none() {
            println!("skipped: the processor has no AVX-512 IFMA");
        }
        ifma
    }

    #[test]
    fn the_widest_lanes_are_those_that_the_processor_has() {
        assert_eq!(Lanes::widest(), detected().map_or(Lanes::One, Lanes::Eight));
        assert_eq!(Lanes::default(), Lanes::One);
    }
}
