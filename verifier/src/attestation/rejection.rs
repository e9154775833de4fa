//! Why an attestation is refused: the rule, where it is broken, what was expected, what was found, what to do.

use core::fmt;
use std::borrow::Cow;

use serde::Serialize;
use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    problem::{Problem, flattened},
};

/// The rules that attestations are held to. A file's form is checked before, by reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A file is the one that the attestation, or another file, refers to.
    Reference,
    /// What the verifier pinned is what is found.
    Anchor,
    /// Nothing is taken on faith where the verifier said so.
    Strict,
    /// The set-up comes from a public ceremony.
    SetUp,
    /// Nothing newer is known to the verifier.
    Superseded,
    /// A sequence number stands for one statement about an account.
    SequenceRepeated,
    /// Each required source states each account exactly once, in order.
    StatementSet,
    /// A statement is addressed to the attestation's registry on its chain.
    Audience,
    /// A statement is about the attestation's subject.
    Subject,
    /// A signature is well-formed and by the key it should be by.
    Signature,
    /// The subject is neither source nor oracle node of its own attestation.
    HolderIsNoSource,
    /// The commitments are points, and so is their sum.
    HoldingCommitment,
    /// The accounts are pledged to nobody else.
    Encumbrance,
    /// Statements are from one moment, up to the policy's skew.
    StatementSkew,
    /// Prices keep the policy's rules for reports and snapshots.
    Market,
    /// Prices have not moved too far since the snapshot before, where the policy refuses proofs then.
    Breaker,
    /// Nothing is from the future.
    NotYet,
    /// The attestation has not lapsed.
    Lapsed,
    /// The attestation ends when the snapshot or a statement does.
    Validity,
    /// Prices and statements were fresh when the newest of them was made.
    Age,
    /// The attestation is made for this verifier, or for anybody.
    Presentation,
    /// The attestation claims what the verifier asks for: sufficiency, or a shortfall.
    Claimed,
    /// The subject consents, where the policy requires it; a consent is the subject's.
    Consent,
    /// A source signs with a key: a contract's signature can be checked on its chain alone.
    ContractSource,
    /// The claim draws on the policy's vault in the state that the verifier has read, or on none.
    Vault,
    /// Collateral in the vault stood before the snapshot, and did not grow after the statements.
    Standing,
    /// Sources state nothing outside of their scopes.
    Scope,
    /// The pages of a book are those that it lists, each once.
    Page,
    /// The root of a book is that of its pages.
    Root,
    /// A cell is a user's, and in the book.
    Cell,
    /// The proof is for exactly this claim.
    Context,
    /// The proof is valid.
    Proof,
}

impl Rule {
    /// Its name, as it is serialised.
    #[must_use]
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => "rejected".to_owned(),
        }
    }

    /// The kind of fault that breaking the rule is: [`Class::Invalid`] or [`Class::Mismatch`].
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Reference
            | Self::Anchor
            | Self::Strict
            | Self::SetUp
            | Self::Superseded
            | Self::SequenceRepeated
            | Self::Audience
            | Self::Subject
            | Self::Presentation
            | Self::Claimed
            | Self::ContractSource
            | Self::Vault
            | Self::Root
            | Self::Context => Class::Mismatch,
            Self::StatementSet
            | Self::Signature
            | Self::Consent
            | Self::HolderIsNoSource
            | Self::HoldingCommitment
            | Self::Encumbrance
            | Self::StatementSkew
            | Self::Market
            | Self::Breaker
            | Self::NotYet
            | Self::Lapsed
            | Self::Validity
            | Self::Age
            | Self::Standing
            | Self::Scope
            | Self::Page
            | Self::Cell
            | Self::Proof => Class::Invalid,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Reference => "obtain the file that the attestation was made with",
            Self::Anchor => {
                "do not rely on the attestation, unless what you pinned has been replaced for a reason you know"
            }
            Self::Strict => "pin it in your trust file, or verify without --strict",
            Self::SetUp => "ask for a proof over a ceremony's set-up; for tests only, allow insecure set-ups",
            Self::Superseded => "ask for an attestation over the newest market and statements",
            Self::SequenceRepeated => {
                "do not rely on it, and ask the source: it has made two statements with one sequence number"
            }
            Self::StatementSet => "ask for an attestation with exactly the statements that the policy requires",
            Self::Audience => "ask for statements and an attestation that are addressed to your chain and registry",
            Self::Subject => "ask for statements about the subject of the attestation",
            Self::Signature => "do not rely on it: the content was changed after signing, or somebody else signed",
            Self::HolderIsNoSource => "do not rely on it: whoever proves must not vouch for the balances or the prices",
            Self::HoldingCommitment => "ask the sources for new statements",
            Self::Encumbrance => "ask the source to release the account or to pledge it to this policy",
            Self::StatementSkew => "ask the sources for statements of the same moment",
            Self::Market => "ask for an attestation over a snapshot that follows the policy's oracle rules",
            Self::Breaker => "ask for an attestation over a later snapshot, whose prices have settled",
            Self::NotYet => "compare your clock; otherwise do not rely on it",
            Self::Page => "do not rely on the book, and ask the venue for all of its pages",
            Self::Root => "do not rely on the book: its pages are others than those that its root commits to",
            Self::Cell => "ask the venue for your cell; if it insists, what you were told is not in the book",
            Self::Lapsed => "ask for a new attestation",
            Self::Validity => "ask for an attestation that ends in time",
            Self::Age => "ask for an attestation over prices and statements of the same time",
            Self::Presentation => "ask the subject for an attestation that is made for you, with a challenge of yours",
            Self::Claimed => "ask for what you need: a shortfall is no proof of sufficiency, nor the reverse",
            Self::Consent => "ask the subject to sign the attestation: surety consent",
            Self::ContractSource => {
                "have the attestation registry on its chain verify it, or use a policy whose source is a key"
            }
            Self::Vault => {
                "have the registry on its chain verify it, or verify it with what the policy's vault says of the \
                 subject at this checkpoint: surety chain vault"
            }
            Self::Standing => "ask for an attestation over a later snapshot, with later statements",
            Self::Scope => "do not rely on it: a source has stated what the policy does not trust it for",
            Self::Context => {
                "do not rely on it: the proof was made for another claim, or the claim was changed afterwards"
            }
            Self::Proof => "do not rely on it; ask for a new attestation",
        }
    }
}

/// Why an attestation is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Rejection {
    /// The rule that is broken.
    pub rule: Rule,
    /// The place, the expectation, and the rule's advice.
    pub problem: Problem,
}

impl Rejection {
    /// A broken rule, at a place in a file.
    pub fn new(rule: Rule, input: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        let (expected, found) = flattened(expected.into(), found.into());
        let advice = Some(rule.advice().into());
        Self { rule, problem: Problem { path: input.into(), expected, found, advice } }
    }
}

impl Failure for Rejection {
    fn class(&self) -> Class {
        self.rule.class()
    }

    fn code(&self) -> Cow<'static, str> {
        self.rule.name().into()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        let Problem { path, .. } = &self.problem;
        vec![LocatedProblem::new(path, &Problem { path: String::new(), ..self.problem.clone() })]
    }
}

/// Demands that two values are equal.
///
/// # Errors
/// With the rule, if they are not.
pub fn same<T: PartialEq + fmt::Display>(
    rule: Rule,
    input: impl fmt::Display,
    what: &str,
    expected: T,
    found: T,
) -> Result<(), Rejection> {
    require(expected == found, rule, input, || (format!("{what} {expected}"), found.to_string()))
}

/// Demands that a condition holds; says what was expected and found if it does not.
///
/// # Errors
/// With the rule, if it does not hold.
pub fn require(
    holds: bool,
    rule: Rule,
    input: impl fmt::Display,
    expected_and_found: impl FnOnce() -> (String, String),
) -> Result<(), Rejection> {
    if holds {
        return Ok(());
    }
    let (expected, found) = expected_and_found();
    Err(Rejection::new(rule, input.to_string(), expected, found))
}
