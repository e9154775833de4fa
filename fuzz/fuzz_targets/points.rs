//! Points, scalars and masks: what is accepted encodes to the very same bytes.
//!
//! The first byte says what the rest is.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_kzg::{HoldingCommitment, Masks, import, point, scalar};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 6 {
        0 => with(bytes, |bytes| {
            if let Ok(point) = point::g1_from_bytes(bytes) {
                assert_eq!(point::g1_to_bytes(&point), *bytes);
            }
        }),
        1 => with(bytes, |bytes| {
            if let Ok(scalar) = scalar::from_bytes(bytes) {
                assert_eq!(scalar::to_bytes(&scalar), *bytes);
            }
        }),
        2 => with(bytes, |bytes| {
            if let Ok(point) = point::g2_from_bytes(bytes) {
                assert_eq!(point::g2_to_bytes(&point), *bytes);
            }
        }),
        3 => with(bytes, |bytes| {
            if let Ok(commitment) = HoldingCommitment::from_bytes(bytes) {
                assert_eq!(commitment.to_bytes(), *bytes);
            }
        }),
        4 => {
            if let Ok(masks) = Masks::from_secret_bytes(bytes) {
                assert_eq!(masks.to_secret_bytes().as_slice(), bytes);
            }
        }
        _ => {
            if let Ok(tau_g2) = import::read_g2(Cursor::new(bytes)) {
                // The parts of a coordinate are the other way round.
                let swapped: Vec<u8> = bytes.chunks(64).flat_map(|pair| [&pair[32..], &pair[..32]].concat()).collect();
                assert_eq!(point::g2_to_bytes(&tau_g2).as_slice(), swapped);
            }
        }
    }
}));

fn with<const N: usize>(bytes: &[u8], check: impl FnOnce(&[u8; N])) {
    if let Ok(bytes) = bytes.try_into() {
        check(bytes);
    }
}
