//! Signing with keys that are elsewhere: `--sign-with`, and `surety key sign` at the other end.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, process::Stdio};

use serde_json::{Value, json};
use surety_core::text::Document as _;
use surety_margin::market::Report;
use surety_verifier::{
    Statement,
    attestation::{report, signature::signer},
};

use crate::{
    commands::example,
    sandbox::{Run, Sandbox},
};

/// The words of a command line that has a script sign with a key of the demonstration, and the key's address.
pub(crate) fn signing(sandbox: &Sandbox, name: &str) -> (String, String) {
    let key = sandbox.demo_key(name);
    let address = sandbox.surety(&format!("key address --key {key}")).expect(0).stdout.trim().to_owned();
    let script = script(sandbox, name, &format!("exec {} key sign --key {key}", env!("CARGO_BIN_EXE_surety")));
    (format!("--sign-with {script} --address {address}"), address)
}

fn script(sandbox: &Sandbox, name: &str, body: &str) -> String {
    let path = sandbox.write(&format!("{name}.sh"), &format!("#!/bin/sh\n{body}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// States an account in the name of whoever signs.
fn state(sandbox: &Sandbox, signing: &str) -> Run {
    sandbox.surety(&format!(
        "source attest --universe here/universe.toml --holdings here/holdings/venue-atlas.csv --account trading \
         --subject 0x00000000000000000000000000000000000000aa --chain-id 1 \
         --registry 0x00000000000000000000000000000000000000bb --out here {signing} --json"
    ))
}

#[test]
fn a_command_signs_statements_and_reports() {
    let (sandbox, now) = example();
    let (signing_source, address) = signing(&sandbox, "venue-atlas");
    let data = state(&sandbox, &signing_source).data();
    let path = sandbox.path(data["statement"].as_str().unwrap());
    let statement = Statement::from_json("statement.json", &fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(signer(&statement.hash(), &statement.signature).unwrap().to_string(), address);
    assert_eq!(statement.source.to_string(), address);

    let (signing_node, address) = signing(&sandbox, "oracle-1");
    let line =
        format!("market sign here --observations here/market/node-1.csv {signing_node} --out report.json --at {now}");
    sandbox.surety(&line).expect(0);
    let text = fs::read_to_string(sandbox.path("report.json")).unwrap();
    let signed = Report::from_json("report.json", &text).unwrap();
    assert_eq!(signer(&report::hash(&signed), &signed.signature).unwrap().to_string(), address);
}

/// Attack: a command that signs with another key than it is asked for.
#[test]
fn rejects_a_statement_that_another_key_has_signed() {
    let (sandbox, _) = example();
    let (_, address) = signing(&sandbox, "venue-atlas");
    let (stranger, _) = signing(&sandbox, "stranger");
    let asked = format!("{} --address {address}", stranger.split(" --address").next().unwrap());
    let run = state(&sandbox, &asked).expect(2);
    let error = run.envelope()["error"].clone();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(&format!("expected a signature by {address}, found one by 0x")), "{message}");
}

#[test]
fn rejects_a_command_that_does_not_sign() {
    let (sandbox, _) = example();
    let (_, address) = signing(&sandbox, "venue-atlas");
    for (body, expected) in [
        ("echo 0x00", "expected a signature, 0x and 130 hexadecimal digits"),
        ("echo 'the vault is closed' >&2; exit 4", "found exit code 4: the vault is closed"),
    ] {
        let script = script(&sandbox, "broken", body);
        let run = state(&sandbox, &format!("--sign-with {script} --address {address}")).expect(2);
        assert!(run.says(expected), "{}", run.stdout);
    }
    let run = state(&sandbox, "--sign-with true").expect(2);
    assert!(run.says("--address"), "{} {}", run.stdout, run.stderr);
}

/// What `surety key sign` makes of a request.
fn requested(sandbox: &Sandbox, request: &Value) -> Run {
    let key = sandbox.demo_key("owner");
    let mut command = sandbox.command(["key", "sign", "--key", &key, "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(request.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Attack: whoever may ask for statements has a transfer of tokens signed.
#[test]
fn rejects_signing_what_is_not_suretys() {
    let sandbox = Sandbox::new();
    let consent = |name: &str| {
        json!({
            "domain": { "name": name, "version": "1" },
            "types": {
                "EIP712Domain": [{ "name": "name", "type": "string" }, { "name": "version", "type": "string" }],
                "Consent": [{ "name": "context", "type": "bytes32" }],
            },
            "primaryType": "Consent",
            "message": { "context": format!("0x{}", "07".repeat(32)) },
        })
    };
    assert_eq!(requested(&sandbox, &consent("Surety")).data()["about"], "Consent");
    for refused in [consent("USD Coin"), json!({ "transaction": {} }), json!({}), json!([])] {
        let run = requested(&sandbox, &refused).expect(2);
        assert!(run.says("expected a transaction or a struct of Surety's"), "{}", run.stdout);
    }
}
