//! Witnesses that break a rule, one for each way that somebody thought of.

use AdviceColumn::{Acc, Blind, BlindedHold, Coef, Flag, Idx, Val, Var};
use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use surety_circuits::{AdviceColumn, Witness, rules};
use surety_core::capacity::Row;

/// Something false, and the rule against it.
pub(crate) struct Attack {
    /// What the attacker does.
    pub(crate) name: &'static str,
    /// The rule that is broken, or the first of them.
    pub(crate) rule: &'static str,
    pub(crate) witness: Witness,
}

/// All of them, against one honest witness.
pub(crate) fn all(honest: &Witness) -> Vec<Attack> {
    let capacity = honest.capacity();
    let one = capacity.one().index();
    let attack = |name, rule, change: &dyn Fn(&mut Witness)| {
        let mut witness = honest.clone();
        change(&mut witness);
        Attack { name, rule, witness }
    };
    vec![
        attack("holdings with their signs turned around", rules::EQUATION, &negate_holdings),
        attack("one lot more than the sources signed for", rules::EQUATION, &|witness| {
            witness[BlindedHold][capacity.instrument(1).unwrap().index()] += Fr::ONE;
            rerun(witness);
        }),
        attack("a debt that the blinding takes away", rules::BLIND, &|witness| {
            blind(witness, capacity.instrument(1).unwrap().index());
        }),
        attack("blinding in the first slot", rules::BLIND, &|witness| {
            blind(witness, capacity.slot(0).unwrap().index());
        }),
        attack("blinding in the last slot", rules::BLIND, &|witness| {
            blind(witness, capacity.slot(capacity.slots() - 1).unwrap().index());
        }),
        attack("blinding behind the one", rules::BLIND, &|witness| witness[Blind][one + 1] = Fr::ONE),
        attack("blinding in the last row of programs", rules::BLIND, &|witness| {
            witness[Blind][capacity.usable() - 2] = Fr::ONE;
        }),
        attack("blinding in the last usable row", rules::BLIND, &|witness| {
            witness[Blind][capacity.usable() - 1] = Fr::ONE;
        }),
        attack("a running sum that starts with a present", rules::EQUATION, &|witness| witness[Acc][1] = Fr::from(7)),
        attack("a source that writes where a variable is", rules::SOURCES, &write_at_a_variable),
        attack("a source that writes where the one is", rules::SOURCES, &|witness| {
            witness[BlindedHold][one] = Fr::ONE;
            rerun(witness);
        }),
        attack("a source that writes behind the one", rules::SOURCES, &|witness| {
            witness[BlindedHold][one + 1] = Fr::ONE
        }),
        attack("a one that is two", rules::ONE, &|witness| {
            witness[Var][one] = Fr::from(2);
            rerun(witness);
        }),
        attack("a one that is nothing", rules::ONE, &|witness| {
            witness[Var][one] = Fr::ZERO;
            rerun(witness);
        }),
        attack("a sum carried over into the next equation", rules::RUNNING_SUM, &carry_over),
        attack("a sum that leaves out a term", rules::RUNNING_SUM, &leave_out_a_term),
        attack("a sum that appears in an unused row", rules::RUNNING_SUM, &|witness| {
            witness[Acc][capacity.usable() - 2] = Fr::from(5);
        }),
        attack("a value that is another instrument's", rules::MEMORY, &read_another_value),
        attack("a value in an unused row", rules::MEMORY, &|witness| witness[Val][capacity.usable() - 2] = Fr::from(5)),
        attack("an address beyond the memory", rules::MEMORY, &|witness| {
            let row = some_reading(witness);
            witness[Idx][row] = Fr::from(capacity.usable() as u64 - 1);
        }),
        attack("an address that no memory has", rules::MEMORY, &|witness| {
            let row = some_reading(witness);
            witness[Idx][row] = -Fr::ONE;
        }),
        attack("a variable below zero", rules::RANGE, &|witness| {
            let head = unread_variable(witness);
            witness[Var][head] = -Fr::ONE;
        }),
        attack("a variable at its bound", rules::RANGE, &|witness| {
            let head = unread_variable(witness);
            place(witness, head, capacity.variable_bound());
        }),
        attack("a variable that is a fraction modulo r", rules::RANGE, &|witness| {
            let head = unread_variable(witness);
            witness[Var][head] = Fr::from(3).invert().unwrap();
        }),
        attack("a variable below zero with quotients modulo r", rules::RANGE, &wrap_around),
    ]
}

/// Holdings that the sources did not sign for: what they lack is said to be blinding. Where the program reads them, the
/// equations come out.
fn blind(witness: &mut Witness, slot: usize) {
    witness[Blind][slot] = Fr::from(1_000);
}

/// The attack of a debtor where commitments are compared up to their sign.
pub(crate) fn negate_holdings(witness: &mut Witness) {
    witness[BlindedHold].iter_mut().for_each(|value| *value = -*value);
    rerun(witness);
}

/// A holding in the place of a variable could be negative: the charge that the variable stands for would be erased.
pub(crate) fn write_at_a_variable(witness: &mut Witness) {
    let (head, limbs) = (some_variable(witness), witness.capacity().limbs());
    witness[BlindedHold][head] = witness[Var][head];
    witness[Var][head..head + limbs].fill(Fr::ZERO);
    rerun(witness);
}

/// A surplus of one equation pays for the next: carried on to its end, where it shows unless a term makes up for it.
pub(crate) fn carry_over(witness: &mut Witness) {
    let end = some_end(witness);
    let next_end = (end + 1..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap();
    for row in end + 1..=next_end {
        witness[Acc][row] += Fr::from(5);
    }
}

/// A charge is not added.
pub(crate) fn leave_out_a_term(witness: &mut Witness) {
    let term = |row: usize| witness[Coef][row] * witness[Val][row];
    let row = (2..).find(|row| witness[Flag][*row] == Fr::ZERO && term(*row) != Fr::ZERO).unwrap();
    let term = term(row);
    witness[Acc][row + 1] -= term;
}

/// What is held of one instrument is said to be held of another.
pub(crate) fn read_another_value(witness: &mut Witness) {
    let row = some_reading(witness);
    let elsewhere = witness.capacity().instrument(0).unwrap().index();
    witness[Val][row] = witness[BlindedHold][elsewhere];
    let end = (row..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap();
    for row in row..end {
        witness[Acc][row + 1] = witness[Acc][row] + witness[Coef][row] * witness[Val][row];
    }
}

/// Minus one, with quotients by the range base modulo r: each limb is zero but the last.
pub(crate) fn wrap_around(witness: &mut Witness) {
    let capacity = witness.capacity();
    let head = unread_variable(witness);
    let inverse = Fr::from(capacity.base()).invert().unwrap();
    let mut quotient = -Fr::ONE;
    for cell in &mut witness[Var][head..head + capacity.limbs()] {
        *cell = quotient;
        quotient *= inverse;
    }
}

/// Fills `VAL` and `ACC` in again after a change of the memory or the program.
pub(crate) fn rerun(witness: &mut Witness) {
    let base = witness.groups().base_column();
    for row in 1..witness.capacity().usable() - 1 {
        let address = address(witness, row);
        if address > 0 {
            let variable = if base[address - 1] == 0 { witness[Var][address] } else { Fr::ZERO };
            witness[Val][row] = witness[BlindedHold][address] + variable;
        }
        let sum = witness[Acc][row] + witness[Coef][row] * witness[Val][row];
        witness[Acc][row + 1] = (Fr::ONE - witness[Flag][row]) * sum;
    }
}

pub(crate) fn address(witness: &Witness, row: usize) -> usize {
    let bytes = witness[Idx][row].to_repr();
    usize::from(bytes[0]) | usize::from(bytes[1]) << 8
}

/// A variable that is not zero, and that the program reads.
pub(crate) fn some_variable(witness: &Witness) -> usize {
    let heads = (0..).map_while(|index| witness.capacity().variable(index)).map(Row::index);
    heads.into_iter().find(|head| witness[Var][*head] != Fr::ZERO).unwrap()
}

/// The last row of an equation in the midst of the program.
pub(crate) fn some_end(witness: &Witness) -> usize {
    (2..).find(|row| witness[Flag][*row] == Fr::ONE).unwrap()
}

/// A row of the program that reads a holding.
pub(crate) fn some_reading(witness: &Witness) -> usize {
    let holding = witness.capacity().instrument(1).unwrap().index();
    (1..).find(|row| address(witness, *row) == holding).unwrap()
}

/// The last variable, which this program does not need.
pub(crate) fn unread_variable(witness: &Witness) -> usize {
    let capacity = witness.capacity();
    let head = capacity.variable(capacity.variables() - 1).unwrap().index();
    assert!((1..capacity.usable()).all(|row| address(witness, row) != head));
    head
}

/// Writes a number into a limb group, whether it fits or not.
pub(crate) fn place(witness: &mut Witness, head: usize, value: u128) {
    let (base, limbs) = (u128::from(witness.capacity().base()), witness.capacity().limbs());
    let mut quotient = value;
    for cell in &mut witness[Var][head..head + limbs] {
        *cell = Fr::from_u128(quotient);
        quotient /= base;
    }
}
