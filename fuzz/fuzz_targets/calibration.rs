//! A calibration and a price history: what comes of the example's policies are policies that pass every check.
//!
//! The input is a calibration in TOML, a zero byte, and a history in CSV.

#![no_main]

use std::{hint::black_box, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use surety_calibration::{
    backtest::walk::{Terms, walk},
    calibration::Calibration,
    history::{History, Quotes, Selection},
    parameters::{calibrate, tighten},
    predictive::{
        forecast::{Terms as ForecastTerms, forecasts},
        market::Memory,
        state::State,
    },
    record::Parameter,
    report::calibration_report,
};
use surety_core::{text::Document as _, units::Ppm};
use surety_fuzz::{bounded, demo::DEMO, survives};
use surety_margin::policy::Policy;

const FORECAST: ForecastTerms = ForecastTerms { confidence: Ppm(990_000), memory: Memory::FREE };

static POLICIES: LazyLock<[Policy; 2]> = LazyLock::new(|| {
    [include_str!("../../examples/policy.toml"), include_str!("../../examples/policy-cross.toml")]
        .map(|text| Policy::read("policy", text, &DEMO.universe).unwrap())
});

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    let (calibration, history) = text.split_once('\0').unwrap_or((text, ""));
    if let Ok(quotes) = Quotes::read("history", history, &Selection::default(), &mut Vec::new()) {
        let made = forecasts(&quotes, FORECAST, None).unwrap();
        let state = State::from_json("state", &made.state.to_json().unwrap()).unwrap();
        assert!(state == made.state && forecasts(&quotes, FORECAST, Some(&state)).unwrap().state == state);
    }
    let history = match History::read("history", history, &Selection::default(), &mut Vec::new()) {
        Ok(history) => history,
        Err(errors) => return assert!(!errors.to_string().is_empty()),
    };
    let Ok(calibration) = Calibration::read("calibration", calibration, &history, None) else { return };
    survives(&calibration);
    let terms = Terms { window: Some(calibration.window), limits: calibration.limits, ..Terms::default() };
    let _ = black_box(walk("history", &history, terms));
    for policy in &*POLICIES {
        if let Ok(tightened) = tighten(&calibration, &history, policy, &DEMO.universe) {
            assert_eq!(tightened.policy.check(&DEMO.universe), []);
            let is_laxer = |found: &&Parameter| found.change.old.is_some_and(|old| found.change.new < old);
            assert_eq!(tightened.parameters.iter().find(is_laxer), None);
        }
        if let Ok(calibrated) = calibrate(&calibration, &history, policy, &DEMO.universe) {
            black_box(calibration_report(&calibration, &history, &calibrated));
            assert_eq!(calibrated.policy.check(&DEMO.universe), []);
            survives(&calibrated.policy);
        }
    }
}));
