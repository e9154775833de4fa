//! Compiling the verifying contract, with the settings of `contracts/foundry.toml`, by a compiler that the user names.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use alloy_primitives::hex;
use serde::Deserialize;
use serde_json::{Value, json};
use surety_core::failure::Class;
use surety_host::atomic::reason;

/// The compiler's version, as `contracts/package.json` pins it.
const VERSION: &str = "0.8.37";

/// What the optimizer expects of how often the code runs.
const RUNS: u64 = 1_000_000;

/// The hard fork whose instructions are used.
const EVM: &str = "osaka";

/// What the compiler calls the source.
const FILE: &str = "verifier.sol";

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CompilerError {
    /// The program cannot be run.
    #[error("--solc {}: {}; give the compiler of Solidity {VERSION}: contracts/scripts/solc, once contracts/check has \
             run", program.display(), reason(error))]
    Run {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// It is a compiler of another version, whose code would differ, or something else.
    #[error("--solc {}: expected the compiler of Solidity {VERSION}, found {found}", program.display())]
    Version {
        /// The program.
        program: PathBuf,
        /// What it says of itself.
        found: String,
    },
    /// It does not compile the contract.
    #[error("--solc {}: expected the code of {contract}, found {found}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The contract.
        contract: String,
        /// What it says.
        found: String,
    },
}

impl CompilerError {
    /// Its class.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Run { .. } | Self::Failed { .. } => Class::Input,
            Self::Version { .. } => Class::Mismatch,
        }
    }
}

/// The code of a contract.
pub(super) struct Code {
    /// What creates it.
    pub(super) creation: Vec<u8>,
    /// What lies at its address.
    pub(super) runtime: Vec<u8>,
}

/// What the compiler answers, as far as it is asked.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    errors: Vec<Message>,
    #[serde(default)]
    contracts: BTreeMap<String, BTreeMap<String, Contract>>,
}

#[derive(Deserialize)]
struct Message {
    severity: String,
    message: String,
}

#[derive(Deserialize)]
struct Contract {
    evm: Evm,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Evm {
    bytecode: Bytecode,
    deployed_bytecode: Bytecode,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bytecode {
    object: String,
    #[serde(default)]
    immutable_references: BTreeMap<String, Value>,
}

/// Compiles a contract.
pub(super) fn compile(program: &Path, source: &str, contract: &str) -> Result<Code, CompilerError> {
    check_version(program)?;
    let failed =
        |found: String| CompilerError::Failed { program: program.to_owned(), contract: contract.to_owned(), found };
    let output = run(program, "--standard-json", &input(source).to_string())?;
    let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|_| failed("no answer in JSON".to_owned()))?;
    if let Some(error) = answer.errors.iter().find(|error| error.severity == "error") {
        return Err(failed(format!("an error: {}", error.message)));
    }
    let evm = answer.contracts.get(FILE).and_then(|contracts| contracts.get(contract)).map(|contract| &contract.evm);
    let Evm { bytecode, deployed_bytecode } = evm.ok_or_else(|| failed("no such contract".to_owned()))?;
    if !deployed_bytecode.immutable_references.is_empty() {
        return Err(failed("immutable variables, which its creation writes into it".to_owned()));
    }
    let decode = |code: &Bytecode| match hex::decode(&code.object) {
        Ok(code) if !code.is_empty() => Ok(code),
        _ => Err(failed("none, or libraries that are not linked".to_owned())),
    };
    Ok(Code { creation: decode(bytecode)?, runtime: decode(deployed_bytecode)? })
}

fn input(source: &str) -> Value {
    json!({
        "language": "Solidity",
        "sources": { FILE: { "content": source } },
        "settings": {
            "optimizer": { "enabled": true, "runs": RUNS },
            "evmVersion": EVM,
            "viaIR": false,
            "metadata": { "bytecodeHash": "none", "appendCBOR": false },
            "outputSelection": {
                "*": { "*": [
                    "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"
                ] },
            },
        },
    })
}

fn check_version(program: &Path) -> Result<(), CompilerError> {
    let output = run(program, "--version", "")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().find_map(|line| line.strip_prefix("Version: "));
    if version.is_some_and(|version| version.split('+').next() == Some(VERSION)) {
        return Ok(());
    }
    let found = version.unwrap_or("a program that does not say its version").escape_debug().to_string();
    Err(CompilerError::Version { program: program.to_owned(), found })
}

fn run(program: &Path, option: &str, input: &str) -> Result<Output, CompilerError> {
    let failed = |error| CompilerError::Run { program: program.to_owned(), error };
    let mut command = Command::new(program);
    command.arg(option).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = process.stdin.take() {
        // Whoever does not read its input has something to say about it.
        let _ = stdin.write_all(input.as_bytes());
    }
    process.wait_with_output().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use surety_core::capacity::Capacity;
    use surety_kzg::Srs;
    use surety_verifier::VerifyingKey;

    use super::*;

    const CONTRACTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts");

    /// Compiles with a program that says this version and answers this.
    fn answer(version: &str, answer: &str) -> Result<Code, CompilerError> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("solc");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; else cat > /dev/null; echo '{answer}'; fi\n"
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        compile(&program, "contract A {}", "A")
    }

    fn with_code(code: &str, immutables: &str) -> String {
        let code = |more: &str| format!("{{\"object\":\"{code}\"{more}}}");
        let evm = format!("{{\"bytecode\":{},\"deployedBytecode\":{}}}", code(""), code(immutables));
        format!("{{\"contracts\":{{\"verifier.sol\":{{\"A\":{{\"evm\":{evm}}}}}}}}}")
    }

    const GOOD: &str = "Version: 0.8.37+commit.f401782d.Linux.g++";

    #[test]
    fn code_is_read_from_the_answer() {
        let code = answer(GOOD, &with_code("6001", ",\"immutableReferences\":{}")).unwrap();
        assert_eq!((code.creation, code.runtime), (vec![0x60, 1], vec![0x60, 1]));
    }

    #[test]
    fn rejects_other_compilers_and_other_programs() {
        for version in ["Version: 0.8.36+commit.1", "Version: 0.8.370+commit.1", "hello", ""] {
            let error = answer(version, &with_code("6001", "")).err().unwrap();
            assert!(matches!(error, CompilerError::Version { .. }), "{version}: {error}");
        }
        let error = compile(Path::new("/nowhere/solc"), "", "A").err().unwrap();
        assert!(matches!(error, CompilerError::Run { .. }), "{error}");
    }

    #[test]
    fn rejects_answers_without_the_contracts_code() {
        let immutable = with_code("6001", ",\"immutableReferences\":{\"7\":[{\"start\":0,\"length\":32}]}");
        let failure = "{\"errors\":[{\"severity\":\"error\",\"message\":\"too deep\"}]}";
        for (text, says) in [
            ("", "no answer in JSON"),
            ("{}", "no such contract"),
            (failure, "too deep"),
            (&with_code("", ""), "none"),
            (&with_code("60__$library$__", ""), "not linked"),
            (&immutable, "immutable"),
        ] {
            let error = answer(GOOD, text).err().unwrap();
            assert!(matches!(error, CompilerError::Failed { .. }) && error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn settings_are_those_of_the_contracts() {
        let text = fs::read_to_string(format!("{CONTRACTS}/foundry.toml")).unwrap();
        let profile = text.parse::<toml::Table>().unwrap()["profile"]["default"].clone();
        let (settings, built) = (&input("")["settings"], |key: &str| profile[key].clone());
        assert_eq!(settings["optimizer"]["enabled"].as_bool(), built("optimizer").as_bool());
        assert_eq!(settings["optimizer"]["runs"].as_i64(), built("optimizer_runs").as_integer());
        assert_eq!(settings["evmVersion"].as_str(), built("evm_version").as_str());
        assert_eq!(settings["viaIR"].as_bool(), built("via_ir").as_bool());
        assert_eq!(settings["metadata"]["bytecodeHash"].as_str(), built("bytecode_hash").as_str());
        assert_eq!(settings["metadata"]["appendCBOR"].as_bool(), built("cbor_metadata").as_bool());
        let package: Value =
            serde_json::from_str(&fs::read_to_string(format!("{CONTRACTS}/package.json")).unwrap()).unwrap();
        assert_eq!(package["devDependencies"]["solc"], VERSION);
    }

    /// The code that Forge has built, where the tools of the contracts are installed.
    #[test]
    fn code_is_that_which_forge_builds() {
        let solc = Path::new(CONTRACTS).join("scripts/solc");
        if !Path::new(CONTRACTS).join("node_modules/solc").exists() {
            return;
        }
        let capacity = Capacity::new(10).unwrap();
        let key = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
        let code = compile(&solc, &surety_solidity::contract(&key).unwrap(), "SuretyVerifierK10").unwrap();
        let built = fs::read_to_string(format!("{CONTRACTS}/test/fixtures/bytecode.json")).unwrap();
        let built: BTreeMap<String, String> = serde_json::from_str(&built).unwrap();
        assert_eq!(hex::encode_prefixed(&code.runtime), built["VerifierK10"]);
        assert!(code.creation.ends_with(&code.runtime));
    }
}
