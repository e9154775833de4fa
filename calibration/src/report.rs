//! What people read: Markdown and plots of a calibration and of a backtest, with nothing in them that the input does
//! not say.

use std::fmt::Write as _;

use surety_core::{ident::Name, units::Seconds};

use crate::{
    backtest::{
        measures::Light,
        summary::{Excess, Pooled, Summary, pooled, side_held, summaries},
        walk::{Holding, Method, Walk},
    },
    calibration::{Calibration, ScenarioRule},
    estimator::{Estimate, Estimator},
    history::{Column, History},
    liquidity::{Liquidation, Liquidity},
    moves::div_away,
    parameters::Calibrated,
    plot::{Line, Panel, Plot},
    predictive::history::ENOUGH,
    svg::Colour,
    update::Requirement,
    window::estimates_by_day,
};

/// The written report of a calibration: every parameter, what it was, and why it is what it is now.
#[must_use]
pub fn calibration_report(calibration: &Calibration, history: &History, calibrated: &Calibrated) -> String {
    let mut report = format!("# Calibration of {}\n\n", calibration.policy);
    report += &method(calibration, history, calibrated.estimator);
    if let Some(liquidity) = &calibration.liquidity {
        report += &sold(liquidity, calibration.horizon, calibrated);
    }
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

fn method(calibration: &Calibration, history: &History, estimator: Estimator) -> String {
    let days = history.days();
    let first = days.len().saturating_sub(calibration.window as usize);
    let range =
        days.get(first).zip(days.last()).map_or_else(String::new, |(from, to)| format!(", from {from} to {to}"));
    let fallback = if estimator == calibration.estimator {
        String::new()
    } else {
        format!(
            "\n**The estimator {} was asked for, which takes {ENOUGH} moves; the history has {}, so {} takes its \
             place.**\n",
            calibration.estimator.name(),
            history.moves(),
            estimator.name()
        )
    };
    let memory = match estimator {
        Estimator::Predictive => format!(", memory {}", of_ppm(calibration.memory.0.into())),
        Estimator::Static | Estimator::Ewma | Estimator::HeavyTailed => String::new(),
    };
    format!(
        "Estimator {}, expected shortfall at {}, horizon {} {}, the last {} moves{range}, decay {}{memory}. Grid {}; \
         one update makes a requirement at most {} stricter or {} laxer than it was.\n{fallback}",
        estimator.name(),
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

/// How positions are sold, which the shortfalls of their columns include.
fn sold(liquidity: &Liquidity, horizon: u32, calibrated: &Calibrated) -> String {
    let mut text = format!(
        "\nLiquidity: the depth that {} of the last {} days had at least, and the bid-ask spread that as many had at \
         most. A liquidation is {} of the depth, begins after the horizon and sells evenly; shortfalls are those of \
         the horizon that counts, with half of the spread.\n\n\
         | column | size | depth of a day | spread | selling takes | horizon that counts |\n\
         |---|---:|---:|---:|---:|---:|\n",
        of_ppm(liquidity.confidence.0.into()),
        liquidity.window,
        of_ppm(liquidity.participation.0.into()),
    );
    for (column, _) in &calibrated.estimates {
        let _ = match calibrated.liquidations.get(column) {
            Some(liquidation) => {
                let Liquidation { size, depth, spread, selling, .. } = liquidation;
                let [selling, counts] = [*selling, liquidation.horizon(horizon)].map(in_days);
                writeln!(text, "| {column} | {size} | {depth} | {} ppm | {selling} | {counts} |", spread.0)
            }
            None => writeln!(text, "| {column} | not stated | – | – | – | {horizon}.00 d |"),
        };
    }
    text
}

/// The plot of a calibration: prices, volatilities and expected shortfalls as they would have been estimated on each
/// day. How positions are sold is not in it: depths of the past are not asked for.
#[must_use]
pub fn calibration_plot(calibration: &Calibration, history: &History) -> Plot {
    let columns = calibration.columns(history);
    let window = calibration.window.max(1) as usize;
    let estimates = estimates_by_day(calibration, history);
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
    let alone = if calibration.liquidity.is_some() { ", from prices alone" } else { "" };
    let horizon = format!("at {} over {} d{alone}", of_ppm(calibration.confidence.0.into()), calibration.horizon);
    Plot {
        title: format!("{}: estimator {}", calibration.policy, calibration.estimator_for(history).name()),
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

/// The tables of a backtest of some histories: what was judged, all series together, and each series.
#[must_use]
pub fn backtest_report(walks: &[Walk]) -> String {
    let each: Vec<Summary> = walks.iter().flat_map(summaries).collect();
    let mut report = judged(walks);
    report += &pooled_report(&each);
    report += "\nEach series. *VaR* is the number of days beyond value at risk, *ES* that of days beyond the margin; \
               then the probabilities of the tests of Kupiec and of Christoffersen, the light, and the statistic of \
               Acerbi and Székely.\n\n\
               | series | side | method | mean margin | VaR | ES | Kupiec | independence | both | light | A–S | \
               largest excess |\n|---|---|---|---:|---:|---:|---:|---:|---:|---|---:|---|\n";
    report.extend(each.iter().map(coverage_line));
    report += "\n*Loss* is that of Fissler and Ziegel, *DM* the statistic of Diebold and Mariano of the predictive \
               method against the one in the line, *cost* the mean margin at equal exceedances as a share of the \
               static method's; then the largest rises of the margin, and its peak as a multiple of its trough.\n\n\
               | series | side | method | loss | DM | cost | five days | thirty days | peak |\n\
               |---|---|---|---:|---:|---:|---:|---:|---:|\n";
    report.extend(each.iter().map(score_line));
    report +=
        "\nMargins that were known before the day of each series' largest loss:\n\n| series | side | day | loss |";
    for method in Method::ALL {
        let _ = write!(report, " {} |", method.name());
    }
    report += &format!("\n|---|---|---|---:|{}\n", "---:|".repeat(Method::ALL.len()));
    report.extend(walks.iter().flat_map(worst_days));
    report
}

/// What was judged: a line for each history.
fn judged(walks: &[Walk]) -> String {
    let mut text = String::new();
    for walk in walks {
        let columns: Vec<_> = walk.columns.iter().map(Name::as_str).collect();
        let range = walk.days.first().zip(walk.days.last());
        let range = range.map_or_else(String::new, |(from, to)| format!(" from {from} to {to}"));
        let _ = writeln!(
            text,
            "- {} ({}): {} days{range}, confidence {}, windows of {} moves.",
            walk.market,
            columns.join(", "),
            walk.days.len(),
            of_ppm(walk.terms.confidence.0.into()),
            walk.window,
        );
    }
    text
}

/// All series of some backtests together, under each method.
#[must_use]
pub fn pooled_report(each: &[Summary]) -> String {
    let mut report = String::new();
    for (holding, called) in [(Holding::Column, "Columns"), (Holding::Portfolio, "Portfolios")] {
        let lines = pooled(each, holding);
        let Some(Pooled { series, .. }) = lines.first() else { continue };
        let _ = write!(
            report,
            "\n{called}: {series} series and sides together. *Margin* and *cost* are shares of the static method's, \
             rises and peaks medians; the last two columns say on how many series the predictive method had the \
             smaller loss, and significantly so.\n\n\
             | method | loss | beyond VaR | beyond ES | Kupiec rejects | not green | margin | cost | five days | \
             thirty days | peak | predictive better | significantly |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        );
        report.extend(lines.iter().map(pooled_line));
    }
    report
}

fn pooled_line(pooled: &Pooled) -> String {
    let versus = |share: f64| if pooled.method == Method::Predictive { "–".to_owned() } else { of_share(share) };
    format!(
        "| {} | {} | {} | {} | {} | {} | {:.3} | {:.3} | {:.2} | {:.2} | {:.1} | {} | {} |\n",
        pooled.method.name(),
        signed(pooled.loss),
        of_share(pooled.exceedance_rate),
        of_share(pooled.beyond_margin_rate),
        of_share(pooled.kupiec_rejected),
        of_share(pooled.not_green),
        pooled.margin_to_static,
        pooled.cost_to_static,
        pooled.five_day_rise,
        pooled.thirty_day_rise,
        pooled.peak_to_trough,
        versus(pooled.predictive_better),
        versus(pooled.predictive_significantly_better),
    )
}

fn coverage_line(summary: &Summary) -> String {
    let excess = |Excess { day, excess }: &Excess| format!("{} on {day}", of_share(*excess));
    let light = match summary.light {
        Light::Green => "green",
        Light::Yellow => "yellow",
        Light::Red => "red",
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {:.3} | {:.3} | {:.3} | {light} | {} | {} |\n",
        summary.series,
        summary.side,
        summary.method.name(),
        of_share(summary.mean_margin),
        summary.exceedances,
        summary.beyond_margin,
        summary.coverage.kupiec,
        summary.coverage.independence,
        summary.coverage.conditional,
        signed(summary.acerbi_szekely),
        summary.worst_excess.as_ref().map_or_else(|| "none".to_owned(), excess),
    )
}

fn score_line(summary: &Summary) -> String {
    let against =
        if summary.method == Method::Predictive { "–".to_owned() } else { signed(summary.predictive_against) };
    format!(
        "| {} | {} | {} | {} | {against} | {:.3} | {:.2} | {:.2} | {:.1} |\n",
        summary.series,
        summary.side,
        summary.method.name(),
        signed(summary.loss),
        summary.cost_to_static,
        summary.five_day_rise,
        summary.thirty_day_rise,
        summary.peak_to_trough,
    )
}

fn worst_days(walk: &Walk) -> impl Iterator<Item = String> {
    walk.series.iter().filter_map(|series| {
        let (place, loss) = series.losses.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let margins: Vec<_> = series.stated.iter().map(|stated| of_share(stated[place].expected)).collect();
        let (name, side, day) = (&series.name, side_held(series.side), walk.days[place]);
        Some(format!("| {name} | {side} | {day} | {} | {} |\n", of_share(*loss), margins.join(" | ")))
    })
}

/// The plot of a backtest: the losses of each column and portfolio, and the margins before them.
#[must_use]
pub fn backtest_plot(walk: &Walk) -> Plot {
    let in_ppm = |fraction: f64| (fraction * 1e6).ceil() as i64;
    let panels = walk.series.iter().map(|series| {
        let losses = series.losses.iter().map(|loss| in_ppm(loss.max(0.0))).collect();
        let mut lines = vec![Line { name: "loss of the day".into(), colour: Colour::Grey, values: losses }];
        let shown = Method::ALL.iter().zip(&series.stated).filter(|(method, _)| SHOWN.contains(method));
        lines.extend(shown.zip(Colour::ESTIMATES).map(|((method, stated), colour)| Line {
            name: method.name().into(),
            colour,
            values: stated.iter().map(|day| in_ppm(day.expected)).collect(),
        }));
        Panel { title: format!("{}, {}", series.name, side_held(series.side)), lines }
    });
    Plot {
        title: format!(
            "{}: losses of a day and margins, expected shortfall at {}",
            walk.market,
            of_ppm(walk.terms.confidence.0.into())
        ),
        days: walk.days.clone(),
        panels: panels.collect(),
    }
}

/// The methods that a plot has lines of.
const SHOWN: [Method; 3] = [Method::Static, Method::Predictive, Method::Governed];

/// A fraction in percent, rounded up.
fn of_share(fraction: f64) -> String {
    of_ppm((fraction * 1e6).ceil() as i64)
}

/// With three places and a proper minus.
fn signed(number: f64) -> String {
    format!("{number:.3}").replace('-', "−")
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

/// A duration in days, with two places, rounded up.
fn in_days(Seconds(seconds): Seconds) -> String {
    let hundredths = seconds.div_ceil(864);
    format!("{}.{:02} d", hundredths / 100, hundredths % 100)
}

/// Parts per million in percent, with two places, rounded away from zero.
fn of_ppm(ppm: i64) -> String {
    let hundredths = div_away(ppm.into(), 100);
    let sign = if hundredths < 0 { "−" } else { "" };
    let digits = hundredths.unsigned_abs();
    format!("{sign}{}.{:02} %", digits / 100, digits % 100)
}
