//! Experts, each of whom weighs the variances of a column in one way, and what a column learns of them.
//!
//! After each day the weight `π_j` of an expert with variance `h_j` is divided by `h_j^{1/8}·(1 + x²/(5·h_j))`: the
//! likelihood of the day's move `x` under a Student-t distribution with seven degrees of freedom and that variance,
//! to the power of one quarter. A thousandth of all weight is then spread evenly, so that no expert is ever lost.

use super::{FLOOR, features::Features};

/// How many experts there are.
pub(super) const COUNT: usize = 5;

/// The weights of each expert, in the order of [`Features`].
const EXPERTS: [Features; COUNT] = [
    // Trained on the public half.
    [0.0572, 0.3160, 0.0943, 0.0953, 0.1445, 0.3030],
    // Falls count most.
    [0.0198, 0.2965, 0.0890, 0.1483, 0.0494, 0.4448],
    // Rises and falls count alike.
    [0.1104, 0.4140, 0.1104, 0.0000, 0.3312, 0.0000],
    // Slow.
    [0.0266, 0.3983, 0.2213, 0.0531, 0.0531, 0.1770],
    // Fast.
    [0.1566, 0.1566, 0.0522, 0.1566, 0.2088, 0.3655],
];

/// What of all weight is spread evenly each day.
const SHARE: f64 = 0.001;

/// The degrees of freedom of the score, less two.
const FREEDOM: f64 = 5.0;

/// The variance of the next day by each expert.
pub(super) type Opinions = [f64; COUNT];

/// The variances that the experts make of the features of a column.
pub(super) fn opinions(features: &Features) -> Opinions {
    EXPERTS.map(|weights| {
        let mut variance = 0.0;
        for (weight, feature) in weights.iter().zip(features) {
            variance += weight * feature;
        }
        variance.max(FLOOR)
    })
}

/// How far a column believes each expert: weights that add up to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Belief(pub(super) [f64; COUNT]);

impl Default for Belief {
    fn default() -> Self {
        Self([1.0 / COUNT as f64; COUNT])
    }
}

impl Belief {
    /// The variance of the next day.
    pub(super) fn variance(&self, opinions: &Opinions) -> f64 {
        let mut variance = 0.0;
        for (weight, opinion) in self.0.iter().zip(opinions) {
            variance += weight * opinion;
        }
        variance
    }

    /// Learns from a day of which these were the opinions.
    pub(super) fn learn(&mut self, day: f64, opinions: &Opinions) {
        let mut total = 0.0;
        for (weight, opinion) in self.0.iter_mut().zip(opinions) {
            let eighth_root = opinion.sqrt().sqrt().sqrt();
            *weight /= eighth_root * (1.0 + day * day / opinion / FREEDOM);
            total += *weight;
        }
        for weight in &mut self.0 {
            *weight = (1.0 - SHARE) * (*weight / total) + SHARE / COUNT as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_right_is_believed() {
        let opinions = [1e-4, 1e-4, 1e-4, 1e-4, 4e-4];
        let [mut calm, mut wild] = [Belief::default(); 2];
        for _ in 0..50 {
            calm.learn(0.005, &opinions);
            wild.learn(0.03, &opinions);
        }
        assert!(calm.0[4] < 0.01 && wild.0[4] > 0.9, "{calm:?} {wild:?}");
        assert!(wild.variance(&opinions) > 3e-4);
    }

    /// Moves of a thousand percent for years: every weight stays above what is spread evenly.
    #[test]
    fn no_expert_is_lost() {
        let mut belief = Belief::default();
        for _ in 0..10_000 {
            belief.learn(10.0, &[FLOOR, 1.0, FLOOR, 1e2, FLOOR]);
        }
        let sum: f64 = belief.0.iter().sum();
        assert!(belief.0.iter().all(|weight| *weight >= 0.0002) && (sum - 1.0).abs() < 1e-12, "{belief:?}");
    }

    #[test]
    fn no_opinion_is_below_the_floor() {
        assert_eq!(opinions(&[0.0; 6]), [FLOOR; COUNT]);
    }
}
