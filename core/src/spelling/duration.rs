//! Durations.

use super::Rest;
use crate::units::Seconds;

/// Milliseconds of each unit. Months and years have no fixed length; `M` is a month to some and a minute to others.
const UNITS: [(&[&str], u128); 6] = [
    (&["ms", "millisecond", "milliseconds"], 1),
    (&["s", "S", "sec", "secs", "second", "seconds"], 1_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000),
    (&["h", "H", "hr", "hrs", "hour", "hours"], 3_600_000),
    (&["d", "D", "day", "days"], 86_400_000),
    (&["w", "W", "week", "weeks"], 604_800_000),
];

/// Digits behind the point of a number of a unit.
const PLACES: usize = 9;

/// Reads a duration: numbers with their units such as `1h 30m`, ISO 8601 such as `PT1H30M`, or seconds.
///
/// # Errors
/// If it is none of them, or no whole number of seconds.
pub fn duration(text: &str) -> Result<Seconds, String> {
    let expected = || format!("expected a duration such as 90s, 15m, 24h, 7d, 1h 30m or PT1H, found {text:?}");
    let milliseconds = milliseconds(text).ok_or_else(expected)?;
    if !milliseconds.is_multiple_of(1_000) {
        return Err(format!("expected a whole number of seconds, found {text:?}"));
    }
    u64::try_from(milliseconds / 1_000).map(Seconds).map_err(|_| expected())
}

/// Reads a duration as [`duration`] does and rounds it up to whole seconds; none if it is none.
pub fn whole_duration(text: &str) -> Option<Seconds> {
    u64::try_from(milliseconds(text)?.div_ceil(1_000)).ok().map(Seconds)
}

fn milliseconds(text: &str) -> Option<u128> {
    let trimmed = text.trim();
    match trimmed.strip_prefix(['P', 'p']) {
        Some(iso) => of_iso(iso),
        None if !trimmed.is_empty() && trimmed.bytes().all(|c| c.is_ascii_digit()) => {
            trimmed.parse().ok().and_then(|seconds: u128| seconds.checked_mul(1_000))
        }
        None => of_units(trimmed),
    }
}

/// `1h 30m`: each unit once.
fn of_units(text: &str) -> Option<u128> {
    let mut rest = Rest(text);
    let mut seen = Vec::new();
    let mut sum = 0_u128;
    loop {
        let number = number(&mut rest)?;
        rest.spaces();
        let end = rest.0.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.0.len());
        let (name, after) = rest.0.split_at(end);
        let (_, unit) = UNITS.into_iter().find(|(names, _)| names.contains(&name))?;
        if seen.contains(&unit) {
            return None;
        }
        seen.push(unit);
        sum = sum.checked_add(amount(number, unit)?)?;
        rest.0 = after;
        rest.spaces();
        if rest.0.is_empty() {
            return Some(sum);
        }
    }
}

/// What follows the `P` of ISO 8601: weeks and days, and behind a `T` hours, minutes and seconds, in this order.
fn of_iso(text: &str) -> Option<u128> {
    let (date, time) = text.split_once(['T', 't']).map_or((text, None), |(date, time)| (date, Some(time)));
    if time.is_some_and(str::is_empty) || (date.is_empty() && time.is_none()) {
        return None;
    }
    let date = designated(date, &[('W', 604_800_000), ('D', 86_400_000)])?;
    date.checked_add(designated(time.unwrap_or(""), &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?)
}

fn designated(text: &str, mut units: &[(char, u128)]) -> Option<u128> {
    let mut rest = Rest(text);
    let mut sum = 0_u128;
    while !rest.0.is_empty() {
        let number = number(&mut rest)?;
        let designator = rest.0.chars().next()?.to_ascii_uppercase();
        rest.0 = rest.0.get(1..)?;
        let place = units.iter().position(|(unit, _)| *unit == designator)?;
        sum = sum.checked_add(amount(number, units[place].1)?)?;
        units = &units[place + 1..];
    }
    Some(sum)
}

/// A number in billionths.
fn number(rest: &mut Rest<'_>) -> Option<u128> {
    let whole = rest.digits();
    let fraction = if rest.one_of(&['.', ',']).is_some() { Some(rest.digits()) } else { None };
    if whole.is_empty() || fraction.is_some_and(|fraction| fraction.is_empty() || fraction.len() > PLACES) {
        return None;
    }
    format!("{whole}{:0<PLACES$}", fraction.unwrap_or("")).parse().ok()
}

/// A number of billionths of a unit, if it is a whole number of milliseconds.
fn amount(billionths: u128, unit: u128) -> Option<u128> {
    let amount = billionths.checked_mul(unit)?;
    amount.is_multiple_of(1_000_000_000).then_some(amount / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_duration_is_read() {
        for (text, seconds) in [
            ("0", 0),
            ("3600", 3_600),
            ("90s", 90),
            ("15m", 900),
            ("15 min", 900),
            ("1h", 3_600),
            ("24 hours", 86_400),
            ("7d", 604_800),
            ("2W", 1_209_600),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("1 h 30 min 5 s", 5_405),
            ("1.5h", 5_400),
            ("0,5 d", 43_200),
            ("30000ms", 30),
            ("PT1H", 3_600),
            ("pt1h30m", 5_400),
            ("PT0.5H", 1_800),
            ("P7D", 604_800),
            ("P1W", 604_800),
            ("P1DT12H", 129_600),
            ("PT3600S", 3_600),
            (" 1h ", 3_600),
        ] {
            assert_eq!(duration(text), Ok(Seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn rejects_durations_without_one_meaning() {
        for text in [
            "",
            "h",
            "1x",
            "1M",
            "1mo",
            "1y",
            "P1M",
            "P1Y",
            "P",
            "PT",
            "P1DT",
            "PT1M1H",
            "PT1D",
            "-1h",
            "1h 1h",
            "1h-",
            "1e3s",
            "100ms",
            "0.1s",
            "1.s",
            ".5h",
            "1:30:00",
            "PT1.0005S",
            "1h é",
            "99999999999999999999d",
            "PT1é",
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.starts_with("expected ") && error.contains(", found "), "{text}: {error}");
        }
        assert_eq!(duration("1500ms").unwrap_err(), "expected a whole number of seconds, found \"1500ms\"");
    }
}
