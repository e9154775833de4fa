//! Sources that may state some instruments alone.

use std::fs;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, read_json, write_json};

const PROVE: &str = "prove demo --trust demo/trust.toml --json";
const VERIFY: &str = "verify --allow-insecure-srs --json";

/// The instruments that the first source of the example states something of.
fn stated() -> Vec<String> {
    let rows = surety_walkthrough::example::HOLDINGS[0].text.lines().skip(1);
    rows.map(|row| row.split(',').next().unwrap().to_owned()).collect()
}

/// Gives the first source of the example's policy a scope.
fn give_scope(sandbox: &Sandbox, instruments: &[String]) {
    let policy = fs::read_to_string(sandbox.path("demo/policy.toml")).unwrap();
    let source = "name = \"custodian-north\"";
    assert_eq!(policy.matches(source).count(), 1);
    let scoped = policy.replace(source, &format!("{source}\nscope = {}", json!(instruments)));
    sandbox.write("demo/policy.toml", &scoped);
    fs::remove_file(sandbox.path("demo/policy.compiled.json")).unwrap();
}

fn rejection(error: &Value) -> String {
    error["error"]["code"].as_str().unwrap().to_owned()
}

#[test]
fn rejects_an_attestation_without_its_proof_of_scopes() {
    let (sandbox, demo) = Sandbox::with_demo();
    let before = read_json(&demo.join("attestation.json"));
    assert!(before.get("scopes").is_none(), "a policy without scopes needs no proof");
    give_scope(&sandbox, &stated());
    sandbox.surety(&format!("{PROVE} --out demo/scoped.json")).expect(0);
    sandbox.surety(&format!("{VERIFY} demo/scoped.json")).expect(0);
    let attestation = read_json(&demo.join("scoped.json"));
    let reject = |change: &dyn Fn(&mut Value)| {
        let mut changed = attestation.clone();
        change(&mut changed);
        write_json(&demo.join("changed.json"), &changed);
        let run = sandbox.surety(&format!("{VERIFY} demo/changed.json")).expect(3);
        assert_eq!(rejection(&run.envelope()), "scope", "{}", run.stderr);
    };
    reject(&|changed| _ = changed.as_object_mut().unwrap().remove("scopes"));
    reject(&|changed| changed["scopes"]["values"][0] = json!(format!("0x{}", "00".repeat(32))));
    reject(&|changed| changed["scopes"]["opening"] = changed["scopes"]["quotients"][0].clone());
    reject(&|changed| changed["scopes"]["quotients"] = json!([]));
    // The proof of the margin is another matter.
    let mut changed = attestation.clone();
    changed["proof"] = before["proof"].clone();
    write_json(&demo.join("changed.json"), &changed);
    let run = sandbox.surety(&format!("{VERIFY} demo/changed.json")).expect(3);
    assert_eq!(rejection(&run.envelope()), "proof");
    // An auditor who checks all equations as one is told the same.
    let mut changed = attestation;
    changed["scopes"]["opening"] = changed["scopes"]["quotients"][0].clone();
    write_json(&demo.join("scoped.json"), &changed);
    for name in ["changed.json", "attestation.json", "attestation-initial.json"] {
        fs::remove_file(demo.join(name)).unwrap();
    }
    let run = sandbox.surety("audit demo --allow-insecure-srs --json");
    assert!(run.says("stated nothing outside of their scopes"), "{}", run.stdout);
}

#[test]
fn rejects_statements_outside_of_a_scope() {
    let (sandbox, _) = Sandbox::with_demo();
    let mut scope = stated();
    let missing = scope.pop().unwrap();
    give_scope(&sandbox, &scope);
    let run = sandbox.surety(&format!("{PROVE} --out scoped.json")).expect(2);
    assert_eq!(rejection(&run.envelope()), "scope");
    assert!(run.says("custodian-north") && !run.says(&missing), "errors say nothing of holdings: {}", run.stdout);
    assert!(!sandbox.path("scoped.json").exists());
}

#[test]
fn rejects_a_scope_of_unknown_or_repeated_instruments() {
    for (scope, path) in [(["nothing", "USDC"], "sources[0].scope[0]"), (["USDC", "USDC"], "sources[0].scope[1]")] {
        let (sandbox, _) = Sandbox::with_demo();
        give_scope(&sandbox, &scope.map(str::to_owned));
        let run = sandbox.surety(&format!("{PROVE} --out scoped.json")).expect(2);
        assert!(run.says(path), "{}", run.stdout);
    }
}
