//! Numbers with signs between their digits.

/// The digits of a whole number, as machines write them: from digits in groups, such as `1_000_000`, and from powers of
/// ten, such as `5e10`. Nothing with a point: that may be a number of another unit.
///
/// # Errors
/// If it is none.
pub fn whole(text: &str) -> Option<String> {
    let text = text.trim();
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.strip_prefix('+').unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (negative, whole, fraction) = plain(digits).filter(|_| !digits.contains('.'))?;
    debug_assert!(fraction.is_empty(), "there is no point");
    let is_short = exponent.len() <= 2 && !exponent.is_empty() && exponent.bytes().all(|c| c.is_ascii_digit());
    let zeros = exponent.parse::<usize>().ok().filter(|_| is_short)?;
    let whole = whole.trim_start_matches('0');
    if whole.is_empty() {
        return Some("0".to_owned());
    }
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{whole}{}", "0".repeat(zeros)))
}

/// Whether a number is negative, its digits, and those behind its point. Digits may be in groups: `1_000_000.5`.
pub(super) fn plain(text: &str) -> Option<(bool, String, &str)> {
    let (negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    let fits = whole.split('_').all(is_number) && fraction.is_none_or(is_number);
    fits.then(|| (negative, whole.replace('_', ""), fraction.unwrap_or("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_whole_number_is_read() {
        for (text, number) in [
            ("0", "0"),
            ("-0", "0"),
            ("1000000", "1000000"),
            ("1_000_000", "1000000"),
            ("-25_000", "-25000"),
            ("+5", "5"),
            ("007", "7"),
            ("5e10", "50000000000"),
            ("1E+6", "1000000"),
            (" 12 ", "12"),
        ] {
            assert_eq!(whole(text).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_no_whole_number_or_may_be_another_one() {
        for text in
            ["", "-", "_", "1_", "_1", "1__0", "1,000", "1.000", "1.5e3", "1e-3", "1e", "e5", "1e999", "0x10", "1 000"]
        {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
