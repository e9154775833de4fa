//! The margin of an account, computed directly in integers: no program, no solver. What `surety explain` shows, and
//! what the programs are tested against.

mod lines;
mod warnings;

use core::fmt;

use alloy_primitives::{I256, U256};
use serde::{Serialize, Serializer};

pub(crate) use self::lines::Part;
pub use self::{
    lines::{Line, Share, lines},
    warnings::{Warning, WarningKind, warnings},
};
use crate::{
    holdings::Position,
    models::Frame,
    policy::{Level, Policy},
    portfolio::power_of_ten,
    universe::Universe,
};
use surety_core::{
    ident::Name,
    problem::{Problem, listed},
    units::Price,
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
    /// The headroom: equity less requirement. The level holds if it is not negative.
    pub margin: Quote,
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
    /// Whether the account satisfies the level.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        !self.margin.atoms.is_negative() && self.not_admitted.is_none()
    }
}

/// What a model computes for a level, in its frame's scale.
#[derive(Clone, Default)]
pub(crate) struct Breakdown {
    equity: I256,
    credits: Vec<(String, I256)>,
    requirement: I256,
    charges: Vec<(String, I256)>,
    pub(crate) worst_scenario: Option<String>,
    scenarios: Vec<(String, I256)>,
    buckets: Vec<(Name, I256)>,
}

impl Breakdown {
    /// What must not be negative. None on overflow.
    fn margin(&self) -> Option<I256> {
        self.equity.checked_sub(self.requirement)
    }

    /// The breakdown of the bucket with the least margin, which knows the margins of all. None on overflow.
    pub(crate) fn worst_of(buckets: Vec<(Name, Self)>) -> Option<Self> {
        let margins = buckets.iter().map(|(name, breakdown)| Some((name.clone(), breakdown.margin()?)));
        let margins = margins.collect::<Option<Vec<_>>>()?;
        let worst = buckets.into_iter().map(|(_, breakdown)| breakdown).min_by_key(Self::margin).unwrap_or_default();
        Some(Self { buckets: margins, ..worst })
    }

    /// Counts towards equity. None on overflow.
    pub(crate) fn credit(&mut self, amount: I256) -> Option<()> {
        self.equity = self.equity.checked_add(amount)?;
        Some(())
    }

    /// Counts towards equity, under a name. None on overflow.
    pub(crate) fn credit_for(&mut self, name: &str, amount: I256) -> Option<()> {
        self.credit(amount)?;
        if !amount.is_zero() {
            self.credits.push((name.to_owned(), amount));
        }
        Some(())
    }

    /// Notes what a scenario does.
    pub(crate) fn scenario(&mut self, name: String, result: I256) {
        self.scenarios.push((name, result));
    }

    /// Counts towards the requirement. None on overflow.
    pub(crate) fn charge(&mut self, name: String, amount: I256) -> Option<()> {
        self.requirement = self.requirement.checked_add(amount)?;
        if !amount.is_zero() {
            self.charges.push((name, amount));
        }
        Some(())
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
    let frame = Frame::new(policy, universe, level).map_err(EvaluateError::Policy)?;
    in_frame(policy, &frame, level, position, prices).ok_or(EvaluateError::Overflow)
}

fn in_frame(
    policy: &Policy,
    frame: &Frame<'_>,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Option<Evaluation> {
    let breakdown = policy.model.evaluate(frame, level, position, prices)?;
    let quote = |atoms| Quote { atoms, decimals: frame.scale() };
    let items = |items: Vec<(String, I256)>| {
        items.into_iter().map(|(name, amount)| Item { name, amount: quote(amount) }).collect::<Vec<_>>()
    };
    let admitted = frame.holding_ranges().into_iter().zip(position.lots());
    let mut refused = admitted.filter(|(range, lots)| lots.get() < range.min || lots.get() > range.max);
    Some(Evaluation {
        level: level.name.clone(),
        margin: quote(breakdown.margin()?),
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
