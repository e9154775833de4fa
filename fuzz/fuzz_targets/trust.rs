//! A trust file, and the package's attestation verified under it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{
    bounded,
    demo::{DEMO, terms},
    document,
};
use surety_verifier::{Trust, attestation::check};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(trust) = document::<Trust>(input) else { return };
    let claim = &DEMO.attestation.claim;
    if check::examine(claim, &DEMO.files(), &terms(Some(&trust))).is_ok() {
        assert!(trust.policy.is_none_or(|policy| policy == claim.policy));
        assert!(trust.srs.is_none_or(|srs| srs == claim.srs));
        assert!(trust.subject.is_none_or(|subject| subject == claim.subject));
        assert!(trust.audience.is_none_or(|audience| audience == claim.audience));
        assert!(trust.epoch.is_none_or(|epoch| epoch <= claim.epoch));
        assert!(trust.snapshots.is_none_or(|snapshots| snapshots.contains(&claim.snapshot)));
    }
}));
