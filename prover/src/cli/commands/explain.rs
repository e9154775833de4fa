//! `surety explain`

use std::path::PathBuf;

use serde_json::json;
use surety::{
    Error,
    account::{position_of, sum},
    documents,
    explain::{Explanation, explain},
    oracle::OracleError,
};
use surety_margin::{
    holdings::Position,
    ident::Name,
    market::Snapshot,
    oracle::market_without_reports,
    policy::{MarkedProofs, Policy},
    text::table::Note,
    universe::Universe,
};

use crate::cli::{
    Session,
    inputs::{PolicyFiles, TableOptions},
    output::Answer,
};

#[derive(clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// The market snapshot, if it is not market.json in DIR
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Balances instead of those that statements and openings, or else private/holdings.csv, in DIR say; several files
    /// add up
    #[arg(long, value_name = "FILE")]
    holdings: Vec<PathBuf>,
    #[command(flatten)]
    table: TableOptions,
}

pub(in crate::cli) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&args.files.layout().market()))?;
    let prices = market_without_reports(&policy, &universe, &snapshot)
        .map_err(|problems| OracleError::Problems { input: "market".into(), problems })?;
    let mut notes = Vec::new();
    let position = position(args, &universe, &mut notes)?;
    session.progress.notes(&notes);
    let explanation = explain(&policy, &universe, &position, &prices)?;
    Answer::new(data(&policy, &snapshot, &explanation), format!("{explanation}{}", mark(&policy, &snapshot)))
}

/// What the circuit breaker has to say, if anything.
fn mark(policy: &Policy, snapshot: &Snapshot) -> String {
    let Some(breaker) = policy.oracle.breaker.filter(|_| !snapshot.marked.is_empty()) else {
        return String::new();
    };
    let marked: Vec<_> = snapshot.marked.iter().map(Name::as_str).collect();
    let consequence = match breaker.proofs {
        MarkedProofs::Refused => "no proof over this snapshot counts",
        MarkedProofs::Accepted => "proofs over this snapshot count all the same",
    };
    format!("\nmarked, moved too far since the snapshot before: {}; {consequence}\n", marked.join(", "))
}

/// What the account holds: by the files given, or by the newest statements and their openings, or, where there are no
/// statements yet, by the holdings beside them.
fn position(args: &Args, universe: &Universe, notes: &mut Vec<Note>) -> Result<Position, Error> {
    let mut files = args.holdings.clone();
    if files.is_empty() {
        let layout = args.files.layout();
        let statements = layout.read_statements()?;
        if !statements.is_empty() || !layout.holdings().exists() {
            return Ok(position_of(universe, &statements, &layout.read_openings()?)?);
        }
        files.push(layout.holdings());
    }
    let dialect = args.table.dialect();
    let parts = files.iter().map(|path| documents::read_holdings(path, universe, &dialect, notes));
    Ok(sum(universe, &parts.collect::<Result<Vec<_>, _>>()?)?)
}

fn data(policy: &Policy, snapshot: &Snapshot, explanation: &Explanation) -> serde_json::Value {
    let mut data = json!(explanation);
    data["policy"] = json!(policy.name);
    data["epoch"] = json!(snapshot.epoch);
    data["marked"] = json!(snapshot.marked);
    data
}
