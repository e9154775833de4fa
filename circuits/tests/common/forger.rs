//! A prover that checks nothing.

use halo2_proofs::{
    plonk::{create_proof_from_advice, keygen_pk2},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
};
use halo2curves::bn256::{Bn256, Fr};
use rand_chacha::rand_core::OsRng;
use surety_circuits::{
    AdviceColumn, Witness, circuit::LinearProgramCircuit, key::halo2_bases, transcript::KeyedTranscript,
};
use surety_kzg::{Params, point};
use surety_verifier::{KnownCommitments, VerifyingKeyDigest};

/// Whatever Halo2 makes of a witness, with the commitments to the known columns as they came out.
///
/// The blinding rows of the known columns are random here, which verifiers cannot tell from masks.
pub(crate) fn forge(
    params: &Params,
    digest: VerifyingKeyDigest,
    context: Fr,
    witness: &Witness,
) -> (KnownCommitments, Vec<u8>) {
    let bases = halo2_bases(params);
    let key = keygen_pk2(&bases, &LinearProgramCircuit::new(params.capacity()), false).unwrap();
    let advice = AdviceColumn::ALL.map(|column| witness[column].to_vec()).to_vec();
    let mut transcript = KeyedTranscript::new(digest, Vec::new());
    create_proof_from_advice::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _>(
        &bases,
        &key,
        &[&[context]],
        advice,
        OsRng,
        &mut transcript,
    )
    .unwrap();
    let mut bytes = transcript.into_proof();
    let proof = bytes.split_off(64 * KnownCommitments::COUNT);
    let point = |index: usize| point::g1_from_bytes(bytes[64 * index..][..64].try_into().unwrap()).unwrap();
    (KnownCommitments { idx: point(0), flag: point(1), coef: point(2), hold: point(3) }, proof)
}
