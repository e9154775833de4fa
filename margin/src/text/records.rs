//! Lists of records in JSON, as tables: what venues' interfaces answer.
//!
//! Either a list of objects, whose keys are the columns, or an object of objects by name, where the names are a column of
//! their own. Texts and numbers are fields as they are written; what is nested deeper is left out, and so are
//! [totals by column](BY_COLUMN) beside the objects by name.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    table::{Content, Field, Mistakes},
    tree::{Entries, json_misfit},
};
use crate::problem::Problem;

/// The column of the names by which objects are listed.
const NAME: &str = "name";

/// Keys beside objects by name that say the same column by column, or what the venue itself answered.
const BY_COLUMN: [&str; 5] = ["info", "free", "used", "total", "debt"];

/// Most fields of a table beyond two for each that is written: records that have no keys in common make a wide table.
const MOST_EMPTY: usize = 1 << 16;

/// The header and the fields, row by row.
pub(super) type Records<'t> = (Vec<Field<'t>>, Vec<Field<'t>>);

/// Whether a text is JSON rather than a table: it begins with a bracket.
pub(super) fn are_in(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(['[', '{'])
}

/// Reads records; none if there are mistakes.
pub(super) fn read<'t>(text: &'t str, mistakes: &mut Mistakes) -> Option<Records<'t>> {
    let reader = Reader { text };
    let body = text.trim_start_matches('\u{feff}');
    let records = match reader.records(body, text.len() - body.len()) {
        Ok(records) => records,
        Err((offset, problem)) => {
            mistakes.add(offset, problem);
            return None;
        }
    };
    let mut columns: BTreeMap<Cow<'t, str>, usize> = BTreeMap::new();
    let mut header: Vec<Field<'t>> = Vec::new();
    let mut rows: Vec<(usize, Vec<(usize, Field<'t>)>)> = Vec::with_capacity(records.len());
    let mut written = 0;
    for record in records {
        let mut row = Vec::new();
        for (key, field) in record.fields {
            let Some(field) = field else { continue };
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
    Some((header, fields))
}

struct Reader<'t> {
    text: &'t str,
}

/// An object, and the byte where it begins.
struct Record<'t> {
    offset: usize,
    /// None for what is nested.
    fields: Vec<(Key<'t>, Option<Field<'t>>)>,
}

struct Key<'t> {
    offset: usize,
    name: Cow<'t, str>,
}

type Mistake = (usize, Problem);

impl<'t> Reader<'t> {
    fn records(&self, body: &'t str, start: usize) -> Result<Vec<Record<'t>>, Mistake> {
        let raw: &RawValue = serde_json::from_str(body).map_err(|error| {
            let misfit = json_misfit(self.text, start, &error);
            (misfit.offset, misfit.problem)
        })?;
        if raw.get().starts_with('[') {
            let list: Vec<&RawValue> = self.parse(raw)?;
            return list.into_iter().map(|object| self.record(object, None)).collect();
        }
        let mut records = Vec::new();
        for (key, value) in self.entries(raw)? {
            if value.get().starts_with('{') {
                let key = self.key(key)?;
                if !BY_COLUMN.contains(&&*key.name) {
                    records.push(self.record(value, Some(key))?);
                }
            }
        }
        Ok(records)
    }

    fn record(&self, object: &'t RawValue, name: Option<Key<'t>>) -> Result<Record<'t>, Mistake> {
        let offset = self.offset(object);
        if !object.get().starts_with('{') {
            return Err((offset, Problem::new("", "a list of objects", "something else in it")));
        }
        let named = name.map(|key| {
            let field = Field::new(key.offset, content(key.name));
            (Key { offset: key.offset, name: Cow::Borrowed(NAME) }, Some(field))
        });
        let mut fields = Vec::from_iter(named);
        for (key, value) in self.entries(object)? {
            fields.push((self.key(key)?, self.field(value)?));
        }
        Ok(Record { offset, fields })
    }

    /// A text, a number or another word; nothing for `null`, and none for what is nested.
    fn field(&self, value: &'t RawValue) -> Result<Option<Field<'t>>, Mistake> {
        let content = match value.get().as_bytes().first() {
            Some(b'{' | b'[') => return Ok(None),
            Some(b'n') => Content::Borrowed(""),
            Some(b'"') => content(self.string(value)?),
            _ => Content::Borrowed(value.get()),
        };
        Ok(Some(Field::new(self.offset(value), content)))
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

fn content(text: Cow<'_, str>) -> Content<'_> {
    match text {
        Cow::Borrowed(text) => Content::Borrowed(text.trim()),
        Cow::Owned(text) => Content::Copied(Zeroizing::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::text::table::{Dialect, Mistakes, Table};

    fn read(text: &str) -> Result<Vec<Vec<String>>, String> {
        let mut mistakes = Mistakes::default();
        let table = Table::read(text, &Dialect::default(), &mut mistakes, &mut Vec::new());
        mistakes.refuse("t", text).map_err(|error| error.to_string())?;
        let width = table.header().len();
        let header = table.header().iter().map(|field| field.text().to_owned()).collect();
        let row = |row: super::super::table::Row<'_, '_>| {
            (0..width).map(|column| row.field(column).unwrap().text().to_owned()).collect()
        };
        Ok(core::iter::once(header).chain(table.rows().map(row)).collect())
    }

    #[test]
    fn lists_of_objects_are_tables() {
        let text = "\u{feff} [{\"a\": 1.50, \"b\": \"x\\\"y\", \"c\": {\"d\": 1}},\n {\"b\": null, \"a\": -1e-7, \"e\": true}]";
        let rows = [["a", "b", "e"], ["1.50", "x\"y", ""], ["-1e-7", "", "true"]];
        assert_eq!(read(text).unwrap(), rows);
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
        for text in ["[]", "{}", "{\"a\": 5}", "[{}]", "{\"free\": {\"BTC\": 1}}"] {
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
