//! What a custodian, a venue or a chain watcher does: states the balances of an account without showing them.

use std::borrow::Cow;

use rand_core::OsRng;
use surety_core::{
    FormatVersion,
    canonical::NotCanonical,
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::KindOf,
    problem::{Problem, listed},
    units::Timestamp,
};
use surety_kzg::{HoldingCommitment, Masks, Params, holding::HoldingError};
use surety_margin::{
    holdings::{Holdings, Position},
    universe::Universe,
};
use surety_verifier::attestation::{
    eip712::Audience,
    identifiers::UniverseId,
    signer::{Signer, SignerError},
    statement::Statement,
};

use crate::opening::Opening;

/// What a source states beside the balances.
#[derive(Clone, Debug)]
pub struct StatementTerms {
    /// The registry that the statement is meant for.
    pub audience: Audience,
    /// Whose account it is.
    pub subject: EvmAddress,
    /// The account, as the policy calls it.
    pub account: Name,
    /// When the account held the balances.
    pub as_of: Timestamp,
    /// The last second at which the statement counts.
    pub valid_until: Timestamp,
    /// Larger than in the source's last statement about the account.
    pub sequence: u64,
    /// The only policy that the account is pledged to, if any.
    pub pledge: Option<Bytes32>,
}

/// Why a source makes no statement. Never says how large a balance is.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The balances do not fit the universe.
    #[error("{}", listed("holdings", .0))]
    Holdings(Vec<Problem>),
    /// The statement would never count.
    #[error("valid_until: expected a time from as_of, {as_of}, on, found {valid_until}")]
    Lapsed {
        /// When the balances were held.
        as_of: u64,
        /// When the statement ends.
        valid_until: u64,
    },
    /// The universe has no identifier.
    #[error("universe: {0}")]
    Universe(#[from] NotCanonical),
    /// No commitment.
    #[error(transparent)]
    Commitment(#[from] HoldingError),
    /// No signature.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// Signs a statement about an account's balances; the opening is for the holder alone. Each call draws fresh masks, so
/// that no two statements have the same.
///
/// # Errors
/// If the balances do not fit the universe, or the statement would never count.
pub fn attest(
    universe: &Universe,
    params: &Params,
    holdings: Holdings,
    terms: StatementTerms,
    signer: &dyn Signer,
) -> Result<(Statement, Opening), SourceError> {
    let (as_of, valid_until) = (terms.as_of.0, terms.valid_until.0);
    if valid_until < as_of {
        return Err(SourceError::Lapsed { as_of, valid_until });
    }
    let position = holdings.position(universe).map_err(SourceError::Holdings)?;
    let masks = Masks::random(&mut OsRng);
    let statement = Statement {
        kind: KindOf::new(),
        version: FormatVersion,
        audience: terms.audience,
        source: signer.address(),
        subject: terms.subject,
        account: terms.account,
        universe: UniverseId::of(universe)?,
        commitment: HexBytes(commit(params, &position, &masks)?.to_bytes()),
        as_of: terms.as_of,
        valid_until: terms.valid_until,
        sequence: terms.sequence,
        encumbrance: terms.pledge.unwrap_or(Bytes32::ZERO),
        signature: HexBytes::ZERO,
    }
    .signed(signer)?;
    let opening = Opening::new(statement.hash(), holdings, masks);
    Ok((statement, opening))
}

/// The commitment to a position under masks.
pub(crate) fn commit(params: &Params, position: &Position, masks: &Masks) -> Result<HoldingCommitment, HoldingError> {
    HoldingCommitment::commit(params, &indexed(position), masks)
}

/// The holdings that are not zero, by the index of their instrument.
pub(crate) fn indexed(position: &Position) -> zeroize::Zeroizing<Vec<(usize, i128)>> {
    let lots = position.lots().iter().map(|lots| lots.get()).enumerate();
    zeroize::Zeroizing::new(lots.filter(|(_, lots)| *lots != 0).collect())
}

impl Failure for SourceError {
    fn class(&self) -> Class {
        match self {
            Self::Holdings(_) | Self::Lapsed { .. } => Class::Input,
            Self::Signer(error) => error.class(),
            Self::Universe(_) | Self::Commitment(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "source".into()
    }
}
