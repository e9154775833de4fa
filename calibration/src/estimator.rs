//! From the moves of the past to the loss of the next days: volatility and expected shortfall.
//!
//! Moves are relative (`P_t / P_{t-1} − 1`), because that is what positions lose by, and their mean counts as zero.
//! A horizon of `h` days multiplies by `√h`, as if the days were independent.
//!
//! | estimator | next day's volatility `σ` | tail |
//! |---|---|---|
//! | static | `√(Σ x_s² / n)` | the moves of the window |
//! | ewma | `σ²_{s+1} = λ·σ²_s + (1 − λ)·x_s²` | normal: `σ · φ(z) / (1 − c)` with `z = Φ⁻¹(c)` |
//! | heavy-tailed | the same | the moves of the window, each times `σ / σ_s` |
//! | predictive | that of five experts | [learned](crate::predictive) from the whole history of all columns |
//!
//! Expected shortfall at confidence `c` is the mean of the worst `(1 − c)·n` losses, the last one in part; gains among
//! them count as zero. Windows are looked at in integers, rounded up, so that the outcome is the same everywhere.
//!
//! Sources: J.P. Morgan/Reuters, *RiskMetrics Technical Document*, 4th edition, 1996 (the recursion, `λ = 0.94` for
//! days, `√h`); Barone-Adesi, Giannopoulos and Vosper, *VaR without correlations for portfolios of derivative
//! securities*, Journal of Futures Markets 19, 1999, and Hull and White, *Incorporating volatility updating into the
//! historical simulation method for value at risk*, Journal of Risk 1, 1998 (moves filtered by volatility: the tail is
//! that of the data, however heavy); Acerbi and Tasche, *On the coherence of expected shortfall*, Journal of Banking
//! and Finance 26, 2002 (the discrete tail mean).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::units::Ppm;

use crate::{
    moves::{Move, Side, root_up},
    normal,
};

/// How the next moves are told from the past ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Estimator {
    /// Historical simulation: each day of the window may come again.
    Static,
    /// Exponentially weighted volatility with normal tails.
    Ewma,
    /// Historical simulation filtered by exponentially weighted volatility.
    HeavyTailed,
    /// Volatility and tails that are [learned](crate::predictive) from the whole history.
    Predictive,
}

impl Estimator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Static, Self::Ewma, Self::HeavyTailed, Self::Predictive];

    /// What people and files call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Ewma => "ewma",
            Self::HeavyTailed => "heavy-tailed",
            Self::Predictive => "predictive",
        }
    }

    /// The estimator itself, or what takes its place where the history is too short to learn from.
    #[must_use]
    pub fn windowed(self) -> Windowed {
        match self {
            Self::Static => Windowed::Static,
            Self::Ewma => Windowed::Ewma,
            Self::HeavyTailed | Self::Predictive => Windowed::HeavyTailed,
        }
    }
}

impl core::str::FromStr for Estimator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|estimator| estimator.name() == text);
        named.ok_or_else(|| format!("expected {}, found {text:?}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// An estimator that looks at the last moves of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windowed {
    /// [`Estimator::Static`]
    Static,
    /// [`Estimator::Ewma`]
    Ewma,
    /// [`Estimator::HeavyTailed`]
    HeavyTailed,
}

/// What an estimator is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The estimator.
    pub estimator: Windowed,
    /// The confidence of the expected shortfall.
    pub confidence: Ppm,
    /// How many days a liquidation takes.
    pub horizon: u32,
    /// The weight of yesterday's variance in today's.
    pub decay: Ppm,
}

/// What the next days may bring, for one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The volatility of the next day, in parts per billion.
    pub volatility: u64,
    /// Expected shortfall over the horizon of somebody who is long, in parts per billion; at most the whole.
    pub down: u64,
    /// Expected shortfall over the horizon of somebody who is short, in parts per billion.
    pub up: u64,
}

/// The tail of a side: parts per billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailLoss {
    /// The loss that the tail begins with.
    pub value_at_risk: u64,
    /// The mean of the losses in the tail.
    pub expected: u64,
}

impl Estimate {
    /// The expected shortfall of a side.
    #[must_use]
    pub fn shortfall(&self, side: Side) -> u64 {
        match side {
            Side::Down => self.down,
            Side::Up => self.up,
        }
    }
}

impl Settings {
    /// Estimates from a window of moves, the oldest first.
    #[must_use]
    pub fn estimate(&self, window: &[Move]) -> Estimate {
        let volatility = match self.estimator {
            Windowed::Static => root_up(mean_square(window)),
            Windowed::Ewma | Windowed::HeavyTailed => *self.volatilities(window).last().unwrap_or(&0),
        };
        let [down, up] = self.tails(window).map(|tail| tail.expected);
        Estimate { volatility, down: down.min(Move::ONE.unsigned_abs()), up }
    }

    /// The tails over the horizon of somebody who is long and of somebody who is short.
    #[must_use]
    pub fn tails(&self, window: &[Move]) -> [TailLoss; 2] {
        if self.estimator == Windowed::Ewma {
            return [self.normal_tail(*self.volatilities(window).last().unwrap_or(&0)); 2];
        }
        let scenarios = self.scenarios(window);
        Side::ALL.map(|side| {
            let losses = scenarios.iter().map(|scenario| scenario.loss(side)).collect();
            tail_loss(losses, self.confidence)
        })
    }

    /// What each day of the window would be over the horizon if it came again: filtered by volatility if the estimator
    /// is the heavy-tailed one, as it was otherwise.
    #[must_use]
    pub fn scenarios(&self, window: &[Move]) -> Vec<Move> {
        let over_horizon = |day: Move| day.scaled(self.root_of_horizon(), ROOT_SCALE);
        if self.estimator != Windowed::HeavyTailed {
            return window.iter().copied().map(over_horizon).collect();
        }
        let volatilities = self.volatilities(window);
        let next = *volatilities.last().unwrap_or(&0);
        window.iter().zip(&volatilities).map(|(day, at)| over_horizon(day.scaled(next, *at))).collect()
    }

    /// By how much volatility may rise or fall over the horizon, in parts per billion of itself: the expected shortfall
    /// of `σ_{s+h} / σ_s − 1`, or of minus that, over days with these volatilities at the confidence. A fall is at most
    /// the whole. What exchanges call the volatility scan range.
    ///
    /// Source: CME Group, *SPAN methodology* (the volatility scan range is a move of volatility at a confidence).
    #[must_use]
    pub fn volatility_range(&self, volatilities: &[u64], side: Side) -> u64 {
        let later = volatilities.iter().skip(self.horizon as usize);
        let moves = volatilities.iter().zip(later).map(|(now, later)| Move::between((*now).max(1), *later).loss(side));
        tail_loss(moves.collect(), self.confidence).expected
    }

    /// The exponentially weighted volatility before each day, and after the last: one more than there are days. Begins
    /// with that of the window, whatever the estimator.
    #[must_use]
    pub fn volatilities(&self, window: &[Move]) -> Vec<u64> {
        let mut variance = mean_square(window);
        let mut volatilities = vec![root_up(variance)];
        for day in window {
            variance = self.decayed(variance, square(*day));
            volatilities.push(root_up(variance));
        }
        volatilities
    }

    fn decayed(&self, before: u128, today: u128) -> u128 {
        let (one, decay) = (u128::from(Ppm::ONE.0), u128::from(self.decay.0.min(Ppm::ONE.0)));
        (before * decay + today * (one - decay)).div_ceil(one)
    }

    /// Correlation of the moves of two prices over the same window, from minus one to one in parts per million, rounded
    /// towards zero: of equally weighted moves for the static estimator, of exponentially weighted ones otherwise. The
    /// mean counts as zero.
    #[must_use]
    pub fn correlation(&self, first: &[Move], second: &[Move]) -> i32 {
        let (mut first_variance, mut second_variance, mut covariance) = (0.0, 0.0, 0.0);
        let kept = match self.estimator {
            Windowed::Static => 1.0,
            Windowed::Ewma | Windowed::HeavyTailed => f64::from(self.decay.0) / f64::from(Ppm::ONE.0),
        };
        for (first, second) in first.iter().zip(second) {
            // Additions, products and roots of floating point are rounded alike on every machine.
            let (first, second) = (first.ppb() as f64, second.ppb() as f64);
            first_variance = kept * first_variance + first * first;
            second_variance = kept * second_variance + second * second;
            covariance = kept * covariance + first * second;
        }
        let scale = (first_variance * second_variance).sqrt();
        if scale == 0.0 { 0 } else { (covariance / scale * 1e6).clamp(-1e6, 1e6) as i32 }
    }

    fn normal_tail(&self, volatility: u64) -> TailLoss {
        let over_horizon = Move::new(i128::from(volatility)).scaled(self.root_of_horizon(), ROOT_SCALE);
        let times = |factor| over_horizon.scaled(factor, ROOT_SCALE).loss(Side::Up);
        TailLoss {
            value_at_risk: times(normal::quantile_of(self.confidence)),
            expected: times(normal::tail_mean(self.confidence)),
        }
    }

    fn root_of_horizon(&self) -> u64 {
        root_up(u128::from(self.horizon) * u128::from(ROOT_SCALE) * u128::from(ROOT_SCALE))
    }
}

/// Factors in parts per billion.
pub(crate) const ROOT_SCALE: u64 = Move::ONE.unsigned_abs();

/// The mean of the worst `(1 − confidence)·n` losses, the last one in part, rounded up, and that last one; zero if
/// there are none.
pub(crate) fn tail_loss(mut losses: Vec<u64>, confidence: Ppm) -> TailLoss {
    losses.sort_unstable_by(|a, b| b.cmp(a));
    let share = u128::from(Ppm::ONE.0.saturating_sub(confidence.0));
    let total = share * losses.len() as u128;
    let (mut sum, mut rest, mut value_at_risk) = (0, total, 0);
    for loss in losses {
        if rest == 0 {
            break;
        }
        let part = rest.min(u128::from(Ppm::ONE.0));
        sum += u128::from(loss) * part;
        rest -= part;
        value_at_risk = loss;
    }
    let expected = if total == 0 { 0 } else { u64::try_from(sum.div_ceil(total)).unwrap_or(u64::MAX) };
    TailLoss { value_at_risk, expected }
}

fn square(day: Move) -> u128 {
    u128::from(day.ppb().unsigned_abs()).pow(2)
}

fn mean_square(window: &[Move]) -> u128 {
    let sum: u128 = window.iter().copied().map(square).sum();
    sum.div_ceil((window.len() as u128).max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Windowed; 3] = [Windowed::Static, Windowed::Ewma, Windowed::HeavyTailed];

    fn settings(estimator: Windowed) -> Settings {
        Settings { estimator, confidence: Ppm(975_000), horizon: 1, decay: Ppm(940_000) }
    }

    fn moves(ppb: &[i64]) -> Vec<Move> {
        ppb.iter().map(|day| Move::new(i128::from(*day))).collect()
    }

    #[test]
    fn the_tail_mean_counts_the_last_loss_in_part() {
        // 2.5 percent of 60 losses are one and a half.
        let mut losses = vec![1; 58];
        losses.extend([100, 40]);
        assert_eq!(tail_loss(losses, Ppm(975_000)), TailLoss { value_at_risk: 40, expected: 80 });
        assert_eq!(tail_loss(vec![7, 0], Ppm(0)).expected, 4);
        assert_eq!(tail_loss(Vec::new(), Ppm(975_000)).expected, 0);
    }

    #[test]
    fn volatility_follows_the_recursion() {
        let estimate = settings(Windowed::Ewma).estimate(&moves(&[10_000_000, -30_000_000]));
        // The window's 500e12, then 0.94·500e12 + 0.06·100e12 = 476e12, then 0.94·476e12 + 0.06·900e12 = 501.44e12.
        assert_eq!(estimate.volatility, 22_392_857);
        // φ(1.959964) / 0.025 = 2.337803
        assert_eq!(estimate.down / 1_000, 52_350);
        assert_eq!(estimate.down, estimate.up);
        assert_eq!(settings(Windowed::Static).estimate(&moves(&[3, -4])).volatility, 4);
    }

    #[test]
    fn the_filter_scales_each_day_to_the_volatility_of_now() {
        let calm_then_wild: Vec<i64> =
            (0..100).map(|i| if i < 80 { 10_000_000 } else { 50_000_000 } * (1 - 2 * (i % 2))).collect();
        let window = moves(&calm_then_wild);
        let filtered = settings(Windowed::HeavyTailed);
        let scenarios = filtered.scenarios(&window);
        assert!(scenarios[79].ppb().abs() > 30_000_000, "{scenarios:?}");
        assert_eq!(settings(Windowed::Static).scenarios(&window), window);
        let [filtered, plain] = [filtered, settings(Windowed::Static)].map(|settings| settings.estimate(&window).down);
        assert!(filtered > plain);
    }

    #[test]
    fn longer_horizons_are_riskier() {
        let window = moves(&[10_000_000, -30_000_000, 20_000_000, -5_000_000]);
        for estimator in ALL {
            let at = |horizon| Settings { horizon, ..settings(estimator) }.estimate(&window).down;
            assert!(at(4).abs_diff(2 * at(1)) <= 2, "{estimator:?}");
        }
    }

    fn range(settings: &Settings, window: &[i64], side: Side) -> u64 {
        settings.volatility_range(&settings.volatilities(&moves(window)), side)
    }

    #[test]
    fn volatility_ranges_look_both_ways() {
        let calm_then_wild = [vec![10_000_000; 60], vec![50_000_000; 60]].concat();
        let wild_then_calm: Vec<i64> = calm_then_wild.iter().rev().copied().collect();
        let settings = Settings { horizon: 5, ..settings(Windowed::Static) };
        let [rise, fall] = [Side::Up, Side::Down].map(|side| range(&settings, &calm_then_wild, side));
        assert!(rise > 1_000_000_000 && rise > 5 * fall, "{rise} {fall}");
        let [rise, fall] = [Side::Up, Side::Down].map(|side| range(&settings, &wild_then_calm, side));
        assert!(fall > 120_000_000 && fall < 200_000_000, "decay allows at most 1 - 0.94^(5/2): {rise} {fall}");
        for side in Side::ALL {
            assert_eq!(range(&settings, &[10_000_000; 60], side), 0);
            assert_eq!(range(&settings, &[], side), 0);
        }
    }

    #[test]
    fn correlation_is_that_of_the_moves() {
        let (a, b) = (moves(&[10, -20, 30, 5]), moves(&[20, -40, 60, 10]));
        let opposite: Vec<Move> = a.iter().map(|day| Move::new(i128::from(-day.ppb()))).collect();
        for estimator in ALL {
            let correlation = |a: &[Move], b: &[Move]| settings(estimator).correlation(a, b);
            assert!(correlation(&a, &b) >= 999_999);
            assert!(correlation(&a, &opposite) <= -999_999);
            assert_eq!(correlation(&a, &moves(&[0; 4])), 0);
        }
        assert_eq!(settings(Windowed::Static).correlation(&moves(&[1, 1]), &moves(&[1, -1])), 0);
    }

    #[test]
    fn no_loss_is_more_than_everything() {
        let window = moves(&[-900_000_000, 900_000_000, -900_000_000]);
        for estimator in ALL {
            assert_eq!(Settings { horizon: 20, ..settings(estimator) }.estimate(&window).down, 1_000_000_000);
        }
    }

    fn windows() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-200_000_000_i64..200_000_000, 30..120)
    }

    proptest! {
        /// All moves larger by a factor: no estimate is laxer.
        #[test]
        fn a_more_volatile_history_is_no_laxer(window in windows(), factor in 1_i64..4) {
            let wilder = moves(&window.iter().map(|day| day * factor).collect::<Vec<_>>());
            for estimator in ALL {
                let [before, after] = [&moves(&window), &wilder].map(|window| settings(estimator).estimate(window));
                // The filter divides by roots, which were rounded.
                let slack = before.up.max(before.down) / 1_000_000 + 2;
                prop_assert!(after.volatility >= before.volatility);
                prop_assert!(after.down + slack >= before.down && after.up + slack >= before.up, "{estimator:?}");
            }
        }

        /// One move larger: without the filter, which takes a wild past as a calm present, no estimate is laxer.
        #[test]
        fn a_larger_move_is_no_laxer(window in windows(), place in 0_usize..30, factor in 1_i64..4) {
            let mut wilder = window.clone();
            wilder[place] *= factor;
            for estimator in [Windowed::Static, Windowed::Ewma] {
                let [before, after] = [&window, &wilder].map(|window| settings(estimator).estimate(&moves(window)));
                prop_assert!(after.volatility >= before.volatility);
                prop_assert!(after.down >= before.down && after.up >= before.up);
            }
        }

        /// Calm days and wild ones in any order: wilder ones make volatility rise and fall no less.
        #[test]
        fn wilder_days_make_volatility_ranges_no_smaller(
            wild in prop::collection::vec(any::<bool>(), 30..120),
            calm in 1_000_000_i64..20_000_000,
            factors in (1_i64..8, 1_i64..8),
            horizon in 1_u32..20,
        ) {
            let window = |factor| {
                moves(&wild.iter().map(|wild| if *wild { calm * factor } else { calm }).collect::<Vec<_>>())
            };
            let settings = Settings { horizon, ..settings(Windowed::HeavyTailed) };
            let (less, more) = (window(factors.0.min(factors.1)), window(factors.0.max(factors.1)));
            for side in Side::ALL {
                let [less, more] = [&less, &more].map(|window| {
                    settings.volatility_range(&settings.volatilities(window), side)
                });
                // Variances and their roots were rounded.
                prop_assert!(more + 10_000 >= less, "{side:?}: {less} {more}");
                prop_assert!(side == Side::Up || more <= 1_000_000_000);
            }
        }

        /// The tail mean by its other definition: the smallest value of `t + Σ max(0, L − t) / ((1 − c)·n)`.
        #[test]
        fn the_tail_mean_is_a_minimum(losses in prop::collection::vec(0_u64..1_000_000, 1..60)) {
            let confidence = Ppm(900_000);
            let total = losses.len() as u128 * 100_000;
            let at = |t: &u64| {
                let excess: u128 = losses.iter().map(|loss| u128::from(loss.saturating_sub(*t))).sum();
                u128::from(*t) * total + excess * 1_000_000
            };
            let least = losses.iter().chain(&[0]).map(at).min().unwrap();
            prop_assert_eq!(u128::from(tail_loss(losses.clone(), confidence).expected), least.div_ceil(total));
        }
    }
}
