//! How many workers a machine has room for, and how far they are.

use std::{thread, time::Duration};

use surety_host::memory::available_memory;
use surety_kzg::{Event, Observer as _, progress::Stage};
use surety_venue::directory::BookDirectory;

use crate::{Session, error::Error, inputs::PolicyFiles};

/// Memory of a worker for each row of the capacity class: a proof, and the openings of cells. Measured: 5.4 KB.
pub(super) const BYTES_PER_ROW: u64 = 7 << 10;

/// Memory for each row that all workers share, as they map it: the tables of the bases and of a kind's cells.
pub(super) const SHARED_BYTES_PER_ROW: u64 = 4 << 10;

/// As many as there are cores, and as there is memory for.
pub(super) fn default_workers(directory: &BookDirectory) -> Result<u32, Error> {
    let universe = PolicyFiles::of(&directory.public()).read_universe()?;
    let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
    let rows = universe.capacity.rows() as u64;
    let each = |bytes: u64| bytes.saturating_sub(SHARED_BYTES_PER_ROW * rows) / (BYTES_PER_ROW * rows);
    let fitting = available_memory().map_or(cores, each);
    Ok(cores.min(fitting).max(1) as u32)
}

/// Tells how many pages are proven, and how long the rest will take.
pub(super) fn report(session: &Session, done: u64, total: u64, elapsed: Duration) {
    session.progress.event(Event::Progress { stage: Stage::Proving, done, total });
    if done > 0 && done < total {
        let each = elapsed.as_secs_f64() / done as f64;
        let (minute, rest) = (60.0 / each, each * (total - done) as f64);
        session.progress.note(&format!("{done} of {total} pages; {minute:.1} a minute, {rest:.0} s left"));
    }
}
