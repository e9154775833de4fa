//! Archives on disk: SQLite databases to which documents are added.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use serde::Serialize;
use surety_core::ident::Bytes32;
use surety_host::files::{self, FileError};

use super::{
    ArchiveEntry, ArchiveError, Archived, Summary,
    chain::{APPLICATION_ID, Row, SCHEMA, SCHEMA_VERSION, digest, format_name, format_named, head, kept_kind},
};

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What adding has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// Documents that are new.
    pub added: u64,
    /// Documents that were there already.
    pub present: u64,
    /// How the archive stands now.
    #[serde(flatten)]
    pub summary: Summary,
}

/// An archive that is open.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    database: Connection,
}

impl Archive {
    /// Opens an archive to add to it; one that does not exist is made.
    ///
    /// # Errors
    /// If it cannot be opened, or is something else.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let archive = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        archive.create()?;
        archive.check_schema()?;
        Ok(archive)
    }

    /// Opens an archive to read it.
    ///
    /// # Errors
    /// If it does not exist, cannot be opened, or is something else.
    pub fn open_read_only(path: &Path) -> Result<Self, ArchiveError> {
        if !path.exists() {
            return Err(FileError::Missing(path.to_owned()).into());
        }
        // A transaction that a crash has cut short is rolled back by the next reader, who writes for that, if it may.
        let archive = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        archive.check_schema()?;
        Ok(archive)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, ArchiveError> {
        // A file that somebody else wrote must not run code of its own, and must be whole.
        const PRAGMAS: &str = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;";
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || {
            let database = Connection::open_with_flags(path, flags)?;
            database.busy_timeout(PATIENCE)?;
            database.execute_batch(PRAGMAS)?;
            Ok(database)
        };
        let database = connect().map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), database })
    }

    /// Writes the schema into a file that is new.
    fn create(&self) -> Result<(), ArchiveError> {
        let create = || {
            let transaction = rusqlite::Transaction::new_unchecked(&self.database, TransactionBehavior::Immediate)?;
            let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            let id: i32 = transaction.query_row("PRAGMA application_id", [], |row| row.get(0))?;
            if tables == 0 && id == 0 {
                transaction.execute_batch(&SCHEMA.join(";\n"))?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            }
            transaction.commit()
        };
        create().map_err(|error| self.failed(error))
    }

    fn check_schema(&self) -> Result<(), ArchiveError> {
        let pragma = |name: &str| -> Result<i32, ArchiveError> {
            let value = self.database.pragma_query_value(None, name, |row| row.get(0));
            value.map_err(|error| self.failed(error))
        };
        if pragma("application_id")? != APPLICATION_ID {
            return Err(ArchiveError::NoArchive(self.path.clone()));
        }
        let found = pragma("user_version")?;
        if found != SCHEMA_VERSION {
            return Err(ArchiveError::Version { path: self.path.clone(), found });
        }
        // A view in the place of the table could show anything, and take for ever; a trigger could drop what is added.
        let compare = || -> rusqlite::Result<bool> {
            let genuine = Connection::open_in_memory()?;
            genuine.execute_batch(&SCHEMA.join(";\n"))?;
            Ok(schema_of(&genuine)? == schema_of(&self.database)?)
        };
        match compare() {
            Ok(true) => Ok(()),
            Ok(false) => Err(ArchiveError::Foreign(self.path.clone())),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Adds documents in their order: all of them, or none if this fails. Everything that is there is read and checked
    /// before, and again after: nothing that the file says of itself is believed, such as which of its pages are free.
    ///
    /// # Errors
    /// If the archive's chain is broken, or it cannot be written.
    pub fn add(&mut self, documents: &[Archived]) -> Result<Added, ArchiveError> {
        let path = self.path.clone();
        let failed = |error| failed(&path, error);
        let transaction = self.database.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let mut known = BTreeSet::new();
        let before = walk(&path, &transaction, |entry| {
            known.insert(entry.digest);
            Ok::<_, ArchiveError>(())
        })?;
        let (mut summary, mut present) = (before, 0);
        for document in documents {
            let digest = digest(document);
            if !known.insert(digest) {
                present += 1;
                continue;
            }
            summary = Summary { entries: summary.entries + 1, head: head(summary.head, summary.entries + 1, digest) };
            insert(&transaction, document, digest, &summary).map_err(failed)?;
        }
        if walk(&path, &transaction, |_| Ok::<_, ArchiveError>(()))? != summary {
            let (path, position) = (path.clone(), before.entries + 1);
            return Err(ArchiveError::Broken { path, position, expected: "what was added to it" });
        }
        transaction.commit().map_err(failed)?;
        Ok(Added { added: documents.len() as u64 - present, present, summary })
    }

    /// Reads every entry in its order, checks the chain, and passes each entry on once it and all before it are known
    /// to be whole. With `noted`, a head from earlier, also checks that the archive still begins with what it had then.
    ///
    /// # Errors
    /// If the archive cannot be read or its chain is broken; or the first error of `visit`.
    pub fn read<E: From<ArchiveError>>(
        &self,
        noted: Option<Bytes32>,
        mut visit: impl FnMut(ArchiveEntry) -> Result<(), E>,
    ) -> Result<Summary, E> {
        let mut found = noted.is_none_or(|noted| noted == Summary::EMPTY.head);
        let summary = walk(&self.path, &self.database, |entry| {
            found |= noted == Some(entry.head);
            visit(entry)
        })?;
        match noted {
            Some(expected) if !found => Err(ArchiveError::OtherHistory { path: self.path.clone(), expected }.into()),
            _ => Ok(summary),
        }
    }

    /// Checks the whole chain: see [`Archive::read`].
    ///
    /// # Errors
    /// If the archive cannot be read, its chain is broken, or it has lost what it had at the noted head.
    pub fn check(&self, noted: Option<Bytes32>) -> Result<Summary, ArchiveError> {
        self.read(noted, |_| Ok(()))
    }

    /// Writes every document to a file of its own in a directory, named by its kind and digest; of evidence, the file
    /// that it was. Files that are there already stay, so that an export that was cut short can be taken up again.
    ///
    /// # Errors
    /// If the archive is not whole, or a file cannot be written.
    pub fn export(&self, directory: &Path, noted: Option<Bytes32>) -> Result<Summary, ArchiveError> {
        files::create_directory(directory)?;
        self.read(noted, |entry| {
            let path = directory.join(entry.file_name());
            let evidence = entry.document.evidence().and_then(|evidence| evidence.content());
            let bytes = evidence.unwrap_or_else(|| entry.document.text.into_bytes());
            match files::write(&path, &bytes, files::Access::Public, files::Existing::Keep) {
                // Another file could stand there under the name of a document.
                Err(FileError::Exists(_)) if *files::read(&path, files::DOCUMENT_LIMIT)? == bytes => Ok(()),
                written => Ok(written?),
            }
        })
    }

    /// Keeps the archive as it is until it is closed: what is read afterwards is of one moment, and others who add to
    /// it wait.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn hold(&self) -> Result<(), ArchiveError> {
        self.database.execute_batch("BEGIN").map_err(|error| self.failed(error))
    }

    /// The document of an entry whose digest is known from reading the chain.
    ///
    /// # Errors
    /// If the archive cannot be read, or has changed since.
    pub fn document(&self, position: u64, digest: Bytes32) -> Result<Archived, ArchiveError> {
        let query = "SELECT kind, format, text FROM entries WHERE position = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let place = i64::try_from(position).unwrap_or(i64::MAX);
        let found = self.database.prepare_cached(query).and_then(|mut query| query.query_row([place], read));
        let found: Option<(String, String, String)> = match found {
            Ok(found) => Some(found),
            Err(rusqlite::Error::QueryReturnedNoRows | rusqlite::Error::InvalidColumnType(..)) => None,
            Err(error) => return Err(self.failed(error)),
        };
        let document = found.and_then(|(kind, format, text)| {
            Some(Archived { kind: kept_kind(&kind)?, format: format_named(&format)?, text })
        });
        document.filter(|document| self::digest(document) == digest).ok_or_else(|| ArchiveError::Broken {
            path: self.path.clone(),
            position,
            expected: "the document that was there before",
        })
    }

    fn failed(&self, error: rusqlite::Error) -> ArchiveError {
        failed(&self.path, error)
    }
}

fn failed(path: &Path, error: rusqlite::Error) -> ArchiveError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => ArchiveError::Disk { path: path.to_owned(), error },
        Some(ErrorCode::NotADatabase) => ArchiveError::NoArchive(path.to_owned()),
        _ => ArchiveError::Database { path: path.to_owned(), error },
    }
}

/// Tables, indexes and triggers, as the database has them.
fn schema_of(database: &Connection) -> rusqlite::Result<BTreeSet<[Option<String>; 4]>> {
    let mut statement = database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    rows.collect()
}

/// Reads the entries in their order, and passes each on once it is known to follow from those before.
fn walk<E: From<ArchiveError>>(
    path: &Path,
    database: &Connection,
    mut visit: impl FnMut(ArchiveEntry) -> Result<(), E>,
) -> Result<Summary, E> {
    let failed = |error| E::from(failed(path, error));
    let mut statement = database
        .prepare("SELECT position, kind, format, text, digest, head FROM entries ORDER BY position")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut summary = Summary::EMPTY;
    while let Some(row) = rows.next().map_err(failed)? {
        let entry = entry(path, row, &summary)?;
        summary = Summary { entries: entry.position, head: entry.head };
        visit(entry)?;
    }
    Ok(summary)
}

fn entry(path: &Path, row: &rusqlite::Row<'_>, before: &Summary) -> Result<ArchiveEntry, ArchiveError> {
    let position = before.entries + 1;
    let broken = |expected| ArchiveError::Broken { path: path.to_owned(), position, expected };
    let read = || -> rusqlite::Result<_> {
        let (kind, format): (String, String) = (row.get(1)?, row.get(2)?);
        Ok((row.get::<_, i64>(0)?, kind, format, row.get(3)?, row.get(4)?, row.get(5)?))
    };
    let (place, kind, format, text, digest, head): (i64, String, String, String, [u8; 32], [u8; 32]) =
        read().map_err(|_| broken("an entry of the schema's types"))?;
    Row { place, kind: &kind, format: &format, text, digest, head }.following(before).map_err(broken)
}

fn insert(database: &Connection, document: &Archived, digest: Bytes32, summary: &Summary) -> rusqlite::Result<()> {
    let Archived { kind, format, text } = document;
    let position = i64::try_from(summary.entries).unwrap_or(i64::MAX);
    database
        .prepare_cached(
            "INSERT INTO entries (position, kind, format, text, digest, head) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![position, kind.short_name(), format_name(*format), text, digest.0, summary.head.0])?;
    Ok(())
}

#[cfg(test)]
mod tests;
