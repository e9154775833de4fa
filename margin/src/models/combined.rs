//! Several models with one margin: their sum, or the best of them.
//!
//! # Sum
//!
//! Each instrument belongs to one of the models, and what one has to spare supports the others: the margin is
//! `Σ_p margin_p`. So one policy covers a whole book: cash, spot and perpetuals by one model, options by another.
//!
//! # Any
//!
//! An account satisfies `any` of several models if it satisfies one: the margin is `max_p margin_p`, and nothing tells
//! which of them it is. A model that does not list an instrument is none for an account that holds or owes it: there
//! its margin is at most minus one atom. Efficiency modes of a lending market that hides the mode, and the better of
//! two rules for each expiry (a sum of such), are stated in this way. A maximum is not concave, so the choice takes a
//! bit for each model.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::{Price, power_of_ten},
};

use super::{
    All, Breakdown, Frame, InstrumentRule, Model, Part, Requirement,
    inside::{ModelPart, named, order_problems, parts_of, problems_inside, rules_inside},
};
use crate::{
    holdings::Position,
    integers::common_multiple,
    level::Level,
    program::{Affine, Expression, Scenario, abs, exceeds, holding, number, worst_of},
};

/// Models of which each has its own instruments, and whose margins add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// The models.
    pub parts: Vec<ModelPart>,
}

/// Models of which an account satisfies one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// The models.
    pub parts: Vec<ModelPart>,
}

/// A margin, and what a quote unit counts for in it.
type Margin = (Expression, I256);

impl Sum {
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        rules_inside(named(&self.parts))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = part_problems(&self.parts);
        // Where no model of a part lists what is held, the part counts for next to nothing, which others make up for.
        problems.extend(problems_inside(named(&self.parts), Model::partial_problems));
        // Each rounds its requirement up to an atom, which decides the same as no rounding only once.
        let tails: Vec<usize> = (0..self.parts.len()).filter(|i| self.parts[*i].model.has_tail()).collect();
        if let [_, second, ..] = tails.as_slice() {
            let expected = "one expected shortfall in a sum";
            problems.push(Problem::new(format!("model.parts[{second}].model"), expected, "another"));
        }
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Margin {
        let (margins, unit) = in_one_unit(&parts_of(&self.parts, frame), level);
        (margins.into_iter().sum(), unit)
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for part in parts_of(&self.parts, frame) {
            breakdown.add(part.model.evaluate(&part.frame, level, position, prices)?)?;
        }
        Some(breakdown)
    }
}

impl Any {
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        rules_inside(named(&self.parts))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = part_problems(&self.parts);
        problems.extend(order_problems(named(&self.parts)));
        let mut short: BTreeMap<&Name, (bool, &Name)> = BTreeMap::new();
        for (i, part) in self.parts.iter().enumerate() {
            for rule in part.model.rules() {
                let (first, of) = *short.entry(rule.instrument).or_insert((rule.short, &part.name));
                let word = |short: bool| if short { "short or not" } else { "never short" };
                let expected = format!("{} {}, as in {of}", rule.instrument, word(first));
                let path = format!("model.parts[{i}].{}", rule.path);
                problems.extend(require(rule.short == first, path, expected, word(rule.short)));
            }
        }
        problems
    }

    /// Every instrument that one of the models lists and another does not.
    fn partial_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            for name in self.unlisted(part) {
                let expected = format!("a rule for {name}, because here every model of several has one");
                problems.push(Problem::new(format!("model.parts[{i}].model"), expected, "none"));
            }
        }
        problems
    }

    /// The instruments that other parts list and this one does not.
    fn unlisted(&self, part: &ModelPart) -> BTreeSet<&Name> {
        let own: BTreeSet<&Name> = part.model.rules().into_iter().map(|rule| rule.instrument).collect();
        let all = self.parts.iter().flat_map(|part| part.model.rules()).map(|rule| rule.instrument);
        all.filter(|name| !own.contains(name)).collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Margin {
        let (margins, unit) = in_one_unit(&parts_of(&self.parts, frame), level);
        let atom = unit.checked_div(power_of_ten(frame.scale())).unwrap_or(unit);
        let (holdings, prices) = (frame.holding_ranges(), frame.prices());
        let of_part = |(part, margin): (&ModelPart, Expression)| {
            let scenario = |value: Expression| Scenario { label: part.name.to_string(), value };
            let unlisted = self.unlisted(part);
            if unlisted.is_empty() {
                return scenario(-margin);
            }
            let outside: Expression = unlisted.into_iter().map(|name| abs(holding(frame.place(name)))).sum();
            // A number that no holding reaches, and that no program has room for if it is too large.
            let most = margin.most(&holdings, &prices).unwrap_or(I256::MAX).max(I256::ZERO);
            let fall = Affine::constant(most.saturating_add(atom));
            let allowed = number(Affine::constant(most)) - exceeds(outside).times(fall);
            scenario(-worst_of(vec![scenario(margin), scenario(allowed)]))
        };
        (-worst_of(self.parts.iter().zip(margins).map(of_part).collect()), unit)
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut best: Option<Breakdown> = None;
        let mut margins = Vec::new();
        for (part, data) in parts_of(&self.parts, frame).into_iter().zip(&self.parts) {
            let mut breakdown = part.model.evaluate(&part.frame, level, position, prices)?;
            let is_held = |name: &Name| position.lots().get(frame.place(name)).is_some_and(|lots| lots.get() != 0);
            let margin = breakdown.margin()?;
            if self.unlisted(data).into_iter().any(is_held) && !margin.is_negative() {
                let charge = margin.checked_add(I256::ONE)?;
                breakdown.charge(format!("what is held that {} does not list", data.name), charge)?;
            }
            margins.push((format!("margin by {}", data.name), breakdown.margin()?));
            if best.as_ref().is_none_or(|best| breakdown.margin() > best.margin()) {
                best = Some(breakdown);
            }
        }
        let mut best = best?;
        best.scenarios.extend(margins);
        Some(best)
    }
}

impl Model {
    /// Every instrument that a model of several lists and another of them does not, wherever they are. What is not
    /// listed makes a margin negative and says nothing of how much is lacking.
    #[must_use]
    pub fn partial_problems(&self) -> Vec<Problem> {
        match self {
            Self::Any(model) => {
                let inside = problems_inside(named(&model.parts), Self::partial_problems);
                model.partial_problems().into_iter().chain(inside).collect()
            }
            Self::Sum(Sum { parts }) | Self::All(All { parts }) => {
                problems_inside(named(parts), Self::partial_problems)
            }
            Self::Isolated(model) => problems_inside(model.models(), Self::partial_problems),
            Self::Modes(model) => problems_inside(model.models(), Self::partial_problems),
            _ => Vec::new(),
        }
    }
}

/// What is wrong with models that are combined into one margin: each has one margin itself.
fn part_problems(parts: &[ModelPart]) -> Vec<Problem> {
    let names = parts.iter().map(|part| &part.name);
    let mut problems = repeated(names, |i| format!("model.parts[{i}].name"), "each part once");
    problems.extend(not_empty("model.parts", parts));
    problems.extend(problems_inside(named(parts), |model| match model {
        Model::Isolated(_) | Model::Modes(_) | Model::Limits(_) | Model::All(_) => {
            let expected = "a model with one margin: collateral, cross, scenario, span, portfolio, sum or any";
            vec![Problem::new("model.type", expected, "isolated, modes, limits or all")]
        }
        model => model.problems(),
    }));
    problems
}

/// The margins of all parts in a unit that they have in common with the frame.
fn in_one_unit(parts: &[Part<'_>], level: &Level) -> (Vec<Expression>, I256) {
    let requirements: Vec<Requirement> =
        parts.iter().flat_map(|part| part.model.requirements(&part.frame, level)).collect();
    let of_frame = parts.first().map_or(I256::ONE, |part| power_of_ten(part.frame.scale()));
    let units = requirements.iter().map(|requirement| requirement.unit);
    // What overflows is so large that no program has room for it.
    let unit = units.fold(of_frame, |common, unit| common_multiple(common, unit).unwrap_or(I256::MAX));
    let scaled = |Requirement { margin, unit: own, .. }: Requirement| match unit / own {
        I256::ONE => margin,
        factor => margin.times(Affine::constant(factor)),
    };
    (requirements.into_iter().map(scaled).collect(), unit)
}
