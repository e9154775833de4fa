//! Positions that require nothing on top of their value, at some level.
//!
//! An account that is short what nothing is required of is sufficient until the moment in which it cannot pay: the
//! first move against it makes a loss that no margin covers. The same holds for a perpetual or a future that is held.
//! So a policy that admits such a position is refused, unless its list `unmargined` names the instrument.
//!
//! The quote currency needs no margin: it is what everything is measured in. Nor does the debt of a lending market,
//! whose cover is the haircut of the collateral; but all collateral must then have one, unless it is priced like the
//! debt.

use std::collections::BTreeSet;

use surety_core::{ident::Name, problem::Problem};

use super::{
    All, Any, InstrumentRule, Model, Sum,
    inside::required_together,
    portfolio,
    required::{PriceUnits, Required},
};
use crate::{
    level::Level,
    market::NamedEntries,
    universe::{InstrumentClass, Universe},
};

/// A position of which nothing is required.
pub(crate) struct Unmargined<'a> {
    rule: InstrumentRule<'a>,
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

/// Every position that a policy must name and does not; `named` are those that it names.
pub(crate) fn problems(found: &[Unmargined<'_>], named: &[Name]) -> Vec<Problem> {
    let refused = found.iter().filter(|found| found.is_refused() && !named.contains(found.rule.instrument));
    refused.map(Unmargined::problem).collect()
}

/// Every position of which nothing is required, although the policy names it or need not; and every name without such a
/// position.
pub(crate) fn warnings(found: &[Unmargined<'_>], named: &[Name]) -> Vec<Problem> {
    let needed: BTreeSet<_> = found.iter().map(|found| found.rule.instrument).collect();
    let stale = named.iter().enumerate().filter(|(_, name)| !needed.contains(name));
    let stale = stale.map(|(i, name)| {
        let expected = "an instrument of which nothing is required at some level";
        Problem::new(format!("unmargined[{i}]"), expected, format!("{name}, which always requires something"))
    });
    found.iter().map(|found| Problem { advice: None, ..found.problem() }).chain(stale).collect()
}

/// Every position of which nothing is required at one of the levels, once for each side.
pub(crate) fn unmargined<'a>(
    model: &'a Model,
    levels: &'a [Level],
    entries: NamedEntries<'a>,
    universe: &Universe,
) -> Vec<Unmargined<'a>> {
    let (units, instruments) = (PriceUnits::new(entries), universe.positions());
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for level in levels {
        let Some((place, model)) = model.of(level) else { continue };
        let rules = model.rules().into_iter().zip(model.required(&units, level, false)).zip(model.remedies());
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
                    let rule = InstrumentRule { path: path.clone(), ..rule.clone() };
                    found.push(Unmargined { rule, class, level: &level.name, owed, lendable, remedy });
                }
            }
        }
    }
    found
}

impl Model {
    /// Whether anything is required of the position of each rule, in their order. `supported` says whether what other
    /// models have to spare supports this one.
    fn required(&self, units: &PriceUnits<'_>, level: &Level, supported: bool) -> Vec<Required> {
        match self {
            Self::Collateral(model) => model.required(units, level, supported),
            Self::Cross(model) => model.required(units, level),
            Self::Scenario(model) => model.positions.iter().map(|position| model.requires(position, level)).collect(),
            Self::Isolated(model) => {
                model.buckets.iter().flat_map(|bucket| bucket.model.required(units, level, supported)).collect()
            }
            Self::Portfolio(model) => portfolio::required(model, level),
            Self::Modes(model) => {
                model.modes.iter().flat_map(|mode| mode.model.required(units, level, supported)).collect()
            }
            Self::Span(model) => model.required(level),
            Self::Limits(model) => model.required(),
            Self::All(All { parts }) => {
                required_together(parts, |part| part.required(units, level, supported), Required::either)
            }
            // The account chooses among them.
            Self::Any(Any { parts }) => {
                required_together(parts, |part| part.required(units, level, supported), Required::both)
            }
            Self::Sum(model) => model.parts.iter().flat_map(|part| part.model.required(units, level, true)).collect(),
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
            Self::Limits(_) => "a limit on its size that is a share of the equity",
            Self::Isolated(model) => {
                return model.buckets.iter().flat_map(|bucket| bucket.model.remedies()).collect();
            }
            Self::All(All { parts }) | Self::Any(Any { parts }) | Self::Sum(Sum { parts }) => {
                return parts.iter().flat_map(|part| part.model.remedies()).collect();
            }
            Self::Modes(model) => return model.modes.iter().flat_map(|mode| mode.model.remedies()).collect(),
        };
        vec![remedy; self.rules().len()]
    }
}
