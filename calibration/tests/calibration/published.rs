//! Histories that come with the machine.

use std::{env, fs};

use surety_calibration::{
    backtest::{
        summary::{Pooled, Summary, pooled, summaries},
        walk::{Holding, Method, Series, Terms, Walk, walk},
    },
    calibration::{Calibration, ScenarioRule},
    estimator::Estimator,
    moves::Side,
    parameters::calibrate,
    report::{backtest_plot, backtest_report, calibration_plot, calibration_report, pooled_report},
};
use surety_core::text::Document as _;
use surety_margin::{compile::compile, models::Model, policy::Policy};

use crate::{calibration, example, policy, published_history, root, shared, universe};

/// Compares a figure of the documentation, or writes it.
#[track_caller]
fn shown(name: &str, text: &str) {
    let path = root().join("docs/src/figures").join(name);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == text, "{}: run again with UPDATE=1", path.display());
}

/// What the documentation shows is what the examples give. `UPDATE=1 cargo nextest run -p surety-calibration` writes it
/// anew, as `surety policy backtest` and `surety policy calibrate` do.
#[test]
fn the_documentation_shows_what_the_history_gives() {
    let Some(history) = published_history() else { return };
    let calibration = calibration("calibration.toml", &history);
    let walked = walk("btc-eth-daily", &history, Terms::default()).unwrap();
    let calibrated = calibrate(&calibration, &history, &policy("policy.toml"), &universe(10)).unwrap();
    assert_eq!(calibrated.estimator, Estimator::Predictive);
    shown("backtest.md", &backtest_report(std::slice::from_ref(&walked)));
    shown("backtest.svg", &backtest_plot(&walked).svg());
    shown("calibration.md", &calibration_report(&calibration, &history, &calibrated));
    shown("calibration.svg", &calibration_plot(&calibration, &history).svg());
}

/// The public series: bitcoin and ether, an index of shares, ten shares, and oil.
fn public() -> Option<Vec<Walk>> {
    let walked = ["btc-eth-daily", "sp500-daily", "stocks-daily", "wti-daily"].map(|market| {
        let path = shared(&format!("history/{market}.csv"))?;
        let history = crate::read_history(market, &fs::read_to_string(path).unwrap());
        Some(walk(market, &history, Terms::default()).unwrap())
    });
    walked.into_iter().collect()
}

/// The part of the example that days of history leave no room for.
const SPREAD: &str = "[[spreads]]\nlong = \"BTC-USD\"\nshort = \"ETH-USD\"\n";

fn under(pooled: &[Pooled], method: Method) -> &Pooled {
    pooled.iter().find(|pooled| pooled.method == method).unwrap()
}

/// The figures that the estimator was chosen for, on the public series.
#[test]
fn the_public_series_reach_their_figures() {
    let Some(walks) = public() else { return };
    let each: Vec<Summary> = walks.iter().flat_map(summaries).collect();
    shown("public.md", &pooled_report(&each));
    let columns = pooled(&each, Holding::Column);
    let predictive = under(&columns, Method::Predictive);
    assert_eq!(predictive.series, 28);
    assert!(predictive.loss <= -2.72, "{predictive:?}");
    assert!(predictive.cost_to_static <= 0.825, "{predictive:?}");
    assert!((0.008..0.0115).contains(&predictive.exceedance_rate), "{predictive:?}");
    for method in [Method::Static, Method::Ewma, Method::HeavyTailed] {
        let other = under(&columns, method);
        assert!(predictive.loss < other.loss && other.predictive_better >= 0.9, "{other:?}");
        assert!(predictive.cost_to_static < other.cost_to_static, "{other:?}");
    }
    let governed = under(&columns, Method::Governed);
    // Five days of a tenth.
    assert!(governed.five_day_rise <= 1.610_51 + 1e-9, "{governed:?}");
    assert!(governed.beyond_margin_rate <= 0.0040, "{governed:?}");
}

/// What the documentation says in words about bitcoin and ether.
#[test]
fn the_documentation_says_what_the_backtest_found() {
    let Some(history) = published_history() else { return };
    let walked = walk("btc-eth-daily", &history, Terms::default()).unwrap();
    let each = summaries(&walked);
    let of = |series: &str, side: &str, method: Method| {
        each.iter().find(|found| found.series == series && found.side == side && found.method == method).unwrap()
    };
    let long = ["BTC-USD", "ETH-USD"].map(|column| of(column, "long", Method::Predictive));
    assert!(long.iter().all(|summary| summary.days == 723), "{long:?}");
    assert!((long[0].mean_margin + long[1].mean_margin) / 2.0 <= 0.15, "{long:?}");
    // Both in equal parts, each with the margin of its own column, as if they fell together.
    let held = |name: &str| {
        let series = |series: &&Series| series.name == name && series.side == Side::Down;
        walked.series.iter().find(series).unwrap()
    };
    let place = Method::ALL.iter().position(|method| *method == Method::Predictive).unwrap();
    let together = |day: usize| {
        let margin = |name: &str| held(name).stated[place][day].expected / 2.0;
        margin("BTC-USD") + margin("ETH-USD")
    };
    let beyond = (0..723).filter(|day| held("basket").losses[*day] > together(*day)).count();
    assert!(beyond <= 2, "{beyond}");
    let crash = walked.days.iter().position(|day| day.to_string() == "2020-03-12").unwrap();
    let basket = held("basket");
    assert!(
        basket.stated.iter().all(|stated| 2.0 * stated[crash].expected < basket.losses[crash]),
        "no method covers half of the first day of the crisis"
    );
}

#[test]
fn five_hundred_days_become_scenarios_of_an_expected_shortfall() {
    let Some(history) = published_history() else { return };
    let rules = example("calibration.toml").replace(SPREAD, "");
    let rules = rules
        .replace("window = 365", "window = 500")
        .replace("type = \"joint\"\nworst_days = 4", "type = \"history\"\ndays = 500");
    let old = policy("policy.toml");
    let calibration = Calibration::read("c.toml", &rules, &history, Some(&old)).unwrap();
    assert_eq!(calibration.scenarios, Some(ScenarioRule::History { days: 500 }));
    let universe = universe(14);
    let new = calibrate(&calibration, &history, &old, &universe).unwrap();
    assert_eq!(new.scenarios, 500);
    let Model::Scenario(model) = &new.policy.model else { panic!("scenario margin") };
    assert_eq!(model.scenarios.len(), 500);
    assert!(model.tail.is_some());
    assert_eq!(model.scenarios[499].name.as_str(), "calibrated/2020-12-31");
    let written = new.policy.to_toml().unwrap();
    assert_eq!(Policy::read("new.toml", &written, &universe).unwrap(), new.policy);
    let programs = compile(&new.policy, &universe).unwrap();
    assert_eq!(programs.len(), old.levels.len());
    assert!(programs[0].table().len() > 500 * 11);
}
