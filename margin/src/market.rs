//! The market: the prices that a program's coefficients are affine in, and the reports that they come from.

use core::fmt;
use std::borrow::Cow;

use alloy_primitives::I256;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IntoDeserializer, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

use crate::{
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    policy::{MarketEntry, Policy},
    problem::{Problem, repeated, require},
    text::{self, Document, InputErrors},
    units::{Price, Seconds, Timestamp, parse_digits},
};

/// The position of a price in the market vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MarketIndex(pub usize);

/// The range that a policy allows a market entry: `0 <= min <= p <= max`.
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
    /// The prices that a circuit breaker compares these with. None where the policy has no breaker, and in the first
    /// snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Predecessor>,
    /// The market entries that have moved further since then than the policy allows, in its order: if there are any, the
    /// snapshot is marked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marked: Vec<Name>,
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
    /// Identifies the prices of the snapshot that the node saw before; or [`Report::FIRST`], or [`Report::NOT_COMPARED`].
    pub previous: Bytes32,
    /// One for each market entry, in the order of the policy.
    pub observations: Vec<Observed>,
    /// `r ‖ s ‖ v` over the EIP-712 hash of the above.
    pub signature: HexBytes<65>,
}

impl Report {
    /// What a node says that has not looked for earlier prices: no policy with a circuit breaker takes it.
    pub const NOT_COMPARED: Bytes32 = Bytes32::ZERO;

    /// What a node says that has looked for earlier prices and found none.
    pub const FIRST: Bytes32 = {
        let mut bytes = [0; 32];
        bytes[31] = 1;
        HexBytes(bytes)
    };
}

/// The value of a report's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReportKind {
    /// `surety/report`
    #[serde(rename = "surety/report")]
    Report,
}

/// What a node has to say about a market entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// What it observed.
    Price(Observation),
    /// Nothing, because it does not follow the entry. Written as `"absent"`.
    Absent,
}

impl Observed {
    const ABSENT: &'static str = "absent";

    /// What was observed, if anything.
    #[must_use]
    pub fn observation(&self) -> Option<&Observation> {
        match self {
            Self::Price(observation) => Some(observation),
            Self::Absent => None,
        }
    }
}

impl Serialize for Observed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Price(observation) => observation.serialize(serializer),
            Self::Absent => serializer.serialize_str(Self::ABSENT),
        }
    }
}

impl<'de> Deserialize<'de> for Observed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObservedVisitor;

        impl<'de> Visitor<'de> for ObservedVisitor {
            type Value = Observed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table with the keys of Observation, or {:?}", Observed::ABSENT)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Observed, E> {
                if text != Observed::ABSENT {
                    return Err(E::invalid_value(Unexpected::Str(text), &self));
                }
                Ok(Observed::Absent)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Observed, A::Error> {
                Observation::deserialize(MapAccessDeserializer::new(map)).map(Observed::Price)
            }
        }

        deserializer.deserialize_any(ObservedVisitor)
    }
}

impl JsonSchema for Observed {
    fn schema_name() -> Cow<'static, str> {
        "Observed".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "What a node has to say about a market entry: nothing, if it does not follow the entry.",
            "anyOf": [generator.subschema_for::<Observation>(), { "const": Self::ABSENT }]
        })
    }
}

/// A price as a node observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// The price.
    pub price: Price,
    /// Half the width of its confidence interval, in the same unit.
    pub confidence: Price,
    /// How long before the time of the report it was the price.
    #[serde(default, skip_serializing_if = "Seconds::is_zero")]
    pub age: Seconds,
}

impl Price {
    /// The number as a 256-bit integer.
    #[must_use]
    pub fn wide(self) -> I256 {
        I256::from_raw(alloy_primitives::U256::from(self.get()))
    }
}

/// The first line of quotes in CSV, where all of them are as old as the report.
pub const QUOTES_HEADER: &str = "entry,price,confidence";

/// The first line of quotes in CSV, where each has an age of its own.
pub const AGED_QUOTES_HEADER: &str = "entry,price,confidence,age";

/// What an oracle node observed, as it is before a report is made of it. A node may observe more than one policy reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Quotes(Vec<Quote>);

/// A line of [`Quotes`], whose fields are empty behind the name if the node does not follow the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    entry: Name,
    #[serde(deserialize_with = "field")]
    price: Option<Price>,
    #[serde(deserialize_with = "field")]
    confidence: Option<Price>,
    #[serde(default, deserialize_with = "seconds")]
    age: Option<Seconds>,
}

impl Document for Quotes {
    fn problems(&self) -> Vec<Problem> {
        let entries = self.0.iter().map(|quote| &quote.entry);
        let mut problems = repeated(entries, |i| format!("[{i}].entry"), "each market entry once");
        for (i, quote) in self.0.iter().enumerate() {
            let whole =
                quote.price.is_some() == quote.confidence.is_some() && quote.age.is_none_or(|_| quote.price.is_some());
            let expected = "a price and its confidence, or empty fields for an entry that is not followed";
            problems.extend(require(whole, format!("[{i}]"), expected, "only some of them"));
        }
        problems
    }
}

impl Quotes {
    fn of(&self, entry: &MarketEntry) -> Option<&Quote> {
        self.0.iter().find(|quote| quote.entry == entry.name)
    }
}

impl Quote {
    fn observed(&self) -> Observed {
        match (self.price, self.confidence) {
            (Some(price), Some(confidence)) => {
                Observed::Price(Observation { price, confidence, age: self.age.unwrap_or_default() })
            }
            _ => Observed::Absent,
        }
    }
}

/// A field of a line, which may be empty.
fn field<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    T::deserialize(IntoDeserializer::<D::Error>::into_deserializer(text)).map(Some)
}

/// A number of seconds, which is text in CSV.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let Some(text) = field::<_, String>(deserializer)? else {
        return Ok(None);
    };
    let number = parse_digits(&text).and_then(|number| u64::try_from(number).ok());
    let wrong = || de::Error::custom(format!("expected a whole number of seconds, found {text:?}"));
    number.map(|number| Some(Seconds(number))).ok_or_else(wrong)
}

/// Reads what a node observed from CSV with the header [`QUOTES_HEADER`] or [`AGED_QUOTES_HEADER`], in any order, and
/// returns what it has to say about each market entry of a policy, in its order. An entry that the node does not follow
/// has a line too, with empty fields. Entries that the policy does not have are ignored.
///
/// # Errors
/// With every mistake that was found, such as a market entry that is missing.
pub fn read_observations(file: &str, text: &str, policy: &Policy) -> Result<Vec<Observed>, InputErrors> {
    let missing = |quotes: &Quotes| {
        let missing = policy.market.iter().filter(|entry| quotes.of(entry).is_none());
        let problem = |entry: &MarketEntry| Problem::new("", format!("a line for {}", entry.name), "none");
        quotes.problems().into_iter().chain(missing.map(problem)).collect()
    };
    let aged = text.lines().next() == Some(AGED_QUOTES_HEADER);
    let header: Vec<_> = if aged { AGED_QUOTES_HEADER } else { QUOTES_HEADER }.split(',').collect();
    let quotes: Quotes = text::read_tree(file, text, text::from_csv(text, &header), missing)?;
    Ok(policy.market.iter().filter_map(|entry| quotes.of(entry)).map(Quote::observed).collect())
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
