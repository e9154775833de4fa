//! Sources that may state some instruments alone, as far as no valid proof is needed.

use group::Curve as _;
use surety_core::ident::HexBytes;
use surety_kzg::{G1, HoldingCommitment, point};
use surety_margin::policy::Policy;
use surety_verifier::{Rejection, Rule, attestation::check, proof::scope::ScopeProof};

use crate::{
    claims::attestation,
    fixture::{Scene, custodian, lenient, name, policy},
};

/// A policy whose first source, which states two accounts, may state the quote currency alone.
fn scoped() -> Policy {
    let mut policy = policy();
    policy.sources[0].scope = vec![name("USD")];
    policy
}

/// A proof of one scope that is none.
fn no_proof() -> ScopeProof {
    ScopeProof { quotients: vec![HexBytes::ZERO], values: vec![HexBytes::ZERO], opening: HexBytes::ZERO }
}

#[track_caller]
fn rejected(scene: &Scene, scopes: Option<ScopeProof>) -> Rejection {
    let attestation = surety_verifier::Attestation { scopes, ..attestation(scene) };
    check::prepare(&attestation, &scene.files(), &lenient()).unwrap_err()
}

#[test]
fn rejects_a_proof_of_scopes_that_the_policy_does_not_ask_for() {
    assert_eq!(rejected(&Scene::new(), Some(no_proof())).rule, Rule::Scope);
    assert_eq!(rejected(&Scene::new(), None).rule, Rule::Proof, "there is no proof in these tests");
}

#[test]
fn rejects_the_want_of_a_proof_of_scopes_and_one_that_cannot_be_read() {
    let scene = Scene::over(scoped());
    assert_eq!(rejected(&scene, None).rule, Rule::Scope);
    let rejection = rejected(&scene, Some(no_proof()));
    assert_eq!(rejection.rule, Rule::Scope);
    assert!(rejection.problem.found.contains("quotient 0"), "{rejection}");
}

/// Attack: two statements of one source whose commitments cancel, so that nothing is left to prove about.
#[test]
fn rejects_statements_of_a_source_with_a_scope_that_cancel() {
    let mut scene = Scene::over(scoped());
    let own = scene.claim.statements.iter().position(|statement| statement.source == custodian().address()).unwrap();
    let stated = HoldingCommitment::from_bytes(&scene.claim.statements[own].commitment.0).unwrap();
    let opposite = HexBytes(point::g1_to_bytes(&(-G1::from(*stated.point())).to_affine()));
    scene.resign(|index, statement| {
        if index != own && statement.source == custodian().address() {
            statement.commitment = opposite;
        }
    });
    let rejection = rejected(&scene, Some(no_proof()));
    assert_eq!(rejection.rule, Rule::HoldingCommitment, "{rejection}");
    assert!(rejection.problem.path.contains(&custodian().address().to_string()), "{rejection}");
}
