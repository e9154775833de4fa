//! `surety book worker`, `surety book retry`, and the queue of `surety book prove`: pages proven by many machines.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    rc::Rc,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use surety_core::{
    failure::{Class, Failure, Internal},
    words::counted,
};
use surety_fleet::{
    artifacts::{Desk, Place, Site, Store},
    block_on,
    child::{Prover, Trouble},
    database::DatabaseUrl,
    metrics::Metrics,
    queue::{FailedPage, Status, Terms},
    server::Server,
    stop::{Stage, Stopper},
    worker::{Accept, Crew, Event, Verifiers, Watcher},
};
use surety_venue::{
    directory::{BookDirectory, Plan},
    work::{PageVerifier, Workshop},
};

use super::{
    files::BookFiles,
    workers::{default_workers, report},
};
use crate::{
    Session,
    error::{Error, Usage},
    output::Answer,
    progress::Progress,
};

/// The environment variable with the queue's address.
const VARIABLE: &str = "SURETY_QUEUE";

/// How long pages in hand may take once proving was told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Most connections to a queue: more workers share them.
const CONNECTIONS: u32 = 8;

/// A queue that somebody else runs.
#[derive(Clone, clap::Args)]
pub(super) struct Queue {
    /// The queue, a PostgreSQL database: postgres://USER@HOST/DATABASE [default: the environment variable SURETY_QUEUE,
    /// where a password is safer]
    #[arg(long, value_name = "URL")]
    queue: Option<DatabaseUrl>,
}

impl Queue {
    fn url(&self) -> Result<Option<DatabaseUrl>, Error> {
        match &self.queue {
            Some(url) => Ok(Some(url.clone())),
            None => from_environment(VARIABLE),
        }
    }

    fn required(&self) -> Result<DatabaseUrl, Error> {
        let missing = || Usage(format!("--queue: expected the address of a queue, here or in {VARIABLE}, found none"));
        Ok(self.url()?.ok_or_else(missing)?)
    }
}

/// The address in an environment variable.
pub(super) fn from_environment<T: FromStr<Err = String>>(variable: &str) -> Result<Option<T>, Error> {
    let parse = |text: String| text.parse().map_err(|error| Usage(format!("{variable}: {error}")));
    Ok(env::var(variable).ok().map(parse).transpose()?)
}

/// A queue of any kind.
#[derive(Clone)]
enum QueueAt {
    /// One of this command's own.
    Own,
    /// One that somebody else runs.
    Url(DatabaseUrl),
}

impl FromStr for QueueAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "postgres" => Ok(Self::Own),
            text => {
                text.parse().map(Self::Url).map_err(|error: String| error.replace("expected", "expected postgres or"))
            }
        }
    }
}

/// A queue that a command may have for itself.
#[derive(Clone, Default, clap::Args)]
pub(super) struct OwnQueue {
    /// Give out pages by a queue: a PostgreSQL database, postgres://USER@HOST/DATABASE, or, for this machine alone,
    /// just the word postgres, which starts one [default: the environment variable SURETY_QUEUE, or no queue]
    #[arg(long, value_name = "URL")]
    queue: Option<QueueAt>,
}

/// Options of proving with a queue.
#[derive(clap::Args)]
pub(super) struct ProveOptions {
    #[command(flatten)]
    own: OwnQueue,
    /// Put inputs into a store, s3://BUCKET/PREFIX or file:///DIR, for workers that do not see DIR
    #[arg(long, value_name = "PLACE", value_parser = store)]
    artifacts: Option<String>,
    #[command(flatten)]
    lease: Lease,
}

impl ProveOptions {
    pub(super) fn of(own: OwnQueue) -> Self {
        Self { own, artifacts: None, lease: Lease { lease: DEFAULT_LEASE, limit: DEFAULT_LIMIT } }
    }

    /// The queue, if there is to be one.
    pub(super) fn queue(&self) -> Result<Option<ProvingQueue>, Error> {
        let at = match &self.own.queue {
            Some(at) => Some(at.clone()),
            None => from_environment(VARIABLE)?,
        };
        if at.is_none() && self.artifacts.is_some() {
            return Err(Usage("--artifacts: expected with --queue, found without".to_owned()).into());
        }
        Ok(at.map(ProvingQueue))
    }
}

/// The queue that pages are given out by.
pub(super) struct ProvingQueue(QueueAt);

fn store(text: &str) -> Result<String, String> {
    match text.parse::<Place>()? {
        Place::Store(address) => Ok(address),
        Place::Directory(_) => Err("expected s3://BUCKET/PREFIX or file:///DIR, found neither".to_owned()),
    }
}

const DEFAULT_LEASE: u64 = 30;
const DEFAULT_LIMIT: u64 = 3_600;

#[derive(Clone, Copy, clap::Args)]
struct Lease {
    /// Seconds after which a worker that is not heard of has lost its page
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_LEASE, value_parser = lease())]
    lease: u64,
    /// Seconds after which an attempt at a page fails
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_LIMIT, value_parser = limit())]
    limit: u64,
}

fn lease() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=3_600)
}

fn limit() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..)
}

impl Lease {
    fn terms(self) -> Terms {
        let [lease, attempt] = [self.lease, self.limit].map(Duration::from_secs);
        Terms { lease, attempt, ..Terms::default() }
    }
}

#[derive(clap::Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    queue: Queue,
    /// The book's directory, to work in place, or a store that it was put into: s3://BUCKET/PREFIX, file:///DIR
    #[arg(long, value_name = "PLACE")]
    artifacts: Place,
    /// The file with the key of the book's private part [default: private/key in the book's directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Pages to prove at a time [default: one for each core, as far as the memory suffices]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
    /// End once no page is left
    #[arg(long)]
    drain: bool,
    /// Seconds to finish pages in after SIGTERM or SIGINT; then they are given back
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    grace: u64,
    #[command(flatten)]
    lease: Lease,
    /// Answer requests for metrics of Prometheus at this address, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

pub(super) fn worker(args: &WorkerArgs, session: &Session) -> Result<Answer, Error> {
    let url = args.queue.required()?;
    within(async {
        let stopper = Stopper::on_signals(Duration::from_secs(args.grace)).map_err(signals)?;
        let site = Site::open(&args.artifacts, args.key.as_deref()).await?;
        let workers = match args.workers {
            Some(workers) => workers,
            None => default_workers(site.directory())?,
        };
        let watcher = Rc::new(Told::new(session, true));
        if let Some(address) = args.metrics {
            let listening = watcher.metrics.clone().serve(address).await;
            let address = listening.map_err(|error| Usage(format!("--metrics: {error}")))?;
            session.progress.note(&format!("metrics at http://{address}/metrics"));
        }
        let post = Post { url: &url, terms: args.lease.terms(), workers, key: args.key.as_deref() };
        let crew = post.crew(site, (watcher.clone(), stopper), args.drain, session).await?;
        let done = crew.work(workers).await?;
        let proven = counted(done as usize, "page");
        if !args.drain || crew.stopper.stage() > Stage::Go {
            return Answer::new(json!({ "proven": done }), format!("{proven} proven"));
        }
        let status = crew.queue.status().await?;
        let answer = Answer::new(json!({ "proven": done, "queue": status }), format!("{proven} proven, none left"))?;
        Ok(match Abandoned::of(&status, &watcher) {
            Some(abandoned) => answer.failing(&abandoned),
            None => answer,
        })
    })
}

#[derive(clap::Args)]
pub(crate) struct RetryArgs {
    /// Directory of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    queue: Queue,
}

pub(super) fn retry(args: &RetryArgs) -> Result<Answer, Error> {
    let (url, plan) = (args.queue.required()?, BookDirectory::new(&args.directory).plan_id()?);
    within(async {
        let queue = surety_fleet::queue::Queue::open(&url, plan, Terms::default(), 1).await?;
        let back = queue.retry().await?;
        Answer::new(json!({ "retried": back }), format!("{} back in the queue", counted(back as usize, "page")))
    })
}

/// The queue's state, if there is a queue.
pub(super) fn status(queue: &Queue, directory: &BookDirectory) -> Result<Option<Status>, Error> {
    let Some(url) = queue.url()? else { return Ok(None) };
    let plan = directory.plan_id()?;
    within(async {
        let queue = surety_fleet::queue::Queue::open(&url, plan, Terms::default(), 1).await?;
        Ok(Some(queue.status().await?))
    })
}

/// Enqueues the missing pages of a book, works on them, and waits for all; false if told to end before.
pub(super) fn prove(
    directory: &BookDirectory,
    (plan, missing, workshop): (&Plan, &[u32], &Workshop<'_>),
    queue: &ProvingQueue,
    options: &ProveOptions,
    workers: u32,
    session: &Session,
) -> Result<bool, Error> {
    let server = match &queue.0 {
        QueueAt::Own => Some(Server::start()?),
        QueueAt::Url(_) => None,
    };
    let url = match (&queue.0, &server) {
        (QueueAt::Url(url), _) => url.clone(),
        (QueueAt::Own, Some(server)) => server.url().parse().map_err(|error: String| Internal(error))?,
        (QueueAt::Own, None) => return Err(Internal("expected a server that has started".to_owned()).into()),
    };
    within(async {
        let stopper = Stopper::on_signals(GRACE).map_err(signals)?;
        let site = Site::in_place(directory.root(), None)?;
        let watcher = Rc::new(Told::new(session, false));
        let post = Post { url: &url, terms: options.lease.terms(), workers, key: None };
        let crew = post.crew(site, (watcher.clone(), stopper), false, session).await?;
        let store = options.artifacts.as_deref().map(Store::open).transpose()?;
        let mut missing = missing.to_vec();
        if let Some(store) = &store {
            // Of an earlier run, perhaps: workers go on without anybody who waits for them.
            missing = fetch(store, &crew, plan, missing).await?;
            store.push(directory, &missing).await?;
        }
        let kind = |page: &u32| (*page, plan.page_kinds.get(*page as usize).copied().unwrap_or_default());
        crew.queue.enqueue(&missing.iter().map(kind).collect::<Vec<_>>()).await?;
        let status = watch(&crew, workers, missing.len() as u64, session).await?;
        let Some(status) = status else { return Ok(false) };
        if let Some(abandoned) = Abandoned::of(&status, &watcher) {
            // The queue knows no reasons: here is the key to find them with.
            abandoned.failures.iter().try_for_each(|failed| workshop.check_page(failed.page))?;
            return Err(abandoned.into());
        }
        if let Some(store) = &store {
            fetch(store, &crew, plan, missing).await?;
        }
        Ok(true)
    })
}

/// Copies results of pages that the directory lacks from a store, and returns the pages that it lacks still, as there
/// are none or none that verify: what others put there is verified before it comes near the book.
async fn fetch(store: &Store, crew: &Crew, plan: &Plan, missing: Vec<u32>) -> Result<Vec<u32>, Error> {
    let (site, mut still) = (&crew.site, Vec::new());
    let desk = Desk::private(site)?;
    let accept = (crew.verifiers)(desk.directory())?;
    for page in site.directory().missing_of(plan, missing)? {
        if store.fetch(desk.directory(), site.plan(), page).await? && accept(page).is_ok() {
            desk.hand_over(page, site.directory())?;
        } else {
            still.push(page);
        }
        desk.clear(page);
    }
    Ok(still)
}

/// Works and waits at once.
async fn watch(crew: &Crew, workers: u32, total: u64, session: &Session) -> Result<Option<Status>, Error> {
    let (start, told) = (Instant::now(), Cell::new(None));
    let watching = async {
        let status = crew.watch(|status| {
            let done = total.saturating_sub(status.left() + status.failed);
            if told.replace(Some(done)) != Some(done) {
                report(session, done, total, start.elapsed());
            }
        });
        let status = status.await;
        crew.stopper.tell(Stage::Finish);
        status
    };
    let working = async {
        let worked = crew.work(workers).await;
        if worked.is_err() {
            crew.stopper.tell(Stage::Now);
        }
        worked
    };
    let (status, worked) = surety_fleet::both(watching, working).await;
    worked?;
    Ok(status?)
}

/// What workers go by.
struct Post<'a> {
    url: &'a DatabaseUrl,
    terms: Terms,
    workers: u32,
    key: Option<&'a Path>,
}

impl Post<'_> {
    async fn crew(
        &self,
        site: Site,
        (watcher, stopper): (Rc<Told>, Stopper),
        drain: bool,
        session: &Session,
    ) -> Result<Crew, Error> {
        let directory = site.directory().clone();
        // Found before a page is claimed.
        drop(directory.key()?);
        let mut kinds = directory.plan()?.page_kinds;
        kinds.sort_unstable();
        kinds.dedup();
        let BookFiles { rules, snapshot, .. } = BookFiles::read(&directory.public(), session)?;
        let verifiers: Verifiers = Rc::new(move |directory| {
            let verifier = PageVerifier::open(directory.clone(), rules.clone(), &snapshot)?;
            let accept: Accept = Arc::new(move |page| verifier.verify(page).map_err(Into::into));
            Ok(accept)
        });
        drop(verifiers(&directory)?);
        let connections = self.workers.saturating_add(1).min(CONNECTIONS);
        let queue = surety_fleet::queue::Queue::open(self.url, site.plan(), self.terms, connections).await?;
        let program = env::current_exe().map_err(|error| Usage(format!("this program: {error}")))?;
        let mut arguments: Vec<_> = ["--quiet", "book", "prove", "--serve"].map(Into::into).into();
        if let Some(key) = self.key {
            arguments.extend(["--key".into(), key.into()]);
        }
        // One proof on one thread takes less processor time than one on all of them.
        let threads = if self.workers == 1 { "0" } else { "1" };
        Ok(Crew {
            queue,
            site: Rc::new(site),
            kinds: kinds.into(),
            prover: Prover { program, arguments, environment: vec![("RAYON_NUM_THREADS", threads.into())] },
            verifiers,
            watcher,
            stopper,
            drain,
        })
    }
}

/// Tells the user what happens to pages.
struct Told {
    progress: Progress,
    each: bool,
    metrics: Rc<Metrics>,
    /// Why a page failed last, of those that failed here.
    troubles: RefCell<BTreeMap<u32, Trouble>>,
}

impl Told {
    /// Of each page, or of those alone with which something is wrong.
    fn new(session: &Session, each: bool) -> Self {
        let progress = Progress::new(session.progress.is_quiet());
        Self { progress, each, metrics: Rc::default(), troubles: RefCell::default() }
    }
}

impl Watcher for Told {
    fn event(&self, event: &Event) {
        self.metrics.event(event);
        match event {
            Event::Done { job, took } if self.each => {
                self.progress.note(&format!("page {}: proven in {:.1} s", job.page, took.as_secs_f64()));
            }
            Event::Released(job) if self.each => self.progress.note(&format!("page {}: given back", job.page)),
            Event::Failed { job, trouble } => {
                self.progress.warn(&format!("page {}: attempt {} failed: {trouble}", job.page, job.attempt));
                self.troubles.borrow_mut().insert(job.page, trouble.clone());
            }
            Event::Lost(job) | Event::Late(job) => {
                self.progress.warn(&format!("page {}: attempt {} lost its lease", job.page, job.attempt));
            }
            Event::Away(reason) => self.progress.warn(&format!("queue: away, waiting for it: {reason}")),
            _ => {}
        }
    }
}

/// Pages that were given up.
#[derive(Debug, thiserror::Error)]
#[error(
    "pages: expected all to be proven, found {count} that failed for good, {}; see the messages of workers, then \
     surety book retry", listed(.failures)
)]
struct Abandoned {
    count: u64,
    failures: Vec<FailedPage>,
    class: Class,
}

fn listed(failures: &[FailedPage]) -> String {
    let first = failures.iter().take(5).map(|failed| format!("page {} ({})", failed.page, failed.error));
    first.collect::<Vec<_>>().join(", ")
}

impl Abandoned {
    /// What was given up. The class is that of a page that failed here; others' reasons are not in the queue.
    fn of(status: &Status, told: &Told) -> Option<Self> {
        let Status { failed: count, failures, .. } = status.clone();
        let troubles = told.troubles.borrow();
        let known = failures.iter().find_map(|failed| troubles.get(&failed.page));
        let class = known.map_or(Class::Resources, |trouble| trouble.class);
        (count > 0).then_some(Self { count, failures, class })
    }
}

impl Failure for Abandoned {
    fn class(&self) -> Class {
        self.class
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-pages".into()
    }
}

/// Proving was told to end before all pages were proven.
#[derive(Debug, thiserror::Error)]
#[error(
    "pages: expected to be left alone until all are proven, found a signal to end with {left} left; go on with surety \
         book resume"
)]
pub(super) struct ToldToEnd {
    pub(super) left: usize,
}

impl Failure for ToldToEnd {
    fn class(&self) -> Class {
        Class::Resources
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "interrupted".into()
    }
}

fn signals(error: std::io::Error) -> Usage {
    Usage(format!("signals: {error}"))
}

/// Runs what waits for a queue.
fn within<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    block_on(work).map_err(|error| Error::from(Internal(format!("cannot wait: {error}"))))?
}
