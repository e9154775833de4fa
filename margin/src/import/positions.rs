//! Positions as spreadsheets state them, to holdings: the one reader of what is held.
//!
//! A table has a column `instrument` and a column `amount`, in units, or `lots`, or `contracts` beside their
//! `contract_size`. A list of records in JSON is a table as well, such as the unified balances and positions of ccxt. A column `side` says of each position
//! whether it is long or short, if signs do not. Amounts are negative if owed or short, and decimals beyond one lot are
//! rounded down: less is held, more is owed.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    holdings::{
        Amount, Book, Entry, Stated, Written,
        cost::{self, Cost},
    },
    ident::Name,
    problem::Problem,
    text::{
        Format, InputErrors, closest,
        number::{Marks, Number},
        table::{Column, Dialect, Field, Mistakes, Note, Row, Table, shown_name},
    },
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

/// How much of it, in contracts.
const CONTRACTS: Column = Column { name: "contracts", aliases: &["number of contracts"] };

/// How many units a contract is about.
const CONTRACT_SIZE: Column =
    Column { name: "contract_size", aliases: &["contract multiplier", "multiplier", "contract value"] };

/// Whether it is held or owed, where amounts have no sign.
const SIDE: Column = Column { name: "side", aliases: &["direction", "position side", "long/short"] };

/// Columns that state what is owed beside what is held. An amount beside them may be either before or after debts.
const DEBTS: [&str; 8] = ["borrowed", "borrow", "debt", "debts", "owed", "loan", "liability", "liabilities"];

/// What a user says about a file of positions that the file does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// About tables.
    pub dialect: Dialect,
    /// The cash instrument that carries what derivatives cost, where the universe does not say it.
    pub quote: Option<Name>,
}

/// Reads holdings over a universe: TOML if the file's name ends in `.toml`, JSON if the text begins like it, otherwise a
/// table. `file` is what errors call the input. What derivatives cost is carried over to their quote balance.
///
/// # Errors
/// With every mistake that was found. Errors do not show amounts.
pub fn read(
    file: &str,
    text: &str,
    universe: &Universe,
    reading: &Reading,
    notes: &mut Vec<Note>,
) -> Result<Book, InputErrors> {
    let document = |format| Written::read((file, text, format), universe, reading.quote.as_ref());
    let (book, more) = if file.ends_with(".toml") {
        document(Format::Toml)?
    } else if is_document(text) {
        document(Format::Json)?
    } else {
        from_table(file, text, universe, reading, notes)?
    };
    notes.extend(more);
    Ok(book)
}

/// Whether a text is a document in JSON, which says its kind, rather than a list of records.
fn is_document(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "kind")]
        _kind: IgnoredAny,
    }

    let content = text.trim_start_matches('\u{feff}').trim_start();
    content.starts_with('{') && serde_json::from_str::<Kind>(content).is_ok()
}

fn from_table(
    file: &str,
    text: &str,
    universe: &Universe,
    reading: &Reading,
    notes: &mut Vec<Note>,
) -> Result<(Book, Vec<Note>), InputErrors> {
    let (dialect, mut mistakes) = (&reading.dialect, Mistakes::default());
    let table = Table::read(text, dialect, &mut mistakes, notes);
    let columns = Columns::of(&table, dialect, &mut mistakes, notes);
    let (columns, entries) = match columns {
        Some(columns) => {
            let entries = columns.entries(&table, universe, dialect, &mut mistakes, notes);
            (Some(columns), entries)
        }
        None => (None, Vec::new()),
    };
    let (places, entries): (Vec<Row<'_, '_>>, Vec<Entry<'_>>) = entries.into_iter().unzip();
    let place = |entry: usize, key: &str| {
        let column = columns.as_ref().and_then(|columns| columns.of_key(key));
        let row = places.get(entry).copied();
        let field = row.and_then(|row| row.field(column?)).filter(|field| !field.is_empty());
        field.map(Field::offset).or_else(|| row.map(Row::offset)).unwrap_or(0)
    };
    let (book, more) = Book::of(universe, &entries, reading.quote.as_ref(), |entry, key, problem| {
        mistakes.add(place(entry, key), Problem { path: key.to_owned(), ..problem });
    });
    mistakes.refuse(file, text)?;
    Ok((book, more))
}

/// Where a table states what.
struct Columns {
    instrument: usize,
    amount: usize,
    unit: Unit,
    side: Option<usize>,
    entry_price: Option<usize>,
    mark_price: Option<usize>,
    unrealised_pnl: Option<usize>,
    cost: Option<usize>,
}

/// What amounts are counted in.
#[derive(Clone, Copy)]
enum Unit {
    Lots,
    Units,
    /// Each about so many units as the column says.
    Contracts {
        size: usize,
    },
}

impl Columns {
    fn of(table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Option<Self> {
        if table.header().is_empty() {
            return None;
        }
        for name in DEBTS {
            refuse_debts(table, name, dialect, mistakes);
        }
        let instrument = table.require(INSTRUMENT, dialect, mistakes);
        let mut find = |column| table.find(column, dialect, mistakes);
        let (lots, units, contracts, size) = (find(LOTS), find(AMOUNT), find(CONTRACTS), find(CONTRACT_SIZE));
        let (amount, unit) = match (lots, units, contracts, size) {
            (Some(lots), ..) => (Some(lots), Unit::Lots),
            (None, Some(units), ..) => (Some(units), Unit::Units),
            (None, None, Some(contracts), Some(size)) => (Some(contracts), Unit::Contracts { size }),
            _ => (None, Unit::Units),
        };
        let start = table.header().first().map_or(0, Field::offset);
        if amount.is_none() && contracts.is_some() {
            let problem = table.missing(&[CONTRACT_SIZE.name]);
            mistakes.add(start, problem.advise("or give --map contracts=amount if a contract is about one unit"));
        } else if amount.is_none() {
            mistakes.add(start, table.missing(&[LOTS.name, AMOUNT.name]));
        } else if lots.is_some() && table.find_named(AMOUNT.name, dialect, mistakes).is_some() {
            mistakes.add(start, Problem::new("", "a column lots or a column amount", "both"));
        }
        let mut find = |column| table.find(column, dialect, mistakes);
        let columns = Self {
            side: find(SIDE),
            entry_price: find(cost::ENTRY_PRICE),
            mark_price: find(cost::MARK_PRICE),
            unrealised_pnl: find(cost::UNREALISED_PNL),
            cost: find(cost::COST),
            instrument: instrument?,
            amount: amount?,
            unit,
        };
        let asked: Vec<_> =
            columns.of_amount().chain([columns.instrument]).chain(columns.side).chain(columns.of_cost()).collect();
        notes.extend(table.others(&asked));
        Some(columns)
    }

    fn of_amount(&self) -> impl Iterator<Item = usize> {
        let size = match self.unit {
            Unit::Contracts { size } => Some(size),
            Unit::Lots | Unit::Units => None,
        };
        core::iter::once(self.amount).chain(size)
    }

    fn of_cost(&self) -> impl Iterator<Item = usize> {
        [self.entry_price, self.mark_price, self.unrealised_pnl, self.cost].into_iter().flatten()
    }

    /// The column of a key.
    fn of_key(&self, key: &str) -> Option<usize> {
        [
            (INSTRUMENT.name, Some(self.instrument)),
            (cost::ENTRY_PRICE.name, self.entry_price),
            (cost::MARK_PRICE.name, self.mark_price),
            (cost::UNREALISED_PNL.name, self.unrealised_pnl),
            (cost::COST.name, self.cost),
        ]
        .into_iter()
        .find_map(|(name, column)| (name == key).then_some(column))
        .unwrap_or(Some(self.amount))
    }

    fn entries<'u, 'r, 't>(
        &self,
        table: &'r Table<'t>,
        universe: &'u Universe,
        dialect: &Dialect,
        mistakes: &mut Mistakes,
        notes: &mut Vec<Note>,
    ) -> Vec<(Row<'r, 't>, Entry<'u>)> {
        let (instruments, marks) = (Instruments::of(universe), table.marks(&self.of_amount().collect::<Vec<_>>()));
        let prices = table.marks(&self.of_cost().collect::<Vec<_>>());
        let (mut entries, mut others) = (Vec::new(), 0);
        for row in table.rows() {
            if mistakes.are_enough() {
                break;
            }
            let (Some(name), Some(amount)) = (row.field(self.instrument), row.field(self.amount)) else { continue };
            let meant = dialect.meaning(name.text());
            let number = amount.number(marks).map_err(|error| error.problem(self.unit.column()));
            let number = mistakes.sift(amount.offset(), number);
            if number.as_ref().is_some_and(Number::is_zero) && instruments.named(meant).is_err() {
                others += 1;
                continue;
            }
            let instrument = mistakes.sift(name.offset(), linear(name.text()).and_then(|()| instruments.named(meant)));
            let number = number.and_then(|number| self.in_units(row, number, marks, mistakes));
            let side = self.side.and_then(|side| row.field(side));
            let has_sides = instrument.is_some_and(|instrument| instrument.class.is_derivative());
            let signed = match (number, side.filter(|side| has_sides || !is_blank(side.text()))) {
                (Some(number), Some(side)) => mistakes.sift(side.offset(), on_side(side.text(), number)),
                (number, _) => number,
            };
            let stated = self.stated(row, prices, mistakes);
            if let (Some(instrument), Some(number), Some(stated)) = (instrument, signed, stated) {
                let amount = match self.unit {
                    Unit::Lots => Amount::Lots(number),
                    Unit::Units | Unit::Contracts { .. } => Amount::Units(number),
                };
                entries.push((row, Entry { instrument, quote: universe.settled_in(name.text()), amount, stated }));
            }
        }
        notes.extend(Note::of_rows("nothing of instruments that the universe does not have", others));
        entries
    }

    /// An amount in units or lots: of contracts, times their size.
    fn in_units(&self, row: Row<'_, '_>, number: Number, marks: Marks, mistakes: &mut Mistakes) -> Option<Number> {
        let Unit::Contracts { size } = self.unit else { return Some(number) };
        if number.is_zero() {
            return Some(number);
        }
        let field = row.field(size)?;
        let size = field.number(marks).map_err(|error| error.problem(CONTRACT_SIZE.name));
        let size = size.and_then(|size| {
            let product = number.times(&size).filter(|_| !size.is_negative() && !size.is_zero());
            product.ok_or_else(|| {
                let expected = "a positive number, of at most 38 digits as the number of contracts";
                Problem::new(CONTRACT_SIZE.name, expected, "another one")
            })
        });
        mistakes.sift(field.offset(), size)
    }

    /// What a row says of what its position cost; fields that are empty say nothing.
    fn stated(&self, row: Row<'_, '_>, marks: Marks, mistakes: &mut Mistakes) -> Option<Stated> {
        let field = |column: Option<usize>| row.field(column?).filter(|field| !is_blank(field.text()));
        let mut number = |column, name: &str| match field(column) {
            None => Some(None),
            Some(field) => {
                let number = field.number(marks).map_err(|error| error.problem(name));
                mistakes.sift(field.offset(), number).map(Some)
            }
        };
        let is_carried = field(self.cost).is_some_and(|field| field.text().eq_ignore_ascii_case(cost::CARRIED));
        let cost = if is_carried { Some(None) } else { number(self.cost, cost::COST.name) };
        Some(Stated {
            entry_price: number(self.entry_price, cost::ENTRY_PRICE.name)?,
            mark_price: number(self.mark_price, cost::MARK_PRICE.name)?,
            unrealised_pnl: number(self.unrealised_pnl, cost::UNREALISED_PNL.name)?,
            cost: if is_carried { Some(Cost::Carried) } else { cost?.map(Cost::Paid) },
        })
    }
}

/// Whether a field says that there is nothing to say.
fn is_blank(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "" | "-" | "--" | "n/a" | "na" | "null" | "none")
}

impl Unit {
    fn column(self) -> &'static str {
        match self {
            Self::Lots => LOTS.name,
            Self::Units => AMOUNT.name,
            Self::Contracts { .. } => CONTRACTS.name,
        }
    }
}

/// Refuses what a column says is owed: an amount beside it may be the one before debts.
fn refuse_debts(table: &Table<'_>, name: &str, dialect: &Dialect, mistakes: &mut Mistakes) {
    let Some(column) = table.find_named(name, dialect, mistakes) else { return };
    let is_nothing =
        |field: &&Field<'_>| is_blank(field.text()) || Number::parse(field.text()).is_ok_and(|number| number.is_zero());
    let debt = table.rows().filter_map(|row| row.field(column)).find(|field| !is_nothing(field));
    if let Some(debt) = debt {
        let problem = Problem::new("", "what is owed as a negative amount", format!("a column {name}"));
        mistakes.add(debt.offset(), problem.advise("state amounts less debts, and leave the column out"));
    }
}

/// Refuses contracts whose value is not linear in the price: those that are settled in what they are about, which venues
/// call `BTC/USD:BTC`.
fn linear(name: &str) -> Result<(), Problem> {
    let inverse = name.split_once('/').is_some_and(|(base, rest)| {
        let settled = rest.split_once(':').map(|(_, settled)| settled.split('-').next().unwrap_or(settled));
        settled == Some(base)
    });
    if !inverse {
        return Ok(());
    }
    let expected = "a contract that is settled in its quote currency";
    Err(Problem::new(INSTRUMENT.name, expected, format!("{}, which is inverse", shown_name(name))))
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
