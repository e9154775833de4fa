//! The record of an update: what became of each parameter.

use surety_core::{ident::Name, units::Ppm};

use crate::update::{Bounds, Change, Limits, Pace, Requirement};

/// A parameter and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is: `haircut of BTC, initial`.
    pub name: String,
    /// The columns that drive it.
    pub columns: Vec<Name>,
    /// What became of it.
    pub change: Change,
}

/// What becomes of the parameters.
pub(crate) struct Record {
    pub(crate) limits: Limits,
    pub(crate) pace: Pace,
    pub(crate) parameters: Vec<Parameter>,
}

/// What a parameter is updated by: an estimate in parts per billion, its multiple, and what the parameter may be.
pub(crate) struct UpdateRule {
    pub(crate) estimate: u64,
    pub(crate) multiple: Ppm,
    pub(crate) bounds: Bounds,
}

impl Record {
    /// The new value of a parameter.
    pub(crate) fn update(
        &mut self,
        name: String,
        columns: &[Name],
        old: Option<Requirement>,
        rule: &UpdateRule,
    ) -> Requirement {
        let change = self.limits.update(old, rule.estimate, rule.multiple, rule.bounds, self.pace);
        self.parameters.push(Parameter { name, columns: columns.to_vec(), change });
        change.new
    }
}
