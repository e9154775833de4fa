//! The random numbers that blind a proof's columns, and the few that are not random.
//!
//! Halo2 fills the blinding rows of the advice columns by itself: column by column in their order, row by row, each
//! cell with [`Field::random`](ff::Field::random) of its generator. The commitments that verifiers know fix the
//! blinding rows of their columns, which come first. So the generator below replays those cells, and nothing but those,
//! before it hands out the operating system's randomness: their number is in its type, since one replayed number more
//! would leave a cell of `VAR` unblinded in a proof that still verifies.

use ff::PrimeField as _;
use halo2curves::bn256::Fr;
use rand_core::{CryptoRng, Error, OsRng, RngCore};
use surety_core::capacity::TAIL_ROWS;
use surety_verifier::KnownCommitments;
use zeroize::Zeroize as _;

/// What [`Fr::random`](ff::Field::random) takes from a generator: 512 bits in words of 64, least significant first,
/// reduced modulo r.
const WORDS_PER_SCALAR: usize = 8;

/// How many words of a column are replayed.
const WORDS_PER_COLUMN: usize = TAIL_ROWS * WORDS_PER_SCALAR;

/// How many words are replayed.
const REPLAYED: usize = KnownCommitments::COUNT * WORDS_PER_COLUMN;

/// Replays the blinding rows of the known columns, then passes on the operating system's randomness.
pub(crate) struct Blinding {
    replay: [u64; REPLAYED],
    drawn: usize,
}

impl Blinding {
    /// Replays the blinding rows of the known columns, of each as many as there are.
    pub(crate) fn new(tails: [&[Fr]; KnownCommitments::COUNT]) -> Self {
        let mut replay = [0; REPLAYED];
        for (words, tail) in replay.chunks_exact_mut(WORDS_PER_COLUMN).zip(tails) {
            for (words, scalar) in words.chunks_exact_mut(WORDS_PER_SCALAR).zip(tail) {
                let mut bytes = scalar.to_repr();
                for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
                    *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
                }
                bytes.zeroize();
            }
        }
        Self { replay, drawn: 0 }
    }

    /// Whether everything was replayed, and exactly `fresh` scalars were drawn after it.
    pub(crate) fn blinded(&self, fresh: usize) -> bool {
        self.drawn == REPLAYED + fresh * WORDS_PER_SCALAR
    }
}

impl Drop for Blinding {
    fn drop(&mut self) {
        self.replay.zeroize();
    }
}

impl RngCore for Blinding {
    fn next_u64(&mut self) -> u64 {
        let word = self.replay.get(self.drawn).copied();
        self.drawn += 1;
        word.unwrap_or_else(|| OsRng.next_u64())
    }

    fn next_u32(&mut self) -> u32 {
        // The low half of a word, as rand_core suggests. Halo2 does not call this.
        self.next_u64() as u32
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand_core::impls::fill_bytes_via_next(self, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Blinding {}

#[cfg(test)]
mod tests {
    use ff::Field as _;

    use super::*;

    #[test]
    fn replays_exactly_the_known_tails_and_then_is_random() {
        let mut tails = [[Fr::ZERO; TAIL_ROWS]; KnownCommitments::COUNT];
        tails[3] = core::array::from_fn(|row| -Fr::from(row as u64 + 1));
        let tails = tails.each_ref().map(<[Fr; TAIL_ROWS]>::as_slice);
        let mut blinding = Blinding::new(tails);
        for expected in tails.into_iter().flatten() {
            assert!(!blinding.blinded(0));
            assert_eq!(Fr::random(&mut blinding), *expected);
        }
        assert!(blinding.blinded(0) && !blinding.blinded(1));
        let (first, second) = (Fr::random(&mut blinding), Fr::random(&mut blinding));
        assert!(blinding.blinded(2) && !blinding.blinded(1) && !blinding.blinded(3));
        assert!(first != second && first != Fr::ZERO && second != Fr::ZERO);
    }

    #[test]
    fn tails_that_are_too_long_are_not_replayed_into_hidden_columns() {
        let (long, zeros) = ([Fr::from(7); TAIL_ROWS + 1], [Fr::ZERO; TAIL_ROWS]);
        let mut blinding = Blinding::new([&zeros, &zeros, &zeros, &long]);
        let drawn: Vec<Fr> = (0..KnownCommitments::COUNT * TAIL_ROWS + 1).map(|_| Fr::random(&mut blinding)).collect();
        assert_eq!(drawn[3 * TAIL_ROWS..][..TAIL_ROWS], long[..TAIL_ROWS]);
        assert_ne!(drawn[4 * TAIL_ROWS], Fr::from(7));
    }
}
