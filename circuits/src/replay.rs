//! The random numbers of a proof by Halo2, in its order.
//!
//! Halo2 fills the blinding rows of the advice columns by itself: column by column in their order, row by row, each
//! cell with [`Field::random`](ff::Field::random) of its generator. The first columns' blinding rows are not Halo2's to
//! choose: those of the program are zero, those of `BLIND` are new, and those of `BLINDED_HOLD` are the sum of
//! `BLIND`'s and the statements' masks. So the generator below replays those cells, and nothing but those, before it
//! hands out fresh randomness: their number is in its type, since one replayed number more would leave a cell of `VAR`
//! unblinded in a proof that still verifies.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rand_core::{CryptoRng, Error, RngCore};
use surety_core::capacity::TAIL_ROWS;
use surety_kzg::SecretScalars;
use surety_verifier::KnownCommitments;
use zeroize::Zeroize as _;

use crate::blinding::{Generator, HALO2, hedged};

/// What [`Fr::random`](ff::Field::random) takes from a generator: 512 bits in words of 64, least significant first,
/// reduced modulo r.
const WORDS_PER_SCALAR: usize = 8;

/// How many words of a column are replayed.
const WORDS_PER_COLUMN: usize = TAIL_ROWS * WORDS_PER_SCALAR;

/// The columns whose blinding rows are replayed: the program's, `BLIND` and `BLINDED_HOLD`.
pub(crate) const REPLAYED_COLUMNS: usize = KnownCommitments::PROGRAM + 2;

/// How many words are replayed.
const REPLAYED: usize = REPLAYED_COLUMNS * WORDS_PER_COLUMN;

/// Replays the blinding rows of the first columns, then passes on fresh randomness.
pub(crate) struct Blinding {
    replay: [u64; REPLAYED],
    drawn: usize,
    fresh: Generator,
}

impl Blinding {
    /// The blinding of one proof.
    ///
    /// `masks` are the blinding rows of `HOLD`, of which there are [`TAIL_ROWS`]; `entropy` is the operating system's.
    pub(crate) fn new(masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> Self {
        let mut fresh = hedged(HALO2, masks, context, entropy);
        let mut tails = SecretScalars::zeros(REPLAYED_COLUMNS * TAIL_ROWS);
        // The program's columns are zero in the blinding rows.
        let (blind, blinded_hold) = tails[PROGRAM_ROWS..].split_at_mut(TAIL_ROWS);
        // All of them, however many masks there are.
        blind.fill_with(|| Fr::random(&mut fresh.0));
        blinded_hold.copy_from_slice(blind);
        blinded_hold.iter_mut().zip(masks).for_each(|(cell, mask)| *cell += mask);
        Self { replay: words(&tails), drawn: 0, fresh }
    }

    /// Whether everything was replayed, and exactly `fresh` scalars were drawn after it.
    pub(crate) fn blinded(&self, fresh: usize) -> bool {
        self.drawn == REPLAYED + fresh * WORDS_PER_SCALAR
    }
}

/// Blinding rows of the program's columns.
const PROGRAM_ROWS: usize = KnownCommitments::PROGRAM * TAIL_ROWS;

/// The words from which [`Fr::random`](ff::Field::random) makes these scalars.
fn words(scalars: &[Fr]) -> [u64; REPLAYED] {
    let mut replay = [0; REPLAYED];
    for (words, scalar) in replay.chunks_exact_mut(WORDS_PER_SCALAR).zip(scalars) {
        let mut bytes = scalar.to_repr();
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        bytes.zeroize();
    }
    replay
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
        word.unwrap_or_else(|| self.fresh.0.next_u64())
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
    use std::collections::BTreeSet;

    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
    use rand_core::OsRng;

    use super::*;
    use crate::blinding::Fresh;

    fn masks() -> [Fr; TAIL_ROWS] {
        core::array::from_fn(|row| -Fr::from(row as u64 + 1))
    }

    /// The replayed cells by column, and so many behind them.
    fn drawn(mut blinding: Blinding, fresh: usize) -> Vec<Vec<Fr>> {
        let columns = (0..REPLAYED_COLUMNS).map(|_| TAIL_ROWS).chain([fresh]);
        columns.map(|rows| (0..rows).map(|_| Fr::random(&mut blinding)).collect()).collect()
    }

    /// A generator that gives the same numbers each time.
    fn broken() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(7)
    }

    #[test]
    fn generators_are_overwritten_when_dropped() {
        assert!(core::mem::needs_drop::<Fresh>() && core::mem::needs_drop::<Blinding>());
    }

    /// Attack: one claim proven by both provers on a machine that gives the same entropy again.
    #[test]
    fn rejects_equal_randomness_for_both_provers() {
        let mut blinding = Blinding::new(&masks(), Fr::ONE, &mut broken());
        let of_halo2: BTreeSet<Fr> = (0..200).map(|_| Fr::random(&mut blinding)).collect();
        let mut own = [Fr::ZERO; 200];
        Fresh::new(&masks(), Fr::ONE, &mut broken()).fill(&mut own);
        assert!(own.iter().all(|number| !of_halo2.contains(number)));
    }

    #[test]
    fn replays_exactly_the_first_columns_and_then_is_random() {
        let mut blinding = Blinding::new(&masks(), Fr::ONE, &mut OsRng);
        for row in 0..REPLAYED_COLUMNS * TAIL_ROWS {
            assert!(!blinding.blinded(0), "row {row}");
            Fr::random(&mut blinding);
        }
        assert!(blinding.blinded(0) && !blinding.blinded(1));
        let (first, second) = (Fr::random(&mut blinding), Fr::random(&mut blinding));
        assert!(blinding.blinded(2) && !blinding.blinded(1) && !blinding.blinded(3));
        assert!(first != second && first != Fr::ZERO && second != Fr::ZERO);
    }

    #[test]
    fn every_cell_of_the_blind_is_new_and_added_to_the_masks() {
        let columns = [(); 2].map(|()| drawn(Blinding::new(&masks(), Fr::ONE, &mut OsRng), 8));
        for columns in &columns {
            assert!(columns[..3].iter().flatten().all(|cell| *cell == Fr::ZERO));
            let sums = columns[3].iter().zip(masks()).map(|(blind, mask)| *blind + mask);
            assert_eq!(columns[4], sums.collect::<Vec<_>>());
        }
        let fresh: BTreeSet<Fr> =
            columns.iter().flat_map(|columns| [&columns[3], &columns[5]]).flatten().copied().collect();
        assert_eq!(fresh.len(), 2 * (TAIL_ROWS + 8), "each is a number of its own");
        assert!(!fresh.contains(&Fr::ZERO));
    }

    /// Attack: a machine that is restored from a copy gives the same entropy to two proofs.
    #[test]
    fn rejects_equal_randomness_for_other_claims_or_statements() {
        let with = |masks: &[Fr], context: u64| drawn(Blinding::new(masks, Fr::from(context), &mut broken()), 1);
        let mut others = masks();
        others[5] += Fr::ONE;
        let all = [with(&masks(), 1), with(&masks(), 2), with(&others, 1)];
        let fresh: BTreeSet<Fr> =
            all.iter().flat_map(|columns| [&columns[3], &columns[5]]).flatten().copied().collect();
        assert_eq!(fresh.len(), 3 * (TAIL_ROWS + 1));
        assert_eq!(with(&masks(), 1), all[0], "nothing else goes in");
    }

    #[test]
    fn masks_that_are_too_long_are_not_replayed_into_hidden_columns() {
        let long = [Fr::from(7); TAIL_ROWS + 1];
        let columns = drawn(Blinding::new(&long, Fr::ONE, &mut OsRng), 1);
        assert_eq!(columns[4][0] - columns[3][0], Fr::from(7));
        assert_ne!(columns[5][0], Fr::from(7));
    }
}
