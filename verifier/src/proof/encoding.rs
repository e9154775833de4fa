//! Proofs as bytes: one encoding, read strictly, each element by its name.
//!
//! | bytes | what |
//! |---|---|
//! | 64 a point | sent advice columns, permuted input and table of each lookup, running products of the lookups |
//! | 64 a point | the blinding polynomial, the quotient's pieces |
//! | 32 an evaluation | in the order of [`Protocol::evaluations`](crate::proof::protocol::Protocol::evaluations) |
//! | 64 a point | the two of the multi-opening |

use halo2curves::bn256::{Fr, G1Affine};
use surety_core::ident::HexBytes;
use surety_kzg::{
    point::{self, PointError},
    scalar::{self, ScalarTooLarge},
};

use crate::proof::{pairing::PairingFailed, transcript::Transcript};

/// Length of a proof, the same in every capacity class: 17 points and 24 evaluations.
pub const PROOF_BYTES: usize = 1856;

/// A proof as files contain it. Not verified, and not even known to consist of points and scalars.
pub type ProofBytes = HexBytes<PROOF_BYTES>;

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A proof for this key has one length.
    #[error("expected a proof of {expected} bytes for this key, found {found}")]
    Length {
        /// Bytes that the key's protocol asks for.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// A commitment that the verifier supplies is no point.
    #[error("the known commitment to {column}: {error}")]
    KnownCommitment {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        error: PointError,
    },
    /// A point of the proof is none.
    #[error("{element}: {error}")]
    Point {
        /// Which point.
        element: String,
        /// What is wrong with it.
        error: PointError,
    },
    /// A number of the proof is not reduced.
    #[error("{element}: {error}")]
    Scalar {
        /// Which number.
        element: String,
        /// What is wrong with it.
        error: ScalarTooLarge,
    },
    /// The commitment to the blinded holdings is that to the holdings: nothing was added to them.
    #[error(
        "the commitment to {column}: expected one that differs from the sources' commitments to the holdings, found \
         their sum: the proof shows the holdings, make a new one"
    )]
    NotBlinded {
        /// The column that holds the blinded holdings.
        column: String,
    },
    /// A challenge fell on a point where the equations cannot be evaluated. This does not happen to honest provers.
    #[error("a challenge fell on a root of unity or on another challenge's point: make a new proof")]
    DegenerateChallenge,
    /// The equations do not hold.
    #[error(transparent)]
    Pairing(#[from] PairingFailed),
}

/// Reads a proof and absorbs what it reads.
pub(crate) struct ProofReader<'a> {
    rest: &'a [u8],
    transcript: Transcript,
}

impl<'a> ProofReader<'a> {
    /// Starts to read `proof`, of which `length` bytes are expected, after what `transcript` has absorbed.
    pub(crate) fn new(proof: &'a [u8], length: usize, transcript: Transcript) -> Result<Self, ProofError> {
        if proof.len() != length {
            return Err(ProofError::Length { expected: length, found: proof.len() });
        }
        Ok(Self { rest: proof, transcript })
    }

    /// The next point.
    pub(crate) fn point(&mut self, element: impl FnOnce() -> String) -> Result<G1Affine, ProofError> {
        let point = self.point_unabsorbed(element)?;
        self.absorb(&point);
        Ok(point)
    }

    /// The next point, for a caller that has something else to absorb before it, and must then [`Self::absorb`] it.
    pub(crate) fn point_unabsorbed(&mut self, element: impl FnOnce() -> String) -> Result<G1Affine, ProofError> {
        point::g1_from_bytes(self.take()?).map_err(|error| ProofError::Point { element: element(), error })
    }

    /// Absorbs a point.
    pub(crate) fn absorb(&mut self, point: &G1Affine) {
        self.transcript.absorb_point(point);
    }

    /// The next number.
    pub(crate) fn scalar(&mut self, element: impl FnOnce() -> String) -> Result<Fr, ProofError> {
        let scalar =
            scalar::from_bytes(self.take()?).map_err(|error| ProofError::Scalar { element: element(), error })?;
        self.transcript.absorb_scalar(&scalar);
        Ok(scalar)
    }

    /// The next challenge.
    pub(crate) fn challenge(&mut self) -> Fr {
        self.transcript.squeeze()
    }

    /// Ends; every byte must have been read.
    pub(crate) fn finish(self) -> Result<(), ProofError> {
        if self.rest.is_empty() { Ok(()) } else { Err(ProofError::Length { expected: 0, found: self.rest.len() }) }
    }

    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], ProofError> {
        let short = ProofError::Length { expected: N, found: self.rest.len() };
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(short)?;
        self.rest = rest;
        Ok(bytes)
    }
}
