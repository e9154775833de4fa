//! Encrypted keys in the format that Ethereum wallets exchange ("Web3 Secret Storage", version 3).
//!
//! A password-based key derivation function turns the passphrase into 32 bytes. The first half encrypts the key with
//! AES-128 in counter mode; the second half and the ciphertext hash to the `mac`, which tells a wrong passphrase.
//!
//! What geth, ethers or eth-account opens is opened: names of keys and functions in any case, hexadecimal digits with
//! or without `0x`, numbers in strings, keys whose leading zeros were left out, and every parameter whose work stays
//! within limits.

use std::collections::BTreeMap;

use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::{hex, keccak256};
use pbkdf2::pbkdf2_hmac;
use rand_core::{CryptoRng, RngCore};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use surety_core::problem::Problem;
use zeroize::Zeroizing;

use crate::scrypt::{self, Cost};

/// Bytes of a key of secp256k1.
const KEY: usize = 32;

/// Cost of what this module writes: 128 MB and about half a second, half of geth's standard.
const COST: Cost = Cost { n: 1 << 17, r: 8, p: 1 };

/// Most memory that a file may ask for: 1 GiB, and 16 MiB for the blocks beside it.
const MAX_SCRYPT_BYTES: u64 = (1 << 30) + (1 << 24);

/// Most work that a file may ask for: as many blocks of 128 bytes as 16 passes over 1 GiB have, and rounds.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 27;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// Why a keystore cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// It is no keystore, or a part of it has another form. Does not repeat ciphertexts.
    #[error("{0}")]
    Format(Box<Problem>),
    /// A keystore of a format that was in use until 2015.
    #[error(
        "expected a keystore of version 3, found version 1, which wallets wrote until 2015; `geth account update \
         ADDRESS` \
         writes the same key as version 3"
    )]
    Version1,
    /// A keystore of a validator.
    #[error(
        "expected a keystore of version 3, found version 4 (EIP-2335): the BLS key of a validator, which signs nothing \
         here; \
         draw a key with surety key new"
    )]
    Version4,
    /// The wallet of somebody who bought ether before there was any.
    #[error(
        "expected a keystore of version 3, found a presale wallet of 2014; `geth wallet import FILE` makes a keystore \
         of it"
    )]
    Presale,
    /// It asks for more memory or time than any wallet does.
    #[error(
        "expected a key derivation of at most 1 GiB, 16 passes over it, or {MAX_PBKDF2_ROUNDS} rounds, found {0}; \
         write the \
         keystore anew with the wallet's usual parameters"
    )]
    TooCostly(String),
    /// There is less memory than the file asks for.
    #[error("expected memory for {0}, found too little: close other programs, or use a computer with more")]
    Memory(String),
    /// The passphrase is wrong.
    #[error("expected the keystore's passphrase, found another one")]
    WrongPassphrase,
}

/// An encrypted key.
#[derive(Clone, Debug)]
pub struct Keystore {
    /// The address, as the file has it: what tells another key that a damaged file could give.
    pub address: Option<String>,
    /// From 1 to 32 bytes: leading zeros may be left out.
    ciphertext: Vec<u8>,
    iv: [u8; 16],
    kdf: Kdf,
    mac: [u8; 32],
    /// A random identifier, which nothing reads.
    id: Option<String>,
}

#[derive(Clone, Debug)]
enum Kdf {
    Scrypt { n: u64, r: u64, p: u64, salt: Vec<u8> },
    Pbkdf2 { rounds: u64, hash: Hash, salt: Vec<u8> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

/// Written as geth writes it.
impl Serialize for Keystore {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kdf, params) = match &self.kdf {
            Kdf::Scrypt { n, r, p, salt } => {
                ("scrypt", json!({ "dklen": 32, "n": n, "r": r, "p": p, "salt": hex::encode(salt) }))
            }
            Kdf::Pbkdf2 { rounds, hash, salt } => {
                ("pbkdf2", json!({ "c": rounds, "dklen": 32, "prf": hash.name(), "salt": hex::encode(salt) }))
            }
        };
        let mut keystore = json!({
            "crypto": {
                "cipher": CIPHER,
                "cipherparams": { "iv": hex::encode(self.iv) },
                "ciphertext": hex::encode(&self.ciphertext),
                "kdf": kdf,
                "kdfparams": params,
                "mac": hex::encode(self.mac),
            },
            "version": 3,
        });
        for (key, value) in [("address", &self.address), ("id", &self.id)] {
            if let Some(value) = value {
                keystore[key] = json!(value);
            }
        }
        keystore.serialize(serializer)
    }
}

const CIPHER: &str = "aes-128-ctr";

impl Keystore {
    /// Reads a keystore.
    ///
    /// # Errors
    /// If it is none, or one of another version.
    pub fn parse(text: &str) -> Result<Self, KeystoreError> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let place = format!("{}:{}", error.line(), error.column());
            format_error(place, "JSON", "something that is not, or a part of it")
        })?;
        let keystore = Object::of("", &value)?;
        if keystore.get("encseed").is_some() {
            return Err(KeystoreError::Presale);
        }
        // Other files have versions, too.
        let crypto = Object::of("crypto", keystore.require("crypto")?)?;
        match keystore.number("version")? {
            3 => {}
            1 => return Err(KeystoreError::Version1),
            4 => return Err(KeystoreError::Version4),
            other => return Err(format_error("version", "3", &other.to_string())),
        }
        crypto.one_of("cipher", &[CIPHER])?;
        let cipher = Object::of("crypto.cipherparams", crypto.require("cipherparams")?)?;
        let params = Object::of("crypto.kdfparams", crypto.require("kdfparams")?)?;
        // Any length from 32 bytes on begins with the same 32 bytes, of which all are used.
        if let Some(length) =
            params.get("dklen").map(|_| params.number("dklen")).transpose()?.filter(|dklen| *dklen < 32)
        {
            return Err(format_error("crypto.kdfparams.dklen", "at least 32", &length.to_string()));
        }
        let kdf = match crypto.one_of("kdf", &["scrypt", "pbkdf2"])? {
            "scrypt" => Kdf::Scrypt {
                n: params.number("n")?,
                r: params.number("r")?,
                p: params.number("p")?,
                salt: params.bytes("salt")?,
            },
            _ => Kdf::Pbkdf2 { rounds: params.number("c")?, hash: Hash::of(&params)?, salt: params.bytes("salt")? },
        };
        let ciphertext = crypto.bytes("ciphertext")?;
        if ciphertext.is_empty() || ciphertext.len() > KEY {
            let found = format!("{} bytes", ciphertext.len());
            return Err(format_error("crypto.ciphertext", "1 to 32 bytes: a key of secp256k1", &found));
        }
        Ok(Self {
            address: keystore.text("address")?.filter(|address| !address.is_empty()).map(str::to_owned),
            ciphertext,
            iv: cipher.array("iv")?,
            kdf,
            mac: crypto.array("mac")?,
            id: keystore.text("id")?.map(str::to_owned),
        })
    }

    /// Encrypts a key under a passphrase.
    ///
    /// # Errors
    /// If there is less memory than the parameters that this module chooses take.
    pub fn encrypt(
        key: &[u8; 32],
        passphrase: &str,
        address: Option<String>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, KeystoreError> {
        let mut random = [0; 64];
        rng.fill_bytes(&mut random);
        let (salt, id) = (random[..32].to_vec(), Some(uuid(&random[48..])));
        let mut iv = [0; 16];
        iv.copy_from_slice(&random[32..48]);
        let kdf = Kdf::Scrypt { n: COST.n as u64, r: COST.r as u64, p: COST.p as u64, salt };
        let derived = kdf.derive(passphrase)?;
        let mut ciphertext = key.to_vec();
        apply_cipher(&derived, &iv, &mut ciphertext);
        let mac = mac(&derived, &ciphertext);
        Ok(Self { address, ciphertext, iv, kdf, mac, id })
    }

    /// Decrypts the key. Where leading zeros were left out, they are restored, as geth does.
    ///
    /// # Errors
    /// If the passphrase is wrong, or the file asks for too much, or for more memory than there is.
    pub fn decrypt(&self, passphrase: &str) -> Result<Zeroizing<[u8; KEY]>, KeystoreError> {
        let derived = self.kdf.derive(passphrase)?;
        // The comparison may take as long as it likes: whoever can time it has the file and can try passphrases anyway.
        if mac(&derived, &self.ciphertext) != self.mac {
            return Err(KeystoreError::WrongPassphrase);
        }
        let mut key = Zeroizing::new([0; KEY]);
        let digits = &mut key[KEY - self.ciphertext.len()..];
        digits.copy_from_slice(&self.ciphertext);
        apply_cipher(&derived, &self.iv, digits);
        Ok(key)
    }

    /// How many leading bytes of the key, which are zero, the wallet left out.
    #[must_use]
    pub fn omitted_zeros(&self) -> usize {
        KEY - self.ciphertext.len()
    }
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "hmac-sha256",
            Self::Sha512 => "hmac-sha512",
        }
    }

    fn of(params: &Object<'_>) -> Result<Self, KeystoreError> {
        if params.get("prf").is_none() {
            return Ok(Self::Sha256);
        }
        let name = params.one_of("prf", &[Self::Sha256.name(), Self::Sha512.name()])?;
        Ok(if name == Self::Sha512.name() { Self::Sha512 } else { Self::Sha256 })
    }
}

impl Kdf {
    fn derive(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        match self {
            Self::Scrypt { n, r, p, salt } => {
                let cost = cost(*n, *r, *p)?;
                let lacking = |_| KeystoreError::Memory(format!("scrypt with n = {n}, r = {r}, p = {p}"));
                scrypt::derive(passphrase.as_bytes(), salt, cost).map_err(lacking)
            }
            Self::Pbkdf2 { rounds, hash, salt } => {
                let rounds = match u32::try_from(*rounds) {
                    Ok(0) => return Err(format_error("crypto.kdfparams.c", "at least 1", "0")),
                    Ok(rounds @ ..=MAX_PBKDF2_ROUNDS) => rounds,
                    _ => return Err(KeystoreError::TooCostly(format!("pbkdf2 with c = {rounds}"))),
                };
                let mut derived = Zeroizing::new([0; 32]);
                let derive = match hash {
                    Hash::Sha256 => pbkdf2_hmac::<Sha256>,
                    Hash::Sha512 => pbkdf2_hmac::<Sha512>,
                };
                derive(passphrase.as_bytes(), salt, rounds, derived.as_mut_slice());
                Ok(derived)
            }
        }
    }
}

/// What scrypt may cost.
fn cost(n: u64, r: u64, p: u64) -> Result<Cost, KeystoreError> {
    for (name, number) in [("r", r), ("p", p)] {
        if number == 0 {
            return Err(format_error(format!("crypto.kdfparams.{name}"), "at least 1", "0"));
        }
    }
    let costly = || KeystoreError::TooCostly(format!("scrypt with n = {n}, r = {r}, p = {p}"));
    // RFC 7914: V has n blocks of 128·r bytes, B has p of them; two more are mixed.
    let blocks = n.checked_add(p).and_then(|blocks| blocks.checked_add(2));
    let bytes = blocks.and_then(|blocks| blocks.checked_mul(128)?.checked_mul(r));
    let blocks = n.checked_mul(p).and_then(|blocks| blocks.checked_mul(r));
    if bytes.is_none_or(|bytes| bytes > MAX_SCRYPT_BYTES) || blocks.is_none_or(|blocks| blocks > MAX_SCRYPT_BLOCKS) {
        return Err(costly());
    }
    if n < 2 || !n.is_power_of_two() {
        return Err(format_error("crypto.kdfparams.n", "a power of two, at least 2", &n.to_string()));
    }
    let size = |number: u64| usize::try_from(number).map_err(|_| costly());
    Ok(Cost { n: size(n)?, r: size(r)?, p: size(p)? })
}

fn format_error(place: impl Into<String>, expected: &str, found: &str) -> KeystoreError {
    KeystoreError::Format(Box::new(Problem::new(place, expected, found)))
}

/// An object of a keystore. Names of keys are in any case: wallets have written `crypto`, `Crypto` and `MAC`.
struct Object<'v> {
    path: &'static str,
    entries: BTreeMap<String, &'v Value>,
}

impl<'v> Object<'v> {
    fn of(path: &'static str, value: &'v Value) -> Result<Self, KeystoreError> {
        let Value::Object(object) = value else {
            return Err(format_error(path, "an object", kind(value)));
        };
        let mut entries = BTreeMap::new();
        for (key, value) in object {
            if entries.insert(key.to_ascii_lowercase(), value).is_some() {
                return Err(format_error(path, "each key once, in whichever case", &format!("{key:?} twice")));
            }
        }
        Ok(Self { path, entries })
    }

    fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn get(&self, key: &str) -> Option<&'v Value> {
        self.entries.get(key).copied().filter(|value| !value.is_null())
    }

    fn require(&self, key: &str) -> Result<&'v Value, KeystoreError> {
        self.get(key).ok_or_else(|| format_error(self.place(key), "a value, as in every keystore", "none"))
    }

    fn text(&self, key: &str) -> Result<Option<&'v str>, KeystoreError> {
        let text =
            |value: &'v Value| value.as_str().ok_or_else(|| format_error(self.place(key), "a text", kind(value)));
        self.get(key).map(text).transpose()
    }

    /// One of some names, in any case, as it is spelled here.
    fn one_of(&self, key: &str, names: &[&'static str]) -> Result<&'static str, KeystoreError> {
        let value = self.require(key)?;
        let name = value.as_str().ok_or_else(|| format_error(self.place(key), "a text", kind(value)))?;
        let known = names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
        known.ok_or_else(|| format_error(self.place(key), &names.join(" or "), &format!("{name:?}")))
    }

    /// A whole number, also in a string, or with a point and zeros behind it.
    fn number(&self, key: &str) -> Result<u64, KeystoreError> {
        let value = self.require(key)?;
        let digits = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(format_error(self.place(key), "a whole number", kind(value))),
        };
        let whole = digits.split_once('.').map_or(&*digits, |(whole, fraction)| {
            if fraction.bytes().all(|digit| digit == b'0') { whole } else { &digits }
        });
        whole.parse().map_err(|_| format_error(self.place(key), "a whole number below 2^64", &format!("{digits:?}")))
    }

    /// Hexadecimal digits, with or without `0x`.
    fn bytes(&self, key: &str) -> Result<Vec<u8>, KeystoreError> {
        let value = self.require(key)?;
        let text = value.as_str().ok_or_else(|| format_error(self.place(key), "hexadecimal digits", kind(value)))?;
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let found = || format!("a text of {} characters that are not", text.chars().count());
        hex::decode(digits).map_err(|_| format_error(self.place(key), "hexadecimal digits, two for a byte", &found()))
    }

    fn array<const N: usize>(&self, key: &str) -> Result<[u8; N], KeystoreError> {
        let bytes = self.bytes(key)?;
        let found = || format!("{} bytes", bytes.len());
        bytes.as_slice().try_into().map_err(|_| format_error(self.place(key), &format!("{N} bytes"), &found()))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn apply_cipher(derived: &[u8; 32], iv: &[u8; 16], data: &mut [u8]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<aes::Aes128>::new((&*key).into(), iv.into()).apply_keystream(data);
}

fn mac(derived: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    let mut input = Zeroizing::new(derived[16..].to_vec());
    input.extend_from_slice(ciphertext);
    keccak256(input.as_slice()).0
}

/// A random UUID of version 4.
fn uuid(random: &[u8]) -> String {
    let mut digits = hex::encode(random);
    digits.replace_range(12..13, "4");
    digits.replace_range(16..17, "a");
    for position in [8, 13, 18, 23] {
        digits.insert(position, '-');
    }
    digits
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use surety_verifier::attestation::signature::SigningKey;

    use super::*;

    /// The first test vector of the format's definition (Ethereum wiki, Web3 Secret Storage Definition).
    const PBKDF2: &str = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,
        "dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;

    /// Geth's `accounts/keystore/testdata/very-light-scrypt.json`, with an empty passphrase.
    const SCRYPT: &str = r#"{"address":"45dea0fb0bba44f4fcf290bba71fd57d7117cbb8","crypto":{"cipher":"aes-128-ctr",
        "ciphertext":"b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145","cipherparams":{"iv":
        "dc4926b48a105133d2f16b96833abf1e"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"p":1,"r":8,"salt":
        "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0"},"mac":
        "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85"},"id":"ce541d8d-c79b-40f8-9f8c-20f59616faba","version":3}"#;

    /// The second test vector of the format's definition: parameters that RFC 7914 forbids.
    const SCRYPT_WIKI: &str = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
        "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c","kdf":"scrypt","kdfparams":{"dklen":32,
        "n":262144,"r":1,"p":8,"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
        "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;

    /// Geth's vectors of keys whose leading zeros were left out (`accounts/keystore/testdata/v3_test_vector.json`).
    const BYTES_31: &str = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},
        "ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984","kdf":"scrypt","kdfparams":{"dklen":32,
        "n":2,"r":8,"p":1,"salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},
        "mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},"version":3}"#;
    const BYTES_30: &str = r#"{"crypto":{"cipher":"aes-128-ctr",
        "cipherparams":{"iv":"3ca92af36ad7c2cd92454c59cea5ef00"},
        "ciphertext":"108b7d34f3442fc26ab1ab90ca91476ba6bfa8c00975a49ef9051dc675aa","kdf":"scrypt","kdfparams":{"dklen":32,
        "n":2,"r":8,"p":1,"salt":"d0769e608fb86cda848065642a9c6fa046845c928175662b8e356c77f914cd3b"},
        "mac":"75d0e6759f7b3cefa319c3be41680ab6beea7d8328653474bd06706d4cc67420"},"version":3}"#;

    const WIKI_KEY: [u8; 32] = hex!("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");

    fn vector(text: &str) -> Keystore {
        Keystore::parse(text).unwrap()
    }

    /// A keystore of other parameters, made here.
    fn sealed(kdf: Kdf, passphrase: &str) -> Keystore {
        let (derived, iv, mut ciphertext) = (kdf.derive(passphrase).unwrap(), [7; 16], WIKI_KEY.to_vec());
        apply_cipher(&derived, &iv, &mut ciphertext);
        Keystore { address: None, mac: mac(&derived, &ciphertext), ciphertext, iv, kdf, id: None }
    }

    #[test]
    fn opens_the_published_vectors() {
        assert_eq!(*vector(PBKDF2).decrypt("testpassword").unwrap(), WIKI_KEY);
        assert_eq!(*vector(SCRYPT_WIKI).decrypt("testpassword").unwrap(), WIKI_KEY);
        let keystore = vector(SCRYPT);
        let key = SigningKey::from_secret_bytes(&keystore.decrypt("").unwrap()).unwrap();
        assert_eq!(Some(hex::encode(key.address().0)), keystore.address);
        assert_eq!(keystore.omitted_zeros(), 0);
    }

    #[test]
    fn keys_whose_leading_zeros_were_left_out_are_whole_again() {
        for (text, zeros, key) in [
            (BYTES_31, 1, "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35"),
            (BYTES_30, 2, "000081c29e8142bb6a81bef5a92bda7a8328a5c85bb2f9542e76f9b0f94fc018"),
        ] {
            let keystore = vector(text);
            assert_eq!(keystore.omitted_zeros(), zeros);
            assert_eq!(hex::encode(*keystore.decrypt("foo").unwrap()), key);
        }
    }

    #[test]
    fn every_way_that_wallets_write_a_keystore_is_read() {
        let upper = |text: &str| text.to_ascii_uppercase().replace("\"SCRYPT\"", "\"scrypt\"").replace("0X", "0x");
        for text in [
            SCRYPT.replace("crypto", "Crypto"),
            upper(SCRYPT),
            SCRYPT.replace("b87781", "0xB87781").replace("0042", "0x0042").replace("dc4926", "0xdc4926"),
            SCRYPT.replace("\"39990c", "\"0x39990C").replace("\"45dea0", "\"0x45DEA0"),
            SCRYPT.replace("\"dklen\":32,", ""),
            SCRYPT.replace("\"dklen\":32", "\"dklen\":64"),
            SCRYPT.replace("\"n\":2", "\"n\":\"2\"").replace("\"p\":1", "\"p\":1.0"),
            SCRYPT.replace("\"version\":3", "\"version\":\"3\""),
            SCRYPT.replace("\"id\":\"ce541d8d-c79b-40f8-9f8c-20f59616faba\",", ""),
            SCRYPT.replace("\"id\":\"ce541d8d-c79b-40f8-9f8c-20f59616faba\"", "\"id\":null"),
            SCRYPT
                .replace("\"version\":3", "\"version\":3,\"x-ethers\":{\"client\":\"ethers.js\",\"version\":\"0.1\"}"),
        ] {
            let opened = vector(&text).decrypt("").unwrap();
            assert_eq!(*opened, *vector(SCRYPT).decrypt("").unwrap(), "{text}");
        }
        let without_function = PBKDF2.replace("\"prf\":\"hmac-sha256\",", "");
        assert_eq!(*vector(&without_function).decrypt("testpassword").unwrap(), WIKI_KEY);
        let kdf = Kdf::Pbkdf2 { rounds: 3, hash: Hash::Sha512, salt: vec![1, 2, 3] };
        let text = serde_json::to_string(&sealed(kdf, "pass")).unwrap();
        assert!(text.contains("hmac-sha512"), "{text}");
        assert_eq!(*vector(&text).decrypt("pass").unwrap(), WIKI_KEY);
    }

    #[test]
    fn usual_parameters_are_within_the_limits() {
        for (n, r, p) in
            [(1 << 18, 8, 1), (1 << 12, 8, 6), (1 << 18, 1, 8), (1 << 17, 8, 1), (1 << 20, 8, 1), (1 << 14, 8, 16)]
        {
            assert!(cost(n, r, p).is_ok(), "{n} {r} {p}");
        }
    }

    #[test]
    fn what_is_encrypted_is_decrypted() {
        let key = [0x5a; 32];
        let keystore = Keystore::encrypt(&key, "correct horse", Some("00".repeat(20)), &mut OsRng).unwrap();
        let text = serde_json::to_string(&keystore).unwrap();
        assert!(!text.contains(&hex::encode(key)));
        assert_eq!(*vector(&text).decrypt("correct horse").unwrap(), key);
        assert_eq!(vector(&text).decrypt("correct  horse").unwrap_err(), KeystoreError::WrongPassphrase);
        let other = Keystore::encrypt(&key, "correct horse", None, &mut OsRng).unwrap();
        assert_ne!(other.ciphertext, keystore.ciphertext, "salt and counter are fresh");
    }

    #[test]
    fn rejects_damaged_and_costly_keystores() {
        let damaged = PBKDF2.replace("5318b4", "5318b5");
        assert_eq!(vector(&damaged).decrypt("testpassword").unwrap_err(), KeystoreError::WrongPassphrase);
        for (text, from, to) in [
            (SCRYPT, "\"n\":2,", "\"n\":1152921504606846976,"),
            (SCRYPT, "\"n\":2,", "\"n\":2097152,"),
            (SCRYPT, "\"n\":2,\"p\":1", "\"n\":1048576,\"p\":17"),
            (SCRYPT, "\"p\":1", "\"p\":4000000000"),
            // Three blocks of a third of what is allowed, and two more beside them.
            (SCRYPT, "\"p\":1,\"r\":8", "\"p\":1,\"r\":2839893"),
            (SCRYPT, "\"p\":1,\"r\":8", "\"p\":16,\"r\":4194304"),
            (SCRYPT, "\"p\":1,\"r\":8", "\"p\":18446744073709551615,\"r\":18446744073709551615"),
            (PBKDF2, "\"c\":262144", "\"c\":10000001"),
            (PBKDF2, "\"c\":262144", "\"c\":18446744073709551615"),
        ] {
            let error = vector(&text.replace(from, to)).decrypt("testpassword").unwrap_err();
            assert!(matches!(error, KeystoreError::TooCostly(_)), "{to}: {error}");
        }
        for (text, from, to, message) in [
            (SCRYPT, "\"n\":2,", "\"n\":3,", "crypto.kdfparams.n: expected a power of two, at least 2, found 3"),
            (SCRYPT, "\"n\":2,", "\"n\":1,", "crypto.kdfparams.n: expected a power of two, at least 2, found 1"),
            (SCRYPT, "\"r\":8", "\"r\":0", "crypto.kdfparams.r: expected at least 1, found 0"),
            (PBKDF2, "\"c\":262144", "\"c\":0", "crypto.kdfparams.c: expected at least 1, found 0"),
        ] {
            let error = vector(&text.replace(from, to)).decrypt("testpassword").unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn rejects_what_is_no_keystore_of_version_3_by_its_name() {
        for (from, to, message) in [
            (
                "\"version\":3",
                "\"version\":\"1\"",
                "found version 1, which wallets wrote until 2015; `geth account update",
            ),
            ("\"version\":3", "\"version\":4", "found version 4 (EIP-2335): the BLS key of a validator"),
            ("\"version\":3", "\"version\":5", "version: expected 3, found 5"),
            (",\"version\":3", "", "version: expected a value, as in every keystore, found none"),
            ("\"version\":3", "\"encseed\":\"00\"", "found a presale wallet of 2014; `geth wallet import FILE`"),
            ("aes-128-ctr", "aes-128-cbc", "crypto.cipher: expected aes-128-ctr, found \"aes-128-cbc\""),
            (
                "hmac-sha256",
                "hmac-md5",
                "crypto.kdfparams.prf: expected hmac-sha256 or hmac-sha512, found \"hmac-md5\"",
            ),
            ("\"dklen\":32", "\"dklen\":16", "crypto.kdfparams.dklen: expected at least 32, found 16"),
            ("\"iv\":\"6087", "\"iv\":\"", "crypto.cipherparams.iv: expected 16 bytes, found 14 bytes"),
            ("\"iv\":\"6087", "\"iv\":\"6z87", "found a text of 32 characters that are not"),
            (
                "\"5318b4",
                "\"00005318b4",
                "crypto.ciphertext: expected 1 to 32 bytes: a key of secp256k1, found 34 bytes",
            ),
            (
                "\"mac\":",
                "\"MAC\":0,\"mac\":",
                "crypto: expected each key once, in whichever case, found \"mac\" twice",
            ),
            ("\"c\":262144", "\"c\":2.5", "crypto.kdfparams.c: expected a whole number below 2^64, found \"2.5\""),
            ("\"version\":3}", "", "expected JSON, found something that is not, or a part of it"),
        ] {
            assert!(PBKDF2.contains(from), "{from}");
            let error = Keystore::parse(&PBKDF2.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(message), "{to}: {error}");
        }
        assert!(Keystore::parse("[]").is_err() && Keystore::parse("").is_err());
    }
}
