//! `surety audit explain`: what stands behind one attestation, for whoever follows it up.

use std::path::PathBuf;

use surety_audit::audit::{AnchorFile, AuditRequest, ReadVault, books::BookAnchors, explain};

use super::Judging;
use crate::{Session, error::Error, inputs::setups, output::Answer};

#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// The attestation: its file as the report names it, or the beginning of the SHA-256 of the file
    #[arg(value_name = "ID")]
    id: String,
    /// The directory or the archive that was audited
    #[arg(value_name = "DIR|ARCHIVE")]
    place: PathBuf,
    #[command(flatten)]
    judging: Judging,
}

pub(super) fn explain(args: &ExplainArgs, session: &Session) -> Result<Answer, Error> {
    let judging = &args.judging;
    let trust = judging.trust.iter().map(|path| AnchorFile::read(path)).collect::<Result<Vec<_>, _>>()?;
    let vaults = judging.vault.iter().map(|path| ReadVault::read(path)).collect::<Result<Vec<_>, _>>()?;
    let request = AuditRequest {
        directory: &args.place,
        trust: &trust,
        vaults: &vaults,
        books: BookAnchors::default(),
        strict: judging.strict,
        allow_insecure_srs: judging.allow_insecure_srs,
        at: judging.at.unwrap_or(session.now),
        history: true,
        one_by_one: false,
        engagement: None,
        sample: None,
    };
    let explanation = explain::run(&request, &args.id, &setups()?, &session.progress)?;
    let mut text = String::new();
    for (number, step) in explanation.steps.iter().enumerate() {
        text += &format!("{}. {}\n", number + 1, step.title);
        step.lines.iter().for_each(|line| text += &format!("   {}\n", line.replace('\n', "; ")));
    }
    let answer = Answer::new(&explanation, text)?;
    Ok(match explanation.verdict() {
        Ok(()) => answer,
        Err(error) => answer.failing(&error),
    })
}
