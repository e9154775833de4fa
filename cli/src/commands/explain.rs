//! `surety explain`

use std::{fmt::Write as _, path::PathBuf};

use serde_json::json;
use surety_core::{
    ident::Name,
    shown::{Rounding, Screen, table},
    text::table::Note,
};
use surety_host::documents;
use surety_margin::{
    evaluate::{Item, Line, Quote, Share},
    holdings::{Leg, Position},
    level::Claimed,
    market::{MarkedProofs, Snapshot},
    oracle::market_without_reports,
    policy::{Policy, SourceRule},
    universe::Universe,
};
use surety_prover::{
    account::{position_of, sum},
    explain::{Explanation, LevelExplanation, explain},
    oracle::OracleError,
};
use surety_verifier::attestation::statement::Statement;

use crate::{
    Session,
    error::{Error, NotSatisfied, Usage},
    inputs::{HoldingsOptions, PolicyFiles},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// The market snapshot [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
    /// Balances, which add up over several files [default: statements with openings in DIR, else private/holdings.csv]
    #[arg(long, value_name = "FILE")]
    holdings: Vec<PathBuf>,
    #[command(flatten)]
    reading: HoldingsOptions,
    /// The level to explain [default: all]
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Name::new(text))]
    level: Option<Name>,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let snapshot: Snapshot = documents::read(args.market.as_ref().unwrap_or(&args.files.layout().market()))?;
    let prices = market_without_reports(&policy, &universe, &snapshot)
        .map_err(|problems| OracleError::Problems { input: "market".into(), problems })?;
    let mut notes = Vec::new();
    let (position, legs) = position(args, &universe, &policy, &mut notes)?;
    session.progress.notes(&notes);
    let mut explanation = explain(&policy, &universe, (&position, &legs), &prices)?;
    if let Some(asked) = &args.level {
        only(&mut explanation, asked)?;
    }
    let screen = session.screen;
    let text = text(&explanation, screen) + &instruments(&explanation, screen) + &mark(&policy, &snapshot);
    let answer = Answer::new(data(&policy, &snapshot, &explanation), text)?;
    // Whoever asks for one level wants to prove what it claims.
    let missed = if args.level.is_some() { explanation.not_provable() } else { explanation.not_satisfied() };
    Ok(match missed {
        missed if missed.is_empty() => answer,
        missed => answer.failing(&NotSatisfied(missed)),
    })
}

/// Keeps only the requested level.
fn only(explanation: &mut Explanation, asked: &Name) -> Result<(), Error> {
    let names: Vec<_> = explanation.levels.keys().cloned().collect();
    explanation.levels.retain(|name, _| name == asked.as_str());
    if explanation.levels.is_empty() {
        return Err(Error::from(Usage(format!("--level: expected {}, found {asked}", names.join(", ")))));
    }
    Ok(())
}

/// A line for each instrument at each level, and warnings.
fn instruments(explanation: &Explanation, screen: Screen) -> String {
    let mut text = String::new();
    for (name, level) in &explanation.levels {
        text += &format!("\n{name}, by instrument:");
        let header = ["instrument", "amount", "price", "value", "weight", "fraction", "equity", "requirement"];
        table(&mut text, screen, header, level.instruments.iter().map(|line| row(line, screen)).collect());
    }
    let warnings = explanation.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    if !explanation.warnings.is_empty() {
        text += "\n";
    }
    text.extend(warnings);
    text
}

fn row(line: &Line, screen: Screen) -> [String; 8] {
    let number = |quote: &Quote| screen.significant(&quote.to_string(), Rounding::Down);
    let has = |quote: &Quote| screen.money(&quote.to_string(), Rounding::Down);
    let needs = |quote: &Quote| screen.money(&quote.to_string(), Rounding::Up);
    let share = |share: &Option<Share>| share.map_or_else(String::new, |share| format!("{} %", share.percent()));
    let name = match &line.bucket {
        Some(bucket) => format!("{bucket}/{}", line.instrument),
        None => line.instrument.to_string(),
    };
    [
        name,
        number(&line.amount),
        line.price.as_ref().map_or_else(|| "not admitted".to_owned(), number),
        has(&line.value),
        share(&line.weight),
        share(&line.fraction),
        has(&line.equity),
        needs(&line.requirement),
    ]
}

fn text(explanation: &Explanation, screen: Screen) -> String {
    let levels = explanation.levels.iter().map(|(name, explained)| level(name, explained, screen));
    levels.collect::<Vec<_>>().join("\n")
}

fn level(name: &str, explained: &LevelExplanation, screen: Screen) -> String {
    let evaluation = &explained.evaluation;
    let has = |amount: &Quote| screen.money(&amount.to_string(), Rounding::Down);
    let needs = |amount: &Quote| screen.money(&amount.to_string(), Rounding::Up);
    let mut text = format!("{name}: {}\n", verdict(explained));
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<11}  {value}");
    };
    line("equity", &(has(&evaluation.equity) + &items(&evaluation.credits, has)));
    line("requirement", &(needs(&evaluation.requirement) + &items(&evaluation.charges, needs)));
    let buckets = evaluation.buckets.iter().map(|bucket| format!("\n    {}  {}", has(&bucket.margin), bucket.name));
    line("margin", &(has(&evaluation.margin) + &buckets.collect::<String>()));
    if let Some(margin) = &evaluation.margin_at_end {
        line("band's end", &has(margin));
    }
    if let Some(scenario) = &evaluation.worst_scenario {
        line("worst", scenario);
    }
    if !evaluation.scenarios.is_empty() {
        let _ = writeln!(text, "  scenarios, as they count:{}", items(&evaluation.scenarios, has));
    }
    if let Some(name) = &evaluation.not_admitted {
        let _ = writeln!(text, "  not admitted {name}");
    }
    text
}

fn verdict(LevelExplanation { sufficient, provable, evaluation, .. }: &LevelExplanation) -> &'static str {
    match (evaluation.claim, sufficient, provable) {
        (Claimed::Shortfall, _, true) => "short",
        (Claimed::Shortfall, _, false) => "NOT short",
        (Claimed::Sufficient, true, true) => "sufficient",
        (Claimed::Sufficient, true, false) => "sufficient, and beyond the band",
        (Claimed::Sufficient, false, _) => "NOT sufficient",
    }
}

/// One line each, with amounts aligned at the decimal point.
fn items(items: &[Item], written: impl Fn(&Quote) -> String) -> String {
    let amounts: Vec<String> = items.iter().map(|item| written(&item.amount)).collect();
    let point = |amount: &String| amount.find('.').unwrap_or(amount.len());
    let before = amounts.iter().map(point).max().unwrap_or(0);
    let behind = amounts.iter().map(|amount| amount.len() - point(amount)).max().unwrap_or(0);
    let line = |(item, amount): (&Item, &String)| {
        let (whole, fraction) = amount.split_at(point(amount));
        format!("\n    {whole:>before$}{fraction:<behind$}  {}", item.name)
    };
    items.iter().zip(&amounts).map(line).collect()
}

/// The circuit breaker's mark, if any.
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

/// Checks that no account of the policy is left out, since the missing account may be the one that owes.
fn require_every_account(policy: &Policy, statements: &[Statement]) -> Result<(), Error> {
    let required =
        policy.sources.iter().flat_map(|source| source.accounts.iter().map(move |account| (source, account)));
    let is_stated = |source: &SourceRule, account: &Name| {
        statements.iter().any(|statement| statement.source == source.signer && statement.account == *account)
    };
    let missing = required.filter(|(source, account)| !is_stated(source, account));
    let missing: Vec<_> = missing.map(|(source, account)| format!("{account} by {}", source.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::from(Usage(format!(
        "statements: expected one of every account of the policy, found none of {}; get them from their sources, or \
         give \
         --holdings to explain a part of the account",
        missing.join(", ")
    ))))
}

/// The account's holdings: from the given files, else from the newest statements and their openings, else from the
/// holdings beside them.
fn position(
    args: &Args,
    universe: &Universe,
    policy: &Policy,
    notes: &mut Vec<Note>,
) -> Result<(Position, Vec<Leg>), Error> {
    let mut files = args.holdings.clone();
    if files.is_empty() {
        let layout = args.files.layout();
        let statements = layout.read_statements()?;
        if !statements.is_empty() || !layout.holdings().exists() {
            require_every_account(policy, &statements)?;
            // A source's statement already carries the cost of positions.
            return Ok((position_of(universe, &statements, &layout.read_openings()?)?, Vec::new()));
        }
        files.push(layout.holdings());
    }
    let reading = args.reading.reading();
    let books = files.iter().map(|path| documents::read_holdings(path, universe, &reading, notes));
    let books = books.collect::<Result<Vec<_>, _>>()?;
    let position = sum(universe, books.iter().map(|book| &book.holdings))?;
    Ok((position, books.into_iter().flat_map(|book| book.legs).collect()))
}

fn data(policy: &Policy, snapshot: &Snapshot, explanation: &Explanation) -> serde_json::Value {
    let mut data = json!(explanation);
    data["policy"] = json!(policy.name);
    data["epoch"] = json!(snapshot.epoch);
    data["marked"] = json!(snapshot.marked);
    data
}
