//! The universe: the ordered instruments that holdings may name, and the size of the circuit.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::I256;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use surety_core::{
    capacity::Capacity,
    closest::closest,
    decimal::Magnitude,
    ident::{Bytes32, Name},
    kind::{Kind, KindOf, Kinded},
    named::named,
    problem::{Problem, repeated, require},
    text::{Document, WrittenBy, table::shown_name},
    units::{Decimals, Lots, Timestamp, power_of_ten},
};

/// What holdings are over. Its canonical encoding is its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Universe {
    /// The format.
    pub kind: KindOf<Universe>,
    /// Version of the format.
    pub version: surety_core::FormatVersion,
    /// What people call it.
    pub name: Name,
    /// Binary logarithm of the number of rows of the circuit, 9 to 16.
    pub capacity: Capacity,
    /// Identifier of the structured reference string that commitments are made with; people may write the name of its
    /// ceremony instead.
    #[serde(deserialize_with = "set_up")]
    #[schemars(with = "SetUp")]
    pub srs: Bytes32,
    /// The instruments. Their order fixes the rows of their holdings.
    pub instruments: Vec<Instrument>,
}

impl Kinded for Universe {
    const KIND: Kind = Kind::Universe;
}

/// Something that can be held or owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "WrittenInstrument")]
#[schemars(!from, deny_unknown_fields)]
pub struct Instrument {
    /// Unique in its universe.
    pub name: Name,
    /// What it is.
    pub class: InstrumentClass,
    /// One lot is `10^-lot_decimals` units.
    pub lot_decimals: Decimals,
    /// Largest absolute holding that an account can prove anything about, in lots. Bounds what a proof can be made
    /// for, never what is sound. Default: `2^63 - 1` lots, or 10^9 units where that is more.
    #[schemars(with = "Option<Lots>")]
    pub max_lots: Lots,
    /// When a future or an option expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry: Option<Timestamp>,
    /// How a perpetual, a future or an option is paid for. Default: `carried`.
    #[serde(skip_serializing_if = "Settlement::is_carried")]
    #[schemars(default)]
    pub settlement: Settlement,
    /// The cash instrument that carries what a perpetual, a future or an option cost. Left out, it follows from the
    /// names: see [`Universe::quote_of`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Name>,
}

/// How a derivative is paid for: where what it cost is accounted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// The whole value counts, and the quote balance carries what the position cost: buying `q` at `P` takes `q·P` from
    /// that balance.
    #[default]
    Carried,
    /// The whole value counts, and what the position cost has been paid in cash, as the premium of an option is.
    PremiumPaid,
    /// The value does not count, only what it does: gains and losses are paid in cash as they arise.
    VariationMargin,
}

impl Settlement {
    fn is_carried(&self) -> bool {
        *self == Self::Carried
    }
}

/// An instrument as people write it: the default of its limit follows from its decimals.
#[derive(Deserialize)]
#[serde(rename = "Instrument", deny_unknown_fields)]
struct WrittenInstrument {
    name: Name,
    class: InstrumentClass,
    lot_decimals: Decimals,
    max_lots: Option<Lots>,
    expiry: Option<Timestamp>,
    #[serde(default)]
    settlement: Settlement,
    quote: Option<Name>,
}

impl From<WrittenInstrument> for Instrument {
    fn from(written: WrittenInstrument) -> Self {
        let WrittenInstrument { name, class, lot_decimals, max_lots, expiry, settlement, quote } = written;
        let max_lots = max_lots.unwrap_or_else(|| Lots::default_limit(lot_decimals));
        Self { name, class, lot_decimals, max_lots, expiry, settlement, quote }
    }
}

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InstrumentClass {
    /// The quote currency and stable coins. The quote balance carries the entry price of derivatives.
    Cash,
    /// An asset that is held or borrowed.
    Spot,
    /// A perpetual future.
    Perpetual,
    /// A dated future.
    Future,
    /// An option.
    Option,
}

impl fmt::Display for InstrumentClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cash => "cash",
            Self::Spot => "spot",
            Self::Perpetual => "perpetual",
            Self::Future => "future",
            Self::Option => "option",
        })
    }
}

impl Instrument {
    /// A number of units in lots; none if it is not whole.
    #[must_use]
    pub fn whole_lots(&self, units: Magnitude) -> Option<I256> {
        let (integer, places) = units.integer();
        let digits = self.lot_decimals.get().checked_sub(places)?;
        Some(power_of_ten(digits.into()).saturating_mul(I256::try_from(integer).ok()?))
    }
}

impl InstrumentClass {
    /// Whether instruments of the class are derivatives, which cost what their quote balance carries.
    #[must_use]
    pub fn is_derivative(self) -> bool {
        matches!(self, Self::Perpetual | Self::Future | Self::Option)
    }

    /// Whether instruments of the class expire.
    #[must_use]
    pub fn expires(self) -> bool {
        matches!(self, Self::Future | Self::Option)
    }

    /// Units that a large institution may hold or owe of an instrument of the class. A lower limit is likely to be a
    /// mistake in its decimals.
    #[must_use]
    pub fn usual_units(self) -> u64 {
        match self {
            // A quote balance carries the entry prices of all derivatives as well.
            Self::Cash => 1_000_000_000,
            Self::Spot | Self::Perpetual => 1_000_000,
            Self::Future | Self::Option => 100_000,
        }
    }
}

impl Universe {
    /// The position of an instrument.
    #[must_use]
    pub fn position(&self, name: &Name) -> Option<usize> {
        self.instruments.iter().position(|instrument| instrument.name == *name)
    }

    /// The instrument that carries what a derivative cost, or the candidates if the universe does not tell.
    ///
    /// It is the one that the instrument names as its `quote`. Otherwise it is the only cash instrument; of several,
    /// the only one that the derivative's name has in it, as `BTC-USDT-PERP` and `BTCUSDT` have `USDT`, or else the
    /// only one that has the name of a currency, such as `USD`, and not of a token.
    ///
    /// # Errors
    /// With the cash instruments, if that is none or several.
    pub fn quote_of(&self, instrument: &Instrument) -> Result<usize, Vec<&Name>> {
        let cash = || self.instruments.iter().enumerate().filter(|(_, other)| other.class == InstrumentClass::Cash);
        let candidates = || cash().map(|(_, cash)| &cash.name).collect();
        if let Some(quote) = &instrument.quote {
            return cash().find(|(_, cash)| cash.name == *quote).map(|(position, _)| position).ok_or_else(candidates);
        }
        let is_named = |(_, cash): &(usize, &Instrument)| names(instrument.name.as_str(), cash.name.as_str());
        let is_currency = |(_, cash): &(usize, &Instrument)| CURRENCIES.contains(&cash.name.as_str());
        let only = only(cash()).or_else(|| match cash().any(|cash| is_named(&cash)) {
            true => only(cash().filter(is_named)),
            false => only(cash().filter(is_currency)),
        });
        only.map(|(position, _)| position).ok_or_else(candidates)
    }

    /// The cash instrument in which a market is settled, by the market's name: what follows its colon, as in
    /// `BTC/USDT:USDT`, or else the only one that the name has in it.
    #[must_use]
    pub fn settled_in(&self, market: &str) -> Option<&Name> {
        let settled = market.rsplit_once(':').map_or(market, |(_, settled)| settled);
        let cash = self.instruments.iter().filter(|instrument| instrument.class == InstrumentClass::Cash);
        only(cash.map(|cash| &cash.name).filter(|cash| names(settled, cash.as_str())))
    }

    fn quote_problems(&self) -> impl Iterator<Item = Problem> {
        let named = self.instruments.iter().enumerate().filter_map(|(i, instrument)| {
            let quote = instrument.quote.as_ref().filter(|_| instrument.class.is_derivative())?;
            Some((i, quote))
        });
        let cash = self.instruments.iter().filter(|instrument| instrument.class == InstrumentClass::Cash);
        let cash: BTreeSet<_> = cash.map(|instrument| &instrument.name).collect();
        named.filter_map(move |(i, quote)| {
            require(
                cash.contains(quote),
                format!("instruments[{i}].quote"),
                "a cash instrument of this universe",
                quote,
            )
        })
    }

    /// What a universe may say, and is hardly meant to: limits that are lower than their classes suggest, beyond which
    /// an account can prove nothing, and contracts that are paid for as options are.
    #[must_use]
    pub fn warnings(&self) -> Vec<Problem> {
        let instruments = || self.instruments.iter().enumerate();
        let limits = instruments().filter_map(|(i, instrument)| instrument.low_limit(i));
        limits.chain(instruments().filter_map(|(i, instrument)| instrument.paid_contract(i))).collect()
    }

    /// The problem that it has no instrument of a name.
    #[must_use]
    pub fn unknown(&self, name: &str) -> Problem {
        let found = shown_name(name);
        let problem = Problem::new("instrument", format!("an instrument of the universe {}", self.name), &*found);
        let near = closest(name, self.instruments.iter().map(|instrument| instrument.name.as_str()));
        match near.filter(|_| found == name) {
            Some(near) => problem.advise(format!("did you mean {near}? --map {name}={near} says so")),
            None => problem,
        }
    }

    /// The positions of all instruments, where many are looked up: files may have as many names as the universe.
    #[must_use]
    pub fn positions(&self) -> BTreeMap<&Name, usize> {
        // From behind, so that the first of a name counts.
        self.instruments.iter().enumerate().rev().map(|(index, instrument)| (&instrument.name, index)).collect()
    }
}

impl Document for Universe {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let (count, room) = (self.instruments.len(), self.capacity.instruments());
        let mut problems = repeated(
            self.instruments.iter().map(|instrument| &instrument.name),
            |i| format!("instruments[{i}].name"),
            "each instrument once",
        );
        problems.extend(require(count > 0, "instruments", "at least one instrument", "none"));
        let expected = format!("at most {room} instruments at capacity {}", self.capacity.k());
        problems.extend(require(count <= room, "instruments", expected, count));
        problems.extend(self.instruments.iter().enumerate().flat_map(|(i, instrument)| instrument.problems(i)));
        problems.extend(self.quote_problems());
        problems
    }
}

impl Instrument {
    /// Whether a position needs a quote leg: its whole value counts, and the quote balance carries what it cost.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.class.is_derivative() && self.settlement == Settlement::Carried
    }

    /// Whether it is a contract that nobody pays a premium for, and said to be paid for in cash.
    pub(crate) fn is_paid_contract(&self) -> bool {
        matches!(self.class, InstrumentClass::Perpetual | InstrumentClass::Future)
            && self.settlement == Settlement::PremiumPaid
    }

    /// The largest absolute holding in units, exactly, as a decimal number.
    #[must_use]
    pub fn max_units(&self) -> String {
        let (limit, unit) = (self.max_lots.get(), 10_i128.pow(self.lot_decimals.get().into()));
        let fraction = format!("{:0>1$}", limit % unit, usize::from(self.lot_decimals.get()));
        let fraction = if unit == 1 { "" } else { fraction.trim_end_matches('0') };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{}{point}{fraction}", limit / unit)
    }

    fn paid_contract(&self, index: usize) -> Option<Problem> {
        let path = format!("instruments[{index}].settlement");
        let expected = format!("premium-paid for options only: no premium is paid for a {}", self.class);
        let advice = "set it to carried: otherwise a position counts with its full value, whatever it cost";
        self.is_paid_contract().then(|| Problem::new(path, expected, self.name.as_str()).advise(advice))
    }

    fn low_limit(&self, index: usize) -> Option<Problem> {
        let usual = self.class.usual_units();
        let unit = 10_i128.pow(self.lot_decimals.get().into());
        // At most 10^27, so the product does not overflow.
        let low = self.max_lots.get() < i128::from(usual) * unit;
        let path = format!("instruments[{index}].max_lots");
        let expected = format!("room for at least {usual} units of {}, which is {}", self.name, self.class);
        let found = format!("a limit of {} units", self.max_units());
        let advice = "raise max_lots, or leave it out: an account that holds or owes more can prove nothing";
        low.then(|| Problem::new(path, expected, found).advise(advice))
    }

    fn problems(&self, index: usize) -> impl Iterator<Item = Problem> + use<> {
        let path = |key: &str| format!("instruments[{index}].{key}");
        let max_lots = self.max_lots.get();
        let limit = require(max_lots >= 1, path("max_lots"), "at least 1 lot", max_lots);
        let expiry = match (self.class.expires(), self.expiry) {
            (true, None) => Some(Problem::new(path("expiry"), "the expiry of a future or an option", "none")),
            (false, Some(Timestamp(time))) => {
                let expected = "no expiry: only futures and options have one";
                Some(Problem::new(path("expiry"), expected, time.to_string()))
            }
            _ => None,
        };
        let derivative = self.class.is_derivative();
        let expected = "no such key: only perpetuals, futures and options have a cost that is carried";
        let settlement = require(derivative || self.settlement.is_carried(), path("settlement"), expected, "one");
        let quote = require(derivative || self.quote.is_none(), path("quote"), expected, "one");
        limit.into_iter().chain(expiry).chain(settlement).chain(quote)
    }
}

/// Currencies in which derivatives are quoted (ISO 4217).
const CURRENCIES: [&str; 12] = ["USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "HKD", "SGD", "CNY", "KRW", "TRY"];

/// The only element, if there is one.
fn only<T>(mut elements: impl Iterator<Item = T>) -> Option<T> {
    elements.next().filter(|_| elements.next().is_none())
}

/// Whether a part of a name is another name or ends in it: `BTC-USDT-PERP` and `BTCUSDT` both name `USDT`.
fn names(name: &str, other: &str) -> bool {
    let (name, other) = (name.to_ascii_uppercase(), other.to_ascii_uppercase());
    name.split(|character: char| !character.is_ascii_alphanumeric()).any(|part| part.ends_with(&other))
}

/// The shape of a set-up's identifier.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct SetUp(pub Bytes32);

/// Reads the identifier of a set-up, in what people write also by its name.
///
/// # Errors
/// If it is neither.
pub fn set_up<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes32, D::Error> {
    named("SetUp", deserializer)
}
