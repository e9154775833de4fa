//! Why the pieces of the quotient tell nothing, though nothing blinds them by itself: the argument is in
//! `docs/src/zero-knowledge.md`, and what it needs of the circuit is computed here.
//!
//! A polynomial is moved in its blinding rows such that no value of it moves that a proof shows. The quotient moves
//! with it. Only the part is computed that is of the highest degree in blinding rows: it is the same for every witness.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use ff::Field as _;
use halo2_proofs::{
    arithmetic::eval_polynomial,
    poly::{EvaluationDomain, ExtendedLagrangeCoeff, Polynomial, Rotation},
};
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_margin::capacity::{Capacity, TAIL_ROWS};
use surety_verifier::protocol::Protocol;

/// Evaluations where Halo2 computes the quotient.
type Extended = Polynomial<Fr, ExtendedLagrangeCoeff>;

/// A circuit, a secret of the set-up and a challenge.
struct Setting {
    capacity: Capacity,
    domain: EvaluationDomain<Fr>,
    rng: ChaCha20Rng,
    tau: Fr,
    x: Fr,
}

impl Setting {
    fn new(capacity: Capacity) -> Self {
        let degree = Protocol::of(capacity).unwrap().degree();
        let mut rng = ChaCha20Rng::seed_from_u64(capacity.k().into());
        let (tau, x) = (Fr::random(&mut rng), Fr::random(&mut rng));
        Self { capacity, domain: EvaluationDomain::new(degree as u32, capacity.k()), rng, tau, x }
    }

    /// The next row's point.
    fn next(&self, point: Fr) -> Fr {
        point * self.domain.get_omega()
    }

    fn column(&self, values: impl FnMut(usize) -> Fr) -> Extended {
        let values = self.domain.lagrange_from_vec((0..self.capacity.rows()).map(values).collect());
        self.domain.coeff_to_extended(&self.domain.lagrange_to_coeff(values))
    }

    /// Random in the last rows, elsewhere zero.
    fn tail(&mut self, rows: usize) -> Extended {
        let values: Vec<Fr> = (0..rows).map(|_| Fr::random(&mut self.rng)).collect();
        let first = self.capacity.rows() - rows;
        self.column(|row| row.checked_sub(first).map_or(Fr::ZERO, |index| values[index]))
    }

    /// One in the rows where lookups hold, zero in the blinding rows.
    fn active(&self) -> Extended {
        self.column(|row| if row < self.capacity.usable() { Fr::ONE } else { Fr::ZERO })
    }

    /// `S = 1 - BASE[-1]/b`.
    fn is_variable(&self) -> Extended {
        let inverse = Fr::from(self.capacity.base()).invert().unwrap();
        let base = self.capacity.base_column();
        self.column(|row| Fr::ONE - Fr::from(base[(row + base.len() - 1) % base.len()]) * inverse)
    }

    /// The polynomial `(X^n - 1)·X^shift·Π(X - root) / Π(X - ω^t)`, with t over the last rows: it is zero in all others and at the
    /// roots.
    fn direction(&self, rows: usize, roots: &[Fr], shift: u64) -> Extended {
        assert!(roots.len() + (shift as usize) < rows);
        let n = self.capacity.rows();
        let point = |row: usize| self.domain.get_omega().pow_vartime([row as u64]);
        let last = n - rows..n;
        self.column(|row| {
            if !last.contains(&row) {
                return Fr::ZERO;
            }
            let z = point(row);
            let others: Fr = last.clone().filter(|other| *other != row).map(|other| z - point(other)).product();
            let numerator: Fr = roots.iter().map(|root| z - root).product();
            // The derivative of X^n - 1 at z is n/z.
            let slope = Fr::from(n as u64) * z.invert().unwrap();
            numerator * z.pow_vartime([shift]) * slope * others.invert().unwrap()
        })
    }

    /// How the pieces of the quotient move at τ, and the quotient itself, if the constraints move by this product.
    fn moved(&self, factors: &[&Extended]) -> (Vec<Fr>, Fr) {
        let product = |index: usize| factors.iter().map(|factor| factor[index]).product::<Fr>();
        let product = Polynomial::new((0..factors[0].len()).map(product).collect());
        let quotient = self.domain.extended_to_coeff(self.domain.divide_by_vanishing_poly(product));
        let pieces = quotient.chunks(self.capacity.rows()).map(|piece| eval_polynomial(piece, self.tau)).collect();
        (pieces, eval_polynomial(&quotient, self.tau))
    }
}

/// Each step moves what it is about, and nothing that the steps before it have fixed.
#[test]
fn the_quotients_pieces_are_uniform_whatever_the_witness() {
    for capacity in Capacity::all() {
        let mut setting = Setting::new(capacity);
        let (tau, x) = (setting.tau, setting.x);
        let (next_tau, next_x) = (setting.next(tau), setting.next(x));
        let active = setting.active();
        // Of the blinding rows of running products the first is not random: the product ends there.
        let products = TAIL_ROWS - 1;

        // The quotient at τ, by the running product of the second lookup, seen from the row before.
        let (input, table) = (setting.tail(TAIL_ROWS), setting.tail(TAIL_ROWS));
        let product = setting.direction(products, &[tau, x, next_x], 0);
        let product = setting.domain.rotate_extended(&product, Rotation::next());
        let (_, quotient) = setting.moved(&[&active, &input, &table, &product]);
        assert_ne!(quotient, Fr::ZERO, "{capacity:?}");

        // The last piece, by the running product of the first lookup.
        let (val, var) = (setting.tail(TAIL_ROWS), setting.tail(TAIL_ROWS));
        let product = setting.direction(products, &[tau, x, next_x, next_tau], 0);
        let (pieces, quotient) = setting.moved(&[&active, &val, &setting.is_variable(), &var, &product]);
        assert_eq!(quotient, Fr::ZERO);
        assert_ne!(pieces[3], Fr::ZERO, "{capacity:?}");

        // The first two pieces, by the permuted table of the second lookup.
        let product = setting.tail(products);
        let product = setting.domain.rotate_extended(&product, Rotation::next());
        let rows = [0, 1].map(|shift| {
            let table = setting.direction(TAIL_ROWS, &[tau, x], shift);
            let (pieces, quotient) = setting.moved(&[&active, &product, &input, &table]);
            assert_eq!((quotient, pieces[3]), (Fr::ZERO, Fr::ZERO));
            [pieces[0], pieces[1]]
        });
        assert_ne!(rows[0][0] * rows[1][1], rows[0][1] * rows[1][0], "{capacity:?}");
    }
}
