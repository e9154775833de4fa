//! Margins of accounts with options, by hand: risk arrays, and scenarios from greeks.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use surety_margin::{
    compile::{CompileError, compile},
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    models::{Amount, Frame, Model, Span},
    policy::Policy,
    program::{ProgramError, TailShare},
    text::Document,
    units::{Lots, Ppm, Price},
    universe::Universe,
};

const SPAN: &str = include_str!("policies/span.toml");
const GREEKS: &str = include_str!("policies/greeks.toml");

/// An account: what it holds in lots, and the prices that are not one.
struct Account<'a> {
    lots: &'a [(&'a str, i128)],
    prices: &'a [(&'a str, u128)],
}

struct Case {
    universe: Universe,
    policy: Policy,
}

impl Case {
    /// The example universe with two options, and its policy with another model.
    fn new(model: &str) -> Self {
        let example = |name: &str| {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
            fs::read_to_string(path).unwrap()
        };
        let universe = example("universe.toml") + include_str!("policies/universe.toml");
        let universe = Universe::from_toml("universe.toml", &universe).unwrap();
        let policy = example("policy.toml");
        let policy = format!("{}{model}", &policy[..policy.find("[model]").unwrap()]);
        let policy = Policy::read("policy.toml", &policy, &universe).unwrap_or_else(|errors| panic!("{errors}"));
        Self { universe, policy }
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
        let frame = Frame::new(&self.policy, &self.universe).unwrap();
        let evaluation = evaluate(&self.policy, &frame, &self.policy.levels[level], &position, &prices).unwrap();
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

    /// Why a policy that nobody checked does not compile.
    fn not_concave(&self) -> String {
        match compile(&self.policy, &self.universe).unwrap_err() {
            CompileError::Program { error: error @ ProgramError::NotConcave { .. }, .. } => error.to_string(),
            other => panic!("{other}"),
        }
    }
}

fn charges(evaluation: &Evaluation) -> Vec<String> {
    evaluation.charges.iter().map(|charge| format!("{}: {}", charge.name, charge.amount)).collect()
}

const BTC_PRICES: &[(&str, u128)] =
    &[("BTC-26MAR27-USD", 60_000_00000000), ("CALL-USD", 5_000_00), ("PUT-USD", 4_500_00)];

/// Short a future and two calls, long a put: a rise by 20 percent costs 12,000 + 2·9,500 + 3,500.
#[test]
fn the_worst_scenario_of_the_risk_arrays_counts() {
    let case = Case::new(SPAN);
    let lots = [
        ("USD", 200_000_00),
        ("BTC-26MAR27", -1_0000),
        ("BTC-26MAR27-60000-C", -2_0000),
        ("BTC-26MAR27-60000-P", 1_0000),
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
        [("USD", cash), ("BTC-26MAR27", 1_0000), ("BTC-26MAR27-60000-C", -1_0000), ("BTC-26MAR27-60000-P", 1_0000)]
    };
    let evaluation = case.evaluate(0, &Account { lots: &hedged(-58_300_00), prices: BTC_PRICES });
    assert_eq!(charges(&evaluation), ["short option minimum of BTC: 1200"]);
    assert_eq!(evaluation.margin.to_string(), "0");
    let evaluation = case.evaluate(0, &Account { lots: &hedged(-58_300_01), prices: BTC_PRICES });
    assert_eq!(evaluation.margin.to_string(), "-0.01");
}

/// Three ETH long in March, one short without a month, ten SOL of a tenth of a delta short.
#[test]
fn spreads_are_charged_and_credited() {
    let case = Case::new(SPAN);
    let lots = [("USD", 1_000_00), ("ETH-26MAR27", 3_000), ("ETH-PERP", -1_000), ("SOL-PERP", -10_00)];
    let evaluation = case.evaluate(0, &Account { lots: &lots, prices: &[] });
    let expected = [
        "scan risk of ETH: 800",
        "calendar charge of ETH: 100",
        "scan risk of SOL: 400",
        "credit of ETH against SOL: -480",
    ];
    assert_eq!(charges(&evaluation), expected);
    assert_eq!(evaluation.requirement.to_string(), "820");
    let same_side = [("USD", 1_000_00), ("ETH-26MAR27", 1_000), ("SOL-PERP", 10_00)];
    let evaluation = case.evaluate(0, &Account { lots: &same_side, prices: &[] });
    assert_eq!(charges(&evaluation), ["scan risk of ETH: 400", "scan risk of SOL: 400"]);
}

/// What the checks of a policy refuse, the compiler would refuse as well.
#[test]
fn rejects_charges_that_are_not_concave_when_they_are_compiled() {
    let mut case = Case::new(SPAN);
    // After a credit of 60 percent, 2·0.4·400 is left for it.
    case.span().commodities[1].calendar = Some(Amount::new(32_000).unwrap());
    compile(&case.policy, &case.universe).unwrap();
    case.span().commodities[1].calendar = Some(Amount::new(32_001).unwrap());
    let message = case.not_concave();
    assert!(message.starts_with("maintenance margin: not concave: an absolute value counts in favour"), "{message}");
    case.span().commodities[1].calendar = None;
    case.span().credits[0].credit = Ppm(1_000_001);
    assert_eq!(case.not_concave(), message);
}

const CALL_PRICES: &[(&str, u128)] = &[
    ("CALL-USD", 5_000_00),
    ("PUT-USD", 15_000_00),
    ("CASH-DELTA", 30_000_00),
    ("CASH-GAMMA", 72_000_00),
    ("VEGA", 10_000_0000),
];

/// At 10 percent a delta of 30,000 moves by 3,000 and a gamma of 72,000 adds 360; a vega of 10,000 adds 2,000 in the fall,
/// and takes 1,000 in the rise.
#[test]
fn greeks_make_scenarios() {
    let case = Case::new(GREEKS);
    let worst = |name: &'static str, lots: i128| {
        let lots = [("USD", 100_000_00), (name, lots)];
        let evaluation = case.evaluate(0, &Account { lots: &lots, prices: CALL_PRICES });
        (evaluation.requirement.to_string(), evaluation.worst_scenario.clone().unwrap())
    };
    let loss = |amount: &str, scenario: &str| (amount.to_owned(), scenario.to_owned());
    let (call, put) = ("BTC-26MAR27-60000-C", "BTC-26MAR27-60000-P");
    assert_eq!(worst(call, 1_0000), loss("640", "down"));
    assert_eq!(worst(call, -1_0000), loss("2360", "up"));
    assert_eq!(worst(put, 1_0000), loss("3640", "up"));
    assert_eq!(worst(put, -1_0000), loss("5360", "down"));
}

/// A put of 15,000 counts for 10,000 and half of 5,000.
#[test]
fn positions_under_scenarios_have_ladders() {
    let case = Case::new(GREEKS);
    let evaluation = case.evaluate(0, &Account { lots: &[("BTC-26MAR27-60000-P", 1_0000)], prices: CALL_PRICES });
    assert_eq!(evaluation.equity.to_string(), "12500");
    let evaluation = case.evaluate(1, &Account { lots: &[("BTC-26MAR27-60000-P", 1_0000)], prices: CALL_PRICES });
    assert_eq!(evaluation.equity.to_string(), "11000");
}

/// The mean of both scenarios: a put loses 3,640 and gains 5,360, a short one the other way round.
#[test]
fn greeks_and_expected_shortfall_go_together() {
    let mut case = Case::new(GREEKS);
    let Model::Scenario(model) = &mut case.policy.model else { panic!("the model is scenario margin") };
    model.tail = Some(TailShare::new(Ppm::ONE).unwrap());
    let required = |lots: i128| {
        let lots = [("USD", 100_000_00), ("BTC-26MAR27-60000-P", lots)];
        case.evaluate(0, &Account { lots: &lots, prices: CALL_PRICES }).requirement.to_string()
    };
    assert_eq!((required(1_0000), required(-1_0000)), ("0".to_owned(), "860".to_owned()));
}
