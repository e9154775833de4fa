//! An archive in memory: its entries hold together, or a reason.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use surety_audit::archive::Image;
use surety_fuzz::bounded;

fuzz_target!(|input: &[u8]| bounded(input, || {
    if let Ok(image) = Image::read(Path::new("archive"), input) {
        assert_eq!(image.entries.len() as u64, image.summary.entries);
        assert_eq!(
            image.entries.last().map(|entry| entry.head),
            Some(image.summary.head).filter(|_| image.summary.entries > 0)
        );
    }
}));
