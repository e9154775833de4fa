//! Fractions, as percentages.

use super::number::plain;
use crate::units::{Percent, Ppm};

/// What a percentage may be followed by, and how many places its point moves to count parts per million.
const SIGNS: [(&str, u32); 4] = [("%", 4), ("ppm", 0), ("bps", 2), ("bp", 2)];

/// The same, to count ones: the places that the point moves to the left.
const PLACES_OF_ONE: u32 = 6;

/// Most digits behind the point that are told from nothing.
const FINEST: usize = 18;

/// Reads a fraction with its sign: `1.25 %`, `125 bp` or `12500 ppm`, in parts per million.
///
/// # Errors
/// If it is none of them, or finer than one part per million: then the nearest ones are named.
pub fn fraction(text: &str) -> Result<i64, String> {
    let expected = || format!("expected a percentage such as \"1.25 %\" or a whole number of ppm, found {text:?}");
    let (number, places) = split(text).ok_or_else(expected)?;
    let parts = Parts::read(number, places).ok_or_else(expected)?;
    if !parts.exact {
        let (lower, upper) = (parts.below(), parts.below() + 1);
        return Err(format!(
            "expected a whole number of ppm: {} or {}, found {text:?}",
            Percent(lower.into()),
            Percent(upper.into())
        ));
    }
    Ok(parts.below())
}

/// Reads a fraction from zero up, in parts per million.
///
/// # Errors
/// As [`fraction`], and if it is negative or too large.
pub fn share(text: &str) -> Result<u32, String> {
    let parts = fraction(text)?;
    u32::try_from(parts).map_err(|_| format!("expected from 0 % to {}, found {text:?}", Percent(u32::MAX.into())))
}

/// The decimal number of a text that is one, or of a percentage: `0.0125` for `1.25 %`.
///
/// # Errors
/// If it is neither.
pub fn decimal(text: &str) -> Result<String, String> {
    let expected =
        || format!("expected a decimal number such as \"0.0125\" or a percentage such as \"1.25 %\", found {text:?}");
    let (number, left) = match split(text) {
        Some((number, places)) => (number, PLACES_OF_ONE - places),
        None => (text.trim(), 0),
    };
    let (negative, whole, fraction) = plain(number).ok_or_else(expected)?;
    let left = left as usize;
    let digits = format!("{:0>width$}", whole, width = left + 1);
    let (whole, moved) = digits.split_at(digits.len() - left);
    let fraction = format!("{moved}{fraction}");
    let fraction = if left == 0 { &*fraction } else { fraction.trim_end_matches('0') };
    let (sign, point) = (if negative { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Ok(format!("{sign}{whole}{point}{fraction}"))
}

/// Reads a multiple from zero up: `1.5`, `1.5x` or `150 %`, in parts per million.
///
/// # Errors
/// If it is none of them, finer than one part per million, or too large.
pub fn multiple(text: &str) -> Result<Ppm, String> {
    let expected = || format!("expected a multiple such as \"1.5\" with at most six decimal places, found {text:?}");
    let number = decimal(text.trim().trim_end_matches(['x', '×'])).map_err(|_| expected())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let fraction = fraction.trim_end_matches('0');
    let fits = fraction.len() <= PLACES_OF_ONE as usize;
    let parts = format!("{whole}{fraction:0<width$}", width = PLACES_OF_ONE as usize);
    fits.then(|| parts.parse().ok()).flatten().map(Ppm).ok_or_else(expected)
}

/// The number before a sign, and the places of the sign.
fn split(text: &str) -> Option<(&str, u32)> {
    let text = text.trim();
    let (sign, places) = SIGNS.into_iter().find(|(sign, _)| text.ends_with(sign))?;
    Some((text.strip_suffix(sign)?.trim_end(), places))
}

/// Parts per million.
struct Parts {
    negative: bool,
    whole: i64,
    exact: bool,
}

impl Parts {
    fn read(number: &str, places: u32) -> Option<Self> {
        let (negative, whole, fraction) = plain(number)?;
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > FINEST {
            return None;
        }
        let places = places as usize;
        let (counted, finer) = fraction.split_at(fraction.len().min(places));
        let whole = format!("{whole}{counted:0<places$}").parse::<u32>().ok()?;
        Some(Self { negative, whole: whole.into(), exact: finer.is_empty() })
    }

    /// The number of parts, or the next one below.
    fn below(&self) -> i64 {
        match (self.negative, self.exact) {
            (false, _) => self.whole,
            (true, true) => -self.whole,
            (true, false) => -self.whole - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_fraction_is_read() {
        for (text, parts) in [
            ("1.25 %", 12_500),
            ("1.25%", 12_500),
            ("-15 %", -150_000),
            ("+15%", 150_000),
            ("0.5 %", 5_000),
            ("0.50000000 %", 5_000),
            ("97.5%", 975_000),
            ("100 %", 1_000_000),
            ("1_000 %", 10_000_000),
            ("0.0001 %", 1),
            ("0 %", 0),
            ("-0 %", 0),
            ("12500 ppm", 12_500),
            ("1_000_000ppm", 1_000_000),
            ("125 bp", 12_500),
            ("0.01bps", 1),
            (" 5 % ", 50_000),
        ] {
            assert_eq!(fraction(text), Ok(parts), "{text}");
        }
        assert_eq!(share("429496.7295 %"), Ok(u32::MAX));
        assert_eq!(fraction("-429496.7295 %"), Ok(-i64::from(u32::MAX)));
    }

    #[test]
    fn rejects_fractions_finer_than_a_part_per_million() {
        let error = |text| fraction(text).unwrap_err();
        assert_eq!(error("0.00125 %"), "expected a whole number of ppm: 0.0012 % or 0.0013 %, found \"0.00125 %\"");
        assert_eq!(error("-0.00125 %"), "expected a whole number of ppm: -0.0013 % or -0.0012 %, found \"-0.00125 %\"");
        assert_eq!(error("0.5 ppm"), "expected a whole number of ppm: 0 % or 0.0001 %, found \"0.5 ppm\"");
    }

    #[test]
    fn rejects_what_is_no_fraction() {
        // A number alone may be ppm, percent or ones.
        for text in
            ["", "%", "1.25", "0.0125", "12500", "1,25 %", "1e2 %", ".5 %", "5. %", "--1 %", "% 5", "5 %%", "ten %"]
        {
            assert!(fraction(text).is_err(), "{text}");
        }
        assert!(fraction("500000 %").is_err());
        assert_eq!(share("-1 %").unwrap_err(), "expected from 0 % to 429496.7295 %, found \"-1 %\"");
    }

    #[test]
    fn percentages_are_decimal_numbers() {
        for (text, number) in [
            ("1.25 %", "0.0125"),
            ("100%", "1"),
            ("-15 %", "-0.15"),
            ("0.000000000001 %", "0.00000000000001"),
            ("12500 ppm", "0.0125"),
            ("125 bp", "0.0125"),
            ("250 %", "2.5"),
            ("0.0125", "0.0125"),
            ("1_000.5", "1000.5"),
            ("2.50", "2.50"),
            ("-0.1", "-0.1"),
            ("007", "7"),
        ] {
            assert_eq!(decimal(text).as_deref(), Ok(number), "{text}");
        }
        for text in ["", "x", "1,5", "1e3", ".5", "5.", "0x1", "1 000"] {
            assert!(decimal(text).is_err(), "{text}");
        }
    }

    #[test]
    fn parts_per_million_print_as_percentages() {
        let printed = |parts| Percent(parts).to_string();
        assert_eq!(
            [0, 1, 12_500, -150_000, 1_000_000, 970_000].map(printed),
            ["0 %", "0.0001 %", "1.25 %", "-15 %", "100 %", "97 %"]
        );
        for parts in [0, 1, 12_500, -150_000, 1_000_000] {
            assert_eq!(fraction(&Percent(parts).to_string()), Ok(parts as i64));
        }
    }
}
