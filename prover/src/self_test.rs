//! A proof of something trivial, to see that this machine can make and verify one.

use group::Curve as _;
use halo2curves::bn256::Fr;
use rand_core::OsRng;
use surety_circuits::{AdviceColumn, ProveError, ProvingKey, ProvingKeyError, Witness, WitnessError};
use surety_core::{capacity::Capacity, ident::Name, units::Lots};
use surety_kzg::{
    Masks, Params, Srs, SrsError,
    holding::{HoldingError, holding_column},
    progress::Silent,
};
use surety_margin::{
    holdings::Position,
    program::{Builder, HoldingRange, ProgramError, Unsatisfied, holding},
};
use surety_verifier::{KnownCommitments, ProofError};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// A name or an amount.
    #[error("{0}")]
    Input(String),
    /// The set-up.
    #[error(transparent)]
    Srs(#[from] SrsError),
    /// The program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Its solution.
    #[error(transparent)]
    Solution(#[from] Unsatisfied),
    /// The column of holdings.
    #[error(transparent)]
    Holding(#[from] HoldingError),
    /// The witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The proving key.
    #[error(transparent)]
    Key(#[from] ProvingKeyError),
    /// Proving.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// Verifying.
    #[error(transparent)]
    Verify(#[from] ProofError),
    /// A proof for something else was accepted.
    #[error("a proof was accepted for another context than its own")]
    Unsound,
}

/// Proves, over the development set-up, that a holding of five lots is not negative; verifies the proof, and sees that
/// it does not verify for anything else.
///
/// # Errors
/// If any of that fails.
pub fn run(capacity: Capacity) -> Result<(), SelfTestError> {
    let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent)?;
    let range = HoldingRange { name: Name::new("USD").map_err(SelfTestError::Input)?, min: 0, max: 10 };
    let mut builder = Builder::new(capacity, &[], vec![range]);
    builder.require("a holding is not negative", &holding(0))?;
    let program = builder.finish()?;
    let position = Position::from_lots(vec![Lots::new(5).map_err(SelfTestError::Input)?]);
    let column = holding_column(capacity, &[(0, 5)], &Masks::random(&mut OsRng))?;
    let witness = Witness::new(&program, &[], &column, &program.solve(&position, &[])?)?;

    let commit = |column| params.commit_column(&witness[column]).to_affine();
    let known = KnownCommitments {
        idx: commit(AdviceColumn::Idx),
        flag: commit(AdviceColumn::Flag),
        coef: commit(AdviceColumn::Coef),
        hold: commit(AdviceColumn::BlindedHold),
    };
    let key = ProvingKey::generate(&params)?;
    let (context, other) = (Fr::from(7), Fr::from(8));
    let proof = key.prove(context, &known, &witness)?;
    key.verifying_key().verify(context, &known, &proof.0)?;
    match key.verifying_key().verify(other, &known, &proof.0) {
        Err(_) => Ok(()),
        Ok(()) => Err(SelfTestError::Unsound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_in_the_smallest_class() {
        run(Capacity::new(Capacity::MIN_K).unwrap()).unwrap();
    }
}
