//! A report: the prices that one oracle node observed, and signs.

use core::fmt;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::{Price, Seconds, Timestamp},
};

/// What one oracle node says that prices are, and signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The format.
    pub kind: KindOf<Report>,
    /// Version of the format.
    pub version: surety_core::FormatVersion,
    /// The node's signing address.
    pub oracle: EvmAddress,
    /// Identifies the list of market entries and their decimals.
    pub feeds: Bytes32,
    /// The epoch.
    pub epoch: u64,
    /// When the prices were observed.
    pub observed_at: Timestamp,
    /// Identifies the prices of the snapshot that the node saw before; or [`Report::FIRST`], or
    /// [`Report::NOT_COMPARED`].
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

impl Kinded for Report {
    const KIND: Kind = Kind::Report;
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

/// What a report must satisfy depends on its policy: see [`crate::oracle`].
impl Document for Report {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}
