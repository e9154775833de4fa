//! Normal tails and binomial ones, by functions that give the same bits on every machine.

use core::f64::consts::{PI, SQRT_2};

use surety_core::units::Ppm;

/// The mean of a standard normal variable beyond its quantile at a confidence, in parts per billion, rounded up:
/// `φ(z) / (1 − c)` with `z = Φ⁻¹(c)`.
///
/// Source: McNeil, Frey and Embrechts, *Quantitative Risk Management*, 2nd edition, 2015, example 2.14.
#[must_use]
pub(crate) fn tail_mean(confidence: Ppm) -> u64 {
    let tail = tail_share(confidence);
    let z = quantile(tail);
    let density = libm::exp(-z * z / 2.0) / (2.0 * PI).sqrt();
    (density / tail * 1e9).ceil() as u64
}

/// The quantile of a standard normal variable at a confidence, in parts per billion, rounded up; zero below one half.
#[must_use]
pub(crate) fn quantile_of(confidence: Ppm) -> u64 {
    (quantile(tail_share(confidence)) * 1e9).ceil() as u64
}

fn tail_share(confidence: Ppm) -> f64 {
    f64::from(Ppm::ONE.0.saturating_sub(confidence.0).max(1)) / f64::from(Ppm::ONE.0)
}

/// Where a standard normal variable has that much of its weight above, by bisection.
fn quantile(tail: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if libm::erfc(middle / SQRT_2) / 2.0 > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The probability that a `χ²` variable with one degree of freedom is at least as large.
#[must_use]
pub(crate) fn chi_square_1(statistic: f64) -> f64 {
    libm::erfc((statistic.max(0.0) / 2.0).sqrt())
}

/// The same with two degrees of freedom.
#[must_use]
pub(crate) fn chi_square_2(statistic: f64) -> f64 {
    libm::exp(-statistic.max(0.0) / 2.0)
}

/// The probability of `count` or more successes in `trials` if each has the probability `rate`.
#[must_use]
pub(crate) fn binomial_tail(count: u64, trials: u64, rate: Ppm) -> f64 {
    let rate = f64::from(rate.0) / f64::from(Ppm::ONE.0);
    let (hit, miss) = (libm::log(rate), libm::log1p(-rate));
    let fewer = (0..count).map(|i| {
        let (i, n) = (i as f64, trials as f64);
        let ways = libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
        libm::exp(ways + i * hit + (n - i) * miss)
    });
    (1.0 - fewer.sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_means_are_those_of_the_tables() {
        // 2.665214220…, 2.337802792…, 0.797884560…
        assert_eq!(tail_mean(Ppm(990_000)) / 100, 26_652_142);
        assert_eq!(tail_mean(Ppm(975_000)) / 100, 23_378_027);
        assert_eq!(tail_mean(Ppm(500_000)) / 100, 7_978_845);
        assert_eq!(quantile_of(Ppm(990_000)) / 100, 23_263_478);
    }

    #[test]
    fn chi_squares_are_those_of_the_tables() {
        assert!((chi_square_1(3.841_458_820_694_124) - 0.05).abs() < 1e-12);
        assert!((chi_square_2(5.991_464_547_107_979) - 0.05).abs() < 1e-12);
        assert_eq!([chi_square_1(-1e-12), chi_square_2(-1e-12)], [1.0; 2]);
    }

    #[test]
    fn binomial_tails_are_those_of_the_definition() {
        assert!((binomial_tail(0, 10, Ppm(100_000)) - 1.0).abs() < 1e-12);
        assert!((binomial_tail(1, 10, Ppm(100_000)) - 0.651_321_559_9).abs() < 1e-9);
        assert!((binomial_tail(2, 2, Ppm(500_000)) - 0.25).abs() < 1e-12);
    }
}
