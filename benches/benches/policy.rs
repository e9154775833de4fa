//! From a policy's text to its public columns' commitments, and from prices to a coefficient commitment.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use surety_benches::SHAPES;
use surety_margin::compile::compile;
use surety_verifier::CompiledPolicy;

fn policies(criterion: &mut Criterion) {
    for shape in SHAPES {
        let (setting, params) = (shape.setting(), shape.params());
        let mut group = criterion.benchmark_group(shape.name());
        group.sample_size(10);
        group.bench_function("compile", |bencher| {
            bencher.iter(|| compile(&setting.policy, &setting.universe).unwrap());
        });
        group.bench_function("compile and commit", |bencher| {
            bencher
                .iter(|| CompiledPolicy::compile(setting.policy.clone(), setting.universe.clone(), &params).unwrap());
        });
        let compiled = CompiledPolicy::compile(setting.policy.clone(), setting.universe.clone(), &params).unwrap();
        let level = compiled.committed().level(&setting.policy.levels[0].name).unwrap();
        group.bench_function("follow prices", |bencher| bencher.iter(|| level.coef(&setting.prices).unwrap()));
        group.finish();
    }
}

criterion_group!(benches, policies);
criterion_main!(benches);
