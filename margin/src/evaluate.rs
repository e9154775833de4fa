//! The margin of an account, computed directly in integers: no program, no solver. What `surety explain` shows, and
//! what the programs are tested against.

mod lines;
mod warnings;

use core::fmt;

use alloy_primitives::{I256, U256};
use serde::{Serialize, Serializer};

pub use self::{
    lines::{Line, Share, lines},
    warnings::{Warning, WarningKind, warnings},
};
use surety_core::{
    ident::Name,
    problem::{Problem, listed},
    units::{Price, power_of_ten},
};

use crate::{
    holdings::Position,
    level::{Claimed, Level},
    models::Frame,
    policy::Policy,
    universe::Universe,
};

/// An exact amount of quote units: an integer and its decimal places. Derived from holdings, so as secret as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The amount times `10^decimals`.
    pub atoms: I256,
    /// Decimal places.
    pub decimals: u32,
}

impl Quote {
    /// The amount times `10^decimals`, which are no fewer than its own; none beyond 256 bits.
    fn at(self, decimals: u32) -> Option<I256> {
        self.atoms.checked_mul(power_of_ten(decimals - self.decimals))
    }
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = U256::from(10).pow(U256::from(self.decimals));
        let magnitude = self.atoms.unsigned_abs();
        let sign = if self.atoms.is_negative() { "-" } else { "" };
        let fraction = format!("{:0>1$}", (magnitude % unit).to_string(), self.decimals as usize);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{point}{fraction}", magnitude / unit)
    }
}

impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quote(hidden)")
    }
}

impl Serialize for Quote {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A part of the equity or of the requirement, or the result of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub name: String,
    /// How much.
    pub amount: Quote,
}

/// The margin of a bucket.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct BucketMargin {
    /// The bucket.
    pub name: Name,
    /// Its headroom.
    pub margin: Quote,
}

/// An account at a level. Which charges there are tells what is held, so it does not print.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// The level.
    #[serde(skip)]
    pub level: Name,
    /// What the level claims.
    #[serde(skip_serializing_if = "Claimed::is_sufficient")]
    pub claim: Claimed,
    /// The headroom: equity less requirement. The account is sufficient if it is not negative.
    pub margin: Quote,
    /// The headroom where the level's band ends, for bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin_at_end: Option<Quote>,
    /// What the holdings count for.
    pub equity: Quote,
    /// What the equity consists of, for portfolio margin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<Item>,
    /// What is required: the sum of the charges.
    pub requirement: Quote,
    /// What the requirement consists of.
    pub charges: Vec<Item>,
    /// The scenario that decides, for models that have scenarios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_scenario: Option<String>,
    /// What every scenario does to the account, multiplied as it counts, for portfolio margin.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<Item>,
    /// The margin of every bucket, for isolated margin. All of the above is then that of the bucket with the least.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<BucketMargin>,
    /// The first holding that the policy does not admit, whatever the margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_admitted: Option<Name>,
}

impl fmt::Debug for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Evaluation(hidden, {})", self.level)
    }
}

impl Evaluation {
    /// Whether the account has what is required, whatever the level claims.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        !self.margin.atoms.is_negative() && self.not_admitted.is_none()
    }

    /// Whether what the level claims is true, so that it can be proven. Of an account that the policy does not admit,
    /// nothing is.
    #[must_use]
    pub fn is_provable(&self) -> bool {
        let is_negative = self.margin.atoms.is_negative();
        let ends = self.margin_at_end.is_none_or(|margin| margin.atoms.is_negative());
        is_negative != self.claim.is_sufficient() && ends && self.not_admitted.is_none()
    }
}

/// Why there is no evaluation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluateError {
    /// The policy does not fit the universe.
    #[error("{}", listed("", .0))]
    Policy(Vec<Problem>),
    /// No holding within the universe's limits does this.
    #[error("an amount exceeds 256 bits")]
    Overflow,
}

/// A level of a policy with every name resolved: to evaluate many accounts.
#[derive(Clone, Debug)]
pub struct Evaluator<'a> {
    policy: &'a Policy,
    level: &'a Level,
    frame: Frame<'a>,
}

impl<'a> Evaluator<'a> {
    /// The evaluator of a level.
    ///
    /// # Errors
    /// If the policy does not fit the universe.
    pub fn new(policy: &'a Policy, universe: &'a Universe, level: &'a Level) -> Result<Self, EvaluateError> {
        let frame = policy.frame(universe, level).map_err(EvaluateError::Policy)?;
        Ok(Self { policy, level, frame })
    }

    /// Evaluates an account, by the market vector; none if an amount exceeds 256 bits, which no holding within the
    /// limits does.
    #[must_use]
    pub fn evaluate(&self, position: &Position, prices: &[Price]) -> Option<Evaluation> {
        in_frame(self.policy, &self.frame, self.level, position, prices)
    }
}

/// Evaluates one level of a policy, by the market vector.
///
/// # Errors
/// If the policy does not fit the universe, or an amount exceeds 256 bits, which no holding within the limits does.
pub fn evaluate(
    policy: &Policy,
    universe: &Universe,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Result<Evaluation, EvaluateError> {
    Evaluator::new(policy, universe, level)?.evaluate(position, prices).ok_or(EvaluateError::Overflow)
}

fn in_frame(
    policy: &Policy,
    frame: &Frame<'_>,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Option<Evaluation> {
    let breakdown = policy.model.evaluate(frame, level, position, prices)?;
    let margin_at_end = match level.end_of_band() {
        Some(end) => Some(policy.model.evaluate(frame, &end, position, prices)?.margin()?),
        None => None,
    };
    let quote = |atoms| Quote { atoms, decimals: frame.scale() };
    let items = |items: Vec<(String, I256)>| {
        items.into_iter().map(|(name, amount)| Item { name, amount: quote(amount) }).collect::<Vec<_>>()
    };
    let admitted = frame.holding_ranges().into_iter().zip(position.lots());
    let mut refused = admitted.filter(|(range, lots)| lots.get() < range.min || lots.get() > range.max);
    Some(Evaluation {
        level: level.name.clone(),
        claim: level.claim,
        margin: quote(breakdown.margin()?),
        margin_at_end: margin_at_end.map(quote),
        equity: quote(breakdown.equity),
        credits: items(breakdown.credits),
        requirement: quote(breakdown.requirement),
        charges: items(breakdown.charges),
        worst_scenario: breakdown.worst_scenario,
        scenarios: items(breakdown.scenarios),
        buckets: breakdown
            .buckets
            .into_iter()
            .map(|(name, margin)| BucketMargin { name, margin: quote(margin) })
            .collect(),
        not_admitted: refused.next().map(|(range, _)| range.name),
    })
}
