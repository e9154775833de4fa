//! Why the pieces of the quotient tell nothing, though nothing blinds them by itself: the argument is in
//! `docs/src/zero-knowledge.md`, and what it needs of the circuit is computed here.
//!
//! A polynomial is moved in its blinding rows such that no value of it moves that a proof shows. The quotient moves
//! with it. Only the part is computed that is of the highest degree in blinding rows: it is the same for every witness.

use core::ops::{Add, Mul, Neg};
use std::collections::{BTreeMap, BTreeSet};

use ff::Field as _;
use halo2_proofs::{
    arithmetic::eval_polynomial,
    poly::{EvaluationDomain, ExtendedLagrangeCoeff, Polynomial, Rotation},
};
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_core::capacity::{Capacity, TAIL_ROWS};
use surety_verifier::proof::{
    expression::Expression,
    protocol::{Polynomial as Opened, Protocol, Rotation as Distance},
};

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

    /// The polynomial `(X^n - 1)·X^shift·Π(X - root) / Π(X - ω^t)`, with t over the last rows: it is zero in all others
    /// and at the roots.
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

/// A polynomial in columns, which are named as in the documentation: factors of each term, sorted.
#[derive(Clone)]
struct InColumns(BTreeMap<Vec<String>, Fr>);

impl InColumns {
    fn one(column: &str) -> Self {
        Self(BTreeMap::from([(vec![column.to_owned()], Fr::ONE)]))
    }

    fn constant(value: Fr) -> Self {
        Self(BTreeMap::from([(vec![], value)]))
    }

    fn of(protocol: &Protocol, expression: &Expression) -> Self {
        let name = |column: &str, Distance(distance): Distance| match distance {
            0 => Self::one(column),
            _ => Self::one(&format!("{column}[{distance:+}]")),
        };
        expression.evaluate(
            &Self::constant,
            &|query| {
                let query = protocol.fixed_queries[query];
                name(&protocol.fixed[query.column], query.rotation)
            },
            &|query| {
                let query = protocol.advice_queries[query];
                name(&protocol.advice[query.column].name, query.rotation)
            },
        )
    }

    /// A lookup's tuple, put together with powers of θ.
    fn compressed(protocol: &Protocol, tuple: &[Expression], theta: Fr) -> Self {
        tuple.iter().fold(Self::constant(Fr::ZERO), |sum, expression| {
            sum * Self::constant(theta) + Self::of(protocol, expression)
        })
    }

    fn terms(&self) -> impl Iterator<Item = (&Vec<String>, Fr)> {
        self.0.iter().filter(|(_, factor)| **factor != Fr::ZERO).map(|(columns, factor)| (columns, *factor))
    }

    fn degree(&self) -> usize {
        self.terms().map(|(columns, _)| columns.len()).max().unwrap_or(0)
    }

    /// The terms of the highest degree.
    fn leading(&self) -> BTreeMap<String, Fr> {
        let degree = self.degree();
        let leading = self.terms().filter(|(columns, _)| columns.len() == degree);
        leading.map(|(columns, factor)| (columns.join("·"), factor)).collect()
    }
}

impl Neg for InColumns {
    type Output = Self;
    fn neg(self) -> Self {
        self * Self::constant(-Fr::ONE)
    }
}

impl Add for InColumns {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        for (columns, factor) in other.0 {
            *self.0.entry(columns).or_default() += factor;
        }
        self
    }
}

impl Mul for InColumns {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let products = self.0.iter().flat_map(|(left, by)| {
            other.0.iter().map(move |(right, factor)| {
                let mut columns = [left.as_slice(), right.as_slice()].concat();
                columns.sort();
                Self(BTreeMap::from([(columns, by * factor)]))
            })
        });
        products.fold(Self(BTreeMap::new()), Add::add)
    }
}

/// A circuit with a further query, lookup or factor needs another argument: the one above would say nothing about it.
#[test]
fn the_argument_is_about_this_circuit() {
    for capacity in Capacity::all() {
        let protocol = Protocol::of(capacity).unwrap();

        // Where hidden polynomials are opened, as the table says.
        let column = |index: usize| protocol.advice[index].name.as_str();
        let opened: BTreeSet<(String, i32)> = protocol
            .evaluations()
            .into_iter()
            .filter_map(|opening| {
                let polynomial = match opening.polynomial {
                    Opened::Fixed(_) => return None,
                    Opened::Advice(index) if ["IDX", "FLAG", "COEF"].contains(&column(index)) => return None,
                    Opened::Advice(index) => column(index).to_owned(),
                    lookup => format!("{lookup:?}"),
                };
                Some((polynomial, opening.rotation.0))
            })
            .collect();
        let lookups = (0..2).flat_map(|lookup| {
            [("Input", 0), ("Input", -1), ("Table", 0), ("Product", 0), ("Product", 1)]
                .map(|(part, distance)| (format!("Lookup{part}({lookup})"), distance))
        });
        let columns = [("HOLD", 0), ("VAR", 0), ("VAR", 1), ("VAL", 0), ("ACC", 0), ("ACC", 1)];
        let columns = columns.map(|(column, distance)| (column.to_owned(), distance));
        let expected = lookups.chain(columns).chain([("Blinding".to_owned(), 0)]).collect();
        assert_eq!(opened, expected, "{capacity:?}");

        // Step 2: of what the running product of the first lookup is multiplied with, two terms reach degree five with
        // it and `active`. `IDX` is zero in the blinding rows; the other test takes the other one.
        let theta = Fr::from(5);
        let [inputs, tables] = [0, 1].map(|part| {
            [0, 1].map(|lookup| {
                let lookup = &protocol.lookups[lookup];
                let tuple = if part == 0 { &lookup.input } else { &lookup.table };
                InColumns::compressed(&protocol, tuple, theta)
            })
        });
        let s = Fr::from(capacity.base()).invert().unwrap();
        let expected = [("BASE[-1]·IDX·VAR", -theta * s), ("BASE[-1]·VAL·VAR", -s)];
        let expected = expected.map(|(columns, factor)| (columns.to_owned(), factor)).into();
        let leading = (inputs[0].clone() * tables[0].clone()).leading();
        assert_eq!(leading, expected, "{capacity:?}");

        // Steps 1 and 3: the second lookup's permuted table appears in the lookup's own terms alone, with three other
        // factors at most.
        assert_eq!((inputs[1].degree(), tables[1].degree()), (2, 1));
        assert_eq!(protocol.lookups.len(), 2);
        assert_eq!((protocol.degree(), protocol.quotient_pieces), (5, 4));
    }
}
