//! What a lot of the quote instrument covers, under models whose margins are counted in units of their own.

use surety_books::{
    page::Ground,
    rules::{BookRules, Cap, PageKind},
};
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, Name},
    kind::KindOf,
    units::{Lots, Ppm, Price, power_of_ten},
};
use surety_import::{Parties, derive_pm2};
use surety_margin::{
    evaluate::evaluate,
    holdings::Position,
    level::{Basis, Claimed, Level},
    models::{All, Bucket, Isolated, Mode, Model, ModelPart, Modes},
    oracle::market_without_reports,
    policy::Policy,
    program::TailShare,
    universe::{InstrumentClass, Universe},
};
use surety_testing::sample;

use crate::scene::{name, units};

/// A policy and prices, and the quote instrument.
struct Case {
    universe: Universe,
    policy: Policy,
    prices: Vec<Price>,
    quote: Name,
    cash: i128,
}

/// An account that is short 1,000 calls, in the form that Derive publishes.
const SHORT_CALLS: &str = include_str!("../../../margin/tests/models/portfolio/short-calls.json");

impl Case {
    fn portfolio() -> Self {
        let import = derive_pm2::import(SHORT_CALLS, Bytes32::ZERO, &Parties::default()).unwrap();
        let (mut universe, mut policy) = (import.universe, import.policy);
        let prices = market_without_reports(&policy, &universe, &import.snapshot).unwrap();
        universe.capacity = Capacity::new(12).unwrap();
        policy.levels.push(Level::new(name("higher"), Basis::Maintenance, Ppm(1_250_000)));
        Self { universe, policy, prices, quote: name("cash"), cash: -7_000 }
    }

    fn tail() -> Self {
        let mut sample = sample::scenario_margin(12, 3, 8);
        let Model::Scenario(model) = &mut sample.policy.model else { panic!("scenarios") };
        model.tail = Some(TailShare::new(Ppm(300_000)).unwrap());
        let prices = sample::prices(&sample.policy);
        Self { universe: sample.universe, policy: sample.policy, prices, quote: name("USD"), cash: -7_000 }
    }

    /// The models side by side: that of the case, and collateral of eighteen decimals.
    fn isolated(self) -> Self {
        let Self { mut universe, mut policy, prices, quote, cash } = self;
        let sample::Sample { universe: other, policy: collateral } = sample::collateral(12, 1);
        let mut instrument = other.instruments[0].clone();
        (instrument.name, instrument.lot_decimals) = (name("FINE"), surety_core::units::Decimals::new(18).unwrap());
        universe.instruments.push(instrument);
        let Model::Collateral(mut fine) = collateral.model else { panic!("collateral") };
        fine.assets[0].instrument = name("FINE");
        let bucket = |text: &str, model| Bucket { name: name(text), model };
        let buckets = vec![bucket("own", policy.model), bucket("fine", Model::Collateral(fine))];
        policy.model = Model::Isolated(Isolated { buckets });
        Self { universe, policy, prices, quote, cash }
    }

    fn rules(&self, level: &str) -> BookRules {
        let instruments = self.universe.instruments.iter().filter(|it| !it.class.is_derivative());
        let cap = |name: &Name| Cap { instrument: name.clone(), debts: units("1000000"), balances: units("1000000") };
        BookRules {
            kind: KindOf::new(),
            version: FormatVersion,
            venue: name("example"),
            level: name(level),
            quote: self.quote.clone(),
            max_shortfall: units("1000000"),
            kinds: vec![PageKind { name: name("margin"), debts: true, instruments: Vec::new(), accounts: Some(1) }],
            caps: instruments.map(|it| cap(&it.name)).collect(),
        }
    }

    fn problems(&self, level: &str) -> Vec<String> {
        self.rules(level).check(&self.policy, &self.universe).iter().map(ToString::to_string).collect()
    }

    /// Whether a page holds in which an account that owes cash has so many lots of shortfall more than it takes.
    fn holds(&self, level: &str, more: i128) -> bool {
        let rules = self.rules(level);
        let ground = Ground { rules: &rules, policy: &self.policy, universe: &self.universe };
        let page = ground.page(&rules.kinds[0]).unwrap();
        let quote = self.universe.position(&self.quote).unwrap();
        let n = self.universe.instruments.len();
        let lot = power_of_ten(self.universe.instruments[quote].lot_decimals.get().into());
        let owed = self.cash * i128::try_from(lot).unwrap();
        let mut account = vec![0; n];
        account[quote] = owed;
        let position = |lots: &[i128]| Position::from_lots(lots.iter().map(|it| Lots::new(*it).unwrap()).collect());
        let level = ground.level().unwrap();
        let found = evaluate(&self.policy, &self.universe, level, &position(&account), &self.prices).unwrap().margin;
        let unit = power_of_ten(found.decimals) / lot;
        let lacking = (-found.atoms + unit - power_of_ten(0)) / unit;
        let lacking = i128::try_from(lacking).unwrap();
        assert!(lacking >= -owed);
        let shortfall = lacking + more;
        let (zeros, mut debts) = (vec![0; n], vec![0; n]);
        debts[quote] = -owed;
        let all = [account.as_slice(), &zeros, &account, &debts, &[shortfall]].concat();
        page.program().solve(&position(&all), &self.prices).is_ok()
    }
}

/// Attack: the margin of a model is counted in a coarser unit than a lot of the quote instrument.
#[test]
fn rejects_shortfalls_that_are_one_lot_too_low_under_every_model() {
    for case in [Case::portfolio(), Case::tail(), Case::portfolio().isolated(), Case::tail().isolated()] {
        for level in case.policy.levels.iter().map(|level| level.name.as_str()) {
            let verdicts = [-1, 0].map(|more| case.holds(level, more));
            assert_eq!(verdicts, [false, true], "{level} of {:?}", case.policy.name);
        }
    }
}

/// Attack: shortfalls are covered at par from what the policy prices otherwise.
#[test]
fn rejects_quote_instruments_that_the_level_counts_at_a_price() {
    let refused = |problems: Vec<String>| problems.iter().any(|it| it.starts_with("quote: "));
    assert!(!refused(Case::portfolio().problems("maintenance")));
    let mut case = Case::portfolio();
    let collateral = case.universe.instruments.iter_mut().find(|it| it.name.as_str().contains("USDT")).unwrap();
    collateral.class = InstrumentClass::Cash;
    case.quote = collateral.name.clone();
    assert_eq!(case.policy.check(&case.universe), []);
    assert!(refused(case.problems("maintenance")), "collateral at a price");

    // At par in one part, at a price in another.
    let sample::Sample { universe, mut policy } = sample::collateral(12, 3);
    let (par, mut priced) = (policy.model.clone(), policy.model.clone());
    let Model::Collateral(model) = &mut priced else { panic!("collateral") };
    model.assets[0].price = Some(name("p1"));
    let part = |text: &str, model| ModelPart { name: name(text), model };
    let of_parts = |parts| Model::All(All { parts });
    for (parts, is_refused) in [
        (vec![part("one", par.clone()), part("other", par.clone())], false),
        (vec![part("par", par.clone()), part("priced", priced.clone())], true),
        (vec![part("priced", priced.clone()), part("par", par.clone())], true),
    ] {
        policy.model = of_parts(parts);
        let (universe, policy) = (universe.clone(), policy.clone());
        let case = Case { prices: sample::prices(&policy), universe, policy, quote: name("USD"), cash: 0 };
        assert_eq!(refused(case.problems("maintenance")), is_refused);
    }

    // At par in one mode, at a price in the mode of the level.
    let sample::Sample { universe, mut policy } = sample::collateral(12, 3);
    let mut other = policy.model.clone();
    let Model::Collateral(priced) = &mut other else { panic!("collateral") };
    priced.assets[0].price = Some(name("p1"));
    let mode = |text: &str, model| Mode { name: name(text), model };
    policy.model = Model::Modes(Modes { modes: vec![mode("par", policy.model), mode("priced", other)] });
    policy.levels.truncate(2);
    policy.levels[0].mode = Some(name("priced"));
    policy.levels[1].mode = Some(name("par"));
    assert_eq!(policy.check(&universe), []);
    let case = Case { prices: sample::prices(&policy), universe, policy, quote: name("USD"), cash: 0 };
    assert!(refused(case.problems("maintenance")), "another mode");
    assert!(!refused(case.problems("initial")));
}

/// Attack: a book of accounts that are short, or of which a part has more than the level says.
#[test]
fn rejects_levels_that_claim_a_shortfall_or_are_bands() {
    let refused = |case: &Case| case.problems("maintenance").iter().any(|it| it.starts_with("level: "));
    let mut case = Case::tail();
    assert!(!refused(&case));
    let level = case.policy.levels.iter().position(|level| level.name.as_str() == "maintenance").unwrap();
    case.policy.levels[level].below = Some(Ppm(5_000_000));
    assert!(refused(&case), "a band");
    case.policy.levels[level].below = None;
    case.policy.levels[level].claim = Claimed::Shortfall;
    assert!(refused(&case), "a shortfall");
}
