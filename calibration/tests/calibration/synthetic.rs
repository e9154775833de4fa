//! A history by formula: results that are pinned, and properties.

use std::fmt::Write as _;

use surety_calibration::{
    backtest::walk::{Terms, walk},
    calibration::Calibration,
    estimator::Estimator,
    history::History,
    parameters::{Calibrated, calibrate, tighten},
    report::{backtest_plot, backtest_report, calibration_plot, calibration_report},
};
use surety_core::{
    text::Document as _,
    units::{Ppm, ShockPpm},
};
use surety_margin::{
    compile::compile,
    level::Basis,
    models::{Bucket, Isolated, Model, ScenarioMargin},
    policy::Policy,
};

use crate::{calibration, example, policy, universe};

/// Prices that calm down and break out by a formula in integers, over 450 days; moves are multiplied by `wildness`.
pub(crate) fn history(wildness: i64) -> History {
    crate::read_history("synthetic.csv", &text(wildness))
}

fn text(wildness: i64) -> String {
    let mut text = String::from("date,BTC-USD,ETH-USD\n");
    let mut prices = [800_000_000_000_i64, 20_000_000_000];
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = [2021, 2022].into_iter().flat_map(|year| (1..=12).map(move |month| (year, month)));
    let days = days.flat_map(|(year, month)| (1..=months[month - 1]).map(move |day| (year, month, day)));
    for (i, (year, month, day)) in (0_i64..450).zip(days) {
        let [btc, eth] = prices;
        writeln!(
            text,
            "{year}-{month:02}-{day:02},{}.{:08},{}.{:08}",
            btc / 100_000_000,
            btc % 100_000_000,
            eth / 100_000_000,
            eth % 100_000_000
        )
        .unwrap();
        // Up to 2 percent in calm times, 6 in wild ones, back and forth.
        let amplitude = if (i / 90) % 2 == 0 { 20 } else { 60 };
        let swing = |seed: i64| ((i + seed) * (i + seed) * 7_919 % 2_001 - 1_000) * amplitude * wildness;
        prices[0] += prices[0] / 1_000_000 * swing(1);
        prices[1] += prices[1] / 1_000_000 * (swing(1) / 2 + swing(5) / 2);
    }
    text
}

/// FNV-1a, to pin long texts.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The example's rules without floors, and with short steps.
fn rules(estimator: Estimator, history: &History) -> Calibration {
    let mut rules = Calibration { estimator, ..calibration("calibration.toml", history) };
    rules.limits.stricter = Ppm(50_000);
    rules.factors.iter_mut().for_each(|factor| factor.bounds.floor = Ppm(5_000));
    rules
}

fn calibrated(estimator: Estimator, wildness: i64) -> Calibrated {
    let history = history(wildness);
    calibrate(&rules(estimator, &history), &history, &policy("policy.toml"), &universe(10)).unwrap()
}

fn scenario_model(policy: &Policy) -> &ScenarioMargin {
    let Model::Scenario(model) = &policy.model else { panic!("scenario margin") };
    model
}

/// The same bytes on every machine. After a change that is meant, put in what the test found.
#[test]
fn outputs_are_pinned() {
    let history = history(1);
    let rules = calibration("calibration.toml", &history);
    let new = calibrate(&rules, &history, &policy("policy.toml"), &universe(10)).unwrap();
    let walked = walk("synthetic", &history, Terms::default()).unwrap();
    let found = [
        hash(&new.policy.to_toml().unwrap()),
        hash(&calibration_report(&rules, &history, &new)),
        hash(&calibration_plot(&rules, &history).svg()),
        hash(&backtest_report(std::slice::from_ref(&walked))),
        hash(&backtest_plot(&walked).svg()),
    ];
    assert_eq!(
        found.map(|hash| format!("{hash:016x}")),
        ["0b2a1d54159c9a2e", "5bf9a53310771b99", "52053d0ec5182ba8", "cbe6f3c7a1901f43", "a3dc4a147774c5e3"]
    );
}

#[test]
fn a_calibrated_policy_is_read_back_and_compiled() {
    let universe = universe(10);
    for estimator in Estimator::ALL {
        let new = calibrated(estimator, 1);
        assert_eq!(new.scenarios, 8 + 4);
        assert_eq!(Policy::read("new.toml", &new.policy.to_toml().unwrap(), &universe).unwrap(), new.policy);
        assert_eq!(compile(&new.policy, &universe).unwrap().len(), 3);
        let kept = scenario_model(&new.policy)
            .scenarios
            .iter()
            .filter(|scenario| !scenario.name.as_str().starts_with("calibrated/"));
        assert_eq!(kept.count(), 16, "scenarios that people wrote stay");
    }
}

/// Threefold moves: no parameter is laxer, whatever the estimator.
#[test]
fn a_more_volatile_history_gives_no_laxer_parameters() {
    for estimator in Estimator::ALL {
        let [calm, wild] = [1, 3].map(|wildness| calibrated(estimator, wildness));
        let pairs = calm.parameters.iter().zip(&wild.parameters).filter(|(calm, _)| calm.name.starts_with("shock"));
        let mut stricter = 0;
        for (calm, wild) in pairs {
            assert!(wild.change.new >= calm.change.new, "{estimator:?}: {}", calm.name);
            stricter += u32::from(wild.change.new > calm.change.new);
        }
        assert!(stricter > 8, "{estimator:?}: {stricter}");
    }
}

/// From the smallest price to nearly the largest and back, as fast as prices may.
#[test]
fn the_largest_prices_overflow_nothing() {
    let digits = |i: u32| if i < 36 { 0 } else { 18_u32.saturating_sub((i % 36).abs_diff(18)) };
    let lines = (0..120).map(|i| {
        let units = 10_u64.pow(digits(i));
        let price = format!("{}.{:08}", units / 100_000_000, units % 100_000_000);
        format!("2000-{:02}-{:02},{price},{price}\n", i / 28 + 1, i % 28 + 1)
    });
    let text = format!("date,BTC-USD,ETH-USD\n{}", lines.collect::<String>());
    let history = crate::read_history("h.csv", &text);
    let example = example("calibration.toml").replace("max_gap = 3", "max_gap = 4");
    let example = example.replace("window = 365", "window = 30");
    let read = Calibration::read("c.toml", &example, &history, None).unwrap();
    for estimator in Estimator::ALL {
        let rules = Calibration { estimator, horizon: 20, ..read.clone() };
        let new = calibrate(&rules, &history, &policy("policy.toml"), &universe(10)).unwrap();
        for parameter in &new.parameters {
            assert!((0..=10_000_000).contains(&parameter.change.new.0), "{}", parameter.name);
        }
        assert!(calibration_report(&rules, &history, &new).contains("lowered to its cap"));
        assert!(calibration_plot(&rules, &history).svg().ends_with("</svg>\n"));
    }
    let error = walk("h", &history, Terms::default()).unwrap_err().to_string();
    assert!(error.contains("expected more than 365 moves before the last day, found 119"), "{error}");
}

#[test]
fn a_second_calibration_goes_as_far_as_one_update_may() {
    let calm = calibrated(Estimator::HeavyTailed, 1);
    let wild_history = history(3);
    let rules = rules(Estimator::HeavyTailed, &wild_history);
    let wild = calibrate(&rules, &wild_history, &calm.policy, &universe(10)).unwrap();
    let back = calibrate(&rules, &history(1), &wild.policy, &universe(10)).unwrap();
    let mut limited = [0, 0];
    for (wild, back) in wild.parameters.iter().zip(&back.parameters) {
        for (change, limited) in [wild.change, back.change].into_iter().zip(&mut limited) {
            let old = change.old.unwrap();
            let [least, most] = [old.0 * 975, old.0 * 1_050].map(|limit| limit / 1_000);
            assert!(change.limited.0 <= most && change.limited.0 >= least, "{}", wild.name);
            *limited += u32::from(change.limited != change.proposed);
        }
    }
    assert!(limited[0] > 3 && limited[1] > 3, "{limited:?}");
    let names = |policy: &Policy| {
        scenario_model(policy).scenarios.iter().map(|scenario| scenario.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&back.policy), names(&calm.policy), "calibrated scenarios are replaced, not added to");
}

#[test]
fn shocks_are_those_of_the_report() {
    let new = calibrated(Estimator::HeavyTailed, 1);
    let model = scenario_model(&new.policy);
    let shock = |scenario: &str, factor: &str| {
        let scenario = model.scenarios.iter().find(|found| found.name.as_str() == scenario).unwrap();
        scenario.shocks.iter().find(|(name, _)| name.as_str() == factor).map(|(_, ShockPpm(shock))| *shock).unwrap()
    };
    let reported = |name: &str| new.parameters.iter().find(|parameter| parameter.name == name).unwrap().change.new.0;
    assert_eq!(i64::from(shock("calibrated/all-down", "btc")), -reported("shock down of btc"));
    assert_eq!(i64::from(shock("calibrated/all-up", "sol")), reported("shock up of sol"));
    assert_eq!(i64::from(shock("calibrated/BTC-USD-leads-down", "btc")), -reported("shock down of btc"));
    let along = shock("calibrated/BTC-USD-leads-down", "eth");
    assert!(along < 0 && along > shock("calibrated/all-down", "eth"), "ether goes part of the way");
    assert!(shock("calibrated/BTC-USD-over-ETH-USD", "btc") > 0 && shock("calibrated/BTC-USD-over-ETH-USD", "eth") < 0);
}

#[test]
fn haircuts_and_fractions_are_updated_in_place() {
    let history = history(1);
    let old = policy("policy-cross.toml");
    let rules = Calibration::read("c.toml", &example("calibration-cross.toml"), &history, Some(&old)).unwrap();
    let new = calibrate(&rules, &history, &old, &universe(10)).unwrap();
    let (Model::Cross(before), Model::Cross(after)) = (&old.model, &new.policy.model) else { panic!("cross margin") };
    let mut changed = 0;
    for (before, after) in before.positions.iter().zip(&after.positions) {
        for basis in [Basis::Maintenance, Basis::Initial] {
            let (Ppm(weight), Ppm(was)) = (after.weight.at(basis), before.weight.at(basis));
            let (haircut, old) = (1_000_000 - weight, 1_000_000 - was);
            assert!(haircut * 10 <= old * 11 && haircut * 1_000 >= old * 975, "{}", after.instrument);
            let (Ppm(fraction), Ppm(was)) = (after.fraction.at(basis), before.fraction.at(basis));
            assert!(fraction * 10 <= was * 11 && fraction * 1_000 >= was * 975, "{}", after.instrument);
        }
        changed += u32::from(before != after);
    }
    assert_eq!(changed, 4);
    assert_eq!(new.parameters.len(), 8);
}

#[test]
fn parameters_are_found_in_buckets() {
    let history = history(1);
    let cross = policy("policy-cross.toml");
    let bucket = Bucket { name: cross.name.clone(), model: cross.model.clone() };
    let isolated = Policy { model: Model::Isolated(Isolated { buckets: vec![bucket] }), ..cross.clone() };
    let rules = Calibration::read("c.toml", &example("calibration-cross.toml"), &history, Some(&isolated)).unwrap();
    let [plain, inside] = [cross, isolated].map(|policy| calibrate(&rules, &history, &policy, &universe(10)).unwrap());
    assert_eq!(plain.parameters, inside.parameters);
    let Model::Isolated(model) = inside.policy.model else { panic!("isolated margin") };
    assert_eq!(model.buckets[0].model, plain.policy.model);
}

/// In an emergency nothing is laxer, and no scenario goes.
#[test]
fn rejects_emergencies_that_loosen_a_policy() {
    let universe = universe(14);
    let (calm, wild) = (history(1), history(3));
    let rules = |history: &History| rules(Estimator::Predictive, history);
    let first = calibrate(&rules(&calm), &calm, &policy("policy.toml"), &universe).unwrap();
    let mut last = first.policy.clone();
    for history in [&wild, &calm, &wild] {
        let new = tighten(&rules(history), history, &last, &universe).unwrap();
        for parameter in &new.parameters {
            let change = parameter.change;
            assert!(change.old.is_none_or(|old| change.new >= old), "{}: {change:?}", parameter.name);
        }
        let (before, after) = (scenario_model(&last), scenario_model(&new.policy));
        assert!(after.scenarios.starts_with(&before.scenarios), "scenarios are added");
        assert!(after.scenarios.len() > before.scenarios.len());
        assert!(after.loss_multiple.initial >= before.loss_multiple.initial);
        last = new.policy;
    }
    let down = |policy: &Policy, name: &str| {
        let scenarios = &scenario_model(policy).scenarios;
        let scenario = scenarios.iter().find(|scenario| scenario.name.as_str() == name).unwrap();
        scenario.shocks.iter().find(|(factor, _)| factor.as_str() == "btc").map(|(_, ShockPpm(shock))| *shock).unwrap()
    };
    let names = ["calibrated/all-down", "calibrated/e1/all-down", "calibrated/e2/all-down", "calibrated/e3/all-down"];
    let shocks = names.map(|name| down(&last, name));
    assert!(shocks[1] < 2 * shocks[0] && shocks[1] >= shocks[2] && shocks[2] >= shocks[3], "{shocks:?}");
    let regular = calibrate(&rules(&calm), &calm, &last, &universe).unwrap();
    assert_eq!(scenario_model(&regular.policy).scenarios.len(), scenario_model(&first.policy).scenarios.len());
    assert!(
        down(&regular.policy, names[0]) * 1_000 <= shocks[3] * 975,
        "from the emergency's shocks as far as a day may"
    );
}

/// Threefold moves: the share by which two prices go apart follows their spread, whatever the estimator.
#[test]
fn prices_go_apart_as_their_spread_does() {
    let history = history(1);
    for estimator in Estimator::ALL {
        let with = rules(estimator, &history);
        let without = Calibration { spreads: Vec::new(), ..with.clone() };
        let [with, without] = [with, without]
            .map(|rules| calibrate(&rules, &history, &policy("policy.toml"), &universe(10)).unwrap().policy);
        let (with, without) = (&scenario_model(&with).scenarios, &scenario_model(&without).scenarios);
        assert_eq!(with.len(), without.len());
        let differing = with.iter().zip(without).filter(|(with, without)| with != without);
        let names: Vec<_> = differing.map(|(with, _)| with.name.as_str()).collect();
        assert_eq!(names, ["calibrated/BTC-USD-over-ETH-USD", "calibrated/ETH-USD-over-BTC-USD"], "{estimator:?}");
    }
}

#[test]
fn a_short_history_is_told_and_another_estimator_takes_its_place() {
    let long = history(1);
    let prices = |days: usize| {
        let rows: String = text(1).lines().take(1 + days).map(|line| format!("{line}\n")).collect();
        crate::read_history("short.csv", &rows)
    };
    let short = prices(365);
    let rules = Calibration { window: 300, ..rules(Estimator::Predictive, &long) };
    let enough = calibrate(&rules, &prices(366), &policy("policy.toml"), &universe(10)).unwrap();
    assert_eq!(enough.estimator, Estimator::Predictive);
    assert!(!calibration_report(&rules, &prices(366), &enough).contains("takes its place"));
    let fallen = calibrate(&rules, &short, &policy("policy.toml"), &universe(10)).unwrap();
    assert_eq!(fallen.estimator, Estimator::HeavyTailed);
    let report = calibration_report(&rules, &short, &fallen);
    assert!(report.contains("which takes 365 moves; the history has 364, so heavy-tailed takes its place"), "{report}");
    let asked = Calibration { estimator: Estimator::HeavyTailed, ..rules };
    let asked = calibrate(&asked, &short, &policy("policy.toml"), &universe(10)).unwrap();
    assert_eq!(asked.policy, fallen.policy);
}
