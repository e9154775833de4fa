//! Relative moves of prices, as integers: the same on every machine, and rounded where it is known which way is safe.

/// A relative move of a price in parts per billion: `-50_000_000` is a fall by 5 percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move(i64);

impl Move {
    /// By the whole price.
    pub const ONE: i64 = 1_000_000_000;

    /// No move is larger than tenfold the price, up or down.
    pub const LIMIT: i64 = 10 * Self::ONE;

    /// A move. One beyond [`Move::LIMIT`] counts as that.
    #[must_use]
    pub fn new(ppb: i128) -> Self {
        let limit = i128::from(Self::LIMIT);
        // Between two numbers of 64 bits.
        Self(ppb.clamp(-limit, limit) as i64)
    }

    /// The number of parts per billion.
    #[must_use]
    pub fn ppb(self) -> i64 {
        self.0
    }

    /// The move between two prices, rounded away from zero: against whoever loses by it.
    #[must_use]
    pub fn between(before: u64, after: u64) -> Self {
        let change = i128::from(after) - i128::from(before);
        Self::new(div_away(change * i128::from(Self::ONE), i128::from(before)))
    }

    /// `self · numerator / denominator`, rounded away from zero. A denominator of zero counts as one part.
    #[must_use]
    pub fn scaled(self, numerator: u64, denominator: u64) -> Self {
        Self::new(div_away(i128::from(self.0) * i128::from(numerator), i128::from(denominator.max(1))))
    }

    /// What a move loses for somebody on that side, or zero if it gains.
    #[must_use]
    pub fn loss(self, side: Side) -> u64 {
        let loss = match side {
            Side::Down => self.0.saturating_neg(),
            Side::Up => self.0,
        };
        u64::try_from(loss).unwrap_or(0)
    }
}

/// A direction of the market, which hurts those who are long or those who are short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Prices fall.
    Down,
    /// Prices rise.
    Up,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Down, Self::Up];

    /// What scenarios call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

/// A quotient rounded away from zero. The divisor is positive.
pub(crate) fn div_away(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend / divisor;
    if quotient * divisor == dividend { quotient } else { quotient + dividend.signum() }
}

/// The smallest whole number whose square is at least `square`.
pub(crate) fn root_up(square: u128) -> u64 {
    let root = square.isqrt();
    let root = if root * root == square { root } else { root + 1 };
    u64::try_from(root).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_rounded_away_from_zero() {
        assert_eq!(Move::between(3, 4).ppb(), 333_333_334);
        assert_eq!(Move::between(3, 2).ppb(), -333_333_334);
        assert_eq!(Move::between(100, 90).ppb(), -100_000_000);
        assert_eq!(Move::new(-10).scaled(1, 3).ppb(), -4);
        assert_eq!(Move::new(10).scaled(1, 0).ppb(), 10);
        assert_eq!(Move::between(1, u64::MAX).ppb(), Move::LIMIT);
    }

    #[test]
    fn roots_are_rounded_up() {
        assert_eq!([0, 1, 2, 4, 5, 9, 10].map(root_up), [0, 1, 2, 2, 3, 3, 4]);
        assert_eq!(root_up(u128::MAX), u64::MAX);
    }
}
