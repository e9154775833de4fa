//! Names resolved, and amounts brought to one scale.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;

use super::Rule;
use crate::{
    holdings::Position,
    ident::Name,
    market::{MarketIndex, PriceRange},
    policy::{Level, Policy},
    portfolio::{PortfolioMargin, Schema, power_of_ten},
    problem::Problem,
    program::{Affine, Expression, HoldingRange, holding},
    units::{Notional, Ppm, Price, ShockPpm},
    universe::{Instrument, Universe},
    vector::{Entry, Layout},
};

/// Decimal digits of a fraction in parts per million.
const PPM_DIGITS: u32 = 6;

/// A level of a policy and its universe, with every name resolved.
///
/// Amounts are integers in `10^-scale` quote units. A lot's value is `price · 10^(scale - lot_decimals - decimals)`,
/// and the scale leaves room for the decimals of everything that a rule reads, and for as many fractions in parts per
/// million as the model multiplies with.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    universe: &'a Universe,
    instruments: Vec<Resolved>,
    /// The rule that counts as the first, for the model of a bucket.
    first: usize,
    market: Layout<'a>,
    scale: u32,
}

/// A model's rule for an instrument, resolved.
#[derive(Clone, Copy, Debug)]
struct Resolved {
    instrument: usize,
    lot_decimals: u32,
    short: bool,
    price: Option<Reading>,
    debt_spread: Option<Reading>,
    surcharge: Option<Reading>,
}

impl Resolved {
    /// Most decimal places of what one lot counts for, before it is brought to the scale.
    fn decimals(&self) -> u32 {
        let readings = [self.price, self.debt_spread, self.surcharge];
        self.lot_decimals + readings.into_iter().flatten().map(|reading| reading.decimals).max().unwrap_or(0)
    }
}

/// A market entry that a rule reads.
#[derive(Clone, Copy, Debug)]
struct Reading {
    index: MarketIndex,
    decimals: u32,
}

impl<'a> Frame<'a> {
    /// Resolves the names that the model of a level uses.
    ///
    /// # Errors
    /// With every name that is unknown, or that occurs twice.
    pub fn new(policy: &'a Policy, universe: &'a Universe, level: &Level) -> Result<Self, Vec<Problem>> {
        let Some((place, model)) = policy.model.of(level) else {
            let problem = Problem::new("levels", "a mode of the model", format!("none in level {}", level.name));
            return Err(vec![problem]);
        };
        let market = Layout::new(policy, universe)?;
        let mut problems = Vec::new();
        let mut instruments: Vec<Resolved> = Vec::new();
        let (names, mut covered) = (Names::of(policy, universe, &market), BTreeSet::new());
        for rule in model.rules() {
            let path = format!("{place}{}", rule.path.strip_prefix("model").unwrap_or(&rule.path));
            match names.resolve(&rule) {
                Ok(resolved) if !covered.insert(resolved.instrument) => {
                    let path = format!("{path}.instrument");
                    problems.push(Problem::new(path, "each instrument once", format!("{} again", rule.instrument)));
                }
                Ok(resolved) => instruments.push(resolved),
                Err(problem) => problems.push(Problem { path: format!("{path}.{}", problem.path), ..problem }),
            }
        }
        for name in model.portfolios().into_iter().flat_map(PortfolioMargin::reads) {
            if !names.prices.contains_key(name) {
                let expected = "the name of a market entry of the policy";
                problems.push(Problem::new(place.clone(), expected, name.to_string()));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let places = instruments.iter().map(Resolved::decimals).max().unwrap_or(0);
        let schemas = model.portfolios().into_iter().filter_map(|model| market.schema(model));
        let scale = schemas.map(super::portfolio::scale).fold(places + PPM_DIGITS * model.fractions(), u32::max);
        Ok(Self { universe, instruments, first: 0, market, scale })
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
        self.market.entries().iter().map(|entry| entry.range).collect()
    }

    /// What a portfolio model reads of the market vector.
    pub(super) fn schema(&self, model: &PortfolioMargin) -> Option<&Schema<'a>> {
        self.market.schema(model)
    }

    /// Which holdings the policy admits, for each instrument of the universe.
    #[must_use]
    pub fn holding_ranges(&self) -> Vec<HoldingRange> {
        let mut ranges: Vec<HoldingRange> = self.universe.instruments.iter().map(not_admitted).collect();
        for resolved in &self.instruments {
            let range = &mut ranges[resolved.instrument];
            range.max = self.universe.instruments[resolved.instrument].max_lots.get();
            range.min = if resolved.short { -range.max } else { 0 };
        }
        ranges
    }

    /// The value of the holding of the model's instrument number `rule`, times the fractions.
    #[must_use]
    pub fn value(&self, rule: usize, fractions: &[Fraction]) -> Expression {
        let resolved = self.resolved(rule);
        let coefficient = match resolved.price {
            Some(price) => self.affine(resolved, price, fractions),
            None => Affine::constant(self.product(resolved.lot_decimals, fractions)),
        };
        holding(resolved.instrument).times(coefficient)
    }

    /// The value of the holding if it is owed, times the fractions: at the price and the debt spread together. Not less
    /// negative than [`Frame::value`] for what is owed, not less positive for what is held.
    #[must_use]
    pub fn debt_value(&self, rule: usize, fractions: &[Fraction]) -> Expression {
        self.value(rule, fractions) + self.read(rule, self.resolved(rule).debt_spread, fractions)
    }

    /// The holding at its surcharge, times the fractions. Zero if the rule has none.
    #[must_use]
    pub fn surcharge(&self, rule: usize, fractions: &[Fraction]) -> Expression {
        self.read(rule, self.resolved(rule).surcharge, fractions)
    }

    fn read(&self, rule: usize, reading: Option<Reading>, fractions: &[Fraction]) -> Expression {
        let resolved = self.resolved(rule);
        let times = |reading| holding(resolved.instrument).times(self.affine(resolved, reading, fractions));
        reading.map_or_else(Expression::zero, times)
    }

    fn affine(&self, resolved: Resolved, reading: Reading, fractions: &[Fraction]) -> Affine {
        Affine::price(reading.index, self.product(resolved.lot_decimals + reading.decimals, fractions))
    }

    /// The value of a position's holding, times the fractions; none if it exceeds 256 bits.
    #[must_use]
    pub fn value_of(&self, rule: usize, fractions: &[Fraction], position: &Position, prices: &[Price]) -> Option<I256> {
        let resolved = self.resolved(rule);
        match resolved.price {
            Some(_) => self.read_of(rule, resolved.price, fractions, position, prices),
            None => {
                let lots = position.lots().get(resolved.instrument)?.wide();
                lots.checked_mul(self.product(resolved.lot_decimals, fractions))
            }
        }
    }

    /// The same for what is owed at the price and the debt spread together, and for what is held at the price.
    #[must_use]
    pub fn worth_of(&self, rule: usize, fractions: &[Fraction], position: &Position, prices: &[Price]) -> Option<I256> {
        let value = self.value_of(rule, fractions, position, prices)?;
        let resolved = self.resolved(rule);
        if !position.lots().get(resolved.instrument)?.wide().is_negative() {
            return Some(value);
        }
        value.checked_add(self.read_of(rule, resolved.debt_spread, fractions, position, prices)?)
    }

    /// What [`Frame::surcharge`] is for a position.
    #[must_use]
    pub fn surcharge_of(
        &self,
        rule: usize,
        fractions: &[Fraction],
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        self.read_of(rule, self.resolved(rule).surcharge, fractions, position, prices)
    }

    fn read_of(
        &self,
        rule: usize,
        reading: Option<Reading>,
        fractions: &[Fraction],
        position: &Position,
        prices: &[Price],
    ) -> Option<I256> {
        let Some(reading) = reading else {
            return Some(I256::ZERO);
        };
        let resolved = self.resolved(rule);
        let price = prices.get(reading.index.0)?.wide();
        let lots = position.lots().get(resolved.instrument)?.wide();
        lots.checked_mul(price)?.checked_mul(self.product(resolved.lot_decimals + reading.decimals, fractions))
    }

    fn resolved(&self, rule: usize) -> Resolved {
        self.instruments[self.first + rule]
    }

    /// An amount of quote units, times the fractions.
    #[must_use]
    pub fn amount(&self, notional: Notional, fractions: &[Fraction]) -> I256 {
        self.product(0, fractions) * I256::unchecked_from(notional.get())
    }

    /// The product of fractions, as what a value with so many decimal places is multiplied with.
    fn product(&self, decimals: u32, fractions: &[Fraction]) -> I256 {
        let digits = self.scale - decimals - PPM_DIGITS * fractions.len() as u32;
        fractions.iter().fold(power_of_ten(digits), |product, fraction| product * I256::unchecked_from(fraction.0))
    }
}

/// A signed fraction in parts per million: a weight, a multiple or a shock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction(pub i64);

impl From<Ppm> for Fraction {
    fn from(ppm: Ppm) -> Self {
        Self(i64::from(ppm.0))
    }
}

impl From<ShockPpm> for Fraction {
    fn from(ShockPpm(shock): ShockPpm) -> Self {
        Self(i64::from(shock))
    }
}

impl Fraction {
    /// The sum. Fractions of a requirement are far from where it would overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The product of two fractions of a requirement, rounded up: against the account.
    #[must_use]
    pub fn product_up(a: Ppm, b: Ppm) -> Self {
        let product = u64::from(a.0) * u64::from(b.0);
        // At most 2^64 / 10^6, which fits.
        Self(product.div_ceil(1_000_000) as i64)
    }
}

fn not_admitted(instrument: &Instrument) -> HoldingRange {
    HoldingRange { name: instrument.name.clone(), min: 0, max: 0 }
}

/// What the names of instruments and market entries stand for.
struct Names<'a> {
    universe: &'a Universe,
    instruments: BTreeMap<&'a Name, usize>,
    prices: BTreeMap<&'a Name, (usize, &'a Entry)>,
}

impl<'a> Names<'a> {
    /// Market entries that a model derives for itself have no names here.
    fn of(policy: &'a Policy, universe: &'a Universe, market: &'a Layout<'_>) -> Self {
        let instruments = universe.instruments.iter().enumerate().map(|(i, instrument)| (&instrument.name, i));
        let reported = policy.market.iter().map(|entry| &entry.name);
        let names = reported.chain(policy.derived.iter().map(|entry| &entry.name));
        let prices = names.zip(market.entries()).enumerate().map(|(i, (name, entry))| (name, (i, entry)));
        Self { universe, instruments: instruments.collect(), prices: prices.collect() }
    }

    fn resolve(&self, rule: &Rule<'_>) -> Result<Resolved, Problem> {
        let Some(&instrument) = self.instruments.get(rule.instrument) else {
            let expected = format!("an instrument of the universe {}", self.universe.name);
            return Err(Problem::new("instrument", expected, rule.instrument.to_string()));
        };
        Ok(Resolved {
            instrument,
            lot_decimals: self.universe.instruments[instrument].lot_decimals.get().into(),
            short: rule.short,
            price: rule.price.map(|name| self.price(name)).transpose()?,
            debt_spread: rule.debt_spread.map(|name| Ok(self.entry("debt_spread", name)?.0)).transpose()?,
            surcharge: rule.surcharge.map(|name| Ok(self.entry("surcharge", name)?.0)).transpose()?,
        })
    }

    fn price(&self, name: &Name) -> Result<Reading, Problem> {
        let (reading, entry) = self.entry("price", name)?;
        if entry.range.min == Price::ZERO {
            let expected = "a market entry with a positive min: nothing is worth nothing";
            return Err(Problem::new("price", expected, format!("{name} with min 0")));
        }
        Ok(reading)
    }

    fn entry(&self, key: &str, name: &Name) -> Result<(Reading, &'a Entry), Problem> {
        let Some(&(index, entry)) = self.prices.get(name) else {
            return Err(Problem::new(key, "the name of a market entry of the policy", name.to_string()));
        };
        Ok((Reading { index: MarketIndex(index), decimals: entry.decimals.get().into() }, entry))
    }
}
