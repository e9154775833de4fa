//! Reading set-ups from the files that ceremonies and other tools publish.
//!
//! The format is recognised by content. Whatever the format, nothing in a file is believed: its length must be exactly
//! what its header implies, every number canonical, and the points must pass [`Srs::new_checked`]. Only the powers
//! asked for are read, at most `2^16`, however large the file.
//!
//! | format | written by | begins with |
//! |---|---|---|
//! | [`Format::Compact`] | this crate ([`write_compact`]) | k, then the compressed generator |
//! | [`Format::Ptau`] | snarkjs | `ptau` |
//! | [`Format::Halo2`] | `ParamsKZG::write` of halo2 forks | k, then the generator in Montgomery form |
//! | [`Format::Aztec`] | Aztec Ignition, as Barretenberg keeps it | the generator, 64 bytes big-endian |
//!
//! Beside the powers in G1 and `[τ]₂`, a `.ptau` has all powers in G2, of which `[τ^(2^i)]₂` are read;
//! [`read_g2_powers`] reads them from a file of their own.

mod aztec;
mod compact;
mod decode;
mod foreign;
mod gnark;
mod halo2;
mod ptau;
mod source;

#[cfg(test)]
mod tests;

use core::fmt;
use std::io::{self, Read, Seek};

use halo2curves::bn256::{G1Affine, G2Affine};
use surety_core::capacity::Capacity;

pub(crate) use self::source::Source;
pub use self::{
    compact::{Header, write_compact},
    foreign::{Foreign, TELLING_BYTES},
};
use crate::{
    point::PointError,
    progress::Observer,
    srs::{Srs, SrsError},
};

/// How much of a file tells its format.
pub const START_BYTES: usize = 68;

/// A kind of set-up file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// k and compressed points.
    Compact,
    /// snarkjs' binary container.
    Ptau,
    /// `ParamsKZG` of the Halo2 forks, in the format `RawBytes`.
    Halo2,
    /// `g1.dat` or `bn254_g1.dat` of Aztec, with `g2.dat` beside it.
    Aztec,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compact => "compact set-up",
            Self::Ptau => "snarkjs .ptau",
            Self::Halo2 => "halo2 RawBytes parameters",
            Self::Aztec => "Aztec g1.dat",
        })
    }
}

/// What is wrong with a set-up file.
#[derive(Debug, thiserror::Error)]
pub enum ImportProblem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// No known format begins like this.
    #[error(
        "expected a compact set-up, a snarkjs .ptau, halo2 parameters in RawBytes or an Aztec g1.dat, found none of \
         them: \
         is the file complete, and uncompressed?"
    )]
    UnknownFormat,
    /// Something else lies there.
    #[error("expected a set-up, found {0}")]
    Foreign(Foreign),
    /// The file ends before its content does.
    #[error(
        "the file is incomplete, as after an interrupted download: a {format} with this header has {expected} bytes, \
         found {found}: resume the download, or start it again"
    )]
    Incomplete {
        /// The format.
        format: Format,
        /// Bytes that the header implies.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The file ends before its header or a part of it does.
    #[error(
        "the file is incomplete, as after an interrupted download: it ends at byte {found}, within its content: resume \
         the download, or start it again"
    )]
    EndsEarly {
        /// Bytes there are.
        found: u64,
    },
    /// The length does not fit the header.
    #[error(
        "a {format} with this header has {expected} bytes, found {found}: it is damaged or another file; download it \
         again"
    )]
    Length {
        /// The format.
        format: Format,
        /// Bytes that the header implies.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A field of the header has an impossible value.
    #[error("{field}: expected {expected}, found {found}")]
    Header {
        /// The field.
        field: &'static str,
        /// Values that would do.
        expected: String,
        /// The value there is.
        found: String,
    },
    /// A point is not one.
    #[error("{point} at byte {offset}: {error}")]
    Point {
        /// Which point.
        point: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong with it.
        error: PointError,
    },
    /// `[1]₂` is not the generator.
    #[error("expected the standard generator of G2 as [1]₂ at byte {offset}, found another point")]
    GeneratorG2 {
        /// Where in the file.
        offset: u64,
    },
    /// An Aztec file without its companion.
    #[error("an Aztec g1.dat comes without [τ]₂: pass the g2.dat of the same ceremony as well")]
    MissingG2,
    /// A companion for a format that needs none.
    #[error("a {0} contains its own [τ]₂: do not pass a g2.dat with it")]
    NeedlessG2(Format),
    /// The points are no set-up.
    #[error(transparent)]
    Srs(#[from] SrsError),
}

/// Reads and checks a set-up wherever its bytes are. `tau_g2` goes with an Aztec `g1.dat` and with nothing else.
/// Without `capacity`, reads as many powers as there are, up to `2^16`.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read(
    file: impl Read + Seek,
    tau_g2: Option<G2Affine>,
    capacity: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Srs, ImportProblem> {
    let mut source = Source::new(file)?;
    let format = detect(&mut source)?;
    if let (Some(_), Format::Compact | Format::Ptau | Format::Halo2) = (tau_g2, format) {
        return Err(ImportProblem::NeedlessG2(format));
    }
    let points = match format {
        Format::Compact => compact::read(&mut source, capacity, observer)?,
        Format::Ptau => ptau::read(&mut source, capacity, observer)?,
        Format::Halo2 => halo2::read(&mut source, capacity, observer)?,
        Format::Aztec => {
            let tau_g2 = tau_g2.ok_or(ImportProblem::MissingG2)?;
            Points { powers: aztec::read_g1(&mut source, capacity, observer)?, tau_g2, g2_powers: None }
        }
    };
    let srs = Srs::new_checked(points.powers, points.tau_g2)?;
    Ok(match points.g2_powers {
        Some(g2_powers) => srs.with_g2_powers(g2_powers)?,
        None => srs,
    })
}

/// What a file has of a set-up, unchecked.
struct Points {
    /// `[τ^i]₁` for i from 0.
    powers: Vec<G1Affine>,
    tau_g2: G2Affine,
    /// `[τ^(2^i)]₂` for i from 0, one for each of the powers' k, if the file has them.
    g2_powers: Option<Vec<G2Affine>>,
}

/// Reads all of a set-up in the compact format but its powers, wherever its bytes are.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_header(file: impl Read + Seek) -> Result<Header, ImportProblem> {
    compact::read_header(&mut Source::new(file)?)
}

/// Reads `[τ]₂` of a `g2.dat` wherever its bytes are.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_g2(file: impl Read + Seek) -> Result<G2Affine, ImportProblem> {
    aztec::read_g2(&mut Source::new(file)?)
}

/// Reads `[τ]₂, [τ²]₂, [τ⁴]₂, …` as gnark writes them: compressed, 64 bytes each. They are points of the right group,
/// no more; [`Srs::with_g2_powers`] checks the rest.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn read_g2_powers(file: impl Read + Seek) -> Result<Vec<G2Affine>, ImportProblem> {
    gnark::read_g2_powers(&mut Source::new(file)?)
}

/// Recognises a format by the first bytes, and rewinds.
fn detect<R: Read + Seek>(source: &mut Source<R>) -> Result<Format, ImportProblem> {
    let start = source.start(foreign::TELLING_BYTES)?;
    source.seek(0)?;
    format_of(&start).ok_or_else(|| unrecognised(&start))
}

/// Why a file that begins with these bytes, or is no longer than they are, is no set-up.
fn unrecognised(start: &[u8]) -> ImportProblem {
    if let Some(foreign) = Foreign::recognise(start) {
        ImportProblem::Foreign(foreign)
    } else if is_cut_off(start) {
        ImportProblem::EndsEarly { found: start.len() as u64 }
    } else {
        ImportProblem::UnknownFormat
    }
}

/// Whether these few bytes are all that is left of a set-up file.
fn is_cut_off(file: &[u8]) -> bool {
    let agree = |start: &[u8], generator: &[u8]| start.iter().zip(generator).all(|(a, b)| a == b);
    let agree_after_k = |generator: &[u8]| file.get(4..).is_some_and(|rest| !rest.is_empty() && agree(rest, generator));
    file.len() < START_BYTES
        && (file.starts_with(ptau::MAGIC)
            || agree(file, &decode::big_endian_generator())
            || agree_after_k(&decode::compressed_generator())
            || agree_after_k(&decode::montgomery_generator()))
}

/// The format of a set-up file that begins with these bytes, if it is one.
#[must_use]
pub fn format_of(file: &[u8]) -> Option<Format> {
    let start: &[u8; START_BYTES] = file.first_chunk()?;
    match start {
        start if start.starts_with(ptau::MAGIC) => Some(Format::Ptau),
        start if start[4..].starts_with(&decode::compressed_generator()) => Some(Format::Compact),
        start if start[4..] == decode::montgomery_generator() => Some(Format::Halo2),
        start if start.starts_with(&decode::big_endian_generator()) => Some(Format::Aztec),
        _ => None,
    }
}

/// How many powers to read of a file that has `2^k`.
fn capacity_to_read(k: u32, wanted: Option<Capacity>) -> Result<Capacity, ImportProblem> {
    let smallest = Capacity::all().next().map_or(0, Capacity::k);
    let too_small = |wanted| SrsError::TooSmall { wanted, found: k };
    match wanted {
        Some(capacity) if capacity.k() <= k => Ok(capacity),
        Some(capacity) => Err(too_small(capacity.k()).into()),
        None => {
            Ok(Capacity::all().take_while(|capacity| capacity.k() <= k).last().ok_or_else(|| too_small(smallest))?)
        }
    }
}
