//! Numbers as people read them on a terminal: grouped by thousands and rounded. A file or a program that reads standard
//! output gets every digit.

/// The direction of rounding. Assets are rounded down and requirements up, so that no rounding makes an account look
/// better than it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Towards minus infinity: balances, equity, credits, margins.
    Down,
    /// Towards plus infinity: requirements and charges.
    Up,
}

/// The precision that people need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digits {
    /// Two decimal places: amounts of the quote currency.
    Money,
    /// Six significant digits and all digits before the point: prices and quantities, which may be far below one.
    Significant,
}

const MONEY_PLACES: usize = 2;
const SIGNIFICANT: usize = 6;

/// A decimal number such as `-1234567.891`, shortened and grouped: `-1,234,567.90`. Any other text is returned
/// unchanged.
pub(super) fn shortened(exact: &str, digits: Digits, rounding: Rounding) -> String {
    let Some(number) = Decimal::parse(exact) else { return exact.to_owned() };
    let places = digits.places(&number);
    let rounded = number.rounded(places, rounding);
    let fraction = match digits {
        Digits::Money => format!("{:0<MONEY_PLACES$}", rounded.fraction),
        Digits::Significant => rounded.fraction.trim_end_matches('0').to_owned(),
    };
    Decimal { fraction, ..rounded }.grouped()
}

/// A decimal number with its integer part grouped by thousands and every digit kept. Any other text is returned
/// unchanged.
#[must_use]
pub fn grouped(exact: &str) -> String {
    Decimal::parse(exact).map_or_else(|| exact.to_owned(), |number| number.grouped())
}

impl Digits {
    fn places(self, number: &Decimal) -> usize {
        match self {
            Self::Money => MONEY_PLACES,
            Self::Significant if number.whole != "0" => SIGNIFICANT.saturating_sub(number.whole.len()),
            Self::Significant => {
                let zeros = number.fraction.len() - number.fraction.trim_start_matches('0').len();
                zeros + SIGNIFICANT
            }
        }
    }
}

/// A number as decimal digits, of any length.
struct Decimal {
    negative: bool,
    /// Without leading zeros, but `0`.
    whole: String,
    fraction: String,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || digits.ends_with('.') {
            return None;
        }
        let trimmed = whole.trim_start_matches('0');
        let whole = if trimmed.is_empty() { "0" } else { trimmed };
        Some(Self { negative, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }

    /// Rounds to at most this many decimal places, and to exactly as many where digits are dropped.
    fn rounded(self, places: usize, rounding: Rounding) -> Self {
        let Some((kept, cut)) = self.fraction.split_at_checked(places) else { return self };
        let away = cut.bytes().any(|digit| digit != b'0') && (self.negative == (rounding == Rounding::Down));
        let mut digits = format!("{}{kept}", self.whole).into_bytes();
        if away {
            increment(&mut digits);
        }
        let fraction = digits.split_off(digits.len() - places);
        let text = |digits: Vec<u8>| digits.into_iter().map(char::from).collect::<String>();
        let rounded = Self { whole: text(digits), fraction: text(fraction), ..self };
        let is_zero = rounded.whole == "0" && rounded.fraction.bytes().all(|digit| digit == b'0');
        Self { negative: rounded.negative && !is_zero, ..rounded }
    }

    fn grouped(&self) -> String {
        let mut text = if self.negative { "-".to_owned() } else { String::new() };
        for (position, digit) in self.whole.chars().enumerate() {
            if position > 0 && (self.whole.len() - position).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if !self.fraction.is_empty() {
            text.push('.');
            text += &self.fraction;
        }
        text
    }
}

/// Adds one to a number of decimal digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped() {
        for (exact, expected) in [
            ("0", "0"),
            ("123", "123"),
            ("1234", "1,234"),
            ("-123456", "-123,456"),
            ("1234567.891234", "1,234,567.891234"),
            ("007", "7"),
            ("1e5", "1e5"),
            ("", ""),
            ("-", "-"),
            ("5.", "5."),
            ("1,000", "1,000"),
            ("n/a", "n/a"),
        ] {
            assert_eq!(grouped(exact), expected, "{exact}");
        }
    }

    #[test]
    fn money_has_two_places() {
        use Rounding::{Down, Up};
        for (exact, rounding, expected) in [
            ("1234567.891", Down, "1,234,567.89"),
            ("1234567.891", Up, "1,234,567.90"),
            ("999.999", Up, "1,000.00"),
            ("999.990000", Up, "999.99"),
            ("5", Down, "5.00"),
            ("5.1", Up, "5.10"),
            (
                "340282366920938463463374607431768211456.005",
                Down,
                "340,282,366,920,938,463,463,374,607,431,768,211,456.00",
            ),
        ] {
            assert_eq!(shortened(exact, Digits::Money, rounding), expected, "{exact} {rounding:?}");
        }
    }

    /// The smallest deficit remains a deficit, and the smallest requirement a requirement.
    #[test]
    fn rejects_rounding_in_favour_of_the_account() {
        assert_eq!(shortened("-0.000001", Digits::Money, Rounding::Down), "-0.01");
        assert_eq!(shortened("0.000001", Digits::Money, Rounding::Up), "0.01");
        assert_eq!(shortened("0.009999", Digits::Money, Rounding::Down), "0.00");
        assert_eq!(shortened("-0.009999", Digits::Money, Rounding::Up), "0.00");
        assert_eq!(shortened("-999999.9999999", Digits::Significant, Rounding::Down), "-1,000,000");
    }

    #[test]
    fn prices_keep_six_significant_digits() {
        for (exact, expected) in [
            ("0.00001234567891", "0.0000123456"),
            ("0.99990000", "0.9999"),
            ("97123.45678901", "97,123.4"),
            ("1234567.8", "1,234,567"),
            ("12.50", "12.5"),
            ("12.000000000", "12"),
            ("1200", "1,200"),
            ("0.000", "0"),
        ] {
            assert_eq!(shortened(exact, Digits::Significant, Rounding::Down), expected, "{exact}");
        }
    }
}
