//! `surety init`

use std::path::PathBuf;

use serde_json::json;
use surety::{
    Error, example,
    files::{self, Access},
};

use crate::cli::{
    inputs::{Force, directory_of},
    output::Answer,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Directory for the files
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(in crate::cli) fn run(args: &Args) -> Result<Answer, Error> {
    let existing = args.force.existing();
    let paths: Vec<PathBuf> = example::files().map(|file| args.directory.join(file.path)).collect();
    for path in &paths {
        files::create_directory(directory_of(path))?;
        files::check_target(path, existing)?;
    }
    for (path, file) in paths.iter().zip(example::files()) {
        files::write(path, file.text.as_bytes(), Access::Public, existing)?;
    }
    let text: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    Answer::new(json!({ "directory": args.directory, "files": paths }), text)
}
