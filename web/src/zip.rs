//! Files in a ZIP, as auditors are sent them. Whoever made the file may be hostile, so that it is refused as a whole
//! with its first fault: a file that two readers take for different ones is evidence of nothing.
//!
//! The directory at the end of the file is read by `rawzip`, which hands out every entry, those of one name too. Only
//! documents are inflated, each up to the largest size of documents; all of them fit into [`Bounds`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use miniz_oxide::inflate::decompress_to_vec_with_limit;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceEntry, crc32};
use surety_core::{
    failure::{Class, Failure},
    text::{DOCUMENT_LIMIT, Format},
    visible::one_line,
};

/// Most files, and most bytes in all of them together, that a page takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Files, and directories.
    pub entries: usize,
    /// Bytes, inflated.
    pub bytes: u64,
}

/// What a page has memory for.
pub const BOUNDS: Bounds = Bounds { entries: 10_000, bytes: 256 << 20 };

/// Why a ZIP is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipError {
    /// The file is no ZIP, or is cut.
    #[error("{file}: expected a whole ZIP, found another or a damaged file ({problem}); ask for it again")]
    Damaged {
        /// The file.
        file: String,
        /// What the reader says.
        problem: String,
    },
    /// There are too many entries.
    #[error("{file}: expected at most {most} entries, found more; audit the directory with surety audit")]
    TooMany {
        /// The file.
        file: String,
        /// The limit.
        most: usize,
    },
    /// The entries are too large together.
    #[error("{file}: expected at most {most} bytes in all entries, found more; audit the directory with surety audit")]
    TooMuch {
        /// The file.
        file: String,
        /// The limit.
        most: u64,
    },
    /// An entry is refused.
    #[error("{file}: entry {entry}: expected {expected}; the ZIP is refused as a whole")]
    Entry {
        /// The file.
        file: String,
        /// The entry.
        entry: String,
        /// What was expected of it.
        expected: Cow<'static, str>,
    },
}

impl Failure for ZipError {
    fn class(&self) -> Class {
        match self {
            Self::TooMany { .. } | Self::TooMuch { .. } => Class::Resources,
            Self::Damaged { .. } | Self::Entry { .. } => Class::Input,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "zip".into()
    }
}

/// Whether a file is a ZIP, as far as its first bytes say.
#[must_use]
pub fn is_zip(bytes: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06"].iter().any(|magic| bytes.starts_with(*magic))
}

/// The files in a ZIP, by their paths. Of files that are no documents by their names, the content is left out.
///
/// # Errors
/// If the ZIP is damaged or beyond the bounds, or an entry has a name that leads out of its directory or is there
/// twice, is no file, is encrypted or compressed otherwise than by Deflate, or is not of the size and checksum that
/// the directory states.
pub fn files(file: &str, bytes: &[u8], bounds: Bounds) -> Result<BTreeMap<PathBuf, Vec<u8>>, ZipError> {
    let file = one_line(file);
    let damaged = |error: rawzip::Error| ZipError::Damaged { file: file.clone(), problem: error.to_string() };
    let archive = ZipArchive::from_slice(bytes).map_err(damaged)?;
    let (mut files, mut names, mut total, mut count) = (BTreeMap::new(), BTreeSet::new(), 0_u64, 0_u64);
    let mut entries = archive.entries();
    while let Some(header) = entries.next_entry().map_err(damaged)? {
        count += 1;
        if count > bounds.entries as u64 {
            return Err(ZipError::TooMany { file, most: bounds.entries });
        }
        let shown = one_line(&String::from_utf8_lossy(header.file_path().as_bytes()));
        let refused = |expected| ZipError::Entry { file: file.clone(), entry: shown.clone(), expected };
        let refuse = |expected: &'static str| refused(expected.into());
        let entry = archive.get_entry(header.wayfinder()).map_err(damaged)?;
        let name = path(&header, &entry).map_err(refuse)?;
        let is_directory = header.is_dir();
        // A directory may be named before what lies in it, and a file may not be one.
        let inside: Vec<_> = name.ancestors().skip(usize::from(!is_directory)).map(PathBuf::from).collect();
        if files.contains_key(&name) || !is_directory && names.contains(&name) {
            return Err(refuse("a name that no other entry has"));
        }
        if inside.iter().any(|above| files.contains_key(above)) {
            return Err(refuse("a directory above it, and no file of that name"));
        }
        names.extend(inside);
        if is_directory {
            continue;
        }
        let mut content = Vec::new();
        if Format::of_name(&name.to_string_lossy()).is_some() {
            let stated = entry.claim_verifier().uncompressed_size;
            if stated > DOCUMENT_LIMIT {
                return Err(refuse("at most 16777216 bytes, as documents have"));
            }
            // Before anything is inflated.
            total += stated;
            if total > bounds.bytes {
                return Err(ZipError::TooMuch { file, most: bounds.bytes });
            }
            content = inflated(&header, &entry).map_err(refuse)?;
        }
        files.insert(name, content);
    }
    // A directory that states another number is read differently by others.
    if count != archive.entries_hint() {
        let problem = format!("its directory states {} entries and has {count}", archive.entries_hint());
        return Err(ZipError::Damaged { file, problem });
    }
    Ok(files)
}

/// The path of an entry, which stays below the directory that the ZIP is unpacked into.
fn path(header: &ZipFileHeaderRecord<'_>, entry: &ZipSliceEntry<'_>) -> Result<PathBuf, &'static str> {
    const BELOW: &str = "a path of names with / between them, which leads nowhere else";
    if header.mode().is_symlink() {
        return Err("a file or a directory, and no link");
    }
    let flags = header.flags();
    if flags.is_encrypted() || flags.has_strong_encryption() || flags.is_masked() {
        return Err("an entry that is not encrypted");
    }
    let name = header.file_path();
    if entry.local_header().file_path().as_bytes() != name.as_bytes() {
        return Err("one name in the directory and before the entry");
    }
    let name = str::from_utf8(name.as_bytes()).map_err(|_| "a name in UTF-8")?;
    let name = name.strip_suffix('/').unwrap_or(name);
    let is_name = |part: &str| {
        let stays = !matches!(part, "" | "." | "..");
        stays && !part.contains(|character: char| matches!(character, '\\' | ':') || character.is_control())
    };
    if name.split('/').all(is_name) { Ok(PathBuf::from(name)) } else { Err(BELOW) }
}

/// The content of an entry, which is as large as the directory states and has its checksum.
fn inflated(header: &ZipFileHeaderRecord<'_>, entry: &ZipSliceEntry<'_>) -> Result<Vec<u8>, &'static str> {
    let stated = entry.claim_verifier();
    let content = match header.compression_method() {
        CompressionMethod::STORE => entry.data().to_vec(),
        // No more than is stated is inflated.
        CompressionMethod::DEFLATE => decompress_to_vec_with_limit(entry.data(), stated.uncompressed_size as usize)
            .map_err(|_| "Deflate of as many bytes as the directory states")?,
        _ => return Err("no compression other than Deflate"),
    };
    if content.len() as u64 != stated.uncompressed_size {
        return Err("as many bytes as the directory states");
    }
    if crc32(&content) != stated.crc { Err("the checksum that the directory states") } else { Ok(content) }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec;

    use super::*;

    /// Entries as a ZIP has them: name, content, method, and bits of the external attributes.
    struct Entry<'a> {
        name: &'a [u8],
        content: &'a [u8],
        deflated: bool,
        mode: u32,
        flags: u16,
        /// What the directory states instead of the true size.
        size: Option<u32>,
    }

    fn entry<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
        Entry { name: name.as_bytes(), content, deflated: true, mode: 0o100_644, flags: 1 << 11, size: None }
    }

    fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for entry in entries {
            let data = if entry.deflated { compress_to_vec(entry.content, 6) } else { entry.content.to_vec() };
            let method: u16 = if entry.deflated { 8 } else { 0 };
            let size = entry.size.unwrap_or(entry.content.len() as u32);
            let mut fixed = Vec::new();
            fixed.extend(entry.flags.to_le_bytes());
            fixed.extend(method.to_le_bytes());
            fixed.extend([0; 4]);
            for number in [crc32(entry.content), data.len() as u32, size] {
                fixed.extend(number.to_le_bytes());
            }
            fixed.extend((entry.name.len() as u16).to_le_bytes());
            fixed.extend(0_u16.to_le_bytes());
            let at = bytes.len() as u32;
            bytes.extend(b"PK\x03\x04\x14\x00");
            bytes.extend(&fixed);
            bytes.extend(entry.name);
            bytes.extend(&data);
            directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
            directory.extend(&fixed);
            directory.extend([0; 6]);
            directory.extend((entry.mode << 16).to_le_bytes());
            directory.extend(at.to_le_bytes());
            directory.extend(entry.name);
        }
        let (at, length, count) = (bytes.len() as u32, directory.len() as u32, entries.len() as u16);
        bytes.extend(directory);
        bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
        bytes.extend(count.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(at.to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    fn read(entries: &[Entry<'_>]) -> Result<BTreeMap<PathBuf, Vec<u8>>, String> {
        files("given.zip", &zip(entries), BOUNDS).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(entries: &[Entry<'_>], expected: &str) {
        let refused = read(entries).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }

    #[test]
    fn files_are_read_and_others_named() {
        let stored = Entry { deflated: false, ..entry("a/b.toml", b"b") };
        let read = read(&[entry("a/", b""), entry("a/a.json", b"{}"), stored, entry("a/g1.dat", b"1")]).unwrap();
        let files: Vec<_> = read.iter().map(|(path, content)| (path.to_str().unwrap(), content.as_slice())).collect();
        assert_eq!(files, [("a/a.json", &b"{}"[..]), ("a/b.toml", b"b"), ("a/g1.dat", b"")]);
        assert!(is_zip(&zip(&[])) && is_zip(&zip(&[entry("a", b"")])) && !is_zip(b"{}"));
    }

    #[test]
    fn rejects_names_that_lead_out_of_the_directory() {
        for name in [
            "../a.json",
            "a/../../b.json",
            "/a.json",
            "a//b.json",
            "./a.json",
            "a/.",
            "a\\b.json",
            "C:a.json",
            "",
            "a\n.json",
            "a\0.json",
            "..",
        ] {
            refused(&[entry(name, b"{}")], "leads nowhere else");
        }
        let latin = Entry { name: b"\xe9.json", ..entry("", b"{}") };
        refused(&[latin], "a name in UTF-8");
    }

    #[test]
    fn rejects_names_that_are_there_twice() {
        refused(&[entry("a.json", b"{}"), entry("a.json", b"[]")], "no other entry");
        refused(&[entry("a.json", b"{}"), entry("a.json/", b"")], "no other entry");
        refused(&[entry("a/", b""), entry("a", b"{}")], "no other entry");
        refused(&[entry("a", b"{}"), entry("a/b.json", b"{}")], "a directory above it");
        refused(&[entry("a/b.json", b"{}"), entry("a", b"{}")], "no other entry");
    }

    #[test]
    fn rejects_links() {
        refused(&[Entry { mode: 0o120_777, ..entry("a.json", b"/etc/passwd") }], "no link");
    }

    #[test]
    fn rejects_encrypted_entries_and_other_compression() {
        refused(&[Entry { flags: 1, ..entry("a.json", b"{}") }], "not encrypted");
        let mut other = zip(&[entry("a.json", b"{}")]);
        for magic in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
            let at = other.windows(4).position(|window| window == magic).unwrap();
            let method = at + if magic[2] == 3 { 8 } else { 10 };
            other[method] = 12;
        }
        let refused = files("given.zip", &other, BOUNDS).unwrap_err().to_string();
        assert!(refused.contains("other than Deflate"), "{refused}");
    }

    /// Attack: a small file that is a large one once it is inflated.
    #[test]
    fn rejects_bombs() {
        let large = vec![b' '; DOCUMENT_LIMIT as usize + 1];
        refused(&[entry("a.json", &large)], "at most 16777216 bytes");
        refused(&[Entry { size: Some(10), ..entry("a.json", &large) }], "as many bytes as the directory states");
        refused(&[Entry { size: Some(3), ..entry("a.json", b"{}") }], "as many bytes");
        let some = vec![b' '; 1_000];
        let entries: Vec<String> = (0..20).map(|number| format!("{number}.json")).collect();
        let zip = zip(&entries.iter().map(|name| entry(name, &some)).collect::<Vec<_>>());
        let within = |entries, bytes| files("given.zip", &zip, Bounds { entries, bytes });
        assert!(within(20, 20_000).is_ok());
        assert!(matches!(within(20, 19_999), Err(ZipError::TooMuch { .. })));
        assert!(matches!(within(19, 20_000), Err(ZipError::TooMany { .. })));
    }

    #[test]
    fn rejects_changed_contents() {
        let mut bytes = zip(&[Entry { deflated: false, ..entry("a.json", b"content") }]);
        let at = bytes.windows(7).position(|window| window == b"content").unwrap();
        bytes[at] = b'k';
        let refused = files("given.zip", &bytes, BOUNDS).unwrap_err().to_string();
        assert!(refused.contains("the checksum"), "{refused}");
    }

    /// Attack: an entry that one reader calls otherwise than another.
    #[test]
    fn rejects_entries_of_two_names() {
        let mut bytes = zip(&[entry("a.json", b"{}")]);
        let at = bytes.windows(6).position(|window| window == b"a.json").unwrap();
        bytes[at] = b'b';
        let refused = files("given.zip", &bytes, BOUNDS).unwrap_err().to_string();
        assert!(refused.contains("one name"), "{refused}");
    }

    #[test]
    fn rejects_what_is_no_whole_zip() {
        let whole = zip(&[entry("a.json", b"{}"), entry("b.json", b"{}")]);
        for length in 0..whole.len() {
            assert!(matches!(files("a", &whole[..length], BOUNDS), Err(ZipError::Damaged { .. })), "{length}");
        }
        // A directory of fewer entries than it says.
        let mut fewer = whole.clone();
        let end = whole.len() - 22;
        fewer[end + 8] = 3;
        fewer[end + 10] = 3;
        assert!(matches!(files("a", &fewer, BOUNDS), Err(ZipError::Damaged { .. })));
    }
}
