//! Margin models. Each states, for a level, the margin as a concave [`Expression`] of the holdings and, separately,
//! computes it directly: the two must agree, and tests hold them to it.
//!
//! All amounts are integers in `10^-scale` quote units, with the [`Frame`]'s scale fine enough that no product of a
//! price, a lot and the model's fractions is rounded. Where two fractions are combined into one, the result is rounded
//! against the account.

mod collateral;
mod cross;
mod frame;
mod greeks;
mod isolated;
mod ladder;
mod liquidity;
mod modes;
mod portfolio;
mod rates;
mod scenario;
mod size;
pub(crate) mod slight;
mod span;
pub(crate) mod unmargined;

use core::fmt;

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

pub use self::{
    collateral::{Asset, Collateral},
    cross::{Cross, CrossPosition, Profit},
    frame::Frame,
    greeks::{DeltaSign, Greeks},
    isolated::{Bucket, Isolated},
    ladder::Tier,
    liquidity::{Depth, Liquidity},
    modes::{Mode, Modes},
    rates::RateTier,
    scenario::{MarketScenario, ScenarioMargin, ScenarioPosition},
    span::{Amount, CombinedCommodity, CreditBasis, Delta, Member, Span, SpreadCredit},
};
use crate::{
    boxes::{Read, Role},
    evaluate::{Breakdown, Part},
    holdings::Position,
    policy::{ByBasis, Level},
    portfolio::PortfolioMargin,
    program::Expression,
    universe::{Instrument, InstrumentClass, Settlement, Universe},
};
use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::{Problem, require},
    units::{Allowance, Ppm, Price},
};

/// A margin model with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Model {
    /// Loan to value and liquidation threshold.
    Collateral(Collateral),
    /// Cross margin with initial and maintenance fractions.
    Cross(Cross),
    /// The worst of a list of market scenarios.
    Scenario(ScenarioMargin),
    /// Buckets with collateral of their own.
    Isolated(Isolated),
    /// Options, perpetuals and collateral, revalued in scenarios of spot and volatility.
    Portfolio(Box<PortfolioMargin>),
    /// A model for each mode.
    Modes(Modes),
    /// Risk arrays, commodity by commodity.
    Span(Span),
}

/// What every model says of an instrument that it covers.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// Where the policy says it.
    pub path: String,
    /// The instrument.
    pub instrument: &'a Name,
    /// The market entry that prices it, or none for one quote unit per unit.
    pub price: Option<&'a Name>,
    /// The market entry that a portfolio model derives its worth from, where there is no price.
    pub derived_from: Option<&'a Name>,
    /// The market entry that is added to the price where the instrument is short or owed.
    pub debt_spread: Option<&'a Name>,
    /// Whether the holding may be negative: short, or owed.
    pub short: bool,
    /// What is required if anything is held or owed, however much.
    pub allowance: Option<Allowance>,
    /// What else the model multiplies the holding with.
    pub measures: Vec<Measure<'a>>,
    /// The numbers of units that tiers end at, with their keys from the place of the rule.
    pub units: Vec<(String, Magnitude)>,
}

/// What a model multiplies a holding with beside its price: a market entry, a number of its own, or both.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// The key that names the market entry, from the place of the rule.
    pub key: &'static str,
    /// The market entry.
    pub entry: Option<&'a Name>,
    /// What the market entry does.
    pub role: Role,
    /// Whether it says how the value moves: then it does more for an option.
    pub is_sensitivity: bool,
    /// Decimal places of the number.
    pub places: u32,
}

impl<'a> Rule<'a> {
    /// A rule that reads the price only.
    #[must_use]
    pub fn new(path: String, instrument: &'a Name, price: Option<&'a Name>, short: bool) -> Self {
        Self {
            path,
            instrument,
            price,
            derived_from: None,
            debt_spread: None,
            short,
            allowance: None,
            measures: Vec::new(),
            units: Vec::new(),
        }
    }

    /// The market entries that it reads by itself. What is derived from others is read by portfolio margin. `restores`
    /// says whether a price and a debt spread make the price before something was subtracted.
    fn reads(&self, is_option: bool, restores: impl Fn(&Name, &Name) -> bool) -> Vec<Read<'a>> {
        let read = |key, entry, role| Read { path: format!("{}.{key}", self.path), entry, role };
        let restored = self.price.zip(self.debt_spread).is_some_and(|(price, spread)| restores(price, spread));
        let price = match is_option {
            true => Role::Option,
            false if self.short && !restored => Role::Price,
            false => Role::Held,
        };
        let price = self.price.map(|entry| read("price", entry, price));
        let spread = self.debt_spread.map(|entry| read("debt_spread", entry, Role::Added));
        let measures = self.measures.iter().filter_map(|measure| {
            let role = if is_option && measure.is_sensitivity { Role::Option } else { measure.role };
            Some(read(measure.key, measure.entry?, role))
        });
        price.into_iter().chain(spread).chain(measures).collect()
    }
}

impl Model {
    /// The instruments that it covers. All others of the universe must not be held.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule<'_>> {
        match self {
            Self::Collateral(model) => numbered("model.assets", &model.assets, Asset::rule),
            Self::Cross(model) => numbered("model.positions", &model.positions, CrossPosition::rule),
            Self::Scenario(model) => numbered("model.positions", &model.positions, ScenarioPosition::rule),
            Self::Isolated(model) => model.rules(),
            Self::Portfolio(model) => portfolio::rules(model),
            Self::Modes(model) => model.rules(),
            Self::Span(model) => model.rules(),
        }
    }

    /// The market entries that it reads, and what for. The price of an option is one of another kind.
    pub(crate) fn reads(
        &self,
        is_option: impl Fn(&Name) -> bool,
        restores: impl Fn(&Name, &Name) -> bool,
    ) -> Vec<Read<'_>> {
        let rules = self.rules().into_iter().flat_map(|rule| rule.reads(is_option(rule.instrument), &restores));
        let portfolios = self.portfolios().into_iter().flat_map(PortfolioMargin::reads);
        rules.chain(portfolios).collect()
    }

    /// A lower bound on the rows of a level's program, found without making it.
    pub(crate) fn least_rows(&self) -> usize {
        match self {
            Self::Collateral(model) => model.assets.len(),
            Self::Cross(model) => model.positions.len(),
            Self::Scenario(model) => model.least_rows(),
            Self::Isolated(model) => model.least_rows(),
            Self::Portfolio(model) => model.least_rows(),
            Self::Modes(model) => model.modes.iter().map(|mode| mode.model.least_rows()).max().unwrap_or(0),
            Self::Span(model) => model.least_rows(),
        }
    }

    /// The classes of instruments that its rule of a number is for. Options are not linear in their prices, and a
    /// lending market has no derivatives.
    fn classes(&self, rule: usize) -> &'static [InstrumentClass] {
        use InstrumentClass::{Cash, Future, Perpetual, Spot};
        match self {
            Self::Collateral(_) => &[Cash, Spot],
            Self::Scenario(model) if model.has_greeks(rule) => Greeks::CLASSES,
            Self::Cross(_) | Self::Scenario(_) => &[Cash, Spot, Perpetual, Future],
            Self::Span(model) => model.classes(rule),
            // They check the classes themselves.
            Self::Isolated(_) | Self::Portfolio(_) | Self::Modes(_) => &[],
        }
    }

    /// Checks that the model is meant for the classes of the instruments that it covers and for how they are settled,
    /// and that what has no price is cash.
    pub(crate) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        match self {
            Self::Isolated(model) => return model.class_problems(universe),
            Self::Portfolio(model) => return portfolio::class_problems(model, universe),
            Self::Modes(model) => return model.class_problems(universe),
            Self::Collateral(_) | Self::Cross(_) | Self::Scenario(_) | Self::Span(_) => {}
        }
        let mut problems = Vec::new();
        let positions = universe.positions();
        for (number, rule) in self.rules().into_iter().enumerate() {
            let Some(&position) = positions.get(rule.instrument) else {
                continue;
            };
            let Instrument { class, settlement, .. } = universe.instruments[position];
            if settlement == Settlement::VariationMargin && self.counts_value(class) {
                let expected = "an instrument whose whole value counts, as it does under this model";
                let found = format!("{} with settlement by variation margin", rule.instrument);
                let advice = "set its settlement to carried in the universe";
                problems.push(Problem::new(format!("{}.instrument", rule.path), expected, found).advise(advice));
            }
            let classes = self.classes(number);
            if !classes.contains(&class) {
                let classes: Vec<_> = classes.iter().map(ToString::to_string).collect();
                let expected = format!("an instrument of a class that the model is for: {}", classes.join(", "));
                let found = format!("{} of class {class}", rule.instrument);
                problems.push(Problem::new(format!("{}.instrument", rule.path), expected, found));
            }
            if rule.price.is_none() && class != InstrumentClass::Cash {
                let expected = "a price, because only cash may be without";
                problems.push(Problem::new(format!("{}.price", rule.path), expected, "none"));
            }
        }
        problems
    }

    /// How many fractions in parts per million an amount is multiplied with at most.
    #[must_use]
    pub(crate) fn fractions(&self) -> u32 {
        match self {
            Self::Collateral(_) | Self::Cross(_) => 1,
            Self::Scenario(model) => model.fractions(),
            Self::Isolated(model) => model.fractions(),
            Self::Portfolio(_) => 0,
            Self::Modes(model) => model.modes.iter().map(|mode| mode.model.fractions()).max().unwrap_or(0),
            Self::Span(model) => model.fractions(),
        }
    }

    /// Checks the parameters, apart from the names of instruments and prices.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Collateral(model) => model.problems(),
            Self::Cross(model) => model.problems(),
            Self::Scenario(model) => model.problems(),
            Self::Isolated(model) => model.problems(),
            Self::Portfolio(model) => model.problems(),
            Self::Modes(model) => model.problems(),
            Self::Span(model) => model.problems(),
        }
    }

    /// What must not be negative at a level.
    pub(crate) fn requirements(&self, frame: &Frame<'_>, level: &Level) -> Vec<Requirement> {
        let margin = match self {
            Self::Collateral(model) => model.margin(frame, level),
            Self::Cross(model) => model.margin(frame, level),
            Self::Scenario(model) => model.margin(frame, level),
            Self::Portfolio(model) => portfolio::margin(model, frame, level),
            Self::Isolated(model) => return model.requirements(frame, level),
            Self::Modes(_) => {
                return self.of(level).map(|(_, model)| model.requirements(frame, level)).unwrap_or_default();
            }
            Self::Span(model) => model.margin(frame, level),
        };
        vec![Requirement { bucket: None, margin }]
    }

    /// The same margin, computed directly.
    pub(crate) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        match self {
            Self::Collateral(model) => model.evaluate(frame, level, position, prices),
            Self::Cross(model) => model.evaluate(frame, level, position, prices),
            Self::Scenario(model) => model.evaluate(frame, level, position, prices),
            Self::Isolated(model) => model.evaluate(frame, level, position, prices),
            Self::Portfolio(model) => portfolio::evaluate(model, frame, level, position, prices),
            Self::Modes(_) => self.of(level)?.1.evaluate(frame, level, position, prices),
            Self::Span(model) => model.evaluate(frame, level, position, prices),
        }
    }

    /// The buckets, or all of it. A model with modes has none: its levels' models have.
    pub(crate) fn parts<'a>(&'a self, frame: &'a Frame<'a>) -> Vec<Part<'a>> {
        match self {
            Self::Isolated(model) => model.parts(frame),
            Self::Modes(_) => Vec::new(),
            model => vec![Part { bucket: None, model, frame: frame.clone() }],
        }
    }

    /// Whether what it covers of a class counts with its value. Of a perpetual under portfolio margin only profit and
    /// loss do, which are cash.
    pub(crate) fn counts_value(&self, class: InstrumentClass) -> bool {
        !matches!(self, Self::Portfolio(_)) || class != InstrumentClass::Perpetual
    }

    /// The model of a level, and where in the policy it is. None if it has modes and the level names none of them.
    pub(crate) fn of(&self, level: &Level) -> Option<(String, &Self)> {
        match self {
            Self::Modes(model) => {
                model.of(level).map(|(i, mode)| (format!("{}.model", modes::path_of_mode(i)), &mode.model))
            }
            model => Some(("model".to_owned(), model)),
        }
    }

    /// How many modes it has.
    pub(crate) fn modes(&self) -> usize {
        match self {
            Self::Modes(model) => model.modes.len(),
            _ => 0,
        }
    }

    /// Every portfolio model in it, in the order in which they extend the market vector.
    pub(crate) fn portfolios(&self) -> Vec<&PortfolioMargin> {
        match self {
            Self::Portfolio(model) => vec![model],
            Self::Isolated(model) => model.buckets.iter().flat_map(|bucket| bucket.model.portfolios()).collect(),
            Self::Modes(model) => model.modes.iter().flat_map(|mode| mode.model.portfolios()).collect(),
            Self::Collateral(_) | Self::Cross(_) | Self::Scenario(_) | Self::Span(_) => Vec::new(),
        }
    }

    /// Levels name modes where there are modes, and every mode has a level.
    pub(crate) fn mode_problems(&self, levels: &[Level]) -> Vec<Problem> {
        let modes: Vec<&Name> = match self {
            Self::Modes(model) => model.modes.iter().map(|mode| &mode.name).collect(),
            _ => Vec::new(),
        };
        let mut problems = Vec::new();
        for (i, Level { mode, .. }) in levels.iter().enumerate() {
            let fits = mode.as_ref().map_or(modes.is_empty(), |mode| modes.contains(&mode));
            let expected = if modes.is_empty() { "no mode, because the model has none" } else { "a mode of the model" };
            let found = mode.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            problems.extend(require(fits, format!("levels[{i}].mode"), expected, found));
        }
        for (i, mode) in modes.into_iter().enumerate() {
            let used = levels.iter().any(|level| level.mode.as_ref() == Some(mode));
            problems.extend(require(used, format!("model.modes[{i}].name"), "a mode that a level names", mode));
        }
        problems
    }
}

/// A margin that must not be negative: an account's, or that of a bucket in it.
#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    /// The bucket.
    pub(crate) bucket: Option<Name>,
    /// Its margin.
    pub(crate) margin: Expression,
}

/// The rules of models inside of another one, with the places of what they are the models of. Each calls itself
/// `model`.
fn rules_inside<'a>(models: impl Iterator<Item = (String, &'a Model)>) -> Vec<Rule<'a>> {
    let mut rules = Vec::new();
    for (place, model) in models {
        let inside = |rule: Rule<'a>| Rule { path: format!("{place}.{}", rule.path), ..rule };
        rules.extend(model.rules().into_iter().map(inside));
    }
    rules
}

/// Problems of models inside of another one, in the same way.
fn problems_inside<'a>(
    models: impl Iterator<Item = (String, &'a Model)>,
    problems: impl Fn(&Model) -> Vec<Problem>,
) -> Vec<Problem> {
    let mut all = Vec::new();
    for (place, model) in models {
        let inside = |problem: Problem| Problem { path: format!("{place}.{}", problem.path), ..problem };
        all.extend(problems(model).into_iter().map(inside));
    }
    all
}

/// The numbers of units that tiers end at, with their keys. `ends` are those of the list `key`.
fn units_of(key: &str, ends: impl Iterator<Item = Option<Magnitude>>) -> Vec<(String, Magnitude)> {
    let ends = ends.enumerate();
    ends.filter_map(|(t, units)| Some((format!("{key}[{t}].up_to_units"), units?))).collect()
}

/// The rules of a list, with their places in it.
fn numbered<'a, T>(list: &str, items: &'a [T], rule: impl Fn(&'a T, String) -> Rule<'a>) -> Vec<Rule<'a>> {
    items.iter().enumerate().map(|(i, item)| rule(item, format!("{list}[{i}]"))).collect()
}

/// The type comes first, so that what follows is read without a detour and a mistake in it is reported where it is.
impl<'de> Deserialize<'de> for Model {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ModelVisitor)
    }
}

struct ModelVisitor;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ModelType {
    Collateral,
    Cross,
    Scenario,
    Isolated,
    Portfolio,
    Modes,
    Span,
}

impl<'de> Visitor<'de> for ModelVisitor {
    type Value = Model;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with the key `type` and the parameters of that margin model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Model, A::Error> {
        if map.next_key::<String>()?.as_deref() != Some("type") {
            return Err(A::Error::missing_field("type"));
        }
        let model = map.next_value()?;
        let parameters = MapAccessDeserializer::new(map);
        match model {
            ModelType::Collateral => Collateral::deserialize(parameters).map(Model::Collateral),
            ModelType::Cross => Cross::deserialize(parameters).map(Model::Cross),
            ModelType::Scenario => ScenarioMargin::deserialize(parameters).map(Model::Scenario),
            ModelType::Isolated => Isolated::deserialize(parameters).map(Model::Isolated),
            ModelType::Portfolio => Box::deserialize(parameters).map(Model::Portfolio),
            ModelType::Modes => Modes::deserialize(parameters).map(Model::Modes),
            ModelType::Span => Span::deserialize(parameters).map(Model::Span),
        }
    }
}

/// A weight above one would count more than an asset is worth, and one that rises with the level would make the
/// initial requirement the laxer one.
fn weight_problems(path: &str, weight: ByBasis) -> Option<Problem> {
    let expected = "weights with initial <= maintenance <= 100 %";
    let found = || format!("initial {}, maintenance {}", weight.initial, weight.maintenance);
    (weight.initial > weight.maintenance || weight.maintenance > Ppm::ONE)
        .then(|| Problem::new(path, expected, found()))
}

/// A weight below one would forgive a part of a debt.
fn liability_problems(path: &str, weight: ByBasis) -> Option<Problem> {
    let expected = "weights with initial >= maintenance >= 100 %";
    let found = || format!("initial {}, maintenance {}", weight.initial, weight.maintenance);
    (weight.initial < weight.maintenance || weight.maintenance < Ppm::ONE)
        .then(|| Problem::new(path, expected, found()))
}

/// A charge that falls with the level would make the initial requirement the laxer one.
fn charge_problems(path: &str, charge: ByBasis) -> Option<Problem> {
    let expected = "charges with initial >= maintenance";
    let found = || format!("initial {}, maintenance {}", charge.initial, charge.maintenance);
    (charge.initial < charge.maintenance).then(|| Problem::new(path, expected, found()))
}
