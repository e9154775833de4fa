//! Where the time of an audit of a thousand attestations goes: by phase, and in processor time.
//!
//! `cargo run --release -p surety-benches --example audit`; the attestations are those of the bench `audit`, which
//! makes them first.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use std::{path::PathBuf, time::SystemTime};

use surety_audit::audit::{self, AuditRequest, Timing};
use surety_benches::processor_time;
use surety_core::units::Timestamp;
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::progress::Silent;

const RUNS: u32 = 20;

fn main() {
    let setups = Setups::new(&Directories::of_user().unwrap());
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/audit-1000"));
    let now = Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let request = AuditRequest {
        directory: &directory,
        trust: &[],
        vaults: &[],
        books: Default::default(),
        strict: false,
        allow_insecure_srs: true,
        at: now,
        history: true,
        one_by_one: false,
    };
    let before = processor_time();
    let runs: Vec<Timing> = (0..RUNS).map(|_| audit::run(&request, &setups, &Silent).unwrap().timing).collect();
    let processor = (processor_time() - before).as_secs_f64() * 1e3 / f64::from(RUNS);
    let median = |phase: fn(&Timing) -> f64| {
        let mut times: Vec<f64> = runs.iter().map(phase).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "scan {:.0} ms, load {:.0} ms, check {:.0} ms, pairing {:.0} ms, total {:.0} ms; {processor:.0} ms of \
         processors; {:.3} ms each",
        median(|it| it.scan_ms),
        median(|it| it.load_ms),
        median(|it| it.check_ms),
        median(|it| it.pairing_ms),
        median(|it| it.total_ms),
        median(|it| it.batch_ms_per_attestation)
    );
}
