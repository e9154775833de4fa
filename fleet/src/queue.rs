//! The queue: one job for each page of a book, in PostgreSQL.
//!
//! A job is claimed under a *lease*, which its worker renews every third of its time-to-live. Who claims a job counts
//! the attempt at once, so that a page that kills its workers stops after a few; the number of the attempt is the
//! *fence*: completion and renewal name it, and nothing happens if another attempt has begun since. It never goes down,
//! so that no two attempts at a page are alike; further tries are allowed by raising the number of those allowed.
//! Leases that have run out go back to the queue by whoever looks first. All times are the database's.
//!
//! Rows hold a plan's hash, numbers of pages and kinds, and whether the last attempt failed or was lost: nothing
//! secret, no names, no paths, and no reason of a failure, which would tell whoever reads the queue that an account of
//! the page does not satisfy its margin. The reason is in the messages of workers, and whoever has the key finds it
//! anew.
//!
//! `graphile_worker` was considered. It locks a job for four hours, or, if told so, for as long as its worker's
//! heartbeats; a worker's, not a job's. It deletes a completed job by its number alone, so that a worker that was
//! stopped and continued ends somebody else's attempt. And it brings tasks, schedules and payloads that pages have no
//! use for.
//!
//! A statement is repeated for as long as the database is away. Repeating is harmless: completion twice is completion,
//! and a claim whose answer was lost runs out.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use sqlx::{
    Connection as _, PgPool, Row as _,
    postgres::{PgPoolOptions, PgRow},
};
use surety_core::{
    failure::{Class, Failure},
    ident::Bytes32,
};
use tokio::time::{sleep, timeout};

use crate::{backoff::Backoff, database::DatabaseUrl};

/// A page is tried so many times.
pub const ATTEMPTS: i32 = 3;

/// Version of the tables.
const VERSION: i32 = 1;

/// How long a first connection is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest wait between two tries of a statement, for a connection, and for a connection to become free again.
const LONGEST: Duration = Duration::from_secs(5);

/// Longest wait before a page that failed is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Most pages that failed which a status lists.
const LISTED: i64 = 100;

/// Jobs that one statement enqueues.
const CHUNK: usize = 10_000;

/// A statement with so many jobs may take so many times as long as another.
const CHUNK_TIMES: u32 = 6;

/// So that nobody else creates tables at the same time: `surety`, in ASCII.
const ADVISORY: i64 = 0x0073_7572_6574_7900;

const CREATE: [&str; 5] = [
    "create table if not exists surety_job (
        plan bytea not null,
        page integer not null,
        kind integer not null,
        state text not null default 'ready' check (state in ('ready', 'running', 'done', 'failed')),
        attempts integer not null default 0,
        allowed integer not null,
        ready_at timestamptz not null default clock_timestamp(),
        lease timestamptz,
        error text,
        primary key (plan, page)
    )",
    "create index if not exists surety_job_ready on surety_job (plan, kind, page) where state = 'ready'",
    "create index if not exists surety_job_running on surety_job (lease) where state = 'running'",
    "create index if not exists surety_job_failed on surety_job (plan, page) where state = 'failed'",
    "create table if not exists surety_queue (version integer not null)",
];

// Jobs whose results have gone are done anew.
const ENQUEUE: &str = "insert into surety_job (plan, page, kind, allowed)
    select $1, page, kind, $4 from unnest($2::integer[], $3::integer[]) as job (page, kind)
    on conflict (plan, page) do update
    set state = 'ready', allowed = surety_job.attempts + $4, ready_at = clock_timestamp(), error = null
    where surety_job.state = 'done'";

const CLAIM: &str = "with next as (
        select plan, page from surety_job
        where plan = $1 and state = 'ready' and ready_at <= clock_timestamp() and kind = $2
        order by page limit 1 for update skip locked
    )
    update surety_job job
    set state = 'running', attempts = attempts + 1, lease = clock_timestamp() + $3 * interval '1 millisecond'
    from next where job.plan = next.plan and job.page = next.page
    returning job.page, job.kind, job.attempts";

const RENEW: &str = "update surety_job set lease = clock_timestamp() + $4 * interval '1 millisecond'
    where plan = $1 and page = $2 and attempts = $3 and state = 'running'";

// A completion whose answer was lost is repeated.
const COMPLETE: &str = "update surety_job set state = 'done', lease = null, error = null
    where plan = $1 and page = $2 and attempts = $3 and state in ('running', 'done')";

const FAIL: &str = "update surety_job
    set state = case when attempts >= allowed then 'failed' else 'ready' end, lease = null, error = 'failed',
        ready_at = clock_timestamp() + $4 * interval '1 millisecond'
    where plan = $1 and page = $2 and attempts = $3 and state = 'running'";

// Nothing went wrong: the attempt does not count against the page.
const RELEASE: &str = "update surety_job
    set state = 'ready', lease = null, allowed = allowed + 1, ready_at = clock_timestamp()
    where plan = $1 and page = $2 and attempts = $3 and state = 'running'";

// After the server was away, workers get the time to renew before anybody takes their pages. Skipping what is locked
// keeps those who look at the same time from waiting for each other.
const REAP: &str = "with gone as (
        select plan, page from surety_job where state = 'running' and lease < clock_timestamp()
        and clock_timestamp() - pg_postmaster_start_time() > $1 * interval '1 millisecond'
        for update skip locked
    )
    update surety_job job
    set state = case when attempts >= allowed then 'failed' else 'ready' end, lease = null,
        error = 'lost', ready_at = clock_timestamp()
    from gone where job.plan = gone.plan and job.page = gone.page";

const RETRY: &str = "update surety_job
    set state = 'ready', allowed = attempts + $2, ready_at = clock_timestamp(), error = null
    where plan = $1 and state = 'failed'";

const COUNT: &str = "select count(*) filter (where state = 'ready') as ready,
        count(*) filter (where state = 'running') as running,
        count(*) filter (where state = 'done') as done,
        count(*) filter (where state = 'failed') as failed
    from surety_job where plan = $1";

const FAILURES: &str = "select page, attempts, coalesce(error, '') as error from surety_job
    where plan = $1 and state = 'failed' order by page limit $2";

/// Why the queue is of no use.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Nobody answers.
    #[error("queue: expected PostgreSQL to answer within {} s, found: {last}; is the server up?", PATIENCE.as_secs())]
    Unreachable {
        /// What was found last.
        last: String,
    },
    /// The database refuses.
    #[error("queue: expected PostgreSQL to accept the statement, found: {0}")]
    Refused(String),
    /// Tables of another version.
    #[error(
        "queue: expected tables of version {VERSION}, found {0}; use a program of that version, or another database"
    )]
    OtherVersion(i32),
}

impl Failure for QueueError {
    fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } => Class::Resources,
            Self::Refused(_) => Class::Input,
            Self::OtherVersion(_) => Class::Mismatch,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "queue".into()
    }
}

/// How long leases last, failures wait, and others are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Time-to-live of a lease: whoever is not heard of for so long has lost the page.
    pub lease: Duration,
    /// Wait before a page that failed once is tried again; doubles with each attempt.
    pub pause: Duration,
    /// Longest wait for the answer to a statement: the database is away after that, and the statement is repeated.
    pub answer: Duration,
    /// Longest time of an attempt: one that takes longer fails.
    pub attempt: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            pause: Duration::from_secs(2),
            // A renewal that is not answered is repeated before the lease runs out.
            answer: Duration::from_secs(10),
            attempt: Duration::from_secs(3_600),
        }
    }
}

/// A claimed page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The page.
    pub page: u32,
    /// Its kind.
    pub kind: u32,
    /// The attempt, from 1: the fence.
    pub attempt: i32,
}

impl Job {
    fn of(row: &PgRow) -> Result<Self, sqlx::Error> {
        let [page, kind] = [row.try_get::<i32, _>("page")?, row.try_get("kind")?].map(i32::cast_unsigned);
        Ok(Self { page, kind, attempt: row.try_get("attempts")? })
    }
}

/// A page that failed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedPage {
    /// The page.
    pub page: u32,
    /// How many times it was tried.
    pub attempts: i32,
    /// How the last attempt ended: `failed` if its worker said so, `lost` if nothing was heard of it.
    pub error: String,
}

/// What there is of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Pages that wait.
    pub ready: u64,
    /// Pages under a lease.
    pub running: u64,
    /// Pages that are done.
    pub done: u64,
    /// Pages that failed for good.
    pub failed: u64,
    /// The first of these.
    pub failures: Vec<FailedPage>,
}

impl Status {
    /// Pages that may still be done.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.ready + self.running
    }
}

/// When the database was away last.
#[derive(Debug, Default)]
struct Outage {
    seen: Option<Instant>,
    reason: String,
}

/// The jobs of one plan.
#[derive(Clone, Debug)]
pub struct Queue {
    pool: PgPool,
    plan: Bytes32,
    terms: Terms,
    outage: Arc<Mutex<Outage>>,
}

impl Queue {
    /// Opens the queue of a plan, over so many connections at most, and creates the tables if there are none.
    ///
    /// # Errors
    /// If the database does not answer for 30 seconds, refuses, or has tables of another version.
    pub async fn open(url: &DatabaseUrl, plan: Bytes32, terms: Terms, connections: u32) -> Result<Self, QueueError> {
        let options = url.options().map_err(|error| QueueError::Refused(error.to_owned()))?;
        let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(LONGEST);
        // A connection on which nothing answers would be waited for, and missed, until the operating system gives up.
        let pool = pool.after_release(|connection, _| {
            Box::pin(async {
                let answer = timeout(LONGEST, connection.ping()).await;
                answer.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
            })
        });
        let pool = pool.connect_lazy_with(options);
        let queue = Self { pool, plan, terms, outage: Arc::default() };
        let version = timeout(PATIENCE, queue.patiently(async || queue.create().await)).await;
        match version.map_err(|_| QueueError::Unreachable { last: queue.outage().reason.clone() })?? {
            VERSION => Ok(queue),
            other => Err(QueueError::OtherVersion(other)),
        }
    }

    /// Creates the tables unless they exist, and returns their version.
    async fn create(&self) -> Result<i32, sqlx::Error> {
        // Whoever may not create tables may use those that exist.
        let exists: bool =
            sqlx::query_scalar("select to_regclass('surety_queue') is not null").fetch_one(&self.pool).await?;
        if !exists {
            let mut transaction = self.pool.begin().await?;
            sqlx::query("select pg_advisory_xact_lock($1)").bind(ADVISORY).execute(&mut *transaction).await?;
            for statement in CREATE {
                sqlx::query(statement).execute(&mut *transaction).await?;
            }
            sqlx::query("insert into surety_queue select $1 where not exists (select from surety_queue)")
                .bind(VERSION)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
        }
        sqlx::query_scalar("select version from surety_queue").fetch_one(&self.pool).await
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// What the database said when it was away last, since so long.
    #[must_use]
    pub fn last_outage(&self) -> Option<(Duration, String)> {
        let outage = self.outage();
        outage.seen.map(|seen| (seen.elapsed(), outage.reason.clone()))
    }

    fn outage(&self) -> std::sync::MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Repeats a statement for as long as the database is away.
    async fn patiently<T>(&self, statement: impl AsyncFn() -> Result<T, sqlx::Error>) -> Result<T, QueueError> {
        self.within(self.terms.answer, statement).await
    }

    /// The same for a statement that may take so long.
    async fn within<T>(
        &self,
        longest: Duration,
        statement: impl AsyncFn() -> Result<T, sqlx::Error>,
    ) -> Result<T, QueueError> {
        let mut backoff = Backoff::new(Duration::from_millis(100), LONGEST);
        loop {
            let reason = match timeout(longest, statement()).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) if is_outage(&error) => error.to_string(),
                Ok(Err(error)) => return Err(QueueError::Refused(error.to_string())),
                Err(_) => format!("no answer within {} ms", longest.as_millis()),
            };
            *self.outage() = Outage { seen: Some(Instant::now()), reason };
            sleep(backoff.wait()).await;
        }
    }

    /// Enqueues pages with their kinds. Pages that are in the queue stay as they are, but for those that are done:
    /// enqueuing them again says that their results are gone.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn enqueue(&self, pages: &[(u32, u32)]) -> Result<(), QueueError> {
        for chunk in pages.chunks(CHUNK) {
            let (pages, kinds): (Vec<i32>, Vec<i32>) =
                chunk.iter().map(|(page, kind)| (page.cast_signed(), kind.cast_signed())).unzip();
            self.within(CHUNK_TIMES * self.terms.answer, async || {
                let statement = sqlx::query(ENQUEUE).bind(self.plan.0.as_slice());
                statement.bind(&pages).bind(&kinds).bind(ATTEMPTS).execute(&self.pool).await
            })
            .await?;
        }
        Ok(())
    }

    /// Claims the next page, counting the attempt: of the kind that is wanted if there is one, since changing the kind
    /// takes time, otherwise of another.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn claim(&self, kinds: &[u32], wanted: Option<u32>) -> Result<Option<Job>, QueueError> {
        for kind in wanted.into_iter().chain(kinds.iter().copied().filter(|kind| Some(*kind) != wanted)) {
            let row = self.patiently(async || {
                let statement = sqlx::query(CLAIM).bind(self.plan.0.as_slice()).bind(kind.cast_signed());
                let row = statement.bind(milliseconds(self.terms.lease)).fetch_optional(&self.pool).await?;
                row.as_ref().map(Job::of).transpose()
            });
            if let Some(job) = row.await? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// Renews a lease once; false if another attempt has begun, or may.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn renew(&self, job: Job) -> Result<bool, QueueError> {
        self.fenced(RENEW, job, |statement| statement.bind(milliseconds(self.terms.lease))).await
    }

    /// Renews a lease every third of its time-to-live, until it is lost.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn keep(&self, job: Job) -> Result<(), QueueError> {
        loop {
            sleep(self.terms.lease / 3).await;
            if !self.renew(job).await? {
                return Ok(());
            }
        }
    }

    /// Completes an attempt; false if another has begun since.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn complete(&self, job: Job) -> Result<bool, QueueError> {
        self.fenced(COMPLETE, job, |statement| statement).await
    }

    /// Ends an attempt that failed: the page waits for another, unless it has had all.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn fail(&self, job: Job) -> Result<bool, QueueError> {
        let doublings = job.attempt.clamp(1, 16).cast_unsigned() - 1;
        let pause = milliseconds(self.terms.pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE));
        self.fenced(FAIL, job, |statement| statement.bind(pause)).await
    }

    /// Gives a page back that nothing is wrong with.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn release(&self, job: Job) -> Result<bool, QueueError> {
        self.fenced(RELEASE, job, |statement| statement).await
    }

    /// Executes a statement about an attempt; false if it is not the current one.
    async fn fenced(
        &self,
        statement: &'static str,
        job: Job,
        bind: impl Fn(Statement) -> Statement,
    ) -> Result<bool, QueueError> {
        let done = self.patiently(async || {
            let statement = sqlx::query(statement).bind(self.plan.0.to_vec());
            let statement = bind(statement.bind(job.page.cast_signed()).bind(job.attempt));
            statement.execute(&self.pool).await
        });
        Ok(done.await?.rows_affected() > 0)
    }

    /// Puts pages whose leases have run out back, or lets them fail for good if they have had all attempts. Does
    /// nothing if the database was away a moment ago: others may not have been able to renew either.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn reap(&self) -> Result<u64, QueueError> {
        if self.last_outage().is_some_and(|(since, _)| since < self.terms.lease) {
            return Ok(0);
        }
        let lease = milliseconds(self.terms.lease);
        let done = self.patiently(async || sqlx::query(REAP).bind(lease).execute(&self.pool).await);
        Ok(done.await?.rows_affected())
    }

    /// Puts pages that failed for good back.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn retry(&self) -> Result<u64, QueueError> {
        let statement =
            async || sqlx::query(RETRY).bind(self.plan.0.as_slice()).bind(ATTEMPTS).execute(&self.pool).await;
        Ok(self.patiently(statement).await?.rows_affected())
    }

    /// Counts the pages in each state, and lists those that failed.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn status(&self) -> Result<Status, QueueError> {
        self.patiently(async || {
            let row = sqlx::query(COUNT).bind(self.plan.0.as_slice()).fetch_one(&self.pool).await?;
            let count = |name: &str| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
            let mut status = Status {
                ready: count("ready")?,
                running: count("running")?,
                done: count("done")?,
                failed: count("failed")?,
                failures: Vec::new(),
            };
            if status.failed > 0 {
                let rows = sqlx::query(FAILURES).bind(self.plan.0.as_slice()).bind(LISTED).fetch_all(&self.pool);
                for row in rows.await? {
                    status.failures.push(FailedPage {
                        page: row.try_get::<i32, _>("page")?.cast_unsigned(),
                        attempts: row.try_get("attempts")?,
                        error: row.try_get("error")?,
                    });
                }
            }
            Ok(status)
        })
        .await
    }
}

type Statement = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Whether a statement may succeed later: the server is away, or ends, starts, or has too many connections.
fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08") || ["57P01", "57P02", "57P03", "53300", "40001", "40P01", "25006"].contains(&&*code)
        }),
        _ => false,
    }
}
