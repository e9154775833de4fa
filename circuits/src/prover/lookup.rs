//! The lookups: permuted columns and running products.
//!
//! A lookup's inputs, sorted so that equal ones are neighbours, stand beside a permutation of its table in which the
//! first of each run of inputs has its own value at its side. Table rows are told apart by their numbers, so that
//! counting sorts: a secret value is never compared with another.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use surety_core::capacity::Capacity;
use surety_kzg::{Kernel, Lanes, Number, SecretScalars, rows, secret::Wiped};

use crate::{
    blinding::Fresh,
    columns::AdviceColumn,
    prover::{
        Challenges,
        columns::{BlindedColumn, UnblindedColumn, UsableRows},
        fixed::Fixed,
        tasks,
    },
    witness::Witness,
};

/// Inputs and tables of both lookups in the usable rows, zeros behind them.
pub(crate) struct Looked {
    capacity: Capacity,
    /// What lies at each address, `BLINDED_HOLD + S·VAR`.
    memory: SecretScalars,
    /// `VAR - BASE·VAR[+1]`
    limbs: SecretScalars,
}

/// A lookup of pairs: the compressed column is `θ·first + second`.
pub(crate) struct Pair {
    pub(crate) first: UnblindedColumn,
    pub(crate) second: BlindedColumn,
}

/// Permuted inputs and table before θ is known.
pub(crate) struct Permuted<C> {
    pub(crate) input: C,
    pub(crate) table: C,
}

impl Looked {
    pub(crate) fn new(witness: &Witness, fixed: &Fixed) -> Self {
        let capacity = witness.capacity();
        let (hold, var) = (&witness[AdviceColumn::BlindedHold], &witness[AdviceColumn::Var]);
        let (mut memory, mut limbs) = (SecretScalars::zeros(capacity.rows()), SecretScalars::zeros(capacity.rows()));
        for row in 0..capacity.usable() {
            memory[row] = hold[row] + fixed.variable[row] * var[row];
            // The last usable row has no part of the row behind it.
            limbs[row] = var[row] - fixed.base[row] * var[row + 1];
        }
        Self { capacity, memory, limbs }
    }

    /// The permuted columns of both lookups.
    pub(crate) fn permute(
        &self,
        witness: &Witness,
        fixed: &Fixed,
        fresh: &mut Fresh,
    ) -> (Permuted<Pair>, Permuted<BlindedColumn>) {
        let (memory, range) = rayon::join(|| self.memory_order(witness), || self.range_order());
        let of = |values: &[Fr], rows: &[u32]| {
            let mut column = UsableRows::zeros(self.capacity);
            column.iter_mut().zip(rows).for_each(|(cell, row)| *cell = values[*row as usize]);
            column
        };
        let mut pair = |rows: &[u32]| Pair {
            first: of(&fixed.row, rows).unblinded(),
            second: of(&self.memory, rows).blind(fresh),
        };
        let memory = Permuted { input: pair(&memory.inputs), table: pair(&memory.table) };
        let mut single = |rows: &[u32]| of(&fixed.row, rows).blind(fresh);
        let range = Permuted { input: single(&range.inputs), table: single(&range.table) };
        (memory, range)
    }

    /// Each read is one of the row with that address. Address 0 is that of two rows.
    fn memory_order(&self, witness: &Witness) -> Order {
        let (idx, val) = (&witness[AdviceColumn::Idx], &witness[AdviceColumn::Val]);
        Order::new(self.capacity.usable(), |row| match small(&idx[row]) {
            Some(0) if val[row] != self.memory[0] => Some(self.capacity.usable() - 1),
            address => address,
        })
    }

    /// Each limb is the number of a row.
    fn range_order(&self) -> Order {
        Order::new(self.capacity.usable(), |row| small(&self.limbs[row]))
    }

    /// The running product of the memory lookup.
    pub(crate) fn memory_product(
        &self,
        witness: &Witness,
        fixed: &Fixed,
        permuted: &Permuted<BlindedColumn>,
        challenges: &Challenges,
    ) -> UsableRows {
        let (idx, val) = (&witness[AdviceColumn::Idx], &witness[AdviceColumn::Val]);
        let inputs = Compressed { first: Some(idx), second: val };
        let table = Compressed { first: Some(&fixed.row), second: &self.memory };
        product(self.capacity, permuted, challenges, inputs, table)
    }

    /// The running product of the range lookup.
    pub(crate) fn range_product(
        &self,
        fixed: &Fixed,
        permuted: &Permuted<BlindedColumn>,
        challenges: &Challenges,
    ) -> UsableRows {
        let inputs = Compressed { first: None, second: &self.limbs };
        product(self.capacity, permuted, challenges, inputs, Compressed { first: None, second: &fixed.row })
    }
}

impl Permuted<Pair> {
    /// The columns that are opened.
    pub(crate) fn compress(&self, lanes: Lanes, theta: Fr) -> Permuted<BlindedColumn> {
        let compress = |pair: &Pair| pair.second.compressed(lanes, theta, &pair.first);
        let (input, table) = rayon::join(|| compress(&self.input), || compress(&self.table));
        Permuted { input, table }
    }
}

/// The table rows whose values the permuted columns take.
struct Order {
    inputs: Wiped<u32>,
    table: Wiped<u32>,
}

impl Order {
    /// `read` is the table row that a row's input is found in. A row that finds nothing, of which a witness that keeps
    /// the rules has none, is left out, and the proof is none.
    fn new(rows: usize, read: impl Fn(usize) -> Option<usize>) -> Self {
        let mut counts = Wiped::<u32>::new(rows);
        for count in (0..rows).filter_map(read).map(|row| row.min(rows - 1)) {
            counts[count] += 1;
        }
        let (mut inputs, mut table) = (Wiped::new(rows), Wiped::new(rows));
        let mut unread = (0..rows).filter(|row| counts[*row] == 0);
        let mut place = 0;
        for row in 0..rows {
            for repeat in 0..counts[row] {
                inputs[place] = row as u32;
                table[place] = if repeat == 0 { row } else { unread.next().unwrap_or(row) } as u32;
                place += 1;
            }
        }
        Self { inputs, table }
    }
}

/// The number, if it is below `2^32`.
fn small(value: &Fr) -> Option<usize> {
    let bytes = zeroize::Zeroizing::new(value.to_repr());
    let (low, high) = bytes.split_at(4);
    high.iter().all(|byte| *byte == 0).then(|| low.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// A column before it is permuted: `θ·first + second`.
#[derive(Clone, Copy)]
struct Compressed<'a> {
    first: Option<&'a [Fr]>,
    second: &'a [Fr],
}

impl Compressed<'_> {
    #[inline(always)]
    fn read<N: Number>(&self, at: usize, theta: &N::Factor) -> N {
        let second = N::load(self.second, at);
        match self.first {
            Some(first) => N::load(first, at).scaled(theta).plus(second),
            None => second,
        }
    }
}

/// `Z[0] = 1`, `Z[t+1] = Z[t]·(A + β)(S + γ) / ((A′ + β)(S′ + γ))`.
fn product(
    capacity: Capacity,
    permuted: &Permuted<BlindedColumn>,
    challenges: &Challenges,
    inputs: Compressed<'_>,
    table: Compressed<'_>,
) -> UsableRows {
    let mut steps = SecretScalars::zeros(capacity.rows());
    let length = tasks(capacity.rows());
    steps.par_chunks_mut(length).enumerate().for_each(|(chunk, steps)| {
        let from = chunk * length;
        challenges.lanes.run(Denominators { permuted, challenges, from, steps });
        rows::invert(challenges.lanes, steps);
        challenges.lanes.run(Numerators { inputs, table, challenges, from, steps });
    });
    let mut products = UsableRows::for_product(capacity);
    let mut running = Fr::ONE;
    for (product, step) in products.iter_mut().zip(steps.iter()) {
        *product = running;
        running *= step;
    }
    products
}

/// `(A′ + β)(S′ + γ)` in the rows from one on.
struct Denominators<'a> {
    permuted: &'a Permuted<BlindedColumn>,
    challenges: &'a Challenges,
    from: usize,
    steps: &'a mut [Fr],
}

impl Kernel for Denominators<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let Self { permuted: Permuted { input, table }, challenges, from, steps } = self;
        let (beta, gamma) = (N::splat(challenges.beta), N::splat(challenges.gamma));
        for at in (0..steps.len()).step_by(N::COUNT) {
            let (input, table) = (N::load(input, from + at), N::load(table, from + at));
            input.plus(beta).times(table.plus(gamma)).store(steps, at);
        }
    }
}

/// Multiplies by `(A + β)(S + γ)` in the rows from one on.
struct Numerators<'a> {
    inputs: Compressed<'a>,
    table: Compressed<'a>,
    challenges: &'a Challenges,
    from: usize,
    steps: &'a mut [Fr],
}

impl Kernel for Numerators<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let Self { inputs, table, challenges, from, steps } = self;
        let (beta, gamma) = (N::splat(challenges.beta), N::splat(challenges.gamma));
        let theta = N::factor(challenges.theta);
        for at in (0..steps.len()).step_by(N::COUNT) {
            let (input, table) = (inputs.read::<N>(from + at, &theta), table.read::<N>(from + at, &theta));
            let numerator = input.plus(beta).times(table.plus(gamma));
            N::load(steps, at).times(numerator).store(steps, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns' shape is what soundness needs: every input beside its own value or behind an equal input.
    #[test]
    fn orders_are_permutations_with_each_first_beside_itself() {
        for reads in [vec![0, 0, 0, 0], vec![3, 1, 3, 0, 3], vec![0, 1, 2], vec![2, 2, 1, 1, 4, 4], vec![0]] {
            let order = Order::new(reads.len(), |row| Some(reads[row]));
            let sorted = |rows: &[u32]| {
                let mut rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
                rows.sort_unstable();
                rows
            };
            let mut expected = reads.clone();
            expected.sort_unstable();
            assert_eq!(sorted(&order.inputs), expected);
            assert_eq!(sorted(&order.table), (0..reads.len()).collect::<Vec<_>>());
            for place in 0..reads.len() {
                let repeats = place > 0 && order.inputs[place] == order.inputs[place - 1];
                assert!(repeats || order.inputs[place] == order.table[place], "{reads:?}");
            }
        }
    }

    #[test]
    fn rejects_reads_of_rows_that_there_are_not_without_a_panic() {
        let order = Order::new(3, |row| [None, Some(7), Some(1)][row]);
        assert_eq!((&*order.inputs, &*order.table), (&[1, 2, 0][..], &[1, 2, 0][..]));
    }

    #[test]
    fn only_numbers_below_two_to_the_32_are_small() {
        assert_eq!(small(&Fr::from(u64::from(u32::MAX))), Some(u32::MAX as usize));
        assert_eq!(small(&Fr::from(1 << 32)), None);
        assert_eq!(small(&-Fr::ONE), None);
    }
}
