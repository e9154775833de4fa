//! Reading and writing the files that people exchange.

use std::{borrow::Cow, path::Path};

use surety_core::{
    failure::{Class, Failure},
    text::{Document, Format, InputErrors, WriteError, table::Note},
};
use surety_import::{
    book::Book,
    positions::{self, Reading},
};
use surety_margin::{policy::Policy, universe::Universe};
use zeroize::Zeroizing;

use crate::files::{self, Access, Existing, FileError};

/// Why a document cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its content.
    #[error(transparent)]
    Content(#[from] InputErrors),
    /// It has no form as a file.
    #[error("{0}")]
    Write(#[from] WriteError),
}

/// Reads a document: TOML if the file's name ends in `.toml`, otherwise JSON.
///
/// # Errors
/// If the file cannot be read, with every mistake in it.
pub fn read<T: Document>(path: &Path) -> Result<T, DocumentError> {
    Ok(parse(path, &files::read_text(path)?)?)
}

/// Reads a document from the text of a file: TOML if the file's name ends in `.toml`, otherwise JSON.
///
/// # Errors
/// With every mistake in it.
pub fn parse<T: Document>(path: &Path, text: &str) -> Result<T, InputErrors> {
    T::from_text(&path.display().to_string(), text)
}

/// Reads the universe of a policy. If it has mistakes, those of the policy that show without it are told as well.
///
/// # Errors
/// If the universe cannot be read, with every mistake in it.
pub fn read_universe(path: &Path, policy: &Path) -> Result<Universe, DocumentError> {
    read(path).map_err(|error| match (error, policy_alone(policy)) {
        (DocumentError::Content(universe), Err(DocumentError::Content(policy))) => universe.and(policy).into(),
        (error, _) => error,
    })
}

/// Reads a policy as far as it can be checked without its universe.
fn policy_alone(path: &Path) -> Result<Policy, DocumentError> {
    let (name, text) = (path.display().to_string(), files::read_text(path)?);
    Ok(match Format::of_name(&name) {
        Some(Format::Json) => Policy::from_json(&name, &text)?,
        _ => Policy::from_toml(&name, &text)?,
    })
}

/// Reads a policy over a universe: JSON if the file's name ends in `.json`, otherwise TOML.
///
/// # Errors
/// If the file cannot be read, with every mistake in it.
pub fn read_policy(path: &Path, universe: &Universe) -> Result<Policy, DocumentError> {
    Ok(Policy::read(&path.display().to_string(), &files::read_text(path)?, universe)?)
}

/// Reads holdings over a universe: TOML, JSON or a table, of which `reading` says what it does not say itself. Adds to
/// the notes what the reader did with it.
///
/// # Errors
/// If the file cannot be read, with every mistake in it.
pub fn read_holdings(
    path: &Path,
    universe: &Universe,
    reading: &Reading,
    notes: &mut Vec<Note>,
) -> Result<Book, DocumentError> {
    Ok(positions::read(&path.display().to_string(), &files::read_text(path)?, universe, reading, notes)?)
}

/// Writes a document as JSON, for everybody or for its owner as its kind demands.
///
/// # Errors
/// If the file exists and is to be kept, or cannot be written.
pub fn write<T: Document>(path: &Path, document: &T, existing: Existing) -> Result<(), DocumentError> {
    let text = Zeroizing::new(document.to_json()?);
    let access = if T::SECRET { Access::Secret } else { Access::Public };
    Ok(files::write(path, text.as_bytes(), access, existing)?)
}

impl Failure for DocumentError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Content(errors) => errors.class(),
            Self::Write(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::File(error) => error.code(),
            Self::Content(_) | Self::Write(_) => "input".into(),
        }
    }

    fn mistakes(&self) -> Option<&InputErrors> {
        match self {
            Self::Content(errors) => Some(errors),
            _ => None,
        }
    }
}
