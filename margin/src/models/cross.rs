//! Cross margin: one account whose positions share all collateral.
//!
//! With `v_i` the marked value of holding `i`, at the price if it is held, and at the price and the debt spread
//! together if it is short or owed, the margin at a level of multiple `m` is
//! `Σ_i min(w_i·v_i, v_i) - m·Σ_i ((l_i - 1)·max(0, -v_i) + f_i·|v_i| + (r_i + u_i)·|q_i|) - c·L`:
//! the weights `w_i ≤ 1` of what is held and `l_i ≥ 1` of what is owed, the margin fractions `f_i`, the requirements
//! `r_i` and the surcharges `u_i` on each of the `q_i` units (surcharges at initial levels), and the cost `c` of a
//! liquidation of `L`: the positions that margin is required for, and what is owed at a weight above one. A position
//! may have a ladder of weights instead of one ([`Tier`]), and tiers of fractions and of liability weights that rise
//! with its size ([`RateTier`]); and an allowance, which is required of it whatever its size. Of what several
//! positions are worth together a positive sum may count in part: see [`Profit`]. A position with open orders counts
//! at the worse of filled and unfilled: see [`OpenOrders`].
//!
//! A derivative counts with its full marked value because the quote balance carries its entry price: buying one
//! contract at `P` adds one contract and takes `P` from the quote balance.

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::{Allowance, Lots, Ppm, Price},
};

use super::{
    Breakdown, Frame, InstrumentRule, Measure, RateTier,
    fraction::{Fraction, charge_problems, liability_problems},
    ladder::{self, Ladder, Tier},
    rates::{self, Rates},
    required::{PriceUnits, Required},
    rule::{numbered, units_of},
    size::{self, Side, Tiering},
};
use crate::{
    holdings::Position,
    level::{Basis, ByBasis, Level},
    market::{Tighter, boxes::Role},
    program::{Affine, Expression, Scenario, abs, holding, positive_part, worst_of},
    universe::Universe,
};

/// Cross margin for cash, spot, perpetuals and futures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// What the account may hold.
    pub positions: Vec<CrossPosition>,
    /// Sums of positions that count in part where they are positive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profits: Vec<Profit>,
}

/// What several positions are worth together, where a positive sum does not count in full: a perpetual and the quote
/// amount that carries its entry price, whose sum is a profit that was not settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profit {
    /// The instruments: positions of the model whose values count in full, each in one profit.
    pub instruments: Vec<Name>,
    /// How much of a positive sum counts, part by part, at the prices without debt spreads.
    pub tiers: Vec<Tier>,
}

/// An instrument under cross margin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossPosition {
    /// The instrument.
    pub instrument: Name,
    /// The market entry that prices it; left out for the quote currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Name>,
    /// The market entry that is added to the price where it is short or owed: what it may cost more than it sells for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debt_spread: Option<Name>,
    /// Whether it may be short or owed.
    #[serde(default)]
    pub short: bool,
    /// How much of a positive value counts. Negative values always count in full. Left out if it has tiers.
    #[serde(default = "ByBasis::one")]
    pub weight: ByBasis,
    /// How much of a positive value counts, part by part, instead of one weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The margin fraction: how much of the absolute value is required.
    #[serde(default = "ByBasis::zero")]
    pub fraction: ByBasis,
    /// The margin fraction, part by part of the absolute value: the more there is, the more of the next part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fraction_tiers: Vec<RateTier>,
    /// How much of a negative value is covered: what exceeds one is required.
    #[serde(default = "ByBasis::one", skip_serializing_if = "ByBasis::is_one")]
    pub liability: ByBasis,
    /// How much of a negative value is covered, part by part: the more is owed, the more for the next part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub liability_tiers: Vec<RateTier>,
    /// How much of the position each tier applies to, for all lists of tiers.
    #[serde(default, skip_serializing_if = "Tiering::is_marginal")]
    pub tiering: Tiering,
    /// Its open orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<OpenOrders>,
    /// The market entry with what initial levels require of a unit, long or short, on top of the fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surcharge: Option<Name>,
    /// The market entry with what every level requires of a unit, long or short, on top of the fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<Name>,
    /// What is required at every level if the position is not zero, whatever its size: what a venue's rounding can make
    /// it require more. No multiple multiplies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

/// The open orders of a position: two instruments of the universe, of which holdings say how many units are bid for
/// and offered. They have no value of their own.
///
/// With a position of `q` units, bids for `b` and offers of `a`, the position counts with the least of
/// `M(q') - (q' - q)·p` over `q' = q`, `q + b` and `q - a`, where `M` is the margin of a position and `p` its price:
/// what is filled is paid at the price of the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenOrders {
    /// The instrument that states what is bid for.
    pub bids: Name,
    /// The instrument that states what is offered.
    pub asks: Name,
}

impl OpenOrders {
    fn names(&self) -> [&Name; 2] {
        [&self.bids, &self.asks]
    }

    /// The places of bids and offers in the universe.
    fn places(&self, frame: &Frame<'_>) -> (usize, usize) {
        (frame.place(&self.bids), frame.place(&self.asks))
    }
}

impl CrossPosition {
    pub(super) fn rule(&self, path: String) -> InstrumentRule<'_> {
        let mut units = units_of("tiers", self.tiers.iter().map(|tier| tier.up_to_units));
        for (key, tiers) in [("fraction_tiers", &self.fraction_tiers), ("liability_tiers", &self.liability_tiers)] {
            units.extend(units_of(key, tiers.iter().map(|tier| tier.up_to_units)));
        }
        InstrumentRule {
            units,
            debt_spread: self.debt_spread.as_ref(),
            allowance: self.allowance,
            grows: !self.is_margined() && self.orders.is_none(),
            jumps: !self.tiering.is_marginal(),
            measures: self.charges().map(|(key, entry, _)| charge_measure(key, entry)).collect(),
            ..InstrumentRule::new(path, &self.instrument, self.price.as_ref(), self.short)
        }
    }

    fn weight(&self) -> Option<ByBasis> {
        ladder::weight_beside(&self.tiers, self.weight)
    }

    fn ladder(&self, level: &Level) -> Ladder {
        Ladder::new(level.basis, self.weight(), &self.tiers, self.tiering)
    }

    fn required(&self, level: &Level) -> Rates {
        let at = |rate: ByBasis| Fraction::product_up(rate.at(level.basis), level.multiple);
        Rates::new(self.fraction, &self.fraction_tiers, self.tiering, at)
    }

    /// What is required of a negative value on top of its covering itself.
    fn liability(&self, level: &Level) -> Rates {
        let at = |rate: ByBasis| {
            let Ppm(liability) = rate.at(level.basis);
            Fraction::product_up(Ppm(liability.saturating_sub(Ppm::ONE.0)), level.multiple)
        };
        Rates::new(self.liability, &self.liability_tiers, self.tiering, at)
    }

    /// Whether margin is required of a value of either sign at any level.
    fn is_margined(&self) -> bool {
        let tiers = self.fraction_tiers.iter().map(|tier| tier.rate);
        self.charges().next().is_some() || tiers.chain([self.fraction]).any(|rate| rate.initial > Ppm(0))
    }

    /// What a liquidation costs of a value of either sign: of one for which margin is required at any level.
    fn liquidation(&self, level: &Level) -> Fraction {
        if self.is_margined() { level.liquidation_cost().into() } else { Ppm(0).into() }
    }

    /// What it costs of a negative value where it costs nothing of a positive one.
    fn debt_liquidation(&self, level: &Level) -> Fraction {
        let tiers = self.liability_tiers.iter().map(|tier| tier.rate);
        let owed = tiers.chain([self.liability]).any(|rate| rate.initial > Ppm::ONE) && !self.is_margined();
        if owed { level.liquidation_cost().into() } else { Ppm(0).into() }
    }

    /// The market entries with what is required of a unit, each with its key and with the only basis that requires it,
    /// if there is one: the measures of the rule, in this order.
    fn charges(&self) -> impl Iterator<Item = (&'static str, &Name, Option<Basis>)> {
        let surcharge = self.surcharge.iter().map(|entry| ("surcharge", entry, Some(Basis::Initial)));
        surcharge.chain(self.requirement.iter().map(|entry| ("requirement", entry, None)))
    }

    /// Those of a level, each with its place among the measures.
    fn charges_at(&self, level: &Level) -> impl Iterator<Item = (usize, &Name)> {
        let applies = |only: Option<Basis>| only.is_none_or(|only| only == level.basis);
        let charges = self.charges().enumerate();
        charges.filter_map(move |(measure, (_, entry, only))| applies(only).then_some((measure, entry)))
    }

    /// What one lot is charged at a level beside fractions, if it is.
    fn charged(&self, frame: &Frame<'_>, rule: usize, level: &Level) -> Option<Affine> {
        let per_lot =
            self.charges_at(level).map(|(measure, _)| frame.measure(rule, measure, 1, &[level.multiple.into()]));
        // What overflows is so large that no program has room for it.
        per_lot.reduce(|sum, charge| sum.plus(&charge).unwrap_or_else(|_| Affine::constant(I256::MAX)))
    }

    /// What the position counts for, at the worse of filled and unfilled orders.
    fn margin(&self, frame: &Frame<'_>, rule: usize, level: &Level) -> Expression {
        let unfilled = self.margin_unfilled(frame, rule, level);
        let Some(orders) = &self.orders else { return unfilled };
        let (own, (bids, asks)) = (frame.instrument(rule), orders.places(frame));
        let after = |trade: Expression| {
            let place = |at| if at == own { holding(own) + trade.clone() } else { holding(at) };
            unfilled.over(&place) - trade.clone().times(frame.price(rule, &[]))
        };
        let scenario = |what: &str, value| Scenario { label: format!("{} {what}", self.instrument), value };
        worst_of(vec![
            scenario("with its bids filled", after(holding(bids))),
            scenario("with its offers filled", after(-holding(asks))),
            scenario("without fills", unfilled.clone()),
        ])
    }

    fn margin_unfilled(&self, frame: &Frame<'_>, rule: usize, level: &Level) -> Expression {
        let ladder = self.ladder(level);
        let (required, liability) = (self.required(level), self.liability(level));
        let of_either_sign = required.first().plus(self.liquidation(level));
        let of_debt = of_either_sign.plus(liability.first()).plus(self.debt_liquidation(level));
        let held = positive_part(frame.value(rule, &[of_either_sign])) + required.rise(frame, rule, Side::Held);
        let mut owed = positive_part(-frame.debt_value(rule, &[of_debt]));
        if self.short {
            owed = owed + required.rise(frame, rule, Side::Owed) + liability.rise(frame, rule, Side::Owed);
        }
        let charge = self.charged(frame, rule, level).map(|per_lot| abs(frame.amount_of(rule, per_lot)));
        let charge = charge.unwrap_or_else(Expression::zero);
        ladder.margin(frame, rule, Ppm::ONE.into()) - held - owed - charge - frame.allowance(rule)
    }

    fn is_required(&self, units: &PriceUnits<'_>, level: &Level) -> Required {
        let charged = self.charges_at(level).any(|(_, entry)| units.is_positive(entry));
        let of_either_sign = charged || self.required(level).least() > Ppm(0).into();
        let has_haircut = self.ladder(level).has_haircut();
        Required {
            held: of_either_sign || has_haircut,
            owed: of_either_sign || self.liability(level).least() > Ppm(0).into(),
            // A ladder is for what is held: as the only rule of a size it would say nothing of the same size owed.
            lendable: has_haircut && self.tiers.is_empty(),
        }
    }

    fn rate_problems(&self, path: &str) -> Vec<Problem> {
        let fraction = (self.fraction, ByBasis::zero());
        let mut problems = rates::problems((path, "fraction"), fraction, &self.fraction_tiers, charge_problems);
        let (liability, tiers) = ((self.liability, ByBasis::one()), &self.liability_tiers);
        problems.extend(rates::problems((path, "liability"), liability, tiers, liability_problems));
        let has_tiers =
            [self.fraction_tiers.len(), self.liability_tiers.len(), self.tiers.len()].iter().any(|n| *n > 0);
        problems.extend(size::tiering_problem(path, self.tiering, has_tiers));
        problems
    }

    /// The same for a position. None if an amount exceeds 256 bits.
    fn breakdown(
        &self,
        (frame, rule): (&Frame<'_>, usize),
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let unfilled = self.breakdown_unfilled((frame, rule), level, position, prices)?;
        let Some(orders) = &self.orders else { return Some(unfilled) };
        let (own, (bids, asks)) = (frame.instrument(rule), orders.places(frame));
        let mut worst = unfilled;
        for (instrument, buys) in [(bids, true), (asks, false)] {
            let mut lots = position.lots().to_vec();
            let size = lots.get(instrument)?.get();
            let trade = if buys { size } else { size.checked_neg()? };
            let filled = lots.get_mut(own)?;
            *filled = Lots::new(filled.get().checked_add(trade)?).ok()?;
            let mut after = self.breakdown_unfilled((frame, rule), level, &Position::from_lots(lots), prices)?;
            let price = frame.price(rule, &[]).at(prices).ok()?;
            after.credit(price.checked_mul(I256::unchecked_from(trade))?.checked_neg()?)?;
            if after.margin()? < worst.margin()? {
                worst = after;
            }
        }
        Some(worst)
    }

    fn breakdown_unfilled(
        &self,
        (frame, rule): (&Frame<'_>, usize),
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        breakdown.credit(self.ladder(level).margin_of(frame, rule, Ppm::ONE.into(), position, prices)?)?;
        self.charge(&mut breakdown, (frame, rule), level, position, prices)?;
        Some(breakdown)
    }

    /// None if an amount exceeds 256 bits.
    fn charge(
        &self,
        breakdown: &mut Breakdown,
        (frame, rule): (&Frame<'_>, usize),
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<()> {
        let worth = |fraction| frame.worth_of(rule, &[fraction], position, prices);
        let owed = |fraction| Some((-worth(fraction)?).max(I256::ZERO));
        let charge = match self.charged(frame, rule, level) {
            Some(per_lot) => frame.amount_held(rule, &per_lot, position, prices)?.abs(),
            None => I256::ZERO,
        };
        let margin = self.required(level).required(frame, rule, position, prices)?.checked_add(charge)?;
        breakdown.charge(format!("margin of {}", self.instrument), margin)?;
        let is_owed = worth(Ppm::ONE.into())?.is_negative();
        let liability =
            if is_owed { self.liability(level).required(frame, rule, position, prices)? } else { I256::ZERO };
        breakdown.charge(format!("liability weight of {}", self.instrument), liability)?;
        let liquidation = worth(self.liquidation(level))?.abs().checked_add(owed(self.debt_liquidation(level))?)?;
        breakdown.charge(format!("liquidation of {}", self.instrument), liquidation)?;
        breakdown.charge(format!("allowance for {}", self.instrument), frame.allowance_of(rule, position)?)
    }
}

impl Profit {
    fn ladder(&self, level: &Level) -> Ladder {
        Ladder::new(level.basis, None, &self.tiers, Tiering::Marginal)
    }

    /// The numbers of the rules of its instruments.
    fn rules(&self, positions: &[CrossPosition]) -> Vec<usize> {
        let rule = |name: &Name| positions.iter().position(|position| position.instrument == *name);
        self.instruments.iter().filter_map(rule).collect()
    }

    /// `path` is where it is.
    fn problems(&self, path: &str, positions: &[CrossPosition]) -> Vec<Problem> {
        let mut problems = ladder::problems(path, None, &self.tiers);
        problems.extend(not_empty(&format!("{path}.instruments"), &self.instruments));
        for (t, tier) in self.tiers.iter().enumerate() {
            let expected = "no such key: a sum of several instruments has no number of units";
            problems.extend(require(
                tier.up_to_units.is_none(),
                format!("{path}.tiers[{t}].up_to_units"),
                expected,
                "one",
            ));
        }
        for (i, name) in self.instruments.iter().enumerate() {
            let position = positions.iter().find(|position| position.instrument == *name);
            let counts_in_full = position.is_some_and(|position| position.tiers.is_empty() && position.weight.is_one());
            let expected = "a position of the model without a weight and tiers of its own";
            problems.extend(require(counts_in_full, format!("{path}.instruments[{i}]"), expected, name));
        }
        problems
    }
}

fn charge_measure<'a>(key: &'static str, entry: &'a Name) -> Measure<'a> {
    let tighter = Some(Tighter::Higher);
    Measure { key, entry: Some(entry), role: Role::Added, is_sensitivity: false, places: 0, tighter }
}

impl Cross {
    /// The rules of all positions, in their order, then those of their orders.
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        let mut rules = numbered("model.positions", &self.positions, CrossPosition::rule);
        for rule in &mut rules {
            rule.grows &= !self.profits.iter().any(|profit| profit.instruments.contains(rule.instrument));
        }
        for (i, position) in self.positions.iter().enumerate() {
            let names = position.orders.iter().flat_map(|orders| ["bids", "asks"].into_iter().zip(orders.names()));
            rules.extend(names.map(|(key, name)| {
                let path = format!("model.positions[{i}].orders.{key}");
                InstrumentRule { order: true, ..InstrumentRule::new(path, name, position.price.as_ref(), false) }
            }));
        }
        rules
    }

    /// Orders are in the units of their position, and neither side of it may be closed to them.
    pub(super) fn order_problems(&self, universe: &Universe) -> Vec<Problem> {
        let instrument = |name: &Name| universe.position(name).map(|at| &universe.instruments[at]);
        let mut problems = Vec::new();
        for (i, position) in self.positions.iter().enumerate() {
            let (Some(orders), Some(own)) = (&position.orders, instrument(&position.instrument)) else { continue };
            let path = format!("model.positions[{i}].orders");
            for (key, other) in ["bids", "asks"].into_iter().zip(orders.names().map(instrument)) {
                let Some(other) = other else { continue };
                let same = other.lot_decimals == own.lot_decimals && other.class == own.class;
                let expected = format!("an instrument of the class and lots of {}", own.name);
                problems.extend(require(same, format!("{path}.{key}"), expected, &other.name));
                let filled = own.max_lots.get().checked_add(other.max_lots.get()).and_then(|lots| Lots::new(lots).ok());
                let expected = format!("a number of lots that {} has room for, once filled", own.name);
                problems.extend(require(filled.is_some(), format!("{path}.{key}"), expected, other.max_lots.get()));
            }
            let expected = "`short = true` beside orders: an offer that is filled may make the position negative";
            problems.extend(require(position.short, format!("model.positions[{i}].short"), expected, "false"));
        }
        problems
    }

    /// What is required of each position, and of each order, which counts with its position.
    pub(super) fn required(&self, units: &PriceUnits<'_>, level: &Level) -> Vec<Required> {
        let positions = self.positions.iter().map(|position| position.is_required(units, level));
        let orders = self.rules().len() - self.positions.len();
        positions.chain(core::iter::repeat_n(Required::EVER, orders)).collect()
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(not_empty("model.positions", &self.positions));
        for (i, position) in self.positions.iter().enumerate() {
            let path = format!("model.positions[{i}]");
            problems.extend(ladder::problems(&path, position.weight(), &position.tiers));
            problems.extend(position.rate_problems(&path));
        }
        for (i, profit) in self.profits.iter().enumerate() {
            problems.extend(profit.problems(&format!("model.profits[{i}]"), &self.positions));
        }
        let names: Vec<&Name> = self.profits.iter().flat_map(|profit| &profit.instruments).collect();
        problems.extend(repeated(names, |_| "model.profits".to_owned(), "each instrument in one profit"));
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let discount = |profit: &Profit| profit.ladder(level).discount(frame, &profit.rules(&self.positions));
        let positions = self.positions.iter().enumerate().map(|(rule, position)| position.margin(frame, rule, level));
        positions.sum::<Expression>() - self.profits.iter().map(discount).sum()
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for (rule, cross) in self.positions.iter().enumerate() {
            breakdown.add(cross.breakdown((frame, rule), level, position, prices)?)?;
        }
        for profit in &self.profits {
            let rules = profit.rules(&self.positions);
            let names: Vec<_> = profit.instruments.iter().map(Name::as_str).collect();
            let discount = profit.ladder(level).discount_of(frame, &rules, position, prices)?;
            breakdown.charge(format!("profit of {}", names.join(" and ")), discount)?;
        }
        Some(breakdown)
    }
}
