//! Identifiers: Keccak-256 hashes, each with a prefix of its own, so that no two kinds of thing share one.
//!
//! | identifier | hash of |
//! |---|---|
//! | [`UniverseId`] | `"surety/universe/v1"`, version of the layout (4 bytes), canonical encoding of the universe |
//! | [`DocumentId`] | `"surety/policy-document/v1"`, canonical encoding of the policy |
//! | [`PolicyId`] | see [`crate::attestation::compiled`]: the document and what it compiles to |
//! | [`FeedsId`] | `"surety/feeds/v1"`, canonical encoding of the list of names and decimals |
//! | [`PricesId`] | `"surety/prices/v1"`, feeds, epoch (8 bytes), prices (32 bytes each) |
//! | [`SnapshotId`] | `"surety/snapshot/v2"`, its prices, time (8 bytes), previous prices or zero, reports, marks |
//! | [`AccountId`] | `"surety/account/v1"`, the account's label |
//! | [`LevelId`] | `"surety/level/v1"`, the level's name; of a shortfall, the words described below |
//!
//! The identifier of a level that claims a shortfall is the hash of two words: `keccak256("surety/shortfall/v1")`, and
//! the identifier of its name.
//!
//! The reports of a snapshot are the Keccak-256 hash of their EIP-712 hashes in their order, or zero without reports; a
//! mark is the entry's place (32 bytes). Numbers are big-endian. Canonical encodings are those of
//! [`surety_core::canonical`].

use alloy_primitives::{Keccak256, keccak256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    canonical::{self, NotCanonical},
    capacity::LAYOUT_VERSION,
    ident::{Bytes32, HexBytes, Name},
    units::Decimals,
};
use surety_margin::{
    level::{Claimed, Level},
    market::{MarketEntry, Predecessor, Snapshot},
    policy::Policy,
    universe::Universe,
};

use crate::attestation::{
    eip712::{Word, hash_words, number},
    report,
};

/// Identifies a universe: its instruments and their rows, the capacity class, and the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct UniverseId(pub Bytes32);

impl UniverseId {
    /// The identifier of a universe.
    ///
    /// # Errors
    /// If it has no canonical encoding.
    pub fn of(universe: &Universe) -> Result<Self, NotCanonical> {
        let encoding = canonical::encode(universe)?;
        Ok(Self(hash("surety/universe/v1", &[&LAYOUT_VERSION.to_be_bytes(), &encoding])))
    }
}

/// Identifies a policy as it is written. [`PolicyId`] identifies it together with its programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DocumentId(pub Bytes32);

impl DocumentId {
    /// The identifier of a policy's text.
    ///
    /// # Errors
    /// If it has no canonical encoding.
    pub fn of(policy: &Policy) -> Result<Self, NotCanonical> {
        Ok(Self(hash("surety/policy-document/v1", &[&canonical::encode(policy)?])))
    }
}

/// Identifies a policy: everything public that decides whether an account is sufficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyId(pub Bytes32);

/// Identifies a list of market entries with their decimals: what oracle nodes report on. Policies may share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FeedsId(pub Bytes32);

impl FeedsId {
    /// The identifier of a market vector's entries.
    ///
    /// # Errors
    /// If they have no canonical encoding.
    pub fn of(market: &[MarketEntry]) -> Result<Self, NotCanonical> {
        #[derive(Serialize)]
        struct Feed<'a> {
            name: &'a Name,
            decimals: Decimals,
        }
        let feeds: Vec<_> = market.iter().map(|entry| Feed { name: &entry.name, decimals: entry.decimals }).collect();
        Ok(Self(hash("surety/feeds/v1", &[&canonical::encode(&feeds)?])))
    }
}

/// Identifies the prices of an epoch, whoever reported them and when in it: what reports are compared with. Snapshots
/// of other reports with the same medians have the same one, so that nodes name the same whichever they saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PricesId(pub Bytes32);

impl PricesId {
    /// The identifier of prices in the order of these feeds.
    #[must_use]
    pub fn of(feeds: FeedsId, prices: &Predecessor) -> Self {
        let words: Vec<Word> = prices.prices.iter().map(|entry| number(entry.price.get())).collect();
        Self(hash("surety/prices/v1", &[&feeds.0.0, &prices.epoch.to_be_bytes(), words.as_flattened()]))
    }
}

/// Identifies the prices of an epoch, their time, what a circuit breaker compared them with, the mark that it left, and
/// the reports that they were made of: which of them are left out decides how old each price may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SnapshotId(pub Bytes32);

impl SnapshotId {
    /// The identifier of a snapshot whose prices are in the order of these feeds.
    #[must_use]
    pub fn of(feeds: FeedsId, snapshot: &Snapshot) -> Self {
        let prices = PricesId::of(feeds, &snapshot.into());
        let before = snapshot.previous.as_ref().map_or(Bytes32::ZERO, |previous| PricesId::of(feeds, previous).0);
        // The names of the mark are in the order of the entries: one pass finds them all.
        let mut names = snapshot.marked.iter().peekable();
        let entries = snapshot.prices.iter().zip(0..);
        let marked = entries.filter(|(entry, _)| names.next_if(|name| **name == entry.entry).is_some());
        let marked: Vec<Word> = marked.map(|(_, position)| number(position)).collect();
        let time = snapshot.time.0.to_be_bytes();
        let reports: Vec<Word> = snapshot.reports.iter().map(|report| report::hash(report).0).collect();
        let reports = if reports.is_empty() { [0; 32] } else { hash_words(&reports) };
        Self(hash("surety/snapshot/v2", &[&prices.0.0, &time, &before.0, &reports, marked.as_flattened()]))
    }
}

/// Identifies an account of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId(pub Bytes32);

impl AccountId {
    /// The identifier of a label.
    #[must_use]
    pub fn of(label: &Name) -> Self {
        Self(hash("surety/account/v1", &[label.as_str().as_bytes()]))
    }
}

/// Identifies a level within its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelId(pub Bytes32);

impl LevelId {
    /// The identifier of a name. It is that of a level only if the level claims sufficiency.
    #[must_use]
    pub fn named(name: &Name) -> Self {
        Self(hash("surety/level/v1", &[name.as_str().as_bytes()]))
    }

    /// The identifier of a level. Contexts have it, so that a proof of a shortfall is never one of sufficiency.
    #[must_use]
    pub fn of(level: &Level) -> Self {
        let named = Self::named(&level.name);
        match level.claim {
            Claimed::Sufficient => named,
            Claimed::Shortfall => Self(HexBytes(hash_words(&[keccak256("surety/shortfall/v1").0, named.0.0]))),
        }
    }
}

/// `keccak256(prefix ‖ parts)`. Of the parts, only the last may vary in length.
pub(crate) fn hash(prefix: &str, parts: &[&[u8]]) -> Bytes32 {
    let mut hasher = Keccak256::new();
    hasher.update(prefix);
    parts.iter().for_each(|part| hasher.update(part));
    HexBytes(hasher.finalize().0)
}
