//! Cells: pages opened at all their accounts, one cell verified, all cells of a page verified.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use surety_benches::cells::{OpenedPage, PAGES, table};
use surety_kzg::{Lanes, Params, progress::Silent};

fn cells(criterion: &mut Criterion) {
    for pages in PAGES {
        let srs = pages.set_up();
        let params = Params::from_srs(&srs, srs.capacity(), &Silent).unwrap();
        let table = table(pages, &params, Lanes::widest());
        let mut group = criterion.benchmark_group(pages.name());
        group.sample_size(10);
        let [page, single] =
            [Lanes::widest(), Lanes::One].map(|lanes| OpenedPage::new(pages, &srs, &params, table.clone(), lanes));
        let openings = page.open();
        group.bench_function("verify a cell", |bencher| bencher.iter(|| page.verify(0, &openings)));
        group.throughput(Throughput::Elements(openings.len() as u64));
        group.bench_function("open", |bencher| bencher.iter(|| page.open()));
        group.bench_function("open one point at a time", |bencher| bencher.iter(|| single.open()));
        group.bench_function("verify all cells", |bencher| bencher.iter(|| page.verify_all(&openings)));
        group.finish();
    }
}

criterion_group!(benches, cells);
criterion_main!(benches);
