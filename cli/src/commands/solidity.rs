//! `surety solidity`: the verifying contract of a capacity class and a set-up.

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_core::{capacity::Capacity, failure::Internal, spelling};
use surety_host::{
    files::{self, Access},
    import::import,
    setup::SetupError,
};
use surety_kzg::{Origin, SrsId};
use surety_solidity::{contract, contract_name};
use surety_verifier::{KeyError, Protocol, VerifyingKey};

use crate::{
    Session,
    error::{Error, Usage},
    inputs::{Force, origin_name, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The capacity class: the circuit has 2^K rows
    #[arg(long, value_name = "K", value_parser = capacity)]
    k: Capacity,
    /// Set-up: a ceremony's name, insecure-development, the identifier of an imported set-up, or a file
    #[arg(long, value_name = "SET-UP")]
    srs: String,
    /// File for the contract
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

fn capacity(text: &str) -> Result<Capacity, String> {
    let k = text.parse().map_err(|_| format!("expected a number, found {text:?}"))?;
    Capacity::new(k).map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let key = key(args, session)?;
    let (origin, srs) = (key.srs().origin(), key.srs().id());
    warn_of_set_up(origin, srs, &session.progress);
    let source = contract(&key).map_err(|error| Error::from(Internal(error.to_string())))?;
    files::write(&args.out, source.as_bytes(), Access::Public, args.force.existing())?;
    let data = json!({
        "file": args.out,
        "contract": contract_name(&key),
        "k": args.k.k(),
        "vk_hash": key.digest(),
        "srs": { "id": srs.bytes(), "origin": origin_name(origin), "insecure": origin == Origin::InsecureDevelopment },
    });
    Answer::new(data, args.out.display())
}

fn key(args: &Args, session: &Session) -> Result<VerifyingKey, Error> {
    match spelling::set_up(&args.srs) {
        Ok(id) => Ok(setups()?.verifying_key(SrsId::from(id), args.k, &session.progress)?),
        Err(reason) => key_of_file(Path::new(&args.srs), &reason, args.k, session),
    }
}

/// `reason` says why the text names no known set-up.
fn key_of_file(file: &Path, reason: &str, capacity: Capacity, session: &Session) -> Result<VerifyingKey, Error> {
    if !file.exists() {
        return Err(Error::from(Usage(format!("--srs: {reason}; there is no file of that name, either"))));
    }
    let srs = import(file, None, Some(capacity), &session.progress)?;
    let protocol = Protocol::of(capacity).map_err(KeyError::from).map_err(SetupError::from)?;
    Ok(VerifyingKey::derive(protocol, &srs).map_err(SetupError::from)?)
}
