//! What a proof costs: memory and time, from its capacity class alone, so that the answer says nothing of the account.

use std::time::Duration;

use serde::Serialize;
use surety_core::capacity::Capacity;
#[cfg(feature = "host")]
use surety_host::memory::available_memory;
use surety_kzg::Lanes;

/// Memory that a proof needs whatever its size: the program and its files. Measured: 10 MB.
const FIXED_BYTES: u64 = 24 << 20;

/// Memory of a proof for each row: the bases and the table of their multiples, the fixed columns on the cosets, the
/// columns of the proof, and the digits and buckets of two sums at a time. Measured: 6 KB, on two cores.
const BYTES_PER_ROW: u64 = 8 << 10;

/// Memory of one more proof at the same time, for each row: what proofs share is there already.
#[cfg(feature = "host")]
const BYTES_PER_ROW_OF_ANOTHER: u64 = 4 << 10;

/// Time of a proof for each row on two cores of a recent server.
const NANOSECONDS_PER_ROW: u64 = 50_000;

/// How many rows proofs are computed with at a time: as many as the processor can, or one if the environment has
/// `SURETY_SIMD=off`, to compare with. Proofs are the same.
#[must_use]
pub fn lanes() -> Lanes {
    match std::env::var_os("SURETY_SIMD") {
        Some(value) if value == "off" => Lanes::One,
        _ => Lanes::widest(),
    }
}

/// What a proof is expected to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Peak memory in bytes.
    pub memory_bytes: u64,
    /// Time in milliseconds on two cores, with the bases and the table cached.
    pub milliseconds: u64,
}

/// The machine has less memory than a proof needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected {} MiB of free memory for a proof at k = {k}, found {} MiB; close other programs, or use a universe of a \
     smaller capacity class",
    needed >> 20,
    available >> 20
)]
pub struct NotEnoughMemory {
    /// The capacity class.
    pub k: u32,
    /// Bytes needed.
    pub needed: u64,
    /// Bytes free.
    pub available: u64,
}

impl Estimate {
    /// The estimate for a capacity class.
    #[must_use]
    pub fn of(capacity: Capacity) -> Self {
        let rows = capacity.rows() as u64;
        Self {
            memory_bytes: FIXED_BYTES + BYTES_PER_ROW * rows,
            milliseconds: Duration::from_nanos(NANOSECONDS_PER_ROW * rows).as_millis() as u64,
        }
    }
}

/// How many proofs are made at a time on so many threads, once there is a key: those that `available` bytes suffice
/// for, and at least one. Where the memory cannot be known, it is taken to suffice.
#[must_use]
#[cfg(feature = "host")]
pub(crate) fn at_a_time(capacity: Capacity, threads: usize, available: Option<u64>) -> usize {
    let fitting = available.map(|bytes| bytes / (BYTES_PER_ROW_OF_ANOTHER * capacity.rows() as u64));
    let fitting = fitting.map_or(threads, |proofs| proofs.try_into().unwrap_or(threads));
    threads.min(fitting).max(1)
}

/// Refuses a proof for which the machine has too little memory. Where that cannot be known, it is tried.
///
/// # Errors
/// If so.
pub fn check_memory(capacity: Capacity) -> Result<(), NotEnoughMemory> {
    match available_memory() {
        Some(available) => compare(capacity, available),
        None => Ok(()),
    }
}

/// Without an operating system nobody knows.
#[cfg(not(feature = "host"))]
fn available_memory() -> Option<u64> {
    None
}

fn compare(capacity: Capacity, available: u64) -> Result<(), NotEnoughMemory> {
    let needed = Estimate::of(capacity).memory_bytes;
    if available < needed { Err(NotEnoughMemory { k: capacity.k(), needed, available }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_what_does_not_fit() {
        let capacity = Capacity::new(16).unwrap();
        let needed = Estimate::of(capacity).memory_bytes;
        assert!(compare(capacity, needed).is_ok());
        let error = compare(capacity, needed - 1).unwrap_err();
        assert!(error.to_string().contains("k = 16"), "{error}");
    }

    #[test]
    fn as_many_proofs_are_made_at_a_time_as_threads_and_memory_allow() {
        let capacity = Capacity::new(16).unwrap();
        let one = BYTES_PER_ROW_OF_ANOTHER * capacity.rows() as u64;
        let of = |threads, available| at_a_time(capacity, threads, available);
        assert_eq!([of(8, None), of(8, Some(one * 100)), of(8, Some(one * 8 - 1))], [8, 8, 7]);
        assert_eq!([of(8, Some(one)), of(8, Some(0)), of(1, None)], [1, 1, 1]);
    }
}
