//! Price history: what a table with a row for each day says.
//!
//! A column says the day, the others are prices. Tables of one thing that was traded, with its opening, highest and
//! other prices, count by their closing prices; otherwise every column is the price of something, unless a
//! [`Selection`] says which are and what they are called. Rows may come in any order. How many days may be missing in
//! between is for a [calibration](crate::calibration::Calibration) to say.
//!
//! A [`History`] has every price of every day that it has. [`Quotes`] have what the table has: columns that begin late,
//! end early or miss days, and leaps.

use std::collections::BTreeSet;

use surety_core::{
    day::{Day, Order, Written},
    ident::Name,
    problem::Problem,
    text::{
        InputErrors, MAX_MISTAKES,
        number::{Number, NumberError, Rounding},
        table::{Column as Heading, Dialect, Field, Mistakes, Note, Table},
    },
};

use crate::{liquidity::table::LiquidityTable, moves::Move};

/// Daily prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    days: Vec<Day>,
    columns: Vec<Column>,
    liquidity: Option<LiquidityTable>,
}

/// The prices of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the history calls it.
    pub name: Name,
    /// Its price on each day, times `10^8`, or a higher power of ten where the lowest price would have fewer than
    /// seven digits.
    pub prices: Vec<u64>,
    /// Its move to the price of each day but the first: one less than there are prices.
    pub moves: Vec<Move>,
}

/// Daily prices, of which some are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotes {
    days: Vec<Day>,
    columns: Vec<QuotedColumn>,
}

/// The prices of one thing, where there are any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedColumn {
    /// What the history calls it.
    pub name: Name,
    /// Its price on each day, in the units of [`Column::prices`]; none where the table has none.
    pub prices: Vec<Option<u64>>,
}

impl Quotes {
    /// Reads a table, as [`History::read`] does, except that a day counts if it has the price of one column, and that
    /// prices may leap. Adds to the notes what was ignored, what was rounded, and how often prices leapt.
    ///
    /// # Errors
    /// As [`History::read`], but for leaps.
    pub fn read(file: &str, text: &str, selection: &Selection, notes: &mut Vec<Note>) -> Result<Self, InputErrors> {
        read_table(file, text, selection, Rows::WithAnyPrice, notes)
    }

    /// The days, in order.
    #[must_use]
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// All columns.
    #[must_use]
    pub fn columns(&self) -> &[QuotedColumn] {
        &self.columns
    }
}

/// Which rows of a table count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    /// Those with the price of every column.
    WithAllPrices,
    /// Those with the price of a column. Prices may leap.
    WithAnyPrice,
}

/// What its user says of a history that the table does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The columns with prices; those that the table suggests if there are none.
    pub columns: Vec<Chosen>,
    /// Delimiter and names.
    pub dialect: Dialect,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What the history calls it; what the table does if none.
    pub name: Option<Name>,
    /// What the table calls it.
    pub column: String,
}

impl core::str::FromStr for Chosen {
    type Err = String;

    /// Reads `column` or `name=column`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, column) = match text.split_once('=') {
            Some((name, column)) => (Some(Name::new(name.trim())?), column),
            None => (None, text),
        };
        Ok(Self { name, column: column.trim().to_owned() })
    }
}

/// Longest name of a column, so that scenarios can be named after two of them.
const MAX_NAME: usize = 20;

/// Decimal places that prices have at least.
const PLACES: u8 = 8;

/// The lowest price of a column has at least so many digits, as long as the highest one fits.
const DIGITS: u64 = 1_000_000;

/// Most decimal places.
const MAX_PLACES: u8 = 30;

/// A price may be at most this many times the one before, or that many times less.
const MAX_RATIO: u64 = 10;

/// What the column of days is called.
pub(crate) const DAY: Heading = Heading {
    name: "date",
    aliases: &[
        "day",
        "timestamp",
        "datetime",
        "date time",
        "date utc",
        "time",
        "time utc",
        "open time",
        "time open",
        "unix",
        "unix time",
        "epoch",
        "snapped at",
        "observation date",
        "close time",
        "time close",
        "ts",
        "t",
    ],
};

/// The price that counts of those that something had in a day.
const CLOSE: Heading = Heading { name: "close", aliases: &["close last", "last", "price"] };

/// Columns that a table has if its closing prices are those of one thing.
const BESIDE_CLOSE: [&str; 12] = [
    "open",
    "high",
    "low",
    "volume",
    "volume $",
    "total volume",
    "market cap",
    "market cap $",
    "adj close",
    "change",
    "change %",
    "vol",
];

/// What fields say where nothing is known.
const ABSENT: [&str; 9] = ["", "null", "nan", "na", "n/a", "none", ".", "-", "#n/a"];

impl History {
    /// Reads a table. `file` is what errors call it. Adds to the notes what was ignored and what was rounded.
    ///
    /// # Errors
    /// With the mistakes and their places: a table that is malformed or lacks a column, what is no day or no positive
    /// number, a day that is there twice, a price more than ten times off the one before.
    pub fn read(file: &str, text: &str, selection: &Selection, notes: &mut Vec<Note>) -> Result<Self, InputErrors> {
        let Quotes { days, columns } = read_table(file, text, selection, Rows::WithAllPrices, notes)?;
        let column = |QuotedColumn { name, prices }| {
            // No row lacks a price.
            let prices: Vec<u64> = prices.into_iter().flatten().collect();
            let moves = prices.windows(2).map(|pair| Move::between(pair[0], pair[1])).collect();
            Column { name, prices, moves }
        };
        Ok(Self { days, columns: columns.into_iter().map(column).collect(), liquidity: None })
    }

    /// The same history with what is known of depths and bid-ask spreads.
    #[must_use]
    pub fn with_liquidity(self, table: LiquidityTable) -> Self {
        Self { liquidity: Some(table), ..self }
    }

    /// What is known of depths and bid-ask spreads; none if there is no such table.
    #[must_use]
    pub fn liquidity(&self) -> Option<&LiquidityTable> {
        self.liquidity.as_ref()
    }

    /// The days, in order.
    #[must_use]
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// How many moves each column has.
    #[must_use]
    pub fn moves(&self) -> usize {
        self.days.len().saturating_sub(1)
    }

    /// All columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of a name.
    #[must_use]
    pub fn column(&self, name: &Name) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// The two days that lie furthest apart without one in between; none if there are fewer than two days.
    #[must_use]
    pub fn widest_gap(&self) -> Option<(Day, Day)> {
        let pairs = self.days.windows(2).map(|pair| (pair[0], pair[1]));
        // The first of several.
        pairs.rev().max_by_key(|(before, after)| after.number() - before.number())
    }
}

fn read_table(
    file: &str,
    text: &str,
    selection: &Selection,
    rows: Rows,
    notes: &mut Vec<Note>,
) -> Result<Quotes, InputErrors> {
    let mut mistakes = Mistakes::default();
    let table = Table::read(text, &selection.dialect, &mut mistakes, notes);
    let mut reader =
        Reader { table: &table, dialect: &selection.dialect, wanted: rows, mistakes: &mut mistakes, notes };
    let quotes = reader.quotes(selection, text.len());
    mistakes.refuse(file, text)?;
    Ok(quotes)
}

/// A row that counts.
struct Quoted<'r, 't> {
    day: Day,
    day_offset: usize,
    prices: Vec<Option<(Number, &'r Field<'t>)>>,
}

struct Reader<'r, 't> {
    table: &'r Table<'t>,
    dialect: &'r Dialect,
    wanted: Rows,
    mistakes: &'r mut Mistakes,
    notes: &'r mut Vec<Note>,
}

impl<'r, 't> Reader<'r, 't> {
    fn quotes(&mut self, selection: &Selection, end: usize) -> Quotes {
        let mut quotes = Quotes { days: Vec::new(), columns: Vec::new() };
        let Some(day) = self.day_column() else { return quotes };
        let chosen = if selection.columns.is_empty() { self.suggested(day) } else { self.chosen(&selection.columns) };
        let places: Vec<_> = chosen.iter().map(|(_, place)| *place).collect();
        self.notes.extend(self.table.others(&[&[day], &*places].concat()));
        if chosen.is_empty() {
            return quotes;
        }
        let mut rows = self.rows(day, &chosen);
        rows.sort_by_key(|row| row.day);
        let repeated = rows.windows(2).filter(|pair| pair[0].day == pair[1].day);
        for pair in repeated.take(MAX_MISTAKES + 1) {
            let offset = pair[0].day_offset.max(pair[1].day_offset);
            let problem = Problem::new(DAY.name, "each day once", format!("{} again", pair[0].day));
            self.mistakes.add(offset, problem.advise("keep one row of each day"));
        }
        if rows.len() < 2 && self.mistakes.is_empty() {
            self.mistakes.add(end, Problem::new("", "two or more days", rows.len().to_string()));
        }
        quotes.days = rows.iter().map(|row| row.day).collect();
        let (mut rounded, mut leaps) = (BTreeSet::new(), BTreeSet::new());
        for (place, (name, _)) in chosen.into_iter().enumerate() {
            let prices = self.prices(&name, &rows, place, &mut rounded, &mut leaps);
            quotes.columns.push(QuotedColumn { name, prices });
        }
        let what = format!("prices more than {MAX_RATIO} times off the one before taken as they are");
        self.notes.extend(Note::of_rows(what, leaps.len()));
        let what =
            format!("prices with more than {PLACES} decimal places rounded to the nearest, from halfway to even");
        self.notes.extend(Note::of_rows(what, rounded.len()));
        quotes
    }

    /// The column of days: the one that is called so, or the first if there are days in it.
    fn day_column(&mut self) -> Option<usize> {
        let first = self.table.header().first()?;
        if Written::parse(first.text()).is_some() {
            let problem = Problem::new("", "a first line that names the columns", "a day in it");
            self.mistakes.add(first.offset(), problem);
            return None;
        }
        let named = self.table.find(DAY, self.dialect, self.mistakes);
        let has_days = || self.table.rows().next()?.field(0).and_then(|field| Written::parse(field.text()));
        let found = named.or_else(|| has_days().map(|_| 0));
        if found.is_none() {
            self.mistakes.add(first.offset(), self.table.missing(&[DAY.name]));
        }
        found
    }

    /// The columns that the user chose.
    fn chosen(&mut self, columns: &[Chosen]) -> Vec<(Name, usize)> {
        let mut chosen = Vec::new();
        for Chosen { name, column } in columns {
            let Some(place) = self.table.find_named(column, self.dialect, self.mistakes) else {
                let offset = self.table.header().first().map_or(0, Field::offset);
                self.mistakes.add(offset, self.table.missing(&[column]));
                continue;
            };
            chosen.push((name.clone(), place));
        }
        self.named(chosen)
    }

    /// The closing price, if the table is about one thing, or every column but the days.
    fn suggested(&mut self, day: usize) -> Vec<(Name, usize)> {
        let beside = BESIDE_CLOSE.iter().any(|name| self.table.find_named(name, self.dialect, self.mistakes).is_some());
        let close = if beside { self.table.find(CLOSE, self.dialect, self.mistakes) } else { None };
        let all = 0..self.table.header().len();
        let places: Vec<_> = close.map_or_else(|| all.filter(|place| *place != day).collect(), |close| vec![close]);
        if places.is_empty() {
            let offset = self.table.header().first().map_or(0, Field::offset);
            self.mistakes.add(offset, Problem::new("", "a column of prices beside the days", "none"));
        }
        self.named(places.into_iter().map(|place| (None, place)).collect())
    }

    /// The columns with their names, those that the user gave or those of the table.
    fn named(&mut self, columns: Vec<(Option<Name>, usize)>) -> Vec<(Name, usize)> {
        let (mut named, mut seen) = (Vec::new(), BTreeSet::new());
        for (given, place) in columns {
            let Some(heading) = self.table.header().get(place) else { continue };
            let text = self.dialect.meaning(heading.text());
            let name = given.or_else(|| Name::new(text).ok()).filter(|name| name.as_str().len() <= MAX_NAME);
            match name.filter(|name| seen.insert(name.clone())) {
                Some(name) => named.push((name, place)),
                None => {
                    let expected = format!("a name of its own, of at most {MAX_NAME} of a-z A-Z 0-9 . _ : / -");
                    let problem = Problem::new("", expected, format!("{text:?}"));
                    self.mistakes.add(heading.offset(), problem.advise("name the column with --column NAME=COLUMN"));
                }
            }
            if self.mistakes.are_enough() {
                break;
            }
        }
        named
    }

    fn rows(&mut self, day: usize, columns: &[(Name, usize)]) -> Vec<Quoted<'r, 't>> {
        let places: Vec<_> = columns.iter().map(|(_, place)| *place).collect();
        let (marks, order) = (self.table.marks(&places), order(self.table, day));
        let (mut rows, mut without) = (Vec::with_capacity(self.table.rows().len()), 0);
        for row in self.table.rows() {
            if self.mistakes.are_enough() {
                break;
            }
            let fields = places.iter().filter_map(|place| row.field(*place));
            let missing = fields.clone().filter(|field| is_absent(field)).count();
            let counts = match self.wanted {
                Rows::WithAllPrices => missing == 0,
                Rows::WithAnyPrice => missing < places.len(),
            };
            if !counts {
                without += 1;
                continue;
            }
            let Some(day_field) = row.field(day) else { continue };
            let day = self.mistakes.sift(day_field.offset(), day_of(day_field.text(), order));
            let mut prices = Vec::with_capacity(places.len());
            for ((name, _), field) in columns.iter().zip(fields) {
                if is_absent(field) {
                    prices.push(None);
                    continue;
                }
                let number = field.number(marks).map_err(|error| match error {
                    NumberError::Malformed => no_price(name, field),
                    NumberError::Ambiguous(_) => error.problem(name.as_str()),
                });
                let positive = number
                    .and_then(|number| if is_positive(&number) { Ok(number) } else { Err(no_price(name, field)) });
                prices.extend(self.mistakes.sift(field.offset(), positive).map(|number| Some((number, field))));
            }
            if let Some(day) = day
                && prices.len() == places.len()
            {
                rows.push(Quoted { day, day_offset: day_field.offset(), prices });
            }
        }
        self.notes.extend(Note::of_rows("days without a price passed over", without));
        rows
    }

    /// The prices of a column, as integers of as many places as the lowest of them needs.
    fn prices(
        &mut self,
        name: &Name,
        rows: &[Quoted<'_, '_>],
        place: usize,
        rounded: &mut BTreeSet<usize>,
        leaps: &mut BTreeSet<usize>,
    ) -> Vec<Option<u64>> {
        let quoted = rows.iter().enumerate().filter_map(|(i, row)| {
            let (number, field) = row.prices.get(place)?.as_ref()?;
            Some((i, number, *field))
        });
        let quoted: Vec<_> = quoted.collect();
        let mut prices = vec![None; rows.len()];
        let Some(scaled) = self.scaled(name, rows, &quoted) else { return prices };
        let mut last = None;
        for ((row, _, field), (price, exact)) in quoted.into_iter().zip(scaled) {
            if self.mistakes.are_enough() {
                break;
            }
            if !exact {
                rounded.insert(row);
            }
            let leaps_from = |last: u64| price.max(last).div_ceil(MAX_RATIO) > price.min(last);
            if price == 0 {
                self.mistakes.add(field.offset(), no_price(name, field));
            } else if last.is_some_and(leaps_from) {
                if self.wanted == Rows::WithAllPrices {
                    let expected = format!("at most {MAX_RATIO} times more or less than the price before");
                    self.mistakes.add(field.offset(), Problem::new(name.as_str(), expected, field.text()));
                } else {
                    leaps.insert(row);
                }
            }
            last = Some(price.max(1));
            prices[row] = last;
        }
        prices
    }

    /// Prices as integers, and whether each is exact; none if one is too large.
    fn scaled(
        &mut self,
        name: &Name,
        rows: &[Quoted<'_, '_>],
        quoted: &[(usize, &Number, &Field<'_>)],
    ) -> Option<Vec<(u64, bool)>> {
        let scaled = |number: &Number, places| {
            let scaled = number.scaled(places, Rounding::Nearest)?;
            Some((u64::try_from(scaled.integer).ok()?, scaled.exact))
        };
        let at = |places: u8| quoted.iter().map(|(_, number, _)| scaled(number, places)).collect::<Option<Vec<_>>>();
        let mut places = PLACES;
        let Some(mut prices) = at(places) else {
            for (row, number, field) in quoted {
                if scaled(number, PLACES).is_none() && !self.mistakes.are_enough() {
                    let expected = format!("a price of at most {}", u64::MAX / 10_u64.pow(PLACES.into()));
                    let found = format!("{:?} on {}", field.text(), rows[*row].day);
                    self.mistakes.add(field.offset(), Problem::new(name.as_str(), expected, found));
                }
            }
            return None;
        };
        while prices.iter().any(|(price, exact)| *price < DIGITS && !exact) && places < MAX_PLACES {
            let Some(finer) = at(places + 1) else { break };
            (prices, places) = (finer, places + 1);
        }
        Some(prices)
    }
}

fn is_positive(number: &Number) -> bool {
    !number.is_zero() && !number.is_negative()
}

fn no_price(name: &Name, field: &Field<'_>) -> Problem {
    Problem::new(name.as_str(), "a positive decimal number", format!("{:?}", field.text()))
}

/// Whether a field says that nothing is known.
pub(crate) fn is_absent(field: &Field<'_>) -> bool {
    ABSENT.iter().any(|absent| field.text().eq_ignore_ascii_case(absent))
}

/// What stands first in the dates of a column, if one of them shows it and none the contrary.
pub(crate) fn order(table: &Table<'_>, day: usize) -> Option<Order> {
    let days = table.rows().filter_map(|row| Written::parse(row.field(day)?.text()));
    let shown: Vec<_> = days.filter_map(Written::order).collect();
    shown.first().copied().filter(|order| shown.iter().all(|shown| shown == order))
}

pub(crate) fn day_of(text: &str, order: Option<Order>) -> Result<Day, Problem> {
    let found = || format!("{text:?}");
    let Some(written) = Written::parse(text) else {
        return Err(Problem::new(DAY.name, "a day like 2020-03-12, or seconds since 1970", found()));
    };
    written.day(order).ok_or_else(|| {
        let problem = Problem::new(DAY.name, "a day that can be read in one way", found());
        problem.advise("write it as 2020-03-12: nothing in the file shows whether the day or the month comes first")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "date,BTC-USD,ETH-USD\n2020-03-10,8000,200.5\n2020-03-11,7000.00000001,200\n";

    fn read(text: &str) -> Result<History, InputErrors> {
        History::read("h.csv", text, &Selection::default(), &mut Vec::new())
    }

    /// The history of some columns, and the notes.
    #[track_caller]
    fn select(text: &str, columns: &[&str]) -> (History, Vec<String>) {
        let columns = columns.iter().map(|column| column.parse().unwrap()).collect();
        let mut notes = Vec::new();
        let selection = Selection { columns, ..Selection::default() };
        let history = History::read("h.csv", text, &selection, &mut notes).unwrap_or_else(|error| panic!("{error}"));
        (history, notes.iter().map(ToString::to_string).collect())
    }

    fn days(history: &History) -> Vec<String> {
        history.days().iter().map(ToString::to_string).collect()
    }

    fn names(history: &History) -> Vec<&str> {
        history.columns().iter().map(|column| column.name.as_str()).collect()
    }

    #[track_caller]
    fn refused(from: &str, to: &str, message: &str) {
        assert!(GOOD.contains(from));
        let error = read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(error, message);
    }

    #[test]
    fn a_history_is_read() {
        let history = read(&GOOD.replace('\n', "\r\n")).unwrap();
        assert_eq!(history, read(GOOD).unwrap());
        assert_eq!(days(&history), ["2020-03-10", "2020-03-11"]);
        let [btc, eth] = history.columns() else { panic!("two columns") };
        assert_eq!(btc.prices, [800_000_000_000, 700_000_000_001]);
        assert_eq!(btc.moves[0].ppb(), -125_000_000);
        assert_eq!(eth.moves[0].ppb(), -2_493_766);
        assert_eq!(history.column(&Name::new("ETH-USD").unwrap()), Some(eth));
    }

    #[test]
    fn histories_of_every_shape_are_read() {
        let rows = |text: &str| text.replace('|', "\n");
        for (text, columns) in [
            ("Date,BTC|2020-03-10,8000|2020-03-11,7000|", &[][..]),
            ("time;BTC|2020-03-11;7.000,0|2020-03-10;8.000,0|", &[]),
            ("TIMESTAMP\tBTC|1583798400\t8000|1583884800\t7000|", &[]),
            (
                "Open time,Open,High,Low,Close,Volume|1583798400000,1,2,3,8e3,5|1583884800000,1,2,3,7e3,5|",
                &["BTC=close"],
            ),
            (
                "Date,Open,High,Low,Close,Adj Close,Volume|2020-03-10,1,1,1,1,8000,0|2020-03-11,1,1,1,1,7000,0|",
                &["BTC=Adj Close"],
            ),
            (
                "unix,date,symbol,close|1583884800,2020-03-11 00:00:00,BTC/USD,7000|1583798400,2020-03-10 \
                 00:00:00,BTC/USD,8000|",
                &["BTC=close"],
            ),
            (
                "snapped_at,price,market_cap,total_volume|2020-03-10 00:00:00 UTC,8000,1,2|2020-03-11 00:00:00 \
                 UTC,7000,1,|",
                &["BTC=price"],
            ),
            (",BTC|2020-03-10 00:00:00+00:00,8000|2020-03-11 00:00:00+00:00,7000|", &[]),
            ("DATE,BTC|2020-03-09,.|2020-03-10,8000|2020-03-11,7000|", &[]),
            (
                "\"Date\",\"Price\",\"Vol.\"|\"Mar 11, 2020\",\"7,000.0\",\"1K\"|\"Mar 10, 2020\",\"8,000.0\",\"2K\"|",
                &["BTC=price"],
            ),
            ("Report|Day,BTC|10/03/2020,8000|11/03/2020,7000|13/03/2020,null|", &[]),
        ] {
            let (history, _) = select(&rows(text), columns);
            assert_eq!(days(&history), ["2020-03-10", "2020-03-11"], "{text}");
            assert_eq!(names(&history), ["BTC"], "{text}");
            assert_eq!(history.columns()[0].moves[0].ppb(), -125_000_000, "{text}");
        }
    }

    #[test]
    fn one_thing_counts_by_its_closing_price_and_the_rest_is_named() {
        let text = "Date,Open,High,Low,Close,Adj Close,Volume\n2014-09-17,1,1,1,457.3340148925781,1,21056800\n\
                    2014-09-18,1,1,1,424.44000244140625,1,34483200\n2014-09-19,null,null,null,null,null,null\n";
        let (history, notes) = select(text, &[]);
        assert_eq!(names(&history), ["Close"]);
        let signs = "Date,Price,Change %\n2020-03-10,8000,1.5%\n2020-03-11,7000,-2%\n";
        assert_eq!(names(&select(signs, &[]).0), ["Price"]);
        assert_eq!(history.columns()[0].prices, [45_733_401_489, 42_444_000_244]);
        assert_eq!(
            notes,
            [
                "columns ignored: Open, High, Low, Adj Close, Volume",
                "days without a price passed over (1 row)",
                "prices with more than 8 decimal places rounded to the nearest, from halfway to even (2 rows)"
            ]
        );
    }

    #[test]
    fn columns_are_chosen_and_named() {
        let (history, notes) = select(GOOD, &["eth=eth-usd", "BTC-USD"]);
        assert_eq!(names(&history), ["eth", "BTC-USD"]);
        assert_eq!(notes, [""; 0]);
        let (history, notes) = select(GOOD, &["ETH-USD"]);
        assert_eq!((names(&history), notes), (vec!["ETH-USD"], vec!["columns ignored: BTC-USD".to_owned()]));
    }

    #[test]
    fn prices_of_the_cheapest_things_keep_their_digits() {
        let (history, notes) = select("date,A\n2020-01-01,0.00000081512345\n2020-01-02,0.0000009\n", &[]);
        assert_eq!(history.columns()[0].prices, [8_151_234, 9_000_000]);
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn the_widest_gap_is_found() {
        let text = "date,A\n2020-01-01,1\n2020-01-02,1\n2020-01-05,1\n2020-01-08,1\n";
        let gap = read(text).unwrap().widest_gap().unwrap();
        assert_eq!((gap.0.to_string(), gap.1.to_string()), ("2020-01-02".into(), "2020-01-05".into()));
    }

    #[test]
    fn rejects_malformed_headers() {
        let name = "expected a name of its own, of at most 20 of a-z A-Z 0-9 . _ : / -, found";
        let advice = "name the column with --column NAME=COLUMN";
        refused("ETH-USD", "Close (USD)", &format!("h.csv:1:14: {name} \"Close (USD)\"; {advice}"));
        refused("ETH-USD", "BTC-USD", &format!("h.csv:1:14: {name} \"BTC-USD\"; {advice}"));
        let error = |text: &str| read(text).unwrap_err().to_string();
        assert!(error("").contains("a header and rows under it"));
        assert!(error("date,A\n").contains("at least one row"));
        assert!(error("date\n2020-01-01\n2020-01-02\n").contains("a column of prices beside the days"));
        assert!(error("date,ABCDEFGHIJKLMNOPQRSTU\n2020-01-01,1\n").contains(name));
        assert!(error("A,B\n1,2\n").contains("expected a column date, found the columns A, B"));
        let headless = "2020-01-01,5\n2020-01-02,5\n2020-01-03,5\n";
        assert!(error(headless).contains("expected a first line that names the columns, found a day in it"));
        let selection = Selection { columns: vec!["clsoe".parse().unwrap()], ..Selection::default() };
        let error = History::read("h.csv", "date,close\n2020-01-01,1\n", &selection, &mut Vec::new()).unwrap_err();
        assert!(
            error.to_string().contains("expected a column clsoe, found the columns date, close; did you mean close")
        );
    }

    #[test]
    fn rejects_lines_of_another_length() {
        refused("8000,200.5", "8000", "h.csv:2:1: expected 3 fields, as in the header, found 2");
        let advice = "put quotes around fields that have a comma in them";
        refused(
            "8000,200.5",
            "8000,200.5,1",
            &format!("h.csv:2:1: expected 3 fields, as in the header, found 4; {advice}"),
        );
        refused("2020-03-10,8000,200.5\n", "", "h.csv:3:1: expected two or more days, found 1");
    }

    #[test]
    fn rejects_long_and_hostile_files_quickly() {
        for text in [
            "x\n".repeat(1_000_000),
            format!("date,A\n{}", "2020-01-01,1\n".repeat(1_000_000)),
            format!("date{}\n2020-01-01{}\n", ",A".repeat(1_000_000), ",1".repeat(1_000_000)),
            format!("date,A\n2020-01-01,{}\n2020-01-02,1\n", "9".repeat(1_000_000)),
            format!("date,A\n2020-01-01,1\n2020-01-02,0.{}1\n", "0".repeat(1_000_000)),
            format!("date,A\n{}", "03/04/2020,1\n".repeat(1_000_000)),
            "date,A\n2020-01-01,1".to_owned(),
            "date,A\n,\n,\n".to_owned(),
            "date,\n2020-01-01,\n".to_owned(),
            "date,é\n2020-01-01,1\n2020-01-02,1\n".to_owned(),
            "date,A\n2020-01-0é,é\n\0".to_owned(),
            ",,,\r\r\n\n".to_owned(),
        ] {
            let error = read(&text).unwrap_err();
            assert!(error.errors().len() <= MAX_MISTAKES + 1);
            assert!(error.to_string().len() < 100_000);
        }
    }

    #[test]
    fn rejects_days_that_are_there_twice_or_are_none() {
        let advice = "keep one row of each day";
        refused(
            "2020-03-11",
            "2020-03-10 12:00",
            &format!("h.csv:3:1: date: expected each day once, found 2020-03-10 again; {advice}"),
        );
        refused(
            "2020-03-11",
            "today",
            "h.csv:3:1: date: expected a day like 2020-03-12, or seconds since 1970, found \"today\"",
        );
        let error = read("date,A\n03/04/2020,1\n03/05/2020,1\n").unwrap_err().to_string();
        assert!(
            error.starts_with("h.csv:2:1: date: expected a day that can be read in one way, found \"03/04/2020\""),
            "{error}"
        );
        assert!(read("date,A\n13/04/2020,1\n04/13/2020,1\n03/04/2020,1\n").is_err());
    }

    #[test]
    fn rejects_prices_that_are_not_positive_numbers() {
        for text in ["0", "0.00", "-1", "1.2.3", "x", "8000 USD"] {
            let message = format!("h.csv:2:17: ETH-USD: expected a positive decimal number, found {text:?}");
            refused("200.5", text, &message);
        }
        refused(
            "200.5",
            "184467440738",
            "h.csv:2:17: ETH-USD: expected a price of at most 184467440737, found \"184467440738\" on 2020-03-10",
        );
        let tiny = read(&GOOD.replacen("200.5", "1e-40", 1)).unwrap_err().to_string();
        assert!(tiny.starts_with("h.csv:2:17: ETH-USD: expected a positive decimal number"), "{tiny}");
        let ambiguous = read(&GOOD.replacen("200.5", "\"1,234\"", 1)).unwrap_err().to_string();
        assert!(ambiguous.contains("expected a number that can be read in one way"), "{ambiguous}");
    }

    #[test]
    fn rejects_leaps_of_more_than_ten_times() {
        let expected = "ETH-USD: expected at most 10 times more or less than the price before, found";
        refused(",200\n", ",2005.1\n", &format!("h.csv:3:26: {expected} 2005.1"));
        refused(",200\n", ",20.04\n", &format!("h.csv:3:26: {expected} 20.04"));
    }

    #[test]
    fn quotes_have_what_the_table_has() {
        let text =
            "date,A,B\n2020-03-10,,\n2020-03-11,1,\n2020-03-12,20,5\n2020-03-13,n/a,5\n2020-03-14,2,\n2020-03-15,2,5\n";
        let mut notes = Vec::new();
        let quotes = Quotes::read("h.csv", text, &Selection::default(), &mut notes).unwrap();
        let prices = |i: usize| quotes.columns()[i].prices.iter().map(|price| price.map(|price| price / 100_000_000));
        assert_eq!(prices(0).collect::<Vec<_>>(), [Some(1), Some(20), None, Some(2), Some(2)]);
        assert_eq!(prices(1).collect::<Vec<_>>(), [None, Some(5), Some(5), None, Some(5)]);
        assert_eq!(quotes.days()[0].to_string(), "2020-03-11");
        let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            [
                "days without a price passed over (1 row)",
                "prices more than 10 times off the one before taken as they are (1 row)"
            ]
        );
        let (history, _) = select(text.replace("20,", "10,").as_str(), &[]);
        assert_eq!(days(&history), ["2020-03-12", "2020-03-15"], "a history has the days with all prices");
    }

    proptest! {
        /// Whatever the text: an answer, and one price a day in each column if it is a history.
        #[test]
        fn any_text_is_read_or_refused(
            text in "(date[,;]A([,;]B)?\r?\n)?((2020-0[1-9]-[0-2][0-9][,;])?[0-9é,;.\"\r\n-]{0,24}\n){0,4}",
        ) {
            if let Ok(history) = read(&text) {
                for column in history.columns() {
                    prop_assert_eq!(column.prices.len(), history.days().len());
                    prop_assert_eq!(column.moves.len(), history.moves());
                }
            }
        }

        /// Neither the order of rows nor the way to write days and prices changes a history.
        #[test]
        fn the_way_of_writing_does_not_change_a_history(cents in prop::collection::vec(50_000_u64..500_000, 2..20)) {
            let first = Day::parse("2020-02-20").unwrap().number();
            let day = |i: usize| Day::numbered(first + u32::try_from(i).unwrap()).unwrap();
            let plain = |(i, cents): (usize, &u64)| format!("{},{}.{:02}\n", day(i), cents / 100, cents % 100);
            let rows: Vec<_> = cents.iter().enumerate().map(plain).collect();
            let plain = read(&format!("date,A\n{}", rows.concat())).unwrap();
            let seconds = |i: usize| u64::from(day(i).number() - 719_162) * 86_400 + 3_600;
            let other = |(i, cents): (usize, &u64)| {
                format!("{};\"{}\";{},{:02}\r\n", seconds(i), i, cents / 100, cents % 100)
            };
            let rows: Vec<_> = cents.iter().enumerate().rev().map(other).collect();
            let text = format!("\u{feff}Time;x;A\r\n{}", rows.concat());
            prop_assert_eq!(select(&text, &["A"]).0, plain);
        }
    }
}
