//! From a list of accounts to the inputs of pages.
//!
//! Rows are read one by one; in memory are the accounts of one page of each kind, and for each user a keyed hash.
//! An account goes into the first kind of the rules that admits all of its balances. A bad row stops everything, and is
//! named: a book without an account would be a lie.

use std::io::Write as _;

use alloy_primitives::{hex, keccak256};
use rand_core::OsRng;
use surety_books::{book::Book, cell::MAX_USER, compiled::CompiledRules};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes, Name},
    kind::KindOf,
    problem::Problem,
    text::number::{Mark, Marks, Number, NumberError, Rounding},
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
};
use surety_kzg::{Event, Observer, progress::Stage};
use zeroize::Zeroizing;

use crate::{
    account::UserAccount,
    directory::{BookDirectory, DirectoryError, Plan},
    list::{AccountList, ListError, is_nonce},
    page::{PageInput, PageInputError},
    sealed::SealingKey,
};

/// Rows between two reports of progress.
const REPORT: u64 = 10_000;

/// Largest list of users that is read: ten thousand million.
const MAX_USERS_BYTES: u64 = 240_000_000_000;

/// Bytes of an entry of the list of users: hash, page, slot.
pub const USER_ENTRY: usize = 16 + 4 + 4;

/// Why there is no book.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The list cannot be read.
    #[error("accounts: {0}")]
    List(#[from] ListError),
    /// The header.
    #[error("accounts, header: {0}")]
    Header(Problem),
    /// A row. Does not repeat amounts.
    #[error("accounts, row {row}: {problem}")]
    Row {
        /// Counted from 1, the header being row 1, as spreadsheets do.
        row: u64,
        /// What is wrong.
        problem: Problem,
    },
    /// Nobody is in the list.
    #[error("accounts: expected at least one account, found none")]
    Nobody,
    /// A page.
    #[error(transparent)]
    Page(#[from] PageInputError),
    /// A file.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl From<files::FileError> for BuildError {
    fn from(error: files::FileError) -> Self {
        Self::Directory(error.into())
    }
}

impl Failure for BuildError {
    fn class(&self) -> Class {
        match self {
            Self::List(_) | Self::Header(_) | Self::Row { .. } | Self::Nobody => Class::Input,
            Self::Page(error) => error.class(),
            Self::Directory(error) => error.class(),
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-build".into()
    }
}

/// What came of a list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    /// Accounts.
    pub accounts: u64,
    /// Accounts and pages of each kind, in the order of the rules.
    pub kinds: Vec<(u64, u32)>,
    /// Instruments that the list has no column for: nobody has or owes any.
    pub without_column: Vec<Name>,
}

/// Columns of the list.
struct Columns {
    user: usize,
    nonce: Option<usize>,
    /// The instrument of each column that has one.
    instruments: Vec<(usize, usize)>,
    /// What amounts show of the marks in them, and the first rows with amounts that only marks elsewhere decide, for a
    /// point and for a comma.
    marks: Marks,
    undecided: [Option<u64>; 2],
}

/// Numbers that can be read in two ways, with a point and with a comma.
const UNDECIDED: [&str; 2] = ["1.234", "1,234"];

impl Columns {
    fn of(header: &csv::StringRecord, rules: &CompiledRules) -> Result<Self, Problem> {
        let universe = rules.policy.universe();
        let (marks, undecided) = (Marks::POINT, [None; 2]);
        let mut columns = Self { user: usize::MAX, nonce: None, instruments: Vec::new(), marks, undecided };
        for (index, name) in header.iter().map(str::trim).enumerate() {
            let twice = || Problem::new(name, "each column once", "another one of this name");
            if name.eq_ignore_ascii_case("user") {
                if columns.user != usize::MAX {
                    return Err(twice());
                }
                columns.user = index;
            } else if is_nonce(name) {
                if columns.nonce.replace(index).is_some() {
                    return Err(twice());
                }
            } else {
                let position = universe.instruments.iter().position(|it| it.name.as_str() == name);
                let names = universe.instruments.iter().map(|it| it.name.as_str());
                let unknown = || {
                    Problem::new(name, "user, nonce, or an instrument of the universe", "another name")
                        .suggest(name, names)
                };
                let position = position.ok_or_else(unknown)?;
                if columns.instruments.iter().any(|(_, it)| *it == position) {
                    return Err(twice());
                }
                columns.instruments.push((index, position));
            }
        }
        if columns.user == usize::MAX {
            return Err(Problem::new("user", "a column with the names of users", "none"));
        }
        Ok(columns)
    }

    fn account(&mut self, row: u64, record: &csv::StringRecord, rules: &CompiledRules) -> Result<UserAccount, Problem> {
        let universe = rules.policy.universe();
        let user = record.get(self.user).unwrap_or("").trim();
        if !(1..=MAX_USER).contains(&user.len()) {
            return Err(Problem::new("user", format!("from 1 to {MAX_USER} bytes"), format!("{} bytes", user.len())));
        }
        // A quote that nobody closes makes the rows that follow a part of the name.
        if user.chars().any(char::is_control) {
            return Err(Problem::new("user", "a name on one line", "a name with control characters or lines"));
        }
        let nonce = match self.nonce.and_then(|at| record.get(at)).map(str::trim) {
            None | Some("") => Bytes32::ZERO,
            Some(text) => {
                nonce(text).ok_or_else(|| Problem::new("nonce", "64 hexadecimal digits", "something else"))?
            }
        };
        let mut account = UserAccount::new(user.to_owned(), nonce, vec![0; universe.instruments.len()], &mut OsRng);
        for (column, position) in &self.instruments {
            let text = record.get(*column).unwrap_or("").trim();
            if !text.is_empty() {
                self.marks.note(text);
                if let Err(NumberError::Ambiguous(mark)) = Number::parse_among(text, Marks::UNKNOWN) {
                    self.undecided[usize::from(mark == Mark::Comma)].get_or_insert(row);
                }
                let instrument = &universe.instruments[*position];
                account.lots[*position] = lots(text, instrument.lot_decimals.get()).ok_or_else(|| {
                    let places = instrument.lot_decimals.get();
                    let expected = format!("a number of units with at most {places} decimals");
                    Problem::new(instrument.name.as_str(), expected, "something else")
                })?;
            }
        }
        Ok(account)
    }

    /// The instruments without a column.
    fn missing(&self, rules: &CompiledRules) -> Vec<Name> {
        let names = rules.policy.universe().instruments.iter().map(|instrument| instrument.name.clone()).enumerate();
        names.filter(|(at, _)| self.instruments.iter().all(|(_, it)| it != at)).map(|(_, name)| name).collect()
    }

    /// Refuses amounts that were read in a way which amounts elsewhere in the list contradict.
    fn check_marks(&self) -> Result<(), BuildError> {
        for (row, text) in self.undecided.iter().zip(UNDECIDED) {
            let Some(row) = *row else { continue };
            if Number::parse_among(text, self.marks) != Number::parse(text) {
                let expected = "amounts whose marks mean the same in all rows";
                let found = "a mark before three digits that other rows use otherwise";
                let problem =
                    Problem::new("amount", expected, found).advise("write amounts without marks of thousands");
                return Err(BuildError::Row { row, problem });
            }
        }
        Ok(())
    }
}

/// An amount of units in lots, if it is whole.
fn lots(text: &str, places: u8) -> Option<i128> {
    let scaled = Number::parse(text).ok()?.scaled(places, Rounding::Nearest)?;
    scaled.exact.then_some(scaled.integer)
}

/// A nonce, in hexadecimal digits, marked or not, as programs do and as PostgreSQL does.
fn nonce(text: &str) -> Option<Bytes32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("\\x")).unwrap_or(text);
    hex::decode(digits).ok()?.try_into().ok().map(HexBytes)
}

/// The entry of a user: a hash that only the venue can compute.
#[must_use]
pub fn user_hash(key: &SealingKey, user: &str) -> [u8; 16] {
    let bytes = Zeroizing::new([b"surety/book/user".as_slice(), key.bytes(), user.as_bytes()].concat());
    let hash = keccak256(bytes.as_slice()).0;
    core::array::from_fn(|at| hash[at])
}

/// A user whose place is known.
struct Placed {
    hash: [u8; 16],
    row: u64,
    page: u32,
    slot: u32,
}

/// Reads accounts and writes the inputs of pages, the list of users and the plan; `book` has the terms, without pages.
/// Columns are `user`, optionally `nonce`, and the names of instruments, with amounts in units.
///
/// # Errors
/// If a row is not an account that a kind admits, a user occurs twice, or a file cannot be written.
pub fn build(
    directory: &BookDirectory,
    rules: &CompiledRules,
    book: Book,
    mut accounts: AccountList,
    observer: &dyn Observer,
) -> Result<Built, BuildError> {
    let key = directory.create()?;
    let mut record = csv::StringRecord::new();
    accounts.read(&mut record)?;
    let mut columns = Columns::of(&record, rules).map_err(BuildError::Header)?;
    let mut pages = Pages {
        directory,
        rules,
        key: &key,
        waiting: rules.kinds.iter().map(|kind| Vec::with_capacity(kind.page.layout().accounts())).collect(),
        built: Built { accounts: 0, kinds: vec![(0, 0); rules.kinds.len()], without_column: Vec::new() },
        plan: Plan {
            kind: KindOf::new(),
            version: FormatVersion,
            book,
            page_kinds: Vec::new(),
            inputs: Vec::new(),
            accounts: 0,
        },
        users: Vec::new(),
    };
    while accounts.read(&mut record)? {
        let row = pages.built.accounts + 2;
        pages.add(row, columns.account(row, &record, rules).map_err(|problem| BuildError::Row { row, problem })?)?;
        if pages.built.accounts.is_multiple_of(REPORT) {
            let done = pages.built.accounts;
            observer.event(Event::Progress { stage: Stage::Scanning, done, total: done });
        }
    }
    columns.check_marks()?;
    pages.built.without_column = columns.missing(rules);
    pages.finish()
}

struct Pages<'a> {
    directory: &'a BookDirectory,
    rules: &'a CompiledRules,
    key: &'a SealingKey,
    /// Accounts of each kind that do not fill a page yet, with their rows.
    waiting: Vec<Vec<(u64, UserAccount)>>,
    built: Built,
    plan: Plan,
    users: Vec<Placed>,
}

impl Pages<'_> {
    fn add(&mut self, row: u64, account: UserAccount) -> Result<(), BuildError> {
        let limits = self.rules.policy.universe().instruments.iter().map(|it| it.max_lots.get());
        let beyond = account.lots.iter().zip(limits).any(|(lots, limit)| lots.unsigned_abs() > limit.unsigned_abs());
        let admits = |page: &surety_books::page::PageProgram| {
            account.lots.iter().enumerate().all(|(position, lots)| {
                *lots == 0 || page.tracked().contains(&position) && (page.kind().debts || *lots > 0)
            })
        };
        let kind = self.rules.kinds.iter().position(|kind| admits(&kind.page)).filter(|_| !beyond);
        let Some(kind) = kind else {
            let expected = "balances that some kind of the book rules admits, within the limits of the universe";
            return Err(BuildError::Row { row, problem: Problem::new("balances", expected, "others") });
        };
        self.built.accounts += 1;
        self.built.kinds[kind].0 += 1;
        self.waiting[kind].push((row, account));
        if self.waiting[kind].len() == self.rules.kinds[kind].page.layout().accounts() {
            self.flush(kind)?;
        }
        Ok(())
    }

    fn flush(&mut self, kind: usize) -> Result<(), BuildError> {
        // With room for a page: growing would leave copies of salts behind.
        let room = Vec::with_capacity(self.rules.kinds[kind].page.layout().accounts());
        let waiting = core::mem::replace(&mut self.waiting[kind], room);
        let index = self.plan.inputs.len() as u32;
        let rows: Vec<([u8; 16], u64)> =
            waiting.iter().map(|(row, account)| (user_hash(self.key, &account.user), *row)).collect();
        let accounts = waiting.into_iter().map(|(_, account)| account).collect();
        let input = PageInput::shuffled(&self.rules.kinds[kind].page, kind, accounts, &mut OsRng)?;
        let mut rows: std::collections::HashMap<[u8; 16], u64> = rows.into_iter().collect();
        for (slot, account) in input.slots.iter().enumerate() {
            let Some(account) = account else { continue };
            let hash = user_hash(self.key, &account.user);
            // A user twice in one page has one row left.
            let row = rows.remove(&hash).unwrap_or_default();
            self.users.push(Placed { hash, row, page: index, slot: slot as u32 });
        }
        self.plan.inputs.push(self.directory.write_input(self.key, index, &input)?);
        self.plan.page_kinds.push(kind as u32);
        self.built.kinds[kind].1 += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Built, BuildError> {
        for kind in 0..self.waiting.len() {
            if !self.waiting[kind].is_empty() {
                self.flush(kind)?;
            }
        }
        if self.built.accounts == 0 {
            return Err(BuildError::Nobody);
        }
        self.users.sort_unstable_by_key(|placed| placed.hash);
        if let Some(pair) = self.users.windows(2).find(|pair| pair[0].hash == pair[1].hash) {
            let row = pair[0].row.max(pair[1].row);
            let problem = Problem::new("user", "each user once", "one who is in an earlier row as well");
            return Err(BuildError::Row { row, problem });
        }
        let mut users = Vec::with_capacity(self.users.len() * USER_ENTRY);
        for Placed { hash, page, slot, .. } in &self.users {
            users.extend_from_slice(hash);
            users.extend_from_slice(&page.to_be_bytes());
            users.write_all(&slot.to_be_bytes()).unwrap_or(());
        }
        files::write(&self.directory.users(), &users, Access::Secret, Existing::Keep)?;
        self.plan.accounts = self.built.accounts;
        // Last: where there is a plan, there is all that it names.
        documents::write(&self.directory.plan_path(), &self.plan, Existing::Keep).map_err(DirectoryError::from)?;
        // Workers take no plan without.
        files::write(&self.directory.seal_path(), &self.directory.seal_plan()?, Access::Secret, Existing::Keep)?;
        Ok(self.built)
    }
}

/// The page and the slot of a user; none if the user is not in the book.
///
/// # Errors
/// If the list of users cannot be read.
pub fn find_user(
    directory: &BookDirectory,
    key: &SealingKey,
    user: &str,
) -> Result<Option<(u32, u32)>, DirectoryError> {
    let users = files::read(&directory.users(), MAX_USERS_BYTES)?;
    let (entries, hash) = (users.as_chunks::<USER_ENTRY>().0, user_hash(key, user));
    let found = entries.binary_search_by_key(&hash.as_slice(), |entry| &entry[..16]);
    let number = |entry: &[u8; USER_ENTRY], at: usize| u32::from_be_bytes(core::array::from_fn(|i| entry[at + i]));
    Ok(found.ok().map(|at| (number(&entries[at], 16), number(&entries[at], 20))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_however_they_are_spelled_and_never_rounded() {
        for (text, places, expected) in [
            ("12", 2, Some(1_200)),
            ("-0.05", 2, Some(-5)),
            ("1'000.5", 1, Some(10_005)),
            ("(3)", 0, Some(-3)),
            ("1e3", 0, Some(1_000)),
            ("0.001", 2, None),
            ("1.230", 2, Some(123)),
            ("x", 2, None),
            ("--1", 2, None),
            ("-", 2, None),
        ] {
            assert_eq!(lots(text, places), expected, "{text}");
        }
    }
}
