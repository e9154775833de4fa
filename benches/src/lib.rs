//! What the measurements work on: scenario margin, expected shortfall and portfolio margin of several sizes, each with
//! an account that satisfies it.
//!
//! `cargo bench -p surety-benches` runs everything; `-- 16x16` one size.

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

pub mod audits;
pub mod books;
pub mod cells;
pub mod parties;
mod portfolio;

use std::{fs, time::Duration};

use rand_core::OsRng;
use surety_circuits::{Halo2Key, ProveError, ProvingKey, Witness};
use surety_core::{
    capacity::Capacity,
    units::{Lots, Ppm, Price},
};
use surety_import::Import;
use surety_kzg::{Fr, HoldingCommitment, Masks, Params, Srs, holding::holding_column, progress::Silent};
use surety_margin::{
    holdings::Position,
    models::Model,
    oracle::market_without_reports,
    policy::Policy,
    program::{Program, TailShare},
    universe::Universe,
};
use surety_testing::sample::{self, Sample};
use surety_verifier::{CompiledPolicy, KnownCommitments, proof::encoding::ProofBytes};

/// Processor time of this process in all threads. Linux counts in hundredths of a second.
#[must_use]
pub fn processor_time() -> Duration {
    processor_time_of("self")
}

/// The same of a process, by its number.
#[must_use]
pub fn processor_time_of(process: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// A size: capacity class, and what the policy is about.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Binary logarithm of the number of rows.
    pub k: u32,
    /// What the policy is about.
    pub book: Book,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug)]
pub enum Book {
    /// Scenario margin.
    Scenario {
        /// Instruments, the quote currency among them.
        instruments: usize,
        /// Scenarios, besides the unshocked one.
        scenarios: usize,
        /// The share of the scenarios whose mean loss counts, in parts per million; none where the worst counts.
        tail: Option<u32>,
    },
    /// Portfolio margin in 31 scenarios.
    Portfolio {
        /// Options.
        options: usize,
        /// Expiries.
        expiries: usize,
    },
}

/// The sizes that are measured.
pub const SHAPES: [Shape; 7] = [
    scenario(10, 16, 16, None),
    scenario(11, 40, 20, None),
    scenario(12, 64, 32, None),
    Shape { k: 13, book: Book::Portfolio { options: 80, expiries: 7 } },
    scenario(14, 16, 500, Some(25_000)),
    scenario(15, 1_000, 16, None),
    scenario(16, 1_000, 32, None),
];

const fn scenario(k: u32, instruments: usize, scenarios: usize, tail: Option<u32>) -> Shape {
    Shape { k, book: Book::Scenario { instruments, scenarios, tail } }
}

/// A policy, and an account that satisfies it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The instruments.
    pub universe: Universe,
    /// The rules.
    pub policy: Policy,
    /// The market vector.
    pub prices: Vec<Price>,
    /// What is held.
    pub position: Position,
}

impl Shape {
    /// What the measurement is called.
    #[must_use]
    pub fn name(self) -> String {
        match self.book {
            Book::Scenario { instruments, scenarios, tail: None } => format!("{instruments}x{scenarios}"),
            Book::Scenario { instruments, scenarios, .. } => format!("{instruments}x{scenarios} expected shortfall"),
            Book::Portfolio { options, expiries } => format!("portfolio {options}x{expiries}x31"),
        }
    }

    /// The policy, and long and short positions of some hundred lots with enough cash.
    #[must_use]
    pub fn setting(self) -> Setting {
        let srs = Srs::development(capacity(Capacity::MIN_K)).id().bytes();
        let (instruments, scenarios, tail) = match self.book {
            Book::Scenario { instruments, scenarios, tail } => (instruments, scenarios, tail),
            Book::Portfolio { options, expiries } => return self.portfolio(portfolio::book(options, expiries, srs)),
        };
        let Sample { mut universe, mut policy } = sample::scenario_margin(self.k, instruments, scenarios);
        if let Model::Scenario(model) = &mut policy.model {
            model.tail = tail.map(|share| TailShare::new(Ppm(share)).unwrap());
        }
        universe.srs = srs;
        let signed = |i: usize| if i.is_multiple_of(2) { 100 + i as i128 } else { -(300 + i as i128) };
        let lots = (0..instruments).map(|i| if i == 0 { 100_000_000_000 } else { signed(i) });
        let position = Position::from_lots(lots.map(|lots| Lots::new(lots).unwrap()).collect());
        Setting { prices: sample::prices(&policy), universe, policy, position }
    }

    fn portfolio(self, import: Import) -> Setting {
        let Import { mut universe, policy, snapshot, holdings } = import;
        assert!(universe.capacity.k() <= self.k, "the book needs k = {}", universe.capacity.k());
        universe.capacity = capacity(self.k);
        let prices = market_without_reports(&policy, &universe, &snapshot).unwrap();
        let position = holdings.unwrap().position(&universe).unwrap();
        Setting { universe, policy, prices, position }
    }

    /// The bases of the development set-up.
    #[must_use]
    pub fn params(self) -> Params {
        let capacity = capacity(self.k);
        Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap()
    }
}

/// An account, ready to be proven sufficient.
pub struct Account {
    program: Program,
    prices: Vec<Price>,
    position: Position,
    masks: Masks,
    /// What verifiers know.
    pub known: KnownCommitments,
}

impl Account {
    /// The account of a shape, at the first level of its policy.
    #[must_use]
    pub fn new(shape: Shape, params: &Params) -> Self {
        Self::of(shape.setting(), params)
    }

    /// The account of a setting, at the first level of its policy.
    #[must_use]
    pub fn of(setting: Setting, params: &Params) -> Self {
        let Setting { universe, policy, prices, position } = setting;
        let level = policy.levels[0].name.clone();
        let compiled = CompiledPolicy::compile(policy, universe, params).unwrap();
        let masks = Masks::random(&mut OsRng);
        let hold = *HoldingCommitment::commit(params, &indexed(&position), &masks).unwrap().point();
        let commitments = compiled.committed().level(&level).unwrap();
        let coef = commitments.coef(&prices).unwrap();
        let known = KnownCommitments { idx: commitments.idx, flag: commitments.flag, coef, hold };
        Self { program: compiled.program(&level).unwrap().clone(), prices, position, masks, known }
    }

    /// Solves the program and proves it.
    #[must_use]
    pub fn prove(&self, key: &ProvingKey, context: Fr) -> Vec<u8> {
        self.prove_with(|known, witness| key.prove(context, known, witness))
    }

    /// The same with Halo2.
    #[must_use]
    pub fn prove_with_halo2(&self, key: &Halo2Key, context: Fr) -> Vec<u8> {
        self.prove_with(|known, witness| key.prove(context, known, witness))
    }

    fn prove_with(&self, prove: impl FnOnce(&KnownCommitments, &Witness) -> Result<ProofBytes, ProveError>) -> Vec<u8> {
        let assignment = self.program.solve(&self.position, &self.prices).unwrap();
        let hold = holding_column(self.program.capacity(), &indexed(&self.position), &self.masks).unwrap();
        let witness = Witness::new(&self.program, &self.prices, &hold, &assignment).unwrap();
        prove(&self.known, &witness).unwrap().0.to_vec()
    }
}

fn indexed(position: &Position) -> Vec<(usize, i128)> {
    position.lots().iter().map(|lots| lots.get()).enumerate().collect()
}

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}
