//! A message of the page, answered.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_web::{checking, message::Message, recognise, verification};

fuzz_target!(|input: &[u8]| bounded(input, || {
    if let Ok(message) = Message::read(input) {
        black_box(recognise::answer(&message));
        black_box(verification::answer(&message));
        black_box(checking::answer(&message));
    }
}));
