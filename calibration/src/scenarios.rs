//! The scenarios that a calibration writes: joint ones, and days of history.

use std::{cmp::Reverse, collections::BTreeMap};

use surety_core::{
    ident::Name,
    units::{Ppm, ShockPpm},
};
use surety_margin::{
    models::{MarketScenario, ScenarioMargin},
    program::TailShare,
};

use crate::{
    calibration::{Calibration, Factor, ScenarioRule},
    joint::{JointScenario, all_to, joint_scenarios},
    moves::{Side, div_away},
    record::{Record, UpdateRule},
    update::{Bounds, Pace, Requirement, share_of},
    window::{Set, Window, WindowColumn},
};

/// How names of scenarios begin that a calibration wrote.
pub const PREFIX: &str = "calibrated/";

/// Writes the scenarios that a rule asks for, and says how many.
pub(crate) fn write(
    model: &mut ScenarioMargin,
    rule: ScenarioRule,
    calibration: &Calibration,
    window: &Window<'_>,
    record: &mut Record,
) -> usize {
    let written = match (rule, record.pace) {
        (ScenarioRule::Joint { worst_days }, pace) => {
            let prefix = match pace {
                Pace::Regular => PREFIX.to_owned(),
                Pace::Emergency => next_emergency(model),
            };
            let mut written = Vec::new();
            for set in window.sets() {
                let prefix = format!("{prefix}{}", within(*set));
                written.extend(joint(model, calibration, window, record, (*set, &prefix)));
                written.extend(worst_days_of(window, calibration, worst_days as usize, (*set, &prefix)));
            }
            if pace == Pace::Regular {
                model.scenarios.retain(|scenario| !scenario.name.as_str().starts_with(PREFIX));
            }
            // Stress scenarios count by the worst of them, not by a mean.
            model.tail = None;
            written
        }
        (ScenarioRule::History { days }, Pace::Regular) => {
            model.scenarios.clear();
            model.tail = TailShare::new(Ppm(Ppm::ONE.0.saturating_sub(calibration.confidence.0))).ok();
            let first = window.days.len().saturating_sub(days as usize);
            (first..window.days.len())
                .filter_map(|day| historical(window, calibration, day, (Set::Prices, PREFIX)))
                .collect()
        }
        // One more day among equally likely ones makes each count for less.
        (ScenarioRule::History { .. }, Pace::Emergency) => Vec::new(),
    };
    let count = written.len();
    model.scenarios.extend(written);
    count
}

/// How names of a set of scenarios go on.
fn within(set: Set) -> &'static str {
    match set {
        Set::Prices => "",
        Set::Liquidations => "sold/",
    }
}

/// How names of scenarios begin that the next emergency writes: with the first number that no other has taken.
fn next_emergency(model: &ScenarioMargin) -> String {
    let taken = |prefix: &String| model.scenarios.iter().any(|scenario| scenario.name.as_str().starts_with(prefix));
    let mut prefixes = (1..=model.scenarios.len() + 1).map(|number| format!("{PREFIX}e{number}/"));
    prefixes.find(|prefix| !taken(prefix)).unwrap_or_else(|| format!("{PREFIX}e/"))
}

/// The joint scenarios, with the shocks of each factor limited.
fn joint(
    model: &ScenarioMargin,
    calibration: &Calibration,
    window: &Window<'_>,
    record: &mut Record,
    (set, prefix): (Set, &str),
) -> Vec<MarketScenario> {
    let shocks: Vec<[Requirement; 2]> = calibration
        .factors
        .iter()
        .map(|factor| Side::ALL.map(|side| shock(model, factor, (side, set), window, record)))
        .collect();
    let columns = factor_columns(window, calibration);
    let names: Vec<&Name> = columns.iter().map(|column| column.name).collect();
    let scenarios = joint_scenarios(
        &names,
        |i, j| window.correlation(columns[i], columns[j]),
        |i, j| window.apart(columns[i], columns[j]),
    );
    let scenario = |JointScenario { name, shares }: JointScenario| {
        let shares: BTreeMap<&Name, i32> = names.iter().copied().zip(shares).collect();
        let moved = calibration.factors.iter().zip(&shocks).filter_map(|(factor, [down, up])| {
            let share = *shares.get(&factor.column)?;
            let whole = if share < 0 { *down } else { *up };
            Some((factor.factor.clone(), shock_ppm(share_of(whole, share))))
        });
        named(prefix, &name, moved.collect())
    };
    scenarios.into_iter().filter_map(scenario).collect()
}

/// The size of a factor's shock, which that of the last calibration limits.
fn shock(
    model: &ScenarioMargin,
    factor: &Factor,
    (side, set): (Side, Set),
    window: &Window<'_>,
    record: &mut Record,
) -> Requirement {
    // No price falls by more than all of it.
    let most = if side == Side::Down { Ppm::ONE } else { factor.bounds.cap };
    let bounds = Bounds { floor: factor.bounds.floor.min(most), cap: factor.bounds.cap.min(most) };
    let estimate = window.column(&factor.column).map_or(0, |column| column.estimate_of(set).shortfall(side));
    let rule = UpdateRule { estimate, multiple: factor.multiple, bounds };
    let sold = if set == Set::Liquidations { ", sold" } else { "" };
    let name = format!("shock {} of {}{sold}", side.name(), factor.factor);
    // Where nothing was sold before, prices were all that there was.
    let old = old_shock(model, &factor.factor, side, set);
    let old = old.or_else(|| old_shock(model, &factor.factor, side, Set::Prices));
    record.update(name, std::slice::from_ref(&factor.column), old, &rule)
}

/// The largest that a calibration has written in a set, be it a regular one or one in an emergency.
fn old_shock(model: &ScenarioMargin, factor: &Name, side: Side, set: Set) -> Option<Requirement> {
    let all = all_to(side);
    let written = model.scenarios.iter().filter(|scenario| {
        let Some(name) = scenario.name.as_str().strip_prefix(PREFIX) else { return false };
        let (before, last) = name.rsplit_once('/').map_or(("", name), |(before, last)| (before, last));
        let is_sold = before == "sold" || before.ends_with("/sold");
        last == all.as_str() && is_sold == (set == Set::Liquidations)
    });
    let shock =
        |ShockPpm(shock): &ShockPpm| Requirement(if side == Side::Down { -i64::from(*shock) } else { (*shock).into() });
    written.filter_map(|scenario| scenario.shocks.get(factor)).map(shock).max()
}

/// The columns that drive factors, in the order of the history.
fn factor_columns<'m>(window: &'m Window<'_>, calibration: &Calibration) -> Vec<&'m WindowColumn<'m>> {
    let drives = |column: &&WindowColumn<'_>| calibration.factors.iter().any(|factor| factor.column == *column.name);
    window.columns.iter().filter(drives).collect()
}

/// The days of the window on which the prices of the factors moved most, their moves added up without signs.
fn worst_days_of(window: &Window<'_>, calibration: &Calibration, count: usize, of: (Set, &str)) -> Vec<MarketScenario> {
    let columns = factor_columns(window, calibration);
    let size = |day: usize| columns.iter().map(|column| column.day(Set::Prices, day).ppb().unsigned_abs()).sum::<u64>();
    let mut days: Vec<usize> = (0..window.days.len()).collect();
    days.sort_by_key(|day| (Reverse(size(*day)), *day));
    days.into_iter().take(count).filter_map(|day| historical(window, calibration, day, of)).collect()
}

/// A day of the window as a scenario. What happened is not limited.
fn historical(
    window: &Window<'_>,
    calibration: &Calibration,
    day: usize,
    (set, prefix): (Set, &str),
) -> Option<MarketScenario> {
    let moved = calibration.factors.iter().filter_map(|factor| {
        let scenario = window.column(&factor.column)?.day(set, day);
        let ppb = scenario.scaled(factor.multiple.0.into(), Ppm::ONE.0.into()).ppb();
        let ppm = div_away(ppb.into(), 1_000);
        Some((factor.factor.clone(), shock_ppm(i64::try_from(ppm).unwrap_or(i64::MAX))))
    });
    named(prefix, &window.days[day].to_string(), moved.collect())
}

/// No price falls by more than all of it, and shocks up are far smaller than what the type holds.
fn shock_ppm(ppm: i64) -> ShockPpm {
    ShockPpm(i32::try_from(ppm.max(-i64::from(Ppm::ONE.0))).unwrap_or(i32::MAX))
}

/// A scenario. Its name is one, because columns' names are and are short.
fn named(prefix: &str, name: &str, shocks: BTreeMap<Name, ShockPpm>) -> Option<MarketScenario> {
    let name = Name::new(format!("{prefix}{name}")).ok()?;
    Some(MarketScenario { name, shocks })
}
