//! A report of an oracle node, and the key that signed it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, document};
use surety_margin::market::Report;
use surety_verifier::attestation::{report, signature};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(report) = document::<Report>(input) else { return };
    let by_a_node = DEMO.policy.policy().oracle.nodes.iter().any(|node| node.signer == report.oracle);
    let signer = signature::signer(&report::hash(&report), &report.signature);
    if by_a_node && signer == Ok(report.oracle) {
        assert!(DEMO.snapshot.reports.contains(&report), "a report that no node has signed");
    }
}));
