//! Lists of records in JSON, as tables: what venues' interfaces answer.
//!
//! Either a list of objects, whose keys are the columns, or objects alone, one to a line, or an object of objects by
//! name, where the names are a column of their own. Texts and numbers are fields as they are written, and so is what is
//! nested deeper: it is nothing that a column may say. Beside the objects by name there may be [totals by
//! column](BY_COLUMN); whatever else there is, is no row and told of, and lists of objects are refused.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    field::{Content, Field, shown_name},
    mistakes::{Mistakes, Note},
};
use crate::{
    problem::Problem,
    text::{
        number::Number,
        tree::{Entries, json_misfit},
    },
};

/// The column of the names by which objects are listed.
const NAME: &str = "name";

/// Keys beside objects by name that say the same column by column, or what the venue itself answered.
const BY_COLUMN: [&str; 5] = ["info", "free", "used", "total", DEBT];

/// Those that say amounts by name.
const TOTALS: [&str; 3] = ["free", "used", "total"];

/// What is owed, column by column.
const DEBT: &str = "debt";

/// Keys beside objects by name that say when the venue answered.
const TIMES: [&str; 2] = ["timestamp", "datetime"];

/// Most names of members that are listed.
const MAX_NAMES: usize = 20;

/// Most fields of a table beyond two for each that is written: records that have no keys in common make a wide table.
const MOST_EMPTY: usize = 1 << 16;

/// What a table has of records.
#[derive(Default)]
pub(super) struct Records<'t> {
    pub(super) header: Vec<Field<'t>>,
    /// Row by row.
    pub(super) fields: Vec<Field<'t>>,
    /// The names of members that are no rows.
    pub(super) beside: Vec<Field<'t>>,
}

/// Whether a text is JSON rather than a table: it begins with a bracket.
pub(super) fn are_in(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(['[', '{'])
}

/// Reads records; none if there are mistakes.
pub(super) fn read<'t>(text: &'t str, mistakes: &mut Mistakes, notes: &mut Vec<Note>) -> Option<Records<'t>> {
    let reader = Reader { text };
    let body = text.trim_start_matches('\u{feff}');
    let (records, beside) = match reader.records(body, text.len() - body.len()) {
        Ok(read) => read,
        Err((offset, problem)) => {
            mistakes.add(offset, problem);
            return None;
        }
    };
    notes.extend(passed_over(&beside));
    let mut columns: BTreeMap<Cow<'t, str>, usize> = BTreeMap::new();
    let mut header: Vec<Field<'t>> = Vec::new();
    let mut rows: Vec<(usize, Vec<(usize, Field<'t>)>)> = Vec::with_capacity(records.len());
    let mut written = 0;
    for record in records {
        let mut row = Vec::new();
        for (key, field) in record.fields {
            let column = *columns.entry(key.name.clone()).or_insert(header.len());
            if column == header.len() {
                header.push(Field::new(key.offset, content(key.name)));
            }
            row.push((column, field));
        }
        written += row.len();
        row.sort_by_key(|(column, _)| *column);
        if let Some(pair) = row.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            mistakes.add(pair[1].1.offset(), Problem::new("", "each key of an object once", "a key again"));
        }
        rows.push((record.offset, row));
    }
    if header.len().saturating_mul(rows.len()) > 2 * written + MOST_EMPTY {
        mistakes.add(0, Problem::new("", "objects with the same keys", "too many different keys"));
    }
    if !mistakes.is_empty() {
        return None;
    }
    let mut fields = Vec::with_capacity(header.len() * rows.len());
    for (offset, row) in rows {
        let start = fields.len();
        fields.extend((0..header.len()).map(|_| Field::new(offset, Content::Borrowed(""))));
        row.into_iter().for_each(|(column, field)| fields[start + column] = field);
    }
    Some(Records { header, fields, beside })
}

/// The note that names members that are no rows; none if there are none.
fn passed_over(beside: &[Field<'_>]) -> Option<Note> {
    let names: Vec<_> = beside.iter().take(MAX_NAMES).map(|name| shown_name(name.text())).collect();
    let more = if beside.len() > MAX_NAMES { ", …" } else { "" };
    (!names.is_empty()).then(|| Note::new(format!("members that are no objects ignored: {}{more}", names.join(", "))))
}

struct Reader<'t> {
    text: &'t str,
}

/// An object, and the byte where it begins.
struct Record<'t> {
    offset: usize,
    fields: Vec<(Key<'t>, Field<'t>)>,
}

struct Key<'t> {
    offset: usize,
    name: Cow<'t, str>,
}

type Mistake = (usize, Problem);

impl<'t> Reader<'t> {
    /// The records, and the names of members that are none.
    fn records(&self, body: &'t str, start: usize) -> Result<(Vec<Record<'t>>, Vec<Field<'t>>), Mistake> {
        let values: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_str(body).into_iter().collect();
        let values = values.map_err(|error| {
            let misfit = json_misfit(self.text, start, &error);
            (misfit.offset, misfit.problem)
        })?;
        match values[..] {
            [list] if list.get().starts_with('[') => {
                let list: Vec<&RawValue> = self.parse(list)?;
                Ok((self.list(&list)?, Vec::new()))
            }
            [object] => self.object(object),
            [first, second, ..] if first.get().starts_with('[') => {
                Err((self.offset(second), Problem::new("", "the end of the text", "more")))
            }
            _ => Ok((self.list(&values)?, Vec::new())),
        }
    }

    fn list(&self, objects: &[&'t RawValue]) -> Result<Vec<Record<'t>>, Mistake> {
        objects.iter().map(|object| self.record(object, None)).collect()
    }

    /// The records of an object of objects by name, or the one that it is itself; and the names of other members.
    fn object(&self, object: &'t RawValue) -> Result<(Vec<Record<'t>>, Vec<Field<'t>>), Mistake> {
        let entries = self.entries(object)?;
        let entries = entries.into_iter().map(|(key, value)| Ok((self.key(key)?, value)));
        let members: Vec<(Key<'t>, &RawValue)> = entries.collect::<Result<_, _>>()?;
        for (_, value) in members.iter().filter(|(key, _)| key.name != BY_COLUMN[0]) {
            self.refuse_records(value)?;
        }
        let is_by_column = |key: &Key<'_>| BY_COLUMN.contains(&&*key.name);
        let is_known = |key: &Key<'_>| is_by_column(key) || TIMES.contains(&&*key.name);
        let has_rows = members.iter().any(|(key, value)| is_object(value) && !is_by_column(key));
        if !has_rows && members.iter().any(|(key, value)| !is_object(value) && !is_known(key)) {
            return Ok((vec![self.record(object, None)?], Vec::new()));
        }
        for (_, value) in members.iter().filter(|(key, value)| TOTALS.contains(&&*key.name) && is_object(value)) {
            self.refuse_others(value, |name| members.iter().any(|(key, _)| key.name == name))?;
        }
        let (mut records, mut beside) = (Vec::new(), Vec::new());
        for (key, value) in members {
            if key.name == DEBT {
                self.refuse_debts(value)?;
            } else if is_object(value) && !is_by_column(&key) {
                records.push(self.record(value, Some(key))?);
            } else if !is_known(&key) {
                beside.push(Field::new(key.offset, content(key.name)));
            }
        }
        Ok((records, beside))
    }

    /// Refuses a list of objects beside others: they are records, too.
    fn refuse_records(&self, value: &'t RawValue) -> Result<(), Mistake> {
        if !value.get().starts_with('[') {
            return Ok(());
        }
        let list: Vec<&RawValue> = self.parse(value)?;
        if !list.iter().any(|element| is_object(element)) {
            return Ok(());
        }
        let problem =
            Problem::new("", "one list of objects, or objects by name", "a list of objects inside of an object");
        Err((self.offset(value), problem.advise("write a file of that list, and of what is beside it another one")))
    }

    /// Refuses what is owed: the amounts by name may be those before debts.
    fn refuse_debts(&self, value: &'t RawValue) -> Result<(), Mistake> {
        let fields = match is_object(value) {
            true => self.record(value, None)?.fields.into_iter().map(|(_, field)| field).collect(),
            false => vec![self.field(value)?],
        };
        match fields.iter().find(|field| !is_nothing(field)) {
            None => Ok(()),
            Some(debt) => {
                let problem = Problem::new("", "what is owed as a negative amount", "debts beside the amounts");
                Err((debt.offset(), problem.advise("state amounts less debts, and leave the debts out")))
            }
        }
    }

    /// Refuses an amount of a name that has no object of its own.
    fn refuse_others(&self, totals: &'t RawValue, is_listed: impl Fn(&str) -> bool) -> Result<(), Mistake> {
        let fields = self.record(totals, None)?.fields;
        match fields.iter().find(|(key, field)| !is_listed(&key.name) && !is_nothing(field)) {
            None => Ok(()),
            Some((key, _)) => {
                let problem = Problem::new("", "an object for each name that has an amount", "an amount without one");
                Err((key.offset, problem))
            }
        }
    }

    fn record(&self, object: &'t RawValue, name: Option<Key<'t>>) -> Result<Record<'t>, Mistake> {
        let offset = self.offset(object);
        if !object.get().starts_with('{') {
            return Err((offset, Problem::new("", "a list of objects", "something else in it")));
        }
        let named = name.map(|key| {
            let field = Field::new(key.offset, content(key.name));
            (Key { offset: key.offset, name: Cow::Borrowed(NAME) }, field)
        });
        let mut fields = Vec::from_iter(named);
        for (key, value) in self.entries(object)? {
            fields.push((self.key(key)?, self.field(value)?));
        }
        Ok(Record { offset, fields })
    }

    /// A text, a number, another word, or what is nested as it is written; nothing for `null` and what is nested and
    /// empty.
    fn field(&self, value: &'t RawValue) -> Result<Field<'t>, Mistake> {
        let text = value.get();
        let content = match text.as_bytes().first() {
            Some(b'{' | b'[') if text[1..text.len() - 1].trim().is_empty() => Content::Borrowed(""),
            Some(b'n') => Content::Borrowed(""),
            Some(b'"') => content(self.string(value)?),
            Some(b'-' | b'0'..=b'9') => Content::Literal(text),
            _ => Content::Borrowed(text),
        };
        Ok(Field::new(self.offset(value), content))
    }

    fn key(&self, raw: &'t RawValue) -> Result<Key<'t>, Mistake> {
        Ok(Key { offset: self.offset(raw), name: self.string(raw)? })
    }

    fn string(&self, raw: &'t RawValue) -> Result<Cow<'t, str>, Mistake> {
        let text = raw.get();
        let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match inside.filter(|text| !text.contains('\\')) {
            Some(text) => Ok(Cow::Borrowed(text)),
            None => self.parse::<String>(raw).map(Cow::Owned),
        }
    }

    fn entries(&self, raw: &'t RawValue) -> Result<Vec<(&'t RawValue, &'t RawValue)>, Mistake> {
        self.parse(raw).map(|Entries(entries)| entries)
    }

    fn parse<T: serde::Deserialize<'t>>(&self, raw: &'t RawValue) -> Result<T, Mistake> {
        serde_json::from_str(raw.get()).map_err(|error| {
            let misfit = json_misfit(self.text, self.offset(raw), &error);
            (misfit.offset, misfit.problem)
        })
    }

    fn offset(&self, raw: &RawValue) -> usize {
        raw.get().as_ptr().addr() - self.text.as_ptr().addr()
    }
}

fn is_nothing(field: &Field<'_>) -> bool {
    field.is_empty() || Number::parse(field.text()).is_ok_and(|number| number.is_zero())
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn content(text: Cow<'_, str>) -> Content<'_> {
    match text {
        Cow::Borrowed(text) => Content::Borrowed(text.trim()),
        Cow::Owned(text) => Content::Copied(Zeroizing::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::text::{
        number::Number,
        table::{Dialect, Mistakes, Table},
    };

    fn read(text: &str) -> Result<Vec<Vec<String>>, String> {
        let mut mistakes = Mistakes::default();
        let table = Table::read(text, &Dialect::default(), &mut mistakes, &mut Vec::new());
        mistakes.refuse("t", text).map_err(|error| error.to_string())?;
        let width = table.header().len();
        let header = table.header().iter().map(|field| field.text().to_owned()).collect();
        let row = |row: crate::text::table::Row<'_, '_>| {
            (0..width).map(|column| row.field(column).unwrap().text().to_owned()).collect()
        };
        Ok(core::iter::once(header).chain(table.rows().map(row)).collect())
    }

    #[test]
    fn lists_of_objects_are_tables() {
        let text = "\u{feff} [{\"a\": 1.50, \"b\": \"x\\\"y\", \"c\": {\"d\": 1}},\n {\"b\": null, \"a\": \
             -1e-7, \"e\": true}]";
        let nested = "{\"d\": 1}";
        let rows = [["a", "b", "c", "e"], ["1.50", "x\"y", nested, ""], ["-1e-7", "", "", "true"]];
        assert_eq!(read(text).unwrap(), rows);
    }

    #[test]
    fn objects_alone_are_tables() {
        let rows = [["a", "b"], ["1", "x"], ["2", ""]];
        for text in
            ["{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": []}\n", "\u{feff}{\"a\": 1, \"b\": \"x\"}\r\n\r\n{\"a\": 2}"]
        {
            assert_eq!(read(text).unwrap(), rows, "{text}");
        }
        assert_eq!(read("{\"a\": 1, \"b\": \"x\"}").unwrap(), rows[..2]);
    }

    /// A number as a program writes it has a point, whatever the texts beside it have.
    #[test]
    fn numbers_of_json_do_not_depend_on_texts() {
        let text = r#"[{"a": 900.125, "b": "1.234,5", "c": "2.345"}]"#;
        let table = Table::read(text, &Dialect::default(), &mut Mistakes::default(), &mut Vec::new());
        let (marks, row) = (table.marks(&[0, 1, 2]), table.rows().next().unwrap());
        let number = |column: usize| row.field(column).unwrap().number(marks).unwrap();
        assert!(number(0) == Number::parse("900.1250").unwrap());
        assert!(number(2) == Number::parse("2345").unwrap());
    }

    #[test]
    fn members_that_are_no_objects_are_named() {
        let text = r#"{"BTC": {"total": 1}, "uid": 5, "98765": 1, "tags": ["x"], "info": [{}], "datetime": null}"#;
        let mut notes = Vec::new();
        let table = Table::read(text, &Dialect::default(), &mut Mistakes::default(), &mut notes);
        assert_eq!(table.beside().iter().map(|name| name.text()).collect::<Vec<_>>(), ["uid", "98765", "tags"]);
        assert_eq!(notes[0].to_string(), "members that are no objects ignored: uid, another name, tags");
    }

    #[test]
    fn objects_by_name_are_tables() {
        let text = r#"{"info": {"x": 1}, "BTC": {"free": 1, "total": 2.5}, "USDT": {"total": 0, "free": null},
                       "total": {"BTC": 2.5}, "timestamp": 5}"#;
        let rows = [["name", "free", "total"], ["BTC", "1", "2.5"], ["USDT", "", "0"]];
        assert_eq!(read(text).unwrap(), rows);
    }

    #[test]
    fn rejects_json_that_is_no_list_of_records() {
        let refused = |text: &str, message: &str| {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        };
        refused("[{\"a\": 1},\n [1]]", "t:2:2: expected a list of objects, found something else in it");
        refused("[{\"a\": 1, \"a\": 2}]", "t:1:16: expected each key of an object once, found a key again");
        refused("[{\"a\": 01}]", "t:1:9: expected ");
        refused("{\"a\": 1}\n[1]", "t:2:1: expected a list of objects, found something else in it");
        refused("[{\"a\": 1}]\n[1]", "t:2:1: expected the end of the text, found more");
        refused("{\"a\": 1}\n{\"a\": 01}", "t:2:8: expected ");
        for text in ["{\"b\": {\"a\": 1},\n\"c\": [{\"a\": 2}]}", "{\"b\": 5,\n\"c\": [{\"a\": 2}]}"] {
            refused(text, "t:2:6: expected one list of objects, or objects by name, found a list of objects inside of");
        }
        refused(
            "{\"b\": {\"a\": 1}, \"total\": {\"b\": 1, \"c\": 0,\n\"d\": -1}}",
            "t:2:1: expected an object for each name that has an amount, found an amount without one",
        );
        for debt in ["5", "\"5\"", "{\"x\": 0, \"y\": 5}", "{\"x\": \"?\"}", "{\"x\": {\"y\": 0}}", "[1]"] {
            let text = format!("{{\"b\": {{\"a\": 1}},\n\"debt\": {debt}}}");
            refused(&text, "t:2:");
            refused(
                &text.replace(debt, "{\"x\": 0, \"y\": null, \"z\": \"0.0\"},\n \"c\": [{}]"),
                "t:3:7: expected one",
            );
        }
        for text in ["[]", "{}", "[{}]", "{\"free\": {\"BTC\": 0}}", "{\"timestamp\": 5, \"total\": {}}"] {
            refused(text, "t:1:1: expected a header and rows under it, found an empty file");
        }
        let objects: Vec<_> = (0..2_000).map(|i| format!("{{\"k{i}\": 1}}")).collect();
        refused(&format!("[{}]", objects.join(",")), "t:1:1: expected objects with the same keys");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\[{]([\\[\\]{}\":,0-9a\\\\. é-]|\"a\":|\\{\"a\":1\\},){0,24}[\\]}]") {
            if let Ok(rows) = read(&text) {
                prop_assert!(rows.len() > 1);
            }
        }
    }
}
