//! Proving the pages of a directory, in any order and any number of times; and the book once all are there.

use rand_core::OsRng;
use surety_books::{
    book::{Book, BookTerms, Page, verify, verify_page},
    cell::{CellFile, CellKeys},
    compiled::CompiledRules,
    root::Tree,
};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::Bytes32,
    kind::KindOf,
    units::{Lots, Price, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access, Existing, FileError},
};
use surety_kzg::{
    Event, HoldingCommitment, Lanes, Observer, Params, SecretScalars, Table,
    cell::{Cell, CellKey, CellRows, CellTable, CellVerifier, Opening},
    progress::Stage,
};
use surety_margin::{holdings::Balance, market::Snapshot};
use surety_prover::{
    account::{Account, AccountError},
    opening::Opening as StatementOpening,
};
use surety_verifier::{
    Rejection, Statement,
    attestation::report::{check_snapshot, snapshot_id},
};

use crate::{
    build::find_user,
    directory::{BookDirectory, DirectoryError, Plan},
    page::{PageInputError, PageTotals},
    prover::{BookProveError, PageProver, Reserves, check_reserves, prove_reserves},
    sealed::SealingKey,
};

/// Why work stops.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The files are those of another book.
    #[error(
        "{input}: expected that of the plan, {expected}, found {found}; use the files that the book was built with"
    )]
    Mismatch {
        /// Which file.
        input: &'static str,
        /// Its identifier in the plan.
        expected: Bytes32,
        /// Its identifier.
        found: Bytes32,
    },
    /// A page's accounts.
    #[error("page {page}: {error}")]
    Input {
        /// The page.
        page: u32,
        /// Why.
        error: PageInputError,
    },
    /// A page's proof.
    #[error("page {page}: {error}")]
    Page {
        /// The page.
        page: u32,
        /// Why.
        error: BookProveError,
    },
    /// The reserves.
    #[error("reserves: {0}")]
    Reserves(BookProveError),
    /// The openings of the reserves.
    #[error("reserves: {0}")]
    Openings(#[from] AccountError),
    /// The prices, or the book itself.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Pages are missing.
    #[error("expected all {all} pages to be proven, found {missing} that are not; run surety book prove")]
    Unfinished {
        /// Pages.
        all: usize,
        /// Pages without a proof.
        missing: usize,
    },
    /// A page that the book has not.
    #[error("page {page}: expected one below {pages}, the number of those in the plan, found none")]
    NoSuchPage {
        /// The page.
        page: u32,
        /// Pages.
        pages: usize,
    },
    /// Openings that users would refuse.
    #[error(
        "page {page}: expected openings of cells that users accept, found {refused} that they refuse; the page is \
         discarded: run surety book prove again, and if this happens again, remove the cached tables of cells"
    )]
    Cells {
        /// The page.
        page: u32,
        /// How many.
        refused: usize,
    },
    /// The user is not in the book.
    #[error("user: expected somebody who is in the book, found nobody of this name")]
    NoSuchUser,
}

impl From<FileError> for WorkError {
    fn from(error: FileError) -> Self {
        Self::Directory(error.into())
    }
}

impl Failure for WorkError {
    fn class(&self) -> Class {
        match self {
            Self::Directory(error) => error.class(),
            Self::Mismatch { .. } => Class::Mismatch,
            Self::Input { error, .. } => error.class(),
            Self::Page { error, .. } | Self::Reserves(error) => error.class(),
            Self::Openings(error) => error.class(),
            Self::Rejected(rejection) => rejection.class(),
            Self::Cells { .. } => Class::Invalid,
            Self::Unfinished { .. } | Self::NoSuchPage { .. } | Self::NoSuchUser => Class::Input,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book".into()
    }
}

/// The share of the pages that a process takes: those whose number leaves this remainder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// All pages.
    pub const ALL: Self = Self { index: 0, count: 1 };

    /// Shard `index` of `count`, from 0.
    ///
    /// # Errors
    /// If there is no such shard.
    pub fn new(index: u32, count: u32) -> Result<Self, String> {
        if index >= count {
            return Err(format!(
                "expected a shard from 0/{count} to {}/{count}, found {index}/{count}",
                count.saturating_sub(1)
            ));
        }
        Ok(Self { index, count })
    }

    /// Whether a page is in it.
    #[must_use]
    pub fn has(self, page: u32) -> bool {
        page % self.count == self.index
    }

    /// So many shards that together are this one.
    pub fn split(self, parts: u32) -> impl Iterator<Item = Self> + Clone {
        (0..parts).map(move |part| Self { index: self.index + self.count * part, count: self.count * parts })
    }
}

impl core::fmt::Display for Shard {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// What it takes to work on a book.
pub struct Workshop<'a> {
    directory: &'a BookDirectory,
    rules: &'a CompiledRules,
    params: &'a Params,
    plan: Plan,
    key: SealingKey,
    prices: Vec<Price>,
    lanes: Lanes,
}

impl<'a> Workshop<'a> {
    /// Opens a directory with the files that its book was built with.
    ///
    /// # Errors
    /// If the files are others, or the snapshot does not keep the policy's rules.
    pub fn open(
        directory: &'a BookDirectory,
        rules: &'a CompiledRules,
        snapshot: &Snapshot,
        params: &'a Params,
        lanes: Lanes,
    ) -> Result<Self, WorkError> {
        let key = directory.key()?;
        let plan = directory.sealed_plan(&key)?;
        let prices = prices_of(&plan, rules, snapshot)?;
        Ok(Self { directory, rules, params, plan, key, prices, lanes })
    }

    /// Proves the pages of a shard that are not proven yet, and returns how many those were. The table is that over the
    /// bases; `cells` gives the table of a kind's cells, which takes long to compute.
    ///
    /// # Errors
    /// If a page cannot be proven, or a file cannot be read or written.
    pub fn prove(
        &self,
        shard: Shard,
        tables: (&Table, impl Fn(usize) -> CellTable),
        observer: &dyn Observer,
    ) -> Result<u32, WorkError> {
        let mut mine: Vec<u32> = (0..self.plan.inputs.len() as u32).filter(|index| shard.has(*index)).collect();
        // Kind by kind, so that each key is made once.
        mine.sort_by_key(|index| self.plan.page_kinds[*index as usize]);
        let total = mine.len() as u64;
        let report = |done: u64| observer.event(Event::Progress { stage: Stage::Proving, done, total });
        let (mut bench, mut proven) = (self.bench(tables), 0);
        report(0);
        for (done, index) in (1..).zip(mine) {
            proven += u32::from(bench.prove(index)?);
            report(done);
        }
        Ok(proven)
    }

    /// A place to prove pages at, one by one. See [`Self::prove`] for the tables.
    pub fn bench<'w, F: Fn(usize) -> CellTable>(&'w self, (table, cells): (&'w Table, F)) -> Bench<'w, 'a, F> {
        Bench { workshop: self, table, cells, prover: None }
    }

    fn filled(&self, index: u32) -> Result<crate::page::FilledPage, WorkError> {
        let instruments = self.rules.policy.universe().instruments.len();
        let input = self.directory.read_input(&self.key, &self.plan, index, instruments)?;
        let filled = input.fill(self.rules, &self.plan.book.venue, &self.prices);
        filled.map_err(|error| WorkError::Input { page: index, error })
    }

    /// Checks that a page can be proven, without proving it. The reason that it cannot is for those with the key alone.
    ///
    /// # Errors
    /// If there is no such page, or its accounts do not satisfy its program.
    pub fn check_page(&self, index: u32) -> Result<(), WorkError> {
        let pages = self.plan.inputs.len();
        let kind = *self.plan.page_kinds.get(index as usize).ok_or(WorkError::NoSuchPage { page: index, pages })?;
        let program = self.rules.kinds[kind as usize].page.program();
        let solved = program.solve(&self.filled(index)?.position, &self.prices);
        solved.map(drop).map_err(|error| WorkError::Page { page: index, error: error.into() })
    }

    /// Checks the openings of all pages as users will, proves the reserves over all pages, verifies the whole book as
    /// an auditor does, and publishes it. The table is that over the bases; without keys, users can check nothing.
    ///
    /// # Errors
    /// If pages are missing, users would refuse an opening, the reserves do not suffice, or the book is not one that an
    /// auditor accepts.
    pub fn publish(
        &self,
        table: Table,
        snapshot: &Snapshot,
        (statements, openings): (&[Statement], &[StatementOpening]),
        keys: Option<&CellKeys>,
        now: Timestamp,
        observer: &dyn Observer,
    ) -> Result<Book, WorkError> {
        let pages = self.pages()?;
        // A user whose check fails would have to think that the venue lies.
        if let Some(keys) = keys {
            self.check_cells(&pages, keys, observer)?;
        }
        let (sum, totals) = self.sum()?;
        let universe = self.rules.policy.universe();
        let other =
            || DirectoryError::Other { path: self.directory.pages_path(), expected: "commitments that are points" };
        let mut book = listed(&self.plan, &pages).ok_or_else(other)?;
        statements.clone_into(&mut book.statements);
        book.statements.sort_by_key(Statement::position);
        let account = Account::open(universe, self.params, &book.statements, openings)?;
        let column = account.column(self.params).map_err(|error| WorkError::Reserves(error.into()))?;
        let reserves = Reserves { column, position: account.position() };
        let hashes: Vec<Bytes32> = book.statements.iter().map(Statement::hash).collect();
        let place = (book.root, hashes.as_slice());
        book.reserves = prove_reserves(self.rules, self.params, table, self.lanes, &reserves, (&sum, &totals), place)
            .map_err(WorkError::Reserves)?;
        // Whether a set-up is good enough is for auditors to say.
        let terms = BookTerms { allow_insecure_srs: true, root: None, now };
        verify(&book, &pages, self.rules, snapshot, &terms, &mut OsRng)?;
        let bytes: Vec<u8> = pages.iter().flat_map(Page::to_bytes).collect();
        files::write(&self.directory.pages_path(), &bytes, Access::Public, Existing::Replace)?;
        // Last: where there is a book, there are its pages.
        let path = self.directory.public().join("book.json");
        documents::write(&path, &book, Existing::Replace).map_err(DirectoryError::from)?;
        Ok(book)
    }

    /// Whether the reserves will suffice: found before pages are proven, which takes long.
    ///
    /// # Errors
    /// If they will not, with the rule that fails.
    pub fn check_reserves(&self, statements: &[Statement], openings: &[StatementOpening]) -> Result<(), WorkError> {
        let (_, totals) = self.sum()?;
        let universe = self.rules.policy.universe();
        let account = Account::open(universe, self.params, statements, openings)?;
        check_reserves(self.rules, account.position(), &totals).map_err(WorkError::Reserves)
    }

    /// The sums of all pages' columns and totals.
    fn sum(&self) -> Result<(SecretScalars, PageTotals), WorkError> {
        let mut sum = SecretScalars::zeros(self.params.capacity().rows());
        let mut totals = PageTotals::zero(self.rules.policy.universe().instruments.len());
        for index in 0..self.plan.inputs.len() as u32 {
            let filled = self.filled(index)?;
            sum.iter_mut().zip(filled.column.iter()).for_each(|(sum, value)| *sum += value);
            totals.add(&filled.totals);
        }
        Ok((sum, totals))
    }

    fn pages(&self) -> Result<Vec<Page>, WorkError> {
        let all = self.plan.inputs.len();
        let pages = (0..all as u32).map(|index| self.directory.read_page(&self.key, &self.plan, index));
        let pages: Vec<Option<Page>> = pages.collect::<Result<_, _>>()?;
        let missing = pages.iter().filter(|page| page.is_none()).count();
        if missing > 0 {
            Err(WorkError::Unfinished { all, missing })
        } else {
            Ok(pages.into_iter().flatten().collect())
        }
    }

    /// Checks the openings of all pages, and discards a page with one that users would refuse.
    fn check_cells(&self, pages: &[Page], keys: &CellKeys, observer: &dyn Observer) -> Result<(), WorkError> {
        let total = pages.len() as u64;
        let report = |done: u64| observer.event(Event::Progress { stage: Stage::Verifying, done, total });
        report(0);
        for (page, index) in pages.iter().zip(0..) {
            let refused = self.refused_cells(keys, page, index)?;
            if refused > 0 {
                self.directory.discard_page(index)?;
                return Err(WorkError::Cells { page: index, refused });
            }
            report(u64::from(index) + 1);
        }
        Ok(())
    }

    /// How many openings of a page users would refuse.
    fn refused_cells(&self, keys: &CellKeys, page: &Page, index: u32) -> Result<usize, WorkError> {
        let layout = self.rules.kinds[page.kind as usize].page.layout().cells();
        let key = keys.key(self.params.verifier_key(), layout.rows_of_a_coset())?;
        let other = |_| WorkError::Cells { page: index, refused: layout.cells().len() };
        let verifier = CellVerifier::new(key, layout.clone()).map_err(|error| other(error.to_string()))?;
        let commitment = HoldingCommitment::from_bytes(&page.commitment.0).map_err(|error| other(error.to_string()))?;
        let (column, openings) = (self.filled(index)?.column, self.directory.read_cells(&self.key, &self.plan, index)?);
        let values = |cell: &CellRows| {
            let mut values = SecretScalars::zeros(cell.rows().len());
            values.iter_mut().zip(cell.rows()).for_each(|(value, row)| *value = column[row.index()]);
            values
        };
        let values: Vec<SecretScalars> = layout.cells().iter().map(values).collect();
        let openings: Vec<Opening> = openings.iter().filter_map(|bytes| Opening::from_bytes(&bytes.0).ok()).collect();
        if openings.len() != values.len() {
            return Ok(values.len());
        }
        let cells = layout.cells().iter().zip(&values).zip(&openings).map(|((cell, values), opening)| Cell {
            commitment: &commitment,
            coset: cell.coset(),
            values,
            opening,
        });
        Ok(verifier.failures(&cells.collect::<Vec<_>>(), &mut OsRng).len())
    }

    /// The keys that users check their cells with; what lacks powers in G2 gives none.
    ///
    /// # Errors
    /// If the set-up has not the powers that the cells take.
    pub fn cell_keys(&self, srs: &surety_kzg::Srs) -> Result<CellKeys, surety_kzg::cell::CellKeyError> {
        let mut rows: Vec<usize> =
            self.rules.kinds.iter().map(|kind| kind.page.layout().cells().rows_of_a_coset()).collect();
        rows.sort_unstable();
        rows.dedup();
        let keys = rows.into_iter().map(|rows| CellKey::from_srs(srs, rows)).collect::<Result<Vec<_>, _>>()?;
        Ok(CellKeys::of(srs.id().bytes(), &keys))
    }
}

/// Where pages are proven one by one, with the key of one kind and the table of its cells in memory at a time.
pub struct Bench<'w, 'a, F> {
    workshop: &'w Workshop<'a>,
    table: &'w Table,
    cells: F,
    prover: Option<(u32, PageProver<'a>)>,
}

impl<F: Fn(usize) -> CellTable> Bench<'_, '_, F> {
    /// Proves a page, unless it is proven already, and tells whether it was not.
    ///
    /// # Errors
    /// If there is no such page, it cannot be proven, or a file cannot be read or written.
    pub fn prove(&mut self, index: u32) -> Result<bool, WorkError> {
        let Workshop { directory, plan, key, prices, rules, params, lanes } = self.workshop;
        let pages = plan.inputs.len();
        let kind = *plan.page_kinds.get(index as usize).ok_or(WorkError::NoSuchPage { page: index, pages })?;
        if directory.read_page(key, plan, index)?.is_some() {
            return Ok(false);
        }
        let failed = |error| WorkError::Page { page: index, error };
        let prover = match self.prover.take().filter(|(of, _)| *of == kind) {
            Some((_, prover)) => prover,
            None => {
                let tables = (self.table.clone(), (self.cells)(kind as usize));
                PageProver::new(rules, params, kind as usize, tables, *lanes).map_err(failed)?
            }
        };
        let filled = self.workshop.filled(index)?;
        let proven = prover.prove(&filled, plan.book.header(), index, prices).map_err(failed)?;
        directory.write_page(key, plan, index, (&proven.page, &proven.openings))?;
        self.prover = Some((kind, prover));
        Ok(true)
    }
}

/// Verifies pages as an auditor will.
pub struct PageVerifier {
    directory: BookDirectory,
    rules: CompiledRules,
    plan: Plan,
    key: SealingKey,
    prices: Vec<Price>,
}

impl PageVerifier {
    /// Opens a directory with the files that its book was built with.
    ///
    /// # Errors
    /// If the files are others, or the snapshot does not keep the policy's rules.
    pub fn open(directory: BookDirectory, rules: CompiledRules, snapshot: &Snapshot) -> Result<Self, WorkError> {
        let (plan, key) = (directory.plan()?, directory.key()?);
        let prices = prices_of(&plan, &rules, snapshot)?;
        Ok(Self { directory, rules, plan, key, prices })
    }

    /// Verifies a page that is in the directory.
    ///
    /// # Errors
    /// If there is none, or its proof is not valid.
    pub fn verify(&self, index: u32) -> Result<(), WorkError> {
        let unfinished = WorkError::Unfinished { all: self.plan.inputs.len(), missing: 1 };
        let page = self.directory.read_page(&self.key, &self.plan, index)?.ok_or(unfinished)?;
        Ok(verify_page(&page, (self.plan.book.header(), index), &self.rules, &self.prices, &mut OsRng)?)
    }
}

/// The prices that the plan's book is proven at.
fn prices_of(plan: &Plan, rules: &CompiledRules, snapshot: &Snapshot) -> Result<Vec<Price>, WorkError> {
    refuse_other_rules(plan, rules)?;
    let (expected, found) = (plan.book.snapshot.0, snapshot_id(&rules.policy, snapshot).0);
    if expected != found {
        return Err(WorkError::Mismatch { input: "market", expected, found });
    }
    Ok(check_snapshot(&rules.policy, snapshot)?.prices)
}

fn refuse_other_rules(plan: &Plan, rules: &CompiledRules) -> Result<(), WorkError> {
    if plan.book.rules == *rules.summary() {
        return Ok(());
    }
    let (expected, found) = (plan.book.rules.id().0, rules.summary().id().0);
    Err(WorkError::Mismatch { input: "book rules", expected, found })
}

/// The plan's book with the root of these pages; none if a commitment is no point, or they cancel each other.
fn listed(plan: &Plan, pages: &[Page]) -> Option<Book> {
    let points = pages.iter().map(|page| HoldingCommitment::from_bytes(&page.commitment.0).ok());
    let sum = HoldingCommitment::sum(&points.collect::<Option<Vec<_>>>()?).ok()?;
    plan.book.over(pages, &sum)
}

/// Makes the files of users: of a book that is published.
pub struct CellMaker<'a> {
    directory: &'a BookDirectory,
    rules: &'a CompiledRules,
    plan: Plan,
    key: SealingKey,
    book: Book,
    pages: Vec<Page>,
    tree: Tree,
}

impl<'a> CellMaker<'a> {
    /// Reads what is published.
    ///
    /// # Errors
    /// If the book is not published yet, or a file is another one.
    pub fn open(directory: &'a BookDirectory, rules: &'a CompiledRules) -> Result<Self, WorkError> {
        let (plan, key) = (directory.plan()?, directory.key()?);
        refuse_other_rules(&plan, rules)?;
        let path = directory.public().join("book.json");
        let book: Book = documents::read(&path).map_err(DirectoryError::from)?;
        let pages = BookDirectory::read_pages(&directory.public())?;
        // Cells of other pages would lead their users nowhere.
        let published = listed(&plan, &pages).filter(|listed| listed.root == book.root);
        let kinds = pages.iter().map(|page| page.kind).eq(plan.page_kinds.iter().copied());
        let tree = Page::tree(&pages).filter(|_| published.is_some() && kinds && book.header() == plan.book.header());
        let tree = tree.ok_or(DirectoryError::Other { path, expected: "the book of the plan and of pages.bin" })?;
        Ok(Self { directory, rules, plan, key, book, pages, tree })
    }

    /// The file of a user.
    ///
    /// # Errors
    /// If the user is not in the book, or a file cannot be read.
    pub fn cell(&self, user: &str) -> Result<CellFile, WorkError> {
        let (page, slot) = find_user(self.directory, &self.key, user)?.ok_or(WorkError::NoSuchUser)?;
        let mut cells = self.cells_of(page, |at| at == slot as usize)?;
        cells.pop().filter(|cell| cell.user == user).ok_or(WorkError::NoSuchUser)
    }

    /// How many pages there are.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages.len() as u32
    }

    /// The files of all users of a page.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn of_page(&self, page: u32) -> Result<Vec<CellFile>, WorkError> {
        self.cells_of(page, |_| true)
    }

    fn cells_of(&self, index: u32, wanted: impl Fn(usize) -> bool) -> Result<Vec<CellFile>, WorkError> {
        let universe = self.rules.policy.universe();
        let input = self.directory.read_input(&self.key, &self.plan, index, universe.instruments.len())?;
        let openings = self.directory.read_cells(&self.key, &self.plan, index)?;
        let page = &self.rules.kinds[input.kind].page;
        let cells = page.layout().cells().cells();
        let mut files = Vec::new();
        for (slot, account) in input.slots.iter().enumerate().filter(|(slot, _)| wanted(*slot)) {
            let (Some(account), Some(opening)) = (account, openings.get(slot)) else { continue };
            let balance = |position: &usize| {
                let lots = account.lots[*position];
                let instrument = universe.instruments[*position].name.clone();
                (lots != 0).then(|| Balance { instrument, lots: Lots::new(lots).unwrap_or_default() })
            };
            files.push(CellFile {
                kind: KindOf::new(),
                version: FormatVersion,
                root: self.book.root,
                page: index,
                page_kind: page.kind().name.clone(),
                coset: cells[slot].coset().0 as u32,
                commitment: self.pages[index as usize].commitment,
                path: self.tree.path(index as usize),
                opening: *opening,
                user: account.user.clone(),
                nonce: account.nonce(),
                salt: account.salt(),
                balances: page.tracked().iter().filter_map(balance).collect(),
            });
        }
        Ok(files)
    }
}
