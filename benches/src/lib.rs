//! What the measurements work on: scenario margin and expected shortfall of several sizes, with an account that satisfies it.
//!
//! `cargo bench -p surety-benches` runs everything; `-- 16x16` one size.

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use rand_core::OsRng;
use surety_circuits::{ProvingKey, Witness};
use surety_kzg::{Fr, HoldingCommitment, Masks, Params, Srs, holding::holding_column, progress::Silent};
use surety_margin::{
    capacity::Capacity,
    holdings::Position,
    models::Model,
    program::{Program, TailShare},
    sample::{self, Sample},
    units::{Lots, Ppm, Price},
};
use surety_verifier::{CompiledPolicy, KnownCommitments};

/// A size: capacity class, instruments, scenarios.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Binary logarithm of the number of rows.
    pub k: u32,
    /// Instruments, the quote currency among them.
    pub instruments: usize,
    /// Scenarios, besides the unshocked one.
    pub scenarios: usize,
    /// The share of the scenarios whose mean loss counts, in parts per million; none where the worst counts.
    pub tail: Option<u32>,
}

/// The sizes that are measured.
pub const SHAPES: [Shape; 5] = [
    Shape { k: 10, instruments: 16, scenarios: 16, tail: None },
    Shape { k: 11, instruments: 40, scenarios: 20, tail: None },
    Shape { k: 12, instruments: 64, scenarios: 32, tail: None },
    Shape { k: 14, instruments: 16, scenarios: 500, tail: Some(25_000) },
    Shape { k: 15, instruments: 1_000, scenarios: 16, tail: None },
];

impl Shape {
    /// What the measurement is called.
    #[must_use]
    pub fn name(self) -> String {
        let tail = if self.tail.is_some() { " expected shortfall" } else { "" };
        format!("{}x{}{tail}", self.instruments, self.scenarios)
    }

    /// The policy.
    #[must_use]
    pub fn sample(self) -> Sample {
        let mut sample = sample::scenario_margin(self.k, self.instruments, self.scenarios);
        if let Model::Scenario(model) = &mut sample.policy.model {
            model.tail = self.tail.map(|share| TailShare::new(Ppm(share)).unwrap());
        }
        sample.universe.srs = Srs::development(capacity(Capacity::MIN_K)).id().bytes();
        sample
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
    /// Long and short positions of some hundred lots, and enough cash.
    #[must_use]
    pub fn new(shape: Shape, params: &Params) -> Self {
        let Sample { universe, policy } = shape.sample();
        let prices = sample::prices(&policy);
        let level = policy.levels[0].name.clone();
        let compiled = CompiledPolicy::compile(policy, universe, params).unwrap();
        let signed = |i: usize| if i.is_multiple_of(2) { 100 + i as i128 } else { -(300 + i as i128) };
        let lots: Vec<i128> =
            (0..shape.instruments).map(|i| if i == 0 { 100_000_000_000 } else { signed(i) }).collect();
        let masks = Masks::random(&mut OsRng);
        let indexed: Vec<(usize, i128)> = lots.iter().copied().enumerate().collect();
        let hold = *HoldingCommitment::commit(params, &indexed, &masks).unwrap().point();
        let commitments = compiled.committed().level(&level).unwrap();
        let coef = commitments.coef(&prices).unwrap();
        Self {
            program: compiled.program(&level).unwrap().clone(),
            prices,
            position: Position::from_lots(lots.into_iter().map(|lots| Lots::new(lots).unwrap()).collect()),
            masks,
            known: KnownCommitments { idx: commitments.idx, flag: commitments.flag, coef, hold },
        }
    }

    /// Solves the program and proves it.
    #[must_use]
    pub fn prove(&self, key: &ProvingKey, context: Fr) -> Vec<u8> {
        let assignment = self.program.solve(&self.position, &self.prices).unwrap();
        let lots: Vec<(usize, i128)> = self.position.lots().iter().map(|lots| lots.get()).enumerate().collect();
        let hold = holding_column(self.program.capacity(), &lots, &self.masks).unwrap();
        let witness = Witness::new(&self.program, &self.prices, &hold, &assignment).unwrap();
        key.prove(context, &self.known, &witness).unwrap().0.to_vec()
    }
}

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}
