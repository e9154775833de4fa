//! A document as an archive keeps it, and an archive whose file is changed in a few places: what is read of it is what
//! was added to it, and what it takes more is there afterwards.
//!
//! The first byte says which, and what the document's name ends in; behind it is the document, or the changes.

#![no_main]

use std::{fs, path::Path, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use surety_audit::archive::{Archive, ArchiveError, Archived, KEPT, Summary};
use surety_fuzz::{bounded, demo, edit};
use tempfile::TempDir;

/// An archive, and what is in it.
struct Fixture {
    file: Vec<u8>,
    documents: Vec<Archived>,
    summary: Summary,
    /// One that is not in it.
    more: Archived,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("archive");
    let document = |name: &str, text: &str| Archived::read(Path::new(name), text).unwrap();
    let documents = vec![
        document("universe.toml", demo::UNIVERSE),
        document("attestation.json", include_str!("../seeds/attestation/demo.json")),
        document("statement.json", include_str!("../seeds/statement/demo.json")),
    ];
    let summary = Archive::open(&path).unwrap().add(&documents).unwrap().summary;
    let more = document("market.json", include_str!("../seeds/market/demo.json"));
    Fixture { file: fs::read(&path).unwrap(), documents, summary, more }
});

fuzz_target!(|input: &[u8]| {
    let Some((place, content)) = input.split_first() else { return };
    let names = ["a.toml", "a.json", "a"];
    match names.get(usize::from(*place)) {
        Some(name) => bounded(content, || kept(Path::new(name), content)),
        None => changed(content),
    }
});

/// A document that is kept is one of its kind, and comes back byte for byte, under the name that it is exported with,
/// too.
fn kept(name: &Path, content: &[u8]) {
    let Ok(text) = str::from_utf8(content) else { return };
    let document = match Archived::read(name, text) {
        Ok(document) => document,
        Err(error) => return assert!(!error.to_string().is_empty(), "a refusal without a reason"),
    };
    assert!(KEPT.contains(&document.kind));
    assert_eq!(&*document.text, text);
    let mut archive = Archive::open(Path::new(":memory:")).unwrap();
    let added = archive.add(&[document.clone(), document.clone()]).unwrap();
    assert_eq!((added.added, added.present), (1, 1));
    let read = archive.read(Some(added.summary.head), |entry| {
        // Of evidence the file that it was is exported, and not what it is wrapped in.
        if entry.document.evidence().is_none() {
            assert_eq!(Archived::read(Path::new(&entry.file_name()), &entry.document.text)?, document);
        }
        assert_eq!(entry.document, document);
        Ok::<_, ArchiveError>(())
    });
    assert_eq!(read.unwrap(), added.summary);
}

/// An archive with changes.
fn changed(edits: &[u8]) {
    let fixture = &*FIXTURE;
    let mut file = fixture.file.clone();
    edit(&mut file, edits);
    // What the database puts beside its file goes with it.
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("archive");
    fs::write(&path, &file).unwrap();
    bounded(&file, || {
        let mut found = Vec::new();
        let read = Archive::open_read_only(&path).and_then(|archive| {
            archive.read(Some(fixture.summary.head), |entry| {
                found.push(entry.document);
                Ok::<_, ArchiveError>(())
            })
        });
        assert!(fixture.documents.starts_with(&found), "a document that was not added");
        if let Ok(summary) = read {
            assert_eq!((summary, found.len()), (fixture.summary, fixture.documents.len()));
        }
        let more = [fixture.more.clone()];
        if let Ok(added) = Archive::open(&path).and_then(|mut archive| archive.add(&more)) {
            let check = Archive::open_read_only(&path).and_then(|archive| archive.check(None));
            assert_eq!(check.unwrap(), added.summary);
        }
    });
}
