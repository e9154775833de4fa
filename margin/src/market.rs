//! The market: the prices that a program's coefficients are affine in, and the reports that they come from.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    policy::MarketEntry,
    problem::Problem,
    text::Document,
    units::{Price, Timestamp},
};

/// The position of a price in the market vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarketIndex(pub usize);

/// The range that a policy allows a market entry: `0 < min <= p <= max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceRange {
    /// Smallest price.
    pub min: Price,
    /// Largest price.
    pub max: Price,
}

impl From<&MarketEntry> for PriceRange {
    fn from(entry: &MarketEntry) -> Self {
        Self {
            min: entry.min,
            max: entry.max,
        }
    }
}

/// The prices of one epoch, and the signed reports that they are the medians of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The format.
    pub kind: SnapshotKind,
    /// Version of the format.
    pub version: crate::FormatVersion,
    /// The epoch.
    pub epoch: u64,
    /// The time of the oldest report: what age is counted from.
    pub time: Timestamp,
    /// The price of every market entry, in the order of the policy.
    pub prices: Vec<EntryPrice>,
    /// The reports, in ascending order of their signers. Empty where no oracle stands behind the prices, as in an
    /// import: then only `explain` takes them.
    pub reports: Vec<Report>,
}

/// The value of a snapshot's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SnapshotKind {
    /// `surety/market`
    #[serde(rename = "surety/market")]
    Market,
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

/// What one oracle node says that prices are, and signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The format.
    pub kind: ReportKind,
    /// Version of the format.
    pub version: crate::FormatVersion,
    /// The node's signing address.
    pub oracle: EvmAddress,
    /// Identifies the list of market entries and their decimals.
    pub feeds: Bytes32,
    /// The epoch.
    pub epoch: u64,
    /// When the prices were observed.
    pub observed_at: Timestamp,
    /// One for each market entry, in the order of the policy.
    pub observations: Vec<Observation>,
    /// `r ‖ s ‖ v` over the EIP-712 hash of the above.
    pub signature: HexBytes<65>,
}

/// The value of a report's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReportKind {
    /// `surety/report`
    #[serde(rename = "surety/report")]
    Report,
}

/// A price as a node observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The price.
    pub price: Price,
    /// Half the width of its confidence interval, in the same unit; at least 1.
    pub confidence: Price,
}

impl Price {
    /// The number as a 256-bit integer.
    #[must_use]
    pub fn wide(self) -> I256 {
        I256::from_raw(alloy_primitives::U256::from(self.get()))
    }
}

/// What a snapshot must satisfy depends on its policy: see [`crate::oracle`].
impl Document for Snapshot {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// What a report must satisfy depends on its policy: see [`crate::oracle`].
impl Document for Report {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}
