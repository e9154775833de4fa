//! The attestations of an audit, and the public documents that they may refer to.
//!
//! A file counts as the document that it says it is, wherever it lies and whatever it is called, if its name ends in
//! `.json` or `.toml`, in any case. A file whose name ends in `.json` and that is no JSON may have been an attestation,
//! and is told. Directories called `private`, where holders keep their secrets, and names that start with a dot are
//! passed over; links to directories are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::AtomicU64},
};
#[cfg(feature = "host")]
use std::{ffi::OsStr, fs::FileType};

use alloy_primitives::keccak256;
use rayon::prelude::*;
use surety_core::{
    failure::{AnyFailure, Internal},
    ident::Bytes32,
    kind::{Damaged, Kind, recognise},
    text::{DOCUMENT_LIMIT, Format, InputErrors, Unfit, json_problem},
};
#[cfg(feature = "host")]
use surety_host::files::{self, FileError};
use surety_kzg::{Event, Observer, progress::Stage};

use super::{
    input::{Input, Role, WhyIgnored, sha256},
    memory::Memory,
    source::Place,
};
#[cfg(feature = "host")]
use crate::archive::{Archive, ArchiveError, Summary};
use crate::archive::{ArchiveEntry, Evidence};

/// What was found. Places are in ascending order, and of files with the same content only the first is kept.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Attestations; those with the same content too.
    pub(super) attestations: Vec<Place>,
    /// Files that should be JSON and are not.
    pub(super) unreadable: Vec<(Place, AnyFailure)>,
    /// Universes.
    pub(super) universes: Vec<Place>,
    /// Policies.
    pub(super) policies: Vec<Place>,
    /// Commitments of policies.
    pub(super) compiled: Vec<Place>,
    /// Market snapshots.
    pub(super) snapshots: Vec<Place>,
    /// Books; those with the same content too.
    pub(super) books: Vec<Place>,
    /// Rules of books.
    pub(super) book_rules: Vec<Place>,
    /// Other files, and why each takes no part.
    pub(super) ignored: Vec<(Place, WhyIgnored)>,
    /// Everything that was read, in ascending order of places. Of an archive, nothing.
    pub(super) inputs: Vec<Input>,
}

impl Found {
    fn add(&mut self, kind: Kind, place: Place) {
        match kind {
            Kind::Attestation => self.attestations.push(place),
            Kind::Universe => self.universes.push(place),
            Kind::Policy => self.policies.push(place),
            Kind::CompiledPolicy => self.compiled.push(place),
            Kind::Market => self.snapshots.push(place),
            Kind::Book => self.books.push(place),
            Kind::BookRules => self.book_rules.push(place),
            _ => self.ignored.push((place, WhyIgnored::Kind)),
        }
    }
}

/// The kinds of which one text is listed once.
const LISTED: [Kind; 5] = [Kind::Universe, Kind::Policy, Kind::CompiledPolicy, Kind::Market, Kind::BookRules];

/// Looks through a directory.
///
/// # Errors
/// If a directory cannot be read.
#[cfg(feature = "host")]
pub(super) fn directory(directory: &Path, observer: &dyn Observer) -> Result<Found, FileError> {
    let (candidates, others) = walk(directory)?;
    Ok(sorted(candidates, others, sort, observer))
}

/// Looks through what is in memory.
pub(super) fn memory(memory: &Memory<'_>, observer: &dyn Observer) -> Found {
    match memory {
        Memory::Files { files, .. } => {
            let is_candidate = |path: &PathBuf| Format::of_name(&path.to_string_lossy()).is_some();
            let (candidates, others) = files.keys().filter(|path| memory.has(path)).cloned().partition(is_candidate);
            let sort = |path: &Path, kinds: &KindsOfText| {
                let bytes = files.get(path).copied().unwrap_or_default();
                sort_read(
                    path,
                    Unfit::text(&path.display().to_string(), bytes).map_err(AnyFailure::from),
                    kinds,
                    || Some(bytes).filter(|bytes| bytes.len() as u64 <= DOCUMENT_LIMIT).map(sha256),
                )
            };
            sorted(candidates, others, sort, observer)
        }
        Memory::Archive { path, sha256, image } => {
            let mut entries = Entries::default();
            image.entries.iter().for_each(|entry| entries.add(entry));
            Found { inputs: vec![Input::new(path, *sha256, Role::Archive)], ..entries.found() }
        }
    }
}

/// What files are, of which the first are to be looked into by their names.
fn sorted(
    candidates: Vec<PathBuf>,
    others: Vec<PathBuf>,
    sort: impl Fn(&Path, &KindsOfText) -> (Sorted, Option<Bytes32>) + Sync,
    observer: &dyn Observer,
) -> Found {
    let total = candidates.len() as u64;
    let done = AtomicU64::new(0);
    observer.event(Event::Progress { stage: Stage::Scanning, done: 0, total });
    let kinds = KindsOfText::default();
    let sorted: Vec<(Sorted, Option<Bytes32>)> = candidates
        .par_iter()
        .map(|path| {
            let sorted = sort(path, &kinds);
            super::count(&done, total, Stage::Scanning, observer);
            sorted
        })
        .collect();
    observer.event(Event::Progress { stage: Stage::Scanning, done: total, total });
    let mut shelf = Shelf::default();
    let unopened = |path| (Place::File { path, sha256: None }, WhyIgnored::Name);
    shelf.found.ignored.extend(others.into_iter().map(unopened));
    for (path, (sorted, sha256)) in candidates.into_iter().zip(sorted) {
        shelf.found.inputs.extend(sha256.map(|sha256| Input::new(&path, sha256, sorted.role())));
        shelf.put(Place::File { path, sha256 }, sorted);
    }
    shelf.found
}

/// What was found so far, and the hashes of the texts that are there already.
#[derive(Default)]
struct Shelf {
    found: Found,
    seen: BTreeSet<[u8; 32]>,
}

impl Shelf {
    fn put(&mut self, place: Place, sorted: Sorted) {
        match sorted {
            Sorted::Attestation => self.found.add(Kind::Attestation, place),
            // Its pages lie beside it, and may be others than those beside a copy.
            Sorted::Document(Kind::Book, _) => self.found.add(Kind::Book, place),
            Sorted::Document(kind, hash) if self.seen.insert(hash) => self.found.add(kind, place),
            // The same text is there already.
            Sorted::Document(kind, _) if LISTED.contains(&kind) => {}
            Sorted::Document(..) => self.found.ignored.push((place, WhyIgnored::Kind)),
            Sorted::Foreign => self.found.ignored.push((place, WhyIgnored::Foreign)),
            Sorted::Unreadable(error) => self.found.unreadable.push((place, error)),
        }
    }
}

/// Looks through an archive, whose chain and a head that was noted earlier are checked on the way.
///
/// # Errors
/// If the archive cannot be read, its chain is broken, or the noted head is nowhere in it.
#[cfg(feature = "host")]
pub(super) fn archive(archive: &Archive, noted: Option<Bytes32>) -> Result<(Found, Summary), ArchiveError> {
    let mut entries = Entries::default();
    let summary = archive.read(noted, |entry| {
        entries.add(&entry);
        Ok::<_, ArchiveError>(())
    })?;
    Ok((entries.found(), summary))
}

/// The entries of an archive, by the names that their files would have.
#[derive(Default)]
struct Entries {
    kinds: KindsOfText,
    entries: BTreeMap<String, (Place, Sorted)>,
}

impl Entries {
    fn add(&mut self, entry: &ArchiveEntry) {
        let (name, position, digest) = (entry.file_name(), entry.position, entry.digest);
        // An entry counts as the document that its text says it is, whatever its label.
        let text = &entry.document.text;
        let evidence = entry.document.evidence();
        let (sorted, sha256) = if text.len() as u64 > DOCUMENT_LIMIT {
            (too_large(&name, entry.document.format), sha256(text.as_bytes()))
        } else if let Some(evidence) = evidence {
            (sort_evidence(&name, &evidence, &self.kinds), evidence.sha256)
        } else {
            (sort_text(&name, text, entry.document.format, &self.kinds), sha256(text.as_bytes()))
        };
        // Its name has the digest in it: an entry that is there twice is one document.
        self.entries.entry(name.clone()).or_insert((Place::Entry { name, position, digest, sha256 }, sorted));
    }

    fn found(self) -> Found {
        let mut shelf = Shelf::default();
        self.entries.into_values().for_each(|(place, sorted)| shelf.put(place, sorted));
        shelf.found
    }
}

/// A file that is kept as evidence counts as it would in a directory.
fn sort_evidence(name: &str, evidence: &Evidence, kinds: &KindsOfText) -> Sorted {
    match evidence.content().map(String::from_utf8) {
        Some(Ok(text)) => sort_text(name, &text, evidence.format(), kinds),
        _ if evidence.format() == Format::Json => Sorted::Unreadable(Unfit::NotText(name.to_owned()).into()),
        _ => Sorted::Foreign,
    }
}

/// A text that is larger than any document.
fn too_large(name: &str, format: Format) -> Sorted {
    match format {
        Format::Json => Sorted::Unreadable(Unfit::TooLarge { file: name.to_owned(), limit: DOCUMENT_LIMIT }.into()),
        Format::Toml => Sorted::Foreign,
    }
}

/// The files whose names end in `.json` or `.toml`, in ascending order, and the others.
#[cfg(feature = "host")]
fn walk(directory: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), FileError> {
    let enter =
        |name: &OsStr, kind: FileType| !(name.to_string_lossy().starts_with('.') || kind.is_dir() && name == "private");
    let is_candidate = |path: &PathBuf| Format::of_name(&path.to_string_lossy()).is_some() && !path.is_dir();
    let (mut candidates, others): (Vec<_>, Vec<_>) =
        files::under(directory, enter)?.into_iter().partition(is_candidate);
    candidates.sort();
    Ok((candidates, others))
}

/// What a file is.
enum Sorted {
    Attestation,
    /// Another document, with the hash of its text.
    Document(Kind, [u8; 32]),
    Foreign,
    Unreadable(AnyFailure),
}

impl Sorted {
    fn role(&self) -> Role {
        match self {
            Self::Attestation => Role::Document(Kind::Attestation),
            Self::Document(kind, _) => Role::Document(*kind),
            Self::Foreign => Role::Foreign,
            Self::Unreadable(_) => Role::Unreadable,
        }
    }
}

/// The kinds of texts in TOML, of which many directories have copies.
type KindsOfText = Mutex<BTreeMap<[u8; 32], Option<Kind>>>;

/// What a file is, and the SHA-256 of its bytes, if they can be read.
#[cfg(feature = "host")]
fn sort(path: &Path, kinds: &KindsOfText) -> (Sorted, Option<Bytes32>) {
    let hash = || files::read(path, DOCUMENT_LIMIT).ok().map(|bytes| sha256(&bytes));
    match files::read_text(path) {
        Ok(text) => sort_read(path, Ok(&text), kinds, hash),
        Err(error) => sort_read(path, Err(error.into()), kinds, hash),
    }
}

/// The same of a file whose text was read, if it is text. `hash` is asked for the SHA-256 of what is none.
fn sort_read(
    path: &Path,
    text: Result<&str, AnyFailure>,
    kinds: &KindsOfText,
    hash: impl FnOnce() -> Option<Bytes32>,
) -> (Sorted, Option<Bytes32>) {
    let name = path.display().to_string();
    let format = Format::of_name(&name).unwrap_or(Format::Json);
    match text {
        Ok(text) => (sort_text(&name, text, format, kinds), Some(sha256(text.as_bytes()))),
        Err(error) => {
            let sorted = if format == Format::Json { Sorted::Unreadable(error) } else { Sorted::Foreign };
            (sorted, hash())
        }
    }
}

/// Tells what a text is by what it says.
fn sort_text(name: &str, text: &str, format: Format, kinds: &KindsOfText) -> Sorted {
    let hash = || keccak256(text.as_bytes()).0;
    let kind = match format {
        Format::Json => match recognise(text, Format::Json) {
            Ok(header) => header.known_kind(),
            // JSON of another shape. A text that mentions attestations or books is read as one, and refused there.
            Err(Damaged(error)) if error.is_data() => mentioned(text),
            Err(Damaged(error)) => return Sorted::Unreadable(no_json(name, text, &error)),
        },
        Format::Toml => {
            let hash = hash();
            let known = kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied();
            known.unwrap_or_else(|| {
                let kind = recognise(text, Format::Toml).ok().and_then(|header| header.known_kind());
                kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, kind);
                kind
            })
        }
    };
    match kind {
        Some(Kind::Attestation) => Sorted::Attestation,
        Some(kind) => Sorted::Document(kind, hash()),
        None => Sorted::Foreign,
    }
}

/// The kind of a document that is audited which a text mentions.
fn mentioned(text: &str) -> Option<Kind> {
    // The names of other kinds begin with that of books.
    let mentions_book = || text.contains(&format!("\"{}\"", Kind::Book.name())).then_some(Kind::Book);
    text.contains(Kind::Attestation.name()).then_some(Kind::Attestation).or_else(mentions_book)
}

fn no_json(name: &str, text: &str, error: &serde_json::Error) -> AnyFailure {
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let offset = text.floor_char_boundary((line_start + error.column().saturating_sub(1)).min(text.len()));
    match InputErrors::found(name, text, vec![(offset, json_problem(error))]) {
        Some(errors) => errors.into(),
        None => Internal(format!("{name}: a mistake without a place")).into(),
    }
}

#[cfg(feature = "host")]
#[cfg(test)]
mod tests {
    use std::fs;

    use surety_core::text::Document as _;
    use surety_kzg::progress::Silent;

    use super::*;
    use crate::archive::Archived;

    #[test]
    fn files_are_what_their_kind_says() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("b/one.json", r#"{"version": 1, "kind": "surety/attestation"}"#);
        write("b/two.json", r#"{"version": 1, "kind": "surety\/attestation"}"#);
        write("a.json", r#"{"kind": "surety/attestation", "kind": "surety/attestation"}"#);
        write("cut.json", r#"{"kind": "surety/att"#);
        write("b/bytes.json", "\u{feff}{}");
        write("x/market.json", r#"{"kind": "surety/market"}"#);
        write("y/market.json", r#"{"kind": "surety/market"}"#);
        write("y/policy.toml", "kind = \"surety/policy\"");
        write("z/POLICY.Toml", "kind = \"surety/policy\"\nname = \"another\"");
        write("z/THREE.JSON", r#"{"version": 2, "kind": "surety/attestation"}"#);
        write("y/broken.toml", "kind = ");
        write("list.json", "[1, 2]");
        write("number.json", r#"{"kind": 5}"#);
        write("statement.json", r#"{"kind": "surety/statement"}"#);
        write("one/book.json", r#"{"kind": "surety/book"}"#);
        write("two/book.json", r#"{"kind": "surety/book"}"#);
        write("two/books.json", r#"[{"kind": "surety/book"}]"#);
        write("two/fields.json", r#"{"kind": 5, "was": "surety/book"}"#);
        write("two/rules.json", r#"[{"kind": "surety/book-rules"}]"#);
        write("one/book.toml", "kind = \"surety/book-rules\"");
        write("two/book.toml", "kind = \"surety/book-rules\"");
        write("notes.txt", "surety/attestation");
        write("private/opening.json", "secret");
        write(".hidden.json", "hidden");
        std::os::unix::fs::symlink(directory.path(), directory.path().join("loop.json")).unwrap();

        let found = super::directory(directory.path(), &Silent).unwrap();
        let names = |places: &[Place]| -> Vec<String> {
            places.iter().map(|place| place.name()[directory.path().to_str().unwrap().len() + 1..].to_owned()).collect()
        };
        assert_eq!(names(&found.attestations), ["a.json", "b/one.json", "b/two.json", "z/THREE.JSON"]);
        assert_eq!(names(&found.snapshots), ["x/market.json"], "the same text twice");
        let books = ["one/book.json", "two/book.json", "two/books.json", "two/fields.json"];
        assert_eq!(names(&found.books), books, "pages lie beside them");
        assert_eq!(names(&found.book_rules), ["one/book.toml"]);
        assert_eq!(names(&found.policies), ["y/policy.toml", "z/POLICY.Toml"]);
        let unreadable: Vec<_> = found.unreadable.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(names(&unreadable), ["b/bytes.json", "cut.json"]);
        assert_eq!(found.ignored.len(), 7);
        let why = |name: &str| found.ignored.iter().find(|(place, _)| place.name().ends_with(name)).unwrap().1;
        for (name, reason) in
            [("notes.txt", WhyIgnored::Name), ("list.json", WhyIgnored::Foreign), ("statement.json", WhyIgnored::Kind)]
        {
            assert_eq!(why(name), reason, "{name}");
        }
        // All but what was not opened, hidden and private, copies too.
        let inputs: Vec<_> = found.inputs.iter().map(|input| (&*input.file, input.role)).collect();
        assert_eq!(inputs.len(), 21, "{inputs:?}");
        assert!(inputs.is_sorted() && inputs.iter().filter(|(_, role)| *role == Role::Unreadable).count() == 2);
        assert!(found.unreadable[1].1.to_string().contains("cut.json:1:"), "{}", found.unreadable[1].1);
    }

    #[test]
    fn rejects_directories_that_are_not_there() {
        assert!(matches!(super::directory(Path::new("/nowhere/at/all"), &Silent), Err(FileError::Missing(_))));
    }

    fn archived(kind: Kind, format: Format, text: &str) -> Archived {
        Archived { kind, format, text: text.to_owned() }
    }

    /// Scans an archive of these documents, which nobody has read before.
    fn scanned(documents: &[Archived]) -> Found {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(&directory.path().join("archive")).unwrap();
        archive.add(documents).unwrap();
        super::archive(&archive, None).unwrap().0
    }

    /// Attack: an archive whose labels keep its auditor from a rejected attestation.
    #[test]
    fn rejects_to_take_the_label_of_an_entry_for_its_kind() {
        let found = scanned(&[
            archived(Kind::Report, Format::Json, r#"{"kind": "surety/attestation"}"#),
            archived(Kind::Statement, Format::Json, r#"{"kind": "surety/att"#),
            archived(Kind::Report, Format::Toml, "kind = \"surety/policy\""),
            archived(Kind::Attestation, Format::Json, r#"{"kind": "surety/report"}"#),
        ]);
        let counts = [found.attestations.len(), found.unreadable.len(), found.policies.len(), found.ignored.len()];
        assert_eq!(counts, [1, 1, 1, 1]);
    }

    /// Attack: damage that hides from its auditor a book that would be rejected.
    #[test]
    fn rejects_to_lose_a_book_over_damage() {
        for text in [r#"[{"kind": "surety/book"}]"#, r#"{"kind": ["surety/book"]}"#] {
            assert_eq!(scanned(&[archived(Kind::Report, Format::Json, text)]).books.len(), 1, "{text}");
        }
        let both = r#"{"kind": ["surety/book", "surety/attestation"]}"#;
        let found = scanned(&[archived(Kind::Report, Format::Json, both)]);
        assert_eq!((found.attestations.len(), found.books.len()), (1, 0));
    }

    /// Attack: an entry that fills the auditor's memory.
    #[test]
    fn rejects_entries_larger_than_any_document() {
        let text = format!("{{\"kind\": \"surety/attestation\", \"x\": \"{}\"}}", " ".repeat(DOCUMENT_LIMIT as usize));
        let found = scanned(&[archived(Kind::Attestation, Format::Json, &text)]);
        assert_eq!((found.attestations.len(), found.unreadable.len()), (0, 1));
    }

    /// Attack: a field that keeps the kind from being read.
    #[test]
    fn rejects_to_lose_an_attestation_over_another_field() {
        for more in [r#""version": 1, "version": 1"#, r#""version": "x""#, r#""other": {"a": 1}"#] {
            let text = format!("{{\"kind\": \"surety\\/attestation\", {more}}}");
            assert_eq!(scanned(&[archived(Kind::Report, Format::Json, &text)]).attestations.len(), 1, "{text}");
        }
    }

    /// Attack: break an attestation so that the archive of whoever was shown it does not have it.
    #[test]
    fn rejects_to_lose_an_attestation_that_is_kept_as_evidence() {
        let evidence = |name: &str, bytes: &[u8]| {
            let text = Evidence::of(Path::new(name), bytes, "broken").unwrap().to_json().unwrap();
            archived(Kind::Evidence, Format::Json, &text)
        };
        let found = scanned(&[
            evidence("cut.json", br#"{"kind": "surety/att"#),
            evidence("bytes.json", b"\xff"),
            evidence("strange.json", br#"{"kind": "surety/attestation", "proof": 5}"#),
            evidence("policy.toml", b"kind = \"surety/policy\"\n"),
        ]);
        let counts = [found.attestations.len(), found.unreadable.len(), found.policies.len(), found.ignored.len()];
        assert_eq!(counts, [1, 2, 1, 0]);
        // What is read of it later is the file and not its wrapping.
        let place = &found.attestations[0];
        assert!(place.name().starts_with("evidence-") && place.name().ends_with(".json"), "{place:?}");
        assert_eq!(place.sha256(), Some(sha256(br#"{"kind": "surety/attestation", "proof": 5}"#)));
    }
}
