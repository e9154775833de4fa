//! Everything that an audit has read, each with its SHA-256: what a working paper needs to show later that nothing was
//! exchanged.

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use surety_core::{
    ident::{Bytes32, HexBytes},
    kind::Kind,
    visible::one_line,
};

/// Something that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Where it is, as the manifest has it.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Bytes32,
    /// What it is.
    pub role: Role,
    #[serde(skip)]
    path: PathBuf,
}

/// What an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A document of this project.
    Document(Kind),
    /// The pages of a book.
    Pages,
    /// An archive as a whole.
    Archive,
    /// A file that may have been an attestation and cannot be read.
    Unreadable,
    /// A file of somebody else, which was passed over.
    Foreign,
}

impl Role {
    /// A word for it: for a document, the name of its kind without `surety/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Document(kind) => kind.short_name(),
            Self::Pages => "pages",
            Self::Archive => "archive",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
        }
    }
}

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A file that took no part in the audit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Ignored {
    /// The file, from the audited directory on.
    pub file: String,
    /// The reason.
    pub reason: WhyIgnored,
}

/// Why a file took no part in an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyIgnored {
    /// Its name ends neither in `.json` nor in `.toml`: it was not opened.
    Name,
    /// It does not say that it is a document of this project.
    Foreign,
    /// It is a document of a kind to which no attestation refers.
    Kind,
}

impl WhyIgnored {
    /// The reason for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "its name ends neither in .json nor in .toml, so it was not opened",
            Self::Foreign => "it does not say that it is a document of this project",
            Self::Kind => "no attestation refers to documents of its kind",
        }
    }
}

/// The SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Bytes32 {
    HexBytes(Sha256::digest(bytes).into())
}

impl Input {
    pub(super) fn new(path: &Path, sha256: Bytes32, role: Role) -> Self {
        Self { file: one_line(&path.display().to_string()), sha256, role, path: path.to_owned() }
    }
}

/// The inputs as `sha256sum --check` reads them: one line each, in the order of their paths.
///
/// A name with a backslash or the end of a line in it is escaped as GNU coreutils do: the line begins with a backslash.
#[must_use]
pub fn manifest(inputs: &[Input]) -> Vec<u8> {
    let mut text = Vec::new();
    for input in inputs {
        let name = input.path.as_os_str().as_encoded_bytes();
        let mut escaped = Vec::with_capacity(name.len());
        for byte in name {
            match byte {
                b'\\' => escaped.extend(b"\\\\"),
                b'\n' => escaped.extend(b"\\n"),
                b'\r' => escaped.extend(b"\\r"),
                other => escaped.push(*other),
            }
        }
        if escaped.len() > name.len() {
            text.push(b'\\');
        }
        text.extend(input.sha256.to_string().trim_start_matches("0x").bytes());
        text.extend(b"  ");
        text.extend(escaped);
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    #[test]
    fn sha256sum_reads_the_manifest() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["plain.json", "with space.json", "back\\slash.json", "a\nline.json", "-dash.json", "é.json"];
        let mut inputs = Vec::new();
        for name in names {
            fs::write(directory.path().join(name), name).unwrap();
            inputs.push(Input::new(Path::new(name), sha256(name.as_bytes()), Role::Foreign));
        }
        fs::write(directory.path().join("SHA256SUMS"), manifest(&inputs)).unwrap();
        let check = || {
            let mut command = Command::new("sha256sum");
            command.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(directory.path()).output()
        };
        let Ok(checked) = check() else { return };
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        fs::write(directory.path().join("plain.json"), "another").unwrap();
        assert!(!check().unwrap().status.success());
    }
}
