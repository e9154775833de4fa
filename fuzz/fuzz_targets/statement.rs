//! A source's statement, its commitment, and the key that signed it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, document};
use surety_kzg::HoldingCommitment;
use surety_verifier::{Statement, attestation::signature};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(statement) = document::<Statement>(input) else { return };
    if let Ok(commitment) = HoldingCommitment::from_bytes(&statement.commitment.0) {
        assert_eq!(commitment.to_bytes(), statement.commitment.0);
    }
    let by_a_source = DEMO.policy.policy().sources.iter().any(|source| source.signer == statement.source);
    let signer = signature::signer(&statement.hash(), &statement.signature);
    if by_a_source && signer == Ok(statement.source) {
        assert!(DEMO.attestation.claim.statements.contains(&statement), "a statement that no source has signed");
    }
}));
