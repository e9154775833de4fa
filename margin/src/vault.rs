//! The vault of a policy: the contract whose balances count beside those that sources state, and the rules for that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    ident::{EvmAddress, Name},
    problem::{Problem, not_empty, positive, repeated, require},
    units::{Decimals, Seconds},
};

use crate::{
    level::Level,
    universe::{Instrument, InstrumentClass, Universe},
};

/// The vault whose balances count. A policy with a vault holds on the vault's chain alone, and each attestation draws
/// on one state of the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultRules {
    /// The identifier of the vault's chain (EIP-155).
    pub chain: u64,
    /// The vault's contract.
    pub address: EvmAddress,
    /// The weakest level whose attestation lets collateral out while a consumer of the vault has exposure.
    pub level: Name,
    /// The largest age of the prices in that attestation.
    pub max_age: Seconds,
    /// The time for which collateral must have stood before the snapshot's time. Collateral of the snapshot's own
    /// second never counts: it may be lent for a single transaction.
    pub min_age: Seconds,
    /// The tokens that count, in the vault's order.
    pub assets: Vec<VaultAsset>,
}

/// A token that counts as collateral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultAsset {
    /// The instrument that the token counts as.
    pub instrument: Name,
    /// The token's contract.
    pub token: EvmAddress,
    /// The token's decimals: one unit of the instrument is `10^decimals` of the token's smallest units.
    pub decimals: Decimals,
}

impl VaultAsset {
    /// The size of one lot of the instrument, in the token's smallest units: `10^(decimals − lot_decimals)`. None where
    /// a lot is finer than the token.
    #[must_use]
    pub fn unit(&self, instrument: &Instrument) -> Option<u64> {
        let digits = self.decimals.get().checked_sub(instrument.lot_decimals.get())?;
        10_u64.checked_pow(digits.into())
    }

    fn problems(&self, path: &str, instrument: &Instrument) -> Vec<Problem> {
        let held = matches!(instrument.class, InstrumentClass::Cash | InstrumentClass::Spot);
        let expected = "cash or spot: a token is held, and no derivative";
        let mut problems = Vec::from_iter(require(held, format!("{path}.instrument"), expected, instrument.class));
        let (least, found) = (instrument.lot_decimals.get(), self.decimals.get());
        let expected =
            format!("at least {least}, the lot_decimals of {}: a lot is whole units of the token", self.instrument);
        problems.extend(require(self.unit(instrument).is_some(), format!("{path}.decimals"), expected, found));
        problems
    }
}

impl VaultRules {
    /// What is wrong with the rules themselves, and with the level that they name.
    pub(crate) fn problems(&self, levels: &[Level]) -> Vec<Problem> {
        let mut problems = Vec::from_iter(require(self.chain > 0, "vault.chain", "the identifier of a chain", "0"));
        let there = self.address != EvmAddress::ZERO;
        problems.extend(require(there, "vault.address", "the address of a contract", self.address));
        let known = levels.iter().any(|level| level.name == self.level && level.claim.is_sufficient());
        problems.extend(require(known, "vault.level", "a level of the policy that claims sufficiency", &self.level));
        problems.extend(positive("vault.max_age", self.max_age));
        problems.extend(not_empty("vault.assets", &self.assets));
        let path = |key: &'static str| move |i| format!("vault.assets[{i}].{key}");
        let instruments = self.assets.iter().map(|asset| &asset.instrument);
        problems.extend(repeated(instruments, path("instrument"), "each instrument once"));
        let tokens = || self.assets.iter().map(|asset| asset.token);
        problems.extend(repeated(tokens(), path("token"), "each token once"));
        for (i, token) in tokens().enumerate() {
            problems.extend(require(token != EvmAddress::ZERO, path("token")(i), "the address of a contract", token));
        }
        problems
    }

    /// What is wrong with the assets in a universe.
    pub(crate) fn asset_problems(&self, universe: &Universe) -> Vec<Problem> {
        let positions = universe.positions();
        let mut problems = Vec::new();
        for (i, asset) in self.assets.iter().enumerate() {
            let path = format!("vault.assets[{i}]");
            match positions.get(&asset.instrument).and_then(|position| universe.instruments.get(*position)) {
                Some(instrument) => problems.extend(asset.problems(&path, instrument)),
                None => {
                    let expected = format!("an instrument of the universe {}", universe.name);
                    problems.push(Problem::new(format!("{path}.instrument"), expected, asset.instrument.as_str()));
                }
            }
        }
        problems
    }
}
