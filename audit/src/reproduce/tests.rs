use alloy_primitives::hex;
use serde_json::{Value, json};
use surety_core::{FormatVersion, kind::KindOf, text::Document as _};
use surety_host::directories::Directories;
use surety_kzg::{Srs, progress::Silent};
use surety_testing::node::answering;
use surety_walkthrough::example;

use super::*;

const VERIFIER: EvmAddress = HexBytes([7; 20]);

const CODE: &[u8] = &[0x60, 1, 0x60, 2];

/// A node of chain 1 that gives `answer` to every method but the question for the chain.
fn node(answer: impl Fn(&str, &Value) -> Value + Send + 'static) -> Node {
    Node::connect(&answering(answer)).unwrap()
}

/// The example over the development set-up, without a market, and a build whose runtime code is [`CODE`].
fn reproduction() -> Reproduction {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let setups = Setups::new(&Directories { cache: place("cache"), data: place("data"), state: place("state") });
    let mut universe = Universe::from_toml("universe.toml", example::UNIVERSE.text).unwrap();
    universe.srs = Srs::development(universe.capacity).id().bytes();
    let policy = Policy::read("policy.toml", example::POLICY.text, &universe).unwrap();
    let mut reproduction = Reproduction::of(policy, universe, None, &setups, &Silent).unwrap();
    reproduction.recompute(RUNTIME_CODE, keccak256(CODE));
    reproduction
}

/// Compares with a chain where this code is.
fn compare(code: &'static [u8]) -> Reproduction {
    let mut reproduction = reproduction();
    let node = node(move |method, parameters| {
        assert_eq!((method, &parameters[0]), ("eth_getCode", &json!(VERIFIER)));
        json!(hex::encode_prefixed(code))
    });
    reproduction.compare_chain(&node, Deployed::Verifier(VERIFIER)).unwrap();
    reproduction
}

#[test]
fn a_contract_with_the_code_of_the_source_agrees() {
    compare(CODE).verdict().unwrap();
}

/// Attack: a contract that answers every question as the verifier does, and accepts what it likes.
#[test]
fn rejects_a_contract_with_other_code() {
    for (code, found) in [(&[0x60, 1, 0x60, 3][..], "0x"), (&[], "no contract")] {
        let Err(ReproduceError::Differs { by, name, expected, found: claimed, differing: 1, .. }) =
            compare(code).verdict()
        else {
            panic!("{code:?} agrees");
        };
        assert_eq!((name, expected), (RUNTIME_CODE.to_owned(), keccak256(CODE).to_string()));
        assert!(by.contains(&VERIFIER.to_string()) && by.contains("chain 1"), "{by}");
        assert!(claimed.starts_with(found), "{claimed}");
    }
}

#[test]
fn rejects_a_contract_where_nobody_knows_its_code() {
    let mut reproduction = reproduction();
    reproduction.things.retain(|thing| thing.name != RUNTIME_CODE);
    let node = node(|_, _| json!("0x"));
    let error = reproduction.compare_chain(&node, Deployed::Verifier(VERIFIER)).unwrap_err();
    assert!(matches!(error, ReproduceError::NoRuntimeCode), "{error}");
}

/// What this program says of the keys that are checked in is no claim of anybody's.
#[test]
fn rejects_to_agree_with_nobody() {
    let error = reproduction().verdict().unwrap_err();
    assert!(matches!(error, ReproduceError::Nothing) && error.class() == Class::Input, "{error}");
}

/// Attack: commitments for one price more, which the identifiers in the same file do not speak of.
#[test]
fn rejects_commitments_that_the_policy_does_not_have() {
    let honest = reproduction().ground.policy.file();
    let verdict = |change: fn(&mut CompiledPolicyFile)| {
        let (mut reproduction, mut file) = (reproduction(), honest.clone());
        change(&mut file);
        reproduction.compare_compiled("file", &file);
        reproduction.verdict()
    };
    verdict(|_| {}).unwrap();
    let changes: [fn(&mut CompiledPolicyFile); 4] = [
        |file| file.levels[0].market.push(HexBytes([1; 64])),
        |file| file.levels[0].market.truncate(1),
        |file| file.levels.swap(0, 1),
        |file| file.levels.push(file.levels[0].clone()),
    ];
    for change in changes {
        let error = verdict(change).unwrap_err();
        assert!(matches!(&error, ReproduceError::Differs { name, .. } if name == LEVELS), "{error}");
    }
}

/// An oracle keeps the newest two snapshots. What it has replaced is no fault of the file's, and is not passed over.
#[test]
fn what_the_oracle_no_longer_has_is_said() {
    let mut reproduction = reproduction();
    let fact = Fact {
        name: EPOCH.to_owned(),
        expected: "7".to_owned(),
        basis: Provenance::Recomputed,
        found: "7".to_owned(),
        holds: true,
    };
    let taken = |is_previous_gone| Some(Taken { facts: vec![fact.clone()], is_previous_gone });
    let mut limits = |taken| {
        let before = reproduction.not_established.len();
        reproduction.compare_taken("oracle", taken);
        reproduction.verdict().unwrap();
        reproduction.not_established[before..].to_vec()
    };
    assert_eq!(limits(taken(false)), [""; 0]);
    let gone = limits(taken(true));
    assert!(gone.len() == 1 && gone[0].contains("prices before") && gone[0].contains("not compared"), "{gone:?}");
    let replaced = limits(None);
    assert!(replaced.len() == 1 && replaced[0].contains("newest two"), "{replaced:?}");
}

/// An attestation for the contracts of a deployment says no more than that whoever made it was given the same
/// addresses.
#[test]
fn addresses_are_known_from_the_deployments_file_alone() {
    let attestation = include_str!("../../../fuzz/seeds/attestation/demo.json");
    let attestation = Attestation::from_json("attestation.json", attestation).unwrap();
    let claim = &attestation.claim;
    let mut reproduction = reproduction();
    reproduction.ground.deployed = Some(Deployment {
        kind: KindOf::new(),
        version: FormatVersion,
        chain_id: claim.audience.chain_id,
        verifying_key: claim.verifying_key,
        verifier: claim.verifier,
        policies: VERIFIER,
        oracle: VERIFIER,
        registry: claim.audience.registry,
        books: None,
        vault: None,
    });
    reproduction.compare_attestation("attestation", &attestation);
    reproduction.verdict().unwrap();
    let of = |basis| reproduction.things.iter().filter(move |thing| thing.basis == basis).map(|thing| &*thing.name);
    assert_eq!(of(Provenance::Deployment).collect::<Vec<_>>(), [CONTRACT, REGISTRY]);
    assert!(of(Provenance::Recomputed).any(|name| name == POLICY));
}
