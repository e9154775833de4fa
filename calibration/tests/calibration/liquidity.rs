//! Depths and bid-ask spreads: what they make of parameters, and tables and calibrations that are refused.

use std::{fmt::Write as _, ops::Range};

use proptest::prelude::*;
use surety_calibration::{
    calibration::{Calibration, ScenarioRule},
    estimator::Estimator,
    history::History,
    liquidity::{Liquidity, Size, table::LiquidityTable},
    parameters::{Calibrated, calibrate, tighten},
    report::{calibration_plot, calibration_report},
};
use surety_core::{
    day::Day,
    ident::Name,
    text::table::Dialect,
    units::{Notional, Ppm, Seconds, ShockPpm},
};
use surety_margin::{
    models::{MarketScenario, Model},
    policy::Policy,
};

use crate::{calibration, example, policy, synthetic, universe};

/// Depth and spread of a day, where they are known.
type Values = (Option<u64>, Option<u32>);

const GOOD: Values = (Some(1_000_000), Some(400));

/// A table of the days from so many before the end of a history, the same for both columns.
fn table(history: &History, values: &[Values]) -> LiquidityTable {
    let days = history.days();
    rows(days[days.len() - values.len()..].iter().copied().zip(values.iter().copied()))
}

fn rows(rows: impl Iterator<Item = (Day, Values)>) -> LiquidityTable {
    let mut text = "date,column,depth,spread_ppm\n".to_owned();
    for (day, (depth, spread)) in rows {
        let [depth, spread] =
            [depth, spread.map(u64::from)].map(|value| value.map_or_else(String::new, |v| v.to_string()));
        for column in ["BTC-USD", "ETH-USD"] {
            writeln!(text, "{day},{column},{depth},{spread}").unwrap();
        }
    }
    LiquidityTable::read("l.csv", &text, &Dialect::default(), &mut Vec::new()).unwrap()
}

fn liquidity(size: u64) -> Liquidity {
    let size = |column: &str| Size { column: Name::new(column).unwrap(), size: Notional::new(size).unwrap() };
    let sizes = vec![size("BTC-USD"), size("ETH-USD")];
    Liquidity { window: 30, confidence: Ppm(900_000), participation: Ppm(100_000), sizes }
}

/// The example's rules without floors and caps in the way.
fn rules(file: &str, estimator: Estimator, liquidity: Option<Liquidity>) -> Calibration {
    let mut rules = Calibration { estimator, liquidity, ..calibration(file, &synthetic::history(1)) };
    rules.factors.iter_mut().for_each(|factor| factor.bounds.floor = Ppm(5_000));
    rules
}

fn calibrated(rules: &Calibration, history: &History) -> Calibrated {
    let policy = policy(if rules.factors.is_empty() { "policy-cross.toml" } else { "policy.toml" });
    calibrate(rules, history, &policy, &universe(10)).unwrap()
}

/// Nine days of selling add three to the horizon of one or two, and half a spread is 0.02 percent.
#[test]
fn every_estimator_is_widened_alike() {
    let history = synthetic::history(1);
    let with = history.clone().with_liquidity(table(&history, &[GOOD; 30]));
    for (file, horizon) in [("calibration.toml", 2), ("calibration-cross.toml", 1)] {
        for estimator in Estimator::ALL {
            let plain = calibrated(&rules(file, estimator, None), &history);
            let sold = calibrated(&rules(file, estimator, Some(liquidity(900_000))), &with);
            assert!(sold.liquidations.values().all(|liquidation| liquidation.selling == Seconds(9 * 86_400)));
            let root = (f64::from(horizon + 3) / f64::from(horizon)).sqrt();
            for ((column, plain), (_, sold)) in plain.estimates.iter().zip(&sold.estimates) {
                let near = |found: u64, wanted: f64| (found as f64 - wanted).abs() < 100.0;
                assert_eq!(plain.volatility, sold.volatility);
                assert!(near(sold.down, plain.down as f64 * root + 2e5), "{column}: {plain:?} {sold:?}");
                let up = plain.up as f64 * root;
                assert!(near(sold.up, up + 2e5 * (1.0 + up / 1e9)), "{column}: {plain:?} {sold:?}");
            }
            let stricter = plain.parameters.iter().filter(|plain| {
                let names = [format!("{}, sold", plain.name), plain.name.clone()];
                let sold = names.iter().find_map(|name| sold.parameters.iter().find(|sold| sold.name == *name));
                sold.unwrap().change.proposed > plain.change.proposed
            });
            let stricter = stricter.count();
            assert!(stricter * 10 >= plain.parameters.len() * 9, "{estimator:?}: {stricter}");
        }
    }
}

#[test]
fn a_report_says_how_positions_sell() {
    let history = synthetic::history(1);
    let history = history.clone().with_liquidity(table(&history, &[GOOD; 30]));
    let mut liquidity = liquidity(900_000);
    liquidity.sizes.pop();
    let rules = rules("calibration.toml", Estimator::Predictive, Some(liquidity));
    let report = calibration_report(&rules, &history, &calibrated(&rules, &history));
    for line in [
        "Liquidity: the depth that 90.00 % of the last 30 days had at least",
        "| BTC-USD | 900000 | 1000000 | 400 ppm | 9.00 d | 5.00 d |",
        "| ETH-USD | not stated | – | – | – | 2.00 d |",
    ] {
        assert!(report.contains(line), "{report}");
    }
    let title = "Expected shortfall of a long position at 99.00 % over 2 d, from prices alone";
    assert!(calibration_plot(&rules, &history).svg().contains(title));
}

/// Days after the history, days before the window, and columns that nothing names.
#[test]
fn only_the_last_days_of_the_history_count() {
    let history = synthetic::history(1);
    let rules = rules("calibration.toml", Estimator::Static, Some(liquidity(900_000)));
    let days = history.days();
    let first = days[days.len() - 30].number();
    let over = |range: Range<u32>, inside: Values, outside: Values| {
        rows(range.map(|number| {
            let is_inside = (first..first + 30).contains(&number);
            (Day::numbered(number).unwrap(), if is_inside { inside } else { outside })
        }))
    };
    let found = |table| calibrated(&rules, &history.clone().with_liquidity(table));
    let expected = found(table(&history, &[GOOD; 30]));
    for outside in [(Some(1), Some(2_000_000)), (None, None), (Some(u64::MAX), Some(1))] {
        assert_eq!(found(over(first - 40..first + 70, GOOD, outside)), expected);
    }
}

/// The widest bid-ask spread and sixty days of selling: no update goes further than it may, and no emergency loosens.
#[test]
fn rejects_depths_that_outrun_an_update_or_loosen_in_an_emergency() {
    let plain = synthetic::history(1);
    let with = |values: Values| plain.clone().with_liquidity(table(&plain, &[values; 30]));
    let (good, bad) = (with((Some(u64::MAX), Some(1))), with((Some(1_000_000), Some(100_000))));
    for file in ["calibration.toml", "calibration-cross.toml"] {
        let rules = rules(file, Estimator::Predictive, Some(liquidity(6_000_000)));
        let universe = universe(14);
        let first = calibrated(&rules, &good);
        let second = calibrate(&rules, &bad, &first.policy, &universe).unwrap();
        let back = calibrate(&rules, &good, &second.policy, &universe).unwrap();
        for parameter in second.parameters.iter().chain(&back.parameters) {
            let change = parameter.change;
            let old = change.old.unwrap().0;
            let limited = change.limited.0 * 1_000;
            assert!((old * 975..=old * 1_100).contains(&limited), "{}: {change:?}", parameter.name);
        }
        // All but the shocks of prices alone.
        let of_prices = |name: &str| name.starts_with("shock") && !name.ends_with(", sold");
        let sold = second.parameters.iter().filter(|parameter| !of_prices(&parameter.name));
        let held = sold.clone().filter(|parameter| parameter.change.limited < parameter.change.proposed);
        assert!(held.count() * 10 >= sold.count() * 9, "{file}");
        let mut last = first.policy;
        for history in [&bad, &good] {
            let new = tighten(&rules, history, &last, &universe).unwrap();
            for parameter in &new.parameters {
                let change = parameter.change;
                assert!(change.old.is_none_or(|old| change.new >= old), "{}: {change:?}", parameter.name);
            }
            last = new.policy;
        }
    }
}

/// A calibration with liquidity and a history with a table, read for a policy.
fn read(section: &str, table: Option<&[Values]>) -> Result<Calibration, String> {
    let history = synthetic::history(1);
    let history = match table {
        Some(values) => history.clone().with_liquidity(self::table(&history, values)),
        None => history,
    };
    let text = example("calibration.toml").replace("[limits]", &format!("{section}\n[limits]"));
    Calibration::read("c", &text, &history, Some(&policy("policy.toml"))).map_err(|error| error.to_string())
}

const SECTION: &str = "[liquidity]\nwindow = 30\nconfidence = 900_000\nparticipation = 100_000\n\
                       sizes = [{ column = \"BTC-USD\", size = \"900000\" }]\n";

#[test]
fn rejects_liquidity_that_the_history_does_not_have() {
    let read = |table: Option<&[Values]>| read(SECTION, table);
    read(Some(&[GOOD; 30])).unwrap();
    read(Some(&[GOOD; 27])).unwrap();
    let refused = |table: Option<&[Values]>, message: &str| {
        let error = read(table).unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    refused(None, "liquidity: expected a table of depths and spreads beside the history, found none; give it with");
    let lacking = "liquidity.sizes[0].column: expected a depth above zero on at least 27 of the last 30 days of the";
    refused(Some(&[GOOD; 26]), lacking);
    refused(Some(&[(Some(0), Some(1)); 30]), lacking);
    refused(Some(&[(Some(1_000_000), None); 30]), "liquidity.sizes[0].column: expected a spread on at least 27 of");
    refused(
        Some(&[(Some(149_999), Some(1)); 30]),
        "liquidity.sizes[0].size: expected at most 899994, of which 60 days sell 10 % of a depth of 149999 each, found",
    );
    read(Some(&[(Some(150_000), Some(2_000_000)); 30])).unwrap();
}

#[test]
fn rejects_liquidity_of_another_calibration() {
    let refused = |from: &str, to: &str, message: &str| {
        assert!(SECTION.contains(from), "{from}");
        let error = read(&SECTION.replacen(from, to, 1), Some(&[GOOD; 30])).unwrap_err();
        assert!(error.contains(message), "{error}");
    };
    refused(SECTION, "", "c:1:1: expected [liquidity], because there is a table of depths and spreads, found none");
    refused("window = 30", "window = 29", "liquidity.window: expected from 30 to 10000, found 29");
    refused(
        "window = 30",
        "window = 451",
        "liquidity.window: expected at most 450, the days of the history, found 451",
    );
    refused("= 900_000", "= 499_999", "liquidity.confidence: expected from 50 % to 99.9999 %, found 49.9999 %");
    refused("= 900_000", "= 1_000_000", "liquidity.confidence: expected from 50 % to");
    refused("= 100_000", "= 0", "liquidity.participation: expected from 0.0001 % to 100 %, found 0 %");
    refused("= 100_000", "= 1_000_001", "liquidity.participation: expected from");
    refused(
        "BTC-USD",
        "SOL-USD",
        "liquidity.sizes[0].column: expected a column that drives a parameter, found SOL-USD",
    );
    refused("\"900000\"", "\"0\"", "size: expected an amount from 1 to");
    refused("\"900000\"", "-1", "size: expected");
    let again = "{ column = \"BTC-USD\", size = \"1\" }, {";
    refused("[{", &format!("[{again}"), "liquidity.sizes[1].column: expected each column once, found BTC-USD again");
    let (head, _) = SECTION.split_once("sizes").unwrap();
    refused(SECTION, &format!("{head}sizes = []\n"), "liquidity.sizes: expected at least one entry");
}

/// A history and a table that were not read together with the calibration are checked all the same.
#[test]
fn rejects_tables_that_a_calibration_was_not_read_with() {
    let (history, policy) = (synthetic::history(1), policy("policy.toml"));
    let refused = |liquidity, history: &History| {
        let rules = rules("calibration.toml", Estimator::Static, liquidity);
        calibrate(&rules, history, &policy, &universe(10)).unwrap_err().to_string()
    };
    let error = refused(Some(liquidity(1)), &history);
    assert!(error.starts_with("calibration: liquidity: expected a table"), "{error}");
    let error = refused(None, &history.clone().with_liquidity(table(&history, &[GOOD])));
    assert!(error.starts_with("calibration: expected [liquidity]"), "{error}");
}

/// The smallest and the largest numbers of everything: refused, or good for a calibration.
#[test]
fn rejects_hostile_liquidity_without_panics() {
    let (history, policy) = (synthetic::history(1), policy("policy.toml"));
    let tables = [(1, 1), (1, 2_000_000), (u64::MAX, 1), (u64::MAX, 2_000_000)];
    let tables = tables.map(|(depth, spread)| table(&history, &[(Some(depth), Some(spread)); 450]));
    let (mut refused, mut accepted) = (0, 0);
    for (horizon, window) in [(1, 30), (20, 450), (1, 0), (20, u32::MAX)] {
        for confidence in [0, 500_000, 999_999, u32::MAX] {
            for (participation, size) in [(1, 1), (1, u64::MAX), (1_000_000, 1), (1_000_000, u64::MAX), (u32::MAX, 1)] {
                let (confidence, participation) = (Ppm(confidence), Ppm(participation));
                let liquidity = Liquidity { window, confidence, participation, ..liquidity(size) };
                let rules = Calibration { horizon, ..rules("calibration.toml", Estimator::Static, Some(liquidity)) };
                for table in &tables {
                    match calibrate(&rules, &history.clone().with_liquidity(table.clone()), &policy, &universe(10)) {
                        Ok(_) => accepted += 1,
                        Err(_) => refused += 1,
                    }
                }
            }
        }
    }
    assert!(refused > 200 && accepted > 20, "{refused} {accepted}");
}

/// Every shock of joint scenarios by its size.
fn shocks(policy: &Policy) -> Vec<(String, u32)> {
    let Model::Scenario(model) = &policy.model else { return Vec::new() };
    let joint = model.scenarios.iter().filter(|scenario| {
        let name = scenario.name.as_str().strip_prefix("calibrated/");
        name.is_some_and(|name| !name.starts_with("20"))
    });
    let shock = |(name, (factor, ShockPpm(shock))): (&Name, (&Name, &ShockPpm))| {
        (format!("{name} {factor}"), shock.unsigned_abs())
    };
    joint.flat_map(|scenario| scenario.shocks.iter().map(|found| shock((&scenario.name, found)))).collect()
}

fn values() -> impl Strategy<Value = Values> {
    let depth = prop_oneof![9 => (100_000_u64..10_000_000).prop_map(Some), 1 => Just(None)];
    let spread = prop_oneof![9 => (1_u32..50_000).prop_map(Some), 1 => Just(None)];
    (depth, spread)
}

/// What becomes of a day: less depth, a wider spread, or one of them unknown.
fn worse((depth, spread): Values, what: u8, by: u32) -> Values {
    match what {
        0 => (depth.map(|depth| depth / u64::from(by)), spread),
        1 => (depth, spread.map(|spread| (spread * by).min(2_000_000))),
        2 => (None, spread),
        3 => (depth, None),
        _ => (depth, spread),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Less depth, wider spreads, days without either, larger sizes and smaller shares of the depth: no parameter and
    /// no shock is laxer, whatever the estimator, unless the calibration is refused.
    #[test]
    fn a_less_liquid_market_is_never_laxer(
        good in prop::collection::vec(values(), 30),
        changes in prop::collection::vec((0_u8..12, 2_u32..20), 30),
        sizes in (1_u64..1_000_000, 0_u64..1_000_000),
        participations in (1_000_u32..500_000, 0_u32..500_000),
        estimator in prop::sample::select(Estimator::ALL.to_vec()),
        file in prop::sample::select(vec!["calibration.toml", "calibration-cross.toml"]),
    ) {
        let history = synthetic::history(1);
        let bad: Vec<_> = good.iter().zip(&changes).map(|(day, (what, by))| worse(*day, *what, *by)).collect();
        let policy = policy(if file == "calibration.toml" { "policy.toml" } else { "policy-cross.toml" });
        let found = |values: &[Values], size, participation| {
            let liquidity = Liquidity { participation: Ppm(participation), ..liquidity(size) };
            let rules = rules(file, estimator, Some(liquidity));
            calibrate(&rules, &history.clone().with_liquidity(table(&history, values)), &policy, &universe(10))
        };
        let (less, more) = (participations.0, participations.0 + participations.1);
        let plain = calibrate(&rules(file, estimator, None), &history, &policy, &universe(10)).unwrap();
        let after = found(&bad, sizes.0 + sizes.1, less);
        let Ok(before) = found(&good, sizes.0, more) else {
            prop_assert!(after.is_err());
            return Ok(());
        };
        let steps = after.iter().map(|after| (&before, after));
        for (before, after) in [(&plain, &before)].into_iter().chain(steps) {
            for (before, after) in before.parameters.iter().zip(&after.parameters) {
                let (name, before, after) = (&after.name, before.change, after.change);
                prop_assert!(after.new >= before.new, "{name}: {before:?} {after:?}");
            }
            for ((name, before), (_, after)) in shocks(&before.policy).iter().zip(shocks(&after.policy)) {
                prop_assert!(after >= *before, "{name}: {before} {after}");
            }
        }
    }
}

/// The least that an account of two values has gained over all scenarios.
fn worst(policy: &Policy, [bitcoin, ether]: [i64; 2]) -> i64 {
    let Model::Scenario(model) = &policy.model else { panic!("the example has scenarios") };
    let gain = |scenario: &MarketScenario| {
        let shock = |factor: &str| {
            let shock = scenario.shocks.get(&Name::new(factor).unwrap());
            shock.map_or(0, |ShockPpm(shock)| i64::from(*shock))
        };
        bitcoin * shock("btc") + ether * shock("eth")
    };
    model.scenarios.iter().map(gain).min().unwrap()
}

/// Attack: bitcoin is hard to sell, so that whoever holds it against ether would seem to gain half of the spread on
/// days on which both rise.
#[test]
fn rejects_spreads_that_lower_a_hedged_accounts_margin() {
    let history = synthetic::history(1);
    let rows = |spread: u32| {
        let days = &history.days()[history.days().len() - 30..];
        let row = |day: &Day| format!("{day},BTC-USD,100000000,{spread}\n{day},ETH-USD,100000000,1\n");
        let text = format!("date,column,depth,spread_ppm\n{}", days.iter().map(row).collect::<String>());
        LiquidityTable::read("l.csv", &text, &Dialect::default(), &mut Vec::new()).unwrap()
    };
    let policy = policy("policy.toml");
    let found = |liquidity: Option<Liquidity>, history: &History| {
        let rules = rules("calibration.toml", Estimator::Predictive, liquidity);
        calibrate(&rules, history, &policy, &universe(14)).unwrap().policy
    };
    let plain = found(None, &history);
    for spread in [400, 10_000, 40_000, 100_000] {
        let sold = found(Some(liquidity(1)), &history.clone().with_liquidity(rows(spread)));
        for account in [[100, -100], [-100, 100], [100, 100], [-100, -100], [100, -50], [100, 0], [0, -100]] {
            let (before, after) = (worst(&plain, account), worst(&sold, account));
            assert!(after <= before, "{spread} {account:?}: {before} {after}");
        }
    }
}

#[test]
fn rejects_liquidity_beside_days_of_history() {
    let history = synthetic::history(1);
    let with = history.clone().with_liquidity(table(&history, &[GOOD; 30]));
    let mut rules = rules("calibration.toml", Estimator::Static, Some(liquidity(1)));
    rules.scenarios = Some(ScenarioRule::History { days: 30 });
    let error = calibrate(&rules, &with, &policy("policy.toml"), &universe(14)).unwrap_err().to_string();
    assert!(error.contains("scenarios.type: expected joint scenarios beside [liquidity]"), "{error}");
}
