//! An attestation, verified with the package's files: only the package's own is accepted.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{
    bounded,
    demo::{DEMO, terms},
    document,
};
use surety_verifier::{Attestation, attestation::check};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(attestation) = document::<Attestation>(input) else { return };
    match check::verify(&attestation, &DEMO.files(), &terms(None)) {
        Ok(accepted) => {
            black_box(accepted.findings());
            assert_eq!(attestation, DEMO.attestation);
        }
        Err(rejection) => {
            assert_ne!(attestation, DEMO.attestation, "{rejection}");
            assert!(!rejection.to_string().is_empty());
        }
    }
}));
