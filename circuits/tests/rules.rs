//! The rules of the circuit: for each, witnesses that break it and nothing else; and random changes, on which the
//! circuit and its plain twin must agree.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Statement, development, forger::forge};
use ff::{Field as _, PrimeField as _};
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use surety_circuits::{
    AdviceColumn, ProvingKey, Witness,
    check::{Violation, check},
    circuit::{LinearProgramCircuit, rules},
};
use surety_margin::capacity::Row;

use AdviceColumn::{Acc, Coef, Flag, Hold, Idx, Val, Var};

/// The rules that a mock prover finds broken, as text.
fn mock_failures(witness: &Witness) -> Vec<String> {
    let circuit = LinearProgramCircuit::with_witness(witness.clone());
    let prover = MockProver::run(witness.capacity().k(), &circuit, vec![vec![Fr::ZERO]]).unwrap();
    prover.verify().err().into_iter().flatten().map(|failure| format!("{failure:?}")).collect()
}

/// Asserts that the circuit and its twin reject a witness for breaking this rule and no other.
fn assert_breaks(rule: &'static str, witness: &Witness) -> Violation {
    let violation = check(witness).unwrap_err();
    assert_eq!(violation.rule, rule, "row {}", violation.row);
    let failures = mock_failures(witness);
    assert!(!failures.is_empty());
    assert!(failures.iter().all(|failure| failure.contains(rule)), "{failures:#?}");
    violation
}

/// Fills `VAL` and `ACC` in again after a change of the memory or the program.
fn rerun(witness: &mut Witness) {
    let base = witness.capacity().base_column();
    for row in 1..witness.capacity().usable() - 1 {
        let address = address(witness, row);
        if address > 0 {
            let variable = if base[address - 1] == 0 { witness[Var][address] } else { Fr::ZERO };
            witness[Val][row] = witness[Hold][address] + variable;
        }
        let sum = witness[Acc][row] + witness[Coef][row] * witness[Val][row];
        witness[Acc][row + 1] = (Fr::ONE - witness[Flag][row]) * sum;
    }
}

fn address(witness: &Witness, row: usize) -> usize {
    let bytes = witness[Idx][row].to_repr();
    usize::from(bytes[0]) | usize::from(bytes[1]) << 8
}

/// A variable that is not zero, and that the program reads.
fn some_variable(witness: &Witness) -> usize {
    let heads = (0..).map_while(|index| witness.capacity().variable(index)).map(Row::index);
    heads.into_iter().find(|head| witness[Var][*head] != Fr::ZERO).unwrap()
}

/// The last row of an equation in the midst of the program.
fn some_end(witness: &Witness) -> usize {
    (2..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap()
}

/// A row of the program that reads a holding.
fn some_reading(witness: &Witness) -> usize {
    let holding = witness.capacity().instrument(1).unwrap().index();
    (1..).find(|row| address(witness, *row) == holding).unwrap()
}

#[test]
fn an_honest_witness_breaks_no_rule() {
    let witness = Statement::small().witness();
    assert_eq!(check(&witness), Ok(()));
    assert_eq!(mock_failures(&witness), Vec::<String>::new());
}

#[test]
fn rejects_negated_holdings() {
    let mut witness = Statement::small().witness();
    witness[Hold].iter_mut().for_each(|value| *value = -*value);
    rerun(&mut witness);
    assert_breaks(rules::EQUATION, &witness);
}

#[test]
fn rejects_an_equation_that_does_not_sum_to_zero() {
    let mut witness = Statement::small().witness();
    let holding = witness.capacity().instrument(1).unwrap().index();
    witness[Hold][holding] += Fr::ONE;
    rerun(&mut witness);
    assert_breaks(rules::EQUATION, &witness);
}

#[test]
fn rejects_a_source_that_writes_where_a_variable_is() {
    // A holding in the place of a variable could be negative: the charge that the variable stands for would be erased.
    let mut witness = Statement::small().witness();
    let head = some_variable(&witness);
    witness[Hold][head] = witness[Var][head];
    let limbs = witness.capacity().limbs();
    witness[Var][head..head + limbs].fill(Fr::ZERO);
    rerun(&mut witness);
    assert_eq!(assert_breaks(rules::SOURCES, &witness).row, head);
}

#[test]
fn rejects_a_source_that_writes_where_the_one_is() {
    let mut witness = Statement::small().witness();
    let one = witness.capacity().one().index();
    for row in [one, one + 1] {
        let mut witness = witness.clone();
        witness[Hold][row] = Fr::ONE;
        let violation = check(&witness).unwrap_err();
        assert_eq!((violation.rule, violation.row), (rules::SOURCES, row));
        assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::SOURCES)));
    }
    // No program row reads the row behind the one, so that nothing else is broken there.
    witness[Hold][one + 1] = Fr::ONE;
    assert_breaks(rules::SOURCES, &witness);
}

#[test]
fn rejects_a_running_sum_that_is_not_reset() {
    let mut witness = Statement::small().witness();
    let end = some_end(&witness);
    witness[Acc][end + 1] = Fr::from(5);
    // Carried on to the end of the next equation, where it shows unless a term makes up for it.
    let next_end = (end + 1..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap();
    for row in end + 2..=next_end {
        witness[Acc][row] += Fr::from(5);
    }
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::RUNNING_SUM, end));
    assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::RUNNING_SUM)));
}

#[test]
fn rejects_a_running_sum_that_leaves_out_a_term() {
    let mut witness = Statement::small().witness();
    let term = |row: usize| witness[Coef][row] * witness[Val][row];
    let row = (2..).find(|row| witness[Flag][*row] == Fr::ZERO && term(*row) != Fr::ZERO).unwrap();
    let term = term(row);
    witness[Acc][row + 1] -= term;
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::RUNNING_SUM, row));
    assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::RUNNING_SUM)));
}

#[test]
fn rejects_a_running_sum_that_does_not_start_at_zero() {
    let mut witness = Statement::small().witness();
    witness[Acc][1] = Fr::from(7);
    assert_eq!(assert_breaks(rules::EQUATION, &witness).row, 1);
}

#[test]
fn rejects_a_variable_at_the_bound() {
    let mut witness = Statement::small().witness();
    let capacity = witness.capacity();
    let head = unread_variable(&witness);
    place(&mut witness, head, capacity.variable_bound() - 1);
    assert_eq!(check(&witness), Ok(()), "one less is in range");
    place(&mut witness, head, capacity.variable_bound());
    assert_eq!(assert_breaks(rules::RANGE, &witness).row, head + capacity.limbs() - 1);
}

#[test]
fn rejects_a_negative_variable() {
    let mut witness = Statement::small().witness();
    let head = unread_variable(&witness);
    witness[Var][head] = -Fr::ONE;
    assert_eq!(assert_breaks(rules::RANGE, &witness).row, head);
    // Nor is there a second way to write -1: limbs that make up for it are themselves out of range.
    let inverse = Fr::from(witness.capacity().base()).invert().unwrap();
    witness[Var][head + 1] = -inverse;
    assert_eq!(assert_breaks(rules::RANGE, &witness).row, head + 1);
}

/// The last variable, which this program does not need.
fn unread_variable(witness: &Witness) -> usize {
    let capacity = witness.capacity();
    let head = capacity.variable(capacity.variables() - 1).unwrap().index();
    assert!((1..capacity.usable()).all(|row| address(witness, row) != head));
    head
}

/// Writes a number into a limb group, whether it fits or not.
fn place(witness: &mut Witness, head: usize, value: u128) {
    let (base, limbs) = (u128::from(witness.capacity().base()), witness.capacity().limbs());
    let mut quotient = value;
    for cell in &mut witness[Var][head..head + limbs] {
        *cell = Fr::from_u128(quotient);
        quotient /= base;
    }
}

#[test]
fn rejects_a_one_that_is_not_one() {
    let mut witness = Statement::small().witness();
    let one = witness.capacity().one().index();
    witness[Var][one] = Fr::from(2);
    rerun(&mut witness);
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::ONE, one));
    assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::ONE)));
}

#[test]
fn rejects_a_value_that_is_not_the_memorys() {
    let mut witness = Statement::small().witness();
    let row = some_reading(&witness);
    // Another value of the memory, though not of this address.
    let elsewhere = witness.capacity().instrument(0).unwrap().index();
    witness[Val][row] = witness[Hold][elsewhere];
    let end = (row..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap();
    for row in row..end {
        witness[Acc][row + 1] = witness[Acc][row] + witness[Coef][row] * witness[Val][row];
    }
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::MEMORY, row));
    assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::MEMORY)));
}

#[test]
fn rejects_values_in_unused_rows() {
    let honest = Statement::small().witness();
    let unused = honest.capacity().usable() - 2;
    assert_eq!((honest[Idx][unused], honest[Flag][unused], honest[Coef][unused]), (Fr::ZERO, Fr::ZERO, Fr::ZERO));
    let mut witness = honest.clone();
    witness[Val][unused] = Fr::from(5);
    assert_eq!(assert_breaks(rules::MEMORY, &witness).row, unused);
    let mut witness = honest.clone();
    witness[Acc][unused] = Fr::from(5);
    assert_breaks(rules::RUNNING_SUM, &witness);
}

#[test]
fn rejects_an_address_outside_the_memory() {
    let mut witness = Statement::small().witness();
    let row = some_reading(&witness);
    for address in [witness.capacity().usable() as u64 - 1, witness.capacity().rows() as u64, u64::MAX] {
        witness[Idx][row] = Fr::from(address);
        assert_breaks(rules::MEMORY, &witness);
    }
}

/// One cell after the other is overwritten: circuit and twin agree on each, and cells that a rule binds cannot change.
#[test]
fn circuit_and_twin_agree_on_pranks() {
    let honest = Statement::small().witness();
    let usable = honest.capacity().usable();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (mut rejected, mut accepted) = (0, 0);
    for column in AdviceColumn::ALL {
        for _ in 0..40 {
            let row = prank_row(&mut rng, usable);
            let mut witness = honest.clone();
            witness[column][row] += match rng.next_u32() % 4 {
                0 => Fr::ONE,
                1 => -Fr::ONE,
                2 => Fr::from(honest.capacity().base()),
                _ => Fr::random(&mut rng),
            };
            let (twin, circuit) = (check(&witness), mock_failures(&witness));
            assert_eq!(twin.is_ok(), circuit.is_empty(), "{} in row {row}: {twin:?}, {circuit:?}", column.name());
            assert!(twin.is_err() || may_change(&honest, column, row), "{} in row {row} is not bound", column.name());
            if twin.is_ok() { accepted += 1 } else { rejected += 1 }
        }
    }
    assert!(rejected > 150 && accepted > 10, "{rejected} rejected, {accepted} accepted");
}

/// Mostly rows of the program and of the first limb groups, and the edges.
fn prank_row(rng: &mut ChaCha20Rng, usable: usize) -> usize {
    let pick = rng.next_u32() as usize;
    match rng.next_u32() % 8 {
        0 => [0, 1, 2, 3, usable - 3, usable - 2, usable - 1][pick % 7],
        1 => pick % usable,
        _ => pick % 120,
    }
}

/// Cells that the circuit leaves open by itself: those with known commitments, variables, and what nothing reads.
fn may_change(honest: &Witness, column: AdviceColumn, row: usize) -> bool {
    let base = honest.capacity().base_column();
    let last = honest.capacity().usable() - 1;
    match column {
        // Bound by their commitments, which verifiers know.
        Idx | Flag | Coef => true,
        Hold => row == 0 || row == last || base[row - 1] == honest.capacity().base(),
        // The head of a variable that no equation reads, or a row outside of groups.
        Var => row != honest.capacity().one().index() && (row == 0 || base[row - 1] != honest.capacity().base()),
        Val => false,
        Acc => row == 0,
    }
}

/// What the mock prover rejects, the verifier rejects as well: proofs made without any check.
#[test]
fn rejects_proofs_of_broken_rules() {
    let statement = Statement::small();
    let params = development(statement.capacity);
    let key = ProvingKey::generate(&params).unwrap();
    let honest = statement.witness();
    let verifies = |witness: &Witness| {
        let (known, proof) = forge(&params, key.verifying_key().digest(), Fr::ONE, witness);
        key.verifying_key().verify(Fr::ONE, &known, &proof).is_ok()
    };
    assert!(verifies(&honest), "the forger proves what is true");

    let mut sources = honest.clone();
    let (head, limbs) = (some_variable(&honest), honest.capacity().limbs());
    sources[Hold][head] = sources[Var][head];
    sources[Var][head..head + limbs].fill(Fr::ZERO);
    rerun(&mut sources);
    assert_eq!(check(&sources).unwrap_err().rule, rules::SOURCES);
    assert!(!verifies(&sources));

    let mut equation = honest.clone();
    equation[Hold].iter_mut().for_each(|value| *value = -*value);
    rerun(&mut equation);
    assert_eq!(check(&equation).unwrap_err().rule, rules::EQUATION);
    assert!(!verifies(&equation));

    let mut one = honest.clone();
    one[Var][honest.capacity().one().index()] = Fr::from(2);
    rerun(&mut one);
    assert_eq!(check(&one).unwrap_err().rule, rules::ONE);
    assert!(!verifies(&one));

    let mut running_sum = honest.clone();
    let end = some_end(&honest);
    running_sum[Acc][end + 1] = Fr::from(5);
    assert_eq!(check(&running_sum).unwrap_err().rule, rules::RUNNING_SUM);
    assert!(!verifies(&running_sum));
}
