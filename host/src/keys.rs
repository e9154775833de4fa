//! Signing keys of sources and oracle nodes: secp256k1, from a file or an environment variable, never from a command
//! line, which other users of the machine can read.

use std::{
    borrow::Cow,
    env,
    path::{Path, PathBuf},
};

use alloy_primitives::{hex, keccak256};
use rand_core::{OsRng, RngCore};
use surety_core::{
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress, HexBytes},
};
use surety_verifier::attestation::signature::SigningKey;
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
    /// It is neither a key nor a keystore. Says what it looks like, and repeats nothing of it.
    #[error("{name}: expected 64 hexadecimal digits or an Ethereum keystore, found {found}")]
    Format {
        /// Where it is.
        name: String,
        /// What it looks like, and what to do about it.
        found: String,
    },
    /// The number is no secret key.
    #[error("{name}: expected a number from 1 to the order of secp256k1 less 1, found {found}")]
    Range {
        /// Where it is.
        name: String,
        /// On which side it lies.
        found: &'static str,
    },
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
    #[error(
        "expected a passphrase, found no terminal to ask for it; give it with --passphrase-file FILE or \
         --passphrase-env NAME"
    )]
    NoPassphrase,
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
    /// The text, without a byte order mark.
    fn read(&self) -> Result<Zeroizing<String>, KeyError> {
        let text = match self {
            Self::File(path) => files::read_secret(path)?,
            Self::Variable(name) => Zeroizing::new(env::var(name).map_err(|_| KeyError::Variable(name.clone()))?),
        };
        Ok(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()))
    }

    /// The passphrase that it holds.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn passphrase(&self) -> Result<Passphrase, KeyError> {
        self.read().map(|text| Passphrase(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())))
    }

    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Variable(name) => format!("environment variable {name}"),
        }
    }
}

/// A passphrase, without the end of its last line. Spaces are part of it.
#[derive(Clone, Default)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// What somebody has typed.
    #[must_use]
    pub fn typed(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What wallets take for the passphrase: all of it, its first line, or what is left without the white space around
    /// it.
    fn candidates(&self) -> impl Iterator<Item = &str> {
        let all = self.as_str();
        let first = all.lines().next().unwrap_or_default();
        let trimmed = all.trim();
        let others = [first, trimmed].into_iter().filter(move |text| *text != all);
        std::iter::once(all).chain(others)
    }
}

/// Reads a key: 64 hexadecimal digits, with or without `0x`, or an Ethereum keystore, for which `passphrase` is asked.
/// `note` is told what its owner should know.
///
/// # Errors
/// If there is none, or the passphrase is wrong.
pub fn load(
    at: &SecretAt,
    passphrase: impl FnOnce() -> Result<Passphrase, KeyError>,
    note: impl FnOnce(&str),
) -> Result<SigningKey, KeyError> {
    let text = at.read()?;
    let text = text.trim();
    if let Some(bytes) = plain(text) {
        return key_of(&bytes, at);
    }
    if !text.starts_with('{') {
        return Err(KeyError::Format { name: at.name(), found: recognised(text) });
    }
    let failed = |error| KeyError::Keystore { name: at.name(), error };
    let keystore = Keystore::parse(text).map_err(failed)?;
    let passphrase = passphrase()?;
    let mut opened = Err(KeystoreError::WrongPassphrase);
    for candidate in passphrase.candidates() {
        opened = keystore.decrypt(candidate);
        if !matches!(opened, Err(KeystoreError::WrongPassphrase)) {
            break;
        }
    }
    let key = key_of(&*opened.map_err(failed)?, at)?;
    // The format's checksum leaves out the cipher's counter: with another one, another key comes out.
    let found = hex::encode(key.address().0);
    if let Some(expected) = &keystore.address
        && !expected.trim_start_matches("0x").trim_start_matches("0X").eq_ignore_ascii_case(&found)
    {
        return Err(KeyError::OtherAddress { name: at.name(), expected: expected.clone(), found });
    }
    if let zeros @ 1.. = keystore.omitted_zeros() {
        note(&format!(
            "{}: the keystore holds a key of {} bytes, whose {zeros} leading zero bytes its wallet left out; it is the \
             key of \
             0x{found}, as in geth",
            at.name(),
            32 - zeros,
        ));
    }
    Ok(key)
}

fn key_of(bytes: &[u8; 32], at: &SecretAt) -> Result<SigningKey, KeyError> {
    let found = if bytes.iter().all(|byte| *byte == 0) { "zero" } else { "a larger one" };
    SigningKey::from_secret_bytes(bytes).map_err(|_| KeyError::Range { name: at.name(), found })
}

fn plain(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.strip_prefix("0X").unwrap_or(text), bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

/// What a text that is no key looks like, and what to do about it. Repeats nothing of it.
fn recognised(text: &str) -> String {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let is_hex = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let words = text.split_whitespace().count();
    match digits.len() {
        _ if text.is_empty() => "an empty one".to_owned(),
        40 if is_hex => "40 digits: an address, which is public, and no key".to_owned(),
        length @ (60 | 62) if is_hex => format!(
            "{length} digits, {} bytes; if leading zeros were left out, put zeros in front, up to 64 digits",
            length / 2
        ),
        128 | 130 if is_hex => "a public key; the secret key has 64 digits".to_owned(),
        length if is_hex => {
            format!("{length} digits; compare with the original, of which a part is missing or too much")
        }
        _ if text.starts_with("-----BEGIN") => {
            "a PEM file; write the secret number in it as 64 digits, or draw a key with surety key new".to_owned()
        }
        _ if EXTENDED_KEYS.iter().any(|prefix| text.starts_with(prefix)) => {
            "an extended key, from which many keys follow; export the key of one account from the wallet".to_owned()
        }
        _ if matches!(words, 12 | 15 | 18 | 21 | 24) => {
            format!("{words} words, a recovery phrase, from which many keys follow; export the key of one account")
        }
        _ if text.starts_with('[') => "a list; if it holds keystores, save one of them by itself".to_owned(),
        _ => "something else; draw a key with surety key new".to_owned(),
    }
}

/// What only files have that hold keys, or the masks with which a commitment can be opened.
const PARTS_OF_SECRETS: [&str; 5] = ["surety/opening", "\"ciphertext\"", "\"kdfparams\"", "\"encseed\"", "PRIVATE KEY"];

const EXTENDED_KEYS: [&str; 4] = ["xprv", "zprv", "yprv", "tprv"];

/// Whether a text is, or may be, a key, a keystore, an opening, a recovery phrase or a passphrase, of which nothing is
/// shown, not even to its owner. Every text of a single line may be one, unless it begins like JSON.
#[must_use]
pub fn may_be_secret(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim();
    let lines = || text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    let is_key = |line: &str| plain(line).is_some() || EXTENDED_KEYS.iter().any(|prefix| line.starts_with(prefix));
    let is_phrase = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_whitespace());
    PARTS_OF_SECRETS.iter().any(|part| text.contains(part))
        || is_phrase
        || lines().any(is_key)
        || (lines().nth(1).is_none() && !text.starts_with(['{', '[']))
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
    let address = SigningKey::from_secret_bytes(&secret).map_err(|_| out_of_range("a random number"))?.address();
    let failed = |error| KeyError::Keystore { name: path.display().to_string(), error };
    let keystore = Keystore::encrypt(&secret, passphrase, Some(hex::encode(address.0)), &mut OsRng).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&keystore);
    let text = text.map_err(|error| FileError::Io {
        path: path.to_owned(),
        action: "cannot be written",
        error: error.into(),
    })?;
    files::write(path, &text, Access::Secret, existing)?;
    Ok(address)
}

/// The key of a demonstration, which everybody can derive: `keccak256("surety demo key: " ‖ name)`.
///
/// # Errors
/// Never for the names that are in use: the hash would have to exceed the order of secp256k1.
pub fn demo_key(name: &str) -> Result<SigningKey, KeyError> {
    SigningKey::from_secret_bytes(&demo_secret(name).0).map_err(|_| out_of_range(name))
}

/// The number of [`demo_key`], as a file has it.
#[must_use]
pub fn demo_secret(name: &str) -> Bytes32 {
    HexBytes(keccak256(format!("surety demo key: {name}")).0)
}

fn out_of_range(name: &str) -> KeyError {
    KeyError::Range { name: name.to_owned(), found: "another one" }
}

impl Failure for KeyError {
    fn class(&self) -> Class {
        match self {
            Self::Keystore { error: KeystoreError::Memory(_), .. } => Class::Resources,
            _ => Class::Input,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "key".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first account of every development chain.
    const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    const ADDRESS: &str = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

    fn never() -> Result<Passphrase, KeyError> {
        panic!("no passphrase is needed")
    }

    fn silent(note: &str) {
        panic!("{note}")
    }

    fn in_file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, SecretAt) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, text).unwrap();
        (directory, SecretAt::File(path))
    }

    fn typed(text: &str) -> Result<Passphrase, KeyError> {
        Ok(Passphrase::typed(text.to_owned()))
    }

    #[test]
    fn reads_plain_keys() {
        let upper = KEY.to_ascii_uppercase();
        let written = [KEY.to_owned(), format!("0x{KEY}\n"), format!("\u{feff}{KEY}\r\n"), format!(" 0X{upper} ")];
        let utf16 = format!("\u{feff}{KEY}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for text in written.into_iter().map(String::into_bytes).chain([utf16]) {
            let (_directory, at) = in_file(text);
            let key = load(&at, never, silent).unwrap();
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
        let key = load(&at, || typed("passphrase"), silent).unwrap();
        assert_eq!(key.address(), address);
        let error = load(&at, || typed("other"), silent).err().unwrap();
        assert!(matches!(error, KeyError::Keystore { error: KeystoreError::WrongPassphrase, .. }), "{error}");
        let error = generate(&path, "passphrase", Existing::Keep).unwrap_err();
        assert!(matches!(error, KeyError::File(FileError::Exists(_))), "{error}");
        assert!(matches!(generate(&path, "", Existing::Replace), Err(KeyError::EmptyPassphrase)));
    }

    /// Geth's vector of a key of 31 bytes, with the passphrase "foo".
    const BYTES_31: &str = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},
        "ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984","kdf":"scrypt","kdfparams":{"dklen":32,
        "n":2,"r":8,"p":1,"salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},
        "mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},"version":3}"#;

    #[test]
    fn passphrases_are_read_as_wallets_read_them() {
        let (_keystore, at) = in_file(BYTES_31);
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        for written in [
            b"foo".to_vec(),
            b"foo\n".to_vec(),
            b"foo\r\n".to_vec(),
            "\u{feff}foo\r\n".into(),
            b"foo\nsecond\n".to_vec(),
            b" foo \n".to_vec(),
            utf16("\u{feff}foo\r\n"),
        ] {
            let (_passphrase, secret) = in_file(&written);
            assert!(load(&at, || secret.passphrase(), |_| ()).is_ok(), "{written:?}");
        }
        // Spaces belong to it.
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.json");
        let address = generate(&path, " two words ", Existing::Keep).unwrap();
        let (_passphrase, secret) = in_file(" two words \n");
        assert_eq!(load(&SecretAt::File(path), || secret.passphrase(), silent).unwrap().address(), address);
    }

    #[test]
    fn a_key_whose_leading_zeros_were_left_out_is_told_to_be_one() {
        let (_directory, at) = in_file(BYTES_31);
        let mut told = String::new();
        let key = load(&at, || typed("foo"), |note| note.clone_into(&mut told)).unwrap();
        assert!(told.contains("a key of 31 bytes, whose 1 leading zero bytes"), "{told}");
        assert!(told.contains(&key.address().to_string()), "{told}");
    }

    #[test]
    fn rejects_what_is_no_key_says_what_it_is_and_does_not_repeat_it() {
        for (text, found) in [
            (KEY[1..].to_owned(), "found 63 digits; compare"),
            (KEY[2..].to_owned(), "found 62 digits, 31 bytes; if leading zeros were left out"),
            (format!("0x{}", &KEY[4..]), "found 60 digits, 30 bytes"),
            (ADDRESS.to_owned(), "found 40 digits: an address, which is public"),
            (KEY.repeat(2), "found a public key"),
            ("not a key".to_owned(), "found something else"),
            (["test"; 12].join(" "), "found 12 words, a recovery phrase"),
            ("-----BEGIN EC PRIVATE KEY-----\nMHQCAQEE".to_owned(), "found a PEM file"),
            ("xprv9s21ZrQH143K".to_owned(), "found an extended key"),
            ("[{}]".to_owned(), "found a list"),
            (String::new(), "found an empty one"),
        ] {
            let (_directory, at) = in_file(&text);
            let error = load(&at, never, silent).err().unwrap();
            assert!(matches!(error, KeyError::Format { .. }), "{error}");
            assert!(error.to_string().contains(found), "{text}: {error}");
            assert!(text.is_empty() || !error.to_string().contains(&text), "{error}");
        }
        for (text, message) in [
            ("{\"version\":3}", "crypto: expected a value"),
            ("{\"version\":3", "expected JSON, found something that is not, or a part of it"),
            ("{\"version\":\"1\",\"Crypto\":{}}", "found version 1, which wallets wrote until 2015"),
        ] {
            let (_directory, at) = in_file(text);
            let error = load(&at, never, silent).err().unwrap().to_string();
            assert!(error.contains(message), "{error}");
        }
        for (text, found) in [("00".repeat(32), "found zero"), ("ff".repeat(32), "found a larger one")] {
            let (_directory, at) = in_file(&text);
            let error = load(&at, never, silent).err().unwrap().to_string();
            assert!(error.ends_with(found), "{error}");
        }
        let at = SecretAt::Variable("SURETY_NO_SUCH_VARIABLE".into());
        assert!(matches!(load(&at, never, silent), Err(KeyError::Variable(_))));
    }

    #[test]
    fn what_may_be_secret_is_told_from_what_is_not() {
        let phrase = ["test"; 12];
        for text in [
            KEY.to_owned(),
            format!("0x{KEY}\n"),
            format!("# mine\n{KEY}\n"),
            KEY[1..].to_owned(),
            BYTES_31.to_owned(),
            BYTES_31.replace("\"version\":3", "\"version\":"),
            phrase.join(" "),
            phrase.join("\n"),
            "-----BEGIN EC PRIVATE KEY-----\nMHQCAQEE\n".to_owned(),
            "# root\nxprv9s21ZrQH143K".to_owned(),
            "Correct, horse = battery!\r\n".to_owned(),
            "{\"kind\": \"surety/opening\",\n\"masks\": [\"0x12\"]}".to_owned(),
            String::new(),
        ] {
            assert!(may_be_secret(&text), "{text}");
        }
        let hash = format!("kind = \"surety/trust\"\nversion = 1\nsrs = \"0x{KEY}\"\n");
        for text in ["entry,price,confidence\nBTC,1,1\n", "{\"kind\": \"surety/market\"}", "[1]", &hash] {
            assert!(!may_be_secret(text), "{text}");
        }
    }

    #[test]
    fn demo_keys_differ_by_name() {
        let address = |name| demo_key(name).unwrap().address();
        assert_ne!(address("oracle-1"), address("oracle-2"));
    }
}
