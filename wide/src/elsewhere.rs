//! What the other modules offer, on processors for which there is nothing here: of the proof that the instructions are
//! there no value exists.

use halo2curves::bn256::{Fr, G1Affine};

use crate::{Ifma, Pair};

/// Twiddles of a transform.
#[derive(Clone, Debug)]
pub struct Twiddles(Ifma);

/// Numbers that coefficients are multiplied with.
#[derive(Clone, Debug)]
pub struct Factors(Ifma);

/// What sums are computed in.
pub struct Workspace(Ifma);

impl Ifma {
    /// None.
    #[must_use]
    pub fn detect() -> Option<Self> {
        None
    }

    /// Twiddles of a transform.
    #[must_use]
    pub fn twiddles(self, _: &[Fr]) -> Twiddles {
        Twiddles(self)
    }

    /// Numbers that coefficients are multiplied with.
    #[must_use]
    pub fn factors(self, _: &[Fr]) -> Factors {
        Factors(self)
    }

    /// Values to coefficients.
    pub fn split(self, _: &mut [Fr], _: &Twiddles, _: Option<&Factors>) {
        match self {}
    }

    /// Coefficients to values.
    pub fn join(self, _: &mut [Fr], _: Option<&Factors>, _: &Twiddles) {
        match self {}
    }

    /// Room for pairs.
    #[must_use]
    pub fn workspace(self, _: usize) -> Workspace {
        Workspace(self)
    }

    /// Adds pairs of points.
    #[must_use]
    pub fn add_pairs(self, _: &[Pair], _: &[G1Affine], _: &mut [G1Affine], _: &mut Workspace) -> bool {
        match self {}
    }

    /// Doubles points.
    pub fn double_points(self, _: &mut [G1Affine], _: &mut Workspace) {
        match self {}
    }
}
