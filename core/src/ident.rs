//! Names, 32-byte identifiers and EVM addresses: the ways in which files refer to things.

use core::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::named::text_of;

/// A name that a person gave to something: 1 to 64 of `a-z A-Z 0-9 . _ : / -`, starting with a letter or a digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks the alphabet and the length.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
        if text.is_empty()
            || text.len() > Self::MAX_LEN
            || !text.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !text.chars().all(allowed)
        {
            return Err(format!(
                "expected a name of 1 to {} characters from a-z A-Z 0-9 . _ : / - that starts with a letter or a \
                 digit, found {text:?}",
                Self::MAX_LEN
            ));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$",
            "description": "A name: 1 to 64 characters."
        })
    }
}

/// What stands for a character that is no digit: it has all bits of every digit.
const NO_DIGIT: u8 = 0xff;

/// The value of each lower-case hexadecimal digit.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NO_DIGIT; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < digits.len() {
        nibbles[digits[value] as usize] = value as u8;
        value += 1;
    }
    nibbles
};

/// Fixed-length bytes written as `0x` and lower-case hexadecimal digits, which is the only form read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HexBytes<const N: usize>(pub [u8; N]);

/// A hash: the identifier of a universe, a policy, a snapshot, a statement.
pub type Bytes32 = HexBytes<32>;

/// The address of a key or a contract.
pub type EvmAddress = HexBytes<20>;

impl<const N: usize> HexBytes<N> {
    /// All bytes zero.
    pub const ZERO: Self = Self([0; N]);

    /// What readers know the type by.
    const NAME: &str = match N {
        20 => "EvmAddress",
        32 => "Bytes32",
        _ => "HexBytes",
    };

    /// Reads `0x…` in lower case.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected 0x and {} lower-case hexadecimal digits, found {text:?}", 2 * N);
        let digits = text.strip_prefix("0x").ok_or_else(expected)?.as_bytes();
        if digits.len() != 2 * N {
            return Err(expected());
        }
        let mut bytes = [0; N];
        let mut wrong = false;
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| NIBBLES[usize::from(digit)]);
            wrong |= (high | low) == NO_DIGIT;
            *byte = high << 4 | low;
        }
        if wrong {
            return Err(expected());
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> fmt::Display for HexBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for HexBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for HexBytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for HexBytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&text_of(Self::NAME, deserializer)?).map_err(D::Error::custom)
    }
}

impl<const N: usize> JsonSchema for HexBytes<N> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Bytes{N}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": format!("^0x[0-9a-f]{{{}}}$", 2 * N)
        })
    }
}
