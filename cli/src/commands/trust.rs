//! `surety trust`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_core::text::{Document as _, Format};
use surety_host::{
    documents::{self, DocumentError},
    files::{self, Access, Existing},
};
use surety_verifier::attestation::{
    statement::Statement,
    trust::{Newest, Superseded, Trust},
};

use crate::{Session, error::Error, inputs::Force, output::Answer};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Take in newer statements: attestations over older ones about the same accounts are refused from then on
    Supersede(SupersedeArgs),
}

#[derive(clap::Args)]
pub(crate) struct SupersedeArgs {
    /// Your trust file, which pins the audience, the subject and the sources
    #[arg(value_name = "TRUST")]
    trust: PathBuf,
    /// Signed statements of the sources
    #[arg(required = true, value_name = "STATEMENT")]
    statements: Vec<PathBuf>,
    /// File for the new anchors [default: the trust file is replaced, without its comments]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Supersede(_) => "supersede",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    let Command::Supersede(args) = command;
    let _lock = files::lock(&args.trust)?;
    let mut trust: Trust = documents::read(&args.trust)?;
    let mut taken = Vec::new();
    for path in &args.statements {
        let statement: Statement = documents::read(path)?;
        taken.push(trust.supersede(&statement, session.now)?);
    }
    let (out, existing) = args.force.target(args.out.as_deref(), &args.trust);
    write(out, &trust, existing)?;
    let text: Vec<_> = taken.iter().map(line).collect();
    Answer::new(json!({ "trust": out, "superseded": taken }), text.join("\n"))
}

fn line(Superseded { source, account, before, newest }: &Superseded) -> String {
    let before = before.map_or_else(|| "none".to_owned(), |Newest { sequence, .. }| sequence.to_string());
    format!("{account} of {source}: statement {}, before {before}", newest.sequence)
}

/// Writes anchors in the format of the file's name.
fn write(path: &Path, trust: &Trust, existing: Existing) -> Result<(), Error> {
    if Format::of_name(&path.display().to_string()) != Some(Format::Toml) {
        return Ok(documents::write(path, trust, existing)?);
    }
    let text = trust.to_toml().map_err(DocumentError::from)?;
    Ok(files::write(path, text.as_bytes(), Access::Public, existing)?)
}
