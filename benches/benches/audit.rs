//! A thousand attestations of one policy: read, checked and verified together, and one by one.
//!
//! They are made once, which takes some minutes, and kept in `target/` for later runs; `SURETY_BENCH_ATTESTATIONS` sets
//! another number.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::{env, path::PathBuf, time::SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use surety_audit::audit::{self, Audit, AuditRequest};
use surety_core::units::Timestamp;
use surety_host::{directories::Directories, files::Existing, setup::Setups};
use surety_kzg::progress::Silent;
use surety_walkthrough::batch;

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

/// The directory of attestations, made if there is none.
fn attestations(count: usize, setups: &Setups) -> PathBuf {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).join(format!("audit-{count}"));
    let unfinished = directory.with_extension("unfinished");
    if !directory.exists() {
        // What an interrupted run left is of no use.
        let _ = std::fs::remove_dir_all(&unfinished);
        batch::run(&unfinished, (count, batch::CURRENT), setups, now(), Existing::Keep, &Silent).unwrap();
        std::fs::rename(&unfinished, &directory).unwrap();
    }
    directory
}

fn audits(criterion: &mut Criterion) {
    let count = env::var("SURETY_BENCH_ATTESTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let setups = Setups::new(&Directories::of_user().unwrap());
    let directory = attestations(count, &setups);
    let run = |one_by_one: bool| -> Audit {
        let request = AuditRequest {
            directory: &directory,
            trust: &[],
            vaults: &[],
            books: Default::default(),
            strict: false,
            allow_insecure_srs: true,
            at: now(),
            // Those of an earlier run may have lapsed.
            history: true,
            one_by_one,
        };
        let audit = audit::run(&request, &setups, &Silent).unwrap();
        assert_eq!((audit.accepted, audit.rejected), (count, 0));
        audit
    };
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    group.bench_function(format!("{count} together"), |bencher| bencher.iter(|| run(false)));
    group.bench_function(format!("{count}, each pairing by itself"), |bencher| bencher.iter(|| run(true)));
    group.finish();
}

criterion_group!(benches, audits);
criterion_main!(benches);
