//! Files that cannot be read as the documents that they should be, kept byte for byte with the reason.
//!
//! Whoever was shown a broken attestation needs to show it later as it was. Such a file is public as far as it can be
//! read: one that mentions documents that are for a holder alone may be a secret that was cut off, and is not taken.

use std::path::Path;

use alloy_primitives::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::Bytes32,
    kind::{Kind, KindOf, Kinded, Readers, secret},
    problem::{Problem, require},
    text::{DOCUMENT_LIMIT, Document, Format},
    visible::one_line,
};

use crate::audit::input::sha256;

/// Most bytes of a file that is kept as evidence: written in hexadecimal, it is a document still.
const EVIDENCE_LIMIT: usize = DOCUMENT_LIMIT as usize / 4;

/// A file that cannot be read as the document that it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The format.
    pub kind: KindOf<Evidence>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The name of the file, without its directory.
    pub name: String,
    /// Why it cannot be read.
    pub reason: String,
    /// The SHA-256 of its bytes.
    pub sha256: Bytes32,
    /// Its bytes, in hexadecimal digits.
    pub bytes: String,
}

impl Kinded for Evidence {
    const KIND: Kind = Kind::Evidence;
}

impl Document for Evidence {
    fn problems(&self) -> Vec<Problem> {
        let bytes = self.content();
        let mut problems =
            Vec::from_iter(require(bytes.is_some(), "bytes", "pairs of hexadecimal digits", "something else"));
        if let Some(bytes) = bytes {
            let found = sha256(&bytes);
            let expected = format!("{found}, the hash of the bytes");
            problems.extend(require(found == self.sha256, "sha256", expected, self.sha256));
        }
        problems
    }
}

impl Evidence {
    /// A file as evidence. None if it is larger than evidence may be, or may have been a secret.
    #[must_use]
    pub fn of(path: &Path, bytes: &[u8], reason: &str) -> Option<Self> {
        let in_private = path.components().any(|part| part.as_os_str() == "private");
        if bytes.len() > EVIDENCE_LIMIT || in_private || may_be_secret(bytes) {
            return None;
        }
        Some(Self {
            kind: KindOf::new(),
            version: FormatVersion,
            name: one_line(&path.file_name().unwrap_or_default().to_string_lossy()),
            reason: one_line(reason),
            sha256: sha256(bytes),
            bytes: hex::encode(bytes),
        })
    }

    /// The bytes of the file; none if the document is damaged.
    #[must_use]
    pub fn content(&self) -> Option<Vec<u8>> {
        hex::decode(&self.bytes).ok().filter(|bytes| hex::encode(bytes) == self.bytes)
    }

    /// The format that the name of the file ends in; JSON if it says none.
    #[must_use]
    pub fn format(&self) -> Format {
        Format::of_name(&self.name).unwrap_or(Format::Json)
    }
}

/// Whether a file may be something that only a holder, or its signer, may read: whole, or as far as it goes.
fn may_be_secret(bytes: &[u8]) -> bool {
    /// Keys of openings, holdings and cells, and of keystores of wallets.
    const KEYS: [&str; 8] = ["masks", "balances", "holdings", "opening", "salt", "crypto", "Crypto", "ciphertext"];
    let mentions = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
    let mut kinds = Kind::ALL.into_iter().filter(|kind| kind.readers() == Readers::Holder);
    let is_kind = |kind: Kind| mentions(kind.name()) || mentions(&kind.name().replace('/', "\\/"));
    str::from_utf8(bytes).is_ok_and(|text| secret(text).is_some())
        || kinds.any(is_kind)
        || KEYS.iter().any(|key| mentions(&format!("\"{key}\"")))
}

#[cfg(test)]
mod tests {
    use surety_core::schema::schema;
    use surety_testing::schemas::assert_published;

    use super::*;

    /// After a change of a type, `UPDATE=1 cargo nextest run -p surety-audit schemas` writes the schemas anew.
    #[test]
    fn schemas_of_evidence_are_published() {
        assert_published("evidence", &schema::<Evidence>());
    }

    #[test]
    fn evidence_keeps_every_byte() {
        let bytes = b"{\"kind\": \"surety/attestation\", \xff\x00";
        let evidence = Evidence::of(Path::new("shown/cut.json"), bytes, "cut off").unwrap();
        assert_eq!((evidence.name.as_str(), evidence.content().as_deref()), ("cut.json", Some(&bytes[..])));
        let text = evidence.to_json().unwrap();
        assert_eq!(Evidence::from_json("e", &text).unwrap(), evidence);
        let other = text.replace("\"cut off\"", "\"cut\"");
        assert_ne!(Evidence::from_json("e", &other).unwrap(), evidence);
        for (from, to) in [("7b22", "7b23"), ("7b22", "7B22"), ("7b22", "7b2")] {
            assert!(Evidence::from_json("e", &text.replacen(from, to, 1)).is_err(), "{from} for {to}");
        }
    }

    /// Attack: have the holder's own opening, cut off on the way, end in an archive that everybody reads.
    #[test]
    fn rejects_as_evidence_what_may_be_a_secret() {
        let of = |path: &str, bytes: &[u8]| Evidence::of(Path::new(path), bytes, "cut off").is_some();
        assert!(of("a.json", b"{\"kind\": \"surety/attest"));
        let key = "5a".repeat(32);
        for text in [
            "{\"kind\": \"surety/opening\", \"lots",
            "{\"kind\": \"surety\\/holdings\"",
            "{\"crypto\": {",
            "{\"kind\": \"surety/bundle",
            "\"masks\": [1",
            &key,
        ] {
            assert!(!of("a.json", text.as_bytes()), "{text}");
        }
        assert!(!of("private/a.json", b"{"));
        assert!(!of("a.json", &vec![b' '; EVIDENCE_LIMIT + 1]));
    }
}
