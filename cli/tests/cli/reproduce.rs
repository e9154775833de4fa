//! Reproduction: what is claimed follows from public inputs, and every claim that does not is named.

use std::{collections::BTreeMap, fs, path::Path};

use alloy_primitives::keccak256;
use serde_json::{Value, json};

use crate::{
    commands::example,
    sandbox::{Run, Sandbox, read_json, write_json},
};

fn contracts(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts").join(path)).unwrap()
}

/// Forge's build of the contract for the demonstration's key.
fn build(sandbox: &Sandbox) -> Value {
    let code: BTreeMap<String, String> = serde_json::from_str(&contracts("test/fixtures/bytecode.json")).unwrap();
    let code = &code["VerifierK10"];
    let source = keccak256(contracts("test/verifiers/DevelopmentVerifierK10.sol")).to_string();
    let artifact = json!({
        "abi": [],
        "bytecode": { "object": format!("0x6001{}", &code[2..]) },
        "deployedBytecode": { "object": code },
        "metadata": { "sources": { "DevelopmentVerifierK10.sol": { "keccak256": source } } },
    });
    fs::create_dir_all(sandbox.path("build/DevelopmentVerifierK10.sol")).unwrap();
    write_json(&sandbox.path("build/DevelopmentVerifierK10.sol/SuretyVerifierK10.json"), &artifact);
    artifact
}

/// The outcome of each thing, by name.
fn verdicts(run: &Run) -> BTreeMap<String, String> {
    let data = run.envelope()["data"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    data["things"].as_array().unwrap().iter().map(|thing| (text(&thing["name"]), text(&thing["verdict"]))).collect()
}

/// The run is refused because of these things and no others, and says what was expected and found.
#[track_caller]
fn differs(run: Run, names: &[&str]) {
    let run = run.expect(5);
    let found: Vec<_> =
        verdicts(&run).into_iter().filter(|(_, verdict)| verdict == "differs").map(|(name, _)| name).collect();
    assert_eq!(found, names);
    let error = run.envelope()["error"].clone();
    assert_eq!((&error["code"], &error["class"]), (&json!("reproduce"), &json!("mismatch")));
    let problems = error["problems"].as_array().unwrap();
    for name in names {
        let problem = problems.iter().find(|problem| problem["path"] == **name).unwrap();
        for key in ["input", "expected", "found"] {
            assert!(!problem[key].as_str().unwrap().is_empty(), "{key}: {problem}");
        }
        assert_ne!(problem["expected"], problem["found"]);
    }
}

/// Reproduces with a changed copy of a file of the demonstration.
fn changed(sandbox: &Sandbox, file: &str, option: &str, change: impl FnOnce(&mut Value)) -> Run {
    let mut content = read_json(&sandbox.path("demo").join(file));
    let before = content.clone();
    change(&mut content);
    assert_ne!(content, before, "the change changes something");
    write_json(&sandbox.path("changed.json"), &content);
    sandbox.surety(&format!("reproduce demo {option} changed.json --json"))
}

const OTHER: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";

#[test]
fn what_the_demonstration_claims_follows_from_public_inputs() {
    let (sandbox, demo) = Sandbox::with_demo();
    build(&sandbox);
    let claims = "--attestation demo/attestation.json --attestation demo/attestation-initial.json \
                  --compiled demo/policy.compiled.json --artifacts build";
    let run = sandbox.surety(&format!("reproduce demo {claims} --json")).expect(0);
    let verdicts = verdicts(&run);
    let agreeing = [
        "set-up",
        "universe",
        "policy",
        "policy's text",
        "verifying key",
        "capacity class",
        "level",
        "levels",
        "market snapshot",
        "market: epoch",
        "context of demo/attestation.json",
        "context of demo/attestation-initial.json",
        "level maintenance: IDX",
        "level initial: FLAG",
        "level maintenance-1.5x: B_0",
        "level maintenance: B_11",
        "contract: source",
    ];
    for name in agreeing {
        assert_eq!(verdicts[name], "agrees", "{name}");
    }
    for name in ["level maintenance: COEF", "contract: runtime code", "contract: creation code"] {
        assert_eq!(verdicts[name], "not-compared", "{name}");
    }
    let data = run.data();
    assert_eq!((&data["differ"], &data["insecure"]), (&json!(0), &json!(true)));
    let things = data["things"].as_array().unwrap();
    let thing = |name: &str| things.iter().find(|thing| thing["name"] == name).unwrap();
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    for (name, field) in [("policy", "policy"), ("set-up", "srs"), ("verifying key", "verifying_key")] {
        assert_eq!(thing(name)["expected"], claim[field], "{name}");
    }
    assert_eq!(thing("contract: runtime code")["basis"], "build");
    let limits = data["not_established"].as_array().unwrap();
    assert!(limits.iter().any(|limit| limit.as_str().unwrap().contains("not compiled with --solc")), "{limits:?}");

    let shown = sandbox.surety(&format!("reproduce demo {claims}")).expect(0);
    for part in
        ["agrees", "not compared", "0 differ", "not established", "not compiled here", env!("CARGO_PKG_VERSION")]
    {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
    assert!(shown.stderr.contains("INSECURE"), "{}", shown.stderr);
}

#[test]
fn rejects_each_altered_claim_of_an_attestation() {
    let (sandbox, _) = Sandbox::with_demo();
    let claim = |field: &'static str, value: Value| {
        changed(&sandbox, "attestation.json", "--attestation", |content| content["claim"][field] = value)
    };
    for (field, name) in [
        ("srs", "set-up"),
        ("universe", "universe"),
        ("policy", "policy"),
        ("verifying_key", "verifying key"),
        ("snapshot", "market snapshot"),
    ] {
        differs(claim(field, json!(OTHER)), &[name]);
    }
    let context = "context of changed.json";
    differs(claim("epoch", json!(7)), &["market: epoch"]);
    differs(claim("level", json!("initial")), &[context]);
    differs(claim("level", json!("no-such-level")), &[context, "level"]);
    differs(claim("verifier", json!("0x1111111111111111111111111111111111111111")), &[context]);
    differs(claim("valid_until", json!(1)), &[context]);
    let run = changed(&sandbox, "attestation.json", "--attestation", |content| content["context"] = json!(OTHER));
    differs(run, &[context]);
}

#[test]
fn rejects_each_altered_commitment() {
    let (sandbox, _) = Sandbox::with_demo();
    let file = |change: fn(&mut Value)| changed(&sandbox, "policy.compiled.json", "--compiled", change);
    differs(file(|content| content["policy"] = json!(OTHER)), &["policy"]);
    differs(file(|content| content["document"] = json!(OTHER)), &["policy's text"]);
    differs(file(|content| content["srs"] = json!(OTHER)), &["set-up"]);
    differs(
        file(|content| content["levels"][0]["idx"] = content["levels"][0]["flag"].clone()),
        &["level maintenance: IDX"],
    );
    differs(
        file(|content| content["levels"][1]["base"] = content["levels"][0]["flag"].clone()),
        &["level initial: B_0"],
    );
    differs(
        file(|content| content["levels"][0]["market"][2] = content["levels"][0]["flag"].clone()),
        &["level maintenance: B_3"],
    );
    differs(file(|content| drop(content["levels"].as_array_mut().unwrap().pop())), &["levels"]);
}

#[test]
fn rejects_what_was_made_of_another_policy_universe_or_market() {
    let (sandbox, demo) = Sandbox::with_demo();
    let reproduce =
        |options: &str| sandbox.surety(&format!("reproduce demo --attestation demo/attestation.json {options} --json"));
    let context = "context of demo/attestation.json";
    let policy = fs::read_to_string(demo.join("policy.toml")).unwrap();
    sandbox.write("policy.toml", &policy.replacen("validity = 86_400", "validity = 86_401", 1));
    differs(reproduce("--policy policy.toml"), &[context, "policy"]);
    let universe = fs::read_to_string(demo.join("universe.toml")).unwrap();
    sandbox.write("universe.toml", &universe.replacen("lot_decimals = 2", "lot_decimals = 3", 1));
    differs(reproduce("--universe universe.toml"), &[context, "policy", "universe"]);
    // A good snapshot of another time.
    std::thread::sleep(std::time::Duration::from_secs(1));
    sandbox.surety("demo --out later").expect(0);
    let run = reproduce("--market later/market.json").expect(5);
    assert_eq!(verdicts(&run)["market snapshot"], "differs");
    // One whose prices do not follow from its reports.
    let mut market = read_json(&demo.join("market.json"));
    market["prices"][2]["price"] = json!("10000000000000");
    write_json(&sandbox.path("market.json"), &market);
    let run = reproduce("--market market.json").expect(3);
    assert!(run.envelope()["error"]["message"].as_str().unwrap().contains("median"), "{}", run.stdout);
}

#[test]
fn rejects_a_build_of_another_source() {
    let (sandbox, _) = Sandbox::with_demo();
    let mut artifact = build(&sandbox);
    let path = sandbox.path("build/DevelopmentVerifierK10.sol/SuretyVerifierK10.json");
    artifact["metadata"]["sources"]["DevelopmentVerifierK10.sol"]["keccak256"] = json!(OTHER);
    write_json(&path, &artifact);
    differs(sandbox.surety("reproduce demo --artifacts build --json"), &["contract: source"]);
    artifact["metadata"] = json!({});
    write_json(&path, &artifact);
    differs(sandbox.surety("reproduce demo --artifacts build --json"), &["contract: source"]);
    artifact["deployedBytecode"]["immutableReferences"] = json!({ "7": [{ "start": 0, "length": 32 }] });
    write_json(&path, &artifact);
    let run = sandbox.surety("reproduce demo --artifacts build --json").expect(5);
    assert!(run.envelope()["error"]["message"].as_str().unwrap().contains("immutable"), "{}", run.stdout);
    sandbox.surety("reproduce demo --artifacts nowhere --json").expect(2);
}

/// With the compiler of the contracts, if it is installed, code is made anew.
#[test]
fn rejects_a_build_whose_code_the_compiler_does_not_make() {
    let (sandbox, _) = Sandbox::with_demo();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
    if !directory.join("node_modules/solc").exists() {
        println!("skipped: the compiler is absent; contracts/check installs it");
        return;
    }
    build(&sandbox);
    let line = format!("reproduce demo --artifacts build --solc {} --json", directory.join("scripts/solc").display());
    let run = sandbox.surety(&line);
    // The build of this test has another beginning.
    assert_eq!(verdicts(&run)["contract: runtime code"], "agrees");
    assert!(!run.says("not compiled with --solc"), "{}", run.stdout);
    differs(run, &["contract: creation code"]);
}

#[test]
fn rejects_bad_usage() {
    let (sandbox, _) = Sandbox::with_demo();
    let run = sandbox.surety("reproduce demo --json").expect(2);
    assert!(run.says("expected a claim to compare with"), "{}", run.stdout);
    assert!(
        !run.envelope()["data"]["things"].as_array().unwrap().is_empty(),
        "what was recomputed is told all the same"
    );
    let address = "0x1111111111111111111111111111111111111111";
    for line in [
        "--rpc http://127.0.0.1:9".to_owned(),
        format!("--verifier {address}"),
        "--deployment deployment.json".to_owned(),
        format!("--rpc http://127.0.0.1:9 --verifier {address} --deployment deployment.json"),
        format!("--rpc http://127.0.0.1:9 --verifier {address}"),
        "--attestation demo/policy.toml".to_owned(),
        "--compiled demo/attestation.json".to_owned(),
        "--market nowhere.json".to_owned(),
        "--solc nowhere".to_owned(),
    ] {
        sandbox.surety(&format!("reproduce demo {line} --json")).expect(2).envelope();
    }
    let run = sandbox.surety("reproduce demo --solc /bin/true --json").expect(5);
    assert!(run.says("expected the compiler of Solidity"), "{}", run.stdout);
}

/// Commitments of others are no substitute for the set-up here.
#[test]
fn rejects_to_reproduce_without_the_set_up() {
    let (sandbox, _) = example();
    let universe = fs::read_to_string(sandbox.path("here/universe.toml")).unwrap();
    let development = "0xa6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b";
    sandbox.write("here/universe.toml", &universe.replace(development, OTHER));
    let run = sandbox.surety("reproduce here --json").expect(5);
    assert!(run.says("surety srs import"), "{}", run.stdout);
}
