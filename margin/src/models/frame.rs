//! Names resolved, and amounts brought to one scale.

use std::collections::BTreeMap;

use alloy_primitives::I256;
use surety_core::{
    decimal::Magnitude,
    ident::Name,
    problem::Problem,
    units::{Allowance, Notional, Price, power_of_ten},
};

use super::{
    InstrumentRule, MarketVector, Measure, VectorEntry,
    cover::Cover,
    derive::{PortfolioMargin, Schema},
    fraction::Fraction,
};
use crate::{
    holdings::Position,
    market::{MarketIndex, NamedEntries, PriceRange, boxes::Read},
    program::{Affine, Expression, HoldingRange, held, holding},
    universe::{Instrument, InstrumentClass, Settlement, Universe},
};

/// Decimal digits of a fraction in parts per million.
const PPM_DIGITS: u32 = 6;

/// A level of a policy and its universe, with every name resolved.
///
/// Amounts are integers in `10^-scale` quote units. A lot's value is `price · 10^(scale - lot_decimals - decimals)`,
/// and the scale leaves room for as many fractions in parts per million as the model multiplies with.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    universe: &'a Universe,
    instruments: Vec<Resolved>,
    /// The rule that counts as the first, for the model of a bucket.
    first: usize,
    /// The places of the instruments that may be held, with whether they may be short.
    admitted: BTreeMap<usize, bool>,
    vector: MarketVector<'a>,
    scale: u32,
}

/// A model's rule for an instrument, resolved.
#[derive(Clone, Debug)]
struct Resolved {
    instrument: usize,
    price: PerLot,
    /// What is added to the price where the instrument is owed.
    debt_spread: Option<PerLot>,
    allowance: Option<Allowance>,
    measures: Vec<PerLot>,
}

impl Resolved {
    fn per_lot(&self) -> impl Iterator<Item = &PerLot> {
        self.measures.iter().chain(&self.debt_spread).chain([&self.price])
    }

    /// How many decimal places its amounts have before they are multiplied with fractions.
    fn decimals(&self) -> impl Iterator<Item = u32> {
        let allowance = self.allowance.map(|allowance| u32::from(allowance.parts().1.get()));
        self.per_lot().map(|per_lot| per_lot.decimals).chain(allowance)
    }
}

/// What a lot is multiplied with.
#[derive(Clone, Copy, Debug)]
struct PerLot {
    entry: Option<MarketIndex>,
    /// Decimal places of the product before it is brought to the scale.
    decimals: u32,
}

/// The part of a model that a level uses.
pub(super) struct Covered<'m> {
    /// The place in the policy.
    pub(super) place: String,
    pub(super) rules: Vec<InstrumentRule<'m>>,
    pub(super) cover: Cover,
    pub(super) portfolios: Vec<&'m PortfolioMargin>,
    /// How many fractions in parts per million an amount is multiplied with at most.
    pub(super) fractions: u32,
}

impl<'a> Frame<'a> {
    /// Resolves the names that the model of a level uses.
    ///
    /// # Errors
    /// With every name that is unknown, or that occurs twice.
    pub(super) fn new(
        entries: NamedEntries<'a>,
        universe: &'a Universe,
        vector: MarketVector<'a>,
        covered: &Covered<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let Covered { place, rules, cover, portfolios, fractions } = covered;
        let (mut problems, mut instruments) = (Vec::new(), Vec::<Resolved>::new());
        let names = Names::of(entries, universe, &vector);
        for (number, rule) in rules.iter().enumerate() {
            let path = format!("{place}{}", rule.path.strip_prefix("model").unwrap_or(&rule.path));
            match names.resolve(rule) {
                Ok(_) if cover.repeated.contains(&number) => {
                    let path = format!("{path}.instrument");
                    problems.push(Problem::new(path, "each instrument once", format!("{} again", rule.instrument)));
                }
                Ok(resolved) => instruments.push(resolved),
                Err(problem) => problems.push(Problem { path: format!("{path}.{}", problem.path), ..problem }),
            }
        }
        for Read { entry: name, .. } in portfolios.iter().flat_map(|model| model.reads()) {
            if !names.prices.contains_key(name) {
                let expected = "the name of a market entry of the policy";
                problems.push(Problem::new(place.clone(), expected, name.to_string()));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let places = instruments.iter().flat_map(Resolved::decimals).max().unwrap_or(0);
        let schemas = portfolios.iter().filter_map(|model| vector.schema(model));
        let scale = schemas.map(Schema::amount_scale).fold(places + PPM_DIGITS * fractions, u32::max);
        let admitted =
            cover.instruments.values().map(|(rule, short)| (instruments[*rule].instrument, *short)).collect();
        Ok(Self { universe, instruments, first: 0, admitted, vector, scale })
    }

    /// The frame of a model whose rules begin at number `first` of this one's.
    pub(super) fn part(&self, first: usize) -> Self {
        Self { first: self.first + first, ..self.clone() }
    }

    /// Decimal places of amounts.
    #[must_use]
    pub fn scale(&self) -> u32 {
        self.scale
    }

    /// The ranges of the market vector.
    #[must_use]
    pub fn prices(&self) -> Vec<PriceRange> {
        self.vector.entries().iter().map(|entry| entry.range).collect()
    }

    /// What a portfolio model reads of the market vector.
    pub(super) fn schema(&self, model: &PortfolioMargin) -> Option<&Schema<'a>> {
        self.vector.schema(model)
    }

    /// Which holdings the policy admits, for each instrument of the universe.
    #[must_use]
    pub fn holding_ranges(&self) -> Vec<HoldingRange> {
        let mut ranges: Vec<HoldingRange> = self.universe.instruments.iter().map(not_admitted).collect();
        for (instrument, short) in &self.admitted {
            let range = &mut ranges[*instrument];
            range.max = self.universe.instruments[*instrument].max_lots.get();
            range.min = if *short { -range.max } else { 0 };
        }
        ranges
    }

    /// The place in the universe of the model's instrument number `rule`.
    #[must_use]
    pub fn instrument(&self, rule: usize) -> usize {
        self.resolved(rule).instrument
    }

    /// The place in the universe of an instrument that one of the model's rules is for.
    pub(super) fn place(&self, name: &Name) -> usize {
        // A name that is unknown does not resolve.
        self.universe.position(name).unwrap_or_default()
    }

    /// How the model's instrument number `rule` is settled.
    #[must_use]
    pub fn settlement(&self, rule: usize) -> Settlement {
        self.universe.instruments[self.instrument(rule)].settlement
    }

    /// The class of the model's instrument number `rule`.
    #[must_use]
    pub fn class(&self, rule: usize) -> InstrumentClass {
        self.universe.instruments[self.instrument(rule)].class
    }

    /// The value of the holding of the model's instrument number `rule`, times the fractions.
    #[must_use]
    pub fn value(&self, rule: usize, fractions: &[Fraction]) -> Expression {
        self.amount_of(rule, self.price(rule, fractions))
    }

    /// The value of a position's holding, times the fractions; none if it exceeds 256 bits.
    #[must_use]
    pub fn value_of(&self, rule: usize, fractions: &[Fraction], position: &Position, prices: &[Price]) -> Option<I256> {
        self.amount_held(rule, &self.price(rule, fractions), position, prices)
    }

    /// The value of the holding at the price and the debt spread together, times the fractions: what it counts for
    /// where it is owed. It never exceeds [`Frame::value`] there, nor falls below it where something is held.
    #[must_use]
    pub fn debt_value(&self, rule: usize, fractions: &[Fraction]) -> Expression {
        let spread = self.debt_spread(rule, fractions).map(|spread| self.amount_of(rule, spread));
        self.value(rule, fractions) + spread.unwrap_or_else(Expression::zero)
    }

    /// What a position's holding counts for, times the fractions: its value, and with the debt spread if it is owed.
    /// None if it exceeds 256 bits.
    #[must_use]
    pub fn worth_of(&self, rule: usize, fractions: &[Fraction], position: &Position, prices: &[Price]) -> Option<I256> {
        let value = self.value_of(rule, fractions, position, prices)?;
        match self.debt_spread(rule, fractions) {
            Some(spread) if value.is_negative() => {
                value.checked_add(self.amount_held(rule, &spread, position, prices)?)
            }
            _ => Some(value),
        }
    }

    fn debt_spread(&self, rule: usize, fractions: &[Fraction]) -> Option<Affine> {
        Some(self.per_lot(self.resolved(rule).debt_spread?, I256::ONE, fractions))
    }

    /// The value of one lot, times the fractions.
    #[must_use]
    pub fn price(&self, rule: usize, fractions: &[Fraction]) -> Affine {
        self.per_lot(self.resolved(rule).price, I256::ONE, fractions)
    }

    /// What is required of the model's instrument number `rule` if anything is held or owed of it.
    #[must_use]
    pub fn allowance(&self, rule: usize) -> Expression {
        held(self.resolved(rule).instrument).times(Affine::constant(self.allowed(rule)))
    }

    /// The same for a position. None if the position has no such instrument.
    #[must_use]
    pub fn allowance_of(&self, rule: usize, position: &Position) -> Option<I256> {
        let is_held = position.lots().get(self.resolved(rule).instrument)?.get() != 0;
        Some(if is_held { self.allowed(rule) } else { I256::ZERO })
    }

    fn allowed(&self, rule: usize) -> I256 {
        let Some((atoms, decimals)) = self.resolved(rule).allowance.map(Allowance::parts) else { return I256::ZERO };
        self.product(u32::from(decimals.get()), &[]).saturating_mul(I256::unchecked_from(atoms))
    }

    /// A measure of one lot, by its place in the rule, times a number with the measure's places, times the fractions.
    #[must_use]
    pub fn measure(&self, rule: usize, measure: usize, number: i128, fractions: &[Fraction]) -> Affine {
        self.wide_measure(rule, measure, I256::unchecked_from(number), fractions)
    }

    /// The same for a number of more than 128 bits.
    #[must_use]
    pub fn wide_measure(&self, rule: usize, measure: usize, number: I256, fractions: &[Fraction]) -> Affine {
        self.per_lot(self.resolved(rule).measures[measure], number, fractions)
    }

    /// A number with so many decimal places, times the fractions.
    #[must_use]
    pub fn scaled(&self, number: I256, places: u32, fractions: &[Fraction]) -> I256 {
        // As large as a program has no room for, if it does not fit.
        self.product(places, fractions).saturating_mul(number)
    }

    /// The holding, times an amount for each lot.
    #[must_use]
    pub fn amount_of(&self, rule: usize, per_lot: Affine) -> Expression {
        holding(self.resolved(rule).instrument).times(per_lot)
    }

    /// A position's holding, times an amount for each lot; none if it exceeds 256 bits.
    #[must_use]
    pub fn amount_held(&self, rule: usize, per_lot: &Affine, position: &Position, prices: &[Price]) -> Option<I256> {
        let lots = position.lots().get(self.resolved(rule).instrument)?.wide();
        lots.checked_mul(per_lot.at(prices).ok()?)
    }

    fn resolved(&self, rule: usize) -> &Resolved {
        &self.instruments[self.first + rule]
    }

    fn per_lot(&self, per_lot: PerLot, number: I256, fractions: &[Fraction]) -> Affine {
        // What saturates is so large that no program has room for it.
        let factor = self.product(per_lot.decimals, fractions).saturating_mul(number);
        match per_lot.entry {
            Some(entry) => Affine::price(entry, factor),
            None => Affine::constant(factor),
        }
    }

    /// The value of so many units of the model's instrument number `rule`, times the fractions; with the debt spread if
    /// they are owed.
    #[must_use]
    pub fn value_of_units(&self, rule: usize, units: Magnitude, owed: bool, fractions: &[Fraction]) -> Affine {
        let resolved = self.resolved(rule);
        // A number that is not whole does not resolve.
        let lots = self.universe.instruments[resolved.instrument].whole_lots(units).unwrap_or(I256::ZERO);
        let price = self.per_lot(resolved.price, lots, fractions);
        match resolved.debt_spread.filter(|_| owed) {
            // What overflows is so large that no program has room for it.
            Some(spread) => {
                price.plus(&self.per_lot(spread, lots, fractions)).unwrap_or_else(|_| Affine::constant(I256::MAX))
            }
            None => price,
        }
    }

    /// An amount of quote units, times the fractions.
    #[must_use]
    pub fn amount(&self, notional: Notional, fractions: &[Fraction]) -> I256 {
        // As large as a program has no room for, if it does not fit.
        self.product(0, fractions).saturating_mul(I256::unchecked_from(notional.get()))
    }

    /// The product of fractions, as what a value with so many decimal places is multiplied with.
    fn product(&self, decimals: u32, fractions: &[Fraction]) -> I256 {
        let digits = self.scale - decimals - PPM_DIGITS * fractions.len() as u32;
        let times = |product: I256, fraction: &Fraction| product.saturating_mul(I256::unchecked_from(fraction.0));
        fractions.iter().fold(power_of_ten(digits), times)
    }
}

fn not_admitted(instrument: &Instrument) -> HoldingRange {
    HoldingRange { name: instrument.name.clone(), min: 0, max: 0 }
}

/// What the names of instruments and market entries stand for.
struct Names<'a> {
    universe: &'a Universe,
    instruments: BTreeMap<&'a Name, usize>,
    prices: BTreeMap<&'a Name, (usize, &'a VectorEntry)>,
}

impl<'a> Names<'a> {
    /// Market entries that a model derives for itself have no names here.
    fn of(entries: NamedEntries<'a>, universe: &'a Universe, vector: &'a MarketVector<'_>) -> Self {
        let instruments = universe.instruments.iter().enumerate().map(|(i, instrument)| (&instrument.name, i));
        let names = entries.least().map(|(name, ..)| name);
        let prices = names.zip(vector.entries()).enumerate().map(|(i, (name, entry))| (name, (i, entry)));
        Self { universe, instruments: instruments.collect(), prices: prices.collect() }
    }

    fn resolve(&self, rule: &InstrumentRule<'_>) -> Result<Resolved, Problem> {
        let Some(&instrument) = self.instruments.get(rule.instrument) else {
            let expected = format!("an instrument of the universe {}", self.universe.name);
            return Err(Problem::new("instrument", expected, rule.instrument.to_string()));
        };
        let lot_decimals = u32::from(self.universe.instruments[instrument].lot_decimals.get());
        for (key, units) in &rule.units {
            if self.universe.instruments[instrument].whole_lots(*units).is_none() {
                let expected = format!("a whole number of lots: at most {lot_decimals} decimal places");
                return Err(Problem::new(key.as_str(), expected, units.to_string()));
            }
        }
        let price = self.per_lot("price", rule.price, lot_decimals)?;
        let measure = |measure: &Measure<'_>| self.per_lot(measure.key, measure.entry, lot_decimals + measure.places);
        let measures = rule.measures.iter().map(measure).collect::<Result<_, _>>()?;
        let debt_spread = rule.debt_spread.map(|name| self.per_lot("debt_spread", Some(name), lot_decimals));
        let (allowance, debt_spread) = (rule.allowance, debt_spread.transpose()?);
        Ok(Resolved { instrument, price, debt_spread, allowance, measures })
    }

    /// A market entry, or none, times a number with so many decimal places.
    fn per_lot(&self, key: &str, entry: Option<&Name>, decimals: u32) -> Result<PerLot, Problem> {
        let Some(name) = entry else {
            return Ok(PerLot { entry: None, decimals });
        };
        let Some(&(index, entry)) = self.prices.get(name) else {
            return Err(Problem::new(key, "the name of a market entry of the policy", name.to_string()));
        };
        let decimals = decimals + u32::from(entry.decimals.get());
        Ok(PerLot { entry: Some(MarketIndex(index)), decimals })
    }
}
