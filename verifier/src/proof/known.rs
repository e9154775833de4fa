//! The commitments that no proof contains, because the verifier computes them.

use group::{Curve as _, Group as _};
use halo2curves::bn256::{G1, G1Affine};

/// The commitments that a verifier brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCommitments {
    /// Addresses: follows from the program.
    pub idx: G1Affine,
    /// Ends of sums: follows from the program.
    pub flag: G1Affine,
    /// Coefficients: follows from the program and the prices.
    pub coef: G1Affine,
    /// Holdings: the sum of the commitments that the sources signed. No column of the circuit; [`Self::blind`] follows.
    pub hold: G1Affine,
}

impl KnownCommitments {
    /// How many there are.
    pub const COUNT: usize = 4;

    /// The names of the columns that they are commitments to, in the order of [`Self::in_order`].
    pub const NAMES: [&str; Self::COUNT] = ["IDX", "FLAG", "COEF", "HOLD"];

    /// How many are of the program, which are commitments to the circuit's first columns.
    pub const PROGRAM: usize = 3;

    /// The points, in the order in which contracts take them.
    #[must_use]
    pub fn in_order(&self) -> [G1Affine; Self::COUNT] {
        [self.idx, self.flag, self.coef, self.hold]
    }

    /// The program's points, in the order of their columns.
    #[must_use]
    pub fn program(&self) -> [G1Affine; Self::PROGRAM] {
        [self.idx, self.flag, self.coef]
    }

    /// The commitment to `BLIND`, given the prover's to `BLINDED_HOLD`: their difference is the holdings. None if it is
    /// the identity, with which the proof would be about `HOLD` itself.
    #[must_use]
    pub fn blind(&self, blinded_hold: &G1Affine) -> Option<G1Affine> {
        let difference = G1::from(*blinded_hold) - self.hold;
        (!bool::from(difference.is_identity())).then(|| difference.to_affine())
    }
}
