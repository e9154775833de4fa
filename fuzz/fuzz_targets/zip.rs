//! A ZIP that the page is given: its files, or a reason.

#![no_main]

use std::hint::black_box;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_web::zip::{Bounds, files};

fuzz_target!(|input: &[u8]| bounded(input, || {
    // What is inflated is more than the input by design: a bound of its own keeps it within that of the targets.
    let bounds = Bounds { entries: 100, bytes: 1 << 20 };
    if let Ok(files) = files("given.zip", input, bounds) {
        assert!(files.keys().all(|path| path.is_relative() && !path.components().any(|part| part.as_os_str() == "..")));
        black_box(files);
    }
}));
