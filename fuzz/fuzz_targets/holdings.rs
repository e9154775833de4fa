//! Holdings over the package's universe, in all three formats. Errors do not repeat amounts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, hides_amounts, survives};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    for name in ["a.toml", "a.json", "a.csv"] {
        match surety_import::positions::holdings(name, text, &DEMO.universe) {
            Ok(holdings) => {
                survives(&holdings);
                assert_eq!(
                    surety_import::positions::holdings("b.csv", &holdings.to_csv(&DEMO.universe), &DEMO.universe)
                        .unwrap(),
                    holdings
                );
                holdings.position(&DEMO.universe).unwrap();
            }
            Err(errors) => hides_amounts(text, &errors.to_string()),
        }
    }
}));
