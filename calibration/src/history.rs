//! Price history: what a CSV with a line for each day says.
//!
//! The header is `date` and the names of the columns; a line is a day and a price in each column. Days rise from line
//! to line. How many may be missing in between is for a [calibration](crate::calibration::Calibration) to say.

use std::{collections::BTreeSet, ops::Range};

use surety_margin::{
    ident::Name,
    problem::Problem,
    text::{InputErrors, MAX_MISTAKES},
};

use crate::{day::Day, moves::Move};

/// Daily prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    days: Vec<Day>,
    columns: Vec<Column>,
}

/// The prices of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the header calls it.
    pub name: Name,
    /// Its price on each day, times `10^8`.
    pub prices: Vec<u64>,
    /// Its move to the price of each day but the first: one less than there are prices.
    pub moves: Vec<Move>,
}

/// Longest name of a column, so that scenarios can be named after two of them.
const MAX_NAME: usize = 20;

/// Decimal places that prices may have.
const PLACES: usize = 8;

/// A price may be at most this many times the one before, or that many times less.
const MAX_RATIO: u64 = 10;

impl History {
    /// Reads CSV. `file` is what errors call it.
    ///
    /// # Errors
    /// With the mistakes, up to [`MAX_MISTAKES`], and their places: a malformed header, a line of another length, what is no day or no positive
    /// decimal number, a day that is not after the one before, a price more than ten times off the one before.
    pub fn read(file: &str, text: &str) -> Result<Self, InputErrors> {
        let mut reader = Reader { text, mistakes: Vec::new() };
        let history = reader.history();
        match InputErrors::found(file, text, reader.mistakes) {
            Some(errors) => Err(errors),
            None => Ok(history),
        }
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

/// A part of the text.
type Span = Range<usize>;

struct Reader<'t> {
    text: &'t str,
    mistakes: Vec<(usize, Problem)>,
}

impl Reader<'_> {
    fn history(&mut self) -> History {
        let mut lines = lines(self.text).into_iter();
        let header = lines.next().map(|line| fields(self.text, line)).unwrap_or_default();
        let mut history = History { days: Vec::new(), columns: self.header(&header) };
        if !self.mistakes.is_empty() {
            // Without a header nobody knows what the lines are.
            return history;
        }
        let mut rows = 0;
        for line in lines {
            rows += 1;
            self.line(&mut history, line);
            if self.mistakes.len() > MAX_MISTAKES {
                return history;
            }
        }
        if rows < 2 {
            self.refuse(self.text.len(), "", "two or more days", rows.to_string());
        }
        for column in &mut history.columns {
            column.moves = column.prices.windows(2).map(|pair| Move::between(pair[0], pair[1])).collect();
        }
        history
    }

    fn header(&mut self, fields: &[Span]) -> Vec<Column> {
        let (mut columns, mut names) = (Vec::new(), BTreeSet::new());
        let first = fields.first().cloned().unwrap_or(0..0);
        if &self.text[first.clone()] != "date" || fields.len() < 2 {
            let found = self.text.lines().next().unwrap_or_default().to_owned();
            self.refuse(first.start, "", "the header date,COLUMN,… with a column or more", found);
        }
        for field in fields.iter().skip(1) {
            let text = &self.text[field.clone()];
            let fresh = names.insert(text);
            match Name::new(text).ok().filter(|_| fresh && text.len() <= MAX_NAME) {
                Some(name) => columns.push(Column { name, prices: Vec::new(), moves: Vec::new() }),
                None => {
                    let expected = format!("a name of its own, of at most {MAX_NAME} of a-z A-Z 0-9 . _ : / -");
                    self.refuse(field.start, "", expected, format!("{text:?}"));
                }
            }
            if self.mistakes.len() > MAX_MISTAKES {
                break;
            }
        }
        columns
    }

    fn line(&mut self, history: &mut History, line: Span) {
        let fields = fields(self.text, line.clone());
        let width = history.columns.len() + 1;
        if fields.len() != width {
            return self.refuse(line.start, "", format!("{width} fields, as in the header"), fields.len().to_string());
        }
        let mut fields = fields.into_iter();
        if let Some(day) = fields.next().and_then(|field| self.day(field, history.days.last().copied())) {
            history.days.push(day);
        }
        for (column, field) in history.columns.iter_mut().zip(fields) {
            if let Some(price) = self.price(field, &column.name, column.prices.last().copied()) {
                column.prices.push(price);
            }
        }
    }

    fn day(&mut self, field: Span, last: Option<Day>) -> Option<Day> {
        let text = &self.text[field.clone()];
        let day = Day::parse(text);
        match (day, last) {
            (None, _) => self.refuse(field.start, "date", "a day as YYYY-MM-DD", format!("{text:?}")),
            (Some(day), Some(last)) if day <= last => {
                self.refuse(field.start, "date", format!("a day after {last}"), day.to_string());
            }
            _ => return day,
        }
        None
    }

    fn price(&mut self, field: Span, column: &Name, last: Option<u64>) -> Option<u64> {
        let text = &self.text[field.clone()];
        let price = parse_price(text);
        match (price, last) {
            (None, _) => {
                let expected = format!("a positive decimal number of at most {PLACES} places");
                self.refuse(field.start, column.as_str(), expected, format!("{text:?}"));
            }
            (Some(price), Some(last)) if price.max(last).div_ceil(MAX_RATIO) > price.min(last) => {
                let expected = format!("at most {MAX_RATIO} times more or less than the price before");
                self.refuse(field.start, column.as_str(), expected, text.to_owned());
            }
            _ => return price,
        }
        None
    }

    fn refuse(&mut self, offset: usize, path: &str, expected: impl Into<String>, found: String) {
        self.mistakes.push((offset, Problem::new(path, expected, found)));
    }
}

/// The lines of a text without their ends, which are `\n` or `\r\n`.
fn lines(text: &str) -> Vec<Span> {
    let mut start = 0;
    let line = |line: &str| {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let span = start..start + content.len();
        start += line.len();
        span
    };
    text.split_inclusive('\n').map(line).collect()
}

fn fields(text: &str, line: Span) -> Vec<Span> {
    let mut start = line.start;
    let field = |field: &str| {
        let span = start..start + field.len();
        start = span.end + 1;
        span
    };
    text[line].split(',').map(field).collect()
}

/// A positive decimal number times `10^8`.
fn parse_price(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let padded = whole == "0" || !whole.starts_with('0');
    if !digits(whole) || !digits(fraction) || !padded || fraction.len() > PLACES {
        return None;
    }
    let price: u64 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    (price > 0).then_some(price)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "date,BTC-USD,ETH-USD\n2020-03-10,8000,200.5\n2020-03-11,7000.00000001,0200\n";

    fn good() -> String {
        GOOD.replace("0200", "200")
    }

    #[track_caller]
    fn refused(from: &str, to: &str, message: &str) {
        let text = good();
        assert!(text.contains(from));
        let error = History::read("h.csv", &text.replacen(from, to, 1)).unwrap_err().to_string();
        assert_eq!(error, message);
    }

    #[test]
    fn a_history_is_read() {
        let history = History::read("h.csv", &good().replace('\n', "\r\n")).unwrap();
        assert_eq!(history, History::read("h.csv", &good()).unwrap());
        assert_eq!(history.days().iter().map(ToString::to_string).collect::<Vec<_>>(), ["2020-03-10", "2020-03-11"]);
        let [btc, eth] = history.columns() else { panic!("two columns") };
        assert_eq!(btc.prices, [800_000_000_000, 700_000_000_001]);
        assert_eq!(btc.moves[0].ppb(), -125_000_000);
        assert_eq!(eth.moves[0].ppb(), -2_493_766);
        assert_eq!(history.column(&Name::new("ETH-USD").unwrap()), Some(eth));
    }

    #[test]
    fn the_widest_gap_is_found() {
        let text = "date,A\n2020-01-01,1\n2020-01-02,1\n2020-01-05,1\n2020-01-08,1\n";
        let gap = History::read("h.csv", text).unwrap().widest_gap().unwrap();
        assert_eq!((gap.0.to_string(), gap.1.to_string()), ("2020-01-02".into(), "2020-01-05".into()));
    }

    #[test]
    fn rejects_malformed_headers() {
        refused(
            "date",
            "day",
            "h.csv:1:1: expected the header date,COLUMN,… with a column or more, found day,BTC-USD,ETH-USD",
        );
        let name = "expected a name of its own, of at most 20 of a-z A-Z 0-9 . _ : / -, found";
        refused("ETH-USD", "BTC-USD", &format!("h.csv:1:14: {name} \"BTC-USD\""));
        assert!(History::read("h.csv", "").is_err());
        assert!(History::read("h.csv", "date\n2020-01-01\n2020-01-02\n").is_err());
        assert!(History::read("h.csv", "date,ABCDEFGHIJKLMNOPQRSTU\n").is_err());
    }

    #[test]
    fn rejects_lines_of_another_length() {
        refused("8000,200.5", "8000", "h.csv:2:1: expected 3 fields, as in the header, found 2");
        refused("8000,200.5", "8000,200.5,", "h.csv:2:1: expected 3 fields, as in the header, found 4");
        refused("2020-03-10,8000,200.5\n", "", "h.csv:3:1: expected two or more days, found 1");
    }

    #[test]
    fn rejects_long_and_hostile_files_quickly() {
        for text in [
            "x\n".repeat(1_000_000),
            format!("date,A\n{}", "2020-01-01,1\n".repeat(1_000_000)),
            format!("date{}\n", ",A".repeat(1_000_000)),
            format!("date,A\n2020-01-01,{}\n", "9".repeat(1_000_000)),
            "date,A\n2020-01-01,1".to_owned(),
            "date,A\n,\n,\n".to_owned(),
            "date,\n2020-01-01,\n".to_owned(),
            "\u{feff}date,A\n".to_owned(),
            "date,é\n".to_owned(),
            "date,A\n2020-01-0é,é\n\0".to_owned(),
            ",,,\r\r\n\n".to_owned(),
        ] {
            let error = History::read("h.csv", &text).unwrap_err();
            assert!(error.errors().len() <= MAX_MISTAKES + 1);
            assert!(error.to_string().len() < 100_000);
        }
    }

    #[test]
    fn rejects_days_out_of_order() {
        refused("2020-03-11", "2020-03-10", "h.csv:3:1: date: expected a day after 2020-03-10, found 2020-03-10");
        refused("2020-03-11", "2020-03-09", "h.csv:3:1: date: expected a day after 2020-03-10, found 2020-03-09");
        refused("2020-03-11", "11.3.2020", "h.csv:3:1: date: expected a day as YYYY-MM-DD, found \"11.3.2020\"");
    }

    #[test]
    fn rejects_prices_that_are_not_positive_decimals() {
        let message = |text: &str| {
            format!("h.csv:2:17: ETH-USD: expected a positive decimal number of at most 8 places, found {text:?}")
        };
        for text in
            ["0", "0.00", "-1", "+1", "1e3", "", "1.", ".5", "01", "1.123456789", " 1", "1_000", "99999999999999"]
        {
            refused("200.5", text, &message(text));
        }
    }

    #[test]
    fn rejects_leaps_of_more_than_ten_times() {
        let expected = "ETH-USD: expected at most 10 times more or less than the price before, found";
        refused(",200\n", ",2005.1\n", &format!("h.csv:3:26: {expected} 2005.1"));
        refused(",200\n", ",20.04\n", &format!("h.csv:3:26: {expected} 20.04"));
    }

    proptest! {
        /// Whatever the text: an answer, and one price a day in each column if it is a history.
        #[test]
        fn any_text_is_read_or_refused(
            text in "(date,A(,B)?\r?\n)?((2020-0[1-9]-[0-2][0-9],)?[0-9é,.\r\n-]{0,24}\n){0,4}",
        ) {
            if let Ok(history) = History::read("h.csv", &text) {
                for column in history.columns() {
                    prop_assert_eq!(column.prices.len(), history.days().len());
                    prop_assert_eq!(column.moves.len(), history.moves());
                }
            }
        }
    }
}
