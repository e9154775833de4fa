//! Auditing an archive: what it holds, once its chain is known to be whole.

use std::{sync::Mutex, time::Instant};

use serde::Serialize;
use surety_core::ident::Bytes32;
use surety_host::setup::Setups;
use surety_kzg::Observer;

use super::{Audit, AuditError, AuditRequest, examine, scan, source::Source};
use crate::archive::{Archive, Summary};

/// The archive that was audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// How it stands: the report is about the entries up to this head.
    #[serde(flatten)]
    pub summary: Summary,
    /// The head from earlier with which it was found to begin, if one had been noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noted: Option<Bytes32>,
}

/// Audits what an archive holds, as [`super::run`] does with a directory; the request's is the archive. Its chain and a
/// head that was noted earlier are checked before anything in it is looked at.
///
/// # Errors
/// If it is no archive, its chain is broken, or the noted head is nowhere in it; and those of [`super::run`].
pub fn run(
    request: &AuditRequest<'_>,
    noted: Option<Bytes32>,
    setups: &Setups,
    observer: &dyn Observer,
) -> Result<Audit, AuditError> {
    super::refuse_rivals(request.trust)?;
    let start = Instant::now();
    let archive = Archive::open_read_only(request.directory)?;
    archive.hold()?;
    let (found, summary) = scan::archive(&archive, noted)?;
    let source = Source::Archive(Box::new(Mutex::new((archive, None))));
    let audit = examine(request, &source, &found, start, setups, observer);
    // A disk that fails is no fault of an attestation.
    if let Some(failure) = source.take_failure() {
        return Err(failure.into());
    }
    let audit = audit?;
    Ok(Audit { archive: Some(Kept { summary, noted }), ..audit })
}
