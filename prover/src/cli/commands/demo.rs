//! `surety demo`

use std::path::PathBuf;

use serde_json::json;
use surety::{Error, demo, directories::Directories, layout::Layout, ledger::Ledger, setup::Setups};
use surety_kzg::Origin;

use crate::cli::{
    Session,
    inputs::{Force, origin_name, warn_of_set_up},
    output::Answer,
    time,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    /// Directory for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(in crate::cli) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let directories = Directories::of_user()?;
    let (layout, ledger) = (Layout::new(&args.out), Ledger::open(&directories.state)?);
    let progress = &session.progress;
    progress.warn("the demonstration's signing keys are derived from their names: anybody can sign with them");
    let setups = Setups::new(&directories);
    let demo = demo::run(&layout, &setups, &ledger, session.now, args.force.existing(), progress)?;
    let insecure = demo.origin == Origin::InsecureDevelopment;
    warn_of_set_up(demo.origin, demo.srs, progress);

    let attestations: serde_json::Map<_, _> =
        demo.attestations.iter().map(|(level, path)| (level.to_string(), json!(path))).collect();
    let data = json!({
        "directory": args.out,
        "attestations": attestations,
        "subject": demo.subject,
        "valid_until": demo.valid_until,
        "srs": { "id": demo.srs.bytes(), "origin": origin_name(demo.origin), "insecure": insecure },
    });
    let mut text = String::new();
    for (level, path) in &demo.attestations {
        text += &format!("{level}: proven, {}\n", path.display());
    }
    let flag = if insecure { " --allow-insecure-srs" } else { "" };
    text += &format!(
        "valid until {}\nverify with: surety verify {}{flag}\nexplain with: surety explain {}\n",
        time::format(demo.valid_until),
        layout.attestation().display(),
        args.out.display(),
    );
    Answer::new(data, text)
}
