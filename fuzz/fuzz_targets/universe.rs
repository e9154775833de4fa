//! A universe, and the identifier that follows from it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, document};
use surety_margin::universe::Universe;
use surety_verifier::attestation::identifiers::UniverseId;

fuzz_target!(|input: &[u8]| bounded(input, || {
    if let Some(universe) = document::<Universe>(input) {
        UniverseId::of(&universe).unwrap();
    }
}));
