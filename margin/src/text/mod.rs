//! Text to values: one reader for every file, which says where each mistake is.
//!
//! A file becomes a tree of values that know where they stand, whatever its format; serde's derived readers run over
//! the tree, and rules that types cannot express are checked afterwards and located by their path. A type takes part by
//! implementing [`Document`].
//!
//! Documents are read strictly: no unknown or repeated keys, no byte order mark, no text behind the end, no fractions.
//! [Tables](table) and the [numbers](number) in them are read however they are spelled, as long as that has one meaning.
//! Reading takes time and memory in proportion to the text, however many mistakes it has: readers stop once they have
//! found more than [`MAX_MISTAKES`].

mod closest;
pub mod number;
mod reader;
pub mod table;
mod tree;

use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

pub use self::closest::{closest, did_you_mean};
use self::tree::Misfit;
pub(crate) use self::tree::{Node, from_csv};
use crate::problem::Problem;

/// How many mistakes of an input are told.
pub const MAX_MISTAKES: usize = 100;

/// Most bytes of a TOML text. Reading takes up to 90 bytes of memory for each; of JSON, half of it.
pub const MAX_TOML_BYTES: usize = 4 << 20;

/// The formats that documents are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// <https://toml.io/en/v1.1.0>
    Toml,
    /// RFC 8259
    Json,
}

/// Something that a file holds.
pub trait Document: Serialize + DeserializeOwned {
    /// Whether the contents are secret: then errors of reading do not repeat any of them, and [`Document::problems`]
    /// must not either.
    const SECRET: bool = false;

    /// Checks the rules that the type does not express; none broken if empty.
    fn problems(&self) -> Vec<Problem>;

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
    problems: impl FnOnce(&T) -> Vec<Problem>,
) -> Result<T, InputErrors> {
    let tree = match format {
        Format::Toml => tree::from_toml(text),
        Format::Json => tree::from_json(text),
    };
    read_tree(file, text, tree, problems)
}

/// Reads a document from its tree, which was parsed from `text`.
pub(crate) fn read_tree<T: Document>(
    file: &str,
    text: &str,
    tree: Result<Node<'_>, Vec<Misfit>>,
    problems: impl FnOnce(&T) -> Vec<Problem>,
) -> Result<T, InputErrors> {
    let errors = |misfits| InputErrors::new(file, text, misfits);
    let root = tree.map_err(errors)?;
    let value = reader::read(&root).map_err(|mut misfit| {
        if T::SECRET {
            "something else, which is secret and not shown".clone_into(&mut misfit.problem.found);
        }
        errors(vec![misfit])
    })?;
    let located = |problem: Problem| Misfit { offset: root.locate(&problem.path), problem };
    // One more than are told, so that it shows that there are more.
    let misfits: Vec<_> = problems(&value).into_iter().take(MAX_MISTAKES + 1).map(located).collect();
    if misfits.is_empty() { Ok(value) } else { Err(errors(misfits)) }
}

/// Reads some keys of a TOML text, such as its kind, and passes over the others; nothing if it is no such text.
#[must_use]
pub fn toml_keys<T: DeserializeOwned>(text: &str) -> Option<T> {
    (text.len() <= MAX_TOML_BYTES).then(|| toml::from_str(text).ok())?
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

/// The mistakes that were found in an input, in the order of their places; at least one. Prints one a line.
///
/// If there are more than [`MAX_MISTAKES`], one that says so follows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors(Vec<InputError>);

impl InputErrors {
    /// The mistakes.
    #[must_use]
    pub fn errors(&self) -> &[InputError] {
        &self.0
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
        for (i, error) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
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
        ident::{Bytes32, HexBytes, Name},
        units::Price,
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
        assert_eq!(errors.to_string().lines().collect::<Vec<_>>(), messages);
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
            &[
                "t:2:9: count: expected a whole number from -2147483648 to 2147483647, found an integer of more than 128 bits",
            ],
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
        toml_refused("count = -1", "count -1", &["t:2:7: expected valid TOML, found key with no value, expected `=`"]);
        toml_refused(
            "count = -1",
            "count = -1\ncount = 1\nkind = 'letter'",
            &["t:3:1: expected valid TOML, found duplicate key"],
        );
        toml_refused("count", "kind", &["t:2:1: expected valid TOML, found duplicate key"]);
        toml_refused(
            "'letter'",
            "letter",
            &["t:1:8: expected valid TOML, found string values must be quoted, expected literal string"],
        );
    }

    #[test]
    fn rejects_text_that_is_no_json() {
        json_refused("-1,", "-1,,", &["j:1:66: expected valid JSON, found key must be a string"]);
        json_refused("-1", "01", &["j:1:64: expected valid JSON, found invalid number"]);
        json_refused("}", "", &["j:1:82: expected valid JSON, found EOF while parsing an object"]);
        json_refused("\"é\"", "\"é\\ud800\"", &["j:1:20: expected valid JSON, found unexpected end of hex escape"]);
        json_refused(
            "\"é\"",
            "\"\u{1}\"",
            &["j:1:12: expected valid JSON, found control character (\\u0000-\\u001F) found while parsing a string"],
        );
        json_refused("{", "// comment\n{", &["j:1:1: expected valid JSON, found expected value"]);
        refused(
            Letter::from_json("j", &format!("{JSON} {{}}")),
            &["j:1:85: expected valid JSON, found trailing characters"],
        );
        refused(Letter::from_json("j", ""), &["j:1:1: expected valid JSON, found EOF while parsing a value"]);
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
        refused(
            flood,
            &["t:1:1: expected valid TOML, found unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"],
        );
    }

    #[test]
    fn rejects_a_flood_of_broken_rules() {
        let flood = "'longer',".repeat(MAX_MISTAKES) + "\n" + &"'longer', ".repeat(50_000);
        refused_as_a_flood(Letter::from_toml("t", &TOML.replacen("'é',", &flood, 1)), "t:4:1");
    }

    #[test]
    fn rejects_a_flood_of_lines_that_are_no_csv() {
        let flood = "\n".repeat(1_000_000);
        let tree = from_csv(&flood, &["a", "b"]);
        assert_eq!(tree.as_ref().err().unwrap().len(), MAX_MISTAKES + 1, "the rest is not read");
        refused_as_a_flood(read_tree("c", &flood, tree, Letter::problems), "c:101:1");
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
