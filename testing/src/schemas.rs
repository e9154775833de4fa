//! JSON Schemas of documents, as `docs/schemas` has them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{env, fs, path::Path};

use schemars::Schema;

/// Compares a schema with the published one of this name; with `UPDATE` in the environment, writes it anew.
///
/// # Panics
/// If the published one is another.
pub fn assert_published(name: &str, schema: &Schema) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "{}: run again with UPDATE=1", path.display());
}
