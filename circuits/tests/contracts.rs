//! Proofs that the tests of the contracts verify.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{Proven, Statement, ceremony, development, stored::StoredProof};
use serde::{Deserialize, Serialize};
use surety_kzg::{Params, Srs, origin::CEREMONIES, point, progress::Silent, srs::VerifierKey};

/// Proofs of one capacity class over one set-up.
#[derive(Serialize, Deserialize)]
struct Fixture {
    proofs: Vec<StoredProof>,
}

impl Fixture {
    fn of(proven: impl IntoIterator<Item = Proven>) -> Self {
        Self { proofs: proven.into_iter().map(|proven| StoredProof::of(&proven)).collect() }
    }

    fn write(&self, file: &str) {
        fs::write(path(file), serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
    }

    fn read(file: &str) -> Self {
        serde_json::from_str(&fs::read_to_string(path(file)).unwrap()).unwrap()
    }
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures").join(file)
}

/// The number of proofs over the development set-up, by capacity class.
const DEVELOPMENT: [(u32, usize); 5] = [(10, 1), (11, 16), (12, 1), (13, 1), (15, 1)];

/// A statement like others of its class, though not the same.
fn statement(k: u32, index: usize) -> Statement {
    Statement::sample(k, 3 + index % 4, 2)
}

#[test]
#[ignore = "writes contracts/test/fixtures; run it when proofs have changed on purpose"]
fn write_the_fixtures() {
    for (k, count) in DEVELOPMENT {
        let proven = (0..count).map(|index| {
            let statement = statement(k, index);
            Proven::over(development(statement.capacity), &statement, 1_000 + index as u64)
        });
        Fixture::of(proven).write(&format!("development-k{k}.json"));
    }
    let statement = statement(11, 0);
    let params = Params::from_srs(&ceremony().unwrap(), statement.capacity, &Silent).unwrap();
    Fixture::of([Proven::over(params, &statement, 1_000)]).write("ppot-0085-k11.json");
}

#[test]
fn fixtures_are_valid() {
    for (k, count) in DEVELOPMENT {
        let fixture = Fixture::read(&format!("development-k{k}.json"));
        let srs = Srs::development(fixture.proofs[0].capacity).id();
        assert_eq!(fixture.proofs.len(), count);
        assert!(fixture.proofs.iter().all(|proof| proof.capacity.k() == k && proof.verifies(srs)));
    }
    let tau_g2 = point::g2_from_bytes(&CEREMONIES[0].tau_g2).unwrap();
    let ceremony = VerifierKey::new(tau_g2).unwrap().id();
    assert!(Fixture::read("ppot-0085-k11.json").proofs.iter().all(|proof| proof.verifies(ceremony)));
}
