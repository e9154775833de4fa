//! Why a service does not start, and why a role does not do what is due.

use std::{borrow::Cow, path::PathBuf};

use surety_core::failure::{Class, Failure};

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Another process uses the state.
    #[error(
        "{}: expected a state directory of this process alone, found another process that uses it; stop that process, \
         or give this one a directory of its own",
        .0.display()
    )]
    Busy(PathBuf),
    /// The state cannot be used.
    #[error("{}: the state cannot be used: {reason}", path.display())]
    State {
        /// The database.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The state is of a later version.
    #[error(
        "{}: expected a state of version {known} or earlier, found version {found}; run the version of surety that \
         wrote it, or a later one",
        path.display()
    )]
    Version {
        /// The database.
        path: PathBuf,
        /// The last version that this program knows.
        known: i64,
        /// The version of the state.
        found: i64,
    },
    /// A value of the configuration cannot be used.
    #[error("{path}: expected {expected}, found {found}")]
    Configuration {
        /// Its place.
        path: String,
        /// What would do.
        expected: String,
        /// What is there; nothing that is secret.
        found: String,
    },
    /// The address for the server is not to be had.
    #[error("http.listen: expected an address that is free on this machine, found {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// Threads end only when they are told to.
    #[error("{0} ended by itself: please report this")]
    Ended(String),
}

impl ServiceError {
    /// A value of the configuration that cannot be used.
    pub(crate) fn value(path: &str, expected: &str, found: impl Into<String>) -> Self {
        Self::Configuration { path: path.to_owned(), expected: expected.to_owned(), found: found.into() }
    }
}

impl Failure for ServiceError {
    fn class(&self) -> Class {
        match self {
            Self::Configuration { .. } | Self::Listen { .. } | Self::Busy(_) => Class::Input,
            Self::Version { .. } => Class::Mismatch,
            Self::State { .. } => Class::Resources,
            Self::Ended(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Busy(_) | Self::State { .. } | Self::Version { .. } => "state".into(),
            Self::Configuration { .. } => "configuration".into(),
            Self::Listen { .. } => "listen".into(),
            Self::Ended(_) => "internal".into(),
        }
    }
}

/// Advice behind an error.
fn with(advice: Option<&str>) -> String {
    advice.map(|advice| format!("; {advice}")).unwrap_or_default()
}

/// Why a role does not do what is due. Says nothing that is secret.
#[derive(Debug, thiserror::Error)]
#[error("{input}: expected {expected}, found {found}{}", with(*advice))]
pub struct NotDone {
    /// What it is about.
    pub input: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: Option<&'static str>,
    class: Class,
}

impl NotDone {
    /// Something outside that does not answer, or not as it should: it will be tried again.
    pub(crate) fn outside(input: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            input: input.into(),
            expected: expected.into(),
            found: found.into(),
            advice: None,
            class: Class::Resources,
        }
    }

    /// Something that contradicts what this party knows.
    pub(crate) fn mismatch(input: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { class: Class::Mismatch, ..Self::outside(input, expected, found) }
    }

    /// An account of which a claim is not true.
    pub(crate) fn insufficient(input: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { class: Class::Insufficient, ..Self::outside(input, expected, "another") }
    }

    /// Something that this party has to mend.
    pub(crate) fn input(input: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { class: Class::Input, ..Self::outside(input, expected, found) }
    }

    /// With what to do about it.
    pub(crate) fn advise(self, advice: &'static str) -> Self {
        Self { advice: Some(advice), ..self }
    }
}

impl Failure for NotDone {
    fn class(&self) -> Class {
        self.class
    }

    fn code(&self) -> Cow<'static, str> {
        "role".into()
    }
}
