//! `surety policy entries`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_calibration::{
    entries::{self, NextEntry, Previous},
    update::Pace,
};
use surety_core::{
    kind::{Kind, recognise_any},
    spelling,
    text::table::Dialect,
    units::Timestamp,
};
use surety_host::{
    documents,
    files::{self, Access},
};
use surety_import::observations::read_observations;
use surety_margin::{market::Snapshot, policy::Policy};

use crate::{
    Session,
    commands::calibrate::{Grounds, Read, change_text, with_change},
    error::{Error, Usage},
    inputs::Force,
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    grounds: Grounds,
    /// The numbers before, which limit the next ones: a snapshot, or the table that was written last
    #[arg(long, value_name = "FILE", required_unless_present = "first")]
    previous: Option<PathBuf>,
    /// Declare that there are no numbers before: steps begin at what the policy approves
    #[arg(long, conflicts_with = "previous")]
    first: bool,
    /// Move numbers as far as their estimates where that is tighter, and nothing where it is not
    #[arg(long)]
    emergency: bool,
    /// Time at which the numbers are signed, which says how old they are [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
    /// Table for surety market sign, to which a node adds its prices
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    files::check_target(&args.out, args.force.existing())?;
    let Read { policy, history, calibration, .. } = args.grounds.read(&session.progress)?;
    if calibration.entries.is_empty() {
        let file = args.grounds.calibration.display();
        let usage = format!("{file}: entries: expected a parameter entry, found none");
        return Err(Usage(usage).into());
    }
    let previous = args.previous.as_deref().map(|path| read_previous(path, &policy)).transpose()?;
    session.progress.note("estimating");
    let pace = if args.emergency { Pace::Emergency } else { Pace::Regular };
    let next = entries::next(&calibration, &history, &policy, previous.as_ref(), pace)?;
    let table = entries::table(&next, &history, &policy, args.at.unwrap_or(session.now))?;
    files::write(&args.out, table.as_bytes(), Access::Public, args.force.existing())?;
    let data = json!({
        "policy": policy.name,
        "estimator": calibration.estimator_for(&history),
        "emergency": args.emergency,
        "entries": next.iter().map(entry_data).collect::<Vec<_>>(),
        "file": args.out,
    });
    let mut text = String::new();
    for NextEntry { entry, number, change, .. } in &next {
        text += &format!("{:<24} {number:>10}  required {}\n", entry.as_str(), change_text(change));
    }
    Answer::new(data, text + &format!("written {}", args.out.display()))
}

fn entry_data(NextEntry { entry, column, number, change }: &NextEntry) -> Value {
    with_change(json!({ "entry": entry, "column": column, "number": number }), change)
}

/// The numbers of the policy's parameter entries in a snapshot, or in a table of them.
fn read_previous(path: &Path, policy: &Policy) -> Result<Previous, Error> {
    let (text, file) = (files::read_text(path)?, path.display().to_string());
    if recognise_any(&text).known_kind() == Some(Kind::Market) {
        let snapshot: Snapshot = documents::parse(path, &text)?;
        return Ok(snapshot.prices.into_iter().map(|stated| (stated.entry, stated.price)).collect());
    }
    // Of a policy with these entries alone, a table has a row of each.
    let mut parameters = policy.clone();
    parameters.market.retain(|entry| entry.tighter.is_some());
    let observed = read_observations(&file, &text, &parameters, &Dialect::default(), &mut Vec::new())?;
    let entries = parameters.market.into_iter().zip(observed);
    Ok(entries.filter_map(|(entry, observed)| Some((entry.name, observed.observation()?.price))).collect())
}
