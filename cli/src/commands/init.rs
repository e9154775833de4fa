//! `surety init`: the example over an available set-up, so that every command works on the example at once.

use std::path::PathBuf;

use serde_json::json;
use surety_core::text::Document as _;
use surety_host::files::{self, Access};
use surety_margin::universe::Universe;
use surety_walkthrough::example;

use crate::{
    Session,
    error::Error,
    inputs::{Force, Network, directory_of, setups, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory for the files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    network: Network,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let existing = args.force.existing();
    let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text)?;
    let setups = setups()?;
    args.network.seek_ceremony(&setups, universe.capacity, &session.progress)?;
    let setup = setups.preferred(universe.capacity, &session.progress)?;
    warn_of_set_up(setup.origin(), setup.id(), &session.progress);
    let paths: Vec<PathBuf> = example::files().map(|file| args.directory.join(file.path)).collect();
    for path in &paths {
        files::create_directory(directory_of(path))?;
        files::check_target(path, existing)?;
    }
    for (path, file) in paths.iter().zip(example::files()) {
        let text =
            if file.path == example::UNIVERSE.path { example::universe_over(&setup) } else { file.text.to_owned() };
        files::write(path, text.as_bytes(), Access::Public, existing)?;
    }
    let text: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    Answer::new(json!({ "directory": args.directory, "files": paths }), text)
}
