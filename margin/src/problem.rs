//! What is wrong with an input, and where.

use core::fmt;

/// A rule that an input breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a path of keys and positions, like `model.positions[3].price`.
    pub path: String,
    /// What the rule expects.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Problem {
    /// A problem.
    pub fn new(path: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}
