//! From many files to the report of an audit: the one that `surety audit` gives on the same directory or archive.
//!
//! What a message brings is audited in memory: files, ZIPs whose files count as if they lay there, or one archive.
//! Trust files among them are the auditor's own, as with `--trust`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Value, json};
use surety_audit::{
    archive::{ArchiveError, Image},
    audit::{self, Audit, AuditError, AuditRequest, books::BookAnchors, input::sha256, means::Means, memory::Memory},
    report,
};
use surety_core::{
    capacity::Capacity,
    failure::{AnyFailure, Class, Failure, LocatedProblem},
    text::{Format, InputErrors},
    units::Timestamp,
};
use surety_kzg::{Observer, SrsId, progress::Silent};
use surety_margin::{policy::Policy, universe::Universe};
use surety_verifier::{CommittedPolicy, CompiledPolicy, VerifyingKey, attestation::compiled::CompiledPolicyFile};

use crate::{
    envelope,
    inputs::{InputError, SetUp},
    message::{Message, Role},
    verification::MAX_K,
    zip::{self, BOUNDS, Bounds, ZipError},
};

/// What an auditor asks for beyond the files. As in [`AuditRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditTerms {
    /// The time.
    pub at: Timestamp,
    /// Whether to refuse what would otherwise be taken on faith.
    pub strict: bool,
    /// Whether to accept a set-up whose secret everybody knows.
    pub allow_insecure_srs: bool,
    /// Whether to accept attestations that were valid until they lapsed.
    pub history: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AuditingError {
    /// A ZIP is refused.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// An archive is refused.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A trust file has mistakes.
    #[error(transparent)]
    Trust(#[from] InputErrors),
    /// Two files have one path.
    #[error("{0}: expected one file of this path, found two; give the page one folder or one ZIP")]
    Twice(String),
    /// An archive and other files.
    #[error(
        "{0}: expected nothing beside an archive but trust files and a set-up, found other files; audit the archive \
             alone"
    )]
    Company(String),
    /// More than a page has memory for.
    #[error("expected at most {} files of {} bytes in all, found more; audit the directory with surety audit",
        .0.entries, .0.bytes)]
    TooMuch(Bounds),
    /// The audit fails as a whole.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl AuditingError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Zip(error) => Some(error),
            Self::Archive(error) => Some(error),
            Self::Trust(errors) => Some(errors),
            Self::Audit(error) => Some(error),
            Self::Twice(_) | Self::Company(_) | Self::TooMuch(_) => None,
        }
    }
}

impl Failure for AuditingError {
    fn class(&self) -> Class {
        match (self, self.inner()) {
            (Self::TooMuch(_), _) => Class::Resources,
            (_, inner) => inner.map_or(Class::Input, Failure::class),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        self.inner().map_or("files".into(), Failure::code)
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        self.inner().map(Failure::problems).unwrap_or_default()
    }
}

/// The answer to a message with what is to be audited: that of `surety audit --json`, with the report as a page and as
/// a table beside it.
#[must_use]
pub fn answer(message: &Message<'_>) -> Value {
    let terms = match message.terms() {
        Ok(terms) => terms,
        Err(error) => return envelope::internal("audit", &error),
    };
    match audit(message, terms, BOUNDS) {
        Ok(audit) => match (report::html(&audit), report::csv(&audit)) {
            (Ok(html), Ok(csv)) => {
                let mut answer = envelope::found("audit", json!(audit), audit.verdict(false).err().as_ref());
                answer["report"] = json!({ "html": html, "csv": csv });
                answer
            }
            (Err(error), _) | (_, Err(error)) => envelope::internal("audit", &error.to_string()),
        },
        Err(error) => envelope::answer("audit", Err(error)),
    }
}

/// Audits what is in a message, within the bounds. Files without a role lie at the paths that are their names.
///
/// # Errors
/// If a ZIP, an archive or a trust file is refused, or the audit fails as a whole.
pub fn audit(message: &Message<'_>, terms: AuditTerms, bounds: Bounds) -> Result<Audit, AuditingError> {
    let mut unpacked: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    for given in message.files_with(Role::Zip) {
        for (path, content) in zip::files(given.name, given.content, bounds)? {
            if unpacked.contains_key(&path) {
                return Err(AuditingError::Twice(path.display().to_string()));
            }
            unpacked.insert(path, content);
        }
    }
    let mut files: BTreeMap<PathBuf, &[u8]> =
        unpacked.iter().map(|(path, content)| (path.clone(), content.as_slice())).collect();
    for given in message.files_without_role() {
        if files.insert(PathBuf::from(given.name), given.content).is_some() {
            return Err(AuditingError::Twice(given.name.to_owned()));
        }
    }
    let bytes: u64 = files.values().map(|content| content.len() as u64).sum();
    if files.len() > bounds.entries || bytes > bounds.bytes {
        return Err(AuditingError::TooMuch(bounds));
    }
    let beside = Memory::of(&files);
    let trust = beside.trust()?;
    let mut archives = message.files_with(Role::Archive);
    let archive = archives.next();
    let image = archive.map(|archive| Image::read(Path::new(archive.name), archive.content)).transpose()?;
    let memory = match archive.zip(image.as_ref()) {
        None => beside,
        Some((archive, image)) => {
            // The set-up's file may be there, which is no document.
            let others = files.keys().filter(|path| Format::of_name(&path.to_string_lossy()).is_some());
            if archives.next().is_some() || others.count() > trust.len() {
                return Err(AuditingError::Company(archive.name.to_owned()));
            }
            Memory::Archive { path: PathBuf::from(archive.name), sha256: sha256(archive.content), image }
        }
    };
    let request = AuditRequest {
        directory: memory.place(),
        trust: &trust,
        vaults: &[],
        books: BookAnchors::default(),
        strict: terms.strict,
        allow_insecure_srs: terms.allow_insecure_srs,
        at: terms.at,
        history: terms.history,
        one_by_one: false,
        engagement: None,
        sample: None,
    };
    Ok(audit::run_in_memory(&request, &memory, &Given(message), &Silent)?)
}

/// The set-up in a message, if there is one.
struct Given<'a>(&'a Message<'a>);

impl Means for Given<'_> {
    /// Computes the commitments if the set-up is the universe's and the class is small enough for one thread.
    fn commitments(
        &self,
        policy: Policy,
        universe: Universe,
        published: Option<&CompiledPolicyFile>,
        _: &dyn Observer,
    ) -> Result<CommittedPolicy, AnyFailure> {
        let set_up = SetUp::new(self.0, SrsId::from(universe.srs), universe.capacity);
        let params = if universe.capacity.k() > MAX_K { Ok(None) } else { set_up.params() };
        match (params, published) {
            (Ok(Some(params)), _) => Ok(CompiledPolicy::compile(policy, universe, &params)?.committed().clone()),
            // Another set-up says nothing about this universe.
            (_, Some(published)) => Ok(CommittedPolicy::published(policy, universe, published)?),
            (Err(error), None) => Err(error.into()),
            (Ok(None), None) => Err(InputError::Missing("set-up, or compiled policy").into()),
        }
    }

    fn verifying_key(&self, id: SrsId, capacity: Capacity, _: &dyn Observer) -> Result<VerifyingKey, AnyFailure> {
        Ok(SetUp::new(self.0, id, capacity).verifying_key()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with files: the role, the name, and the content of each.
    fn message(files: &[(Option<&str>, &str, &[u8])]) -> Vec<u8> {
        let headers: Vec<Value> = files
            .iter()
            .map(|(role, name, content)| json!({ "role": role, "name": name, "bytes": content.len() }))
            .collect();
        let terms = json!({ "at": 5, "strict": false, "allow_insecure_srs": false, "history": false });
        let seed = format!("0x{}", "07".repeat(64));
        let header = json!({ "seed": seed, "terms": terms, "files": headers }).to_string();
        let contents: Vec<u8> = files.iter().flat_map(|(_, _, content)| content.iter().copied()).collect();
        [&(header.len() as u32).to_le_bytes(), header.as_bytes(), &contents].concat()
    }

    fn audited(files: &[(Option<&str>, &str, &[u8])], bounds: Bounds) -> Result<Audit, AuditingError> {
        let bytes = message(files);
        let message = Message::read(&bytes).unwrap();
        audit(&message, message.terms().unwrap(), bounds)
    }

    const CUT: &[u8] = br#"{"kind": "surety/att"#;

    #[test]
    fn a_report_comes_with_the_answer() {
        let bytes = message(&[(None, "d/a.json", CUT), (None, "d/b.txt", b"")]);
        let answer = answer(&Message::read(&bytes).unwrap());
        assert_eq!(
            (&answer["ok"], &answer["command"], &answer["data"]["rejected"]),
            (&json!(false), &json!("audit"), &json!(1))
        );
        assert_eq!(answer["data"]["attestations"][0]["file"], "./a.json");
        assert_eq!(answer["data"]["ignored_files"][0]["reason"], "name");
        assert!(answer["report"]["html"].as_str().unwrap().contains("<h1>Audit of attestations</h1>"));
        assert!(answer["report"]["csv"].as_str().unwrap().contains("./a.json"));
        assert!(answer["error"]["message"].as_str().unwrap().contains("1 of 1 rejected"));
    }

    #[test]
    fn rejects_files_of_one_path() {
        let refused = audited(&[(None, "a.json", CUT), (None, "a.json", b"{}")], BOUNDS);
        assert!(matches!(refused, Err(AuditingError::Twice(_))), "{refused:?}");
    }

    #[test]
    fn rejects_more_than_a_page_has_memory_for() {
        let files: [(Option<&str>, &str, &[u8]); 2] = [(None, "a.json", CUT), (None, "b.json", CUT)];
        let within = |entries, bytes| audited(&files, Bounds { entries, bytes });
        assert!(within(2, 2 * CUT.len() as u64).is_ok());
        for (entries, bytes) in [(1, 1_000), (2, 2 * CUT.len() as u64 - 1)] {
            assert!(matches!(within(entries, bytes), Err(AuditingError::TooMuch(_))));
        }
    }

    #[test]
    fn rejects_damaged_zips_and_archives() {
        let refused = audited(&[(Some("zip"), "a.zip", b"PK\x03\x04"), (None, "a.json", CUT)], BOUNDS);
        assert!(matches!(refused, Err(AuditingError::Zip(ZipError::Damaged { .. }))), "{refused:?}");
        let refused = audited(&[(Some("archive"), "a.surety", b"SQLite format 3\0")], BOUNDS);
        assert!(matches!(refused, Err(AuditingError::Archive(ArchiveError::NoArchive(_)))), "{refused:?}");
    }

    #[test]
    fn rejects_audits_of_nothing() {
        let refused = audited(&[(None, "a.txt", b"")], BOUNDS);
        assert!(matches!(refused, Err(AuditingError::Audit(AuditError::Empty { ignored: 1, .. }))), "{refused:?}");
    }
}
