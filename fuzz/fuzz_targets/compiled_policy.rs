//! The commitments of a policy: what is accepted for the package's policy writes the same file again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, document};
use surety_verifier::{CommittedPolicy, attestation::compiled::CompiledPolicyFile};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(file) = document::<CompiledPolicyFile>(input) else { return };
    let policy = DEMO.policy.policy().clone();
    if let Ok(committed) = CommittedPolicy::published(policy, DEMO.universe.clone(), &file) {
        assert_eq!(committed.file(), file);
        assert_eq!(committed.id() == DEMO.policy.id(), file == DEMO.compiled);
    }
}));
