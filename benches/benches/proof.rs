//! Keys, proofs and their verification.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use surety_benches::{Account, SHAPES};
use surety_circuits::ProvingKey;
use surety_kzg::Fr;

fn proofs(criterion: &mut Criterion) {
    let context = Fr::from(7);
    for shape in SHAPES {
        let params = shape.params();
        let account = Account::new(shape, &params);
        let key = ProvingKey::generate(&params).unwrap();
        let mut group = criterion.benchmark_group(shape.name());
        group.sample_size(20);
        group.bench_function("generate the key", |bencher| bencher.iter(|| ProvingKey::generate(&params).unwrap()));
        group.bench_function("prove", |bencher| bencher.iter(|| account.prove(&key, context)));
        let proof = account.prove(&key, context);
        group.bench_function("verify", |bencher| {
            bencher.iter(|| key.verifying_key().verify(context, &account.known, &proof).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
