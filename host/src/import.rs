//! Set-up files: opened, read and checked, with the file's name in every error.

use std::{
    borrow::Cow,
    fs::File,
    path::{Path, PathBuf},
};

use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure},
};
use surety_kzg::{
    Observer, Srs,
    import::{ImportProblem, read, read_g2, read_g2_powers},
};

use crate::atomic;

/// A set-up file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: ImportProblem,
}

/// Reads and checks a set-up file.
///
/// `g2` is the `g2.dat` that belongs to an Aztec `g1.dat`. Without `capacity`, reads as many powers as the file has, up
/// to `2^16`; fewer are faster to check.
///
/// # Errors
/// The file, and the first thing that is wrong with it.
pub fn import(
    path: &Path,
    g2: Option<&Path>,
    capacity: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Srs, ImportError> {
    let tau_g2 = g2.map(|path| in_file(path, read_g2)).transpose()?;
    in_file(path, |file| read(file, tau_g2, capacity, observer))
}

/// Adds to a set-up the powers in G2 of a file as [`read_g2_powers`] reads it.
///
/// # Errors
/// The file, and the first thing that is wrong with it.
pub fn import_g2_powers(srs: Srs, path: &Path) -> Result<Srs, ImportError> {
    in_file(path, |file| Ok(srs.with_g2_powers(read_g2_powers(file)?)?))
}

/// Runs `read` on an open file, and names the file in its error.
pub(crate) fn in_file<T>(path: &Path, read: impl FnOnce(File) -> Result<T, ImportProblem>) -> Result<T, ImportError> {
    atomic::open(path)
        .map_err(ImportProblem::from)
        .and_then(read)
        .map_err(|problem| ImportError { path: path.to_owned(), problem })
}

/// What is no set-up, or only the start of one, is bad input; a set-up that is damaged or another one is a mismatch.
impl Failure for ImportError {
    fn class(&self) -> Class {
        match self.problem {
            ImportProblem::Io(_)
            | ImportProblem::Foreign(_)
            | ImportProblem::Incomplete { .. }
            | ImportProblem::EndsEarly { .. } => Class::Input,
            _ => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "set-up".into()
    }
}

#[cfg(test)]
mod tests {
    use surety_kzg::progress::Silent;

    use super::*;

    #[test]
    fn rejects_files_that_are_not_there_by_name() {
        let error = import(Path::new("/nowhere/pot.ptau"), None, None, &Silent).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/pot.ptau: cannot be read"), "{error}");
    }
}
