//! Margin models. Each states, for a level, the margin as a concave [`Expression`] of the holdings and, separately,
//! computes it directly: the two must agree, and tests hold them to it.
//!
//! All amounts are integers in `10^-scale` quote units, with the [`Frame`]'s scale fine enough that no product of a
//! price, a lot and the model's fractions is rounded. Where two fractions are combined into one, the result is rounded
//! against the account.

mod collateral;
mod cross;
mod frame;
mod scenario;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    collateral::{Asset, Collateral},
    cross::{Cross, CrossPosition},
    frame::Frame,
    scenario::{MarketScenario, ScenarioMargin, ScenarioPosition},
};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{ByBasis, Level},
    problem::Problem,
    program::Expression,
    units::{Ppm, Price},
};

/// A margin model with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Model {
    /// Loan to value and liquidation threshold.
    Collateral(Collateral),
    /// Cross margin with initial and maintenance fractions.
    Cross(Cross),
    /// The worst of a list of market scenarios.
    Scenario(ScenarioMargin),
}

/// What every model says of an instrument that it covers.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The instrument.
    pub instrument: &'a Name,
    /// The market entry that prices it, or none for one quote unit per unit.
    pub price: Option<&'a Name>,
    /// Whether the holding may be negative: short, or owed.
    pub short: bool,
}

impl Model {
    /// The instruments that it covers. All others of the universe must not be held.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule<'_>> {
        match self {
            Self::Collateral(model) => model.assets.iter().map(Asset::rule).collect(),
            Self::Cross(model) => model.positions.iter().map(CrossPosition::rule).collect(),
            Self::Scenario(model) => model.positions.iter().map(ScenarioPosition::rule).collect(),
        }
    }

    /// How many fractions in parts per million an amount is multiplied with at most.
    #[must_use]
    pub(crate) fn fractions(&self) -> u32 {
        match self {
            Self::Collateral(_) | Self::Cross(_) => 1,
            Self::Scenario(_) => 2,
        }
    }

    /// Checks the parameters, apart from the names of instruments and prices.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Collateral(model) => model.problems(),
            Self::Cross(model) => model.problems(),
            Self::Scenario(model) => model.problems(),
        }
    }

    /// The margin at a level: what must not be negative.
    pub(crate) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        match self {
            Self::Collateral(model) => model.margin(frame, level),
            Self::Cross(model) => model.margin(frame, level),
            Self::Scenario(model) => model.margin(frame, level),
        }
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
        }
    }
}

/// A weight above one would count more than an asset is worth, and one that rises with the level would make the
/// initial requirement the laxer one.
fn weight_problems(path: &str, weight: ByBasis) -> Option<Problem> {
    let expected = "weights with initial <= maintenance <= 1000000 ppm";
    let found = || format!("initial {}, maintenance {}", weight.initial.0, weight.maintenance.0);
    (weight.initial > weight.maintenance || weight.maintenance > Ppm::ONE)
        .then(|| Problem::new(path, expected, found()))
}
