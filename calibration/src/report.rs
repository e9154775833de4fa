//! What people read: Markdown and plots of a calibration and of a backtest, with nothing in them that the input does
//! not say.

use std::fmt::Write as _;

use surety_core::ident::Name;

use crate::{
    backtest::{Backtest, Scheme, Summary, Updates, Walk},
    calibration::{Calibration, ScenarioRule},
    estimator::{Estimate, Estimator},
    history::{Column, History},
    moves::div_away,
    parameters::Calibrated,
    plot::{Line, Panel, Plot},
    svg::Colour,
    update::Requirement,
};

/// The written report of a calibration: every parameter, what it was, and why it is what it is now.
#[must_use]
pub fn calibration_report(calibration: &Calibration, history: &History, calibrated: &Calibrated) -> String {
    let mut report = format!("# Calibration of {}\n\n", calibration.policy);
    report += &method(calibration, history);
    report += "\n| column | volatility of a day | shortfall long | shortfall short |\n|---|---:|---:|---:|\n";
    for (column, Estimate { volatility, down, up }) in &calibrated.estimates {
        let _ = writeln!(report, "| {column} | {} | {} | {} |", of_ppb(*volatility), of_ppb(*down), of_ppb(*up));
    }
    report += "\nRequirements, of which more is stricter. *Proposed* is the estimate rounded up to the grid, \
               *limited* what one update may make of it.\n\n\
               | parameter | column | old | proposed | limited | new | why |\n|---|---|---:|---:|---:|---:|---|\n";
    for parameter in &calibrated.parameters {
        let columns: Vec<_> = parameter.columns.iter().map(Name::as_str).collect();
        let change = &parameter.change;
        let old = change.old.map_or_else(|| "none".to_owned(), of_requirement);
        let [proposed, limited, new] = [change.proposed, change.limited, change.new].map(of_requirement);
        let (columns, reason) = (columns.join(", "), change.reason());
        let _ =
            writeln!(report, "| {} | {columns} | {old} | {proposed} | {limited} | {new} | {reason} |", parameter.name);
    }
    match calibration.scenarios {
        Some(ScenarioRule::Joint { worst_days }) => {
            let _ = writeln!(
                report,
                "\n{} scenarios were written: the factors together, one leading, one over another, and the \
                 {worst_days} worst days of the window, which are not limited because they happened.",
                calibrated.scenarios
            );
        }
        Some(ScenarioRule::History { .. }) => {
            let _ = writeln!(
                report,
                "\n{} days of history were written as equally likely scenarios. They are not limited because they \
                 happened.",
                calibrated.scenarios
            );
        }
        None => {}
    }
    report
}

fn method(calibration: &Calibration, history: &History) -> String {
    let days = history.days();
    let first = days.len().saturating_sub(calibration.window as usize);
    let range =
        days.get(first).zip(days.last()).map_or_else(String::new, |(from, to)| format!(", from {from} to {to}"));
    format!(
        "Estimator {}, expected shortfall at {}, horizon {} {}, the last {} moves{range}, decay {}. Grid {}; one \
         update makes a requirement at most {} stricter or {} laxer.\n",
        name(calibration.estimator),
        of_ppm(calibration.confidence.0.into()),
        calibration.horizon,
        if calibration.horizon == 1 { "day" } else { "days" },
        calibration.window,
        of_ppm(calibration.decay.0.into()),
        of_ppm(calibration.limits.grid.0.into()),
        of_ppm(calibration.limits.stricter.0.into()),
        of_ppm(calibration.limits.laxer.0.into()),
    )
}

/// The plot of a calibration: prices, volatilities and expected shortfalls as they would have been estimated on each
/// day.
#[must_use]
pub fn calibration_plot(calibration: &Calibration, history: &History) -> Plot {
    let columns = calibration.columns(history);
    let window = calibration.window.max(1) as usize;
    let estimates: Vec<Vec<Estimate>> = columns
        .iter()
        .map(|column| column.moves.windows(window).map(|moves| calibration.settings().estimate(moves)).collect())
        .collect();
    let lines = |values: &dyn Fn(usize) -> Vec<i64>| {
        let line = |((place, column), colour): ((usize, &&Column), Colour)| Line {
            name: column.name.to_string(),
            colour,
            values: values(place),
        };
        columns.iter().enumerate().zip(Colour::ESTIMATES.into_iter().cycle()).map(line).collect::<Vec<_>>()
    };
    let estimated = |title: String, value: fn(&Estimate) -> u64| {
        let values = |place: usize| estimates[place].iter().map(|estimate| ppm(value(estimate))).collect();
        Panel { title, lines: lines(&values) }
    };
    let days = history.days().get(window..).unwrap_or_default().to_vec();
    let prices = |place: usize| relative(columns[place].prices.get(window..).unwrap_or_default());
    let horizon = format!("at {} over {} d", of_ppm(calibration.confidence.0.into()), calibration.horizon);
    Plot {
        title: format!("{}: estimator {}", calibration.policy, name(calibration.estimator)),
        days,
        panels: vec![
            Panel { title: "Price, relative to the first day".into(), lines: lines(&prices) },
            estimated("Volatility of the next day".into(), |estimate| estimate.volatility),
            estimated(format!("Expected shortfall of a long position {horizon}"), |estimate| estimate.down),
            estimated(format!("Expected shortfall of a short position {horizon}"), |estimate| estimate.up),
        ],
    }
}

/// Prices in parts per million of the first.
fn relative(prices: &[u64]) -> Vec<i64> {
    let first = u128::from(prices.first().copied().unwrap_or(1));
    prices.iter().map(|price| i64::try_from(u128::from(*price) * 1_000_000 / first).unwrap_or(i64::MAX)).collect()
}

/// The tables of a backtest.
#[must_use]
pub fn backtest_report(calibration: &Calibration, backtest: &Backtest) -> String {
    let columns: Vec<_> = backtest.columns.iter().map(Name::as_str).collect();
    let range = backtest.days.first().zip(backtest.days.last());
    let range = range.map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
    let mut report = format!(
        "{}: losses of {} days{range}. Expected shortfall at {} over one day, window {} moves, decay {}. At \
         most {} of the days were to exceed. Amounts are in percent of the portfolio's gross value.\n\n\
         | portfolio | parameters | mean margin | days beyond | rate | probability | largest excess |\n\
         |---|---|---:|---:|---:|---:|---|\n",
        columns.join(", "),
        backtest.days.len(),
        of_ppm(calibration.confidence.0.into()),
        calibration.window,
        of_ppm(calibration.decay.0.into()),
        of_ppm(backtest.target.0.into()),
    );
    for walk in &backtest.portfolios {
        for summary in backtest.summaries(walk) {
            report += &summary_line(walk.portfolio.name, &summary);
        }
    }
    report +=
        "\nMargins that were known before the day of each portfolio's largest loss:\n\n| portfolio | day | loss |";
    for scheme in Scheme::ALL {
        let _ = write!(report, " {} |", scheme.name);
    }
    report += &format!("\n|---|---|---:|{}\n", "---:|".repeat(Scheme::ALL.len()));
    for walk in &backtest.portfolios {
        report += &worst_day(backtest, walk);
    }
    report
}

fn summary_line(portfolio: &str, summary: &Summary) -> String {
    let excess =
        summary.worst_excess.map_or_else(|| "none".to_owned(), |(day, excess)| format!("{} on {day}", of_ppm(excess)));
    let rate = div_away(i128::from(summary.exceedances) * 1_000_000, i128::from(summary.days.max(1)));
    format!(
        "| {portfolio} | {} | {} | {} of {} | {} | {:.4} | {excess} |\n",
        summary.scheme.name,
        of_ppm(summary.average_margin),
        summary.exceedances,
        summary.days,
        of_ppm(i64::try_from(rate).unwrap_or(i64::MAX)),
        summary.probability,
    )
}

fn worst_day(backtest: &Backtest, walk: &Walk) -> String {
    let Some((place, loss)) = walk.losses.iter().enumerate().rev().max_by_key(|(_, loss)| **loss) else {
        return String::new();
    };
    let margins: Vec<_> = walk.margins.iter().map(|margins| of_ppm(margins[place])).collect();
    format!("| {} | {} | {} | {} |\n", walk.portfolio.name, backtest.days[place], of_ppm(*loss), margins.join(" | "))
}

/// The plot of a backtest: the losses of each portfolio and the margins before them.
#[must_use]
pub fn backtest_plot(calibration: &Calibration, backtest: &Backtest) -> Plot {
    let panel = |walk: &Walk| {
        let losses = walk.losses.iter().map(|loss| (*loss).max(0)).collect();
        let mut lines = vec![Line { name: "loss of the day".into(), colour: Colour::Grey, values: losses }];
        let shown = Scheme::ALL.iter().zip(&walk.margins).filter(|(scheme, _)| scheme.updates != Updates::Limited);
        lines.extend(shown.zip(Colour::ESTIMATES).map(|((scheme, margins), colour)| Line {
            name: scheme.name.into(),
            colour,
            values: margins.clone(),
        }));
        Panel { title: format!("{}, in percent of gross value", walk.portfolio.name), lines }
    };
    Plot {
        title: format!("One-day losses and margins, expected shortfall at {}", of_ppm(calibration.confidence.0.into())),
        days: backtest.days.clone(),
        panels: backtest.portfolios.iter().map(panel).collect(),
    }
}

fn name(estimator: Estimator) -> &'static str {
    match estimator {
        Estimator::Static => "static",
        Estimator::Ewma => "ewma",
        Estimator::HeavyTailed => "heavy-tailed",
    }
}

fn of_requirement(Requirement(ppm): Requirement) -> String {
    of_ppm(ppm)
}

/// Parts per billion in percent, rounded up.
fn of_ppb(ppb: u64) -> String {
    of_ppm(ppm(ppb))
}

fn ppm(ppb: u64) -> i64 {
    i64::try_from(ppb.div_ceil(1_000)).unwrap_or(i64::MAX)
}

/// Parts per million in percent, with two places, rounded away from zero.
fn of_ppm(ppm: i64) -> String {
    let hundredths = div_away(ppm.into(), 100);
    let sign = if hundredths < 0 { "−" } else { "" };
    let digits = hundredths.unsigned_abs();
    format!("{sign}{}.{:02} %", digits / 100, digits % 100)
}
