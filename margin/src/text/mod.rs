//! Text to values: one reader for every file, which says where each mistake is.
//!
//! A file becomes a [`tree`] of values that know where they stand, whatever its format; serde's derived readers run over
//! the tree, and rules that types cannot express are checked afterwards and located by their path. A type takes part by
//! implementing [`Document`].
//!
//! Every format is read strictly: no unknown or repeated keys, no byte order mark, no text behind the end, no fractions.
//! Reading takes memory in proportion to the text.

mod reader;
mod tree;

use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

use self::tree::Misfit;
pub(crate) use self::tree::{Key, Node, Value, from_csv};
use crate::problem::Problem;

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
    /// Whether the contents are secret: then errors do not repeat any of them.
    const SECRET: bool = false;

    /// Checks the rules that the type does not express; none broken if empty.
    fn problems(&self) -> Vec<Problem>;

    /// Reads and checks TOML. `file` is what errors call the input.
    ///
    /// # Errors
    /// With every mistake that was found.
    fn from_toml(file: &str, text: &str) -> Result<Self, InputErrors> {
        read(file, text, Format::Toml, Self::problems)
    }

    /// Reads and checks JSON. `file` is what errors call the input.
    ///
    /// # Errors
    /// With every mistake that was found.
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
/// With every mistake that was found.
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
    let located = |problem: Problem| Misfit {
        offset: root.locate(&problem.path),
        problem,
    };
    let misfits: Vec<_> = problems(&value).into_iter().map(located).collect();
    if misfits.is_empty() {
        Ok(value)
    } else {
        Err(errors(misfits))
    }
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

/// Every mistake that was found in an input, in the order of their places; at least one. Prints one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputErrors(Vec<InputError>);

impl InputErrors {
    /// The mistakes.
    #[must_use]
    pub fn errors(&self) -> &[InputError] {
        &self.0
    }

    /// The name of a file does not say its format.
    pub(crate) fn unknown_format(file: &str, expected: &str) -> Self {
        let problem = Problem::new("", expected, "another one");
        Self::new(file, "", vec![Misfit { offset: 0, problem }])
    }

    fn new(file: &str, text: &str, mut misfits: Vec<Misfit>) -> Self {
        misfits.sort_by_key(|misfit| misfit.offset);
        let error = |misfit: Misfit| {
            let (line, column) = line_and_column(text, misfit.offset);
            InputError {
                file: file.to_owned(),
                line,
                column,
                problem: misfit.problem,
            }
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

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    // An offset inside of a character belongs to that character.
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + String::from_utf8_lossy(&before[line_start..]).chars().count();
    (line, column)
}
