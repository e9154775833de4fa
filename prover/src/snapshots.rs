//! The record of the snapshots that a holder has proven against, which bounds them: see [`crate::epoch`].
//!
//! They are counted on disk, before a proof leaves the holder.

use std::{borrow::Cow, path::Path};

use alloy_primitives::Keccak256;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes},
    kind::{Kind, KindOf, Kinded},
};
use surety_verifier::attestation::identifiers::{PolicyId, SnapshotId};

use crate::{
    epoch::{TooMany, admit},
    journal::{Journal, JournalError},
};

/// Why no proof is made over a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotsError {
    /// The snapshot is one of too many.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// The snapshots cannot be counted.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The snapshots of an epoch that were proven against.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    kind: KindOf<Record>,
    version: FormatVersion,
    policy: Bytes32,
    epoch: u64,
    snapshots: Vec<Bytes32>,
}

impl Kinded for Record {
    const KIND: Kind = Kind::ProvenSnapshots;
}

/// The snapshots that a user has proven against.
#[derive(Clone, Debug)]
pub struct ProvenSnapshots(Journal);

impl ProvenSnapshots {
    /// The snapshots in a state directory, which is created if need be.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(state: &Path) -> Result<Self, SnapshotsError> {
        let advice = "wait for the next epoch, which has a record of its own";
        Ok(Self(Journal::open(state, "snapshots", advice)?))
    }

    /// Demands that one more proof over a snapshot may be made, and counts nothing: an account that turns out to be
    /// insufficient leaves no trace.
    ///
    /// # Errors
    /// As [`ProvenSnapshots::count`].
    pub fn check(&self, policy: PolicyId, epoch: u64, snapshot: SnapshotId) -> Result<(), SnapshotsError> {
        let key = key(policy, epoch);
        self.with(self.0.read(key)?, policy, epoch, snapshot).map(|_| ())
    }

    /// Counts a snapshot, once however often it is proven against.
    ///
    /// # Errors
    /// If it is one of more than [`crate::epoch::LIMIT`] of its epoch, or cannot be counted; then no proof may leave
    /// the holder.
    pub fn count(&self, policy: PolicyId, epoch: u64, snapshot: SnapshotId) -> Result<(), SnapshotsError> {
        self.0.change(key(policy, epoch), |before| Ok((self.with(before, policy, epoch, snapshot)?, ())))
    }

    /// The record of an epoch with one more snapshot.
    fn with(
        &self,
        before: Option<Record>,
        policy: PolicyId,
        epoch: u64,
        snapshot: SnapshotId,
    ) -> Result<Record, SnapshotsError> {
        let mut record = before.unwrap_or(Record {
            kind: KindOf::new(),
            version: FormatVersion,
            policy: policy.0,
            epoch,
            snapshots: Vec::new(),
        });
        if (record.policy, record.epoch) != (policy.0, epoch) {
            return Err(self.0.damaged(key(policy, epoch), "it is the record of another epoch".to_owned()).into());
        }
        admit(&mut record.snapshots, epoch, snapshot)?;
        Ok(record)
    }
}

fn key(policy: PolicyId, epoch: u64) -> Bytes32 {
    let mut hasher = Keccak256::new();
    hasher.update(policy.0.0);
    hasher.update(epoch.to_be_bytes());
    HexBytes(hasher.finalize().0)
}

impl Failure for SnapshotsError {
    fn class(&self) -> Class {
        match self {
            Self::TooMany(error) => error.class(),
            Self::Journal(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Journal(error) => error.code(),
            Self::TooMany(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::LIMIT;

    fn id(number: usize) -> SnapshotId {
        SnapshotId(HexBytes([u8::try_from(number).unwrap(); 32]))
    }

    /// Attack: ask for one attestation after another, over prices that halve what the holdings can be.
    #[test]
    fn rejects_one_snapshot_of_an_epoch_more() {
        let directory = tempfile::tempdir().unwrap();
        let policy = PolicyId(HexBytes([1; 32]));
        for _ in 0..2 {
            // Opened anew, as each run does.
            let snapshots = ProvenSnapshots::open(directory.path()).unwrap();
            for number in 0..LIMIT {
                snapshots.count(policy, 7, id(number)).unwrap();
            }
            snapshots.check(policy, 7, id(0)).unwrap();
            for refused in [snapshots.check(policy, 7, id(LIMIT)), snapshots.count(policy, 7, id(LIMIT))] {
                assert!(matches!(refused, Err(SnapshotsError::TooMany(TooMany { epoch: 7 }))), "{refused:?}");
            }
            snapshots.count(policy, 8, id(LIMIT)).unwrap();
            snapshots.count(PolicyId(HexBytes([2; 32])), 7, id(LIMIT)).unwrap();
        }
    }

    #[test]
    fn rejects_a_damaged_record_of_snapshots() {
        let directory = tempfile::tempdir().unwrap();
        let policy = PolicyId(HexBytes([1; 32]));
        let snapshots = ProvenSnapshots::open(directory.path()).unwrap();
        snapshots.count(policy, 7, id(0)).unwrap();
        let files = || directory.path().join("snapshots").read_dir().unwrap().map(|entry| entry.unwrap().path());
        let path = files().find(|path| path.extension().is_some_and(|extension| extension == "json")).unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        for damaged in ["{}", &whole.replace("\"epoch\":7", "\"epoch\":6")] {
            std::fs::write(&path, damaged).unwrap();
            let error = snapshots.count(policy, 7, id(0)).unwrap_err();
            assert!(matches!(error, SnapshotsError::Journal(JournalError::Damaged { .. })), "{error}");
        }
    }
}
