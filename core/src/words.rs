//! Numbers of things in sentences.

use std::fmt::Display;

/// `1 attestation`, `2 attestations`; of times, `once`, `2 times`.
#[must_use]
pub fn counted(count: impl Display, noun: &str) -> String {
    match (&*count.to_string(), noun) {
        ("1", "time") => "once".to_owned(),
        ("1", _) => format!("1 {noun}"),
        (count, _) => format!("{count} {noun}s"),
    }
}

/// `1 attestation is`, `2 attestations are`.
#[must_use]
pub fn are(count: impl Display, noun: &str) -> String {
    let counted = counted(count, noun);
    let verb = if counted == format!("1 {noun}") { "is" } else { "are" };
    format!("{counted} {verb}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_and_verbs_agree_with_their_numbers() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "time")), ["0 times", "once", "2 times"]);
        assert_eq!([0, 1, 2].map(|count| counted(count, "gap")), ["0 gaps", "1 gap", "2 gaps"]);
        assert_eq!([0, 1, 2].map(|count| are(count, "gap")), ["0 gaps are", "1 gap is", "2 gaps are"]);
    }
}
