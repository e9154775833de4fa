//! Aztec Ignition's points in the flat form that Barretenberg downloads.
//!
//! | file | bytes | content |
//! |---|---|---|
//! | `g1.dat` | 64 each | `[τ^i]₁` for i from 0: x, y, big-endian; any number, as downloads may end anywhere |
//! | `g2.dat` | 128 | `[τ]₂`: x.c0, x.c1, y.c0, y.c1, big-endian |

use std::io::{Read, Seek};

use halo2curves::bn256::{G1Affine, G2Affine};
use surety_core::capacity::Capacity;

use super::{Format, ImportProblem, Source, capacity_to_read, decode::Encoding};
use crate::progress::Observer;

pub(super) fn read_g1<R: Read + Seek>(
    source: &mut Source<R>,
    wanted: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Vec<G1Affine>, ImportProblem> {
    let width = Encoding::BigEndian.g1_bytes() as u64;
    let points = source.length() / width;
    source.expect_length(Format::Aztec, points * width)?;
    let capacity = capacity_to_read(points.checked_ilog2().unwrap_or(0), wanted)?;
    source.powers(capacity.rows(), Encoding::BigEndian, observer)
}

pub(super) fn read_g2<R: Read + Seek>(source: &mut Source<R>) -> Result<G2Affine, ImportProblem> {
    let expected = Encoding::BigEndian.g2_bytes();
    if source.length() != expected as u64 {
        let (expected, found) = (format!("{expected} bytes"), format!("{} bytes", source.length()));
        return Err(ImportProblem::Header { field: "length of g2.dat", expected, found });
    }
    source.g2("[τ]₂", Encoding::BigEndian)
}
