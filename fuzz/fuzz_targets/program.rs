//! A policy that passes every check, compiled and evaluated: the program accepts holdings exactly if the plain
//! evaluation does, whatever the rules, prices and holdings.
//!
//! The input is a policy in TOML, a zero byte, and numbers: two bytes for each price, as a part of its range, and eight
//! for each instrument, as lots.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use surety_core::{
    FormatVersion,
    kind::KindOf,
    text::Document as _,
    units::{Lots, Price, Timestamp},
};
use surety_fuzz::{bounded, demo};
use surety_margin::{
    compile::compile,
    evaluate::evaluate,
    holdings::Position,
    market::{EntryPrice, MarketEntry, Snapshot},
    oracle::market_without_reports,
    policy::Policy,
    universe::Universe,
};

static UNIVERSES: LazyLock<[Universe; 2]> = LazyLock::new(|| {
    [demo::UNIVERSE, include_str!("../../examples/venues/universe.toml")]
        .map(|text| Universe::from_toml("universe", text).unwrap())
});

fuzz_target!(|input: &[u8]| bounded(input, || {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let Ok(text) = str::from_utf8(&input[..end]) else { return };
    let mut numbers = Numbers(input.get(end + 1..).unwrap_or_default());
    let Ok(policy) = Policy::from_toml("input", text) else { return };
    let Some(universe) = UNIVERSES.iter().find(|universe| universe.name == policy.universe) else { return };
    if !policy.check(universe).is_empty() {
        return;
    }
    let snapshot = snapshot(&policy, &mut numbers);
    let lots = universe.instruments.iter().map(|instrument| numbers.lots(instrument.max_lots)).collect();
    let position = Position::from_lots(lots);
    let Ok(prices) = market_without_reports(&policy, universe, &snapshot) else { return };
    let Ok(programs) = compile(&policy, universe) else { return };
    assert_eq!(programs.len(), policy.levels.len());
    for (level, program) in policy.levels.iter().zip(&programs) {
        let solved = program.solve(&position, &prices);
        let evaluation = evaluate(&policy, universe, level, &position, &prices).expect("an evaluation");
        assert_eq!(evaluation.is_provable(), solved.is_ok(), "{}: {:?}", level.name, solved.err());
    }
}));

fn snapshot(policy: &Policy, numbers: &mut Numbers<'_>) -> Snapshot {
    let price = |entry: &MarketEntry| EntryPrice { entry: entry.name.clone(), price: numbers.price(entry) };
    Snapshot {
        kind: KindOf::new(),
        version: FormatVersion,
        epoch: 5_000_000,
        time: Timestamp(1_800_000_000),
        prices: policy.market.iter().map(price).collect(),
        previous: None,
        marked: Vec::new(),
        reports: Vec::new(),
    }
}

/// What is left of the numbers; zeros follow them.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((number, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *number
    }

    fn price(&mut self, entry: &MarketEntry) -> Price {
        let (min, max) = (entry.min.get(), entry.max.get());
        let part = u128::from(u16::from_le_bytes(self.next()));
        Price::new(min + (max - min) / u128::from(u16::MAX) * part).unwrap()
    }

    fn lots(&mut self, limit: Lots) -> Lots {
        let lots = i128::from(i64::from_le_bytes(self.next()));
        Lots::new(lots.clamp(-limit.get(), limit.get())).unwrap()
    }
}
