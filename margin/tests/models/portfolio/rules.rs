//! Rules one by one, and random accounts, on books that are made up here.

use alloy_primitives::{I256, keccak256};
use proptest::prelude::*;
use serde_json::{Value, json};
use surety_core::{
    capacity::Capacity,
    ident::Name,
    units::{Lots, Ppm},
};
use surety_import::derive_pm2::case::Case;
use surety_margin::{
    holdings::Position,
    level::Basis,
    models::derive::{DeriveError, Quantity, Schema},
};

use super::account::{Account, LEVELS};

/// A case in the form of the published ones: options at two expiries, a perpetual, two kinds of collateral.
pub(crate) fn book() -> Value {
    let option = |expiry: u64, strike: &str, call: u8, vol: f64, amount: &str| {
        json!({
            "Expiry": expiry, "ExiryTs": 1_800_000_000 + expiry,
            "Strike": strike, "IsCall": call, "MarkVol": vol, "Amount": amount
        })
    };
    let feed = |expiry: u64, forward: f64, rate: f64| {
        json!({
            "FeedExpiry": expiry, "Forward": forward, "ForwardConfidence": 1, "Rate": rate, "RateConfidence": "1.0",
            "OptionVolConfidences": 0.9
        })
    };
    let collateral = |name: &str, amount: &str, price: f64, cancelling: bool| {
        json!({
            "Name": name, "Amount": amount, "Price": price, "Confidence": 1, "IsRiskCancelling": cancelling,
            "IMHaircut": 0.05, "MMHaircut": 1.5e-1
        })
    };
    let scenario = |spot: f64, vol: &str, dampening: f64| {
        json!({
            "SpotShock": spot, "VolShockDirection": vol, "DampeningFactor": dampening
        })
    };
    json!({
        "Scenario": {
            "Cash": "1234.5", "UnrealisedPerpPNL": -20, "UnrealisedFunding": 0.25,
            "SpotPrice": 3000, "SpotConfidence": 1, "StablePrice": 0.97,
            "NumPerps": -1.5, "PerpPrice": 3001.5, "PerpConfidence": 0.8,
            "Collaterals": [collateral("WETH", "2", 3000.0, true), collateral("DAI", "500", 1.0, false)],
            "Options": [
                option(864_000, "3000", 1, 0.6, "-2"), option(864_000, "3000", 0, 0.6, "1"),
                option(864_000, "3300", 1, 0.65, "3.25"), option(7_776_000, "2500", 0, 0.7, "-4"),
            ],
            "OptionFeeds": [feed(864_000, 3010.0, 0.05), feed(7_776_000, 3100.0, 0.08)],
        },
        "Parameters": {
            "Scenarios": [
                scenario(1.15, "Up", 1.0), scenario(0.85, "Up", 1.0), scenario(1.0, "Down", 1.0),
                scenario(1.05, "None", 1.0), scenario(2.0, "Up", 0.1),
                scenario(1.0, "LINEAR", 1.0), scenario(1.0, "ABS", 1.0),
            ],
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
                "MM_PERP_PERCENT": 0.015, "IM_PERP_PERCENT": 0.005,
                "MM_OPTION_PERCENT": 0.003, "IM_OPTION_PERCENT": 0.002
            }
        }
    })
}

/// The derived value of a quantity, in its unit.
fn value_of(account: &Account, wanted: &str) -> f64 {
    let schema = account.schema();
    let at = schema.entries().iter().position(|entry| entry.quantity.to_string() == wanted);
    let at = at.unwrap_or_else(|| panic!("there is no {wanted}"));
    account.derived().values()[at].get() as f64 / libm::pow(10.0, schema.entries()[at].decimals.get().into())
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "found {found}, expected {expected}");
}

/// All of them in one hash: a change of one bit of one value on any machine fails.
#[test]
fn derived_values_are_pinned() {
    let account = Account::new(&book().to_string());
    let text: String = account
        .schema()
        .entries()
        .iter()
        .zip(account.derived().values())
        .map(|(entry, value)| format!("{} {value}\n", entry.quantity))
        .collect();
    assert_eq!(
        keccak256(&text).to_string(),
        "0x9709465e0ce446851c6cd8f1c69090466a0ea9fbc82005ba8463724731a24a88",
        "{text}"
    );
}

#[test]
fn entries_have_names_of_their_own() {
    let account = Account::new(&book().to_string());
    let schema = account.schema();
    let names: std::collections::BTreeSet<_> =
        schema.entries().iter().map(|entry| Name::new(entry.quantity.to_string()).unwrap()).collect();
    assert_eq!(names.len(), schema.entries().len());
    assert!(schema.entries().windows(2).all(|pair| pair[0].quantity < pair[1].quantity));
}

#[test]
fn only_what_is_left_of_the_average_moves_with_the_spot() {
    let mut last = book();
    last["Scenario"]["OptionFeeds"][0]["FeedExpiry"] = json!(900);
    for option in 0..3 {
        last["Scenario"]["Options"][option]["Expiry"] = json!(900);
        last["Scenario"]["Options"][option]["MarkVol"] = json!(0);
        last["Parameters"]["VolShock"]["MIN_VOL_EVAL_SHOCKED"] = json!(0);
    }
    let account = Account::new(&last.to_string());
    // Half of the forward of 3010 rises by 15 percent; without volatility the call of 3000 is worth the difference.
    let discount = libm::exp(-0.05 * 900.0 / 31_536_000.0);
    assert_close(value_of(&account, "value.0.0.0"), 10.0 * discount);
    assert_close(value_of(&account, "value.3.0.0"), (10.0 + 1505.0 * 0.15) * discount);
}

#[test]
fn an_expired_option_is_worth_its_intrinsic_value() {
    let mut expired = book();
    expired["Scenario"]["OptionFeeds"][0]["FeedExpiry"] = json!(0);
    for option in 0..3 {
        expired["Scenario"]["Options"][option]["Expiry"] = json!(0);
    }
    let account = Account::new(&expired.to_string());
    for (option, value) in [(0, 10.0), (1, 0.0), (2, 0.0)] {
        for revaluation in 0..6 {
            assert_close(value_of(&account, &format!("value.{revaluation}.0.{option}")), value);
        }
    }
}

#[test]
fn a_negative_rate_counts_as_zero() {
    let with_rate = |rate: f64| {
        let mut book = book();
        book["Scenario"]["OptionFeeds"][0]["Rate"] = json!(rate);
        Account::new(&book.to_string()).derived()
    };
    assert_eq!(with_rate(-0.3), with_rate(0.0));
    assert_ne!(with_rate(0.3), with_rate(0.0));
}

#[test]
fn naked_shorts_net_calls_and_puts_of_a_strike() {
    // At 3000 the call of -2 and the put of 1 leave 1; at 2500 the put of -4 is naked.
    let account = Account::new(&book().to_string());
    assert_close(account.shown(account.evaluate(Basis::Maintenance).charges.naked_shorts), 5.0 * 3000.0 * 0.003);
    assert_close(account.shown(account.evaluate(Basis::Initial).charges.naked_shorts), 5.0 * 3000.0 * 0.005);
}

#[test]
fn prices_of_little_confidence_cost_at_the_initial_level() {
    let mut doubtful = book();
    doubtful["Scenario"]["PerpConfidence"] = json!(0.5);
    doubtful["Scenario"]["Collaterals"][1]["Confidence"] = json!(0.4);
    let account = Account::new(&doubtful.to_string());
    let gross_options = 2.0 + 1.0 + 3.25 + 4.0;
    let expected = 0.5 * 3000.0 * (1.5 + gross_options) + 0.6 * 500.0 / 0.97;
    assert_close(account.shown(account.evaluate(Basis::Initial).charges.confidence), expected);
    assert_eq!(account.evaluate(Basis::Maintenance).charges.confidence, I256::ZERO);
    // Who has no perpetual does not care.
    doubtful["Scenario"]["NumPerps"] = json!(0);
    let account = Account::new(&doubtful.to_string());
    assert_eq!(account.case.model.perpetual, None);
    assert_close(account.shown(account.evaluate(Basis::Initial).charges.confidence), 0.6 * 500.0 / 0.97);
}

/// One policy for accounts with and without perpetuals: the confidence of their price is charged where there is any.
#[test]
fn the_confidence_of_the_perpetual_counts_where_there_is_any() {
    let mut doubtful = book();
    doubtful["Scenario"]["PerpConfidence"] = json!(0.5);
    let mut account = Account::new(&doubtful.to_string());
    let place = account.universe.position(&account.case.model.perpetual.as_ref().unwrap().instrument).unwrap();
    let (options, one_lot) = (2.0 + 1.0 + 3.25 + 4.0, Lots::new(1).unwrap());
    let lots_of_a_unit = libm::pow(10.0, account.universe.instruments[place].lot_decimals.get().into());
    let program = account.program(Basis::Initial, Ppm::ONE);
    for (lots, perpetuals, counts) in [(Lots::default(), 0.0, false), (one_lot, 1.0 / lots_of_a_unit, true)] {
        account.case.holdings[place] = lots;
        let found = account.evaluate(Basis::Initial);
        let expected = if counts { 0.5 * 3000.0 * (options + perpetuals) } else { 0.0 };
        assert_close(account.shown(found.charges.confidence), expected);
        let derived = account.derived();
        let solved = |position: &Position| program.solve(position, derived.values()).is_ok();
        assert_eq!(account.at_the_boundary(&found, Ppm::ONE).each_ref().map(solved), [true, false], "{counts}");
    }
}

#[test]
fn a_lost_peg_raises_the_initial_loss_factor() {
    let account = Account::new(&book().to_string());
    assert_eq!(account.derived().loss_factor(Basis::Initial), 1_020_000_000_000_000);
    assert_eq!(account.derived().loss_factor(Basis::Maintenance), 800_000_000_000_000);
}

#[test]
fn rejects_gains_that_count_more_than_losses_unless_they_may() {
    let mut steep = book();
    steep["Parameters"]["Margin"]["BASE_STATIC_DISCOUNT"] = json!(1.3);
    let mut account = Account::new(&steep.to_string());
    assert!(account.schema().derive(&account.feeds()).is_ok());
    account.case.model.parameters.losses.gains_may_exceed = false;
    let error = account.schema().derive(&account.feeds()).unwrap_err();
    assert!(error.to_string().contains("gains_may_exceed"), "{error}");
}

#[test]
fn rejects_values_beyond_their_entries() {
    let account = Account::new(&book().to_string());
    let mut feeds = account.feeds();
    feeds.expiries[0].forward.value = serde_json::from_value(json!("3000000000")).unwrap();
    let error = account.schema().derive(&feeds).unwrap_err();
    assert!(matches!(error, DeriveError::TooLarge { quantity: Quantity::OptionValue { .. }, .. }), "{error}");
}

#[test]
fn rejects_feeds_that_do_not_suit_the_model() {
    let account = Account::new(&book().to_string());
    let mut feeds = account.feeds();
    feeds.expiries[1].volatilities.pop();
    feeds.collateral.pop();
    feeds.perpetual = None;
    feeds.spot.confidence = serde_json::from_value(json!("1.1")).unwrap();
    feeds.stable = serde_json::from_value(json!("0")).unwrap();
    let error = account.schema().derive(&feeds).unwrap_err().to_string();
    for place in ["expiries[1].volatilities", "collateral", "perpetual", "spot", "stable"] {
        assert!(error.contains(&format!("{place}: expected")), "{place}: {error}");
    }
}

#[test]
fn rejects_a_skew_without_width() {
    let mut flat = book();
    flat["Parameters"]["SkewShock"]["MIN_K_STAR"] = json!(0);
    flat["Parameters"]["SkewShock"]["MIN_WIDTH_SCALE"] = json!(0);
    flat["Scenario"]["OptionFeeds"][0]["Forward"] = json!(3000);
    let account = Account::new(&flat.to_string());
    let error = account.schema().derive(&account.feeds()).unwrap_err();
    assert!(matches!(error, DeriveError::Pricing { .. }), "{error}");
}

#[test]
fn rejects_texts_that_are_no_cases() {
    let broken = |change: &dyn Fn(&mut Value)| {
        let mut book = book();
        change(&mut book);
        Case::read(&book.to_string()).unwrap_err().to_string()
    };
    assert!(broken(&|book| book["Scenario"]["SpotPrice"] = json!(-1)).contains("not negative"));
    assert!(broken(&|book| book["Scenario"]["SpotPrice"] = json!("three")).contains("number"));
    assert!(broken(&|book| book["Scenario"]["Options"][0]["Expiry"] = json!(1)).contains("OptionFeeds"));
    assert!(broken(&|book| book["Scenario"]["Options"][0]["IsCall"] = json!(2)).contains("true, false"));
    assert!(broken(&|book| book["Scenario"]["StablePrice"] = json!(0)).contains("StablePrice"));
    assert!(
        broken(&|book| book["Parameters"]["Scenarios"][0]["VolShockDirection"] = json!("Sideways"))
            .contains("Sideways")
    );
    // An amount is not repeated.
    assert!(!broken(&|book| book["Scenario"]["Cash"] = json!("98765x")).contains("98765"));
}

#[test]
fn rejects_parameters_that_are_no_model() {
    let mut sure = book();
    sure["Parameters"]["Scenarios"] = json!([]);
    sure["Parameters"]["OtherContingency"]["CONF_THRESHOLD"] = json!(1.5);
    let account = Account::new(&sure.to_string());
    let problems = Schema::new(&account.case.model, &account.universe).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["model.parameters.scenarios", "model.parameters.contingency.confidence_threshold"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Amounts of options, perpetuals and collateral, and the margin decided to one lot of cash, at both levels, also
    /// where a value and its mark have different signs.
    #[test]
    fn programs_agree_with_the_evaluation(
        options in prop::array::uniform4(-400_i128..400),
        perpetual in -100_i128..100,
        collateral in prop::array::uniform2(0_i128..5),
        multiple in prop::sample::select(vec![1_000_000_u32, 1_250_000]),
        vols in prop::array::uniform4(1_u32..30),
    ) {
        let mut book = book();
        for (i, vol) in vols.iter().enumerate() {
            book["Scenario"]["Options"][i]["MarkVol"] = json!(f64::from(*vol) / 10.0);
        }
        let mut account = Account::new(&book.to_string());
        account.universe.instruments.iter_mut().skip(1).for_each(|it| it.max_lots = Lots::new(1_000).unwrap());
        let hidden = [perpetual].into_iter().chain(collateral).chain(options);
        for (place, amount) in account.case.holdings[3..].iter_mut().zip(hidden) {
            *place = Lots::new(amount).unwrap();
        }
        let derived = account.derived();
        let prices = derived.values();
        for basis in LEVELS {
            let program = account.program(basis, Ppm(multiple));
            let [enough, short] = account.at_the_boundary(&account.evaluate(basis), Ppm(multiple));
            prop_assert!(program.solve(&enough, prices).is_ok());
            prop_assert!(program.solve(&short, prices).is_err());
        }
    }
}

/// By hand: 1.5 perpetuals and 2 + 1 + 3.25 + 4 options on an underlying at 3,000.
#[test]
fn a_liquidation_costs_a_fraction_of_the_underlying() {
    let account = Account::new(&book().to_string());
    let capacity = Capacity::new(13).unwrap();
    let (multiple, cost) = (Ppm(1_250_000), Ppm(12_345));
    for basis in LEVELS {
        let found = account.evaluate(basis);
        assert!((account.shown(found.underlying) - 35_250.0).abs() < 1e-6);
        let program = account.compile_liquidated(capacity, basis, multiple, cost).unwrap();
        let [enough, one_lot_less] = account.at_the_liquidated_boundary(&found, multiple, cost);
        let prices = account.derived();
        assert!(program.solve(&enough, prices.values()).is_ok());
        assert!(program.solve(&one_lot_less, prices.values()).is_err());
    }
}
