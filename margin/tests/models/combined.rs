//! Sums of models, the best of several, tiers of whole positions and open orders, by hand and against programs.

use serde_json::{Value, json};
use surety_core::units::Price;
use surety_margin::{holdings::Position, models::Model, universe::InstrumentClass};
use surety_testing::strategies::{Case, INSTRUMENTS};

/// Lots of cash, and of a perpetual, in a unit.
const UNIT: i128 = 100;

/// A price of ten, and what else the market has.
fn prices() -> Vec<u128> {
    vec![10_0000; 4]
}

/// Holdings of the first instruments, and of none of the others.
fn position(lots: &[i128]) -> Position {
    let mut lots = lots.to_vec();
    lots.resize(INSTRUMENTS, 0);
    surety_testing::strategies::position(&lots)
}

/// The text of a model. The type comes first, as readers of models demand.
fn text(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str() != "type");
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key:?}: {}", text(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        value => value.to_string(),
    }
}

fn case(model: Value) -> Case {
    let model: Model = serde_json::from_str(&text(&model)).unwrap();
    let mut case = Case::of_class(12, model, prices());
    case.sample.policy.levels.truncate(2);
    case
}

fn refused(model: Value) -> Vec<String> {
    let case = case(model);
    let problems = case.sample.policy.check(&case.sample.universe);
    problems
        .into_iter()
        .map(|problem| format!("{}: {}, found {}", problem.path, problem.expected, problem.found))
        .collect()
}

#[track_caller]
fn assert_refused(model: Value, text: &str) {
    let problems = refused(model);
    assert!(problems.iter().any(|problem| problem.contains(text)), "{text}: {problems:?}");
}

/// The margin at the first level in cents, which its program agrees with.
#[track_caller]
fn margin(case: &Case, units: &[i128]) -> i128 {
    let lots: Vec<i128> = units.iter().map(|units| units * UNIT).collect();
    let position = position(&lots);
    let evaluation = case.evaluate(0, &position);
    let solved = case.programs()[0].solve(&position, &case.prices).is_ok();
    assert_eq!(solved, evaluation.is_sufficient(), "{units:?}");
    let margin: f64 = evaluation.margin.to_string().parse().unwrap();
    (margin * 100.0).round() as i128
}

/// Sufficient to the lot: as they are, and not with a lot of cash less.
#[track_caller]
fn assert_boundary(case: &Case, lots: &[i128]) {
    let mut lots = lots.to_vec();
    for expected in [true, false] {
        assert_eq!(case.evaluate(0, &position(&lots)).is_sufficient(), expected, "{lots:?}");
        assert_eq!(case.programs()[0].solve(&position(&lots), &case.prices).is_ok(), expected, "{lots:?}");
        lots[0] -= 1;
    }
}

fn rate(ppm: u32) -> Value {
    json!({ "maintenance": ppm, "initial": ppm })
}

fn perpetual(i: usize, fraction: u32) -> Value {
    json!({ "instrument": format!("PERP-{i}"), "price": format!("p{i}"), "short": true, "fraction": rate(fraction) })
}

fn cash() -> Value {
    json!({ "instrument": "USD", "short": true })
}

fn cross(positions: &[Value]) -> Value {
    json!({ "type": "cross", "positions": positions })
}

fn part(name: &str, model: Value) -> Value {
    json!({ "name": name, "model": model })
}

fn combined(kind: &str, parts: &[Value]) -> Value {
    json!({ "type": kind, "parts": parts })
}

#[test]
fn the_unit_of_these_tests_is_what_they_say() {
    let case = case(cross(&[cash(), perpetual(1, 100_000)]));
    assert_eq!(case.sample.universe.instruments[1].class, InstrumentClass::Perpetual);
    assert_eq!(case.prices[0], Price::new(10_0000).unwrap());
    // Ten units at ten, of which a tenth is required.
    assert_eq!(margin(&case, &[5, 10]), 500 + 10_000 - 1_000);
}

/// Of 100 of cash and a short position of 10: what the second part lacks, the first has.
#[test]
fn margins_of_a_sum_add_up() {
    let second = json!({
        "type": "scenario",
        "loss_multiple": rate(1_000_000),
        "positions": [{ "instrument": "PERP-2", "price": "p2", "short": true, "factor": "f" }],
        "scenarios": [{ "name": "up", "shocks": { "f": 300_000 } }, { "name": "down", "shocks": { "f": -300_000 } }],
    });
    let sum = case(combined("sum", &[part("cash", cross(&[cash(), perpetual(1, 100_000)])), part("moves", second)]));
    assert_eq!(margin(&sum, &[100, 0, -5]), 10_000 - 5_000 - 1_500);
    assert_eq!(margin(&sum, &[100, 4, -5]), 10_000 + 4_000 - 400 - 5_000 - 1_500);
    assert_boundary(&sum, &[65 * UNIT, 0, -5 * UNIT]);
    // Neither part is sufficient by itself, and nothing tells so.
    assert!(sum.evaluate(0, &position(&[65 * UNIT, 0, -5 * UNIT])).buckets.is_empty());
}

/// Ten percent of each perpetual, or twenty of the first and one of the second.
fn better() -> Value {
    let first = cross(&[cash(), perpetual(1, 100_000), perpetual(2, 100_000)]);
    let second = cross(&[cash(), perpetual(1, 200_000), perpetual(2, 10_000)]);
    combined("any", &[part("even", first), part("uneven", second)])
}

#[test]
fn the_best_of_several_margins_counts() {
    let case = case(better());
    assert_eq!(margin(&case, &[100, -4, 0]), 10_000 - 4_000 - 400);
    assert_eq!(margin(&case, &[100, 0, -4]), 10_000 - 4_000 - 40);
    assert_eq!(margin(&case, &[100, -4, 4]), 10_000 - 800);
    assert_eq!(margin(&case, &[100, -4, 40]), 10_000 + 36_000 - 800 - 400);
    assert_boundary(&case, &[44 * UNIT, -4 * UNIT, 0]);
    assert_boundary(&case, &[4_040, 0, -4 * UNIT]);
}

/// A rule that does not list what is held is none: the second is for accounts without the second perpetual.
#[test]
fn rejects_a_rule_for_an_account_that_holds_what_it_does_not_list() {
    let second = cross(&[cash(), perpetual(1, 10_000)]);
    let first = cross(&[cash(), perpetual(1, 100_000), perpetual(2, 100_000)]);
    let case = case(combined("any", &[part("all", first), part("first", second)]));
    assert_boundary(&case, &[4_040, -4 * UNIT, 0]);
    assert_boundary(&case, &[4_411, -4 * UNIT, -1]);
    assert_boundary(&case, &[4_400 - 9, -4 * UNIT, 1]);
}

/// Where no rule lists all that is held, nothing suffices.
#[test]
fn rejects_accounts_that_no_rule_of_several_covers() {
    let parts = [1, 2].map(|i| part(&format!("only-{i}"), cross(&[cash(), perpetual(i, 10_000)])));
    let case = case(combined("any", &parts));
    assert_boundary(&case, &[4_040, -4 * UNIT, 0]);
    assert_boundary(&case, &[4_040, 0, -4 * UNIT]);
    for lots in [[1_000_000, 1, 1], [1_000_000, -1, 1], [1_000_000, 500, -3]] {
        assert!(!case.evaluate(0, &position(&lots)).is_sufficient());
        assert!(case.programs()[0].solve(&position(&lots), &case.prices).is_err());
    }
}

#[test]
fn rejects_combinations_that_would_hide_a_loss() {
    let first = || part("first", cross(&[cash(), perpetual(1, 100_000)]));
    let second = || part("second", cross(&[perpetual(2, 100_000)]));
    assert_refused(combined("sum", &[first(), part("again", cross(&[perpetual(1, 1)]))]), "each instrument once");
    assert_refused(combined("sum", &[first(), first()]), "each part once");
    assert_refused(combined("any", &[]), "model.parts");
    // Inside of a sum an account outside of all rules would count for minus one atom.
    let any = || part("any", combined("any", &[first(), second()]));
    assert_refused(combined("sum", &[any()]), "every model of several has one");
    assert_refused(combined("sum", &[part("outer", combined("any", &[any()]))]), "every model of several has one");
    // What other parts count in full pays for the debt.
    let loan = |i: usize| {
        let asset = json!({ "instrument": format!("PERP-{i}"), "price": format!("p{i}"), "short": true,
            "weight": rate(990_000) });
        json!({ "type": "collateral", "assets": [asset] })
    };
    let cash_beside = combined("sum", &[part("cash", cross(&[cash()])), part("loan", loan(1))]);
    assert_refused(cash_beside, "a requirement on top of its value where PERP-1 is short or owed");
    let never_short = json!({ "instrument": "PERP-1", "price": "p1", "weight": rate(900_000) });
    assert_refused(
        combined("any", &[first(), part("long", cross(&[cash(), never_short]))]),
        "PERP-1 short or not, as in first",
    );
    let isolated = json!({ "type": "isolated", "buckets": [first()] });
    assert_refused(combined("sum", &[part("isolated", isolated)]), "a model with one margin");
    // The account chooses the rule that requires nothing of a short position.
    let free = cross(&[cash(), json!({ "instrument": "PERP-1", "price": "p1", "short": true })]);
    assert_refused(combined("any", &[first(), part("free", free)]), "a requirement on top of its value");
}

#[test]
fn rejects_two_expected_shortfalls_in_a_sum() {
    let scenarios =
        json!([{ "name": "up", "shocks": { "f": 300_000 } }, { "name": "down", "shocks": { "f": -300_000 } }]);
    let tail = |i: usize| {
        let (instrument, price) = (format!("PERP-{i}"), format!("p{i}"));
        json!({
            "type": "scenario",
            "loss_multiple": rate(1_000_000),
            "tail": 500_000,
            "positions": [{ "instrument": instrument, "price": price, "short": true, "factor": "f" }],
            "scenarios": scenarios,
        })
    };
    let one = combined("sum", &[part("cash", cross(&[cash()])), part("first", tail(1))]);
    assert_boundary(&case(one), &[6_500, -5 * UNIT]);
    let two = combined("sum", &[part("first", tail(1)), part("second", tail(2))]);
    assert_refused(two, "one expected shortfall in a sum");
}

/// Five percent up to 100, ten percent of all of it up to 200, twenty percent of all beyond: with jumps.
#[test]
fn a_tier_may_apply_to_the_whole_position() {
    let tiers = json!([
        { "up_to": "100", "rate": rate(50_000) },
        { "up_to": "200", "rate": rate(100_000) },
        { "rate": rate(200_000) },
    ]);
    let mut tiered = perpetual(1, 0);
    tiered["fraction_tiers"] = tiers;
    tiered["tiering"] = json!("whole-position");
    let case = case(cross(&[cash(), tiered.clone()]));
    for sign in [-1, 1] {
        let required = |units: i128| sign * 1_000 * units - margin(&case, &[0, sign * units]);
        assert_eq!([5, 10].map(required), [250, 500], "five percent");
        assert_eq!([11, 20].map(required), [1_100, 2_000], "ten percent of all");
        assert_eq!([21, 40].map(required), [4_200, 8_000], "twenty percent of all");
    }
    // A hundredth of a unit beyond the end, the requirement is twice as large.
    assert_boundary(&case, &[-9_500, 10 * UNIT]);
    assert_boundary(&case, &[10_500, -10 * UNIT]);
    assert_boundary(&case, &[11_011, -10 * UNIT - 1]);
    let mut alone = perpetual(1, 100_000);
    alone["tiering"] = json!("whole-position");
    assert_refused(cross(&[cash(), alone]), "tiering");
}

/// A holding of up to 100 counts in full, up to 200 at 90 percent, beyond not at all.
#[test]
fn a_weight_may_apply_to_the_whole_holding() {
    let asset = json!({
        "instrument": "PERP-1",
        "price": "p1",
        "tiering": "whole-position",
        "tiers": [{ "up_to": "100", "weight": rate(1_000_000) }, { "up_to": "200", "weight": rate(900_000) }],
    });
    let cash = json!({ "instrument": "USD", "short": true, "weight": rate(1_000_000) });
    let case = case(json!({ "type": "collateral", "assets": [cash, asset] }));
    assert_eq!([10, 11, 20, 21].map(|units| margin(&case, &[0, units])), [10_000, 9_900, 18_000, 0]);
    assert_boundary(&case, &[-10_000, 10 * UNIT]);
    // One lot more counts for less.
    assert_boundary(&case, &[-9_009, 10 * UNIT + 1]);
}

/// Bids and offers of PERP-1 are PERP-2 and PERP-3, at ten percent.
fn with_orders() -> Value {
    let mut position = perpetual(1, 100_000);
    position["orders"] = json!({ "bids": "PERP-2", "asks": "PERP-3" });
    cross(&[cash(), position])
}

fn perpetuals(model: Value) -> Case {
    let mut case = case(model);
    case.sample.universe.instruments[3].class = InstrumentClass::Perpetual;
    case
}

#[test]
fn orders_count_at_the_worse_of_filled_and_unfilled() {
    let case = perpetuals(with_orders());
    // Long five, bids for three: eight at ten percent. What is filled is paid for.
    assert_eq!(margin(&case, &[0, 5, 3, 0]), 5_000 - 800);
    assert_eq!(margin(&case, &[0, 5, 0, 3]), 5_000 - 500, "an offer that only reduces");
    assert_eq!(margin(&case, &[0, 5, 0, 12]), 5_000 - 700, "an offer that turns it");
    assert_eq!(margin(&case, &[100, -5, 2, 3]), 10_000 - 5_000 - 800);
    assert_eq!(margin(&case, &[100, 0, 7, 6]), 10_000 - 700);
    assert_boundary(&case, &[5_800, -5 * UNIT, 2 * UNIT, 3 * UNIT]);
}

/// Attack: sizes of orders that count with a value for another rule of the account.
#[test]
fn rejects_orders_that_are_positions_for_another_rule() {
    let positions = [cash(), perpetual(1, 100_000), perpetual(2, 100_000), perpetual(3, 100_000)];
    for kind in ["all", "any"] {
        let parts = [part("orders", with_orders()), part("positions", cross(&positions))];
        assert_refused(combined(kind, &parts), "sizes of orders, as before");
    }
    let modes = [part("orders", with_orders()), part("positions", cross(&positions))];
    assert_refused(json!({ "type": "modes", "modes": modes }), "sizes of orders, as before");
    let limited =
        |name: &str| json!({ "instrument": name, "price": format!("p{}", &name[5..]), "short": name == "PERP-1" });
    let limits = json!({
        "type": "limits",
        "positions": [cash(), limited("PERP-1"), limited("PERP-2"), limited("PERP-3")],
        "limits": [{ "name": "gross", "measure": "gross", "at_most": { "share": 2_000_000 } }],
    });
    assert_refused(
        combined("all", &[part("orders", with_orders()), part("limits", limits)]),
        "sizes of orders, as before",
    );
}

#[test]
fn rejects_orders_in_other_units_or_of_a_position_that_is_never_short() {
    let mut case = perpetuals(with_orders());
    assert_eq!(case.sample.policy.check(&case.sample.universe), []);
    case.sample.universe.instruments[2].lot_decimals = surety_core::units::Decimals::new(3).unwrap();
    let problems = case.sample.policy.check(&case.sample.universe);
    assert!(problems.iter().any(|it| it.path == "model.positions[1].orders.bids"), "{problems:?}");
    let mut held = with_orders();
    held["positions"][1]["short"] = json!(false);
    assert_refused(held, "beside orders");
    let mut case = perpetuals(with_orders());
    let most = surety_core::units::Lots::new(surety_core::units::Lots::MAX).unwrap();
    case.sample.universe.instruments[1].max_lots = most;
    case.sample.universe.instruments[2].max_lots = most;
    let problems = case.sample.policy.check(&case.sample.universe);
    assert!(problems.iter().any(|it| it.expected.contains("has room for, once filled")), "{problems:?}");
    let case = perpetuals(with_orders());
    let lots = position(&[1_000_000, 0, -1, 0]);
    assert!(case.programs()[0].solve(&lots, &case.prices).is_err(), "bids for less than nothing");
    assert!(!case.evaluate(0, &lots).is_sufficient());
}
