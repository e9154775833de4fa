//! Every place of policies of every model, of universes and of holdings, changed in every way that
//! [`surety_testing::tamper`] knows: each change is refused, or the canonical encoding, of which identifiers are
//! hashes, is another one.

use std::{fs, path::PathBuf};

use serde_json::Value;
use surety_core::{canonical, text::Document};
use surety_margin::{
    models::{Bucket, Isolated, Model},
    policy::Policy,
    universe::Universe,
};
use surety_testing::tamper::{Change, Tampered, unnoticed};

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

/// Demands that every change of a document shows in its encoding, but for defaults that are left out: one value has one
/// encoding, whichever way it is written.
fn assert_encoded<T: Document + PartialEq + core::fmt::Debug>(what: &str, document: &T) {
    let json: Value = serde_json::to_value(document).unwrap();
    let encoding = canonical::encode(document).unwrap();
    assert_eq!(&T::from_json(what, &json.to_string()).unwrap(), document);
    let mut tried = 0;
    let notices = |tampered: &Tampered| {
        tried += 1;
        let Ok(changed) = T::from_json("file", &tampered.document.to_string()) else { return true };
        let is_same = canonical::encode(&changed).unwrap() == encoding;
        assert_eq!(is_same, changed == *document, "{what}: {tampered}");
        // What is the same without a field had the field's default.
        !is_same || tampered.change == Change::Removed
    };
    assert_eq!(unnoticed(&json, &[], notices), [""; 0], "{what}");
    assert!(tried > 20, "{what}: {tried}");
}

/// Attack: a policy or a universe that differs in one thing and has the identifier of another.
#[test]
fn rejects_every_changed_field_that_an_identifier_leaves_out() {
    for file in ["universe.toml", "venues/universe.toml"] {
        assert_encoded(file, &Universe::from_toml(file, &example(file)).unwrap());
    }
    let venues = ["aave", "compound", "drift", "dydx"].map(|venue| format!("venues/{venue}.toml"));
    let examples =
        ["policy.toml", "policy-cross.toml", "policy-lending.toml", "mandate/policy.toml"].map(str::to_owned);
    for file in examples.iter().chain(&venues) {
        assert_encoded(file, &Policy::from_toml(file, &example(file)).unwrap());
    }
    let text = example("policy.toml");
    let head = &text[..text.find("[model]").unwrap()];
    let models = [
        ("span", include_str!("../policies/span.toml")),
        ("greeks", include_str!("../policies/greeks.toml")),
        ("tiers", include_str!("../policies/tiers.toml")),
        ("limits", include_str!("../policies/mandate.toml")),
    ];
    for (what, model) in models {
        assert_encoded(what, &Policy::from_toml(what, &format!("{head}{model}")).unwrap());
    }
    let mut isolated = Policy::from_toml("policy-cross.toml", &example("policy-cross.toml")).unwrap();
    let name = isolated.name.clone();
    isolated.model = Model::Isolated(Isolated { buckets: vec![Bucket { name, model: isolated.model.clone() }] });
    assert_encoded("isolated", &isolated);
}
