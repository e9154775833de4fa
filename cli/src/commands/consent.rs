//! `surety consent`

use std::path::PathBuf;

use serde_json::json;
use surety_core::spelling::iso_time;
use surety_host::documents;
use surety_margin::level::Claimed;
use surety_verifier::attestation::{
    check::{self, Asked, Presentation, VerifierTerms},
    consent,
    trust::Trust,
};

use crate::{
    Session,
    commands::verify::{self, Ground},
    error::Error,
    inputs::{Force, KeyOptions},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: verify::FileOptions,
    /// The snapshot is unsigned, and a contract took it from feeds, as you have read with surety chain market
    #[arg(long)]
    on_chain: bool,
    #[command(flatten)]
    key: KeyOptions,
    /// File for the attestation with the consent [default: the attestation is replaced]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

/// Signs the context that follows from the claim, never the one that the file states: a subject that has read the claim
/// consents to that and nothing else.
pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let Ground { mut attestation, policy, snapshot, verifying_key, vault } = args.files.read(session)?;
    let chain_snapshots = if args.on_chain { vec![attestation.claim.snapshot] } else { Vec::new() };
    let trust = Trust { chain_snapshots, ..Trust::nothing() };
    let terms = VerifierTerms {
        trust: Some(&trust),
        strict: false,
        // Whether a set-up is good enough, and whom an attestation is for, is for verifiers to say.
        allow_insecure_srs: true,
        vault,
        presentation: Presentation::Whomever,
        // A shortfall counts without consent.
        asked: Asked::Only(Claimed::Sufficient),
        contract_sources: true,
        now: session.now,
    };
    let files = check::Files { policy: &policy, snapshot: &snapshot, verifying_key: &verifying_key };
    let examined = check::examine(&attestation.claim, &files, &terms)?;
    let key = args.key.load(&session.progress)?;
    consent::sign(&mut attestation, &examined.context, &*key)?;
    let (out, existing) = args.force.target(args.out.as_deref(), args.files.attestation());
    documents::write(out, &attestation, existing)?;
    let claim = &attestation.claim;
    let data = json!({
        "attestation": out,
        "subject": claim.subject,
        "policy": claim.policy,
        "level": claim.level,
        "registry": claim.audience,
        "valid_until": claim.valid_until,
    });
    let until = iso_time(claim.valid_until);
    let text = format!(
        "{} consents to {} under {}, until {until}: {}",
        claim.subject,
        claim.level,
        claim.policy.0,
        out.display()
    );
    Answer::new(data, text)
}
