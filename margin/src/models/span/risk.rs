//! The requirement of combined commodities, as an expression and computed directly.

use std::collections::BTreeSet;

use alloy_primitives::I256;
use surety_core::{
    ident::Name,
    units::{Price, power_of_ten},
};

use super::{
    Amount, CombinedCommodity, CreditTier, Member, Span,
    credits::{Pair, Plan},
};
use crate::{
    holdings::Position,
    level::Level,
    models::{Breakdown, Frame, fraction::Fraction},
    program::{Affine, Expression, Scenario, abs, number, positive_part, worst_of},
    universe::InstrumentClass,
};

/// Decimal places of a share in parts per million, and of tiers' ends.
const PPM_PLACES: u32 = 6;

/// The commodities of a model at a level.
pub(super) struct Risk<'a> {
    commodities: Vec<Commodity<'a>>,
    /// In the order in which they are matched.
    spreads: Vec<Spread>,
}

/// A combined commodity at a level.
struct Commodity<'a> {
    data: &'a CombinedCommodity,
    frame: &'a Frame<'a>,
    /// The number of its first member's rule.
    first: usize,
    /// What the requirement is multiplied with.
    multiple: Fraction,
    /// Decimal places that its numbers have beyond its own: see [`Plan::digits`].
    digits: u32,
    /// What a unit of net delta saves in a plain pair before the sum of both legs is charged.
    pooled: I256,
}

/// Two commodities that save against each other: see [`Pair`].
struct Spread {
    legs: [usize; 2],
    factors: [I256; 2],
    tiers: Vec<Saving>,
    plain: bool,
}

/// What is saved of the charge of each leg, for each one of the compared deltas, up to an end in compared deltas.
/// Savings are even, for they are halved where programs state `2·min(|x|, |y|)`.
struct Saving {
    end: Option<I256>,
    saved: [I256; 2],
}

/// The net delta that no spread has taken yet: its positive part and its negative part.
#[derive(Clone)]
struct Left {
    long: Expression,
    short: Expression,
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
        let plan = Plan::of(model);
        let mut first = model.collateral.len();
        let mut commodities = Vec::with_capacity(model.commodities.len());
        for (data, digits) in model.commodities.iter().zip(plan.digits) {
            let digits = if data.has_deltas() { digits } else { 0 };
            commodities.push(Commodity { data, frame, first, multiple, digits, pooled: I256::ZERO });
            first += data.members.len();
        }
        let spreads: Vec<_> = plan.pairs.iter().map(|pair| Spread::new(pair, &commodities)).collect();
        for spread in spreads.iter().filter(|spread| spread.plain) {
            for (leg, factor) in spread.legs.into_iter().zip(spread.factors) {
                commodities[leg].pooled = spread.half().saturating_mul(factor);
            }
        }
        Self { commodities, spreads }
    }

    /// The requirement, times minus one.
    pub(super) fn margin(&self) -> Expression {
        let alone = self.commodities.iter().zip(self.saved()).map(|(commodity, saved)| commodity.margin(saved));
        let together = self.spreads.iter().filter(|spread| spread.plain).map(|spread| {
            let [x, y] = [0, 1].map(|leg| self.commodities[spread.legs[leg]].net(spread.factors[leg]).sum());
            -times(abs(x + y), spread.half())
        });
        alone.chain(together).sum()
    }

    /// Charges the requirement. None if an amount exceeds 256 bits.
    pub(super) fn charge(&self, breakdown: &mut Breakdown, position: &Position, prices: &[Price]) -> Option<()> {
        let spreads = self.saved_by(position, prices)?;
        let mut saved = vec![I256::ZERO; self.commodities.len()];
        for (leg, amount) in spreads.iter().flatten() {
            saved[*leg] = saved[*leg].checked_add(*amount)?;
        }
        let mut is_least = Vec::with_capacity(saved.len());
        for (commodity, saved) in self.commodities.iter().zip(saved) {
            is_least.push(commodity.charge(breakdown, saved, position, prices)?);
        }
        for [x, y] in spreads {
            let counted = [x, y].into_iter().filter(|(leg, _)| !is_least[*leg]);
            let credit = counted.map(|(_, amount)| amount).try_fold(I256::ZERO, I256::checked_add)?;
            let [x, y] = [x.0, y.0].map(|leg| &self.commodities[leg].data.name);
            breakdown.charge(format!("credit of {x} against {y}"), -credit)?;
        }
        Some(())
    }

    /// What each commodity saves in pairs that are not plain.
    fn saved(&self) -> Vec<Expression> {
        let mut saved = vec![Expression::zero(); self.commodities.len()];
        let mut left: Vec<_> = self.commodities.iter().map(Left::of).collect();
        for spread in self.spreads.iter().filter(|spread| !spread.plain) {
            let [x, y] = spread.legs;
            let of_x = left[x].clone().times(spread.factors[0]);
            let of_y = left[y].clone().times(spread.factors[1]);
            (left[x], left[y]) = (of_x.clone().less(&of_y), of_y.less(&of_x));
            let matched = of_x.size() - left[x].clone().size();
            for (leg, commodity) in spread.legs.into_iter().enumerate() {
                let before = core::mem::replace(&mut saved[commodity], Expression::zero());
                saved[commodity] = before + spread.saved(leg, &matched);
            }
        }
        saved
    }

    /// What each spread saves of its legs, beside the numbers of their commodities. None if an amount exceeds 256 bits.
    fn saved_by(&self, position: &Position, prices: &[Price]) -> Option<Vec<[(usize, I256); 2]>> {
        let net = |commodity: &Commodity<'_>| commodity.net(I256::ONE).held(position, prices);
        let mut left = self.commodities.iter().map(net).collect::<Option<Vec<_>>>()?;
        let mut saved = Vec::with_capacity(self.spreads.len());
        for spread in &self.spreads {
            let [x, y] = spread.legs;
            let of_x = left[x].checked_mul(spread.factors[0])?;
            let of_y = left[y].checked_mul(spread.factors[1])?;
            let opposite = of_x.is_negative() != of_y.is_negative();
            let matched = if opposite { of_x.abs().min(of_y.abs()) } else { I256::ZERO };
            let less = |net: I256| if net.is_negative() { net + matched } else { net - matched };
            (left[x], left[y]) = (less(of_x), less(of_y));
            saved.push([(x, spread.saved_of(0, matched)?), (y, spread.saved_of(1, matched)?)]);
        }
        Some(saved)
    }
}

impl Left {
    fn of(commodity: &Commodity<'_>) -> Self {
        let net = commodity.net(I256::ONE).sum();
        Self { long: positive_part(net.clone()), short: positive_part(-net) }
    }

    fn times(self, factor: I256) -> Self {
        if factor == I256::ONE {
            return self;
        }
        Self { long: times(self.long, factor), short: times(self.short, factor) }
    }

    /// The same, less what lies on the opposite side of another.
    fn less(self, other: &Self) -> Self {
        Self {
            long: positive_part(self.long - other.short.clone()),
            short: positive_part(self.short - other.long.clone()),
        }
    }

    fn size(self) -> Expression {
        self.long + self.short
    }
}

impl Spread {
    fn new(pair: &Pair<'_>, commodities: &[Commodity<'_>]) -> Self {
        let legs = pair.legs.map(|leg| &commodities[leg]);
        let tier = |CreditTier { up_to, credit }: CreditTier| Saving {
            end: up_to.map(|end| legs[0].spreads(CreditTier::millionths(end).unwrap_or(u128::MAX), pair.spread)),
            saved: [0, 1].map(|leg| {
                let charge = in_digits(legs[leg].data.outright.unwrap_or(Amount(0)), legs[leg].digits - PPM_PLACES);
                let halves = I256::unchecked_from(2 * u128::from(pair.parts[leg]));
                // Rounded down, against the account.
                charge.saturating_mul(I256::unchecked_from(credit.0)) / halves * I256::unchecked_from(2)
            }),
        };
        let tiers = pair.credit.shares().into_iter().map(tier).collect();
        let factors = pair.factors.map(I256::unchecked_from);
        Self { legs: pair.legs, factors, tiers, plain: pair.plain }
    }

    /// Half of what both legs save for each one of the compared deltas, in the first tier.
    fn half(&self) -> I256 {
        (self.rate(0, 0) + self.rate(0, 1)) / I256::unchecked_from(2)
    }

    /// What a leg saves, for so many compared deltas: `c_1·N + Σ_t (c_{t+1} - c_t)·max(0, N - N_t)` for tiers that end
    /// at `N_t`.
    fn saved(&self, leg: usize, matched: &Expression) -> Expression {
        let rise = |(t, tier): (usize, &Saving)| {
            let beyond = positive_part(matched.clone() - number(Affine::constant(tier.end?)));
            let rise = self.rate(t + 1, leg) - self.rate(t, leg);
            (!rise.is_zero()).then(|| times(beyond, rise))
        };
        let rises: Expression = self.tiers.iter().enumerate().filter_map(rise).sum();
        times(matched.clone(), self.rate(0, leg)) + rises
    }

    /// The same for a position, tier by tier. None if it exceeds 256 bits.
    fn saved_of(&self, leg: usize, matched: I256) -> Option<I256> {
        let (mut start, mut saved) = (I256::ZERO, I256::ZERO);
        for tier in &self.tiers {
            let end = tier.end.map_or(matched, |end| end.min(matched));
            saved = saved.checked_add((end - start).checked_mul(tier.saved[leg])?)?;
            start = end;
        }
        Some(saved)
    }

    /// What a leg saves in a tier, which is nothing after the last.
    fn rate(&self, tier: usize, leg: usize) -> I256 {
        self.tiers.get(tier).map_or(I256::ZERO, |tier| tier.saved[leg])
    }
}

impl<'a> Commodity<'a> {
    /// The requirement less what is saved, and without what a plain pair has in common, times minus one.
    fn margin(&self, saved: Expression) -> Expression {
        let minimum = self.data.short_option_minimum.map(|minimum| self.minimum_margin(minimum));
        match (self.data.outright, minimum) {
            (Some(outright), None) => self.net_charges(outright) + saved,
            (Some(outright), Some(minimum)) => {
                worst_of(vec![self.scenario("scan risk", self.net_charges(outright) + saved), minimum])
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

    /// Scan risk and calendar charge, times minus one: `-(s - p - ρ/2)·|x| - (ρ/2)·Σ_m |x_m|`, where `p` is saved by
    /// each leg of a plain pair.
    fn net_charges(&self, outright: Amount) -> Expression {
        let half = self.half_calendar();
        let kept = in_digits(outright, self.digits) - self.pooled;
        let on_net = times(abs(self.net(I256::ONE).sum()), kept - half);
        let on_month = |month| abs(self.net_of(month, I256::ONE).sum());
        let on_months: Expression = self.months().into_iter().map(on_month).sum();
        -on_net - times(on_months, half)
    }

    fn minimum_margin(&self, minimum: Amount) -> Scenario {
        let short: Expression = self.options(minimum).each().map(|held| positive_part(-held)).sum();
        self.scenario("short option minimum", -short)
    }

    fn scenario(&self, label: &str, value: Expression) -> Scenario {
        Scenario { label: format!("{label} of {}", self.data.name), value }
    }

    /// Charges the requirement but what is saved; or the short option minimum, and says so, if that is more than the
    /// difference.
    fn charge(&self, breakdown: &mut Breakdown, saved: I256, position: &Position, prices: &[Price]) -> Option<bool> {
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
        let is_least = minimum > required.checked_sub(saved)?;
        if is_least {
            charges = vec![(format!("short option minimum of {name}"), minimum)];
        }
        charges.into_iter().try_for_each(|(name, amount)| breakdown.charge(name, amount))?;
        Some(is_least)
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
        Some(self.net(in_digits(outright, self.digits)).held(position, prices)?.abs())
    }

    /// `ρ·min(L, S)`.
    fn calendar_charge(&self, position: &Position, prices: &[Price]) -> Option<I256> {
        let (mut long, mut short) = (I256::ZERO, I256::ZERO);
        for month in self.months() {
            let net = self.net_of(month, self.half_calendar() * I256::unchecked_from(2)).held(position, prices)?;
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
            let loss = *member.risk_array.get(scenario)?;
            (loss != Amount(0)).then(|| in_digits(loss, self.digits))
        };
        self.weighted(|rule, member| Some(self.frame.wide_measure(rule, 0, loss(member)?, &[self.multiple])))
    }

    /// The net delta, times a number with the commodity's digits.
    fn net(&self, number: I256) -> Weighted<'_> {
        self.weighted(|rule, member| self.delta(rule, member, number))
    }

    /// The same of one month.
    fn net_of(&self, month: &Name, number: I256) -> Weighted<'_> {
        let inside = |member: &Member| member.month.as_ref() == Some(month);
        self.weighted(|rule, member| inside(member).then(|| self.delta(rule, member, number)).flatten())
    }

    /// What each option that is short takes at least.
    fn options(&self, minimum: Amount) -> Weighted<'_> {
        let number = in_digits(minimum, self.digits);
        self.weighted(|rule, _| {
            let option = self.frame.class(rule) == InstrumentClass::Option;
            option.then(|| self.frame.wide_measure(rule, 0, number, &[self.multiple]))
        })
    }

    fn delta(&self, rule: usize, member: &Member, number: I256) -> Option<Affine> {
        Some(self.frame.wide_measure(rule, 0, number, &[member.delta?.into(), self.multiple]))
    }

    fn weighted(&self, per_lot: impl Fn(usize, &Member) -> Option<Affine>) -> Weighted<'_> {
        let rules = (self.first..).zip(&self.data.members);
        let terms = rules.filter_map(|(rule, member)| Some((rule, per_lot(rule, member)?))).collect();
        Weighted { frame: self.frame, terms }
    }

    fn months(&self) -> BTreeSet<&Name> {
        self.data.members.iter().filter_map(|member| member.month.as_ref()).collect()
    }

    /// So many millionths of a spread, in compared deltas.
    fn spreads(&self, millionths: u128, spread: u64) -> I256 {
        let places = u32::from(self.data.decimals.get()) + self.digits + PPM_PLACES;
        let deltas = I256::unchecked_from(millionths).saturating_mul(I256::unchecked_from(spread));
        self.frame.scaled(deltas, places, &[self.multiple])
    }

    /// `ρ/2`, with the commodity's digits.
    fn half_calendar(&self) -> I256 {
        self.data.calendar.map_or(I256::ZERO, |calendar| in_digits(calendar, self.digits) / I256::unchecked_from(2))
    }
}

/// An amount with so many digits more. One that saturates is so large that no program has room for it.
fn in_digits(Amount(amount): Amount, digits: u32) -> I256 {
    power_of_ten(digits).saturating_mul(I256::unchecked_from(amount))
}

/// The product, whose sign the compiler judges.
fn times(expression: Expression, number: I256) -> Expression {
    expression.times(Affine::constant(number))
}
