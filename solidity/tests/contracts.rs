//! The verifying contracts that are checked in are those that the generator writes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use surety_core::capacity::Capacity;
use surety_kzg::{Srs, SrsId, origin::CEREMONIES};
use surety_solidity as solidity;
use surety_verifier::VerifyingKey;

/// The capacity classes with contracts for the ceremony, and for the development set-up. The smallest is for tests.
const CEREMONY: [u32; 6] = [10, 11, 12, 13, 15, 16];
const DEVELOPMENT: [u32; 6] = [9, 10, 11, 12, 13, 15];

fn contracts() -> Vec<(PathBuf, String)> {
    let ceremony = CEREMONIES[0].verifier_key().unwrap().id();
    let development = Srs::development(Capacity::new(Capacity::MIN_K).unwrap()).id();
    let contract = |file: &str, k: u32, srs: SrsId| {
        let key = VerifyingKey::pinned(Capacity::new(k).unwrap(), srs).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../contracts/{file}K{k}.sol"));
        (path, solidity::contract(&key).unwrap())
    };
    let ceremony = CEREMONY.map(|k| contract("src/verifiers/SuretyVerifier", k, ceremony));
    let development = DEVELOPMENT.map(|k| contract("test/verifiers/DevelopmentVerifier", k, development));
    ceremony.into_iter().chain(development).collect()
}

#[test]
fn contracts_are_those_of_their_keys() {
    for (path, source) in contracts() {
        let checked_in = fs::read_to_string(&path).unwrap();
        assert!(checked_in == source, "{}: run the ignored test `write_the_contracts`", path.display());
    }
}

#[test]
#[ignore = "writes the verifying contracts; run it when they change on purpose"]
fn write_the_contracts() {
    for (path, source) in contracts() {
        fs::write(path, source).unwrap();
    }
}
