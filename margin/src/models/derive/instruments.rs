//! Which instruments the rules are about.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::{Problem, repeated, require},
    units::{Decimals, Timestamp},
};

use super::Parameters;
use crate::pricing::OptionKind;

/// Portfolio margin: the instruments, the precision of values, and the parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortfolioMargin {
    /// What counts at face value and may be negative: cash, unrealised profit, unpaid funding.
    pub cash: Vec<Name>,
    /// The price of the underlying.
    pub spot: FeedNames,
    /// The market entry with the price of the quote currency.
    pub stable: Name,
    /// The perpetual; left out for accounts that have none, which is then asserted. With it, the confidence of its
    /// price counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perpetual: Option<PerpetualRule>,
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
    #[serde(deserialize_with = "Magnitude::number")]
    pub largest_value: Magnitude,
    /// The largest weight (loss factor times dampening times discount) for which the program is sound.
    #[serde(default = "usual_weight")]
    pub largest_weight: Magnitude,
    /// The parameters.
    pub parameters: Parameters,
}

/// The market entries of a number that is observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedNames {
    /// The number.
    pub value: Name,
    /// How sure its source is of it, from 0 to 1. Left out if that is not reported: then it counts as sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Name>,
}

/// A perpetual on the underlying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PerpetualRule {
    /// The instrument.
    pub instrument: Name,
    /// Its price.
    pub price: FeedNames,
}

/// An asset that secures the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollateralRule {
    /// The instrument.
    pub instrument: Name,
    /// Its price.
    pub price: FeedNames,
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
    /// The forward price.
    pub forward: FeedNames,
    /// The interest rate for a year, continuously compounded. A negative one is reported as zero, which is what it
    /// counts as.
    pub rate: FeedNames,
    /// The market entry that says how sure the source is of the volatilities, from 0 to 1. Left out if that is not
    /// reported: then it counts as sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volatility_confidence: Option<Name>,
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
    #[serde(deserialize_with = "Magnitude::number")]
    pub strike: Magnitude,
    /// Call or put.
    pub kind: OptionKind,
    /// The market entry with its mark volatility.
    pub volatility: Name,
}

impl PortfolioMargin {
    /// Least decimal places of the values of options. These are rounded to the nearest, as they may be held or owed:
    /// with fewer an account could owe many options that round to nothing.
    pub const MIN_VALUE_DECIMALS: u8 = 9;

    /// Most decimal places of the values of options: more would not leave room for weights in a row of a program.
    pub const MAX_VALUE_DECIMALS: u8 = 15;

    /// All instruments, in the order of the model.
    pub fn instruments(&self) -> impl Iterator<Item = &Name> {
        let options = self.expiries.iter().flat_map(|expiry| &expiry.options).map(|option| &option.instrument);
        let collateral = self.collateral.iter().map(|rule| &rule.instrument);
        let perpetual = self.perpetual.iter().map(|rule| &rule.instrument);
        self.cash.iter().chain(perpetual).chain(collateral).chain(options)
    }

    /// A lower bound on the rows of a program: every revaluation reads every option once. Found without deriving
    /// anything.
    pub(crate) fn least_rows(&self) -> usize {
        let options: usize = self.expiries.iter().map(|expiry| expiry.options.len()).sum();
        let moves = self.parameters.scenarios.iter().map(|scenario| (scenario.spot, scenario.volatility));
        let revaluations = moves.collect::<BTreeSet<_>>().len();
        self.instruments().count().saturating_add(options.saturating_mul(revaluations))
    }

    /// What makes it no model.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = repeated(self.instruments(), |i| format!("model, instrument {i}"), "each instrument once");
        problems.extend(self.parameters.problems("model.parameters"));
        let decimals = self.value_decimals.get();
        let sensible = Self::MIN_VALUE_DECIMALS..=Self::MAX_VALUE_DECIMALS;
        let expected = format!("from {} to {}", sensible.start(), sensible.end());
        problems.extend(require(sensible.contains(&decimals), "model.value_decimals", expected, decimals));
        let mut times = BTreeSet::new();
        for (i, expiry) in self.expiries.iter().enumerate() {
            let path = format!("model.expiries[{i}]");
            problems.extend(require(
                times.insert(expiry.time),
                format!("{path}.time"),
                "each time once",
                expiry.time.0,
            ));
        }
        problems
    }
}

fn usual_weight() -> Magnitude {
    Magnitude::from(1_000)
}
