//! The rules of lending markets and perpetual venues as policies: `examples/venues`. The figures were computed by hand from
//! the formulas that the venues publish, which stand beside each test.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{fs, path::PathBuf};

use alloy_primitives::keccak256;
use surety_margin::{
    canonical,
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    models::Model,
    policy::Policy,
    text::Document,
    units::{Lots, Price, Timestamp},
    universe::Universe,
    vector::Layout,
};

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/venues").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

struct Venue {
    universe: Universe,
    policy: Policy,
    prices: Vec<Price>,
}

impl Venue {
    /// A policy at a market, which is stated in the order of the file.
    fn new(file: &str, market: &[u128]) -> Self {
        let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
        let policy = Policy::read(file, &text(file), &universe).unwrap_or_else(|errors| panic!("{errors}"));
        let market: Vec<_> = market.iter().map(|number| Price::new(*number).unwrap()).collect();
        let prices = Layout::new(&policy, &universe).unwrap().derive(&market, Timestamp(0)).unwrap();
        Self { universe, policy, prices }
    }

    fn position(&self, holdings: &[(&str, i128)]) -> Position {
        let mut lots = vec![Lots::default(); self.universe.instruments.len()];
        for (name, amount) in holdings {
            let instrument = self.universe.instruments.iter().position(|found| found.name.as_str() == *name).unwrap();
            lots[instrument] = Lots::new(*amount).unwrap();
        }
        Position::from_lots(lots)
    }

    /// Evaluates every level, and holds the programs to it.
    fn evaluations(&self, holdings: &[(&str, i128)]) -> Vec<Evaluation> {
        let position = self.position(holdings);
        let programs = compile(&self.policy, &self.universe).unwrap();
        let levels = self.policy.levels.iter().zip(programs);
        levels
            .map(|(level, program)| {
                let found = evaluate(&self.policy, &self.universe, level, &position, &self.prices).unwrap();
                assert_eq!(program.solve(&position, &self.prices).is_ok(), found.is_sufficient(), "{}", level.name);
                found
            })
            .collect()
    }

    /// The margins of the levels that admit everything that is held.
    fn margins(&self, holdings: &[(&str, i128)]) -> Vec<String> {
        let admitted = self.evaluations(holdings).into_iter().filter(|found| found.not_admitted.is_none());
        admitted.map(|found| format!("{} {}", found.level, found.margin)).collect()
    }
}

/// `10^decimals` of what is written.
fn units(amount: &str, decimals: usize) -> u128 {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    format!("{whole}{fraction:0<decimals$}").parse().unwrap()
}

/// ETH 2,500, USDC 0.9995, CRV 0.5; wstETH is 1.18 staked ether; what was supplied and owed has grown by its index.
fn aave() -> Venue {
    let prices = ["2500", "0.9995", "0.5"].map(|price| units(price, 8));
    let indexes = ["1.18", "1.02", "1.001", "1.04", "1", "1.03", "1.05"].map(|index| units(index, 18));
    Venue::new("aave.toml", &[&prices[..], &indexes[..]].concat())
}

/// `health factor = Σ collateral·liquidation threshold / Σ debt ≥ 1`, and the same with the loan to value for borrowing.
///
/// 10 scaled WETH are worth 10·2,500·1.02 = 25,500; 5 scaled wstETH 5·2,500·1.18·1.001·0.99 = 14,617.1025; the debt is
/// 20,000·0.9995·1.05 = 20,989.50. At thresholds 0.83 and 0.81 that leaves 21,165 + 11,839.853025 - 20,989.50; at loans to
/// value 0.805 and 0.785 20,527.5 + 11,474.4254625 - 20,989.50; a liquidation at five percent costs 1,049.475.
#[test]
fn aave_base_mode() {
    let account = [("aWETH", 1_000_000_000), ("awstETH", 500_000_000), ("debt-USDC", -20_000_000_000)];
    let expected = ["maintenance 12015.353025", "initial 11012.4254625", "liquidated 10965.878025"];
    assert_eq!(aave().margins(&account), expected);
}

/// The same wstETH secures 4 scaled WETH of debt, 10,300, at 0.95 and 0.93; in base mode at 0.81 and 0.785.
#[test]
fn aave_efficiency_mode() {
    let account = [("awstETH", 500_000_000), ("debt-WETH", -400_000_000)];
    let expected = [
        "maintenance 1539.853025",
        "initial 1174.4254625",
        "liquidated 1024.853025",
        "ether-maintenance 3586.247375",
        "ether-initial 3293.905325",
    ];
    assert_eq!(aave().margins(&account), expected);
}

/// 10,000 CRV, 5,000, at 0.55 and 0.49, against 2,000·0.9995·1.05 = 2,098.95.
#[test]
fn aave_isolation_mode() {
    let account = [("aCRV", 10_000_000_000), ("debt-USDC", -2_000_000_000)];
    assert_eq!(aave().margins(&account), ["isolated-maintenance 651.05", "isolated-initial 351.05"]);
}

/// Attack: the terms of a mode for what the mode does not cover.
#[test]
fn rejects_what_a_mode_does_not_cover() {
    let venue = aave();
    let refused = |holdings: &[(&str, i128)]| -> Vec<_> {
        let refused = venue.evaluations(holdings).into_iter().filter(|found| !found.is_sufficient());
        refused.map(|found| format!("{} {}", found.level, found.not_admitted.unwrap())).collect()
    };
    let mixed = [("aWETH", 1_000_000_000), ("debt-USDC", -1)];
    assert_eq!(
        refused(&mixed),
        [
            "ether-maintenance debt-USDC",
            "ether-initial debt-USDC",
            "isolated-maintenance aWETH",
            "isolated-initial aWETH"
        ]
    );
    // Even one unit of another collateral beside the isolated one, though it only adds.
    let beside = [("aCRV", 1_000_000), ("aUSDC", 1)];
    assert_eq!(refused(&beside).len(), 7);
}

/// `isBorrowCollateralized`: the present value of the base, plus collateral at the borrow collateral factors, is not
/// negative; `isLiquidatable` is the same with the liquidate collateral factors.
///
/// 2 WETH at 2,500 and 0.1 WBTC at 60,000 against 8,000·1.1·1 = 8,800: 4,475 + 5,100 - 8,800 and 4,125 + 4,800 - 8,800.
#[test]
fn compound() {
    let prices = ["1", "2500", "60000"].map(|price| units(price, 8));
    let indexes = ["1.05", "1.1"].map(|index| units(index, 15));
    let venue = Venue::new("compound.toml", &[&prices[..], &indexes[..]].concat());
    let account = [("WETH", 200_000_000), ("WBTC", 10_000_000), ("base-borrowed", -8_000_000_000)];
    assert_eq!(venue.margins(&account), ["maintenance 775", "initial 125"]);
    // What was supplied counts in full, with its own index.
    let account = [("base-supplied", 1_000_000_000), ("base-borrowed", -954_545_454)];
    assert_eq!(venue.margins(&account), ["maintenance 0.0000006", "initial 0.0000006"]);
}

/// `initial fraction = min(base + max((open notional - lower) / (upper - lower), 0)·(1 - base), 1)`, and at maintenance the
/// base times the maintenance fraction; the requirement is the fraction of the absolute value.
#[test]
fn dydx() {
    let at_open_interest = |contracts: &str| {
        let venue = Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units(contracts, 4)]);
        // -5,000 of quote, 100 SOL and -0.1 BTC: an equity of -5,000 + 15,000 - 6,000 = 4,000. At maintenance 3 percent of
        // 15,000 and 1.2 of 6,000 are required.
        venue.margins(&[("USDC", -5_000_000_000), ("SOL-PERP", 1_000_000), ("BTC-PERP", -10_000_000)])
    };
    let maintenance = "maintenance 3478";
    // 2 percent of 6,000 and 5 of 15,000, as long as open interest is at most 25 million.
    assert_eq!(at_open_interest("100"), [maintenance, "initial 3130"]);
    assert_eq!(at_open_interest("166666.6666"), [maintenance, "initial 3130"]);
    // 30 million: 5 + 0.2·95 = 24 percent.
    assert_eq!(at_open_interest("200000"), [maintenance, "initial 280"]);
    // 50 million and more: everything.
    assert_eq!(at_open_interest("333333.3334"), [maintenance, "initial -11120"]);
    assert_eq!(at_open_interest("400000"), [maintenance, "initial -11120"]);
}

/// A short position and a long one are required the same of.
#[test]
fn dydx_shorts_pay_the_surcharge_too() {
    let venue = Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units("200000", 4)]);
    let margins = venue.margins(&[("USDC", 20_000_000_000), ("SOL-PERP", -1_000_000)]);
    assert_eq!(margins, ["maintenance 4550", "initial 1400"]);
}

/// `total collateral = Σ asset·asset weight`, `requirement = Σ liability·(liability weight - 1) + Σ |perpetual|·ratio`, with
/// assets at 149.5 or 60,000 and liabilities at 150.5 or 60,500.
///
/// 20 SOL are 2,990, 0.02 BTC owed 1,210, 10 contracts sold 1,505. At maintenance 2,500 + 2,691 - 1,210 - 1,505 = 2,476,
/// of which 121 + 75.25 are required; at initial 2,500 + 2,392 - 1,210 - 1,505 = 2,177, of which 242 + 150.5 are. A
/// liquidation costs 3.5 percent of 2,715.
#[test]
fn drift() {
    let market = ["150", "0.5", "60000", "60500"].map(|number| units(number, 6));
    let venue = Venue::new("drift.toml", &market);
    let account = [("USDC", 2_500_000_000), ("SOL", 20_000_000), ("BTC", -2_000_000), ("SOL-PERP", -100_000)];
    let expected = ["maintenance 2279.75", "initial 1784.5", "maintenance-1.25x 2230.6875", "liquidated 2184.725"];
    assert_eq!(venue.margins(&account), expected);
    let charges: Vec<_> =
        venue.evaluations(&account)[3].charges.iter().map(|c| format!("{} {}", c.name, c.amount)).collect();
    assert_eq!(
        charges,
        [
            "liability weight of BTC 121",
            "liquidation of BTC 42.35",
            "margin of SOL-PERP 75.25",
            "liquidation of SOL-PERP 52.675"
        ]
    );
}

/// Turned around, each side counts at its other price: 20 SOL owed are 3,010, and a tenth of it is required; 10 contracts
/// bought are 1,495.
#[test]
fn drift_debts_count_at_the_high_price() {
    let market = ["150", "0.5", "60000", "60500"].map(|number| units(number, 6));
    let venue = Venue::new("drift.toml", &market);
    let account = [("USDC", 2_500_000_000), ("SOL", -20_000_000), ("SOL-PERP", 100_000)];
    // 2,500 - 3,010 + 1,495 = 985, less 301 + 74.75.
    assert_eq!(venue.margins(&account)[0], "maintenance 609.25");
}

#[test]
fn files_read_back_the_same() {
    for name in ["aave.toml", "compound.toml", "dydx.toml", "drift.toml"] {
        let policy = Policy::from_toml(name, &text(name)).unwrap();
        assert_eq!(Policy::from_toml(name, &policy.to_toml().unwrap()).unwrap(), policy);
        assert_eq!(Policy::from_json(name, &policy.to_json().unwrap()).unwrap(), policy);
    }
}

/// The hashes are those of another implementation: see the test of the same name in `examples.rs`.
#[test]
fn canonical_encodings_are_reproducible() {
    for (name, expected) in [
        ("aave.toml", "0xb52b2f8fc12602df913d42833ea1ecf7cc19ed0d2fbb8b577bf1725e884ce049"),
        ("compound.toml", "0xcbc129328491a946e26abe5caa765e44c6b6cf406e35f9689f3b823bc1c8fa9c"),
        ("dydx.toml", "0xc28ec3e8300ceeeab92b08b0365a498eae0746692483f3555af3b20e0f20cd2b"),
        ("drift.toml", "0x26f6a6de10154555ae51beb83e005b1109455239d97439a9a681c187b778113a"),
    ] {
        let policy = Policy::from_toml(name, &text(name)).unwrap();
        assert_eq!(keccak256(canonical::encode(&policy).unwrap()).to_string(), expected, "{name}");
    }
}

/// Attack: two files of one policy with two identifiers, one of which spells out what the other leaves out. Some defaults
/// are written and some are not, and none both ways.
#[test]
fn rejects_a_second_encoding_of_what_is_left_out() {
    let plain = text("dydx.toml");
    let encoding = |text: &str| canonical::encode(&Policy::from_toml("dydx.toml", text).unwrap()).unwrap();
    let spelt_out = [
        ("surcharge =", "liability = { maintenance = 1_000_000, initial = 1_000_000 }\nsurcharge ="),
        ("surcharge =", "weight = { maintenance = 1_000_000, initial = 1_000_000 }\nsurcharge ="),
        ("surcharge =", "tiers = []\nsurcharge ="),
        ("instrument = \"USDC\"", "instrument = \"USDC\"\nfraction = { maintenance = 0, initial = 0 }"),
        ("basis = \"initial\"", "basis = \"initial\"\nmultiple = 1_000_000"),
        ("basis = \"initial\"", "basis = \"initial\"\nliquidation_penalty = 0\ninsurance_contribution = 0"),
    ];
    for (from, to) in spelt_out {
        let spelt = plain.replacen(from, to, 1);
        assert_ne!(spelt, plain, "dydx.toml has no {from:?}");
        assert_eq!(encoding(&spelt), encoding(&plain), "{to}");
    }
}

/// Reads a policy with the first occurrence of a text replaced, and says what was found.
#[track_caller]
fn refused(file: &str, from: &str, to: &str, messages: &[&str]) {
    let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
    let good = text(file);
    assert!(good.contains(from), "{file} has no {from:?}");
    let errors = Policy::read(file, &good.replacen(from, to, 1), &universe).unwrap_err();
    let found: Vec<_> = errors.errors().iter().map(|error| error.problem.to_string()).collect();
    assert_eq!(found, messages);
}

mod modes {
    use super::*;

    #[test]
    fn rejects_levels_of_no_mode_or_another() {
        refused("aave.toml", "mode = \"base\"\n", "", &["levels[0].mode: expected a mode of the model, found none"]);
        refused(
            "aave.toml",
            "mode = \"base\"",
            "mode = \"basic\"",
            &["levels[0].mode: expected a mode of the model, found basic"],
        );
    }

    #[test]
    fn rejects_modes_that_no_level_is_in() {
        refused(
            "aave.toml",
            "[[model.modes]]\nname = \"isolated-crv\"",
            "[[model.modes]]\nname = \"isolated\"",
            &[
                "levels[5].mode: expected a mode of the model, found isolated-crv",
                "levels[6].mode: expected a mode of the model, found isolated-crv",
                "model.modes[2].name: expected a mode that a level names, found isolated",
            ],
        );
    }

    #[test]
    fn rejects_a_mode_twice() {
        refused(
            "aave.toml",
            "[[model.modes]]\nname = \"ether\"",
            "[[model.modes]]\nname = \"base\"",
            &[
                "levels[3].mode: expected a mode of the model, found ether",
                "levels[4].mode: expected a mode of the model, found ether",
                "model.modes[1].name: expected each mode once, found base again",
            ],
        );
    }

    #[test]
    fn rejects_a_level_in_a_mode_of_a_model_without() {
        refused(
            "dydx.toml",
            "basis = \"initial\"",
            "basis = \"initial\"\nmode = \"base\"",
            &["levels[1].mode: expected no mode, because the model has none, found base"],
        );
    }

    #[test]
    fn rejects_names_inside_of_a_mode_that_do_not_resolve() {
        refused(
            "aave.toml",
            "instrument = \"aCRV\"\nprice = \"aCRV-USD\"",
            "instrument = \"aCRV\"\nprice = \"aCRV-EUR\"",
            &[
                "model.modes[2].model.assets[0].price: expected the name of a market entry of the policy, found aCRV-EUR",
            ],
        );
    }

    #[test]
    fn rejects_modes_inside_of_modes_and_of_buckets() {
        use surety_margin::models::{Bucket, Isolated};
        let Venue { universe, policy, .. } = aave();
        let paths = |change: &dyn Fn(&mut Model)| -> Vec<_> {
            let mut policy = policy.clone();
            change(&mut policy.model);
            policy.check(&universe).into_iter().map(|problem| problem.path).collect()
        };
        let nested = |model: &mut Model| {
            let inner = model.clone();
            let Model::Modes(outer) = model else { panic!("the model has modes") };
            outer.modes[1].model = inner;
        };
        assert!(paths(&nested).contains(&"model.modes[1].model.type".to_owned()));
        let in_bucket = |model: &mut Model| {
            let Model::Modes(modes) = &model else { panic!("the model has modes") };
            let name = modes.modes[0].name.clone();
            *model = Model::Isolated(Isolated { buckets: vec![Bucket { name, model: model.clone() }] });
        };
        assert!(paths(&in_bucket).contains(&"model.buckets[0].model.type".to_owned()));
    }

    #[test]
    fn rejects_no_modes() {
        let Venue { universe, mut policy, .. } = aave();
        let Model::Modes(model) = &mut policy.model else { panic!("the model has modes") };
        model.modes.clear();
        let problems = policy.check(&universe);
        assert!(problems.iter().any(|problem| problem.path == "model.modes" && problem.found == "none"));
    }
}

#[test]
fn rejects_liability_weights_below_one_or_that_fall() {
    let liability = "liability = { maintenance = 1_100_000, initial = 1_200_000 }";
    let place = "model.positions[1].liability: expected weights with initial >= maintenance >= 100 %, found";
    let refused = |maintenance: &str, found: &str| {
        let to = format!("liability = {{ maintenance = {maintenance}, initial = 1_200_000 }}");
        refused("drift.toml", liability, &to, &[&format!("{place} {found}")]);
    };
    refused("999_999", "initial 120 %, maintenance 99.9999 %");
    refused("1_200_001", "initial 120 %, maintenance 120.0001 %");
}

#[test]
fn rejects_spreads_and_surcharges_that_do_not_exist() {
    let expected = "expected the name of a market entry of the policy, found";
    refused(
        "drift.toml",
        "debt_spread = \"BTC-SPREAD\"",
        "debt_spread = \"BTC\"",
        &[&format!("model.positions[2].debt_spread: {expected} BTC")],
    );
    refused(
        "dydx.toml",
        "surcharge = \"SOL-SURCHARGE\"",
        "surcharge = \"SOL\"",
        &[&format!("model.positions[2].surcharge: {expected} SOL")],
    );
}

#[test]
fn rejects_liquidations_that_cost_more_than_everything() {
    for key in ["liquidation_penalty = 25_000", "insurance_contribution = 10_000"] {
        let (name, _) = key.split_once(' ').unwrap();
        let expected = "expected at most 100 %: all of what is liquidated, found 100.0001 %";
        refused("drift.toml", key, &format!("{name} = 1_000_001"), &[&format!("levels[3].{name}: {expected}")]);
    }
}

#[test]
fn rejects_formulas_of_another_form() {
    let formula = "{ product = [\"SOL-USD\", \"SOL-OPEN-INTEREST\"] }";
    let names = "`product`, `quotient`, `sum`, `difference`, `least`, `greatest`, `claim` or `ramp`";
    let refused = |to: &str, problem: &str| refused("dydx.toml", formula, to, &[&format!("derived[0].{problem}")]);
    refused(
        "{ product = [\"SOL-USD\", \"SOL-USD\"], sum = [\"SOL-USD\", \"SOL-USD\"] }",
        &format!("formula: expected {names}, found a table"),
    );
    refused("{}", &format!("formula: expected {names}, found a table"));
    refused("{ ratio = [\"SOL-USD\", \"SOL-USD\"] }", &format!("formula: expected {names}, found \"ratio\""));
    refused("{ product = [\"SOL-USD\", 5] }", "formula.product[1]: expected a string, found 5");
}
