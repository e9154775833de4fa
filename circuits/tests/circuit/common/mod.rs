//! A small statement and everything that belongs to it, for the tests of this crate.

pub(crate) mod attacks;
pub(crate) mod contract;
pub(crate) mod described;
pub(crate) mod forger;
pub(crate) mod linear;
pub(crate) mod machine;
pub(crate) mod oracles;
pub(crate) mod panel;
pub(crate) mod reference;
pub(crate) mod stored;

use std::path::Path;

use contract::{Contract, Verdict};
use group::Curve as _;
use halo2curves::bn256::{Fr, G1Affine};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_circuits::{AdviceColumn, Halo2Key, ProvingKey, Witness};
use surety_core::{
    capacity::Capacity,
    units::{Lots, Price},
};
use surety_host::import::import;
use surety_kzg::{Masks, Params, SecretScalars, Srs, holding::holding_column, progress::Silent};
use surety_margin::{
    compile::compile,
    holdings::Position,
    program::{Assignment, Program},
};
use surety_testing::sample::{self, Sample};
use surety_verifier::{KnownCommitments, ProofError};

/// A program with prices, and hidden values that satisfy it.
pub(crate) struct Statement {
    pub(crate) capacity: Capacity,
    pub(crate) program: Program,
    pub(crate) prices: Vec<Price>,
    pub(crate) hold: SecretScalars,
    pub(crate) assignment: Assignment,
}

impl Statement {
    /// Scenario margin over a few instruments, held long and short, with masks from a seed.
    pub(crate) fn sample(k: u32, instruments: usize, scenarios: usize) -> Self {
        Self::of(&sample::scenario_margin(k, instruments, scenarios))
    }

    /// The first level of a policy, over much cash and a little of everything else.
    pub(crate) fn of(sample: &Sample) -> Self {
        let prices = sample::prices(&sample.policy);
        let program = compile(&sample.policy, &sample.universe).unwrap().remove(0);
        let lots: Vec<i128> = (0..sample.universe.instruments.len() as i128)
            .map(|i| if i == 0 { 900_000_000_000 } else { 1_000 * i * (1 - 2 * (i % 2)) })
            .collect();
        let assignment = program.solve(&position(&lots), &prices).unwrap();
        let hold = hold(program.capacity(), &lots);
        Self { capacity: program.capacity(), program, prices, hold, assignment }
    }

    /// The smallest one.
    pub(crate) fn small() -> Self {
        Self::sample(9, 3, 2)
    }

    pub(crate) fn witness(&self) -> Witness {
        Witness::new(&self.program, &self.prices, &self.hold, &self.assignment).unwrap()
    }
}

/// Holdings, in lots.
pub(crate) fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}

/// The column of holdings, with masks from a seed.
pub(crate) fn hold(capacity: Capacity, lots: &[i128]) -> SecretScalars {
    let masks = Masks::random(&mut ChaCha20Rng::seed_from_u64(1));
    let lots: Vec<_> = lots.iter().copied().enumerate().collect();
    holding_column(capacity, &lots, &masks).unwrap()
}

/// The development bases of a capacity class.
pub(crate) fn development(capacity: Capacity) -> Params {
    Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap()
}

/// The ceremony's set-up, if this machine has it.
pub(crate) fn ceremony() -> Option<Srs> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/srs/ppot-0085-k16.g1-compressed");
    if !file.exists() {
        eprintln!("skipped: {} is not there", file.display());
        return None;
    }
    Some(import(&file, None, None, &Silent).unwrap())
}

/// The commitments that verifiers know of a witness.
pub(crate) fn known(params: &Params, witness: &Witness) -> KnownCommitments {
    let commit = |column: AdviceColumn| params.commit_column(&witness[column]);
    let [idx, flag, coef] = [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef].map(|c| commit(c).to_affine());
    let hold = (commit(AdviceColumn::BlindedHold) - commit(AdviceColumn::Blind)).to_affine();
    KnownCommitments { idx, flag, coef, hold }
}

/// How many commitments Halo2 writes before those that a proof contains.
pub(crate) const DERIVED: usize = KnownCommitments::PROGRAM + 1;

/// A proof, and what verifies it.
pub(crate) struct Proven {
    pub(crate) params: Params,
    pub(crate) key: ProvingKey,
    pub(crate) witness: Witness,
    pub(crate) context: Fr,
    pub(crate) known: KnownCommitments,
    pub(crate) proof: Vec<u8>,
    pub(crate) contract: Contract,
}

impl Proven {
    pub(crate) fn small() -> Self {
        Self::new(&Statement::small())
    }

    pub(crate) fn new(statement: &Statement) -> Self {
        Self::over(development(statement.capacity), statement, 20_261_121)
    }

    /// Over any bases, for any context.
    pub(crate) fn over(params: Params, statement: &Statement, context: u64) -> Self {
        let key = ProvingKey::generate(&params).unwrap();
        let witness = statement.witness();
        let (context, known) = (Fr::from(context), known(&params, &witness));
        let proof = key.prove(context, &known, &witness).unwrap().0.to_vec();
        let contract = Contract::deployed(statement.capacity);
        Self { params, key, witness, context, known, proof, contract }
    }

    /// The same with a proof that Halo2 makes.
    pub(crate) fn by_halo2(mut self) -> Self {
        let key = Halo2Key::generate(&self.params).unwrap();
        self.proof = key.prove(self.context, &self.known, &self.witness).unwrap().0.to_vec();
        self
    }

    /// The points of the proof in the order of its bytes, by their offsets.
    pub(crate) fn point_offsets(&self) -> Vec<usize> {
        let protocol = self.key.verifying_key().protocol();
        let leading = protocol.proof_points() - 2;
        let length = protocol.proof_length();
        (0..leading).map(|index| 64 * index).chain([length - 128, length - 64]).collect()
    }

    /// The evaluations of the proof, by their offsets.
    pub(crate) fn scalar_offsets(&self) -> Vec<usize> {
        let protocol = self.key.verifying_key().protocol();
        let start = 64 * (protocol.proof_points() - 2);
        (0..protocol.evaluations().len()).map(|index| start + 32 * index).collect()
    }

    /// What the native verifier says. The contract, which only knows the development set-up, must say the same.
    pub(crate) fn verify(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> Result<(), ProofError> {
        let result = self.key.verifying_key().verify(context, known, proof);
        assert_eq!(self.contract.verify(context, known, proof), Verdict::from(&result), "the contract disagrees");
        result
    }
}

/// The points with one of them replaced.
pub(crate) fn replaced(known: &KnownCommitments, column: usize, point: G1Affine) -> KnownCommitments {
    let mut points = known.in_order();
    points[column] = point;
    let [idx, flag, coef, hold] = points;
    KnownCommitments { idx, flag, coef, hold }
}
