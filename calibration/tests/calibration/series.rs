//! A market by formula, which needs no data, and the bits of its forecasts: for this test and for WebAssembly, where
//! `web/examples/forecast.rs` includes this file.

use surety_calibration::{
    moves::Move,
    predictive::market::{Forecast, Market, Memory},
};
use surety_core::units::Ppm;

/// A move of a column on a day: swings of up to two percent in calm times and six in wild ones, by integers.
pub(crate) fn day(column: i64, day: i64) -> Move {
    let amplitude = if (day / 90) % 2 == 0 { 20_000 } else { 60_000 };
    let swing = |seed: i64| ((day + seed) * (day + seed) * 7_919 % 2_001 - 1_000) * amplitude;
    Move::new(((swing(1) + swing(1 + 4 * column)) / 2).into())
}

pub(crate) fn market(columns: usize, days: i64) -> Market {
    let mut market = Market::new(columns, Memory::FREE);
    for i in 0..days {
        market.advance(&(0..).take(columns).map(|column| Some(day(column, i))).collect::<Vec<_>>());
    }
    market
}

/// The forecast of a column after a thousand days of three: volatility, and value at risk and expected shortfall of
/// either side.
pub(crate) fn bits(column: usize) -> Option<[u64; 5]> {
    let Forecast { volatility, down, up } = market(3, 1_000).forecast(column, Ppm(990_000))?;
    Some([volatility, down.value_at_risk, down.expected, up.value_at_risk, up.expected].map(f64::to_bits))
}
