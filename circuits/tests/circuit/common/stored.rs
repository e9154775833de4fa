//! Proofs as files, with all that it takes to verify them but the key.

use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use surety_core::{
    capacity::Capacity,
    ident::{Bytes32, HexBytes},
};
use surety_kzg::{SrsId, point, scalar};
use surety_verifier::{KnownCommitments, VerifyingKey, proof::encoding::ProofBytes};

use super::Proven;

/// A proof with its inputs.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredProof {
    pub(crate) capacity: Capacity,
    pub(crate) context: Bytes32,
    pub(crate) known: [HexBytes<64>; KnownCommitments::COUNT],
    pub(crate) proof: ProofBytes,
}

impl StoredProof {
    pub(crate) fn of(proven: &Proven) -> Self {
        Self {
            capacity: proven.key.capacity(),
            context: HexBytes(scalar::to_bytes(&proven.context)),
            known: proven.known.in_order().map(|point| HexBytes(point::g1_to_bytes(&point))),
            proof: HexBytes(proven.proof.clone().try_into().unwrap()),
        }
    }

    pub(crate) fn known(&self) -> KnownCommitments {
        let [idx, flag, coef, hold] = self.known.each_ref().map(|bytes| point::g1_from_bytes(&bytes.0).unwrap());
        KnownCommitments { idx, flag, coef, hold }
    }

    pub(crate) fn context(&self) -> Fr {
        scalar::from_bytes(&self.context.0).unwrap()
    }

    /// Whether the pinned key of a set-up accepts it.
    pub(crate) fn verifies(&self, srs: SrsId) -> bool {
        let key = VerifyingKey::pinned(self.capacity, srs).unwrap();
        key.verify(self.context(), &self.known(), &self.proof.0).is_ok()
    }
}
