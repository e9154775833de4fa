//! What a verification tells people and programs.

use serde_json::json;
use surety_core::{failure::LocatedProblem, text::Document as _};
use surety_verifier::{
    Rule,
    attestation::{
        check::{Accepted, ESTABLISHED, NOTHING_ESTABLISHED},
        claim::Attestation,
    },
};

use crate::fixture::{Scene, lenient};

/// Attack: an attestation over a set-up whose secret everybody knows, shown to somebody as if it said something.
#[test]
fn only_sound_set_ups_establish_anything() {
    let insecure = Scene::new().examine(&lenient()).unwrap();
    assert!(insecure.insecure_srs);
    let sound = Accepted { insecure_srs: false, ..insecure.clone() };
    for (accepted, established) in [(insecure, NOTHING_ESTABLISHED), (sound, ESTABLISHED)] {
        assert_eq!(accepted.established(), established);
        let findings = accepted.findings();
        assert_eq!(findings["established"], established);
        assert_eq!(findings["not_established"], json!(accepted.not_established()));
        let faith = findings["faith"].as_array().unwrap();
        assert_eq!(faith.len(), accepted.faith.len());
        assert!(!faith.is_empty() && faith.iter().all(|faith| faith["text"] != ""), "{faith:?}");
        assert_eq!(findings["level"], json!(accepted.level));
    }
}

#[test]
fn broken_rules_have_the_names_that_they_are_serialised_with() {
    assert_eq!(Rule::HolderIsNoSource.name(), "holder-is-no-source");
    assert_eq!(Rule::Market.name(), "market");
}

/// Every refusal says what to do, and those about different rules say different things.
#[test]
fn rejections_come_with_advice() {
    let rules = [Rule::Reference, Rule::Anchor, Rule::SetUp, Rule::Signature, Rule::Lapsed, Rule::Proof];
    for (index, rule) in rules.into_iter().enumerate() {
        assert!(rule.advice().len() > 10, "{rule:?}");
        assert!(rules[..index].iter().all(|other| other.advice() != rule.advice()), "{rule:?}");
    }
}

#[test]
fn mistakes_in_texts_are_told_with_their_places() {
    let errors = Attestation::from_json("a.json", "{\n  \"kind\": 7\n}").unwrap_err();
    let located = LocatedProblem::in_text(&errors);
    assert_eq!(located.len(), errors.errors().len());
    let kind = located.iter().find(|problem| problem.problem.path == "kind").unwrap();
    assert_eq!((kind.input.as_str(), kind.line, kind.column), ("a.json", Some(2), Some(11)));
}
