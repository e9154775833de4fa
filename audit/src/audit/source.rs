//! Where audited documents lie: in files below a directory, or in an archive.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use surety_core::{
    failure::{AnyFailure, Internal},
    ident::Bytes32,
    text::{Document, InputErrors},
    visible::one_line,
};
use surety_host::{documents, files};
use surety_margin::{policy::Policy, universe::Universe};
use zeroize::Zeroizing;

use crate::archive::{Archive, ArchiveError};

/// The documents of an audit.
#[derive(Debug)]
pub(super) enum Source<'a> {
    /// Files below a directory.
    Directory(&'a Path),
    /// Entries of an archive, which one thread reads at a time, and the first failure to read one.
    Archive(Box<Mutex<(Archive, Option<ArchiveError>)>>),
}

/// A document of an audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A file.
    File(PathBuf),
    /// An entry: the name that its file would have in an export, its position and its digest.
    Entry { name: String, position: u64, digest: Bytes32 },
}

impl Source<'_> {
    /// The text of a document, of a size that documents have.
    pub(super) fn text(&self, place: &Place) -> Result<Zeroizing<String>, AnyFailure> {
        match (self, place) {
            (_, Place::File(path)) => Ok(files::read_text(path)?),
            (Self::Archive(archive), Place::Entry { position, digest, .. }) => {
                let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                match archive.0.document(*position, *digest) {
                    Ok(document) => Ok(Zeroizing::new(document.text)),
                    Err(error) => {
                        let failure = Internal(error.to_string());
                        archive.1.get_or_insert(error);
                        Err(failure.into())
                    }
                }
            }
            (Self::Directory(directory), Place::Entry { .. }) => {
                Err(files::FileError::Missing((*directory).to_owned()).into())
            }
        }
    }

    /// The first failure to read the archive, which says nothing about any document in it.
    pub(super) fn take_failure(&self) -> Option<ArchiveError> {
        match self {
            Self::Directory(_) => None,
            Self::Archive(archive) => archive.lock().unwrap_or_else(PoisonError::into_inner).1.take(),
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
        let name = match (self, place) {
            (Self::Directory(directory), Place::File(path)) => {
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
            Self::File(path) => path.display().to_string(),
            Self::Entry { name, .. } => name.clone(),
        }
    }

    fn parse<T: Document>(&self, text: &str) -> Result<T, InputErrors> {
        documents::parse(Path::new(&self.name()), text)
    }
}
