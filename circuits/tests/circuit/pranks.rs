//! Pranks: cells of a good witness overwritten, one or two at a time. Circuit and plain twin must agree on what is
//! left, and what both accept must be a satisfied program.

use std::{cell::Cell, sync::OnceLock};

use AdviceColumn::{Acc, Blind, BlindedHold, Coef, Flag, Idx, Val, Var};
use ff::{Field as _, PrimeField as _};
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use surety_circuits::{AdviceColumn, Witness, check::check, circuit::LinearProgramCircuit};
use surety_core::{
    ident::Name,
    units::{Notional, Ppm},
};
use surety_margin::{
    level::ByBasis,
    models::{Asset, Collateral, Model, Tier},
    universe::Instrument,
};
use surety_testing::sample::{self, Sample};

use crate::{
    common::{Statement, attacks::address},
    groups::divided,
    pages,
};

/// Good witnesses of several shapes.
fn honest(shape: usize) -> &'static Witness {
    static WITNESSES: OnceLock<Vec<Witness>> = OnceLock::new();
    let witnesses = WITNESSES.get_or_init(|| {
        let statements = [
            Statement::small(),
            Statement::sample(9, 8, 3),
            Statement::of(&ladders(10, 6)),
            Statement::sample(10, 5, 9),
        ];
        // Pages with and without debts.
        let pages = [0, 1].map(|kind| pages::scenes()[kind].honest());
        statements.iter().map(Statement::witness).chain([divided().witness]).chain(pages).collect()
    });
    &witnesses[shape]
}

const SHAPES: usize = 7;

/// Assets that count less the more there is of them.
fn ladders(k: u32, instruments: usize) -> Sample {
    let universe = sample::universe(k, instruments);
    let both = |ppm: u32| ByBasis { maintenance: Ppm(ppm), initial: Ppm(ppm) };
    let tier = |(up_to, ppm): (u64, u32)| Tier::new(Some(Notional::new(up_to).unwrap()), both(ppm));
    let asset = |(i, instrument): (usize, &Instrument)| Asset {
        instrument: instrument.name.clone(),
        price: (i > 0).then(|| Name::new(format!("p{i}")).unwrap()),
        debt_spread: None,
        short: true,
        weight: (i == 0).then(|| both(1_000_000)),
        tiers: if i == 0 { Vec::new() } else { [(10, 950_000), (1_000, 700_000), (100_000, 0)].map(tier).to_vec() },
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let assets = universe.instruments.iter().enumerate().map(asset).collect();
    let policy = sample::policy(&universe, instruments, Model::Collateral(Collateral { assets, average_step: Ppm(0) }));
    Sample { universe, policy }
}

/// What is done to a cell.
#[derive(Clone, Copy, Debug)]
enum Prank {
    Add(i64),
    AddBase(i64),
    AddRandom([u64; 4]),
    Set(i64),
    /// The value of the cell so many rows below.
    Move(usize),
}

/// A cell and what is done to it. The row is chosen among the first, the last, those of the program, or all.
#[derive(Clone, Copy, Debug)]
struct Change {
    column: usize,
    region: u8,
    row: u16,
    prank: Prank,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let prank = prop_oneof![
        3 => (-2..=2i64).prop_filter("changes something", |by| *by != 0).prop_map(Prank::Add),
        1 => prop_oneof![Just(1), Just(-1)].prop_map(Prank::AddBase),
        2 => any::<[u64; 4]>().prop_map(Prank::AddRandom),
        1 => (-1..=1i64).prop_map(Prank::Set),
        1 => (1..20usize).prop_map(Prank::Move),
    ];
    let change = (0..AdviceColumn::COUNT, 0..8u8, any::<u16>(), prank);
    let change = change.prop_map(|(column, region, row, prank)| Change { column, region, row, prank });
    prop_oneof![prop::collection::vec(change.clone(), 1), prop::collection::vec(change, 2), carries(),]
}

/// A limb less or more by the range base, and one more or less of its successor: another way to write the same number,
/// if there were one.
fn carries() -> impl Strategy<Value = Vec<Change>> {
    (any::<u16>(), prop_oneof![Just(1), Just(-1)]).prop_map(|(row, sign)| {
        let change = |row, prank| Change { column: Var as usize, region: 7, row, prank };
        vec![change(row, Prank::AddBase(sign)), change(row.wrapping_add(1), Prank::Add(sign))]
    })
}

impl Change {
    fn row(self, witness: &Witness) -> usize {
        let usable = witness.capacity().usable();
        let row = usize::from(self.row);
        match self.region {
            0 => [0, 1, 2, 3, usable - 3, usable - 2, usable - 1][row % 7],
            1 => row % usable,
            _ => row % 120,
        }
    }

    fn make(self, honest: &Witness, witness: &mut Witness) {
        let (column, row) = (AdviceColumn::ALL[self.column], self.row(honest));
        let number =
            |value: i64| if value < 0 { -Fr::from(value.unsigned_abs()) } else { Fr::from(value.unsigned_abs()) };
        match self.prank {
            Prank::Add(by) => witness[column][row] += number(by),
            Prank::AddBase(by) => witness[column][row] += number(by) * Fr::from(honest.capacity().base()),
            Prank::AddRandom(words) => witness[column][row] += Fr::from_raw(words),
            Prank::Set(value) => witness[column][row] = number(value),
            Prank::Move(rows) => witness[column][row] = honest[column][(row + rows) % honest.capacity().usable()],
        }
    }
}

fn mock_accepts(witness: &Witness) -> bool {
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    MockProver::run(witness.capacity().k(), &circuit, vec![vec![Fr::ZERO]]).unwrap().verify().is_ok()
}

/// Whether the program of the first three columns is satisfied by holdings and variables alone, the latter in range:
/// what an accepted witness is supposed to show.
fn program_is_satisfied(witness: &Witness) -> bool {
    let capacity = witness.capacity();
    let base = witness.groups().base_column();
    let value = |address: usize| match address {
        0 => None,
        address if address == capacity.one().index() => Some(Fr::ONE),
        address if base[address - 1] == 0 => {
            let limbs = 1 + base[address..].iter().take_while(|cell| **cell > 0).count();
            Some(witness[Var][address]).filter(|value| in_range(witness, *value, limbs))
        }
        address => Some(witness[BlindedHold][address]),
    };
    let mut sum = Fr::ZERO;
    (1..capacity.usable() - 1).all(|row| {
        // Entries that count for nothing may read address 0, as unused rows do; others may not.
        if witness[Coef][row] == Fr::ZERO && address(witness, row) == 0 {
            return witness[Flag][row] == Fr::ZERO || std::mem::take(&mut sum) == Fr::ZERO;
        }
        let Some(value) = value(address(witness, row)) else { return false };
        sum += witness[Coef][row] * value;
        if witness[Flag][row] == Fr::ZERO {
            return true;
        }
        std::mem::take(&mut sum) == Fr::ZERO
    })
}

fn in_range(witness: &Witness, value: Fr, limbs: usize) -> bool {
    let bytes = value.to_repr();
    let (low, high) = bytes.split_at(16);
    high.iter().all(|byte| *byte == 0)
        && u128::from_le_bytes(low.try_into().unwrap()) < u128::from(witness.capacity().base()).pow(limbs as u32)
}

/// Cells that the circuit leaves open by itself: those with known commitments, variables, and what nothing reads.
fn may_change(honest: &Witness, column: AdviceColumn, row: usize) -> bool {
    let base = honest.groups().base_column();
    let last = honest.capacity().usable() - 1;
    match column {
        // Bound by their commitments, which verifiers know.
        Idx | Flag | Coef => true,
        // Neither an address that programs read nor the one's.
        Blind => row < 2 || row > last,
        BlindedHold => row == 0 || row == last || base[row - 1] == honest.capacity().base(),
        // The head of a variable that no equation reads, or a row outside of groups.
        Var => row != honest.capacity().one().index() && (row == 0 || base[row - 1] != honest.capacity().base()),
        Val => false,
        Acc => row == 0,
    }
}

/// Circuit and twin agree on each outcome, what they accept is true, and a cell that a rule binds cannot change alone.
fn assert_pranks_fail(cases: u32) {
    let (rejected, accepted) = (Cell::new(0), Cell::new(0));
    let columns: [Cell<u32>; AdviceColumn::COUNT] = Default::default();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(0..SHAPES, changes()), |(shape, changes)| {
        let honest = honest(shape);
        let mut witness = honest.clone();
        changes.iter().for_each(|change| change.make(honest, &mut witness));
        if AdviceColumn::ALL.iter().all(|column| witness[*column] == honest[*column]) {
            return Ok(());
        }
        let (twin, circuit) = (check(&witness), mock_accepts(&witness));
        prop_assert_eq!(twin.is_ok(), circuit, "{:?}", twin);
        changes.iter().for_each(|change| columns[change.column].set(columns[change.column].get() + 1));
        if twin.is_err() {
            rejected.set(rejected.get() + 1);
            return Ok(());
        }
        accepted.set(accepted.get() + 1);
        if let [change] = changes[..] {
            let (column, row) = (AdviceColumn::ALL[change.column], change.row(honest));
            prop_assert!(may_change(honest, column, row), "{} in row {} is not bound", column.name(), row);
        }
        // A program that is another one may start with a sum that its own first row does not end.
        let is_the_program = [Idx, Flag, Coef].iter().all(|column| witness[*column] == honest[*column]);
        prop_assert!(!is_the_program || program_is_satisfied(&witness));
        Ok(())
    });
    outcome.unwrap();
    assert!(rejected.get() > cases / 4 && accepted.get() > cases / 100, "{rejected:?} rejected, {accepted:?} accepted");
    assert!(columns.iter().all(|column| column.get() > cases / 30), "{columns:?}");
}

#[test]
fn circuit_and_twin_agree_on_pranks() {
    assert!((0..SHAPES).all(|shape| check(honest(shape)) == Ok(()) && program_is_satisfied(honest(shape))));
    assert_pranks_fail(3_000);
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_circuit_and_twin_agree_on_pranks() {
    assert_pranks_fail(60_000);
}
