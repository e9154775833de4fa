//! The file of an archive in memory, for where there is no SQLite: a page in a browser.
//!
//! Of the file format (<https://sqlite.org/fileformat2.html>) only what archives use is read: tables whose rows lie in
//! a tree of pages, texts in UTF-8, and no write-ahead log. A page is visited once at most, so that reading takes time
//! and memory in proportion to the file, whatever it says. Nothing that is read is believed before the chain of
//! entries agrees.

use std::{collections::BTreeSet, path::Path};

use super::{
    ArchiveEntry, ArchiveError, Summary,
    chain::{APPLICATION_ID, Row, SCHEMA, SCHEMA_VERSION},
};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Bytes of the header of a file, which stands before that of its first page.
const HEADER: usize = 100;

/// Whether a file is an archive, as far as its first bytes say.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && word(bytes, 68) == Some(APPLICATION_ID.cast_unsigned())
}

/// An archive that was read whole: its entries, in their order, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The entries.
    pub entries: Vec<ArchiveEntry>,
    /// How the archive stands.
    pub summary: Summary,
}

impl Image {
    /// Reads an archive and checks its chain. `file` is what errors call it.
    ///
    /// # Errors
    /// If it is no archive, is damaged or of another version, or its chain is broken.
    pub fn read(file: &Path, bytes: &[u8]) -> Result<Self, ArchiveError> {
        if !is_archive(bytes) {
            return Err(ArchiveError::NoArchive(file.to_owned()));
        }
        let damaged = |expected| ArchiveError::Damaged { path: file.to_owned(), expected };
        let database = Database::new(bytes).map_err(damaged)?;
        match word(bytes, 60) {
            Some(version) if version == SCHEMA_VERSION.cast_unsigned() => {}
            found => {
                let found = found.unwrap_or_default().cast_signed();
                return Err(ArchiveError::Version { path: file.to_owned(), found });
            }
        }
        let root = database.root().map_err(damaged)?.ok_or_else(|| ArchiveError::Foreign(file.to_owned()))?;
        let (mut entries, mut summary) = (Vec::new(), Summary::EMPTY);
        database.each_row(
            root,
            &mut |place, values| {
                let broken = |expected| {
                    let (path, position) = (file.to_owned(), summary.entries + 1);
                    ArchiveError::Broken { path, position, expected }
                };
                // The position is the row's own number and not written again.
                let [Value::Null, Value::Text(kind), Value::Text(format), Value::Text(text), digest, head] = values
                else {
                    return Err(broken("an entry of the schema's types"));
                };
                let hash = |value: &Value<'_>| match value {
                    Value::Blob(bytes) => <[u8; 32]>::try_from(*bytes).map_err(|_| broken("a hash of 32 bytes")),
                    _ => Err(broken("a hash of 32 bytes")),
                };
                let (digest, head) = (hash(digest)?, hash(head)?);
                let row = Row { place, kind, format, text: (*text).to_owned(), digest, head };
                let entry = row.following(&summary).map_err(broken)?;
                summary = Summary { entries: entry.position, head: entry.head };
                entries.push(entry);
                Ok(())
            },
            &damaged,
        )?;
        Ok(Self { entries, summary })
    }
}

/// A value of a row, as far as archives have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Null,
    Integer(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

/// What is done with the number and the values of a row.
type Visit<'a, E> = dyn FnMut(i64, &[Value<'_>]) -> Result<(), E> + 'a;

/// A database of whole pages.
struct Database<'a> {
    bytes: &'a [u8],
    page: usize,
    /// Bytes of a page that are not reserved for others.
    usable: usize,
}

/// Why a database is no whole one: what should be there.
type Expected = &'static str;

impl<'a> Database<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Expected> {
        let page = match half(bytes, 16) {
            Some(1) => 65_536,
            Some(size) if size.is_power_of_two() && size >= 512 => usize::from(size),
            _ => return Err("pages of a size that SQLite has"),
        };
        let reserved = bytes.get(20).copied().unwrap_or_default();
        let usable = page.checked_sub(reserved.into()).filter(|usable| *usable >= 480);
        let usable = usable.ok_or("pages of a size that SQLite has")?;
        if bytes.get(18..20) != Some(&[1, 1]) {
            return Err("a database without a write-ahead log");
        }
        if word(bytes, 56) != Some(1) {
            return Err("texts in UTF-8");
        }
        let pages = word(bytes, 28).unwrap_or_default() as usize;
        if pages == 0 || pages.checked_mul(page) != Some(bytes.len()) {
            return Err("as many pages as its header says");
        }
        Ok(Self { bytes, page, usable })
    }

    /// The page of this number, from 1.
    fn page(&self, number: u32) -> Result<&'a [u8], Expected> {
        let start = (number as usize).checked_sub(1).and_then(|before| before.checked_mul(self.page));
        start.and_then(|start| self.bytes.get(start..start + self.usable)).ok_or("a page that is in the file")
    }

    /// The first page of the entries, if the schema is that of an archive and nothing else.
    fn root(&self) -> Result<Option<u32>, Expected> {
        let mut root = None;
        let mut found = Vec::new();
        self.each_row(
            1,
            &mut |_, values| {
                let [Value::Text(kind), Value::Text(name), Value::Text(table), at, sql] = values else {
                    return Err("a schema");
                };
                let sql = match sql {
                    Value::Text(sql) => Some((*sql).to_owned()),
                    _ => None,
                };
                if let (&"table", Value::Integer(at)) = (kind, at) {
                    root = u32::try_from(*at).ok();
                }
                found.push(((*kind).to_owned(), (*name).to_owned(), (*table).to_owned(), sql));
                Ok(())
            },
            &|expected| expected,
        )?;
        let [table, stay, stay_so] = SCHEMA.map(|sql| Some(sql.to_owned()));
        let row = |kind: &str, name: &str, sql| (kind.to_owned(), name.to_owned(), "entries".to_owned(), sql);
        let mut genuine = vec![
            row("table", "entries", table),
            row("index", "sqlite_autoindex_entries_1", None),
            row("trigger", "entries_stay", stay),
            row("trigger", "entries_stay_so", stay_so),
        ];
        genuine.sort();
        found.sort();
        Ok(root.filter(|_| found == genuine))
    }

    /// Visits the rows of a table in the order of their numbers.
    fn each_row<E>(&self, root: u32, visit: &mut Visit<'_, E>, damaged: &dyn Fn(Expected) -> E) -> Result<(), E> {
        let mut seen = BTreeSet::new();
        // Pages to come, the next one last.
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            let page = self.visit(number, &mut seen).map_err(damaged)?;
            let start = if number == 1 { HEADER } else { 0 };
            let cells = half(page, start + 3).ok_or("a page with cells").map_err(damaged)?;
            match page.get(start) {
                Some(5) => {
                    let last = word(page, start + 8).ok_or("a page with pages below").map_err(damaged)?;
                    waiting.push(last);
                    for cell in (0..cells.into()).rev() {
                        let below = half(page, start + 12 + 2 * cell).and_then(|at| word(page, at.into()));
                        waiting.push(below.ok_or("a page below").map_err(damaged)?);
                    }
                }
                Some(13) => {
                    for cell in 0..cells.into() {
                        let at = half(page, start + 8 + 2 * cell).ok_or("a cell").map_err(damaged)?;
                        let (place, payload) = self.payload(page, at.into(), &mut seen).map_err(damaged)?;
                        visit(place, &values(&payload).map_err(damaged)?)?;
                    }
                }
                _ => return Err(damaged("a page of a table")),
            }
        }
        Ok(())
    }

    fn visit(&self, number: u32, seen: &mut BTreeSet<u32>) -> Result<&'a [u8], Expected> {
        if seen.insert(number) { self.page(number) } else { Err("each page in one place") }
    }

    /// The number and the content of a row, whose end may lie on pages of its own.
    fn payload(&self, page: &[u8], at: usize, seen: &mut BTreeSet<u32>) -> Result<(i64, Vec<u8>), Expected> {
        const CELL: Expected = "a row that ends within its pages";
        let mut rest = page.get(at..).ok_or(CELL)?;
        let length = varint(&mut rest).and_then(|length| usize::try_from(length).ok()).ok_or(CELL)?;
        let place = varint(&mut rest).ok_or(CELL)?;
        if length > self.bytes.len() {
            return Err(CELL);
        }
        let (most, least) = (self.usable - 35, (self.usable - 12) * 32 / 255 - 23);
        let kept = least + length.saturating_sub(least) % (self.usable - 4);
        let here = if length <= most {
            length
        } else if kept <= most {
            kept
        } else {
            least
        };
        let mut payload = rest.get(..here).ok_or(CELL)?.to_vec();
        let mut next = if here < length { word(rest, here).ok_or(CELL)? } else { 0 };
        while payload.len() < length {
            let page = self.visit(next, seen)?;
            next = word(page, 0).ok_or(CELL)?;
            let content = page.get(4..).ok_or(CELL)?;
            payload.extend(content.iter().take(length - payload.len()));
        }
        Ok((place, payload))
    }
}

/// The values of a row.
fn values(payload: &[u8]) -> Result<Vec<Value<'_>>, Expected> {
    const ROW: Expected = "a row of values";
    let mut types = payload;
    let length = varint(&mut types).and_then(|length| usize::try_from(length).ok()).ok_or(ROW)?;
    let mut content = payload.get(length..).ok_or(ROW)?;
    let before = payload.len() - types.len();
    let mut types = payload.get(before..length).ok_or(ROW)?;
    let mut values = Vec::new();
    while !types.is_empty() {
        let kind = varint(&mut types).ok_or(ROW)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 => 8,
            12.. => usize::try_from((kind - 12) / 2).map_err(|_| ROW)?,
            _ => return Err(ROW),
        };
        let (value, rest) = content.split_at_checked(length).ok_or(ROW)?;
        content = rest;
        values.push(match kind {
            0 => Value::Null,
            1..=6 => Value::Integer(integer(value)),
            8 | 9 => Value::Integer(kind - 8),
            kind if kind % 2 == 1 => Value::Text(str::from_utf8(value).map_err(|_| "text in UTF-8")?),
            _ => Value::Blob(value),
        });
    }
    if content.is_empty() { Ok(values) } else { Err(ROW) }
}

/// A signed number, the first byte of which weighs most.
fn integer(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte))
}

/// A number in one to nine bytes, which are taken.
fn varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for position in 0..9 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        if position == 8 {
            return Some(((number << 8) | u64::from(*first)).cast_signed());
        }
        number = (number << 7) | u64::from(first & 0x7f);
        if *first < 0x80 {
            break;
        }
    }
    Some(number.cast_signed())
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(feature = "host")]
#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use rusqlite::Connection;
    use surety_core::{kind::Kind, text::Format};

    use super::*;
    use crate::archive::{Archive, Archived};

    /// Documents of lengths that end within a page, at its end, and on several more.
    fn documents() -> Vec<Archived> {
        let lengths = [0, 1, 100, 3_900, 4_000, 4_061, 4_062, 8_000, 8_150, 20_000, 300_000];
        let many = (0..600).map(|number| number % 97);
        let text = |(number, length): (usize, usize)| format!("{number} {}", "x".repeat(length));
        let document = |text| Archived { kind: Kind::Report, format: Format::Json, text };
        lengths.into_iter().chain(many).enumerate().map(text).map(document).collect()
    }

    fn archive(directory: &Path, documents: &[Archived]) -> PathBuf {
        let path = directory.join("archive.surety");
        Archive::open(&path).unwrap().add(documents).unwrap();
        path
    }

    fn read(path: &Path) -> Result<Image, ArchiveError> {
        Image::read(path, &fs::read(path).unwrap())
    }

    #[test]
    fn an_image_has_what_sqlite_has() {
        let directory = tempfile::tempdir().unwrap();
        for documents in [documents(), Vec::new()] {
            let directory = directory.path().join(documents.len().to_string());
            fs::create_dir(&directory).unwrap();
            let path = archive(&directory, &documents);
            let mut entries = Vec::new();
            let summary = Archive::open_read_only(&path).unwrap().read(None, |entry| {
                entries.push(entry);
                Ok::<_, ArchiveError>(())
            });
            assert_eq!(read(&path).unwrap(), Image { entries, summary: summary.unwrap() });
        }
    }

    #[test]
    fn rejects_images_that_were_cut_or_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = archive(directory.path(), &documents());
        let whole = fs::read(&path).unwrap();
        assert!(Image::read(&path, &whole).is_ok());
        let refused = |bytes: &[u8]| Image::read(&path, bytes).unwrap_err().to_string();
        assert!(refused(&whole[..whole.len() - 4_096]).contains("as many pages"));
        assert!(refused(&whole[..50]).contains("expected an archive"));
        assert!(refused(b"").contains("expected an archive"));
        let changed = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            bytes
        };
        assert!(refused(&changed(18, 2)).contains("write-ahead log"));
        assert!(refused(&changed(59, 2)).contains("UTF-8"));
        assert!(refused(&changed(63, 9)).contains("version 9"));
        assert!(refused(&changed(16, 3)).contains("size"));
        // In the texts, wherever they are: some places are what splits of pages have left.
        let mut bytes = whole.clone();
        for at in 0..bytes.len() - 9 {
            if &bytes[at..at + 9] == b"xxxxxxxxx" {
                bytes[at] = b'y';
            }
        }
        assert!(refused(&bytes).contains("expected the digest of its document"));
    }

    /// Attack: a file that keeps its reader busy for ever, or takes all of its memory.
    #[test]
    fn rejects_images_of_pages_that_lead_in_a_circle() {
        let directory = tempfile::tempdir().unwrap();
        let path = archive(directory.path(), &documents());
        let whole = fs::read(&path).unwrap();
        let mut refused = 0;
        for page in 1..whole.len() / 4_096 {
            for at in [0, 8, 12, 4_092] {
                for target in [1_u32, page as u32 + 1, 2, u32::MAX, 0] {
                    let mut bytes = whole.clone();
                    bytes[page * 4_096 + at..][..4].copy_from_slice(&target.to_be_bytes());
                    if bytes != whole {
                        refused += usize::from(Image::read(&path, &bytes).is_err());
                    }
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }

    #[test]
    fn rejects_images_with_other_tables() {
        let directory = tempfile::tempdir().unwrap();
        let path = archive(directory.path(), &documents()[..2]);
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (a)").unwrap();
        assert!(matches!(read(&path), Err(ArchiveError::Foreign(_))), "{:?}", read(&path));
    }
}
