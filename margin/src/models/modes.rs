//! Modes: a choice of margin models, of which each level names one.
//!
//! An account that satisfies any of several rules is no linear program: the union of convex sets is not convex. So each
//! mode has a program of its own, which asserts that whatever its mode does not cover is not held. Efficiency modes
//! (better terms for correlated assets), isolation modes (one collateral, few debts) and books with and without
//! perpetuals are stated like this. Which mode an account is in is public: it is part of the level's name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Model, Rule};
use crate::{
    ident::Name,
    policy::{Level, not_empty},
    problem::{Problem, repeated},
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
        problems.extend(self.in_modes(|model| match model {
            Model::Modes(_) => vec![Problem::new("model.type", "a model other than modes", "modes")],
            model => model.problems(),
        }));
        problems
    }

    pub(super) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        self.in_modes(|model| model.class_problems(universe))
    }

    /// The rules of all modes, for checks of the policy: an instrument may have one in each mode.
    pub(super) fn rules(&self) -> Vec<Rule<'_>> {
        let mut rules = Vec::new();
        for (i, mode) in self.modes.iter().enumerate() {
            let inside = mode.model.rules().into_iter();
            rules.extend(inside.map(|rule| Rule { path: path_in_mode(i, &rule.path), ..rule }));
        }
        rules
    }

    /// The mode of a level, and its number.
    pub(super) fn of(&self, level: &Level) -> Option<(usize, &Mode)> {
        let name = level.mode.as_ref()?;
        self.modes.iter().enumerate().find(|(_, mode)| mode.name == *name)
    }

    fn in_modes(&self, problems: impl Fn(&Model) -> Vec<Problem>) -> Vec<Problem> {
        let of_mode = |(i, mode): (usize, &Mode)| {
            let inside = move |problem: Problem| Problem { path: path_in_mode(i, &problem.path), ..problem };
            problems(&mode.model).into_iter().map(inside).collect::<Vec<_>>()
        };
        self.modes.iter().enumerate().flat_map(of_mode).collect()
    }
}

/// A path inside of a mode's model, which calls itself `model`.
pub(super) fn path_in_mode(mode: usize, path: &str) -> String {
    format!("model.modes[{mode}].{path}")
}
