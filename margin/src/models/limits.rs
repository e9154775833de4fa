//! Mandates: limits on what an account is exposed to.
//!
//! With `v_i` the value of holding `i`, negative where it is short or owed, the equity is `E = Σ_i v_i` without
//! positions that are settled by variation margin, whose gains and losses are cash already. A limit compares a measure
//! of some holdings with a bound, an amount or a share of the equity:
//!
//! | measure | of the holdings that the limit is about |
//! |---|---|
//! | `gross` | `Σ \|v_i\|`, leverage if the bound is a share |
//! | `net` | `\|Σ v_i\|` |
//! | `long` | `Σ max(0, v_i)` |
//! | `short` | `Σ max(0, -v_i)` |
//! | `each` | the largest `\|v_i\|` |
//! | `delta` | `\|Σ Δ_i·q_i\|`, with `v_i` for holdings without greeks |
//! | `gamma` | `\|Σ Γ_i·q_i\|` |
//! | `vega` | `\|Σ ν_i·q_i\|` |
//! | `value` | `Σ v_i`, of which there must be so much at least |
//!
//! At a level of multiple `m` the account keeps its mandate if `m` times the measure is at most the bound, or of a
//! floor `m` times the bound at most the measure, for every limit, and `E ≥ 0`: the least of these margins is the
//! level's. Liquidations cost nothing here. Greeks are cash greeks, as in [`Greeks`](super::Greeks).
//!
//! A measure that counts against the account only is convex, so that limits take few variables and no bits.

use std::collections::BTreeSet;

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty, repeated, require},
    units::{Notional, Ppm, Price, power_of_ten},
};

use super::{
    Breakdown, DeltaSign, Frame, InstrumentRule, Measure, Requirement,
    fraction::Fraction,
    greeks::{self, DELTA, GAMMA, VEGA},
    required::Required,
};
use crate::{
    holdings::Position,
    level::Level,
    program::{Affine, Expression, Scenario, abs, number, positive_part, worst_of},
    universe::{InstrumentClass, Settlement, Universe},
};

/// What the margin is called that is the equity itself.
const EQUITY: &str = "equity";

/// Limits on what an account is exposed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// What the account may hold.
    pub positions: Vec<LimitedPosition>,
    /// The limits, all of which are kept.
    pub limits: Vec<Limit>,
}

/// An instrument that limits are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitedPosition {
    /// The instrument.
    pub instrument: Name,
    /// The market entry that prices it; left out for the quote currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Name>,
    /// Whether it may be short or owed.
    #[serde(default)]
    pub short: bool,
    /// How it moves, if not in proportion to its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeks: Option<CashGreeks>,
}

/// The sensitivities of one unit that is held, in quote units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CashGreeks {
    /// The market entry of the cash delta without its sign, `|Δ|·S`.
    pub delta: Name,
    /// The sign of the delta.
    #[serde(default)]
    pub delta_sign: DeltaSign,
    /// The market entry of the cash gamma, `Γ·S²`.
    pub gamma: Name,
    /// The market entry of the vega: the gain if the volatility rose by one, which is 100 percent points.
    pub vega: Name,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Unique in its model.
    pub name: Name,
    /// What is limited.
    pub measure: Exposure,
    /// The instruments that it is about, each once: a group, or a class of liquidity. Left out for all that have a
    /// price.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<Name>,
    /// The most that it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Bound>,
    /// The least that it must be: of the value alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Bound>,
}

/// What a limit bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// The sum of the sizes.
    Gross,
    /// The size of the sum.
    Net,
    /// What is held.
    Long,
    /// What is short or owed.
    Short,
    /// The largest size of one of them.
    Each,
    /// The size of the sum of the cash deltas.
    Delta,
    /// The size of the sum of the cash gammas.
    Gamma,
    /// The size of the sum of the vegas.
    Vega,
    /// The sum.
    Value,
}

/// Where a limit lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// A share of the equity.
    Share(Ppm),
    /// Quote units.
    Amount(Notional),
}

impl LimitedPosition {
    pub(super) fn rule(&self, path: String) -> InstrumentRule<'_> {
        let measures = self.greeks.as_ref().map(CashGreeks::measures).unwrap_or_default();
        let rule = InstrumentRule::new(path, &self.instrument, self.price.as_ref(), self.short);
        InstrumentRule { exposure: true, measures, ..rule }
    }
}

impl CashGreeks {
    fn measures(&self) -> Vec<Measure<'_>> {
        greeks::measures(&self.delta, &self.gamma, &self.vega, 0)
    }
}

impl Limit {
    fn problems(&self, path: &str, positions: &[LimitedPosition]) -> Vec<Problem> {
        let mut problems = repeated(&self.instruments, |i| format!("{path}.instruments[{i}]"), "each instrument once");
        for (i, name) in self.instruments.iter().enumerate() {
            let covered = positions.iter().any(|position| position.instrument == *name);
            let expected = "an instrument that the model has a position of";
            problems.extend(require(covered, format!("{path}.instruments[{i}]"), expected, name));
        }
        let expected = "a limit on some instrument: one that it names, or that has a price";
        problems.extend(require(!self.about(positions).is_empty(), path, expected, "none"));
        let floor = self.measure == Exposure::Value;
        let (wanted, other) = if floor { (self.at_least, self.at_most) } else { (self.at_most, self.at_least) };
        let key = if floor { "at_least" } else { "at_most" };
        let expected = format!("the key `{key}`, and no other bound, beside this measure");
        problems.extend(require(wanted.is_some() && other.is_none(), path, expected, "another"));
        problems
    }

    /// The numbers of the positions that it is about.
    fn about(&self, positions: &[LimitedPosition]) -> Vec<usize> {
        let is_meant = |position: &LimitedPosition| match self.instruments.as_slice() {
            [] => position.price.is_some(),
            named => named.contains(&position.instrument),
        };
        (0..positions.len()).filter(|rule| is_meant(&positions[*rule])).collect()
    }

    /// The bound, and what multiplies the bound and the measure at a level.
    fn bound(&self, level: &Level) -> (Option<Bound>, Ppm, Ppm) {
        match self.measure {
            Exposure::Value => (self.at_least, level.multiple, Ppm::ONE),
            _ => (self.at_most, Ppm::ONE, level.multiple),
        }
    }
}

impl Limits {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let names = self.limits.iter().map(|limit| &limit.name);
        let mut problems = repeated(names, |i| format!("model.limits[{i}].name"), "each limit once");
        problems.extend(not_empty("model.positions", &self.positions));
        problems.extend(not_empty("model.limits", &self.limits));
        for (i, limit) in self.limits.iter().enumerate() {
            let path = format!("model.limits[{i}]");
            let expected = "another name: that of the margin which is the equity";
            problems.extend(require(limit.name.as_str() != EQUITY, format!("{path}.name"), expected, &limit.name));
            problems.extend(limit.problems(&path, &self.positions));
        }
        problems
    }

    /// Every option whose greeks are not known to a limit of them: its delta is not that of its price.
    pub(super) fn class_problems(&self, universe: &Universe) -> Vec<Problem> {
        let positions = universe.positions();
        let is_option = |rule: &usize| {
            let position = positions.get(&self.positions[*rule].instrument);
            position.is_some_and(|position| universe.instruments[*position].class == InstrumentClass::Option)
        };
        let mut problems = Vec::new();
        for limit in &self.limits {
            if !matches!(limit.measure, Exposure::Delta | Exposure::Gamma | Exposure::Vega) {
                continue;
            }
            let about = limit.about(&self.positions);
            for rule in about.iter().filter(|rule| is_option(rule) && self.positions[**rule].greeks.is_none()) {
                let expected = format!("the key `greeks` of an option that the limit {} is about", limit.name);
                problems.push(Problem::new(format!("model.positions[{rule}]"), expected, "none"));
            }
        }
        problems
    }

    /// Something is required of what a share of the equity bounds the size of.
    pub(super) fn required(&self) -> Vec<Required> {
        let bounds = |limit: &&Limit| {
            let sized = matches!(limit.measure, Exposure::Gross | Exposure::Each | Exposure::Long | Exposure::Short);
            sized && matches!(limit.at_most, Some(Bound::Share(_)))
        };
        let mut required = vec![Required::default(); self.positions.len()];
        for limit in self.limits.iter().filter(bounds) {
            for rule in limit.about(&self.positions) {
                required[rule].held |= limit.measure != Exposure::Short;
                required[rule].owed |= limit.measure != Exposure::Long;
            }
        }
        required
    }

    /// What must not be negative at a level: the equity, and what each limit leaves.
    pub(super) fn requirements(&self, frame: &Frame<'_>, level: &Level) -> Vec<Requirement> {
        let unit = power_of_ten(frame.scale());
        let equity = Requirement { bucket: None, margin: self.equity_times(frame, Ppm::ONE.into()), unit };
        let limits = self.limits.iter().map(|limit| {
            let (bound, of_bound, of_measure) = limit.bound(level);
            let bound = match bound {
                Some(Bound::Share(share)) => self.equity_times(frame, Fraction::product_up(share, of_bound)),
                Some(Bound::Amount(amount)) => number(Affine::constant(frame.amount(amount, &[of_bound.into()]))),
                None => Expression::zero(),
            };
            let measure = self.measure(limit, frame, of_measure);
            let margin = if limit.measure == Exposure::Value { measure - bound } else { bound - measure };
            Requirement { bucket: Some(limit.name.clone()), margin, unit }
        });
        core::iter::once(equity).chain(limits).collect()
    }

    fn equity_times(&self, frame: &Frame<'_>, share: Fraction) -> Expression {
        self.in_equity(frame).map(|rule| frame.value(rule, &[share])).sum()
    }

    /// The positions whose value is part of the equity.
    fn in_equity(&self, frame: &Frame<'_>) -> impl Iterator<Item = usize> {
        (0..self.positions.len()).filter(|rule| frame.settlement(*rule) != Settlement::VariationMargin)
    }

    fn measure(&self, limit: &Limit, frame: &Frame<'_>, multiple: Ppm) -> Expression {
        let fraction = [multiple.into()];
        let about = limit.about(&self.positions);
        let values = || about.iter().map(|rule| frame.value(*rule, &fraction));
        match limit.measure {
            Exposure::Gross => values().map(abs).sum(),
            Exposure::Net => abs(values().sum()),
            Exposure::Long => values().map(positive_part).sum(),
            Exposure::Short => values().map(|value| positive_part(-value)).sum(),
            Exposure::Each => {
                let sizes = about.iter().zip(values()).map(|(rule, value)| Scenario {
                    label: self.positions[*rule].instrument.to_string(),
                    value: -abs(value),
                });
                -worst_of(sizes.collect())
            }
            Exposure::Value => values().sum(),
            Exposure::Delta | Exposure::Gamma | Exposure::Vega => {
                let per_lot = |rule: &usize| self.sensitivity(limit.measure, frame, *rule, multiple);
                let of = |rule: &usize| Some(frame.amount_of(*rule, per_lot(rule)?));
                abs(about.iter().filter_map(of).sum())
            }
        }
    }

    /// What a lot adds to the sum of a greek, times the multiple; none of a greek that it does not have.
    fn sensitivity(&self, of: Exposure, frame: &Frame<'_>, rule: usize, multiple: Ppm) -> Option<Affine> {
        let fraction = [multiple.into()];
        match (&self.positions[rule].greeks, of) {
            (None, Exposure::Delta) => Some(frame.price(rule, &fraction)),
            (None, _) => None,
            (Some(greeks), Exposure::Delta) => Some(frame.measure(rule, DELTA, greeks.delta_sign.number(), &fraction)),
            (Some(_), Exposure::Gamma) => Some(frame.measure(rule, GAMMA, 1, &fraction)),
            (Some(_), _) => Some(frame.measure(rule, VEGA, 1, &fraction)),
        }
    }

    /// The same, computed directly: the margins of the limits, and all of the one with the least.
    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let value_of = |rule: usize, fraction: Fraction| frame.value_of(rule, &[fraction], position, prices);
        let equity_times = |share: Fraction| {
            self.in_equity(frame).try_fold(I256::ZERO, |sum, rule| sum.checked_add(value_of(rule, share)?))
        };
        let mut limits = Vec::with_capacity(self.limits.len() + 1);
        let equity = Breakdown { equity: equity_times(Ppm::ONE.into())?, ..Breakdown::default() };
        limits.push((Name::new(EQUITY).ok()?, equity));
        for limit in &self.limits {
            let (bound, of_bound, of_measure) = limit.bound(level);
            let bound = match bound? {
                Bound::Share(share) => equity_times(Fraction::product_up(share, of_bound))?,
                Bound::Amount(amount) => frame.amount(amount, &[of_bound.into()]),
            };
            let measured = self.measured(limit, frame, of_measure, (position, prices))?;
            let (has, needs) = if limit.measure == Exposure::Value { (measured, bound) } else { (bound, measured) };
            let mut breakdown = Breakdown { equity: has, ..Breakdown::default() };
            breakdown.charge(limit.name.to_string(), needs)?;
            limits.push((limit.name.clone(), breakdown));
        }
        Breakdown::worst_of(limits)
    }

    fn measured(
        &self,
        limit: &Limit,
        frame: &Frame<'_>,
        multiple: Ppm,
        (position, prices): (&Position, &[Price]),
    ) -> Option<I256> {
        let about = limit.about(&self.positions);
        let values = about.iter().map(|rule| frame.value_of(*rule, &[multiple.into()], position, prices));
        let values = values.collect::<Option<Vec<_>>>()?;
        match limit.measure {
            Exposure::Gross => total(values.iter().map(|value| value.checked_abs())),
            Exposure::Net => total(values.into_iter().map(Some))?.checked_abs(),
            Exposure::Long => total(values.into_iter().map(|value| Some(value.max(I256::ZERO)))),
            Exposure::Short => total(values.into_iter().map(|value| value.checked_neg().map(|it| it.max(I256::ZERO)))),
            Exposure::Each => {
                let sizes = values.iter().map(|value| value.checked_abs()).collect::<Option<BTreeSet<_>>>()?;
                Some(sizes.last().copied().unwrap_or(I256::ZERO))
            }
            Exposure::Value => total(values.into_iter().map(Some)),
            Exposure::Delta | Exposure::Gamma | Exposure::Vega => {
                let per_lot = |rule: &usize| self.sensitivity(limit.measure, frame, *rule, multiple);
                let of = |rule: &usize| Some(frame.amount_held(*rule, &per_lot(rule)?, position, prices));
                total(about.iter().filter_map(of))?.checked_abs()
            }
        }
    }
}

/// The sum of amounts; none if it exceeds 256 bits.
fn total(mut amounts: impl Iterator<Item = Option<I256>>) -> Option<I256> {
    amounts.try_fold(I256::ZERO, |sum, amount| sum.checked_add(amount?))
}
