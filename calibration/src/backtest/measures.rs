//! Tests and scores of the margins of one series.
//!
//! With losses `L_t`, values at risk `V_t`, expected shortfalls `E_t` at the confidence `1 − α`, and `T` days:
//!
//! | measure | definition | good |
//! |---|---|---|
//! | Kupiec | likelihood ratio of the rate of `L > V` against `α`, `χ²(1)` | a probability that is not small |
//! | Christoffersen | that of one exceedance upon another, `χ²(1)`; both together, `χ²(2)` | the same |
//! | traffic light | probability of at most so many exceedances: yellow from 95 %, red from 99.99 % | green |
//! | Acerbi–Székely | `1 − Σ L_t·[L_t > V_t] / (T·α·E_t)` | near 0; below −0.7 the margin is too low |
//! | Fissler–Ziegel | mean of `[L > V]·(L − V)/(α·E) + V/E + ln E − 1` | low |
//! | Diebold–Mariano | mean difference of two such losses over its error (Newey–West, 10 lags) | below −1.645 |
//! | cost at equal exceedances | mean margin, scaled to be exceeded on `n` days: geometric mean over `n` | low |
//!
//! Sources: Kupiec, *Techniques for verifying the accuracy of risk measurement models*, Journal of Derivatives 3, 1995;
//! Christoffersen, *Evaluating interval forecasts*, International Economic Review 39, 1998; Basel Committee on Banking
//! Supervision, *Supervisory framework for the use of "backtesting"*, 1996; Acerbi and Székely, *Back-testing expected
//! shortfall*, Risk, 2014 (test 2); Fissler and Ziegel, *Higher order elicitability and Osband's principle*, Annals of
//! Statistics 44, 2016, in the form of Patton, Ziegel and Chen, *Dynamic semiparametric models for expected shortfall*,
//! Journal of Econometrics 211, 2019; Diebold and Mariano, *Comparing predictive accuracy*, Journal of Business and
//! Economic Statistics 13, 1995.

use serde::Serialize;

use crate::{
    normal::{binomial_tail, chi_square_1, chi_square_2},
    predictive::market::{Shortfall, share},
};
use surety_core::units::Ppm;

/// The probability of what was seen, or of worse, if the margin is right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// That the rate of exceedances is `α`.
    pub kupiec: f64,
    /// That an exceedance does not make another more or less likely.
    pub independence: f64,
    /// Both.
    pub conditional: f64,
}

/// The zone of the Basel committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// As many exceedances as there may well be.
    Green,
    /// Doubtful.
    Yellow,
    /// Too many.
    Red,
}

/// `n·ln p`, which is nothing if `n` is.
fn log_power(count: usize, probability: f64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * libm::log(probability.max(1e-300)) }
}

fn ratio(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

/// Tests of when the value at risk was exceeded.
#[must_use]
pub fn coverage(exceeded: &[bool], tail: Ppm) -> Coverage {
    let alpha = share(tail);
    let (days, hits) = (exceeded.len(), exceeded.iter().filter(|hit| **hit).count());
    let rate = ratio(hits, days);
    let unconditional = -2.0
        * (log_power(hits, alpha) + log_power(days - hits, 1.0 - alpha)
            - log_power(hits, rate)
            - log_power(days - hits, 1.0 - rate));
    // How often each followed each.
    let mut followed = [[0; 2]; 2];
    for pair in exceeded.windows(2) {
        followed[usize::from(pair[0])][usize::from(pair[1])] += 1;
    }
    let [[none, first], [last, both]] = followed;
    let (after_none, after_hit) = (ratio(first, none + first), ratio(both, last + both));
    let overall = ratio(first + both, days.saturating_sub(1));
    let independence = -2.0
        * (log_power(first + both, overall) + log_power(none + last, 1.0 - overall)
            - log_power(first, after_none)
            - log_power(none, 1.0 - after_none)
            - log_power(both, after_hit)
            - log_power(last, 1.0 - after_hit));
    Coverage {
        kupiec: chi_square_1(unconditional),
        independence: chi_square_1(independence),
        conditional: chi_square_2(unconditional + independence),
    }
}

/// The zone of so many exceedances of the value at risk.
#[must_use]
pub fn traffic_light(exceedances: u64, days: u64, tail: Ppm) -> Light {
    let at_most = 1.0 - binomial_tail(exceedances + 1, days, tail);
    if at_most < 0.95 {
        Light::Green
    } else if at_most < 0.9999 {
        Light::Yellow
    } else {
        Light::Red
    }
}

/// The second test of Acerbi and Székely.
#[must_use]
pub fn acerbi_szekely(losses: &[f64], stated: &[Shortfall], tail: Ppm) -> f64 {
    let mut sum = 0.0;
    for (loss, stated) in losses.iter().zip(stated) {
        if *loss > stated.value_at_risk {
            sum += loss / stated.expected.max(LEAST);
        }
    }
    1.0 - sum / (share(tail) * losses.len().max(1) as f64)
}

/// No value at risk counts as less, so that a margin of nothing has a loss.
const LEAST: f64 = 1e-6;

/// The loss of Fissler and Ziegel of each day, homogeneous of degree zero.
#[must_use]
pub fn fissler_ziegel(losses: &[f64], stated: &[Shortfall], tail: Ppm) -> Vec<f64> {
    let alpha = share(tail);
    let day = |(loss, stated): (&f64, &Shortfall)| {
        let value_at_risk = stated.value_at_risk.max(LEAST);
        let expected = stated.expected.max(value_at_risk * (1.0 + 1e-9));
        let beyond = if *loss > value_at_risk { (loss - value_at_risk) / (alpha * expected) } else { 0.0 };
        beyond + value_at_risk / expected + libm::log(expected) - 1.0
    };
    losses.iter().zip(stated).map(day).collect()
}

/// How many lags of autocovariance count.
const LAGS: usize = 10;

/// The statistic of Diebold and Mariano: normal if the two are equally good, negative if the first is better.
#[must_use]
pub fn diebold_mariano(first: &[f64], second: &[f64]) -> f64 {
    let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| first - second).collect();
    let mean = mean(&differences);
    let days = differences.len().max(1) as f64;
    let covariance = |lag: usize| {
        let pairs = differences.iter().skip(lag).zip(&differences);
        pairs.map(|(later, sooner)| (later - mean) * (sooner - mean)).sum::<f64>() / days
    };
    let weighted = (1..=LAGS).map(|lag| 2.0 * (1.0 - lag as f64 / (LAGS + 1) as f64) * covariance(lag));
    let variance = covariance(0) + weighted.sum::<f64>();
    mean / (variance.max(1e-18) / days).sqrt()
}

/// The mean margin that would have been exceeded on `n` days, had all margins been scaled alike: the geometric mean
/// over `n` from a quarter of a percent of the days to one and a quarter.
#[must_use]
pub fn cost_at_equal_exceedances(losses: &[f64], margins: &[f64]) -> f64 {
    let mut ratios: Vec<f64> = losses.iter().zip(margins).map(|(loss, margin)| loss / margin.max(LEAST)).collect();
    ratios.sort_by(|a, b| b.total_cmp(a));
    let part = |per_myriad: usize| (ratios.len() * per_myriad + 5_000) / 10_000;
    let from = part(25).max(1);
    let to = part(125).max(from + 1);
    let Some(counted) = ratios.get(from..=to.min(ratios.len().saturating_sub(1))) else { return f64::NAN };
    let logs: Vec<f64> = counted.iter().map(|ratio| libm::log(ratio.max(1e-9))).collect();
    libm::exp(mean(&logs)) * mean(margins)
}

/// The largest ratio of a margin to the one so many days before.
#[must_use]
pub fn largest_rise(margins: &[f64], days: usize) -> f64 {
    let later = margins.iter().skip(days).zip(margins);
    later.map(|(later, sooner)| later / sooner.max(LEAST)).fold(1.0, f64::max)
}

/// The ratio of the largest margin to the smallest.
#[must_use]
pub fn peak_to_trough(margins: &[f64]) -> f64 {
    let peak = margins.iter().copied().fold(0.0, f64::max);
    peak / margins.iter().copied().fold(f64::INFINITY, f64::min).max(LEAST)
}

/// The mean, or not a number if there is nothing.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: Ppm = Ppm(10_000);

    fn exceeded(days: usize, on: impl Fn(usize) -> bool) -> Vec<bool> {
        (0..days).map(on).collect()
    }

    /// Kupiec's table: with 255 days at one percent, six exceedances are within the region of non-rejection at 95
    /// percent, and seven are not.
    #[test]
    fn kupiec_is_that_of_the_table() {
        let of = |count: usize| coverage(&exceeded(255, |day| day % 36 == 7 && day / 36 < count), TAIL).kupiec;
        assert!(of(6) > 0.05 && of(7) < 0.05, "{} {}", of(6), of(7));
        let sum = 2.0 * (2.0 * libm::log(2.0 / 2.55) + 253.0 * libm::log(253.0 / 255.0 / 0.99));
        assert!((coverage(&exceeded(255, |day| day == 3 || day == 200), TAIL).kupiec - chi_square_1(sum)).abs() < 1e-9);
    }

    #[test]
    fn exceedances_in_a_row_are_not_independent() {
        let scattered = coverage(&exceeded(1_000, |day| day % 100 == 50), TAIL);
        let together = coverage(&exceeded(1_000, |day| (500..510).contains(&day)), TAIL);
        assert!(scattered.independence > 0.3 && together.independence < 1e-6, "{scattered:?} {together:?}");
        assert!(scattered.kupiec > 0.99 && together.conditional < 1e-6);
        let never = coverage(&exceeded(1_000, |_| false), TAIL);
        assert!(never.kupiec < 0.001 && never.independence > 0.99, "{never:?}");
    }

    /// The zones of the Basel committee for 250 days.
    #[test]
    fn lights_are_those_of_the_committee() {
        let lights = [0, 4, 5, 9, 10, 20].map(|count| traffic_light(count, 250, TAIL));
        assert_eq!(lights, [Light::Green, Light::Green, Light::Yellow, Light::Yellow, Light::Red, Light::Red]);
    }

    fn stated(value_at_risk: f64, expected: f64) -> Vec<Shortfall> {
        vec![Shortfall { value_at_risk, expected }; 100]
    }

    #[test]
    fn a_tail_as_stated_scores_zero() {
        let losses: Vec<f64> = (0..100).map(|day| if day == 7 { 0.3 } else { 0.0 }).collect();
        assert!(acerbi_szekely(&losses, &stated(0.2, 0.3), TAIL).abs() < 1e-12);
        assert!((acerbi_szekely(&losses, &stated(0.1, 0.15), TAIL) + 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_loss_is_least_where_the_tail_is_as_stated() {
        let losses: Vec<f64> = (0..100).map(|day| if day == 7 { 0.3 } else { f64::from(day % 10) / 50.0 }).collect();
        let of = |value_at_risk, expected| mean(&fissler_ziegel(&losses, &stated(value_at_risk, expected), TAIL));
        // One loss in a hundred is in the tail, and is all of it.
        assert!(of(0.18, 0.3) < of(0.15, 0.3) && of(0.18, 0.3) < of(0.18, 0.25) && of(0.18, 0.3) < of(0.18, 0.35));
        // V = 0.2: (0.3 − 0.2)/(0.01·0.3)/100 + 0.2/0.3 + ln 0.3 − 1
        assert!((of(0.2, 0.3) - (libm::log(0.3))).abs() < 1e-12);
    }

    #[test]
    fn the_better_of_two_has_the_negative_statistic() {
        let worse: Vec<f64> = (0..500).map(|day| f64::from(day * 7 % 11)).collect();
        let better: Vec<f64> = (0..500).map(|day| f64::from(day * 7 % 11) - f64::from(day * 5 % 3) / 10.0).collect();
        assert!(diebold_mariano(&better, &worse) < -5.0);
        assert!((diebold_mariano(&better, &worse) + diebold_mariano(&worse, &better)).abs() < 1e-9);
        assert_eq!(diebold_mariano(&worse, &worse), 0.0);
    }

    #[test]
    fn the_cost_does_not_depend_on_the_scale_of_margins() {
        let losses: Vec<f64> = (0..1_000).map(|day| f64::from(day * 7 % 1_000) / 1_000.0).collect();
        let cost = |margin: f64| cost_at_equal_exceedances(&losses, &vec![margin; 1_000]);
        assert!((cost(0.1) - cost(3.0)).abs() < 1e-12);
        // Between the third and the thirteenth largest loss.
        assert!((0.985..0.997).contains(&cost(1.0)), "{}", cost(1.0));
    }

    #[test]
    fn rises_and_falls_are_ratios() {
        let margins = [1.0, 2.0, 4.0, 3.0, 0.5];
        assert_eq!((largest_rise(&margins, 1), largest_rise(&margins, 2), largest_rise(&margins, 9)), (2.0, 4.0, 1.0));
        assert_eq!(peak_to_trough(&margins), 8.0);
    }
}
