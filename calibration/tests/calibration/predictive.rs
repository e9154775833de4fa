//! The predictive estimator against rows of another implementation, and on a series that anyone can make.

use std::{collections::BTreeMap, fs, path::Path};

use surety_calibration::{
    history::{History, Quotes, Selection},
    moves::Move,
    predictive::{
        forecast::{Forecasts, HEADER, Terms, forecasts},
        joint::Joint,
        market::{Forecast, LEAST_CONFIDENCE, Market, Memory, fraction, ppb_up},
    },
};
use surety_core::units::Ppm;

use crate::{series, shared};

const TERMS: Terms = Terms { confidence: Ppm(990_000), memory: Memory::FREE };

const MARKETS: [&str; 4] = ["btc-eth", "sp500", "stocks", "wti"];

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The history and the reference rows of a market; none where they are absent.
fn reference(market: &str, what: &str) -> Option<(String, Vec<Vec<String>>)> {
    let history = shared(&format!("history/{market}-daily.csv"))?;
    let rows = shared(&format!("predictive/{market}-{what}.csv"))?;
    let (history, rows) = (read(&history)?, read(&rows)?);
    let fields = |line: &str| line.split(',').map(str::to_owned).collect();
    Some((history, rows.lines().skip(1).map(fields).collect()))
}

fn quotes(text: &str) -> Quotes {
    Quotes::read("h.csv", text, &Selection::default(), &mut Vec::new()).unwrap()
}

fn walked(text: &str) -> Forecasts {
    forecasts(&quotes(text), TERMS, None).unwrap()
}

fn numbers(forecast: &Forecast) -> [u64; 5] {
    let Forecast { volatility, down, up } = *forecast;
    [volatility, down.value_at_risk, down.expected, up.value_at_risk, up.expected].map(ppb_up)
}

#[track_caller]
fn near(found: u64, wanted: &str, place: &str) {
    let wanted: f64 = wanted.parse().unwrap();
    assert!((found as f64 / wanted - 1.0).abs() < 1e-6, "{place}: expected {wanted}, found {found}");
}

#[test]
fn forecasts_are_those_of_the_reference() {
    let mut compared = 0;
    for market in MARKETS {
        let Some((history, rows)) = reference(market, "forecast") else { return };
        let mut found = BTreeMap::new();
        for row in walked(&history).rows {
            let day = row.day.map_or_else(|| "next".to_owned(), |day| day.to_string());
            found.insert((day, row.column.to_string()), numbers(&row.forecast));
        }
        for row in rows {
            let place = format!("{} of {}", row[0], row[1]);
            let found = found[&(row[0].clone(), row[1].clone())];
            found.into_iter().zip(&row[2..7]).for_each(|(found, wanted)| near(found, wanted, &place));
            compared += 1;
        }
    }
    assert_eq!(compared, 6_217);
}

/// What each column believes, in parts per million, to the nearest.
#[test]
fn beliefs_are_those_of_the_reference() {
    for market in MARKETS {
        let Some((text, rows)) = reference(market, "forecast") else { return };
        let history = crate::read_history("h.csv", &text);
        let mut wanted: BTreeMap<(String, String), Vec<String>> =
            rows.into_iter().map(|row| ((row[0].clone(), row[1].clone()), row[7..].to_vec())).collect();
        let mut market = Market::new(history.columns().len(), Memory::FREE);
        for day in 0..=history.moves() {
            let label = history.days().get(day + 1).map_or_else(|| "next".to_owned(), ToString::to_string);
            for (i, column) in history.columns().iter().enumerate() {
                let Some(wanted) = wanted.remove(&(label.clone(), column.name.to_string())) else { continue };
                for (found, wanted) in market.belief(i).unwrap().into_iter().zip(wanted) {
                    assert!(((found * 1e6 + 0.5).floor() - wanted.parse::<f64>().unwrap()).abs() <= 1.0, "{label}");
                }
            }
            if day < history.moves() {
                market.advance(&moves(&history, day));
            }
        }
        assert!(wanted.is_empty());
    }
}

fn moves(history: &History, day: usize) -> Vec<Option<Move>> {
    history.columns().iter().map(|column| Some(column.moves[day])).collect()
}

/// The portfolios of the reference, in parts of their gross value.
fn portfolios(columns: usize) -> Vec<(&'static str, Vec<f64>)> {
    let each = 1.0 / columns as f64;
    let mut portfolios = vec![
        ("basket", vec![each; columns]),
        ("hedged", (0..columns).map(|i| if i % 2 == 0 { each } else { -each }).collect()),
    ];
    let pair = |long: usize, short: usize| {
        let mut weights = vec![0.0; columns];
        (weights[long], weights[short]) = (0.5, -0.5);
        weights
    };
    if columns > 2 {
        portfolios.extend([("pair-a", pair(0, columns - 1)), ("pair-b", pair(1, 4))]);
    }
    portfolios
}

/// Value at risk and expected shortfall of the gains, of which a hundredth is in the tail.
fn tail(mut losses: Vec<f64>) -> [u64; 2] {
    losses.sort_by(|a, b| b.total_cmp(a));
    let total = 0.01 * losses.len() as f64;
    let whole = (total + 1e-9).floor() as usize;
    let rest = total - whole as f64;
    let mut sum: f64 = losses[..whole].iter().sum();
    let partly = rest > 1e-9;
    if partly {
        sum += rest * losses[whole];
    }
    [losses[if partly { whole } else { whole - 1 }], sum / total].map(ppb_up)
}

#[test]
fn portfolios_are_those_of_the_reference() {
    for (name, start) in [("btc-eth", 365), ("stocks", 1_000)] {
        let Some((text, rows)) = reference(name, "portfolios") else { return };
        let history = crate::read_history("h.csv", &text);
        let width = history.columns().len();
        let (mut market, mut joint) = (Market::new(width, Memory::FREE), Joint::new(width));
        let mut compared = 0;
        for day in 0..=history.moves() {
            let volatilities: Vec<f64> = (0..width).map(|i| market.volatility(i).unwrap_or(0.0)).collect();
            let label = history.days().get(day + 1).map_or_else(|| "next".to_owned(), ToString::to_string);
            for row in rows.iter().filter(|row| day >= start && row[0] == label) {
                let (_, weights) = portfolios(width).into_iter().find(|(name, _)| row[1] == *name).unwrap();
                let gains = joint.gains(&weights, &volatilities);
                let [long, short] = [tail(gains.iter().map(|gain| -gain).collect()), tail(gains)];
                let found = [long, short].concat();
                found.into_iter().zip(&row[2..]).for_each(|(found, wanted)| near(found, wanted, &label));
                compared += 1;
            }
            if day < history.moves() {
                let day = moves(&history, day);
                let fractions: Vec<f64> = day.iter().flatten().copied().map(fraction).collect();
                joint.advance(&fractions, &volatilities);
                market.advance(&day);
            }
        }
        assert_eq!(compared, rows.len());
    }
}

#[test]
fn the_table_of_forecasts_is_the_documented_one() {
    let page = fs::read_to_string(crate::root().join("docs/src/predictive.md")).unwrap();
    assert!(page.contains(&format!("```text\n{HEADER}\n```")), "{HEADER}");
    let days = (0..300)
        .map(|day| format!("{},{}\n", 20_000_101 + day / 28 % 12 * 100 + day % 28 + day / 336 * 10_000, 100 + day % 7));
    let csv = walked(&format!("date,A\n{}", days.collect::<String>())).csv();
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some(HEADER));
    let mut last = None;
    for line in lines {
        let fields: Vec<_> = line.split(',').collect();
        let [date, column, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
        assert_eq!((*column, numbers.len()), ("A", 5), "{line}");
        let [_, var_down, es_down, var_up, es_up] = [0, 1, 2, 3, 4].map(|i| numbers[i].parse::<u64>().unwrap());
        assert!(var_down <= es_down && var_up <= es_up, "{line}");
        last = Some(*date);
    }
    assert_eq!(last, Some("next"));
}

/// The same bits on every machine: `web/test/forecast.test.mjs` demands them of WebAssembly. After a change that is
/// meant, `UPDATE=1` writes them anew.
#[test]
fn bits_are_pinned() {
    let path = crate::root().join("calibration/tests/bits.json");
    let bits = [0, 1, 2].map(|column| series::bits(column).unwrap().map(|bits| format!("{bits:016x}")));
    let text = serde_json::to_string_pretty(&bits).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

/// A market with a print of −50 percent in one column after quiet years: the margin of each column, as a multiple of
/// what it was.
fn after_a_print(columns: i64, quiet: i64) -> Vec<f64> {
    let mut market = Market::new(columns as usize, Memory::FREE);
    // The calm times of the series alone, a tenth of their size.
    let calm = |day: i64| day / 90 * 180 + day % 90;
    let day = |column: i64, day: i64| Some(Move::new((series::day(column, calm(day)).ppb() / 10).into()));
    for i in 0..quiet {
        market.advance(&(0..columns).map(|column| day(column, i)).collect::<Vec<_>>());
    }
    let margins = |market: &Market| {
        let margin = |column| market.forecast(column, Ppm(990_000)).unwrap().down.expected;
        (0..columns as usize).map(margin).collect::<Vec<_>>()
    };
    let before = margins(&market);
    let print = |column| if column == 0 { Some(Move::new(-500_000_000)) } else { day(column, quiet) };
    market.advance(&(0..columns).map(print).collect::<Vec<_>>());
    margins(&market).into_iter().zip(before).map(|(after, before)| after / before).collect()
}

#[test]
fn a_print_after_quiet_years_moves_a_margin_by_at_most_two_and_a_half_times() {
    for quiet in [1_000, 2_000, 3_000] {
        for columns in [1, 2, 10] {
            let rises = after_a_print(columns, quiet);
            assert!((1.2..=2.5).contains(&rises[0]), "{columns} {quiet}: {rises:?}");
            assert!(rises.iter().all(|rise| *rise <= 2.5), "{columns} {quiet}: {rises:?}");
        }
    }
}

#[test]
fn hostile_moves_give_finite_forecasts() {
    let extreme = |day: i64| [-1_000_000_000, 10_000_000_000, 0, 1, -1][(day % 5) as usize];
    let days: [(&str, &dyn Fn(i64) -> i128); 4] = [
        ("extremes", &|day| extreme(day)),
        ("zeros", &|_| 0),
        ("zeros, then everything", &|day| if day < 2_000 { 0 } else { extreme(day) }),
        ("falls by everything", &|_| -1_000_000_000),
    ];
    for (name, move_of) in days {
        let mut market = Market::new(1, Memory::GOVERNED);
        for day in 0..3_000 {
            market.advance(&[Some(Move::new(move_of(day)))]);
            for confidence in [Ppm(0), LEAST_CONFIDENCE, Ppm(999_999), Ppm::ONE] {
                let Some(Forecast { volatility, down, up }) = market.forecast(0, confidence) else { continue };
                assert!((9.9e-5..1e3).contains(&volatility), "{name}: {volatility}");
                for side in [down, up] {
                    assert!(side.value_at_risk > 0.0 && side.expected >= side.value_at_risk, "{name}: {side:?}");
                    assert!(side.expected < 1e5, "{name}: {side:?}");
                }
            }
        }
    }
}

#[test]
fn a_thousand_columns_are_a_market_and_none_is_too() {
    let market = series::market(1_000, 300);
    assert!((0..1_000).all(|column| market.forecast(column, Ppm(990_000)).is_some()));
    assert_eq!(market.forecast(1_000, Ppm(990_000)), None);
    let mut none = Market::new(0, Memory::FREE);
    none.advance(&[]);
    none.advance(&[Some(Move::new(1))]);
    assert_eq!(none.forecast(0, Ppm(990_000)), None);
}

/// A column's forecast is the same whoever else is in the market, but for the market's surprise; and without moves
/// nothing changes.
#[test]
fn a_day_without_moves_changes_nothing() {
    let mut market = series::market(3, 400);
    let before = market.clone();
    market.advance(&[None, None, None]);
    market.advance(&[]);
    assert_eq!(market, before);
}
