//! Where audited documents lie: in files below a directory, in an archive, or in memory.

use std::path::PathBuf;
#[cfg(feature = "host")]
use std::{
    borrow::Cow,
    path::Path,
    sync::{Mutex, PoisonError},
};

#[cfg(feature = "host")]
use surety_core::failure::{Class, Failure, Internal};
use surety_core::{
    failure::AnyFailure,
    ident::Bytes32,
    text::{Document, InputErrors, Unfit},
    visible::one_line,
};
#[cfg(feature = "host")]
use surety_host::files;
use surety_margin::{policy::Policy, universe::Universe};
use zeroize::Zeroizing;

#[cfg(feature = "host")]
use super::input::sha256;
use super::memory::Memory;
use crate::archive::Archived;
#[cfg(feature = "host")]
use crate::archive::{Archive, ArchiveError};

/// The documents of an audit.
#[derive(Debug)]
pub(super) enum Source<'a> {
    /// Files below a directory.
    #[cfg(feature = "host")]
    Directory(&'a Path),
    /// Entries of an archive, which one thread reads at a time, and the first failure to read one.
    #[cfg(feature = "host")]
    Archive(Box<Mutex<(Archive, Option<ArchiveError>)>>),
    /// Files, or entries of an archive, in memory.
    Memory(&'a Memory<'a>),
}

/// A document of an audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A file, and the SHA-256 of its bytes when the audit began; none if it could not be read.
    File { path: PathBuf, sha256: Option<Bytes32> },
    /// An entry: the name that its file would have in an export, its position, its digest and the SHA-256 of its bytes.
    Entry { name: String, position: u64, digest: Bytes32, sha256: Bytes32 },
}

/// A file that is another one than when the audit began.
#[cfg(feature = "host")]
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: expected the file as it was when the audit began, found another: audit a copy of the directory",
    .0.display()
)]
struct Changed(PathBuf);

#[cfg(feature = "host")]
impl Failure for Changed {
    fn class(&self) -> Class {
        Class::Mismatch
    }

    fn code(&self) -> Cow<'static, str> {
        "changed".into()
    }
}

impl Source<'_> {
    /// The text of a document, of a size that documents have.
    pub(super) fn text(&self, place: &Place) -> Result<Zeroizing<String>, AnyFailure> {
        match (self, place) {
            (Self::Memory(memory), _) => memory.text(place),
            #[cfg(feature = "host")]
            (_, Place::File { path, sha256: begun }) => {
                let text = files::read_text(path)?;
                // The manifest of inputs has the file that is judged, and no other.
                match begun {
                    Some(begun) if sha256(text.as_bytes()) != *begun => Err(Changed(path.clone()).into()),
                    _ => Ok(text),
                }
            }
            #[cfg(feature = "host")]
            (Self::Archive(archive), Place::Entry { position, digest, .. }) => {
                let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                match archive.0.document(*position, *digest) {
                    Ok(document) => content(place, document),
                    Err(error) => {
                        let failure = Internal(error.to_string());
                        archive.1.get_or_insert(error);
                        Err(failure.into())
                    }
                }
            }
            #[cfg(feature = "host")]
            (Self::Directory(directory), Place::Entry { .. }) => {
                Err(files::FileError::Missing((*directory).to_owned()).into())
            }
        }
    }

    /// The first failure to read the archive, which says nothing about any document in it.
    #[cfg(feature = "host")]
    pub(super) fn take_failure(&self) -> Option<ArchiveError> {
        match self {
            Self::Directory(_) | Self::Memory(_) => None,
            Self::Archive(archive) => archive.lock().unwrap_or_else(PoisonError::into_inner).1.take(),
        }
    }

    /// Whether the pages of books lie beside them.
    pub(super) fn has_pages(&self) -> bool {
        match self {
            #[cfg(feature = "host")]
            Self::Directory(_) => true,
            #[cfg(feature = "host")]
            Self::Archive(_) => false,
            Self::Memory(_) => false,
        }
    }

    /// Reads a document.
    pub(super) fn read<T: Document>(&self, place: &Place) -> Result<T, AnyFailure> {
        Ok(place.parse(&self.text(place)?)?)
    }

    /// Reads a policy over its universe.
    pub(super) fn read_policy(&self, place: &Place, universe: &Universe) -> Result<Policy, AnyFailure> {
        Ok(Policy::read(&place.name(), &self.text(place)?, universe)?)
    }

    /// The name of a document in reports: from the audited directory on.
    pub(super) fn shown(&self, place: &Place) -> String {
        let directory = match self {
            #[cfg(feature = "host")]
            Self::Directory(directory) => Some(*directory),
            #[cfg(feature = "host")]
            Self::Archive(_) => None,
            Self::Memory(memory) => Some(memory.place()),
        };
        let name = match (directory, place) {
            (Some(directory), Place::File { path, .. }) => {
                path.strip_prefix(directory).unwrap_or(path).display().to_string()
            }
            _ => place.name(),
        };
        format!("./{}", one_line(&name))
    }
}

impl Place {
    /// The name in errors, whose ending says the format.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Entry { name, .. } => name.clone(),
        }
    }

    /// The SHA-256 of its bytes; none if it could not be read.
    pub(super) fn sha256(&self) -> Option<Bytes32> {
        match self {
            Self::File { sha256, .. } => *sha256,
            Self::Entry { sha256, .. } => Some(*sha256),
        }
    }

    fn parse<T: Document>(&self, text: &str) -> Result<T, InputErrors> {
        T::from_text(&self.name(), text)
    }
}

/// The text of an entry of an archive; of evidence, that of the file that it was.
pub(super) fn content(place: &Place, document: Archived) -> Result<Zeroizing<String>, AnyFailure> {
    match document.evidence().and_then(|evidence| evidence.content()) {
        None => Ok(Zeroizing::new(document.text)),
        Some(bytes) => Ok(Zeroizing::new(String::from_utf8(bytes).map_err(|_| Unfit::NotText(place.name()))?)),
    }
}

#[cfg(feature = "host")]
#[cfg(test)]
mod tests {
    use super::*;

    /// Attack: exchange a file once it is in the manifest of inputs.
    #[test]
    fn rejects_files_that_change_during_the_audit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        std::fs::write(&path, "first").unwrap();
        let place = Place::File { path: path.clone(), sha256: Some(sha256(b"first")) };
        let source = Source::Directory(directory.path());
        assert_eq!(source.text(&place).unwrap().as_str(), "first");
        std::fs::write(&path, "second").unwrap();
        let error = source.text(&place).unwrap_err();
        assert_eq!((error.code().as_ref(), error.class()), ("changed", Class::Mismatch));
    }
}
