//! The circuit breaker: what marks a snapshot, and who cannot.

use proptest::prelude::*;
use surety_core::{
    ident::{HexBytes, Name},
    text::Document,
    units::Ppm,
};
use surety_margin::{
    market::{Breaker, EntryPrice, MarkedProofs, OracleNode, Predecessor, Report, Snapshot},
    oracle::{aggregate, check, market_without_reports},
    policy::Policy,
};

use super::{EPOCH, observed, policy, price, refused, report, universe, with_first_prices};

/// What the first entry cost before.
const BEFORE: u128 = 100_000_000;

/// Five percent.
fn breaking() -> Policy {
    let mut policy = policy();
    policy.oracle.breaker = Some(Breaker { max_deviation: Ppm(50_000), proofs: MarkedProofs::Accepted });
    assert_eq!(policy.problems(), []);
    policy
}

/// The prices before: those of the reports, but for the first entry.
fn previous() -> Predecessor {
    let snapshot = aggregate(&policy(), &with_first_prices(&[BEFORE; 3]), None).unwrap();
    Predecessor { epoch: EPOCH - 1, ..Predecessor::from(&snapshot) }
}

/// Reports whose first entry has the given prices, and that name the prices before.
fn after(prices: &[u128]) -> Vec<Report> {
    let mut reports = with_first_prices(prices);
    reports.iter_mut().for_each(|report| report.previous = HexBytes([5; 32]));
    reports
}

fn snapshot_after(policy: &Policy, prices: &[u128]) -> Snapshot {
    let snapshot = aggregate(policy, &after(prices), Some(&previous())).unwrap();
    check(policy, &universe(), &snapshot).unwrap();
    snapshot
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn a_deviation_at_the_limit_passes_and_one_above_marks() {
    let policy = breaking();
    let marked = |now| snapshot_after(&policy, &[now; 3]).marked;
    for inside in [95_000_000, BEFORE, 105_000_000] {
        assert_eq!(marked(inside), [], "{inside}");
    }
    for outside in [94_999_999, 105_000_001] {
        assert_eq!(marked(outside), [name("USDC-USD")], "{outside}");
    }
}

#[test]
fn an_entry_may_have_a_limit_of_its_own() {
    let mut policy = breaking();
    policy.market[0].max_deviation = Some(Ppm(200_000));
    assert_eq!(snapshot_after(&policy, &[120_000_000; 3]).marked, []);
    assert_eq!(snapshot_after(&policy, &[120_000_001; 3]).marked, [name("USDC-USD")]);
    policy.market[0].max_deviation = Some(Ppm(1));
    assert_eq!(snapshot_after(&policy, &[100_000_100; 3]).marked, []);
    assert_eq!(snapshot_after(&policy, &[100_000_101; 3]).marked, [name("USDC-USD")]);
}

#[test]
fn marks_are_in_the_order_of_the_policy() {
    let mut previous = previous();
    for entry in [7, 0, 3] {
        previous.prices[entry].price = price(1);
    }
    previous.prices[4].price = price(0);
    let snapshot = aggregate(&breaking(), &after(&[BEFORE; 3]), Some(&previous)).unwrap();
    assert_eq!(snapshot.marked, [0, 3, 4, 7].map(|entry: usize| policy().market[entry].name.clone()));
    assert_eq!(Snapshot::from_json("market.json", &snapshot.to_json().unwrap()).unwrap(), snapshot);
}

#[test]
fn the_first_snapshot_is_compared_with_nothing() {
    let snapshot = aggregate(&breaking(), &with_first_prices(&[190_000_000; 3]), None).unwrap();
    assert_eq!((&snapshot.previous, snapshot.marked.len()), (&None, 0));
    check(&breaking(), &universe(), &snapshot).unwrap();
}

#[test]
fn a_policy_without_breaker_takes_the_same_reports() {
    let snapshot = aggregate(&policy(), &after(&[190_000_000; 3]), None).unwrap();
    assert_eq!((&snapshot.previous, snapshot.marked.len()), (&None, 0));
    check(&policy(), &universe(), &snapshot).unwrap();
}

/// Attack: the holder's snapshot, without the mark.
#[test]
fn rejects_a_mark_that_was_removed() {
    let mut snapshot = snapshot_after(&breaking(), &[110_000_000; 3]);
    snapshot.marked.clear();
    let message = "marked: expected the entries that have moved too far: USDC-USD, found none";
    refused(check(&breaking(), &universe(), &snapshot), &[message]);
    refused(market_without_reports(&breaking(), &universe(), &snapshot), &[message]);
    // Nor together with what it follows from.
    snapshot.previous = None;
    refused(
        check(&breaking(), &universe(), &snapshot),
        &["previous: expected the prices that the reports name, \
             0x0505050505050505050505050505050505050505050505050505050505050505, found none"],
    );
}

/// Attack: a mark that stops others from proving.
#[test]
fn rejects_a_mark_that_was_added() {
    let mut snapshot = snapshot_after(&breaking(), &[BEFORE; 3]);
    snapshot.marked = vec![name("BTC-USD")];
    let message = "marked: expected the entries that have moved too far: none, found BTC-USD";
    refused(check(&breaking(), &universe(), &snapshot), &[message]);
    let mut unbroken = aggregate(&policy(), &with_first_prices(&[BEFORE; 3]), None).unwrap();
    unbroken.marked = vec![name("BTC-USD")];
    refused(check(&policy(), &universe(), &unbroken), &[message]);
}

#[test]
fn rejects_marks_in_another_form() {
    let mut previous = previous();
    previous.prices[3].price = price(1);
    let snapshot = aggregate(&breaking(), &after(&[110_000_000; 3]), Some(&previous)).unwrap();
    for other in [["ETH-USD", "USDC-USD"].as_slice(), &["USDC-USD", "ETH-USD", "ETH-USD"], &["USDC-USD"]] {
        let marked = other.iter().copied().map(name).collect();
        let changed = Snapshot { marked, ..snapshot.clone() };
        assert!(check(&breaking(), &universe(), &changed).is_err(), "{other:?}");
    }
}

#[test]
fn rejects_previous_prices_where_there_are_none_to_compare_with() {
    let first = "previous: expected none, because the reports say so, found some";
    refused(aggregate(&breaking(), &with_first_prices(&[BEFORE; 3]), Some(&previous())), &[first]);
    let without = "previous: expected none, because the policy has no circuit breaker, found some";
    refused(aggregate(&policy(), &after(&[BEFORE; 3]), Some(&previous())), &[without]);
}

#[test]
fn rejects_previous_prices_of_other_feeds() {
    let with = |change: fn(&mut Vec<EntryPrice>)| {
        let mut previous = previous();
        change(&mut previous.prices);
        aggregate(&breaking(), &after(&[BEFORE; 3]), Some(&previous))
    };
    refused(
        with(|prices| prices[2].entry = name("DAI-USD")),
        &["previous.prices[2].entry: expected the entry BTC-USD, found DAI-USD"],
    );
    refused(with(|prices| prices.truncate(10)), &["previous.prices: expected 11 prices, found 10"]);
    refused(with(|prices| prices.push(prices[0].clone())), &["previous.prices: expected 11 prices, found 12"]);
}

#[test]
fn rejects_previous_prices_that_are_not_earlier() {
    let mut previous = previous();
    previous.epoch = EPOCH;
    refused(
        aggregate(&breaking(), &after(&[BEFORE; 3]), Some(&previous)),
        &["previous.epoch: expected an epoch before 5931234, found 5931234"],
    );
}

#[test]
fn rejects_reports_that_name_different_previous_prices() {
    let mut reports = after(&[BEFORE; 3]);
    reports[1].previous = HexBytes([6; 32]);
    let (first, other) = ("05".repeat(32), "06".repeat(32));
    let message =
        format!("reports[1].previous: expected the previous prices of the first report, 0x{first}, found 0x{other}");
    refused(aggregate(&breaking(), &reports, Some(&previous())), &[&message]);
}

#[test]
fn rejects_breakers_that_break_always_or_never() {
    for (limit, sensible) in [(0, false), (1, true), (1_000_000, true), (1_000_001, false)] {
        let mut policy = breaking();
        policy.oracle.breaker = Some(Breaker { max_deviation: Ppm(limit), proofs: MarkedProofs::Refused });
        let problems: Vec<_> = policy.problems().iter().map(ToString::to_string).collect();
        let message = format!("oracle.breaker.max_deviation: expected from 0.0001 % to 100 %, found {}", Ppm(limit));
        assert_eq!(problems, if sensible { vec![] } else { vec![message] });
    }
}

/// One node of three cannot set the mark, and cannot keep it from being set.
#[test]
fn a_minority_neither_sets_nor_clears_the_mark() {
    for lie in [50_000_001, 94_999_999, 105_000_001, 199_999_999] {
        assert_eq!(snapshot_after(&breaking(), &[BEFORE, lie, BEFORE + 1]).marked, [], "{lie}");
    }
    for lie in [50_000_000, BEFORE, 105_000_000, 199_999_999] {
        assert_eq!(snapshot_after(&breaking(), &[106_000_000, 107_000_000, lie]).marked.len(), 1, "{lie}");
    }
}

/// As many nodes as there are prices, and as high a quorum.
fn crowd(policy: &mut Policy, quorum: usize, prices: &[u128]) -> Vec<Report> {
    let node = |i: usize| OracleNode { name: name(&format!("node-{i}")), signer: HexBytes([i as u8 + 1; 20]) };
    policy.oracle.nodes = (0..prices.len()).map(node).collect();
    policy.oracle.quorum = quorum as u32;
    let report = |(node, value): (&OracleNode, &u128)| {
        let mut report = report(0);
        (report.oracle, report.previous) = (node.signer, HexBytes([5; 32]));
        report.observations[0] = observed(*value, 0);
        report
    };
    policy.oracle.nodes.iter().zip(prices).map(report).collect()
}

proptest! {
    /// `(q - 1) / 2` nodes of a quorum of q say what they like, in any place, and any number beyond the quorum report.
    #[test]
    fn a_minority_moves_neither_the_median_nor_the_mark(
        (quorum, lies, honest) in (1usize..8).prop_flat_map(|quorum| {
            let liars = (quorum - 1) / 2;
            let honest = quorum - liars..quorum - liars + 4;
            (
                Just(quorum),
                prop::collection::vec(50_000_000u128..=200_000_000, liars),
                prop::collection::vec(0u128..5_000_000, honest),
            )
        }),
        (base, jumped) in prop_oneof![
            Just((95_000_000, false)), Just((100_000_000, false)),
            Just((105_000_001, true)), Just((60_000_000, true)),
        ],
        seed in any::<prop::sample::Index>(),
    ) {
        let honest: Vec<u128> = honest.iter().map(|offset| base + offset).collect();
        let mut prices = [honest.clone(), lies].concat();
        let middle = seed.index(prices.len());
        prices.rotate_left(middle);
        let mut policy = breaking();
        let mut reports = crowd(&mut policy, quorum, &prices);
        let snapshot = aggregate(&policy, &reports, Some(&previous())).unwrap();
        let median = snapshot.prices[0].price.get();
        prop_assert!(honest.iter().any(|price| *price <= median) && honest.iter().any(|price| median <= *price));
        prop_assert_eq!(!snapshot.marked.is_empty(), jumped);
        reports.reverse();
        prop_assert_eq!(aggregate(&policy, &reports, Some(&previous())).unwrap(), snapshot);
    }
}

/// Attack: reports for a policy without a breaker, which need not look for earlier prices.
#[test]
fn rejects_reports_that_compared_with_nothing() {
    let mut reports = with_first_prices(&[BEFORE; 3]);
    reports.iter_mut().for_each(|report| report.previous = Report::NOT_COMPARED);
    let expected = "reports that name the prices before, or say that there are none";
    let message = format!("reports[0].previous: expected {expected}, found a report that compared with nothing");
    refused(aggregate(&breaking(), &reports, None), &[&message]);
    refused(aggregate(&breaking(), &reports, Some(&previous())), &[&message]);
    aggregate(&policy(), &reports, None).unwrap();
}
