//! The circuit breaker from the first report to the attestation.

use std::fs;

use serde_json::json;

use crate::{
    commands::{attest, example},
    sandbox::{Sandbox, read_json},
};

/// Signs what the three nodes observed at a time, after `change`, into `{out}-{node}.json`.
fn sign(sandbox: &Sandbox, at: u64, previous: &str, out: &str, change: impl Fn(String) -> String) {
    for node in 1..=3 {
        let observed = fs::read_to_string(sandbox.path(&format!("here/market/node-{node}.csv"))).unwrap();
        sandbox.write("observed.csv", &change(observed));
        let key = sandbox.demo_key(&format!("oracle-{node}"));
        let files = format!("--observations observed.csv --key {key} --out {out}-{node}.json");
        sandbox.surety(&format!("market sign here {files} --at {at} {previous}")).expect(0);
    }
}

fn reports(out: &str) -> String {
    (1..=3).map(|node| format!(" --report {out}-{node}.json")).collect()
}

#[test]
fn a_jump_stops_proofs_where_the_policy_says_so() {
    let (sandbox, now) = example();
    fs::copy(sandbox.path("here/policy-cross.toml"), sandbox.path("here/policy.toml")).unwrap();

    // With a circuit breaker, a node says what it compared with.
    let key = sandbox.demo_key("oracle-1");
    let line = format!("market sign here --observations here/market/node-1.csv --key {key} --out x.json");
    assert!(sandbox.surety(&line).expect(2).says("--previous"));
    sandbox.surety(&format!("{line} --first --previous before.json")).expect(2);

    sign(&sandbox, now - 300, "--first", "before", |observed| observed);
    sandbox.surety(&format!("market aggregate here --out before.json {}", reports("before"))).expect(0);
    let stale = format!("{line} --previous before.json --at {}", now - 300);
    assert!(sandbox.surety(&stale).expect(2).says("epoch"));
    let forged = fs::read_to_string(sandbox.path("before.json")).unwrap().replacen(
        "\"confidence\": \"",
        "\"confidence\": \"1",
        1,
    );
    sandbox.write("forged.json", &forged);
    sandbox.surety(&format!("{line} --previous forged.json --at {now}")).expect(2);

    // Two percent, where the policy allows one: the node is told, and signs.
    let observed = fs::read_to_string(sandbox.path("here/market/node-1.csv")).unwrap();
    sandbox.write("jump.csv", &observed.replace("USDT-USD,100", "USDT-USD,102"));
    let jump = format!("market sign here --observations jump.csv --key {key} --at {now} --previous before.json");
    let run = sandbox.surety(&format!("{jump} --out jump.json")).expect(0);
    assert!(run.stderr.contains("warning: USDT-USD: 1020"), "{}", run.stderr);
    assert!(!run.stderr.contains("USDC-USD"), "{}", run.stderr);
    let moved = sandbox.surety(&format!("{jump} --out jump-2.json --json")).data()["moved"].clone();
    assert_eq!(
        (&moved[0]["entry"], &moved[0]["max_deviation"], moved.as_array().unwrap().len()),
        (&json!("USDT-USD"), &json!(10_000), 1)
    );

    sign(&sandbox, now, "--previous before.json", "now", |observed| observed.replace("USDT-USD,100", "USDT-USD,102"));
    let aggregate = format!("market aggregate here {}", reports("now"));
    assert!(sandbox.surety(&aggregate).expect(2).says("previous"));
    let data = sandbox.surety(&format!("{aggregate} --previous before.json --json")).data();
    assert_eq!(data["marked"], json!(["USDT-USD"]));
    assert_eq!(sandbox.surety("info here/market.json --json").data()["marked"], json!(["USDT-USD"]));

    attest(&sandbox, now);
    assert!(sandbox.surety("explain here").expect(0).says("no proof"));
    let error = sandbox.surety("prove here --unpublished-snapshot --json").expect(2).envelope()["error"].clone();
    assert_eq!((&error["code"], &error["problems"][0]["found"]), (&json!("breaker"), &json!("USDT-USD")));

    // The same reports serve a policy that accepts proofs all the same.
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    fs::write(sandbox.path("here/policy.toml"), policy.replace("\"refused\"", "\"accepted\"")).unwrap();
    sandbox.surety("prove here --unpublished-snapshot").expect(0);
    let verify = "verify here/attestation.json --allow-insecure-srs";
    assert!(sandbox.surety(verify).expect(0).says("marked"));
    assert_eq!(sandbox.surety(&format!("{verify} --json")).data()["marked"], json!(["USDT-USD"]));

    // Nobody takes the mark off afterwards.
    let mut market = read_json(&sandbox.path("here/market.json"));
    market.as_object_mut().unwrap().remove("marked");
    sandbox.write("here/market.json", &market.to_string());
    sandbox.surety(verify).expect(5);
}

#[test]
fn nodes_need_not_follow_every_entry() {
    let (sandbox, now) = example();
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let with_rules = policy.replacen("name = \"USDT-USD\"", "name = \"USDT-USD\"\nquorum = 2\nmax_age = 1_000", 1);
    fs::write(sandbox.path("here/policy.toml"), with_rules).unwrap();
    let aged = |observed: String| {
        let aged = observed.lines().skip(1).map(|line| format!("{line},0\n")).collect::<String>();
        let aged = aged.replace("USDT-USD,100046400,46200,0", "USDT-USD,,,");
        format!(
            "entry,price,confidence,age\n{}",
            aged.replace("USDT-USD,100003100,25600,0", "USDT-USD,100003100,25600,950")
        )
    };
    sign(&sandbox, now, "", "now", aged);
    let data = sandbox.surety(&format!("market aggregate here {} --json", reports("now"))).data();
    assert_eq!(data["prices"][1], json!({ "entry": "USDT-USD", "price": "100003550" }));
    fs::write(sandbox.path("here/policy.toml"), policy).unwrap();
    let run = sandbox.surety(&format!("market aggregate here {} --out y.json", reports("now"))).expect(2);
    assert!(run.says("at least 3 observations of USDT-USD"));
}

/// A node must not sign prices outside of the policy's box, wide confidences, old observations, or future times.
#[test]
fn rejects_observations_that_break_the_rules_before_signing() {
    let (sandbox, now) = example();
    let observed = fs::read_to_string(sandbox.path("here/market/node-1.csv")).unwrap();
    let key = sandbox.demo_key("oracle-1");
    let line = format!("market sign here --observations changed.csv --key {key} --out x.json");
    let changed = |changes: &[(&str, &str)]| {
        let text = changes.iter().fold(observed.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        sandbox.write("changed.csv", &text);
    };
    let refused = |messages: &[&str]| {
        let run = sandbox.surety(&line).expect(2);
        for message in messages {
            assert!(run.says(message), "{message}: {}", run.stderr);
        }
        assert!(!sandbox.path("x.json").exists(), "nothing was signed");
    };
    changed(&[("USDC-USD,99957100", "USDC-USD,0"), ("USDT-USD,100046400,46200", "USDT-USD,100046400,4620000000")]);
    // All mistakes at once.
    refused(&[
        "USDC-USD.price: expected a price of USDC-USD from 50000000 to 200000000, found 0",
        "USDC-USD.confidence: expected at most 0.2 % of the price 0",
        "USDT-USD.confidence: expected at most 0.2 % of the price 100046400, found 4620000000",
        "nothing was signed",
    ]);
    changed(&[("BTC-USD,10427780000000", "BTC-USD,104277800000000000000000")]);
    refused(&["BTC-USD.price: expected a price of BTC-USD from 500000000000 to 100000000000000, found \
         104277800000000000000000"]);
    changed(&[]);
    let ahead = sandbox.surety(&format!("{line} --at {}", now + 3_600)).expect(2);
    assert!(
        ahead.says("observed_at: expected at most") && ahead.says("30 seconds ahead of the clock"),
        "{}",
        ahead.stderr
    );
    let old = sandbox.surety(&format!("{line} --at {} --force", now - 3_600)).expect(0);
    let told = "warning: observed_at: expected at least";
    assert!(old.stderr.contains(told) && old.says("900 seconds (oracle.max_age) before the clock"), "{}", old.stderr);
    let run = sandbox.surety(&format!("{line} --at {now} --force")).expect(0);
    assert!(!run.stderr.contains(told), "{}", run.stderr);

    // A policy at whose prices any account is safe: no node signs for it, and nobody aggregates.
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    fs::write(sandbox.path("here/policy.toml"), policy.replacen("min = \"50000000\"", "min = \"0\"", 1)).unwrap();
    for line in [line.as_str(), "market aggregate here --report x.json", "policy compile here"] {
        let run = sandbox.surety(line).expect(2);
        assert!(run.says("market[0].min: expected more than 0"), "{line}: {}", run.stderr);
    }
}
