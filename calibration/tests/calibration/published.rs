//! The history that comes with the machine.

use std::{env, fs};

use surety_calibration::{
    backtest::{Walk, backtest},
    calibration::{Calibration, ScenarioRule},
    parameters::calibrate,
    report::{backtest_plot, backtest_report, calibration_plot, calibration_report},
};
use surety_core::{text::Document as _, units::Ppm};
use surety_margin::{compile::compile, models::Model, policy::Policy};

use crate::{calibration, example, policy, published_history, root, universe};

/// What the documentation shows is what the examples give. `UPDATE=1 cargo nextest run -p surety-calibration` writes it
/// anew, as `surety policy backtest` and `surety policy calibrate` do.
#[test]
fn the_documentation_shows_what_the_history_gives() {
    let Some(history) = published_history() else { return };
    let calibration = calibration("calibration.toml", &history);
    let walked = backtest(&calibration, &history).unwrap();
    let calibrated = calibrate(&calibration, &history, &policy("policy.toml"), &universe(10)).unwrap();
    for (name, text) in [
        ("backtest.md", backtest_report(&calibration, &walked)),
        ("backtest.svg", backtest_plot(&calibration, &walked).svg()),
        ("calibration.md", calibration_report(&calibration, &history, &calibrated)),
        ("calibration.svg", calibration_plot(&calibration, &history).svg()),
    ] {
        let path = root().join("docs/src/figures").join(name);
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == text, "{}: run again with UPDATE=1", path.display());
    }
}

/// What the documentation says in words about the backtest.
#[test]
fn the_documentation_says_what_the_backtest_found() {
    let Some(history) = published_history() else { return };
    let walked = backtest(&calibration("calibration.toml", &history), &history).unwrap();
    let [long, short, balanced] = walked.portfolios.as_slice() else { panic!("three portfolios") };
    for walk in [long, short] {
        let met = walked.summaries(walk).iter().all(|summary| summary.exceedances * 100 <= summary.days);
        assert!(met, "all margins of the {} portfolio meet the target", walk.portfolio.name);
    }
    let worst = (0..walked.days.len()).max_by_key(|day| long.losses[*day]).unwrap();
    assert_eq!(walked.days[worst].to_string(), "2020-03-12");
    assert!(
        long.margins.iter().all(|margins| 2 * margins[worst] < long.losses[worst]),
        "none covers half of the crash"
    );
    let [fixed, _, ewma, heavy, limited] = walked.summaries(balanced).try_into().unwrap();
    assert!(ewma.probability < 0.001, "normal tails are too thin for the spread");
    assert!([&heavy, &limited].iter().all(|summary| summary.exceedances < fixed.exceedances));
    let [fixed, _, ewma, heavy, limited] = walked.summaries(long).try_into().unwrap();
    assert!(
        heavy.exceedances > fixed.exceedances && heavy.average_margin > fixed.average_margin,
        "dearer, and no safer"
    );
    assert!(ewma.average_margin * 10 < fixed.average_margin * 7, "three tenths cheaper");
    assert_eq!(limited.exceedances, heavy.exceedances);
    let rules = Calibration { confidence: Ppm(975_000), ..calibration("calibration.toml", &history) };
    let walked = backtest(&rules, &history).unwrap();
    let counts = |walk: &Walk| walked.summaries(walk).iter().map(|summary| summary.exceedances).collect::<Vec<_>>();
    let counts: Vec<_> = walked.portfolios.iter().map(counts).collect();
    assert_eq!(counts, [[2, 6, 9, 3, 3], [4, 5, 9, 5, 5], [6, 15, 25, 11, 11]]);
}

#[test]
fn five_hundred_days_become_scenarios_of_an_expected_shortfall() {
    let Some(history) = published_history() else { return };
    let rules = example("calibration.toml");
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
