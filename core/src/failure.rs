//! Failures: the class of each, which decides an exit code, a word for programs, and the rules that an input breaks.
//!
//! Each crate has errors of its own. Every error that can end a command is a [`Failure`].

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    canonical::NotCanonical,
    problem::Problem,
    text::{InputError, InputErrors},
};

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A fault of this program.
    Internal,
    /// Bad usage or input.
    Input,
    /// A proof, a signature, or a rule about statements, prices and times does not hold.
    Invalid,
    /// The account does not satisfy the margin rule.
    Insufficient,
    /// Files or versions that do not belong together, or not to what a verifier trusts.
    Mismatch,
    /// Not enough memory or disk, or a statement that has borne all of its proofs.
    Resources,
}

impl Class {
    /// The class of a process of this program that failed with an exit code, or was killed.
    #[must_use]
    pub fn of_exit_code(code: Option<i32>) -> Self {
        match code {
            Some(2) => Self::Input,
            Some(3) => Self::Invalid,
            Some(4) => Self::Insufficient,
            Some(5) => Self::Mismatch,
            // Most that are killed were so for want of memory.
            Some(6) | None => Self::Resources,
            Some(_) => Self::Internal,
        }
    }
}

/// An error that can end a command.
pub trait Failure: std::error::Error {
    /// The class.
    fn class(&self) -> Class;

    /// A word for programs: the part of the work that failed, or the rule that an attestation breaks.
    fn code(&self) -> Cow<'static, str>;

    /// The mistakes in a text, if there are any.
    fn mistakes(&self) -> Option<&InputErrors> {
        None
    }

    /// The rules that an input breaks, one by one, for programs.
    fn problems(&self) -> Vec<LocatedProblem> {
        self.mistakes().map(LocatedProblem::in_text).unwrap_or_default()
    }
}

/// Any failure.
pub type AnyFailure = Box<dyn Failure + Send + Sync>;

impl<F: Failure + Send + Sync + 'static> From<F> for AnyFailure {
    fn from(failure: F) -> Self {
        Box::new(failure)
    }
}

/// A fault of this program: something that its own checks exclude.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: please report this")]
pub struct Internal(pub String);

impl Failure for Internal {
    fn class(&self) -> Class {
        Class::Internal
    }

    fn code(&self) -> Cow<'static, str> {
        "internal".into()
    }
}

/// A file of another version is a mismatch; any other mistake in a file is bad input.
impl Failure for InputErrors {
    fn class(&self) -> Class {
        if self.are_of_another_version() { Class::Mismatch } else { Class::Input }
    }

    fn code(&self) -> Cow<'static, str> {
        "input".into()
    }

    fn mistakes(&self) -> Option<&InputErrors> {
        Some(self)
    }
}

/// Only policies and universes have canonical encodings, and reading them has excluded what has none.
impl Failure for NotCanonical {
    fn class(&self) -> Class {
        Class::Internal
    }

    fn code(&self) -> Cow<'static, str> {
        "policy".into()
    }
}

/// A rule that an input breaks, with the place in the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedProblem {
    /// The name of a file or of another input.
    pub input: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The rule.
    #[serde(flatten)]
    pub problem: Problem,
}

impl LocatedProblem {
    /// A problem of an input as a whole.
    #[must_use]
    pub fn new(input: &str, problem: &Problem) -> Self {
        Self { input: input.to_owned(), line: None, column: None, problem: problem.clone() }
    }

    /// The mistakes in a text, with their places.
    #[must_use]
    pub fn in_text(errors: &InputErrors) -> Vec<Self> {
        let located = |error: &InputError| Self {
            line: Some(error.line),
            column: Some(error.column),
            ..Self::new(&error.file, &error.problem)
        };
        errors.errors().iter().map(located).collect()
    }

    /// The problems of one input.
    #[must_use]
    pub fn of_input(input: &str, problems: &[Problem]) -> Vec<Self> {
        problems.iter().map(|problem| Self::new(input, problem)).collect()
    }
}
