//! Writes the files of the verifier that follow from the circuit: its descriptions and the keys of known set-ups.
//!
//! `cargo run --release -p surety-circuits --example regenerate -- path/to/ppot-0085-k16.g1-compressed`
//!
//! Without the path of the ceremony's set-up only the descriptions and the development keys are written.

use std::{error::Error, fs, path::Path};

use serde::Serialize;
use surety_circuits::export;
use surety_core::{capacity::Capacity, ident::Name};
use surety_host::import::import;
use surety_kzg::{Srs, progress::Silent};
use surety_verifier::proof::key::PinnedKeys;

fn main() -> Result<(), Box<dyn Error>> {
    let protocols = Capacity::all().map(export::protocol).collect::<Result<Vec<_>, _>>()?;
    for protocol in &protocols {
        write(&format!("protocol/k{}.json", protocol.capacity.k()), protocol)?;
    }
    let largest = Capacity::new(Capacity::MAX_K)?;
    let mut set_ups = vec![("insecure-development", Srs::development(largest))];
    if let Some(path) = std::env::args().nth(1) {
        set_ups.push(("ppot-0085", import(Path::new(&path), None, None, &Silent)?));
    }
    for (name, srs) in set_ups {
        write(&format!("keys/{name}.json"), &PinnedKeys::derive(Name::new(name)?, &srs, protocols.clone())?)?;
    }
    Ok(())
}

fn write(file: &str, content: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier").join(file);
    fs::write(&path, serde_json::to_string_pretty(content)? + "\n")?;
    Ok(())
}
