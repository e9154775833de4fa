//! Set-ups that are at hand: a directory of `<id>-k<k>.srs` files in the compact format, and the one that the program
//! carries, if any.
//!
//! File names are for people. What a file holds is read from the file, and checked whenever its powers are.

use core::fmt;
use std::{
    borrow::Cow,
    fs,
    io::{self, Cursor},
    path::{Path, PathBuf},
};

use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure},
};
use surety_kzg::{
    import::{self, ImportProblem, read_header, write_compact},
    progress::{Event, Observer, Silent},
    srs::{Srs, SrsId, VerifierKey},
};

use crate::{
    atomic::{self, PathError, is_lack_of_space},
    import::{ImportError, import},
};

/// Ending of the names of stored set-ups.
const EXTENSION: &str = "srs";

/// A directory of set-ups, and the one that the program carries: none, or a sentence with what is wrong with it.
#[derive(Clone, Debug)]
pub struct SrsStore {
    directory: PathBuf,
    carried: Result<Option<&'static [u8]>, String>,
}

/// Where a set-up lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the program itself, as its release was built with.
    Program,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program => f.write_str("(in this program)"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A set-up in a store. Its powers have not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSrs {
    /// Where it lies.
    pub place: Place,
    /// Binary logarithm of the number of powers.
    pub k: u32,
    /// `[τ]₂`, hence identifier and origin.
    pub verifier_key: VerifierKey,
    /// Whether `[τ²]₂, [τ⁴]₂, …` are there too.
    pub has_g2_powers: bool,
}

/// Something in a store that is no set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Where it lies.
    pub place: Place,
    /// A sentence with what is wrong with it.
    pub problem: String,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be read or written.
    #[error(transparent)]
    File(#[from] PathError),
    /// A stored set-up is damaged.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// No stored set-up will do.
    #[error("{}: no set-up {id} with 2^{k} powers or more here: get it with surety srs get, or import it from a file \
             of its \
         ceremony with surety srs import", directory.display())]
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
        Self { directory: directory.into(), carried: Ok(None) }
    }

    /// The same store with a set-up that the program carries, a file in the compact format; or with a sentence why what
    /// it carries is none, which whoever uses the store is told.
    #[must_use]
    pub fn carrying(self, file: Result<Option<&'static [u8]>, String>) -> Self {
        Self { carried: file, ..self }
    }

    /// Stores a set-up and returns its file. Powers in G2 that were stored with the same powers before stay.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn add(&self, srs: &Srs) -> Result<PathBuf, StoreError> {
        let path = self.directory.join(format!("{}-k{}.{EXTENSION}", srs.id(), srs.capacity().k()));
        if srs.g2_powers_of_two().is_none()
            && inspect_file(&path).is_ok_and(|stored| stored.has_g2_powers)
            && import(&path, None, None, &Silent).is_ok_and(|stored| stored.powers() == srs.powers())
        {
            return Ok(path);
        }
        atomic::write_own(&path, |writer| write_compact(srs, writer)).map_err(PathError::at(&path))?;
        Ok(path)
    }

    /// All set-ups in the store, smaller ones first. What is none is passed over with a notice.
    ///
    /// # Errors
    /// If the directory exists and cannot be read.
    pub fn list(&self, observer: &dyn Observer) -> Result<Vec<StoredSrs>, StoreError> {
        let (found, passed_over) = self.survey()?;
        for PassedOver { place, problem } in passed_over {
            observer.event(Event::Notice(format!("{place}: passed over: {problem}")));
        }
        Ok(found)
    }

    /// All set-ups in the store, smaller ones first, and what is none.
    ///
    /// # Errors
    /// If the directory exists and cannot be read.
    pub fn survey(&self) -> Result<(Vec<StoredSrs>, Vec<PassedOver>), StoreError> {
        let files = self.files().map_err(PathError::at(&self.directory))?;
        let of_files = files.into_iter().map(|path| (inspect_file(&path).map_err(said), Place::File(path)));
        let inspect_carried =
            |file: Result<&'static [u8], String>| inspect(Cursor::new(file?), Place::Program).map_err(said);
        let carried = self.carried.clone().transpose().map(|file| (inspect_carried(file), Place::Program));
        let (mut found, mut passed_over) = (Vec::new(), Vec::new());
        for (inspected, place) in of_files.chain(carried) {
            match inspected {
                Ok(stored) => found.push(stored),
                Err(problem) => passed_over.push(PassedOver { place, problem }),
            }
        }
        found.sort_by(|a, b| (a.k, &a.place).cmp(&(b.k, &b.place)));
        Ok((found, passed_over))
    }

    /// Reads and checks the powers that a capacity class needs, from the smallest set-up that has them. One that is
    /// damaged is passed over with a notice if there is another.
    ///
    /// # Errors
    /// If there is none, or each is damaged.
    pub fn load(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer) -> Result<Srs, StoreError> {
        let stored = self.list(observer)?;
        let mut result = Err(StoreError::Missing { directory: self.directory.clone(), id, k: capacity.k() });
        for stored in stored.iter().filter(|stored| stored.k >= capacity.k() && stored.verifier_key.id() == id) {
            if let Err(error @ StoreError::Import(_)) = &result {
                observer.event(Event::Notice(format!("{error}; trying {} next", stored.place)));
            }
            result = self.read(stored, Some(capacity), observer);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Reads and checks the powers of a set-up in the store: those that a capacity class needs, or all of them.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn read(
        &self,
        stored: &StoredSrs,
        capacity: Option<Capacity>,
        observer: &dyn Observer,
    ) -> Result<Srs, StoreError> {
        if let Place::File(path) = &stored.place {
            return Ok(import(path, None, capacity, observer)?);
        }
        let file = self.carried.as_ref().ok().copied().flatten().unwrap_or_default();
        let in_program = |problem| ImportError { path: Place::Program.to_string().into(), problem };
        Ok(import::read(Cursor::new(file), None, capacity, observer).map_err(in_program)?)
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

fn said(problem: ImportProblem) -> String {
    problem.to_string()
}

fn inspect_file(path: &Path) -> Result<StoredSrs, ImportProblem> {
    inspect(atomic::open(path)?, Place::File(path.to_owned()))
}

/// Reads the header of a stored set-up and `[τ]₂`.
fn inspect(file: impl io::Read + io::Seek, place: Place) -> Result<StoredSrs, ImportProblem> {
    let header = read_header(file)?;
    let verifier_key = VerifierKey::new(header.tau_g2)?;
    Ok(StoredSrs { place, k: header.k, verifier_key, has_g2_powers: header.has_g2_powers })
}

impl Failure for StoreError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) if is_lack_of_space(&error.error) => Class::Resources,
            _ => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "set-up".into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tempfile::TempDir;

    use super::*;

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
        let listed: Vec<_> = store.list(&Silent).unwrap().into_iter().map(|stored| (stored.k, stored.place)).collect();
        assert_eq!(listed, [(9, Place::File(paths[1].clone())), (11, Place::File(paths[0].clone()))]);
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
        let other = SrsId::from(surety_core::ident::HexBytes([1; 32]));
        assert!(matches!(store.load(other, capacity(9), &Silent), Err(StoreError::Missing { k: 9, .. })));
    }

    fn g2_powers(srs: Srs) -> Srs {
        let tau = surety_kzg::origin::development_tau();
        let powers = core::iter::successors(Some(tau), |power| Some(power.square())).take(srs.capacity().k() as usize);
        let powers = powers.map(|power| (surety_kzg::G2Affine::generator() * power).into()).collect();
        srs.with_g2_powers(powers).unwrap()
    }

    #[test]
    fn powers_in_g2_are_kept_and_not_lost() {
        let (_directory, store) = store();
        let without = Srs::development(capacity(10));
        let with = g2_powers(without.clone());
        let path = store.add(&without).unwrap();
        assert_eq!(store.load(without.id(), capacity(10), &Silent).unwrap(), without, "stores without them are read");
        assert_eq!(store.add(&with).unwrap(), path);
        assert!(store.list(&Silent).unwrap()[0].has_g2_powers);
        assert_eq!(store.load(with.id(), capacity(10), &Silent).unwrap(), with);
        assert_eq!(store.load(with.id(), capacity(9), &Silent).unwrap(), g2_powers(Srs::development(capacity(9))));
        store.add(&without).unwrap();
        assert_eq!(store.load(with.id(), capacity(10), &Silent).unwrap(), with, "importing again loses nothing");
        // What is stored is damaged: it is replaced.
        let mut bytes = fs::read(&path).unwrap();
        bytes[4 + 32 * 7] ^= 1;
        fs::write(&path, bytes).unwrap();
        store.add(&without).unwrap();
        assert_eq!(store.load(with.id(), capacity(10), &Silent).unwrap(), without);
    }

    #[test]
    fn what_the_program_carries_counts_as_stored() {
        let (_directory, store) = store();
        let srs = Srs::development(capacity(10));
        let mut file = Vec::new();
        write_compact(&srs, &mut file).unwrap();
        let file: &'static [u8] = file.leak();
        let carrying = store.clone().carrying(Ok(Some(file)));
        let listed = carrying.list(&Silent).unwrap();
        assert_eq!((listed.len(), &listed[0].place, listed[0].k), (1, &Place::Program, 10));
        assert_eq!(carrying.load(srs.id(), capacity(9), &Silent).unwrap(), Srs::development(capacity(9)));
        assert!(matches!(carrying.load(srs.id(), capacity(11), &Silent), Err(StoreError::Missing { .. })));
        // A larger one on disk serves larger classes.
        store.add(&Srs::development(capacity(11))).unwrap();
        assert_eq!(carrying.load(srs.id(), capacity(11), &Silent).unwrap(), Srs::development(capacity(11)));
    }

    #[test]
    fn rejects_a_damaged_set_up_in_the_program() {
        let (_directory, store) = store();
        let srs = Srs::development(capacity(9));
        let mut file = Vec::new();
        write_compact(&srs, &mut file).unwrap();
        file[4 + 32 * 7] ^= 1;
        let carrying = store.clone().carrying(Ok(Some(file.leak())));
        let error = carrying.load(srs.id(), capacity(9), &Silent).unwrap_err().to_string();
        assert!(error.starts_with("(in this program): "), "{error}");
        // One that the program itself knows to be damaged is not passed over in silence.
        let carrying = store.carrying(Err("this program is damaged".to_owned()));
        let notices = Mutex::new(Vec::new());
        carrying.load(srs.id(), capacity(9), &|event| notices.lock().unwrap().push(event)).unwrap_err();
        let told = "(in this program): passed over: this program is damaged";
        assert_eq!(notices.into_inner().unwrap(), [Event::Notice(told.to_owned())]);
    }

    /// Damaged behind the header: nothing but reading the powers tells.
    #[test]
    fn rejects_a_damaged_file_and_takes_the_next_one() {
        let (_directory, store) = store();
        let srs = Srs::development(capacity(9));
        let path = store.add(&srs).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[4 + 32 * 7] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(store.load(srs.id(), capacity(9), &Silent), Err(StoreError::Import(_))));
        store.add(&Srs::development(capacity(10))).unwrap();
        let notices = Mutex::new(Vec::new());
        let loaded = store.load(srs.id(), capacity(9), &|event| notices.lock().unwrap().push(event)).unwrap();
        assert_eq!(loaded, srs);
        let notices = notices.into_inner().unwrap();
        let is_told = |event: &Event| matches!(event, Event::Notice(text) if text.contains("-k10.srs next"));
        assert!(notices.iter().any(is_told), "{notices:?}");
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
