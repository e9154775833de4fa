//! A thousand attestations of one policy: read, checked and verified together, and one by one.
//!
//! `SURETY_BENCH_ATTESTATIONS` sets another number.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::env;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use surety_benches::audits::Attestations;
use surety_host::{directories::Directories, setup::Setups};

fn audits(criterion: &mut Criterion) {
    let count = env::var("SURETY_BENCH_ATTESTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let setups = Setups::new(&Directories::of_user().unwrap());
    let attestations = Attestations::new(count, &setups);
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    group.bench_function(format!("{count} together"), |bencher| bencher.iter(|| attestations.audit(false)));
    group.bench_function(format!("{count}, each pairing by itself"), |bencher| {
        bencher.iter(|| attestations.audit(true))
    });
    group.finish();
}

criterion_group!(benches, audits);
criterion_main!(benches);
