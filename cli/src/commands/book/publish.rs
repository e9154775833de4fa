//! `surety book publish`: a book to the registry of books on a chain.

use std::path::PathBuf;

use rand_core::OsRng;
use serde_json::json;
use surety_books::book::{BookTerms, verify};

use super::files::{BookFiles, Published};
use crate::{
    Session,
    commands::chain::{On, receipt},
    error::Error,
    inputs::KeyOptions,
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory with the public files of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    on: On,
    /// Where everybody finds the public files: the pages are verified from there
    #[arg(long, value_name = "URI")]
    uri: String,
    /// Publish under a set-up whose secret is public, for tests only: such a book proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
    #[command(flatten)]
    key: KeyOptions,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let Published { book, pages, files } = Published::read(&args.directory, session)?;
    files.warn(session);
    let BookFiles { rules, snapshot, .. } = files;
    let contracts = args.on.contracts()?;
    let key = args.key.load(&session.progress)?;
    // The registry verifies no page. A book with a page that is not valid would be there for good.
    let terms = BookTerms { allow_insecure_srs: args.allow_insecure_srs, root: None, now: session.now };
    verify(&book, &pages, &rules, &snapshot, &terms, &mut OsRng)?;
    let published = contracts.publish_book((&book, &pages), &rules, (snapshot.epoch, &args.uri), &*key)?;
    let mut data = receipt(&published.receipt);
    data["root"] = json!(published.root);
    data["rules"] = json!(rules.summary().id());
    data["registered"] = json!(published.registered.as_ref().map(receipt));
    let registered = if published.registered.is_some() { "registered now" } else { "known to the registry" };
    let text = format!(
        "root   {}\nrules  {}, {registered}\nfor {} gas, transaction {}",
        published.root,
        rules.summary().id().0,
        published.receipt.gas(),
        published.receipt.transaction(),
    );
    Answer::new(data, text)
}
