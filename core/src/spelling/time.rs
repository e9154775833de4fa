//! Points in time.

use super::Rest;
use crate::{day::Day, units::Timestamp};

/// The last second of the year 9999. A larger number counts something smaller than seconds.
const LAST: u64 = 253_402_300_799;

/// The first number of milliseconds that nobody reads as such: the end of the year 5138.
const MILLISECONDS_END: u64 = 100_000_000_000_000;

/// Numbers that are seconds of the year 1970 and, to the eye, dates from 1970 to 2099.
const LOOKS_LIKE_A_DATE: core::ops::RangeInclusive<u64> = 19_700_101..=20_991_231;

/// Reads a time: ISO 8601 with or without an offset from UTC, UTC if without; a date, which is its midnight UTC; or a
/// number as [`instant`] does. Fractions of a second are cut off.
///
/// # Errors
/// If it is none of them, or before 1970.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let trimmed = text.trim();
    let whole = trimmed.split_once('.').map_or(trimmed, |(whole, fraction)| {
        if fraction.bytes().all(|c| c.is_ascii_digit()) { whole } else { trimmed }
    });
    if !whole.is_empty() && whole.bytes().all(|c| c.is_ascii_digit()) {
        return whole.parse().map_err(|_| expected(text)).and_then(instant);
    }
    let mut rest = Rest(trimmed);
    let seconds = date_and_time(&mut rest).filter(|_| rest.0.is_empty()).ok_or_else(|| expected(text))?;
    let seconds = u64::try_from(seconds).map_err(|_| format!("expected a time from 1970 on, found {text:?}"))?;
    // Whatever is read is written as a number, and read again.
    instant(seconds)
}

/// The time of a number: seconds since 1970, or milliseconds if they would be seconds after the year 9999.
///
/// # Errors
/// If it is neither, or looks like a date without signs between its parts.
pub fn instant(number: u64) -> Result<Timestamp, String> {
    match number {
        date if LOOKS_LIKE_A_DATE.contains(&date) && civil(date / 10_000, date / 100 % 100, date % 100).is_some() => {
            let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
            Err(format!(
                "expected {year}-{month:02}-{day:02} for a date, or seconds since 1970 after that year, found {date}"
            ))
        }
        seconds @ 0..=LAST => Ok(Timestamp(seconds)),
        milliseconds if milliseconds < MILLISECONDS_END => Ok(Timestamp(milliseconds / 1_000)),
        other => {
            Err(format!("expected seconds or milliseconds since 1970, found {other}, which is finer or far too late"))
        }
    }
}

/// Writes a time in ISO 8601, in UTC: `2026-11-21T08:00:00Z`. A second that the calendar does not reach is written as
/// its number.
#[must_use]
pub fn iso_time(Timestamp(seconds): Timestamp) -> String {
    const DAY: u64 = 86_400;
    let day = u32::try_from(seconds / DAY + u64::from(Day::EPOCH)).ok().and_then(Day::numbered);
    let Some(day) = day else { return format!("second {seconds}") };
    let second = seconds % DAY;
    format!("{day}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

fn expected(text: &str) -> String {
    format!(
        "expected a time such as 2026-11-21T08:00:00Z or 2026-11-21T09:00:00+01:00, a date such as 2026-11-21, or \
         seconds since 1970, found {text:?}"
    )
}

/// Seconds since 1970, negative before.
fn date_and_time(rest: &mut Rest<'_>) -> Option<i64> {
    let year = rest.number(4)?;
    let sign = rest.one_of(&['-', '/']);
    let month = rest.number(2)?;
    if let Some(sign) = sign {
        rest.one_of(&[sign])?;
    }
    let days = civil(year, month, rest.number(2)?)?;
    let midnight = days * 86_400;
    if rest.0.is_empty() {
        return Some(midnight);
    }
    rest.one_of(&['T', 't', ' ', '_'])?;
    rest.spaces();
    Some(midnight + time_of_day(rest)? - offset(rest)?)
}

/// Days since 1970 of a day that exists.
fn civil(year: u64, month: u64, day: u64) -> Option<i64> {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month = usize::try_from(month).ok()?.checked_sub(1)?;
    if day == 0 || day > *lengths.get(month)? {
        return None;
    }
    let before: u64 = lengths[..month].iter().sum();
    // Leap days of all years before, the year 0 among them.
    let leap_days = |year: u64| if year == 0 { 0 } else { (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1 };
    let since_year_0 = |year: u64| year * 365 + leap_days(year);
    i64::try_from(since_year_0(year) + before + day - 1).ok()?.checked_sub_unsigned(since_year_0(1970))
}

/// Seconds since midnight: hours and minutes, and perhaps seconds and a fraction of one.
fn time_of_day(rest: &mut Rest<'_>) -> Option<i64> {
    let hour = rest.number(2)?;
    let colon = rest.one_of(&[':']).is_some();
    let minute = rest.number(2)?;
    let has_second =
        if colon { rest.one_of(&[':']).is_some() } else { rest.0.starts_with(|c: char| c.is_ascii_digit()) };
    let second = if has_second { rest.number(2)? } else { 0 };
    if has_second && rest.one_of(&['.', ',']).is_some() && rest.digits().is_empty() {
        return None;
    }
    // The end of a day is the midnight of the next; a leap second has the number of the second after it.
    let end_of_day = hour == 24 && minute == 0 && second == 0;
    let exists = end_of_day || (hour < 24 && minute < 60 && (second < 60 || (minute == 59 && second == 60)));
    exists.then(|| i64::try_from(hour * 3_600 + minute * 60 + second).ok())?
}

/// Seconds that a clock is before UTC.
fn offset(rest: &mut Rest<'_>) -> Option<i64> {
    rest.spaces();
    for name in ["Z", "z", "UTC", "utc", "GMT"] {
        if let Some(after) = rest.0.strip_prefix(name) {
            rest.0 = after;
            return Some(0);
        }
    }
    let Some(sign) = rest.one_of(&['+', '-', '−']) else {
        return Some(0);
    };
    let hours = rest.number(2)?;
    let minutes = match (rest.one_of(&[':']), rest.0.is_empty()) {
        (None, true) => 0,
        _ => rest.number(2)?,
    };
    let seconds = (hours < 24 && minutes < 60).then(|| i64::try_from(hours * 3_600 + minutes * 60).ok())??;
    Some(if sign == '+' { seconds } else { -seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT: u64 = 1_795_248_000;

    #[test]
    fn a_written_time_is_read_again() {
        assert_eq!(iso_time(Timestamp(EIGHT)), "2026-11-21T08:00:00Z");
        for seconds in [0, 86_399, 951_782_400, EIGHT + 61, LAST] {
            assert_eq!(time(&iso_time(Timestamp(seconds))), Ok(Timestamp(seconds)));
        }
        assert_eq!(iso_time(Timestamp(LAST + 1)), format!("second {}", LAST + 1));
        assert_eq!(iso_time(Timestamp(u64::MAX)), format!("second {}", u64::MAX));
    }

    #[test]
    fn every_spelling_of_a_time_is_read() {
        for text in [
            "2026-11-21T08:00:00Z",
            "2026-11-21t08:00:00z",
            "2026-11-21T08:00:00",
            "2026-11-21 08:00:00",
            "2026-11-21 08:00",
            "2026-11-21T08:00Z",
            "2026-11-21 08:00:00 UTC",
            "2026-11-21T09:00:00+01:00",
            "2026-11-21T09:00+0100",
            "2026-11-21 09:00:00 +01:00",
            "2026-11-21T02:30:00-05:30",
            "2026-11-20T23:00:00-09",
            "2026-11-22T00:00:00+16:00",
            "2026-11-21T08:00:00.999Z",
            "2026-11-21T08:00:00,5Z",
            "2026-11-21T08:00:00.123456789+00:00",
            "20261121T080000Z",
            "2026/11/21 08:00",
            "  2026-11-21T08:00:00Z ",
            "1795248000",
            "1795248000.75",
            "1795248000123",
        ] {
            assert_eq!(time(text), Ok(Timestamp(EIGHT)), "{text}");
        }
        assert_eq!(time("2026-11-21"), Ok(Timestamp(EIGHT - 8 * 3_600)));
        assert_eq!(time("2026-11-20T24:00"), time("2026-11-21"));
        assert_eq!(time("1970-01-01"), Ok(Timestamp(0)));
        assert_eq!(time("2000-03-01"), Ok(Timestamp(951_868_800)));
        assert_eq!(time("2024-02-29"), Ok(Timestamp(1_709_164_800)));
        assert_eq!(time("2016-12-31T23:59:60Z"), Ok(Timestamp(1_483_228_800)));
        assert_eq!(time("9999-12-31T23:59:59Z"), Ok(Timestamp(LAST)));
        assert_eq!(time("0"), Ok(Timestamp(0)));
        assert_eq!(time("253402300799"), Ok(Timestamp(LAST)), "a time that never comes is no number of milliseconds");
    }

    #[test]
    fn rejects_times_that_do_not_exist_or_have_two_meanings() {
        for text in [
            "",
            "today",
            "2026-02-29",
            "2100-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-11-31",
            "2026-11-00",
            "2026-11-21T25:00:00Z",
            "2026-11-21T24:00:01Z",
            "2026-11-21T08:60:00Z",
            "2026-11-21T08:00:61Z",
            "2026-11-21T08:00:00+24:00",
            "2026-11-21T08:00:00+1",
            "2026-11-21T",
            "2026-11-21T08",
            "2026-11-21T08:00:00.Z",
            "2026-11-21T08:00:00Z!",
            "2026-11/21",
            "21.11.2026",
            "11/21/2026",
            "1969-12-31",
            "1970-01-01T00:00:00+01:00",
            "-1",
            "1e9",
            "20261121",
            "1970-08-23T12:05:21Z",
            "1795248000000000",
            "99999999999999999999999",
            "2026-11-2é",
        ] {
            let error = time(text).unwrap_err();
            assert!(error.starts_with("expected ") && error.contains(", found "), "{text}: {error}");
        }
        assert!(time("20261121").unwrap_err().contains("expected 2026-11-21 for a date"));
    }
}
