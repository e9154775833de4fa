//! The verifying contracts over the development set-up, in an Ethereum virtual machine.

use std::{fs, path::Path};

use alloy_primitives::U256;
use alloy_sol_types::{SolCall as _, SolInterface as _, sol};
use halo2curves::bn256::Fr;
use revm::context::result::ExecutionResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use surety_core::capacity::Capacity;
use surety_kzg::{point, scalar};
use surety_verifier::{KnownCommitments, ProofError};

use super::machine::Machine;

sol! {
    interface Verifier {
        error ProofLength(uint256 received, uint256 expected);
        error ScalarOutOfField(uint256 index);
        error PointNotOnCurve(uint256 index);
        error WrongPointCount();
        error WrongContextCount();
        error EmptyBatch();
        error NotBlinded();
        error DegenerateChallenge();
        error PairingFailed();

        function verifyProof(bytes proof, uint256 context, uint256[8] publicPoints) external view;
        function verifyBatch(bytes[] proofs, uint256[] contexts, uint256[8][] publicPoints) external view;
    }
}

/// What a verifier says of a proof, in words that the native one and the contract share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Valid,
    Length,
    Point,
    Scalar,
    Blind,
    Degenerate,
    Pairing,
    /// Only a contract says this: the lists of a batch do not match.
    Batch,
    /// Only a contract says this, and never should.
    Halt,
}

impl From<&Result<(), ProofError>> for Verdict {
    fn from(result: &Result<(), ProofError>) -> Self {
        match result {
            Ok(()) => Self::Valid,
            Err(ProofError::Length { .. }) => Self::Length,
            Err(ProofError::Point { .. } | ProofError::KnownCommitment { .. }) => Self::Point,
            Err(ProofError::Scalar { .. }) => Self::Scalar,
            Err(ProofError::NotBlinded { .. }) => Self::Blind,
            Err(ProofError::DegenerateChallenge) => Self::Degenerate,
            Err(ProofError::Pairing(_)) => Self::Pairing,
        }
    }
}

impl From<Verifier::VerifierErrors> for Verdict {
    fn from(error: Verifier::VerifierErrors) -> Self {
        use Verifier::VerifierErrors as Error;
        match error {
            Error::ProofLength(_) => Self::Length,
            Error::PointNotOnCurve(_) => Self::Point,
            Error::ScalarOutOfField(_) => Self::Scalar,
            Error::NotBlinded(_) => Self::Blind,
            Error::DegenerateChallenge(_) => Self::Degenerate,
            Error::PairingFailed(_) => Self::Pairing,
            Error::WrongPointCount(_) | Error::WrongContextCount(_) | Error::EmptyBatch(_) => Self::Batch,
        }
    }
}

/// A deployed verifier.
pub(crate) struct Contract(Machine);

impl Contract {
    /// The verifier of a capacity class. Its code is checked in; the contracts' tests compare it with its source.
    pub(crate) fn deployed(capacity: Capacity) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures/bytecode.json");
        let codes: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        Self(Machine::with(codes[format!("VerifierK{}", capacity.k())].as_str().unwrap()))
    }

    /// What `verifyProof` says.
    pub(crate) fn verify(&self, context: Fr, known: &KnownCommitments, proof: &[u8]) -> Verdict {
        self.call(call_data(context, known, proof))
    }

    /// What `verifyBatch` says.
    pub(crate) fn verify_batch(&self, batch: &[(Fr, KnownCommitments, Vec<u8>)]) -> Verdict {
        let call = Verifier::verifyBatchCall {
            proofs: batch.iter().map(|(_, _, proof)| proof.clone().into()).collect(),
            contexts: batch.iter().map(|(context, _, _)| word(*context)).collect(),
            publicPoints: batch.iter().map(|(_, known, _)| coordinates(known)).collect(),
        };
        self.call(call.abi_encode())
    }

    /// What the contract says to a call.
    pub(crate) fn call(&self, call: Vec<u8>) -> Verdict {
        match self.0.call(call) {
            ExecutionResult::Success { output, .. } => {
                assert!(output.data().is_empty());
                Verdict::Valid
            }
            ExecutionResult::Revert { output, .. } => Verifier::VerifierErrors::abi_decode(&output).unwrap().into(),
            ExecutionResult::Halt { .. } => Verdict::Halt,
        }
    }
}

/// A call to `verifyProof`.
pub(crate) fn call_data(context: Fr, known: &KnownCommitments, proof: &[u8]) -> Vec<u8> {
    let proof = proof.to_vec().into();
    Verifier::verifyProofCall { proof, context: word(context), publicPoints: coordinates(known) }.abi_encode()
}

fn word(scalar: Fr) -> U256 {
    U256::from_be_bytes(scalar::to_bytes(&scalar))
}

/// The points as contracts take them; the identity as zeros.
fn coordinates(known: &KnownCommitments) -> [U256; 8] {
    let bytes = known.in_order().map(|point| point::g1_to_bytes(&point)).concat();
    core::array::from_fn(|index| U256::from_be_slice(&bytes[32 * index..][..32]))
}
