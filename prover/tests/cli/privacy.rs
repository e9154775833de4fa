//! What strangers can see of an account: nothing that depends on its holdings.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;

use crate::sandbox::{Sandbox, files_below, read_json};

/// Two accounts that have nothing in common but the policy that both satisfy.
const PORTFOLIOS: [[&str; 3]; 2] = [
    ["USDC,4200000000000", "USDC,0", "USDC,0"],
    [
        "USDC,98765432109876\nETH,31415926535\nBTC,2718281828\nwstETH,16180339887",
        "USDC,-8675309867530\nETH,1414213562\nSOL,5772156649\nUSDT,123456789123",
        "USDC,70710678118654\nBTC-PERP,-2449489\nETH-PERP,-1732050\nSOL-PERP,2236067",
    ],
];

/// What the sources of the demonstration are called, and their accounts.
const SOURCES: [(&str, &str); 3] =
    [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];

/// A demonstration whose sources state other balances, and an attestation of it.
fn package(portfolio: &[&str; 3]) -> Sandbox {
    let (sandbox, demo) = Sandbox::with_demo();
    let claim = read_json(&demo.join("attestation.json"))["claim"].clone();
    let as_of = claim["statements"][0]["as_of"].as_u64().unwrap();
    for ((source, account), balances) in SOURCES.iter().zip(portfolio) {
        sandbox.write("holdings.csv", &format!("instrument,lots\n{balances}\n"));
        let key = sandbox.demo_key(source);
        let line = format!(
            "source attest --universe demo/universe.toml --holdings holdings.csv --account {account} --subject {} \
             --chain-id 31337 --registry {} --as-of {as_of} --sequence {} --key {key} --out demo",
            claim["subject"].as_str().unwrap(),
            claim["audience"]["registry"].as_str().unwrap(),
            as_of + 1,
        );
        sandbox.surety(&line).expect(0);
    }
    fs::remove_file(sandbox.path("holdings.csv")).unwrap();
    for file in ["attestation.json", "attestation-initial.json"] {
        fs::remove_file(demo.join(file)).unwrap();
    }
    sandbox
}

/// The lengths of all files that are not private, by name. Statements are named by their hashes: names of one length.
fn sizes(directory: &Path) -> BTreeMap<String, Vec<u64>> {
    let mut sizes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for file in files_below(directory).iter().filter(|file| !file.starts_with(directory.join("private"))) {
        let parent = file.parent().unwrap().strip_prefix(directory).unwrap();
        sizes.entry(parent.display().to_string()).or_default().push(fs::metadata(file).unwrap().len());
    }
    sizes.values_mut().for_each(|sizes| sizes.sort_unstable());
    sizes
}

/// Texts with everything that differs from one run to the next put out of sight: numbers keep their lengths.
fn shape(text: &str) -> String {
    text.chars().map(|character| if character.is_ascii_hexdigit() { '0' } else { character }).collect()
}

const COMMANDS: [&str; 7] = [
    "prove demo --json",
    "prove demo --level initial --out demo/initial.json",
    "prove demo --dry-run --json",
    "verify demo/attestation.json --allow-insecure-srs --json",
    "verify demo/initial.json --allow-insecure-srs",
    "info demo/attestation.json --json",
    "verify demo/attestation.json --json",
];

/// Attack: guess from the size of a file, from the number of rows or from a message what an account holds.
#[test]
fn rejects_telling_accounts_apart_by_sizes_rows_or_messages() {
    let seen = PORTFOLIOS.map(|portfolio| {
        let sandbox = package(&portfolio);
        let said: Vec<_> = COMMANDS
            .iter()
            .map(|line| {
                let run = sandbox.surety(line);
                (run.code, shape(&run.stdout), shape(&run.stderr))
            })
            .collect();
        let proof = read_json(&sandbox.path("demo/attestation.json"))["proof"].as_str().unwrap().len();
        (said, proof, sizes(&sandbox.path("demo")), sizes(&sandbox.path("state")))
    });
    let [first, second] = &seen;
    for ((line, first), second) in COMMANDS.iter().zip(&first.0).zip(&second.0) {
        assert_eq!(first.1.len(), second.1.len(), "{line}: {} and {}", first.1, second.1);
        assert_eq!((first.0, &first.2), (second.0, &second.2), "{line}");
    }
    assert_eq!((first.1, &first.2, &first.3), (second.1, &second.2, &second.3));
}

/// Attack: read holdings in what any command writes that is not the holder's alone, refusals included.
#[test]
fn rejects_holdings_in_what_public_commands_write() {
    let sandbox = package(&PORTFOLIOS[1]);
    let mut said = Vec::new();
    for line in COMMANDS.iter().copied().chain([
        "audit demo --allow-insecure-srs --html report.html",
        "audit demo --allow-insecure-srs --json",
        "audit demo --allow-insecure-srs --csv",
        "archive add kept demo --json",
        "archive list kept",
        "archive export kept --out kept-files",
        "calldata demo/attestation.json --json",
        "policy inspect demo --json",
        "prove demo --level liquidation --out no.json",
        "prove demo --valid-until 1 --out no.json",
        "doctor --json",
    ]) {
        let run = sandbox.surety(line);
        said.push((line.to_owned(), run.stdout + &run.stderr));
    }
    // An account that does not suffice, and an opening that does not fit.
    fs::rename(sandbox.path("demo/private"), sandbox.path("private")).unwrap();
    let run = sandbox.surety("prove demo --out no.json --json").expect(2);
    said.push(("without openings".to_owned(), run.stdout + &run.stderr));
    fs::rename(sandbox.path("private"), sandbox.path("demo/private")).unwrap();
    let private = sandbox.path("demo/private");
    for file in files_below(&sandbox.path(".")) {
        let text = fs::read(&file).unwrap();
        if !file.starts_with(&private) && !file.ends_with("policy.toml") {
            said.push((file.display().to_string(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|character: char| !character.is_ascii_alphanumeric()).map(str::to_owned).collect()
    };
    let mut secrets: BTreeSet<String> = PORTFOLIOS[1].iter().flat_map(|balances| words(balances)).collect();
    secrets.retain(|word| word.len() > 6 && word.chars().all(|character| character.is_ascii_digit()));
    assert_eq!(secrets.len(), 12);
    for opening in files_below(&private) {
        let masks = read_json(&opening)["masks"].as_str().unwrap().trim_start_matches("0x").to_owned();
        secrets.extend(masks.as_bytes().chunks(64).map(|mask| String::from_utf8(mask.to_vec()).unwrap()));
    }
    assert!(secrets.len() > 3 * 64);
    for (name, text) in &said {
        let words = words(text);
        let found =
            secrets.iter().find(|secret| words.contains(*secret) || (secret.len() == 64 && text.contains(*secret)));
        assert_eq!(found, None, "{name}");
    }
}

/// Attack: recognise that two attestations are about the same balances, beyond what their claims say.
#[test]
fn rejects_linking_two_proofs_of_one_statement() {
    let (sandbox, demo) = Sandbox::with_demo();
    sandbox.surety("prove demo --out again.json").expect(0);
    let proof = |path: &Path| read_json(path)["proof"].as_str().unwrap()[2..].to_owned();
    let words = |proof: &str| -> BTreeSet<String> {
        proof.as_bytes().chunks(64).map(|word| String::from_utf8(word.to_vec()).unwrap()).collect()
    };
    let (first, second) = (proof(&demo.join("attestation.json")), proof(&sandbox.path("again.json")));
    assert_eq!(first.len(), second.len());
    let common: Vec<_> = words(&first).intersection(&words(&second)).cloned().collect();
    assert_eq!(common, Vec::<String>::new());
    let claim = |path: &Path| -> Value { read_json(path)["claim"]["statements"].clone() };
    assert_eq!(claim(&demo.join("attestation.json")), claim(&sandbox.path("again.json")));
}
