//! What is observed of the market.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decimal, Magnitude, PortfolioMargin};
use crate::problem::{Problem, require};

/// What is observed of the market, in the order of a [`PortfolioMargin`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    /// The price of the underlying.
    pub spot: Feed<Magnitude>,
    /// The price of the quote currency.
    pub stable: Magnitude,
    /// The price of the perpetual, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perpetual: Option<Feed<Magnitude>>,
    /// The price of each collateral.
    #[serde(default)]
    pub collateral: Vec<Feed<Magnitude>>,
    /// What is observed of each expiry.
    #[serde(default)]
    pub expiries: Vec<ExpiryFeeds>,
}

/// A number and how sure its source is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feed<T> {
    /// The number.
    pub value: T,
    /// From 0 to 1.
    pub confidence: Magnitude,
}

/// What is observed of an expiry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryFeeds {
    /// Seconds to expiry.
    pub seconds: u64,
    /// The forward price.
    pub forward: Feed<Magnitude>,
    /// The interest rate for a year, continuously compounded.
    pub rate: Feed<Decimal>,
    /// The mark volatility of each option.
    pub volatilities: Vec<Magnitude>,
    /// How sure the source is of the volatilities.
    pub volatility_confidence: Magnitude,
}

impl Feeds {
    /// What makes them no feeds of a model.
    #[must_use]
    pub fn problems(&self, model: &PortfolioMargin) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(positive("stable", self.stable));
        problems.extend(price("spot", self.spot));
        let (expected, found) = (model.perpetual.is_some(), self.perpetual.is_some());
        let said = |given| if given { "a price" } else { "none, as in the model" };
        problems.extend(require(expected == found, "perpetual", said(expected), said(found)));
        problems.extend(self.perpetual.into_iter().flat_map(|feed| price("perpetual", feed)));
        problems.extend(length("collateral", model.collateral.len(), self.collateral.len()));
        for (i, feed) in self.collateral.iter().enumerate() {
            problems.extend(confidence(&format!("collateral[{i}]"), feed.confidence));
        }
        problems.extend(length("expiries", model.expiries.len(), self.expiries.len()));
        for (i, (feeds, rule)) in self.expiries.iter().zip(&model.expiries).enumerate() {
            let path = format!("expiries[{i}]");
            problems.extend(price(&format!("{path}.forward"), feeds.forward));
            problems.extend(confidence(&format!("{path}.rate"), feeds.rate.confidence));
            problems.extend(confidence(&format!("{path}.volatility"), feeds.volatility_confidence));
            problems.extend(length(&format!("{path}.volatilities"), rule.options.len(), feeds.volatilities.len()));
        }
        problems
    }
}

fn price(path: &str, feed: Feed<Magnitude>) -> impl Iterator<Item = Problem> {
    positive(path, feed.value).into_iter().chain(confidence(path, feed.confidence))
}

fn positive(path: &str, value: Magnitude) -> Option<Problem> {
    require(value > Magnitude::default(), path, "a positive number", value)
}

fn confidence(path: &str, confidence: Magnitude) -> Option<Problem> {
    require(confidence <= Magnitude::ONE, path, "a confidence of at most 1", confidence)
}

fn length(path: &str, expected: usize, found: usize) -> Option<Problem> {
    require(expected == found, path, format!("one for each of the model's {expected}"), found)
}
