//! The documents that an archive keeps: public ones, and none with holdings, openings or keys.

use std::path::Path;

use serde::{Deserialize, Serialize};
use surety_core::text::{Document, Format, InputErrors, toml_keys};
use surety_margin::{
    market::{Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_verifier::{attestation::Attestation, compiled::CompiledPolicyFile, statement::Statement};

use super::ArchiveError;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A universe.
    Universe,
    /// A policy.
    Policy,
    /// The commitments of a policy's programs.
    CompiledPolicy,
    /// A market snapshot.
    Market,
    /// A report of an oracle node.
    Report,
    /// A source's statement.
    Statement,
    /// An attestation.
    Attestation,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Universe,
        Self::Policy,
        Self::CompiledPolicy,
        Self::Market,
        Self::Report,
        Self::Statement,
        Self::Attestation,
    ];

    /// The name, as in a document's `kind` behind `surety/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Universe => "universe",
            Self::Policy => "policy",
            Self::CompiledPolicy => "compiled-policy",
            Self::Market => "market",
            Self::Report => "report",
            Self::Statement => "statement",
            Self::Attestation => "attestation",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Reads the document to see that it is one.
    fn check(self, file: &str, text: &str, format: Format) -> Result<(), InputErrors> {
        fn read<T: Document>(file: &str, text: &str, format: Format) -> Result<(), InputErrors> {
            match format {
                Format::Toml => T::from_toml(file, text).map(drop),
                Format::Json => T::from_json(file, text).map(drop),
            }
        }
        match self {
            Self::Universe => read::<Universe>(file, text, format),
            Self::Policy => read::<Policy>(file, text, format),
            Self::CompiledPolicy => read::<CompiledPolicyFile>(file, text, format),
            Self::Market => read::<Snapshot>(file, text, format),
            Self::Report => read::<Report>(file, text, format),
            Self::Statement => read::<Statement>(file, text, format),
            Self::Attestation => read::<Attestation>(file, text, format),
        }
    }
}

/// A document as it is kept: byte for byte as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// What it is.
    pub kind: Kind,
    /// Whether it is TOML or JSON.
    pub format: Format,
    /// Its text.
    pub text: String,
}

/// The one field that says what a document is.
#[derive(Deserialize)]
struct Header {
    kind: String,
}

impl Archived {
    /// Reads a document whose name says its format: TOML if it ends in `.toml`, otherwise JSON.
    ///
    /// # Errors
    /// If it is none of the kinds that are kept, or not a good one of its kind.
    pub fn read(file: &Path, text: &str) -> Result<Self, ArchiveError> {
        let format = Format::of_name(&file.to_string_lossy()).unwrap_or(Format::Json);
        let header: Option<Header> = match format {
            Format::Toml => toml_keys(text),
            Format::Json => header(file, text)?,
        };
        let kind = header.and_then(|header| Kind::named(header.kind.strip_prefix("surety/")?));
        let kind = kind.ok_or_else(|| ArchiveError::Kind(file.to_owned()))?;
        kind.check(&file.display().to_string(), text, format)?;
        Ok(Self { kind, format, text: text.to_owned() })
    }
}

/// What a JSON document says of itself. One that should be of this project and cannot be read may have been an
/// attestation: to pass it over would hide it from whoever audits the archive.
fn header(file: &Path, text: &str) -> Result<Option<Header>, ArchiveError> {
    let named_json = Format::of_name(&file.to_string_lossy()) == Some(Format::Json);
    match serde_json::from_str(text) {
        Ok(header) => Ok(Some(header)),
        Err(error) if named_json && (!error.is_data() || text.contains("surety/")) => {
            Err(ArchiveError::Unreadable { path: file.to_owned(), error })
        }
        Err(_) => Ok(None),
    }
}
