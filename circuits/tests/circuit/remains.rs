//! Nothing of a witness remains in memory that was freed.
//!
//! A process of its own proves, drops everything and writes its heap to a file; this one looks there for the numbers
//! that the witness had. Stacks are left out: code spills registers as its compiler decides.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
    process::Command,
};

use ff::PrimeField as _;
use halo2curves::{bn256::Fr, serde::SerdeObject as _};
use rand_chacha::rand_core::{OsRng, RngCore as _};
use surety_circuits::{AdviceColumn, ProvingKey, Witness};
use surety_kzg::{Masks, holding::holding_column};
use surety_margin::compile::compile;
use surety_testing::sample;
use zeroize::Zeroizing;

use crate::common::{development, known, position};

/// The directory of the process that proves: it finds the account there and leaves its heap.
const DIRECTORY: &str = "SURETY_TEST_REMAINS";

/// Set where that process leaves a copy of its witness behind.
const CARELESS: &str = "SURETY_TEST_CARELESS";

const INSTRUMENTS: usize = 3;

/// The witness of the account in a file: a number of lots of each instrument, and masks.
fn witness(file: &Path) -> Witness {
    let sample = sample::scenario_margin(10, INSTRUMENTS, 2);
    let prices = sample::prices(&sample.policy);
    let program = compile(&sample.policy, &sample.universe).unwrap().remove(0);
    let bytes = Zeroizing::new(fs::read(file).unwrap());
    let (amounts, masks) = bytes.split_at(8 * INSTRUMENTS);
    let amount = |bytes: &[u8; 8]| i128::from(i64::from_le_bytes(*bytes));
    let lots = Zeroizing::new(amounts.as_chunks::<8>().0.iter().map(amount).collect::<Vec<_>>());
    let placed = Zeroizing::new(lots.iter().copied().enumerate().collect::<Vec<_>>());
    let hold = holding_column(program.capacity(), &placed, &Masks::from_secret_bytes(masks).unwrap()).unwrap();
    let assignment = program.solve(&position(&lots), &prices).unwrap();
    Witness::new(&program, &prices, &hold, &assignment).unwrap()
}

/// Draws an account with much cash.
fn draw(file: &Path) {
    let mut bytes = Vec::new();
    for bits in [44, 24, 24] {
        bytes.extend((OsRng.next_u64() >> (64 - bits) | 1 << (bits - 1)).to_le_bytes());
    }
    bytes.extend(Masks::random(&mut OsRng).to_secret_bytes().iter());
    fs::write(file, bytes).unwrap();
}

/// Proves, and writes the heap once everything is dropped.
fn prove(directory: &Path) {
    {
        let witness = witness(&directory.join("account"));
        let params = development(witness.capacity());
        let (key, known) = (ProvingKey::generate(&params).unwrap(), known(&params, &witness));
        key.prove(Fr::from(1), &known, &witness).unwrap();
        if env::var_os(CARELESS).is_some() {
            drop(witness[AdviceColumn::Var].to_vec());
        }
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let heap = maps.lines().find(|line| line.ends_with("[heap]")).unwrap();
    let (start, end) = heap.split_once(' ').unwrap().0.split_once('-').unwrap();
    let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
    let mut memory = fs::File::open("/proc/self/mem").unwrap();
    memory.seek(SeekFrom::Start(start)).unwrap();
    let mut file = fs::File::create(directory.join("heap")).unwrap();
    std::io::copy(&mut memory.take(end - start), &mut file).unwrap();
}

/// Eight bytes of each wide number of the hidden columns, as it is and as fields compute with it. Narrow ones are in
/// public places as well. An allocator writes to the beginnings of what is freed, hence the second eight.
fn traces(witness: &Witness) -> BTreeSet<[u8; 8]> {
    let hidden = [AdviceColumn::BlindedHold, AdviceColumn::Var, AdviceColumn::Val, AdviceColumn::Acc];
    let lowest = |value: Fr| -> [u8; 8] { value.to_repr().as_chunks().0[0] };
    let wide =
        |value: &Fr| [*value, -*value].iter().all(|it| lowest(*it).iter().filter(|byte| **byte != 0).count() > 5);
    let cells = hidden.iter().flat_map(|column| &witness[*column]).filter(|value| wide(value));
    cells.flat_map(|value| [lowest(*value), value.to_raw_bytes().as_chunks().0[1]]).collect()
}

/// Attack: the memory of a process that has proven, as a core file or a swapped page shows it.
#[test]
fn rejects_traces_of_a_witness_in_freed_memory() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return prove(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let account = directory.path().join("account");
    draw(&account);
    let others = traces(&witness(&account));
    draw(&account);
    let hidden: BTreeSet<_> = &traces(&witness(&account)) - &others;
    assert!(hidden.len() > 50, "the account is as good as public: {}", hidden.len());
    let found = |careless: bool| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "remains::rejects_traces_of_a_witness_in_freed_memory"]);
        // One heap for all threads and sizes, which nothing leaves.
        command.envs([("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_MAX_", "0"), ("MALLOC_TRIM_THRESHOLD_", "99999999999")]);
        command.env(DIRECTORY, directory.path());
        if careless {
            command.env(CARELESS, "1");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let heap = fs::read(directory.path().join("heap")).unwrap();
        assert!(heap.len() > 4 << 20, "all of the prover's memory is there, not {} bytes", heap.len());
        let found = heap.windows(8).enumerate().filter(|(_, bytes)| hidden.contains(*bytes));
        found.map(|(at, _)| format!("{at}: {:x?}", &heap[at.saturating_sub(24)..at + 24])).collect::<Vec<_>>()
    };
    assert!(!found(true).is_empty(), "what is left behind is found");
    assert_eq!(found(false), Vec::<String>::new(), "places in the heap");
}
