//! A policy, its identifiers, and the check against a universe.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, document};
use surety_margin::policy::Policy;
use surety_verifier::attestation::identifiers::{DocumentId, FeedsId};

fuzz_target!(|input: &[u8]| bounded(input, || {
    if let Some(policy) = document::<Policy>(input) {
        DocumentId::of(&policy).unwrap();
        FeedsId::of(&policy.market).unwrap();
        black_box(policy.check(&DEMO.universe));
        black_box(policy.warnings(&DEMO.universe));
    }
}));
