//! Auditing an archive: what it holds, once its chain is known to be whole.

#[cfg(feature = "host")]
use std::{fs::File, io, path::Path, sync::Mutex};

use serde::Serialize;
#[cfg(feature = "host")]
use sha2::{Digest as _, Sha256};
use surety_core::ident::Bytes32;
#[cfg(feature = "host")]
use surety_core::ident::HexBytes;
#[cfg(feature = "host")]
use surety_host::{files::FileError, setup::Setups};
#[cfg(feature = "host")]
use surety_kzg::Observer;

#[cfg(feature = "host")]
use super::{
    Audit, AuditError, AuditRequest, Moment, books, examine,
    input::{Input, Role},
    scan::{self, Found},
    source::Source,
};
#[cfg(feature = "host")]
use crate::archive::Archive;
use crate::archive::Summary;

/// The archive that was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// How it stands: the report is about the entries up to this head.
    #[serde(flatten)]
    pub summary: Summary,
    /// The head from earlier with which it was found to begin, if one had been noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<Bytes32>,
}

/// Audits what an archive holds, as [`super::run`] does with a directory; the request's is the archive. Its chain and a
/// head that was noted earlier are checked before anything in it is looked at.
///
/// # Errors
/// If it is no archive, its chain is broken, or the noted head is nowhere in it; and those of [`super::run`].
#[cfg(feature = "host")]
pub fn run(
    request: &AuditRequest<'_>,
    noted: Option<Bytes32>,
    setups: &Setups,
    observer: &dyn Observer,
) -> Result<Audit, AuditError> {
    request.check()?;
    let start = Moment::now();
    let archive = Archive::open_read_only(request.directory)?;
    archive.hold()?;
    let (found, summary) = scan::archive(&archive, noted)?;
    let source = Source::Archive(Box::new(Mutex::new((archive, None))));
    let whole = Input::new(request.directory, digest_of(request.directory)?, Role::Archive);
    let found = Found { inputs: vec![whole], ..found };
    let audit = unless_failed(&source, examine(request, &source, &found, start, setups, books::none, observer))?;
    Ok(Audit { archive: Some(Kept { summary, noted }), ..audit })
}

/// The SHA-256 of a file of any length.
#[cfg(feature = "host")]
fn digest_of(path: &Path) -> Result<Bytes32, FileError> {
    let read = || {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(path)?, &mut hasher)?;
        Ok(HexBytes(hasher.finalize().into()))
    };
    read().map_err(|error| FileError::Io { path: path.to_owned(), action: "cannot be read", error })
}

/// The result, unless the archive could not be read on the way: a disk that fails is no fault of an attestation.
#[cfg(feature = "host")]
fn unless_failed<T>(source: &Source<'_>, result: Result<T, AuditError>) -> Result<T, AuditError> {
    source.take_failure().map_or(result, |failure| Err(failure.into()))
}

#[cfg(feature = "host")]
#[cfg(test)]
mod tests {
    use surety_core::{kind::Kind, text::Format, units::Timestamp};
    use surety_host::directories::Directories;
    use surety_kzg::progress::Silent;

    use super::*;
    use crate::{
        archive::{ArchiveError, Archived},
        audit::{books::BookAnchors, finding::FindingKind, source::Place},
    };

    /// Attack: books that nobody can verify, for an auditor who looks at the exit code alone.
    #[test]
    fn rejects_archives_with_nothing_but_books() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive");
        let place = |name: &str| directory.path().join(name);
        let setups = Setups::new(&Directories { cache: place("cache"), data: place("data"), state: place("state") });
        let request = AuditRequest {
            directory: &path,
            trust: &[],
            vaults: &[],
            books: BookAnchors::default(),
            strict: false,
            allow_insecure_srs: false,
            at: Timestamp(1),
            history: false,
            one_by_one: false,
            engagement: None,
            sample: None,
        };
        let add = |kind: Kind| {
            let text = format!("{{\"kind\": \"{}\"}}", kind.name());
            Archive::open(&path).unwrap().add(&[Archived { kind, format: Format::Json, text }]).unwrap();
        };
        add(Kind::Book);
        let refused = run(&request, None, &setups, &Silent);
        assert!(matches!(refused, Err(AuditError::Empty { ignored: 1, .. })), "{refused:?}");
        // Beside something that is audited, they are found.
        add(Kind::Attestation);
        let audit = run(&request, None, &setups, &Silent).unwrap();
        assert_eq!((audit.rejected, audit.accepted_books + audit.rejected_books), (1, 0));
        assert_eq!(audit.findings.iter().map(|it| it.kind).collect::<Vec<_>>(), [FindingKind::BookWithoutPages]);
    }

    #[test]
    fn rejects_to_blame_a_document_for_an_archive_that_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(&directory.path().join("archive")).unwrap();
        let text = include_str!("../../../examples/universe.toml");
        archive.add(&[Archived::read(Path::new("universe.toml"), text).unwrap()]).unwrap();
        let source = Source::Archive(Box::new(Mutex::new((archive, None))));
        unless_failed(&source, Ok(())).unwrap();
        for position in [1, 2] {
            let (name, digest) = ("universe.toml".to_owned(), HexBytes([1; 32]));
            let place = Place::Entry { name, position, digest, sha256: digest };
            assert!(source.text(&place).is_err());
            let refused = unless_failed(&source, Ok(()));
            assert!(matches!(refused, Err(AuditError::Archive(ArchiveError::Broken { .. }))), "{refused:?}");
        }
    }
}
