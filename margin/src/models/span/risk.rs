//! The requirement of combined commodities, as an expression and computed directly.

use std::collections::BTreeSet;

use alloy_primitives::I256;
use surety_core::{
    ident::Name,
    units::{Ppm, Price},
};

use super::{Amount, CombinedCommodity, Member, Span};
use crate::{
    holdings::Position,
    level::Level,
    models::{Breakdown, Frame, fraction::Fraction},
    program::{Affine, Expression, Scenario, abs, positive_part, worst_of},
    universe::InstrumentClass,
};

/// One, in the places that charges on deltas have beyond those of their commodity: see [`CombinedCommodity::places`].
const ONE: i128 = 10_000_000;

/// One part per million, in the same places.
const ONE_PPM: i128 = 10;

/// The commodities of a model at a level.
pub(super) struct Risk<'a> {
    commodities: Vec<Commodity<'a>>,
    /// The places of those that save against each other.
    pairs: Vec<[usize; 2]>,
}

/// A combined commodity at a level.
struct Commodity<'a> {
    data: &'a CombinedCommodity,
    frame: &'a Frame<'a>,
    /// The number of its first member's rule.
    first: usize,
    /// What the requirement is multiplied with.
    multiple: Fraction,
    /// The share of its outright charge that it saves against another commodity.
    credit: Ppm,
}

/// Amounts for each lot of some rules' holdings.
struct Weighted<'a> {
    frame: &'a Frame<'a>,
    terms: Vec<(usize, Affine)>,
}

impl Weighted<'_> {
    fn sum(&self) -> Expression {
        self.each().sum()
    }

    /// None if the sum exceeds 256 bits.
    fn held(&self, position: &Position, prices: &[Price]) -> Option<I256> {
        self.each_held(position, prices)?.into_iter().try_fold(I256::ZERO, I256::checked_add)
    }

    fn each(&self) -> impl Iterator<Item = Expression> {
        self.terms.iter().map(|(rule, per_lot)| self.frame.amount_of(*rule, per_lot.clone()))
    }

    fn each_held(&self, position: &Position, prices: &[Price]) -> Option<Vec<I256>> {
        self.terms.iter().map(|(rule, per_lot)| self.frame.amount_held(*rule, per_lot, position, prices)).collect()
    }
}

impl<'a> Risk<'a> {
    pub(super) fn new(model: &'a Span, frame: &'a Frame<'a>, level: &Level) -> Self {
        let multiple = Fraction::product_up(model.requirement_multiple.at(level.basis), level.multiple);
        let mut first = model.collateral.len();
        let mut commodities = Vec::with_capacity(model.commodities.len());
        for data in &model.commodities {
            commodities.push(Commodity { data, frame, first, multiple, credit: model.credit_of(&data.name) });
            first += data.members.len();
        }
        let place = |name: &Name| model.commodities.iter().position(|commodity| commodity.name == *name);
        let pair = |names: &Vec<Name>| match names.as_slice() {
            [x, y] => Some([place(x)?, place(y)?]),
            _ => None,
        };
        let pairs = model.credits.iter().filter_map(|credit| pair(&credit.commodities)).collect();
        Self { commodities, pairs }
    }

    /// The requirement, times minus one.
    pub(super) fn margin(&self) -> Expression {
        let alone = self.commodities.iter().map(Commodity::margin);
        let together = self.legs().map(|[x, y]| -times(abs(x.net(1).sum() + y.net(1).sum()), x.saved()));
        alone.chain(together).sum()
    }

    /// Charges the requirement. None if an amount exceeds 256 bits.
    pub(super) fn charge(&self, breakdown: &mut Breakdown, position: &Position, prices: &[Price]) -> Option<()> {
        for commodity in &self.commodities {
            commodity.charge(breakdown, position, prices)?;
        }
        for [x, y] in self.legs() {
            let saved = |leg: &Commodity<'_>| leg.net(leg.saved()).held(position, prices);
            let (of_x, of_y) = (saved(x)?, saved(y)?);
            if of_x.is_negative() != of_y.is_negative() {
                let smaller = of_x.abs().min(of_y.abs());
                let credit = smaller.checked_add(smaller)?;
                breakdown.charge(format!("credit of {} against {}", x.data.name, y.data.name), -credit)?;
            }
        }
        Some(())
    }

    fn legs(&self) -> impl Iterator<Item = [&Commodity<'a>; 2]> {
        self.pairs.iter().map(|legs| legs.map(|leg| &self.commodities[leg]))
    }
}

impl<'a> Commodity<'a> {
    /// The requirement without what a pair has in common, times minus one.
    fn margin(&self) -> Expression {
        let minimum = self.data.short_option_minimum.map(|minimum| self.minimum_margin(minimum));
        match (self.data.outright, minimum) {
            (Some(outright), None) => self.net_charges(outright),
            (Some(outright), Some(minimum)) => {
                worst_of(vec![self.scenario("scan risk", self.net_charges(outright)), minimum])
            }
            (None, minimum) if self.data.calendar.is_none() => worst_of(self.array_gains().chain(minimum).collect()),
            (None, minimum) => {
                let charged = worst_of(self.array_gains().collect()) + self.net_charges(Amount(0));
                match minimum {
                    Some(minimum) => worst_of(vec![self.scenario("scan risk", charged), minimum]),
                    None => charged,
                }
            }
        }
    }

    /// The gains of the risk arrays' scenarios, and of the one in which nothing happens.
    fn array_gains(&self) -> impl Iterator<Item = Scenario> {
        let gain = |s: usize| self.scenario(&format!("scenario {}", s + 1), -self.losses(s).sum());
        let unshocked = self.scenario("no loss", Expression::zero());
        (0..self.data.scenarios()).map(gain).chain([unshocked])
    }

    /// Scan risk and calendar charge, times minus one: `-(s·(1-c) - ρ/2)·|x| - (ρ/2)·Σ_m |x_m|`.
    fn net_charges(&self, outright: Amount) -> Expression {
        let half = self.half_calendar();
        let kept = ONE - ONE_PPM * i128::from(self.credit.0);
        let on_net = times(abs(self.net(1).sum()), kept * i128::from(outright.0) - half);
        let on_months: Expression = self.months().into_iter().map(|month| abs(self.net_of(month, 1).sum())).sum();
        -on_net - times(on_months, half)
    }

    fn minimum_margin(&self, minimum: Amount) -> Scenario {
        let short: Expression = self.options(minimum).each().map(|held| positive_part(-held)).sum();
        self.scenario("short option minimum", -short)
    }

    fn scenario(&self, label: &str, value: Expression) -> Scenario {
        Scenario { label: format!("{label} of {}", self.data.name), value }
    }

    fn charge(&self, breakdown: &mut Breakdown, position: &Position, prices: &[Price]) -> Option<()> {
        let name = &self.data.name;
        let mut charges = match self.data.outright {
            Some(outright) => vec![(format!("scan risk of {name}"), self.scan_risk(outright, position, prices)?)],
            None => vec![self.worst_loss(position, prices)?],
        };
        if self.data.has_deltas() {
            charges.push((format!("calendar charge of {name}"), self.calendar_charge(position, prices)?));
        }
        let required = charges.iter().try_fold(I256::ZERO, |sum, (_, amount)| sum.checked_add(*amount))?;
        let minimum = self.short_option_minimum(position, prices)?;
        if minimum > required {
            return breakdown.charge(format!("short option minimum of {name}"), minimum);
        }
        charges.into_iter().try_for_each(|(name, amount)| breakdown.charge(name, amount))
    }

    /// The largest loss of the risk arrays' scenarios, and what to call it.
    fn worst_loss(&self, position: &Position, prices: &[Price]) -> Option<(String, I256)> {
        let name = &self.data.name;
        let mut worst = (format!("scan risk of {name}"), I256::ZERO);
        for s in 0..self.data.scenarios() {
            let loss = self.losses(s).held(position, prices)?;
            if loss > worst.1 {
                worst = (format!("scan risk of {name}, scenario {}", s + 1), loss);
            }
        }
        Some(worst)
    }

    /// `s·|x|`.
    fn scan_risk(&self, outright: Amount, position: &Position, prices: &[Price]) -> Option<I256> {
        Some(self.net(ONE * i128::from(outright.0)).held(position, prices)?.abs())
    }

    /// `ρ·min(L, S)`.
    fn calendar_charge(&self, position: &Position, prices: &[Price]) -> Option<I256> {
        let (mut long, mut short) = (I256::ZERO, I256::ZERO);
        for month in self.months() {
            let net = self.net_of(month, 2 * self.half_calendar()).held(position, prices)?;
            let side = if net.is_negative() { &mut short } else { &mut long };
            *side = side.checked_add(net.abs())?;
        }
        Some(long.min(short))
    }

    fn short_option_minimum(&self, position: &Position, prices: &[Price]) -> Option<I256> {
        let Some(minimum) = self.data.short_option_minimum else {
            return Some(I256::ZERO);
        };
        let held = self.options(minimum).each_held(position, prices)?.into_iter();
        held.filter(|held| held.is_negative()).try_fold(I256::ZERO, I256::checked_sub)
    }

    /// What each member loses in a scenario of the risk arrays.
    fn losses(&self, scenario: usize) -> Weighted<'_> {
        let loss = |member: &Member| {
            Some(self.unit() * i128::from(member.risk_array.get(scenario)?.0)).filter(|loss| *loss != 0)
        };
        self.weighted(|rule, member| Some(self.frame.measure(rule, 0, loss(member)?, &[self.multiple])))
    }

    /// The net delta, times a number in the places of [`ONE`].
    fn net(&self, number: i128) -> Weighted<'_> {
        self.weighted(|rule, member| self.delta(rule, member, number))
    }

    /// The same of one month.
    fn net_of(&self, month: &Name, number: i128) -> Weighted<'_> {
        let inside = |member: &Member| member.month.as_ref() == Some(month);
        self.weighted(|rule, member| inside(member).then(|| self.delta(rule, member, number)).flatten())
    }

    /// What a unit of net delta saves against another commodity, `c·s`, in the places of [`ONE`].
    fn saved(&self) -> i128 {
        let outright = self.data.outright.map_or(0, |outright| i128::from(outright.0));
        ONE_PPM * i128::from(self.credit.0) * outright
    }

    /// What each option that is short takes at least.
    fn options(&self, minimum: Amount) -> Weighted<'_> {
        let number = self.unit() * i128::from(minimum.0);
        self.weighted(|rule, _| {
            let option = self.frame.class(rule) == InstrumentClass::Option;
            option.then(|| self.frame.measure(rule, 0, number, &[self.multiple]))
        })
    }

    fn delta(&self, rule: usize, member: &Member, number: i128) -> Option<Affine> {
        Some(self.frame.measure(rule, 0, number, &[member.delta?.into(), self.multiple]))
    }

    fn weighted(&self, per_lot: impl Fn(usize, &Member) -> Option<Affine>) -> Weighted<'_> {
        let rules = (self.first..).zip(&self.data.members);
        let terms = rules.filter_map(|(rule, member)| Some((rule, per_lot(rule, member)?))).collect();
        Weighted { frame: self.frame, terms }
    }

    fn months(&self) -> BTreeSet<&Name> {
        self.data.members.iter().filter_map(|member| member.month.as_ref()).collect()
    }

    /// One, in the places of the commodity.
    fn unit(&self) -> i128 {
        if self.data.has_deltas() { ONE } else { 1 }
    }

    /// `ρ/2`, in the places of [`ONE`].
    fn half_calendar(&self) -> i128 {
        self.data.calendar.map_or(0, |calendar| ONE / 2 * i128::from(calendar.0))
    }
}

/// The product, whose sign the compiler judges.
fn times(expression: Expression, number: i128) -> Expression {
    expression.times(Affine::constant(I256::unchecked_from(number)))
}
