//! Who signs: a key of this process, or somebody outside of it who is asked.
//!
//! Whoever is asked sees what is signed, not just its digest, and computes the digest for himself. The signature that
//! comes back must be by the expected address over the digest that was computed here: another one is refused, whatever
//! its cause, before anything is made of it.

use std::borrow::Cow;

use serde_json::Value;
use surety_core::{
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress},
};

use crate::attestation::signature::{SignatureBytes, SignatureError, SigningKey, signer};

/// Something that is signed.
pub trait Signable {
    /// What the signature is of.
    fn digest(&self) -> Bytes32;

    /// The same with every part of it, for signers that compute the digest themselves and may show it to somebody.
    fn to_json(&self) -> Value;
}

/// Whoever signs with one secp256k1 key.
pub trait Signer {
    /// The key's address.
    fn address(&self) -> EvmAddress;

    /// The signature as the signer gives it. Nothing says that it is right: `sign` checks it.
    ///
    /// # Errors
    /// If the signer gives none.
    fn ask(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError>;
}

impl dyn Signer + '_ {
    /// The signature of something, which is the signer's.
    ///
    /// # Errors
    /// If the signer gives none, or another one.
    pub fn sign(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError> {
        let signature = self.ask(what)?;
        let (expected, found) = (self.address(), signer(&what.digest(), &signature)?);
        if found == expected { Ok(signature) } else { Err(SignerError::Other { expected, found }) }
    }
}

impl Signer for SigningKey {
    fn address(&self) -> EvmAddress {
        self.address()
    }

    fn ask(&self, what: &dyn Signable) -> Result<SignatureBytes, SignerError> {
        Ok(self.sign(&what.digest())?)
    }
}

/// Why there is no signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// The signer gives none. Repeats no secret.
    #[error("the signer gives no signature: {0}")]
    None(String),
    /// A signature that is nobody's, or not in the form that is accepted.
    #[error("the signer gives {0}")]
    Malformed(#[from] SignatureError),
    /// The signature is somebody else's, or of something else.
    #[error(
        "expected a signature by {expected}, found one by {found}, if this is what was signed: the signer has another \
         key, or has signed something else"
    )]
    Other {
        /// Who was to sign.
        expected: EvmAddress,
        /// Who has signed.
        found: EvmAddress,
    },
}

impl Failure for SignerError {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "signer".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attestation::{
        eip712::Audience,
        typed_data::{Typed, TypedData},
    };

    fn key() -> SigningKey {
        SigningKey::from_secret_bytes(&[1; 32]).unwrap()
    }

    fn consent(audience: Option<Audience>) -> TypedData {
        TypedData::new(audience, "Consent(bytes32 context)".into(), vec![Typed::Word([7; 32])])
    }

    /// Somebody who gives what a test wants.
    struct Giving(Result<SignatureBytes, SignerError>);

    impl Signer for Giving {
        fn address(&self) -> EvmAddress {
            key().address()
        }

        fn ask(&self, _: &dyn Signable) -> Result<SignatureBytes, SignerError> {
            self.0.clone()
        }
    }

    fn given(answer: Result<SignatureBytes, SignerError>) -> Result<SignatureBytes, SignerError> {
        (&Giving(answer) as &dyn Signer).sign(&consent(None))
    }

    #[test]
    fn a_key_signs() {
        let signature = (&key() as &dyn Signer).sign(&consent(None)).unwrap();
        assert_eq!(signer(&consent(None).digest(), &signature), Ok(key().address()));
        assert_eq!(given(Ok(signature)), Ok(signature));
    }

    /// Attack: a signer with another key, or one that has signed something else.
    #[test]
    fn rejects_a_signature_of_somebody_or_something_else() {
        let stranger = SigningKey::from_secret_bytes(&[2; 32]).unwrap();
        let foreign = stranger.sign(&consent(None).digest()).unwrap();
        let found = stranger.address();
        assert_eq!(given(Ok(foreign)), Err(SignerError::Other { expected: key().address(), found }));
        let elsewhere =
            key().sign(&consent(Some(Audience { chain_id: 1, registry: EvmAddress::ZERO })).digest()).unwrap();
        assert!(matches!(given(Ok(elsewhere)), Err(SignerError::Other { .. })));
    }

    #[test]
    fn rejects_a_malformed_signature() {
        let mut signature = key().sign(&consent(None).digest()).unwrap();
        signature.0[64] -= 27;
        let error = given(Ok(signature)).unwrap_err().to_string();
        assert!(error.starts_with("the signer gives a signature whose last byte is"), "{error}");
    }

    #[test]
    fn rejects_an_answer_without_a_signature() {
        let error = given(Err(SignerError::None("it is asleep".to_owned()))).unwrap_err().to_string();
        assert_eq!(error, "the signer gives no signature: it is asleep");
    }
}
