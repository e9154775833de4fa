//! The rules for market snapshots that take signatures or several files to check.

use surety_core::{
    failure::{Class, Failure as _},
    ident::HexBytes,
    units::{Price, Timestamp},
};
use surety_margin::{market::Observed, oracle};
use surety_verifier::{Rule, attestation::report};

use crate::fixture::{EPOCH, Scene, custodian, key, lenient, oracle_node, policy, reports, snapshot};

#[test]
fn a_quorum_is_enough() {
    let mut scene = Scene::new();
    let checked = report::check_snapshot(&scene.policy, &scene.snapshot).unwrap();
    assert_eq!(checked.newest.0 - checked.oldest.0, 20);
    scene.take_snapshot(snapshot(&scene.policy, &[2, 0]));
    report::check_snapshot(&scene.policy, &scene.snapshot).unwrap();
    scene.examine(&lenient()).unwrap();
}

/// Attack: a price of the holder's own.
#[test]
fn rejects_reports_changed_after_signing() {
    let mut scene = Scene::new();
    let mut reports = scene.snapshot.reports.clone();
    for report in &mut reports {
        let Observed::Price(observation) = &mut report.observations[0] else { panic!("every node follows it") };
        observation.price = Price::new(observation.price.get() + 1).unwrap();
    }
    let forged = oracle::aggregate(scene.policy.policy(), &reports, None).unwrap();
    scene.take_snapshot(forged);
    let rejection = scene.rejects(Rule::Signature);
    assert_eq!(rejection.class(), Class::Invalid);
    assert_eq!(rejection.problem.path, "market: reports[0].signature");
}

/// Attack: a price that everybody but one's own node is kept out of.
#[test]
fn rejects_an_entry_that_too_few_nodes_follow() {
    let mut scene = Scene::new();
    let absent = |nodes: usize| {
        reports(&scene.policy, |node, report| {
            if node < nodes {
                report.observations[1] = Observed::Absent;
            }
        })
    };
    let two = oracle::aggregate(scene.policy.policy(), &absent(1), None).unwrap();
    let reports = absent(2);
    scene.take_snapshot(two);
    scene.examine(&lenient()).unwrap();
    let mut snapshot = scene.snapshot.clone();
    snapshot.reports = reports;
    snapshot.reports.sort_by_key(|report| report.oracle);
    scene.take_snapshot(snapshot);
    let rejection = scene.rejects(Rule::Market);
    assert_eq!((rejection.class(), &*rejection.problem.expected), (Class::Invalid, "at least 2 observations of p2"));
    // Whoever takes an observation out of a report breaks its signature.
    let mut scene = Scene::new();
    let mut reports = scene.snapshot.reports.clone();
    reports[0].observations[1] = Observed::Absent;
    scene.take_snapshot(oracle::aggregate(scene.policy.policy(), &reports, None).unwrap());
    scene.rejects(Rule::Signature);
}

/// Attack: prices that no report contains.
#[test]
fn rejects_prices_other_than_the_median() {
    let mut scene = Scene::new();
    let mut snapshot = scene.snapshot.clone();
    snapshot.prices[1].price = Price::new(1_000_000).unwrap();
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: prices[1].price");
}

/// Attack: one's own oracle node.
#[test]
fn rejects_reports_by_strangers() {
    for stranger in [key(0x77), custodian()] {
        let mut scene = Scene::new();
        let mut snapshot = scene.snapshot.clone();
        snapshot.reports[0] = report::sign(snapshot.reports[0].clone(), &stranger).unwrap();
        snapshot.reports.sort_by_key(|report| report.oracle);
        scene.take_snapshot(snapshot);
        scene.rejects(Rule::Market);
    }
}

/// Attack: one node's opinion under the names of two.
#[test]
fn rejects_a_report_signed_by_another_node() {
    for index in 0..3 {
        let mut scene = Scene::new();
        let mut snapshot = scene.snapshot.clone();
        let report = &mut snapshot.reports[index];
        let other = (0..3).map(oracle_node).find(|node| node.address() != report.oracle).unwrap();
        report.signature = other.sign(&report::hash(report)).unwrap();
        scene.take_snapshot(snapshot);
        scene.rejects(Rule::Signature);
    }
}

/// Attack: no reports, no signatures to check.
#[test]
fn rejects_prices_without_reports() {
    let mut scene = Scene::new();
    let mut snapshot = scene.snapshot.clone();
    snapshot.reports.clear();
    scene.take_snapshot(snapshot);
    scene.rejects(Rule::Market);
}

/// Attack: prices of other things, signed by the right nodes.
#[test]
fn rejects_reports_on_other_feeds() {
    for index in 0..3 {
        let mut scene = Scene::new();
        let mut snapshot = scene.snapshot.clone();
        let report = &mut snapshot.reports[index];
        report.feeds = HexBytes([9; 32]);
        let node = (0..3).map(oracle_node).find(|node| node.address() == report.oracle).unwrap();
        *report = report::sign(report.clone(), &node).unwrap();
        scene.take_snapshot(snapshot);
        assert_eq!(scene.rejects(Rule::Reference).class(), Class::Mismatch);
    }
}

/// Attack: the prices of another time.
#[test]
fn rejects_another_market() {
    let mut scene = Scene::new();
    scene.snapshot.epoch += 1;
    let rejection = scene.rejects(Rule::Reference);
    assert_eq!((&*rejection.problem.path, rejection.class()), ("market: epoch", Class::Mismatch));
    assert!(rejection.problem.expected.contains(&EPOCH.to_string()));

    let mut scene = Scene::new();
    scene.snapshot.time = Timestamp(scene.snapshot.time.0 + 1);
    assert_eq!(scene.rejects(Rule::Reference).problem.path, "market");

    let mut scene = Scene::new();
    scene.snapshot = snapshot(&scene.policy, &[1, 2]);
    assert_eq!(scene.rejects(Rule::Reference).problem.path, "market");
}

#[test]
fn feeds_do_not_depend_on_the_policy() {
    let (mut one, two) = (policy(), policy());
    one.name = crate::fixture::name("another");
    one.market[0].min = Price::new(2).unwrap();
    let feeds = |policy: &surety_margin::policy::Policy| {
        surety_verifier::attestation::identifiers::FeedsId::of(&policy.market).unwrap()
    };
    assert_eq!(feeds(&one), feeds(&two));
    one.market.swap(0, 1);
    assert_ne!(feeds(&one), feeds(&two));
}
