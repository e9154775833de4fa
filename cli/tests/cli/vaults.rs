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

/// The demonstration over the development set-up under a policy that draws on a vault, with an attestation over it.
struct Scene {
    sandbox: Sandbox,
    demo: PathBuf,
    balances: VaultBalances,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, demo) = Sandbox::with_demo();
        let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
        std::fs::remove_file(demo.join("attestation.json")).unwrap();
        let chain = &claim["audience"]["chain_id"];
        let policy = std::fs::read_to_string(demo.join("policy.toml")).unwrap();
        let assets = format!("[{{ instrument = \"USDC\", token = \"{}\", decimals = 6 }}]", HexBytes([4; 20]));
        let vault = format!(
            "\n[vault]\nchain = {chain}\naddress = \"{}\"\nlevel = \"maintenance\"\nmax_age = 900\nmin_age = 60\n\
             assets = {assets}\n",
            HexBytes([3; 20])
        );
        std::fs::write(demo.join("policy.toml"), policy + &vault).unwrap();
        sandbox.surety("policy compile demo --force").expect(0);
        let balances = balances(&claim);
        write_json(&sandbox.path("vault.json"), &json!(balances));
        let made = sandbox.surety("prove demo --trust demo/trust.toml --vault vault.json --out demo/drawing.json");
        made.expect(0);
        Self { sandbox, demo, balances }
    }

    /// The balances in a file, changed.
    fn other(&self, name: &str, change: impl FnOnce(&mut VaultBalances)) -> String {
        let mut balances = self.balances.clone();
        change(&mut balances);
        let balances = balances.sealed().unwrap();
        write_json(&self.sandbox.path(name), &json!(balances));
        name.to_owned()
    }

    fn audit(&self, more: &str) -> Run {
        self.sandbox.surety(&format!("audit {more} --allow-insecure-srs --json"))
    }
}

/// Five lots of USDC in the vault of the claim's subject, as a contract would count them over the development set-up.
fn balances(claim: &Value) -> VaultBalances {
    let universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
    let params = Params::from_srs(&Srs::development(universe.capacity), universe.capacity, &Silent).unwrap();
    let document = json!({
        "kind": "surety/vault-balances", "version": 2, "chain_id": claim["audience"]["chain_id"],
        "vault": HexBytes([3; 20]), "universe": claim["universe"], "subject": claim["subject"],
        "checkpoint": HexBytes([0; 32]), "number": 1, "grown_at": 1, "commitment": HexBytes([0; 64]),
        "balances": [{ "instrument": "USDC", "lots": "5" }]
    });
    let mut balances: VaultBalances = serde_json::from_value(document).unwrap();
    if let Err(VaultError::Commitment(Problem { expected, .. })) = balances.position(&universe, &params) {
        balances.commitment = HexBytes::parse(&expected).unwrap();
    }
    balances.sealed().unwrap()
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

/// Attack: collateral of somebody else, on another chain, or in another vault.
#[test]
fn rejects_balances_of_another_subject_chain_or_vault() {
    let scene = Scene::new();
    let verify = |vault: &str| {
        let line = format!("verify demo/drawing.json --vault {vault} --allow-insecure-srs --json");
        scene.sandbox.surety(&line)
    };
    verify("vault.json").expect(0);
    let others = [
        scene.other("subject.json", |balances| balances.subject = HexBytes([9; 20])),
        scene.other("chain.json", |balances| balances.chain_id += 1),
        scene.other("contract.json", |balances| balances.vault = HexBytes([9; 20])),
        scene.other("universe.json", |balances| balances.universe.0 = HexBytes([9; 32])),
    ];
    for vault in others {
        let run = verify(&vault).expect(5);
        assert_eq!(run.envelope()["error"]["code"], "vault", "{}", run.stdout);
        assert_eq!(verdict(&scene.audit(&format!("demo --vault {vault}"))).1, "vault");
        // Nobody proves over it either.
        let run = scene
            .sandbox
            .surety(&format!("prove demo --trust demo/trust.toml --vault {vault} --out demo/other.json --json"))
            .expect(5);
        assert_eq!(run.envelope()["error"]["code"], "vault", "{}", run.stdout);
    }
}

/// Attack: a stranger's public checkpoint, in a claim of one's own. The claim names what the verifier has read, and the
/// proof is never looked at.
#[test]
fn rejects_a_claim_over_a_strangers_checkpoint() {
    let scene = Scene::new();
    let stranger = scene.other("stranger.json", |balances| balances.subject = HexBytes([9; 20]));
    let mut forged = read_json(&scene.demo.join("drawing.json"));
    forged["claim"]["vault_checkpoint"] = read_json(&scene.sandbox.path(&stranger))["checkpoint"].clone();
    write_json(&scene.demo.join("drawing.json"), &forged);
    for strict in ["", "--strict"] {
        let line = format!("verify demo/drawing.json --vault {stranger} --allow-insecure-srs {strict} --json");
        let run = scene.sandbox.surety(&line).expect(5);
        let error = run.envelope()["error"].clone();
        assert_eq!(error["code"], "vault", "{}", run.stdout);
        assert!(error["message"].as_str().unwrap().contains("vault: subject"), "{error}");
    }
    assert_eq!(verdict(&scene.audit(&format!("demo --vault {stranger}"))), ("rejected".to_owned(), "vault".to_owned()));
}

#[test]
fn a_verification_names_the_vault_and_asks_for_its_checkpoint_when_strict() {
    let scene = Scene::new();
    let verify = "verify demo/drawing.json --vault vault.json --allow-insecure-srs";
    let shown = scene.sandbox.surety(verify).expect(0).stdout;
    for shows in [HexBytes([3; 20]).to_string(), scene.balances.checkpoint.to_string()] {
        assert!(shown.contains(&shows), "{shows}: {shown}");
    }
    assert!(shown.contains("the balances of the vault"), "taken on faith: {shown}");
    let pins = |checkpoint: &str| {
        let text = format!("kind = \"surety/trust\"\nversion = 1\nvaults = [\"{checkpoint}\"]\n");
        scene.sandbox.write("trust.toml", &text);
    };
    pins(&scene.balances.checkpoint.to_string());
    let shown = scene.sandbox.surety(&format!("{verify} --trust trust.toml")).expect(0).stdout;
    assert!(!shown.contains("the balances of the vault"), "{shown}");
    pins(&HexBytes([7; 32]).to_string());
    let run = scene.sandbox.surety(&format!("{verify} --trust trust.toml --json")).expect(5);
    assert_eq!(run.envelope()["error"]["code"], "anchor", "{}", run.stdout);
    let run = scene.sandbox.surety(&format!("{verify} --strict --json")).expect(5);
    assert!(run.envelope()["error"]["message"].as_str().unwrap().contains("the balances of the vault"));
}

/// Attack: collateral that came for the snapshot.
#[test]
fn rejects_balances_that_have_not_stood_before_the_snapshot() {
    let scene = Scene::new();
    let time = read_json(&scene.demo.join("market.json"))["time"].as_u64().unwrap();
    let young = scene.other("young.json", |balances| balances.grown_at.0 = time - 60);
    let run = scene
        .sandbox
        .surety(&format!("prove demo --trust demo/trust.toml --vault {young} --out demo/young.json --json"))
        .expect(2);
    assert_eq!(run.envelope()["error"]["code"], "standing", "{}", run.stdout);
    let older = scene.other("older.json", |balances| balances.grown_at.0 = time - 61);
    scene
        .sandbox
        .surety(&format!("prove demo --trust demo/trust.toml --vault {older} --out demo/older.json"))
        .expect(0);
}

/// Attack: a version of the policy whose universe has its instruments in another order, over the same vault: 5 lots of
/// one instrument would count as 5 of another.
#[test]
fn rejects_the_vault_of_another_order_of_instruments() {
    let scene = Scene::new();
    let universe = std::fs::read_to_string(scene.demo.join("universe.toml")).unwrap();
    let reordered =
        universe.replace("\"USDC\"", "\"SWAP\"").replace("\"USDT\"", "\"USDC\"").replace("\"SWAP\"", "\"USDT\"");
    assert_ne!(reordered, universe);
    std::fs::write(scene.demo.join("universe.toml"), reordered).unwrap();
    let run =
        scene.sandbox.surety("prove demo --trust demo/trust.toml --vault vault.json --out demo/other.json --json");
    assert_ne!(run.envelope()["ok"], true, "{}", run.stdout);
    let line = "verify demo/drawing.json --vault vault.json --allow-insecure-srs --json";
    let run = scene.sandbox.surety(line).expect(5);
    assert_eq!(run.envelope()["error"]["code"], "reference", "{}", run.stdout);
}

/// Attack: a state of the vault that is not the one that the claim draws on.
#[test]
fn rejects_another_state_of_the_vault() {
    let scene = Scene::new();
    let later = scene.other("later.json", |balances| balances.number += 1);
    assert_eq!(verdict(&scene.audit(&format!("demo --vault {later}"))).1, "vault");
    assert!(Path::new(&scene.sandbox.path("later.json")).is_file());
}
