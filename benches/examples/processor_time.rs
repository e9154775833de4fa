//! Processor time and wall time of the provers, alternating, for the sizes whose names contain the argument.
//!
//! `cargo run --release -p surety-benches --example processor_time -- 16x16`; with a second argument, no Halo2.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement stops at the first surprise")]

use std::time::{Duration, Instant};

use surety_benches::{Account, SHAPES, processor_time};
use surety_circuits::{Halo2Key, ProvingKey};
use surety_kzg::{Fr, Lanes, Table, progress::Silent};

/// Processor time and wall time of some proofs.
#[derive(Clone, Copy, Default)]
struct Spent {
    processor: Duration,
    wall: Duration,
}

impl Spent {
    fn on(&mut self, prove: impl FnOnce()) {
        let (processor, wall) = (processor_time(), Instant::now());
        prove();
        self.processor += processor_time() - processor;
        self.wall += wall.elapsed();
    }

    fn per_proof(self, proofs: u32) -> String {
        let milliseconds = |sum: Duration| sum.as_secs_f64() * 1e3 / f64::from(proofs);
        format!("{:.0} ({:.0})", milliseconds(self.processor), milliseconds(self.wall))
    }
}

fn main() {
    let (wanted, alone) = (std::env::args().nth(1).unwrap_or_default(), std::env::args().nth(2));
    println!("k  shape  Halo2 ms (wall)  one row at a time  times  widest  times");
    for shape in SHAPES.into_iter().filter(|shape| shape.name().contains(&wanted)) {
        let params = shape.params();
        let account = Account::new(shape, &params);
        let table = Table::new(params.lagrange(), &Silent);
        let [one, widest] =
            [Lanes::One, Lanes::widest()].map(|lanes| ProvingKey::with_table(&params, table.clone(), lanes).unwrap());
        let halo2 = alone.is_none().then(|| Halo2Key::generate(&params).unwrap());
        let proofs = (1 << (17 - shape.k)).clamp(4, 40);
        let [mut of_halo2, mut of_one, mut of_widest] = [Spent::default(); 3];
        for _ in 0..proofs {
            of_widest.on(|| drop(account.prove(&widest, Fr::from(7))));
            of_one.on(|| drop(account.prove(&one, Fr::from(7))));
            if let Some(halo2) = &halo2 {
                of_halo2.on(|| drop(account.prove_with_halo2(halo2, Fr::from(7))));
            }
        }
        let times = |spent: Spent| of_halo2.processor.as_secs_f64() / spent.processor.as_secs_f64();
        println!(
            "{}  {}  {}  {}  {:.2}  {}  {:.2}",
            shape.k,
            shape.name(),
            of_halo2.per_proof(proofs),
            of_one.per_proof(proofs),
            times(of_one),
            of_widest.per_proof(proofs),
            times(of_widest),
        );
    }
}
