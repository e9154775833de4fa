//! The canonical encoding: the one text that a value has, and that its identifier is a hash of.
//!
//! It is JSON (RFC 8259) in UTF-8, restricted so that a third party can reproduce it byte by byte:
//! - no white space between tokens;
//! - the keys of every object in ascending order of their bytes, none twice;
//! - numbers are integers in decimal, without sign `+`, leading zeros, fraction or exponent;
//! - in strings, `"` and `\\` are written `\\"` and `\\\\`; the characters below U+0020 are written `\\b`, `\\t`,
//!   `\\n`, `\\f`, `\\r` where such a form exists and otherwise `\\u00` with two lower-case hexadecimal digits; every
//!   other character stands for itself;
//! - no `null`: a field that has no value is left out. Of the fields that a file may leave out because they have a
//!   default, the lists are left out where they are empty, and so are `liability` where it is one, `settlement` where
//!   it is `carried`, and `liquidation_penalty`, `insurance_contribution`, `average_step` and `age` where they are
//!   zero; all others are written with their value. So what a file spells out and what it leaves out have one encoding.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn text<T: Serialize + ?Sized>(value: &T) -> String {
        String::from_utf8(encode(value).unwrap()).unwrap()
    }

    #[derive(Serialize)]
    struct Forwards {
        b: u64,
        a: i64,
        ab: bool,
    }

    #[derive(Serialize)]
    struct Backwards {
        ab: bool,
        a: i64,
        b: u64,
    }

    #[test]
    fn the_order_of_fields_is_irrelevant() {
        let (a, b, ab) = (i64::MIN, u64::MAX, true);
        let expected = r#"{"a":-9223372036854775808,"ab":true,"b":18446744073709551615}"#;
        assert_eq!(text(&Forwards { b, a, ab }), expected);
        assert_eq!(text(&Backwards { ab, a, b }), expected);
    }

    #[test]
    fn keys_are_sorted_by_their_bytes() {
        // In UTF-16, the second would come first.
        let keys = BTreeMap::from([("\u{10000}", 1), ("\u{ffff}", 2), ("a", 3), ("B", 4), ("", 5)]);
        assert_eq!(text(&keys), "{\"\":5,\"B\":4,\"a\":3,\"\u{ffff}\":2,\"\u{10000}\":1}");
    }

    #[test]
    fn strings_are_escaped_in_one_way() {
        assert_eq!(text("\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}"), r#""\u0000\b\t\n\u000b\f\r\u001f""#);
        assert_eq!(text("\"\\/ \u{7f}é🦀"), "\"\\\"\\\\/ \u{7f}é🦀\"");
    }

    #[test]
    fn rejects_values_without_encoding() {
        assert!(encode(&0.0).is_err());
        assert!(encode(&f64::NAN).is_err());
        assert!(encode(&()).is_err());
        assert!(encode(&[Some(1), None]).is_err());
        assert!(encode(&(u128::from(u64::MAX) + 1)).is_err());
        assert!(encode(&BTreeMap::from([((1, 2), 3)])).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Hence different values have different encodings.
        #[test]
        fn parsing_recovers_the_value(value in values()) {
            let text = text(&value);
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).unwrap(), &value);
            prop_assert_eq!(encode(&value).unwrap(), text.into_bytes(), "and encoding is deterministic");
        }

        #[test]
        fn different_values_differ(a in values(), b in values()) {
            prop_assert_eq!(a == b, encode(&a) == encode(&b));
        }
    }
}
