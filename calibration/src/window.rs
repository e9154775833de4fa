//! What the last moves say about each column: all that parameters are made of.

use surety_core::{day::Day, ident::Name};

use crate::{
    calibration::Calibration,
    estimator::{Estimate, Settings},
    history::{Column, History},
    moves::{Move, Side},
};

/// The window of a history that a calibration looks at.
pub(crate) struct Window<'a> {
    pub(crate) columns: Vec<WindowColumn<'a>>,
    /// The day of each move.
    pub(crate) days: &'a [Day],
    settings: Settings,
}

/// A column in the window.
pub(crate) struct WindowColumn<'a> {
    pub(crate) name: &'a Name,
    pub(crate) estimate: Estimate,
    /// What each day would be if it came again.
    pub(crate) scenarios: Vec<Move>,
    window: &'a [Move],
}

impl<'a> Window<'a> {
    pub(crate) fn new(calibration: &Calibration, history: &'a History) -> Self {
        let settings = calibration.settings();
        let column = |column: &'a Column| {
            let window = last(&column.moves, calibration.window);
            let (estimate, scenarios) = (settings.estimate(window), settings.scenarios(window));
            WindowColumn { name: &column.name, estimate, scenarios, window }
        };
        let columns = calibration.columns(history).into_iter().map(column).collect();
        Self { columns, days: last(history.days(), calibration.window), settings }
    }

    /// A column that drives something.
    pub(crate) fn column(&self, name: &Name) -> Option<&WindowColumn<'a>> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(crate) fn correlation(&self, first: &WindowColumn<'_>, second: &WindowColumn<'_>) -> i32 {
        self.settings.correlation(first.window, second.window)
    }

    /// The largest volatility range of some columns, to one side.
    pub(crate) fn volatility_range(&self, names: &[Name], side: Side) -> u64 {
        let columns = self.columns.iter().filter(|column| names.contains(column.name));
        columns.map(|column| self.settings.volatility_range(column.window, side)).max().unwrap_or(0)
    }
}

fn last<T>(items: &[T], count: u32) -> &[T] {
    &items[items.len().saturating_sub(count as usize)..]
}
