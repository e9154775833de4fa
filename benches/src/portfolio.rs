//! A book of options that is made up here, as a case to import.

use serde_json::{Value, json};
use surety_core::ident::Bytes32;
use surety_import::{Import, Parties, derive_pm2};

/// Options at strikes around 3,000 over as many expiries a week apart, a perpetual and two kinds of collateral, with
/// the venue's usual parameters.
pub(crate) fn book(options: usize, expiries: usize, srs: Bytes32) -> Import {
    let case = json!({ "Scenario": scenario(options, expiries), "Parameters": parameters() });
    derive_pm2::import(&case.to_string(), srs, &Parties::default()).unwrap()
}

fn scenario(options: usize, expiries: usize) -> Value {
    let seconds = |expiry: usize| 604_800 * (expiry + 1);
    let option = |i: usize| {
        json!({
            "Expiry": seconds(i % expiries), "Strike": 2_000 + 25 * i,
            "IsCall": i / 7 % 2, "MarkVol": 0.5 + 0.004 * i as f64,
            "Amount": format!(
                "{}{}.{:010}",
                if i.is_multiple_of(3) { "-" } else { "" }, 1 + i % 9, 1_234_567_891_u64 + 7 * i as u64
            ),
        })
    };
    let feed = |expiry: usize| json!({ "FeedExpiry": seconds(expiry), "Forward": 3_000 + 9 * expiry, "Rate": 0.06 });
    let collateral = |name: &str, price: f64, cancelling: bool| {
        json!({
            "Name": name, "Amount": 12.3456789, "Price": price, "IsRiskCancelling": cancelling, "MMHaircut": 0.05,
            "IMHaircut": 0.02,
        })
    };
    json!({
        "Cash": 9_000_000, "SpotPrice": 3_000, "StablePrice": 1, "NumPerps": -3.5, "PerpPrice": 3_001,
        "Collaterals": [collateral("ETH", 3_000.0, true), collateral("BTC", 90_000.0, false)],
        "Options": (0..options).map(option).collect::<Vec<_>>(),
        "OptionFeeds": (0..expiries).map(feed).collect::<Vec<_>>(),
    })
}

/// 31 scenarios: 23 moves, 6 tails, 2 skews.
fn parameters() -> Value {
    let scenario = |spot: f64, vol: &str, dampening: f64| {
        json!({
            "SpotShock": spot, "VolShockDirection": vol, "DampeningFactor": dampening
        })
    };
    let steps = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0].map(|step: f64| 1.0 + 0.045 * step);
    let moves = steps.iter().flat_map(|spot| ["Up", "None", "Down"].map(|vol| scenario(*spot, vol, 1.0)));
    let ends = [0.82, 1.18].map(|spot| scenario(spot, "Up", 1.0));
    let tails = [(0.34, 0.05), (0.67, 0.1), (1.5, 0.07), (2.0, 0.03), (3.0, 0.02), (4.0, 0.01)];
    let tails = tails.map(|(spot, dampening)| scenario(spot, "Up", dampening));
    let skews = ["LINEAR", "ABS"].map(|vol| scenario(1.0, vol, 1.0));
    json!({
        "Scenarios": moves.chain(ends).chain(tails).chain(skews).collect::<Vec<_>>(),
        "SkewShock": {
            "LINEAR_SCALE_CAP": 0.15, "LINEAR_CBASE": -0.05,
            "ABS_SCALE_CAP": 0.15, "ABS_CBASE": -0.05, "MIN_K_STAR": 0.01,
            "MIN_WIDTH_SCALE": 4, "VOL_PARAM_STATIC": 0.6, "VOL_PARAM_SCALE": -0.1,
        },
        "VolShock": {
            "VOLRANGEUP": 0.5, "VOLRANGEDOWN": 0.275, "MIN_VOL_EVAL_SHOCKED": 0.45, "SHORTTERMPOWER": 0.3,
            "LONGTERMPOWER": 0.13, "DTE_FLOOR": 1,
        },
        "Margin": {
            "MM_LOSS_FACTOR": 0.8, "IM_LOSS_FACTOR": 1, "SHORT_RATE_MULTSCALE": 0.5, "LONG_RATE_MULTSCALE": 1,
            "SHORT_RATE_ADDSCALE": 0.08, "LONG_RATE_ADDSCALE": 0.08, "BASE_STATIC_DISCOUNT": 0.95,
            "BASE_STATIC_DISCOUNT_NEG": 1.04,
        },
        "BasisContingency": {
            "SCENARIO_SPOT_UP": 1.045, "SCENARIO_SPOT_DOWN": 0.955,
            "BASIS_CONT_ADD_FACTOR": 0.5, "BASIS_CONT_MULT_FACTOR": 2,
        },
        "OtherContingency": {
            "PEG_LOSS_THRESHOLD": 0.98, "PEG_LOSS_FACTOR": 2, "CONF_THRESHOLD": 0.55, "CONF_MARGIN": 1,
            "MM_PERP_PERCENT": 0.015, "IM_PERP_PERCENT": 0.005, "MM_OPTION_PERCENT": 0.003, "IM_OPTION_PERCENT": 0.002,
        },
    })
}
