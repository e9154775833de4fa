//! Books: inputs built from a list of accounts, a book verified as an auditor does, a cell checked as its user does.
//!
//! Verifying a page takes the same whatever the capacity class: a proof has the same points and numbers. So the book of
//! as many pages as a million accounts take at k = 16 has small pages, all different, and one page of each class is
//! verified by itself for comparison. Books are proven once, in a minute or two, and kept in `target/` for later runs.

#![allow(missing_docs, reason = "criterion's macros define undocumented functions")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::{path::PathBuf, time::SystemTime};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand_core::OsRng;
use surety_benches::books::{ACCOUNTS, FEW, PAGES, Published, Venue};
use surety_books::{
    book::{BookTerms, verify, verify_page},
    cell::{CellTerms, check},
};
use surety_core::units::Timestamp;
use surety_host::{directories::Directories, setup::Setups};
use surety_venue::directory::BookDirectory;
use surety_verifier::attestation::report::check_snapshot;

fn target(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).join(name)
}

fn books(criterion: &mut Criterion) {
    let setups = Setups::new(&Directories::of_user().unwrap());
    let now = Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let venue =
        |accounts: u64, k: u32| Venue::open(&target(&format!("venue-{accounts}-{k}")), accounts, k, now, &setups);
    let published = |venue: &Venue<'_>, accounts: u64, k: u32| {
        venue.publish(&BookDirectory::new(target(&format!("book-{accounts}-{k}"))))
    };
    build(criterion, &venue(100_000, 16));
    let (many, few) = (venue(ACCOUNTS, 12), venue(FEW, 16));
    let book = published(&many, ACCOUNTS, 12);
    println!("{} pages, a million accounts take {PAGES}", book.pages.len());
    verify_books(criterion, &many, &book, 12);
    let book = published(&few, FEW, 16);
    verify_books(criterion, &few, &book, 16);
    cells(criterion, &few, &book);
}

fn build(criterion: &mut Criterion, venue: &Venue<'_>) {
    let mut group = criterion.benchmark_group("book, k = 16");
    group.sample_size(10).throughput(Throughput::Elements(100_000));
    group.bench_function("build inputs, an account", |bencher| {
        let fresh = || tempfile::TempDir::new().unwrap();
        bencher.iter_batched(
            fresh,
            |files| {
                let built = venue.build(&BookDirectory::new(files.path().join("book")));
                assert_eq!(built.accounts, 100_000);
                files
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn verify_books(criterion: &mut Criterion, venue: &Venue<'_>, published: &Published, k: u32) {
    let Published { book, pages, .. } = published;
    let mut group = criterion.benchmark_group(format!("book, k = {k}"));
    group.sample_size(10);
    let terms = BookTerms { allow_insecure_srs: true, root: Some(book.root), now: venue.snapshot.time };
    group.bench_function(format!("verify, {} pages", pages.len()), |bencher| {
        bencher.iter(|| verify(book, pages, &venue.rules, &venue.snapshot, &terms, &mut OsRng).unwrap());
    });
    let prices = check_snapshot(&venue.rules.policy, &venue.snapshot).unwrap().prices;
    group.bench_function("verify a page by itself", |bencher| {
        let page = (book.header(), 0);
        bencher.iter(|| verify_page(&pages[0], page, &venue.rules, &prices, &mut OsRng).unwrap());
    });
    group.finish();
}

fn cells(criterion: &mut Criterion, venue: &Venue<'_>, published: &Published) {
    let Published { book, cell, .. } = published;
    let mut group = criterion.benchmark_group("book, k = 16");
    let terms = CellTerms { root: Some(book.root), user: Some(&cell.user), nonce: Some(cell.nonce) };
    let universe = venue.rules.policy.universe();
    let key = published.key(venue);
    group.bench_function("check a cell with a key that is checked", |bencher| {
        bencher.iter(|| check(cell, book, universe, key.clone(), &terms).unwrap());
    });
    // As a user does who checks the key first.
    group.bench_function("check a cell and its key", |bencher| {
        bencher.iter(|| check(cell, book, universe, published.key(venue), &terms).unwrap());
    });
    group.finish();
}

criterion_group!(benches, books);
criterion_main!(benches);
