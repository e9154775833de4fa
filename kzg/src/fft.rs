//! From powers of τ to Lagrange points: the inverse Fourier transform over G1.
//!
//! With ω the n-th root of unity that the rows are numbered by, row j's Lagrange polynomial is
//! `L_j(X) = 1/n · Σ_i ω^(-ij)·X^i`, hence `[L_j(τ)] = 1/n · Σ_i ω^(-ij)·[τ^i]`.

use ff::{Field, PrimeField};
use group::{Curve, prime::PrimeCurveAffine};
use halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

use crate::{
    glv::{Multiplier, Splitter},
    progress::{Event, Observer, Stage},
};

/// The root of unity of order `2^k` that row numbers are exponents of; Halo2 uses the same.
pub(crate) fn root_of_unity(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// The Lagrange points of `2^k` powers of τ. Reports `k` layers.
pub(crate) fn lagrange_basis(powers: &[G1Affine], k: u32, observer: &dyn Observer) -> Vec<G1Affine> {
    let splitter = Splitter::new();
    let inverse_root = root_of_unity(k).invert().unwrap_or(Fr::ZERO);
    let twiddles: Vec<Multiplier> = powers_of(inverse_root, powers.len() / 2)
        .into_par_iter()
        .map(|twiddle| splitter.multiplier(&twiddle))
        .collect();
    let report = |done: u32| {
        observer.event(Event::Progress { stage: Stage::LagrangeBasis, done: done.into(), total: k.into() });
    };

    report(0);
    let scale = splitter.multiplier(&Fr::TWO_INV.pow([u64::from(k)]));
    let mut points: Vec<G1> = (0..powers.len())
        .into_par_iter()
        .map(|index| scale.times(&powers[reverse_bits(index, k)].to_curve()))
        .collect();
    for layer in 0..k {
        combine(&mut points, 1 << layer, &twiddles);
        report(layer + 1);
    }
    let mut affine = vec![G1Affine::identity(); points.len()];
    G1::batch_normalize(&points, &mut affine);
    affine
}

/// One layer of Cooley and Tukey's algorithm: joins neighbouring transforms of length `half`.
fn combine(points: &mut [G1], half: usize, twiddles: &[Multiplier]) {
    let stride = twiddles.len() / half;
    points.par_chunks_mut(2 * half).for_each(|block| {
        let (even, odd) = block.split_at_mut(half);
        even.par_iter_mut().zip(odd).enumerate().for_each(|(index, (even, odd))| {
            let turned = if index == 0 { *odd } else { twiddles[index * stride].times(odd) };
            *odd = *even - turned;
            *even += turned;
        });
    });
}

/// `1, base, base², …`
pub(crate) fn powers_of(base: Fr, count: usize) -> Vec<Fr> {
    core::iter::successors(Some(Fr::ONE), |power| Some(*power * base)).take(count).collect()
}

fn reverse_bits(index: usize, k: u32) -> usize {
    index.reverse_bits() >> (usize::BITS - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn points_are_the_lagrange_polynomials_at_tau() {
        for k in [1, 2, 5, 7] {
            let tau = Fr::from(0x1234_5678_9abc_def1);
            let n = 1usize << k;
            let powers: Vec<_> = powers_of(tau, n).iter().map(|power| (G1::generator() * power).to_affine()).collect();
            let basis = lagrange_basis(&powers, k, &Silent);
            // L_j(τ) = ω^j (τ^n - 1) / (n (τ - ω^j))
            let root = root_of_unity(k);
            for (point, node) in basis.iter().zip(powers_of(root, n)) {
                let numerator = node * (tau.pow([n as u64]) - Fr::ONE);
                let value = numerator * (Fr::from(n as u64) * (tau - node)).invert().unwrap();
                assert_eq!(*point, (G1::generator() * value).to_affine());
            }
        }
    }

    #[test]
    fn the_root_has_the_right_order() {
        for k in 1..=16 {
            let root = root_of_unity(k);
            assert_eq!(root.pow([1 << k]), Fr::ONE);
            assert_eq!(root.pow([1 << (k - 1)]), -Fr::ONE);
        }
    }
}
