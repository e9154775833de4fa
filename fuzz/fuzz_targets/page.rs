//! A message of the page, answered.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_web::{auditing, checking, message::Message, recognise, verification, zip::Bounds};

fuzz_target!(|input: &[u8]| bounded(input, || {
    if let Ok(message) = Message::read(input) {
        black_box(recognise::answer(&message));
        black_box(verification::answer(&message));
        black_box(checking::answer(&message));
        // What is inflated is more than the input by design: a bound of its own keeps it within that of the targets.
        if let Ok(terms) = message.terms() {
            let _ = black_box(auditing::audit(&message, terms, Bounds { entries: 100, bytes: 1 << 20 }));
        }
    }
}));
