//! Proving.

use group::Curve as _;
use halo2curves::bn256::{Fr, G1Affine};
use rand_core::OsRng;
use surety_core::capacity::Groups;
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
    /// The witness is laid out for rows that are divided otherwise.
    #[error("expected a witness for {expected} short limb groups, found one for {found}")]
    Groups {
        /// The key's short groups.
        expected: usize,
        /// The witness's short groups.
        found: usize,
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
    #[cfg(feature = "halo2")]
    #[error("Halo2 made no proof: {0}")]
    Halo2(#[from] halo2_proofs::plonk::Error),
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
        refuse_unfit(self.groups(), witness)?;
        let fresh = Fresh::new(witness.tail(AdviceColumn::BlindedHold), context, &mut OsRng);
        self.prove_with(context, known, witness, fresh)
    }

    /// Makes a proof with these random numbers, and hands the proof out if all of them went into it and it verifies.
    fn prove_with(
        &self,
        context: Fr,
        known: &KnownCommitments,
        witness: &Witness,
        mut fresh: Fresh,
    ) -> Result<ProofBytes, ProveError> {
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
        let found = self.prover.commit(&[idx, flag, coef, &hold]);
        let found = found.iter().map(|point| point.to_affine());
        let mut columns = found.zip(known.in_order()).zip(KnownCommitments::NAMES);
        let other = columns.find(|((found, known), _): &((G1Affine, G1Affine), _)| found != known);
        other.map(|(_, column)| ProveError::OtherCommitment { column })
    }
}

/// Refuses a witness that is laid out otherwise, and one that breaks a rule.
pub(crate) fn refuse_unfit(groups: Groups, witness: &Witness) -> Result<(), ProveError> {
    let (expected, found) = (groups.capacity().k(), witness.capacity().k());
    if expected != found {
        return Err(ProveError::Capacity { expected, found });
    }
    let (expected, found) = (groups.short(), witness.groups().short());
    if expected != found {
        return Err(ProveError::Groups { expected, found });
    }
    Ok(check(witness)?)
}

#[cfg(test)]
mod tests {
    use ff::Field as _;
    use surety_verifier::VerifyingKey;

    use super::*;
    use crate::small::statement;

    /// Attack: a prover that draws one number less than it should, or one more that goes nowhere.
    #[test]
    fn rejects_proofs_for_which_another_number_of_random_numbers_was_drawn() {
        let (params, known, witness) = statement();
        let key = ProvingKey::generate(&params).unwrap();
        let prove = |before: usize| {
            let mut fresh = Fresh::new(witness.tail(AdviceColumn::BlindedHold), Fr::ONE, &mut OsRng);
            fresh.fill(&mut vec![Fr::ZERO; before]);
            key.prove_with(Fr::ONE, &known, &witness, fresh)
        };
        assert!(prove(0).is_ok());
        let error = prove(1).unwrap_err();
        assert!(matches!(error, ProveError::NotBlinded), "{error}");
    }

    /// Attack: a prover whose key is not the verifiers' hands out what nobody accepts.
    #[test]
    fn rejects_its_own_proofs_if_they_do_not_verify() {
        let (params, known, witness) = statement();
        let mut key = ProvingKey::generate(&params).unwrap();
        let real = &key.verifying_key;
        let mut fixed = real.fixed_commitments().to_vec();
        fixed.reverse();
        key.verifying_key = VerifyingKey::new(real.protocol().clone(), fixed, *real.srs()).unwrap();
        let error = key.prove(Fr::ONE, &known, &witness).unwrap_err();
        assert!(matches!(error, ProveError::Invalid(ProofError::Pairing(_))), "{error}");
    }

    /// Attack: a cache with the table of another set-up, or with one wrong point.
    #[test]
    fn rejects_a_table_that_is_not_that_of_the_bases() {
        let (params, known, witness) = statement();
        let table = surety_kzg::Table::new(params.lagrange(), &surety_kzg::progress::Silent);
        let with = |change: &dyn Fn(&mut Vec<G1Affine>)| {
            let mut points = table.points().to_vec();
            change(&mut points);
            let table = surety_kzg::Table::from_points(512, points.into_iter().collect()).unwrap();
            ProvingKey::with_table(&params, table, surety_kzg::Lanes::widest())
        };
        assert!(with(&|_| ()).is_ok());
        // Bases.
        let changes: [fn(&mut Vec<G1Affine>); 2] = [|points| points.swap(3, 4), |points| points[1] = points[2]];
        for change in changes {
            assert!(matches!(with(&change), Err(crate::ProvingKeyError::Disagreement("table"))));
        }
        // A multiple that fixed columns do not use.
        let key = with(&|points| points.swap(9_000, 9_001)).unwrap();
        let error = key.prove(Fr::ONE, &known, &witness).unwrap_err();
        assert!(matches!(error, ProveError::OtherCommitment { .. } | ProveError::Invalid(_)), "{error}");
    }
}
