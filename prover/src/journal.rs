//! Small durable records, one file each, which several processes may change.
//!
//! What cannot be read is refused: a record that is damaged never starts anew.

use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
    text::json_problem,
};
use surety_host::{
    atomic::reason,
    files::{self, Access, Existing, FileError},
};

/// Why a record cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A record that is none.
    #[error("{}: expected a record of this program, found a damaged one: {reason}; {advice}", path.display())]
    Damaged {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// It cannot be read or written.
    #[error("the record cannot be kept: {0}")]
    File(#[from] FileError),
    /// The records cannot be locked.
    #[error("{}: the records cannot be locked: {}", path.display(), reason(error))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
}

/// The records of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    /// What to do about a damaged record.
    advice: &'static str,
}

impl Journal {
    /// The records in a directory of a state directory, which is created if need be.
    pub(crate) fn open(state: &Path, name: &str, advice: &'static str) -> Result<Self, JournalError> {
        let directory = state.join(name);
        files::create_private_directory(&directory)?;
        Ok(Self { directory, advice })
    }

    /// Changes a record while no other process does. When this returns, the change has reached the disk.
    pub(crate) fn change<T: Serialize + DeserializeOwned, A, E: From<JournalError>>(
        &self,
        key: Bytes32,
        change: impl FnOnce(Option<T>) -> Result<(T, A), E>,
    ) -> Result<A, E> {
        let _lock = self.lock()?;
        let (record, answer) = change(self.read(key)?)?;
        self.write(key, &record)?;
        Ok(answer)
    }

    /// The record under a key, if there is one.
    pub(crate) fn read<T: DeserializeOwned>(&self, key: Bytes32) -> Result<Option<T>, JournalError> {
        match files::read_text(&self.path(key)) {
            Err(FileError::Missing(_)) => Ok(None),
            text => serde_json::from_str(&text?)
                .map(Some)
                .map_err(|error| self.damaged(key, json_problem(&error).to_string())),
        }
    }

    fn write<T: Serialize>(&self, key: Bytes32, record: &T) -> Result<(), JournalError> {
        let mut text = serde_json::to_vec(record).map_err(|error| self.damaged(key, error.to_string()))?;
        text.push(b'\n');
        Ok(files::write(&self.path(key), &text, Access::Secret, Existing::Replace)?)
    }

    /// That the record under a key is another's, or none.
    pub(crate) fn damaged(&self, key: Bytes32, reason: String) -> JournalError {
        JournalError::Damaged { path: self.path(key), reason, advice: self.advice }
    }

    pub(crate) fn path(&self, key: Bytes32) -> PathBuf {
        self.directory.join(format!("{key}.json"))
    }

    /// Keeps other processes out until dropped.
    fn lock(&self) -> Result<File, JournalError> {
        let path = self.directory.join("lock");
        let locked = OpenOptions::new().create(true).append(true).open(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| JournalError::Lock { path, error })
    }
}

impl Failure for JournalError {
    fn class(&self) -> Class {
        match self {
            Self::Damaged { .. } => Class::Mismatch,
            Self::File(error) => error.class(),
            Self::Lock { .. } => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "journal".into()
    }
}
