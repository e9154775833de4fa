//! A [book](surety_venue) with servers: accounts out of a database, pages proven by many machines.
//!
//! | module | idea |
//! |---|---|
//! | [`database`] | where a PostgreSQL is, and how safe the way there is |
//! | [`query`] | accounts out of a database |
//! | [`queue`] | the jobs, one for each page: claimed under leases, completed under a fence |
//! | [`backoff`] | waiting longer each time, up to a bound |
//! | [`artifacts`] | where a worker finds inputs and leaves results: the book's directory, or a store |
//! | [`child`] | the process that proves, and dies with its worker |
//! | [`worker`] | claims pages, has them proven, verifies the results |
//! | [`stop`] | ending on a signal, and how soon |
//! | [`server`] | a PostgreSQL of one's own, for one machine |
//! | [`metrics`] | counters of a worker, for Prometheus |
//!
//! Correctness rests on none of this: a result is a file that anybody can verify, and is verified before it is
//! accepted. A queue that forgets, repeats or invents jobs costs time.
//!
//! ```
//! use surety_fleet::database::DatabaseUrl;
//!
//! let url: DatabaseUrl = "postgres://worker:secret@queue.example/books?sslmode=verify-full".parse()?;
//! assert_eq!(format!("{url:?}"), "DatabaseUrl(hidden)");
//! # Ok::<(), String>(())
//! ```

pub mod artifacts;
pub mod backoff;
pub mod child;
pub mod database;
pub mod metrics;
pub mod query;
pub mod queue;
pub mod server;
pub mod stop;
pub mod worker;

use reqwest as _;

/// Runs what waits for databases, stores and processes. Everything runs in the calling thread, but for verification.
///
/// # Errors
/// If the operating system refuses what takes.
pub fn block_on<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, work))
}

/// Waits for both.
pub async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    tokio::join!(one, other)
}
