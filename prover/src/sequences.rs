//! The sequence numbers of a source's statements: each stands for one statement about an account.
//!
//! A registry takes one statement for each number. A number that stood for two would let the holder choose between
//! them, so the last number of each account is kept on disk *before* the statement with it is signed. A number is never
//! smaller than the time of the balances, so that a source that loses its records, and is not faster than one statement
//! a second, still goes on with larger ones.

use std::{borrow::Cow, path::Path};

use alloy_primitives::Keccak256;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
    units::Timestamp,
};

use crate::journal::{Journal, JournalError};

/// Why a statement gets no sequence number.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// The number is taken, or one behind it.
    #[error(
        "sequence: expected a number larger than {last}, that of the last statement about the account, found {found}; \
         leave it out to take the next"
    )]
    Repeated {
        /// The last number.
        last: u64,
        /// The number asked for.
        found: u64,
    },
    /// There is no larger number.
    #[error("sequence: expected a number larger than the last, found none: the last is the largest there is")]
    Exhausted,
    /// The number cannot be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// An account as a source states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedAccount {
    /// The source's signing address.
    pub source: EvmAddress,
    /// Whose account it is.
    pub subject: EvmAddress,
    /// The account, as the policy calls it.
    pub account: Name,
}

impl StatedAccount {
    fn key(&self) -> Bytes32 {
        let mut hasher = Keccak256::new();
        hasher.update(self.source.0);
        hasher.update(self.subject.0);
        hasher.update(self.account.as_str());
        HexBytes(hasher.finalize().0)
    }
}

/// The last statement about an account.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    kind: KindOf<Record>,
    version: FormatVersion,
    account: StatedAccount,
    sequence: u64,
}

impl Kinded for Record {
    const KIND: Kind = Kind::LastStatement;
}

/// The last numbers of a source's accounts.
#[derive(Clone, Debug)]
pub struct Sequences(Journal);

impl Sequences {
    /// The numbers in a state directory, which is created if need be.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn open(state: &Path) -> Result<Self, SequenceError> {
        let advice = "find out the last sequence number of the account, give the next one with --sequence, and put the \
                      damaged record away";
        Ok(Self(Journal::open(state, "sequences", advice)?))
    }

    /// Takes a number for the next statement about an account: the one that is asked for or, by default, the first
    /// behind the last that is not below the time of the balances. When this returns, no other statement gets it.
    ///
    /// # Errors
    /// If the number is not larger than the last, or cannot be kept; then no statement may be signed.
    pub fn take(
        &self,
        account: &StatedAccount,
        wanted: Option<u64>,
        Timestamp(as_of): Timestamp,
    ) -> Result<u64, SequenceError> {
        let key = account.key();
        self.0.change(key, |before: Option<Record>| {
            if before.as_ref().is_some_and(|record| record.account != *account) {
                return Err(self.0.damaged(key, "it is the record of another account".to_owned()).into());
            }
            let last = before.map(|record| record.sequence);
            let next = last.map_or(Some(0), |last| last.checked_add(1)).ok_or(SequenceError::Exhausted)?;
            let sequence = match (wanted, last) {
                (Some(found), Some(last)) if found <= last => return Err(SequenceError::Repeated { last, found }),
                (Some(found), _) => found,
                (None, _) => next.max(as_of),
            };
            let record = Record { kind: KindOf::new(), version: FormatVersion, account: account.clone(), sequence };
            Ok((record, sequence))
        })
    }
}

impl Failure for SequenceError {
    fn class(&self) -> Class {
        match self {
            Self::Repeated { .. } | Self::Exhausted => Class::Input,
            Self::Journal(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Journal(error) => error.code(),
            _ => "sequence".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> StatedAccount {
        StatedAccount { source: HexBytes([1; 20]), subject: HexBytes([2; 20]), account: Name::new(name).unwrap() }
    }

    fn sequences() -> (tempfile::TempDir, Sequences) {
        let directory = tempfile::tempdir().unwrap();
        let sequences = Sequences::open(directory.path()).unwrap();
        (directory, sequences)
    }

    /// Attack: two statements of one second, of which the holder shows the one that suits it.
    #[test]
    fn rejects_one_sequence_number_for_two_statements() {
        let (directory, sequences) = sequences();
        let (main, now) = (account("main"), Timestamp(1_000));
        assert_eq!(sequences.take(&main, None, now).unwrap(), 1_000);
        // Opened anew, as each run does.
        let again = Sequences::open(directory.path()).unwrap();
        assert_eq!(again.take(&main, None, now).unwrap(), 1_001);
        for found in [7, 1_001] {
            let error = sequences.take(&main, Some(found), now).unwrap_err();
            assert!(matches!(error, SequenceError::Repeated { last: 1_001, .. }), "{error}");
        }
        assert_eq!(sequences.take(&main, Some(1_005), now).unwrap(), 1_005);
        assert_eq!(sequences.take(&main, None, Timestamp(900)).unwrap(), 1_006, "also as of an earlier time");
        assert_eq!(sequences.take(&account("cold"), None, now).unwrap(), 1_000, "another account has its own");
        assert_eq!(sequences.take(&account("cold"), None, Timestamp(2_000)).unwrap(), 2_000);
    }

    #[test]
    fn rejects_a_sequence_number_behind_the_largest() {
        let (_directory, sequences) = sequences();
        let main = account("main");
        assert_eq!(sequences.take(&main, Some(u64::MAX), Timestamp(0)).unwrap(), u64::MAX);
        assert!(matches!(sequences.take(&main, None, Timestamp(0)), Err(SequenceError::Exhausted)));
    }

    #[test]
    fn rejects_a_damaged_record_of_sequence_numbers() {
        let (_directory, sequences) = sequences();
        let (main, cold) = (account("main"), account("cold"));
        sequences.take(&main, None, Timestamp(5)).unwrap();
        let (path, other) = (sequences.0.path(main.key()), sequences.0.path(cold.key()));
        std::fs::copy(&path, &other).unwrap();
        std::fs::write(&path, "{}").unwrap();
        for account in [main, cold] {
            let error = sequences.take(&account, None, Timestamp(9)).unwrap_err();
            assert!(matches!(error, SequenceError::Journal(JournalError::Damaged { .. })), "{error}");
        }
    }

    #[test]
    fn concurrent_sources_take_different_numbers() {
        let (directory, sequences) = sequences();
        let mut taken: Vec<u64> = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| {
                    let sequences = Sequences::open(directory.path()).unwrap();
                    let take = move || sequences.take(&account("main"), None, Timestamp(1)).unwrap();
                    scope.spawn(move || (0..8).map(|_| take()).collect::<Vec<_>>())
                })
                .collect();
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
        });
        taken.sort_unstable();
        assert_eq!(taken, (1..=32).collect::<Vec<_>>());
        drop(sequences);
    }
}
