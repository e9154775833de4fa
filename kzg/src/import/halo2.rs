//! `ParamsKZG` as the Halo2 forks write it in the formats `RawBytes` and `RawBytesUnchecked`, which are the same bytes.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | k, little-endian |
//! | `64·2^k` | `[τ^i]₁` for i from 0, Montgomery form |
//! | `64·2^k` | the Lagrange basis: not read, as it can be computed |
//! | 128 | `[1]₂`, Montgomery form |
//! | 128 | `[τ]₂`, Montgomery form |

use std::io::{Read, Seek};

use surety_core::capacity::Capacity;

use super::{Format, ImportProblem, Points, Source, capacity_to_read, decode::Encoding};
use crate::progress::Observer;

pub(super) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    wanted: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Points, ImportProblem> {
    let k = source.k()?;
    let bases = (2 * Encoding::Montgomery.g1_bytes() as u64) << k;
    let (start, tail) = (source.position(), 2 * Encoding::Montgomery.g2_bytes() as u64);
    source.expect_length(Format::Halo2, start + bases + tail)?;
    let capacity = capacity_to_read(k, wanted)?;
    let powers = source.powers(capacity.rows(), Encoding::Montgomery, observer)?;
    source.seek(start + bases)?;
    Ok(Points { powers, tau_g2: source.generator_and_tau_g2(Encoding::Montgomery)?, g2_powers: None })
}
