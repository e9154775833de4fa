//! However people spell what they mean, the binary understands the same, and tells all their mistakes at once.

use std::{fs, path::Path};

use crate::sandbox::Sandbox;

/// A file of the examples.
fn example(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

/// The text with one part written in another way, which must be there.
#[track_caller]
fn respelt(text: &str, part: &str, spelling: &str) -> String {
    assert!(text.contains(part), "{part}");
    text.replacen(part, spelling, 1)
}

#[test]
fn a_universe_has_one_identifier_however_it_is_spelt() {
    let sandbox = Sandbox::new();
    let text = example("universe.toml");
    let id = |text: &str| {
        sandbox.write("universe.toml", text);
        sandbox.surety("universe check universe.toml --json").data()["id"].clone()
    };
    let expected = id(&text);
    assert!(expected.is_string());
    let srs = "0x3fddc5c033fc5acc3a1c9e3202f33d50f5df250686370df63df8a289db50d730";
    for spelling in ["ppot-0085", "PPOT-0085", &srs[2..], &srs[2..].to_uppercase()] {
        assert_eq!(id(&respelt(&text, srs, spelling)), expected, "{spelling}");
    }
    // 2027-03-26T08:00:00Z
    for spelling in ["2027-03-26T08:00:00Z", "\"2027-03-26T09:00:00+01:00\"", "1806048000000", "\"2027-03-26 08:00\""] {
        assert_eq!(id(&respelt(&text, "expiry = 1806048000", &format!("expiry = {spelling}"))), expected, "{spelling}");
    }
    for spelling in ["\"Perpetual\"", "\"PERPETUAL\""] {
        assert_eq!(id(&respelt(&text, "\"perpetual\"", spelling)), expected, "{spelling}");
    }
    assert_eq!(id(&respelt(&text, "lot_decimals = 2", "lot_decimals = \"2\"")), expected);
    assert_eq!(id(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), expected);
}

#[test]
fn all_mistakes_of_a_universe_and_its_policy_are_told_at_once() {
    let sandbox = Sandbox::new();
    let universe = respelt(&example("universe.toml"), "capacity = 10", "capacity = 99\ncolour = 1");
    sandbox.write("universe.toml", &universe);
    let policy = respelt(&example("policy.toml"), "validity = ", "validty = ");
    let policy = respelt(&policy, "quorum = ", "quorums = \"two\" # ");
    sandbox.write("policy.toml", &policy);
    let run = sandbox.surety("policy inspect . --json").expect(2);
    let problems = run.envelope()["error"]["problems"].clone();
    let problems = problems.as_array().unwrap();
    let of =
        |input: &str| problems.iter().filter(|problem| problem["input"].as_str().unwrap().ends_with(input)).count();
    assert!(of("universe.toml") == 2 && of("policy.toml") >= 3, "{problems:#?}");
    assert!(run.says("did you mean `validity`?") && run.says("did you mean `quorum`?"), "{}", run.stdout);
    assert!(!run.says("found expected"), "{}", run.stdout);
}

#[test]
fn times_durations_and_addresses_are_read_in_every_spelling_on_the_command_line() {
    let (sandbox, _) = Sandbox::with_demo();
    let key = sandbox.demo_key("custodian-north");
    let attest = |subject: &str, as_of: &str, valid_for: &str, out: &str| {
        let mut line: Vec<_> = "source attest --universe demo/universe.toml --account a --chain-id 1 --json --registry"
            .split(' ')
            .collect();
        line.extend(["0x00000000000000000000000000000000000000AA", "--holdings", "holdings.csv", "--key", &key]);
        line.extend(["--subject", subject, "--as-of", as_of, "--valid-for", valid_for, "--out", out]);
        sandbox.run(line)
    };
    sandbox.write("holdings.csv", "instrument,lots\nUSDC,5\n");
    let told = |out: &str, subject: &str, as_of: &str, valid_for: &str| {
        attest(subject, as_of, valid_for, out).expect(0);
        let statements = crate::sandbox::files_below(&sandbox.path(out).join("statements"));
        let statement = crate::sandbox::read_json(&statements[0]);
        [&statement["subject"], &statement["as_of"], &statement["valid_until"]].map(ToString::to_string)
    };
    let subject = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed";
    let expected = told("one", subject, "1795248000", "3600");
    assert_eq!(expected[1..], ["1795248000", "1795251600"]);
    let checksummed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    assert_eq!(told("two", checksummed, "2026-11-21T09:00:00+01:00", "1h"), expected);
    assert_eq!(told("three", &subject[2..], "2026-11-21 08:00", "PT60M"), expected);
    let run = attest("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0", "1h", "four").expect(2);
    assert!(run.says(checksummed), "{}", run.stderr);
    attest(subject, "yesterday", "1h", "four").expect(2);
    attest(subject, "0", "1 month", "four").expect(2);
}
