//! Where the files of an attestation lie in its directory, public ones and, under `private/`, those of the holder
//! alone.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use surety_core::kind::Kind;
use surety_host::{
    documents::{self, DocumentError},
    files::{self, Existing, FileError},
};
use surety_verifier::attestation::statement::Statement;

use crate::opening::Opening;

/// The ending of an opening's file name.
const OPENING: &str = ".opening.json";

/// The ending of a statement's file name.
const JSON: &str = ".json";

/// A directory with the files of an attestation.
#[derive(Clone, Debug)]
pub struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The layout of a directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The universe.
    #[must_use]
    pub fn universe(&self) -> PathBuf {
        self.usual(Kind::Universe)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.usual(Kind::Policy)
    }

    /// The policy's commitments, for those who have no set-up.
    #[must_use]
    pub fn compiled(&self) -> PathBuf {
        self.usual(Kind::CompiledPolicy)
    }

    /// The market snapshot.
    #[must_use]
    pub fn market(&self) -> PathBuf {
        self.usual(Kind::Market)
    }

    /// The attestation.
    #[must_use]
    pub fn attestation(&self) -> PathBuf {
        self.usual(Kind::Attestation)
    }

    /// What a verifier may start its trust file from.
    #[must_use]
    pub fn trust(&self) -> PathBuf {
        self.usual(Kind::Trust)
    }

    /// What the sources state.
    #[must_use]
    pub fn statements(&self) -> PathBuf {
        self.directory.join("statements")
    }

    /// What the oracle nodes report.
    #[must_use]
    pub fn reports(&self) -> PathBuf {
        self.directory.join("reports")
    }

    /// What nobody but the holder may see.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.directory.join("private")
    }

    /// Balances of the whole account, where no statement exists yet.
    #[must_use]
    pub fn holdings(&self) -> PathBuf {
        self.private().join("holdings.csv")
    }

    /// The file that documents of a kind usually have here.
    fn usual(&self, kind: Kind) -> PathBuf {
        self.directory.join(kind.file_name().unwrap_or(kind.short_name()))
    }

    /// Writes a statement and its opening, each to its place; the directory `private` is made private.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn write_statement(
        &self,
        statement: &Statement,
        opening: &Opening,
    ) -> Result<(PathBuf, PathBuf), DocumentError> {
        files::create_directory(&self.statements())?;
        files::create_private_directory(&self.private())?;
        let name = statement_name(statement);
        let statement_path = self.statements().join(format!("{name}{JSON}"));
        let opening_path = self.private().join(format!("{name}{OPENING}"));
        // The opening first: a statement without one would be useless, and its sequence number used up.
        documents::write(&opening_path, opening, Existing::Keep)?;
        documents::write(&statement_path, statement, Existing::Keep)?;
        Ok((statement_path, opening_path))
    }

    /// The newest statement of each source about each account.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn read_statements(&self) -> Result<Vec<Statement>, DocumentError> {
        let mut newest = BTreeMap::new();
        for path in list(&self.statements(), JSON)? {
            let statement: Statement = documents::read(&path)?;
            let known = newest.entry(statement.position()).or_insert_with(|| statement.clone());
            if known.sequence < statement.sequence {
                *known = statement;
            }
        }
        Ok(newest.into_values().collect())
    }

    /// The openings.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn read_openings(&self) -> Result<Vec<Opening>, DocumentError> {
        list(&self.private(), OPENING)?.iter().map(|path| documents::read(path)).collect()
    }
}

/// The account and the beginning of the hash: the same for a statement and its opening.
fn statement_name(statement: &Statement) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
    let account: String = statement.account.as_str().chars().map(plain).collect();
    format!("{account}-{}", &statement.hash().to_string()[2..10])
}

/// The files of a directory whose names have this ending, in the order of their names; none if there is no directory.
fn list(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, FileError> {
    let failed = |error| FileError::Io { path: directory.to_owned(), action: "cannot be read", error };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let has_ending = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending));
    let mut paths: Vec<_> = paths.map_err(failed)?.into_iter().filter(has_ending).collect();
    paths.sort();
    Ok(paths)
}
