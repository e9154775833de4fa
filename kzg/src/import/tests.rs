//! Files of every format, written here by hand from the development τ, are read alike; damaged ones are refused.

use std::{fs, path::Path};

use ff::{Field, PrimeField};
use group::{Curve, GroupEncoding};
use halo2_proofs::{SerdeFormat, poly::kzg::commitment::ParamsKZG};
use halo2curves::bn256::{Bn256, Fq, G1Affine, G2, G2Affine};
use rand_core::OsRng;

use super::*;
use crate::{
    Origin,
    origin::development_tau,
    progress::{Event, Silent, Stage},
};

const K: u32 = 9;
const N: usize = 1 << K;

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}

fn development() -> Srs {
    Srs::development(capacity(K))
}

/// `[τ^(2^i)]₂` for i below `count`.
fn g2_powers(count: usize) -> Vec<G2Affine> {
    core::iter::successors(Some(development_tau()), |power| Some(power.square()))
        .take(count)
        .map(|power| (G2::generator() * power).to_affine())
        .collect()
}

fn development_with_g2_powers() -> Srs {
    Srs::development_with_g2_powers(capacity(K))
}

fn read(bytes: &[u8]) -> Result<Srs, ImportProblem> {
    read_with(bytes, None, None)
}

fn read_with(bytes: &[u8], g2: Option<&[u8]>, capacity: Option<Capacity>) -> Result<Srs, ImportProblem> {
    let tau_g2 = g2.map(|bytes| read_g2(io::Cursor::new(bytes))).transpose()?;
    super::read(io::Cursor::new(bytes), tau_g2, capacity, &Silent)
}

/// The development set-up with the powers in G2 of a file.
fn read_powers(bytes: &[u8]) -> Result<Srs, ImportProblem> {
    Ok(development().with_g2_powers(read_g2_powers(io::Cursor::new(bytes))?)?)
}

/// Reads a damaged file and returns what it is refused for.
fn refuse(bytes: &[u8], damage: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = bytes.to_vec();
    damage(&mut bytes);
    read(&bytes).unwrap_err().to_string()
}

fn put(bytes: &mut [u8], offset: usize, new: &[u8]) {
    bytes[offset..offset + new.len()].copy_from_slice(new);
}

// Coordinates, each written in its own way.

fn little_endian(coordinate: &Fq) -> Vec<u8> {
    coordinate.to_repr().to_vec()
}

fn big_endian(coordinate: &Fq) -> Vec<u8> {
    coordinate.to_repr().into_iter().rev().collect()
}

/// `c·2^256 mod p`, computed with the field and not with the library's idea of raw bytes.
fn montgomery(coordinate: &Fq) -> Vec<u8> {
    little_endian(&(coordinate * Fq::from(2).pow([256])))
}

fn flat_g1(point: &G1Affine, coordinate: fn(&Fq) -> Vec<u8>) -> Vec<u8> {
    [&point.x, &point.y].into_iter().flat_map(coordinate).collect()
}

fn flat_g2(point: &G2Affine, coordinate: fn(&Fq) -> Vec<u8>) -> Vec<u8> {
    [&point.x.c0, &point.x.c1, &point.y.c0, &point.y.c1].into_iter().flat_map(coordinate).collect()
}

// Files.

fn compact() -> Vec<u8> {
    let srs = development();
    let mut bytes = K.to_le_bytes().to_vec();
    for power in srs.powers() {
        let mut x = little_endian(&power.x);
        x[31] |= (little_endian(&power.y)[0] & 1) << 6;
        bytes.extend(x);
    }
    for point in [G2Affine::generator(), srs.verifier_key().tau_g2()] {
        let mut x: Vec<u8> = [&point.x.c0, &point.x.c1].into_iter().flat_map(little_endian).collect();
        x[63] |= (little_endian(&point.y.c0)[0] & 1) << 6;
        bytes.extend(x);
    }
    bytes
}

fn section(kind: u32, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(content.len() as u64).to_le_bytes(), content].concat()
}

fn ptau_of(sections: &[Vec<u8>]) -> Vec<u8> {
    let start = [&b"ptau"[..], &1u32.to_le_bytes(), &(sections.len() as u32).to_le_bytes()].concat();
    [start, sections.concat()].concat()
}

/// The sections of a file as `snarkjs powersoftau new` writes it.
fn ptau_sections() -> Vec<Vec<u8>> {
    let large = Srs::development(capacity(K + 1));
    let header = [&32u32.to_le_bytes()[..], &modulus(), &K.to_le_bytes(), &28u32.to_le_bytes()].concat();
    let tau_g1: Vec<u8> = large.powers()[..2 * N - 1].iter().flat_map(|power| flat_g1(power, montgomery)).collect();
    let tau_g2: Vec<u8> = core::iter::successors(Some(G2::generator()), |power| Some(power * development_tau()))
        .take(N)
        .flat_map(|power| flat_g2(&power.to_affine(), montgomery))
        .collect();
    let other = |kind| section(kind, &[0; 64]);
    vec![
        section(1, &header),
        section(2, &tau_g1),
        section(3, &tau_g2),
        other(4),
        other(5),
        other(6),
        section(7, &0u32.to_le_bytes()),
    ]
}

fn modulus() -> Vec<u8> {
    let mut modulus = little_endian(&-Fq::from(1));
    modulus[0] += 1;
    modulus
}

fn ptau() -> Vec<u8> {
    ptau_of(&ptau_sections())
}

/// Written by halo2 itself.
fn halo2() -> Vec<u8> {
    let srs = development();
    let powers = srs.powers().to_vec();
    let key = srs.verifier_key();
    let params = ParamsKZG::<Bn256>::setup(1, OsRng).from_parts(K, powers, None, key.g2(), key.tau_g2());
    let mut bytes = Vec::new();
    params.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    bytes
}

fn aztec() -> (Vec<u8>, Vec<u8>) {
    let srs = development();
    let g1 = srs.powers().iter().flat_map(|power| flat_g1(power, big_endian)).collect();
    (g1, flat_g2(&srs.verifier_key().tau_g2(), big_endian))
}

#[test]
fn every_format_gives_the_same_set_up() {
    for bytes in [compact(), halo2()] {
        assert_eq!(read(&bytes).unwrap(), development());
    }
    assert_eq!(read(&ptau()).unwrap(), development_with_g2_powers(), "which has powers in G2 as well");
    let (g1, g2) = aztec();
    assert_eq!(read_with(&g1, Some(&g2), None).unwrap(), development());
}

#[test]
fn larger_files_are_read_as_far_as_needed() {
    let large = Srs::development(capacity(K + 2));
    let mut bytes = Vec::new();
    write_compact(&large, &mut bytes).unwrap();
    assert_eq!(read(&bytes).unwrap(), large);
    // What lies behind the powers asked for is not looked at.
    put(&mut bytes, 4 + 32 * N, &[0xff; 32]);
    assert_eq!(read_with(&bytes, None, Some(capacity(K))).unwrap(), development());
    // A download of Aztec's points may end anywhere.
    let (_, g2) = aztec();
    let g1: Vec<u8> = large.powers()[..2 * N - 1].iter().flat_map(|power| flat_g1(power, big_endian)).collect();
    assert_eq!(read_with(&g1, Some(&g2), None).unwrap(), development());
}

#[test]
fn writing_the_compact_format_is_the_inverse_of_reading_it() {
    let mut bytes = Vec::new();
    write_compact(&development(), &mut bytes).unwrap();
    assert_eq!(bytes, compact());
    write_compact(&development_with_g2_powers(), &mut bytes).unwrap();
    let with = bytes.split_off(compact().len());
    assert_eq!(with.len(), compact().len() + 64 * (K as usize - 1));
    assert_eq!(read(&with).unwrap(), development_with_g2_powers());
    let large = Srs::development(capacity(K + 1)).with_g2_powers(g2_powers(K as usize + 1)).unwrap();
    let mut bytes = Vec::new();
    write_compact(&large, &mut bytes).unwrap();
    assert_eq!(read_with(&bytes, None, Some(capacity(K))).unwrap(), development_with_g2_powers());
}

#[test]
fn rejects_compact_files_with_other_powers_in_g2() {
    let mut bytes = Vec::new();
    write_compact(&development_with_g2_powers(), &mut bytes).unwrap();
    let more = compact().len();
    let error = refuse(&bytes, |bytes| bytes.copy_within(more..more + 64, more + 64));
    assert!(error.contains("[τ^(2^2)]₂ is another power"), "{error}");
    assert!(refuse(&bytes, |bytes| put(bytes, more + 64, &[0xff; 64])).contains("[τ^4]₂ at byte"));
    let error = refuse(&bytes, |bytes| bytes.truncate(more + 64));
    assert!(error.contains("incomplete") && error.contains("has 17028 bytes, found 16580"), "{error}");
    assert!(refuse(&bytes, |bytes| bytes.push(0)).contains("has 17028 bytes, found 17029"));
}

/// As gnark compresses a point, written here with comparisons of its own.
fn gnark(point: &G2Affine) -> Vec<u8> {
    let half = big_endian(&(-Fq::from(1) * Fq::from(2).invert().unwrap()));
    let part = if point.y.c1 == Fq::from(0) { point.y.c0 } else { point.y.c1 };
    let mut bytes = [big_endian(&point.x.c1), big_endian(&point.x.c0)].concat();
    // Of the two, the larger one is above (p - 1)/2.
    bytes[0] |= if big_endian(&part) > half { 0xc0 } else { 0x80 };
    bytes
}

#[test]
fn powers_in_g2_are_read_from_a_file_of_their_own() {
    let file: Vec<u8> = g2_powers(28).iter().flat_map(gnark).collect();
    assert_eq!(read_g2_powers(io::Cursor::new(&file)).unwrap(), g2_powers(28));
    assert_eq!(read_powers(&file).unwrap(), development_with_g2_powers());
}

#[test]
fn rejects_other_files_of_powers_in_g2() {
    let file: Vec<u8> = g2_powers(12).iter().flat_map(gnark).collect();
    let refuse = |damage: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = file.clone();
        damage(&mut bytes);
        read_powers(&bytes).unwrap_err().to_string()
    };
    assert!(refuse(&|bytes| bytes.truncate(64 * 8)).contains("expected 9 points"));
    assert!(refuse(&|bytes| bytes.truncate(64 * 8 + 1)).contains("found 513 bytes"));
    assert!(refuse(&|bytes| bytes.resize(64 * 65, 0)).contains("found 4160 bytes"));
    assert!(refuse(&|bytes| bytes.clear()).contains("an empty file"));
    let page = b"<html><body>no such file</body></html>";
    assert!(refuse(&|bytes| *bytes = page.to_vec()).contains("an HTML page"));
    assert!(refuse(&|bytes| bytes[64] ^= 0x40).contains("[τ^(2^1)]₂ is another power"), "the other y");
    for flags in [0x40, 0] {
        assert!(
            refuse(&|bytes| bytes[64] = bytes[64] & 0x3f | flags)
                .contains("[τ^(2^1)]₂ at byte 64: expected the canonical")
        );
    }
    assert!(refuse(&|bytes| put(bytes, 96, &[0xff; 32])).contains("below the field's modulus"));
    assert!(
        refuse(&|bytes| put(bytes, 64, &[&[0xbf][..], &[0xff; 31]].concat())).contains("below the field's modulus")
    );
    assert!(refuse(&|bytes| drop(bytes.drain(..64))).contains("[τ^(2^0)]₂ is another power"));
    assert!(refuse(&|bytes| bytes.copy_within(64..128, 256)).contains("[τ^(2^4)]₂ is another power"));
    let no_point = (1..=255).filter(|x| refuse(&|bytes| bytes[127] ^= x).contains("on the curve")).count();
    assert!(no_point > 50, "half of all coordinates are of no point: {no_point} of 255");
}

#[test]
fn the_powers_in_g2_of_the_ceremony_are_read() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/srs");
    let (file, more) =
        (directory.join("ppot-0085-k16.g1-compressed"), directory.join("ppot-0085-g2-powers-of-two.gnark"));
    if !file.exists() || !more.exists() {
        println!("skipped: {} and {} are not there", file.display(), more.display());
        return;
    }
    let srs = read(&fs::read(&file).unwrap()).unwrap();
    let with = srs.clone().with_g2_powers(read_g2_powers(fs::File::open(&more).unwrap()).unwrap()).unwrap();
    let powers = with.g2_powers_of_two().unwrap();
    assert_eq!((powers.len(), powers[0]), (16, srs.verifier_key().tau_g2()));
    assert_eq!(with.id(), srs.id());
}

#[test]
fn rejects_ptau_files_with_other_powers_in_g2() {
    let bytes = ptau();
    let tau_g2 = 12 + 12 + 44 + 12 + 64 * (2 * N - 1) + 12;
    let fourth = tau_g2 + 128 * 4;
    assert!(
        refuse(&bytes, |bytes| bytes.copy_within(fourth - 128..fourth, fourth)).contains("[τ^(2^2)]₂ is another power")
    );
    assert!(refuse(&bytes, |bytes| put(bytes, fourth, &[0xff; 32])).contains("[τ^4]₂ at byte"));
    // The third power is none of those that are read.
    assert!(
        read(&{
            let mut bytes = bytes.clone();
            put(&mut bytes, fourth - 128, &[0xff; 32]);
            bytes
        })
        .is_ok()
    );
}

#[test]
fn rejects_what_is_no_set_up_by_its_name() {
    let refused = |bytes: &[u8]| read(bytes).unwrap_err();
    let s3 = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
    assert_eq!(
        refused(s3).to_string(),
        "expected a set-up, found an error document of an object store (NoSuchKey): the file is not, or no longer, at \
         that address"
    );
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 2097284\n";
    assert!(refused(pointer).to_string().contains("git lfs pull"));
    assert!(refused(b"").to_string().contains("an empty file"));
    assert!(
        refused(b"PK\x03\x04 and then much more than sixty-eight bytes of something else")
            .to_string()
            .contains("unpack it first")
    );
}

/// Wherever a file is cut off, it is said to be incomplete.
#[test]
fn rejects_interrupted_files_as_such() {
    let mut with_g2_powers = Vec::new();
    write_compact(&development_with_g2_powers(), &mut with_g2_powers).unwrap();
    for bytes in [compact(), ptau(), halo2(), with_g2_powers] {
        for length in [5, 12, 36, 67, 68, 80, 1000, bytes.len() / 2, bytes.len() - 64, bytes.len() - 1] {
            let problem = read(&bytes[..length]).unwrap_err();
            let incomplete = matches!(problem, ImportProblem::Incomplete { .. } | ImportProblem::EndsEarly { .. });
            assert!(incomplete && problem.to_string().contains("incomplete"), "{length}: {problem}");
        }
    }
    // A container that ends between two sections.
    let sections = ptau_sections();
    let mut bytes = ptau_of(&sections[..3]);
    bytes[8] = 7;
    assert!(matches!(read(&bytes).unwrap_err(), ImportProblem::EndsEarly { .. }));
}

#[test]
fn progress_counts_points() {
    let seen = std::sync::Mutex::new(Vec::new());
    super::read(io::Cursor::new(compact()), None, None, &|event| seen.lock().unwrap().push(event)).unwrap();
    let event = |done| Event::Progress { stage: Stage::ReadingPowers, done, total: 512 };
    assert_eq!(seen.into_inner().unwrap(), [event(0), event(512)]);
}

#[test]
fn the_ceremony_is_recognised() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/srs/ppot-0085-k16.g1-compressed");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return;
    }
    let srs = super::read(fs::File::open(&path).unwrap(), None, None, &Silent).unwrap();
    assert_eq!(srs.capacity().k(), 16);
    let Origin::Ceremony(ceremony) = srs.origin() else { panic!("{:?}", srs.origin()) };
    assert_eq!(ceremony.name, "ppot-0085");
    assert_eq!(srs.id().to_string(), "0x3fddc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730");
    let mut file = Vec::new();
    write_compact(&srs, &mut file).unwrap();
    assert_eq!(file, std::fs::read(&path).unwrap());
    let prefix = super::read(fs::File::open(&path).unwrap(), None, Some(capacity(11)), &Silent).unwrap();
    assert_eq!(prefix, srs.truncated(capacity(11)).unwrap());
}

#[test]
fn rejects_unknown_formats() {
    for bytes in [&[0; 200][..], b"something else"] {
        assert!(matches!(read(bytes).unwrap_err(), ImportProblem::UnknownFormat));
    }
}

#[test]
fn rejects_too_few_powers() {
    let error = read_with(&compact(), None, Some(capacity(10))).unwrap_err().to_string();
    assert!(error.contains("capacity class 10 needs 2^10 powers of τ, this set-up has 2^9"), "{error}");
    let (g1, g2) = aztec();
    let error = read_with(&g1[..64 * 511], Some(&g2), None).unwrap_err().to_string();
    assert!(error.contains("capacity class 9 needs"), "{error}");
}

#[test]
fn rejects_compact_files_of_another_length() {
    let bytes = compact();
    // Longer ones have powers in G2, all of them.
    let error = refuse(&bytes, |bytes| bytes.push(0));
    assert!(error.contains("compact set-up with this header has 17028 bytes, found 16517"), "{error}");
    assert!(refuse(&bytes, |bytes| bytes.truncate(16515)).contains("found 16515"));
    assert!(refuse(&bytes, |bytes| bytes[0] = 10).contains("has 32900 bytes"));
    assert!(refuse(&bytes, |bytes| bytes[0] = 60).contains("k: expected at most 28, found 60"));
}

#[test]
fn rejects_compact_points_that_are_none() {
    let bytes = compact();
    let power = 4 + 32 * 5;
    let no_root =
        (2u8..).find(|&x| bool::from((Fq::from(u64::from(x)).cube() + Fq::from(3)).sqrt().is_none())).unwrap();
    let off_curve = [&[no_root][..], &[0; 31]].concat();
    assert_eq!(
        refuse(&bytes, |bytes| put(bytes, power, &off_curve)),
        "power 5 of τ at byte 164: expected a point on the curve, found coordinates that do not satisfy its equation"
    );
    assert!(refuse(&bytes, |bytes| bytes[power + 31] |= 0x80).contains("canonical encoding"));
    let identity = [&[0; 31][..], &[0x80]].concat();
    assert!(refuse(&bytes, |bytes| put(bytes, power, &identity)).contains("found the identity"));
    let p_plus_one: Vec<u8> = [&[modulus()[0] + 1], &modulus()[1..]].concat();
    assert!(refuse(&bytes, |bytes| put(bytes, power, &p_plus_one)).contains("coordinates below the field's modulus"));
    assert!(refuse(&bytes, |bytes| bytes[power + 31] ^= 0x40).contains("pairing check"));
}

#[test]
fn rejects_compact_files_with_other_points_of_g2() {
    let bytes = compact();
    let (generator, tau) = (4 + 32 * N, 4 + 32 * N + 64);
    for part in [generator, generator + 32, tau, tau + 32] {
        // The highest bits of the second part are flags.
        let error = refuse(&bytes, |bytes| put(bytes, part, &[&[0xff; 31][..], &[0x3f]].concat()));
        assert!(error.contains("coordinates below the field's modulus"), "{error}");
    }
    let swapped = bytes[tau..].to_vec();
    assert!(refuse(&bytes, |bytes| put(bytes, generator, &swapped)).contains("standard generator of G2"));
    assert!(refuse(&bytes, |bytes| bytes.copy_within(generator..tau, tau)).contains("found τ = 1"));
    let other = (G2::generator() * development_tau().square()).to_affine().to_bytes();
    assert!(refuse(&bytes, |bytes| put(bytes, tau, other.as_ref())).contains("pairing check"));
}

#[test]
fn rejects_ptau_containers_of_another_shape() {
    let bytes = ptau();
    assert!(refuse(&bytes, |bytes| bytes[4] = 2).contains("version: expected 1, found 2"));
    assert!(refuse(&bytes, |bytes| bytes[11] = 1).contains("number of sections: expected at most 64"));
    assert!(refuse(&bytes, |bytes| bytes.push(0)).contains("found"));
    assert!(
        refuse(&bytes, |bytes| drop(bytes.split_off(bytes.len() - 1))).contains("snarkjs .ptau with this header has")
    );
    assert!(
        refuse(&bytes, |bytes| put(bytes, 16, &u64::MAX.to_le_bytes()))
            .contains("with this header has 18446744073709551615")
    );
}

#[test]
fn rejects_ptau_files_with_missing_or_double_sections() {
    for kind in 1..=3 {
        let mut sections = ptau_sections();
        let removed = sections.remove(kind - 1);
        let error = read(&ptau_of(&sections)).unwrap_err().to_string();
        assert!(error.contains(&format!("section {kind}")) && error.contains("expected one, found none"), "{error}");
        sections.extend([removed.clone(), removed]);
        let error = read(&ptau_of(&sections)).unwrap_err().to_string();
        assert!(error.contains(&format!("section {kind}")) && error.contains("expected one, found two"), "{error}");
    }
}

#[test]
fn rejects_ptau_headers_of_other_curves_and_sizes() {
    let bytes = ptau();
    let header = 12 + 12;
    assert!(refuse(&bytes, |bytes| bytes[header] = 48).contains("bytes of a coordinate: expected 32, found 48"));
    assert!(refuse(&bytes, |bytes| bytes[header + 4] ^= 1).contains("expected bn128 (BN254)"));
    assert!(refuse(&bytes, |bytes| bytes[header + 36] = 29).contains("power: expected at most 28, found 29"));
    assert!(
        refuse(&bytes, |bytes| bytes[header + 36] = 8).contains("section 2 (tauG1): expected 32704 bytes, found 65472")
    );
    let mut sections = ptau_sections();
    sections[2] = section(3, &[0; 128]);
    assert!(read(&ptau_of(&sections)).unwrap_err().to_string().contains("section 3 (tauG2): expected 65536 bytes"));
    sections[0] = section(1, &[0; 40]);
    assert!(read(&ptau_of(&sections)).unwrap_err().to_string().contains("length of section 1: expected 44, found 40"));
}

#[test]
fn rejects_ptau_points_that_are_none() {
    let bytes = ptau();
    let tau_g1 = 12 + 12 + 44 + 12;
    let tau_g2 = tau_g1 + 64 * (2 * N - 1) + 12;
    assert!(refuse(&bytes, |bytes| put(bytes, tau_g1 + 64, &[0xff; 32])).contains("power 1 of τ"));
    assert!(refuse(&bytes, |bytes| put(bytes, tau_g1 + 64, &[0; 64])).contains("found the identity"));
    assert!(refuse(&bytes, |bytes| bytes[tau_g1 + 64] ^= 1).contains("on the curve"));
    assert!(
        refuse(&bytes, |bytes| bytes.copy_within(tau_g1 + 64..tau_g1 + 128, tau_g1))
            .contains("expected the generator (1, 2)")
    );
    assert!(
        refuse(&bytes, |bytes| bytes.copy_within(tau_g2 + 128..tau_g2 + 256, tau_g2))
            .contains("standard generator of G2")
    );
    assert!(
        refuse(&bytes, |bytes| bytes.copy_within(tau_g2 + 256..tau_g2 + 384, tau_g2 + 128)).contains("pairing check")
    );
}

#[test]
fn rejects_halo2_files_of_another_length() {
    let bytes = halo2();
    assert!(
        refuse(&bytes, |bytes| bytes.push(0)).contains("halo2 RawBytes parameters with this header has 65796 bytes")
    );
    assert!(refuse(&bytes, |bytes| bytes.truncate(65795)).contains("found 65795"));
    assert!(refuse(&bytes, |bytes| bytes[3] = 1).contains("k: expected at most 28"));
}

#[test]
fn rejects_halo2_points_that_are_none() {
    let bytes = halo2();
    assert!(refuse(&bytes, |bytes| put(bytes, 4 + 64, &modulus())).contains("below the field's modulus"));
    assert!(refuse(&bytes, |bytes| bytes[4 + 64] ^= 1).contains("power 1 of τ at byte 68"));
    assert!(refuse(&bytes, |bytes| put(bytes, 4 + 64, &[0; 64])).contains("identity"));
    assert!(refuse(&bytes, |bytes| put(bytes, 4 + 128 * N + 128, &[0; 128])).contains("[τ]₂ at byte 65668"));
}

#[test]
fn the_lagrange_part_of_halo2_files_is_not_believed() {
    let mut bytes = halo2();
    put(&mut bytes, 4 + 64 * N, &[0xff; 64]);
    assert_eq!(read(&bytes).unwrap(), development());
}

#[test]
fn rejects_aztec_files_without_the_right_companion() {
    let (g1, g2) = aztec();
    assert!(matches!(read(&g1).unwrap_err(), ImportProblem::MissingG2));
    let error = |g2: &[u8]| read_with(&g1, Some(g2), None).unwrap_err();
    assert!(error(&g2[1..]).to_string().contains("length of g2.dat: expected 128 bytes, found 127 bytes"));
    // The EVM's order of the coordinates is not Aztec's.
    let evm = crate::point::g2_to_bytes(&development().verifier_key().tau_g2());
    assert!(error(&evm).to_string().contains("on the curve"));
    assert!(error(&[0xff; 128]).to_string().contains("below the field's modulus"));
    assert!(matches!(read_with(&compact(), Some(&g2), None).unwrap_err(), ImportProblem::NeedlessG2(Format::Compact)));
}

#[test]
fn rejects_aztec_points_that_are_none() {
    let (g1, g2) = aztec();
    let error = |damage: &dyn Fn(&mut Vec<u8>)| {
        let mut g1 = g1.clone();
        damage(&mut g1);
        read_with(&g1, Some(&g2), None).unwrap_err().to_string()
    };
    assert!(error(&|g1| g1.push(0)).contains("Aztec g1.dat with this header has 32768 bytes, found 32769"));
    assert!(error(&|g1| put(g1, 64, &[0xff; 32])).contains("below the field's modulus"));
    assert!(error(&|g1| g1[127] ^= 1).contains("power 1 of τ at byte 64"));
    assert!(error(&|g1| put(g1, 640, &[0; 64])).contains("identity"));
    assert!(error(&|g1| g1.copy_within(640..704, 704)).contains("pairing check"));
}

#[test]
fn a_known_g2_dat_is_recognised() {
    let bytes: Vec<u8> = crate::origin::CEREMONIES[2]
        .tau_g2
        .chunks_exact(64)
        .flat_map(|pair| [&pair[32..], &pair[..32]].concat())
        .collect();
    assert_eq!(bytes[..4], [0x01, 0x18, 0xc4, 0xd5], "as bn254_g2.dat begins");
    let tau_g2 = aztec::read_g2(&mut Source::new(std::io::Cursor::new(bytes)).unwrap()).unwrap();
    let origin = crate::VerifierKey::new(tau_g2).unwrap().origin();
    assert!(matches!(origin, Origin::Ceremony(ceremony) if ceremony.name == "aztec-ignition"));
}

/// A disk that fails.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

impl Seek for Broken {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let io::SeekFrom::Start(position) = to else { return Ok(START_BYTES as u64) };
        Ok(position)
    }
}

#[test]
fn a_disk_that_fails_is_told_from_an_unknown_format() {
    let detected = detect(&mut Source::new(Broken).unwrap());
    assert!(matches!(detected, Err(ImportProblem::Io(_))), "{detected:?}");
    let short = detect(&mut Source::new(io::Cursor::new([0; START_BYTES - 1])).unwrap());
    assert!(matches!(short, Err(ImportProblem::UnknownFormat)), "{short:?}");
}

#[test]
fn formats_are_told_by_the_whole_generator() {
    let srs = development();
    let mut compact = Vec::new();
    write_compact(&srs, &mut compact).unwrap();
    assert_eq!(format_of(&compact), Some(Format::Compact));
    for position in 4..36 {
        let mut other = compact.clone();
        other[position] ^= 1;
        assert_eq!(format_of(&other), None, "byte {position}");
    }
}
