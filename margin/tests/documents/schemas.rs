//! The published JSON Schemas: they are those of the types, accept the examples, and refuse what shapes can refuse.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jsonschema::Validator;
use schemars::Schema;
use serde_json::{Value, json};
use surety_core::{
    FormatVersion,
    ident::HexBytes,
    kind::KindOf,
    schema::schema,
    text::{Document, table::Dialect},
    units::Timestamp,
};
use surety_import::{book::Written, observations::read_observations};
use surety_margin::{
    market::{Report, Snapshot},
    oracle,
    policy::Policy,
    universe::Universe,
};
use surety_testing::schemas::assert_published;

const VENUES: [&str; 4] = ["venues/aave.toml", "venues/compound.toml", "venues/dydx.toml", "venues/drift.toml"];

/// The schema of each document, by the name that it is published under.
fn schemas() -> [(&'static str, Schema); 5] {
    [
        ("universe", schema::<Universe>()),
        ("policy", schema::<Policy>()),
        ("holdings", schema::<Written>()),
        ("market", schema::<Snapshot>()),
        ("report", schema::<Report>()),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples").join(name)).unwrap()
}

/// What people write, comments and defaults as they are.
fn written(name: &str) -> Value {
    toml::from_str(&example(name)).unwrap()
}

fn validator(name: &str) -> Validator {
    let (_, schema) = schemas().into_iter().find(|(published, _)| *published == name).unwrap();
    jsonschema::validator_for(schema.as_value()).unwrap()
}

#[track_caller]
fn accepts(validator: &Validator, value: &Value) {
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}

/// Sets the value at a JSON pointer, whose parent must exist.
fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(elements) => elements[key.parse::<usize>().unwrap()] = new,
        parent => parent[key] = new,
    }
    value
}

#[track_caller]
fn refuses(validator: &Validator, good: &Value, pointer: &str, new: Value) {
    accepts(validator, good);
    let bad = with(good, pointer, new);
    assert_ne!(&bad, good);
    assert!(!validator.is_valid(&bad), "{pointer} = {}", bad.pointer(pointer).unwrap());
}

fn report() -> Report {
    let policy = Policy::from_toml("policy.toml", &example("policy.toml")).unwrap();
    Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: policy.oracle.nodes[0].signer,
        feeds: HexBytes::ZERO,
        epoch: 1,
        previous: Report::FIRST,
        observed_at: Timestamp(300),
        observations: read_observations(
            "n.csv",
            &example("market/node-1.csv"),
            &policy,
            &Dialect::default(),
            &mut Vec::new(),
        )
        .unwrap(),
        signature: HexBytes::ZERO,
    }
}

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety-margin schemas` writes the schemas anew.
#[test]
fn schemas_are_published() {
    for (name, schema) in schemas() {
        assert_published(name, &schema);
    }
}

#[test]
fn schemas_accept_what_people_write() {
    accepts(&validator("universe"), &written("universe.toml"));
    for policy in ["policy.toml", "policy-cross.toml", "policy-lending.toml"].into_iter().chain(VENUES) {
        accepts(&validator("policy"), &written(policy));
    }
}

#[test]
fn schemas_accept_models_with_options_and_tiers() {
    let models = ["span", "greeks", "tiers"];
    let text = |model: &str| fs::read_to_string(root().join(format!("margin/tests/policies/{model}.toml"))).unwrap();
    for model in models.map(text) {
        let policy = example("policy.toml");
        let policy = format!("{}{model}", &policy[..policy.find("[model]").unwrap()]);
        accepts(&validator("policy"), &toml::from_str(&policy).unwrap());
        let policy = Policy::from_toml("policy.toml", &policy).unwrap();
        accepts(&validator("policy"), &serde_json::from_str(&policy.to_json().unwrap()).unwrap());
    }
}

#[test]
fn schemas_accept_what_is_written() {
    let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let universe = Universe::from_toml("universe.toml", &example("universe.toml")).unwrap();
    accepts(&validator("universe"), &json(universe.to_json().unwrap()));
    for name in ["policy.toml", "policy-cross.toml", "policy-lending.toml"] {
        let policy = Policy::read(name, &example(name), &universe).unwrap();
        accepts(&validator("policy"), &json(policy.to_json().unwrap()));
    }
    let file = "holdings/venue-atlas.csv";
    let holdings = surety_import::positions::holdings(file, &example(file), &universe).unwrap();
    accepts(&validator("holdings"), &json(holdings.to_json().unwrap()));
    accepts(&validator("report"), &json(report().to_json().unwrap()));
    let mut policy = Policy::from_toml("policy.toml", &example("policy.toml")).unwrap();
    policy.oracle.quorum = 1;
    let snapshot = oracle::aggregate(&policy, &[report()], None).unwrap();
    accepts(&validator("market"), &json(snapshot.to_json().unwrap()));
}

#[test]
fn schemas_accept_every_spelling_of_people() {
    let (validator, good) = (validator("universe"), written("universe.toml"));
    for srs in ["ppot-0085", "development", &good["srs"].as_str().unwrap()[2..].to_uppercase()] {
        accepts(&validator, &with(&good, "/srs", json!(srs)));
    }
    accepts(&validator, &with(&good, "/instruments/0/max_lots", json!(5)));
    accepts(&validator, &with(&good, "/instruments/0/max_lots", json!("1_000")));
    accepts(&validator, &with(&good, "/instruments/0/expiry", json!("2026-12-25T08:00:00Z")));
    let (validator, good) = (self::validator("policy"), written("policy.toml"));
    for (pointer, spelling) in [
        ("/validity", json!("24h")),
        ("/oracle/max_confidence", json!("0.5 %")),
        ("/oracle/nodes/0/signer", json!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")),
        ("/market/0/min", json!(1)),
        ("/market/0/max", json!("1e12")),
        ("/model/positions/1/weight/initial", json!("97.5 %")),
        ("/model/scenarios/0/shocks/btc", json!("-15 %")),
    ] {
        accepts(&validator, &with(&good, pointer, spelling.clone()));
        let read = Policy::from_json("policy.json", &with(&good, pointer, spelling).to_string());
        assert!(read.is_ok() || pointer.starts_with("/market"), "{pointer}: {}", read.unwrap_err());
    }
}

#[test]
fn rejects_universes_of_another_shape() {
    let (validator, good) = (validator("universe"), written("universe.toml"));
    for (pointer, bad) in [
        ("/kind", json!("surety/policy")),
        ("/version", json!(2)),
        ("/capacity", json!(8)),
        ("/capacity", json!(17)),
        ("/srs", json!("0x00")),
        ("/notes", json!("unknown")),
        ("/instruments/0/name", json!("not a name")),
        ("/instruments/0/class", json!("bond")),
        ("/instruments/0/lot_decimals", json!(19)),
        ("/instruments/0/lot_decimals", json!(-1)),
        ("/instruments/0/max_lots", json!(true)),
        ("/instruments/0/max_lots", json!("5.5")),
        ("/instruments/0/expiry", json!(-1)),
        ("/instruments/0/expiry", Value::Null),
        ("/instruments/0/lots", json!(1)),
    ] {
        refuses(&validator, &good, pointer, bad);
    }
}

#[test]
fn rejects_policies_of_another_shape() {
    let (validator, good) = (validator("policy"), written("policy.toml"));
    for (pointer, bad) in [
        ("/market/0/min", json!("-1")),
        ("/market/0/min", json!(true)),
        ("/market/0/decimals", json!(19)),
        ("/oracle/quorum", json!(-1)),
        ("/oracle/nodes/0/signer", json!("0x0E86a930090f39a4418d8ca6a9d671fbe738251")),
        ("/levels/0/basis", json!("intraday")),
        ("/model/type", json!("var")),
        ("/model/type", json!("span")),
        ("/model/type", json!("cross")),
        ("/model/alpha", json!(1)),
        ("/model/positions/1/weight/initial", json!(-5)),
        ("/model/positions/1/weight/initial", json!(0.5)),
        ("/model/positions/1/weight/other", json!(5)),
        ("/model/positions/1/haircut", json!(5)),
        ("/model/positions/1/price", Value::Null),
        ("/model/scenarios/0/shocks/btc", json!("5")),
        ("/notes", json!("unknown")),
    ] {
        refuses(&validator, &good, pointer, bad);
    }
}

#[test]
fn rejects_holdings_and_reports_of_another_shape() {
    let good = json!({
        "kind": "surety/holdings",
        "version": 1,
        "universe": "meridian-2026",
        "balances": [{ "instrument": "BTC", "lots": "-5" }],
    });
    for (pointer, bad) in [
        ("/balances/0/lots", json!(true)),
        ("/balances/0/lots", json!("-")),
        ("/balances/0/lots", json!("5.0")),
        ("/balances/0/price", json!("5")),
        ("/balances/0", json!(["BTC", "5"])),
        ("/kind", json!("surety/universe")),
    ] {
        refuses(&validator("holdings"), &good, pointer, bad);
    }
    let good = serde_json::to_value(report()).unwrap();
    for (pointer, bad) in [
        ("/observations/0/price", json!("00")),
        ("/observations/0/confidence", json!("-0")),
        ("/signature", json!("0x")),
        ("/epoch", json!(-1)),
        ("/epoch", json!("1")),
    ] {
        refuses(&validator("report"), &good, pointer, bad);
    }
}
