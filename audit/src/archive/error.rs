//! Why an archive cannot be used, or something not be kept in it.

use std::{borrow::Cow, path::PathBuf};

use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
    text::{InputErrors, WriteError, json_problem},
};
#[cfg(feature = "host")]
use surety_host::files::FileError;

use super::chain::SCHEMA_VERSION;

/// Why an archive cannot be used, or something not be kept in it.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A document that it does not keep.
    #[error(
        "{}: expected a universe, a policy, commitments of one, a market snapshot, a report, a statement or \
         an attestation, found none of them; an archive keeps public documents only",
        .0.display()
    )]
    Kind(PathBuf),
    /// A file that may have been a document.
    #[error(
        "{}:{}: {}; a document is JSON that says once of what kind it is: mend the file, or take it out of the \
         directory",
        path.display(),
        .error.line(),
        json_problem(.error)
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A document with mistakes.
    #[error(transparent)]
    Content(#[from] InputErrors),
    /// Evidence that cannot be written as a document.
    #[error("{}: {}: please report this", .0.display(), .1)]
    Unwritten(PathBuf, WriteError),
    /// A file.
    #[cfg(feature = "host")]
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is something else.
    #[error("{}: expected an archive, found another file", .0.display())]
    NoArchive(PathBuf),
    /// The database has other tables, views, indexes or triggers.
    #[error("{}: expected the tables and triggers of an archive, found others: somebody has changed what it \
             does", .0.display())]
    Foreign(PathBuf),
    /// The archive is of another version.
    #[error("{}: expected an archive of version {SCHEMA_VERSION}, found version {found}; use the version that wrote \
             it", path.display())]
    Version {
        /// The archive.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// The chain is broken.
    #[error("{}: entry {position}: expected {expected}, found another: the archive has been changed or \
             damaged", path.display())]
    Broken {
        /// The archive.
        path: PathBuf,
        /// The entry.
        position: u64,
        /// What should be there.
        expected: &'static str,
    },
    /// The archive does not contain what it had when its head was noted.
    #[error("{}: expected the head {expected} at some entry, found it nowhere: entries are missing or were \
             replaced", path.display())]
    OtherHistory {
        /// The archive.
        path: PathBuf,
        /// The head that was noted.
        expected: Bytes32,
    },
    /// The database is no whole one, or somebody still writes to it.
    #[error("{}: expected {expected}, found another: the file is damaged, or was copied while it was written; copy it \
             again when nothing writes to it", path.display())]
    Damaged {
        /// The archive.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The disk is full, or fails.
    #[cfg(feature = "host")]
    #[error("{}: the disk takes no more or cannot be read ({error}); nothing was added: make room and try \
             again", path.display())]
    Disk {
        /// The archive.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
    /// The database.
    #[cfg(feature = "host")]
    #[error("{}: {error}", path.display())]
    Database {
        /// The archive.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
}

/// An archive that is not whole is worth nothing until its owner knows why.
impl Failure for ArchiveError {
    fn class(&self) -> Class {
        match self {
            Self::Kind(_) | Self::Content(_) | Self::Unreadable { .. } => Class::Input,
            #[cfg(feature = "host")]
            Self::File(error) => error.class(),
            Self::NoArchive(_)
            | Self::Foreign(_)
            | Self::Version { .. }
            | Self::Broken { .. }
            | Self::Damaged { .. }
            | Self::OtherHistory { .. } => Class::Mismatch,
            Self::Unwritten(..) => Class::Internal,
            #[cfg(feature = "host")]
            Self::Disk { .. } => Class::Resources,
            #[cfg(feature = "host")]
            Self::Database { .. } => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            #[cfg(feature = "host")]
            Self::File(error) => error.code(),
            Self::Content(errors) => errors.code(),
            _ => "archive".into(),
        }
    }

    fn mistakes(&self) -> Option<&InputErrors> {
        match self {
            Self::Content(errors) => Some(errors),
            _ => None,
        }
    }
}
