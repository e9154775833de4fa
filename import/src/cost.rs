//! What positions cost, and the quote leg that follows from it.
//!
//! A derivative counts with its full marked value because its quote balance carries what it cost: buying `q` at `P`
//! adds `q` to the position and takes `q·P` from the quote balance, and being short adds to it. A file says what a
//! position cost in one of four ways, of which `q` is signed:
//!
//! | columns | added to the quote balance |
//! |---|---|
//! | `entry_price` | `-q·entry_price` |
//! | `cost`, what was paid for all of the position, negative if it was received | `-cost` |
//! | `unrealised_pnl` and `mark_price` | `unrealised_pnl - q·mark_price` |
//! | `cost = "carried"`, or an entry price of zero | nothing: the balance in the file carries it already |
//!
//! A leg is computed exactly and then rounded down to lots of the quote balance: against the account. Where a row says
//! it in several ways, the least of the legs counts, and legs that are further apart than a rounding explains are
//! refused. Nobody's position is free: a row that says nothing is refused.
//!
//! Whether anything is carried is up to the universe: see [`Settlement`]. A premium that was paid in cash leaves no
//! leg, and of what is settled by variation margin only the profit or loss that has not been paid yet does.

use alloy_primitives::{I256, U256};
use surety_core::{
    ident::Name,
    problem::Problem,
    text::{number::Number, table::Column},
    units::Lots,
};
use surety_margin::{
    holdings::Leg,
    universe::{Instrument, InstrumentClass, Settlement, Universe},
};

/// The price at which a position was entered.
pub(crate) const ENTRY_PRICE: Column = Column {
    name: "entry_price",
    aliases: &["entry", "average_entry_price", "avg_entry_price", "average_price", "avg_price", "avg_px", "entry_px"],
};

/// The price by which a profit was computed.
pub(crate) const MARK_PRICE: Column = Column { name: "mark_price", aliases: &["mark", "mark_px"] };

/// The profit or, negative, the loss that has not been realised.
pub(crate) const UNREALISED_PNL: Column = Column {
    name: "unrealised_pnl",
    aliases: &["unrealized_pnl", "unrealised_profit", "unrealized_profit", "upl", "upnl", "floating_profit_loss"],
};

/// What was paid for all of a position.
pub(crate) const COST: Column = Column { name: "cost", aliases: &["total_cost"] };

/// What a row says of what a position cost. Secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stated {
    pub(crate) entry_price: Option<Number>,
    pub(crate) mark_price: Option<Number>,
    pub(crate) unrealised_pnl: Option<Number>,
    pub(crate) cost: Option<Cost>,
}

/// What was paid for a position, negative if it was received.
#[derive(Clone, Debug)]
pub(crate) enum Cost {
    /// So much, in units of the quote balance.
    Paid(Number),
    /// The quote balance carries it already.
    Carried,
}

/// A rule that a row breaks: the column that it is about, and the problem.
pub(crate) type Refusal = (&'static str, Problem);

impl Stated {
    fn says_nothing(&self) -> bool {
        self.entry_price.is_none() && self.unrealised_pnl.is_none() && self.cost.is_none()
    }

    /// Whether it says what an instrument cost that is paid for in cash, where that is not read.
    pub(crate) fn is_unread(&self, instrument: &Instrument) -> bool {
        let is_price = self.entry_price.as_ref().is_some_and(|price| !price.is_zero());
        let is_cost = matches!(&self.cost, Some(Cost::Paid(cost)) if !cost.is_zero());
        let is_profit = self.unrealised_pnl.is_some() && instrument.settlement == Settlement::VariationMargin;
        (is_price || is_cost) && !is_profit && !instrument.is_carried()
    }

    /// What a position adds to its quote balance, if anything: one of `units` exactly, which are `position` in whole
    /// lots. The quote balance is what the user calls it, or what the file tells.
    pub(crate) fn leg(
        &self,
        universe: &Universe,
        instrument: &Instrument,
        (units, position): (Exact, Lots),
        quote: (Option<&Name>, Option<&Name>),
    ) -> Result<Option<Leg>, Refusal> {
        let Some((key, leg)) = self.exact_leg(instrument, units)? else { return Ok(None) };
        let quote = &universe.instruments[quote_of(universe, instrument, quote)?];
        let limit = quote.max_lots.get();
        let lots = leg.floor(quote.lot_decimals.get()).filter(|lots| lots.abs() <= limit);
        let lots = lots.and_then(|lots| Lots::new(lots).ok()).ok_or_else(|| {
            let expected = format!("a cost of at most the {limit} lots of {} that the universe allows", quote.name);
            (key, Problem::new("", expected, "more"))
        })?;
        Ok(Some(Leg { instrument: instrument.name.clone(), position, quote: quote.name.clone(), lots }))
    }

    /// The leg before it is rounded, and the column that it is from; none if the position has none.
    fn exact_leg(&self, instrument: &Instrument, amount: Exact) -> Result<Option<(&'static str, Exact)>, Refusal> {
        let is_carried = match instrument.settlement {
            _ if !instrument.class.is_derivative() => return Ok(None),
            Settlement::PremiumPaid => return Ok(None),
            Settlement::VariationMargin => false,
            Settlement::Carried => true,
        };
        if amount.is_zero() {
            return self.of_nothing().map(|()| None);
        }
        if !is_carried {
            let key = UNREALISED_PNL.name;
            return self.unrealised_pnl.as_ref().map(|profit| Ok((key, exact(profit, key)?))).transpose();
        }
        if matches!(self.cost, Some(Cost::Carried)) {
            return Ok(None);
        }
        if self.says_nothing() {
            return Err(missing(instrument));
        }
        least(&self.legs(amount)?).map(Some)
    }

    /// The leg by each way in which the row says it.
    fn legs(&self, amount: Exact) -> Result<Vec<(&'static str, Exact)>, Refusal> {
        let mut legs = Vec::new();
        if let Some(price) = &self.entry_price {
            let key = ENTRY_PRICE.name;
            legs.push((key, small(amount.times(price_of(price, key)?), key)?.negated()));
        }
        if let Some(Cost::Paid(cost)) = &self.cost {
            legs.push((COST.name, exact(cost, COST.name)?.negated()));
        }
        if let (Some(profit), Some(price)) = (&self.unrealised_pnl, &self.mark_price) {
            let key = UNREALISED_PNL.name;
            let value = small(amount.times(price_of(price, MARK_PRICE.name)?), key)?;
            legs.push((key, small(exact(profit, key)?.minus(value), key)?));
        }
        for (key, leg) in &legs {
            if !leg.is_zero() && leg.is_negative() == amount.is_negative() {
                return Err((key, of_other_sign(amount)));
            }
        }
        Ok(legs)
    }

    /// That nothing cost nothing.
    fn of_nothing(&self) -> Result<(), Refusal> {
        let cost = match &self.cost {
            Some(Cost::Paid(cost)) => Some((COST.name, cost)),
            _ => None,
        };
        let profit = self.unrealised_pnl.as_ref().map(|profit| (UNREALISED_PNL.name, profit));
        match cost.into_iter().chain(profit).find(|(_, number)| !number.is_zero()) {
            None => Ok(()),
            Some((key, _)) => {
                let problem = Problem::new("", "nothing, because there is no position", "an amount");
                Err((key, problem.advise("what has been realised belongs to the cash balance")))
            }
        }
    }
}

/// The least of several legs, which must be one but for rounding.
fn least(legs: &[(&'static str, Exact)]) -> Result<(&'static str, Exact), Refusal> {
    let Some(exponent) = legs.iter().map(|(_, leg)| leg.exponent).min() else {
        let problem = Problem::new("", "the mark_price by which the unrealised_pnl was computed", "none");
        return Err((UNREALISED_PNL.name, problem.advise("add it, or say the entry_price instead")));
    };
    let aligned = |(key, leg): &(&'static str, Exact)| Ok((*key, small(leg.at(exponent), key)?));
    let mut legs = legs.iter().map(aligned).collect::<Result<Vec<_>, Refusal>>()?;
    legs.sort_by_key(|(_, integer)| *integer);
    let (key, least) = legs[0];
    for (other, integer) in legs {
        // More than the rounding of a price explains.
        let hundredfold = (integer - least).checked_mul(I256::unchecked_from(100)).and_then(I256::checked_abs);
        if hundredfold.is_none_or(|hundredfold| hundredfold > least.saturating_abs()) {
            let problem = Problem::new("", format!("the same cost as in the column {key}"), "another one");
            return Err((other, problem.advise("leave out the column that is wrong")));
        }
    }
    Ok((key, Exact { integer: least, exponent }))
}

/// A row that does not say what its position cost.
fn missing(instrument: &Instrument) -> Refusal {
    let article = if instrument.class == InstrumentClass::Option { "an" } else { "a" };
    let Instrument { name, class, .. } = instrument;
    let expected = format!("what {name} cost: {article} {class} counts with its full value");
    let advice = "add a column entry_price, or cost, or unrealised_pnl and mark_price; write carried as the cost if \
         the quote \
                  balance in this file carries it already";
    let premium = "; set settlement = \"premium-paid\" in the universe if its premium is paid in cash";
    let premium = if *class == InstrumentClass::Option { premium } else { "" };
    (ENTRY_PRICE.name, Problem::new("", expected, "nothing that says it").advise(format!("{advice}{premium}")))
}

fn of_other_sign(amount: Exact) -> Problem {
    let (expected, advice) = if amount.is_negative() {
        ("what was received for a short position", "write what was received as a negative cost")
    } else {
        ("what was paid for a long position", "the position would have been paid for by somebody else")
    };
    Problem::new("", expected, "an amount of the other sign").advise(advice)
}

/// The place of the quote balance of an instrument: if both the universe and the user say which one it is, they must
/// agree, and if neither does, the file may tell.
fn quote_of(
    universe: &Universe,
    instrument: &Instrument,
    (given, told): (Option<&Name>, Option<&Name>),
) -> Result<usize, Refusal> {
    let refused = |expected: String, found: String| {
        let advice = "give --quote NAME, or set quote = \"NAME\" at the instrument in the universe";
        (ENTRY_PRICE.name, Problem::new("", expected, found).advise(advice))
    };
    if let (Some(stated), Some(given)) = (&instrument.quote, given)
        && stated != given
    {
        let expected = format!("{stated} as the quote balance of {}, as the universe says", instrument.name);
        return Err(refused(expected, given.to_string()));
    }
    let told = told.filter(|_| instrument.quote.is_none());
    let named = given.or(told).map(|given| Instrument { quote: Some(given.clone()), ..instrument.clone() });
    universe.quote_of(named.as_ref().unwrap_or(instrument)).map_err(|candidates| {
        let expected = format!("one cash instrument that carries what {} cost", instrument.name);
        let candidates: Vec<_> = candidates.into_iter().map(Name::as_str).collect();
        refused(expected, if candidates.is_empty() { "none".to_owned() } else { candidates.join(", ") })
    })
}

fn price_of(price: &Number, key: &'static str) -> Result<Exact, Refusal> {
    if price.is_negative() {
        return Err((key, Problem::new("", "a price that is not negative", "a negative one")));
    }
    exact(price, key)
}

fn exact(number: &Number, key: &'static str) -> Result<Exact, Refusal> {
    small(Exact::of(number), key)
}

fn small<T>(found: Option<T>, key: &'static str) -> Result<T, Refusal> {
    found
        .ok_or_else(|| (key, Problem::new("", "numbers of at most 38 digits, and a cost of at most 76", "more digits")))
}

/// A decimal number, `integer·10^exponent`.
#[derive(Clone, Copy)]
pub(crate) struct Exact {
    integer: I256,
    exponent: i32,
}

impl Exact {
    /// None if it has more than 38 digits.
    pub(crate) fn of(number: &Number) -> Option<Self> {
        let (integer, exponent) = number.significand()?;
        Some(Self { integer: I256::unchecked_from(integer), exponent })
    }

    /// Times a power of ten.
    pub(crate) fn shifted(self, digits: i32) -> Self {
        Self { exponent: self.exponent + digits, ..self }
    }

    fn is_zero(self) -> bool {
        self.integer.is_zero()
    }

    fn is_negative(self) -> bool {
        self.integer.is_negative()
    }

    fn negated(self) -> Self {
        Self { integer: self.integer.saturating_neg(), ..self }
    }

    fn times(self, other: Self) -> Option<Self> {
        Some(Self { integer: self.integer.checked_mul(other.integer)?, exponent: self.exponent + other.exponent })
    }

    fn minus(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(Self { integer: self.at(exponent)?.checked_sub(other.at(exponent)?)?, exponent })
    }

    /// As an integer times `10^exponent`, which is not above its own.
    fn at(self, exponent: i32) -> Option<I256> {
        if self.is_zero() {
            return Some(I256::ZERO);
        }
        self.integer.checked_mul(power_of_ten((self.exponent - exponent).unsigned_abs())?)
    }

    /// As an integer times `10^-decimals`, rounded down.
    fn floor(self, decimals: u8) -> Option<i128> {
        let digits = self.exponent + i32::from(decimals);
        let integer = if digits >= 0 {
            self.at(-i32::from(decimals))?
        } else {
            // What is less than any power of ten that there is room for is nothing, or less.
            let unit = power_of_ten(digits.unsigned_abs()).unwrap_or(I256::MAX);
            self.integer.div_euclid(unit)
        };
        i128::try_from(integer).ok()
    }
}

fn power_of_ten(digits: u32) -> Option<I256> {
    I256::unchecked_from(10).checked_pow(U256::from(digits))
}
