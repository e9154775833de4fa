//! Days of the calendar, as `2020-03-12` writes them.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    text::number::{Number, Rounding},
    units::Timestamp,
};

/// Seconds of a day.
const SECONDS: u64 = 86_400;

/// A day of the Gregorian calendar between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// The [number](Self::number) of 1970-01-01, from which times are counted.
    pub const EPOCH: u32 = 719_162;

    /// A day; none if the calendar has no such.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let new = Self { year, month, day };
        let exists = (1..=9999).contains(&year) && (1..=12).contains(&month) && (1..=new.month_length()).contains(&day);
        exists.then_some(new)
    }

    /// Reads `YYYY-MM-DD`; none if it is written otherwise or is no day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let dashes = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let digits = bytes.iter().enumerate().all(|(i, byte)| i == 4 || i == 7 || byte.is_ascii_digit());
        if !dashes || !digits {
            return None;
        }
        Self::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// How many days lie between the first day of the year 1 and this one.
    #[must_use]
    pub fn number(self) -> u32 {
        let years = u32::from(self.year) - 1;
        let leap_days = years / 4 - years / 100 + years / 400;
        let months = (1..self.month).map(|month| u32::from(Self { month, ..self }.month_length())).sum::<u32>();
        365 * years + leap_days + months + u32::from(self.day) - 1
    }

    /// The first second after it; that of the first day of 1970 for days before.
    #[must_use]
    pub fn end(self) -> Timestamp {
        Timestamp(u64::from((self.number() + 1).saturating_sub(Self::EPOCH)) * SECONDS)
    }

    /// The day with this [number](Self::number); none beyond the year 9999.
    #[must_use]
    pub fn numbered(number: u32) -> Option<Self> {
        let first = |year: u16| Self { year, month: 1, day: 1 };
        // Of as many years of 365 days, too late by no more than the leap days; 9999 has 2,424 of them, or seven years.
        let latest = u16::try_from(number / 365 + 1).ok().filter(|year| *year < 10_010)?;
        let year = (latest.saturating_sub(7).max(1)..=latest).rev().find(|year| first(*year).number() <= number)?;
        let mut day = first(year);
        let mut rest = number - day.number();
        while rest >= u32::from(day.month_length()) {
            rest -= u32::from(day.month_length());
            day.month += 1;
        }
        day.day += u8::try_from(rest).ok()?;
        (year <= 9999).then_some(day)
    }

    fn month_length(self) -> u8 {
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400)) => 29,
            2 => 28,
            _ => 31,
        }
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("expected a day like 2020-03-12, found {text:?}"))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A day as a table writes it: with or without a time of day, which does not count; as a date, in the local time of
/// whoever wrote it, or as seconds, milliseconds, microseconds or nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// This day.
    Day(Day),
    /// A day and a month, or a month and a day: which is which, other rows may show.
    Either {
        /// What stands first.
        first: u8,
        /// What stands second.
        second: u8,
        /// The year.
        year: u16,
    },
}

/// What stands first in dates like `03/04/2020`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As in the United States.
    MonthFirst,
    /// As nearly everywhere else.
    DayFirst,
}

impl Written {
    /// Reads a day; none if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        // Numbers of eight digits are dates: as seconds they would lie in 1970.
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Day::new(text[..4].parse().ok()?, text[4..6].parse().ok()?, text[6..].parse().ok()?).map(Self::Day);
        }
        if text.len() > 8
            && let Ok(number) = Number::parse(text)
        {
            return since_1970(&number).map(Self::Day);
        }
        Self::date(without_time(text)?)
    }

    /// The day, if it is clear which.
    #[must_use]
    pub fn day(self, order: Option<Order>) -> Option<Day> {
        match (self, order) {
            (Self::Day(day), _) => Some(day),
            (Self::Either { first, second, year }, Some(Order::MonthFirst)) => Day::new(year, first, second),
            (Self::Either { first, second, year }, Some(Order::DayFirst)) => Day::new(year, second, first),
            // The third of March is that either way.
            (Self::Either { first, second, year }, None) => Day::new(year, first, second).filter(|_| first == second),
        }
    }

    /// What the date shows of the order, if anything.
    #[must_use]
    pub fn order(self) -> Option<Order> {
        match self {
            Self::Either { first: 13.., .. } => Some(Order::DayFirst),
            Self::Either { second: 13.., .. } => Some(Order::MonthFirst),
            _ => None,
        }
    }

    fn date(text: &str) -> Option<Self> {
        let is_mark = |character: char| matches!(character, '-' | '/' | '.' | ' ' | ',');
        let mut parts = text.split(is_mark).filter(|part| !part.is_empty());
        let parts = [parts.next()?, parts.next()?, parts.next().filter(|_| parts.next().is_none())?];
        let number = |part: &str| part.parse::<u8>().ok().filter(|_| part.len() <= 2 && !part.starts_with('+'));
        let year = |part: &str| part.parse::<u16>().ok().filter(|_| part.len() == 4 && !part.starts_with('+'));
        let day = |year, month, day| Day::new(year?, month?, day?).map(Self::Day);
        let [first, second, third] = parts;
        match (month_named(first), month_named(second), year(first)) {
            (Some(month), _, _) => day(year(third), Some(month), number(second)),
            (_, Some(month), Some(year)) => day(Some(year), Some(month), number(third)),
            (_, Some(month), None) => day(year(third), Some(month), number(first)),
            (_, _, Some(year)) => day(Some(year), number(second), number(third)),
            // Whoever writes points writes the day first.
            _ if text.contains('.') => day(year(third), number(second), number(first)),
            _ => Some(Self::Either { first: number(first)?, second: number(second)?, year: year(third)? }),
        }
    }
}

/// The date in front of a time of day with or without offset.
fn without_time(text: &str) -> Option<&str> {
    let Some(colon) = text.find(':') else { return Some(text) };
    let digits = text[..colon].bytes().rev().take_while(u8::is_ascii_digit).count();
    let (date, time) = text.split_at(colon - digits);
    let of_time = |byte: u8| byte.is_ascii_digit() || b":.,+- ZzUTCGMAPamp".contains(&byte);
    let is_time = (1..=2).contains(&digits) && time.bytes().all(of_time);
    let date = date.strip_suffix(['T', 't', ' '])?;
    is_time.then(|| date.trim_end_matches([' ', ',']))
}

/// A month by its English name or the first three letters of it.
fn month_named(text: &str) -> Option<u8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| *month == text || (text.len() == 3 && month.starts_with(&text)))?;
    u8::try_from(place + 1).ok()
}

/// The day that a number of seconds since 1970 lies in, or of thousandths of them: of whichever lies between 1973 and
/// 2286.
fn since_1970(number: &Number) -> Option<Day> {
    let seconds = number.scaled(0, Rounding::Floor)?.integer;
    let unit = [1, 1_000, 1_000_000, 1_000_000_000_i128];
    let unit = unit.into_iter().find(|unit| (100_000_000 * unit..10_000_000_000 * unit).contains(&seconds))?;
    Day::numbered(Day::EPOCH + u32::try_from(seconds / unit / i128::from(SECONDS)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbered_through() {
        let number = |text| Day::parse(text).unwrap().number();
        assert_eq!(number("0001-01-01"), 0);
        assert_eq!(number("1970-01-01"), 719_162);
        for (before, after) in
            [("2020-02-28", "2020-02-29"), ("2020-02-29", "2020-03-01"), ("2018-12-31", "2019-01-01")]
        {
            assert_eq!(number(before) + 1, number(after));
        }
        assert_eq!(Day::parse("2020-03-12").unwrap().to_string(), "2020-03-12");
    }

    #[test]
    fn numbers_are_those_of_days() {
        let last = Day::parse("9999-12-31").unwrap();
        for number in (0..=last.number()).step_by(13).chain(730_000..731_500).chain([0, 364, 365, last.number()]) {
            let day = Day::numbered(number).unwrap();
            assert_eq!(day.number(), number, "{day}");
            assert_eq!(Day::parse(&day.to_string()), Some(day));
        }
        assert_eq!(Day::numbered(last.number()), Some(last));
        assert_eq!(Day::numbered(last.number() + 1), None);
        assert_eq!(Day::numbered(u32::MAX), None);
    }

    #[test]
    fn rejects_what_is_no_day() {
        for text in [
            "2019-02-29",
            "1900-02-29",
            "2020-13-01",
            "2020-00-10",
            "2020-04-31",
            "2020-4-3",
            "20200403",
            "0000-01-01",
            "2020-01-0é",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    #[test]
    fn days_are_read_however_they_are_written() {
        for text in [
            "2020-03-12",
            "2020-3-12",
            "2020/03/12",
            "20200312",
            "12.03.2020",
            "12.3.2020",
            "12-Mar-2020",
            "12 March 2020",
            "Mar 12, 2020",
            "2020-Mar-12",
            "2020-03-12T23:59:59Z",
            "2020-03-12T23:59:59.999-05:00",
            "2020-03-12 00:00:00 UTC",
            "2020-03-12 00:00:00+00:00",
            "2020-03-12 9:30 AM",
            "1583971200",
            "1584057599",
            "1583971200.0",
            "1583971200000",
            "1583971200000000",
            "1583971200000000000",
            "1.5839712e12",
        ] {
            assert_eq!(Written::parse(text).and_then(|written| written.day(None)), Day::new(2020, 3, 12), "{text}");
        }
        let either = Written::parse("03/12/2020 16:00").unwrap();
        assert_eq!((either.order(), either.day(None)), (None, None));
        assert_eq!(either.day(Some(Order::MonthFirst)), Day::new(2020, 3, 12));
        assert_eq!(either.day(Some(Order::DayFirst)), Day::new(2020, 12, 3));
        assert_eq!(Written::parse("13/12/2020").unwrap().order(), Some(Order::DayFirst));
        assert_eq!(Written::parse("12-13-2020").unwrap().order(), Some(Order::MonthFirst));
        assert_eq!(Written::parse("03/03/2020").unwrap().day(None), Day::new(2020, 3, 3));
    }

    #[test]
    fn rejects_what_is_no_written_day() {
        for text in [
            "",
            "-",
            "date",
            "2020",
            "2020-03",
            "12/03/20",
            "2020-03-12-01",
            "2020-02-30",
            "20200230",
            "2020-03-12x",
            "2020-03-12 x:00",
            "12345",
            "99999999999999999999999",
            "-1583971200",
            "1e9999",
            "Foo 12, 2020",
            "2020-+3-12",
            "20:00",
            "é.é.é",
            "2020-03-1\u{663}",
        ] {
            assert_eq!(Written::parse(text), None, "{text}");
        }
    }
}
