//! The quotient: all equations combined, divided by what vanishes on the rows.
//!
//! The combination has degree below `5n`, its quotient by `X^n - 1` degree below `4n`. The quotient is computed on four
//! cosets of the rows, on each of which `X^n - 1` is a constant, and put together from its remainders modulo the four
//! `X^n - g_i^n`.

use ff::{Field as _, PrimeField as _};
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use surety_core::capacity::Capacity;
use surety_kzg::{Domain, SecretScalars};

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
    into: Vec<Fr>,
    /// `g_i^(-j)/n` for each coefficient, divided by the value of `X^n - 1`.
    back: Vec<Fr>,
    fixed: Vec<FixedCells>,
}

/// The fixed columns in one row of a coset, and products of them.
#[derive(Clone, Copy, Debug, Default)]
struct FixedCells {
    row: Fr,
    base: Fr,
    /// `S = 1 - BASE[-1]/b`
    variable: Fr,
    /// `BASE·(BASE - b)`
    one: Fr,
    /// `BASE·(BASE - 1)·(BASE - b)²`
    quotient: Fr,
    first: Fr,
    last: Fr,
    active: Fr,
}

/// What the equations read of the columns of a proof in one row.
#[derive(Clone, Copy)]
struct Cells {
    idx: Fr,
    flag: Fr,
    coef: Fr,
    next_blind: Fr,
    blinded_hold: Fr,
    var: Fr,
    next_var: Fr,
    val: Fr,
    acc: Fr,
    next_acc: Fr,
    memory: LookupCells,
    range: LookupCells,
}

/// The same of a lookup.
#[derive(Clone, Copy)]
struct LookupCells {
    input: Fr,
    previous_input: Fr,
    table: Fr,
    product: Fr,
    next_product: Fr,
}

/// The challenges in the forms in which the equations take them.
struct Powers {
    theta: Fr,
    beta: Fr,
    gamma: Fr,
    /// Of y: that of the last equation first.
    y: [Fr; EQUATIONS],
    /// `b` times the power of the rule about sources, which is written with S.
    sources: Fr,
}

impl Powers {
    fn new(challenges: &Challenges, base: Fr) -> Self {
        let mut y = [Fr::ONE; EQUATIONS];
        for power in 1..EQUATIONS {
            y[power] = y[power - 1] * challenges.y;
        }
        let Challenges { theta, beta, gamma, .. } = *challenges;
        Self { theta, beta, gamma, y, sources: base * y[11] }
    }
}

impl Cosets {
    pub(crate) fn new(capacity: Capacity, domain: &Domain, fixed: &Fixed) -> Self {
        let (rows, base) = (domain.rows() as u64, Fr::from(capacity.base()));
        let step = (capacity.k() + PIECES.ilog2()..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
        let generator = Fr::MULTIPLICATIVE_GENERATOR;
        let columns = [&fixed.row, &fixed.base, &fixed.variable, &fixed.first, &fixed.last, &fixed.active];
        let columns = columns.map(|column| {
            let mut column = column.clone();
            domain.coefficients(&mut column);
            column
        });
        let coset = |index: usize| {
            let shift = generator * step.pow_vartime([index as u64]);
            let vanishing = shift.pow_vartime([rows]) - Fr::ONE;
            let into = domain.powers(shift, domain.rows_inverse());
            let back = domain.powers(invert(shift), domain.rows_inverse() * invert(vanishing));
            let on = columns.each_ref().map(|column| {
                let mut values: Vec<Fr> = column.iter().zip(&into).map(|(value, power)| value * power).collect();
                domain.values(&mut values);
                values
            });
            let cells = |at: usize| {
                let [row, cell_base, variable, first, last, active] = on.each_ref().map(|column| column[at]);
                let one = cell_base * (cell_base - base);
                let quotient = one * (cell_base - Fr::ONE) * (cell_base - base);
                FixedCells { row, base: cell_base, variable, one, quotient, first, last, active }
            };
            let fixed = (0..domain.rows()).map(cells).collect();
            Coset { into, back, fixed }
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
        let powers = Powers::new(challenges, self.base);
        // Small domains are not worth threads of their own for each column; of large ones, four cosets at a time would
        // take much memory.
        let at_once = if domain.rows() <= AT_ONCE { PIECES } else { 1 };
        let mut remainders: [SecretScalars; PIECES] = core::array::from_fn(|_| SecretScalars::zeros(domain.rows()));
        for (remainders, cosets) in remainders.chunks_mut(at_once).zip(self.cosets.chunks(at_once)) {
            remainders.par_iter_mut().zip(cosets).with_max_len(1).for_each(|(remainder, coset)| {
                coset.remainder(domain, &coefficients, &powers, remainder);
            });
        }
        self.put_together(&mut remainders);
        remainders.par_iter_mut().with_max_len(1).for_each(|piece| domain.values(piece));
        remainders
    }

    /// From the remainders modulo `X^n - g_i^n` to the pieces: with pieces `h_m`, the remainder i is
    /// `Σ_m g_i^(n·m)·h_m`, a Fourier transform of length four for each coefficient.
    fn put_together(&self, remainders: &mut [SecretScalars; PIECES]) {
        let length = tasks(remainders[0].len());
        let [first, second, third, fourth] = remainders.each_mut().map(|remainder| remainder.par_chunks_mut(length));
        first.zip(second).zip(third.zip(fourth)).for_each(|((first, second), (third, fourth))| {
            for index in 0..first.len() {
                let (even, even_difference) = (first[index] + third[index], first[index] - third[index]);
                let (odd, odd_difference) = (second[index] + fourth[index], second[index] - fourth[index]);
                let odd_difference = odd_difference * self.quarter_turn;
                first[index] = (even + odd) * self.scales[0];
                second[index] = (even_difference + odd_difference) * self.scales[1];
                third[index] = (even - odd) * self.scales[2];
                fourth[index] = (even_difference - odd_difference) * self.scales[3];
            }
        });
    }
}

impl Coset {
    /// The quotient modulo what vanishes on the coset, by its coefficients.
    fn remainder(
        &self,
        domain: &Domain,
        coefficients: &[SecretScalars; COLUMNS],
        powers: &Powers,
        remainder: &mut [Fr],
    ) {
        let mut on = coefficients.each_ref().map(|_| SecretScalars::zeros(domain.rows()));
        on.par_iter_mut().zip(coefficients).with_max_len(1).for_each(|(on, coefficients)| {
            on.iter_mut().zip(coefficients.iter().zip(&self.into)).for_each(|(on, (c, power))| *on = c * power);
            domain.values(on);
        });
        self.combine(on.each_ref().map(|column| &**column), powers, remainder);
        domain.coefficients(remainder);
        remainder.iter_mut().zip(&self.back).for_each(|(value, power)| *value *= power);
    }

    /// The combined equations in every row of the coset.
    fn combine(&self, columns: [&[Fr]; COLUMNS], powers: &Powers, combined: &mut [Fr]) {
        let rows = combined.len();
        let length = tasks(rows);
        combined.par_chunks_mut(length).enumerate().for_each(|(chunk, combined)| {
            for (offset, value) in combined.iter_mut().enumerate() {
                let row = chunk * length + offset;
                // The number of rows is a power of two.
                let (next, previous) = ((row + 1) & (rows - 1), row.wrapping_sub(1) & (rows - 1));
                *value = combine(&self.fixed[row], &Cells::read(&columns, row, next, previous), powers);
            }
        });
    }
}

impl Cells {
    #[inline]
    fn read(columns: &[&[Fr]; COLUMNS], row: usize, next: usize, previous: usize) -> Self {
        let [idx, flag, coef, blind, blinded_hold, var, val, acc, memory @ .., _, _, _] = columns;
        let [.., range_input, range_table, range_product] = columns;
        let lookup = |input: &[Fr], table: &[Fr], product: &[Fr]| LookupCells {
            input: input[row],
            previous_input: input[previous],
            table: table[row],
            product: product[row],
            next_product: product[next],
        };
        let [memory_input, memory_table, memory_product] = memory;
        Self {
            idx: idx[row],
            flag: flag[row],
            coef: coef[row],
            next_blind: blind[next],
            blinded_hold: blinded_hold[row],
            var: var[row],
            next_var: var[next],
            val: val[row],
            acc: acc[row],
            next_acc: acc[next],
            memory: lookup(memory_input, memory_table, memory_product),
            range: lookup(range_input, range_table, range_product),
        }
    }
}

/// The equations of the circuit, written out: combined with powers of y as the verifier does from their description.
#[inline]
fn combine(fixed: &FixedCells, cells: &Cells, powers: &Powers) -> Fr {
    let Powers { theta, beta, gamma, y, sources } = powers;
    let sum = cells.acc + cells.coef * cells.val;
    let ended = cells.flag * sum;
    let running = (cells.next_acc - sum) * y[14] + ended * (y[14] + y[13]);
    let by_row = running + cells.next_blind * y[12] + fixed.variable * cells.blinded_hold * sources;
    let by_base = fixed.one * (cells.var - Fr::ONE) * y[10] + fixed.quotient * cells.val * y[15];

    let read = theta * cells.idx + cells.val;
    let memory = theta * fixed.row + cells.blinded_hold + fixed.variable * cells.var;
    let limb = cells.var - fixed.base * cells.next_var;
    let [memory, range] = [(&cells.memory, read, memory), (&cells.range, limb, fixed.row)].map(
        |(cells, compressed_input, compressed_table)| {
            let LookupCells { input, previous_input, table, product, next_product } = *cells;
            let step = next_product * ((input + beta) * (table + gamma))
                - product * ((compressed_input + beta) * (compressed_table + gamma));
            let difference = input - table;
            [Fr::ONE - product, product * (product - Fr::ONE), step, difference, difference * (input - previous_input)]
        },
    );
    let first = memory[0] * y[9] + memory[3] * y[6] + range[0] * y[4] + range[3] * y[1];
    let last = memory[1] * y[8] + range[1] * y[3];
    let active = memory[2] * y[7] + memory[4] * y[5] + range[2] * y[2] + range[4];
    fixed.row * by_row + by_base + fixed.first * first + fixed.last * last + fixed.active * active
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
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

    fn random_lookup() -> LookupCells {
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
        cells: &Cells,
        (fixed, previous_base): (&FixedCells, Fr),
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
                let one = base * (base - b);
                let fixed = FixedCells {
                    row: random(),
                    base,
                    variable: Fr::ONE - previous_base * b.invert().unwrap(),
                    one,
                    quotient: one * (base - Fr::ONE) * (base - b),
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
                let challenges = Challenges { theta: random(), beta: random(), gamma: random(), y: random() };
                let expected = by_protocol(&protocol, &cells, (&fixed, previous_base), &challenges);
                assert_eq!(combine(&fixed, &cells, &Powers::new(&challenges, b)), expected, "{capacity:?}");
            }
        }
    }

    /// The cells that the equations read are those of the rows beside, and the fixed ones what their names say.
    #[test]
    fn fixed_columns_on_the_cosets_are_those_in_the_rows() {
        let capacity = Capacity::new(9).unwrap();
        let (domain, fixed) = (Domain::new(9), Fixed::new(capacity));
        let cosets = Cosets::new(capacity, &domain, &fixed);
        let b = Fr::from(capacity.base());
        // The values on a coset are those of polynomials of degree below n, which products are not.
        for coset in &cosets.cosets {
            for row in 0..domain.rows() {
                let cells = &coset.fixed[row];
                let previous = &coset.fixed[(row + domain.rows() - 1) % domain.rows()];
                assert_eq!(cells.variable * b, b - previous.base);
                assert_eq!(cells.one, cells.base * (cells.base - b));
                assert_eq!(cells.quotient, cells.one * (cells.base - Fr::ONE) * (cells.base - b));
            }
        }
    }

    /// A polynomial of degree below 4n is put together from its remainders, each from its values on a coset.
    #[test]
    fn pieces_are_put_together_from_remainders() {
        let capacity = Capacity::new(9).unwrap();
        let (domain, fixed) = (Domain::new(9), Fixed::new(capacity));
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
        cosets.put_together(&mut remainders);
        for (piece, found) in pieces.iter().zip(&remainders) {
            assert_eq!(piece[..], found[..]);
        }
    }
}
