//! The universe: the ordered instruments that holdings may name, and the size of the circuit.

use core::fmt;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    capacity::Capacity,
    ident::{Bytes32, Name},
    problem::{Problem, repeated, require},
    text::Document,
    units::{Decimals, Lots, Timestamp},
};

/// What holdings are over. Its canonical encoding is its identity: see [`crate::canonical`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Universe {
    /// The format.
    pub kind: UniverseKind,
    /// Version of the format.
    pub version: crate::FormatVersion,
    /// What people call it.
    pub name: Name,
    /// Binary logarithm of the number of rows of the circuit, 9 to 16.
    pub capacity: Capacity,
    /// Identifier of the structured reference string that commitments are made with.
    pub srs: Bytes32,
    /// The instruments. Their order fixes the rows of their holdings.
    pub instruments: Vec<Instrument>,
}

/// The value of a universe's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UniverseKind {
    /// `surety/universe`
    #[serde(rename = "surety/universe")]
    Universe,
}

/// Something that can be held or owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Unique in its universe.
    pub name: Name,
    /// What it is.
    pub class: InstrumentClass,
    /// One lot is `10^-lot_decimals` units.
    pub lot_decimals: Decimals,
    /// Largest absolute holding that an account can prove anything about, in lots. Bounds what a proof can be made
    /// for, never what is sound. Default: `2^63 - 1`.
    #[serde(default = "default_max_lots")]
    pub max_lots: Lots,
    /// When a future or an option expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Timestamp>,
}

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstrumentClass {
    /// The quote currency and stable coins. The quote balance carries the entry price of derivatives.
    Cash,
    /// An asset that is held or borrowed.
    Spot,
    /// A perpetual future.
    Perpetual,
    /// A dated future.
    Future,
    /// An option.
    Option,
}

impl fmt::Display for InstrumentClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cash => "cash",
            Self::Spot => "spot",
            Self::Perpetual => "perpetual",
            Self::Future => "future",
            Self::Option => "option",
        })
    }
}

impl InstrumentClass {
    /// Whether instruments of the class expire.
    #[must_use]
    pub fn expires(self) -> bool {
        matches!(self, Self::Future | Self::Option)
    }
}

impl Universe {
    /// The position of an instrument.
    #[must_use]
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.instruments.iter().position(|instrument| instrument.name == *name)
    }

    /// The positions of all instruments, where many are looked up: files may have as many names as the universe.
    pub(crate) fn positions(&self) -> BTreeMap<&Name, usize> {
        // From behind, so that the first of a name counts.
        self.instruments.iter().enumerate().rev().map(|(index, instrument)| (&instrument.name, index)).collect()
    }
}

impl Document for Universe {
    fn problems(&self) -> Vec<Problem> {
        let (count, room) = (self.instruments.len(), self.capacity.instruments());
        let mut problems = repeated(
            self.instruments.iter().map(|instrument| &instrument.name),
            |i| format!("instruments[{i}].name"),
            "each instrument once",
        );
        problems.extend(require(count > 0, "instruments", "at least one instrument", "none"));
        let expected = format!("at most {room} instruments at capacity {}", self.capacity.k());
        problems.extend(require(count <= room, "instruments", expected, count));
        problems.extend(self.instruments.iter().enumerate().flat_map(|(i, instrument)| instrument.problems(i)));
        problems
    }
}

impl Instrument {
    fn problems(&self, index: usize) -> impl Iterator<Item = Problem> + use<> {
        let path = |key: &str| format!("instruments[{index}].{key}");
        let max_lots = self.max_lots.get();
        let limit = require(max_lots >= 1, path("max_lots"), "at least 1 lot", max_lots);
        let expiry = match (self.class.expires(), self.expiry) {
            (true, None) => Some(Problem::new(path("expiry"), "the expiry of a future or an option", "none")),
            (false, Some(Timestamp(time))) => {
                let expected = "no expiry: only futures and options have one";
                Some(Problem::new(path("expiry"), expected, time.to_string()))
            }
            _ => None,
        };
        limit.into_iter().chain(expiry)
    }
}

fn default_max_lots() -> Lots {
    Lots::DEFAULT_LIMIT
}
