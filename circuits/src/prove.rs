//! Proving.

use halo2_proofs::{
    plonk::{self, create_proof_from_advice},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
};
use halo2curves::bn256::{Bn256, Fr};
use surety_kzg::point::{self, G1_BYTES};
use surety_margin::{capacity::TAIL_ROWS, ident::HexBytes};
use surety_verifier::{
    KnownCommitments, ProofError,
    proof::{PROOF_BYTES, ProofBytes},
};

use crate::{
    blinding::Blinding,
    check::{Violation, check},
    columns::AdviceColumn,
    key::ProvingKey,
    transcript::KeyedTranscript,
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
        "the column {column} does not have the commitment that verifiers know: the program, the prices or the holdings are not those of the statement"
    )]
    OtherCommitment {
        /// The column.
        column: &'static str,
    },
    /// Halo2 failed.
    #[error("Halo2 made no proof: {0}")]
    Halo2(#[from] plonk::Error),
    /// Halo2 did not draw random numbers as it should have; the proof might tell secrets and was thrown away.
    #[error("the proof was not blinded as it should be and was discarded; the program was built wrongly")]
    NotBlinded,
    /// The proof is not valid.
    #[error("the proof does not verify and was discarded: {0}")]
    Invalid(#[from] ProofError),
}

impl ProvingKey {
    /// Proves that the witness satisfies its program, bound to `context`, for verifiers who know these commitments.
    ///
    /// Each proof reveals one evaluation of the column of holdings; see [`surety_kzg::holding`] for how many proofs one
    /// statement bears. Halo2 works on copies of the witness that it does not wipe.
    ///
    /// # Errors
    /// If the witness breaks a rule, or does not belong to the commitments.
    pub fn prove(&self, context: Fr, known: &KnownCommitments, witness: &Witness) -> Result<ProofBytes, ProveError> {
        let (expected, found) = (self.capacity().k(), witness.capacity().k());
        if expected != found {
            return Err(ProveError::Capacity { expected, found });
        }
        check(witness)?;
        let bytes = self.create(context, witness)?;
        let (commitments, proof) = split_known(&bytes)?;
        for (column, (found, expected)) in AdviceColumn::ALL.iter().zip(commitments.iter().zip(known.in_order())) {
            if *found != point::g1_to_bytes(&expected) {
                return Err(ProveError::OtherCommitment { column: column.name() });
            }
        }
        self.verifying_key().verify(context, known, &proof.0)?;
        Ok(proof)
    }

    /// A proof as Halo2 writes it, which begins with the commitments to all advice columns.
    fn create(&self, context: Fr, witness: &Witness) -> Result<Vec<u8>, ProveError> {
        let advice = AdviceColumn::ALL.map(|column| witness[column].to_vec()).to_vec();
        let mut blinding = Blinding::new(KNOWN.map(|column| witness.tail(column)));
        let mut transcript = KeyedTranscript::new(self.verifying_key().digest(), Vec::new());
        create_proof_from_advice::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _>(
            &self.bases,
            &self.halo2,
            &[&[context]],
            advice,
            &mut blinding,
            &mut transcript,
        )?;
        if blinding.blinded(HIDDEN_COLUMNS * TAIL_ROWS) {
            Ok(transcript.into_proof())
        } else {
            Err(ProveError::NotBlinded)
        }
    }
}

/// The columns whose commitments verifiers know. They come first.
const KNOWN: [AdviceColumn; KnownCommitments::COUNT] =
    [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef, AdviceColumn::Hold];

/// The number of the others.
const HIDDEN_COLUMNS: usize = AdviceColumn::COUNT - KnownCommitments::COUNT;

/// Length of the known commitments.
const KNOWN_BYTES: usize = KnownCommitments::COUNT * G1_BYTES;

/// Splits off the commitments that verifiers know.
fn split_known(bytes: &[u8]) -> Result<(&[[u8; G1_BYTES]], ProofBytes), ProofError> {
    let error = ProofError::Length { expected: KNOWN_BYTES + PROOF_BYTES, found: bytes.len() };
    let split = bytes.split_first_chunk::<KNOWN_BYTES>();
    let (known, proof) = split.and_then(|(known, rest)| Some((known, rest.try_into().ok()?))).ok_or(error)?;
    Ok((known.as_chunks().0, HexBytes(proof)))
}
