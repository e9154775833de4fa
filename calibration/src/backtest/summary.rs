//! The measures of each series under each method, and of all series together.

use serde::Serialize;
use surety_core::units::Ppm;

use super::{
    measures::{
        Coverage, Light, acerbi_szekely, cost_at_equal_exceedances, coverage, diebold_mariano, fissler_ziegel,
        largest_rise, mean, peak_to_trough, traffic_light,
    },
    walk::{Holding, Method, Series, Walk},
};
use crate::moves::Side;

/// One series under one method. Amounts are fractions of the gross value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What the history is called.
    pub market: String,
    /// The column or the portfolio.
    pub series: String,
    /// Which of the two it is.
    pub holding: Holding,
    /// `long` or `short`.
    pub side: &'static str,
    /// The method.
    pub method: Method,
    /// How many days were judged.
    pub days: u64,
    /// Mean expected shortfall: what it costs.
    pub mean_margin: f64,
    /// On how many days the loss exceeded the value at risk.
    pub exceedances: u64,
    /// On how many days it exceeded the expected shortfall, which is the margin.
    pub beyond_margin: u64,
    /// Tests of when the value at risk was exceeded.
    pub coverage: Coverage,
    /// The zone of so many exceedances.
    pub light: Light,
    /// The second test of Acerbi and Székely.
    pub acerbi_szekely: f64,
    /// The mean loss of Fissler and Ziegel.
    pub loss: f64,
    /// Diebold and Mariano: the predictive method against this one, in its favour where negative.
    pub predictive_against: f64,
    /// Mean margin at equal exceedances.
    pub cost: f64,
    /// The same as a share of the static method's.
    pub cost_to_static: f64,
    /// The largest excess of a loss over its margin, and its day; none if no loss exceeded its margin.
    pub worst_excess: Option<Excess>,
    /// The largest ratio of a margin to that of five days before.
    pub five_day_rise: f64,
    /// To that of thirty days before.
    pub thirty_day_rise: f64,
    /// The ratio of the largest margin to the smallest.
    pub peak_to_trough: f64,
}

/// A loss that its margin did not cover.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Excess {
    /// The day.
    pub day: String,
    /// What was not covered.
    pub excess: f64,
}

/// All series under one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pooled {
    /// The method.
    pub method: Method,
    /// How many series and sides there are.
    pub series: usize,
    /// The mean over series of the mean loss of Fissler and Ziegel.
    pub loss: f64,
    /// The rate of exceedances of the value at risk over all days.
    pub exceedance_rate: f64,
    /// The rate of exceedances of the margin.
    pub beyond_margin_rate: f64,
    /// The share of series that Kupiec's test rejects at five percent.
    pub kupiec_rejected: f64,
    /// The share that is not green.
    pub not_green: f64,
    /// Mean margin as a share of the static method's: geometric mean.
    pub margin_to_static: f64,
    /// Cost at equal exceedances as a share of the static method's: geometric mean.
    pub cost_to_static: f64,
    /// The share of series on which the predictive method has the smaller loss.
    pub predictive_better: f64,
    /// The share on which it does at five percent, by Diebold and Mariano.
    pub predictive_significantly_better: f64,
    /// Median over series.
    pub five_day_rise: f64,
    /// Median over series.
    pub thirty_day_rise: f64,
    /// Median over series.
    pub peak_to_trough: f64,
}

/// Five percent of one side of a normal variable.
const SIGNIFICANT: f64 = -1.645;

/// What people call the side that is held.
#[must_use]
pub fn side_held(side: Side) -> &'static str {
    match side {
        Side::Down => "long",
        Side::Up => "short",
    }
}

/// The measures of each series under each method.
#[must_use]
pub fn summaries(walk: &Walk) -> Vec<Summary> {
    walk.series.iter().flat_map(|series| of_series(walk, series)).collect()
}

fn of_series(walk: &Walk, series: &Series) -> Vec<Summary> {
    let tail = Ppm(Ppm::ONE.0.saturating_sub(walk.terms.confidence.0));
    let scores: Vec<_> = series.stated.iter().map(|stated| fissler_ziegel(&series.losses, stated, tail)).collect();
    let margins: Vec<Vec<f64>> =
        series.stated.iter().map(|stated| stated.iter().map(|day| day.expected).collect()).collect();
    let costs: Vec<f64> = margins.iter().map(|margins| cost_at_equal_exceedances(&series.losses, margins)).collect();
    let place = |method: Method| Method::ALL.iter().position(|other| *other == method).unwrap_or(0);
    let (fixed, predictive) = (place(Method::Static), place(Method::Predictive));
    let summary = |(i, method): (usize, Method)| {
        let (stated, margins) = (&series.stated[i], &margins[i]);
        let exceeded: Vec<bool> =
            series.losses.iter().zip(stated).map(|(loss, stated)| *loss > stated.value_at_risk).collect();
        let (days, exceedances) = (exceeded.len() as u64, exceeded.iter().filter(|hit| **hit).count() as u64);
        let excesses = series.losses.iter().zip(margins).map(|(loss, margin)| loss - margin);
        let beyond: Vec<(usize, f64)> = excesses.enumerate().filter(|(_, excess)| *excess > 0.0).collect();
        let worst = beyond.iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
        Summary {
            market: walk.market.clone(),
            series: series.name.clone(),
            holding: series.holding,
            side: side_held(series.side),
            method,
            days,
            mean_margin: mean(margins),
            exceedances,
            beyond_margin: beyond.len() as u64,
            coverage: coverage(&exceeded, tail),
            light: traffic_light(exceedances, days, tail),
            acerbi_szekely: acerbi_szekely(&series.losses, stated, tail),
            loss: mean(&scores[i]),
            predictive_against: diebold_mariano(&scores[predictive], &scores[i]),
            cost: costs[i],
            cost_to_static: costs[i] / costs[fixed],
            worst_excess: worst.map(|(day, excess)| Excess { day: walk.days[*day].to_string(), excess: *excess }),
            five_day_rise: largest_rise(margins, 5),
            thirty_day_rise: largest_rise(margins, 30),
            peak_to_trough: peak_to_trough(margins),
        }
    };
    Method::ALL.into_iter().enumerate().map(summary).collect()
}

/// All columns, or all portfolios, of some walks together, under each method.
#[must_use]
pub fn pooled(summaries: &[Summary], holding: Holding) -> Vec<Pooled> {
    let of = |method: Method| -> Vec<&Summary> {
        summaries.iter().filter(|summary| summary.holding == holding && summary.method == method).collect()
    };
    let (fixed, predictive) = (of(Method::Static), of(Method::Predictive));
    if fixed.is_empty() {
        return Vec::new();
    }
    let pool = |method: Method| {
        let own = of(method);
        let values = |value: &dyn Fn(&Summary) -> f64| own.iter().map(|summary| value(summary)).collect::<Vec<f64>>();
        let average = |value: &dyn Fn(&Summary) -> f64| mean(&values(value));
        let share = |holds: &dyn Fn(&Summary) -> bool| average(&|summary| f64::from(u8::from(holds(summary))));
        let days = own.iter().map(|summary| summary.days).sum::<u64>().max(1) as f64;
        let rate =
            |count: &dyn Fn(&Summary) -> u64| own.iter().map(|summary| count(summary)).sum::<u64>() as f64 / days;
        let to_static = own.iter().zip(&fixed).map(|(own, fixed)| libm::log(own.mean_margin / fixed.mean_margin));
        let to_static: Vec<f64> = to_static.collect();
        let better = own.iter().zip(&predictive).filter(|(own, predictive)| predictive.loss < own.loss).count();
        Pooled {
            method,
            series: own.len(),
            loss: average(&|summary| summary.loss),
            exceedance_rate: rate(&|summary| summary.exceedances),
            beyond_margin_rate: rate(&|summary| summary.beyond_margin),
            kupiec_rejected: share(&|summary| summary.coverage.kupiec < 0.05),
            not_green: share(&|summary| summary.light != Light::Green),
            margin_to_static: libm::exp(mean(&to_static)),
            cost_to_static: libm::exp(average(&|summary| libm::log(summary.cost_to_static))),
            predictive_better: better as f64 / own.len() as f64,
            predictive_significantly_better: share(&|summary| summary.predictive_against < SIGNIFICANT),
            five_day_rise: median(values(&|summary| summary.five_day_rise)),
            thirty_day_rise: median(values(&|summary| summary.thirty_day_rise)),
            peak_to_trough: median(values(&|summary| summary.peak_to_trough)),
        }
    };
    Method::ALL.map(pool).to_vec()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.is_empty() {
        f64::NAN
    } else if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}
