//! Structs as [EIP-712](https://eips.ethereum.org/EIPS/eip-712) signs them, for signers that read them as JSON and
//! compute the digest themselves.

use std::borrow::Cow;

use alloy_primitives::{U256, keccak256};
use serde_json::{Map, Value, json};
use surety_core::ident::{Bytes32, EvmAddress, HexBytes};

use crate::attestation::{
    eip712::{Audience, Domain, HashedText, Word, hash_words, hash_written},
    signer::Signable,
};

/// A value of a struct that is signed.
#[derive(Clone, Debug)]
pub enum Typed {
    /// A static value.
    Word(Word),
    /// An array of static values.
    Words(Vec<Word>),
}

impl Typed {
    /// As the value enters the hash of its struct.
    fn word(&self) -> Word {
        match self {
            Self::Word(word) => *word,
            Self::Words(words) => hash_words(words),
        }
    }
}

/// A struct whose fields are static values or arrays of them, for one contract on one chain or for everybody.
#[derive(Clone, Debug)]
pub struct TypedData {
    audience: Option<Audience>,
    written: Cow<'static, str>,
    written_hash: Word,
    values: Vec<Typed>,
}

impl TypedData {
    /// A struct with these values, in the order of its fields, whose type is written out as in
    /// `Consent(bytes32 context)`.
    #[must_use]
    pub fn new(audience: Option<Audience>, written: Cow<'static, str>, values: Vec<Typed>) -> Self {
        let written_hash = keccak256(written.as_ref()).0;
        Self { audience, written, written_hash, values }
    }

    /// The same with a type whose hash is kept.
    pub(crate) fn of(audience: Option<Audience>, written: &HashedText, values: Vec<Typed>) -> Self {
        Self { audience, written: written.text().into(), written_hash: written.hash(), values }
    }
}

impl Signable for TypedData {
    fn digest(&self) -> Bytes32 {
        let values: Vec<_> = self.values.iter().map(Typed::word).collect();
        let domain = self.audience.as_ref().map_or_else(Domain::anywhere, Domain::of);
        domain.digest(hash_written(&self.written_hash, &values))
    }

    /// As wallets take it: `domain`, `types`, `primaryType` and `message`.
    fn to_json(&self) -> Value {
        let (name, fields) = self.written.split_once('(').unwrap_or((&self.written, ""));
        let fields = fields.trim_end_matches(')').split(',').filter_map(|field| field.split_once(' '));
        let (mut members, mut message) = (Vec::new(), Map::new());
        for ((kind, field), value) in fields.zip(&self.values) {
            members.push(member(field, kind));
            let shown = match value {
                Typed::Word(word) => shown(kind, word),
                Typed::Words(words) => words.iter().map(|word| shown(kind.trim_end_matches("[]"), word)).collect(),
            };
            message.insert(field.to_owned(), shown);
        }
        let mut domain = json!({ "name": "Surety", "version": "1" });
        let mut domain_members = vec![member("name", "string"), member("version", "string")];
        if let Some(Audience { chain_id, registry }) = &self.audience {
            domain["chainId"] = json!(chain_id);
            domain["verifyingContract"] = json!(registry);
            domain_members.extend([member("chainId", "uint256"), member("verifyingContract", "address")]);
        }
        json!({
            "domain": domain,
            "types": { "EIP712Domain": domain_members, name: members },
            "primaryType": name,
            "message": message,
        })
    }
}

fn member(name: &str, kind: &str) -> Value {
    json!({ "name": name, "type": kind })
}

/// A static value as JSON. Numbers are in decimal and in quotation marks, because they may have 256 bits.
fn shown(kind: &str, word: &Word) -> Value {
    match kind {
        "address" => {
            let mut address = [0; 20];
            address.copy_from_slice(&word[12..]);
            json!(HexBytes(address) as EvmAddress)
        }
        "bool" => json!(word[31] == 1),
        _ if kind.starts_with("uint") => json!(U256::from_be_bytes(*word).to_string()),
        _ => json!(HexBytes(*word)),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    const AUDIENCE: Audience = Audience { chain_id: 31_337, registry: HexBytes([0x22; 20]) };

    fn typed(audience: Option<Audience>) -> TypedData {
        let mut word = [0; 32];
        word[31] = 1;
        let values = vec![
            Typed::Word([7; 32]),
            Typed::Word(word),
            Typed::Word(word),
            Typed::Word(word),
            Typed::Words(vec![word, [0xff; 32]]),
        ];
        let written = "Trial(bytes32 id,address owner,uint64 count,bool marked,uint256[] prices)";
        TypedData::new(audience, written.into(), values)
    }

    #[test]
    fn a_struct_is_written_as_wallets_take_it() {
        let expected = json!({
            "domain": {
                "name": "Surety", "version": "1", "chainId": 31337,
                "verifyingContract": format!("0x{}", "22".repeat(20)),
            },
            "types": {
                "EIP712Domain": [
                    { "name": "name", "type": "string" }, { "name": "version", "type": "string" },
                    { "name": "chainId", "type": "uint256" }, { "name": "verifyingContract", "type": "address" },
                ],
                "Trial": [
                    { "name": "id", "type": "bytes32" }, { "name": "owner", "type": "address" },
                    { "name": "count", "type": "uint64" }, { "name": "marked", "type": "bool" },
                    { "name": "prices", "type": "uint256[]" },
                ],
            },
            "primaryType": "Trial",
            "message": {
                "id": format!("0x{}", "07".repeat(32)), "owner": format!("0x{}01", "00".repeat(19)), "count": "1",
                "marked": true, "prices": ["1", U256::MAX.to_string()],
            },
        });
        assert_eq!(typed(Some(AUDIENCE)).to_json(), expected);
    }

    /// Alloy, which reads the JSON as wallets do, arrives at the same digest.
    #[test]
    fn others_compute_the_same_digest() {
        for audience in [None, Some(AUDIENCE)] {
            let typed = typed(audience);
            let theirs: alloy_dyn_abi::TypedData = serde_json::from_value(typed.to_json()).unwrap();
            assert_eq!(hex::encode(theirs.eip712_signing_hash().unwrap()), hex::encode(typed.digest().0));
        }
    }
}
