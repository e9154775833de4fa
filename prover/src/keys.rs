//! Signing keys of sources and oracle nodes: secp256k1, from a file or an environment variable, never from a command
//! line, which other users of the machine can read.

use std::{
    env,
    path::{Path, PathBuf},
};

use alloy_primitives::{hex, keccak256};
use rand_core::{OsRng, RngCore};
use surety_margin::ident::EvmAddress;
use surety_verifier::signature::SigningKey;
use zeroize::Zeroizing;

use crate::{
    files::{self, Access, Existing, FileError},
    keystore::{Keystore, KeystoreError},
};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The environment variable is not set, or is not text.
    #[error("environment variable {0}: expected a value, found none")]
    Variable(String),
    /// There is neither a key nor a keystore in it. Does not repeat what there is.
    #[error("{0}: expected 64 hexadecimal digits or an Ethereum keystore, found neither")]
    Format(String),
    /// The number is no secret key.
    #[error("{0}: expected a number from 1 to the order of secp256k1 less 1")]
    Range(String),
    /// The keystore cannot be opened.
    #[error("{name}: {error}")]
    Keystore {
        /// Where the keystore is.
        name: String,
        /// Why.
        error: KeystoreError,
    },
    /// The keystore says that it holds another key than it does.
    #[error("{name}: expected the key of {expected}, as the keystore says, found that of {found}: the file is damaged")]
    OtherAddress {
        /// Where the keystore is.
        name: String,
        /// The address that it states.
        expected: String,
        /// The address of the key in it.
        found: String,
    },
    /// A passphrase is needed, and nobody can be asked.
    #[error("expected a passphrase in a file or an environment variable, or a terminal to ask for it: {0}")]
    NoPassphrase(String),
    /// An empty passphrase.
    #[error("expected a passphrase, found an empty one")]
    EmptyPassphrase,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretAt {
    /// In a file, or what comes out of a pipe.
    File(PathBuf),
    /// In an environment variable of this name.
    Variable(String),
}

impl SecretAt {
    /// The text, without the white space around it.
    ///
    /// # Errors
    /// If there is none.
    pub fn read(&self) -> Result<Zeroizing<String>, KeyError> {
        let text = match self {
            Self::File(path) => files::read_secret(path)?,
            Self::Variable(name) => Zeroizing::new(env::var(name).map_err(|_| KeyError::Variable(name.clone()))?),
        };
        Ok(Zeroizing::new(text.trim().to_owned()))
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name) => format!("environment variable {name}"),
        }
    }
}

/// Reads a key: 64 hexadecimal digits, with or without `0x`, or an Ethereum keystore, for which `passphrase` is asked.
///
/// # Errors
/// If there is none, or the passphrase is wrong.
pub fn load(
    at: &SecretAt,
    passphrase: impl FnOnce() -> Result<Zeroizing<String>, KeyError>,
) -> Result<SigningKey, KeyError> {
    let text = at.read()?;
    let key = |bytes: &[u8; 32]| SigningKey::from_secret_bytes(bytes).map_err(|_| KeyError::Range(at.name()));
    if let Some(bytes) = plain(&text) {
        return key(&bytes);
    }
    // The parser's message could repeat a part of a secret.
    let keystore: Keystore = serde_json::from_str(&text).map_err(|_| KeyError::Format(at.name()))?;
    let opened = keystore.decrypt(&passphrase()?);
    let key = key(&*opened.map_err(|error| KeyError::Keystore { name: at.name(), error })?)?;
    // The format's checksum leaves out the cipher's counter: with another one, another key comes out.
    let found = hex::encode(key.address().0);
    match keystore.address {
        Some(expected) if !expected.trim_start_matches("0x").eq_ignore_ascii_case(&found) => {
            Err(KeyError::OtherAddress { name: at.name(), expected, found })
        }
        _ => Ok(key),
    }
}

fn plain(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

/// Draws a key and writes it, encrypted under a passphrase, to a file that only its owner can read.
///
/// # Errors
/// If the passphrase is empty, or the file exists already and is to be kept, or cannot be written.
pub fn generate(path: &Path, passphrase: &str, existing: Existing) -> Result<EvmAddress, KeyError> {
    if passphrase.is_empty() {
        return Err(KeyError::EmptyPassphrase);
    }
    files::check_target(path, existing)?;
    let mut secret = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(secret.as_mut_slice());
    // One draw in 2^128 is no key.
    let address =
        SigningKey::from_secret_bytes(&secret).map_err(|_| KeyError::Range("a random number".into()))?.address();
    let failed = |error| KeyError::Keystore { name: path.display().to_string(), error };
    let keystore = Keystore::encrypt(&secret, passphrase, Some(hex::encode(address.0)), &mut OsRng).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&keystore);
    let text = text.map_err(|error| failed(KeystoreError::Format(error.to_string())))?;
    files::write(path, &text, Access::Secret, existing)?;
    Ok(address)
}

/// The key of a demonstration, which everybody can derive: `keccak256("surety demo key: " ‖ name)`.
///
/// # Errors
/// Never for the names that are in use: the hash would have to exceed the order of secp256k1.
pub fn demo_key(name: &str) -> Result<SigningKey, KeyError> {
    let text = format!("surety demo key: {name}");
    SigningKey::from_secret_bytes(&keccak256(&text)).map_err(|_| KeyError::Range(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first account of every development chain.
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

    fn never() -> Result<Zeroizing<String>, KeyError> {
        panic!("no passphrase is needed")
    }

    fn in_file(text: &str) -> (tempfile::TempDir, SecretAt) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, text).unwrap();
        (directory, SecretAt::File(path))
    }

    #[test]
    fn reads_plain_keys() {
        for text in [KEY.to_owned(), format!("0x{KEY}\n")] {
            let (_directory, at) = in_file(&text);
            let key = load(&at, never).unwrap();
            assert_eq!(key.address().to_string(), ADDRESS);
        }
    }

    #[test]
    fn generated_keys_are_encrypted_private_and_open_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.json");
        let address = generate(&path, "passphrase", Existing::Keep).unwrap();
        assert!(!files::is_exposed(&path).unwrap());
        let at = SecretAt::File(path.clone());
        let key = load(&at, || Ok(Zeroizing::new("passphrase".into()))).unwrap();
        assert_eq!(key.address(), address);
        let error = load(&at, || Ok(Zeroizing::new("other".into()))).err().unwrap();
        assert!(matches!(error, KeyError::Keystore { error: KeystoreError::WrongPassphrase, .. }), "{error}");
        let error = generate(&path, "passphrase", Existing::Keep).unwrap_err();
        assert!(matches!(error, KeyError::File(FileError::Exists(_))), "{error}");
        assert!(matches!(generate(&path, "", Existing::Replace), Err(KeyError::EmptyPassphrase)));
    }

    #[test]
    fn rejects_what_is_no_key_and_does_not_repeat_it() {
        for text in [&KEY[1..], "not a key", "{\"version\":3}", ""] {
            let (_directory, at) = in_file(text);
            let error = load(&at, never).err().unwrap();
            assert!(matches!(error, KeyError::Format(_)), "{error}");
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
        for text in ["00".repeat(32), "ff".repeat(32)] {
            let (_directory, at) = in_file(&text);
            assert!(matches!(load(&at, never), Err(KeyError::Range(_))));
        }
        let at = SecretAt::Variable("SURETY_NO_SUCH_VARIABLE".into());
        assert!(matches!(load(&at, never), Err(KeyError::Variable(_))));
    }

    #[test]
    fn demo_keys_differ_by_name() {
        let address = |name| demo_key(name).unwrap().address();
        assert_ne!(address("oracle-1"), address("oracle-2"));
    }
}
