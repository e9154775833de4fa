//! Computed bases on disk, and tables of their multiples: one file of each for each set-up and capacity class, in a
//! directory that may be deleted at any time.
//!
//! | bytes | content |
//! |---|---|
//! | 13 | `surety/bases\n`, `surety/table\n` or `surety/cells\n` |
//! | 4 | version of this format, 3, little-endian |
//! | 4 | k, little-endian |
//! | 128 | `[τ]₂`, see [`surety_kzg::point`] |
//! | 43 | zeros, so that points begin where lines of the processor's cache do |
//! | 64 a point | bases: `[τ^i]₁` for i from 0, then `[L_j(τ)]₁` for j from 0. Tables: their points |
//! | 32 | SHA-256 of all before, for which processors have instructions |
//!
//! Points are in Montgomery form, so that a file is used as it is: it is mapped, and processes that prove at the same
//! time share its memory. Files are replaced and never changed. A file that is not exactly that is computed anew, with
//! a notice. The checksum finds damage, not malice: who can write to the user's cache can also replace the program.

use std::{
    fs,
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    path::{Path, PathBuf},
};

use halo2curves::{bn256::G1Affine, serde::SerdeObject};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use surety_core::{capacity::Capacity, ident::HexBytes};
use surety_kzg::{
    Lanes, Lines,
    cell::{CellLayout, CellRows, CellTable},
    params::Params,
    point::{self, G1_BYTES, G2_BYTES, PointError},
    progress::{Event, Observer},
    srs::{Srs, SrsError, SrsId, VerifierKey},
    table::Table,
};

use crate::atomic;

/// A kind of file.
struct Kind {
    magic: &'static [u8; MAGIC_BYTES],
    extension: String,
    /// How many points it has.
    points: usize,
}

impl Kind {
    fn bases(capacity: Capacity) -> Self {
        Self { magic: b"surety/bases\n", extension: "bases".to_owned(), points: 2 * capacity.rows() }
    }

    fn table(capacity: Capacity) -> Self {
        let points = Table::points_over(capacity.rows());
        Self { magic: b"surety/table\n", extension: "table".to_owned(), points }
    }

    /// The name says for which layout it is.
    fn cells(layout: &CellLayout) -> Self {
        let mut hasher = Sha256::new();
        hasher.update((layout.cosets() as u64).to_le_bytes());
        for row in layout.cells().iter().flat_map(CellRows::rows) {
            hasher.update((row.index() as u64).to_le_bytes());
        }
        let extension = format!("{}.cells", HexBytes::<32>(hasher.finalize().into()));
        Self { magic: b"surety/cells\n", extension, points: CellTable::points_of(layout) }
    }
}

const MAGIC_BYTES: usize = 13;
const VERSION: u32 = 3;
const HEADER_BYTES: usize = (MAGIC_BYTES + 4 + 4 + G2_BYTES).next_multiple_of(Lines::BYTES);
const CHECKSUM_BYTES: usize = 32;

/// A directory of computed bases and tables.
#[derive(Clone, Debug)]
pub struct ParamsCache {
    directory: PathBuf,
}

/// Why a cached file is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("expected {expected} bytes, found {found}")]
    Length { expected: usize, found: usize },
    #[error("expected a header of format version {VERSION} for k = {k} and set-up {id}, found another one")]
    Header { k: u32, id: SrsId },
    #[error("the checksum does not fit the content")]
    Checksum,
    #[error("point {index}: {error}")]
    Point { index: usize, error: PointError },
    #[error("expected the multiples of the bases, found those of others")]
    OtherBases,
}

impl ParamsCache {
    /// The cache in this directory, which need not exist yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The bases of a set-up for a capacity class, from the cache if they are there; else `srs` is called for the
    /// powers, and the bases are computed and stored.
    ///
    /// Troubles with the cache are told to the observer and are no errors.
    ///
    /// # Errors
    /// Those of `srs` and of [`Params::from_srs`], or if `srs` gives another set-up.
    pub fn params<E: From<SrsError>>(
        &self,
        key: &VerifierKey,
        capacity: Capacity,
        srs: impl FnOnce() -> Result<Srs, E>,
        observer: &dyn Observer,
    ) -> Result<Params, E> {
        let bases = Kind::bases(capacity);
        let path = self.path(&bases, key, capacity);
        let stored = read(&path, &bases, key, capacity).map(|points| {
            let (powers, lagrange) = points.split_at(capacity.rows());
            Params::from_parts(capacity, powers.to_vec(), lagrange.to_vec(), *key)
        });
        if let Some(params) = usable(stored, &path, observer) {
            return Ok(params);
        }
        let srs = srs()?;
        if srs.id() != key.id() {
            return Err(SrsError::OtherSetUp { expected: key.id(), found: srs.id() }.into());
        }
        let params = Params::from_srs(&srs, capacity, observer)?;
        store(&path, &bases, (key, capacity), params.powers().iter().chain(params.lagrange()), observer);
        Ok(params)
    }

    /// The table of multiples of the Lagrange points, from the cache if it is there; else it is computed and stored.
    ///
    /// Troubles with the cache are told to the observer and are no errors.
    #[must_use]
    pub fn table(&self, params: &Params, observer: &dyn Observer) -> Table {
        let (key, capacity) = (params.verifier_key(), params.capacity());
        let kind = Kind::table(capacity);
        let path = self.path(&kind, key, capacity);
        let stored = read(&path, &kind, key, capacity).and_then(|points| {
            let table = Table::from_points(capacity.rows(), points);
            table.filter(|table| table.bases() == params.lagrange()).ok_or(Unusable::OtherBases)
        });
        usable(stored, &path, observer).unwrap_or_else(|| {
            let table = Table::new(params.lagrange(), observer);
            store(&path, &kind, (key, capacity), table.points().iter(), observer);
            table
        })
    }

    /// The table that the cells of a layout are opened with, from the cache if it is there; else it is computed and
    /// stored.
    ///
    /// Troubles with the cache are told to the observer and are no errors.
    ///
    /// # Panics
    /// If the parameters are for another capacity class than the layout.
    #[must_use]
    pub fn cell_table(&self, params: &Params, layout: &CellLayout, lanes: Lanes, observer: &dyn Observer) -> CellTable {
        let (key, capacity, kind) = (params.verifier_key(), params.capacity(), Kind::cells(layout));
        let path = self.path(&kind, key, capacity);
        let stored = read(&path, &kind, key, capacity)
            .and_then(|points| CellTable::from_points(layout, points).ok_or(Unusable::OtherBases));
        usable(stored, &path, observer).unwrap_or_else(|| {
            let table = CellTable::new(params, layout, lanes, observer);
            store(&path, &kind, (key, capacity), table.points().iter(), observer);
            table
        })
    }

    /// How many files there are, and their bytes together.
    ///
    /// # Errors
    /// If the directory cannot be read. A directory that is not there is empty.
    pub fn size(&self) -> io::Result<(usize, u64)> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            entries => entries?,
        };
        let mut size = (0, 0);
        for entry in entries {
            let metadata = entry?.metadata()?;
            if metadata.is_file() {
                size = (size.0 + 1, size.1 + metadata.len());
            }
        }
        Ok(size)
    }

    fn path(&self, kind: &Kind, key: &VerifierKey, capacity: Capacity) -> PathBuf {
        self.directory.join(format!("{}-k{}.{}", key.id(), capacity.k(), kind.extension))
    }
}

/// What was stored, if it can be used. A file that is not there goes without saying.
fn usable<T>(stored: Result<T, Unusable>, path: &Path, observer: &dyn Observer) -> Option<T> {
    match stored {
        Ok(stored) => return Some(stored),
        Err(Unusable::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(problem) => observer.event(Event::Notice(format!("{}: computed anew: {problem}", path.display()))),
    }
    None
}

fn store<'a>(
    path: &Path,
    kind: &Kind,
    (key, capacity): (&VerifierKey, Capacity),
    points: impl Iterator<Item = &'a G1Affine> + Clone,
    observer: &dyn Observer,
) {
    let header = header(kind, key, capacity);
    if let Err(error) = atomic::write_own(path, |writer| write(&header, points.clone(), writer)) {
        observer.event(Event::Notice(format!("{}: cannot be cached: {error}", path.display())));
    }
}

fn header(kind: &Kind, key: &VerifierKey, capacity: Capacity) -> Vec<u8> {
    let (version, k) = (VERSION.to_le_bytes(), capacity.k().to_le_bytes());
    let mut header = [kind.magic.as_slice(), &version, &k, &point::g2_to_bytes(&key.tau_g2())].concat();
    header.resize(HEADER_BYTES, 0);
    header
}

fn write<'a>(header: &[u8], points: impl Iterator<Item = &'a G1Affine>, writer: &mut impl Write) -> io::Result<()> {
    let mut checksum = Sha256::new();
    let mut put = |bytes: &[u8]| {
        checksum.update(bytes);
        writer.write_all(bytes)
    };
    put(header)?;
    for point in points {
        put(&point.to_raw_bytes())?;
    }
    let checksum = checksum.finalize();
    writer.write_all(checksum.as_slice())
}

fn read(path: &Path, kind: &Kind, key: &VerifierKey, capacity: Capacity) -> Result<Lines, Unusable> {
    let (mut file, expected) = (atomic::open(path)?, HEADER_BYTES + kind.points * G1_BYTES + CHECKSUM_BYTES);
    let found = file.metadata()?.len();
    if found != expected as u64 {
        return Err(Unusable::Length { expected, found: found.try_into().unwrap_or(usize::MAX) });
    }
    let (mut found, mut checksum) = ([0; HEADER_BYTES], [0; CHECKSUM_BYTES]);
    file.read_exact(&mut found)?;
    if found != *header(kind, key, capacity) {
        return Err(Unusable::Header { k: capacity.k(), id: key.id() });
    }
    file.seek(SeekFrom::End(-(CHECKSUM_BYTES as i64)))?;
    file.read_exact(&mut checksum)?;
    let points = Lines::map(&file, HEADER_BYTES, kind.points)?;
    let check = |(index, bytes): (usize, &[u8])| check(bytes).map_err(|error| Unusable::Point { index, error });
    let (found, checked) = rayon::join(
        || Sha256::new().chain_update(found).chain_update(points.bytes()).finalize(),
        || points.bytes().par_chunks_exact(G1_BYTES).enumerate().try_for_each(check),
    );
    if *found == checksum { checked.map(|()| points) } else { Err(Unusable::Checksum) }
}

/// Demands a point other than the identity, in Montgomery form.
fn check(bytes: &[u8]) -> Result<(), PointError> {
    point::refuse_identity(G1Affine::from_raw_bytes(bytes).ok_or(PointError::NotOnCurve)?).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use group::Curve;
    use halo2curves::bn256::{Fr, G2};
    use surety_kzg::progress::Silent;
    use tempfile::TempDir;

    use super::*;

    fn capacity() -> Capacity {
        Capacity::new(9).unwrap()
    }

    struct Fixture {
        directory: TempDir,
        srs: Srs,
    }

    impl Fixture {
        fn new() -> Self {
            let fixture = Self { directory: TempDir::new().unwrap(), srs: Srs::development(capacity()) };
            assert!(fixture.get().1, "the first call computes");
            fixture
        }

        fn cache(&self) -> ParamsCache {
            ParamsCache::new(self.directory.path().join("bases"))
        }

        fn path(&self) -> PathBuf {
            self.cache().path(&Kind::bases(capacity()), self.srs.verifier_key(), capacity())
        }

        /// The bases, whether they were computed, and the notices.
        fn get(&self) -> (Params, bool, Vec<String>) {
            let (mut computed, notices) = (false, Mutex::new(Vec::new()));
            let observer = |event| {
                if let Event::Notice(text) = event {
                    notices.lock().unwrap().push(text);
                }
            };
            let srs = || {
                computed = true;
                Ok::<_, SrsError>(self.srs.clone())
            };
            let params = self.cache().params(self.srs.verifier_key(), capacity(), srs, &observer).unwrap();
            (params, computed, notices.into_inner().unwrap())
        }

        /// Changes the cached file and expects it to be refused for `reason`, once.
        fn expect_recomputed(&self, change: impl FnOnce(&mut Vec<u8>), reason: &str) {
            let mut bytes = fs::read(self.path()).unwrap();
            change(&mut bytes);
            fs::write(self.path(), bytes).unwrap();
            let (params, computed, notices) = self.get();
            assert!(computed && matches!(&notices[..], [notice] if notice.contains(reason)), "{notices:?}");
            assert_eq!(params, Params::from_srs(&self.srs, capacity(), &Silent).unwrap());
            assert!(!self.get().1, "the damaged file is replaced");
        }
    }

    /// Makes the checksum fit.
    fn seal(bytes: &mut [u8]) {
        let (body, checksum) = bytes.split_at_mut(bytes.len() - CHECKSUM_BYTES);
        checksum.copy_from_slice(&Sha256::digest(body));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_computed() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path()).unwrap();
        let (_, computed, notices) = fixture.get();
        assert_eq!((computed, notices.len()), (true, 0), "a file that is not there goes without saying");
        fs::remove_file(fixture.path()).unwrap();
        fs::create_dir(fixture.path()).unwrap();
        let (params, computed, notices) = fixture.get();
        assert!(computed && notices.iter().any(|notice| notice.contains("computed anew")), "{notices:?}");
        assert_eq!(params, Params::from_srs(&fixture.srs, capacity(), &Silent).unwrap());
    }

    #[test]
    fn rejects_pipes_in_the_cache() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(fixture.path()).status().unwrap().success());
        let (params, computed, notices) = fixture.get();
        assert!(computed && matches!(&notices[..], [notice] if notice.contains("a regular file")), "{notices:?}");
        assert_eq!(params, Params::from_srs(&fixture.srs, capacity(), &Silent).unwrap());
        assert!(!fixture.get().1, "the pipe is replaced");
    }

    #[test]
    fn the_second_call_reads_what_the_first_computed() {
        let fixture = Fixture::new();
        let (params, computed, notices) = fixture.get();
        assert!(!computed && notices.is_empty());
        assert_eq!(params, Params::from_srs(&fixture.srs, capacity(), &Silent).unwrap());
    }

    #[test]
    fn rejects_truncated_and_extended_files() {
        let fixture = Fixture::new();
        fixture.expect_recomputed(|bytes| bytes.truncate(100), "found 100");
        fixture.expect_recomputed(|bytes| bytes.push(0), "expected");
    }

    #[test]
    fn rejects_flipped_bits_everywhere() {
        let fixture = Fixture::new();
        fixture.expect_recomputed(|bytes| bytes[HEADER_BYTES + 12345] ^= 1, "checksum");
        fixture.expect_recomputed(|bytes| *bytes.last_mut().unwrap() ^= 1, "checksum");
        // Every byte of the header and of the checksum, and one in each point.
        let whole = fs::read(fixture.path()).unwrap();
        let content = HEADER_BYTES..whole.len() - CHECKSUM_BYTES;
        let points = content.clone().step_by(G1_BYTES).enumerate().map(|(index, start)| start + index % G1_BYTES);
        for offset in (0..content.start).chain(points).chain(content.end..whole.len()) {
            let mut changed = whole.clone();
            changed[offset] ^= 1 << (offset % 8);
            fs::write(fixture.path(), changed).unwrap();
            let problem = read(&fixture.path(), &Kind::bases(capacity()), fixture.srs.verifier_key(), capacity()).err();
            let noticed = matches!(problem, Some(Unusable::Header { .. } | Unusable::Checksum));
            assert!(noticed, "byte {offset}: {problem:?}");
        }
    }

    #[test]
    fn rejects_other_versions_sizes_and_set_ups() {
        let fixture = Fixture::new();
        for offset in [0, MAGIC_BYTES, MAGIC_BYTES + 4, HEADER_BYTES - 1] {
            let change = |bytes: &mut Vec<u8>| {
                bytes[offset] ^= 1;
                seal(bytes);
            };
            fixture.expect_recomputed(change, "header");
        }
    }

    #[test]
    fn rejects_points_off_the_curve_under_a_fitting_checksum() {
        let fixture = Fixture::new();
        let change = |bytes: &mut Vec<u8>| {
            bytes[HEADER_BYTES + 64 * 5] ^= 1;
            seal(bytes);
        };
        fixture.expect_recomputed(change, "point 5");
    }

    #[test]
    fn rejects_another_set_up_than_the_one_asked_for() {
        let fixture = Fixture::new();
        let other = VerifierKey::new((G2::generator() * Fr::from(5)).to_affine()).unwrap();
        let srs = || Ok::<_, SrsError>(fixture.srs.clone());
        let error = fixture.cache().params(&other, capacity(), srs, &Silent).unwrap_err();
        assert_eq!(error, SrsError::OtherSetUp { expected: other.id(), found: fixture.srs.id() });
    }

    #[test]
    fn a_cache_that_cannot_be_written_does_no_harm() {
        let fixture = Fixture::new();
        let file = fixture.directory.path().join("file");
        fs::write(&file, b"in the way").unwrap();
        let notices = Mutex::new(Vec::new());
        let observer = |event| notices.lock().unwrap().push(event);
        let srs = || Ok::<_, SrsError>(fixture.srs.clone());
        let params = ParamsCache::new(file).params(fixture.srs.verifier_key(), capacity(), srs, &observer).unwrap();
        assert_eq!(params, fixture.get().0);
        let last = notices.into_inner().unwrap().pop();
        assert!(matches!(&last, Some(Event::Notice(text)) if text.contains("cannot be cached")), "{last:?}");
    }

    #[test]
    fn concurrent_writers_leave_a_whole_file() {
        let fixture = Fixture::new();
        fs::remove_file(fixture.path()).unwrap();
        std::thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| fixture.get())));
        });
        let (_, computed, notices) = fixture.get();
        assert!(!computed && notices.is_empty(), "{notices:?}");
        assert_eq!(fs::read_dir(fixture.path().parent().unwrap()).unwrap().count(), 1, "no temporary files stay");
    }

    /// The table, and the notices.
    fn table(fixture: &Fixture, params: &Params) -> (Table, Vec<String>) {
        let notices = Mutex::new(Vec::new());
        let observer = |event| match event {
            Event::Notice(text) => notices.lock().unwrap().push(text),
            _ => notices.lock().unwrap().push("computed".to_owned()),
        };
        let table = fixture.cache().table(params, &observer);
        let mut notices = notices.into_inner().unwrap();
        notices.dedup();
        (table, notices)
    }

    #[test]
    fn the_second_call_reads_the_table_that_the_first_computed() {
        let fixture = Fixture::new();
        let params = fixture.get().0;
        let expected = Table::new(params.lagrange(), &Silent);
        assert_eq!(table(&fixture, &params), (expected.clone(), vec!["computed".to_owned()]));
        assert_eq!(table(&fixture, &params), (expected, vec![]));
        let (files, bytes) = fixture.cache().size().unwrap();
        let points = 2 * 512 + Table::points_over(512);
        assert_eq!((files, bytes as usize), (2, 2 * (HEADER_BYTES + CHECKSUM_BYTES) + points * G1_BYTES));
        assert_eq!(ParamsCache::new(fixture.directory.path().join("nothing")).size().unwrap(), (0, 0));
    }

    #[test]
    fn rejects_tables_that_are_damaged_or_of_other_bases() {
        let fixture = Fixture::new();
        let params = fixture.get().0;
        let expected = table(&fixture, &params).0;
        let path = fixture.cache().path(&Kind::table(capacity()), fixture.srs.verifier_key(), capacity());
        type Change = fn(&mut Vec<u8>);
        let changes: [(Change, &str); 5] = [
            (|bytes| bytes.truncate(100), "found 100"),
            (|bytes| bytes[HEADER_BYTES + 12345] ^= 1, "checksum"),
            (|bytes| (bytes[0] ^= 1, seal(bytes)).1, "header"),
            (|bytes| (bytes[HEADER_BYTES + 64 * 5] ^= 1, seal(bytes)).1, "point 5"),
            // The first base is the second.
            (|bytes| (bytes.copy_within(HEADER_BYTES + 64..HEADER_BYTES + 128, HEADER_BYTES), seal(bytes)).1, "others"),
        ];
        for (change, reason) in changes {
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let (found, notices) = table(&fixture, &params);
            assert!(found == expected && notices.len() == 2 && notices[0].contains(reason), "{reason}: {notices:?}");
            assert!(table(&fixture, &params).1.is_empty(), "the damaged file is replaced");
        }
        // Bases are no table.
        fs::copy(fixture.path(), &path).unwrap();
        assert_eq!(table(&fixture, &params).1.len(), 2);
    }
}
