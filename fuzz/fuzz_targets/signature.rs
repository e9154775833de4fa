//! A signature of a digest: two ways to find its signer agree, and its twins are refused.
//!
//! The input is the digest and the signature.

#![no_main]

use libfuzzer_sys::fuzz_target;
use surety_core::ident::HexBytes;
use surety_fuzz::bounded;
use surety_verifier::attestation::signature::{KnownKeys, SignatureError, signer};

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Ok(bytes) = <&[u8; 97]>::try_from(input) else { return };
    let digest = HexBytes(core::array::from_fn(|index| bytes[index]));
    let signature = HexBytes(core::array::from_fn(|index| bytes[32 + index]));
    let Ok(address) = signer(&digest, &signature) else { return };
    let keys = KnownKeys::default();
    for _ in 0..2 {
        assert_eq!(keys.signer(&digest, &signature, &address), Ok(address));
    }
    let mut negated = signature;
    negate(&mut negated.0[32..64]);
    for bit in [27, 28] {
        negated.0[64] = bit;
        assert_eq!(keys.signer(&digest, &negated, &address), Err(SignatureError::HighS));
    }
    let mut other_point = signature;
    other_point.0[64] ^= 27 ^ 28;
    assert_ne!(keys.signer(&digest, &other_point, &address), Ok(address));
}));

/// The group order less a number, both big-endian.
fn negate(number: &mut [u8]) {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
        0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut borrow = 0;
    for (byte, order) in number.iter_mut().zip(ORDER).rev() {
        let difference = i16::from(order) - i16::from(*byte) - borrow;
        borrow = i16::from(difference < 0);
        *byte = difference.rem_euclid(256) as u8;
    }
}
