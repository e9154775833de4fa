//! Imported set-ups on disk: a directory of `<id>-k<k>.srs` files in the compact format.
//!
//! File names are for people. What a file holds is read from the file, and checked whenever its powers are.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use surety_margin::capacity::Capacity;

use crate::{
    file::{self, FileError},
    import::{ImportError, ImportProblem, Source, import, read_compact_header, write_compact},
    progress::{Event, Observer},
    srs::{Srs, SrsId, VerifierKey},
};

/// Ending of the names of stored set-ups.
const EXTENSION: &str = "srs";

/// A directory of set-ups.
#[derive(Clone, Debug)]
pub struct SrsStore {
    directory: PathBuf,
}

/// A set-up in a store. Its powers have not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSrs {
    /// The file.
    pub path: PathBuf,
    /// Binary logarithm of the number of powers.
    pub k: u32,
    /// `[τ]₂`, hence identifier and origin.
    pub verifier_key: VerifierKey,
}

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A stored set-up is damaged.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// No stored set-up will do.
    #[error("{}: no set-up {id} with 2^{k} powers or more here: import it from a file of its ceremony", directory.display())]
    Missing {
        /// The store.
        directory: PathBuf,
        /// The set-up asked for.
        id: SrsId,
        /// The capacity class asked for.
        k: u32,
    },
}

impl SrsStore {
    /// The store in this directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// Stores a set-up and returns its file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&self, srs: &Srs) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(format!("{}-k{}.{EXTENSION}", srs.id(), srs.capacity().k()));
        file::write(&path, |writer| write_compact(srs, writer)).map_err(FileError::at(&path))?;
        Ok(path)
    }

    /// All set-ups in the store, smaller ones first. Files that are none are passed over with a notice.
    ///
    /// # Errors
    /// If the directory exists and cannot be read.
    pub fn list(&self, observer: &dyn Observer) -> Result<Vec<StoredSrs>, StoreError> {
        let mut found = Vec::new();
        for path in self.files().map_err(FileError::at(&self.directory))? {
            match inspect(&path) {
                Ok(stored) => found.push(stored),
                Err(problem) => {
                    observer.event(Event::Notice(format!("{}: passed over: {problem}", path.display())));
                }
            }
        }
        found.sort_by(|a, b| (a.k, &a.path).cmp(&(b.k, &b.path)));
        Ok(found)
    }

    /// Reads and checks the powers that a capacity class needs, from the smallest stored file that has them.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn load(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer) -> Result<Srs, StoreError> {
        let stored = self.list(observer)?;
        let best = stored.iter().find(|stored| stored.k >= capacity.k() && stored.verifier_key.id() == id);
        let missing = || StoreError::Missing { directory: self.directory.clone(), id, k: capacity.k() };
        Ok(import(&best.ok_or_else(missing)?.path, None, Some(capacity), observer)?)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
        Ok(paths?.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION)).collect())
    }
}

/// Reads the header of a stored set-up and `[τ]₂`.
fn inspect(path: &Path) -> Result<StoredSrs, ImportProblem> {
    let (k, tau_g2) = read_compact_header(&mut Source::new(file::open(path)?)?)?;
    Ok(StoredSrs { path: path.to_owned(), k, verifier_key: VerifierKey::new(tau_g2)? })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tempfile::TempDir;

    use super::*;
    use crate::progress::Silent;

    fn capacity(k: u32) -> Capacity {
        Capacity::new(k).unwrap()
    }

    fn store() -> (TempDir, SrsStore) {
        let directory = TempDir::new().unwrap();
        let store = SrsStore::new(directory.path().join("srs"));
        (directory, store)
    }

    #[test]
    fn the_smallest_sufficient_file_is_read() {
        let (_directory, store) = store();
        assert_eq!(store.list(&Silent).unwrap(), []);
        let large = Srs::development(capacity(11));
        let paths = [store.add(&large).unwrap(), store.add(&Srs::development(capacity(9))).unwrap()];
        assert_eq!(paths[0].file_name().unwrap().to_str().unwrap(), format!("{}-k11.srs", large.id()));
        let listed: Vec<_> = store.list(&Silent).unwrap().into_iter().map(|stored| (stored.k, stored.path)).collect();
        assert_eq!(listed, [(9, paths[1].clone()), (11, paths[0].clone())]);
        assert_eq!(store.load(large.id(), capacity(10), &Silent).unwrap(), Srs::development(capacity(10)));
        fs::remove_file(&paths[0]).unwrap();
        assert_eq!(store.load(large.id(), capacity(9), &Silent).unwrap(), Srs::development(capacity(9)));
    }

    #[test]
    fn rejects_a_store_that_is_no_directory() {
        let (directory, store) = store();
        assert_eq!(store.list(&Silent).unwrap(), [], "a store that is not there is empty");
        fs::write(directory.path().join("srs"), "").unwrap();
        assert!(store.list(&Silent).is_err());
    }

    #[test]
    fn rejects_what_it_does_not_have() {
        let (_directory, store) = store();
        let srs = Srs::development(capacity(9));
        store.add(&srs).unwrap();
        let error = store.load(srs.id(), capacity(10), &Silent).unwrap_err();
        assert!(matches!(error, StoreError::Missing { k: 10, .. }), "{error}");
        let other = SrsId::from(surety_margin::ident::HexBytes([1; 32]));
        assert!(matches!(store.load(other, capacity(9), &Silent), Err(StoreError::Missing { k: 9, .. })));
    }

    #[test]
    fn rejects_damaged_files_whatever_their_names() {
        let (_directory, store) = store();
        let srs = Srs::development(capacity(9));
        let path = store.add(&srs).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(bytes.len() - 1);
        fs::write(&path, &bytes).unwrap();
        let notices = Mutex::new(Vec::new());
        let error = store.load(srs.id(), capacity(9), &|event| notices.lock().unwrap().push(event)).unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }));
        assert!(matches!(&notices.into_inner().unwrap()[..], [Event::Notice(text)] if text.contains("passed over")));
    }
}
