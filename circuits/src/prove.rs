//! Proving.

use group::Curve as _;
use halo2_proofs::plonk;
use halo2curves::bn256::{Fr, G1Affine};
use rand_core::OsRng;
use surety_core::capacity::Capacity;
use surety_kzg::SecretScalars;
use surety_verifier::{KnownCommitments, ProofError, proof::encoding::ProofBytes};

use crate::{
    blinding::Fresh,
    check::{Violation, check},
    columns::AdviceColumn,
    key::ProvingKey,
    prover::DRAWN,
    witness::Witness,
};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The witness is laid out for another circuit.
    #[error("expected a witness for capacity class k = {expected}, found one for {found}")]
    Capacity {
        /// The key's class.
        expected: u32,
        /// The witness's class.
        found: u32,
    },
    /// The witness is not one.
    #[error("the statement does not hold: {0}")]
    Unsatisfied(#[from] Violation),
    /// A column is not what verifiers think it is.
    #[error(
        "the column {column} does not have the commitment that verifiers know: the program, the prices or the holdings \
         are not those of the statement"
    )]
    OtherCommitment {
        /// The column.
        column: &'static str,
    },
    /// Halo2 failed.
    #[error("Halo2 made no proof: {0}")]
    Halo2(#[from] plonk::Error),
    /// The prover did not draw random numbers as it should have; the proof might tell secrets and was thrown away.
    #[error("the proof was not blinded as it should be and was discarded; the program was built wrongly")]
    NotBlinded,
    /// The proof is not valid.
    #[error("the proof does not verify and was discarded: {0}")]
    Invalid(#[from] ProofError),
}

impl ProvingKey {
    /// Proves that the witness satisfies its program, bound to `context`, for verifiers who know these commitments.
    ///
    /// Each proof is blinded anew, so that any number of proofs of one statement reveals no more than one. The copies
    /// of the witness, and whatever is computed from them, are wiped.
    ///
    /// # Errors
    /// If the witness breaks a rule, or does not belong to the commitments.
    pub fn prove(&self, context: Fr, known: &KnownCommitments, witness: &Witness) -> Result<ProofBytes, ProveError> {
        refuse_unfit(self.capacity(), witness)?;
        let mut fresh = Fresh::new(witness.tail(AdviceColumn::BlindedHold), context, &mut OsRng);
        let proof = self.prover.create(&self.verifying_key, context, known, witness, &mut fresh)?;
        if fresh.drawn() != DRAWN {
            return Err(ProveError::NotBlinded);
        }
        match self.verifying_key.verify(context, known, &proof.0) {
            Ok(()) => Ok(proof),
            Err(error) => Err(self.other_commitment(known, witness).unwrap_or(ProveError::Invalid(error))),
        }
    }

    /// The first column whose commitment is not the one that verifiers know. Proofs are made without computing these
    /// commitments: a proof for others does not verify.
    fn other_commitment(&self, known: &KnownCommitments, witness: &Witness) -> Option<ProveError> {
        let mut hold = SecretScalars::zeros(self.capacity().rows());
        let parts = witness[AdviceColumn::BlindedHold].iter().zip(&witness[AdviceColumn::Blind]);
        hold.iter_mut().zip(parts).for_each(|(hold, (blinded, blind))| *hold = blinded - blind);
        let usable = self.capacity().usable();
        let [idx, flag, coef] =
            [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef].map(|column| &witness[column][..usable]);
        let found = self.prover.table.sums(&[idx, flag, coef, &hold]);
        let found = found.iter().map(|point| point.to_affine());
        let mut columns = found.zip(known.in_order()).zip(KnownCommitments::NAMES);
        let other = columns.find(|((found, known), _): &((G1Affine, G1Affine), _)| found != known);
        other.map(|(_, column)| ProveError::OtherCommitment { column })
    }
}

/// Refuses a witness of another capacity class, and one that breaks a rule.
pub(crate) fn refuse_unfit(capacity: Capacity, witness: &Witness) -> Result<(), ProveError> {
    let (expected, found) = (capacity.k(), witness.capacity().k());
    if expected != found {
        return Err(ProveError::Capacity { expected, found });
    }
    Ok(check(witness)?)
}
