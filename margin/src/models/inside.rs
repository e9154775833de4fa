//! Models inside of another model: where their rules, their frames and their problems are, and what they share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, require},
};

use super::{Frame, InstrumentRule, Model, Part, required::Required};

/// One of several models: of all, of any, or of a sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelPart {
    /// Unique in its model.
    pub name: Name,
    /// Its model.
    pub model: Model,
}

/// The rules of models inside of another one, with the places of what they are the models of. Each calls itself
/// `model`.
pub(super) fn rules_inside<'a>(models: impl Iterator<Item = (String, &'a Model)>) -> Vec<InstrumentRule<'a>> {
    let mut rules = Vec::new();
    for (place, model) in models {
        let inside = |rule: InstrumentRule<'a>| InstrumentRule { path: format!("{place}.{}", rule.path), ..rule };
        rules.extend(model.rules().into_iter().map(inside));
    }
    rules
}

/// The models inside of another one, each with the part of the frame that has its rules.
pub(super) fn parts_inside<'a>(
    models: impl Iterator<Item = (&'a Name, &'a Model)>,
    frame: &Frame<'a>,
) -> Vec<Part<'a>> {
    let mut first = 0;
    let part = |(name, model): (&'a Name, &'a Model)| {
        let frame = frame.part(first);
        first += model.rules().len();
        Part { bucket: Some(name), model, frame }
    };
    models.map(part).collect()
}

/// Every instrument whose holdings are sizes of orders for one model, and a position for another: what has no value
/// would count with one.
pub(super) fn order_problems<'a>(models: impl Iterator<Item = (String, &'a Model)>) -> Vec<Problem> {
    let word = |order: bool| if order { "sizes of orders" } else { "a position" };
    let mut first: BTreeMap<&Name, bool> = BTreeMap::new();
    let mut problems = Vec::new();
    for (place, model) in models {
        for rule in model.rules() {
            let order = *first.entry(rule.instrument).or_insert(rule.order);
            let expected = format!("{} to be {}, as before", rule.instrument, word(order));
            problems.extend(require(rule.order == order, format!("{place}.{}", rule.path), expected, word(rule.order)));
        }
    }
    problems
}

/// The parts, each with the part of the frame that has its rules.
pub(super) fn parts_of<'a>(parts: &'a [ModelPart], frame: &Frame<'a>) -> Vec<Part<'a>> {
    parts_inside(parts.iter().map(|part| (&part.name, &part.model)), frame)
}

/// The models, with their places.
pub(super) fn named(parts: &[ModelPart]) -> impl Iterator<Item = (String, &Model)> {
    parts.iter().enumerate().map(|(i, part)| (format!("model.parts[{i}]"), &part.model))
}

/// Problems of models inside of another one, in the same way as [`rules_inside`].
pub(super) fn problems_inside<'a>(
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

/// What is required of each position by several parts together, for the rules of all parts in their order.
pub(super) fn required_together(
    parts: &[ModelPart],
    of_part: impl Fn(&Model) -> Vec<Required>,
    together: fn(Required, Required) -> Required,
) -> Vec<Required> {
    let rules = || parts.iter().flat_map(|part| part.model.rules());
    let mut all: BTreeMap<&Name, Required> = BTreeMap::new();
    for (rule, required) in rules().zip(parts.iter().flat_map(|part| of_part(&part.model))) {
        all.entry(rule.instrument).and_modify(|before| *before = together(*before, required)).or_insert(required);
    }
    rules().map(|rule| all.get(rule.instrument).copied().unwrap_or_default()).collect()
}
