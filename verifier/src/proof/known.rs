//! The commitments that no proof contains, because the verifier computes them.

use halo2curves::bn256::G1Affine;

/// The commitments that a verifier knows and puts in place itself, in the order of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCommitments {
    /// Addresses: follows from the program.
    pub idx: G1Affine,
    /// Ends of sums: follows from the program.
    pub flag: G1Affine,
    /// Coefficients: follows from the program and the prices.
    pub coef: G1Affine,
    /// Holdings: the sum of the commitments that the sources signed.
    pub hold: G1Affine,
}

impl KnownCommitments {
    /// How many columns have known commitments.
    pub const COUNT: usize = 4;

    /// The points, in the order of their columns.
    #[must_use]
    pub fn in_order(&self) -> [G1Affine; Self::COUNT] {
        [self.idx, self.flag, self.coef, self.hold]
    }
}
