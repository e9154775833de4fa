//! The circuit breaker, as verifiers see it.

use alloy_primitives::keccak256;
use surety_core::{
    failure::{Class, Failure as _},
    ident::Bytes32,
    units::{Ppm, Price},
};
use surety_margin::{
    market::{Breaker, MarkedProofs, Observed, Predecessor, Report, Snapshot},
    oracle,
};
use surety_verifier::{
    CommittedPolicy, Rule,
    attestation::{
        identifiers::{FeedsId, PricesId, SnapshotId},
        report,
    },
};

use crate::fixture::{self, Scene, lenient, name, reports};

/// A claim under a policy that allows a move of five percent.
pub(crate) fn scene(proofs: MarkedProofs) -> Scene {
    let mut policy = fixture::policy();
    policy.oracle.breaker = Some(Breaker { max_deviation: Ppm(50_000), proofs });
    Scene::over(policy)
}

/// The prices before: twice as high for the second entry, if it is to have jumped.
pub(crate) fn before(scene: &Scene, jump: bool) -> Predecessor {
    let mut before = Predecessor::from(&scene.snapshot);
    before.epoch -= 1;
    if jump {
        let price = &mut before.prices[1].price;
        *price = Price::new(price.get() * 2).unwrap();
    }
    before
}

fn id(policy: &CommittedPolicy, prices: &Predecessor) -> Bytes32 {
    PricesId::of(policy.feeds_id(), prices).0
}

/// The snapshot after these prices, which every node names.
pub(crate) fn after(scene: &Scene, before: &Predecessor) -> Snapshot {
    let named = id(&scene.policy, before);
    let reports = reports(&scene.policy, |_, report| report.previous = named);
    oracle::aggregate(scene.policy.policy(), &reports, Some(before)).unwrap()
}

#[test]
fn a_snapshot_without_a_mark_is_as_good_as_any() {
    let mut scene = scene(MarkedProofs::Refused);
    assert_eq!(scene.examine(&lenient()).unwrap().marked, [], "the first");
    scene.take_snapshot(after(&scene, &before(&scene, false)));
    assert_eq!(scene.examine(&lenient()).unwrap().marked, []);
}

#[test]
fn rejects_marked_snapshots_where_the_policy_says_so() {
    let mut scene = scene(MarkedProofs::Refused);
    scene.take_snapshot(after(&scene, &before(&scene, true)));
    let rejection = scene.rejects(Rule::Breaker);
    assert_eq!(rejection.class(), Class::Invalid);
    assert_eq!((&*rejection.problem.path, &*rejection.problem.found), ("market: marked", "p2"));
}

#[test]
fn a_policy_may_accept_marked_snapshots_and_then_the_mark_is_told() {
    let mut scene = scene(MarkedProofs::Accepted);
    let unmarked = scene.examine(&lenient()).unwrap();
    scene.take_snapshot(after(&scene, &before(&scene, true)));
    let accepted = scene.examine(&lenient()).unwrap();
    assert_eq!(accepted.marked, [name("p2")]);
    assert_eq!(accepted.not_established().len(), unmarked.not_established().len() + 1);
}

/// As the specification of identifiers says, of which the oracle's contract has code of its own.
#[test]
fn identifiers_of_snapshots_say_which_entries_are_marked() {
    let scene = scene(MarkedProofs::Accepted);
    let snapshot = after(&scene, &before(&scene, true));
    assert_eq!(snapshot.marked, [name("p2")]);
    let mut second = [0; 32];
    second[31] = 1;
    let prices = id(&scene.policy, &Predecessor::from(&snapshot)).0;
    let previous = id(&scene.policy, snapshot.previous.as_ref().unwrap()).0;
    let time = snapshot.time.0.to_be_bytes();
    let reports: Vec<u8> = snapshot.reports.iter().flat_map(|report| report::hash(report).0).collect();
    let reports = keccak256(reports).0;
    let hashed = [b"surety/snapshot/v2".as_slice(), &prices, &time, &previous, &reports, &second].concat();
    assert_eq!(report::snapshot_id(&scene.policy, &snapshot).0.0, keccak256(hashed).0);
}

/// Attack: a snapshot without its mark.
#[test]
fn rejects_a_mark_that_was_removed() {
    let mut scene = scene(MarkedProofs::Refused);
    let mut snapshot = after(&scene, &before(&scene, true));
    snapshot.marked.clear();
    scene.take_snapshot(snapshot.clone());
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: marked");
    snapshot.previous = None;
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: previous");
}

/// Attack: a mark that nothing gives cause for.
#[test]
fn rejects_a_mark_that_was_added() {
    let mut scene = scene(MarkedProofs::Accepted);
    let mut snapshot = after(&scene, &before(&scene, false));
    snapshot.marked = vec![name("p1")];
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: marked");
}

/// Attack: kinder prices before than those that the nodes saw.
#[test]
fn rejects_other_previous_prices_than_the_reports_name() {
    let mut scene = scene(MarkedProofs::Refused);
    let mut snapshot = after(&scene, &before(&scene, true));
    snapshot.previous = Some(before(&scene, false));
    snapshot.marked.clear();
    scene.take_snapshot(snapshot.clone());
    let rejection = scene.rejects(Rule::Market);
    assert_eq!((&*rejection.problem.path, rejection.class()), ("market: reports[0].previous", Class::Invalid));
    // Nor can reports be made to name them.
    let named = id(&scene.policy, &before(&scene, false));
    snapshot.reports.iter_mut().for_each(|report| report.previous = named);
    scene.take_snapshot(snapshot);
    scene.rejects(Rule::Signature);
}

/// Attack: prices before that are the same numbers of something else, or of another epoch.
#[test]
fn rejects_previous_prices_of_other_feeds_or_epochs() {
    let scene = scene(MarkedProofs::Refused);
    let before = before(&scene, false);
    let mut other_market = fixture::policy().market;
    other_market[0].name = name("other");
    let other_feeds = PricesId::of(FeedsId::of(&other_market).unwrap(), &before).0;
    let mut other_epoch = before.clone();
    other_epoch.epoch -= 1;
    for named in [other_feeds, id(&scene.policy, &other_epoch)] {
        let mut scene = scene.clone();
        let reports = reports(&scene.policy, |_, report| report.previous = named);
        scene.take_snapshot(oracle::aggregate(scene.policy.policy(), &reports, Some(&before)).unwrap());
        assert_eq!(scene.rejects(Rule::Market).problem.path, "market: reports[0].previous");
    }
}

/// Attack: one node of three that wants a mark, or none.
#[test]
fn a_minority_neither_sets_nor_clears_the_mark() {
    let scene = scene(MarkedProofs::Refused);
    for (jump, marked) in [(false, vec![]), (true, vec![name("p2")])] {
        let before = before(&scene, jump);
        let named = id(&scene.policy, &before);
        let lie = before.prices[1].price.get() * if jump { 1 } else { 3 };
        let reports = reports(&scene.policy, |node, report| {
            report.previous = named;
            if let (2, Observed::Price(observation)) = (node, &mut report.observations[1]) {
                observation.price = Price::new(lie).unwrap();
            }
        });
        let snapshot = oracle::aggregate(scene.policy.policy(), &reports, Some(&before)).unwrap();
        assert_eq!(report::check_snapshot(&scene.policy, &snapshot).unwrap().marked, marked);
    }
}

#[test]
fn the_mark_and_what_it_follows_from_are_part_of_the_identifier() {
    let scene = scene(MarkedProofs::Refused);
    let marked = after(&scene, &before(&scene, true));
    let unmarked = after(&scene, &before(&scene, false));
    let without_mark = Snapshot { marked: Vec::new(), ..marked.clone() };
    let first = Snapshot { previous: None, ..unmarked.clone() };
    let feeds = scene.policy.feeds_id();
    let ids: std::collections::BTreeSet<_> =
        [&marked, &unmarked, &without_mark, &first].map(|snapshot| SnapshotId::of(feeds, snapshot).0.0).into();
    assert_eq!(ids.len(), 4);
    assert_eq!(id(&scene.policy, &Predecessor::from(&marked)), id(&scene.policy, &Predecessor::from(&first)));
}

/// Attack: reports that honest nodes signed for a policy without a breaker, which compare with nothing, would silence
/// the breaker of a policy with the same feeds.
#[test]
fn rejects_reports_that_compared_with_nothing() {
    let mut scene = scene(MarkedProofs::Refused);
    let mut snapshot = scene.snapshot.clone();
    snapshot.reports = reports(&scene.policy, |_, report| report.previous = Report::NOT_COMPARED);
    snapshot.reports.sort_by_key(|report| report.oracle);
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: reports[0].previous");
}

/// Attack: two snapshots of the same honest reports, shown to different nodes, so that their next reports do not fit
/// together.
#[test]
fn equal_prices_are_the_same_prices_before() {
    let scene = scene(MarkedProofs::Refused);
    let [one, other] = [&[0, 1], &[1, 2]].map(|nodes| fixture::snapshot(&scene.policy, nodes));
    assert_ne!(one.reports, other.reports);
    let [one, other] = [one, other].map(|snapshot| Predecessor::from(&snapshot));
    assert_eq!(id(&scene.policy, &one), id(&scene.policy, &other));
}

/// Attack: more reports than there are nodes, each of which would have to be hashed.
#[test]
fn rejects_more_reports_or_prices_than_the_policy_has() {
    let mut scene = scene(MarkedProofs::Refused);
    let good = scene.snapshot.clone();
    let mut snapshot = good.clone();
    snapshot.reports = vec![good.reports[0].clone(); 1_000];
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: reports");
    let mut snapshot = good.clone();
    snapshot.prices = vec![good.prices[0].clone(); 1_000];
    scene.take_snapshot(snapshot);
    assert_eq!(scene.rejects(Rule::Market).problem.path, "market: prices");
}
