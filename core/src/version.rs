//! The version of file formats.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The version of a file's format, `V`. No other is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatVersion<const V: u32 = 1>;

impl<const V: u32> Serialize for FormatVersion<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(V)
    }
}

impl<'de, const V: u32> Deserialize<'de> for FormatVersion<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u32::deserialize(deserializer)?;
        let advice = match found {
            _ if found == V => return Ok(Self),
            _ if found < V => "an older version of Surety wrote it: make it anew",
            _ => "a newer version of Surety wrote it: use that one",
        };
        Err(D::Error::custom(format!("expected version {V} of the format, found {found}; {advice}")))
    }
}

impl<const V: u32> JsonSchema for FormatVersion<V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        if V == 1 { "FormatVersion".into() } else { format!("FormatVersion{V}").into() }
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "const": V })
    }
}
