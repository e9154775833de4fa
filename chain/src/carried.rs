//! The code that contracts are created from: this program carries it, so that neither a compiler nor a checkout is
//! needed, or Forge has built it.

use std::{path::Path, sync::LazyLock};

use alloy_primitives::hex;
use serde::{Deserialize, Serialize};
use surety_core::ident::Bytes32;
use surety_verifier::VerifyingKey;

use crate::{
    artifact::{Artifact, Contract, verifier_file},
    error::ChainError,
};

/// As `npm run artifacts -- --update` in `contracts/` writes it, and `contracts/check` compares it with the contracts.
const TEXT: &str = include_str!("../abi/bytecode.json");

static CARRIED: LazyLock<Result<Vec<Carried>, String>> =
    LazyLock::new(|| serde_json::from_str(TEXT).map_err(|error| error.to_string()));

/// Where the code of contracts that are created comes from.
#[derive(Clone, Copy, Debug)]
pub enum Build<'a> {
    /// This program.
    Carried,
    /// A build directory of Forge.
    Forge(&'a Path),
}

impl Build<'_> {
    /// What creates a contract that is the same for every policy, without the constructor's arguments.
    ///
    /// # Errors
    /// If the build has none, or its constructor is another.
    pub(crate) fn creation_code(self, contract: &Contract) -> Result<Vec<u8>, ChainError> {
        match self {
            Self::Carried => Carried::of(contract)?.creation_code(),
            Self::Forge(directory) => Artifact::of(directory, contract)?.creation_code(),
        }
    }

    /// What creates the contract that verifies proofs for a key.
    ///
    /// # Errors
    /// If the build has none.
    pub(crate) fn verifier(self, key: &VerifyingKey) -> Result<Vec<u8>, ChainError> {
        match self {
            Self::Carried => Carried::of_verifier(key)?.creation_code(),
            Self::Forge(directory) => Artifact::of_verifier(directory, key)?.creation_code(),
        }
    }
}

/// The code of a contract, and what it was compiled from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The name of the contract; of the file for verifiers over the development set-up.
    pub contract: String,
    /// The source, in `contracts/`.
    pub source: String,
    /// The hash of the source, as the compiler has noted it.
    pub keccak256: Bytes32,
    /// The compiler.
    pub compiler: String,
    #[serde(skip_serializing)]
    bytecode: String,
}

impl Carried {
    /// Everything that is carried.
    ///
    /// # Errors
    /// Never, as long as the build was whole.
    pub fn all() -> Result<&'static [Self], ChainError> {
        CARRIED.as_deref().map_err(|error| ChainError::Internal(format!("carried code: {error}")))
    }

    /// The code of a contract that is the same for every policy.
    ///
    /// # Errors
    /// Never, as long as the build was whole.
    pub fn of(contract: &Contract) -> Result<&'static Self, ChainError> {
        Self::named(contract.name)
    }

    /// The code of a contract by its name.
    pub(crate) fn named(name: &str) -> Result<&'static Self, ChainError> {
        Self::find(name)?.ok_or_else(|| ChainError::Internal(format!("carried code: no {name}")))
    }

    /// The code of the contract that verifies proofs for a key.
    ///
    /// # Errors
    /// If it is of a class or set-up for which none is carried.
    pub fn of_verifier(key: &VerifyingKey) -> Result<&'static Self, ChainError> {
        let name = verifier_file(key);
        Self::find(&name)?.ok_or_else(|| {
            let advice = "generate the contract with surety solidity, compile it, and give --artifacts DIR";
            let found = format!("none for this capacity class and set-up ({name})");
            ChainError::mismatch("contract", "a verifier that this program carries", found, advice)
        })
    }

    /// What creates the contract, without the constructor's arguments.
    ///
    /// # Errors
    /// Never, as long as the build was whole.
    pub fn creation_code(&self) -> Result<Vec<u8>, ChainError> {
        hex::decode(&self.bytecode)
            .map_err(|error| ChainError::Internal(format!("carried code: {}: {error}", self.contract)))
    }

    fn find(name: &str) -> Result<Option<&'static Self>, ChainError> {
        Ok(Self::all()?.iter().find(|carried| carried.contract == name))
    }
}

#[cfg(test)]
mod tests {
    use surety_core::capacity::Capacity;
    use surety_kzg::Srs;

    use super::*;

    #[test]
    fn everything_that_is_created_is_carried() {
        for contract in [Contract::POLICIES, Contract::ORACLE, Contract::ATTESTATIONS, Contract::BOOKS, Contract::VAULT]
        {
            let carried = Carried::of(&contract).unwrap();
            assert_eq!(carried.source, format!("src/core/{}.sol", contract.name));
            assert!(carried.creation_code().unwrap().len() > 1_000);
        }
        let capacity = Capacity::new(10).unwrap();
        let development = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
        assert_eq!(Carried::of_verifier(&development).unwrap().source, "test/verifiers/DevelopmentVerifierK10.sol");
        // One compiler has made all of it.
        let compilers: Vec<_> = Carried::all().unwrap().iter().map(|carried| &carried.compiler).collect();
        assert!(compilers.windows(2).all(|pair| pair[0] == pair[1]), "{compilers:?}");
    }
}
