//! Parameter entries: the way that each may move without any account's margin becoming larger.
//!
//! A parameter that is an entry of the market vector, such as a weight, is signed by oracle nodes like a price. The end
//! of its box that makes margins largest is what a policy approves; every other number in the box tightens. That holds
//! for every account if all that is read of the entry moves one way, which this module follows from the model back
//! through the formulas:
//!
//! | read | a margin never grows as it |
//! |---|---|
//! | the price of what counts for nothing but a share of its value, and is never owed | falls |
//! | the same, where a debt spread restores the price of what is owed | falls |
//! | a debt spread, a surcharge, a requirement | rises |
//! | anything else | |
//!
//! A smaller margin is tighter only where sufficiency is claimed, so no level beside a parameter entry claims that a
//! margin is negative.
//!
//! Formulas keep the way of each part, except for a divisor and for what is subtracted, which have the other one. All
//! numbers are at least zero, and both roundings are monotone.

use std::collections::BTreeMap;

use surety_core::{ident::Name, problem::Problem, units::Decimals};

use super::{
    NamedEntries, Tighter,
    derived::{DerivedEntry, Formula, Rounding},
};

/// A market entry that a model reads, and the way in which a margin never grows as it moves.
#[derive(Clone, Debug)]
pub(crate) struct Reading<'a> {
    /// Where the policy says so.
    pub(crate) path: String,
    /// The entry.
    pub(crate) entry: &'a Name,
    /// The way; none if a margin may grow in both.
    pub(crate) tighter: Option<Tighter>,
}

/// The ways in which a margin may shrink as an entry moves, each with a first reader.
type Ways = BTreeMap<Tighter, String>;

impl Formula {
    /// The entries that it reads, each with whether it rises as the entry falls.
    fn turns(&self) -> Vec<(&Name, bool)> {
        match self {
            Self::Quotient([first, second]) | Self::Difference([first, second]) => vec![(first, false), (second, true)],
            _ => self.reads().into_iter().map(|name| (name, false)).collect(),
        }
    }
}

impl<'a> NamedEntries<'a> {
    /// The entry that a price and a debt spread add up to at every market, where the price is never above it: a debt
    /// then counts at that entry, whatever the price is.
    pub(crate) fn restored(self, price: &Name, spread: &Name) -> Option<&'a Name> {
        let (price, spread) = (self.derived(price)?, self.derived(spread)?);
        let Formula::Difference([whole, less]) = &spread.formula else { return None };
        let exact = spread.decimals >= price.decimals && spread.decimals >= self.decimals(whole)?;
        let never_above = price.rounding == Rounding::Down && self.is_part(price, whole);
        (*less == price.name && exact && never_above).then_some(whole)
    }

    /// Whether a formula gives no more than an entry: a share of it, or what is left of it.
    fn is_part(self, entry: &DerivedEntry, whole: &Name) -> bool {
        match &entry.formula {
            Formula::Product(names) => {
                let mut factors: Vec<_> = names.iter().collect();
                let place = factors.iter().position(|name| *name == whole);
                place.is_some_and(|place| {
                    factors.remove(place);
                    factors.into_iter().all(|name| self.is_share(name))
                })
            }
            Formula::Difference([first, _]) => first == whole,
            _ => false,
        }
    }

    /// Whether the box of an entry has nothing above one.
    pub(crate) fn is_share(self, name: &Name) -> bool {
        let reported = self.reported.iter().map(|entry| (&entry.name, entry.decimals, entry.max));
        let derived = self.derived.iter().map(|entry| (&entry.name, entry.decimals, entry.max));
        let mut all = reported.chain(derived);
        all.any(|(it, decimals, max)| it == name && max.get() <= one(decimals))
    }

    /// Whether an entry is a parameter.
    pub(crate) fn is_parameter(self, name: &Name) -> bool {
        self.reported.iter().any(|entry| entry.name == *name && entry.tighter.is_some())
    }

    fn derived(self, name: &Name) -> Option<&'a DerivedEntry> {
        self.derived.iter().find(|entry| entry.name == *name)
    }

    fn decimals(self, name: &Name) -> Option<Decimals> {
        self.least().find(|(it, ..)| *it == name).map(|(_, decimals, _)| decimals)
    }
}

fn one(decimals: Decimals) -> u128 {
    10_u128.pow(decimals.get().into())
}

/// Every entry that says which way it tightens, and does not, given what a model reads.
pub(crate) fn problems(entries: NamedEntries<'_>, readings: Vec<Reading<'_>>) -> Vec<Problem> {
    let ways = ways(entries, readings);
    let parameters = entries.reported.iter().enumerate();
    parameters
        .filter_map(|(i, entry)| {
            let stated = entry.tighter?;
            let path = format!("market[{i}].tighter");
            let Some(ways) = ways.get(&entry.name) else {
                let expected = "a market entry that the model reads, by itself or through a formula";
                return Some(Problem::new(path, expected, format!("{}, which it does not", entry.name)));
            };
            let (_, reader) = ways.iter().find(|(way, _)| **way != stated)?;
            let expected = format!("a market entry that only tightens as it gets {}", stated.word());
            let found = format!("{}, which {reader} reads: there a margin may grow", entry.name);
            Some(Problem::new(path, expected, found).advise(ADVICE))
        })
        .collect()
}

const ADVICE: &str = "let it be a weight in the price of what is held, with a debt spread that restores the price of \
                      what is owed, or a fraction in a surcharge or a requirement";

/// The ways of every entry, which `readings` have by themselves and derived entries pass on.
fn ways<'a>(entries: NamedEntries<'a>, readings: Vec<Reading<'a>>) -> BTreeMap<&'a Name, Ways> {
    let mut ways: BTreeMap<&Name, Ways> = BTreeMap::new();
    for Reading { path, entry, tighter } in readings {
        let own = tighter.map_or_else(|| vec![Tighter::Lower, Tighter::Higher], |tighter| vec![tighter]);
        for way in own {
            ways.entry(entry).or_default().entry(way).or_insert_with(|| path.clone());
        }
    }
    // Backwards, because an entry is derived from entries before it.
    for (i, entry) in entries.derived.iter().enumerate().rev() {
        let own: Vec<_> = ways.get(&entry.name).into_iter().flat_map(|ways| ways.keys().copied()).collect();
        for ((name, turns), way) in
            entry.formula.turns().into_iter().flat_map(|turn| own.iter().map(move |way| (turn, *way)))
        {
            let reader = || format!("derived[{i}] ({})", entry.name);
            let way = if turns { way.opposite() } else { way };
            ways.entry(name).or_default().entry(way).or_insert_with(reader);
        }
    }
    ways
}
