//! Positions as spreadsheets state them, to holdings: the one reader of what is held.
//!
//! A table has a column `instrument` and a column `amount`, in units, or `lots`. A column `side` says of each position
//! whether it is long or short, if signs do not. Amounts are negative if owed or short, and decimals beyond one lot are
//! rounded down: less is held, more is owed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    FormatVersion,
    holdings::{Balance, Holdings, HoldingsKind},
    problem::Problem,
    text::{
        self, Format, InputErrors, closest,
        number::{Number, Rounding},
        table::{Column, Dialect, Field, Mistakes, Note, Table, shown_name},
    },
    units::Lots,
    universe::{Instrument, Universe},
};

/// What is held or owed.
const INSTRUMENT: Column = Column {
    name: "instrument",
    aliases: &["symbol", "asset", "coin", "currency", "token", "ticker", "contract", "market", "pair", "name"],
};

/// How much of it, in units.
const AMOUNT: Column =
    Column { name: "amount", aliases: &["quantity", "qty", "units", "size", "position", "balance", "total"] };

/// How much of it, in lots.
const LOTS: Column = Column { name: "lots", aliases: &[] };

/// Whether it is held or owed, where amounts have no sign.
const SIDE: Column = Column { name: "side", aliases: &["direction", "position side", "long/short"] };

/// Columns that state what is owed beside what is held. An amount beside them may be either before or after debts.
const DEBTS: [&str; 8] = ["borrowed", "borrow", "debt", "debts", "owed", "loan", "liability", "liabilities"];

/// Reads holdings over a universe: TOML if the file's name ends in `.toml`, JSON if the text begins like it, otherwise a
/// table. `file` is what errors call the input.
///
/// # Errors
/// With every mistake that was found. Errors do not show amounts.
pub fn read(
    file: &str,
    text: &str,
    universe: &Universe,
    dialect: &Dialect,
    notes: &mut Vec<Note>,
) -> Result<Holdings, InputErrors> {
    let problems = |holdings: &Holdings| holdings.check(universe);
    if file.ends_with(".toml") {
        return text::read(file, text, Format::Toml, problems);
    }
    let content = text.trim_start_matches('\u{feff}').trim_start();
    if file.ends_with(".json") || content.starts_with(['{', '[']) {
        return text::read(file, text, Format::Json, problems);
    }
    let mut mistakes = Mistakes::default();
    let table = Table::read(text, dialect, &mut mistakes, notes);
    let columns = Columns::of(&table, dialect, &mut mistakes, notes);
    let stated = columns.map(|columns| columns.stated(&table, universe, dialect, &mut mistakes)).unwrap_or_default();
    let holdings = holdings(&stated, universe, &mut mistakes, notes);
    mistakes.refuse(file, text)?;
    Ok(holdings)
}

/// Where a table states what.
struct Columns {
    instrument: usize,
    amount: usize,
    unit: Unit,
    side: Option<usize>,
}

/// What amounts are counted in.
#[derive(Clone, Copy)]
enum Unit {
    Lots,
    Units,
}

/// A position as it is stated. Its number is secret.
struct Stated<'u> {
    /// The byte of the text where its name is.
    name_at: usize,
    /// The byte of the text where its amount is.
    amount_at: usize,
    instrument: &'u Instrument,
    amount: Number,
    unit: Unit,
}

impl Columns {
    fn of(table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Option<Self> {
        if table.header().is_empty() {
            return None;
        }
        for name in DEBTS {
            if let Some(column) =
                table.find_named(name, dialect, mistakes).and_then(|column| table.header().get(column))
            {
                let problem = Problem::new("", "what is owed as a negative amount", format!("a column {name}"));
                let advice = "state amounts less debts, and leave the column out";
                mistakes.add(column.offset(), problem.advise(advice));
            }
        }
        let instrument = table.require(INSTRUMENT, dialect, mistakes);
        let (lots, units) = (table.find(LOTS, dialect, mistakes), table.find(AMOUNT, dialect, mistakes));
        let (amount, unit) = match (lots, units) {
            (Some(lots), _) => (Some(lots), Unit::Lots),
            (None, units) => (units, Unit::Units),
        };
        let start = table.header().first().map_or(0, Field::offset);
        if amount.is_none() {
            mistakes.add(start, table.missing(&[LOTS.name, AMOUNT.name]));
        } else if lots.is_some() && table.find_named(AMOUNT.name, dialect, mistakes).is_some() {
            mistakes.add(start, Problem::new("", "a column lots or a column amount", "both"));
        }
        let side = table.find(SIDE, dialect, mistakes);
        let columns = Self { instrument: instrument?, amount: amount?, unit, side };
        let asked: Vec<_> = [columns.instrument, columns.amount].into_iter().chain(side).collect();
        notes.extend(table.others(&asked));
        Some(columns)
    }

    fn stated<'u>(
        &self,
        table: &Table<'_>,
        universe: &'u Universe,
        dialect: &Dialect,
        mistakes: &mut Mistakes,
    ) -> Vec<Stated<'u>> {
        let (instruments, marks) = (Instruments::of(universe), table.marks(&[self.amount]));
        let mut stated = Vec::new();
        for row in table.rows() {
            if mistakes.are_enough() {
                break;
            }
            let (Some(name), Some(amount)) = (row.field(self.instrument), row.field(self.amount)) else { continue };
            let instrument = mistakes.sift(name.offset(), instruments.named(dialect.meaning(name.text())));
            let number = amount.number(marks).map_err(|error| error.problem(self.unit.column()));
            let number = mistakes.sift(amount.offset(), number);
            let side = self.side.and_then(|side| row.field(side));
            let signed = match (number, side) {
                (Some(number), Some(side)) => mistakes.sift(side.offset(), on_side(side.text(), number)),
                (number, _) => number,
            };
            if let (Some(instrument), Some(number)) = (instrument, signed) {
                let (name_at, amount_at) = (name.offset(), amount.offset());
                stated.push(Stated { name_at, amount_at, instrument, amount: number, unit: self.unit });
            }
        }
        stated
    }
}

impl Unit {
    fn column(self) -> &'static str {
        match self {
            Self::Lots => LOTS.name,
            Self::Units => AMOUNT.name,
        }
    }

    /// How many decimal places lots have in this unit.
    fn places(self, instrument: &Instrument) -> u8 {
        match self {
            Self::Lots => 0,
            Self::Units => instrument.lot_decimals.get(),
        }
    }
}

/// The amount with the sign of its side.
fn on_side(side: &str, amount: Number) -> Result<Number, Problem> {
    match side.to_ascii_lowercase().as_str() {
        "long" | "buy" | "bid" | "l" | "b" if !amount.is_negative() => Ok(amount),
        "long" | "buy" | "bid" | "l" | "b" => {
            Err(Problem::new(SIDE.name, "short, or an amount that is not negative", "long and a negative amount"))
        }
        "short" | "sell" | "ask" | "s" if amount.is_negative() => Ok(amount),
        "short" | "sell" | "ask" | "s" => Ok(amount.negated()),
        // Nothing is held or owed.
        "" | "none" | "flat" | "both" | "net" if amount.is_zero() => Ok(amount),
        // One-way positions of venues that know two ways: the sign says it.
        "both" | "net" => Ok(amount),
        _ => Err(Problem::new(SIDE.name, "long or short", shown_name(side))),
    }
}

/// The instruments of a universe by name.
struct Instruments<'u> {
    universe: &'u Universe,
    exact: BTreeMap<&'u str, &'u Instrument>,
    /// Without regard to case; none where several names differ in nothing else.
    folded: BTreeMap<String, Option<&'u Instrument>>,
}

impl<'u> Instruments<'u> {
    fn of(universe: &'u Universe) -> Self {
        let (mut exact, mut folded) = (BTreeMap::new(), BTreeMap::new());
        for instrument in &universe.instruments {
            let name = instrument.name.as_str();
            exact.insert(name, instrument);
            folded.entry(name.to_ascii_lowercase()).and_modify(|one| *one = None).or_insert(Some(instrument));
        }
        Self { universe, exact, folded }
    }

    /// The instrument of a name, whose case need not be right if only one is like it.
    fn named(&self, name: &str) -> Result<&'u Instrument, Problem> {
        let exact = self.exact.get(name).copied();
        let folded = || self.folded.get(&name.to_ascii_lowercase()).copied().flatten();
        exact.or_else(folded).ok_or_else(|| unknown(name, self.universe))
    }
}

/// The problem that a universe has no instrument of a name.
pub(crate) fn unknown(name: &str, universe: &Universe) -> Problem {
    let found = shown_name(name);
    let problem = Problem::new("instrument", format!("an instrument of the universe {}", universe.name), &*found);
    let near = closest(name, universe.instruments.iter().map(|instrument| instrument.name.as_str()));
    match near.filter(|_| found == name) {
        Some(near) => problem.advise(format!("did you mean {near}? --map {name}={near} says so")),
        None => problem,
    }
}

/// The holdings that are stated, in whole lots and each at most once.
fn holdings(stated: &[Stated<'_>], universe: &Universe, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Holdings {
    let (mut seen, mut rounded, mut balances) = (BTreeSet::new(), 0, Vec::with_capacity(stated.len()));
    for Stated { name_at, amount_at, instrument, amount, unit } in stated {
        if !seen.insert(&instrument.name) {
            let problem = Problem::new("instrument", "each instrument once", format!("{} again", instrument.name));
            mistakes.add(*name_at, problem);
        }
        let limit = instrument.max_lots.get();
        let scaled = amount.scaled(unit.places(instrument), Rounding::Floor);
        let lots = scaled.and_then(|scaled| Lots::new(scaled.integer).ok().filter(|lots| lots.get().abs() <= limit));
        match lots {
            Some(lots) => balances.push(Balance { instrument: instrument.name.clone(), lots }),
            None => {
                let decimals = instrument.lot_decimals;
                let expected = format!(
                    "at most the {limit} lots of 10^-{} that the universe allows, held or owed",
                    decimals.get()
                );
                mistakes.add(*amount_at, Problem::new(unit.column(), expected, "more"));
            }
        }
        rounded += usize::from(scaled.is_some_and(|scaled| !scaled.exact));
    }
    notes
        .extend(Note::of_rows("amounts with more decimals than a lot has rounded down: less held, more owed", rounded));
    Holdings { kind: HoldingsKind::Holdings, version: FormatVersion, universe: universe.name.clone(), balances }
}
