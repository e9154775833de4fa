//! Who may read what: tokens that holders show.
//!
//! The server keeps hashes of tokens alone. Hashes are compared in constant time, and a wrong token, no token and an
//! account that does not exist get the same answer.

use core::fmt;

use sha2::{Digest as _, Sha256};
use surety_core::failure::AnyFailure;
use surety_host::keys::SecretAt;
use zeroize::Zeroizing;

use crate::{configuration::Secret, error::ServiceError};

/// Fewest characters of a token: 32 random hexadecimal digits have 128 bits.
const SHORTEST: usize = 32;

/// A token. Does not print, and is erased when dropped.
pub struct Token(Zeroizing<String>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// If it cannot be read, or is so short that it can be guessed.
    pub fn load(secret: &Secret) -> Result<Self, AnyFailure> {
        let token = SecretAt::from(secret.clone()).passphrase()?;
        let token = token.as_str().trim();
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let expected = "at least 32 visible characters, such as openssl rand -hex 32 writes";
            return Err(ServiceError::value("token", expected, "another text").into());
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }

    /// The header that shows it.
    #[must_use]
    pub fn header(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("Bearer {}", *self.0))
    }

    /// What a server remembers of it.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(&self.0)
    }
}

/// The hash of a token.
#[derive(Clone, Copy)]
pub struct TokenDigest([u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(hidden)")
    }
}

impl TokenDigest {
    /// What no token has as its hash, as far as anybody knows.
    pub(crate) const NOBODYS: Self = Self([0; 32]);

    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether a header `Authorization` shows the token.
    #[must_use]
    pub fn is_shown_by(&self, header: &str) -> bool {
        let shown = header.strip_prefix("Bearer ").map(|token| Self::of(token.trim()));
        // Every byte is looked at, whatever those before say.
        shown.is_some_and(|shown| self.0.iter().zip(shown.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Result<Token, AnyFailure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, text).unwrap();
        Token::load(&Secret::File(path))
    }

    #[test]
    fn a_token_is_known_by_its_hash() {
        let token = token("0123456789abcdef0123456789abcdef\n").unwrap();
        assert!(token.digest().is_shown_by(&token.header()));
        assert!(token.digest().is_shown_by("Bearer 0123456789abcdef0123456789abcdef"));
        assert_eq!(format!("{token:?} {:?}", token.digest()), "Token(hidden) TokenDigest(hidden)");
    }

    #[test]
    fn rejects_other_tokens() {
        let digest = token("0123456789abcdef0123456789abcdef").unwrap().digest();
        for header in ["", "Bearer ", "Bearer 0123456789abcdef0123456789abcdee", "0123456789abcdef0123456789abcdef"] {
            assert!(!digest.is_shown_by(header), "{header}");
        }
    }

    #[test]
    fn rejects_tokens_that_can_be_guessed() {
        for weak in ["", "secret", "0123456789abcdef 0123456789abcdef"] {
            assert!(token(weak).is_err(), "{weak}");
        }
    }
}
