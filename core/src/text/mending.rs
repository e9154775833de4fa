//! Mending a tree where a value does not fit, so that what comes after that can be read as well.

use std::borrow::Cow;

use super::{
    fault::{Fault, TAGS, Target},
    tree::{Key, Node, Value},
};

/// Whether a tree was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mended {
    /// It was.
    Yes,
    /// It cannot be.
    No,
    /// The fault is one of what was invented, which is no mistake of the text; and whether it could be mended.
    Invention(bool),
}

/// Mends a tree at the place of a fault.
pub(super) fn mend(root: &mut Node<'_>, fault: &Fault) -> Mended {
    let place = &*fault.place;
    let depth = (0..=place.len()).find(|depth| root.at(&place[..*depth]).is_none_or(Node::is_invented));
    if let Some(depth) = depth {
        return Mended::Invention(mend_invention(root, &place[..depth], fault, depth == place.len()));
    }
    let (parent, position) = match place {
        [parent @ .., position] => (Some(parent), *position),
        [] => (None, 0),
    };
    let mended = match fault.target {
        Target::Key(meant) => parent.is_some_and(|parent| mend_key(root, parent, position, meant)),
        Target::Missing(key) if TAGS.contains(&key) => !place.is_empty() && root.invent(place),
        Target::Missing(key) => add(root, place, key),
        Target::Value => match (parent, tag(root, place)) {
            // Without it nobody knows what the others mean, nor of what version they are.
            (Some([]), Some("kind" | "version" | "type")) | (None, _) => false,
            (Some(parent), Some("type")) => root.invent(parent),
            _ => root.invent(place),
        },
    };
    if mended { Mended::Yes } else { Mended::No }
}

/// An invented table lacks a key; or what was invented does not fit, and the value around it is invented instead.
fn mend_invention(root: &mut Node<'_>, place: &[usize], fault: &Fault, whole: bool) -> bool {
    if let Target::Missing(key) = fault.target
        && whole
        && add(root, place, key)
    {
        return true;
    }
    place.split_last().is_some_and(|(_, parent)| !parent.is_empty() && root.invent(parent))
}

/// Renames a key, or drops it.
fn mend_key(root: &mut Node<'_>, parent: &[usize], position: usize, meant: Option<&'static str>) -> bool {
    let Some(Value::Table(entries)) = root.at_mut(parent).map(|node| &mut node.value) else {
        return false;
    };
    let meant = meant.filter(|meant| entries.iter().all(|(key, _)| key.name != *meant));
    match (meant, entries.get_mut(position)) {
        (Some(meant), Some((key, _))) => key.name = Cow::Borrowed(meant),
        (None, Some(_)) => drop(entries.remove(position)),
        (_, None) => return false,
    }
    true
}

/// Adds a key to a table, unless it is there.
fn add(root: &mut Node<'_>, place: &[usize], key: &'static str) -> bool {
    let Some(node) = root.at_mut(place) else {
        return false;
    };
    let offset = node.offset;
    let (Value::Table(entries) | Value::Invented(entries)) = &mut node.value else {
        return false;
    };
    let is_new = entries.iter().all(|(other, _)| other.name != key);
    if is_new {
        entries.push((Key::new(offset, key), Node::new(offset, Value::Invented(Vec::new()))));
    }
    is_new
}

/// The key of a value, if that is a tag.
fn tag(root: &Node<'_>, place: &[usize]) -> Option<&'static str> {
    let (position, parent) = place.split_last()?;
    let Value::Table(entries) = &root.at(parent)?.value else {
        return None;
    };
    let (key, _) = entries.get(*position)?;
    TAGS.into_iter().find(|tag| *tag == key.name)
}

impl<'a> Node<'a> {
    fn is_invented(&self) -> bool {
        matches!(self.value, Value::Invented(_))
    }

    /// The value at a place, from the outside to the inside.
    fn at(&self, place: &[usize]) -> Option<&Self> {
        place.iter().try_fold(self, |node, position| match &node.value {
            Value::List(nodes) => nodes.get(*position),
            Value::Table(entries) => entries.get(*position).map(|(_, node)| node),
            _ => None,
        })
    }

    fn at_mut(&mut self, place: &[usize]) -> Option<&mut Self> {
        place.iter().try_fold(self, |node, position| match &mut node.value {
            Value::List(nodes) => nodes.get_mut(*position),
            Value::Table(entries) => entries.get_mut(*position).map(|(_, node)| node),
            _ => None,
        })
    }

    /// Puts an invented value at a place.
    fn invent(&mut self, place: &[usize]) -> bool {
        let node = self.at_mut(place);
        node.map(|node| node.value = Value::Invented(Vec::new())).is_some()
    }
}
