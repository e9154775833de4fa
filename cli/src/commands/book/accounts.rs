//! The list of accounts of `surety book build`: a file, or the answer to a query.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use surety_fleet::{database::DatabaseUrl, query::Answer};
use surety_host::files::{self, FileError};
use surety_venue::{build::BuildError, list::AccountList};

use super::fleet::from_environment;
use crate::error::{Error, Usage};

/// The environment variable with the database's address.
const VARIABLE: &str = "SURETY_DATABASE";

#[derive(clap::Args)]
pub(super) struct Accounts {
    /// Accounts as CSV or Parquet: user, optionally nonce, and a column for each instrument, in units
    #[arg(long, value_name = "FILE", required_unless_present = "query", conflicts_with = "query")]
    accounts: Option<PathBuf>,
    /// File with a query in SQL that answers with the same columns
    #[arg(long, value_name = "FILE")]
    query: Option<PathBuf>,
    /// The PostgreSQL database to ask: postgres://USER@HOST/DATABASE [default: the environment variable
    /// SURETY_DATABASE, where a password is safer]
    #[arg(long, value_name = "URL", requires = "query")]
    database: Option<DatabaseUrl>,
}

impl Accounts {
    pub(super) fn of_file(path: PathBuf) -> Self {
        Self { accounts: Some(path), query: None, database: None }
    }

    /// Opens the list.
    pub(super) fn open(&self) -> Result<AccountList, Error> {
        match (&self.accounts, &self.query) {
            (Some(path), _) => in_file(path),
            (None, Some(query)) => Ok(AccountList::csv(Answer::ask(&self.url()?, &files::read_text(query)?)?)),
            (None, None) => Err(Usage("expected --accounts or --query, found neither".to_owned()).into()),
        }
    }

    fn url(&self) -> Result<DatabaseUrl, Error> {
        let url = match &self.database {
            Some(url) => Some(url.clone()),
            None => from_environment(VARIABLE)?,
        };
        let missing =
            || Usage(format!("--database: expected the address of a database, here or in {VARIABLE}, found none"));
        Ok(url.ok_or_else(missing)?)
    }
}

fn in_file(path: &Path) -> Result<AccountList, Error> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing(path.to_owned()),
        _ => FileError::Io { path: path.to_owned(), action: "cannot be read", error },
    })?;
    Ok(AccountList::open(file).map_err(BuildError::from)?)
}
