//! Scenario margin, in the manner of SPAN's scan risk.
//!
//! With `v_i` the marked value of holding `i` and `z_is` the shock of scenario `s` to its risk factor, the margin at a
//! level of multiple `m` is `Σ_i min(w_i·v_i, v_i) + m·λ·min(0, min_s Σ_i z_is·v_i) - m·Σ_i c_i·|v_i|`. A position may
//! have a ladder of weights instead of one ([`Tier`]), tiers of charges that rise with its size ([`RateTier`]), and one
//! with [`Greeks`] gains by them instead of `z_is·v_i`. The unshocked market is always among the scenarios, so that no
//! gain counts. A liquidation that costs the fraction `c` takes `c·|v_i|` of every position with a risk factor.
//!
//! With a `tail` the loss that counts is not the worst but the expected shortfall: the mean of the worst share of the
//! scenarios, which then are equally likely, such as the days of a history,
//! `Σ_i min(w_i·v_i, v_i) - m·λ·max(0, ES) - m·Σ_i c_i·|v_i|` with `ES = min_t ( t + Σ_s max(0, L_s - t) / (share·n) )`
//! and `L_s = -Σ_i z_is·v_i` (Rockafellar and Uryasev, 2000). Where the share takes in part of a scenario, that part
//! counts.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::Name,
    problem::{Problem, not_empty},
    units::{Ppm, Price, ShockPpm, power_of_ten},
};

use super::{
    Breakdown, Frame, Greeks, InstrumentRule, RateTier,
    fraction::{Fraction, charge_problems},
    ladder::{self, Ladder, Tier},
    rates::{self, Rates},
    required::Required,
    rule::units_of,
    size::{self, Side, Tiering},
};
use crate::{
    holdings::Position,
    level::{ByBasis, Level},
    program::{Affine, Expression, Scenario, TailShare, abs, tail_sum, worst_of},
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
    /// The share of the scenarios, the worst ones, whose mean loss counts: one minus the confidence level of an
    /// expected shortfall. Left out, the worst scenario counts.
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
    /// How much of a positive value counts. Negative values always count in full. Left out if it has tiers.
    #[serde(default = "ByBasis::one")]
    pub weight: ByBasis,
    /// How much of a positive value counts, part by part, instead of one weight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// The charge on the absolute value.
    #[serde(default = "ByBasis::zero")]
    pub charge: ByBasis,
    /// The charge, part by part of the absolute value: the more there is, the more for the next part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charge_tiers: Vec<RateTier>,
    /// How much of the position each tier applies to, for all lists of tiers.
    #[serde(default, skip_serializing_if = "Tiering::is_marginal")]
    pub tiering: Tiering,
    /// The risk factor that moves its price; left out if no scenario does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Name>,
    /// How it moves with its risk factors, if not in proportion to its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeks: Option<Greeks>,
}

/// A market scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarketScenario {
    /// Unique in its model.
    pub name: Name,
    /// The move of each risk factor, relative for prices and absolute for volatilities; a factor that is not named does
    /// not move.
    pub shocks: BTreeMap<Name, ShockPpm>,
}

impl ScenarioPosition {
    pub(super) fn rule(&self, path: String) -> InstrumentRule<'_> {
        let measures = self.greeks.as_ref().map(Greeks::measures).unwrap_or_default();
        let mut units = units_of("tiers", self.tiers.iter().map(|tier| tier.up_to_units));
        units.extend(units_of("charge_tiers", self.charge_tiers.iter().map(|tier| tier.up_to_units)));
        InstrumentRule {
            measures,
            units,
            ..InstrumentRule::new(path, &self.instrument, self.price.as_ref(), self.short)
        }
    }

    fn weight(&self) -> Option<ByBasis> {
        ladder::weight_beside(&self.tiers, self.weight)
    }

    fn ladder(&self, level: &Level) -> Ladder {
        Ladder::new(level.basis, self.weight(), &self.tiers, self.tiering)
    }

    /// The risk factors that move it, with their keys.
    fn factors(&self) -> impl Iterator<Item = (&'static str, &Name)> {
        let volatility = self.greeks.as_ref().map(|greeks| ("greeks.volatility", &greeks.volatility));
        self.factor.as_ref().map(|factor| ("factor", factor)).into_iter().chain(volatility)
    }

    /// What one lot gains in a scenario, times `multiple`.
    fn gains(&self, frame: &Frame<'_>, rule: usize, scenario: &MarketScenario, multiple: Fraction) -> Vec<Affine> {
        let shock = scenario.shock(self.factor.as_ref());
        let Some(greeks) = &self.greeks else {
            return shock.map(|shock| frame.price(rule, &[shock, multiple])).into_iter().collect();
        };
        let of_price = shock.map(|shock| greeks.of_price(frame, rule, shock, multiple));
        let of_volatility = scenario.shock(Some(&greeks.volatility));
        let of_volatility = of_volatility.map(|shock| greeks.of_volatility(frame, rule, shock, multiple));
        of_price.into_iter().flatten().chain(of_volatility).collect()
    }

    fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = ladder::problems(path, self.weight(), &self.tiers);
        let charge = (self.charge, ByBasis::zero());
        problems.extend(rates::problems((path, "charge"), charge, &self.charge_tiers, charge_problems));
        let has_tiers = !(self.tiers.is_empty() && self.charge_tiers.is_empty());
        problems.extend(size::tiering_problem(path, self.tiering, has_tiers));
        if self.greeks.is_some() && self.factor.is_none() {
            let expected = "the risk factor of the price that delta and gamma are for";
            problems.push(Problem::new(format!("{path}.factor"), expected, "none"));
        }
        problems
    }

    fn charged(&self, level: &Level) -> Rates {
        let at = |rate: ByBasis| Fraction::product_up(rate.at(level.basis), level.multiple);
        Rates::new(self.charge, &self.charge_tiers, self.tiering, at)
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
        let mut problems = Vec::from_iter(charge_problems("model.loss_multiple", self.loss_multiple));
        problems.extend(not_empty("model.positions", &self.positions));
        problems.extend(not_empty("model.scenarios", &self.scenarios));
        problems.extend(self.position_problems());
        problems.extend(self.scenario_problems());
        problems
    }

    fn position_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let moved: BTreeSet<&Name> = self.scenarios.iter().flat_map(|scenario| scenario.shocks.keys()).collect();
        let relative: BTreeSet<&Name> = self.positions.iter().filter_map(|position| position.factor.as_ref()).collect();
        for (i, position) in self.positions.iter().enumerate() {
            let path = format!("model.positions[{i}]");
            problems.extend(position.problems(&path));
            for (key, factor) in position.factors().filter(|(_, factor)| !moved.contains(factor)) {
                let expected = "a risk factor that a scenario moves";
                problems.push(Problem::new(format!("{path}.{key}"), expected, factor.to_string()));
            }
            let volatility = position.greeks.as_ref().map(|greeks| &greeks.volatility);
            if let Some(both) = volatility.filter(|factor| relative.contains(factor)) {
                let expected = "a risk factor of its own, because shocks of volatilities are absolute and not relative";
                let found = format!("{both}, which is that of a price");
                problems.push(Problem::new(format!("{path}.greeks.volatility"), expected, found));
            }
        }
        problems
    }

    fn scenario_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let positions = self.positions_by_factor();
        let mut names = BTreeSet::from([UNSHOCKED]);
        for (i, scenario) in self.scenarios.iter().enumerate() {
            if !names.insert(scenario.name.as_str()) {
                let found = scenario.name.to_string();
                problems.push(Problem::new(format!("model.scenarios[{i}].name"), "a name of its own", found));
            }
            for (name, shock) in &scenario.shocks {
                let path = format!("model.scenarios[{i}].shocks.{name}");
                if !positions.contains_key(name) {
                    problems.push(Problem::new(path, "the risk factor of a position", name.to_string()));
                } else if *shock < ShockPpm(-1_000_000) {
                    problems.push(Problem::new(path, "a shock of at least -100 %", shock.to_string()));
                }
            }
        }
        problems
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let settled = |(rule, position): (usize, &ScenarioPosition)| {
            let charged = position.charged(level);
            let of_all = charged.first().plus(position.liquidation(level));
            let mut beyond = charged.rise(frame, rule, Side::Held);
            if position.short {
                beyond = beyond + charged.rise(frame, rule, Side::Owed);
            }
            position.ladder(level).margin(frame, rule, Ppm::ONE.into()) - abs(frame.value(rule, &[of_all])) - beyond
        };
        let settled: Expression = self.positions.iter().enumerate().map(settled).sum();
        let multiple = self.multiple(level);
        let positions = self.positions_by_factor();
        let profit = |scenario: &MarketScenario| {
            let gains = |rule: usize| {
                let per_lot = self.positions[rule].gains(frame, rule, scenario, multiple).into_iter();
                per_lot.map(move |gain| frame.amount_of(rule, gain))
            };
            let value = moved_by(scenario, &positions).into_iter().flat_map(gains).sum();
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

    /// What a quote unit counts for in the margin: with a tail, that is times the divisor of its mean.
    pub(super) fn unit(&self, frame: &Frame<'_>) -> I256 {
        let unit = power_of_ten(frame.scale());
        // What saturates is so large that no program has room for it.
        self.tail().map_or(unit, |share| unit.saturating_mul(share.divisor(self.scenarios.len())))
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for (rule, rules) in self.positions.iter().enumerate() {
            breakdown.credit(rules.ladder(level).margin_of(frame, rule, Ppm::ONE.into(), position, prices)?)?;
            let charge = rules.charged(level).required(frame, rule, position, prices)?;
            breakdown.charge(format!("charge on {}", rules.instrument), charge)?;
            let liquidation = frame.value_of(rule, &[rules.liquidation(level)], position, prices)?.abs();
            breakdown.charge(format!("liquidation of {}", rules.instrument), liquidation)?;
        }
        let multiple = self.multiple(level);
        let mut losses = Vec::with_capacity(self.scenarios.len());
        for scenario in &self.scenarios {
            let mut loss = I256::ZERO;
            for (rule, rules) in self.positions.iter().enumerate() {
                for gain in rules.gains(frame, rule, scenario, multiple) {
                    loss = loss.checked_sub(frame.amount_held(rule, &gain, position, prices)?)?;
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

    /// Greeks are market entries: their position loses in a scenario if it does for some of their values.
    pub(super) fn requires(&self, position: &ScenarioPosition, level: &Level) -> Required {
        let mut required = Required::default();
        if position.charged(level).least() > Ppm(0).into() || position.liquidation(level) > Ppm(0).into() {
            return Required::EVER;
        }
        if self.multiple(level) > Ppm(0).into() {
            let moves = self.scenarios.iter().map(|scenario| {
                let shock = |factor| scenario.shock(factor).map_or(0, |Fraction(shock)| shock);
                (
                    shock(position.factor.as_ref()),
                    position.greeks.as_ref().map(|greeks| (greeks, shock(Some(&greeks.volatility)))),
                )
            });
            for (price, greeks) in moves.clone() {
                let Some((greeks, volatility)) = greeks else { continue };
                required.held |= greeks.is_against(price) || volatility < 0;
                required.owed |= price != 0 || volatility > 0;
            }
            if position.greeks.is_none() {
                let loses = |sign: i64| {
                    let losses: Vec<_> = moves.clone().map(|(shock, _)| I256::unchecked_from(sign * shock)).collect();
                    match self.tail() {
                        Some(share) => expected_shortfall(losses, share),
                        None => losses.into_iter().max(),
                    }
                };
                required.held = loses(-1).is_some_and(|loss| loss.is_positive());
                required.owed = loses(1).is_some_and(|loss| loss.is_positive());
            }
        }
        required.held |= position.ladder(level).has_haircut();
        required
    }

    /// The tail, if there are scenarios that it can be of.
    fn tail(&self) -> Option<TailShare> {
        self.tail.filter(|_| !self.scenarios.is_empty())
    }

    /// The positions that each risk factor moves, by their places in the list.
    fn positions_by_factor(&self) -> BTreeMap<&Name, Vec<usize>> {
        let mut positions: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
        for (rule, position) in self.positions.iter().enumerate() {
            for (_, factor) in position.factors() {
                positions.entry(factor).or_default().push(rule);
            }
        }
        positions
    }

    /// A lower bound on the rows of a program's table: one for each surplus, and one for each position that a scenario
    /// moves. Found without making the program.
    pub(super) fn least_rows(&self) -> usize {
        let positions = self.positions_by_factor();
        self.scenarios.iter().map(|scenario| 1 + moved_by(scenario, &positions).len()).sum()
    }

    /// How many fractions a gain is multiplied with: the shock, twice where there is a gamma, and the loss multiple.
    pub(super) fn fractions(&self) -> u32 {
        if self.positions.iter().any(|position| position.greeks.is_some()) { 3 } else { 2 }
    }

    /// Whether the position of a number has greeks.
    pub(super) fn has_greeks(&self, rule: usize) -> bool {
        self.positions.get(rule).is_some_and(|position| position.greeks.is_some())
    }

    fn multiple(&self, level: &Level) -> Fraction {
        Fraction::product_up(self.loss_multiple.at(level.basis), level.multiple)
    }
}

/// The positions that a scenario moves, by their places in the list.
fn moved_by(scenario: &MarketScenario, positions: &BTreeMap<&Name, Vec<usize>>) -> BTreeSet<usize> {
    let shocks = scenario.shocks.iter().filter(|(_, shock)| shock.0 != 0);
    shocks.flat_map(|(factor, _)| positions.get(factor).into_iter().flatten().copied()).collect()
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
