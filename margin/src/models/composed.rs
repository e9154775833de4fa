//! Models made of models: isolated margin and modes.
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

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated},
    units::Price,
};

use super::{Breakdown, Frame, InstrumentRule, Model, Part, Requirement};
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
    /// Its own margin model: any but isolated margin and modes.
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
        let of_bucket = |(bucket, frame): (&Bucket, Frame<'_>)| {
            let inside = |requirement: Requirement| Requirement { bucket: Some(bucket.name.clone()), ..requirement };
            bucket.model.requirements(&frame, level).into_iter().map(inside).collect::<Vec<_>>()
        };
        self.framed(frame).flat_map(of_bucket).collect()
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for (bucket, frame) in self.framed(frame) {
            buckets.push((bucket.name.clone(), bucket.model.evaluate(&frame, level, position, prices)?));
        }
        Breakdown::worst_of(buckets)
    }

    /// The buckets, each by itself.
    pub(super) fn parts<'a>(&'a self, frame: &'a Frame<'a>) -> Vec<Part<'a>> {
        let part =
            |(bucket, frame): (&'a Bucket, Frame<'a>)| Part { bucket: Some(&bucket.name), model: &bucket.model, frame };
        self.framed(frame).map(part).collect()
    }

    /// Each bucket with the part of the frame that is about its instruments.
    fn framed<'a>(&'a self, frame: &'a Frame<'a>) -> impl Iterator<Item = (&'a Bucket, Frame<'a>)> {
        self.buckets.iter().scan(0, move |first, bucket| {
            let part = frame.part(*first);
            *first += bucket.model.rules().len();
            Some((bucket, part))
        })
    }

    fn models(&self) -> impl Iterator<Item = (String, &Model)> {
        self.buckets.iter().enumerate().map(|(i, bucket)| (format!("model.buckets[{i}]"), &bucket.model))
    }
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

    fn models(&self) -> impl Iterator<Item = (String, &Model)> {
        self.modes.iter().enumerate().map(|(i, mode)| (path_of_mode(i), &mode.model))
    }
}

/// Where a mode is.
pub(super) fn path_of_mode(mode: usize) -> String {
    format!("model.modes[{mode}]")
}

/// The rules of models inside of another one, with the places of what they are the models of. Each calls itself
/// `model`.
fn rules_inside<'a>(models: impl Iterator<Item = (String, &'a Model)>) -> Vec<InstrumentRule<'a>> {
    let mut rules = Vec::new();
    for (place, model) in models {
        let inside = |rule: InstrumentRule<'a>| InstrumentRule { path: format!("{place}.{}", rule.path), ..rule };
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
