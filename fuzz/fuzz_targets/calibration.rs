//! A calibration and a price history: what comes of the example's policies are policies that pass every check.
//!
//! The input is a calibration in TOML, a zero byte, and a history in CSV.

#![no_main]

use std::{hint::black_box, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use surety_calibration::{
    backtest::backtest,
    calibration::Calibration,
    history::{History, Selection},
    parameters::calibrate,
    report::calibration_report,
};
use surety_fuzz::{bounded, demo::DEMO, survives};
use surety_margin::policy::Policy;

static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    [include_str!("../../examples/policy.toml"), include_str!("../../examples/policy-cross.toml")]
        .map(|text| Policy::read("policy", text, &DEMO.universe).unwrap())
});

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    let (calibration, history) = text.split_once('\0').unwrap_or((text, ""));
    let history = match History::read("history", history, &Selection::default(), &mut Vec::new()) {
        Ok(history) => history,
        Err(errors) => return assert!(!errors.to_string().is_empty()),
    };
    let Ok(calibration) = Calibration::read("calibration", calibration, &history, None) else { return };
    survives(&calibration);
    black_box(backtest(&calibration, &history));
    for policy in &*POLICIES {
        if let Ok(calibrated) = calibrate(&calibration, &history, policy, &DEMO.universe) {
            black_box(calibration_report(&calibration, &history, &calibrated));
            assert_eq!(calibrated.policy.check(&DEMO.universe), []);
            survives(&calibrated.policy);
        }
    }
}));
