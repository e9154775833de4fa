//! Tables as text: one reader for everything that is separated by commas, semicolons or tabs, and for
//! lists of records in JSON.
//!
//! A table is a header and rows under it, as RFC 4180 and the spreadsheets write it: lines end in LF, CRLF or CR; a
//! field may be in quotes, which are doubled inside of it; blank lines count for nothing; a byte order mark, a line
//! `sep=;` and titles, which are lines of a single field before the header, are passed over. The [`Delimiter`] is the
//! one that the header has most of, unless the [`Dialect`] says which.
//!
//! Columns are found by name ([`Table::find`]), whatever their order and case, and those that nobody asked for are
//! named in a [`Note`]. A name with a sign in it such as `UPL%` is another one than that without: it counts something
//! else. A table without rows is refused: that nothing is held or observed is to be said in so many words.
//!
//! Fields are borrowed from the text, and erased where quotes in them take a copy: they may be secret.

mod field;
mod mistakes;
mod records;

use core::{ops::Range, str::FromStr};
use std::collections::BTreeMap;

use zeroize::Zeroizing;

use self::{field::Content, records::Records};
pub use self::{
    field::{Field, shown_name},
    mistakes::{Mistakes, Note},
};
use super::number::{Marks, Number, NumberError};
use crate::{closest::closest, problem::Problem};

/// What separates the fields of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, which spreadsheets write where a comma is the decimal mark.
    Semicolon,
    /// A tab, which is what is copied from a spreadsheet.
    Tab,
}

impl Delimiter {
    /// All of them, those first that are the least likely to be part of a field.
    const ALL: [Self; 3] = [Self::Tab, Self::Semicolon, Self::Comma];

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "," | "comma" => Ok(Self::Comma),
            ";" | "semicolon" => Ok(Self::Semicolon),
            "\t" | "\\t" | "tab" => Ok(Self::Tab),
            _ => Err(format!("expected , or ; or tab, found {text:?}")),
        }
    }
}

/// What a user says about a table that the table does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Dialect {
    /// What separates fields; found from the header if none.
    pub delimiter: Option<Delimiter>,
    /// What names of the table stand for, of columns as well as of instruments.
    pub names: BTreeMap<String, String>,
}

impl Dialect {
    /// What a name of the table stands for: itself, unless the user says otherwise.
    #[must_use]
    pub fn meaning<'n>(&'n self, name: &'n str) -> &'n str {
        self.names.get(name).map_or(name, String::as_str)
    }
}

/// What a column is called.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name that errors use.
    pub name: &'static str,
    /// What else it may be called, in the order of preference.
    pub aliases: &'static [&'static str],
}

/// A header and the rows under it.
pub struct Table<'t> {
    header: Vec<Field<'t>>,
    /// Row by row, each as long as the header.
    fields: Vec<Field<'t>>,
    delimiter: Delimiter,
    /// Members of JSON that are no rows.
    beside: Vec<Field<'t>>,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub struct Row<'r, 't>(&'r [Field<'t>]);

impl<'r, 't> Row<'r, 't> {
    /// The byte of the text where it begins.
    #[must_use]
    pub fn offset(self) -> usize {
        self.0.first().map_or(0, Field::offset)
    }

    /// The field of a column.
    #[must_use]
    pub fn field(self, column: usize) -> Option<&'r Field<'t>> {
        self.0.get(column)
    }
}

impl<'t> Table<'t> {
    /// Reads a table and adds to the mistakes what is wrong with it. Rows that are malformed are left out.
    #[must_use]
    pub fn read(text: &'t str, dialect: &Dialect, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Self {
        if records::are_in(text) {
            let Records { header, fields, beside } = records::read(text, mistakes, notes).unwrap_or_default();
            let table = Self { header, fields, delimiter: Delimiter::Comma, beside };
            if table.header.is_empty() && mistakes.is_empty() {
                mistakes.add(0, empty());
            }
            return table;
        }
        let start = Start::of(text, dialect.delimiter);
        if start.titles > 0 {
            notes.push(Note { what: "titles before the header ignored".to_owned(), rows: Some(start.titles) });
        }
        let mut lexer = Lexer { text, at: start.offset, delimiter: start.delimiter.byte() };
        let mut header = Vec::new();
        while header.is_empty() && !lexer.is_done() {
            lexer.record(&mut header, mistakes);
            while header.last().is_some_and(Field::is_empty) {
                header.pop();
            }
        }
        let mut table = Self { header, fields: Vec::new(), delimiter: start.delimiter, beside: Vec::new() };
        if table.header.is_empty() {
            mistakes.add(0, empty());
            return table;
        }
        while !lexer.is_done() && !mistakes.are_enough() {
            table.row(&mut lexer, mistakes);
        }
        if table.fields.is_empty() && mistakes.is_empty() {
            let problem = Problem::new("", "at least one row under the header", "none");
            mistakes.add(text.len(), problem.advise("to say that there is nothing, write a row with the number 0"));
        }
        table
    }

    fn row(&mut self, lexer: &mut Lexer<'t>, mistakes: &mut Mistakes) {
        let (start, width) = (self.fields.len(), self.header.len());
        let is_whole = lexer.record(&mut self.fields, mistakes);
        let row = &self.fields[start..];
        let (found, named) = (row.len(), row.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1));
        let offset = row.first().map_or(0, Field::offset);
        if named == 0 || !is_whole {
            self.fields.truncate(start);
        } else if found < width || named > width {
            self.fields.truncate(start);
            let problem = Problem::new("", format!("{width} fields, as in the header"), found.to_string());
            mistakes.add(offset, if found < width { problem } else { problem.advise(self.delimiter.quoting()) });
        } else {
            self.fields.truncate(start + width);
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[Field<'t>] {
        &self.header
    }

    /// The rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_, 't>> {
        // A table has a column or no rows.
        self.fields.chunks_exact(self.header.len().max(1)).map(Row)
    }

    /// What points and commas stand for in the numbers of some columns, as these and every other column of numbers
    /// show: one program wrote them all.
    #[must_use]
    pub fn marks(&self, columns: &[usize]) -> Marks {
        let mut marks = if self.delimiter == Delimiter::Semicolon { Marks::UNKNOWN } else { Marks::POINT };
        for column in 0..self.header.len() {
            let fields = || self.rows().filter_map(|row| row.field(column));
            if columns.contains(&column) || fields().all(Field::is_number_or_empty) {
                let texts = fields().filter(|field| !matches!(field.content, Content::Literal(_)));
                texts.for_each(|field| marks.note(field.text()));
            }
        }
        marks
    }

    /// The names of members of JSON that are neither rows nor known to say the same again.
    #[must_use]
    pub fn beside(&self) -> &[Field<'t>] {
        &self.beside
    }

    /// What a column is called, for people to see: nothing that may be an amount in the wrong place.
    #[must_use]
    pub fn shown(&self, column: usize) -> &str {
        let name = self.header.get(column).map_or("", Field::text);
        let is_name = !has_long_number(name) && Number::parse(name) == Err(NumberError::Malformed);
        if is_name { name } else { "another column" }
    }

    /// The columns of a table that have one of the names of a column, in the order of preference. Two of one name are a
    /// mistake.
    pub fn all(&self, column: Column, dialect: &Dialect, mistakes: &mut Mistakes) -> Vec<usize> {
        let names = core::iter::once(column.name).chain(column.aliases.iter().copied());
        let mut found = Vec::new();
        for column in names.filter_map(|name| self.find_named(name, dialect, mistakes)) {
            if !found.contains(&column) {
                found.push(column);
            }
        }
        found
    }

    /// The letters and digits of what a column stands for, in lower case, and signs such as `%`.
    #[must_use]
    pub fn key(&self, column: usize, dialect: &Dialect) -> String {
        self.header.get(column).map(|field| key(dialect.meaning(field.text()))).unwrap_or_default()
    }

    /// Where a column is, if the table has it. Two columns of that name are a mistake.
    pub fn find(&self, column: Column, dialect: &Dialect, mistakes: &mut Mistakes) -> Option<usize> {
        let names = core::iter::once(column.name).chain(column.aliases.iter().copied());
        names.map(|name| self.find_named(name, dialect, mistakes)).find_map(|found| found)
    }

    /// Where the column is that has this name, if the table has it. Two of them are a mistake.
    pub fn find_named(&self, name: &str, dialect: &Dialect, mistakes: &mut Mistakes) -> Option<usize> {
        let wanted = key(name);
        let mut found =
            self.header.iter().enumerate().filter(|(_, field)| key(dialect.meaning(field.text())) == wanted);
        let (column, _) = found.next()?;
        if let Some((_, again)) = found.next() {
            mistakes.add(again.offset(), Problem::new("", format!("one column {name}"), "another one"));
        }
        Some(column)
    }

    /// Where a column is. That the table has none is a mistake, which says what else there is.
    pub fn require(&self, column: Column, dialect: &Dialect, mistakes: &mut Mistakes) -> Option<usize> {
        let found = self.find(column, dialect, mistakes);
        if let (None, Some(first)) = (found, self.header.first()) {
            mistakes.add(first.offset(), self.lacking(&[column]));
        }
        found
    }

    /// The problem that there is none of some columns: [`Table::missing`], or why one that looks like it is not taken.
    #[must_use]
    pub fn lacking(&self, wanted: &[Column]) -> Problem {
        let names: Vec<_> = wanted.iter().map(|column| column.name).collect();
        let problem = self.missing(&names);
        match self.not_taken(wanted) {
            Some(why) => problem.advise(why),
            None => problem,
        }
    }

    /// Why a column is not taken that looks like one of some; none if there is none.
    #[must_use]
    pub fn not_taken(&self, wanted: &[Column]) -> Option<String> {
        let (name, column) = wanted.iter().find_map(|column| Some((column.name, self.like(*column)?)))?;
        let shown = self.shown(column);
        Some(format!(
            "{shown} is not taken for it, because a sign such as % or $ says that it counts something else; \
             --map '{shown}={name}' says that it does not"
        ))
    }

    /// Where the column is that would have a name if it had no sign such as `%` in its own.
    fn like(&self, column: Column) -> Option<usize> {
        let wanted: Vec<_> = core::iter::once(&column.name).chain(column.aliases).map(|name| key(name)).collect();
        self.header.iter().position(|field| {
            let letters: String = key(field.text()).chars().filter(|letter| letter.is_alphanumeric()).collect();
            !letters.is_empty() && wanted.contains(&letters)
        })
    }

    /// The problem that there is no column of one of some names.
    #[must_use]
    pub fn missing(&self, wanted: &[&str]) -> Problem {
        let problem = |found| Problem::new("", format!("a column {}", wanted.join(" or ")), found);
        if self.header.iter().any(|field| Number::parse(field.text()).is_ok()) {
            // A number in the first line may be secret.
            return problem("numbers in the first line".to_owned()).advise(NAMES_OF_COLUMNS);
        }
        // What is no table may be a key, a passphrase or a recovery phrase.
        if self.header.len() == 1 || self.fields.is_empty() {
            let found = if self.header.len() == 1 { "a single column" } else { "a single line" };
            return problem(found.to_owned()).advise(NAMES_OF_COLUMNS);
        }
        let names = self.header.iter().map(Field::text).filter(|name| may_be_listed(name));
        let names: Vec<_> = names.take(MAX_NAMES).collect();
        let found = problem(format!("the columns {}", names.join(", ")));
        let near = wanted.iter().find_map(|name| Some((name, closest(name, names.iter().copied())?)));
        match near {
            Some((name, near)) => found.advise(format!("did you mean {near}? --map {near}={name} says so")),
            None => found,
        }
    }

    /// The note that names the columns that nobody asked for; none if there are none. Of those whose names may be
    /// secret it says that there are some.
    #[must_use]
    pub fn others(&self, asked: &[usize]) -> Option<Note> {
        let others = self.header.iter().enumerate().filter(|(column, _)| !asked.contains(column));
        let names: Vec<_> = others.map(|(_, field)| field.text()).filter(|name| !name.is_empty()).collect();
        let listed = names.iter().copied().filter(|name| may_be_listed(name)).take(MAX_NAMES);
        let mut listed: Vec<_> = listed.collect();
        if listed.len() < names.len() {
            listed.push("…");
        }
        (!names.is_empty()).then(|| Note::new(format!("columns ignored: {}", listed.join(", "))))
    }
}

fn empty() -> Problem {
    Problem::new("", "a header and rows under it", "an empty file")
}

/// What is advised where they are not found.
const NAMES_OF_COLUMNS: &str = "the first line names the columns";

/// Whether the name of a column may be listed: in secret files a number may stand where names should.
fn may_be_listed(name: &str) -> bool {
    Number::parse(name).is_err() && !has_long_number(name)
}

/// Most names of columns that are listed.
const MAX_NAMES: usize = 20;

impl Delimiter {
    fn quoting(self) -> &'static str {
        match self {
            Self::Comma => "put quotes around fields that have a comma in them",
            Self::Semicolon => "put quotes around fields that have a semicolon in them",
            Self::Tab => "put quotes around fields that have a tab in them",
        }
    }
}

/// Whether four digits follow each other.
fn has_long_number(name: &str) -> bool {
    name.split(|character: char| !character.is_ascii_digit()).any(|digits| digits.len() >= 4)
}

/// What of a column's name counts: letters and digits, whatever their case, and every sign that may stand for what is
/// counted. `UPL%` is no profit but a share, and `balance ($)` no balance but its value.
fn key(name: &str) -> String {
    let counts = |character: &char| !character.is_whitespace() && !BETWEEN_WORDS.contains(character);
    name.chars().filter(counts).flat_map(char::to_lowercase).collect()
}

/// What stands between the words of a column's name and says nothing.
const BETWEEN_WORDS: [char; 18] = [
    '_', '-', '\u{2010}', '\u{2013}', '.', ':', '/', '\\', '(', ')', '[', ']', '#', '*', '"', '\'', '\u{2019}',
    '\u{feff}',
];

/// How a first line begins that says what separates fields.
const ANNOUNCED: &str = "sep=";

/// Where the header begins, and what separates fields.
struct Start {
    offset: usize,
    delimiter: Delimiter,
    titles: usize,
}

impl Start {
    fn of(text: &str, given: Option<Delimiter>) -> Self {
        let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let (first, after) = line(text, at);
        let announced = Delimiter::ALL.into_iter().find(|delimiter| {
            let (name, rest) = text[first.clone()].split_at_checked(ANNOUNCED.len()).unwrap_or_default();
            name.eq_ignore_ascii_case(ANNOUNCED) && rest.as_bytes().first() == Some(&delimiter.byte())
        });
        if announced.is_some() {
            at = after;
        }
        let start = at;
        let (mut titles, mut first_with_one) = (0, None);
        while at < text.len() {
            let (span, next) = line(text, at);
            let content = &text[span];
            let counts = Delimiter::ALL.map(|delimiter| (unquoted(content, delimiter.byte()), delimiter));
            let asked = given.or(announced);
            let candidates = counts.into_iter().filter(|(_, delimiter)| asked.is_none_or(|asked| asked == *delimiter));
            // The first of several.
            if let Some((count, delimiter)) = candidates.rev().max_by_key(|(count, _)| *count)
                && count > 0
            {
                let found = Self { offset: at, delimiter, titles };
                if has_several(content, delimiter) {
                    return found;
                }
                // A title that a spreadsheet made as wide as the table, unless no line has more fields.
                first_with_one.get_or_insert(found);
            }
            titles += usize::from(!content.trim().is_empty());
            at = next;
        }
        // A single column.
        let delimiter = given.or(announced).unwrap_or(Delimiter::Comma);
        first_with_one.unwrap_or(Self { offset: start, delimiter, titles: 0 })
    }
}

/// Whether a field behind the first one of a line says something.
fn has_several(line: &str, delimiter: Delimiter) -> bool {
    unquoted(line.trim_end_matches([char::from(delimiter.byte()), ' ']), delimiter.byte()) > 0
}

/// The line from here, without its end, and where the next one begins.
fn line(text: &str, at: usize) -> (Range<usize>, usize) {
    let bytes = text.as_bytes();
    let end =
        bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(text.len(), |length| at + length);
    (at..end, line_end(bytes, end))
}

/// Where the line begins that follows the end of one: LF, CRLF or CR.
fn line_end(bytes: &[u8], end: usize) -> usize {
    match bytes[end..] {
        [b'\r', b'\n', ..] => end + 2,
        [_, ..] => end + 1,
        [] => end,
    }
}

/// How many bytes of a kind are outside of quotes.
fn unquoted(line: &str, wanted: u8) -> usize {
    let mut in_quotes = false;
    let counts = |byte: &u8| {
        in_quotes ^= *byte == b'"';
        !in_quotes && *byte == wanted
    };
    line.as_bytes().iter().copied().filter(counts).count()
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    delimiter: u8,
}

impl<'t> Lexer<'t> {
    fn is_done(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Reads a record to behind its line's end; whether it is well-formed.
    fn record(&mut self, fields: &mut Vec<Field<'t>>, mistakes: &mut Mistakes) -> bool {
        let mut is_whole = true;
        loop {
            is_whole &= self.field(fields, mistakes);
            match self.text.as_bytes().get(self.at) {
                Some(byte) if *byte == self.delimiter => self.at += 1,
                _ => break,
            }
        }
        self.at = line_end(self.text.as_bytes(), self.at);
        is_whole
    }

    /// Reads a field up to the delimiter or the line's end behind it.
    fn field(&mut self, fields: &mut Vec<Field<'t>>, mistakes: &mut Mistakes) -> bool {
        self.skip_spaces();
        let offset = self.at;
        if self.text.as_bytes().get(offset) != Some(&b'"') {
            let content = Content::Borrowed(self.unquoted());
            fields.push(Field::new(offset, content));
            return true;
        }
        let Some((inside, doubled)) = self.quoted() else {
            self.at = self.text.len();
            mistakes.add(offset, Problem::new("", "a quote at the end of the field", "none up to the end of the file"));
            return false;
        };
        let inside = &self.text[inside];
        let content = if doubled { Content::Copied(undoubled(inside)) } else { Content::Borrowed(inside.trim()) };
        fields.push(Field::new(offset, content));
        let behind = self.at;
        let is_last = self.unquoted().is_empty();
        if !is_last {
            let problem =
                Problem::new("", "nothing between the quote at the end of a field and the next field", "text");
            mistakes.add(behind, problem.advise("double the quotes inside of a field"));
        }
        is_last
    }

    fn skip_spaces(&mut self) {
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|byte| **byte == b' ').count();
    }

    /// The text up to the delimiter or the line's end.
    fn unquoted(&mut self) -> &'t str {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        let start = self.at;
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        self.text[start..self.at].trim()
    }

    /// What is inside of quotes, and whether there are doubled ones; none if they do not end.
    fn quoted(&mut self) -> Option<(Range<usize>, bool)> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let (mut at, mut doubled) = (start, false);
        loop {
            at += bytes.get(at..)?.iter().position(|byte| *byte == b'"')?;
            if bytes.get(at + 1) != Some(&b'"') {
                self.at = at + 1;
                return Some((start..at, doubled));
            }
            (at, doubled) = (at + 2, true);
        }
    }
}

/// The text with one quote for each two.
fn undoubled(text: &str) -> Zeroizing<String> {
    // Room for all of it, so that no growth leaves a copy behind.
    let mut copy = Zeroizing::new(String::with_capacity(text.len()));
    text.split("\"\"").enumerate().for_each(|(i, part)| {
        copy.push_str(if i == 0 { "" } else { "\"" });
        copy.push_str(part);
    });
    copy
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{InputErrors, MAX_MISTAKES};

    const AMOUNT: Column = Column { name: "amount", aliases: &["quantity", "qty"] };

    fn read<'t>(text: &'t str, dialect: &Dialect) -> (Table<'t>, Vec<Note>, Option<InputErrors>) {
        let (mut mistakes, mut notes) = (Mistakes::default(), Vec::new());
        let table = Table::read(text, dialect, &mut mistakes, &mut notes);
        (table, notes, mistakes.refuse("t", text).err())
    }

    /// All fields, the header first.
    #[track_caller]
    fn fields(text: &str) -> Vec<Vec<String>> {
        let (table, _, errors) = read(text, &Dialect::default());
        assert_eq!(errors, None, "{text:?}");
        let own = |fields: &[Field<'_>]| fields.iter().map(|field| field.text().to_owned()).collect();
        core::iter::once(own(table.header())).chain(table.rows().map(|row| own(row.0))).collect()
    }

    #[track_caller]
    fn refused(text: &str, messages: &[&str]) {
        let errors = read(text, &Dialect::default()).2.unwrap().to_string();
        assert_eq!(errors.lines().collect::<Vec<_>>(), messages, "{text:?}");
    }

    #[test]
    fn tables_are_read_however_they_are_written() {
        for text in [
            "a,b\n1,2\n3,4\n",
            "a,b\n1,2\n3,4",
            "\u{feff}a,b\r\n1,2\r\n3,4\r\n",
            "a,b\r1,2\r3,4\r",
            "\n\na,b\n\n1,2\n  \n,\n3,4\n\n",
            "a;b\n1;2\n3;4\n",
            "a\tb\n1\t2\n3\t4\n",
            "sep=;\na;b\n1;2\n3;4\n",
            "\u{feff}sep=,\r\na,b\r\n1,2\r\n3,4\r\n",
            "\"a\",\"b\"\n\"1\",\"2\"\n3 , \"4\" \n",
            " a , b \n 1 ,2 \n3,4\n",
            "a,b,\n1,2,\n3,4,\n",
            "a,b\n1,2,,,\n3,4\n",
            "Report of the day\n\na,b\n1,2\n3,4\n",
            "SEP=;\na;b\n1;2\n3;4\n",
            "Sep=;\r\na;b\r\n1;2\r\n3;4\r\n",
            "\"Report, of the day\"\na,b\n1,2\n3,4\n",
            "\"Report, of the day\",\na,b\n1,2\n3,4\n",
        ] {
            assert_eq!(fields(text), [["a", "b"], ["1", "2"], ["3", "4"]], "{text:?}");
        }
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_quotes() {
        assert_eq!(
            fields("a,b\n\"1,234.5\",\"x\r\ny\"\n\"a \"\"b\"\"\",\"\"\n"),
            [["a", "b"], ["1,234.5", "x\r\ny"], ["a \"b\"", ""]]
        );
        assert_eq!(fields("\"a;b\",c\n1,2\n"), [["a;b", "c"], ["1", "2"]], "the delimiter is not one in quotes");
        assert_eq!(fields("a;b\n1,5;5\" disk\n"), [["a", "b"], ["1,5", "5\" disk"]]);
    }

    #[test]
    fn delimiters_are_given_where_the_header_has_several() {
        let dialect = |delimiter: &str| Dialect { delimiter: Some(delimiter.parse().unwrap()), ..Dialect::default() };
        let text = "a,b,c;d\n1,5;2\n";
        assert_eq!(read(text, &dialect("semicolon")).0.rows().len(), 1);
        assert!(read(text, &Dialect::default()).2.is_some());
        assert!("|".parse::<Delimiter>().is_err());
    }

    #[test]
    fn rejects_malformed_tables() {
        refused("", &["t:1:1: expected a header and rows under it, found an empty file"]);
        refused(" \n,,\n", &["t:1:1: expected a header and rows under it, found an empty file"]);
        let advice = "to say that there is nothing, write a row with the number 0";
        refused("a,b\n\n", &[&format!("t:3:1: expected at least one row under the header, found none; {advice}")]);
        refused(
            "a,b\n1\n1,2,3\n1,2\n",
            &[
                "t:2:1: expected 2 fields, as in the header, found 1",
                "t:3:1: expected 2 fields, as in the header, found 3; put quotes around fields that have a comma in \
                 them",
            ],
        );
        refused(
            "a,b\r\n1,\"2",
            &["t:2:3: expected a quote at the end of the field, found none up to the end of the file"],
        );
        refused(
            "a,b\r1,\"2\"3\r",
            &[concat!(
                "t:2:6: expected nothing between the quote at the end of a field and the next field, found text; ",
                "double the quotes inside of a field"
            )],
        );
    }

    #[test]
    fn columns_are_found_by_names_and_aliases_and_the_others_are_named() {
        let mut mistakes = Mistakes::default();
        let find = |header: &str, dialect: &Dialect, mistakes: &mut Mistakes| {
            let text = format!("{header}\n1,2,3\n");
            let (table, _, errors) = read(&text, dialect);
            assert_eq!(errors, None);
            let found = table.require(AMOUNT, dialect, mistakes);
            found.map(|column| (column, table.others(&[column]).unwrap().to_string()))
        };
        let plain = Dialect::default();
        for (header, column, others) in [
            ("x,Amount,y", 1, "columns ignored: x, y"),
            ("QTY, x,y", 0, "columns ignored: x, y"),
            ("x,quantity,amount", 2, "columns ignored: x, quantity"),
        ] {
            assert_eq!(find(header, &plain, &mut mistakes), Some((column, others.to_owned())));
        }
        // A sign says that something else is counted.
        assert_eq!(find("amount %,amount,y", &plain, &mut mistakes).unwrap().0, 1);
        let renamed = Dialect { names: [("size".to_owned(), "amount".to_owned())].into(), ..Dialect::default() };
        assert_eq!(find("x,y,size", &renamed, &mut mistakes).unwrap().0, 2);
        assert!(mistakes.is_empty());
    }

    #[test]
    fn rejects_columns_that_are_missing_or_there_twice() {
        let message = |text: &str| {
            let mut mistakes = Mistakes::default();
            let table = Table::read(text, &Dialect::default(), &mut mistakes, &mut Vec::new());
            table.require(AMOUNT, &Dialect::default(), &mut mistakes);
            mistakes.refuse("t", text).unwrap_err().to_string()
        };
        assert_eq!(
            message("coin,amuont\nBTC,1\n"),
            "t:1:1: expected a column amount, found the columns coin, amuont; did you mean amuont? --map amuont=amount \
             says so"
        );
        assert_eq!(message("coin,x\nBTC,1\n"), "t:1:1: expected a column amount, found the columns coin, x");
        for name in ["Qty (%)", "amount ($)", "amount, \u{20ac}", "amount (\u{ff05})", "~amount"] {
            let problem = message(&format!("coin,\"{name}\"\nBTC,1\n"));
            assert!(problem.contains(&format!("; {name} is not taken for it, because a sign such as %")), "{problem}");
            assert!(problem.ends_with(&format!("--map '{name}=amount' says that it does not")), "{problem}");
        }
        assert_eq!(message("Amount,AMOUNT\n1,1\n"), "t:1:8: expected one column amount, found another one");
        let secret = message("BTC,123456789\nETH,1\n");
        assert!(secret.ends_with("found numbers in the first line; the first line names the columns"), "{secret}");
    }

    /// Attack: a key, a passphrase or a recovery phrase where a table should be.
    #[test]
    fn rejects_what_is_no_table_without_repeating_it() {
        for (text, found) in [
            ("correct horse battery staple\n", "a single column"),
            ("correct horse\nbattery\n", "a single column"),
            ("correct, horse; battery\n", "a single line"),
            ("abcdefabcdefabcdef", "a single column"),
        ] {
            let mut mistakes = Mistakes::default();
            let table = Table::read(text, &Dialect::default(), &mut mistakes, &mut Vec::new());
            table.require(AMOUNT, &Dialect::default(), &mut mistakes);
            let message = mistakes.refuse("t", text).unwrap_err().to_string();
            assert!(message.contains(&format!("found {found}; the first line names the columns")), "{message}");
            assert!(!["horse", "battery", "abc"].iter().any(|word| message.contains(word)), "{message}");
        }
    }

    /// Holdings are secret, and a header may have one of their numbers.
    #[test]
    fn rejects_to_list_numbers_among_the_columns_ignored() {
        for (header, note) in [
            ("amount,123456,x", "columns ignored: x, …"),
            ("amount,1.5,x12345y", "columns ignored: …"),
            ("amount,x1,1e5", "columns ignored: x1, …"),
        ] {
            let text = format!("{header}\n1,2,3\n");
            assert_eq!(read(&text, &Dialect::default()).0.others(&[0]).unwrap().to_string(), note);
        }
    }

    #[test]
    fn names_that_may_be_amounts_are_not_shown() {
        for name in ["BTC", "BTC-20260327-100000-C", "1INCH", "x12345678"] {
            assert_eq!(shown_name(name), name);
        }
        for text in ["123", "-5", "1e5", "12345678USDC", "5 BTC", "", "1,5", "0x5"] {
            assert_eq!(shown_name(text), if text == "0x5" { "0x5" } else { "another name" });
        }
    }

    #[test]
    fn rejects_long_and_hostile_tables_quickly() {
        for text in [
            "\n".repeat(1_000_000),
            "x\n".repeat(1_000_000),
            "a,b\n".to_owned() + &"x\n".repeat(1_000_000),
            "a,b\n".to_owned() + &"\"".repeat(1_000_001),
            "a,b\n".to_owned() + &"\"\"x,".repeat(500_000),
            ",".repeat(1_000_000),
            "\r".repeat(1_000_000),
        ] {
            if let Some(errors) = read(&text, &Dialect::default()).2 {
                assert!(errors.errors().len() <= MAX_MISTAKES + 1);
                assert!(errors.to_string().len() < 100_000);
            }
        }
    }

    proptest! {
        /// Whatever the text: an answer, rows as long as the header, and places inside of the text.
        #[test]
        fn any_text_is_read_or_refused(text in "(\u{feff})?(sep=[,;]\n)?[a-c\",;\t\r\n é]{0,48}") {
            let (table, _, errors) = read(&text, &Dialect::default());
            prop_assert!(errors.is_some() || table.rows().len() > 0);
            for row in table.rows() {
                prop_assert_eq!(row.0.len(), table.header().len());
                prop_assert!(row.0.iter().all(|field| field.offset() <= text.len()));
            }
        }

        /// What is written in quotes is read as it was.
        #[test]
        fn quoted_fields_are_read_back(
            rows in prop::collection::vec(prop::collection::vec("x[a-z\",;\t\r\n é]{0,8}x", 3), 1..5),
            delimiter in 0_usize..3,
        ) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let mark = char::from(Delimiter::ALL[delimiter].byte()).to_string();
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(&mark) + "\r\n";
            let text = format!("a{mark}b{mark}c\n") + &rows.iter().map(line).collect::<String>();
            prop_assert_eq!(&fields(&text)[1..], &rows[..]);
        }
    }
}
