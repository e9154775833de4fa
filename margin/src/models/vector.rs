//! The market vector: the numbers that coefficients of programs are affine in.
//!
//! The vector consists of reported numbers, of those that a policy derives from them ([`crate::market::derived`]), and
//! of those that its models derive from both ([`super::derive`]), in this order. The last two follow from the first and
//! the snapshot's time, so they are neither reported nor written down: whoever reads a snapshot computes them.

use std::collections::BTreeMap;

use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::{Problem, require},
    units::{Decimals, Price, Timestamp},
};

use super::derive::{PortfolioMargin, QuantityEntry, Schema};
use crate::{
    market::{MarketEntry, NamedEntries, PriceRange, derived::DerivedEntry},
    universe::Universe,
};

/// An entry of the market vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorEntry {
    /// What people call it.
    pub name: String,
    /// The number is an integer times `10^-decimals`.
    pub decimals: Decimals,
    /// The numbers for which programs are sound.
    pub range: PriceRange,
}

impl From<&MarketEntry> for VectorEntry {
    fn from(entry: &MarketEntry) -> Self {
        let MarketEntry { name, decimals, min, max, .. } = entry;
        Self { name: name.to_string(), decimals: *decimals, range: PriceRange { min: *min, max: *max } }
    }
}

impl From<&DerivedEntry> for VectorEntry {
    fn from(entry: &DerivedEntry) -> Self {
        let DerivedEntry { name, decimals, min, max, .. } = entry;
        Self { name: name.to_string(), decimals: *decimals, range: PriceRange { min: *min, max: *max } }
    }
}

impl From<&QuantityEntry> for VectorEntry {
    fn from(entry: &QuantityEntry) -> Self {
        let QuantityEntry { quantity, decimals, max } = entry;
        Self { name: quantity.to_string(), decimals: *decimals, range: PriceRange { min: Price::ZERO, max: *max } }
    }
}

/// What the numbers of a policy's market vector are.
#[derive(Clone, Debug)]
pub struct MarketVector<'a> {
    named: NamedEntries<'a>,
    entries: Vec<VectorEntry>,
    schemas: Vec<Schema<'a>>,
}

impl<'a> MarketVector<'a> {
    /// The market vector of named entries, and of what portfolio models derive from them.
    ///
    /// # Errors
    /// If a model does not fit the universe.
    pub(super) fn new(
        named: NamedEntries<'a>,
        portfolios: Vec<&'a PortfolioMargin>,
        universe: &Universe,
    ) -> Result<Self, Vec<Problem>> {
        let mut entries: Vec<VectorEntry> = named.reported.iter().map(VectorEntry::from).collect();
        entries.extend(named.derived.iter().map(VectorEntry::from));
        let mut schemas = Vec::new();
        for model in portfolios {
            let schema = Schema::new(model, universe)?.after(entries.len());
            entries.extend(schema.entries().iter().map(VectorEntry::from));
            schemas.push(schema);
        }
        Ok(Self { named, entries, schemas })
    }

    /// The entries, in the order of the vector.
    #[must_use]
    pub fn entries(&self) -> &[VectorEntry] {
        &self.entries
    }

    /// What a portfolio model of the policy reads. Equal models read equal numbers, wherever they are.
    pub(super) fn schema(&self, model: &PortfolioMargin) -> Option<&Schema<'a>> {
        self.schemas.iter().find(|schema| schema.model() == model)
    }

    /// The market vector that follows from what was reported.
    ///
    /// `reported` are the prices of the reported entries, in their order; `time` is the time of their snapshot.
    ///
    /// # Errors
    /// If a number has no value or lies outside of its range, or a model refuses the market.
    pub fn derive(&self, reported: &[Price], time: Timestamp) -> Result<Vec<Price>, Vec<Problem>> {
        let mut vector = reported.to_vec();
        let feeds = self.named.reported.iter().zip(reported);
        let mut known: Known<'_> = feeds.map(|(entry, price)| (&entry.name, (*price, entry.decimals))).collect();
        for entry in self.named.derived {
            let price = value(entry, &known)?;
            known.insert(&entry.name, (price, entry.decimals));
            vector.push(price);
        }
        for schema in &self.schemas {
            let feeds = schema.model().feeds(|name| magnitude(&known, name), time)?;
            vector.extend(schema.derive(&feeds)?.values());
        }
        Ok(vector)
    }
}

/// Numbers by the names of their entries.
type Known<'a> = BTreeMap<&'a Name, (Price, Decimals)>;

fn magnitude(known: &Known<'_>, name: &Name) -> Result<Magnitude, Vec<Problem>> {
    let number = known.get(name).and_then(|(price, decimals)| Magnitude::scaled(price.get(), *decimals));
    number.ok_or_else(|| vec![Problem::new("prices", format!("a price of {name} below 10^20"), "none")])
}

fn value(entry: &DerivedEntry, known: &Known<'_>) -> Result<Price, Vec<Problem>> {
    let DerivedEntry { name, min, max, .. } = entry;
    let expected = format!("a value of {name} from {min} to {max}");
    match entry.value(known) {
        None => Err(vec![Problem::new("prices", expected, "none, because a divisor is zero or the value too large")]),
        Some(price) => match require((*min..=*max).contains(&price), "prices", expected, price) {
            None => Ok(price),
            Some(problem) => Err(vec![problem]),
        },
    }
}
