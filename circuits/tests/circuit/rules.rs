//! The rules of the circuit: for each, witnesses that break it, and nothing else where that is possible.

use AdviceColumn::{Acc, BlindedHold, Coef, Flag, Idx, Val, Var};
use ff::Field as _;
use halo2_proofs::dev::MockProver;
use halo2curves::bn256::Fr;
use surety_circuits::{
    AdviceColumn, Witness,
    check::{Violation, check},
    circuit::LinearProgramCircuit,
    rules,
};

use crate::common::{
    Statement,
    attacks::{
        carry_over, leave_out_a_term, negate_holdings, place, read_another_value, rerun, some_end, some_reading,
        unread_variable, wrap_around, write_at_a_variable,
    },
};

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

#[test]
fn an_honest_witness_breaks_no_rule() {
    let witness = Statement::small().witness();
    assert_eq!(check(&witness), Ok(()));
    assert_eq!(mock_failures(&witness), Vec::<String>::new());
}

#[test]
fn rejects_negated_holdings() {
    let mut witness = Statement::small().witness();
    negate_holdings(&mut witness);
    assert_breaks(rules::EQUATION, &witness);
}

#[test]
fn rejects_an_equation_that_does_not_sum_to_zero() {
    let mut witness = Statement::small().witness();
    let holding = witness.capacity().instrument(1).unwrap().index();
    witness[BlindedHold][holding] += Fr::ONE;
    rerun(&mut witness);
    assert_breaks(rules::EQUATION, &witness);
}

#[test]
fn rejects_a_source_that_writes_where_a_variable_is() {
    let mut witness = Statement::small().witness();
    write_at_a_variable(&mut witness);
    let head = assert_breaks(rules::SOURCES, &witness).row;
    assert_ne!(witness[BlindedHold][head], Fr::ZERO);
}

#[test]
fn rejects_a_source_that_writes_where_the_one_is() {
    let mut witness = Statement::small().witness();
    let one = witness.capacity().one().index();
    for row in [one, one + 1] {
        let mut witness = witness.clone();
        witness[BlindedHold][row] = Fr::ONE;
        let violation = check(&witness).unwrap_err();
        assert_eq!((violation.rule, violation.row), (rules::SOURCES, row));
        assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::SOURCES)));
    }
    // No program row reads the row behind the one, so that nothing else is broken there.
    witness[BlindedHold][one + 1] = Fr::ONE;
    assert_breaks(rules::SOURCES, &witness);
}

#[test]
fn rejects_a_running_sum_that_is_not_reset() {
    let mut witness = Statement::small().witness();
    carry_over(&mut witness);
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::RUNNING_SUM, some_end(&witness)));
    assert!(mock_failures(&witness).iter().any(|failure| failure.contains(rules::RUNNING_SUM)));
}

#[test]
fn rejects_a_running_sum_that_leaves_out_a_term() {
    let mut witness = Statement::small().witness();
    leave_out_a_term(&mut witness);
    assert_eq!(check(&witness).unwrap_err().rule, rules::RUNNING_SUM);
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
    // All of them as the field divides: the last one is no limb.
    let mut witness = Statement::small().witness();
    wrap_around(&mut witness);
    assert_eq!(assert_breaks(rules::RANGE, &witness).row, head + witness.capacity().limbs() - 1);
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
    read_another_value(&mut witness);
    let violation = check(&witness).unwrap_err();
    assert_eq!((violation.rule, violation.row), (rules::MEMORY, some_reading(&witness)));
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
