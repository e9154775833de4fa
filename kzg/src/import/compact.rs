//! The compact format: little more than half a megabyte for `2^14` powers. Imported set-ups are stored in it.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | k, little-endian |
//! | `32·2^k` | `[τ^i]₁` for i from 0, compressed as halo2curves does |
//! | 64 | `[1]₂`, compressed |
//! | 64 | `[τ]₂`, compressed |

use std::io::{self, Read, Seek, Write};

use group::GroupEncoding;
use halo2curves::bn256::{G1Affine, G2Affine};
use surety_margin::capacity::Capacity;

use super::{Format, ImportProblem, Source, capacity_to_read, decode::Encoding};
use crate::{progress::Observer, srs::Srs};

const HEADER_BYTES: u64 = 4;

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    wanted: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<(Vec<G1Affine>, G2Affine), ImportProblem> {
    let (k, tau_g2) = read_header(source)?;
    let capacity = capacity_to_read(k, wanted)?;
    source.seek(HEADER_BYTES)?;
    Ok((source.powers(capacity.rows(), Encoding::Compressed, observer)?, tau_g2))
}

/// Reads k and `[τ]₂` only.
pub(crate) fn read_header<R: Read + Seek>(source: &mut Source<R>) -> Result<(u32, G2Affine), ImportProblem> {
    let k = source.k()?;
    let points = (Encoding::Compressed.g1_bytes() as u64) << k;
    let tail = 2 * Encoding::Compressed.g2_bytes() as u64;
    source.expect_length(Format::Compact, HEADER_BYTES + points + tail)?;
    source.seek(HEADER_BYTES + points)?;
    Ok((k, source.generator_and_tau_g2(Encoding::Compressed)?))
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
    writer.write_all(srs.verifier_key().tau_g2().to_bytes().as_ref())
}
