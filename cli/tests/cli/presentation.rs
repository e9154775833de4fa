//! Attestations that are made for one verifier, the subject's consent, and what a holder and a verifier remember.

use std::{fs, thread, time::Duration};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files_below, read_json, write_json};

const PROVE: &str = "prove demo --trust demo/trust.toml";
const VERIFY: &str = "verify --allow-insecure-srs --json";

fn rejection(error: &Value) -> String {
    error["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn rejects_an_attestation_that_was_shown_to_another_verifier() {
    let (sandbox, _) = Sandbox::with_demo();
    let (mine, other) = (format!("0x{}", "c4".repeat(32)), format!("0x{}", "c5".repeat(20)));
    sandbox.surety(&format!("{PROVE} --presentation {mine} --out demo/mine.json")).expect(0);
    let data = sandbox.surety(&format!("{VERIFY} demo/mine.json --challenge {mine}")).expect(0).data();
    assert_eq!(data["presentation"], json!(mine));
    for line in ["demo/mine.json".to_owned(), format!("demo/mine.json --challenge {other}")] {
        let run = sandbox.surety(&format!("{VERIFY} {line}")).expect(5);
        assert_eq!(rejection(&run.envelope()), "presentation");
    }
    // One for anybody is not one for this verifier.
    let run = sandbox.surety(&format!("{VERIFY} demo/attestation.json --challenge {mine}")).expect(5);
    assert_eq!(rejection(&run.envelope()), "presentation");
}

#[test]
fn rejects_a_consent_with_another_key_than_the_subjects() {
    let (sandbox, demo) = Sandbox::with_demo();
    let (subject, other) = (sandbox.demo_key("meridian"), sandbox.demo_key("custodian-north"));
    let run = sandbox.surety(&format!("consent demo/attestation.json --key {other} --json")).expect(3);
    assert_eq!(rejection(&run.envelope()), "consent");
    sandbox.surety(&format!("consent demo/attestation.json --key {subject}")).expect(0);
    let data = sandbox.surety(&format!("{VERIFY} demo/attestation.json")).expect(0).data();
    assert_eq!(data["consented"], true);
    // Attack: have the subject sign the context of a claim that it has not read.
    let mut changed = read_json(&demo.join("attestation.json"));
    changed["context"] = json!(format!("0x{}", "00".repeat(32)));
    fs::write(demo.join("changed.json"), changed.to_string()).unwrap();
    let run = sandbox.surety(&format!("consent demo/changed.json --key {subject} --json")).expect(5);
    assert_eq!(rejection(&run.envelope()), "context");
}

#[test]
fn rejects_a_snapshot_that_is_not_known_to_be_published() {
    let (sandbox, _) = Sandbox::with_demo();
    let run = sandbox.surety("prove demo --out one.json --json").expect(5);
    assert_eq!(rejection(&run.envelope()), "unpublished-snapshot");
    let trust = "kind = \"surety/trust\"\nversion = 1\nsnapshots = []\n";
    sandbox.write("mine.toml", trust);
    let run = sandbox.surety("prove demo --trust mine.toml --out one.json --json").expect(5);
    assert_eq!(rejection(&run.envelope()), "unpublished-snapshot");
    assert!(!sandbox.path("one.json").exists());
    sandbox.surety(&format!("{PROVE} --out one.json")).expect(0);
    sandbox.surety("prove demo --unpublished-snapshot --out two.json").expect(0);
}

/// Attack: somebody who chooses prices asks for one attestation after another in an epoch.
#[test]
fn rejects_proving_over_more_snapshots_of_an_epoch_than_there_should_be() {
    let (sandbox, _) = Sandbox::with_demo();
    sandbox.surety(&format!("{PROVE} --out one.json")).expect(0);
    let records: Vec<_> = files_below(&sandbox.path("state/snapshots"))
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .collect();
    let mut record = read_json(&records[0]);
    assert_eq!(
        (records.len(), &record["snapshots"]),
        (1, &json!([read_json(&sandbox.path("one.json"))["claim"]["snapshot"]]))
    );
    sandbox.surety(&format!("{PROVE} --out two.json")).expect(0);
    record["snapshots"] = json!([format!("0x{}", "11".repeat(32)), format!("0x{}", "22".repeat(32))]);
    write_json(&records[0], &record);
    let run = sandbox.surety(&format!("{PROVE} --out three.json --json")).expect(6);
    assert_eq!(rejection(&run.envelope()), "snapshots");
    assert!(!sandbox.path("three.json").exists());
}

/// Attack: withdraw everything, and show the attestation over the statement from before.
#[test]
fn rejects_an_attestation_over_statements_that_were_superseded() {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
    let subject = claim["subject"].as_str().unwrap();
    let text = fs::read_to_string(demo.join("trust.toml")).unwrap();
    sandbox.write("mine.toml", &text.replacen("version = 1\n", &format!("version = 1\nsubject = \"{subject}\"\n"), 1));
    sandbox.surety(&format!("{VERIFY} demo/attestation.json --trust mine.toml")).expect(0);
    sandbox.write("holdings.csv", "instrument,lots\nUSDC,1\n");
    let line = format!(
        "source attest --universe demo/universe.toml --holdings holdings.csv --account treasury --subject {subject} \
         --chain-id 31337 --registry {} --key {} --out newer --json",
        claim["audience"]["registry"].as_str().unwrap(),
        sandbox.demo_key("custodian-north"),
    );
    let first = sandbox.surety(&line).expect(0).data();
    let second = sandbox.surety(&line).expect(0).data();
    assert!(second["sequence"].as_u64() > first["sequence"].as_u64(), "each statement has a number of its own");
    let statement = second["statement"].as_str().unwrap();
    // Another process that changes the trust file is waited for: neither loses what the other takes in.
    let lock = surety_host::files::lock(&sandbox.path("mine.toml")).unwrap();
    let taken = thread::scope(|scope| {
        let run = scope.spawn(|| sandbox.surety(&format!("trust supersede mine.toml {statement} --json")));
        thread::sleep(Duration::from_millis(500));
        assert!(!run.is_finished());
        drop(lock);
        run.join().unwrap()
    });
    let taken = taken.expect(0).data();
    assert_eq!(taken["superseded"][0]["newest"]["statement"], second["hash"]);
    let run = sandbox.surety(&format!("{VERIFY} demo/attestation.json --trust mine.toml")).expect(5);
    assert_eq!(rejection(&run.envelope()), "superseded");
}
