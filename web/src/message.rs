//! What the page asks: a header in JSON, which lists files, and after it their contents.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | length of the header, little-endian |
//! | that many | the header |
//! | the rest | the files, one behind the other, each as long as the header says |

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use surety_core::ident::HexBytes;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The attestation.
    Attestation,
    /// A statement of a source.
    Statement,
    /// The opening of a statement. Secret.
    Opening,
    /// Balances in a vault that the policy draws on.
    VaultBalances,
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
    /// A user's part of a book. Secret.
    Cell,
    /// A book.
    Book,
    /// What the cells of a book are checked with.
    CellKeys,
    /// The powers of a set-up.
    SetUp,
    /// The second part of a set-up that comes in two files.
    SetUpG2,
    /// Files of an audit, compressed.
    Zip,
    /// An archive of an auditor.
    Archive,
}

/// What the page draws with the browser's generator for each message.
pub type Seed = HexBytes<64>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    seed: Seed,
    terms: Value,
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
    pub fn seed(&self) -> Seed {
        self.header.seed
    }

    /// What is asked for beyond the files.
    ///
    /// # Errors
    /// If they are terms for something else, which is the page's fault.
    pub fn terms<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(&self.header.terms).map_err(|error| format!("terms of another form: {error}"))
    }

    /// The files, in the page's order.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        let files = self.header.files.iter().zip(&self.contents);
        files.map(|(header, content)| File { name: &header.name, content })
    }

    /// The first file with a role.
    #[must_use]
    pub fn file(&self, role: Role) -> Option<File<'_>> {
        self.files_with(role).next()
    }

    /// The files without a role, in the page's order.
    pub fn files_without_role(&self) -> impl Iterator<Item = File<'_>> {
        let roles = self.header.files.iter().map(|file| file.role);
        self.files().zip(roles).filter_map(|(file, role)| role.is_none().then_some(file))
    }

    /// The files with a role, in the page's order.
    pub fn files_with(&self, role: Role) -> impl Iterator<Item = File<'_>> {
        let roles = self.header.files.iter().map(move |file| file.role == Some(role));
        self.files().zip(roles).filter_map(|(file, wanted)| wanted.then_some(file))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const HEADER: &str = r#"{"terms":{"now":5},
        "files":[{"role":"policy","name":"a","bytes":1},{"role":null,"name":"b","bytes":2}],"seed":"0x"}"#;

    fn message(header: &str, content: &[u8]) -> Vec<u8> {
        let header = header.replace("\"0x\"", &format!("\"0x{}\"", "07".repeat(64)));
        [&(header.len() as u32).to_le_bytes(), header.as_bytes(), content].concat()
    }

    #[test]
    fn files_are_found_by_role() {
        let bytes = message(HEADER, b"xyz");
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.file(Role::Policy), Some(File { name: "a", content: b"x" }));
        assert_eq!(message.file(Role::Trust), None);
        assert_eq!(message.files().last(), Some(File { name: "b", content: b"yz" }));
        assert_eq!(message.files_with(Role::Policy).count(), 1);
        assert_eq!(message.seed(), HexBytes([7; 64]));
        assert_eq!(message.terms(), Ok(BTreeMap::from([("now".to_owned(), 5)])));
        assert!(message.terms::<String>().is_err());
    }

    #[test]
    fn rejects_messages_of_another_length() {
        for content in [b"xy".as_slice(), b"xyz!"] {
            assert!(Message::read(&message(HEADER, content)).is_err());
        }
        let bytes = message(HEADER, b"xyz");
        (0..bytes.len()).for_each(|length| assert!(Message::read(&bytes[..length]).is_err()));
    }

    /// Attack: a page, or a browser, that draws less randomness than a proof needs.
    #[test]
    fn rejects_short_seeds() {
        for digits in [0, 64, 126, 130] {
            let header = HEADER.replace("\"0x\"", &format!("\"0x{}\"", "7".repeat(digits)));
            let header = if digits == 0 { header.replace(",\"seed\":\"0x\"", "") } else { header };
            assert!(Message::read(&message(&header, b"xyz")).is_err(), "{digits}");
        }
    }

    #[test]
    fn rejects_unknown_keys_and_roles() {
        for (from, to) in [("terms", "wishes"), ("\"policy\"", "\"police\""), ("\"name\"", "\"title\"")] {
            assert!(Message::read(&message(&HEADER.replacen(from, to, 1), b"xyz")).is_err());
        }
    }
}
