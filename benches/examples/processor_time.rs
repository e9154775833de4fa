//! Processor time and wall time of both provers, alternating, for the sizes whose names contain the argument.
//!
//! `cargo run --release -p surety-benches --example processor_time -- 16x16`; with a second argument, no Halo2.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use std::{
    fs,
    time::{Duration, Instant},
};

use surety_benches::{Account, SHAPES};
use surety_circuits::{Halo2Key, ProvingKey};
use surety_kzg::Fr;

/// Processor time of this process in all threads. Linux counts in hundredths of a second.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn main() {
    let (wanted, alone) = (std::env::args().nth(1).unwrap_or_default(), std::env::args().nth(2));
    println!("k  shape  own ms (wall)  Halo2 ms (wall)  times");
    for shape in SHAPES.into_iter().filter(|shape| shape.name().contains(&wanted)) {
        let params = shape.params();
        let account = Account::new(shape, &params);
        let started = Instant::now();
        let own = ProvingKey::generate(&params).unwrap();
        let table = started.elapsed();
        let halo2 = alone.is_none().then(|| Halo2Key::generate(&params).unwrap());
        let rounds = (1 << (17 - shape.k)).clamp(4, 40);
        let measure = |sum: &mut (Duration, Duration), prove: &dyn Fn()| {
            let (processor, wall) = (processor_time(), Instant::now());
            prove();
            sum.0 += processor_time() - processor;
            sum.1 += wall.elapsed();
        };
        let (mut of_own, mut of_halo2) = Default::default();
        for _ in 0..rounds {
            measure(&mut of_own, &|| drop(account.prove(&own, Fr::from(7))));
            if let Some(halo2) = &halo2 {
                measure(&mut of_halo2, &|| drop(account.prove_with_halo2(halo2, Fr::from(7))));
            }
        }
        let milliseconds = |sum: Duration| sum.as_secs_f64() * 1e3 / f64::from(rounds);
        println!(
            "{}  {}  {:.0} ({:.0})  {:.0} ({:.0})  {:.2}  key in {:.0}",
            shape.k,
            shape.name(),
            milliseconds(of_own.0),
            milliseconds(of_own.1),
            milliseconds(of_halo2.0),
            milliseconds(of_halo2.1),
            of_halo2.0.as_secs_f64() / of_own.0.as_secs_f64(),
            table.as_secs_f64() * 1e3,
        );
    }
}
