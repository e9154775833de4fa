//! What stands for the operating system's randomness: a stream from a seed that the page draws with the browser's
//! generator, anew for each message.
//!
//! Proofs are blinded with it; set-ups that are handed over, and the proofs of an audit together, are checked with
//! random weights. Verifying one attestation draws nothing.

use std::cell::Cell;

use alloy_primitives::Keccak256;
use getrandom::{Error, register_custom_getrandom};

use crate::message::Seed;

thread_local! {
    /// The seed, and how many blocks of the stream are used up.
    static STREAM: Cell<Option<(Seed, u64)>> = const { Cell::new(None) };
    /// The seed of the last stream, hashed.
    static LAST: Cell<[u8; 32]> = const { Cell::new([0; 32]) };
}

/// Starts a new stream, runs a computation that may draw from it, and forgets the stream.
///
/// # Errors
/// If nothing was drawn for the seed, or it is the one before.
pub(crate) fn with_seed<T>(seed: Seed, compute: impl FnOnce() -> T) -> Result<T, String> {
    let hash = alloy_primitives::keccak256(seed.0).0;
    if seed.0.iter().all(|byte| *byte == seed.0[0]) || LAST.replace(hash) == hash {
        return Err("expected a seed that was drawn for this message, found none".to_owned());
    }
    STREAM.set(Some((seed, 0)));
    let result = compute();
    STREAM.set(None);
    Ok(result)
}

/// Block i is `keccak256("surety/web/randomness/v2" ‖ seed ‖ i)`, i in 8 bytes.
fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    let (seed, mut block) = STREAM.get().ok_or(Error::UNSUPPORTED)?;
    for chunk in bytes.chunks_mut(32) {
        let mut hasher = Keccak256::new();
        hasher.update("surety/web/randomness/v2");
        hasher.update(seed.0);
        hasher.update(block.to_be_bytes());
        chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        block += 1;
    }
    STREAM.set(Some((seed, block)));
    Ok(())
}

#[allow(unsafe_code, reason = "the macro exports a name")]
mod registration {
    super::register_custom_getrandom!(super::fill);
}
