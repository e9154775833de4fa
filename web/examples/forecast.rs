//! The predictive estimator as a module of WebAssembly, for a test that compares bits.

#![allow(unsafe_code, reason = "exporting a name is an unsafe attribute; no memory is touched")]

// Randomness, which dependencies ask for, is the module's own.
use surety_web as _;

#[allow(dead_code, reason = "the test of another crate uses the rest")]
#[path = "../../calibration/tests/calibration/series.rs"]
mod series;

/// The bits of a number of a column's forecast; zero if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn bits(column: u32, number: u32) -> u64 {
    let bits = series::bits(column as usize);
    bits.and_then(|bits| bits.get(number as usize).copied()).unwrap_or(0)
}
