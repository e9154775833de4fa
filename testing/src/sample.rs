//! Synthetic policies of any size, for tests and measurements.

use std::collections::BTreeMap;

use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, HexBytes, Name},
    kind::KindOf,
    units::{Decimals, Lots, Notional, Ppm, Price, Seconds, ShockPpm},
};
use surety_margin::{
    level::{Basis, ByBasis, Level},
    market::{MarketEntry, OracleNode, OracleRules},
    models::{Asset, Collateral, MarketScenario, Model, ScenarioMargin, ScenarioPosition, Tier},
    policy::{Policy, SourceRule, StatementRules},
    universe::{Instrument, InstrumentClass, Settlement, Universe},
};

/// A universe and a policy over it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The universe.
    pub universe: Universe,
    /// The policy.
    pub policy: Policy,
}

/// Scenario margin over `instruments` perpetuals, the first of which is cash at par, under `scenarios` shocks.
///
/// # Panics
/// If `k` is no capacity class.
#[must_use]
pub fn scenario_margin(k: u32, instruments: usize, scenarios: usize) -> Sample {
    let universe = universe(k, instruments);
    let rule = |(i, instrument): (usize, &Instrument)| ScenarioPosition {
        instrument: instrument.name.clone(),
        price: (i > 0).then(|| name(&format!("p{i}"))),
        short: true,
        weight: ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE },
        tiers: Vec::new(),
        charge: if i == 0 {
            ByBasis { maintenance: Ppm(0), initial: Ppm(0) }
        } else {
            ByBasis { maintenance: Ppm(5_000), initial: Ppm(10_000) }
        },
        charge_tiers: Vec::new(),
        tiering: Default::default(),
        factor: (i > 0).then(|| name(&format!("f{i}"))),
        greeks: None,
    };
    let scenario = |s: usize| MarketScenario {
        name: name(&format!("s{s}")),
        shocks: (1..instruments).map(|i| (name(&format!("f{i}")), shock(s, i))).collect::<BTreeMap<_, _>>(),
    };
    let model = Model::Scenario(ScenarioMargin {
        loss_multiple: ByBasis { maintenance: Ppm::ONE, initial: Ppm(1_250_000) },
        tail: None,
        positions: universe.instruments.iter().enumerate().map(rule).collect(),
        scenarios: (0..scenarios).map(scenario).collect(),
    });
    let policy = policy(&universe, instruments, model);
    Sample { universe, policy }
}

/// Collateral with haircuts over `assets` assets: cash, then spot assets that may be owed.
///
/// # Panics
/// If `k` is no capacity class.
#[must_use]
pub fn collateral(k: u32, assets: usize) -> Sample {
    let mut universe = universe(k, assets);
    for instrument in &mut universe.instruments[1..] {
        instrument.class = InstrumentClass::Spot;
    }
    let asset = |(i, instrument): (usize, &Instrument)| Asset {
        instrument: instrument.name.clone(),
        price: (i > 0).then(|| name(&format!("p{i}"))),
        debt_spread: None,
        short: true,
        weight: Some(match i {
            0 => ByBasis { maintenance: Ppm(950_000), initial: Ppm(900_000) },
            _ => ByBasis { maintenance: Ppm(900_000), initial: Ppm(800_000) },
        }),
        tiers: Vec::new(),
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let assets_of = universe.instruments.iter().enumerate().map(asset).collect();
    let model = Model::Collateral(Collateral { assets: assets_of, average_step: Ppm(0) });
    let policy = policy(&universe, assets, model);
    Sample { universe, policy }
}

/// As [`collateral`], with haircuts in so many tiers.
///
/// # Panics
/// If `k` is no capacity class, or there are no tiers.
#[must_use]
pub fn tiered(k: u32, assets: usize, tiers: u32) -> Sample {
    let mut sample = collateral(k, assets);
    let tier = |at: u32| {
        let end = (at + 1 < tiers).then(|| valid(Notional::new(1_000_000 * u64::from(at + 1))));
        let counts = |ppm: u32| Ppm(ppm - 100_000 * at);
        Tier::new(end, ByBasis { maintenance: counts(900_000), initial: counts(800_000) })
    };
    if let Model::Collateral(rules) = &mut sample.policy.model {
        for asset in rules.assets.iter_mut().skip(1) {
            (asset.weight, asset.tiers) = (None, (0..tiers).map(tier).collect());
        }
    }
    sample
}

/// `instruments` instruments in a circuit of `2^k` rows: one quote currency, then perpetuals.
///
/// # Panics
/// If `k` is no capacity class.
#[must_use]
pub fn universe(k: u32, instruments: usize) -> Universe {
    let instrument = |i: usize| Instrument {
        name: name(&if i == 0 { "USD".to_owned() } else { format!("PERP-{i}") }),
        class: if i == 0 { InstrumentClass::Cash } else { InstrumentClass::Perpetual },
        lot_decimals: valid(Decimals::new(if i == 0 { 2 } else { 4 })),
        max_lots: valid(Lots::new(1_000_000_000_000)),
        expiry: None,
        settlement: Settlement::default(),
        quote: None,
    };
    Universe {
        kind: KindOf::new(),
        version: FormatVersion,
        name: name("sample"),
        capacity: valid(Capacity::new(k)),
        srs: Bytes32::ZERO,
        instruments: (0..instruments).map(instrument).collect(),
    }
}

/// A policy of a model over [`universe`]: prices `p1`, `p2`, … with two decimals, between 100 and 1,000,000.
#[must_use]
pub fn policy(universe: &Universe, instruments: usize, model: Model) -> Policy {
    let entry = |i: usize| {
        let (min, max) = (valid(Price::new(10_000)), valid(Price::new(100_000_000)));
        MarketEntry::new(name(&format!("p{i}")), valid(Decimals::new(2)), min, max)
    };
    let node = |i: u8| OracleNode { name: name(&format!("oracle-{i}")), signer: HexBytes([i + 1; 20]) };
    let level = |text: &str, basis, multiple| Level::new(name(text), basis, Ppm(multiple));
    Policy {
        kind: KindOf::new(),
        version: FormatVersion,
        name: name("sample"),
        universe: universe.name.clone(),
        validity: Seconds(86_400),
        consent: false,
        unmargined: Vec::new(),
        market: (1..instruments).map(entry).collect(),
        derived: Vec::new(),
        oracle: OracleRules {
            nodes: (0..3).map(node).collect(),
            quorum: 2,
            epoch: Seconds(3_600),
            max_age: Seconds(3_600),
            max_skew: Seconds(120),
            max_confidence: Ppm(10_000),
            breaker: None,
        },
        sources: vec![SourceRule {
            scope: Vec::new(),
            contract: false,
            name: name("custodian"),
            signer: HexBytes([0xc0; 20]),
            accounts: vec![name("main")],
        }],
        statements: StatementRules { max_skew: Seconds(600), max_age: Seconds(7_200) },
        vault: None,
        levels: vec![
            level("maintenance", Basis::Maintenance, 1_000_000),
            level("initial", Basis::Initial, 1_000_000),
            level("maintenance-1.5x", Basis::Maintenance, 1_500_000),
        ],
        model,
    }
}

/// Prices for [`policy`], all different.
#[must_use]
pub fn prices(policy: &Policy) -> Vec<Price> {
    (0..policy.market.len()).map(|i| valid(Price::new(10_000 + 977 * i as u128))).collect()
}

/// Moves up and down by up to 30 percent, no two scenarios alike.
fn shock(scenario: usize, instrument: usize) -> ShockPpm {
    let spread = (scenario as i64 * 7_919 + instrument as i64 * 104_729) % 600_001;
    ShockPpm((spread - 300_000) as i32)
}

fn name(text: &str) -> Name {
    valid(Name::new(text))
}

#[expect(clippy::panic, reason = "the constants of this module are valid, or the caller's size is not")]
fn valid<T>(result: Result<T, String>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}
