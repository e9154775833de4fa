//! What the whole history says of each column on its last days: what parameters are made of.

use surety_core::units::Ppm;

use super::{
    joint::Joint,
    market::{Forecast, Market, Memory, fraction, move_of, ppb_up},
};
use crate::{
    estimator::{Estimate, Settings},
    history::{Column, History},
    moves::Move,
};

/// From so many moves on, the predictive estimator has learned enough to be relied on.
pub const ENOUGH: usize = 365;

/// What is known after the last day of a history.
pub(crate) struct Learned {
    /// For each chosen column.
    pub(crate) columns: Vec<LearnedColumn>,
    joint: Joint,
}

pub(crate) struct LearnedColumn {
    /// Before each day of the history, none before there was a forecast; and before the next one.
    pub(crate) estimates: Vec<Option<Estimate>>,
    /// What each day that is equally likely would be over the horizon.
    pub(crate) scenarios: Vec<Move>,
}

/// Learns from a history, of which all columns are one market. Joint scenarios are those of the chosen columns.
pub(crate) fn learn(history: &History, chosen: &[&Column], settings: &Settings, memory: Memory) -> Learned {
    let places: Vec<usize> = chosen
        .iter()
        .filter_map(|chosen| history.columns().iter().position(|column| column.name == chosen.name))
        .collect();
    let mut market = Market::new(history.columns().len(), memory);
    let mut joint = Joint::new(places.len());
    let mut estimates = vec![Vec::new(); places.len()];
    for day in 0..=history.moves() {
        for (place, estimates) in places.iter().zip(&mut estimates) {
            estimates.push(market.forecast(*place, settings.confidence).map(|forecast| estimate(&forecast, settings)));
        }
        if day < history.moves() {
            let moves: Vec<_> = history.columns().iter().map(|column| Some(column.moves[day])).collect();
            let chosen: Vec<f64> = places.iter().filter_map(|place| moves[*place].map(fraction)).collect();
            joint.advance(&chosen, &volatilities(&market, &places));
            market.advance(&moves);
        }
    }
    let root = f64::from(settings.horizon).sqrt();
    let scenarios = joint.scenarios(&volatilities(&market, &places));
    let column = |(i, estimates): (usize, Vec<_>)| LearnedColumn {
        estimates,
        scenarios: scenarios.iter().map(|day| move_of(day[i] * root)).collect(),
    };
    Learned { columns: estimates.into_iter().enumerate().map(column).collect(), joint }
}

/// What a column that is alone in its market may do next: a spread of two others.
pub(crate) fn alone(moves: &[Move], settings: &Settings, memory: Memory) -> Option<Estimate> {
    let mut market = Market::new(1, memory);
    moves.iter().for_each(|day| market.advance(&[Some(*day)]));
    market.forecast(0, settings.confidence).map(|forecast| estimate(&forecast, settings))
}

impl Learned {
    /// The correlation of two chosen columns, in parts per million, to the nearest.
    pub(crate) fn correlation(&self, first: usize, second: usize) -> i32 {
        (self.joint.correlation(first, second) * f64::from(Ppm::ONE.0)).clamp(-1e6, 1e6).round() as i32
    }
}

fn volatilities(market: &Market, places: &[usize]) -> Vec<f64> {
    places.iter().map(|place| market.volatility(*place).unwrap_or(0.0)).collect()
}

/// Over the horizon, rounded up. A loss of somebody who is long is at most everything.
fn estimate(forecast: &Forecast, settings: &Settings) -> Estimate {
    let root = f64::from(settings.horizon).sqrt();
    Estimate {
        volatility: ppb_up(forecast.volatility),
        down: ppb_up(forecast.down.expected * root).min(Move::ONE.unsigned_abs()),
        up: ppb_up(forecast.up.expected * root),
    }
}
