//! Many signatures with one equation.
//!
//! A signature `(r, s)` with a recovery bit names one point `R`, of abscissa r, and is made by the key `Q` exactly if
//! `R = s⁻¹·z·G + s⁻¹·r·Q` for the digest z. With random weights `a`, all signatures of a batch are right if
//!
//! ```text
//! Σ a_i·R_i = (Σ a_i·z_i/s_i)·G + Σ_Q (Σ a_i·r_i/s_i)·Q
//! ```
//!
//! The weights have 128 bits, so that the sum on the left takes half of the usual doublings and additions, and the
//! right side has one term for each key. The group has prime order: if one signature is wrong, the equation holds for
//! one choice of its weight among `2^128` at most (Bellare, Garay and Rabin, *Fast batch verification for modular
//! exponentiation and digital signatures*, Eurocrypt 1998).

use core::num::NonZeroU128;
use std::collections::BTreeMap;

use k256::{AffinePoint, ProjectivePoint, Scalar, ecdsa::VerifyingKey, elliptic_curve::ops::BatchInvert as _};
use surety_core::ident::EvmAddress;

use crate::attestation::signature::{Parsed, Signed, commitment, reduce};

/// Bits of a weight.
const WEIGHT_BITS: u32 = 128;

/// Widest windows of the weights.
const MAX_WIDTH: u32 = 10;

/// Whether all of these signatures are made by the keys of those who are said to have made them. `false` says nothing
/// about any of them.
///
/// `weights`, one for each signature, must be drawn at random after all signatures are fixed.
pub(crate) fn all_right(
    signed: &[(Signed, Parsed)],
    keys: &BTreeMap<EvmAddress, VerifyingKey>,
    weights: &[NonZeroU128],
) -> bool {
    equation(signed, keys, weights).is_some_and(|(left, right)| left == right)
}

/// Both sides; none if a key is not known, or a signature names no point.
fn equation(
    signed: &[(Signed, Parsed)],
    keys: &BTreeMap<EvmAddress, VerifyingKey>,
    weights: &[NonZeroU128],
) -> Option<(ProjectivePoint, ProjectivePoint)> {
    if signed.is_empty() || signed.len() != weights.len() {
        return None;
    }
    let divisors: Vec<Scalar> = signed.iter().map(|(_, (signature, _))| *signature.s()).collect();
    let inverses: Option<Vec<Scalar>> = Scalar::batch_invert(divisors.as_slice()).into();
    let mut of_generator = Scalar::ZERO;
    let mut of_keys: BTreeMap<&EvmAddress, Scalar> = BTreeMap::new();
    let mut points = Vec::with_capacity(signed.len());
    for (((signed, (signature, recovery)), inverse), weight) in signed.iter().zip(inverses?).zip(weights) {
        points.push(commitment(signature, *recovery)?);
        let factor = Scalar::from(weight.get()) * inverse;
        of_generator += factor * reduce(&signed.digest);
        *of_keys.entry(&signed.signer).or_default() += factor * *signature.r();
    }
    let mut right = ProjectivePoint::GENERATOR * of_generator;
    for (signer, factor) in of_keys {
        right += ProjectivePoint::from(*keys.get(signer)?.as_affine()) * factor;
    }
    Some((sum(&points, weights), right))
}

/// `Σ weight·point`, window by window: points of equal digits share a bucket, and bucket d counts d times.
fn sum(points: &[AffinePoint], weights: &[NonZeroU128]) -> ProjectivePoint {
    let cost = |width: &u32| WEIGHT_BITS.div_ceil(*width) as usize * (points.len() + (2 << width));
    let width = (1..=MAX_WIDTH).min_by_key(cost).unwrap_or(1);
    let window = |window: u32| {
        let mut buckets = vec![ProjectivePoint::IDENTITY; (1 << width) - 1];
        for (point, weight) in points.iter().zip(weights) {
            let digit = (weight.get() >> (window * width)) as usize & ((1 << width) - 1);
            if digit > 0 {
                buckets[digit - 1] += point;
            }
        }
        let (_, sum) = buckets.iter().rev().fold(
            (ProjectivePoint::IDENTITY, ProjectivePoint::IDENTITY),
            |(running, sum), bucket| {
                let running = running + bucket;
                (running, sum + running)
            },
        );
        sum
    };
    (0..WEIGHT_BITS.div_ceil(width))
        .rev()
        .fold(ProjectivePoint::IDENTITY, |sum, index| (0..width).fold(sum, |sum, _| sum.double()) + window(index))
}
