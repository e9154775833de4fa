//! Halo2's view of the [transcript](surety_verifier::transcript) while it proves.

use std::io;

use halo2_proofs::transcript::{EncodedChallenge, Transcript as Halo2Transcript, TranscriptWrite};
use halo2curves::bn256::{Fr, G1Affine};
use surety_kzg::{point, scalar};
use surety_verifier::{VerifyingKeyDigest, transcript::Transcript};

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

/// The transcript in the place of Halo2's, absorbing [`VerifyingKeyDigest`] in the place of Halo2's own digest of its
/// key, which depends on how its structures print.
pub struct KeyedTranscript {
    inner: Transcript,
    /// Until the first number, which is Halo2's digest, is absorbed.
    digest: Option<VerifyingKeyDigest>,
}

impl KeyedTranscript {
    /// A transcript of a proof for this key.
    #[must_use]
    pub fn new(digest: VerifyingKeyDigest) -> Self {
        Self { inner: Transcript::default(), digest: Some(digest) }
    }
}

impl Halo2Transcript<G1Affine, Challenge> for KeyedTranscript {
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

/// Writes what the prover says and absorbs it.
pub struct ProofWriter {
    transcript: KeyedTranscript,
    bytes: Vec<u8>,
}

impl ProofWriter {
    /// An empty proof for this key.
    #[must_use]
    pub fn new(digest: VerifyingKeyDigest) -> Self {
        Self { transcript: KeyedTranscript::new(digest), bytes: Vec::new() }
    }

    /// The proof.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Halo2Transcript<G1Affine, Challenge> for ProofWriter {
    fn squeeze_challenge(&mut self) -> Challenge {
        self.transcript.squeeze_challenge()
    }

    fn common_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.transcript.common_point(point)
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.transcript.common_scalar(scalar)
    }
}

impl TranscriptWrite<G1Affine, Challenge> for ProofWriter {
    fn write_point(&mut self, point: G1Affine) -> io::Result<()> {
        self.bytes.extend(point::g1_to_bytes(&point));
        self.transcript.common_point(point)
    }

    fn write_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.bytes.extend(scalar::to_bytes(&scalar));
        self.transcript.common_scalar(scalar)
    }
}
