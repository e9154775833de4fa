//! Every place of the holder's own files, changed in every way that [`surety_testing::tamper`] knows: none of the
//! changes is passed over. The files that verifiers read are tried where they are verified, those of a chain beside the
//! code that reads them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};
use surety_core::{
    ident::{HexBytes, Name},
    problem::Problem,
    text::Document,
    units::Timestamp,
};
use surety_host::{
    documents,
    keys::{self, Passphrase, SecretAt},
};
use surety_kzg::{Params, Srs, progress::Silent};
use surety_margin::universe::Universe;
use surety_prover::{
    account::Account,
    opening::Opening,
    source::{self, StatementTerms},
};
use surety_testing::tamper::{Change, Exempt, Tampered, unnoticed};
use surety_verifier::{
    Statement,
    attestation::{
        eip712::Audience,
        signature::SigningKey,
        vault::{VaultBalances, VaultError, VaultState},
    },
};

use crate::sandbox::write_json;

const NONE: [&str; 0] = [];

fn read<T: Document>(document: &Value) -> Option<T> {
    T::from_json("file", &document.to_string()).ok()
}

struct Scene {
    universe: Universe,
    params: Params,
    statements: Vec<Statement>,
    openings: Vec<Value>,
}

impl Scene {
    /// Statements of three sources about an account, over the smallest universe.
    fn new() -> Self {
        let mut universe = surety_testing::sample::universe(9, 4);
        let srs = Srs::development(universe.capacity);
        universe.srs = srs.id().bytes();
        let params = Params::from_srs(&srs, universe.capacity, &Silent).unwrap();
        let mut scene = Self { universe, params, statements: Vec::new(), openings: Vec::new() };
        for (number, balances) in
            (1..).zip(["USD,1000,\nPERP-1,-20,carried", "USD,1000,\nPERP-1,-21,carried", "USD,5,\nPERP-3,9,carried"])
        {
            let holdings = format!("instrument,lots,cost\n{balances}\n");
            let terms = StatementTerms {
                audience: Audience { chain_id: 1, registry: HexBytes([1; 20]) },
                subject: HexBytes([2; 20]),
                account: Name::new(format!("account-{number}")).unwrap(),
                as_of: Timestamp(1),
                valid_until: Timestamp(2),
                sequence: 1,
                pledge: None,
            };
            let holdings = surety_import::positions::holdings("holdings.csv", &holdings, &scene.universe).unwrap();
            let key = SigningKey::from_secret_bytes(&[number; 32]).unwrap();
            let (statement, opening) = source::attest(&scene.universe, &scene.params, holdings, terms, &key).unwrap();
            scene.statements.push(statement);
            scene.openings.push(serde_json::to_value(opening).unwrap());
        }
        scene
    }

    fn opens(&self, openings: &[Value]) -> bool {
        let openings: Option<Vec<Opening>> = openings.iter().map(read).collect();
        openings
            .is_some_and(|openings| Account::open(&self.universe, &self.params, &self.statements, &openings).is_ok())
    }
}

/// Attack: an opening of another account, of other balances or under other masks, beside statements that are in order.
#[test]
fn rejects_every_changed_field_of_every_opening() {
    let scene = Scene::new();
    assert!(scene.opens(&scene.openings));
    // All in one list, so that every field also changes places with that of the next opening.
    let notices = |tampered: &Tampered| {
        let openings = tampered.document.as_array().unwrap();
        !scene.opens(openings)
    };
    let exempt: [Exempt<'_>; 2] = [
        ("[*]", &[Change::Repeated, Change::Exchanged], "openings are found by their statements, in whatever order"),
        (
            "[*].holdings.balances[*]",
            &[Change::Exchanged],
            "balances are found by their instruments, in whatever order",
        ),
    ];
    assert_eq!(unnoticed(&json!(scene.openings), &exempt, notices), NONE);
}

/// Attack: one mask of the six that is another, whichever.
#[test]
fn rejects_every_changed_mask() {
    let scene = Scene::new();
    let masks = scene.openings[1]["masks"].as_str().unwrap().to_owned();
    for last in (65..=masks.len() - 1).step_by(64) {
        let other = if &masks[last..=last] == "0" { "1" } else { "0" };
        let mut openings = scene.openings.clone();
        openings[1]["masks"] = json!(format!("{}{other}{}", &masks[..last], &masks[last + 1..]));
        assert!(!scene.opens(&openings), "digit {last}");
    }
}

/// Geth's `accounts/keystore/testdata/very-light-scrypt.json`, with an empty passphrase.
const KEYSTORE: &str = r#"{"address":"45dea0fb0bba44f4fcf290bba71fd57d7117cbb8","crypto":{"cipher":"aes-128-ctr",
    "ciphertext":"b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145","cipherparams":{"iv":
    "dc4926b48a105133d2f16b96833abf1e"},"kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"p":1,"r":8,"salt":
    "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0"},"mac":
    "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85"},"id":"ce541d8d-c79b-40f8-9f8c-20f59616faba","version":3}"#;

fn open_keystore(path: &Path) -> Option<SigningKey> {
    keys::load(&SecretAt::File(path.to_owned()), || Ok(Passphrase::default()), |_| ()).ok()
}

/// Attack: an encrypted key of which a part was changed, so that another key comes out of it, or none.
#[test]
fn rejects_every_changed_field_of_a_keystore() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.json");
    fs::write(&path, KEYSTORE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let address = open_keystore(&path).unwrap().address();
    assert_eq!(address.to_string(), "0x45dea0fb0bba44f4fcf290bba71fd57d7117cbb8");
    let keystore: Value = serde_json::from_str(KEYSTORE).unwrap();
    let notices = |tampered: &Tampered| {
        write_json(&path, &tampered.document);
        let opened = open_keystore(&path);
        assert!(opened.as_ref().is_none_or(|key| key.address() == address), "{tampered}: another key");
        opened.is_none()
    };
    let written = "wallets write more than is read";
    let exempt: [Exempt<'_>; 7] = [
        ("", &[Change::Added], written),
        ("crypto.kdfparams.dklen", &[Change::Removed, Change::Raised], "of what is derived, 32 bytes are used"),
        ("crypto", &[Change::Added], written),
        ("crypto.cipherparams", &[Change::Added], written),
        ("crypto.kdfparams", &[Change::Added], written),
        ("id", &[], "nothing reads it"),
        ("address", &[Change::Removed], "not every wallet writes it; the key is the same"),
    ];
    assert_eq!(unnoticed(&keystore, &exempt, notices), NONE);
}

/// Attack: have the holder spend a proof on a state of a vault that there never was, or on somebody else's.
#[test]
fn rejects_every_changed_field_of_vault_balances() {
    let Scene { universe, params, .. } = Scene::new();
    let subject = HexBytes([2; 20]);
    let balances = json!([{ "instrument": "USD", "lots": "700" }, { "instrument": "PERP-2", "lots": "3" }]);
    let mut original = vault_balances(&balances, &universe, &params);
    original["subject"] = json!(subject);
    seal(&mut original);
    // A claim names the state, and the vault's contract knows it.
    let checkpoint = read::<VaultBalances>(&original).unwrap().checkpoint;
    let accepts = |document: &Value| {
        let Some(balances) = read::<VaultBalances>(document) else { return false };
        let of_the_vault = |state: VaultState| state.checkpoint() == checkpoint;
        balances.position(&universe, &params).is_ok() && balances.state().is_ok_and(of_the_vault)
    };
    assert!(accepts(&original));
    let exempt: [Exempt<'_>; 1] =
        [("balances[*]", &[Change::Exchanged], "balances are found by their instruments, in whatever order")];
    assert_eq!(unnoticed(&original, &exempt, |tampered| !accepts(&tampered.document)), NONE);
}

/// Vault balances with the commitment to them, as a vault would say them.
fn vault_balances(balances: &Value, universe: &Universe, params: &Params) -> Value {
    let mut document = json!({
        "kind": "surety/vault-balances", "version": 2, "chain_id": 1, "vault": HexBytes([3; 20]),
        "universe": HexBytes([4; 32]), "subject": HexBytes([2; 20]), "checkpoint": HexBytes([0; 32]), "number": 1,
        "grown_at": 1_800_000_000, "commitment": HexBytes([0; 64]),
        "balances": balances
    });
    let unsealed: VaultBalances = serde_json::from_str(&document.to_string()).unwrap();
    if let Err(VaultError::Commitment(Problem { expected, .. })) = unsealed.position(universe, params) {
        document["commitment"] = json!(expected);
    }
    document
}

/// Makes the checkpoint fit.
fn seal(document: &mut Value) {
    let unsealed: VaultBalances = serde_json::from_str(&document.to_string()).unwrap();
    document["checkpoint"] = json!(unsealed.state().unwrap().checkpoint());
}

/// The documents are read as the commands read them.
#[test]
fn files_are_read_with_their_rules() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vault.json");
    let Scene { universe, params, .. } = Scene::new();
    let mut document = vault_balances(&json!([{ "instrument": "USD", "lots": "7" }]), &universe, &params);
    write_json(&path, &document);
    let errors = documents::read::<VaultBalances>(&path).unwrap_err().to_string();
    assert!(errors.contains("checkpoint: expected the hash of chain, vault, universe, subject"), "{errors}");
    seal(&mut document);
    write_json(&path, &document);
    documents::read::<VaultBalances>(&path).unwrap();
}
