//! The surprise that all columns share: how many of its own variances each moved, and whether they fell.

use super::{
    CLIP,
    mean::{Decay, Mean},
};

/// Half a life of four days.
const DECAY: Decay = Decay(0.84);

/// A column is part of the market's surprise once it has so many days before.
pub(super) const SETTLED: u32 = 20;

/// What one day was to a column: its move, and the variance of the month before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Surprise {
    pub(super) day: f64,
    pub(super) month: f64,
}

/// The market's level, in variances of each column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// Of all days.
    pub(super) all: f64,
    /// Of days on which the market fell.
    pub(super) falls: f64,
}

/// The means of the market.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Common {
    pub(super) all: Mean,
    pub(super) falls: Mean,
}

impl Common {
    /// One before any column has settled.
    pub(super) fn levels(&self) -> Levels {
        Levels { all: self.all.value().unwrap_or(1.0), falls: self.falls.value().unwrap_or(1.0) }
    }

    /// Adds a day of the columns that have settled; a day without any says nothing.
    pub(super) fn add(&mut self, day: &[Surprise]) {
        if day.is_empty() {
            return;
        }
        let (mut mean, mut direction) = (0.0, 0.0);
        for Surprise { day, month } in day {
            let variances = (day * day / month).min(CLIP);
            mean += variances;
            let root = variances.sqrt();
            if *day > 0.0 {
                direction += root;
            } else {
                direction -= root;
            }
        }
        mean /= day.len() as f64;
        self.all.add(DECAY, mean);
        self.falls.add(DECAY, if direction < 0.0 { 2.0 * mean } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_market_falls_where_more_columns_do() {
        let level = |days: [f64; 3]| {
            let mut common = Common::default();
            common.add(&days.map(|day| Surprise { day, month: 1.0 }));
            common.levels()
        };
        assert_eq!(level([-1.0, -1.0, 1.0]), Levels { all: 1.0, falls: 2.0 });
        assert_eq!(level([1.0, -1.0, 1.0]), Levels { all: 1.0, falls: 0.0 });
        assert_eq!(level([0.0; 3]), Levels { all: 0.0, falls: 0.0 });
    }

    #[test]
    fn a_surprise_is_clipped_and_silence_says_nothing() {
        let mut common = Common::default();
        common.add(&[]);
        assert_eq!(common.levels(), Levels { all: 1.0, falls: 1.0 });
        common.add(&[Surprise { day: 100.0, month: 1.0 }]);
        assert_eq!(common.levels(), Levels { all: 20.0, falls: 0.0 });
    }
}
