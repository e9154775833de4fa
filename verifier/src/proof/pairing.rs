//! The equation of pairings that a proof comes down to, alone or many at once.

use ff::Field as _;
use group::{Curve as _, Group as _};
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine, G2Prepared};
use pairing::{MillerLoopResult as _, MultiMillerLoop as _};
use surety_kzg::{Lanes, SrsId, combination, point, srs};

/// A linear combination of points, not computed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Msm {
    terms: Vec<(Fr, G1Affine)>,
}

impl Msm {
    /// Adds a multiple of a point.
    pub fn push(&mut self, scalar: Fr, point: G1Affine) {
        self.terms.push((scalar, point));
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &[(Fr, G1Affine)] {
        &self.terms
    }

    /// Adds a multiple of a linear combination.
    pub fn add(&mut self, factor: Fr, other: &Self) {
        self.terms.extend(other.terms.iter().map(|(scalar, point)| (factor * scalar, *point)));
    }

    /// The sum, the same with any lanes. Terms of one point are computed as one.
    #[must_use]
    pub fn evaluate(&self, lanes: Lanes) -> G1 {
        combination(&self.merged(), lanes)
    }

    /// The terms, of each point one. Only points that agree in the better part of their encodings and differ might come
    /// between terms of one point; then these stay apart, and the sum is the same.
    fn merged(&self) -> Vec<(Fr, G1Affine)> {
        let mut order: Vec<(u128, usize)> =
            self.terms.iter().enumerate().map(|(index, (_, point))| (mark(point), index)).collect();
        order.sort_unstable();
        let mut merged: Vec<(Fr, G1Affine)> = Vec::with_capacity(order.len());
        for (_, index) in order {
            let (scalar, point) = self.terms[index];
            match merged.last_mut() {
                Some((sum, last)) if *last == point => *sum += scalar,
                _ => merged.push((scalar, point)),
            }
        }
        merged
    }
}

/// The lower half of x with the last bit of y in place of its own: short, and hardly ever that of another point.
fn mark(point: &G1Affine) -> u128 {
    let bytes = point::g1_to_bytes(point);
    let last = |end: usize| u128::from_be_bytes(core::array::from_fn(|index| bytes[end - 16 + index]));
    last(32) & !1 | last(64) & 1
}

impl From<G1Affine> for Msm {
    fn from(point: G1Affine) -> Self {
        Self { terms: vec![(Fr::ONE, point)] }
    }
}

/// The claim `e(left, [τ]₂) = e(right, [1]₂)`: what is left of a proof once everything but the pairing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingCheck {
    /// The set-up that τ is of.
    pub srs: SrsId,
    /// Paired with `[τ]₂`.
    pub left: Msm,
    /// Paired with `[1]₂`.
    pub right: Msm,
}

/// The pairings do not agree: a proof is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pairing equation does not hold: the proof is not valid for these commitments, this context and this key")]
pub struct PairingFailed;

/// Checks cannot be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to check. An empty batch proves nothing and is refused.
    #[error("expected at least one proof in a batch, found none")]
    Empty,
    /// Each check needs a weight.
    #[error("expected {checks} weights for {checks} checks, found {weights}")]
    Weights {
        /// Number of checks.
        checks: usize,
        /// Number of weights.
        weights: usize,
    },
    /// Checks over different set-ups have no equation in common.
    #[error("expected checks over one set-up, found another at position {0}")]
    OtherSetUp(usize),
    /// A weight of zero would leave a proof unchecked.
    #[error("expected weights other than zero, found zero at position {0}")]
    ZeroWeight(usize),
}

impl PairingCheck {
    /// Whether the claim holds. Under another set-up than its own it does not. Computed on every processor in the same
    /// way, unlike batches.
    ///
    /// # Errors
    /// If it does not.
    pub fn check(&self, srs: &PairingKey) -> Result<(), PairingFailed> {
        if self.srs == srs.id && self.sides(Lanes::One).hold(srs) { Ok(()) } else { Err(PairingFailed) }
    }

    /// Both sides, computed.
    pub(crate) fn sides(&self, lanes: Lanes) -> Sides {
        Sides { left: self.left.evaluate(lanes), right: self.right.evaluate(lanes) }
    }

    /// One claim that holds if all of `checks` do, and if one does not, then only with a probability of about one in as
    /// many as there are weights.
    ///
    /// `weights` must be drawn at random, at least 128 bits each, after every proof of the batch is fixed.
    ///
    /// # Errors
    /// If there are no checks, not as many weights as checks, a weight is zero, or the checks are over several set-ups.
    pub fn combine(checks: &[Self], weights: &[Fr]) -> Result<Self, BatchError> {
        let Some(Self { srs, .. }) = checks.first() else { return Err(BatchError::Empty) };
        if checks.len() != weights.len() {
            return Err(BatchError::Weights { checks: checks.len(), weights: weights.len() });
        }
        if let Some(position) = weights.iter().position(|weight| bool::from(weight.is_zero())) {
            return Err(BatchError::ZeroWeight(position));
        }
        if let Some(position) = checks.iter().position(|check| check.srs != *srs) {
            return Err(BatchError::OtherSetUp(position));
        }
        let mut combined = Self { srs: *srs, left: Msm::default(), right: Msm::default() };
        for (check, weight) in checks.iter().zip(weights) {
            combined.left.add(*weight, &check.left);
            combined.right.add(*weight, &check.right);
        }
        Ok(combined)
    }
}

/// Both sides of a claim, computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    left: G1,
    right: G1,
}

impl Sides {
    /// Whether the claim holds under its set-up.
    pub(crate) fn hold(&self, srs: &PairingKey) -> bool {
        let (left, right) = (self.left.to_affine(), (-self.right).to_affine());
        let pairs = [(&left, &srs.tau_g2), (&right, &srs.g2)];
        Bn256::multi_miller_loop(&pairs).final_exponentiation().is_identity().into()
    }

    /// What is left of a combination without a part of it.
    pub(crate) fn without(&self, part: &Self) -> Self {
        Self { left: self.left - part.left, right: self.right - part.right }
    }
}

/// The set-up's points in G2, prepared for pairings.
#[derive(Clone, Debug)]
pub struct PairingKey {
    id: SrsId,
    g2: G2Prepared,
    tau_g2: G2Prepared,
}

impl PairingKey {
    /// The set-up.
    #[must_use]
    pub fn srs(&self) -> SrsId {
        self.id
    }
}

impl From<&srs::VerifierKey> for PairingKey {
    fn from(srs: &srs::VerifierKey) -> Self {
        Self { id: srs.id(), g2: G2Prepared::from(srs.g2()), tau_g2: G2Prepared::from(srs.tau_g2()) }
    }
}
