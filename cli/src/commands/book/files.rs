//! The public files of a book, and what follows from them.

use std::path::{Path, PathBuf};

use surety_books::{
    book::{Book, Page},
    compiled::CompiledRules,
    rules::BookRules,
};
use surety_host::{documents, setup::Setups};
use surety_kzg::{Params, SrsId, cell::CellTable};
use surety_margin::market::Snapshot;
use surety_prover::resources::lanes;
use surety_venue::{directory::BookDirectory, work::Workshop};
use surety_verifier::{CommittedPolicy, CompiledPolicy};

use crate::{
    Session,
    error::Error,
    inputs::{PolicyFiles, setups, warn_of_set_up},
};

/// Universe, policy, rules and prices, compiled over their set-up.
pub(super) struct BookFiles {
    pub(super) setups: Setups,
    pub(super) params: Params,
    pub(super) rules: CompiledRules,
    pub(super) snapshot: Snapshot,
}

/// The rules of books in a directory.
pub(super) fn rules_in(directory: &Path) -> PathBuf {
    directory.join("book.toml")
}

/// What a venue has published: a book, its pages, and the files beside them.
pub(super) struct Published {
    pub(super) book: Book,
    pub(super) pages: Vec<Page>,
    pub(super) files: BookFiles,
}

impl Published {
    /// Reads what lies in a directory.
    pub(super) fn read(directory: &Path, session: &Session) -> Result<Self, Error> {
        let book = documents::read(&directory.join("book.json"))?;
        let pages = BookDirectory::read_pages(directory)?;
        Ok(Self { book, pages, files: BookFiles::read(directory, session)? })
    }
}

impl BookFiles {
    /// What it takes to work on the book of a directory with these files.
    pub(super) fn workshop<'a>(&'a self, directory: &'a BookDirectory) -> Result<Workshop<'a>, Error> {
        Ok(Workshop::open(directory, &self.rules, &self.snapshot, &self.params, lanes())?)
    }

    /// The table that the cells of a kind are opened with.
    pub(super) fn cell_table(&self, kind: usize, session: &Session) -> CellTable {
        let layout = self.rules.kinds[kind].page.layout().cells();
        self.setups.cell_table(&self.params, layout, lanes(), &session.progress)
    }

    /// Warns of a set-up under which nothing is proven. Not where files are read: a demonstration and its workers read
    /// them many times.
    pub(super) fn warn(&self, session: &Session) {
        warn_of_set_up(self.params.verifier_key().origin(), self.params.id(), &session.progress);
    }

    /// Reads and compiles what lies in a directory: universe.toml, policy.toml, book.toml and market.json.
    pub(super) fn read(directory: &Path, session: &Session) -> Result<Self, Error> {
        let files = PolicyFiles::of(directory);
        let universe = files.read_universe()?;
        let policy = files.read_policy(&universe)?;
        let rules: BookRules = documents::read(&rules_in(directory))?;
        let snapshot: Snapshot = documents::read(&files.layout().market())?;
        let setups = setups()?;
        let srs = SrsId::from(universe.srs);
        let params = setups.params(srs, universe.capacity, &session.progress)?;
        let level = rules.level.clone();
        let policy: CommittedPolicy =
            CompiledPolicy::compile_for(&level, policy, universe, &params)?.committed().clone();
        let rules = CompiledRules::compile(rules, policy, &params)?;
        Ok(Self { setups, params, rules, snapshot })
    }
}
