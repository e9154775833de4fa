//! Levels that can be proven, what each claims of an account, and the two bases of parameters that they choose from.

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
    /// What is claimed of the margin.
    #[serde(default, skip_serializing_if = "Claimed::is_sufficient")]
    pub claim: Claimed,
    /// The requirement is multiplied by this: at least one where sufficiency is claimed.
    #[serde(default = "one")]
    pub multiple: Ppm,
    /// With a multiple for which the margin *is* negative, the level is a band: it tells how much an account has in
    /// both directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Ppm>,
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

/// What a level claims of an account's margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claimed {
    /// That it is not negative.
    #[default]
    Sufficient,
    /// That it is negative: at most one atom below zero. No account satisfies a level and its shortfall.
    Shortfall,
}

impl Claimed {
    /// Whether it is what levels claim that say nothing about it.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        *self == Self::Sufficient
    }
}

impl Level {
    /// A level that claims sufficiency, without modes and costs of liquidation.
    #[must_use]
    pub fn new(name: Name, basis: Basis, multiple: Ppm) -> Self {
        Self {
            name,
            basis,
            claim: Claimed::Sufficient,
            multiple,
            below: None,
            mode: None,
            liquidation_penalty: Ppm(0),
            insurance_contribution: Ppm(0),
        }
    }

    /// The level whose margin is negative where a band ends; none unless it is a band.
    #[must_use]
    pub fn end_of_band(&self) -> Option<Self> {
        let multiple = self.below?;
        Some(Self { claim: Claimed::Shortfall, multiple, below: None, ..self.clone() })
    }

    /// Whether it claims that the margin is negative of which `other` claims that it is not.
    #[must_use]
    pub fn is_shortfall_of(&self, other: &Self) -> bool {
        let same = Self { claim: Claimed::Sufficient, name: other.name.clone(), ..self.clone() };
        self.claim == Claimed::Shortfall && same == *other
    }

    /// What a liquidation costs the account, as a fraction of what is liquidated.
    pub(crate) fn liquidation_cost(&self) -> Ppm {
        Ppm(self.liquidation_penalty.0.saturating_add(self.insurance_contribution.0))
    }

    /// Whether it asks for less than another level of its mode, and for more in nothing.
    pub(crate) fn is_laxer_than(&self, other: &Self) -> bool {
        let asks = |level: &Self| [level.basis as u64, level.multiple.0.into(), level.liquidation_cost().0.into()];
        let (own, others) = (asks(self), asks(other));
        let comparable = self.mode == other.mode && self.claim.is_sufficient() && other.claim.is_sufficient();
        comparable && own != others && own.iter().zip(&others).all(|(own, other)| own <= other)
    }

    /// Every rule that it breaks; `path` is its place.
    pub(crate) fn problems(&self, path: &str) -> Vec<Problem> {
        let (least, expected) = match self.claim {
            Claimed::Sufficient => (Ppm::ONE, "at least 100 %, so that no level is laxer than its basis"),
            Claimed::Shortfall => (Ppm(1), "more than 0 %"),
        };
        let found = self.multiple;
        let mut problems = Vec::from_iter(require(found >= least, format!("{path}.multiple"), expected, found));
        if let Some(below) = self.below {
            let expected = "none, because a shortfall ends nowhere";
            problems.extend(require(self.claim.is_sufficient(), format!("{path}.below"), expected, below));
            let expected = format!("more than the multiple, {}", self.multiple);
            problems.extend(require(below > self.multiple, format!("{path}.below"), expected, below));
        }
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
