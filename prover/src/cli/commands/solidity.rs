//! `surety solidity`: the contract that verifies proofs of a capacity class over a set-up.

use std::path::{Path, PathBuf};

use serde_json::json;
use surety::{
    Error,
    files::{self, Access},
    setup::SetupError,
};
use surety_kzg::{Origin, Srs, SrsId, import::import, origin::CEREMONIES};
use surety_margin::{capacity::Capacity, ident::Bytes32};
use surety_verifier::{KeyError, Protocol, VerifyingKey, solidity};

use crate::cli::{
    Session,
    inputs::{DEVELOPMENT, Force, origin_name, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// The capacity class: the circuit has 2^K rows
    #[arg(long, value_name = "K", value_parser = capacity)]
    k: Capacity,
    /// The set-up: a ceremony's name, insecure-development, the identifier of one that was imported, or a file
    #[arg(long, value_name = "SET-UP")]
    srs: String,
    /// Where to write the contract
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

fn capacity(text: &str) -> Result<Capacity, String> {
    let k = text.parse().map_err(|_| format!("expected a number, found {text:?}"))?;
    Capacity::new(k).map_err(|error| error.to_string())
}

pub(in crate::cli) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let key = key(args, session)?;
    let (origin, srs) = (key.srs().origin(), key.srs().id());
    warn_of_set_up(origin, srs, &session.progress);
    let source = solidity::contract(&key).map_err(|error| Error::Internal(error.to_string()))?;
    files::write(&args.out, source.as_bytes(), Access::Public, args.force.existing())?;
    let data = json!({
        "file": args.out,
        "contract": solidity::contract_name(&key),
        "k": args.k.k(),
        "vk_hash": key.digest(),
        "srs": { "id": srs.bytes(), "origin": origin_name(origin), "insecure": origin == Origin::InsecureDevelopment },
    });
    Answer::new(data, args.out.display())
}

fn key(args: &Args, session: &Session) -> Result<VerifyingKey, Error> {
    match known(&args.srs) {
        Some(id) => Ok(setups()?.verifying_key(id, args.k, &session.progress)?),
        None => Ok(key_of_file(Path::new(&args.srs), args.k, session)?),
    }
}

/// The set-up of a name or an identifier.
fn known(text: &str) -> Option<SrsId> {
    if text == DEVELOPMENT {
        return Capacity::all().next().map(|smallest| Srs::development(smallest).id());
    }
    if let Ok(id) = Bytes32::parse(text) {
        return Some(SrsId::from(id));
    }
    let ceremony = CEREMONIES.iter().find(|ceremony| ceremony.name == text)?;
    Some(ceremony.verifier_key().ok()?.id())
}

fn key_of_file(file: &Path, capacity: Capacity, session: &Session) -> Result<VerifyingKey, Error> {
    if !file.exists() {
        let names: Vec<_> = CEREMONIES.iter().map(|ceremony| ceremony.name).collect();
        return Err(Error::Usage(format!(
            "--srs {}: expected a name ({DEVELOPMENT}, {}), an identifier or a file, found neither",
            file.display(),
            names.join(", "),
        )));
    }
    let srs = import(file, None, Some(capacity), &session.progress)?;
    let protocol = Protocol::of(capacity).map_err(KeyError::from).map_err(SetupError::from)?;
    Ok(VerifyingKey::derive(protocol, &srs).map_err(SetupError::from)?)
}
