//! What is observed of the market.

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::{Problem, require},
    units::Timestamp,
};

use super::{FeedNames, PortfolioMargin};
use crate::market::boxes::{Read, Role};

/// What is observed of the market, in the order of a [`PortfolioMargin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeds {
    /// The price of the underlying.
    pub spot: Feed,
    /// The price of the quote currency.
    pub stable: Magnitude,
    /// The price of the perpetual, if there is one.
    pub perpetual: Option<Feed>,
    /// The price of each collateral.
    pub collateral: Vec<Feed>,
    /// What is observed of each expiry.
    pub expiries: Vec<ExpiryFeeds>,
}

/// A number and how sure its source is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The number.
    pub value: Magnitude,
    /// From 0 to 1.
    pub confidence: Magnitude,
}

/// What is observed of an expiry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryFeeds {
    /// Seconds to expiry.
    pub seconds: u64,
    /// The forward price.
    pub forward: Feed,
    /// The interest rate for a year, continuously compounded.
    pub rate: Feed,
    /// The mark volatility of each option.
    pub volatilities: Vec<Magnitude>,
    /// How sure the source is of the volatilities.
    pub volatility_confidence: Magnitude,
}

impl PortfolioMargin {
    /// The market entries that it reads, as often as it reads them. Spot, forwards and volatilities value options, and
    /// charges are fractions of the spot; collateral is worth its price divided by that of the quote currency.
    #[must_use]
    pub fn reads(&self) -> Vec<Read<'_>> {
        let read = |key: String, entry, role| Read { path: format!("model.{key}"), entry, role };
        let mut reads = vec![read("stable".to_owned(), &self.stable, Role::Price)];
        let mut feed = |key: &str, names, role| reads.extend(feed_reads(&format!("model.{key}"), names, role));
        feed("spot", &self.spot, Role::Price);
        self.perpetual.iter().for_each(|rule| feed("perpetual.price", &rule.price, Role::Price));
        for (i, rule) in self.collateral.iter().enumerate() {
            feed(&format!("collateral[{i}].price"), &rule.price, Role::Price);
        }
        for (i, expiry) in self.expiries.iter().enumerate() {
            feed(&format!("expiries[{i}].forward"), &expiry.forward, Role::Price);
            feed(&format!("expiries[{i}].rate"), &expiry.rate, Role::InterestRate);
        }
        for (i, expiry) in self.expiries.iter().enumerate() {
            let key = |key: &str| format!("expiries[{i}].{key}");
            let confidence = expiry.volatility_confidence.iter();
            reads.extend(confidence.map(|entry| read(key("volatility_confidence"), entry, Role::Added)));
            let options = expiry.options.iter().enumerate();
            reads
                .extend(options.map(|(j, option)| {
                    read(key(&format!("options[{j}].volatility")), &option.volatility, Role::Price)
                }));
        }
        reads
    }

    /// What is observed at a time, given the numbers of the market entries.
    ///
    /// # Errors
    /// If a market entry has no number, or an expiry has passed.
    pub fn feeds(
        &self,
        number: impl Fn(&Name) -> Result<Magnitude, Vec<Problem>>,
        time: Timestamp,
    ) -> Result<Feeds, Vec<Problem>> {
        let confidence = |name: &Option<Name>| name.as_ref().map_or(Ok(Magnitude::ONE), &number);
        let feed =
            |names: &FeedNames| Ok(Feed { value: number(&names.value)?, confidence: confidence(&names.confidence)? });
        let expiry = |rule: &super::ExpiryRule| {
            let expired = || {
                let expected = format!("a time before the expiry {} of options that the policy covers", rule.time.0);
                vec![Problem::new("time", expected, time.0.to_string())]
            };
            Ok(ExpiryFeeds {
                seconds: rule.time.0.checked_sub(time.0).ok_or_else(expired)?,
                forward: feed(&rule.forward)?,
                rate: feed(&rule.rate)?,
                volatilities: rule.options.iter().map(|option| number(&option.volatility)).collect::<Result<_, _>>()?,
                volatility_confidence: confidence(&rule.volatility_confidence)?,
            })
        };
        Ok(Feeds {
            spot: feed(&self.spot)?,
            stable: number(&self.stable)?,
            perpetual: self.perpetual.as_ref().map(|rule| feed(&rule.price)).transpose()?,
            collateral: self.collateral.iter().map(|rule| feed(&rule.price)).collect::<Result<_, Vec<Problem>>>()?,
            expiries: self.expiries.iter().map(expiry).collect::<Result<_, Vec<Problem>>>()?,
        })
    }
}

impl Feeds {
    /// What makes them no feeds of a model.
    #[must_use]
    pub fn problems(&self, model: &PortfolioMargin) -> Vec<Problem> {
        let mut problems = Vec::new();
        // What collateral is worth is a quotient; nothing else divides by a price.
        let divides = !model.collateral.is_empty();
        let expected = "a positive number, because collateral is valued in it";
        problems.extend(require(!divides || self.stable > Magnitude::default(), "stable", expected, self.stable));
        problems.extend(confidence("spot", self.spot.confidence));
        let (expected, found) = (model.perpetual.is_some(), self.perpetual.is_some());
        let said = |given| if given { "a price" } else { "none, as in the model" };
        problems.extend(require(expected == found, "perpetual", said(expected), said(found)));
        problems.extend(self.perpetual.and_then(|feed| confidence("perpetual", feed.confidence)));
        problems.extend(length("collateral", model.collateral.len(), self.collateral.len()));
        for (i, feed) in self.collateral.iter().enumerate() {
            problems.extend(confidence(&format!("collateral[{i}]"), feed.confidence));
        }
        problems.extend(length("expiries", model.expiries.len(), self.expiries.len()));
        for (i, (feeds, rule)) in self.expiries.iter().zip(&model.expiries).enumerate() {
            let path = format!("expiries[{i}]");
            problems.extend(confidence(&format!("{path}.forward"), feeds.forward.confidence));
            problems.extend(confidence(&format!("{path}.rate"), feeds.rate.confidence));
            problems.extend(confidence(&format!("{path}.volatility"), feeds.volatility_confidence));
            problems.extend(length(&format!("{path}.volatilities"), rule.options.len(), feeds.volatilities.len()));
        }
        problems
    }
}

/// A number, and how sure its source is of it: a confidence of zero is charged most.
fn feed_reads<'a>(path: &str, names: &'a FeedNames, role: Role) -> impl Iterator<Item = Read<'a>> {
    let value = Read { path: format!("{path}.value"), entry: &names.value, role };
    let confidence = names.confidence.iter();
    let path = format!("{path}.confidence");
    let confidence = confidence.map(move |entry| Read { path: path.clone(), entry, role: Role::Added });
    core::iter::once(value).chain(confidence)
}

fn confidence(path: &str, confidence: Magnitude) -> Option<Problem> {
    require(confidence <= Magnitude::ONE, path, "a confidence of at most 1", confidence)
}

fn length(path: &str, expected: usize, found: usize) -> Option<Problem> {
    require(expected == found, path, format!("one for each of the model's {expected}"), found)
}
