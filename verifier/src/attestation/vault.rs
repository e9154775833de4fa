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
    units::{Lots, Timestamp},
};
use surety_kzg::{
    Params,
    point::{self, PointError},
    scalar,
};
use surety_margin::{
    holdings::{Balance, Holdings, Position},
    universe::Universe,
    vault::VaultRules,
};

use crate::attestation::{
    claim::Claim,
    eip712::{address, coordinates, hash_words, number},
    identifiers::UniverseId,
    rejection::{Rejection, Rule, same},
};

/// A state of a subject's collateral in a vault, as somebody has read it: what counts, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultState {
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The vault's contract.
    pub vault: EvmAddress,
    /// The universe by whose rows the vault counts.
    pub universe: UniverseId,
    /// The owner of the collateral.
    pub subject: EvmAddress,
    /// The number of changes of what counts.
    pub number: u32,
    /// The time at which what counts last grew.
    pub grown_at: Timestamp,
    /// The commitment to what counts, without masks; the identity if there is nothing.
    pub commitment: G1Affine,
}

impl VaultState {
    /// The hash that stands for the state in a claim, as the vault computes it.
    #[must_use]
    pub fn checkpoint(&self) -> Bytes32 {
        let [x, y] = coordinates(&point::g1_to_bytes(&self.commitment));
        HexBytes(hash_words(&[
            keccak256("surety/vault/v2").0,
            number(self.chain_id.into()),
            address(&self.vault),
            self.universe.0.0,
            address(&self.subject),
            number(self.number.into()),
            number(self.grown_at.0.into()),
            x,
            y,
        ]))
    }

    /// Demands that the state is one of the policy's vault and of the claim's subject, and that the claim draws on it.
    pub(crate) fn check(&self, claim: &Claim, rules: &VaultRules, universe: UniverseId) -> Result<(), Rejection> {
        let is = |input: &str, what: &str, expected: String, found: String| {
            same(Rule::Vault, format!("vault: {input}"), what, expected, found)
        };
        is("chain", "the chain of the policy's vault,", rules.chain.to_string(), self.chain_id.to_string())?;
        is("contract", "the policy's vault,", rules.address.to_string(), self.vault.to_string())?;
        is("universe", "the policy's universe,", universe.0.to_string(), self.universe.0.to_string())?;
        is("subject", "the subject of the attestation,", claim.subject.to_string(), self.subject.to_string())?;
        let chain = claim.audience.chain_id;
        same(Rule::Vault, "attestation: chain", "the chain of the policy's vault,", rules.chain, chain)?;
        let read = self.checkpoint();
        same(Rule::Vault, "attestation: vault checkpoint", "what you have read,", read, claim.vault_checkpoint)
    }
}

/// The vault that an accepted attestation draws on, in the state that the verifier has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DrawnVault {
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The vault's contract.
    pub address: EvmAddress,
    /// The hash that stands for the state.
    pub checkpoint: Bytes32,
}

impl From<&VaultState> for DrawnVault {
    fn from(state: &VaultState) -> Self {
        Self { chain_id: state.chain_id, address: state.vault, checkpoint: state.checkpoint() }
    }
}

/// Why what a file says of a vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
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
    pub version: FormatVersion<2>,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The vault.
    pub vault: EvmAddress,
    /// The universe by whose rows the vault counts.
    pub universe: UniverseId,
    /// Whose collateral.
    pub subject: EvmAddress,
    /// The hash that stands for it in a claim.
    pub checkpoint: Bytes32,
    /// Counts the changes of what counts.
    pub number: u32,
    /// When what counts last grew; zero if it never has.
    pub grown_at: Timestamp,
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
        match self.state() {
            Ok(state) => {
                let follows = state.checkpoint();
                let fields = "chain, vault, universe, subject, number, time of growth and commitment";
                let expected = format!("the hash of {fields}, {follows}");
                problems.extend(require(self.checkpoint == follows, "checkpoint", expected, self.checkpoint));
            }
            Err(_) => problems.push(Problem::new("commitment", "a point or zeros", self.commitment.to_string())),
        }
        problems
    }
}

impl VaultBalances {
    /// What a verifier takes into account of it. Its checkpoint is the one of the document.
    ///
    /// # Errors
    /// If the commitment is no point.
    pub fn state(&self) -> Result<VaultState, VaultError> {
        let empty = self.commitment == HexBytes::ZERO;
        let commitment = if empty { G1Affine::identity() } else { point::g1_from_bytes(&self.commitment.0)? };
        let Self { chain_id, vault, universe, subject, number, grown_at, .. } = *self;
        Ok(VaultState { chain_id, vault, universe, subject, number, grown_at, commitment })
    }

    /// With the checkpoint that follows from the rest, as the vault computes it.
    ///
    /// # Errors
    /// If the commitment is no point.
    pub fn sealed(self) -> Result<Self, VaultError> {
        let checkpoint = self.state()?.checkpoint();
        Ok(Self { checkpoint, ..self })
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
            Self::Commitment(_) | Self::Point(_) => Class::Mismatch,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "vault".into()
    }
}
