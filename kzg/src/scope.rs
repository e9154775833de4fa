//! Scopes: sets of instruments outside of which a column of holdings is zero.
//!
//! With ω the root of unity that rows are numbered by and `n = 2^k` rows, let `Z` vanish exactly on the rows that are
//! neither a slot of the scope nor a blinding row. A column `f` is zero on those rows exactly if `f = h·Z` for a
//! polynomial `h`, the *quotient*. `Z` has degree below `n`, so it is committed to as a column is, and a proof that
//! commitments to `f`, `h` and `Z` belong together needs neither another set-up nor the rows themselves.
//!
//! The quotient hides as much as the column does: in a commitment, `h(τ) = f(τ)/Z(τ)` is the column's own value at τ
//! times a public number.

use std::collections::BTreeSet;

use ff::{BatchInvert as _, Field as _, PrimeField as _};
use group::Curve as _;
use halo2curves::bn256::{Fr, G1Affine};
use surety_core::capacity::Capacity;

use crate::{
    holding::{HoldingError, instrument_row},
    params::Params,
    secret::SecretScalars,
    transform::{Domain, scale},
};

/// Products of at most this many linear factors are expanded factor by factor.
const FEW_FACTORS: usize = 32;

/// The rows where a column may have other values than zero: the slots of some instruments, and the blinding rows.
#[derive(Clone, Debug)]
pub struct Scope {
    capacity: Capacity,
    /// The rows, ascending.
    inside: Vec<usize>,
    /// The coefficients of the polynomial that vanishes exactly on these rows, `(X^n - 1)/Z`.
    vanishing: Vec<Fr>,
}

impl Scope {
    /// The scope of some instruments, by their positions in the universe.
    ///
    /// # Errors
    /// If an instrument has no row or is listed twice.
    pub fn new(capacity: Capacity, instruments: impl IntoIterator<Item = usize>) -> Result<Self, HoldingError> {
        let mut inside: BTreeSet<_> = capacity.tail().collect();
        for index in instruments {
            if !inside.insert(instrument_row(capacity, index)?.index()) {
                return Err(HoldingError::DuplicateInstrument { index });
            }
        }
        let inside = Vec::from_iter(inside);
        let points = Domain::new(capacity.k());
        let roots: Vec<Fr> = inside.iter().map(|row| points.nodes()[*row]).collect();
        Ok(Self { capacity, inside, vanishing: product_of_factors(&roots) })
    }

    /// The values of `Z` at its rows inside, ascending by row; everywhere else it is zero. There `Z` is the derivative
    /// of `X^n - 1` over that of the polynomial that vanishes inside.
    fn values(&self) -> Vec<(usize, Fr)> {
        let domain = Domain::new(self.capacity.k());
        let powers = self.vanishing.iter().zip(0u64..).skip(1);
        let derivative: Vec<Fr> = powers.map(|(coefficient, power)| *coefficient * Fr::from(power)).collect();
        let mut derivative = domain.reordered(&derivative);
        domain.values(&mut derivative);
        let mut values: Vec<Fr> = self.inside.iter().map(|row| derivative[*row] * domain.nodes()[*row]).collect();
        values.iter_mut().batch_invert();
        let n = Fr::from(domain.rows() as u64);
        self.inside.iter().copied().zip(values.into_iter().map(|value| value * n)).collect()
    }

    /// The column of `Z`: its value on every row.
    #[must_use]
    pub fn column(&self) -> Vec<Fr> {
        let mut column = vec![Fr::ZERO; self.capacity.rows()];
        self.values().into_iter().for_each(|(row, value)| column[row] = value);
        column
    }

    /// The commitment to `Z`, by which a scope is known.
    ///
    /// # Panics
    /// If the parameters are for another capacity class.
    #[must_use]
    pub fn commit(&self, params: &Params) -> G1Affine {
        params.commit_column(&self.column()).to_affine()
    }

    /// `Z` at a point. None at the point of a row, where this way of evaluating it divides by zero.
    #[must_use]
    pub fn at(&self, point: Fr) -> Option<Fr> {
        let inside = self.vanishing.iter().rev().fold(Fr::ZERO, |sum, coefficient| sum * point + coefficient);
        let all = point.pow([self.capacity.rows() as u64]) - Fr::ONE;
        Option::<Fr>::from(inside.invert()).map(|inverse| all * inverse)
    }

    /// The quotient of a column by `Z`, as its value on every row. None if the column is not zero outside.
    ///
    /// # Panics
    /// If the column is of another capacity class.
    #[must_use]
    pub fn quotient(&self, column: &SecretScalars) -> Option<SecretScalars> {
        let domain = Domain::new(self.capacity.k());
        assert_eq!(column.len(), domain.rows(), "a column has a value for each row");
        let mut inside = self.inside.iter().peekable();
        let outside = column.iter().enumerate().filter(|(row, _)| inside.next_if(|other| *other == row).is_none());
        if outside.into_iter().any(|(_, value)| !bool::from(value.is_zero())) {
            return None;
        }
        // On a coset of the rows' points, X^n - 1 is a constant that is not zero: h = f·(X^n - 1)/Z over it.
        let shift = Fr::MULTIPLICATIVE_GENERATOR;
        let back = shift.invert().unwrap_or(Fr::ZERO);
        let constant = (shift.pow([domain.rows() as u64]) - Fr::ONE).invert().unwrap_or(Fr::ZERO);
        let mut inside = domain.reordered(&self.vanishing);
        scale(&mut inside, &domain.powers(shift, constant));
        domain.values(&mut inside);

        let mut quotient = column.clone();
        domain.coefficients(&mut quotient);
        scale(&mut quotient, &domain.powers(shift, domain.rows_inverse()));
        domain.values(&mut quotient);
        scale(&mut quotient, &inside);
        domain.coefficients(&mut quotient);
        scale(&mut quotient, &domain.powers(back, domain.rows_inverse()));
        domain.values(&mut quotient);
        Some(quotient)
    }
}

/// The value of the column's polynomial at a point, and the column of `(f(X) - f(point))/(X - point)`. None at the
/// point of a row.
///
/// # Panics
/// If the column is of another capacity class.
#[must_use]
pub fn divide_out(capacity: Capacity, column: &SecretScalars, point: Fr) -> Option<(Fr, SecretScalars)> {
    let domain = Domain::new(capacity.k());
    assert_eq!(column.len(), domain.rows(), "a column has a value for each row");
    let inverses = domain.inverse_distances(point);
    if inverses.iter().any(|inverse| bool::from(inverse.is_zero())) {
        return None;
    }
    // f(z) = (z^n - 1)/n · Σ_i f_i·ω^i/(z - ω^i)
    let all = point.pow([domain.rows() as u64]) - Fr::ONE;
    let terms = column.iter().zip(domain.nodes()).zip(&inverses).map(|((value, row), inverse)| *value * row * inverse);
    let value = -(terms.sum::<Fr>() * all * domain.rows_inverse());
    let mut quotient = column.clone();
    quotient.iter_mut().zip(&inverses).for_each(|(entry, inverse)| *entry = (*entry - value) * inverse);
    Some((value, quotient))
}

/// The coefficients of `Π (X - root)`, the constant first.
fn product_of_factors(roots: &[Fr]) -> Vec<Fr> {
    if roots.len() > FEW_FACTORS {
        let (left, right) = roots.split_at(roots.len() / 2);
        return product(&product_of_factors(left), &product_of_factors(right));
    }
    let mut coefficients = vec![Fr::ONE];
    for root in roots {
        // Times X, less root times the same.
        coefficients.insert(0, Fr::ZERO);
        for i in 1..coefficients.len() {
            let above = coefficients[i];
            coefficients[i - 1] -= above * root;
        }
    }
    coefficients
}

/// The product of two polynomials, by their values at enough roots of unity.
fn product(left: &[Fr], right: &[Fr]) -> Vec<Fr> {
    let length = left.len() + right.len() - 1;
    let domain = Domain::new(length.next_power_of_two().ilog2());
    let [mut product, other] = [left, right].map(|factor| {
        let mut values = domain.reordered(factor);
        domain.values(&mut values);
        values
    });
    scale(&mut product, &other);
    domain.coefficients(&mut product);
    let coefficients = domain.reordered(&product);
    coefficients.into_iter().take(length).map(|coefficient| coefficient * domain.rows_inverse()).collect()
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;

    use super::*;
    use crate::{Srs, holding::Masks, holding::holding_column, progress::Silent};

    fn capacity() -> Capacity {
        Capacity::new(9).unwrap()
    }

    fn column(lots: &[(usize, i128)]) -> SecretScalars {
        holding_column(capacity(), lots, &Masks::random(&mut OsRng)).unwrap()
    }

    /// The value at a point of the polynomial with these values at the rows.
    fn evaluate(column: &[Fr], point: Fr) -> Fr {
        let mut secret = SecretScalars::zeros(column.len());
        secret.copy_from_slice(column);
        divide_out(capacity(), &secret, point).unwrap().0
    }

    #[test]
    fn a_column_within_its_scope_is_the_quotient_times_what_vanishes_outside() {
        for instruments in [vec![3], vec![0, 449, 7], (100..300).collect(), (0..450).collect::<Vec<_>>()] {
            let scope = Scope::new(capacity(), instruments.iter().copied()).unwrap();
            let column = column(&[(instruments[0], -5)]);
            let quotient = scope.quotient(&column).unwrap();
            let point = Fr::random(OsRng);
            let outside = scope.at(point).unwrap();
            assert_eq!(evaluate(&column, point), outside * evaluate(&quotient, point));
            // Both ways to evaluate agree, and the value is not zero by accident.
            assert_eq!(evaluate(&scope.column(), point), outside);
            assert_ne!(outside, Fr::ZERO);
        }
    }

    #[test]
    fn the_polynomial_of_a_scope_vanishes_exactly_outside() {
        let scope = Scope::new(capacity(), [3, 9]).unwrap();
        let inside: Vec<_> = [3, 9].map(|index| capacity().instrument(index).unwrap().index()).to_vec();
        let inside: Vec<_> = inside.into_iter().chain(capacity().tail()).collect();
        for (row, value) in scope.column().iter().enumerate() {
            assert_eq!(bool::from(value.is_zero()), !inside.contains(&row), "row {row}");
        }
    }

    #[test]
    fn commitments_tell_scopes_apart() {
        let params = Params::from_srs(&Srs::development(capacity()), capacity(), &Silent).unwrap();
        let commit =
            |instruments: &[usize]| Scope::new(capacity(), instruments.iter().copied()).unwrap().commit(&params);
        assert_eq!(commit(&[1, 2]), commit(&[2, 1]));
        assert_ne!(commit(&[1, 2]), commit(&[1]));
        assert_ne!(commit(&[1]), commit(&[2]));
    }

    #[test]
    fn columns_are_divided_at_a_point() {
        let column = column(&[(5, 12)]);
        let [point, elsewhere] = [(); 2].map(|()| Fr::random(OsRng));
        let (value, quotient) = divide_out(capacity(), &column, point).unwrap();
        assert_eq!(evaluate(&column, elsewhere) - value, evaluate(&quotient, elsewhere) * (elsewhere - point));
        assert!(divide_out(capacity(), &column, Domain::new(9).nodes()[1]).is_none());
    }

    #[test]
    fn rejects_columns_with_a_value_outside_of_the_scope() {
        let scope = Scope::new(capacity(), [3, 9]).unwrap();
        assert!(scope.quotient(&column(&[(3, 1), (9, -1)])).is_some());
        assert!(scope.quotient(&column(&[(3, 1), (4, 1)])).is_none());
        for row in [0, 1] {
            let mut column = column(&[]);
            column[row] = Fr::ONE;
            assert!(scope.quotient(&column).is_none(), "row {row}");
        }
    }

    #[test]
    fn rejects_a_scope_of_instruments_without_rows_or_listed_twice() {
        let error = |instruments: &[usize]| Scope::new(capacity(), instruments.iter().copied()).unwrap_err();
        assert_eq!(error(&[450]), HoldingError::NoSuchInstrument { index: 450, limit: 450, k: 9 });
        assert_eq!(error(&[4, 4]), HoldingError::DuplicateInstrument { index: 4 });
    }
}
