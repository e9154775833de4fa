//! The version of file formats.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The version of a file's format: a document's type states the one that it is read and written in, and no other is
/// read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatVersion<const VERSION: u32 = 1>;

impl<const VERSION: u32> Serialize for FormatVersion<VERSION> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de, const VERSION: u32> Deserialize<'de> for FormatVersion<VERSION> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            found if found == VERSION => Ok(Self),
            other => Err(D::Error::custom(format!("expected version {VERSION} of the format, found {other}"))),
        }
    }
}

impl<const VERSION: u32> JsonSchema for FormatVersion<VERSION> {
    fn schema_name() -> Cow<'static, str> {
        if VERSION == 1 { "FormatVersion".into() } else { format!("FormatVersion{VERSION}").into() }
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "const": VERSION })
    }
}
