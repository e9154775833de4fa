//! Attacks by a source that chooses its commitment after the challenge x, and what stops them: the transcript.
//!
//! The verifier knows `D = C' - C`, the commitment to `BLIND`, from the prover's `C'` and the sources' `C`. `BLIND` is
//! opened at ωx and `BLINDED_HOLD` at x alone. Whoever may change one of the two columns by a multiple of `X - ωx` or
//! `X - x` after the challenge changes no value that is shown, but the holdings that the sources seem to have stated.

use halo2_proofs::{
    plonk::{keygen_vk, verify_proof},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::VerifierSHPLONK, strategy::SingleStrategy},
    transcript::{Transcript as Halo2Transcript, TranscriptRead},
};
use halo2curves::bn256::Bn256;
use rand_core::OsRng;
use surety_kzg::Params;

use super::*;
use crate::{
    circuit::LinearProgramCircuit,
    halo2::halo2_bases,
    key::ProvingKey,
    small::statement,
    transcript::{Challenge, KeyedTranscript},
};

const CONTEXT: Fr = Fr::ONE;

/// What a mutant of the transcript leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftOut {
    /// The commitment to `BLIND`.
    Difference,
    /// The commitment to `BLINDED_HOLD`.
    BlindedHold,
}

impl LeftOut {
    /// Where it is among the commitments to the advice columns.
    fn place(self) -> usize {
        match self {
            Self::Difference => AdviceColumn::Blind as usize,
            Self::BlindedHold => AdviceColumn::BlindedHold as usize,
        }
    }
}

/// Halo2's transcript, which absorbs a constant in the place of one point: whatever that point is, challenges are the
/// same.
struct Mutant<'a> {
    inner: KeyedTranscript<&'a [u8]>,
    points: usize,
    place: usize,
    constant: G1Affine,
}

impl Halo2Transcript<G1Affine, Challenge> for Mutant<'_> {
    fn squeeze_challenge(&mut self) -> Challenge {
        self.inner.squeeze_challenge()
    }

    fn common_point(&mut self, point: G1Affine) -> std::io::Result<()> {
        self.inner.common_point(point)
    }

    fn common_scalar(&mut self, scalar: Fr) -> std::io::Result<()> {
        self.inner.common_scalar(scalar)
    }
}

impl TranscriptRead<G1Affine, Challenge> for Mutant<'_> {
    fn read_point(&mut self) -> std::io::Result<G1Affine> {
        self.points += 1;
        if self.points - 1 != self.place {
            return self.inner.read_point();
        }
        let point = self.inner.next_point()?;
        self.inner.common_point(self.constant)?;
        Ok(point)
    }

    fn read_scalar(&mut self) -> std::io::Result<Fr> {
        self.inner.read_scalar()
    }
}

/// A proof about holdings that no source has stated, and the commitment that a colluding source makes after x.
struct Forgery {
    left_out: LeftOut,
    /// What the mutant absorbs in the place of the point.
    constant: G1Affine,
    known: KnownCommitments,
    proof: Vec<u8>,
}

impl Forgery {
    fn new(key: &ProvingKey, params: &Params, known: &KnownCommitments, witness: &Witness, left_out: LeftOut) -> Self {
        let prover = &key.prover;
        let mut fresh = Fresh::new(witness.tail(AdviceColumn::BlindedHold), CONTEXT, &mut OsRng);
        let mut transcript = Transcript::default();
        transcript.absorb_scalar(&key.verifying_key.digest().scalar());
        transcript.absorb_scalar(&CONTEXT);
        known.program().iter().for_each(|commitment| transcript.absorb_point(commitment));
        let mut writer = Writer { transcript, bytes: Vec::new() };
        let (mut columns, challenges) = prover.columns(known, witness, &mut fresh, &mut writer).unwrap();
        let honest = [&columns.blind, &columns.blinded_hold].map(|column| params.commit_column(column).to_affine());
        let pieces = prover.cosets.quotient(&prover.domain, columns.in_order(), &challenges);
        writer.points(&prover.commit(&pieces.each_ref().map(|piece| &**piece)));

        // Now x is known.
        let x = writer.transcript.clone().squeeze();
        let (column, root, constant) = match left_out {
            LeftOut::Difference => (&mut columns.blind, x * prover.domain.nodes()[1], honest[0]),
            LeftOut::BlindedHold => (&mut columns.blinded_hold, x, honest[1]),
        };
        let moved = Fr::from(1_000_000);
        column
            .cells_mut()
            .iter_mut()
            .zip(prover.domain.nodes())
            .for_each(|(cell, node)| *cell += moved * (node - root));
        let changed = [&columns.blind, &columns.blinded_hold].map(|column| params.commit_column(column).to_affine());
        prover.open(key.verifying_key.protocol(), &columns, &pieces, &mut writer);
        let mut proof = writer.bytes;
        proof[..64].copy_from_slice(&point::g1_to_bytes(&changed[1]));
        let hold = (G1::from(changed[1]) - changed[0]).to_affine();
        assert_ne!(hold, known.hold);
        Self { left_out, constant, known: KnownCommitments { hold, ..*known }, proof }
    }

    /// Whether Halo2's verifier accepts, with the mutant transcript or with its own.
    fn is_accepted(&self, params: &Params, key: &ProvingKey, mutant: bool) -> bool {
        let bases = halo2_bases(params);
        let halo2 = keygen_vk(&bases, &LinearProgramCircuit::new(params.capacity())).unwrap();
        let blinded = point::g1_from_bytes(self.proof.first_chunk().unwrap()).unwrap();
        let derived = self.known.program().into_iter().chain(self.known.blind(&blinded));
        let bytes: Vec<u8> =
            derived.flat_map(|point| point::g1_to_bytes(&point)).chain(self.proof.iter().copied()).collect();
        let place = if mutant { self.left_out.place() } else { usize::MAX };
        let inner = KeyedTranscript::new(key.verifying_key.digest(), bytes.as_slice());
        let mut transcript = Mutant { inner, points: 0, place, constant: self.constant };
        verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
            &bases,
            &halo2,
            SingleStrategy::new(&bases),
            &[&[&[CONTEXT]]],
            &mut transcript,
        )
        .is_ok()
    }
}

/// Attack: a proof about rich holdings, and a source that signs, once x is known, a commitment to others that fits.
/// Only a transcript without the commitment to `BLIND`, or without that to `BLINDED_HOLD`, lets it through.
#[test]
fn rejects_a_commitment_that_was_chosen_after_the_challenge() {
    let (params, known, witness) = statement();
    let key = ProvingKey::generate(&params).unwrap();
    for left_out in [LeftOut::Difference, LeftOut::BlindedHold] {
        let forgery = Forgery::new(&key, &params, &known, &witness, left_out);
        assert!(forgery.is_accepted(&params, &key, true), "the attack does what it says: {left_out:?}");
        assert!(!forgery.is_accepted(&params, &key, false), "{left_out:?}");
        assert!(key.verifying_key.verify(CONTEXT, &forgery.known, &forgery.proof).is_err(), "{left_out:?}");
        assert!(key.verifying_key.verify(CONTEXT, &known, &forgery.proof).is_err(), "{left_out:?}");
    }
}
