//! Typed structured data as [EIP-712](https://eips.ethereum.org/EIPS/eip-712) hashes it: what sources and oracle nodes
//! sign.
//!
//! Every struct that is signed here consists of static words only, arrays entering by their hash, so that a hash is
//! `keccak256` of the type's hash and the words, one after the other.

use std::sync::OnceLock;

use alloy_primitives::{Keccak256, keccak256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

/// 32 bytes as the EVM's ABI encodes a static value.
pub type Word = [u8; 32];

/// A text whose hash goes into many others, such as the type of a struct: hashed once.
pub(crate) struct HashedText {
    text: &'static str,
    hash: OnceLock<Word>,
}

impl HashedText {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, hash: OnceLock::new() }
    }

    pub(crate) fn text(&self) -> &'static str {
        self.text
    }

    pub(crate) fn hash(&self) -> Word {
        *self.hash.get_or_init(|| keccak256(self.text).0)
    }
}

static NAME: HashedText = HashedText::new("Surety");
static VERSION: HashedText = HashedText::new("1");
static DOMAIN: HashedText =
    HashedText::new("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
static DOMAIN_ANYWHERE: HashedText = HashedText::new("EIP712Domain(string name,string version)");

/// Where a signature or an attestation counts: nowhere but at this registry on this chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The registry contract; any agreed address where there is no contract.
    pub registry: EvmAddress,
}

impl Audience {
    /// The words that a contract at this place keeps of its domain, as OpenZeppelin's `EIP712` does: the separator,
    /// chain, contract, and name and version, hashed and as short texts, whose last byte is their length.
    #[must_use]
    pub fn domain_words(&self) -> [Bytes32; 7] {
        let short = |text: &str| {
            let mut word = [0; 32];
            word[..text.len()].copy_from_slice(text.as_bytes());
            word[31] = text.len() as u8;
            word
        };
        let (chain, contract) = (number(self.chain_id.into()), address(&self.registry));
        let hashes = [NAME.hash(), VERSION.hash()];
        let [name, version] = [short(NAME.text), short(VERSION.text)];
        [Domain::of(self).0, chain, contract, hashes[0], hashes[1], name, version].map(HexBytes)
    }
}

/// The hash of the domain that signed structs belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain(Word);

impl Domain {
    /// What is said to one registry: the domain has name, version, chain and contract.
    pub(crate) fn of(audience: &Audience) -> Self {
        let values = [NAME.hash(), VERSION.hash(), number(audience.chain_id.into()), address(&audience.registry)];
        Self(hash_struct(&DOMAIN, &values))
    }

    /// What is said to everybody: the domain has name and version.
    pub(crate) fn anywhere() -> Self {
        Self(hash_struct(&DOMAIN_ANYWHERE, &[NAME.hash(), VERSION.hash()]))
    }

    /// What is signed: the hash of a struct in this domain.
    pub(crate) fn digest(self, struct_hash: Word) -> Bytes32 {
        HexBytes(hash_parts(&[&[0x19, 0x01], &self.0, &struct_hash]))
    }
}

/// The hash of a struct of the type that `signature` writes out, with these values.
fn hash_struct(signature: &HashedText, values: &[Word]) -> Word {
    hash_written(&signature.hash(), values)
}

/// The hash of a struct of the type whose hash this is, with these values.
pub(crate) fn hash_written(signature: &Word, values: &[Word]) -> Word {
    hash_parts(&[signature, values.as_flattened()])
}

/// `keccak256` of the words: how EIP-712 takes in an array.
#[must_use]
pub fn hash_words(words: &[Word]) -> Word {
    keccak256(words.as_flattened()).0
}

/// An unsigned integer as a word.
#[must_use]
pub fn number(value: u128) -> Word {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&value.to_be_bytes());
    word
}

/// An address as a word.
#[must_use]
pub fn address(address: &EvmAddress) -> Word {
    let mut word = [0; 32];
    word[12..].copy_from_slice(&address.0);
    word
}

/// Both coordinates of an encoded point.
#[must_use]
pub fn coordinates(point: &[u8; 64]) -> [Word; 2] {
    [0, 32].map(|offset| core::array::from_fn(|index| point[offset + index]))
}

fn hash_parts(parts: &[&[u8]]) -> Word {
    let mut hasher = Keccak256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().0
}
