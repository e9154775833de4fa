//! What the past says about each column: all that parameters are made of.

use std::collections::BTreeMap;

use surety_core::{day::Day, ident::Name};

use crate::{
    calibration::{Calibration, Spread},
    estimator::{Estimate, Estimator, Settings},
    history::{Column, History},
    liquidity::Liquidation,
    moves::{Move, Side, div_away},
    predictive::history::{Learned, LearnedColumn, alone, learn},
};

/// The part of a history that a calibration looks at.
pub(crate) struct Window<'a> {
    pub(crate) columns: Vec<WindowColumn<'a>>,
    /// The days that may come again.
    pub(crate) days: &'a [Day],
    spreads: Vec<(&'a Spread, Estimate)>,
    /// In parts per million, by the places of columns.
    correlations: Vec<Vec<i32>>,
    settings: Settings,
}

/// What scenarios move: a liquidation costs whoever is on the side to which the price moved, and is no gain of anybody
/// on the other one, so accounts are held to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Prices alone.
    Prices,
    /// Prices at which positions are sold.
    Liquidations,
}

/// A column in the window.
pub(crate) struct WindowColumn<'a> {
    pub(crate) name: &'a Name,
    /// Of liquidations.
    pub(crate) estimate: Estimate,
    /// Of prices alone.
    of_prices: Estimate,
    /// What each of the days would be for prices alone if it came again.
    scenarios: Vec<Move>,
    /// How the position is sold, if that is known.
    liquidation: Option<Liquidation>,
    /// Before each move of the window, and after the last.
    volatilities: Vec<u64>,
    place: usize,
}

impl<'a> Window<'a> {
    /// What liquidations of positions may lose, where it is known how they sell; what prices may do where it is not.
    pub(crate) fn new(
        calibration: &'a Calibration,
        history: &'a History,
        liquidations: &BTreeMap<Name, Liquidation>,
    ) -> Self {
        let mut window = Self::of_prices(calibration, history);
        for column in &mut window.columns {
            if let Some(liquidation) = liquidations.get(column.name) {
                column.sell(liquidation);
            }
        }
        window
    }

    fn of_prices(calibration: &'a Calibration, history: &'a History) -> Self {
        let (settings, columns) = (calibration.settings(), calibration.columns(history));
        let spreads = calibration.spreads.iter().filter_map(|spread| {
            Some((spread, spread_moves(history.column(&spread.long)?, history.column(&spread.short)?)))
        });
        let of_window = |moves: &'a [Move]| last(moves, calibration.window);
        match calibration.estimator_for(history) {
            Estimator::Predictive => {
                let memory = calibration.memory();
                let spreads = spreads.filter_map(|(spread, moves)| Some((spread, alone(&moves, &settings, memory)?)));
                let learned = learn(history, &columns, &settings, memory);
                Self::learned(learned, &columns, history, calibration, spreads.collect())
            }
            Estimator::Static | Estimator::Ewma | Estimator::HeavyTailed => {
                let column = |(place, column): (usize, &&'a Column)| {
                    let window = of_window(&column.moves);
                    let (scenarios, volatilities) = (settings.scenarios(window), settings.volatilities(window));
                    WindowColumn::new(&column.name, settings.estimate(window), scenarios, volatilities, place)
                };
                let correlation = |first: &&'a Column, second: &&'a Column| {
                    settings.correlation(of_window(&first.moves), of_window(&second.moves))
                };
                let row = |first| columns.iter().map(|second| correlation(first, second)).collect();
                Self {
                    columns: columns.iter().enumerate().map(column).collect(),
                    days: last(history.days(), calibration.window),
                    spreads: spreads
                        .map(|(spread, moves)| (spread, settings.estimate(last(&moves, calibration.window))))
                        .collect(),
                    correlations: columns.iter().map(row).collect(),
                    settings,
                }
            }
        }
    }

    fn learned(
        learned: Learned,
        columns: &[&'a Column],
        history: &'a History,
        calibration: &'a Calibration,
        spreads: Vec<(&'a Spread, Estimate)>,
    ) -> Self {
        let row = |first| (0..columns.len()).map(|second| learned.correlation(first, second)).collect();
        let correlations = (0..columns.len()).map(row).collect();
        let column = |((place, learned), column): ((usize, LearnedColumn), &&'a Column)| {
            let LearnedColumn { estimates, scenarios } = learned;
            // A history that is learned from has a forecast of the next day.
            let next = estimates.last().copied().flatten().unwrap_or(Estimate { volatility: 0, down: 0, up: 0 });
            let known: Vec<u64> = estimates.iter().flatten().map(|estimate| estimate.volatility).collect();
            let scenarios = last(&scenarios, calibration.window).to_vec();
            let known = last(&known, calibration.window.saturating_add(1)).to_vec();
            WindowColumn::new(&column.name, next, scenarios, known, place)
        };
        let columns: Vec<_> = learned.columns.into_iter().enumerate().zip(columns).map(column).collect();
        let days = columns.first().map_or(0, |column| column.scenarios.len());
        let days = &history.days()[history.days().len() - days..];
        Self { columns, days, spreads, correlations, settings: calibration.settings() }
    }

    /// The sets of scenarios: those of liquidations only where it is known how something sells.
    pub(crate) fn sets(&self) -> &'static [Set] {
        let sold = self.columns.iter().any(|column| column.liquidation.is_some());
        if sold { &[Set::Prices, Set::Liquidations] } else { &[Set::Prices] }
    }

    /// A column that drives something.
    pub(crate) fn column(&self, name: &Name) -> Option<&WindowColumn<'a>> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(crate) fn correlation(&self, first: &WindowColumn<'_>, second: &WindowColumn<'_>) -> i32 {
        self.correlations[first.place][second.place]
    }

    /// The share of their own shocks by which one column goes up and another down so that half of each loses what the
    /// spread of the two may lose: in parts per million, rounded up, at most one; none if no spread is derived. Prices
    /// alone make the share, so that one that is harder to sell does not make another go less far.
    pub(crate) fn apart(&self, above: &WindowColumn<'_>, below: &WindowColumn<'_>) -> Option<i32> {
        let estimate = self.spreads.iter().find_map(|(spread, estimate)| {
            if (&spread.long, &spread.short) == (above.name, below.name) {
                Some(estimate.up)
            } else if (&spread.long, &spread.short) == (below.name, above.name) {
                Some(estimate.down)
            } else {
                None
            }
        })?;
        let whole = u128::from(above.of_prices.up) + u128::from(below.of_prices.down);
        let share = (2_000_000 * u128::from(estimate)).div_ceil(whole.max(1)).min(1_000_000);
        i32::try_from(share).ok()
    }

    /// The largest volatility range of some columns, to one side, over the horizon or up to any day of selling.
    pub(crate) fn volatility_range(&self, names: &[Name], side: Side) -> u64 {
        let columns = self.columns.iter().filter(|column| names.contains(column.name));
        let ranges = columns.flat_map(|column| {
            let horizons = self.settings.horizon..=self.settings.horizon.saturating_add(column.selling());
            horizons.map(|horizon| Settings { horizon, ..self.settings }.volatility_range(&column.volatilities, side))
        });
        ranges.max().unwrap_or(0)
    }
}

impl<'a> WindowColumn<'a> {
    fn new(name: &'a Name, estimate: Estimate, scenarios: Vec<Move>, volatilities: Vec<u64>, place: usize) -> Self {
        Self { name, estimate, of_prices: estimate, scenarios, liquidation: None, volatilities, place }
    }

    fn sell(&mut self, liquidation: &Liquidation) {
        self.estimate = liquidation.widened(self.of_prices);
        self.liquidation = Some(*liquidation);
    }

    /// How many days the horizon is longer by until everything is sold.
    fn selling(&self) -> u32 {
        self.liquidation.map_or(0, |liquidation| liquidation.days())
    }

    /// The estimate of a set of scenarios.
    pub(crate) fn estimate_of(&self, set: Set) -> Estimate {
        match set {
            Set::Prices => self.of_prices,
            Set::Liquidations => self.estimate,
        }
    }

    /// A day, if it came again, in a set of scenarios.
    pub(crate) fn day(&self, set: Set, day: usize) -> Move {
        let moved = self.scenarios[day];
        match (set, &self.liquidation) {
            (Set::Liquidations, Some(liquidation)) => liquidation.moved(moved),
            _ => moved,
        }
    }
}

/// What prices may do, for each column that drives anything, before each day from the end of the first window on and
/// before the next one. Days before there was a forecast are estimated from their window.
pub(crate) fn estimates_by_day(calibration: &Calibration, history: &History) -> Vec<Vec<Estimate>> {
    let (settings, columns) = (calibration.settings(), calibration.columns(history));
    let window = calibration.window.max(1) as usize;
    let windowed = |column: &&Column| column.moves.windows(window).map(|moves| settings.estimate(moves)).collect();
    let windowed: Vec<Vec<Estimate>> = columns.iter().map(windowed).collect();
    if calibration.estimator_for(history) != Estimator::Predictive {
        return windowed;
    }
    let learned = learn(history, &columns, &settings, calibration.memory()).columns.into_iter();
    let column = |(learned, windowed): (LearnedColumn, Vec<Estimate>)| {
        let learned = learned.estimates.into_iter().skip(window);
        learned.zip(windowed).map(|(learned, windowed)| learned.unwrap_or(windowed)).collect()
    };
    learned.zip(windowed).map(column).collect()
}

/// Half of one price against half of another: `½(x_A − x_B)`, rounded away from zero.
fn spread_moves(long: &Column, short: &Column) -> Vec<Move> {
    let pairs = long.moves.iter().zip(&short.moves);
    pairs.map(|(long, short)| Move::new(div_away(i128::from(long.ppb()) - i128::from(short.ppb()), 2))).collect()
}

fn last<T>(items: &[T], count: u32) -> &[T] {
    &items[items.len().saturating_sub(count as usize)..]
}
