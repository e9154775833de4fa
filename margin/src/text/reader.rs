//! Serde over a [tree](super::tree), so that derived readers report where they fail.

use core::fmt::{self, Display};

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};

use super::tree::{Key, Misfit, Node, Value};
use crate::problem::Problem;

/// Keys that say what the others mean: they come first, wherever they stand.
const TAGS: [&str; 3] = ["kind", "version", "type"];

/// Reads a value of a type.
pub(super) fn read<T: DeserializeOwned>(root: &Node<'_>) -> Result<T, Misfit> {
    T::deserialize(Reader(root)).map_err(|fault| Misfit {
        offset: fault.offset.unwrap_or(root.offset),
        problem: Problem::new(fault.path, fault.expected, fault.found),
    })
}

/// Why a value does not fit its type. The place is added on the way out.
#[derive(Debug)]
pub(super) struct Fault {
    offset: Option<usize>,
    path: String,
    expected: String,
    found: String,
}

impl Fault {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { offset: None, path: String::new(), expected: expected.into(), found: found.into() }
    }

    /// Sets the place, unless one further inside is known.
    fn at(self, offset: usize) -> Self {
        Self { offset: self.offset.or(Some(offset)), ..self }
    }

    /// Puts a key or a position in front of the path.
    fn within(self, segment: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{segment}{separator}{}", self.path), ..self }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl core::error::Error for Fault {}

impl Error for Fault {
    /// Own readers say `expected …, found …`.
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        let rule = message.strip_prefix("expected ").unwrap_or(&message);
        let (expected, found) = rule.split_once(", found ").unwrap_or((rule, "something else"));
        Self::new(expected, found)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(describe(expected), quote(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(describe(expected), quote(found))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(one_of(expected), quote(Unexpected::Str(found)))
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("the key {}", one_of(expected)), quote(Unexpected::Str(found)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}`"), "none")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` once"), "it again")
    }
}

fn describe(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.strip_prefix("struct ") {
        Some(name) => format!("a table with the keys of {name}"),
        None => text.replace("a sequence", "a list").replace("a map", "a table"),
    }
}

fn quote(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Bool(flag) => flag.to_string(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "that does not exist".to_owned(),
        [name] => format!("`{name}`"),
        [names @ .., last] => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("{} or `{last}`", names.join(", "))
        }
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Reader<'n>(&'n Node<'n>);

impl Reader<'_> {
    fn integer<T: TryFrom<i128> + Display>(self, min: T, max: T) -> Result<T, Fault> {
        let expected = || format!("a whole number from {min} to {max}");
        match &self.0.value {
            Value::Integer(integer) => T::try_from(*integer).map_err(|_| Fault::new(expected(), integer.to_string())),
            other => Err(Fault::new(expected(), other.describe())),
        }
        .map_err(|fault| fault.at(self.0.offset))
    }
}

impl Value<'_> {
    fn describe(&self) -> String {
        match self {
            Self::Flag(flag) => quote(Unexpected::Bool(*flag)),
            Self::Integer(integer) => integer.to_string(),
            Self::Text(text) => quote(Unexpected::Str(text)),
            Self::List(_) => quote(Unexpected::Seq),
            Self::Table(_) => quote(Unexpected::Map),
            Self::Foreign(name) => (*name).to_owned(),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::Integer(integer) => match (i64::try_from(*integer), u64::try_from(*integer)) {
                (Ok(integer), _) => visitor.visit_i64(integer),
                (_, Ok(integer)) => visitor.visit_u64(integer),
                _ => visitor.visit_i128(*integer),
            },
            Value::Text(text) => visitor.visit_str(text),
            Value::List(nodes) => read_list(nodes, visitor),
            Value::Table(entries) => visitor.visit_map(Entries::new(entries)),
            Value::Foreign(name) => Err(Fault::invalid_type(Unexpected::Other(name), &visitor)),
        }
        .map_err(|fault| fault.at(self.0.offset))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u8(self.integer(u8::MIN, u8::MAX)?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u32(self.integer(u32::MIN, u32::MAX)?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_u64(self.integer(u64::MIN, u64::MAX)?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i32(self.integer(i32::MIN, i32::MAX)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Structures are tables in files, never lists of their fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::List(_) => Err(Fault::invalid_type(Unexpected::Seq, &visitor).at(self.0.offset)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// Enumerations are names in files, or tables of one key if there is something to say about the name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.0.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(text)),
            Value::Table(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries::new(entries)))
            }
            other => Err(Fault::new(one_of(variants), other.describe())),
        }
        .map_err(|fault: Fault| fault.at(self.0.offset))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i64 i128 u16 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

/// A type of a fixed length stops reading where it ends: what comes after that must be nothing.
fn read_list<'de, V: Visitor<'de>>(nodes: &[Node<'_>], visitor: V) -> Result<V::Value, Fault> {
    let mut elements = Elements(nodes.iter().enumerate());
    let value = visitor.visit_seq(&mut elements)?;
    match elements.0.next() {
        None => Ok(value),
        Some((read, node)) => {
            Err(Fault::new(format!("at most {read} items"), format!("{}", nodes.len())).at(node.offset))
        }
    }
}

struct Elements<'n>(core::iter::Enumerate<core::slice::Iter<'n, Node<'n>>>);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.0.next() else {
            return Ok(None);
        };
        let element = seed.deserialize(Reader(node));
        element.map(Some).map_err(|fault| fault.at(node.offset).within(&format!("[{index}]")))
    }
}

struct Entries<'n> {
    rest: std::vec::IntoIter<&'n (Key<'n>, Node<'n>)>,
    current: Option<&'n (Key<'n>, Node<'n>)>,
}

impl<'n> Entries<'n> {
    fn new(entries: &'n [(Key<'n>, Node<'n>)]) -> Self {
        let mut entries: Vec<_> = entries.iter().collect();
        let is_tag = |name: &str| TAGS.iter().position(|tag| *tag == name);
        entries.sort_by_key(|(key, _)| is_tag(&key.name).unwrap_or(TAGS.len()));
        Self { rest: entries.into_iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some((key, _)) = self.current else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Fault> = key.name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|fault| fault.at(key.offset))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, node) = self.current.ok_or_else(|| Fault::new("a key before its value", "none"))?;
        seed.deserialize(Reader(node)).map_err(|fault| fault.at(node.offset).within(&key.name))
    }
}
