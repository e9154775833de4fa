//! The market: the prices that a program's coefficients are affine in, and the reports that they come from.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    policy::{MarketEntry, Policy},
    problem::{Problem, repeated},
    text::{self, Document, InputErrors},
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
        Self { min: entry.min, max: entry.max }
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

/// The first line of quotes in CSV.
const CSV_HEADER: [&str; 3] = ["entry", "price", "confidence"];

/// What an oracle node observed, as it is before a report is made of it. A node may observe more than one policy reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Quotes(Vec<Quote>);

/// A line of [`Quotes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    entry: Name,
    price: Price,
    confidence: Price,
}

impl Document for Quotes {
    fn problems(&self) -> Vec<Problem> {
        let entries = self.0.iter().map(|quote| &quote.entry);
        repeated(entries, |i| format!("[{i}].entry"), "each market entry once")
    }
}

impl Quotes {
    fn of(&self, entry: &MarketEntry) -> Option<&Quote> {
        self.0.iter().find(|quote| quote.entry == entry.name)
    }
}

/// Reads what a node observed from CSV with the header `entry,price,confidence`, in any order, and returns one
/// observation for each market entry of a policy, in its order. Entries that the policy does not have are ignored.
///
/// # Errors
/// With every mistake that was found, such as a market entry that is missing.
pub fn read_observations(file: &str, text: &str, policy: &Policy) -> Result<Vec<Observation>, InputErrors> {
    let missing = |quotes: &Quotes| {
        let missing = policy.market.iter().filter(|entry| quotes.of(entry).is_none());
        let problem = |entry: &MarketEntry| Problem::new("", format!("a line for {}", entry.name), "none");
        quotes.problems().into_iter().chain(missing.map(problem)).collect()
    };
    let quotes: Quotes = text::read_tree(file, text, text::from_csv(text, &CSV_HEADER), missing)?;
    let observation = |entry| {
        let Quote { price, confidence, .. } = *quotes.of(entry)?;
        Some(Observation { price, confidence })
    };
    Ok(policy.market.iter().filter_map(observation).collect())
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
