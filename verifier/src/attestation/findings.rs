//! What a verification tells people and programs: the same at the command line and in a browser.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};
use surety_core::{
    problem::Problem,
    text::{InputError, InputErrors},
};

use crate::attestation::{check::Accepted, rejection::Rejection};

impl Accepted {
    /// What is established, what is not, and what was taken on faith, as JSON.
    #[must_use]
    pub fn findings(&self) -> Value {
        let mut findings = json!(self);
        findings["established"] = json!(self.established());
        findings["not_established"] = json!(self.not_established());
        findings["faith"] =
            self.faith.iter().map(|anchor| json!({ "anchor": anchor, "text": anchor.to_string() })).collect();
        findings
    }
}

/// A rule that an input breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocatedProblem {
    /// The file, or what else was read.
    pub input: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Where in the document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What the rule expects.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do, where that does not go without saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Cow<'static, str>>,
}

impl LocatedProblem {
    /// A problem of an input as a whole.
    #[must_use]
    pub fn new(input: &str, problem: &Problem) -> Self {
        Self {
            input: input.to_owned(),
            line: None,
            column: None,
            path: problem.path.clone(),
            expected: problem.expected.clone(),
            found: problem.found.clone(),
            advice: problem.advice.clone(),
        }
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
}

impl From<&Rejection> for LocatedProblem {
    fn from(rejection: &Rejection) -> Self {
        Self {
            input: rejection.input.clone(),
            line: None,
            column: None,
            path: String::new(),
            expected: rejection.expected.clone(),
            found: rejection.found.clone(),
            advice: Some(rejection.rule.advice().into()),
        }
    }
}
