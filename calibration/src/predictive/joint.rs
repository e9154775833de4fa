//! Joint scenarios: the days of the past in terms of today's volatilities and correlations.
//!
//! Each day is whitened by the volatilities and the correlations of its eve, and coloured by those of now: with
//! volatilities `σ`, and `L·Lᵀ` the correlations, a day `x = σ·L·y` was `y` in terms of its eve and comes again as
//! `σ'·L'·y`. The last thousand whitened days are equally likely.
//!
//! Correlations are those of exponentially weighted products of `z = x/σ`, clipped at ±4.5, and shrunk by a fifth
//! towards none.
//!
//! Source: Duffie and Pan, *An overview of value at risk*, Journal of Derivatives 4, 1997 (returns updated for changed
//! volatilities and correlations).

use std::collections::VecDeque;

use super::WARM;

/// What is left of a day's products after one more day: half after 34 days.
const DECAY: f64 = 0.98;
/// What of a correlation is given up.
const SHRINK: f64 = 0.2;
/// A day counts for at most so many volatilities among correlations.
const CLIP: f64 = 4.5;
/// The least square of a diagonal entry of the root.
const LEAST_PIVOT: f64 = 1e-6;

/// How many whitened days are kept.
pub const DAYS: usize = 1_000;

/// The whitened days of some columns, and their correlations.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    width: usize,
    days: u32,
    /// Means of products, `width × width`.
    products: Vec<f64>,
    whitened: VecDeque<Vec<f64>>,
}

impl Joint {
    /// Of so many columns, without days.
    #[must_use]
    pub fn new(width: usize) -> Self {
        let mut products = vec![0.0; width * width];
        (0..width).for_each(|i| products[i * width + i] = 1.0);
        Self { width, days: 0, products, whitened: VecDeque::new() }
    }

    /// How many days are equally likely.
    #[must_use]
    pub fn len(&self) -> usize {
        self.whitened.len()
    }

    /// There are none before the market is warm.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.whitened.is_empty()
    }

    /// Takes in a day: the move of each column, and the volatility of its eve. The first [`WARM`] days say nothing,
    /// because their volatilities are not yet settled.
    pub fn advance(&mut self, day: &[f64], volatilities: &[f64]) {
        self.days = self.days.saturating_add(1);
        if self.days <= WARM {
            return;
        }
        let (root, width) = (self.root(), self.width);
        let scaled: Vec<f64> = day.iter().zip(volatilities).map(|(day, volatility)| day / volatility).collect();
        let mut whitened = vec![0.0; width];
        for i in 0..width {
            let mut rest = scaled[i];
            for k in 0..i {
                rest -= root[i * width + k] * whitened[k];
            }
            whitened[i] = rest / root[i * width + i];
        }
        let clipped: Vec<f64> = scaled.iter().map(|scaled| scaled.clamp(-CLIP, CLIP)).collect();
        for i in 0..width {
            for j in 0..width {
                let product = &mut self.products[i * width + j];
                *product = DECAY * *product + (1.0 - DECAY) * clipped[i] * clipped[j];
            }
        }
        if self.whitened.len() == DAYS {
            self.whitened.pop_front();
        }
        self.whitened.push_back(whitened);
    }

    /// The correlation of two columns that scenarios are made with.
    #[must_use]
    pub fn correlation(&self, first: usize, second: usize) -> f64 {
        if first == second {
            return 1.0;
        }
        let product = |i: usize, j: usize| self.products[i * self.width + j];
        (1.0 - SHRINK) * product(first, second) / (product(first, first) * product(second, second)).sqrt()
    }

    /// Each whitened day as it would come again under these volatilities, the oldest first: the move of each column.
    #[must_use]
    pub fn scenarios(&self, volatilities: &[f64]) -> Vec<Vec<f64>> {
        let (root, width) = (self.root(), self.width);
        let coloured = |day: &Vec<f64>| {
            let column = |i: usize| {
                let mut sum = 0.0;
                for k in 0..=i {
                    sum += root[i * width + k] * day[k];
                }
                volatilities[i] * sum
            };
            (0..width).map(column).collect()
        };
        self.whitened.iter().map(coloured).collect()
    }

    /// What a portfolio of values `weights` would gain on each of these days.
    #[must_use]
    pub fn gains(&self, weights: &[f64], volatilities: &[f64]) -> Vec<f64> {
        let (root, width) = (self.root(), self.width);
        let mut exposures = vec![0.0; width];
        for (k, exposure) in exposures.iter_mut().enumerate() {
            for i in k..width {
                *exposure += weights[i] * volatilities[i] * root[i * width + k];
            }
        }
        let gain = |day: &Vec<f64>| {
            let mut gain = 0.0;
            for (exposure, moved) in exposures.iter().zip(day) {
                gain += exposure * moved;
            }
            gain
        };
        self.whitened.iter().map(gain).collect()
    }

    /// The Cholesky root of the correlations, lower triangular, row by row.
    fn root(&self) -> Vec<f64> {
        let width = self.width;
        let mut root = vec![0.0; width * width];
        for i in 0..width {
            for j in 0..=i {
                let mut rest = self.correlation(i, j);
                for k in 0..j {
                    rest -= root[i * width + k] * root[j * width + k];
                }
                root[i * width + j] = if i == j { rest.max(LEAST_PIVOT).sqrt() } else { rest / root[j * width + j] };
            }
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warm(width: usize) -> Joint {
        let mut joint = Joint::new(width);
        (0..WARM).for_each(|_| joint.advance(&vec![0.01; width], &vec![0.01; width]));
        joint
    }

    #[test]
    fn days_before_the_market_is_warm_say_nothing() {
        let mut joint = warm(2);
        assert!(joint.is_empty());
        joint.advance(&[0.01, -0.01], &[0.01, 0.01]);
        assert_eq!(
            (joint.len(), joint.scenarios(&[0.02, 0.02])),
            (1, {
                // Whitened by the identity, coloured by a correlation of −0.8·0.02.
                let correlation = joint.correlation(0, 1);
                vec![vec![0.02, 0.02 * (correlation - (1.0 - correlation * correlation).sqrt())]]
            })
        );
    }

    #[test]
    fn a_day_comes_again_as_it_was_if_nothing_else_has_changed() {
        let mut joint = warm(3);
        for i in 0..600 {
            let [a, b] = [(i * 7 % 11) as f64 - 5.0, (i * 5 % 13) as f64 - 6.0];
            joint.advance(&[0.01 * a, 0.008 * a + 0.004 * b, 0.01 * b], &[0.03, 0.03, 0.04]);
        }
        let before = joint.clone();
        let day = [0.02, -0.03, 0.01];
        joint.advance(&day, &[0.03, 0.03, 0.04]);
        let volatilities = [0.03, 0.03, 0.04];
        let mut again = before;
        again.whitened.push_back(joint.whitened.back().unwrap().clone());
        let last = again.scenarios(&volatilities).pop().unwrap();
        assert!(last.iter().zip(day).all(|(last, day)| (last - day).abs() < 1e-12), "{last:?}");
        assert!(joint.correlation(0, 1) > 0.5);
    }

    #[test]
    fn a_portfolio_gains_what_its_columns_do() {
        let mut joint = warm(2);
        for i in 0..1_200 {
            let a = (i * 7 % 11) as f64 - 5.0;
            joint.advance(&[0.01 * a, -0.005 * a], &[0.02, 0.01]);
        }
        assert_eq!(joint.len(), DAYS);
        let (weights, volatilities) = ([0.5, -0.5], [0.02, 0.03]);
        let gains = joint.gains(&weights, &volatilities);
        for (scenario, gain) in joint.scenarios(&volatilities).iter().zip(gains) {
            assert!((0.5 * scenario[0] - 0.5 * scenario[1] - gain).abs() < 1e-15);
        }
    }
}
