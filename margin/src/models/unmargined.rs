//! Positions that require nothing on top of their value, at some level.
//!
//! An account that is short what nothing is required of is sufficient until the moment in which it cannot pay: the
//! first move against it makes a loss that no margin covers. The same holds for a perpetual or a future that is held.
//! So a policy that admits such a position is refused, unless it names the instrument in [`Policy::unmargined`].
//!
//! The quote currency needs no margin: it is what everything is measured in. Nor does the debt of a lending market,
//! whose cover is the haircut of the collateral; but all collateral must then have one, unless it is priced like the
//! debt.

use std::collections::{BTreeMap, BTreeSet};

use surety_core::{ident::Name, problem::Problem, units::Price};

use super::{Model, Rule};
use crate::{
    derived::Formula,
    policy::{Level, Policy},
    universe::{InstrumentClass, Universe},
};

/// Whether anything is required of a position on top of its value at a level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Required {
    /// Where it is held, or long. What counts for less than it is worth requires the difference.
    pub(super) held: bool,
    /// Where it is owed, or short.
    pub(super) owed: bool,
    /// Whether a debt in it is a loan: it is an asset that has a haircut where it is held.
    pub(super) lendable: bool,
}

impl Required {
    pub(super) const EVER: Self = Self { held: true, owed: true, lendable: false };
}

/// What the market entries of a policy are.
pub(super) struct Entries<'a> {
    least: BTreeMap<&'a Name, Price>,
    /// The reported entry that each one is a price of the same thing as: what its instrument is worth a multiple of.
    first: BTreeMap<&'a Name, &'a Name>,
}

impl<'a> Entries<'a> {
    fn new(policy: &'a Policy) -> Self {
        let reported = policy.market.iter().map(|entry| (&entry.name, entry.min));
        let least = reported.chain(policy.derived.iter().map(|entry| (&entry.name, entry.min))).collect();
        let mut first: BTreeMap<_, _> = policy.market.iter().map(|entry| (&entry.name, &entry.name)).collect();
        for entry in &policy.derived {
            let same = match &entry.formula {
                // How many of something else it is worth. A product is a price times indices.
                Formula::Quotient(_) | Formula::Ramp(_) => None,
                formula => formula.reads().first().and_then(|name| first.get(name)).copied(),
            };
            first.insert(&entry.name, same.unwrap_or(&entry.name));
        }
        Self { least, first }
    }

    /// Whether an entry is positive at every market that the policy admits.
    pub(super) fn is_positive(&self, name: &Name) -> bool {
        self.least.get(name).is_some_and(|least| *least > Price::ZERO)
    }

    /// What something with this price is worth a multiple of: nothing but the quote currency if it has no price.
    pub(super) fn unit(&self, price: Option<&'a Name>) -> Option<&'a Name> {
        price.map(|price| self.first.get(price).copied().unwrap_or(price))
    }
}

/// A position of which nothing is required.
struct Unmargined<'a> {
    rule: Rule<'a>,
    class: InstrumentClass,
    /// The first level at which it is so.
    level: &'a Name,
    owed: bool,
    lendable: bool,
    /// What the model could require.
    remedy: &'static str,
}

impl Unmargined<'_> {
    /// Whether the policy must name it. A debt of a lendable asset and a holding that is no derivative are the policy's
    /// own choice, which is only remarked on.
    fn is_refused(&self) -> bool {
        let derivative = matches!(self.class, InstrumentClass::Perpetual | InstrumentClass::Future);
        if self.owed { !self.lendable } else { derivative }
    }

    fn problem(&self) -> Problem {
        let Self { rule, level, .. } = self;
        let key = if self.owed && rule.derived_from.is_none() && rule.price.is_some() { ".short" } else { "" };
        let side = if self.owed { "short or owed" } else { "held" };
        let expected = format!(
            "a requirement on top of its value where {} is {side}, at level {level}: {}",
            rule.instrument, self.remedy
        );
        Problem::new(format!("{}{key}", rule.path), expected, "none")
            .advise("state one, or name the instrument in the list `unmargined` of the policy if that is meant")
    }
}

/// Every position that the policy must name and does not.
pub(crate) fn problems(policy: &Policy, universe: &Universe) -> Vec<Problem> {
    let found = unmargined(policy, universe).into_iter();
    let refused = found.filter(|found| found.is_refused() && !policy.unmargined.contains(found.rule.instrument));
    refused.map(|found| found.problem()).collect()
}

/// Every position that the policy names, or need not, and that nothing is required of all the same; and every name that
/// is for nothing.
pub(crate) fn warnings(policy: &Policy, universe: &Universe) -> Vec<Problem> {
    let found = unmargined(policy, universe);
    let named: BTreeSet<_> = found.iter().map(|found| found.rule.instrument).collect();
    let stale = policy.unmargined.iter().enumerate().filter(|(_, name)| !named.contains(name));
    let stale: Vec<_> = stale
        .map(|(i, name)| {
            let expected = "an instrument of which nothing is required at some level";
            Problem::new(format!("unmargined[{i}]"), expected, format!("{name}, which always requires something"))
        })
        .collect();
    found.iter().map(|found| Problem { advice: None, ..found.problem() }).chain(stale).collect()
}

/// Every position of which nothing is required at some level, once for each side.
fn unmargined<'a>(policy: &'a Policy, universe: &'a Universe) -> Vec<Unmargined<'a>> {
    let (entries, instruments) = (Entries::new(policy), universe.positions());
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for level in &policy.levels {
        let Some((place, model)) = policy.model.of(level) else { continue };
        let rules = model.rules().into_iter().zip(model.required(&entries, level)).zip(model.remedies());
        for ((rule, required), remedy) in rules {
            let Some(&position) = instruments.get(rule.instrument) else { continue };
            let class = universe.instruments[position].class;
            if class == InstrumentClass::Cash && rule.price.is_none() {
                continue;
            }
            let path = format!("{place}{}", rule.path.strip_prefix("model").unwrap_or(&rule.path));
            let lendable = required.lendable && matches!(class, InstrumentClass::Cash | InstrumentClass::Spot);
            for (owed, free) in [(true, rule.short && !required.owed), (false, !required.held)] {
                if free && seen.insert((path.clone(), rule.instrument, owed)) {
                    let rule = Rule { path: path.clone(), ..rule.clone() };
                    found.push(Unmargined { rule, class, level: &level.name, owed, lendable, remedy });
                }
            }
        }
    }
    found
}

impl Model {
    /// Whether anything is required of the position of each rule, in their order.
    pub(super) fn required(&self, entries: &Entries<'_>, level: &Level) -> Vec<Required> {
        match self {
            Self::Collateral(model) => model.required(entries, level),
            Self::Cross(model) => model.positions.iter().map(|position| position.is_required(entries, level)).collect(),
            Self::Scenario(model) => model.positions.iter().map(|position| model.requires(position, level)).collect(),
            Self::Isolated(model) => {
                model.buckets.iter().flat_map(|bucket| bucket.model.required(entries, level)).collect()
            }
            Self::Portfolio(model) => super::portfolio::required(model, level),
            Self::Modes(model) => model.modes.iter().flat_map(|mode| mode.model.required(entries, level)).collect(),
            Self::Span(model) => model.required(level),
        }
    }

    /// What could be required of the position of each rule.
    fn remedies(&self) -> Vec<&'static str> {
        let remedy = match self {
            Self::Collateral(_) => "a haircut on all collateral that is not priced like it",
            Self::Cross(_) => "a fraction, or a liability weight above one",
            Self::Scenario(_) => "a charge, or a scenario in which it loses",
            Self::Portfolio(_) => "a contingency charge, or a scenario in which it loses",
            Self::Span(_) => "a loss in its risk array, an outright charge on its delta, or a short option minimum",
            Self::Isolated(model) => {
                return model.buckets.iter().flat_map(|bucket| bucket.model.remedies()).collect();
            }
            Self::Modes(model) => return model.modes.iter().flat_map(|mode| mode.model.remedies()).collect(),
        };
        vec![remedy; self.rules().len()]
    }
}
