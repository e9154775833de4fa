//! Ladders that follow from the depth of a market and how much it moves.

use proptest::prelude::*;
use surety_core::{
    ident::Name,
    units::{Lots, Notional, Ppm, Price, Seconds},
};
use surety_margin::{
    evaluate::evaluate,
    holdings::Position,
    level::ByBasis,
    models::{Asset, Collateral, Depth, Liquidity, Model, Tier},
    policy::Policy,
    universe::{InstrumentClass, Universe},
};
use surety_testing::sample;

fn by_basis(maintenance: u32, initial: u32) -> ByBasis {
    ByBasis { maintenance: Ppm(maintenance), initial: Ppm(initial) }
}

/// Two percent off for any size, 4 percent of volatility a day, a quarter of a day to sell at two and three deviations.
fn liquidity(depth: &[(u64, u32)]) -> Liquidity {
    let step =
        |(up_to, slippage): &(u64, u32)| Depth { up_to: Notional::new(*up_to).unwrap(), slippage: Ppm(*slippage) };
    Liquidity {
        haircut: by_basis(20_000, 30_000),
        volatility: Ppm(40_000),
        deviations: by_basis(2_000_000, 3_000_000),
        horizon: Seconds(21_600),
        depth: depth.iter().map(step).collect(),
    }
}

const DEPTH: [(u64, u32); 3] = [(1_000_000, 2_000), (5_000_000, 15_000), (20_000_000, 80_000)];

fn weights(liquidity: &Liquidity) -> Vec<(u32, u32)> {
    liquidity.tiers().iter().map(|tier| (tier.weight.maintenance.0, tier.weight.initial.0)).collect()
}

/// By hand: the square root of a quarter is a half, so 2·4·½ = 4 percent are lost to risk, 6 at initial.
#[test]
fn a_ladder_follows_from_depth_and_volatility() {
    let found = liquidity(&DEPTH);
    assert_eq!(weights(&found), [(938_000, 908_000), (925_000, 895_000), (860_000, 830_000)]);
    let ends: Vec<_> = found.tiers().iter().map(|tier| tier.up_to.unwrap().get()).collect();
    assert_eq!(ends, [1_000_000, 5_000_000, 20_000_000]);
    // A horizon of one day less a second: √(86,399/86,400)·8 percent is 79,999.54 millionths, which count as 80,000.
    let found = Liquidity { horizon: Seconds(86_399), ..found };
    assert_eq!(weights(&found)[0], (898_000, 848_000));
    // What is lost to risk is all.
    let found = Liquidity { volatility: Ppm(u32::MAX), deviations: by_basis(u32::MAX, u32::MAX), ..found };
    assert_eq!(weights(&found), [(0, 0); 3]);
    let found = Liquidity { horizon: Seconds(u64::MAX), ..found };
    assert_eq!(weights(&found), [(0, 0); 3]);
}

proptest! {
    /// The risk is `k·σ·√T`, rounded up to a millionth, and ladders never rise.
    #[test]
    fn risk_grows_with_the_square_root_of_time(
        volatility in 0..500_000u32, k in 0..5_000_000u32, horizon in 1..10_000_000u64
    ) {
        let mut found = liquidity(&[(1_000, 0), (2_000, 7), (3_000, 999_999)]);
        found.haircut = by_basis(0, 0);
        (found.volatility, found.deviations, found.horizon) = (Ppm(volatility), by_basis(k, k), Seconds(horizon));
        let lost = 1_000_000 - weights(&found)[0].0;
        let exact = f64::from(volatility) * f64::from(k) / 1e6 * (horizon as f64 / 86_400.0).sqrt();
        prop_assert!(f64::from(lost) >= exact.min(1e6) - 1e-3 && f64::from(lost) <= exact.min(1e6) + 1.001, "{lost} \
             {exact}");
        prop_assert!(weights(&found).is_sorted_by(|a, b| a.0 >= b.0 && a.1 >= b.1));
    }
}

/// A policy whose one asset counts by this, at a price of one.
fn policy(liquidity: Option<Liquidity>, tiers: Vec<Tier>) -> (Universe, Policy) {
    let mut universe = sample::universe(9, 2);
    universe.instruments[1].class = InstrumentClass::Spot;
    let asset = Asset {
        instrument: universe.instruments[1].name.clone(),
        price: Some(Name::new("p1").unwrap()),
        debt_spread: None,
        short: false,
        weight: None,
        tiers,
        tiering: Default::default(),
        liquidity,
        allowance: None,
    };
    let policy =
        sample::policy(&universe, 2, Model::Collateral(Collateral { assets: vec![asset], average_step: Ppm(0) }));
    (universe, policy)
}

/// By hand, of six million: 0.938·1 + 0.925·4 + 0.86·1 = 5.498 million, as with the tiers written out.
#[test]
fn a_policy_with_a_liquidity_is_one_with_its_tiers() {
    let found = liquidity(&DEPTH);
    for (universe, policy) in [policy(Some(found.clone()), Vec::new()), policy(None, found.tiers())] {
        assert_eq!(policy.check(&universe), []);
        let lots = [0, 60_000_000_000].map(|lots| Lots::new(lots).unwrap());
        let position = Position::from_lots(lots.to_vec());
        let prices = [Price::new(100).unwrap()];
        let margin = evaluate(&policy, &universe, &policy.levels[0], &position, &prices).unwrap().margin;
        assert_eq!(margin.to_string(), "5498000");
    }
}

#[track_caller]
fn refused(liquidity: Liquidity, messages: &[&str]) {
    let (universe, policy) = policy(Some(liquidity), Vec::new());
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    assert_eq!(found, messages);
}

#[test]
fn rejects_slippage_that_falls_with_size() {
    refused(
        liquidity(&[(1_000, 500), (2_000, 499)]),
        &["model.assets[0].liquidity.depth[1].slippage: expected at least the slippage of the step before, which is \
             500, found 499"],
    );
}

#[test]
fn rejects_depth_out_of_order_or_missing() {
    refused(
        liquidity(&[(1_000, 500), (1_000, 500)]),
        &["model.assets[0].liquidity.depth[1].up_to: expected more than the step before, which ends at 1000, found \
             1000"],
    );
    refused(liquidity(&[]), &["model.assets[0].liquidity.depth: expected at least one entry, found none"]);
}

#[test]
fn rejects_initial_terms_that_are_laxer() {
    let expected = "expected charges with initial >= maintenance, found initial 0.0001 %, maintenance 0.0002 %";
    refused(
        Liquidity { haircut: by_basis(2, 1), ..liquidity(&DEPTH) },
        &[&format!("model.assets[0].liquidity.haircut: {expected}")],
    );
    refused(
        Liquidity { deviations: by_basis(2, 1), ..liquidity(&DEPTH) },
        &[&format!("model.assets[0].liquidity.deviations: {expected}")],
    );
}

#[test]
fn rejects_no_time_to_sell() {
    refused(
        Liquidity { horizon: Seconds(0), ..liquidity(&DEPTH) },
        &["model.assets[0].liquidity.horizon: expected at least one second, found 0"],
    );
}

#[test]
fn rejects_tiers_beside_a_liquidity() {
    let found = liquidity(&DEPTH);
    let (universe, policy) = policy(Some(found.clone()), found.tiers());
    let problems = policy.check(&universe);
    assert_eq!(
        problems[0].to_string(),
        "model.assets[0]: expected neither the key `weight` nor the key `tiers` beside the key `liquidity`, found one \
         of them"
    );
}
