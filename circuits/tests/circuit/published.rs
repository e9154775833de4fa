//! Portfolio margin proven: the cases that Derive publishes, in `../shared/cases/derive-pm2`, at maintenance.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{I256, U256};
use ff::Field as _;
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_circuits::{AdviceColumn, ProveError, ProvingKey, Witness, check::check};
use surety_core::{
    capacity::Capacity,
    units::{Lots, Price},
};
use surety_import::{ForeignError, Parties, derive_pm2};
use surety_kzg::{Masks, Params, Srs, holding::holding_column};
use surety_margin::{
    evaluate::evaluate,
    holdings::Position,
    oracle::market_without_reports,
    program::{Assignment, Program, Unsatisfied},
};
use surety_verifier::{CompiledPolicy, KnownCommitments};

use crate::common::{development, forger::forge, known};

/// Cases that are proven in every run: margins that are not negative, in 4,096 rows or fewer, with options, collateral
/// or both.
const FIVE: [&str; 5] = ["test_9_", "test_14_", "test_17_", "test_57_", "test_20_"];

/// A level of an imported case, ready for proofs.
struct Case {
    params: Params,
    key: ProvingKey,
    program: Program,
    prices: Vec<Price>,
    lots: Vec<i128>,
    /// What the margin is, in lots of cash, rounded down.
    spare: i128,
    masks: Masks,
    commitments: surety_verifier::attestation::compiled::ProgramCommitments,
}

impl Case {
    /// None if its discounts are not concave.
    fn import(text: &str) -> Option<Self> {
        let smallest = Capacity::new(Capacity::MIN_K).unwrap();
        let srs = Srs::development(smallest).id().bytes();
        let import = match derive_pm2::import(text, srs, &Parties::default()) {
            Err(ForeignError::Rules(problems)) if problems[0].to_string().contains("not concave") => return None,
            import => import.unwrap(),
        };
        let prices = market_without_reports(&import.policy, &import.universe, &import.snapshot).unwrap();
        let position = import.holdings.unwrap().position(&import.universe).unwrap();
        let level = import.policy.levels[0].clone();
        let margin = evaluate(&import.policy, &import.universe, &level, &position, &prices).unwrap().margin;
        let decimals = u32::from(import.universe.instruments[0].lot_decimals.get());
        let lot = I256::from_raw(U256::from(10).pow(U256::from(margin.decimals - decimals)));
        let params = development(import.universe.capacity);
        let compiled = CompiledPolicy::compile(import.policy, import.universe, &params).unwrap();
        Some(Self {
            key: ProvingKey::generate(&params).unwrap(),
            params,
            program: compiled.program(&level.name).unwrap().clone(),
            prices,
            lots: position.lots().iter().map(|lots| lots.get()).collect(),
            spare: ((margin.atoms - margin.atoms.rem_euclid(lot)) / lot).try_into().unwrap(),
            masks: Masks::random(&mut ChaCha20Rng::seed_from_u64(1)),
            commitments: compiled.committed().level(&level.name).unwrap().clone(),
        })
    }

    /// What is held if the margin is to be this many lots of cash.
    fn with_margin(&self, margin: i128) -> Vec<i128> {
        let mut lots = self.lots.clone();
        lots[0] += margin - self.spare;
        lots
    }

    fn solve(&self, lots: &[i128]) -> Result<Assignment, Unsatisfied> {
        let lots = lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect();
        self.program.solve(&Position::from_lots(lots), &self.prices)
    }

    fn witness(&self, held: &[i128], assignment: &Assignment) -> Witness {
        let indexed: Vec<_> = held.iter().copied().enumerate().collect();
        let hold = holding_column(self.program.capacity(), &indexed, &self.masks).unwrap();
        Witness::new(&self.program, &self.prices, &hold, assignment).unwrap()
    }

    /// What verifiers know: the policy's commitments, moved to the prices, and the source's to the holdings.
    fn known(&self, witness: &Witness) -> KnownCommitments {
        let KnownCommitments { hold, .. } = known(&self.params, witness);
        let coef = self.commitments.coef(&self.prices).unwrap();
        KnownCommitments { idx: self.commitments.idx, flag: self.commitments.flag, coef, hold }
    }

    fn assert_proven(&self, held: &[i128], name: &str) {
        let witness = self.witness(held, &self.solve(held).unwrap());
        let known = self.known(&witness);
        let context = Fr::from(3);
        let proof = self.key.prove(context, &known, &witness).unwrap().0;
        assert_eq!(self.key.verifying_key().verify(context, &known, &proof), Ok(()), "{name}");
        assert!(self.key.verifying_key().verify(context + Fr::ONE, &known, &proof).is_err(), "{name}");
    }

    /// One lot is missing: no assignment, no proof of another's assignment, and no verifier takes what a prover that
    /// checks nothing makes of it.
    fn assert_not_proven(&self, held: &[i128], enough: &[i128], name: &str) {
        let refused = self.solve(held).unwrap_err();
        assert!(matches!(refused, Unsatisfied::Insufficient { .. }), "{name}: {refused}");
        let faked = self.witness(held, &self.solve(enough).unwrap());
        let context = Fr::from(3);
        let error = self.key.prove(context, &self.known(&faked), &faked).unwrap_err();
        assert!(matches!(error, ProveError::Unsatisfied(_)), "{name}: {error}");
        // Also not with the sum that fails written over.
        let mut rewritten = faked.clone();
        let violation = check(&faked).unwrap_err();
        rewritten[AdviceColumn::Acc][violation.row] = Fr::ZERO;
        for witness in [faked, rewritten] {
            let (known, proof) = forge(&self.params, self.key.verifying_key().digest(), context, &witness);
            assert!(self.key.verifying_key().verify(context, &known, &proof).is_err(), "{name}");
        }
    }
}

fn assert_decided(path: &Path) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let Some(case) = Case::import(&fs::read_to_string(path).unwrap()) else { return };
    if case.spare >= 0 {
        case.assert_proven(&case.lots, name);
    }
    let (zero, short) = (case.with_margin(0), case.with_margin(-1));
    case.assert_proven(&zero, name);
    case.assert_not_proven(&short, &zero, name);
}

/// The files of all cases, or none if they are not there.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/derive-pm2");
    let files = fs::read_dir(&folder).inspect_err(|_| println!("skipped: there are no cases in {}", folder.display()));
    let mut paths: Vec<_> = files.into_iter().flatten().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn five_cases_are_proven_to_one_lot_of_cash() {
    let is_chosen = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        FIVE.iter().any(|prefix| name.starts_with(prefix))
    };
    let chosen: Vec<_> = files().into_iter().filter(is_chosen).collect();
    assert!(chosen.is_empty() || chosen.len() == FIVE.len(), "{chosen:?}");
    chosen.iter().for_each(|path| assert_decided(path));
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_all_cases_are_proven_to_one_lot_of_cash() {
    files().iter().for_each(|path| assert_decided(path));
}
