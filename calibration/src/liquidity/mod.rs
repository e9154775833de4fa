//! Liquidity: how long a position takes to sell, and at which spread.
//!
//! A liquidation begins after the horizon and sells evenly, at a share of what trades in a day. With `X` the size, `D`
//! the depth, `p` the participation, `h` the horizon and `S` the spread,
//!
//! | | |
//! |---|---|
//! | selling takes | `T = X / (p·D)` days |
//! | the horizon that counts is | `h + T/3` days |
//! | somebody long loses | `L↓ = ES↓·√((h + T/3) / h) + S/2` |
//! | somebody short loses | `L↑ = (1 + ES↑·√((h + T/3) / h))·(1 + S/2) − 1` |
//!
//! After `t` days of selling `1 − t/T` of the position is left. If days are independent with variance `σ²`, the loss
//! has the variance `σ²·(h + ∫₀ᵀ (1 − t/T)² dt) = σ²·(h + T/3)`: that of the whole position over `h + T/3` days. Half
//! of the spread is the distance between the middle of bid and ask and the price of a trade. Whoever is short buys at
//! the price that has risen.
//!
//! Depth and spread are those of a bad day, not of the last one: of the last days of the history, all but a share of
//! one minus the confidence had at least that depth, and at most that spread. A day without a depth counts as one on
//! which nothing traded, and a day without a spread as one with an unbounded spread. Every quotient and root is rounded
//! up, against the account.
//!
//! Sources: Almgren and Chriss, *Optimal execution of portfolio transactions*, Journal of Risk 3, 2001 (the variance of
//! selling evenly, `σ²X²T/3`); Bangia, Diebold, Schuermann and Stroughair, *Modeling liquidity risk*, Risk 12, 1999
//! (half of a spread that is rarely exceeded, added to the loss that prices make).

pub mod table;

use std::{cmp::Reverse, collections::BTreeMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::{Notional, Ppm, Seconds},
};

use crate::{
    calibration::{Calibration, ScenarioRule},
    estimator::{Estimate, ROOT_SCALE},
    history::History,
    moves::{Move, Side, root_up},
};

/// What liquidations sell, and how much of a market they may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Liquidity {
    /// From how many days, the last ones of the history, depths and spreads are taken: 30 to 10000.
    pub window: u32,
    /// The share of these days that had at least the depth that counts, and that had at most the spread that counts:
    /// from one half up to below one.
    pub confidence: Ppm,
    /// The share of the depth that a liquidation is: above zero, at most one.
    pub participation: Ppm,
    /// What is sold, for each column whose depth counts.
    pub sizes: Vec<Size>,
}

/// What is sold of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The column of the history and of the table of depths.
    pub column: Name,
    /// The value that is sold, in the unit of the table's depths.
    pub size: Notional,
}

/// How a position is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// Its value, in the unit of the depth.
    pub size: Notional,
    /// The value that trades in a day.
    pub depth: Notional,
    /// The bid-ask spread as a share of the price in the middle.
    pub spread: Ppm,
    /// How long selling takes.
    pub selling: Seconds,
    /// `√((h + T/3) / h)` in parts per billion.
    root: u64,
}

const DAY: u64 = 86_400;

/// The longest that selling may take: it adds as much to the horizon as the longest horizon is.
const LONGEST: Seconds = Seconds(60 * DAY);

impl Liquidity {
    /// What makes it no description of liquidations. `path` is where it is; `driving` says whether a column drives a
    /// parameter.
    pub(crate) fn problems(&self, path: &str, driving: impl Fn(&Name) -> bool) -> Vec<Problem> {
        let place = |key: &str| format!("{path}.{key}");
        let columns = self.sizes.iter().map(|size| &size.column);
        let mut problems = repeated(columns, |i| place(&format!("sizes[{i}].column")), "each column once");
        let (least, most) = (30, 10_000);
        let expected = format!("from {least} to {most}");
        problems.extend(require((least..=most).contains(&self.window), place("window"), expected, self.window));
        let fits = (500_000..1_000_000).contains(&self.confidence.0);
        problems.extend(require(fits, place("confidence"), "from 50 % to 99.9999 %", self.confidence));
        let fits = (Ppm(1)..=Ppm::ONE).contains(&self.participation);
        let expected = format!("from {} to {}", Ppm(1), Ppm::ONE);
        problems.extend(require(fits, place("participation"), expected, self.participation));
        problems.extend(not_empty(&place("sizes"), &self.sizes));
        for (i, Size { column, .. }) in self.sizes.iter().enumerate() {
            let expected = "a column that drives a parameter";
            problems.extend(require(driving(column), place(&format!("sizes[{i}].column")), expected, column));
        }
        problems
    }

    /// How many of the days may be worse than what counts.
    fn worse_days(&self) -> usize {
        let share = u64::from(Ppm::ONE.0.saturating_sub(self.confidence.0));
        // Fewer than there are days.
        (u64::from(self.window) * share / u64::from(Ppm::ONE.0)) as usize
    }
}

/// How each position of a calibration is sold, by its column; nothing if the calibration does not say.
///
/// # Errors
/// With what the history lacks for it, and with positions that would take too long.
pub(crate) fn liquidations(
    calibration: &Calibration,
    history: &History,
) -> Result<BTreeMap<Name, Liquidation>, Vec<Problem>> {
    let (liquidity, table) = match (&calibration.liquidity, history.liquidity()) {
        (None, None) => return Ok(BTreeMap::new()),
        (None, Some(_)) => {
            let problem = Problem::new("", "[liquidity], because there is a table of depths and spreads", "none");
            return Err(vec![problem.advise("add it to the calibration, or leave out the table")]);
        }
        (Some(_), None) => {
            let problem = Problem::new("liquidity", "a table of depths and spreads beside the history", "none");
            return Err(vec![problem.advise("give it with --liquidity")]);
        }
        (Some(liquidity), Some(table)) => (liquidity, table),
    };
    if let Some(ScenarioRule::History { .. }) = calibration.scenarios {
        let expected = "joint scenarios beside [liquidity]: in a mean over days, the cost of selling what fell would \
                        be a gain of whoever holds what rose";
        let problem = Problem::new("scenarios.type", expected, "history");
        return Err(vec![problem.advise("leave out [liquidity], and state charges in the policy")]);
    }
    let days = history.days();
    let expected = format!("at most {}, the days of the history", days.len());
    let window = liquidity.window as usize;
    if let Some(problem) = require(window <= days.len(), "liquidity.window", expected, window) {
        return Err(vec![problem]);
    }
    let days = &days[days.len() - window..];
    let (mut sold, mut problems) = (BTreeMap::new(), Vec::new());
    for (i, Size { column, size }) in liquidity.sizes.iter().enumerate() {
        let on = |day| table.on(column, day);
        let found = typical(liquidity, days.iter().map(|day| on(*day).depth), days.iter().map(|day| on(*day).spread))
            .map_err(|problem| Problem { path: format!("liquidity.sizes[{i}].column"), ..problem })
            .and_then(|(depth, spread)| {
                Liquidation::new(*size, depth, spread, liquidity.participation, calibration.horizon)
                    .map_err(|problem| Problem { path: format!("liquidity.sizes[{i}].size"), ..problem })
            });
        match found {
            Ok(liquidation) => drop(sold.insert(column.clone(), liquidation)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(sold) } else { Err(problems) }
}

/// The depth and the spread that count. What is absent is worse than whatever there is.
fn typical(
    liquidity: &Liquidity,
    depths: impl Iterator<Item = Option<Notional>>,
    spreads: impl Iterator<Item = Option<Ppm>>,
) -> Result<(Notional, Ppm), Problem> {
    let (mut depths, mut spreads): (Vec<_>, Vec<_>) = (depths.collect(), spreads.collect());
    depths.sort_unstable();
    spreads.sort_unstable_by_key(|spread| Reverse(spread.map_or((1, Ppm(0)), |spread| (0, spread))));
    let (worse, window) = (liquidity.worse_days(), liquidity.window as usize);
    let lacking = |what: &str, found: usize| {
        let expected = format!("a {what} on at least {} of the last {window} days of the history", window - worse);
        Problem::new("", expected, format!("{found} days")).advise("add the days that are missing to the table")
    };
    let depth = depths.get(worse).copied().flatten();
    let depth = depth.ok_or_else(|| lacking("depth above zero", depths.iter().flatten().count()))?;
    let spread = spreads.get(worse).copied().flatten();
    Ok((depth, spread.ok_or_else(|| lacking("spread", spreads.iter().flatten().count()))?))
}

impl Liquidation {
    /// # Errors
    /// If selling takes longer than [`LONGEST`].
    fn new(size: Notional, depth: Notional, spread: Ppm, participation: Ppm, horizon: u32) -> Result<Self, Problem> {
        let (one, horizon) = (u128::from(Ppm::ONE.0), u128::from(horizon.max(1)) * u128::from(DAY));
        let a_day = u128::from(depth.get()) * u128::from(participation.0);
        let selling = (u128::from(size.get()) * u128::from(DAY) * one).div_ceil(a_day.max(1));
        if selling > LONGEST.0.into() {
            let days = LONGEST.0 / DAY;
            let most = a_day * u128::from(days) / one;
            let expected =
                format!("at most {most}, of which {days} days sell {participation} of a depth of {depth} each");
            return Err(Problem::new("", expected, size.to_string()));
        }
        let square = ((3 * horizon + selling) * u128::from(ROOT_SCALE).pow(2)).div_ceil(3 * horizon);
        // At most the longest time.
        Ok(Self { size, depth, spread, selling: Seconds(selling as u64), root: root_up(square) })
    }

    /// The horizon that counts, for one of so many days: longer by a third of the time that selling takes, rounded up.
    #[must_use]
    pub fn horizon(&self, days: u32) -> Seconds {
        Seconds(u64::from(days) * DAY + self.selling.0.div_ceil(3))
    }

    /// How many days the horizon is longer by at the end of selling.
    pub(crate) fn days(&self) -> u32 {
        // Few days.
        self.selling.0.div_ceil(DAY) as u32
    }

    /// What a position that prices make lose so much loses when it is sold, in parts per billion.
    fn loss(&self, loss: u64, side: Side) -> u64 {
        let (one, half_spread) = (u128::from(Move::ONE.unsigned_abs()), u128::from(self.spread.0) * 500);
        let moved = (u128::from(loss) * u128::from(self.root)).div_ceil(ROOT_SCALE.into());
        let lost = match side {
            Side::Down => (moved + half_spread).min(one),
            Side::Up => moved + (half_spread * (one + moved)).div_ceil(one),
        };
        u64::try_from(lost).unwrap_or(u64::MAX)
    }

    /// An estimate of prices as one of what liquidations lose.
    pub(crate) fn widened(&self, estimate: Estimate) -> Estimate {
        Estimate {
            volatility: estimate.volatility,
            down: self.loss(estimate.down, Side::Down),
            up: self.loss(estimate.up, Side::Up),
        }
    }

    /// A move of prices over the horizon as the one at which a position is sold that loses by it. No move stays none.
    pub(crate) fn moved(&self, day: Move) -> Move {
        let size = |side| i128::from(self.loss(day.loss(side), side));
        Move::new(match day.ppb() {
            0 => 0,
            ..0 => -size(Side::Down),
            1.. => size(Side::Up),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(amount: u64) -> Notional {
        Notional::new(amount).unwrap()
    }

    fn sold(size: u64, depth: u64, spread: u32) -> Liquidation {
        Liquidation::new(units(size), units(depth), Ppm(spread), Ppm(100_000), 1).unwrap()
    }

    #[test]
    fn selling_evenly_adds_a_third_of_its_time_and_half_a_spread() {
        // Nine days at a tenth of the depth: three days more than one, so twice the loss.
        let liquidation = sold(900, 1_000, 20_000);
        assert_eq!((liquidation.selling, liquidation.days()), (Seconds(9 * DAY), 9));
        let estimate = Estimate { volatility: 40_000_000, down: 100_000_000, up: 100_000_000 };
        let widened = Estimate { volatility: 40_000_000, down: 210_000_000, up: 212_000_000 };
        assert_eq!(liquidation.widened(estimate), widened);
        assert_eq!(
            [-100_000_000, 0, 100_000_000].map(|ppb| liquidation.moved(Move::new(ppb)).ppb()),
            [-210_000_000, 0, 212_000_000]
        );
    }

    #[test]
    fn what_sells_at_once_loses_half_a_spread() {
        let liquidation = sold(1, u64::MAX, 1);
        assert_eq!((liquidation.selling, liquidation.days()), (Seconds(1), 1));
        assert_eq!(liquidation.loss(0, Side::Down), 500);
        // A second is rounded up.
        assert_eq!(liquidation.loss(1_000_000_000, Side::Up), 1_000_002_931);
    }

    #[test]
    fn no_liquidation_loses_more_than_everything() {
        let liquidation = sold(u64::MAX, u64::MAX, 2_000_000);
        assert_eq!(liquidation.loss(1, Side::Down), 1_000_000_000);
        assert_eq!(liquidation.loss(u64::MAX, Side::Up), u64::MAX);
        assert_eq!(liquidation.moved(Move::new(i128::MAX)).ppb(), Move::LIMIT);
    }

    #[test]
    fn rejects_sizes_that_take_too_long() {
        let sold = |size| Liquidation::new(units(size), units(1_000), Ppm(1), Ppm(100_000), 1);
        assert_eq!(sold(6_000).unwrap().selling, LONGEST);
        assert_eq!(
            sold(6_001).unwrap_err().to_string(),
            "expected at most 6000, of which 60 days sell 10 % of a depth of 1000 each, found 6001"
        );
        assert!(Liquidation::new(units(u64::MAX), units(1), Ppm(1), Ppm(1), 20).is_err());
    }

    fn chosen(depths: &[u64], spreads: &[u32]) -> Result<(u64, u32), String> {
        let liquidity = Liquidity { window: 40, confidence: Ppm(950_000), participation: Ppm::ONE, sizes: Vec::new() };
        let days = |count: usize| 40 - count;
        let depths = depths.iter().map(|depth| Notional::new(*depth).ok()).chain(vec![None; days(depths.len())]);
        let spreads = spreads.iter().map(|spread| Some(Ppm(*spread))).chain(vec![None; days(spreads.len())]);
        let found = typical(&liquidity, depths, spreads).map_err(|problem| problem.to_string())?;
        Ok((found.0.get(), found.1.0))
    }

    /// Of forty days two may be worse at 95 percent: those without a value first, then those with the worst ones.
    #[test]
    fn a_bad_day_counts_and_not_the_last_one() {
        let (depths, spreads): (Vec<u64>, Vec<u32>) = ((101..=140).collect(), (1..=40).collect());
        assert_eq!(chosen(&depths, &spreads), Ok((103, 38)));
        assert_eq!(chosen(&depths[2..], &spreads[..38]), Ok((103, 38)));
        assert_eq!(chosen(&depths[1..], &spreads[1..]), Ok((103, 39)));
    }

    #[test]
    fn rejects_days_without_depth_or_spread() {
        let (depths, spreads) = ([7; 40], [7; 40]);
        let refused = chosen(&depths[..37], &spreads).unwrap_err();
        assert!(refused.starts_with("expected a depth above zero on at least 38 of the last 40 days"), "{refused}");
        assert!(refused.contains("found 37 days; add the days that are missing to the table"), "{refused}");
        // Nothing traded.
        assert!(chosen(&[&[0; 3][..], &depths[..37]].concat(), &spreads).is_err());
        let refused = chosen(&depths, &spreads[..37]).unwrap_err();
        assert!(refused.starts_with("expected a spread on at least 38 of the last 40 days"), "{refused}");
    }
}
