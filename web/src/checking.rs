//! From a user's cell and the public files of its book to findings. The answer is the one that
//! `surety book check --json` gives on the same files.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use surety_books::{
    book::Book,
    cell::{CellFile, CellFiles, CellFindings, CellKeys, CellTerms},
};
use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    spelling,
};
use surety_margin::universe::Universe;
use surety_verifier::Rejection;

use crate::{
    envelope,
    inputs::{InputError, SetUp, optional, read, required},
    message::{Message, Role},
};

/// What a user brings along, as people write it; empty for what they do not say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckTerms {
    /// The root that the user knows from elsewhere.
    pub root: String,
    /// The name that the venue knows the user by.
    pub user: String,
    /// What the user has chosen.
    pub nonce: String,
    /// Whether to accept a set-up whose secret everybody knows.
    pub allow_insecure_srs: bool,
}

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The cell is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl Failure for CheckError {
    fn class(&self) -> Class {
        match self {
            Self::Input(error) => error.class(),
            Self::Rejected(rejection) => rejection.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Input(error) => error.code(),
            Self::Rejected(rejection) => rejection.code(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Input(error) => error.problems(),
            Self::Rejected(rejection) => rejection.problems(),
        }
    }
}

/// The answer to a message with a cell and the files of its book.
#[must_use]
pub fn answer(message: &Message<'_>) -> Value {
    match message.terms() {
        Ok(terms) => envelope::answer("book check", check(message, &terms).map(|found| json!(found))),
        Err(error) => envelope::internal("book check", &error),
    }
}

/// Checks the cell in a message.
///
/// # Errors
/// If a file is missing or has mistakes, or the first rule that is broken. Never says a balance.
pub fn check(message: &Message<'_>, terms: &CheckTerms) -> Result<CellFindings, CheckError> {
    let cell: CellFile = read(required(message, Role::Cell, "cell")?)?;
    let book: Book = read(required(message, Role::Book, "book")?)?;
    let universe: Universe = read(required(message, Role::Universe, "universe")?)?;
    let keys: CellKeys = read(required(message, Role::CellKeys, "cell keys")?)?;
    let set_up = SetUp::of(message, &universe).verifying_key()?;
    let user = terms.user.trim();
    let known = CellTerms {
        root: optional("root", &terms.root, spelling::hash)?,
        user: (!user.is_empty()).then_some(user),
        nonce: optional("nonce", &terms.nonce, spelling::hash)?,
    };
    let files = CellFiles { cell: &cell, book: &book, universe: &universe, keys: &keys, set_up: &set_up };
    Ok(files.check(&known, terms.allow_insecure_srs)?)
}
