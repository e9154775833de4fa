//! Linear equations over the scalar field, and what follows from them.

use core::ops::Range;

use ff::Field as _;
use halo2curves::bn256::Fr;

/// A linear equation: the factors of the unknown scalars, and what is left for them of the value under each guess of
/// the holdings.
pub(crate) type Equation = (Vec<Fr>, Vec<Fr>);

/// Eliminates some of the unknown scalars. Returns the rank of the equations in them, and what is left without them.
pub(crate) fn eliminate(mut equations: Vec<Equation>, unknowns: Range<usize>) -> (usize, Vec<Equation>) {
    let mut rank = 0;
    for unknown in unknowns {
        let Some(pivot) = equations.iter().position(|(factors, _)| factors[unknown] != Fr::ZERO) else { continue };
        let (pivot, values) = equations.swap_remove(pivot);
        let inverse = pivot[unknown].invert().unwrap();
        for (factors, rest) in equations.iter_mut().filter(|(factors, _)| factors[unknown] != Fr::ZERO) {
            let by = factors[unknown] * inverse;
            factors.iter_mut().zip(&pivot).for_each(|(factor, pivot)| *factor -= by * pivot);
            rest.iter_mut().zip(&values).for_each(|(rest, value)| *rest -= by * value);
        }
        rank += 1;
    }
    (rank, equations)
}
