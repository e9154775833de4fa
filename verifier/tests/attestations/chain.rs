//! What a verifier knows from a chain: snapshots that a contract has taken, and collateral in a vault.

use group::{Curve as _, prime::PrimeCurveAffine as _};
use surety_core::{
    failure::{Class, Failure as _},
    ident::HexBytes,
    units::{Price, Timestamp},
};
use surety_kzg::{Fr, G1, G1Affine, HoldingCommitment, scalar};
use surety_margin::market::{Predecessor, Snapshot};
use surety_verifier::{
    Rule, Statement, Trust,
    attestation::{
        check::{self, VerifierTerms},
        trust::Faith,
        vault::Vault,
    },
};

use crate::fixture::{EPOCH, NOW, PRICES_AT, Scene, lenient, setup};

/// The scene over a snapshot that nobody has signed.
fn taken() -> Scene {
    let mut scene = Scene::new();
    let snapshot = Snapshot { reports: Vec::new(), ..scene.snapshot.clone() };
    scene.take_snapshot(snapshot);
    scene
}

fn trust(scene: &Scene) -> Trust {
    Trust { chain_snapshots: vec![scene.claim.snapshot], ..Trust::nothing() }
}

fn under(trust: &Trust) -> VerifierTerms<'_> {
    VerifierTerms { trust: Some(trust), ..lenient() }
}

#[test]
fn snapshots_read_from_a_chain_need_no_reports() {
    let scene = taken();
    let accepted = scene.examine(&under(&trust(&scene))).unwrap();
    assert_eq!((accepted.prices_at, accepted.epoch), (Timestamp(PRICES_AT), EPOCH));
    assert!(!accepted.faith.contains(&Faith::Reports), "nobody has chosen among reports");
}

/// Attack: prices of the holder's own, which nobody has signed.
#[test]
fn rejects_snapshots_without_reports_that_are_not_read_from_a_chain() {
    let scene = taken();
    let rejection = scene.rejects(Rule::Market);
    assert_eq!((&*rejection.problem.path, rejection.class()), ("market: reports", Class::Invalid));
    assert!(rejection.problem.expected.contains("taken on a chain"), "{rejection}");
    let mut other = trust(&scene);
    other.chain_snapshots[0].0.0[0] ^= 1;
    scene.rejects_under(&under(&other), Rule::Market);
}

/// Attack: a snapshot that the verifier knows, without the reports that show how old its prices are.
#[test]
fn rejects_a_known_snapshot_whose_reports_were_left_out() {
    let signed = Scene::new();
    let known = Trust { snapshots: Some(vec![signed.claim.snapshot]), ..Trust::nothing() };
    signed.examine(&under(&known)).unwrap();
    let scene = taken();
    assert_eq!(scene.claim.snapshot, signed.claim.snapshot, "reports are no part of the identifier");
    scene.rejects_under(&under(&known), Rule::Market);
}

#[test]
fn rejects_snapshots_from_a_chain_that_break_the_policys_rules() {
    type Spoil = (&'static str, fn(&mut Snapshot));
    let spoils: [Spoil; 5] = [
        ("market: prices[0].price", |snapshot| snapshot.prices[0].price = Price::new(Price::MAX).unwrap()),
        ("market: prices", |snapshot| snapshot.prices.truncate(1)),
        ("market: time", |snapshot| snapshot.time.0 += 3_600),
        ("market: marked", |snapshot| snapshot.marked = vec![snapshot.prices[0].entry.clone()]),
        ("market: previous", |snapshot| {
            snapshot.previous = Some(Predecessor { epoch: EPOCH - 1, prices: snapshot.prices.clone() });
        }),
    ];
    for (input, spoil) in spoils {
        let mut scene = taken();
        let mut snapshot = scene.snapshot.clone();
        spoil(&mut snapshot);
        scene.take_snapshot(snapshot);
        let rejection = scene.rejects_under(&under(&trust(&scene)), Rule::Market);
        assert_eq!(rejection.problem.path, input);
    }
}

#[test]
fn rejects_prices_from_a_chain_that_are_too_old_or_not_yet_there() {
    let scene = taken();
    let pinned = trust(&scene);
    scene.rejects_under(&VerifierTerms { now: Timestamp(PRICES_AT - 1), ..under(&pinned) }, Rule::NotYet);
    let mut scene = taken();
    let limit = scene.policy.policy().oracle.max_age.0;
    scene.resign(|_, statement| {
        statement.as_of = Timestamp(PRICES_AT + limit + 1);
        statement.valid_until = Timestamp(NOW + 2 * limit);
    });
    let late = VerifierTerms { now: Timestamp(NOW + limit), ..under(&pinned) };
    scene.rejects_under(&late, Rule::Age);
}

/// A vault with a lot of the first instrument.
fn vault() -> Vault {
    let row = setup().1.capacity().instrument(0).unwrap();
    let commitment = setup().1.commit_sparse([(row, Fr::one())]).to_affine();
    Vault { checkpoint: HexBytes([7; 32]), commitment }
}

#[test]
fn what_lies_in_a_vault_is_added_to_what_sources_state() {
    let mut scene = Scene::new();
    let without = check::examine(&scene.claim, &scene.files(), &lenient()).unwrap();
    scene.claim.vault_checkpoint = vault().checkpoint;
    let examine =
        |vault| check::examine(&scene.claim, &scene.files(), &VerifierTerms { vault: Some(vault), ..lenient() });
    let with = examine(vault()).unwrap();
    let sum = (G1::from(vault().commitment) + without.known.hold).to_affine();
    assert_eq!(with.known.hold, sum);
    assert_eq!(with.context.vault_checkpoint, vault().checkpoint);
    assert_ne!(scalar::to_bytes(&with.context.hash()), scalar::to_bytes(&without.context.hash()));
    let empty = examine(Vault { commitment: G1Affine::identity(), ..vault() }).unwrap();
    assert_eq!(empty.known.hold, without.known.hold);
}

/// Attack: collateral that has left, or that nobody has looked at.
#[test]
fn rejects_claims_on_another_state_of_the_vault() {
    let mut scene = Scene::new();
    let terms = VerifierTerms { vault: Some(vault()), ..lenient() };
    assert_eq!(scene.rejects_under(&terms, Rule::Vault).class(), Class::Mismatch);
    scene.claim.vault_checkpoint = HexBytes([8; 32]);
    scene.rejects_under(&terms, Rule::Vault);
    scene.rejects(Rule::Vault);
}

#[test]
fn rejects_a_vault_that_cancels_what_sources_state() {
    let mut scene = Scene::new();
    scene.claim.vault_checkpoint = vault().checkpoint;
    let commitment = |statement: &Statement| HoldingCommitment::from_bytes(&statement.commitment.0).unwrap();
    let parts: Vec<_> = scene.claim.statements.iter().map(commitment).collect();
    let commitment = -*HoldingCommitment::sum(&parts).unwrap().point();
    let terms = VerifierTerms { vault: Some(Vault { commitment, ..vault() }), ..lenient() };
    scene.rejects_under(&terms, Rule::HoldingCommitment);
}
