//! The documents that an archive keeps: public ones, and none with holdings, openings or keys.

use std::path::Path;

use surety_books::{book::Book, cell::CellKeys, rules::BookRules};
#[cfg(feature = "host")]
use surety_core::text::Unfit;
use surety_core::{
    kind::{Damaged, Kind, demand_kind, recognise},
    text::{Document, Format, InputErrors},
};
#[cfg(feature = "host")]
use surety_host::files::{self, DOCUMENT_LIMIT, FileError};
use surety_margin::{
    market::{Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_verifier::attestation::{claim::Attestation, compiled::CompiledPolicyFile, statement::Statement};

use super::{ArchiveError, evidence::Evidence};

/// The kinds that an archive keeps: attestations and books, the public documents that they rest on, and evidence.
pub const KEPT: [Kind; 11] = [
    Kind::Universe,
    Kind::Policy,
    Kind::CompiledPolicy,
    Kind::Market,
    Kind::Report,
    Kind::Statement,
    Kind::Attestation,
    Kind::BookRules,
    Kind::Book,
    Kind::CellKeys,
    Kind::Evidence,
];

/// Reads the document to see that it is one. None if archives keep no such documents.
fn check(kind: Kind, file: &str, text: &str, format: Format) -> Option<Result<(), InputErrors>> {
    fn read<T: Document>(file: &str, text: &str, format: Format) -> Option<Result<(), InputErrors>> {
        Some(match format {
            Format::Toml => T::from_toml(file, text).map(drop),
            Format::Json => T::from_json(file, text).map(drop),
        })
    }
    match kind {
        Kind::Universe => read::<Universe>(file, text, format),
        Kind::Policy => read::<Policy>(file, text, format),
        Kind::CompiledPolicy => read::<CompiledPolicyFile>(file, text, format),
        Kind::Market => read::<Snapshot>(file, text, format),
        Kind::Report => read::<Report>(file, text, format),
        Kind::Statement => read::<Statement>(file, text, format),
        Kind::Attestation => read::<Attestation>(file, text, format),
        Kind::BookRules => read::<BookRules>(file, text, format),
        Kind::Book => read::<Book>(file, text, format),
        Kind::CellKeys => read::<CellKeys>(file, text, format),
        Kind::Evidence => read::<Evidence>(file, text, format),
        _ => None,
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

impl Archived {
    /// Reads a document whose name says its format: TOML if it ends in `.toml`, otherwise JSON.
    ///
    /// # Errors
    /// If it is none of the kinds that are kept, or not a good one of its kind.
    pub fn read(file: &Path, text: &str) -> Result<Self, ArchiveError> {
        let named = Format::of_name(&file.to_string_lossy());
        let format = named.unwrap_or(Format::Json);
        let kind = match recognise(text, format) {
            Ok(header) if header.kind.is_none() && named == Some(Format::Json) => {
                let undeclared = |Damaged(error)| ArchiveError::Unreadable { path: file.to_owned(), error };
                demand_kind(text).map_err(undeclared)?;
                None
            }
            Ok(header) => header.known_kind(),
            Err(Damaged(error)) if named.is_some() => {
                return Err(ArchiveError::Unreadable { path: file.to_owned(), error });
            }
            Err(_) => None,
        };
        let name = file.display().to_string();
        let checked = kind.and_then(|kind| Some((kind, check(kind, &name, text, format)?)));
        let (kind, content) = checked.ok_or_else(|| ArchiveError::Kind(file.to_owned()))?;
        content?;
        Ok(Self { kind, format, text: text.to_owned() })
    }

    /// A file as an archive keeps it: a document, or evidence if it cannot be read as the document that it should be.
    ///
    /// # Errors
    /// If it is none of the kinds that are kept; or if it cannot be read, and may be a secret or is too large for
    /// evidence.
    #[cfg(feature = "host")]
    pub fn of_file(path: &Path) -> Result<Self, ArchiveError> {
        let error = match files::read_text(path) {
            Ok(text) => match Self::read(path, &text) {
                Err(error @ (ArchiveError::Unreadable { .. } | ArchiveError::Content(_))) => error,
                read => return read,
            },
            // Only its name says that it should have been a document.
            Err(error @ FileError::Unfit(Unfit::NotText(_)))
                if Format::of_name(&path.to_string_lossy()) == Some(Format::Json) =>
            {
                error.into()
            }
            Err(error) => return Err(error.into()),
        };
        let bytes = files::read(path, DOCUMENT_LIMIT)?;
        let Some(evidence) = Evidence::of(path, &bytes, &error.to_string()) else { return Err(error) };
        let text = evidence.to_json().map_err(|error| ArchiveError::Unwritten(path.to_owned(), error))?;
        Ok(Self { kind: Kind::Evidence, format: Format::Json, text })
    }

    /// The file that is kept as evidence; none if this is a document, or damaged.
    #[must_use]
    pub fn evidence(&self) -> Option<Evidence> {
        let is_evidence = recognise(&self.text, self.format).ok()?.known_kind() == Some(Kind::Evidence);
        is_evidence.then(|| Evidence::from_json("evidence", &self.text).ok())?
    }
}

#[cfg(test)]
mod tests {
    use surety_core::kind::Readers;

    use super::*;

    #[test]
    fn archives_keep_public_documents_and_all_of_them() {
        for kind in Kind::ALL {
            let kept = KEPT.contains(&kind);
            assert_eq!(check(kind, "", "", Format::Json).is_some(), kept, "{kind:?}");
            assert_eq!(kind.readers() == Readers::Public, kept, "{kind:?}");
        }
    }
}
