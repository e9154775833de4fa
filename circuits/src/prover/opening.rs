//! Evaluations and the multi-opening, all of it by rows.
//!
//! Committing to quotients of polynomials needs only the values of the quotients in the rows, where division is
//! pointwise: no coefficients are computed, and one table serves all commitments. The notation is that of
//! [`surety_verifier::proof`]'s multi-opening.

use ff::Field as _;
use halo2curves::bn256::Fr;
use rayon::prelude::*;
use surety_kzg::{Domain, Kernel, Lanes, Number, SecretScalars, rows};
use surety_verifier::{
    Protocol,
    proof::protocol::{Polynomial, Rotation, RotationSet},
};

use crate::prover::{invert, tasks};

/// The Lagrange polynomials of the rows at x, and what they are made of.
pub(crate) struct At {
    lanes: Lanes,
    pub(crate) x: Fr,
    /// `x^n`
    pub(crate) power: Fr,
    /// For each row, `L_t(x)`.
    lagrange: Vec<Fr>,
    /// For each row, `1/(ω^t - x)`.
    inverses: Vec<Fr>,
}

impl At {
    pub(crate) fn new(domain: &Domain, x: Fr) -> Self {
        let power = x.pow_vartime([domain.rows() as u64]);
        let inverses = domain.inverse_distances(x);
        let scale = (Fr::ONE - power) * domain.rows_inverse();
        let mut lagrange = vec![Fr::ZERO; domain.rows()];
        domain.lanes().run(Lagrange { scale, nodes: domain.nodes(), inverses: &inverses, lagrange: &mut lagrange });
        Self { lanes: domain.lanes(), x, power, lagrange, inverses }
    }

    /// The value at `ω^rotation·x` of the polynomial with these values in the rows: `Σ_t f[t + rotation]·L_t(x)`.
    pub(crate) fn value(&self, values: &[Fr], Rotation(rotation): Rotation) -> Fr {
        let shift = rotation.rem_euclid(values.len() as i32) as usize;
        let (before, from) = values.split_at(shift);
        let (early, late) = self.lagrange.split_at(values.len() - shift);
        rows::inner_product(self.lanes, from, early) + rows::inner_product(self.lanes, before, late)
    }
}

/// `L_t(x)` for each row t: `(1 - x^n)/n · ω^t/(ω^t - x)`.
struct Lagrange<'a> {
    scale: Fr,
    nodes: &'a [Fr],
    inverses: &'a [Fr],
    lagrange: &'a mut [Fr],
}

impl Kernel for Lagrange<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let scale = N::factor(self.scale);
        for at in (0..self.lagrange.len()).step_by(N::COUNT) {
            let node = N::load(self.nodes, at).scaled(&scale);
            node.times(N::load(self.inverses, at)).store(self.lagrange, at);
        }
    }
}

/// The polynomials that are opened at the same points, combined.
struct Combined {
    /// `Σ_j y^j·P_j` in the rows.
    values: SecretScalars,
    rotations: Vec<Rotation>,
    points: Vec<Fr>,
    /// The interpolation of the combined values, which are one or two: constant and slope.
    line: (Fr, Fr),
}

/// The first message of the multi-opening, and what the second needs.
pub(crate) struct Opening {
    sets: Vec<Combined>,
    v: Fr,
    /// `W` in the rows.
    pub(crate) quotient: SecretScalars,
}

impl Opening {
    /// `polynomial` gives the values of one in the rows, `evaluation` its value at a rotation of x; y and v are the
    /// challenges of the multi-opening.
    pub(crate) fn new<'a>(
        domain: &Domain,
        protocol: &Protocol,
        at: &At,
        (y, v): (Fr, Fr),
        polynomial: impl Fn(Polynomial) -> &'a [Fr],
        evaluation: impl Fn(Polynomial, Rotation) -> Fr,
    ) -> Self {
        let combine = |set: &RotationSet| {
            let mut values = SecretScalars::zeros(domain.rows());
            let powers: Vec<Fr> =
                core::iter::successors(Some(Fr::ONE), |power| Some(*power * y)).take(set.polynomials.len()).collect();
            let polynomials: Vec<&[Fr]> = set.polynomials.iter().map(|name| polynomial(*name)).collect();
            let length = tasks(domain.rows());
            values.par_chunks_mut(length).enumerate().for_each(|(chunk, values)| {
                for (polynomial, power) in polynomials.iter().zip(&powers) {
                    rows::add_scaled(domain.lanes(), values, *power, &polynomial[chunk * length..]);
                }
            });
            let points: Vec<Fr> = set.rotations.iter().map(|r| at.x * protocol.rotation_factor(*r)).collect();
            let at_points = set.rotations.iter().map(|rotation| {
                set.polynomials.iter().zip(&powers).map(|(name, power)| power * evaluation(*name, *rotation)).sum()
            });
            let line = line(&points, &at_points.collect::<Vec<Fr>>());
            Combined { values, rotations: set.rotations.clone(), points, line }
        };
        let sets: Vec<Combined> = protocol.rotation_sets().iter().map(combine).collect();
        let quotient = quotient(domain, protocol, at, v, &sets);
        Self { sets, v, quotient }
    }

    /// `W′` in the rows, for the challenge u.
    pub(crate) fn witness(&self, domain: &Domain, u: Fr) -> SecretScalars {
        let mut all: Vec<Fr> = self.sets.iter().flat_map(|set| set.points.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        let vanishing = |points: &mut dyn Iterator<Item = &Fr>| points.map(|point| u - point).product::<Fr>();
        let complement = |set: &Combined| vanishing(&mut all.iter().filter(|point| !set.points.contains(point)));
        let normaliser = self.sets.first().map_or(Fr::ONE, |first| invert(complement(first)));
        let of_quotient = self.sets.first().map_or(Fr::ONE, |first| vanishing(&mut first.points.iter()));
        let powers = core::iter::successors(Some(normaliser), |power| Some(*power * self.v));
        let weights: Vec<Fr> = self.sets.iter().zip(powers).map(|(set, power)| power * complement(set)).collect();
        let constant: Fr =
            self.sets.iter().zip(&weights).map(|(set, weight)| weight * (set.line.0 + set.line.1 * u)).sum();

        let inverses = domain.inverse_distances(u);
        let mut witness = SecretScalars::zeros(domain.rows());
        let length = tasks(domain.rows());
        witness.par_chunks_mut(length).enumerate().for_each(|(chunk, witness)| {
            let from = chunk * length;
            for (set, weight) in self.sets.iter().zip(&weights) {
                rows::add_scaled(domain.lanes(), witness, *weight, &set.values[from..]);
            }
            rows::add_scaled(domain.lanes(), witness, -of_quotient, &self.quotient[from..]);
            domain.lanes().run(Divide { values: witness, constant, inverses: &inverses[from..] });
        });
        witness
    }
}

/// `(values - constant)·inverses`
struct Divide<'a> {
    values: &'a mut [Fr],
    constant: Fr,
    inverses: &'a [Fr],
}

impl Kernel for Divide<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let Self { values, constant, inverses } = self;
        let constant = N::splat(constant);
        for at in (0..values.len()).step_by(N::COUNT) {
            N::load(values, at).minus(constant).times(N::load(inverses, at)).store(values, at);
        }
    }
}

/// The line through one or two points, as constant and slope.
fn line(points: &[Fr], values: &[Fr]) -> (Fr, Fr) {
    match (points, values) {
        ([x0, x1], [y0, y1]) => {
            let slope = (y1 - y0) * invert(x1 - x0);
            (y0 - slope * x0, slope)
        }
        (_, values) => (values.first().copied().unwrap_or(Fr::ZERO), Fr::ZERO),
    }
}

/// `W = Σ_i v^i·(Σ_j y^j·P_ij - R_i)/Z_(S_i)` in the rows.
///
/// At row t, `1/(X - ω^r·x)` is `ω^(-r)/(ω^(t-r) - x)`: the inverses for x serve all points.
fn quotient(domain: &Domain, protocol: &Protocol, at: &At, v: Fr, sets: &[Combined]) -> SecretScalars {
    let rows = domain.rows();
    let powers = core::iter::successors(Some(Fr::ONE), |power| Some(*power * v));
    let factors: Vec<(Fr, Vec<usize>)> = sets
        .iter()
        .zip(powers)
        .map(|(set, power)| {
            let back = |rotation: &Rotation| protocol.rotation_factor(Rotation(-rotation.0));
            let shifts = set.rotations.iter().map(|rotation| rotation.0.rem_euclid(rows as i32) as usize);
            (power * set.rotations.iter().map(back).product::<Fr>(), shifts.collect())
        })
        .collect();
    let mut quotient = SecretScalars::zeros(rows);
    let length = tasks(rows);
    quotient.par_chunks_mut(length).enumerate().for_each(|(chunk, quotient)| {
        for (set, (factor, shifts)) in sets.iter().zip(&factors) {
            let (nodes, from) = (domain.nodes(), chunk * length);
            domain.lanes().run(AddQuotient { set, factor: *factor, shifts, nodes, at, from, quotient });
        }
    });
    quotient
}

/// Adds the quotient of one set of polynomials, in the rows from one on.
struct AddQuotient<'a> {
    set: &'a Combined,
    factor: Fr,
    shifts: &'a [usize],
    nodes: &'a [Fr],
    at: &'a At,
    from: usize,
    quotient: &'a mut [Fr],
}

impl Kernel for AddQuotient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<N: Number>(self) {
        let Self { set, shifts, nodes, at, from, quotient, .. } = self;
        let (constant, slope) = set.line;
        let (constant, slope, factor) = (N::splat(constant), N::factor(slope), N::factor(self.factor));
        for offset in (0..quotient.len()).step_by(N::COUNT) {
            let row = from + offset;
            let mut term = N::load(&set.values, row).minus(constant);
            if shifts.len() > 1 {
                term = term.minus(N::load(nodes, row).scaled(&slope));
            }
            for shift in shifts {
                term = term.times(N::load_around(&at.inverses, row + nodes.len() - shift));
            }
            N::load(quotient, offset).plus(term.scaled(&factor)).store(quotient, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use halo2_proofs::arithmetic::{eval_polynomial, lagrange_interpolate};
    use rand_core::OsRng;

    use super::*;

    #[test]
    fn values_are_those_of_the_polynomial() {
        let domain = Domain::with_lanes(4, Lanes::widest());
        let values: Vec<Fr> = (0..16).map(|_| Fr::random(OsRng)).collect();
        let polynomial = lagrange_interpolate(domain.nodes(), &values);
        let x = Fr::random(OsRng);
        let at = At::new(&domain, x);
        for rotation in [0, 1, -1, 2, -5] {
            let point = x * domain.nodes()[(16 + rotation) as usize % 16];
            assert_eq!(at.value(&values, Rotation(rotation)), eval_polynomial(&polynomial, point));
        }
    }

    #[test]
    fn lines_go_through_their_points() {
        let [x0, x1, y0, y1] = core::array::from_fn(|_| Fr::random(OsRng));
        let (constant, slope) = line(&[x0, x1], &[y0, y1]);
        assert_eq!((constant + slope * x0, constant + slope * x1), (y0, y1));
        assert_eq!(line(&[x0], &[y0]), (y0, Fr::ZERO));
    }

    /// A challenge that is a row's point has no inverse distance: the proof is none, and nothing panics.
    #[test]
    fn rejects_no_challenge_with_a_panic() {
        let domain = Domain::new(3);
        let at = At::new(&domain, domain.nodes()[2]);
        assert_eq!(at.value(&[Fr::ONE; 8], Rotation::CURRENT), Fr::ZERO);
    }
}
