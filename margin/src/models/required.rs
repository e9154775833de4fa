//! The positions of which a model requires anything on top of their value.

use std::collections::BTreeMap;

use surety_core::{ident::Name, units::Price};

use crate::market::{NamedEntries, derived::Formula};

/// Whether anything is required of a position on top of its value at a level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Required {
    /// Where it is held, or long. What counts for less than it is worth requires the difference.
    pub(super) held: bool,
    /// Where it is owed, or short.
    pub(super) owed: bool,
    /// Whether a debt in it is a loan: it is an asset that has a haircut where it is held.
    pub(super) lendable: bool,
}

impl Required {
    pub(super) const EVER: Self = Self { held: true, owed: true, lendable: false };

    /// Where one of two models requires it.
    pub(super) fn either(self, other: Self) -> Self {
        Self { held: self.held || other.held, owed: self.owed || other.owed, lendable: self.lendable || other.lendable }
    }

    /// Where both of two models require it.
    pub(super) fn both(self, other: Self) -> Self {
        Self { held: self.held && other.held, owed: self.owed && other.owed, lendable: self.lendable && other.lendable }
    }
}

/// The units of prices: entries that may be zero, and entries that are prices of the same thing.
pub(super) struct PriceUnits<'a> {
    least: BTreeMap<&'a Name, Price>,
    /// The reported entry that each one is a price of the same thing as: what its instrument is worth a multiple of.
    first: BTreeMap<&'a Name, &'a Name>,
}

impl<'a> PriceUnits<'a> {
    pub(super) fn new(entries: NamedEntries<'a>) -> Self {
        let least = entries.least().map(|(name, _, min)| (name, min)).collect();
        let mut first: BTreeMap<_, _> = entries.reported.iter().map(|entry| (&entry.name, &entry.name)).collect();
        let is_weight = |name: &Name| entries.is_parameter(name) && entries.is_share(name);
        for entry in entries.derived {
            let same = match &entry.formula {
                // How many of something else it is worth.
                Formula::Quotient(_) | Formula::Ramp(_) => None,
                // A price times indices and weights. A share in the place of the price may be a weight of several, so
                // it makes them no prices of the same thing.
                Formula::Product(factors) => {
                    let price = factors.iter().find(|name| !is_weight(name));
                    let price = price.filter(|name| !entries.is_share(name) && !entries.is_parameter(name));
                    price.and_then(|name| first.get(name)).copied()
                }
                formula => formula.reads().first().and_then(|name| first.get(name)).copied(),
            };
            first.insert(&entry.name, same.unwrap_or(&entry.name));
        }
        Self { least, first }
    }

    /// Whether an entry is positive at every market that the policy admits.
    pub(super) fn is_positive(&self, name: &Name) -> bool {
        self.least.get(name).is_some_and(|least| *least > Price::ZERO)
    }

    /// What something with this price is worth a multiple of: nothing but the quote currency if it has no price.
    pub(super) fn unit(&self, price: Option<&'a Name>) -> Option<&'a Name> {
        price.map(|price| self.first.get(price).copied().unwrap_or(price))
    }
}
