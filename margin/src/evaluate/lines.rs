//! What each instrument of an account is worth and what it adds to the margin, for its holder to check by eye.

use alloy_primitives::I256;
use serde::{Serialize, Serializer};
use surety_core::{
    ident::Name,
    units::{Lots, Ppm, Price, power_of_ten},
};

use super::{EvaluateError, Quote};
use crate::{
    holdings::Position,
    level::Level,
    models::{Model, Part},
    policy::Policy,
    universe::{Instrument, InstrumentClass, Universe},
};

/// An instrument that is held or owed, at a level. As secret as the holdings.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The instrument.
    pub instrument: Name,
    /// The bucket that it counts in, for isolated margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Name>,
    /// How many units; negative if short or owed.
    pub amount: Quote,
    /// What a unit is worth at the mark, in quote units. None if the policy does not admit the instrument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Quote>,
    /// The amount times the price.
    pub value: Quote,
    /// How much of the value the equity has, rounded down. None of no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Share>,
    /// How much of the absolute value is required, rounded up; negative if the rest of the account requires more
    /// without it. None of no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fraction: Option<Share>,
    /// What the account's equity has more because of it.
    pub equity: Quote,
    /// What is required more because of it; less than nothing for a hedge.
    pub requirement: Quote,
    /// Whether its value is part of the equity, and not only what it does.
    #[serde(skip)]
    pub counts: bool,
    /// Whether it would count with its full value and require nothing, held by itself and, if it may be, owed.
    #[serde(skip)]
    pub uncharged: bool,
}

impl core::fmt::Debug for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Line(hidden)")
    }
}

/// A share in parts per million, of either sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Share(I256);

impl core::fmt::Debug for Share {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Share(hidden)")
    }
}

impl Share {
    /// `part / whole`, rounded down; none of nothing or beyond 256 bits.
    fn down(part: Quote, whole: Quote) -> Option<Self> {
        let decimals = part.decimals.max(whole.decimals);
        let (mut part, mut whole) = (part.at(decimals)?, whole.at(decimals)?);
        if whole.is_negative() {
            (part, whole) = (part.checked_neg()?, whole.checked_neg()?);
        }
        let parts = part.checked_mul(I256::unchecked_from(Ppm::ONE.0))?;
        (!whole.is_zero()).then(|| Self(parts.div_euclid(whole)))
    }

    /// `part / whole`, rounded up.
    fn up(part: Quote, whole: Quote) -> Option<Self> {
        let negated = Quote { atoms: part.atoms.checked_neg()?, ..part };
        Self::down(negated, whole).map(|Self(down)| Self(-down))
    }

    /// As a decimal number: `0.95`.
    #[must_use]
    pub fn decimal(self) -> Quote {
        Quote { atoms: self.0, decimals: 6 }
    }

    /// In percent: `95`.
    #[must_use]
    pub fn percent(self) -> Quote {
        Quote { atoms: self.0, decimals: 4 }
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.decimal().serialize(serializer)
    }
}

/// A line for each instrument that is held or owed, in the order of the universe. Where the model is a sum over
/// instruments, the lines add up to the account; where instruments offset each other, each line says what would be
/// different without its instrument. Under isolated margin that is in its own bucket.
///
/// # Errors
/// If the policy does not fit the universe, or an amount exceeds 256 bits, which no holding within the limits does.
pub fn lines(
    policy: &Policy,
    universe: &Universe,
    level: &Level,
    position: &Position,
    prices: &[Price],
) -> Result<Vec<Line>, EvaluateError> {
    let frame = policy.frame(universe, level).map_err(EvaluateError::Policy)?;
    let parts = policy.model.of(level).map(|(_, model)| model.parts(&frame)).unwrap_or_default();
    let held_position = HeldPosition { policy, universe, level, position, prices };
    let held = universe.instruments.iter().zip(position.lots()).enumerate().filter(|(_, (_, lots))| lots.get() != 0);
    let line = |(index, (instrument, lots)): (usize, (&Instrument, &Lots))| match parts
        .iter()
        .find_map(|part| Some((part, part.rule_of(index)?)))
    {
        Some((part, rule)) => held_position.line(part, rule, index, instrument, *lots),
        None => Some(not_admitted(instrument, *lots)),
    };
    held.map(line).collect::<Option<_>>().ok_or(EvaluateError::Overflow)
}

struct HeldPosition<'a> {
    policy: &'a Policy,
    universe: &'a Universe,
    level: &'a Level,
    position: &'a Position,
    prices: &'a [Price],
}

/// Equity and requirement.
type Margin = (I256, I256);

impl HeldPosition<'_> {
    fn line(&self, part: &Part<'_>, rule: usize, index: usize, instrument: &Instrument, lots: Lots) -> Option<Line> {
        let scale = part.frame.scale();
        let quote = |atoms| Quote { atoms, decimals: scale };
        let counts = part.model.counts_value(instrument.class);
        // No entry of the market is the price of what a portfolio model values, apart from perpetuals.
        let value = match part.model {
            Model::Portfolio(model) if !counts => {
                self.reported(&model.perpetual.as_ref()?.price.value, instrument, lots)?
            }
            Model::Portfolio(_) => quote(self.margin(part, &self.alone(index, lots.get())?)?.0),
            _ => quote(part.frame.value_of(rule, &[], self.position, self.prices)?),
        };
        let (with, without) = (self.margin(part, self.position)?, self.margin(part, &self.without(index))?);
        let (equity, requirement) = (quote(with.0.checked_sub(without.0)?), quote(with.1.checked_sub(without.1)?));
        let unit = power_of_ten(instrument.lot_decimals.get().into());
        // A holding's value is that of a lot times its lots.
        let price = Quote { atoms: value.atoms.checked_div(lots.wide())?.checked_mul(unit)?, ..value };
        Some(Line {
            instrument: instrument.name.clone(),
            bucket: part.bucket.cloned(),
            amount: units(instrument, lots),
            price: Some(price),
            value,
            weight: Share::down(equity, value),
            fraction: Share::up(requirement, Quote { atoms: value.atoms.checked_abs()?, ..value }),
            equity,
            requirement,
            counts,
            uncharged: counts && self.is_uncharged((part, rule), index, lots, value.atoms.checked_abs()?)?,
        })
    }

    /// What a holding is worth at a price that is reported.
    fn reported(&self, entry: &Name, instrument: &Instrument, lots: Lots) -> Option<Quote> {
        let (entry, price) =
            self.policy.market.iter().zip(self.prices).find(|(reported, _)| reported.name == *entry)?;
        let decimals = u32::from(entry.decimals.get()) + u32::from(instrument.lot_decimals.get());
        Some(Quote { atoms: lots.wide().checked_mul(price.wide())?, decimals })
    }

    /// Whether a holding counts with its full value and requires nothing but its allowance, which does not grow with
    /// it, and the same owed, if that is admitted.
    fn is_uncharged(&self, (part, rule): (&Part<'_>, usize), index: usize, lots: Lots, full: I256) -> Option<bool> {
        let amount = lots.get().abs();
        let held = self.margin(part, &self.alone(index, amount)?)?;
        let owed = self.margin(part, &self.alone(index, -amount)?)?;
        let allowance = part.frame.allowance_of(rule, &self.alone(index, amount)?)?;
        let may_be_owed = part.frame.holding_ranges().get(index)?.min < 0;
        Some(held == (full, allowance) && (!may_be_owed || owed == (-full, allowance)))
    }

    fn margin(&self, part: &Part<'_>, position: &Position) -> Option<Margin> {
        let breakdown = part.model.evaluate(&part.frame, self.level, position, self.prices)?;
        Some((breakdown.equity, breakdown.requirement))
    }

    /// This instrument and nothing else.
    fn alone(&self, index: usize, lots: i128) -> Option<Position> {
        let mut all = vec![Lots::default(); self.universe.instruments.len()];
        *all.get_mut(index)? = Lots::new(lots).ok()?;
        Some(Position::from_lots(all))
    }

    /// Everything but this instrument.
    fn without(&self, index: usize) -> Position {
        let mut all = self.position.lots().to_vec();
        all.iter_mut().skip(index).take(1).for_each(|lots| *lots = Lots::default());
        Position::from_lots(all)
    }
}

/// A holding in units, exactly.
fn units(instrument: &Instrument, lots: Lots) -> Quote {
    Quote { atoms: lots.wide(), decimals: instrument.lot_decimals.get().into() }
}

fn not_admitted(instrument: &Instrument, lots: Lots) -> Line {
    let nothing = Quote { atoms: I256::ZERO, decimals: 0 };
    Line {
        instrument: instrument.name.clone(),
        bucket: None,
        amount: units(instrument, lots),
        price: None,
        value: nothing,
        weight: None,
        fraction: None,
        equity: nothing,
        requirement: nothing,
        counts: instrument.class != InstrumentClass::Cash,
        uncharged: false,
    }
}
