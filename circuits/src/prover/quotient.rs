//! The quotient: all equations combined, divided by what vanishes on the rows.
//!
//! The combination has degree below `5n`, its quotient by `X^n - 1` degree below `4n`. The quotient is computed on four
//! cosets of the rows, on each of which `X^n - 1` is a constant, and put together from its remainders modulo the four
//! `X^n - g_i^n`.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use surety_core::capacity::Capacity;
use surety_kzg::{Domain, Kernel, Number, SecretScalars, transform::Factors};

use crate::prover::{Challenges, fixed::Fixed, invert, tasks};

/// Pieces of the quotient, and cosets that it is computed on.
pub(crate) const PIECES: usize = 4;

/// The columns of a proof: the advice columns, then each lookup's permuted input, permuted table and running product.
pub(crate) const COLUMNS: usize = 14;

/// Domains of up to so many rows are transformed to all cosets at once.
const AT_ONCE: usize = 1 << 13;

/// How many constraints and equations of lookups there are.
const EQUATIONS: usize = 16;

/// What computing quotients in a capacity class takes: fixed columns on the cosets, and the factors that lead to the
/// cosets and back.
#[derive(Debug)]
pub(crate) struct Cosets {
    /// The range base.
    base: Fr,
    cosets: [Coset; PIECES],
    /// The inverse of the fourth root of unity between the cosets' `g_i^n`.
    quarter_turn: Fr,
    /// For each piece m, `g^(-n·m)/4`.
    scales: [Fr; PIECES],
}

#[derive(Debug)]
struct Coset {
    /// `g_i^j/n` for each coefficient.
    into: Factors,
    /// `g_i^(-j)/n` for each coefficient, divided by the value of `X^n - 1`.
    back: Factors,
    fixed: FixedColumns,
}

/// The fixed columns on a coset.
#[derive(Debug)]
struct FixedColumns {
    row: Vec<Fr>,
    base: Vec<Fr>,
    variable: Vec<Fr>,
    first: Vec<Fr>,
    active: Vec<Fr>,
    /// The Lagrange column of the row behind the usable ones is that of the first row, so many rows later.
    usable: usize,
}

/// The same in the rows that are computed at a time.
#[derive(Clone, Copy)]
struct FixedCells<N> {
    row: N,
    base: N,
    /// `S = 1 - BASE[-1]/b`
    variable: N,
    first: N,
    last: N,
    active: N,
}

/// What the equations read of the columns of a proof.
#[derive(Clone, Copy)]
struct Cells<N> {
    idx: N,
    flag: N,
    coef: N,
    next_blind: N,
    blinded_hold: N,
    var: N,
    next_var: N,
    val: N,
    acc: N,
    next_acc: N,
    memory: LookupCells<N>,
    range: LookupCells<N>,
}

/// The same of a lookup.
#[derive(Clone, Copy)]
struct LookupCells<N> {
    input: N,
    previous_input: N,
    table: N,
    product: N,
    next_product: N,
}

/// The challenges in the forms in which the equations take them.
struct Powers<N: Number> {
    theta: N::Factor,
    beta: N,
    gamma: N,
    /// Of y: that of the last equation first.
    y: [N::Factor; EQUATIONS],
    /// Those of the two rules about an equation's end, summed.
    ended: N::Factor,
    /// `b` times the power of the rule about sources, which is written with S.
    sources: N::Factor,
    one: N,
    /// `b`, the range base.
    base: N,
}

impl<N: Number> Powers<N> {
    #[inline(always)]
    fn new(challenges: &Challenges, base: Fr) -> Self {
        let mut y = [Fr::ONE; EQUATIONS];
        for power in 1..EQUATIONS {
            y[power] = y[power - 1] * challenges.y;
        }
        let Challenges { theta, beta, gamma, .. } = *challenges;
        Self {
            theta: N::factor(theta),
            beta: N::splat(beta),
            gamma: N::splat(gamma),
            y: y.map(N::factor),
            ended: N::factor(y[13] + y[14]),
            sources: N::factor(base * y[11]),
            one: N::splat(Fr::ONE),
            base: N::splat(base),
        }
    }
}

impl Cosets {
    pub(crate) fn new(capacity: Capacity, domain: &Domain, fixed: &Fixed) -> Self {
        let (rows, base) = (domain.rows() as u64, Fr::from(capacity.base()));
        let step = (capacity.k() + PIECES.ilog2()..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let generator = Fr::MULTIPLICATIVE_GENERATOR;
        let columns = [&fixed.row, &fixed.base, &fixed.variable, &fixed.first, &fixed.active];
        let columns = columns.map(|column| {
            let mut column = column.clone();
            domain.coefficients(&mut column);
            column
        });
        let coset = |index: usize| {
            let shift = generator * step.pow_vartime([index as u64]);
            let vanishing = shift.pow_vartime([rows]) - Fr::ONE;
            let into = domain.factors(domain.powers(shift, domain.rows_inverse()));
            let back = domain.powers(invert(shift), domain.rows_inverse() * invert(vanishing));
            let [row, base, variable, first, active] = columns.each_ref().map(|column| {
                let mut values = vec![Fr::ZERO; domain.rows()];
                domain.scaled_values(column, &into, &mut values);
                values
            });
            let fixed = FixedColumns { row, base, variable, first, active, usable: capacity.usable() };
            Coset { into, back: domain.factors(back), fixed }
        };
        let shrink = invert(generator.pow_vartime([rows]));
        Self {
            base,
            cosets: core::array::from_fn(coset),
            quarter_turn: invert(step.pow_vartime([rows])),
            scales: core::array::from_fn(|piece| Fr::TWO_INV.square() * shrink.pow_vartime([piece as u64])),
        }
    }

    /// The pieces of the quotient, each by its values in the rows.
    pub(crate) fn quotient(
        &self,
        domain: &Domain,
        columns: [&[Fr]; COLUMNS],
        challenges: &Challenges,
    ) -> [SecretScalars; PIECES] {
        let mut coefficients = columns.map(|_| SecretScalars::zeros(domain.rows()));
        coefficients.par_iter_mut().zip(columns).with_max_len(1).for_each(|(coefficients, column)| {
            coefficients.copy_from_slice(column);
            domain.coefficients(coefficients);
        });
        // Small domains are not worth threads of their own for each column; of large ones, four cosets at a time would
        // take much memory.
        let at_once = if domain.rows() <= AT_ONCE { PIECES } else { 1 };
        let mut spaces = vec![columns.map(|_| SecretScalars::zeros(domain.rows())); at_once];
        let mut remainders: [SecretScalars; PIECES] = core::array::from_fn(|_| SecretScalars::zeros(domain.rows()));
        for (remainders, cosets) in remainders.chunks_mut(at_once).zip(self.cosets.chunks(at_once)) {
            let remainders = remainders.par_iter_mut().zip(cosets).zip(&mut spaces);
            remainders.with_max_len(1).for_each(|((remainder, coset), on)| {
                coset.remainder(domain, &coefficients, (challenges, self.base), (on, remainder));
            });
        }
        drop((spaces, coefficients));
        self.put_together(domain, &mut remainders);
        remainders.par_iter_mut().with_max_len(1).for_each(|piece| domain.values(piece));
        remainders
    }

    /// From the remainders modulo `X^n - g_i^n` to the pieces: with pieces `h_m`, the remainder i is
    /// `Σ_m g_i^(n·m)·h_m`, a Fourier transform of length four for each coefficient.
    fn put_together(&self, domain: &Domain, remainders: &mut [SecretScalars; PIECES]) {
        let length = tasks(domain.rows());
        let [first, second, third, fourth] = remainders.each_mut().map(|remainder| remainder.par_chunks_mut(length));
        first.zip(second).zip(third.zip(fourth)).for_each(|((first, second), (third, fourth))| {
            let remainders = [first, second, third, fourth];
            domain.lanes().run(Pieces { remainders, quarter_turn: self.quarter_turn, scales: self.scales });
        });
    }
}

/// Remainders, which become pieces.
struct Pieces<'a> {
    remainders: [&'a mut [Fr]; PIECES],
    quarter_turn: Fr,
    scales: [Fr; PIECES],
}

impl Kernel for Pieces<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let (turn, scales) = (N::factor(self.quarter_turn), self.scales.map(N::factor));
        let [first, second, third, fourth] = self.remainders;
        for at in (0..first.len()).step_by(N::COUNT) {
            let (a, b, c, d) = (N::load(first, at), N::load(second, at), N::load(third, at), N::load(fourth, at));
            let (even, even_difference) = (a.plus(c), a.minus(c));
            let (odd, odd_difference) = (b.plus(d), b.minus(d).scaled(&turn));
            even.plus(odd).scaled(&scales[0]).store(first, at);
            even_difference.plus(odd_difference).scaled(&scales[1]).store(second, at);
            even.minus(odd).scaled(&scales[2]).store(third, at);
            even_difference.minus(odd_difference).scaled(&scales[3]).store(fourth, at);
        }
    }
}

impl Coset {
    /// The quotient modulo what vanishes on the coset, by its coefficients. There is room for the columns on the coset.
    fn remainder(
        &self,
        domain: &Domain,
        coefficients: &[SecretScalars; COLUMNS],
        (challenges, base): (&Challenges, Fr),
        (on, remainder): (&mut [SecretScalars; COLUMNS], &mut [Fr]),
    ) {
        on.par_iter_mut().zip(coefficients).with_max_len(1).for_each(|(on, coefficients)| {
            domain.scaled_values(coefficients, &self.into, on);
        });
        let columns = on.each_ref().map(|column| &**column);
        let length = tasks(domain.rows());
        remainder.par_chunks_mut(length).enumerate().for_each(|(chunk, combined)| {
            let from = chunk * length;
            domain.lanes().run(Combination { fixed: &self.fixed, columns, challenges, base, from, combined });
        });
        domain.scaled_coefficients(remainder, &self.back);
    }
}

/// The combined equations in the rows of a coset from one on.
struct Combination<'a> {
    fixed: &'a FixedColumns,
    columns: [&'a [Fr]; COLUMNS],
    challenges: &'a Challenges,
    base: Fr,
    from: usize,
    combined: &'a mut [Fr],
}

impl Kernel for Combination<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let powers = Powers::<N>::new(self.challenges, self.base);
        for at in (0..self.combined.len()).step_by(N::COUNT) {
            let row = self.from + at;
            combine(&self.fixed.read(row), &Cells::<N>::read(&self.columns, row), &powers).store(self.combined, at);
        }
    }
}

impl FixedColumns {
    #[inline(always)]
    fn read<N: Number>(&self, at: usize) -> FixedCells<N> {
        FixedCells {
            row: N::load(&self.row, at),
            base: N::load(&self.base, at),
            variable: N::load(&self.variable, at),
            first: N::load(&self.first, at),
            last: N::load_around(&self.first, at + self.first.len() - self.usable),
            active: N::load(&self.active, at),
        }
    }
}

impl<N: Number> Cells<N> {
    /// The cells of the rows from one on, and of their neighbours.
    #[inline(always)]
    fn read(columns: &[&[Fr]; COLUMNS], at: usize) -> Self {
        let [idx, flag, coef, blind, blinded_hold, var, val, acc, memory @ .., _, _, _] = columns;
        let [.., range_input, range_table, range_product] = columns;
        let next = |column: &[Fr]| N::load_around(column, at + 1);
        let lookup = |input: &[Fr], table: &[Fr], product: &[Fr]| LookupCells {
            input: N::load(input, at),
            previous_input: N::load_around(input, at + input.len() - 1),
            table: N::load(table, at),
            product: N::load(product, at),
            next_product: next(product),
        };
        let [memory_input, memory_table, memory_product] = memory;
        Self {
            idx: N::load(idx, at),
            flag: N::load(flag, at),
            coef: N::load(coef, at),
            next_blind: next(blind),
            blinded_hold: N::load(blinded_hold, at),
            var: N::load(var, at),
            next_var: next(var),
            val: N::load(val, at),
            acc: N::load(acc, at),
            next_acc: next(acc),
            memory: lookup(memory_input, memory_table, memory_product),
            range: lookup(range_input, range_table, range_product),
        }
    }
}

/// The equations of the circuit, written out: combined with powers of y as the verifier does from their description.
#[inline(always)]
fn combine<N: Number>(fixed: &FixedCells<N>, cells: &Cells<N>, powers: &Powers<N>) -> N {
    let Powers { theta, y, one, .. } = powers;
    let sum = cells.acc.plus(cells.coef.times(cells.val));
    let running = cells.next_acc.minus(sum).scaled(&y[14]).plus(cells.flag.times(sum).scaled(&powers.ended));
    let sources = fixed.variable.times(cells.blinded_hold).scaled(&powers.sources);
    let by_row = running.plus(cells.next_blind.scaled(&y[12])).plus(sources);
    let above = fixed.base.minus(powers.base);
    let constant = cells.var.minus(*one).scaled(&y[10]);
    let quotient = fixed.base.minus(*one).times(above).times(cells.val).scaled(&y[15]);
    let by_base = fixed.base.times(above).times(constant.plus(quotient));

    let read = cells.idx.scaled(theta).plus(cells.val);
    let memory = fixed.row.scaled(theta).plus(cells.blinded_hold).plus(fixed.variable.times(cells.var));
    let limb = cells.var.minus(fixed.base.times(cells.next_var));
    let memory = by_lookup(&cells.memory, read, memory, powers);
    let range = by_lookup(&cells.range, limb, fixed.row, powers);
    let first = weighted(&[(memory.first, 9), (memory.difference, 6), (range.first, 4), (range.difference, 1)], y);
    let last = weighted(&[(memory.last, 8), (range.last, 3)], y);
    let active = weighted(&[(memory.step, 7), (memory.repeat, 5), (range.step, 2)], y).plus(range.repeat);
    let by_lagrange = fixed.first.times(first).plus(fixed.last.times(last)).plus(fixed.active.times(active));
    fixed.row.times(by_row).plus(by_base).plus(by_lagrange)
}

/// What the equations of a lookup must have zero.
struct LookupValues<N> {
    /// `1 - Z`, on the first row.
    first: N,
    /// `Z² - Z`, on the row behind the usable ones.
    last: N,
    /// `Z[+1]·(A′ + β)(S′ + γ) - Z·(A + β)(S + γ)`, on the usable rows.
    step: N,
    /// `A′ - S′`, on the first row.
    difference: N,
    /// `(A′ - S′)(A′ - A′[-1])`, on the usable rows.
    repeat: N,
}

#[inline(always)]
fn by_lookup<N: Number>(
    cells: &LookupCells<N>,
    compressed_input: N,
    compressed_table: N,
    Powers { beta, gamma, one, .. }: &Powers<N>,
) -> LookupValues<N> {
    let LookupCells { input, previous_input, table, product, next_product } = *cells;
    let permuted = next_product.times(input.plus(*beta).times(table.plus(*gamma)));
    let looked = product.times(compressed_input.plus(*beta).times(compressed_table.plus(*gamma)));
    let difference = input.minus(table);
    LookupValues {
        first: one.minus(product),
        last: product.times(product.minus(*one)),
        step: permuted.minus(looked),
        difference,
        repeat: difference.times(input.minus(previous_input)),
    }
}

/// Values times powers of y.
#[inline(always)]
fn weighted<N: Number, const TERMS: usize>(terms: &[(N, usize); TERMS], y: &[N::Factor; EQUATIONS]) -> N {
    let mut sum = terms[0].0.scaled(&y[terms[0].1]);
    for (value, power) in &terms[1..] {
        sum = sum.plus(value.scaled(&y[*power]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use surety_kzg::Lanes;
    use surety_verifier::{
        Protocol,
        proof::{
            expression::Expression,
            protocol::{Query, Rotation},
        },
    };

    use super::*;
    use crate::columns::{AdviceColumn, FIXED_COLUMNS};

    fn random() -> Fr {
        Fr::random(OsRng)
    }

    fn random_lookup() -> LookupCells<Fr> {
        LookupCells {
            input: random(),
            previous_input: random(),
            table: random(),
            product: random(),
            next_product: random(),
        }
    }

    /// The combination by the description that verifiers go by, and by the arguments around it as `verifier` states
    /// them.
    fn by_protocol(
        protocol: &Protocol,
        cells: &Cells<Fr>,
        (fixed, previous_base): (&FixedCells<Fr>, Fr),
        challenges: &Challenges,
    ) -> Fr {
        let advice = |query: usize| {
            let Query { column, rotation } = protocol.advice_queries[query];
            match (AdviceColumn::ALL[column], rotation) {
                (AdviceColumn::Idx, Rotation::CURRENT) => cells.idx,
                (AdviceColumn::Flag, Rotation::CURRENT) => cells.flag,
                (AdviceColumn::Coef, Rotation::CURRENT) => cells.coef,
                (AdviceColumn::Blind, Rotation::NEXT) => cells.next_blind,
                (AdviceColumn::BlindedHold, Rotation::CURRENT) => cells.blinded_hold,
                (AdviceColumn::Var, Rotation::CURRENT) => cells.var,
                (AdviceColumn::Var, Rotation::NEXT) => cells.next_var,
                (AdviceColumn::Val, Rotation::CURRENT) => cells.val,
                (AdviceColumn::Acc, Rotation::CURRENT) => cells.acc,
                (AdviceColumn::Acc, Rotation::NEXT) => cells.next_acc,
                unknown => panic!("no equation reads {unknown:?}"),
            }
        };
        let of_fixed = |query: usize| {
            let Query { column, rotation } = protocol.fixed_queries[query];
            match (FIXED_COLUMNS[column], rotation) {
                ("ROW", Rotation::CURRENT) => fixed.row,
                ("BASE", Rotation::CURRENT) => fixed.base,
                ("BASE", Rotation::PREVIOUS) => previous_base,
                unknown => panic!("no equation reads {unknown:?}"),
            }
        };
        let value = |expression: &Expression| expression.evaluate(&|number| number, &of_fixed, &advice);
        let compress =
            |tuple: &[Expression]| tuple.iter().fold(Fr::ZERO, |sum, part| sum * challenges.theta + value(part));
        let mut values: Vec<Fr> = protocol.constraints.iter().map(|constraint| value(&constraint.expression)).collect();
        for (lookup, cells) in protocol.lookups.iter().zip([&cells.memory, &cells.range]) {
            let LookupCells { input, previous_input, table, product, next_product } = *cells;
            let step = next_product * (input + challenges.beta) * (table + challenges.gamma)
                - product * (compress(&lookup.input) + challenges.beta) * (compress(&lookup.table) + challenges.gamma);
            values.extend([
                fixed.first * (Fr::ONE - product),
                fixed.last * (product.square() - product),
                fixed.active * step,
                fixed.first * (input - table),
                fixed.active * (input - table) * (input - previous_input),
            ]);
        }
        assert_eq!(values.len(), EQUATIONS);
        values.iter().fold(Fr::ZERO, |sum, value| sum * challenges.y + value)
    }

    #[test]
    fn the_written_out_equations_are_those_of_the_protocol() {
        for capacity in Capacity::all() {
            let protocol = Protocol::of(capacity).unwrap();
            let b = Fr::from(capacity.base());
            for _ in 0..8 {
                let (base, previous_base) = (random(), random());
                let fixed = FixedCells {
                    row: random(),
                    base,
                    variable: Fr::ONE - previous_base * b.invert().unwrap(),
                    first: random(),
                    last: random(),
                    active: random(),
                };
                let cells = Cells {
                    idx: random(),
                    flag: random(),
                    coef: random(),
                    next_blind: random(),
                    blinded_hold: random(),
                    var: random(),
                    next_var: random(),
                    val: random(),
                    acc: random(),
                    next_acc: random(),
                    memory: random_lookup(),
                    range: random_lookup(),
                };
                let [theta, beta, gamma, y] = core::array::from_fn(|_| random());
                let challenges = Challenges { lanes: Lanes::One, theta, beta, gamma, y };
                let expected = by_protocol(&protocol, &cells, (&fixed, previous_base), &challenges);
                assert_eq!(combine(&fixed, &cells, &Powers::new(&challenges, b)), expected, "{capacity:?}");
            }
        }
    }

    /// The cells that the equations read are those of the rows beside, and the fixed ones what their names say.
    #[test]
    fn fixed_columns_on_the_cosets_are_those_in_the_rows() {
        let capacity = Capacity::new(9).unwrap();
        let (domain, fixed) = (Domain::with_lanes(9, Lanes::widest()), Fixed::new(capacity.into()));
        let cosets = Cosets::new(capacity, &domain, &fixed);
        let b = Fr::from(capacity.base());
        let mut last: Vec<Fr> = (0..domain.rows()).map(|row| Fr::from(u64::from(row == capacity.usable()))).collect();
        domain.coefficients(&mut last);
        for coset in &cosets.cosets {
            let mut last_on = last.clone();
            domain.scaled_values(&last, &coset.into, &mut last_on);
            for (row, last) in last_on.into_iter().enumerate() {
                let cells: FixedCells<Fr> = coset.fixed.read(row);
                let previous = coset.fixed.base[(row + domain.rows() - 1) % domain.rows()];
                assert_eq!(cells.variable * b, b - previous);
                assert_eq!(cells.last, last);
            }
        }
    }

    /// A polynomial of degree below 4n is put together from its remainders, each from its values on a coset.
    #[test]
    fn pieces_are_put_together_from_remainders() {
        for lanes in [Lanes::One, Lanes::widest()] {
            let capacity = Capacity::new(9).unwrap();
            let (domain, fixed) = (Domain::with_lanes(9, lanes), Fixed::new(capacity.into()));
            let cosets = Cosets::new(capacity, &domain, &fixed);
            let pieces: [Vec<Fr>; PIECES] = core::array::from_fn(|_| (0..domain.rows()).map(|_| random()).collect());
            let generator = Fr::MULTIPLICATIVE_GENERATOR;
            let step = (11..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
            let mut remainders = core::array::from_fn(|index| {
                let power = (generator * step.pow_vartime([index as u64])).pow_vartime([512]);
                let mut remainder = SecretScalars::zeros(domain.rows());
                for (row, value) in remainder.iter_mut().enumerate() {
                    *value = pieces.iter().rev().fold(Fr::ZERO, |sum, piece| sum * power + piece[row]);
                }
                remainder
            });
            cosets.put_together(&domain, &mut remainders);
            for (piece, found) in pieces.iter().zip(&remainders) {
                assert_eq!(piece[..], found[..]);
            }
        }
    }
}
