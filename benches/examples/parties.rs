//! Writes the files of an account of a size, for `surety prove`:
//!
//! `cargo run --release -p surety-benches --example parties -- 40x20 DIR`, then, within the hour,
//! `surety prove DIR --unpublished-snapshot`.

#![allow(clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

use std::{env, path::Path};

use surety_benches::{SHAPES, parties::Parties};
use surety_host::{directories::Directories, setup::Setups};

fn main() {
    let (wanted, directory) = (env::args().nth(1).unwrap(), env::args().nth(2).unwrap());
    let shape = SHAPES.into_iter().find(|shape| shape.name() == wanted).unwrap();
    let parties = Parties::new(shape, &Setups::new(&Directories::of_user().unwrap()));
    parties.write(Path::new(&directory));
}
