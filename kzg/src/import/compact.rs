//! The compact format: little more than half a megabyte for `2^14` powers. Imported set-ups are stored in it.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | k, little-endian |
//! | `32·2^k` | `[τ^i]₁` for i from 0, compressed as halo2curves does |
//! | 64 | `[1]₂`, compressed |
//! | 64 | `[τ]₂`, compressed |
//! | nothing, or `64·(k − 1)` | `[τ²]₂, [τ⁴]₂, …, [τ^(2^(k−1))]₂`, compressed |

use std::io::{self, Read, Seek, Write};

use group::GroupEncoding;
use halo2curves::bn256::G2Affine;
use surety_core::capacity::Capacity;

use super::{Format, ImportProblem, Points, Source, capacity_to_read, decode::Encoding};
use crate::{progress::Observer, srs::Srs};

const HEADER_BYTES: u64 = 4;

/// What a file in the compact format has, apart from the powers in G1.
pub struct Header {
    /// Binary logarithm of the number of powers.
    pub k: u32,
    /// `[τ]₂`.
    pub tau_g2: G2Affine,
    /// Whether `[τ²]₂, [τ⁴]₂, …` follow.
    pub has_g2_powers: bool,
}

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    wanted: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Points, ImportProblem> {
    let Header { k, tau_g2, has_g2_powers } = read_header(source)?;
    let capacity = capacity_to_read(k, wanted)?;
    let mut g2_powers = None;
    if has_g2_powers {
        let mut powers = vec![tau_g2];
        for i in 1..capacity.k() {
            powers.push(source.g2(&format!("[τ^{}]₂", 1u64 << i), Encoding::Compressed)?);
        }
        g2_powers = Some(powers);
    }
    source.seek(HEADER_BYTES)?;
    Ok(Points { powers: source.powers(capacity.rows(), Encoding::Compressed, observer)?, tau_g2, g2_powers })
}

/// Reads all but the powers; what comes next are the powers in G2, if there are any.
pub(crate) fn read_header<R: Read + Seek>(source: &mut Source<R>) -> Result<Header, ImportProblem> {
    let k = source.k()?;
    let points = (Encoding::Compressed.g1_bytes() as u64) << k;
    let g2_bytes = Encoding::Compressed.g2_bytes() as u64;
    let without = HEADER_BYTES + points + 2 * g2_bytes;
    let has_g2_powers = source.length() > without;
    let more = if has_g2_powers { g2_bytes * u64::from(k.saturating_sub(1)) } else { 0 };
    source.expect_length(Format::Compact, without + more)?;
    source.seek(HEADER_BYTES + points)?;
    Ok(Header { k, tau_g2: source.generator_and_tau_g2(Encoding::Compressed)?, has_g2_powers })
}

/// Writes a set-up in the compact format.
///
/// # Errors
/// Those of `writer`.
pub fn write_compact(srs: &Srs, writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(&srs.capacity().k().to_le_bytes())?;
    for power in srs.powers() {
        writer.write_all(power.to_bytes().as_ref())?;
    }
    writer.write_all(srs.verifier_key().g2().to_bytes().as_ref())?;
    writer.write_all(srs.verifier_key().tau_g2().to_bytes().as_ref())?;
    let more = srs.g2_powers_of_two().unwrap_or_default().iter().skip(1);
    more.map(GroupEncoding::to_bytes).try_for_each(|point| writer.write_all(point.as_ref()))
}
