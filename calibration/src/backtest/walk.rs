//! Margins and losses of each day.

use serde::Serialize;
use surety_core::{day::Day, ident::Name, problem::Problem, units::Ppm};

use crate::{
    estimator::{Estimator, Settings, TailLoss, Windowed},
    history::History,
    moves::{Move, Side},
    predictive::{
        history::ENOUGH,
        joint::Joint,
        market::{Market, Memory, Shortfall, fraction, move_of, share},
    },
    update::Limits,
};

/// A way to state margins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The days of the window may come again.
    Static,
    /// Exponentially weighted volatility with normal tails.
    Ewma,
    /// The days of the window, filtered by exponentially weighted volatility.
    HeavyTailed,
    /// What is learned from the whole history; portfolios by joint scenarios.
    Predictive,
    /// The same with a longer memory, and limited from day to day.
    Governed,
}

impl Method {
    /// All that are compared.
    pub const ALL: [Self; 5] = [Self::Static, Self::Ewma, Self::HeavyTailed, Self::Predictive, Self::Governed];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => Estimator::Static.name(),
            Self::Ewma => Estimator::Ewma.name(),
            Self::HeavyTailed => Estimator::HeavyTailed.name(),
            Self::Predictive => Estimator::Predictive.name(),
            Self::Governed => "predictive, governed",
        }
    }
}

/// What a backtest is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The confidence of value at risk and expected shortfall, at least 90 percent.
    pub confidence: Ppm,
    /// How many moves windows have; a year of them if none.
    pub window: Option<u32>,
    /// The weight of yesterday's variance in today's, in windows.
    pub decay: Ppm,
    /// How much of the volatility of governed margins is that of ten years.
    pub memory: Memory,
    /// How far governed margins may go in a day. Their grid does not count here.
    pub limits: Limits,
    /// The first day that is judged; if none, the first after a third of the moves, but at least 365 and at most 1,000
    /// of them.
    pub from: Option<Day>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            confidence: Ppm(990_000),
            window: None,
            decay: Ppm(970_000),
            memory: Memory::GOVERNED,
            limits: Limits::default(),
            from: None,
        }
    }
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holding {
    /// One column.
    Column,
    /// Several, rebalanced daily.
    Portfolio,
}

/// Something that is held long or short.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The column, or what people call the portfolio.
    pub name: String,
    /// Which of the two it is.
    pub holding: Holding,
    /// The side of the market that hurts.
    pub side: Side,
    /// The loss of each judged day as a fraction of the gross value; negative if there was a gain.
    pub losses: Vec<f64>,
    /// What each of [`Method::ALL`] stated before each of these days.
    pub stated: Vec<Vec<Shortfall>>,
}

/// The walk through a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    /// What the history is called.
    pub market: String,
    /// The columns.
    pub columns: Vec<Name>,
    /// The days that are judged.
    pub days: Vec<Day>,
    /// How many moves windows had.
    pub window: usize,
    /// The terms.
    pub terms: Terms,
    /// Columns and portfolios, each long and short.
    pub series: Vec<Series>,
}

/// Walks through a history.
///
/// # Errors
/// If it has no day to be judged after a window and the [`ENOUGH`] moves that it takes to learn.
pub fn walk(market: &str, history: &History, terms: Terms) -> Result<Walk, Problem> {
    let window = terms.window.map_or_else(|| year(history), |window| window.max(1) as usize);
    let least = window.max(ENOUGH);
    let first = match terms.from {
        Some(from) => history.days().partition_point(|day| *day < from).saturating_sub(1).max(least),
        None => (history.moves() / 3).clamp(ENOUGH, 1_000).max(least),
    };
    let Some(days) = history.days().get(first + 1..).filter(|days| !days.is_empty()) else {
        let expected = format!("more than {first} moves before the last day");
        return Err(Problem::new("history", expected, history.moves().to_string()).advise("give a longer history"));
    };
    let portfolios = portfolios(history.columns().len());
    let mut series = Vec::new();
    for (holding, name, moves) in held(history, &portfolios) {
        let windowed = [Windowed::Static, Windowed::Ewma, Windowed::HeavyTailed].map(|estimator| {
            let settings = Settings { estimator, confidence: terms.confidence, horizon: 1, decay: terms.decay };
            (first..moves.len()).map(|day| settings.tails(&moves[day - window..day])).collect::<Vec<_>>()
        });
        for (place, side) in Side::ALL.into_iter().enumerate() {
            let loss = |day: &Move| if side == Side::Down { -fraction(*day) } else { fraction(*day) };
            let stated = windowed.iter().map(|days| days.iter().map(|tails| shortfall(tails[place])).collect());
            let (name, losses) = (name.clone(), moves[first..].iter().map(loss).collect());
            series.push(Series { name, holding, side, losses, stated: stated.collect() });
        }
    }
    for (memory, limits) in [(Memory::FREE, None), (terms.memory, Some(terms.limits))] {
        let learned = learned(history, &portfolios, terms.confidence, memory, first);
        for (series, stated) in series.iter_mut().zip(learned) {
            series.stated.push(limits.map_or_else(|| stated.clone(), |limits| limited(&stated, limits)));
        }
    }
    let columns = history.columns().iter().map(|column| column.name.clone()).collect();
    Ok(Walk { market: market.to_owned(), columns, days: days.to_vec(), window, terms, series })
}

/// The moves of a year: 365 if the history has every day, 250 if it has working days.
fn year(history: &History) -> usize {
    let (Some(first), Some(last)) = (history.days().first(), history.days().last()) else { return 250 };
    let span = u64::from(last.number() - first.number());
    if 10 * span < 11 * history.moves() as u64 { 365 } else { 250 }
}

/// Portfolios of gross value one: all columns in equal parts, and every other one against the rest.
fn portfolios(columns: usize) -> Vec<(&'static str, Vec<f64>)> {
    if columns < 2 {
        return Vec::new();
    }
    let each = 1.0 / columns as f64;
    let hedged = (0..columns).map(|i| if i % 2 == 0 { each } else { -each });
    vec![("basket", vec![each; columns]), ("hedged", hedged.collect())]
}

/// Everything that is held, and its moves.
fn held(history: &History, portfolios: &[(&'static str, Vec<f64>)]) -> Vec<(Holding, String, Vec<Move>)> {
    let columns = history.columns().iter();
    let mut held: Vec<_> =
        columns.map(|column| (Holding::Column, column.name.to_string(), column.moves.clone())).collect();
    for (name, weights) in portfolios {
        let day = |day: usize| {
            let mut sum = 0.0;
            for (weight, column) in weights.iter().zip(history.columns()) {
                sum += weight * fraction(column.moves[day]);
            }
            move_of(sum)
        };
        held.push((Holding::Portfolio, (*name).to_owned(), (0..history.moves()).map(day).collect()));
    }
    held
}

/// What is learned from the whole history states before each judged day: for columns and portfolios, both sides.
fn learned(
    history: &History,
    portfolios: &[(&'static str, Vec<f64>)],
    confidence: Ppm,
    memory: Memory,
    first: usize,
) -> Vec<Vec<Shortfall>> {
    let width = history.columns().len();
    let (mut market, mut joint) = (Market::new(width, memory), Joint::new(width));
    let mut stated = vec![Vec::new(); 2 * (width + portfolios.len())];
    for day in 0..history.moves() {
        let volatilities: Vec<f64> = (0..width).map(|i| market.volatility(i).unwrap_or(0.0)).collect();
        if day >= first {
            for i in 0..width {
                if let Some(forecast) = market.forecast(i, confidence) {
                    stated[2 * i].push(forecast.down);
                    stated[2 * i + 1].push(forecast.up);
                }
            }
            for (i, (_, weights)) in portfolios.iter().enumerate() {
                let mut gains = joint.gains(weights, &volatilities);
                gains.sort_by(f64::total_cmp);
                let tail = share(Ppm(Ppm::ONE.0 - confidence.0));
                let down = shortfall_of(gains.iter().map(|gain| -gain), tail);
                let up = shortfall_of(gains.iter().rev().copied(), tail);
                stated[2 * (width + i)].push(down);
                stated[2 * (width + i) + 1].push(up);
            }
        }
        let moves: Vec<Move> = history.columns().iter().map(|column| column.moves[day]).collect();
        if width > 1 {
            joint.advance(&moves.iter().copied().map(fraction).collect::<Vec<_>>(), &volatilities);
        }
        market.advance(&moves.into_iter().map(Some).collect::<Vec<_>>());
    }
    stated
}

/// The mean of the largest losses, of which the tail has `share`, the last one in part; and that last one. Losses come
/// in order, the largest first.
fn shortfall_of(losses: impl ExactSizeIterator<Item = f64>, share: f64) -> Shortfall {
    let total = share * losses.len() as f64;
    let (mut rest, mut sum, mut value_at_risk) = (total, 0.0, 0.0);
    for loss in losses {
        // What is left of a whole day by rounding alone is none.
        if rest <= 1e-9 {
            break;
        }
        let part = rest.min(1.0);
        sum += part * loss;
        rest -= part;
        value_at_risk = loss;
    }
    Shortfall { value_at_risk, expected: sum / total }
}

fn shortfall(TailLoss { value_at_risk, expected }: TailLoss) -> Shortfall {
    Shortfall { value_at_risk: value_at_risk as f64 / 1e9, expected: expected as f64 / 1e9 }
}

/// The same from day to day as far as an update may go.
fn limited(stated: &[Shortfall], limits: Limits) -> Vec<Shortfall> {
    let (stricter, laxer) = (1.0 + share(limits.stricter), 1.0 - share(limits.laxer));
    let mut last = None;
    let day = |day: &Shortfall| {
        let expected = last.map_or(day.expected, |last| day.expected.min(last * stricter).max(last * laxer));
        last = Some(expected);
        Shortfall { value_at_risk: day.value_at_risk * (expected / day.expected), expected }
    };
    stated.iter().map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_ordered_losses_counts_the_last_in_part() {
        let losses = [9.0, 5.0, 1.0, 0.0, 0.0];
        let Shortfall { value_at_risk, expected } = shortfall_of(losses.into_iter(), 0.3);
        assert_eq!((value_at_risk, expected), (5.0, (9.0 + 0.5 * 5.0) / 1.5));
        assert_eq!(shortfall_of(losses.into_iter(), 0.2).value_at_risk, 9.0);
    }

    #[test]
    fn governed_margins_go_as_far_as_a_day_may() {
        let stated = [0.1, 0.2, 0.2, 0.01].map(|expected| Shortfall { value_at_risk: expected / 2.0, expected });
        let margins: Vec<f64> = limited(&stated, Limits::default()).iter().map(|day| day.expected).collect();
        let expected = [0.1, 0.11, 0.121, 0.121 * 0.975];
        assert!(margins.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{margins:?}");
    }

    #[test]
    fn portfolios_have_gross_value_one() {
        for columns in 2..7 {
            for (_, weights) in portfolios(columns) {
                assert!((weights.iter().map(|weight| weight.abs()).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert!(portfolios(1).is_empty());
    }
}
