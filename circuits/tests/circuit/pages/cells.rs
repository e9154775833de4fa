//! Every cell of a page's witness is bound, and no variable is anything but a number of its class.

use core::ops::Range;

use AdviceColumn::{Acc, Blind, BlindedHold, Coef, Flag, Idx, Val, Var};
use surety_circuits::{AdviceColumn, rules};

use super::{
    needed::{State, System},
    *,
};
use crate::common::{
    attacks::{address, rerun},
    known,
};

/// Cells that the circuit leaves open: those with commitments that verifiers know, the heads of variables that no
/// program reads, and what lies outside of the memory. `HOLD` is what the page's commitment says: a row that the
/// program does not read is an identity, or zero as the openings of cells say.
fn is_open(witness: &Witness, read: &[bool], column: AdviceColumn, row: usize) -> bool {
    let base = witness.groups().base_column();
    let last = witness.capacity().usable() - 1;
    let slot = row > 0 && base[row - 1] == witness.capacity().base();
    match column {
        Idx | Flag | Coef => true,
        Blind => row < 2,
        BlindedHold => row == 0 || row == last || slot && !read[row],
        // One more than nothing is a limb, but for the row behind the one, whose limb is what the one lacks.
        Var => row != witness.capacity().one().index() && !slot && !read[row],
        Val => false,
        Acc => row == 0,
    }
}

/// What can be added to a cell, for each of these kinds and all cells.
fn assert_cells_are_bound(scenes: &[Scene], changes: usize) {
    for scene in scenes {
        let honest = scene.honest();
        let usable = honest.capacity().usable();
        let mut read = vec![false; usable];
        (1..usable).map(|row| address(&honest, row)).filter(|row| *row > 0).for_each(|row| read[row] = true);
        let mut witness = honest.clone();
        for column in AdviceColumn::ALL {
            for row in 0..usable {
                let cell = |more: Fr| honest[column][row] + more;
                let open = is_open(&honest, &read, column, row);
                let mut takes = |value: Fr| {
                    witness[column][row] = value;
                    let verdict = check(&witness).is_ok();
                    witness[column][row] = honest[column][row];
                    verdict
                };
                if open && ![Idx, Flag, Coef].contains(&column) {
                    assert!(takes(cell(Fr::ONE)), "{}: {} in row {row}", scene.name, column.name());
                } else if !open {
                    let base = Fr::from(honest.capacity().base());
                    let changed = [Fr::ONE, -Fr::ONE, base, Fr::from(3).invert().unwrap()];
                    // Another one in each row, or all.
                    let mut changed = (0..changes).map(|at| changed[(row + at) % changed.len()]);
                    let taken = changed.any(|more| takes(cell(more)));
                    assert!(!taken, "{}: {} in row {row}", scene.name, column.name());
                }
            }
        }
    }
}

#[test]
fn every_cell_of_a_pages_witness_is_bound() {
    assert_cells_are_bound(&scenes()[..2], 1);
}

#[test]
#[ignore = "takes a minute: scripts/check --full runs it"]
fn full_every_cell_of_every_pages_witness_is_bound() {
    assert_cells_are_bound(&scenes(), 4);
}

/// The columns of the program, and `HOLD`, are those that their commitments say: another cell is another commitment.
#[test]
fn rejects_other_programs_and_holdings_by_their_commitments() {
    let scene = &scenes()[1];
    let (honest, params) = (scene.honest(), crate::common::development(scene.page.program().capacity()));
    let expected = known(&params, &honest);
    for (at, column) in [Idx, Flag, Coef, BlindedHold].into_iter().enumerate() {
        for row in [1, 2, 40, honest.capacity().usable() - 2] {
            let mut witness = honest.clone();
            witness[column][row] += Fr::ONE;
            let (found, expected) = (known(&params, &witness).in_order(), expected.in_order());
            let differ = found.iter().zip(&expected).map(|(a, b)| a != b);
            assert!(differ.enumerate().all(|(other, differs)| differs == (other == at)), "{} {row}", column.name());
        }
    }
}

/// Ways to write a number that its group has no room for.
fn spellings(witness: &Witness, rows: &Range<usize>, value: Fr) -> Vec<Vec<Fr>> {
    let inverse = Fr::from(witness.capacity().base()).invert().unwrap();
    let mut divided = vec![value];
    while divided.len() < rows.len() {
        divided.push(divided[divided.len() - 1] * inverse);
    }
    let mut alone = vec![Fr::ZERO; rows.len()];
    alone[0] = value;
    // The digits of what is below zero are those of r less as much.
    let mut digits = Vec::new();
    let (base, mut rest) = (U256::from(witness.capacity().base()), U256::from_le_bytes(value.to_repr()));
    while digits.len() < rows.len() {
        digits.push(Fr::from_raw(rest.into_limbs()));
        rest /= base;
    }
    vec![divided, alone, digits]
}

/// Attack: a variable below zero, or above its class, in whatever way it is written. Whatever follows from it in the
/// program is filled in, so that nothing but the range is left to refuse it.
#[test]
fn rejects_variables_beyond_their_class_by_range_alone() {
    let mut classes = std::collections::BTreeSet::new();
    for scene in scenes() {
        let (honest, program) = (scene.honest(), scene.page.program());
        for variable in 0..program.variables() {
            let rows = program.rows_of(variable).unwrap();
            let bound = Fr::from_u128(u128::from(honest.capacity().base()).pow(rows.len() as u32));
            let long = Fr::from_u128(honest.capacity().variable_bound());
            for value in [-Fr::ONE, bound, bound + Fr::ONE, -bound, long, Fr::from(2).invert().unwrap()] {
                for spelling in spellings(&honest, &rows, value) {
                    let mut witness = honest.clone();
                    witness[Var][rows.clone()].copy_from_slice(&spelling);
                    rerun(&mut witness);
                    let violation = check(&witness).unwrap_err();
                    assert_eq!(violation.rule, rules::RANGE, "{}: variable {variable}", scene.name);
                    assert!((rows.start - 1..rows.end).contains(&violation.row), "{}: {variable}", scene.name);
                }
            }
            if classes.insert(rows.len()) {
                let mut witness = honest.clone();
                witness[Var][rows.start] = -Fr::ONE;
                assert!(!circuit_accepts(&witness));
            }
        }
    }
    assert_eq!(Vec::from_iter(classes), [5, 10], "short and long groups");
}

/// Attack: a false claim whose surpluses make up for what is missing, below zero as field elements. Every equation
/// holds; the ranges alone do not.
#[test]
fn rejects_false_claims_with_surpluses_below_zero_by_range_alone() {
    for scene in scenes() {
        let system = System::of(&scene);
        for claim in scene.bases(2) {
            let honest = State::honest(&scene, &claim).added_up(&system);
            for lie in scene.lies(&claim) {
                let Some(state) = system.made_up_for_modulo_r(&honest.with(&scene, &lie)) else { continue };
                let witness = state.witness(&scene, &system, &claim);
                assert_eq!(check(&witness).unwrap_err().rule, rules::RANGE, "{}: {lie:?}", scene.name);
            }
        }
    }
}
