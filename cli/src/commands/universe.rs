//! `surety universe`

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::json;
use surety_core::shown::{Rounding, table};
use surety_host::documents;
use surety_margin::universe::{Instrument, Universe};
use surety_prover::layout::Layout;
use surety_verifier::attestation::identifiers::UniverseId;

use crate::{Session, error::Error, output::Answer};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Check a universe, show its identifier and limits of holdings, and warn of likely mistakes
    Check(File),
    /// Show a universe's instruments
    Show(File),
}

#[derive(clap::Args)]
pub(crate) struct File {
    /// The universe, or a directory with universe.toml
    #[arg(default_value = "universe.toml", value_name = "FILE")]
    file: PathBuf,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Show(_) => "show",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    let (Command::Check(File { file }) | Command::Show(File { file })) = &command;
    let file = &if file.is_dir() { Layout::new(file).universe() } else { file.clone() };
    let universe: Universe = documents::read(file)?;
    let id = UniverseId::of(&universe)?;
    let (k, room) = (universe.capacity.k(), universe.capacity.instruments());
    let warnings: Vec<String> = universe.warnings().iter().map(ToString::to_string).collect();
    warnings.iter().for_each(|warning| session.progress.warn(&format!("{}: {warning}", file.display())));
    let limit = |instrument: &Instrument| (instrument.name.to_string(), instrument.max_units());
    let mut data = json!({
        "universe": universe.name,
        "id": id,
        "srs": universe.srs,
        "k": k,
        "instruments": universe.instruments.len(),
        "room": room,
        "limits": universe.instruments.iter().map(limit).collect::<BTreeMap<_, _>>(),
        "warnings": warnings,
    });
    let mut text = format!(
        "universe    {}\nidentifier  {}\nset-up      {}\nk           {k}: {} instruments of at most {room}\n",
        universe.name,
        id.0,
        universe.srs,
        universe.instruments.len(),
    );
    if let Command::Show(_) = command {
        data["list"] = json!(universe.instruments);
    }
    let row = |instrument: &Instrument| {
        let lot = format!("10^-{} units", instrument.lot_decimals.get());
        let limit = session.screen.significant(&instrument.max_units(), Rounding::Down);
        [instrument.name.to_string(), instrument.class.to_string(), lot, limit]
    };
    let rows = universe.instruments.iter().map(row).collect();
    table(&mut text, session.screen, ["instrument", "class", "one lot", "limit in units, held or owed"], rows);
    Answer::new(data, text)
}
