//! What a claim refers to, and the proof that must be about it.

use ff::Field;
use halo2curves::bn256::G2;
use surety_core::{
    FormatVersion,
    failure::{Class, Failure as _},
    ident::HexBytes,
    kind::KindOf,
    text::Document,
    units::Seconds,
};
use surety_kzg::{Capacity, Fr, G1, G1Affine, G2Affine, Params, Srs, progress::Silent, scalar};
use surety_margin::policy::Policy;
use surety_verifier::{
    Attestation, CompiledPolicy, Protocol, Rule, Trust, VerifyingKey,
    attestation::{
        check::{self, Asked, Groundwork, Presentation, VerifierTerms},
        consent::consent,
        signature::KnownKeys,
    },
    proof::encoding::{PROOF_BYTES, ProofBytes},
};

use crate::fixture::{Case, Scene, Spoil, compile, lenient, name, policy, setup, subject, universe};

/// The claim of a scene with its context and its subject's consent, and no proof.
pub(crate) fn attestation(scene: &Scene) -> Attestation {
    let terms = VerifierTerms { presentation: Presentation::Whomever, asked: Asked::Either, ..lenient() };
    let examined = check::examine(&scene.claim, &scene.files(), &terms).unwrap();
    let context = HexBytes(scalar::to_bytes(&examined.context.hash()));
    Attestation {
        kind: KindOf::new(),
        version: FormatVersion,
        claim: scene.claim.clone(),
        context,
        proof: ProofBytes::ZERO,
        scopes: None,
        consent: Some(consent(&scene.claim.audience, &context, &subject()).unwrap()),
    }
}

#[test]
fn a_claim_in_order_says_what_a_proof_would_establish() {
    let scene = Scene::new();
    let examined = check::examine(&scene.claim, &scene.files(), &lenient()).unwrap();
    let level = scene.policy.level(&name("initial")).unwrap();
    assert_eq!((examined.known.idx, examined.known.flag), (level.idx, level.flag));
    assert_eq!(examined.known.coef, examined.context.coef);
    assert_eq!(examined.accepted.policy_id, scene.policy.id());
    assert_eq!(examined.accepted.level, name("initial"));
    assert!(examined.accepted.insecure_srs);
}

/// What is computed once for many changes no verdict, whatever came before.
#[test]
fn shared_groundwork_changes_no_verdict() {
    let mut scene = Scene::new();
    let spoils: [Spoil<Scene>; 9] = [
        |_| {},
        |scene| scene.claim.level = name("maintenance"),
        |scene| scene.claim.level = name("no-such-level"),
        |scene| scene.claim.epoch += 1,
        |scene| scene.claim.statements[0].signature.0[40] ^= 1,
        |scene| scene.claim.statements[1].as_of.0 += 1,
        |scene| drop(scene.claim.statements.pop()),
        |scene| scene.resign(|_, statement| statement.sequence += 1),
        |scene| scene.claim.valid_until.0 = u64::MAX,
    ];
    let original = scene.clone();
    let keys = KnownKeys::default();
    let groundwork = Groundwork::new(original.files(), &keys);
    let mut accepted = 0;
    for _ in 0..2 {
        for spoil in spoils {
            scene.claim = original.claim.clone();
            spoil(&mut scene);
            let shared = groundwork.examine(&scene.claim, &lenient());
            let alone = check::examine(&scene.claim, &original.files(), &lenient());
            let facts = |examined: check::Examined| (examined.accepted, examined.context, examined.known);
            accepted += usize::from(alone.is_ok());
            assert_eq!(shared.map(facts), alone.map(facts));
        }
    }
    assert_eq!(accepted, 6);
}

/// A snapshot that is no good is no good for every claim.
#[test]
fn rejects_every_claim_over_a_snapshot_that_is_not_signed() {
    let mut scene = Scene::new();
    scene.snapshot.reports[0].signature.0[40] ^= 1;
    let keys = KnownKeys::default();
    let groundwork = Groundwork::new(scene.files(), &keys);
    for _ in 0..2 {
        assert_eq!(groundwork.examine(&scene.claim, &lenient()).unwrap_err().rule, Rule::Signature);
    }
}

#[test]
fn rejects_another_policy() {
    let changes: [Spoil<Policy>; 4] = [
        |policy| policy.validity = Seconds(policy.validity.0 - 1),
        |policy| policy.oracle.quorum = 1,
        |policy| policy.sources[0].accounts.truncate(1),
        |policy| policy.levels.truncate(2),
    ];
    for change in changes {
        let mut scene = Scene::new();
        let mut other = policy();
        change(&mut other);
        scene.policy = compile(other).committed().clone();
        let rejection = scene.rejects(Rule::Reference);
        assert_eq!((&*rejection.problem.path, rejection.class()), ("policy", Class::Mismatch));
        assert!(rejection.problem.expected.contains(&scene.claim.policy.0.to_string()), "{rejection}");
        assert!(rejection.problem.found.contains(&scene.policy.id().0.to_string()), "{rejection}");
    }
}

#[test]
fn rejects_identifiers_other_than_those_of_the_files() {
    let changes: [Case<Scene>; 7] = [
        ("universe: set-up", |scene| scene.claim.srs.0[0] ^= 1),
        ("universe", |scene| scene.claim.universe.0.0[0] ^= 1),
        ("policy", |scene| scene.claim.policy.0.0[0] ^= 1),
        ("verifying key", |scene| scene.claim.verifying_key.0[0] ^= 1),
        ("market: epoch", |scene| scene.claim.epoch += 1),
        ("market", |scene| scene.claim.snapshot.0.0[0] ^= 1),
        ("attestation: level", |scene| scene.claim.level = name("lax")),
    ];
    for (input, change) in changes {
        let mut scene = Scene::new();
        change(&mut scene);
        let rejection = scene.rejects(Rule::Reference);
        assert_eq!((&*rejection.problem.path, rejection.class()), (input, Class::Mismatch));
    }
}

#[test]
fn rejects_another_subject_or_audience() {
    let mut scene = Scene::new();
    scene.claim.subject.0[0] ^= 1;
    scene.rejects(Rule::Subject);
    let mut scene = Scene::new();
    scene.claim.audience.chain_id = 1;
    scene.rejects(Rule::Audience);
    let mut scene = Scene::new();
    scene.claim.audience.registry.0[0] ^= 1;
    scene.rejects(Rule::Audience);
}

/// A native verifier does not know what lies in a vault.
#[test]
fn rejects_claims_on_a_vault() {
    let mut scene = Scene::new();
    scene.claim.vault_checkpoint = HexBytes([1; 32]);
    scene.rejects(Rule::Vault);
}

#[test]
fn rejects_a_key_of_another_capacity_class() {
    let mut scene = Scene::new();
    let capacity = Capacity::new(10).unwrap();
    scene.verifying_key = VerifyingKey::derive(Protocol::of(capacity).unwrap(), &Srs::development(capacity)).unwrap();
    assert_eq!(scene.rejects(Rule::Reference).problem.path, "verifying key: capacity class");
}

/// Attack: a proof over a set-up whose secret is known. No file may allow it, a trust file included.
#[test]
fn rejects_the_development_set_up_unless_told_otherwise() {
    let scene = Scene::new();
    let terms = VerifierTerms { allow_insecure_srs: false, ..lenient() };
    assert_eq!(scene.rejects_under(&terms, Rule::SetUp).class(), Class::Mismatch);
    let text = format!("kind = \"surety/trust\"\nversion = 1\nsrs = \"{}\"\n", setup().0.id());
    let trust = Trust::from_toml("trust.toml", &text).unwrap();
    scene.rejects_under(&VerifierTerms { trust: Some(&trust), ..terms }, Rule::SetUp);
}

#[test]
fn rejects_a_context_of_another_claim() {
    let scene = Scene::new();
    for bit in [0, 255] {
        let mut attestation = attestation(&scene);
        attestation.context.0[bit / 8] ^= 0x80 >> (bit % 8);
        let rejection = check::verify(&attestation, &scene.files(), &lenient()).unwrap_err();
        assert_eq!((rejection.rule, rejection.class()), (Rule::Context, Class::Mismatch));
    }
    // A level with another name, a shorter life: in order, but not what was proven.
    let changes: [Spoil<Attestation>; 3] = [
        |attestation| attestation.claim.level = name("maintenance"),
        |attestation| attestation.claim.valid_until.0 -= 1,
        |attestation| attestation.claim.verifier.0[0] ^= 1,
    ];
    for change in changes {
        let mut attestation = attestation(&scene);
        change(&mut attestation);
        assert_eq!(check::verify(&attestation, &scene.files(), &lenient()).unwrap_err().rule, Rule::Context);
    }
}

#[test]
fn rejects_bytes_that_are_no_proof() {
    let scene = Scene::new();
    let mut attestation = attestation(&scene);
    for bytes in [[0; PROOF_BYTES], [0xff; PROOF_BYTES], [1; PROOF_BYTES]] {
        attestation.proof = HexBytes(bytes);
        let rejection = check::verify(&attestation, &scene.files(), &lenient()).unwrap_err();
        assert_eq!((rejection.rule, rejection.class()), (Rule::Proof, Class::Invalid));
    }
}

/// A scene over a set-up that no ceremony has published.
fn scene_over_unknown_set_up() -> Scene {
    let tau = Fr::from(0x5eed_5eed_5eed);
    let powers = core::iter::successors(Some(Fr::ONE), |power| Some(*power * tau)).take(512);
    let powers = powers.map(|power| G1Affine::from(G1::generator() * power)).collect();
    let srs = Srs::new_checked(powers, G2Affine::from(G2::generator() * tau)).unwrap();
    let params = Params::from_srs(&srs, srs.capacity(), &Silent).unwrap();
    let mut universe = universe();
    universe.srs = srs.id().bytes();

    let mut scene = Scene::new();
    scene.policy = CompiledPolicy::compile(policy(), universe, &params).unwrap().committed().clone();
    scene.verifying_key = VerifyingKey::derive(Protocol::of(srs.capacity()).unwrap(), &srs).unwrap();
    scene.claim.srs = srs.id().bytes();
    scene.claim.universe = scene.policy.universe_id();
    scene.claim.policy = scene.policy.id();
    scene.claim.verifying_key = scene.verifying_key.digest().bytes();
    let universe = scene.claim.universe;
    scene.resign(|_, statement| statement.universe = universe);
    scene
}

/// Attack: a set-up of one's own. Allowing the development set-up does not allow this one.
#[test]
fn rejects_a_set_up_of_unknown_origin_unless_it_is_pinned() {
    let scene = scene_over_unknown_set_up();
    scene.rejects(Rule::SetUp);
    let text = format!("kind = \"surety/trust\"\nversion = 1\nsrs = \"{}\"\n", scene.claim.srs);
    let trust = Trust::from_toml("trust.toml", &text).unwrap();
    let terms = VerifierTerms { trust: Some(&trust), allow_insecure_srs: false, ..lenient() };
    assert!(!scene.examine(&terms).unwrap().insecure_srs);
}

/// Attack: a key over the development set-up for a universe over a sound one.
#[test]
fn rejects_a_key_over_another_set_up() {
    let mut scene = Scene::new();
    scene.verifying_key = scene_over_unknown_set_up().verifying_key;
    assert_eq!(scene.rejects(Rule::Reference).problem.path, "verifying key: set-up");
}
