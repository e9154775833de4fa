//! Text to values: one reader for every file, which says where each mistake is.
//!
//! A file becomes a tree of values that know where they stand, whatever its format; serde's derived readers run over
//! the tree, and rules that types cannot express are checked afterwards and located by their path. A type takes part by
//! implementing [`Document`].
//!
//! Every format is read strictly: no unknown or repeated keys, no text behind the end, no nulls. What machines write
//! has one spelling besides. What [people](WrittenBy::People) write may have a byte order mark, and times, durations,
//! fractions, numbers and addresses in any of the [spellings](crate::spelling) that have one meaning. [Tables](table)
//! and the [numbers](number) in them are read however they are spelled, as long as that has one meaning.
//!
//! All mistakes of a text are told together: those of its types, and of its rules those that hold whatever the values
//! that do not fit were meant to be. Reading takes time and memory in proportion to the text, however many mistakes it
//! has: readers stop once they have found more than [`MAX_MISTAKES`].

mod fault;
mod manner;
mod mending;
pub mod number;
mod reader;
mod syntax;
pub mod table;
mod tree;
mod unfit;
mod units;

use core::fmt;
use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    manner::{MAX_MISTAKES, MAX_TOML_BYTES, WrittenBy},
    syntax::json_problem,
    unfit::{DOCUMENT_LIMIT, Unfit},
};
use self::{
    reader::Reading,
    tree::{Misfit, Node},
};
use crate::problem::Problem;

/// The formats that documents are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// <https://toml.io/en/v1.1.0>
    Toml,
    /// RFC 8259
    Json,
}

impl Format {
    /// The format that the name of a file ends in, in whatever case: `.toml` or `.json`.
    #[must_use]
    pub fn of_name(file: &str) -> Option<Self> {
        let (_, ending) = file.rsplit_once('.')?;
        [("toml", Self::Toml), ("json", Self::Json)]
            .into_iter()
            .find_map(|(name, format)| ending.eq_ignore_ascii_case(name).then_some(format))
    }
}

/// Something that a file holds.
pub trait Document: Serialize + DeserializeOwned {
    /// Whether the contents are secret: then errors of reading do not repeat any of them, and [`Document::problems`]
    /// must not either.
    const SECRET: bool = false;

    /// Who writes it, which decides how strictly it is read.
    const WRITTEN_BY: WrittenBy = WrittenBy::Machines;

    /// Checks the rules that the type does not express; none broken if empty.
    fn problems(&self) -> Vec<Problem>;

    /// Reads and checks a text in the format that the name of its file ends in; JSON if the name ends in none.
    ///
    /// # Errors
    /// With the mistakes, up to [`MAX_MISTAKES`].
    fn from_text(file: &str, text: &str) -> Result<Self, InputErrors> {
        match Format::of_name(file) {
            Some(Format::Toml) => Self::from_toml(file, text),
            _ => Self::from_json(file, text),
        }
    }

    /// Reads and checks TOML. `file` is what errors call the input.
    ///
    /// # Errors
    /// With the mistakes, up to [`MAX_MISTAKES`].
    fn from_toml(file: &str, text: &str) -> Result<Self, InputErrors> {
        read(file, text, Format::Toml, Self::problems)
    }

    /// Reads and checks JSON. `file` is what errors call the input.
    ///
    /// # Errors
    /// With the mistakes, up to [`MAX_MISTAKES`].
    fn from_json(file: &str, text: &str) -> Result<Self, InputErrors> {
        read(file, text, Format::Json, Self::problems)
    }

    /// Writes TOML, which [`Document::from_toml`] reads back.
    ///
    /// # Errors
    /// If a number exceeds what TOML holds, 64 bits with a sign.
    fn to_toml(&self) -> Result<String, WriteError> {
        toml::to_string(self).map_err(|error| WriteError(error.to_string()))
    }

    /// Writes JSON, which [`Document::from_json`] reads back.
    ///
    /// # Errors
    /// If the type has keys that are not strings.
    fn to_json(&self) -> Result<String, WriteError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| WriteError(error.to_string()))?;
        Ok(text + "\n")
    }
}

/// Reads a document and checks it with `problems`, which may know more than [`Document::problems`] does: the universe
/// that a policy is over, for instance.
///
/// # Errors
/// With the mistakes, up to [`MAX_MISTAKES`].
pub fn read<T: Document>(
    file: &str,
    text: &str,
    format: Format,
    problems: impl Fn(&T) -> Vec<Problem>,
) -> Result<T, InputErrors> {
    let text = match T::WRITTEN_BY {
        WrittenBy::People => without_mark(text),
        WrittenBy::Machines => text,
    };
    let tree = tree::refuse_byte_order_mark(text).and_then(|()| match format {
        Format::Toml => tree::from_toml(text),
        Format::Json => tree::from_json(text),
    });
    read_tree(file, text, tree, problems)
}

/// Reads a document from its tree, which was parsed from `text`.
pub(crate) fn read_tree<T: Document>(
    file: &str,
    text: &str,
    tree: Result<Node<'_>, Vec<Misfit>>,
    problems: impl Fn(&T) -> Vec<Problem>,
) -> Result<T, InputErrors> {
    let errors = |misfits| InputErrors::new(file, text, misfits);
    let mut root = tree.map_err(errors)?;
    let Reading { mut misfits, value, other } = reader::read::<T>(&mut root, T::WRITTEN_BY, text.len());
    if T::SECRET {
        for misfit in &mut misfits {
            "something else, which is secret and not shown".clone_into(&mut misfit.problem.found);
        }
    }
    // One more than are told, so that it shows that there are more.
    let broken = |value: &T| problems(value).into_iter().take(MAX_MISTAKES + 1).collect::<Vec<_>>();
    let mut rules = value.as_ref().map(broken).unwrap_or_default();
    if let Some(other) = other.as_ref().map(broken) {
        // What an invented number breaks, another one breaks in another way.
        rules.retain(|problem| other.contains(problem));
    }
    rules.retain(|problem| misfits.iter().all(|misfit| misfit.problem.path != problem.path));
    misfits.extend(rules.into_iter().map(|problem| Misfit { offset: root.locate(&problem.path), problem }));
    match value {
        Some(value) if misfits.is_empty() => Ok(value),
        _ => Err(errors(misfits)),
    }
}

/// A text without the byte order mark that some editors put before it.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Reads some keys of a TOML text, such as its kind, and passes over the others; nothing if it is no such text.
#[must_use]
pub fn toml_keys<T: DeserializeOwned>(text: &str) -> Option<T> {
    (text.len() <= MAX_TOML_BYTES).then(|| toml::from_str(without_mark(text)).ok())?
}

/// A value has no form in the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot be written: {0}")]
pub struct WriteError(String);

/// A mistake in an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// What the input is called.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The rule that is broken: where in the document, what was expected, what was found.
    pub problem: Problem,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.problem)
    }
}

/// The mistakes that were found in an input, in the order of their places; at least one. Prints one a line, and
/// mistakes of one cause on the line of the first.
///
/// If there are more than [`MAX_MISTAKES`] of an input, one that says so follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors(Vec<InputError>);

impl InputErrors {
    /// The mistakes.
    #[must_use]
    pub fn errors(&self) -> &[InputError] {
        &self.0
    }

    /// These mistakes, and then those of another input.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).collect())
    }

    /// Whether nothing is wrong but the version of the format.
    #[must_use]
    pub fn are_of_another_version(&self) -> bool {
        self.0.iter().all(|error| error.problem.path == "version")
    }

    /// The mistakes that another reader found in a text, each with the byte that it is at; none if there are none.
    #[must_use]
    pub fn found(file: &str, text: &str, mistakes: Vec<(usize, Problem)>) -> Option<Self> {
        let misfits: Vec<_> = mistakes.into_iter().map(|(offset, problem)| Misfit { offset, problem }).collect();
        (!misfits.is_empty()).then(|| Self::new(file, text, misfits))
    }

    fn new(file: &str, text: &str, mut misfits: Vec<Misfit>) -> Self {
        misfits.sort_by_key(|misfit| misfit.offset);
        misfits.truncate(MAX_MISTAKES + 1);
        if let Some(one_more) = misfits.get_mut(MAX_MISTAKES) {
            let problem = Problem::new("", format!("at most {MAX_MISTAKES} mistakes"), "more");
            one_more.problem = problem.advise("correct those before this place first");
        }
        let mut cursor = Cursor::new(text);
        let error = |misfit: Misfit| {
            cursor.advance(misfit.offset);
            InputError { file: file.to_owned(), line: cursor.line, column: cursor.column, problem: misfit.problem }
        };
        Self(misfits.into_iter().map(error).collect())
    }
}

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (error, others)) in self.causes().into_iter().enumerate() {
            let separator = if number == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
            write_places(f, &others)?;
        }
        Ok(())
    }
}

impl InputErrors {
    /// The first mistake of each cause, and the others of the same.
    fn causes(&self) -> Vec<(&InputError, Vec<&InputError>)> {
        let mut causes: Vec<(&InputError, Vec<&InputError>)> = Vec::new();
        let mut known = BTreeMap::new();
        for error in &self.0 {
            let Problem { path, expected, found, advice } = &error.problem;
            // Positions in lists are what mistakes of one cause differ in.
            let path: String = path.chars().filter(|character| !character.is_ascii_digit()).collect();
            let next = causes.len();
            match *known.entry((path, expected, found, advice)).or_insert(next) {
                position if position < next => causes[position].1.push(error),
                _ => causes.push((error, Vec::new())),
            }
        }
        causes
    }
}

/// Most places of a cause that are told beside the first.
const MAX_PLACES: usize = 5;

fn write_places(f: &mut fmt::Formatter<'_>, others: &[&InputError]) -> fmt::Result {
    if others.is_empty() {
        return Ok(());
    }
    let places = others.iter().take(MAX_PLACES).map(|error| format!("{}:{}", error.line, error.column));
    write!(f, "; the same at {}", places.collect::<Vec<_>>().join(", "))?;
    match others.len().saturating_sub(MAX_PLACES) {
        0 => Ok(()),
        1 => f.write_str(" and one place more"),
        more => write!(f, " and {more} places more"),
    }
}

impl core::error::Error for InputErrors {}

/// A place in a text that only moves on, so that all lines and columns together take one pass.
struct Cursor<'t> {
    rest: &'t str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'t> Cursor<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, offset: 0, line: 1, column: 1 }
    }

    /// Moves on to an offset, which belongs to the character that it is inside of.
    fn advance(&mut self, offset: usize) {
        let length = self.rest.floor_char_boundary(offset - self.offset);
        let (passed, rest) = self.rest.split_at(length);
        for (at, character) in passed.char_indices() {
            // A line ends in LF, CRLF or CR.
            let is_end = character == '\n' || (character == '\r' && !self.rest[at + 1..].starts_with('\n'));
            (self.line, self.column) = if is_end { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.rest = rest;
        self.offset += length;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::{
        decimal::Magnitude,
        ident::{Bytes32, EvmAddress, HexBytes, Name},
        units::{Decimals, Lots, Ppm, Price, Seconds, ShockPpm, Timestamp},
    };

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Letter {
        kind: Kind,
        flag: Option<bool>,
        count: i32,
        lines: Vec<String>,
        tags: BTreeMap<String, u8>,
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    enum Kind {
        #[serde(rename = "letter")]
        Letter,
    }

    impl Document for Letter {
        fn problems(&self) -> Vec<Problem> {
            let long = |path: String| Problem::new(path, "a short line", "a long one").advise("make it shorter");
            let lines = self.lines.iter().enumerate().filter(|(_, line)| line.len() > 5);
            let tags = self.tags.iter().filter(|(_, value)| **value > 5);
            lines
                .map(|(i, _)| long(format!("lines[{i}]")))
                .chain(tags.map(|(key, _)| long(format!("tags.{key}"))))
                .collect()
        }
    }

    const TOML: &str = "kind = 'letter'\ncount = -1\nlines = ['é', \"a\\tb\"]\n[tags]\na = 1\n'a.b' = 2\n";
    const JSON: &str = r#"{"lines": ["é", "a\tb"], "tags": {"a": 1, "a.b": 2}, "count": -1, "kind": "letter"}"#;

    #[track_caller]
    fn toml_refused(from: &str, to: &str, messages: &[&str]) {
        assert!(TOML.contains(from));
        refused(Letter::from_toml("t", &TOML.replacen(from, to, 1)), messages);
    }

    #[track_caller]
    fn json_refused(from: &str, to: &str, messages: &[&str]) {
        assert!(JSON.contains(from));
        refused(Letter::from_json("j", &JSON.replacen(from, to, 1)), messages);
    }

    #[track_caller]
    fn refused(result: Result<Letter, InputErrors>, messages: &[&str]) {
        let errors = result.unwrap_err();
        let told: Vec<_> = errors.errors().iter().map(ToString::to_string).collect();
        assert_eq!(told, messages);
    }

    #[test]
    fn mistakes_of_one_cause_are_told_on_one_line() {
        let lines = |count: usize| format!("{}'é'", "'a long line', ".repeat(count));
        let told = |count: usize| {
            let text = TOML.replacen("'é'", &lines(count), 1);
            Letter::from_toml("t", &text).unwrap_err().to_string()
        };
        let first = "t:3:10: lines[0]: expected a short line, found a long one; make it shorter";
        assert_eq!(told(1), first);
        assert_eq!(told(2), format!("{first}; the same at 3:25"));
        assert!(told(7).ends_with("3:25, 3:40, 3:55, 3:70, 3:85 and one place more"), "{}", told(7));
        assert!(told(50).ends_with("3:85 and 44 places more"), "{}", told(50));
        assert_eq!(told(50).lines().count(), 1);
    }

    #[test]
    fn formats_agree() {
        let letter = Letter::from_toml("t", TOML).unwrap();
        assert_eq!(letter.lines, ["é", "a\tb"]);
        assert_eq!(Letter::from_json("j", JSON).unwrap(), letter);
        assert_eq!(Letter::from_toml("t", &letter.to_toml().unwrap()).unwrap(), letter);
    }

    #[test]
    fn rejects_wrong_types() {
        toml_refused(
            "-1",
            "'1'",
            &["t:2:9: count: expected a whole number from -2147483648 to 2147483647, found \"1\""],
        );
        toml_refused(
            "-1",
            "1.0",
            &["t:2:9: count: expected a whole number from -2147483648 to 2147483647, found a floating-point number"],
        );
        toml_refused(
            "-1",
            "2147483648",
            &["t:2:9: count: expected a whole number from -2147483648 to 2147483647, found 2147483648"],
        );
        toml_refused(
            "-1",
            "340282366920938463463374607431768211456",
            &["t:2:9: count: expected a whole number from -2147483648 to 2147483647, found an integer of more than \
                 128 bits"],
        );
        toml_refused(
            "-1",
            "2026-01-01",
            &["t:2:9: count: expected a whole number from -2147483648 to 2147483647, found a date or time"],
        );
        toml_refused("['é'", "[5", &["t:3:10: lines[0]: expected a string, found 5"]);
        toml_refused("a = 1", "a = 256", &["t:5:5: tags.a: expected a whole number from 0 to 255, found 256"]);
        toml_refused("'letter'", "5", &["t:1:8: kind: expected `letter`, found 5"]);
        json_refused("\"count\"", "\"flag\": null, \"count\"", &["j:1:62: flag: expected a boolean, found null"]);
        json_refused("\"count\"", "\"flag\": 1, \"count\"", &["j:1:62: flag: expected a boolean, found 1"]);
        json_refused(
            "-1",
            "-0",
            &["j:1:63: count: expected a whole number from -2147483648 to 2147483647, found a negative zero"],
        );
        json_refused(
            "-1",
            "1e3",
            &["j:1:63: count: expected a whole number from -2147483648 to 2147483647, found a floating-point number"],
        );
        json_refused(
            "\"a.b\": 2",
            "\"a.b\": []",
            &["j:1:50: tags.a.b: expected a whole number from 0 to 255, found a list"],
        );
        json_refused("[\"é\", \"a\\tb\"]", "{}", &["j:1:11: lines: expected a list, found a table"]);
        refused(Letter::from_json("j", "[]"), &["j:1:1: expected a table with the keys of Letter, found a list"]);
        refused(
            Letter::from_json("j", "[\"letter\", true, 1, [], {}]"),
            &["j:1:1: expected a table with the keys of Letter, found a list"],
        );
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Couple {
        list: [u8; 2],
        tuple: (u8, u8),
    }

    impl Document for Couple {
        fn problems(&self) -> Vec<Problem> {
            Vec::new()
        }
    }

    /// Attack: a second text of the same document, with an item behind those that are read.
    #[test]
    fn rejects_items_behind_the_end_of_a_fixed_list() {
        let read = |list: &str, tuple: &str| Couple::from_json("j", &format!(r#"{{"list":{list},"tuple":{tuple}}}"#));
        assert_eq!(read("[1,2]", "[3,4]").unwrap(), Couple { list: [1, 2], tuple: (3, 4) });
        let error = |list, tuple| read(list, tuple).unwrap_err().to_string();
        assert_eq!(error("[1,2,2]", "[3,4]"), "j:1:14: list: expected at most 2 items, found 3");
        assert_eq!(error("[1,2]", "[3,4,4]"), "j:1:28: tuple: expected at most 2 items, found 3");
        let toml = Couple::from_toml("t", "list = [1, 2, 3]\ntuple = [3, 4]\n");
        assert_eq!(toml.unwrap_err().to_string(), "t:1:15: list: expected at most 2 items, found 3");
    }

    #[test]
    fn rejects_text_that_is_no_toml() {
        toml_refused("count = -1", "count -1", &["t:2:7: expected an = and a value after the key, found a key alone"]);
        toml_refused(
            "count = -1",
            "count = -1\ncount = 1\nkind = 'letter'",
            &[
                "t:3:1: expected each key of a table once, found a key again",
                "t:4:1: expected each key of a table once, found a key again",
            ],
        );
        toml_refused("count", "kind", &["t:2:1: expected each key of a table once, found a key again"]);
        toml_refused(
            "'letter'",
            "letter",
            &["t:1:8: expected a value, with quotes around text, found text without quotes"],
        );
    }

    #[test]
    fn rejects_text_that_is_no_json() {
        json_refused("-1,", "-1,,", &["j:1:66: expected a key in quotes, found something else"]);
        json_refused("-1", "01", &["j:1:64: expected a number without leading zeros, found another form"]);
        json_refused("}", "", &["j:1:82: expected a } at the end of the object, found the end of the text"]);
        json_refused(
            "\"é\"",
            "\"é\\ud800\"",
            &["j:1:20: expected 4 hexadecimal digits of a character behind \\u, found something else"],
        );
        json_refused(
            "\"é\"",
            "\"\u{1}\"",
            &["j:1:12: expected \\n, \\t or \\u00xx in text, found a control character"],
        );
        json_refused(
            "{",
            "// comment\n{",
            &["j:1:1: expected a value: text in quotes, a number, true or false, a list or an object, found \
                 something else"],
        );
        refused(Letter::from_json("j", &format!("{JSON} {{}}")), &["j:1:85: expected the end of the text, found more"]);
        refused(Letter::from_json("j", ""), &["j:1:1: expected a value, found the end of the text"]);
    }

    #[test]
    fn rejects_toml_that_takes_too_much_memory() {
        let text = format!("{TOML}{}", "#".repeat(MAX_TOML_BYTES - TOML.len()));
        assert!(Letter::from_toml("t", &text).is_ok());
        assert!(toml_keys::<toml::Table>(&text).is_some());
        let text = text + "#";
        let message =
            "t:1:1: expected at most 4194304 bytes of TOML, found 4194305; write a document of this size as JSON";
        refused(Letter::from_toml("t", &text), &[message]);
        assert!(toml_keys::<toml::Table>(&text).is_none());
    }

    #[test]
    fn rejects_repeated_keys_anywhere() {
        json_refused("\"a.b\"", "\"a\"", &["j:1:43: expected each key of an object once, found a key again"]);
        json_refused("\"a.b\"", "\"\\u0061\"", &["j:1:43: expected each key of an object once, found a key again"]);
        json_refused(
            "{\"lines\"",
            "{\"count\": 1, \"kind\": \"letter\", \"lines\"",
            &[
                "j:1:84: expected each key of an object once, found a key again",
                "j:1:97: expected each key of an object once, found a key again",
            ],
        );
        json_refused(
            "{\"a\"",
            "{\"b\": {\"c\": 1, \"c\": 2}, \"a\"",
            &["j:1:49: expected each key of an object once, found a key again"],
        );
    }

    /// As many mistakes as are told, and at `place` one that says that there are more.
    #[track_caller]
    fn refused_as_a_flood<T>(result: Result<T, InputErrors>, place: &str) {
        let errors = result.err().unwrap();
        assert_eq!(errors.errors().len(), MAX_MISTAKES + 1);
        let last = "expected at most 100 mistakes, found more; correct those before this place first";
        assert_eq!(errors.errors()[MAX_MISTAKES].to_string(), format!("{place}: {last}"));
    }

    #[test]
    fn rejects_a_flood_of_repeated_keys() {
        let flood = format!("{{{}\"a\":0}}", "\"a\":0,".repeat(200_000));
        refused_as_a_flood(Letter::from_json("j", &flood), "j:1:608");
    }

    #[test]
    fn rejects_a_flood_of_text_that_is_no_toml() {
        let flood = Letter::from_toml("t", &"=\n".repeat(400_000));
        refused(flood, &["t:1:1: expected a key before the =, found none"]);
    }

    #[test]
    fn rejects_a_flood_of_broken_rules() {
        let flood = "'longer',".repeat(MAX_MISTAKES) + "\n" + &"'longer', ".repeat(50_000);
        refused_as_a_flood(Letter::from_toml("t", &TOML.replacen("'é',", &flood, 1)), "t:4:1");
    }

    #[test]
    fn rejects_deep_nesting() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        json_refused("-1", &deep(40), &["j:1:94: expected at most 32 levels of nesting, found more"]);
        json_refused("-1", &deep(100_000), &["j:1:94: expected at most 32 levels of nesting, found more"]);
        toml_refused("-1", &deep(40), &["t:2:40: expected at most 32 levels of nesting, found more"]);
        assert!(Letter::from_toml("t", &TOML.replacen("-1", &deep(100_000), 1)).is_err());
    }

    #[test]
    fn rejects_a_byte_order_mark() {
        refused(
            Letter::from_toml("t", &format!("\u{feff}{TOML}")),
            &["t:1:1: expected text, found a byte order mark; save the file as UTF-8 without byte order mark"],
        );
    }

    /// The same as people write it.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        kind: Kind,
        time: Timestamp,
        delay: Seconds,
        share: Ppm,
        shock: Option<ShockPpm>,
        factor: Magnitude,
        owner: EvmAddress,
        hash: Bytes32,
        price: Price,
        limit: Price,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        name: Name,
        lots: Lots,
        decimals: Decimals,
    }

    impl Document for Order {
        const WRITTEN_BY: WrittenBy = WrittenBy::People;

        fn problems(&self) -> Vec<Problem> {
            let dear = crate::problem::require(self.price <= self.limit, "price", "at most the limit", self.price);
            let slow = crate::problem::require(self.delay.0 < 100_000, "delay", "less than a day or so", self.delay.0);
            dear.into_iter().chain(slow).collect()
        }
    }

    /// The same as machines write it.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Signed(Order);

    impl Document for Signed {
        fn problems(&self) -> Vec<Problem> {
            self.0.problems()
        }
    }

    const ORDER: &str = "kind = 'letter'\ntime = 1795248000\ndelay = 3600\nshare = 12500\nshock = -150000\n\
        factor = '0.0125'\nowner = '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'\n\
        hash = '0x00000000000000000000000000000000000000000000000000000000000000ff'\nprice = '1000000'\nlimit = \
        '2000000'\n\
        [[parts]]\nname = 'a'\nlots = '-5'\ndecimals = 2\n";

    /// Each spelling of a value of an order that people may write.
    const SPELLINGS: [(&str, &[&str]); 9] = [
        (
            "time = 1795248000",
            &[
                "time = 2026-11-21T08:00:00Z",
                "time = 2026-11-21T09:00:00.25+01:00",
                "time = 2026-11-21 08:00:00",
                "time = '2026-11-21T08:00:00Z'",
                "time = '1795248000'",
                "time = 1795248000123",
            ],
        ),
        ("delay = 3600", &["delay = '1h'", "delay = 'PT1H'", "delay = '60 min'", "delay = '3600'"]),
        ("share = 12500", &["share = '1.25 %'", "share = '1.25%'", "share = '125 bp'", "share = '12500 ppm'"]),
        ("shock = -150000", &["shock = '-15 %'", "shock = '-15.0%'"]),
        ("'0.0125'", &["'1.25 %'", "0.0125", "'0.01250'", "'125 bps'"]),
        (
            "'0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed'",
            &[
                "'0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'",
                "'5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED'",
                "'0X5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED'",
            ],
        ),
        (
            "0x00000000000000000000000000000000000000000000000000000000000000ff",
            &[
                "00000000000000000000000000000000000000000000000000000000000000FF",
                "0x00000000000000000000000000000000000000000000000000000000000000FF",
            ],
        ),
        ("'1000000'", &["1_000_000", "'1_000_000'", "1e6", "'1e6'"]),
        ("'-5'", &["-5", "'-05'"]),
    ];

    #[test]
    fn every_spelling_of_people_means_the_same() {
        let order = Order::from_toml("t", ORDER).unwrap();
        for (value, spellings) in SPELLINGS {
            for spelling in spellings {
                assert!(ORDER.contains(value), "{value}");
                let text = format!("\u{feff}{}", ORDER.replacen(value, spelling, 1));
                assert_eq!(Order::from_toml("t", &text), Ok(Order::from_toml("t", ORDER).unwrap()), "{spelling}");
            }
        }
        assert_eq!(Order::from_json("j", &format!("\u{feff}{}", order.to_json().unwrap())).unwrap(), order);
        assert_eq!(Signed::from_toml("t", ORDER).unwrap(), Signed(order));
    }

    /// Attack: two texts of one document, of which one was signed.
    #[test]
    fn rejects_every_spelling_but_one_in_what_machines_write() {
        for (value, spellings) in SPELLINGS {
            for spelling in spellings.iter().filter(|spelling| !spelling.contains("123") && **spelling != "'0.01250'") {
                assert!(Signed::from_toml("t", &ORDER.replacen(value, spelling, 1)).is_err(), "{spelling}");
            }
        }
        assert!(Signed::from_toml("t", &format!("\u{feff}{ORDER}")).is_err());
    }

    #[test]
    fn rejects_spellings_that_may_mean_something_else() {
        for (value, spelling, message) in [
            (
                "share = 12500",
                "share = 0.0125",
                "t:4:9: share: expected a percentage such as \"1.25 %\" or a whole number of ppm, found 0.0125",
            ),
            (
                "share = 12500",
                "share = '0.00125 %'",
                "t:4:9: share: expected a whole number of ppm: 0.0012 % or 0.0013 %, found \"0.00125 %\"",
            ),
            (
                "share = 12500",
                "share = '5'",
                "t:4:9: share: expected a percentage such as \"1.25 %\" or a whole number of ppm, found \"5\"",
            ),
            (
                "delay = 3600",
                "delay = '1M'",
                "t:3:9: delay: expected a duration such as 90s, 15m, 24h, 7d, 1h 30m or PT1H, found \"1M\"",
            ),
            (
                "delay = 3600",
                "delay = true",
                "t:3:9: delay: expected a duration such as \"24h\" or a number of seconds, found true",
            ),
            (
                "time = 1795248000",
                "time = 08:00:00",
                "t:2:8: time: expected a time such as 2026-11-21T08:00:00Z or 2026-11-21T09:00:00+01:00, a date such \
                 as 2026-11-21, or seconds since 1970, found \"08:00:00\"",
            ),
            (
                "5aaeb6053f",
                "5AAeb6053f",
                "t:7:9: owner: expected 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed, which has the right checksum \
                 (EIP-55), if that is the address, found \"0x5AAeb6053f3e94c9b9a09f33669435e7ef1beaed\"",
            ),
        ] {
            let errors = Order::from_toml("t", &ORDER.replacen(value, spelling, 1)).unwrap_err();
            assert_eq!(errors.to_string(), message);
        }
    }

    #[track_caller]
    fn all_mistakes(text: &str, messages: &[&str]) {
        let errors = Order::from_toml("t", text).unwrap_err();
        assert_eq!(errors.to_string().lines().collect::<Vec<_>>(), messages);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = "kind = 'letter'\ntime = 'soon'\ndelay = '200h'\nshares = 12500\nshock = []\ncolour = 1\n\
            owner = 5\nprice = '1.5'\nlimit = '2000000'\n\
            [[parts]]\nname = 'a'\nlots = '-5'\ndecimals = 99\n[[parts]]\nname = 'b'\n\
            [[parts]]\nname = 'c'\nlots = 5\ndecimals = 'two'\n";
        all_mistakes(
            text,
            &[
                "t:1:1: expected the keys `factor` and `hash`, found none of them",
                "t:2:8: time: expected a time such as 2026-11-21T08:00:00Z or 2026-11-21T09:00:00+01:00, a date such \
                 as 2026-11-21, or seconds since 1970, found \"soon\"",
                "t:4:1: expected the key `kind`, `time`, `delay`, `share`, `shock`, `factor`, `owner`, `hash`, \
                 `price`, `limit` or `parts`, found \"shares\"; did you mean `share`?",
                "t:5:9: shock: expected a percentage such as \"1.25 %\" or a whole number of ppm, found a list",
                "t:6:1: expected the key `kind`, `time`, `delay`, `share`, `shock`, `factor`, `owner`, `hash`, \
                 `price`, `limit` or `parts`, found \"colour\"",
                "t:7:9: owner: expected a string, found 5",
                "t:8:9: price: expected a price as a decimal integer in a string, without leading zeros, found \"1.5\"",
                "t:13:12: parts[0].decimals: expected 0 to 18 decimals, found 99",
                "t:14:1: parts[1]: expected the keys `lots` and `decimals`, found none of them",
                "t:19:12: parts[2].decimals: expected a whole number from 0 to 255, found \"two\"",
            ],
        );
    }

    #[test]
    fn rules_are_checked_where_they_hold_whatever_was_meant() {
        let text = ORDER.replacen("delay = 3600", "delay = '200h'", 1);
        let slow = "t:3:9: delay: expected less than a day or so, found 720000";
        all_mistakes(&text, &[slow]);
        all_mistakes(
            &text.replacen("share = 12500", "share = true", 1),
            &[slow, "t:4:9: share: expected a percentage such as \"1.25 %\" or a whole number of ppm, found true"],
        );
        // A limit that nobody knows is not exceeded.
        let unknown =
            "t:10:9: limit: expected a price as a decimal integer in a string, without leading zeros, found \"?\"";
        all_mistakes(&ORDER.replacen("'2000000'", "'?'", 1), &[unknown]);
        all_mistakes(&text.replacen("'2000000'", "'?'", 1), &[slow, unknown]);
        all_mistakes(
            &text.replacen("shock", "shok", 1),
            &[
                slow,
                "t:5:1: expected the key `kind`, `time`, `delay`, `share`, `shock`, `factor`, `owner`, `hash`, \
                 `price`, `limit` or `parts`, found \"shok\"; did you mean `shock`?",
            ],
        );
    }

    #[test]
    fn rejects_a_flood_of_values_that_do_not_fit() {
        let flood = "5,".repeat(MAX_MISTAKES) + "\n" + &"5, ".repeat(50_000);
        let errors = Letter::from_toml("t", &TOML.replacen("'é',", &flood, 1)).unwrap_err();
        assert_eq!(errors.errors().len(), MAX_MISTAKES + 1);
        let long = Letter::from_toml("t", &TOML.replacen("'é',", &"5, ".repeat(1_000_000), 1)).unwrap_err();
        assert!(!long.errors().is_empty());
    }

    #[test]
    fn problems_are_located_by_their_paths() {
        toml_refused(
            "['é'",
            "['a long line', 'é', 'longer'",
            &[
                "t:3:10: lines[0]: expected a short line, found a long one; make it shorter",
                "t:3:30: lines[2]: expected a short line, found a long one; make it shorter",
            ],
        );
        toml_refused(
            "'a.b' = 2",
            "'a.b' = 9",
            &["t:6:9: tags.a.b: expected a short line, found a long one; make it shorter"],
        );
        json_refused(
            "\"a\": 1, \"a.b\": 2",
            "\"a\": 8,\n \"a.b\": 9",
            &[
                "j:1:40: tags.a: expected a short line, found a long one; make it shorter",
                "j:2:9: tags.a.b: expected a short line, found a long one; make it shorter",
            ],
        );
    }

    #[test]
    fn columns_count_characters() {
        json_refused("\"a\\tb\"", "\"ééé\", 5", &["j:1:24: lines[2]: expected a string, found 5"]);
    }

    /// A list of one of the types that files hold as strings.
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Listed<T>(Vec<T>);

    impl<T: Serialize + DeserializeOwned> Document for Listed<T> {
        fn problems(&self) -> Vec<Problem> {
            Vec::new()
        }
    }

    #[test]
    fn rejects_long_texts_without_repeating_them() {
        let long = "x".repeat(1_000_000);
        for (from, to) in [("letter", &*long), ("count", &*long), ("-1", &*format!("'{long}'"))] {
            let errors = Letter::from_toml("t", &TOML.replacen(from, to, 1)).unwrap_err();
            assert!(errors.to_string().len() < 250, "{from}");
        }
        fn refused<T: Serialize + DeserializeOwned>(text: &str) {
            let errors = Listed::<T>::from_json("j", &format!("[\"{text}\"]")).err().unwrap().to_string();
            assert!(errors.ends_with(&format!(", found \"{}…", "x".repeat(79))), "{} bytes", errors.len());
        }
        refused::<Name>(&long);
        refused::<Price>(&long);
        refused::<Bytes32>(&long);
        refused::<HexBytes<1760>>(&long);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            prop_assert!(Letter::from_toml("t", &text).is_err());
            prop_assert!(Letter::from_json("j", &text).is_err());
        }

        #[test]
        fn no_change_makes_the_reader_panic(at in 0..JSON.len(), with in "[\\[\\]{}\",:0-9a-z\\\\\\n-]{0,3}") {
            let changed = |text: &str| {
                let at = text.floor_char_boundary(at);
                let next = text[at..].chars().next().map_or(0, char::len_utf8);
                format!("{}{with}{}", &text[..at], &text[at + next..])
            };
            for result in [Letter::from_toml("t", &changed(TOML)), Letter::from_json("j", &changed(JSON))] {
                if let Err(errors) = result {
                    prop_assert!(!errors.errors().is_empty());
                }
            }
        }
    }
}
