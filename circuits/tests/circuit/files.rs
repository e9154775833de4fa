//! What is checked in: descriptions of the circuit, keys, an old proof, and sizes. `--example regenerate` writes the
//! first two; the ignored test below writes the proof.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;
use surety_circuits::{AdviceColumn, Halo2Key, ProvingKey, ProvingKeyError, export};
use surety_core::{
    capacity::Capacity,
    ident::{Bytes32, Name},
};
use surety_kzg::{Params, Srs, SrsId, progress::Silent};
use surety_verifier::{KeyError, Protocol, VerifyingKey, proof::key::PinnedKeys};

use crate::common::{Proven, ceremony, development, stored::StoredProof};

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn json(content: &impl Serialize) -> String {
    serde_json::to_string_pretty(content).unwrap() + "\n"
}

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}

#[test]
fn descriptions_are_those_of_the_circuit() {
    for capacity in Capacity::all() {
        let file = path(&format!("../verifier/protocol/k{}.json", capacity.k()));
        let protocol = export::protocol(capacity).unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), json(&protocol), "run the example `regenerate`");
        assert_eq!(Protocol::of(capacity).unwrap(), protocol);
        protocol.validate().unwrap();
    }
}

#[test]
fn sizes_are_pinned() {
    for capacity in Capacity::all() {
        let protocol = export::protocol(capacity).unwrap();
        let sets = protocol.rotation_sets();
        assert_eq!(
            (protocol.advice.len(), protocol.fixed.len(), protocol.constraints.len(), protocol.lookups.len()),
            (8, 2, 6, 2)
        );
        assert_eq!((protocol.degree(), protocol.quotient_pieces, protocol.blinding_factors), (5, 4, 5));
        assert_eq!((protocol.proof_points(), protocol.evaluations().len(), protocol.proof_length()), (17, 24, 1856));
        assert_eq!(sets.iter().map(|set| set.polynomials.len()).collect::<Vec<_>>(), [10, 4, 1, 3]);
    }
}

#[test]
fn keys_of_the_development_set_up_are_pinned() {
    let srs = Srs::development(capacity(Capacity::MAX_K));
    assert_keys_are_pinned("insecure-development", &srs);
}

#[test]
fn keys_of_the_ceremony_are_pinned() {
    if let Some(srs) = ceremony() {
        assert_keys_are_pinned("ppot-0085", &srs);
        assert_halo2_agrees(&srs, 9);
    }
}

fn assert_keys_are_pinned(name: &str, srs: &Srs) {
    let protocols = Capacity::all().map(|capacity| Protocol::of(capacity).unwrap());
    let keys = PinnedKeys::derive(Name::new(name).unwrap(), srs, protocols).unwrap();
    let file = path(&format!("../verifier/keys/{name}.json"));
    assert_eq!(fs::read_to_string(file).unwrap(), json(&keys), "run the example `regenerate`");
    for capacity in Capacity::all() {
        let key = VerifyingKey::pinned(capacity, srs.id()).unwrap();
        assert_eq!(key.srs(), srs.verifier_key());
        assert_eq!(key.protocol().capacity, capacity);
    }
}

/// Halo2's own key generation, which commits in the Lagrange basis, yields the pinned key, and so does that of our
/// prover.
fn assert_halo2_agrees(srs: &Srs, k: u32) {
    let params = Params::from_srs(srs, capacity(k), &Silent).unwrap();
    let pinned = VerifyingKey::pinned(capacity(k), srs.id()).unwrap();
    let (own, halo2) = (ProvingKey::generate(&params).unwrap(), Halo2Key::generate(&params).unwrap());
    for key in [own.verifying_key(), halo2.verifying_key()] {
        assert_eq!(key.fixed_commitments(), pinned.fixed_commitments());
        assert_eq!(key.digest(), pinned.digest());
    }
}

#[test]
fn halo2_generates_the_pinned_keys() {
    for k in 9..=12 {
        assert_halo2_agrees(&Srs::development(capacity(k)), k);
    }
}

/// Runs a test of this file in a process of its own with `MAX_DEGREE` set.
fn run_with_max_degree(value: &str, test: &str) -> bool {
    let test = format!("files::{test}");
    let arguments = ["--exact", &test, "--include-ignored"];
    let run = Command::new(std::env::current_exe().unwrap()).args(arguments).env("MAX_DEGREE", value).output().unwrap();
    // A name that no test has would be no failure.
    run.status.success() && String::from_utf8_lossy(&run.stdout).contains("1 passed")
}

#[test]
fn keys_and_proofs_do_not_depend_on_max_degree() {
    for value in ["1", "3", "9"] {
        assert!(run_with_max_degree(value, "halo2_generates_the_pinned_keys"), "MAX_DEGREE={value}");
        assert!(run_with_max_degree(value, "a_fresh_proof_verifies_under_the_pinned_key"), "MAX_DEGREE={value}");
    }
}

#[test]
fn a_fresh_proof_verifies_under_the_pinned_key() {
    let proven = Proven::small();
    let key = VerifyingKey::pinned(capacity(9), proven.params.id()).unwrap();
    assert_eq!(key.verify(proven.context, &proven.known, &proven.proof), Ok(()));
}

#[test]
fn rejects_an_unreadable_max_degree() {
    assert!(run_with_max_degree("many", "key_generation_fails"));
}

#[test]
#[ignore = "`rejects_an_unreadable_max_degree` runs this with MAX_DEGREE=many"]
fn key_generation_fails() {
    let params = development(capacity(9));
    let error = Halo2Key::generate(&params).unwrap_err();
    assert!(matches!(error, ProvingKeyError::MaxDegree(text) if text == "many"));
    assert!(ProvingKey::generate(&params).is_ok(), "our prover does not read the variable");
}

#[test]
fn rejects_set_ups_that_are_not_known() {
    let error = VerifyingKey::pinned(capacity(9), SrsId::from(Bytes32::ZERO)).unwrap_err();
    assert!(matches!(error, KeyError::UnknownSrs { .. }));
    assert!(error.to_string().contains("(ppot-0085, insecure-development)"), "{error}");
}

#[test]
fn an_old_proof_still_verifies() {
    let old: StoredProof =
        serde_json::from_str(&fs::read_to_string(path("tests/data/proof-k9.json")).unwrap()).unwrap();
    assert!(old.verifies(Srs::development(old.capacity).id()));
}

#[test]
#[ignore = "writes tests/data/proof-k9.json; run it when proofs have changed on purpose"]
fn write_the_old_proof() {
    fs::write(path("tests/data/proof-k9.json"), json(&StoredProof::of(&Proven::small()))).unwrap();
}

#[test]
fn column_names_are_pinned() {
    let names = AdviceColumn::ALL.map(AdviceColumn::name);
    assert_eq!(names, ["IDX", "FLAG", "COEF", "BLIND", "BLINDED_HOLD", "VAR", "VAL", "ACC"]);
    assert!(AdviceColumn::ALL.iter().enumerate().all(|(index, column)| *column as usize == index));
}
