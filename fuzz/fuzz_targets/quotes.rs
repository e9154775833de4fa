//! What an oracle node observed, for the package's policy.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_core::text::table::Dialect;
use surety_fuzz::{bounded, demo::DEMO};
use surety_import::observations::read_observations;

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    let policy = DEMO.policy.policy();
    match read_observations("a.csv", text, policy, &Dialect::default(), &mut Vec::new()) {
        Ok(observations) => assert_eq!(observations.len(), policy.market.len()),
        Err(errors) => assert!(!errors.errors().is_empty() && !errors.to_string().is_empty()),
    }
}));
