//! What the page asks: a header in JSON, which lists files, and after it their contents.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | length of the header, little-endian |
//! | that many | the header |
//! | the rest | the files, one behind the other, each as long as the header says |

use serde::{Deserialize, Serialize};
use surety_core::{ident::Bytes32, units::Timestamp};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The attestation.
    Attestation,
    /// The universe.
    Universe,
    /// The policy.
    Policy,
    /// The market snapshot.
    Market,
    /// The policy's commitments.
    CompiledPolicy,
    /// The verifier's trust anchors.
    Trust,
    /// The powers of a set-up.
    SetUp,
    /// The second part of a set-up that comes in two files.
    SetUpG2,
}

/// What a verifier asks for beyond its files. As in [`surety_verifier::attestation::check::VerifierTerms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageTerms {
    /// The time.
    pub now: Timestamp,
    /// Whether to refuse what would otherwise be taken on faith.
    pub strict: bool,
    /// Whether to accept a set-up whose secret everybody knows.
    pub allow_insecure_srs: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// 32 bytes that the page drew.
    seed: Bytes32,
    terms: PageTerms,
    files: Vec<FileHeader>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileHeader {
    role: Option<Role>,
    name: String,
    bytes: usize,
}

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// What people call it.
    pub name: &'a str,
    /// What it holds.
    pub content: &'a [u8],
}

/// A message of the page. It gives every byte a meaning.
#[derive(Debug)]
pub struct Message<'a> {
    header: Header,
    contents: Vec<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// If it is not of the form above, which is the page's fault.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let (length, rest) = bytes.split_first_chunk().ok_or("a message without a header")?;
        let length = u32::from_le_bytes(*length) as usize;
        let (header, mut rest) = rest.split_at_checked(length).ok_or("a header that ends early")?;
        let header: Header = serde_json::from_slice(header).map_err(|_| "a header of another form")?;
        let mut contents = Vec::new();
        for file in &header.files {
            let (content, others) = rest.split_at_checked(file.bytes).ok_or("a file that ends early")?;
            contents.push(content);
            rest = others;
        }
        if rest.is_empty() { Ok(Self { header, contents }) } else { Err("bytes behind the last file".to_owned()) }
    }

    /// What the page drew at random.
    #[must_use]
    pub fn seed(&self) -> Bytes32 {
        self.header.seed
    }

    /// What the verifier asks for.
    #[must_use]
    pub fn terms(&self) -> PageTerms {
        self.header.terms
    }

    /// The files, in the page's order.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        let files = self.header.files.iter().zip(&self.contents);
        files.map(|(header, content)| File { name: &header.name, content })
    }

    /// The file with a role.
    #[must_use]
    pub fn file(&self, role: Role) -> Option<File<'_>> {
        let index = self.header.files.iter().position(|file| file.role == Some(role))?;
        self.files().nth(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"seed":"0x0000000000000000000000000000000000000000000000000000000000000000",
        "terms":{"now":5,"strict":true,"allow_insecure_srs":false},
        "files":[{"role":"policy","name":"a","bytes":1},{"role":null,"name":"b","bytes":2}]}"#;

    fn message(header: &str, content: &[u8]) -> Vec<u8> {
        [&(header.len() as u32).to_le_bytes(), header.as_bytes(), content].concat()
    }

    #[test]
    fn files_are_found_by_role() {
        let bytes = message(HEADER, b"xyz");
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.file(Role::Policy), Some(File { name: "a", content: b"x" }));
        assert_eq!(message.file(Role::Trust), None);
        assert_eq!(message.files().last(), Some(File { name: "b", content: b"yz" }));
        assert_eq!(message.terms(), PageTerms { now: Timestamp(5), strict: true, allow_insecure_srs: false });
    }

    #[test]
    fn rejects_messages_of_another_length() {
        for content in [b"xy".as_slice(), b"xyz!"] {
            assert!(Message::read(&message(HEADER, content)).is_err());
        }
        let bytes = message(HEADER, b"xyz");
        (0..bytes.len()).for_each(|length| assert!(Message::read(&bytes[..length]).is_err()));
    }

    #[test]
    fn rejects_unknown_keys_and_roles() {
        for (from, to) in [("strict", "lenient"), ("\"policy\"", "\"police\""), ("\"name\"", "\"title\"")] {
            assert!(Message::read(&message(&HEADER.replacen(from, to, 1), b"xyz")).is_err());
        }
    }
}
