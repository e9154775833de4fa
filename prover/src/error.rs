//! Every failure of this crate, and its class: what an exit code says.

use serde::Serialize;
use surety_calibration::parameters::CalibrateError;
use surety_core::{canonical::NotCanonical, text::InputErrors};
use surety_kzg::{
    download::DownloadError,
    import::{ImportError, ImportProblem},
    store::StoreError,
};
use surety_margin::{evaluate::EvaluateError, import::ImportError as ForeignError};
use surety_verifier::attestation::{
    compiled::CompiledError,
    findings::LocatedProblem,
    rejection::{self, Rejection},
};

use crate::{
    account::AccountError,
    archive::ArchiveError,
    audit::AuditError,
    chain::ChainError,
    directories::NoHome,
    documents::DocumentError,
    explain::ExplainError,
    files::{self, FileError},
    keys::KeyError,
    keystore::KeystoreError,
    ledger::LedgerError,
    obtain::ObtainError,
    oracle::OracleError,
    prove::ProveError,
    reproduce::ReproduceError,
    setup::SetupError,
    source::SourceError,
    vault::VaultError,
};

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A fault of this program.
    Internal,
    /// Bad usage or input.
    Input,
    /// The proof, or what it rests on, is not valid.
    Invalid,
    /// The account does not satisfy the margin rule.
    Insufficient,
    /// Files or versions that do not belong together.
    Mismatch,
    /// Not enough memory, or a statement that has borne all of its proofs.
    Resources,
}

/// Why something failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command does not make sense.
    #[error("{0}")]
    Usage(String),
    /// The program is at fault.
    #[error("{0}: please report this")]
    Internal(String),
    /// Checks of the installation failed.
    #[error("{}", .0.join("\n"))]
    Unhealthy(Vec<String>),
    /// A file cannot be read or written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A file of somebody else that was to be imported.
    #[error("{file}: {error}")]
    Foreign {
        /// The file.
        file: String,
        /// Why it cannot be imported.
        error: ForeignError,
    },
    /// An oracle's report, or a snapshot.
    #[error(transparent)]
    Oracle(#[from] OracleError),
    /// A signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The user's directories.
    #[error(transparent)]
    NoHome(#[from] NoHome),
    /// A set-up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A set-up's file.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A set-up that was to be got from somewhere.
    #[error(transparent)]
    Obtain(#[from] ObtainError),
    /// A set-up's download.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// New parameters of a policy.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// A policy's commitments.
    #[error(transparent)]
    Compiled(#[from] CompiledError),
    /// A source's statement.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// An explanation.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// An account that does not satisfy all levels that were asked for.
    #[error("not satisfied: {}", .0.join(", "))]
    NotSatisfied(Vec<String>),
    /// The ledger of proofs.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// An archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// What is said of a vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A contract, or the way to it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An attestation is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Many attestations.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What was recomputed is not what is claimed.
    #[error(transparent)]
    Reproduce(#[from] ReproduceError),
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        Self::Document(error.into())
    }
}

impl From<InputErrors> for Error {
    fn from(error: InputErrors) -> Self {
        Self::Document(error.into())
    }
}

impl From<NotCanonical> for Error {
    fn from(error: NotCanonical) -> Self {
        Self::Compiled(error.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Setup(error.into())
    }
}

impl Error {
    /// Its class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Setup(SetupError::Store(StoreError::File(error)))
            | Self::Download(DownloadError::File(error))
            | Self::Obtain(
                ObtainError::Store(StoreError::File(error)) | ObtainError::Download(DownloadError::File(error)),
            ) if files::is_lack_of_space(&error.error) => Class::Resources,
            Self::Key(KeyError::Keystore { error: KeystoreError::Memory(_), .. }) => Class::Resources,
            Self::Usage(_)
            | Self::Calibrate(_)
            | Self::Foreign { .. }
            | Self::Oracle(OracleError::Problems { .. })
            | Self::Key(_)
            | Self::NoHome(_) => Class::Input,
            Self::Oracle(OracleError::Previous(rejection)) => refused_class(rejection),
            Self::Document(error) => document_class(error),
            Self::Internal(_) | Self::Oracle(_) => Class::Internal,
            Self::Import(error) => import_class(error),
            Self::Download(error) => download_class(error),
            Self::Obtain(error) => obtain_class(error),
            Self::Setup(_) | Self::Unhealthy(_) => Class::Mismatch,
            Self::Compiled(error) => compiled_class(error),
            Self::Source(error) => source_class(error),
            Self::Account(error) => account_class(error),
            Self::Explain(ExplainError { error: EvaluateError::Policy(_), .. }) => Class::Input,
            Self::Explain(ExplainError { error: EvaluateError::Overflow, .. }) => Class::Internal,
            Self::NotSatisfied(_) => Class::Insufficient,
            Self::Ledger(error) => ledger_class(error),
            Self::Archive(error) => archive_class(error),
            Self::Prove(error) => prove_class(error),
            Self::Audit(error) => error.class(),
            Self::Reproduce(error) => error.class(),
            Self::Vault(error) => vault_class(error),
            Self::Chain(error) => error.class(),
            Self::Rejected(rejection) => match rejection.class() {
                rejection::Class::Invalid => Class::Invalid,
                rejection::Class::Mismatch => Class::Mismatch,
            },
        }
    }

    /// A word for programs: which part of the work failed, or which rule an attestation breaks.
    #[must_use]
    pub fn code(&self) -> String {
        let word = match self {
            Self::Usage(_) => "usage",
            Self::Internal(_) => "internal",
            Self::Unhealthy(_) => "doctor",
            Self::Document(DocumentError::File(_)) => "file",
            Self::Document(_) => "input",
            Self::Foreign { .. } => "import",
            Self::Oracle(_) => "market",
            Self::Key(_) => "key",
            Self::NoHome(_) => "directories",
            Self::Obtain(ObtainError::Download(_)) | Self::Download(_) => "download",
            Self::Setup(_) | Self::Import(_) | Self::Obtain(_) => "set-up",
            Self::Calibrate(_) => "calibrate",
            Self::Compiled(_) => "policy",
            Self::Source(_) => "source",
            Self::Account(_) | Self::Prove(ProveError::Account(_)) => "account",
            Self::Explain(_) => "explain",
            Self::Vault(_) | Self::Prove(ProveError::Vault(_)) => "vault",
            Self::Chain(_) => "chain",
            Self::Ledger(_) | Self::Prove(ProveError::Ledger(_)) => "ledger",
            Self::Archive(ArchiveError::File(_)) => "file",
            Self::Archive(ArchiveError::Content(_)) => "input",
            Self::Archive(_) => "archive",
            Self::NotSatisfied(_) | Self::Prove(ProveError::Insufficient(_)) => "insufficient",
            Self::Prove(ProveError::Memory(_)) => "memory",
            Self::Audit(_) => "audit",
            Self::Reproduce(_) => "reproduce",
            Self::Rejected(rejection) | Self::Prove(ProveError::Refused(rejection)) => return rejection.rule.name(),
            Self::Prove(_) => "prove",
        };
        word.to_owned()
    }

    /// The rules that an input breaks, one by one, for programs.
    #[must_use]
    pub fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Document(DocumentError::Content(errors)) | Self::Archive(ArchiveError::Content(errors)) => {
                LocatedProblem::in_text(errors)
            }
            Self::Oracle(OracleError::Problems { input, problems })
            | Self::Chain(ChainError::Problems { input, problems }) => {
                problems.iter().map(|problem| LocatedProblem::new(input, problem)).collect()
            }
            Self::Calibrate(CalibrateError::Calibration(problems)) => {
                problems.iter().map(|problem| LocatedProblem::new("calibration", problem)).collect()
            }
            Self::Calibrate(CalibrateError::Policy(problems)) => {
                problems.iter().map(|problem| LocatedProblem::new("new policy", problem)).collect()
            }
            Self::Foreign { file, error: ForeignError::Rules(problems) } => {
                problems.iter().map(|problem| LocatedProblem::new(file, problem)).collect()
            }
            Self::Rejected(rejection)
            | Self::Prove(ProveError::Refused(rejection))
            | Self::Oracle(OracleError::Previous(rejection)) => vec![rejection.into()],
            Self::Reproduce(ReproduceError::Differs { differences, .. }) => differences.to_vec(),
            _ => Vec::new(),
        }
    }
}

/// What is no set-up, or only the start of one, is bad input; a set-up that is damaged or another one is a mismatch.
fn import_class(error: &ImportError) -> Class {
    match error.problem {
        ImportProblem::Io(_)
        | ImportProblem::Foreign(_)
        | ImportProblem::Incomplete { .. }
        | ImportProblem::EndsEarly { .. } => Class::Input,
        _ => Class::Mismatch,
    }
}

fn download_class(error: &DownloadError) -> Class {
    match error {
        DownloadError::WrongHash { .. } | DownloadError::WrongLength { .. } | DownloadError::TooLong { .. } => {
            Class::Mismatch
        }
        _ => Class::Input,
    }
}

fn obtain_class(error: &ObtainError) -> Class {
    match error {
        ObtainError::Name { .. } | ObtainError::NotPublished { .. } | ObtainError::Missing { .. } => Class::Input,
        ObtainError::OtherCeremony { .. }
        | ObtainError::UnknownOrigin { .. }
        | ObtainError::Insecure { .. }
        | ObtainError::Store(_) => Class::Mismatch,
        ObtainError::Download(error) => download_class(error),
        ObtainError::Import(error) => import_class(error),
        ObtainError::File(error) => file_class(error),
    }
}

/// A file of another version is a mismatch; any other mistake in a file is bad input.
fn document_class(error: &DocumentError) -> Class {
    match error {
        DocumentError::Content(errors) if errors.are_of_another_version() => Class::Mismatch,
        DocumentError::File(error) => file_class(error),
        DocumentError::Content(_) => Class::Input,
        DocumentError::Write(_) => Class::Internal,
    }
}

fn file_class(error: &FileError) -> Class {
    if error.is_lack_of_space() { Class::Resources } else { Class::Input }
}

/// An archive that is not whole is worth nothing until its owner knows why.
fn archive_class(error: &ArchiveError) -> Class {
    match error {
        ArchiveError::Kind(_) | ArchiveError::Content(_) | ArchiveError::Unreadable { .. } => Class::Input,
        ArchiveError::File(error) => file_class(error),
        ArchiveError::NoArchive(_)
        | ArchiveError::Foreign(_)
        | ArchiveError::Version { .. }
        | ArchiveError::Broken { .. }
        | ArchiveError::OtherHistory { .. } => Class::Mismatch,
        ArchiveError::Disk { .. } => Class::Resources,
        ArchiveError::Database { .. } => Class::Internal,
    }
}

fn compiled_class(error: &CompiledError) -> Class {
    match error {
        CompiledError::Policy(_) | CompiledError::Rules(_) => Class::Input,
        CompiledError::Mismatch { .. } | CompiledError::Point { .. } => Class::Mismatch,
        CompiledError::Encoding(_) => Class::Internal,
    }
}

fn source_class(error: &SourceError) -> Class {
    match error {
        SourceError::Holdings(_) | SourceError::Lapsed { .. } => Class::Input,
        SourceError::Universe(_) | SourceError::Commitment(_) | SourceError::Signature(_) => Class::Internal,
    }
}

fn account_class(error: &AccountError) -> Class {
    match error {
        AccountError::NoOpening { .. } | AccountError::Holdings(_) | AccountError::Sum(_) => Class::Input,
        AccountError::OtherOpening { .. } => Class::Mismatch,
        AccountError::Commitment(_) => Class::Internal,
    }
}

fn vault_class(error: &VaultError) -> Class {
    match error {
        VaultError::Balances(_) => Class::Input,
        VaultError::Other { .. } | VaultError::Point(_) | VaultError::Commitment { .. } => Class::Mismatch,
    }
}

fn ledger_class(error: &LedgerError) -> Class {
    match error {
        LedgerError::Exhausted { .. } => Class::Resources,
        LedgerError::MasksReused { .. } => Class::Input,
        LedgerError::Damaged { .. } => Class::Mismatch,
        LedgerError::File(error) => file_class(error),
        LedgerError::Lock { .. } => Class::Internal,
    }
}

/// There is no proof yet that could be invalid: the inputs are.
fn refused_class(rejection: &Rejection) -> Class {
    match rejection.class() {
        rejection::Class::Mismatch => Class::Mismatch,
        rejection::Class::Invalid => Class::Input,
    }
}

fn prove_class(error: &ProveError) -> Class {
    match error {
        ProveError::NoLevel { .. } | ProveError::NoStatements => Class::Input,
        ProveError::Refused(rejection) => refused_class(rejection),
        ProveError::Account(error) => account_class(error),
        ProveError::Vault(error) => vault_class(error),
        ProveError::Insufficient(_) => Class::Insufficient,
        ProveError::Memory(_) => Class::Resources,
        ProveError::Ledger(error) => ledger_class(error),
        ProveError::Key(surety_circuits::ProvingKeyError::MaxDegree(_)) => Class::Input,
        ProveError::Disagreement
        | ProveError::Holding(_)
        | ProveError::Witness(_)
        | ProveError::Key(_)
        | ProveError::Proof(_) => Class::Internal,
    }
}
