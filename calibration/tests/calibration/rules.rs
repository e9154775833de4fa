//! Calibrations that are refused, and where the mistake is said to be; the published schema.

use serde_json::{Value, json};
use surety_calibration::{calibration::Calibration, history::History, parameters::calibrate, update::Limits};
use surety_core::{schema::schema, units::Ppm};
use surety_margin::models::{Model, Tier};
use surety_testing::schemas::assert_published;

use crate::{calibration, example, policy, synthetic, universe};

/// As many days as the example's window takes, two of them missing.
fn history() -> History {
    let days = (0..400).map(|day| format!("{:04}-{:02}-{:02}", 2000 + day / 336, day % 336 / 28 + 1, day % 28 + 1));
    let lines = days.enumerate().map(|(i, day)| format!("{day},{},{}\n", 100 + i % 7, 200 + i % 5));
    crate::read_history("h.csv", &format!("date,BTC-USD,ETH-USD\n{}", lines.collect::<String>()))
}

/// The part of the example that says which pair has a spread.
const SPREAD: &str = "[[spreads]]\nlong = \"BTC-USD\"\nshort = \"ETH-USD\"\n";

fn rules() -> String {
    example("calibration.toml").replace("max_gap = 3", "max_gap = 4")
}

#[track_caller]
fn refused(from: &str, to: &str, message: &str) {
    let rules = rules();
    assert!(rules.contains(from), "{from}");
    let policy = policy("policy.toml");
    let errors =
        Calibration::read("c", &rules.replacen(from, to, 1), &history(), Some(&policy)).unwrap_err().to_string();
    assert!(errors.contains(message), "{errors}");
}

#[test]
fn the_example_is_accepted() {
    Calibration::read("c", &rules(), &history(), Some(&policy("policy.toml"))).unwrap();
}

/// Ten percent stricter and two and a half percent laxer in one update, as the documentation says.
#[test]
fn the_limits_of_the_examples_are_the_default() {
    let limits = Limits { grid: Ppm(100), stricter: Ppm(100_000), laxer: Ppm(25_000) };
    assert_eq!(Limits::default(), limits);
    for name in ["calibration.toml", "calibration-cross.toml"] {
        assert_eq!(calibration(name, &synthetic::history(1)).limits, limits, "{name}");
    }
}

#[test]
fn rejects_settings_out_of_range() {
    refused(
        "confidence = 990_000",
        "confidence = 1_000_000",
        "c:9:14: confidence: expected from 50 % to 99.9999 %, found 100 %",
    );
    refused("confidence = 990_000", "confidence = 400_000", "confidence: expected from 50 %");
    refused(
        "confidence = 990_000",
        "confidence = 899_999",
        "confidence: expected at least 90 % for the predictive estimator, found 89.9999 %",
    );
    refused("decay = 970_000", "decay = 1_000_000", "decay: expected from 50 %");
    refused(
        "decay = 970_000",
        "decay = 970_000\nmemory = 1_000_001",
        "memory: expected at most 100 %, found 100.0001 %",
    );
    refused("horizon = 2", "horizon = 0", "horizon: expected from 1 to 20, found 0");
    refused("window = 365", "window = 29", "window: expected from 30 to 10000, found 29");
    refused("max_gap = 4", "max_gap = 31", "max_gap: expected from 1 to 30, found 31");
    refused("estimator = \"predictive\"", "estimator = \"garch\"", "estimator: expected");
    refused("kind = \"surety/calibration\"", "kind = \"surety/policy\"", "kind: expected");
}

#[test]
fn rejects_limits_and_bounds_that_do_not_limit() {
    refused("grid = 100", "grid = 700", "limits.grid: expected a divisor of 100 %, found 0.07 %");
    refused("stricter = 100_000", "stricter = 19_999", "limits.stricter: expected from 2 % to 1000 % of a requirement");
    refused("laxer = 25_000", "laxer = 200_000", "limits.laxer: expected at most stricter");
    refused(
        "floor = 100_000, cap = 800_000",
        "floor = 900_000, cap = 800_000",
        "factors[0].bounds.floor: expected at most the cap",
    );
    refused("floor = 100_000", "floor = 100_001", "factors[0].bounds.floor: expected a multiple of the grid");
    refused(
        "floor = 100_000",
        "floor = 4_900",
        "factors[0].bounds.floor: expected at least 0.5 %, which is 50 times the grid, found 0.49 %",
    );
}

#[test]
fn rejects_what_the_history_does_not_have() {
    refused(
        "column = \"BTC-USD\"",
        "column = \"SOL-USD\"",
        "factors[0].column: expected a column of the history: BTC-USD, ETH-USD, found SOL-USD",
    );
    refused("window = 365", "window = 400", "window: expected at most 399, the moves of the history, found 400");
    refused(
        "max_gap = 4",
        "max_gap = 3",
        "max_gap: expected at least 4, because the history has no day between 2000-01-28 and 2000-02-01, found 3",
    );
    refused(
        "columns = [\"BTC-USD\", ",
        "columns = [\"XRP-USD\", ",
        "volatility.columns[0]: expected a column of the history",
    );
}

#[test]
fn rejects_what_the_policy_does_not_have() {
    refused(
        "policy = \"meridian-portfolio\"",
        "policy = \"other\"",
        "policy: expected the policy meridian-portfolio, found other",
    );
    refused(
        "factor = \"sol\"",
        "factor = \"doge\"",
        "factors[5].factor: expected the risk factor of a position under scenario margin, found doge",
    );
    let haircut = "[[haircuts]]\ninstrument = \"DOGE\"\ncolumn = \"BTC-USD\"\n\
                   multiple = { maintenance = 1, initial = 1 }\nbounds = { floor = 5_000, cap = 5_000 }\n";
    refused(
        "[scenarios]",
        &format!("{haircut}[scenarios]"),
        "haircuts[0].instrument: expected an instrument to which the policy gives one weight",
    );
    refused(
        "[scenarios]",
        &format!("{}mode = \"stable\"\n[scenarios]", haircut.replace("DOGE", "BTC")),
        "haircuts[0].mode: expected none, because the policy has no modes, found stable",
    );
    let fraction = haircut.replace("haircuts", "fractions").replace("DOGE", "BTC");
    refused(
        "[scenarios]",
        &format!("{fraction}[scenarios]"),
        "fractions[0].instrument: expected an instrument to which the policy gives one margin fraction",
    );
}

#[test]
fn rejects_factors_without_scenarios_and_scenarios_without_days() {
    refused(
        "[scenarios]\ntype = \"joint\"\nworst_days = 4\n",
        "",
        "scenarios: expected both factors and scenarios, or neither, found only factors",
    );
    refused("worst_days = 4", "worst_days = 366", "scenarios.worst_days: expected days of the window, found 366");
    refused(
        "type = \"joint\"\nworst_days = 4",
        "type = \"history\"\ndays = 0",
        "scenarios.days: expected days of the window, found 0",
    );
    refused("type = \"joint\"", "type = \"history\"", "scenarios");
}

#[test]
fn rejects_days_that_the_predictive_estimator_does_not_have() {
    let text =
        rules().replace("type = \"joint\"\nworst_days = 4", "type = \"history\"\ndays = 150").replace(SPREAD, "");
    let error = Calibration::read("c", &text, &history(), None).unwrap_err().to_string();
    assert!(
        error.contains("scenarios.days: expected at most 149, the days that the predictive estimator has"),
        "{error}"
    );
    let heavy = text.replace("\"predictive\"", "\"heavy-tailed\"");
    Calibration::read("c", &heavy, &history(), None).unwrap();
}

#[test]
fn rejects_spreads_of_one_column_twice_and_without_joint_scenarios() {
    refused("short = \"ETH-USD\"", "short = \"BTC-USD\"", "spreads[0].short: expected a column other than BTC-USD");
    refused("short = \"ETH-USD\"", "short = \"SOL-USD\"", "spreads[0].short: expected a column of the history");
    let again = SPREAD.replace("BTC", "x").replace("ETH", "BTC").replace("x", "ETH");
    refused(SPREAD, &format!("{SPREAD}{again}"), "spreads[1]: expected each pair once");
    refused(
        "type = \"joint\"\nworst_days = 4",
        "type = \"history\"\ndays = 100",
        "spreads: expected none without joint scenarios, which alone follow from them, found some",
    );
}

#[test]
fn rejects_repeated_names_and_multiples_that_fall() {
    refused("factor = \"sol\"", "factor = \"btc\"", "factors[5].factor: expected each factor once, found btc again");
    refused(
        "[\"BTC-USD\", \"ETH-USD\"]",
        "[\"BTC-USD\", \"BTC-USD\"]",
        "volatility.columns[1]: expected each column once",
    );
    refused(
        "maintenance = 250_000",
        "maintenance = 750_000",
        "volatility.multiple: expected multiples from 0.0001 % to 1000 % with initial >= maintenance",
    );
    refused("multiple = 1_400_000", "multiple = 0", "factors[5].multiple: expected from 0.0001 % to 1000 %, found 0 %");
}

#[test]
fn rejects_a_volatility_of_no_column() {
    refused("[\"BTC-USD\", \"ETH-USD\"]", "[]", "volatility.columns: expected at least one column, found none");
}

#[test]
fn rejects_haircuts_of_more_than_everything_and_twice() {
    let rules = example("calibration-cross.toml").replace("max_gap = 3", "max_gap = 4");
    let refused = |from: &str, to: &str, message: &str| {
        assert!(rules.contains(from), "{from}");
        let error = Calibration::read("c", &rules.replacen(from, to, 1), &history(), None).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    refused("cap = 600_000", "cap = 1_000_100", "haircuts[0].bounds.cap: expected a multiple of the grid");
    refused("\"ETH\"", "\"BTC\"", "haircuts[1].instrument: expected each instrument once, found BTC again");
    refused("\"ETH-PERP\"", "\"BTC-PERP\"", "fractions[1].instrument: expected each instrument once");
}

/// Each number of a calibration replaced by one that may be too large or none: refused, or good for a calibration.
#[test]
fn rejects_hostile_numbers_without_panics() {
    let (history, policy, universe) = (history(), policy("policy.toml"), universe(10));
    let (mut refused, mut accepted) = (0, 0);
    let rules = rules();
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '_';
    for start in rules.match_indices("= ").map(|(at, sign)| at + sign.len()) {
        let rest = &rules[start..];
        let number = &rest[..rest.find(|letter| !is_part(letter)).unwrap()];
        if number.is_empty() {
            continue;
        }
        for hostile in
            ["0", "1", "-1", "4294967295", "4294967296", "9223372036854775807", "99999999999999999999", "1e400", "nan"]
        {
            let text = format!("{}{hostile}{}", &rules[..start], &rest[number.len()..]);
            match Calibration::read("c", &text, &history, Some(&policy)) {
                Ok(rules) => {
                    accepted += 1;
                    calibrate(&rules, &history, &policy, &universe).unwrap();
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 250 && accepted > 10, "{refused} {accepted}");
}

/// Joint scenarios grow with the cube of the columns.
#[test]
fn rejects_more_columns_than_there_may_be() {
    let names: Vec<_> = (0..33).map(|i| format!("C{i}")).collect();
    let days = ["2020-01-01", "2020-01-02"].map(|day| format!("{day}{}\n", ",1".repeat(names.len())));
    let history = crate::read_history("h.csv", &format!("date,{}\n{}", names.join(","), days.concat()));
    let columns = |count: usize| format!("columns = [\"{}\"]", names[..count].join("\", \""));
    let errors = |count| {
        let rules = rules();
        let (head, _) = rules.split_once("[[factors]]").unwrap();
        let head = head.replace("[scenarios]\ntype = \"joint\"\nworst_days = 4\n", "").replace(SPREAD, "");
        let text = head.replace("columns = [\"BTC-USD\", \"ETH-USD\"]", &columns(count));
        Calibration::read("c", &text, &history, None).unwrap_err().to_string()
    };
    assert!(errors(33).contains("expected at most 32 columns, found 33"), "{}", errors(33));
    assert!(!errors(32).contains("at most 32 columns"));
}

#[test]
fn rejects_a_calibration_of_nothing() {
    let rules = rules();
    let (head, _) = rules.split_once("[scenarios]").unwrap();
    let head = head.replace(SPREAD, "");
    let error = Calibration::read("c", &head, &history(), None).unwrap_err().to_string();
    assert_eq!(error, "c:1:1: expected a parameter to calibrate, found none");
}

#[test]
fn rejects_volatility_without_scenario_margin() {
    let rules = example("calibration-cross.toml").replace("max_gap = 3", "max_gap = 4");
    let rules = rules
        + "[volatility]\ncolumns = [\"BTC-USD\"]\n\
           multiple = { maintenance = 1, initial = 1 }\nbounds = { floor = 5_000, cap = 5_000 }\n";
    let error = Calibration::read("c", &rules, &history(), Some(&policy("policy-cross.toml"))).unwrap_err().to_string();
    assert!(error.contains("volatility: expected a policy with scenario margin, found another model"), "{error}");
}

#[test]
fn rejects_a_haircut_of_an_asset_with_a_ladder() {
    let haircut = "[[haircuts]]\ninstrument = \"BTC\"\ncolumn = \"BTC-USD\"\n\
                   multiple = { maintenance = 1_000_000, initial = 1_000_000 }\n\
                   bounds = { floor = 5_000, cap = 500_000 }\n";
    let text = example("calibration-cross.toml").replace("max_gap = 3", "max_gap = 4");
    let (head, _) = text.split_once("[[haircuts]]").unwrap();
    let text = head.replace("meridian-cross", "meridian-lending") + haircut;
    let mut lending = policy("policy-lending.toml");
    Calibration::read("c", &text, &history(), Some(&lending)).unwrap();
    let Model::Collateral(model) = &mut lending.model else { panic!("collateral") };
    let weight = model.assets[0].weight.take().unwrap();
    model.assets[0].tiers = vec![Tier::new(None, weight)];
    let error = Calibration::read("c", &text, &history(), Some(&lending)).unwrap_err().to_string();
    assert!(error.contains("expected an instrument to which the policy gives one weight, found BTC"), "{error}");
}

/// The new policy is checked like any other: a hundred and forty-nine scenarios do not fit into 2^10 rows.
#[test]
fn rejects_more_scenarios_than_there_is_room_for() {
    let history = history();
    let rules = rules().replace("type = \"joint\"\nworst_days = 4", "type = \"history\"\ndays = 149");
    let rules = rules.replace(SPREAD, "");
    let rules = Calibration::read("c", &rules, &history, None).unwrap();
    let error = calibrate(&rules, &history, &policy("policy.toml"), &universe(10)).unwrap_err().to_string();
    assert!(error.starts_with("new policy: model: expected at most"), "{error}");
    let error = calibrate(&rules, &history, &policy("policy-cross.toml"), &universe(10)).unwrap_err().to_string();
    assert!(error.starts_with("calibration: policy: expected the policy meridian-cross"), "{error}");
}

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety-calibration` writes the schema anew.
#[test]
fn the_schema_is_published() {
    assert_published("calibration", &schema::<Calibration>());
}

#[test]
fn the_schema_accepts_what_people_write_and_rejects_other_shapes() {
    let validator = jsonschema::validator_for(schema::<Calibration>().as_value()).unwrap();
    for name in ["calibration.toml", "calibration-cross.toml"] {
        let written: Value = toml::from_str(&example(name)).unwrap();
        assert!(validator.is_valid(&written), "{name}");
        let read = serde_json::to_value(calibration(name, &synthetic::history(1))).unwrap();
        assert!(validator.is_valid(&read), "{name}");
    }
    let good: Value = toml::from_str(&example("calibration.toml")).unwrap();
    for (pointer, bad) in [
        ("/kind", json!("surety/policy")),
        ("/estimator", json!("garch")),
        ("/window", json!(-1)),
        ("/scenarios/type", json!("stress")),
        ("/limits/grid", json!("5000")),
        ("/factors/0/bounds/floor", json!(0.5)),
    ] {
        let mut value = good.clone();
        *value.pointer_mut(pointer).unwrap() = bad;
        assert!(!validator.is_valid(&value), "{pointer}");
    }
}

/// Attack: joint scenarios are stresses of which the worst counts, but a tail that was there averages them.
#[test]
fn joint_scenarios_count_by_the_worst() {
    let history = history();
    let mut policy = policy("policy.toml");
    let Model::Scenario(model) = &mut policy.model else { panic!() };
    model.tail = serde_json::from_value(json!(500_000)).ok();
    let rules = Calibration::read("c", &rules(), &history, Some(&policy)).unwrap();
    let calibrated = calibrate(&rules, &history, &policy, &universe(14)).unwrap();
    let Model::Scenario(model) = calibrated.policy.model else { panic!() };
    assert!(model.tail.is_none(), "{} scenarios are averaged by {:?}", model.scenarios.len(), model.tail);
}
