//! Models with options: margins by hand, from risk arrays and from greeks, and what a policy may not say of them.

mod spreads;

use std::{collections::BTreeMap, fs, path::PathBuf};

use surety_core::{
    ident::Name,
    text::{Document, InputErrors},
    units::{Decimals, Lots, Ppm, Price},
};
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    level::ByBasis,
    models::{Amount, Asset, CombinedCommodity, CreditBasis, Delta, Member, Model, Span},
    policy::Policy,
    program::TailShare,
    universe::Universe,
};
use surety_testing::sample;

const SPAN: &str = include_str!("../policies/span.toml");
const GREEKS: &str = include_str!("../policies/greeks.toml");

/// Lots of a unit.
const USD: i128 = 100;
const CONTRACT: i128 = 10_000;
const ETH: i128 = 1_000;
const SOL: i128 = 100;

/// Steps of a price of one.
const CENTS: u128 = 100;

/// An account: what it holds in lots, and the prices that are not one.
struct Account<'a> {
    lots: &'a [(&'a str, i128)],
    prices: &'a [(&'a str, u128)],
}

struct Case {
    universe: Universe,
    policy: Policy,
}

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

/// The example universe with two options.
fn universe() -> Universe {
    let text = example("universe.toml") + include_str!("../policies/universe.toml");
    Universe::from_toml("universe.toml", &text).unwrap()
}

/// The example policy with another model.
fn read(model: &str) -> Result<Policy, InputErrors> {
    let text = example("policy.toml");
    let text = format!("{}{model}", &text[..text.find("[model]").unwrap()]);
    Policy::read("policy.toml", &text, &universe())
}

impl Case {
    fn new(model: &str) -> Self {
        let policy = read(model).unwrap_or_else(|errors| panic!("{errors}"));
        Self { universe: universe(), policy }
    }

    /// The evaluation at a level, which its program must agree with.
    #[track_caller]
    fn evaluate(&self, level: usize, account: &Account<'_>) -> Evaluation {
        let (lots, prices): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (account.lots.iter().copied().collect(), account.prices.iter().copied().collect());
        let held = |name: &str| Lots::new(lots.get(name).copied().unwrap_or(0)).unwrap();
        let position = self.universe.instruments.iter().map(|instrument| held(instrument.name.as_str())).collect();
        let position = Position::from_lots(position);
        let price = |name: &str| Price::new(prices.get(name).copied().unwrap_or(1)).unwrap();
        let prices: Vec<_> = self.policy.market.iter().map(|entry| price(entry.name.as_str())).collect();
        let evaluation =
            evaluate(&self.policy, &self.universe, &self.policy.levels[level], &position, &prices).unwrap();
        let program = &compile(&self.policy, &self.universe).unwrap()[level];
        assert_eq!(program.solve(&position, &prices).is_ok(), evaluation.is_sufficient());
        evaluation
    }

    fn span(&mut self) -> &mut Span {
        match &mut self.policy.model {
            Model::Span(model) => model,
            _ => panic!("the model is risk arrays"),
        }
    }
}

fn charges(evaluation: &Evaluation) -> Vec<String> {
    evaluation.charges.iter().map(|charge| format!("{}: {}", charge.name, charge.amount)).collect()
}

const BTC_PRICES: &[(&str, u128)] =
    &[("BTC-26MAR27-USD", 60_000 * 10u128.pow(8)), ("CALL-USD", 5_000 * CENTS), ("PUT-USD", 4_500 * CENTS)];

/// Short a future and two calls, long a put: a rise by 20 percent costs 12,000 + 2·9,500 + 3,500.
#[test]
fn the_worst_scenario_of_the_risk_arrays_counts() {
    let case = Case::new(SPAN);
    let lots = [
        ("USD", 200_000 * USD),
        ("BTC-26MAR27", -CONTRACT),
        ("BTC-26MAR27-60000-C", -2 * CONTRACT),
        ("BTC-26MAR27-60000-P", CONTRACT),
    ];
    let account = Account { lots: &lots, prices: BTC_PRICES };
    let evaluation = case.evaluate(0, &account);
    // The net option value, 4,500 - 10,000, is part of it.
    assert_eq!(evaluation.equity.to_string(), "134500");
    assert_eq!(charges(&evaluation), ["scan risk of BTC, scenario 3: 34500"]);
    assert_eq!(case.evaluate(1, &account).requirement.to_string(), "37950");
    assert_eq!(case.evaluate(2, &account).requirement.to_string(), "51750");
}

/// Long a future and a put, short a call: no scenario loses more than 1,000, but a short option takes 1,200.
#[test]
fn short_options_take_a_minimum() {
    let case = Case::new(SPAN);
    let hedged = |cash| {
        [
            ("USD", cash),
            ("BTC-26MAR27", CONTRACT),
            ("BTC-26MAR27-60000-C", -CONTRACT),
            ("BTC-26MAR27-60000-P", CONTRACT),
        ]
    };
    let evaluation = case.evaluate(0, &Account { lots: &hedged(-58_300 * USD), prices: BTC_PRICES });
    assert_eq!(charges(&evaluation), ["short option minimum of BTC: 1200"]);
    assert_eq!(evaluation.margin.to_string(), "0");
    let evaluation = case.evaluate(0, &Account { lots: &hedged(-58_300 * USD - 1), prices: BTC_PRICES });
    assert_eq!(evaluation.margin.to_string(), "-0.01");
}

/// Three ETH long in March, one short without a month, ten SOL of a tenth of a delta short.
#[test]
fn spreads_are_charged_and_credited() {
    let case = Case::new(SPAN);
    let lots = [("USD", 1_000 * USD), ("ETH-26MAR27", 3 * ETH), ("ETH-PERP", -ETH), ("SOL-PERP", -10 * SOL)];
    let evaluation = case.evaluate(0, &Account { lots: &lots, prices: &[] });
    let expected = [
        "scan risk of ETH: 800",
        "calendar charge of ETH: 100",
        "scan risk of SOL: 400",
        "credit of ETH against SOL: -480",
    ];
    assert_eq!(charges(&evaluation), expected);
    assert_eq!(evaluation.requirement.to_string(), "820");
    let same_side = [("USD", 1_000 * USD), ("ETH-26MAR27", ETH), ("SOL-PERP", 10 * SOL)];
    let evaluation = case.evaluate(0, &Account { lots: &same_side, prices: &[] });
    assert_eq!(charges(&evaluation), ["scan risk of ETH: 400", "scan risk of SOL: 400"]);
}

/// Sixty members in three commodities under sixteen scenarios.
#[test]
fn sizes_of_risk_arrays_are_pinned() {
    let name = |text: String| Name::new(text).unwrap();
    let universe = sample::universe(11, 61);
    let member = |i: usize| Member {
        instrument: universe.instruments[i].name.clone(),
        price: name(format!("p{i}")),
        short: true,
        risk_array: (0..16)
            .map(|s| Amount::new((i as i64 * 1_000 + s) * if s % 2 == 0 { 1 } else { -1 }).unwrap())
            .collect(),
        delta: None,
        month: None,
    };
    let commodity = |c: usize| CombinedCommodity {
        name: name(format!("c{c}")),
        decimals: Decimals::new(2).unwrap(),
        outright: None,
        calendar: None,
        short_option_minimum: None,
        members: (20 * c + 1..=20 * c + 20).map(member).collect(),
    };
    let one = ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE };
    let cash = Asset {
        instrument: universe.instruments[0].name.clone(),
        price: None,
        short: true,
        weight: Some(one),
        tiers: Vec::new(),
        debt_spread: None,
        tiering: Default::default(),
        liquidity: None,
        allowance: None,
    };
    let commodities = (0..3).map(commodity).collect();
    let model = Span { requirement_multiple: one, collateral: vec![cash], commodities, credits: Vec::new() };
    let policy = sample::policy(&universe, 61, Model::Span(model));
    assert_eq!(policy.check(&universe), []);
    let program = &compile(&policy, &universe).unwrap()[0];
    assert_eq!((program.table().len(), program.variables(), program.equations()), (1348, 179, 114));
}

/// A calendar charge of which more than the outright charge is left to the net delta, which then counts in favour.
#[test]
fn a_calendar_charge_may_exceed_the_outright_charge() {
    let mut case = Case::new(SPAN);
    let account = |short: i128| [("USD", 1_000_000 * USD), ("ETH-26MAR27", 5 * ETH), ("ETH-PERP", -short * ETH)];
    let required = |case: &Case, short| {
        let prices = &[("ETH-26MAR27-USD", 3_000 * CENTS), ("ETH-PERP-USD", 3_000 * CENTS)];
        case.evaluate(0, &Account { lots: &account(short), prices }).requirement.to_string()
    };
    case.span().credits.clear();
    case.span().commodities[1].calendar = Some(Amount::new(100_000).unwrap());
    // 400 for each unit of net delta, 1,000 for each that is long in one month and short in another.
    assert_eq!(required(&case, 0), "2000");
    assert_eq!(required(&case, 2), "3200");
    assert_eq!(required(&case, 5), "5000");
}

/// Long a future, short two calls of another month: the fall by 20 percent gains 12,000 and 19,000.
#[test]
fn a_calendar_charge_may_stand_beside_risk_arrays() {
    let mut case = Case::new(SPAN);
    let commodity = &mut case.span().commodities[0];
    commodity.calendar = Some(Amount::new(5_000).unwrap());
    for (member, delta, month) in [(0, 1_000_000, "2027-03"), (1, 500_000, "2027-06"), (2, -400_000, "2027-03")] {
        let member = &mut commodity.members[member];
        (member.delta, member.month) = (Some(Delta(delta)), Some(Name::new(month).unwrap()));
    }
    assert_eq!(case.policy.check(&case.universe), []);
    let account = [("USD", 1_000_000 * USD), ("BTC-26MAR27", CONTRACT), ("BTC-26MAR27-60000-C", -2 * CONTRACT)];
    let found = case.evaluate(0, &Account { lots: &account, prices: BTC_PRICES });
    assert_eq!(charges(&found), ["scan risk of BTC, scenario 3: 7000", "calendar charge of BTC: 50"]);
    // The minimum is for the sum of both.
    case.span().commodities[0].short_option_minimum = Some(Amount::new(352_501).unwrap());
    let found = case.evaluate(0, &Account { lots: &account, prices: BTC_PRICES });
    assert_eq!(charges(&found), ["short option minimum of BTC: 7050.02"]);
}

const CALL_PRICES: &[(&str, u128)] = &[
    ("CALL-USD", 5_000 * CENTS),
    ("PUT-USD", 15_000 * CENTS),
    ("CASH-DELTA", 30_000 * CENTS),
    ("CASH-GAMMA", 72_000 * CENTS),
    ("VEGA", 10_000 * 10u128.pow(4)),
];

/// At 10 percent a delta of 30,000 moves by 3,000 and a gamma of 72,000 adds 360; a vega of 10,000 adds 2,000 in the
/// fall, and takes 1,000 in the rise.
#[test]
fn greeks_make_scenarios() {
    let case = Case::new(GREEKS);
    let worst = |name: &'static str, lots: i128| {
        let lots = [("USD", 100_000 * USD), (name, lots)];
        let evaluation = case.evaluate(0, &Account { lots: &lots, prices: CALL_PRICES });
        (evaluation.requirement.to_string(), evaluation.worst_scenario.clone().unwrap())
    };
    let loss = |amount: &str, scenario: &str| (amount.to_owned(), scenario.to_owned());
    let (call, put) = ("BTC-26MAR27-60000-C", "BTC-26MAR27-60000-P");
    assert_eq!(worst(call, CONTRACT), loss("640", "down"));
    assert_eq!(worst(call, -CONTRACT), loss("2360", "up"));
    assert_eq!(worst(put, CONTRACT), loss("3640", "up"));
    assert_eq!(worst(put, -CONTRACT), loss("5360", "down"));
}

/// An option that is about to expire in the money has a delta only.
#[test]
fn greeks_may_be_zero() {
    let case = Case::new(GREEKS);
    let prices = [("CALL-USD", 5_000 * CENTS), ("CASH-DELTA", 30_000 * CENTS), ("CASH-GAMMA", 0), ("VEGA", 0)];
    let evaluation = case.evaluate(0, &Account { lots: &[("BTC-26MAR27-60000-C", CONTRACT)], prices: &prices });
    assert_eq!(evaluation.margin.to_string(), "2000");
}

/// A put of 15,000 counts for 10,000 and half of 5,000.
#[test]
fn positions_under_scenarios_have_ladders() {
    let case = Case::new(GREEKS);
    let evaluation = case.evaluate(0, &Account { lots: &[("BTC-26MAR27-60000-P", CONTRACT)], prices: CALL_PRICES });
    assert_eq!(evaluation.equity.to_string(), "12500");
    let evaluation = case.evaluate(1, &Account { lots: &[("BTC-26MAR27-60000-P", CONTRACT)], prices: CALL_PRICES });
    assert_eq!(evaluation.equity.to_string(), "11000");
}

/// The mean of both scenarios: a put loses 3,640 and gains 5,360, a short one the other way round.
#[test]
fn greeks_and_expected_shortfall_go_together() {
    let mut case = Case::new(GREEKS);
    let Model::Scenario(model) = &mut case.policy.model else { panic!("the model is scenario margin") };
    model.tail = Some(TailShare::new(Ppm::ONE).unwrap());
    let required = |lots: i128| {
        let lots = [("USD", 100_000 * USD), ("BTC-26MAR27-60000-P", lots)];
        case.evaluate(0, &Account { lots: &lots, prices: CALL_PRICES }).requirement.to_string()
    };
    assert_eq!((required(CONTRACT), required(-CONTRACT)), ("0".to_owned(), "860".to_owned()));
}

mod refusals {
    use super::*;

    /// Replaces the first occurrence, which must exist.
    fn edit(text: &str, from: &str, to: &str) -> String {
        assert!(text.contains(from), "the model has no {from:?}");
        text.replacen(from, to, 1)
    }

    /// Where in the model, what was expected, what was found, and why.
    #[track_caller]
    fn refused_after(model: &str, edits: &[(&str, &str)], messages: &[&str]) {
        assert!(read(model).is_ok());
        let text = edits.iter().fold(model.to_owned(), |text, (from, to)| edit(&text, from, to));
        let errors = read(&text).unwrap_err();
        let found: Vec<_> = errors.errors().iter().map(|error| error.problem.to_string()).collect();
        assert_eq!(found, messages);
    }

    #[test]
    fn a_policy_that_is_written_and_read_is_the_same() {
        for model in [SPAN, GREEKS] {
            let policy = read(model).unwrap();
            assert_eq!(Policy::from_json("policy.json", &policy.to_json().unwrap()).unwrap(), policy);
            assert_eq!(Policy::from_toml("policy.toml", &policy.to_toml().unwrap()).unwrap(), policy);
        }
    }

    #[test]
    fn rejects_risk_arrays_of_different_lengths() {
        refused_after(
            SPAN,
            &[("[250_000, -350_000, 350_000, -850_000]", "[250_000, -350_000, 350_000]")],
            &["model.commodities[0].members[2].risk_array: expected 4 losses, as many as the longest of the \
                 commodity, found 3"],
        );
    }

    #[test]
    fn rejects_commodities_without_risk() {
        let (model, _) = SPAN.split_once("[[model.credits]]").unwrap();
        refused_after(
            model,
            &[("outright = 40_000\n\n", "\n"), ("delta = 100_000\n", "")],
            &["model.commodities[2].members[0].risk_array: expected at least one loss, found none; the members of a \
                 commodity have risk arrays, or the commodity has an outright charge"],
        );
    }

    #[test]
    fn rejects_members_without_what_a_calendar_charge_needs() {
        let expected: Vec<_> = (0..3)
            .flat_map(|member| {
                let place = format!("model.commodities[0].members[{member}]");
                [
                    format!("{place}.delta: expected a delta beside a calendar charge, found none"),
                    format!("{place}.month: expected a month, because there is a calendar charge, found none"),
                ]
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        refused_after(SPAN, &[("short_option_minimum = 120_000", "calendar = 5_000")], &expected);
    }

    #[test]
    fn rejects_members_of_another_shape() {
        refused_after(
            SPAN,
            &[("delta = 1_000_000\nmonth = \"2027-03\"", "risk_array = [5]")],
            &[
                "model.commodities[1].members[0].delta: expected a delta beside an outright charge, found none",
                "model.commodities[1].members[0].month: expected a month, because there is a calendar charge, found \
                 none",
                "model.commodities[1].members[0].risk_array: expected no risk array beside an outright charge, found \
                 one; the members of a commodity have risk arrays, or the commodity has an outright charge",
            ],
        );
        refused_after(
            SPAN,
            &[("delta = 100_000", "delta = 100_000\nmonth = \"2027-03\"")],
            &["model.commodities[2].members[0].month: expected no month, because there is no calendar charge, found \
                 2027-03"],
        );
        refused_after(
            SPAN,
            &[("risk_array = [250_000", "delta = 5\nmonth = \"2027-03\"\nrisk_array = [250_000")],
            &[
                "model.commodities[0].members[2].delta: expected no delta beside risk arrays without a calendar \
                 charge, found 5",
                "model.commodities[0].members[2].month: expected no month, because there is no calendar charge, found \
                 2027-03",
            ],
        );
    }

    #[test]
    fn rejects_charges_that_pay() {
        refused_after(
            SPAN,
            &[
                ("short_option_minimum = 120_000", "short_option_minimum = -1"),
                ("calendar = 10_000", "calendar = -1"),
                ("outright = 40_000", "outright = -1"),
                ("outright = 40_000", "outright = -1"),
            ],
            &[
                "model.commodities[0].short_option_minimum: expected a charge that is not negative, found -1",
                "model.commodities[1].outright: expected a charge that is not negative, found -1",
                "model.commodities[1].calendar: expected a charge that is not negative, found -1",
                "model.commodities[2].outright: expected a charge that is not negative, found -1",
            ],
        );
        refused_after(
            SPAN,
            &[("maintenance = 1_000_000, initial = 1_100_000", "maintenance = 1_000_000, initial = 900_000")],
            &["model.requirement_multiple: expected charges with initial >= maintenance, found initial 90 %, \
                 maintenance 100 %"],
        );
    }

    #[test]
    fn rejects_amounts_that_not_every_reader_of_json_holds() {
        assert!(read(&edit(SPAN, "[-600_000,", "[-9_007_199_254_740_991,")).is_ok());
        refused_after(
            SPAN,
            &[("[-600_000,", "[-9_007_199_254_740_992,")],
            &["model.commodities[0].members[0].risk_array[0]: expected an amount of at most 2^53 - 1 either way, \
                 found -9007199254740992"],
        );
    }

    #[test]
    fn rejects_names_that_do_not_resolve() {
        refused_after(
            SPAN,
            &[("price = \"CALL-USD\"", "price = \"CALL-EUR\""), ("\"ETH-PERP\"", "\"BTC-26MAR27\"")],
            &[
                "model.commodities[0].members[1].price: expected the name of a market entry of the policy, found \
                 CALL-EUR",
                "model.commodities[1].members[1].instrument: expected each instrument once, found BTC-26MAR27 again",
            ],
        );
        refused_after(
            SPAN,
            &[("name = \"SOL\"", "name = \"ETH\"")],
            &[
                "model.commodities[2].name: expected each commodity once, found ETH again",
                "model.credits[0].commodities[1]: expected the name of a commodity of the model, found SOL",
            ],
        );
    }

    #[test]
    fn rejects_classes_that_have_no_risk_array() {
        refused_after(
            SPAN,
            &[("\"SOL-PERP\"", "\"USDT\""), ("\"USDC\"", "\"BTC-PERP\"")],
            &[
                "model.collateral[1].instrument: expected an instrument of a class that the model is for: cash, spot, \
                 found BTC-PERP of class perpetual",
                "model.commodities[2].members[0].instrument: expected an instrument of a class that the model is for: \
                 spot, perpetual, future, option, found USDT of class cash",
            ],
        );
    }

    #[test]
    fn rejects_collateral_with_a_weight_and_tiers() {
        refused_after(
            SPAN,
            &[("price = \"USDC-USD\"", "price = \"USDC-USD\"\nweight = { maintenance = 5, initial = 5 }")],
            &["model.collateral[1]: expected either the key `weight` or the key `tiers`, found both"],
        );
    }

    const QUOTIENT: &str = "a credit on a scan risk is a share of the scan risk divided by the net delta, a quotient \
         of two holdings, which is not piecewise linear";

    /// The first credit with other keys behind its commodities.
    #[track_caller]
    fn refused_with(keys: &str, messages: &[&str]) {
        refused_after(SPAN, &[("credit = 600_000", keys)], messages);
    }

    #[test]
    fn rejects_credits_over_risk_arrays() {
        refused_after(
            SPAN,
            &[("[\"ETH\", \"SOL\"]", "[\"ETH\", \"BTC\"]")],
            &[&format!(
                "model.credits[0].commodities[1]: expected a commodity with an outright charge, found BTC, whose \
                 members have risk arrays; {QUOTIENT}"
            )],
        );
    }

    #[test]
    fn rejects_credits_in_proportion_to_scan_risk() {
        refused_with(
            "credit = 600_000\nbasis = \"scan-risk\"",
            &[&format!("model.credits[0].basis: expected a credit on outright charges, found scan-risk; {QUOTIENT}")],
        );
    }

    #[test]
    fn rejects_ratios_that_are_none() {
        for (ratio, found) in
            [("2", "2"), ("1, 0", "1 to 0"), ("1_001, 1", "1001 to 1"), ("1, 2, 3", "1 to 2 to 3"), ("", "")]
        {
            let message = format!("model.credits[0].ratio: expected two numbers from 1 to 1000, found {found}");
            refused_with(&format!("credit = 600_000\nratio = [{ratio}]"), &[&message]);
        }
        assert!(read(&edit(SPAN, "credit = 600_000", "credit = 600_000\nratio = [1_000, 1]")).is_ok());
    }

    #[test]
    fn rejects_credits_that_exceed_a_charge() {
        let reason = "a larger credit would exceed the charge, and count as collateral";
        refused_with(
            "credit = 1_000_001",
            &[&format!("model.credits[0].credit: expected at most 100 %, found 100.0001 %; {reason}")],
        );
        refused_with(
            "tiers = [{ up_to = \"5\", credit = 1_000_000 }, { credit = 1_000_001 }]",
            &[&format!("model.credits[0].tiers[1].credit: expected at most 100 %, found 100.0001 %; {reason}")],
        );
    }

    #[test]
    fn rejects_a_credit_beside_tiers_or_without() {
        let expected = "model.credits[0]: expected either the key `credit` or the key `tiers`, found";
        refused_with("", &[&format!("{expected} neither")]);
        refused_with("credit = 600_000\ntiers = [{ credit = 5 }]", &[&format!("{expected} both")]);
    }

    #[test]
    fn rejects_tiers_that_do_not_follow_each_other() {
        let place = |tier: usize| format!("model.credits[0].tiers[{tier}].up_to");
        for (tiers, message) in [
            (
                "{ credit = 5 }, { up_to = \"5\", credit = 5 }",
                format!(
                    "{}: expected an end, because only the last tier may be without, found none in a tier that others \
                     follow",
                    place(0)
                ),
            ),
            (
                "{ up_to = \"5\", credit = 5 }, { up_to = \"5.0\", credit = 5 }",
                format!("{}: expected more than the tier before, which ends at 5 spreads, found 5", place(1)),
            ),
            ("{ up_to = \"0\", credit = 5 }", format!("{}: expected a positive number of spreads, found 0", place(0))),
            (
                "{ up_to = \"0.0000001\", credit = 5 }",
                format!(
                    "{}: expected a number of spreads below 10^12 with at most six decimal places, found 0.0000001",
                    place(0)
                ),
            ),
            (
                "{ up_to = \"1000000000000\", credit = 5 }",
                format!(
                    "{}: expected a number of spreads below 10^12 with at most six decimal places, found \
                     1000000000000",
                    place(0)
                ),
            ),
        ] {
            refused_with(&format!("tiers = [{tiers}]"), &[&message]);
        }
        assert!(
            read(&edit(SPAN, "credit = 600_000", "tiers = [{ up_to = \"999999999999.999999\", credit = 5 }]")).is_ok()
        );
    }

    #[test]
    fn rejects_credits_over_three_legs_or_one() {
        let reason = "spreads of more legs are not modelled; state pairs in the order in which they are matched";
        refused_after(
            SPAN,
            &[("[\"ETH\", \"SOL\"]", "[\"ETH\", \"SOL\", \"BTC\"]")],
            &[
                &format!("model.credits[0].commodities: expected two commodities, found 3; {reason}"),
                &format!(
                    "model.credits[0].commodities[2]: expected a commodity with an outright charge, found BTC, whose \
                     members have risk arrays; {QUOTIENT}"
                ),
            ],
        );
        refused_after(
            SPAN,
            &[("[\"ETH\", \"SOL\"]", "[\"ETH\"]")],
            &[&format!("model.credits[0].commodities: expected two commodities, found 1; {reason}")],
        );
        refused_after(
            SPAN,
            &[("[\"ETH\", \"SOL\"]", "[\"ETH\", \"ADA\"]")],
            &["model.credits[0].commodities[1]: expected the name of a commodity of the model, found ADA"],
        );
        refused_after(
            SPAN,
            &[("[\"ETH\", \"SOL\"]", "[\"ETH\", \"ETH\"]")],
            &["model.credits[0].commodities[1]: expected two different commodities, found ETH again"],
        );
    }

    /// The same ratio again leaves no smaller parts; turned about, it does.
    #[test]
    fn rejects_ratios_that_leave_parts_too_small() {
        let with = |ratios: &[&str]| {
            let more = |ratio: &&str| {
                format!("\n[[model.credits]]\ncommodities = [\"ETH\", \"SOL\"]\ncredit = 5\nratio = [{ratio}]")
            };
            format!("credit = 600_000{}", ratios.iter().map(more).collect::<String>())
        };
        let (there, back) = ("997, 1_000", "1_000, 997");
        assert!(read(&edit(SPAN, "credit = 600_000", &with(&[there; 5]))).is_ok());
        assert!(read(&edit(SPAN, "credit = 600_000", &with(&[there, back]))).is_ok());
        refused_with(
            &with(&[there, back, there]),
            &["model.credits[3].ratio: expected deltas that are left in parts of at most 1000000000, found smaller \
                 parts; a pair leaves fractions of a delta by its ratio, and those of pairs that follow it are parts \
                 of these; put the pair before others of its commodities, or state ratios with common factors"],
        );
    }

    /// Attack: each pair doubles the formula of the one before, so that a small file takes all memory.
    #[test]
    fn rejects_pairs_whose_formulas_double() {
        let more = "[[model.credits]]\ncommodities = [\"ETH\", \"SOL\"]\ncredit = 5\n";
        refused_after(
            SPAN,
            &[("[[model.credits]]", &format!("{}[[model.credits]]", more.repeat(60)))],
            &["model.credits[12]: expected pairs whose formulas have at most 10000 net deltas in all, found more \
                 from here on; the deltas that a pair leaves are a formula of those that the pairs before it left"],
        );
    }

    /// Attack: a small file whose program takes all memory before it turns out not to fit.
    #[test]
    fn rejects_risk_arrays_that_cannot_fit_before_a_program_is_made() {
        let long = vec!["5"; 1_000].join(", ");
        refused_after(
            SPAN,
            &[
                ("[-600_000, 600_000, -1_200_000, 1_200_000]", &format!("[{long}]")),
                ("[-400_000, 300_000, -950_000, 450_000]", &format!("[{long}]")),
                ("[250_000, -350_000, 350_000, -850_000]", &format!("[{long}]")),
            ],
            &["model: expected at most 1016 rows, which is what capacity 10 has, found one that takes 3005 or more"],
        );
    }

    #[test]
    fn rejects_options_without_greeks() {
        let greeks = "greeks = { delta = \"CASH-DELTA\", gamma = \"CASH-GAMMA\", vega = \"VEGA\", volatility \
             = \"btc-volatility\" }";
        refused_after(
            GREEKS,
            &[(greeks, "")],
            &["model.positions[1].instrument: expected an instrument of a class that the model is for: cash, spot, \
                 perpetual, future, found BTC-26MAR27-60000-C of class option"],
        );
    }

    #[test]
    fn rejects_greeks_of_what_has_none() {
        refused_after(
            GREEKS,
            &[("\"BTC-26MAR27-60000-C\"", "\"BTC\"")],
            &["model.positions[1].instrument: expected an instrument of a class that the model is for: perpetual, \
                 future, option, found BTC of class spot"],
        );
    }

    #[test]
    fn rejects_greeks_that_do_not_resolve() {
        refused_after(
            GREEKS,
            &[("gamma = \"CASH-GAMMA\"", "gamma = \"GAMMA\"")],
            &["model.positions[1].greeks.gamma: expected the name of a market entry of the policy, found GAMMA"],
        );
    }

    #[test]
    fn rejects_greeks_without_risk_factors() {
        refused_after(
            GREEKS,
            &[("factor = \"btc\"\ngreeks", "greeks")],
            &["model.positions[1].factor: expected the risk factor of the price that delta and gamma are for, found \
                 none"],
        );
        refused_after(
            GREEKS,
            &[("volatility = \"btc-volatility\"", "volatility = \"eth-volatility\"")],
            &["model.positions[1].greeks.volatility: expected a risk factor that a scenario moves, found \
                 eth-volatility"],
        );
    }

    #[test]
    fn rejects_a_volatility_that_moves_like_a_price() {
        refused_after(
            GREEKS,
            &[("volatility = \"btc-volatility\"", "volatility = \"btc\"")],
            &["model.positions[1].greeks.volatility: expected a risk factor of its own, because shocks of \
                 volatilities are absolute and not relative, found btc, which is that of a price"],
        );
    }

    #[test]
    fn rejects_a_weight_beside_tiers() {
        refused_after(
            GREEKS,
            &[("[[model.positions.tiers]]", "weight = { maintenance = 5, initial = 5 }\n[[model.positions.tiers]]")],
            &["model.positions[2]: expected either the key `weight` or the key `tiers`, found both"],
        );
        refused_after(
            GREEKS,
            &[(
                "weight = { maintenance = 500_000, initial = 400_000 }",
                "weight = { maintenance = 500_000, initial = 900_001 }",
            )],
            &["model.positions[2].tiers[1].weight: expected weights with initial <= maintenance <= 100 %, found \
                 initial 90.0001 %, maintenance 50 %"],
        );
    }
}
