//! Why a value does not fit the type that reads it, and where.

use core::fmt::{self, Display};

use serde::de::{Error, Expected, Unexpected};

use crate::{closest::closest, problem::Problem};

/// Keys that say what the others mean: they come first, wherever they stand.
pub(super) const TAGS: [&str; 3] = ["kind", "version", "type"];

/// What a fault is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The value at its place.
    Value,
    /// The key at its place, and the one that it was probably meant to be.
    Key(Option<&'static str>),
    /// A key that the table at its place does not have.
    Missing(&'static str),
}

/// Why a value does not fit its type. The place is added on the way out.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) problem: Box<Problem>,
    pub(super) offset: Option<usize>,
    pub(super) target: Target,
    /// The positions of its values in the lists and tables around them; from the inside to the outside while it is on
    /// its way, then from the outside.
    pub(super) place: Vec<usize>,
}

impl Fault {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::of(Problem::new("", expected, found))
    }

    pub(super) fn of(problem: Problem) -> Self {
        Self { problem: Box::new(problem), offset: None, target: Target::Value, place: Vec::new() }
    }

    /// A fault of a sentence that says `expected …, found …`.
    pub(super) fn of_sentence(sentence: &str) -> Self {
        Self::of(Problem::of_sentence("", sentence))
    }

    /// Asks for the closest of the names that are there.
    pub(super) fn suggest(self, unknown: &str, names: &[&str]) -> Self {
        Self { problem: Box::new(self.problem.suggest(unknown, names.iter().copied())), ..self }
    }

    /// Sets the place, unless one further inside is known.
    pub(super) fn at(self, offset: usize) -> Self {
        Self { offset: self.offset.or(Some(offset)), ..self }
    }

    /// Puts a key or a position in front of the path.
    pub(super) fn within(mut self, segment: &str, position: usize) -> Self {
        let path = &mut self.problem.path;
        let separator = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        *path = format!("{segment}{separator}{path}");
        self.place.push(position);
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl core::error::Error for Fault {}

impl Error for Fault {
    /// Own readers say `expected …, found …`.
    fn custom<T: Display>(message: T) -> Self {
        Self::of_sentence(&message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(describe(expected), quote(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(describe(expected), quote(found))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(one_of(expected), quote(Unexpected::Str(found))).suggest(found, expected)
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        let target = Target::Key(closest(found, expected.iter().copied()));
        let fault = Self::new(format!("the key {}", one_of(expected)), quote(Unexpected::Str(found)));
        Self { target, ..fault.suggest(found, expected) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { target: Target::Missing(field), ..Self::new(format!("the key `{field}`"), "none") }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` once"), "it again")
    }
}

pub(super) fn describe(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    match text.strip_prefix("struct ") {
        Some(name) => format!("a table with the keys of {name}"),
        None => text.replace("a sequence", "a list").replace("a map", "a table"),
    }
}

pub(super) fn quote(found: Unexpected<'_>) -> String {
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

pub(super) fn one_of(names: &[&str]) -> String {
    if names.is_empty() { "that does not exist".to_owned() } else { list(names, "or") }
}

pub(super) fn list(names: &[&str], last: &str) -> String {
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names {
        [most @ .., end] if !most.is_empty() => format!("{} {last} `{end}`", quoted(most)),
        names => quoted(names),
    }
}

/// Which numbers are invented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Small,
    Large,
}
