//! Boxes that contain a price at which any account is safe, in every model and through every formula: all are refused.

use std::{fs, path::PathBuf};

use serde_json::json;
use surety_core::{
    ident::{Bytes32, Name},
    text::Document as _,
    units::Price,
};
use surety_import::{Parties, derive_pm2};
use surety_margin::{
    compile::{CompileError, compile},
    market::{
        MarketEntry,
        boxes::{DERIVED_SPREAD, MAX_INTEREST_RATE, MAX_OPTION_SPREAD, MAX_SPREAD},
    },
    models::{Bucket, Isolated, Model},
    policy::Policy,
    universe::Universe,
};

struct Case {
    universe: Universe,
    policy: Policy,
}

fn example(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)).unwrap()
}

fn price(value: u128) -> Price {
    Price::new(value).unwrap()
}

impl Case {
    fn of(universe: &str, policy: &str) -> Self {
        let universe = Universe::from_toml("universe.toml", universe).unwrap();
        let policy = Policy::read("policy.toml", policy, &universe).unwrap_or_else(|errors| panic!("{errors}"));
        Self { universe, policy }
    }

    fn example(name: &str) -> Self {
        Self::of(&example("universe.toml"), &example(name))
    }

    fn venue(name: &str) -> Self {
        Self::of(&example("venues/universe.toml"), &example(&format!("venues/{name}")))
    }

    /// A model of `tests/policies`, with two options.
    fn options(model: &str) -> Self {
        let universe = example("universe.toml") + include_str!("../policies/universe.toml");
        let policy = example("policy.toml");
        Self::of(&universe, &format!("{}{model}", &policy[..policy.find("[model]").unwrap()]))
    }

    /// Ether, its perpetual, a call, collateral: under portfolio margin.
    fn portfolio() -> Self {
        let import = derive_pm2::import(SHORT_CALLS, Bytes32::ZERO, &Parties::default()).unwrap();
        Self { universe: import.universe, policy: import.policy }
    }

    /// What is wrong with another box of an entry.
    fn with_box(&self, entry: &str, min: u128, max: u128) -> Vec<String> {
        let mut policy = self.policy.clone();
        let name = Name::new(entry).unwrap();
        let reported = policy.market.iter_mut().filter(|it| it.name == name).map(|it| (&mut it.min, &mut it.max));
        let derived = policy.derived.iter_mut().filter(|it| it.name == name).map(|it| (&mut it.min, &mut it.max));
        let boxes: Vec<_> = reported.chain(derived).collect();
        assert_eq!(boxes.len(), 1, "one entry is called {entry}");
        for (low, high) in boxes {
            (*low, *high) = (price(min), price(max));
        }
        let found: Vec<_> = policy.check(&self.universe).iter().map(ToString::to_string).collect();
        if !found.is_empty() {
            let unchecked = compile(&policy, &self.universe);
            assert!(matches!(unchecked, Err(CompileError::Names(_))), "nor does a policy compile that nobody checked");
        }
        found
    }

    /// An entry may span so much, and neither more nor nothing.
    #[track_caller]
    fn spans(&self, entry: &str, spread: u128) {
        let min = 1_000_000;
        assert_eq!(self.with_box(entry, min, min * spread), [""; 0], "{entry}");
        let [problem] = &self.with_box(entry, min, min * spread + 1)[..] else { panic!("one problem with {entry}") };
        assert!(problem.contains(&format!(".max: expected at most {}, {spread} times min", min * spread)), "{problem}");
        let [problem] = &self.with_box(entry, 0, 1)[..] else { panic!("one problem with {entry}") };
        assert!(problem.contains(".min: expected more than 0, because "), "{problem}");
        assert!(problem.contains("found 0; state a box around the price"), "{problem}");
    }

    /// An entry may be zero, and anything else.
    #[track_caller]
    fn may_be_zero(&self, entry: &str) {
        assert_eq!(self.with_box(entry, 0, Price::MAX), [""; 0], "{entry}");
    }
}

/// An account that is short 1,000 calls, in the form that Derive publishes.
const SHORT_CALLS: &str = include_str!("../models/portfolio/short-calls.json");

/// Attack: at a spot and a forward of nothing, 1,000 calls that are owed require nothing. There is no policy for it,
/// and no proof.
#[test]
fn rejects_portfolio_policies_that_admit_prices_of_nothing() {
    let case = Case::portfolio();
    for entry in ["spot", "stable", "forward-0", "perpetual-price", "collateral-0-USDT-price"] {
        case.spans(entry, MAX_SPREAD);
    }
    case.spans("option-0-0-2000-C-volatility", MAX_SPREAD);
    for entry in ["spot-confidence", "forward-0-confidence", "volatility-confidence-0", "rate-0-confidence"] {
        case.may_be_zero(entry);
    }
}

/// Attack: at a rate without bounds, what is owed next week is discounted to nothing today.
#[test]
fn rejects_interest_rates_without_bounds() {
    let case = Case::portfolio();
    let rate = case.policy.market.iter().find(|it| it.name.as_str() == "rate-0").unwrap();
    let most = MAX_INTEREST_RATE * 10_u128.pow(rate.decimals.get().into());
    assert_eq!(case.with_box("rate-0", 0, most), [""; 0], "a rate may be zero");
    let [problem] = &case.with_box("rate-0", 0, most + 1)[..] else { panic!("one problem") };
    let expected = format!("expected at most {most}, which is 500 % a year, because model.expiries[0].rate.value");
    assert!(problem.contains(&expected), "{problem}");
}

#[test]
fn rejects_prices_of_nothing_and_without_bounds_in_every_model() {
    Case::example("policy-lending.toml").spans("ETH-USD", MAX_SPREAD);
    Case::example("policy-cross.toml").spans("BTC-PERP-USD", MAX_SPREAD);
    Case::example("policy.toml").spans("USDT-USD", MAX_SPREAD);
    let span = Case::options(include_str!("../policies/span.toml"));
    span.spans("BTC-26MAR27-USD", MAX_SPREAD);
    span.spans("CALL-USD", MAX_OPTION_SPREAD);
    let greeks = Case::options(include_str!("../policies/greeks.toml"));
    for entry in ["CALL-USD", "CASH-DELTA", "CASH-GAMMA", "VEGA"] {
        greeks.spans(entry, MAX_OPTION_SPREAD);
    }
}

/// Isolated buckets and modes are as good as their models.
#[test]
fn rejects_prices_of_nothing_in_models_of_models() {
    // Aave's are modes, each over claims and products.
    let aave = Case::venue("aave.toml");
    for entry in ["ETH-USD", "USDC-USD", "WSTETH-RATE", "WETH-DEBT-INDEX"] {
        aave.spans(entry, MAX_SPREAD);
    }
    for entry in ["aCRV-USD", "debt-USDC-USD", "awstETH-RATE", "awstETH-USD"] {
        aave.spans(entry, MAX_SPREAD * DERIVED_SPREAD);
    }
    let mut case = Case::example("policy.toml");
    let bucket = Bucket { name: Name::new("one").unwrap(), model: case.policy.model.clone() };
    case.policy.model = Model::Isolated(Isolated { buckets: vec![bucket] });
    case.spans("USDC-USD", MAX_SPREAD);
}

/// The example of cross margin, in which ether is valued by a formula of its price and other numbers.
fn valued_by(formula: &serde_json::Value) -> Case {
    let mut case = Case::example("policy-cross.toml");
    let entry = |name: &str, min| MarketEntry {
        name: Name::new(name).unwrap(),
        min: price(min),
        max: price(10_000_000_000_000),
        ..case.policy.market[3].clone()
    };
    assert_eq!(entry("ETH-USD", 10_000_000_000), case.policy.market[3]);
    let others = [entry("OTHER", 10_000_000_000), entry("CONFIDENCE", 0)];
    case.policy.market.extend(others);
    let valued = json!({
        "name": "VALUED", "decimals": 8, "min": "10000000000", "max": "10000000000000",
        "rounding": "down", "formula": formula
    });
    case.policy.derived = vec![serde_json::from_value(valued).unwrap()];
    let Model::Cross(model) = &mut case.policy.model else { panic!("the example is cross margin") };
    let ether = model.positions.iter_mut().find(|it| it.instrument.as_str() == "ETH").unwrap();
    ether.price = Some(Name::new("VALUED").unwrap());
    assert_eq!(case.policy.check(&case.universe), []);
    case
}

#[test]
fn rejects_prices_of_nothing_behind_every_formula() {
    for kind in ["product", "quotient", "least", "greatest"] {
        let case = valued_by(&json!({ kind: ["ETH-USD", "OTHER"] }));
        for entry in ["ETH-USD", "OTHER"] {
            case.spans(entry, MAX_SPREAD);
        }
        case.spans("VALUED", MAX_SPREAD * DERIVED_SPREAD);
    }
    // Of a sum one part is the price, in whatever place.
    for parts in [["ETH-USD", "CONFIDENCE"], ["CONFIDENCE", "ETH-USD"]] {
        let case = valued_by(&json!({ "sum": parts }));
        let [problem] = &case.with_box("ETH-USD", 1_000_000, 20_000_000_000)[..] else { panic!("one problem") };
        assert!(problem.contains("10000 times min"), "{problem}");
        case.may_be_zero("CONFIDENCE");
    }
    // What is subtracted may be nothing. A price less something may be small where that counts against the account, but
    // not be nothing, and nobody may owe it without a spread.
    let owed = valued_by(&json!({ "difference": ["ETH-USD", "CONFIDENCE"] }));
    owed.spans("ETH-USD", MAX_SPREAD);
    owed.may_be_zero("CONFIDENCE");
    owed.spans("VALUED", MAX_SPREAD * DERIVED_SPREAD);
    let mut held = valued_by(&json!({ "difference": ["ETH-USD", "CONFIDENCE"] }));
    let Model::Cross(model) = &mut held.policy.model else { panic!("the example is cross margin") };
    let ether = model.positions.iter_mut().find(|it| it.instrument.as_str() == "ETH").unwrap();
    ether.debt_spread = Some(Name::new("CONFIDENCE").unwrap());
    assert_eq!(held.with_box("VALUED", 1, 10_000_000_000_000), [""; 0]);
    assert_eq!(held.with_box("VALUED", 0, 10_000_000_000_000).len(), 1);
    held.may_be_zero("CONFIDENCE");
}

/// Attack: a debt at a price less so much that nothing is left of it, which a spread that somebody reports may raise
/// again.
#[test]
fn rejects_debts_whose_spread_may_be_less_than_what_was_subtracted() {
    let mut case = valued_by(&json!({ "difference": ["ETH-USD", "CONFIDENCE"] }));
    let spread = MarketEntry { name: Name::new("SPREAD").unwrap(), min: price(0), ..case.policy.market[3].clone() };
    case.policy.market.push(spread);
    let Model::Cross(model) = &mut case.policy.model else { panic!("the example is cross margin") };
    let ether = model.positions.iter_mut().find(|it| it.instrument.as_str() == "ETH").unwrap();
    ether.debt_spread = Some(Name::new("SPREAD").unwrap());
    case.spans("VALUED", MAX_SPREAD * DERIVED_SPREAD);
    case.may_be_zero("SPREAD");
}

/// What is added to a requirement may be nothing, through whatever formulas.
#[test]
fn surcharges_may_be_nothing() {
    let dydx = Case::venue("dydx.toml");
    for entry in ["SOL-OPEN-INTEREST", "SOL-OPEN-NOTIONAL", "SOL-SCALING", "SOL-SURCHARGE"] {
        dydx.may_be_zero(entry);
    }
    // A divisor is positive, whatever it divides.
    let mut quotient = Case::venue("dydx.toml");
    let formula = json!({ "quotient": ["SOL-OPEN-NOTIONAL", "BTC-DEPTH"] });
    let depth = MarketEntry { name: Name::new("BTC-DEPTH").unwrap(), ..quotient.policy.market[0].clone() };
    quotient.policy.market.push(depth);
    let scaling = quotient.policy.derived.iter_mut().find(|it| it.name.as_str() == "SOL-SCALING").unwrap();
    scaling.formula = serde_json::from_value(formula).unwrap();
    assert_eq!(quotient.with_box("BTC-DEPTH", 1, Price::MAX), [""; 0]);
    let [problem] = &quotient.with_box("BTC-DEPTH", 0, 1)[..] else { panic!("one problem") };
    assert!(problem.contains("divides by it"), "{problem}");
}

/// Of the readers of an entry the strictest decides, and an entry that nobody reads is nobody's business.
#[test]
fn the_strictest_reader_decides() {
    let mut case = Case::venue("dydx.toml");
    // It is added to a surcharge, and multiplied with a price.
    case.spans("SOL-USD", MAX_SPREAD);
    let unread = MarketEntry { name: Name::new("UNREAD").unwrap(), ..case.policy.market[0].clone() };
    case.policy.market.push(unread);
    case.may_be_zero("UNREAD");
    assert_eq!(case.policy.box_problems(&case.universe), []);
}
