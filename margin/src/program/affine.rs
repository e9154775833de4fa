//! Numbers that are affine in the market vector: `c + Σ_u c_u·p_u`.

use std::collections::BTreeMap;

use alloy_primitives::I256;
use surety_core::units::Price;

use crate::market::{MarketIndex, PriceRange};

/// `c + Σ_u c_u·p_u`, with integer `c` and `c_u`: what a coefficient of a program is before prices are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Affine {
    constant: I256,
    /// No zeros, so that equal numbers compare equal.
    market: BTreeMap<MarketIndex, I256>,
}

/// Integer arithmetic left the range of 256 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl Affine {
    /// A number that does not depend on the market.
    #[must_use]
    pub fn constant(value: I256) -> Self {
        Self { constant: value, market: BTreeMap::new() }
    }

    /// `factor` times a price.
    #[must_use]
    pub fn price(index: MarketIndex, factor: I256) -> Self {
        let market = if factor.is_zero() { BTreeMap::new() } else { BTreeMap::from([(index, factor)]) };
        Self { constant: I256::ZERO, market }
    }

    /// The part that does not depend on the market.
    #[must_use]
    pub fn constant_part(&self) -> I256 {
        self.constant
    }

    /// The factors of the prices; absent means zero.
    #[must_use]
    pub fn market_part(&self) -> &BTreeMap<MarketIndex, I256> {
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
        let mut sum = self.clone();
        sum.constant = sum.constant.checked_add(other.constant).ok_or(Overflow)?;
        for (index, factor) in &other.market {
            let entry = sum.market.entry(*index).or_default();
            *entry = entry.checked_add(*factor).ok_or(Overflow)?;
        }
        sum.market.retain(|_, factor| !factor.is_zero());
        Ok(sum)
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
