//! `surety demo`

mod on_chain;

use std::path::PathBuf;

use serde_json::json;
use surety_core::{spelling::iso_time, words::counted};
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::Origin;
use surety_prover::layout::Layout;
use surety_walkthrough::{self as demo, batch};

use crate::{
    Session,
    error::Error,
    inputs::{Force, Network, origin_name, warn_of_set_up},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    network: Network,
    /// Make this many attestations of different institutions instead, for surety audit; DIR must be new or empty, or
    /// --force removes the attestations of an earlier batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: Option<u32>,
    /// Spread the attestations over this many days, so that most have lapsed [default: all count now]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650), requires = "batch")]
    days: Option<u32>,
    /// Go on to a chain: contracts, a position, a falling market and a liquidation, on the node of Anvil at URL
    /// [default: one that is started, and ends with the command]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = OWN_NODE, conflicts_with = "batch")]
    rpc: Option<String>,
}

/// The value of `--rpc` without a URL.
const OWN_NODE: &str = "";

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    if let Some(count) = args.batch {
        return run_batch(args, count, session);
    }
    let directories = Directories::of_user()?;
    if let Some(url) = &args.rpc {
        session.progress.warn(KEYS);
        let setups = Setups::new(&directories);
        args.network.seek_ceremony(&setups, demo::capacity()?, &session.progress)?;
        let url = Some(url.as_str()).filter(|url| *url != OWN_NODE);
        return on_chain::run(&args.out, url, args.force.existing(), &setups, session);
    }
    let layout = Layout::new(&args.out);
    let progress = &session.progress;
    progress.warn(KEYS);
    let setups = Setups::new(&directories);
    args.network.seek_ceremony(&setups, demo::capacity()?, progress)?;
    let demo = demo::run(&layout, &setups, session.now, args.force.existing(), progress)?;
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
        iso_time(demo.valid_until),
        layout.attestation().display(),
        args.out.display(),
    );
    Answer::new(data, text)
}

/// What everybody has to know of the demonstration's keys.
pub(super) const KEYS: &str =
    "the demonstration's signing keys are derived from their names: anybody can sign with them";

fn run_batch(args: &Args, count: u32, session: &Session) -> Result<Answer, Error> {
    let progress = &session.progress;
    progress.warn(KEYS);
    let setups = Setups::new(&Directories::of_user()?);
    args.network.seek_ceremony(&setups, demo::capacity()?, progress)?;
    let span = args.days.map_or(batch::CURRENT, |days| u64::from(days) * 86_400);
    let made = batch::run(&args.out, (count as usize, span), &setups, session.now, args.force.existing(), progress)?;
    let insecure = made.origin == Origin::InsecureDevelopment;
    warn_of_set_up(made.origin, made.srs, progress);
    let data = json!({
        "directory": args.out,
        "attestations": made.attestations,
        "subjects": made.subjects,
        "epochs": made.epochs,
        "srs": { "id": made.srs.bytes(), "origin": origin_name(made.origin), "insecure": insecure },
    });
    let history = if args.days.is_some() { " --history" } else { "" };
    let flag = if insecure { " --allow-insecure-srs" } else { "" };
    let text = format!(
        "{} of {} over {} in {}\naudit with: surety audit {}{history}{flag}\n",
        counted(made.attestations, "attestation"),
        counted(made.subjects, "subject"),
        counted(made.epochs, "epoch"),
        made.directory.display(),
        args.out.display(),
    );
    Answer::new(data, text)
}
