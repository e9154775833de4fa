//! Auditing: every attestation below a directory, with one pairing for all proofs over a set-up, and every book.
//!
//! Start with [`run`]. An attestation is judged as of the audit's time or, if it has lapsed by then, as of the last
//! second at which it counted; so its own faults are told apart from the passing of time: [`Verdict`]. Everything that
//! [`surety_verifier::attestation::check`] demands is demanded of each; only what follows from a policy and a snapshot
//! alone is computed once, and the equations that proofs come down to are checked together
//! ([`surety_verifier::proof::batch`]), with weights that the operating system draws once all proofs are in. Some of
//! the accepted attestations are then verified once more, each alone, as a check of the batch.
//!
//! | module | idea |
//! |---|---|
//! | `source`, `scan`, `library` | which files there are, and what attestations refer to |
//! | [`memory`], [`means`] | files in memory, and the set-ups that are computed with: a page has no others |
//! | [`engagement`] | the auditor's terms: the period, and who is expected to be attested |
//! | [`input`] | everything that was read, by SHA-256 |
//! | [`books`] | books, each verified whole |
//! | [`entry`] | the verdict on one attestation |
//! | [`explain`] | one attestation's whole chain of reasoning |
//! | [`finding`] | what strikes an auditor where many attestations are seen together |
//! | [`cause`] | rejections and findings, grouped by cause |
//! | [`history`] | when each subject was attested |
//! | [`sample`] | attestations for manual follow-up, drawn reproducibly |
//! | [`kept`] | the same for an archive |

mod faith;
mod library;
mod moment;
mod scan;
mod source;

pub mod books;
pub mod cause;
pub mod engagement;
pub mod entry;
#[cfg(feature = "host")]
pub mod explain;
pub mod finding;
pub mod history;
pub mod input;
pub mod kept;
pub mod means;
pub mod memory;
pub mod sample;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use group::ff::Field as _;
use halo2curves::bn256::Fr;
use rand_core::{OsRng, RngCore as _};
use rayon::prelude::*;
use serde::Serialize;
#[cfg(feature = "host")]
use surety_chain::ChainError;
use surety_core::{
    capacity::Capacity,
    failure::{AnyFailure, Class, Failure},
    ident::{Bytes32, EvmAddress, Name},
    kind::{Kind, Kinded},
    spelling::iso_time,
    text::{Document, InputErrors},
    units::Timestamp,
    visible::one_line,
    words::counted,
};
#[cfg(feature = "host")]
use surety_host::{
    documents::DocumentError,
    files::{self, FileError},
    setup::Setups,
};
use surety_kzg::{Event, Lanes, Observer, Origin, progress::Stage};
use surety_margin::level::Claimed;
#[cfg(feature = "host")]
use surety_verifier::attestation::vault::VaultBalances;
use surety_verifier::{
    BatchError,
    attestation::{
        check::{self, Asked, Groundwork, Hashed, NOTHING_ESTABLISHED, Presentation, VerifierTerms},
        claim::{Attestation, Claim},
        identifiers::PolicyId,
        rejection::Rejection,
        trust::{Faith, Trust},
        vault::VaultState,
    },
    proof::{batch, pairing::PairingCheck},
};

use self::{
    books::{BookAnchors, BookEntry},
    cause::Cause,
    engagement::Engagement,
    entry::{AuditEntry, Evidence, Reason, Stated, Verdict},
    finding::Finding,
    history::History,
    input::{Ignored, Input, Role, sha256},
    kept::Kept,
    library::{Known, Library, Shelves},
    means::Means,
    memory::Memory,
    moment::Moment,
    sample::{Sample, SampleTerms},
    scan::Found,
    source::{Place, Source},
};
use crate::archive::ArchiveError;

/// How many accepted attestations are verified once more, each alone.
const SAMPLE: usize = 15;

/// What attestations establish together if some claim that accounts are sufficient, and others that they are short.
pub const ESTABLISHED_OF_BOTH: &str = "the balances that the policies' sources signed, and those in vaults as you have \
     read them, satisfied the level of the policy at the snapshot's prices or, where a shortfall is attested, did not, \
     as of the times stated";

/// What does not follow from any attestation, however well the checks went.
pub const NOT_ESTABLISHED: [&str; 6] = [
    "that a subject owes and has nothing else: a liability or an asset that no source states is invisible",
    "that the sources stated the truth about balances, and oracle nodes about prices",
    "what an account was worth between one snapshot and the next, or after the last",
    "that the same balances serve nobody else, where accounts are not pledged to the policy",
    "how large a margin is, only its sign",
    "that the policies' haircuts, scenarios and lists of sources are wise",
];

/// Why an audit fails as a whole.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is nothing to audit.
    #[error(
        "{}: expected at least one attestation, or a book outside of archives, found none among {}; an empty batch \
         establishes nothing",
        directory.display(),
        counted(ignored, "file")
    )]
    Empty {
        /// The directory.
        directory: PathBuf,
        /// Number of files.
        ignored: usize,
    },
    /// Two files with anchors for one policy.
    #[error("trust files: expected at most one for {0}, found two; put all anchors for it into one file")]
    RivalAnchors(String),
    /// Not one attestation is called so.
    #[error(
        "{id}: expected the file of one attestation, or at least eight digits of its SHA-256, found {}",
        counted(found, "attestation")
    )]
    Unnamed {
        /// What was asked for.
        id: String,
        /// How many are called so.
        found: usize,
    },
    /// The engagement is about a time that has not come.
    #[error(
        "engagement: expected a period that begins before the audit at {}, found one from {}; audit later",
        iso_time(*at),
        iso_time(*from)
    )]
    PeriodAhead {
        /// The time of the audit.
        at: Timestamp,
        /// The start of the period.
        from: Timestamp,
    },
    /// Some attestations are not accepted.
    #[error("expected every attestation to be accepted, found {refused} of {total} rejected; see the report")]
    Refused {
        /// How many are not.
        refused: usize,
        /// How many there are.
        total: usize,
        /// The gravest kind of fault among them: invalid, mismatch, input.
        class: Class,
    },
    /// Some books are not accepted.
    #[error("expected every book to be accepted, found {refused} of {total} rejected; see the report")]
    RefusedBooks {
        /// How many are not.
        refused: usize,
        /// How many there are.
        total: usize,
        /// The gravest kind of fault among them.
        class: Class,
    },
    /// There are warnings, and the auditor wants none.
    #[error("expected no warnings among the findings, found {0}; see the report, or audit without --fail-on-findings")]
    Findings(usize),
    /// The batch accepts what is refused alone.
    #[error(
        "{file}: the batch accepts it, and alone it is refused: {error}; if the file did not change meanwhile, please \
         report this"
    )]
    Disagreement {
        /// The attestation.
        file: String,
        /// Why it is refused.
        error: AnyFailure,
    },
    /// The batch could not be put together.
    #[error("{0}: please report this")]
    Batch(#[from] BatchError),
    /// A directory cannot be read.
    #[cfg(feature = "host")]
    #[error(transparent)]
    File(#[from] FileError),
    /// An archive cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The registry of books, or the way to it.
    #[cfg(feature = "host")]
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl Failure for AuditError {
    fn class(&self) -> Class {
        match self {
            Self::Empty { .. } | Self::RivalAnchors(_) | Self::Unnamed { .. } | Self::PeriodAhead { .. } => {
                Class::Input
            }
            Self::Refused { class, .. } | Self::RefusedBooks { class, .. } => *class,
            Self::Findings(_) => Class::Invalid,
            Self::Disagreement { .. } | Self::Batch(_) => Class::Internal,
            Self::Archive(error) => error.class(),
            #[cfg(feature = "host")]
            Self::File(error) => error.class(),
            #[cfg(feature = "host")]
            Self::Chain(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Archive(error) => error.code(),
            #[cfg(feature = "host")]
            Self::File(error) => error.code(),
            #[cfg(feature = "host")]
            Self::Chain(error) => error.code(),
            _ => "audit".into(),
        }
    }

    fn mistakes(&self) -> Option<&InputErrors> {
        match self {
            Self::Archive(error) => error.mistakes(),
            _ => None,
        }
    }
}

/// A file of the auditor's anchors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnchorFile {
    /// Where it is.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Bytes32,
    /// The policy that it pins, if it pins one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// What it says.
    pub anchors: Trust,
    #[serde(skip)]
    path: PathBuf,
}

impl AnchorFile {
    /// Reads them.
    ///
    /// # Errors
    /// If the file cannot be read, with every mistake in it.
    #[cfg(feature = "host")]
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        Ok(Self::of(path, &files::read_text(path)?)?)
    }

    /// Reads their text.
    ///
    /// # Errors
    /// With every mistake in it.
    pub fn of(path: &Path, text: &str) -> Result<Self, InputErrors> {
        let (file, sha256, trust) = own::<Trust>(path, text)?;
        Ok(Self { file, sha256, policy: trust.policy, anchors: trust, path: path.to_owned() })
    }
}

/// A file of the auditor's own: its name and the SHA-256 of its bytes, as reports state them, and its content.
fn own<T: Document>(path: &Path, text: &str) -> Result<(String, Bytes32, T), InputErrors> {
    let name = path.display().to_string();
    Ok((one_line(&name), sha256(text.as_bytes()), T::from_text(&name, text)?))
}

/// The state of a vault that the auditor has read on its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadVault {
    /// Where the balances are.
    pub file: String,
    /// The SHA-256 of the file's bytes.
    pub sha256: Bytes32,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The vault.
    pub vault: EvmAddress,
    /// Whose collateral.
    pub subject: EvmAddress,
    /// The hash that stands for the state in a claim.
    pub checkpoint: Bytes32,
    #[serde(skip)]
    state: VaultState,
    #[serde(skip)]
    path: PathBuf,
}

impl ReadVault {
    /// Reads them.
    ///
    /// # Errors
    /// If the file cannot be read, or its commitment is no point.
    #[cfg(feature = "host")]
    pub fn read(path: &Path) -> Result<Self, AnyFailure> {
        let (file, sha256, balances) = own::<VaultBalances>(path, &files::read_text(path)?)?;
        let VaultBalances { chain_id, vault, subject, checkpoint, .. } = balances;
        let (state, path) = (balances.state()?, path.to_owned());
        Ok(Self { file, sha256, chain_id, vault, subject, checkpoint, state, path })
    }

    /// Whether a claim names this state. The verifier's library says whether the claim may.
    fn is_named_by(&self, claim: &Claim) -> bool {
        self.checkpoint == claim.vault_checkpoint
    }
}

/// The auditor's file with the terms of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngagementFile {
    /// Where it is.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Bytes32,
    /// What it says.
    pub terms: Engagement,
    #[serde(skip)]
    path: PathBuf,
}

impl EngagementFile {
    /// Reads it.
    ///
    /// # Errors
    /// If the file cannot be read, with every mistake in it.
    #[cfg(feature = "host")]
    pub fn read(path: &Path) -> Result<Self, DocumentError> {
        let (file, sha256, terms) = own::<Engagement>(path, &files::read_text(path)?)?;
        Ok(Self { file, sha256, terms, path: path.to_owned() })
    }

    /// The trust files that it names, by their own paths.
    #[must_use]
    pub fn trust(&self) -> Vec<PathBuf> {
        let beside = self.path.parent().unwrap_or(Path::new(""));
        self.terms.trust.iter().map(|path| beside.join(path)).collect()
    }
}

/// What to audit, and on which terms.
#[derive(Clone, Copy, Debug)]
pub struct AuditRequest<'a> {
    /// Where the attestations are, with the public files that they refer to.
    pub directory: &'a Path,
    /// The auditor's anchors. An attestation is judged by those that pin its policy, or else by those that pin none.
    pub trust: &'a [AnchorFile],
    /// The vaults that the auditor has read on their chains.
    pub vaults: &'a [ReadVault],
    /// What the auditor knows of books.
    pub books: BookAnchors<'a>,
    /// Whether to refuse what would otherwise be taken on faith.
    pub strict: bool,
    /// Whether to accept a set-up whose secret everybody knows.
    pub allow_insecure_srs: bool,
    /// As of when.
    pub at: Timestamp,
    /// Whether an attestation that has lapsed by then, and was good before, is accepted.
    pub history: bool,
    /// Whether to check each proof's pairing by itself, as a check of the batch.
    pub one_by_one: bool,
    /// The period over which coverage is measured, and who is expected to be attested; both are assumed without.
    pub engagement: Option<&'a EngagementFile>,
    /// The sample to draw for manual follow-up, if one is wanted.
    pub sample: Option<&'a SampleTerms>,
}

/// The result of an audit.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// Attestations that are accepted.
    pub accepted: usize,
    /// Attestations that are not, lapsed ones included.
    pub rejected: usize,
    /// Attestations that were good until they lapsed.
    pub lapsed: usize,
    /// Books that are accepted.
    pub accepted_books: usize,
    /// Books that are not, lapsed ones included.
    pub rejected_books: usize,
    /// Number of files that are neither attestations nor books, and to which none can refer.
    pub ignored: usize,
    /// These files, and why each takes no part.
    pub ignored_files: Vec<Ignored>,
    /// Everything that was read, by SHA-256. Of an archive, the archive as a whole.
    pub inputs: Vec<Input>,
    /// The SHA-256 of the [manifest](input::manifest) of the inputs, which stands for all of them.
    pub manifest_sha256: Bytes32,
    /// The terms of the audit, if they are stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<EngagementFile>,
    /// The archive that was audited, if it was one and not a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Kept>,
    /// As of when.
    pub at: Timestamp,
    /// Whether lapsed attestations are accepted.
    pub history: bool,
    /// How long it took; nothing where there is no clock, in a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The files of the auditor's anchors.
    pub trust: Vec<AnchorFile>,
    /// The vaults that the auditor has read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vaults: Vec<ReadVault>,
    /// What attestations were checked against.
    pub policies: Vec<PolicyFacts>,
    /// The market snapshots that accepted attestations rest on.
    pub snapshots: Vec<SnapshotFacts>,
    /// What was taken on faith for any accepted attestation.
    #[serde(serialize_with = "faith::objects")]
    pub faith: Vec<Faith>,
    /// Whether any accepted attestation or book rests on a set-up whose secret everybody knows.
    pub insecure_srs: bool,
    /// What accepted attestations establish.
    pub established: &'static str,
    /// What they do not.
    pub not_established: [&'static str; 6],
    /// What strikes an auditor.
    pub findings: Vec<Finding>,
    /// What is not accepted and what strikes an auditor, grouped by cause, the gravest first.
    pub causes: Vec<Cause>,
    /// Accepted attestations for manual follow-up, if a sample was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// When subjects were attested.
    pub timeline: History,
    /// The attestations, in the order of their paths.
    pub attestations: Vec<AuditEntry>,
    /// The books, in the order of their paths.
    pub books: Vec<BookEntry>,
    /// What accepted books establish; nothing without books.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub books_establish: Option<&'static str>,
}

/// How long parts of an audit took. Reading public files and compiling policies counts into the total alone.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Timing {
    /// Looking through the directory.
    pub scan_ms: f64,
    /// Reading public files, compiling policies, and finding set-ups.
    pub load_ms: f64,
    /// Reading attestations, and everything about them but pairings.
    pub check_ms: f64,
    /// Pairings.
    pub pairing_ms: f64,
    /// From the beginning to the verdicts.
    pub total_ms: f64,
    /// Scanning, checking and pairings, for each attestation.
    pub batch_ms_per_attestation: f64,
    /// The median of reading and verifying one attestation alone, its policy being compiled already. None if none is
    /// accepted.
    pub single_ms: Option<f64>,
}

/// A policy that accepted attestations refer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyFacts {
    /// The policy.
    #[serde(rename = "policy")]
    pub id: PolicyId,
    /// What it calls itself.
    #[serde(rename = "policy_name")]
    pub name: Name,
    /// Where its text is.
    pub file: String,
    /// Whether its commitments were computed here, and not read from a file.
    pub commitments_at_first_hand: bool,
    /// The universe.
    pub universe: Bytes32,
    /// The capacity class.
    pub capacity: Capacity,
    /// The set-up.
    pub srs: Bytes32,
    /// Where the set-up comes from.
    pub srs_origin: String,
    /// The digest of the verifying key.
    pub verifying_key: Bytes32,
    /// The sources that must state balances.
    pub sources: BTreeMap<Name, EvmAddress>,
}

/// A market snapshot that accepted attestations rest on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SnapshotFacts {
    /// The market's epoch.
    pub epoch: u64,
    /// The snapshot.
    #[serde(rename = "snapshot")]
    pub id: Bytes32,
    /// When the oldest of its prices were observed.
    pub prices_at: Timestamp,
}

/// Audits every attestation below a directory. What is wrong with attestations is in the answer.
///
/// # Errors
/// If there is none, the directory cannot be read, or the batch and single verification disagree.
#[cfg(feature = "host")]
pub fn run(request: &AuditRequest<'_>, setups: &Setups, observer: &dyn Observer) -> Result<Audit, AuditError> {
    request.check()?;
    let start = Moment::now();
    let found = scan::directory(request.directory, observer)?;
    let books = |source: &Source<'_>, found: &Found, library: &Library| -> Result<_, AuditError> {
        let books = books::judge(request, source, found, library, setups, observer);
        let missing = books::missing_books(&request.books, &books)?;
        Ok((books, missing))
    };
    examine(request, &Source::Directory(request.directory), &found, start, setups, books, observer)
}

/// Audits what is in memory, as `run` and [`kept`] do with a directory and an archive; the request's directory is what
/// errors call it. Books are not verified.
///
/// # Errors
/// As those of `run`.
pub fn run_in_memory(
    request: &AuditRequest<'_>,
    memory: &Memory<'_>,
    means: &dyn Means,
    observer: &dyn Observer,
) -> Result<Audit, AuditError> {
    request.check()?;
    let start = Moment::now();
    let found = scan::memory(memory, observer);
    let audit = examine(request, &Source::Memory(memory), &found, start, means, books::none, observer)?;
    let archive = match memory {
        Memory::Files { .. } => None,
        Memory::Archive { image, .. } => Some(Kept { summary: image.summary, noted: None }),
    };
    Ok(Audit { archive, ..audit })
}

/// Audits the documents of a source. `judge_books` says what becomes of its books.
fn examine(
    request: &AuditRequest<'_>,
    source: &Source<'_>,
    found: &Found,
    start: Moment,
    means: &dyn Means,
    judge_books: impl FnOnce(&Source<'_>, &Found, &Library) -> Result<(Vec<BookEntry>, Vec<Finding>), AuditError>,
    observer: &dyn Observer,
) -> Result<Audit, AuditError> {
    let scanned = Moment::now();
    // Books that are not verified establish nothing.
    let (books, unverifiable) = if source.has_pages() { (found.books.len(), 0) } else { (0, found.books.len()) };
    if found.attestations.is_empty() && found.unreadable.is_empty() && books == 0 {
        let (directory, ignored) = (request.directory.to_owned(), found.ignored.len() + unverifiable);
        return Err(AuditError::Empty { directory, ignored });
    }
    let library = Library::load(source, found, means, observer);
    let shelves = library.shelves();
    let loaded = Moment::now();
    let mut judged = judge(request, (source, &found.attestations), (&library, &shelves), observer);
    let checked = Moment::now();
    settle(request, &mut judged, &library, (source, &found.attestations), &shelves)?;
    let settled = Moment::now();
    let single = verify_again(request, &judged, (source, &found.attestations), &shelves)?;
    let (books, mut of_books) = judge_books(source, found, &library)?;
    of_books.extend(books::findings(&books));

    let compared: Vec<(&AuditEntry, &Evidence)> =
        judged.iter().filter_map(|judged| Some((&judged.entry, judged.evidence.as_ref()?))).collect();
    let mut findings: Vec<Finding> =
        library.unusable.iter().map(|(place, error)| Finding::unusable(&source.shown(place), &**error)).collect();
    findings.extend(finding::all(&compared));
    findings.extend(of_books);
    let unreadable = found.unreadable.iter().map(|(place, error)| unreadable(source, place, &**error));
    let mut attestations: Vec<AuditEntry> = judged.into_iter().map(|judged| judged.entry).chain(unreadable).collect();
    attestations.sort_by(|a, b| a.file.cmp(&b.file));
    let names = library.policies.iter().map(|known| (known.policy.id().0, known.policy.policy().name.clone()));
    // Nobody has to be short all the time.
    let is_shortfall = |entry: &&AuditEntry| {
        let stated = entry.stated.as_ref().map(|stated| (stated.policy, &stated.level));
        let claimed = entry.claim.as_ref().map(|claim| (claim.policy, &claim.level));
        claimed.or(stated).is_some_and(|(policy, level)| {
            let known = library.policies.iter().find(|known| known.policy.id() == policy);
            known.and_then(|known| known.policy.policy().level(level)).is_some_and(|level| !level.claim.is_sufficient())
        })
    };
    let timed = attestations.iter().filter(|entry| !is_shortfall(entry));
    let engagement = request.engagement.map(|file| &file.terms);
    let timeline = History::of(timed, &names.collect(), engagement, request.at);
    findings.extend(timeline.lapses());
    findings.sort();
    let causes = cause::causes(&attestations, &books, &findings, request.history);
    let is_accepted = |entry: &&AuditEntry| entry.verdict == Verdict::Accepted || request.history && entry.is_good();
    let sample = request.sample.map(|terms| Sample::of(terms, attestations.iter().filter(is_accepted)));
    let inputs = request.inputs(&found.inputs, &books);
    let ignored_files = ignored_files(request, source, found);

    let count = |verdict| attestations.iter().filter(|entry| entry.verdict == verdict).count();
    let lapsed = count(Verdict::Lapsed);
    let accepted = count(Verdict::Accepted) + if request.history { lapsed } else { 0 };
    let counts = |book: &&BookEntry| book.verdict == Verdict::Accepted || request.history && book.is_good();
    let accepted_books = books.iter().filter(counts).count();
    let claims_of_books = || books.iter().filter(counts).filter_map(|book| book.claim.as_ref());
    let books_establish = claims_of_books().next().map(|_| {
        if claims_of_books().any(|claim| claim.insecure_srs) {
            NOTHING_ESTABLISHED
        } else {
            surety_books::book::ESTABLISHED
        }
    });
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    let timing = || {
        let (scan, check, pairing) = (scanned.since(start)?, checked.since(loaded)?, settled.since(checked)?);
        Some(Timing {
            scan_ms: milliseconds(scan),
            load_ms: milliseconds(loaded.since(scanned)?),
            check_ms: milliseconds(check),
            pairing_ms: milliseconds(pairing),
            total_ms: milliseconds(settled.since(start)?),
            batch_ms_per_attestation: milliseconds(scan + check + pairing) / attestations.len().max(1) as f64,
            single_ms: single.map(milliseconds),
        })
    };
    let timing = timing();
    let good = || attestations.iter().filter_map(|entry| entry.is_good().then_some(entry.claim.as_ref()?));
    let snapshots: BTreeSet<_> = good()
        .map(|claim| SnapshotFacts { epoch: claim.epoch, id: claim.snapshot.0, prices_at: claim.prices_at })
        .collect();
    let insecure_attestation = good().any(|claim| claim.insecure_srs);
    let insecure_srs = insecure_attestation || claims_of_books().any(|claim| claim.insecure_srs);
    // Over a set-up whose secret everybody knows nothing is established, and one such attestation is enough to say so.
    let draws = good().any(|claim| claim.vault.is_some());
    let claims: BTreeSet<Claimed> = good().map(|claim| claim.claim).collect();
    let established = match claims.first().zip(claims.last()) {
        _ if insecure_attestation => NOTHING_ESTABLISHED,
        Some((first, last)) if first != last => ESTABLISHED_OF_BOTH,
        claim => check::established(claim.map_or(Claimed::Sufficient, |(claim, _)| *claim), draws),
    };
    let mut taken: Vec<Faith> = Vec::new();
    for faith in good().flat_map(|claim| &claim.faith) {
        if !taken.contains(faith) {
            taken.push(*faith);
        }
    }
    let policies: BTreeSet<Bytes32> = good().map(|claim| claim.policy.0).collect();
    let used = library.policies.iter().filter(|known| policies.contains(&known.policy.id().0));
    Ok(Audit {
        accepted,
        rejected: attestations.len() - accepted,
        lapsed,
        accepted_books,
        rejected_books: books.len() - accepted_books,
        ignored: ignored_files.len(),
        ignored_files,
        manifest_sha256: sha256(&input::manifest(&inputs)),
        inputs,
        engagement: request.engagement.cloned(),
        archive: None,
        at: request.at,
        history: request.history,
        timing,
        trust: request.trust.to_vec(),
        vaults: request.vaults.to_vec(),
        policies: used.map(|known| PolicyFacts::of(known, source)).collect(),
        snapshots: snapshots.into_iter().collect(),
        faith: taken,
        insecure_srs,
        established,
        not_established: NOT_ESTABLISHED,
        findings,
        causes,
        sample,
        timeline,
        attestations,
        books,
        books_establish,
    })
}

/// The files that take no part, in the order of their names. The auditor's own may lie among them and do.
fn ignored_files(request: &AuditRequest<'_>, source: &Source<'_>, found: &Found) -> Vec<Ignored> {
    let trust = request.trust.iter().map(|file| &file.path);
    let own: BTreeSet<&PathBuf> = trust
        .chain(request.vaults.iter().map(|file| &file.path))
        .chain(request.engagement.map(|file| &file.path))
        .collect();
    let ignored = found.ignored.iter().filter(|(place, _)| match place {
        Place::File { path, .. } => !own.contains(path),
        Place::Entry { .. } => true,
    });
    let ignored = ignored.map(|(place, reason)| Ignored { file: source.shown(place), reason: *reason });
    let mut ignored: Vec<Ignored> = ignored.collect();
    ignored.sort();
    ignored
}

impl AuditRequest<'_> {
    /// Refuses terms that make no sense, before anything is read.
    fn check(&self) -> Result<(), AuditError> {
        refuse_rivals(self.trust)?;
        match self.engagement.map(|file| file.terms.period.from) {
            Some(from) if from > self.at => Err(AuditError::PeriodAhead { at: self.at, from }),
            _ => Ok(()),
        }
    }

    /// Everything that is read, the auditor's own files last.
    fn inputs(&self, found: &[Input], books: &[BookEntry]) -> Vec<Input> {
        let pages = books.iter().filter_map(|book| book.pages.clone());
        let own = |path: &Path, sha256, kind| Input::new(path, sha256, Role::Document(kind));
        let engagement = self.engagement.map(|file| own(&file.path, file.sha256, Engagement::KIND));
        let trust = self.trust.iter().map(|file| own(&file.path, file.sha256, Trust::KIND));
        let vaults = self.vaults.iter().map(|file| own(&file.path, file.sha256, Kind::VaultBalances));
        let all = found.iter().cloned().chain(pages).chain(engagement).chain(trust).chain(vaults);
        let mut inputs: Vec<Input> = Vec::with_capacity(found.len());
        // The auditor's own files may lie in the directory.
        let mut seen = BTreeSet::new();
        inputs.extend(all.filter(|input| seen.insert(input.file.clone())));
        inputs
    }
}

impl Audit {
    /// Whether everything is in order: what the exit code says.
    ///
    /// # Errors
    /// If an attestation is not accepted; or, where findings matter, there is a warning among them.
    pub fn verdict(&self, findings_matter: bool) -> Result<(), AuditError> {
        if self.rejected > 0 {
            let refused = self.attestations.iter().filter(|entry| !(entry.is_good() && self.history));
            let class = gravest(refused.filter_map(|entry| entry.reason.as_ref()));
            return Err(AuditError::Refused { refused: self.rejected, total: self.attestations.len(), class });
        }
        if self.rejected_books > 0 {
            let refused = self.books.iter().filter(|entry| !(entry.is_good() && self.history));
            let class = gravest(refused.filter_map(|entry| entry.reason.as_ref()));
            return Err(AuditError::RefusedBooks { refused: self.rejected_books, total: self.books.len(), class });
        }
        let warnings = self.findings.iter().filter(|finding| finding.severity == finding::Severity::Warning).count();
        if findings_matter && warnings > 0 { Err(AuditError::Findings(warnings)) } else { Ok(()) }
    }
}

/// The gravest kind of fault.
fn gravest<'a>(reasons: impl Iterator<Item = &'a Reason>) -> Class {
    let classes: Vec<Class> = reasons.map(|reason| reason.class).collect();
    let order = [Class::Invalid, Class::Mismatch, Class::Input, Class::Resources];
    order.into_iter().find(|class| classes.contains(class)).unwrap_or(Class::Internal)
}

impl PolicyFacts {
    fn of(Known { place, policy, verifying_key }: &Known, source: &Source<'_>) -> Self {
        Self {
            id: policy.id(),
            name: policy.policy().name.clone(),
            file: source.shown(place),
            commitments_at_first_hand: policy.is_at_first_hand(),
            universe: policy.universe_id().0,
            capacity: policy.universe().capacity,
            srs: policy.universe().srs,
            srs_origin: match verifying_key.srs().origin() {
                Origin::Ceremony(ceremony) => ceremony.name.to_owned(),
                Origin::InsecureDevelopment => "insecure-development".to_owned(),
                Origin::Unknown => "unknown".to_owned(),
            },
            verifying_key: verifying_key.digest().bytes(),
            sources: policy.policy().sources.iter().map(|source| (source.name.clone(), source.signer)).collect(),
        }
    }
}

/// What became of an attestation so far.
struct Judged {
    entry: AuditEntry,
    evidence: Option<Evidence>,
    /// What is left to check.
    check: Option<PairingCheck>,
    /// Whether that stands for two equations, the proof's and that of scopes.
    scoped: bool,
}

/// An attestation as it was read.
type Read = Result<Hashed, AnyFailure>;

/// How many attestations are in memory at a time. Their signatures are checked together.
const AT_A_TIME: usize = 512;

/// Does everything but the pairings, on all processors.
fn judge(
    request: &AuditRequest<'_>,
    (source, places): (&Source<'_>, &[Place]),
    (library, shelves): (&Library, &Shelves<'_>),
    observer: &dyn Observer,
) -> Vec<Judged> {
    let (done, total) = (AtomicU64::new(0), places.len() as u64);
    observer.event(Event::Progress { stage: Stage::Verifying, done: 0, total });
    let mut judged = Vec::with_capacity(places.len());
    for places in places.chunks(AT_A_TIME) {
        let read = |place| Ok(Hashed::from(source.read::<Attestation>(place)?));
        let read: Vec<Read> = places.par_iter().map(read).collect();
        library.check_signatures(read.iter().flatten().flat_map(Hashed::signatures).collect());
        judged.par_extend(places.par_iter().zip(read).map(|(place, read)| {
            let judged = judge_one(request, source, place, read, shelves);
            count(&done, total, Stage::Verifying, observer);
            judged
        }));
    }
    observer.event(Event::Progress { stage: Stage::Verifying, done: total, total });
    judged
}

fn judge_one(
    request: &AuditRequest<'_>,
    source: &Source<'_>,
    place: &Place,
    read: Read,
    shelves: &Shelves<'_>,
) -> Judged {
    let file = source.shown(place);
    let hashed = match read {
        Ok(hashed) => hashed,
        Err(error) => {
            return Judged { entry: unreadable(source, place, &*error), evidence: None, check: None, scoped: false };
        }
    };
    let attestation = hashed.attestation();
    let evidence = Some(Evidence::of(&file, attestation, hashed.hashes()));
    let pending = shelves
        .find(&attestation.claim)
        .and_then(|groundwork| groundwork.prepare(&hashed, &terms(request, attestation)));
    match pending {
        Ok(pending) => {
            let (accepted, check) = pending.into_parts();
            let lapsed = attestation.claim.valid_until < request.at;
            let entry = AuditEntry::good(file, &attestation.claim, accepted, lapsed.then_some(request.at));
            let entry = AuditEntry { sha256: place.sha256(), ..entry };
            Judged { entry, evidence, check: Some(check), scoped: attestation.scopes.is_some() }
        }
        Err(rejection) => {
            let entry = AuditEntry::refused(file, &attestation.claim, Reason::of(&rejection));
            let entry = AuditEntry { sha256: place.sha256(), ..entry };
            Judged { entry, evidence, check: None, scoped: false }
        }
    }
}

/// A file that is no attestation though it should be one.
fn unreadable(source: &Source<'_>, place: &Place, error: &dyn Failure) -> AuditEntry {
    let stated = source.text(place).ok().and_then(|text| Stated::of_text(&text));
    AuditEntry { sha256: place.sha256(), ..AuditEntry::unreadable(source.shown(place), error, stated) }
}

/// Of two files with anchors for one policy only one would count, and which is nobody's to guess.
fn refuse_rivals(trust: &[AnchorFile]) -> Result<(), AuditError> {
    let rival = |(position, one): (usize, &AnchorFile)| {
        trust[..position].iter().any(|other| other.policy == one.policy).then_some(one.policy)
    };
    match trust.iter().enumerate().find_map(rival) {
        None => Ok(()),
        Some(policy) => Err(AuditError::RivalAnchors(
            policy.map_or_else(|| "no policy in particular".to_owned(), |policy| format!("policy {}", policy.0)),
        )),
    }
}

/// As of when, and with which anchors, an attestation is judged.
fn terms<'a>(request: &AuditRequest<'a>, attestation: &Attestation) -> VerifierTerms<'a> {
    let pins = |policy: Option<PolicyId>| request.trust.iter().find(move |anchors| anchors.policy == policy);
    let anchors = pins(Some(attestation.claim.policy)).or(pins(None)).or(request.trust.first());
    VerifierTerms {
        trust: anchors.map(|file| &file.anchors),
        strict: request.strict,
        allow_insecure_srs: request.allow_insecure_srs,
        // Only an auditor who has read a vault can check a claim that draws on it.
        vault: request.vaults.iter().find(|vault| vault.is_named_by(&attestation.claim)).map(|vault| vault.state),
        // An auditor judges what was shown to others.
        presentation: Presentation::Whomever,
        asked: Asked::Either,
        contract_sources: false,
        now: request.at.min(attestation.claim.valid_until),
    }
}

/// Checks the pairings of all that is left, and refuses those whose proofs are not valid.
fn settle(
    request: &AuditRequest<'_>,
    judged: &mut [Judged],
    library: &Library,
    (source, places): (&Source<'_>, &[Place]),
    shelves: &Shelves<'_>,
) -> Result<(), AuditError> {
    let (positions, checks): (Vec<usize>, Vec<PairingCheck>) =
        judged.iter_mut().enumerate().filter_map(|(position, judged)| Some((position, judged.check.take()?))).unzip();
    if checks.is_empty() {
        return Ok(());
    }
    let keys = library.pairing_keys();
    let failing: Vec<usize> = if request.one_by_one {
        let fails = |check: &PairingCheck| keys.iter().all(|key| check.check(key).is_err());
        (0..checks.len()).into_par_iter().filter(|index| fails(&checks[*index])).collect()
    } else {
        let weights: Vec<Fr> = checks.iter().map(|_| Fr::random(OsRng)).collect();
        batch::failures(checks, &weights, &keys, Lanes::widest())?
    };
    for index in failing {
        let failing = positions.get(index).and_then(|position| judged.get_mut(*position).zip(places.get(*position)));
        if let Some((judged, place)) = failing {
            // Alone, each of two equations has its own verdict.
            let alone = if judged.scoped { verify_alone(request, source, place, shelves) } else { Ok(()) };
            let reason = alone.err().map_or_else(|| Reason::of(&Rejection::of_proof()), |error| Reason::of(&*error));
            judged.entry.refuse(reason);
        }
    }
    Ok(())
}

/// Verifies some of the good attestations once more, each alone and with nothing computed before but its policy, on all
/// processors. Returns the median of the times.
fn verify_again(
    request: &AuditRequest<'_>,
    judged: &[Judged],
    (source, places): (&Source<'_>, &[Place]),
    shelves: &Shelves<'_>,
) -> Result<Option<Duration>, AuditError> {
    let mut good: Vec<usize> = (0..judged.len()).filter(|index| judged[*index].entry.is_good()).collect();
    let mut sample = Vec::new();
    while sample.len() < SAMPLE && !good.is_empty() {
        sample.push(good.swap_remove((OsRng.next_u64() % good.len() as u64) as usize));
    }
    let verify = |index: &usize| {
        let start = Moment::now();
        verify_alone(request, source, &places[*index], shelves)
            .map_err(|error| AuditError::Disagreement { file: judged[*index].entry.file.clone(), error })?;
        Ok(Moment::now().since(start))
    };
    let times = sample.par_iter().map(verify).collect::<Result<Vec<Option<Duration>>, AuditError>>()?;
    let mut times: Vec<Duration> = times.into_iter().flatten().collect();
    times.sort();
    Ok(times.get(times.len() / 2).copied())
}

fn verify_alone(
    request: &AuditRequest<'_>,
    source: &Source<'_>,
    place: &Place,
    shelves: &Shelves<'_>,
) -> Result<(), AnyFailure> {
    let attestation: Attestation = source.read(place)?;
    let groundwork: &Groundwork<'_> = shelves.find(&attestation.claim)?;
    check::verify(&attestation, groundwork.files(), &terms(request, &attestation))?;
    Ok(())
}

/// Counts one more, and tells so now and then. The end is for the caller to tell, once all threads are done.
fn count(done: &AtomicU64, total: u64, stage: Stage, observer: &dyn Observer) {
    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
    if done < total && done.is_multiple_of(64) {
        observer.event(Event::Progress { stage, done, total });
    }
}
