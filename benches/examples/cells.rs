//! Processor time of cells, for the pages whose names contain the argument.
//!
//! `cargo run --release -p surety-benches --example cells -- "k = 16"`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use surety_benches::{
    cells::{OpenedPage, PAGES, table},
    processor_time,
};
use surety_kzg::{Lanes, Params, progress::Silent};

/// Processor time of some work, in milliseconds, on average.
fn milliseconds(times: u32, mut work: impl FnMut()) -> f64 {
    let before = processor_time();
    (0..times).for_each(|_| work());
    (processor_time() - before).as_secs_f64() * 1e3 / f64::from(times)
}

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    for pages in PAGES.into_iter().filter(|pages| pages.name().contains(&wanted)) {
        let srs = pages.set_up();
        let params = Params::from_srs(&srs, srs.capacity(), &Silent).unwrap();
        let mut made = None;
        let of_table = milliseconds(1, || made = Some(table(pages, &params, Lanes::widest())));
        let table = made.unwrap();
        println!("{}", pages.name());
        println!("  table: {of_table:.0} ms, {} MiB", size_of_val(table.points()) >> 20);
        for lanes in [Lanes::widest(), Lanes::One] {
            let page = OpenedPage::new(pages, &srs, &params, table.clone(), lanes);
            let openings = page.open();
            let open = milliseconds(3, || drop(page.open()));
            let cells = openings.len();
            println!("  {lanes:?}: {open:.0} ms a page, {:.0} cells a core-second", cells as f64 / open * 1e3);
            if lanes == Lanes::One {
                let one = milliseconds(100, || page.verify(0, &openings));
                let all = milliseconds(1, || page.verify_all(&openings));
                println!("  verified: {one:.2} ms a cell; {all:.0} ms all {cells}");
            }
        }
    }
}
