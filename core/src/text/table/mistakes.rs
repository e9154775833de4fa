//! Mistakes and notes of a reader: what is refused, and what was done without being asked for.

use core::fmt;

use serde::Serialize;

use crate::{
    problem::Problem,
    text::{InputErrors, MAX_MISTAKES},
};

/// Something that a reader did with an input and its user should know of: what was ignored, what was rounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// What was done.
    pub what: String,
    /// In how many rows; none if that is not what it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
}

impl Note {
    /// A note about the whole input.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), rows: None }
    }

    /// A note about some rows; none if there are none.
    #[must_use]
    pub fn of_rows(what: impl Into<String>, rows: usize) -> Option<Self> {
        (rows > 0).then(|| Self { what: what.into(), rows: Some(rows) })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            None => f.write_str(&self.what),
            Some(1) => write!(f, "{} (1 row)", self.what),
            Some(rows) => write!(f, "{} ({rows} rows)", self.what),
        }
    }
}

/// The mistakes that a reader has found so far, each with the byte of the text that it is at.
#[derive(Clone, Debug, Default)]
pub struct Mistakes(Vec<(usize, Problem)>);

impl Mistakes {
    /// Adds one.
    pub fn add(&mut self, offset: usize, problem: Problem) {
        self.0.push((offset, problem));
    }

    /// The value, if that is what there is; a problem becomes a mistake.
    pub fn sift<T>(&mut self, offset: usize, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(offset, problem)).ok()
    }

    /// Whether there are more than are told, so that a reader may stop.
    #[must_use]
    pub fn are_enough(&self) -> bool {
        self.0.len() > MAX_MISTAKES
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses a text with mistakes. `file` is what errors call it.
    ///
    /// # Errors
    /// With the mistakes, up to [`MAX_MISTAKES`], unless there are none.
    pub fn refuse(self, file: &str, text: &str) -> Result<(), InputErrors> {
        InputErrors::found(file, text, self.0).map_or(Ok(()), Err)
    }
}
