//! A set-up file in one of four formats, changed in a few places: either it is refused, or only what is not read has
//! changed.
//!
//! The first byte says the format, the rest are the changes.

#![no_main]

use std::{io::Cursor, sync::LazyLock};

use halo2curves::{bn256::G2Affine, serde::SerdeObject as _};
use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, edit};
use surety_kzg::{
    Capacity, Srs,
    import::{Format, format_of, read, write_compact},
    point,
    progress::Silent,
};

/// The powers of the smallest capacity class, and a file in each format.
struct Fixture {
    srs: Srs,
    files: [Vec<u8>; 4],
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let [small, large] = [Capacity::MIN_K, Capacity::MIN_K + 1].map(|k| Srs::development(Capacity::new(k).unwrap()));
    let files = [compact(&small), ptau(&small, &large), halo2(&small), aztec(&small)];
    Fixture { srs: small, files }
});

fuzz_target!(|input: &[u8]| {
    let Some((format, edits)) = input.split_first() else { return };
    let Fixture { srs, files } = &*FIXTURE;
    let mut file = files[usize::from(format % 4)].clone();
    edit(&mut file, edits);
    bounded(&file, || {
        let tau_g2 = (format_of(&file) == Some(Format::Aztec)).then(|| srs.verifier_key().tau_g2());
        if let Ok(found) = read(Cursor::new(&file), tau_g2, None, &Silent) {
            assert!(found == *srs, "another set-up");
        }
    });
});

fn compact(srs: &Srs) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_compact(srs, &mut bytes).unwrap();
    bytes
}

/// With zeros where nothing is read.
fn ptau(srs: &Srs, larger: &Srs) -> Vec<u8> {
    /// p, little-endian.
    const MODULUS: [u8; 32] = [
        0x47, 0xfd, 0x7c, 0xd8, 0x16, 0x8c, 0x20, 0x3c, 0x8d, 0xca, 0x71, 0x68, 0x91, 0x6a, 0x81, 0x97, 0x5d, 0x58,
        0x81, 0x81, 0xb6, 0x45, 0x50, 0xb8, 0x29, 0xa0, 0x31, 0xe1, 0x72, 0x4e, 0x64, 0x30,
    ];
    let section =
        |kind: u32, content: &[u8]| [&kind.to_le_bytes()[..], &(content.len() as u64).to_le_bytes(), content].concat();
    let (k, rows) = (srs.capacity().k(), srs.powers().len());
    let header = [&32_u32.to_le_bytes()[..], &MODULUS, &k.to_le_bytes(), &28_u32.to_le_bytes()].concat();
    let tau_g1: Vec<u8> = larger.powers()[..2 * rows - 1].iter().flat_map(|power| power.to_raw_bytes()).collect();
    let mut tau_g2 = g2(srs);
    tau_g2.resize(128 * rows, 0);
    let start = [&b"ptau"[..], &1_u32.to_le_bytes(), &4_u32.to_le_bytes()].concat();
    [start, section(1, &header), section(2, &tau_g1), section(3, &tau_g2), section(7, &[0; 4])].concat()
}

/// With zeros where nothing is read.
fn halo2(srs: &Srs) -> Vec<u8> {
    let powers: Vec<u8> = srs.powers().iter().flat_map(|power| power.to_raw_bytes()).collect();
    let lagrange = vec![0; powers.len()];
    [srs.capacity().k().to_le_bytes().to_vec(), powers, lagrange, g2(srs)].concat()
}

fn aztec(srs: &Srs) -> Vec<u8> {
    srs.powers().iter().flat_map(point::g1_to_bytes).collect()
}

/// `[1]₂` and `[τ]₂`.
fn g2(srs: &Srs) -> Vec<u8> {
    [G2Affine::generator(), srs.verifier_key().tau_g2()].iter().flat_map(|point| point.to_raw_bytes()).collect()
}
