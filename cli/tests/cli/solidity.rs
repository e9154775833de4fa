//! Contracts that verify proofs.

use std::{fs, path::Path};

use surety_core::capacity::Capacity;
use surety_kzg::{Srs, import::write_compact};

use crate::sandbox::{Sandbox, shared};

/// A contract that is checked in.
fn checked_in(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts").join(file)).unwrap()
}

#[test]
fn contracts_are_those_that_are_checked_in() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("solidity --k 11 --srs ppot-0085 --out K11.sol --json").expect(0);
    assert!(!run.stderr.contains("INSECURE"));
    let data = run.data();
    assert_eq!(data["contract"], "SuretyVerifierK11");
    assert_eq!(data["srs"]["insecure"], false);
    let source = fs::read_to_string(sandbox.path("K11.sol")).unwrap();
    assert!(source == checked_in("src/verifiers/SuretyVerifierK11.sol"));
    assert!(source.contains(data["vk_hash"].as_str().unwrap()));
    // The identifier names the same set-up as the name.
    let line = format!("solidity --k 11 --srs {} --out id.sol", data["srs"]["id"].as_str().unwrap());
    sandbox.surety(&line).expect(0);
    assert!(source == fs::read_to_string(sandbox.path("id.sol")).unwrap());
}

#[test]
fn contracts_for_the_development_set_up_say_so() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("solidity --k 10 --srs insecure-development --out K10.sol").expect(0);
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    let source = fs::read_to_string(sandbox.path("K10.sol")).unwrap();
    assert!(source == checked_in("test/verifiers/DevelopmentVerifierK10.sol"));
    assert!(source.contains("INSECURE"));
    // The same set-up from a file, which is taken in full.
    let mut file = Vec::new();
    write_compact(&Srs::development(Capacity::new(10).unwrap()), &mut file).unwrap();
    fs::write(sandbox.path("development"), file).unwrap();
    sandbox.surety("solidity --k 10 --srs development --out file.sol").expect(0);
    assert!(source == fs::read_to_string(sandbox.path("file.sol")).unwrap());
}

#[test]
fn a_ceremonys_file_will_do() {
    let Some(file) = shared("srs/ppot-0085-k16.g1-compressed") else { return };
    let sandbox = Sandbox::new();
    let file = file.to_str().unwrap();
    sandbox.run(["solidity", "--k", "12", "--srs", file, "--out", "K12.sol"]).expect(0);
    let source = fs::read_to_string(sandbox.path("K12.sol")).unwrap();
    assert!(source == checked_in("src/verifiers/SuretyVerifierK12.sol"));
}

#[test]
fn rejects_what_names_no_contract() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("solidity --k 11 --srs nowhere --out K11.sol").expect(2);
    assert!(run.says("ppot-0085") && run.says("insecure-development"), "{}", run.stderr);
    sandbox.surety("solidity --k 8 --srs ppot-0085 --out K8.sol").expect(2);
    sandbox.surety(&format!("solidity --k 11 --srs 0x{} --out K11.sol", "12".repeat(32))).expect(5);
    assert!(!sandbox.path("K11.sol").exists());
}

#[test]
fn rejects_replacing_a_file_unless_forced() {
    let sandbox = Sandbox::new();
    sandbox.write("K11.sol", "mine");
    sandbox.surety("solidity --k 11 --srs ppot-0085 --out K11.sol").expect(2);
    assert_eq!(fs::read_to_string(sandbox.path("K11.sol")).unwrap(), "mine");
    sandbox.surety("solidity --k 11 --srs ppot-0085 --out K11.sol --force").expect(0);
}
