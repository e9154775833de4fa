//! `surety book status`

use std::path::PathBuf;

use serde_json::json;
use surety_venue::directory::BookDirectory;

use crate::{Session, error::Error, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &Args, _: &Session) -> Result<Answer, Error> {
    let directory = BookDirectory::new(&args.directory);
    let plan = directory.plan()?;
    let (all, missing) = (plan.inputs.len(), directory.missing(&plan)?);
    let published = directory.public().join("book.json").exists();
    let state = if published { "published" } else { "not published" };
    let proven = all - missing.len();
    let text = format!("accounts  {}\npages     {proven} of {all} are proven\nbook      {state}\n", plan.accounts);
    let data = json!({
        "accounts": plan.accounts,
        "pages": all,
        "proven": proven,
        "missing": missing,
        "published": published,
    });
    Answer::new(data, text)
}
