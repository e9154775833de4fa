//! Collateral in a vault on a chain: what a contract counts of it, beside what sources state.
//!
//! The contract computes the commitment to what counts, `Σ lots·L`, by itself, and names the state by a checkpoint. The
//! balances are public, so no masks hide them; those of the statements hide the sum.

use std::borrow::Cow;

use alloy_primitives::keccak256;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::G1Affine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, listed, repeated, require},
    text::Document,
    units::Lots,
};
use surety_kzg::{
    Params,
    point::{self, PointError},
    scalar,
};
use surety_margin::{
    holdings::{Balance, Holdings, Position},
    universe::Universe,
};

use crate::attestation::eip712::{Audience, address, hash_words, number};

/// What counts of a subject's collateral in a vault, as a contract says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vault {
    /// The hash that stands for it in a claim.
    pub checkpoint: Bytes32,
    /// The commitment to it, without masks; the identity if there is nothing.
    pub commitment: G1Affine,
}

/// Why what a file says of a vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// They are of another subject or chain.
    #[error("{0}")]
    Other(Problem),
    /// The commitment is not to the balances.
    #[error("{0}")]
    Commitment(Problem),
    /// The balances do not fit the universe.
    #[error("{}", listed("vault balances", .0))]
    Balances(Vec<Problem>),
    /// The commitment is no point.
    #[error("vault balances: commitment: {0}")]
    Point(#[from] PointError),
}

/// What counts of a subject's collateral in a vault, as `surety chain vault` reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultBalances {
    /// The format.
    pub kind: KindOf<VaultBalances>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The vault.
    pub vault: EvmAddress,
    /// Whose collateral.
    pub subject: EvmAddress,
    /// The hash that stands for it in a claim.
    pub checkpoint: Bytes32,
    /// Counts the changes of what counts.
    pub number: u32,
    /// The commitment to what counts, `x ‖ y`; zeros if there is nothing.
    pub commitment: HexBytes<64>,
    /// What counts: whole lots, by instrument.
    pub balances: Vec<VaultBalance>,
}

/// What counts of one instrument: public, unlike what accounts hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultBalance {
    /// The instrument.
    pub instrument: Name,
    /// How much.
    pub lots: Lots,
}

impl Kinded for VaultBalances {
    const KIND: Kind = Kind::VaultBalances;
}

impl Document for VaultBalances {
    fn problems(&self) -> Vec<Problem> {
        let instruments = self.balances.iter().map(|balance| &balance.instrument);
        let mut problems = repeated(instruments, |i| format!("balances[{i}].instrument"), "each instrument once");
        for (i, balance) in self.balances.iter().enumerate() {
            let lots = balance.lots.get();
            problems.extend(require(lots > 0, format!("balances[{i}].lots"), "more than zero", lots));
        }
        let follows = self.checkpoint_of_state();
        let expected = format!("the hash of chain, vault, subject, number and commitment, {follows}");
        problems.extend(require(self.checkpoint == follows, "checkpoint", expected, self.checkpoint));
        problems
    }
}

impl VaultBalances {
    /// The checkpoint that follows from chain, vault, subject, number and commitment, as the vault computes it.
    #[must_use]
    pub fn checkpoint_of_state(&self) -> Bytes32 {
        let mut coordinates = [[0; 32]; 2];
        coordinates.as_flattened_mut().copy_from_slice(&self.commitment.0);
        let [x, y] = coordinates;
        HexBytes(hash_words(&[
            keccak256("surety/vault/v1").0,
            number(self.chain_id.into()),
            address(&self.vault),
            address(&self.subject),
            number(self.number.into()),
            x,
            y,
        ]))
    }

    /// What a verifier takes into account of it.
    ///
    /// # Errors
    /// If the commitment is no point.
    pub fn state(&self) -> Result<Vault, VaultError> {
        let empty = self.commitment == HexBytes::ZERO;
        let commitment = if empty { G1Affine::identity() } else { point::g1_from_bytes(&self.commitment.0)? };
        Ok(Vault { checkpoint: self.checkpoint, commitment })
    }

    /// Demands that they are a subject's, on the chain of an audience.
    ///
    /// # Errors
    /// If they are not.
    pub fn check_owner(&self, subject: &EvmAddress, audience: &Audience) -> Result<(), VaultError> {
        if (&self.subject, self.chain_id) == (subject, audience.chain_id) {
            return Ok(());
        }
        let describe = |subject: &EvmAddress, chain: u64| format!("{subject} on chain {chain}");
        Err(VaultError::Other(Problem {
            path: "vault balances".to_owned(),
            expected: format!("those of {}", describe(subject, audience.chain_id)),
            found: format!("those of {}", describe(&self.subject, self.chain_id)),
            advice: Some("read them anew with surety chain vault".into()),
        }))
    }

    /// The balances as a part of the account, if the commitment is to them.
    ///
    /// # Errors
    /// If they do not fit the universe, or the commitment is another.
    pub fn position(&self, universe: &Universe, params: &Params) -> Result<Position, VaultError> {
        let balance = |VaultBalance { instrument, lots }: &_| Balance { instrument: instrument.clone(), lots: *lots };
        let holdings = Holdings {
            kind: KindOf::new(),
            version: FormatVersion,
            universe: universe.name.clone(),
            balances: self.balances.iter().map(balance).collect(),
        };
        let position = holdings.position(universe).map_err(VaultError::Balances)?;
        let rows = position.lots().iter().enumerate().filter_map(|(index, lots)| {
            let row = params.capacity().instrument(index)?;
            (lots.get() != 0).then(|| (row, scalar::from_i128(lots.get())))
        });
        let expected = HexBytes(point::g1_to_bytes(&params.commit_sparse(rows).to_affine()));
        if expected == self.commitment {
            return Ok(position);
        }
        let advice =
            "the vault counts by other instruments or another set-up than the universe: use those that it counts by";
        Err(VaultError::Commitment(Problem {
            path: "vault balances: commitment".to_owned(),
            expected: expected.to_string(),
            found: self.commitment.to_string(),
            advice: Some(advice.into()),
        }))
    }
}

impl Failure for VaultError {
    fn class(&self) -> Class {
        match self {
            Self::Balances(_) => Class::Input,
            Self::Other(_) | Self::Commitment(_) | Self::Point(_) => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "vault".into()
    }
}
