//! A contract as Forge has built it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use alloy_primitives::hex;
use serde::Deserialize;
use surety_core::{ident::Bytes32, text::json_problem};
use surety_host::files;
use surety_kzg::Origin;
use surety_solidity::contract_name;
use surety_verifier::VerifyingKey;

use crate::error::ChainError;

const ADVICE: &str =
    "build the contracts of this version with contracts/check or forge build, and give --artifacts contracts/out";

/// A contract of the project that is the same for every policy: its name, which its file has too, and the types that
/// its constructor takes.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// The name.
    pub name: &'static str,
    constructor: &'static [&'static str],
    /// What its immutable variables are.
    pub(crate) keeps: &'static [Keeps],
}

/// What a contract keeps in immutable variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// The domain of what is signed for it.
    Domain,
    /// The registry of policies.
    Policies,
    /// The oracle.
    Oracle,
    /// The registry of attestations.
    Attestations,
    /// The universe.
    Universe,
    /// A term of the deployment: the delay of policies, whether attestations are exclusive, who has created the vault.
    Term,
}

impl Contract {
    /// The registry of policies.
    pub const POLICIES: Self =
        Self { name: "PolicyRegistry", constructor: &["uint40", "address", "address"], keeps: &[Keeps::Term] };
    /// The oracle.
    pub const ORACLE: Self =
        Self { name: "SnapshotOracle", constructor: &["address"], keeps: &[Keeps::Domain, Keeps::Policies] };
    /// The registry of attestations.
    pub const ATTESTATIONS: Self = Self {
        name: "AttestationRegistry",
        constructor: &["address", "address", "bool"],
        keeps: &[Keeps::Domain, Keeps::Policies, Keeps::Oracle, Keeps::Term],
    };
    /// The registry of books.
    pub const BOOKS: Self = Self {
        name: "BookRegistry",
        constructor: &["address", "address"],
        keeps: &[Keeps::Domain, Keeps::Policies, Keeps::Oracle],
    };
    /// The vault.
    pub const VAULT: Self = Self {
        name: "CollateralVault",
        constructor: &["address", "bytes32", "tuple[]"],
        keeps: &[Keeps::Attestations, Keeps::Universe, Keeps::Term],
    };
}

/// What creation writes into the immutable variables of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Values that are known.
    pub known: Vec<Bytes32>,
    /// The number of other variables, whose values are terms of the deployment.
    pub open: usize,
}

/// A contract as Forge has built it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    abi: Vec<Entry>,
    bytecode: Code,
    deployed_bytecode: Code,
    #[serde(default)]
    metadata: Metadata,
    #[serde(skip)]
    path: PathBuf,
}

/// A part of an interface.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    inputs: Vec<Input>,
}

#[derive(Deserialize)]
struct Input {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    object: String,
    #[serde(default)]
    immutable_references: BTreeMap<String, Vec<Place>>,
}

/// Where creation writes the value of an immutable variable.
#[derive(Deserialize)]
struct Place {
    start: usize,
    length: usize,
}

/// What the compiler says of its input.
#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    sources: BTreeMap<String, Source>,
}

#[derive(Deserialize)]
struct Source {
    keccak256: Bytes32,
}

impl Artifact {
    /// Reads the artifact of a contract that is the same for every policy.
    ///
    /// # Errors
    /// If there is none, or its constructor is another.
    pub fn of(directory: &Path, contract: &Contract) -> Result<Self, ChainError> {
        Self::read(directory, contract.name, contract.name, contract.constructor)
    }

    /// Reads the artifact of a contract whose constructor takes arguments of these types.
    fn read(directory: &Path, file: &str, contract: &str, types: &[&str]) -> Result<Self, ChainError> {
        let path = directory.join(format!("{file}.sol")).join(format!("{contract}.json"));
        let text = files::read_text(&path)?;
        let artifact: Self = serde_json::from_str(&text)
            .map_err(|error| mismatch(&path, "an artifact of Forge".to_owned(), json_problem(&error).found))?;
        let constructor = artifact.abi.iter().find(|entry| entry.kind == "constructor");
        let found: Vec<_> = constructor.iter().flat_map(|entry| &entry.inputs).map(|input| &*input.kind).collect();
        if found != types {
            let list = |types: &[&str]| format!("a constructor ({})", types.join(", "));
            return Err(mismatch(&path, list(types), list(&found)));
        }
        Ok(Self { path, ..artifact })
    }

    /// Reads the artifact of the contract that verifies proofs for a key.
    pub fn of_verifier(directory: &Path, key: &VerifyingKey) -> Result<Self, ChainError> {
        Self::read(directory, &verifier_file(key), &contract_name(key), &[])
    }

    /// What creates the contract, without the constructor's arguments.
    pub fn creation_code(&self) -> Result<Vec<u8>, ChainError> {
        self.decode(&self.bytecode)
    }

    /// What lies at the contract's address.
    ///
    /// # Errors
    /// If the constructor writes into it.
    pub fn runtime_code(&self) -> Result<Vec<u8>, ChainError> {
        let places = self.deployed_bytecode.immutable_references.len();
        if places > 0 {
            let expected = "code that its creation does not change".to_owned();
            return Err(mismatch(&self.path, expected, format!("{places} immutable variables")));
        }
        self.decode(&self.deployed_bytecode)
    }

    /// Whether code at an address is this contract's, with these values of its immutable variables: all that are known,
    /// and as many others as are open. A variable has one value, wherever it is read: other code could tell one
    /// address and use another.
    ///
    /// # Errors
    /// If the artifact's own code cannot be read.
    pub fn is_code_of(&self, code: &[u8], written: &Written) -> Result<bool, ChainError> {
        let (mut rest, mut values) = (code.to_vec(), Vec::new());
        for places in self.deployed_bytecode.immutable_references.values() {
            let mut found: BTreeSet<Vec<u8>> = BTreeSet::new();
            for Place { start, length } in places {
                let Some(place) = rest.get_mut(*start..start.saturating_add(*length)) else { return Ok(false) };
                found.insert(place.to_vec());
                place.fill(0);
            }
            if found.len() > 1 {
                return Ok(false);
            }
            values.extend(found);
        }
        let known: BTreeSet<&[u8]> = written.known.iter().map(|word| word.0.as_slice()).collect();
        let is_there = |word: &&[u8]| values.iter().any(|value| value == word);
        let written = known.iter().all(is_there) && values.len() <= known.len() + written.open;
        Ok(written && self.decode(&self.deployed_bytecode)? == rest)
    }

    /// The hash of the one source that the contract was compiled from, as the compiler has noted it.
    pub fn source(&self) -> Option<Bytes32> {
        let mut sources = self.metadata.sources.values();
        sources.next().filter(|_| sources.next().is_none()).map(|source| source.keccak256)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn decode(&self, code: &Code) -> Result<Vec<u8>, ChainError> {
        hex::decode(&code.object).map_err(|_| {
            let found = "something else, or libraries that are not linked".to_owned();
            mismatch(&self.path, "the code of a contract".to_owned(), found)
        })
    }
}

fn mismatch(path: &Path, expected: String, found: String) -> ChainError {
    ChainError::mismatch(path.display().to_string(), expected, found, ADVICE)
}

/// What the project calls the source of a key's contract: those for the development set-up bear another name.
pub(crate) fn verifier_file(key: &VerifyingKey) -> String {
    match key.srs().origin() {
        Origin::InsecureDevelopment => format!("DevelopmentVerifierK{}", key.protocol().capacity.k()),
        _ => contract_name(key),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use surety_core::{capacity::Capacity, ident::HexBytes};
    use surety_kzg::Srs;

    use super::*;

    /// Reads an artifact with this deployed code, and metadata.
    fn read(deployed: &str, metadata: &str) -> Result<Artifact, ChainError> {
        let directory = tempfile::tempdir().unwrap();
        let capacity = Capacity::new(10).unwrap();
        let key = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
        let folder = directory.path().join("DevelopmentVerifierK10.sol");
        fs::create_dir(&folder).unwrap();
        let text = format!(
            "{{\"abi\":[],\"bytecode\":{{\"object\":\"0x6001\"}},\"deployedBytecode\":{deployed},\"metadata\":{metadata}}}"
        );
        fs::write(folder.join("SuretyVerifierK10.json"), text).unwrap();
        Artifact::of_verifier(directory.path(), &key)
    }

    #[test]
    fn code_and_source_are_read() {
        let hash = "ab".repeat(32);
        let metadata = format!("{{\"sources\":{{\"a.sol\":{{\"keccak256\":\"0x{hash}\"}}}}}}");
        let artifact = read("{\"object\":\"0x00\"}", &metadata).unwrap();
        assert_eq!(artifact.creation_code().unwrap(), [0x60, 1]);
        assert_eq!(artifact.runtime_code().unwrap(), [0]);
        assert_eq!(artifact.source().unwrap().0, [0xab; 32]);
    }

    #[test]
    fn rejects_code_that_creation_changes_or_that_is_not_linked() {
        let immutable = "{\"object\":\"0x00\",\"immutableReferences\":{\"7\":[{\"start\":0,\"length\":1}]}}";
        let error = read(immutable, "{}").unwrap().runtime_code().unwrap_err();
        assert!(error.to_string().contains("1 immutable variables"), "{error}");
        let error = read("{\"object\":\"0x__$a$__\"}", "{}").unwrap().runtime_code().unwrap_err();
        assert!(error.to_string().contains("not linked"), "{error}");
        assert!(matches!(read("{}", "{}"), Err(ChainError::Mismatch(_))));
    }

    /// Two sources: nobody knows which one the contract is of.
    #[test]
    fn several_sources_vouch_for_none() {
        let source = |name: &str| format!("\"{name}\":{{\"keccak256\":\"0x{}\"}}", "ab".repeat(32));
        let metadata = format!("{{\"sources\":{{{},{}}}}}", source("a"), source("b"));
        assert_eq!(read("{\"object\":\"0x00\"}", &metadata).unwrap().source(), None);
    }

    #[test]
    fn rejects_code_of_another_contract_whatever_its_variables() {
        let places = "{\"7\":[{\"start\":1,\"length\":2},{\"start\":4,\"length\":2}]}";
        let deployed = format!("{{\"object\":\"0x600000610000\",\"immutableReferences\":{places}}}");
        let artifact = read(&deployed, "{}").unwrap();
        let open = Written { known: Vec::new(), open: 1 };
        assert!(artifact.is_code_of(&[0x60, 7, 8, 0x61, 7, 8], &open).unwrap());
        for other in [&[0x60, 7, 8, 0x62, 7, 8][..], &[0x61, 0, 0, 0x61, 0, 0], &[0x60, 0, 0, 0x61], &[0x60; 7], &[]] {
            assert!(!artifact.is_code_of(other, &open).unwrap(), "{other:?}");
        }
        // Attack: a variable that is told with one value, and used with another.
        assert!(!artifact.is_code_of(&[0x60, 7, 8, 0x61, 7, 9], &open).unwrap());
    }

    /// Attack: the project's code, created with an address of the attacker's, or the domain of another registry.
    #[test]
    fn rejects_code_with_other_values_than_are_known() {
        let places = "{\"7\":[{\"start\":0,\"length\":32}],\"9\":[{\"start\":32,\"length\":32}]}";
        let object = "00".repeat(64);
        let deployed = format!("{{\"object\":\"0x{object}\",\"immutableReferences\":{places}}}");
        let artifact = read(&deployed, "{}").unwrap();
        let code = [[1; 32], [2; 32]].concat();
        let judge = |known: &[u8], open| {
            let known = known.iter().map(|byte| HexBytes([*byte; 32])).collect();
            artifact.is_code_of(&code, &Written { known, open }).unwrap()
        };
        assert!(judge(&[1, 2], 0) && judge(&[2], 1) && judge(&[], 2));
        assert!(!judge(&[1, 3], 0) && !judge(&[3], 1) && !judge(&[1], 0) && !judge(&[], 1) && !judge(&[1, 3], 1));
    }
}
