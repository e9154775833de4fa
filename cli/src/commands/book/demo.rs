//! `surety book demo`: an example venue from end to end, and attacks that are refused.

use std::path::{Path, PathBuf};

use rand_core::OsRng;
use serde_json::json;
use surety_books::{
    book::{BookTerms, Page, verify},
    cell::{CellFile, CellFindings, CellTerms},
};
use surety_core::{capacity::Capacity, failure::Internal, units::Lots, words::counted};
use surety_host::{
    documents,
    files::{self, Existing},
};
use surety_kzg::Origin;
use surety_margin::universe::Universe;
use surety_venue::{directory::BookDirectory, work::CellMaker};
use surety_walkthrough::book::prepare;

use super::{accounts::Accounts, build, cells::checked, files::Published, fleet, prove};
use crate::{
    Session,
    error::Error,
    inputs::{Network, setups},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Accounts of the example venue
    #[arg(long, default_value = "10000", value_name = "NUMBER", value_parser = accounts())]
    accounts: u64,
    /// New directory for all files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Capacity class of the pages
    #[arg(long, default_value = "16", value_name = "K", value_parser = capacity)]
    k: Capacity,
    /// Processes to prove pages with [default: one for each core, as far as the memory suffices]
    #[arg(long, value_name = "NUMBER")]
    workers: Option<u32>,
    #[command(flatten)]
    queue: fleet::OwnQueue,
    #[command(flatten)]
    network: Network,
}

/// Few enough for a list in memory, and enough for the users that are checked.
fn accounts() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(3..=10_000_000)
}

fn capacity(text: &str) -> Result<Capacity, String> {
    text.parse().map_err(|_| format!("expected a number, found {text:?}")).and_then(Capacity::new)
}

/// An attack on a book or a cell, and why it is refused.
struct Refused {
    attack: &'static str,
    reason: String,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let setups = setups()?;
    args.network.seek_ceremony(&setups, args.k, &session.progress)?;
    let (inputs, out) = (args.out.join("venue"), args.out.join("book"));
    files::create_directory(&args.out)?;
    let venue = prepare(&inputs, (args.accounts, args.k), &setups, session.now, &session.progress)?;
    let request = build::Args {
        directory: inputs,
        accounts: Accounts::of_file(venue.accounts.clone()),
        out: out.clone(),
        as_of: None,
        valid_until: None,
    };
    build::run(&request, session)?;
    let request = prove::Args {
        directory: out.clone(),
        workers: args.workers,
        shard: None,
        fleet: fleet::ProveOptions::of(args.queue.clone()),
        here: false,
        serve: false,
        key: None,
        dry_run: false,
    };
    prove::run(&request, session)?;

    let directory = BookDirectory::new(&out);
    let Published { book, pages, files: book_files } = Published::read(&directory.public(), session)?;
    let insecure = venue.setup.origin() == Origin::InsecureDevelopment;
    let terms = BookTerms { allow_insecure_srs: insecure, root: Some(book.root), now: session.now };
    let verdict = |pages: &[Page]| verify(&book, pages, &book_files.rules, &book_files.snapshot, &terms, &mut OsRng);
    let accepted = verdict(&pages)?;

    let maker = CellMaker::open(&directory, &book_files.rules)?;
    let mut refused = attacks_on_pages(&pages, verdict)?;
    let has_keys = directory.public().join("cell-keys.json").exists();
    if has_keys {
        for user in &venue.users {
            let cell = maker.cell(user)?;
            let terms = CellTerms { root: Some(book.root), user: Some(user), nonce: Some(cell.nonce) };
            checked(&cell, &directory.public(), &terms, insecure, session)?;
            documents::write(&args.out.join(format!("{user}.json")), &cell, Existing::Keep)?;
        }
        let cell = maker.cell(&venue.users[0])?;
        let check = |cell: &CellFile| checked(cell, &directory.public(), &CellTerms::default(), insecure, session);
        refused.extend(attacks_on_a_cell(&cell, book_files.rules.policy.universe(), check)?);
    }
    answer(args, &out, has_keys.then_some(venue.users.as_slice()), &accepted, &refused)
}

/// Attacks on the list of pages; each must be refused.
fn attacks_on_pages<T>(
    pages: &[Page],
    verdict: impl Fn(&[Page]) -> Result<T, surety_verifier::Rejection>,
) -> Result<Vec<Refused>, Error> {
    let left_out = &pages[1..];
    let twice = [pages, &pages[..1]].concat();
    let mut changed = pages.to_vec();
    if let Some(byte) = changed.first_mut().and_then(|page| page.proof.0.last_mut()) {
        *byte ^= 1;
    }
    let attacks = [("a page left out", left_out), ("a page twice", &twice[..]), ("a proof changed", &changed[..])];
    attacks.into_iter().map(|(attack, pages)| refusal(attack, verdict(pages).err())).collect()
}

/// Attacks on a cell; each must be refused.
fn attacks_on_a_cell(
    cell: &CellFile,
    universe: &Universe,
    check: impl Fn(&CellFile) -> Result<CellFindings, Error>,
) -> Result<Vec<Refused>, Error> {
    let mut balance = cell.clone();
    let richer = |lots: Lots| Lots::new(lots.get() + 1).unwrap_or(lots);
    match balance.balances.first_mut() {
        Some(balance) => balance.lots = richer(balance.lots),
        None => balance.balances.push(surety_margin::holdings::Balance {
            instrument: universe.instruments[0].name.clone(),
            lots: richer(Lots::default()),
        }),
    }
    let coset = CellFile { coset: cell.coset ^ 1, ..cell.clone() };
    // Rows that hold totals are in no cell.
    let closed = CellFile { coset: 255, ..cell.clone() };
    let attacks =
        [("a changed balance", balance), ("the cell of another coset", coset), ("the cell of totals", closed)];
    attacks.into_iter().map(|(attack, cell)| refusal(attack, check(&cell).err())).collect()
}

fn refusal(attack: &'static str, error: Option<impl std::fmt::Display>) -> Result<Refused, Error> {
    match error {
        Some(error) => Ok(Refused { attack, reason: error.to_string() }),
        None => Err(Internal(format!("{attack} was accepted")).into()),
    }
}

fn answer(
    args: &Args,
    out: &Path,
    users: Option<&[String]>,
    accepted: &surety_books::book::AcceptedBook,
    refused: &[Refused],
) -> Result<Answer, Error> {
    let public = out.join("public");
    let flag = if accepted.insecure_srs { " --allow-insecure-srs" } else { "" };
    let mut text = format!(
        "{} in {}: proven, verified, root {}\n",
        counted(args.accounts as usize, "account"),
        counted(accepted.pages.iter().sum::<u32>() as usize, "page"),
        accepted.root
    );
    for user in users.unwrap_or_default() {
        text.push_str(&format!("{user}: found in the book\n"));
    }
    if users.is_none() {
        text.push_str("cells cannot be checked: the set-up has no powers in G2\n");
    }
    for Refused { attack, reason } in refused {
        text.push_str(&format!("refused, {attack}: {reason}\n"));
    }
    text.push_str(&format!("verify with: surety book verify {}{flag}\n", public.display()));
    if let Some(user) = users.and_then(<[String]>::first) {
        let cell = args.out.join(format!("{user}.json"));
        text.push_str(&format!("check with: surety book check {} --book {}{flag}\n", cell.display(), public.display()));
    }
    let refused: Vec<_> = refused.iter().map(|it| json!({ "attack": it.attack, "reason": it.reason })).collect();
    let data =
        json!({ "book": out, "accounts": args.accounts, "accepted": accepted, "users": users, "refused": refused });
    Answer::new(data, text)
}
