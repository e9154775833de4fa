//! The chain of an archive's entries, and the form of its database.

use alloy_primitives::Keccak256;
use serde::Serialize;
use surety_core::{
    ident::{Bytes32, HexBytes},
    kind::Kind,
    text::Format,
};

use super::{Archived, KEPT};

/// Marks the database as one of these: `Srty`.
pub(super) const APPLICATION_ID: i32 = 0x5372_7479;

/// The version of the schema.
pub(super) const SCHEMA_VERSION: i32 = 1;

/// The statements that make the database, as SQLite keeps them.
pub(super) const SCHEMA: [&str; 3] = [
    "CREATE TABLE entries (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    kind TEXT NOT NULL,
    format TEXT NOT NULL,
    text TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    head BLOB NOT NULL
) STRICT",
    "CREATE TRIGGER entries_stay BEFORE DELETE ON entries \
     BEGIN SELECT RAISE(ABORT, 'entries of an archive stay'); END",
    "CREATE TRIGGER entries_stay_so BEFORE UPDATE ON entries \
     BEGIN SELECT RAISE(ABORT, 'entries of an archive stay'); END",
];

/// How an archive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The number of entries.
    pub entries: u64,
    /// The hash that stands for all of them; zero for none.
    pub head: Bytes32,
}

impl Summary {
    pub(super) const EMPTY: Self = Self { entries: 0, head: Bytes32::ZERO };
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Its place, from 1.
    pub position: u64,
    /// Identifies the document.
    pub digest: Bytes32,
    /// Stands for this entry and all before it.
    pub head: Bytes32,
    /// The document.
    pub document: Archived,
}

/// An entry as the database has it, of which nothing is known yet.
pub(super) struct Row<'a> {
    pub(super) place: i64,
    pub(super) kind: &'a str,
    pub(super) format: &'a str,
    pub(super) text: String,
    pub(super) digest: [u8; 32],
    pub(super) head: [u8; 32],
}

impl Row<'_> {
    /// The entry, which must follow from those before it.
    ///
    /// # Errors
    /// With what was expected.
    pub(super) fn following(self, before: &Summary) -> Result<ArchiveEntry, &'static str> {
        let position = before.entries + 1;
        if u64::try_from(self.place) != Ok(position) {
            return Err("the position that follows");
        }
        let kind = kept_kind(self.kind).ok_or("a kind of document that archives keep")?;
        let format = format_named(self.format).ok_or("a format that archives keep")?;
        let document = Archived { kind, format, text: self.text };
        let digest = digest(&document);
        if digest != HexBytes(self.digest) {
            return Err("the digest of its document");
        }
        let head = head(before.head, position, digest);
        if head != HexBytes(self.head) {
            return Err("the hash of its document and the entry before");
        }
        Ok(ArchiveEntry { position, digest, head, document })
    }
}

impl ArchiveEntry {
    /// The name of its file in an export.
    #[must_use]
    pub fn file_name(&self) -> String {
        let digest = self.digest.to_string();
        let format = self.document.evidence().map_or(self.document.format, |evidence| evidence.format());
        format!("{}-{}.{}", self.document.kind.short_name(), digest.trim_start_matches("0x"), format_name(format))
    }
}

pub(super) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Toml => "toml",
        Format::Json => "json",
    }
}

pub(super) fn format_named(name: &str) -> Option<Format> {
    [Format::Toml, Format::Json].into_iter().find(|known| format_name(*known) == name)
}

pub(super) fn kept_kind(name: &str) -> Option<Kind> {
    Kind::of_short_name(name).filter(|kind| KEPT.contains(kind))
}

pub(super) fn digest(document: &Archived) -> Bytes32 {
    let Archived { kind, format, text } = document;
    let mut hasher = Keccak256::new();
    hasher.update("surety/archive-entry/v1");
    hasher.update((kind.short_name().len() as u64).to_be_bytes());
    hasher.update(kind.short_name());
    hasher.update([u8::from(*format == Format::Toml)]);
    hasher.update(text);
    HexBytes(hasher.finalize().0)
}

pub(super) fn head(before: Bytes32, position: u64, digest: Bytes32) -> Bytes32 {
    let mut hasher = Keccak256::new();
    hasher.update("surety/archive/v1");
    hasher.update(before.0);
    hasher.update(position.to_be_bytes());
    hasher.update(digest.0);
    HexBytes(hasher.finalize().0)
}
