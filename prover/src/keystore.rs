//! Encrypted keys in the format that Ethereum wallets exchange ("Web3 Secret Storage", version 3).
//!
//! A password-based key derivation function turns the passphrase into 32 bytes. The first half encrypts the key with
//! AES-128 in counter mode; the second half and the ciphertext hash to the `mac`, which tells a wrong passphrase.

use aes::cipher::{KeyIvInit, StreamCipher};
use alloy_primitives::{hex, keccak256};
use hmac::Hmac;
use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Cost of what this module writes: 128 MB and about half a second, as Geth's standard.
const SCRYPT_LOG_N: u8 = 17;
const SCRYPT_R: u32 = 8;

/// Most memory that a file may ask for: 1 GiB.
const MAX_SCRYPT_BYTES: u64 = 1 << 30;

/// Most work that a file may ask for, in units of its function's inner loop.
const MAX_SCRYPT_PARALLELISM: u32 = 16;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// Why a keystore cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// It is no keystore of version 3.
    #[error("expected an Ethereum keystore of version 3: {0}")]
    Format(String),
    /// It asks for more memory or time than any wallet does.
    #[error("expected at most 1 GiB of memory and 10000000 rounds for the key derivation, found more: {0}")]
    TooCostly(String),
    /// The passphrase is wrong.
    #[error("expected the keystore's passphrase, found another one")]
    WrongPassphrase,
}

/// An encrypted key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Keystore {
    /// The address, without 0x: what tells another key that a damaged file could give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(alias = "Crypto")]
    crypto: Crypto,
    /// A random identifier, which nothing reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    version: Version3,
}

#[derive(Clone, Copy, Debug)]
struct Version3;

impl Serialize for Version3 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(3)
    }
}

impl<'de> Deserialize<'de> for Version3 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            3 => Ok(Self),
            other => Err(D::Error::custom(format!("expected version 3, found {other}"))),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Crypto {
    cipher: Cipher,
    cipherparams: CipherParams,
    ciphertext: Bytes<32>,
    #[serde(flatten)]
    kdf: Kdf,
    mac: Bytes<32>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Cipher {
    #[serde(rename = "aes-128-ctr")]
    Aes128Ctr,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CipherParams {
    iv: Bytes<16>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
enum Kdf {
    Scrypt { dklen: u32, n: u64, p: u32, r: u32, salt: Salt },
    Pbkdf2 { c: u32, dklen: u32, prf: Prf, salt: Salt },
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Prf {
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

/// Hexadecimal digits without 0x.
#[derive(Clone, Debug)]
struct Bytes<const N: usize>([u8; N]);

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = || D::Error::custom(format!("expected {} hexadecimal digits", 2 * N));
        hex::decode_to_array(String::deserialize(deserializer)?).map(Self).map_err(|_| expected())
    }
}

/// Hexadecimal digits without 0x, of any length.
#[derive(Clone, Debug)]
struct Salt(Vec<u8>);

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let salt = hex::decode(String::deserialize(deserializer)?);
        salt.map(Self).map_err(|_| D::Error::custom("expected hexadecimal digits"))
    }
}

impl Keystore {
    /// Encrypts a key under a passphrase.
    ///
    /// # Errors
    /// Never with the parameters that this module chooses.
    pub fn encrypt(
        key: &[u8; 32],
        passphrase: &str,
        address: Option<String>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, KeystoreError> {
        let mut random = [0; 64];
        rng.fill_bytes(&mut random);
        let [salt, iv, id] = [&random[..32], &random[32..48], &random[48..]];
        let kdf = Kdf::Scrypt { dklen: 32, n: 1 << SCRYPT_LOG_N, p: 1, r: SCRYPT_R, salt: Salt(salt.to_vec()) };
        let mut iv_bytes = [0; 16];
        iv_bytes.copy_from_slice(iv);
        let derived = kdf.derive(passphrase)?;
        let mut ciphertext = *key;
        apply_cipher(&derived, &iv_bytes, &mut ciphertext);
        let mac = Bytes(mac(&derived, &ciphertext));
        let crypto = Crypto {
            cipher: Cipher::Aes128Ctr,
            cipherparams: CipherParams { iv: Bytes(iv_bytes) },
            ciphertext: Bytes(ciphertext),
            kdf,
            mac,
        };
        Ok(Self { address, crypto, id: Some(uuid(id)), version: Version3 })
    }

    /// Decrypts the key.
    ///
    /// # Errors
    /// If the passphrase is wrong, or the file asks for too much.
    pub fn decrypt(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let derived = self.crypto.kdf.derive(passphrase)?;
        // The comparison may take as long as it likes: whoever can time it has the file and can try passphrases anyway.
        if mac(&derived, &self.crypto.ciphertext.0) != self.crypto.mac.0 {
            return Err(KeystoreError::WrongPassphrase);
        }
        let mut key = Zeroizing::new(self.crypto.ciphertext.0);
        apply_cipher(&derived, &self.crypto.cipherparams.iv.0, &mut key);
        Ok(key)
    }
}

impl Kdf {
    fn derive(&self, passphrase: &str) -> Result<Zeroizing<[u8; 32]>, KeystoreError> {
        let mut derived = Zeroizing::new([0; 32]);
        match *self {
            Self::Scrypt { dklen, n, p, r, ref salt } => {
                check_length(dklen)?;
                // RFC 7914: V has n blocks of 128·r bytes, B has p of them.
                let blocks = n.checked_add(p.into());
                let bytes = blocks.and_then(|blocks| blocks.checked_mul(128 * u64::from(r)));
                let bytes = bytes.filter(|&bytes| bytes <= MAX_SCRYPT_BYTES);
                if bytes.is_none() || p > MAX_SCRYPT_PARALLELISM {
                    return Err(KeystoreError::TooCostly(format!("scrypt with n = {n}, r = {r}, p = {p}")));
                }
                let format = |what: &str| KeystoreError::Format(format!("scrypt with {what}"));
                if !n.is_power_of_two() {
                    return Err(format("an n that is no power of two"));
                }
                let params = scrypt::Params::new(n.ilog2() as u8, r, p, derived.len())
                    .map_err(|_| format("parameters that it does not allow"))?;
                scrypt::scrypt(passphrase.as_bytes(), &salt.0, &params, derived.as_mut_slice())
                    .map_err(|_| format("an output length that it does not allow"))?;
            }
            Self::Pbkdf2 { c, dklen, prf: Prf::HmacSha256, ref salt } => {
                check_length(dklen)?;
                if c == 0 {
                    return Err(KeystoreError::Format("pbkdf2 with no rounds".into()));
                }
                if c > MAX_PBKDF2_ROUNDS {
                    return Err(KeystoreError::TooCostly(format!("pbkdf2 with c = {c}")));
                }
                pbkdf2::pbkdf2::<Hmac<Sha256>>(passphrase.as_bytes(), &salt.0, c, derived.as_mut_slice())
                    .map_err(|_| KeystoreError::Format("pbkdf2 with a key that it does not allow".into()))?;
            }
        }
        Ok(derived)
    }
}

fn check_length(dklen: u32) -> Result<(), KeystoreError> {
    if dklen == 32 { Ok(()) } else { Err(KeystoreError::Format(format!("dklen: expected 32, found {dklen}"))) }
}

fn apply_cipher(derived: &[u8; 32], iv: &[u8; 16], data: &mut [u8; 32]) {
    let mut key = Zeroizing::new([0; 16]);
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<aes::Aes128>::new((&*key).into(), iv.into()).apply_keystream(data);
}

fn mac(derived: &[u8; 32], ciphertext: &[u8; 32]) -> [u8; 32] {
    let mut input = Zeroizing::new([0; 48]);
    input[..16].copy_from_slice(&derived[16..]);
    input[16..].copy_from_slice(ciphertext);
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
    use surety_verifier::signature::SigningKey;

    use super::*;

    /// The first test vector of the format's definition (Ethereum wiki, Web3 Secret Storage Definition). The second has
    /// parameters that RFC 7914 forbids.
    const PBKDF2: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,
        "dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
        "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;

    /// Geth's `accounts/keystore/testdata/very-light-scrypt.json`, with an empty passphrase.
    const SCRYPT: &str = r#"{"address":"45dea0fb0bba44f4fcf290bba71fd57d7117cbb8","crypto":{"cipher":"aes-128-ctr",
        "ciphertext":"b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145","cipherparams":{"iv":
        "dc4926b48a105133d2f16b96833abf1e"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"p":1,"r":8,"salt":
        "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0"},"mac":
        "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85"},"id":"ce541d8d-c79b-40f8-9f8c-20f59616faba","version":3}"#;

    fn vector(text: &str) -> Keystore {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn opens_the_published_vectors() {
        let key = hex!("7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d");
        assert_eq!(*vector(PBKDF2).decrypt("testpassword").unwrap(), key);
        let keystore = vector(SCRYPT);
        let key = SigningKey::from_secret_bytes(&keystore.decrypt("").unwrap()).unwrap();
        assert_eq!(Some(hex::encode(key.address().0)), keystore.address);
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
        assert_ne!(other.crypto.ciphertext.0, keystore.crypto.ciphertext.0, "salt and counter are fresh");
    }

    #[test]
    fn rejects_damaged_and_costly_keystores() {
        let damaged = PBKDF2.replace("5318b4", "5318b5");
        assert_eq!(vector(&damaged).decrypt("testpassword").unwrap_err(), KeystoreError::WrongPassphrase);
        for (text, from, to) in [
            (SCRYPT, "\"n\":2,", "\"n\":1152921504606846976,"),
            (SCRYPT, "\"p\":1", "\"p\":4000000000"),
            (SCRYPT, "\"p\":1,\"r\":8", "\"p\":16,\"r\":4194304"),
            (PBKDF2, "\"c\":262144", "\"c\":4000000000"),
        ] {
            let error = vector(&text.replace(from, to)).decrypt("testpassword").unwrap_err();
            assert!(matches!(error, KeystoreError::TooCostly(_)), "{to}: {error}");
        }
        for (text, from, to) in [
            (SCRYPT, "\"n\":2,", "\"n\":3,"),
            (SCRYPT, "\"r\":8", "\"r\":0"),
            (SCRYPT, "\"dklen\":32", "\"dklen\":16"),
            (PBKDF2, "\"c\":262144", "\"c\":0"),
        ] {
            let error = vector(&text.replace(from, to)).decrypt("testpassword").unwrap_err();
            assert!(matches!(error, KeystoreError::Format(_)), "{to}: {error}");
        }
        for (from, to) in
            [("\"version\":3", "\"version\":4"), ("aes-128-ctr", "aes-128-cbc"), ("hmac-sha256", "hmac-md5")]
        {
            assert!(serde_json::from_str::<Keystore>(&PBKDF2.replace(from, to)).is_err(), "{to}");
        }
    }
}
