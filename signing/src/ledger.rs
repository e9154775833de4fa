//! A key in a Ledger, over USB. The device shows a transaction, and of anything else the hashes of domain and struct.

use alloy::{
    consensus::TxEip1559,
    dyn_abi::TypedData,
    network::TxSigner as _,
    signers::{
        Signer as _,
        ledger::{HDPath, LedgerSigner},
    },
};
use serde_json::Value;
use surety_core::ident::EvmAddress;
use surety_verifier::attestation::{
    signature::SignatureBytes,
    signer::{Signable, Signer, SignerError},
};
use tokio::runtime::Runtime;

use crate::blocking::{address, refused, runtime, signature};

/// A key in a Ledger.
#[derive(Debug)]
pub struct Ledger {
    runtime: Runtime,
    signer: LedgerSigner,
}

impl Ledger {
    /// The account of this number, from 0, as Ledger Live counts them: `m/44'/60'/account'/0/0`.
    ///
    /// # Errors
    /// If there is no unlocked device with Ethereum's application open.
    pub fn connect(account: usize) -> Result<Self, SignerError> {
        let runtime = runtime()?;
        let signer = runtime.block_on(LedgerSigner::new(HDPath::LedgerLive(account), None));
        Ok(Self { runtime, signer: signer.map_err(|error| refused(&error))? })
    }
}

impl Signer for Ledger {
    fn address(&self) -> EvmAddress {
        address(alloy::signers::Signer::address(&self.signer))
    }

    fn ask(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError> {
        let mut shown = what.to_json();
        let signed = match shown.get_mut("transaction").map(Value::take) {
            Some(transaction) => {
                let transaction = serde_json::from_value::<TxEip1559>(transaction);
                let mut transaction = transaction.map_err(|error| refused(&error))?;
                self.runtime.block_on(self.signer.sign_transaction(&mut transaction))
            }
            None => {
                let typed: TypedData = serde_json::from_value(shown).map_err(|error| refused(&error))?;
                self.runtime.block_on(self.signer.sign_dynamic_typed_data(&typed))
            }
        };
        signed.map(|signed| signature(&signed)).map_err(|error| refused(&error))
    }
}
