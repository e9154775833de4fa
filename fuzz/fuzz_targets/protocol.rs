//! A description of the circuit, and the verifying key that it gives.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO};
use surety_verifier::{Protocol, VerifyingKey};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(protocol) = serde_json::from_slice::<Protocol>(input) else { return };
    let written = serde_json::to_vec(&protocol).unwrap();
    assert_eq!(serde_json::from_slice::<Protocol>(&written).unwrap(), protocol);
    let valid = protocol.validate().is_ok();
    let key = &DEMO.verifying_key;
    if let Ok(derived) = VerifyingKey::new(protocol.clone(), key.fixed_commitments().to_vec(), *key.srs()) {
        assert!(valid);
        let same = protocol.encode() == key.protocol().encode();
        assert_eq!(derived.digest() == key.digest(), same);
    }
}));
