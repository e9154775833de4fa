//! Exact fractions of integers that are not negative, with room for a product of several prices.

use core::cmp::Ordering;

use alloy_primitives::Uint;

use crate::units::{Decimals, Ppm, Price};

/// Room for the numerator of a product of eight prices at any number of decimals.
type Wide = Uint<1024, 16>;

/// A fraction of integers that are not negative. What exceeds 1024 bits has no value.
#[derive(Clone, Copy, Debug)]
pub struct Rational {
    numerator: Wide,
    denominator: Wide,
}

impl From<Ppm> for Rational {
    fn from(Ppm(fraction): Ppm) -> Self {
        Self { numerator: Wide::from(fraction), denominator: Wide::from(Ppm::ONE.0) }
    }
}

impl From<u128> for Rational {
    fn from(number: u128) -> Self {
        Self { numerator: Wide::from(number), denominator: Wide::ONE }
    }
}

impl Rational {
    /// A price with so many decimals.
    #[must_use]
    pub fn of(price: Price, decimals: Decimals) -> Self {
        Self { numerator: Wide::from(price.get()), denominator: power_of_ten(decimals) }
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        Some(Self {
            numerator: self.numerator.checked_mul(other.numerator)?,
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    /// The quotient, which has no [floor](Self::floor) if the divisor is zero.
    #[must_use]
    pub fn over(self, divisor: Self) -> Option<Self> {
        self.times(Self { numerator: divisor.denominator, denominator: divisor.numerator })
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let [first, second] = self.over_one(other)?;
        Some(Self {
            numerator: first.checked_add(second)?,
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    /// The difference, or zero if it is negative.
    #[must_use]
    pub fn less(self, other: Self) -> Option<Self> {
        let [first, second] = self.over_one(other)?;
        Some(Self {
            numerator: first.saturating_sub(second),
            denominator: self.denominator.checked_mul(other.denominator)?,
        })
    }

    /// The order of the two.
    #[must_use]
    pub fn compared(self, other: Self) -> Option<Ordering> {
        let [first, second] = self.over_one(other)?;
        Some(first.cmp(&second))
    }

    /// The largest integer of which `10^-decimals` times it is no more, and whether it is equal. None if the
    /// denominator is zero.
    #[must_use]
    pub fn floor(self, decimals: Decimals) -> Option<(u128, bool)> {
        let numerator = self.numerator.checked_mul(power_of_ten(decimals))?;
        let floor = numerator.checked_div(self.denominator)?.try_into().ok()?;
        Some((floor, numerator.checked_rem(self.denominator)?.is_zero()))
    }

    /// Both numerators over the product of the denominators.
    fn over_one(self, other: Self) -> Option<[Wide; 2]> {
        Some([self.numerator.checked_mul(other.denominator)?, other.numerator.checked_mul(self.denominator)?])
    }
}

fn power_of_ten(decimals: Decimals) -> Wide {
    Wide::from(10).pow(Wide::from(decimals.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact_until_they_are_rounded() {
        let (third, two) = (Rational::from(1).over(3.into()).unwrap(), Rational::from(2));
        let cents = Decimals::new(2).unwrap();
        assert_eq!(third.floor(cents), Some((33, false)));
        assert_eq!(third.times(3.into()).unwrap().floor(cents), Some((100, true)));
        assert_eq!(two.less(third).unwrap().plus(third).unwrap().compared(two), Some(Ordering::Equal));
        assert_eq!(third.less(two).unwrap().floor(cents), Some((0, true)));
        assert_eq!(Rational::from(Ppm(250_000)).floor(cents), Some((25, true)));
        assert_eq!(Rational::of(Price::new(12_345).unwrap(), cents).floor(cents), Some((12_345, true)));
    }

    #[test]
    fn rejects_a_divisor_of_zero_and_too_many_digits() {
        let decimals = Decimals::new(0).unwrap();
        assert_eq!(Rational::from(1).over(0.into()).unwrap().floor(decimals), None);
        let mut large = Some(Rational::from(u128::MAX));
        (0..8).for_each(|_| large = large.and_then(|large| large.times(u128::MAX.into())));
        assert!(large.is_none());
        assert_eq!(Rational::from(u128::MAX).times(2.into()).unwrap().floor(decimals), None);
    }
}
