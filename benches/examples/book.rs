//! Processor time of a book: building inputs, verifying as an auditor does, checking a cell as its user does.
//!
//! `cargo run --release -p surety-benches --example book`; the bench `book` measures the same by the clock, and says
//! why the book with many pages has small ones. Books are proven once, and kept in `target/`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use std::{path::PathBuf, time::SystemTime};

use rand_core::OsRng;
use surety_benches::{
    books::{ACCOUNTS, FEW, Venue},
    processor_time,
};
use surety_books::{
    book::{BookTerms, verify},
    cell::{CellTerms, check},
};
use surety_core::units::Timestamp;
use surety_host::{directories::Directories, setup::Setups};
use surety_venue::directory::BookDirectory;

/// Processor time of some work, in milliseconds, on average.
fn milliseconds(times: u32, mut work: impl FnMut()) -> f64 {
    let before = processor_time();
    (0..times).for_each(|_| work());
    (processor_time() - before).as_secs_f64() * 1e3 / f64::from(times)
}

fn main() {
    let setups = Setups::new(&Directories::of_user().unwrap());
    let now = Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    let target = |name: String| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")).join(name);
    let venue = |accounts, k| Venue::open(&target(format!("venue-{accounts}-{k}")), accounts, k, now, &setups);

    let large = venue(100_000, 16);
    let fresh = tempfile::TempDir::new().unwrap();
    let build = milliseconds(1, || drop(large.build(&BookDirectory::new(fresh.path().join("book")))));
    println!("inputs of 100,000 accounts: {build:.0} ms, {:.0} accounts a core-second", 1e8 / build);

    for (accounts, k) in [(ACCOUNTS, 12), (FEW, 16)] {
        let venue = venue(accounts, k);
        let mut published = None;
        let made = milliseconds(1, || {
            published = Some(venue.publish(&BookDirectory::new(target(format!("book-{accounts}-{k}")))));
        });
        let published = published.unwrap();
        let (book, pages) = (&published.book, &published.pages);
        println!("k = {k}: {} pages, read or made in {made:.0} ms", pages.len());
        let terms = BookTerms { allow_insecure_srs: true, root: Some(book.root), now: venue.snapshot.time };
        let each = milliseconds(5, || {
            verify(book, pages, &venue.rules, &venue.snapshot, &terms, &mut OsRng).unwrap();
        });
        println!("  verified in {each:.0} ms");
        let (cell, universe) = (&published.cell, venue.rules.policy.universe());
        let terms = CellTerms { root: Some(book.root), user: Some(&cell.user), nonce: Some(cell.nonce) };
        let key = published.key(&venue);
        let each = milliseconds(100, || check(cell, book, universe, key.clone(), &terms).unwrap());
        println!(
            "  a cell checked in {each:.2} ms, and its key in {:.2} ms",
            milliseconds(100, || drop(published.key(&venue)))
        );
    }
}
