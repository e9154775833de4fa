//! Why the pieces of the quotient tell nothing, though nothing blinds them by itself: the argument is in
//! `docs/src/zero-knowledge.md`, and what it needs of the circuit is computed here.
//!
//! `ACC` and `VAL` are moved in their blinding rows such that no value of them moves that a proof shows. The quotient
//! moves with them, by factors that are public: none depends on the witness.

use core::ops::{Add, Mul, Neg};
use std::collections::{BTreeMap, BTreeSet};

use ff::Field as _;
use group::prime::PrimeCurveAffine as _;
use halo2_proofs::{
    arithmetic::eval_polynomial,
    poly::{EvaluationDomain, ExtendedLagrangeCoeff, Polynomial, Rotation},
};
use halo2curves::bn256::Fr;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use surety_circuits::rules;
use surety_core::capacity::{Capacity, Groups, TAIL_ROWS};
use surety_kzg::{Srs, origin::CEREMONIES};
use surety_verifier::{
    VerifyingKey,
    proof::{
        expression::Expression,
        protocol::{Constraint, Polynomial as Opened, Protocol, Rotation as Distance},
    },
};

use crate::common::linear::{Equation, eliminate};

/// Evaluations where Halo2 computes the quotient.
type Extended = Polynomial<Fr, ExtendedLagrangeCoeff>;

/// A circuit, a secret of the set-up and a challenge.
struct Setting {
    capacity: Capacity,
    domain: EvaluationDomain<Fr>,
    tau: Fr,
    x: Fr,
}

impl Setting {
    fn new(capacity: Capacity) -> Self {
        let degree = Protocol::of(capacity).unwrap().degree();
        let mut rng = ChaCha20Rng::seed_from_u64(capacity.k().into());
        let (tau, x) = (Fr::random(&mut rng), Fr::random(&mut rng));
        Self { capacity, domain: EvaluationDomain::new(degree as u32, capacity.k()), tau, x }
    }

    /// The next row's point.
    fn next(&self, point: Fr) -> Fr {
        point * self.domain.get_omega()
    }

    fn column(&self, values: impl FnMut(usize) -> Fr) -> Extended {
        let values = self.domain.lagrange_from_vec((0..self.capacity.rows()).map(values).collect());
        self.domain.coeff_to_extended(&self.domain.lagrange_to_coeff(values))
    }

    /// A fixed column less a number.
    fn less(&self, column: &[u64], number: Fr) -> Extended {
        self.column(|row| Fr::from(column[row]) - number)
    }

    /// One in a blinding row, elsewhere zero.
    fn cell(&self, index: usize) -> Extended {
        self.column(|row| if row == self.capacity.usable() + index { Fr::ONE } else { Fr::ZERO })
    }

    /// The value of a polynomial.
    fn value(&self, polynomial: &Extended, point: Fr) -> Fr {
        eval_polynomial(&self.domain.extended_to_coeff(polynomial.clone()), point)
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

/// The first step: the quotient at τ moves with `ACC` at ωτ, which no proof shows, by a factor that is public.
#[test]
fn the_quotient_moves_with_the_running_sum_whatever_the_witness() {
    for capacity in Capacity::all() {
        let setting = Setting::new(capacity);
        let (tau, x) = (setting.tau, setting.x);
        let row = setting.less(&capacity.row_column(), Fr::ZERO);
        let acc = setting.direction(TAIL_ROWS, &[tau, x, setting.next(x)], 0);
        assert!([tau, x, setting.next(x)].iter().all(|point| setting.value(&acc, *point) == Fr::ZERO));
        let next_acc = setting.value(&acc, setting.next(tau));
        assert_ne!(next_acc, Fr::ZERO);
        let (_, quotient) = setting.moved(&[&row, &setting.domain.rotate_extended(&acc, Rotation::next())]);
        let vanishing = tau.pow_vartime([capacity.rows() as u64]) - Fr::ONE;
        assert_eq!(quotient * vanishing, setting.value(&row, tau) * next_acc);
        assert_ne!(quotient, Fr::ZERO, "{capacity:?}");
    }
}

/// The second step: three of the pieces move with `VAL` independently of its values at τ and x, by factors that are
/// public, whose highest power of y comes from the rule that holds on every row. The square of BASE, or no square,
/// would not do.
#[test]
fn the_pieces_move_with_the_value_whatever_the_witness() {
    let long = Capacity::all().map(Groups::long);
    let short = Capacity::all().filter_map(|capacity| Groups::with_short(capacity, capacity.variables() & !1).ok());
    for groups in long.chain(short) {
        let capacity = groups.capacity();
        let setting = Setting::new(capacity);
        let column = groups.base_column();
        let base = Fr::from(capacity.base());
        assert!(column.iter().all(|cell| [Fr::ZERO, Fr::ONE, base].contains(&Fr::from(*cell))), "{capacity:?}");
        let [zero, one, base] = [Fr::ZERO, Fr::ONE, base].map(|number| setting.less(&column, number));
        let rank_of = |factors: &[&Extended]| {
            let rows = (0..TAIL_ROWS).map(|index| -> Equation {
                let val = setting.cell(index);
                let (pieces, _) = setting.moved(&[factors, &[&val]].concat());
                let shown = [setting.value(&val, setting.tau), setting.value(&val, setting.x)];
                ([shown.as_slice(), &[pieces[0], pieces[1], pieces[3]]].concat(), Vec::new())
            });
            eliminate(rows.collect(), 0..5).0
        };
        assert_eq!(rank_of(&[&zero, &one, &base, &base]), 5, "{capacity:?}");
        assert!(rank_of(&[&zero, &zero, &one, &base]) < 5, "{capacity:?}");
        assert!(rank_of(&[&zero, &one, &base]) < 5, "{capacity:?}");
    }
}

/// The factor of the first step is not zero: `ROW` is not the zero polynomial at τ.
#[test]
fn the_address_columns_commitment_is_not_the_identity() {
    for srs in
        [Srs::development(Capacity::new(Capacity::MIN_K).unwrap()).id(), CEREMONIES[0].verifier_key().unwrap().id()]
    {
        for capacity in Capacity::all() {
            let key = VerifyingKey::pinned(capacity, srs).unwrap();
            assert!(!bool::from(key.fixed_commitments()[0].is_identity()));
        }
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
        let columns = [("BLIND", 1), ("BLINDED_HOLD", 0), ("VAR", 0), ("VAR", 1), ("VAL", 0), ("ACC", 0), ("ACC", 1)];
        let columns = columns.map(|(column, distance)| (column.to_owned(), distance));
        let expected = lookups.chain(columns).chain([("Blinding".to_owned(), 0)]).collect();
        assert_eq!(opened, expected, "{capacity:?}");

        // Step 1: ACC[+1] is in one constraint, times ROW.
        let in_columns = |constraint: &Constraint| {
            InColumns::of(&protocol, &constraint.expression).0.into_keys().collect::<Vec<_>>()
        };
        let with = |name: &str| -> Vec<Vec<String>> {
            let terms = protocol.constraints.iter().flat_map(in_columns);
            terms.filter(|columns| columns.iter().any(|column| column == name)).collect()
        };
        assert_eq!(with("ACC[+1]"), [["ACC[+1]", "ROW"]], "{capacity:?}");

        // Step 2: the first constraint is the one that holds on every row, so that its power of y is the highest. VAL
        // is linear in all.
        let first = &protocol.constraints[0];
        assert_eq!(first.name, rules::QUOTIENT);
        let expected = {
            let base = InColumns::one("BASE");
            let less = |number: Fr| base.clone() + InColumns::constant(-number);
            let b = Fr::from(capacity.base());
            base.clone() * less(Fr::ONE) * less(b) * less(b) * InColumns::one("VAL")
        };
        let terms = |polynomial: &InColumns| -> BTreeMap<Vec<String>, Fr> {
            polynomial.terms().map(|(columns, factor)| (columns.clone(), factor)).collect()
        };
        assert_eq!(terms(&InColumns::of(&protocol, &first.expression)), terms(&expected));
        let linear = |columns: &Vec<String>| columns.iter().filter(|column| *column == "VAL").count() == 1;
        assert!(with("VAL").iter().all(linear));
        // In the lookups VAL is an input of the first alone, and ACC in none.
        let theta = Fr::from(5);
        let tuples = protocol.lookups.iter().flat_map(|lookup| [&lookup.input, &lookup.table]);
        let tuples: Vec<Vec<Vec<String>>> =
            tuples.map(|tuple| InColumns::compressed(&protocol, tuple, theta).0.into_keys().collect()).collect();
        let mentions = |name: &str| -> Vec<usize> {
            let has = |tuple: &Vec<Vec<String>>| tuple.iter().flatten().any(|column| column == name);
            (0..tuples.len()).filter(|index| has(&tuples[*index])).collect()
        };
        assert_eq!((mentions("VAL"), mentions("ACC"), mentions("ACC[+1]")), (vec![0], vec![], vec![]));
        assert_eq!(protocol.lookups.len(), 2);
        assert_eq!((protocol.degree(), protocol.quotient_pieces), (5, 4));
    }
}
