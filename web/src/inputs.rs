//! Reading what a message brings: documents, and the set-up of a universe.

use std::{borrow::Cow, io::Cursor};

use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure, LocatedProblem},
    text::{Document, InputErrors, Unfit},
};
use surety_kzg::{
    Params, Srs, SrsError, SrsId,
    import::{self, ImportProblem},
    progress::Silent,
};
use surety_margin::{policy::Policy, universe::Universe};
use surety_verifier::{KeyError, Protocol, VerifyingKey};

use crate::message::{File, Message, Role};

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file that is needed is not there.
    #[error("{0}: expected a file, found none")]
    Missing(&'static str),
    /// A file is no text, or too large for a document.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] InputErrors),
    /// What somebody wrote into a field.
    #[error("{field}: {problem}")]
    Term {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The verifying key, or the bases.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file of a set-up.
    #[error("{file}: {problem}")]
    SetUp {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: ImportProblem,
    },
}

impl Failure for InputError {
    fn class(&self) -> Class {
        match self {
            Self::Missing(_) | Self::Unfit(_) | Self::Term { .. } => Class::Input,
            Self::Mistakes(errors) => errors.class(),
            Self::Key(_) | Self::SetUp { .. } => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Missing(_) | Self::Unfit(_) => "file".into(),
            Self::Term { .. } => "term".into(),
            Self::Mistakes(errors) => errors.code(),
            Self::Key(_) | Self::SetUp { .. } => "set-up".into(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Mistakes(errors) => errors.problems(),
            _ => Vec::new(),
        }
    }
}

/// The first file with a role, which errors call `name`.
pub(crate) fn required<'a>(message: &'a Message<'_>, role: Role, name: &'static str) -> Result<File<'a>, InputError> {
    message.file(role).ok_or(InputError::Missing(name))
}

/// What somebody wrote into a field; none if nothing.
pub(crate) fn optional<T>(
    field: &'static str,
    text: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, InputError> {
    let text = text.trim();
    (!text.is_empty()).then(|| read(text)).transpose().map_err(|problem| InputError::Term { field, problem })
}

/// Reads the policy, over its universe.
pub(crate) fn read_policy(message: &Message<'_>, universe: &Universe) -> Result<Policy, InputError> {
    let policy = required(message, Role::Policy, "policy")?;
    Ok(Policy::read(policy.name, Unfit::text(policy.name, policy.content)?, universe)?)
}

/// Reads a document.
pub(crate) fn read<T: Document>(file: File<'_>) -> Result<T, InputError> {
    Ok(T::from_text(file.name, Unfit::text(file.name, file.content)?)?)
}

/// The set-up of a universe, and its file if there is one.
pub(crate) struct SetUp<'a> {
    id: SrsId,
    capacity: Capacity,
    powers: Option<File<'a>>,
    g2: Option<File<'a>>,
}

impl<'a> SetUp<'a> {
    pub(crate) fn of(message: &'a Message<'_>, universe: &Universe) -> Self {
        Self::new(message, SrsId::from(universe.srs), universe.capacity)
    }

    pub(crate) fn new(message: &'a Message<'_>, id: SrsId, capacity: Capacity) -> Self {
        let (powers, g2) = (message.file(Role::SetUp), message.file(Role::SetUpG2));
        Self { id, capacity, powers, g2 }
    }

    /// The key that is checked in, or, for a set-up that this version does not know, the one that its powers give.
    pub(crate) fn verifying_key(&self) -> Result<VerifyingKey, InputError> {
        match VerifyingKey::pinned(self.capacity, self.id) {
            Err(unknown @ KeyError::UnknownSrs { .. }) => {
                let srs = self.powers()?.ok_or(unknown)?;
                Ok(VerifyingKey::derive(Protocol::of(self.capacity).map_err(KeyError::from)?, &srs)?)
            }
            key => Ok(key?),
        }
    }

    /// The bases of the universe's capacity class, or none without the powers.
    pub(crate) fn params(&self) -> Result<Option<Params>, InputError> {
        let Some(srs) = self.powers()? else { return Ok(None) };
        Ok(Some(Params::from_srs(&srs, self.capacity, &Silent).map_err(KeyError::from)?))
    }

    /// The powers in the file, which must be of the universe's set-up.
    fn powers(&self) -> Result<Option<Srs>, InputError> {
        let Some(file) = self.powers else { return Ok(None) };
        let at = |file: &File<'_>| {
            let file = file.name.to_owned();
            move |problem| InputError::SetUp { file, problem }
        };
        let tau_g2 = self.g2.map(|file| import::read_g2(Cursor::new(file.content)).map_err(at(&file))).transpose()?;
        let srs = import::read(Cursor::new(file.content), tau_g2, Some(self.capacity), &Silent).map_err(at(&file))?;
        if srs.id() == self.id {
            return Ok(Some(srs));
        }
        Err(at(&file)(SrsError::OtherSetUp { expected: self.id, found: srs.id() }.into()))
    }
}
