//! JSON Schemas (draft 2020-12) of the files, published in `docs/schemas`.
//!
//! They state shapes; rules across fields are checked by reading: see [`crate::text`]. After a change of a type,
//! `UPDATE=1 cargo nextest run -p surety-margin schemas` writes them anew.

use schemars::{JsonSchema, Schema, generate::SchemaSettings, transform::RecursiveTransform};
use serde_json::Value;

use crate::{
    holdings::Written,
    market::{Report, Snapshot},
    policy::Policy,
    universe::Universe,
};

/// The schema of each file of this crate, by the name that it is published under.
#[must_use]
pub fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("universe", schema::<Universe>()),
        ("policy", schema::<Policy>()),
        ("holdings", schema::<Written>()),
        ("market", schema::<Snapshot>()),
        ("report", schema::<Report>()),
    ]
}

/// The schema of a type's files, as they are written.
#[must_use]
pub fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(refuse_null));
    settings.into_generator().into_root_schema_for::<T>()
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
