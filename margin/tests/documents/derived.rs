//! Derived market entries and the claims among them: their arithmetic against fractions, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};
use surety_core::{
    ident::Name,
    units::{Decimals, Lots, Ppm, Price, Timestamp},
};
use surety_margin::{
    compile::compile,
    evaluate::evaluate,
    holdings::Position,
    level::ByBasis,
    market::{
        MarketEntry,
        derived::{DerivedEntry, Formula, Rounding},
    },
    models::{Asset, Collateral, Model},
    policy::Policy,
    universe::Universe,
};
use surety_testing::sample;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn price(value: u128) -> Price {
    Price::new(value).unwrap()
}

fn reported(text: &str, decimals: u8) -> MarketEntry {
    let decimals = Decimals::new(decimals).unwrap();
    MarketEntry::new(name(text), decimals, Price::ZERO, price(Price::MAX))
}

/// An entry as a policy states it, with room for any value.
fn derived(text: &str, decimals: u8, rounding: &str, formula: &Value) -> DerivedEntry {
    let entry = json!({
        "name": text, "decimals": decimals, "min": "0", "max": Price::MAX.to_string(),
        "rounding": rounding, "formula": formula,
    });
    serde_json::from_value(entry).unwrap()
}

/// Cash and two spot assets, of which the first one is owed, under a policy with these market entries.
fn sample(market: Vec<MarketEntry>, derived: Vec<DerivedEntry>) -> (Universe, Policy) {
    let mut universe = sample::universe(9, 3);
    for instrument in &mut universe.instruments[1..] {
        instrument.class = surety_margin::universe::InstrumentClass::Spot;
    }
    let asset = |instrument: &str, price: Option<&str>| Asset {
        instrument: name(instrument),
        price: price.map(name),
        debt_spread: None,
        short: true,
        weight: Some(ByBasis { maintenance: Ppm(800_000), initial: Ppm(700_000) }),
        tiers: Vec::new(),
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let model = Model::Collateral(Collateral { assets: vec![asset("USD", None)], average_step: Ppm(0) });
    let mut policy = sample::policy(&universe, 3, model);
    policy.market = market;
    policy.derived = derived;
    (universe, policy)
}

/// The last number of the market vector, or why there is none.
fn last(market: Vec<MarketEntry>, entries: Vec<DerivedEntry>, numbers: &[u128]) -> Result<u128, String> {
    let (universe, policy) = sample(market, entries);
    assert_eq!(policy.check(&universe), []);
    let numbers: Vec<_> = numbers.iter().map(|number| price(*number)).collect();
    let vector = policy.market_vector(&universe).unwrap().derive(&numbers, Timestamp(0));
    vector.map(|vector| vector.last().unwrap().get()).map_err(|problems| problems[0].to_string())
}

/// Formulas over `a` and `b`.
fn formulas() -> impl Strategy<Value = Value> {
    let ramp = (1..500u64, 1..500u64, 0..=1_000_000u32, 0..=1_000_000u32).prop_map(|(from, width, x, y)| {
        json!({ "ramp": {
            "of": "a", "from": from.to_string(), "to": (from + width).to_string(), "start": x.min(y), "end": x.max(y),
        }})
    });
    let claim = (0..=1_000_000u32).prop_map(|quality| {
        json!({ "claim": { "token": "PERP-1", "underlying": "a", "rate": "b", "quality": quality, "issuer": "i" } })
    });
    let pairs = ["product", "quotient", "sum", "difference", "least", "greatest"];
    let pair = prop::sample::select(pairs.to_vec()).prop_map(|kind| json!({ kind: ["a", "b"] }));
    prop_oneof![6 => pair, 1 => ramp, 1 => claim]
}

/// Numerator and denominator of what a formula is, by its definition.
fn fraction(formula: &Formula, [a, b]: [u128; 2], [one_a, one_b]: [u128; 2]) -> (u128, u128) {
    let (left, right, whole) = (a * one_b, b * one_a, one_a * one_b);
    match formula {
        Formula::Product(_) => (a * b, whole),
        Formula::Quotient(_) => (left, right),
        Formula::Sum(_) => (left + right, whole),
        Formula::Difference(_) => (left.saturating_sub(right), whole),
        Formula::Least(_) => (left.min(right), whole),
        Formula::Greatest(_) => (left.max(right), whole),
        Formula::Claim(claim) => (a * b * u128::from(claim.quality.0), whole * 1_000_000),
        Formula::Ramp(ramp) => {
            let (from, to) = (u128::from(ramp.from.get()) * one_a, u128::from(ramp.to.get()) * one_a);
            let beyond = a.clamp(from, to) - from;
            let (start, end) = (u128::from(ramp.start.0), u128::from(ramp.end.0));
            (start * (to - from) + beyond * (end - start), 1_000_000 * (to - from))
        }
    }
}

proptest! {
    /// Rounded down, a number is the largest one that is not above the fraction; rounded up, the smallest not below.
    #[test]
    fn numbers_are_the_fractions_rounded(
        numbers in [0..1_000_000u128, 0..1_000_000u128],
        places in [0..5u8, 0..5u8, 0..5u8],
        formula in formulas(),
    ) {
        let market = vec![reported("a", places[0]), reported("b", places[1])];
        let parsed: Formula = serde_json::from_value(formula.clone()).unwrap();
        let unit = |i: usize| 10_u128.pow(places[i].into());
        let (numerator, denominator) = fraction(&parsed, numbers, [unit(0), unit(1)]);
        let number = |rounding| last(market.clone(), vec![derived("c", places[2], rounding, &formula)], &numbers);
        // A claim is only ever rounded down.
        let up = if matches!(parsed, Formula::Claim(_)) { "down" } else { "up" };
        let [down, up] = [number("down"), number(up)];
        if denominator == 0 {
            let expected = format!(
                "prices: expected a value of c from 0 to {}, found none, because a divisor is zero or the value too \
                 large",
                Price::MAX
            );
            prop_assert_eq!(down, Err(expected.clone()));
            prop_assert_eq!(up, Err(expected));
        } else {
            let (exact, [down, up]) = (numerator * unit(2), [down.unwrap(), up.unwrap()]);
            prop_assert!(down * denominator <= exact && exact < (down + 1) * denominator);
            let smallest = up * denominator >= exact && (up == 0 || (up - 1) * denominator < exact);
            prop_assert!(smallest || matches!(parsed, Formula::Claim(_)));
        }
    }
}

/// By hand: 1.5 units at 2,000.01, of which 99 percent count, and a debt with an index of 1.000000001.
#[test]
fn entries_follow_from_entries_before_them() {
    let market = vec![reported("price", 2), reported("rate", 3), reported("index", 9)];
    let entries = vec![
        derived(
            "token",
            2,
            "down",
            &json!({
                "claim": {
                    "token": "PERP-1", "underlying": "price", "rate": "rate", "quality": 990_000, "issuer": "lido"
                }
            }),
        ),
        derived("debt", 6, "up", &json!({ "product": ["token", "index"] })),
    ];
    // 3000.015 · 0.99 = 2970.01485, rounded down; times 1.000000001 = 2970.01000297001, rounded up.
    assert_eq!(last(market.clone(), entries[..1].to_vec(), &[200_001, 1_500, 1_000_000_001]), Ok(297_001));
    assert_eq!(last(market, entries, &[200_001, 1_500, 1_000_000_001]), Ok(2_970_010_003));
}

/// Attack: numbers at the limits of their types.
#[test]
fn rejects_numbers_that_no_price_holds() {
    let market = || (0..8).map(|i| reported(&format!("n{i}"), 18)).collect::<Vec<_>>();
    let names: Vec<_> = (0..8).map(|i| format!("n{i}")).collect();
    for kind in ["product", "sum"] {
        let found = last(market(), vec![derived("c", 18, "up", &json!({ kind: names }))], &[Price::MAX; 8]);
        assert!(found.unwrap_err().ends_with("the value too large"));
        let least = last(market(), vec![derived("c", 0, "up", &json!({ kind: names }))], &[1; 8]);
        assert_eq!(least, Ok(1));
    }
}

#[test]
fn rejects_numbers_out_of_their_box() {
    let mut entry = derived("c", 2, "up", &json!({ "sum": ["a", "b"] }));
    (entry.min, entry.max) = (price(100), price(200));
    let market = || vec![reported("a", 2), reported("b", 2)];
    assert_eq!(last(market(), vec![entry.clone()], &[50, 50]), Ok(100));
    assert_eq!(last(market(), vec![entry.clone()], &[150, 50]), Ok(200));
    for (b, found) in [(49, "99"), (151, "201")] {
        let expected = format!("prices: expected a value of c from 100 to 200, found {found}");
        assert_eq!(last(market(), vec![entry.clone()], &[50, b]), Err(expected));
    }
}

#[track_caller]
fn refused(entries: Vec<DerivedEntry>, messages: &[&str]) {
    let (universe, policy) = sample(vec![reported("a", 2), reported("b", 2)], entries);
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    assert_eq!(found, messages);
}

#[test]
fn rejects_entries_that_read_themselves_or_later_ones() {
    let sum = |text: &str, of: [&str; 2]| derived(text, 2, "up", &json!({ "sum": of }));
    let expected = "derived[0].formula: expected market entries that come before it, so that nothing depends on itself";
    refused(vec![sum("c", ["a", "c"])], &[&format!("{expected}, found c")]);
    refused(vec![sum("c", ["a", "d"]), sum("d", ["a", "c"])], &[&format!("{expected}, found d")]);
    refused(vec![sum("c", ["a", "nothing"])], &[&format!("{expected}, found nothing")]);
}

#[test]
fn rejects_a_name_twice() {
    let sum = |text: &str| derived(text, 2, "up", &json!({ "sum": ["a", "b"] }));
    refused(vec![sum("a")], &["derived[0].name: expected a name that no other market entry has, found a"]);
    refused(vec![sum("c"), sum("c")], &["derived[1].name: expected a name that no other market entry has, found c"]);
}

#[test]
fn rejects_formulas_of_no_parts_or_too_many() {
    for kind in ["product", "sum", "least", "greatest"] {
        for count in [0, 1, 9] {
            let names = vec!["a"; count];
            refused(
                vec![derived("c", 2, "up", &json!({ kind: names }))],
                &[&format!("derived[0].formula: expected from 2 to 8 market entries, found {count}")],
            );
        }
    }
}

#[test]
fn rejects_boxes_and_ramps_that_fall() {
    let mut entry = derived("c", 2, "up", &json!({ "sum": ["a", "b"] }));
    (entry.min, entry.max) = (price(2), price(1));
    refused(vec![entry], &["derived[0].min: expected at most max, which is 1, found 2"]);
    let ramp = |from: &str, start: u32| {
        json!({
            "ramp": { "of": "a", "from": from, "to": "10", "start": start, "end": 500_000 }
        })
    };
    refused(vec![derived("c", 6, "up", &ramp("9", 500_000))], &[]);
    refused(
        vec![derived("c", 6, "up", &ramp("10", 500_001))],
        &[
            "derived[0].formula.ramp.from: expected less than to, which is 10, found 10",
            "derived[0].formula.ramp.start: expected at most end, which is 500000, found 500001",
        ],
    );
}

/// A claim on `a` at the rate `b`.
fn claim(text: &str, token: &str, underlying: &str, quality: u32, issuer: &str) -> DerivedEntry {
    let claim = json!({ "token": token, "underlying": underlying, "rate": "b", "quality": quality, "issuer": issuer });
    derived(text, 4, "down", &json!({ "claim": claim }))
}

#[test]
fn rejects_claims_worth_more_than_what_they_are_on() {
    refused(vec![claim("c", "PERP-1", "a", 1_000_000, "lido")], &[]);
    refused(
        vec![claim("c", "PERP-1", "a", 1_000_001, "lido")],
        &["derived[0].formula.claim.quality: expected at most 100 %: a claim is worth no more than what it is on, \
             found 100.0001 %"],
    );
}

#[test]
fn rejects_claims_on_themselves() {
    let expected = "expected market entries that come before it, so that nothing depends on itself";
    refused(vec![claim("c", "PERP-1", "c", 1, "lido")], &[&format!("derived[0].formula: {expected}, found c")]);
    refused(
        vec![claim("c", "PERP-1", "d", 1, "lido"), claim("d", "PERP-2", "c", 1, "lido")],
        &[&format!("derived[0].formula: {expected}, found d")],
    );
}

/// A source of the policy that issued the token could state as many of them as it likes.
#[test]
fn rejects_own_tokens() {
    for own in ["custodian", "oracle-0"] {
        let expected = "an issuer that is no source or oracle node of the policy: its own token secures nothing";
        let message = format!("derived[0].formula.claim.issuer: expected {expected}, found {own}");
        refused(vec![claim("c", "PERP-1", "a", 1, own)], &[&message]);
    }
}

/// To look at every pair of a claim and a rule would take minutes.
#[test]
fn rejects_a_flood_of_claims_and_rules() {
    const COUNT: usize = 15_000;
    let claims = (0..COUNT).map(|i| claim(&format!("c{i}"), &format!("t{i}"), "a", 1, "lido")).collect();
    let (_, mut policy) = sample(vec![reported("a", 2), reported("b", 2)], claims);
    let universe = sample::universe(16, COUNT);
    let Model::Collateral(Collateral { assets, .. }) = &mut policy.model else { unreachable!() };
    let cash = assets[0].clone();
    *assets = universe.instruments.iter().map(|it| Asset { instrument: it.name.clone(), ..cash.clone() }).collect();
    let problems = policy.check(&universe);
    let unknown = problems.iter().filter(|problem| problem.path.ends_with("claim.token"));
    assert_eq!(unknown.count(), COUNT);
}

#[test]
fn rejects_tokens_that_are_unknown_or_claimed_twice() {
    refused(
        vec![claim("c", "stETH", "a", 1, "lido")],
        &["derived[0].formula.claim.token: expected an instrument of the universe sample, found stETH"],
    );
    refused(
        vec![claim("c", "PERP-1", "a", 1, "lido"), claim("d", "PERP-1", "a", 1, "lido")],
        &["derived[1].formula.claim.token: expected a token that no claim before is, found PERP-1"],
    );
}

/// A policy with a token that is looked through, read at some entry.
fn recursive(read: Option<&str>) -> (Universe, Policy) {
    let mut first = claim("c", "PERP-1", "a", 950_000, "lido");
    // A claim on the claim.
    let mut second = claim("d", "PERP-2", "c", 900_000, "eigen");
    (first.min, second.min) = (price(1_000_000), price(1_000_000));
    (first.max, second.max) = (price(100_000_000_000), price(100_000_000_000));
    let (universe, mut policy) = sample(vec![reported("a", 2), reported("b", 2)], vec![first, second]);
    (policy.market[0].min, policy.market[0].max) = (price(10_000), price(100_000_000));
    (policy.market[1].min, policy.market[1].max) = (price(100), price(1_000));
    let Model::Collateral(model) = &mut policy.model else { panic!("the sample is collateral") };
    let token = Asset { instrument: name("PERP-2"), price: read.map(name), short: false, ..model.assets[0].clone() };
    model.assets.push(token);
    (universe, policy)
}

#[test]
fn rejects_tokens_that_are_not_looked_through() {
    let expected = "model.assets[1].price: expected d, the price of the claim that PERP-2 is, found";
    for wrong in ["a", "c"] {
        let (universe, policy) = recursive(Some(wrong));
        let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
        assert_eq!(found, [format!("{expected} {wrong}")]);
    }
    let (universe, policy) = recursive(None);
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    assert_eq!(found[0], format!("{expected} none"));
}

/// Attack: half of a debt vanishes if it is counted like a claim, at its quality and rounded down.
#[test]
fn rejects_debts_that_count_like_claims() {
    let (universe, mut policy) = recursive(Some("d"));
    let Model::Collateral(model) = &mut policy.model else { panic!("the sample is collateral") };
    model.assets[1].short = true;
    let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
    let expected = "no short, because a claim counts for less than is owed: what may be owed has a price of its own";
    assert_eq!(found, [format!("model.assets[1].short: expected {expected}, found true")]);
}

/// Attack: the same behind one more formula.
#[test]
fn rejects_debts_that_count_like_what_follows_from_claims() {
    for formula in ["product", "least", "greatest", "sum"] {
        let (universe, mut policy) = recursive(Some("d"));
        policy.derived.push(derived("e", 8, "down", &json!({ formula: ["d", "a"] })));
        let Model::Collateral(model) = &mut policy.model else { panic!("the sample is collateral") };
        let owed = Asset { instrument: name("PERP-1"), price: Some(name("e")), short: true, ..model.assets[0].clone() };
        model.assets.push(owed);
        let found: Vec<_> = policy.check(&universe).iter().map(ToString::to_string).collect();
        assert!(
            found.iter().any(|problem| problem.starts_with("model.assets[2].short: expected no short")),
            "{found:?}"
        );
    }
}

/// Attack: a claim rounded in favour of whoever holds it.
#[test]
fn rejects_claims_rounded_up() {
    let claim = DerivedEntry { rounding: Rounding::Up, ..claim("c", "PERP-1", "a", 950_000, "lido") };
    let message = "derived[0].rounding: expected down, because a claim counts for the account, found up";
    refused(vec![claim], &[message]);
}

/// By hand: a unit of the token stands for 1.1 claims, each for 1.1 units of 2,000: 2,000·1.1·0.95 = 2,090, times
/// 1.1·0.9 = 2,069.1. At 80 percent ten units secure 16,552.80.
#[test]
fn a_claim_on_a_claim_secures_a_debt_to_the_cent() {
    let (universe, policy) = recursive(Some("d"));
    assert_eq!(policy.check(&universe), []);
    let vector = policy.market_vector(&universe).unwrap().derive(&[price(200_000), price(110)], Timestamp(0)).unwrap();
    assert_eq!(vector[2..], [price(20_900_000), price(20_691_000)]);
    let program = &compile(&policy, &universe).unwrap()[0];
    for (cash, margin) in [(-1_655_280, "0"), (-1_655_281, "-0.01")] {
        let lots = [cash, 0, 100_000].map(|lots| Lots::new(lots).unwrap());
        let position = Position::from_lots(lots.to_vec());
        let found = evaluate(&policy, &universe, &policy.levels[0], &position, &vector).unwrap();
        assert_eq!(found.margin.to_string(), margin);
        assert_eq!(program.solve(&position, &vector).is_ok(), cash == -1_655_280);
    }
}
