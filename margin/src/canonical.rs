//! The canonical encoding: the one text that a value has, and that its identifier is a hash of.
//!
//! It is JSON (RFC 8259) in UTF-8, restricted so that a third party can reproduce it byte by byte:
//! - no white space between tokens;
//! - the keys of every object in ascending order of their bytes, none twice;
//! - numbers are integers in decimal, without sign `+`, leading zeros, fraction or exponent;
//! - in strings, `"` and `\\` are written `\\"` and `\\\\`; the characters below U+0020 are written `\\b`, `\\t`, `\\n`, `\\f`,
//!   `\\r` where such a form exists and otherwise `\\u00` with two lower-case hexadecimal digits; every other character
//!   stands for itself;
//! - no `null`: a field that has no value is left out; fields that a file may leave out because they have a default are
//!   written with their value.
//!
//! For documents with ASCII keys and integers below 2^53 this is RFC 8785 (JSON Canonicalization Scheme), so existing
//! tools apply. Encoding neither depends on the order of a type's fields nor on features of serde_json.

use serde::Serialize;
use serde_json::Value;

/// A value has no canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected integers, strings, flags, lists and tables with names as keys, found {0}")]
pub struct NotCanonical(String);

/// Encodes a value.
///
/// # Errors
/// If it contains a fraction, an integer outside of 64 bits, a null, or keys that are not strings.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    let value = serde_json::to_value(value).map_err(|error| NotCanonical(error.to_string()))?;
    let mut text = String::new();
    write(&value, &mut text)?;
    Ok(text.into_bytes())
}

fn write(value: &Value, text: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => return Err(NotCanonical("a null".to_owned())),
        Value::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => text.push_str(&number.to_string()),
            (_, Some(number)) => text.push_str(&number.to_string()),
            _ => return Err(NotCanonical("a number that is no integer of 64 bits".to_owned())),
        },
        Value::String(string) => write_string(string, text),
        Value::Array(values) => {
            text.push('[');
            for (i, value) in values.iter().enumerate() {
                separate(i, text);
                write(value, text)?;
            }
            text.push(']');
        }
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_bytes());
            text.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                separate(i, text);
                write_string(key, text);
                text.push(':');
                write(value, text)?;
            }
            text.push('}');
        }
    }
    Ok(())
}

fn separate(position: usize, text: &mut String) {
    if position > 0 {
        text.push(',');
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => text.push(other),
        }
    }
    text.push('"');
}
