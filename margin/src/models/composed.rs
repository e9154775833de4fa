//! Models made of models: isolated margin, modes, and all of several rules.
//!
//! # Isolated margin
//!
//! Buckets inside one account have collateral of their own. Every bucket has a model over instruments that no other
//! bucket has, and its margin must not be negative by itself: `min_b margin_b ≥ 0`. A surplus in one bucket helps no
//! other, and a loss in one costs the collateral of that one only. Cross margin beside isolated positions is one bucket
//! more. A source states the same instrument in two buckets as two instruments of the universe.
//!
//! # Modes
//!
//! Each level names one of several margin models. An account that satisfies any of several rules is no linear program:
//! the union of convex sets is not convex. So each mode has a program of its own, which asserts that an instrument
//! outside the mode is not held. Efficiency modes (better terms for correlated assets), isolation modes (one
//! collateral, few debts) and books with and without perpetuals are stated in this way. The mode of an account is
//! public: the name of the level tells it.
//!
//! # All
//!
//! One account satisfies several models at once, such as a margin model and the limits of a mandate: the least of their
//! margins is not negative. Each model covers the whole account, so all have the same instruments, and what may be
//! short in one may be short in all.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::Price,
};

use super::{
    Breakdown, Frame, InstrumentRule, Model, Part, Requirement,
    inside::{ModelPart, named, order_problems, parts_inside, parts_of, problems_inside, rules_inside},
};
use crate::{holdings::Position, level::Level, universe::Universe};

/// Buckets that stand by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Isolated {
    /// The buckets.
    pub buckets: Vec<Bucket>,
}

/// A part of an account that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Unique in its model.
    pub name: Name,
    /// Its own margin model: any but isolated margin, modes, limits and all of several.
    pub model: Model,
}

impl Isolated {
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        rules_inside(self.models())
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let names = self.buckets.iter().map(|bucket| &bucket.name);
        let mut problems = repeated(names, |i| format!("model.buckets[{i}].name"), "each bucket once");
        problems.extend(not_empty("model.buckets", &self.buckets));
        problems.extend(problems_inside(self.models(), |model| match model {
            Model::Isolated(_) => vec![Problem::new("model.type", "a model other than isolated margin", "isolated")],
            Model::Modes(_) => {
                vec![Problem::new("model.type", "a model without modes: those are of the policy", "modes")]
            }
            Model::All(_) | Model::Limits(_) => {
                let expected = "a margin model: limits are on the whole account";
                vec![Problem::new("model.type", expected, "all or limits")]
            }
            model => model.problems(),
        }));
        problems
    }

    pub(super) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        problems_inside(self.models(), |model| model.class_problems(universe))
    }

    pub(super) fn least_rows(&self) -> usize {
        self.buckets.iter().map(|bucket| bucket.model.least_rows()).sum()
    }

    pub(super) fn fractions(&self) -> u32 {
        self.buckets.iter().map(|bucket| bucket.model.fractions()).max().unwrap_or(0)
    }

    pub(super) fn requirements(&self, frame: &Frame<'_>, level: &Level) -> Vec<Requirement> {
        requirements_inside(self.parts(frame), level, |bucket, _| bucket.clone())
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        Breakdown::worst_of(breakdowns(self.parts(frame), level, position, prices)?)
    }

    /// The buckets, each by itself.
    pub(super) fn parts<'a>(&'a self, frame: &Frame<'a>) -> Vec<Part<'a>> {
        parts_inside(self.buckets.iter().map(|bucket| (&bucket.name, &bucket.model)), frame)
    }

    pub(super) fn models(&self) -> impl Iterator<Item = (String, &Model)> {
        self.buckets.iter().enumerate().map(|(i, bucket)| (format!("model.buckets[{i}]"), &bucket.model))
    }
}

/// Models that one account satisfies at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct All {
    /// The models.
    pub parts: Vec<ModelPart>,
}

impl All {
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        rules_inside(named(&self.parts))
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let names = self.parts.iter().map(|part| &part.name);
        let mut problems = repeated(names, |i| format!("model.parts[{i}].name"), "each part once");
        problems.extend(not_empty("model.parts", &self.parts));
        problems.extend(problems_inside(named(&self.parts), |model| match model {
            Model::All(_) => vec![Problem::new("model.type", "a model other than all of several", "all")],
            Model::Modes(_) => {
                vec![Problem::new("model.type", "a model without modes: those are of the policy", "modes")]
            }
            model => model.problems(),
        }));
        problems.extend(order_problems(named(&self.parts)));
        problems.extend(self.cover_problems());
        problems
    }

    /// Every instrument that one part covers and another does not, or not in the same way: exposure to it would escape
    /// a part.
    fn cover_problems(&self) -> Vec<Problem> {
        let covered = |part: &ModelPart| -> BTreeMap<Name, bool> {
            part.model.rules().into_iter().map(|rule| (rule.instrument.clone(), rule.short)).collect()
        };
        let Some(first) = self.parts.first() else { return Vec::new() };
        let expected = covered(first);
        let mut problems = Vec::new();
        for (i, part) in self.parts.iter().enumerate().skip(1) {
            let path = format!("model.parts[{i}].model");
            let found = covered(part);
            for name in expected.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
                let word = |short: Option<&bool>| match short {
                    None => "not covered",
                    Some(false) => "never short",
                    Some(true) => "short or not",
                };
                let [wanted, is] = [expected.get(name), found.get(name)];
                let wanted_text = format!("{name} {}, as in {}", word(wanted), first.name);
                problems.extend(require(wanted == is, path.clone(), wanted_text, word(is)));
            }
        }
        problems
    }

    pub(super) fn requirements(&self, frame: &Frame<'_>, level: &Level) -> Vec<Requirement> {
        requirements_inside(parts_of(&self.parts, frame), level, margin_name)
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let parts = breakdowns(parts_of(&self.parts, frame), level, position, prices)?;
        // The margins inside of parts are told as well.
        let mut margins = Vec::new();
        for (name, breakdown) in &parts {
            match breakdown.buckets.as_slice() {
                [] => margins.push((name.clone(), breakdown.margin()?)),
                inside => {
                    margins.extend(inside.iter().map(|(bucket, margin)| (margin_name(name, Some(bucket)), *margin)))
                }
            }
        }
        Some(Breakdown { buckets: margins, ..Breakdown::worst_of(parts)? })
    }

    /// The first margin model, or the first of all: each covers every instrument.
    pub(super) fn first<'a>(&'a self, frame: &Frame<'a>) -> Vec<Part<'a>> {
        let place = self.parts.iter().position(|part| !matches!(part.model, Model::Limits(_))).unwrap_or(0);
        let first = parts_of(&self.parts, frame).into_iter().nth(place);
        first.map(|part| part.model.parts(&part.frame)).unwrap_or_default()
    }
}

/// The name of a margin inside of a part.
fn margin_name(part: &Name, inside: Option<&Name>) -> Name {
    let name = inside.and_then(|inside| Name::new(format!("{part}-{inside}")).ok());
    name.unwrap_or_else(|| part.clone())
}

/// A margin model for each mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Modes {
    /// The modes.
    pub modes: Vec<Mode>,
}

/// A mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mode {
    /// Unique in its policy.
    pub name: Name,
    /// Its margin model: any but modes.
    pub model: Model,
}

impl Modes {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let names = self.modes.iter().map(|mode| &mode.name);
        let mut problems = repeated(names, |i| format!("model.modes[{i}].name"), "each mode once");
        problems.extend(not_empty("model.modes", &self.modes));
        problems.extend(problems_inside(self.models(), |model| match model {
            Model::Modes(_) => vec![Problem::new("model.type", "a model other than modes", "modes")],
            model => model.problems(),
        }));
        problems.extend(order_problems(self.models()));
        problems
    }

    pub(super) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        problems_inside(self.models(), |model| model.class_problems(universe))
    }

    /// The rules of all modes, for checks of the policy: an instrument may have one in each mode.
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        rules_inside(self.models())
    }

    /// The mode of a level, and its number.
    pub(super) fn of(&self, level: &Level) -> Option<(usize, &Mode)> {
        let name = level.mode.as_ref()?;
        self.modes.iter().enumerate().find(|(_, mode)| mode.name == *name)
    }

    pub(super) fn models(&self) -> impl Iterator<Item = (String, &Model)> {
        self.modes.iter().enumerate().map(|(i, mode)| (path_of_mode(i), &mode.model))
    }
}

/// Where a mode is.
pub(super) fn path_of_mode(mode: usize) -> String {
    format!("model.modes[{mode}]")
}

/// What must not be negative in any of the models, called by the name of its model and its own, if it has one.
fn requirements_inside(
    parts: Vec<Part<'_>>,
    level: &Level,
    name: impl Fn(&Name, Option<&Name>) -> Name,
) -> Vec<Requirement> {
    let mut all = Vec::new();
    for Part { bucket, model, frame } in parts {
        for requirement in model.requirements(&frame, level) {
            let bucket = bucket.map(|bucket| name(bucket, requirement.bucket.as_ref()));
            all.push(Requirement { bucket, ..requirement });
        }
    }
    all
}

/// The breakdown of each of the models, by its name. None on overflow.
fn breakdowns(
    parts: Vec<Part<'_>>,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Option<Vec<(Name, Breakdown)>> {
    let breakdown =
        |part: &Part<'_>| Some((part.bucket?.clone(), part.model.evaluate(&part.frame, level, position, prices)?));
    parts.iter().map(breakdown).collect()
}
