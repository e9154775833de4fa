//! What is claimed: instruments, holdings, margin policies, prices, and the linear program that a policy compiles to.
//!
//! This crate knows no cryptography and does no I/O beyond parsing text. Start with [`policy`]: a [`policy::Policy`]
//! over a [`universe::Universe`] compiles ([`compile::compile`]) to one [`program::Program`] for each of its levels. Its table
//! follows from the policy and the prices alone; hidden [`holdings::Holdings`] satisfy the level exactly when the
//! program has a solution. [`evaluate`] computes the same margin directly, without the program, and is what
//! `surety explain` shows.
//!
//! | module | idea |
//! |---|---|
//! | [`ident`], [`units`] | names, identifiers and quantities as types |
//! | [`capacity`] | how the rows of the circuit are used |
//! | [`universe`], [`holdings`], [`policy`], [`market`] | the files that people write |
//! | [`boxes`] | which prices a policy may admit |
//! | [`text`] | how files are read, and what errors say |
//! | [`spelling`] | how people write times, durations, fractions, numbers and addresses |
//! | [`canonical`] | the one encoding that identifiers are hashes of |
//! | [`oracle`] | from reports to one snapshot of prices |
//! | [`vector`], [`derived`] | from a snapshot to the market vector that coefficients are affine in |
//! | [`schemas`] | JSON Schemas of the files |
//! | [`program`] | linear programs: the builder that models are written with, and the table they become |
//! | [`models`] | margin models |
//! | [`portfolio`] | portfolio margin for options, perpetuals and collateral |
//! | [`pricing`] | option values, the same on every machine |
//! | [`import`] | from files that others publish |
//! | [`evaluate`] | plain integer evaluation of a policy |

pub mod boxes;
pub mod canonical;
pub mod capacity;
pub mod compile;
pub mod derived;
pub mod evaluate;
pub mod holdings;
pub mod ident;
pub mod import;
pub mod market;
pub mod models;
pub mod oracle;
pub mod policy;
pub mod portfolio;
pub mod pricing;
pub mod problem;
pub mod program;
#[cfg(feature = "sample")]
pub mod sample;
pub mod schemas;
pub mod spelling;
#[cfg(feature = "sample")]
pub mod tamper;
pub mod text;
pub mod units;
pub mod universe;
pub mod vector;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The version of a file's format. There is one so far, `1`, and no other is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatVersion;

impl FormatVersion {
    pub(crate) const CURRENT: u32 = 1;
}

impl Serialize for FormatVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::CURRENT)
    }
}

impl<'de> Deserialize<'de> for FormatVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            Self::CURRENT => Ok(Self),
            other => Err(D::Error::custom(format!("expected version {} of the format, found {other}", Self::CURRENT))),
        }
    }
}

impl JsonSchema for FormatVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FormatVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "const": Self::CURRENT })
    }
}
