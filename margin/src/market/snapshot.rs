//! A snapshot: the prices of one epoch, and the signed reports that they are the medians of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::{Price, Timestamp},
};

use super::Report;

/// The prices of one epoch, and the signed reports that they are the medians of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The format.
    pub kind: KindOf<Snapshot>,
    /// Version of the format.
    pub version: surety_core::FormatVersion,
    /// The epoch.
    pub epoch: u64,
    /// The time of the oldest report: what age is counted from.
    pub time: Timestamp,
    /// The price of every market entry, in the order of the policy.
    pub prices: Vec<EntryPrice>,
    /// The prices that a circuit breaker compares these with. None where the policy has no breaker, and in the first
    /// snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Predecessor>,
    /// The market entries that have moved further since then than the policy allows, in its order: if there are any,
    /// the snapshot is marked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<Name>,
    /// The reports, in ascending order of their signers. Empty where no oracle stands behind the prices, as in an
    /// import: then only `explain` takes them.
    pub reports: Vec<Report>,
}

impl Kinded for Snapshot {
    const KIND: Kind = Kind::Market;
}

/// The prices of an earlier snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Predecessor {
    /// Its epoch.
    pub epoch: u64,
    /// Its prices, in the order of the policy.
    pub prices: Vec<EntryPrice>,
}

impl From<&Snapshot> for Predecessor {
    fn from(snapshot: &Snapshot) -> Self {
        Self { epoch: snapshot.epoch, prices: snapshot.prices.clone() }
    }
}

/// The price of a market entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryPrice {
    /// The market entry.
    pub entry: Name,
    /// Its price, with the decimals that the policy states.
    pub price: Price,
}

/// What a snapshot must satisfy depends on its policy: see [`crate::oracle`].
impl Document for Snapshot {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}
