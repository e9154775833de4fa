//! Which instruments the rules are about.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Magnitude, Parameters};
use crate::{
    ident::Name,
    pricing::OptionKind,
    problem::{Problem, repeated, require},
    units::{Decimals, Timestamp},
};

/// Portfolio margin: the instruments, the precision of values, and the parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortfolioMargin {
    /// What counts at face value and may be negative: cash, unrealised profit, unpaid funding.
    pub cash: Vec<Name>,
    /// The perpetual; left out for accounts that have none, which is then asserted. With it, the confidence of its
    /// price counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perpetual: Option<Name>,
    /// What secures the account and may not be negative.
    #[serde(default)]
    pub collateral: Vec<CollateralRule>,
    /// The options.
    #[serde(default)]
    pub expiries: Vec<ExpiryRule>,
    /// Decimal places of the values of options. More make the numbers of a program longer: together with the decimals
    /// of lots they decide whether the value of an expiry fits into one variable.
    pub value_decimals: Decimals,
    /// The largest value, of one unit of anything, for which the program is sound.
    pub largest_value: Magnitude,
    /// The parameters.
    pub parameters: Parameters,
}

/// An asset that secures the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollateralRule {
    /// The instrument.
    pub instrument: Name,
    /// Whether it moves with the spot price in the scenarios.
    #[serde(default)]
    pub risk_cancelling: bool,
    /// The fraction of its value that does not count.
    pub haircut: Haircut,
}

/// The fraction of a value that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Haircut {
    /// At the maintenance level.
    pub maintenance: Magnitude,
    /// What the initial level adds.
    pub initial: Magnitude,
}

/// The options of an expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryRule {
    /// When they expire.
    pub time: Timestamp,
    /// The options.
    pub options: Vec<OptionRule>,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionRule {
    /// The instrument.
    pub instrument: Name,
    /// The strike price.
    pub strike: Magnitude,
    /// Call or put.
    pub kind: OptionKind,
}

impl PortfolioMargin {
    /// Most decimal places of the values of options: more would not leave room for weights in a row of a program.
    pub const MAX_VALUE_DECIMALS: u8 = 15;

    /// All instruments, in the order of the model.
    pub fn instruments(&self) -> impl Iterator<Item = &Name> {
        let options = self.expiries.iter().flat_map(|expiry| &expiry.options).map(|option| &option.instrument);
        let collateral = self.collateral.iter().map(|rule| &rule.instrument);
        self.cash.iter().chain(&self.perpetual).chain(collateral).chain(options)
    }

    /// What makes it no model.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = repeated(self.instruments(), |i| format!("model, instrument {i}"), "each instrument once");
        problems.extend(self.parameters.problems("model.parameters"));
        let decimals = self.value_decimals.get();
        let expected = format!("at most {}", Self::MAX_VALUE_DECIMALS);
        problems.extend(require(decimals <= Self::MAX_VALUE_DECIMALS, "model.value_decimals", expected, decimals));
        let mut times = BTreeSet::new();
        for (i, expiry) in self.expiries.iter().enumerate() {
            let path = format!("model.expiries[{i}]");
            problems.extend(require(
                times.insert(expiry.time),
                format!("{path}.time"),
                "each time once",
                expiry.time.0,
            ));
            for (j, option) in expiry.options.iter().enumerate() {
                let place = format!("{path}.options[{j}].strike");
                let strike = option.strike;
                problems.extend(require(strike > Magnitude::default(), place, "a positive strike", strike));
            }
        }
        problems
    }
}
