//! Modes: a choice of margin models, of which each level names one.
//!
//! An account that satisfies any of several rules is no linear program: the union of convex sets is not convex. So each
//! mode has a program of its own, which asserts that whatever its mode does not cover is not held. Efficiency modes
//! (better terms for correlated assets), isolation modes (one collateral, few debts) and books with and without
//! perpetuals are stated like this. Which mode an account is in is public: it is part of the level's name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, repeated},
};

use super::{Model, Rule, problems_inside, rules_inside};
use crate::{
    policy::{Level, not_empty},
    universe::Universe,
};

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
    pub(super) fn rules(&self) -> Vec<Rule<'_>> {
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
