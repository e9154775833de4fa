//! The forecasts of a market by formula, as WebAssembly: what `web/test/forecast.test.mjs` compares with the bits that
//! every machine has to find. No page contains it.

#![allow(unsafe_code, reason = "exporting a name is an unsafe attribute; no memory is touched")]

#[path = "../../calibration/tests/calibration/series.rs"]
#[allow(dead_code, reason = "the tests of the other crate also take its parts")]
mod series;

/// The bits of one number of the forecast of a column; zero if there is none.
#[unsafe(no_mangle)]
extern "C" fn forecast(column: u32, number: u32) -> u64 {
    series::bits(column as usize).and_then(|bits| bits.get(number as usize).copied()).unwrap_or(0)
}
