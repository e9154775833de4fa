//! The example venue, as large as one likes: its list of accounts, its rules, and its book once that is proven.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use surety_books::{
    book::{Book, Page},
    cell::{CellFile, CellKeys},
    compiled::CompiledRules,
    rules::BookRules,
};
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, HexBytes},
    kind::KindOf,
    text::Document as _,
    units::Timestamp,
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    setup::Setups,
};
use surety_kzg::{Lanes, Params, SrsId, cell::CellKey, progress::Silent};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_prover::layout::Layout;
use surety_venue::{
    build::{Built, build},
    directory::{BookDirectory, PUBLIC_INPUTS},
    list::AccountList,
    work::{CellMaker, Shard, Workshop},
};
use surety_verifier::{CompiledPolicy, attestation::report::snapshot_id};
use surety_walkthrough::book::prepare;

/// Pages of the two kinds of the example venue that a million accounts take at k = 16.
pub const PAGES: usize = 460;

/// Accounts that take about as many at k = 12.
pub const ACCOUNTS: u64 = 60_000;

/// Accounts that take a page of each kind at k = 16.
pub const FEW: u64 = 2_000;

/// A venue with inputs in a directory, and rules that are compiled.
pub struct Venue<'a> {
    setups: &'a Setups,
    params: Params,
    inputs: PathBuf,
    /// The rules.
    pub rules: CompiledRules,
    /// The prices.
    pub snapshot: Snapshot,
}

/// What a venue has published, and the file of one user.
pub struct Published {
    /// The book.
    pub book: Book,
    /// Its pages.
    pub pages: Vec<Page>,
    /// What cells are checked with.
    pub keys: CellKeys,
    /// A user's cell.
    pub cell: CellFile,
}

impl Published {
    /// The key of the cell, checked as its user does.
    #[must_use]
    pub fn key(&self, venue: &Venue<'_>) -> CellKey {
        let kind = venue.rules.kinds.iter().find(|kind| kind.page.kind().name == self.cell.page_kind).unwrap();
        let rows = kind.page.layout().cells().rows_of_a_coset();
        self.keys.key(kind.committed.key.srs(), rows).unwrap()
    }
}

impl<'a> Venue<'a> {
    /// The venue in a directory, which is made if there is none: with so many accounts, and pages of this class.
    #[must_use]
    pub fn open(directory: &Path, accounts: u64, k: u32, now: Timestamp, setups: &'a Setups) -> Self {
        let capacity = Capacity::new(k).unwrap();
        let unfinished = directory.with_extension("unfinished");
        if !directory.exists() {
            // What an interrupted run left is of no use.
            let _ = std::fs::remove_dir_all(&unfinished);
            prepare(&unfinished, (accounts, capacity), setups, now, &Silent).unwrap();
            std::fs::rename(&unfinished, directory).unwrap();
        }
        let read = |name: &str| files::read_text(&directory.join(name)).unwrap();
        let universe = Universe::from_toml("universe.toml", &read("universe.toml")).unwrap();
        let policy = Policy::read("policy.toml", &read("policy.toml"), &universe).unwrap();
        let rules: BookRules = documents::read(&directory.join("book.toml")).unwrap();
        let snapshot: Snapshot = documents::read(&directory.join("market.json")).unwrap();
        let params = setups.params(SrsId::from(universe.srs), capacity, &Silent).unwrap();
        let policy = CompiledPolicy::compile_for(&rules.level, policy, universe, &params).unwrap().committed().clone();
        let rules = CompiledRules::compile(rules, policy, &params).unwrap();
        Self { setups, params, inputs: directory.to_owned(), rules, snapshot }
    }

    /// The size of the list of accounts, in bytes.
    #[must_use]
    pub fn list_bytes(&self) -> u64 {
        self.inputs.join("accounts.csv").metadata().unwrap().len()
    }

    /// Reads the list of accounts, and writes the encrypted inputs of pages and the plan to a new directory.
    #[must_use]
    pub fn build(&self, directory: &BookDirectory) -> Built {
        let layout = Layout::new(&self.inputs);
        let (statements, openings) = (layout.read_statements().unwrap(), layout.read_openings().unwrap());
        directory.make().unwrap();
        for name in PUBLIC_INPUTS {
            let text = files::read_text(&self.inputs.join(name)).unwrap();
            files::write(&directory.public().join(name), text.as_bytes(), Access::Public, Existing::Keep).unwrap();
        }
        let reserves = Layout::new(directory.reserves());
        for statement in &statements {
            let opening = openings.iter().find(|opening| opening.statement == statement.hash()).unwrap();
            reserves.write_statement(statement, opening).unwrap();
        }
        let validity = self.rules.policy.policy().validity.0;
        let of_statements = statements.iter().map(|statement| statement.valid_until.0).min().unwrap();
        let book = Book {
            kind: KindOf::new(),
            version: FormatVersion,
            audience: statements[0].audience,
            venue: statements[0].subject,
            as_of: statements[0].as_of,
            valid_until: Timestamp(of_statements.min(self.snapshot.time.0 + validity)),
            snapshot: snapshot_id(&self.rules.policy, &self.snapshot),
            rules: self.rules.summary().clone(),
            pages: 0,
            sum: HexBytes::ZERO,
            root: Bytes32::ZERO,
            statements: Vec::new(),
            reserves: HexBytes::ZERO,
        };
        let list = AccountList::open(File::open(self.inputs.join("accounts.csv")).unwrap()).unwrap();
        build(directory, &self.rules, book, list, &Silent).unwrap()
    }

    /// The book in a directory, built and proven unless it is there.
    #[must_use]
    pub fn publish(&self, directory: &BookDirectory) -> Published {
        let public = directory.public();
        if !directory.plan_path().exists() {
            let _ = self.build(directory);
        }
        let workshop = Workshop::open(directory, &self.rules, &self.snapshot, &self.params, Lanes::widest()).unwrap();
        let srs = self.setups.set_up(self.params.id(), self.params.capacity(), &Silent).unwrap();
        let keys = workshop.cell_keys(&srs).unwrap();
        if !public.join("book.json").exists() {
            let table = self.setups.table(&self.params, &Silent);
            let cells = |kind: usize| {
                let layout = self.rules.kinds[kind].page.layout().cells();
                self.setups.cell_table(&self.params, layout, Lanes::widest(), &Silent)
            };
            workshop.prove(Shard::ALL, (&table, cells), &Silent).unwrap();
            let reserves = Layout::new(directory.reserves());
            let reserves = (reserves.read_statements().unwrap(), reserves.read_openings().unwrap());
            let reserves = (reserves.0.as_slice(), reserves.1.as_slice());
            let now = self.snapshot.time;
            workshop.publish(table, &self.snapshot, reserves, Some(&keys), now, &Silent).unwrap();
        }
        let book: Book = documents::read(&public.join("book.json")).unwrap();
        let pages = BookDirectory::read_pages(&public).unwrap();
        let cell = CellMaker::open(directory, &self.rules).unwrap().cell("customer-0").unwrap();
        Published { book, pages, keys, cell }
    }
}
