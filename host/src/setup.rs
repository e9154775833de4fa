//! Set-ups: which one a universe names, and the bases of its capacity class, computed once and cached.

use std::{borrow::Cow, io};

use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure},
};
use surety_kzg::{
    Lanes, Observer, Origin, Params, Srs, SrsError, SrsId, Table,
    cell::{CellLayout, CellTable},
    origin::{CEREMONIES, Ceremony},
    srs::VerifierKey,
};
use surety_verifier::{KeyError, Protocol, VerifyingKey};

use crate::{
    cache::ParamsCache,
    carried::carried,
    directories::Directories,
    store::{SrsStore, StoreError},
};

/// Why there are no bases.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The store cannot be read, or does not have it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The powers are too few, or none.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// There is no verifying key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is a ceremony's, and not in the store.
    #[error(
        "set-up {id}: expected it in the store, found none; it is that of {ceremony}: get it with surety srs get \
         {ceremony}, \
         or import a file of that ceremony with surety srs import"
    )]
    NotHere {
        /// The set-up.
        id: SrsId,
        /// Whose it is.
        ceremony: &'static str,
    },
    /// Neither this program nor the store knows it.
    #[error(
        "set-up {0}: expected one that this version knows or that was imported, found neither; \
         import it with surety srs import, or correct the universe's srs"
    )]
    Unknown(SrsId),
}

/// The set-ups of a user.
#[derive(Clone, Debug)]
pub struct Setups {
    store: SrsStore,
    cache: ParamsCache,
}

impl Setups {
    /// Those in a user's directories.
    #[must_use]
    pub fn new(directories: &Directories) -> Self {
        Self {
            store: SrsStore::new(directories.data.join("srs"))
                .carrying(carried().map(|carried| carried.map(|carried| carried.file))),
            cache: ParamsCache::new(directories.cache.join("bases")),
        }
    }

    /// The set-ups that were imported or came with the program.
    #[must_use]
    pub fn store(&self) -> &SrsStore {
        &self.store
    }

    /// The set-up to use where nobody asks for a certain one: a ceremony's that was imported and is large enough,
    /// otherwise the development set-up.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn preferred(&self, capacity: Capacity, observer: &dyn Observer) -> Result<VerifierKey, SetupError> {
        let ceremony = self.ceremony(capacity, observer)?;
        Ok(ceremony.unwrap_or_else(|| *Srs::development(capacity).verifier_key()))
    }

    /// A ceremony's set-up that is at hand and large enough, if there is one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn ceremony(&self, capacity: Capacity, observer: &dyn Observer) -> Result<Option<VerifierKey>, SetupError> {
        let stored = self.store.list(observer)?;
        let ceremony = stored
            .into_iter()
            .find(|stored| stored.k >= capacity.k() && matches!(stored.verifier_key.origin(), Origin::Ceremony(_)));
        Ok(ceremony.map(|stored| stored.verifier_key))
    }

    /// The bases of a set-up for a capacity class: a fraction of a second from the cache, up to two minutes without.
    ///
    /// # Errors
    /// If the set-up is not known, not imported, or too small.
    pub fn params(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer) -> Result<Params, SetupError> {
        let key = self.verifier_key(id, capacity, observer)?;
        self.cache.params(&key, capacity, || self.srs(&key, capacity, observer), observer)
    }

    /// The table of multiples that the prover commits with: a fraction of a second from the cache, up to a few without.
    #[must_use]
    pub fn table(&self, params: &Params, observer: &dyn Observer) -> Table {
        self.cache.table(params, observer)
    }

    /// The table that the cells of a layout are opened with: a second from the cache, a dozen without.
    #[must_use]
    pub fn cell_table(&self, params: &Params, layout: &CellLayout, lanes: Lanes, observer: &dyn Observer) -> CellTable {
        self.cache.cell_table(params, layout, lanes, observer)
    }

    /// The set-up itself, with the powers in G2 that cells are checked with if it was imported with them.
    ///
    /// # Errors
    /// If the set-up is not known, not imported, or too small.
    pub fn set_up(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer) -> Result<Srs, SetupError> {
        let key = self.verifier_key(id, capacity, observer)?;
        self.srs(&key, capacity, observer)
    }

    /// How many cached files of bases and tables there are, and their bytes together.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn cached(&self) -> io::Result<(usize, u64)> {
        self.cache.size()
    }

    /// The verifying key of a capacity class over a set-up: the one that is checked in, or, for a set-up that this
    /// version does not know, the one that its powers give.
    ///
    /// # Errors
    /// If the set-up is not known, not imported, or too small.
    pub fn verifying_key(
        &self,
        id: SrsId,
        capacity: Capacity,
        observer: &dyn Observer,
    ) -> Result<VerifyingKey, SetupError> {
        match VerifyingKey::pinned(capacity, id) {
            Err(KeyError::UnknownSrs { .. }) => self.derive_key(id, capacity, observer),
            key => Ok(key?),
        }
    }

    /// The verifying key of a capacity class that the powers of a set-up give, whether or not one is checked in.
    ///
    /// # Errors
    /// If the set-up is not known, not imported, or too small.
    pub fn derive_key(
        &self,
        id: SrsId,
        capacity: Capacity,
        observer: &dyn Observer,
    ) -> Result<VerifyingKey, SetupError> {
        let key = self.verifier_key(id, capacity, observer)?;
        let protocol = Protocol::of(capacity).map_err(KeyError::from)?;
        Ok(VerifyingKey::derive(protocol, &self.srs(&key, capacity, observer)?)?)
    }

    fn verifier_key(&self, id: SrsId, capacity: Capacity, observer: &dyn Observer) -> Result<VerifierKey, SetupError> {
        if let Ok(key) = VerifyingKey::pinned(capacity, id) {
            return Ok(*key.srs());
        }
        let stored = self.store.list(observer)?;
        let found = stored.into_iter().find(|stored| stored.verifier_key.id() == id);
        Ok(found.ok_or_else(|| absent(id))?.verifier_key)
    }

    fn srs(&self, key: &VerifierKey, capacity: Capacity, observer: &dyn Observer) -> Result<Srs, SetupError> {
        if key.origin() == Origin::InsecureDevelopment {
            let srs = Srs::development_with_g2_powers(capacity);
            if srs.id() == key.id() {
                return Ok(srs);
            }
        }
        Ok(self.store.load(key.id(), capacity, observer)?)
    }
}

/// Why a set-up that is not in the store cannot be used.
fn absent(id: SrsId) -> SetupError {
    let is_its = |ceremony: &&Ceremony| ceremony.verifier_key().is_ok_and(|key| key.id() == id);
    match CEREMONIES.iter().find(is_its) {
        Some(ceremony) => SetupError::NotHere { id, ceremony: ceremony.name },
        None => SetupError::Unknown(id),
    }
}

impl Failure for SetupError {
    fn class(&self) -> Class {
        match self {
            Self::Store(error) => error.class(),
            _ => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "set-up".into()
    }
}
