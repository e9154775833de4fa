//! Pages of books: how many accounts fit, and accounts in each second of processor time.
//!
//! `cargo run --release -p surety-benches --example books -- collateral 8 16`: the margin rule (collateral, tiers or
//! scenarios), how many instruments, and k.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise"
)]

use std::time::{Duration, Instant};

use rand_core::{OsRng, RngCore as _};
use surety_benches::processor_time;
use surety_books::{
    compiled::CompiledRules,
    root::BookHeader,
    rules::{BookRules, Cap, PageKind},
};
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{HexBytes, Name},
    kind::KindOf,
};
use surety_kzg::{Lanes, Params, Srs, Table, progress::Silent};
use surety_testing::sample::{self, Sample};
use surety_venue::{account::UserAccount, page::PageInput, prover::PageProver};
use surety_verifier::CompiledPolicy;

fn main() {
    let argument = |at: usize, default: &str| std::env::args().nth(at).unwrap_or_else(|| default.to_owned());
    let (rule, assets, k) = (argument(1, "collateral"), argument(2, "8").parse().unwrap(), argument(3, "16"));
    let k = k.parse().unwrap();
    let capacity = Capacity::new(k).unwrap();
    let srs = Srs::development(capacity);
    let params = Params::from_srs(&srs, capacity, &Silent).unwrap();
    let mut sample = sample_of(&rule, k, assets);
    sample.universe.srs = srs.id().bytes();
    let policy = CompiledPolicy::compile(sample.policy, sample.universe, &params).unwrap().committed().clone();
    let prices = sample::prices(policy.policy());
    let table = Table::new(params.lagrange(), &Silent);
    // Positions of a scenario rule are long or short.
    let kinds = if rule == "scenarios" { &[true][..] } else { &[false, true] };
    for debts in kinds.iter().copied() {
        let name = |text: &str| Name::new(text).unwrap();
        let amount = || serde_json::from_str("\"1000000000\"").unwrap();
        let cap = |instrument: &Name| Cap { instrument: instrument.clone(), debts: amount(), balances: amount() };
        let rules = BookRules {
            kind: KindOf::new(),
            version: FormatVersion,
            venue: name("bench"),
            level: name("maintenance"),
            quote: name("USD"),
            max_shortfall: amount(),
            kinds: vec![PageKind { name: name("page"), debts, instruments: Vec::new(), accounts: None }],
            caps: policy.universe().instruments.iter().map(|it| cap(&it.name)).collect(),
        };
        let start = Instant::now();
        let rules = CompiledRules::compile(rules, policy.clone(), &params).unwrap();
        let page = &rules.kinds[0].page;
        let (accounts, cells) = (page.layout().accounts(), page.layout().cells());
        println!(
            "{rule}, {assets} instruments, debts: {debts}: {accounts} accounts, {} cosets, {} short groups; {:?}",
            cells.cosets(),
            page.program().groups().short(),
            start.elapsed()
        );
        let start = Instant::now();
        let of_cells = PageProver::cell_table(&rules, &params, 0, Lanes::widest(), &Silent);
        println!("  table of cells in {:?}", start.elapsed());
        let prover = PageProver::new(&rules, &params, 0, (table.clone(), of_cells), Lanes::widest()).unwrap();
        let start = processor_time();
        let input = PageInput::shuffled(page, 0, accounts_of(accounts, assets, debts), &mut OsRng).unwrap();
        let filled = input.fill(&rules, &HexBytes([7; 20]), &prices).unwrap();
        let filling = processor_time() - start;
        let (proven, start, wall) = (2, processor_time(), Instant::now());
        for index in 0..proven {
            prover.prove(&filled, BookHeader(HexBytes([1; 32])), index, &prices).unwrap();
        }
        let (each, wall) = ((processor_time() - start) / proven, wall.elapsed() / proven);
        let per_second = |time: Duration| accounts as f64 / time.as_secs_f64();
        println!(
            "  filling {filling:?}; proof and cells {each:?} ({wall:?}): {:.0} accounts a core-second",
            per_second(each)
        );
    }
}

fn sample_of(rule: &str, k: u32, instruments: usize) -> Sample {
    match rule {
        "collateral" => sample::collateral(k, instruments),
        "tiers" => sample::tiered(k, instruments, 3),
        "scenarios" => sample::scenario_margin(k, instruments, instruments),
        other => panic!("expected collateral, tiers or scenarios, found {other}"),
    }
}

fn accounts_of(count: usize, assets: usize, debts: bool) -> Vec<UserAccount> {
    let account = |index: usize| {
        let pick = |below: u64| (OsRng.next_u64() % below) as i128;
        let mut lots: Vec<i128> = (0..assets).map(|_| if pick(3) == 0 { pick(50_000_000) } else { 0 }).collect();
        if debts && index.is_multiple_of(5) {
            lots[0] = 100_000_000;
            lots[1 + index % (assets - 1)] = -pick(10_000) - 1;
        }
        UserAccount::new(format!("user-{index}"), HexBytes([0; 32]), lots, &mut OsRng)
    };
    (0..count).map(account).collect()
}
