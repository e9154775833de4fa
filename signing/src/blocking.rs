//! Alloy's signers, which wait on a runtime, as signers that block.

use std::error::Error;

use alloy::primitives::{Address, Signature};
use surety_core::ident::{EvmAddress, HexBytes};
use surety_verifier::attestation::{signature::SignatureBytes, signer::SignerError};
use tokio::runtime::{Builder, Runtime};

/// A runtime for one signer.
pub(crate) fn runtime() -> Result<Runtime, SignerError> {
    Builder::new_current_thread().enable_all().build().map_err(|error| refused(&error))
}

/// The form of a signature that is accepted here.
pub(crate) fn signature(signature: &Signature) -> SignatureBytes {
    HexBytes(signature.as_bytes())
}

pub(crate) fn address(address: Address) -> EvmAddress {
    HexBytes(address.into_array())
}

/// An error with its causes.
pub(crate) fn refused(error: &dyn Error) -> SignerError {
    let (mut text, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    SignerError::None(text)
}
