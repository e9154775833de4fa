//! What lies in a vault: which of it counts, in lots of the universe's instruments.

use alloy_primitives::U256;
use surety_core::{
    FormatVersion,
    ident::{EvmAddress, HexBytes, Name},
    kind::KindOf,
    units::Lots,
};
use surety_kzg::Params;
use surety_margin::universe::Universe;
use surety_verifier::attestation::vault::{VaultBalance, VaultBalances};

use crate::{
    abi::{
        Asset,
        ICollateralVault::{assetsCall, balanceOfCall, checkpointOfCall},
        address, bytes32, encoded,
    },
    deployment::Contracts,
    error::ChainError,
};

impl Contracts {
    /// What counts of a subject's collateral.
    ///
    /// # Errors
    /// If there is no vault, an asset is of no instrument of the universe, or the vault's commitment is not to its
    /// balances.
    pub fn vault(
        &self,
        subject: &EvmAddress,
        universe: &Universe,
        params: &Params,
    ) -> Result<VaultBalances, ChainError> {
        let Some(vault) = self.at.vault else {
            let expected = "a deployment with a vault";
            return Err(ChainError::input("deployment: vault", expected, "one without"));
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
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: self.at.chain_id,
            vault,
            subject: *subject,
            checkpoint: bytes32(state.checkpoint),
            number: state.number,
            commitment: encoded([state.x, state.y]),
            balances,
        };
        if balances.checkpoint_of_state() != balances.checkpoint {
            let expected = "the checkpoint that follows from chain, vault, subject, number and commitment".to_owned();
            let found = balances.checkpoint.to_string();
            let advice = "ask another node";
            return Err(ChainError::mismatch("vault", expected, found, advice));
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
    found.map(|(_, instrument)| instrument.name.clone()).ok_or_else(|| {
        ChainError::mismatch(
            format!("vault: asset {}", asset.token),
            "the point of an instrument of the universe",
            "another one",
            "use the universe and the set-up that the vault was created for",
        )
    })
}

fn lots(counted: U256) -> Result<Lots, ChainError> {
    let lots = i128::try_from(counted).map_err(|error| error.to_string()).and_then(Lots::new);
    lots.map_err(|_| ChainError::input("vault: balance", "at most 2^95 - 1 lots", counted))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{B256, hex, keccak256};
    use alloy_sol_types::{SolCall as _, SolValue as _};
    use serde_json::json;
    use surety_core::text::Document as _;
    use surety_kzg::{Srs, progress::Silent};

    use super::*;
    use crate::{deployment::Deployment, sample};

    const VAULT: EvmAddress = HexBytes([5; 20]);
    const SUBJECT: EvmAddress = HexBytes([6; 20]);

    /// What an empty vault says whose checkpoint is made of this number, while it names another.
    fn read(made_of: u32) -> Result<VaultBalances, ChainError> {
        let number = 3_u32;
        let words = (
            keccak256("surety/vault/v1"),
            U256::from(1),
            address(&VAULT),
            address(&SUBJECT),
            U256::from(made_of),
            U256::ZERO,
            U256::ZERO,
        );
        let checkpoint: B256 = keccak256(words.abi_encode());
        let state = (checkpoint, U256::from(number), U256::ZERO, U256::ZERO).abi_encode();
        let node = sample::node(move |_, parameters| {
            let data = hex::decode(parameters[0]["data"].as_str().unwrap()).unwrap();
            let answer = if data.starts_with(&checkpointOfCall::SELECTOR) {
                state.clone()
            } else {
                Vec::<Asset>::new().abi_encode()
            };
            json!(hex::encode_prefixed(answer))
        });
        let nobody = HexBytes([0; 20]);
        let at = Deployment {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: 1,
            verifying_key: HexBytes([0; 32]),
            verifier: nobody,
            policies: nobody,
            oracle: nobody,
            registry: nobody,
            vault: Some(VAULT),
        };
        let universe = Universe::from_toml("universe.toml", surety_walkthrough::example::UNIVERSE.text).unwrap();
        let params = Params::from_srs(&Srs::development(universe.capacity), universe.capacity, &Silent).unwrap();
        Contracts { node, at }.vault(&SUBJECT, &universe, &params)
    }

    #[test]
    fn a_vault_is_read_with_its_checkpoint() {
        assert_eq!(read(3).unwrap().number, 3);
    }

    /// Attack: a node that has the holder spend a proof on a state of the vault that there never was.
    #[test]
    fn rejects_a_checkpoint_that_does_not_follow_from_the_state() {
        let refusal = read(4).unwrap_err().to_string();
        assert!(refusal.contains("the checkpoint that follows from chain, vault, subject"), "{refusal}");
    }
}
