use super::*;

const UNIVERSE: &str = include_str!("../../../../examples/universe.toml");

/// A universe of this name.
fn universe(name: &str) -> Archived {
    let text = UNIVERSE.replace("meridian-2026", name);
    Archived::read(Path::new("universe.toml"), &text).unwrap()
}

/// An archive with some documents, and what it stands at.
fn sample(directory: &Path) -> (PathBuf, Added) {
    let path = directory.join("archive");
    let documents = ["a", "b", "c", "d"].map(universe);
    let added = Archive::open(&path).unwrap().add(&documents).unwrap();
    (path, added)
}

/// Changes an archive as somebody would who has the file.
fn tamper(path: &Path, change: &str) {
    let database = Connection::open(path).unwrap();
    database.execute_batch("DROP TRIGGER entries_stay; DROP TRIGGER entries_stay_so;").unwrap();
    database.execute_batch(change).unwrap();
    database.execute_batch(&SCHEMA[1..].join(";")).unwrap();
}

fn check(path: &Path) -> Result<Summary, ArchiveError> {
    Archive::open_read_only(path).unwrap().check(None)
}

#[test]
fn what_is_added_is_read_in_its_order_and_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let (path, added) = sample(directory.path());
    assert_eq!((added.added, added.present, added.summary.entries), (4, 0, 4));
    let again = Archive::open(&path).unwrap().add(&["e", "b", "e"].map(universe)).unwrap();
    assert_eq!((again.added, again.present, again.summary.entries), (1, 2, 5));
    let mut texts = Vec::new();
    let read = Archive::open_read_only(&path).unwrap().read(Some(added.summary.head), |entry| {
        texts.push(entry.document);
        Ok::<_, ArchiveError>(())
    });
    assert_eq!(read.unwrap(), again.summary);
    assert_eq!(texts, ["a", "b", "c", "d", "e"].map(universe));
}

#[test]
fn the_head_depends_on_every_document_and_on_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let head = |file: &str, names: &[&str]| {
        let documents: Vec<_> = names.iter().copied().map(universe).collect();
        Archive::open(&directory.path().join(file)).unwrap().add(&documents).unwrap().summary.head
    };
    let one = head("1", &["a", "b"]);
    assert_eq!(one, head("2", &["a", "b"]));
    assert_ne!(one, head("3", &["b", "a"]));
    assert_ne!(one, head("4", &["a", "c"]));
    assert_ne!(one, head("5", &["a"]));
}

#[test]
fn what_is_exported_is_what_was_added() {
    let directory = tempfile::tempdir().unwrap();
    let (path, added) = sample(directory.path());
    let out = directory.path().join("out");
    for _ in 0..2 {
        assert_eq!(Archive::open_read_only(&path).unwrap().export(&out, None).unwrap(), added.summary);
    }
    let mut other = Archive::open(&directory.path().join("other")).unwrap();
    let files = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let documents: Vec<_> =
        files.map(|file| Archived::read(&file, &files::read_text(&file).unwrap()).unwrap()).collect();
    assert_eq!(other.add(&documents).unwrap().added, 4);
    assert_eq!(other.add(&["a", "b", "c", "d"].map(universe)).unwrap().present, 4);
}

#[test]
fn rejects_an_export_over_another_file() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = sample(directory.path());
    let archive = Archive::open_read_only(&path).unwrap();
    archive.export(directory.path(), None).unwrap();
    let file = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "toml")).unwrap();
    std::fs::write(&file, "other").unwrap();
    assert!(matches!(archive.export(directory.path(), None), Err(ArchiveError::File(FileError::Exists(_)))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "other");
}

#[test]
fn rejects_changed_documents() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = sample(directory.path());
    tamper(&path, "UPDATE entries SET text = text || ' ' WHERE position = 3");
    assert!(matches!(
        check(&path),
        Err(ArchiveError::Broken { position: 3, expected: "the digest of its document", .. })
    ));
}

#[test]
fn rejects_documents_that_changed_with_their_digest() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = sample(directory.path());
    let other = universe("x");
    let digest = digest(&other);
    let hex = digest.to_string().trim_start_matches("0x").to_owned();
    tamper(&path, &format!("UPDATE entries SET text = '{}', digest = x'{hex}' WHERE position = 2", other.text));
    assert!(matches!(check(&path), Err(ArchiveError::Broken { position: 2, .. })));
}

#[test]
fn rejects_entries_removed_from_the_middle_or_moved() {
    for change in [
        "DELETE FROM entries WHERE position = 2",
        "DELETE FROM entries WHERE position = 1",
        "DELETE FROM entries WHERE position = 2; UPDATE entries SET position = 2 WHERE position = 3",
        "UPDATE entries SET position = 9 WHERE position = 4",
        "UPDATE entries SET kind = 'holdings' WHERE position = 4",
        "UPDATE entries SET kind = 'policy' WHERE position = 4",
        "UPDATE entries SET format = 'json' WHERE position = 4",
        "UPDATE entries SET format = 'yaml' WHERE position = 4",
        "UPDATE entries SET head = x'00' WHERE position = 4",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = sample(directory.path());
        tamper(&path, change);
        assert!(matches!(check(&path), Err(ArchiveError::Broken { .. })), "{change}");
    }
}

#[test]
fn rejects_an_archive_that_has_lost_its_end_or_was_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (path, added) = sample(directory.path());
    tamper(&path, "DELETE FROM entries WHERE position = 4");
    let archive = Archive::open_read_only(&path).unwrap();
    assert_eq!(archive.check(None).unwrap().entries, 3, "nobody can tell without a noted head");
    assert!(matches!(archive.check(Some(added.summary.head)), Err(ArchiveError::OtherHistory { .. })));
    let anew = directory.path().join("anew");
    Archive::open(&anew).unwrap().add(&["a", "b", "d", "c"].map(universe)).unwrap();
    let archive = Archive::open_read_only(&anew).unwrap();
    assert!(matches!(archive.check(Some(added.summary.head)), Err(ArchiveError::OtherHistory { .. })));
}

#[test]
fn rejects_changes_through_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let (path, added) = sample(directory.path());
    let database = Connection::open(&path).unwrap();
    for change in ["DELETE FROM entries WHERE position = 4", "UPDATE entries SET text = '' WHERE position = 1"] {
        assert!(database.execute_batch(change).unwrap_err().to_string().contains("stay"), "{change}");
    }
    assert_eq!(check(&path).unwrap(), added.summary);
}

/// Attack: a file that shows what it likes, takes for ever, or drops what is added.
#[test]
fn rejects_tables_views_and_triggers_that_no_archive_has() {
    for change in [
        "CREATE TRIGGER t BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END",
        "ALTER TABLE entries RENAME TO kept; CREATE VIEW entries AS SELECT * FROM kept",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON entries (kind)",
        "ALTER TABLE entries ADD COLUMN more TEXT",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = sample(directory.path());
        Connection::open(&path).unwrap().execute_batch(change).unwrap();
        assert!(matches!(Archive::open(&path), Err(ArchiveError::Foreign(_))), "{change}");
        assert!(matches!(Archive::open_read_only(&path), Err(ArchiveError::Foreign(_))), "{change}");
    }
}

#[test]
fn rejects_adding_to_an_archive_that_is_broken() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = sample(directory.path());
    tamper(&path, "UPDATE entries SET text = text || ' ' WHERE position = 1");
    let error = Archive::open(&path).unwrap().add(&[universe("e")]).unwrap_err();
    assert!(matches!(error, ArchiveError::Broken { position: 1, .. }), "{error}");
}

/// An archive whose file says of all its free pages that they are this one.
fn with_free_page(directory: &Path, page: impl Fn(u32) -> u32) -> (PathBuf, Summary) {
    const PAGE_BYTES: usize = 4096;
    let (path, added) = sample(directory);
    let free = "CREATE TABLE free (x); INSERT INTO free VALUES (zeroblob(30000)); DROP TABLE free;";
    Connection::open(&path).unwrap().execute_batch(free).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let word = |bytes: &[u8], place: usize| u32::from_be_bytes(bytes[place..place + 4].try_into().unwrap());
    // The header says where the list of free pages is: the next such list, how many pages follow, and the pages.
    let list = (word(&bytes, 32) as usize - 1) * PAGE_BYTES;
    let count = word(&bytes, list + 4) as usize;
    assert!(count > 2, "pages that are free");
    let page = page(word(&bytes, list + 8));
    bytes[list + 8..][..4 * count].copy_from_slice(&page.to_be_bytes().repeat(count));
    std::fs::write(&path, bytes).unwrap();
    (path, added.summary)
}

/// Documents that take a page of their own each.
fn large() -> [Archived; 2] {
    ["e", "f"].map(|name| {
        let text = format!("{}# {}", universe(name).text, name.repeat(5_000));
        Archived::read(Path::new("universe.toml"), &text).unwrap()
    })
}

/// Attack: a file in which what is added overwrites what was added before it.
#[test]
fn rejects_an_archive_that_loses_what_is_added() {
    let directory = tempfile::tempdir().unwrap();
    let (path, summary) = with_free_page(directory.path(), |page| page);
    let refused = Archive::open(&path).unwrap().add(&large());
    assert!(matches!(refused, Err(ArchiveError::Broken { position: 5, .. })), "{refused:?}");
    assert_eq!(check(&path).unwrap(), summary, "nothing was added");
}

/// Attack: a file in which what is added overwrites what was there.
#[test]
fn rejects_an_archive_that_loses_what_was_there() {
    let mut lost = 0;
    for page in 2..=6 {
        let directory = tempfile::tempdir().unwrap();
        let (path, summary) = with_free_page(directory.path(), |_| page);
        let [document, _] = large();
        match Archive::open(&path).unwrap().add(&[document]) {
            Ok(added) => assert_eq!(check(&path).unwrap(), added.summary),
            Err(_) => {
                lost += 1;
                assert_eq!(check(&path).unwrap(), summary, "nothing was added");
            }
        }
    }
    assert!(lost > 0, "what is there is overwritten");
}

/// Attack: spoil an attestation, so that nobody who audits the archive hears of it.
#[test]
fn rejects_what_may_have_been_an_attestation() {
    for text in ["{\"kind\": \"surety/attestation\", ", "{\"kind\": \"surety/attestation\", \"kind\": \"x\"}", "text"] {
        let read = Archived::read(Path::new("attestation.json"), text);
        assert!(matches!(read, Err(ArchiveError::Unreadable { .. })), "{text}");
    }
}

#[test]
fn rejects_other_files_and_other_versions() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("text");
    std::fs::write(&text, UNIVERSE).unwrap();
    assert!(matches!(Archive::open(&text), Err(ArchiveError::NoArchive(_))));
    assert_eq!(std::fs::read_to_string(&text).unwrap(), UNIVERSE);
    let other = directory.path().join("other");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE entries (position INTEGER PRIMARY KEY)").unwrap();
    assert!(matches!(Archive::open(&other), Err(ArchiveError::NoArchive(_))));
    let (path, _) = sample(directory.path());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
    assert!(matches!(Archive::open(&path), Err(ArchiveError::Version { found: 2, .. })));
    let missing = directory.path().join("missing");
    assert!(matches!(Archive::open_read_only(&missing), Err(ArchiveError::File(FileError::Missing(_)))));
    assert!(!missing.exists());
}

#[test]
fn rejects_secrets_and_foreign_documents() {
    for (file, text) in [
        ("holdings.toml", "kind = \"surety/holdings\"\nversion = 1\n"),
        ("opening.json", "{\"kind\": \"surety/opening\", \"version\": 1}"),
        ("trust.toml", "kind = \"surety/trust\"\nversion = 1\n"),
        ("other.json", "{\"kind\": \"universe\"}"),
        ("list.json", "[]"),
        ("text", "text"),
        ("empty.toml", ""),
    ] {
        assert!(matches!(Archived::read(Path::new(file), text), Err(ArchiveError::Kind(_))), "{file}");
    }
    let cut = &UNIVERSE[..UNIVERSE.len() - 20];
    assert!(matches!(
        Archived::read(Path::new("universe.toml"), cut),
        Err(ArchiveError::Kind(_) | ArchiveError::Content(_))
    ));
    let wrong = UNIVERSE.replace("capacity = 10", "capacity = 99");
    assert!(matches!(Archived::read(Path::new("universe.toml"), &wrong), Err(ArchiveError::Content(_))));
}

#[test]
fn two_processes_can_add_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("archive");
    std::thread::scope(|scope| {
        for writer in ["a", "b", "c"] {
            let path = &path;
            scope.spawn(move || {
                for number in 0..10 {
                    Archive::open(path).unwrap().add(&[universe(&format!("{writer}{number}"))]).unwrap();
                }
            });
        }
    });
    assert_eq!(check(&path).unwrap().entries, 30);
}

/// Attack, or bad luck: an archive that changes between the reading of its chain and that of its documents.
#[test]
fn rejects_changes_while_an_audit_reads() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = sample(directory.path());
    let (audited, other) = (Archive::open_read_only(&path).unwrap(), Connection::open(&path).unwrap());
    other.busy_timeout(Duration::ZERO).unwrap();
    let seize = || other.execute_batch("BEGIN EXCLUSIVE; ROLLBACK");
    seize().unwrap();
    audited.hold().unwrap();
    audited.check(None).unwrap();
    assert!(seize().is_err());
    drop(audited);
    seize().unwrap();
}
