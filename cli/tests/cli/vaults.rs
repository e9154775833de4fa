//! Attestations that draw on a vault: the balances count for the subject and the chain that they are of, and only where
//! the verifier or auditor has read them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_core::{ident::HexBytes, problem::Problem, text::Document as _};
use surety_kzg::{Params, Srs, progress::Silent};
use surety_margin::universe::Universe;
use surety_verifier::attestation::vault::{VaultBalances, VaultError};
use surety_walkthrough::example;

use crate::sandbox::{Run, Sandbox, read_json, write_json};

/// The demonstration over the development set-up, with an attestation in `kept/` that draws on a vault.
struct Scene {
    sandbox: Sandbox,
    demo: PathBuf,
    balances: VaultBalances,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, demo) = Sandbox::with_demo();
        let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
        let balances = balances(&claim["subject"], &claim["audience"]["chain_id"]);
        write_json(&sandbox.path("vault.json"), &json!(balances));
        let made = sandbox.surety("prove demo --trust demo/trust.toml --vault vault.json --out demo/drawing.json");
        made.expect(0);
        Self { sandbox, demo, balances }
    }

    /// The balances in a file, changed.
    fn other(&self, name: &str, change: impl FnOnce(&mut VaultBalances)) -> String {
        let mut balances = self.balances.clone();
        change(&mut balances);
        balances.checkpoint = balances.checkpoint_of_state();
        write_json(&self.sandbox.path(name), &json!(balances));
        name.to_owned()
    }

    fn audit(&self, more: &str) -> Run {
        self.sandbox.surety(&format!("audit {more} --allow-insecure-srs --json"))
    }
}

/// Five lots of USDC in a vault, as a contract would count them over the development set-up.
fn balances(subject: &Value, chain_id: &Value) -> VaultBalances {
    let universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
    let params = Params::from_srs(&Srs::development(universe.capacity), universe.capacity, &Silent).unwrap();
    let document = json!({
        "kind": "surety/vault-balances", "version": 1, "chain_id": chain_id, "vault": HexBytes([3; 20]),
        "subject": subject, "checkpoint": HexBytes([0; 32]), "number": 1, "commitment": HexBytes([0; 64]),
        "balances": [{ "instrument": "USDC", "lots": "5" }]
    });
    let mut balances: VaultBalances = serde_json::from_value(document).unwrap();
    if let Err(VaultError::Commitment(Problem { expected, .. })) = balances.position(&universe, &params) {
        balances.commitment = HexBytes::parse(&expected).unwrap();
    }
    balances.checkpoint = balances.checkpoint_of_state();
    balances
}

/// The verdict on the attestation that draws on the vault, and its rule.
fn verdict(run: &Run) -> (String, String) {
    let data = run.envelope()["data"].clone();
    let entries = data["attestations"].as_array().unwrap();
    let is_drawing = |entry: &&Value| entry["file"].as_str().unwrap().contains("drawing");
    // An archive names documents by their digests: there, the attestation is the only one.
    let entry = entries.iter().find(is_drawing).unwrap_or(&entries[0]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&entry["verdict"]), text(&entry["reason"]["code"]))
}

#[test]
fn an_auditor_takes_the_balances_of_vaults_that_it_has_read() {
    let scene = Scene::new();
    let read = scene.audit("demo --vault vault.json");
    assert_eq!(verdict(&read), ("accepted".to_owned(), String::new()), "{}", read.stdout);
    let report = read.envelope()["data"].clone();
    assert_eq!(report["vaults"][0]["checkpoint"], json!(scene.balances.checkpoint), "the report says what was read");
    // The file lies in the directory as well, where anybody may have put it.
    std::fs::copy(scene.sandbox.path("vault.json"), scene.demo.join("vault.json")).unwrap();
    assert_eq!(verdict(&scene.audit("demo")), ("rejected".to_owned(), "vault".to_owned()));
}

#[test]
fn an_archive_is_audited_with_the_balances_that_were_read() {
    let scene = Scene::new();
    let files = ["universe.toml", "policy.toml", "policy.compiled.json", "market.json", "drawing.json"];
    let files = files.map(|name| format!("demo/{name}")).join(" ");
    scene.sandbox.surety(&format!("archive add kept.archive {files}")).expect(0);
    // Not public by themselves: who verifies reads them on the chain.
    scene.sandbox.surety("archive add kept.archive vault.json").expect(2);
    let read = scene.audit("kept.archive --vault vault.json");
    assert_eq!(verdict(&read), ("accepted".to_owned(), String::new()), "{}", read.stdout);
    assert_eq!(verdict(&scene.audit("kept.archive")), ("rejected".to_owned(), "vault".to_owned()));
}

/// Attack: collateral of somebody else, or on another chain.
#[test]
fn rejects_balances_of_another_subject_or_chain() {
    let scene = Scene::new();
    let verify = |vault: &str| {
        let line = format!("verify demo/drawing.json --vault {vault} --allow-insecure-srs --json");
        scene.sandbox.surety(&line)
    };
    verify("vault.json").expect(0);
    let subject = scene.other("subject.json", |balances| balances.subject = HexBytes([9; 20]));
    let chain = scene.other("chain.json", |balances| balances.chain_id += 1);
    for vault in [subject, chain] {
        let run = verify(&vault).expect(5);
        assert_eq!(run.envelope()["error"]["code"], "vault", "{}", run.stdout);
        assert_eq!(verdict(&scene.audit(&format!("demo --vault {vault}"))).1, "vault");
    }
}

/// Attack: a state of the vault that is not the one that the claim draws on.
#[test]
fn rejects_another_state_of_the_vault() {
    let scene = Scene::new();
    let later = scene.other("later.json", |balances| balances.number += 1);
    assert_eq!(verdict(&scene.audit(&format!("demo --vault {later}"))).1, "vault");
    assert!(Path::new(&scene.sandbox.path("later.json")).is_file());
}
