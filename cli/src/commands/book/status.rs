//! `surety book status`

use std::path::PathBuf;

use serde_json::json;
use surety_venue::directory::BookDirectory;

use super::fleet::{self, Queue};
use crate::{Session, error::Error, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    queue: Queue,
}

pub(super) fn run(args: &Args, _: &Session) -> Result<Answer, Error> {
    let directory = BookDirectory::new(&args.directory);
    let plan = directory.plan()?;
    let (all, missing) = (plan.inputs.len(), directory.missing(&plan)?);
    let published = directory.public().join("book.json").exists();
    let state = if published { "published" } else { "not published" };
    let proven = all - missing.len();
    let queue = fleet::status(&args.queue, &directory)?;
    let mut text = format!("accounts  {}\npages     {proven} of {all} are proven\nbook      {state}\n", plan.accounts);
    if let Some(queue) = &queue {
        let (ready, running, done, failed) = (queue.ready, queue.running, queue.done, queue.failed);
        text.push_str(&format!("queue     {ready} wait, {running} are being proven, {done} done, {failed} failed\n"));
        for failed in &queue.failures {
            text.push_str(&format!("page {}: failed {} times: {}\n", failed.page, failed.attempts, failed.error));
        }
    }
    let data = json!({
        "accounts": plan.accounts,
        "pages": all,
        "proven": proven,
        "missing": missing,
        "published": published,
        "queue": queue,
    });
    Answer::new(data, text)
}
