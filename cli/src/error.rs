//! The failures of commands themselves; those of their parts are the errors of the libraries.

use std::borrow::Cow;

use surety_core::{
    failure::{AnyFailure, Class, Failure, LocatedProblem},
    ident::Bytes32,
};
use surety_import::ForeignError;

/// Any failure that ends a command.
pub(crate) type Error = AnyFailure;

/// The command does not make sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

impl Failure for Usage {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "usage".into()
    }
}

/// A snapshot that the holder does not know to be published.
#[derive(Debug, thiserror::Error)]
#[error(
    "market: expected a published snapshot, found {0}, which no trust file of yours pins: whoever chose its prices may \
     learn something of your holdings; pin it under snapshots and give --trust, prove over prices that you have read \
     from the chain with --on-chain, or give --unpublished-snapshot"
)]
pub(crate) struct Unpublished(pub(crate) Bytes32);

impl Failure for Unpublished {
    fn class(&self) -> Class {
        Class::Mismatch
    }

    fn code(&self) -> Cow<'static, str> {
        "unpublished-snapshot".into()
    }
}

/// Checks of the installation failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct Unhealthy(pub(crate) Vec<String>);

impl Failure for Unhealthy {
    fn class(&self) -> Class {
        Class::Mismatch
    }

    fn code(&self) -> Cow<'static, str> {
        "doctor".into()
    }
}

/// The program was built without the page.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a program that carries the page, found one that was built without; take a release, or run web/build and \
     use web/dist/index.html, or build the program anew with SURETY_PAGE=web/dist/index.html"
)]
pub(crate) struct NoPage;

impl Failure for NoPage {
    fn class(&self) -> Class {
        Class::Mismatch
    }

    fn code(&self) -> Cow<'static, str> {
        "no-page".into()
    }
}

/// An account does not satisfy all levels that were asked for.
#[derive(Debug, thiserror::Error)]
#[error("not satisfied: {}", .0.join(", "))]
pub(crate) struct NotSatisfied(pub(crate) Vec<String>);

impl Failure for NotSatisfied {
    fn class(&self) -> Class {
        Class::Insufficient
    }

    fn code(&self) -> Cow<'static, str> {
        "insufficient".into()
    }
}

/// A file of somebody else cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}")]
pub(crate) struct ForeignFile {
    /// The file.
    pub(crate) file: String,
    /// The reason.
    pub(crate) error: ForeignError,
}

impl Failure for ForeignFile {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "import".into()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match &self.error {
            ForeignError::Rules(problems) => LocatedProblem::of_input(&self.file, problems),
            _ => Vec::new(),
        }
    }
}
