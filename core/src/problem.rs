//! What is wrong with an input, and where.

use core::fmt;
use std::borrow::Cow;

use serde::Serialize;

use crate::{closest::did_you_mean, units::Seconds};

/// How much of what was found is repeated, in characters: whoever wrote the input also chose its length.
const MAX_FOUND: usize = 80;

/// A rule that an input breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: a path of keys and positions, like `model.positions[3].price`; empty for the input as a whole.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What the rule expects.
    pub expected: String,
    /// What was found, or how it begins.
    pub found: String,
    /// What to do, where that does not go without saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem. A long text that was found is cut short.
    pub fn new(path: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = flattened(expected.into(), found.into());
        Self { path: path.into(), expected, found: beginning(found), advice: None }
    }

    /// A problem of a sentence that says `expected …, found …`, as the constructors of types do: one that says it once.
    pub fn of_sentence(path: impl Into<String>, sentence: &str) -> Self {
        let rule = sentence.strip_prefix("expected ").unwrap_or(sentence);
        let (expected, found) = rule.split_once(", found ").unwrap_or((rule, "something else"));
        Self::new(path, expected, found)
    }

    /// Says what to do.
    #[must_use]
    pub fn advise(self, advice: impl Into<Cow<'static, str>>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Asks for the closest of the names that are there, if `unknown` is probably one of them, misspelt.
    #[must_use]
    pub fn suggest<'a>(self, unknown: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(unknown, names) {
            Some(question) => self.advise(question),
            None => self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "expected {}, found {}", self.expected, self.found)?;
        self.advice.iter().try_for_each(|advice| write!(f, "; {advice}"))
    }
}

/// What is wrong with an input, a line for each problem behind the input's name, if it has one; advice that several in
/// a row give stands behind the last of them.
#[must_use]
pub fn listed(input: &str, problems: &[Problem]) -> String {
    let place = if input.is_empty() { String::new() } else { format!("{input}: ") };
    let line = |(i, problem): (usize, &Problem)| {
        let is_repeated = problems.get(i + 1).is_some_and(|next| next.advice == problem.advice);
        let shown = if is_repeated { &Problem { advice: None, ..problem.clone() } } else { problem };
        format!("{place}{shown}")
    };
    problems.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}

/// What was expected and found, where `found` may be an error that says so itself: `expected …, found …`, behind a
/// place or at the start. One sentence of the two says what the inner one found; it also says what that expected, if
/// there is no place.
#[must_use]
pub fn flattened(expected: String, found: String) -> (String, String) {
    const RULE: &str = "expected ";
    let start = if found.starts_with(RULE) { Some(0) } else { found.find(&format!(": {RULE}")).map(|at| at + 2) };
    let Some(start) = start else { return (expected, found) };
    let (place, rule) = found.split_at(start);
    let rule = &rule[RULE.len()..];
    match rule.split_once(", found ") {
        Some((inner, found)) if place.is_empty() => (format!("{expected}: {inner}"), found.to_owned()),
        Some((_, found)) => (expected, format!("{place}{found}")),
        None => (expected, format!("{place}something other than {rule}")),
    }
}

fn beginning(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_FOUND) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A problem for each value that a list has more than once.
///
/// `path` gives the place of the element of a position, `expected` the rule.
pub fn repeated<T: Ord + fmt::Display>(
    values: impl IntoIterator<Item = T>,
    path: impl Fn(usize) -> String,
    expected: &str,
) -> Vec<Problem> {
    let mut seen = std::collections::BTreeSet::new();
    let mut problems = Vec::new();
    for (position, value) in values.into_iter().enumerate() {
        let found = format!("{value} again");
        if !seen.insert(value) {
            problems.push(Problem::new(path(position), expected, found));
        }
    }
    problems
}

/// A problem, if a list has no entry.
pub fn not_empty<T>(path: &str, list: &[T]) -> Option<Problem> {
    require(!list.is_empty(), path, "at least one entry", "none")
}

/// A problem, if a duration is zero.
pub fn positive(path: &str, duration: Seconds) -> Option<Problem> {
    require(duration.0 > 0, path, "at least one second", duration.0)
}

/// A problem, unless a rule holds.
pub fn require(
    holds: bool,
    path: impl Into<String>,
    expected: impl Into<String>,
    found: impl fmt::Display,
) -> Option<Problem> {
    (!holds).then(|| Problem::new(path, expected, found.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_listed_with_their_advice_once() {
        let problem = |path: &str, advice: &'static str| Problem::new(path, "more", "less").advise(advice);
        let listed = listed("file", &[problem("a", "look"), problem("b", "look"), problem("c", "think")]);
        let lines = ["file: a: expected more, found less", "file: b: expected more, found less; look"];
        assert_eq!(listed, format!("{}\nfile: c: expected more, found less; think", lines.join("\n")));
    }

    #[test]
    fn rejects_sentences_within_sentences() {
        let flat = |expected: &str, found: &str| Problem::new("", expected, found).to_string();
        assert_eq!(
            flat("a commitment", "expected a point on the curve, found the identity"),
            "expected a commitment: a point on the curve, found the identity"
        );
        assert_eq!(
            flat("a valid proof", "an invalid one: point 3: expected a point on the curve, found the identity"),
            "expected a valid proof, found an invalid one: point 3: the identity"
        );
        assert_eq!(flat("an amount", "expected 1 to 5"), "expected an amount, found something other than 1 to 5");
        assert_eq!(flat("a name", "\"expected x, found y\""), "expected a name, found \"expected x, found y\"");
        assert_eq!(flat("a name", "5"), "expected a name, found 5");
    }

    #[test]
    fn what_was_found_is_cut_short_between_characters() {
        let found = |length: usize| Problem::new("", "", "é".repeat(length)).found;
        assert_eq!(found(MAX_FOUND), "é".repeat(MAX_FOUND));
        assert_eq!(found(MAX_FOUND + 1), "é".repeat(MAX_FOUND) + "…");
    }
}
