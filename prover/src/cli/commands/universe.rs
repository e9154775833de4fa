//! `surety universe`

use std::path::PathBuf;

use serde_json::json;
use surety::{Error, documents};
use surety_margin::{capacity::MASK_ROWS, universe::Universe};
use surety_verifier::ids::UniverseId;

use crate::cli::{Session, output::Answer};

#[derive(clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Check a universe and say its identifier
    Check(File),
    /// Show a universe's instruments
    Show(File),
}

#[derive(clap::Args)]
pub(in crate::cli) struct File {
    /// The universe
    #[arg(default_value = "universe.toml", value_name = "FILE")]
    file: PathBuf,
}

impl Command {
    pub(in crate::cli) fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Show(_) => "show",
        }
    }
}

pub(in crate::cli) fn run(command: Command, _: &Session) -> Result<Answer, Error> {
    let (Command::Check(File { file }) | Command::Show(File { file })) = &command;
    let universe: Universe = documents::read(file)?;
    let id = UniverseId::of(&universe)?;
    let (k, room) = (universe.capacity.k(), universe.capacity.instruments());
    let mut data = json!({
        "universe": universe.name,
        "id": id,
        "srs": universe.srs,
        "k": k,
        "instruments": universe.instruments.len(),
        "room": room,
    });
    let mut text = format!(
        "universe    {}\nidentifier  {}\nset-up      {}\nk           {k}: {} instruments of at most {room}, {MASK_ROWS} masks\n",
        universe.name,
        id.0,
        universe.srs,
        universe.instruments.len(),
    );
    if let Command::Show(_) = command {
        data["list"] = json!(universe.instruments);
        for instrument in &universe.instruments {
            let class = json!(instrument.class);
            text += &format!(
                "  {:<24} {:<10} 1 lot = 10^-{} units\n",
                instrument.name.as_str(),
                class.as_str().unwrap_or_default(),
                instrument.lot_decimals.get(),
            );
        }
    }
    Answer::new(data, text)
}
