//! An exchange's table of prices and collateral ratios: what is imported is a policy that passes every check.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_core::{ident::Bytes32, text::table::Dialect, units::Timestamp};
use surety_fuzz::{bounded, survives};
use surety_import::{
    Parties,
    haircuts::{self, Ends, Programme},
};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    for (programme, ends) in Programme::ALL.into_iter().flat_map(|one| [(one, Ends::Quote), (one, Ends::Units)]) {
        let Ok(tokens) = haircuts::read("a.csv", text, (programme, ends), &Dialect::default(), &mut Vec::new()) else {
            continue;
        };
        let imported = haircuts::import(&tokens, Timestamp(1_800_000_000), Bytes32::ZERO, &Parties::default());
        if let Ok(import) = imported {
            survives(&import.universe);
            survives(&import.policy);
            survives(&import.snapshot);
            assert_eq!(import.policy.check(&import.universe), []);
        }
    }
}));
