//! A key in Amazon's key management service, of the kind `ECC_SECG_P256K1`. The service sees digests.
//!
//! Credentials and region are those of Amazon's other programs: from the environment, a profile, a process that a
//! profile names, or the machine.

use alloy::{
    primitives::B256,
    signers::{Signer as _, aws::AwsSigner},
};
use aws_config::BehaviorVersion;
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};
use surety_core::ident::EvmAddress;
use surety_verifier::attestation::{
    signature::SignatureBytes,
    signer::{Signable, Signer, SignerError},
};
use tokio::runtime::Runtime;

use crate::blocking::{address, refused, runtime, signature};

/// A key in the service.
#[derive(Debug)]
pub struct AwsKms {
    runtime: Runtime,
    signer: AwsSigner,
}

impl AwsKms {
    /// The key with an identifier, an ARN, or an alias. The service is asked for its address.
    ///
    /// # Errors
    /// If the service does not answer, or the key is of another kind.
    pub fn connect(key: &str) -> Result<Self, SignerError> {
        let runtime = runtime()?;
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let signer = runtime.block_on(async {
            let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
            AwsSigner::new(aws_sdk_kms::Client::new(&config), key.to_owned(), None).await
        });
        Ok(Self { runtime, signer: signer.map_err(|error| refused(&error))? })
    }
}

impl Signer for AwsKms {
    fn address(&self) -> EvmAddress {
        address(self.signer.address())
    }

    fn ask(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError> {
        let signed = self.runtime.block_on(self.signer.sign_hash(&B256::from(what.digest().0)));
        signed.map(|signed| signature(&signed)).map_err(|error| refused(&error))
    }
}
