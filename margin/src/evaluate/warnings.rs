//! What looks wrong about an account: mistakes that a margin does not show, for its holder to see.

use core::fmt;
use std::collections::BTreeMap;

use alloy_primitives::I256;
use serde::Serialize;
use surety_core::ident::Name;

use super::{Line, Quote};
use crate::{
    holdings::{Leg, Position},
    universe::{Instrument, InstrumentClass, Universe},
};

/// How many times larger or smaller than the mark price an entry price is unusual, and of what part of its limit a
/// holding is.
const FAR: i128 = 10;

/// Something that looks wrong. As secret as the holdings.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What kind of thing.
    pub kind: WarningKind,
    /// The instrument.
    pub instrument: Name,
    /// What is the matter, and what to do.
    pub message: String,
}

/// What kind of thing looks wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningKind {
    /// A derivative counts with its full value, and no balance carries what it cost.
    NoQuoteLeg,
    /// A quote balance is much less than the derivatives whose cost it carries are worth.
    SmallQuoteLeg,
    /// A position cost much more or much less than it is worth.
    FarFromMark,
    /// No level of the policy charges anything for an instrument, held or owed.
    Uncharged,
    /// A holding is a large part of what the universe allows.
    NearLimit,
}

impl fmt::Debug for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Warning(hidden)")
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What looks wrong about a position, of which `levels` has the lines at each level, and whose files had these quote
/// legs.
#[must_use]
pub fn warnings(universe: &Universe, position: &Position, levels: &[&[Line]], legs: &[Leg]) -> Vec<Warning> {
    let mut lines: BTreeMap<&Name, Vec<&Line>> = BTreeMap::new();
    for line in levels.iter().copied().flatten().filter(|line| line.price.is_some()) {
        lines.entry(&line.instrument).or_default().push(line);
    }
    let inspection = Inspection { universe, lines, legs };
    let held = universe.instruments.iter().zip(position.lots()).filter(|(_, lots)| lots.get() != 0);
    let mut warnings = inspection.quote_warnings();
    for (instrument, lots) in held {
        warnings.extend(inspection.warnings_of(instrument));
        if lots.get().saturating_abs().saturating_mul(FAR) > instrument.max_lots.get() {
            let Instrument { name, max_lots, .. } = instrument;
            let message = format!(
                "{name}: more than a tenth of the {} lots that the universe allows; nothing can be proven beyond them",
                max_lots.get()
            );
            warnings.push(Warning { kind: WarningKind::NearLimit, instrument: name.clone(), message });
        }
    }
    warnings
}

struct Inspection<'a> {
    universe: &'a Universe,
    /// The lines of each instrument that the policy admits, level by level.
    lines: BTreeMap<&'a Name, Vec<&'a Line>>,
    legs: &'a [Leg],
}

impl Inspection<'_> {
    /// The line of an instrument at the first level that admits it.
    fn line(&self, instrument: &Name) -> Option<&Line> {
        self.lines.get(instrument)?.first().copied()
    }

    fn warnings_of(&self, instrument: &Instrument) -> Vec<Warning> {
        let Some(line) = self.line(&instrument.name) else { return Vec::new() };
        let name = &instrument.name;
        let warning = |kind, message| Warning { kind, instrument: name.clone(), message };
        let mut warnings = Vec::new();
        if instrument.is_paid_contract() {
            let message = format!(
                "{name}: the universe says that this {} is paid for in cash: it counts with its full value of {}, \
                 whatever \
                 it cost; only options are",
                instrument.class, line.value
            );
            warnings.push(warning(WarningKind::NoQuoteLeg, message));
        }
        for leg in self.legs.iter().filter(|leg| leg.instrument == *name) {
            if let Some((entry, mark)) = self.far_from_mark(line, leg) {
                let message = format!(
                    "{name}: it cost {entry} where the mark makes it {mark}, more than ten times as much or as little; \
                     is \
                     the price for one unit, and in {}?",
                    leg.quote
                );
                warnings.push(warning(WarningKind::FarFromMark, message));
            }
        }
        let uncharged = self.lines.get(name).is_some_and(|lines| lines.iter().all(|line| line.uncharged));
        if uncharged && instrument.class != InstrumentClass::Cash {
            let message = format!(
                "{name}: no level of the policy takes a haircut or requires anything, held or owed; is its fraction, \
                 charge \
                 or weight missing?"
            );
            warnings.push(warning(WarningKind::Uncharged, message));
        }
        warnings
    }

    /// What a position cost and what it is worth, if one is many times the other. A cost of zero says that the quote
    /// balance carries it, and is no price.
    fn far_from_mark(&self, line: &Line, leg: &Leg) -> Option<(Quote, Quote)> {
        let quote = &self.universe.instruments[self.universe.position(&leg.quote)?];
        let cost = Quote { atoms: leg.lots.wide().checked_abs()?, decimals: quote.lot_decimals.get().into() };
        let price = line.price?;
        let worth = Quote {
            atoms: price.atoms.checked_mul(leg.position.wide())?.checked_abs()?,
            decimals: price.decimals + line.amount.decimals,
        };
        let is_far = !cost.atoms.is_zero() && (exceeds(cost, worth) || exceeds(worth, cost));
        is_far.then_some((cost, worth))
    }

    /// What is wrong with the balances that carry what derivatives cost.
    fn quote_warnings(&self) -> Vec<Warning> {
        let mut carried: BTreeMap<Option<usize>, Vec<&Line>> = BTreeMap::new();
        for instrument in self.universe.instruments.iter().filter(|instrument| instrument.is_carried()) {
            if let Some(line) = self.line(&instrument.name).filter(|line| line.counts) {
                let stated = self.legs.iter().find(|leg| leg.instrument == instrument.name);
                let stated = stated.and_then(|leg| self.universe.position(&leg.quote));
                carried.entry(stated.or_else(|| self.universe.quote_of(instrument).ok())).or_default().push(line);
            }
        }
        carried.into_iter().flat_map(|(quote, lines)| self.quote_warning(quote, &lines)).collect()
    }

    /// The same of one quote balance, or of all cash where the universe does not say which one it is.
    fn quote_warning(&self, quote: Option<usize>, derivatives: &[&Line]) -> Vec<Warning> {
        let quotes = self.universe.instruments.iter().enumerate();
        let quotes = quotes.filter(|(i, instrument)| match quote {
            Some(quote) => *i == quote,
            None => instrument.class == InstrumentClass::Cash,
        });
        let balances = quotes.clone().filter_map(|(_, instrument)| Some(self.line(&instrument.name)?.value));
        let (Some(balance), Some(worth)) = (sum(balances), sum(derivatives.iter().map(|line| line.value))) else {
            return Vec::new();
        };
        let names = quotes.map(|(_, instrument)| instrument.name.as_str()).collect::<Vec<_>>().join(", ");
        let advice = "state entry_price, cost or unrealised_pnl in the file of holdings";
        if balance.atoms.is_zero() {
            let warning = |line: &&Line| Warning {
                kind: WarningKind::NoQuoteLeg,
                instrument: line.instrument.clone(),
                message: format!(
                    "{}: a derivative without a quote leg: it counts with its full value of {}, and the balance of \
                     {names} \
                     that would carry what it cost is zero; {advice}",
                    line.instrument, line.value
                ),
            };
            return derivatives.iter().map(warning).collect();
        }
        let name = derivatives.iter().map(|line| line.instrument.as_str()).collect::<Vec<_>>().join(", ");
        let small = exceeds(absolute(worth), absolute(balance));
        let warning = derivatives.first().filter(|_| small).map(|line| Warning {
            kind: WarningKind::SmallQuoteLeg,
            instrument: line.instrument.clone(),
            message: format!(
                "{name}: worth {worth} in all, while the balance of {names}, which carries what that cost, is \
                 {balance}; if \
                 it does not carry it, {advice}"
            ),
        });
        warning.into_iter().collect()
    }
}

fn absolute(quote: Quote) -> Quote {
    Quote { atoms: quote.atoms.saturating_abs(), ..quote }
}

/// Whether one amount is more than ten times another; both are not negative.
fn exceeds(large: Quote, small: Quote) -> bool {
    let decimals = large.decimals.max(small.decimals);
    let tenfold = |quote: Quote| quote.at(decimals)?.checked_mul(I256::unchecked_from(FAR));
    match (large.at(decimals), tenfold(small)) {
        (Some(large), Some(tenfold)) => large > tenfold,
        _ => false,
    }
}

/// None if it exceeds 256 bits.
fn sum(amounts: impl IntoIterator<Item = Quote>) -> Option<Quote> {
    amounts.into_iter().try_fold(Quote { atoms: I256::ZERO, decimals: 0 }, |sum, amount| {
        let decimals = sum.decimals.max(amount.decimals);
        Some(Quote { atoms: sum.at(decimals)?.checked_add(amount.at(decimals)?)?, decimals })
    })
}
