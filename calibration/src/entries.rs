//! Parameters that are entries of a policy's market: the numbers that oracle nodes sign for them next.
//!
//! A policy with [parameter entries](MarketEntry::tighter) keeps its text and its identifier while its parameters
//! follow the market. The laxest number of an entry's box is what the policy approves and the tightest is the other
//! end, so the box is the floor and the cap of the requirement. With `ES↓` and `ES↑` the expected shortfalls, and `a`
//! the multiple that the calibration states:
//!
//! | entry | requirement |
//! |---|---|
//! | a weight `w`, tighter as it gets lower | haircut `1 − w = a·ES↓` |
//! | a fraction `f`, tighter as it gets higher | `f = a·max(ES↓, ES↑)` |
//!
//! With a table of depths and bid-ask spreads, shortfalls are those of [liquidations](crate::liquidity), as for every
//! other parameter.
//!
//! Numbers are whole parts per million, so that nodes with the same history sign the same number.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, require},
    units::{Decimals, Ppm, Price, Seconds, Timestamp},
};
use surety_margin::{
    market::{MarketEntry, Tighter},
    oracle::CLOCK_TOLERANCE,
    policy::Policy,
};

use crate::{
    calibration::Calibration,
    history::History,
    liquidity::liquidations,
    parameters::CalibrateError,
    update::{Bounds, Change, Pace, Requirement},
    window::Window,
};

/// A parameter entry that a column drives. The box of the entry says what it may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DrivenEntry {
    /// The market entry: one of six decimals that says which way it tightens.
    pub entry: Name,
    /// The column of the history.
    pub column: Name,
    /// The expected shortfall is multiplied by this.
    pub multiple: Ppm,
}

/// The next number of a parameter entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextEntry {
    /// The entry.
    pub entry: Name,
    /// The column that drives it.
    pub column: Name,
    /// The number, in parts per million.
    pub number: Price,
    /// What became of the requirement.
    pub change: Change,
}

/// The numbers before: those of a snapshot, or of a table that was made last.
pub type Previous = BTreeMap<Name, Price>;

const DECIMALS: u8 = 6;

/// Where the numbers before are said to be.
const PREVIOUS: &str = "previous";

/// The next numbers of the parameter entries that a calibration names. Without numbers before, a step begins at what
/// the policy approves.
///
/// # Errors
/// If the calibration does not fit the history or the policy, its `liquidity` lacks the depths and bid-ask spreads
/// that it takes, or a number before is missing or out of its box.
pub fn next(
    calibration: &Calibration,
    history: &History,
    policy: &Policy,
    previous: Option<&Previous>,
    pace: Pace,
) -> Result<Vec<NextEntry>, CalibrateError> {
    let mut found = calibration.check(history);
    found.extend(problems(calibration, policy));
    let driven: Vec<_> =
        calibration.entries.iter().filter_map(|driven| Some((driven, entry(policy, driven)?))).collect();
    found.extend(previous.into_iter().flat_map(|previous| previous_problems(&driven, previous)));
    let liquidations = liquidations(calibration, history).unwrap_or_else(|lacking| {
        found.extend(lacking);
        BTreeMap::new()
    });
    if !found.is_empty() {
        return Err(CalibrateError::Calibration(found));
    }
    let window = Window::new(calibration, history, &liquidations);
    let next = |(driven, (entry, tighter)): &(&DrivenEntry, (&MarketEntry, Tighter))| {
        let column = window.column(&driven.column)?;
        let estimate = match tighter {
            Tighter::Lower => column.estimate.down,
            Tighter::Higher => column.estimate.down.max(column.estimate.up),
        };
        let before = match previous {
            Some(previous) => *previous.get(&entry.name)?,
            None => entry.approved()?,
        };
        let old = requirement(*tighter, before);
        let change = calibration.limits.update(Some(old), estimate, driven.multiple, bounds(entry, *tighter), pace);
        let number = number(*tighter, change.new)?;
        Some(NextEntry { entry: entry.name.clone(), column: driven.column.clone(), number, change })
    };
    Ok(driven.iter().filter_map(next).collect())
}

/// The rows of these entries in a table of observations, which a node adds to those of its prices: `entry`, `price`,
/// `confidence` and `age` in seconds at a time. The numbers are as old as the end of the history's last day.
///
/// # Errors
/// If an entry would be too old to be signed at that time, or the last day is not over.
pub fn table(next: &[NextEntry], history: &History, policy: &Policy, at: Timestamp) -> Result<String, CalibrateError> {
    let Timestamp(ended) = history.days().last().map_or(Timestamp(0), |day| day.end());
    let (mut text, mut problems) = ("entry,price,confidence,age\n".to_owned(), Vec::new());
    let latest = at.0.saturating_add(CLOCK_TOLERANCE.0);
    let expected = format!("a last day that ended by {latest}, {} seconds ahead of the clock", CLOCK_TOLERANCE.0);
    let over = require(ended <= latest, "history", expected, format!("one that ends at {ended}"));
    problems.extend(over.map(|problem| problem.advise("leave out the day until it is over")));
    let age = Seconds(at.0.saturating_sub(ended));
    for NextEntry { entry, number, .. } in next {
        let rules = policy.market.iter().find(|it| it.name == *entry);
        let most = rules.map_or(Seconds(0), |rules| policy.oracle.max_age_of(rules));
        let expected = format!("a last day that ended at most {} seconds ago, which is the max_age of {entry}", most.0);
        problems.extend(require(age <= most, "history", expected, format!("{} seconds", age.0)));
        let (whole, rest) = (number.get() / 1_000_000, number.get() % 1_000_000);
        text += &format!("{entry},{whole}.{rest:06},0.0,{}\n", age.0);
    }
    if problems.is_empty() { Ok(text) } else { Err(CalibrateError::Calibration(problems)) }
}

/// What a calibration asks of entries that the policy does not have.
pub(crate) fn problems(calibration: &Calibration, policy: &Policy) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, driven) in calibration.entries.iter().enumerate() {
        let path = format!("entries[{i}].entry");
        let Some((entry, tighter)) = entry(policy, driven) else {
            let expected = "a market entry to which the policy gives the key `tighter`";
            problems.push(Problem::new(path, expected, driven.entry.to_string()));
            continue;
        };
        let expected = format!("a market entry of {DECIMALS} decimals: parts per million");
        let found = format!("{} of {}", driven.entry, entry.decimals.get());
        problems.extend(require(Decimals::new(DECIMALS) == Ok(entry.decimals), &path, expected, found));
        let most = match tighter {
            Tighter::Lower => u128::from(Ppm::ONE.0),
            Tighter::Higher => MOST,
        };
        let expected = format!("a market entry with a max of at most {most}");
        problems.extend(require(entry.max.get() <= most, path, expected, entry.max));
        // Steps are shares of a requirement, so from next to nothing none leads anywhere.
        let most = Ppm(u32::try_from(most).unwrap_or(u32::MAX));
        problems.extend(bounds(entry, tighter).problems(&format!("entries[{i}]"), &calibration.limits, most));
    }
    problems
}

/// Largest fraction: tenfold.
const MOST: u128 = 10_000_000;

fn previous_problems(driven: &[(&DrivenEntry, (&MarketEntry, Tighter))], previous: &Previous) -> Vec<Problem> {
    let problem = |(_, (entry, _)): &(&DrivenEntry, (&MarketEntry, Tighter))| {
        let (name, min, max) = (&entry.name, entry.min, entry.max);
        let expected = format!("a number of {name} from {min} to {max}");
        let Some(number) = previous.get(name) else { return Some(Problem::new(PREVIOUS, expected, "none")) };
        require((min..=max).contains(number), PREVIOUS, expected, number)
    };
    driven.iter().filter_map(problem).collect()
}

/// The entry of the policy, if it is a parameter, and which way it tightens.
fn entry<'p>(policy: &'p Policy, driven: &DrivenEntry) -> Option<(&'p MarketEntry, Tighter)> {
    let entry = policy.market.iter().find(|entry| entry.name == driven.entry)?;
    Some((entry, entry.tighter?))
}

/// A number, of at most tenfold, as a requirement.
fn requirement(tighter: Tighter, number: Price) -> Requirement {
    let number = i64::try_from(number.get()).unwrap_or(i64::MAX);
    Requirement(match tighter {
        Tighter::Lower => i64::from(Ppm::ONE.0).saturating_sub(number),
        Tighter::Higher => number,
    })
}

fn number(tighter: Tighter, Requirement(requirement): Requirement) -> Option<Price> {
    let number = match tighter {
        Tighter::Lower => i64::from(Ppm::ONE.0).checked_sub(requirement)?,
        Tighter::Higher => requirement,
    };
    Price::new(u128::try_from(number).ok()?).ok()
}

/// The requirements at both ends of an entry's box.
fn bounds(entry: &MarketEntry, tighter: Tighter) -> Bounds {
    let [min, max] = [entry.min, entry.max].map(|end| requirement(tighter, end).ppm());
    Bounds { floor: min.min(max), cap: min.max(max) }
}
