//! Attestations of one policy to audit: made once, which takes some minutes, and kept in `target/` for later runs.

use std::{path::PathBuf, time::SystemTime};

use surety_audit::audit::{self, Audit, AuditRequest};
use surety_core::units::Timestamp;
use surety_host::{files::Existing, setup::Setups};
use surety_kzg::progress::Silent;
use surety_walkthrough::batch;

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

/// The directory of attestations, made if there is none.
fn attestations(count: usize, setups: &Setups) -> PathBuf {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).join(format!("audit-{count}"));
    let unfinished = directory.with_extension("unfinished");
    if !directory.exists() {
        // What an interrupted run left is of no use.
        let _ = std::fs::remove_dir_all(&unfinished);
        batch::run(&unfinished, (count, batch::CURRENT), setups, now(), Existing::Keep, &Silent).unwrap();
        std::fs::rename(&unfinished, &directory).unwrap();
    }
    directory
}

/// So many attestations, audited as often as one likes.
pub struct Attestations<'a> {
    directory: PathBuf,
    count: usize,
    setups: &'a Setups,
}

impl<'a> Attestations<'a> {
    /// So many, made if there are none.
    #[must_use]
    pub fn new(count: usize, setups: &'a Setups) -> Self {
        Self { directory: attestations(count, setups), count, setups }
    }

    /// Audits all of them, which are accepted; those of an earlier run may have lapsed.
    #[must_use]
    pub fn audit(&self, one_by_one: bool) -> Audit {
        let request = AuditRequest {
            directory: &self.directory,
            trust: &[],
            vaults: &[],
            books: Default::default(),
            strict: false,
            allow_insecure_srs: true,
            at: now(),
            history: true,
            one_by_one,
            engagement: None,
            sample: None,
        };
        let audit = audit::run(&request, self.setups, &Silent).unwrap();
        assert_eq!((audit.accepted, audit.rejected), (self.count, 0));
        audit
    }
}
