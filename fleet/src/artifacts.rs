//! Inputs and results of pages: in the book's directory, or in a store that has the same files under a prefix.
//!
//! | key | content |
//! |---|---|
//! | `public/…`, `private/plan.json`, `private/inputs/PAGE` | as in the [directory](surety_venue::directory) |
//! | `private/plan.seal` | by which whoever has the key knows the plan |
//! | `pages/PLAN/PAGE`, `cells/PLAN/PAGE` | results, by the plan's hash |
//!
//! Inputs and cells are sealed; the key is in no store. A plan names prices and rules: another would have pages proven
//! at prices that somebody chose, who could learn from which of them fail. Whatever a store has in the place of a
//! result is verified in a private directory before it is used, and replaced by a verified one if it is another.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path as Key,
};
use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
};
use surety_host::files::{self, Access, DOCUMENT_LIMIT, Existing, FileError, SECRET_LIMIT};
use surety_venue::directory::{BookDirectory, DirectoryError, MAX_INPUT_BYTES, PUBLIC_INPUTS};
use tempfile::TempDir;

/// Largest proven page: far more than one takes.
const MAX_PAGE_BYTES: u64 = 1 << 16;

/// Where artifacts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The book's directory, in which everything happens in place.
    Directory(PathBuf),
    /// A store, from which files are copied: `s3://BUCKET/PREFIX`, or `file:///DIR`.
    Store(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            None => Ok(Self::Directory(text.into())),
            Some(("s3" | "file", rest)) if !rest.is_empty() => Ok(Self::Store(text.to_owned())),
            // The text may be another kind of address, with a secret.
            Some(_) => Err("expected a directory, s3://BUCKET/PREFIX or file:///DIR, found something else".to_owned()),
        }
    }
}

/// Why artifacts are of no use.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The book's directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The store.
    #[error("artifacts: {key}: expected the store to answer, found: {error}")]
    Store {
        /// What was asked for.
        key: String,
        /// What the store says.
        error: object_store::Error,
    },
    /// The store lacks something.
    #[error("artifacts: expected {0}, found none; surety book prove DIR --artifacts puts it there")]
    Missing(String),
    /// Something is larger than any of its kind.
    #[error("artifacts: {key}: expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// What was asked for.
        key: String,
        /// The limit.
        limit: u64,
        /// The size.
        found: u64,
    },
}

impl Failure for ArtifactError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Directory(error) => error.class(),
            Self::Store { .. } => Class::Resources,
            Self::Missing(_) | Self::TooLarge { .. } => Class::Mismatch,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "artifacts".into()
    }
}

/// A store of artifacts.
#[derive(Clone, Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Key,
}

impl Store {
    /// Opens the store of an address. Credentials of S3 come from the environment, as everywhere: `AWS_…`.
    ///
    /// # Errors
    /// If the address is none, or the directory does not exist.
    pub fn open(address: &str) -> Result<Self, ArtifactError> {
        let failed = |error| ArtifactError::Store { key: address.to_owned(), error };
        if let Some(path) = address.strip_prefix("file://") {
            let objects = Arc::new(LocalFileSystem::new_with_prefix(path).map_err(failed)?);
            return Ok(Self { objects, prefix: Key::default() });
        }
        // Another part of the program may have chosen already; its choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (_, rest) = address.split_once("://").unwrap_or(("", address));
        let prefix = Key::from(rest.split_once('/').unwrap_or((rest, "")).1);
        let objects = AmazonS3Builder::from_env().with_url(address).build().map_err(failed)?;
        Ok(Self { objects: Arc::new(objects), prefix })
    }

    fn key(&self, parts: &[&str]) -> Key {
        parts.iter().fold(self.prefix.clone(), |key, part| key.join(*part))
    }

    async fn get(&self, parts: &[&str], limit: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        let key = self.key(parts);
        let failed = |error| ArtifactError::Store { key: key.to_string(), error };
        let found = match self.objects.get(&key).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(failed)?,
        };
        if found.meta.size > limit {
            return Err(ArtifactError::TooLarge { key: key.to_string(), limit, found: found.meta.size });
        }
        Ok(Some(found.bytes().await.map_err(failed)?.to_vec()))
    }

    /// As [`Self::get`], but takes what is larger than any of its kind as not there: somebody else's leavings.
    async fn find(&self, parts: &[&str], limit: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        match self.get(parts, limit).await {
            Err(ArtifactError::TooLarge { .. }) => Ok(None),
            found => found,
        }
    }

    async fn require(&self, parts: &[&str], limit: u64) -> Result<Vec<u8>, ArtifactError> {
        self.get(parts, limit).await?.ok_or_else(|| ArtifactError::Missing(self.key(parts).to_string()))
    }

    /// Puts a file in place of what is there.
    async fn put(&self, parts: &[&str], path: &Path, limit: u64) -> Result<(), ArtifactError> {
        self.put_bytes(parts, files::read(path, limit)?.to_vec(), PutMode::Overwrite).await.map(drop)
    }

    /// Puts a file of a verified result, unless it is there already.
    async fn put_result(&self, parts: &[&str], path: &Path, limit: u64) -> Result<(), ArtifactError> {
        let bytes = files::read(path, limit)?.to_vec();
        if self.put_bytes(parts, bytes.clone(), PutMode::Create).await? {
            return Ok(());
        }
        if self.find(parts, limit).await?.is_some_and(|found| found == bytes) {
            return Ok(());
        }
        self.put_bytes(parts, bytes, PutMode::Overwrite).await.map(drop)
    }

    /// Puts bytes, and tells whether they were put: false if there are some that the mode keeps.
    async fn put_bytes(&self, parts: &[&str], bytes: Vec<u8>, mode: PutMode) -> Result<bool, ArtifactError> {
        let key = self.key(parts);
        match self.objects.put_opts(&key, bytes.into(), PutOptions::from(mode)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(ArtifactError::Store { key: key.to_string(), error }),
        }
    }

    /// Puts what workers need of a book: public files, the sealed inputs of pages, and, last, the plan.
    ///
    /// # Errors
    /// If a file cannot be read, or the store refuses.
    pub async fn push(&self, directory: &BookDirectory, pages: &[u32]) -> Result<(), ArtifactError> {
        for name in PUBLIC_INPUTS {
            let path = directory.public().join(name);
            self.put(&["public", name], &path, DOCUMENT_LIMIT).await?;
        }
        for page in pages {
            let (name, path) = (number(*page), directory.input_path(*page));
            self.put(&["private", "inputs", &name], &path, MAX_INPUT_BYTES).await?;
        }
        self.put(&["private", "plan.seal"], &directory.seal_path(), SECRET_LIMIT).await?;
        self.put(&["private", "plan.json"], &directory.plan_path(), DOCUMENT_LIMIT).await
    }

    /// Copies the result of a page, which is anybody's, to a private directory; false if there is none. Cells come
    /// first, as everywhere; a page without them is none.
    ///
    /// # Errors
    /// If a file cannot be written, or the store refuses.
    pub async fn fetch(&self, directory: &BookDirectory, plan: Bytes32, page: u32) -> Result<bool, ArtifactError> {
        let (plan, name) = (plan.to_string(), number(page));
        let Some(proven) = self.find(&["pages", &plan, &name], MAX_PAGE_BYTES).await? else { return Ok(false) };
        let Some(cells) = self.find(&["cells", &plan, &name], MAX_INPUT_BYTES).await? else { return Ok(false) };
        files::write(&directory.cells_path(page), &cells, Access::Secret, Existing::Replace)?;
        files::write(&directory.page_path(page), &proven, Access::Public, Existing::Replace)?;
        Ok(true)
    }

    async fn keep(&self, directory: &BookDirectory, plan: Bytes32, page: u32) -> Result<(), ArtifactError> {
        let (plan, name) = (plan.to_string(), number(page));
        self.put_result(&["cells", &plan, &name], &directory.cells_path(page), MAX_INPUT_BYTES).await?;
        self.put_result(&["pages", &plan, &name], &directory.page_path(page), MAX_PAGE_BYTES).await
    }

    /// Copies what all pages need to a directory.
    async fn pull(&self, directory: &BookDirectory) -> Result<(), ArtifactError> {
        directory.make()?;
        for name in PUBLIC_INPUTS {
            let bytes = self.require(&["public", name], DOCUMENT_LIMIT).await?;
            files::write(&directory.public().join(name), &bytes, Access::Public, Existing::Keep)?;
        }
        let plan = self.require(&["private", "plan.json"], DOCUMENT_LIMIT).await?;
        files::write(&directory.plan_path(), &plan, Access::Secret, Existing::Keep)?;
        let seal = self.require(&["private", "plan.seal"], SECRET_LIMIT).await?;
        Ok(files::write(&directory.seal_path(), &seal, Access::Secret, Existing::Keep)?)
    }
}

fn number(page: u32) -> String {
    format!("{page:08}")
}

/// Where workers work: in place, or in a private directory that goes with them.
#[derive(Debug)]
pub struct Site {
    directory: BookDirectory,
    key: PathBuf,
    plan: Bytes32,
    store: Option<Store>,
    /// Removed when dropped.
    scratch: Option<TempDir>,
}

/// Where one worker works: no other's attempt at a page touches what is here, but in place.
#[derive(Debug)]
pub struct Desk {
    directory: BookDirectory,
    /// Removed when dropped.
    scratch: Option<TempDir>,
}

impl Desk {
    /// A private copy of what all pages need.
    ///
    /// # Errors
    /// If something cannot be copied.
    pub fn private(site: &Site) -> Result<Self, ArtifactError> {
        // Within that of all workers, which removes what a child that is being killed leaves behind.
        let within = site.scratch.as_ref().map_or_else(std::env::temp_dir, |scratch| scratch.path().to_owned());
        let (from, scratch) = (&site.directory, scratch(&within)?);
        let directory = BookDirectory::new(scratch.path()).with_key(&site.key);
        directory.make()?;
        for name in PUBLIC_INPUTS {
            copy(&from.public().join(name), &directory.public().join(name), Access::Public, DOCUMENT_LIMIT)?;
        }
        copy(&from.plan_path(), &directory.plan_path(), Access::Secret, DOCUMENT_LIMIT)?;
        copy(&from.seal_path(), &directory.seal_path(), Access::Secret, SECRET_LIMIT)?;
        check_plan(&directory, site.plan)?;
        Ok(Self { directory, scratch: Some(scratch) })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &BookDirectory {
        &self.directory
    }

    /// Copies a verified result to another directory: cells first, as everywhere.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn hand_over(&self, page: u32, to: &BookDirectory) -> Result<(), ArtifactError> {
        let from = &self.directory;
        copy(&from.cells_path(page), &to.cells_path(page), Access::Secret, MAX_INPUT_BYTES)?;
        copy(&from.page_path(page), &to.page_path(page), Access::Public, MAX_PAGE_BYTES)
    }

    /// Removes a result that is not valid, so that nobody takes it for one.
    pub fn discard(&self, page: u32) {
        // What stays is found again.
        let _ = self.directory.discard_page(page);
    }

    /// Removes the copies of a page's files.
    pub fn clear(&self, page: u32) {
        if self.scratch.is_some() {
            let directory = &self.directory;
            for path in [directory.input_path(page), directory.page_path(page), directory.cells_path(page)] {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn scratch(within: &Path) -> Result<TempDir, ArtifactError> {
    let (path, action) = (within.to_owned(), "a directory in it cannot be made");
    let scratch = tempfile::Builder::new().prefix("surety-").tempdir_in(within);
    Ok(scratch.map_err(|error| FileError::Io { path, action, error })?)
}

fn copy(from: &Path, to: &Path, access: Access, limit: u64) -> Result<(), ArtifactError> {
    Ok(files::write(to, &files::read(from, limit)?, access, Existing::Replace)?)
}

/// Refuses a plan that nobody with the key has vouched for, or that is another than before.
fn check_plan(directory: &BookDirectory, plan: Bytes32) -> Result<(), ArtifactError> {
    directory.check_plan(&files::read(&directory.seal_path(), SECRET_LIMIT)?)?;
    if directory.plan_id()? == plan {
        return Ok(());
    }
    Err(DirectoryError::Other { path: directory.plan_path(), expected: "the plan that was there before" }.into())
}

impl Site {
    /// The directory of a book, in place, and the file with the key of its private part, unless the directory has it.
    ///
    /// # Errors
    /// If there is no plan, or nobody with the key has vouched for it.
    pub fn in_place(directory: &Path, key: Option<&Path>) -> Result<Self, ArtifactError> {
        let directory = BookDirectory::new(directory);
        let key = key.map_or_else(|| directory.private().join("key"), Path::to_owned);
        Self::of(directory.with_key(&key), key, None, None)
    }

    fn of(
        directory: BookDirectory,
        key: PathBuf,
        store: Option<Store>,
        scratch: Option<TempDir>,
    ) -> Result<Self, ArtifactError> {
        let plan = directory.plan_id()?;
        check_plan(&directory, plan)?;
        Ok(Self { directory, key, plan, store, scratch })
    }

    /// The place, or a private directory with what it has. The key of the private part is in the given file, or where
    /// a directory has it.
    ///
    /// # Errors
    /// If something is missing, or cannot be copied.
    pub async fn open(place: &Place, key: Option<&Path>) -> Result<Self, ArtifactError> {
        let address = match place {
            Place::Directory(path) => return Self::in_place(path, key),
            Place::Store(address) => address,
        };
        let (store, scratch) = (Store::open(address)?, scratch(&std::env::temp_dir())?);
        let directory = BookDirectory::new(scratch.path());
        let key = key.map_or_else(|| directory.private().join("key"), Path::to_owned);
        let directory = directory.with_key(&key);
        store.pull(&directory).await?;
        Self::of(directory, key, Some(store), Some(scratch))
    }

    /// A place for one worker.
    ///
    /// # Errors
    /// If something cannot be copied.
    pub fn desk(&self) -> Result<Desk, ArtifactError> {
        match self.store {
            Some(_) => Desk::private(self),
            None => Ok(Desk { directory: self.directory.clone(), scratch: None }),
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &BookDirectory {
        &self.directory
    }

    /// What identifies the plan.
    #[must_use]
    pub fn plan(&self) -> Bytes32 {
        self.plan
    }

    /// Brings a page's inputs, or its result if there is one already, and tells whether there is.
    ///
    /// # Errors
    /// If something is missing, or cannot be copied.
    pub async fn bring(&self, desk: &Desk, page: u32) -> Result<bool, ArtifactError> {
        let Some(store) = &self.store else { return Ok(self.directory.page_path(page).exists()) };
        if store.fetch(&desk.directory, self.plan, page).await? {
            return Ok(true);
        }
        self.bring_input(desk, page).await?;
        Ok(false)
    }

    /// Brings a page's inputs.
    ///
    /// # Errors
    /// If they are missing, or cannot be copied.
    pub async fn bring_input(&self, desk: &Desk, page: u32) -> Result<(), ArtifactError> {
        let Some(store) = &self.store else { return Ok(()) };
        let input = store.require(&["private", "inputs", &number(page)], MAX_INPUT_BYTES).await?;
        Ok(files::write(&desk.directory.input_path(page), &input, Access::Secret, Existing::Replace)?)
    }

    /// Puts a verified result where everybody finds it.
    ///
    /// # Errors
    /// If the store refuses.
    pub async fn keep(&self, desk: &Desk, page: u32) -> Result<(), ArtifactError> {
        match &self.store {
            Some(store) => store.keep(&desk.directory, self.plan, page).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_places_that_are_neither_directories_nor_stores() {
        assert_eq!("a/book".parse(), Ok(Place::Directory("a/book".into())));
        assert_eq!("s3://bucket/a".parse(), Ok(Place::Store("s3://bucket/a".to_owned())));
        assert_eq!("file:///a".parse(), Ok(Place::Store("file:///a".to_owned())));
        for text in ["s3://", "https://user:secret@host/a", "postgres://user:secret@host"] {
            let error = text.parse::<Place>().unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
