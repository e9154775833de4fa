//! From files to findings: reads them, finds the keys and commitments that go with them, and has the verifier check the
//! attestation. The answer is the one that `surety verify --json` gives on the same files.

use std::{borrow::Cow, io::Cursor};

use serde_json::{Value, json};
use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure, Internal, LocatedProblem},
    text::{Document, InputErrors},
};
use surety_kzg::{
    Params, Srs, SrsError, SrsId,
    import::{self, ImportProblem},
    progress::Silent,
};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{
    Attestation, CommittedPolicy, CompiledPolicy, KeyError, Protocol, Rejection, Trust, VerifyingKey,
    attestation::{
        check::{self, Accepted, Files},
        compiled::{CompiledError, CompiledPolicyFile},
    },
};

use crate::message::{File, Message, Role};

/// Version of the answer's form: that of the command line.
const VERSION: u32 = 1;

/// The largest capacity class whose bases a browser computes: with one thread, the next takes minutes.
const MAX_K: u32 = 12;

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file that it takes is not there.
    #[error("{0}: expected a file, found none")]
    Missing(&'static str),
    /// A file is not text.
    #[error("{0}: expected text in UTF-8")]
    NotText(String),
    /// A file has mistakes.
    #[error(transparent)]
    Input(#[from] InputErrors),
    /// The policy's commitments.
    #[error(transparent)]
    Policy(#[from] CompiledError),
    /// The verifying key.
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
    /// The attestation is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl Failure for VerifyError {
    fn class(&self) -> Class {
        match self {
            Self::Missing(_) | Self::NotText(_) => Class::Input,
            Self::Input(errors) => errors.class(),
            Self::Policy(error) => error.class(),
            Self::Key(_) | Self::SetUp { .. } => Class::Mismatch,
            Self::Rejected(rejection) => rejection.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Missing(_) | Self::NotText(_) => "file".into(),
            Self::Input(errors) => errors.code(),
            Self::Policy(error) => error.code(),
            Self::Key(_) | Self::SetUp { .. } => "set-up".into(),
            Self::Rejected(rejection) => rejection.code(),
        }
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Input(errors) => errors.problems(),
            Self::Rejected(rejection) => rejection.problems(),
            _ => Vec::new(),
        }
    }
}

/// The answer to a message with the files of an attestation.
#[must_use]
pub fn answer(message: &Message<'_>) -> Value {
    match verify(message) {
        Ok(accepted) => envelope(true, "data", accepted.findings()),
        Err(failure) => failed(&failure),
    }
}

/// The answer if the page is at fault.
#[must_use]
pub fn internal(error: &str) -> Value {
    failed(&Internal(error.to_owned()))
}

fn failed(failure: &dyn Failure) -> Value {
    let message = failure.to_string();
    let error = json!({
        "code": failure.code(), "class": failure.class(), "message": message, "problems": failure.problems(),
    });
    envelope(false, "error", error)
}

fn envelope(ok: bool, key: &str, content: Value) -> Value {
    json!({ "surety": env!("CARGO_PKG_VERSION"), "version": VERSION, "command": "verify", "ok": ok, key: content })
}

/// Verifies the attestation in a message.
///
/// # Errors
/// If a file is missing or has mistakes, or the first rule that is broken.
pub fn verify(message: &Message<'_>) -> Result<Accepted, VerifyError> {
    let required = |role, name| message.file(role).ok_or(VerifyError::Missing(name));
    let attestation: Attestation = read(required(Role::Attestation, "attestation")?)?;
    let universe: Universe = read(required(Role::Universe, "universe")?)?;
    let policy = required(Role::Policy, "policy")?;
    let policy = Policy::read(policy.name, text(policy)?, &universe)?;
    let snapshot: Snapshot = read(required(Role::Market, "market snapshot")?)?;
    let trust: Option<Trust> = message.file(Role::Trust).map(read).transpose()?;

    let set_up = SetUp::new(message, &universe);
    let verifying_key = set_up.verifying_key()?;
    let policy = match set_up.params()? {
        Some(params) => CompiledPolicy::compile(policy, universe, &params)?.committed().clone(),
        None => {
            let published: CompiledPolicyFile = read(required(Role::CompiledPolicy, "compiled policy")?)?;
            CommittedPolicy::published(policy, universe, &published)?
        }
    };
    let terms = message.terms();
    let terms = check::VerifierTerms {
        trust: trust.as_ref(),
        strict: terms.strict,
        allow_insecure_srs: terms.allow_insecure_srs,
        // Only a verifier who has read a vault can check what draws on it: see surety verify --vault.
        vault: None,
        // As above: challenges are for surety verify --challenge.
        presentation: check::Presentation::Anybody,
        contract_sources: false,
        now: terms.now,
    };
    let files = Files { policy: &policy, snapshot: &snapshot, verifying_key: &verifying_key };
    Ok(check::verify(&attestation, &files, &terms)?)
}

/// Reads a document: TOML if the file's name ends in `.toml`, otherwise JSON.
pub(crate) fn read<T: Document>(file: File<'_>) -> Result<T, VerifyError> {
    let text = text(file)?;
    Ok(if file.name.ends_with(".toml") { T::from_toml(file.name, text)? } else { T::from_json(file.name, text)? })
}

fn text(file: File<'_>) -> Result<&str, VerifyError> {
    core::str::from_utf8(file.content).map_err(|_| VerifyError::NotText(file.name.to_owned()))
}

/// The set-up of a universe, and its file if there is one.
struct SetUp<'a> {
    id: SrsId,
    capacity: Capacity,
    powers: Option<File<'a>>,
    g2: Option<File<'a>>,
}

impl<'a> SetUp<'a> {
    fn new(message: &'a Message<'_>, universe: &Universe) -> Self {
        let (powers, g2) = (message.file(Role::SetUp), message.file(Role::SetUpG2));
        Self { id: SrsId::from(universe.srs), capacity: universe.capacity, powers, g2 }
    }

    /// The key that is checked in, or, for a set-up that this version does not know, the one that its powers give.
    fn verifying_key(&self) -> Result<VerifyingKey, VerifyError> {
        match VerifyingKey::pinned(self.capacity, self.id) {
            Err(unknown @ KeyError::UnknownSrs { .. }) => {
                let srs = self.powers()?.ok_or(unknown)?;
                Ok(VerifyingKey::derive(Protocol::of(self.capacity).map_err(KeyError::from)?, &srs)?)
            }
            key => Ok(key?),
        }
    }

    /// The bases to commit to the policy's programs with, or none without the powers or for large classes.
    fn params(&self) -> Result<Option<Params>, VerifyError> {
        if self.capacity.k() > MAX_K {
            return Ok(None);
        }
        let Some(srs) = self.powers()? else { return Ok(None) };
        Ok(Some(Params::from_srs(&srs, self.capacity, &Silent).map_err(KeyError::from)?))
    }

    /// The powers in the file, which must be of the universe's set-up.
    fn powers(&self) -> Result<Option<Srs>, VerifyError> {
        let Some(file) = self.powers else { return Ok(None) };
        let at = |file: &File<'_>| {
            let file = file.name.to_owned();
            move |problem| VerifyError::SetUp { file, problem }
        };
        let tau_g2 = self.g2.map(|file| import::read_g2(Cursor::new(file.content)).map_err(at(&file))).transpose()?;
        let srs = import::read(Cursor::new(file.content), tau_g2, Some(self.capacity), &Silent).map_err(at(&file))?;
        if srs.id() == self.id {
            return Ok(Some(srs));
        }
        Err(at(&file)(SrsError::OtherSetUp { expected: self.id, found: srs.id() }.into()))
    }
}
