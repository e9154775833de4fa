//! A list of accounts out of a database: the answer to a query, as CSV, row by row.
//!
//! PostgreSQL writes the answer itself, by `COPY`, in a transaction that reads alone and sees one moment. A thread
//! takes the answer in, a few rows ahead of its reader. Rows that stop before the end are an error, never the end of a
//! list: accounts would be missing from the book.
//!
//! Errors about the statement are those of the database. Errors that come with rows are told by their code alone, as
//! their texts have values in them. The user should be one who may read the accounts and nothing else: a query can call
//! functions that act outside of transactions.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqlSafeStr as _,
    Statement as _, TypeInfo as _, postgres::PgConnectOptions,
};
use surety_core::failure::{Class, Failure};
use surety_venue::list::is_nonce;
use tokio::time::timeout;

use crate::database::DatabaseUrl;

/// How long a connection is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows that are taken in ahead of the reader.
const AHEAD: usize = 1_024;

/// Types of columns that hold text, integers or decimals, as PostgreSQL calls them.
const TYPES: [&str; 9] = ["TEXT", "VARCHAR", "CHAR", "NAME", "UUID", "INT2", "INT4", "INT8", "NUMERIC"];

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The way to the database.
    #[error("database: {0}")]
    Address(String),
    /// Nobody answers.
    #[error(
        "database: expected PostgreSQL to answer within {} s, found: {reason}; is the server up?", PATIENCE.as_secs()
    )]
    Unreachable {
        /// What was found.
        reason: String,
    },
    /// The database refuses.
    #[error("query: expected one statement that reads accounts, found: {0}")]
    Refused(String),
    /// A column has values of another type.
    #[error(
        "query, column {column}: expected text, integers or decimals, found {found}; convert the column, as in \
         {column}::numeric or {column}::text"
    )]
    Type {
        /// The column.
        column: String,
        /// The type.
        found: String,
    },
    /// The answer broke off.
    #[error("query: expected all rows of the answer, found an end before, {0}; nothing was built")]
    BrokenOff(String),
}

impl Failure for QueryError {
    fn class(&self) -> Class {
        match self {
            Self::Address(_) | Self::Refused(_) | Self::Type { .. } => Class::Input,
            Self::Unreachable { .. } | Self::BrokenOff(_) => Class::Resources,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "query".into()
    }
}

/// A part of the answer; none at its end.
type Part = Result<Option<bytes::Bytes>, QueryError>;

/// The answer to a query, in CSV, with the names of columns in its first row.
#[derive(Debug)]
pub struct Answer {
    parts: Receiver<Part>,
    part: bytes::Bytes,
    ended: bool,
}

impl Answer {
    /// Asks a database. Returns once the database has accepted the query.
    ///
    /// # Errors
    /// If the database does not answer, refuses the query, or answers with columns that hold something else than text,
    /// integers and decimals.
    pub fn ask(url: &DatabaseUrl, query: &str) -> Result<Self, QueryError> {
        let options = url.options_for_lists().map_err(QueryError::Address)?;
        let query = query.trim().trim_end_matches(';').to_owned();
        let (to, parts) = sync_channel(AHEAD);
        thread::spawn(move || {
            let sent = crate::block_on(answer(options, &query, &to));
            if let Err(error) = sent.map_err(|error| QueryError::BrokenOff(error.to_string())).flatten() {
                // Whoever has stopped reading wants to know nothing.
                let _ = to.send(Err(error));
            }
        });
        let mut answer = Self { parts, part: bytes::Bytes::new(), ended: false };
        answer.part = answer.next()?.unwrap_or_default();
        Ok(answer)
    }

    fn next(&mut self) -> Part {
        self.parts.recv().unwrap_or_else(|_| Err(QueryError::BrokenOff("nothing more came".to_owned())))
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() && !self.ended {
            match self.next().map_err(io::Error::other)? {
                Some(part) => self.part = part,
                None => self.ended = true,
            }
        }
        self.part.as_ref().take(buffer.len() as u64).read(buffer).inspect(|read| {
            let _ = self.part.split_to(*read);
        })
    }
}

/// Sends the answer, part by part, and that it has ended.
async fn answer(options: PgConnectOptions, query: &str, to: &SyncSender<Part>) -> Result<(), QueryError> {
    let connected = timeout(PATIENCE, options.connect()).await;
    let mut connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Err(QueryError::Unreachable { reason: error.to_string() }),
        Err(_) => return Err(QueryError::Unreachable { reason: "no answer".to_owned() }),
    };
    let refused = |error: sqlx::Error| QueryError::Refused(error.to_string());
    // Functions of the query see the same moment as the query does.
    let mut transaction =
        connection.begin_with("begin isolation level repeatable read read only").await.map_err(refused)?;
    // Rows that a policy keeps from this user are an error, not left out.
    sqlx::query("set local row_security = off").execute(&mut *transaction).await.map_err(refused)?;
    check_columns(&mut transaction, query).await?;
    // The end of the line ends a comment at the end of the query.
    let copy = format!("copy (\n{query}\n) to stdout (format csv, header, encoding 'UTF8')");
    let mut parts = transaction.copy_out_raw(&copy).await.map_err(not_begun)?;
    while let Some(part) = parts.next().await {
        if to.send(Ok(Some(part.map_err(broken_off)?))).is_err() {
            return Ok(());
        }
    }
    let _ = to.send(Ok(None));
    Ok(())
}

/// What went wrong among rows.
fn broken_off(error: sqlx::Error) -> QueryError {
    QueryError::BrokenOff(without_values(error))
}

/// What went wrong before the first row. Planning may have called functions that read rows: only what is wrong with the
/// statement, with rights or with writing is told in words.
fn not_begun(error: sqlx::Error) -> QueryError {
    let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned();
    let is_about_the_statement = code.starts_with("42") || code == "25006";
    QueryError::Refused(if is_about_the_statement { error.to_string() } else { without_values(error) })
}

/// An error, without its text, which may have values in it.
fn without_values(error: sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => format!("SQLSTATE {}", error.code().unwrap_or_default()),
        sqlx::Error::Io(error) => error.kind().to_string(),
        _ => "an answer that is not PostgreSQL's".to_owned(),
    }
}

/// Refuses what is not one statement, columns with values of other types than lists have, and a single column, whose
/// missing values would be lines that nobody sees.
async fn check_columns(connection: &mut PgConnection, query: &str) -> Result<(), QueryError> {
    let refused = |error: sqlx::Error| QueryError::Refused(error.to_string());
    let statement = connection.prepare(AssertSqlSafe(query).into_sql_str()).await.map_err(refused)?;
    let columns = statement.columns().len();
    if columns < 2 {
        return Err(QueryError::Refused(format!("an answer of {columns} columns, without a user or an instrument")));
    }
    for column in statement.columns() {
        let (name, found) = (column.name(), column.type_info().name());
        if !(TYPES.contains(&found) || found == "BYTEA" && is_nonce(name)) {
            return Err(QueryError::Type { column: name.to_owned(), found: found.to_lowercase() });
        }
    }
    Ok(())
}
