//! What outlives a process: documents on shelves, by number, and the events that operators ask about.
//!
//! SQLite in write-ahead mode, each change a transaction that has reached the disk when it returns: a process that is
//! killed has done a thing or not done it. One process at a time opens a state.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use surety_core::{
    failure::{AnyFailure, Class, Failure, Internal},
    text::Document,
    units::Timestamp,
};
use surety_host::files;

use crate::error::ServiceError;

/// From each version of the state to the next. What was released is never changed.
const MIGRATIONS: [&str; 1] = ["
    create table document (
        shelf text not null,
        number integer not null,
        text text not null,
        primary key (shelf, number)
    ) strict, without rowid;
    create table event (
        position integer primary key autoincrement,
        at integer not null,
        role text not null,
        what text not null
    ) strict;
"];

/// Most events that are kept.
const EVENTS: u64 = 10_000;

/// Why the state does not take or give something.
#[derive(Debug, thiserror::Error)]
#[error("state: {0}")]
pub struct StateError(String);

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl Failure for StateError {
    fn class(&self) -> Class {
        Class::Resources
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "state".into()
    }
}

/// The place of documents of one kind: those of one role, about one thing, each with a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shelf(String);

impl Shelf {
    /// The shelf of these parts.
    #[must_use]
    pub fn new(parts: &[&str]) -> Self {
        Self(parts.join("/"))
    }
}

/// Something that happened, for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// When.
    pub at: Timestamp,
    /// To which role.
    pub role: String,
    /// What, in a sentence without secrets.
    pub what: String,
}

/// The state of a process.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
    directory: PathBuf,
    /// Held until the state is dropped.
    _lock: File,
}

impl State {
    /// Opens a state directory, which is created if need be, and brings it to this version.
    ///
    /// # Errors
    /// If another process uses it, it is of a later version, or cannot be used.
    pub fn open(directory: &Path) -> Result<Self, ServiceError> {
        let path = directory.join("surety.sqlite");
        let failed = |reason: String| ServiceError::State { path: path.clone(), reason };
        files::create_private_directory(directory).map_err(|error| failed(error.to_string()))?;
        let lock = OpenOptions::new().create(true).append(true).open(directory.join("lock"));
        let lock = lock.map_err(|error| failed(error.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ServiceError::Busy(directory.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
        }
        let mut connection = Connection::open(&path).map_err(|error| failed(error.to_string()))?;
        let opened = migrate(&mut connection).map_err(|error| failed(error.to_string()))?;
        if opened > MIGRATIONS.len() as i64 {
            return Err(ServiceError::Version { path, known: MIGRATIONS.len() as i64, found: opened });
        }
        Ok(Self { connection: Mutex::new(connection), directory: directory.to_owned(), _lock: lock })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic has broken off is rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a text on a shelf, in the place of one with the same number.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn put(&self, shelf: &Shelf, number: u64, text: &str) -> Result<(), StateError> {
        let number = in_range(number)?;
        let sql = "insert or replace into document (shelf, number, text) values (?1, ?2, ?3)";
        self.connection().prepare_cached(sql)?.execute(params![shelf.0, number, text])?;
        Ok(())
    }

    /// Puts a text on a shelf, unless there is one with the same number, which stays. Says whether it was put there.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn put_first(&self, shelf: &Shelf, number: u64, text: &str) -> Result<bool, StateError> {
        let number = in_range(number)?;
        let sql = "insert or ignore into document (shelf, number, text) values (?1, ?2, ?3)";
        Ok(self.connection().prepare_cached(sql)?.execute(params![shelf.0, number, text])? > 0)
    }

    /// The text with the largest number, and the number.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn newest(&self, shelf: &Shelf) -> Result<Option<(u64, String)>, StateError> {
        let sql = "select number, text from document where shelf = ?1 order by number desc limit 1";
        let connection = self.connection();
        let found: Option<(i64, String)> = connection
            .prepare_cached(sql)?
            .query_row(params![shelf.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.map(|(number, text)| (number.unsigned_abs(), text)))
    }

    /// The largest number of a shelf.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn newest_number(&self, shelf: &Shelf) -> Result<Option<u64>, StateError> {
        let sql = "select max(number) from document where shelf = ?1";
        let newest: Option<i64> = self.connection().prepare_cached(sql)?.query_row([&shelf.0], |row| row.get(0))?;
        Ok(newest.map(i64::unsigned_abs))
    }

    /// The text with the largest number below another.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn newest_before(&self, shelf: &Shelf, number: u64) -> Result<Option<String>, StateError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let sql = "select text from document where shelf = ?1 and number < ?2 order by number desc limit 1";
        let connection = self.connection();
        Ok(connection.prepare_cached(sql)?.query_row(params![shelf.0, number], |row| row.get(0)).optional()?)
    }

    /// The text with a number.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn at(&self, shelf: &Shelf, number: u64) -> Result<Option<String>, StateError> {
        let Ok(number) = in_range(number) else { return Ok(None) };
        let sql = "select text from document where shelf = ?1 and number = ?2";
        let connection = self.connection();
        Ok(connection.prepare_cached(sql)?.query_row(params![shelf.0, number], |row| row.get(0)).optional()?)
    }

    /// The numbers from one on, in their order, at most so many.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn numbers(&self, shelf: &Shelf, from: u64, most: u32) -> Result<Vec<u64>, StateError> {
        let Ok(from) = in_range(from) else { return Ok(Vec::new()) };
        let sql = "select number from document where shelf = ?1 and number >= ?2 order by number limit ?3";
        let connection = self.connection();
        let mut statement = connection.prepare_cached(sql)?;
        let numbers = statement.query_map(params![shelf.0, from, most], |row| row.get::<_, i64>(0))?;
        Ok(numbers.collect::<Result<Vec<_>, _>>()?.into_iter().map(i64::unsigned_abs).collect())
    }

    /// Takes the text with a number from a shelf.
    ///
    /// # Errors
    /// If the state cannot be changed.
    pub fn remove(&self, shelf: &Shelf, number: u64) -> Result<(), StateError> {
        let sql = "delete from document where shelf = ?1 and number = ?2";
        self.connection().prepare_cached(sql)?.execute(params![shelf.0, in_range(number)?])?;
        Ok(())
    }

    /// Keeps the texts with the largest numbers, so many, and forgets the others.
    ///
    /// # Errors
    /// If the state cannot be changed.
    pub fn keep_newest(&self, shelf: &Shelf, count: u32) -> Result<(), StateError> {
        let sql = "delete from document where shelf = ?1 and number not in
                   (select number from document where shelf = ?1 order by number desc limit ?2)";
        self.connection().prepare_cached(sql)?.execute(params![shelf.0, count])?;
        Ok(())
    }

    /// Notes that something happened. The oldest events are forgotten.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn note(&self, at: Timestamp, role: &str, what: &str) -> Result<(), StateError> {
        let (at, mut connection) = (in_range(at.0)?, self.connection());
        let transaction = connection.transaction()?;
        transaction.execute("insert into event (at, role, what) values (?1, ?2, ?3)", params![at, role, what])?;
        let sql = "delete from event where position <= (select max(position) from event) - ?1";
        transaction.execute(sql, params![in_range(EVENTS)?])?;
        transaction.commit()?;
        Ok(())
    }

    /// The last events, the newest first.
    ///
    /// # Errors
    /// If the state cannot be read.
    pub fn events(&self, most: u32) -> Result<Vec<Occurrence>, StateError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("select at, role, what from event order by position desc limit ?1")?;
        let events = statement.query_map(params![most], |row| {
            let at: i64 = row.get(0)?;
            Ok(Occurrence { at: Timestamp(at.unsigned_abs()), role: row.get(1)?, what: row.get(2)? })
        })?;
        Ok(events.collect::<Result<_, _>>()?)
    }

    /// Puts a document on a shelf, as [`State::put`] does with a text.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn put_document<D: Document>(&self, shelf: &Shelf, number: u64, document: &D) -> Result<(), AnyFailure> {
        Ok(self.put(shelf, number, &text_of(document)?)?)
    }

    /// Puts a document on a shelf unless there is one with the same number, as [`State::put_first`] does with a text.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn put_first_document<D: Document>(
        &self,
        shelf: &Shelf,
        number: u64,
        document: &D,
    ) -> Result<bool, AnyFailure> {
        Ok(self.put_first(shelf, number, &text_of(document)?)?)
    }

    /// The newest document of a shelf, and its number.
    ///
    /// # Errors
    /// If the state cannot be read, or what it gives is damaged.
    pub fn newest_document<D: Document>(&self, shelf: &Shelf) -> Result<Option<(u64, D)>, AnyFailure> {
        let Some((number, text)) = self.newest(shelf)? else { return Ok(None) };
        Ok(Some((number, D::from_json(&format!("state: {}/{number}", shelf.0), &text)?)))
    }
}

/// The text of a document, which every document of a role has.
pub(crate) fn text_of<D: Document>(document: &D) -> Result<String, AnyFailure> {
    Ok(document.to_json().map_err(|error| Internal(error.to_string()))?)
}

/// SQLite's integers have a sign.
fn in_range(number: u64) -> Result<i64, StateError> {
    i64::try_from(number).map_err(|_| StateError(format!("expected a number below 2^63, found {number}")))
}

/// Brings a database to this version, and gives the version that it has then.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    let transaction = connection.transaction()?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let missing = MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(usize::MAX));
    let mut reached = version;
    for migration in missing {
        transaction.execute_batch(migration)?;
        reached += 1;
    }
    transaction.pragma_update(None, "user_version", reached)?;
    transaction.commit()?;
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(name: &str) -> Shelf {
        Shelf::new(&["test", name])
    }

    #[test]
    fn documents_outlive_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(directory.path()).unwrap();
        for number in [3, 1, 2] {
            state.put(&shelf("a"), number, &format!("text {number}")).unwrap();
        }
        state.put(&shelf("a"), 2, "another").unwrap();
        assert!(!state.put_first(&shelf("a"), 3, "late").unwrap() && state.put_first(&shelf("a"), 9, "new").unwrap());
        drop(state);
        let state = State::open(directory.path()).unwrap();
        assert_eq!(state.newest(&shelf("a")).unwrap(), Some((9, "new".to_owned())));
        assert_eq!(state.at(&shelf("a"), 2).unwrap().as_deref(), Some("another"));
        assert_eq!(state.at(&shelf("b"), 2).unwrap(), None);
        assert_eq!(state.numbers(&shelf("a"), 2, 2).unwrap(), [2, 3]);
        assert_eq!(state.newest_before(&shelf("a"), 9).unwrap().as_deref(), Some("text 3"));
        assert_eq!(state.newest_before(&shelf("a"), 1).unwrap(), None);
        assert_eq!(
            (state.newest_number(&shelf("a")).unwrap(), state.newest_number(&shelf("b")).unwrap()),
            (Some(9), None)
        );
        state.keep_newest(&shelf("a"), 2).unwrap();
        assert_eq!(state.numbers(&shelf("a"), 0, 9).unwrap(), [3, 9]);
        state.remove(&shelf("a"), 3).unwrap();
        assert_eq!(state.numbers(&shelf("a"), 0, 9).unwrap(), [9]);
    }

    #[test]
    fn the_last_events_are_told_and_the_oldest_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let state = State::open(directory.path()).unwrap();
        for second in 0..3 {
            state.note(Timestamp(second), "role", &format!("event {second}")).unwrap();
        }
        let events = state.events(2).unwrap();
        assert_eq!(events.iter().map(|event| event.at.0).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(events[0].what, "event 2");
    }

    #[test]
    fn rejects_a_second_process_on_one_state() {
        let directory = tempfile::tempdir().unwrap();
        let first = State::open(directory.path()).unwrap();
        assert!(matches!(State::open(directory.path()), Err(ServiceError::Busy(_))));
        drop(first);
        State::open(directory.path()).unwrap();
    }

    #[test]
    fn rejects_a_state_of_a_later_version() {
        let directory = tempfile::tempdir().unwrap();
        drop(State::open(directory.path()).unwrap());
        let connection = Connection::open(directory.path().join("surety.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let refused = State::open(directory.path()).unwrap_err();
        assert!(matches!(refused, ServiceError::Version { found: 99, .. }), "{refused}");
    }
}
