//! What lies in a vault: which of it counts, in lots of the universe's instruments.

use alloy_primitives::{U256, keccak256};
use alloy_sol_types::SolValue as _;
use surety_kzg::Params;
use surety_margin::{
    FormatVersion,
    ident::{EvmAddress, HexBytes, Name},
    units::Lots,
    universe::Universe,
};

use super::{
    abi::{
        Asset,
        ICollateralVault::{assetsCall, balanceOfCall, checkpointOfCall},
        address, bytes32, encoded,
    },
    deployment::Contracts,
    error::ChainError,
};
use crate::{
    error::Error,
    vault::{VaultBalance, VaultBalances, VaultBalancesKind},
};

impl Contracts {
    /// What counts of a subject's collateral.
    ///
    /// # Errors
    /// If there is no vault, an asset is of no instrument of the universe, or the vault's commitment is not to its
    /// balances.
    pub fn vault(&self, subject: &EvmAddress, universe: &Universe, params: &Params) -> Result<VaultBalances, Error> {
        let Some(vault) = self.at.vault else {
            let expected = "a deployment with a vault";
            return Err(ChainError::input("deployment: vault", expected, "one without").into());
        };
        let (subject_word, node) = (address(subject), &self.node);
        let state = node.view(&vault, &checkpointOfCall { subject: subject_word })?;
        let mut balances = Vec::new();
        for asset in node.view(&vault, &assetsCall {})? {
            let held = node.view(&vault, &balanceOfCall { subject: subject_word, token: asset.token })?;
            let counted = held.counted.checked_div(U256::from(asset.unit)).unwrap_or_default();
            if !counted.is_zero() {
                let instrument = instrument(&asset, universe, params)?;
                balances.push(VaultBalance { instrument, lots: lots(counted)? });
            }
        }
        let balances = VaultBalances {
            kind: VaultBalancesKind::VaultBalances,
            version: FormatVersion,
            chain_id: self.at.chain_id,
            vault,
            subject: *subject,
            checkpoint: bytes32(state.checkpoint),
            number: state.number,
            commitment: encoded([state.x, state.y]),
            balances,
        };
        let words = (
            keccak256("surety/vault/v1"),
            U256::from(self.at.chain_id),
            address(&vault),
            subject_word,
            U256::from(state.number),
            state.x,
            state.y,
        );
        if keccak256(words.abi_encode()) != state.checkpoint {
            let expected = "the checkpoint that follows from chain, vault, subject, number and commitment".to_owned();
            let found = state.checkpoint.to_string();
            let advice = "ask another node";
            return Err(ChainError::Mismatch { input: "vault".to_owned(), expected, found, advice }.into());
        }
        // Several answers that may be of different blocks: the commitment says whether they belong together.
        balances.position(universe, params)?;
        Ok(balances)
    }
}

/// The instrument whose row an asset's point is of.
fn instrument(asset: &Asset, universe: &Universe, params: &Params) -> Result<Name, ChainError> {
    let point: HexBytes<64> = encoded([asset.x, asset.y]);
    let rows = universe.instruments.iter().enumerate();
    let found = rows.into_iter().find(|(index, _)| {
        let row = params.capacity().instrument(*index);
        row.is_some_and(|row| surety_kzg::point::g1_to_bytes(params.lagrange_point(row)) == point.0)
    });
    found.map(|(_, instrument)| instrument.name.clone()).ok_or_else(|| ChainError::Mismatch {
        input: format!("vault: asset {}", asset.token),
        expected: "the point of an instrument of the universe".to_owned(),
        found: "another one".to_owned(),
        advice: "use the universe and the set-up that the vault was created for",
    })
}

fn lots(counted: U256) -> Result<Lots, ChainError> {
    let lots = i128::try_from(counted).map_err(|error| error.to_string()).and_then(Lots::new);
    lots.map_err(|_| ChainError::input("vault: balance", "at most 2^95 - 1 lots", counted))
}
