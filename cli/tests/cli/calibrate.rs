//! Parameters from price history: `surety policy calibrate` and `surety policy backtest`.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, shared};

const EXAMPLES: [&str; 5] =
    ["universe.toml", "policy.toml", "policy-cross.toml", "calibration.toml", "calibration-cross.toml"];

/// 375 days of prices that go up and down by a formula, over months that all have 25 days.
pub(crate) fn history() -> String {
    let mut text = String::from("date,BTC-USD,ETH-USD\n");
    for i in 0_u32..375 {
        let (year, month, day) = (2021 + i / 300, i / 25 % 12 + 1, i % 25 + 1);
        writeln!(text, "{year}-{month:02}-{day:02},{},{}.5", 9_000 + i * i * 17 % 1_000, 300 + i * i * 7 % 40).unwrap();
    }
    text
}

/// The examples and a history, and a directory for results.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in EXAMPLES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
        let text = fs::read_to_string(path).unwrap();
        sandbox.write(name, &text.replace("max_gap = 3", "max_gap = 7"));
    }
    sandbox.write("history.csv", &history());
    fs::create_dir(sandbox.path("new")).unwrap();
    sandbox
}

/// The part of the example that says which pair has a spread.
const SPREAD: &str = "[[spreads]]\nlong = \"BTC-USD\"\nshort = \"ETH-USD\"\n";

const CALIBRATE: &str = "policy calibrate . --history history.csv --calibration calibration.toml --out new";

fn replace(sandbox: &Sandbox, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(sandbox.path(name)).unwrap();
    assert!(text.contains(from), "{from}");
    sandbox.write(name, &text.replacen(from, to, 1));
}

/// However the history is written, the policy is the same to the byte.
#[test]
fn the_way_of_writing_a_history_does_not_change_the_policy() {
    let sandbox = sandbox();
    sandbox.surety(CALIBRATE).expect(0);
    let expected = fs::read_to_string(sandbox.path("new/policy.toml")).unwrap();
    let rows: Vec<_> =
        history().lines().skip(1).map(|line| line.replace('.', ",").replacen(',', ";", 2) + ";x").collect();
    let rows: Vec<_> = rows.iter().rev().map(String::as_str).collect();
    sandbox.write("history.csv", &format!("\u{feff}Date;Bitcoin;close;Note\r\n{}\r\n", rows.join("\r\n")));
    let line = format!("{CALIBRATE} --force --column BTC-USD=bitcoin --column ETH-USD=Close");
    let run = sandbox.surety(&line).expect(0);
    assert!(run.stderr.contains("note: columns ignored: Note"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(sandbox.path("new/policy.toml")).unwrap(), expected);
    let run =
        sandbox.surety(&format!("{CALIBRATE} --force --column BTC-USD=bitcoins --column ETH-USD=Close")).expect(2);
    assert!(run.stderr.contains("did you mean Bitcoin?"), "{}", run.stderr);
}

#[track_caller]
fn refused(run: Run, place: (&str, u64), path: &str) {
    let error = run.expect(2).envelope()["error"].clone();
    let problem = &error["problems"][0];
    assert_eq!(problem["input"], place.0, "{error}");
    assert_eq!(problem["line"], place.1, "{error}");
    assert_eq!(problem["path"], path, "{error}");
}

#[test]
fn a_policy_is_calibrated_and_inspected() {
    let sandbox = sandbox();
    let run = sandbox.surety(&format!("{CALIBRATE} --json")).expect(0);
    assert!(run.stderr.contains("note: reading history.csv"), "{}", run.stderr);
    let data = run.data();
    assert_eq!(data["policy"], "meridian-portfolio");
    assert_eq!(data["scenarios"], 12);
    let parameters = data["parameters"].as_array().unwrap();
    assert_eq!(parameters.len(), 2 + 2 * 8);
    assert_eq!(parameters[2]["name"], "shock down of btc");
    assert!(parameters[2]["old"].is_null());
    let inspected = sandbox.surety("policy inspect . --policy new/policy.toml --json").data();
    assert_eq!(inspected["levels"].as_array().unwrap().len(), 3);
    let report = fs::read_to_string(sandbox.path("new/calibration.md")).unwrap();
    assert!(report.contains("| shock down of btc | BTC-USD | none |"), "{report}");
    assert!(fs::read_to_string(sandbox.path("new/calibration.svg")).unwrap().starts_with("<svg "));
    assert_eq!(sandbox.surety("info calibration.toml --json").data()["policy"], "meridian-portfolio");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let sandbox = sandbox();
    let files = ["new/policy.toml", "new/calibration.md", "new/calibration.svg", "new/backtest.md", "new/backtest.svg"];
    let backtest = "policy backtest --history history.csv --calibration calibration.toml --out new";
    let written = |force: &str| {
        sandbox.surety(&format!("{CALIBRATE} {force}")).expect(0);
        sandbox.surety(&format!("{backtest} {force}")).expect(0);
        files.map(|file| fs::read(sandbox.path(file)).unwrap())
    };
    let first = written("");
    assert!(first == written("--force"));
}

#[test]
fn the_last_calibration_limits_the_next() {
    let sandbox = sandbox();
    sandbox.surety(CALIBRATE).expect(0);
    replace(&sandbox, "calibration.toml", "confidence = 990_000", "confidence = 900_000");
    replace(&sandbox, "calibration.toml", "laxer = 25_000", "laxer = 5_000");
    let line = CALIBRATE.replace(". --history", ". --policy new/policy.toml --history");
    let data = sandbox.surety(&format!("{line} --force --json")).data();
    assert_eq!((&data["estimator"], &data["emergency"]), (&"predictive".into(), &false.into()));
    let shock = data["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["name"] == "shock down of btc")
        .unwrap()
        .clone();
    let [limited, old] = ["limited", "old"].map(|key| shock[key].as_i64().unwrap());
    // Half a percent of what it was, on the grid.
    assert!(limited * 1_000 >= old * 995 && (limited - 100) * 1_000 < old * 995, "{shock}");
}

#[test]
fn an_emergency_leaves_nothing_laxer() {
    let sandbox = sandbox();
    sandbox.surety(CALIBRATE).expect(0);
    replace(&sandbox, "calibration.toml", "confidence = 990_000", "confidence = 900_000");
    let line = CALIBRATE.replace(". --history", ". --emergency --policy new/policy.toml --history");
    let data = sandbox.surety(&format!("{line} --force --json")).data();
    assert_eq!(data["emergency"], true);
    for parameter in data["parameters"].as_array().unwrap() {
        assert!(parameter["new"].as_i64() >= parameter["old"].as_i64(), "{parameter}");
    }
}

/// The last thirty days of the history, all alike.
fn liquidity(depth: &str, spread: &str) -> String {
    let rows = history();
    let rows = rows.lines().skip(1 + 375 - 30).map(|row| format!("{},BTC-USD,{depth},{spread}\n", &row[..10]));
    format!("date,column,depth,spread_ppm\n{}", rows.collect::<String>())
}

const LIQUIDITY: &str = "[liquidity]\nwindow = 30\nconfidence = 900_000\nparticipation = 100_000\n\
                         sizes = [{ column = \"BTC-USD\", size = \"900000\" }]\n\n[limits]";

#[test]
fn depths_and_spreads_make_parameters_stricter() {
    let sandbox = sandbox();
    let proposed = |data: &Value, name: &str| {
        let parameters = data["parameters"].as_array().unwrap();
        parameters.iter().find(|found| found["name"] == name).unwrap()["proposed"].as_i64().unwrap()
    };
    let plain = sandbox.surety(&format!("{CALIBRATE} --json")).data();
    assert_eq!(plain["liquidity"], json!([]));
    replace(&sandbox, "calibration.toml", "[limits]", LIQUIDITY);
    sandbox.write("liquidity.csv", &liquidity("1000000", "400"));
    let sold = sandbox.surety(&format!("{CALIBRATE} --force --liquidity liquidity.csv --json")).data();
    assert_eq!(
        sold["liquidity"],
        json!([{
            "column": "BTC-USD",
            "size": "900000",
            "depth": "1000000",
            "spread_ppm": 400,
            "selling_seconds": 9 * 86_400,
        }])
    );
    let [before, after] = [&plain, &sold].map(|data| proposed(data, "shock down of btc"));
    assert_eq!(before, after, "the scenarios of prices alone stay");
    assert!(proposed(&sold, "shock down of btc, sold") > before * 3 / 2, "{sold}");
    let report = fs::read_to_string(sandbox.path("new/calibration.md")).unwrap();
    assert!(report.contains("| BTC-USD | 900000 | 1000000 | 400 ppm | 9.00 d | 5.00 d |"), "{report}");
}

#[test]
fn rejects_depths_that_do_not_suffice() {
    let sandbox = sandbox();
    let line = format!("{CALIBRATE} --liquidity liquidity.csv");
    sandbox.write("liquidity.csv", &liquidity("1000000", "400"));
    let run = sandbox.surety(&line).expect(2);
    assert!(run.says("expected [liquidity], because there is a table of depths and spreads, found none"));
    replace(&sandbox, "calibration.toml", "[limits]", LIQUIDITY);
    let run = sandbox.surety(CALIBRATE).expect(2);
    assert!(
        run.says("expected a table of depths and spreads beside the history, found none; give it with --liquidity")
    );
    sandbox.write("liquidity.csv", &liquidity("", "400"));
    let run = sandbox.surety(&line).expect(2);
    assert!(run.says("expected a depth above zero on at least 27 of the last 30 days of the history, found 0 days"));
    sandbox.write("liquidity.csv", &liquidity("1000000", "0.0004"));
    refused(sandbox.surety(&format!("{line} --json")), ("liquidity.csv", 2), "spread_ppm");
    assert!(!sandbox.path("new/policy.toml").exists());
}

#[test]
fn a_short_history_is_told_loudly() {
    let sandbox = sandbox();
    let rows: Vec<_> = history().lines().take(1 + 365).map(str::to_owned).collect();
    sandbox.write("history.csv", &rows.join("\n"));
    replace(&sandbox, "calibration.toml", "window = 365", "window = 300");
    let run = sandbox.surety(&format!("{CALIBRATE} --quiet --json")).expect(0);
    let warning =
        "warning: the predictive estimator takes 365 moves, and the history has 364: the heavy-tailed one takes";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let data = run.data();
    assert_eq!((&data["estimator"], &data["estimator_asked_for"]), (&"heavy-tailed".into(), &"predictive".into()));
    let run = sandbox.surety(&format!("{CALIBRATE} --force --quiet --estimator heavy-tailed")).expect(0);
    assert_eq!(run.stderr, "");
    sandbox.surety(&format!("{CALIBRATE} --force --estimator garch")).expect(2);
}

#[test]
fn a_backtest_answers_with_counts() {
    let sandbox = sandbox();
    let line = "policy backtest --history history.csv --calibration calibration-cross.toml --out new --json";
    let data = sandbox.surety(line).data();
    assert_eq!(data["days"], serde_json::json!([9]));
    assert_eq!(data["target"], 10_000);
    // Two columns and two portfolios, long and short, under five methods.
    assert_eq!(data["results"].as_array().unwrap().len(), 4 * 2 * 5);
    assert_eq!(data["columns"].as_array().unwrap().len(), 5);
    sandbox.surety(line).expect(2);
    sandbox.write("other.csv", &history());
    let both = "policy backtest --history history.csv --history other.csv --out new --force --from 2022-03-20 --json";
    let data = sandbox.surety(both).data();
    // Until the 25th.
    assert_eq!(data["days"], serde_json::json!([6, 6]));
    assert!(sandbox.path("new/backtest-other.svg").exists());
    sandbox.surety(&format!("{both} --from 2022-02-30")).expect(2);
}

#[test]
fn rejects_a_history_with_a_mistake_where_it_is() {
    let sandbox = sandbox();
    replace(&sandbox, "history.csv", "2021-01-05,", "2021-01-03,");
    refused(sandbox.surety(&format!("{CALIBRATE} --json")), ("history.csv", 6), "date");
    assert!(!sandbox.path("new/policy.toml").exists());
}

#[test]
fn rejects_a_gap_that_is_too_wide() {
    let sandbox = sandbox();
    replace(&sandbox, "calibration.toml", "max_gap = 7", "max_gap = 6");
    let run = sandbox.surety(&format!("{CALIBRATE} --json"));
    assert!(run.says("at least 7, because the history has no day between 2021-01-25 and 2021-02-01"), "{}", run.stdout);
    refused(run, ("calibration.toml", 16), "max_gap");
}

#[test]
fn rejects_a_calibration_of_another_policy() {
    let sandbox = sandbox();
    let line = CALIBRATE.replace(". --history", ". --policy policy-cross.toml --history");
    refused(sandbox.surety(&format!("{line} --json")), ("calibration.toml", 6), "policy");
}

#[test]
fn rejects_results_that_cannot_be_written() {
    let sandbox = sandbox();
    let here = CALIBRATE.replace("--out new", "--out .");
    let run = sandbox.surety(&here).expect(2);
    assert!(run.says("policy.toml: exists already"), "{}", run.stderr);
    sandbox.surety(&CALIBRATE.replace("--out new", "--out missing")).expect(2);
}

#[test]
fn rejects_a_backtest_without_a_day_to_test() {
    let sandbox = sandbox();
    replace(&sandbox, "calibration.toml", "window = 365", "window = 374");
    let run =
        sandbox.surety("policy backtest --history history.csv --calibration calibration.toml --out new").expect(2);
    assert!(run.says("expected more than 374 moves before the last day, found 374"), "{}", run.stderr);
}

#[test]
fn rejects_more_scenarios_than_the_universe_has_room_for() {
    let sandbox = sandbox();
    replace(&sandbox, "calibration.toml", "type = \"joint\"\nworst_days = 4", "type = \"history\"\ndays = 365");
    replace(&sandbox, "calibration.toml", SPREAD, "");
    let run = sandbox.surety(&format!("{CALIBRATE} --estimator heavy-tailed")).expect(2);
    assert!(run.says("new policy: model: expected at most"), "{}", run.stderr);
}

/// The expected shortfall over the last five hundred days of a real history, as the program compiles it.
#[test]
fn five_hundred_days_of_history_become_a_policy_that_compiles() {
    let Some(history) = shared("cases/history/btc-eth-daily.csv") else { return };
    let sandbox = sandbox();
    replace(&sandbox, "calibration.toml", "type = \"joint\"\nworst_days = 4", "type = \"history\"\ndays = 500");
    replace(&sandbox, "calibration.toml", SPREAD, "");
    replace(&sandbox, "calibration.toml", "window = 365", "window = 500");
    replace(&sandbox, "universe.toml", "capacity = 10", "capacity = 14");
    let line = CALIBRATE.replace("history.csv", history.to_str().unwrap());
    assert_eq!(sandbox.surety(&format!("{line} --json")).data()["scenarios"], 500);
    let levels = sandbox.surety("policy inspect . --policy new/policy.toml --json").data()["levels"].clone();
    assert!(levels[0]["rows"].as_u64().unwrap() > 500 * 11, "{levels}");
}
