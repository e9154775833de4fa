//! `surety book prove`, `surety book resume`: a pool of processes over a directory, or workers on a queue.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use surety_core::{
    failure::{Class, Failure},
    words::counted,
};
use surety_host::documents;
use surety_kzg::{Srs, cell::CellKeyError};
use surety_prover::{layout::Layout, opening::Opening};
use surety_venue::{
    directory::{BookDirectory, DirectoryError, Plan},
    work::{Shard, Workshop},
};
use surety_verifier::Statement;

use super::{
    files::BookFiles,
    fleet,
    workers::{BYTES_PER_ROW, SHARED_BYTES_PER_ROW, default_workers, report},
};
use crate::{
    Session,
    error::{Error, Usage},
    output::Answer,
};

/// A worker that ends without having proven a page is started anew so many times.
const ATTEMPTS: u32 = 3;

/// How often the pool looks after its workers.
const PERIOD: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    pub(super) directory: PathBuf,
    /// Processes to prove pages with [default: one for each core, as far as the memory suffices]
    #[arg(long, value_name = "NUMBER")]
    pub(super) workers: Option<u32>,
    /// Prove only the pages whose number leaves the remainder I when divided by N, and publish nothing
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(super) shard: Option<Shard>,
    #[command(flatten)]
    pub(super) fleet: fleet::ProveOptions,
    /// Prove in this process
    #[arg(long, hide = true)]
    pub(super) here: bool,
    /// Prove in this process the pages whose numbers come on standard input
    #[arg(long, hide = true)]
    pub(super) serve: bool,
    /// The file with the key of the book's private part [default: private/key in DIR]
    #[arg(long, hide = true, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Report pages, time and memory without proving
    #[arg(long)]
    pub(super) dry_run: bool,
}

fn shard(text: &str) -> Result<Shard, String> {
    let form = || format!("expected I/N, such as 0/8, found {text:?}");
    let (index, count) = text.split_once('/').ok_or_else(form)?;
    let number = |text: &str| text.trim().parse().map_err(|_| form());
    Shard::new(number(index)?, number(count)?)
}

/// Workers that get nowhere.
#[derive(Debug, thiserror::Error)]
#[error(
    "workers: expected each to prove its pages, found one that ended {ATTEMPTS} times without a page ({last}); {advice}"
)]
struct Stuck {
    last: String,
    advice: &'static str,
    class: Class,
}

impl Failure for Stuck {
    fn class(&self) -> Class {
        self.class
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-worker".into()
    }
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let directory = BookDirectory::new(&args.directory);
    if args.dry_run {
        return dry_run(&directory);
    }
    let shard = args.shard.unwrap_or(Shard::ALL);
    if args.serve {
        let directory = args.key.iter().fold(directory, |directory, key| directory.with_key(key));
        return serve(&directory, session);
    }
    if args.here {
        return here(&directory, shard, session);
    }
    let queue = args.fleet.queue()?;
    if queue.is_some() && args.shard.is_some() {
        return Err(Usage("--shard: expected without --queue, which divides pages, found both".to_owned()).into());
    }
    let plan = directory.plan()?;
    let mut missing = directory.missing(&plan)?;
    missing.retain(|page| shard.has(*page));
    let workers = match args.workers {
        Some(0) if queue.is_none() => {
            return Err(Usage("workers: expected at least one without --queue, found 0".to_owned()).into());
        }
        Some(workers) => workers,
        None => default_workers(&directory)?,
    };
    let (proven, workers) = (missing.len(), workers.min(missing.len() as u32));
    let pool = Pool { args, session, directory: &directory, plan: &plan, workers };
    if args.shard.is_some() {
        pool.run(shard, missing)?;
        let text = format!(
            "{} proven; run surety book prove without --shard once all shards are done",
            counted(proven, "page")
        );
        return Answer::new(json!({ "proven": proven, "published": false }), text);
    }
    let book_files = BookFiles::read(&directory.public(), session)?;
    let workshop = book_files.workshop(&directory)?;
    let reserves = Layout::new(directory.reserves());
    let reserves = (reserves.read_statements()?, reserves.read_openings()?);
    if proven > 0 {
        workshop.check_reserves(&reserves.0, &reserves.1)?;
        match queue {
            None => pool.run(shard, missing)?,
            Some(queue) => {
                let work = (&plan, missing.as_slice(), &workshop);
                if !fleet::prove(&directory, work, &queue, &args.fleet, workers, session)? {
                    let left = directory.missing(&plan)?.len();
                    let (proven, told) = (proven - left, fleet::ToldToEnd { left });
                    let answer = Answer::new(json!({ "proven": proven, "published": false }), "")?;
                    return Ok(answer.failing(&told));
                }
            }
        }
    }
    publish(&directory, (&book_files, &workshop), &reserves, proven, session)
}

/// Proves the pages of a shard in this process.
fn here(directory: &BookDirectory, shard: Shard, session: &Session) -> Result<Answer, Error> {
    let files = BookFiles::read(&directory.public(), session)?;
    let table = files.setups.table(&files.params, &session.progress);
    let workshop = files.workshop(directory)?;
    let proven = workshop.prove(shard, (&table, |kind| files.cell_table(kind, session)), &session.progress)?;
    Answer::new(json!({ "proven": proven }), format!("{} proven", counted(proven as usize, "page")))
}

/// Proves the pages whose numbers come on standard input, until that ends.
fn serve(directory: &BookDirectory, session: &Session) -> Result<Answer, Error> {
    let files = BookFiles::read(&directory.public(), session)?;
    let table = files.setups.table(&files.params, &session.progress);
    let workshop = files.workshop(directory)?;
    let mut bench = workshop.bench((&table, |kind| files.cell_table(kind, session)));
    let served = surety_fleet::child::serve(|page| {
        bench.prove(page).map(drop).map_err(|error| {
            session.progress.warn(&error.to_string());
            error.into()
        })
    });
    served.map_err(|error| Usage(format!("standard output: {error}")))?;
    Answer::new(json!({}), "")
}

/// Proves the reserves and writes the public files.
fn publish(
    directory: &BookDirectory,
    (book_files, workshop): (&BookFiles, &Workshop<'_>),
    (statements, openings): &(Vec<Statement>, Vec<Opening>),
    proven: usize,
    session: &Session,
) -> Result<Answer, Error> {
    let BookFiles { setups, params, rules, snapshot } = book_files;
    let srs: Srs = setups.set_up(params.id(), params.capacity(), &session.progress)?;
    let keys = match workshop.cell_keys(&srs) {
        Ok(keys) => Some(keys),
        Err(error @ CellKeyError::MissingPowers { .. }) => {
            session.progress.warn(&format!("users cannot check cells: {error}"));
            None
        }
        Err(error) => return Err(surety_core::failure::Internal(error.to_string()).into()),
    };
    let table = setups.table(params, &session.progress);
    let reserves = (statements.as_slice(), openings.as_slice());
    let book = workshop.publish(table, snapshot, reserves, keys.as_ref(), session.now, &session.progress)?;
    if let Some(keys) = &keys {
        documents::write(&directory.public().join("cell-keys.json"), keys, surety_host::files::Existing::Replace)?;
    }
    let public = directory.public();
    let data = json!({
        "proven": proven,
        "published": true,
        "pages": book.pages,
        "root": book.root,
        "public": public,
        "cell_keys": keys.is_some(),
    });
    let text = format!(
        "root {}\n{} of {}: verify with surety book verify {}\n",
        book.root,
        counted(book.pages as usize, "page"),
        rules.rules.venue,
        public.display()
    );
    Answer::new(data, text)
}

/// What proving takes, from the plan alone.
fn dry_run(directory: &BookDirectory) -> Result<Answer, Error> {
    let plan = directory.plan()?;
    let missing = directory.missing(&plan)?.len();
    let universe = crate::inputs::PolicyFiles::of(&directory.public()).read_universe()?;
    let rows = universe.capacity.rows() as u64;
    let (memory, shared) = (BYTES_PER_ROW * rows, SHARED_BYTES_PER_ROW * rows);
    let workers = default_workers(directory)?;
    // Measured: 2.4 s of processor time for a page with its cells at k = 16.
    let milliseconds = missing as u64 * rows * 37 / 1_000 / u64::from(workers);
    let bytes = plan.inputs.len() as u64 * surety_books::book::PAGE_BYTES as u64;
    let data = json!({
        "pages": plan.inputs.len(),
        "missing": missing,
        "workers": workers,
        "memory_bytes_of_a_worker": memory,
        "memory_bytes_shared": shared,
        "milliseconds": milliseconds,
        "published_bytes": bytes,
    });
    let text = format!(
        "pages      {} of {} are not proven\nworkers    {workers} of {} MiB each, and {} MiB that they share\n\
         time       {} s\npublished  {} KiB\n",
        missing,
        plan.inputs.len(),
        memory >> 20,
        shared >> 20,
        milliseconds / 1_000,
        bytes >> 10,
    );
    Answer::new(data, text)
}

/// Processes that share the pages of a directory. One that dies is started anew: what it has proven is there.
struct Pool<'a> {
    args: &'a Args,
    session: &'a Session,
    directory: &'a BookDirectory,
    plan: &'a Plan,
    workers: u32,
}

/// A worker, how often it has ended without having proven a page since the last, and how many pages it had left then.
struct Worker {
    shard: Shard,
    child: Child,
    attempts: u32,
    left: usize,
}

/// What goes on after the pool has given up would surprise whoever starts it anew.
impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended is not there to be stopped.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

impl Pool<'_> {
    /// Has the missing pages of a shard proven.
    fn run(&self, shard: Shard, mut missing: Vec<u32>) -> Result<(), Error> {
        let left = |missing: &[u32], shard: Shard| missing.iter().filter(|page| shard.has(**page)).count();
        let (start, total, mut workers) = (Instant::now(), missing.len(), Vec::new());
        for shard in shard.split(self.workers) {
            let left = left(&missing, shard);
            if left > 0 {
                workers.push(Worker { shard, child: self.start(shard)?, attempts: 0, left });
            }
        }
        report(self.session, 0, total as u64, start.elapsed());
        while !workers.is_empty() {
            thread::sleep(PERIOD);
            let mut running = Vec::new();
            for mut worker in workers {
                let status = worker.child.try_wait().map_err(|error| Usage(format!("worker: {error}")))?;
                if let Some(status) = status {
                    self.forget_proven(&mut missing)?;
                    let left = left(&missing, worker.shard);
                    if left == 0 {
                        continue;
                    }
                    worker.attempts = if left < worker.left { 0 } else { worker.attempts + 1 };
                    worker.left = left;
                    // A worker that found something wrong says what, and finds it again.
                    let code = status.code();
                    if worker.attempts >= ATTEMPTS || code.is_some_and(|code| code != 0) {
                        return Err(stuck(code, &status.to_string()).into());
                    }
                    worker.child = self.start(worker.shard)?;
                }
                running.push(worker);
            }
            workers = running;
            let before = missing.len();
            self.forget_proven(&mut missing)?;
            if missing.len() < before {
                report(self.session, (total - missing.len()) as u64, total as u64, start.elapsed());
            }
        }
        Ok(())
    }

    /// Takes off the pages that are there by now. What is there stays, and is not looked at again.
    fn forget_proven(&self, missing: &mut Vec<u32>) -> Result<(), DirectoryError> {
        *missing = self.directory.missing_of(self.plan, missing.iter().copied())?;
        Ok(())
    }

    fn start(&self, shard: Shard) -> Result<Child, Error> {
        let program = std::env::current_exe().map_err(|error| Usage(format!("this program: {error}")))?;
        let child = Command::new(program)
            .args(["--quiet", "book", "prove", "--here", "--shard"])
            .arg(shard.to_string())
            .arg(&self.args.directory)
            // One proof on one thread takes less processor time than one on all of them.
            .env("RAYON_NUM_THREADS", if self.workers == 1 { "0" } else { "1" })
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn();
        Ok(child.map_err(|error| Usage(format!("worker: expected to start, found {error}")))?)
    }
}

fn stuck(code: Option<i32>, last: &str) -> Stuck {
    let class = Class::of_exit_code(code);
    let advice = match class {
        Class::Resources => "use fewer --workers, or a machine with more memory",
        _ => "see its message above",
    };
    Stuck { last: last.to_owned(), advice, class }
}
