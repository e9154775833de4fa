//! JSON Schemas (draft 2020-12) of documents, as `docs/schemas` publishes them.
//!
//! They state shapes; reading checks the rules across fields: see [`crate::text`]. After a change of a type,
//! `UPDATE=1 cargo nextest run --workspace schemas` writes them anew.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::{Value, json};

use crate::{
    spelling::SET_UPS,
    text::{Document, WrittenBy},
};

/// The schema of a type's files, in all spellings that are read.
#[must_use]
pub fn schema<T: JsonSchema + Document>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(refuse_null));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    if T::WRITTEN_BY == WrittenBy::People {
        admit_spellings(&mut schema);
    }
    schema
}

/// The types that people may spell in more than one way, by the names of their schemas: the shape of the texts that are
/// read beside, or instead of, what machines write. See [`crate::spelling`].
const SPELLINGS: [(&str, &str); 12] = [
    ("Timestamp", "^[0-9]"),
    ("Seconds", "^[0-9Pp]"),
    ("Ppm", FRACTION),
    ("ShockPpm", FRACTION),
    ("Delta", FRACTION),
    ("Decimal", "^[-+]?[0-9]{1,20}(_[0-9]+)*(\\.[0-9]{1,18})?( *(%|ppm|bps?))?$"),
    ("Bytes20", "^(0[xX])?[0-9a-fA-F]{40}$"),
    ("Bytes32", "^(0[xX])?[0-9a-fA-F]{64}$"),
    ("Price", "^[0-9][0-9_]*([eE]\\+?[0-9]{1,2})?$"),
    ("Notional", "^[0-9][0-9_]*([eE]\\+?[0-9]{1,2})?$"),
    ("Allowance", "^[0-9][0-9_]*(\\.[0-9]{1,18})?$"),
    ("Lots", "^-?[0-9][0-9_]*([eE]\\+?[0-9]{1,2})?$"),
];

const FRACTION: &str = "^[-+]?[0-9]+(_[0-9]+)*(\\.[0-9]+)? *(%|ppm|bps?)$";

/// Beside integers, texts; beside texts, integers where that is unambiguous.
fn admit_spellings(schema: &mut Schema) {
    let Some(Value::Object(types)) = schema.get_mut("$defs") else {
        return;
    };
    for (name, pattern) in SPELLINGS {
        if let Some(shape) = types.get_mut(name) {
            shape["type"] = match name {
                "Bytes20" | "Bytes32" => json!("string"),
                "Decimal" | "Allowance" => json!(["number", "string"]),
                _ => json!(["integer", "string"]),
            };
            shape["pattern"] = json!(pattern);
        }
    }
    if let Some(shape) = types.get_mut("SetUp") {
        let names: Vec<_> = SET_UPS.into_iter().map(|(name, _)| json!(name)).collect();
        *shape = json!({ "anyOf": [{ "$ref": "#/$defs/Bytes32" }, { "enum": names }] });
    }
}

/// No file has a `null`: what has no value is left out.
fn refuse_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
    }
    if let Some(Value::Array(options)) = schema.get_mut("anyOf") {
        options.retain(|option| option.get("type").is_none_or(|name| name != "null"));
    }
}
