//! Calibrations of the example policies, over a synthetic history and over the one that comes with the machine.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod entries;
mod liquidity;
mod portfolio;
mod predictive;
mod published;
mod rules;
mod series;
mod synthetic;

use std::{
    fs,
    path::{Path, PathBuf},
};

use surety_calibration::{
    calibration::Calibration,
    history::{History, Selection},
};
use surety_core::{capacity::Capacity, text::Document as _};
use surety_margin::{policy::Policy, universe::Universe};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn example(name: &str) -> String {
    fs::read_to_string(root().join("examples").join(name)).unwrap()
}

/// The example's universe, in a circuit of `2^k` rows.
fn universe(k: u32) -> Universe {
    let universe = Universe::from_toml("universe.toml", &example("universe.toml")).unwrap();
    Universe { capacity: Capacity::new(k).unwrap(), ..universe }
}

fn policy(name: &str) -> Policy {
    Policy::read(name, &example(name), &universe(10)).unwrap()
}

fn calibration(name: &str, history: &History) -> Calibration {
    Calibration::read(name, &example(name), history, None).unwrap()
}

fn read_history(file: &str, text: &str) -> History {
    History::read(file, text, &Selection::default(), &mut Vec::new()).unwrap()
}

/// A file that comes with the machine and not with the project.
fn shared(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared/cases").join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

/// Daily prices of 2018 to 2020.
fn published_history() -> Option<History> {
    let path = shared("history/btc-eth-daily.csv")?;
    Some(read_history("btc-eth-daily.csv", &fs::read_to_string(path).unwrap()))
}
