//! Files that appear whole or not at all, and the error that names them.

use std::{
    borrow::Cow,
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use surety_core::failure::{Class, Failure};
use tempfile::Builder;

/// A file or directory that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), reason(error))]
pub struct PathError {
    /// Which.
    pub path: PathBuf,
    /// What the system says.
    #[source]
    pub error: io::Error,
}

impl PathError {
    /// Says where an error of the system happened; for `map_err`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self { path, error }
    }
}

/// What an error of the system says, in words that tell what to do, and without its number.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    use io::ErrorKind::{
        FileTooLarge, IsADirectory, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull, TimedOut, UnexpectedEof,
    };
    let reason = match error.kind() {
        NotFound => "no such file or directory",
        PermissionDenied => "permission denied; check the owner and the mode of the file and of its directory",
        StorageFull | QuotaExceeded | FileTooLarge => {
            "no room is left on the disk or in its quota; make room and try again"
        }
        ReadOnlyFilesystem => "the file system is read-only; choose another place",
        IsADirectory => "expected a file, found a directory",
        NotADirectory => "a part of the path is a file, and no directory",
        UnexpectedEof if error.get_ref().is_none() => "it ends early",
        TimedOut => "it does not answer",
        _ => {
            let text = error.to_string();
            return text.split(" (os error ").next().unwrap_or_default().to_owned();
        }
    };
    reason.to_owned()
}

/// Opens a regular file. To open a pipe would wait for its writer, and a device has no end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    let found = "expected a regular file, found a directory, a pipe or a device";
    Err(io::Error::new(io::ErrorKind::InvalidInput, found))
}

/// Writes a file under a temporary name beside its place, forces it to disk, then renames it. Of several writers, each
/// writes a whole file and the last one's stays; with `keep`, the first one's, and the others fail.
///
/// Content goes to the file without a buffer, which would keep a secret that nobody erases.
pub(crate) fn write(
    path: &Path,
    mode: u32,
    keep: bool,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let permissions = Permissions::from_mode(mode);
    let directory = directory_of(path);
    let mut file = Builder::new().prefix(".surety-").permissions(permissions).tempfile_in(directory)?;
    content(file.as_file_mut())?;
    file.as_file().sync_all()?;
    if keep {
        file.persist_noclobber(path)?
    } else {
        file.persist(path)?
    };
    sync_directory_of(path)
}

/// As [`write`], of what is no secret and comes in many parts: for this user alone, in place of what is there, in a
/// directory that is made if it is missing.
pub(crate) fn write_own(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> io::Result<()> {
    fs::create_dir_all(directory_of(path))?;
    write(path, 0o600, false, |file| {
        let mut writer = BufWriter::new(file);
        content(&mut writer)?;
        writer.flush()
    })
}

/// Makes a rename to `path` durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// The directory that a file lies in; the current one for a bare name.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether the disk or its quota is full.
#[must_use]
pub fn is_lack_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Failure for PathError {
    fn class(&self) -> Class {
        if is_lack_of_space(&self.error) { Class::Resources } else { Class::Input }
    }

    fn code(&self) -> Cow<'static, str> {
        "file".into()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_bare_name_lies_in_the_current_directory() {
        assert_eq!(directory_of(Path::new("pot.srs")), Path::new("."));
        assert_eq!(directory_of(Path::new("a/pot.srs")), Path::new("a"));
        assert_eq!(directory_of(Path::new("/pot.srs")), Path::new("/"));
    }

    #[test]
    fn rejects_what_is_no_regular_file_without_waiting_for_it() {
        let directory = TempDir::new().unwrap();
        let (pipe, link) = (directory.path().join("pipe"), directory.path().join("link"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link, directory.path(), Path::new("/dev/zero")] {
            assert_eq!(open(path).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{}", path.display());
        }
        assert_eq!(open(&directory.path().join("nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn errors_of_the_system_are_told_in_words() {
        let missing = fs::read("/nowhere/at/all").unwrap_err();
        assert_eq!(reason(&missing), "no such file or directory");
        let directory = fs::read("/").unwrap_err();
        assert_eq!(reason(&directory), "expected a file, found a directory");
        for code in 1..133 {
            let reason = reason(&io::Error::from_raw_os_error(code));
            assert!(!reason.is_empty() && !reason.contains("os error"), "{code}: {reason}");
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("new/file");
        write_own(&path, |writer| writer.write_all(b"old")).unwrap();
        let result = write_own(&path, |writer| {
            writer.write_all(b"half of the new")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path().join("new")).unwrap().count(), 1);
    }
}
