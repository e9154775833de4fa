//! Quantities, with their units in their types. Integers only: nothing here is ever a float.

use core::fmt;

use alloy_primitives::{I256, U256};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::named::text_of;

/// `10^digits`, for amounts that are brought to one scale.
#[must_use]
pub fn power_of_ten(digits: u32) -> I256 {
    I256::from_raw(U256::from(10).pow(U256::from(digits)))
}

/// Digits with a point before the last so many of them, and zeros in front where these are too few.
#[must_use]
pub fn pointed(digits: &str, places: usize) -> String {
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    if fraction.is_empty() { padded } else { format!("{whole}.{fraction}") }
}

/// A signed number of lots of one instrument. One lot is `10^-lot_decimals` units; see the universe that has the
/// instrument.
///
/// Written as a decimal string, so that no reader rounds it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lots(i128);

impl Lots {
    /// Largest absolute amount: `2^95 - 1`, which every capacity class can range-check.
    pub const MAX: i128 = (1 << 95) - 1;

    /// The least limit of a holding where a universe states none: `2^63 - 1`, which is 9,223,372,036 units of nine
    /// decimals.
    const LEAST_DEFAULT_LIMIT: i128 = i64::MAX as i128;

    /// Decimal digits before the point that the limit of a holding has room for where a universe states none.
    const DEFAULT_UNITS_DIGITS: u32 = 9;

    /// The limit of a holding where a universe states none: `2^63 - 1` lots, or 10^9 units where that is more, which it
    /// is from ten decimals on.
    #[must_use]
    pub fn default_limit(lot_decimals: Decimals) -> Self {
        // At most 10^27, less than 2^95.
        let units = 10_i128.pow(Self::DEFAULT_UNITS_DIGITS + u32::from(lot_decimals.get()));
        Self(units.max(Self::LEAST_DEFAULT_LIMIT))
    }

    /// The amount in units, with all places of a lot.
    #[must_use]
    pub fn in_units(self, lot_decimals: Decimals) -> String {
        let (sign, digits) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs().to_string());
        format!("{sign}{}", pointed(&digits, lot_decimals.get().into()))
    }

    /// An amount of lots.
    ///
    /// # Errors
    /// If the absolute amount exceeds [`Lots::MAX`].
    pub fn new(lots: i128) -> Result<Self, String> {
        if lots.unsigned_abs() > Self::MAX.unsigned_abs() {
            return Err("expected an amount of at most 2^95 - 1 lots, found a larger one".into());
        }
        Ok(Self(lots))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i128 {
        self.0
    }

    /// The number as a 256-bit integer.
    #[must_use]
    pub fn wide(self) -> I256 {
        I256::unchecked_from(self.0)
    }
}

/// Holdings are secret: their numbers do not print.
impl fmt::Debug for Lots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lots(hidden)")
    }
}

impl zeroize::DefaultIsZeroes for Lots {}

impl Serialize for Lots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Lots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = zeroize::Zeroizing::new(text_of("Lots", deserializer)?);
        let digits = text.strip_prefix('-').unwrap_or(&text);
        // The error must not repeat the amount.
        let number = parse_digits(digits).ok_or_else(|| {
            D::Error::custom("expected lots as a decimal integer in a string, without sign + or leading zeros")
        })?;
        let number = i128::try_from(number).map_err(|_| D::Error::custom("expected at most 2^95 - 1 lots"))?;
        if number == 0 && text.starts_with('-') {
            return Err(D::Error::custom("expected zero lots as \"0\", found \"-0\""));
        }
        Self::new(if text.starts_with('-') { -number } else { number }).map_err(D::Error::custom)
    }
}

impl JsonSchema for Lots {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lots".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(0|-?[1-9][0-9]{0,28})$",
            "description": "A signed whole number of lots, at most 2^95 - 1."
        })
    }
}

/// A price, or another public number of the market vector: not negative, times `10^decimals`, where the market entry
/// states the decimals. Zero is for numbers such as rates: what a model reads as a price has a positive minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(u128);

impl Price {
    /// Largest price: `2^96 - 1`.
    pub const MAX: u128 = (1 << 96) - 1;

    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// A price.
    ///
    /// # Errors
    /// If it exceeds [`Price::MAX`].
    pub fn new(value: u128) -> Result<Self, String> {
        if value > Self::MAX {
            return Err(format!("expected a price of at most 2^96 - 1, found {value}"));
        }
        Ok(Self(value))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u128 {
        self.0
    }

    /// The number as a 256-bit integer.
    #[must_use]
    pub fn wide(self) -> I256 {
        I256::from_raw(U256::from(self.get()))
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text_of("Price", deserializer)?;
        let number = parse_digits(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "expected a price as a decimal integer in a string, without leading zeros, found {text:?}"
            ))
        })?;
        Self::new(number).map_err(D::Error::custom)
    }
}

impl JsonSchema for Price {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Price".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,28})$",
            "description": "A whole number, not negative, scaled by the decimals of its market entry."
        })
    }
}

/// A positive whole number of quote units: where a tier ends.
///
/// Written as a decimal string, so that no reader rounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notional(u64);

impl Notional {
    /// An amount.
    ///
    /// # Errors
    /// If it is zero.
    pub fn new(amount: u64) -> Result<Self, String> {
        if amount == 0 {
            return Err("expected an amount from 1 to 2^64 - 1 quote units, found 0".into());
        }
        Ok(Self(amount))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Notional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Notional {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Notional {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = text_of("Notional", deserializer)?;
        let number = parse_digits(&text).and_then(|number| u64::try_from(number).ok()).ok_or_else(|| {
            D::Error::custom(format!(
                "expected an amount from 1 to 2^64 - 1 quote units as a decimal integer in a string, found {text:?}"
            ))
        })?;
        Self::new(number).map_err(D::Error::custom)
    }
}

impl JsonSchema for Notional {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Notional".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[1-9][0-9]{0,19}$",
            "description": "A positive whole number of quote units, at most 2^64 - 1."
        })
    }
}

/// A positive amount of quote units that does not grow with what is held: an integer and its decimal places.
///
/// Written as a decimal number in a string, so that no reader rounds it: `"0.0000026"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Allowance {
    atoms: u64,
    decimals: Decimals,
}

impl Allowance {
    /// From decimal digits, with a point or without.
    ///
    /// # Errors
    /// If it is zero, too large or too fine.
    pub fn new(text: &str) -> Result<Self, String> {
        let expected =
            "a positive decimal number in a string, with at most 18 decimals and below 2^64 without its point";
        Self::parse(text).ok_or_else(|| format!("expected {expected}, found {text:?}"))
    }

    /// The amount times `10^decimals`, and the least decimals that it can be written with.
    #[must_use]
    pub fn parts(self) -> (u64, Decimals) {
        (self.atoms, self.decimals)
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let fraction = if digits(fraction) { fraction.trim_end_matches('0') } else { return None };
        let decimals = Decimals::new(u8::try_from(fraction.len()).ok()?).ok()?;
        let atoms = digits(whole).then(|| format!("{whole}{fraction}").parse().ok())??;
        (atoms > 0).then_some(Self { atoms, decimals })
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.decimals.get());
        let digits = format!("{:0>1$}", self.atoms, places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{whole}{point}{fraction}")
    }
}

impl Serialize for Allowance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Allowance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&text_of("Number", deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Allowance {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Allowance".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+(\\.[0-9]+)?$",
            "description": "A positive amount of quote units, as a decimal number with at most 18 decimals."
        })
    }
}

/// Parts per million, which print as a percentage: `1.25 %`.
#[derive(Clone, Copy, Debug)]
pub struct Percent(pub i128);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(parts) = *self;
        let sign = if parts < 0 { "-" } else { "" };
        let (whole, fraction) = (parts.unsigned_abs() / 10_000, format!("{:04}", parts.unsigned_abs() % 10_000));
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction} %")
    }
}

/// Parts per million: a weight, a haircut, a fraction. `1_000_000` is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Ppm(pub u32);

impl Ppm {
    /// One.
    pub const ONE: Self = Self(1_000_000);

    /// Whether it is zero: what is left out of files.
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

/// As a percentage: `1.25 %`.
impl fmt::Display for Ppm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Percent(self.0.into()).fmt(f)
    }
}

/// A signed shock in parts per million: `-150_000` is a fall by 15 percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ShockPpm(pub i32);

/// As a percentage: `-15 %`.
impl fmt::Display for ShockPpm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Percent(self.0.into()).fmt(f)
    }
}

/// How many decimal places an integer carries, 0 to 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Decimals(#[schemars(range(max = 18))] u8);

impl Decimals {
    /// Most decimal places.
    pub const MAX: u8 = 18;

    /// A number of decimal places.
    ///
    /// # Errors
    /// If it exceeds [`Decimals::MAX`].
    pub fn new(decimals: u8) -> Result<Self, String> {
        if decimals > Self::MAX {
            return Err(format!("expected 0 to {} decimals, found {decimals}", Self::MAX));
        }
        Ok(Self(decimals))
    }

    /// The number of places.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Decimals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Timestamp(pub u64);

/// A duration in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Whether it is no time at all.
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

/// Decimal digits without sign or leading zeros; the one way to write a number.
pub(crate) fn parse_digits(text: &str) -> Option<u128> {
    if text.is_empty() || !text.bytes().all(|c| c.is_ascii_digit()) || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_units_have_all_places_of_a_lot() {
        for (lots, places, expected) in
            [(12_345, 2, "123.45"), (-5, 2, "-0.05"), (0, 3, "0.000"), (-7, 0, "-7"), (100_000_000, 10, "0.0100000000")]
        {
            assert_eq!(Lots::new(lots).unwrap().in_units(Decimals::new(places).unwrap()), expected);
        }
    }
}
