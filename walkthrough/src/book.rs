//! The example venue: a thousand or a million customers, two custodians, three oracle nodes.
//!
//! Writes what a venue has when it makes a book: rules, prices, statements of custodians, and the list of accounts.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use rand_core::{OsRng, RngCore as _};
use surety_core::{
    FormatVersion,
    failure::{AnyFailure, Internal},
    kind::KindOf,
    text::{Document as _, table::Dialect},
    units::{Lots, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    keys::demo_key,
    setup::Setups,
};
use surety_import::observations::read_observations;
use surety_kzg::{Capacity, Observer, srs::VerifierKey};
use surety_margin::{
    holdings::{Balance, Holdings},
    policy::Policy,
    universe::Universe,
};
use surety_prover::{
    layout::Layout,
    oracle::{self, Clock, Comparison},
    source::{self, StatementTerms},
};

use crate::{STATEMENT_VALIDITY, audience, demo_address, example::ExampleFile};

const UNIVERSE: ExampleFile =
    ExampleFile { path: "book/universe.toml", text: include_str!("../../examples/book/universe.toml") };
const POLICY: ExampleFile =
    ExampleFile { path: "book/policy.toml", text: include_str!("../../examples/book/policy.toml") };
/// The rules of the books.
pub const RULES: ExampleFile =
    ExampleFile { path: "book/book.toml", text: include_str!("../../examples/book/book.toml") };
const PRICES: ExampleFile =
    ExampleFile { path: "book/prices.csv", text: include_str!("../../examples/book/prices.csv") };

/// Every tenth account owes something.
const BORROWERS: u64 = 10;

/// Every fiftieth borrower owes more than its balances cover.
const FAILING: u64 = 50;

/// What a venue has when it makes a book.
#[derive(Clone, Debug)]
pub struct Venue {
    /// The set-up.
    pub setup: VerifierKey,
    /// The list of accounts.
    pub accounts: PathBuf,
    /// Some of the users.
    pub users: Vec<String>,
}

/// Writes the files of the example venue with so many accounts at this moment.
///
/// # Errors
/// If there are such files already, or something fails on the way.
pub fn prepare(
    directory: &Path,
    (accounts, capacity): (u64, Capacity),
    setups: &Setups,
    now: Timestamp,
    observer: &dyn Observer,
) -> Result<Venue, AnyFailure> {
    let (layout, existing) = (Layout::new(directory), Existing::Keep);
    files::create_directory(directory)?;
    files::create_private_directory(&layout.private())?;
    let mut universe = Universe::from_toml(UNIVERSE.path, UNIVERSE.text)?;
    let setup = setups.preferred(capacity, observer)?;
    (universe.capacity, universe.srs) = (capacity, setup.id().bytes());
    let policy = Policy::read(POLICY.path, POLICY.text, &universe)?;
    let toml = universe.to_toml().map_err(documents::DocumentError::from)?;
    files::write(&layout.universe(), toml.as_bytes(), Access::Public, existing)?;
    files::write(&layout.policy(), POLICY.text.as_bytes(), Access::Public, existing)?;
    files::write(&directory.join("book.toml"), RULES.text.as_bytes(), Access::Public, existing)?;
    prices(&layout, &policy, &universe, now)?;

    let list = List::random(&universe, accounts);
    let path = directory.join("accounts.csv");
    files::write(&path, list.csv.as_bytes(), Access::Secret, existing)?;
    let params = setups.params(setup.id(), capacity, observer)?;
    let parties = policy.sources.len() as i128;
    for (number, rule) in policy.sources.iter().enumerate() {
        let balance = |(instrument, owed): (&surety_margin::universe::Instrument, &i128)| {
            // More than is owed, in as many parts as there are custodians, the first with what does not divide.
            let reserves = (owed.max(&0) + owed.max(&0) / 20 + 1_000_000_000_000) / parties;
            let rest = if number == 0 { parties } else { 0 };
            Lots::new(reserves + rest).map(|lots| Balance { instrument: instrument.name.clone(), lots })
        };
        let balances = universe.instruments.iter().zip(&list.net).map(balance).collect::<Result<Vec<_>, _>>();
        let holdings = Holdings {
            kind: KindOf::new(),
            version: FormatVersion,
            universe: universe.name.clone(),
            balances: balances.map_err(Internal)?,
        };
        let terms = StatementTerms {
            audience: audience()?,
            subject: demo_address("corvus")?,
            account: rule.accounts.first().cloned().unwrap_or_else(|| rule.name.clone()),
            as_of: now,
            valid_until: Timestamp(now.0.saturating_add(STATEMENT_VALIDITY)),
            sequence: now.0,
            pledge: None,
        };
        let (statement, opening) = source::attest(&universe, &params, holdings, terms, &demo_key(rule.name.as_str())?)?;
        layout.write_statement(&statement, &opening)?;
    }
    Ok(Venue { setup, accounts: path, users: list.users })
}

fn prices(layout: &Layout, policy: &Policy, universe: &Universe, now: Timestamp) -> Result<(), AnyFailure> {
    let observed = || read_observations(PRICES.path, PRICES.text, policy, &Dialect::default(), &mut Vec::new());
    let mut reports = Vec::new();
    for node in &policy.oracle.nodes {
        let key = demo_key(node.name.as_str())?;
        reports.push(oracle::sign(policy, universe, observed()?, Clock::at(now), Comparison::None, &key)?);
    }
    let snapshot = oracle::aggregate(policy, universe, &reports, None, now)?;
    Ok(documents::write(&layout.market(), &snapshot, Existing::Keep)?)
}

/// Random accounts, and what they come to.
struct List {
    csv: String,
    /// The sum of all balances, debts taken off, for each instrument.
    net: Vec<i128>,
    users: Vec<String>,
}

impl List {
    fn random(universe: &Universe, accounts: u64) -> Self {
        let width = universe.instruments.len();
        let mut list = Self { csv: "user,nonce".to_owned(), net: vec![0; width], users: Vec::new() };
        universe.instruments.iter().for_each(|it| list.csv.extend([",", it.name.as_str()]));
        list.csv.push('\n');
        for number in 0..accounts {
            let user = format!("customer-{number}");
            let _ = write!(list.csv, "{user},{:064x}", u128::from(OsRng.next_u64()));
            for (lots, (instrument, net)) in
                balances(number, width).into_iter().zip(universe.instruments.iter().zip(&mut list.net))
            {
                *net += lots;
                let unit = 10_i128.pow(u32::from(instrument.lot_decimals.get()));
                let (sign, size) = (if lots < 0 { "-" } else { "" }, lots.unsigned_abs());
                let (whole, rest) = (size / unit.unsigned_abs(), size % unit.unsigned_abs());
                let places = usize::from(instrument.lot_decimals.get());
                let _ = match size {
                    0 => write!(list.csv, ","),
                    _ => write!(list.csv, ",{sign}{whole}.{rest:0places$}"),
                };
            }
            list.csv.push('\n');
            if number < 3 {
                list.users.push(user);
            }
        }
        list
    }
}

/// The balances of a customer: most owe nothing; borrowers owe a little of one asset against cash; some too much.
fn balances(number: u64, width: usize) -> Vec<i128> {
    let pick = |below: u64| OsRng.next_u64() % below;
    let mut lots: Vec<i128> =
        (0..width).map(|_| if pick(3) == 0 { i128::from(pick(100_000_000)) } else { 0 }).collect();
    if number % BORROWERS == BORROWERS - 1 {
        let borrowed = 1 + pick(width as u64 - 1) as usize;
        let covered = number / BORROWERS % FAILING != FAILING - 1;
        lots = vec![0; width];
        lots[0] = if covered { 1_000_000 } else { 100 };
        lots[borrowed] = -i128::from(pick(50_000) + 1);
    }
    // Nobody looks for themselves in a book for nothing.
    if lots.iter().all(|lots| *lots == 0) {
        lots[0] = 1_000_000;
    }
    lots
}
