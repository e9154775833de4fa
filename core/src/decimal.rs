//! Decimal numbers as people write them.

use core::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    named::text_of,
    text::number::{Number, Rounding},
    units::{Decimals, Ppm},
};

/// A public decimal number with at most 18 places: a price, a rate, a parameter. Between `±1.7·10^20`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(10_i128.pow(Self::PLACES));

    /// Most places behind the point.
    const PLACES: u32 = 18;

    /// The nearest number in floating point, to within one unit in the last place; the same on every machine.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::ONE.0 as f64
    }

    /// The number times a power of ten, to the nearest integer; none if it is too large.
    #[must_use]
    pub fn at_places(self, places: u32) -> Option<i128> {
        let literal = Literal::parse(&self.to_string())?;
        let magnitude = i128::try_from(literal.at_places(places)?).ok()?;
        Some(if literal.negative { -magnitude } else { magnitude })
    }

    /// The nearest number of 18 places; none if it is too large.
    pub fn of(number: &Number) -> Option<Self> {
        Some(Self(number.scaled(Self::PLACES as u8, Rounding::Nearest)?.integer))
    }

    /// The number of a literal, rounded to 18 places; none if it is too large.
    pub fn nearest(literal: &Literal) -> Option<Self> {
        let magnitude = literal.at_places(Self::PLACES)?;
        let magnitude = i128::try_from(magnitude).ok()?;
        Some(Self(if literal.negative { -magnitude } else { magnitude }))
    }
}

impl FromStr for Decimal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a decimal number with at most 18 places, found {text:?}");
        let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let is_plain = places <= Self::PLACES as usize && !text.contains(['e', 'E']);
        let literal = Literal::parse(text).filter(|_| is_plain);
        literal.as_ref().and_then(Self::nearest).ok_or_else(expected)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (magnitude, one) = (self.0.unsigned_abs(), Self::ONE.0.unsigned_abs());
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:018}", magnitude % one);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", magnitude / one)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_of("Decimal", deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^-?[0-9]{1,20}(\\.[0-9]{1,18})?$",
            "description": "A decimal number with at most 18 places."
        })
    }
}

/// A public decimal number that is not negative.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Magnitude(Decimal);

impl Magnitude {
    /// One.
    pub const ONE: Self = Self(Decimal::ONE);

    /// The nearest number in floating point, to within one unit in the last place; the same on every machine.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64()
    }

    /// As a percentage: `1.25 %`.
    #[must_use]
    pub fn percent(self) -> String {
        let Self(Decimal(number)) = self;
        number.checked_mul(100).map_or_else(|| self.to_string(), |hundredths| format!("{} %", Decimal(hundredths)))
    }

    /// Reads a number that is no fraction, such as a strike: people may write integers without quotes.
    ///
    /// # Errors
    /// If it is none, or negative.
    pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number: Decimal = text_of("Number", deserializer)?.parse().map_err(D::Error::custom)?;
        number.try_into().map_err(D::Error::custom)
    }

    /// Reads a number that may be left out, as [`Magnitude::number`] does.
    ///
    /// # Errors
    /// If it is none, or negative.
    pub fn some_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Self::number(deserializer).map(Some)
    }

    /// `integer · 10^-decimals`; none if it is too large.
    #[must_use]
    pub fn scaled(integer: u128, decimals: Decimals) -> Option<Self> {
        let literal = Literal { negative: false, mantissa: integer, places: decimals.get().into() };
        Decimal::nearest(&literal).map(Self)
    }

    /// The nearest integer of `10^-decimals`, for at most 18 decimals; none if it is too large.
    #[must_use]
    pub fn rounded(self, decimals: u8) -> Option<u128> {
        let Self(Decimal(number)) = self;
        Literal { negative: false, mantissa: number.unsigned_abs(), places: Decimal::PLACES }.at_places(decimals.into())
    }

    /// The integer and the decimals that say the same in as few decimals as there can be.
    #[must_use]
    pub fn integer(self) -> (u128, u8) {
        let Self(Decimal(number)) = self;
        let (mut integer, mut places) = (number.unsigned_abs(), Decimal::PLACES as u8);
        while places > 0 && integer.is_multiple_of(10) {
            (integer, places) = (integer / 10, places - 1);
        }
        (integer, places)
    }
}

impl From<u32> for Magnitude {
    fn from(number: u32) -> Self {
        Self(Decimal(i128::from(number) * Decimal::ONE.0))
    }
}

impl From<Ppm> for Magnitude {
    fn from(Ppm(parts): Ppm) -> Self {
        Self(Decimal(i128::from(parts) * (Decimal::ONE.0 / i128::from(Ppm::ONE.0))))
    }
}

impl TryFrom<Decimal> for Magnitude {
    type Error = String;

    fn try_from(number: Decimal) -> Result<Self, String> {
        if number < Decimal::ZERO {
            return Err(format!("expected a number that is not negative, found {number}"));
        }
        Ok(Self(number))
    }
}

impl fmt::Display for Magnitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Magnitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Magnitude {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Decimal::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

/// A number as JSON writes it, to 38 digits: `±mantissa · 10^-places`, without trailing zeros behind the point.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Literal {
    /// Whether it is below zero.
    pub negative: bool,
    /// Its digits.
    pub mantissa: u128,
    /// How many of them stand behind the point.
    pub places: u32,
}

/// Digits of a literal that certainly fit: more than any number here is rounded to.
const LITERAL_DIGITS: usize = 38;

impl Literal {
    /// Reads digits with an optional sign, point and exponent; none if that is not what it is, or too large. Digits
    /// behind the point and beyond the 38th are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        // As many digits as fit: 39, or 38 where those are too many.
        let cut = |digits: usize| {
            let fraction = &fraction[..fraction.len().min(digits.checked_sub(whole.len())?)];
            Some((format!("0{whole}{fraction}").parse::<u128>().ok()?, fraction))
        };
        let (mut mantissa, fraction) = cut(LITERAL_DIGITS + 1).or_else(|| cut(LITERAL_DIGITS))?;
        let mut places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while mantissa > 0 && mantissa.is_multiple_of(10) && places > 0 {
            (mantissa, places) = (mantissa / 10, places - 1);
        }
        if mantissa == 0 {
            return Some(Self { negative: false, mantissa, places: 0 });
        }
        if places < 0 {
            mantissa = mantissa.checked_mul(10_u128.checked_pow(places.unsigned_abs())?)?;
        }
        Some(Self { negative, mantissa, places: places.max(0).unsigned_abs() })
    }

    /// The smallest number of digits before the point that none of its own lies before: the magnitude is below
    /// `10^digits`, and at least a tenth of that. None for zero.
    pub fn digits(&self) -> Option<i32> {
        let digits = self.mantissa.checked_ilog10()? as i32 + 1;
        Some(digits - self.places as i32)
    }

    /// The magnitude in units of `10^-places`, rounded to the nearest, a half up; none if it is too large.
    pub fn at_places(&self, places: u32) -> Option<u128> {
        if places >= self.places {
            return self.mantissa.checked_mul(10_u128.checked_pow(places - self.places)?);
        }
        match 10_u128.checked_pow(self.places - places) {
            Some(unit) => Some(self.mantissa / unit + u128::from(self.mantissa % unit >= unit / 2)),
            None => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_and_written_back() {
        for (text, written) in [
            ("0", "0"),
            ("-0", "0"),
            ("1.50", "1.5"),
            ("-0.000000000000000001", "-0.000000000000000001"),
            ("170141183460469231731.687303715884105727", "170141183460469231731.687303715884105727"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), written);
        }
        assert_eq!("0.1".parse::<Decimal>().unwrap().to_f64(), 0.1);
    }

    #[test]
    fn parts_per_million_are_exact() {
        let written = |parts| Magnitude::from(Ppm(parts)).to_string();
        assert_eq!([0, 1, 275_000, 1_000_000, u32::MAX].map(written), ["0", "0.000001", "0.275", "1", "4294.967295"]);
    }

    #[test]
    fn magnitudes_print_as_percentages() {
        let percent = |text: &str| Magnitude::try_from(text.parse::<Decimal>().unwrap()).unwrap().percent();
        assert_eq!(["0", "0.0125", "1", "2.5"].map(percent), ["0 %", "1.25 %", "100 %", "250 %"]);
        assert_eq!(percent("170141183460469231731"), "170141183460469231731");
    }

    #[test]
    fn rejects_a_negative_magnitude() {
        assert!(Magnitude::try_from("-0.1".parse::<Decimal>().unwrap()).is_err());
        assert!(serde_json::from_str::<Magnitude>("\"-1\"").is_err());
        assert_eq!(serde_json::from_str::<Magnitude>("\"2.50\"").unwrap().to_string(), "2.5");
    }

    #[test]
    fn rejects_what_is_not_a_decimal_of_18_places() {
        for text in
            ["", "-", ".5", "5.", "+1", "1e3", "0x1", " 1", "1_000", "0.0000000000000000001", "1000000000000000000000"]
        {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn literals_of_json_are_exact_where_they_can_be() {
        let nearest = |text: &str| Decimal::nearest(&Literal::parse(text).unwrap()).unwrap().to_string();
        assert_eq!(nearest("74.40002182652032"), "74.40002182652032");
        assert_eq!(nearest("1.25e-3"), "0.00125");
        assert_eq!(nearest("-2.5E+4"), "-25000");
        assert_eq!(nearest("1e-40"), "0");
        assert_eq!(nearest("0.0025874219579743846"), "0.002587421957974385");
        assert_eq!(nearest("0.1000000000000000055511151231257827021181583404541015625"), "0.100000000000000006");
        assert_eq!(nearest("000000000000000000000000000000000000000000001.5"), "1.5");
        assert!(Literal::parse("1e99").is_none());
        assert!(Literal::parse("NaN").is_none());
    }
}
