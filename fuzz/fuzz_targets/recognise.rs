//! A file that is dropped on the page: it is recognised, or not, by its content and its name.
//!
//! The first byte chooses the name.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_web::{
    message::File,
    recognise::{Page, recognise},
};

const NAMES: [&str; 4] = ["attestation.json", "policy.toml", "trust.toml", "file"];

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some((name, content)) = input.split_first() else { return };
    for page in [Page::Verifying, Page::Proving] {
        black_box(recognise(File { name: NAMES[usize::from(name % 4)], content }, page));
    }
}));
