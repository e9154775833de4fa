//! The margin as an expression over derived values.
//!
//! The value of an expiry after a revaluation is summed once, as a positive and a negative part; every scenario that
//! revalues in the same way reads those two.

use alloy_primitives::I256;
use surety_core::{
    decimal::Magnitude,
    units::{Lots, Ppm, power_of_ten},
};

use super::{
    Quantity, ScenarioShape, Schema,
    schema::{FINE_DECIMALS, MARK, ScenarioParts, Slot},
};
use crate::{
    integers::greatest_common_divisor,
    level::Basis,
    program::{Affine, Expression, Scenario, abs, held, holding, once, positive_part, where_one, worst_of},
};

impl Schema<'_> {
    /// The margin at a level, at the schema's scale times the common denominator of the fractions in lowest terms: what
    /// must not be negative. The requirement, which is everything but equity, is multiplied by `multiple`; a
    /// liquidation costs a fraction of the underlying of all perpetuals and options.
    #[must_use]
    pub fn margin(&self, basis: Basis, multiple: Ppm, liquidation_cost: Ppm) -> Expression {
        let divisor = common_divisor(multiple, liquidation_cost);
        let times = |expression: Expression, factor: u32| {
            expression.times(Affine::constant(I256::unchecked_from(factor / divisor)))
        };
        let requirement = self.span(basis) - self.charges(basis);
        let margin = times(self.equity(), Ppm::ONE.0) + times(requirement, multiple.0);
        if liquidation_cost == Ppm(0) { margin } else { margin - times(self.underlying(), liquidation_cost.0) }
    }

    /// What a quote unit counts for in [`Schema::margin`]: the schema's scale, and the common denominator.
    #[must_use]
    pub fn unit(&self, multiple: Ppm, liquidation_cost: Ppm) -> I256 {
        let denominator = Ppm::ONE.0 / common_divisor(multiple, liquidation_cost);
        power_of_ten(self.scale).saturating_mul(I256::unchecked_from(denominator))
    }

    /// The underlying of all perpetuals and options, long or short.
    fn underlying(&self) -> Expression {
        let perpetual = self.perpetual.map(|slot| {
            let size = abs(holding(slot.instrument));
            self.unit_value(slot, size, Quantity::Underlying)
        });
        let options = self.expiries().map(|expiry| self.option_sizes(expiry)).sum();
        perpetual.unwrap_or_else(Expression::zero) + self.unit_value(self.option_unit(), options, Quantity::Underlying)
    }

    fn equity(&self) -> Expression {
        let shift = self.scale - self.option_decimals - u32::from(self.model.value_decimals.get());
        let options = self.total_mark().times(Affine::constant(power_of_ten(shift)));
        let cash = self.cash.iter().map(|slot| self.lots(*slot, self.scale));
        let collateral = |(collateral, slot): (usize, &Slot)| {
            self.unit_value(*slot, holding(slot.instrument), Quantity::CollateralValue { collateral })
        };
        let collateral = self.collateral.iter().enumerate().map(collateral).sum::<Expression>();
        options + cash.sum() + collateral
    }

    /// The smallest of the basis contingency and the scenarios, weighted.
    fn span(&self, basis: Basis) -> Expression {
        let contingency = Scenario { label: "basis contingency".to_owned(), value: self.basis_contingency(basis) };
        let mut scenarios = vec![contingency];
        for (scenario, parts) in self.model.parameters.scenarios.iter().zip(&self.scenarios) {
            let options = match scenario.volatility.shape() {
                ScenarioShape::Signed => self.options_signed(basis, parts),
                ScenarioShape::Absolute => self.options_absolute(basis, parts),
            };
            let value = options + self.linear_moves(basis, parts, scenario.spot);
            scenarios.push(Scenario { label: scenario.to_string(), value });
        }
        worst_of(scenarios)
    }

    /// `Σ_e weight·min(0, U_e - M_e, L_e - M_e)`
    fn basis_contingency(&self, basis: Basis) -> Expression {
        let expiry = |expiry| {
            let fall = |revaluation| self.value(expiry, MARK) - self.value(expiry, revaluation);
            let (up, down) = (fall(self.basis_up), fall(self.basis_down));
            // The larger fall: `max(0, a, b)` is the positive part of `a + max(0, b - a)`.
            let larger = positive_part(up.clone() + positive_part(down - up));
            self.weighted(-larger, Quantity::BasisWeight { basis, expiry })
        };
        self.expiries().map(expiry).sum()
    }

    /// `Σ_e G_e - M_e`
    fn options_signed(&self, basis: Basis, parts: &ScenarioParts) -> Expression {
        let discounted = |expiry| self.discounted(basis, parts, expiry);
        let sum = self.expiries().map(discounted).sum::<Expression>();
        let mark = Quantity::MarkWeight { basis, dampening: parts.dampening };
        sum - self.weighted(self.total_mark(), mark)
    }

    /// `-Σ_e |G_e - M_e|`
    fn options_absolute(&self, basis: Basis, parts: &ScenarioParts) -> Expression {
        let mark = Quantity::MarkWeight { basis, dampening: parts.dampening };
        let against = |expiry| {
            let discounted = self.discounted(basis, parts, expiry);
            -abs(discounted - self.weighted(self.value(expiry, MARK), mark))
        };
        self.expiries().map(against).sum()
    }

    /// The weighted value of an expiry: the weight for losses, less the spread on what is positive, and more by the
    /// excess where gains may count more.
    fn discounted(&self, basis: Basis, parts: &ScenarioParts, expiry: usize) -> Expression {
        let (value, dampening) = (self.value(expiry, parts.revaluation), parts.dampening);
        let gains = positive_part(value.clone());
        let loss = self.weighted(value, Quantity::LossWeight { basis, dampening, expiry });
        let weighted = loss - self.weighted(gains.clone(), Quantity::WeightSpread { basis, dampening, expiry });
        match self.model.parameters.losses.gains_may_exceed {
            true => weighted + self.weighted(gains, Quantity::WeightExcess { basis, dampening, expiry }),
            false => weighted,
        }
    }

    /// What perpetuals and risk-cancelling collateral gain or lose.
    fn linear_moves(&self, basis: Basis, parts: &ScenarioParts, spot: Magnitude) -> Expression {
        let Some(shift) = parts.shift else {
            return Expression::zero();
        };
        let mut sum = Expression::zero();
        if let Some(slot) = self.perpetual {
            sum = sum + self.unit_value(slot, holding(slot.instrument), Quantity::PerpetualMove { basis, shift });
        }
        for (collateral, slot) in self.risk_cancelling() {
            let moved = Quantity::CollateralMove { basis, shift, collateral };
            sum = sum + self.unit_value(slot, holding(slot.instrument), moved);
        }
        if spot < Magnitude::ONE { -sum } else { sum }
    }

    fn charges(&self, basis: Basis) -> Expression {
        let mut sum = Expression::zero();
        if let Some(slot) = self.perpetual {
            let size = abs(holding(slot.instrument));
            sum = sum + self.unit_value(slot, size.clone(), Quantity::PerpetualCharge { basis });
            if basis == Basis::Initial {
                sum = sum + self.unit_value(slot, size, Quantity::PerpetualConfidence);
            }
        }
        for (collateral, slot) in self.collateral.iter().enumerate() {
            let size = holding(slot.instrument);
            sum = sum + self.unit_value(*slot, size.clone(), Quantity::CollateralCharge { basis, collateral });
            if basis == Basis::Initial {
                sum = sum + self.unit_value(*slot, size, Quantity::CollateralConfidence { collateral });
            }
        }
        for expiry in self.expiries() {
            sum = sum + self.naked_shorts(basis, expiry);
            if basis == Basis::Initial {
                sum = sum + self.uncertain_options(expiry);
            }
        }
        sum
    }

    /// The charge on `Σ_strikes max(0, -Σ amounts)`.
    fn naked_shorts(&self, basis: Basis, expiry: usize) -> Expression {
        let naked = |options: &Vec<usize>| {
            let amounts = options.iter().map(|option| self.lots(self.options[expiry][*option], self.option_decimals));
            positive_part(-amounts.sum::<Expression>())
        };
        let naked = self.strikes[expiry].iter().map(naked).sum();
        self.unit_value(self.option_unit(), naked, Quantity::NakedShortCharge { basis })
    }

    /// The charge on all options of an expiry, whatever their sign, and more if there is any perpetual.
    fn uncertain_options(&self, expiry: usize) -> Expression {
        let sizes = self.option_sizes(expiry);
        let charge = self.unit_value(self.option_unit(), sizes.clone(), Quantity::OptionConfidence { expiry });
        let Some(perpetual) = self.perpetual else { return charge };
        let most = self.options[expiry].iter().fold(I256::ZERO, |most, slot| {
            let digits = self.option_decimals - slot.decimals;
            // What saturates is so large that no program has room for it.
            most.saturating_add(slot.max_lots.wide().saturating_mul(power_of_ten(digits)))
        });
        let beside = where_one(held(perpetual.instrument), sizes, Affine::constant(most));
        charge + self.unit_value(self.option_unit(), beside, Quantity::OptionConfidenceBesidePerpetuals { expiry })
    }

    /// How many options of an expiry there are, long and short.
    fn option_sizes(&self, expiry: usize) -> Expression {
        let sizes = self.options[expiry].iter().map(|slot| {
            let digits = self.option_decimals - slot.decimals;
            abs(holding(slot.instrument)).times(Affine::constant(power_of_ten(digits)))
        });
        sizes.sum()
    }

    /// The value of an expiry after a revaluation, in units of the common decimals of options and their values.
    fn value(&self, expiry: usize, revaluation: usize) -> Expression {
        let option = |(option, slot): (usize, &Slot)| {
            let digits = self.option_decimals - slot.decimals;
            let value = self.coefficient(Quantity::OptionValue { revaluation, expiry, option }, digits);
            holding(slot.instrument).times(value)
        };
        once(self.options[expiry].iter().enumerate().map(option).sum::<Expression>())
    }

    /// The marked value of all options.
    fn total_mark(&self) -> Expression {
        once(self.expiries().map(|expiry| self.value(expiry, MARK)).sum::<Expression>())
    }

    /// Brings what is in the units of [`Schema::value`], times a weight, to the scale.
    fn weighted(&self, value: Expression, weight: Quantity) -> Expression {
        let decimals = self.option_decimals + u32::from(self.model.value_decimals.get()) + u32::from(FINE_DECIMALS);
        value.times(self.coefficient(weight, self.scale - decimals))
    }

    /// Brings a number of lots, times the value of one unit, to the scale.
    fn unit_value(&self, slot: Slot, lots: Expression, value: Quantity) -> Expression {
        let digits = self.scale - slot.decimals - u32::from(FINE_DECIMALS);
        lots.times(self.coefficient(value, digits))
    }

    /// A holding with a given number of decimals.
    fn lots(&self, slot: Slot, decimals: u32) -> Expression {
        holding(slot.instrument).times(Affine::constant(power_of_ten(decimals - slot.decimals)))
    }

    /// `10^digits` times a derived value. Without the entry the value does not exist, and counts as zero.
    fn coefficient(&self, quantity: Quantity, digits: u32) -> Affine {
        self.position(quantity).map_or_else(Affine::default, |position| Affine::price(position, power_of_ten(digits)))
    }

    fn option_unit(&self) -> Slot {
        Slot { instrument: 0, decimals: self.option_decimals, max_lots: Lots::default() }
    }
}

/// What the fractions of a level, in parts per million, have in common with a whole.
fn common_divisor(multiple: Ppm, liquidation_cost: Ppm) -> u32 {
    greatest_common_divisor(liquidation_cost.0, greatest_common_divisor(multiple.0, Ppm::ONE.0))
}
