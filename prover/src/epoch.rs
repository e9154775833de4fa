//! How many snapshots of an epoch a holder proves against.
//!
//! An attestation says one bit about hidden holdings: that they satisfy a level at these prices. Whoever chooses the
//! prices, as a policy's author or a quorum of its nodes does, can ask for one attestation after another and so search
//! for the holdings. A holder therefore proves against published snapshots only, and against few in an epoch.

use std::borrow::Cow;

use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
};
use surety_verifier::attestation::identifiers::SnapshotId;

/// Most different snapshots of one epoch and policy. One is what there should be; a second may replace it.
pub const LIMIT: usize = 2;

/// The snapshot is one of too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "market: expected one of the {LIMIT} snapshots of epoch {epoch} that were proven against under this policy, found \
     another: whoever chooses prices learns something of your holdings from each attestation; wait for the next epoch"
)]
pub struct TooMany {
    /// The epoch.
    pub epoch: u64,
}

/// Adds a snapshot of an epoch to those that were proven against, once however often it is proven against.
///
/// # Errors
/// If it is one of more than [`LIMIT`].
pub fn admit(known: &mut Vec<Bytes32>, epoch: u64, snapshot: SnapshotId) -> Result<(), TooMany> {
    if known.contains(&snapshot.0) {
        return Ok(());
    }
    if known.len() >= LIMIT {
        return Err(TooMany { epoch });
    }
    known.push(snapshot.0);
    Ok(())
}

impl Failure for TooMany {
    fn class(&self) -> Class {
        Class::Resources
    }

    fn code(&self) -> Cow<'static, str> {
        "snapshots".into()
    }
}
