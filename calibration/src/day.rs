//! Days of the calendar, as `2020-03-12` writes them.

use core::fmt;

/// A day of the Gregorian calendar between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    year: u16,
    month: u8,
    day: u8,
}

impl Day {
    /// Reads `YYYY-MM-DD`; none if it is written otherwise or is no day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let dashes = bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-';
        let digits = bytes.iter().enumerate().all(|(i, byte)| i == 4 || i == 7 || byte.is_ascii_digit());
        if !dashes || !digits {
            return None;
        }
        let day = Self { year: text[..4].parse().ok()?, month: text[5..7].parse().ok()?, day: text[8..].parse().ok()? };
        let exists = day.year >= 1 && (1..=12).contains(&day.month) && (1..=day.month_length()).contains(&day.day);
        exists.then_some(day)
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

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
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
}
