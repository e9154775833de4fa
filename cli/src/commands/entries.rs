//! `surety policy entries`

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use surety_calibration::{
    entries::{self, NextEntry, Previous},
    estimator::Estimator,
    update::{Pace, Requirement},
};
use surety_core::{
    kind::{Kind, recognise_any},
    spelling,
    text::table::Dialect,
    units::{Percent, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access},
};
use surety_import::observations::read_observations;
use surety_margin::{market::Snapshot, policy::Policy};

use crate::{
    Session,
    commands::calibrate::read_calibration,
    error::{Error, Usage},
    inputs::{Force, HistoryReading, PolicyFiles},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// Table of days and prices, with a row for each day
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    #[command(flatten)]
    reading: HistoryReading,
    /// Calibration: the column behind each parameter entry, and the estimator
    #[arg(long, value_name = "FILE")]
    calibration: PathBuf,
    /// Another estimator than the calibration's: static, ewma, heavy-tailed or predictive
    #[arg(long, value_name = "NAME")]
    estimator: Option<Estimator>,
    /// Table of depths and bid-ask spreads, a row for each day and column, for calibrations with liquidity
    #[arg(long, value_name = "FILE")]
    liquidity: Option<PathBuf>,
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
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    files::check_target(&args.out, args.force.existing())?;
    let mut history = args.reading.history(&args.history, &session.progress)?;
    if let Some(path) = &args.liquidity {
        history = history.with_liquidity(args.reading.liquidity(path, &session.progress)?);
    }
    let calibration = read_calibration(&args.calibration, args.estimator, &history, Some(&policy))?;
    if calibration.entries.is_empty() {
        let usage = format!("{}: entries: expected a parameter entry, found none", args.calibration.display());
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
        let percent = |requirement: Requirement| Percent(requirement.0.into()).to_string();
        let old = change.old.map_or_else(|| "none".to_owned(), percent);
        let (entry, required) = (entry.as_str(), percent(change.new));
        text += &format!("{entry:<24} {number:>10}  required {old:>11} -> {required:>11}  {}\n", change.reason());
    }
    Answer::new(data, text + &format!("written {}", args.out.display()))
}

fn entry_data(NextEntry { entry, column, number, change }: &NextEntry) -> Value {
    json!({
        "entry": entry,
        "column": column,
        "number": number,
        "old": change.old.map(|old| old.0),
        "proposed": change.proposed.0,
        "limited": change.limited.0,
        "new": change.new.0,
        "why": change.reason(),
    })
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
