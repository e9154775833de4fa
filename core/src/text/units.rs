//! The types that readers know by their names: how people may spell them, and what is invented for one that is missing.
//!
//! Whatever people write becomes the one spelling that the type itself reads.

use super::{
    fault::{Fault, Numbers},
    tree::Value,
};
use crate::spelling;

/// A number that fits everywhere: a count, a number of decimals, a capacity class.
pub(super) const SMALL: i128 = 12;

/// Another one, which does not fit everywhere.
pub(super) const LARGE: i128 = 1_000_000_000;

/// Another one, which does.
pub(super) const OTHER_SMALL: i128 = 13;

/// A name.
pub(super) const NAME: &str = "12";

/// The value that a type reads, if people may have spelt it in another way; none if it is the type's own spelling, or
/// if readers do not know the type.
pub(super) fn spelt(name: &str, value: &Value<'_>) -> Result<Option<Value<'static>>, Fault> {
    let refused = |sentence: String| Fault::of_sentence(&sentence);
    let text = |text: String| Ok(Some(Value::Text(text.into())));
    let integer = |integer: i128| Ok(Some(Value::Integer(integer)));
    // A number that is no fraction has no sign behind it.
    let is_digit = |last: char| last.is_ascii_digit();
    let other = |expected: &str| Err(Fault::new(expected, value.describe()));
    match (name, value) {
        ("Timestamp", Value::Integer(number)) => match u64::try_from(*number) {
            Ok(number) => integer(spelling::instant(number).map_err(refused)?.0.into()),
            Err(_) => other(TIME),
        },
        ("Timestamp", Value::Text(time) | Value::Date(time)) => {
            integer(spelling::time(time).map_err(refused)?.0.into())
        }
        ("Timestamp", _) => other(TIME),
        ("Seconds", Value::Text(duration)) => integer(spelling::duration(duration).map_err(refused)?.0.into()),
        ("Seconds", Value::Integer(number)) if *number >= 0 => Ok(None),
        ("Seconds", _) => other(DURATION),
        ("Ppm", Value::Text(share)) => integer(spelling::share(share).map_err(refused)?.into()),
        ("ShockPpm" | "Delta", Value::Text(fraction)) => integer(spelling::fraction(fraction).map_err(refused)?.into()),
        ("Ppm" | "ShockPpm" | "Delta", Value::Integer(_)) => Ok(None),
        ("Ppm" | "ShockPpm" | "Delta", Value::Float(number)) => Err(Fault::new(FRACTION, &**number)),
        ("Ppm" | "ShockPpm" | "Delta", _) => other(FRACTION),
        ("Decimal", Value::Text(number) | Value::Float(number)) => text(spelling::decimal(number).map_err(refused)?),
        ("Decimal", Value::Integer(_)) => other(DECIMAL),
        ("Number", Value::Integer(number)) => text(number.to_string()),
        ("Number", Value::Text(number) | Value::Float(number)) if number.trim_end().ends_with(is_digit) => {
            text(spelling::decimal(number).map_err(refused)?)
        }
        // Exactly, and whether it is a number the type says.
        ("Quantity", Value::Float(number)) => text(number.to_string()),
        ("EvmAddress", Value::Text(address)) => text(spelling::address(address).map_err(refused)?.to_string()),
        ("Bytes32", Value::Text(hash)) => text(spelling::hash(hash).map_err(refused)?.to_string()),
        ("SetUp", Value::Text(set_up)) => text(spelling::set_up(set_up).map_err(refused)?.to_string()),
        ("Price" | "Lots" | "Notional", Value::Integer(number)) => text(number.to_string()),
        ("Price" | "Lots" | "Notional", Value::Text(number) | Value::Float(number)) => match spelling::whole(number) {
            Some(number) => text(number),
            // The type says what it expects.
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

const TIME: &str = "a time such as \"2026-11-21T08:00:00Z\", a date or seconds since 1970";
const DURATION: &str = "a duration such as \"24h\" or a number of seconds";
const FRACTION: &str = "a percentage such as \"1.25 %\" or a whole number of ppm";
const DECIMAL: &str = "a decimal number in quotes such as \"0.0125\", or a percentage such as \"1.25 %\"";

/// What is invented for a value of a type; none if readers do not know it.
pub(super) fn invented(name: &str, numbers: Numbers) -> Option<Value<'static>> {
    let (number, digits) = match numbers {
        Numbers::Small => (SMALL, "0c"),
        Numbers::Large => (LARGE, "0d"),
    };
    let bytes = |count| Value::Text(format!("0x{}", digits.repeat(count)).into());
    match name {
        "Timestamp" | "Seconds" | "Ppm" | "ShockPpm" | "Delta" => Some(Value::Integer(number)),
        "Decimal" | "Number" | "Price" | "Lots" | "Notional" => Some(Value::Text(number.to_string().into())),
        "EvmAddress" => Some(bytes(20)),
        "Bytes32" | "SetUp" => Some(bytes(32)),
        _ => None,
    }
}
