//! Scenario margin for linear instruments, in the manner of SPAN's scan risk.
//!
//! With `v_i` the marked value of holding `i` and `z_is` the shock of scenario `s` to its risk factor, the margin at a
//! level of multiple `m` is
//! `Σ_i min(w_i·v_i, v_i) + m·λ·min(0, min_s Σ_i z_is·v_i) - m·Σ_i c_i·|v_i|`.
//! The unshocked market is always among the scenarios, so that no gain counts.
//!
//! With a `tail` the loss that counts is not the worst but the expected shortfall: the mean of the worst share of the
//! scenarios, which then are equally likely, such as the days of a history,
//! `Σ_i min(w_i·v_i, v_i) - m·λ·max(0, ES) - m·Σ_i c_i·|v_i|` with `ES = min_t ( t + Σ_s max(0, L_s - t) / (share·n) )` and
//! `L_s = -Σ_i z_is·v_i` (Rockafellar and Uryasev, 2000). Where the share takes in part of a scenario, that part counts.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Frame, Rule, frame::Fraction};
use crate::{
    evaluate::Breakdown,
    holdings::Position,
    ident::Name,
    policy::{ByBasis, Level, not_empty},
    problem::Problem,
    program::{Affine, Expression, Scenario, TailShare, abs, min_of, tail_sum, worst_of},
    units::{Ppm, Price, ShockPpm},
};

/// What the unshocked market is called.
const UNSHOCKED: &str = "unshocked";

/// What the mean of the worst scenarios is called.
const EXPECTED_SHORTFALL: &str = "expected shortfall";

/// The worst of a list of scenarios, with charges on gross positions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioMargin {
    /// The worst loss is multiplied by this.
    #[serde(default = "ByBasis::one")]
    pub loss_multiple: ByBasis,
    /// The share of the scenarios, the worst ones, whose mean loss counts: one minus the confidence level of an expected
    /// shortfall. Left out, the worst scenario counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<TailShare>,
    /// What the account may hold.
    pub positions: Vec<ScenarioPosition>,
    /// What may happen.
    pub scenarios: Vec<MarketScenario>,
}

/// An instrument under scenario margin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioPosition {
    /// The instrument.
    pub instrument: Name,
    /// The market entry that prices it; left out for the quote currency itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Name>,
    /// Whether it may be short or owed.
    #[serde(default)]
    pub short: bool,
    /// How much of a positive value counts. Negative values always count in full.
    #[serde(default = "ByBasis::one")]
    pub weight: ByBasis,
    /// The charge on the absolute value.
    #[serde(default = "ByBasis::zero")]
    pub charge: ByBasis,
    /// The risk factor that moves its price; left out if no scenario does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Name>,
}

/// A market scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketScenario {
    /// Unique in its model.
    pub name: Name,
    /// The relative move of each risk factor; a factor that is not named does not move.
    pub shocks: BTreeMap<Name, ShockPpm>,
}

impl ScenarioPosition {
    pub(super) fn rule(&self, path: String) -> Rule<'_> {
        Rule::new(path, &self.instrument, self.price.as_ref(), self.short)
    }

    fn charged(&self, level: &Level) -> Fraction {
        Fraction::product_up(self.charge.at(level.basis), level.multiple)
    }

    /// What a liquidation costs: whatever has a risk factor is liquidated.
    fn liquidation(&self, level: &Level) -> Fraction {
        let cost = if self.factor.is_some() { level.liquidation_cost() } else { Ppm(0) };
        cost.into()
    }
}

impl MarketScenario {
    fn shock(&self, factor: Option<&Name>) -> Option<Fraction> {
        self.shocks.get(factor?).copied().map(Fraction::from)
    }
}

impl ScenarioMargin {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::from_iter(super::charge_problems("model.loss_multiple", self.loss_multiple));
        problems.extend(not_empty("model.positions", &self.positions));
        problems.extend(not_empty("model.scenarios", &self.scenarios));
        let moved: BTreeSet<&Name> = self.scenarios.iter().flat_map(|scenario| scenario.shocks.keys()).collect();
        for (i, position) in self.positions.iter().enumerate() {
            let path = |key: &str| format!("model.positions[{i}].{key}");
            problems.extend(super::weight_problems(&path("weight"), position.weight));
            problems.extend(super::charge_problems(&path("charge"), position.charge));
            if let Some(factor) = position.factor.as_ref().filter(|factor| !moved.contains(factor)) {
                let expected = "a risk factor that a scenario moves";
                problems.push(Problem::new(path("factor"), expected, factor.to_string()));
            }
        }
        let positions = self.positions_by_factor();
        let mut names = BTreeSet::from([UNSHOCKED]);
        for (i, scenario) in self.scenarios.iter().enumerate() {
            if !names.insert(scenario.name.as_str()) {
                let found = scenario.name.to_string();
                problems.push(Problem::new(format!("model.scenarios[{i}].name"), "a name of its own", found));
            }
            for (name, ShockPpm(shock)) in &scenario.shocks {
                let path = format!("model.scenarios[{i}].shocks.{name}");
                if !positions.contains_key(name) {
                    problems.push(Problem::new(path, "the risk factor of a position", name.to_string()));
                } else if *shock < -1_000_000 {
                    problems.push(Problem::new(path, "a shock of at least -1000000 ppm", shock.to_string()));
                }
            }
        }
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let one = Fraction::from(Ppm::ONE);
        let settled = |(rule, position): (usize, &ScenarioPosition)| {
            let weighted = frame.value(rule, &[position.weight.at(level.basis).into(), one]);
            let charged = position.charged(level).plus(position.liquidation(level));
            min_of(weighted, frame.value(rule, &[one, one])) - abs(frame.value(rule, &[charged, one]))
        };
        let settled: Expression = self.positions.iter().enumerate().map(settled).sum();
        let multiple = self.multiple(level);
        let positions = self.positions_by_factor();
        let profit = |scenario: &MarketScenario| {
            let moved = scenario.shocks.iter().flat_map(|(factor, shock)| {
                let rules = positions.get(factor).into_iter().flatten();
                rules.map(|rule| frame.value(*rule, &[Fraction::from(*shock), multiple]))
            });
            let value = moved.sum();
            Scenario { label: scenario.name.to_string(), value }
        };
        let unshocked = Scenario { label: UNSHOCKED.to_owned(), value: Expression::zero() };
        let scenarios = self.scenarios.iter().map(profit);
        match self.tail() {
            None => settled + worst_of(std::iter::once(unshocked).chain(scenarios).collect()),
            Some(share) => {
                // All times the divisor of the mean, which keeps the sign and integers.
                let losses = scenarios.map(|scenario| -scenario.value).collect();
                let value = -tail_sum(losses, share);
                let shortfall = Scenario { label: EXPECTED_SHORTFALL.to_owned(), value };
                settled.times(Affine::constant(share.divisor(self.scenarios.len())))
                    + worst_of(vec![unshocked, shortfall])
            }
        }
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let one = Fraction::from(Ppm::ONE);
        let mut breakdown = Breakdown::default();
        for (rule, rules) in self.positions.iter().enumerate() {
            let value = |fraction: Fraction| frame.value_of(rule, &[fraction, one], position, prices);
            breakdown.credit(value(rules.weight.at(level.basis).into())?.min(value(one)?))?;
            breakdown.charge(format!("charge on {}", rules.instrument), value(rules.charged(level))?.abs())?;
            breakdown.charge(format!("liquidation of {}", rules.instrument), value(rules.liquidation(level))?.abs())?;
        }
        let multiple = self.multiple(level);
        let mut losses = Vec::with_capacity(self.scenarios.len());
        for scenario in &self.scenarios {
            let mut loss = I256::ZERO;
            for (rule, rules) in self.positions.iter().enumerate() {
                if let Some(shock) = scenario.shock(rules.factor.as_ref()) {
                    loss = loss.checked_sub(frame.value_of(rule, &[shock, multiple], position, prices)?)?;
                }
            }
            losses.push(loss);
        }
        if let Some(share) = self.tail() {
            breakdown.charge(EXPECTED_SHORTFALL.to_owned(), expected_shortfall(losses, share)?.max(I256::ZERO))?;
        } else {
            let named = losses.into_iter().zip(&self.scenarios).map(|(loss, scenario)| (loss, scenario.name.as_str()));
            let (loss, name) =
                named.fold((I256::ZERO, UNSHOCKED), |worst, next| if next.0 > worst.0 { next } else { worst });
            breakdown.charge("worst scenario".to_owned(), loss)?;
            breakdown.worst_scenario = Some(name.to_owned());
        }
        Some(breakdown)
    }

    /// The tail, if there are scenarios that it can be of.
    fn tail(&self) -> Option<TailShare> {
        self.tail.filter(|_| !self.scenarios.is_empty())
    }

    /// The positions that each risk factor moves, by their places in the list.
    fn positions_by_factor(&self) -> BTreeMap<&Name, Vec<usize>> {
        let mut positions: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for (rule, position) in self.positions.iter().enumerate() {
            if let Some(factor) = &position.factor {
                positions.entry(factor).or_default().push(rule);
            }
        }
        positions
    }

    /// A lower bound on the rows of a program's table: one for each surplus, and one for each position that a scenario
    /// moves. Found without making the program.
    pub(super) fn least_rows(&self) -> usize {
        let positions = self.positions_by_factor();
        let moves = |(factor, shock): (&Name, &ShockPpm)| match positions.get(factor) {
            Some(moved) if shock.0 != 0 => moved.len(),
            _ => 0,
        };
        self.scenarios.iter().map(|scenario| 1 + scenario.shocks.iter().map(moves).sum::<usize>()).sum()
    }

    fn multiple(&self, level: &Level) -> Fraction {
        Fraction::product_up(self.loss_multiple.at(level.basis), level.multiple)
    }
}

/// The mean of the largest losses, of the last one in part, rounded up: against the account. None on overflow.
fn expected_shortfall(mut losses: Vec<I256>, share: TailShare) -> Option<I256> {
    losses.sort_unstable_by(|a, b| b.cmp(a));
    let divisor = share.divisor(losses.len());
    let (mut sum, mut rest) = (I256::ZERO, divisor);
    for loss in losses {
        let part = rest.min(I256::unchecked_from(Ppm::ONE.0));
        sum = sum.checked_add(loss.checked_mul(part)?)?;
        rest -= part;
    }
    // Integer division rounds towards zero, which is up for negative numbers only.
    let quotient = sum.checked_div(divisor)?;
    let exact = quotient.checked_mul(divisor)? == sum;
    Some(if exact || sum.is_negative() { quotient } else { quotient + I256::ONE })
}
