//! What lies in a vault: which of it counts, in lots of the universe's instruments.

use alloy_primitives::U256;
use surety_core::{
    FormatVersion,
    ident::{EvmAddress, Name},
    kind::KindOf,
    units::{Lots, Timestamp},
};
use surety_kzg::Params;
use surety_verifier::{
    CommittedPolicy,
    attestation::{
        signer::Signer,
        vault::{VaultBalance, VaultBalances},
    },
};

use crate::{
    abi::{
        ICollateralVault::{balanceOfCall, checkpointOfCall, depositCall},
        IERC20Metadata::{allowanceCall, approveCall},
        address, bytes32, encoded,
    },
    deployment::Contracts,
    error::{Action, ChainError},
    node::Receipt,
    published::{self, Fact},
};

const APPROVE: Action = Action::new("IERC20.approve");
const DEPOSIT: Action = Action::new("CollateralVault.deposit");

impl Contracts {
    /// Deposits lots of an instrument in the policy's vault, for the signer: the vault may take exactly that.
    ///
    /// # Errors
    /// If the policy's vault does not count the instrument, or the token or the vault refuses.
    pub fn deposit(
        &self,
        policy: &CommittedPolicy,
        instrument: &Name,
        lots: Lots,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        self.check_vault(policy)?;
        let found = policy.vault_assets().iter().find(|asset| asset.instrument == *instrument);
        let (Some(rules), Some(asset)) = (&policy.policy().vault, found) else {
            return Err(ChainError::input("instrument", "an asset of the policy's vault", instrument));
        };
        let lots = U256::try_from(lots.get()).map_err(|_| ChainError::input("lots", "lots above zero", "others"))?;
        let (vault, token, amount) = (rules.address, asset.token, lots.saturating_mul(U256::from(asset.unit)));
        self.approve(&token, &vault, amount, signer)?;
        self.node.call(signer, &vault, &depositCall { token: address(&token), amount }, DEPOSIT)
    }

    /// Has a spender take exactly an amount of a token from the signer's account, where it may not already.
    pub(crate) fn approve(
        &self,
        token: &EvmAddress,
        spender: &EvmAddress,
        amount: U256,
        signer: &dyn Signer,
    ) -> Result<(), ChainError> {
        let (owner, spender) = (address(&signer.address()), address(spender));
        let allowed = self.node.view(token, &allowanceCall { owner, spender })?;
        // Some tokens take a new allowance only where there is none.
        if allowed != amount && !allowed.is_zero() {
            self.node.call(signer, token, &approveCall { spender, value: U256::ZERO }, APPROVE)?;
        }
        if allowed != amount {
            self.node.call(signer, token, &approveCall { spender, value: amount }, APPROVE)?;
        }
        Ok(())
    }

    /// Demands that the policy's vault is on this chain and counts as the policy says: by its universe, with its
    /// assets, units, points and decimals. Without a vault there is nothing to demand.
    ///
    /// # Errors
    /// With everything that differs, or if what answers is no vault.
    pub fn check_vault(&self, policy: &CommittedPolicy) -> Result<(), ChainError> {
        let facts = published::vault(&self.node, &self.at, policy)?;
        let problems: Vec<_> = facts.into_iter().filter(|fact| !fact.holds).map(Fact::problem).collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ChainError::Mismatches { input: "vault on chain".to_owned(), problems })
    }

    /// What counts of a subject's collateral in the policy's vault.
    ///
    /// # Errors
    /// If the policy draws on no vault, the vault does not count as the policy says, or the vault's commitment is not
    /// to its balances.
    pub fn vault(
        &self,
        subject: &EvmAddress,
        policy: &CommittedPolicy,
        params: &Params,
    ) -> Result<VaultBalances, ChainError> {
        let Some(rules) = &policy.policy().vault else {
            return Err(ChainError::input("policy: vault", "a policy that draws on a vault", "one without"));
        };
        self.check_vault(policy)?;
        let (subject_word, node, vault) = (address(subject), &self.node, rules.address);
        let state = node.view(&vault, &checkpointOfCall { subject: subject_word })?;
        let mut balances = Vec::new();
        for asset in policy.vault_assets() {
            let held = node.view(&vault, &balanceOfCall { subject: subject_word, token: address(&asset.token) })?;
            let counted = held.counted.checked_div(U256::from(asset.unit)).unwrap_or_default();
            if !counted.is_zero() {
                balances.push(VaultBalance { instrument: asset.instrument.clone(), lots: lots(counted)? });
            }
        }
        let balances = VaultBalances {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: self.at.chain_id,
            vault,
            universe: policy.universe_id(),
            subject: *subject,
            checkpoint: bytes32(state.checkpoint),
            number: state.number,
            grown_at: Timestamp(state.grownAt.to()),
            commitment: encoded([state.x, state.y]),
            balances,
        };
        let follows = balances.state()?.checkpoint();
        if follows != balances.checkpoint {
            let expected = format!("the checkpoint that follows from the state of the vault, {follows}");
            let found = balances.checkpoint.to_string();
            let advice = "ask another node";
            return Err(ChainError::mismatch("vault", expected, found, advice));
        }
        // Several answers that may be of different blocks: the commitment says whether they belong together.
        balances.position(policy.universe(), params)?;
        Ok(balances)
    }
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
    use surety_core::ident::HexBytes;

    use super::*;
    use crate::{
        abi::{
            ICollateralVault::{ATTESTATION_REGISTRYCall, UNIVERSECall, assetsCall},
            IERC20Metadata::decimalsCall,
            word,
        },
        deployment, sample,
    };

    const SUBJECT: EvmAddress = HexBytes([6; 20]);
    const GROWN_AT: u64 = 77;

    /// What an empty vault says whose checkpoint is made of this number, while it names another; and which universe it
    /// says that it counts by, if not the policy's.
    fn read(made_of: u32, universe: Option<B256>) -> Result<VaultBalances, ChainError> {
        let (number, at) = (3_u32, sample::deployment());
        let (policy, params) = sample::vault_policy();
        let policy = policy.committed().clone();
        let words = (
            keccak256("surety/vault/v2"),
            U256::from(1),
            address(&at.vault.unwrap()),
            word(&policy.universe_id().0),
            address(&SUBJECT),
            U256::from(made_of),
            U256::from(GROWN_AT),
            U256::ZERO,
            U256::ZERO,
        );
        let checkpoint: B256 = keccak256(words.abi_encode());
        let state = (checkpoint, U256::from(number), U256::from(GROWN_AT), U256::ZERO, U256::ZERO).abi_encode();
        let assets = deployment::assets(&policy).abi_encode();
        let universe = universe.unwrap_or_else(|| word(&policy.universe_id().0));
        let (registry, first) = (address(&at.registry), policy.vault_assets()[0].token);
        let node = sample::node(move |method, parameters| {
            if method == "eth_getCode" {
                return json!("0x60");
            }
            let data = hex::decode(parameters[0]["data"].as_str().unwrap()).unwrap();
            let answer = match <[u8; 4]>::try_from(&data[..4]).unwrap() {
                checkpointOfCall::SELECTOR => state.clone(),
                assetsCall::SELECTOR => assets.clone(),
                UNIVERSECall::SELECTOR => universe.abi_encode(),
                ATTESTATION_REGISTRYCall::SELECTOR => registry.abi_encode(),
                balanceOfCall::SELECTOR => (U256::ZERO, U256::ZERO, U256::ZERO).abi_encode(),
                decimalsCall::SELECTOR if parameters[0]["to"] == json!(first) => U256::from(6).abi_encode(),
                decimalsCall::SELECTOR => U256::from(18).abi_encode(),
                other => panic!("{other:?}"),
            };
            json!(hex::encode_prefixed(answer))
        });
        Contracts { node, at }.vault(&SUBJECT, &policy, &params)
    }

    #[test]
    fn a_vault_is_read_with_its_checkpoint() {
        let balances = read(3, None).unwrap();
        assert_eq!((balances.number, balances.grown_at), (3, Timestamp(GROWN_AT)));
    }

    /// Attack: a node that has the holder spend a proof on a state of the vault that there never was.
    #[test]
    fn rejects_a_checkpoint_that_does_not_follow_from_the_state() {
        let refusal = read(4, None).unwrap_err().to_string();
        assert!(refusal.contains("the checkpoint that follows from the state"), "{refusal}");
    }

    /// Attack: a vault that counts by the rows of another universe.
    #[test]
    fn rejects_reading_a_vault_of_another_universe() {
        let refusal = read(3, Some(B256::repeat_byte(9))).unwrap_err().to_string();
        assert!(refusal.contains("vault: universe"), "{refusal}");
    }

    #[test]
    fn rejects_reading_a_vault_for_a_policy_without_one() {
        let (policy, params) = sample::policy();
        let contracts = Contracts { node: sample::node(|_, _| json!("0x")), at: sample::deployment() };
        let refusal = contracts.vault(&SUBJECT, policy.committed(), &params).unwrap_err().to_string();
        assert!(refusal.contains("a policy that draws on a vault"), "{refusal}");
    }
}
