//! A case of Derive's portfolio margin: what is imported is a policy that passes every check, with holdings that fit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_core::ident::Bytes32;
use surety_fuzz::{bounded, survives};
use surety_import::{Parties, derive_pm2};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(import) = derive_pm2::import(text, Bytes32::ZERO, &Parties::default()) {
        survives(&import.universe);
        survives(&import.policy);
        survives(&import.snapshot);
        assert_eq!(import.policy.check(&import.universe), []);
        let holdings = import.holdings.unwrap();
        survives(&holdings);
        holdings.position(&import.universe).unwrap();
    }
}));
