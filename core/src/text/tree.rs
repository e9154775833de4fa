//! Values that know where they stand in their text.

use core::fmt;
use std::{borrow::Cow, collections::BTreeSet};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};

use super::{
    manner::{MAX_MISTAKES, MAX_TOML_BYTES},
    syntax::{self, json_problem},
};
use crate::problem::Problem;

/// Most bytes of a TOML text of which more than the first mistake of syntax is looked for.
const MAX_RECOVERABLE: usize = 64 << 10;

/// How deep lists and tables may nest.
const MAX_DEPTH: usize = 32;

/// A problem, and the byte of the text where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
}

impl Misfit {
    fn new(offset: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { offset, problem: Problem::new("", expected, found) }
    }
}

/// A value and the byte of the text where it begins.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    pub(crate) offset: usize,
    pub(crate) value: Value<'a>,
}

/// A value. Texts are borrowed from the input wherever they have no escapes, so that secrets are not copied.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    Flag(bool),
    Integer(i128),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Table(Vec<(Key<'a>, Node<'a>)>),
    /// A number with a point or an exponent, as it is written.
    Float(Cow<'a, str>),
    /// A date, a time, or both, as TOML writes them without quotes.
    Date(Cow<'a, str>),
    /// Something that no file may hold, such as a null: what it is called.
    Foreign(&'static str),
    /// Nothing that the text has: what mending put there, with the keys that it has to have. See [`super::mending`].
    Invented(Vec<(Key<'a>, Node<'a>)>),
}

/// A key and where it begins.
#[derive(Clone)]
pub(crate) struct Key<'a> {
    pub(crate) offset: usize,
    pub(crate) name: Cow<'a, str>,
}

impl<'a> Key<'a> {
    pub(crate) fn new(offset: usize, name: &'a str) -> Self {
        let name = Cow::Borrowed(name);
        Self { offset, name }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn new(offset: usize, value: Value<'a>) -> Self {
        Self { offset, value }
    }

    /// Where the value of a path like `model.positions[3].price` begins, or the innermost value around it that exists.
    pub(crate) fn locate(&self, path: &str) -> usize {
        match &self.value {
            Value::Table(entries) | Value::Invented(entries) => {
                // Keys may have dots in them: the longest one that fits is meant.
                let fitting = entries.iter().filter_map(|(key, node)| {
                    let rest = path.strip_prefix(key.name.as_ref())?;
                    let whole = rest.is_empty() || rest.starts_with(['.', '[']);
                    whole.then(|| (rest.strip_prefix('.').unwrap_or(rest), node))
                });
                let longest = fitting.min_by_key(|(rest, _)| rest.len());
                longest.map_or(self.offset, |(rest, node)| node.locate(rest))
            }
            Value::List(nodes) => {
                let element = || {
                    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                    let node = nodes.get(index.parse::<usize>().ok()?)?;
                    Some(node.locate(rest.strip_prefix('.').unwrap_or(rest)))
                };
                element().unwrap_or(self.offset)
            }
            _ => self.offset,
        }
    }
}

/// Reads TOML, or reports the first mistake of syntax.
pub(crate) fn from_toml(text: &str) -> Result<Node<'_>, Vec<Misfit>> {
    refuse_length(text)?;
    let table = DeTable::parse(text).map_err(|first| toml_misfits(text, first))?;
    let offset = table.span().start;
    from_toml_value(offset, DeValue::Table(table.into_inner()), MAX_DEPTH).map_err(|misfit| vec![misfit])
}

/// The mistakes of syntax, the first one of each line: what follows it is mostly its consequence.
fn toml_misfits(text: &str, first: toml::de::Error) -> Vec<Misfit> {
    let errors = if text.len() <= MAX_RECOVERABLE { DeTable::parse_recoverable(text).1 } else { vec![first] };
    let mut lines = BTreeSet::new();
    let misfit = |error: toml::de::Error| {
        let offset = text.floor_char_boundary(error.span().map_or(0, |span| span.start));
        let (expected, found) = syntax::of_toml(error.message());
        lines.insert(text[..offset].matches('\n').count()).then(|| Misfit::new(offset, expected, found))
    };
    errors.into_iter().take(MAX_MISTAKES + 1).filter_map(misfit).collect()
}

fn from_toml_value(offset: usize, value: DeValue<'_>, depth: usize) -> Result<Node<'_>, Misfit> {
    let depth = depth.checked_sub(1).ok_or_else(|| too_deep(offset))?;
    let value = match value {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(integer) => match i128::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Foreign("an integer of more than 128 bits"),
        },
        DeValue::Float(number) => Value::Float(Cow::Owned(number.as_str().to_owned())),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(time) => Value::Date(Cow::Owned(time.to_string())),
        DeValue::Array(array) => {
            let element = |value: toml::Spanned<_>| from_toml_value(value.span().start, value.into_inner(), depth);
            Value::List(array.into_iter().map(element).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let entry = |(key, value): (toml::Spanned<_>, toml::Spanned<_>)| {
                let node = from_toml_value(value.span().start, value.into_inner(), depth)?;
                let offset = key.span().start;
                let name = key.into_inner();
                Ok((Key { offset, name }, node))
            };
            Value::Table(table.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
    };
    Ok(Node { offset, value })
}

/// Reads JSON, or reports the keys that are repeated in an object, up to where reading stopped: at the first mistake of
/// another kind, or when there are more than [`MAX_MISTAKES`].
pub(crate) fn from_json(text: &str) -> Result<Node<'_>, Vec<Misfit>> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| vec![json_misfit(text, 0, &error)])?;
    JsonReader { text, repeated: Vec::new() }.read(raw)
}

/// Reads JSON with serde_json, one level at a time: serde_json checks the syntax, and where a [`RawValue`] lies in the
/// text tells its offset.
struct JsonReader<'a> {
    text: &'a str,
    repeated: Vec<Misfit>,
}

impl<'a> JsonReader<'a> {
    fn read(mut self, raw: &'a RawValue) -> Result<Node<'a>, Vec<Misfit>> {
        match self.node(raw, MAX_DEPTH) {
            Ok(node) if self.repeated.is_empty() => return Ok(node),
            Ok(_) => {}
            Err(misfit) => self.repeated.push(misfit),
        }
        Err(self.repeated)
    }

    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node<'a>, Misfit> {
        let offset = self.offset(raw);
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(offset))?;
        let value = match raw.get().as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = self.parse(raw)?;
                let mut names = BTreeSet::new();
                let mut table = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let offset = self.offset(key);
                    let name = self.string(key)?;
                    if !names.insert(name.clone()) {
                        self.repeated(offset)?;
                    }
                    table.push((Key { offset, name }, self.node(value, depth)?));
                }
                Value::Table(table)
            }
            Some(b'[') => {
                let elements: Vec<&'a RawValue> = self.parse(raw)?;
                let nodes = elements.into_iter().map(|element| self.node(element, depth));
                Value::List(nodes.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(self.string(raw)?),
            Some(b't') => Value::Flag(true),
            Some(b'f') => Value::Flag(false),
            Some(b'n') => Value::Foreign("null"),
            _ => number(raw.get()),
        };
        Ok(Node { offset, value })
    }

    /// Notes a repeated key, and stops when there are enough.
    fn repeated(&mut self, offset: usize) -> Result<(), Misfit> {
        let misfit = Misfit::new(offset, "each key of an object once", "a key again");
        if self.repeated.len() == MAX_MISTAKES {
            return Err(misfit);
        }
        self.repeated.push(misfit);
        Ok(())
    }

    fn parse<T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, Misfit> {
        serde_json::from_str(raw.get()).map_err(|error| json_misfit(self.text, self.offset(raw), &error))
    }

    fn string(&self, raw: &'a RawValue) -> Result<Cow<'a, str>, Misfit> {
        if raw.get().contains('\\') {
            self.parse::<String>(raw).map(Cow::Owned)
        } else {
            self.parse::<&str>(raw).map(Cow::Borrowed)
        }
    }

    fn offset(&self, raw: &RawValue) -> usize {
        raw.get().as_ptr().addr() - self.text.as_ptr().addr()
    }
}

fn number(text: &str) -> Value<'_> {
    if text.contains(['.', 'e', 'E']) {
        return Value::Float(Cow::Borrowed(text));
    }
    match text.parse() {
        Ok(0) if text.starts_with('-') => Value::Foreign("a negative zero"),
        Ok(integer) => Value::Integer(integer),
        Err(_) => Value::Foreign("an integer of more than 128 bits"),
    }
}

/// `error` counts lines and columns from `start`, the columns in bytes.
pub(super) fn json_misfit(text: &str, start: usize, error: &serde_json::Error) -> Misfit {
    let lines = text[start..].split_inclusive('\n').take(error.line().saturating_sub(1));
    let offset = start + lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    Misfit { offset: offset.min(text.len()), problem: json_problem(error) }
}

fn too_deep(offset: usize) -> Misfit {
    Misfit::new(offset, format!("at most {MAX_DEPTH} levels of nesting"), "more")
}

fn refuse_length(text: &str) -> Result<(), Vec<Misfit>> {
    if text.len() <= MAX_TOML_BYTES {
        return Ok(());
    }
    let mut misfit = Misfit::new(0, format!("at most {MAX_TOML_BYTES} bytes of TOML"), text.len().to_string());
    misfit.problem = misfit.problem.advise("write a document of this size as JSON");
    Err(vec![misfit])
}

pub(super) fn refuse_byte_order_mark(text: &str) -> Result<(), Vec<Misfit>> {
    if !text.starts_with('\u{feff}') {
        return Ok(());
    }
    let mut misfit = Misfit::new(0, "text", "a byte order mark");
    misfit.problem = misfit.problem.advise("save the file as UTF-8 without byte order mark");
    Err(vec![misfit])
}

/// The entries of an object, also of repeated keys.
pub(super) struct Entries<'a>(pub(super) Vec<(&'a RawValue, &'a RawValue)>);

impl<'a> Deserialize<'a> for Entries<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'a> Visitor<'a> for EntriesVisitor {
            type Value = Entries<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}
