//! The tails of a column: how many of its volatilities a day has moved it, each side for itself.
//!
//! A day with a move `x` and the volatility `σ` of its eve counts as `z = |x|/σ` in a bin of its side. Bins forget:
//! each holds a count and a sum that are multiplied by 0.9993 daily. A quarter of a side's tail is taken from the other
//! side, and a prior of five hundred days survives `z` with the probability `½/(1 + z²)²` on either side.

/// The number of bins of a side.
pub(super) const BINS: usize = 520;

/// The lower edge of the first bin, and the ratio of an edge to the one below.
const LOWEST: f64 = 0.3;
const RATIO: f64 = 1.01;

/// What is left of a day after one more day: half after 990 days.
const DECAY: f64 = 0.9993;

/// A day counts for at most so many volatilities, so that no single print owns the tail.
const CAP: f64 = 10.0;

/// How many days the prior counts for.
const PRIOR: f64 = 500.0;

/// What of a side's tail is taken from the other side.
const MIRROR: f64 = 0.25;

/// The bins of all columns: their edges, and the prior.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    edges: [f64; BINS + 1],
    prior: Side,
}

/// The days of one side: in each bin a count, and the sum of what was counted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    pub(super) counts: Vec<f64>,
    pub(super) sums: Vec<f64>,
}

impl Default for Side {
    fn default() -> Self {
        Self { counts: vec![0.0; BINS], sums: vec![0.0; BINS] }
    }
}

impl Side {
    fn forget(&mut self) {
        for value in self.counts.iter_mut().chain(&mut self.sums) {
            *value *= DECAY;
        }
    }
}

impl Bins {
    pub(super) fn new() -> Self {
        let mut edges = [LOWEST; BINS + 1];
        for i in 0..BINS {
            edges[i + 1] = edges[i] * RATIO;
        }
        let survival = |edge: f64| {
            let base = 1.0 + edge * edge;
            0.5 / (base * base)
        };
        let mut prior = Side::default();
        for i in 0..BINS {
            let beyond = if i == BINS - 1 { 0.0 } else { survival(edges[i + 1]) };
            prior.counts[i] = PRIOR * (survival(edges[i]) - beyond);
            prior.sums[i] = prior.counts[i] * (edges[i] * edges[i + 1]).sqrt();
        }
        Self { edges, prior }
    }

    /// The bin of a number that is at least the lowest edge. The last bin is open.
    fn bin(&self, number: f64) -> usize {
        self.edges[..BINS].partition_point(|edge| *edge <= number).saturating_sub(1)
    }
}

/// Where a tail begins, and its mean, in volatilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail {
    pub(super) quantile: f64,
    pub(super) mean: f64,
}

/// The tails of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tails {
    /// How many days count, of either side and of neither.
    pub(super) days: f64,
    /// Of falls and of rises.
    pub(super) sides: [Side; 2],
}

impl Tails {
    /// Adds a day: its move in terms of the volatility of its eve.
    pub(super) fn add(&mut self, bins: &Bins, day: f64) {
        self.sides.iter_mut().for_each(Side::forget);
        self.days = self.days * DECAY + 1.0;
        let (side, size) = if day < 0.0 { (0, -day) } else { (1, day) };
        let size = size.min(CAP);
        if size >= bins.edges[0] {
            let bin = bins.bin(size);
            self.sides[side].counts[bin] += 1.0;
            self.sides[side].sums[bin] += size;
        }
    }

    /// The tails of falls and of rises that have the probability `share`, which is at most a tenth: so much is
    /// within the bins, whatever was counted.
    pub(super) fn tails(&self, bins: &Bins, share: f64) -> [Tail; 2] {
        let [falls, rises] = &self.sides;
        [(falls, rises), (rises, falls)].map(|(own, other)| {
            let total = share * (self.days + PRIOR);
            let (mut count, mut sum, mut quantile) = (0.0, 0.0, 0.0);
            for i in (0..BINS).rev() {
                let here = (1.0 - MIRROR) * own.counts[i] + MIRROR * other.counts[i] + bins.prior.counts[i];
                let mean = ((1.0 - MIRROR) * own.sums[i] + MIRROR * other.sums[i] + bins.prior.sums[i]) / here;
                if count + here >= total {
                    sum += (total - count) * mean;
                    quantile = mean;
                    break;
                }
                count += here;
                sum += here * mean;
            }
            Tail { quantile, mean: sum / total }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without days the tail is that of the prior: `½/(1 + z²)² = 0.01`, and the mean beyond by integration.
    #[test]
    fn without_days_a_tail_is_the_prior() {
        let (bins, tails) = (Bins::new(), Tails::default());
        let [falls, rises] = tails.tails(&bins, 0.01);
        assert_eq!(falls, rises);
        // z = √(√50 − 1) = 2.4639…, and 50·(z/(1+z²) ... ) by the survival function: 3.34…
        assert!((falls.quantile / 2.463_9 - 1.0).abs() < 0.01, "{falls:?}");
        assert!(falls.mean > 1.3 * falls.quantile && falls.mean < 1.5 * falls.quantile, "{falls:?}");
    }

    #[test]
    fn a_number_is_in_the_bin_whose_edges_are_around_it() {
        let bins = Bins::new();
        assert_eq!([0.3, 0.304, 10.0, 1e9].map(|number| bins.bin(number)), [0, 1, 352, BINS - 1]);
        for i in 0..BINS {
            assert_eq!(bins.bin(bins.edges[i]), i);
        }
    }

    #[test]
    fn one_side_learns_a_quarter_of_the_other() {
        let (bins, mut tails) = (Bins::new(), Tails::default());
        for _ in 0..1_000 {
            tails.add(&bins, -5.0);
        }
        let [falls, rises] = tails.tails(&bins, 0.01);
        assert!(falls.quantile > 4.9 && falls.mean < 8.0, "{falls:?}");
        assert!(rises.quantile > 4.9 && (rises.mean - falls.mean).abs() < 0.1, "{rises:?}");
    }

    #[test]
    fn a_print_counts_for_ten_volatilities() {
        let bins = Bins::new();
        let [mut far, mut farther] = [Tails::default(), Tails::default()];
        far.add(&bins, -10.0);
        farther.add(&bins, -1e6);
        assert_eq!(far, farther);
    }

    #[test]
    fn a_tenth_is_always_within_the_bins() {
        let (bins, mut tails) = (Bins::new(), Tails::default());
        for _ in 0..20_000 {
            tails.add(&bins, 0.0);
        }
        let [falls, _] = tails.tails(&bins, 0.1);
        assert!(falls.quantile > 0.0 && falls.mean > falls.quantile);
    }
}
