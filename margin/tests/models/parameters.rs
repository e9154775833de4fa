//! Parameter entries: every number in their boxes is as tight as the approved one or tighter, for every account.

use std::{fs, path::PathBuf};

use alloy_primitives::{I256, U256};
use proptest::{prelude::*, sample::Index};
use surety_core::{
    FormatVersion,
    ident::HexBytes,
    kind::KindOf,
    text::{Document as _, table::Dialect},
    units::{Ppm, Price, Timestamp},
};
use surety_import::observations::read_observations;
use surety_margin::{
    compile::{CompileError, compile},
    evaluate::evaluate,
    holdings::Position,
    level::ByBasis,
    market::{EntryPrice, Observed, Report, Snapshot, Tighter},
    models::Model,
    oracle,
    policy::Policy,
    program::Program,
    universe::Universe,
};
use surety_testing::strategies::{Case, accounts, models, position};

fn text(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/parameters").join(name)).unwrap()
}

fn price(number: u128) -> Price {
    Price::new(number).unwrap()
}

struct Example {
    universe: Universe,
    policy: Policy,
    programs: Vec<Program>,
}

impl Example {
    fn new() -> Self {
        let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
        let policy = Policy::read("policy.toml", &text("policy.toml"), &universe).unwrap_or_else(|e| panic!("{e}"));
        let programs = compile(&policy, &universe).unwrap();
        Self { universe, policy, programs }
    }

    /// The market vector of reported numbers.
    fn vector(&self, reported: &[u128]) -> Vec<Price> {
        let reported: Vec<_> = reported.iter().map(|number| price(*number)).collect();
        self.policy.market_vector(&self.universe).unwrap().derive(&reported, Timestamp(0)).unwrap()
    }

    /// The margin of each level, whose program agrees on its sign.
    fn margins(&self, position: &Position, vector: &[Price]) -> Vec<I256> {
        let levels = self.policy.levels.iter().zip(&self.programs);
        let margin = |(level, program): (_, &Program)| {
            let margin = evaluate(&self.policy, &self.universe, level, position, vector).unwrap().margin.atoms;
            assert_eq!(program.solve(position, vector).is_ok(), !margin.is_negative());
            margin
        };
        levels.map(margin).collect()
    }

    /// The policy with the approved numbers in its model, over the three prices alone.
    fn plain(&self) -> Policy {
        let mut plain = self.policy.clone();
        let approved = |i: usize| Ppm(self.policy.market[i].approved().unwrap().get().try_into().unwrap());
        plain.market.truncate(3);
        plain.derived.clear();
        let Model::Cross(model) = &mut plain.model else { panic!("the example is cross margin") };
        for (position, parameter) in model.positions[1..].iter_mut().zip(3..) {
            let (Ppm(number), place) = (approved(parameter), parameter - 3);
            position.price = Some(plain.market[place].name.clone());
            (position.debt_spread, position.requirement) = (None, None);
            match position.fraction.initial {
                Ppm(0) => position.weight = ByBasis { maintenance: Ppm(number), initial: Ppm(number / 10 * 9) },
                Ppm(added) => {
                    position.fraction = ByBasis { maintenance: Ppm(number), initial: Ppm(number + added) };
                }
            }
        }
        assert_eq!(plain.check(&self.universe), []);
        plain
    }

    /// What a node observed on a day, after a change.
    fn observed(&self, day: &str, change: impl Fn(String) -> String) -> Vec<Observed> {
        let table = change(text(day));
        read_observations(day, &table, &self.policy, &Dialect::default(), &mut Vec::new()).unwrap()
    }

    fn held(&self) -> Position {
        let holdings = surety_import::positions::holdings("holdings.csv", &text("holdings.csv"), &self.universe);
        holdings.unwrap().position(&self.universe).unwrap()
    }
}

fn numbers(observed: &[Observed]) -> Vec<u128> {
    observed.iter().map(|observed| observed.observation().unwrap().price.get()).collect()
}

/// The part of a box, whose ends are as likely as all between them.
fn part() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 1 => Just(1_000_000), 2 => 0..=1_000_000_u32]
}

/// The number at a part of the way through an entry's box.
fn at(entry: &surety_margin::market::MarketEntry, part: u32) -> u128 {
    let (min, max) = (entry.min.get(), entry.max.get());
    min + (max - min) / 1_000_000 * u128::from(part) + (max - min) % 1_000_000 * u128::from(part) / 1_000_000
}

/// A number at least as tight, by a part of the way to the tightest end.
fn tightened(entry: &surety_margin::market::MarketEntry, number: u128, part: u32) -> u128 {
    let way = |distance: u128| (distance as f64 * f64::from(part) / 1e6) as u128;
    match entry.tighter {
        Some(Tighter::Lower) => number - way(number - entry.min.get()).min(number - entry.min.get()),
        Some(Tighter::Higher) => number + way(entry.max.get() - number).min(entry.max.get() - number),
        None => number,
    }
}

fn holdings() -> impl Strategy<Value = Vec<i128>> {
    let cash = -1_000_000_000..1_000_000_000_i128;
    (cash, 0..1_000_000_000_i128, -10_000_000_000..10_000_000_000_i128, -100_000..100_000_i128)
        .prop_map(|(cash, bitcoin, ether, perpetual)| vec![cash, bitcoin, ether, perpetual])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Inside of the box and at all of its corners: what is tighter never counts for more, and the program agrees.
    #[test]
    fn a_tighter_parameter_never_makes_an_account_look_better(
        lots in holdings(),
        parts in prop::collection::vec((part(), part()), 6),
    ) {
        let example = Example::new();
        let market = example.policy.market.iter().zip(&parts);
        let looser: Vec<_> = market.clone().map(|(entry, (part, _))| at(entry, *part)).collect();
        let tighter = market.zip(&looser).map(|((entry, (_, part)), number)| tightened(entry, *number, *part));
        let tighter: Vec<_> = tighter.collect();
        let approved = example.policy.market.iter().zip(&looser);
        let approved: Vec<_> =
            approved.map(|(entry, number)| entry.approved().map_or(*number, |approved| approved.get())).collect();
        let account = position(&lots);
        let margins = [approved, looser, tighter].map(|it| example.margins(&account, &example.vector(&it)));
        for pair in margins.windows(2) {
            prop_assert!(pair[0].iter().zip(&pair[1]).all(|(looser, tighter)| looser >= tighter), "{margins:?}");
        }
    }

    /// A policy with the approved numbers in its model, and no entries for them, counts nothing for less, and hardly
    /// anything for more.
    #[test]
    fn approved_parameters_are_those_of_a_policy_without_entries(
        lots in holdings(),
        parts in prop::collection::vec(part(), 6),
    ) {
        let example = Example::new();
        let mut reported: Vec<_> = example.policy.market.iter().zip(&parts).map(|(it, part)| at(it, *part)).collect();
        for (number, entry) in reported.iter_mut().zip(&example.policy.market) {
            *number = entry.approved().map_or(*number, Price::get);
        }
        let plain = example.plain();
        let (account, vector) = (position(&lots), example.vector(&reported));
        for (level, of_plain) in example.policy.levels.iter().zip(&plain.levels) {
            let own = evaluate(&example.policy, &example.universe, level, &account, &vector).unwrap().margin;
            let other = evaluate(&plain, &example.universe, of_plain, &account, &vector[..3]).unwrap().margin;
            let scale = |decimals: u32| I256::unchecked_from(10).pow(U256::from(decimals));
            let less = other.atoms * scale(own.decimals) - own.atoms * scale(other.decimals);
            // A few units of the eighth decimal for each of at most 120 units that are held.
            prop_assert!(!less.is_negative() && less <= scale(own.decimals + other.decimals - 5), "{own:?} {other:?}");
        }
    }

    /// Whatever the model: an entry that is accepted as a parameter only tightens.
    #[test]
    fn accepted_parameters_only_tighten_in_every_model(
        model in models(),
        (lots, prices) in accounts(),
        entry: Index,
        tighter in prop::bool::ANY,
        part in part(),
    ) {
        let mut case = Case::new(model, prices);
        let index = entry.index(case.sample.policy.market.len());
        let entry = &mut case.sample.policy.market[index];
        entry.tighter = Some(if tighter { Tighter::Lower } else { Tighter::Higher });
        let entry = entry.clone();
        let problems = case.policy().check(&case.sample.universe);
        let accepted = !problems.iter().any(|problem| problem.path.ends_with(".tighter"));
        if accepted && let Some(lots) = case.at_the_boundary(0, &lots) {
            let account = position(&lots);
            let levels = 0..case.policy().levels.len();
            let margins = |case: &Case| levels.clone().map(|i| case.evaluate(i, &account).margin.atoms).collect();
            let before: Vec<I256> = margins(&case);
            case.prices[index] = price(tightened(&entry, case.prices[index].get(), part));
            let after: Vec<I256> = margins(&case);
            prop_assert!(before.iter().zip(&after).all(|(before, after)| before >= after), "{before:?} {after:?}");
        }
    }
}

/// By hand: a bitcoin and ten ether at the weights of the day, less what is owed, less the fraction of 0.2 perpetuals.
#[test]
fn a_tighter_day_fails_an_account_that_a_looser_day_passes() {
    let example = Example::new();
    // The perpetuals of 19,004 at 8 and 8.8 percent: 1,520.32 and 1,672.352.
    for (day, margin) in [("monday.csv", "733.68"), ("tuesday.csv", "-1503.352")] {
        let vector = example.vector(&numbers(&example.observed(day, |table| table)));
        let level = &example.policy.levels[0];
        let found = evaluate(&example.policy, &example.universe, level, &example.held(), &vector).unwrap().margin;
        assert_eq!(found.to_string(), margin);
        assert_eq!(example.margins(&example.held(), &vector)[0].is_negative(), day == "tuesday.csv");
    }
}

const NOW: Timestamp = Timestamp(1_800_000_000);

fn report(example: &Example, node: usize, observations: Vec<Observed>) -> Report {
    Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: example.policy.oracle.nodes[node].signer,
        feeds: HexBytes([7; 32]),
        epoch: NOW.0 / example.policy.oracle.epoch.0,
        previous: Report::FIRST,
        observed_at: NOW,
        observations,
        signature: HexBytes::ZERO,
    }
}

/// Attack: a weight above the approved one, a fraction below it, or numbers beyond the other end. No node signs them,
/// nobody makes a snapshot of them, and nobody takes such a snapshot.
#[test]
fn rejects_parameters_outside_of_their_boxes_at_every_step() {
    let example = Example::new();
    let snapshot = |observed: &[Observed]| {
        let reports: Vec<_> = (0..3).map(|node| report(&example, node, observed.to_vec())).collect();
        oracle::aggregate(&example.policy, &reports, None)
    };
    let honest = example.observed("monday.csv", |table| table);
    let sound = snapshot(&honest).unwrap();
    oracle::check(&example.policy, &example.universe, &sound).unwrap();
    for (index, outside) in [(3, 850_001), (3, 399_999), (4, 800_001), (5, 59_999), (5, 400_001)] {
        let mut observed = honest.clone();
        let Observed::Price(observation) = &mut observed[index] else { panic!("it was observed") };
        observation.price = price(outside);
        let name = &example.policy.market[index].name;
        let expected = format!("expected a price of {name} from");
        let says = |problems: Vec<surety_core::problem::Problem>| {
            assert!(problems.iter().any(|problem| problem.to_string().contains(&expected)), "{problems:?}");
        };
        says(oracle::observation_problems(&example.policy, &example.universe, &observed, NOW, NOW));
        says(snapshot(&observed).unwrap_err());
        let mut forged = Snapshot { ..sound.clone() };
        forged.prices[index] = EntryPrice { entry: name.clone(), price: price(outside) };
        says(oracle::check(&example.policy, &example.universe, &forged).unwrap_err());
    }
}

#[track_caller]
fn refused(changes: &[(&str, &str)], message: &str) {
    let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
    let text = changes.iter().fold(text("policy.toml"), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let errors = Policy::read("policy.toml", &text, &universe).unwrap_err().to_string();
    assert!(errors.contains(message), "{errors}");
}

/// Attack: a policy that lets nodes loosen it, and says that they can only tighten it.
#[test]
fn rejects_parameters_that_may_loosen() {
    let weight = "market[4].tighter: expected a market entry that only tightens as it gets lower, found ETH-WEIGHT, \
                  which derived[1] (ETH-COUNTED) reads: there a margin may grow";
    // A debt at the weight instead of at the price; one whose spread is rounded, or is another's.
    refused(&[("debt_spread = \"ETH-DEBT-SPREAD\"\n", "")], weight);
    refused(
        &[
            ("name = \"ETH-DEBT-SPREAD\"\ndecimals = 8", "name = \"ETH-DEBT-SPREAD\"\ndecimals = 6"),
            ("2000000000", "20000000"),
            ("6500000000000", "65000000000"),
        ],
        weight,
    );
    refused(&[("difference = [\"ETH-USD\"", "difference = [\"BTC-USD\"")], weight);
    refused(
        &[("rounding = \"down\"\nformula = { product = [\"ETH", "rounding = \"up\"\nformula = { product = [\"ETH")],
        weight,
    );
    // More than one bitcoin of each, which a debt would have to be, too.
    refused(&[("max = \"800000\"", "max = \"1000001\""), ("8000000000000", "10000010000000")], weight);
    refused(
        &[("tighter = \"lower\"", "tighter = \"higher\"")],
        "market[3].tighter: expected a market entry that only tightens as it gets higher, found BTC-WEIGHT, which \
         derived[0] (BTC-COUNTED) reads",
    );
    refused(
        &[("tighter = \"higher\"", "tighter = \"lower\"")],
        "market[5].tighter: expected a market entry that only tightens as it gets lower, found BTC-PERP-FRACTION",
    );
    // Nor does such a policy compile that nobody checked.
    let mut example = Example::new();
    example.policy.market[3].tighter = Some(Tighter::Higher);
    assert!(matches!(compile(&example.policy, &example.universe), Err(CompileError::Names(_))));
    // A price of what may be short.
    refused(
        &[("name = \"BTC-PERP-USD\"\n", "name = \"BTC-PERP-USD\"\ntighter = \"lower\"\n")],
        "market[2].tighter: expected a market entry that only tightens as it gets lower, found BTC-PERP-USD, which",
    );
    // What is charged a fraction of itself counts for less as it is worth more, where the fraction is above the weight.
    refused(
        &[("weight = { maintenance = 1_000_000, initial = 900_000 }", "fraction = { maintenance = 1, initial = 1 }")],
        "market[3].tighter: expected a market entry that only tightens as it gets lower, found BTC-WEIGHT",
    );
    // A tier that jumps.
    refused(
        &[(
            "price = \"BTC-COUNTED\"\nweight = { maintenance = 1_000_000, initial = 900_000 }",
            "price = \"BTC-COUNTED\"\ntiering = \"whole-position\"\ntiers = [\
             { up_to = \"1000\", weight = { maintenance = 1_000_000, initial = 900_000 } }, \
             { weight = { maintenance = 900_000, initial = 800_000 } }]",
        )],
        "market[3].tighter: expected a market entry that only tightens as it gets lower, found BTC-WEIGHT",
    );
}

#[test]
fn rejects_parameters_that_nothing_reads() {
    refused(
        &[("requirement = \"BTC-PERP-REQUIRED\"", "surcharge = \"BTC-PERP-USD\"")],
        "market[5].tighter: expected a market entry that the model reads, by itself or through a formula, found \
         BTC-PERP-FRACTION, which it does not",
    );
}

/// The requirement holds at every level, times the multiple, and is enough of one for a perpetual.
#[test]
fn a_requirement_is_charged_at_every_level() {
    let example = Example::new();
    // A contract short at 95,020: 8 percent, and 3 more at initial.
    let account = position(&[9_502_000, 0, 0, -10_000]);
    let vector = example.vector(&numbers(&example.observed("monday.csv", |table| table)));
    let margin = |level: usize| {
        evaluate(&example.policy, &example.universe, &example.policy.levels[level], &account, &vector).unwrap().margin
    };
    assert_eq!([margin(0).to_string(), margin(1).to_string()], ["-7601.6", "-10452.2"]);
    refused(&[("requirement = \"BTC-PERP-REQUIRED\"\n", "")], "BTC-PERP");
}

/// Attack: one bitcoin at 50,000, with 30,000 owed, has 12,500 at the approved weight of 0.85. Nodes that sign 0.4
/// would make it short by 10,000, and a venue would close it.
#[test]
fn rejects_parameters_that_make_approved_accounts_provably_short() {
    let example = Example::new();
    let account = position(&[-3_000_000, 100_000_000, 0, 0]);
    let margin = |weight: u128| {
        let vector = [5_000_000_000_000, 100_000_000_000, 5_000_000_000_000, weight, 800_000, 60_000];
        example.margins(&account, &example.vector(&vector))[0]
    };
    assert!(!margin(850_000).is_negative() && margin(400_000).is_negative());
    let says = "expected no claim that a margin is negative, because BTC-WEIGHT is a parameter entry";
    let (last, model) = ("name = \"initial\"\nbasis = \"initial\"\n", "\n[model]");
    let short = format!("\n[[levels]]\nname = \"short\"\nbasis = \"maintenance\"\nclaim = \"shortfall\"\n{model}");
    refused(&[(model, &short)], &format!("levels[2].claim: {says}"));
    refused(&[(last, &format!("{last}below = 2_000_000\n"))], &format!("levels[1].below: {says}"));
}

/// Attack: a weight that is a factor of the prices of ether and of bitcoin, so that a debt in the one would seem to be
/// one in the same thing as the collateral.
#[test]
fn rejects_debts_that_share_only_a_weight_with_their_collateral() {
    let universe = Universe::from_toml("universe.toml", &text("universe.toml")).unwrap();
    let asset = |instrument: &str, more: &str| {
        format!(
            "[[model.assets]]\ninstrument = \"{instrument}\"\nprice = \"{instrument}-COUNTED\"\n{more}\
             weight = {{ maintenance = 1_000_000, initial = 1_000_000 }}\n"
        )
    };
    let read = |other: &str| {
        let example = text("policy.toml").replace("tighter = \"lower\"\n", "").replace("tighter = \"higher\"\n", "");
        let example = example.replacen("[\"BTC-USD\", \"BTC-WEIGHT\"]", "[\"BTC-WEIGHT\", \"BTC-USD\"]", 1).replacen(
            "[\"ETH-USD\", \"ETH-WEIGHT\"]",
            other,
            1,
        );
        let (head, _) = example.split_once("[model]").unwrap();
        let assets = asset("BTC", "") + &asset("ETH", "short = true\n");
        Policy::read("policy.toml", &format!("{head}[model]\ntype = \"collateral\"\n{assets}"), &universe)
    };
    for other in ["[\"BTC-WEIGHT\", \"ETH-USD\"]", "[\"ETH-USD\", \"BTC-WEIGHT\"]"] {
        let errors = read(other).unwrap_err().to_string();
        assert!(errors.contains("model.assets[1].short: expected a requirement on top of its value"), "{errors}");
    }
}
