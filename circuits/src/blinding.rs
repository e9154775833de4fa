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

/// The random numbers of one proof by the project's own prover.
pub(crate) struct Fresh {
    generator: ChaCha20Rng,
    drawn: usize,
}

impl Fresh {
    /// `masks` are the blinding rows of `HOLD`; `entropy` is the operating system's.
    pub(crate) fn new(masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> Self {
        Self { generator: hedged(masks, context, entropy), drawn: 0 }
    }

    /// Draws a scalar for each cell.
    pub(crate) fn fill(&mut self, cells: &mut [Fr]) {
        cells.fill_with(|| Fr::random(&mut self.generator));
        self.drawn += cells.len();
    }

    /// How many scalars were drawn.
    pub(crate) fn drawn(&self) -> usize {
        self.drawn
    }
}

/// A generator whose seed is `keccak256("surety/blinding/v1" ‖ entropy ‖ masks ‖ context)`, the entropy being 64 bytes.
pub(crate) fn hedged(masks: &[Fr], context: Fr, entropy: &mut (impl RngCore + CryptoRng)) -> ChaCha20Rng {
    let mut bytes = Zeroizing::new([0; 64]);
    entropy.fill_bytes(bytes.as_mut_slice());
    let mut hasher = Keccak256::new();
    hasher.update(b"surety/blinding/v1");
    hasher.update(bytes.as_slice());
    for mask in masks {
        hasher.update(Zeroizing::new(scalar::to_bytes(mask)).as_slice());
    }
    hasher.update(scalar::to_bytes(&context));
    let seed = Zeroizing::new(hasher.finalize().0);
    ChaCha20Rng::from_seed(*seed)
}
