//! Proofs that the holdings behind commitments lie within scopes.
//!
//! Each part has a commitment `C` to holdings `f` and a commitment `V` to the polynomial `Z` of a scope, which is zero
//! on every row outside of it: see [`surety_kzg::scope`]. The prover sends a commitment `H` to `h = f/Z`, then the
//! value `z` of `Z` at a challenge `ζ`, and opens, at ζ, a combination that is zero there:
//!
//! ```text
//! ζ   = challenge(tag, context, C_0, V_0, C_1, V_1, …, H_0, H_1, …)
//! ρ   = challenge(z_0, z_1, …)
//! F   = Σ_s ρ^(2s)·(C_s - z_s·H_s) + ρ^(2s + 1)·(V_s - z_s·[1]₁)
//! e(F + ζ·W, [1]₂) = e(W, [τ]₂)
//! ```
//!
//! Hence `z_s = Z_s(ζ)` and `f_s(ζ) = Z_s(ζ)·h_s(ζ)` for polynomials that were fixed before ζ, so `f_s = Z_s·h_s`. For
//! a given `C_s` there is one proof. `H_s` and `W` are multiples of the commitments by factors that follow from τ and
//! public values, so they tell nothing about the holdings that the commitments do not.

use alloy_primitives::keccak256;
use ff::Field as _;
use halo2curves::bn256::{Fr, G1Affine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::ident::{Bytes32, HexBytes};
use surety_kzg::{
    SrsId,
    point::{self, PointError},
    scalar::{self, ScalarTooLarge},
};

use crate::proof::{
    pairing::{Msm, PairingCheck},
    transcript::{Transcript, reduce as reduced},
};

/// What the transcript begins with, which sets it apart from that of a proof.
const TAG: &str = "surety/scope-proof/v1";

/// A commitment to holdings, and that to the polynomial of the scope that they must lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedCommitment {
    /// Commits to the holdings.
    pub holdings: G1Affine,
    /// Commits to the polynomial that vanishes outside of the scope.
    pub scope: G1Affine,
}

/// That holdings lie within their scopes, for all parts together. Not verified, and not even known to consist of points
/// and scalars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeProof {
    /// The commitment to the quotient of each part, `x ‖ y`.
    pub quotients: Vec<HexBytes<64>>,
    /// The value of each scope's polynomial at the challenge.
    pub values: Vec<Bytes32>,
    /// The opening at the challenge, `x ‖ y`.
    pub opening: HexBytes<64>,
}

impl ScopeProof {
    /// The encoding that contracts take: quotients, values, opening.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let quotients = self.quotients.iter().flat_map(|quotient| quotient.0);
        let values = self.values.iter().flat_map(|value| value.0);
        quotients.chain(values).chain(self.opening.0).collect()
    }
}

/// Why a proof of scopes is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// There is one quotient and one value for each part.
    #[error("expected one quotient and one value for each of {expected} sources, found {quotients} and {values}")]
    Count {
        /// Parts.
        expected: usize,
        /// Quotients given.
        quotients: usize,
        /// Values given.
        values: usize,
    },
    /// A quotient is no point.
    #[error("quotient {index}: {error}")]
    Quotient {
        /// Which quotient.
        index: usize,
        /// What is wrong with it.
        error: PointError,
    },
    /// A value is not reduced.
    #[error("value {index}: {error}")]
    Value {
        /// Which value.
        index: usize,
        /// What is wrong with it.
        error: ScalarTooLarge,
    },
    /// The opening is no point.
    #[error("the opening: {0}")]
    Opening(PointError),
}

/// The challenges that prover and verifier share.
#[derive(Clone, Debug)]
pub struct Challenges {
    transcript: Transcript,
    /// Where everything is opened.
    pub point: Fr,
}

impl Challenges {
    /// Draws the point, once parts and quotients are fixed.
    #[must_use]
    pub fn new(context: &Fr, parts: &[ScopedCommitment], quotients: &[G1Affine]) -> Self {
        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&reduced(&keccak256(TAG).0));
        transcript.absorb_scalar(context);
        for part in parts {
            transcript.absorb_point(&part.holdings);
            transcript.absorb_point(&part.scope);
        }
        quotients.iter().for_each(|quotient| transcript.absorb_point(quotient));
        let point = transcript.squeeze();
        Self { transcript, point }
    }

    /// Draws the number whose powers weigh the parts, once the values are fixed.
    #[must_use]
    pub fn weight(&mut self, values: &[Fr]) -> Fr {
        values.iter().for_each(|value| self.transcript.absorb_scalar(value));
        self.transcript.squeeze()
    }

    /// Draws the number that weighs this proof against another that counts only together with it.
    fn factor(mut self, opening: &G1Affine, other: &[u8]) -> Fr {
        self.transcript.absorb_point(opening);
        self.transcript.absorb_scalar(&reduced(&keccak256(other).0));
        self.transcript.squeeze()
    }
}

/// What is left of a proof of scopes once everything but the pairing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReducedScopes {
    /// The claim that is left.
    pub check: PairingCheck,
    /// The factor by which the claim may be added to that of the proof that it was reduced with.
    pub factor: Fr,
}

/// Reduces a proof of scopes to one equation of pairings. `proof_bytes` is the proof that counts only together with it.
///
/// # Errors
/// If the proof has another form.
pub fn reduce(
    srs: SrsId,
    context: &Fr,
    parts: &[ScopedCommitment],
    proof: &ScopeProof,
    proof_bytes: &[u8],
) -> Result<ReducedScopes, ScopeError> {
    let (quotients, values) = (proof.quotients.len(), proof.values.len());
    if [quotients, values] != [parts.len(); 2] {
        return Err(ScopeError::Count { expected: parts.len(), quotients, values });
    }
    let read = |(index, bytes): (usize, &HexBytes<64>)| {
        point::g1_from_bytes(&bytes.0).map_err(|error| ScopeError::Quotient { index, error })
    };
    let quotients = proof.quotients.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let read = |(index, bytes): (usize, &Bytes32)| {
        scalar::from_bytes(&bytes.0).map_err(|error| ScopeError::Value { index, error })
    };
    let values = proof.values.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let opening = point::g1_from_bytes(&proof.opening.0).map_err(ScopeError::Opening)?;

    let mut challenges = Challenges::new(context, parts, &quotients);
    let weight = challenges.weight(&values);
    let (mut right, mut power, mut claimed) = (Msm::default(), Fr::ONE, Fr::ZERO);
    for ((part, quotient), value) in parts.iter().zip(quotients).zip(values) {
        right.push(power, part.holdings);
        right.push(-(power * value), quotient);
        power *= weight;
        right.push(power, part.scope);
        claimed += power * value;
        power *= weight;
    }
    right.push(-claimed, G1Affine::generator());
    right.push(challenges.point, opening);
    let check = PairingCheck { srs, left: opening.into(), right };
    Ok(ReducedScopes { check, factor: challenges.factor(&opening, proof_bytes) })
}
