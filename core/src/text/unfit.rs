//! Bytes that are no document, whatever they say.

use std::borrow::Cow;

use crate::failure::{Class, Failure};

/// Most bytes of a document: a configuration file, a statement, a snapshot, an attestation.
pub const DOCUMENT_LIMIT: u64 = 16 << 20;

/// Why the bytes of a file are no text of any document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The file is larger than any file of its kind.
    #[error("{file}: expected at most {limit} bytes, found more: this is another kind of file")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit.
        limit: u64,
    },
    /// The file is not text.
    #[error("{0}: expected text in UTF-8")]
    NotText(String),
}

impl Unfit {
    /// The text of a document with these bytes.
    ///
    /// # Errors
    /// If they are more than [`DOCUMENT_LIMIT`], or not UTF-8.
    pub fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Self> {
        if bytes.len() as u64 > DOCUMENT_LIMIT {
            return Err(Self::TooLarge { file: file.to_owned(), limit: DOCUMENT_LIMIT });
        }
        str::from_utf8(bytes).map_err(|_| Self::NotText(file.to_owned()))
    }
}

impl Failure for Unfit {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "file".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_bytes_that_are_no_text_of_a_document() {
        assert_eq!(Unfit::text("a.json", b"{}"), Ok("{}"));
        assert_eq!(Unfit::text("a.json", b"\xff"), Err(Unfit::NotText("a.json".to_owned())));
        let large = vec![b' '; DOCUMENT_LIMIT as usize + 1];
        assert!(matches!(Unfit::text("a.json", &large), Err(Unfit::TooLarge { limit: DOCUMENT_LIMIT, .. })));
        assert!(Unfit::text("a.json", &large[1..]).is_ok());
    }
}
