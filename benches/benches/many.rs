//! Hundreds of attestations of one policy: one after the other on all threads, and one on each thread.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use surety_benches::{SHAPES, parties::Parties};
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::progress::Silent;
use surety_prover::{
    many::{NotMade, ToProve as _},
    prove::ProveError,
};

/// How many are made at a time.
const COUNT: usize = 16;

fn many(criterion: &mut Criterion) {
    let setups = Setups::new(&Directories::of_user().unwrap());
    for shape in &SHAPES[1..3] {
        let parties = Parties::new(*shape, &setups);
        let mut group = criterion.benchmark_group(format!("{} attestations, {}", COUNT, shape.name()));
        group.sample_size(10).throughput(Throughput::Elements(COUNT as u64)).measurement_time(Duration::from_secs(20));
        group.bench_function("one after the other", |bencher| {
            bencher.iter(|| -> Result<(), ProveError> {
                for _ in 0..COUNT {
                    let institution = parties.institution();
                    parties.prover.prove(&institution.request(), institution.openings())?;
                }
                Ok(())
            });
        });
        // Threads that wait for a part of their proof begin another.
        group.bench_function("together in one pool", |bencher| {
            bencher.iter(|| {
                (0..COUNT).into_par_iter().with_max_len(1).try_for_each(|_| {
                    let institution = parties.institution();
                    parties.prover.prove(&institution.request(), institution.openings()).map(drop)
                })
            });
        });
        group.bench_function("many, each on one thread", |bencher| {
            bencher.iter(|| {
                let inputs = (0..COUNT).map(|_| Ok::<_, NotMade>(parties.institution()));
                parties.prover.prove_many(inputs, &Silent, |_, attestation| attestation.map(drop)).unwrap();
            });
        });
        group.finish();
    }
}

criterion_group!(benches, many);
criterion_main!(benches);
