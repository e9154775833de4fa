//! Forecasts of a price history: `surety policy forecast`.

use std::{fmt::Write as _, fs};

use crate::sandbox::{Sandbox, shared};

/// Prices that go up and down by a formula, over months that all have 25 days. The second column begins later.
fn history(days: u32) -> String {
    let mut text = String::from("date,A,B\n");
    for i in 0..days {
        let (year, month, day) = (2021 + i / 300, i / 25 % 12 + 1, i % 25 + 1);
        let b = if i < 100 { String::new() } else { (300 + i * i * 7 % 40).to_string() };
        writeln!(text, "{year}-{month:02}-{day:02},{},{b}", 9_000 + i * i * 17 % 1_000).unwrap();
    }
    text
}

const FORECAST: &str = "policy forecast --history history.csv --out forecasts.csv";

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path(name)).unwrap()
}

#[test]
fn a_history_is_forecast_and_a_state_continues_it() {
    let sandbox = Sandbox::new();
    sandbox.write("history.csv", &history(400));
    let run = sandbox.surety(&format!("{FORECAST} --json")).expect(0);
    assert!(run.stderr.contains("note: forecasting 400 days of 2 columns"), "{}", run.stderr);
    let data = run.data();
    let whole = read(&sandbox, "forecasts.csv");
    assert!(whole.starts_with("date,column,sigma_ppb,var_down_ppb,es_down_ppb,var_up_ppb,es_up_ppb\n2021-11-02,A,"));
    assert_eq!(data["rows"].as_u64().unwrap() as usize, whole.lines().count() - 1);
    assert_eq!(data["rows"], 399 - 250 + 299 - 250 + 2);
    let last = whole.lines().last().unwrap();
    assert_eq!(
        last,
        format!(
            "next,B,{}",
            ["sigma", "var_down", "es_down", "var_up", "es_up"]
                .map(|key| data["next"][1][format!("{key}_ppb")].to_string())
                .join(",")
        )
    );
    // In two parts, with a state between them.
    let state = "--state state.json --force";
    sandbox.write("history.csv", &history(300));
    sandbox.surety(&format!("{FORECAST} {state}")).expect(0);
    let first = read(&sandbox, "forecasts.csv");
    sandbox.write("history.csv", &history(400));
    let run = sandbox.surety(&format!("{FORECAST} {state}")).expect(0);
    assert!(run.stderr.contains("note: continuing after 2021-12-25"), "{}", run.stderr);
    let second = read(&sandbox, "forecasts.csv");
    let days = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let first: Vec<_> = days(&first).into_iter().filter(|row| !row.starts_with("next")).collect();
    assert_eq!([first, days(&second)].concat(), days(&whole));
    assert_eq!(sandbox.surety("info state.json --json").data()["kind"], "surety/forecast-state");
    // Once more, and there is only the next day.
    sandbox.surety(&format!("{FORECAST} {state}")).expect(0);
    assert_eq!(days(&read(&sandbox, "forecasts.csv")), days(&whole)[days(&whole).len() - 2..]);
}

#[test]
fn rejects_a_history_that_is_too_short_or_does_not_continue() {
    let sandbox = Sandbox::new();
    sandbox.write("history.csv", &history(250));
    let run = sandbox.surety(&format!("{FORECAST} --state state.json")).expect(2);
    assert!(run.says("expected a column with at least 250 moves, found at most 249"), "{}", run.stderr);
    assert!(!sandbox.path("forecasts.csv").exists() && !sandbox.path("state.json").exists());
    sandbox.write("history.csv", &history(300));
    let run = sandbox.surety(&format!("{FORECAST} --state state.json")).expect(0);
    assert!(run.stderr.contains("warning: B: no forecast of the next day, which takes 250 moves, and there are 199"));
    let later: Vec<_> = history(400)
        .lines()
        .enumerate()
        .filter(|(i, _)| !(1..=300).contains(i))
        .map(|(_, row)| row.to_owned())
        .collect();
    sandbox.write("history.csv", &later.join("\n"));
    let before = read(&sandbox, "state.json");
    let run = sandbox.surety(&format!("{FORECAST} --state state.json --force")).expect(2);
    assert!(run.says("the price of A on 2021-12-25, from which its next move counts"), "{}", run.stderr);
    assert_eq!(read(&sandbox, "state.json"), before);
}

#[test]
fn rejects_states_that_are_none_and_tables_that_exist() {
    let sandbox = Sandbox::new();
    sandbox.write("history.csv", &history(300));
    sandbox.write("state.json", "{}");
    sandbox.surety(&format!("{FORECAST} --state state.json")).expect(2);
    sandbox.surety(FORECAST).expect(0);
    assert!(sandbox.surety(FORECAST).expect(2).says("forecasts.csv: exists already"));
    for wrong in ["--confidence 89%", "--confidence 100%", "--memory 101%", "--memory x"] {
        sandbox.surety(&format!("{FORECAST} --force {wrong}")).expect(2);
    }
    sandbox.surety(&format!("{FORECAST} --force --confidence 97.5% --memory 40%")).expect(0);
}

/// Of real histories, however long.
#[test]
fn real_histories_are_forecast() {
    for name in ["btc-eth", "sp500", "stocks", "wti"] {
        let Some(history) = shared(&format!("cases/history/{name}-daily.csv")) else { return };
        let sandbox = Sandbox::new();
        let line = FORECAST.replace("history.csv", history.to_str().unwrap());
        sandbox.surety(&line).expect(0);
        let reference = shared(&format!("cases/predictive/{name}-forecast.csv")).unwrap();
        let (found, reference) = (read(&sandbox, "forecasts.csv"), fs::read_to_string(reference).unwrap());
        // The date and the column; the numbers are compared where they are made.
        let places = |text: &str| {
            text.lines().skip(1).map(|row| row.rsplitn(6, ',').last().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let found: std::collections::HashSet<_> = places(&found).into_iter().collect();
        assert!(
            reference.lines().skip(1).all(|row| {
                let place = row.split(',').take(2).collect::<Vec<_>>().join(",");
                found.contains(&place)
            }),
            "{name}"
        );
    }
}
