//! The entries of a market vector that have names, and the rules that oracle reports of them obey.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::{EvmAddress, Name},
    problem::{Problem, not_empty, positive, repeated, require},
    units::{Decimals, Ppm, Price, Seconds},
};

use super::derived::DerivedEntry;

/// A reported number of the market vector: a price in quote units per unit of the instrument, or what else a model
/// reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketEntry {
    /// Unique in its policy.
    pub name: Name,
    /// Prices are integers times `10^-decimals`.
    pub decimals: Decimals,
    /// Smallest price for which the program is sound; a snapshot below it is refused.
    pub min: Price,
    /// Largest price for which the program is sound; a snapshot above it is refused.
    pub max: Price,
    /// How many nodes must have observed it, if not [`OracleRules::quorum`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// How old an observation of it may be when an attestation is made, if not [`OracleRules::max_age`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// Its largest confidence interval, relative to the price, if not [`OracleRules::max_confidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_confidence: Option<Ppm>,
    /// How far it may move from one snapshot to the next, relative to the former, if not [`Breaker::max_deviation`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deviation: Option<Ppm>,
    /// Which way it tightens the policy, if it is a parameter: see [`Tighter`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tighter: Option<Tighter>,
}

/// Which way a parameter entry tightens a policy: a reported number that nothing but requirements follow from.
///
/// The laxest end of its box is what the policy approves. No number in the box makes any account's margin larger than
/// it is at that end, so a policy whose parameters are entries is tightened without a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Tighter {
    /// A lower number is tighter, as a weight: `max` is approved.
    Lower,
    /// A higher number is tighter, as a fraction that is required: `min` is approved.
    Higher,
}

impl Tighter {
    /// The other way.
    pub(crate) fn opposite(self) -> Self {
        match self {
            Self::Lower => Self::Higher,
            Self::Higher => Self::Lower,
        }
    }

    /// Its word in a policy.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
        }
    }
}

/// Which price reports count, and how they become one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleRules {
    /// The nodes that may report.
    pub nodes: Vec<OracleNode>,
    /// How many of them must have reported, and must have observed each market entry that states no quorum of its own.
    pub quorum: u32,
    /// Length of an epoch: a report of time `t` belongs to epoch `t / epoch`, rounded down.
    pub epoch: Seconds,
    /// How old a snapshot's reports may be when an attestation is made, and the observations in them of each market
    /// entry that states no age of its own.
    pub max_age: Seconds,
    /// How far apart the times of a snapshot's reports may lie.
    pub max_skew: Seconds,
    /// Largest confidence interval, relative to the price, of each market entry that states none of its own.
    pub max_confidence: Ppm,
    /// What happens when prices jump. Nothing, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
}

/// The circuit breaker: a snapshot is marked with the market entries that have moved too far since the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// How far each market entry that states no deviation of its own may move from one snapshot to the next, relative
    /// to the former.
    pub max_deviation: Ppm,
    /// Whether proofs over a marked snapshot count.
    pub proofs: MarkedProofs,
}

/// Whether proofs over a marked snapshot count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkedProofs {
    /// They do not: no verifier accepts them.
    Refused,
    /// They do, and verifiers say what is marked.
    Accepted,
}

/// An oracle node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleNode {
    /// What people call it.
    pub name: Name,
    /// The key that it signs with.
    pub signer: EvmAddress,
}

impl MarketEntry {
    /// An entry that has no oracle rules of its own.
    #[must_use]
    pub fn new(name: Name, decimals: Decimals, min: Price, max: Price) -> Self {
        let (quorum, max_age, max_confidence, max_deviation, tighter) = (None, None, None, None, None);
        Self { name, decimals, min, max, quorum, max_age, max_confidence, max_deviation, tighter }
    }

    /// The number that the policy approves, if it is a parameter: the laxest of its box.
    #[must_use]
    pub fn approved(&self) -> Option<Price> {
        self.tighter.map(|tighter| match tighter {
            Tighter::Lower => self.max,
            Tighter::Higher => self.min,
        })
    }
}

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

/// The named entries of a policy, in the order of the market vector: reported ones first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedEntries<'a> {
    /// The entries that oracle nodes report.
    pub(crate) reported: &'a [MarketEntry],
    /// The entries that follow from those before them.
    pub(crate) derived: &'a [DerivedEntry],
}

impl<'a> NamedEntries<'a> {
    /// The name, the decimals and the smallest number of each entry.
    pub(crate) fn least(self) -> impl Iterator<Item = (&'a Name, Decimals, Price)> {
        let reported = self.reported.iter().map(|entry| (&entry.name, entry.decimals, entry.min));
        reported.chain(self.derived.iter().map(|entry| (&entry.name, entry.decimals, entry.min)))
    }
}

impl OracleRules {
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = repeated(
            self.nodes.iter().map(|node| &node.name),
            |i| format!("oracle.nodes[{i}].name"),
            "each oracle node once",
        );
        problems.extend(not_empty("oracle.nodes", &self.nodes));
        problems.extend(self.quorum_problem("oracle.quorum", self.quorum));
        problems.extend(positive("oracle.epoch", self.epoch));
        problems.extend(positive("oracle.max_age", self.max_age));
        problems.extend(fraction("oracle.max_confidence", self.max_confidence));
        problems
            .extend(self.breaker.and_then(|breaker| fraction("oracle.breaker.max_deviation", breaker.max_deviation)));
        problems
    }

    fn quorum_problem(&self, path: &str, quorum: u32) -> Option<Problem> {
        let count = self.nodes.len();
        let possible = quorum >= 1 && quorum as usize <= count;
        require(possible, path, format!("from 1 to the number of nodes, which is {count}"), quorum)
    }

    /// What is wrong with the rules that a market entry has of its own.
    pub(crate) fn feed_problems(&self, path: &str, entry: &MarketEntry) -> Vec<Problem> {
        let at = |key: &str| format!("{path}.{key}");
        let mut problems = Vec::new();
        problems.extend(entry.quorum.and_then(|quorum| self.quorum_problem(&at("quorum"), quorum)));
        problems.extend(entry.max_age.and_then(|age| positive(&at("max_age"), age)));
        problems.extend(entry.max_confidence.and_then(|confidence| fraction(&at("max_confidence"), confidence)));
        if let Some(deviation) = entry.max_deviation {
            problems.extend(fraction(&at("max_deviation"), deviation));
            let expected = "a breaker in oracle, without which nothing is compared";
            problems.extend(require(self.breaker.is_some(), at("max_deviation"), expected, "none"));
        }
        problems
    }

    /// How many nodes must have observed a market entry: at least one.
    #[must_use]
    pub fn quorum_of(&self, entry: &MarketEntry) -> u32 {
        entry.quorum.unwrap_or(self.quorum).max(1)
    }

    /// How old an observation of a market entry may be when an attestation is made.
    #[must_use]
    pub fn max_age_of(&self, entry: &MarketEntry) -> Seconds {
        entry.max_age.unwrap_or(self.max_age)
    }

    /// The largest confidence interval of a market entry, relative to the price.
    #[must_use]
    pub fn max_confidence_of(&self, entry: &MarketEntry) -> Ppm {
        entry.max_confidence.unwrap_or(self.max_confidence)
    }
}

impl Breaker {
    /// How far a market entry may move from one snapshot to the next, relative to the former.
    #[must_use]
    pub fn max_deviation_of(&self, entry: &MarketEntry) -> Ppm {
        entry.max_deviation.unwrap_or(self.max_deviation)
    }
}

/// A limit that is a fraction: zero would refuse everything, and more than one next to nothing.
fn fraction(path: &str, limit: Ppm) -> Option<Problem> {
    require((1..=Ppm::ONE.0).contains(&limit.0), path, "from 0.0001 % to 100 %", limit)
}
