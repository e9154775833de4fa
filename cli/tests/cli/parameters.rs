//! Parameters that are market entries: two days under one policy, the command that makes their numbers, and proposals
//! of new versions.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    calibrate::history,
    sandbox::{Run, Sandbox, read_json, write_json},
};

const DEVELOPMENT: &str = "0xa6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b";

/// The example in some directories, over the development set-up, and the time in seconds.
fn example(directories: &[&str]) -> (Sandbox, u64) {
    let sandbox = Sandbox::new();
    for directory in directories {
        fs::create_dir(sandbox.path(directory)).unwrap();
        for name in ["universe.toml", "policy.toml", "calibration.toml", "monday.csv", "tuesday.csv", "holdings.csv"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/parameters").join(name);
            let text = fs::read_to_string(path).unwrap();
            let text = match text.split_once("srs = \"") {
                Some((before, after)) => format!("{before}srs = \"{DEVELOPMENT}{}", &after[66..]),
                None => text.replace("max_gap = 3", "max_gap = 7"),
            };
            sandbox.write(&format!("{directory}/{name}"), &text);
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    (sandbox, now)
}

/// Makes the snapshot of a day, which is two epochs before the next one.
fn snapshot(sandbox: &Sandbox, day: &str, at: u64, previous: &str) {
    let mut reports = String::new();
    for node in 1..=3 {
        let key = sandbox.demo_key(&format!("oracle-{node}"));
        let files = format!("--observations here/{day}.csv --key {key} --out {day}-{node}.json");
        sandbox.surety(&format!("market sign here {files} --at {at} {previous}")).expect(0);
        reports += &format!(" --report {day}-{node}.json");
    }
    let previous = if previous == "--first" { "" } else { previous };
    sandbox.surety(&format!("market aggregate here {reports} --out {day}.json {previous}")).expect(0);
}

fn state(sandbox: &Sandbox, directory: &str, now: u64) {
    let key = sandbox.demo_key("custodian-north");
    sandbox
        .surety(&format!(
            "source attest --universe {directory}/universe.toml --holdings {directory}/holdings.csv --account treasury \
             --subject 0x{} --chain-id 1 --registry 0x{} --as-of {now} --key {key} --out {directory}",
            "12".repeat(20),
            "34".repeat(20),
        ))
        .expect(0);
}

/// The looser day passes an account that the tighter day fails, under one identifier.
#[test]
fn one_policy_follows_the_market_for_two_days_without_a_new_identifier() {
    let (sandbox, now) = example(&["here", "more"]);
    // With 10,000 more, the account suffices on both days.
    let holdings = fs::read_to_string(sandbox.path("more/holdings.csv")).unwrap();
    sandbox.write("more/holdings.csv", &holdings.replace("USD,-11900000,", "USD,-10900000,"));
    snapshot(&sandbox, "monday", now - 600, "--first");
    snapshot(&sandbox, "tuesday", now, "--previous monday.json");
    for directory in ["here", "more"] {
        state(&sandbox, directory, now);
    }
    let id = sandbox.surety("policy compile here --json").data()["id"].clone();
    assert_eq!(sandbox.surety("policy compile more --json").data()["id"], id);
    let prove = |directory: &str, day: &str| {
        let files = format!("--market {day}.json --out {directory}-{day}.json");
        sandbox.surety(&format!("prove {directory} {files} --unpublished-snapshot --level maintenance --json"))
    };
    for (directory, day, code) in
        [("here", "monday", 0), ("here", "tuesday", 4), ("more", "monday", 0), ("more", "tuesday", 0)]
    {
        prove(directory, day).expect(code);
        let made = sandbox.path(&format!("{directory}-{day}.json"));
        assert_eq!(made.exists(), code == 0);
        if code == 0 {
            assert_eq!(read_json(&made)["claim"]["policy"], id);
            let files = format!("{directory}-{day}.json --policy {directory}/policy.toml --market {day}.json");
            let files = format!("{files} --universe {directory}/universe.toml");
            sandbox.surety(&format!("verify {files} --allow-insecure-srs")).expect(0);
        }
    }
    // Attack: a weight above the approved one, on which no node agreed.
    let mut forged = read_json(&sandbox.path("monday.json"));
    forged["prices"][3]["price"] = json!("900000");
    write_json(&sandbox.path("forged.json"), &forged);
    let run = prove("more", "forged");
    assert!(run.code == 2 && run.says("expected the median of the reports, 830000, found 900000"), "{}", run.stdout);
    let inspected = sandbox.surety("policy inspect here --market monday.json").expect(0);
    assert!(inspected.says("BTC-PERP-REQUIRED for each unit, at every level"), "{}", inspected.stdout);
    assert!(inspected.says("tighter as it gets lower"), "{}", inspected.stdout);
}

const ENTRIES: &str = "policy entries here --history history.csv --calibration here/calibration.toml";

/// Noon of the day after the history's last one.
const NOON: &str = "--at 1648296000";

fn required(data: &Value) -> Vec<[i64; 2]> {
    let entries = data["entries"].as_array().unwrap().iter();
    entries.map(|entry| ["old", "new"].map(|key| entry[key].as_i64().unwrap())).collect()
}

#[test]
fn entries_follow_the_market_within_their_limits_and_are_signed() {
    let (sandbox, _) = example(&["here"]);
    sandbox.write("history.csv", &history());
    let data = sandbox.surety(&format!("{ENTRIES} --first {NOON} --out first.csv --json")).data();
    let names: Vec<_> = data["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].clone()).collect();
    assert_eq!(names, ["BTC-WEIGHT", "ETH-WEIGHT", "BTC-PERP-FRACTION"]);
    // The first step begins at what the policy approves.
    assert_eq!(required(&data).iter().map(|[old, _]| *old).collect::<Vec<_>>(), [150_000, 200_000, 60_000]);
    let first = fs::read_to_string(sandbox.path("first.csv")).unwrap();
    let rows: Vec<_> = first.lines().collect();
    assert_eq!(rows.len(), 4);
    assert!(rows[1].starts_with("BTC-WEIGHT,0.8") && rows[1].ends_with(",0.0,43200"), "{}", rows[1]);
    for (extra, emergency) in [("", false), ("--emergency", true)] {
        let line = format!("{ENTRIES} --previous first.csv {NOON} --out next.csv --force --json {extra}");
        for [old, new] in required(&sandbox.surety(&line).data()) {
            assert!(new * 1_000 >= old * if emergency { 1_000 } else { 975 }, "{old} {new}");
            assert!(emergency || new * 10 <= old * 11, "{old} {new}");
        }
    }
    // Nodes with the same history sign the same numbers, beside their prices.
    let prices = fs::read_to_string(sandbox.path("here/monday.csv")).unwrap();
    let prices: Vec<_> = prices.lines().take(4).collect();
    sandbox.write("here/day.csv", &[&prices[..], &rows[1..]].concat().join("\n"));
    snapshot(&sandbox, "day", 1_648_296_000, "--first");
    let told = read_json(&sandbox.path("day.json"))["prices"][3]["price"].as_str().unwrap().to_owned();
    assert!(rows[1].contains(&format!("0.{told}")), "{told}");
    // A snapshot says the same of the numbers before as the table that it was made of.
    let next = |previous: &str| {
        let line = format!("{ENTRIES} --previous {previous} {NOON} --out next.csv --force --json");
        sandbox.surety(&line).data()["entries"].clone()
    };
    assert_eq!(next("day.json"), next("first.csv"));
}

#[track_caller]
fn refused(run: &Run, text: &str) {
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(run.says(text), "{}", run.stderr);
}

#[test]
fn rejects_entries_that_no_node_could_sign() {
    let (sandbox, _) = example(&["here"]);
    sandbox.write("history.csv", &history());
    refused(&sandbox.surety(&format!("{ENTRIES} {NOON} --out x.csv")), "--previous");
    let late = sandbox.surety(&format!("{ENTRIES} --first --at 1648346401 --out x.csv"));
    refused(&late, "which is the max_age of BTC-WEIGHT");
    sandbox.write(
        "looser.csv",
        "entry,price,confidence\nBTC-WEIGHT,0.86,0.0\nETH-WEIGHT,0.7,0.0\nBTC-PERP-FRACTION,0.1,0.0\n",
    );
    let looser = sandbox.surety(&format!("{ENTRIES} --previous looser.csv {NOON} --out x.csv"));
    refused(&looser, "a number of BTC-WEIGHT from 400000 to 850000, found 860000");
    let calibration = fs::read_to_string(sandbox.path("here/calibration.toml")).unwrap();
    let changed = |from: &str, to: &str| {
        sandbox.write("here/calibration.toml", &calibration.replacen(from, to, 1));
        sandbox.surety(&format!("{ENTRIES} --first {NOON} --out x.csv"))
    };
    refused(
        &changed("entry = \"BTC-WEIGHT\"", "entry = \"BTC-USD\""),
        "a market entry to which the policy gives the key",
    );
    refused(&changed("entry = \"BTC-WEIGHT\"", "entry = \"ETH-WEIGHT\""), "each market entry once");
    refused(&changed("multiple = 1_500_000", "multiple = 0"), "entries[0].multiple");
    refused(&changed("column = \"BTC-USD\"", "column = \"SOL-USD\""), "entries[0].column");
    assert!(!sandbox.path("x.csv").exists());
}

/// A deployment on nobody's chain, chain rules, and a proposed policy.
fn proposable() -> Sandbox {
    let (sandbox, _) = example(&["here"]);
    let at = |byte: &str| format!("0x{}", byte.repeat(20));
    let deployment = json!({
        "kind": "surety/deployment", "version": 1, "chain_id": 1, "verifying_key": format!("0x{}", "10".repeat(32)),
        "verifier": at("11"), "policies": at("12"), "oracle": at("13"), "registry": at("14")
    });
    write_json(&sandbox.path("deployment.json"), &deployment);
    let rules = "kind = \"surety/chain-rules\"\nversion = 1\nline = \"a\"\npolicy_version = 2\ngrace = 60\n";
    sandbox.write("rules.toml", rules);
    sandbox.write("calibration.md", "# A report\n");
    let policy = fs::read_to_string(sandbox.path("here/policy.toml")).unwrap();
    let weight = "max = \"850000\"";
    sandbox.write("tighter.toml", &policy.replacen(weight, "max = \"800000\"", 1));
    sandbox.write("other.toml", &policy.replacen("initial = 30_000", "initial = 20_000", 1));
    sandbox
}

const PROPOSE: &str = "policy propose here --rules rules.toml --deployment deployment.json --report calibration.md";

#[test]
fn a_proposal_has_the_policy_the_report_and_the_calls() {
    let sandbox = proposable();
    let line = format!("{PROPOSE} --delay 24h");
    let data = sandbox.surety(&format!("{line} --proposed other.toml --out proposal --json")).data();
    assert_eq!(data["changes"][0]["parameter"], "model.positions[BTC-PERP].fraction.initial");
    assert_eq!(data["changes"][0]["direction"], "looser");
    assert_eq!((&data["fast_path"]["suffices"], &data["delay"]), (&json!(false), &json!(86_400)));
    assert_eq!(data["in_force"], sandbox.surety("policy compile here --json").data()["id"]);
    assert_eq!(data["calls"][0]["to"], format!("0x{}", "12".repeat(20)));
    let hash = alloy_primitives::keccak256("# A report\n").to_string();
    assert_eq!(data["reports"], json!([{ "file": "calibration.md", "keccak256": hash }]));
    let mut files: Vec<_> = fs::read_dir(sandbox.path("proposal")).unwrap().map(|it| it.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["calibration.md", "policy.toml", "proposal.json"]);
    let compiled = sandbox.surety("policy compile here --policy proposal/policy.toml --out c.json --json").data();
    assert_eq!(compiled["id"], data["proposed"]);
    assert_eq!(sandbox.surety("info proposal/proposal.json --json").data()["kind"], "surety/proposal");
    // What nodes may sign without a vote is said.
    let run = sandbox.surety(&format!("{line} --proposed tighter.toml --out fast")).expect(0);
    assert!(run.says("fast path   suffices: oracle nodes sign BTC-WEIGHT at 800000 or tighter"), "{}", run.stdout);
    assert!(run.says("86400 seconds from the call until the version counts"), "{}", run.stdout);
    assert!(run.says("publication.version = 2"), "{}", run.stdout);
}

#[test]
fn rejects_proposals_that_cannot_be_made_and_writes_nothing() {
    let sandbox = proposable();
    let refused = |line: &str, text: &str| {
        let run = sandbox.surety(line);
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.says(text), "{}", run.stderr);
        assert!(!sandbox.path("proposal").exists());
    };
    let line = format!("{PROPOSE} --out proposal");
    refused(&format!("{line} --proposed here/policy.toml --delay 24h"), "there is nothing to publish");
    refused(&format!("{line} --proposed other.toml"), "--delay");
    refused(&format!("{line} --proposed other.toml --delay 24h --rpc http://127.0.0.1:1"), "--rpc");
    refused(&format!("{line} --proposed other.toml --delay 24h --report here/policy.toml"), "no other file's");
    sandbox.write("broken.toml", "kind = \"surety/policy\"\n");
    refused(&format!("{line} --proposed broken.toml --delay 24h"), "broken.toml");
    fs::create_dir(sandbox.path("there")).unwrap();
    let there = line.replace("--out proposal", "--out there");
    refused(&format!("{there} --proposed other.toml --delay 24h"), "there: exists already");
}
