//! The rules of lending markets and perpetual venues as policies: `examples/venues`. The figures were computed by hand
//! from the formulas that the venues publish, which stand beside each test.

use alloy_primitives::keccak256;
use surety_core::{
    canonical,
    ident::Name,
    text::Document,
    units::{Lots, Ppm, Price},
};
use surety_margin::{
    evaluate::evaluate,
    holdings::Position,
    level::ByBasis,
    models::{Asset, Collateral, Model},
    policy::Policy,
    universe::Universe,
};
use surety_testing::sample;

use crate::venue::{Venue, text, units};

/// ETH 2,500, USDC 0.9995, CRV 0.5; wstETH is 1.18 staked ether; what was supplied and owed has grown by its index.
fn aave() -> Venue {
    let prices = ["2500", "0.9995", "0.5"].map(|price| units(price, 8));
    let indexes = ["1.18", "1.02", "1.001", "1.04", "1", "1.03", "1.05"].map(|index| units(index, 18));
    Venue::new("aave.toml", &[&prices[..], &indexes[..]].concat())
}

/// `health factor = Σ collateral·liquidation threshold / Σ debt ≥ 1`, and the same with the loan to value for
/// borrowing.
///
/// 10 scaled WETH are worth 10·2,500·1.02 = 25,500; 5 scaled wstETH 5·2,500·1.18·1.001·0.999999 = 14,764.73523525; the
/// debt is 20,000·0.9995·1.05 = 20,989.50. At thresholds 0.83 and 0.81, each less a basis point, that leaves 21,162.45
/// + 11,957.959067028975 - 20,989.50; at loans to value 0.805 and 0.785 in the same way 20,524.95 + 11,588.840686147725
/// - 20,989.50; a liquidation at five percent costs 1,049.475. The allowances are 0.0000000101 twice and 0.00000201.
#[test]
fn aave_base_mode() {
    let account = [("aWETH", 1_000_000_000), ("awstETH", 500_000_000), ("debt-USDC", -20_000_000_000)];
    let expected = ["maintenance 12130.909064998775", "initial 11124.290684117525", "liquidated 11081.434064998775"];
    assert_eq!(aave().margins(&account), expected);
}

/// The same wstETH secures 4 scaled WETH of debt, 10,300, at 0.95 and 0.93, which are the same for all assets of the
/// mode; in base mode at 0.81 and 0.785, less a basis point.
#[test]
fn aave_efficiency_mode() {
    let account = [("awstETH", 500_000_000), ("debt-WETH", -400_000_000)];
    let expected = [
        "maintenance 1657.959067008775",
        "initial 1288.840686127525",
        "liquidated 1142.959067008775",
        "ether-maintenance 3726.4984734673",
        "ether-initial 3431.2037687623",
    ];
    assert_eq!(aave().margins(&account), expected);
}

/// 10,000 CRV, 5,000, at 0.55 and 0.49, against 2,000·0.9995·1.05 = 2,098.95.
#[test]
fn aave_isolation_mode() {
    let account = [("aCRV", 10_000_000_000), ("debt-USDC", -2_000_000_000)];
    assert_eq!(aave().margins(&account), ["isolated-maintenance 651.0499979799", "isolated-initial 351.0499979799"]);
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
/// 2 WETH at 2,500 and 0.1 WBTC at 60,000 against 8,000·1.1·1 = 8,800: 4,475 + 5,100 - 8,800 and 4,125 + 4,800 - 8,800,
/// less 0.00000002 for each of the two.
#[test]
fn compound() {
    let prices = ["1", "2500", "60000"].map(|price| units(price, 8));
    let indexes = ["1.05", "1.1"].map(|index| units(index, 15));
    let venue = Venue::new("compound.toml", &[&prices[..], &indexes[..]].concat());
    let account = [("WETH", 200_000_000), ("WBTC", 10_000_000), ("base-borrowed", -8_000_000_000)];
    assert_eq!(venue.margins(&account), ["maintenance 774.99999996", "initial 124.99999996"]);
    // What was supplied counts in full, with its own index.
    let account = [("base-supplied", 1_000_000_000), ("base-borrowed", -954_545_454)];
    assert_eq!(venue.margins(&account), ["maintenance 0.0000006", "initial 0.0000006"]);
}

/// `initial fraction = min(base + max((open notional - lower) / (upper - lower), 0)·(1 - base), 1)`, and at maintenance
/// the base times the maintenance fraction; the requirement is the fraction of the absolute value, and 0.0000026 for
/// each position.
#[test]
fn dydx() {
    let at_open_interest = |contracts: &str| {
        let venue = Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units(contracts, 4)]);
        // -5,000 of quote, 100 SOL and -0.1 BTC: an equity of -5,000 + 15,000 - 6,000 = 4,000. At maintenance 3 percent
        // of 15,000 and 1.2 of 6,000 are required.
        venue.margins(&[("USDC", -5_000_000_000), ("SOL-PERP", 1_000_000), ("BTC-PERP", -10_000_000)])
    };
    let maintenance = "maintenance 3477.9999948";
    // 2 percent of 6,000 and 5 of 15,000, as long as open interest is at most 25 million.
    assert_eq!(at_open_interest("100"), [maintenance, "initial 3129.9999948"]);
    assert_eq!(at_open_interest("166666.6666"), [maintenance, "initial 3129.9999948"]);
    // 30 million: 5 + 0.2·95 = 24 percent.
    assert_eq!(at_open_interest("200000"), [maintenance, "initial 279.9999948"]);
    // 50 million and more: everything.
    assert_eq!(at_open_interest("333333.3334"), [maintenance, "initial -11120.0000052"]);
    assert_eq!(at_open_interest("400000"), [maintenance, "initial -11120.0000052"]);
}

/// A short position and a long one are required the same of.
#[test]
fn dydx_shorts_pay_the_surcharge_too() {
    let venue = Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units("200000", 4)]);
    let margins = venue.margins(&[("USDC", 20_000_000_000), ("SOL-PERP", -1_000_000)]);
    assert_eq!(margins, ["maintenance 4549.9999974", "initial 1399.9999974"]);
}

/// SOL and its mean, BTC and its mean, USDC and its mean.
fn drift(market: [&str; 6]) -> Venue {
    Venue::new("drift.toml", &market.map(|number| units(number, 6)))
}

/// `total collateral = Σ asset·asset weight + Σ profits`,
/// `requirement = Σ liability·liability weight + Σ |perpetual|·ratio`, and allowances of one, two, two and three
/// millionths.
///
/// At maintenance 2,500 + 20·150·0.9 - 0.02·60,000·1.1 - 1,500 - 75 = 2,305, of which 1,200 and 1,500 could be
/// liquidated, at 3.5 percent; with a buffer of a quarter 2,500 + 2,700 - 1,200 - 1,500 less 1.25·(120 + 75). At the
/// initial level assets count at the lower price and debts at the higher one: 2,500 + 20·149.5·0.8 - 0.02·60,500·1.2 -
/// 1,500 - 150.
#[test]
fn drift_weights_and_strict_prices() {
    let venue = drift(["150", "149.5", "60000", "60500", "1", "1"]);
    let account = [("USDC", 2_500_000_000), ("SOL", 20_000_000), ("BTC", -2_000_000), ("DRIFT-SOL-PERP", -100_000)];
    let expected =
        ["maintenance 2304.999992", "initial 1789.999992", "maintenance-1.25x 2256.249992", "liquidated 2210.499992"];
    assert_eq!(venue.margins(&account), expected);
    let charges: Vec<_> =
        venue.evaluations(&account)[3].charges.iter().map(|c| format!("{} {}", c.name, c.amount)).collect();
    assert_eq!(
        charges,
        [
            "allowance for USDC 0.000001",
            "allowance for SOL 0.000002",
            "liability weight of BTC 120",
            "liquidation of BTC 42",
            "allowance for BTC 0.000002",
            "margin of DRIFT-SOL-PERP 75",
            "liquidation of DRIFT-SOL-PERP 52.5",
            "allowance for DRIFT-SOL-PERP 0.000003"
        ]
    );
}

/// USDC at 1 with a mean of 0.998: 5,000·0.998 - 20·150.5·1.2 + 10·150·0.998 - 1,400·1, less a tenth of 1,497, the
/// surcharge 10·150·0.002, and seven millionths. The profit is 99.8.
#[test]
fn drift_counts_usdc_at_its_strict_price() {
    let venue = drift(["150", "150.5", "60000", "60000", "1", "0.998"]);
    let account = [
        ("USDC", 5_000_000_000),
        ("SOL", -20_000_000),
        ("DRIFT-SOL-PERP", 100_000),
        ("DRIFT-SOL-QUOTE", -1_400_000_000),
    ];
    assert_eq!(venue.margins(&account)[1], "initial 1322.299993");
}

/// A profit counts in full at maintenance, and for 100 at the initial level; a loss counts in full at both.
#[test]
fn drift_caps_profits_that_are_not_settled() {
    let venue = drift(["150", "150", "60000", "60000", "1", "1"]);
    let margins = |quote: i128| {
        let account = [("USDC", 1_000_000_000), ("DRIFT-SOL-PERP", 100_000), ("DRIFT-SOL-QUOTE", quote)];
        venue.margins(&account)[..2].to_vec()
    };
    // 1,000 + 1,500 - 400 - 75 and 1,000 + 100 - 150.
    assert_eq!(margins(-400_000_000), ["maintenance 2024.999995", "initial 949.999995"]);
    // 1,000 + 1,500 - 2,000 - 75 and 1,000 + 1,500 - 2,000 - 150.
    assert_eq!(margins(-2_000_000_000), ["maintenance 424.999995", "initial 349.999995"]);
}

/// 500,000 at 82.5 percent and 499,000 at 79.5 against 809,200: the exact sum is 809,205, and the average, 81.0015
/// percent, is cut to 81, of which 809,190 are left.
#[test]
fn rejects_a_debt_that_only_an_average_that_is_not_cut_would_bear() {
    let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
    let file = text("aave.toml").replace("{ maintenance = 830_000,", "{ maintenance = 825_000,");
    let file =
        file.replace("{ maintenance = 780_000, initial = 750_000 }", "{ maintenance = 795_000, initial = 750_000 }");
    let is_sufficient = |file: &str, debt: i128| {
        let policy = Policy::read("aave.toml", file, &universe).unwrap();
        let market = [["2500", "1", "0.5"].map(|price| units(price, 8)).to_vec(), vec![units("1", 18); 7]].concat();
        let account = [("aWETH", 20_000_000_000), ("aUSDC", 499_000_000_000), ("debt-USDC", -debt)];
        aave().under(policy).at(&market).is_sufficient("maintenance", &account)
    };
    let exact = file.replace("average_step = 100\n", "");
    assert!(is_sufficient(&exact, 809_200_000_000));
    assert!(!is_sufficient(&file, 809_200_000_000));
    // Each weight less a basis point leaves 809,105.10, less the allowances.
    assert!(!is_sufficient(&file, 809_105_100_000));
    assert!(is_sufficient(&file, 809_105_099_990));
}

/// Nothing held needs nothing: an allowance is only required of what is there.
#[test]
fn allowances_are_for_balances_that_there_are() {
    let venue = Venue::new("dydx.toml", &[units("60000", 5), units("150", 5), units("100", 4)]);
    assert_eq!(venue.margins(&[]), ["maintenance 0", "initial 0"]);
    // 0.0006 of BTC and 0.000002, less 1.2 percent and 0.0000026.
    assert_eq!(venue.margins(&[("BTC-PERP", 1), ("USDC", 2)])[0], "maintenance 0.0005922");
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
        ("aave.toml", "0x21b18030ff17f40778d40fc359b35a506c13b072b194c12d8e5ca3fb25749d45"),
        ("compound.toml", "0x9db9312aad2f282a8d0e605f96638af211c73c09f593ab6a66e1708a9dac686c"),
        ("dydx.toml", "0x4ba1cc4cbb827909cf6dddaf1c7cf81556af6d5e1d832b93d58fe6dfda19ece4"),
        ("drift.toml", "0x51664b06b105dfed57c5047a6b1d8b2e3c7f7e55b12917bbb83c04a141e13086"),
    ] {
        let policy = Policy::from_toml(name, &text(name)).unwrap();
        assert_eq!(keccak256(canonical::encode(&policy).unwrap()).to_string(), expected, "{name}");
    }
}

/// Attack: two files of one policy with two identifiers, one of which spells out what the other leaves out. Some
/// defaults are written and some are not, and none both ways.
#[test]
fn rejects_a_second_encoding_of_what_is_left_out() {
    let plain = text("dydx.toml");
    let encoding = |text: &str| canonical::encode(&Policy::from_toml("dydx.toml", text).unwrap()).unwrap();
    let spelt_out = [
        ("surcharge =", "liability = { maintenance = 1_000_000, initial = 1_000_000 }\nsurcharge ="),
        ("surcharge =", "weight = { maintenance = 1_000_000, initial = 1_000_000 }\nsurcharge ="),
        ("surcharge =", "tiers = []\nsurcharge ="),
        ("type = \"cross\"", "type = \"cross\"\nprofits = []"),
        ("allowance = \"0.0000026\"", "allowance = \"00.00000260\""),
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
            &["model.modes[2].model.assets[0].price: expected the name of a market entry of the policy, found \
                 aCRV-EUR"],
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
    let place =
        "model.modes[0].model.positions[1].liability: expected weights with initial >= maintenance >= 100 %, found";
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
        &[&format!("model.modes[1].model.positions[2].debt_spread: {expected} BTC")],
    );
    refused(
        "dydx.toml",
        "surcharge = \"SOL-SURCHARGE\"",
        "surcharge = \"SOL\"",
        &[&format!("model.positions[2].surcharge: {expected} SOL")],
    );
}

#[test]
fn rejects_allowances_that_are_none() {
    let expected = "a positive decimal number in a string, with at most 18 decimals and below 2^64 without its point";
    for wrong in ["0", "0.000", "-1", "5.", "", "2 %", "0.0000000000000000001", "18446744073709551616"] {
        let to = format!("allowance = \"{wrong}\"");
        let message = format!("model.positions[1].allowance: expected {expected}, found {wrong:?}");
        refused("dydx.toml", "allowance = \"0.0000026\"", &to, &[&message]);
    }
    for wrong in ["1e-6", ".5"] {
        let expected = "a decimal number such as \"0.0125\" or a percentage such as \"1.25 %\"";
        let message = format!("model.positions[1].allowance: expected {expected}, found {wrong:?}");
        refused("dydx.toml", "allowance = \"0.0000026\"", &format!("allowance = \"{wrong}\""), &[&message]);
    }
}

/// An average is over all collateral, so that a weight would have to be lowered to less than nothing.
#[test]
fn rejects_weights_below_the_step_of_their_average() {
    refused(
        "aave.toml",
        "weight = { maintenance = 780_000, initial = 750_000 }",
        "weight = { maintenance = 780_000, initial = 99 }",
        &["model.modes[0].model.assets[2].weight: expected weights of at least the average_step, 0.01 %, or of zero \
             at both \
           bases, found initial 0.0099 %, maintenance 78 %"],
    );
}

/// Attack: beyond the end of a ladder nothing counts, of which no step can be taken off.
#[test]
fn rejects_averages_of_ladders() {
    refused(
        "aave.toml",
        "weight = { maintenance = 780_000, initial = 750_000 }",
        "tiers = [{ up_to = 1000, weight = { maintenance = 780_000, initial = 750_000 } }]",
        &["model.modes[0].model.assets[2]: expected the key `weight` beside an average_step, and neither `tiers` nor \
           `liquidity`, found another"],
    );
}

/// Where all collateral has one weight, the average is that weight, cut to whole steps.
#[test]
fn a_single_weight_is_cut_unless_it_is_a_number_of_steps() {
    let universe = sample::universe(9, 2);
    let both = |ppm: u32| ByBasis { maintenance: Ppm(ppm), initial: Ppm(ppm) };
    let margin = |weight: u32| {
        let asset = |i: usize| Asset {
            instrument: universe.instruments[i].name.clone(),
            price: (i > 0).then(|| Name::new("p1").unwrap()),
            debt_spread: None,
            short: i == 0,
            weight: Some(both(if i == 0 { 0 } else { weight })),
            tiers: Vec::new(),
            tiering: Default::default(),
            liquidity: None,
            allowance: None,
        };
        let model = Collateral { assets: vec![asset(0), asset(1)], average_step: Ppm(10_000) };
        let policy = sample::policy(&universe, 2, Model::Collateral(model));
        let position = Position::from_lots(vec![Lots::default(), Lots::new(10_000).unwrap()]);
        let prices = [Price::new(10_000).unwrap()];
        let evaluation = evaluate(&policy, &universe, &policy.levels[0], &position, &prices).unwrap();
        evaluation.margin.to_string()
    };
    assert_eq!(margin(820_000), "82");
    assert_eq!(margin(825_000), "81.5");
}

#[test]
fn rejects_profits_of_positions_that_are_weighted_twice() {
    let instruments = "instruments = [\"DRIFT-SOL-PERP\", \"DRIFT-SOL-QUOTE\"]";
    let expected = "expected a position of the model without a weight and tiers of its own, found";
    for name in ["SOL", "ETH"] {
        let problem = format!("model.modes[1].model.profits[0].instruments[1]: {expected} {name}");
        refused("drift.toml", instruments, &format!("instruments = [\"DRIFT-SOL-PERP\", \"{name}\"]"), &[&problem]);
    }
    refused(
        "drift.toml",
        instruments,
        "instruments = [\"DRIFT-SOL-PERP\", \"DRIFT-SOL-PERP\"]",
        &["model.modes[1].model.profits: expected each instrument in one profit, found DRIFT-SOL-PERP again"],
    );
    let expected = "expected no such key: a sum of several instruments has no number of units, found one";
    let place = "model.modes[1].model.profits[0].tiers[0].up_to_units";
    refused("drift.toml", "up_to = \"100\"", "up_to_units = \"100\"", &[&format!("{place}: {expected}")]);
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
