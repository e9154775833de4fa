//! Numbers that are affine in the market vector: `c + Σ_u c_u·p_u`.

use alloy_primitives::I256;
use surety_core::units::Price;

use crate::market::{MarketIndex, PriceRange};

/// `c + Σ_u c_u·p_u`, with integer `c` and `c_u`: what a coefficient of a program is before prices are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Affine {
    constant: I256,
    /// In ascending order, no zeros, so that equal numbers compare equal. A list, because a program has a hundred
    /// thousand of these with an entry or none.
    market: Vec<(MarketIndex, I256)>,
}

/// Integer arithmetic left the range of 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl Affine {
    /// A number that does not depend on the market.
    #[must_use]
    pub fn constant(value: I256) -> Self {
        Self { constant: value, market: Vec::new() }
    }

    /// `factor` times a price.
    #[must_use]
    pub fn price(index: MarketIndex, factor: I256) -> Self {
        let market = if factor.is_zero() { Vec::new() } else { vec![(index, factor)] };
        Self { constant: I256::ZERO, market }
    }

    /// The part that does not depend on the market.
    #[must_use]
    pub fn constant_part(&self) -> I256 {
        self.constant
    }

    /// The factors of the prices, in ascending order of the prices; absent means zero.
    #[must_use]
    pub fn market_part(&self) -> &[(MarketIndex, I256)] {
        &self.market
    }

    /// Whether it is zero whatever the market.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.constant.is_zero() && self.market.is_empty()
    }

    /// The number, if it does not depend on the market.
    #[must_use]
    pub fn as_constant(&self) -> Option<I256> {
        self.market.is_empty().then_some(self.constant)
    }

    /// The value at given prices.
    ///
    /// # Errors
    /// If it overflows, or a price is missing.
    pub fn at(&self, prices: &[Price]) -> Result<I256, Overflow> {
        self.market.iter().try_fold(self.constant, |sum, (index, factor)| {
            let price = prices.get(index.0).ok_or(Overflow)?.wide();
            factor.checked_mul(price).and_then(|term| sum.checked_add(term)).ok_or(Overflow)
        })
    }

    /// The smallest and the largest value in a box of prices.
    ///
    /// # Errors
    /// If it overflows, or a range is missing.
    pub fn range(&self, ranges: &[PriceRange]) -> Result<(I256, I256), Overflow> {
        self.market.iter().try_fold((self.constant, self.constant), |(low, high), (index, factor)| {
            let range = ranges.get(index.0).ok_or(Overflow)?;
            let (for_low, for_high) =
                if factor.is_negative() { (range.max, range.min) } else { (range.min, range.max) };
            let step = |sum: I256, price: Price| {
                factor.checked_mul(price.wide()).and_then(|term| sum.checked_add(term)).ok_or(Overflow)
            };
            Ok((step(low, for_low)?, step(high, for_high)?))
        })
    }

    /// The sum.
    ///
    /// # Errors
    /// If it overflows.
    pub fn plus(&self, other: &Self) -> Result<Self, Overflow> {
        let constant = self.constant.checked_add(other.constant).ok_or(Overflow)?;
        let mut market = Vec::with_capacity(self.market.len().max(other.market.len()));
        let mut theirs = other.market.iter().copied().peekable();
        for (index, factor) in &self.market {
            market.extend(core::iter::from_fn(|| theirs.next_if(|(other, _)| other < index)));
            let same = theirs.next_if(|(other, _)| other == index);
            let sum = same.map_or(Some(*factor), |(_, other)| factor.checked_add(other)).ok_or(Overflow)?;
            market.extend((!sum.is_zero()).then_some((*index, sum)));
        }
        market.extend(theirs);
        market.shrink_to_fit();
        Ok(Self { constant, market })
    }

    /// The product with an integer.
    ///
    /// # Errors
    /// If it overflows.
    pub fn times(&self, factor: I256) -> Result<Self, Overflow> {
        if factor.is_zero() {
            return Ok(Self::default());
        }
        let times = |value: &I256| value.checked_mul(factor).ok_or(Overflow);
        Ok(Self {
            constant: times(&self.constant)?,
            market: self.market.iter().map(|(index, value)| Ok((*index, times(value)?))).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn number(constant: i64, factors: &BTreeMap<usize, i64>) -> Affine {
        let wide = |value: i64| I256::try_from(value).unwrap();
        let factor = |(index, factor): (&usize, &i64)| Affine::price(MarketIndex(*index), wide(*factor));
        factors.iter().map(factor).fold(Affine::constant(wide(constant)), |sum, term| sum.plus(&term).unwrap())
    }

    fn factors() -> impl Strategy<Value = BTreeMap<usize, i64>> {
        prop::collection::btree_map(0usize..6, -2i64..3, 0..6)
    }

    proptest! {
        #[test]
        fn sums_have_an_entry_for_each_price_that_matters(
            (c, d) in (any::<i32>(), any::<i32>()),
            (left, right) in (factors(), factors()),
        ) {
            let mut sums = left.clone();
            right.iter().for_each(|(index, factor)| *sums.entry(*index).or_default() += factor);
            let sum = number(c.into(), &left).plus(&number(d.into(), &right)).unwrap();
            prop_assert_eq!(&sum, &number(i64::from(c) + i64::from(d), &sums));
            sums.retain(|_, factor| *factor != 0);
            let expected = sums.into_iter().map(|(index, factor)| (index, I256::try_from(factor).unwrap()));
            let expected: Vec<_> = expected.collect();
            let found: Vec<_> = sum.market_part().iter().map(|(index, factor)| (index.0, *factor)).collect();
            prop_assert_eq!(found, expected);
            prop_assert!(sum.plus(&sum.times(I256::MINUS_ONE).unwrap()).unwrap().is_zero());
        }
    }
}
