//! Freshness: no statement and no price of an attestation is stale.
//!
//! A proof does not tell when it was made, and a date that the holder writes down proves nothing. What can be known is
//! the earliest moment at which an attestation could have been made: when the newest of its statements and reports was.
//! The policy's largest ages count up to that moment, so a holder cannot pair old prices with new balances or the other
//! way round; a later date would only make ages larger. How long an attestation counts follows from the oldest report
//! and from the statements, not from that moment, so nothing is gained by making it late.
//!
//! Among attestations that still count, a holder shows the one it likes best: somebody who was sufficient an hour ago
//! can show that for as long as the policy's `validity` lets it. Two things shorten this: a short validity, and a
//! verifier that knows the newest epoch and sequence numbers ([`Trust`](crate::attestation::trust::Trust)), or an
//! attestation registry, which always does.

use surety_core::units::Timestamp;
use surety_margin::{market::Snapshot, oracle, policy::Policy};

use crate::attestation::{
    rejection::{Rejection, Rule, require},
    report::CheckedSnapshot,
};

/// The times of a set of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementTimes {
    /// The earliest time of balances.
    pub oldest: Timestamp,
    /// The latest time of balances.
    pub newest: Timestamp,
    /// The last second at which all of them count.
    pub valid_until: Timestamp,
}

/// Demands that nothing is stale, nothing is from the future, and the attestation ends in time.
///
/// # Errors
/// The first rule that is broken: [`Rule::NotYet`], [`Rule::Age`], [`Rule::Validity`] or [`Rule::Lapsed`].
pub fn check_freshness(
    Timestamp(valid_until): Timestamp,
    policy: &Policy,
    (snapshot, market): (&Snapshot, &CheckedSnapshot),
    statements: &StatementTimes,
    Timestamp(now): Timestamp,
) -> Result<(), Rejection> {
    let earliest = market.newest.max(statements.newest).0;
    let at_most = |rule, input: &str, limit: u64, found: u64, meaning: &str| {
        require(found <= limit, rule, input, || (format!("at most {limit}, {meaning}"), found.to_string()))
    };
    at_most(Rule::NotYet, "market: newest report", now, market.newest.0, "the time now")?;
    at_most(Rule::NotYet, "attestation: newest statement", now, statements.newest.0, "the time now")?;
    let age = |oldest: Timestamp| earliest - oldest.0;
    let limit = policy.oracle.max_age.0;
    at_most(Rule::Age, "market: age in seconds", limit, age(market.oldest), "before the newest statement or report")?;
    for (index, entry) in policy.market.iter().enumerate() {
        let limit = policy.oracle.max_age_of(entry).0;
        let input = format!("market: age of {} in seconds", entry.name);
        let oldest = oracle::oldest_observation(snapshot, index).unwrap_or_default();
        at_most(Rule::Age, &input, limit, age(oldest), "before the newest statement or report")?;
    }
    let limit = policy.statements.max_age.0;
    let input = "attestation: age of statements in seconds";
    at_most(Rule::Age, input, limit, age(statements.oldest), "before the newest statement or report")?;
    let limit = market.oldest.0.saturating_add(policy.validity.0);
    let input = "attestation: valid until";
    at_most(Rule::Validity, input, limit, valid_until, "the market's time and the policy's validity")?;
    at_most(Rule::Validity, input, statements.valid_until.0, valid_until, "when the first statement ends")?;
    require(now <= valid_until, Rule::Lapsed, input, || {
        (format!("{now}, the time now, or later"), valid_until.to_string())
    })
}

/// Demands that what counts in the vault stood before the snapshot, for as long as the policy asks for, and did not
/// grow after the statements.
///
/// Collateral of the snapshot's own second may be lent for the single transaction that takes the snapshot, attests and
/// returns the loan. Collateral that came after a statement may be what the statement is about.
///
/// # Errors
/// [`Rule::Standing`].
pub(crate) fn check_standing(
    policy: &Policy,
    Timestamp(grown_at): Timestamp,
    market: &CheckedSnapshot,
    statements: &StatementTimes,
) -> Result<(), Rejection> {
    let min_age = policy.vault.as_ref().map_or(0, |vault| vault.min_age.0);
    let input = "vault: time of the last growth";
    let stands = grown_at.checked_add(min_age).is_some_and(|time| time < market.oldest.0);
    require(stands, Rule::Standing, input, || {
        let expected = format!("more than {min_age} seconds before the market's time, {}", market.oldest.0);
        (expected, grown_at.to_string())
    })?;
    let limit = statements.oldest.0.saturating_add(policy.statements.max_skew.0);
    require(grown_at <= limit, Rule::Standing, input, || {
        (format!("at most {limit}, the time of the oldest statement and the policy's skew"), grown_at.to_string())
    })
}

/// Demands that the balances of all statements are of one moment, up to the policy's skew.
///
/// # Errors
/// [`Rule::StatementSkew`].
pub(crate) fn check_skew(policy: &Policy, statements: &StatementTimes) -> Result<(), Rejection> {
    let skew = statements.newest.0 - statements.oldest.0;
    let allowed = policy.statements.max_skew.0;
    require(skew <= allowed, Rule::StatementSkew, "attestation: statements", || {
        (format!("times of balances at most {allowed} seconds apart"), format!("{skew} seconds"))
    })
}
