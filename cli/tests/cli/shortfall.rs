//! Shortfalls and bands: made, verified, audited and explained, and never taken for what they are not.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, files_below, read_json, write_json};

/// The example's policy with its last four scenarios: few enough for the bits of other claims in its capacity class.
pub(crate) fn few_scenarios(policy: &str) -> String {
    let (head, scenarios) = policy.split_once("[[model.scenarios]]").unwrap();
    let place = scenarios.find("[[model.scenarios]]\nname = \"tether-breaks\"").unwrap();
    format!("{head}{}", &scenarios[place..])
}

/// The demonstration with levels of other claims in its policy.
fn with_claims() -> (Sandbox, PathBuf) {
    let (sandbox, demo) = Sandbox::with_demo();
    let text = fs::read_to_string(demo.join("policy.toml")).unwrap();
    let (initial, model) = ("[[levels]]\nname = \"initial\"", "[model]\n");
    let band = "[[levels]]\nname = \"tier\"\nbasis = \"maintenance\"\nbelow = 20_000_000\n\n";
    let short = "[[levels]]\nname = \"maintenance-shortfall\"\nbasis = \"maintenance\"\nclaim = \"shortfall\"\n\n";
    let text = few_scenarios(&text).replace(initial, &format!("{band}{initial}"));
    fs::write(demo.join("policy.toml"), text.replace(model, &format!("{short}{model}"))).unwrap();
    (sandbox, demo)
}

/// Custodian north states hardly anything.
fn impoverish(sandbox: &Sandbox, demo: &Path) {
    let claim = &read_json(&demo.join("attestation.json"))["claim"];
    let now = claim["statements"][0]["as_of"].as_u64().unwrap();
    sandbox.write("holdings.csv", "instrument,lots\nUSDC,1234567\n");
    let key = sandbox.demo_key("custodian-north");
    let line = format!(
        "source attest --universe demo/universe.toml --holdings holdings.csv --account treasury --subject {} \
         --chain-id 31337 --registry {} --as-of {now} --sequence {} --key {key} --out demo --json",
        claim["subject"].as_str().unwrap(),
        claim["audience"]["registry"].as_str().unwrap(),
        now + 1,
    );
    sandbox.surety(&line).expect(0);
}

const PROVE: &str = "prove demo --unpublished-snapshot --json";

#[test]
fn an_account_that_fails_is_proven_to_fail() {
    let (sandbox, demo) = with_claims();
    impoverish(&sandbox, &demo);
    let made = sandbox.surety(&format!("{PROVE} --shortfall --out demo/short.json")).expect(0);
    assert_eq!(made.told()["claim"], "shortfall");
    // The level's own name is enough.
    sandbox.surety(&format!("{PROVE} --level maintenance-shortfall --out demo/again.json")).expect(0);

    let verify = "verify demo/short.json --allow-insecure-srs";
    let accepted = sandbox.surety(&format!("{verify} --shortfall")).expect(0);
    assert!(accepted.says("does not satisfy maintenance-shortfall"));
    let json = sandbox.surety(&format!("{verify} --shortfall --json")).expect(0);
    assert_eq!(json.told()["claim"], "shortfall");
    // Whoever did not ask is told, and does not take it for sufficiency.
    let told = sandbox.surety(verify).expect(4);
    assert!(told.says("does not satisfy maintenance-shortfall"));

    let explained = sandbox.surety("explain demo --json").expect(4).told();
    let [level, short] = ["maintenance", "maintenance-shortfall"].map(|name| explained["levels"][name].clone());
    assert_eq!((&level["sufficient"], &level["provable"]), (&json!(false), &json!(false)));
    assert_eq!((&short["sufficient"], &short["provable"]), (&json!(false), &json!(true)));
    sandbox.surety("explain demo --level maintenance-shortfall").expect(0);

    // An audit accepts it as what it is.
    for file in files_below(&demo) {
        if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("attestation")) {
            fs::remove_file(file).unwrap();
        }
    }
    let audit = sandbox.surety("audit demo --allow-insecure-srs --history --json").expect(0).told();
    let kinds: Vec<_> = audit["findings"].as_array().unwrap().iter().map(|finding| &finding["kind"]).collect();
    assert!(kinds.contains(&&json!("shortfall")), "{kinds:?}");
    let no_series = |audit: &Value| assert_eq!(audit["timeline"]["subjects"], json!([]), "{}", audit["timeline"]);
    no_series(&audit);
    // Nor does one that is rejected owe anybody an attestation.
    let mut spoilt = read_json(&demo.join("again.json"));
    spoilt["proof"] = read_json(&demo.join("short.json"))["proof"].clone();
    spoilt["claim"]["valid_until"] = json!(spoilt["claim"]["valid_until"].as_u64().unwrap() - 1);
    write_json(&demo.join("again.json"), &spoilt);
    let audit = sandbox.surety("audit demo --allow-insecure-srs --history --json").expect(5).told();
    assert_eq!((&audit["accepted"], &audit["rejected"]), (&json!(1), &json!(1)));
    no_series(&audit);
}

/// Nobody consents to a proof that it is short.
#[test]
fn rejects_consent_to_a_shortfall() {
    let (sandbox, demo) = with_claims();
    impoverish(&sandbox, &demo);
    sandbox.surety(&format!("{PROVE} --shortfall --out demo/short.json")).expect(0);
    let key = sandbox.demo_key("meridian");
    let run = sandbox.surety(&format!("consent demo/short.json --key {key} --json")).expect(5).envelope();
    assert_eq!(run["error"]["code"], "claimed");
}

#[test]
fn rejects_a_shortfall_of_a_solvent_account() {
    let (sandbox, demo) = with_claims();
    let refused = sandbox.surety(&format!("{PROVE} --shortfall --out demo/short.json")).expect(4).envelope();
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("expected an account whose margin is negative"), "{message}");
    assert!(!demo.join("short.json").exists());
    // A healthy account is short of nothing, which is no failure.
    sandbox.surety("explain demo").expect(0);
    sandbox.surety("explain demo --level maintenance-shortfall").expect(4);
}

#[test]
fn rejects_an_account_that_is_sufficient_where_its_shortfall_is_asked_for() {
    let (sandbox, _) = Sandbox::with_demo();
    let run = sandbox.surety("verify demo/attestation.json --allow-insecure-srs --shortfall --json").expect(5);
    assert_eq!(run.envelope()["error"]["code"], "claimed");
}

#[test]
fn a_band_is_found_by_its_ends() {
    let (sandbox, demo) = with_claims();
    let prove = format!("{PROVE} --at-least 1 --below 20 --out demo/band.json");
    assert_eq!(sandbox.surety(&prove).expect(0).told()["level"], "tier");
    let verified = sandbox.surety("verify demo/band.json --allow-insecure-srs --json").expect(0).told();
    assert_eq!(verified["below"], 20_000_000);
    let none = sandbox.surety(&format!("{PROVE} --below 3x --out demo/none.json")).expect(2).envelope();
    let message = none["error"]["message"].as_str().unwrap();
    assert!(message.contains("multiple = 1000000 and below = 3000000"), "{message}");
    // Poor accounts are below the band, and not in it.
    impoverish(&sandbox, &demo);
    sandbox.surety(&format!("{PROVE} --below 20 --out demo/none.json")).expect(4);
}

#[test]
fn rejects_a_shortfall_that_the_policy_does_not_have() {
    let (sandbox, _) = Sandbox::with_demo();
    let run = sandbox.surety(&format!("{PROVE} --shortfall --out demo/short.json")).expect(2).envelope();
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("claim = \"shortfall\""), "{message}");
}

#[test]
fn policies_are_inspected_with_what_levels_claim() {
    let (sandbox, _) = with_claims();
    let told = sandbox.surety("policy inspect demo").expect(0);
    assert!(told.says("a shortfall: the margin is negative"));
    assert!(told.says("the margin is negative where the requirement is times 20"));
    assert!(told.says("minimum of"));
}

/// The example of a mandate: a fund within its limits, and what it may say of itself.
#[test]
fn a_mandate_is_explained_limit_by_limit() {
    let (sandbox, demo) = Sandbox::with_demo();
    fs::create_dir(sandbox.path("mandate")).unwrap();
    sandbox.write("mandate/universe.toml", include_str!("../../../examples/mandate/universe.toml"));
    sandbox.write("mandate/policy.toml", include_str!("../../../examples/mandate/policy.toml"));
    fs::copy(demo.join("market.json"), sandbox.path("mandate/market.json")).unwrap();
    let holdings = "instrument,amount,cost\nUSD,843000,\nUSDC,900000,\nBTC,12,\nBTC-PERP,-10,carried\n";
    sandbox.write("holdings.csv", holdings);
    let explain = "explain mandate --holdings holdings.csv --json";
    let levels = sandbox.surety(explain).told()["levels"].clone();
    let mandate = &levels["mandate"];
    let margins = mandate["buckets"].as_array().unwrap();
    let names: Vec<_> = margins.iter().map(|margin| margin["name"].as_str().unwrap()).collect();
    let limits = ["equity", "leverage", "net", "concentration", "ether", "liquid", "borrowed-coins"];
    let expected: Vec<_> = limits.iter().map(|limit| format!("limits-{limit}")).collect();
    assert_eq!(names, [vec!["margin".to_owned()], expected].concat());
    assert_eq!((&mandate["sufficient"], &levels["march-2020"]["sufficient"]), (&json!(true), &json!(true)));
    assert_eq!(levels["mandate-shortfall"]["provable"], false);
    // With ten times as many perpetuals for what they cost, leverage and margin fail.
    let short = holdings.replace("843000", "19500000").replace("BTC-PERP,-10", "ETH-PERP,-5000");
    sandbox.write("holdings.csv", &short);
    let levels = sandbox.surety(explain).expect(4).told()["levels"].clone();
    assert_eq!(levels["mandate-shortfall"]["provable"], true);
}
