//! Files: written whole or not at all, read up to a limit and without waiting, and private where they hold secrets.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs::{self, File, FileType, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

pub use surety_core::text::DOCUMENT_LIMIT;
use surety_core::{
    failure::{Class, Failure},
    text::Unfit,
};
use tempfile::Builder;
use walkdir::{DirEntry, WalkDir};
use zeroize::Zeroizing;

use crate::atomic::{self, directory_of, is_lack_of_space, reason};

/// Most bytes of a key, a keystore or a passphrase.
pub const SECRET_LIMIT: u64 = 64 << 10;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file or directory does not exist.
    #[error("{}: no such file or directory", .0.display())]
    Missing(PathBuf),
    /// It exists already.
    #[error("{}: exists already; give another name, or --force to replace it", .0.display())]
    Exists(PathBuf),
    /// It is a directory, a pipe or a device.
    #[error("{}: expected a regular file, found a directory, a pipe or a device", .0.display())]
    Irregular(PathBuf),
    /// It is larger than any file of its kind, or not text.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The operating system refuses.
    #[error("{}: {action}: {}", path.display(), reason(error))]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system says.
        error: io::Error,
    },
}

impl FileError {
    fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::NotFound if action == READ => Self::Missing(path.to_owned()),
            io::ErrorKind::AlreadyExists => Self::Exists(path.to_owned()),
            _ => Self::Io { path: path.to_owned(), action, error },
        }
    }

    fn too_large(path: &Path, limit: u64) -> Self {
        Unfit::TooLarge { file: path.display().to_string(), limit }.into()
    }
}

const READ: &str = "cannot be read";
const WRITE: &str = "cannot be written";

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody whom the user's umask admits.
    Public,
    /// Its owner.
    Secret,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Public => 0o666,
            Self::Secret => 0o600,
        }
    }
}

/// What happens to a file that exists already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and writing fails.
    Keep,
    /// It is replaced.
    Replace,
}

/// Writes a file whole or not at all: to a temporary file beside it, which then takes its name. Both the file and its
/// directory have reached the disk when this returns.
///
/// # Errors
/// If it exists and is to be kept, or the operating system refuses.
pub fn write(path: &Path, bytes: &[u8], access: Access, existing: Existing) -> Result<(), FileError> {
    let keep = existing == Existing::Keep;
    atomic::write(path, access.mode(), keep, |file| file.write_all(bytes)).map_err(FileError::io(path, WRITE))
}

/// Locks a file that is to be read, changed and replaced, so that two processes do not lose each other's changes. The
/// lock is held until the result is dropped.
///
/// # Errors
/// If the file is missing, or the operating system refuses.
pub fn lock(path: &Path) -> Result<File, FileError> {
    let failed = || FileError::io(path, READ);
    loop {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed())?;
        file.lock().map_err(failed())?;
        // Whoever held the lock before may have put another file in its place.
        let (locked, present) = (file.metadata().map_err(failed())?, path.metadata().map_err(failed())?);
        if (locked.dev(), locked.ino()) == (present.dev(), present.ino()) {
            return Ok(file);
        }
    }
}

/// Refuses to go on if a file could not be written later: before work that would be lost.
///
/// # Errors
/// If the file exists and is to be kept, or its directory does not exist.
pub fn check_target(path: &Path, existing: Existing) -> Result<(), FileError> {
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(FileError::Exists(path.to_owned()));
    }
    let directory = directory_of(path);
    if directory.is_dir() { Ok(()) } else { Err(FileError::Missing(directory.to_owned())) }
}

/// Reads a regular file of at most `limit` bytes. The bytes are erased when dropped.
///
/// Never waits: a pipe or a device among the files that somebody else wrote would otherwise stop the reader for ever.
///
/// # Errors
/// If it is missing, not a regular file, too large, or the operating system refuses.
pub fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let failed = || FileError::io(path, READ);
    // Already opening a pipe would wait for its writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed())?;
    let metadata = file.metadata().map_err(failed())?;
    if !metadata.is_file() {
        return Err(FileError::Irregular(path.to_owned()));
    }
    if metadata.len() > limit {
        return Err(FileError::too_large(path, limit));
    }
    read_open(file, path, metadata.len(), limit)
}

/// Reads a document: text of at most [`DOCUMENT_LIMIT`] bytes in a regular file. It is erased when dropped.
///
/// # Errors
/// If it is missing, not a regular file, too large, not text, or the operating system refuses.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>, FileError> {
    text(path, read(path, DOCUMENT_LIMIT)?)
}

/// Reads a text of at most `limit` bytes in a regular file, for what may be longer than a document. It is erased when
/// dropped.
///
/// # Errors
/// If it is missing, not a regular file, too large, not text, or the operating system refuses.
pub fn read_long_text(path: &Path, limit: u64) -> Result<Zeroizing<String>, FileError> {
    text(path, read(path, limit)?)
}

/// Reads a secret of the user: text of at most [`SECRET_LIMIT`] bytes. It is erased when dropped.
///
/// The user names its place, which may be a pipe from a password manager or standard input, and waits for it.
///
/// # Errors
/// If it is missing, too large, not text, or the operating system refuses.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let file = File::open(path).map_err(FileError::io(path, READ))?;
    // A pipe does not state its length.
    let bytes = read_open(file, path, SECRET_LIMIT, SECRET_LIMIT)?;
    utf16(&bytes).map_or_else(|| text(path, bytes), Ok)
}

/// Text in UTF-16 behind a byte order mark, which shells and editors of Windows write. The mark stays.
fn utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, []) = bytes.as_chunks() else { return None };
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for character in char::decode_utf16(pairs.iter().copied().map(unit)) {
        text.push(character.ok()?);
    }
    Some(text)
}

fn read_open(file: File, path: &Path, length: u64, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // Room for all of it, so that no growth leaves a copy of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity((length as usize).saturating_add(1)));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(FileError::io(path, READ))?;
    if bytes.len() as u64 > limit {
        return Err(FileError::too_large(path, limit));
    }
    Ok(bytes)
}

fn text(path: &Path, mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, FileError> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Unfit::NotText(path.display().to_string()).into())
        }
    }
}

/// The files under a directory and the directories in it, in the order of their names. Links are not followed. What has
/// a name that `enter` turns down is passed over; the directory itself is not asked about.
///
/// # Errors
/// If a directory is missing or the operating system refuses.
pub fn under(directory: &Path, enter: impl Fn(&OsStr, FileType) -> bool) -> Result<Vec<PathBuf>, FileError> {
    let entries = WalkDir::new(directory).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| entry.depth() == 0 || enter(entry.file_name(), entry.file_type()));
    let entries = entries.filter(|entry| entry.as_ref().map_or(true, |entry| !entry.file_type().is_dir()));
    let path = |entry: Result<DirEntry, walkdir::Error>| match entry {
        Ok(entry) => Ok(entry.into_path()),
        Err(error) => {
            let path = error.path().unwrap_or(directory).to_owned();
            Err(FileError::io(&path, READ)(error.into()))
        }
    };
    entries.map(path).collect()
}

/// Creates a directory, and those above it, unless they exist.
///
/// # Errors
/// If the operating system refuses.
pub fn create_directory(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::io(path, WRITE))
}

/// Writes files into a new directory, which appears with all of them or not at all.
///
/// # Errors
/// If the directory exists, or the operating system refuses.
pub fn write_directory(path: &Path, contents: &[(String, Vec<u8>)]) -> Result<(), FileError> {
    let (failed, above) = (|| FileError::io(path, WRITE), directory_of(path));
    check_target(path, Existing::Keep)?;
    // As a new directory is, which the user's umask says: a temporary one would be private.
    let permissions = Permissions::from_mode(0o777);
    let made = Builder::new().prefix(".surety-").permissions(permissions).tempdir_in(above).map_err(failed())?;
    for (name, bytes) in contents {
        write(&made.path().join(name), bytes, Access::Public, Existing::Keep)?;
    }
    fs::rename(made.path(), path).map_err(failed())?;
    // Nothing is there to be deleted any more.
    let _ = made.keep();
    File::open(above).and_then(|above| above.sync_all()).map_err(failed())
}

/// Creates a directory that only its owner may enter, and those above it; one that exists becomes private.
///
/// # Errors
/// If the operating system refuses.
pub fn create_private_directory(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path).map_err(FileError::io(path, WRITE))?;
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(FileError::io(path, WRITE))
}

/// Whether others than its owner may read a file or enter a directory.
///
/// # Errors
/// If it is missing or the operating system refuses.
pub fn is_exposed(path: &Path) -> Result<bool, FileError> {
    let metadata = fs::metadata(path).map_err(FileError::io(path, READ))?;
    Ok(metadata.mode() & 0o077 != 0)
}

impl Failure for FileError {
    fn class(&self) -> Class {
        match self {
            Self::Io { error, .. } if is_lack_of_space(error) => Class::Resources,
            _ => Class::Input,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "file".into()
    }
}

#[cfg(test)]
mod tests {
    use std::{process::Command, thread};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_read_and_secrets_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let private = directory.path().join("a/private");
        create_private_directory(&private).unwrap();
        assert_eq!(mode(&private), 0o700);
        let path = private.join("opening.json");
        write(&path, b"secret", Access::Secret, Existing::Keep).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(!is_exposed(&path).unwrap());
        assert_eq!(read_text(&path).unwrap().as_str(), "secret");
        write(&path, b"other", Access::Secret, Existing::Replace).unwrap();
        assert_eq!(read_text(&path).unwrap().as_str(), "other");
        assert_eq!(fs::read_dir(&private).unwrap().count(), 1, "no temporary file stays");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(is_exposed(&path).unwrap());
    }

    #[test]
    fn rejects_directories_in_part_and_in_the_place_of_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("proposal");
        let content = |name: &str| (name.to_owned(), name.as_bytes().to_vec());
        // The second file cannot be written, so the first one is not there either.
        assert!(write_directory(&path, &[content("a"), content("b/c")]).is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        write_directory(&path, &[content("a"), content("b")]).unwrap();
        assert_eq!(read_text(&path.join("b")).unwrap().as_str(), "b");
        assert!(matches!(write_directory(&path, &[content("a")]), Err(FileError::Exists(_))));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary directory stays");
    }

    /// Attack: processes that read a file, change it and put the result in its place, all at once.
    #[test]
    fn changes_under_a_lock_are_not_lost() {
        const THREADS: usize = 4;
        const CHANGES: usize = 25;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("number");
        write(&path, b"0", Access::Public, Existing::Keep).unwrap();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..CHANGES {
                        let _lock = lock(&path).unwrap();
                        let number: usize = read_text(&path).unwrap().parse().unwrap();
                        thread::yield_now();
                        write(&path, (number + 1).to_string().as_bytes(), Access::Public, Existing::Replace).unwrap();
                    }
                });
            }
        });
        assert_eq!(read_text(&path).unwrap().as_str(), (THREADS * CHANGES).to_string());
        assert!(lock(&directory.path().join("none")).is_err());
    }

    #[test]
    fn rejects_overwriting_unless_told_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write(&path, b"first", Access::Public, Existing::Keep).unwrap();
        let error = write(&path, b"second", Access::Public, Existing::Keep).unwrap_err();
        assert!(matches!(error, FileError::Exists(_)), "{error}");
        assert!(matches!(check_target(&path, Existing::Keep), Err(FileError::Exists(_))));
        check_target(&path, Existing::Replace).unwrap();
        let nowhere = directory.path().join("nowhere/file");
        assert!(matches!(check_target(&nowhere, Existing::Replace), Err(FileError::Missing(_))));
        assert_eq!(read_text(&path).unwrap().as_str(), "first");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn rejects_files_beyond_their_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write(&path, &[0; 11], Access::Public, Existing::Keep).unwrap();
        assert!(matches!(read(&path, 10), Err(FileError::Unfit(Unfit::TooLarge { limit: 10, .. }))));
        assert_eq!(read(&path, 11).unwrap().len(), 11);
        assert_eq!(read(&path, u64::MAX).unwrap().len(), 11, "no limit is one, too");
        // A device states no length.
        let endless = read_secret(Path::new("/dev/zero"));
        assert!(matches!(endless, Err(FileError::Unfit(Unfit::TooLarge { limit: SECRET_LIMIT, .. }))));
    }

    #[test]
    fn files_under_a_directory_are_listed_in_order_and_links_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b, c] = ["b/a", "b/c/b", "c"].map(|file| directory.path().join(file));
        fs::create_dir_all(b.parent().unwrap()).unwrap();
        [&c, &b, &a].into_iter().for_each(|file| fs::write(file, "").unwrap());
        let link = directory.path().join("d");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert_eq!(under(directory.path(), |_, _| true).unwrap(), [a.clone(), b, c.clone(), link.clone()]);
        let shallow = under(directory.path(), |name, kind| !(kind.is_dir() && name == "c"));
        assert_eq!(shallow.unwrap(), [a, c, link]);
        assert!(matches!(under(&directory.path().join("nowhere"), |_, _| true), Err(FileError::Missing(_))));
    }

    fn pipe(directory: &Path) -> PathBuf {
        let path = directory.join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn rejects_what_is_no_regular_file_without_waiting_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(pipe(directory.path()), &link).unwrap();
        for path in [directory.path().join("pipe"), link, "/dev/zero".into(), directory.path().into()] {
            let error = read_text(&path).unwrap_err();
            assert!(matches!(error, FileError::Irregular(_)), "{}: {error}", path.display());
        }
    }

    #[test]
    fn secrets_may_come_through_pipes() {
        let directory = tempfile::tempdir().unwrap();
        let path = pipe(directory.path());
        thread::scope(|scope| {
            scope.spawn(|| fs::write(&path, "secret").unwrap());
            assert_eq!(read_secret(&path).unwrap().as_str(), "secret");
        });
    }

    #[test]
    fn rejects_missing_files_and_files_that_are_not_text() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert!(matches!(read_text(&path), Err(FileError::Missing(_))));
        write(&path, &[0xff], Access::Public, Existing::Keep).unwrap();
        assert!(matches!(read_text(&path), Err(FileError::Unfit(Unfit::NotText(_)))));
    }
}
