//! The variances of a column: means of its squared moves over days, months and years, and of its falls.

use super::{
    CLIP, FLOOR, WARM,
    common::Levels,
    mean::{Decay, Mean},
};

/// Half a life of one and a half days.
const DAYS: Decay = Decay(0.63);
/// Of four days.
const BAD: Decay = Decay(0.84);
/// Of twenty-five days.
const MONTH: Decay = Decay(0.973);
/// Of five hundred days.
const YEARS: Decay = Decay(0.9986);
/// Of ten years.
const LONG: Decay = Decay(0.99972);
/// Of the variance that squares are clipped by.
const CLIPPING: Decay = Decay(0.97);

/// What experts weigh: the variances over days, a month and years, of falls, of the market's surprise, and of its
/// falls, all in terms of the column.
pub(super) type Features = [f64; 6];

/// The means of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Variances {
    pub(super) days: Mean,
    pub(super) month: Mean,
    pub(super) years: Mean,
    pub(super) long: Mean,
    pub(super) bad: Mean,
    pub(super) clipping: Mean,
}

impl Variances {
    /// How many means there are.
    pub(super) const COUNT: usize = 6;

    pub(super) fn means(&self) -> [Mean; Self::COUNT] {
        [self.days, self.month, self.years, self.long, self.bad, self.clipping]
    }

    pub(super) fn of_means([days, month, years, long, bad, clipping]: [Mean; Self::COUNT]) -> Self {
        Self { days, month, years, long, bad, clipping }
    }

    /// The variance of the last month; none before the first move.
    pub(super) fn month(&self) -> Option<f64> {
        self.month.value().map(|month| month.max(FLOOR))
    }

    /// The variance of ten years, which volatility remembers.
    pub(super) fn long(&self) -> Option<f64> {
        self.long.value().map(|long| long.max(FLOOR))
    }

    /// What experts weigh; none before the first move.
    pub(super) fn features(&self, levels: Levels) -> Option<Features> {
        let month = self.month()?;
        let [days, years, bad] = [self.days.value()?, self.years.value()?, self.bad.value()?];
        Some([days, month, years, bad, levels.all * month, levels.falls * month])
    }

    /// Adds the move of a day that has so many days before it.
    pub(super) fn add(&mut self, day: f64, before: u32) {
        let mut square = day * day;
        if before >= WARM {
            square = square.min(CLIP * self.clipping.value().unwrap_or(FLOOR).max(FLOOR));
        }
        self.days.add(DAYS, square);
        self.month.add(MONTH, square);
        self.years.add(YEARS, square);
        self.long.add(LONG, square);
        self.bad.add(BAD, if day < 0.0 { 2.0 * square } else { 0.0 });
        self.clipping.add(CLIPPING, square);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_count_twice_and_rises_not_at_all_among_falls() {
        let [mut risen, mut fallen] = [Variances::default(); 2];
        risen.add(0.1, 0);
        fallen.add(-0.1, 0);
        assert_eq!((risen.bad.value(), fallen.bad.value()), (Some(0.0), Some(2.0 * (0.1 * 0.1))));
        assert_eq!(risen.month(), fallen.month());
    }

    #[test]
    fn a_square_counts_for_at_most_twenty_variances_once_warm() {
        let day = |before| {
            let mut variances = Variances::default();
            variances.add(0.01, 0);
            variances.add(1.0, before);
            variances.days.value().unwrap()
        };
        assert!(day(WARM - 1) > 0.5);
        assert!(day(WARM) < 20.0 * 0.01 * 0.01);
    }

    #[test]
    fn no_variance_is_below_the_floor() {
        let mut variances = Variances::default();
        assert_eq!(variances.month(), None);
        variances.add(0.0, 0);
        assert_eq!((variances.month(), variances.long()), (Some(FLOOR), Some(FLOOR)));
    }
}
