//! A table of depths and spreads: what trades in a day, and how far bid and ask are apart.
//!
//! It has a row for each day and column, with the columns `date`, `column`, `depth` and `spread_ppm`, in any order. The
//! depth is the value that changed hands on the day, in the unit of the calibration's sizes. The spread is
//! `(ask − bid) / ½(ask + bid)` in whole parts per million, at its typical width on the day. An empty field is a value
//! that nobody knows.

use std::collections::BTreeMap;

use surety_core::{
    day::Day,
    ident::Name,
    problem::Problem,
    text::{
        InputErrors,
        number::{Marks, NumberError, Rounding},
        table::{Column, Dialect, Field, Mistakes, Note, Row, Table},
    },
    units::{Notional, Ppm},
};

use crate::history::{DAY, day_of, is_absent, order};

const COLUMN: Column = Column { name: "column", aliases: &["symbol", "instrument"] };
const DEPTH: Column = Column { name: "depth", aliases: &["turnover", "quote volume"] };
const SPREAD: Column = Column { name: "spread_ppm", aliases: &[] };

/// The widest spread: nobody bids anything.
const WIDEST: Ppm = Ppm(2 * Ppm::ONE.0);

/// Depths and spreads of columns, by days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiquidityTable(BTreeMap<Name, BTreeMap<Day, Observed>>);

/// What a market was like on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The value that changed hands, rounded down; none if nothing did, or if nobody knows.
    pub depth: Option<Notional>,
    /// The bid-ask spread as a share of the price in the middle; none if nobody knows.
    pub spread: Option<Ppm>,
}

impl LiquidityTable {
    /// Reads a table. `file` is what errors call it. Adds to the notes what was ignored.
    ///
    /// # Errors
    /// With the mistakes and their places: a table that is malformed or lacks a column, what is no day, no name or no
    /// number in its range, a day that a column has twice.
    pub fn read(file: &str, text: &str, dialect: &Dialect, notes: &mut Vec<Note>) -> Result<Self, InputErrors> {
        let mut mistakes = Mistakes::default();
        let table = Table::read(text, dialect, &mut mistakes, notes);
        let read = rows(&table, dialect, &mut mistakes, notes);
        mistakes.refuse(file, text)?;
        Ok(Self(read))
    }

    /// What a column was like on a day: nothing is known of days that the table does not have.
    #[must_use]
    pub fn on(&self, column: &Name, day: Day) -> Observed {
        self.0.get(column).and_then(|days| days.get(&day)).copied().unwrap_or_default()
    }
}

fn rows(
    table: &Table<'_>,
    dialect: &Dialect,
    mistakes: &mut Mistakes,
    notes: &mut Vec<Note>,
) -> BTreeMap<Name, BTreeMap<Day, Observed>> {
    let mut read = BTreeMap::<_, BTreeMap<_, _>>::new();
    let [day, column, depth, spread] =
        [DAY, COLUMN, DEPTH, SPREAD].map(|wanted| table.require(wanted, dialect, mistakes));
    let (Some(day), Some(column), Some(depth), Some(spread)) = (day, column, depth, spread) else { return read };
    notes.extend(table.others(&[day, column, depth, spread]));
    let (marks, order) = (table.marks(&[depth, spread]), order(table, day));
    for row in table.rows() {
        if mistakes.are_enough() {
            break;
        }
        let place = row.offset();
        let name = field(row, column, mistakes, |field| {
            Name::new(dialect.meaning(field.text())).map_err(|sentence| Problem::of_sentence(COLUMN.name, &sentence))
        });
        let day = field(row, day, mistakes, |field| day_of(field.text(), order));
        let depth = field(row, depth, mistakes, |field| depth_of(field, marks));
        let spread = field(row, spread, mistakes, |field| spread_of(field, marks));
        if let (Some(name), Some(day), Some(depth), Some(spread)) = (name, day, depth, spread) {
            let found = format!("{day} of {name} again");
            if read.entry(name).or_default().insert(day, Observed { depth, spread }).is_some() {
                mistakes.add(place, Problem::new(DAY.name, "each day of a column once", found));
            }
        }
    }
    read
}

fn field<'r, 't, T>(
    row: Row<'r, 't>,
    column: usize,
    mistakes: &mut Mistakes,
    read: impl FnOnce(&'r Field<'t>) -> Result<T, Problem>,
) -> Option<T> {
    let field = row.field(column)?;
    mistakes.sift(field.offset(), read(field))
}

/// Rounded down, and none if that leaves nothing.
fn depth_of(field: &Field<'_>, marks: Marks) -> Result<Option<Notional>, Problem> {
    if is_absent(field) {
        return Ok(None);
    }
    let found = || format!("{:?}", field.text());
    let expected = "a decimal number from 0 to 2^64 - 1, or an empty field";
    let number = field.number(marks).map_err(|error| match error {
        NumberError::Malformed => Problem::new(DEPTH.name, expected, found()),
        NumberError::Ambiguous(_) => error.problem(DEPTH.name),
    })?;
    let whole = number.scaled(0, Rounding::Floor).and_then(|scaled| u64::try_from(scaled.integer).ok());
    whole.map(|depth| Notional::new(depth).ok()).ok_or_else(|| Problem::new(DEPTH.name, expected, found()))
}

fn spread_of(field: &Field<'_>, marks: Marks) -> Result<Option<Ppm>, Problem> {
    if is_absent(field) {
        return Ok(None);
    }
    let refused = || {
        let expected = format!("a whole number of parts per million from 1 to {}, or an empty field", WIDEST.0);
        Problem::new(SPREAD.name, expected, format!("{:?}", field.text()))
    };
    let number = field.number(marks).map_err(|error| match error {
        NumberError::Malformed => refused(),
        NumberError::Ambiguous(_) => error.problem(SPREAD.name),
    })?;
    let whole = number.scaled(0, Rounding::Ceiling).filter(|scaled| scaled.exact);
    let spread = whole.and_then(|scaled| u32::try_from(scaled.integer).ok()).map(Ppm);
    spread.filter(|spread| (Ppm(1)..=WIDEST).contains(spread)).map(Some).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "date,column,depth,spread_ppm\n2020-03-10,BTC-USD,1500.9,250\n2020-03-11,BTC-USD,,300\n\
                        2020-03-11,ETH-USD,0.5,null\n";

    fn read(text: &str) -> Result<LiquidityTable, InputErrors> {
        LiquidityTable::read("l.csv", text, &Dialect::default(), &mut Vec::new())
    }

    fn on(table: &LiquidityTable, column: &str, day: &str) -> (Option<u64>, Option<u32>) {
        let Observed { depth, spread } = table.on(&Name::new(column).unwrap(), Day::parse(day).unwrap());
        (depth.map(Notional::get), spread.map(|Ppm(spread)| spread))
    }

    #[test]
    fn a_table_is_read_and_what_is_absent_is_not_known() {
        let table = read(GOOD).unwrap();
        assert_eq!(on(&table, "BTC-USD", "2020-03-10"), (Some(1_500), Some(250)));
        assert_eq!(on(&table, "BTC-USD", "2020-03-11"), (None, Some(300)));
        assert_eq!(on(&table, "ETH-USD", "2020-03-11"), (None, None));
        assert_eq!(on(&table, "ETH-USD", "2020-03-10"), (None, None));
        assert_eq!(on(&table, "SOL-USD", "2020-03-10"), (None, None));
    }

    #[test]
    fn another_way_of_writing_is_the_same_table() {
        let written = "Spread ppm;Turnover;Symbol;Day;Note\n300;;xbt;11.03.2020;\n250;1500,9;xbt;10.03.2020;a\n\
                       n/a;0,5;ETH-USD;11.03.2020;\n";
        let names = [("xbt".to_owned(), "BTC-USD".to_owned())].into();
        let (dialect, mut notes) = (Dialect { names, ..Dialect::default() }, Vec::new());
        assert_eq!(LiquidityTable::read("l.csv", written, &dialect, &mut notes).unwrap(), read(GOOD).unwrap());
        assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["columns ignored: Note"]);
    }

    #[test]
    fn rejects_tables_of_something_else() {
        let refused = |from: &str, to: &str, message: &str| {
            assert!(GOOD.contains(from), "{from}");
            let error = read(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        };
        refused("depth", "size", "l.csv:1:1: expected a column depth");
        refused("spread_ppm", "spread", "expected a column spread_ppm");
        refused("2020-03-10", "2020-13-10", "l.csv:2:1: date: expected a day like 2020-03-12");
        refused(
            "2020-03-10",
            "2020-03-11",
            "l.csv:3:1: date: expected each day of a column once, found 2020-03-11 of BTC",
        );
        refused("BTC-USD", "B C", "l.csv:2:12: column: expected");
        let depth = "depth: expected a decimal number from 0 to 2^64 - 1, or an empty field, found";
        for wrong in ["-1", "x", "18446744073709551616"] {
            refused("1500.9", wrong, depth);
        }
        let spread = "spread_ppm: expected a whole number of parts per million from 1 to 2000000, or an empty field";
        // A share instead of parts per million, and half of one.
        for wrong in ["0", "0.0005", "250.5", "-250", "2000001", "5 bp"] {
            refused("250", wrong, spread);
        }
    }
}
