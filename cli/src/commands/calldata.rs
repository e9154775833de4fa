//! `surety calldata`

use std::path::PathBuf;

use alloy_primitives::hex;
use serde_json::json;
use surety_chain::attest;
use surety_host::documents;
use surety_margin::policy::Policy;
use surety_prover::layout::Layout;
use surety_verifier::attestation::claim::Attestation;

use crate::{Session, error::Error, inputs::directory_of, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The attestation
    #[arg(value_name = "FILE")]
    attestation: PathBuf,
    /// The policy [default: policy.toml beside the attestation]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Write the query for the subject's level instead of the submission of the attestation
    #[arg(long)]
    query: bool,
}

pub(crate) fn run(args: &Args, _: &Session) -> Result<Answer, Error> {
    let attestation: Attestation = documents::read(&args.attestation)?;
    let beside = Layout::new(directory_of(&args.attestation)).policy();
    let policy: Policy = documents::read(args.policy.as_ref().unwrap_or(&beside))?;
    let (function, call) = if args.query {
        ("levelOf", attest::query_data(&attestation))
    } else {
        ("attest", attest::call_data(&attestation, &policy)?)
    };
    let (audience, call) = (attestation.claim.audience, hex::encode_prefixed(call));
    let data = json!({
        "chain_id": audience.chain_id,
        "to": audience.registry,
        "function": function,
        "data": call,
    });
    Answer::new(data, call)
}
