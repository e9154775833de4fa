//! Spread credits between commodities: the deltas that are matched, and the integers in which they are.
//!
//! Pairs are matched in the order of the list. A pair with the ratio `r_1` to `r_2` finds the net deltas `x` and `y`
//! that the pairs before it left, and makes `n = min(|x|/r_1, |y|/r_2)` spreads of them if they have opposite signs.
//! With the share `c_t` of tier `t` and the part `n_t` of `n` within that tier, leg `i` saves `Σ_t c_t·n_t·r_i·s_i`
//! of its outright charge `s_i`, and keeps `|x| - n·r_1` or `|y| - n·r_2` for the pairs that follow.
//!
//! Source: CME Group, "SPAN Technical Specifications", inter-commodity spreads by delta with priorities and tiers.
//!
//! Everything is in integers. Left deltas are counted in `1/Q_1` and `1/Q_2`, where both `Q` are 1 at first. With
//! `A = Q_1·r_1`, `B = Q_2·r_2` and their greatest common divisor `g`, the integers `X` and `Y` are compared as
//! `X·B/g` and `Y·A/g`. The smaller one is `N`, and `lcm(A, B)` of it are a spread. The pair leaves `|X|·B/g - N` in
//! parts of `Q_1·B/g`, and `|Y|·A/g - N` in parts of `Q_2·A/g`: nothing of a delta is rounded. The amount that leg `i`
//! saves for each one of `N` is rounded down, against the account, to an even number of `10^-digits` (see
//! [`Plan::digits`]), which is less than `2·10^-7` of the commodity's last decimal place for each delta.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{decimal::Magnitude, ident::Name, units::Ppm};

use super::Span;
use crate::integers::greatest_common_divisor;

/// What opposite net deltas in two commodities save of the outright charges of both. Earlier credits of the list are
/// given first; later ones see the deltas that are left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpreadCredit {
    /// The two commodities, each with an outright charge.
    pub commodities: Vec<Name>,
    /// The share of both charges that every spread saves, at most 100 %. Left out beside tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Ppm>,
    /// The share that the first spreads save, and the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<CreditTier>,
    /// How many deltas of each make a spread: one to one, or numbers from 1 to 1,000.
    #[serde(default = "one_to_one")]
    pub ratio: Vec<u32>,
    /// What the credit is a share of: the outright charge.
    #[serde(default)]
    pub basis: CreditBasis,
}

/// The share that spreads save beyond the tier before and up to its own end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditTier {
    /// The number of spreads at which the tier ends, with at most six decimal places. Left out for a last tier without
    /// end; otherwise nothing is saved beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Magnitude::some_number")]
    pub up_to: Option<Magnitude>,
    /// The share of both charges that is saved, at most 100 %.
    pub credit: Ppm,
}

/// What a credit is a share of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CreditBasis {
    /// The outright charges of the two legs.
    #[default]
    Outright,
    /// The scan risks of the two commodities. No program can state it: read only to be refused with the reason.
    ScanRisk,
}

/// The pairs of a model in the order in which they are matched. Ill-formed credits are left out.
pub(super) struct Plan<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    /// Credits that cannot be stated, by their place in the list, and why.
    pub(super) refused: Vec<(usize, Excess)>,
    /// Decimal places that the numbers of each commodity have beyond its own: one for the half of a calendar charge,
    /// six for a credit, and in pairs as many as the largest `Q` has digits. Commodities that share pairs come to the
    /// same number of places in all, so that their deltas are in the same unit.
    pub(super) digits: Vec<u32>,
}

/// Two commodities that save against each other.
pub(super) struct Pair<'a> {
    pub(super) credit: &'a SpreadCredit,
    /// The places of the commodities in the model.
    pub(super) legs: [usize; 2],
    /// `B/g` and `A/g`: what left deltas are multiplied with to be compared.
    pub(super) factors: [u64; 2],
    /// In how many parts of a delta each leg is counted afterwards.
    pub(super) parts: [u64; 2],
    /// How many of the compared deltas are a spread: `lcm(A, B)`.
    pub(super) spread: u64,
    /// Whether one share is given throughout to commodities that are in no other pair and have no short option minimum.
    pub(super) plain: bool,
}

/// What is too large of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// The parts in which deltas are counted.
    Parts,
    /// The formula of the left deltas.
    Terms,
}

/// What a commodity has left between two pairs.
#[derive(Clone, Copy)]
struct Left {
    /// In how many parts of a delta it is counted.
    parts: u64,
    /// How many net deltas the formula of it reads, each as often as it occurs.
    terms: usize,
}

impl SpreadCredit {
    /// The largest number of a ratio.
    pub(super) const MAX_RATIO: u32 = 1_000;

    /// The shares by the number of spreads; one share is a tier without end.
    pub(super) fn shares(&self) -> Vec<CreditTier> {
        let single = self.credit.map(|credit| CreditTier { up_to: None, credit });
        single.into_iter().chain(self.tiers.iter().copied()).collect()
    }

    /// Whether the ratio consists of two numbers that may be.
    pub(super) fn has_ratio(&self) -> bool {
        self.ratio.len() == 2 && self.ratio.iter().all(|number| (1..=Self::MAX_RATIO).contains(number))
    }

    /// Whether one share is given throughout.
    fn is_flat(&self) -> bool {
        matches!(self.shares().as_slice(), [CreditTier { up_to: None, .. }])
    }
}

impl CreditTier {
    /// The end is read to so many decimal places, as deltas are.
    const PLACES: u8 = 6;

    /// Ends are below `10^12` spreads.
    const MAX_END: u128 = 10_u128.pow(18);

    /// The end in millionths of a spread, none if it has more decimal places or is too large.
    pub(super) fn millionths(end: Magnitude) -> Option<u128> {
        let (_, places) = end.integer();
        end.rounded(Self::PLACES).filter(|millionths| places <= Self::PLACES && *millionths < Self::MAX_END)
    }
}

impl<'a> Plan<'a> {
    /// Most parts of a delta that anything is counted in.
    pub(super) const MAX_PARTS: u64 = 1_000_000_000;

    /// Most net deltas that all credits of a model read, each as often as it occurs.
    pub(super) const MAX_TERMS: usize = 10_000;

    pub(super) fn of(model: &'a Span) -> Self {
        let mut left = vec![Left { parts: 1, terms: 1 }; model.commodities.len()];
        let mut group: Vec<usize> = (0..left.len()).collect();
        let (mut pairs, mut refused, mut terms) = (Vec::<Pair<'_>>::new(), Vec::new(), 0);
        for (i, credit) in model.credits.iter().enumerate() {
            let Some(legs) = model.legs_of(credit) else { continue };
            let [x, y] = legs.map(|leg| left[leg]);
            let Some(pair) = Pair::of(credit, legs, [x.parts, y.parts]) else {
                refused.push((i, Excess::Parts));
                continue;
            };
            let both = x.terms + y.terms;
            terms += both * (1 + credit.tiers.len());
            if terms > Self::MAX_TERMS {
                refused.push((i, Excess::Terms));
                break;
            }
            for (leg, parts) in legs.into_iter().zip(pair.parts) {
                left[leg] = Left { parts, terms: both };
            }
            let [kept, merged] = legs.map(|leg| group[leg]);
            group.iter_mut().filter(|group| **group == merged).for_each(|group| *group = kept);
            pairs.push(pair);
        }
        let mut uses = vec![0; left.len()];
        pairs.iter().flat_map(|pair| pair.legs).for_each(|leg| uses[leg] += 1);
        for pair in &mut pairs {
            let alone = |leg: usize| uses[leg] == 1 && model.commodities[leg].short_option_minimum.is_none();
            pair.plain = pair.credit.is_flat() && pair.legs.into_iter().all(alone);
        }
        let digits = digits(model, &left, &group);
        Self { pairs, refused, digits }
    }
}

impl<'a> Pair<'a> {
    /// The pair of legs that are counted in so many parts before. None if it leaves more than [`Plan::MAX_PARTS`].
    fn of(credit: &'a SpreadCredit, legs: [usize; 2], [x, y]: [u64; 2]) -> Option<Self> {
        let &[first, second] = credit.ratio.as_slice() else { return None };
        let (a, b) = (x * u64::from(first), y * u64::from(second));
        let divisor = greatest_common_divisor(a, b);
        let factors = [b / divisor, a / divisor];
        let left = |before: u64, factor: u64| before.checked_mul(factor).filter(|parts| *parts <= Plan::MAX_PARTS);
        let parts = [left(x, factors[0])?, left(y, factors[1])?];
        Some(Self { credit, legs, factors, parts, spread: parts[0] * u64::from(first), plain: false })
    }
}

impl Span {
    /// The places of a credit's commodities. None unless they are two with an outright charge, in a ratio that may be.
    fn legs_of(&self, credit: &SpreadCredit) -> Option<[usize; 2]> {
        let place = |name: &Name| {
            self.commodities.iter().position(|commodity| commodity.name == *name && commodity.outright.is_some())
        };
        let [first, second] = credit.commodities.as_slice() else { return None };
        let [first, second] = [place(first)?, place(second)?];
        (first != second && credit.has_ratio()).then_some([first, second])
    }
}

/// The digits of each commodity, given what it has left and the group of those that share pairs with it.
fn digits(model: &Span, left: &[Left], group: &[usize]) -> Vec<u32> {
    let decimals = |commodity: usize| model.commodities[commodity].decimals.get();
    let mut largest = vec![(1_u64, 0_u8); left.len()];
    for (commodity, Left { parts, .. }) in left.iter().enumerate() {
        let of_group = &mut largest[group[commodity]];
        *of_group = (of_group.0.max(*parts), of_group.1.max(decimals(commodity)));
    }
    let of = |commodity: usize| {
        let (parts, most) = largest[group[commodity]];
        let of_parts = (parts - 1).checked_ilog10().map_or(0, |digits| digits + 1);
        7 + of_parts + u32::from(most - decimals(commodity))
    };
    (0..left.len()).map(of).collect()
}

fn one_to_one() -> Vec<u32> {
    vec![1, 1]
}
