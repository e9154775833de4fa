//! The Fiat–Shamir transcript, shaped for the EVM.
//!
//! Everything is absorbed as 32-byte big-endian words, a point as `x ‖ y`. A challenge is the Keccak-256 hash of what
//! was absorbed since the last challenge, that challenge's hash in front, reduced modulo the order of the scalar field.
//! When nothing was absorbed in between, a byte of 1 sets the hash apart from the one before. A contract computes the
//! same in place over call data.

use alloy_primitives::keccak256;
use ff::FromUniformBytes as _;
use halo2curves::bn256::{Fr, G1Affine};
use surety_kzg::{point, scalar};

/// What prover and verifier have said so far.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// The last challenge's hash, if there was one, and what was absorbed since.
    buffer: Vec<u8>,
}

impl Transcript {
    /// Absorbs a number.
    pub fn absorb_scalar(&mut self, scalar: &Fr) {
        self.buffer.extend(scalar::to_bytes(scalar));
    }

    /// Absorbs both coordinates of a point.
    pub fn absorb_point(&mut self, point: &G1Affine) {
        self.buffer.extend(point::g1_to_bytes(point));
    }

    /// Draws a challenge.
    pub fn squeeze(&mut self) -> Fr {
        if self.buffer.len() == 32 {
            self.buffer.push(1);
        }
        let hash = keccak256(&self.buffer);
        self.buffer.clear();
        self.buffer.extend(hash);
        reduce(&hash.0)
    }
}

/// A hash as a number modulo the order of the scalar field, read big-endian.
#[must_use]
pub fn reduce(hash: &[u8; 32]) -> Fr {
    let mut wide = [0; 64];
    wide[..32].copy_from_slice(hash);
    wide[..32].reverse();
    Fr::from_uniform_bytes(&wide)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{U256, uint};
    use ff::Field as _;

    use super::*;

    const ORDER: U256 = uint!(21888242871839275222246405745257275088548364400416034343698204186575808495617_U256);

    #[test]
    fn hashes_are_reduced_modulo_the_order() {
        for hash in [U256::ZERO, U256::ONE, ORDER, ORDER + U256::ONE, U256::MAX] {
            let expected = (hash % ORDER).to_be_bytes();
            assert_eq!(scalar::to_bytes(&reduce(&hash.to_be_bytes())), expected);
        }
    }

    #[test]
    fn challenges_hash_the_words_absorbed_since_the_last() {
        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&-Fr::ONE);
        transcript.absorb_point(&G1Affine::generator());
        let mut words = (ORDER - U256::ONE).to_be_bytes::<32>().to_vec();
        words.extend(U256::ONE.to_be_bytes::<32>());
        words.extend(uint!(2_U256).to_be_bytes::<32>());
        let first = keccak256(&words);
        assert_eq!(transcript.squeeze(), reduce(&first.0));

        // Nothing absorbed: the hash, and a byte of one.
        let second = keccak256([&first[..], &[1]].concat());
        assert_eq!(transcript.squeeze(), reduce(&second.0));

        transcript.absorb_scalar(&Fr::ZERO);
        assert_eq!(transcript.squeeze(), reduce(&keccak256([&second[..], &[0; 32]].concat()).0));
    }
}
