//! A verifier's own anchors: what they catch that nothing else does, and what is said where they are missing.

use std::collections::BTreeMap;

use surety_core::{
    failure::{Class, Failure as _},
    ident::{EvmAddress, HexBytes, Name},
    text::Document,
    units::Timestamp,
};
use surety_verifier::{
    CommittedPolicy, Rule, Statement, Trust,
    attestation::{
        check::VerifierTerms,
        eip712::Audience,
        identifiers::{PolicyId, SnapshotId},
        signature::SigningKey,
        trust::{Faith, Newest},
    },
};

use crate::fixture::{
    AUDIENCE, Case, EPOCH, NOW, SEQUENCE, SUBJECT, Scene, Spoil, custodian, key, lenient, name, oracle_node, policy,
    snapshot, vault_state, venue,
};

const NONE: Trust = Trust::nothing();

fn addresses(entries: &[(&str, EvmAddress)]) -> BTreeMap<Name, EvmAddress> {
    entries.iter().map(|(text, address)| (name(text), *address)).collect()
}

fn sequences(main: u64) -> BTreeMap<Name, BTreeMap<Name, Newest>> {
    let [main, cold, venue] = [main, SEQUENCE, SEQUENCE - 1].map(Newest::numbered);
    let custodian = BTreeMap::from([(name("main"), main), (name("cold"), cold)]);
    BTreeMap::from([(name("custodian"), custodian), (name("venue"), BTreeMap::from([(name("main"), venue)]))])
}

/// Everything that there is to pin.
fn full(scene: &Scene) -> Trust {
    Trust {
        policy: Some(scene.policy.id()),
        srs: Some(scene.policy.universe().srs),
        subject: Some(SUBJECT),
        level: Some(name("initial")),
        epoch: Some(EPOCH),
        snapshots: Some(vec![scene.claim.snapshot]),
        verifier: Some(scene.claim.verifier),
        audience: Some(AUDIENCE),
        sources: Some(addresses(&[("custodian", custodian().address()), ("venue", venue().address())])),
        oracles: Some(addresses(&[
            ("oracle-0", oracle_node(0).address()),
            ("oracle-1", oracle_node(1).address()),
            ("oracle-2", oracle_node(2).address()),
        ])),
        sequences: sequences(SEQUENCE),
        ..NONE
    }
}

fn under(trust: &Trust) -> VerifierTerms<'_> {
    VerifierTerms { trust: Some(trust), ..lenient() }
}

fn strictly(trust: &Trust) -> VerifierTerms<'_> {
    VerifierTerms { strict: true, ..under(trust) }
}

#[test]
fn with_every_anchor_nothing_is_taken_on_faith() {
    let scene = Scene::new();
    let accepted = scene.examine(&strictly(&full(&scene))).unwrap();
    assert_eq!(accepted.faith, []);
    assert!(!accepted.not_established().is_empty(), "some things no anchor establishes");
}

#[test]
fn without_anchors_everything_is_said_to_be_taken_on_faith() {
    let scene = Scene::new();
    let expected = [
        Faith::Policy,
        Faith::SetUp,
        Faith::Audience,
        Faith::Sources,
        Faith::Oracles,
        Faith::Sequences,
        Faith::Epoch,
        Faith::Reports,
    ];
    assert_eq!(scene.examine(&lenient()).unwrap().faith, expected);
    assert_eq!(scene.examine(&under(&NONE)).unwrap().faith, expected);
}

#[test]
fn rejects_each_missing_anchor_when_strict() {
    let scene = Scene::new();
    let without: [(Faith, Spoil<Trust>); 8] = [
        (Faith::Policy, |trust| trust.policy = None),
        (Faith::SetUp, |trust| trust.srs = None),
        (Faith::Epoch, |trust| trust.epoch = None),
        (Faith::Reports, |trust| trust.snapshots = None),
        (Faith::Audience, |trust| trust.audience = None),
        (Faith::Sources, |trust| trust.sources = None),
        (Faith::Oracles, |trust| trust.oracles = None),
        (Faith::Sequences, |trust| {
            trust.sequences.remove(&name("venue"));
        }),
    ];
    for (faith, remove) in without {
        let mut trust = full(&scene);
        remove(&mut trust);
        assert_eq!(scene.examine(&under(&trust)).unwrap().faith, [faith]);
        let rejection = scene.rejects_under(&strictly(&trust), Rule::Strict);
        assert!(rejection.problem.found.contains(&faith.to_string()), "{rejection}");
    }
    let strict = VerifierTerms { strict: true, ..lenient() };
    scene.rejects_under(&strict, Rule::Strict);
}

/// Attack: a file of balances that nobody has read from the vault's chain.
#[test]
fn rejects_balances_of_a_vault_that_nobody_vouches_for_when_strict() {
    let scene = Scene::with_vault();
    let with_vault = |trust| VerifierTerms { vault: Some(vault_state()), ..strictly(trust) };
    let pinned = Trust { vaults: Some(vec![vault_state().checkpoint()]), ..full(&scene) };
    assert_eq!(scene.examine(&with_vault(&pinned)).unwrap().faith, []);
    let rejection = scene.rejects_under(&with_vault(&full(&scene)), Rule::Strict);
    assert!(rejection.problem.found.contains(&Faith::Vault.to_string()), "{rejection}");
}

/// Attack: of many reports, take those that are kindest.
#[test]
fn rejects_a_choice_of_reports_when_strict() {
    for nodes in [&[0, 2][..], &[0, 1, 2]] {
        let mut scene = Scene::new();
        scene.take_snapshot(snapshot(&scene.policy, nodes));
        let mut trust = full(&scene);
        scene.examine(&strictly(&trust)).unwrap();
        trust.snapshots = None;
        assert_eq!(scene.examine(&under(&trust)).unwrap().faith, [Faith::Reports]);
        scene.rejects_under(&strictly(&trust), Rule::Strict);
    }
}

/// Attack: a policy, sources, oracle nodes, a set-up, a registry of the holder's making, all in order among themselves.
#[test]
fn rejects_whatever_differs_from_an_anchor() {
    let scene = Scene::new();
    let cases: [Case<Trust>; 11] = [
        ("policy", |trust| trust.policy = Some(PolicyId(HexBytes([1; 32])))),
        ("attestation: subject", |trust| trust.subject = Some(HexBytes([1; 20]))),
        ("attestation: level", |trust| trust.level = Some(name("maintenance-1.5x"))),
        ("universe: set-up", |trust| trust.srs = Some(HexBytes([1; 32]))),
        ("attestation: chain", |trust| trust.audience = Some(Audience { chain_id: 1, ..AUDIENCE })),
        ("attestation: registry", |trust| trust.audience = Some(Audience { registry: HexBytes([1; 20]), ..AUDIENCE })),
        ("attestation: verifier", |trust| trust.verifier = Some(HexBytes([1; 20]))),
        ("policy: source custodian", |trust| {
            trust.sources = Some(addresses(&[("custodian", venue().address()), ("venue", venue().address())]));
        }),
        ("policy: source venue", |trust| trust.sources = Some(addresses(&[("custodian", custodian().address())]))),
        ("policy: oracle node oracle-0", |trust| {
            trust.oracles = Some(addresses(&[("oracle-0", key(0x77).address())]));
        }),
        ("market", |trust| trust.snapshots = Some(vec![SnapshotId(HexBytes([1; 32]))])),
    ];
    for (input, change) in cases {
        let mut trust = full(&scene);
        change(&mut trust);
        let rejection = scene.rejects_under(&under(&trust), Rule::Anchor);
        assert_eq!((&*rejection.problem.path, rejection.class()), (input, Class::Mismatch));
    }
}

/// Attack: the market of an hour ago was kinder.
#[test]
fn rejects_an_epoch_older_than_the_newest_known() {
    let scene = Scene::new();
    let mut trust = full(&scene);
    trust.epoch = Some(EPOCH - 1);
    scene.examine(&under(&trust)).unwrap();
    trust.epoch = Some(EPOCH + 1);
    scene.rejects_under(&under(&trust), Rule::Superseded);
}

/// Attack: balances that a source has since corrected.
#[test]
fn rejects_a_sequence_older_than_the_last_seen() {
    let scene = Scene::new();
    let mut trust = full(&scene);
    trust.sequences = sequences(SEQUENCE + 1);
    let rejection = scene.rejects_under(&under(&trust), Rule::Superseded);
    assert!(rejection.problem.path.contains("about main of"), "{rejection}");
}

/// Attack: of two statements with one number, show the one that the verifier has not seen.
#[test]
fn rejects_another_statement_with_the_number_of_the_newest() {
    let scene = Scene::new();
    let mut trust = full(&scene);
    for statement in &scene.claim.statements {
        trust.supersede(statement, Timestamp(NOW)).unwrap();
    }
    scene.examine(&strictly(&trust)).unwrap();
    for index in 0..scene.claim.statements.len() {
        let mut other = scene.clone();
        other.resign(|at, statement| statement.valid_until.0 -= u64::from(at == index));
        let rejection = other.rejects_under(&under(&trust), Rule::SequenceRepeated);
        assert!(rejection.problem.expected.contains("sequence number 7"), "{rejection}");
        other.resign(|at, statement| statement.sequence += u64::from(at == index));
        other.examine(&strictly(&trust)).unwrap();
    }
}

/// Attack: withdraw everything, and show what a source has stated before.
#[test]
fn rejects_statements_older_than_one_that_was_taken_in() {
    let scene = Scene::new();
    let mut trust = full(&scene);
    let mut newer = scene.clone();
    newer.resign(|_, statement| statement.sequence += 1);
    let statement = newer.claim.statements.iter().find(|statement| statement.account == name("cold")).unwrap();
    let taken = trust.supersede(statement, Timestamp(NOW)).unwrap();
    assert_eq!((taken.source, taken.account), (name("custodian"), name("cold")));
    assert_eq!((taken.before, taken.newest), (Some(Newest::numbered(SEQUENCE)), Newest::of(statement)));
    scene.rejects_under(&under(&trust), Rule::Superseded);
    newer.examine(&strictly(&trust)).unwrap();
    let text = trust.to_toml().unwrap();
    assert_eq!(Trust::from_toml("trust.toml", &text).unwrap(), trust);
}

/// Attack: end somebody's attestations with a statement that no source has made, or that is about something else.
#[test]
fn rejects_taking_in_a_statement_that_is_none_of_the_sources() {
    let scene = Scene::new();
    let original = scene.claim.statements[0].clone();
    let signed = |change: Spoil<Statement>, key: &SigningKey| {
        let mut statement = original.clone();
        change(&mut statement);
        statement.signed(key).unwrap()
    };
    let source = [custodian(), venue()].into_iter().find(|key| key.address() == original.source).unwrap();
    let mut forged = signed(|statement| statement.sequence = 100, &source);
    forged.sequence += 1;
    let cases = [
        (Rule::Signature, forged),
        (Rule::Anchor, signed(|_| {}, &key(0x77))),
        (Rule::Anchor, signed(|statement| statement.subject.0[0] ^= 1, &source)),
        (Rule::Anchor, signed(|statement| statement.audience.chain_id += 1, &source)),
        (Rule::Anchor, signed(|statement| statement.audience.registry.0[0] ^= 1, &source)),
        (Rule::NotYet, signed(|statement| statement.as_of = Timestamp(NOW + 1), &source)),
        (Rule::Superseded, signed(|statement| statement.sequence = 1, &source)),
    ];
    for (rule, statement) in cases {
        let mut trust = full(&scene);
        let before = trust.clone();
        let rejection = trust.supersede(&statement, Timestamp(NOW)).unwrap_err();
        assert_eq!(rejection.rule, rule, "{rejection}");
        assert_eq!(trust.sequences, before.sequences);
    }
    let without: [Spoil<Trust>; 3] =
        [|trust| trust.audience = None, |trust| trust.subject = None, |trust| trust.sources = None];
    for remove in without {
        let mut trust = full(&scene);
        remove(&mut trust);
        let rejection = trust.supersede(&original, Timestamp(NOW)).unwrap_err();
        assert_eq!((rejection.rule, &*rejection.problem.path), (Rule::Anchor, "trust file"), "{rejection}");
    }
}

#[test]
fn rejects_newest_statements_that_are_none() {
    let text = |value: &str| format!("kind = \"surety/trust\"\nversion = 1\n[sequences.custodian]\nmain = {value}\n");
    let hash = format!("\"0x{}\"", "11".repeat(32));
    let read = |value: &str| Trust::from_toml("trust.toml", &text(value));
    read("7").unwrap();
    read(&format!("{{ sequence = 7, statement = {hash} }}")).unwrap();
    for value in ["-1", "\"7\"", "{ sequence = 7 }", "{ sequence = 7, statement = 5 }", "[7]"] {
        assert_eq!(read(value).unwrap_err().errors()[0].line, 4, "{value}");
    }
}

/// Attack: publish commitments to a laxer program along with the policy that everybody reads.
#[test]
fn published_commitments_are_faith_unless_the_policy_is_pinned() {
    let mut scene = Scene::new();
    let file = scene.policy.file();
    scene.policy = CommittedPolicy::published(policy(), crate::fixture::universe(), &file).unwrap();
    assert!(scene.examine(&lenient()).unwrap().faith.contains(&Faith::Commitments));
    assert_eq!(scene.examine(&strictly(&full(&scene))).unwrap().faith, []);
}

#[test]
fn files_say_what_is_pinned_and_nothing_else() {
    let trust = full(&Scene::new());
    let text = trust.to_toml().unwrap();
    assert_eq!(Trust::from_toml("trust.toml", &text).unwrap(), trust);
    assert_eq!(Trust::from_toml("trust.toml", "kind = \"surety/trust\"\nversion = 1\n").unwrap(), NONE);
}

/// A typing error must not silently drop an anchor.
#[test]
fn rejects_unknown_anchors() {
    for line in ["polcy = \"0x00\"", "allow_insecure_srs = true", "strict = false", "[audiences]"] {
        let text = format!("kind = \"surety/trust\"\nversion = 1\n{line}\n");
        let errors = Trust::from_toml("trust.toml", &text).unwrap_err();
        assert_eq!(errors.errors()[0].line, 3, "{errors}");
    }
}

/// Attack: two policies call one source by two names, and the newer statement is filed under one of them alone.
#[test]
fn rejects_older_statements_of_a_source_under_each_of_its_names() {
    let scene = Scene::new();
    let mut trust = full(&scene);
    trust.sources.as_mut().unwrap().insert(name("acme"), custodian().address());
    let cold = |scene: &Scene| {
        let mut statements = scene.claim.statements.iter();
        statements.find(|statement| statement.account == name("cold")).unwrap().clone()
    };
    let mut older = scene.clone();
    older.resign(|_, statement| statement.sequence -= 3);
    let rejection = trust.clone().supersede(&cold(&older), Timestamp(NOW)).unwrap_err();
    assert_eq!(rejection.rule, Rule::Superseded, "{rejection}");
    let mut newer = scene.clone();
    newer.resign(|_, statement| statement.sequence += 1);
    let taken = trust.supersede(&cold(&newer), Timestamp(NOW)).unwrap();
    assert_eq!(taken.before.map(|before| before.sequence), Some(cold(&scene).sequence));
    scene.rejects_under(&strictly(&trust), Rule::Superseded);
}
