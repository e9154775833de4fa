//! Rules of instruments: what a model says of each one that it covers.

use surety_core::{decimal::Magnitude, ident::Name, units::Allowance};

use crate::market::{
    Tighter,
    boxes::{Read, Role},
    tightening::Reading,
};

/// What every model says of an instrument that it covers.
#[derive(Clone, Debug)]
pub struct InstrumentRule<'a> {
    /// Where the policy says it.
    pub path: String,
    /// The instrument.
    pub instrument: &'a Name,
    /// The market entry that prices it, or none for one quote unit per unit.
    pub price: Option<&'a Name>,
    /// The market entry that a portfolio model derives its worth from, where there is no price.
    pub derived_from: Option<&'a Name>,
    /// The market entry that is added to the price where the instrument is short or owed.
    pub debt_spread: Option<&'a Name>,
    /// Whether the holding may be negative: short, or owed.
    pub short: bool,
    /// Whether a lower price may count for the account although nothing can be owed, as where exposure is limited.
    pub exposure: bool,
    /// Whether no margin falls as the price of what is held rises.
    pub grows: bool,
    /// Whether a tier may let more require less: then no market entry moves margins one way only.
    pub jumps: bool,
    /// Whether its holdings are sizes of open orders, which have no value.
    pub order: bool,
    /// What is required if anything is held or owed, however much.
    pub allowance: Option<Allowance>,
    /// What else the model multiplies the holding with.
    pub measures: Vec<Measure<'a>>,
    /// The numbers of units that tiers end at, with their keys from the place of the rule.
    pub units: Vec<(String, Magnitude)>,
}

/// What a model multiplies a holding with beside its price: a market entry, a number of its own, or both.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// The key that names the market entry, from the place of the rule.
    pub key: &'static str,
    /// The market entry.
    pub entry: Option<&'a Name>,
    /// What the market entry does.
    pub role: Role,
    /// Whether it says how the value moves: then it does more for an option.
    pub is_sensitivity: bool,
    /// Decimal places of the number.
    pub places: u32,
    /// Which way of the market entry's moves no margin grows in, if there is one.
    pub tighter: Option<Tighter>,
}

impl<'a> InstrumentRule<'a> {
    /// A rule that reads the price only.
    #[must_use]
    pub fn new(path: String, instrument: &'a Name, price: Option<&'a Name>, short: bool) -> Self {
        Self {
            path,
            instrument,
            price,
            derived_from: None,
            debt_spread: None,
            short,
            exposure: false,
            grows: false,
            jumps: false,
            order: false,
            allowance: None,
            measures: Vec::new(),
            units: Vec::new(),
        }
    }

    /// The market entries that it reads by itself. What is derived from others is read by portfolio margin. `restores`
    /// says whether a price and a debt spread make the price before something was subtracted.
    pub(super) fn reads(&self, is_option: bool, restores: impl Fn(&Name, &Name) -> bool) -> Vec<Read<'a>> {
        let read = |key, entry, role| Read { path: format!("{}.{key}", self.path), entry, role };
        let restored = self.price.zip(self.debt_spread).is_some_and(|(price, spread)| restores(price, spread));
        let price = match is_option {
            true => Role::Option,
            false if self.exposure || self.short && !restored => Role::Price,
            false => Role::Held,
        };
        let price = self.price.map(|entry| read("price", entry, price));
        let spread = self.debt_spread.map(|entry| read("debt_spread", entry, Role::Added));
        let measures = self.measures.iter().filter_map(|measure| {
            let role = if is_option && measure.is_sensitivity { Role::Option } else { measure.role };
            Some(read(measure.key, measure.entry?, role))
        });
        price.into_iter().chain(spread).chain(measures).collect()
    }

    /// The market entries that it reads by itself, each with the way in which no margin grows. `restored` finds what a
    /// price and a debt spread add up to.
    pub(super) fn readings(&self, restored: impl Fn(&Name, &Name) -> Option<&'a Name>) -> Vec<Reading<'a>> {
        let reading = |key, entry, tighter| Reading { path: format!("{}.{key}", self.path), entry, tighter };
        let whole = self.price.zip(self.debt_spread).and_then(|(price, spread)| restored(price, spread));
        let one_way = self.grows && !self.jumps && (!self.short || whole.is_some());
        let price = self.price.map(|entry| reading("price", entry, one_way.then_some(Tighter::Lower)));
        let higher = (!self.jumps).then_some(Tighter::Higher);
        let spread = whole.or(self.debt_spread).map(|entry| reading("debt_spread", entry, higher));
        let measures = self.measures.iter();
        let measures = measures.filter_map(|measure| Some(reading(measure.key, measure.entry?, measure.tighter)));
        price.into_iter().chain(spread).chain(measures).collect()
    }
}

/// The numbers of units that tiers end at, with their keys. `ends` are those of the list `key`.
pub(super) fn units_of(key: &str, ends: impl Iterator<Item = Option<Magnitude>>) -> Vec<(String, Magnitude)> {
    let ends = ends.enumerate();
    ends.filter_map(|(t, units)| Some((format!("{key}[{t}].up_to_units"), units?))).collect()
}

/// The rules of a list, with their places in it.
pub(super) fn numbered<'a, T>(
    list: &str,
    items: &'a [T],
    rule: impl Fn(&'a T, String) -> InstrumentRule<'a>,
) -> Vec<InstrumentRule<'a>> {
    items.iter().enumerate().map(|(i, item)| rule(item, format!("{list}[{i}]"))).collect()
}
