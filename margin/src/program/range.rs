//! Where the values of an expression lie, before it is compiled.

use alloy_primitives::I256;

use super::{
    Affine, Expression, HoldingRange, Overflow,
    expression::{Node, TailShare},
};
use crate::market::PriceRange;

type Range = (I256, I256);

impl Expression {
    /// A number that the expression never exceeds, for prices and holdings within their ranges.
    ///
    /// # Errors
    /// If it is beyond 256 bits.
    pub fn most(&self, holdings: &[HoldingRange], prices: &[PriceRange]) -> Result<I256, Overflow> {
        Ok(Ranges { holdings, prices }.of(self)?.1)
    }
}

struct Ranges<'a> {
    holdings: &'a [HoldingRange],
    prices: &'a [PriceRange],
}

impl Ranges<'_> {
    fn of(&self, expression: &Expression) -> Result<Range, Overflow> {
        let zero = I256::ZERO;
        Ok(match &expression.0 {
            Node::One => (I256::ONE, I256::ONE),
            Node::Holding(holding) => {
                let HoldingRange { min, max, .. } = self.holdings.get(*holding).ok_or(Overflow)?;
                (I256::unchecked_from(*min), I256::unchecked_from(*max))
            }
            Node::Sum(terms) => self.sum(terms)?,
            Node::Times(factor, inner) => product(self.factor(factor)?, self.of(inner)?)?,
            Node::PositivePart(inner) => {
                let (min, max) = self.of(inner)?;
                (min.max(zero), max.max(zero))
            }
            Node::Lack(inner) => {
                let (min, max) = self.of(inner)?;
                (negated(max)?.max(zero), negated(min)?.max(zero))
            }
            Node::Abs(inner) => {
                let (min, max) = self.of(inner)?;
                (min.max(negated(max)?).max(zero), max.max(negated(min)?))
            }
            Node::Exceeds(inner) => {
                let bit = |positive: bool| I256::unchecked_from(u8::from(positive));
                let (min, max) = self.of(inner)?;
                (bit(min.is_positive()), bit(max.is_positive()))
            }
            Node::Once(inner) => self.of(inner)?,
            Node::WorstOf(scenarios) => {
                let ranges =
                    scenarios.iter().map(|scenario| self.of(&scenario.value)).collect::<Result<Vec<_>, _>>()?;
                let least = |end: fn(&Range) -> I256| ranges.iter().map(end).min().ok_or(Overflow);
                (least(|range| range.0)?, least(|range| range.1)?)
            }
            Node::TailSum { values, share } => self.tail(values, *share)?,
        })
    }

    fn sum(&self, terms: &[Expression]) -> Result<Range, Overflow> {
        terms.iter().try_fold((I256::ZERO, I256::ZERO), |(min, max), term| {
            let (low, high) = self.of(term)?;
            Ok((min.checked_add(low).ok_or(Overflow)?, max.checked_add(high).ok_or(Overflow)?))
        })
    }

    /// As many times the least and the largest loss as losses count.
    fn tail(&self, values: &[Expression], share: TailShare) -> Result<Range, Overflow> {
        let ranges = values.iter().map(|value| self.of(value)).collect::<Result<Vec<_>, _>>()?;
        let min = ranges.iter().map(|range| range.0).min().ok_or(Overflow)?;
        let max = ranges.iter().map(|range| range.1).max().ok_or(Overflow)?;
        let divisor = share.divisor(values.len());
        product((divisor, divisor), (min, max))
    }

    fn factor(&self, factor: &Affine) -> Result<Range, Overflow> {
        factor.range(self.prices)
    }
}

fn product((a, b): Range, (c, d): Range) -> Result<Range, Overflow> {
    let mut corners = [(a, c), (a, d), (b, c), (b, d)].map(|(a, b)| a.checked_mul(b));
    corners.sort_unstable();
    // None comes first.
    Ok((corners[0].ok_or(Overflow)?, corners[3].ok_or(Overflow)?))
}

fn negated(number: I256) -> Result<I256, Overflow> {
    number.checked_neg().ok_or(Overflow)
}
