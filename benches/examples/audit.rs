//! Where the time of an audit of a thousand attestations goes: by phase, and in processor time.
//!
//! `cargo run --release -p surety-benches --example audit`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use surety_audit::audit::Timing;
use surety_benches::{audits::Attestations, processor_time};
use surety_host::{directories::Directories, setup::Setups};

const RUNS: u32 = 20;

fn main() {
    let setups = Setups::new(&Directories::of_user().unwrap());
    let attestations = Attestations::new(1_000, &setups);
    let before = processor_time();
    let runs: Vec<Timing> = (0..RUNS).filter_map(|_| attestations.audit(false).timing).collect();
    let processors = (processor_time() - before).as_secs_f64() * 1e3 / f64::from(RUNS);
    let median = |phase: fn(&Timing) -> f64| {
        let mut times: Vec<f64> = runs.iter().map(phase).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let tell = |name: &str, phase: fn(&Timing) -> f64| println!("{name:<10}  {:.1} ms", median(phase));
    tell("scan", |it| it.scan_ms);
    tell("load", |it| it.load_ms);
    tell("check", |it| it.check_ms);
    tell("pairing", |it| it.pairing_ms);
    tell("total", |it| it.total_ms);
    println!("processors  {processors:.1} ms");
    println!("each        {:.3} ms", median(|it| it.batch_ms_per_attestation));
}
