//! The set-up that a release carries, looked at by its bytes alone.
//!
//! A release is built with `SURETY_CEREMONY=FILE`. The build script includes this file, and refuses any other than a
//! set-up of a known ceremony in the compact format. It has no arithmetic of curves: that the powers are powers is
//! checked by the program, whenever it reads them, as for every stored set-up.

use std::ffi::OsStr;

use crate::ceremonies::{CEREMONIES, Ceremony};

const HEADER_BYTES: usize = 4;
const G1_BYTES: usize = 32;
const G2_BYTES: usize = 64;

/// Sizes that a program of this project can use.
const MIN_K: u32 = 9;
const MAX_K: u32 = 16;

/// The modulus of coordinates, little-endian.
const MODULUS: [u8; 32] = [
    0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97, 0x5d, 0x58, 0x81,
    0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
];

/// `[1]₂` as [`Ceremony::tau_g2`] is written.
const GENERATOR_G2: [u8; 128] = [
    0x19, 0x8e, 0x93, 0x93, 0x92, 0x0d, 0x48, 0x3a, 0x72, 0x60, 0xbf, 0xb7, 0x31, 0xfb, 0x5d, 0x25, 0xf1, 0xaa, 0x49,
    0x33, 0x35, 0xa9, 0xe7, 0x12, 0x97, 0xe4, 0x85, 0xb7, 0xae, 0xf3, 0x12, 0xc2, 0x18, 0x00, 0xde, 0xef, 0x12, 0x1f,
    0x1e, 0x76, 0x42, 0x6a, 0x00, 0x66, 0x5e, 0x5c, 0x44, 0x79, 0x67, 0x43, 0x22, 0xd4, 0xf7, 0x5e, 0xda, 0xdd, 0x46,
    0xde, 0xbd, 0x5c, 0xd9, 0x92, 0xf6, 0xed, 0x09, 0x06, 0x89, 0xd0, 0x58, 0x5f, 0xf0, 0x75, 0xec, 0x9e, 0x99, 0xad,
    0x69, 0x0c, 0x33, 0x95, 0xbc, 0x4b, 0x31, 0x33, 0x70, 0xb3, 0x8e, 0xf3, 0x55, 0xac, 0xda, 0xdc, 0xd1, 0x22, 0x97,
    0x5b, 0x12, 0xc8, 0x5e, 0xa5, 0xdb, 0x8c, 0x6d, 0xeb, 0x4a, 0xab, 0x71, 0x80, 0x8d, 0xcb, 0x40, 0x8f, 0xe3, 0xd1,
    0xe7, 0x69, 0x0c, 0x43, 0xd3, 0x7b, 0x4c, 0xe6, 0xcc, 0x01, 0x66, 0xfa, 0x7d, 0xaa,
];

/// A set-up that a release may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The ceremony.
    pub ceremony: &'static Ceremony,
    /// Binary logarithm of the number of powers.
    pub k: u32,
}

/// Tells which ceremony's set-up a file in the compact format is.
///
/// # Errors
/// A sentence with what was expected and found, if the file is in another format, of another length, has numbers that
/// are no coordinates, or `[τ]₂` is that of no known ceremony.
pub fn examine(file: &[u8]) -> Result<Carried, String> {
    const FORMAT: &str =
        "expected a set-up in the compact format, as surety srs import leaves it in the store (surety srs list)";
    let start = file.first_chunk().map(|bytes: &[u8; HEADER_BYTES]| u32::from_le_bytes(*bytes));
    let k = start.ok_or_else(|| format!("{FORMAT}, found {} bytes", file.len()))?;
    if !(MIN_K..=MAX_K).contains(&k) {
        return Err(format!("{FORMAT} with k from {MIN_K} to {MAX_K}, found another file"));
    }
    let points = HEADER_BYTES + (G1_BYTES << k);
    let without = points + 2 * G2_BYTES;
    let with = without + G2_BYTES * (k as usize - 1);
    if file.len() != without && file.len() != with {
        return Err(format!("expected {without} or {with} bytes for k = {k}, found {}", file.len()));
    }
    let mut generator = [0; G1_BYTES];
    generator[0] = 1;
    if !file[HEADER_BYTES..].starts_with(&generator) {
        return Err(format!("{FORMAT}, found another first power than the generator"));
    }
    let coordinates = file[HEADER_BYTES..points].chunks_exact(32).map(|x| (x, true));
    // Of the two parts of a point of G2 the second one has the flags.
    let of_g2 = file[points..].chunks_exact(32).enumerate().map(|(index, part)| (part, index % 2 == 1));
    if let Some(index) = coordinates.chain(of_g2).position(|(bytes, has_flags)| !is_coordinate(bytes, has_flags)) {
        return Err(format!(
            "expected coordinates below the field's modulus, found another number at byte {}",
            HEADER_BYTES + 32 * index
        ));
    }
    if file[points..points + G2_BYTES] != compressed(&GENERATOR_G2) {
        return Err("expected the standard generator of G2 as [1]₂, found another point".to_owned());
    }
    let tau_g2 = &file[points + G2_BYTES..without];
    match CEREMONIES.iter().find(|ceremony| compressed(&ceremony.tau_g2) == tau_g2) {
        Some(ceremony) => Ok(Carried { ceremony, k }),
        None => {
            let names: Vec<&str> = CEREMONIES.iter().map(|ceremony| ceremony.name).collect();
            Err(format!(
                "expected the [τ]₂ of a known ceremony ({}), found another: nobody knows who knows its τ",
                names.join(", ")
            ))
        }
    }
}

/// The SHA-256 that a build is told to expect of the file, in lower case: 64 hexadecimal digits, with or without `0x`.
///
/// # Errors
/// A sentence with what was expected and found, if it is anything else; so that a hash that was lost on its way does
/// not pass for none.
pub fn expected_hash(text: &OsStr) -> Result<String, String> {
    let text = text.to_str().ok_or("expected 64 hexadecimal digits, found another text")?.trim().to_ascii_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(digits.to_owned());
    }
    Err(format!("expected 64 hexadecimal digits, found {text:?}"))
}

/// Whether 32 bytes, little-endian, are a number below the modulus and not marked as the identity's.
fn is_coordinate(bytes: &[u8], has_flags: bool) -> bool {
    const IDENTITY: u8 = 0x80;
    const SIGN: u8 = 0x40;
    let Ok(mut number) = <[u8; 32]>::try_from(bytes) else { return false };
    if has_flags {
        if number[31] & IDENTITY != 0 {
            return false;
        }
        number[31] &= !SIGN;
    }
    number.iter().rev().lt(MODULUS.iter().rev())
}

/// The compressed form of a point of G2: x.c0 and x.c1 little-endian, with the parity of y.c0 in the last but one bit.
fn compressed(point: &[u8; 128]) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    for index in 0..32 {
        bytes[index] = point[63 - index];
        bytes[32 + index] = point[31 - index];
    }
    bytes[63] |= (point[127] & 1) << 6;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capacity, Srs, import::write_compact};

    const TAU_G2: usize = HEADER_BYTES + (G1_BYTES << 9) + G2_BYTES;

    fn development() -> Vec<u8> {
        let mut file = Vec::new();
        write_compact(&Srs::development(Capacity::new(9).unwrap()), &mut file).unwrap();
        file
    }

    /// The development set-up with another `[τ]₂`: nothing but the pairing tells.
    fn of_ceremony(ceremony: &Ceremony) -> Vec<u8> {
        let mut file = development();
        file[TAU_G2..].copy_from_slice(&compressed(&ceremony.tau_g2));
        file
    }

    #[test]
    fn hashes_are_taken_with_and_without_a_prefix() {
        for text in ["AB".repeat(32), format!(" 0x{}\n", "ab".repeat(32))] {
            assert_eq!(expected_hash(text.as_ref()), Ok("ab".repeat(32)));
        }
    }

    #[test]
    fn rejects_hashes_that_are_none() {
        for text in ["", " ", "0x", "ab", &"g".repeat(64), &"ab".repeat(33)] {
            assert!(expected_hash(text.as_ref()).unwrap_err().contains("64 hexadecimal digits"), "{text}");
        }
        #[cfg(unix)]
        expected_hash(std::os::unix::ffi::OsStrExt::from_bytes(&[b'a', 0xff])).unwrap_err();
    }

    #[test]
    fn sizes_and_points_are_those_of_the_project() {
        assert_eq!((MIN_K, MAX_K), (Capacity::MIN_K, Capacity::MAX_K));
        let file = development();
        assert_eq!(file[TAU_G2 - G2_BYTES..TAU_G2], compressed(&GENERATOR_G2));
        let tau_g2 = crate::point::g2_to_bytes(&Srs::development(Capacity::new(9).unwrap()).verifier_key().tau_g2());
        assert_eq!(file[TAU_G2..], compressed(&tau_g2));
    }

    #[test]
    fn every_ceremony_is_recognised() {
        for ceremony in &CEREMONIES {
            assert_eq!(examine(&of_ceremony(ceremony)), Ok(Carried { ceremony, k: 9 }));
            let with_g2_powers = [of_ceremony(ceremony), vec![1; 8 * G2_BYTES]].concat();
            assert_eq!(examine(&with_g2_powers), Ok(Carried { ceremony, k: 9 }));
        }
    }

    #[test]
    fn rejects_set_ups_of_no_ceremony() {
        assert!(examine(&development()).unwrap_err().contains("[τ]₂ of a known ceremony (ppot-0085, "));
        let mut other_sign = of_ceremony(&CEREMONIES[0]);
        other_sign[TAU_G2 + 63] ^= 0x40;
        assert!(examine(&other_sign).unwrap_err().contains("of a known ceremony"));
    }

    #[test]
    fn rejects_malformed_files() {
        let file = of_ceremony(&CEREMONIES[0]);
        let refuse = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut file = file.clone();
            change(&mut file);
            examine(&file).unwrap_err()
        };
        assert!(refuse(&|file| file.clear()).contains("found 0 bytes"));
        assert!(refuse(&|file| file.truncate(100)).contains("found 100"));
        assert!(refuse(&|file| file.push(0)).contains("expected 16516 or 17028 bytes"));
        assert!(refuse(&|file| file[..4].copy_from_slice(b"ptau")).contains("compact format"));
        for k in [8, 10, 17] {
            refuse(&|file| file[0] = k);
        }
        assert!(refuse(&|file| file[4] = 2).contains("generator"));
        assert!(refuse(&|file| file[TAU_G2 - 1] ^= 0x40).contains("standard generator of G2"));
        for start in [36, TAU_G2, TAU_G2 + 32] {
            let error = refuse(&|file| file[start..start + 32].copy_from_slice(&MODULUS));
            assert!(error.contains(&format!("at byte {start}")), "{error}");
        }
        assert!(refuse(&|file| file[36 + 31] |= 0x80).contains("at byte 36"));
    }
}
