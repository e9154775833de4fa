//! Keys, proofs and their verification.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use surety_benches::{Account, SHAPES};
use surety_circuits::{Halo2Key, ProvingKey};
use surety_core::units::Lots;
use surety_kzg::{Fr, Lanes, Table, progress::Silent};
use surety_margin::holdings::Position;

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
        let table = Table::new(params.lagrange(), &Silent);
        let single = ProvingKey::with_table(&params, table, Lanes::One).unwrap();
        group.bench_function("prove one row at a time", |bencher| bencher.iter(|| account.prove(&single, context)));
        let halo2 = Halo2Key::generate(&params).unwrap();
        group.bench_function("prove with Halo2", |bencher| bencher.iter(|| account.prove_with_halo2(&halo2, context)));
        let proof = account.prove(&key, context);
        group.bench_function("verify", |bencher| {
            bencher.iter(|| key.verifying_key().verify(context, &account.known, &proof).unwrap());
        });
        group.finish();
    }
}

/// Accounts of one policy that have nothing in common. Proving should take the same time for all of them.
fn portfolios(criterion: &mut Criterion) {
    let shape = SHAPES[0];
    let params = shape.params();
    let key = ProvingKey::generate(&params).unwrap();
    let with = |lots: &dyn Fn(usize) -> i128| {
        let mut setting = shape.setting();
        let count = setting.position.lots().len();
        setting.position = Position::from_lots((0..count).map(|index| Lots::new(lots(index)).unwrap()).collect());
        Account::of(setting, &params)
    };
    let cash = 100_000_000_000;
    let accounts = [
        ("nothing but cash", with(&|index| if index == 0 { cash } else { 0 })),
        ("long and short", with(&|index| if index == 0 { cash } else { 100 - 200 * (index as i128 % 2) })),
        ("large, all long", with(&|index| if index == 0 { cash * 1_000_000 } else { 98_765_432 + index as i128 })),
    ];
    let mut group = criterion.benchmark_group("prove, by portfolio");
    group.sample_size(50);
    for (name, account) in &accounts {
        group.bench_function(*name, |bencher| bencher.iter(|| account.prove(&key, Fr::from(7))));
    }
    group.finish();
}

criterion_group!(benches, proofs, portfolios);
criterion_main!(benches);
