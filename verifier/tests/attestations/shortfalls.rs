//! Levels that claim a shortfall: what they are about, and that they never count as sufficiency, nor the reverse.

use surety_core::{
    ident::HexBytes,
    units::{Ppm, Timestamp},
};
use surety_kzg::scalar;
use surety_margin::{
    level::{Claimed, Level},
    models::Model,
    policy::Policy,
};
use surety_verifier::{
    Attestation, Rule,
    attestation::{
        check::{self, Asked, ESTABLISHED, SHORTFALL_ESTABLISHED, SHORTFALL_ESTABLISHED_WITH_VAULT, VerifierTerms},
        identifiers::{LevelId, PolicyId},
        vault::VaultState,
    },
};

use crate::{
    claims::attestation,
    fixture::{BALANCES_AT, Scene, compile, lenient, name, policy, vault_policy, vault_state},
};

/// A policy with the shortfall of its second level as well.
fn short(mut policy: Policy) -> Policy {
    let level = policy.levels[1].clone();
    policy.levels.push(Level { name: name("initial-shortfall"), claim: Claimed::Shortfall, ..level });
    policy
}

/// A claim of that shortfall.
fn scene(policy: Policy) -> Scene {
    let mut scene = Scene::over(short(policy));
    scene.claim.level = name("initial-shortfall");
    scene
}

fn asking(asked: Asked) -> VerifierTerms<'static> {
    VerifierTerms { asked, ..lenient() }
}

const SHORTFALL: Asked = Asked::Only(Claimed::Shortfall);

#[test]
fn a_shortfall_is_accepted_as_one_and_says_so() {
    for asked in [SHORTFALL, Asked::Either] {
        let accepted = scene(policy()).examine(&asking(asked)).unwrap();
        assert_eq!((accepted.claim, accepted.below), (Claimed::Shortfall, None));
        let findings = check::Accepted { insecure_srs: false, ..accepted }.findings();
        assert_eq!(findings["claim"], "shortfall");
        assert_eq!(findings["established"], SHORTFALL_ESTABLISHED);
        let limits = findings["not_established"].to_string();
        assert!(limits.contains("has nothing that these sources do not know of"), "{limits}");
        assert!(!limits.contains("owes nothing") && !limits.contains("another lender"), "{limits}");
    }
    // Of what says nothing about it, nothing more is said than before.
    let findings = Scene::new().examine(&lenient()).unwrap().findings();
    assert_eq!((findings.get("claim"), findings.get("below")), (None, None));
}

/// Attack: the valid proof of an account's shortfall, shown to somebody who asks whether the account is sufficient.
#[test]
fn rejects_a_shortfall_where_sufficiency_is_asked_for() {
    let rejection = scene(policy()).rejects(Rule::Claimed);
    assert_eq!(rejection.problem.path, "attestation: level");
    assert!(rejection.to_string().contains("initial-shortfall, which claims a shortfall"), "{rejection}");
}

/// Attack: the proof that an account is sufficient, shown to somebody who may liquidate what is short.
#[test]
fn rejects_sufficiency_where_a_shortfall_is_asked_for() {
    Scene::new().rejects_under(&asking(SHORTFALL), Rule::Claimed);
}

/// Attack: a proof made for one claim under the identifier of the other.
#[test]
fn rejects_the_context_of_the_other_claim() {
    let [sufficient, short] =
        [Claimed::Sufficient, Claimed::Shortfall].map(|claim| Level { claim, ..policy().levels[2].clone() });
    assert_eq!(LevelId::of(&sufficient), LevelId::named(&sufficient.name));
    assert_ne!(LevelId::of(&short), LevelId::of(&sufficient));
    // The commitments may even be the same: a name alone tells nobody what it claims.
    let id = |level: &Level| -> PolicyId {
        let mut policy = policy();
        policy.levels.push(Level { name: name("another"), ..level.clone() });
        compile(policy).committed().id()
    };
    assert_ne!(id(&short), id(&sufficient));

    let scene = scene(policy());
    let mut other = attestation(&scene);
    let mut context = check::examine(&scene.claim, &scene.files(), &asking(SHORTFALL)).unwrap().context;
    context.level = LevelId::named(&scene.claim.level);
    other.context = HexBytes(scalar::to_bytes(&context.hash()));
    let rejection = check::verify(&other, &scene.files(), &asking(SHORTFALL)).unwrap_err();
    assert_eq!(rejection.rule, Rule::Context);
}

/// Nobody consents to a proof that it is short.
#[test]
fn a_shortfall_needs_no_consent() {
    let consenting = || Policy { consent: true, ..policy() };
    let refused = |scene: &Scene, asked| {
        let unsigned = Attestation { consent: None, ..attestation(scene) };
        check::verify(&unsigned, &scene.files(), &asking(asked)).unwrap_err().rule
    };
    // The fixture has no proof: what is refused last is the proof.
    assert_eq!(refused(&scene(consenting()), SHORTFALL), Rule::Proof);
    let sufficient = Scene::over(short(consenting()));
    assert_eq!(refused(&sufficient, Asked::Either), Rule::Consent);
}

/// Collateral that came late, or that may be counted twice, makes nobody short who is not.
#[test]
fn late_collateral_stands_in_no_shortfalls_way() {
    let late = VaultState { grown_at: Timestamp(BALANCES_AT + 10_000), ..vault_state() };
    let under = |asked| VerifierTerms { vault: Some(late), ..asking(asked) };
    let mut scene = scene(vault_policy());
    scene.claim.vault_checkpoint = late.checkpoint();
    let accepted = scene.examine(&under(SHORTFALL)).unwrap();
    let sound = check::Accepted { insecure_srs: false, ..accepted };
    assert_eq!(sound.established(), SHORTFALL_ESTABLISHED_WITH_VAULT);
    let limits = sound.not_established().join("; ");
    assert!(limits.contains("nothing has left the vault"), "{limits}");
    scene.claim.level = name("initial");
    scene.rejects_under(&under(Asked::Either), Rule::Standing);
}

#[test]
fn a_band_is_a_level_that_says_where_it_ends() {
    let mut banded = policy();
    banded.levels[1].below = Some(Ppm(3_000_000));
    // A small class has room for the bits of few scenarios.
    if let Model::Scenario(model) = &mut banded.model {
        model.scenarios.truncate(2);
    }
    let accepted = Scene::over(banded).examine(&lenient()).unwrap();
    assert_eq!((accepted.claim, accepted.below), (Claimed::Sufficient, Some(Ppm(3_000_000))));
    let sound = check::Accepted { insecure_srs: false, ..accepted };
    assert_eq!(sound.established(), ESTABLISHED);
    assert_eq!(sound.findings()["below"], 3_000_000);
}
