//! Levels that can be proven, and the two bases of parameters that they choose from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, require},
    units::Ppm,
};

/// A level that can be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Unique in its policy: `maintenance`, `initial`, `maintenance-1.5x`.
    pub name: Name,
    /// Which of the model's parameters it uses.
    pub basis: Basis,
    /// The requirement is multiplied by this, at least one.
    #[serde(default = "one")]
    pub multiple: Ppm,
    /// What a liquidator keeps, as a fraction of what is liquidated: the level then holds only if the margin is not
    /// negative after a liquidation, either.
    #[serde(default, skip_serializing_if = "Ppm::is_zero")]
    pub liquidation_penalty: Ppm,
    /// What goes to an insurance fund, as a fraction of what is liquidated.
    #[serde(default, skip_serializing_if = "Ppm::is_zero")]
    pub insurance_contribution: Ppm,
    /// The mode that it is in, if the model has modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Name>,
}

impl Level {
    /// A level without modes and costs of liquidation.
    #[must_use]
    pub fn new(name: Name, basis: Basis, multiple: Ppm) -> Self {
        Self { name, basis, multiple, mode: None, liquidation_penalty: Ppm(0), insurance_contribution: Ppm(0) }
    }

    /// What a liquidation costs the account, as a fraction of what is liquidated.
    pub(crate) fn liquidation_cost(&self) -> Ppm {
        Ppm(self.liquidation_penalty.0.saturating_add(self.insurance_contribution.0))
    }

    /// Whether it asks for less than another level of its mode, and for more in nothing.
    pub(crate) fn is_laxer_than(&self, other: &Self) -> bool {
        let asks = |level: &Self| [level.basis as u64, level.multiple.0.into(), level.liquidation_cost().0.into()];
        let (own, others) = (asks(self), asks(other));
        self.mode == other.mode && own != others && own.iter().zip(&others).all(|(own, other)| own <= other)
    }

    /// Every rule that it breaks; `path` is its place.
    pub(crate) fn problems(&self, path: &str) -> Vec<Problem> {
        let expected = "at least 100 %, so that no level is laxer than its basis";
        let found = self.multiple;
        let mut problems =
            Vec::from_iter(require(self.multiple >= Ppm::ONE, format!("{path}.multiple"), expected, found));
        for (key, cost) in
            [("liquidation_penalty", self.liquidation_penalty), ("insurance_contribution", self.insurance_contribution)]
        {
            let expected = "at most 100 %: all of what is liquidated";
            problems.extend(require(cost <= Ppm::ONE, format!("{path}.{key}"), expected, cost));
        }
        problems
    }
}

/// The two sets of parameters that margin models have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// What an account must keep, or be liquidated.
    Maintenance,
    /// What an account must have to open a position.
    Initial,
}

/// A parameter for each basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByBasis {
    /// The value at maintenance levels.
    pub maintenance: Ppm,
    /// The value at initial levels.
    pub initial: Ppm,
}

impl ByBasis {
    /// Zero at every level: the default of charges.
    pub(crate) fn zero() -> Self {
        Self { maintenance: Ppm(0), initial: Ppm(0) }
    }

    /// One at every level: the default of weights.
    pub(crate) fn one() -> Self {
        Self { maintenance: Ppm::ONE, initial: Ppm::ONE }
    }

    /// Whether it is that default.
    pub(crate) fn is_one(&self) -> bool {
        *self == Self::one()
    }

    /// The value for a basis.
    #[must_use]
    pub fn at(self, basis: Basis) -> Ppm {
        match basis {
            Basis::Maintenance => self.maintenance,
            Basis::Initial => self.initial,
        }
    }
}

fn one() -> Ppm {
    Ppm::ONE
}
