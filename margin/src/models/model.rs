//! The margin model of a policy: one of those that there are, or a composition of them.

use core::fmt;
use std::collections::BTreeSet;

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};
use surety_core::{
    ident::Name,
    problem::{Problem, require},
    units::{Price, power_of_ten},
};

use super::{
    All, Any, Asset, Breakdown, Collateral, Cross, Frame, Greeks, InstrumentRule, Isolated, LimitedPosition, Limits,
    MarketVector, Modes, ScenarioMargin, ScenarioPosition, Span, Sum,
    composed::path_of_mode,
    cover::Cover,
    derive::PortfolioMargin,
    frame::Covered,
    inside::{named, parts_of, problems_inside},
    portfolio,
    rule::numbered,
};
use crate::{
    holdings::Position,
    level::Level,
    market::{
        NamedEntries,
        boxes::{self, Read},
        derived::Formula,
        tightening::{self, Reading},
    },
    program::Expression,
    universe::{Instrument, InstrumentClass, Settlement, Universe},
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
    /// Limits on what the account is exposed to.
    Limits(Limits),
    /// Several models at once.
    All(All),
    /// The best of several models.
    Any(Any),
    /// Several models whose margins add up.
    Sum(Sum),
}

impl Model {
    /// The instruments that it covers. All others of the universe must not be held.
    #[must_use]
    pub fn rules(&self) -> Vec<InstrumentRule<'_>> {
        match self {
            Self::Collateral(model) => numbered("model.assets", &model.assets, Asset::rule),
            Self::Cross(model) => model.rules(),
            Self::Scenario(model) => numbered("model.positions", &model.positions, ScenarioPosition::rule),
            Self::Isolated(model) => model.rules(),
            Self::Portfolio(model) => portfolio::rules(model),
            Self::Modes(model) => model.rules(),
            Self::Span(model) => model.rules(),
            Self::Limits(model) => numbered("model.positions", &model.positions, LimitedPosition::rule),
            Self::All(model) => model.rules(),
            Self::Any(model) => model.rules(),
            Self::Sum(model) => model.rules(),
        }
    }

    /// The market entries that it reads, each with its role. The price of an option is one of another kind, and a debt
    /// at a price less something, and that much more, is a debt at the price.
    fn reads(&self, entries: NamedEntries<'_>, universe: &Universe) -> Vec<Read<'_>> {
        let options = universe.instruments.iter().filter(|it| it.class == InstrumentClass::Option).map(|it| &it.name);
        let options: BTreeSet<_> = options.collect();
        let restores = |price: &Name, spread: &Name| {
            let entry = entries.derived.iter().find(|it| it.name == *price);
            entry.is_some_and(|it| matches!(&it.formula, Formula::Difference([_, second]) if second == spread))
        };
        let rules = self.rules().into_iter();
        let rules = rules.flat_map(|rule| rule.reads(options.contains(rule.instrument), restores));
        let portfolios = self.portfolios().into_iter().flat_map(PortfolioMargin::reads);
        rules.chain(portfolios).collect()
    }

    /// The market entries that it reads, each with the way in which no margin grows.
    fn readings<'a>(&'a self, entries: NamedEntries<'a>) -> Vec<Reading<'a>> {
        let restored = |price: &Name, spread: &Name| entries.restored(price, spread);
        let rules = self.rules().into_iter().flat_map(|rule| rule.readings(restored));
        let portfolios = self.portfolios().into_iter().flat_map(PortfolioMargin::reads);
        let portfolios = portfolios.map(|Read { path, entry, .. }| Reading { path, entry, tighter: None });
        rules.chain(portfolios).collect()
    }

    /// Every parameter entry that does not tighten the way it says.
    pub(crate) fn tightening_problems(&self, entries: NamedEntries<'_>) -> Vec<Problem> {
        tightening::problems(entries, self.readings(entries))
    }

    /// Every box of the entries that contains prices at which any account is safe under this model.
    pub(crate) fn box_problems(&self, entries: NamedEntries<'_>, universe: &Universe) -> Vec<Problem> {
        boxes::problems(entries, self.reads(entries, universe))
    }

    /// The market vector of a policy with this model.
    ///
    /// # Errors
    /// If a model does not fit the universe.
    pub(crate) fn market_vector<'a>(
        &'a self,
        entries: NamedEntries<'a>,
        universe: &Universe,
    ) -> Result<MarketVector<'a>, Vec<Problem>> {
        MarketVector::new(entries, self.portfolios(), universe)
    }

    /// The frame of a level: every name that the level's model uses, resolved.
    ///
    /// # Errors
    /// With every name that is unknown or occurs twice, every box that contains prices at which any account is safe,
    /// and every parameter that does not tighten the way it says.
    pub(crate) fn frame<'a>(
        &'a self,
        entries: NamedEntries<'a>,
        universe: &'a Universe,
        level: &Level,
    ) -> Result<Frame<'a>, Vec<Problem>> {
        let Some((place, model)) = self.of(level) else {
            let problem = Problem::new("levels", "a mode of the model", format!("none in level {}", level.name));
            return Err(vec![problem]);
        };
        let vector = self.market_vector(entries, universe)?;
        let mut problems = self.box_problems(entries, universe);
        problems.extend(self.tightening_problems(entries));
        let covered = Covered {
            place,
            rules: model.rules(),
            cover: Cover::of(model),
            portfolios: model.portfolios(),
            fractions: model.fractions(),
        };
        match Frame::new(entries, universe, vector, &covered) {
            Ok(frame) if problems.is_empty() => Ok(frame),
            result => Err(problems.into_iter().chain(result.err().into_iter().flatten()).collect()),
        }
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
            Self::Limits(model) => model.positions.len(),
            Self::All(All { parts }) | Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                parts.iter().map(|part| part.model.least_rows()).max().unwrap_or(0)
            }
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
            Self::Limits(_) => &[Cash, Spot, Perpetual, Future, InstrumentClass::Option],
            Self::Span(model) => model.classes(rule),
            // They check the classes themselves.
            Self::Isolated(_) | Self::Portfolio(_) | Self::Modes(_) | Self::All(_) | Self::Any(_) | Self::Sum(_) => &[],
        }
    }

    /// Checks that the model is meant for the classes of the instruments that it covers and for how they are settled,
    /// and that what has no price is cash.
    pub(crate) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        match self {
            Self::Isolated(model) => return model.class_problems(universe),
            Self::Portfolio(model) => return portfolio::class_problems(model, universe),
            Self::Modes(model) => return model.class_problems(universe),
            Self::All(All { parts }) | Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                return problems_inside(named(parts), |model| model.class_problems(universe));
            }
            Self::Collateral(_) | Self::Cross(_) | Self::Scenario(_) | Self::Span(_) | Self::Limits(_) => {}
        }
        let mut problems = Vec::new();
        let positions = universe.positions();
        for (number, rule) in self.rules().into_iter().enumerate() {
            let Some(&position) = positions.get(rule.instrument) else {
                continue;
            };
            let Instrument { class, settlement, .. } = universe.instruments[position];
            // Limits look how an instrument is settled.
            let whole = self.counts_value(class) && !matches!(self, Self::Limits(_));
            if settlement == Settlement::VariationMargin && whole {
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
        match self {
            Self::Limits(model) => problems.extend(model.class_problems(universe)),
            Self::Cross(model) => problems.extend(model.order_problems(universe)),
            _ => {}
        }
        problems
    }

    /// How many fractions in parts per million an amount is multiplied with at most.
    #[must_use]
    pub(crate) fn fractions(&self) -> u32 {
        match self {
            Self::Collateral(_) | Self::Cross(_) | Self::Limits(_) => 1,
            Self::Scenario(model) => model.fractions(),
            Self::Isolated(model) => model.fractions(),
            Self::Portfolio(_) => 0,
            Self::Modes(model) => model.modes.iter().map(|mode| mode.model.fractions()).max().unwrap_or(0),
            Self::Span(model) => model.fractions(),
            Self::All(All { parts }) | Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                parts.iter().map(|part| part.model.fractions()).max().unwrap_or(0)
            }
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
            Self::Limits(model) => model.problems(),
            Self::All(model) => model.problems(),
            Self::Any(model) => model.problems(),
            Self::Sum(model) => model.problems(),
        }
    }

    /// What must not be negative at a level.
    pub(crate) fn requirements(&self, frame: &Frame<'_>, level: &Level) -> Vec<Requirement> {
        let of_frame = power_of_ten(frame.scale());
        let (margin, unit) = match self {
            Self::Collateral(model) => (model.margin(frame, level), of_frame),
            Self::Cross(model) => (model.margin(frame, level), of_frame),
            Self::Scenario(model) => (model.margin(frame, level), model.unit(frame)),
            Self::Portfolio(model) => (portfolio::margin(model, frame, level), portfolio::unit(model, frame, level)),
            Self::Isolated(model) => return model.requirements(frame, level),
            Self::Modes(_) => {
                return self.of(level).map(|(_, model)| model.requirements(frame, level)).unwrap_or_default();
            }
            Self::Span(model) => (model.margin(frame, level), of_frame),
            Self::Limits(model) => return model.requirements(frame, level),
            Self::All(model) => return model.requirements(frame, level),
            Self::Any(model) => model.margin(frame, level),
            Self::Sum(model) => model.margin(frame, level),
        };
        vec![Requirement { bucket: None, margin, unit }]
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
            Self::Limits(model) => model.evaluate(frame, level, position, prices),
            Self::All(model) => model.evaluate(frame, level, position, prices),
            Self::Any(model) => model.evaluate(frame, level, position, prices),
            Self::Sum(model) => model.evaluate(frame, level, position, prices),
        }
    }

    /// The buckets, or all of it. A model with modes has none: its levels' models have.
    pub(crate) fn parts<'a>(&'a self, frame: &Frame<'a>) -> Vec<Part<'a>> {
        match self {
            Self::Isolated(model) => model.parts(frame),
            Self::Modes(_) => Vec::new(),
            Self::All(model) => model.first(frame),
            Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                let parts = parts_of(parts, frame).into_iter();
                parts.flat_map(|part| part.model.parts(&part.frame)).collect()
            }
            model => vec![Part { bucket: None, model, frame: frame.clone() }],
        }
    }

    /// Whether what it covers of a class counts with its value. Of a perpetual under portfolio margin only profit and
    /// loss do, which are cash.
    pub(crate) fn counts_value(&self, class: InstrumentClass) -> bool {
        !matches!(self, Self::Portfolio(_)) || class != InstrumentClass::Perpetual
    }

    /// Whether its requirement is an expected shortfall.
    pub(super) fn has_tail(&self) -> bool {
        match self {
            Self::Scenario(model) => model.tail.is_some(),
            Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => parts.iter().any(|part| part.model.has_tail()),
            _ => false,
        }
    }

    /// The model of a level, and where in the policy it is. None if it has modes and the level names none of them.
    pub(crate) fn of(&self, level: &Level) -> Option<(String, &Self)> {
        match self {
            Self::Modes(model) => model.of(level).map(|(i, mode)| (format!("{}.model", path_of_mode(i)), &mode.model)),
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
            Self::All(All { parts }) | Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                parts.iter().flat_map(|part| part.model.portfolios()).collect()
            }
            Self::Collateral(_) | Self::Cross(_) | Self::Scenario(_) | Self::Span(_) | Self::Limits(_) => Vec::new(),
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
    /// What a quote unit counts for in it. Its sign is all that a level asks for, so that models count in whatever unit
    /// keeps their integers small; amounts of several requirements take this to compare.
    pub(crate) unit: I256,
}

/// A model over instruments that no other one has, with its part of the frame: a bucket, or all.
pub(crate) struct Part<'a> {
    pub(crate) bucket: Option<&'a Name>,
    pub(crate) model: &'a Model,
    pub(crate) frame: Frame<'a>,
}

impl Part<'_> {
    /// The number of its rule for an instrument of the universe.
    pub(crate) fn rule_of(&self, instrument: usize) -> Option<usize> {
        (0..self.model.rules().len()).find(|rule| self.frame.instrument(*rule) == instrument)
    }
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
    Limits,
    All,
    Any,
    Sum,
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
            ModelType::Limits => Limits::deserialize(parameters).map(Model::Limits),
            ModelType::All => All::deserialize(parameters).map(Model::All),
            ModelType::Any => Any::deserialize(parameters).map(Model::Any),
            ModelType::Sum => Sum::deserialize(parameters).map(Model::Sum),
        }
    }
}
