//! The names of the rules, which failures of a mock prover and of [`crate::check`] share, and their degree.

/// The degree of the constraints and lookups.
///
/// Halo2-axiom caps the degree that it computes at the environment variable `MAX_DEGREE`, default 5; asking for this
/// one as the minimum makes it this one whatever the environment says.
pub(crate) const DEGREE: usize = 5;

/// `ROW·(ACC[+1] - (1 - FLAG)·(ACC + COEF·VAL)) = 0`
pub const RUNNING_SUM: &str = "the running sum takes in each term and starts anew after each equation";
/// `ROW·FLAG·(ACC + COEF·VAL) = 0`
pub const EQUATION: &str = "the terms of each equation sum to zero";
/// `BASE·(BASE - 1)·(BASE - b)²·VAL = 0`
pub const QUOTIENT: &str = "the quotient is blinded";
/// `ROW·BLIND[+1] = 0`
pub const BLIND: &str = "the blinding is zero wherever a program reads";
/// `ROW·(b - BASE[-1])·BLINDED_HOLD = 0`
pub const SOURCES: &str = "sources write where holdings are and nowhere else";
/// `BASE·(BASE - b)·(VAR - 1) = 0`
pub const ONE: &str = "the constant one is one";
/// `(IDX, VAL) ∈ (ROW, BLINDED_HOLD + S·VAR)`
pub const MEMORY: &str = "each value read is the one at its address";
/// `VAR - BASE·VAR[+1] ∈ ROW`
pub const RANGE: &str = "each limb is below the range base";
