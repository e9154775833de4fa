//! Rows that are divided into short and long limb groups.

use alloy_primitives::{I256, U256};
use group::Curve as _;
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use surety_circuits::{
    AdviceColumn, ProveError, ProvingKey, ProvingKeyError, Witness,
    check::{Violation, check},
    circuit::LinearProgramCircuit,
    rules,
};
use surety_core::{
    capacity::{Capacity, Groups, Row},
    ident::Name,
};
use surety_kzg::{Lanes, Masks, Params, SecretScalars, Srs, Table, progress::Silent, scalar};
use surety_margin::program::{
    Affine, Builder, Expression, HoldingRange, Program, ProgramError, Unsatisfied, holding, number, positive_part,
};
use surety_verifier::{KnownCommitments, Protocol, VerifyingKey};

use crate::common::{attacks::rerun, position};

/// Accounts of two balances each, which may not be negative, and a total of each balance that is large enough.
const ACCOUNTS: usize = 4;

/// The largest balance, in lots: more than 32 bits, and less than short groups hold.
const LARGEST: i128 = 1 << 40;

fn capacity() -> Capacity {
    Capacity::new(10).unwrap()
}

/// Room for the balances in short groups.
fn groups() -> Groups {
    Groups::with_short(capacity(), 2 * ACCOUNTS).unwrap()
}

/// The first rows where holdings may lie.
fn rows(groups: Groups, count: usize) -> Vec<Row> {
    let all = (0..).map_while(|index| capacity().slot(index));
    all.filter(|row| groups.is_slot(*row)).take(count).collect()
}

fn program(groups: Groups) -> Program {
    let range = |max| HoldingRange { name: Name::new("balance").unwrap(), min: 0, max };
    let mut holdings = vec![range(LARGEST); 2 * ACCOUNTS];
    holdings.extend([range(LARGEST << 20), range(LARGEST << 20)]);
    let rows = rows(groups, holdings.len());
    let mut builder = Builder::new(capacity(), &[], holdings).laid_out(groups, rows).unwrap();
    for asset in 0..2 {
        let owed: Expression = (0..ACCOUNTS).map(|account| holding(2 * account + asset)).sum();
        builder.require("total", &(holding(2 * ACCOUNTS + asset) - owed)).unwrap();
    }
    builder.finish().unwrap()
}

/// A program over rows that are divided, and a witness of it.
pub(crate) struct Divided {
    pub(crate) witness: Witness,
    program: Program,
}

fn lots() -> Vec<i128> {
    let mut lots: Vec<i128> = (0..2 * ACCOUNTS as i128).map(|index| LARGEST - index * index).collect();
    let total = |asset: usize| lots.iter().skip(asset).step_by(2).sum::<i128>();
    lots.extend([total(0), total(1) + 7]);
    lots
}

fn witness(program: &Program, lots: &[i128]) -> Witness {
    let assignment = program.solve(&position(lots), &[]).unwrap();
    let mut hold = SecretScalars::zeros(capacity().rows());
    for (row, lots) in rows(program.groups(), lots.len()).into_iter().zip(lots) {
        hold[row.index()] = scalar::from_i128(*lots);
    }
    let masks = Masks::random(&mut rand_core::OsRng);
    hold[capacity().tail()].copy_from_slice(masks.scalars());
    Witness::new(program, &[], &hold, &assignment).unwrap()
}

pub(crate) fn divided() -> Divided {
    let program = program(groups());
    Divided { witness: witness(&program, &lots()), program }
}

fn known(params: &Params, witness: &Witness) -> KnownCommitments {
    let columns = [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef, AdviceColumn::BlindedHold];
    let [idx, flag, coef, hold] = columns.map(|column| params.commit_column(&witness[column]).to_affine());
    KnownCommitments { idx, flag, coef, hold }
}

fn key(params: &Params, groups: Groups) -> Result<ProvingKey, ProvingKeyError> {
    let table = Table::new(params.lagrange(), &Silent);
    ProvingKey::divided(params, groups, table, Lanes::widest())
}

#[test]
fn short_groups_prove_and_verify_as_long_ones_do() {
    let Divided { witness, program } = divided();
    let balances = (0..2 * ACCOUNTS).map(|variable| program.rows_of(variable).unwrap().len());
    assert!(program.variables() > 2 * ACCOUNTS);
    assert_eq!(balances.filter(|rows| *rows == 5).count(), 2 * ACCOUNTS - 2, "two variables are the surpluses");

    let srs = Srs::development(capacity());
    let params = Params::from_srs(&srs, capacity(), &Silent).unwrap();
    let (key, known) = (key(&params, groups()).unwrap(), known(&params, &witness));
    let proof = key.prove(Fr::one(), &known, &witness).unwrap();
    let derived = VerifyingKey::derive_divided(Protocol::of(capacity()).unwrap(), groups(), &srs).unwrap();
    assert_eq!(derived.digest(), key.verifying_key().digest());
    assert_eq!(derived.verify(Fr::one(), &known, &proof.0), Ok(()));

    let circuit = LinearProgramCircuit::with_witness(witness);
    assert_eq!(MockProver::run(10, &circuit, vec![vec![Fr::one()]]).unwrap().verify(), Ok(()));
    let long = VerifyingKey::derive(Protocol::of(capacity()).unwrap(), &srs).unwrap();
    assert!(long.verify(Fr::one(), &known, &proof.0).is_err(), "another division has another key");
}

#[test]
fn rejects_a_balance_beyond_its_short_group() {
    let program = program(groups());
    let bound = groups().bound(groups().count() - 1) as i128;
    for (balance, fits) in [(bound - 1, true), (bound, false), (-1, false)] {
        let mut lots = lots();
        lots[0] = balance;
        lots[2 * ACCOUNTS] = bound * 2 + 4 * LARGEST;
        let solved = program.solve(&position(&lots), &[]);
        assert_eq!(solved.is_ok(), fits, "{balance}");
        if let Err(error) = solved {
            assert!(matches!(error, Unsatisfied::OutOfRange { .. }), "{error}");
        }
    }
}

/// Attack: a value of more limbs than the group has, the highest of them in the head of the next group.
#[test]
fn rejects_a_variable_that_reaches_into_the_next_group() {
    let Divided { mut witness, program } = divided();
    let rows = program.rows_of(0).unwrap();
    let by = Fr::from(capacity().base());
    let mut step = Fr::one();
    for row in rows.clone().rev() {
        step *= by;
        witness[AdviceColumn::Var][row] += step;
    }
    rerun(&mut witness);
    let Err(Violation { rule, row }) = check(&witness) else { panic!("a variable of six limbs") };
    assert_eq!((rule, row), (rules::RANGE, rows.end - 1));
}

#[test]
fn rejects_witnesses_for_another_division() {
    let srs = Srs::development(capacity());
    let params = Params::from_srs(&srs, capacity(), &Silent).unwrap();
    let witness = divided().witness;
    let other = Groups::with_short(capacity(), 4).unwrap();
    let error = key(&params, other).unwrap().prove(Fr::one(), &known(&params, &witness), &witness).unwrap_err();
    assert!(matches!(error, ProveError::Groups { expected: 4, found: 8 }), "{error}");
    let other = Groups::long(Capacity::new(9).unwrap());
    assert!(matches!(key(&params, other), Err(ProvingKeyError::Disagreement("capacity class"))));
    assert!(VerifyingKey::derive_divided(Protocol::of(capacity()).unwrap(), other, &srs).is_err());
}

/// Attack: holdings where the circuit has a variable, or two in one row.
#[test]
fn rejects_holdings_that_lie_where_none_may() {
    let range = HoldingRange { name: Name::new("balance").unwrap(), min: 0, max: 1 };
    let lay_out = |groups: Groups, rows: Vec<Row>| {
        Builder::new(capacity(), &[], vec![range.clone(); 2]).laid_out(groups, rows).map(|_| ())
    };
    let slots = rows(groups(), 2);
    assert_eq!(lay_out(groups(), slots.clone()), Ok(()));
    // The last short group begins in the middle of what would be a long one.
    let head = groups().head(groups().count() - 1).unwrap();
    assert!(Groups::long(capacity()).is_slot(head), "a slot of long groups");
    let of_head = format!("row {}", head.index());
    let other = Groups::long(Capacity::new(9).unwrap());
    let cases = [
        (groups(), vec![slots[0], head], &of_head[..]),
        (groups(), vec![slots[0], slots[0]], "row 4"),
        (groups(), vec![slots[0], capacity().one()], "row 1"),
        (groups(), slots[..1].to_vec(), "1 rows for 2 holdings"),
        (other, slots.clone(), "groups of capacity 9"),
    ];
    for (groups, rows, found) in cases {
        let error = lay_out(groups, rows).unwrap_err().to_string();
        assert!(error.ends_with(found), "{error}");
    }
}

/// Attack: a coefficient with which a variable of long limbs wraps around, and one of short limbs does not.
#[test]
fn rejects_wrap_around_by_the_bound_of_the_variables_group() {
    let coefficient = I256::from_raw(U256::ONE << 160);
    let compile = |groups: Groups| {
        let range = HoldingRange { name: Name::new("balance").unwrap(), min: 0, max: 3 };
        let mut builder = Builder::new(capacity(), &[], vec![range]).laid_out(groups, rows(groups, 1)).unwrap();
        let cost = positive_part(holding(0)).times(Affine::constant(coefficient));
        let budget = number(Affine::constant(coefficient * I256::unchecked_from(3)));
        builder.require("cost", &(budget - cost)).unwrap();
        builder.finish().map(|_| ())
    };
    assert_eq!(compile(groups()), Ok(()));
    let error = compile(Groups::long(capacity())).unwrap_err();
    assert!(matches!(error, ProgramError::Wraps { .. }), "{error}");
}
