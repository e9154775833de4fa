//! A day of a market of a thousand columns: taking it in, and forecasting the next.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use surety_calibration::{
    moves::Move,
    predictive::market::{Market, Memory},
};
use surety_core::units::Ppm;

const COLUMNS: usize = 1_000;
const DAYS: i128 = 1_000;

/// Swings of up to four percent, by integers.
fn day(day: i128) -> Vec<Option<Move>> {
    let swing = |column: usize| {
        let seed = day + column as i128;
        Some(Move::new((seed * seed * 7_919 % 2_001 - 1_000) * 40_000))
    };
    (0..COLUMNS).map(swing).collect()
}

fn days(criterion: &mut Criterion) {
    let mut market = Market::new(COLUMNS, Memory::FREE);
    (0..DAYS).for_each(|i| market.advance(&day(i)));
    let next = day(DAYS);
    let mut group = criterion.benchmark_group("a market of 1000 columns");
    group.bench_function("take in a day", |bencher| {
        bencher.iter_batched_ref(|| market.clone(), |market| market.advance(&next), BatchSize::LargeInput);
    });
    group.bench_function("forecast a day", |bencher| {
        bencher.iter(|| (0..COLUMNS).map(|column| market.forecast(column, Ppm(990_000))).collect::<Vec<_>>());
    });
    group.finish();
}

criterion_group!(benches, days);
criterion_main!(benches);
