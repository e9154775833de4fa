//! The hidden account: what all statements together commit to.

use std::borrow::Cow;

use surety_core::{
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress},
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
    /// Two statements with the same masks.
    #[error(
        "statement {statement} about {account}: expected masks of its own, found those of another statement: the two \
         tell the difference of their balances; ask the source for a new one"
    )]
    MasksReused {
        /// The second statement.
        statement: Bytes32,
        /// Its account.
        account: String,
    },
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
        refuse_reused_masks(&pairs)?;
        Self::of_pairs(universe, &pairs)
    }

    /// What one source states, by its openings, which are taken at their word.
    ///
    /// # Errors
    /// If a statement has no opening, or the balances do not fit the universe.
    pub(crate) fn stated_by(
        universe: &Universe,
        statements: &[Statement],
        openings: &[Opening],
        signer: &EvmAddress,
    ) -> Result<Self, AccountError> {
        let mut pairs = pair(statements, openings)?;
        pairs.retain(|(statement, _)| statement.source == *signer);
        Self::of_pairs(universe, &pairs)
    }

    fn of_pairs(universe: &Universe, pairs: &[(&Statement, &Opening)]) -> Result<Self, AccountError> {
        let openings = || pairs.iter().map(|(_, opening)| *opening);
        Ok(Self {
            position: sum(universe, openings().map(|opening| &opening.holdings))?,
            masks: Masks::sum(openings().map(|opening| &opening.masks.0)),
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

    /// The column that its statements' commitments, and those to public balances, add up to.
    ///
    /// # Errors
    /// If the universe is for another capacity class.
    pub fn column(&self, params: &Params) -> Result<SecretScalars, HoldingError> {
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

/// The difference of two commitments under the same masks is that of the balances, which can be guessed.
fn refuse_reused_masks(pairs: &[(&Statement, &Opening)]) -> Result<(), AccountError> {
    for (position, (statement, opening)) in pairs.iter().enumerate() {
        let reused = |(_, other): &(&Statement, &Opening)| other.masks.0.scalars() == opening.masks.0.scalars();
        if pairs[..position].iter().any(reused) {
            let (statement, account) = (statement.hash(), statement.account.to_string());
            return Err(AccountError::MasksReused { statement, account });
        }
    }
    Ok(())
}

impl Failure for AccountError {
    fn class(&self) -> Class {
        match self {
            Self::NoOpening { .. } | Self::Holdings(_) | Self::Sum(_) => Class::Input,
            Self::OtherOpening { .. } | Self::MasksReused { .. } => Class::Mismatch,
            Self::Commitment(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "account".into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use surety_core::{
        FormatVersion,
        ident::{HexBytes, Name},
        kind::KindOf,
        units::Timestamp,
    };
    use surety_kzg::{Srs, progress::Silent};
    use surety_testing::sample;
    use surety_verifier::attestation::{eip712::Audience, signature::SigningKey};

    use super::*;
    use crate::source::{StatementTerms, attest};

    /// Attack: a source that hides two accounts with one set of masks. Their commitments tell what one holds more.
    #[test]
    fn rejects_masks_that_serve_two_statements() {
        let universe = sample::universe(9, 2);
        let params = Params::from_srs(&Srs::development(universe.capacity), universe.capacity, &Silent).unwrap();
        let key = SigningKey::from_secret_bytes(&[7; 32]).unwrap();
        let stated = ["first", "second"].map(|account| {
            let holdings = Holdings {
                kind: KindOf::new(),
                version: FormatVersion,
                universe: universe.name.clone(),
                balances: Vec::new(),
            };
            let terms = StatementTerms {
                audience: Audience { chain_id: 1, registry: HexBytes([1; 20]) },
                subject: HexBytes([2; 20]),
                account: Name::new(account).unwrap(),
                as_of: Timestamp(1),
                valid_until: Timestamp(2),
                sequence: 1,
                pledge: None,
            };
            attest(&universe, &params, holdings, terms, &key).unwrap()
        });
        let [(first, opening), (second, other)] = stated;
        let open = |statements: &[Statement], openings: &[Opening]| {
            Account::open(&universe, &params, statements, openings).map(|_| ())
        };
        open(&[first.clone(), second.clone()], &[opening.clone(), other.clone()]).unwrap();
        // Nothing is held at either, so that the commitment under the same masks is the same.
        let reused = Statement { commitment: first.commitment, ..second }.signed(&key).unwrap();
        let other = Opening::new(reused.hash(), other.holdings.clone(), opening.masks.0.clone());
        let error = open(&[first, reused], &[opening, other]).unwrap_err();
        assert!(matches!(&error, AccountError::MasksReused { account, .. } if account == "second"), "{error}");
    }
}
