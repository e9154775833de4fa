//! Halo2's view of the [transcript](surety_verifier::proof::transcript).

use std::io::{self, Read as _};

use halo2_proofs::transcript::{EncodedChallenge, Transcript as Halo2Transcript, TranscriptRead, TranscriptWrite};
use halo2curves::bn256::{Fr, G1Affine};
use surety_kzg::{point, scalar};
use surety_verifier::{VerifyingKeyDigest, proof::transcript::Transcript};

/// A challenge, which is a scalar from the start.
pub struct Challenge(Fr);

impl EncodedChallenge<G1Affine> for Challenge {
    type Input = Fr;

    fn new(challenge: &Fr) -> Self {
        Self(*challenge)
    }

    fn get_scalar(&self) -> Fr {
        self.0
    }
}

/// The transcript in the place of Halo2's, over a proof that is written or read.
///
/// Absorbs [`VerifyingKeyDigest`] in the place of Halo2's own digest of its key, which depends on how structures print.
pub struct KeyedTranscript<Proof> {
    inner: Transcript,
    /// Until the first number, which is Halo2's digest, is absorbed.
    digest: Option<VerifyingKeyDigest>,
    proof: Proof,
}

impl<Proof> KeyedTranscript<Proof> {
    /// A transcript of a proof for this key: empty to prove, the proof to verify with Halo2.
    #[must_use]
    pub fn new(digest: VerifyingKeyDigest, proof: Proof) -> Self {
        Self { inner: Transcript::default(), digest: Some(digest), proof }
    }

    /// What was written, or is left to read.
    #[must_use]
    pub fn into_proof(self) -> Proof {
        self.proof
    }
}

impl<Proof> Halo2Transcript<G1Affine, Challenge> for KeyedTranscript<Proof> {
    fn squeeze_challenge(&mut self) -> Challenge {
        Challenge(self.inner.squeeze())
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.inner.absorb_point(&point);
        Ok(())
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.inner.absorb_scalar(&self.digest.take().map_or(scalar, VerifyingKeyDigest::scalar));
        Ok(())
    }
}

impl TranscriptWrite<G1Affine, Challenge> for KeyedTranscript<Vec<u8>> {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.proof.extend(point::g1_to_bytes(&point));
        self.common_point(point)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.proof.extend(scalar::to_bytes(&scalar));
        self.common_scalar(scalar)
    }
}

impl KeyedTranscript<&[u8]> {
    /// The next point of the proof, not absorbed yet.
    pub(crate) fn next_point(&mut self) -> io::Result<G1Affine> {
        let mut bytes = [0; point::G1_BYTES];
        self.proof.read_exact(&mut bytes)?;
        point::g1_from_bytes(&bytes).map_err(io::Error::other)
    }
}

impl TranscriptRead<G1Affine, Challenge> for KeyedTranscript<&[u8]> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let point = self.next_point()?;
        self.common_point(point)?;
        Ok(point)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        let mut bytes = [0; scalar::SCALAR_BYTES];
        self.proof.read_exact(&mut bytes)?;
        let scalar = scalar::from_bytes(&bytes).map_err(io::Error::other)?;
        self.common_scalar(scalar)?;
        Ok(scalar)
    }
}
