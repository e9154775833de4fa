//! Halo2's prover, which other provers are held against: `surety prove --prover halo2` and tests use it.

use halo2_proofs::{
    plonk::{self, create_proof_from_advice, keygen_pk2},
    poly::{
        commitment::Params as _,
        kzg::{
            commitment::{KZGCommitmentScheme, ParamsKZG},
            multiopen::ProverSHPLONK,
        },
    },
};
use halo2curves::bn256::{Bn256, Fr, G1Affine};
use rand_core::{CryptoRng, OsRng, RngCore};
use surety_core::{
    capacity::{Capacity, TAIL_ROWS},
    ident::HexBytes,
};
use surety_kzg::{
    Params,
    point::{self, G1_BYTES},
};
use surety_verifier::{
    KnownCommitments, ProofError, VerifyingKey,
    proof::encoding::{PROOF_BYTES, ProofBytes},
};

use crate::{
    circuit::LinearProgramCircuit,
    columns::AdviceColumn,
    key::{ProvingKeyError, agree, described},
    prove::{ProveError, refuse_unfit},
    replay::{Blinding, REPLAYED_COLUMNS},
    rules::DEGREE,
    transcript::KeyedTranscript,
    witness::Witness,
};

/// What it takes to prove with Halo2 in one capacity class over one set-up.
#[derive(Debug)]
pub struct Halo2Key {
    halo2: plonk::ProvingKey<G1Affine>,
    bases: ParamsKZG<Bn256>,
    verifying_key: VerifyingKey,
}

impl Halo2Key {
    /// Generates the key of the capacity class that the bases are for.
    ///
    /// # Errors
    /// If the key differs in anything from what verifiers expect.
    pub fn generate(params: &Params) -> Result<Self, ProvingKeyError> {
        refuse_unreadable_degree()?;
        let capacity = params.capacity();
        let protocol = described(capacity)?;
        let bases = halo2_bases(params);
        agree(bases.n() == capacity.rows() as u64, "number of bases")?;
        let halo2 = keygen_pk2(&bases, &LinearProgramCircuit::new(capacity), false)?;
        check_shape(&halo2)?;
        let fixed_commitments = halo2.get_vk().fixed_commitments().clone();
        let verifying_key = VerifyingKey::new(protocol, fixed_commitments, *params.verifier_key())?;
        Ok(Self { halo2, bases, verifying_key })
    }

    /// The key that proofs verify under.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// The capacity class.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.verifying_key.protocol().capacity
    }

    /// Proves what [`crate::ProvingKey::prove`] proves. Halo2 works on copies of the witness that it does not wipe.
    ///
    /// # Errors
    /// If the witness breaks a rule, or does not belong to the commitments.
    pub fn prove(&self, context: Fr, known: &KnownCommitments, witness: &Witness) -> Result<ProofBytes, ProveError> {
        refuse_unfit(self.capacity().into(), witness)?;
        let bytes = self.create(context, witness, &mut OsRng)?;
        let proof = split_derived(&bytes, known)?;
        self.verifying_key.verify(context, known, &proof.0)?;
        Ok(proof)
    }

    /// A proof as Halo2 writes it, which begins with the commitments to all advice columns.
    pub(crate) fn create(
        &self,
        context: Fr,
        witness: &Witness,
        entropy: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<u8>, ProveError> {
        let advice = AdviceColumn::ALL.map(|column| witness[column].to_vec()).to_vec();
        let mut blinding = Blinding::new(witness.tail(AdviceColumn::BlindedHold), context, entropy);
        let mut transcript = KeyedTranscript::new(self.verifying_key.digest(), Vec::new());
        create_proof_from_advice::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _>(
            &self.bases,
            &self.halo2,
            &[&[context]],
            advice,
            &mut blinding,
            &mut transcript,
        )?;
        if blinding.blinded(DRAWN) { Ok(transcript.into_proof()) } else { Err(ProveError::NotBlinded) }
    }
}

/// Halo2-axiom parses `MAX_DEGREE` whenever it computes a degree. Its value changes nothing here, see [`DEGREE`].
fn refuse_unreadable_degree() -> Result<(), ProvingKeyError> {
    match std::env::var("MAX_DEGREE") {
        Ok(text) if text.parse::<usize>().is_err() => Err(ProvingKeyError::MaxDegree(text)),
        _ => Ok(()),
    }
}

/// Asserts what the layout and the verifiers take for granted.
fn check_shape(key: &plonk::ProvingKey<G1Affine>) -> Result<(), ProvingKeyError> {
    let (system, domain) = (key.get_vk().cs(), key.get_vk().get_domain());
    agree(system.blinding_factors() + 1 == TAIL_ROWS, "number of blinding rows")?;
    agree(domain.get_quotient_poly_degree() == DEGREE - 1, "number of quotient pieces")
}

/// The bases as Halo2 wants them. Its constructor is a method, hence the smallest set-up that it can be called on.
#[must_use]
pub fn halo2_bases(params: &Params) -> ParamsKZG<Bn256> {
    let key = params.verifier_key();
    ParamsKZG::setup(1, OsRng).from_parts(
        params.capacity().k(),
        params.powers().to_vec(),
        Some(params.lagrange().to_vec()),
        key.g2(),
        key.tau_g2(),
    )
}

/// The number of columns whose blinding rows are Halo2's to fill.
const HIDDEN_COLUMNS: usize = AdviceColumn::COUNT - REPLAYED_COLUMNS;

/// The lookups: memory and range.
const LOOKUPS: usize = 2;

/// The scalars in blinding rows that are new in each proof: those of the hidden columns, of each lookup's permuted
/// input and table, and of its running product, which ends in the first of them.
const BLINDING: usize = (HIDDEN_COLUMNS + 2 * LOOKUPS) * TAIL_ROWS + LOOKUPS * (TAIL_ROWS - 1);

/// How many scalars Halo2 draws for a proof after the replayed blinding rows: the blinding rows of all other columns,
/// and one for each commitment, which KZG does not use: of the columns, the lookups, the random polynomial and the
/// quotient's pieces.
const DRAWN: usize = BLINDING + AdviceColumn::COUNT + 3 * LOOKUPS + 1 + (DEGREE - 1);

/// Columns whose commitments no proof contains: the program's and `BLIND`.
const DERIVED_COLUMNS: usize = KnownCommitments::PROGRAM + 1;

/// Splits off the commitments that verifiers compute, if they are those of `known`.
fn split_derived(bytes: &[u8], known: &KnownCommitments) -> Result<ProofBytes, ProveError> {
    let length = DERIVED_COLUMNS * G1_BYTES;
    let error = ProofError::Length { expected: length + PROOF_BYTES, found: bytes.len() };
    let (derived, proof) = bytes.split_at_checked(length).ok_or_else(|| error.clone())?;
    let proof: [u8; PROOF_BYTES] = proof.try_into().map_err(|_| error.clone())?;
    let blinded_hold = proof.first_chunk::<G1_BYTES>().ok_or(error)?;
    let blinded_hold = point::g1_from_bytes(blinded_hold)
        .map_err(|error| ProofError::Point { element: AdviceColumn::BlindedHold.name().to_owned(), error })?;
    // A wrong commitment to BLIND is one to holdings that are not those of the statements.
    let expected = known.program().into_iter().map(Some).chain([known.blind(&blinded_hold)]);
    for ((found, expected), column) in
        derived.as_chunks::<G1_BYTES>().0.iter().zip(expected).zip(KnownCommitments::NAMES)
    {
        if Some(*found) != expected.map(|point| point::g1_to_bytes(&point)) {
            return Err(ProveError::OtherCommitment { column });
        }
    }
    Ok(HexBytes(proof))
}

#[cfg(test)]
mod tests {
    use halo2_proofs::{
        circuit::{Layouter, SimpleFloorPlanner},
        plonk::{Circuit, ConstraintSystem},
        poly::Rotation,
    };

    use super::*;
    use crate::{circuit::Columns, small};

    /// A key, and a witness with its commitments.
    fn statement() -> (Halo2Key, KnownCommitments, Witness) {
        let (params, known, witness) = small::statement();
        (Halo2Key::generate(&params).unwrap(), known, witness)
    }

    /// A circuit of the same columns without lookups, whose proofs take fewer random numbers.
    struct WithoutLookups;

    impl Circuit<Fr> for WithoutLookups {
        type Config = Columns;
        type FloorPlanner = SimpleFloorPlanner;
        type Params = ();

        fn without_witnesses(&self) -> Self {
            Self
        }

        fn configure(meta: &mut ConstraintSystem<Fr>) -> Columns {
            meta.set_minimum_degree(DEGREE);
            let columns = Columns::allocate(meta);
            meta.create_gate("nothing", |meta| {
                let row = meta.query_fixed(columns.row, Rotation::cur());
                [row * meta.query_advice(columns.advice(AdviceColumn::Acc), Rotation::cur())]
            });
            columns
        }

        fn synthesize(&self, _: Columns, _: impl Layouter<Fr>) -> Result<(), plonk::Error> {
            Ok(())
        }
    }

    /// Attack: a Halo2 that leaves cells of hidden columns as they are. Every verifier would take its proofs.
    #[test]
    fn rejects_proofs_for_which_halo2_drew_another_number_of_random_numbers() {
        let (mut key, known, witness) = statement();
        assert!(key.prove(Fr::from(1), &known, &witness).is_ok());
        assert_eq!((BLINDING, DRAWN), (52, 71), "as the accounting of zero knowledge counts");
        key.halo2 = keygen_pk2(&key.bases, &WithoutLookups, false).unwrap();
        let error = key.prove(Fr::from(1), &known, &witness).unwrap_err();
        assert!(matches!(error, ProveError::NotBlinded), "{error}");
    }

    /// Attack: a prover whose key is not the verifiers' hands out what nobody accepts.
    #[test]
    fn rejects_proofs_of_halo2_if_they_do_not_verify() {
        let (mut key, known, witness) = statement();
        let real = key.verifying_key();
        let mut fixed = real.fixed_commitments().to_vec();
        fixed.reverse();
        let other = VerifyingKey::new(real.protocol().clone(), fixed, *real.srs()).unwrap();
        key = Halo2Key { verifying_key: other, ..key };
        let error = key.prove(Fr::from(1), &known, &witness).unwrap_err();
        assert!(matches!(error, ProveError::Invalid(ProofError::Pairing(_))), "{error}");
    }
}
