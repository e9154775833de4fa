//! JSON Schemas (draft 2020-12) of the files, published in `docs/schemas`.
//!
//! They state shapes; rules across fields are checked by reading: see [`crate::text`]. After a change of a type,
//! `UPDATE=1 cargo nextest run -p surety-margin schemas` writes them anew.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use crate::{
    holdings::Holdings,
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
        ("holdings", schema::<Holdings>()),
        ("market", schema::<Snapshot>()),
        ("report", schema::<Report>()),
    ]
}

/// The schema of a type's files, as they are written.
#[must_use]
pub fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
}
