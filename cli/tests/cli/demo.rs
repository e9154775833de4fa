//! The demonstration, and what it leaves behind.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::sandbox::{Sandbox, files_below};

#[test]
fn what_it_leaves_is_verified_by_a_stranger() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("demo --out demo --json").expect(0);
    assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
    assert!(run.stderr.contains("anybody can sign"), "{}", run.stderr);
    let data = run.data();
    assert_eq!(data["srs"]["insecure"], true);
    for level in ["maintenance", "initial"] {
        assert!(data["attestations"][level].is_string(), "{data}");
    }
    // A stranger has the public files and directories of its own.
    let stranger = Sandbox::new();
    for file in ["universe.toml", "policy.toml", "market.json", "attestation.json", "attestation-initial.json"] {
        fs::copy(sandbox.path("demo").join(file), stranger.path(file)).unwrap();
    }
    for file in ["attestation.json", "attestation-initial.json"] {
        let run = stranger.surety(&format!("verify {file} --allow-insecure-srs")).expect(0);
        assert!(run.stdout.contains("taken on faith") && run.stdout.contains("not established"), "{}", run.stdout);
        assert!(run.stderr.contains("INSECURE"), "{}", run.stderr);
        let run = stranger.surety(&format!("verify {file}")).expect(5);
        assert!(run.stderr.contains("set-up"), "{}", run.stderr);
    }
}

#[test]
fn secrets_are_private_and_nowhere_else() {
    let (sandbox, demo) = Sandbox::with_demo();
    let private = demo.join("private");
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o700);
    for file in files_below(&private) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    let mut public: Vec<(String, String)> = files_below(&demo)
        .into_iter()
        .chain(files_below(&sandbox.path("state")))
        .filter(|file| !file.starts_with(&private) && !file.ends_with("policy.toml"))
        .map(|file| (file.display().to_string(), fs::read_to_string(&file).unwrap()))
        .collect();
    for line in [
        "demo --out again",
        "demo --out more --json",
        "prove demo --trust demo/trust.toml --level maintenance-1.5x --out third.json",
        "prove demo --trust demo/trust.toml --level initial --out fourth.json --json",
        "prove demo --trust demo/trust.toml --dry-run --json",
        "verify demo/attestation.json --allow-insecure-srs --json",
        "info demo/attestation.json",
        "doctor --json",
    ] {
        let run = sandbox.surety(line).expect(0);
        public.push((line.to_owned(), run.stdout + &run.stderr));
    }
    let numbers =
        |text: &str| -> Vec<String> { text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect() };
    let public: Vec<_> = public.into_iter().map(|(name, text)| (name, numbers(&text))).collect();
    let mut searched = 0;
    for file in surety_walkthrough::example::HOLDINGS {
        for line in file.text.lines().skip(1) {
            let lots = line.split(',').nth(1).unwrap().trim_start_matches('-').to_owned();
            searched += 1;
            for (name, numbers) in &public {
                assert!(!numbers.contains(&lots), "{name} contains {lots}");
            }
        }
    }
    assert!(searched >= 8, "the example has holdings to search for");
}

#[test]
fn explains_every_level_in_quote_units() {
    let (sandbox, _) = Sandbox::with_demo();
    let data = sandbox.surety("explain demo --json").data();
    for level in ["maintenance", "initial", "maintenance-1.5x"] {
        let level = &data["levels"][level];
        assert_eq!(level["sufficient"], true);
        let number = |key: &str| level[key].as_str().unwrap().parse::<f64>().unwrap();
        assert!((number("equity") - number("requirement") - number("margin")).abs() < 1e-3, "{level}");
        let charges: f64 = level["charges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|charge| charge["amount"].as_str().unwrap().parse::<f64>().unwrap())
            .sum();
        assert!((charges - number("requirement")).abs() < 1e-3, "{level}");
        assert!(level["worst_scenario"].is_string());
    }
    let margin = |level: &str| data["levels"][level]["margin"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(margin("maintenance") > margin("initial"));
    // The same account from files of balances.
    sandbox.surety("init example").expect(0);
    let line = "explain demo --json --holdings example/holdings/custodian-north.csv \
                --holdings example/holdings/custodian-south.csv --holdings example/holdings/venue-atlas.csv";
    assert_eq!(sandbox.surety(line).data(), data);
}

#[test]
fn rejects_overwriting_unless_told_to() {
    let (sandbox, demo) = Sandbox::with_demo();
    let before = fs::read(demo.join("attestation.json")).unwrap();
    let run = sandbox.surety("demo --out demo --json").expect(2);
    assert_eq!(run.envelope()["error"]["code"], "file");
    assert_eq!(fs::read(demo.join("attestation.json")).unwrap(), before);
    sandbox.surety("demo --out demo --force").expect(0);
    assert_ne!(fs::read(demo.join("attestation.json")).unwrap(), before);
    sandbox.surety("verify demo/attestation.json --allow-insecure-srs").expect(0);
}
