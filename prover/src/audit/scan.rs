//! What lies below a directory: attestations, and the public files that they may refer to.
//!
//! A file counts as what its `kind` says, wherever it lies and whatever it is called, if its name ends in `.json` or
//! `.toml`, in any case. What ends in `.json` and is no JSON may have been an attestation, and is told. Directories
//! called `private`, where holders keep their secrets, and names that start with a dot are passed over; links to
//! directories are not followed.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::FileType,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, atomic::AtomicU64},
};

use alloy_primitives::keccak256;
use rayon::prelude::*;
use serde::Deserialize;
use surety_core::text::{Format, InputErrors, json_problem, toml_keys};
use surety_kzg::{Event, Observer, progress::Stage};

use crate::{
    Error,
    files::{self, FileError},
};

const ATTESTATION: &str = "surety/attestation";

/// What was found. Paths are in ascending order, and of files with the same content only the first is kept.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Attestations; those with the same content too.
    pub(super) attestations: Vec<PathBuf>,
    /// What should be JSON and is not.
    pub(super) unreadable: Vec<(PathBuf, Error)>,
    /// Universes.
    pub(super) universes: Vec<PathBuf>,
    /// Policies.
    pub(super) policies: Vec<PathBuf>,
    /// Commitments of policies.
    pub(super) compiled: Vec<PathBuf>,
    /// Market snapshots.
    pub(super) snapshots: Vec<PathBuf>,
    /// Number of other files.
    pub(super) ignored: usize,
}

/// Looks through a directory.
///
/// # Errors
/// If a directory cannot be read.
pub(super) fn scan(directory: &Path, observer: &dyn Observer) -> Result<Found, FileError> {
    let (candidates, others) = walk(directory)?;
    let total = candidates.len() as u64;
    let done = AtomicU64::new(0);
    observer.event(Event::Progress { stage: Stage::Scanning, done: 0, total });
    let kinds = KindsOfText::default();
    let sorted: Vec<Kind> = candidates
        .par_iter()
        .map(|path| {
            let kind = kind(path, &kinds);
            super::count(&done, total, Stage::Scanning, observer);
            kind
        })
        .collect();
    observer.event(Event::Progress { stage: Stage::Scanning, done: total, total });
    let mut found = Found { ignored: others, ..Found::default() };
    let mut seen = BTreeSet::new();
    for (path, kind) in candidates.into_iter().zip(sorted) {
        match kind {
            Kind::Attestation => found.attestations.push(path),
            Kind::Unreadable(error) => found.unreadable.push((path, error)),
            Kind::Foreign => found.ignored += 1,
            Kind::Public(public, hash) => {
                if seen.insert(hash) {
                    match public {
                        Public::Universe => found.universes.push(path),
                        Public::Policy => found.policies.push(path),
                        Public::Compiled => found.compiled.push(path),
                        Public::Snapshot => found.snapshots.push(path),
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The files whose names end in `.json` or `.toml`, in ascending order, and the number of others.
fn walk(directory: &Path) -> Result<(Vec<PathBuf>, usize), FileError> {
    let enter =
        |name: &OsStr, kind: FileType| !(name.to_string_lossy().starts_with('.') || kind.is_dir() && name == "private");
    let is_candidate = |path: &PathBuf| Format::of_name(&path.to_string_lossy()).is_some() && !path.is_dir();
    let (mut candidates, others): (Vec<_>, Vec<_>) =
        files::under(directory, enter)?.into_iter().partition(is_candidate);
    candidates.sort();
    Ok((candidates, others.len()))
}

/// What a file is.
enum Kind {
    Attestation,
    /// A public file, with the hash of its text.
    Public(Public, [u8; 32]),
    Foreign,
    Unreadable(Error),
}

#[derive(Clone, Copy)]
enum Public {
    Universe,
    Policy,
    Compiled,
    Snapshot,
}

/// What texts in TOML, which many directories have copies of, were found to be.
type KindsOfText = Mutex<BTreeMap<[u8; 32], Option<String>>>;

/// What every file of this project begins with.
#[derive(Deserialize)]
struct Header {
    kind: Option<String>,
}

fn kind(path: &Path, kinds: &KindsOfText) -> Kind {
    let is_json = Format::of_name(&path.to_string_lossy()) == Some(Format::Json);
    let text = match files::read_text(path) {
        Ok(text) => text,
        Err(error) if is_json => return Kind::Unreadable(error.into()),
        Err(_) => return Kind::Foreign,
    };
    let name = if is_json {
        match serde_json::from_str::<Header>(&text) {
            Ok(header) => header.kind,
            // JSON of another shape. What mentions attestations is read as one, and refused there.
            Err(error) if error.is_data() => text.contains(ATTESTATION).then(|| ATTESTATION.to_owned()),
            Err(error) => return Kind::Unreadable(no_json(path, &text, &error)),
        }
    } else {
        let hash = keccak256(text.as_bytes()).0;
        let known = kinds.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        known.unwrap_or_else(|| {
            let name = toml_keys::<Header>(&text).and_then(|header| header.kind);
            kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, name.clone());
            name
        })
    };
    let public = |public| Kind::Public(public, keccak256(text.as_bytes()).0);
    match name.as_deref() {
        Some(ATTESTATION) => Kind::Attestation,
        Some("surety/universe") => public(Public::Universe),
        Some("surety/policy") => public(Public::Policy),
        Some("surety/compiled-policy") => public(Public::Compiled),
        Some("surety/market") => public(Public::Snapshot),
        _ => Kind::Foreign,
    }
}

fn no_json(path: &Path, text: &str, error: &serde_json::Error) -> Error {
    let name = path.display().to_string();
    let line_start = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let offset = text.floor_char_boundary((line_start + error.column().saturating_sub(1)).min(text.len()));
    match InputErrors::found(&name, text, vec![(offset, json_problem(error))]) {
        Some(errors) => errors.into(),
        None => Error::Internal(format!("{name}: a mistake without a place")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use surety_kzg::progress::Silent;

    use super::*;

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
        write("notes.txt", "surety/attestation");
        write("private/opening.json", "secret");
        write(".hidden.json", "hidden");
        std::os::unix::fs::symlink(directory.path(), directory.path().join("loop.json")).unwrap();

        let found = scan(directory.path(), &Silent).unwrap();
        let names = |paths: &[PathBuf]| -> Vec<String> {
            paths.iter().map(|path| path.strip_prefix(directory.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names(&found.attestations), ["a.json", "b/one.json", "b/two.json", "z/THREE.JSON"]);
        assert_eq!(names(&found.snapshots), ["x/market.json"], "the same text twice");
        assert_eq!(names(&found.policies), ["y/policy.toml", "z/POLICY.Toml"]);
        let unreadable: Vec<_> = found.unreadable.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(names(&unreadable), ["b/bytes.json", "cut.json"]);
        assert_eq!(found.ignored, 6);
        assert!(found.unreadable[1].1.to_string().contains("cut.json:1:"), "{}", found.unreadable[1].1);
    }

    #[test]
    fn rejects_directories_that_are_not_there() {
        assert!(matches!(scan(Path::new("/nowhere/at/all"), &Silent), Err(FileError::Missing(_))));
    }
}
