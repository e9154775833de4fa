//! The hidden account: what all statements together commit to.

use std::borrow::Cow;

use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
    problem::{Problem, listed},
};
use surety_kzg::{
    Masks, Params, SecretScalars,
    holding::{HoldingError, holding_column},
};
use surety_margin::{
    holdings::{Holdings, Position},
    universe::Universe,
};
use surety_verifier::attestation::statement::Statement;
use zeroize::ZeroizeOnDrop;

use crate::{
    ledger::LedgerEntry,
    opening::Opening,
    source::{commit, indexed},
};

/// Why statements and openings make no account. Never says how large a balance is.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// A statement without an opening.
    #[error(
        "statement {statement} about {account}: expected its opening, found none; ask the source for the file that \
         came with it"
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
    /// Balances do not fit the universe.
    #[error("{}", listed("holdings", .0))]
    Holdings(Vec<Problem>),
    /// The balances add up to more than can be proven about.
    #[error("the balances of an instrument: {0}")]
    Sum(String),
    /// No commitment.
    #[error(transparent)]
    Commitment(#[from] HoldingError),
}

/// What an account holds at all of its sources, and the masks that hide it. Erased when dropped.
#[derive(ZeroizeOnDrop)]
pub struct Account {
    position: Position,
    masks: Masks,
    #[zeroize(skip)]
    entries: Vec<LedgerEntry>,
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
        let pairs = pair(statements, openings)?;
        for (statement, opening) in &pairs {
            let part = opening.holdings.position(universe).map_err(AccountError::Holdings)?;
            if commit(params, &part, &opening.masks.0)?.to_bytes() != statement.commitment.0 {
                let (statement, account) = (statement.hash(), statement.account.to_string());
                return Err(AccountError::OtherOpening { statement, account });
            }
        }
        let openings = || pairs.iter().map(|(_, opening)| *opening);
        Ok(Self {
            position: sum(universe, openings().map(|opening| &opening.holdings))?,
            masks: Masks::sum(openings().map(|opening| &opening.masks.0)),
            entries: openings().map(|opening| LedgerEntry::new(opening.statement, &opening.masks.0)).collect(),
        })
    }

    /// The account with public balances, which no masks hide, added to it.
    ///
    /// # Errors
    /// If the sum is more than can be proven about.
    pub fn with_public(mut self, balances: &Position) -> Result<Self, AccountError> {
        self.position = self.position.plus(balances).map_err(AccountError::Sum)?;
        Ok(self)
    }

    /// What it holds.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// What the ledger counts a proof under.
    #[must_use]
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// The column that its statements' commitments, and those to public balances, add up to.
    ///
    /// # Errors
    /// If the universe is for another capacity class.
    pub(crate) fn column(&self, params: &Params) -> Result<SecretScalars, HoldingError> {
        holding_column(params.capacity(), &indexed(&self.position), &self.masks)
    }
}

/// What statements say, by their openings, which are taken at their word.
///
/// # Errors
/// If a statement has no opening, or the balances do not fit the universe.
pub fn position_of(
    universe: &Universe,
    statements: &[Statement],
    openings: &[Opening],
) -> Result<Position, AccountError> {
    sum(universe, pair(statements, openings)?.into_iter().map(|(_, opening)| &opening.holdings))
}

/// The sum of several files of balances.
///
/// # Errors
/// If they do not fit the universe.
pub fn sum<'a>(universe: &Universe, all: impl IntoIterator<Item = &'a Holdings>) -> Result<Position, AccountError> {
    all.into_iter().try_fold(Position::empty(universe), |sum, holdings| {
        let part = holdings.position(universe).map_err(AccountError::Holdings)?;
        sum.plus(&part).map_err(AccountError::Sum)
    })
}

/// Each statement with the opening that names its hash.
fn pair<'a>(
    statements: &'a [Statement],
    openings: &'a [Opening],
) -> Result<Vec<(&'a Statement, &'a Opening)>, AccountError> {
    let find = |statement: &'a Statement| {
        let hash = statement.hash();
        let opening = openings.iter().find(|opening| opening.statement == hash);
        let account = || statement.account.to_string();
        Ok((statement, opening.ok_or_else(|| AccountError::NoOpening { statement: hash, account: account() })?))
    };
    statements.iter().map(find).collect()
}

impl Failure for AccountError {
    fn class(&self) -> Class {
        match self {
            Self::NoOpening { .. } | Self::Holdings(_) | Self::Sum(_) => Class::Input,
            Self::OtherOpening { .. } => Class::Mismatch,
            Self::Commitment(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "account".into()
    }
}
