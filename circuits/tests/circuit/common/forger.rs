//! Provers that check nothing.

use group::Curve as _;
use halo2_proofs::{
    plonk::{Circuit, Error, ProvingKey, VerifyingKey, create_proof_from_advice, keygen_pk2},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::ProverSHPLONK,
    },
};
use halo2curves::bn256::{Bn256, Fr, G1, G1Affine};
use rand_chacha::rand_core::{OsRng, RngCore};
use surety_circuits::{
    AdviceColumn, Witness, circuit::LinearProgramCircuit, halo2::halo2_bases, transcript::KeyedTranscript,
};
use surety_kzg::{Params, point};
use surety_verifier::{KnownCommitments, VerifyingKeyDigest};

use super::{DERIVED, oracles::halo2_accepts};

/// Halo2's prover of a circuit, which looks at nothing.
pub(crate) struct BlindProver {
    pub(crate) bases: ParamsKZG<Bn256>,
    pub(crate) key: ProvingKey<G1Affine>,
}

impl BlindProver {
    /// Of any circuit, such as a weakened one.
    pub(crate) fn new(params: &Params, circuit: &impl Circuit<Fr>) -> Self {
        let bases = halo2_bases(params);
        let key = keygen_pk2(&bases, circuit, false).unwrap();
        Self { bases, key }
    }

    /// Whatever Halo2 makes of a witness, with the commitments that verifiers know as they came out. It makes nothing
    /// of a witness whose lookups fail.
    ///
    /// The blinding rows of all columns are random here, which verifiers cannot tell from masks.
    pub(crate) fn prove(
        &self,
        digest: VerifyingKeyDigest,
        context: Fr,
        witness: &Witness,
    ) -> Result<(KnownCommitments, Vec<u8>), Error> {
        self.prove_with(OsRng, digest, context, witness)
    }

    /// The same with another source of randomness.
    pub(crate) fn prove_with(
        &self,
        rng: impl RngCore,
        digest: VerifyingKeyDigest,
        context: Fr,
        witness: &Witness,
    ) -> Result<(KnownCommitments, Vec<u8>), Error> {
        let advice = AdviceColumn::ALL.map(|column| witness[column].to_vec()).to_vec();
        let mut transcript = KeyedTranscript::new(digest, Vec::new());
        create_proof_from_advice::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _>(
            &self.bases,
            &self.key,
            &[&[context]],
            advice,
            rng,
            &mut transcript,
        )?;
        let mut bytes = transcript.into_proof();
        let proof = bytes.split_off(64 * DERIVED);
        let [idx, flag, coef, blind] = core::array::from_fn(|index| point_at(&bytes, 64 * index));
        let hold = (G1::from(point_at(&proof, 0)) - blind).to_affine();
        Ok((KnownCommitments { idx, flag, coef, hold }, proof))
    }

    /// Whether Halo2, for the same circuit, takes this for a proof.
    pub(crate) fn accepts(
        &self,
        digest: VerifyingKeyDigest,
        context: Fr,
        known: &KnownCommitments,
        proof: &[u8],
    ) -> bool {
        halo2_accepts(&self.bases, self.halo2_key(), digest, context, known, proof)
    }

    pub(crate) fn halo2_key(&self) -> &VerifyingKey<G1Affine> {
        self.key.get_vk()
    }
}

/// The point at so many bytes.
pub(crate) fn point_at(bytes: &[u8], offset: usize) -> G1Affine {
    point::g1_from_bytes(bytes[offset..][..64].try_into().unwrap()).unwrap()
}

/// Whatever Halo2 makes of a witness with the circuit as it is.
pub(crate) fn forge(
    params: &Params,
    digest: VerifyingKeyDigest,
    context: Fr,
    witness: &Witness,
) -> (KnownCommitments, Vec<u8>) {
    BlindProver::new(params, &LinearProgramCircuit::new(params.capacity())).prove(digest, context, witness).unwrap()
}
