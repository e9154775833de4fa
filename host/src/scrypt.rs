//! scrypt (RFC 7914), which makes each guess of a passphrase cost memory.
//!
//! The RFC asks for `n < 2^(16·r)`, and libraries hold to it. Keystores do not: the format's own example has `n = 2^18`
//! with `r = 1`, and every wallet opens it.

use std::collections::TryReserveError;

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// 32-bit words of a block of Salsa20.
const WORDS: usize = 16;

/// What a derivation costs: `128·r·n` bytes and `p` times the work over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// A power of two, at least 2.
    pub(crate) n: usize,
    /// At least 1.
    pub(crate) r: usize,
    /// At least 1.
    pub(crate) p: usize,
}

/// Derives 32 bytes from a passphrase. The caller bounds the cost: there are `n + p + 2` blocks of `128·r` bytes.
///
/// # Errors
/// If there is not so much memory.
pub(crate) fn derive(
    passphrase: &[u8],
    salt: &[u8],
    Cost { n, r, p }: Cost,
) -> Result<Zeroizing<[u8; 32]>, TryReserveError> {
    let width = 2 * r * WORDS;
    let mut lanes = zeros(4 * width * p)?;
    let mut table = zeros(n * width)?;
    let (mut block, mut next) = (zeros(width)?, zeros(width)?);
    pbkdf2_hmac::<Sha256>(passphrase, salt, 1, &mut lanes);
    for lane in lanes.chunks_exact_mut(4 * width) {
        for (word, bytes) in block.iter_mut().zip(lane.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        mix(&mut block, &mut next, &mut table);
        for (word, bytes) in block.iter().zip(lane.as_chunks_mut().0) {
            *bytes = word.to_le_bytes();
        }
    }
    let mut derived = Zeroizing::new([0; 32]);
    pbkdf2_hmac::<Sha256>(passphrase, &lanes, 1, derived.as_mut_slice());
    Ok(derived)
}

fn zeros<T: Copy + Default + Zeroize>(count: usize) -> Result<Zeroizing<Vec<T>>, TryReserveError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(count)?;
    zeros.resize(count, T::default());
    Ok(Zeroizing::new(zeros))
}

/// `scryptROMix`: fills the table, then reads it where its own contents say.
fn mix(block: &mut Vec<u32>, next: &mut Vec<u32>, table: &mut [u32]) {
    let width = block.len();
    for row in table.chunks_exact_mut(width) {
        row.copy_from_slice(block);
        mix_block(block, next);
        std::mem::swap(block, next);
    }
    let rows = table.len() / width;
    for _ in 0..rows {
        let row = block[width - WORDS] as usize % rows;
        for (word, other) in block.iter_mut().zip(&table[row * width..][..width]) {
            *word ^= other;
        }
        mix_block(block, next);
        std::mem::swap(block, next);
    }
}

/// `scryptBlockMix`: the results of even blocks come before those of odd ones.
fn mix_block(block: &[u32], mixed: &mut [u32]) {
    let mut state = [0; WORDS];
    state.copy_from_slice(&block[block.len() - WORDS..]);
    let half = mixed.len() / 2;
    for (index, words) in block.chunks_exact(WORDS).enumerate() {
        for (word, other) in state.iter_mut().zip(words) {
            *word ^= other;
        }
        salsa(&mut state);
        mixed[index / 2 * WORDS + index % 2 * half..][..WORDS].copy_from_slice(&state);
    }
}

/// The core of Salsa20 with eight rounds.
fn salsa(block: &mut [u32; WORDS]) {
    let mut x = *block;
    for _ in 0..4 {
        quarter(&mut x, [0, 4, 8, 12]);
        quarter(&mut x, [5, 9, 13, 1]);
        quarter(&mut x, [10, 14, 2, 6]);
        quarter(&mut x, [15, 3, 7, 11]);
        quarter(&mut x, [0, 1, 2, 3]);
        quarter(&mut x, [5, 6, 7, 4]);
        quarter(&mut x, [10, 11, 8, 9]);
        quarter(&mut x, [15, 12, 13, 14]);
    }
    for (word, mixed) in block.iter_mut().zip(x) {
        *word = word.wrapping_add(mixed);
    }
}

#[inline(always)]
fn quarter(x: &mut [u32; WORDS], [a, b, c, d]: [usize; 4]) {
    x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
    x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
    x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
    x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    /// The first 32 bytes of the first three vectors of RFC 7914, section 12.
    #[test]
    fn derives_the_vectors_of_the_rfc() {
        let derived = |passphrase: &str, salt: &str, n, r, p| {
            hex::encode(*derive(passphrase.as_bytes(), salt.as_bytes(), Cost { n, r, p }).unwrap())
        };
        assert_eq!(derived("", "", 16, 1, 1), "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442");
        assert_eq!(
            derived("password", "NaCl", 1_024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        );
        assert_eq!(
            derived("pleaseletmein", "SodiumChloride", 16_384, 8, 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        );
    }

    #[test]
    fn rejects_more_memory_than_there_is_without_an_abort() {
        assert!(derive(b"", b"", Cost { n: 1 << 50, r: 8, p: 1 }).is_err());
    }
}
