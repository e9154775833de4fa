//! The files: one form each, strictly read, with published schemas.

use proptest::prelude::*;
use serde_json::Value;
use surety_core::{FormatVersion, ident::HexBytes, kind::KindOf, schema::schema, text::Document};
use surety_testing::schemas::assert_published;
use surety_verifier::{
    Attestation, Statement, Trust, attestation::compiled::CompiledPolicyFile, proof::encoding::ProofBytes,
};

use crate::fixture::Scene;

fn attestation() -> Attestation {
    Attestation {
        kind: KindOf::new(),
        version: FormatVersion,
        claim: Scene::new().claim,
        context: HexBytes([3; 32]),
        proof: ProofBytes::ZERO,
        scopes: None,
        consent: Some(HexBytes([4; 65])),
    }
}

fn round_trip<T: Document + PartialEq + core::fmt::Debug>(value: &T) {
    let text = value.to_json().unwrap();
    assert_eq!(&T::from_json("file", &text).unwrap(), value);
}

#[test]
fn files_survive_writing_and_reading() {
    round_trip(&attestation());
    round_trip(&Scene::new().claim.statements[0]);
    round_trip(&Scene::new().policy.file());
}

/// Every way to write the same attestation differently, and every way to leave something out.
#[test]
fn rejects_other_forms() {
    let original = serde_json::to_value(attestation()).unwrap();
    let proof = original["proof"].as_str().unwrap().to_owned();
    let cases: [(&str, Value); 13] = [
        ("/kind", "surety/statement".into()),
        ("/version", 1.into()),
        ("/version", "2".into()),
        ("/proof", proof.to_uppercase().into()),
        ("/proof", proof[..proof.len() - 2].into()),
        ("/proof", format!("{proof}00").into()),
        ("/proof", proof[2..].into()),
        ("/context", "0x03".into()),
        ("/claim/epoch", "500000".into()),
        ("/claim/epoch", Value::from(-1)),
        ("/claim/valid_until", Value::from(1.5)),
        ("/claim/level", "".into()),
        ("/claim/statements/0/signature", Value::Null),
    ];
    for (pointer, value) in cases {
        let mut changed = original.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(Attestation::from_json("attestation.json", &changed.to_string()).is_err(), "{pointer}");
    }
    for pointer in ["", "/claim", "/claim/audience", "/claim/statements/0"] {
        let mut changed = original.clone();
        changed.pointer_mut(pointer).unwrap()["allow_insecure_srs"] = true.into();
        let errors = Attestation::from_json("attestation.json", &changed.to_string()).unwrap_err();
        assert!(errors.to_string().contains("allow_insecure_srs"), "{errors}");
    }
    let text = original.to_string();
    for text in [format!("{text} {text}"), text.replacen('{', "{\"kind\":\"surety/attestation\",", 1)] {
        assert!(Attestation::from_json("attestation.json", &text).is_err());
    }
}

/// After a change of a type, `UPDATE=1 cargo nextest run -p surety-verifier schemas` writes the schemas anew.
#[test]
fn schemas_are_published() {
    assert_published("attestation", &schema::<Attestation>());
    assert_published("statement", &schema::<Statement>());
    assert_published("trust", &schema::<Trust>());
    assert_published("compiled-policy", &schema::<CompiledPolicyFile>());
}

#[test]
fn schemas_accept_what_is_written() {
    let accepts = |schema: schemars::Schema, value: Value| {
        let validator = jsonschema::validator_for(schema.as_value()).unwrap();
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).next());
        let mut unknown = value;
        unknown["unknown"] = 1.into();
        assert!(!validator.is_valid(&unknown));
    };
    let scene = Scene::new();
    accepts(schema::<Attestation>(), serde_json::to_value(attestation()).unwrap());
    accepts(schema::<Statement>(), serde_json::to_value(&scene.claim.statements[0]).unwrap());
    accepts(schema::<CompiledPolicyFile>(), serde_json::to_value(scene.policy.file()).unwrap());
    let trust = Trust::from_toml("trust.toml", "kind = \"surety/trust\"\nversion = 1\nepoch = 3\n").unwrap();
    accepts(schema::<Trust>(), serde_json::to_value(trust).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_text_makes_the_readers_panic(text in ".{0,300}") {
        prop_assert!(Attestation::from_json("file", &text).is_err());
        prop_assert!(Statement::from_json("file", &text).is_err());
        prop_assert!(CompiledPolicyFile::from_json("file", &text).is_err());
        prop_assert!(Trust::from_toml("file", &text).is_err());
    }

    #[test]
    fn no_damage_makes_the_readers_panic(position: prop::sample::Index, replacement in ".{0,3}", length in 0usize..40) {
        let text = attestation().to_json().unwrap();
        let start = position.index(text.len());
        let end = text.len().min(start + length);
        let damaged = [&text[..start], &replacement, &text[end..]].concat();
        if let Ok(read) = Attestation::from_json("file", &damaged) {
            let again = Attestation::from_json("file", &read.to_json().unwrap());
            prop_assert_eq!(again.unwrap(), read);
        }
    }
}
