//! The rules for sets of statements, and what breaking each would be good for.

use surety_core::{
    failure::{Class, Failure as _},
    ident::{Bytes32, HexBytes},
    units::Timestamp,
};
use surety_kzg::point;
use surety_verifier::{
    Rule, Statement,
    attestation::{signature::KnownKeys, statement},
};

use crate::fixture::{
    AUDIENCE, BALANCES_AT, SUBJECT, Scene, commitment, custodian, key, lenient, name, oracle_node, venue,
};

/// Scenes in which one source has signed something else, each of them once.
fn with_one(change: impl Fn(&mut Statement)) -> impl Iterator<Item = Scene> {
    (0..3).map(move |index| {
        let mut scene = Scene::new();
        scene.resign(|other, statement| {
            if other == index {
                change(statement);
            }
        });
        scene
    })
}

#[test]
fn a_complete_set_is_accepted_and_adds_up() {
    let scene = Scene::new();
    let keys = KnownKeys::default();
    let expectations = statement::Expectations {
        policy: &scene.policy,
        audience: &AUDIENCE,
        subject: &SUBJECT,
        keys: &keys,
        contract_sources: false,
    };
    let set = statement::check(&scene.claim.statements, &expectations).unwrap();
    let points = scene.claim.statements.iter().map(|statement| point::g1_from_bytes(&statement.commitment.0).unwrap());
    let sum = points.fold(surety_kzg::G1::default(), |sum, point| sum + point);
    assert_eq!(surety_kzg::G1::from(*set.holdings.point()), sum);
    assert_eq!(set.hashes, scene.claim.statements.iter().map(|statement| statement.hash()).collect::<Vec<_>>());
    assert_eq!((set.times.oldest.0, set.times.newest.0), (BALANCES_AT, BALANCES_AT + 200));
    assert!(!set.pledged);
}

/// Attack: leave out the account with the debt.
#[test]
fn rejects_a_missing_statement() {
    for index in 0..3 {
        let mut scene = Scene::new();
        scene.claim.statements.remove(index);
        assert_eq!(scene.rejects(Rule::StatementSet).problem.found, "none");
    }
    let mut scene = Scene::new();
    scene.claim.statements.clear();
    scene.rejects(Rule::StatementSet);
}

/// Attack: count an account twice.
#[test]
fn rejects_a_statement_given_twice() {
    let mut scene = Scene::new();
    scene.claim.statements.insert(1, scene.claim.statements[0].clone());
    scene.rejects(Rule::StatementSet);
}

/// Attack: count an account twice, by two statements of different sequence numbers.
#[test]
fn rejects_two_statements_about_one_account() {
    let mut scene = Scene::new();
    let mut second = scene.claim.statements[0].clone();
    second.commitment = commitment();
    second.sequence += 1;
    scene.claim.statements.insert(1, second);
    scene.resign(|_, _| {});
    scene.rejects(Rule::StatementSet);
}

/// Attack: replace the statement about the account with the debt by a second one about another account.
#[test]
fn rejects_a_statement_in_the_place_of_another() {
    let mut scene = Scene::new();
    scene.claim.statements[2] = scene.claim.statements[1].clone();
    scene.rejects(Rule::StatementSet);
}

/// Attack: add riches at a source that the policy does not list.
#[test]
fn rejects_a_statement_by_somebody_else() {
    let mut scene = Scene::new();
    let other = scene.claim.statements[0].clone().signed(&key(0x77)).unwrap();
    scene.claim.statements.push(other);
    scene.claim.statements.sort_by_key(Statement::position);
    scene.rejects(Rule::StatementSet);
}

/// Attack: add a friendly account at a source that the policy does list.
#[test]
fn rejects_an_account_that_is_not_required() {
    let mut scene = Scene::new();
    let mut other = scene.claim.statements[0].clone();
    other.account = name("friend");
    scene.claim.statements.push(other);
    scene.claim.statements.sort_by_key(Statement::position);
    scene.resign(|_, _| {});
    scene.rejects(Rule::StatementSet);
}

/// Two orders would be two contexts for one claim.
#[test]
fn rejects_another_order() {
    let mut scene = Scene::new();
    scene.claim.statements.swap(0, 1);
    scene.rejects(Rule::StatementSet);
}

/// Attack: use what a source said to another registry, where the same balances are already counted.
#[test]
fn rejects_statements_for_another_registry_or_chain() {
    for scene in with_one(|statement| statement.audience.registry.0[0] ^= 1) {
        assert_eq!(scene.rejects(Rule::Audience).class(), Class::Mismatch);
    }
    for scene in with_one(|statement| statement.audience.chain_id = 1) {
        assert!(scene.rejects(Rule::Audience).to_string().contains("chain 8453"));
    }
}

/// Attack: prove with somebody else's balances.
#[test]
fn rejects_statements_about_somebody_else() {
    for scene in with_one(|statement| statement.subject = HexBytes([0x51; 20])) {
        scene.rejects(Rule::Subject);
    }
}

/// Attack: read lots of one instrument as lots of another.
#[test]
fn rejects_statements_over_another_universe() {
    for scene in with_one(|statement| statement.universe.0.0[0] ^= 1) {
        scene.rejects(Rule::Reference);
    }
}

/// Attack: pledge the same balances to two lenders.
#[test]
fn rejects_accounts_pledged_to_another_policy() {
    for scene in with_one(|statement| statement.encumbrance = HexBytes([1; 32])) {
        scene.rejects(Rule::Encumbrance);
    }
}

#[test]
fn accounts_may_be_pledged_to_this_policy() {
    let mut scene = Scene::new();
    let pledge = scene.policy.id().0;
    scene.resign(|_, statement| statement.encumbrance = pledge);
    let pledged = scene.examine(&lenient()).unwrap();
    assert!(pledged.pledged);
    scene.resign(|index, statement| statement.encumbrance = if index == 0 { Bytes32::ZERO } else { pledge });
    let partly = scene.examine(&lenient()).unwrap();
    assert!(!partly.pledged);
    // A pledge is to a policy: another lender under it may count the same balances.
    assert!(partly.not_established().join("\n").contains("another policy or lender"));
    assert!(pledged.not_established().join("\n").contains("another lender under this policy"));
}

/// Attack: one source speaks for another.
#[test]
fn rejects_a_signature_by_another_source() {
    let mut scene = Scene::new();
    let index = scene.claim.statements.iter().position(|statement| statement.source == venue().address()).unwrap();
    let statement = &mut scene.claim.statements[index];
    statement.signature = custodian().sign(&statement.hash()).unwrap();
    let rejection = scene.rejects(Rule::Signature);
    assert!(rejection.problem.found.contains(&custodian().address().to_string()), "{rejection}");
}

/// Attack: a second form of the same signature, to tell two attestations apart that are one.
#[test]
fn rejects_malleable_signatures() {
    let mut scene = Scene::new();
    scene.claim.statements[0].signature.0[64] -= 27;
    scene.rejects(Rule::Signature);
}

/// Attack: be one's own custodian, or one's own oracle.
#[test]
fn rejects_a_subject_that_is_source_or_oracle_node() {
    for key in [custodian(), venue(), oracle_node(0), oracle_node(2)] {
        let mut scene = Scene::new();
        scene.claim.subject = key.address();
        scene.resign(|_, statement| statement.subject = key.address());
        scene.rejects(Rule::HolderIsNoSource);
    }
}

/// Attack: move funds from one source to the other, and count them at both.
#[test]
fn rejects_times_too_far_apart() {
    let mut scene = Scene::new();
    let allowed = scene.policy.policy().statements.max_skew.0;
    scene.resign(|index, statement| statement.as_of = Timestamp(BALANCES_AT + if index == 1 { allowed } else { 0 }));
    scene.examine(&lenient()).unwrap();
    scene
        .resign(|index, statement| statement.as_of = Timestamp(BALANCES_AT + if index == 1 { allowed + 1 } else { 0 }));
    scene.rejects(Rule::StatementSkew);
}

/// Attack: a sum that is known to everybody hides nothing, and no circuit constrains it.
#[test]
fn rejects_commitments_that_cancel_out() {
    let mut scene = Scene::new();
    let first = point::g1_from_bytes(&scene.claim.statements[0].commitment.0).unwrap();
    let second = point::g1_from_bytes(&scene.claim.statements[1].commitment.0).unwrap();
    let minus_sum = surety_kzg::G1Affine::from(-(surety_kzg::G1::from(first) + second));
    scene.resign(|index, statement| {
        if index == 2 {
            statement.commitment = HexBytes(point::g1_to_bytes(&minus_sum));
        }
    });
    scene.rejects(Rule::HoldingCommitment);
}

/// Attack: a point off the curve, or the identity, where a commitment belongs.
#[test]
fn rejects_commitments_that_are_no_points() {
    for bytes in [[0; 64], [1; 64], [0xff; 64]] {
        for scene in with_one(|statement| statement.commitment = HexBytes(bytes)) {
            scene.rejects(Rule::HoldingCommitment);
        }
    }
}
