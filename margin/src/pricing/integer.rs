//! From floating point to integers at a decimal scale.

use alloy_primitives::U256;

use super::PricingError;

/// Bits of an `f64` that hold its fraction.
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;

/// The power of two of the last place of the smallest numbers.
const SMALLEST_EXPONENT: i32 = f64::MIN_EXP - f64::MANTISSA_DIGITS as i32;

/// What happens to the part that an integer does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the integer below.
    Down,
    /// To the nearest integer; a half is rounded up.
    Nearest,
    /// To the integer above.
    Up,
}

/// `value · 10^decimals` as an integer. The product and the rounding are exact.
///
/// # Errors
/// If the value is negative, infinite or undefined, or the integer exceeds 128 bits.
pub fn to_integer(value: f64, decimals: u8, rounding: Rounding) -> Result<u128, PricingError> {
    if !value.is_finite() {
        return Err(PricingError::NotFinite);
    }
    if value < 0.0 {
        return Err(PricingError::Negative);
    }
    let (mantissa, exponent) = decompose(value);
    let scaled = U256::from(10)
        .checked_pow(U256::from(decimals))
        .and_then(|power| power.checked_mul(U256::from(mantissa)))
        .ok_or(PricingError::TooLarge)?;
    let shift = exponent.unsigned_abs() as usize;
    let integer = if exponent >= 0 {
        if scaled.bit_len() + shift > 128 {
            return Err(PricingError::TooLarge);
        }
        scaled << shift
    } else {
        let whole = scaled >> shift;
        let up = match rounding {
            Rounding::Down => false,
            // A shift beyond the number's own bits finds no half: the number is smaller.
            Rounding::Nearest => scaled.bit(shift - 1),
            Rounding::Up => whole << shift != scaled,
        };
        whole + U256::from(u8::from(up))
    };
    u128::try_from(integer).map_err(|_| PricingError::TooLarge)
}

/// The mantissa `m` and the exponent `e` of a nonnegative finite `value = m·2^e`.
fn decompose(value: f64) -> (u64, i32) {
    let bits = value.to_bits() & (u64::MAX >> 1);
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    match (bits >> FRACTION_BITS) as i32 {
        0 => (fraction, SMALLEST_EXPONENT),
        exponent => (fraction | 1 << FRACTION_BITS, SMALLEST_EXPONENT + exponent - 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Rounding::*, *};

    #[test]
    fn integers_are_pinned() {
        assert_eq!(to_integer(0.1, 18, Down), Ok(100_000_000_000_000_005));
        assert_eq!(to_integer(0.1, 18, Up), Ok(100_000_000_000_000_006));
        assert_eq!(to_integer(0.1, 18, Nearest), Ok(100_000_000_000_000_006));
        assert_eq!(to_integer(95_663.506_048_55, 12, Nearest), Ok(95_663_506_048_550_000));
        assert_eq!(to_integer(2.5, 0, Nearest), Ok(3));
        assert_eq!(to_integer(2.5, 0, Down), Ok(2));
        assert_eq!(to_integer(0.25, 1, Up), Ok(3));
        assert_eq!(to_integer(0.0, 18, Up), Ok(0));
        assert_eq!(to_integer(-0.0, 18, Up), Ok(0));
        assert_eq!(to_integer(f64::MIN_POSITIVE, 18, Nearest), Ok(0));
        assert_eq!(to_integer(f64::from_bits(1), 18, Up), Ok(1));
        assert_eq!(to_integer(1.5 * libm::pow(2.0, 127.0), 0, Down), Ok(3 << 126));
    }

    #[test]
    fn rejects_what_is_no_nonnegative_number_of_128_bits() {
        assert_eq!(to_integer(f64::NAN, 0, Down), Err(PricingError::NotFinite));
        assert_eq!(to_integer(f64::INFINITY, 0, Down), Err(PricingError::NotFinite));
        assert_eq!(to_integer(-1e-300, 0, Down), Err(PricingError::Negative));
        assert_eq!(to_integer(libm::pow(2.0, 128.0), 0, Down), Err(PricingError::TooLarge));
        assert_eq!(to_integer(1e30, 18, Down), Err(PricingError::TooLarge));
        assert_eq!(to_integer(1.0, u8::MAX, Down), Err(PricingError::TooLarge));
    }

    proptest! {
        #[test]
        fn whole_numbers_stay(value in 0_u64..1 << 53, decimals in 0_u8..=18) {
            for rounding in [Down, Nearest, Up] {
                let expected = u128::from(value) * 10_u128.pow(decimals.into());
                prop_assert_eq!(to_integer(value as f64, decimals, rounding), Ok(expected));
            }
        }

        #[test]
        fn roundings_differ_by_at_most_one(value in 0.0..1e9_f64, decimals in 0_u8..=18) {
            let rounded = |rounding| to_integer(value, decimals, rounding).unwrap();
            let [down, nearest, up] = [Down, Nearest, Up].map(rounded);
            prop_assert!(down <= nearest && nearest <= up && up - down <= 1);
        }
    }
}
