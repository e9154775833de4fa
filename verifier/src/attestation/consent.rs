//! Consent: the subject's signature of what a proof is about.
//!
//! Without it whoever has statements and openings can attest about a subject. Where an attestation has consequences for
//! the subject, as in a registry that pledges accounts, or where a policy says so, the subject must have signed
//! `Consent(bytes32 context)` for the attestation's registry (EIP-712). A context covers everything that an attestation
//! says; of its snapshot the epoch, the time, the mark, and the coefficients that follow from its prices.
//!
//! A subject that is a contract signs nothing that can be checked without its chain: it brings its attestations to the
//! registry itself, or confirms consent there (ERC-1271).

use surety_core::ident::{Bytes32, EvmAddress, HexBytes};
use surety_kzg::scalar;

use crate::attestation::{
    claim::{Attestation, Claim},
    context::Context,
    eip712::{Audience, HashedText},
    rejection::{Rejection, Rule, same},
    signature::{KnownKeys, SignatureBytes, check_signature},
    signer::{Signable as _, Signer, SignerError},
    typed_data::{Typed, TypedData},
};

/// The struct that is signed.
static TYPE: HashedText = HashedText::new("Consent(bytes32 context)");

/// What a subject signs to consent to the attestation with this context.
#[must_use]
pub fn consent_hash(audience: &Audience, context: &Bytes32) -> Bytes32 {
    typed_data(audience, context).digest()
}

fn typed_data(audience: &Audience, context: &Bytes32) -> TypedData {
    TypedData::of(Some(*audience), &TYPE, vec![Typed::Word(context.0)])
}

/// The consent of a subject to the attestation with this context.
///
/// # Errors
/// If the subject's signer gives none, or another one.
pub fn consent(audience: &Audience, context: &Bytes32, signer: &dyn Signer) -> Result<SignatureBytes, SignerError> {
    signer.sign(&typed_data(audience, context))
}

/// Adds the subject's consent to an attestation, with the context that follows from its claim.
///
/// # Errors
/// If the attestation states another context, or the key is not the subject's.
pub fn sign(attestation: &mut Attestation, context: &Context, signer: &dyn Signer) -> Result<(), Rejection> {
    let Claim { subject, audience, .. } = &attestation.claim;
    let computed = HexBytes(scalar::to_bytes(&context.hash()));
    same(Rule::Context, "attestation: context", "the hash of the claim,", computed, attestation.context)?;
    same(Rule::Consent, "key", "that of the subject,", *subject, signer.address())?;
    let signature = consent(audience, &computed, signer)
        .map_err(|error| Rejection::new(Rule::Consent, "key", "a signature by the subject", error.to_string()))?;
    attestation.consent = Some(signature);
    Ok(())
}

/// Says whether the subject consents, and demands that it does where the policy does.
///
/// # Errors
/// [`Rule::Consent`] if a consent that is needed is missing, or one that is there is not the subject's.
pub(crate) fn check_consent(attestation: &Attestation, needed: bool, keys: &KnownKeys) -> Result<bool, Rejection> {
    const INPUT: &str = "attestation: consent";
    let Claim { subject, audience, .. } = &attestation.claim;
    let Some(signature) = &attestation.consent else {
        return if needed { Err(missing(INPUT, subject)) } else { Ok(false) };
    };
    let hash = consent_hash(audience, &attestation.context);
    let content = || "this attestation's context".to_owned();
    check_signature(INPUT, content, &hash, signature, subject, keys)
        .map_err(|Rejection { problem, .. }| Rejection::new(Rule::Consent, INPUT, problem.expected, problem.found))?;
    Ok(true)
}

fn missing(input: &str, subject: &EvmAddress) -> Rejection {
    Rejection::new(Rule::Consent, input, format!("the signature of {subject}, which the policy requires"), "none")
}
