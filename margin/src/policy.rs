//! The policy: a margin model with its parameters, and the rules for prices and statements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ident::{EvmAddress, Name},
    models::Model,
    units::{Decimals, Ppm, Price, Seconds},
};

/// Everything public that decides whether an account is sufficient. Identified by the hash of its canonical encoding
/// together with the commitments of the programs that it compiles to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The format.
    pub kind: PolicyKind,
    /// Version of the format.
    pub version: crate::FormatVersion,
    /// What people call it.
    pub name: Name,
    /// Name of the universe that it is over.
    pub universe: Name,
    /// How long an attestation counts at most, from the time of its market snapshot.
    pub validity: Seconds,
    /// The prices that the model reads, in the order of the market vector.
    pub market: Vec<MarketEntry>,
    /// Who reports prices, and which reports count.
    pub oracle: OracleRules,
    /// Who must state balances: the account is exactly what they state.
    pub sources: Vec<SourceRule>,
    /// Which statements count.
    pub statements: StatementRules,
    /// What can be proven.
    pub levels: Vec<Level>,
    /// The margin model.
    pub model: Model,
}

/// The value of a policy's `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// `surety/policy`
    #[serde(rename = "surety/policy")]
    Policy,
}

/// A price of the market vector, in quote units per unit of the instrument.
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
}

/// Which price reports count, and how they become one snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleRules {
    /// The nodes that may report.
    pub nodes: Vec<OracleNode>,
    /// How many of them must have reported.
    pub quorum: u32,
    /// Length of an epoch: a report of time `t` belongs to epoch `t / epoch`, rounded down.
    pub epoch: Seconds,
    /// How old a snapshot may be when an attestation is made.
    pub max_age: Seconds,
    /// How far apart the times of a snapshot's reports may lie.
    pub max_skew: Seconds,
    /// Largest confidence interval, relative to the price.
    pub max_confidence: Ppm,
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

/// A custodian, a venue or a chain watcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRule {
    /// What people call it.
    pub name: Name,
    /// The key that it signs with.
    pub signer: EvmAddress,
    /// The accounts that it must state, each once, also when they are empty.
    pub accounts: Vec<Name>,
}

/// Which statements of balances count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementRules {
    /// How far apart the as-of times of a set may lie. Shorter than any settlement between sources, or funds count
    /// twice on their way.
    pub max_skew: Seconds,
    /// How old the oldest statement may be when an attestation is made.
    pub max_age: Seconds,
}

/// A level that can be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Unique in its policy: `maintenance`, `initial`, `maintenance-1.5x`.
    pub name: Name,
    /// Which of the model's parameters it uses.
    pub basis: Basis,
    /// The requirement is multiplied by this, at least one.
    #[serde(default = "one")]
    pub multiple: Ppm,
}

/// The two sets of parameters that margin models have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// What an account must keep, or be liquidated.
    Maintenance,
    /// What an account must have to open a position.
    Initial,
}

/// A parameter for each basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByBasis {
    /// The value at maintenance levels.
    pub maintenance: Ppm,
    /// The value at initial levels.
    pub initial: Ppm,
}

impl ByBasis {
    /// Zero at every level: the default of charges.
    pub(crate) fn zero() -> Self {
        Self {
            maintenance: Ppm(0),
            initial: Ppm(0),
        }
    }

    /// One at every level: the default of weights.
    pub(crate) fn one() -> Self {
        Self {
            maintenance: Ppm::ONE,
            initial: Ppm::ONE,
        }
    }

    /// The value for a basis.
    #[must_use]
    pub fn at(self, basis: Basis) -> Ppm {
        match basis {
            Basis::Maintenance => self.maintenance,
            Basis::Initial => self.initial,
        }
    }
}

fn one() -> Ppm {
    Ppm::ONE
}
