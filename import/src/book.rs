//! Holdings as people write them, and the holdings that follow: whole lots, with what positions cost in the quote
//! balances.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, Visitor},
};
use surety_core::{
    FormatVersion,
    ident::Name,
    kind::KindOf,
    problem::{Problem, require},
    text::{
        self, Document, Format, InputErrors, WrittenBy,
        number::{Number, Rounding},
        table::Note,
    },
    units::Lots,
};
use surety_margin::{
    holdings::{Balance, CARRIED, Holdings, Leg},
    universe::{Instrument, Universe},
};
use zeroize::Zeroize as _;

use crate::cost::{self, Cost, Exact, Stated};

/// What a file states: the holdings, and how they follow from what it says of positions. Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// What is held and owed, with what positions cost in the quote balances.
    pub holdings: Holdings,
    /// What was taken from the quote balances, or added to them.
    pub legs: Vec<Leg>,
}

/// What a file says of one instrument. Secret.
#[derive(Debug)]
pub(crate) struct StatedBalance<'u> {
    pub(crate) instrument: &'u Instrument,
    /// The quote balance that the file's own name of the instrument tells.
    pub(crate) quote: Option<&'u Name>,
    pub(crate) amount: Amount,
    pub(crate) stated: Stated,
}

/// How much is held. Secret.
#[derive(Debug)]
pub(crate) enum Amount {
    Lots(Number),
    Units(Number),
}

impl Amount {
    /// The key that it is stated by.
    fn key(&self) -> &'static str {
        match self {
            Self::Lots(_) => "lots",
            Self::Units(_) => "amount",
        }
    }

    /// In whole lots, rounded down, and whether nothing was rounded; none if it is more than the universe allows.
    pub(crate) fn lots(&self, instrument: &Instrument) -> Option<(Lots, bool)> {
        let (number, places) = match self {
            Self::Lots(number) => (number, 0),
            Self::Units(number) => (number, instrument.lot_decimals.get()),
        };
        let scaled = number.scaled(places, Rounding::Floor)?;
        let lots = Lots::new(scaled.integer).ok().filter(|lots| lots.get().abs() <= instrument.max_lots.get())?;
        Some((lots, scaled.exact))
    }

    /// In units, exactly; none if it has too many digits.
    fn units(&self, instrument: &Instrument) -> Option<Exact> {
        match self {
            Self::Lots(number) => Some(Exact::of(number)?.shifted(-i32::from(instrument.lot_decimals.get()))),
            Self::Units(number) => Exact::of(number),
        }
    }
}

impl Book {
    /// The book of a file's entries. `quote` is what the user calls the quote balance of derivatives; `refuse` is told
    /// what is wrong with the key of an entry.
    pub(crate) fn of(
        universe: &Universe,
        entries: &[StatedBalance<'_>],
        quote: Option<&Name>,
        mut refuse: impl FnMut(usize, &'static str, Problem),
    ) -> (Self, Vec<Note>) {
        let mut balances: Vec<Balance> = Vec::with_capacity(entries.len() + 1);
        let mut places: BTreeMap<&Name, usize> = BTreeMap::new();
        let (mut legs, mut rounded, mut unread) = (Vec::new(), 0, 0);
        for (i, StatedBalance { instrument, quote: told, amount, stated }) in entries.iter().enumerate() {
            if places.contains_key(&instrument.name) {
                let found = format!("{} again", instrument.name);
                refuse(i, "instrument", Problem::new("", "each instrument once", found));
            }
            let (Some((lots, exact)), Some(units)) = (amount.lots(instrument), amount.units(instrument)) else {
                let (limit, decimals) = (instrument.max_lots.get(), instrument.lot_decimals.get());
                let expected =
                    format!("at most the {limit} lots of 10^-{decimals} that the universe allows, held or owed");
                refuse(i, amount.key(), Problem::new("", expected, "more"));
                continue;
            };
            match stated.leg(universe, instrument, (units, lots), (quote, *told)) {
                Ok(leg) => legs.extend(leg.map(|leg| (i, leg))),
                Err((key, problem)) => refuse(i, key, problem),
            }
            rounded += usize::from(!exact);
            unread += usize::from(stated.is_unread(instrument));
            places.insert(&instrument.name, balances.len());
            balances.push(Balance { instrument: instrument.name.clone(), lots });
        }
        for (i, leg) in &legs {
            let Some(instrument) = universe.position(&leg.quote).map(|position| &universe.instruments[position]) else {
                continue;
            };
            let place = *places.entry(&instrument.name).or_insert_with(|| {
                balances.push(Balance { instrument: instrument.name.clone(), lots: Lots::default() });
                balances.len() - 1
            });
            // Two amounts of lots, which are far from where an addition overflows.
            let sum = Lots::new(balances[place].lots.get() + leg.lots.get()).ok();
            match sum.filter(|sum| sum.get().abs() <= instrument.max_lots.get()) {
                Some(sum) => balances[place].lots = sum,
                None => {
                    let Instrument { name, max_lots, .. } = instrument;
                    let expected = format!(
                        "a balance of {name}, with what positions cost, of at most the {} lots that the universe \
                         allows",
                        max_lots.get()
                    );
                    refuse(*i, cost::ENTRY_PRICE.name, Problem::new("", expected, "more"));
                }
            }
        }
        let legs: Vec<Leg> = legs.into_iter().map(|(_, leg)| leg).collect();
        let notes = notes(&legs, rounded, unread);
        let (kind, version, universe) = (KindOf::new(), FormatVersion, universe.name.clone());
        (Self { holdings: Holdings { kind, version, universe, balances }, legs }, notes)
    }
}

fn notes(legs: &[Leg], rounded: usize, unread: usize) -> Vec<Note> {
    let amounts = "amounts with more decimals than a lot has rounded down: less held, more owed";
    let costs = "costs and prices not counted: those instruments are paid for in cash, which their balance shows";
    let mut of_quote: BTreeMap<&Name, usize> = BTreeMap::new();
    let moved = legs.iter().filter(|leg| leg.lots != Lots::default());
    moved.for_each(|leg| *of_quote.entry(&leg.quote).or_default() += 1);
    let carried = of_quote.into_iter().filter_map(|(quote, positions)| {
        Note::of_rows(format!("what positions cost carried over to the balance of {quote}"), positions)
    });
    [(amounts, rounded), (costs, unread)]
        .into_iter()
        .filter_map(|(what, rows)| Note::of_rows(what, rows))
        .chain(carried)
        .collect()
}

/// Holdings as people write them in TOML or JSON. Secret.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Holdings")]
pub struct Written {
    /// The format.
    pub kind: KindOf<Holdings>,
    /// Version of the format.
    pub version: FormatVersion,
    /// Name of the universe.
    pub universe: Name,
    /// The balances, each instrument at most once.
    pub balances: Vec<WrittenBalance>,
}

/// What is held of one instrument, and what it cost; negative if owed or short.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenBalance {
    /// The instrument.
    pub instrument: Name,
    /// How much, in lots; or an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lots: Option<Lots>,
    /// How much, in units; or lots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Quantity>,
    /// The price of a unit at which a derivative was bought or sold. Zero says that the quote balance carries what it
    /// cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_price: Option<Quantity>,
    /// The price of a unit by which `unrealised_pnl` was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark_price: Option<Quantity>,
    /// The profit or, negative, the loss of a derivative that has not been realised.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "unrealized_pnl")]
    pub unrealised_pnl: Option<Quantity>,
    /// What was paid for all of a derivative's position, negative if it was received; or `carried` if the quote balance
    /// carries it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<WrittenCost>,
}

impl Drop for WrittenBalance {
    fn drop(&mut self) {
        self.lots.zeroize();
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("universe", &self.universe).finish_non_exhaustive()
    }
}

impl Document for Written {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;
    const SECRET: bool = true;

    fn problems(&self) -> Vec<Problem> {
        let none = require(!self.balances.is_empty(), "balances", "at least one balance", "none");
        let advice = "to say that there is nothing, state a balance of 0";
        let mut problems: Vec<_> = none.map(|problem| problem.advise(advice)).into_iter().collect();
        for (i, balance) in self.balances.iter().enumerate() {
            let found = if balance.lots.is_some() { "both" } else { "neither" };
            let one = balance.lots.is_some() != balance.amount.is_some();
            problems.extend(require(one, format!("balances[{i}]"), "either the key `lots` or the key `amount`", found));
        }
        problems
    }
}

impl Written {
    /// Reads a file of the format: its name, and its text.
    pub(crate) fn read(
        (file, text, format): (&str, &str, Format),
        universe: &Universe,
        quote: Option<&Name>,
    ) -> Result<(Book, Vec<Note>), InputErrors> {
        let written: Self = text::read(file, text, format, |written: &Self| written.book(universe, quote).1)?;
        Ok(written.book(universe, quote).0)
    }

    fn book(&self, universe: &Universe, quote: Option<&Name>) -> ((Book, Vec<Note>), Vec<Problem>) {
        let mut problems = self.problems();
        if self.universe != universe.name {
            // What is there may be an amount in the wrong place.
            problems.push(Problem::new("universe", format!("the universe {}", universe.name), "another name"));
        }
        let positions = universe.positions();
        let (mut places, mut entries) = (Vec::new(), Vec::new());
        for (i, balance) in self.balances.iter().enumerate() {
            let Some(position) = positions.get(&balance.instrument) else {
                let path = format!("balances[{i}].instrument");
                problems.push(Problem { path, ..universe.unknown(balance.instrument.as_str()) });
                continue;
            };
            if let Some(amount) = balance.amount() {
                places.push(i);
                let instrument = &universe.instruments[*position];
                entries.push(StatedBalance { instrument, quote: None, amount, stated: balance.stated() });
            }
        }
        let book = Book::of(universe, &entries, quote, |entry, key, problem| {
            problems.push(Problem { path: format!("balances[{}].{key}", places[entry]), ..problem });
        });
        (book, problems)
    }
}

impl WrittenBalance {
    fn amount(&self) -> Option<Amount> {
        match (&self.lots, &self.amount) {
            (Some(lots), None) => Some(Amount::Lots(Number::from(lots.get()))),
            (None, Some(Quantity(number))) => Some(Amount::Units(number.clone())),
            _ => None,
        }
    }

    fn stated(&self) -> Stated {
        let number = |quantity: &Option<Quantity>| quantity.as_ref().map(|Quantity(number)| number.clone());
        Stated {
            entry_price: number(&self.entry_price),
            mark_price: number(&self.mark_price),
            unrealised_pnl: number(&self.unrealised_pnl),
            cost: self.cost.as_ref().map(|WrittenCost(cost)| cost.clone()),
        }
    }
}

/// A decimal number, written as a string. Secret.
#[derive(Clone, Debug)]
pub struct Quantity(Number);

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_newtype_struct(QUANTITY, CostVisitor)? {
            Cost::Paid(number) => Ok(Self(number)),
            Cost::Carried => Err(D::Error::custom("expected a decimal number: only a cost is carried")),
        }
    }
}

/// What readers know the numbers by that are read here: those with a point come as they are written.
const QUANTITY: &str = "Quantity";

/// Reads a number, as a string or a literal, or the word for a cost that is carried.
struct CostVisitor;

impl<'de> Visitor<'de> for CostVisitor {
    type Value = Cost;

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cost, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number in a string, like \"1234.5678\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Cost, E> {
        if text.eq_ignore_ascii_case(CARRIED) {
            return Ok(Cost::Carried);
        }
        // The error must not repeat the amount.
        Number::parse(text).map(Cost::Paid).map_err(|_| E::custom("expected a decimal number like 1234.5678"))
    }

    fn visit_i128<E: serde::de::Error>(self, integer: i128) -> Result<Cost, E> {
        Ok(Cost::Paid(Number::from(integer)))
    }

    fn visit_i64<E: serde::de::Error>(self, integer: i64) -> Result<Cost, E> {
        self.visit_i128(integer.into())
    }

    fn visit_u64<E: serde::de::Error>(self, integer: u64) -> Result<Cost, E> {
        self.visit_i128(integer.into())
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "pattern": "^-?[0-9]+(\\.[0-9]+)?(e-?[0-9]{1,4})?$",
            "description": "A decimal number."
        })
    }
}

/// What a position cost: an amount of the quote balance, or that this carries it already. Secret.
#[derive(Clone, Debug)]
pub struct WrittenCost(Cost);

impl Serialize for WrittenCost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Cost::Carried => serializer.serialize_str(CARRIED),
            Cost::Paid(number) => number.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenCost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(QUANTITY, CostVisitor).map(Self)
    }
}

impl JsonSchema for WrittenCost {
    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": ["number", "string"],
            "pattern": "^(carried|-?[0-9]+(\\.[0-9]+)?(e-?[0-9]{1,4})?)$",
            "description": "A decimal number, or `carried`."
        })
    }
}
