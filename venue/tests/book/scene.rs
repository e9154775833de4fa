//! A venue with two kinds of pages, a custodian, and oracle nodes, over the development set-up.

use rand_core::OsRng;
use surety_books::{
    book::{Book, Page},
    compiled::CompiledRules,
    root::BookHeader,
    rules::{BookRules, Cap, PageKind},
};
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    decimal::Magnitude,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::KindOf,
    units::{Lots, Price, Timestamp},
};
use surety_kzg::{HoldingCommitment, Lanes, Params, SecretScalars, Srs, Table, progress::Silent};
use surety_margin::{
    holdings::{Balance, Holdings},
    market::{EntryPrice, Observation, Observed, Predecessor, Report, Snapshot},
    oracle,
    policy::Policy,
    universe::Universe,
};
use surety_prover::{
    opening::Opening,
    source::{StatementTerms, attest},
};
use surety_testing::sample;
use surety_venue::{
    account::UserAccount,
    page::{FilledPage, PageInput, PageTotals},
    prover::{BookProveError, PageProver, ProvenPage, Reserves, prove_reserves},
};
use surety_verifier::{
    CompiledPolicy, Statement,
    attestation::{
        eip712::Audience,
        identifiers::{FeedsId, PricesId},
        report,
        report::snapshot_id,
        signature::SigningKey,
    },
};

pub(crate) const NOW: u64 = 1_790_000_000;
pub(crate) const SMALL: usize = 3;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_secret_bytes(&[number; 32]).unwrap()
}

pub(crate) fn venue() -> EvmAddress {
    HexBytes([0x77; 20])
}

pub(crate) fn audience() -> Audience {
    Audience { chain_id: 1, registry: HexBytes([0x11; 20]) }
}

pub(crate) fn units(text: &str) -> Magnitude {
    serde_json::from_str(&format!("{text:?}")).unwrap()
}

pub(crate) struct Scene {
    pub(crate) srs: Srs,
    pub(crate) params: Params,
    pub(crate) table: Table,
    pub(crate) rules: CompiledRules,
    pub(crate) snapshot: Snapshot,
    pub(crate) prices: Vec<Price>,
    /// The registry that books are meant for.
    pub(crate) audience: Audience,
    /// The moment of prices, statements and balances.
    pub(crate) now: u64,
}

/// The rules: pages of balances, and pages of margin accounts.
pub(crate) fn rules(universe: &Universe) -> BookRules {
    let cap = |instrument: &Name| Cap {
        instrument: instrument.clone(),
        debts: units("100000"),
        balances: units("100000000"),
    };
    let kind = |text: &str, debts| PageKind { name: name(text), debts, instruments: Vec::new(), accounts: Some(6) };
    BookRules {
        kind: KindOf::new(),
        version: FormatVersion,
        venue: name("example"),
        level: name("maintenance"),
        quote: name("USD"),
        max_shortfall: units("50000"),
        kinds: vec![kind("balances", false), kind("margin", true)],
        caps: universe.instruments.iter().map(|instrument| cap(&instrument.name)).collect(),
    }
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(10, |_| {})
    }

    pub(crate) fn with(k: u32, change: impl FnOnce(&mut BookRules)) -> Self {
        Self::under(k, |_| {}, change)
    }

    /// The same under another policy.
    pub(crate) fn under(k: u32, amend: impl FnOnce(&mut Policy), change: impl FnOnce(&mut BookRules)) -> Self {
        let capacity = Capacity::new(k).unwrap();
        let srs = Srs::development_with_g2_powers(capacity);
        let params = Params::from_srs(&srs, capacity, &Silent).unwrap();
        let mut sample = sample::collateral(k, SMALL);
        sample.universe.srs = srs.id().bytes();
        for (index, node) in sample.policy.oracle.nodes.iter_mut().enumerate() {
            node.signer = key(10 + index as u8).address();
        }
        sample.policy.sources[0].signer = key(1).address();
        amend(&mut sample.policy);
        let mut rules = rules(&sample.universe);
        change(&mut rules);
        let policy = CompiledPolicy::compile(sample.policy, sample.universe, &params).unwrap().committed().clone();
        let prices = sample::prices(policy.policy());
        let snapshot = snapshot(policy.policy(), &prices, NOW);
        let rules = CompiledRules::compile(rules, policy, &params).unwrap();
        let table = Table::new(params.lagrange(), &Silent);
        Self { srs, params, table, rules, snapshot, prices, audience: audience(), now: NOW }
    }

    /// The same later.
    pub(crate) fn at(self, now: u64) -> Self {
        let snapshot = snapshot(self.rules.policy.policy(), &self.prices, now);
        Self { snapshot, now, ..self }
    }

    /// The snapshot after one in which the first price was half of what it is.
    pub(crate) fn jumped(&self) -> Snapshot {
        let mut before = Predecessor::from(&self.snapshot);
        before.epoch -= 1;
        before.prices[0].price = Price::new(self.prices[0].get() / 2).unwrap();
        let previous = PricesId::of(self.rules.policy.feeds_id(), &before).0;
        let mut reports: Vec<Report> = (10..13)
            .map(|number| report::sign(Report { previous, ..self.snapshot.reports[0].clone() }, &key(number)).unwrap())
            .collect();
        reports.sort_by_key(|report| report.oracle);
        oracle::aggregate(self.rules.policy.policy(), &reports, Some(&before)).unwrap()
    }

    pub(crate) fn prover(&self, kind: usize) -> PageProver<'_> {
        let lanes = Lanes::widest();
        let cells = PageProver::cell_table(&self.rules, &self.params, kind, lanes, &Silent);
        PageProver::new(&self.rules, &self.params, kind, (self.table.clone(), cells), lanes).unwrap()
    }

    /// What pages are bound to.
    pub(crate) fn header(&self) -> BookHeader {
        self.unfinished().header()
    }

    /// A book without pages and proofs.
    pub(crate) fn unfinished(&self) -> Book {
        Book {
            kind: KindOf::new(),
            version: FormatVersion,
            audience: self.audience,
            venue: venue(),
            as_of: Timestamp(self.now),
            valid_until: Timestamp(self.now + 3_600),
            snapshot: snapshot_id(&self.rules.policy, &self.snapshot),
            rules: self.rules.summary().clone(),
            pages: 0,
            sum: HexBytes::ZERO,
            root: Bytes32::ZERO,
            statements: Vec::new(),
            reserves: HexBytes::ZERO,
        }
    }

    pub(crate) fn fill(&self, kind: usize, accounts: Vec<UserAccount>) -> FilledPage {
        let page = &self.rules.kinds[kind].page;
        let input = PageInput::shuffled(page, kind, accounts, &mut OsRng).unwrap();
        input.fill(&self.rules, &venue(), &self.prices).unwrap()
    }

    pub(crate) fn prove(&self, kind: usize, filled: &FilledPage, index: u32) -> Result<ProvenPage, BookProveError> {
        self.prover(kind).prove(filled, self.header(), index, &self.prices)
    }

    /// What the custodian holds for the venue.
    pub(crate) fn reserves(&self, lots: &[i128]) -> (Statement, Opening) {
        let universe = self.rules.policy.universe();
        let balances = universe.instruments.iter().zip(lots);
        let holdings = Holdings {
            kind: KindOf::new(),
            version: FormatVersion,
            universe: universe.name.clone(),
            balances: balances
                .map(|(instrument, lots)| Balance {
                    instrument: instrument.name.clone(),
                    lots: Lots::new(*lots).unwrap(),
                })
                .collect(),
        };
        let terms = StatementTerms {
            audience: self.audience,
            subject: venue(),
            account: name("main"),
            as_of: Timestamp(self.now),
            valid_until: Timestamp(self.now + 7_200),
            sequence: 1,
            pledge: None,
        };
        attest(universe, &self.params, holdings, terms, &key(1)).unwrap()
    }

    /// A book of pages that are proven already.
    pub(crate) fn book(
        &self,
        pages: &[(ProvenPage, FilledPage)],
        lots: &[i128],
    ) -> Result<(Book, Vec<Page>), BookProveError> {
        let published: Vec<Page> = pages.iter().map(|(proven, _)| proven.page.clone()).collect();
        let mut sum = SecretScalars::zeros(self.params.capacity().rows());
        let mut totals = PageTotals::zero(SMALL);
        for (_, filled) in pages {
            sum.iter_mut().zip(filled.column.iter()).for_each(|(sum, value)| *sum += value);
            totals.add(&filled.totals);
        }
        let mut book = self.listed(&published);
        let (statement, opening) = self.reserves(lots);
        let universe = self.rules.policy.universe();
        let account = surety_prover::account::Account::open(
            universe,
            &self.params,
            core::slice::from_ref(&statement),
            &[opening],
        )
        .unwrap();
        let reserves = Reserves { column: account.column(&self.params).unwrap(), position: account.position() };
        let hashes = [statement.hash()];
        book.statements = vec![statement];
        let (table, lanes) = (self.table.clone(), Lanes::widest());
        let place = (book.root, hashes.as_slice());
        book.reserves = prove_reserves(&self.rules, &self.params, table, lanes, &reserves, (&sum, &totals), place)?;
        Ok((book, published))
    }

    /// A book with the root of these pages, without reserves.
    pub(crate) fn listed(&self, pages: &[Page]) -> Book {
        let points = pages.iter().map(|page| HoldingCommitment::from_bytes(&page.commitment.0).unwrap());
        let sum = HoldingCommitment::sum(&points.collect::<Vec<_>>()).unwrap();
        self.unfinished().over(pages, &sum).unwrap()
    }
}

/// A user with cash, and so much of the first and second asset.
pub(crate) fn account(user: &str, lots: [i128; SMALL]) -> UserAccount {
    UserAccount::new(user.to_owned(), HexBytes([9; 32]), lots.to_vec(), &mut OsRng)
}

fn snapshot(policy: &Policy, prices: &[Price], now: u64) -> Snapshot {
    let feeds = FeedsId::of(&policy.market).unwrap();
    let report = |number: u8| {
        let observation = |price: &Price| {
            Observed::Price(Observation { price: *price, confidence: Price::ZERO, age: surety_core::units::Seconds(0) })
        };
        let report = Report {
            kind: KindOf::new(),
            version: FormatVersion,
            oracle: HexBytes::ZERO,
            feeds: feeds.0,
            epoch: now / policy.oracle.epoch.0,
            observed_at: Timestamp(now),
            previous: Bytes32::ZERO,
            observations: prices.iter().map(observation).collect(),
            signature: HexBytes::ZERO,
        };
        report::sign(report, &key(number)).unwrap()
    };
    let mut reports: Vec<Report> = (10..13).map(report).collect();
    reports.sort_by_key(|report| report.oracle);
    let entries = policy.market.iter().zip(prices);
    Snapshot {
        kind: KindOf::new(),
        version: FormatVersion,
        epoch: now / policy.oracle.epoch.0,
        time: Timestamp(now),
        prices: entries.map(|(entry, price)| EntryPrice { entry: entry.name.clone(), price: *price }).collect(),
        previous: None,
        marked: Vec::new(),
        reports,
    }
}
