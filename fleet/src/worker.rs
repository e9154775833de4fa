//! Workers: claim a page, have it proven by a child, verify the result, complete.

use std::{
    convert::Infallible,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use surety_core::failure::{AnyFailure, Class, Failure};
use surety_venue::directory::BookDirectory;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    artifacts::{ArtifactError, Desk, Site},
    backoff::Backoff,
    child::{Child, Prover, Trouble},
    queue::{Job, Queue, QueueError, Status},
    stop::{Stage, Stopper},
};

/// How long a worker that finds nothing waits, at first and at most.
const IDLE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How long a worker in trouble waits, at first and at most: one whose disk is full should not use up the attempts of
/// pages that others can prove.
const TROUBLED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often those who wait for a queue look at it.
const PERIOD: Duration = Duration::from_millis(500);

/// How often outages are looked for: statements are repeated more often than every two of these.
const OUTAGE: Duration = Duration::from_secs(6);

/// How long the queue is told about pages after workers were told to end at once.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What happens to pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Claimed, after so long a wait for the database.
    Claimed {
        /// The page and the attempt.
        job: Job,
        /// How long claiming took.
        took: Duration,
    },
    /// Proven, verified, and completed.
    Done {
        /// The page and the attempt.
        job: Job,
        /// Since it was claimed.
        took: Duration,
    },
    /// Not proven.
    Failed {
        /// The page and the attempt.
        job: Job,
        /// Why.
        trouble: Trouble,
    },
    /// The lease was lost while the page was being proven.
    Lost(Job),
    /// The page was proven, but by then the lease was lost.
    Late(Job),
    /// Given back, as the worker was told to end.
    Released(Job),
    /// The database is away; told once, with what was found.
    Away(String),
}

/// Is told what happens.
pub trait Watcher {
    /// Something has happened.
    fn event(&self, event: &Event);
}

/// Verifies a page's result in a directory: as an auditor does.
pub type Accept = Arc<dyn Fn(u32) -> Result<(), AnyFailure> + Send + Sync>;

/// Prepares the verification of results in a directory.
pub type Verifiers = Rc<dyn Fn(&BookDirectory) -> Result<Accept, AnyFailure>>;

/// Workers on one plan.
#[derive(Clone)]
pub struct Crew {
    /// The queue.
    pub queue: Queue,
    /// Where they work.
    pub site: Rc<Site>,
    /// The kinds of the plan's pages.
    pub kinds: Rc<[u32]>,
    /// The command that proves, without its last argument: the directory.
    pub prover: Prover,
    /// The verification of results.
    pub verifiers: Verifiers,
    /// Is told what happens.
    pub watcher: Rc<dyn Watcher>,
    /// Tells them to end.
    pub stopper: Stopper,
    /// Whether to end when nothing is left.
    pub drain: bool,
}

/// Why workers end before their time.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A fault of this program.
    #[error(transparent)]
    Internal(#[from] surety_core::failure::Internal),
}

impl Failure for WorkerError {
    fn class(&self) -> Class {
        match self {
            Self::Queue(error) => error.class(),
            Self::Internal(error) => error.class(),
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-worker".into()
    }
}

impl Crew {
    /// Runs so many workers until they are told to end, or nothing is left if they are to drain the queue. Returns how
    /// many pages they completed.
    ///
    /// # Errors
    /// If the queue refuses.
    pub async fn work(&self, workers: u32) -> Result<u64, WorkerError> {
        let (mut running, mut done) = (JoinSet::new(), 0);
        for _ in 0..workers {
            running.spawn_local(Worker { crew: self.clone(), bench: None, child: None, kind: None }.run());
        }
        let all = async {
            while let Some(ended) = running.join_next().await {
                let ended = ended.map_err(|error| surety_core::failure::Internal(format!("worker: {error}")))?;
                done += ended?;
            }
            Ok(done)
        };
        tokio::select! { done = all => done, never = self.tell_of_outages() => match never {} }
    }

    async fn tell_of_outages(&self) -> Infallible {
        let mut away = false;
        loop {
            let outage = self.queue.last_outage().filter(|(since, _)| *since < 2 * OUTAGE);
            if let (Some((_, reason)), false) = (&outage, away) {
                self.watcher.event(&Event::Away(reason.clone()));
            }
            away = outage.is_some();
            sleep(OUTAGE).await;
        }
    }

    /// Waits until no page is left that may still be done, and returns how things are then: nothing, if told to end
    /// before. `report` sees each state of the queue.
    ///
    /// # Errors
    /// If the queue refuses.
    pub async fn watch(&self, report: impl FnMut(&Status)) -> Result<Option<Status>, WorkerError> {
        tokio::select! {
            status = self.wait(report) => Ok(Some(status?)),
            () = self.stopper.told(Stage::Finish) => Ok(None),
        }
    }

    async fn wait(&self, mut report: impl FnMut(&Status)) -> Result<Status, QueueError> {
        loop {
            self.queue.reap().await?;
            let status = self.queue.status().await?;
            report(&status);
            if status.left() == 0 {
                return Ok(status);
            }
            sleep(PERIOD).await;
        }
    }
}

/// Where a worker works, and the verification of what is there.
struct Bench {
    desk: Desk,
    accept: Accept,
}

/// One worker, its bench and its child, and the kind of the page that the child proved last.
struct Worker {
    crew: Crew,
    bench: Option<Rc<Bench>>,
    child: Option<Child>,
    kind: Option<u32>,
}

/// The queue's answer to a worker that asks for a page.
enum Next {
    Job(Job),
    Nothing,
    End,
}

/// How an attempt ended.
enum End {
    Proven,
    Failed(Trouble),
    Lost,
    Stopped,
}

impl Worker {
    async fn run(mut self) -> Result<u64, WorkerError> {
        let crew = self.crew.clone();
        let (mut done, mut reaped) = (0, None::<Instant>);
        let mut idle = Backoff::new(IDLE.0, IDLE.1);
        let mut troubled = Backoff::new(TROUBLED.0, TROUBLED.1);
        while crew.stopper.stage() == Stage::Go {
            let next = tokio::select! {
                next = self.next(&mut reaped) => next?,
                // The database is away, and nobody wants to wait.
                () = crew.stopper.told(Stage::Now) => break,
            };
            let job = match next {
                Next::Job(job) => job,
                Next::End => break,
                Next::Nothing => {
                    crew.stopper.sleep(idle.wait()).await;
                    continue;
                }
            };
            idle = Backoff::new(IDLE.0, IDLE.1);
            self.kind = Some(job.kind);
            match self.end(job).await? {
                Event::Failed { trouble, .. } if trouble.class == Class::Resources => {
                    crew.stopper.sleep(troubled.wait()).await;
                }
                Event::Done { .. } => {
                    done += 1;
                    troubled = Backoff::new(TROUBLED.0, TROUBLED.1);
                }
                _ => {}
            }
        }
        Ok(done)
    }

    /// Looks after leases that ran out, now and then, and claims a page.
    async fn next(&self, reaped: &mut Option<Instant>) -> Result<Next, QueueError> {
        let Crew { queue, kinds, watcher, drain, .. } = &self.crew;
        if reaped.is_none_or(|at| at.elapsed() > queue.terms().lease / 3) {
            queue.reap().await?;
            *reaped = Some(Instant::now());
        }
        let start = Instant::now();
        if let Some(job) = queue.claim(kinds, self.kind).await? {
            watcher.event(&Event::Claimed { job, took: start.elapsed() });
            return Ok(Next::Job(job));
        }
        Ok(if *drain && queue.status().await?.left() == 0 { Next::End } else { Next::Nothing })
    }

    /// Has a page proven under its lease, and tells the queue how that ended.
    async fn end(&mut self, job: Job) -> Result<Event, WorkerError> {
        let (crew, start) = (self.crew.clone(), Instant::now());
        let ended = tokio::select! {
            proven = self.prove(job.page) => proven.map_or_else(End::Failed, |()| End::Proven),
            lost = crew.queue.keep(job) => { lost?; End::Lost }
            () = sleep(crew.queue.terms().attempt) => End::Failed(Trouble::new(Class::Resources, "page-time-out")),
            () = crew.stopper.told(Stage::Now) => End::Stopped,
        };
        // What could not be proven is dropped by now, and its child killed with it.
        let event = tokio::select! {
            event = self.conclude(job, ended, start) => event?,
            // The database is away, and nobody wants to wait: the lease runs out.
            () = crew.stopper.told_long_ago(LAST_WORDS) => Event::Late(job),
        };
        if let Some(bench) = &self.bench {
            bench.desk.clear(job.page);
        }
        // A child that is being killed may still write at its bench.
        if self.child.is_none() {
            self.bench = None;
        }
        crew.watcher.event(&event);
        Ok(event)
    }

    async fn conclude(&self, job: Job, ended: End, start: Instant) -> Result<Event, WorkerError> {
        let queue = &self.crew.queue;
        Ok(match ended {
            End::Proven => {
                if queue.complete(job).await? {
                    Event::Done { job, took: start.elapsed() }
                } else {
                    Event::Late(job)
                }
            }
            End::Failed(trouble) => {
                queue.fail(job).await?;
                Event::Failed { job, trouble }
            }
            End::Lost => Event::Lost(job),
            End::Stopped => {
                queue.release(job).await?;
                Event::Released(job)
            }
        })
    }

    async fn prove(&mut self, page: u32) -> Result<(), Trouble> {
        let (site, bench) = (self.crew.site.clone(), self.bench()?);
        let desk = &bench.desk;
        let failed = |error: ArtifactError| Trouble::new(error.class(), &error.code());
        if site.bring(desk, page).await.map_err(failed)? {
            // Whoever left it may have been killed before completing.
            if bench.accept(page).await.is_ok() {
                return Ok(());
            }
            desk.discard(page);
            site.bring_input(desk, page).await.map_err(failed)?;
        }
        let mut child = match self.child.take() {
            Some(child) => child,
            None => Child::start(&self.crew.prover, desk.directory().root())?,
        };
        let proven = child.prove(page).await;
        if child.is_running() {
            self.child = Some(child);
        }
        proven?;
        if let Err(trouble) = bench.accept(page).await {
            desk.discard(page);
            return Err(trouble);
        }
        site.keep(desk, page).await.map_err(failed)
    }

    fn bench(&mut self) -> Result<Rc<Bench>, Trouble> {
        if let Some(bench) = &self.bench {
            return Ok(bench.clone());
        }
        let desk = self.crew.site.desk().map_err(|error| Trouble::new(error.class(), &error.code()))?;
        let accept = (self.crew.verifiers)(desk.directory()).map_err(|failure| Trouble::of(&failure))?;
        Ok(self.bench.insert(Rc::new(Bench { desk, accept })).clone())
    }
}

impl Bench {
    async fn accept(&self, page: u32) -> Result<(), Trouble> {
        let accept = self.accept.clone();
        match spawn_blocking(move || accept(page)).await {
            Ok(verdict) => verdict.map_err(|failure| Trouble::of(&failure)),
            Err(_) => Err(Trouble::new(Class::Internal, "verification")),
        }
    }
}
