//! One proof, verified: the whole, and its parts.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use surety_benches::{Account, SHAPES};
use surety_circuits::ProvingKey;
use surety_kzg::{Fr, Lanes};

fn verify(criterion: &mut Criterion) {
    let (shape, context) = (SHAPES[0], Fr::from(7));
    let params = shape.params();
    let account = Account::new(shape, &params);
    let key = ProvingKey::generate(&params).unwrap();
    let proof = account.prove(&key, context);
    let verifying_key = key.verifying_key();
    let check = verifying_key.reduce(context, &account.known, &proof).unwrap();
    let mut group = criterion.benchmark_group("verify a proof");
    group.bench_function("all", |bencher| {
        bencher.iter(|| verifying_key.verify(context, &account.known, &proof).unwrap());
    });
    group.bench_function("up to the pairing equation", |bencher| {
        bencher.iter(|| verifying_key.reduce(context, &account.known, &proof).unwrap());
    });
    group.bench_function("linear combinations", |bencher| {
        bencher.iter(|| [&check.left, &check.right].map(|side| side.evaluate(Lanes::One)));
    });
    group.bench_function("linear combinations and pairings", |bencher| {
        bencher.iter(|| check.check(verifying_key.pairing_key()).unwrap());
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
