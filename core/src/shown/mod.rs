//! Text for the reader of an answer: a person at a terminal, or a file or a program.

mod number;
mod table;

use self::number::Digits;
pub use self::{
    number::{Rounding, grouped},
    table::table,
};

/// The destination of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// A terminal of this width in columns: numbers are grouped and rounded, and tables fit.
    Terminal(usize),
    /// A file or a program: every digit, and every character of every cell.
    Full,
}

impl Screen {
    /// An amount of the quote currency, with two decimal places on a terminal.
    #[must_use]
    pub fn money(self, exact: &str, rounding: Rounding) -> String {
        self.number(exact, Digits::Money, rounding)
    }

    /// A price or a quantity, with six significant digits on a terminal.
    #[must_use]
    pub fn significant(self, exact: &str, rounding: Rounding) -> String {
        self.number(exact, Digits::Significant, rounding)
    }

    /// A count, grouped on a terminal.
    #[must_use]
    pub fn count(self, count: impl ToString) -> String {
        match self {
            Self::Terminal(_) => number::grouped(&count.to_string()),
            Self::Full => count.to_string(),
        }
    }

    fn number(self, exact: &str, digits: Digits, rounding: Rounding) -> String {
        match self {
            Self::Terminal(_) => number::shortened(exact, digits, rounding),
            Self::Full => exact.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_where_nobody_looks() {
        for (screen, money, price, count) in [
            (Screen::Terminal(80), "1,234.57", "1,234.56", "1,234"),
            (Screen::Full, "1234.567891", "1234.567891", "1234"),
        ] {
            assert_eq!(screen.money("1234.567891", Rounding::Up), money);
            assert_eq!(screen.significant("1234.567891", Rounding::Down), price);
            assert_eq!(screen.count(1_234), count);
        }
    }
}
