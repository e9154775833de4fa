//! The random numbers that blind a proof's columns.
//!
//! The project's own prover takes its numbers from [`Fresh`], which counts them; Halo2's from `replay`.
//!
//! All randomness is hedged: the operating system's is hashed together with the masks and the context. A generator that
//! repeats itself, as in a restored machine, then gives the same numbers only to proofs of the same claim from the same
//! statements.

use alloy_primitives::Keccak256;
use ff::Field as _;
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use rand_core::{CryptoRng, RngCore};
use surety_kzg::scalar;
use zeroize::Zeroizing;

/// What the seeds of the project's own prover are told apart by.
const OWN: &[u8] = b"surety/blinding/v2";

/// The same of Halo2's: both draw in another order, so that with one seed a number would blind two columns.
#[cfg(feature = "halo2")]
pub(crate) const HALO2: &[u8] = b"surety/blinding/halo2/v2";

/// A generator that is overwritten when dropped.
pub(crate) struct Generator(pub(crate) ChaCha20Rng);

impl Drop for Generator {
    fn drop(&mut self) {
        self.0 = ChaCha20Rng::from_seed([0; 32]);
        zeroize::optimization_barrier(&self.0);
    }
}

/// The random numbers of one proof by the project's own prover.
pub(crate) struct Fresh {
    generator: Generator,
    drawn: usize,
}

impl Fresh {
    /// `masks` are the blinding rows of `HOLD`; `entropy` is the operating system's.
    pub(crate) fn new(masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> Self {
        Self { generator: hedged(OWN, masks, context, entropy), drawn: 0 }
    }

    /// The numbers that Halo2's prover would draw with this entropy, behind those of `BLIND`.
    #[cfg(test)]
    pub(crate) fn of_halo2(masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> Self {
        Self { generator: hedged(HALO2, masks, context, entropy), drawn: 0 }
    }

    /// Draws a scalar for each cell.
    pub(crate) fn fill(&mut self, cells: &mut [Fr]) {
        cells.fill_with(|| Fr::random(&mut self.generator.0));
        self.drawn += cells.len();
    }

    /// How many scalars were drawn.
    pub(crate) fn drawn(&self) -> usize {
        self.drawn
    }
}

/// A generator whose seed is `keccak256(tag ‖ entropy ‖ masks ‖ context)`, the entropy being 64 bytes. The tag changes
/// with the order in which numbers are drawn.
pub(crate) fn hedged(tag: &[u8], masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> Generator {
    let mut bytes = Zeroizing::new([0; 64]);
    entropy.fill_bytes(bytes.as_mut_slice());
    let mut hasher = Keccak256::new();
    hasher.update(tag);
    hasher.update(bytes.as_slice());
    for mask in masks {
        hasher.update(Zeroizing::new(scalar::to_bytes(mask)).as_slice());
    }
    hasher.update(scalar::to_bytes(&context));
    let seed = Zeroizing::new(hasher.finalize().0);
    Generator(ChaCha20Rng::from_seed(*seed))
}
