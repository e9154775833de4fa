//! Four verifiers of one key, who must be of one mind: the native one, Halo2's, snark-verifier's and the contract.

use halo2curves::bn256::Fr;
use surety_circuits::ProvingKey;
use surety_core::capacity::Capacity;
use surety_kzg::Params;
use surety_verifier::{KnownCommitments, VerifyingKeyDigest};

use super::{
    contract::{Contract, Verdict},
    development,
    oracles::Oracles,
};

/// The verifiers, over the development set-up, and what it takes to prove to them.
pub(crate) struct Panel {
    pub(crate) params: Params,
    pub(crate) key: ProvingKey,
    oracles: Oracles,
    contract: Contract,
}

impl Panel {
    pub(crate) fn new(capacity: Capacity) -> Self {
        let params = development(capacity);
        let key = ProvingKey::generate(&params).unwrap();
        let oracles = Oracles::new(&params, key.verifying_key().digest());
        Self { oracles, contract: Contract::deployed(capacity), params, key }
    }

    pub(crate) fn digest(&self) -> VerifyingKeyDigest {
        self.key.verifying_key().digest()
    }

    /// What all of them say. The contract says why, too.
    pub(crate) fn accepts(&self, context: Fr, known: &KnownCommitments, proof: &[u8], what: &str) -> bool {
        let native = self.key.verifying_key().verify(context, known, proof);
        assert_eq!(
            self.contract.verify(context, known, proof),
            Verdict::from(&native),
            "{what}: the contract disagrees"
        );
        let others = [
            ("Halo2", self.oracles.halo2_accepts(context, known, proof)),
            ("snark-verifier", self.oracles.snark_verifier_accepts(context, known, proof)),
        ];
        for (verifier, accepts) in others {
            assert_eq!(accepts, native.is_ok(), "{what}: {verifier} and the native verifier ({native:?}) disagree");
        }
        native.is_ok()
    }
}
