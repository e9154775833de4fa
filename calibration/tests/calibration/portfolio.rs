//! Portfolio margin: moves of volatility and haircuts, of a policy that is made of a made-up case.

use proptest::prelude::*;
use serde_json::{Value, json};
use surety_calibration::{
    calibration::Calibration,
    history::History,
    parameters::{Calibrated, calibrate},
    report::calibration_report,
};
use surety_core::{
    decimal::{Decimal, Magnitude},
    ident::{Bytes32, Name},
    text::Document as _,
};
use surety_import::{Import, Parties, derive_pm2};
use surety_margin::{
    compile::compile,
    evaluate::evaluate,
    models::{
        Bucket, Isolated, Mode, Model, Modes,
        derive::{Haircut, PortfolioMargin},
    },
    oracle::market_without_reports,
    policy::Policy,
    universe::Universe,
};

use crate::synthetic;

/// A case in the form of the published ones: two options, long and short, and collateral.
fn case() -> Value {
    let option = |strike: &str, call: u8, amount: &str| {
        json!({
            "Expiry": 864_000, "ExiryTs": 1_800_864_000,
            "Strike": strike, "IsCall": call, "MarkVol": 0.6, "Amount": amount
        })
    };
    let scenario =
        |spot: f64, vol: &str| json!({ "SpotShock": spot, "VolShockDirection": vol, "DampeningFactor": 1.0 });
    json!({
        "Scenario": {
            "Cash": "5000", "UnrealisedPerpPNL": 0, "UnrealisedFunding": 0,
            "SpotPrice": 3000, "SpotConfidence": 1, "StablePrice": 1,
            "Collaterals": [{
                "Name": "WETH", "Amount": "2", "Price": 3000, "Confidence": 1, "IsRiskCancelling": true,
                "IMHaircut": "0.020000000000000004", "MMHaircut": 0.08
            }],
            "Options": [option("3000", 1, "-2"), option("2800", 0, "-1")],
            "OptionFeeds": [{
                "FeedExpiry": 864_000, "Forward": 3010, "ForwardConfidence": 1, "Rate": 0.05, "RateConfidence": 1,
                "OptionVolConfidences": 0.9
            }],
        },
        "Parameters": {
            "Scenarios": [scenario(1.15, "Up"), scenario(0.85, "Up"), scenario(1.0, "Up"), scenario(1.0, "Down")],
            "SkewShock": {
                "LINEAR_SCALE_CAP": 0.2, "LINEAR_CBASE": -0.05, "ABS_SCALE_CAP": 0.2, "ABS_CBASE": -0.05,
                "MIN_K_STAR": 0.01, "MIN_WIDTH_SCALE": 4, "VOL_PARAM_STATIC": 0.6, "VOL_PARAM_SCALE": -0.1
            },
            "VolShock": {
                "VOLRANGEUP": 0.5, "VOLRANGEDOWN": 0.3, "MIN_VOL_EVAL_SHOCKED": 0.4, "SHORTTERMPOWER": 0.3,
                "LONGTERMPOWER": 0.13, "DTE_FLOOR": 1
            },
            "Margin": {
                "MM_LOSS_FACTOR": 0.8, "IM_LOSS_FACTOR": 1, "SHORT_RATE_MULTSCALE": 0.5, "LONG_RATE_MULTSCALE": 1,
                "SHORT_RATE_ADDSCALE": 0.08, "LONG_RATE_ADDSCALE": 0.08, "BASE_STATIC_DISCOUNT": 0.95,
                "BASE_STATIC_DISCOUNT_NEG": 1.04
            },
            "BasisContingency": {
                "SCENARIO_SPOT_UP": 1.05, "SCENARIO_SPOT_DOWN": 0.95, "BASIS_CONT_ADD_FACTOR": 0.5,
                "BASIS_CONT_MULT_FACTOR": 2
            },
            "OtherContingency": {
                "PEG_LOSS_THRESHOLD": 0.98, "PEG_LOSS_FACTOR": 2, "CONF_THRESHOLD": 0.55, "CONF_MARGIN": 1,
                "MM_PERP_PERCENT": 0.015, "IM_PERP_PERCENT": 0.005, "MM_OPTION_PERCENT": 0.003,
                "IM_OPTION_PERCENT": 0.002
            }
        }
    })
}

fn import() -> Import {
    derive_pm2::import(&case().to_string(), Bytes32::ZERO, &Parties::default()).unwrap()
}

fn collateral(model: &PortfolioMargin) -> &Name {
    &model.collateral[0].instrument
}

fn portfolio(model: &Model) -> &PortfolioMargin {
    match model {
        Model::Portfolio(model) => model,
        Model::Isolated(model) => portfolio(&model.buckets[0].model),
        Model::Modes(model) => portfolio(&model.modes[0].model),
        _ => panic!("portfolio margin"),
    }
}

/// How the case's policy follows from the history of `synthetic`, with steps that reach everything.
fn rules(policy: &Policy) -> String {
    format!(
        r#"
kind = "surety/calibration"
version = 1
policy = "{}"
estimator = "static"
confidence = 975_000
horizon = 5
window = 365
decay = 940_000
max_gap = 1

[limits]
grid = 1_000
stricter = 10_000_000
laxer = 1_000_000

[[haircuts]]
instrument = "{}"
column = "ETH-USD"
multiple = {{ maintenance = 1_000_000, initial = 1_250_000 }}
bounds = {{ floor = 50_000, cap = 900_000 }}

[[volatility_ranges]]
columns = ["BTC-USD", "ETH-USD"]
up = {{ multiple = 1_000_000, bounds = {{ floor = 50_000, cap = 2_000_000 }} }}
down = {{ multiple = 1_000_000, bounds = {{ floor = 50_000, cap = 1_000_000 }} }}
"#,
        policy.name,
        collateral(portfolio(&policy.model)),
    )
}

fn calibrated(rules: &str, history: &History, policy: &Policy, universe: &Universe) -> Calibrated {
    let rules = Calibration::read("c.toml", rules, history, Some(policy)).unwrap();
    calibrate(&rules, history, policy, universe).unwrap()
}

fn magnitude(ppm: i64) -> Magnitude {
    format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000).parse::<Decimal>().unwrap().try_into().unwrap()
}

/// The new requirements, by name.
fn requirements(calibrated: &Calibrated) -> Vec<(&str, i64)> {
    calibrated.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.change.new.0)).collect()
}

#[test]
fn a_policy_with_portfolio_margin_is_calibrated() {
    let Import { universe, policy, snapshot, holdings } = import();
    let history = synthetic::history(1);
    let text = rules(&policy);
    let new = calibrated(&text, &history, &policy, &universe);
    let name = collateral(portfolio(&policy.model));
    let found = requirements(&new);
    let [(maintenance, mm), (initial, im), (up, rise), (down, fall)] = found[..] else { panic!("{found:?}") };
    assert_eq!(
        [maintenance, initial, up, down],
        [
            &format!("haircut of {name}, maintenance"),
            &format!("haircut of {name}, initial"),
            "volatility range up",
            "volatility range down"
        ]
    );
    assert!(0 < mm && mm < im && im < 900_000 && 0 < rise && rise < 2_000_000 && 0 < fall && fall < rise, "{found:?}");
    let olds = new.parameters.iter().map(|parameter| parameter.change.old.unwrap().0);
    assert_eq!(olds.collect::<Vec<_>>(), [80_000, 100_001, 500_000, 300_000]);
    let model = portfolio(&new.policy.model);
    assert_eq!(
        model.collateral[0].haircut,
        Haircut { maintenance: magnitude(mm), initial: magnitude(im - mm) },
        "the initial part is what is added"
    );
    let shock = model.parameters.vol_shock;
    assert_eq!([shock.up, shock.down], [magnitude(rise), magnitude(fall)]);
    // Nothing else changes.
    let mut expected = policy.clone();
    let Model::Portfolio(expected_model) = &mut expected.model else { panic!("portfolio margin") };
    expected_model.collateral[0].haircut = model.collateral[0].haircut;
    expected_model.parameters.vol_shock = shock;
    assert_eq!(new.policy, expected);
    assert_eq!(Policy::read("new.toml", &new.policy.to_toml().unwrap(), &universe).unwrap(), new.policy);
    assert_eq!(compile(&new.policy, &universe).unwrap().len(), 2);
    let read = Calibration::read("c.toml", &text, &history, Some(&policy)).unwrap();
    assert_eq!(Calibration::from_toml("c.toml", &read.to_toml().unwrap()).unwrap(), read);
    let report = calibration_report(&read, &history, &new);
    assert!(report.contains("| volatility range up | BTC-USD, ETH-USD | 50.00 % |"), "{report}");
    // The account is short of volatility: stricter parameters leave less.
    let stricter =
        text.replace("1_000_000, bounds", "4_000_000, bounds").replace("{ floor = 50_000", "{ floor = 500_000");
    let stricter = calibrated(&stricter, &history, &policy, &universe).policy;
    let position = holdings.unwrap().position(&universe).unwrap();
    for level in 0..2 {
        let [margin, less] = [&new.policy, &stricter].map(|policy| {
            let prices = market_without_reports(policy, &universe, &snapshot).unwrap();
            evaluate(policy, &universe, &policy.levels[level], &position, &prices).unwrap().margin
        });
        let [margin, less] = [margin, less].map(|margin| margin.to_string().parse::<f64>().unwrap());
        assert!(less < margin, "{less} {margin}");
    }
}

#[test]
fn steps_are_limited_and_bounds_kept() {
    let Import { universe, policy, .. } = import();
    let history = synthetic::history(1);
    let limited = rules(&policy).replace("stricter = 10_000_000", "stricter = 50_000");
    let limited = limited.replace("laxer = 1_000_000", "laxer = 20_000");
    for (text, changes) in [
        (limited.clone(), [84_000, 105_000, 505_000, 294_000]),
        (
            limited.replace("floor = 50_000, cap = 900_000", "floor = 200_000, cap = 900_000"),
            [200_000, 200_000, 505_000, 294_000],
        ),
        (
            limited.replace("cap = 2_000_000", "cap = 100_000").replace("cap = 1_000_000", "cap = 50_000"),
            [84_000, 105_000, 100_000, 50_000],
        ),
    ] {
        let new = calibrated(&text, &history, &policy, &universe);
        assert_eq!(requirements(&new).into_iter().map(|(_, new)| new).collect::<Vec<_>>(), changes);
    }
}

/// The same parameters, whether the model is that of the policy, of a bucket or of a mode.
#[test]
fn portfolio_margin_is_found_in_buckets_and_modes() {
    let Import { universe, policy, .. } = import();
    let history = synthetic::history(1);
    let name = Name::new("options").unwrap();
    let bucket = Bucket { name: name.clone(), model: policy.model.clone() };
    let isolated = Policy { model: Model::Isolated(Isolated { buckets: vec![bucket] }), ..policy.clone() };
    let in_mode = |policy: &Policy| {
        let mode = Mode { name: name.clone(), model: policy.model.clone() };
        let mut policy = Policy { model: Model::Modes(Modes { modes: vec![mode] }), ..policy.clone() };
        policy.levels.iter_mut().for_each(|level| level.mode = Some(name.clone()));
        policy
    };
    let plain = rules(&policy);
    let with_bucket = plain.replace("[[volatility_ranges]]", "[[volatility_ranges]]\nbucket = \"options\"");
    let with_mode = |text: &str| text.replace("]]\n", "]]\nmode = \"options\"\n");
    let expected = calibrated(&plain, &history, &policy, &universe);
    for (policy, text, suffix) in [
        (isolated.clone(), with_bucket.clone(), " in bucket options"),
        (in_mode(&policy), with_mode(&plain), " in mode options"),
        (in_mode(&isolated), with_mode(&with_bucket), " in bucket options in mode options"),
    ] {
        let rules = Calibration::read("c.toml", &text, &history, Some(&policy)).unwrap();
        let found = calibrate(&rules, &history, &policy, &universe);
        let found = found.unwrap_or_else(|error| panic!("{suffix}: {error}"));
        assert_eq!(portfolio(&found.policy.model), portfolio(&expected.policy.model), "{suffix}");
        assert_eq!(found.parameters[2].name, format!("volatility range up{suffix}"));
    }
}

#[track_caller]
fn refused(policy: &Policy, text: &str, message: &str) {
    let error = Calibration::read("c", text, &synthetic::history(1), Some(policy)).unwrap_err().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn rejects_portfolio_margin_that_the_policy_does_not_have() {
    let policy = import().policy;
    let text = rules(&policy);
    let name = collateral(portfolio(&policy.model)).clone();
    refused(
        &policy,
        &text.replace(name.as_str(), "DOGE"),
        "haircuts[0].instrument: expected an instrument to which the policy gives one weight, found DOGE",
    );
    refused(
        &policy,
        &text.replace("[[volatility_ranges]]", "[[volatility_ranges]]\nmode = \"options\""),
        "volatility_ranges[0].mode: expected none, because the policy has no modes, found options",
    );
    refused(
        &policy,
        &text.replace("[[volatility_ranges]]", "[[volatility_ranges]]\nbucket = \"options\""),
        "volatility_ranges[0]: expected portfolio margin as the policy's model, or that of the bucket that is named, \
         found another model in bucket options",
    );
    let cross = crate::policy("policy-cross.toml");
    let (head, _) = text.split_once("[[haircuts]]").unwrap();
    let (_, ranges) = text.split_once("[[volatility_ranges]]").unwrap();
    let text = format!("{}[[volatility_ranges]]{ranges}", head.replace(policy.name.as_str(), cross.name.as_str()));
    refused(&cross, &text, "volatility_ranges[0]: expected portfolio margin as the policy's model");
    let mode = Mode { name: Name::new("a").unwrap(), model: cross.model.clone() };
    let modes = Policy { model: Model::Modes(Modes { modes: vec![mode] }), ..cross };
    refused(&modes, &text, "volatility_ranges[0].mode: expected a mode of the policy: a, found none");
}

#[test]
fn rejects_ranges_that_are_none() {
    let policy = import().policy;
    let text = rules(&policy);
    let refused = |from: &str, to: &str, message: &str| {
        assert!(text.contains(from), "{from}");
        refused(&policy, &text.replacen(from, to, 1), message);
    };
    refused(
        "down = { multiple = 1_000_000, bounds = { floor = 50_000, cap = 1_000_000",
        "down = { multiple = 1_000_000, bounds = { floor = 50_000, cap = 1_001_000",
        "volatility_ranges[0].down.bounds.cap: expected a multiple of the grid, which is 0.1 %, of at most 100 %",
    );
    refused(
        "up = { multiple = 1_000_000",
        "up = { multiple = 0",
        "volatility_ranges[0].up.multiple: expected from 0.0001 %",
    );
    refused(
        "[\"BTC-USD\", \"ETH-USD\"]",
        "[]",
        "volatility_ranges[0].columns: expected at least one column, found none",
    );
    refused(
        "[\"BTC-USD\", \"ETH-USD\"]",
        "[\"BTC-USD\", \"BTC-USD\"]",
        "volatility_ranges[0].columns[1]: expected each column once",
    );
    refused(
        "[\"BTC-USD\", \"ETH-USD\"]",
        "[\"BTC-USD\", \"XRP-USD\"]",
        "volatility_ranges[0].columns[1]: expected a column of the history: BTC-USD, ETH-USD, found XRP-USD",
    );
    let (_, again) = text.split_once("[[volatility_ranges]]").unwrap();
    let twice = format!("{text}[[volatility_ranges]]{again}");
    self::refused(&policy, &twice, "volatility_ranges[1]: expected each model once, found one again");
}

/// A history of two kinds of days, up and down in turn.
fn history(wild: &[bool], calm: u64, factor: u64) -> History {
    let mut price = 1_000_000_000_u64;
    let mut text = String::from("date,BTC-USD,ETH-USD\n");
    for (i, wild) in wild.iter().enumerate() {
        let moved = price / 10_000 * calm * if *wild { factor } else { 1 };
        price = if i % 2 == 0 { price + moved } else { price - moved };
        let day = format!("{}-{:02}-{:02}", 2_000 + i / 336, i % 336 / 28 + 1, i % 28 + 1);
        text += &format!("{day},{price},{price}\n");
    }
    crate::read_history("h.csv", &text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Wilder wild days: no haircut and no range is laxer by more than what the grid rounds, and initial haircuts are
    /// at least those of maintenance.
    #[test]
    fn a_more_volatile_history_is_never_laxer(
        wild in prop::collection::vec(any::<bool>(), 60),
        calm in 20_u64..200,
        factors in (1_u64..6, 1_u64..6),
    ) {
        let Import { universe, policy, .. } = import();
        let text = rules(&policy).replace("window = 365", "window = 59").replace("max_gap = 1", "max_gap = 4");
        let [less, more] = [factors.0.min(factors.1), factors.0.max(factors.1)]
            .map(|factor| calibrated(&text, &history(&wild, calm, factor), &policy, &universe));
        for ((name, less), (_, more)) in requirements(&less).into_iter().zip(requirements(&more)) {
            prop_assert!(more + 1_000 >= less, "{name}: {less} {more}");
        }
        let [maintenance, initial] = [requirements(&more)[0].1, requirements(&more)[1].1];
        prop_assert!(initial >= maintenance);
    }
}
