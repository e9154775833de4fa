//! The contract that snark-verifier writes for the same circuit: another opinion on what is valid.
//!
//! It reads numbers modulo r, so that it takes `x + r` for `x`.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy_primitives::keccak256;
use halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use surety_core::ident::{Bytes32, HexBytes};
use surety_kzg::scalar;
use surety_verifier::KnownCommitments;

use super::{
    machine::Machine,
    oracles::{Oracles, with_known},
};

/// The compiled contract as it is checked in, so that tests need no compiler.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReferenceContract {
    /// Keccak-256 of the source.
    source: Bytes32,
    code: String,
}

impl ReferenceContract {
    /// Compiles the contract with the compiler of `contracts/`.
    pub(crate) fn compile(oracles: &Oracles) -> Self {
        let source = oracles.snark_verifiers_contract();
        let input = json!({
            "language": "Solidity",
            "sources": { "reference.sol": { "content": source } },
            "settings": {
                "optimizer": { "enabled": true, "details": { "yul": false } },
                "outputSelection": { "*": { "*": ["evm.deployedBytecode"] } },
            },
        });
        let compiler = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/scripts/solc");
        let mut process =
            Command::new(compiler).arg("--standard-json").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        let output: Value = serde_json::from_slice(&process.wait_with_output().unwrap().stdout).unwrap();
        let contracts = output["contracts"]["reference.sol"].as_object().unwrap();
        let code = contracts.values().next().unwrap()["evm"]["deployedBytecode"]["object"].as_str().unwrap();
        Self { source: hash(&source), code: format!("0x{code}") }
    }

    /// The contract that is checked in, which must be the one that would be compiled.
    pub(crate) fn checked_in(oracles: &Oracles) -> Self {
        let contract: Self = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
        let source = hash(&oracles.snark_verifiers_contract());
        assert_eq!(contract.source, source, "run the ignored test `write_the_reference_contract`");
        contract
    }

    pub(crate) fn write(&self) {
        fs::write(file(), serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
    }

    pub(crate) fn accepts(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> bool {
        let data = [&scalar::to_bytes(&context)[..], &with_known(known, proof)].concat();
        Machine::with(&self.code).call(data).is_success()
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/snark-verifier-k9.json")
}

fn hash(source: &str) -> Bytes32 {
    HexBytes(keccak256(source).0)
}
