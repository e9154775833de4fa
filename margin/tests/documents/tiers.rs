//! Requirements by size, against brackets worked out by hand, and positions that require nothing.

use std::{fs, path::PathBuf};

use surety_core::{
    text::{Document as _, InputErrors},
    units::{Lots, Price},
};
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    market::MarketEntry,
    policy::Policy,
    universe::Universe,
};

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

fn universe() -> Universe {
    Universe::from_toml("universe.toml", &example("universe.toml")).unwrap()
}

/// The example policy with another model, and with `head` before everything else.
fn read_with(head: &str, model: &str) -> Result<Policy, InputErrors> {
    let text = example("policy.toml");
    let text = format!("{head}{}{model}", &text[..text.find("[model]").unwrap()]);
    Policy::read("policy.toml", &text, &universe())
}

fn read(model: &str) -> Result<Policy, InputErrors> {
    read_with("", model)
}

/// Refused with these messages, in any order.
#[track_caller]
fn refused(result: Result<Policy, InputErrors>, messages: &[&str]) {
    let errors = result.unwrap_err();
    let mut found: Vec<_> = errors.errors().iter().map(|error| error.problem.to_string()).collect();
    let mut messages = messages.to_vec();
    found.sort_unstable();
    messages.sort_unstable();
    assert_eq!(found, messages);
}

const QUOTE: &str = "[[model.positions]]\ninstrument = \"USD\"\nshort = true\n";

fn cross(position: &str) -> String {
    format!("[model]\ntype = \"cross\"\n{QUOTE}[[model.positions]]\n{position}\n")
}

fn scenario(position: &str, shocks: &[&str]) -> String {
    let mut text = format!("[model]\ntype = \"scenario\"\n{QUOTE}[[model.positions]]\n{position}\n");
    for (s, shocks) in shocks.iter().enumerate() {
        text += &format!("[[model.scenarios]]\nname = \"s{s}\"\nshocks = {{ {shocks} }}\n");
    }
    text
}

const PERPETUAL: &str = "instrument = \"BTC-PERP\"\nprice = \"BTC-PERP-USD\"\nshort = true\n";
const SPOT: &str = "instrument = \"BTC\"\nprice = \"BTC-USD\"\nshort = true\n";

/// One percent up to ten million and two percent beyond.
fn brackets(key: &str, end: &str, base: u32) -> String {
    let rate = |ppm: u32| format!("rate = {{ maintenance = {0}, initial = {0} }}", base + ppm);
    format!("{key} = [{{ {end}, {} }}, {{ {} }}]\n", rate(10_000), rate(20_000))
}

/// An account of so much cash and so many lots of an instrument at a price of 50,000, at a level.
fn account(
    policy: &Policy,
    level: usize,
    instrument: &str,
    cash: i128,
    lots: i128,
) -> (Position, Vec<Price>, Evaluation) {
    let universe = universe();
    let at = |name: &str| universe.instruments.iter().position(|it| it.name.as_str() == name).unwrap();
    let mut holdings = vec![0; universe.instruments.len()];
    (holdings[at("USD")], holdings[at(instrument)]) = (cash, lots);
    let position = Position::from_lots(holdings.into_iter().map(|lots| Lots::new(lots).unwrap()).collect());
    let price = |entry: &MarketEntry| match entry.name.as_str() {
        "SPREAD" => Price::new(entry.max.get()).unwrap(),
        _ => Price::new(5_000_000_000_000).unwrap(),
    };
    let prices: Vec<_> = policy.market.iter().map(price).collect();
    let evaluation = evaluate(policy, &universe, &policy.levels[level], &position, &prices).unwrap();
    (position, prices, evaluation)
}

/// The requirement of a position, once it has been checked that the program decides at the very lot of cash, a cent, at
/// which the evaluation does.
fn requirement(policy: &Policy, level: usize, instrument: &str, lots: i128) -> String {
    let sufficient = |cash: i128| {
        let (position, prices, evaluation) = account(policy, level, instrument, cash, lots);
        let program = &compile(policy, &universe()).unwrap()[level];
        assert_eq!(program.solve(&position, &prices).is_ok(), evaluation.is_sufficient(), "{cash}");
        evaluation.is_sufficient()
    };
    let (mut low, mut high) = (-1_000_000_000_000, 1_000_000_000_000);
    while high - low > 1 {
        let middle: i128 = low + (high - low) / 2;
        if sufficient(middle) { high = middle } else { low = middle }
    }
    account(policy, level, instrument, high, lots).2.requirement.to_string()
}

/// 500 contracts of 50,000 are 25 million: 1 % of 10 million and 2 % of 15 million are 400,000.
const CONTRACTS: i128 = 500 * 10_000;
const COINS: i128 = 500 * 100_000_000;

#[test]
fn brackets_of_fractions_require_the_same_long_and_short() {
    for end in ["up_to = \"10000000\"", "up_to_units = \"200\"", "up_to_units = \"200.0000\""] {
        let policy = read(&cross(&format!("{PERPETUAL}{}", brackets("fraction_tiers", end, 0)))).unwrap();
        for lots in [CONTRACTS, -CONTRACTS] {
            assert_eq!(requirement(&policy, 0, "BTC-PERP", lots), "400000", "{end}, {lots}");
            assert_eq!(requirement(&policy, 2, "BTC-PERP", lots), "600000", "{end}, {lots}");
        }
        for (contracts, required) in [(200, "100000"), (201, "101000"), (199, "99500")] {
            assert_eq!(requirement(&policy, 0, "BTC-PERP", contracts * 10_000), required);
            assert_eq!(requirement(&policy, 0, "BTC-PERP", -contracts * 10_000), required);
        }
    }
}

#[test]
fn brackets_of_charges_require_the_same_long_and_short() {
    for end in ["up_to = \"10000000\"", "up_to_units = \"200\""] {
        let position = format!("{PERPETUAL}factor = \"btc\"\n{}", brackets("charge_tiers", end, 0));
        let policy = read(&scenario(&position, &["btc = 1", "btc = -1"])).unwrap();
        for lots in [CONTRACTS, -CONTRACTS] {
            assert_eq!(requirement(&policy, 0, "BTC-PERP", lots), "400025", "{end}, {lots}");
        }
    }
}

#[test]
fn brackets_of_liability_weights_are_for_what_is_owed() {
    for end in ["up_to = \"10000000\"", "up_to_units = \"200\""] {
        let policy = read(&cross(&format!("{SPOT}{}", brackets("liability_tiers", end, 1_000_000)))).unwrap();
        assert_eq!(requirement(&policy, 0, "BTC", -COINS), "400000");
        assert_eq!(requirement(&policy, 0, "BTC", COINS), "0");
    }
}

/// A spread of 100 on 50,000: the debt of 25,050,000 requires 1 % of 10 million and 2 % of the rest; by units, 1 % of
/// 200 and 2 % of 300 units at 50,100. A liquidation takes 3 % of the debt, and half as much again of the rest is
/// required.
#[test]
fn brackets_count_beside_debt_spreads_multiples_and_liquidations() {
    let spread = "[[market]]\nname = \"SPREAD\"\ndecimals = 8\nmin = \"1\"\nmax = \"10000000000\"\n\n[oracle]";
    let with_spread = |model: &str| {
        let text = example("policy.toml").replacen("[oracle]", spread, 1);
        let text = text.replace("multiple = 1_500_000", "multiple = 1_500_000\nliquidation_penalty = 30_000");
        Policy::read("policy.toml", &format!("{}{model}", &text[..text.find("[model]").unwrap()]), &universe()).unwrap()
    };
    for (end, plain, liquidated) in
        [("up_to = \"10000000\"", "401000", "1353000"), ("up_to_units = \"200\"", "400800", "1352700")]
    {
        let rules = [
            (PERPETUAL, "BTC-PERP", CONTRACTS, brackets("fraction_tiers", end, 0)),
            (SPOT, "BTC", COINS, brackets("liability_tiers", end, 1_000_000)),
        ];
        for (position, instrument, lots, tiers) in rules {
            let policy = with_spread(&cross(&format!("{position}debt_spread = \"SPREAD\"\n{tiers}")));
            assert_eq!(requirement(&policy, 0, instrument, -lots), plain);
            assert_eq!(requirement(&policy, 2, instrument, -lots), liquidated);
        }
    }
}

/// A venue's table: the rate of its bracket on the whole position, less the maintenance amount of the bracket.
#[test]
fn brackets_with_a_maintenance_amount_are_marginal_rates() {
    // From, rate in ppm, maintenance amount.
    let table = [(0, 4_000, 0), (50_000, 5_000, 50), (600_000, 10_000, 3_050), (3_000_000, 25_000, 48_050)];
    let tiers: Vec<_> = table
        .iter()
        .zip(table.iter().skip(1).map(Some).chain([None]))
        .map(|((_, rate, _), next)| {
            let end = next.map(|(from, ..)| format!("up_to = \"{from}\", ")).unwrap_or_default();
            format!("{{ {end}rate = {{ maintenance = {rate}, initial = {rate} }} }}")
        })
        .collect();
    let policy = read(&cross(&format!("{PERPETUAL}fraction_tiers = [{}]\n", tiers.join(", ")))).unwrap();
    for contracts in [1, 2, 11, 12, 13, 59, 60, 61, 500, 5_000] {
        let value = contracts * 50_000;
        let (_, rate, amount) = table.iter().rfind(|(from, ..)| value >= *from).unwrap();
        let expected = (value * rate / 1_000_000 - amount).to_string();
        for sign in [1, -1] {
            let (.., evaluation) = account(&policy, 0, "BTC-PERP", 0, sign * contracts * 10_000);
            assert_eq!(evaluation.requirement.to_string(), expected, "{contracts}");
        }
    }
}

/// Weights fall with the number of units as they do with the value: 0.9 of 200 coins and 0.5 of 300.
#[test]
fn ladders_of_weights_end_at_units_too() {
    let position = "instrument = \"BTC\"\nprice = \"BTC-USD\"\ntiers = [\
        { up_to_units = \"200\", weight = { maintenance = 900_000, initial = 900_000 } }, \
        { weight = { maintenance = 500_000, initial = 500_000 } }]\n";
    let policy = read(&cross(position)).unwrap();
    let (position, prices, evaluation) = account(&policy, 0, "BTC", -1_650_000_000, COINS);
    assert_eq!((evaluation.equity.to_string(), evaluation.margin.to_string()), ("0".to_owned(), "0".to_owned()));
    assert!(compile(&policy, &universe()).unwrap()[0].solve(&position, &prices).is_ok());
    let (position, prices, evaluation) = account(&policy, 0, "BTC", -1_650_000_001, COINS);
    assert!(!evaluation.is_sufficient());
    assert!(compile(&policy, &universe()).unwrap()[0].solve(&position, &prices).is_err());
}

const TIER: &str = "rate = { maintenance = 10_000, initial = 20_000 }";

/// A perpetual with these tiers of fractions.
fn tiers(tiers: &str) -> Result<Policy, InputErrors> {
    read(&cross(&format!("{PERPETUAL}fraction_tiers = [{tiers}]\n")))
}

/// Beyond the end of a tier nothing more would be required of a perpetual.
#[test]
fn rejects_rates_that_fall_to_nothing() {
    let list = |last: u32| {
        let rate = format!("{{ maintenance = {last}, initial = {last} }}");
        tiers(&format!("{{ up_to = \"5\", {TIER} }}, {{ rate = {rate} }}"))
    };
    assert!(list(1).is_ok(), "rates may fall");
    let errors = list(0).unwrap_err().to_string();
    assert!(errors.contains("a requirement on top of its value"), "{errors}");
}

/// Beyond the end of a tier a move against the account would be covered by nothing.
#[test]
fn rejects_ladders_that_rise_to_the_full_value_of_a_derivative() {
    let ladder = |last: u32| {
        let tier = |end: &str, weight| format!("{{ {end}weight = {{ maintenance = {weight}, initial = {weight} }} }}");
        let tiers = format!("tiers = [{}, {}]\n", tier("up_to = \"5\", ", 900_000), tier("", last));
        read(&cross(&format!("{PERPETUAL}{tiers}"))).unwrap_err().to_string()
    };
    assert!(ladder(1_000_000).contains("where BTC-PERP is held"));
    // Of a short position a ladder says nothing.
    assert!(!ladder(999_999).contains("is held") && ladder(999_999).contains("is short or owed"));
}

/// Nothing would be required of a position beyond the last end.
#[test]
fn rejects_a_last_tier_with_an_end() {
    let expected = "expected no end of the last tier, or nothing would be required of what lies beyond it, found";
    refused(
        tiers(&format!("{{ up_to = \"5\", {TIER} }}")),
        &[&format!("model.positions[1].fraction_tiers[0].up_to: {expected} 5")],
    );
    refused(
        tiers(&format!("{{ up_to_units = \"5\", {TIER} }}, {{ up_to_units = \"7.5\", {TIER} }}")),
        &[&format!("model.positions[1].fraction_tiers[1].up_to_units: {expected} 7.5")],
    );
}

#[test]
fn rejects_ends_of_tiers_that_are_no_sequence() {
    let place = "model.positions[1].fraction_tiers";
    let end = |end: &str| format!("{{ {end}, {TIER} }}");
    let last = format!("{{ {TIER} }}");
    let (five, units) = (end("up_to = \"5\""), end("up_to_units = \"5\""));
    refused(
        tiers(&[&*five, &*five, &*last].join(", ")),
        &[&format!("{place}[1].up_to: expected more than the tier before, which ends at 5, found 5")],
    );
    refused(
        tiers(&[&*units, &*end("up_to_units = \"4.5\""), &*last].join(", ")),
        &[&format!("{place}[1].up_to_units: expected more than the tier before, which ends at 5 units, found 4.5")],
    );
    refused(
        tiers(&[&*five, &*units, &*last].join(", ")),
        &[&format!(
            "{place}[1]: expected ends that are all values (`up_to`) or all numbers of units (`up_to_units`), found \
             both kinds"
        )],
    );
    refused(
        tiers(&[&*end("up_to = \"5\", up_to_units = \"5\""), &*last].join(", ")),
        &[&format!("{place}[0]: expected either the key `up_to` or the key `up_to_units`, found both")],
    );
    refused(
        tiers(&[&*last, &*last].join(", ")),
        &[&format!(
            "{place}[0].up_to: expected an end, because only the last tier may be without, found none in a tier that \
             others follow"
        )],
    );
    refused(
        tiers(&[&*end("up_to_units = \"0\""), &*last].join(", ")),
        &[&format!("{place}[0].up_to_units: expected a positive number of units, found 0")],
    );
    refused(
        tiers(&[&*end("up_to_units = \"0.00001\""), &*last].join(", ")),
        &[&format!("{place}[0].up_to_units: expected a whole number of lots: at most 4 decimal places, found 0.00001")],
    );
}

#[test]
fn rejects_a_profit_that_ends_at_units() {
    let profit = "fraction = { maintenance = 1, initial = 1 }\n[[model.profits]]\ninstruments = [\"BTC-PERP\"]\ntiers \
         = [\
        { up_to_units = \"5\", weight = { maintenance = 1_000_000, initial = 1_000_000 } }]\n";
    refused(
        read(&cross(&format!("{PERPETUAL}{profit}"))),
        &["model.profits[0].tiers[0].up_to_units: expected no such key: a sum of several instruments has no number \
             of units, found one"],
    );
}

#[test]
fn rejects_a_rate_beside_tiers_of_it_and_rates_out_of_bounds() {
    let fraction = "fraction = { maintenance = 1, initial = 1 }\n";
    refused(
        read(&cross(&format!("{PERPETUAL}{fraction}fraction_tiers = [{{ {TIER} }}]"))),
        &["model.positions[1]: expected either the key `fraction` or the key `fraction_tiers`, found both"],
    );
    refused(
        tiers("{ rate = { maintenance = 2, initial = 1 } }"),
        &["model.positions[1].fraction_tiers[0].rate: expected charges with initial >= maintenance, found initial \
             0.0001 %, maintenance 0.0002 %"],
    );
    refused(
        read(&cross(&format!("{SPOT}{fraction}liability_tiers = [{{ {TIER} }}]"))),
        &["model.positions[1].liability_tiers[0].rate: expected weights with initial >= maintenance >= 100 %, found \
             initial 2 %, maintenance 1 %"],
    );
}

mod unmargined {
    use super::*;

    const ADVICE: &str =
        "found none; state one, or name the instrument in the list `unmargined` of the policy if that is meant";
    const CROSS: &str = "a fraction, or a liability weight above one";
    const SCENARIO: &str = "a charge, or a scenario in which it loses";

    fn short(instrument: &str, level: &str, remedy: &str) -> String {
        format!(
            "model.positions[1].short: expected a requirement on top of its value where {instrument} is short or owed, \
             at level {level}: {remedy}, {ADVICE}"
        )
    }

    fn held(instrument: &str, level: &str, remedy: &str) -> String {
        format!(
            "model.positions[1]: expected a requirement on top of its value where {instrument} is held, at level \
             {level}: {remedy}, {ADVICE}"
        )
    }

    /// Weights say how much of a holding counts, and nothing of the same position short.
    #[test]
    fn rejects_shorts_that_only_a_ladder_of_weights_is_for() {
        let tiers = "tiers = [{ up_to = \"10000000\", weight = { maintenance = 990_000, initial = 990_000 } }, \
                     { weight = { maintenance = 980_000, initial = 980_000 } }]\n";
        for (position, instrument) in [(PERPETUAL, "BTC-PERP"), (SPOT, "BTC")] {
            let position = format!("{position}{tiers}");
            refused(read(&cross(&position)), &[&short(instrument, "maintenance", CROSS)]);
            let factor = format!("{position}factor = \"btc\"\n");
            refused(read(&scenario(&factor, &["btc = -100_000"])), &[&short(instrument, "maintenance", SCENARIO)]);
            read(&scenario(&factor, &["btc = -100_000", "btc = 1"])).unwrap();
            read(&cross(&format!("{position}fraction = {{ maintenance = 1, initial = 1 }}\n"))).unwrap();
            read(&cross(&format!("{position}liability = {{ maintenance = 1_000_001, initial = 1_000_001 }}\n")))
                .unwrap();
        }
    }

    #[test]
    fn rejects_derivatives_that_require_nothing() {
        refused(
            read(&cross(PERPETUAL)),
            &[&short("BTC-PERP", "maintenance", CROSS), &held("BTC-PERP", "maintenance", CROSS)],
        );
        let long = PERPETUAL.replace("short = true\n", "");
        refused(read(&cross(&long)), &[&held("BTC-PERP", "maintenance", CROSS)]);
        // A future, and a requirement at the other level only.
        let future = PERPETUAL.replace("BTC-PERP", "BTC-26MAR27") + "fraction = { maintenance = 0, initial = 1 }\n";
        refused(
            read(&cross(&future)),
            &[&short("BTC-26MAR27", "maintenance", CROSS), &held("BTC-26MAR27", "maintenance", CROSS)],
        );
        // A first tier that is free.
        let free = "fraction_tiers = [{ up_to = \"9\", rate = { maintenance = 0, initial = 0 } }, \
                    { rate = { maintenance = 1, initial = 1 } }]\n";
        refused(
            read(&cross(&format!("{PERPETUAL}{free}"))),
            &[&short("BTC-PERP", "maintenance", CROSS), &held("BTC-PERP", "maintenance", CROSS)],
        );
    }

    /// In no scenario, in none that counts, or not in the mean of the worst.
    #[test]
    fn rejects_positions_that_lose_in_no_scenario() {
        let moved = format!("{PERPETUAL}factor = \"btc\"\n");
        refused(
            read(&scenario(&moved, &["btc = -500_000", "btc = 0"])),
            &[&short("BTC-PERP", "maintenance", SCENARIO)],
        );
        refused(read(&scenario(&moved, &["btc = 500_000"])), &[&held("BTC-PERP", "maintenance", SCENARIO)]);
        let both = scenario(&moved, &["btc = -500_000", "btc = 1"]);
        read(&both).unwrap();
        let uncounted = "type = \"scenario\"\nloss_multiple = { maintenance = 0, initial = 1 }";
        refused(
            read(&both.replace("type = \"scenario\"", uncounted)),
            &[&short("BTC-PERP", "maintenance", SCENARIO), &held("BTC-PERP", "maintenance", SCENARIO)],
        );
        let mean = "type = \"scenario\"\ntail = 1_000_000";
        refused(read(&both.replace("type = \"scenario\"", mean)), &[&short("BTC-PERP", "maintenance", SCENARIO)]);
        // Spot that nobody may owe loses no more than was paid for it.
        read(&scenario(&moved.replace("-PERP", "").replace("short = true\n", ""), &["btc = 1"])).unwrap();
    }

    #[test]
    fn rejects_members_and_collateral_that_lose_nothing() {
        let span = |member: &str, commodity: &str, collateral: &str| {
            format!(
                "[model]\ntype = \"span\"\n[[model.collateral]]\ninstrument = \"USD\"\nshort = true\n\
                 weight = {{ maintenance = 1_000_000, initial = 1_000_000 }}\n{collateral}\
                 [[model.commodities]]\nname = \"BTC\"\ndecimals = 0\n{commodity}\
                 [[model.commodities.members]]\n{PERPETUAL}{member}\n"
            )
        };
        let what = "a loss in its risk array, an outright charge on its delta, or a short option minimum";
        let place = "model.commodities[0].members[0]";
        let short = format!(
            "{place}.short: expected a requirement on top of its value where BTC-PERP is short or owed, at level \
             maintenance: {what}, {ADVICE}"
        );
        let held = format!(
            "{place}: expected a requirement on top of its value where BTC-PERP is held, at level maintenance: {what}, \
             {ADVICE}"
        );
        read(&span("risk_array = [5, -5]", "", "")).unwrap();
        read(&span("delta = -1", "outright = 1\n", "")).unwrap();
        refused(read(&span("risk_array = [5, 0]", "", "")), &[&short]);
        refused(read(&span("risk_array = [-5, 0]", "", "")), &[&held]);
        refused(read(&span("delta = 0", "outright = 1\n", "")), &[&short, &held]);
        refused(read(&span("delta = 1", "outright = 0\n", "")), &[&short, &held]);
        let coin = format!("[[model.collateral]]\n{SPOT}weight = {{ maintenance = 900_000, initial = 900_000 }}\n");
        refused(
            read(&span("risk_array = [5, -5]", "", &coin)),
            &[&format!(
                "model.collateral[1].short: expected a requirement on top of its value where BTC is short or owed, at \
                 level maintenance: {what}, {ADVICE}"
            )],
        );
    }

    /// What covers the debts of a lending market is the haircut of their collateral.
    #[test]
    fn rejects_debts_against_collateral_that_counts_in_full() {
        let asset = |asset: &str, weight: u32| {
            format!("[[model.assets]]\n{asset}weight = {{ maintenance = {weight}, initial = {weight} }}\n")
        };
        let model = |assets: &[String]| format!("[model]\ntype = \"collateral\"\n{}", assets.concat());
        let ether = "instrument = \"ETH\"\nprice = \"ETH-USD\"\n";
        let usd = "instrument = \"USD\"\n";
        read(&model(&[asset(SPOT, 0), asset(ether, 999_999)])).unwrap();
        // The same asset cannot be held and owed.
        read(&model(&[asset(SPOT, 1_000_000), asset(ether, 800_000)])).unwrap();
        for (assets, level) in [
            ([asset(SPOT, 0), asset(ether, 1_000_000)], "maintenance"),
            ([asset(SPOT, 0), asset(usd, 1_000_000)], "maintenance"),
        ] {
            refused(
                read(&model(&assets)),
                &[&format!(
                    "model.assets[0].short: expected a requirement on top of its value where BTC is short or owed, at \
                     level {level}: a haircut on all collateral that is not priced like it, {ADVICE}"
                )],
            );
        }
        // A number of units of something else is no price like it; the least of prices is.
        let derived = |formula: &str| {
            format!(
                "[[derived]]\nname = \"OTHER\"\ndecimals = 8\nmin = \"1e9\"\nmax = \"1e13\"\nrounding = \"up\"\n\
                 formula = {{ {formula} = [\"BTC-USD\", \"SOL-USD\"] }}\n"
            )
        };
        let other = "instrument = \"ETH\"\nprice = \"OTHER\"\n";
        for (formula, accepted) in [("least", true), ("quotient", false)] {
            let model = model(&[asset(SPOT, 0), asset(other, 1_000_000)]) + &derived(formula);
            assert_eq!(read(&model).is_ok(), accepted, "{formula}");
        }
        // The quote currency may be owed.
        read(&model(&[asset(&format!("{usd}short = true\n"), 1_000_000), asset(ether, 800_000)])).unwrap();
    }

    #[test]
    fn rejects_positions_inside_of_buckets_and_modes() {
        let bucket = format!(
            "[model]\ntype = \"isolated\"\n[[model.buckets]]\nname = \"one\"\n[model.buckets.model]\ntype = \"cross\"\n\
             [[model.buckets.model.positions]]\n{PERPETUAL}"
        );
        let errors = read(&bucket).unwrap_err().to_string();
        assert!(errors.contains("model.buckets[0].model.positions[0].short: expected a requirement"), "{errors}");
        let mode = bucket.replace("isolated", "modes").replace("buckets", "modes");
        let text = example("policy.toml").replace("basis =", "mode = \"one\"\nbasis =");
        let text = format!("{}{mode}", &text[..text.find("[model]").unwrap()]);
        let errors = Policy::read("policy.toml", &text, &universe()).unwrap_err().to_string();
        assert!(errors.contains("model.modes[0].model.positions[0].short: expected a requirement"), "{errors}");
    }

    /// Numbers are parts per million, and somebody who writes 10 may mean percent.
    #[test]
    fn fractions_that_are_hardly_anything_are_told() {
        let told = |model: &str| -> Vec<_> {
            let warnings = read(model).unwrap().warnings(&universe());
            warnings.iter().map(ToString::to_string).filter(|told| told.contains("percent are meant")).collect()
        };
        let [warning] = &told(&cross(&format!("{PERPETUAL}fraction = {{ maintenance = 10, initial = 100 }}\n")))[..]
        else {
            panic!("one warning");
        };
        let expected = "model.positions[1].fraction.maintenance: expected at least 0.01 %, or nothing, found 10 ppm; \
             write \
                        \"10 %\" if percent are meant, as numbers are parts per million";
        assert_eq!(warning, expected);
        let factor = format!("{PERPETUAL}factor = \"btc\"\n");
        assert_eq!(told(&scenario(&factor, &["btc = -15", "btc = 150_000"])).len(), 1);
        assert_eq!(
            told(&cross(&format!("{PERPETUAL}fraction = {{ maintenance = \"10 %\", initial = \"10 %\" }}\n"))),
            [""; 0]
        );
    }

    #[test]
    fn a_policy_may_name_what_requires_nothing() {
        let model = cross(PERPETUAL);
        let policy = read_with("unmargined = [\"BTC-PERP\"]\n", &model).unwrap();
        let warnings: Vec<_> = policy.warnings(&universe()).iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("BTC-PERP")), "{warnings:?}");
        let margined = format!("{PERPETUAL}fraction = {{ maintenance = 100, initial = 100 }}\n");
        let policy = read_with("unmargined = [\"BTC-PERP\"]\n", &cross(&margined)).unwrap();
        let warnings: Vec<_> = policy.warnings(&universe()).iter().map(ToString::to_string).collect();
        assert_eq!(
            warnings,
            ["unmargined[0]: expected an instrument of which nothing is required at some level, found BTC-PERP, \
                 which always requires something"]
        );
    }

    #[test]
    fn rejects_names_of_unmargined_instruments_that_are_none() {
        refused(
            read_with("unmargined = [\"BTC-PERQ\", \"BTC-PERP\", \"BTC-PERP\"]\n", &cross(PERPETUAL)),
            &[
                "unmargined[2]: expected each instrument once, found BTC-PERP again",
                "unmargined[0]: expected an instrument of the universe meridian-2026, found BTC-PERQ",
            ],
        );
    }

    /// A loan of an asset with a haircut is what spot margin consists of; it is said aloud.
    #[test]
    fn loans_without_a_requirement_are_warned_of() {
        let policy = Policy::read("policy-cross.toml", &example("policy-cross.toml"), &universe()).unwrap();
        let warnings: Vec<_> = policy.warnings(&universe()).iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        for (i, instrument) in [(1, "USDC"), (3, "BTC"), (4, "ETH")] {
            let start =
                format!("model.positions[{i}].short: expected a requirement on top of its value where {instrument} ");
            assert!(warnings.iter().any(|warning| warning.starts_with(&start)), "{warnings:?}");
        }
        // Without a haircut of its own it is refused.
        refused(read(&cross(SPOT)), &[&short("BTC", "maintenance", CROSS)]);
    }
}
