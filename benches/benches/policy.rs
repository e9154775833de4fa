//! From a policy's text to its public columns' commitments, and from prices to a coefficient commitment.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use surety_benches::SHAPES;
use surety_margin::{compile::compile, sample};
use surety_verifier::CompiledPolicy;

fn policies(criterion: &mut Criterion) {
    for shape in SHAPES {
        let (sample, params) = (shape.sample(), shape.params());
        let mut group = criterion.benchmark_group(shape.name());
        group.sample_size(10);
        group.bench_function("compile", |bencher| {
            bencher.iter(|| compile(&sample.policy, &sample.universe).unwrap());
        });
        group.bench_function("compile and commit", |bencher| {
            bencher.iter(|| CompiledPolicy::compile(sample.policy.clone(), sample.universe.clone(), &params).unwrap());
        });
        let prices = sample::prices(&sample.policy);
        let compiled = CompiledPolicy::compile(sample.policy.clone(), sample.universe.clone(), &params).unwrap();
        let level = compiled.committed().level(&sample.policy.levels[0].name).unwrap();
        group.bench_function("follow prices", |bencher| bencher.iter(|| level.coef(&prices).unwrap()));
        group.finish();
    }
}

criterion_group!(benches, policies);
criterion_main!(benches);
