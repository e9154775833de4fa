//! An encrypted key. What it asks for is refused if it is more than a wallet asks for, and done if it is next to
//! nothing; what lies between takes too long here. It opens for one passphrase at most.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use surety_fuzz::bounded;
use surety_host::keystore::{Keystore, KeystoreError};

/// Work and memory that take no time, in rounds and in blocks of scrypt.
const LITTLE: u128 = 1 << 10;

/// What no wallet asks for: bytes, blocks in all passes over them, and rounds.
const MEMORY: u128 = (1 << 30) + (1 << 24);
const BLOCKS: u128 = 1 << 27;
const ROUNDS: u128 = 10_000_000;

/// What a keystore asks for.
enum Cost {
    Little,
    Much,
    TooMuch,
}

/// By what is written of it, which names each parameter once.
fn cost(keystore: &Value) -> Cost {
    let number = |name: &str| u128::from(keystore["crypto"]["kdfparams"][name].as_u64().unwrap());
    let (is_too_much, is_little) = if keystore["crypto"]["kdf"] == "scrypt" {
        let [n, r, p] = ["n", "r", "p"].map(number);
        (128 * r * (n + p) > MEMORY || n * r * p > BLOCKS, n <= LITTLE && n * r * p <= LITTLE && r <= LITTLE)
    } else {
        let rounds = number("c");
        (rounds > ROUNDS, rounds <= LITTLE)
    };
    match (is_too_much, is_little) {
        (true, _) => Cost::TooMuch,
        (false, true) => Cost::Little,
        (false, false) => Cost::Much,
    }
}

fuzz_target!(|input: &[u8]| bounded(input, || {
    let Some(keystore) = str::from_utf8(input).ok().and_then(|text| Keystore::parse(text).ok()) else { return };
    let written = serde_json::to_value(&keystore).unwrap();
    let again = Keystore::parse(&written.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), written);
    match cost(&written) {
        Cost::TooMuch => {
            let refusal = keystore.decrypt("").unwrap_err();
            assert!(matches!(refusal, KeystoreError::TooCostly(_) | KeystoreError::Format(_)), "{refusal}");
        }
        Cost::Little => {
            let opened = ["", "testpassword"].map(|passphrase| keystore.decrypt(passphrase));
            assert!(opened.iter().filter(|key| key.is_ok()).count() <= 1, "a keystore that opens for two passphrases");
            assert!(
                !opened.iter().any(|key| matches!(key, Err(KeystoreError::TooCostly(_)))),
                "a cheap one is refused"
            );
        }
        Cost::Much => {}
    }
}));
