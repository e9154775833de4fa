//! The admissible boxes of a market entry, which follow from the model's use of the entry.
//!
//! A reporter can move a price inside the box, and no further. The box must therefore not contain a price that makes an
//! account safe by itself: at a price of zero a debt or a short position needs nothing, at an unbounded price any
//! collateral covers any debt, and a quotient has both faults with the ends exchanged. One table holds for all models,
//! and for everything that a derived entry reads:
//!
//! | role | entries | `min` | `max` |
//! |---|---|---|---|
//! | [`Role::Price`] | prices, forwards, currencies, indices, volatilities | positive | [`MAX_SPREAD`] times `min` |
//! | [`Role::Held`] | prices that only value assets | positive | the same, except for a difference |
//! | [`Role::Option`] | marks of options, their greeks | positive | [`MAX_OPTION_SPREAD`] times `min` |
//! | [`Role::Divisor`] | what divides something that is only added | positive | |
//! | [`Role::InterestRate`] | interest rates, which discount what is owed | | [`MAX_INTEREST_RATE`] a year |
//! | [`Role::Added`] | surcharges, spreads of debts, confidences | | |
//!
//! An entry has the role `Held` if the asset cannot be owed, or is owed at the price before a subtraction.
//!
//! A derived entry may span [`DERIVED_SPREAD`] times as much as a reported one. A price less something may come as near
//! to zero as its `min` says where a lower one counts against the account only, and is never above the price. Nothing
//! is asked of what is [added](Role::Added): zero is an honest value there and leaves the price and the requirement
//! beside it as they are (a debt without a spread is valued at its price, a market without open interest has no
//! surcharge, a future has no gamma, and a confidence of zero is charged most). Nothing is asked either of an entry
//! that no model reads.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use surety_core::{
    ident::Name,
    problem::Problem,
    units::{Decimals, Price},
};

use super::{NamedEntries, derived::Formula};

/// How many times `min` the `max` of a price may be: from the geometric middle a hundred times down and up, which is
/// more than a liquid asset has moved in a year. A stable currency cannot be worth a millionth of itself then.
pub const MAX_SPREAD: u128 = 10_000;

/// The same for what an option is worth and how it moves: from the geometric middle a thousand times down and up. Far
/// from the money, and close to expiry, both are honestly small beside what they become.
pub const MAX_OPTION_SPREAD: u128 = 1_000_000;

/// How many times that a derived entry may span: room for an index, or a rate of exchange, beside the price.
pub const DERIVED_SPREAD: u128 = 10;

/// The largest interest rate that a box may contain, for a year and continuously compounded: 500 percent. At a rate
/// without bounds, options that are owed are discounted to nothing.
pub const MAX_INTEREST_RATE: u128 = 5;

/// What a model does with a market entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It values holdings, or multiplies or divides what does.
    Price,
    /// It values what cannot be owed, or what is owed at the price that something was subtracted from: a lower number
    /// counts against the account.
    Held,
    /// It values an option, or says how its value moves.
    Option,
    /// It divides what is [added](Self::Added).
    Divisor,
    /// It discounts what is paid later.
    InterestRate,
    /// It is added to a price or a requirement, which stands without it.
    Added,
}

/// A market entry that a model reads.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    /// Where the policy says so.
    pub path: String,
    /// The entry.
    pub entry: &'a Name,
    /// What it is read for.
    pub role: Role,
}

impl Role {
    fn needs_positive_min(self) -> bool {
        matches!(self, Self::Price | Self::Held | Self::Option | Self::Divisor)
    }

    /// How many times its `min` the `max` of an entry may be, which is reported unless it has a formula.
    fn max_spread(self, formula: Option<&Formula>) -> Option<u128> {
        let reported = match (self, formula) {
            (Self::Held, Some(Formula::Difference(_))) | (Self::Divisor | Self::InterestRate | Self::Added, _) => None,
            (Self::Price | Self::Held, _) => Some(MAX_SPREAD),
            (Self::Option, _) => Some(MAX_OPTION_SPREAD),
        }?;
        Some(if formula.is_some() { reported * DERIVED_SPREAD } else { reported })
    }

    /// What it makes of the entries that a formula reads. `greatest` is the one of a list that has the greatest `min`.
    fn through<'a>(
        self,
        formula: &'a Formula,
        greatest: impl Fn(&'a [Name]) -> Option<&'a Name>,
    ) -> Vec<(&'a Name, Self)> {
        match formula {
            Formula::Product(names) | Formula::Least(names) | Formula::Greatest(names) => {
                names.iter().map(|name| (name, self)).collect()
            }
            Formula::Quotient([dividend, divisor]) => {
                let below = if self.needs_positive_min() { self } else { Self::Divisor };
                vec![(dividend, self), (divisor, below)]
            }
            Formula::Claim(claim) => vec![(&claim.underlying, self), (&claim.rate, self)],
            // What is subtracted may be nothing.
            Formula::Difference([first, second]) => vec![(first, self), (second, Self::Added)],
            // One of the terms is the price that the others are added to.
            Formula::Sum(names) => {
                let price = greatest(names);
                names.iter().map(|name| (name, if Some(name) == price { self } else { Self::Added })).collect()
            }
            // A fraction has bounds of its own.
            Formula::Ramp(ramp) => vec![(&ramp.of, Self::Added)],
        }
    }
}

/// The box of an entry, reported or derived.
struct PriceBox<'a> {
    path: String,
    decimals: Decimals,
    min: Price,
    max: Price,
    formula: Option<&'a Formula>,
}

impl PriceBox<'_> {
    /// What is wrong with the box, given the first reader of each role.
    fn problems(&self, readers: &BTreeMap<Role, String>) -> Vec<Problem> {
        let positive = readers.iter().find(|(role, _)| role.needs_positive_min());
        if let Some((role, reader)) = positive.filter(|_| self.min == Price::ZERO) {
            let expected = format!("more than 0, because {}", role.reason(reader));
            return vec![Problem::new(format!("{}.min", self.path), expected, "0").advise(ADVICE)];
        }
        let spreads = readers.iter().filter_map(|(role, reader)| Some((role.max_spread(self.formula)?, role, reader)));
        let spread = spreads.min_by_key(|(spread, ..)| *spread).and_then(|(spread, role, reader)| {
            let (min, max) = (self.min.get(), self.max.get());
            let expected = format!("at most {}, {spread} times min, because {}", min * spread, role.reason(reader));
            let found = || format!("{max}, {} times min", max.div_ceil(min.max(1)));
            (max > min * spread).then(|| Problem::new(format!("{}.max", self.path), expected, found()).advise(ADVICE))
        });
        let rate = readers.get(&Role::InterestRate).and_then(|reader| {
            let most = MAX_INTEREST_RATE * 10_u128.pow(self.decimals.get().into());
            let expected =
                format!("at most {most}, which is {MAX_INTEREST_RATE}00 % a year, because {reader} discounts with it");
            let advice = "a rate without bounds discounts what is owed to nothing";
            (self.max.get() > most)
                .then(|| Problem::new(format!("{}.max", self.path), expected, self.max.to_string()).advise(advice))
        });
        spread.into_iter().chain(rate).collect()
    }
}

impl Role {
    fn reason(self, reader: &str) -> String {
        match self {
            Self::Price | Self::Held => format!("{reader} values, multiplies or divides with it"),
            Self::Option => format!("{reader} values options with it"),
            Self::Divisor | Self::InterestRate | Self::Added => format!("{reader} divides by it"),
        }
    }
}

const ADVICE: &str = "state a box around the price, such as from a tenth of it to ten times as much";

/// Every role that each market entry has, with its first reader: those of the model, which `reads` lists, and those of
/// derived entries that the model reads.
fn roles<'a>(entries: NamedEntries<'a>, reads: Vec<Read<'a>>) -> BTreeMap<&'a Name, BTreeMap<Role, String>> {
    let mut roles: BTreeMap<&Name, BTreeMap<Role, String>> = BTreeMap::new();
    for Read { path, entry, role } in reads {
        roles.entry(entry).or_default().entry(role).or_insert(path);
    }
    let least = entries.least().map(|(name, decimals, min)| (name, scaled(min, decimals)));
    let least: BTreeMap<_, _> = least.collect();
    // The first of several, for what `max_by_key` keeps is the last.
    let greatest = |names: &'a [Name]| names.iter().rev().max_by_key(|name| least.get(name));
    // Backwards, because an entry is derived from entries before it.
    for (i, entry) in entries.derived.iter().enumerate().rev() {
        let own = roles.get(&entry.name).cloned().unwrap_or_default();
        for (name, role) in own.keys().flat_map(|role| role.through(&entry.formula, greatest)) {
            let reader = || format!("derived[{i}] ({})", entry.name);
            roles.entry(name).or_default().entry(role).or_insert_with(reader);
        }
    }
    roles
}

/// At the decimals of all.
fn scaled(price: Price, decimals: Decimals) -> U256 {
    U256::from(price.get()) * U256::from(10).pow(U256::from(Decimals::MAX - decimals.get()))
}

/// Every box that contains prices at which any account is safe, given what a model reads.
pub(crate) fn problems(entries: NamedEntries<'_>, reads: Vec<Read<'_>>) -> Vec<Problem> {
    let reported = entries.reported.iter().enumerate().map(|(i, it)| {
        (
            &it.name,
            PriceBox { path: format!("market[{i}]"), decimals: it.decimals, min: it.min, max: it.max, formula: None },
        )
    });
    let derived = entries.derived.iter().enumerate().map(|(i, it)| {
        let path = format!("derived[{i}]");
        (&it.name, PriceBox { path, decimals: it.decimals, min: it.min, max: it.max, formula: Some(&it.formula) })
    });
    let roles = roles(entries, reads);
    let problems = |(name, entry): (&Name, PriceBox<'_>)| roles.get(name).map(|readers| entry.problems(readers));
    reported.chain(derived).filter_map(problems).flatten().collect()
}
