//! Typed structured data as [EIP-712](https://eips.ethereum.org/EIPS/eip-712) hashes it: what sources and oracle nodes
//! sign.
//!
//! Every struct that is signed here consists of static words only, arrays entering by their hash, so that a hash is
//! `keccak256` of the type's hash and the words, one after the other.

use alloy_primitives::keccak256;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

/// 32 bytes as the EVM's ABI encodes a static value.
pub type Word = [u8; 32];

const NAME: &str = "Surety";
const VERSION: &str = "1";

/// Where a signature or an attestation counts: nowhere but at this registry on this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The registry contract; any agreed address where there is no contract.
    pub registry: EvmAddress,
}

/// The hash of the domain that signed structs belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain(Word);

impl Domain {
    /// What is said to one registry: the domain has name, version, chain and contract.
    pub(crate) fn of(audience: &Audience) -> Self {
        Self(hash_struct(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
            &[hash(NAME), hash(VERSION), number(audience.chain_id.into()), address(&audience.registry)],
        ))
    }

    /// What is said to everybody: the domain has name and version.
    pub(crate) fn anywhere() -> Self {
        Self(hash_struct("EIP712Domain(string name,string version)", &[hash(NAME), hash(VERSION)]))
    }

    /// What is signed: the hash of a struct in this domain.
    pub(crate) fn digest(self, struct_hash: Word) -> Bytes32 {
        HexBytes(keccak256([&[0x19, 0x01], &self.0[..], &struct_hash[..]].concat()).0)
    }
}

/// The hash of a struct of the type that `signature` writes out, with these values.
pub(crate) fn hash_struct(signature: &str, values: &[Word]) -> Word {
    keccak256([&[hash(signature)], values].concat().concat()).0
}

/// `keccak256` of the words: how EIP-712 takes in an array.
pub(crate) fn hash_words(words: &[Word]) -> Word {
    keccak256(words.concat()).0
}

/// An unsigned integer as a word.
pub(crate) fn number(value: u128) -> Word {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&value.to_be_bytes());
    word
}

/// An address as a word.
pub(crate) fn address(address: &EvmAddress) -> Word {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    word
}

/// Both coordinates of an encoded point.
pub(crate) fn coordinates(point: &[u8; 64]) -> [Word; 2] {
    [0, 32].map(|offset| core::array::from_fn(|index| point[offset + index]))
}

fn hash(text: &str) -> Word {
    keccak256(text).0
}
