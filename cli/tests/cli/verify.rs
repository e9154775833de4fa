//! Attestations that were tampered with, each refused with the exit code and the name of what differs.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::sandbox::{Run, Sandbox, read_json, write_json};

/// Verifies a changed attestation.
fn changed(sandbox: &Sandbox, demo: &Path, change: impl FnOnce(&mut Value)) -> Run {
    let mut attestation = read_json(&demo.join("attestation.json"));
    let before = attestation.clone();
    change(&mut attestation);
    assert_ne!(attestation, before, "the change changes something");
    write_json(&demo.join("changed.json"), &attestation);
    sandbox.surety("verify demo/changed.json --allow-insecure-srs --json")
}

#[track_caller]
fn refused(run: Run, code: i32, names: &str) {
    let run = run.expect(code);
    let message = run.envelope()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(names), "expected {names:?} in {message:?}");
}

fn statements(attestation: &mut Value) -> &mut Vec<Value> {
    attestation["claim"]["statements"].as_array_mut().unwrap()
}

/// The answer has the established and the not established claims, policy, universe, snapshot, key and set-up by hash,
/// and the version.
#[test]
fn a_report_states_its_grounds() {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
    let line = "verify demo/attestation.json --allow-insecure-srs";
    let data = sandbox.surety(&format!("{line} --json")).data();
    let shown = sandbox.surety(line).expect(0).stdout;
    for (field, stated) in [
        ("policy_id", "policy"),
        ("universe", "universe"),
        ("snapshot", "snapshot"),
        ("verifying_key", "verifying_key"),
        ("srs", "srs"),
    ] {
        assert_eq!(data[field], claim[stated], "{field}");
        assert!(shown.contains(claim[stated].as_str().unwrap()), "{field}: {shown}");
    }
    // Over the development set-up a proof proves nothing.
    assert!(data["established"].as_str().unwrap().starts_with("nothing"), "{data}");
    for part in ["established: nothing", "not established:", env!("CARGO_PKG_VERSION")] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn rejects_a_changed_proof() {
    let (sandbox, demo) = Sandbox::with_demo();
    let proof = read_json(&demo.join("attestation.json"))["proof"].as_str().unwrap().to_owned();
    assert_eq!(proof.len(), 2 + 2 * 1856);
    // In the first and the last point, in a scalar, and in between.
    for position in [2, 100, 1000, 2100, 3000, proof.len() - 1] {
        let mut digits = proof.clone().into_bytes();
        digits[position] = if digits[position] == b'1' { b'2' } else { b'1' };
        let run =
            changed(&sandbox, &demo, |attestation| attestation["proof"] = json!(String::from_utf8(digits).unwrap()));
        refused(run, 3, "proof");
    }
    let initial = read_json(&demo.join("attestation-initial.json"));
    refused(changed(&sandbox, &demo, |attestation| attestation["proof"] = initial["proof"].clone()), 3, "proof");
    let malformed = [proof[..proof.len() - 2].to_owned(), format!("{proof}00"), proof.to_uppercase(), String::new()];
    for text in malformed {
        changed(&sandbox, &demo, |attestation| attestation["proof"] = json!(text)).expect(2).envelope();
    }
}

#[test]
fn rejects_a_changed_claim() {
    let (sandbox, demo) = Sandbox::with_demo();
    let zero = format!("0x{}", "00".repeat(32));
    let address = format!("0x{}", "11".repeat(20));
    let fields: [(&str, Value, i32, &str); 13] = [
        ("subject", json!(address), 5, "subject"),
        ("audience", json!({ "chain_id": 1, "registry": address }), 5, "chain"),
        ("level", json!("initial"), 5, "context"),
        ("level", json!("no-such-level"), 5, "level"),
        ("verifier", json!(address), 5, "context"),
        ("verifying_key", json!(zero), 5, "verifying key"),
        ("srs", json!(zero), 5, "set-up"),
        ("universe", json!(zero), 5, "universe"),
        ("policy", json!(zero), 5, "policy"),
        ("epoch", json!(7), 5, "epoch"),
        ("snapshot", json!(zero), 5, "market"),
        ("presentation", json!(format!("0x{}", "33".repeat(32))), 5, "presentation"),
        ("vault_checkpoint", json!(format!("0x{}", "22".repeat(32))), 5, "vault"),
    ];
    for (field, value, code, names) in fields {
        refused(changed(&sandbox, &demo, |attestation| attestation["claim"][field] = value), code, names);
    }
    let valid_until = read_json(&demo.join("attestation.json"))["claim"]["valid_until"].as_u64().unwrap();
    let until = |time: u64| changed(&sandbox, &demo, |attestation| attestation["claim"]["valid_until"] = json!(time));
    refused(until(valid_until - 1), 5, "context");
    refused(until(valid_until + 1), 3, "valid until");
    refused(until(1), 3, "valid until");
    refused(changed(&sandbox, &demo, |attestation| attestation["context"] = json!(zero)), 5, "context");
}

#[test]
fn rejects_another_set_of_statements() {
    let (sandbox, demo) = Sandbox::with_demo();
    refused(changed(&sandbox, &demo, |attestation| statements(attestation).swap(0, 1)), 3, "order");
    refused(changed(&sandbox, &demo, |attestation| drop(statements(attestation).remove(1))), 3, "statement");
    refused(
        changed(&sandbox, &demo, |attestation| {
            let first = statements(attestation)[0].clone();
            statements(attestation).insert(0, first);
        }),
        3,
        "one more",
    );
    refused(changed(&sandbox, &demo, |attestation| statements(attestation).clear()), 3, "statement");
    let commitment = read_json(&demo.join("attestation.json"))["claim"]["statements"][0]["commitment"].clone();
    for (field, value) in [("sequence", json!(7)), ("as_of", json!(1_700_000_000)), ("commitment", commitment)] {
        // A party that changes a statement cannot sign the change.
        refused(changed(&sandbox, &demo, |attestation| statements(attestation)[1][field] = value), 3, "signature");
    }
}

#[test]
fn rejects_other_public_files() {
    let (sandbox, demo) = Sandbox::with_demo();
    let verify = || sandbox.surety("verify demo/attestation.json --allow-insecure-srs --json");
    let swap = |file: &str, from: &str, to: &str| {
        let path = demo.join(file);
        let before = fs::read_to_string(&path).unwrap();
        assert!(before.contains(from), "{file} contains {from}");
        fs::write(&path, before.replacen(from, to, 1)).unwrap();
        let run = verify();
        fs::write(&path, before).unwrap();
        run
    };
    refused(swap("policy.toml", "validity = 86_400", "validity = 86_401"), 5, "policy");
    refused(swap("policy.toml", "1_250_000", "1_200_000"), 5, "policy");
    refused(swap("universe.toml", "lot_decimals = 2", "lot_decimals = 3"), 5, "universe");
    let market = read_json(&demo.join("market.json"));
    let price = market["prices"][2]["price"].as_str().unwrap();
    refused(swap("market.json", &format!("\"{price}\""), "\"10000000000000\""), 5, "market");
    let time = market["time"].as_u64().unwrap();
    refused(swap("market.json", &format!("\"time\": {time}"), &format!("\"time\": {}", time - 1)), 5, "market");
    // Another report, with prices and time as they were, is another snapshot; with other signatures it is the same.
    let confidence = market["reports"][0]["observations"][0]["confidence"].as_str().unwrap();
    refused(swap("market.json", &format!("\"confidence\": \"{confidence}\""), "\"confidence\": \"1\""), 5, "market");
    let [first, second] = [0, 1].map(|index| market["reports"][index]["signature"].as_str().unwrap());
    refused(swap("market.json", first, second), 3, "signature");
    // Another version of the format is a mismatch; anything else that cannot be read is bad input.
    refused(swap("market.json", "\"version\": 1", "\"version\": 2"), 5, "version");
    refused(swap("policy.toml", "version = 1", "version = 2"), 5, "version");
    refused(swap("policy.toml", "quorum = 3", "quorums = 3"), 2, "quorums");
    verify().expect(0);
}

#[test]
fn rejects_what_contradicts_the_verifiers_anchors() {
    let (sandbox, demo) = Sandbox::with_demo();
    let verify =
        |line: &str| sandbox.surety(&format!("verify demo/attestation.json --allow-insecure-srs --json {line}"));
    refused(verify("--strict"), 5, "anchor");
    let accepted = verify("--trust demo/trust.toml --strict").data();
    assert_eq!(accepted["faith"], json!([]));
    let trust = fs::read_to_string(demo.join("trust.toml")).unwrap();
    let with = |from: &str, to: &str, names: &str| {
        assert!(trust.contains(from), "{from} in {trust}");
        sandbox.write("trust.toml", &trust.replacen(from, to, 1));
        refused(verify("--trust trust.toml"), 5, names);
    };
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    let field = |field: &str| claim[field].as_str().unwrap().to_owned();
    with("chain_id = 31337", "chain_id = 1", "chain");
    with(&field("policy"), &format!("0x{}", "11".repeat(32)), "policy");
    with(&field("srs"), &format!("0x{}", "11".repeat(32)), "set-up");
    with("0xc2dbe2f53ce4be9590fccb4907e9d882f4720eec", &format!("0x{}", "11".repeat(20)), "custodian-north");
    with("0x0e86a930090f39a4418d8ca6a9d671fbe738251c", &format!("0x{}", "11".repeat(20)), "oracle-1");
    let epoch = claim["epoch"].as_u64().unwrap();
    with(&format!("epoch = {epoch}"), &format!("epoch = {}", epoch + 1), "epoch");
    let sequence = claim["statements"][0]["sequence"].as_u64().unwrap();
    with(&format!("= {sequence}"), &format!("= {}", sequence + 1), "sequence");
    // Anchors that are left out are taken on faith.
    sandbox.write("trust.toml", "kind = \"surety/trust\"\nversion = 1\n");
    assert_eq!(verify("--trust trust.toml").data()["faith"].as_array().unwrap().len(), 8);
}

#[test]
fn rejects_what_has_lapsed_or_is_from_the_future() {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    let (until, as_of) = (claim["valid_until"].as_u64().unwrap(), claim["statements"][0]["as_of"].as_u64().unwrap());
    let at =
        |time: &str| sandbox.surety(&format!("verify demo/attestation.json --allow-insecure-srs --json --at {time}"));
    at(&until.to_string()).expect(0);
    refused(at(&(until + 1).to_string()), 3, "valid until");
    refused(at(&(as_of - 1).to_string()), 3, "time now");
    refused(at("2020-01-01T00:00:00Z"), 3, "time now");
    at("yesterday").expect(2).envelope();
}

#[test]
fn commitments_can_be_taken_from_a_file_where_there_is_no_set_up() {
    let (sandbox, demo) = Sandbox::with_demo();
    // A universe over the ceremony, which is not imported here: the files do not belong together, but that much is seen
    // only after the published commitments were found.
    let universe = surety_walkthrough::example::UNIVERSE.text;
    fs::write(demo.join("universe.toml"), universe).unwrap();
    refused(sandbox.surety("verify demo/attestation.json --json"), 5, "compiled policy");
    fs::remove_file(demo.join("policy.compiled.json")).unwrap();
    refused(sandbox.surety("verify demo/attestation.json --json"), 5, "import");
}
