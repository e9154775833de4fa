//! What wallets on a chain hold, at a block that is final, proven against the block's state root.
//!
//! Two nodes of different operators must know the same final block; what one of them says of a balance counts if it is
//! in the state that this block names (EIP-1186). So a node that lies about balances is refused, and two that lie about
//! blocks must agree on the lie. A token's balance is a value in the contract's storage, at a place that follows from
//! the slot of its mapping; the contract must itself say the same of the wallet at the same block, which a token whose
//! balances are elsewhere, or are derived from it, does not.
//!
//! A wallet is a subject's because its key has signed that it is.

use alloy::{
    consensus::Header,
    eips::{BlockId, BlockNumberOrTag},
    providers::Provider as _,
    rpc::types::{Block, EIP1186AccountProofResponse},
};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue as _;
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount, proof::verify_proof};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{ident::EvmAddress, units::Timestamp};
use surety_verifier::attestation::{
    eip712,
    signature::{SignatureBytes, signer},
    signer::{Signable as _, Signer, SignerError},
    typed_data::{Typed, TypedData},
};

use crate::{
    abi::{
        IERC20Metadata::{balanceOfCall, decimalsCall},
        address, bytes32,
    },
    error::{Action, ChainError},
    node::Node,
};

const PROOF: &str = "eth_getProof";
const BALANCE: Action = Action::new("IERC20.balanceOf");
const DECIMALS: Action = Action::new("IERC20.decimals");

/// The decimal places of a chain's coin.
pub const COIN_DECIMALS: u8 = 18;

/// The struct by which a wallet's key says whose it is, and to which source.
const BINDING: &str = "Wallet(address subject,address source)";

/// A wallet, with its key's word that it is a subject's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallet {
    /// Its address.
    pub address: EvmAddress,
    /// Its signature of `Wallet(address subject,address source)`, by EIP-712 for no contract.
    pub signature: SignatureBytes,
}

/// What a wallet's key signs.
#[must_use]
pub fn binding(subject: &EvmAddress, source: &EvmAddress) -> TypedData {
    let values = [subject, source].map(|of| Typed::Word(eip712::address(of))).to_vec();
    TypedData::new(None, BINDING.into(), values)
}

impl Wallet {
    /// The word of a wallet's key that it is the subject's, for a source.
    ///
    /// # Errors
    /// If the signer gives none.
    pub fn bind(subject: &EvmAddress, source: &EvmAddress, by: &dyn Signer) -> Result<Self, SignerError> {
        Ok(Self { address: by.address(), signature: by.sign(&binding(subject, source))? })
    }

    /// Demands that the wallet's key has signed that it is the subject's.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self, subject: &EvmAddress, source: &EvmAddress) -> Result<(), ChainError> {
        let found = match signer(&binding(subject, source).digest(), &self.signature) {
            Ok(found) if found == self.address => return Ok(()),
            Ok(found) => format!("one by {found}, if this is what was signed"),
            Err(error) => error.to_string(),
        };
        let expected = format!("its signature for subject {subject} and source {source}");
        let advice = "have the wallet sign with surety source wallet";
        Err(ChainError::mismatch(format!("wallet {}", self.address), expected, found, advice))
    }
}

/// Something that a wallet can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// The chain's coin.
    Coin,
    /// A token.
    Token(TokenAt),
}

/// A token, and where it keeps its balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAt {
    /// The contract.
    pub contract: EvmAddress,
    /// The decimal places of its amounts, which it must say itself.
    pub decimals: u8,
    /// The slot of the mapping from owners to balances.
    pub slot: u64,
    /// Which of slot and owner comes first in the hash.
    pub order: Order,
}

/// How a compiler hashes the key of a mapping with its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The owner first, as Solidity does.
    #[default]
    Solidity,
    /// The slot first, as Vyper does.
    Vyper,
}

impl TokenAt {
    /// Where the balance of an owner is.
    fn place(&self, owner: &EvmAddress) -> B256 {
        let (owner, slot) = (address(owner), U256::from(self.slot));
        match self.order {
            Order::Solidity => keccak256((owner, slot).abi_encode()),
            Order::Vyper => keccak256((slot, owner).abi_encode()),
        }
    }
}

/// Balances at a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The block's time.
    pub at: Timestamp,
    /// What all wallets hold together of each thing, in its smallest units.
    pub amounts: Vec<U256>,
}

/// What wallets hold together at the newest block that is final to both nodes, and not from before a time: one node
/// alone may hold back what is final.
///
/// # Errors
/// If a node does not answer, the nodes know different blocks or none that is new enough, or something does not follow
/// from the block.
pub fn balances(
    nodes: [&Node; 2],
    wallets: &[EvmAddress],
    holdings: &[Holding],
    earliest: Timestamp,
) -> Result<Seen, ChainError> {
    let header = agreed(nodes)?;
    if header.timestamp < earliest.0 {
        let (expected, advice) = (format!("a block of time {} or later", earliest.0), "name nodes that keep up");
        let found = format!("block {} of time {}", header.number, header.timestamp);
        return Err(ChainError::mismatch("final block", expected, found, advice));
    }
    let mut amounts = vec![U256::ZERO; holdings.len()];
    for wallet in wallets {
        for (holding, amount) in holdings.iter().zip(&mut amounts) {
            let more = match holding {
                Holding::Coin => nodes[0].coins(wallet, &header)?,
                Holding::Token(token) => nodes[0].tokens(wallet, token, &header)?,
            };
            let sum = amount.checked_add(more);
            *amount = sum.ok_or_else(|| ChainError::input("wallets", "balances of at most 2^256 - 1", "more"))?;
        }
    }
    Ok(Seen { at: Timestamp(header.timestamp), amounts })
}

/// The newest block that is final to both nodes, which must be the same to both.
fn agreed([first, second]: [&Node; 2]) -> Result<Header, ChainError> {
    if first.chain_id() != second.chain_id() {
        let advice = "name two nodes of one chain";
        let expected = format!("chain {}", first.chain_id());
        return Err(ChainError::mismatch("second node", expected, format!("chain {}", second.chain_id()), advice));
    }
    let (a, b) = (first.header(BlockNumberOrTag::Finalized)?, second.header(BlockNumberOrTag::Finalized)?);
    // One of them may be behind by an epoch.
    let (older, other) = if a.number <= b.number { (a, second) } else { (b, first) };
    let known = other.header(BlockNumberOrTag::Number(older.number))?;
    let (expected, found) = (older.hash_slow(), known.hash_slow());
    if expected == found {
        return Ok(older);
    }
    let advice = "find out which node is wrong; nothing was stated";
    let place = format!("final block {}", older.number);
    Err(ChainError::mismatch(place, format!("one block, {expected}"), format!("another, {found}"), advice))
}

impl Node {
    /// The header of a block, whose hash follows from it.
    fn header(&self, at: BlockNumberOrTag) -> Result<Header, ChainError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block: Option<Block> = self.ask(METHOD, self.provider().get_block_by_number(at).into_future())?;
        let block = block.ok_or_else(|| self.problem(METHOD, format!("no block {at}")))?;
        let header = block.header.inner;
        let is_asked = !matches!(at, BlockNumberOrTag::Number(number) if number != header.number);
        if header.hash_slow() != block.header.hash || !is_asked {
            return Err(self.problem(METHOD, "expected a header that its hash follows from, found another"));
        }
        Ok(header)
    }

    /// An account's proof, checked against the state of a block.
    fn account(
        &self,
        of: &EvmAddress,
        places: Vec<B256>,
        header: &Header,
    ) -> Result<EIP1186AccountProofResponse, ChainError> {
        let question = self.provider().get_proof(address(of), places).block_id(BlockId::number(header.number));
        let proof = self.ask(PROOF, question.into_future())?;
        let account = TrieAccount {
            nonce: proof.nonce,
            balance: proof.balance,
            storage_root: proof.storage_hash,
            code_hash: proof.code_hash,
        };
        // An account that was never used is in no state (EIP-161).
        let is_empty = |hash: B256, empty: B256| hash == empty || hash.is_zero();
        let is_absent = proof.nonce == 0
            && proof.balance.is_zero()
            && is_empty(proof.storage_hash, EMPTY_ROOT_HASH)
            && is_empty(proof.code_hash, KECCAK_EMPTY);
        let leaf = (!is_absent).then(|| alloy::rlp::encode(account));
        self.check_proof(header.state_root, keccak256(address(of)), leaf, &proof.account_proof)?;
        Ok(proof)
    }

    /// What a wallet holds of the chain's coin.
    fn coins(&self, of: &EvmAddress, header: &Header) -> Result<U256, ChainError> {
        Ok(self.account(of, Vec::new(), header)?.balance)
    }

    /// What a wallet holds of a token.
    fn tokens(&self, of: &EvmAddress, token: &TokenAt, header: &Header) -> Result<U256, ChainError> {
        let place = token.place(of);
        let proof = self.account(&token.contract, vec![place], header)?;
        let found = match proof.storage_proof.as_slice() {
            [found] if found.key.as_b256() == place => found,
            _ => return Err(self.problem(PROOF, "expected the place that was asked for, found another")),
        };
        let leaf = (!found.value.is_zero()).then(|| alloy::rlp::encode(found.value));
        self.check_proof(proof.storage_hash, keccak256(place), leaf, &found.proof)?;
        let decimals = self.view_at(&token.contract, &decimalsCall {}, header.number, DECIMALS)?;
        if decimals != token.decimals {
            let (path, advice) = (format!("token {}: decimals", token.contract), "give the token's own");
            return Err(ChainError::mismatch(path, decimals.to_string(), token.decimals, advice));
        }
        let call = balanceOfCall { account: address(of) };
        let said = self.view_at(&token.contract, &call, header.number, BALANCE)?;
        if said != found.value {
            let advice = "give the slot of the token's balances; one that derives them from others cannot be proven";
            let path = format!("token {}, slot {}", token.contract, token.slot);
            return Err(ChainError::mismatch(path, "what the contract says of the wallet", "another value", advice));
        }
        Ok(found.value)
    }

    fn check_proof(&self, root: B256, key: B256, leaf: Option<Vec<u8>>, proof: &[Bytes]) -> Result<(), ChainError> {
        // What alloy says of it has the balance.
        verify_proof(root, Nibbles::unpack(key), leaf, proof).map_err(|_| {
            self.problem(PROOF, format!("expected a proof that leads to the root {}, found another", bytes32(root)))
        })
    }
}

#[cfg(test)]
mod tests {
    use surety_core::ident::HexBytes;
    use surety_verifier::attestation::signature::SigningKey;

    use super::*;

    const SUBJECT: EvmAddress = HexBytes([1; 20]);
    const SOURCE: EvmAddress = HexBytes([2; 20]);

    #[test]
    fn a_wallet_says_whose_it_is() {
        let key = SigningKey::from_secret_bytes(&[7; 32]).unwrap();
        let wallet = Wallet::bind(&SUBJECT, &SOURCE, &key).unwrap();
        assert_eq!(wallet.address, key.address());
        wallet.check(&SUBJECT, &SOURCE).unwrap();
    }

    /// Attack: somebody else's wallet, or one that was bound to somebody else or for another source.
    #[test]
    fn rejects_wallets_that_have_not_signed_for_the_subject_and_the_source() {
        let key = SigningKey::from_secret_bytes(&[7; 32]).unwrap();
        let wallet = Wallet::bind(&SUBJECT, &SOURCE, &key).unwrap();
        let other = Wallet { address: HexBytes([9; 20]), ..wallet };
        for (wallet, subject, source) in
            [(wallet, SOURCE, SOURCE), (wallet, SUBJECT, SUBJECT), (other, SUBJECT, SOURCE)]
        {
            assert!(wallet.check(&subject, &source).unwrap_err().to_string().contains("its signature for subject"));
        }
    }

    /// The place of a balance as `cast index address 0x11… 9` computes it, and the other order.
    #[test]
    fn balances_are_where_compilers_put_them() {
        let token = |order| TokenAt { contract: HexBytes([3; 20]), decimals: 6, slot: 9, order };
        let (solidity, vyper) = (token(Order::Solidity).place(&SUBJECT), token(Order::Vyper).place(&SUBJECT));
        let mut bytes = [0; 64];
        bytes[12..32].copy_from_slice(&SUBJECT.0);
        bytes[63] = 9;
        assert_eq!(solidity, keccak256(bytes));
        bytes.rotate_left(32);
        assert_eq!(vyper, keccak256(bytes));
    }
}
