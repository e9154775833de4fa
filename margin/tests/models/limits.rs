//! Mandates: limits by hand, and against programs; several models at once; and what a policy may not say of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use proptest::prelude::*;
use surety_core::{
    ident::Name,
    text::{Document as _, InputErrors},
    units::{Lots, Notional, Ppm, Price},
};
use surety_margin::{
    compile::compile,
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    level::Claimed,
    models::{All, Bound, Exposure, InstrumentRule, Limit, LimitedPosition, Limits, Model, ModelPart},
    policy::Policy,
    universe::Universe,
};
use surety_testing::strategies::{Case as Drawn, accounts, models, position};

const MANDATE: &str = include_str!("../policies/mandate.toml");

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

/// The example universe with two options.
fn universe() -> Universe {
    let text = example("universe.toml") + include_str!("../policies/universe.toml");
    Universe::from_toml("universe.toml", &text).unwrap()
}

fn read(model: &str) -> Result<Policy, InputErrors> {
    let text = example("policy.toml");
    let text = format!("{}{model}", &text[..text.find("[model]").unwrap()]);
    Policy::read("policy.toml", &text, &universe())
}

/// The first level of a policy, at prices of ten thousand for a bitcoin, five hundred for a put, and cash greeks of a
/// put of 4,000, 900 and 50.
fn at(policy: &Policy, lots: &[(&str, i128)]) -> Evaluation {
    let universe = universe();
    let prices = BTreeMap::from([
        ("BTC-USD", 1_000_000_000_000),
        ("PUT-USD", 50_000),
        ("CASH-DELTA", 400_000),
        ("CASH-GAMMA", 90_000),
        ("VEGA", 500_000),
    ]);
    let lots: BTreeMap<_, _> = lots.iter().copied().collect();
    let held = |name: &str| Lots::new(lots.get(name).copied().unwrap_or(0)).unwrap();
    let position = universe.instruments.iter().map(|instrument| held(instrument.name.as_str())).collect();
    let position = Position::from_lots(position);
    let price = |name: &str| Price::new(prices.get(name).copied().unwrap_or(100_000_000)).unwrap();
    let prices: Vec<_> = policy.market.iter().map(|entry| price(entry.name.as_str())).collect();
    let level = &policy.levels[0];
    let evaluation = evaluate(policy, &universe, level, &position, &prices).unwrap();
    let program = &compile(policy, &universe).unwrap()[0];
    assert_eq!(program.solve(&position, &prices).is_ok(), evaluation.is_provable());
    evaluation
}

/// The margin of every limit, rounded towards zero.
fn margins(evaluation: &Evaluation) -> BTreeMap<String, i64> {
    let whole = |margin: String| margin.split('.').next().unwrap().parse().unwrap();
    evaluation.buckets.iter().map(|it| (it.name.to_string(), whole(it.margin.to_string()))).collect()
}

/// Lots of a unit.
const USD: i128 = 100;
const BTC: i128 = 100_000_000;
const PUT: i128 = 10_000;

#[test]
fn limits_are_what_they_are_by_hand() {
    let policy = read(MANDATE).unwrap();
    // Two bitcoins hedged by five puts: 5,000 in cash, 20,000 in bitcoin, 2,500 in puts.
    let evaluation = at(&policy, &[("USD", 5_000 * USD), ("BTC", 2 * BTC), ("BTC-26MAR27-60000-P", 5 * PUT)]);
    let expected = [
        ("equity", 27_500),
        // 2.5 times the equity, less 22,500.
        ("leverage", 68_750 - 22_500),
        // A twentieth of the equity, less |20,000 - 5·4,000|.
        ("hedged", 1_375),
        ("curved", 1_000_000 - 4_500),
        ("volatile", 20_000 - 250),
        // 5,000 less a tenth of the equity.
        ("cash", 5_000 - 2_750),
    ];
    assert_eq!(margins(&evaluation), expected.map(|(name, margin)| (name.to_owned(), margin)).into());
    assert!(evaluation.is_sufficient());
    // Without the puts the delta is far from neutral.
    let naked = at(&policy, &[("USD", 7_500 * USD), ("BTC", 2 * BTC)]);
    assert_eq!(margins(&naked)["hedged"], 1_375 - 20_000);
    assert!(!naked.is_sufficient());
}

#[test]
fn the_other_measures_are_what_they_are_by_hand() {
    let with = |limit: &str| {
        // What is short requires something.
        let loose = "[[model.limits]]\nname = \"loose\"\nmeasure = \"gross\"\nat_most = { share = 90_000_000 }\n";
        let model = &MANDATE[..MANDATE.find("[[model.limits]]").unwrap()];
        let policy = read(&format!("{model}{loose}{limit}")).unwrap();
        let evaluation = at(&policy, &[("USD", 5_000 * USD), ("BTC", 2 * BTC), ("BTC-26MAR27-60000-P", -5 * PUT)]);
        margins(&evaluation)["it"]
    };
    let limit = |measure: &str, rest: &str| {
        with(&format!("[[model.limits]]\nname = \"it\"\nmeasure = \"{measure}\"\n{rest}\n"))
    };
    // 5,000 in cash, 20,000 in bitcoin, short 2,500 of puts: an equity of 22,500.
    assert_eq!(limit("net", "at_most = { share = 1_000_000 }"), 22_500 - 17_500);
    assert_eq!(limit("gross", "at_most = { share = 1_000_000 }"), 0);
    assert_eq!(limit("long", "at_most = { amount = \"30000\" }"), 10_000);
    assert_eq!(limit("short", "at_most = { amount = \"2000\" }"), -500);
    assert_eq!(limit("each", "at_most = { share = 1_000_000 }"), 2_500);
    assert_eq!(limit("delta", "at_most = { amount = \"50000\" }"), 50_000 - 40_000);
    let of_bitcoin = "instruments = [\"BTC\"]\nat_most = { amount = \"50000\" }";
    assert_eq!(limit("delta", of_bitcoin), 30_000);
    assert_eq!(limit("vega", of_bitcoin), 50_000);
    assert_eq!(limit("value", "instruments = [\"USD\", \"BTC\"]\nat_least = { amount = \"24000\" }"), 1_000);
}

/// A floor is multiplied where other limits are divided.
#[test]
fn multiples_make_every_limit_stricter() {
    let mut policy = read(MANDATE).unwrap();
    let holdings = [("USD", 5_000 * USD), ("BTC", 2 * BTC), ("BTC-26MAR27-60000-P", 5 * PUT)];
    let before = margins(&at(&policy, &holdings));
    policy.levels[0].multiple = Ppm(1_500_000);
    let after = margins(&at(&policy, &holdings));
    assert_eq!(after["leverage"], 68_750 - 33_750);
    assert_eq!(after["cash"], 5_000 - 4_125);
    assert!(before.iter().all(|(name, margin)| name == "equity" || after[name] <= *margin), "{before:?} {after:?}");
}

#[test]
fn positions_on_variation_margin_are_exposure_and_no_equity() {
    let limit = "[[model.limits]]\nname = \"it\"\nmeasure = \"gross\"\nat_most = { share = 3_000_000 }\n";
    let model = "[model]\ntype = \"limits\"\n[[model.positions]]\ninstrument = \"USD\"\n[[model.positions]]\n\
                 instrument = \"BTC-PERP\"\nprice = \"BTC-USD\"\nshort = true\n";
    let policy = read(&format!("{model}{limit}")).unwrap();
    let text =
        example("universe.toml").replacen("\"perpetual\"", "\"perpetual\"\nsettlement = \"variation-margin\"", 1);
    let margined = Universe::from_toml("universe.toml", &text).unwrap();
    assert_eq!(policy.check(&margined), []);
    let lots = |name: &str| match name {
        "USD" => 10_000 * USD,
        // Two bitcoins.
        "BTC-PERP" => -20_000,
        _ => 0,
    };
    let margin = |universe: &Universe| {
        let lots = universe.instruments.iter().map(|it| Lots::new(lots(it.name.as_str())).unwrap());
        let prices: Vec<_> = policy.market.iter().map(|_| Price::new(1_000_000_000_000).unwrap()).collect();
        let position = Position::from_lots(lots.collect());
        margins(&evaluate(&policy, universe, &policy.levels[0], &position, &prices).unwrap())["it"]
    };
    assert_eq!(margin(&margined), 30_000 - 20_000);
    // Carried, a short of 20,000 leaves no equity.
    assert_eq!(margin(&Universe::from_toml("universe.toml", &example("universe.toml")).unwrap()), -30_000 - 20_000);
}

fn mandate() -> (Universe, Policy) {
    let universe = Universe::from_toml("universe.toml", &example("mandate/universe.toml")).unwrap();
    let policy = Policy::read("policy.toml", &example("mandate/policy.toml"), &universe).unwrap();
    (universe, policy)
}

/// The example of a mandate: compiled, evaluated and explained at the example's prices by the command line's tests.
#[test]
fn the_example_of_a_mandate_holds_levels_of_all_kinds() {
    let (universe, policy) = mandate();
    let programs = compile(&policy, &universe).unwrap();
    let bits: Vec<bool> = programs.iter().map(|program| !program.bits().is_empty()).collect();
    assert_eq!(bits, [false, true, false, true]);
    assert_eq!(Policy::from_toml("p.toml", &policy.to_toml().unwrap()).unwrap(), policy);
    assert_eq!(Policy::from_json("p.json", &policy.to_json().unwrap()).unwrap(), policy);
}

#[track_caller]
fn refuses(policy: &Policy, universe: &Universe, text: &str) {
    let problems: Vec<_> = policy.check(universe).iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.contains(text)), "{problems:?}");
}

fn limits(change: impl FnOnce(&mut Limits)) -> Policy {
    let mut policy = read(MANDATE).unwrap();
    let Model::Limits(model) = &mut policy.model else { panic!("the model is limits") };
    change(model);
    policy
}

#[test]
fn rejects_limits_without_the_bound_of_their_measure() {
    let changes: [fn(&mut Limit); 4] = [
        |limit| limit.at_most = None,
        |limit| limit.at_least = limit.at_most,
        |limit| (limit.at_most, limit.at_least) = (None, limit.at_most),
        |limit| limit.measure = Exposure::Value,
    ];
    for change in changes {
        refuses(&limits(|model| change(&mut model.limits[0])), &universe(), "and no other bound");
    }
}

#[test]
fn rejects_limits_on_what_the_model_does_not_cover() {
    let other = limits(|model| model.limits[0].instruments.push(Name::new("SOL").unwrap()));
    refuses(&other, &universe(), "an instrument that the model has a position of");
    let twice = limits(|model| model.limits[4].instruments.push(Name::new("USD").unwrap()));
    refuses(&twice, &universe(), "each instrument once");
}

#[test]
fn rejects_limits_of_one_name_or_that_of_the_equity() {
    let twice = limits(|model| model.limits[0].name = model.limits[1].name.clone());
    refuses(&twice, &universe(), "each limit once");
    let equity = limits(|model| model.limits[0].name = Name::new("equity").unwrap());
    refuses(&equity, &universe(), "another name");
}

/// Attack: a price of what is never owed may be as close to nothing as a lower price counts against the account; under
/// a limit it hides the exposure.
#[test]
fn rejects_boxes_of_prices_under_which_exposure_vanishes() {
    let derived = "[[derived]]\nname = \"BTC-NET\"\ndecimals = 8\nrounding = \"down\"\nmin = \"1\"\n\
                   max = \"100000000000000\"\nformula = { difference = [\"BTC-USD\", \"LOCK\"] }\n";
    let lock = "[[market]]\nname = \"LOCK\"\ndecimals = 8\nmin = \"0\"\nmax = \"100000000000000\"\n";
    let model = MANDATE.replace("price = \"BTC-USD\"", "price = \"BTC-NET\"");
    let head = example("policy.toml");
    let head = &head[..head.find("[model]").unwrap()];
    let text = format!("{head}{lock}{derived}{model}");
    let errors = Policy::read("policy.toml", &text, &universe()).unwrap_err().to_string();
    assert!(errors.contains("derived[0]") && errors.contains("because model.positions[1].price"), "{errors}");
    // Of collateral the same price is admitted.
    let collateral = "[model]\ntype = \"collateral\"\n[[model.assets]]\ninstrument = \"USD\"\nshort = true\n\
                      weight = { maintenance = 1_000_000, initial = 1_000_000 }\n[[model.assets]]\n\
                      instrument = \"BTC\"\nprice = \"BTC-NET\"\n\
                      weight = { maintenance = 800_000, initial = 700_000 }\n";
    Policy::read("policy.toml", &format!("{head}{lock}{derived}{collateral}"), &universe()).unwrap();
}

/// Attack: an option whose delta is taken for that of its price.
#[test]
fn rejects_limits_of_greeks_on_options_without_greeks() {
    let without = limits(|model| model.positions[2].greeks = None);
    refuses(&without, &universe(), "the key `greeks` of an option that the limit hedged is about");
    let sizes = limits(|model| {
        model.positions[2].greeks = None;
        model.limits.retain(|limit| !["hedged", "curved", "volatile"].contains(&limit.name.as_str()));
    });
    assert_eq!(sizes.check(&universe()), []);
}

#[test]
fn rejects_limits_on_nothing() {
    let none = limits(|model| model.positions.iter_mut().for_each(|position| position.price = None));
    refuses(&none, &universe(), "a limit on some instrument");
}

/// A short that no share of the equity bounds requires nothing.
#[test]
fn rejects_mandates_that_require_nothing_of_a_short() {
    let unbound = limits(|model| {
        model.limits.remove(0);
    });
    refuses(&unbound, &universe(), "a limit on its size that is a share of the equity");
}

/// Attack: an exposure that one of the parts does not see.
#[test]
fn rejects_parts_that_do_not_cover_the_same_instruments() {
    let universe = mandate().0;
    let changed = |change: fn(&mut Vec<LimitedPosition>)| {
        let mut policy = mandate().1;
        let Model::Modes(modes) = &mut policy.model else { panic!("modes") };
        let Model::All(all) = &mut modes.modes[0].model else { panic!("all") };
        let Model::Limits(limits) = &mut all.parts[1].model else { panic!("limits") };
        change(&mut limits.positions);
        policy
    };
    let left_out = changed(|positions| {
        positions.pop();
    });
    refuses(&left_out, &universe, "ETH-26MAR27 short or not, as in margin, found not covered");
    let one_sided = changed(|positions| positions[0].short = false);
    refuses(&one_sided, &universe, "USD short or not, as in margin, found never short");
    // Nor may the account hold it, whoever has not looked.
    let levels = surety_margin::compile::LevelRules::new(&left_out, &universe, &left_out.levels[0]).unwrap();
    let range = levels.holdings.iter().find(|range| range.name.as_str() == "ETH-26MAR27").unwrap();
    assert_eq!((range.min, range.max), (0, 0));
}

#[test]
fn rejects_limits_in_buckets_and_all_of_all() {
    let policy = read(MANDATE).unwrap();
    let part = || ModelPart { name: Name::new("part").unwrap(), model: policy.model.clone() };
    let all = || Model::All(All { parts: vec![part()] });
    let nested =
        Policy { model: Model::All(All { parts: vec![ModelPart { model: all(), ..part() }] }), ..policy.clone() };
    refuses(&nested, &universe(), "a model other than all of several");
    for model in [all(), policy.model.clone()] {
        let bucket = surety_margin::models::Bucket { name: Name::new("bucket").unwrap(), model };
        let isolated = surety_margin::models::Isolated { buckets: vec![bucket] };
        refuses(&Policy { model: Model::Isolated(isolated), ..policy.clone() }, &universe(), "limits are on the whole");
    }
    refuses(&Policy { model: Model::All(All { parts: Vec::new() }), ..policy.clone() }, &universe(), "model.parts");
}

/// Limits over what a model covers.
fn limits_over(model: &Model, drawn: &[(usize, u32, bool, u8)]) -> Limits {
    let position = |rule: InstrumentRule<'_>| LimitedPosition {
        instrument: rule.instrument.clone(),
        price: rule.price.cloned(),
        short: rule.short,
        greeks: None,
    };
    let mut seen = BTreeSet::new();
    let rules = model.rules().into_iter().filter(|rule| seen.insert(rule.instrument.clone()));
    let positions: Vec<_> = rules.map(position).collect();
    let measures = [
        Exposure::Gross,
        Exposure::Net,
        Exposure::Long,
        Exposure::Short,
        Exposure::Each,
        Exposure::Delta,
        Exposure::Vega,
        Exposure::Value,
    ];
    let limit = |(i, (measure, size, share, group)): (usize, &(usize, u32, bool, u8))| {
        let measure = measures[measure % measures.len()];
        let bound = match share {
            true => Bound::Share(Ppm(*size)),
            false => Bound::Amount(Notional::new(u64::from(*size) + 1).unwrap()),
        };
        let named = positions.iter().enumerate().filter(|(at, _)| group >> (at % 8) & 1 == 1);
        let floor = measure == Exposure::Value;
        Limit {
            name: Name::new(format!("limit-{i}")).unwrap(),
            measure,
            instruments: named.map(|(_, position)| position.instrument.clone()).collect(),
            at_most: (!floor).then_some(bound),
            at_least: floor.then_some(bound),
        }
    };
    Limits { limits: drawn.iter().enumerate().map(limit).collect(), positions }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_model_and_limits_are_decided_together(
        model in models(),
        account in accounts(),
        drawn in prop::collection::vec((0..8_usize, 0..4_000_000_u32, any::<bool>(), any::<u8>()), 1..4),
        short in any::<bool>(),
    ) {
        prop_assume!(!matches!(model, Model::Modes(_)));
        let (lots, prices) = account;
        let limits = Model::Limits(limits_over(&model, &drawn));
        let named = |text: &str, model| ModelPart { name: Name::new(text).unwrap(), model };
        let parts = vec![named("margin", model.clone()), named("limits", limits.clone())];
        let claim = if short { Claimed::Shortfall } else { Claimed::Sufficient };
        let case = |model: Model| {
            let mut case = Drawn::of_class(15, model, prices.clone());
            case.sample.policy.levels.truncate(2);
            case.sample.policy.levels.iter_mut().for_each(|level| level.claim = claim);
            case
        };
        let (both, alone) = (case(Model::All(All { parts })), [case(model), case(limits)]);
        for (level, program) in both.programs().iter().enumerate() {
            let position = position(&lots);
            let evaluation = both.evaluate(level, &position);
            prop_assert_eq!(program.solve(&position, &both.prices).is_ok(), evaluation.is_provable());
            let each = alone.iter().all(|case| case.evaluate(level, &position).is_sufficient());
            prop_assert_eq!(evaluation.is_sufficient(), each);
            let Some(mut lots) = both.at_the_boundary(level, &lots) else { continue };
            let solved = |lots: &[i128]| program.solve(&self::position(lots), &both.prices).is_ok();
            prop_assert_eq!(solved(&lots), !short);
            lots[0] -= 1;
            prop_assert_eq!(solved(&lots), short);
        }
    }
}
