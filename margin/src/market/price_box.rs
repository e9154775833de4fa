//! The box of a price: a price outside of the range that the policy states for its market entry is refused.
//!
//! Programs are sound for prices in their boxes alone. The boxes that a policy may state are a matter of their own: see
//! `boxes`.

use surety_core::{
    problem::{Problem, require},
    units::Price,
};

use crate::market::{MarketEntry, Snapshot};

/// The prices of a snapshot that lie outside of their boxes, in the order of the policy.
pub(crate) fn box_problems(market: &[MarketEntry], snapshot: &Snapshot) -> Vec<Problem> {
    let prices = market.iter().zip(&snapshot.prices).enumerate();
    prices.filter_map(|(i, (entry, stated))| box_problem(entry, stated.price, format!("prices[{i}].price"))).collect()
}

/// A price outside of its entry's box, if it is.
pub(crate) fn box_problem(entry: &MarketEntry, price: Price, path: String) -> Option<Problem> {
    let expected = format!("a price of {} from {} to {}", entry.name, entry.min, entry.max);
    require((entry.min..=entry.max).contains(&price), path, expected, price)
}
