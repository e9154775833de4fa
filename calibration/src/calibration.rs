//! The calibration: which column of a history drives which parameters of a policy, and how.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::Name,
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, repeated, require},
    text::{Document, WrittenBy},
    units::Ppm,
};
use surety_margin::level::ByBasis;

use crate::{
    entries::DrivenEntry,
    estimator::{Estimator, Settings},
    history::{Column, History},
    liquidity::Liquidity,
    predictive::{
        WARM,
        history::ENOUGH,
        joint,
        market::{LEAST_CONFIDENCE, Memory},
    },
    update::{Bounds, Limits},
};

/// How the parameters of a policy follow from price history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The format.
    pub kind: KindOf<Calibration>,
    /// Version of the format.
    pub version: FormatVersion,
    /// Name of the policy that it is for.
    pub policy: Name,
    /// How the next moves are told from the past ones.
    pub estimator: Estimator,
    /// The confidence of the expected shortfall, from one half up to below one.
    pub confidence: Ppm,
    /// How many days a liquidation takes, or takes to begin where depths count: 1 to 20.
    pub horizon: u32,
    /// How many moves, the last ones, are looked at: 30 to 10000.
    pub window: u32,
    /// The weight of yesterday's variance in today's, from one half up to below one.
    pub decay: Ppm,
    /// How much of the predictive estimator's volatility is that of ten years: the more, the less parameters move.
    #[serde(default = "governed", skip_serializing_if = "is_governed")]
    pub memory: Ppm,
    /// How many days may lie between two lines of the history: 1 if none may be missing. The move over a gap counts as
    /// one day's.
    pub max_gap: u32,
    /// How far an update may go.
    pub limits: Limits,
    /// How positions are sold, which widens the horizon and adds half a bid-ask spread; left out if depths do not
    /// count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidity: Option<Liquidity>,
    /// Pairs of columns whose spread is a column of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spreads: Vec<Spread>,
    /// Haircuts: one minus the weight of an asset, or what portfolio margin states as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub haircuts: Vec<Driven>,
    /// Margin fractions of positions under cross margin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fractions: Vec<Driven>,
    /// Parameters that are entries of the policy's market.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<DrivenEntry>,
    /// Risk factors of scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Factor>,
    /// Which scenarios are written; left out if none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<ScenarioRule>,
    /// The multiple of scenario losses for a rise of volatility; left out if it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volatility: Option<VolatilityRule>,
    /// How far volatilities move up and down under portfolio margin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volatility_ranges: Vec<VolatilityRange>,
}

fn governed() -> Ppm {
    Memory::GOVERNED.0
}

fn is_governed(memory: &Ppm) -> bool {
    *memory == governed()
}

impl Kinded for Calibration {
    const KIND: Kind = Kind::Calibration;
}

/// Half of one price against half of another, which has a tail of its own: scenarios in which the two go apart follow
/// from it instead of from their correlation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The column that is held.
    pub long: Name,
    /// The column that is owed.
    pub short: Name,
}

/// A requirement on an instrument that a column drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Driven {
    /// The mode that has the requirement; left out if the policy has no modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Name>,
    /// The instrument.
    pub instrument: Name,
    /// The column of the history.
    pub column: Name,
    /// The expected shortfall is multiplied by this.
    pub multiple: ByBasis,
    /// What the requirement may be.
    pub bounds: Bounds,
}

/// A risk factor that a column drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// The risk factor.
    pub factor: Name,
    /// The column of the history.
    pub column: Name,
    /// The column's moves are multiplied by this.
    pub multiple: Ppm,
    /// What the size of a shock may be.
    pub bounds: Bounds,
}

/// Which scenarios are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScenarioRule {
    /// All prices up or down, each leading, each over each other, and the worst days of the window. Scenarios whose
    /// names do not begin with `calibrated/` stay.
    Joint {
        /// How many of the worst days.
        worst_days: u32,
    },
    /// The last days of the history, all equally likely, for an expected shortfall at the confidence. All other
    /// scenarios go.
    History {
        /// How many days.
        days: u32,
    },
}

/// The multiple of scenario losses for a rise of volatility: one plus the volatility range, the larger one of several
/// columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityRule {
    /// The columns whose volatility counts.
    pub columns: Vec<Name>,
    /// The volatility range is multiplied by this.
    pub multiple: ByBasis,
    /// By how much the multiple may exceed one.
    pub bounds: Bounds,
}

/// How far volatilities move up and down under portfolio margin: the volatility range, the larger one of several
/// columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolatilityRange {
    /// The mode with portfolio margin; left out if the policy has no modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Name>,
    /// The bucket with portfolio margin; left out if there are no buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Name>,
    /// The columns whose volatility counts.
    pub columns: Vec<Name>,
    /// The relative rise.
    pub up: RangeRule,
    /// The relative fall, which is at most the whole.
    pub down: RangeRule,
}

/// A side of a volatility range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeRule {
    /// The volatility range is multiplied by this.
    pub multiple: Ppm,
    /// What it may be.
    pub bounds: Bounds,
}

/// Largest multiple, shock and excess of a multiple: tenfold.
const MAX: Ppm = Ppm(10_000_000);

/// How many columns may drive anything: joint scenarios are made of each pair of them.
const MAX_COLUMNS: usize = 32;

impl Document for Calibration {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (path, share) in [("confidence", self.confidence), ("decay", self.decay)] {
            let expected = "from 50 % to 99.9999 %";
            problems.extend(require((500_000..1_000_000).contains(&share.0), path, expected, share));
        }
        let ranges =
            [("horizon", self.horizon, 1, 20), ("window", self.window, 30, 10_000), ("max_gap", self.max_gap, 1, 30)];
        for (path, found, least, most) in ranges {
            problems.extend(require((least..=most).contains(&found), path, format!("from {least} to {most}"), found));
        }
        if self.estimator == Estimator::Predictive {
            let expected = format!("at least {LEAST_CONFIDENCE} for the predictive estimator");
            problems.extend(require(self.confidence >= LEAST_CONFIDENCE, "confidence", expected, self.confidence));
        }
        let expected = format!("at most {}", Ppm::ONE);
        problems.extend(require(self.memory <= Ppm::ONE, "memory", expected, self.memory));
        problems.extend(self.limits.problems("limits"));
        let driving = self.distinct_columns();
        let liquidity = self.liquidity.iter();
        problems
            .extend(liquidity.flat_map(|liquidity| liquidity.problems("liquidity", |column| driving.contains(column))));
        problems.extend(self.spread_problems());
        for (list, driven) in [("haircuts", &self.haircuts), ("fractions", &self.fractions)] {
            let most = if list == "haircuts" { Ppm::ONE } else { MAX };
            problems.extend(self.driven_problems(list, driven, most));
        }
        problems.extend(self.entry_problems());
        problems.extend(self.factor_problems());
        problems.extend(self.volatility.as_ref().map(|rule| self.volatility_problems(rule)).into_iter().flatten());
        problems.extend(self.range_problems());
        let any = !self.haircuts.is_empty()
            || !self.fractions.is_empty()
            || !self.entries.is_empty()
            || self.scenarios.is_some()
            || self.volatility.is_some()
            || !self.volatility_ranges.is_empty();
        problems.extend(require(any, "", "a parameter to calibrate", "none"));
        let columns = driving.len();
        problems.extend(require(columns <= MAX_COLUMNS, "", format!("at most {MAX_COLUMNS} columns"), columns));
        problems
    }
}

impl Calibration {
    /// Checks every rule, also those that take the history to check: that it has the columns, is long enough, and has
    /// no gap that is too wide.
    #[must_use]
    pub fn check(&self, history: &History) -> Vec<Problem> {
        let mut problems = self.problems();
        let expected = || {
            let names: Vec<_> = history.columns().iter().map(|column| column.name.as_str()).collect();
            format!("a column of the history: {}", names.join(", "))
        };
        for (path, column) in self.named_columns() {
            problems.extend(require(history.column(column).is_some(), path, expected(), column));
        }
        let moves = history.moves();
        let expected = format!("at most {moves}, the moves of the history");
        problems.extend(require(self.window as usize <= moves, "window", expected.clone(), self.window));
        if let Some(ScenarioRule::History { days }) = self.scenarios {
            problems.extend(require(days as usize <= moves, "scenarios.days", expected, days));
        }
        if let Some(ScenarioRule::History { days }) = self.scenarios
            && self.estimator_for(history) == Estimator::Predictive
        {
            let most = moves.saturating_sub(WARM as usize).min(joint::DAYS);
            let expected = format!("at most {most}, the days that the predictive estimator has in terms of today");
            problems.extend(require(days as usize <= most, "scenarios.days", expected, days));
        }
        if let Some((before, after)) = history.widest_gap() {
            let width = after.number() - before.number();
            let expected = format!("at least {width}, because the history has no day between {before} and {after}");
            problems.extend(require(self.max_gap >= width, "max_gap", expected, self.max_gap));
        }
        problems
    }

    /// What its estimator is told, or the one that takes its place.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let Self { estimator, confidence, horizon, decay, .. } = *self;
        Settings { estimator: estimator.windowed(), confidence, horizon, decay }
    }

    /// How much of the predictive estimator's volatility is that of ten years.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory(self.memory)
    }

    /// The estimator that a history is long enough for: the predictive one learns from [`ENOUGH`] moves on, and the
    /// heavy-tailed one takes its place before.
    #[must_use]
    pub fn estimator_for(&self, history: &History) -> Estimator {
        match self.estimator {
            Estimator::Predictive if history.moves() < ENOUGH => Estimator::HeavyTailed,
            asked => asked,
        }
    }

    /// The columns that drive anything, in the order of the history.
    #[must_use]
    pub fn columns<'h>(&self, history: &'h History) -> Vec<&'h Column> {
        let named = self.distinct_columns();
        history.columns().iter().filter(|column| named.contains(&column.name)).collect()
    }

    fn distinct_columns(&self) -> BTreeSet<&Name> {
        self.named_columns().into_iter().map(|(_, name)| name).collect()
    }

    fn named_columns(&self) -> Vec<(String, &Name)> {
        let mut named = Vec::new();
        for (list, driven) in [("haircuts", &self.haircuts), ("fractions", &self.fractions)] {
            named.extend(driven.iter().enumerate().map(|(i, driven)| (format!("{list}[{i}].column"), &driven.column)));
        }
        let entries = self.entries.iter().enumerate();
        named.extend(entries.map(|(i, driven)| (format!("entries[{i}].column"), &driven.column)));
        named.extend(
            self.factors.iter().enumerate().map(|(i, factor)| (format!("factors[{i}].column"), &factor.column)),
        );
        for (i, Spread { long, short }) in self.spreads.iter().enumerate() {
            named.extend([(format!("spreads[{i}].long"), long), (format!("spreads[{i}].short"), short)]);
        }
        let columns = self.volatility.iter().flat_map(|rule| &rule.columns).enumerate();
        named.extend(columns.map(|(i, column)| (format!("volatility.columns[{i}]"), column)));
        for (i, range) in self.volatility_ranges.iter().enumerate() {
            let path = |j| format!("volatility_ranges[{i}].columns[{j}]");
            named.extend(range.columns.iter().enumerate().map(|(j, column)| (path(j), column)));
        }
        named
    }

    fn spread_problems(&self) -> Vec<Problem> {
        let pair = |Spread { long, short }: &Spread| format!("{} and {}", long.min(short), long.max(short));
        let mut problems = repeated(self.spreads.iter().map(pair), |i| format!("spreads[{i}]"), "each pair once");
        for (i, Spread { long, short }) in self.spreads.iter().enumerate() {
            let expected = format!("a column other than {long}");
            problems.extend(require(long != short, format!("spreads[{i}].short"), expected, short));
        }
        let joint = self.spreads.is_empty() || matches!(self.scenarios, Some(ScenarioRule::Joint { .. }));
        problems.extend(require(
            joint,
            "spreads",
            "none without joint scenarios, which alone follow from them",
            "some",
        ));
        problems
    }

    fn driven_problems(&self, list: &str, driven: &[Driven], most: Ppm) -> Vec<Problem> {
        let names = driven.iter().map(|driven| format!("{}{}", driven.instrument, driven.within()));
        let mut problems = repeated(names, |i| format!("{list}[{i}].instrument"), "each instrument once");
        for (i, driven) in driven.iter().enumerate() {
            problems.extend(multiples_problem(&format!("{list}[{i}].multiple"), driven.multiple));
            problems.extend(driven.bounds.problems(&format!("{list}[{i}].bounds"), &self.limits, most));
        }
        problems
    }

    fn entry_problems(&self) -> Vec<Problem> {
        let names = self.entries.iter().map(|driven| &driven.entry);
        let mut problems = repeated(names, |i| format!("entries[{i}].entry"), "each market entry once");
        for (i, driven) in self.entries.iter().enumerate() {
            problems.extend(multiple_problem(&format!("entries[{i}].multiple"), driven.multiple));
        }
        problems
    }

    fn factor_problems(&self) -> Vec<Problem> {
        let names = self.factors.iter().map(|factor| &factor.factor);
        let mut problems = repeated(names, |i| format!("factors[{i}].factor"), "each factor once");
        for (i, factor) in self.factors.iter().enumerate() {
            problems.extend(multiple_problem(&format!("factors[{i}].multiple"), factor.multiple));
            // The bounds of both sides: no price falls by more than all of it, which is seen to where scenarios are
            // made.
            problems.extend(factor.bounds.problems(&format!("factors[{i}].bounds"), &self.limits, MAX));
        }
        let (some, scenarios) = (!self.factors.is_empty(), self.scenarios.is_some());
        let found = if some { "factors" } else { "scenarios" };
        problems.extend(require(
            some == scenarios,
            "scenarios",
            "both factors and scenarios, or neither",
            format!("only {found}"),
        ));
        let (path, days) = match self.scenarios {
            Some(ScenarioRule::Joint { worst_days }) => ("scenarios.worst_days", worst_days.max(1)),
            Some(ScenarioRule::History { days }) => ("scenarios.days", days),
            None => return problems,
        };
        problems.extend(require((1..=self.window).contains(&days), path, "days of the window", days));
        problems
    }

    fn volatility_problems(&self, rule: &VolatilityRule) -> Vec<Problem> {
        let mut problems = columns_problems("volatility.columns", &rule.columns);
        problems.extend(multiples_problem("volatility.multiple", rule.multiple));
        problems.extend(rule.bounds.problems("volatility.bounds", &self.limits, MAX));
        problems
    }

    fn range_problems(&self) -> Vec<Problem> {
        let places = self.volatility_ranges.iter().map(|range| format!("one{}", range.within()));
        let mut problems = repeated(places, |i| format!("volatility_ranges[{i}]"), "each model once");
        for (i, range) in self.volatility_ranges.iter().enumerate() {
            problems.extend(columns_problems(&format!("volatility_ranges[{i}].columns"), &range.columns));
            for (side, RangeRule { multiple, bounds }, most) in [("up", range.up, MAX), ("down", range.down, Ppm::ONE)]
            {
                let path = format!("volatility_ranges[{i}].{side}");
                problems.extend(multiple_problem(&format!("{path}.multiple"), multiple));
                problems.extend(bounds.problems(&format!("{path}.bounds"), &self.limits, most));
            }
        }
        problems
    }
}

impl Driven {
    /// Where in the policy its requirement is, for people.
    pub(crate) fn within(&self) -> String {
        within(None, self.mode.as_ref())
    }
}

impl VolatilityRange {
    /// Where in the policy it is, for people.
    pub(crate) fn within(&self) -> String {
        within(self.bucket.as_ref(), self.mode.as_ref())
    }
}

fn within(bucket: Option<&Name>, mode: Option<&Name>) -> String {
    let part = |what: &str, name: Option<&Name>| name.map_or_else(String::new, |name| format!(" in {what} {name}"));
    part("bucket", bucket) + &part("mode", mode)
}

fn columns_problems(path: &str, columns: &[Name]) -> Vec<Problem> {
    let mut problems = repeated(columns, |i| format!("{path}[{i}]"), "each column once");
    problems.extend(require(!columns.is_empty(), path, "at least one column", "none"));
    problems
}

fn multiple_problem(path: &str, multiple: Ppm) -> Option<Problem> {
    require((Ppm(1)..=MAX).contains(&multiple), path, format!("from {} to {MAX}", Ppm(1)), multiple)
}

/// A multiple that falls with the level would make the initial requirement the laxer one.
fn multiples_problem(path: &str, multiple: ByBasis) -> Option<Problem> {
    let ByBasis { maintenance, initial } = multiple;
    let expected = format!("multiples from {} to {MAX} with initial >= maintenance", Ppm(1));
    let found = format!("initial {initial}, maintenance {maintenance}");
    require(maintenance.0 > 0 && maintenance <= initial && initial <= MAX, path, expected, found)
}
