//! Walking forward: would margins that were known the day before have covered the losses of each day?
//!
//! Day by day, shocks are estimated from the moves of the window before, as [`crate::scenarios`] does for joint
//! scenarios but over a horizon of one day, without worst days and multiples. The margin of a portfolio is its worst
//! loss over the scenarios; the loss is what the portfolio lost with the next move. Nothing of a day is known to its
//! own margin.
//!
//! An expected shortfall lies beyond the quantile of its confidence `c`, so a good margin is exceeded on fewer days
//! than `1 − c`. The probability of that many days or more at a rate of `1 − c` says whether there were too many: the
//! one-sided form of Kupiec's test.
//!
//! Source: Kupiec, *Techniques for verifying the accuracy of risk measurement models*, Journal of Derivatives 3, 1995.

use surety_core::{day::Day, ident::Name, units::Ppm};

use crate::{
    calibration::Calibration,
    estimator::{Estimator, Settings},
    history::{Column, History},
    joint::{JointScenario, joint_scenarios},
    moves::{Move, div_away},
    normal::binomial_tail,
    update::{Bounds, Requirement, share_of},
};

/// How parameters are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updates {
    /// As they were on the first day.
    Never,
    /// Estimated anew each day.
    Daily,
    /// Estimated anew each day, and moved only as far as one update may.
    Limited,
}

/// Parameters that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// What people call it.
    pub name: &'static str,
    /// How they are estimated.
    pub estimator: Estimator,
    /// How they are kept.
    pub updates: Updates,
}

impl Scheme {
    /// All that are compared.
    pub const ALL: [Self; 5] = [
        Self { name: "static, never updated", estimator: Estimator::Static, updates: Updates::Never },
        Self { name: "static, daily", estimator: Estimator::Static, updates: Updates::Daily },
        Self { name: "ewma, daily", estimator: Estimator::Ewma, updates: Updates::Daily },
        Self { name: "heavy-tailed, daily", estimator: Estimator::HeavyTailed, updates: Updates::Daily },
        Self { name: "heavy-tailed, limited", estimator: Estimator::HeavyTailed, updates: Updates::Limited },
    ];
}

/// A portfolio of gross value one, rebalanced every day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// What people call it.
    pub name: &'static str,
    /// The value in each column, in parts per million of the gross value; negative where short.
    pub weights: Vec<i64>,
}

/// What a walk through a history found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backtest {
    /// The columns.
    pub columns: Vec<Name>,
    /// The days of which losses were compared.
    pub days: Vec<Day>,
    /// At most this share of the days was to exceed.
    pub target: Ppm,
    /// What was found for each portfolio.
    pub portfolios: Vec<Walk>,
}

/// A portfolio's way through the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The portfolio.
    pub portfolio: Portfolio,
    /// The loss of each day in parts per million of the gross value, rounded up; negative if it gained.
    pub losses: Vec<i64>,
    /// For each of [`Scheme::ALL`], the margin that was known before each day, in parts per million of the gross value.
    pub margins: Vec<Vec<i64>>,
}

/// How parameters did.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The parameters.
    pub scheme: Scheme,
    /// Mean margin, in parts per million of the gross value, rounded up: what it costs.
    pub average_margin: i64,
    /// On how many days the loss exceeded the margin.
    pub exceedances: u64,
    /// How many days there were.
    pub days: u64,
    /// The probability of that many exceedances or more at the target rate.
    pub probability: f64,
    /// The largest excess of loss over margin in parts per million of the gross value, and its day; none if there was
    /// no exceedance.
    pub worst_excess: Option<(Day, i64)>,
}

/// Walks through a history with the columns, the confidence, the window, the decay and the limits of a calibration.
/// None if the history has no move beyond the window.
#[must_use]
pub fn backtest(calibration: &Calibration, history: &History) -> Option<Backtest> {
    let columns = calibration.columns(history);
    let window = calibration.window as usize;
    let days = history.days().get(window + 1..).filter(|days| !days.is_empty())?;
    let losses = |portfolio: &Portfolio| (window..history.moves()).map(|day| loss(portfolio, &columns, day)).collect();
    let walk = |portfolio: Portfolio| Walk { losses: losses(&portfolio), margins: Vec::new(), portfolio };
    let mut walks: Vec<Walk> = portfolios(columns.len()).into_iter().map(walk).collect();
    for scheme in Scheme::ALL {
        let mut margins = vec![Vec::new(); walks.len()];
        let mut last = None;
        for day in window..history.moves() {
            let parameters = parameters(scheme, calibration, &columns, day, last.as_ref());
            for (walk, margins) in walks.iter().zip(&mut margins) {
                margins.push(parameters.margin(&walk.portfolio));
            }
            last = Some(parameters);
        }
        walks.iter_mut().zip(margins).for_each(|(walk, margins)| walk.margins.push(margins));
    }
    let columns = columns.into_iter().map(|column| column.name.clone()).collect();
    let target = Ppm(Ppm::ONE.0.saturating_sub(calibration.confidence.0));
    Some(Backtest { columns, days: days.to_vec(), target, portfolios: walks })
}

/// Everything long, everything short, and the first column long against the others.
fn portfolios(columns: usize) -> Vec<Portfolio> {
    let equal = |value: i64, count: usize| vec![value / i64::try_from(count.max(1)).unwrap_or(i64::MAX); count];
    let mut portfolios = vec![
        Portfolio { name: "long", weights: equal(1_000_000, columns) },
        Portfolio { name: "short", weights: equal(-1_000_000, columns) },
    ];
    if columns > 1 {
        let others = equal(-500_000, columns - 1);
        portfolios.push(Portfolio { name: "balanced", weights: [vec![500_000], others].concat() });
    }
    portfolios
}

fn loss(portfolio: &Portfolio, columns: &[&Column], day: usize) -> i64 {
    let gains = portfolio.weights.iter().zip(columns).map(|(weight, column)| weight * column.moves[day].ppb());
    // Parts per million times parts per billion.
    -gains.sum::<i64>().div_euclid(1_000_000_000)
}

/// What is known before a day: the shocks of the columns and how they go together.
struct Parameters {
    shocks: Vec<[Requirement; 2]>,
    scenarios: Vec<JointScenario>,
}

impl Parameters {
    /// The worst loss of a portfolio over the scenarios, in parts per million of its gross value, rounded up.
    fn margin(&self, portfolio: &Portfolio) -> i64 {
        let loss = |scenario: &JointScenario| {
            let held = portfolio.weights.iter().zip(&self.shocks).zip(&scenario.shares);
            let gains = held.map(|((weight, [down, up]), share)| {
                i128::from(*weight) * i128::from(share_of(if *share < 0 { *down } else { *up }, *share))
            });
            div_away(-gains.sum::<i128>(), 1_000_000)
        };
        let worst = self.scenarios.iter().map(loss).max().unwrap_or(0).max(0);
        i64::try_from(worst).unwrap_or(i64::MAX)
    }
}

/// What a scheme knows before a day, from what it knew before the one before.
fn parameters(
    scheme: Scheme,
    calibration: &Calibration,
    columns: &[&Column],
    day: usize,
    last: Option<&Parameters>,
) -> Parameters {
    const UNBOUNDED: Bounds = Bounds { floor: Ppm(0), cap: Ppm(u32::MAX) };
    let settings = Settings { estimator: scheme.estimator, horizon: 1, ..calibration.settings() };
    let length = calibration.window as usize;
    let from = if scheme.updates == Updates::Never { 0 } else { day - length };
    let windows: Vec<&[Move]> = columns.iter().map(|column| &column.moves[from..from + length]).collect();
    let last = last.filter(|_| scheme.updates == Updates::Limited);
    let shock = |(place, window): (usize, &&[Move])| {
        let estimate = settings.estimate(window);
        let old = last.map(|last| last.shocks[place]);
        let update = |side: usize, estimate| {
            calibration.limits.update(old.map(|old| old[side]), estimate, Ppm::ONE, UNBOUNDED).new
        };
        [update(0, estimate.down), update(1, estimate.up)]
    };
    let names: Vec<&Name> = columns.iter().map(|column| &column.name).collect();
    Parameters {
        shocks: windows.iter().enumerate().map(shock).collect(),
        scenarios: joint_scenarios(&names, |i, j| settings.correlation(windows[i], windows[j])),
    }
}

impl Backtest {
    /// How each of [`Scheme::ALL`] did for a portfolio.
    #[must_use]
    pub fn summaries(&self, walk: &Walk) -> Vec<Summary> {
        let summary = |(scheme, margins): (Scheme, &Vec<i64>)| {
            let excesses = walk.losses.iter().zip(margins).map(|(loss, margin)| loss - margin);
            let exceeding = self.days.iter().copied().zip(excesses).filter(|(_, excess)| *excess > 0);
            let exceeding: Vec<(Day, i64)> = exceeding.collect();
            let (exceedances, days) = (exceeding.len() as u64, self.days.len() as u64);
            let sum: i128 = margins.iter().copied().map(i128::from).sum();
            Summary {
                scheme,
                average_margin: i64::try_from(div_away(sum, i128::from(days.max(1)))).unwrap_or(i64::MAX),
                exceedances,
                days,
                probability: binomial_tail(exceedances, days, self.target),
                worst_excess: exceeding.into_iter().rev().max_by_key(|(_, excess)| *excess),
            }
        };
        Scheme::ALL.into_iter().zip(&walk.margins).map(summary).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_rounded_up() {
        let moves =
            |ppb: i128| Column { name: Name::new("A").unwrap(), prices: Vec::new(), moves: vec![Move::new(ppb)] };
        let [fall, rise, tiny] = [-100_000_000, 100_000_000, -1].map(moves);
        let [long, short] = [0, 1].map(|i| portfolios(1)[i].clone());
        assert_eq!(loss(&long, &[&fall], 0), 100_000);
        assert_eq!(loss(&short, &[&fall], 0), -100_000);
        assert_eq!(loss(&short, &[&rise], 0), 100_000);
        assert_eq!(loss(&long, &[&tiny], 0), 1);
    }

    #[test]
    fn portfolios_have_gross_value_one() {
        for columns in 1..5 {
            for portfolio in portfolios(columns) {
                let gross: i64 = portfolio.weights.iter().map(|weight| weight.abs()).sum();
                assert!((999_995..=1_000_000).contains(&gross), "{portfolio:?}");
            }
        }
    }
}
