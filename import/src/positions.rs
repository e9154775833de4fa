//! Positions as spreadsheets state them, to holdings: the one reader of what is held.
//!
//! A table has a column `instrument` and a column `amount`, in units, or `lots`, or `contracts` beside their
//! `contract_size`. A list of records in JSON is a table as well, such as the unified balances and positions of ccxt. A
//! column `side` says of each position whether it is long or short, if signs do not. Amounts are negative if owed or
//! short, and decimals beyond one lot are rounded down: less is held, more is owed.
//!
//! Where several columns say the same thing, they must agree. Columns that nobody asked for are ignored, with a note,
//! but not those that say what is owed or short: without them an account would look better than it is.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use surety_core::{
    ident::Name,
    problem::Problem,
    text::{
        Format, InputErrors,
        number::{Marks, Number},
        table::{Column, Dialect, Field, Mistakes, Note, Row, Table, shown_name},
    },
};
use surety_margin::{
    holdings::{CARRIED, Holdings},
    universe::{Instrument, Universe},
};

use crate::{
    book::{Amount, Book, StatedBalance, Written},
    cost::{self, Cost, Stated},
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
const SIDE: Column = Column {
    name: "side",
    aliases: &["direction", "position side", "pos side", "hold side", "trade side", "long/short", "buy/sell", "l/s"],
};

/// What a side may be called that is held, without case and signs.
const LONG: [&str; 13] = [
    "long",
    "buy",
    "bid",
    "l",
    "b",
    "bought",
    "buylong",
    "lend",
    "lent",
    "supply",
    "supplied",
    "deposit",
    "collateral",
];

/// What a side may be called that is owed or short.
const SHORT: [&str; 13] = [
    "short",
    "sell",
    "ask",
    "s",
    "sold",
    "sellshort",
    "shortsell",
    "borrow",
    "borrowed",
    "debt",
    "liability",
    "loan",
    "owed",
];

/// What stands for no side, or for one that the sign of the amount says.
const NEITHER: [&str; 5] = ["", "none", "flat", "both", "net"];

/// What the names of columns have in them that state what is owed beside what is held. An amount beside them may be
/// either before or after debts.
const DEBTS: [&str; 6] = ["borrow", "debt", "liab", "interest", "owed", "loan"];

/// What names have in them that look like those and state no debt.
const NO_DEBTS: [&str; 3] = ["allowed", "followed", "openinterest"];

/// What a user says about a file of positions that the file does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// About tables.
    pub dialect: Dialect,
    /// The cash instrument that carries what derivatives cost, where the universe does not say it.
    pub quote: Option<Name>,
}

/// Reads holdings over a universe: TOML if the file's name ends in `.toml`, JSON if the text begins like it, otherwise
/// a table. `file` is what errors call the input. What derivatives cost is carried over to their quote balance.
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
    let (book, more) = if Format::of_name(file) == Some(Format::Toml) {
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
    let (places, entries): (Vec<Row<'_, '_>>, Vec<StatedBalance<'_>>) = entries.into_iter().unzip();
    let place = |entry: usize, key: &str| {
        let columns = columns.as_ref().map(|columns| columns.of_key(key)).unwrap_or_default();
        let row = places.get(entry).copied();
        let field = row.and_then(|row| columns.into_iter().filter_map(|column| row.field(column)).find(says));
        field.map(Field::offset).or_else(|| row.map(Row::offset)).unwrap_or(0)
    };
    let (book, more) = Book::of(universe, &entries, reading.quote.as_ref(), |entry, key, problem| {
        let offset = place(entry, key);
        let problem = columns.as_ref().map_or(problem.clone(), |columns| columns.explained(&table, key, problem));
        mistakes.add(offset, Problem { path: key.to_owned(), ..problem });
    });
    mistakes.refuse(file, text)?;
    Ok((book, more))
}

/// Where a table states what. Where several columns state the same, the first that says something counts, and the
/// others must agree with it.
struct Columns {
    instrument: usize,
    /// At least one.
    amounts: Vec<(usize, Unit)>,
    sides: Vec<usize>,
    entry_price: Vec<usize>,
    mark_price: Vec<usize>,
    unrealised_pnl: Vec<usize>,
    cost: Vec<usize>,
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

/// What a row says of how much there is: where, in what unit, and the number.
type Said = (usize, Unit, Number);

impl Columns {
    fn of(table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Option<Self> {
        if table.header().is_empty() {
            return None;
        }
        let instrument = table.require(INSTRUMENT, dialect, mistakes);
        let amounts = amounts(table, dialect, mistakes);
        let (sides, cost) = (table.all(SIDE, dialect, mistakes), table.all(cost::COST, dialect, mistakes));
        let mut all = |column| of_numbers(table, table.all(column, dialect, mistakes));
        let (entry_price, mark_price) = (all(cost::ENTRY_PRICE), all(cost::MARK_PRICE));
        let unrealised_pnl = all(cost::UNREALISED_PNL);
        let columns = Self {
            instrument: instrument.unwrap_or_default(),
            amounts,
            sides,
            entry_price,
            mark_price,
            unrealised_pnl,
            cost,
        };
        let asked: Vec<_> = columns.numbers().into_iter().chain(instrument).chain(columns.sides.clone()).collect();
        refuse_unread(table, &asked, dialect, mistakes);
        if instrument.is_none() || columns.amounts.is_empty() {
            return None;
        }
        notes.extend(table.others(&asked));
        Some(columns)
    }

    /// The columns with numbers in them.
    fn numbers(&self) -> Vec<usize> {
        let amounts = self.amounts.iter().flat_map(|(amount, unit)| match unit {
            Unit::Contracts { size } => vec![*amount, *size],
            Unit::Lots | Unit::Units => vec![*amount],
        });
        let costs = [&self.entry_price, &self.mark_price, &self.unrealised_pnl, &self.cost];
        amounts.chain(costs.into_iter().flatten().copied()).collect()
    }

    /// The columns of a key.
    fn of_key(&self, key: &str) -> Vec<usize> {
        [
            (INSTRUMENT.name, &vec![self.instrument]),
            (cost::ENTRY_PRICE.name, &self.entry_price),
            (cost::MARK_PRICE.name, &self.mark_price),
            (cost::UNREALISED_PNL.name, &self.unrealised_pnl),
            (cost::COST.name, &self.cost),
        ]
        .into_iter()
        .find_map(|(name, columns)| (name == key).then(|| columns.clone()))
        .unwrap_or_else(|| self.amounts.iter().map(|(column, _)| *column).collect())
    }

    /// A problem of a key, and of what was not taken for a column of costs that is missing.
    fn explained(&self, table: &Table<'_>, key: &str, problem: Problem) -> Problem {
        let costs = [
            (cost::ENTRY_PRICE, &self.entry_price),
            (cost::UNREALISED_PNL, &self.unrealised_pnl),
            (cost::MARK_PRICE, &self.mark_price),
            (cost::COST, &self.cost),
        ];
        let is_of_cost = costs.iter().any(|(column, _)| column.name == key);
        let missing = costs.into_iter().filter(|(_, found)| is_of_cost && found.is_empty());
        match (table.not_taken(&missing.map(|(column, _)| column).collect::<Vec<_>>()), problem.advice.clone()) {
            (Some(why), Some(advice)) => problem.advise(format!("{advice}; {why}")),
            (Some(why), None) => problem.advise(why),
            (None, _) => problem,
        }
    }

    fn entries<'u, 'r, 't>(
        &self,
        table: &'r Table<'t>,
        universe: &'u Universe,
        dialect: &Dialect,
        mistakes: &mut Mistakes,
        notes: &mut Vec<Note>,
    ) -> Vec<(Row<'r, 't>, StatedBalance<'u>)> {
        let (instruments, marks) = (Instruments::of(universe), table.marks(&self.numbers()));
        instruments.refuse_beside(table, dialect, mistakes);
        let (mut entries, mut others) = (Vec::new(), 0);
        for row in table.rows() {
            if mistakes.are_enough() {
                break;
            }
            let Some(name) = row.field(self.instrument) else { continue };
            let meant = dialect.meaning(name.text());
            let said = self.said(row, marks, mistakes);
            let is_nothing = said.as_ref().is_some_and(|said| said.iter().all(|(_, _, number)| number.is_zero()));
            if is_nothing && instruments.named(meant).is_err() && self.cost_nothing(row, marks) {
                others += 1;
                continue;
            }
            let instrument = mistakes.sift(name.offset(), linear(name.text()).and_then(|()| instruments.named(meant)));
            let amount = said.and_then(|said| self.amount(row, said, instrument, marks, mistakes));
            let stated = self.stated(row, marks, mistakes);
            if let (Some(instrument), Some(amount), Some(stated)) = (instrument, amount, stated) {
                entries
                    .push((row, StatedBalance { instrument, quote: universe.settled_in(name.text()), amount, stated }));
            }
        }
        notes.extend(Note::of_rows("nothing of instruments that the universe does not have", others));
        entries
    }

    /// What the columns of amounts say that say anything. None if that is no number, which is a mistake.
    fn said(&self, row: Row<'_, '_>, marks: Marks, mistakes: &mut Mistakes) -> Option<Vec<Said>> {
        let fields = self.amounts.iter().filter_map(|(column, unit)| Some((row.field(*column)?, *unit)));
        let mut fields: Vec<_> = fields.collect();
        let first = fields.first().copied();
        fields.retain(|(field, _)| !is_blank(field.text()));
        if fields.is_empty() {
            fields.extend(first);
        }
        let number = |(field, unit): (&Field<'_>, Unit)| {
            let number = field.number(marks).map_err(|error| error.problem(unit.column()));
            Some((field.offset(), unit, mistakes.sift(field.offset(), number)?))
        };
        fields.into_iter().map(number).collect()
    }

    /// Whether a row says of no cost and no profit that there was one.
    fn cost_nothing(&self, row: Row<'_, '_>, marks: Marks) -> bool {
        let fields = self.cost.iter().chain(&self.unrealised_pnl).filter_map(|column| row.field(*column));
        let is_nothing = |field: &Field<'_>| {
            let is_zero = field.number(marks).is_ok_and(|number| number.is_zero());
            is_zero || is_blank(field.text()) || field.text().eq_ignore_ascii_case(CARRIED)
        };
        fields.into_iter().all(is_nothing)
    }

    /// How much there is by the first column that says it, if the others agree.
    fn amount(
        &self,
        row: Row<'_, '_>,
        said: Vec<Said>,
        instrument: Option<&Instrument>,
        marks: Marks,
        mistakes: &mut Mistakes,
    ) -> Option<Amount> {
        let amount = |(offset, unit, number)| {
            let number = self.in_units(row, number, unit, marks, mistakes)?;
            let number = self.signed(row, number, instrument, mistakes)?;
            Some((offset, unit, if matches!(unit, Unit::Lots) { Amount::Lots(number) } else { Amount::Units(number) }))
        };
        let mut amounts = said.into_iter().map(amount).collect::<Option<Vec<_>>>()?.into_iter();
        let (instrument, (.., first)) = (instrument?, amounts.next()?);
        let lots = |amount: &Amount| amount.lots(instrument).map(|(lots, _)| lots);
        match amounts.find(|(_, _, other)| lots(other) != lots(&first)) {
            None => Some(first),
            Some((offset, unit, _)) => {
                mistakes
                    .add(offset, of_two_columns(unit.column(), "amount", "keep the one that counts all that is owed"));
                None
            }
        }
    }

    /// An amount in units or lots: of contracts, times their size.
    fn in_units(
        &self,
        row: Row<'_, '_>,
        number: Number,
        unit: Unit,
        marks: Marks,
        mistakes: &mut Mistakes,
    ) -> Option<Number> {
        let Unit::Contracts { size } = unit else { return Some(number) };
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

    /// An amount with the sign of its side. A derivative has one, if anything has.
    fn signed(
        &self,
        row: Row<'_, '_>,
        number: Number,
        instrument: Option<&Instrument>,
        mistakes: &mut Mistakes,
    ) -> Option<Number> {
        let fields: Vec<_> = self.sides.iter().filter_map(|side| row.field(*side)).collect();
        let mut sides: Vec<_> = fields.iter().filter(|side| !is_blank(side.text())).collect();
        if sides.is_empty() && instrument.is_some_and(|instrument| instrument.class.is_derivative()) {
            sides.extend(fields.first());
        }
        let mut signed = None;
        for side in sides {
            let on_side = mistakes.sift(side.offset(), on_side(side.text(), number.clone()))?;
            if signed.as_ref().is_some_and(|signed| *signed != on_side) {
                mistakes.add(side.offset(), of_two_columns(SIDE.name, "side", "leave out the column that is wrong"));
                return None;
            }
            signed = Some(on_side);
        }
        Some(signed.unwrap_or(number))
    }

    /// What a row says of what its position cost; fields that are empty say nothing.
    fn stated(&self, row: Row<'_, '_>, marks: Marks, mistakes: &mut Mistakes) -> Option<Stated> {
        let fields =
            |columns: &[usize]| columns.iter().filter_map(|column| row.field(*column)).filter(says).collect::<Vec<_>>();
        let mut number = |columns: &[usize], name: &'static str| {
            let mut first = None;
            for field in fields(columns) {
                let number = field.number(marks).map_err(|error| error.problem(name));
                let number = mistakes.sift(field.offset(), number)?;
                if first.as_ref().is_some_and(|first| *first != number) {
                    mistakes.add(field.offset(), of_two_columns(name, name, "leave out the column that is wrong"));
                    return None;
                }
                first = Some(number);
            }
            Some(first)
        };
        let costs = fields(&self.cost);
        let are_carried = costs.iter().all(|field| field.text().eq_ignore_ascii_case(CARRIED));
        let cost = match are_carried {
            true => costs.first().map(|_| Cost::Carried),
            false => number(&self.cost, cost::COST.name)?.map(Cost::Paid),
        };
        Some(Stated {
            entry_price: number(&self.entry_price, cost::ENTRY_PRICE.name)?,
            mark_price: number(&self.mark_price, cost::MARK_PRICE.name)?,
            unrealised_pnl: number(&self.unrealised_pnl, cost::UNREALISED_PNL.name)?,
            cost,
        })
    }
}

/// The columns that say how much there is, in the order of preference; that there are none is a mistake.
fn amounts(table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes) -> Vec<(usize, Unit)> {
    let mut all = |column| of_numbers(table, table.all(column, dialect, mistakes));
    let (lots, units, contracts, sizes) = (all(LOTS), all(AMOUNT), all(CONTRACTS), all(CONTRACT_SIZE));
    let in_lots = lots.into_iter().map(|column| (column, Unit::Lots));
    let mut amounts: Vec<_> = in_lots.chain(units.into_iter().map(|column| (column, Unit::Units))).collect();
    for size in &sizes {
        amounts.extend(contracts.iter().map(|column| (*column, Unit::Contracts { size: *size })));
    }
    if !amounts.is_empty() && (contracts.is_empty() || sizes.is_empty()) {
        refuse_uncounted(table, &contracts, &sizes, mistakes);
    }
    let start = table.header().first().map_or(0, Field::offset);
    if amounts.is_empty() && !contracts.is_empty() {
        let problem = table.lacking(&[CONTRACT_SIZE]);
        mistakes.add(start, problem.advise("or give --map contracts=amount if a contract is about one unit"));
    } else if amounts.is_empty() {
        mistakes.add(start, table.lacking(&[LOTS, AMOUNT]));
    }
    amounts
}

/// Those of several columns that may have numbers in them, or the first: beside an amount, `position` may say `long`,
/// and `units` what is counted.
fn of_numbers(table: &Table<'_>, columns: Vec<usize>) -> Vec<usize> {
    let has_words = |column: &usize| {
        let mut fields = table.rows().filter_map(|row| row.field(*column)).filter(says).peekable();
        fields.peek().is_some() && fields.all(|field| is_word_or_date(field.text()))
    };
    let (words, numbers): (Vec<_>, Vec<_>) = columns.into_iter().partition(has_words);
    if numbers.is_empty() { words.into_iter().take(1).collect() } else { numbers }
}

/// Whether a text has no digits in it, or is a date or a time: `5 USD` may be a number.
fn is_word_or_date(text: &str) -> bool {
    let is_date = text.starts_with(|first: char| first.is_numeric()) && text.matches(['-', '/', ':']).count() >= 2;
    is_date || !text.contains(char::is_numeric)
}

/// Refuses what is said of contracts beside amounts that would be of another sign, or perhaps of contracts themselves.
fn refuse_uncounted(table: &Table<'_>, contracts: &[usize], sizes: &[usize], mistakes: &mut Mistakes) {
    let number = |field: &Field<'_>| Number::parse(field.text()).ok();
    let is_short = |field: &Field<'_>| number(field).is_none_or(|number| number.is_negative());
    let is_size = |field: &Field<'_>| number(field).is_none_or(|size| !size.is_zero() && size != Number::from(1));
    let find = |columns: &[usize], is_wrong: &dyn Fn(&Field<'_>) -> bool| {
        let fields = table.rows().flat_map(|row| columns.iter().filter_map(move |column| row.field(*column)));
        fields.filter(says).find(|field| is_wrong(field)).map(Field::offset)
    };
    if let Some(offset) = find(contracts, &is_short).or_else(|| find(sizes, &is_size)) {
        let problem = Problem::new("", "columns contracts and contract_size", "one of them beside an amount");
        mistakes
            .add(offset, problem.advise("leave it out if the amount is in units; else --map NAME=contracts says so"));
    }
}

/// The problem that two columns that say the same thing disagree.
fn of_two_columns(path: &str, what: &str, advice: &'static str) -> Problem {
    Problem::new(path, format!("the same {what} in each column that says it"), "another one").advise(advice)
}

fn says(field: &&Field<'_>) -> bool {
    !is_blank(field.text())
}

/// Whether a field says that there is nothing to say.
fn is_blank(text: &str) -> bool {
    let dashes = ['-', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'];
    let is_word = matches!(text.to_ascii_lowercase().as_str(), "n/a" | "na" | "null" | "none");
    is_word || text.chars().count() <= 2 && text.chars().all(|character| dashes.contains(&character))
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

/// Refuses columns that nobody asked for and that say what is owed or short.
fn refuse_unread(table: &Table<'_>, asked: &[usize], dialect: &Dialect, mistakes: &mut Mistakes) {
    for column in (0..table.header().len()).filter(|column| !asked.contains(column)) {
        let key = NO_DEBTS.iter().fold(table.key(column, dialect), |key, name| key.replace(name, ""));
        if DEBTS.iter().any(|name| key.contains(name)) {
            refuse_debts(table, column, mistakes);
        } else if has_sides(table, column, &[&LONG, &SHORT, &NEITHER]) && has_any(table, column, &SHORT) {
            let name = table.shown(column);
            let problem = Problem::new("", "sides in a column side", format!("short positions or debts in {name}"));
            let advice = format!("--map '{name}=side' says that they are sides; otherwise leave the column out");
            mistakes.add(table.header()[column].offset(), problem.advise(advice));
        }
    }
}

/// Refuses what a column says is owed: an amount beside it may be the one before debts.
fn refuse_debts(table: &Table<'_>, column: usize, mistakes: &mut Mistakes) {
    let is_nothing = |field: &Field<'_>| {
        let is_zero = Number::parse(field.text()).is_ok_and(|number| number.is_zero());
        is_zero || is_blank(field.text()) || ["false", "no"].contains(&side(field.text()).as_str())
    };
    let debt = table.rows().filter_map(|row| row.field(column)).find(|field| !is_nothing(field));
    if let Some(debt) = debt {
        let found = format!("a column {}", table.shown(column));
        let problem = Problem::new("", "what is owed as a negative amount", found);
        mistakes.add(debt.offset(), problem.advise("state amounts less debts, and leave the column out"));
    }
}

/// Whether every field of a column that says something says a side, and one does.
fn has_sides(table: &Table<'_>, column: usize, sides: &[&[&str]]) -> bool {
    let mut fields = table.rows().filter_map(|row| row.field(column)).filter(says).peekable();
    fields.peek().is_some()
        && fields.all(|field| sides.iter().any(|names| names.contains(&side(field.text()).as_str())))
}

fn has_any(table: &Table<'_>, column: usize, sides: &[&str]) -> bool {
    table.rows().filter_map(|row| row.field(column)).any(|field| sides.contains(&side(field.text()).as_str()))
}

/// What of the name of a side counts: all but its case and what is between words.
fn side(text: &str) -> String {
    let is_between = |character: &char| character.is_whitespace() || ['_', '-'].contains(character);
    text.chars().filter(|character| !is_between(character)).flat_map(char::to_lowercase).collect()
}

/// Refuses contracts whose value is not linear in the price: those that are settled in what they are about, which
/// venues call `BTC/USD:BTC`.
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

/// The amount with the sign of its side. What is found is not repeated: it may be an amount in the wrong place.
fn on_side(name: &str, amount: Number) -> Result<Number, Problem> {
    match side(name).as_str() {
        long if LONG.contains(&long) && !amount.is_negative() => Ok(amount),
        long if LONG.contains(&long) => {
            Err(Problem::new(SIDE.name, "short, or an amount that is not negative", "long and a negative amount"))
        }
        short if SHORT.contains(&short) && amount.is_negative() => Ok(amount),
        short if SHORT.contains(&short) => Ok(amount.negated()),
        // Nothing is held or owed.
        neither if NEITHER.contains(&neither) && amount.is_zero() => Ok(amount),
        // One-way positions of venues that know two ways: the sign says it.
        "both" | "net" => Ok(amount),
        _ => Err(Problem::new(SIDE.name, "long or short", "something else")),
    }
}

/// Reads holdings over a universe from TOML, JSON or a table, as [`read`] does, without its notes.
///
/// # Errors
/// With every mistake that was found. Errors do not show amounts.
pub fn holdings(file: &str, text: &str, universe: &Universe) -> Result<Holdings, InputErrors> {
    read(file, text, universe, &Reading::default(), &mut Vec::new()).map(|book| book.holdings)
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

    /// Refuses members of JSON that are called like an instrument and do not say how much of it there is.
    fn refuse_beside(&self, table: &Table<'_>, dialect: &Dialect, mistakes: &mut Mistakes) {
        for name in table.beside() {
            if let Ok(instrument) = self.named(dialect.meaning(name.text())) {
                let expected = format!("an object that says how much there is of {}", instrument.name);
                mistakes.add(name.offset(), Problem::new("", expected, "something else"));
            }
        }
    }

    /// The instrument of a name, whose case need not be right if only one is like it.
    fn named(&self, name: &str) -> Result<&'u Instrument, Problem> {
        let exact = self.exact.get(name).copied();
        let folded = || self.folded.get(&name.to_ascii_lowercase()).copied().flatten();
        exact.or_else(folded).ok_or_else(|| self.universe.unknown(name))
    }
}
