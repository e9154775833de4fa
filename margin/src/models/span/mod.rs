//! SPAN-like margin: what the positions of a combined commodity lose together, by risk arrays that are data.
//!
//! With `q_i` the units held of member `i`, `v_i` their marked value and `F` the multiple of the level, the margin is
//! `Σ_j min(w_j·v_j, v_j) + Σ_i v_i - F·Σ_c R_c`: collateral `j` by its weight or ladder, members at their mark, which
//! for options is the net option value, and the requirement `R_c` of every combined commodity `c`. A liquidation that
//! costs a fraction takes it of every `|v_i|`.
//!
//! | commodity | requirement |
//! |---|---|
//! | with risk arrays `a_i` | `max(max(0, max_s Σ_i q_i·a_i[s]) + ρ·min(L, S), o·Σ max(0, -q_i))` |
//! | with an outright charge `s` | `max(s·\|x\| + ρ·min(L, S), o·Σ max(0, -q_i))` |
//! | with both, less what it saves `C` | `max(s·\|x\| + ρ·min(L, S) - C, o·Σ max(0, -q_i))` |
//!
//! The last terms are the short option minimum `o`, over options. `x` is the sum of the deltas `q_i·δ_i`, and `L` and
//! `S` are what months with a positive and with a negative sum come to: `L - S = x`. A commodity with an outright
//! charge saves `C` in spreads against others: `n = min(|x|/r, |y|/r')` spreads of opposite deltas at the share `c`
//! save `c·n·r·s` of one leg and `c·n·r'·s'` of the other. Pairs are matched in the order of the list; see `credits`.
//!
//! The forms in which programs state them:
//! - `ρ·min(L, S) = (ρ/2)·(L + S) - (ρ/2)·|x|`, so that scan and calendar charge are `(s - ρ/2)·|x| + (ρ/2)·Σ_m |x_m|`,
//!   which is convex if `s ≥ ρ/2`. Otherwise, and beside risk arrays, `|x|` is exact.
//! - `2·min(|x|, |y|)` for opposite signs is `|x| + |y| - |x + y|`, so that a plain pair, 1:1, requires
//!   `(s - p)·|x| + (s' - p)·|y| + p·|x + y|` with `p = c·(s + s')/2`, which is convex if `s ≥ p` and
//!   `s' ≥ p`, and beside calendars if `s - ρ/2 ≥ p` and the like. A pair is plain if it saves one share, and its legs
//!   are in no other pair and have no short option minimum.
//! - Other pairs leave `max(0, x⁺ - y⁻) - max(0, x⁻ - y⁺)` of `x`, and the like of `y`, of which every part is exact.
//!
//! Credits in proportion to a scan risk are refused: a scan risk divided by a net delta is not piecewise linear.
//!
//! Sources: CME Group, "CME SPAN: Standard Portfolio Analysis of Risk" (overview of the methodology) and the "SPAN
//! Technical Specifications", for scan risk, intra- and inter-commodity spreads, short option minimum and net option
//! value. Tiers of months, delivery charges and the composite deltas of options in spreads are not modelled.

mod checks;
mod credits;
mod risk;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use surety_core::{
    ident::Name,
    units::{Decimals, Ppm, Price},
};

pub use self::credits::{CreditBasis, CreditTier, SpreadCredit};
use self::{credits::Plan, risk::Risk};
use super::{Asset, Frame, InstrumentRule, Measure, fraction::Fraction, required::Required, rule::numbered};
use crate::{
    holdings::Position,
    level::{ByBasis, Level},
    market::boxes::Role,
    models::Breakdown,
    program::{Expression, abs, once},
    universe::InstrumentClass,
};

/// What it costs to liquidate a member.
const LIQUIDATION: &str = "liquidation";

/// Risk arrays or outright charges for combined commodities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The requirement is multiplied by this: what the initial one is of the maintenance one.
    #[serde(default = "ByBasis::one")]
    pub requirement_multiple: ByBasis,
    /// Cash and what else counts as collateral; none where another part of a sum has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collateral: Vec<Asset>,
    /// What may be traded.
    pub commodities: Vec<CombinedCommodity>,
    /// What opposite positions in two commodities save.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credits: Vec<SpreadCredit>,
}

/// Instruments on one underlying, whose gains and losses offset each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CombinedCommodity {
    /// Unique in its model.
    pub name: Name,
    /// Decimal places of its amounts.
    pub decimals: Decimals,
    /// The charge for one unit of net delta. Left out if its members have risk arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outright: Option<Amount>,
    /// The charge for a unit of delta that is long in one month and short in another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Amount>,
    /// The least that is required for one unit of each option that is short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_option_minimum: Option<Amount>,
    /// Its instruments.
    pub members: Vec<Member>,
}

/// An instrument of a combined commodity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The instrument.
    pub instrument: Name,
    /// The market entry of its mark.
    pub price: Name,
    /// Whether it may be short.
    #[serde(default)]
    pub short: bool,
    /// What one unit that is held loses in each scenario; a gain is negative.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risk_array: Vec<Amount>,
    /// The delta of one unit, where the commodity has an outright or a calendar charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
    /// The month that it counts in, where the commodity has a calendar charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Name>,
}

/// A signed amount of quote units for one unit of an instrument, times `10^decimals` of its commodity. At most
/// `2^53 - 1` either way, which every reader of JSON holds exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Amount(#[schemars(range(min = -9_007_199_254_740_991i64, max = 9_007_199_254_740_991i64))] i64);

impl Amount {
    const MAX: u64 = (1 << 53) - 1;

    /// An amount.
    ///
    /// # Errors
    /// If it exceeds `2^53 - 1` either way.
    pub fn new(amount: i64) -> Result<Self, String> {
        if amount.unsigned_abs() > Self::MAX {
            return Err(format!("expected an amount of at most 2^53 - 1 either way, found {amount}"));
        }
        Ok(Self(amount))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The signed delta of one unit in parts per million: `1_000_000` for a future on one unit of the underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Delta(pub i32);

impl From<Delta> for Fraction {
    fn from(Delta(delta): Delta) -> Self {
        Self(i64::from(delta))
    }
}

impl Member {
    fn rule(&self, path: String, places: u32) -> InstrumentRule<'_> {
        let measures = vec![Measure {
            key: "risk_array",
            entry: None,
            role: Role::Added,
            is_sensitivity: false,
            places,
            tighter: None,
        }];
        InstrumentRule { measures, ..InstrumentRule::new(path, &self.instrument, Some(&self.price), self.short) }
    }
}

impl CombinedCommodity {
    /// Most losses of a risk array; SPAN has sixteen.
    const MAX_SCENARIOS: usize = 1_024;

    /// Decimal places of the numbers that its program has: beside charges on deltas so many more, by [`Plan::digits`].
    fn places(&self, digits: u32) -> u32 {
        u32::from(self.decimals.get()) + if self.has_deltas() { digits } else { 0 }
    }

    /// Whether it charges deltas.
    fn has_deltas(&self) -> bool {
        self.outright.is_some() || self.calendar.is_some()
    }

    /// How many scenarios its risk arrays have.
    fn scenarios(&self) -> usize {
        self.members.iter().map(|member| member.risk_array.len()).max().unwrap_or(0)
    }

    /// A lower bound on the rows of its program.
    fn least_rows(&self) -> usize {
        let of_member = |member: &Member| match self.outright {
            Some(_) => 1,
            None => member.risk_array.iter().filter(|loss| loss.0 != 0).count(),
        };
        self.members.iter().map(of_member).sum()
    }
}

impl Span {
    pub(super) fn rules(&self) -> Vec<InstrumentRule<'_>> {
        let mut rules = numbered("model.collateral", &self.collateral, Asset::rule);
        let digits = Plan::of(self).digits;
        for (c, (commodity, digits)) in self.commodities.iter().zip(digits).enumerate() {
            let rule = |member, path| Member::rule(member, path, commodity.places(digits));
            rules.extend(numbered(&format!("model.commodities[{c}].members"), &commodity.members, rule));
        }
        rules
    }

    pub(super) fn classes(&self, rule: usize) -> &'static [InstrumentClass] {
        use InstrumentClass::{Cash, Future, Option, Perpetual, Spot};
        if rule < self.collateral.len() { &[Cash, Spot] } else { &[Spot, Perpetual, Future, Option] }
    }

    /// The multiple of the level, and where there are outright charges the delta.
    pub(super) fn fractions(&self) -> u32 {
        if self.commodities.iter().any(CombinedCommodity::has_deltas) { 2 } else { 1 }
    }

    pub(super) fn least_rows(&self) -> usize {
        self.collateral.len() + self.commodities.iter().map(CombinedCommodity::least_rows).sum::<usize>()
    }

    pub(super) fn required(&self, level: &Level) -> Vec<Required> {
        let of_asset =
            |asset: &Asset| Required { held: asset.ladder(level.basis).has_haircut(), ..Required::default() };
        let counts = self.requirement_multiple.at(level.basis) > Ppm(0);
        let of_commodity = |commodity: &CombinedCommodity| {
            let minimum = commodity.short_option_minimum > Some(Amount(0));
            let of_member = |member: &Member| {
                let outright =
                    commodity.outright > Some(Amount(0)) && member.delta.is_some_and(|Delta(delta)| delta != 0);
                let loses = |sign: i64| member.risk_array.iter().any(|loss| sign * loss.0 > 0);
                let liquidated = level.liquidation_cost() > Ppm(0);
                Required {
                    held: liquidated || (counts && (outright || loses(1))),
                    owed: liquidated || (counts && (outright || loses(-1) || minimum)),
                    lendable: false,
                }
            };
            commodity.members.iter().map(of_member).collect::<Vec<_>>()
        };
        self.collateral.iter().map(of_asset).chain(self.commodities.iter().flat_map(of_commodity)).collect()
    }

    pub(super) fn margin(&self, frame: &Frame<'_>, level: &Level) -> Expression {
        let collateral = |(rule, asset): (usize, &Asset)| {
            asset.ladder(level.basis).margin(frame, rule, Ppm::ONE.into()) - frame.allowance(rule)
        };
        let collateral = self.collateral.iter().enumerate().map(collateral);
        let marked = self.members().map(|rule| frame.value(rule, &[]));
        // Summed once, or every scenario of a commodity would hold the members of all others.
        let liquidated = self.members().map(|rule| abs(frame.value(rule, &[level.liquidation_cost().into()])));
        let liquidated = liquidated.sum::<Expression>();
        collateral.sum::<Expression>() + once(marked.sum()) + Risk::new(self, frame, level).margin() - liquidated
    }

    pub(super) fn evaluate(
        &self,
        frame: &Frame<'_>,
        level: &Level,
        position: &Position,
        prices: &[Price],
    ) -> Option<Breakdown> {
        let mut breakdown = Breakdown::default();
        for (rule, asset) in self.collateral.iter().enumerate() {
            let ladder = asset.ladder(level.basis);
            breakdown.credit(ladder.margin_of(frame, rule, Ppm::ONE.into(), position, prices)?)?;
            breakdown.charge(format!("allowance for {}", asset.instrument), frame.allowance_of(rule, position)?)?;
        }
        for rule in self.members() {
            breakdown.credit(frame.value_of(rule, &[], position, prices)?)?;
            let cost = frame.value_of(rule, &[level.liquidation_cost().into()], position, prices)?.abs();
            breakdown.charge(LIQUIDATION.to_owned(), cost)?;
        }
        Risk::new(self, frame, level).charge(&mut breakdown, position, prices)?;
        Some(breakdown)
    }

    /// The numbers of the rules of all members.
    fn members(&self) -> core::ops::Range<usize> {
        let count: usize = self.commodities.iter().map(|commodity| commodity.members.len()).sum();
        self.collateral.len()..self.collateral.len() + count
    }
}
