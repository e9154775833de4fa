//! A market: columns that share a surprise, and what each may do on the next day.
//!
//! A [`Market`] holds what the days so far have left behind. [`Market::forecast`] says what the next day may bring, and
//! [`Market::advance`] takes that day in; so nothing of a day is known to its own forecast.
//!
//! A column may begin later than others, and may miss days: it has its own count of days, takes part in the market's
//! surprise once it has twenty, and is forecast once it has [`WARM`]. On a day without a move it stays as it is, so the
//! move over a gap counts as that of one day.

use surety_core::units::Ppm;

use super::{
    WARM,
    common::{Common, SETTLED, Surprise},
    experts::{self, Belief, Opinions, opinions},
    features::Variances,
    tails::{Bins, Tails},
};
use crate::moves::Move;

/// How many experts a column believes more or less.
pub const EXPERTS: usize = experts::COUNT;

/// The least confidence of a forecast: a tenth of the days are in the tail.
pub const LEAST_CONFIDENCE: Ppm = Ppm(900_000);

/// How much of the volatility is that of ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory(pub Ppm);

impl Memory {
    /// What was judged best.
    pub const FREE: Self = Self(Ppm(200_000));

    /// For parameters that are to move little.
    pub const GOVERNED: Self = Self(Ppm(400_000));

    fn share(self) -> f64 {
        share(self.0)
    }
}

/// Parts per million as a float, the nearest to the decimal.
pub(crate) fn share(Ppm(parts): Ppm) -> f64 {
    f64::from(parts) / 1e6
}

/// Columns that share a surprise.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    pub(super) columns: Vec<Column>,
    pub(super) common: Common,
    pub(super) memory: Memory,
    bins: Bins,
}

/// What the days so far have left behind of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Column {
    /// How many moves it has had.
    pub(super) days: u32,
    pub(super) variances: Variances,
    pub(super) belief: Belief,
    pub(super) tails: Tails,
}

/// What the next day may bring for a column: fractions of its price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Volatility.
    pub volatility: f64,
    /// Of somebody who is long.
    pub down: Shortfall,
    /// Of somebody who is short.
    pub up: Shortfall,
}

/// What a side may lose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortfall {
    /// Value at risk: the loss that is exceeded with the probability of the tail.
    pub value_at_risk: f64,
    /// Expected shortfall: the mean of the losses in the tail.
    pub expected: f64,
}

/// A fraction in parts per billion, rounded up. Saturates.
#[must_use]
pub fn ppb_up(fraction: f64) -> u64 {
    (fraction * 1e9).ceil() as u64
}

/// A move as a fraction of the price.
#[must_use]
pub fn fraction(day: Move) -> f64 {
    day.ppb() as f64 / 1e9
}

/// A fraction of the price as a move, rounded away from zero.
#[must_use]
pub fn move_of(fraction: f64) -> Move {
    let size = (fraction.abs() * 1e9).ceil() as i128;
    Move::new(if fraction < 0.0 { -size } else { size })
}

/// What experts and volatility say of a column before a day.
struct Outlook {
    month: f64,
    opinions: Opinions,
    volatility: f64,
}

impl Market {
    /// A market of so many columns, without days.
    #[must_use]
    pub fn new(columns: usize, memory: Memory) -> Self {
        Self::of(vec![Column::default(); columns], Common::default(), memory)
    }

    pub(super) fn of(columns: Vec<Column>, common: Common, memory: Memory) -> Self {
        Self { columns, common, memory, bins: Bins::new() }
    }

    /// The number of columns.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// How many moves a column has had; none for one that is not there.
    #[must_use]
    pub fn days(&self, column: usize) -> u32 {
        self.columns.get(column).map_or(0, |column| column.days)
    }

    /// What the next day may bring for a column at a confidence of at least [`LEAST_CONFIDENCE`]; none before it has
    /// [`WARM`] days.
    #[must_use]
    pub fn forecast(&self, column: usize, confidence: Ppm) -> Option<Forecast> {
        let column = self.columns.get(column).filter(|column| column.days >= WARM)?;
        let volatility = self.outlook(column)?.volatility;
        let confidence = confidence.clamp(LEAST_CONFIDENCE, Ppm(Ppm::ONE.0 - 1));
        let [down, up] = column.tails.tails(&self.bins, share(Ppm(Ppm::ONE.0 - confidence.0))).map(|tail| {
            let (value_at_risk, expected) = (tail.quantile * volatility, tail.mean * volatility);
            Shortfall { value_at_risk, expected }
        });
        Some(Forecast { volatility, down, up })
    }

    /// The volatility of a column on the next day; none before its first move.
    #[must_use]
    pub fn volatility(&self, column: usize) -> Option<f64> {
        self.outlook(self.columns.get(column)?).map(|outlook| outlook.volatility)
    }

    /// How far a column believes each expert; the weights add up to one.
    #[must_use]
    pub fn belief(&self, column: usize) -> Option<[f64; EXPERTS]> {
        self.columns.get(column).map(|column| column.belief.0)
    }

    /// Takes in a day: the move of each column, or none where it has no price. Columns beyond the moves have none.
    pub fn advance(&mut self, day: &[Option<Move>]) {
        let outlooks: Vec<_> = self.columns.iter().map(|column| self.outlook(column)).collect();
        let days = || day.iter().map(|day| day.map(fraction));
        let settled = self.columns.iter().zip(&outlooks).zip(days()).filter_map(|((column, outlook), day)| {
            let outlook = outlook.as_ref().filter(|_| column.days >= SETTLED)?;
            Some(Surprise { day: day?, month: outlook.month })
        });
        let settled: Vec<_> = settled.collect();
        self.common.add(&settled);
        for ((column, outlook), day) in self.columns.iter_mut().zip(outlooks).zip(days()) {
            if let Some(day) = day {
                column.advance(outlook.as_ref(), &self.bins, day);
            }
        }
    }

    fn outlook(&self, column: &Column) -> Option<Outlook> {
        let features = column.variances.features(self.common.levels())?;
        let opinions = opinions(&features);
        let (memory, mixed) = (self.memory.share(), column.belief.variance(&opinions));
        let volatility = (1.0 - memory) * mixed.sqrt() + memory * column.variances.long()?.sqrt();
        Some(Outlook { month: column.variances.month()?, opinions, volatility })
    }
}

impl Column {
    fn advance(&mut self, outlook: Option<&Outlook>, bins: &Bins, day: f64) {
        if let Some(outlook) = outlook
            && self.days >= WARM
        {
            self.belief.learn(day, &outlook.opinions);
            self.tails.add(bins, day / outlook.volatility);
        }
        self.variances.add(day, self.days);
        self.days = self.days.saturating_add(1);
    }
}
