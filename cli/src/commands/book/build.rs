//! `surety book init`, `surety book build`

use std::path::PathBuf;

use serde_json::json;
use surety_books::book::Book;
use surety_core::{
    FormatVersion,
    ident::{Bytes32, HexBytes},
    kind::KindOf,
    spelling,
    units::Timestamp,
    words::counted,
};
use surety_host::files::{self, Access, Existing};
use surety_prover::layout::Layout;
use surety_venue::{
    build::{Built, build},
    directory::{BookDirectory, PUBLIC_INPUTS},
};
use surety_verifier::{Statement, attestation::report::snapshot_id};
use surety_walkthrough::book::RULES;

use super::{
    accounts::Accounts,
    files::{BookFiles, rules_in},
};
use crate::{
    Session,
    error::{Error, Usage},
    inputs::Force,
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// Directory with universe.toml and policy.toml
    #[arg(default_value = ".", value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn init(args: &InitArgs) -> Result<Answer, Error> {
    let path = rules_in(&args.directory);
    files::write(&path, RULES.text.as_bytes(), Access::Public, args.force.existing())?;
    Answer::new(json!({ "rules": path }), format!("{}: edit kinds and caps for your policy", path.display()))
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory with universe.toml, policy.toml, book.toml, market.json, and the custodians' statements and openings
    #[arg(value_name = "DIR")]
    pub(super) directory: PathBuf,
    #[command(flatten)]
    pub(super) accounts: Accounts,
    /// New directory for the book
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Moment of the balances [default: that of the newest statement]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    pub(super) as_of: Option<Timestamp>,
    /// Last second at which the book counts [default: the latest that the policy and the statements allow]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    pub(super) valid_until: Option<Timestamp>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let layout = Layout::new(&args.directory);
    let (statements, openings) = (layout.read_statements()?, layout.read_openings()?);
    let Some(first) = statements.first() else {
        return Err(Usage(format!(
            "statements: expected those of the custodians in {}, found none; see surety source",
            args.directory.display()
        ))
        .into());
    };
    let book_files = BookFiles::read(&args.directory, session)?;
    book_files.warn(session);
    let book = Book {
        kind: KindOf::new(),
        version: FormatVersion,
        audience: first.audience,
        venue: first.subject,
        as_of: args.as_of.unwrap_or_else(|| statements.iter().map(|it| it.as_of).max().unwrap_or_default()),
        valid_until: args.valid_until.unwrap_or_else(|| latest(&book_files, &statements)),
        snapshot: snapshot_id(&book_files.rules.policy, &book_files.snapshot),
        rules: book_files.rules.summary().clone(),
        pages: 0,
        sum: HexBytes::ZERO,
        root: Bytes32::ZERO,
        statements: Vec::new(),
        reserves: HexBytes::ZERO,
    };
    let accounts = args.accounts.open()?;
    let directory = BookDirectory::new(&args.out);
    directory.make()?;
    for name in PUBLIC_INPUTS {
        let text = files::read_text(&args.directory.join(name))?;
        files::write(&directory.public().join(name), text.as_bytes(), Access::Public, Existing::Keep)?;
    }
    let reserves = Layout::new(directory.reserves());
    for statement in &statements {
        let hash = statement.hash();
        if let Some(opening) = openings.iter().find(|opening| opening.statement == hash) {
            reserves.write_statement(statement, opening)?;
        }
    }
    // Last, as it writes the plan: where there is one, a process that was killed has left nothing out.
    let built = build(&directory, &book_files.rules, book, accounts, &session.progress)?;
    answer(args, &book_files, &built)
}

/// The last second at which a book over these prices and statements can count.
fn latest(book_files: &BookFiles, statements: &[Statement]) -> Timestamp {
    let validity = book_files.rules.policy.policy().validity.0;
    let of_prices = book_files.snapshot.time.0.saturating_add(validity);
    let of_statements = statements.iter().map(|statement| statement.valid_until.0).min();
    Timestamp(of_statements.map_or(of_prices, |last| last.min(of_prices)))
}

fn answer(args: &Args, book_files: &BookFiles, built: &Built) -> Result<Answer, Error> {
    let kinds = || book_files.rules.kinds.iter().zip(&built.kinds);
    let data: Vec<_> = kinds()
        .map(|(kind, (accounts, pages))| {
            let slots = kind.page.layout().accounts();
            json!({ "name": kind.page.kind().name, "accounts": accounts, "pages": pages, "slots_of_a_page": slots })
        })
        .collect();
    let text: String = kinds()
        .map(|(kind, (accounts, pages))| {
            let (name, slots) = (&kind.page.kind().name, kind.page.layout().accounts());
            let (accounts, pages) = (counted(*accounts as usize, "account"), counted(*pages as usize, "page"));
            format!("{name}: {accounts} in {pages} of {slots}\n")
        })
        .collect();
    let absent: String =
        built.without_column.iter().map(|name| format!("no column for {name}: nobody has or owes any\n")).collect();
    let text = format!("{text}{absent}next: surety book prove {}\n", args.out.display());
    Answer::new(
        json!({ "book": args.out, "accounts": built.accounts, "kinds": data, "without_column": built.without_column }),
        text,
    )
}
