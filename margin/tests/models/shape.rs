//! What the circuit takes for granted of every program.

use std::collections::BTreeSet;

use surety_core::capacity::Row;
use surety_margin::program::{Affine, Program};

/// Every entry but the first reads the one, a holding or a variable of the program: never address 0, where the circuit
/// lets the prover put what he likes, and never a mask. The first reads nothing, and pins the sum; the last leaves none
/// open.
pub(crate) fn assert_reads_what_the_circuit_binds(program: &Program) {
    let capacity = program.capacity();
    let (pin, terms) = program.table().split_first().unwrap();
    assert_eq!((pin.address, pin.last, &pin.coefficient), (Row::NEVER_READ, true, &Affine::default()));
    let variables = (0..program.variables()).map(|index| capacity.variable(index).unwrap());
    let instruments = (0..capacity.instruments()).map(|index| capacity.instrument(index).unwrap());
    let bound: BTreeSet<Row> = variables.chain(instruments).chain([capacity.one()]).collect();
    assert!(!bound.contains(&Row::NEVER_READ));
    for (entry, term) in terms.iter().enumerate() {
        assert!(bound.contains(&term.address), "entry {entry} reads {:?}", term.address);
    }
    assert!(terms.last().is_none_or(|term| term.last));
    assert!(program.table().len() <= capacity.program_rows());
}
