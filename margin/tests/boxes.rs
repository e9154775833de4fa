//! Boxes that contain a price at which any account is safe, in every model and through every formula: all are refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{fs, path::PathBuf};

use serde_json::json;
use surety_margin::{
    boxes::{self, DERIVED_SPREAD, MAX_INTEREST_RATE, MAX_OPTION_SPREAD, MAX_SPREAD},
    compile::{CompileError, compile},
    ident::{Bytes32, Name},
    import::{Parties, derive_pm2},
    models::{Bucket, Isolated, Model},
    policy::{MarketEntry, Policy},
    text::Document as _,
    units::Price,
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
        let universe = example("universe.toml") + include_str!("policies/universe.toml");
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
const SHORT_CALLS: &str = include_str!("portfolio/short-calls.json");

/// Attack: at a spot and a forward of nothing, 1,000 calls that are owed require nothing. There is no policy for it, and
/// no proof.
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
    let span = Case::options(include_str!("policies/span.toml"));
    span.spans("BTC-26MAR27-USD", MAX_SPREAD);
    span.spans("CALL-USD", MAX_OPTION_SPREAD);
    let greeks = Case::options(include_str!("policies/greeks.toml"));
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

#[test]
fn rejects_prices_of_nothing_behind_every_formula() {
    let drift = Case::venue("drift.toml");
    for entry in ["SOL-USD", "BTC-TWAP"] {
        drift.spans(entry, MAX_SPREAD);
    }
    drift.spans("BTC-LOW", MAX_SPREAD * DERIVED_SPREAD);
    // A price less something may be small where that counts against the account, but not be nothing, and nobody may owe
    // it without a spread.
    assert_eq!(drift.with_box("SOL-LOW", 1, 10_000_000_000), [""; 0]);
    assert_eq!(drift.with_box("SOL-LOW", 0, 10_000_000_000).len(), 1);
    let mut owed = Case::venue("drift.toml");
    let Model::Cross(model) = &mut owed.policy.model else { panic!("drift is cross margin") };
    model.positions.iter_mut().for_each(|position| position.debt_spread = None);
    owed.spans("SOL-LOW", MAX_SPREAD * DERIVED_SPREAD);
    // What is subtracted, and what is added to a price or a requirement.
    for entry in ["SOL-CONFIDENCE", "SOL-SPREAD", "BTC-SPREAD"] {
        drift.may_be_zero(entry);
    }
    let dydx = Case::venue("dydx.toml");
    for entry in ["SOL-OPEN-INTEREST", "SOL-OPEN-NOTIONAL", "SOL-SCALING", "SOL-SURCHARGE"] {
        dydx.may_be_zero(entry);
    }
    // Of a sum one part is the price, in whatever place.
    for parts in [["BTC-USD", "SOL-CONFIDENCE"], ["SOL-CONFIDENCE", "BTC-USD"]] {
        let mut sum = Case::venue("drift.toml");
        let greatest = sum.policy.derived.iter_mut().find(|it| it.name.as_str() == "BTC-LOW").unwrap();
        greatest.formula = serde_json::from_value(json!({ "sum": parts })).unwrap();
        assert_eq!(sum.with_box("BTC-USD", 1_000_000, 10_000_000_000), [""; 0]);
        let [problem] = &sum.with_box("BTC-USD", 1_000_000, 20_000_000_000)[..] else { panic!("one problem") };
        assert!(problem.contains("10000 times min"), "{problem}");
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
    assert_eq!(boxes::problems(&case.policy, &case.universe), []);
}
