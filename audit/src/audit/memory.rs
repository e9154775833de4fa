//! Documents in memory: what a page was given, or an archive that was read whole.

use std::{
    collections::BTreeMap,
    path::{Component, Path, PathBuf},
};

use surety_core::{
    failure::{AnyFailure, Internal},
    ident::Bytes32,
    kind::{Kind, recognise},
    text::{Format, InputErrors, Unfit},
};
use zeroize::Zeroizing;

use super::{
    AnchorFile,
    source::{Place, content},
};
use crate::archive::Image;

/// What is audited in memory.
#[derive(Debug)]
pub enum Memory<'a> {
    /// Files, by their paths.
    Files {
        /// Where they lie: reports name files from there on.
        directory: PathBuf,
        /// Their bytes.
        files: &'a BTreeMap<PathBuf, &'a [u8]>,
    },
    /// An archive.
    Archive {
        /// What it is called.
        path: PathBuf,
        /// The SHA-256 of its bytes.
        sha256: Bytes32,
        /// Its entries.
        image: &'a Image,
    },
}

impl<'a> Memory<'a> {
    /// Files, whose directory is the one that holds all of them, if one does.
    #[must_use]
    pub fn of(files: &'a BTreeMap<PathBuf, &'a [u8]>) -> Self {
        let above = |path: &PathBuf| {
            let mut parts = path.components();
            parts.next().filter(|_| parts.next().is_some()).map(|first| PathBuf::from(first.as_os_str()))
        };
        let first = files.keys().next().and_then(above);
        let common = first.filter(|first| files.keys().all(|path| above(path).as_ref() == Some(first)));
        Self::Files { directory: common.unwrap_or_else(|| PathBuf::from(".")), files }
    }

    /// What is audited, as errors call it: the directory of the files, or the archive.
    #[must_use]
    pub fn place(&self) -> &Path {
        match self {
            Self::Files { directory, .. } => directory,
            Self::Archive { path, .. } => path,
        }
    }

    /// The files with anchors among the files that are audited. They are the auditor's own: nobody else's may be given.
    ///
    /// # Errors
    /// With the mistakes in the first that has any.
    pub fn trust(&self) -> Result<Vec<AnchorFile>, InputErrors> {
        let Self::Files { files, .. } = self else { return Ok(Vec::new()) };
        let read = |(path, bytes): (&PathBuf, &&[u8])| {
            let name = path.display().to_string();
            let format = Format::of_name(&name).filter(|_| self.has(path))?;
            let text = Unfit::text(&name, bytes).ok()?;
            let kind = recognise(text, format).ok()?.known_kind();
            (kind == Some(Kind::Trust)).then(|| AnchorFile::of(path, text))
        };
        files.iter().filter_map(read).collect()
    }

    /// Whether a file takes part, as one below a directory does: none whose name, or that of a directory above it,
    /// begins with a dot; and none in directories called `private`, where holders keep their secrets.
    pub(super) fn has(&self, path: &Path) -> bool {
        let path = path.strip_prefix(self.place()).unwrap_or(path);
        let is_hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
        let above = path.parent().unwrap_or(Path::new(""));
        !path.components().any(is_hidden) && above.components().all(|part| part.as_os_str() != "private")
    }

    /// The text of a document.
    pub(super) fn text(&self, place: &Place) -> Result<Zeroizing<String>, AnyFailure> {
        let missing = || Internal(format!("{}: expected a document, found none", place.name()));
        match (self, place) {
            (Self::Files { files, .. }, Place::File { path, .. }) => {
                let bytes = files.get(path).ok_or_else(missing)?;
                Ok(Zeroizing::new(Unfit::text(&path.display().to_string(), bytes)?.to_owned()))
            }
            (Self::Archive { image, .. }, Place::Entry { position, .. }) => {
                let index = usize::try_from(*position).ok().and_then(|position| position.checked_sub(1));
                let entry = index.and_then(|index| image.entries.get(index)).ok_or_else(missing)?;
                content(place, entry.document.clone())
            }
            _ => Err(missing().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_all_of_them_do() {
        let directory = |paths: &[&str]| {
            let files: BTreeMap<PathBuf, &[u8]> = paths.iter().map(|path| (PathBuf::from(path), &b""[..])).collect();
            Memory::of(&files).place().to_owned()
        };
        assert_eq!(directory(&["a/b.json", "a/c/d.json"]), Path::new("a"));
        assert_eq!(directory(&["a/b.json", "b.json"]), Path::new("."));
        assert_eq!(directory(&["a/b.json", "b/b.json"]), Path::new("."));
        assert_eq!(directory(&["b.json"]), Path::new("."));
        assert_eq!(directory(&[]), Path::new("."));
    }

    #[test]
    fn hidden_files_and_secrets_are_passed_over() {
        let has = |path: &str| {
            let files: BTreeMap<PathBuf, &[u8]> = [(PathBuf::from("d/a.json"), &b""[..])].into();
            Memory::of(&files).has(Path::new(path))
        };
        for path in ["d/a/.b.json", "d/.a/b.json", "d/private/a.json", "d/a/private/b/c.json"] {
            assert!(!has(path), "{path}");
        }
        for path in ["d/a/b.json", "d/private.json", "d/a/private", "d/a.b/c.json"] {
            assert!(has(path), "{path}");
        }
    }

    /// Attack: a holder's anchors among the files of a directory that an audit passes over.
    #[test]
    fn rejects_anchors_that_are_passed_over() {
        let trust: &[u8] = b"kind = \"surety/trust\"\nversion = 1\n";
        let found = |path: &str| {
            let files: BTreeMap<PathBuf, &[u8]> = [(PathBuf::from(path), trust), ("d/a.json".into(), b"{}")].into();
            Memory::of(&files).trust().unwrap().len()
        };
        assert_eq!([found("d/trust.toml"), found("d/.trust.toml"), found("d/private/trust.toml")], [1, 0, 0]);
    }

    /// The same files, below a directory and in memory.
    #[cfg(feature = "host")]
    #[test]
    fn an_audit_in_memory_is_that_of_the_directory() {
        use std::fs;

        use surety_core::units::Timestamp;
        use surety_host::{directories::Directories, setup::Setups};
        use surety_kzg::progress::Silent;

        use crate::audit::{AuditRequest, books::BookAnchors, run, run_in_memory};

        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let setups = Setups::new(&Directories { cache: place("cache"), data: place("data"), state: place("state") });
        let root = place("audited");
        let contents: [(&str, &[u8]); 9] = [
            ("a.json", br#"{"kind": "surety/attestation", "claim": {}}"#),
            ("b/cut.json", br#"{"kind": "surety/att"#),
            ("b/bytes.json", b"\xff"),
            ("b/bytes.toml", b"\xff"),
            ("policy.toml", b"kind = \"surety/policy\"\n"),
            ("notes.txt", b"notes"),
            ("list.json", b"[1]"),
            ("private/opening.json", b"secret"),
            (".hidden.json", b"{"),
        ];
        for (name, bytes) in contents {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let request = AuditRequest {
            directory: &root,
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
        let files: BTreeMap<PathBuf, &[u8]> = contents.iter().map(|(name, bytes)| (root.join(name), *bytes)).collect();
        let memory = Memory::Files { directory: root.clone(), files: &files };
        let mut audits =
            [run(&request, &setups, &Silent).unwrap(), run_in_memory(&request, &memory, &setups, &Silent).unwrap()];
        audits.iter_mut().for_each(|audit| audit.timing = None);
        let [there, here] = audits.map(|audit| {
            assert_eq!((audit.rejected, audit.ignored), (3, 3), "{:?}", audit.ignored_files);
            (serde_json::to_value(&audit).unwrap(), crate::report::html(&audit).unwrap())
        });
        assert_eq!(there, here);
    }
}
