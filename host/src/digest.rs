//! Hashes of whole files, in the two forms in which ceremonies publish them.

use core::fmt;
use std::io::{self, Read};

use alloy_primitives::hex;
use sha2::{Digest as _, Sha256};

/// How a hash is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256: 32 bytes.
    Sha256,
    /// BLAKE2b with 64 bytes of output, as snarkjs and the Perpetual Powers of Tau print it.
    Blake2b512,
}

impl Algorithm {
    /// Both.
    const ALL: [Self; 2] = [Self::Sha256, Self::Blake2b512];

    /// The number of hexadecimal digits of a hash.
    const fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Blake2b512 => 128,
        }
    }

    /// Labels that stand before hashes in publications, lower case.
    const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Sha256 => &["sha256", "sha-256"],
            Self::Blake2b512 => &["blake2b-512", "blake2b512", "blake2b"],
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Blake2b512 => "BLAKE2b-512",
        })
    }
}

/// The hash of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileHash {
    /// SHA-256.
    Sha256([u8; 32]),
    /// BLAKE2b with 64 bytes of output.
    Blake2b512([u8; 64]),
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: &[u8] = match self {
            Self::Sha256(bytes) => bytes,
            Self::Blake2b512(bytes) => bytes,
        };
        write!(f, "{} {}", self.algorithm(), hex::encode(bytes))
    }
}

impl FileHash {
    /// Reads a hash as people find it: hexadecimal digits of either case, with or without `0x` or the algorithm's name
    /// before them, and with blanks or newlines between groups of digits, as snarkjs prints BLAKE2b.
    ///
    /// # Errors
    /// A sentence with what was expected and found.
    pub fn parse(algorithm: Algorithm, text: &str) -> Result<Self, String> {
        let digits: String = text.split_whitespace().collect::<String>().to_ascii_lowercase();
        let labelled = |other: Algorithm| {
            let rest = other.labels().iter().find_map(|label| digits.strip_prefix(label))?;
            rest.strip_prefix([':', '=', '-'])
        };
        let rest = labelled(algorithm).unwrap_or(&digits);
        let rest = rest.strip_prefix("0x").unwrap_or(rest);
        let expected = algorithm.digits();
        if let Some(other) = Algorithm::ALL.into_iter().find(|&other| other != algorithm)
            && (labelled(other).is_some() || rest.len() == other.digits())
        {
            return Err(format!(
                "expected {algorithm}, {expected} hexadecimal digits, found a hash that looks like {other}"
            ));
        }
        let unusable = || {
            let found = rest.len();
            format!("expected {algorithm}, {expected} hexadecimal digits with or without 0x, found {found} characters")
        };
        let invalid = rest.chars().find(|character| !character.is_ascii_hexdigit());
        if let Some(character) = invalid {
            return Err(format!("{}, {character:?} among them", unusable()));
        }
        let bytes = hex::decode(rest).map_err(|_| unusable())?;
        let hash = match algorithm {
            Algorithm::Sha256 => bytes.try_into().ok().map(Self::Sha256),
            Algorithm::Blake2b512 => bytes.try_into().ok().map(Self::Blake2b512),
        };
        hash.ok_or_else(unusable)
    }

    /// How it is computed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Blake2b512(_) => Algorithm::Blake2b512,
        }
    }

    /// The hash of all that comes.
    ///
    /// # Errors
    /// Those of `reader`.
    pub fn of(algorithm: Algorithm, mut reader: impl Read) -> io::Result<Self> {
        Ok(match algorithm {
            Algorithm::Sha256 => {
                let mut hasher = Sha256::new();
                io::copy(&mut reader, &mut hasher)?;
                Self::Sha256(hasher.finalize().into())
            }
            Algorithm::Blake2b512 => {
                let mut hasher = blake2b_simd::State::new();
                io::copy(&mut reader, &mut hasher)?;
                Self::Blake2b512(*hasher.finalize().as_array())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// RFC 7693, appendix A.
    const ABC_BLAKE2B: &str = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
                               7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";

    fn sha256(text: &str) -> Result<FileHash, String> {
        FileHash::parse(Algorithm::Sha256, text)
    }

    fn blake2b(text: &str) -> Result<FileHash, String> {
        FileHash::parse(Algorithm::Blake2b512, text)
    }

    #[test]
    fn hashes_are_those_of_the_standards() {
        for (algorithm, text) in [(Algorithm::Sha256, ABC_SHA256), (Algorithm::Blake2b512, ABC_BLAKE2B)] {
            let hash = FileHash::of(algorithm, &b"abc"[..]).unwrap();
            assert_eq!(hash, FileHash::parse(algorithm, text).unwrap());
            assert_eq!(hash.to_string(), format!("{algorithm} {text}"));
        }
    }

    #[test]
    fn a_hash_is_read_however_it_is_written() {
        let expected = sha256(ABC_SHA256).unwrap();
        let upper = ABC_SHA256.to_uppercase();
        for text in [
            format!("0x{ABC_SHA256}"),
            format!("0X{upper}"),
            format!("  {upper}\n"),
            format!("sha256:{ABC_SHA256}"),
            format!("SHA-256: 0x{ABC_SHA256}"),
            format!("SHA256 = {ABC_SHA256}"),
        ] {
            assert_eq!(sha256(&text), Ok(expected), "{text}");
        }
        let words: Vec<&str> = (0..16).map(|word| &ABC_BLAKE2B[8 * word..8 * (word + 1)]).collect();
        let groups: Vec<String> = words.chunks(4).map(|group| format!("\t\t{}", group.join(" "))).collect();
        for text in [groups.join("\n"), words.join(" "), format!("BLAKE2b: {}", groups.join("\r\n"))] {
            assert_eq!(blake2b(&text), blake2b(ABC_BLAKE2B), "{text}");
        }
    }

    #[test]
    fn rejects_hashes_of_another_length_or_alphabet() {
        for text in ["", "0x", &ABC_SHA256[1..], &format!("{ABC_SHA256}00"), "sha256:"] {
            assert!(sha256(text).unwrap_err().contains("64 hexadecimal digits"), "{text}");
        }
        let error = sha256(&ABC_SHA256.replace('b', "g")).unwrap_err();
        assert!(error.contains("'g' among them"), "{error}");
        assert!(blake2b(&ABC_BLAKE2B[2..]).unwrap_err().contains("128 hexadecimal digits"));
    }

    #[test]
    fn rejects_the_other_algorithm_by_name() {
        assert!(sha256(ABC_BLAKE2B).unwrap_err().contains("looks like BLAKE2b-512"));
        assert!(blake2b(ABC_SHA256).unwrap_err().contains("looks like SHA-256"));
        assert!(sha256(&format!("blake2b:{ABC_SHA256}")).unwrap_err().contains("looks like BLAKE2b-512"));
    }
}
