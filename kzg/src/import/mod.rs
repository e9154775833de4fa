//! Reading set-ups from the files that ceremonies and other tools publish.
//!
//! The format is recognised by content. Whatever the format, nothing in a file is believed: its length must be exactly what
//! its header implies, every number canonical, and the points must pass [`Srs::new_checked`]. Only the powers asked for
//! are read, at most `2^16`, however large the file.
//!
//! | format | written by | begins with |
//! |---|---|---|
//! | [`Format::Compact`] | this crate ([`write_compact`]) | k, then the compressed generator |
//! | [`Format::Ptau`] | snarkjs | `ptau` |
//! | [`Format::Halo2`] | `ParamsKZG::write` of halo2 forks | k, then the generator in Montgomery form |
//! | [`Format::Aztec`] | Aztec Ignition, as Barretenberg keeps it | the generator, 64 bytes big-endian |

mod aztec;
mod compact;
mod decode;
mod halo2;
mod ptau;
mod source;

#[cfg(feature = "fs")]
#[cfg(test)]
mod tests;

use core::fmt;
#[cfg(feature = "fs")]
use std::{fs::File, path::Path};
use std::{
    io::{self, Read, Seek},
    path::PathBuf,
};

use halo2curves::bn256::G2Affine;
use surety_margin::capacity::Capacity;

#[cfg(feature = "fs")]
pub(crate) use self::compact::read_header as read_compact_header;
pub use self::compact::write_compact;
pub(crate) use self::source::Source;
#[cfg(feature = "fs")]
use crate::file;
use crate::{
    point::PointError,
    progress::Observer,
    srs::{Srs, SrsError},
};

/// How much of a file tells its format.
const START_BYTES: usize = 68;

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

/// A set-up file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: ImportProblem,
}

/// What is wrong with a set-up file.
#[derive(Debug, thiserror::Error)]
pub enum ImportProblem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// No known format begins like this.
    #[error(
        "expected a compact set-up, a snarkjs .ptau, halo2 parameters in RawBytes or an Aztec g1.dat, found none of them: \
         is the file complete, and uncompressed?"
    )]
    UnknownFormat,
    /// The length does not fit the header.
    #[error("a {format} with this header has {expected} bytes, found {found}: download it again")]
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

/// Reads and checks a set-up file.
///
/// `g2` is the `g2.dat` that belongs to an Aztec `g1.dat`. Without `capacity`, reads as many powers as the file has, up
/// to `2^16`; fewer are faster to check.
///
/// # Errors
/// The file, and the first thing that is wrong with it.
#[cfg(feature = "fs")]
pub fn import(
    path: &Path,
    g2: Option<&Path>,
    capacity: Option<Capacity>,
    observer: &dyn Observer,
) -> Result<Srs, ImportError> {
    let tau_g2 = g2.map(|path| in_file(path, read_g2)).transpose()?;
    in_file(path, |file| read(file, tau_g2, capacity, observer))
}

/// Reads and checks a set-up wherever its bytes are. `tau_g2` goes with an Aztec `g1.dat` and with nothing else. Without
/// `capacity`, reads as many powers as there are, up to `2^16`.
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
    let (powers, tau_g2) = match format {
        Format::Compact => compact::read(&mut source, capacity, observer)?,
        Format::Ptau => ptau::read(&mut source, capacity, observer)?,
        Format::Halo2 => halo2::read(&mut source, capacity, observer)?,
        Format::Aztec => {
            let tau_g2 = tau_g2.ok_or(ImportProblem::MissingG2)?;
            (aztec::read_g1(&mut source, capacity, observer)?, tau_g2)
        }
    };
    Ok(Srs::new_checked(powers, tau_g2)?)
}

/// Reads `[τ]₂` of a `g2.dat` wherever its bytes are.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_g2(file: impl Read + Seek) -> Result<G2Affine, ImportProblem> {
    aztec::read_g2(&mut Source::new(file)?)
}

/// Runs `read` on an open file, and names the file in its error.
#[cfg(feature = "fs")]
fn in_file<T>(path: &Path, read: impl FnOnce(File) -> Result<T, ImportProblem>) -> Result<T, ImportError> {
    file::open(path)
        .map_err(ImportProblem::from)
        .and_then(read)
        .map_err(|problem| ImportError { path: path.to_owned(), problem })
}

/// Recognises a format by the first bytes, and rewinds.
fn detect<R: Read + Seek>(source: &mut Source<R>) -> Result<Format, ImportProblem> {
    let start: [u8; START_BYTES] = source.bytes().map_err(|error| match error {
        ImportProblem::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => ImportProblem::UnknownFormat,
        other => other,
    })?;
    source.seek(0)?;
    format_of(&start).ok_or(ImportProblem::UnknownFormat)
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
