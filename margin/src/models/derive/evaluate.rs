//! The margin as a number: the rules computed directly from amounts and derived values.

use alloy_primitives::I256;
use surety_core::{
    decimal::Magnitude,
    units::{Price, power_of_ten},
};

use super::{
    Quantity, ScenarioShape, Schema,
    schema::{FINE_DECIMALS, MARK, ScenarioParts, Slot},
};
use crate::{holdings::Position, level::Basis, market::MarketIndex};

/// The margin of an account at a level and what it is made of, in units of `10^-scale`. As secret as the holdings.
#[derive(Clone)]
pub struct PortfolioBreakdown {
    /// The marked value of the options.
    pub options: I256,
    /// The value of the collateral.
    pub collateral: I256,
    /// All cash.
    pub cash: I256,
    /// The results of the scenarios, in the order of the model, weighted with the level's loss factor.
    pub scenarios: Vec<ScenarioResult>,
    /// The basis contingency, not positive, weighted with the level's loss factor.
    pub basis_contingency: I256,
    /// What is charged.
    pub charges: Charges,
    /// The underlying of all perpetuals and options, long or short: what a liquidation costs a fraction of.
    pub underlying: I256,
}

/// What a scenario does to the account.
#[derive(Clone)]
pub struct ScenarioResult {
    /// What the scenario is called.
    pub label: String,
    /// The result.
    pub result: I256,
}

/// Charges, none negative.
#[derive(Clone, Copy, Default)]
pub struct Charges {
    /// On perpetuals.
    pub perpetual: I256,
    /// On naked short options.
    pub naked_shorts: I256,
    /// On collateral.
    pub collateral: I256,
    /// On what has a price of little confidence; only at the initial level.
    pub confidence: I256,
}

impl PortfolioBreakdown {
    /// Everything that the account is worth at the mark.
    #[must_use]
    pub fn equity(&self) -> Option<I256> {
        self.options.checked_add(self.collateral)?.checked_add(self.cash)
    }

    /// The worst of the basis contingency and the scenarios, weighted.
    #[must_use]
    pub fn span(&self) -> I256 {
        let results = self.scenarios.iter().map(|scenario| scenario.result);
        results.fold(self.basis_contingency, I256::min)
    }

    /// The name of what the span is.
    #[must_use]
    pub fn worst(&self) -> &str {
        let span = self.span();
        let found = self.scenarios.iter().find(|scenario| scenario.result == span);
        found.filter(|_| self.basis_contingency != span).map_or("basis contingency", |scenario| &scenario.label)
    }

    /// What is required: the charges and the span.
    #[must_use]
    pub fn requirement(&self) -> Option<I256> {
        self.charges.total()?.checked_sub(self.span())
    }

    /// Equity less requirement.
    #[must_use]
    pub fn margin(&self) -> Option<I256> {
        self.equity()?.checked_sub(self.requirement()?)
    }
}

impl Charges {
    /// Their sum.
    #[must_use]
    pub fn total(&self) -> Option<I256> {
        let Self { perpetual, naked_shorts, collateral, confidence } = *self;
        perpetual.checked_add(naked_shorts)?.checked_add(collateral)?.checked_add(confidence)
    }
}

impl Schema<'_> {
    /// The margin of a position over the schema's universe, by the market vector. None if an amount exceeds 256 bits.
    #[must_use]
    pub fn evaluate(&self, basis: Basis, position: &Position, prices: &[Price]) -> Option<PortfolioBreakdown> {
        Valuation { schema: self, basis, position, prices }.breakdown()
    }
}

/// What is evaluated.
#[derive(Clone, Copy)]
struct Valuation<'a> {
    schema: &'a Schema<'a>,
    basis: Basis,
    position: &'a Position,
    prices: &'a [Price],
}

impl Valuation<'_> {
    fn breakdown(&self) -> Option<PortfolioBreakdown> {
        let schema = self.schema;
        let marks = self.values(MARK)?;
        let mut scenarios = Vec::new();
        for (scenario, parts) in schema.model.parameters.scenarios.iter().zip(&schema.scenarios) {
            let options = self.options(parts, &marks, scenario.volatility.shape())?;
            let moved = self.linear_moves(parts, scenario.spot < Magnitude::ONE)?;
            let result = options.checked_add(moved)?;
            scenarios.push(ScenarioResult { label: scenario.to_string(), result });
        }
        let digits = schema.scale - schema.option_decimals - u32::from(schema.model.value_decimals.get());
        let collateral = |collateral| (schema.collateral[collateral], Quantity::CollateralValue { collateral });
        Some(PortfolioBreakdown {
            options: sum(marks.iter().map(|mark| mark.checked_mul(power_of_ten(digits))))?,
            collateral: self.unit_values((0..schema.collateral.len()).map(collateral))?,
            cash: sum(schema
                .cash
                .iter()
                .map(|slot| self.lots(*slot)?.checked_mul(power_of_ten(schema.scale - slot.decimals))))?,
            scenarios,
            basis_contingency: self.basis_contingency(&marks)?,
            charges: self.charges()?,
            underlying: self.underlying()?,
        })
    }

    /// The value of each expiry after a revaluation.
    fn values(&self, revaluation: usize) -> Option<Vec<I256>> {
        let value = |(expiry, slots): (usize, &Vec<Slot>)| {
            sum(slots.iter().enumerate().map(|(option, slot)| {
                let value = self.derived(Quantity::OptionValue { revaluation, expiry, option });
                self.option_lots(*slot)?.checked_mul(value)
            }))
        };
        self.schema.options.iter().enumerate().map(value).collect()
    }

    fn options(&self, parts: &ScenarioParts, marks: &[I256], shape: ScenarioShape) -> Option<I256> {
        let (basis, dampening) = (self.basis, parts.dampening);
        let mark_weight = self.derived(Quantity::MarkWeight { basis, dampening });
        let values = self.values(parts.revaluation)?;
        let results = values.iter().zip(marks).enumerate().map(|(expiry, (value, mark))| {
            let losses = self.derived(Quantity::LossWeight { basis, dampening, expiry });
            let spread = self.derived(Quantity::WeightSpread { basis, dampening, expiry });
            let excess = match self.schema.model.parameters.losses.gains_may_exceed {
                true => self.derived(Quantity::WeightExcess { basis, dampening, expiry }),
                false => I256::ZERO,
            };
            let weight = if value.is_negative() { losses } else { losses - spread + excess };
            let result = value.checked_mul(weight)?.checked_sub(mark.checked_mul(mark_weight)?)?;
            Some(match shape {
                ScenarioShape::Signed => result,
                ScenarioShape::Absolute => -result.abs(),
            })
        });
        self.weighted(sum(results)?)
    }

    fn linear_moves(&self, parts: &ScenarioParts, falls: bool) -> Option<I256> {
        let Some(shift) = parts.shift else {
            return Some(I256::ZERO);
        };
        let (schema, basis) = (self.schema, self.basis);
        let perpetual = schema.perpetual.map(|slot| (slot, Quantity::PerpetualMove { basis, shift }));
        let collateral = schema
            .risk_cancelling()
            .map(|(collateral, slot)| (slot, Quantity::CollateralMove { basis, shift, collateral }));
        let gain = self.unit_values(perpetual.into_iter().chain(collateral))?;
        Some(if falls { -gain } else { gain })
    }

    fn basis_contingency(&self, marks: &[I256]) -> Option<I256> {
        let (up, down) = (self.values(self.schema.basis_up)?, self.values(self.schema.basis_down)?);
        let worst = marks.iter().zip(up.iter().zip(&down)).enumerate().map(|(expiry, (mark, (up, down)))| {
            let worst = up.min(down).checked_sub(*mark)?.min(I256::ZERO);
            worst.checked_mul(self.derived(Quantity::BasisWeight { basis: self.basis, expiry }))
        });
        self.weighted(sum(worst)?)
    }

    fn charges(&self) -> Option<Charges> {
        let (schema, basis) = (self.schema, self.basis);
        let collateral = |collateral| (schema.collateral[collateral], Quantity::CollateralCharge { basis, collateral });
        let mut charges = Charges {
            perpetual: self.perpetual_charge(Quantity::PerpetualCharge { basis })?,
            naked_shorts: self.naked_shorts()?,
            collateral: self.unit_values((0..schema.collateral.len()).map(collateral))?,
            confidence: I256::ZERO,
        };
        if basis == Basis::Initial {
            charges.confidence = self.confidence_charge()?;
        }
        Some(charges)
    }

    fn perpetual_charge(&self, charge: Quantity) -> Option<I256> {
        match self.schema.perpetual {
            Some(slot) => self.unit_value(slot.decimals, self.lots(slot)?.abs(), charge),
            None => Some(I256::ZERO),
        }
    }

    fn naked_shorts(&self) -> Option<I256> {
        let mut naked = I256::ZERO;
        for (slots, strikes) in self.schema.options.iter().zip(&self.schema.strikes) {
            for options in strikes {
                let amount = sum(options.iter().map(|option| self.option_lots(slots[*option])))?;
                naked = naked.checked_sub(amount.min(I256::ZERO))?;
            }
        }
        self.unit_value(self.schema.option_decimals, naked, Quantity::NakedShortCharge { basis: self.basis })
    }

    fn underlying(&self) -> Option<I256> {
        let options = sum(self.schema.options.iter().map(|slots| self.option_sizes(slots)))?;
        let options = self.unit_value(self.schema.option_decimals, options, Quantity::Underlying)?;
        options.checked_add(self.perpetual_charge(Quantity::Underlying)?)
    }

    /// How many of these options there are, long and short.
    fn option_sizes(&self, slots: &[Slot]) -> Option<I256> {
        sum(slots.iter().map(|slot| Some(self.option_lots(*slot)?.abs())))
    }

    fn confidence_charge(&self) -> Option<I256> {
        let schema = self.schema;
        let collateral = |collateral| (schema.collateral[collateral], Quantity::CollateralConfidence { collateral });
        let any_perpetual = match schema.perpetual {
            Some(slot) => !self.lots(slot)?.is_zero(),
            None => false,
        };
        let options = schema.options.iter().enumerate().map(|(expiry, slots)| {
            let charge = |quantity| self.unit_value(schema.option_decimals, self.option_sizes(slots)?, quantity);
            let own = charge(Quantity::OptionConfidence { expiry })?;
            match any_perpetual {
                true => own.checked_add(charge(Quantity::OptionConfidenceBesidePerpetuals { expiry })?),
                false => Some(own),
            }
        });
        let options = sum(options)?;
        let collateral = self.unit_values((0..schema.collateral.len()).map(collateral))?;
        options.checked_add(collateral)?.checked_add(self.perpetual_charge(Quantity::PerpetualConfidence)?)
    }

    /// Brings option values times a weight to the scale.
    fn weighted(&self, value: I256) -> Option<I256> {
        let decimals = self.schema.option_decimals + u32::from(self.schema.model.value_decimals.get());
        value.checked_mul(power_of_ten(self.schema.scale - decimals - u32::from(FINE_DECIMALS)))
    }

    /// What lots are worth, at the scale, with a derived value for each unit.
    fn unit_value(&self, decimals: u32, lots: I256, value: Quantity) -> Option<I256> {
        let digits = self.schema.scale - decimals - u32::from(FINE_DECIMALS);
        lots.checked_mul(self.derived(value))?.checked_mul(power_of_ten(digits))
    }

    fn unit_values(&self, values: impl Iterator<Item = (Slot, Quantity)>) -> Option<I256> {
        sum(values.map(|(slot, value)| self.unit_value(slot.decimals, self.lots(slot)?, value)))
    }

    fn lots(&self, slot: Slot) -> Option<I256> {
        Some(self.position.lots().get(slot.instrument)?.wide())
    }

    /// The lots of an option, at the common decimals of options.
    fn option_lots(&self, slot: Slot) -> Option<I256> {
        self.lots(slot)?.checked_mul(power_of_ten(self.schema.option_decimals - slot.decimals))
    }

    /// A derived value; zero if the model has none of the kind.
    fn derived(&self, quantity: Quantity) -> I256 {
        let value = self.schema.position(quantity).and_then(|MarketIndex(index)| self.prices.get(index));
        value.map_or(I256::ZERO, |value| value.wide())
    }
}

fn sum(terms: impl IntoIterator<Item = Option<I256>>) -> Option<I256> {
    terms.into_iter().try_fold(I256::ZERO, |sum, term| sum.checked_add(term?))
}
