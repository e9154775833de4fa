//! The hidden account: what all statements together commit to.

use surety_kzg::{Masks, Params, SecretScalars, holding::{HoldingError, holding_column}};
use surety_margin::{holdings::Position, ident::Bytes32, problem::Problem, universe::Universe};
use surety_verifier::statement::Statement;

use crate::{
    ledger::Entry,
    opening::Opening,
    source::{commit, indexed},
};

/// Why statements and openings make no account. Never says how large a balance is.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A statement without an opening.
    #[error(
        "statement {statement} about {account}: expected its opening, found none; ask the source for the file that came with it"
    )]
    NoOpening {
        /// The statement.
        statement: Bytes32,
        /// The account.
        account: String,
    },
    /// An opening that does not open its statement's commitment.
    #[error(
        "statement {statement} about {account}: expected an opening of its commitment, found other balances or masks; \
         ask the source for the file again"
    )]
    OtherOpening {
        /// The statement.
        statement: Bytes32,
        /// The account.
        account: String,
    },
    /// The balances of an opening do not fit the universe.
    #[error("opening of {account}: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Holdings {
        /// The account.
        account: String,
        /// Why.
        problems: Vec<Problem>,
    },
    /// The balances add up to more than can be proven about.
    #[error("the balances of an instrument: {0}")]
    Sum(String),
    /// No commitment.
    #[error(transparent)]
    Commitment(#[from] HoldingError),
}

/// What an account holds at all of its sources, and the masks that hide it. Erased when dropped.
pub struct Account {
    position: Position,
    masks: Masks,
    entries: Vec<Entry>,
}

impl Account {
    /// Opens a set of statements, each with the opening that names its hash.
    ///
    /// # Errors
    /// If a statement has no opening, or one that does not open its commitment.
    pub fn open(
        universe: &Universe,
        params: &Params,
        statements: &[Statement],
        openings: &[Opening],
    ) -> Result<Self, AccountError> {
        let mut position = Position::empty(universe);
        let mut masks = Vec::with_capacity(statements.len());
        let mut entries = Vec::with_capacity(statements.len());
        for statement in statements {
            let (hash, account) = (statement.hash(), || statement.account.to_string());
            let opening = openings
                .iter()
                .find(|opening| opening.statement == hash)
                .ok_or_else(|| AccountError::NoOpening { statement: hash, account: account() })?;
            let part = opening
                .holdings
                .position(universe)
                .map_err(|problems| AccountError::Holdings { account: account(), problems })?;
            if commit(params, &part, &opening.masks.0)?.to_bytes() != statement.commitment.0 {
                return Err(AccountError::OtherOpening { statement: hash, account: account() });
            }
            position = position.plus(&part).map_err(AccountError::Sum)?;
            masks.push(&opening.masks.0);
            entries.push(Entry::new(hash, &opening.masks.0));
        }
        Ok(Self { position, masks: Masks::sum(masks), entries })
    }

    /// What it holds.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// What the ledger counts a proof under.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The column that its statements' commitments add up to.
    ///
    /// # Errors
    /// If the universe is for another capacity class.
    pub(crate) fn column(&self, params: &Params) -> Result<SecretScalars, HoldingError> {
        holding_column(params.capacity(), &indexed(&self.position), &self.masks)
    }
}
