//! Serde over a [tree](super::tree), so that derived readers report where they fail.
//!
//! A derived reader stops at the first value that does not fit. So a run notes the mistake, mends the tree there, and
//! the next run goes further: an unknown key is dropped, or becomes the one that it was meant to be; for a value that
//! does not fit, and for one that is missing, stands an invented one that fits whatever is asked for.

use core::{cell::Cell, fmt::Display};

use serde::{
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, VariantAccess, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
    forward_to_deserialize_any,
};
use zeroize::Zeroize;

use super::{
    fault::{Fault, Numbers, TAGS, Target, describe, list, one_of, quote},
    manner::{MAX_MISTAKES, WrittenBy},
    mending::{Mended, mend},
    tree::{Key, Misfit, Node, Value},
    units,
};
use crate::spelling;

/// How many bytes of text are read again, all runs together, to find more mistakes after the first.
const READ_AGAIN: usize = 32 << 20;

/// What reading a tree came to.
pub(super) struct Reading<T> {
    /// The mistakes.
    pub(super) misfits: Vec<Misfit>,
    /// The value, if the tree could be mended. It holds what the text says if there are no mistakes.
    pub(super) value: Option<T>,
    /// The value with other numbers in place of those that were invented; none if no number was invented.
    pub(super) other: Option<T>,
}

/// Reads a value of a type from a tree that was parsed from a text of so many bytes, and mends the tree.
pub(super) fn read<T: DeserializeOwned>(root: &mut Node<'_>, by: WrittenBy, bytes: usize) -> Reading<T> {
    let mut notes = Notes::default();
    for _ in 0..=(READ_AGAIN / bytes.max(1)).clamp(1, 4 * MAX_MISTAKES) {
        let manner = Manner::new(by, Numbers::Small);
        let mut fault = match T::deserialize(Reader { node: root, manner: &manner }) {
            Ok(value) => {
                let (guessed, invented) = (manner.guessed.get(), manner.invented.get());
                let again = || T::deserialize(Reader { node: root, manner: &Manner::new(by, Numbers::Large) }).ok();
                let other = if invented && !guessed { again() } else { None };
                let value = (!guessed && invented == other.is_some()).then_some(value);
                return Reading { misfits: notes.misfits(), value, other };
            }
            Err(fault) => fault,
        };
        fault.place.reverse();
        let mended = mend(root, &fault);
        if !matches!(mended, Mended::Invention(_)) {
            notes.note(root, fault);
        }
        if notes.0.len() > MAX_MISTAKES || matches!(mended, Mended::No | Mended::Invention(false)) {
            break;
        }
    }
    Reading { misfits: notes.misfits(), value: None, other: None }
}

/// The mistakes so far, with the keys that are missing. All that are missing in one table are one mistake.
#[derive(Default)]
struct Notes(Vec<(Fault, Vec<&'static str>)>);

impl Notes {
    fn note(&mut self, root: &Node<'_>, fault: Fault) {
        let fault = fault.at(root.offset);
        let Target::Missing(key) = fault.target else {
            return self.0.push((fault, Vec::new()));
        };
        match self.0.iter_mut().find(|(other, keys)| !keys.is_empty() && other.place == fault.place) {
            Some((_, keys)) => keys.push(key),
            None => self.0.push((fault, vec![key])),
        }
    }

    fn misfits(self) -> Vec<Misfit> {
        let misfit = |(fault, keys): (Fault, Vec<&'static str>)| {
            let mut problem = *fault.problem;
            if keys.len() > 1 {
                problem.expected = format!("the keys {}", list(&keys, "and"));
                problem.found = "none of them".to_owned();
            }
            Misfit { offset: fault.offset.unwrap_or(0), problem }
        };
        self.0.into_iter().map(misfit).collect()
    }
}

/// How values are read, and whether some were invented.
struct Manner {
    by: WrittenBy,
    numbers: Numbers,
    /// Whether anything was invented.
    invented: Cell<bool>,
    /// Whether something was that is no number: then nothing can be said of how it goes with the rest.
    guessed: Cell<bool>,
}

impl Manner {
    fn new(by: WrittenBy, numbers: Numbers) -> Self {
        Self { by, numbers, invented: Cell::new(false), guessed: Cell::new(false) }
    }

    fn number(&self) -> i128 {
        self.invented.set(true);
        match self.numbers {
            Numbers::Small => units::SMALL,
            Numbers::Large => units::LARGE,
        }
    }

    fn guess(&self) {
        self.guessed.set(true);
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Reader<'n> {
    node: &'n Node<'n>,
    manner: &'n Manner,
}

impl<'n> Reader<'n> {
    fn integer<T: TryFrom<i128> + Display>(self, min: T, max: T) -> Result<T, Fault> {
        let expected = || format!("a whole number from {min} to {max}");
        let quoted =
            |text: &str| spelling::whole(text).filter(|_| self.manner.by == WrittenBy::People)?.parse::<i128>().ok();
        match &self.node.value {
            Value::Integer(integer) => T::try_from(*integer).map_err(|_| Fault::new(expected(), integer.to_string())),
            Value::Text(text) if let Some(integer) = quoted(text) => {
                T::try_from(integer).map_err(|_| Fault::new(expected(), integer.to_string()))
            }
            Value::Invented(_) => {
                let number = T::try_from(self.manner.number()).or_else(|_| T::try_from(units::OTHER_SMALL));
                number.map_err(|_| Fault::new(expected(), "none"))
            }
            other => Err(Fault::new(expected(), other.describe())),
        }
        .map_err(|fault| fault.at(self.node.offset))
    }

    /// The name of a variant, which people may write in capitals, or with `_` or a space for `-`.
    fn variant<'t>(self, text: &'t str, variants: &[&'t str]) -> &'t str {
        let folded = |name: &str| name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        let meant = variants.iter().find(|variant| folded(variant) == folded(text));
        meant.filter(|_| self.manner.by == WrittenBy::People).unwrap_or(&text)
    }

    fn entries(self, entries: &'n [(Key<'n>, Node<'n>)]) -> Entries<'n> {
        Entries::new(entries, self.manner)
    }

    /// The entries of an invented table, if this is one.
    fn invented(self) -> Option<&'n [(Key<'n>, Node<'n>)]> {
        match &self.node.value {
            Value::Invented(entries) => Some(entries),
            _ => None,
        }
    }
}

impl Value<'_> {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Flag(flag) => quote(Unexpected::Bool(*flag)),
            Self::Integer(integer) => integer.to_string(),
            Self::Text(text) => quote(Unexpected::Str(text)),
            Self::List(_) => quote(Unexpected::Seq),
            Self::Table(_) => quote(Unexpected::Map),
            Self::Float(_) => "a floating-point number".to_owned(),
            Self::Date(_) => "a date or time".to_owned(),
            Self::Foreign(name) => (*name).to_owned(),
            Self::Invented(_) => "none".to_owned(),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::Integer(integer) => match (i64::try_from(*integer), u64::try_from(*integer)) {
                (Ok(integer), _) => visitor.visit_i64(integer),
                (_, Ok(integer)) => visitor.visit_u64(integer),
                _ => visitor.visit_i128(*integer),
            },
            Value::Text(text) => visitor.visit_str(text),
            Value::List(nodes) => read_list(nodes, self.manner, visitor),
            Value::Table(entries) => visitor.visit_map(self.entries(entries)),
            Value::Invented(entries) => {
                self.manner.guess();
                visitor.visit_map(self.entries(entries))
            }
            other => Err(Fault::new(describe(&visitor), other.describe())),
        }
        .map_err(|fault| fault.at(self.node.offset))
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

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_i64(self.integer(i64::MIN, i64::MAX)?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => visitor.visit_bool(self.manner.number() == units::SMALL),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => {
                self.manner.guess();
                visitor.visit_str(units::NAME)
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => {
                self.manner.guess();
                visitor.visit_u64(0)
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => {
                self.manner.guess();
                visitor.visit_none()
            }
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => {
                self.manner.guess();
                visitor.visit_seq(Inventions { count: 0, manner: self.manner })
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.invented() {
            Some(_) => visitor.visit_seq(Inventions { count, manner: self.manner }),
            None => self.deserialize_any(visitor),
        }
    }

    /// The types of [units] are known by their names, and people may spell them in more than one way.
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        let value = match (self.invented(), self.manner.by) {
            (Some(_), _) => {
                let value = units::invented(name, self.manner.numbers);
                self.manner.invented.set(self.manner.invented.get() || value.is_some());
                value
            }
            (None, WrittenBy::People) => {
                units::spelt(name, &self.node.value).map_err(|fault| fault.at(self.node.offset))?
            }
            (None, WrittenBy::Machines) => None,
        };
        let Some(value) = value else {
            return visitor.visit_newtype_struct(self);
        };
        let mut node = Node::new(self.node.offset, value);
        let read = visitor.visit_newtype_struct(Reader { node: &node, manner: self.manner });
        // It may be a secret, of which the text itself is the caller's.
        if let Value::Text(text) = &mut node.value {
            text.to_mut().zeroize();
        }
        read
    }

    /// Structures are tables in files, never lists of their fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::List(_) => Err(Fault::invalid_type(Unexpected::Seq, &visitor).at(self.node.offset)),
            Value::Invented(_) => visitor.visit_map(InventedFields { fields, manner: self.manner }),
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
        match &self.node.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(self.variant(text, variants))),
            Value::Table(entries) if entries.len() == 1 => {
                let read = visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries)));
                // A key that is no variant is a fault of the value as a whole.
                read.map_err(|mut fault: Fault| {
                    if matches!(fault.target, Target::Key(_)) && fault.place.len() == 1 {
                        (fault.place, fault.target) = (Vec::new(), Target::Value);
                    }
                    fault
                })
            }
            Value::Invented(_) => {
                self.manner.guess();
                visitor.visit_enum(InventedVariant { variants, manner: self.manner })
            }
            other => Err(Fault::new(one_of(variants), other.describe())),
        }
        .map_err(|fault: Fault| fault.at(self.node.offset))
    }

    forward_to_deserialize_any! {
        i8 i16 i128 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map ignored_any
    }
}

/// A type of a fixed length stops reading where it ends: what comes after that must be nothing.
fn read_list<'de, V: Visitor<'de>>(nodes: &[Node<'_>], manner: &Manner, visitor: V) -> Result<V::Value, Fault> {
    let mut elements = Elements { rest: nodes.iter().enumerate(), manner };
    let value = visitor.visit_seq(&mut elements)?;
    match elements.rest.next() {
        None => Ok(value),
        Some((read, node)) => {
            Err(Fault::new(format!("at most {read} items"), format!("{}", nodes.len())).at(node.offset))
        }
    }
}

struct Elements<'n> {
    rest: core::iter::Enumerate<core::slice::Iter<'n, Node<'n>>>,
    manner: &'n Manner,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((index, node)) = self.rest.next() else {
            return Ok(None);
        };
        let element = seed.deserialize(Reader { node, manner: self.manner });
        element.map(Some).map_err(|fault| fault.at(node.offset).within(&format!("[{index}]"), index))
    }
}

struct Entries<'n> {
    rest: std::vec::IntoIter<(usize, &'n (Key<'n>, Node<'n>))>,
    current: Option<(usize, &'n (Key<'n>, Node<'n>))>,
    manner: &'n Manner,
}

impl<'n> Entries<'n> {
    fn new(entries: &'n [(Key<'n>, Node<'n>)], manner: &'n Manner) -> Self {
        let mut entries: Vec<_> = entries.iter().enumerate().collect();
        let is_tag = |name: &str| TAGS.iter().position(|tag| *tag == name);
        entries.sort_by_key(|(_, (key, _))| is_tag(&key.name).unwrap_or(TAGS.len()));
        Self { rest: entries.into_iter(), current: None, manner }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some((index, (key, _))) = self.current else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Fault> = key.name.as_ref().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|mut fault| {
            if fault.target == Target::Value {
                fault.target = Target::Key(None);
            }
            fault.place.push(index);
            fault.at(key.offset)
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (index, (key, node)) = self.current.ok_or_else(|| Fault::new("a key before its value", "none"))?;
        let value = seed.deserialize(Reader { node, manner: self.manner });
        value.map_err(|fault| fault.at(node.offset).within(&key.name, index))
    }
}

/// What stands for a value that there is not.
static INVENTED: Node<'static> = Node { offset: 0, value: Value::Invented(Vec::new()) };

/// A list of invented values.
struct Inventions<'n> {
    count: usize,
    manner: &'n Manner,
}

impl<'de> SeqAccess<'de> for Inventions<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.count == 0 {
            return Ok(None);
        }
        self.count -= 1;
        seed.deserialize(Reader { node: &INVENTED, manner: self.manner }).map(Some)
    }
}

/// A table with all fields of a structure.
struct InventedFields<'n> {
    fields: &'static [&'static str],
    manner: &'n Manner,
}

impl<'de> MapAccess<'de> for InventedFields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((field, rest)) = self.fields.split_first() else {
            return Ok(None);
        };
        self.fields = rest;
        let name: StrDeserializer<'_, Fault> = (*field).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(Reader { node: &INVENTED, manner: self.manner })
    }
}

/// The first variant of an enumeration.
struct InventedVariant<'n> {
    variants: &'static [&'static str],
    manner: &'n Manner,
}

impl<'de, 'n> EnumAccess<'de> for InventedVariant<'n> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let name = self.variants.first().ok_or_else(|| Fault::new("a variant", "none"))?;
        let name: StrDeserializer<'_, Fault> = (*name).into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for InventedVariant<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(Reader { node: &INVENTED, manner: self.manner })
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Inventions { count, manner: self.manner })
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(InventedFields { fields, manner: self.manner })
    }
}
