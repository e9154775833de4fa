//! Observations of market entries, from a table of prices.

use std::collections::BTreeMap;

use surety_core::{
    ident::Name,
    problem::Problem,
    spelling::whole_duration,
    text::{
        InputErrors,
        number::{Marks, Number, NumberError, Rounding},
        table::{Column, Dialect, Field, Mistakes, Note, Row, Table},
    },
    units::{Price, Seconds},
};
use surety_margin::{
    market::{MarketEntry, Observation, Observed},
    policy::Policy,
};

/// The market entry.
const ENTRY: Column = Column { name: "entry", aliases: &["symbol", "instrument", "pair", "market", "name", "feed"] };

/// What it was worth.
const PRICE: Column = Column { name: "price", aliases: &["value", "mark price", "mark", "last", "close"] };

/// Half the width of its confidence interval.
const CONFIDENCE: Column = Column { name: "confidence", aliases: &["conf", "confidence interval", "half width"] };

/// How many seconds before the report it was observed.
const AGE: Column = Column { name: "age", aliases: &["age seconds", "age sec", "age s", "seconds"] };

/// What names of columns have in them that say when something was observed, which nobody reads.
const TIMES: [&str; 6] = ["time", "stamp", "date", "observed", "epoch", "unix"];

/// Reads what a node observed from a table with the columns `entry`, `price`, `confidence`, and perhaps `age` in
/// seconds, in any order, and returns what it has to say about each market entry of a policy, in its order. An entry
/// that the node does not follow has a row too, whose other fields are empty. Entries that the policy does not have are
/// ignored.
///
/// A number with a decimal mark is in quote units and is scaled by the entry's decimals: prices to the nearest,
/// confidences up. A whole number is in quote units, or scaled already (`99990000` with 8 decimals is `0.9999`),
/// whichever lies in the entry's box; it is refused if both do. A price and its confidence are read alike.
///
/// # Errors
/// With every mistake that was found, such as a market entry that is missing.
pub fn read_observations(
    file: &str,
    text: &str,
    policy: &Policy,
    dialect: &Dialect,
    notes: &mut Vec<Note>,
) -> Result<Vec<Observed>, InputErrors> {
    let mut mistakes = Mistakes::default();
    let table = Table::read(text, dialect, &mut mistakes, notes);
    let columns = [ENTRY, PRICE, CONFIDENCE].map(|column| table.require(column, dialect, &mut mistakes));
    let age = table.find(AGE, dialect, &mut mistakes);
    notes.extend(table.others(&columns.into_iter().chain([age]).flatten().collect::<Vec<_>>()));
    refuse_ages(&table, age, dialect, &mut mistakes);
    let mut observed = Vec::new();
    if let [Some(entry), Some(price), Some(confidence)] = columns {
        let quotes = Quotes { table: &table, price, confidence, age, marks: table.marks(&[price, confidence]) };
        let rows = quotes.by_entry(entry, policy, dialect, &mut mistakes);
        let mut rounded = 0;
        for entry in &policy.market {
            match rows.get(&entry.name) {
                None => mistakes.add(0, Problem::new("", format!("a line for {}", entry.name), "none")),
                Some(row) => observed.extend(quotes.observed(entry, *row, &mut mistakes, &mut rounded)),
            }
        }
        let what = "prices with more decimal places than their entries, rounded to the nearest";
        notes.extend(Note::of_rows(what, rounded));
    }
    mistakes.refuse(file, text)?;
    Ok(observed)
}

/// Refuses columns that say how old something is and are not the one that is read: without them it would be new.
fn refuse_ages(table: &Table<'_>, read: Option<usize>, dialect: &Dialect, mistakes: &mut Mistakes) {
    for column in (0..table.header().len()).filter(|column| Some(*column) != read) {
        let key = table.key(column, dialect);
        let is_time = key == "ts" || key == "asof" || TIMES.iter().any(|name| key.contains(name));
        let is_age = key.starts_with("age") && !key.starts_with("agen");
        let says = || table.rows().any(|row| row.field(column).is_some_and(|field| !field.is_empty()));
        if (is_age || is_time && read.is_none()) && says() {
            let found = format!("a column {}", table.shown(column));
            let problem = Problem::new("", "how old each observation is in a column age, in seconds", found);
            let advice = "state ages so, or leave the column out if each was observed at the time of the report";
            mistakes.add(table.header()[column].offset(), problem.advise(advice));
        }
    }
}

/// A table of what was observed.
struct Quotes<'a> {
    table: &'a Table<'a>,
    price: usize,
    confidence: usize,
    age: Option<usize>,
    marks: Marks,
}

/// What a whole number counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Quote units.
    Units,
    /// The smallest price that the entry's decimals can tell.
    Steps,
}

impl<'a> Quotes<'a> {
    /// The row of each market entry of the policy.
    fn by_entry<'p>(
        &self,
        column: usize,
        policy: &'p Policy,
        dialect: &Dialect,
        mistakes: &mut Mistakes,
    ) -> BTreeMap<&'p Name, Row<'a, 'a>> {
        let entries: BTreeMap<&str, &Name> = policy.market.iter().map(|it| (it.name.as_str(), &it.name)).collect();
        let mut rows = BTreeMap::new();
        for row in self.table.rows() {
            let Some(field) = row.field(column) else { continue };
            let Some(entry) = entries.get(dialect.meaning(field.text())) else { continue };
            if rows.insert(*entry, row).is_some() {
                let problem = Problem::new("entry", "each market entry once", format!("{entry} again"));
                mistakes.add(field.offset(), problem);
            }
        }
        rows
    }

    /// What a row says about an entry. None if it is malformed, which is a mistake.
    fn observed(
        &self,
        entry: &MarketEntry,
        row: Row<'_, '_>,
        mistakes: &mut Mistakes,
        rounded: &mut usize,
    ) -> Option<Observed> {
        let (price, confidence) = (row.field(self.price)?, row.field(self.confidence)?);
        let age = self.age.and_then(|age| row.field(age)).filter(|age| !age.is_empty());
        if price.is_empty() && confidence.is_empty() && age.is_none() {
            return Some(Observed::Absent);
        }
        if price.is_empty() || confidence.is_empty() {
            let expected = "a price and its confidence, or empty fields for an entry that is not followed";
            mistakes.add(row.offset(), Problem::new(entry.name.as_str(), expected, "only some of them"));
            return None;
        }
        let counted = mistakes.sift(price.offset(), self.counted(entry, price, confidence))?;
        let steps = |field: &Field<'_>, rounding| self.steps(entry, field, counted, rounding);
        let scaled = mistakes.sift(price.offset(), steps(price, Rounding::Nearest));
        let widest = mistakes.sift(confidence.offset(), steps(confidence, Rounding::Ceiling));
        let age = age.map_or(Some(Seconds(0)), |age| mistakes.sift(age.offset(), seconds(entry, age, self.marks)));
        let ((price, exact), (confidence, _)) = (scaled?, widest?);
        *rounded += usize::from(!exact);
        Some(Observed::Price(Observation { price, confidence, age: age? }))
    }

    /// What the numbers of a row count. What fits the box in neither way counts steps, and the box is told.
    fn counted(&self, entry: &MarketEntry, price: &Field<'_>, confidence: &Field<'_>) -> Result<Counted, Problem> {
        if !is_whole(price) || !is_whole(confidence) {
            return Ok(Counted::Units);
        }
        if entry.decimals.get() == 0 {
            return Ok(Counted::Steps);
        }
        let fits = |counted| {
            let steps = self.steps(entry, price, counted, Rounding::Nearest);
            steps.is_ok_and(|(price, _)| (entry.min..=entry.max).contains(&price))
        };
        match (fits(Counted::Units), fits(Counted::Steps)) {
            (true, true) => {
                let expected =
                    "a price that lies in the entry's box in one reading, of quote units or of smallest steps";
                let problem = Problem::new(entry.name.as_str(), expected, price.text());
                let [units, steps] = with_mark(price.text(), entry.decimals.get());
                Err(problem.advise(format!("write the decimal mark: {units} or {steps}")))
            }
            (true, false) => Ok(Counted::Units),
            (false, _) => Ok(Counted::Steps),
        }
    }

    /// A number as a price of the entry, and whether it is exact.
    fn steps(
        &self,
        entry: &MarketEntry,
        field: &Field<'_>,
        counted: Counted,
        rounding: Rounding,
    ) -> Result<(Price, bool), Problem> {
        let path = entry.name.as_str();
        let found = |problem: Problem| Problem { found: format!("{:?}", field.text()), ..problem };
        let places = if counted == Counted::Units { entry.decimals.get() } else { 0 };
        let number = field.number(self.marks).map_err(|error| found(error.problem(path)))?;
        let scaled =
            number.scaled(places, rounding).ok_or_else(|| found(Problem::new(path, "a smaller number", "")))?;
        let integer = u128::try_from(scaled.integer);
        let integer = integer.map_err(|_| found(Problem::new(path, "a number that is not negative", "")))?;
        let price = Price::new(integer).map_err(|_| found(Problem::new(path, "a price of at most 2^96 - 1", "")))?;
        Ok((price, scaled.exact))
    }
}

/// Digits with a decimal mark, as quote units and as smallest steps.
fn with_mark(digits: &str, places: u8) -> [String; 2] {
    let places = usize::from(places);
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (units, fraction) = padded.split_at(padded.len() - places);
    [format!("{digits}.{}", "0".repeat(places)), format!("{units}.{fraction}")]
}

/// Whether a field is digits and nothing else.
fn is_whole(field: &Field<'_>) -> bool {
    field.text().bytes().all(|byte| byte.is_ascii_digit())
}

/// An age in whole seconds, rounded up: a price is rather older than newer.
fn seconds(entry: &MarketEntry, field: &Field<'_>, marks: Marks) -> Result<Seconds, Problem> {
    let path = entry.name.as_str();
    let expected = "a duration such as 5m, or a number of seconds";
    let of_number = |number: Number| {
        let scaled = number.scaled(0, Rounding::Ceiling).filter(|_| !number.is_negative())?;
        u64::try_from(scaled.integer).ok().map(Seconds)
    };
    let age = match field.number(marks) {
        Ok(number) => of_number(number),
        Err(NumberError::Malformed) => whole_duration(field.text()),
        Err(ambiguous) => return Err(ambiguous.problem(path)),
    };
    age.ok_or_else(|| Problem::new(path, expected, format!("{:?}", field.text())))
}
