//! Black's formula for options on a forward (Black, "The pricing of commodity contracts", 1976).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PricingError;

/// The right that an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptionKind {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// The standard normal distribution: `Φ(x) = erfc(-x/√2) / 2`.
///
/// `libm::erfc` is the rational approximation of Sun's and FreeBSD's msun, with an error below one unit in the last
/// place, so that the tails keep their relative accuracy.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2)
}

/// The undiscounted value of an option on one unit of the forward, never negative.
///
/// `forward` and `strike` are prices, `total_volatility` is `σ·√τ`. With `d = ln(F/K)/(σ√τ) ± σ√τ/2` a call is worth
/// `F·Φ(d₊) - K·Φ(d₋)` and a put `K·Φ(-d₋) - F·Φ(-d₊)`; where a logarithm or a quotient has no value, the limit.
///
/// # Errors
/// If an input is negative, infinite or undefined.
pub fn black76(kind: OptionKind, forward: f64, strike: f64, total_volatility: f64) -> Result<f64, PricingError> {
    let inputs = [forward, strike, total_volatility];
    if !inputs.iter().all(|input| input.is_finite()) {
        return Err(PricingError::NotFinite);
    }
    if inputs.iter().any(|input| *input < 0.0) {
        return Err(PricingError::Negative);
    }
    let value = if forward == 0.0 || strike == 0.0 || total_volatility == 0.0 {
        match kind {
            OptionKind::Call => forward - strike,
            OptionKind::Put => strike - forward,
        }
    } else {
        let centre = libm::log(forward / strike) / total_volatility;
        let (above, below) = (centre + total_volatility / 2.0, centre - total_volatility / 2.0);
        match kind {
            OptionKind::Call => forward * normal_cdf(above) - strike * normal_cdf(below),
            OptionKind::Put => strike * normal_cdf(-below) - forward * normal_cdf(-above),
        }
    };
    // Not `f64::max`, which would turn an undefined value into zero.
    Ok(if value < 0.0 { 0.0 } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{OptionKind::*, *};

    /// Bit patterns, so that a change of the last place on any machine fails.
    #[test]
    fn values_are_pinned_to_the_bit() {
        let cases: [(OptionKind, f64, f64, f64, u64); 8] = [
            (Call, 100.0, 100.0, 0.2, 0x401f_dcbd_b70c_3310),
            (Put, 100.0, 100.0, 0.2, 0x401f_dcbd_b70c_3310),
            (Call, 96_248.765_614_176_85, 120_000.0, 0.180_5, 0x4090_35a3_0268_dc30),
            (Put, 96_248.765_614_176_85, 120_000.0, 0.180_5, 0x40d8_3529_3053_f308),
            (Call, 2_695.781_494_276_333_4, 5_500.0, 0.282_3, 0x3fff_e4cd_0c0a_86a0),
            (Put, 2_695.781_494_276_333_4, 500.0, 0.05, 0x0c63_e0be_804f_d600),
            (Call, 1e-9, 1e9, 3.0, 0x36c4_b347_c51b_9608),
            (Put, 5_000.0, 4_999.0, 1e-12, 0),
        ];
        let found = cases.map(|(kind, forward, strike, vol, _)| black76(kind, forward, strike, vol).unwrap().to_bits());
        assert_eq!(found.map(|bits| format!("{bits:#018x}")), cases.map(|case| format!("{:#018x}", case.4)));
    }

    #[test]
    fn the_distribution_is_pinned_to_the_bit() {
        let cases: [(f64, u64); 7] = [
            (0.0, 0x3fe0_0000_0000_0000),
            (1.0, 0x3fea_ec4b_d120_d37e),
            (-1.0, 0x3fc4_4ed0_bb7c_b20a),
            (0.1, 0x3fe1_4645_0752_6871),
            (-8.25, 0x3c96_d3ba_010a_c796),
            (5.5, 0x3fef_ffff_f5ce_182b),
            (-37.0, 0x01ce_accc_6bfe_adb8),
        ];
        let found = cases.map(|(x, _)| normal_cdf(x).to_bits());
        assert_eq!(found.map(|bits| format!("{bits:#018x}")), cases.map(|case| format!("{:#018x}", case.1)));
    }

    #[test]
    fn limits_are_intrinsic_values() {
        for (forward, strike, vol) in
            [(0.0, 7.0, 0.5), (7.0, 0.0, 0.5), (7.0, 5.0, 0.0), (5.0, 7.0, 0.0), (0.0, 0.0, 0.0)]
        {
            assert_eq!(black76(Call, forward, strike, vol), Ok((forward - strike).max(0.0)));
            assert_eq!(black76(Put, forward, strike, vol), Ok((strike - forward).max(0.0)));
        }
        // Beyond any volatility a call is worth the forward, a put the strike.
        assert_eq!(black76(Call, 7.0, 5.0, 1e6), Ok(7.0));
        assert_eq!(black76(Put, 7.0, 5.0, 1e6), Ok(5.0));
    }

    #[test]
    fn rejects_inputs_that_are_not_prices() {
        for bad in [f64::NAN, f64::INFINITY] {
            assert_eq!(black76(Call, bad, 1.0, 1.0), Err(PricingError::NotFinite));
            assert_eq!(black76(Call, 1.0, bad, 1.0), Err(PricingError::NotFinite));
            assert_eq!(black76(Put, 1.0, 1.0, bad), Err(PricingError::NotFinite));
        }
        assert_eq!(black76(Call, -1.0, 1.0, 1.0), Err(PricingError::Negative));
        assert_eq!(black76(Call, 1.0, -1.0, 1.0), Err(PricingError::Negative));
        assert_eq!(black76(Call, 1.0, 1.0, -1.0), Err(PricingError::Negative));
    }

    fn positive() -> impl Strategy<Value = f64> {
        (-3.0..6.0_f64).prop_map(|power| libm::pow(10.0, power))
    }

    proptest! {
        #[test]
        fn puts_and_calls_are_at_parity(forward in positive(), strike in positive(), vol in 0.0..4.0_f64) {
            let [call, put] = [Call, Put].map(|kind| black76(kind, forward, strike, vol).unwrap());
            prop_assert!(call >= 0.0 && put >= 0.0);
            prop_assert!((call - put - (forward - strike)).abs() <= 1e-14 * (forward + strike));
        }

        #[test]
        fn values_lie_between_intrinsic_and_the_largest(
            forward in positive(), strike in positive(), vol in 0.0..4.0_f64
        ) {
            let slack = 1e-14 * (forward + strike);
            let [call, put] = [Call, Put].map(|kind| black76(kind, forward, strike, vol).unwrap());
            prop_assert!(call >= forward - strike - slack && call <= forward + slack);
            prop_assert!(put >= strike - forward - slack && put <= strike + slack);
        }

        #[test]
        fn values_rise_with_what_they_should(
            forward in positive(), strike in positive(), vol in 0.0..4.0_f64, step in 1e-3..1.0_f64
        ) {
            let slack = 1e-14 * (forward + strike) * (1.0 + step);
            let value = |kind, forward, strike, vol| black76(kind, forward, strike, vol).unwrap();
            let higher = 1.0 + step;
            prop_assert!(value(Call, forward * higher, strike, vol) >= value(Call, forward, strike, vol) - slack);
            prop_assert!(value(Put, forward * higher, strike, vol) <= value(Put, forward, strike, vol) + slack);
            prop_assert!(value(Call, forward, strike * higher, vol) <= value(Call, forward, strike, vol) + slack);
            prop_assert!(value(Put, forward, strike * higher, vol) >= value(Put, forward, strike, vol) - slack);
            for kind in [Call, Put] {
                prop_assert!(value(kind, forward, strike, vol + step) >= value(kind, forward, strike, vol) - slack);
            }
        }

        #[test]
        fn the_distribution_is_symmetric_and_rises(x in -37.0..37.0_f64, step in 0.0..2.0_f64) {
            prop_assert!((normal_cdf(x) + normal_cdf(-x) - 1.0).abs() <= 2e-16);
            prop_assert!(normal_cdf(x + step) >= normal_cdf(x) * (1.0 - 1e-15));
        }
    }
}
