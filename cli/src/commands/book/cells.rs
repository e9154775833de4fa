//! `surety book cell`, `surety book check`, `surety book export`

use std::path::{Path, PathBuf};

use alloy_primitives::keccak256;
use serde_json::json;
use surety_books::{
    book::Book,
    cell::{CellFile, CellFiles, CellFindings, CellKeys, CellTerms},
};
use surety_core::{
    ident::{Bytes32, HexBytes},
    spelling,
    visible::one_line,
    words::counted,
};
use surety_host::{
    documents,
    files::{self, Existing},
};
use surety_kzg::SrsId;
use surety_margin::universe::Universe;
use surety_venue::{directory::BookDirectory, work::CellMaker};

use super::files::BookFiles;
use crate::{
    Session,
    error::Error,
    inputs::{Force, setups},
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct CellArgs {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The user
    #[arg(value_name = "USER")]
    user: String,
    /// File for the cell
    #[arg(long, default_value = "cell.json", value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn cell(args: &CellArgs, session: &Session) -> Result<Answer, Error> {
    let directory = BookDirectory::new(&args.directory);
    let BookFiles { rules, .. } = BookFiles::read(&directory.public(), session)?;
    let cell = CellMaker::open(&directory, &rules)?.cell(&args.user)?;
    documents::write(&args.out, &cell, args.force.existing())?;
    let text = format!("{}: for the user alone", args.out.display());
    Answer::new(json!({ "cell": args.out, "page": cell.page }), text)
}

#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The cell
    #[arg(value_name = "FILE")]
    cell: PathBuf,
    /// Directory with the public files of the book
    #[arg(long, value_name = "DIR")]
    book: PathBuf,
    /// The root that you know from elsewhere: a chain, or other users
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    root: Option<Bytes32>,
    /// The name that the venue knows you by
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// What you have chosen, so that nobody else can have the same cell
    #[arg(long, value_name = "HASH", value_parser = spelling::hash)]
    nonce: Option<Bytes32>,
    /// Accept a set-up whose secret is public, for tests only: such a book proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
}

pub(super) fn check(args: &CheckArgs, session: &Session) -> Result<Answer, Error> {
    let cell: CellFile = documents::read(&args.cell)?;
    let terms = CellTerms { root: args.root, user: args.user.as_deref(), nonce: args.nonce };
    let found = checked(&cell, &args.book, &terms, args.allow_insecure_srs, session)?;
    if found.insecure_srs {
        session.progress.warn("a set-up whose secret is public is accepted: under it, anybody can prove anything");
    }
    // The venue has chosen the name: lines of its own would pass for balances.
    let mut text = format!(
        "{} is in the book of {} with root {}, as of {}, valid until {}, with exactly these balances:\n",
        one_line(&found.user),
        found.venue,
        found.root,
        spelling::iso_time(found.as_of),
        spelling::iso_time(found.valid_until),
    );
    for balance in &found.balances {
        text.push_str(&format!("{}  {}\n", balance.instrument, balance.units));
    }
    found.taken_on_faith.iter().for_each(|faith| text.push_str(&format!("taken on faith: {faith}\n")));
    Answer::new(found, text)
}

/// Checks a cell against the public files of a book.
pub(super) fn checked(
    cell: &CellFile,
    public: &Path,
    terms: &CellTerms<'_>,
    allow_insecure_srs: bool,
    session: &Session,
) -> Result<CellFindings, Error> {
    let book: Book = documents::read(&public.join("book.json"))?;
    let universe: Universe = documents::read(&public.join("universe.toml"))?;
    let keys: CellKeys = documents::read(&public.join("cell-keys.json"))?;
    let srs = SrsId::from(universe.srs);
    let set_up = setups()?.verifying_key(srs, universe.capacity, &session.progress)?;
    let files = CellFiles { cell, book: &book, universe: &universe, keys: &keys, set_up: &set_up };
    Ok(files.check(terms, allow_insecure_srs)?)
}

#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// New directory for the cells, one file for each user, named by the Keccak-256 hash of the user
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn export(args: &ExportArgs, session: &Session) -> Result<Answer, Error> {
    let directory = BookDirectory::new(&args.directory);
    let BookFiles { rules, .. } = BookFiles::read(&directory.public(), session)?;
    let maker = CellMaker::open(&directory, &rules)?;
    files::create_private_directory(&args.out)?;
    let mut count = 0;
    for page in 0..maker.pages() {
        for cell in maker.of_page(page)? {
            // Names of users may be anything, and longer than those of files.
            let name = HexBytes(keccak256(&cell.user).0);
            documents::write(&args.out.join(format!("{name}.json")), &cell, Existing::Keep)?;
            count += 1;
        }
    }
    Answer::new(
        json!({ "cells": count, "directory": args.out }),
        format!("{} in {}", counted(count, "cell"), args.out.display()),
    )
}
