//! The opening of a column at a coset, and its one encoding.

use halo2curves::bn256::G1Affine;

use crate::point::{self, G1_BYTES, PointError};

/// The opening of a column at a coset: a point of G1 other than the identity.
///
/// The identity would open columns of a degree below ℓ, which no column with random masks is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening(G1Affine);

impl Opening {
    /// None for the identity.
    pub(super) fn new(point: G1Affine) -> Option<Self> {
        point::refuse_identity(point).ok().map(Self)
    }

    pub(super) fn point(&self) -> &G1Affine {
        &self.0
    }

    /// Encodes the point, see [`point`].
    #[must_use]
    pub fn to_bytes(&self) -> [u8; G1_BYTES] {
        point::g1_to_bytes(&self.0)
    }

    /// Decodes a point.
    ///
    /// # Errors
    /// If a coordinate is not canonical, or the point is off the curve or the identity.
    pub fn from_bytes(bytes: &[u8; G1_BYTES]) -> Result<Self, PointError> {
        point::g1_from_bytes(bytes).map(Self)
    }
}
