//! A market snapshot, and its check for the package's policy: no report counts that a node has not signed.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, document};
use surety_margin::market::Snapshot;
use surety_verifier::attestation::report::{check_snapshot, check_taken, snapshot_id};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(snapshot) = document::<Snapshot>(input) else { return };
    black_box(snapshot_id(&DEMO.policy, &snapshot));
    let signed = |report| DEMO.snapshot.reports.contains(report);
    if check_snapshot(&DEMO.policy, &snapshot).is_ok() {
        assert!(!snapshot.reports.is_empty() && snapshot.reports.iter().all(signed));
    }
    if check_taken(&DEMO.policy, &snapshot).is_ok() {
        assert!(snapshot.reports.is_empty());
    }
}));
