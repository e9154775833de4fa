//! Decimal numbers as people, spreadsheets and programs write them, exactly.
//!
//! A number has an optional sign (`-` and the dashes that look like it, before the number or behind it, `+`, or
//! parentheses, which accountants put around what is owed), digits in groups of three or in none, an optional fraction
//! and an optional exponent. Groups are separated by `'`, `_`, a space, a comma or a point; a fraction begins with a
//! point or a comma. A text that says two things, such as `1,234`, is read only where the other numbers of its file
//! show what the mark stands for: see [`Marks`]. Before an exponent nobody groups, so that the mark of `1.234E+05`
//! begins a fraction.

use core::fmt;

use serde::{Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::problem::Problem;

/// Most digits of the integers that numbers are scaled to.
const MAX_DIGITS: usize = 38;

/// Most digits of an exponent.
const EXPONENT_DIGITS: usize = 4;

/// A decimal number exactly as it is written: a sign, digits, and a power of ten. Secret: it does not print and is
/// erased when dropped.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Number {
    negative: bool,
    /// From 0 to 9, the most significant first, without zeros at either end; none if the number is zero.
    digits: Vec<u8>,
    /// The number is the integer that the digits spell, times ten to this power.
    exponent: i32,
}

/// How digits that there is no room for are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest integer, and from halfway to the even one: for what is observed, such as a price.
    Nearest,
    /// To the next lower integer, so that less is held and more is owed: for amounts.
    Floor,
    /// To the next higher integer: for what is paid or required.
    Ceiling,
}

/// An integer that a number was scaled to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scaled {
    /// The integer; its absolute value is at most `10^38`.
    pub integer: i128,
    /// Whether it is the number itself, nothing rounded.
    pub exact: bool,
}

impl Number {
    /// Reads a number on its own: a point is the decimal mark wherever it can be.
    ///
    /// # Errors
    /// If it is no number, or one that may be read in two ways.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        Self::parse_among(text, Marks::POINT)
    }

    /// Reads a number among others whose marks are known.
    ///
    /// # Errors
    /// If it is no number, or one that may be read in two ways.
    pub fn parse_among(text: &str, marks: Marks) -> Result<Self, NumberError> {
        let literal = Literal::of(text).ok_or(NumberError::Malformed)?;
        let decimal = match literal.form {
            Form::Certain { decimal } => decimal,
            Form::Ambiguous(mark) => marks.reading(mark)?,
        };
        let (whole, fraction) = match decimal {
            Some(mark) => literal.mantissa.rsplit_once(mark.character()).unwrap_or((literal.mantissa, "")),
            None => (literal.mantissa, ""),
        };
        let mut digits = Vec::with_capacity(literal.mantissa.len());
        let all = whole.bytes().chain(fraction.bytes()).filter(u8::is_ascii_digit).map(|byte| byte - b'0');
        digits.extend(all.skip_while(|digit| *digit == 0));
        let places = i32::try_from(fraction.len()).map_err(|_| NumberError::Malformed)?;
        Ok(Self { negative: literal.negative, digits, exponent: literal.exponent - places }.normal())
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether it is less than zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The number with the other sign.
    #[must_use]
    pub fn negated(mut self) -> Self {
        self.negative = !self.negative && !self.is_zero();
        self
    }

    /// The number as an integer and the power of ten that it is multiplied with; none if it has more than 38 digits.
    pub fn significand(&self) -> Option<(i128, i32)> {
        let fits = self.digits.len() <= MAX_DIGITS;
        let magnitude = || self.digits.iter().fold(0_i128, |integer, digit| 10 * integer + i128::from(*digit));
        fits.then(|| (if self.negative { -magnitude() } else { magnitude() }, self.exponent))
    }

    /// The product; none if a factor has more than 38 digits.
    pub fn times(&self, other: &Self) -> Option<Self> {
        if self.digits.len().max(other.digits.len()) > MAX_DIGITS {
            return None;
        }
        // The most significant first; each is below ten once carried.
        let mut sums = Zeroizing::new(vec![0_u32; self.digits.len() + other.digits.len()]);
        for (i, a) in self.digits.iter().enumerate() {
            for (j, b) in other.digits.iter().enumerate() {
                sums[i + j + 1] += u32::from(*a) * u32::from(*b);
            }
        }
        for i in (1..sums.len()).rev() {
            sums[i - 1] += sums[i] / 10;
            sums[i] %= 10;
        }
        let significant = sums.iter().skip_while(|digit| **digit == 0);
        let mut digits = Vec::with_capacity(sums.len());
        digits.extend(significant.map(|digit| *digit as u8));
        let negative = self.negative != other.negative;
        Some(Self { negative, digits, exponent: self.exponent.checked_add(other.exponent)? }.normal())
    }

    /// Without zeros at the end.
    fn normal(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent = self.exponent.saturating_add(1);
        }
        if self.digits.is_empty() {
            (self.negative, self.exponent) = (false, 0);
        }
        self
    }

    /// The number in units of `10^-places`, as an integer; none if that has more than 38 digits.
    #[must_use]
    pub fn scaled(&self, places: u8, rounding: Rounding) -> Option<Scaled> {
        // Where the point lies among the digits after scaling: digits before it are the integer.
        let point = self.digits.len() as i64 + i64::from(self.exponent) + i64::from(places);
        if self.is_zero() {
            return Some(Scaled { integer: 0, exact: true });
        }
        let point = usize::try_from(point).map_or(0, |point| if point > MAX_DIGITS { MAX_DIGITS + 1 } else { point });
        if point > MAX_DIGITS {
            return None;
        }
        let digits = self.digits.iter().copied().chain(core::iter::repeat(0));
        let magnitude = digits.take(point).fold(0_i128, |integer, digit| 10 * integer + i128::from(digit));
        let exact = self.digits.len() <= point;
        let away = !exact
            && match rounding {
                Rounding::Nearest => self.exceeds_half(places, magnitude % 2 == 1),
                Rounding::Floor => self.negative,
                Rounding::Ceiling => !self.negative,
            };
        let magnitude = magnitude + i128::from(away);
        Some(Scaled { integer: if self.negative { -magnitude } else { magnitude }, exact })
    }

    /// Whether the digits behind the point, after scaling, are more than a half, or just a half next to an odd integer.
    fn exceeds_half(&self, places: u8, odd: bool) -> bool {
        let point = self.digits.len() as i64 + i64::from(self.exponent) + i64::from(places);
        // With zeros before the first digit it is less than a tenth.
        let Ok(point) = usize::try_from(point) else { return false };
        match self.digits.get(point) {
            Some(5) => odd || self.digits.len() > point + 1,
            Some(digit) => *digit > 5,
            None => false,
        }
    }
}

impl From<i128> for Number {
    fn from(integer: i128) -> Self {
        let (mut rest, mut digits, mut exponent) = (integer.unsigned_abs(), Vec::with_capacity(MAX_DIGITS + 1), 0);
        while rest > 0 {
            digits.push((rest % 10) as u8);
            rest /= 10;
        }
        while digits.first() == Some(&0) {
            digits.remove(0);
            exponent += 1;
        }
        digits.reverse();
        Self { negative: integer < 0, digits, exponent }
    }
}

/// As [`Number::parse`] reads it back.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Room for all of it, so that no growth leaves a copy behind.
        let mut text = Zeroizing::new(String::with_capacity(self.digits.len() + 16));
        text.push_str(if self.negative { "-" } else { "" });
        text.extend(self.digits.iter().map(|digit| char::from(b'0' + digit)));
        text.push_str(if self.digits.is_empty() { "0" } else { "" });
        if self.exponent != 0 {
            text.push('e');
            text.push_str(&self.exponent.to_string());
        }
        serializer.serialize_str(&text)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(hidden)")
    }
}

impl fmt::Debug for Scaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scaled").field("exact", &self.exact).finish_non_exhaustive()
    }
}

/// Why a text is not read as a number. It does not repeat the text, which may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// It is none.
    Malformed,
    /// It may be read in two ways.
    Ambiguous(Mark),
}

impl NumberError {
    /// The rule that is broken, where `path` says.
    #[must_use]
    pub fn problem(self, path: impl Into<String>) -> Problem {
        match self {
            Self::Malformed => Problem::new(path, "a decimal number like 1234.5678", "something else"),
            Self::Ambiguous(mark) => {
                let found = match mark {
                    Mark::Comma => "a comma before three digits, which may group thousands or begin a fraction",
                    Mark::Point => "a point before three digits, which may group thousands or begin a fraction",
                };
                Problem::new(path, "a number that can be read in one way", found)
                    .advise("write 1234 if thousands are meant, or 1.2340 if a fraction is")
            }
        }
    }
}

/// A mark between digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// `.`
    Point,
    /// `,`
    Comma,
}

impl Mark {
    fn character(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// What points and commas stand for in a file, as far as numbers that can be read in one way only show it.
///
/// A mark that may be a decimal mark or group thousands is read as
/// - what it is elsewhere in the file, if it is nothing else there and the other mark is no decimal mark;
/// - a decimal mark, if the other mark groups thousands;
/// - a decimal mark, if it is a point, nothing speaks against it, and points are decimal marks unless shown otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    point: Shown,
    comma: Shown,
    point_is_usual: bool,
}

/// What a mark has been seen to stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    decimal: bool,
    group: bool,
}

impl Marks {
    /// Nothing is shown, and points are decimal marks unless something is.
    pub const POINT: Self = Self {
        point: Shown { decimal: false, group: false },
        comma: Shown { decimal: false, group: false },
        point_is_usual: true,
    };

    /// Nothing is shown, and either mark may be the decimal mark.
    pub const UNKNOWN: Self = Self { point_is_usual: false, ..Self::POINT };

    /// Takes note of what a number shows, if the text is one.
    pub fn note(&mut self, text: &str) {
        let Some(Literal { mantissa, form: Form::Certain { decimal }, .. }) = Literal::of(text) else { return };
        for mark in [Mark::Point, Mark::Comma] {
            if mantissa.contains(mark.character()) {
                let shown = self.shown_mut(mark);
                *(if decimal == Some(mark) { &mut shown.decimal } else { &mut shown.group }) = true;
            }
        }
    }

    /// What a mark stands for that may be either: itself if it is a decimal mark, none if it groups thousands.
    fn reading(self, mark: Mark) -> Result<Option<Mark>, NumberError> {
        let (shown, other) = (self.shown(mark), self.shown(mark.other()));
        let usual = mark == Mark::Point && self.point_is_usual;
        match shown {
            Shown { decimal: true, group: false } if !other.decimal => Ok(Some(mark)),
            Shown { decimal: false, group: true } => Ok(None),
            Shown { decimal: false, group: false } if (other.group || usual) && !other.decimal => Ok(Some(mark)),
            _ => Err(NumberError::Ambiguous(mark)),
        }
    }

    fn shown(self, mark: Mark) -> Shown {
        match mark {
            Mark::Point => self.point,
            Mark::Comma => self.comma,
        }
    }

    fn shown_mut(&mut self, mark: Mark) -> &mut Shown {
        match mark {
            Mark::Point => &mut self.point,
            Mark::Comma => &mut self.comma,
        }
    }
}

/// The parts of a number.
struct Literal<'t> {
    negative: bool,
    mantissa: &'t str,
    exponent: i32,
    form: Form,
}

/// How marks are used in a mantissa.
enum Form {
    /// In a way that has one reading, with this decimal mark.
    Certain { decimal: Option<Mark> },
    /// A single mark may be a decimal mark or group thousands.
    Ambiguous(Mark),
}

impl<'t> Literal<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let text = text.trim();
        let (negative, text) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(inner) if !inner.starts_with('+') && !inner.starts_with(MINUS) && !inner.ends_with(MINUS) => {
                (true, inner.trim())
            }
            Some(_) => return None,
            None => match text.strip_prefix(MINUS) {
                Some(rest) => (true, rest.trim_start()),
                None => match (text.strip_prefix('+'), text.strip_suffix(MINUS)) {
                    (Some(rest), _) => (false, rest.trim_start()),
                    (None, Some(rest)) => (true, rest.trim_end()),
                    (None, None) => (false, text),
                },
            },
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(self::exponent(exponent)?)),
            None => (text, None),
        };
        let form = match Form::of(mantissa)? {
            Form::Ambiguous(mark) if exponent.is_some() => Form::Certain { decimal: Some(mark) },
            form => form,
        };
        Some(Self { negative, mantissa, exponent: exponent.unwrap_or(0), form })
    }
}

fn exponent(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = (1..=EXPONENT_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Hyphens, the figure dash, the en dash and the minus: what programs for text put in the place of one another.
const MINUS: [char; 8] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2212}', '\u{fe63}', '\u{ff0d}'];

/// Characters that group thousands and never begin a fraction.
const GROUPING: [char; 7] = ['\'', '\u{2019}', '_', ' ', '\u{a0}', '\u{2009}', '\u{202f}'];

impl Form {
    /// None if it is no mantissa.
    fn of(mantissa: &str) -> Option<Self> {
        let count = |mark: Mark| mantissa.matches(mark.character()).count();
        let (points, commas) = (count(Mark::Point), count(Mark::Comma));
        let last = || match mantissa.rfind(['.', ','])? {
            at if mantissa[at..].starts_with('.') => Some(Mark::Point),
            _ => Some(Mark::Comma),
        };
        let spaces = mantissa.chars().find(|character| GROUPING.contains(character));
        let (decimal, grouped_by) = match (points, commas, spaces) {
            (0, 0, spaces) => (None, spaces),
            (1, 0, spaces) => (Some(Mark::Point), spaces),
            (0, 1, spaces) => (Some(Mark::Comma), spaces),
            (_, _, Some(_)) => return None,
            (_, 0, None) => (None, Some('.')),
            (0, _, None) => (None, Some(',')),
            (_, _, None) => {
                let decimal = last()?;
                (Some(decimal), Some(decimal.other().character()))
            }
        };
        let (whole, fraction) = match decimal {
            Some(mark) => mantissa.rsplit_once(mark.character())?,
            None => (mantissa, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let whole_is_number = match grouped_by {
            Some(mark) => is_grouped(whole, mark),
            None => are_digits(whole),
        };
        if !whole_is_number || !are_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        match decimal {
            Some(mark) if grouped_by.is_none() && fraction.len() == 3 && is_first_group(whole) => {
                Some(Self::Ambiguous(mark))
            }
            decimal => Some(Self::Certain { decimal }),
        }
    }
}

/// Whether digits are in groups of three, and fewer in the first.
fn is_grouped(whole: &str, mark: char) -> bool {
    let mut groups = whole.split(mark);
    let first = groups.next().is_some_and(is_first_group);
    first && groups.all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_first_group(group: &str) -> bool {
    (1..=3).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit()) && !group.starts_with('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scaled(text: &str, places: u8) -> Option<(i128, bool)> {
        let scaled = Number::parse(text).ok()?.scaled(places, Rounding::Floor)?;
        Some((scaled.integer, scaled.exact))
    }

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (text, thousandths) in [
            ("0", 0),
            ("-0", 0),
            ("+1", 1_000),
            ("007", 7_000),
            (" 1.5 ", 1_500),
            (".5", 500),
            ("5.", 5_000),
            ("1e-3", 1),
            ("1.5E+3", 1_500_000),
            ("-2.5e0", -2_500),
            ("\u{2212}1", -1_000),
            ("\u{2012}1", -1_000),
            ("\u{2013} 1", -1_000),
            ("500-", -500_000),
            ("1,234.5 \u{2212}", -1_234_500),
            ("1.234E+05", 123_400_000),
            ("-1,234e2", -123_400),
            ("(1,234.5)", -1_234_500),
            ("1,234,567.89", 1_234_567_890),
            ("1.234.567,89", 1_234_567_890),
            ("1.234,5", 1_234_500),
            ("1'234.5", 1_234_500),
            ("1\u{2019}234\u{2019}567", 1_234_567_000),
            ("1 234,5", 1_234_500),
            ("1\u{a0}234\u{a0}567.25", 1_234_567_250),
            ("1_000_000", 1_000_000_000),
            ("1,234,567", 1_234_567_000),
            ("0,125", 125),
            ("12,5", 12_500),
            ("1234,567", 1_234_567),
            ("1.234", 1_234),
            ("424.440", 424_440),
        ] {
            assert_eq!(scaled(text, 3), Some((thousandths, true)), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_number() {
        for text in [
            "",
            "-",
            "+",
            ".",
            ",",
            "e3",
            "1e",
            "1e+",
            "1e99999",
            "--1",
            "+-1",
            "(-1)",
            "(\u{2013}1)",
            "(1-)",
            "-1-",
            "+1-",
            "1--",
            "1-2",
            "1e-",
            "\u{2014}1",
            "()",
            "(1",
            "1,23,456",
            "12,34.5",
            "1,2345,678",
            "1.2.3",
            "1 23",
            "1''234",
            "0,123,456",
            ",123,456",
            "1,234,",
            "1 234'567",
            "0x10",
            "1/2",
            "NaN",
            "inf",
            "1k",
            "1%",
            "$1",
            "1.5.",
            "1,234.567.8",
            "١",
            "1\n2",
        ] {
            assert_eq!(Number::parse(text).err(), Some(NumberError::Malformed), "{text}");
        }
    }

    #[test]
    fn rejects_numbers_that_can_be_read_in_two_ways() {
        let read = |text, shown: &[&str], mut marks: Marks| {
            shown.iter().for_each(|number| marks.note(number));
            Number::parse_among(text, marks).map(|number| number.scaled(3, Rounding::Floor).unwrap().integer)
        };
        let (comma, point) = (Err(NumberError::Ambiguous(Mark::Comma)), Err(NumberError::Ambiguous(Mark::Point)));
        for (text, shown, usual, unknown) in [
            ("1,234", &[][..], comma, comma),
            ("1,234", &["0.5"], comma, comma),
            ("1,234", &["0,5"], Ok(1_234), Ok(1_234)),
            ("1,234", &["1,234.5"], Ok(1_234_000), Ok(1_234_000)),
            ("1,234", &["1,234,567"], Ok(1_234_000), Ok(1_234_000)),
            ("1,234", &["1.234.567"], Ok(1_234), Ok(1_234)),
            ("1,234", &["0,5", "0.5"], comma, comma),
            ("1,234", &["1,234,567", "0,5"], comma, comma),
            ("1.234", &[], Ok(1_234), point),
            ("1.234", &["0.5"], Ok(1_234), Ok(1_234)),
            ("1.234", &["1.234E+05"], Ok(1_234), Ok(1_234)),
            ("1,234", &["1,234e5"], Ok(1_234), Ok(1_234)),
            ("1.234E+05", &[], Ok(123_400_000), Ok(123_400_000)),
            ("1.234", &["0,5"], point, point),
            ("1.234", &["1.234,5"], Ok(1_234_000), Ok(1_234_000)),
            ("1.234", &["1,234,567"], Ok(1_234), Ok(1_234)),
            ("1.234", &["0,5", "0.5"], point, point),
        ] {
            assert_eq!(read(text, shown, Marks::POINT), usual, "{text} {shown:?}");
            assert_eq!(read(text, shown, Marks::UNKNOWN), unknown, "{text} {shown:?}");
        }
        let problem = NumberError::Ambiguous(Mark::Comma).problem("amount").to_string();
        assert!(problem.ends_with("; write 1234 if thousands are meant, or 1.2340 if a fraction is"), "{problem}");
    }

    #[test]
    fn surplus_digits_are_rounded_as_told() {
        let rounded = |text: &str, rounding| Number::parse(text).unwrap().scaled(0, rounding).unwrap().integer;
        for (text, nearest, floor, ceiling) in [
            ("0.5", 0, 0, 1),
            ("1.5", 2, 1, 2),
            ("2.5", 2, 2, 3),
            ("2.500000000000000000000000000000000000000000000000001", 3, 2, 3),
            ("-0.5", 0, -1, 0),
            ("-1.5", -2, -2, -1),
            ("0.05", 0, 0, 1),
            ("-0.0000000001", 0, -1, 0),
            ("9.99", 10, 9, 10),
            ("7", 7, 7, 7),
            ("1e-4000", 0, 0, 1),
        ] {
            let rounded = [Rounding::Nearest, Rounding::Floor, Rounding::Ceiling].map(|rule| rounded(text, rule));
            assert_eq!(rounded, [nearest, floor, ceiling], "{text}");
        }
        assert_eq!(scaled("424.44000244140625", 8), Some((42_444_000_244, false)));
    }

    #[test]
    fn rejects_integers_of_more_than_38_digits() {
        let nines = "9".repeat(38);
        assert_eq!(scaled(&nines, 0), Some((10_i128.pow(38) - 1, true)));
        assert_eq!(scaled(&format!("-{nines}.1"), 0), Some((-10_i128.pow(38), false)));
        assert_eq!(scaled(&format!("1{nines}"), 0), None);
        assert_eq!(scaled("1e38", 0), None);
        assert_eq!(scaled("1e9999", 0), None);
        assert_eq!(scaled(&"9".repeat(1_000_000), 0), None);
        assert_eq!(scaled(&format!("0.{}1", "0".repeat(1_000_000)), 18), Some((0, false)));
    }

    #[test]
    fn products_are_exact() {
        let number = |text: &str| Number::parse(text).unwrap();
        for (a, b, product) in [
            ("12.5", "0.001", "0.0125"),
            ("-40", "25", "-1000"),
            ("0", "5", "0"),
            ("-0.3", "-0.3", "0.09"),
            ("99999999999999999999999999999999999999", "9e-9", "899999999999999999999999999999.999999991"),
        ] {
            assert!(number(a).times(&number(b)) == Some(number(product)), "{a} {b}");
        }
        assert!(number(&"9".repeat(39)).times(&number("1")).is_none());
    }

    proptest! {
        /// Whatever the text: an answer, and the same one with the sign turned around.
        #[test]
        fn any_text_is_read_or_refused(text in "[-+(]?[0-9.,' _]{0,12}(e-?[0-9]{1,3})?[-)]?", places in 0_u8..=18) {
            if let Ok(number) = Number::parse(&text) {
                let floor = number.scaled(places, Rounding::Floor).map(|scaled| scaled.integer);
                let ceiling = number.clone().negated().scaled(places, Rounding::Ceiling).map(|scaled| -scaled.integer);
                prop_assert_eq!(floor, ceiling);
            }
        }

        /// A number is read the same in every grouping and with every decimal mark.
        #[test]
        fn groups_and_marks_do_not_change_a_number(whole in 1_000_000_u64.., cents in 0_u8..100) {
            let digits = whole.to_string();
            let grouped = |mark: &str| {
                let bytes = digits.as_bytes();
                let groups: Vec<_> = bytes.rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
                groups.join(mark)
            };
            let plain = scaled(&format!("{whole}.{cents:02}"), 2);
            prop_assert_eq!(plain, Some((i128::from(whole) * 100 + i128::from(cents), true)));
            for (group, decimal) in [(",", "."), (".", ","), ("'", "."), (" ", ","), ("", ","), ("_", ".")] {
                prop_assert_eq!(scaled(&format!("{}{decimal}{cents:02}", grouped(group)), 2), plain);
            }
        }
    }
}
