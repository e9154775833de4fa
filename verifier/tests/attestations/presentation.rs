//! Whom an attestation is made for, and the subject's consent to it.

use surety_core::ident::{Bytes32, HexBytes};
use surety_verifier::{
    Attestation, Rejection, Rule,
    attestation::{
        check::{self, Presentation, VerifierTerms},
        consent::{consent, consent_hash},
        signature::SigningKey,
    },
};

use crate::{
    claims::attestation,
    fixture::{Scene, key, lenient, name, policy, subject},
};

const CHALLENGE: Bytes32 = HexBytes([0xc4; 32]);

fn to(presentation: Presentation) -> VerifierTerms<'static> {
    VerifierTerms { presentation, ..lenient() }
}

fn made_for(presentation: Bytes32) -> Scene {
    let mut scene = Scene::new();
    scene.claim.presentation = presentation;
    scene
}

/// What is wrong with an attestation that has no proof.
fn refusal(scene: &Scene, attestation: &Attestation) -> Rejection {
    check::verify(attestation, &scene.files(), &lenient()).unwrap_err()
}

/// A scene under a policy that requires consent.
fn consenting() -> Scene {
    let mut policy = policy();
    policy.consent = true;
    Scene::over(policy)
}

fn with_consent_of(scene: &Scene, key: &SigningKey) -> Attestation {
    let attestation = attestation(scene);
    let consent = consent(&scene.claim.audience, &attestation.context, key).unwrap();
    Attestation { consent: Some(consent), ..attestation }
}

/// Attack: whoever has seen an attestation shows it as one of its own.
#[test]
fn rejects_an_attestation_without_the_challenge() {
    for presentation in [Bytes32::ZERO, HexBytes([0xc5; 32])] {
        let scene = made_for(presentation);
        let rejection = scene.rejects_under(&to(Presentation::Exactly(CHALLENGE)), Rule::Presentation);
        assert_eq!(rejection.problem.path, "attestation: presentation");
        scene.examine(&to(Presentation::Exactly(presentation))).unwrap();
        scene.examine(&to(Presentation::Whomever)).unwrap();
    }
    let accepted = made_for(CHALLENGE).examine(&to(Presentation::Exactly(CHALLENGE))).unwrap();
    assert_eq!(accepted.presentation, Some(CHALLENGE));
}

/// Attack: show a verifier what was made for another.
#[test]
fn rejects_an_attestation_that_is_made_for_another() {
    made_for(CHALLENGE).rejects(Rule::Presentation);
    assert_eq!(made_for(Bytes32::ZERO).examine(&lenient()).unwrap().presentation, None);
}

/// Attack: take the presentation off, or put the challenge of another on.
#[test]
fn rejects_a_presentation_that_was_changed() {
    for (made, shown) in [(CHALLENGE, Bytes32::ZERO), (Bytes32::ZERO, CHALLENGE)] {
        let scene = made_for(made);
        let mut changed = attestation(&scene);
        changed.claim.presentation = shown;
        let terms = to(Presentation::Exactly(shown));
        let rejection = check::verify(&changed, &scene.files(), &terms).unwrap_err();
        assert_eq!(rejection.rule, Rule::Context, "{rejection}");
    }
}

#[test]
fn says_what_bearers_and_silence_do_not_establish() {
    let limits = |scene: &Scene, presentation| scene.examine(&to(presentation)).unwrap().not_established().join("\n");
    let bearer = limits(&Scene::new(), Presentation::Anybody);
    let made = limits(&made_for(CHALLENGE), Presentation::Exactly(CHALLENGE));
    assert!(bearer.contains("made for anybody") && !made.contains("made for anybody"), "{bearer}\n{made}");
    assert!(bearer.contains("the subject knows of it"), "{bearer}");
}

/// Attack: attest about a subject that has not agreed to it.
#[test]
fn rejects_no_consent_where_the_policy_requires_it() {
    let scene = consenting();
    let without = Attestation { consent: None, ..attestation(&scene) };
    assert_eq!(refusal(&scene, &without).rule, Rule::Consent);
    // Everything is in order but the proof, of which there is none.
    assert_eq!(refusal(&scene, &attestation(&scene)).rule, Rule::Proof);
    let scene = Scene::new();
    let without = Attestation { consent: None, ..attestation(&scene) };
    assert_eq!(refusal(&scene, &without).rule, Rule::Proof);
}

/// Attack: a consent of the prover's making, or to something else. It is refused also where none is needed.
#[test]
fn rejects_a_consent_that_is_not_the_subjects() {
    for scene in [Scene::new(), consenting()] {
        assert_eq!(refusal(&scene, &with_consent_of(&scene, &key(0x51))).rule, Rule::Consent);
        let mut later = scene.clone();
        later.claim.valid_until.0 -= 1;
        let other = Attestation { consent: attestation(&later).consent, ..attestation(&scene) };
        assert_eq!(refusal(&scene, &other).rule, Rule::Consent);
        let mut elsewhere = scene.claim.audience;
        elsewhere.chain_id += 1;
        let attestation = attestation(&scene);
        let consent = consent(&elsewhere, &attestation.context, &subject()).unwrap();
        let rejection = refusal(&scene, &Attestation { consent: Some(consent), ..attestation });
        assert_eq!(rejection.rule, Rule::Consent);
        assert_eq!(rejection.problem.path, "attestation: consent");
    }
}

/// Of `Consent(bytes32 context)` in the domain of the registry, computed with Foundry's `cast` from the specification.
#[test]
fn consents_are_those_of_the_contract() {
    let hash = consent_hash(&crate::fixture::AUDIENCE, &HexBytes([0x11; 32]));
    assert_eq!(hash.to_string(), "0x0b9d34460ab1604aca3e10806707ec7fa45e6d68e45c76bd34df39cb2fcb56d0");
}

/// Attack: a contract that signs whatever is asked of it, or that nobody can ask here.
#[test]
fn rejects_a_contract_as_a_source() {
    let mut policy = policy();
    policy.sources[1].contract = true;
    let scene = Scene::over(policy);
    let rejection = scene.rejects(Rule::ContractSource);
    assert!(rejection.problem.path.contains("main of"), "{rejection}");
    assert_eq!(scene.policy.policy().sources[1].name, name("venue"));
}

/// Whoever makes an attestation for a registry leaves the contract's signature to it, and no other.
#[test]
fn rejects_a_keys_signature_where_those_of_contracts_are_left_to_their_chain() {
    let mut policy = policy();
    policy.sources[1].contract = true;
    let mut scene = Scene::over(policy);
    let terms = VerifierTerms { contract_sources: true, ..lenient() };
    let venue = crate::fixture::venue().address();
    for statement in scene.claim.statements.iter_mut().filter(|statement| statement.source == venue) {
        statement.signature = HexBytes([7; 65]);
    }
    scene.examine(&terms).unwrap();
    for statement in scene.claim.statements.iter_mut().filter(|statement| statement.source != venue) {
        statement.signature = HexBytes([7; 65]);
    }
    scene.rejects_under(&terms, Rule::Signature);
}
