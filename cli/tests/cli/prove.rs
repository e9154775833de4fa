//! Proving: who is refused, with which exit code, and what is written then.

use std::{fs, path::Path};

use serde_json::json;

use crate::sandbox::{Run, Sandbox, files_below, read_json, write_json};

/// Custodian north states something else.
fn restate(sandbox: &Sandbox, demo: &Path, holdings: &str, later: u64) -> Run {
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    let now = claim["statements"][0]["as_of"].as_u64().unwrap();
    sandbox.write("holdings.csv", holdings);
    let key = sandbox.demo_key("custodian-north");
    sandbox.surety(&format!(
        "source attest --universe demo/universe.toml --holdings holdings.csv --account treasury --subject {} \
         --chain-id 31337 --registry {} --as-of {now} --sequence {} --key {key} --out demo --json",
        claim["subject"].as_str().unwrap(),
        claim["audience"]["registry"].as_str().unwrap(),
        now + later,
    ))
}

#[test]
fn rejects_an_insufficient_account_and_tells_nobody_but_the_holder() {
    let (sandbox, demo) = Sandbox::with_demo();
    restate(&sandbox, &demo, "instrument,lots\nUSDC,1234567\n", 1).expect(0);
    // What follows from the set-up alone may be cached.
    let written = || {
        let mut files = files_below(&sandbox.path(""));
        files.retain(|file| !file.starts_with(sandbox.path("cache")));
        files
    };
    let before = written();
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out poor.json --json").expect(4);
    let error = run.envelope()["error"].clone();
    assert_eq!((&error["class"], &error["code"]), (&json!("insufficient"), &json!("insufficient")));
    assert!(error["message"].as_str().unwrap().contains("maintenance margin"), "{error}");
    assert!(!run.says("1234567"));
    assert_eq!(written(), before, "nothing is written");
    assert_eq!(sandbox.surety("explain demo --json").expect(4).told()["levels"]["maintenance"]["sufficient"], false);
    // A liability that the policy does not admit counts, too.
    restate(&sandbox, &demo, "instrument,lots\nUSDC,4200000000000\nwstETH,-1\n", 2).expect(0);
    sandbox.surety("prove demo --trust demo/trust.toml --out poor.json").expect(4);
    // With balances as they were, the same account is sufficient.
    let holdings = surety_walkthrough::example::HOLDINGS[0].text;
    restate(&sandbox, &demo, holdings, 3).expect(0);
    sandbox.surety("prove demo --trust demo/trust.toml --out rich.json").expect(0);
    fs::copy(sandbox.path("rich.json"), demo.join("rich.json")).unwrap();
    sandbox.surety("verify demo/rich.json --allow-insecure-srs").expect(0);
}

/// Machines that know nothing of each other prove from one statement as often as they like: nothing is counted, and
/// nothing is left behind but the attestations.
#[test]
fn a_second_machine_proves_from_the_same_statement() {
    let (sandbox, _) = Sandbox::with_demo();
    sandbox.surety("prove demo --trust demo/trust.toml --out one.json").expect(0);
    fs::remove_dir_all(sandbox.path("state")).unwrap();
    sandbox.surety("prove demo --trust demo/trust.toml --out two.json").expect(0);
    let [one, two] = ["one.json", "two.json"].map(|name| read_json(&sandbox.path(name)));
    assert_eq!(one["claim"], two["claim"]);
    assert_ne!(one["proof"], two["proof"], "each proof is blinded anew");
}

/// Proofs of either prover are proofs.
#[test]
fn halo2_proves_the_same() {
    let (sandbox, demo) = Sandbox::with_demo();
    sandbox.surety("prove demo --trust demo/trust.toml --prover halo2 --out demo/halo2.json").expect(0);
    sandbox.surety("verify demo/halo2.json --allow-insecure-srs").expect(0);
    let [own, halo2] = ["attestation.json", "halo2.json"].map(|name| read_json(&demo.join(name)));
    assert_eq!(own["claim"], halo2["claim"]);
}

/// Processors without the instructions for eight rows at a time make attestations, too.
#[test]
fn an_attestation_made_with_one_row_at_a_time_verifies() {
    let (sandbox, demo) = Sandbox::with_demo();
    let prove = "prove demo --trust demo/trust.toml --out demo/one.json";
    sandbox.run_with(&[("SURETY_SIMD", "off")], prove.split_whitespace()).expect(0);
    sandbox.surety("verify demo/one.json --allow-insecure-srs").expect(0);
    let [widest, one] = ["attestation.json", "one.json"].map(|name| read_json(&demo.join(name)));
    assert_eq!(widest["claim"], one["claim"]);
}

#[test]
fn rejects_openings_that_are_missing_or_anothers() {
    let (sandbox, demo) = Sandbox::with_demo();
    let opening = files_below(&demo.join("private")).remove(0);
    let content = read_json(&opening);
    let mut changed = content.clone();
    let lots = changed["holdings"]["balances"][0]["lots"].as_str().unwrap().to_owned();
    changed["holdings"]["balances"][0]["lots"] = json!(format!("{lots}0"));
    write_json(&opening, &changed);
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out other.json").expect(5);
    assert!(run.stderr.contains("opening") && !run.says(&lots), "{}", run.stderr);
    changed["holdings"]["balances"][0]["lots"] = json!(format!("{lots}x"));
    write_json(&opening, &changed);
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out other.json").expect(2);
    assert!(!run.says(&lots), "an error repeats no amount: {}", run.stderr);
    fs::remove_file(&opening).unwrap();
    let run = sandbox.surety("prove demo --trust demo/trust.toml --out other.json").expect(2);
    assert!(run.stderr.contains("opening"), "{}", run.stderr);
    write_json(&opening, &content);
    sandbox.surety("prove demo --trust demo/trust.toml --out other.json").expect(0);
}

#[test]
fn rejects_claims_that_no_verifier_would_accept() {
    let (sandbox, demo) = Sandbox::with_demo();
    let until = read_json(&demo.join("attestation.json"))["claim"]["valid_until"].as_u64().unwrap();
    sandbox.surety("prove demo --trust demo/trust.toml --out other.json --level liquidation").expect(2);
    sandbox
        .surety(&format!("prove demo --trust demo/trust.toml --out other.json --valid-until {}", until + 1))
        .expect(2);
    sandbox.surety("prove demo --trust demo/trust.toml").expect(2);
    sandbox.surety("prove demo --trust demo/trust.toml --out no/such/directory.json").expect(2);
    sandbox.surety("prove nowhere --out other.json").expect(2);
    fs::remove_dir_all(demo.join("statements")).unwrap();
    sandbox.surety("prove demo --trust demo/trust.toml --out other.json").expect(2);
    assert!(!sandbox.path("other.json").exists());
    for record in files_below(&sandbox.path("state/proofs")).iter().filter(|file| file.extension().is_some()) {
        assert_eq!(read_json(record)["proofs"], 2, "a refusal counts nothing");
    }
}

#[test]
fn a_dry_run_looks_at_no_account() {
    let (sandbox, demo) = Sandbox::with_demo();
    let data = sandbox.surety("prove demo --trust demo/trust.toml --dry-run --json").data();
    assert_eq!(data["k"], 10);
    for key in ["rows", "variables"] {
        let (used, available) = (data[key]["used"].as_u64().unwrap(), data[key]["available"].as_u64().unwrap());
        assert!(0 < used && used <= available, "{data}");
    }
    assert!(data["memory_bytes"].as_u64().unwrap() > 0 && data["milliseconds"].as_u64().unwrap() > 0);
    let comparable = |mut data: serde_json::Value| {
        data["memory_available_bytes"] = json!(null);
        data
    };
    for directory in ["private", "statements"] {
        fs::remove_dir_all(demo.join(directory)).unwrap();
    }
    fs::remove_file(demo.join("market.json")).unwrap();
    assert_eq!(
        comparable(sandbox.surety("prove demo --trust demo/trust.toml --dry-run --json").data()),
        comparable(data)
    );
}
