//! Verifiers by others, which must agree with ours: Halo2's, and snark-verifier's, which shares no code with it.
//!
//! Both expect the known commitments at the beginning of the proof. Neither looks at bytes behind it.

use std::rc::Rc;

use halo2_proofs::{
    plonk::{VerifyingKey, keygen_vk, verify_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::VerifierSHPLONK,
        strategy::SingleStrategy,
    },
};
use halo2curves::bn256::{Bn256, Fq, Fr, G1Affine};
use snark_verifier::{
    loader::{evm::EvmLoader, native::NativeLoader},
    pcs::kzg::{Bdfg21, KzgAs, KzgDecidingKey},
    system::halo2::{Config, compile, transcript::evm::EvmTranscript},
    verifier::{
        SnarkVerifier as _,
        plonk::{PlonkProtocol, PlonkVerifier},
    },
};
use surety_circuits::{circuit::LinearProgramCircuit, halo2::halo2_bases, transcript::KeyedTranscript};
use surety_kzg::{Params, point};
use surety_verifier::{KnownCommitments, VerifyingKeyDigest};

/// Halo2's key and bases.
pub(crate) struct Oracles {
    bases: ParamsKZG<Bn256>,
    key: VerifyingKey<G1Affine>,
    digest: VerifyingKeyDigest,
}

impl Oracles {
    pub(crate) fn new(params: &Params, digest: VerifyingKeyDigest) -> Self {
        let bases = halo2_bases(params);
        let key = keygen_vk(&bases, &LinearProgramCircuit::new(params.capacity())).unwrap();
        Self { bases, key, digest }
    }

    pub(crate) fn halo2_accepts(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> bool {
        halo2_accepts(&self.bases, &self.key, self.digest, context, known, proof)
    }

    pub(crate) fn snark_verifier_accepts(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> bool {
        let (protocol, deciding) = self.snark_verifiers_view();
        let bytes = with_known(known, proof);
        let mut transcript = EvmTranscript::<G1Affine, NativeLoader, _, _>::new(bytes.as_slice());
        let instances = [vec![context]];
        Verifier::read_proof(&deciding, &protocol, &instances, &mut transcript)
            .and_then(|proof| Verifier::verify(&deciding, &protocol, &instances, &proof))
            .is_ok()
    }

    /// The source of the contract that snark-verifier writes, opened to later compilers than the one it names.
    pub(crate) fn snark_verifiers_contract(&self) -> String {
        let (protocol, deciding) = self.snark_verifiers_view();
        let loader = EvmLoader::new::<Fq, Fr>();
        let protocol = protocol.loaded(&loader);
        let mut transcript = EvmTranscript::<G1Affine, Rc<EvmLoader>, _, _>::new(&loader);
        let instances = transcript.load_instances(vec![1]);
        let proof = Verifier::read_proof(&deciding, &protocol, &instances, &mut transcript).unwrap();
        Verifier::verify(&deciding, &protocol, &instances, &proof).unwrap();
        loader.solidity_code().replace("pragma solidity 0.8.19;", "pragma solidity ^0.8.19;")
    }

    fn snark_verifiers_view(&self) -> (PlonkProtocol<G1Affine>, KzgDecidingKey<Bn256>) {
        let mut protocol = compile(&self.bases, &self.key, Config::kzg().with_num_instance(vec![1]));
        protocol.transcript_initial_state = Some(self.digest.scalar());
        (protocol, KzgDecidingKey::new(G1Affine::generator(), self.bases.g2(), self.bases.s_g2()))
    }
}

/// Whether Halo2 takes this for a proof under its key.
pub(crate) fn halo2_accepts(
    bases: &ParamsKZG<Bn256>,
    key: &VerifyingKey<G1Affine>,
    digest: VerifyingKeyDigest,
    context: Fr,
    known: &KnownCommitments,
    proof: &[u8],
) -> bool {
    let bytes = with_known(known, proof);
    let mut transcript = KeyedTranscript::new(digest, bytes.as_slice());
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        bases,
        key,
        SingleStrategy::new(bases),
        &[&[&[context]]],
        &mut transcript,
    )
    .is_ok()
}

/// snark-verifier's.
type Verifier = PlonkVerifier<KzgAs<Bn256, Bdfg21>>;

/// The proof as Halo2 writes it, with the commitments that verifiers compute in front. Where there is none to `BLIND`
/// there are zeros, which no verifier takes for a point.
pub(crate) fn with_known(known: &KnownCommitments, proof: &[u8]) -> Vec<u8> {
    let blinded_hold = proof.first_chunk().and_then(|bytes| point::g1_from_bytes(bytes).ok());
    let blind = blinded_hold.and_then(|point| known.blind(&point));
    let mut bytes: Vec<u8> = known.program().iter().flat_map(point::g1_to_bytes).collect();
    bytes.extend(blind.map_or([0; 64], |point| point::g1_to_bytes(&point)));
    bytes.extend(proof);
    bytes
}
