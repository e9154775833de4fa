//! What is not in order, by cause: how often, and some examples. A reader of a thousand findings of one cause needs the
//! cause once.

use std::collections::BTreeMap;

use serde::Serialize;
use surety_core::{failure::Class, ident::EvmAddress};

use super::{
    books::BookEntry,
    entry::{AuditEntry, Reason},
    finding::{Finding, FindingKind, Severity},
};

/// Most examples of a cause.
const MOST_EXAMPLES: usize = 5;

/// How much a cause weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Attestations or books are not accepted.
    Rejection,
    /// Somebody should explain it.
    Warning,
    /// It happens, and is good to know.
    Notice,
}

impl Weight {
    /// Every weight, the gravest first.
    pub const ALL: [Self; 3] = [Self::Rejection, Self::Warning, Self::Notice];

    /// The consequence, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Rejection => "the attestation or book is not accepted and establishes nothing as of the audit",
            Self::Warning => {
                "no attestation is less valid for it, and a holder, a source or an oracle should explain it"
            }
            Self::Notice => "no attestation is less valid for it, and it happens in good order",
        }
    }
}

/// A cause, and how often it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// How much it weighs.
    pub severity: Weight,
    /// A word for it: a rule that is broken, or a kind of finding.
    pub cause: String,
    /// A sentence on what it means.
    pub meaning: &'static str,
    /// How often it was found.
    pub count: usize,
    /// The first examples.
    pub examples: Vec<Example>,
}

/// An example of a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Whose attestation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<EvmAddress>,
    /// A sentence.
    pub message: String,
    /// Some of the files that show it.
    pub files: Vec<String>,
}

/// The meaning of a rejection of a class.
fn meaning_of(class: Class) -> &'static str {
    match class {
        Class::Invalid | Class::Insufficient => "what the file claims is not so, is not proven, or does not count",
        Class::Mismatch => "the file refers to others than those that are here, or than those that you trust",
        Class::Input => "the file cannot be read as what it says it is",
        Class::Resources | Class::Internal => "the file could not be checked on this machine",
    }
}

impl FindingKind {
    /// A sentence on what findings of this kind mean.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::StatementForTwoSubjects => {
                "one account vouches for two subjects; at least one attestation is rejected"
            }
            Self::SharedCommitment => "one account may stand behind two subjects, or masks were used again",
            Self::ConflictingStatements => "a source has stated two things under one sequence number",
            Self::SequenceRunsBackwards => "a later statement of a source is about an earlier time",
            Self::SeveralSnapshots => "two snapshots of one epoch exist, of which a holder could pick the kinder",
            Self::SeveralBooks => "two books of a venue exist for one moment, so that people may see different ones",
            Self::MissingBook => "the registry has a book of the venue that was not shown",
            Self::Shortfall => "an account was short of a level, which is proven",
            Self::UnusableFile => "a universe, policy or snapshot cannot be used, nor what refers to it",
            Self::StatementForTwoPolicies => "the same balances serve two policies, so they are pledged to neither",
            Self::SequenceGap => "a source has made a statement that was not shown",
            Self::Duplicate => "the same claim lies in several files and is counted for each",
            Self::MarkedPrices => "prices have jumped since the snapshot before, which the policy accepts",
            Self::BookWithoutPages => "a book was not verified, because archives keep no pages",
            Self::Lapse => "for some of the measured time nothing was attested, or what was is rejected",
            Self::UnexpectedAttestation => "the engagement does not expect the subject or the level",
        }
    }
}

/// Groups what is not accepted and what was found, the gravest first. `is_accepted` says which good entries count.
pub(super) fn causes(
    attestations: &[AuditEntry],
    books: &[BookEntry],
    findings: &[Finding],
    history: bool,
) -> Vec<Cause> {
    let mut causes: BTreeMap<(Weight, String), Cause> = BTreeMap::new();
    let mut add = |severity, cause: String, meaning, example: &dyn Fn() -> Example| {
        let cause = causes.entry((severity, cause.clone())).or_insert_with(|| Cause {
            severity,
            cause,
            meaning,
            count: 0,
            examples: Vec::new(),
        });
        cause.count += 1;
        if cause.examples.len() < MOST_EXAMPLES {
            cause.examples.push(example());
        }
    };
    let mut reject = |file: &str, reason: &Reason, subject: Option<EvmAddress>| {
        let example = || Example { subject, message: reason.message.clone(), files: vec![file.to_owned()] };
        add(Weight::Rejection, reason.code.clone(), meaning_of(reason.class), &example);
    };
    for entry in attestations.iter().filter(|entry| !(entry.is_good() && history)) {
        if let Some(reason) = &entry.reason {
            let claimed = entry.claim.as_ref().map(|claim| claim.subject);
            reject(&entry.file, reason, claimed.or(entry.stated.as_ref().map(|stated| stated.subject)));
        }
    }
    for book in books.iter().filter(|book| !(book.is_good() && history)) {
        if let Some(reason) = &book.reason {
            reject(&book.file, reason, book.stated.as_ref().map(|stated| stated.venue));
        }
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::Warning => Weight::Warning,
            Severity::Notice => Weight::Notice,
        };
        let example =
            || Example { subject: finding.subject, message: finding.message.clone(), files: finding.files.clone() };
        add(severity, finding.kind.name(), finding.kind.meaning(), &example);
    }
    causes.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::entry::Verdict;

    #[test]
    fn causes_are_counted_and_the_gravest_come_first() {
        let reason = |code: &str| Reason {
            code: code.to_owned(),
            class: Class::Invalid,
            input: String::new(),
            expected: String::new(),
            found: String::new(),
            message: "m".to_owned(),
        };
        let entry = |verdict, code| AuditEntry {
            file: "./a".to_owned(),
            verdict,
            sha256: None,
            reason: Some(reason(code)),
            stated: None,
            claim: None,
        };
        let mut attestations = vec![entry(Verdict::Rejected, "proof"); 7];
        attestations.push(entry(Verdict::Lapsed, "lapsed"));
        let finding = |kind| Finding::notice(kind, None, "f".to_owned(), ["./a"]);
        let warning = Finding { severity: Severity::Warning, ..finding(FindingKind::Lapse) };
        let findings = [finding(FindingKind::Duplicate), finding(FindingKind::Duplicate), warning];
        let counts = |history| -> Vec<(Weight, String, usize, usize)> {
            let causes = causes(&attestations, &[], &findings, history).into_iter();
            causes.map(|cause| (cause.severity, cause.cause, cause.count, cause.examples.len())).collect()
        };
        let row = |severity, cause: &str, count, examples| (severity, cause.to_owned(), count, examples);
        let others = [row(Weight::Warning, "lapse", 1, 1), row(Weight::Notice, "duplicate", 2, 2)];
        let rejections = [row(Weight::Rejection, "lapsed", 1, 1), row(Weight::Rejection, "proof", 7, MOST_EXAMPLES)];
        assert_eq!(counts(false), [&rejections[..], &others[..]].concat());
        assert_eq!(counts(true), [&rejections[1..], &others[..]].concat(), "what is accepted is no rejection");
    }
}
