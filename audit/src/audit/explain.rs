//! One attestation's whole chain of reasoning, in plain words and with the numbers that a reader can compute again.
//!
//! The attestation is verified alone, by [`check::verify`], with nothing that a batch shares. What is written is what
//! the files say and what follows from them; whether each rule holds is the verdict's to say, which names the first
//! that does not.

use std::sync::Mutex;

use serde::Serialize;
use surety_core::{
    failure::AnyFailure,
    ident::{Bytes32, EvmAddress, Name},
    spelling::iso_time,
    units::Timestamp,
    visible::one_line,
    words::counted,
};
use surety_host::setup::Setups;
use surety_kzg::Observer;
use surety_margin::market::Report;
use surety_verifier::attestation::{
    check::{self, Accepted, Files, Hashed},
    claim::{Attestation, Claim},
    freshness::StatementTimes,
    statement::Statement,
};

use super::{
    AuditError, AuditRequest, PolicyFacts, Reason,
    library::{Known, Library},
    scan::{self, Found},
    source::{Place, Source},
    terms,
};
use crate::archive::Archive;

/// Fewest digits of a hash that name an attestation.
const FEWEST_DIGITS: usize = 8;

/// The chain of reasoning about an attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The file.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Option<Bytes32>,
    /// Whether it is accepted, or was until it lapsed.
    pub accepted: bool,
    /// Why it is not, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The steps, in their order.
    pub steps: Vec<Step>,
}

/// A step of the reasoning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is about.
    pub title: &'static str,
    /// Sentences.
    pub lines: Vec<String>,
}

impl Explanation {
    /// Whether the attestation is accepted, or was until it lapsed.
    ///
    /// # Errors
    /// If it is neither.
    pub fn verdict(&self) -> Result<(), AuditError> {
        self.reason
            .as_ref()
            .map_or(Ok(()), |reason| Err(AuditError::Refused { refused: 1, total: 1, class: reason.class }))
    }
}

impl Step {
    fn new(title: &'static str, lines: impl IntoIterator<Item = String>) -> Self {
        Self { title, lines: lines.into_iter().collect() }
    }
}

/// Explains one attestation of a directory or an archive. `id` is its file, from the directory on, or the beginning of
/// the SHA-256 of its bytes, at least eight digits.
///
/// # Errors
/// If no attestation or several are called so, and those of [`super::run`] and [`super::kept::run`].
pub fn run(
    request: &AuditRequest<'_>,
    id: &str,
    setups: &Setups,
    observer: &dyn Observer,
) -> Result<Explanation, AuditError> {
    request.check()?;
    let (source, mut found) = if request.directory.is_file() {
        let archive = Archive::open_read_only(request.directory)?;
        archive.hold()?;
        let (found, _) = scan::archive(&archive, None)?;
        (Source::Archive(Box::new(Mutex::new((archive, None)))), found)
    } else {
        (Source::Directory(request.directory), scan::directory(request.directory, observer)?)
    };
    let place = named(&source, &found, id)?;
    found.attestations = vec![place.clone()];
    let library = Library::load(&source, &found, setups, observer);
    Ok(explain(request, &source, &place, &library))
}

/// The one attestation that is called so.
fn named(source: &Source<'_>, found: &Found, id: &str) -> Result<Place, AuditError> {
    let id = id.trim();
    let digits = id.trim_start_matches("0x").to_ascii_lowercase();
    let is_hash = digits.len() >= FEWEST_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_named = |place: &&Place| {
        let shown = source.shown(place);
        let sha256 = place.sha256().map(|sha256| sha256.to_string()).unwrap_or_default();
        shown == id
            || shown.strip_prefix("./") == Some(id)
            || is_hash && sha256.trim_start_matches("0x").starts_with(&digits)
    };
    let unreadable = found.unreadable.iter().map(|(place, _)| place);
    let places: Vec<&Place> = found.attestations.iter().chain(unreadable).filter(is_named).collect();
    match places.as_slice() {
        [place] => Ok((*place).clone()),
        places => Err(AuditError::Unnamed { id: one_line(id), found: places.len() }),
    }
}

fn explain(request: &AuditRequest<'_>, source: &Source<'_>, place: &Place, library: &Library) -> Explanation {
    let (file, sha256) = (source.shown(place), place.sha256());
    let refused = |error: AnyFailure, mut steps: Vec<Step>| {
        let reason = Reason::of(&*error);
        steps.push(Step::new("Verdict", [format!("Not accepted, by the rule {}: {}.", reason.code, reason.message)]));
        Explanation { file: file.clone(), sha256, accepted: false, reason: Some(reason), steps }
    };
    let mut steps = vec![file_step(&file, sha256)];
    let attestation: Attestation = match source.read(place) {
        Ok(attestation) => attestation,
        Err(error) => return refused(error, steps),
    };
    let hashed = Hashed::from(attestation);
    let attestation = hashed.attestation();
    let claim = &attestation.claim;
    steps.push(claim_step(attestation));
    let shelves = library.shelves();
    let groundwork = match shelves.find(claim) {
        Ok(groundwork) => groundwork,
        Err(rejection) => return refused(rejection.into(), steps),
    };
    let files = groundwork.files();
    let known = library.policies.iter().find(|known| known.policy.id() == claim.policy);
    steps.extend(known.map(|known| policy_step(known, source)));
    steps.push(prices_step(files));
    steps.push(statements_step(claim, files, hashed.hashes()));
    steps.push(times_step(claim, files, request.at));
    match check::verify(attestation, files, &terms(request, attestation)) {
        Err(rejection) => refused(rejection.into(), steps),
        Ok(accepted) => {
            steps.push(proof_step(attestation, files));
            steps.push(verdict_step(&accepted, claim, request));
            Explanation { file, sha256, accepted: true, reason: None, steps }
        }
    }
}

fn file_step(file: &str, sha256: Option<Bytes32>) -> Step {
    let hash = sha256.map_or_else(
        || "The file cannot be read.".to_owned(),
        |sha256| format!("`sha256sum` gives {} for it.", sha256.to_string().trim_start_matches("0x")),
    );
    Step::new("File", [format!("The attestation is {file}."), hash])
}

fn claim_step(attestation: &Attestation) -> Step {
    let Claim { subject, level, policy, universe, srs, snapshot, epoch, audience, valid_until, .. } =
        &attestation.claim;
    Step::new(
        "Claim",
        [
            format!("The file claims a statement about the subject {subject} and the level {level}."),
            format!("It refers to policy {}, universe {}, set-up {srs}.", policy.0, universe.0),
            format!("It refers to the market snapshot {} of epoch {epoch}.", snapshot.0),
            format!("It counts for the registry {} on chain {}.", audience.registry, audience.chain_id),
            format!("It is to count until {}, second {} since 1970.", iso_time(*valid_until), valid_until.0),
        ],
    )
}

fn policy_step(known: &Known, source: &Source<'_>) -> Step {
    let facts = PolicyFacts::of(known, source);
    let commitments = if facts.commitments_at_first_hand {
        "The commitments of its programs were computed here from the set-up."
    } else {
        "The commitments of its programs were read from a published file, because the set-up is not imported."
    };
    Step::new(
        "Policy",
        [
            format!("The policy is {}, in {}.", facts.name, facts.file),
            format!("Its text, compiled over the universe {}, has the identifier {}.", facts.universe, facts.id.0),
            commitments.to_owned(),
            format!("The set-up {} is of origin {}.", facts.srs, facts.srs_origin),
            format!("The verifying key has the digest {}.", facts.verifying_key),
        ],
    )
}

fn prices_step(files: &Files<'_>) -> Step {
    let (policy, snapshot) = (files.policy.policy(), files.snapshot);
    let node = |signer: EvmAddress| {
        let node = policy.oracle.nodes.iter().find(|node| node.signer == signer);
        node.map_or_else(|| signer.to_string(), |node| node.name.to_string())
    };
    let mut lines = vec![format!("The snapshot has {}.", counted(snapshot.reports.len(), "signed report"))];
    let told = |report: &Report| {
        format!("{}, at {}, signed by {}", node(report.oracle), iso_time(report.observed_at), report.oracle)
    };
    lines.extend(snapshot.reports.iter().map(|report| format!("Report of {}.", told(report))));
    for (index, price) in snapshot.prices.iter().enumerate() {
        let observed = snapshot.reports.iter().filter_map(|report| {
            let observation = report.observations.get(index)?.observation()?;
            Some(format!("{} by {}", observation.price, node(report.oracle)))
        });
        let observed: Vec<String> = observed.collect();
        let reported = if observed.is_empty() { "no report".to_owned() } else { observed.join(", ") };
        let marked = if snapshot.marked.contains(&price.entry) { ", marked as having jumped" } else { "" };
        lines.push(format!("{}: {reported}; by the policy's rule {}{marked}.", price.entry, price.price));
    }
    Step::new("Prices", lines)
}

fn statements_step(claim: &Claim, files: &Files<'_>, hashes: &[Bytes32]) -> Step {
    let policy = files.policy.policy();
    let named = |signer: EvmAddress| -> String {
        let source = policy.sources.iter().find(|source| source.signer == signer);
        source.map_or_else(|| "an unknown source".to_owned(), |source| source.name.to_string())
    };
    let expected: Vec<String> = policy
        .sources
        .iter()
        .flat_map(|source| source.accounts.iter().map(|account: &Name| format!("{account} at {}", source.name)))
        .collect();
    let mut lines =
        vec![format!("The policy asks for {}: {}.", counted(expected.len(), "account"), expected.join(", "))];
    for (Statement { source, account, as_of, valid_until, sequence, commitment, .. }, hash) in
        claim.statements.iter().zip(hashes)
    {
        lines.push(format!(
            "{account} at {}: held at {}, statement {sequence}, counts until {}, signed by {source}.",
            named(*source),
            iso_time(*as_of),
            iso_time(*valid_until)
        ));
        lines.push(format!("Its balances are hidden in the commitment {commitment}; its EIP-712 hash is {hash}."));
    }
    Step::new("Balances", lines)
}

/// The times of a claim's statements; zeros for a claim without any.
fn times_of(claim: &Claim) -> StatementTimes {
    let statements = || claim.statements.iter();
    StatementTimes {
        oldest: statements().map(|statement| statement.as_of).min().unwrap_or_default(),
        newest: statements().map(|statement| statement.as_of).max().unwrap_or_default(),
        valid_until: statements().map(|statement| statement.valid_until).min().unwrap_or_default(),
    }
}

fn times_step(claim: &Claim, files: &Files<'_>, at: Timestamp) -> Step {
    let (policy, snapshot) = (files.policy.policy(), files.snapshot);
    let statements = times_of(claim);
    let newest_report = snapshot.reports.iter().map(|report| report.observed_at).max().unwrap_or(snapshot.time);
    let earliest = newest_report.max(statements.newest);
    let age = |oldest: Timestamp| earliest.0.saturating_sub(oldest.0);
    let ends = snapshot.time.0.saturating_add(policy.validity.0);
    let limit = Timestamp(ends.min(statements.valid_until.0));
    let of_audit = if claim.valid_until < at { "is over" } else { "is not over" };
    Step::new(
        "Times",
        [
            format!("The oldest prices are of {}, the newest of {}.", iso_time(snapshot.time), iso_time(newest_report)),
            format!(
                "The oldest balances are of {}, the newest of {}: {} apart, at most {} allowed.",
                iso_time(statements.oldest),
                iso_time(statements.newest),
                counted(statements.newest.0 - statements.oldest.0, "second"),
                policy.statements.max_skew.0
            ),
            format!("The attestation cannot have been made before {}, the later of the newest.", iso_time(earliest)),
            format!(
                "The prices were then {} old, at most {} allowed.",
                counted(age(snapshot.time), "second"),
                policy.oracle.max_age.0
            ),
            format!(
                "The balances were then {} old, at most {} allowed.",
                counted(age(statements.oldest), "second"),
                policy.statements.max_age.0
            ),
            format!(
                "It may count until {}: {} after the oldest prices, or until the first statement ends.",
                iso_time(limit),
                counted(policy.validity.0, "second")
            ),
            format!("As of the audit at {} its time, until {}, {of_audit}.", iso_time(at), iso_time(claim.valid_until)),
        ],
    )
}

fn proof_step(attestation: &Attestation, files: &Files<'_>) -> Step {
    let mut lines = vec![
        format!("Everything above was hashed into the context {}, which the file states as well.", attestation.context),
        format!(
            "The proof has {} and its equation holds for this context under the verifying key {}.",
            counted(attestation.proof.0.len(), "byte"),
            files.verifying_key.digest().bytes()
        ),
    ];
    if attestation.scopes.is_some() {
        lines.push("A second equation shows that sources hold nothing outside of their scopes.".to_owned());
    }
    Step::new("Proof", lines)
}

fn verdict_step(accepted: &Accepted, claim: &Claim, request: &AuditRequest<'_>) -> Step {
    let lapsed = claim.valid_until < request.at;
    let mut lines = vec![if lapsed {
        format!("In order until it lapsed, at {}.", iso_time(claim.valid_until))
    } else {
        "Accepted.".to_owned()
    }];
    lines.push(format!("Established: {}.", accepted.established()));
    lines.extend(accepted.not_established().iter().map(|limit| format!("Not established: {limit}.")));
    lines.extend(accepted.faith.iter().map(|faith| format!("Taken on faith: {faith}.")));
    Step::new("Verdict", lines)
}
