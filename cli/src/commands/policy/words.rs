//! Parameters as people read them: exact, with fractions in percent.

use std::fmt::Write as _;

use surety_core::{
    decimal::Magnitude,
    shown::grouped,
    units::{Notional, Ppm, Seconds, ShockPpm},
};
use surety_margin::{
    level::ByBasis,
    market::PriceRange,
    models::{CreditTier, RateTier, Tier},
};

/// An integer times `10^-places`, without trailing zeros.
pub(super) fn scaled(integer: i128, places: u32) -> String {
    let digits = format!("{:0>1$}", integer.unsigned_abs(), places as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places as usize);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if integer < 0 { "-" } else { "" };
    grouped(&format!("{sign}{whole}{point}{fraction}"))
}

/// `1.25 %`
pub(super) fn percent(fraction: Ppm) -> String {
    fraction.to_string()
}

/// `+10 %`
pub(super) fn shock(shock: ShockPpm) -> String {
    format!("{}{shock}", if shock > ShockPpm(0) { "+" } else { "" })
}

/// A factor: `1.25`
pub(super) fn times(Ppm(parts): Ppm) -> String {
    scaled(parts.into(), 6)
}

/// A decimal fraction in percent.
pub(super) fn percent_of(fraction: Magnitude) -> String {
    let (integer, places) = fraction.integer();
    // Its magnitude is far below 10^38, and two more digits are needed for whole numbers only.
    let number = match places.checked_sub(2) {
        Some(places) => scaled(integer as i128, places.into()),
        None => scaled((integer * 10_u128.pow(2 - u32::from(places))) as i128, 0),
    };
    format!("{number} %")
}

/// Fractions of both bases, written once if they are equal.
pub(super) fn by_basis(value: ByBasis, show: fn(Ppm) -> String) -> String {
    let (maintenance, initial) = (show(value.maintenance), show(value.initial));
    if maintenance == initial { maintenance } else { format!("maintenance {maintenance}, initial {initial}") }
}

/// `1 day`, `90 min`, `45 s`
pub(super) fn duration(Seconds(seconds): Seconds) -> String {
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let whole = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "second"));
    let count = seconds / unit;
    format!("{} {name}{}", grouped(&count.to_string()), if count == 1 { "" } else { "s" })
}

/// The end of a tier.
fn end(value: Option<Notional>, units: Option<Magnitude>) -> String {
    match (value, units) {
        (Some(value), _) => format!("up to {}", grouped(&value.to_string())),
        (None, Some(units)) => format!("up to {} units", grouped(&units.to_string())),
        (None, None) => "beyond".to_owned(),
    }
}

/// A ladder of weights; beyond the last end nothing counts.
pub(super) fn ladder(tiers: &[Tier]) -> String {
    let mut text = String::new();
    for tier in tiers {
        let _ = write!(text, "{}: {}; ", end(tier.up_to, tier.up_to_units), by_basis(tier.weight, percent));
    }
    let ends = tiers.last().is_some_and(|last| last.up_to.is_some() || last.up_to_units.is_some());
    text + if ends { "beyond: nothing" } else { "each part by its own tier" }
}

/// The tiers of a requirement.
pub(super) fn rates(tiers: &[RateTier]) -> String {
    let mut text = String::new();
    for tier in tiers {
        let _ = write!(text, "{}: {}; ", end(tier.up_to, tier.up_to_units), by_basis(tier.rate, percent));
    }
    text + "each part by its own tier"
}

/// The tiers of a spread credit.
pub(super) fn shares(tiers: &[CreditTier]) -> String {
    let shares = tiers.iter().map(|CreditTier { up_to, credit }| match up_to {
        Some(end) => format!("{} up to {} spreads", percent(*credit), grouped(&end.to_string())),
        None => format!("{} beyond", percent(*credit)),
    });
    shares.collect::<Vec<_>>().join(", ")
}

/// The position of the last observed value in its range.
pub(super) fn place(range: PriceRange, last: u128) -> String {
    let (min, max) = (range.min.get(), range.max.get());
    if last < min {
        return "BELOW THE LEAST: no program is sound there, and no snapshot with it counts".to_owned();
    }
    if last > max {
        return "ABOVE THE MOST: no program is sound there, and no snapshot with it counts".to_owned();
    }
    let least =
        ratio(last, min).map_or_else(|| "the least is zero".to_owned(), |ratio| format!("{ratio} times the least"));
    let most = ratio(max, last).map_or_else(|| "zero".to_owned(), |ratio| format!("the most is {ratio} times it"));
    format!("{least}, {most}")
}

/// A quotient truncated to two decimal places; `None` if the divisor is zero. Prices are below 2^96.
pub(super) fn ratio(dividend: u128, divisor: u128) -> Option<String> {
    let hundredths = dividend.checked_mul(100)?.checked_div(divisor)?;
    Some(scaled(i128::try_from(hundredths).ok()?, 2))
}

#[cfg(test)]
mod tests {
    use surety_core::units::Price;

    use super::*;

    #[test]
    fn numbers_are_exact() {
        let percents = [0, 1, 12_500, 1_000_000].map(|parts| percent(Ppm(parts)));
        assert_eq!(percents, ["0 %", "0.0001 %", "1.25 %", "100 %"]);
        assert_eq!([-150_000, 0, 100_000].map(|parts| shock(ShockPpm(parts))), ["-15 %", "0 %", "+10 %"]);
        let fraction = |text: &str| percent_of(serde_json::from_str(&format!("\"{text}\"")).unwrap());
        assert_eq!(["0", "0.0125", "1.2", "30"].map(fraction), ["0 %", "1.25 %", "120 %", "3,000 %"]);
        assert_eq!([(-5, 2), (1_050, 2), (0, 3)].map(|(n, places)| scaled(n, places)), ["-0.05", "10.5", "0"]);
    }

    #[test]
    fn durations_are_in_their_largest_unit() {
        let said = [0, 1, 60, 5_400, 86_400, 172_800].map(|seconds| duration(Seconds(seconds)));
        assert_eq!(said, ["0 seconds", "1 second", "1 minute", "90 minutes", "1 day", "2 days"]);
    }

    #[test]
    fn places_in_a_range_are_told_from_both_ends() {
        let price = |price| Price::new(price).unwrap();
        let range = PriceRange { min: price(5), max: price(1_000) };
        assert_eq!(place(range, 60), "12 times the least, the most is 16.66 times it");
        assert!(place(range, 4).starts_with("BELOW"));
        assert!(place(range, 1_001).starts_with("ABOVE"));
        assert_eq!(place(PriceRange { min: price(0), max: price(1) }, 0), "the least is zero, zero");
    }
}
