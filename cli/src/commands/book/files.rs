//! The public files of a book, and what follows from them.

use std::path::{Path, PathBuf};

use surety_books::{compiled::CompiledRules, rules::BookRules};
use surety_host::{documents, setup::Setups};
use surety_kzg::{Params, SrsId};
use surety_margin::market::Snapshot;
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

impl BookFiles {
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
