//! The other commands: keys, prices, statements, policies, files, and what every command has in common.

use std::fs;

use serde_json::json;

use crate::sandbox::{Sandbox, files_below, read_json};

/// The example in `here`, over the development set-up, which needs no import, and the time in seconds.
pub(crate) fn example() -> (Sandbox, u64) {
    let sandbox = Sandbox::new();
    sandbox.surety("init here").expect(0);
    let universe = fs::read_to_string(sandbox.path("here/universe.toml")).unwrap();
    let (before, after) = universe.split_once("srs = \"").unwrap();
    let development = "0xa6d0e910584892f8f4880512d90c895ca4f62ce6e75d2f845df840279b67e18b";
    fs::write(sandbox.path("here/universe.toml"), format!("{before}srs = \"{development}{}", &after[66..])).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    (sandbox, now)
}

/// Has every source of the example state its account.
pub(crate) fn attest(sandbox: &Sandbox, now: u64) {
    for (source, account) in
        [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")]
    {
        let key = sandbox.demo_key(source);
        sandbox
            .surety(&format!(
                "source attest --universe here/universe.toml --holdings here/holdings/{source}.csv --account {account} \
                 --subject 0x{} --chain-id 1 --registry 0x{} --as-of {now} --key {key} --out here",
                "12".repeat(20),
                "34".repeat(20),
            ))
            .expect(0);
    }
}

#[test]
fn reports_and_statements_are_made_by_hand() {
    let (sandbox, now) = example();
    sandbox.surety("init here").expect(2);
    for node in 1..=3 {
        let key = sandbox.demo_key(&format!("oracle-{node}"));
        let observations = format!("here/market/node-{node}.csv");
        let line = format!("market sign here --observations {observations} --key {key} --out r{node}.json --at {now}");
        sandbox.surety(&line).expect(0);
        sandbox.surety(&line).expect(2);
    }
    let stranger = sandbox.demo_key("stranger");
    sandbox
        .surety(&format!("market sign here --observations here/market/node-1.csv --key {stranger} --out x.json"))
        .expect(2);
    // Too few reports, one twice, one that was tampered with.
    sandbox.surety("market aggregate here --report r1.json").expect(2);
    sandbox.surety("market aggregate here --report r1.json --report r1.json").expect(2);
    let report = fs::read_to_string(sandbox.path("r3.json")).unwrap();
    let confidence = read_json(&sandbox.path("r3.json"))["observations"][0]["confidence"].as_str().unwrap().to_owned();
    sandbox.write("r4.json", &report.replacen(&confidence, "1", 1));
    let run = sandbox.surety("market aggregate here --report r1.json --report r4.json --json").expect(2);
    assert!(run.envelope()["error"]["problems"][0]["path"].as_str().unwrap().contains("signature"));
    sandbox.surety("market aggregate here --report r3.json --report r1.json --report r2.json").expect(0);

    attest(&sandbox, now);
    let run = sandbox.surety("prove here --unpublished-snapshot --level initial --json");
    let data = run.data();
    assert_eq!(data["level"], "initial");
    sandbox.surety("verify here/attestation.json --allow-insecure-srs").expect(0);
}

#[test]
fn keys_are_made_encrypted_and_read_from_files_and_the_environment() {
    let sandbox = Sandbox::new();
    let made = sandbox.surety("key new --out key.json --passphrase-env SURETY_TEST_PASSPHRASE --json").data();
    let address = made["address"].as_str().unwrap();
    let shown = sandbox.surety("key address --key key.json --passphrase-env SURETY_TEST_PASSPHRASE").expect(0);
    assert_eq!(shown.stdout.trim(), address);
    sandbox.write("other", "not the passphrase");
    let run = sandbox.surety("key address --key key.json --passphrase-file other").expect(2);
    assert!(run.stderr.contains("passphrase"), "{}", run.stderr);
    sandbox.surety("key new --out key.json --passphrase-env SURETY_TEST_PASSPHRASE").expect(2);
    sandbox.surety("key address --key-env SURETY_TEST_PASSPHRASE").expect(2);
    sandbox.surety("key address").expect(2);
    // A file that others can read is used with a warning.
    let secret = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let path = sandbox.write("plain", secret);
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let run = sandbox.surety("key address --key plain").expect(0);
    assert_eq!(run.stdout.trim(), "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
    assert!(run.stderr.contains("others can read"), "{}", run.stderr);
    for file in ["key.json", "plain"] {
        let info = sandbox.surety(&format!("info {file}")).expect(0);
        assert!(!info.says(secret) && info.stdout.contains("secret"), "{}", info.stdout);
    }
}

#[test]
fn policies_are_inspected_compiled_and_compared() {
    let (sandbox, demo) = Sandbox::with_demo();
    let inspected = sandbox.surety("policy inspect demo --json").data();
    assert_eq!(inspected["levels"].as_array().unwrap().len(), 3);
    let id = read_json(&demo.join("attestation.json"))["claim"]["policy"].clone();
    sandbox.surety("policy compile demo").expect(2);
    assert_eq!(sandbox.surety("policy compile demo --out again.json --json").data()["id"], id);
    assert_eq!(
        fs::read(sandbox.path("again.json")).unwrap(),
        fs::read(demo.join("policy.compiled.json")).unwrap(),
        "compiling is reproducible"
    );
    assert_eq!(sandbox.surety("policy compile demo --check again.json --json").data()["id"], id);
    sandbox.surety("init example").expect(0);
    for policy in ["policy-cross.toml", "policy-lending.toml"] {
        let line = format!("policy compile demo --policy example/{policy} --check again.json --json");
        let run = sandbox.surety(&line).expect(5);
        assert_eq!(run.envelope()["error"]["class"], "mismatch");
    }
    let run = sandbox.surety("universe show demo/universe.toml --json").data();
    assert_eq!(run["list"].as_array().unwrap().len(), run["instruments"].as_u64().unwrap() as usize);
    sandbox.surety("universe check demo/policy.toml").expect(2);
}

#[test]
fn policies_are_inspected_in_words_beside_the_last_prices() {
    let (sandbox, demo) = Sandbox::with_demo();
    let text = sandbox.surety("policy inspect demo").expect(0).stdout;
    for words in [
        "maintenance-1.5x: maintenance parameters, requirement times 1.5",
        "maintenance 95 %, initial 90 %",
        "the worst of the scenarios, times maintenance 1, initial 1.25",
        "crash-30: btc -30 %",
        "BTC-USD from 5,000 to 1,000,000; last ",
        " times the least, the most is ",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let mut market = read_json(&demo.join("market.json"));
    let boxes = sandbox.surety("policy inspect demo --json").data()["boxes"].clone();
    for (of_entry, observed) in boxes.as_array().unwrap().iter().zip(market["prices"].as_array().unwrap()) {
        assert_eq!((&of_entry["name"], &of_entry["last"]), (&observed["entry"], &observed["price"]));
        assert_eq!(of_entry["inside"], json!(true));
    }
    market["prices"][2]["price"] = json!("100000000000001");
    fs::write(sandbox.path("far.json"), market.to_string()).unwrap();
    let far = "policy inspect demo --market far.json";
    assert_eq!(sandbox.surety(&format!("{far} --json")).data()["boxes"][2]["inside"], json!(false));
    assert!(sandbox.surety(far).expect(0).stdout.contains("last 1,000,000.00000001: ABOVE THE MOST"));
    sandbox.surety("policy inspect demo --market none.json").expect(2);
    fs::remove_file(demo.join("market.json")).unwrap();
    let text = sandbox.surety("policy inspect demo").expect(0).stdout;
    assert!(text.contains("BTC-USD from 5,000 to 1,000,000\n") && !text.contains("times the least"), "{text}");
}

/// A short whose losses no scenario and no charge is for.
#[test]
fn rejects_policies_with_positions_that_require_nothing() {
    let (sandbox, demo) = Sandbox::with_demo();
    let policy = fs::read_to_string(demo.join("policy.toml")).unwrap();
    let margined = "charge = { maintenance = 10_000, initial = 15_000 }\nfactor = \"btc\"\n";
    let unmargined = policy.replacen(margined, "", 1);
    assert_ne!(policy, unmargined);
    fs::write(sandbox.path("free.toml"), &unmargined).unwrap();
    for command in ["compile", "inspect"] {
        let run = sandbox.surety(&format!("policy {command} demo --policy free.toml --json")).expect(2);
        let error = run.envelope()["error"].to_string();
        assert!(error.contains("where BTC-PERP is short or owed") && error.contains("`unmargined`"), "{error}");
    }
    fs::write(sandbox.path("free.toml"), format!("unmargined = [\"BTC-PERP\"]\n{unmargined}")).unwrap();
    let run = sandbox.surety("policy compile demo --policy free.toml --out free.json --json").expect(0);
    assert_eq!(run.data()["warnings"].as_array().unwrap().len(), 2);
}

#[test]
fn limits_of_holdings_are_shown_in_units_and_low_ones_warned_of() {
    let sandbox = Sandbox::new();
    sandbox.surety("init here").expect(0);
    let run = sandbox.surety("universe check here/universe.toml").expect(0);
    assert!(run.stdout.contains("92233720368547758.07"), "every digit where no terminal is: {}", run.stdout);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let text = fs::read_to_string(sandbox.path("here/universe.toml")).unwrap();
    let low = text.replacen("lot_decimals = 2\n", "lot_decimals = 18\nmax_lots = \"9223372036854775807\"\n", 1);
    sandbox.write("low.toml", &low);
    let run = sandbox.surety("universe check low.toml").expect(0);
    assert!(run.stderr.contains("warning: low.toml: instruments[0].max_lots: expected room for"), "{}", run.stderr);
    let data = sandbox.surety("universe check low.toml --json").data();
    assert_eq!(data["limits"]["USD"], "9.223372036854775807");
    assert!(data["warnings"][0].as_str().unwrap().contains("9.223372036854775807 units"), "{data}");
}

#[test]
fn keystores_of_other_versions_and_things_that_are_no_keys_are_named() {
    let sandbox = Sandbox::new();
    for (text, found) in [
        (r#"{"version":"1","Crypto":{},"address":"00"}"#, "found version 1, which wallets wrote until 2015"),
        ("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", "an address, which is public, and no key"),
        ("test test test test test test test test test test test junk", "12 words, a recovery phrase"),
    ] {
        let path = sandbox.write("key", text);
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let run = sandbox.surety("key address --key key").expect(2);
        assert!(run.stderr.contains(found), "{}", run.stderr);
    }
    // Excerpts are for terminals: neither an envelope nor a pipe has any.
    sandbox.surety("init here").expect(0);
    sandbox.write("mine.csv", "instrument,lots\nNOSUCH,5\n");
    let command = "explain here --holdings mine.csv";
    for run in [sandbox.surety(command), sandbox.surety(&format!("{command} --json"))] {
        assert_eq!(run.code, 2);
        assert!(!run.says("NOSUCH,5"), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn command_lines_are_refused_in_the_words_of_every_other_error() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("verify a.json --strickt").expect(2);
    let message = "error: expected an argument that the command has, found --strickt; did you mean --strict?";
    assert!(run.stderr.starts_with(message), "{}", run.stderr);
    assert!(run.stderr.contains("Usage: surety verify"), "{}", run.stderr);
    let error = sandbox.surety("verify a.json --strickt --json").expect(2).envelope();
    assert!(error["error"]["message"].as_str().unwrap().lines().count() == 1, "{error}");
}

#[test]
fn a_batch_takes_the_place_of_an_earlier_one_only_if_told_to() {
    let sandbox = Sandbox::new();
    sandbox.surety("demo --batch 2 --out batch").expect(0);
    sandbox.write("batch/notes.txt", "kept");
    let run = sandbox.surety("demo --batch 1 --out batch").expect(2);
    assert!(run.stderr.contains("exists already; give another name, or --force to replace it"), "{}", run.stderr);
    sandbox.surety("demo --batch 1 --out batch --force").expect(0);
    let audited = sandbox.surety("audit batch --allow-insecure-srs --json").data();
    assert_eq!((&audited["accepted"], &audited["rejected"]), (&json!(1), &json!(0)), "{audited}");
    assert!(sandbox.path("batch/notes.txt").exists());
}

#[test]
fn mistakes_in_files_are_located() {
    let (sandbox, demo) = Sandbox::with_demo();
    let policy = fs::read_to_string(demo.join("policy.toml")).unwrap();
    fs::write(demo.join("policy.toml"), policy.replacen("basis = \"initial\"", "basis = \"final\"", 1)).unwrap();
    let error = sandbox.surety("policy inspect demo --json").expect(2).envelope()["error"].clone();
    let problem = &error["problems"][0];
    let line = policy.lines().position(|line| line == "basis = \"initial\"").unwrap() + 1;
    assert_eq!(problem["line"], json!(line), "{error}");
    assert!(problem["input"].as_str().unwrap().ends_with("policy.toml"), "{error}");
}

#[test]
fn every_file_says_what_it_is() {
    let (sandbox, demo) = Sandbox::with_demo();
    let files = files_below(&demo).into_iter().chain(files_below(&sandbox.path("cache")));
    let mut kinds = std::collections::BTreeSet::new();
    for file in files {
        let run = sandbox.run(["info", file.to_str().unwrap(), "--json"]);
        let data = run.data();
        kinds.insert(data["kind"].as_str().unwrap().to_owned());
        if file.starts_with(demo.join("private")) {
            assert_eq!(data["secret"], true, "{data}");
        }
    }
    let expected = [
        "surety/attestation",
        "surety/bases",
        "surety/compiled-policy",
        "surety/market",
        "surety/opening",
        "surety/policy",
        "surety/report",
        "surety/statement",
        "surety/table",
        "surety/trust",
        "surety/universe",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let proof = read_json(&demo.join("attestation.json"))["proof"].as_str().unwrap().to_owned();
    sandbox.write("proof", &proof);
    assert_eq!(sandbox.surety("info proof --json").data()["kind"], "proof");
    sandbox.write("unknown", "something else");
    sandbox.surety("srs import unknown").expect(5);
    sandbox.surety("info unknown").expect(2);
    sandbox.surety("info missing").expect(2);
}

/// Attack: a file whose own words read as if the program had said them.
#[test]
fn rejects_lines_that_a_file_forges() {
    let sandbox = Sandbox::new();
    let forged = "surety/x\nkind             surety/attestation";
    sandbox.write("kind.json", &json!({ "kind": forged, "version": 1 }).to_string());
    let run = sandbox.surety("info kind.json").expect(2);
    assert!(run.says("surety/snapshot-signature") && run.says("surety/x\\nkind"), "{}", run.stderr);
    assert!(!run.stderr.lines().any(|line| line.starts_with("kind ")), "{}", run.stderr);
    let keystore = json!({
        "address": "00\nencrypted        false",
        "crypto": {
            "cipher": "aes-128-ctr", "cipherparams": { "iv": "00".repeat(16) }, "ciphertext": "00".repeat(32),
            "kdf": "pbkdf2", "kdfparams": { "c": 1, "dklen": 32, "prf": "hmac-sha256", "salt": "00" },
            "mac": "00".repeat(32),
        },
        "version": 3,
    });
    sandbox.write("key.json", &keystore.to_string());
    sandbox.write("two\nencrypted        false.json", &keystore.to_string());
    for file in ["key.json", "two\nencrypted        false.json"] {
        let run = sandbox.run(["info", file]).expect(0);
        assert!(run.stdout.contains("encrypted        true"), "{}", run.stdout);
        assert!(!run.stdout.contains("\nencrypted        false"), "{}", run.stdout);
    }
}

/// Attack: names that a terminal obeys, in the envelope, which is shown on terminals too.
#[test]
fn rejects_to_write_control_characters_into_envelopes() {
    let sandbox = Sandbox::new();
    let name = "a\u{7f}b\u{9b}31mc\u{202e}d\u{2066}e\u{1b}f é τ.json";
    let run = sandbox.run(["info", name, "--json"]).expect(2);
    assert!(!run.stdout.chars().any(|character| character != '\n' && character.is_control()), "{}", run.stdout);
    assert!(!run.stdout.contains(['\u{202e}', '\u{2066}']), "{}", run.stdout);
    assert!(run.stdout.contains("\\u009b") && run.stdout.contains("é τ"), "{}", run.stdout);
    assert!(run.envelope()["error"]["message"].as_str().unwrap().contains(name), "it says the same");
}

#[test]
fn rejects_pipes_without_waiting_for_them() {
    let sandbox = Sandbox::new();
    let pipe = sandbox.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for command in ["info pipe", "srs import pipe"] {
        let run = sandbox.surety(command);
        assert!(run.code != 0 && run.says("expected a regular file"), "{}", run.stderr);
    }
}

#[test]
fn the_command_line_answers_in_one_form() {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("frobnicate --json").expect(2);
    assert_eq!(run.envelope()["error"]["code"], "usage");
    sandbox.surety("frobnicate").expect(2);
    sandbox.surety("").expect(2);
    assert!(sandbox.surety("--help").expect(0).stdout.contains("Usage"));
    assert!(sandbox.surety("--version").expect(0).stdout.contains(env!("CARGO_PKG_VERSION")));
    sandbox.surety("verify missing.json --json").expect(2).envelope();
    sandbox.surety("explain . --json").expect(2).envelope();
    sandbox.surety("srs list --json").data();
    sandbox.surety("srs check missing --json").expect(2).envelope();
    sandbox.surety("doctor --json").data();
    let quiet = sandbox.surety("doctor --quiet").expect(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn completions_and_manual_cover_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.surety(&format!("completions {shell}")).expect(0).stdout;
        for command in ["demo", "aggregate", "attest", "allow-insecure-srs"] {
            assert!(script.contains(command), "{shell} completes {command}");
        }
    }
    assert!(sandbox.surety("man").expect(0).stdout.starts_with(".ie"), "a page in roff");
    sandbox.surety("man pages").expect(0);
    for page in ["surety.1", "surety-prove.1", "surety-source-attest.1"] {
        assert!(sandbox.path("pages").join(page).exists(), "{page}");
    }
}
