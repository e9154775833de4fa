//! A spreadsheet's amounts over the package's universe. Errors do not repeat amounts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, demo::DEMO, hides_amounts, survives};
use surety_import::positions::{self, Reading};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(text) = str::from_utf8(input) else { return };
    match positions::read("a.csv", text, &DEMO.universe, &Reading::default(), &mut Vec::new()) {
        Ok(book) => {
            survives(&book.holdings);
            book.holdings.position(&DEMO.universe).unwrap();
        }
        Err(errors) => hides_amounts(text, &errors.to_string()),
    }
}));
