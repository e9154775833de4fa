//! The durable bound on proofs per statement.
//!
//! Each proof reveals one evaluation of the column that holds the holdings and masks of its statements. The masks hide
//! as many evaluations as they have rows, and not one more: so the number of proofs that were made from a statement's
//! masks is counted on disk, over all policies, levels and chains, *before* a proof is made. What cannot be counted is
//! refused: a ledger that is damaged or cannot be written never starts again from zero.
//!
//! There is one record for each statement's masks, named by their fingerprint. It remembers the statement too, so that
//! masks that turn up under a second statement are refused.

use std::{
    borrow::Cow,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use alloy_primitives::Keccak256;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    capacity::MASK_ROWS,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes},
    kind::{Kind, KindOf, Kinded},
    text::json_problem,
};
use surety_host::{
    atomic::reason,
    files::{self, Access, Existing, FileError},
};
use surety_kzg::Masks;

/// Most proofs from one statement.
pub const LIMIT: u32 = MASK_ROWS as u32;

/// Why the ledger lets no proof be made.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The statement has borne all the proofs that it can.
    #[error(
        "statement {statement}: expected fewer than {LIMIT} proofs so far, found {found}; one more could reveal the \
         holdings: \
         ask the source for a new statement"
    )]
    Exhausted {
        /// The statement.
        statement: Bytes32,
        /// Proofs made.
        found: u32,
    },
    /// Two statements with the same masks.
    #[error(
        "statement {statement}: expected masks of its own, found those of statement {other}; the source must draw new \
         ones, \
         or the two reveal each other's holdings"
    )]
    MasksReused {
        /// The statement.
        statement: Bytes32,
        /// The statement that the masks were first used for.
        other: Bytes32,
    },
    /// A record that is none.
    #[error(
        "{}: the ledger of proofs is damaged: {reason}; ask the sources for new statements: an older copy of the \
         ledger would forget proofs",
        path.display()
    )]
    Damaged {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be read or written.
    #[error("the ledger of proofs cannot be kept, so no proof is made: {0}")]
    File(#[from] FileError),
    /// It cannot be locked.
    #[error("{}: the ledger of proofs cannot be locked: {}", path.display(), reason(error))]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
}

/// A statement and its masks, as the ledger knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    statement: Bytes32,
    masks: Bytes32,
}

impl LedgerEntry {
    /// The entry of a statement, by its hash, and of the masks in its opening.
    #[must_use]
    pub fn new(statement: Bytes32, masks: &Masks) -> Self {
        let mut hasher = Keccak256::new();
        hasher.update(b"surety/masks/v1");
        hasher.update(masks.to_secret_bytes().as_slice());
        Self { statement, masks: HexBytes(hasher.finalize().0) }
    }
}

/// How many proofs were made from one statement.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    kind: KindOf<Record>,
    version: FormatVersion,
    statement: Bytes32,
    masks: Bytes32,
    proofs: u32,
}

impl Kinded for Record {
    const KIND: Kind = Kind::ProofCount;
}

/// The records of one user.
#[derive(Clone, Debug)]
pub struct Ledger {
    directory: PathBuf,
}

impl Ledger {
    /// The ledger in a state directory, which is created if need be.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(state: &Path) -> Result<Self, LedgerError> {
        let directory = state.join("proofs");
        files::create_private_directory(&directory)?;
        Ok(Self { directory })
    }

    /// Counts one proof from each of these statements. When this returns, the counts have reached the disk.
    ///
    /// # Errors
    /// If one of the statements has borne all of its proofs, or the counts cannot be kept; then no proof may be made.
    pub fn count_proof(&self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        let _lock = self.lock()?;
        for (position, entry) in entries.iter().enumerate() {
            if let Some(other) = entries[..position].iter().find(|other| other.masks == entry.masks) {
                return Err(LedgerError::MasksReused { statement: entry.statement, other: other.statement });
            }
        }
        // All are checked before any is counted: a refusal costs nothing.
        let records = entries.iter().map(|entry| self.next(entry)).collect::<Result<Vec<_>, _>>()?;
        for record in records {
            let mut text =
                serde_json::to_vec(&record).map_err(|error| self.damaged(record.masks, error.to_string()))?;
            text.push(b'\n');
            files::write(&self.path(record.masks), &text, Access::Secret, Existing::Replace)?;
        }
        Ok(())
    }

    /// How many proofs were made from a statement.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn proofs(&self, entry: &LedgerEntry) -> Result<u32, LedgerError> {
        Ok(self.record(entry)?.proofs)
    }

    /// Checks every record, and says how many there are.
    ///
    /// # Errors
    /// With the first that is damaged or cannot be read.
    pub fn check(&self) -> Result<usize, LedgerError> {
        let unreadable =
            |error| LedgerError::File(FileError::Io { path: self.directory.clone(), action: "cannot be read", error });
        let mut records = 0;
        for entry in self.directory.read_dir().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                read_record(&path)?;
                records += 1;
            }
        }
        Ok(records)
    }

    /// The record as it is after one more proof.
    fn next(&self, entry: &LedgerEntry) -> Result<Record, LedgerError> {
        let mut record = self.record(entry)?;
        if record.proofs >= LIMIT {
            return Err(LedgerError::Exhausted { statement: entry.statement, found: record.proofs });
        }
        record.proofs += 1;
        Ok(record)
    }

    fn record(&self, entry: &LedgerEntry) -> Result<Record, LedgerError> {
        let record = match read_record(&self.path(entry.masks)) {
            Err(LedgerError::File(FileError::Missing(_))) => Record {
                kind: KindOf::new(),
                version: FormatVersion,
                statement: entry.statement,
                masks: entry.masks,
                proofs: 0,
            },
            record => record?,
        };
        if record.masks != entry.masks {
            return Err(self.damaged(entry.masks, format!("it is the record of masks {}", record.masks)));
        }
        if record.statement != entry.statement {
            return Err(LedgerError::MasksReused { statement: entry.statement, other: record.statement });
        }
        Ok(record)
    }

    fn path(&self, masks: Bytes32) -> PathBuf {
        self.directory.join(format!("{masks}.json"))
    }

    fn damaged(&self, masks: Bytes32, reason: String) -> LedgerError {
        LedgerError::Damaged { path: self.path(masks), reason }
    }

    /// Keeps other provers out until dropped.
    fn lock(&self) -> Result<File, LedgerError> {
        let path = self.directory.join("lock");
        let locked = OpenOptions::new().create(true).append(true).open(&path).and_then(|file| {
            file.lock()?;
            Ok(file)
        });
        locked.map_err(|error| LedgerError::Lock { path, error })
    }
}

fn read_record(path: &Path) -> Result<Record, LedgerError> {
    let text = files::read_text(path)?;
    serde_json::from_str(&text)
        .map_err(|error| LedgerError::Damaged { path: path.to_owned(), reason: json_problem(&error).to_string() })
}

impl Failure for LedgerError {
    fn class(&self) -> Class {
        match self {
            Self::Exhausted { .. } => Class::Resources,
            Self::MasksReused { .. } => Class::Input,
            Self::Damaged { .. } => Class::Mismatch,
            Self::File(error) => error.class(),
            Self::Lock { .. } => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "ledger".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(statement: u8, masks: u8) -> LedgerEntry {
        LedgerEntry { statement: HexBytes([statement; 32]), masks: HexBytes([masks; 32]) }
    }

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(directory.path()).unwrap();
        (directory, ledger)
    }

    #[test]
    fn rejects_one_proof_beyond_the_bound() {
        let (directory, ledger) = ledger();
        let (shared, other) = (entry(1, 1), entry(2, 2));
        for proof in 0..LIMIT {
            assert_eq!(ledger.proofs(&shared).unwrap(), proof);
            // Opened anew, as each run of the prover does.
            Ledger::open(directory.path()).unwrap().count_proof(&[shared]).unwrap();
        }
        let error = ledger.count_proof(&[other, shared]).unwrap_err();
        assert!(matches!(error, LedgerError::Exhausted { found: LIMIT, .. }), "{error}");
        assert_eq!(ledger.proofs(&other).unwrap(), 0, "a refusal counts nothing");
        ledger.count_proof(&[other]).unwrap();
        assert_eq!(ledger.check().unwrap(), 2);
    }

    #[test]
    fn rejects_masks_of_another_statement() {
        let (_directory, ledger) = ledger();
        ledger.count_proof(&[entry(1, 7)]).unwrap();
        let error = ledger.count_proof(&[entry(2, 7)]).unwrap_err();
        assert!(matches!(error, LedgerError::MasksReused { .. }), "{error}");
        let error = ledger.count_proof(&[entry(3, 8), entry(4, 8)]).unwrap_err();
        assert!(matches!(error, LedgerError::MasksReused { .. }), "{error}");
        assert_eq!(ledger.proofs(&entry(3, 8)).unwrap(), 0);
    }

    #[test]
    fn rejects_a_damaged_record_and_never_resets_it() {
        let (_directory, ledger) = ledger();
        let known = entry(1, 1);
        ledger.count_proof(&[known]).unwrap();
        let path = ledger.path(known.masks);
        let whole = std::fs::read_to_string(&path).unwrap();
        let more = whole.replace("\"proofs\"", "\"rest\":0,\"proofs\"");
        for damaged in ["", "{}", &whole[..whole.len() / 2], &more, &whole.replace(":1}", ":-1}")] {
            assert_ne!(damaged, whole);
            std::fs::write(&path, damaged).unwrap();
            assert!(matches!(ledger.count_proof(&[known]), Err(LedgerError::Damaged { .. })), "{damaged:?}");
            assert!(ledger.check().is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged, "left as it is");
        }
        std::fs::rename(&path, ledger.path(entry(2, 2).masks)).unwrap();
        let swapped = ledger.count_proof(&[entry(2, 2)]).unwrap_err();
        assert!(matches!(swapped, LedgerError::Damaged { .. }), "{swapped}");
    }

    #[test]
    fn rejects_a_ledger_that_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("proofs"), "a file").unwrap();
        assert!(matches!(Ledger::open(directory.path()), Err(LedgerError::File(_))));
        let (directory, ledger) = ledger();
        std::fs::create_dir(ledger.path(entry(1, 1).masks)).unwrap();
        assert!(matches!(ledger.count_proof(&[entry(1, 1)]), Err(LedgerError::File(_))));
        drop(directory);
        assert!(matches!(ledger.count_proof(&[entry(2, 2)]), Err(LedgerError::Lock { .. })));
    }

    #[test]
    fn concurrent_provers_lose_no_count() {
        let (directory, ledger) = ledger();
        let known = entry(1, 1);
        let made: u32 = std::thread::scope(|scope| {
            let provers: Vec<_> = (0..4)
                .map(|_| {
                    // A ledger of its own: the lock holds between open files, as it does between processes.
                    let ledger = Ledger::open(directory.path()).unwrap();
                    scope.spawn(move || (0..LIMIT / 2).filter(|_| ledger.count_proof(&[known]).is_ok()).count() as u32)
                })
                .collect();
            provers.into_iter().map(|prover| prover.join().unwrap()).sum()
        });
        assert_eq!(made, LIMIT, "twice as many were tried");
        assert_eq!(ledger.proofs(&known).unwrap(), LIMIT);
    }

    #[test]
    fn fingerprints_tell_masks_apart() {
        let statement = HexBytes([1; 32]);
        let (one, two) = (Masks::random(&mut rand_core::OsRng), Masks::random(&mut rand_core::OsRng));
        assert_eq!(LedgerEntry::new(statement, &one), LedgerEntry::new(statement, &one.clone()));
        assert_ne!(LedgerEntry::new(statement, &one), LedgerEntry::new(statement, &two));
    }
}
