//! What else lies where a set-up was expected: pages of servers, pointers of version control, archives.

use core::fmt;

/// How many bytes from the start tell what a file is.
pub const TELLING_BYTES: usize = 4096;

/// Something that is no set-up, recognised by its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Nothing at all.
    Empty,
    /// An error of S3 or of a store that answers like it, with its code.
    StoreError(String),
    /// An HTML page.
    Html,
    /// Another XML document.
    Xml,
    /// A JSON document.
    Json,
    /// What Git LFS leaves in a checkout in place of a file.
    LfsPointer,
    /// What git-annex leaves in a checkout in place of a file.
    AnnexPointer,
    /// A compressed file or an archive, by the name of its format.
    Packed(&'static str),
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty file: nothing has arrived; download it again"),
            Self::StoreError(code) => {
                write!(
                    f,
                    "an error document of an object store ({code}): the file is not, or no longer, at that address"
                )
            }
            Self::Html => f.write_str("an HTML page: the address leads to a page about the file or to an error"),
            Self::Xml => f.write_str("an XML document: the address leads to an error or to a list of files"),
            Self::Json => f.write_str("a JSON document: the address leads to an error or to a description of the file"),
            Self::LfsPointer => {
                f.write_str("a pointer of Git LFS, not the file itself: run git lfs pull in the checkout it comes from")
            }
            Self::AnnexPointer => f.write_str(
                "a pointer of git-annex, not the file itself: run git annex get in the checkout it comes from",
            ),
            Self::Packed(format) => write!(f, "a {format} file: unpack it first"),
        }
    }
}

impl Foreign {
    /// What a file that begins with these bytes is, if it is something known that is no set-up.
    #[must_use]
    pub fn recognise(start: &[u8]) -> Option<Self> {
        const PACKED: [(&[u8], &str); 6] = [
            (b"\x1f\x8b", "gzip"),
            (b"PK\x03\x04", "zip"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"BZh", "bzip2"),
            (b"7z\xbc\xaf\x27\x1c", "7z"),
        ];
        if start.is_empty() {
            return Some(Self::Empty);
        }
        if let Some((_, format)) = PACKED.iter().find(|(magic, _)| start.starts_with(magic)) {
            return Some(Self::Packed(format));
        }
        let text = String::from_utf8_lossy(start.get(..TELLING_BYTES).unwrap_or(start));
        let text = text.trim_start_matches('\u{feff}').trim_start();
        match text.chars().next()? {
            '<' => Some(Self::markup(text)),
            '{' | '[' => Some(Self::Json),
            _ if text.starts_with("version https://git-lfs") || text.starts_with("version https://hawser") => {
                Some(Self::LfsPointer)
            }
            _ if text.starts_with("/annex/objects/") => Some(Self::AnnexPointer),
            _ => None,
        }
    }

    fn markup(text: &str) -> Self {
        if let Some(code) = error_code(text) {
            return Self::StoreError(code);
        }
        let lower = text.to_lowercase();
        let is_html = ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| lower.contains(tag));
        if is_html { Self::Html } else { Self::Xml }
    }
}

/// The code in `<Error><Code>…</Code>`, as S3 and its like answer.
fn error_code(text: &str) -> Option<String> {
    let (_, error) = text.split_once("<Error>")?;
    let (_, code) = error.split_once("<Code>")?;
    let (code, _) = code.split_once("</Code>")?;
    let is_word = !code.is_empty() && code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric());
    is_word.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: &[u8]) -> Option<Foreign> {
        Foreign::recognise(start)
    }

    #[test]
    fn what_servers_and_tools_leave_is_recognised() {
        let s3 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access \
             Denied</Message>";
        assert_eq!(told(s3.as_bytes()), Some(Foreign::StoreError("AccessDenied".into())));
        assert_eq!(
            told(b"\xef\xbb\xbf<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"),
            Some(Foreign::StoreError("NoSuchKey".into()))
        );
        assert_eq!(told(b"\n<!DOCTYPE html>\n<html>"), Some(Foreign::Html));
        assert_eq!(told(b"<HTML><BODY>404"), Some(Foreign::Html));
        assert_eq!(told(b"<?xml version=\"1.0\"?><ListBucketResult>"), Some(Foreign::Xml));
        assert_eq!(told(b"{\"message\":\"Not Found\"}"), Some(Foreign::Json));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 2097284\n";
        assert_eq!(told(pointer), Some(Foreign::LfsPointer));
        assert_eq!(told(b"/annex/objects/SHA256E-s75590802--aa.ptau\n"), Some(Foreign::AnnexPointer));
        assert_eq!(told(b"\x1f\x8b\x08"), Some(Foreign::Packed("gzip")));
        assert_eq!(told(b""), Some(Foreign::Empty));
        assert_eq!(told(b"something else"), None);
    }

    /// Nothing that a server writes reaches a terminal but a word.
    #[test]
    fn rejects_codes_that_are_no_words() {
        for code in ["", "a b", "\u{1b}[31m", &"a".repeat(65)] {
            assert_eq!(told(format!("<Error><Code>{code}</Code></Error>").as_bytes()), Some(Foreign::Xml));
        }
    }
}
