//! The container of snarkjs, all numbers little-endian: `ptau`, version (u32) 1, number of sections (u32), and the
//! sections, each with its type (u32), length in bytes (u64) and content.
//!
//! | section | content |
//! |---|---|
//! | 1 | bytes of a coordinate (u32), p, power (u32), power of the whole ceremony (u32) |
//! | 2 | `2^(power+1) - 1` points `[τ^i]₁`, Montgomery form |
//! | 3 | `2^power` points `[τ^i]₂`, Montgomery form, of which those with i a power of two are read |
//! | others | not read: powers times α and β, contributions, Lagrange bases |

use std::io::{Read, Seek};

use ff::{Field, PrimeField};
use halo2curves::bn256::{Fq, Fr};
use surety_core::capacity::Capacity;

use super::{Format, ImportProblem, Points, Source, capacity_to_read, decode::Encoding};
use crate::progress::Observer;

pub(super) const MAGIC: &[u8] = b"ptau";

const VERSION: u32 = 1;

/// More sections than any version of snarkjs writes.
const MAX_SECTIONS: u32 = 64;

const HEADER: u32 = 1;
const TAU_G1: u32 = 2;
const TAU_G2: u32 = 3;

/// The sections that are read, by number.
const NAMES: [&str; 4] = ["", "section 1 (header)", "section 2 (tauG1)", "section 3 (tauG2)"];

/// Where a section's content lies.
#[derive(Clone, Copy)]
struct Section {
    start: u64,
    length: u64,
}

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    wanted: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Points, ImportProblem> {
    let [header, tau_g1, tau_g2] = find_sections(source)?;
    let power = read_header(source, header)?;
    expect_points(TAU_G1, tau_g1, (2 << power) - 1, Encoding::Montgomery.g1_bytes())?;
    expect_points(TAU_G2, tau_g2, 1 << power, Encoding::Montgomery.g2_bytes())?;
    let capacity = capacity_to_read(power, wanted)?;
    source.seek(tau_g1.start)?;
    let powers = source.powers(capacity.rows(), Encoding::Montgomery, observer)?;
    source.seek(tau_g2.start)?;
    let tau = source.generator_and_tau_g2(Encoding::Montgomery)?;
    let mut g2_powers = vec![tau];
    for i in 1..capacity.k() {
        source.seek(tau_g2.start + ((Encoding::Montgomery.g2_bytes() as u64) << i))?;
        g2_powers.push(source.g2(&format!("[τ^{}]₂", 1u64 << i), Encoding::Montgomery)?);
    }
    Ok(Points { powers, tau_g2: tau, g2_powers: Some(g2_powers) })
}

/// Walks through the container; the sections must fill the file exactly.
fn find_sections<R: Read + Seek>(source: &mut Source<R>) -> Result<[Section; 3], ImportProblem> {
    source.bytes::<4>()?;
    let version = source.u32()?;
    expect("version", version == VERSION, VERSION, version)?;
    let count = source.u32()?;
    expect("number of sections", count <= MAX_SECTIONS, format!("at most {MAX_SECTIONS}"), count)?;
    let mut found = [None; 3];
    for _ in 0..count {
        let (kind, length) = (source.u32()?, source.u64()?);
        let section = Section { start: source.position(), length };
        let end = section.start.checked_add(length).filter(|&end| end <= source.length());
        let end = end.ok_or_else(|| ImportProblem::Incomplete {
            format: Format::Ptau,
            expected: section.start.saturating_add(length),
            found: source.length(),
        })?;
        if let HEADER..=TAU_G2 = kind {
            let earlier = found[kind as usize - 1].replace(section);
            expect(NAMES[kind as usize], earlier.is_none(), "one", "two")?;
        }
        source.seek(end)?;
    }
    source.expect_length(Format::Ptau, source.position())?;
    let section = |kind: u32| {
        found[kind as usize - 1].ok_or_else(|| ImportProblem::Header {
            field: NAMES[kind as usize],
            expected: "one".to_owned(),
            found: "none".to_owned(),
        })
    };
    Ok([section(HEADER)?, section(TAU_G1)?, section(TAU_G2)?])
}

/// Checks the field and returns the power.
fn read_header<R: Read + Seek>(source: &mut Source<R>, section: Section) -> Result<u32, ImportProblem> {
    expect("length of section 1", section.length == 44, 44, section.length)?;
    source.seek(section.start)?;
    let coordinate_bytes = source.u32()?;
    expect("bytes of a coordinate", coordinate_bytes == 32, 32, coordinate_bytes)?;
    let modulus: [u8; 32] = source.bytes()?;
    expect("curve", modulus == field_modulus(), "bn128 (BN254)", "another field's modulus")?;
    let power = source.u32()?;
    expect("power", power <= Fr::S, format!("at most {}", Fr::S), power)?;
    Ok(power)
}

/// p, little-endian.
fn field_modulus() -> [u8; 32] {
    let mut modulus = (-Fq::ONE).to_repr();
    modulus[0] += 1; // p - 1 is even
    modulus
}

fn expect_points(kind: u32, section: Section, points: u64, width: usize) -> Result<(), ImportProblem> {
    let expected = points * width as u64;
    let found = format!("{} bytes", section.length);
    expect(NAMES[kind as usize], section.length == expected, format!("{expected} bytes"), found)
}

fn expect(
    field: &'static str,
    holds: bool,
    expected: impl ToString,
    found: impl ToString,
) -> Result<(), ImportProblem> {
    if holds {
        return Ok(());
    }
    Err(ImportProblem::Header { field, expected: expected.to_string(), found: found.to_string() })
}
