//! The rules for times: what a holder could gain by choosing them.

use surety_core::{
    failure::{Class, Failure as _},
    units::{Seconds, Timestamp},
};
use surety_margin::{market::Observed, oracle};
use surety_verifier::{Rule, attestation::check::VerifierTerms};

use crate::fixture::{BALANCES_AT, NOW, PRICES_AT, Scene, VALID_UNTIL, lenient, reports};

fn at(now: u64) -> VerifierTerms<'static> {
    VerifierTerms { now: Timestamp(now), ..lenient() }
}

/// Moves the snapshot's reports, which their nodes sign anew.
fn move_market(scene: &mut Scene, observed_at: impl Fn(usize) -> u64) {
    let epoch = scene.policy.policy().oracle.epoch.0;
    let reports = reports(&scene.policy, |node, report| {
        report.observed_at = Timestamp(observed_at(node));
        report.epoch = report.observed_at.0 / epoch;
    });
    let snapshot = oracle::aggregate(scene.policy.policy(), &reports, None).unwrap();
    scene.take_snapshot(snapshot);
}

#[test]
fn the_last_second_counts() {
    let scene = Scene::new();
    scene.examine(&at(VALID_UNTIL)).unwrap();
    scene.examine(&at(BALANCES_AT + 200)).unwrap();
}

#[test]
fn rejects_lapsed_attestations() {
    let rejection = Scene::new().rejects_under(&at(VALID_UNTIL + 1), Rule::Lapsed);
    assert_eq!(rejection.class(), Class::Invalid);
    assert!(rejection.problem.found.contains(&VALID_UNTIL.to_string()));
}

/// Attack: statements and reports dated ahead, to make them last.
#[test]
fn rejects_what_is_from_the_future() {
    let scene = Scene::new();
    scene.rejects_under(&at(BALANCES_AT + 199), Rule::NotYet);
    assert_eq!(scene.rejects_under(&at(PRICES_AT + 19), Rule::NotYet).problem.path, "market: newest report");
}

/// Attack: an attestation that outlives its prices.
#[test]
fn rejects_an_end_after_the_policys_validity() {
    let mut scene = Scene::new();
    let validity = scene.policy.policy().validity.0;
    scene.resign(|_, statement| statement.valid_until = Timestamp(u64::MAX));
    scene.claim.valid_until = Timestamp(PRICES_AT + validity);
    scene.examine(&lenient()).unwrap();
    for valid_until in [PRICES_AT + validity + 1, u64::MAX] {
        scene.claim.valid_until = Timestamp(valid_until);
        scene.rejects(Rule::Validity);
    }
}

/// Attack: an attestation that outlives what a source stands by.
#[test]
fn rejects_an_end_after_that_of_a_statement() {
    let mut scene = Scene::new();
    let end = |last: u64| {
        move |index: usize, statement: &mut surety_verifier::Statement| {
            statement.valid_until = Timestamp(if index == 1 { last } else { VALID_UNTIL + 500 });
        }
    };
    scene.resign(end(VALID_UNTIL));
    scene.examine(&lenient()).unwrap();
    scene.resign(end(VALID_UNTIL - 1));
    scene.rejects(Rule::Validity);
}

/// Attack: old balances with new prices.
#[test]
fn rejects_statements_older_than_the_prices_allow() {
    let mut scene = Scene::new();
    let newest_report = PRICES_AT + 20;
    let max_age = scene.policy.policy().statements.max_age.0;
    scene.resign(|_, statement| statement.as_of = Timestamp(newest_report - max_age));
    scene.examine(&lenient()).unwrap();
    scene.resign(|_, statement| statement.as_of = Timestamp(newest_report - max_age - 1));
    assert!(scene.rejects(Rule::Age).problem.path.contains("statements"));
}

/// Attack: old prices with new balances.
#[test]
fn rejects_prices_older_than_the_statements_allow() {
    let mut scene = Scene::new();
    let max_age = scene.policy.policy().oracle.max_age.0;
    scene.resign(|_, statement| statement.as_of = Timestamp(PRICES_AT + max_age));
    let now = at(PRICES_AT + max_age);
    scene.examine(&now).unwrap();
    scene.resign(|_, statement| statement.as_of = Timestamp(PRICES_AT + max_age + 1));
    let rejection = scene.rejects_under(&at(PRICES_AT + max_age + 1), Rule::Age);
    assert!(rejection.problem.path.contains("market"));
}

/// Attack: the stale price of one entry in a young report.
#[test]
fn rejects_observations_older_than_the_statements_allow() {
    const AGE: u64 = 30;
    let mut policy = crate::fixture::policy();
    policy.market[1].max_age = Some(Seconds(600));
    let mut scene = Scene::over(policy);
    let reports = reports(&scene.policy, |node, report| {
        if let (0, Observed::Price(observation)) = (node, &mut report.observations[1]) {
            observation.age = Seconds(AGE);
        }
    });
    scene.take_snapshot(oracle::aggregate(scene.policy.policy(), &reports, None).unwrap());
    let last = PRICES_AT + 600 - AGE;
    scene.resign(|_, statement| statement.as_of = Timestamp(last));
    scene.examine(&lenient()).unwrap();
    scene.resign(|_, statement| statement.as_of = Timestamp(last + 1));
    let rejection = scene.rejects(Rule::Age);
    assert_eq!((&*rejection.problem.path, &*rejection.problem.found), ("market: age of p2 in seconds", "601"));
}

/// Attack: one young report to make a snapshot of old ones young.
#[test]
fn the_oldest_report_counts() {
    let mut scene = Scene::new();
    let skew = scene.policy.policy().oracle.max_skew.0;
    move_market(&mut scene, |node| if node == 0 { PRICES_AT } else { PRICES_AT + skew });
    let accepted = scene.examine(&lenient()).unwrap();
    assert_eq!(accepted.prices_at, Timestamp(PRICES_AT));
    scene.claim.valid_until = Timestamp(PRICES_AT + scene.policy.policy().validity.0 + 1);
    scene.resign(|_, statement| statement.valid_until = Timestamp(u64::MAX));
    scene.rejects(Rule::Validity);
}

#[test]
fn extreme_times_do_not_overflow() {
    let mut scene = Scene::new();
    scene.resign(|_, statement| statement.as_of = Timestamp(u64::MAX));
    scene.rejects_under(&at(u64::MAX), Rule::Age);
    scene.resign(|_, statement| statement.as_of = Timestamp(0));
    scene.rejects_under(&at(NOW), Rule::Age);
    scene.claim.valid_until = Timestamp(0);
    scene.resign(|_, statement| {
        statement.as_of = Timestamp(BALANCES_AT);
        statement.valid_until = Timestamp(0);
    });
    scene.rejects_under(&at(NOW), Rule::Lapsed);
}
