//! What stands for the operating system's randomness: a stream from a seed that the page draws with the browser's
//! generator.
//!
//! Only set-ups that are handed over need it: their points are checked with random weights. Verifying draws nothing.

use std::cell::Cell;

use alloy_primitives::Keccak256;
use getrandom::{Error, register_custom_getrandom};
use surety_core::ident::Bytes32;

thread_local! {
    /// The seed, and how many blocks of the stream are used up.
    static STREAM: Cell<Option<(Bytes32, u64)>> = const { Cell::new(None) };
}

/// Starts a new stream.
pub(crate) fn seed(seed: Bytes32) {
    STREAM.set(Some((seed, 0)));
}

/// Block i is `keccak256("surety/web/randomness/v1" ‖ seed ‖ i)`, i in 8 bytes.
fn fill(bytes: &mut [u8]) -> Result<(), Error> {
    let (seed, mut block) = STREAM.get().ok_or(Error::UNSUPPORTED)?;
    for chunk in bytes.chunks_mut(32) {
        let mut hasher = Keccak256::new();
        hasher.update("surety/web/randomness/v1");
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
